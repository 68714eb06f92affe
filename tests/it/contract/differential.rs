//! Schema and type are asked about the same values, thousands of them: whatever the type takes the schema takes, and
//! whatever the type refuses the schema refuses, except for the faults listed in [`schema_is_blind`].

use std::sync::LazyLock;

use inq::contract::Rejection;
use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Map, Value};

use super::messages::{EVENT_FIELDS, RESULT_FIELDS, any_value, cancel, event, good_event, mutated, result};
use super::{decode_event, decode_result, validator};

static EVENT: LazyLock<Validator> = LazyLock::new(|| validator("incentive-event"));
static RESULT: LazyLock<Validator> = LazyLock::new(|| validator("delivery-result"));

const INTEGERS: [&str; 6] = [
    "user_id",
    "notification_type",
    "priority",
    "notification_id",
    "attempt",
    "retry_after_s",
];
const TIMES: [&str; 3] = ["occurred_at", "scheduled_at", "expires_at"];
const ZONES: [&str; 2] = ["timezone", "user_timezone"];

/// Whether the message has a fault that only the type sees. Two more cannot be in a `Value` at all: a field given
/// twice, and a number or a nesting beyond what the parser reads.
fn schema_is_blind(message: &Map<String, Value>) -> bool {
    let text = |field: &str| message.get(field).and_then(Value::as_str);
    // So large a float may mean several integers.
    let is_inexact =
        |value: &Value| value.is_f64() && value.as_f64().is_some_and(|n| n.abs() > 9_007_199_254_740_991.0);
    let inexact = INTEGERS
        .iter()
        .any(|field| message.get(*field).is_some_and(is_inexact));
    // The list of zones is not in the schema.
    let is_unknown = |zone: &str| zone.parse::<chrono_tz::Tz>().is_err();
    let unknown_zone = ZONES.iter().any(|field| text(field).is_some_and(is_unknown));
    // On the first and the last day of the range the year in UTC may not be the year as written.
    let is_edge = |time: &str| time.starts_with("1970-01-01") || time.starts_with("9999-12-31");
    let edge_of_time = TIMES.iter().any(|field| text(field).is_some_and(is_edge));
    // Repeated variants, and what is within extensions.
    let is_odd = |tag: &str| {
        let parts: Vec<String> = tag.split('-').map(str::to_lowercase).collect();
        let repeats = parts
            .iter()
            .enumerate()
            .any(|(index, part)| parts[..index].contains(part));
        repeats || parts.iter().any(|part| part.len() == 1)
    };
    let odd_tag = text("language").is_some_and(is_odd);
    // What two times are to each other.
    let window = message.get("deliver_between").is_some_and(Value::is_object);
    inexact || unknown_zone || edge_of_time || odd_tag || window
}

fn agree(message: &Value, schema: &Validator, verdict: Result<(), Rejection>) -> Result<(), TestCaseError> {
    match (verdict, schema.validate(message)) {
        (Ok(()), Err(error)) => {
            prop_assert!(
                false,
                "only the schema rejects {}: {error}",
                error.instance_path()
            );
        }
        (Err(rejection), Ok(())) => {
            let excused = message.as_object().is_some_and(schema_is_blind);
            prop_assert!(excused, "only the type rejects: {rejection}");
        }
        _ => {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop((decode_event(&bytes), decode_result(&bytes)));
    }

    #[test]
    fn no_damage_to_an_event_makes_the_reader_panic(
        message in mutated(EVENT_FIELDS, event), place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let mut bytes = serde_json::to_vec(&message).unwrap();
        let place = place.index(bytes.len());
        bytes[place] = byte;
        drop((decode_event(&bytes), decode_event(&bytes[..place]), decode_result(&bytes)));
    }

    #[test]
    fn every_good_event_passes_schema_and_type(message in good_event()) {
        prop_assert!(EVENT.is_valid(&message));
        prop_assert_eq!(decode_event(message.to_string().as_bytes()), Ok(()));
    }

    #[test]
    fn schema_and_type_agree_on_events(message in mutated(EVENT_FIELDS, event)) {
        agree(&message, &EVENT, decode_event(message.to_string().as_bytes()))?;
    }

    #[test]
    fn schema_and_type_agree_on_cancels(message in mutated(EVENT_FIELDS, cancel)) {
        agree(&message, &EVENT, decode_event(message.to_string().as_bytes()))?;
    }

    #[test]
    fn schema_and_type_agree_on_results(message in mutated(RESULT_FIELDS, result)) {
        agree(&message, &RESULT, decode_result(message.to_string().as_bytes()))?;
    }

    #[test]
    fn schema_and_type_agree_on_any_json(message in any_value()) {
        agree(&message, &EVENT, decode_event(message.to_string().as_bytes()))?;
        agree(&message, &RESULT, decode_result(message.to_string().as_bytes()))?;
    }
}
