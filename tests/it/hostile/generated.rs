//! The properties of the fuzz targets, on what is generated: near the contract, and anything at all.

use inq::contract::IncentiveEvent;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::kinds::{self, Fate};
use super::properties::{self, catalogue, event, headers, preferences, result, settings};
use crate::contract::messages::{self, EVENT_FIELDS, RESULT_FIELDS, good_event, mutated};

/// Pieces of JSON that parsers have stumbled over.
const PIECES: [&str; 28] = [
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\u0000",
    "\\ud800",
    "\\ud83d\\ude00",
    "\u{feff}",
    "1e400",
    "-0",
    "1e-400",
    "9007199254740993",
    "18446744073709551615",
    "18446744073709551616",
    "true",
    "null",
    "\"a\"",
    "\"event_id\":",
    "\"incentive_data\":",
    "\"$serde_json::private::RawValue\":",
    "\"$serde_json::private::Number\":",
    "\"9999-12-31T23:59:59.999Z\"",
    "\n",
    " ",
    "\u{1F389}",
];

/// A text with a piece put in, or with its end cut off.
fn damaged(text: &str, place: Index, piece: &str) -> [String; 2] {
    let mut place = place.index(text.len() + 1);
    while !text.is_char_boundary(place) {
        place -= 1;
    }
    let (before, after) = text.split_at(place);
    [format!("{before}{piece}{after}"), before.to_owned()]
}

/// Lines of a settings file, right and wrong.
fn line() -> impl Strategy<Value = String> {
    let keys = select(vec![
        "shutdown_timeout",
        "database.url",
        "database.max_connections",
        "kafka.brokers",
        "kafka.group_id",
        "kafka.properties.'sasl.password'",
        "kafka.properties.x",
        "kafka.properties",
        "topics.events",
        "topics.alerts",
        "ingest.max_event_bytes",
        "dispatch.lease",
        "dispatch.semantics",
        "retry.multiplier",
        "retry.initial",
        "defaults.point_earning.priority",
        "localization.fallback",
        "retention.sent",
        "http.listen",
        "http.token",
        "http.tokens.anna",
        "http.tokens",
        "log.level",
        "log.format",
        "INQ_DISPATCH__LEASE",
        "INQ_KAFKA__PROPERTIES__A",
        "DATABASE_URL",
        "dispatch",
    ]);
    let key = prop_oneof![8 => keys.prop_map(str::to_owned), 1 => "[a-z_.'\"]{0,12}", 1 => "\\PC{0,8}"];
    let value = prop_oneof![
        2 => any::<i64>().prop_map(|number| number.to_string()),
        2 => any::<f64>().prop_map(|number| number.to_string()),
        3 => "'[0-9]{1,20}(ns|ms|s|m|h|d|y)'",
        3 => "\"([a-z0-9.:/@%,#_=\\[\\]{}-]|\\\\u00[0-9a-f]{2}|\\\\U0001F389){0,24}\"",
        1 => "[\\[{]{0,9}[a-z=]{0,3}[\\]}]{0,9}",
        1 => "\\PC{0,12}",
    ];
    prop_oneof![9 => (key, value).prop_map(|(key, value)| format!("{key}={value}")), 1 => "\\[{1,2}[a-z.]{0,12}\\]{0,2}"]
}

/// Pieces of a catalogue.
fn pattern() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "{ $points }",
        "{ $points ->\n        [none] a\n       *[other] ",
        "\n    }",
        "{ some-points }",
        "{ -brand }",
        "{ -brand.x }",
        "{ NUMBER($points, minimumFractionDigits: 6) }",
        "{ \"\\u0007\" }",
        "{ \"}\" }",
        "text",
        "\n    ",
        "\n    .body = ",
        "\n    .title = ",
        "\npoint_earning = ",
        "\nstreak_reward =\n    .title = ",
        "\n-brand = ",
        "\nsome-points = ",
        "{ 1.5 ->\n       *[one] ",
        "[",
        "]",
        "*",
        "{",
        "}",
        "(",
        "é",
        "\u{202e}",
        "\r\n",
    ]);
    prop::collection::vec(pieces, 0..24)
        .prop_map(|pieces| format!("point_earning =\n    .title = {}", pieces.concat()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_event_is_a_row_or_a_dead_letter(
        good in good_event(), near in mutated(EVENT_FIELDS, messages::event), place in any::<Index>(),
        piece in select(PIECES.as_slice()), bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        for message in [good, near] {
            let text = message.to_string();
            event::check(text.as_bytes());
            for text in damaged(&text, place, piece) {
                event::check(text.as_bytes());
            }
        }
        event::check(&bytes);
    }

    #[test]
    fn a_result_is_judged_or_a_dead_letter(
        near in mutated(RESULT_FIELDS, messages::result), place in any::<Index>(), piece in select(PIECES.as_slice()),
        bytes in prop::collection::vec(any::<u8>(), 0..100),
    ) {
        let text = near.to_string();
        result::check(text.as_bytes());
        for text in damaged(&text, place, piece) {
            result::check(text.as_bytes());
        }
        result::check(&bytes);
    }

    #[test]
    fn any_headers_go_on_beside_our_own(
        lines in prop::collection::vec(select(vec![
            "traceparent", "dlq-reason", "dlq-", "DLQ-reason", "", "-", "\u{0}", "\u{1b}[31m", "é", "\u{ff}",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "00-00-00-00",
        ]), 0..12),
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        headers::check(lines.join("\n").as_bytes());
        headers::check(&bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn settings_are_checked_or_refused_in_one_line(
        lines in prop::collection::vec(line(), 0..4), bytes in prop::collection::vec(any::<u8>(), 0..60),
    ) {
        for line in &lines {
            settings::check(line.as_bytes());
        }
        settings::check(lines.join("\n").as_bytes());
        settings::check(&bytes);
    }

    #[test]
    fn a_catalogue_speaks_or_is_refused(text in pattern(), bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        catalogue::check(text.as_bytes());
        catalogue::check(&bytes);
    }
}

#[test]
fn every_example_keeps_its_promise() {
    for verdict in ["valid", "invalid"] {
        for payload in crate::contract::examples("event", verdict).into_values() {
            event::check(&payload);
            headers::check(&payload);
            settings::check(&payload);
        }
        for payload in crate::contract::examples("delivery-result", verdict).into_values() {
            result::check(&payload);
        }
        for payload in crate::contract::examples("preferences", verdict).into_values() {
            preferences::check(&payload);
            // Cut, and with a byte changed, at every place.
            for place in 0..payload.len() {
                preferences::check(&payload[..place]);
                let mut other = payload.clone();
                other[place] ^= 1;
                preferences::check(&other);
            }
        }
    }
}

#[test]
fn every_known_kind_meets_its_fate() {
    for kind in kinds::events() {
        event::check(&kind.payload);
        result::check(&kind.payload);
        preferences::check(&kind.payload);
        headers::check(&kind.payload);
        let fate = match IncentiveEvent::decode(Some(&kind.payload), properties::MAX_BYTES) {
            Ok(event) => {
                assert_eq!(event.event_id, kind.name);
                Fate::Row
            }
            Err(rejection) => Fate::DeadLetter(rejection.reason.as_str()),
        };
        assert_eq!(fate, kind.fate, "{}", kind.name);
    }
}
