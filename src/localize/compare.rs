//! What a language lacks beside another one, and what is longer than a phone shows.

use std::collections::BTreeSet;
use std::path::Path;

use fluent_syntax::ast::{Attribute, Entry};
use icu_properties::CodePointMapData;
use icu_properties::props::EastAsianWidth;
use serde::Serialize;
use serde_json::{Map, Value};
use unicode_segmentation::UnicodeSegmentation;

use super::catalogue::{Catalogue, Part};
use super::fault::CatalogueErrors;
use super::file::File;
use super::{CatalogueError, Subject, arguments, check, negotiate};
use crate::contract::IncentiveType;

/// How much of a title phones show: one line of a notification on Android and iOS in portrait, at the usual text size.
pub const TITLE_COLUMNS: usize = 50;
/// How much of a body phones show before it is opened: four lines on an iOS lock screen.
pub const BODY_COLUMNS: usize = 150;

/// A language beside another one.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// The language, a BCP 47 tag.
    pub language: String,
    /// What it is compared with.
    pub with: String,
    /// Messages, terms and parts of them that only the other one has, by name, but not those of `no_digest`.
    pub missing: Vec<String>,
    /// The types whose digest this one lacks: their notifications are not gathered in this language.
    pub no_digest: Vec<IncentiveType>,
    /// Those that only this one has: shared messages of its own are nothing wrong.
    pub extra: Vec<String>,
    /// Texts that are longer than phones show; empty where there are faults.
    pub longer: Vec<Long>,
    /// What keeps it from being rendered.
    pub faults: Vec<CatalogueError>,
}

/// A text that is longer than phones show.
#[derive(Debug, Serialize)]
pub struct Long {
    /// Whose it is: `streak_reward--short.title`.
    pub part: String,
    /// How long it is: a Chinese or Japanese character counts two, what is not seen nothing.
    pub columns: usize,
    /// How much of it is shown.
    pub shown: usize,
    /// The text.
    pub text: String,
}

impl Comparison {
    /// The catalogue of `language` beside that of `with`, as they are compiled in and overridden by those of `dir`.
    /// `typical` gives the data to render a message with. An incomplete catalogue is compared as well as a whole one.
    ///
    /// # Errors
    /// With the languages that there are, where there is none of that tag.
    pub fn of(
        dir: Option<&Path>,
        with: &str,
        language: &str,
        typical: impl Fn(Subject) -> Map<String, Value>,
    ) -> Result<Self, String> {
        let mut faults = Vec::new();
        let mut all = File::built_in(&mut faults);
        if let Some(dir) = dir {
            all.extend(File::of_directory(dir, &mut faults));
        }
        let of = |tag: &str| -> Result<(String, Vec<&File>), String> {
            let wanted = negotiate::read(tag);
            let files: Vec<_> = all
                .iter()
                .filter(|file| wanted.as_ref() == Some(&file.language))
                .collect();
            match files.first() {
                Some(first) => Ok((first.language.to_string(), files)),
                None => Err(format!(
                    "there is no catalogue for `{tag}`; there are {}",
                    tags(&all)
                )),
            }
        };
        let (with, theirs) = of(with)?;
        let (language, ours) = of(language)?;
        let (their_parts, our_parts) = (parts(&theirs), parts(&ours));
        let digest = |kind| Subject::Digest(kind).to_string();
        let no_digest: Vec<_> = IncentiveType::ALL
            .into_iter()
            .filter(|kind| {
                !ours
                    .iter()
                    .any(|file| file.messages().any(|id| id == digest(*kind)))
            })
            .collect();
        let optional: BTreeSet<_> = no_digest
            .iter()
            .flat_map(|kind| Part::ALL.map(|part| format!("{}.{}", digest(*kind), part.as_str())))
            .collect();
        faults.retain(|fault| ours.iter().any(|file| file.name == fault.file));
        let files: Vec<File> = ours.into_iter().cloned().collect();
        let longer = match rendered(&files, &mut faults) {
            Some(catalogue) => longer(&catalogue, typical),
            None => Vec::new(),
        };
        Ok(Self {
            missing: their_parts
                .difference(&our_parts)
                .filter(|part| !optional.contains(*part))
                .cloned()
                .collect(),
            no_digest,
            extra: our_parts.difference(&their_parts).cloned().collect(),
            language,
            with,
            longer,
            faults: CatalogueErrors::from_found(faults)
                .map(|faults| faults.iter().cloned().collect())
                .unwrap_or_default(),
        })
    }
}

fn tags(files: &[File]) -> String {
    let tags: BTreeSet<_> = files.iter().map(|file| file.language.to_string()).collect();
    tags.into_iter().collect::<Vec<_>>().join(", ")
}

/// The names of all that files of one language say.
fn parts(files: &[&File]) -> BTreeSet<String> {
    let mut parts = BTreeSet::new();
    for entry in files.iter().flat_map(|file| file.text.entries()) {
        let (name, has_value, attributes): (_, _, &[Attribute<&str>]) = match entry {
            Entry::Message(message) => (
                message.id.name.to_owned(),
                message.value.is_some(),
                &message.attributes,
            ),
            Entry::Term(term) => (format!("-{}", term.id.name), true, &term.attributes),
            _ => continue,
        };
        parts.extend(attributes.iter().map(|part| format!("{name}.{}", part.id.name)));
        if has_value {
            parts.insert(name);
        }
    }
    parts
}

/// The catalogue of the files of one language, if nothing is wrong with them.
fn rendered(files: &[File], faults: &mut Vec<CatalogueError>) -> Option<Catalogue> {
    check::check(files, faults);
    if !faults.is_empty() {
        return None;
    }
    let catalogue = Catalogue::new(files.first()?.language.clone(), files);
    check::rehearse::rehearse(&catalogue, files, faults);
    faults.is_empty().then_some(catalogue)
}

fn longer(catalogue: &Catalogue, typical: impl Fn(Subject) -> Map<String, Value>) -> Vec<Long> {
    let mut longer = Vec::new();
    for (subject, id) in catalogue.messages() {
        let arguments = arguments::fill(subject, &typical(subject));
        for (part, shown) in [(Part::Title, TITLE_COLUMNS), (Part::Body, BODY_COLUMNS)] {
            let text = catalogue.write(0, id, part, &arguments, &mut Vec::new());
            let columns = columns(&text);
            if columns > shown {
                let part = format!("{id}.{}", part.as_str());
                longer.push(Long {
                    part,
                    columns,
                    shown,
                    text,
                });
            }
        }
    }
    longer
}

/// How wide a text is: what a reader takes for one character counts one, and two if it is as wide as two.
pub(super) fn columns(text: &str) -> usize {
    let widths = CodePointMapData::<EastAsianWidth>::new();
    let width = |grapheme: &str| match grapheme.chars().next() {
        Some('\u{200e}' | '\u{200f}' | '\u{2066}'..='\u{2069}') | None => 0,
        Some(first) => match widths.get(first) {
            EastAsianWidth::Wide | EastAsianWidth::Fullwidth => 2,
            _ => 1,
        },
    };
    text.graphemes(true).map(width).sum()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    fn compare(files: &[(&str, &str)], language: &str) -> Result<Comparison, String> {
        let dir = TempDir::new().expect("a directory");
        for (name, text) in files {
            fs::write(dir.path().join(name), text).expect("a file");
        }
        let typical = |_| {
            json!({ "streak_count": 7, "digest": { "count": 3 } })
                .as_object()
                .cloned()
                .expect("an object")
        };
        Comparison::of(Some(dir.path()), "en", language, typical)
    }

    #[test]
    fn what_a_new_language_lacks_is_told_by_its_parts() {
        let text = "-brand = Acme\npoint_earning =\n    .title = { -brand }\nextra = { \"\" }\n";
        let found = compare(&[("it.ftl", text), ("fr.ftl", "oops\n")], "it").expect("compared");
        assert_eq!(found.extra, ["-brand", "extra"]);
        assert!(found.missing.contains(&"point_earning.body".to_owned()));
        assert!(found.missing.contains(&"streak_reward.title".to_owned()));
        assert!(found.missing.contains(&"some-points".to_owned()));
        assert!(!found.missing.contains(&"point_earning.title".to_owned()));
        let faults: Vec<_> = found.faults.iter().map(ToString::to_string).collect();
        assert!(faults.iter().all(|fault| fault.contains("it.ftl")), "{faults:?}");
        assert!(!faults.is_empty());
    }

    #[test]
    fn what_is_longer_than_a_phone_shows_is_told() {
        let wide = "七".repeat(26);
        let text = format!(
            "streak_reward--b =\n    .title = {wide}\n    .body = {}\n",
            "a".repeat(150)
        );
        let found = compare(&[("ja.ftl", &text)], "ja").expect("compared");
        assert_eq!(found.faults, []);
        assert_eq!(found.extra, ["streak_reward--b.body", "streak_reward--b.title"]);
        let longer: Vec<_> = found
            .longer
            .iter()
            .map(|long| (long.part.as_str(), long.columns, long.shown))
            .collect();
        assert_eq!(longer, [("streak_reward--b.title", 52, TITLE_COLUMNS)]);
    }

    #[test]
    fn the_digests_that_a_language_lacks_are_told_by_their_types() {
        use IncentiveType::{AchievementReward, BonusOpportunity, ChallengeCompletion, ReferralBonus};
        let text = "point_earning-digest =\n    .title = { $count }\n    .body = b\n\
                    streak_reward-digest =\n    .body = b\n";
        let found = compare(&[("it.ftl", text)], "it").expect("compared");
        assert_eq!(
            found.no_digest,
            [
                AchievementReward,
                ChallengeCompletion,
                BonusOpportunity,
                ReferralBonus
            ]
        );
        let missing: Vec<_> = found
            .missing
            .iter()
            .filter(|part| part.contains("-digest"))
            .collect();
        assert_eq!(missing, ["streak_reward-digest.title"]);
        let found = compare(&[], "de").expect("compared");
        assert_eq!(found.no_digest, []);
    }

    #[test]
    fn a_digest_that_is_longer_than_a_phone_shows_is_told() {
        let long = "a".repeat(50);
        let text = format!("point_earning-digest =\n    .title = {{ $count }}{long}\n    .body = b\n");
        let found = compare(&[("de.ftl", &text)], "de").expect("compared");
        let longer: Vec<_> = found
            .longer
            .iter()
            .map(|long| (long.part.as_str(), long.columns))
            .collect();
        assert_eq!(longer, [("point_earning-digest.title", 51)]);
    }

    #[test]
    fn an_unknown_language_is_answered_with_those_that_there_are() {
        let said = compare(&[], "xx").expect_err("unknown");
        assert_eq!(
            said,
            "there is no catalogue for `xx`; there are ar, de, en, es, fr, hi, ja, pt-BR, ru, zh-Hans"
        );
    }

    #[test]
    fn what_is_not_seen_has_no_width() {
        assert_eq!(columns("\u{200f}\u{2068}नमस्ते\u{2069} 👩\u{200d}🚀"), 3 + 1 + 2);
        assert_eq!(columns("ポイント50"), 10);
    }
}
