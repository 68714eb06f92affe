//! Schema and type are asked about the same values, thousands of them: whatever the type takes the schema takes, and
//! whatever the type refuses the schema refuses, except for the faults listed in [`schema_is_blind`].

use std::sync::LazyLock;

use jsonschema::Validator;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

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

/// Whether the value has a fault that only the type sees.
fn schema_is_blind(message: &Map<String, Value>) -> bool {
    let text = |field: &str| message.get(field).and_then(Value::as_str);
    // 42.0 is an integer to JSON Schema.
    let whole_float = INTEGERS.iter().any(|field| {
        message
            .get(*field)
            .is_some_and(|value| value.is_f64() && value.as_f64().is_some_and(|n| n.fract() == 0.0))
    });
    // The list of zones is not in the schema.
    let unknown_zone = ZONES
        .iter()
        .any(|field| text(field).is_some_and(|zone| zone.parse::<chrono_tz::Tz>().is_err()));
    // The year in UTC may differ from the year as written, on the first and last day of the range.
    let edge_of_time = TIMES.iter().any(|field| {
        text(field).is_some_and(|time| time.starts_with("1970-01-01") || time.starts_with("9999-12-31"))
    });
    // Repeated variants and what is within extensions.
    let odd_tag = text("language").is_some_and(|tag| {
        let tags: Vec<String> = tag.split('-').map(str::to_lowercase).collect();
        let repeats = tags
            .iter()
            .enumerate()
            .any(|(index, one)| tags[..index].contains(one));
        repeats || tags.iter().any(|one| one.len() == 1)
    });
    let deep = message
        .get("incentive_data")
        .is_some_and(|data| levels(data) > 64);
    whole_float || unknown_zone || edge_of_time || odd_tag || deep
}

fn levels(value: &Value) -> usize {
    match value {
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or(0),
        Value::Array(items) => 1 + items.iter().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}

/// Values that a field may hold, should hold or should not.
fn any_value() -> impl Strategy<Value = Value> {
    let number = prop_oneof![
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (-2_i64..8).prop_map(Value::from),
        (-2_i32..8).prop_map(|n| Value::from(f64::from(n))),
        prop::sample::select(vec![i64::from(i32::MAX), i64::from(u32::MAX), 2_592_000])
            .prop_flat_map(|n| (n - 1)..(n + 3))
            .prop_map(Value::from),
    ];
    let text = prop_oneof![
        any::<String>(),
        "\\PC{0,40}",
        "[ -~]{30,34}",
        "[a-zé]{62,66}",
        "[a-zé]{126,131}",
        "[a-zA-Z]{1,4}([-_][a-zA-Z0-9]{1,8}){0,4}",
        "(en|de|zh)(-Hant)?(-US|-419)?(-[a-z]{5,8}|-1996){0,3}(-u-ca-[a-z]{3,8})?(-x(-[a-z0-9]{1,8}){1,2})?",
        "(19[67][0-9]|20[0-9]{2}|9999|10000)-(0[0-9]|1[0-3])-(0[0-9]|[123][0-9])[Tt ](0[0-9]|1[0-9]|2[0-4]):[0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|z|[+-][0-2][0-9]:?[0-6][0-9]|)",
        "20[0-9]{2}-(06-30|12-31)T(23:59:60|2[0-3]:[0-5]9:60)(Z|[+-]0[0-3]:00)",
        "(Europe|America|Etc|Mars)/(Madrid|New_York|New York|GMT\\+1|Olympus)",
        prop::sample::select(vec!["UTC", "GMT", "delivered", "failed", "opened", "bounced", "point_earning", ""])
            .prop_map(str::to_owned),
    ]
    .prop_map(Value::from);
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        3 => number,
        6 => text,
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z$]{0,6}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// A message to start from, with up to three of its fields (or unknown ones) set to anything or taken away.
fn mutated(fields: &'static [&'static str], base: fn() -> Value) -> impl Strategy<Value = Value> {
    let name = prop_oneof![9 => prop::sample::select(fields).prop_map(str::to_owned), 1 => any::<String>()];
    let mutation = (name, prop::option::weighted(0.9, any_value()));
    prop::collection::vec(mutation, 0..4).prop_map(move |mutations| {
        let mut message = base();
        let members = message.as_object_mut().unwrap();
        for (name, value) in mutations {
            match value {
                Some(value) => drop(members.insert(name, value)),
                None => drop(members.remove(&name)),
            }
        }
        message
    })
}

const EVENT_FIELDS: &[&str] = &[
    "event_id",
    "user_id",
    "incentive_type",
    "notification_type",
    "priority",
    "occurred_at",
    "scheduled_at",
    "expires_at",
    "language",
    "timezone",
    "device_type",
    "message_title",
    "message_body",
    "incentive_data",
];

fn event() -> Value {
    json!({"event_id": "e-1", "user_id": 42, "incentive_type": "point_earning"})
}

const RESULT_FIELDS: &[&str] = &[
    "notification_id",
    "attempt",
    "user_id",
    "status",
    "occurred_at",
    "retryable",
    "error_code",
    "error_message",
    "retry_after_s",
    "device_type",
    "user_timezone",
    "channel",
];

fn result() -> Value {
    json!({"notification_id": 1, "attempt": 1, "user_id": 42, "status": "failed", "occurred_at": "2026-01-31T12:00:00Z"})
}

fn valid_event() -> impl Strategy<Value = Value> {
    let time = || {
        let offsets = prop::sample::select(vec!["Z", "+00:00", "-11:30", "+14:00"]);
        ("(19[89][0-9]|[2-8][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?", offsets)
            .prop_map(|(local, offset)| Value::from(local + offset))
    };
    let name = |pattern: &'static str| pattern.prop_map(Value::from);
    let data = prop::collection::btree_map(any::<String>(), any_value(), 0..4)
        .prop_map(|members| Value::Object(members.into_iter().collect()));
    let optional = (
        prop::option::of((0..=i32::MAX).prop_map(Value::from)),
        prop::option::of((0..=4_u8).prop_map(Value::from)),
        prop::option::of(time()),
        prop::option::of(time()),
        prop::option::of(time()),
        prop::option::of(name("[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?")),
        prop::option::of(
            prop::sample::select(chrono_tz::TZ_VARIANTS.as_slice()).prop_map(|zone| zone.name().into()),
        ),
        prop::option::of(name("\\PC{1,32}")),
        prop::option::of(any::<String>().prop_map(Value::from)),
        prop::option::of(any::<String>().prop_map(Value::from)),
        prop::option::of(data),
    );
    let required = (
        name("\\PC{1,128}"),
        (1..=i64::MAX).prop_map(Value::from),
        prop::sample::select(inq::contract::IncentiveType::ALL.as_slice())
            .prop_map(|kind| kind.as_str().into()),
    );
    (required, optional).prop_map(|((id, user, kind), o)| {
        let optional = [o.0, o.1, o.2, o.3, o.4, o.5, o.6, o.7, o.8, o.9, o.10].into_iter();
        let values = [Some(id), Some(user), Some(kind)].into_iter().chain(optional);
        let members = EVENT_FIELDS.iter().zip(values);
        Value::Object(
            members
                .filter_map(|(name, value)| Some(((*name).to_owned(), value?)))
                .collect(),
        )
    })
}

fn agree(
    message: &Value,
    schema: &Validator,
    verdict: Result<(), inq::contract::Rejection>,
) -> Result<(), TestCaseError> {
    let seen = schema.validate(message);
    match (&verdict, &seen) {
        (Ok(()), Err(error)) => prop_assert!(
            false,
            "only the schema rejects {}: {error}",
            error.instance_path()
        ),
        (Err(rejection), Ok(())) => prop_assert!(
            message.as_object().is_some_and(schema_is_blind),
            "only the type rejects: {rejection}"
        ),
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
    fn every_good_event_passes_schema_and_type(message in valid_event()) {
        prop_assert!(EVENT.is_valid(&message));
        prop_assert_eq!(decode_event(message.to_string().as_bytes()), Ok(()));
    }

    #[test]
    fn schema_and_type_agree_on_events(message in mutated(EVENT_FIELDS, event)) {
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
