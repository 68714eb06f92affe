//! What a decision about a delivery result sees of its row, and what it can say.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{HistoryKind, Status};
use crate::contract::{DeliveryResult, IncentiveType, Priority, Rejection};
use crate::schedule::Opening;

/// A row as far as results are concerned. The decision changes the public fields in place.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The database's clock. Not written.
    pub now: DateTime<Utc>,
    /// The row. Not written.
    pub id: i64,
    /// Its user. Not written.
    pub user_id: i64,
    /// What it rewards. Not written.
    pub incentive_type: IncentiveType,
    /// How urgent it is. Not written.
    pub priority: Priority,
    /// Its latest attempt. Not written.
    pub attempts: u32,
    /// When it was made. Not written.
    pub created_at: DateTime<Utc>,
    /// When its latest attempt was published. Not written.
    pub sent_at: Option<DateTime<Utc>>,
    /// The event's device. Not written.
    pub device_type: Option<String>,
    /// The event's time zone. Not written.
    pub timezone: Option<String>,
    /// The event's W3C `traceparent` header. Not written.
    pub traceparent: Option<String>,
    /// After it the row is no longer worth sending. Not written.
    pub expires_at: Option<DateTime<Utc>>,
    /// When an event asked to cancel it, too late for this attempt. Not written.
    pub cancel_requested_at: Option<DateTime<Utc>>,
    /// Where it stands.
    pub status: Status,
    /// When it is due.
    pub scheduled_at: DateTime<Utc>,
    /// When it reached the user.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When the user first opened it.
    pub opened_at: Option<DateTime<Utc>>,
    /// When the user first followed it.
    pub clicked_at: Option<DateTime<Utc>>,
    /// When the user put it away.
    pub dismissed_at: Option<DateTime<Utc>>,
    /// The last failure.
    pub last_error: Option<String>,
    /// `metrics_data`.
    pub metrics: Map<String, Value>,
    /// What its reader's habit learns; nothing when it was read.
    pub opening: Option<Opening>,
}

/// Decides what a result does to its row (`None`: there is no such row), and changes the row in place.
pub type Decide = dyn Fn(Option<&mut Standing>, &DeliveryResult) -> Verdict + Send + Sync;

/// What was decided about a result.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// The row changed; the entry goes into its history, for the row's latest attempt.
    Applied {
        /// What happened.
        kind: HistoryKind,
        /// How urgent the row is.
        priority: Priority,
        /// The `traceparent` of the row's event.
        traceparent: Option<String>,
        /// Particulars, by name.
        detail: Map<String, Value>,
    },
    /// Nothing changes: the result is late or a repeat. The word goes into the metrics.
    Ignored(&'static str),
    /// The row's claim is not settled yet: ask again soon.
    NotYet,
    /// The result is a dead letter.
    Rejected(Rejection),
}
