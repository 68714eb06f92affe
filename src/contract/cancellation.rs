//! The cancel: an event that calls off the notification of an earlier one.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::Rejection;
use super::event::{ACTION, EVENT_ID, OCCURRED_AT, USER_ID};
use super::field::Field;
use super::wire::{self, Integer, Text};

/// An event with `"action": "cancel"` that has passed every check of the contract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    /// The event whose notification is not wanted any more, 1 to 128 characters.
    pub event_id: String,
    /// Whom that event is for; positive. Nobody else's is called off.
    pub user_id: i64,
    /// When it was called off; `None`: the time of the Kafka record.
    pub occurred_at: Option<DateTime<Utc>>,
    /// Why, for people; 1 to 256 characters.
    pub reason: Option<String>,
}

/// What `action` says of a cancel.
const CANCEL: &str = "cancel";

const REASON: Field = Field::new(
    "reason",
    "a string of 1 to 256 characters, none of them a control character",
);

const FIELDS: [&Field; 5] = [&ACTION, &EVENT_ID, &USER_ID, &OCCURRED_AT, &REASON];

/// The cancel as JSON types, before any range is checked.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    action: Option<Text<'a>>,
    event_id: Option<Text<'a>>,
    user_id: Option<Integer>,
    occurred_at: Option<Text<'a>>,
    reason: Option<Text<'a>>,
}

impl Cancellation {
    /// Whether a record's value, of at most `max_bytes`, asks to cancel something.
    pub(super) fn is_asked_for(payload: Option<&[u8]>, max_bytes: usize) -> bool {
        #[derive(Deserialize)]
        struct Asked<'a> {
            #[serde(borrow)]
            action: Option<Text<'a>>,
        }
        payload
            .filter(|bytes| bytes.len() <= max_bytes)
            .and_then(|bytes| serde_json::from_slice::<Asked<'_>>(bytes).ok())
            .and_then(|asked| asked.action)
            .is_some_and(|action| action.0 == CANCEL)
    }

    /// The cancel in a record's value. What else it says is ignored, whatever it is: an event can be sent once more with the
    /// action alone added.
    ///
    /// # Errors
    /// As those of [`super::IncentiveEvent::decode`].
    pub fn decode(payload: Option<&[u8]>, max_bytes: usize) -> Result<Self, Rejection> {
        let wire: Wire<'_> = wire::parse(payload, max_bytes, &FIELDS)?;
        let action = ACTION.required(wire.action)?;
        if action.0 != CANCEL {
            return Err(ACTION.wrong_text(&action.0));
        }
        Ok(Self {
            event_id: EVENT_ID.name(&EVENT_ID.required(wire.event_id)?, 128)?,
            user_id: USER_ID.integer(USER_ID.required(wire.user_id)?, 1..=i64::MAX)?,
            occurred_at: wire.occurred_at.map(|text| OCCURRED_AT.time(&text)).transpose()?,
            reason: wire.reason.map(|text| REASON.name(&text, 256)).transpose()?,
        })
    }
}
