//! The delivery result: what the notification service reports back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What became of a delivery request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultStatus {
    /// It reached the user's device or mailbox.
    Delivered,
    /// It did not.
    Failed,
    /// The user looked at it.
    Opened,
    /// The user followed it.
    Clicked,
    /// The user put it away.
    Dismissed,
}

impl ResultStatus {
    /// The name on the wire and in the history.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Opened => "opened",
            Self::Clicked => "clicked",
            Self::Dismissed => "dismissed",
        }
    }
}

/// A delivery result that has passed every check of the contract.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryResult {
    /// The request's row.
    pub notification_id: i64,
    /// The request's attempt, from 1.
    pub attempt: u32,
    /// The request's user.
    pub user_id: i64,
    /// What became of it.
    pub status: ResultStatus,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// Whether another attempt makes sense; only for [`ResultStatus::Failed`].
    pub retryable: bool,
    /// The service's code for the failure.
    pub error_code: Option<String>,
    /// The service's words for the failure.
    pub error_message: Option<String>,
    /// The least delay in seconds that the service asks for before the next attempt.
    pub retry_after_s: Option<u64>,
    /// The device that it reached.
    pub device_type: Option<String>,
    /// The time zone that the device reported.
    pub user_timezone: Option<String>,
    /// push, mail, in-app, …
    pub channel: Option<String>,
}
