//! What became of many letters, in few lines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::output;

/// The most kinds of refusal that are told apart.
const KINDS: usize = 20;

/// How many letters went back, and why others did not.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub put_back: u64,
    pub refused: u64,
    /// By what was said: how many, and where the first of them stands.
    kinds: BTreeMap<String, (u64, String)>,
}

impl Tally {
    pub fn refuse(&mut self, place: String, why: String) {
        self.refused += 1;
        if let Some((count, _)) = self.kinds.get_mut(&why) {
            *count += 1;
        } else if self.kinds.len() < KINDS {
            self.kinds.insert(why, (1, place));
        }
    }

    /// For people; `verb` is what is done to letters, or would be.
    pub fn text(&self, verb: &str) -> String {
        let mut text = format!("{} {verb}\n", letters(self.put_back));
        if self.refused == 0 {
            return text;
        }
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{} refused:", letters(self.refused));
        let mut told = 0;
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
        for (why, (count, place)) in kinds {
            told += count;
            let line = format!("{count} from {place} on: {why}");
            let _ = writeln!(text, "  {}", output::plain(&line));
        }
        if self.refused > told {
            let _ = writeln!(text, "  {} for other reasons", self.refused - told);
        }
        text
    }
}

pub(super) fn letters(count: u64) -> String {
    match count {
        1 => "1 letter".to_owned(),
        _ => format!("{count} letters"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_for_the_same_reason_is_counted_together() {
        let mut tally = Tally {
            put_back: 1,
            ..Tally::default()
        };
        for (place, why) in [("t/0/1", "cut"), ("t/0/2", "worse"), ("t/0/3", "worse")] {
            tally.refuse(place.to_owned(), why.to_owned());
        }
        assert_eq!(
            tally.text("put back"),
            "1 letter put back\n3 letters refused:\n  2 from t/0/2 on: worse\n  1 from t/0/1 on: cut\n"
        );
    }

    #[test]
    fn a_flood_of_reasons_is_a_few_lines() {
        let mut tally = Tally::default();
        for number in 0..100 {
            tally.refuse("t/0/1".to_owned(), format!("reason {number}"));
        }
        let text = tally.text("put back");
        assert_eq!(text.lines().count(), 2 + KINDS + 1);
        assert!(text.ends_with("  80 for other reasons\n"), "{text}");
    }
}
