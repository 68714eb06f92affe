//! The incentive event: what upstream producers send.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::{IncentiveType, Priority};

/// An incentive event that has passed every check of the contract.
#[derive(Clone, Debug, PartialEq)]
pub struct IncentiveEvent {
    /// The producer's idempotency key, 1 to 128 characters; a second event with it is a duplicate.
    pub event_id: String,
    /// Whom to notify; positive.
    pub user_id: i64,
    /// What is rewarded.
    pub incentive_type: IncentiveType,
    /// The notification service's code, 0 to 2,147,483,647; `None`: the default of the type.
    pub notification_type: Option<i32>,
    /// `None`: the default of the type.
    pub priority: Option<Priority>,
    /// When it happened; `None`: the time of the Kafka record.
    pub occurred_at: Option<DateTime<Utc>>,
    /// The earliest delivery; `None`: at once.
    pub scheduled_at: Option<DateTime<Utc>>,
    /// After it the notification is no longer worth sending.
    pub expires_at: Option<DateTime<Utc>>,
    /// A well-formed BCP 47 tag.
    pub language: Option<String>,
    /// A known IANA time zone name.
    pub timezone: Option<String>,
    /// 1 to 32 characters.
    pub device_type: Option<String>,
    /// Literal text instead of the catalogue's title.
    pub message_title: Option<String>,
    /// Literal text instead of the catalogue's body.
    pub message_body: Option<String>,
    /// What the message and the app show.
    pub incentive_data: Map<String, Value>,
}
