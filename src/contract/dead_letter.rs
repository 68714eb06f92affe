//! Why a record was put aside, and how a dead letter says so.

use std::fmt;

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
    /// The database refuses the row for a reason that the contract does not know.
    RefusedByStore,
}

impl Reason {
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
}
