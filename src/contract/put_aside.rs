//! What a dead letter's headers say, read back: [`DeadLetter`](super::DeadLetter) writes them.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::time;

/// What is said of a record that was put aside. Read leniently, for another version may have written it: what is missing
/// or not understood is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PutAside {
    /// The code of the [`Reason`](super::Reason), or of one that only another version knows.
    pub reason: Option<String>,
    /// The path of the field and the fault.
    pub detail: Option<String>,
    /// Where the record came from.
    pub origin: Option<Origin>,
    /// When it was refused.
    #[serde(serialize_with = "time::serialize_option")]
    pub failed_at: Option<DateTime<Utc>>,
    /// The version of the service that refused it.
    pub version: Option<String>,
    /// The length of the value in bytes, where only its beginning is kept; 0 where the header is no number.
    pub cut_from: Option<u64>,
}

/// The place of a record that was put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// Its topic.
    pub topic: String,
    /// Its partition there.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its own time.
    #[serde(serialize_with = "time::serialize_option")]
    pub timestamp: Option<DateTime<Utc>>,
}

impl PutAside {
    /// What the headers say; `header` gives the value of the one of that name.
    #[must_use]
    pub fn from_headers<'a>(header: impl Fn(&str) -> Option<&'a [u8]>) -> Self {
        let text = |name: &str| header(name).map(|value| String::from_utf8_lossy(value).into_owned());
        let moment = |name: &str| time::parse(&text(name)?);
        let origin = || {
            Some(Origin {
                topic: text("dlq-topic")?,
                partition: text("dlq-partition")?.parse().ok()?,
                offset: text("dlq-offset")?.parse().ok()?,
                timestamp: moment("dlq-timestamp"),
            })
        };
        Self {
            reason: text("dlq-reason"),
            detail: text("dlq-detail"),
            origin: origin(),
            failed_at: moment("dlq-failed-at"),
            version: text("dlq-version"),
            cut_from: text("dlq-cut-from").map(|length| length.parse().unwrap_or(0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{DeadLetter, Reason, Rejection};

    fn read(headers: &[(&str, String)]) -> PutAside {
        PutAside::from_headers(|wanted| {
            headers
                .iter()
                .find(|(name, _)| *name == wanted)
                .map(|(_, value)| value.as_bytes())
        })
    }

    #[test]
    fn what_was_written_is_read_back() {
        let moment = |millis| DateTime::from_timestamp_millis(millis).expect("a time");
        let written = DeadLetter {
            rejection: &Rejection::new(Reason::SchemaViolation, "priority: found 7"),
            topic: "incentive.events",
            partition: 3,
            offset: 42,
            timestamp: Some(moment(1_767_225_600_000)),
            failed_at: moment(1_767_225_600_001),
        };
        assert_eq!(
            read(&written.headers()),
            PutAside {
                reason: Some("schema_violation".to_owned()),
                detail: Some("priority: found 7".to_owned()),
                origin: Some(Origin {
                    topic: "incentive.events".to_owned(),
                    partition: 3,
                    offset: 42,
                    timestamp: Some(moment(1_767_225_600_000)),
                }),
                failed_at: Some(moment(1_767_225_600_001)),
                version: Some(env!("CARGO_PKG_VERSION").to_owned()),
                cut_from: None,
            }
        );
    }

    #[test]
    fn what_is_missing_or_mangled_is_not_guessed() {
        assert_eq!(read(&[]), PutAside::default());
        let mangled = read(&[
            ("dlq-topic", "incentive.events".to_owned()),
            ("dlq-partition", "three".to_owned()),
            ("dlq-offset", "42".to_owned()),
            ("dlq-cut-from", "much".to_owned()),
        ]);
        assert_eq!(mangled.origin, None);
        assert_eq!(mangled.cut_from, Some(0), "it is cut all the same");
    }
}
