//! What is to be said instead of a name that does not exist, or of a value that is none.

use super::keys::{FREE, Keys, PROPERTIES, Takes, property};
use super::layers::PREFIX;

/// How a setting was written, and is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Written {
    /// In a settings file.
    File,
    /// As a variable of the environment.
    Variable,
}

/// A setting as it is written in a file.
struct Example {
    section: String,
    name: String,
    value: String,
}

impl Keys {
    /// Which names there are where an unknown key was sought.
    pub(super) fn there_are(&self, unknown: &str) -> String {
        let mut above = unknown;
        while let Some((section, _)) = above.rsplit_once('.') {
            above = section;
            match self.0.get(section) {
                None => {}
                Some(Takes::Section) => {
                    return format!("in {section} there are {}", self.names(Some(section)));
                }
                Some(_) => return format!("{section} is a setting, not a section"),
            }
        }
        format!("there are {}", self.names(None))
    }

    /// Those of a section, or of the whole.
    fn names(&self, section: Option<&str>) -> String {
        let below = |key: &String| match section {
            Some(section) => Some(key.strip_prefix(section)?.strip_prefix('.')?.to_owned()),
            None => Some(key.clone()),
        };
        let names = self.0.keys().filter_map(below);
        let names: Vec<_> = names.filter(|name| !name.contains('.')).collect();
        names.join(", ")
    }

    /// What is wrong with a section's name where a setting's should be, with a setting of that section.
    pub(super) fn is_a_section(&self, section: &str, written: Written) -> String {
        let Some(Example { section, name, value }) = self.example(section) else {
            return "is a section, not a setting".to_owned();
        };
        let how = match written {
            Written::File => format!(
                "write [{section}] and below it, for example, {} = {value}",
                quoted(&name)
            ),
            Written::Variable => {
                let variable = variable_of(&format!("{section}.{name}"));
                let value = value.trim_matches('"');
                let quote = if value.contains(' ') { "'" } else { "" };
                format!("set, for example, {variable}={quote}{value}{quote}")
            }
        };
        format!("is a section, not a setting: {how}")
    }

    fn example(&self, section: &str) -> Option<Example> {
        let example = |section: &str, name: &str, value: &str| Example {
            section: section.to_owned(),
            name: name.to_owned(),
            value: value.to_owned(),
        };
        if let Some((section, name, value)) = FREE.iter().find(|(free, ..)| *free == section) {
            return Some(example(section, name, &format!("{value:?}")));
        }
        let mut below = self.0.iter().filter(|(key, _)| {
            key.strip_prefix(section)
                .is_some_and(|rest| rest.starts_with('.'))
        });
        below.find_map(|(key, takes)| {
            let (section, name) = key.rsplit_once('.')?;
            let value = match takes {
                Takes::Section | Takes::Text(None) => return None,
                Takes::Text(Some(text)) => format!("{text:?}"),
                Takes::Duration => "\"30s\"".to_owned(),
                Takes::Whole(number) => number.to_string(),
                Takes::Fraction(number) => format!("{number:?}"),
            };
            Some(example(section, name, &value))
        })
    }
}

/// A name as a file needs it.
fn quoted(name: &str) -> String {
    if name.contains('.') {
        format!("{name:?}")
    } else {
        name.to_owned()
    }
}

/// `dispatch.batch_rows` is `INQ_DISPATCH__BATCH_ROWS`.
pub(super) fn variable_of(key: &str) -> String {
    let key = match property(key) {
        Some(name) => format!("{PROPERTIES}.{}", name.replace('.', "_")),
        None => key.to_owned(),
    };
    format!("{PREFIX}{}", key.replace('.', "__").to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::known_keys;

    #[test]
    fn what_there_is_instead_is_told_by_the_section() {
        let keys = known_keys().unwrap();
        for (unknown, told) in [
            (
                "digest.windows.points",
                "in digest.windows there are achievement_reward, bonus_opportunity, challenge_completion, point_earning, \
                 referral_bonus, streak_reward",
            ),
            (
                "digest.window.points",
                "in digest there are ignore_from_priority, max_parts, windows",
            ),
            (
                "dispatch.lease.long",
                "dispatch.lease is a setting, not a section",
            ),
        ] {
            assert_eq!(keys.there_are(unknown), told, "{unknown}");
        }
        for unknown in ["xyz", "xyz.a.b", ""] {
            let told = keys.there_are(unknown);
            assert!(
                told.starts_with("there are best_time, caps, database, "),
                "{told}"
            );
            assert!(told.ends_with(", shutdown_timeout, telemetry, topics"), "{told}");
        }
    }

    #[test]
    fn a_section_says_what_it_looks_like() {
        let keys = known_keys().unwrap();
        for (section, in_file, as_variable) in [
            (
                "digest.windows",
                "[digest.windows] and below it, for example, achievement_reward = \"30s\"",
                "INQ_DIGEST__WINDOWS__ACHIEVEMENT_REWARD=30s",
            ),
            (
                "defaults",
                "[defaults.achievement_reward] and below it, for example, notification_type = 85",
                "INQ_DEFAULTS__ACHIEVEMENT_REWARD__NOTIFICATION_TYPE=85",
            ),
            (
                "quiet.types",
                "[quiet.types] and below it, for example, achievement_reward = \"21:00-08:00\"",
                "INQ_QUIET__TYPES__ACHIEVEMENT_REWARD=21:00-08:00",
            ),
            (
                "quiet.segments",
                "[quiet.segments] and below it, for example, vip = \"22:00-07:00\"",
                "INQ_QUIET__SEGMENTS__VIP=22:00-07:00",
            ),
            (
                "caps.segments",
                "[caps.segments] and below it, for example, vip = \"5 per day\"",
                "INQ_CAPS__SEGMENTS__VIP='5 per day'",
            ),
            (
                "kafka.properties",
                "[kafka.properties] and below it, for example, \"linger.ms\" = \"5\"",
                "INQ_KAFKA__PROPERTIES__LINGER_MS=5",
            ),
            (
                "telemetry",
                "[telemetry] and below it, for example, otlp_endpoint = \"http://127.0.0.1:4318\"",
                "INQ_TELEMETRY__OTLP_ENDPOINT=http://127.0.0.1:4318",
            ),
        ] {
            assert_eq!(
                keys.is_a_section(section, Written::File),
                format!("is a section, not a setting: write {in_file}")
            );
            assert_eq!(
                keys.is_a_section(section, Written::Variable),
                format!("is a section, not a setting: set, for example, {as_variable}")
            );
        }
    }
}
