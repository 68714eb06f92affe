//! Messages at random: good ones, and good ones with a few fields changed to what is nearly right or plainly wrong.

use inq::contract::{IncentiveType, ResultStatus};
use proptest::prelude::*;
use proptest::sample::{SizeRange, select};
use serde_json::{Value, json};

pub const EVENT_FIELDS: &[&str] = &[
    "event_id",
    "user_id",
    "incentive_type",
    "notification_type",
    "priority",
    "occurred_at",
    "scheduled_at",
    "expires_at",
    "deliver_between",
    "language",
    "timezone",
    "device_type",
    "message_title",
    "message_body",
    "incentive_data",
    "action",
    "reason",
];

pub const RESULT_FIELDS: &[&str] = &[
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

/// The least event.
pub fn event() -> Value {
    json!({"event_id": "e-1", "user_id": 42, "incentive_type": "point_earning"})
}

/// The least cancel.
pub fn cancel() -> Value {
    json!({"action": "cancel", "event_id": "e-1", "user_id": 42})
}

/// The least result.
pub fn result() -> Value {
    json!({"notification_id": 1, "attempt": 1, "user_id": 42, "status": "failed",
        "occurred_at": "2026-01-31T12:00:00Z"})
}

/// Any JSON value.
pub fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => (-2_i32..8).prop_map(|number| Value::from(f64::from(number))),
        4 => any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        let members = prop::collection::btree_map("[a-z$]{0,6}", inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Values on both sides of what the field may hold.
fn nearly(field: &str) -> BoxedStrategy<Value> {
    let around = |limits: &[i128]| {
        let numbers = select(limits.to_vec()).prop_flat_map(|limit| limit - 1..=limit + 1);
        numbers
            .prop_map(|number| serde_json::from_str(&number.to_string()).unwrap())
            .boxed()
    };
    let text = |pattern: &str| {
        proptest::string::string_regex(pattern)
            .unwrap()
            .prop_map(Value::from)
            .boxed()
    };
    let names = |names: Vec<&'static str>| select(names).prop_map(Value::from).boxed();
    match field {
        "event_id" | "error_code" => text("[a-zé\u{1F389}]{126,130}|[ -~]{0,2}|[\\x00-\\xa0]"),
        "device_type" => text("[a-zé\u{1F389}]{30,34}|[ -~]{0,2}|[\\x00-\\xa0]"),
        "channel" => text("[a-zé\u{1F389}]{62,66}|[ -~]{0,2}|[\\x00-\\xa0]"),
        "user_id" | "notification_id" => around(&[0, i64::MAX.into()]),
        "notification_type" => around(&[0, i32::MAX.into()]),
        "attempt" => around(&[0, u32::MAX.into()]),
        "retry_after_s" => around(&[0, 2_592_000]),
        "priority" => around(&[0, 4]),
        "action" => names(vec!["notify", "cancel", "cancel", "Cancel", "revoke", ""]),
        "reason" => text("[a-zé\u{1F389}]{254,258}|[ -~]{0,2}|[\\x00-\\xa0]"),
        "incentive_type" => names(vec!["point_earning", "streak_reward", "Point_earning", "points", ""]),
        "status" => names(ResultStatus::ALL.map(ResultStatus::as_str).into_iter().chain(["sent", ""]).collect()),
        "occurred_at" | "scheduled_at" | "expires_at" => prop_oneof![
            text(
                "(19[67][0-9]|20[0-9]{2}|9999|10000)-(0[0-9]|1[0-3])-(0[0-9]|[123][0-9])[Tt ]([01][0-9]|2[0-4]):\
                 [0-6][0-9]:[0-6][0-9](\\.[0-9]{0,10})?(Z|z|[+-][0-2][0-9]:?[0-6][0-9]|)"
            ),
            text(
                "20[0-9]{2}-(06-30|12-31)T(23:59:60|2[0-3]:[0-5]9:60|12:00:0[0-9])(\\.[0-9]{1,3})?(Z|[+−-]0[0-3]:00)"
            ),
        ]
        .boxed(),
        "deliver_between" => prop_oneof![
            (nearly("scheduled_at"), nearly("scheduled_at")).prop_map(|(from, to)| json!({"from": from, "to": to})),
            (3_u8..20, any::<Option<u8>>()).prop_map(|(day, to)| {
                json!({"from": "2026-02-02T09:00:00Z", "to": to.map(|_| format!("2026-02-{day:02}T09:00:00+01:00"))})
            }),
        ]
        .boxed(),
        "language" => prop_oneof![
            text("[a-zA-Z]{1,4}([-_][a-zA-Z0-9]{1,8}){0,4}"),
            text("en-Latn-US(-[a-z]{8}){2}-[a-z]{5,8}"),
            text(
                "(en|de|zh)(-Hant)?(-US|-419)?(-[a-z]{5,8}|-1996){0,3}(-u-ca-[a-z]{3,8})?(-t-[a-z]{2}-h0-[a-z]{3,6})?\
                 (-x(-[a-z0-9]{1,8}){1,2})?"
            ),
        ]
        .boxed(),
        "timezone" | "user_timezone" => text("(Europe|America|Etc|Mars)/(Madrid|New_York|New York|GMT\\+1)|UTC|Z|"),
        _ => any_value().boxed(),
    }
}

/// A message to start from, with up to three of its fields, or unknown ones, changed or taken away.
pub fn mutated(fields: &'static [&'static str], base: fn() -> Value) -> impl Strategy<Value = Value> {
    let known = select(fields).prop_flat_map(|field| {
        let value = prop_oneof![
            1 => Just(None),
            3 => any_value().prop_map(Some),
            6 => nearly(field).prop_map(Some),
        ];
        (Just(field.to_owned()), value)
    });
    let unknown = (any::<String>(), any_value().prop_map(Some));
    let mutation = prop_oneof![9 => known, 1 => unknown];
    prop::collection::vec(mutation, SizeRange::from(0..4)).prop_map(move |mutations| {
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

/// An event without a fault, each optional field there or not.
pub fn good_event() -> impl Strategy<Value = Value> {
    let good = |field: &'static str| -> BoxedStrategy<Value> {
        let text = |pattern: &'static str| pattern.prop_map(Value::from).boxed();
        match field {
            "event_id" => text("\\PC{1,128}"),
            "user_id" => (1..=i64::MAX).prop_map(Value::from).boxed(),
            "incentive_type" => select(IncentiveType::ALL.map(IncentiveType::as_str).to_vec())
                .prop_map(Value::from)
                .boxed(),
            "notification_type" => (0..=i32::MAX).prop_map(Value::from).boxed(),
            "priority" => (0..=4).prop_map(Value::from).boxed(),
            "occurred_at" | "scheduled_at" | "expires_at" => text(
                "(19[89][0-9]|[2-8][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:\
                 [0-5][0-9](\\.[0-9]{1,9})?(Z|\\+00:00|-11:30|\\+14:00)",
            ),
            // After every other time, so that none contradicts it.
            "deliver_between" => (1_u8..8, 0_u8..24)
                .prop_map(|(day, hour)| {
                    json!({"from": format!("9100-01-{day:02}T{hour:02}:00:00Z"), "to": format!("9100-01-{:02}T00:00:00Z", day + 1)})
                })
                .boxed(),
            "language" => text("[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?"),
            "timezone" => select(chrono_tz::TZ_VARIANTS.as_slice())
                .prop_map(|zone| zone.name().into())
                .boxed(),
            "device_type" => text("\\PC{1,32}"),
            "action" => Just(Value::from("notify")).boxed(),
            "message_title" | "message_body" => any::<String>().prop_map(Value::from).boxed(),
            _ => prop::collection::btree_map(any::<String>(), any_value(), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect()))
                .boxed(),
        }
    };
    let members: Vec<_> = EVENT_FIELDS
        .iter()
        .enumerate()
        .map(|(index, field)| {
            let is_there = if index < 3 {
                Just(true).boxed()
            } else {
                any::<bool>().boxed()
            };
            (is_there, good(field))
                .prop_map(|(is_there, value)| is_there.then(|| ((*field).to_owned(), value)))
        })
        .collect();
    members.prop_map(|members| Value::Object(members.into_iter().flatten().collect()))
}
