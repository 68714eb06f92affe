//! Times on the topics: read as RFC 3339 with any offset, written as RFC 3339 in UTC with milliseconds.

use chrono::{DateTime, Datelike, SecondsFormat, Timelike, Utc};
use serde::Serializer;

/// What a time must be, for the details of rejections.
pub(crate) const RULE: &str =
    "an RFC 3339 time with an offset, in the years 1970 to 9999, like 2026-01-31T12:00:00.000Z";

/// `2026-01-31T12:00:00.000Z`
#[must_use]
pub fn format(time: &DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The time in UTC, cut to milliseconds; `None` where it is not RFC 3339 or outside the years 1970 to 9999, as written
/// or in UTC. A leap second, allowed only at 23:59:60 UTC, becomes the second after it: the database has none.
#[must_use]
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    // chrono also takes a blank for the T and the Unicode minus sign.
    let plain = text.is_ascii() && matches!(text.as_bytes().get(10), Some(b'T' | b't'));
    let written = plain.then(|| DateTime::parse_from_rfc3339(text).ok()).flatten()?;
    let time = written.to_utc();
    let is_leap = time.nanosecond() >= 1_000_000_000;
    if is_leap && (time.hour(), time.minute()) != (23, 59) {
        return None;
    }
    let time = DateTime::from_timestamp_millis(time.timestamp_millis())?;
    ([written.year(), time.year()]
        .iter()
        .all(|year| (1970..=9999).contains(year)))
    .then_some(time)
}

/// For `#[serde(serialize_with)]`.
pub(crate) fn serialize<S: Serializer>(time: &DateTime<Utc>, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&format(time))
}

/// For `#[serde(serialize_with)]`; an absent time is `null`.
#[allow(clippy::ref_option)] // the signature is serde's
pub(crate) fn serialize_option<S: Serializer>(
    time: &Option<DateTime<Utc>>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serialize(time, to),
        None => to.serialize_none(),
    }
}
