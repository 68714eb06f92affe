//! The delivery result: what the notification service reports back.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::field::Field;
use super::wire::{self, Integer, Text};
use super::{Rejection, time, timezone};

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
    /// Every status, in the order of the contract.
    pub const ALL: [Self; 5] = [
        Self::Delivered,
        Self::Failed,
        Self::Opened,
        Self::Clicked,
        Self::Dismissed,
    ];

    /// The status of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }

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
///
/// `retryable`, `error_code`, `error_message` and `retry_after_s` are about a failure: with any other status they are
/// checked all the same, kept as they came, and mean nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryResult {
    /// The request's row, from 1.
    pub notification_id: i64,
    /// The request's attempt, from 1.
    pub attempt: u32,
    /// The request's user, from 1.
    pub user_id: i64,
    /// What became of it.
    pub status: ResultStatus,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// Whether another attempt makes sense; true where the service does not say.
    pub retryable: bool,
    /// The service's code for the failure, 1 to 128 characters.
    pub error_code: Option<String>,
    /// The service's words for the failure, of any length; never empty.
    pub error_message: Option<String>,
    /// The least delay in seconds that the service asks for before the next attempt, at most 30 days.
    pub retry_after_s: Option<u64>,
    /// The device that it reached, 1 to 32 characters.
    pub device_type: Option<String>,
    /// The time zone that the device reported, a known IANA name.
    pub user_timezone: Option<String>,
    /// push, mail, in-app, …; 1 to 64 characters.
    pub channel: Option<String>,
}

/// 30 days: who asks for more means "never", and says so with `retryable: false`.
const LONGEST_RETRY_AFTER_S: i64 = 2_592_000;

const NOTIFICATION_ID: Field = Field::new("notification_id", "an integer from 1 to 9223372036854775807");
const ATTEMPT: Field = Field::new("attempt", "an integer from 1 to 4294967295");
const USER_ID: Field = Field::new("user_id", "an integer from 1 to 9223372036854775807");
const STATUS: Field = Field::new("status", "one of delivered, failed, opened, clicked, dismissed");
const OCCURRED_AT: Field = Field::new("occurred_at", time::RULE);
const RETRYABLE: Field = Field::new("retryable", "true or false");
const ERROR_CODE: Field = Field::new(
    "error_code",
    "a string of 1 to 128 characters, none of them a control character",
);
const ERROR_MESSAGE: Field = Field::new("error_message", "a string");
const RETRY_AFTER_S: Field = Field::new(
    "retry_after_s",
    "an integer from 0 to 2592000, in seconds (30 days)",
);
const DEVICE_TYPE: Field = Field::new(
    "device_type",
    "a string of 1 to 32 characters, none of them a control character",
);
const USER_TIMEZONE: Field = Field::new("user_timezone", timezone::RULE);
const CHANNEL: Field = Field::new(
    "channel",
    "a string of 1 to 64 characters, none of them a control character",
);

const FIELDS: [&Field; 12] = [
    &NOTIFICATION_ID,
    &ATTEMPT,
    &USER_ID,
    &STATUS,
    &OCCURRED_AT,
    &RETRYABLE,
    &ERROR_CODE,
    &ERROR_MESSAGE,
    &RETRY_AFTER_S,
    &DEVICE_TYPE,
    &USER_TIMEZONE,
    &CHANNEL,
];

/// The result as JSON types, before any range is checked.
#[derive(Deserialize)]
struct Wire<'a> {
    notification_id: Option<Integer>,
    attempt: Option<Integer>,
    user_id: Option<Integer>,
    #[serde(borrow)]
    status: Option<Text<'a>>,
    occurred_at: Option<Text<'a>>,
    retryable: Option<bool>,
    error_code: Option<Text<'a>>,
    error_message: Option<Text<'a>>,
    retry_after_s: Option<Integer>,
    device_type: Option<Text<'a>>,
    user_timezone: Option<Text<'a>>,
    channel: Option<Text<'a>>,
}

impl DeliveryResult {
    /// The result in a record's value.
    ///
    /// Unknown fields are ignored; `null` for an optional field, and an empty `error_message`, are as good as absent.
    /// Of several faults one is told: JSON types first, in the order of the text, then missing fields, ranges and
    /// formats, in the order of the contract.
    ///
    /// # Errors
    /// - [`Reason::InvalidJson`](super::Reason::InvalidJson): no value, not UTF-8, not JSON; with line and column
    /// - [`Reason::TooLarge`](super::Reason::TooLarge): more than `max_bytes`
    /// - [`Reason::SchemaViolation`](super::Reason::SchemaViolation): anything else; with the path of the field, what
    ///   is right, what was found
    pub fn decode(payload: Option<&[u8]>, max_bytes: usize) -> Result<Self, Rejection> {
        let wire: Wire<'_> = wire::parse(payload, max_bytes, &FIELDS)?;
        let status =
            |text: Text<'_>| ResultStatus::from_name(&text.0).ok_or_else(|| STATUS.wrong_text(&text.0));
        let delay = |seconds| RETRY_AFTER_S.integer(seconds, 0..=LONGEST_RETRY_AFTER_S);
        Ok(Self {
            notification_id: NOTIFICATION_ID
                .integer(NOTIFICATION_ID.required(wire.notification_id)?, 1..=i64::MAX)?,
            attempt: ATTEMPT.integer(ATTEMPT.required(wire.attempt)?, 1..=i64::from(u32::MAX))?,
            user_id: USER_ID.integer(USER_ID.required(wire.user_id)?, 1..=i64::MAX)?,
            status: status(STATUS.required(wire.status)?)?,
            occurred_at: OCCURRED_AT.time(&OCCURRED_AT.required(wire.occurred_at)?)?,
            retryable: wire.retryable.unwrap_or(true),
            error_code: wire
                .error_code
                .map(|text| ERROR_CODE.name(&text, 128))
                .transpose()?,
            error_message: wire
                .error_message
                .map(|text| text.0.into_owned())
                .filter(|text| !text.is_empty()),
            retry_after_s: wire.retry_after_s.map(delay).transpose()?,
            device_type: wire
                .device_type
                .map(|text| DEVICE_TYPE.name(&text, 32))
                .transpose()?,
            user_timezone: wire
                .user_timezone
                .map(|text| USER_TIMEZONE.timezone(&text))
                .transpose()?,
            channel: wire.channel.map(|text| CHANNEL.name(&text, 64)).transpose()?,
        })
    }
}
