use crate::config::{CapRule, Settings};

/// What is said about a settings file.
fn said(toml: &str) -> String {
    Settings::from_toml(toml).unwrap_err().to_string()
}

fn accepted(toml: &str) -> Settings {
    Settings::from_toml(toml).unwrap_or_else(|error| panic!("{toml}: {error}"))
}

#[test]
fn a_segment_has_a_name_that_readers_can_have() {
    let settings =
        Settings::from_toml("[quiet.segments]\n\"a.b c\" = \"none\"\nvip = \"22:00-07:00\"").unwrap();
    let names: Vec<_> = settings.quiet.segments.keys().map(String::as_str).collect();
    assert_eq!(names, ["a.b c", "vip"]);
    let long = "x".repeat(65);
    let refused = Settings::from_toml(&format!("[quiet.segments]\n{long} = \"none\"")).unwrap_err();
    assert!(refused.to_string().contains("1 to 64 characters"), "{refused}");
    let refused = Settings::from_toml("[quiet.segments]\nvip = \"22-7\"")
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("quiet.segments.vip") && refused.contains("must be \"FROM-TO\""),
        "{refused}"
    );
    let refused = Settings::from_toml("[quiet.segments]\nvip = 7")
        .unwrap_err()
        .to_string();
    assert!(refused.contains("must be text in quotes"), "{refused}");
}

#[test]
fn a_segment_has_caps_in_words() {
    let settings = accepted("[caps.segments]\n\"a.b\" = \"none\"\nvip = \"10 per day, 3 per window\"");
    let caps: Vec<_> = settings.caps.segments.iter().collect();
    let rule = |per_day, per_window| CapRule { per_day, per_window };
    assert_eq!(
        caps,
        [
            (&"a.b".to_owned(), &rule(0, 0)),
            (&"vip".to_owned(), &rule(10, 3))
        ]
    );
    for (toml, expected) in [
        (
            "caps.segments.vip = 10",
            "caps.segments.vip = 10 in inq.toml: must be text in quotes, for example \"5 per day\"",
        ),
        (
            "caps.segments.vip = '10 a day'",
            "caps.segments.vip = \"10 a day\" in inq.toml: must be \"N per day\", \"N per window\"",
        ),
        ("caps.segments.'' = 'none'", "unknown"),
        (
            "caps.segments = '10 per day'",
            "is a section, not a setting: write [caps.segments]",
        ),
    ] {
        let said = said(toml);
        assert!(said.contains(expected), "{toml}: {said}");
    }
    let long = "x".repeat(65);
    let said = said(&format!("[caps.segments]\n{long} = \"none\""));
    assert!(said.contains("1 to 64 characters"), "{said}");
}

#[test]
fn numbers_and_durations_have_ranges() {
    for (toml, expected) in [
        (
            "database.max_connections = 1001",
            "database.max_connections = 1001 in inq.toml: must be 0 to 1000",
        ),
        (
            "ingest.batch_rows = 0",
            "ingest.batch_rows = 0 in inq.toml: must be 1 to 10000",
        ),
        (
            "ingest.batch_rows = 10001",
            "ingest.batch_rows = 10001 in inq.toml: must be 1 to 10000",
        ),
        (
            "ingest.batch_rows = -1",
            "ingest.batch_rows = -1 in inq.toml: must not be negative",
        ),
        (
            "ingest.batch_wait = '0s'",
            "ingest.batch_wait = \"0s\" in inq.toml: must be 1ms to 10s",
        ),
        (
            "ingest.batch_wait = '1h'",
            "ingest.batch_wait = \"1h\" in inq.toml: must be 1ms to 10s",
        ),
        (
            "ingest.max_event_bytes = 1023",
            "ingest.max_event_bytes = 1023 in inq.toml: must be 1024 to 16777216",
        ),
        ("ingest.max_event_bytes = 16777217", "must be 1024 to 16777216"),
        (
            "dispatch.batch_rows = 3001",
            "dispatch.batch_rows = 3001 in inq.toml: must be 1 to 3000",
        ),
        (
            "dispatch.publishers = 33",
            "dispatch.publishers = 33 in inq.toml: must be 1 to 32",
        ),
        (
            "dispatch.lease = '4s'",
            "dispatch.lease = \"4s\" in inq.toml: must be 5s to 10m",
        ),
        ("dispatch.lease = '11m'", "must be 5s to 10m"),
        ("dispatch.poll_interval = '1ms'", "must be 10ms to 1m"),
        ("dispatch.recheck_after = '2h'", "must be 0s to 1h"),
        ("retry.initial = '0s'", "must be 100ms to 30d"),
        ("retry.max_interval = '31d'", "must be 100ms to 30d"),
        (
            "retry.multiplier = 0.5",
            "retry.multiplier = 0.5 in inq.toml: must be 1 to 100",
        ),
        (
            "retry.jitter = 1.1",
            "retry.jitter = 1.1 in inq.toml: must be 0 to 1",
        ),
        ("retry.jitter = -0.1", "must be 0 to 1"),
        (
            "retry.max_attempts = 0",
            "retry.max_attempts = 0 in inq.toml: must be 1 to 100",
        ),
        ("retry.max_attempts = 101", "must be 1 to 100"),
        ("retention.sent = '10m'", "must be 1h to 3650d"),
        ("retention.failed = '10000d'", "must be 1h to 3650d"),
        ("retention.forgotten = '1m'", "must be 1h to 3650d"),
        ("retention.interval = '1s'", "must be 1m to 7d"),
        ("best_time.half_life = '1h'", "must be 1d to 365d, or 0s"),
        (
            "retention.at = '24:00'",
            "must be a time of the day in UTC, for example \"03:00\"",
        ),
        ("shutdown_timeout = '1ms'", "must be 100ms to 10m"),
        ("defaults.streak_reward.priority = 5", "must be 0 to 4, found 5"),
        (
            "defaults.streak_reward.notification_type = -1",
            "must not be negative",
        ),
    ] {
        let said = said(toml);
        assert!(said.contains(expected), "{toml}: {said}");
    }
}

#[test]
fn a_number_that_its_type_does_not_hold_is_told_its_range() {
    for (toml, expected) in [
        (
            "defaults.streak_reward.notification_type = 2147483648",
            "must be 0 to 2147483647",
        ),
        (
            "caps.per_day = 70000",
            "caps.per_day = 70000 in inq.toml: must be 0 to 1000",
        ),
        (
            "caps.types.streak_reward.per_window = 70000",
            "caps.types.streak_reward.per_window = 70000 in inq.toml: must be 0 to 1000",
        ),
        ("quiet.ignore_from_priority = 300", "must be 0 to 5"),
        ("digest.max_parts = 99999999999", "must be 2 to 200"),
        ("dispatch.batch_rows = 9223372036854775807", "must be 1 to 3000"),
    ] {
        let said = said(toml);
        assert!(said.contains(expected), "{toml}: {said}");
    }
}

#[test]
fn a_zone_has_its_exact_name() {
    for (toml, expected) in [
        (
            "quiet.timezone = 'europe/berlin'",
            "must be an IANA time zone name, for example \"Europe/Madrid\"; did you mean \"Europe/Berlin\"?",
        ),
        (
            "quiet.timezone = 'Berlin'",
            "quiet.timezone = \"Berlin\" in inq.toml: must be an IANA time zone name, for example \"Europe/Madrid\"",
        ),
    ] {
        let said = said(toml);
        assert!(said.contains(expected), "{toml}: {said}");
    }
}

#[test]
fn the_ends_of_a_range_are_in_it() {
    accepted("ingest.batch_rows = 10000\ndispatch.batch_rows = 3000\nretry.max_attempts = 1");
    accepted("dispatch = { publishers = 32, lease = '5s' }\ndatabase.max_connections = 1000");
    accepted("retry = { initial = '1h', max_interval = '1h', multiplier = 1, jitter = 0 }");
    accepted("dispatch.lease = '10m'\ningest.max_event_bytes = 1024");
    accepted("best_time.half_life = '0s'");
    accepted("best_time.half_life = '365d'");
    accepted("retention = { interval = '7d', at = '23:59' }");
}

#[test]
fn a_retry_does_not_start_above_its_ceiling() {
    let said = said("retry.initial = '7h'");
    assert_eq!(
        said,
        "retry.initial = \"7h\" in inq.toml: must not be longer than retry.max_interval (6h)"
    );
}

#[test]
fn topics_are_legal_and_all_different() {
    for (toml, expected) in [
        ("topics.events = ''", "must be 1 to 249 letters"),
        ("topics.events = '..'", "must be 1 to 249 letters"),
        ("topics.events = 'with space'", "must be 1 to 249 letters"),
        (
            "topics.alerts = ''",
            "topics.alerts = \"\" in inq.toml: must be 1 to 249 letters",
        ),
        (
            "topics.results = 'incentive.events'",
            "is the same topic as topics.events",
        ),
        (
            "topics.alerts = 'incentive.deliveries'",
            "is the same topic as topics.deliveries",
        ),
        (
            "topics.results = 'incentive_events'",
            "is for Kafka the same name as topics.events",
        ),
    ] {
        let said = said(toml);
        assert!(said.contains(expected), "{toml}: {said}");
    }
    assert!(said(&format!("topics.events = '{}'", "a".repeat(250))).contains("must be 1 to 249"));
    accepted(&format!("topics.events = '{}'", "a".repeat(249)));
}

#[test]
fn brokers_are_hosts_with_ports() {
    for brokers in [
        "",
        "kafka",
        "kafka:",
        ":9092",
        "kafka:0",
        "kafka:65536",
        "a:1,,b:2",
        "::1:9092",
        "a b:1",
        "u:p@a:1",
    ] {
        let said = said(&format!("kafka.brokers = '{brokers}'"));
        assert!(said.contains("must be host:port"), "{brokers}: {said}");
    }
    assert!(said("kafka.brokers = 'SASL_SSL://kafka:9092'").contains("security.protocol"));
    for brokers in [
        "kafka-1:9092,kafka-2:9092",
        "a:1, b:2",
        "[::1]:9092",
        "10.0.0.1:65535",
    ] {
        accepted(&format!("kafka.brokers = '{brokers}'"));
    }
    assert!(said("kafka.group_id = 'a/b'").contains("must be 1 to 200 letters"));
}

#[test]
fn properties_that_the_promises_rest_on_are_refused() {
    for (property, instead) in [
        ("bootstrap.servers", "set kafka.brokers"),
        ("group.id", "set kafka.group_id"),
        (
            "enable.auto.commit",
            "an offset is committed when its row is durable",
        ),
        (
            "enable.auto.offset.store",
            "an offset is committed when its row is durable",
        ),
        ("transactional.id", "dispatch.semantics"),
        ("transaction.timeout.ms", "dispatch.lease"),
        ("enable.idempotence", "dispatch.semantics"),
        ("isolation.level", "aborted records are never read"),
        ("partition.assignment.strategy", "rebalancing is cooperative"),
        ("group.instance.id", "shut each other out"),
        (
            "auto.offset.reset",
            "the first events of a new partition would be lost",
        ),
        ("delivery.report.only.error", "the report of each record"),
        ("log_level", "set log.level"),
        ("no.such.property", "librdkafka 2.12 has no such property"),
    ] {
        let said = said(&format!("[kafka.properties]\n'{property}' = 'x'"));
        assert!(
            said.starts_with(&format!("kafka.properties.{property} = \"x\" in inq.toml: ")),
            "{said}"
        );
        assert!(said.contains(instead), "{said}");
    }
}

#[test]
fn a_token_file_is_for_oauthbearer() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let path = file.path().display();
    assert!(said(&format!("kafka.oauthbearer_token_file = '{path}'")).contains("OAUTHBEARER"));
    let mechanism = "[kafka.properties]\nsasl.mechanism = 'OAUTHBEARER'";
    accepted(&format!("kafka.oauthbearer_token_file = '{path}'\n{mechanism}"));
    let said = said(&format!("kafka.oauthbearer_token_file = '/nowhere'\n{mechanism}"));
    assert!(
        said.contains("\"/nowhere\" in inq.toml: cannot be read"),
        "{said}"
    );
}

#[test]
fn who_can_be_reached_asks_for_a_token() {
    for listen in ["0.0.0.0:8080", "[::]:8080", "10.0.0.1:80"] {
        assert!(said(&format!("http.listen = '{listen}'")).contains("set http.token"));
        assert!(
            said(&format!("http = {{ listen = '{listen}', read_token = 'r' }}")).contains("set http.token")
        );
        accepted(&format!("http = {{ listen = '{listen}', token = 'hunter2' }}"));
        accepted(&format!(
            "http = {{ listen = '{listen}', tokens = {{ anna = 'hunter2' }} }}"
        ));
    }
    for listen in [
        "127.0.0.1:0",
        "127.1.2.3:80",
        "[::1]:8080",
        "[::ffff:127.0.0.1]:8080",
    ] {
        accepted(&format!("http.listen = '{listen}'"));
    }
    let said = said("http.listen = 'localhost:8080'");
    assert!(
        said.contains("must be an address and a port, for example \"127.0.0.1:8080\""),
        "{said}"
    );
}

#[test]
fn tokens_can_be_sent_and_told_apart() {
    for token in ["", "hunter 2", "hünter2"] {
        let said = said(&format!("http.token = '{token}'"));
        assert_eq!(
            said,
            "http.token in inq.toml: must be visible ASCII without spaces, and not empty"
        );
    }
    assert!(said("http = { token = 'hunter2', read_token = 'hunter2' }").contains("must not be the same"));
    for (toml, expected) in [
        (
            "http = { token = 'a', tokens = { anna = 'a' } }",
            "http.tokens.anna in inq.toml: must not be the same as http.token",
        ),
        (
            "http = { read_token = 'a', tokens = { anna = 'a' } }",
            "http.tokens.anna in inq.toml: must not be the same as http.read_token",
        ),
        (
            "http.tokens = { anna = 'a', bea = 'b', carl = 'a' }",
            "http.tokens.carl in inq.toml: must not be the same as http.tokens.anna",
        ),
        (
            "http.tokens.anna = ''",
            "http.tokens.anna in inq.toml: must be visible ASCII without spaces, and not empty",
        ),
    ] {
        assert_eq!(said(toml), expected);
    }
}

#[test]
fn operators_have_names_that_a_line_can_hold() {
    let longest = "a".repeat(32);
    accepted(&format!("http.tokens.'{longest}' = 'hunter2'"));
    for name in [&format!("{longest}a"), "an na", "änna", "anna\\n", "a:b", ".."] {
        let said = said(&format!("http.tokens.\"{name}\" = 'hunter2'"));
        assert!(
            said.contains("the name must be 1 to 32 letters, digits"),
            "{name}: {said}"
        );
        assert!(!said.contains("hunter2"), "{said}");
    }
}

#[test]
fn directories_exist() {
    let directory = tempfile::tempdir().unwrap();
    accepted(&format!("localization.dir = '{}'", directory.path().display()));
    assert_eq!(
        said("localization.dir = '/nowhere'"),
        "localization.dir = \"/nowhere\" in inq.toml: must be a directory that exists"
    );
    assert!(said("retention.archive = '/dev/null'").contains("must be a directory"));
}

#[test]
fn the_fallback_is_a_language() {
    for tag in ["", "english language", "e", "en_US!"] {
        assert!(
            said(&format!("localization.fallback = '{tag}'")).contains("BCP 47"),
            "{tag}"
        );
    }
    for tag in ["en", "pt-BR", "zh-Hans-CN", "de-CH-1996"] {
        accepted(&format!("localization.fallback = '{tag}'"));
    }
}

#[test]
fn a_collector_is_named_by_host_and_port() {
    for endpoint in [
        "",
        "collector",
        "collector:4318",
        "http://collector",
        "http://:4318",
        "http://collector:0",
        "http://collector:4318/v1/traces",
        "http://collector:4318?a=b",
        "http://inq:pass@collector:4318",
        "http://col lector:4318",
        "http://[zz]:4318",
        "https://collector:4318",
        "grpc://collector:4317",
    ] {
        let said = said(&format!("telemetry.otlp_endpoint = '{endpoint}'"));
        assert!(
            said.contains("telemetry.otlp_endpoint") && said.contains("must be http://host:port"),
            "{endpoint}: {said}"
        );
    }
    for endpoint in [
        "http://127.0.0.1:4318",
        "http://otel_collector:80/",
        "http://[::1]:4318",
    ] {
        accepted(&format!("telemetry.otlp_endpoint = '{endpoint}'"));
    }
}

#[test]
fn a_level_is_a_level() {
    for level in ["", "inof", "verbose", "info,", "info,inq", "info,inq=loud"] {
        assert!(
            said(&format!("log.level = '{level}'")).contains("must be one of off, error"),
            "{level}"
        );
    }
    for level in [
        "info",
        "WARN",
        "info,inq=debug",
        "warn,inq::dispatch=trace",
        "off",
    ] {
        accepted(&format!("log.level = '{level}'"));
    }
}
