//! Durations as people write them: `250ms`, `15m`, `30d`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serializer, de::Error};

/// Units from the largest, in nanoseconds. Months and years are read but never written: their length
/// is a matter of opinion.
const UNITS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Reads a number with a unit, or several of them (`1h 30m`).
///
/// # Errors
/// Says what is expected, for a number without a unit with that number as the example.
pub fn parse(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err("must not be negative".into());
    }
    if text.parse::<f64>().is_ok() {
        return Err(missing_unit(text));
    }
    humantime::parse_duration(text).map_err(|_| {
        "is not a duration; write a number and a unit, for example \"250ms\", \"15m\" or \"30d\"".into()
    })
}

/// For a bare number.
pub(super) fn missing_unit(number: &str) -> String {
    if number.starts_with('-') {
        return "must not be negative".into();
    }
    format!("a duration needs a unit, for example \"{number}s\"")
}

/// Writes it so that [`parse`] reads the same back: in the largest unit that divides it.
#[must_use]
pub fn text(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    UNITS
        .iter()
        .find(|(_, unit)| nanos != 0 && nanos.is_multiple_of(*unit))
        .map_or_else(|| "0s".into(), |(name, unit)| format!("{}{name}", nanos / unit))
}

pub(super) fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&text(*duration))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    parse(&String::deserialize(from)?).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_needs_a_unit() {
        assert_eq!(
            parse("30").unwrap_err(),
            "a duration needs a unit, for example \"30s\""
        );
        assert_eq!(
            parse("0").unwrap_err(),
            "a duration needs a unit, for example \"0s\""
        );
        assert_eq!(
            parse("1.5").unwrap_err(),
            "a duration needs a unit, for example \"1.5s\""
        );
    }

    #[test]
    fn what_is_no_duration_is_refused() {
        for text in ["", "soon", "5 parsecs", "s", "99999999999999999999d"] {
            assert!(
                parse(text).unwrap_err().contains("write a number and a unit"),
                "{text}"
            );
        }
    }

    #[test]
    fn none_is_negative() {
        for text in ["-5s", "-5", " -0.5"] {
            assert_eq!(parse(text).unwrap_err(), "must not be negative", "{text}");
        }
    }

    #[test]
    fn the_largest_unit_that_divides_is_written() {
        assert_eq!(text(Duration::from_hours(720)), "30d");
        assert_eq!(text(Duration::from_mins(90)), "90m");
        assert_eq!(text(Duration::from_millis(1500)), "1500ms");
        assert_eq!(text(Duration::ZERO), "0s");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(nanos in 0..u64::MAX / 2) {
            let duration = Duration::from_nanos(nanos);
            prop_assert_eq!(parse(&text(duration)), Ok(duration));
        }
    }
}
