//! Why a record was put aside, and how a dead letter says so.

use std::fmt;

use chrono::{DateTime, Utc};

use super::field::cut;
use super::time;

/// The stable code in the `dlq-reason` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The value is not JSON.
    InvalidJson,
    /// A field is missing, of the wrong type or out of its range.
    SchemaViolation,
    /// The value is longer than `ingest.max_event_bytes`.
    TooLarge,
    /// `incentive_type` is none of the six.
    UnknownIncentiveType,
    /// A result names a notification that is not in the table, or another user's.
    UnknownNotification,
    /// A result names an attempt that was never made.
    UnknownAttempt,
    /// A result waited in vain for its row's claim to be settled.
    Unsettled,
    /// The database refuses the row for a reason that the contract does not know.
    RefusedByStore,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 8] = [
        Self::InvalidJson,
        Self::SchemaViolation,
        Self::TooLarge,
        Self::UnknownIncentiveType,
        Self::UnknownNotification,
        Self::UnknownAttempt,
        Self::Unsettled,
        Self::RefusedByStore,
    ];

    /// The reason of that code, if there is one.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == code)
    }

    /// The code on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::SchemaViolation => "schema_violation",
            Self::TooLarge => "too_large",
            Self::UnknownIncentiveType => "unknown_incentive_type",
            Self::UnknownNotification => "unknown_notification",
            Self::UnknownAttempt => "unknown_attempt",
            Self::Unsettled => "unsettled",
            Self::RefusedByStore => "refused_by_store",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a record cannot be used: the code for programs, the detail for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The stable code.
    pub reason: Reason,
    /// The path of the field and the fault, `priority: must be 0 to 4, found 7`.
    pub detail: String,
    /// The path of the field; `None` where no single field is at fault.
    pub field: Option<String>,
}

impl Rejection {
    /// A rejection for this reason.
    #[must_use]
    pub fn new(reason: Reason, detail: impl Into<String>) -> Self {
        Self {
            reason,
            detail: detail.into(),
            field: None,
        }
    }

    /// A field that does not fit the contract.
    #[must_use]
    pub(crate) fn of_field(path: impl Into<String>, fault: impl fmt::Display) -> Self {
        let path = path.into();
        Self {
            reason: Reason::SchemaViolation,
            detail: format!("{path}: {fault}"),
            field: Some(path),
        }
    }

    /// The same with a remark in parentheses at the end of the detail.
    #[must_use]
    pub(super) fn hint(self, remark: &str) -> Self {
        Self {
            detail: format!("{} ({remark})", self.detail),
            ..self
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.reason, self.detail)
    }
}

impl std::error::Error for Rejection {}

/// A record that was put aside: what is said of it beside its own key, value and headers.
#[derive(Clone, Copy, Debug)]
pub struct DeadLetter<'a> {
    /// Why.
    pub rejection: &'a Rejection,
    /// The topic from which it came.
    pub topic: &'a str,
    /// Its partition there.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// Its own time.
    pub timestamp: Option<DateTime<Utc>>,
    /// When it was refused.
    pub failed_at: DateTime<Utc>,
}

impl DeadLetter<'_> {
    /// The longest `dlq-detail`, in characters.
    pub const LONGEST_DETAIL: usize = 1000;

    /// The headers that go to the record's own, each once. Before they are added to a record, its earlier ones must go
    /// (see [`is_dead_letter_header`]).
    ///
    /// Times are RFC 3339 in UTC with milliseconds, `dlq-timestamp` is empty where the record has none, and
    /// `dlq-detail` is one line of at most [`LONGEST_DETAIL`](Self::LONGEST_DETAIL) characters.
    #[must_use]
    pub fn headers(&self) -> Vec<(&'static str, String)> {
        vec![
            ("dlq-reason", self.rejection.reason.as_str().to_owned()),
            ("dlq-detail", one_line(&self.rejection.detail)),
            ("dlq-topic", self.topic.to_owned()),
            ("dlq-partition", self.partition.to_string()),
            ("dlq-offset", self.offset.to_string()),
            (
                "dlq-timestamp",
                self.timestamp.as_ref().map(time::format).unwrap_or_default(),
            ),
            ("dlq-failed-at", time::format(&self.failed_at)),
            ("dlq-version", env!("CARGO_PKG_VERSION").to_owned()),
        ]
    }
}

/// The header of a dead letter whose record had no key: its own is only its place.
pub const NO_KEY_HEADER: &str = "dlq-no-key";

/// Whether a header was put there by [`DeadLetter::headers`], of this version or another: all names that start with
/// `dlq-` are ours. A replayed dead letter that fails again would else carry its whole past.
#[must_use]
pub fn is_dead_letter_header(name: &str) -> bool {
    name.starts_with("dlq-")
}

/// The text with a blank for each control character, cut to its longest.
fn one_line(detail: &str) -> String {
    let line: String = detail
        .chars()
        .take(DeadLetter::LONGEST_DETAIL + 1)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match line.chars().count() {
        0..=DeadLetter::LONGEST_DETAIL => line,
        _ => cut(&line, DeadLetter::LONGEST_DETAIL - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(detail: &str, timestamp: Option<DateTime<Utc>>) -> Vec<(&'static str, String)> {
        DeadLetter {
            rejection: &Rejection::new(Reason::InvalidJson, detail),
            topic: "incentive.events",
            partition: 3,
            offset: 42,
            timestamp,
            failed_at: DateTime::from_timestamp_millis(1_767_225_600_001).unwrap_or_default(),
        }
        .headers()
    }

    fn header(headers: &[(&'static str, String)], name: &str) -> String {
        headers
            .iter()
            .find(|(found, _)| *found == name)
            .map(|(_, value)| value.clone())
            .unwrap_or_default()
    }

    #[test]
    fn a_dead_letter_says_where_it_came_from_and_when() {
        let headers = headers("x", DateTime::from_timestamp_millis(1_767_225_600_000));
        assert_eq!(header(&headers, "dlq-topic"), "incentive.events");
        assert_eq!(header(&headers, "dlq-partition"), "3");
        assert_eq!(header(&headers, "dlq-offset"), "42");
        assert_eq!(header(&headers, "dlq-timestamp"), "2026-01-01T00:00:00.000Z");
        assert_eq!(header(&headers, "dlq-failed-at"), "2026-01-01T00:00:00.001Z");
    }

    #[test]
    fn a_record_without_a_time_has_an_empty_one() {
        assert_eq!(header(&headers("x", None), "dlq-timestamp"), "");
    }

    #[test]
    fn a_detail_is_one_line_of_bounded_length() {
        assert_eq!(header(&headers("a\r\nb\u{1b}c", None), "dlq-detail"), "a  b c");
        let exact = "ñ".repeat(DeadLetter::LONGEST_DETAIL);
        assert_eq!(header(&headers(&exact, None), "dlq-detail"), exact);
        let cut = header(&headers(&format!("{exact}x"), None), "dlq-detail");
        assert_eq!(cut.chars().count(), DeadLetter::LONGEST_DETAIL);
        assert!(cut.ends_with("ñ…"));
    }

    #[test]
    fn headers_of_an_earlier_failure_are_told_from_the_records_own() {
        assert!(
            headers("x", None)
                .iter()
                .all(|(name, _)| is_dead_letter_header(name))
        );
        assert!(!is_dead_letter_header("traceparent"));
    }
}
