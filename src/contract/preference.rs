//! A reader's preferences: in which language, when, how often, and what not at all.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc, WeekdaySet};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::field::{Field, cut};
use super::quiet_hours::{day, local_time};
use super::wire::{self, Integer, Object, Text};
use super::{IncentiveType, QuietHours, Reason, Rejection, time, timezone};

/// What a reader wants, checked. Written as the message that it came as, with every field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preference {
    /// Whose; positive.
    pub user_id: i64,
    /// A well-formed BCP 47 tag.
    pub language: Option<String>,
    /// A known IANA time zone name.
    pub timezone: Option<String>,
    /// When to be left alone; `None`: as the settings have it.
    pub quiet_hours: Option<QuietHours>,
    /// What not to be told of.
    #[serde(serialize_with = "in_order")]
    pub opted_out_types: BTreeSet<&'static str>,
    /// The most notifications of a day, 0 to 1000.
    pub max_per_day: Option<u16>,
    /// The groups that the reader belongs to: at most 100, each of 1 to 64 characters.
    pub segments: BTreeSet<String>,
    /// When the reader said so: the newest counts.
    #[serde(serialize_with = "time::serialize")]
    pub updated_at: DateTime<Utc>,
}

/// A reader has said what they want, or is to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreferenceChange {
    /// Whose.
    pub user_id: i64,
    /// The newest change counts, whatever the order in which they come.
    pub updated_at: DateTime<Utc>,
    /// `None`: they are forgotten.
    pub preference: Option<Preference>,
}

const USER_ID: Field = Field::new("user_id", "an integer from 1 to 9223372036854775807");
const LANGUAGE: Field = Field::new(
    "language",
    "a BCP 47 language tag of at most 35 characters, like es-MX",
);
const TIMEZONE: Field = Field::new("timezone", timezone::RULE);
const QUIET_HOURS: Field = Field::new("quiet_hours", "an object with from, to and days");
const FROM: Field = Field::new("quiet_hours.from", LOCAL_TIME);
const TO: Field = Field::new("quiet_hours.to", LOCAL_TIME);
const LOCAL_TIME: &str = "a local time from 00:00 to 23:59, like 22:00";
const DAY: &str = "one of mon, tue, wed, thu, fri, sat, sun";
const OPTED_OUT_TYPES: Field = Field::new("opted_out_types", "a list of incentive types");
const MAX_PER_DAY: Field = Field::new("max_per_day", "an integer from 0 to 1000");
const SEGMENTS: Field = Field::new("segments", "a list of at most 100 names");
/// What the name of a segment must be.
pub(crate) const SEGMENT: &str = "a string of 1 to 64 characters, none of them a control character";
const MOST_SEGMENTS: usize = 100;
const UPDATED_AT: Field = Field::new("updated_at", time::RULE);

const FIELDS: [&Field; 8] = [
    &USER_ID,
    &LANGUAGE,
    &TIMEZONE,
    &QUIET_HOURS,
    &OPTED_OUT_TYPES,
    &MAX_PER_DAY,
    &SEGMENTS,
    &UPDATED_AT,
];

/// The message as JSON types, before any range is checked.
#[derive(Deserialize)]
struct Wire<'a> {
    user_id: Option<Integer>,
    #[serde(borrow)]
    language: Option<Text<'a>>,
    timezone: Option<Text<'a>>,
    #[serde(borrow)]
    quiet_hours: Option<Object<Hours<'a>>>,
    opted_out_types: Option<Vec<Text<'a>>>,
    max_per_day: Option<Integer>,
    segments: Option<Vec<Text<'a>>>,
    updated_at: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Hours<'a> {
    #[serde(borrow)]
    from: Option<Text<'a>>,
    to: Option<Text<'a>>,
    days: Option<Vec<Text<'a>>>,
}

impl Preference {
    /// The preferences in a record's value.
    ///
    /// Unknown fields are ignored; `null` for an optional field is as good as absent. Of several faults one is told: JSON
    /// types first, in the order of the text, then missing fields, ranges and formats, in the order of the contract.
    ///
    /// # Errors
    /// - [`Reason::InvalidJson`]: no value, not UTF-8, not JSON; with line and column
    /// - [`Reason::TooLarge`]: more than `max_bytes`
    /// - [`Reason::SchemaViolation`]: anything else; with the path of the field, what is right, what was found
    pub fn decode(payload: Option<&[u8]>, max_bytes: usize) -> Result<Self, Rejection> {
        let wire: Wire<'_> = wire::parse(payload, max_bytes, &FIELDS)?;
        Ok(Self {
            user_id: USER_ID.integer(USER_ID.required(wire.user_id)?, 1..=i64::MAX)?,
            updated_at: UPDATED_AT.time(&UPDATED_AT.required(wire.updated_at)?)?,
            language: wire.language.map(|text| LANGUAGE.language(&text)).transpose()?,
            timezone: wire.timezone.map(|text| TIMEZONE.timezone(&text)).transpose()?,
            quiet_hours: wire.quiet_hours.map(|hours| quiet_hours(&hours.0)).transpose()?,
            opted_out_types: each(
                "opted_out_types",
                IncentiveType::RULE,
                wire.opted_out_types,
                |name| IncentiveType::from_name(name).map(IncentiveType::as_str),
            )?,
            max_per_day: wire
                .max_per_day
                .map(|number| MAX_PER_DAY.integer(number, 0..=1000))
                .transpose()?,
            segments: segments(wire.segments)?,
        })
    }

    /// As of a reader who says nothing, from then on.
    #[must_use]
    pub const fn of_nothing(user_id: i64, updated_at: DateTime<Utc>) -> Self {
        Self {
            user_id,
            language: None,
            timezone: None,
            quiet_hours: None,
            opted_out_types: BTreeSet::new(),
            max_per_day: None,
            segments: BTreeSet::new(),
            updated_at,
        }
    }

    /// Whether anything is said in it.
    #[must_use]
    pub fn says_something(&self) -> bool {
        *self != Self::of_nothing(self.user_id, self.updated_at)
    }

    /// Whether the reader does not want to be told of it.
    #[must_use]
    pub fn has_opted_out_of(&self, kind: IncentiveType) -> bool {
        self.opted_out_types.contains(kind.as_str())
    }

    /// As the store keeps it and the topic carries it.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_value(self).map_or_else(|_| String::new(), |value| value.to_string())
    }
}

impl PreferenceChange {
    /// The change in a record of the preferences topic: a record without a value, or with an empty one, forgets the user
    /// that its key names, as of the record's time.
    ///
    /// # Errors
    /// As [`Preference::decode`], and [`Reason::SchemaViolation`] where the key is not the `user_id` as text.
    pub fn decode(
        key: Option<&[u8]>,
        payload: Option<&[u8]>,
        recorded_at: DateTime<Utc>,
        max_bytes: usize,
    ) -> Result<Self, Rejection> {
        let Some(payload) = payload.filter(|payload| !payload.is_empty()) else {
            return Ok(Self {
                user_id: key
                    .and_then(user_of)
                    .ok_or_else(|| wrong_key(key, "the user_id, as text, of whom to forget"))?,
                updated_at: recorded_at,
                preference: None,
            });
        };
        let preference = Preference::decode(Some(payload), max_bytes)?;
        // A compacted topic keeps the newest record of a key: under another's key it would take another's place.
        if key.is_some_and(|key| user_of(key) != Some(preference.user_id)) {
            return Err(wrong_key(key, "the user_id, as text"));
        }
        Ok(Self::from(preference))
    }

    /// Whether it goes before another change of the same user: the newer does, and at the same moment forgetting, then the
    /// greater text. So all who have seen the same changes come to the same.
    #[must_use]
    pub fn goes_before(&self, other: &Self) -> bool {
        (self.updated_at, self.rank()) > (other.updated_at, other.rank())
    }

    fn rank(&self) -> (bool, String) {
        let text = self.preference.as_ref().map(Preference::to_json);
        (text.is_none(), text.unwrap_or_default())
    }
}

impl From<Preference> for PreferenceChange {
    fn from(preference: Preference) -> Self {
        Self {
            user_id: preference.user_id,
            updated_at: preference.updated_at,
            preference: Some(preference),
        }
    }
}

fn user_of(key: &[u8]) -> Option<i64> {
    let text = str::from_utf8(key).ok()?;
    let plain = text.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten().filter(|id| *id >= 1)
}

fn wrong_key(key: Option<&[u8]>, must_be: &str) -> Rejection {
    let found = key.map_or(Value::Null, |key| String::from_utf8_lossy(key).into());
    let found = cut(&found.to_string(), Field::LONGEST_FOUND);
    Rejection::new(
        Reason::SchemaViolation,
        format!("the record's key: must be {must_be}, found {found}"),
    )
}

fn quiet_hours(hours: &Hours<'_>) -> Result<QuietHours, Rejection> {
    let time = |field: &Field, text: &Option<Text<'_>>| {
        let text = &field.required(text.as_ref())?.0;
        local_time(text).ok_or_else(|| field.wrong_text(text))
    };
    let (from, to) = (time(&FROM, &hours.from)?, time(&TO, &hours.to)?);
    let days = match &hours.days {
        None => WeekdaySet::ALL,
        Some(names) => names
            .iter()
            .enumerate()
            .map(|(index, name)| {
                day(&name.0).ok_or_else(|| wrong_item("quiet_hours.days", index, DAY, &name.0))
            })
            .collect::<Result<_, _>>()?,
    };
    QuietHours::new(from, to, days).map_err(|fault| Rejection::of_field(QUIET_HOURS.name, fault))
}

fn segments(names: Option<Vec<Text<'_>>>) -> Result<BTreeSet<String>, Rejection> {
    let count = names.as_ref().map_or(0, Vec::len);
    if count > MOST_SEGMENTS {
        return Err(Rejection::of_field(
            SEGMENTS.name,
            format_args!("must be {}, found {count}", SEGMENTS.must_be),
        ));
    }
    each(SEGMENTS.name, SEGMENT, names, |name| {
        is_segment(name).then(|| name.to_owned())
    })
}

/// Whether a segment can have this name.
pub(crate) fn is_segment(name: &str) -> bool {
    (1..=64).contains(&name.chars().take(65).count()) && !name.chars().any(char::is_control)
}

/// The items of a list, each read or refused with its place.
fn each<T: Ord>(
    list: &str,
    must_be: &str,
    items: Option<Vec<Text<'_>>>,
    read: impl Fn(&str) -> Option<T>,
) -> Result<BTreeSet<T>, Rejection> {
    items
        .unwrap_or_default()
        .iter()
        .enumerate()
        .map(|(index, item)| read(&item.0).ok_or_else(|| wrong_item(list, index, must_be, &item.0)))
        .collect()
}

fn wrong_item(list: &str, index: usize, must_be: &str, found: &str) -> Rejection {
    let found: String = found.chars().take(Field::LONGEST_FOUND).collect();
    let found = cut(&Value::from(found).to_string(), Field::LONGEST_FOUND);
    Rejection::of_field(
        format!("{list}[{index}]"),
        format_args!("must be {must_be}, found {found}"),
    )
}

/// In the order of the contract.
fn in_order<S: serde::Serializer>(types: &BTreeSet<&'static str>, to: S) -> Result<S::Ok, S::Error> {
    let known = IncentiveType::ALL.map(IncentiveType::as_str);
    to.collect_seq(known.iter().filter(|name| types.contains(*name)))
}
