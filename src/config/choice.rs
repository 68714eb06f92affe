//! Settings that are one of some words.

use serde::de::{Deserialize, Deserializer, Error};

/// How alike a word must be to one of them to be taken for a slip, 0 to 1: `at_most_once` is not meant as `at_least_once`.
const LIKENESS: f64 = 0.8;

/// What the word stands for.
///
/// # Errors
/// If it is none of them: names them, and the one that was probably meant.
pub(super) fn read<'de, D: Deserializer<'de>, T: Copy>(from: D, words: &[(&str, T)]) -> Result<T, D::Error> {
    let said = String::deserialize(from)?;
    let found = words.iter().find(|(word, _)| *word == said);
    found
        .map(|(_, choice)| *choice)
        .ok_or_else(|| D::Error::custom(wrong(&said, words)))
}

fn wrong<T>(said: &str, words: &[(&str, T)]) -> String {
    let names: Vec<_> = words.iter().map(|(word, _)| format!("{word:?}")).collect();
    let (last, others) = names
        .split_last()
        .map_or(("", &[][..]), |(last, others)| (last.as_str(), others));
    let must = format!("must be {} or {last}", others.join(", "));
    // To compare what is long takes memory, and it is no slip.
    let likeness = |word: &str| match said.len() {
        0..=64 => strsim::normalized_damerau_levenshtein(word, &said.to_lowercase().replace('-', "_")),
        _ => 0.0,
    };
    words
        .iter()
        .map(|(word, _)| (likeness(word), word))
        .filter(|(likeness, _)| *likeness >= LIKENESS)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map_or(must.clone(), |(_, meant)| {
            format!("{must}; did you mean {meant:?}?")
        })
}

#[cfg(test)]
mod tests {
    use crate::config::{LogFormat, Over, Semantics, Settings};

    #[test]
    fn a_wrong_word_is_told_the_right_ones_and_the_likely_one() {
        for (toml, expected) in [
            (
                "caps.over = 'digets'",
                "caps.over = \"digets\" in inq.toml: must be \"wait\", \"digest\" or \"drop\"; did you mean \"digest\"?",
            ),
            (
                "dispatch.semantics = 'Exactly-Once'",
                "must be \"exactly_once\" or \"at_least_once\"; did you mean \"exactly_once\"?",
            ),
            (
                "log.format = 'xml'",
                "log.format = \"xml\" in inq.toml: must be \"auto\", \"text\" or \"json\"",
            ),
            (
                "dispatch.semantics = 'at_most_once'",
                "must be \"exactly_once\" or \"at_least_once\"",
            ),
            ("log.format = ''", "must be \"auto\", \"text\" or \"json\""),
        ] {
            let said = Settings::from_toml(toml).unwrap_err().to_string();
            assert!(said.ends_with(expected), "{toml}: {said}");
        }
    }

    #[test]
    fn each_word_is_read_as_it_is_written() {
        for over in [Over::Wait, Over::Digest, Over::Drop] {
            let toml = format!("caps.over = {}", serde_json::json!(over));
            assert_eq!(Settings::from_toml(&toml).unwrap().caps.over, over);
        }
        for semantics in [Semantics::ExactlyOnce, Semantics::AtLeastOnce] {
            let toml = format!("dispatch.semantics = {}", serde_json::json!(semantics));
            assert_eq!(Settings::from_toml(&toml).unwrap().dispatch.semantics, semantics);
        }
        for format in [LogFormat::Auto, LogFormat::Text, LogFormat::Json] {
            let toml = format!("log.format = {}", serde_json::json!(format));
            assert_eq!(Settings::from_toml(&toml).unwrap().log.format, format);
        }
    }
}
