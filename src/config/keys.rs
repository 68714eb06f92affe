//! The keys that exist, as the types say, and what each takes.

use std::collections::BTreeMap;

use config::ValueKind;
use serde_json::Value as Json;

use super::duration;
use super::remedy::Written;

/// Below it any key goes: librdkafka's properties.
pub(super) const PROPERTIES: &str = "kafka.properties";

/// Below it any key goes: the names of operators.
pub(super) const TOKENS: &str = "http.tokens";
/// Below it the name of any segment goes.
pub(super) const QUIET_SEGMENTS: &str = "quiet.segments";
/// Below it the name of any segment goes.
pub(super) const CAP_SEGMENTS: &str = "caps.segments";

/// Sections below which names of others' choice go, each with what a name and its text may look like.
pub(super) const FREE: [(&str, &str, &str); 4] = [
    (PROPERTIES, "linger.ms", "5"),
    (TOKENS, "anna", "..."),
    (QUIET_SEGMENTS, "vip", "22:00-07:00"),
    (CAP_SEGMENTS, "vip", "5 per day"),
];

/// How alike two names must be for one to be suggested in the place of the other, 0 to 1.
const LIKENESS: f64 = 0.6;

/// How alike the last parts of the names must be as well: sections are long and alike by nature.
const OWN_LIKENESS: f64 = 0.5;

/// No name that is longer, in bytes, is a known one misspelt: to compare them takes memory by the product of the lengths.
const LONGEST_SLIP: usize = 100;

/// How alike a name is to itself in another section.
const MISPLACED: f64 = 0.8;

/// Every known key with what it takes; learnt from the defaults, in which an unset key is null.
#[derive(Debug)]
pub(super) struct Keys(pub(super) BTreeMap<String, Takes>);

/// What a key takes, with its default as an example, or what the default file shows.
#[derive(Debug, PartialEq)]
pub(super) enum Takes {
    Section,
    Text(Option<String>),
    Duration,
    Whole(i64),
    Fraction(f64),
}

impl Keys {
    /// From the default settings, serialised, and the file that documents them.
    pub(super) fn of(defaults: &Json, file: &str) -> Self {
        let mut keys = BTreeMap::new();
        collect(None, defaults, &mut keys);
        for (key, shown) in examples(file) {
            if let Some(Takes::Text(example @ None)) = keys.get_mut(&key) {
                *example = Some(shown.to_owned());
            }
        }
        Self(keys)
    }

    pub(super) fn is_section(&self, key: &str) -> bool {
        self.0.get(key) == Some(&Takes::Section)
    }

    /// Whether an unknown variable's key was meant to be one of ours: it has a section, or looks like a key whose section
    /// was parted off by one underscore instead of two. Other `INQ_` variables are somebody else's business.
    pub(super) fn is_meant(&self, unknown: &str) -> bool {
        unknown.contains('.')
            || unknown.len() <= LONGEST_SLIP && self.0.keys().any(|key| is_slip(key, unknown))
    }

    pub(super) fn is_known(&self, key: &str) -> bool {
        is_free(key) || self.0.get(key).is_some_and(|takes| *takes != Takes::Section)
    }

    /// The known key that is most like an unknown one, if one is.
    pub(super) fn nearest(&self, unknown: &str) -> Option<&str> {
        if unknown.len() > LONGEST_SLIP {
            return None;
        }
        let last = unknown.rsplit('.').next();
        // The name of a type, say, is wrong, and not the place.
        let above = unknown.rsplitn(3, '.').nth(2);
        let is_in_its_place = above.is_some_and(|above| self.is_section(above));
        self.0
            .iter()
            .filter_map(|(key, takes)| {
                let name = key.rsplit('.').next();
                let misplaced = name == last && *takes != Takes::Section && !is_in_its_place;
                let whole = likeness(key, unknown);
                let own = name.zip(last).map_or(0.0, |(name, last)| likeness(name, last));
                let parted_wrongly = is_slip(key, unknown) && *takes != Takes::Section;
                match (
                    misplaced || parted_wrongly,
                    whole >= LIKENESS && own >= OWN_LIKENESS,
                ) {
                    (true, _) => Some((whole.max(MISPLACED), key.as_str())),
                    (false, true) => Some((whole, key.as_str())),
                    (false, false) => None,
                }
            })
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, key)| key)
    }

    /// The value as its key takes it.
    ///
    /// # Errors
    /// Says what is expected, without the value.
    pub(super) fn admit(&self, key: &str, value: toml::Value) -> Result<ValueKind, String> {
        if property(key).is_some() {
            return property_text(value).map(ValueKind::String);
        }
        if operator(key).is_some() {
            return match value {
                toml::Value::String(text) => Ok(ValueKind::String(text)),
                _ => Err("must be text in quotes".into()),
            };
        }
        if let Some((.., example)) = FREE.iter().find(|(section, ..)| below(section, key).is_some()) {
            return match value {
                toml::Value::String(text) => Ok(ValueKind::String(text)),
                _ => Err(format!("must be text in quotes, for example {example:?}")),
            };
        }
        match (self.0.get(key), value) {
            (Some(Takes::Text(_)), toml::Value::String(text)) => Ok(ValueKind::String(text)),
            (Some(Takes::Text(example)), _) => Err(example.as_ref().map_or_else(
                || "must be text in quotes".into(),
                |example| format!("must be text in quotes, for example {example:?}"),
            )),
            (Some(Takes::Duration), toml::Value::String(text)) => {
                duration::parse(&text).map(|_| ValueKind::String(text))
            }
            (Some(Takes::Duration), toml::Value::Integer(number)) => {
                Err(duration::missing_unit(&number.to_string()))
            }
            (Some(Takes::Duration), toml::Value::Float(number)) => {
                Err(duration::missing_unit(&number.to_string()))
            }
            (Some(Takes::Duration), _) => Err("must be a duration, for example \"30s\"".into()),
            (Some(Takes::Whole(_)), toml::Value::Integer(number)) => match number {
                ..0 => Err("must not be negative".into()),
                number => Ok(ValueKind::I64(number)),
            },
            (Some(Takes::Whole(_) | Takes::Fraction(_)), toml::Value::String(text))
                if text.parse::<f64>().is_ok_and(f64::is_finite) =>
            {
                Err("must be a number without quotes".into())
            }
            (Some(Takes::Whole(example)), _) => Err(format!("must be a whole number, for example {example}")),
            (Some(Takes::Fraction(_)), toml::Value::Float(number)) if number.is_finite() => {
                Ok(ValueKind::Float(number))
            }
            #[allow(clippy::cast_precision_loss)] // the range check refuses numbers that large
            (Some(Takes::Fraction(_)), toml::Value::Integer(number)) => Ok(ValueKind::Float(number as f64)),
            (Some(Takes::Fraction(example)), _) => Err(format!("must be a number, for example {example:?}")),
            (Some(Takes::Section) | None, _) => Err(self.is_a_section(key, Written::File)),
        }
    }

    /// The text of an environment variable as the TOML value that its key takes; text stays exact.
    pub(super) fn read(&self, key: &str, text: String) -> toml::Value {
        let whole = || text.trim().parse().ok().map(toml::Value::Integer);
        let fraction = || text.trim().parse().ok().map(toml::Value::Float);
        let number = match self.0.get(key) {
            Some(Takes::Whole(_)) => whole().or_else(fraction),
            Some(Takes::Fraction(_)) => fraction(),
            _ => None,
        };
        number.unwrap_or(toml::Value::String(text))
    }
}

/// Whether two names differ in no more than a few letters, and in how their sections are parted off.
fn is_slip(key: &str, unknown: &str) -> bool {
    const SLIPS: usize = 2;
    strsim::damerau_levenshtein(&key.replace('.', "_"), &unknown.replace('.', "_")) <= SLIPS
}

fn likeness(a: &str, b: &str) -> f64 {
    strsim::normalized_damerau_levenshtein(a, b)
}

/// The librdkafka property that a key sets, if it sets one.
pub(super) fn property(key: &str) -> Option<&str> {
    below(PROPERTIES, key)
}

/// The operator whose token a key sets, if it sets one.
pub(super) fn operator(key: &str) -> Option<&str> {
    below(TOKENS, key)
}

/// What a key is called below a section that takes any name, if it is below it.
fn below<'k>(section: &str, key: &'k str) -> Option<&'k str> {
    key.strip_prefix(section)?
        .strip_prefix('.')
        .filter(|name| !name.is_empty())
}

/// Whether a key has a name of others' choice.
fn is_free(key: &str) -> bool {
    FREE.iter().any(|(section, ..)| below(section, key).is_some())
}

/// The tables on the way to a key, and its own name. The dots in a name of others' choice are no way.
pub(super) fn way(key: &str) -> Vec<&str> {
    let free = FREE
        .into_iter()
        .find_map(|(section, ..)| Some((section, below(section, key)?)));
    match free {
        Some((section, name)) => section.split('.').chain([name]).collect(),
        None => key.split('.').collect(),
    }
}

/// What a file shows for settings that are unset: `# key = "value"` below their section. `"..."` is no example.
fn examples(file: &str) -> impl Iterator<Item = (String, &str)> {
    let mut section = "";
    file.lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
            section = name;
        }
        let (name, value) = line.strip_prefix("# ")?.split_once(" = ")?;
        let shown = value.strip_prefix('"')?.strip_suffix('"')?;
        (shown != "...").then(|| (format!("{section}.{name}"), shown))
    })
}

fn property_text(value: toml::Value) -> Result<String, String> {
    match value {
        toml::Value::String(text) => Ok(text),
        toml::Value::Integer(_) | toml::Value::Float(_) | toml::Value::Boolean(_) => Ok(value.to_string()),
        _ => Err("must be text, a number, true or false".into()),
    }
}

/// Under its full key; the whole, which has none, is no section.
fn collect(path: Option<&str>, value: &Json, keys: &mut BTreeMap<String, Takes>) {
    let takes = match value {
        Json::Object(section) => {
            for (name, value) in section {
                let key = path.map_or_else(|| name.clone(), |path| format!("{path}.{name}"));
                collect(Some(&key), value, keys);
            }
            Takes::Section
        }
        Json::String(text) if duration::parse(text).is_ok() => Takes::Duration,
        Json::String(text) => Takes::Text(Some(text.clone())),
        Json::Number(number) => number.as_i64().map_or_else(
            || Takes::Fraction(number.as_f64().unwrap_or_default()),
            Takes::Whole,
        ),
        _ => Takes::Text(None),
    };
    keys.extend(path.map(|path| (path.to_owned(), takes)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Keys {
        crate::config::known_keys().unwrap()
    }

    #[test]
    fn the_durations_are_known_as_such() {
        let keys = keys();
        let durations = keys
            .0
            .iter()
            .filter(|(_, takes)| **takes == Takes::Duration)
            .map(|(key, _)| key.as_str());
        assert_eq!(
            durations.collect::<Vec<_>>(),
            [
                "best_time.half_life",
                "caps.window",
                "digest.windows.achievement_reward",
                "digest.windows.bonus_opportunity",
                "digest.windows.challenge_completion",
                "digest.windows.point_earning",
                "digest.windows.referral_bonus",
                "digest.windows.streak_reward",
                "dispatch.lease",
                "dispatch.poll_interval",
                "dispatch.recheck_after",
                "ingest.batch_wait",
                "localization.reload_interval",
                "retention.failed",
                "retention.forgotten",
                "retention.interval",
                "retention.sent",
                "retry.initial",
                "retry.max_interval",
                "shutdown_timeout",
            ]
        );
    }

    #[test]
    fn a_slip_finds_the_key_that_was_meant() {
        let keys = keys();
        for (slip, meant) in [
            ("dispatch.batch_row", Some("dispatch.batch_rows")),
            ("dispach.lease", Some("dispatch.lease")),
            ("dispatch.retry", None),
            ("lease", Some("dispatch.lease")),
            ("kafka.shutdown_timeout", Some("shutdown_timeout")),
            ("kafka.broker", Some("kafka.brokers")),
            ("kafka.bootstrap_servers", None),
            ("retries.max_attempts", Some("retry.max_attempts")),
            (
                "digest_windows_point_earning",
                Some("digest.windows.point_earning"),
            ),
            ("caps.per_days", Some("caps.per_day")),
            ("caps.types.streak", None),
            (
                "caps.types.points.per_day",
                Some("caps.types.point_earning.per_day"),
            ),
            ("caps.types.xyz.per_day", None),
            (
                "defaults.points.priority",
                Some("defaults.point_earning.priority"),
            ),
            ("xyz", None),
        ] {
            assert_eq!(keys.nearest(slip), meant, "{slip}");
        }
    }

    #[test]
    fn a_value_of_the_wrong_kind_says_what_is_right() {
        let keys = keys();
        let said = |key, value: toml::Value| keys.admit(key, value).unwrap_err();
        assert_eq!(
            said("dispatch.lease", 30.into()),
            "a duration needs a unit, for example \"30s\""
        );
        assert_eq!(
            said("dispatch.batch_rows", "500".into()),
            "must be a number without quotes"
        );
        assert_eq!(
            said("dispatch.batch_rows", "many".into()),
            "must be a whole number, for example 500"
        );
        assert_eq!(said("dispatch.batch_rows", (-1).into()), "must not be negative");
        assert_eq!(
            said("dispatch.batch_rows", 1.5.into()),
            "must be a whole number, for example 500"
        );
        assert_eq!(
            said("retry.jitter", f64::NAN.into()),
            "must be a number, for example 0.2"
        );
        assert_eq!(said("http.token", 123.into()), "must be text in quotes");
        assert_eq!(
            said("quiet.hours", 22.into()),
            "must be text in quotes, for example \"22:00-07:00\""
        );
    }
}
