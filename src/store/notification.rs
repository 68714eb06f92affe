//! A notification as the database holds it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::contract::{IncentiveType, Priority, time};

/// Where a notification stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum Status {
    /// Waits for its due time or its turn.
    Pending,
    /// Belongs to a claim.
    Processing,
    /// Its delivery request was published.
    Sent,
    /// Out of attempts, or the service said so for good.
    Failed,
    /// Called off before it left.
    Cancelled,
    /// Not sent before its `expires_at`.
    Expired,
    /// Never sent: its reader has opted out of such notifications, or gets enough without it.
    Suppressed,
    /// Became part of a digest.
    Digested,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Processing,
        Self::Sent,
        Self::Failed,
        Self::Cancelled,
        Self::Expired,
        Self::Suppressed,
        Self::Digested,
    ];

    /// The value in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Suppressed => "suppressed",
            Self::Digested => "digested",
        }
    }

    /// The status of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// A row to be stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NewNotification {
    /// 1 to 128 characters; unique.
    pub event_id: String,
    /// Whom to notify.
    pub user_id: i64,
    /// What is rewarded.
    pub incentive_type: IncentiveType,
    /// The notification service's code.
    pub notification_type: i32,
    /// How urgent it is.
    pub priority: Priority,
    /// At most 255 characters.
    pub message_title: String,
    /// At most 65,535 bytes.
    pub message_body: String,
    /// A JSON object, as text.
    pub incentive_data: String,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// When it is due; `None`: now, by the database's clock.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// After it the row is no longer worth sending.
    pub expires_at: Option<DateTime<Utc>>,
    /// The language in which the texts are written.
    pub language: String,
    /// The name of the texts' wording, at most 32 characters; `None` where their message has one only.
    pub variant: Option<String>,
    /// The reader's IANA time zone.
    pub timezone: Option<String>,
    /// At most 32 characters.
    pub device_type: Option<String>,
    /// The event's W3C `traceparent` header, at most 64 characters.
    pub traceparent: Option<String>,
    /// Where it stands at the beginning.
    pub status: Status,
    /// The event of the digest that tells of it; at most 128 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest_event_id: Option<String>,
    /// Whether it names a time of its own or carries a code, and so is not gathered with others. Not stored.
    #[serde(skip)]
    pub stands_alone: bool,
    /// What its history begins with, in the order in which it was decided.
    #[serde(rename = "history", skip_serializing_if = "Vec::is_empty")]
    pub beginning: Vec<Beginning>,
}

/// What was decided of a notification before it had a row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Beginning {
    /// What happened.
    pub kind: HistoryKind,
    /// Which rule decided, and why.
    pub detail: Map<String, Value>,
}

impl Beginning {
    /// Whether the rule of this name decided.
    #[must_use]
    pub fn is_by(&self, rule: &str) -> bool {
        self.detail.get("rule").is_some_and(|by| by == rule)
    }

    /// The detail as the history keeps it.
    pub(super) fn detail_text(&self) -> String {
        Value::Object(self.detail.clone()).to_string()
    }
}

impl NewNotification {
    /// The first `metrics_data`: what the event tells of the device.
    pub(super) fn metrics_data(&self) -> Option<String> {
        self.device_type
            .as_ref()
            .map(|device| serde_json::json!({ "device_type": device }).to_string())
    }
}

/// A claimed row: all that a delivery request says.
#[derive(Debug)]
pub struct ClaimedRow {
    /// The row's id.
    pub id: i64,
    /// The attempt that this claim is, from 1.
    pub attempt: u32,
    /// The producer's idempotency key.
    pub event_id: String,
    /// Whom to notify.
    pub user_id: i64,
    /// What is rewarded.
    pub incentive_type: IncentiveType,
    /// The notification service's code.
    pub notification_type: i32,
    /// How urgent it is.
    pub priority: Priority,
    /// At most 255 characters.
    pub message_title: String,
    /// The text.
    pub message_body: String,
    /// The language in which the texts are written.
    pub language: String,
    /// The name of the texts' wording; `None` where their message has one only.
    pub variant: Option<String>,
    /// The event's data.
    pub incentive_data: Box<RawValue>,
    /// When this attempt was due.
    pub scheduled_at: DateTime<Utc>,
    /// After it the row is no longer worth sending.
    pub expires_at: Option<DateTime<Utc>>,
    /// When the row was made.
    pub created_at: DateTime<Utc>,
    /// The event's W3C `traceparent` header.
    pub traceparent: Option<String>,
}

/// A whole row, for people.
#[derive(Debug, Serialize, ToSchema)]
#[allow(missing_docs)] // the columns of the table, by their names
pub struct Notification {
    pub id: i64,
    pub event_id: String,
    pub user_id: i64,
    pub incentive_type: IncentiveType,
    pub notification_type: i32,
    #[schema(value_type = u8, minimum = 0, maximum = 4)]
    pub priority: Priority,
    pub status: Status,
    pub message_title: String,
    pub message_body: String,
    pub language: String,
    pub variant: Option<String>,
    pub timezone: Option<String>,
    pub device_type: Option<String>,
    #[schema(value_type = Object)]
    pub incentive_data: Box<RawValue>,
    #[schema(value_type = Option<Object>)]
    pub metrics_data: Option<Box<RawValue>>,
    pub attempts: u32,
    pub claim_id: Option<i64>,
    pub last_error: Option<String>,
    #[serde(serialize_with = "time::serialize")]
    pub occurred_at: DateTime<Utc>,
    #[serde(serialize_with = "time::serialize")]
    pub created_at: DateTime<Utc>,
    #[serde(serialize_with = "time::serialize")]
    pub updated_at: DateTime<Utc>,
    #[serde(serialize_with = "time::serialize")]
    pub scheduled_at: DateTime<Utc>,
    #[serde(serialize_with = "time::serialize_option")]
    pub expires_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "time::serialize_option")]
    pub sent_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "time::serialize_option")]
    pub delivered_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "time::serialize_option")]
    pub opened_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "time::serialize_option")]
    pub clicked_at: Option<DateTime<Utc>>,
    #[serde(serialize_with = "time::serialize_option")]
    pub dismissed_at: Option<DateTime<Utc>>,
    pub digest_event_id: Option<String>,
}

/// What kind of thing happened to a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum HistoryKind {
    /// The service reported that it was delivered.
    Delivered,
    /// The service reported that the user opened it.
    Opened,
    /// The service reported that the user followed it.
    Clicked,
    /// The service reported that the user put it away.
    Dismissed,
    /// The service reported a failure; another attempt follows.
    DeliveryFailed,
    /// The service reported a failure, and none follows.
    DeliveryFailedFinally,
    /// The broker refused the request; another attempt follows.
    PublishFailed,
    /// The broker refused the request, and no attempt is left.
    PublishFailedFinally,
    /// Recovery found that the claim had been published.
    RecoveredAsSent,
    /// Recovery found that the claim had not been published.
    RecoveredAsPending,
    /// Its `expires_at` passed before it left.
    Expired,
    /// A rule holds it back: quiet hours, a cap, that it may wait for the best time of its reader, or for others to be gathered
    /// with it; `rule` in the detail tells which.
    Held,
    /// A digest tells of it.
    Digested,
    /// An event has called off a part of this digest, which tells of the others.
    PartCancelled,
    /// Its reader does not want it, it is over a cap, or a digest has nothing left to tell: `rule` in the detail tells which.
    Suppressed,
    /// A person has made it due again.
    Retried,
    /// A person has called it off, or an event has.
    Cancelled,
    /// An event has called it off, too late.
    CancelTooLate,
}

impl HistoryKind {
    /// Every kind.
    pub const ALL: [Self; 18] = [
        Self::Delivered,
        Self::Opened,
        Self::Clicked,
        Self::Dismissed,
        Self::DeliveryFailed,
        Self::DeliveryFailedFinally,
        Self::PublishFailed,
        Self::PublishFailedFinally,
        Self::RecoveredAsSent,
        Self::RecoveredAsPending,
        Self::Expired,
        Self::Held,
        Self::Digested,
        Self::PartCancelled,
        Self::Suppressed,
        Self::Retried,
        Self::Cancelled,
        Self::CancelTooLate,
    ];

    /// The value in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::Dismissed => "dismissed",
            Self::DeliveryFailed => "delivery_failed",
            Self::DeliveryFailedFinally => "delivery_failed_finally",
            Self::PublishFailed => "publish_failed",
            Self::PublishFailedFinally => "publish_failed_finally",
            Self::RecoveredAsSent => "recovered_as_sent",
            Self::RecoveredAsPending => "recovered_as_pending",
            Self::Expired => "expired",
            Self::Held => "held",
            Self::Digested => "digested",
            Self::PartCancelled => "part_cancelled",
            Self::Suppressed => "suppressed",
            Self::Retried => "retried",
            Self::Cancelled => "cancelled",
            Self::CancelTooLate => "cancel_too_late",
        }
    }

    /// The kind of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl Serialize for HistoryKind {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// One thing that happened to a notification. What the row itself tells (made, due, sent) has no entry, so that the
/// hot path writes none.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct HistoryEntry {
    /// When it was written, by the database's clock.
    #[serde(serialize_with = "time::serialize")]
    pub at: DateTime<Utc>,
    /// What happened.
    pub kind: HistoryKind,
    /// To which attempt.
    pub attempt: u32,
    /// Particulars, by name: `occurred_at`, `published_at`, `error_code`, `error_message`, `retry_at`, `claim`, …
    #[schema(value_type = Object)]
    pub detail: Map<String, Value>,
}

/// How deep the queue is.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Depth {
    /// Rows by status and priority; combinations without rows are left out.
    pub rows: Vec<DepthRow>,
    /// Pending rows that are due.
    pub due: u64,
    /// Pending rows that are scheduled ahead.
    pub ahead: u64,
    /// How long the oldest due row has been due, in milliseconds.
    pub oldest_due_ms: Option<u64>,
}

impl Depth {
    /// What is pending and not due is scheduled ahead.
    pub(super) fn new(rows: Vec<DepthRow>, due: u64, oldest_due_ms: Option<u64>) -> Self {
        let pending: u64 = rows
            .iter()
            .filter(|row| row.status == Status::Pending)
            .map(|row| row.rows)
            .sum();
        Self {
            rows,
            due,
            ahead: pending.saturating_sub(due),
            oldest_due_ms,
        }
    }
}

/// The pending rows of one priority that reward the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PendingRow {
    /// How urgent they are.
    #[schema(value_type = u8, minimum = 0, maximum = 4)]
    pub priority: Priority,
    /// What they reward.
    pub incentive_type: IncentiveType,
    /// How many.
    pub rows: u64,
}

/// How deep the queue is, told at a price that does not grow with its depth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backlog {
    /// Rows by status and priority; every combination is there.
    pub rows: Vec<DepthRow>,
    /// By priority, how long the oldest due row has been due; zero where none is. Every priority is there.
    pub oldest_due: BTreeMap<Priority, Duration>,
}

/// The pool's connections to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Those that somebody uses.
    pub in_use: u32,
    /// Those that nobody uses.
    pub idle: u32,
    /// The most that there may be.
    pub max: u32,
}

impl Connections {
    /// Of a pool that has so many open connections, of which so many are idle.
    pub(super) fn of(open: u32, idle: usize, max: u32) -> Self {
        let idle = u32::try_from(idle).unwrap_or(u32::MAX).min(open);
        Self {
            in_use: open - idle,
            idle,
            max,
        }
    }
}

/// The rows of one status and priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DepthRow {
    /// Where they stand.
    pub status: Status,
    /// How urgent they are.
    pub priority: Priority,
    /// How many.
    pub rows: u64,
}
