//! Fifty ways in which an event can be broken, each with the reason that its dead letter must give.

/// A broken value: the bytes, the reason's code, and a part of the detail.
pub struct Fault {
    pub payload: Vec<u8>,
    pub reason: &'static str,
    pub detail: &'static str,
}

fn fault(payload: impl Into<Vec<u8>>, reason: &'static str, detail: &'static str) -> Fault {
    Fault {
        payload: payload.into(),
        reason,
        detail,
    }
}

/// A valid event with one field replaced by raw JSON.
fn with(field: &str, value: &str) -> String {
    let mut fields = vec![
        ("event_id", "\"broken\""),
        ("user_id", "42"),
        ("incentive_type", "\"point_earning\""),
    ];
    fields.retain(|(name, _)| *name != field);
    fields.push((field, value));
    let body: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", body.join(","))
}

/// A valid event without one field.
fn without(field: &str) -> String {
    with(field, "null").replace(&format!(",\"{field}\":null"), "")
}

/// Every fault once; none holds a line end, so that each is one line for kcat.
pub fn all() -> Vec<Fault> {
    let mut faults = vec![
        fault("nonsense", "invalid_json", "line 1"),
        fault("{\"event_id\":", "invalid_json", "line 1"),
        fault("{'event_id':'x'}", "invalid_json", "line 1"),
        fault("{\"event_id\":\"x\",}", "invalid_json", "line 1"),
        fault(b"{\"event_id\":\"\xff\xfe\"}".to_vec(), "invalid_json", ""),
        fault(with("user_id", "NaN"), "invalid_json", "line 1"),
        fault("[]", "schema_violation", "object"),
        fault("7", "schema_violation", "object"),
        fault("\"text\"", "schema_violation", "object"),
        fault("true", "schema_violation", "object"),
        fault("{}", "schema_violation", "event_id"),
        fault(
            with("message_body", &format!("\"{}\"", "x".repeat(300_000))),
            "too_large",
            "262144",
        ),
        fault(
            with("incentive_type", "\"lottery\""),
            "unknown_incentive_type",
            "lottery",
        ),
        fault(
            with("incentive_type", "\"Point_Earning\""),
            "unknown_incentive_type",
            "point_earning",
        ),
        fault(with("incentive_type", "7"), "schema_violation", "incentive_type"),
        fault(with("event_id", "\"\""), "schema_violation", "event_id"),
        fault(
            with("event_id", &format!("\"{}\"", "e".repeat(129))),
            "schema_violation",
            "event_id",
        ),
    ];
    for required in ["event_id", "user_id", "incentive_type"] {
        faults.push(fault(without(required), "schema_violation", required));
    }
    for (field, value) in [
        ("event_id", "7"),
        ("user_id", "0"),
        ("user_id", "-1"),
        ("user_id", "42.5"),
        ("user_id", "\"42\""),
        ("user_id", "9223372036854775808"),
        ("notification_type", "-1"),
        ("notification_type", "1.5"),
        ("notification_type", "2147483648"),
        ("notification_type", "\"85\""),
        ("priority", "5"),
        ("priority", "-1"),
        ("priority", "\"high\""),
        ("priority", "2.5"),
        ("occurred_at", "\"yesterday\""),
        ("occurred_at", "1700000000"),
        ("scheduled_at", "\"2026-01-01T10:00:00\""),
        ("scheduled_at", "\"2026-13-01T10:00:00Z\""),
        ("expires_at", "\"2026-01-01\""),
        ("expires_at", "\"0001-01-01T00:00:00Z\""),
        ("language", "\"english please\""),
        ("language", "7"),
        ("timezone", "\"Mars/Olympus\""),
        ("timezone", "\"\""),
        ("device_type", "\"\""),
        ("device_type", "\"a-device-type-of-more-than-32-letters\""),
        ("message_title", "7"),
        ("message_body", "{}"),
        ("incentive_data", "[]"),
        ("incentive_data", "\"points\""),
    ] {
        faults.push(fault(with(field, value), "schema_violation", field));
    }
    faults
}
