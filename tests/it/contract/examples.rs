//! Every example goes through schema and type.

use std::collections::{BTreeMap, BTreeSet};

use inq::contract::{
    Cancellation, DeliveryResult, EventMessage, IncentiveEvent, IncentiveType, Preference, PreferenceChange,
    Reason, Rejection, ResultStatus,
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    MAX_BYTES, decode_event, decode_preferences, decode_result, examples, read_json, schema, schemas,
    validator,
};

/// What `invalid.json` says of an example.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    /// The reason that the type gives.
    reason: String,
    /// What its detail contains.
    detail: String,
    /// Why the schema does not see the fault; absent where it does.
    schema_is_blind: Option<String>,
}

fn valid_examples_pass(message: &str, schema: &str, decode: fn(&[u8]) -> Result<(), Rejection>) {
    let validator = validator(schema);
    for (file, bytes) in examples(message, "valid") {
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        if let Err(error) = validator.validate(&value) {
            panic!(
                "{message}/valid/{file}: the schema rejects {}: {error}",
                error.instance_path()
            );
        }
        if let Err(rejection) = decode(&bytes) {
            panic!("{message}/valid/{file}: the type rejects it: {rejection}");
        }
    }
}

fn invalid_examples_are_rejected(message: &str, schema: &str, decode: fn(&[u8]) -> Result<(), Rejection>) {
    let validator = validator(schema);
    let path = schemas().join("examples").join(message).join("invalid.json");
    let mut expected: BTreeMap<String, Expected> = serde_json::from_value(read_json(&path)).unwrap();
    for (file, bytes) in examples(message, "invalid") {
        let expected = expected
            .remove(&file)
            .unwrap_or_else(|| panic!("{message}/invalid.json lacks {file}"));
        let rejection = decode(&bytes).expect_err(&file);
        assert_eq!(rejection.reason.as_str(), expected.reason, "{file}: {rejection}");
        assert!(
            rejection.detail.contains(&expected.detail),
            "{file}: expected {:?}, found {:?}",
            expected.detail,
            rejection.detail
        );
        // What no parser can read, no schema is asked about.
        let schema_sees = serde_json::from_slice(&bytes).is_ok_and(|value| !validator.is_valid(&value));
        assert_eq!(
            schema_sees,
            expected.schema_is_blind.is_none(),
            "{file}: does the schema see the fault?"
        );
    }
    assert!(
        expected.is_empty(),
        "{message}/invalid.json names files that are not there: {:?}",
        expected.keys()
    );
}

#[test]
fn every_valid_event_passes_schema_and_type() {
    valid_examples_pass("event", "incentive-event", decode_event);
}

#[test]
fn every_invalid_event_is_rejected_for_the_expected_reason() {
    invalid_examples_are_rejected("event", "incentive-event", decode_event);
}

#[test]
fn every_valid_result_passes_schema_and_type() {
    valid_examples_pass("delivery-result", "delivery-result", decode_result);
}

#[test]
fn every_invalid_result_is_rejected_for_the_expected_reason() {
    invalid_examples_are_rejected("delivery-result", "delivery-result", decode_result);
}

#[test]
fn every_valid_preference_passes_schema_and_type() {
    valid_examples_pass("preferences", "user-preferences", decode_preferences);
}

#[test]
fn every_invalid_preference_is_rejected_for_the_expected_reason() {
    invalid_examples_are_rejected("preferences", "user-preferences", decode_preferences);
}

#[test]
fn a_preference_is_written_as_the_schema_says_and_read_as_the_same() {
    let validator = validator("user-preferences");
    for (file, bytes) in examples("preferences", "valid") {
        let read = Preference::decode(Some(&bytes), MAX_BYTES).unwrap();
        let written = read.to_json();
        assert!(
            validator.is_valid(&serde_json::from_str(&written).unwrap()),
            "{file}: {written}"
        );
        assert_eq!(
            Preference::decode(Some(written.as_bytes()), MAX_BYTES),
            Ok(read),
            "{file}"
        );
    }
}

#[test]
fn a_preference_without_a_value_forgets_whom_its_key_names() {
    let at = |seconds| chrono::DateTime::from_timestamp(seconds, 0).unwrap();
    let read =
        |key: Option<&[u8]>, payload: Option<&[u8]>| PreferenceChange::decode(key, payload, at(9), MAX_BYTES);
    for payload in [None, Some(&b""[..])] {
        let forgotten = read(Some(b"42"), payload).unwrap();
        assert_eq!(
            (forgotten.user_id, forgotten.updated_at, forgotten.preference),
            (42, at(9), None)
        );
        for key in [None, Some(&b"x"[..]), Some(b"0"), Some(b"+42"), Some(b"")] {
            let rejection = read(key, payload).unwrap_err();
            assert_eq!(rejection.reason, Reason::SchemaViolation);
            assert!(
                rejection
                    .detail
                    .starts_with("the record's key: must be the user_id"),
                "{rejection}"
            );
        }
    }
    let said = br#"{"user_id":42,"updated_at":"2026-01-31T12:00:00Z"}"#;
    assert!(read(Some(b"42"), Some(said)).is_ok() && read(None, Some(said)).is_ok());
    assert!(
        read(Some(b"43"), Some(said)).is_err(),
        "under another's key it would take another's place"
    );
}

#[test]
fn delivery_request_examples_are_what_the_schema_says() {
    written_examples_are_what_the_schema_says("delivery-request");
}

#[test]
fn alert_examples_are_what_the_schema_says() {
    written_examples_are_what_the_schema_says("alert");
}

fn written_examples_are_what_the_schema_says(message: &str) {
    let validator = validator(message);
    for (file, bytes) in examples(message, "valid") {
        assert!(
            validator.is_valid(&serde_json::from_slice(&bytes).unwrap()),
            "{file}"
        );
    }
    let index = read_json(&schemas().join("examples").join(message).join("invalid.json"));
    let invalid = examples(message, "invalid");
    assert_eq!(invalid.len(), index.as_object().unwrap().len());
    for (file, bytes) in invalid {
        let value: Value = serde_json::from_slice(&bytes).unwrap();
        let error = validator.validate(&value).expect_err(&file);
        assert_eq!(error.instance_path().as_str(), index[&file]["path"], "{file}");
    }
}

#[test]
fn the_examples_within_the_schemas_are_valid() {
    for name in [
        "incentive-event",
        "delivery-request",
        "delivery-result",
        "dead-letter",
        "user-preferences",
        "alert",
    ] {
        let (schema, validator) = (schema(name), validator(name));
        for example in schema["examples"].as_array().unwrap() {
            assert!(validator.is_valid(example), "{name}: {example}");
        }
        assert!(!schema["properties"].as_object().unwrap().is_empty());
        let fields = [&schema, &schema["then"], &schema["else"]].map(|part| part["properties"].as_object());
        for (field, property) in fields.into_iter().flatten().flatten() {
            assert!(
                property["description"].is_string(),
                "{name}: {field} has no description"
            );
        }
    }
}

#[test]
fn there_is_a_valid_example_of_each_type_and_status() {
    let field = |message: &str, field: &str| -> BTreeSet<String> {
        let files = examples(message, "valid");
        let values = files
            .values()
            .map(|bytes| serde_json::from_slice::<Value>(bytes).unwrap());
        values
            .filter(|value| field != "incentive_type" || value["action"] != "cancel")
            .map(|value| value[field].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        field("event", "incentive_type"),
        IncentiveType::ALL.iter().map(ToString::to_string).collect()
    );
    assert_eq!(
        field("delivery-result", "status"),
        ResultStatus::ALL
            .iter()
            .map(|status| status.as_str().to_owned())
            .collect()
    );
    assert_eq!(
        field("event", "event_id").len(),
        examples("event", "valid").len(),
        "two examples have one event_id: the second would be a duplicate"
    );
}

#[test]
fn a_record_without_a_value_is_rejected() {
    let rejection = IncentiveEvent::decode(None, MAX_BYTES).unwrap_err();
    assert_eq!(
        rejection,
        Rejection::new(Reason::InvalidJson, "the record has no value")
    );
    assert_eq!(DeliveryResult::decode(None, MAX_BYTES).unwrap_err(), rejection);
}

#[test]
fn a_value_over_the_limit_is_rejected_with_both_numbers() {
    let event = br#"{"event_id":"e","user_id":1,"incentive_type":"point_earning"}"#;
    assert!(IncentiveEvent::decode(Some(event), event.len()).is_ok());
    let rejection = IncentiveEvent::decode(Some(event), event.len() - 1).unwrap_err();
    assert_eq!(rejection.reason, Reason::TooLarge);
    assert_eq!(rejection.detail, "the value has 61 bytes, at most 60 are allowed");
}

#[test]
fn what_is_read_is_normalised() {
    let event = IncentiveEvent::decode(
        Some(
            br#"{"event_id":"e","user_id":1,"incentive_type":"point_earning","message_title":"","priority":null,
                "occurred_at":"2026-01-31t12:00:00.123999-03:30","expires_at":"2016-12-31T23:59:60.5Z",
                "language":"ZH-hant-tw","incentive_data":{"n":1,"n":2}}"#,
        ),
        MAX_BYTES,
    )
    .unwrap();
    let time = |time: Option<_>| time.as_ref().map(inq::contract::time::format);
    assert_eq!(
        time(event.occurred_at).as_deref(),
        Some("2026-01-31T15:30:00.123Z")
    );
    assert_eq!(
        time(event.expires_at).as_deref(),
        Some("2017-01-01T00:00:00.500Z")
    );
    assert_eq!(event.language.as_deref(), Some("zh-Hant-TW"));
    assert_eq!((event.message_title, event.priority), (None, None));
    assert_eq!(event.incentive_data["n"], 2);
}

#[test]
fn a_number_without_a_fraction_is_the_integer() {
    let file = |message: &str| examples(message, "valid").remove("whole_numbers.json").unwrap();
    let event = IncentiveEvent::decode(Some(&file("event")), MAX_BYTES).unwrap();
    let priority = event.priority.map(inq::contract::Priority::get);
    assert_eq!(
        (event.user_id, event.notification_type, priority),
        (42, Some(86), Some(1))
    );
    let result = DeliveryResult::decode(Some(&file("delivery-result")), MAX_BYTES).unwrap();
    assert_eq!(
        (result.notification_id, result.attempt, result.user_id),
        (1001, 1, 42)
    );
    let preference = Preference::decode(Some(&file("preferences")), MAX_BYTES).unwrap();
    assert_eq!((preference.user_id, preference.max_per_day), (42, Some(5)));
    let cancel = br#"{"action":"cancel","event_id":"e","user_id":42.0}"#;
    assert_eq!(Cancellation::decode(Some(cancel), MAX_BYTES).unwrap().user_id, 42);
    for (user_id, is_one) in [
        ("9007199254740991.0", true),
        ("9007199254740992.0", false),
        ("9223372036854775807", true),
        ("1e300", false),
        ("7.5", false),
        ("-0.0", false),
        ("\"7\"", false),
        ("[7]", false),
    ] {
        let event = format!(r#"{{"event_id":"e","user_id":{user_id},"incentive_type":"point_earning"}}"#);
        let read = decode_event(event.as_bytes());
        assert_eq!(read.is_ok(), is_one, "{user_id}: {read:?}");
        if let Err(rejection) = read {
            assert_eq!(rejection.field.as_deref(), Some("user_id"), "{user_id}");
        }
    }
}

#[test]
fn a_record_asks_to_notify_or_to_cancel() {
    let read = |text: &str| EventMessage::decode(Some(text.as_bytes()), MAX_BYTES);
    let event = |action: &str| {
        format!(r#"{{{action}"event_id":"e","user_id":1,"incentive_type":"point_earning","reason":"why"}}"#)
    };
    for action in ["", r#""action":null,"#, r#""action":"notify","#] {
        assert!(
            matches!(read(&event(action)), Ok(EventMessage::Notify(_))),
            "{action}"
        );
    }
    let Ok(EventMessage::Cancel(cancel)) = read(&event(r#""action":"cancel","#)) else {
        panic!("no cancel");
    };
    assert_eq!(
        cancel,
        Cancellation {
            event_id: "e".to_owned(),
            user_id: 1,
            occurred_at: None,
            reason: Some("why".to_owned()),
        }
    );
    for action in ["Cancel", "cancel ", "", "delete"] {
        let rejection = read(&event(&format!(r#""action":"{action}","#))).unwrap_err();
        assert_eq!(rejection.field.as_deref(), Some("action"), "{rejection}");
    }
    let long = format!(
        r#"{{"action":"cancel","event_id":"e","user_id":1,"x":"{}"}}"#,
        "x".repeat(MAX_BYTES)
    );
    assert_eq!(read(&long).unwrap_err().reason, Reason::TooLarge);
}

#[test]
fn a_long_value_is_cut_in_the_detail() {
    let event = format!(
        r#"{{"event_id":"{}","user_id":1,"incentive_type":"x"}}"#,
        "long ".repeat(1000)
    );
    let rejection = decode_event(event.as_bytes()).unwrap_err();
    assert!(rejection.detail.len() < 200, "{rejection}");
    assert!(rejection.detail.ends_with("…"), "{rejection}");
}
