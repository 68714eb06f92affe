//! Events: a row that every database keeps and a request that the notification service understands, or a dead letter.

use std::sync::{Arc, LazyLock};

use chrono::Datelike;
use inq::config::Settings;
use inq::contract::{Cancellation, DeliveryRequest, IncentiveEvent, Priority, time};
use inq::ingest::{Plan, Planner};
use inq::localize::{BODY_BYTES, TITLE_CHARS, VARIANT_CHARS, Words};
use inq::store::{NewNotification, check_bounds};
use jsonschema::Validator;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::{MAX_BYTES, is_put_aside, noon, record};

static PLANNER: LazyLock<Planner> = LazyLock::new(|| Planner {
    words: Arc::new(Words::open(None, "en").expect("the built-in catalogues")),
    defaults: Settings::from_toml("").expect("the defaults").defaults,
    quiet: (&Settings::from_toml("quiet.hours = \"11:00-07:00\"")
        .expect("settings")
        .quiet)
        .into(),
    half_life: std::time::Duration::from_hours(720),
    max_event_bytes: MAX_BYTES,
});

static REQUEST: LazyLock<Validator> = LazyLock::new(|| {
    let schema = include_str!("../../schemas/delivery-request.schema.json");
    jsonschema::options()
        .should_validate_formats(true)
        .build(&serde_json::from_str(schema).expect("JSON"))
        .expect("a schema")
});

/// Any value of a record on the events topic.
pub fn check(payload: &[u8]) {
    let record = record(Some(payload.to_vec()), Vec::new());
    match PLANNER.plan(&record, noon()) {
        Ok(None) => {
            let cancel = Cancellation::decode(Some(payload), MAX_BYTES).expect("it was read");
            assert!((1..=128).contains(&cancel.event_id.chars().count()) && cancel.user_id >= 1);
        }
        Ok(Some(Plan { row, .. })) => {
            let event = IncentiveEvent::decode(Some(payload), MAX_BYTES).expect("it was planned");
            reads_back(&event);
            is_kept(&row, &event);
            is_delivered(&row, &event.incentive_data);
        }
        Err(rejection) => is_put_aside(&record, &rejection),
    }
}

/// What was read can be written, and is read as the same.
fn reads_back(event: &IncentiveEvent) {
    let mut written = json!({
        "event_id": event.event_id,
        "user_id": event.user_id,
        "incentive_type": event.incentive_type.as_str(),
        "notification_type": event.notification_type,
        "priority": event.priority.map(Priority::get),
        "occurred_at": event.occurred_at.as_ref().map(time::format),
        "scheduled_at": event.scheduled_at.as_ref().map(time::format),
        "expires_at": event.expires_at.as_ref().map(time::format),
        "language": event.language,
        "timezone": event.timezone,
        "device_type": event.device_type,
        "message_title": event.message_title,
        "message_body": event.message_body,
    });
    if let Some(window) = event.deliver_between {
        written["deliver_between"] =
            json!({ "from": time::format(&window.from), "to": time::format(&window.to) });
    }
    written["incentive_data"] = Value::Object(event.incentive_data.clone());
    let text = written.to_string();
    // A number such as 1e15 grows when it is written out.
    let again = IncentiveEvent::decode(Some(text.as_bytes()), usize::MAX).expect("it was good before");
    assert_eq!(&again, event);
}

/// Every column can hold its value.
fn is_kept(row: &NewNotification, event: &IncentiveEvent) {
    if let Err(fault) = check_bounds(std::slice::from_ref(row)) {
        panic!("an event that passed every check is no row: {fault}");
    }
    let characters =
        |text: &str, most: usize| assert!((1..=most).contains(&text.chars().count()), "{text:?}");
    characters(&row.event_id, 128);
    characters(&row.message_title, TITLE_CHARS);
    assert!((1..=BODY_BYTES).contains(&row.message_body.len()));
    characters(&row.language, 35);
    for (text, most) in [
        (&row.variant, VARIANT_CHARS),
        (&row.timezone, 64),
        (&row.device_type, 32),
        (&row.traceparent, 64),
    ] {
        if let Some(text) = text {
            characters(text, most);
        }
    }
    assert!(row.user_id >= 1 && row.notification_type >= 0 && row.priority.get() <= 4);
    for time in [Some(row.occurred_at), row.scheduled_at, row.expires_at]
        .into_iter()
        .flatten()
    {
        assert!((1970..=9999).contains(&time.year()), "{time}");
        assert_eq!(time.timestamp_subsec_nanos() % 1_000_000, 0, "{time}");
    }
    // Text that steers a terminal or a screen never reaches one.
    assert!(!row.message_title.chars().any(char::is_control));
    assert!(
        !row.message_body
            .chars()
            .any(|each| each.is_control() && each != '\n')
    );
    // Compared as text: `Value` reads an object with one of serde_json's private keys as something else.
    assert_eq!(
        row.incentive_data,
        Value::Object(event.incentive_data.clone()).to_string()
    );
}

/// The request that leaves is what the schema promises.
fn is_delivered(row: &NewNotification, data: &Map<String, Value>) {
    let raw = RawValue::from_string(row.incentive_data.clone()).expect("JSON");
    let request = DeliveryRequest {
        notification_id: 1,
        attempt: 1,
        event_id: &row.event_id,
        user_id: row.user_id,
        incentive_type: row.incentive_type,
        notification_type: row.notification_type,
        priority: row.priority,
        message_title: &row.message_title,
        message_body: &row.message_body,
        language: &row.language,
        variant: row.variant.as_deref(),
        incentive_data: &raw,
        scheduled_at: row.scheduled_at.unwrap_or_else(noon),
        expires_at: row.expires_at,
        created_at: noon(),
        published_at: noon(),
    };
    let bytes = serde_json::to_vec(&request).expect("a request");
    let parts: Map<String, Value> =
        serde_json::from_slice::<std::collections::BTreeMap<String, Box<RawValue>>>(&bytes)
            .expect("an object")
            .into_iter()
            .map(|(name, text)| {
                let value = match name.as_str() {
                    "incentive_data" => Value::Object(data.clone()),
                    _ => serde_json::from_str(text.get()).expect("JSON"),
                };
                (name, value)
            })
            .collect();
    if let Err(fault) = REQUEST.validate(&Value::Object(parts)) {
        panic!("no delivery request: {fault}");
    }
    for (name, value) in request.headers(row.traceparent.as_deref()) {
        assert!(!value.is_empty() && !value.contains('\0'), "{name}");
    }
}
