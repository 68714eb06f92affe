//! Settings as the binary reads them, and how it says what is wrong with them.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// `inq` in an empty directory, with nothing of ours in its environment.
struct Inq {
    directory: TempDir,
    command: Command,
}

impl Inq {
    fn new(arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_inq"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("INQ_") {
                command.env_remove(name);
            }
        }
        command
            .env_remove("DATABASE_URL")
            .env_remove("KAFKA_BROKERS")
            .args(arguments)
            .current_dir(directory.path())
            .stdin(Stdio::null());
        Self { directory, command }
    }

    fn show() -> Self {
        Self::new(&["config", "show"])
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.directory.path().join(name), text).unwrap();
        self
    }

    fn run(mut self) -> Ended {
        Ended::of(&self.command.output().unwrap())
    }
}

struct Ended {
    status: Option<i32>,
    out: String,
    err: String,
}

impl Ended {
    fn of(output: &Output) -> Self {
        Self {
            status: output.status.code(),
            out: String::from_utf8(output.stdout.clone()).unwrap(),
            err: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    fn settings(&self) -> toml::Table {
        assert_eq!((self.status, self.err.as_str()), (Some(0), ""));
        self.out.parse().unwrap()
    }

    /// One line on standard error, nothing on standard output, exit status 2.
    fn refused(&self, line: &str) {
        assert_eq!((self.status, self.out.as_str()), (Some(2), ""));
        assert_eq!(self.err, format!("error: {line}\n"));
    }
}

#[test]
fn the_defaults_are_shown_in_the_order_of_the_default_file() {
    let ended = Inq::show().run();
    let settings = ended.settings();
    assert_eq!(settings["dispatch"]["lease"].as_str(), Some("30s"));
    assert!(
        !ended.out.contains(" # "),
        "a default has no source: {}",
        ended.out
    );
    assert!(
        ended
            .out
            .starts_with("shutdown_timeout = \"10s\"\n\n[database]\nurl = \"sqlite://inq.db\"\n")
    );
}

#[test]
fn what_is_shown_can_be_read_back() {
    let first = Inq::show()
        .env("INQ_DISPATCH__LEASE", "90s")
        .env("INQ_KAFKA__PROPERTIES__LINGER_MS", "5")
        .run();
    let second = Inq::show().file("inq.toml", &first.out).run();
    assert_eq!(second.settings(), first.settings());
    assert_eq!(
        first.settings()["kafka"]["properties"]["linger.ms"].as_str(),
        Some("5")
    );
}

#[test]
fn the_environment_is_over_the_file_is_over_the_defaults() {
    let ended = Inq::show()
        .file("inq.toml", "dispatch = { batch_rows = 5, lease = '45s' }")
        .env("INQ_DISPATCH__BATCH_ROWS", "7")
        .run();
    assert!(
        ended
            .out
            .contains("\nbatch_rows = 7 # INQ_DISPATCH__BATCH_ROWS\n"),
        "{}",
        ended.out
    );
    assert!(
        ended.out.contains("\nlease = \"45s\" # inq.toml\n"),
        "{}",
        ended.out
    );
    assert!(ended.out.contains("\npublishers = 1\n"), "{}", ended.out);
}

#[test]
fn json_has_the_settings_and_their_sources() {
    let ended = Inq::new(&["config", "show", "--json"])
        .env("KAFKA_BROKERS", "kafka:9092")
        .run();
    let shown: Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(shown["settings"]["kafka"]["brokers"], "kafka:9092");
    assert_eq!(
        shown["sources"],
        serde_json::json!({"kafka.brokers": "KAFKA_BROKERS"})
    );
}

#[test]
fn a_named_file_takes_the_place_of_the_usual_one() {
    let ended = Inq::new(&["--config", "other.toml", "config", "show"])
        .file("inq.toml", "dispatch.batch_rows = 5")
        .file("other.toml", "dispatch.publishers = 2")
        .run();
    assert_eq!(ended.settings()["dispatch"]["batch_rows"].as_integer(), Some(500));
    assert!(ended.out.contains("publishers = 2 # other.toml"));

    Inq::new(&["config", "show", "--config", "missing.toml"])
        .run()
        .refused("cannot read the settings file missing.toml: there is no such file");
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    Inq::show()
        .file("inq.toml", "dispatch.batch_row = 5")
        .run()
        .refused("dispatch.batch_row: unknown key in inq.toml; did you mean dispatch.batch_rows?");
    Inq::show()
        .env("INQ_DISPATCH__BATCH_ROW", "5")
        .run()
        .refused("INQ_DISPATCH__BATCH_ROW: unknown setting; did you mean INQ_DISPATCH__BATCH_ROWS?");
    Inq::show().env("INQ_DISPATCH__LEASE", "30").run().refused(
        "dispatch.lease = \"30\" in INQ_DISPATCH__LEASE: a duration needs a unit, for example \"30s\"",
    );
    Inq::show()
        .file("inq.toml", "[retry]\ninitial = '7h'")
        .run()
        .refused("retry.initial = \"7h\" in inq.toml: must not be longer than retry.max_interval (6h)");
    Inq::show()
        .env("DATABASE_URL", "postgres://inq:hunter2@db/inq")
        .run()
        .refused("database.url in DATABASE_URL: postgres:// is not supported; use mysql://, mariadb:// or sqlite://");
}

#[test]
fn secrets_are_never_printed() {
    let toml = "\
        [database]\nurl = 'mysql://inq:hunter2@db:3306/inq?socket=/run/db'\n\
        [http]\ntoken_file = 'token'\nread_token = 'hunter2-read'\ntokens = { anna = 'hunter2-anna', bea_file = 'of-bea' }\n\
        [kafka.properties]\nsasl.password = 'hunter2'\n'ssl.key.pem' = 'hunter2'\n'sasl.username' = 'inq'\n";
    for arguments in [&["config", "show"][..], &["config", "show", "--json"]] {
        let ended = Inq::new(arguments)
            .file("inq.toml", toml)
            .file("token", "hunter2\n")
            .file("of-bea", "hunter2-bea\n")
            .env("INQ_KAFKA__PROPERTIES__SSL_KEY_PASSWORD", "hunter2")
            .run();
        assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
        assert!(!ended.out.contains("hunter2"), "{}", ended.out);
        assert!(
            ended.out.contains("mysql://inq:***@db:3306/inq?socket=/run/db"),
            "{}",
            ended.out
        );
        assert!(ended.out.contains("sasl.username"), "{}", ended.out);
    }
}

#[test]
fn secrets_are_not_printed_when_they_are_wrong_either() {
    for toml in [
        "database.url = 'hunter2'",
        "database.url = 'mysql://inq:hunter2@db'",
        "database.url = ['hunter2']",
        "database.url = \"mysql://inq:hunter2@db",
        "database.url = mysql://inq:hunter2@db",
        "database.url = 'a'\nurl = hunter2",
        "http.token = 'hunter2 hunter2'",
        "http.token = { hunter = 'hunter2' }",
        "http.token = ['hunter2']",
        "http = { token = 'hunter2', token = 'hunter2' }",
        "http.read_token = 'hunter2'\nhttp.token = 'hunter2'",
        "http.tokens = 'hunter2'",
        "http.tokens.anna = ['hunter2']",
        "http.tokens.'an na' = 'hunter2'",
        "http.tokens.anna = 'hunter 2 hunter2'",
        "http = { token = 'hunter2', tokens = { anna = 'hunter2' } }",
        "kafka.properties.'sasl.password' = ['hunter2']",
        "kafka.properties.'transactional.id' = 'secret://hunter2@x'",
        "kafka.brokers = 'SASL_SSL://inq:hunter2@kafka:9092'",
        "log.level = 'hunter2@x'",
        "retry.jitter = 2\nhttp.token = 'hunter2'",
    ] {
        let ended = Inq::show().file("inq.toml", toml).run();
        assert_eq!((ended.status, ended.out.as_str()), (Some(2), ""), "{toml}");
        assert!(!ended.err.contains("hunter2"), "{toml}: {}", ended.err);
        assert_eq!(ended.err.lines().count(), 1, "{toml}: {}", ended.err);
    }
}

#[test]
fn wrong_usage_ends_with_2_and_help_with_0() {
    assert_eq!(Inq::new(&["no-such-command"]).run().status, Some(2));
    assert_eq!(
        Inq::new(&["config", "show", "--no-such-flag"]).run().status,
        Some(2)
    );
    assert_eq!(Inq::new(&[]).run().status, Some(2));
    let help = Inq::new(&["--help"]).run();
    assert_eq!((help.status, help.err.as_str()), (Some(0), ""));
    assert!(
        help.out
            .contains("Exit status: 0 done, 1 failed, 2 wrong usage or settings.")
    );
    assert_eq!(
        Inq::new(&["--version"]).run().out,
        format!("inq {}\n", env!("CARGO_PKG_VERSION"))
    );
}

#[test]
fn a_reader_who_goes_away_is_no_failure() {
    let mut inq = Inq::show();
    let mut child = inq
        .command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ended = Ended::of(&child.wait_with_output().unwrap());
    assert_eq!((ended.status, ended.err.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_is_a_failure() {
    let full = Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let mut inq = Inq::show();
    let out = std::fs::OpenOptions::new().write(true).open(full).unwrap();
    let ended = Ended::of(&inq.command.stdout(out).output().unwrap());
    assert_eq!(ended.status, Some(1));
    assert!(
        ended.err.starts_with("error: cannot write to standard output: "),
        "{}",
        ended.err
    );
}
