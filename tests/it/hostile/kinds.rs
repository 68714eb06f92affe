//! The known kinds of hostile records, by name.

use std::fmt::Write;

/// What becomes of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Row,
    DeadLetter(&'static str),
}

/// A hostile value of a record.
pub struct Kind {
    pub name: String,
    pub payload: Vec<u8>,
    pub fate: Fate,
}

const JUNK: Fate = Fate::DeadLetter("invalid_json");
const WRONG: Fate = Fate::DeadLetter("schema_violation");
const TOO_LARGE: Fate = Fate::DeadLetter("too_large");

/// An event named `id` with more members, given as JSON text.
pub fn event(id: &str, more: &str) -> String {
    format!("{{\"event_id\":\"{id}\",\"user_id\":42,\"incentive_type\":\"point_earning\"{more}}}")
}

fn data(id: &str, members: &str) -> String {
    event(id, &format!(",\"incentive_data\":{{{members}}}"))
}

/// Every kind of event. The `event_id` of one that becomes a row is its name.
pub fn events() -> Vec<Kind> {
    let mut kinds = Kinds(Vec::new());
    depth(&mut kinds);
    numbers(&mut kinds);
    texts(&mut kinds);
    private_names(&mut kinds);
    times(&mut kinds);
    names_given_twice(&mut kinds);
    sizes(&mut kinds);
    kinds.0
}

struct Kinds(Vec<Kind>);

impl Kinds {
    fn add(&mut self, name: &str, payload: impl Into<Vec<u8>>, fate: Fate) {
        self.0.push(Kind {
            name: name.to_owned(),
            payload: payload.into(),
            fate,
        });
    }
}

fn nested(open: &str, close: &str, levels: usize) -> String {
    format!("{}{}", open.repeat(levels), close.repeat(levels))
}

/// How deep a value is nested.
fn depth(kinds: &mut Kinds) {
    kinds.add("depth-open", "[".repeat(100_000), JUNK);
    kinds.add("depth-closed", nested("[", "]", 100_000), WRONG);
    kinds.add("depth-objects", "{\"a\":".repeat(40_000), JUNK);
    let bomb = format!(",\"other\":{}", nested("[", "]", 100_000));
    kinds.add(
        "depth-of-an-unknown-field",
        event("depth-of-an-unknown-field", &bomb),
        Fate::Row,
    );
    let arrays = |levels| format!("\"a\":{}", nested("[", "]", levels));
    kinds.add("depth-64", data("depth-64", &arrays(63)), Fate::Row);
    kinds.add("depth-65", data("depth-65", &arrays(64)), WRONG);
    let objects = format!("\"a\":{}1{}", "{\"a\":".repeat(63), "}".repeat(63));
    kinds.add("depth-64-objects", data("depth-64-objects", &objects), Fate::Row);
}

/// Numbers at the ends of what JSON, a float and an integer hold.
fn numbers(kinds: &mut Kinds) {
    for (name, number, fate) in [
        ("number-1e400", "1e400", WRONG),
        ("number-minus-1e400", "-1e400", WRONG),
        ("number-1e308", "1.7976931348623157e308", Fate::Row),
        ("number-5e-324", "5e-324", Fate::Row),
        ("number-1e-400", "1e-400", Fate::Row),
        ("number-minus-0", "-0", Fate::Row),
        ("number-minus-0.0", "-0.0", Fate::Row),
        ("number-2-to-the-53", "9007199254740993", Fate::Row),
        ("number-u64", "18446744073709551615", Fate::Row),
        ("number-i64", "-9223372036854775808", Fate::Row),
        ("number-beyond-u64", "18446744073709551616", Fate::Row),
        ("number-beyond-i64", "-9223372036854775809", Fate::Row),
    ] {
        kinds.add(name, data(name, &format!("\"points_earned\":{number}")), fate);
    }
    let digits = "9".repeat(400);
    kinds.add(
        "number-400-digits",
        data("x", &format!("\"points_earned\":{digits}")),
        WRONG,
    );
    kinds.add(
        "number-400-digits-for-user",
        event("x", &format!(",\"user_id\":{digits}")),
        WRONG,
    );
    let fraction = format!("\"points_earned\":0.{digits}");
    kinds.add(
        "number-400-decimals",
        data("number-400-decimals", &fraction),
        Fate::Row,
    );
    let exponent = format!("\"points_earned\":1e{digits}");
    kinds.add("number-400-digits-of-exponent", data("x", &exponent), WRONG);
}

/// Text in other encodings, and characters that are none.
fn texts(kinds: &mut Kinds) {
    let mut bytes = event("x", ",\"message_title\":\"?\"").into_bytes();
    let place = bytes.iter().position(|&byte| byte == b'?').expect("a place");
    bytes[place] = 0xff;
    kinds.add("text-not-utf8", bytes, JUNK);
    kinds.add("text-overlong", b"{\"event_id\":\"\xc0\x80\"}".to_vec(), JUNK);
    kinds.add(
        "text-utf16",
        event("x", "")
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<_>>(),
        JUNK,
    );
    kinds.add(
        "text-byte-order-mark",
        format!("\u{feff}{}", event("x", "")),
        JUNK,
    );
    for (name, more, fate) in [
        ("text-lone-surrogate", ",\"message_title\":\"\\ud800\"", WRONG),
        (
            "text-lone-surrogate-in-data",
            ",\"incentive_data\":{\"a\":\"\\udc00\"}",
            WRONG,
        ),
        (
            "text-lone-surrogate-in-a-name",
            ",\"incentive_data\":{\"\\ud800\":1}",
            WRONG,
        ),
        (
            "text-surrogate-pair",
            ",\"message_title\":\"\\ud83c\\udf89\"",
            Fate::Row,
        ),
        (
            "text-nul",
            ",\"message_title\":\"a\\u0000b\",\"message_body\":\"\\u0000\"",
            Fate::Row,
        ),
        (
            "text-nul-in-data",
            ",\"incentive_data\":{\"a\":\"\\u0000\",\"achievement_name\":\"a\\u0000b\"}",
            Fate::Row,
        ),
        (
            "text-nul-in-a-name",
            ",\"incentive_data\":{\"a\\u0000b\":1,\"\\u0000\":2,\"\":3}",
            Fate::Row,
        ),
        ("text-nul-raw", ",\"message_title\":\"a\0b\"", JUNK),
        ("text-nul-in-event-id", ",\"device_type\":\"\\u0000\"", WRONG),
        (
            "text-emoji",
            ",\"message_title\":\"🎉🎉\",\"incentive_data\":{\"🎉\":\"🎉\"},\"device_type\":\"📱\"",
            Fate::Row,
        ),
        (
            "text-noncharacter",
            ",\"message_title\":\"\\uffff\\ufffe\u{10ffff}\"",
            Fate::Row,
        ),
        (
            "text-right-to-left",
            ",\"message_title\":\"\u{202e}x\",\"message_body\":\"\u{2066}\"",
            Fate::Row,
        ),
        (
            "text-quotes",
            ",\"message_title\":\"'; DROP TABLE x; -- \\\\' {$points}\"",
            Fate::Row,
        ),
    ] {
        kinds.add(name, event(name, more), fate);
    }
    let marks = format!(",\"message_title\":\"e{}\"", "\u{301}".repeat(50_000));
    kinds.add("text-one-grapheme", event("text-one-grapheme", &marks), Fate::Row);
}

/// Names of `serde_json`'s own, which it reads as something else.
fn private_names(kinds: &mut Kinds) {
    for (name, members) in [
        (
            "private-raw-value",
            "\"a\":{\"$serde_json::private::RawValue\":\"[1\"}",
        ),
        (
            "private-raw-number",
            "\"a\":{\"$serde_json::private::RawValue\":5}",
        ),
        (
            "private-number",
            "\"a\":[{\"$serde_json::private::Number\":\"x\"}]",
        ),
        ("private-outermost", "\"$serde_json::private::RawValue\":\"}\""),
    ] {
        kinds.add(name, data(name, members), Fate::Row);
    }
}

/// Times at the ends of their ranges.
fn times(kinds: &mut Kinds) {
    let digits = "9".repeat(400);
    for (name, field, time, fate) in [
        ("time-year-0", "occurred_at", "0000-01-01T00:00:00Z", WRONG),
        ("time-1969", "occurred_at", "1969-12-31T23:59:59.999Z", WRONG),
        ("time-1970", "occurred_at", "1970-01-01T00:00:00.000Z", Fate::Row),
        (
            "time-1970-due",
            "scheduled_at",
            "1970-01-01T00:00:00.000Z",
            Fate::Row,
        ),
        (
            "time-1970-expires",
            "expires_at",
            "1970-01-01T00:00:00Z",
            Fate::Row,
        ),
        (
            "time-1970-east",
            "scheduled_at",
            "1970-01-01T00:00:00+23:59",
            WRONG,
        ),
        ("time-9999", "occurred_at", "9999-12-31T23:59:59.999Z", Fate::Row),
        (
            "time-9999-due",
            "scheduled_at",
            "9999-12-31T23:59:59.999Z",
            Fate::Row,
        ),
        (
            "time-9999-expires",
            "expires_at",
            "9999-12-31T23:59:59.999999999Z",
            Fate::Row,
        ),
        (
            "time-9999-west",
            "scheduled_at",
            "9999-12-31T23:59:59-23:59",
            WRONG,
        ),
        ("time-9999-leap", "scheduled_at", "9999-12-31T23:59:60Z", WRONG),
        ("time-10000", "scheduled_at", "10000-01-01T00:00:00Z", WRONG),
        ("time-leap", "occurred_at", "2016-12-31T23:59:60.999Z", Fate::Row),
        ("time-leap-at-noon", "occurred_at", "2016-12-31T12:00:60Z", WRONG),
        ("time-61", "occurred_at", "2016-12-31T23:59:61Z", WRONG),
        ("time-2038", "scheduled_at", "2038-01-19T03:14:08Z", Fate::Row),
        (
            "time-offset-24",
            "occurred_at",
            "2026-01-01T00:00:00+24:00",
            WRONG,
        ),
        ("time-february", "occurred_at", "2026-02-29T00:00:00Z", WRONG),
    ] {
        kinds.add(name, event(name, &format!(",\"{field}\":\"{time}\"")), fate);
    }
    let decimals = format!(",\"occurred_at\":\"2026-01-01T00:00:00.{digits}Z\"");
    kinds.add(
        "time-400-decimals",
        event("time-400-decimals", &decimals),
        Fate::Row,
    );
}

/// Names given twice, and many names.
fn names_given_twice(kinds: &mut Kinds) {
    kinds.add("twice", event("x", ",\"event_id\":\"y\""), WRONG);
    kinds.add(
        "twice-unknown",
        event("twice-unknown", ",\"a\":1,\"a\":2"),
        Fate::Row,
    );
    kinds.add(
        "twice-in-data",
        data("twice-in-data", "\"a\":1,\"\\u0061\":2"),
        Fate::Row,
    );
    kinds.add("twice-by-escapes", event("x", ",\"user\\u005fid\":7"), WRONG);
    let mut members = String::new();
    for number in 0..20_000 {
        write!(members, "\"a{number}\":0,").expect("written");
    }
    kinds.add(
        "many-names",
        data("many-names", &format!("{members}\"z\":0")),
        Fate::Row,
    );
}

/// Lengths from nothing to megabytes.
fn sizes(kinds: &mut Kinds) {
    kinds.add("empty", Vec::new(), JUNK);
    kinds.add("blank", b" \t\r\n".to_vec(), JUNK);
    kinds.add("whitespace", vec![b' '; 10_000_000], TOO_LARGE);
    let padded = format!("{}{}", " ".repeat(200_000), event("whitespace-around", ""));
    kinds.add("whitespace-around", padded, Fate::Row);
    let name = format!("\"{}\":1", "k".repeat(60_000));
    kinds.add("long-name", data("long-name", &name), Fate::Row);
    let name = format!("\"{}\":1", "k".repeat(70_000));
    kinds.add("longer-name", data("longer-name", &name), WRONG);
    let objects = vec!["{\"\":0}"; 37_000].join(",");
    kinds.add(
        "many-objects",
        data("many-objects", &format!("\"a\":[{objects}]")),
        Fate::Row,
    );
}
