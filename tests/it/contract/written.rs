//! What we write is what the schemas promise.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use inq::contract::{
    Alert, DeadLetter, DeliveryRequest, IncentiveType, Priority, Reason, Rejection, Trouble,
};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::{schema, validator};

fn noon() -> DateTime<Utc> {
    "2026-01-31T12:00:00.000999Z".parse().unwrap()
}

fn request(data: &RawValue, expires_at: Option<DateTime<Utc>>) -> DeliveryRequest<'_> {
    DeliveryRequest {
        notification_id: 1001,
        attempt: 2,
        event_id: "loyalty-42",
        user_id: 42,
        incentive_type: IncentiveType::StreakReward,
        notification_type: 85,
        priority: Priority::MAX,
        message_title: "¡Diez días!",
        message_body: "Has entrado diez días seguidos.",
        language: "es",
        variant: None,
        incentive_data: data,
        scheduled_at: noon(),
        expires_at,
        created_at: noon(),
        published_at: noon(),
    }
}

#[test]
fn a_delivery_request_is_what_its_schema_says() {
    let data =
        RawValue::from_string(r#"{"streak_count":10,"big":123456789012345678901}"#.to_owned()).unwrap();
    let validator = validator("delivery-request");
    for (expires_at, variant) in [(None, None), (Some(noon()), Some("short"))] {
        let request = DeliveryRequest {
            variant,
            ..request(&data, expires_at)
        };
        let text = serde_json::to_string(&request).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        if let Err(error) = validator.validate(&value) {
            panic!("{}: {error}", error.instance_path());
        }
        assert!(
            text.contains(data.get()),
            "the event's data goes out as it stands in the row"
        );
    }
}

#[test]
fn a_delivery_request_has_every_field_of_its_schema_and_no_other() {
    let data = RawValue::from_string("{}".to_owned()).unwrap();
    let schema = schema("delivery-request");
    let described: BTreeSet<_> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let required: BTreeSet<_> = schema["required"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| name.as_str().unwrap().to_owned())
        .collect();
    let written = |request: &DeliveryRequest<'_>| -> BTreeSet<String> {
        let value = serde_json::to_value(request).unwrap();
        value.as_object().unwrap().keys().cloned().collect()
    };
    let mut request = request(&data, None);
    assert_eq!(written(&request), required);
    request.variant = Some("short");
    assert_eq!(written(&request), described);
    let optional: Vec<_> = described.difference(&required).collect();
    assert_eq!(optional, ["variant"]);
}

#[test]
fn a_delivery_request_can_be_sorted_by_its_headers() {
    let data = RawValue::from_string("{}".to_owned()).unwrap();
    let request = request(&data, None);
    let expected = [
        ("event-id", "loyalty-42"),
        ("notification-id", "1001"),
        ("attempt", "2"),
    ]
    .map(|(name, value)| (name, value.to_owned()));
    assert_eq!(request.headers(None), expected);
    let traced = request.headers(Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
    assert_eq!(traced.last().unwrap().0, "traceparent");
}

#[test]
fn the_headers_of_every_dead_letter_are_what_their_schema_says() {
    let (schema, validator) = (schema("dead-letter"), validator("dead-letter"));
    for reason in Reason::ALL {
        for (detail, timestamp) in [
            ("priority: \r\n\u{1b}\u{85}", None),
            (&*"ñ".repeat(5000), Some(noon())),
        ] {
            let headers = DeadLetter {
                rejection: &Rejection::new(reason, detail),
                topic: "incentive.events",
                partition: 0,
                offset: i64::MAX,
                timestamp,
                failed_at: noon(),
            }
            .headers();
            let object: Map<String, Value> = headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), value.clone().into()))
                .collect();
            assert_eq!(object.len(), headers.len(), "a header stands twice");
            assert_eq!(object.len(), schema["required"].as_array().unwrap().len());
            if let Err(error) = validator.validate(&object.into()) {
                panic!("{reason}: {}: {error}", error.instance_path());
            }
        }
    }
}

#[test]
fn the_schema_lists_every_reason() {
    let listed = schema("dead-letter")["properties"]["dlq-reason"]["enum"].clone();
    assert_eq!(
        listed,
        serde_json::to_value(Reason::ALL.map(Reason::as_str)).unwrap()
    );
}

#[test]
fn every_alert_is_what_its_schema_says() {
    let (schema, validator) = (schema("alert"), validator("alert"));
    let troubles = [
        Trouble::DatabaseAway { since: noon() },
        Trouble::BrokerAway { since: noon() },
        Trouble::DeadLetters { count: 101 },
        Trouble::ClaimsInDoubt { count: 1 },
        Trouble::NotificationFailed {
            notification_id: i64::MAX,
            user_id: 42,
            priority: Priority::MAX,
            attempt: 5,
        },
    ];
    let mut names = BTreeSet::new();
    let mut written = BTreeSet::new();
    for trouble in troubles {
        let alert = Alert::new(noon(), trouble, &"ñ".repeat(5000));
        let value = serde_json::to_value(&alert).unwrap();
        if let Err(error) = validator.validate(&value) {
            panic!("{value}: {}: {error}", error.instance_path());
        }
        assert_eq!(value["alert"], alert.trouble.name());
        names.insert(value["alert"].clone().to_string());
        written.extend(value.as_object().unwrap().keys().cloned());
    }
    let told: BTreeSet<_> = schema["properties"]["alert"]["enum"]
        .as_array()
        .unwrap()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(names, told);
    let described: BTreeSet<_> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(written, described);
}
