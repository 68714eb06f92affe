//! Texts that run from right to left: what is inserted stays apart, and a phone sees which way the text runs.
//!
//! Phones lay a text out by its first letter. What a catalogue from right to left says therefore begins with an Arabic or
//! Hebrew letter, or else with a mark that says so; and every isolate that is opened is closed, also where a text was cut.

use icu_properties::CodePointMapData;
use icu_properties::props::BidiClass;

/// Opens an isolate that runs as its own first letter says.
const FIRST_STRONG_ISOLATE: char = '\u{2068}';
/// Closes an isolate.
pub const POP_ISOLATE: char = '\u{2069}';
/// Runs from right to left, and is not seen.
const RIGHT_TO_LEFT_MARK: char = '\u{200f}';

/// Whether the first character that has a direction of its own runs from right to left. What stands in an isolate
/// counts, too, though the Unicode rules pass it over: not every phone knows them all.
pub fn begins_right_to_left(text: &str) -> bool {
    let classes = CodePointMapData::<BidiClass>::new();
    text.chars()
        .find_map(|each| match classes.get(each) {
            BidiClass::RightToLeft | BidiClass::ArabicLetter => Some(true),
            BidiClass::LeftToRight => Some(false),
            _ => None,
        })
        .unwrap_or(false)
}

/// The text, led by a mark where it does not begin from right to left.
pub fn lead(mut text: String) -> String {
    if !begins_right_to_left(&text) {
        text.insert(0, RIGHT_TO_LEFT_MARK);
    }
    text
}

/// How many isolates a text leaves open.
pub fn open_isolates(text: &str) -> usize {
    text.chars().fold(0, |open: usize, each| match each {
        '\u{2066}'..=FIRST_STRONG_ISOLATE => open + 1,
        POP_ISOLATE => open.saturating_sub(1),
        _ => open,
    })
}

/// Whether a text ends as it began: each isolate, embedding and override that it opens, it closes, in their order.
pub fn is_balanced(text: &str) -> bool {
    let mut open = Vec::new();
    for each in text.chars() {
        match each {
            '\u{2066}'..=FIRST_STRONG_ISOLATE => open.push(POP_ISOLATE),
            '\u{202a}' | '\u{202b}' | '\u{202d}' | '\u{202e}' => open.push('\u{202c}'),
            '\u{202c}' | POP_ISOLATE if open.pop() != Some(each) => return false,
            _ => {}
        }
    }
    open.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_says_which_way_a_text_runs() {
        assert!(begins_right_to_left("«شارة» Explorer"));
        assert!(begins_right_to_left("٧ أيام!"));
        assert!(begins_right_to_left("7 ימים"));
        assert!(!begins_right_to_left("\u{2068}Noor\u{2069} معنا"));
        assert!(!begins_right_to_left("٧!"));
        assert_eq!(lead("٧!".to_owned()), "\u{200f}٧!");
        assert_eq!(lead("شارة".to_owned()), "شارة");
    }

    #[test]
    fn what_is_opened_must_be_closed() {
        assert!(is_balanced("a\u{2068}b\u{2067}c\u{2069}\u{2069}"));
        for wrong in [
            "\u{2068}a",
            "a\u{2069}",
            "\u{202e}a",
            "\u{202a}\u{2068}\u{202c}\u{2069}",
        ] {
            assert!(!is_balanced(wrong), "{wrong:?}");
        }
        assert_eq!(open_isolates("\u{2069}\u{2068}a\u{2066}b\u{2069}"), 1);
    }
}
