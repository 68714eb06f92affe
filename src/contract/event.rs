//! The incentive event: what upstream producers send.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::field::Field;
use super::incentive_data::IncentiveData;
use super::window::{Times, Window};
use super::wire::{self, Integer, Object, Text};
use super::{IncentiveType, Priority, Reason, Rejection, time, timezone};

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
    /// In which time to deliver, at the reader's best moment; `scheduled_at` is before its end.
    pub deliver_between: Option<Window>,
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

pub(super) const ACTION: Field = Field::new("action", "\"notify\" or \"cancel\"");
pub(super) const EVENT_ID: Field = Field::new(
    "event_id",
    "a string of 1 to 128 characters, none of them a control character",
);
pub(super) const USER_ID: Field = Field::new("user_id", "an integer from 1 to 9223372036854775807");
const INCENTIVE_TYPE: Field = Field::new("incentive_type", IncentiveType::RULE);
const NOTIFICATION_TYPE: Field = Field::new("notification_type", "an integer from 0 to 2147483647");
const PRIORITY: Field = Field::new("priority", "an integer from 0 to 4");
pub(super) const OCCURRED_AT: Field = Field::new("occurred_at", time::RULE);
const SCHEDULED_AT: Field = Field::new("scheduled_at", time::RULE);
const EXPIRES_AT: Field = Field::new("expires_at", time::RULE);
const DELIVER_BETWEEN: Field = Field::new("deliver_between", "an object with from and to");
const LANGUAGE: Field = Field::new(
    "language",
    "a BCP 47 language tag of at most 35 characters, like es-MX",
);
const TIMEZONE: Field = Field::new("timezone", timezone::RULE);
const DEVICE_TYPE: Field = Field::new(
    "device_type",
    "a string of 1 to 32 characters, none of them a control character",
);
const MESSAGE_TITLE: Field = Field::new("message_title", "a string");
const MESSAGE_BODY: Field = Field::new("message_body", "a string");
const INCENTIVE_DATA: Field = Field::new("incentive_data", "an object");

const FIELDS: [&Field; 16] = [
    &ACTION,
    &EVENT_ID,
    &USER_ID,
    &INCENTIVE_TYPE,
    &NOTIFICATION_TYPE,
    &PRIORITY,
    &OCCURRED_AT,
    &SCHEDULED_AT,
    &EXPIRES_AT,
    &DELIVER_BETWEEN,
    &LANGUAGE,
    &TIMEZONE,
    &DEVICE_TYPE,
    &MESSAGE_TITLE,
    &MESSAGE_BODY,
    &INCENTIVE_DATA,
];

/// What `action` says of an event, unless it says nothing.
const NOTIFY: &str = "notify";

/// The event as JSON types, before any range is checked.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    action: Option<Text<'a>>,
    event_id: Option<Text<'a>>,
    user_id: Option<Integer>,
    incentive_type: Option<Text<'a>>,
    notification_type: Option<Integer>,
    priority: Option<Integer>,
    occurred_at: Option<Text<'a>>,
    scheduled_at: Option<Text<'a>>,
    expires_at: Option<Text<'a>>,
    #[serde(borrow)]
    deliver_between: Option<Object<Times<'a>>>,
    language: Option<Text<'a>>,
    timezone: Option<Text<'a>>,
    device_type: Option<Text<'a>>,
    message_title: Option<Text<'a>>,
    message_body: Option<Text<'a>>,
    incentive_data: Option<IncentiveData>,
}

impl IncentiveEvent {
    /// The event in a record's value, whose `action` is `notify` or absent.
    ///
    /// Unknown fields are ignored; `null` for an optional field, and an empty `message_title` or `message_body`, are
    /// as good as absent. Of several faults one is told: JSON types first, in the order of the text, then missing
    /// fields, ranges and formats, in the order of the contract.
    ///
    /// # Errors
    /// - [`Reason::InvalidJson`]: no value, not UTF-8, not JSON; with line and column
    /// - [`Reason::TooLarge`]: more than `max_bytes`
    /// - [`Reason::UnknownIncentiveType`]: a string that is none of the six
    /// - [`Reason::SchemaViolation`]: anything else; with the path of the field, what is right, what was found
    pub fn decode(payload: Option<&[u8]>, max_bytes: usize) -> Result<Self, Rejection> {
        let wire: Wire<'_> = wire::parse(payload, max_bytes, &FIELDS)?;
        if let Some(action) = wire.action.filter(|action| action.0 != NOTIFY) {
            return Err(ACTION.wrong_text(&action.0));
        }
        let priority =
            |Integer(number)| Priority::new(number).map_err(|_| PRIORITY.wrong(&number.to_string()));
        let event = Self {
            event_id: EVENT_ID.name(&EVENT_ID.required(wire.event_id)?, 128)?,
            user_id: USER_ID.integer(USER_ID.required(wire.user_id)?, 1..=i64::MAX)?,
            incentive_type: incentive_type(&INCENTIVE_TYPE.required(wire.incentive_type)?.0)?,
            notification_type: wire
                .notification_type
                .map(|code| NOTIFICATION_TYPE.integer(code, 0..=i64::from(i32::MAX)))
                .transpose()?,
            priority: wire.priority.map(priority).transpose()?,
            occurred_at: wire.occurred_at.map(|text| OCCURRED_AT.time(&text)).transpose()?,
            scheduled_at: wire
                .scheduled_at
                .map(|text| SCHEDULED_AT.time(&text))
                .transpose()?,
            expires_at: wire.expires_at.map(|text| EXPIRES_AT.time(&text)).transpose()?,
            deliver_between: wire
                .deliver_between
                .map(|times| Window::read(&times.0))
                .transpose()?,
            language: wire.language.map(|text| LANGUAGE.language(&text)).transpose()?,
            timezone: wire.timezone.map(|text| TIMEZONE.timezone(&text)).transpose()?,
            device_type: wire
                .device_type
                .map(|text| DEVICE_TYPE.name(&text, 32))
                .transpose()?,
            message_title: literal(wire.message_title),
            message_body: literal(wire.message_body),
            incentive_data: wire.incentive_data.map(|data| data.0).unwrap_or_default(),
        };
        event.can_be_kept_to()?;
        Ok(event)
    }

    /// Whether `scheduled_at` leaves something of the window.
    fn can_be_kept_to(&self) -> Result<(), Rejection> {
        match (self.scheduled_at, self.deliver_between) {
            (Some(at), Some(window)) if at >= window.to => Err(Rejection::of_field(
                SCHEDULED_AT.name,
                format_args!(
                    "must be before deliver_between.to, {}, found {}",
                    time::format(&window.to),
                    time::format(&at)
                ),
            )),
            _ => Ok(()),
        }
    }
}

fn literal(text: Option<Text<'_>>) -> Option<String> {
    text.map(|text| text.0.into_owned())
        .filter(|text| !text.is_empty())
}

fn incentive_type(name: &str) -> Result<IncentiveType, Rejection> {
    IncentiveType::from_name(name).ok_or_else(|| Rejection {
        reason: Reason::UnknownIncentiveType,
        ..INCENTIVE_TYPE.wrong_but(name, nearest(name))
    })
}

/// The type whose name is so like this one that it was probably meant.
fn nearest(name: &str) -> Option<IncentiveType> {
    const LIKE_ENOUGH: f64 = 0.6;
    let likeness = |kind: &IncentiveType| {
        let name: String = name.chars().take(Field::LONGEST_FOUND).collect();
        strsim::normalized_damerau_levenshtein(&name.to_lowercase().replace(['-', ' '], "_"), kind.as_str())
    };
    let (likeness, kind) = IncentiveType::ALL
        .into_iter()
        .map(|kind| (likeness(&kind), kind))
        .max_by(|(one, _), (other, _)| one.total_cmp(other))?;
    (likeness >= LIKE_ENOUGH).then_some(kind)
}
