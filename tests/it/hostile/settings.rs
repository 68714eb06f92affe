//! Settings that are bombs, or that tell a secret.

use inq::config::Settings;

use super::properties;

fn said(text: &str) -> String {
    Settings::from_toml(text).expect_err("refused").to_string()
}

#[test]
fn nesting_costs_no_stack() {
    for text in [
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        format!("a{} = 1", ".a".repeat(100_000)),
        format!("[a{}]", ".a".repeat(100_000)),
        format!("[[a{}]]", ".a".repeat(100_000)),
        format!("a = {}1{}", "[".repeat(70), "]".repeat(70)),
        format!("kafka.properties{} = 1", ".a".repeat(60)),
    ] {
        properties::settings::check(text.as_bytes());
    }
}

#[test]
fn long_names_cost_no_memory_and_are_not_repeated() {
    let long = "k".repeat(1_000_000);
    for text in [
        format!("{long} = 1"),
        format!("dispatch.{long} = 1"),
        format!("kafka.properties.{long} = []"),
        format!("[{long}]"),
        format!("log.level = '{long}'"),
    ] {
        assert!(said(&text).len() < 4096, "{} bytes", said(&text).len());
    }
    properties::settings::check(format!("INQ_{long}=1").as_bytes());
    properties::settings::check(format!("INQ_DISPATCH__{long}=1").as_bytes());
}

/// As a regular expression this would take a million states.
#[test]
fn a_filter_of_the_log_is_no_expression() {
    let before = std::time::Instant::now();
    let text = format!("log.level = 'inq[{{a=\"[ab]*a{}\"}}]=info'", "[ab]".repeat(24));
    properties::settings::check(text.as_bytes());
    drop(Settings::from_toml(&text));
    assert!(before.elapsed().as_secs() < 60, "{:?}", before.elapsed());
}

#[test]
fn what_is_wrong_stays_on_one_line() {
    for text in [
        "kafka.properties.\"a\\nb\\u001b[31m\" = []",
        "\"a\\nb\\u001b[31m\" = 1",
        "kafka.properties.\"group.id\\n\" = \"x\"",
        "log.level = \"\\u001b[31m\"",
        "kafka.properties.\"acks\" = \"\\u001b\"",
        "topics.events = \"\\u009b31m\"",
        "\u{9b} = 1",
        "a = \u{85}",
        "a = \"\u{7f}\"",
    ] {
        properties::settings::check(text.as_bytes());
    }
}

/// TOML allows it; it is neither the whole nor left out of a longer name.
#[test]
fn an_empty_name_is_unknown() {
    for text in [
        "\"\" = ''",
        "\"\" = {}",
        "\"\" = [1]",
        "[\"\"]\nlog.level = 'info'",
        "\"\".log.level = 'info'",
        "log.\"\" = 'info'",
        "kafka.properties.\"\" = 'x'",
    ] {
        properties::settings::check(text.as_bytes());
        assert!(said(text).contains("unknown"), "{text}: {}", said(text));
    }
    assert!(
        said("\"\" = ''").starts_with("\"\": unknown key in inq.toml; there are best_time, caps, "),
        "{}",
        said("\"\" = ''")
    );
    for text in ["INQ_=1", "INQ___=1", "INQ_LOG__=1", "INQ_KAFKA__PROPERTIES__=1"] {
        properties::settings::check(text.as_bytes());
    }
}

#[test]
fn numbers_and_durations_at_their_ends() {
    for value in [
        "9223372036854775807",
        "-9223372036854775808",
        "9223372036854775808",
        "1e400",
        "-1e400",
        "nan",
        "inf",
        "-0.0",
        "0x7fffffffffffffff",
        "'18446744073709551615d'",
        "'18446744073709551615s 1s'",
        "'1e9d'",
        "'99999999999y'",
        "9999-12-31T23:59:59.999999999+23:59",
        "0000-01-01",
        "24:00:00",
        "''",
        "' '",
        "true",
        "[]",
        "{}",
    ] {
        for key in [
            "dispatch.batch_rows",
            "dispatch.lease",
            "retry.multiplier",
            "retry.jitter",
            "retry.max_attempts",
            "ingest.max_event_bytes",
            "http.listen",
            "kafka.brokers",
            "database.url",
            "log.level",
            "localization.fallback",
            "topics.alerts",
            "defaults.point_earning.priority",
            "retention.sent",
            "http",
        ] {
            properties::settings::check(format!("{key} = {value}").as_bytes());
        }
    }
}

/// A file that never ends is not read to its end.
#[test]
fn a_file_is_read_as_far_as_settings_go() {
    for text in [
        "http.token_file = '/dev/zero'",
        "kafka.properties.\"sasl.password_file\" = '/dev/zero'",
    ] {
        assert!(said(text).contains("cannot be read"), "{}", said(text));
    }
    let said = Settings::load(Some(std::path::Path::new("/dev/zero")))
        .expect_err("refused")
        .to_string();
    assert!(said.contains("/dev/zero"), "{said}");
}
