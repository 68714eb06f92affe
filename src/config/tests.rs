use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use tempfile::NamedTempFile;

use super::*;

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    variables
        .iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect()
}

fn read(toml: &str, variables: &[(&str, &str)]) -> Result<Effective, SettingsError> {
    Effective::read(Some(file(toml).path()), environment(variables))
}

/// What is said about settings, the temporary file's name taken out.
fn said(toml: &str, variables: &[(&str, &str)]) -> String {
    let file = file(toml);
    let error = Effective::read(Some(file.path()), environment(variables))
        .unwrap_err()
        .to_string();
    error.replace(&file.path().display().to_string(), "FILE")
}

/// Every key of a JSON tree that is no section.
fn leaves(path: &str, value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::Object(section) => {
            for (name, value) in section {
                let key = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                leaves(&key, value, found);
            }
        }
        _ => {
            found.insert(path.to_owned());
        }
    }
}

#[test]
fn the_default_file_names_every_key_and_only_those() {
    let mut of_types = BTreeSet::new();
    leaves(
        "",
        &serde_json::to_value(defaults().unwrap()).unwrap(),
        &mut of_types,
    );

    // `# key = ...` is a setting that is unset; other comments are prose.
    let unset = |line: &'static str| {
        let setting = line.strip_prefix("# ")?;
        let (name, _) = setting.split_once(" = ")?;
        name.chars()
            .all(|c| c.is_ascii_lowercase() || c == '_')
            .then_some(setting)
    };
    let lines: Vec<_> = DEFAULT_FILE
        .lines()
        .map(|line| unset(line).unwrap_or(line))
        .collect();
    let table: toml::Table = lines.join("\n").parse().unwrap();
    let mut of_file = BTreeSet::new();
    leaves("", &serde_json::to_value(table).unwrap(), &mut of_file);

    assert_eq!(of_file, of_types);
}

#[test]
fn the_default_file_is_a_valid_settings_file() {
    assert_eq!(Settings::from_toml(DEFAULT_FILE).unwrap(), defaults().unwrap());
}

#[test]
fn the_later_source_wins() {
    let variables = [
        ("INQ_DISPATCH__BATCH_ROWS", "7"),
        ("DATABASE_URL", "sqlite://shared.db"),
        ("INQ_DATABASE__URL", "sqlite://own.db"),
        ("KAFKA_BROKERS", "kafka:9092"),
        ("INQ_SHUTDOWN_TIMEOUT", "1s"),
        ("INQ_RETRY__JITTER", "0.5"),
        ("INQ_RETRY__MULTIPLIER", "3"),
        ("INQ_DEFAULTS__POINT_EARNING__PRIORITY", "4"),
    ];
    let toml = "dispatch = { batch_rows = 5, publishers = 2 }\nkafka.brokers = 'file:9092'";
    let Effective { settings, sources } = read(toml, &variables).unwrap();
    assert_eq!(settings.dispatch.batch_rows, 7);
    assert_eq!(settings.dispatch.publishers, 2);
    assert_eq!(settings.database.url.expose(), "sqlite://own.db");
    assert_eq!(settings.kafka.brokers, "kafka:9092");
    assert_eq!(settings.shutdown_timeout, Duration::from_secs(1));
    assert!((settings.retry.jitter - 0.5).abs() < f64::EPSILON);
    assert!((settings.retry.multiplier - 3.0).abs() < f64::EPSILON);
    assert_eq!(
        settings
            .defaults
            .of(crate::contract::IncentiveType::PointEarning)
            .priority
            .get(),
        4
    );
    assert_eq!(sources["dispatch.batch_rows"], "INQ_DISPATCH__BATCH_ROWS");
    assert_eq!(sources["database.url"], "INQ_DATABASE__URL");
    assert_eq!(sources["kafka.brokers"], "KAFKA_BROKERS");
    assert!(!sources.contains_key("dispatch.lease"));
}

#[test]
fn an_empty_variable_says_nothing() {
    let effective = read(
        "",
        &[
            ("DATABASE_URL", ""),
            ("INQ_HTTP__TOKEN", ""),
            ("INQ_NO_SUCH_KEY", ""),
        ],
    )
    .unwrap();
    assert_eq!(effective.settings, defaults().unwrap());
}

#[test]
fn text_from_the_environment_stays_exact() {
    for text in ["0123", "1e3", "true", "0x10", " 7", "null", "[1]", "\"q\""] {
        let variables = [("INQ_KAFKA__PROPERTIES__CLIENT_ID", text)];
        let settings = read("", &variables).unwrap().settings;
        assert_eq!(settings.kafka.properties.get("client.id"), Some(text));
    }
    let settings = read(
        "",
        &[("INQ_HTTP__TOKEN", "0123"), ("INQ_HTTP__READ_TOKEN", "1e3")],
    )
    .unwrap()
    .settings;
    assert_eq!(settings.http.token.unwrap().expose(), "0123");
    assert_eq!(settings.http.read_token.unwrap().expose(), "1e3");
}

#[test]
fn properties_keep_their_dotted_names_however_they_are_written() {
    let toml = "[kafka.properties]\n\"ssl.ca.location\" = 'a'\nssl.key.location = 'b'\n\
                'socket.keepalive.enable' = true\n'linger.ms' = 5\n'queue.buffering.max.ms' = 0.5";
    let variables = [("INQ_KAFKA__PROPERTIES__SASL_MECHANISM", "PLAIN")];
    let settings = read(toml, &variables).unwrap().settings;
    assert_eq!(
        settings.kafka.properties.expose().collect::<Vec<_>>(),
        [
            ("linger.ms", "5"),
            ("queue.buffering.max.ms", "0.5"),
            ("sasl.mechanism", "PLAIN"),
            ("socket.keepalive.enable", "true"),
            ("ssl.ca.location", "a"),
            ("ssl.key.location", "b"),
        ]
    );
}

#[test]
fn an_unknown_key_names_the_nearest() {
    for (toml, expected) in [
        (
            "dispatch.batch_row = 5",
            "dispatch.batch_row: unknown key in FILE; did you mean dispatch.batch_rows?",
        ),
        (
            "[dispach]\nlease = '1m'",
            "dispach.lease: unknown key in FILE; did you mean dispatch.lease?",
        ),
        (
            "[dispach]",
            "dispach: unknown key in FILE; did you mean dispatch?",
        ),
        (
            "lease = '1m'",
            "lease: unknown key in FILE; did you mean dispatch.lease?",
        ),
        (
            "[kafka]\nxyzzy = 1",
            "kafka.xyzzy: unknown key in FILE; in kafka there are brokers, group_id, oauthbearer_token_file, properties",
        ),
        (
            "digest.windows.points = '20s'",
            "digest.windows.points: unknown key in FILE; in digest.windows there are achievement_reward, ",
        ),
        (
            "defaults.point_earnings.priority = 1",
            "did you mean defaults.point_earning.priority?",
        ),
    ] {
        let said = said(toml, &[]);
        assert!(said.contains(expected), "{toml}: {said}");
    }
    assert_eq!(
        said("", &[("INQ_DISPATCH__BATCH_ROW", "5")]),
        "INQ_DISPATCH__BATCH_ROW: unknown setting; did you mean INQ_DISPATCH__BATCH_ROWS?"
    );
    assert!(said("", &[("INQ_DISPATCH_BATCH_ROWS", "5")]).contains("did you mean INQ_DISPATCH__BATCH_ROWS?"));
}

#[test]
fn what_kubernetes_says_of_a_service_of_our_name_is_no_setting() {
    let variables = [
        ("INQ_SERVICE_HOST", "10.0.0.1"),
        ("INQ_SERVICE_PORT_HTTP", "8080"),
        ("INQ_PORT", "tcp://10.0.0.1:8080"),
        ("INQ_PORT_8080_TCP_ADDR", "10.0.0.1"),
    ];
    assert_eq!(read("", &variables).unwrap().settings, defaults().unwrap());
}

#[test]
fn a_variable_that_only_begins_like_ours_is_no_setting() {
    let variables = [
        ("INQ_TEST_MYSQL_URL", "mysql://127.0.0.1"),
        ("INQ_BIN", "/usr/bin/inq"),
    ];
    assert_eq!(read("", &variables).unwrap().settings, defaults().unwrap());
}

#[test]
fn a_section_parted_off_by_one_underscore_is_a_slip() {
    for (slip, meant) in [
        ("INQ_DISPATCH_BATCH_ROWS", "INQ_DISPATCH__BATCH_ROWS"),
        ("INQ_SHUTDOWN_TIMEOU", "INQ_SHUTDOWN_TIMEOUT"),
    ] {
        let error = read("", &[(slip, "1")]).unwrap_err().to_string();
        assert!(error.contains(slip) && error.contains(meant), "{error}");
    }
}

#[test]
fn a_wrong_value_says_where_it_stands_and_what_is_right() {
    for (toml, expected) in [
        (
            "dispatch.lease = 30",
            "dispatch.lease = 30 in FILE: a duration needs a unit, for example \"30s\"",
        ),
        (
            "dispatch.lease = '30'",
            "dispatch.lease = \"30\" in FILE: a duration needs a unit, for example \"30s\"",
        ),
        (
            "dispatch.batch_rows = '500'",
            "dispatch.batch_rows = \"500\" in FILE: must be a number without quotes",
        ),
        (
            "kafka.brokers = ['a:1']",
            "kafka.brokers = [\"a:1\"] in FILE: must be text in quotes, for example",
        ),
        (
            "dispatch = 5",
            "dispatch = 5 in FILE: is a section, not a setting: write [dispatch] and below it, for example, batch_rows = 500",
        ),
        (
            "retention.at = 03:00:00",
            "retention.at = \"03:00:00\" in FILE: must be text in quotes, for example \"03:00\"",
        ),
        (
            "kafka.properties.'sasl.x' = []",
            "must be text, a number, true or false",
        ),
    ] {
        let said = said(toml, &[]);
        assert!(said.contains(expected), "{toml}: {said}");
    }
    assert_eq!(
        said("", &[("INQ_DIGEST__WINDOWS", "20s")]),
        "digest.windows in INQ_DIGEST__WINDOWS: is a section, not a setting: set, for example, \
         INQ_DIGEST__WINDOWS__ACHIEVEMENT_REWARD=30s"
    );
    assert_eq!(
        said("", &[("INQ_DISPATCH__BATCH_ROWS", "many")]),
        "dispatch.batch_rows = \"many\" in INQ_DISPATCH__BATCH_ROWS: must be a whole number, for example 500"
    );
    assert_eq!(
        said("", &[("INQ_DISPATCH__BATCH_ROWS", "2.5")]),
        "dispatch.batch_rows = 2.5 in INQ_DISPATCH__BATCH_ROWS: must be a whole number, for example 500"
    );
}

#[test]
fn a_broken_file_says_where_but_not_what() {
    let said = said(
        "[database]\nurl = \"mysql://inq:hunter2@db/inq\nmax_connections = 5",
        &[],
    );
    assert!(said.starts_with("FILE:2:"), "{said}");
    assert!(!said.contains("hunter2") && !said.contains('\n'), "{said}");
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let error = Effective::read(Some(Path::new("/nowhere/inq.toml")), []).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot read the settings file /nowhere/inq.toml: there is no such file"
    );
    let error = Effective::read(Some(Path::new("/")), []).unwrap_err();
    assert!(matches!(error, SettingsError::Unreadable { .. }));
}

#[test]
fn secrets_are_read_from_files_but_for_one_line_end() {
    let url = file("mysql://inq:hunter2@db/inq\n");
    let token = file("hunter2\r\n");
    let password = file("hunter2\n\n");
    let toml = format!(
        "database.url_file = '{}'\nhttp.token_file = '{}'\nkafka.properties.'sasl.password_file' = '{}'",
        url.path().display(),
        token.path().display(),
        password.path().display()
    );
    let settings = read(&toml, &[]).unwrap().settings;
    assert_eq!(settings.database.url.expose(), "mysql://inq:hunter2@db/inq");
    assert_eq!(settings.http.token.as_ref().unwrap().expose(), "hunter2");
    assert_eq!(
        settings.kafka.properties.expose().collect::<Vec<_>>(),
        [("sasl.password", "hunter2\n")]
    );
    let shown = format!("{settings:?} {}", serde_json::to_string(&settings).unwrap());
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[test]
fn operators_have_tokens_by_name_from_text_files_and_the_environment() {
    let (carl, bea) = (file("of-carl\n"), file("of-bea"));
    let toml = format!(
        "[http.tokens]\nanna = 'of-anna'\nBea-2 = '0123'\nteam.a = 'of-team'\ncarl_file = '{}'\nbea = 'older'",
        carl.path().display()
    );
    let variables = [
        ("INQ_HTTP__TOKENS__BEA_FILE", bea.path().to_str().unwrap()),
        ("INQ_HTTP__TOKENS__ON_CALL", "of-on-call"),
        ("INQ_HTTP__TOKENS__ANNA", "of-anna-now"),
    ];
    let Effective { settings, sources } = read(&toml, &variables).unwrap();
    let tokens: Vec<_> = settings
        .http
        .tokens
        .iter()
        .map(|(name, token)| (name.as_str(), token.expose()))
        .collect();
    assert_eq!(
        tokens,
        [
            ("Bea-2", "0123"),
            ("anna", "of-anna-now"),
            ("bea", "of-bea"),
            ("carl", "of-carl"),
            ("on_call", "of-on-call"),
            ("team.a", "of-team"),
        ]
    );
    assert_eq!(sources["http.tokens.anna"], "INQ_HTTP__TOKENS__ANNA");
    let shown = format!("{settings:?} {}", serde_json::to_string(&settings).unwrap());
    assert!(!shown.contains("of-") && !shown.contains("0123"), "{shown}");

    for (toml, expected) in [
        (
            "http.tokens.anna = 7",
            "http.tokens.anna in FILE: must be text in quotes",
        ),
        (
            "http.tokens = 'hunter2'",
            "http.tokens in FILE: is a section, not a setting: write [http.tokens] and below it, for example, anna = \"...\"",
        ),
        (
            "http.tokens = { anna = 'hunter2', anna_file = '/x' }",
            "http.tokens.anna in FILE: http.tokens.anna_file is set in the same place; keep one of them",
        ),
        (
            "http.tokens.anna_file = '/nowhere/token'",
            "http.tokens.anna_file = \"/nowhere/token\" in FILE: cannot be read: No such file or directory (os error 2)",
        ),
    ] {
        assert_eq!(said(toml, &[]), expected);
    }
    assert_eq!(
        said("", &[("INQ_HTTP__TOKENS__ANNA", "hunter 2")]),
        "http.tokens.anna in INQ_HTTP__TOKENS__ANNA: must be visible ASCII without spaces, and not empty"
    );
}

#[test]
fn of_a_setting_and_its_file_the_later_said_holds() {
    let token = file("from-file");
    let path = token.path().to_str().unwrap();
    let settings = read("http.token = 'said'", &[("INQ_HTTP__TOKEN_FILE", path)])
        .unwrap()
        .settings;
    assert_eq!(settings.http.token.unwrap().expose(), "from-file");

    let settings = read(
        &format!("http.token_file = '{path}'"),
        &[("INQ_HTTP__TOKEN", "said")],
    )
    .unwrap()
    .settings;
    assert_eq!(settings.http.token.unwrap().expose(), "said");
    assert_eq!(settings.http.token_file, None);

    let variables = [("INQ_KAFKA__PROPERTIES__SASL_PASSWORD_FILE", path)];
    let settings = read("kafka.properties.'sasl.password' = 'said'", &variables)
        .unwrap()
        .settings;
    assert_eq!(
        settings.kafka.properties.expose().collect::<Vec<_>>(),
        [("sasl.password", "from-file")]
    );
}

#[test]
fn a_setting_and_its_file_in_one_place_contradict_each_other() {
    let said = said("http = { token = 'hunter2', token_file = '/x' }", &[]);
    assert_eq!(
        said,
        "http.token in FILE: http.token_file is set in the same place; keep one of them"
    );
}

#[test]
fn a_secret_file_that_is_missing_or_wrong_is_an_error_that_hides_it() {
    let missing = said("http.token_file = '/nowhere'", &[]);
    assert!(
        missing.starts_with("http.token_file = \"/nowhere\" in FILE: cannot be read: "),
        "{missing}"
    );

    let url = file("postgres://inq:hunter2@db/inq\n");
    let wrong = said(&format!("database.url_file = '{}'", url.path().display()), &[]);
    assert!(
        wrong.ends_with("postgres:// is not supported; use mysql://, mariadb:// or sqlite://"),
        "{wrong}"
    );
    assert!(
        wrong.contains(&url.path().display().to_string()) && !wrong.contains("hunter2"),
        "{wrong}"
    );
}

#[test]
fn a_value_that_is_not_utf8_is_named_by_its_variable() {
    use std::os::unix::ffi::OsStringExt;
    let variables = [("INQ_HTTP__TOKEN".into(), OsString::from_vec(vec![0xff]))];
    let error = Effective::read(Some(file("").path()), variables).unwrap_err();
    assert_eq!(error.to_string(), "http.token in INQ_HTTP__TOKEN: is not UTF-8");
}
