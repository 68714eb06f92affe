//! The delivery request: what the notification service receives.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{IncentiveType, Priority};

/// One attempt at one notification, as it is written to the deliveries topic.
#[derive(Debug, Serialize)]
pub struct DeliveryRequest<'a> {
    /// The row's id.
    pub notification_id: i64,
    /// 1 for the first attempt.
    pub attempt: u32,
    /// The producer's idempotency key.
    pub event_id: &'a str,
    /// Whom to notify.
    pub user_id: i64,
    /// What is rewarded.
    pub incentive_type: IncentiveType,
    /// The notification service's code.
    pub notification_type: i32,
    /// How urgent it is.
    pub priority: Priority,
    /// One line, at most 255 characters.
    pub message_title: &'a str,
    /// The text.
    pub message_body: &'a str,
    /// The language in which the two are written.
    pub language: &'a str,
    /// The name of the texts' wording; left out where their message has one only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant: Option<&'a str>,
    /// The event's data, as JSON.
    pub incentive_data: &'a RawValue,
    /// When this attempt was due.
    #[serde(serialize_with = "super::time::serialize")]
    pub scheduled_at: DateTime<Utc>,
    /// After it the notification is no longer worth showing.
    #[serde(serialize_with = "super::time::serialize_option")]
    pub expires_at: Option<DateTime<Utc>>,
    /// When the row was made.
    #[serde(serialize_with = "super::time::serialize")]
    pub created_at: DateTime<Utc>,
    /// When this request was written.
    #[serde(serialize_with = "super::time::serialize")]
    pub published_at: DateTime<Utc>,
}

impl DeliveryRequest<'_> {
    /// The headers of the record, so that a reader can sort and trace requests without parsing them: `event-id`,
    /// `notification-id`, `attempt`, and `traceparent` where the event had one (see
    /// [`traceparent`](super::traceparent())).
    #[must_use]
    pub fn headers(&self, traceparent: Option<&str>) -> Vec<(&'static str, String)> {
        let mut headers = vec![
            ("event-id", self.event_id.to_owned()),
            ("notification-id", self.notification_id.to_string()),
            ("attempt", self.attempt.to_string()),
        ];
        headers.extend(traceparent.map(|trace| ("traceparent", trace.to_owned())));
        headers
    }
}
