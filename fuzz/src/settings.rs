//! Settings: they are checked as a whole, or one line says which key is wrong, and never a secret.

use std::ffi::OsString;

use inq::config::{Effective, Settings, SettingsError};

/// What must never be shown.
const SECRET: &str = "hunter2hunter2";
/// The longest line that says what is wrong, in bytes.
const LONGEST_LINE: usize = 4096;

/// Any text of a settings file, alone and around secrets; any lines `NAME=value` of the environment.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    // Such settings name files that would be read.
    if ["file", "dir", "archive"].iter().any(|word| text.contains(word)) {
        return;
    }
    let secrets = format!(
        "http.token = '{SECRET}'\nhttp.tokens.anna = '{SECRET}-anna'\ndatabase.url = 'mysql://inq:{SECRET}@db/inq'\nkafka.properties.'sasl.password' = '{SECRET}'\n"
    );
    let tables = format!(
        "\n[http]\ntoken = '{SECRET}'\n[http.tokens]\nanna = '{SECRET}-anna'\n[database]\nurl = 'mysql://inq:{SECRET}@db/inq'\n[kafka.properties]\n'sasl.password' = '{SECRET}'\n"
    );
    for whole in [
        text.to_string(),
        format!("{secrets}{text}"),
        format!("{text}{tables}"),
    ] {
        told(Settings::from_toml(&whole), whole.contains(SECRET));
    }
    let lines = text
        .split('\n')
        .filter(|line| !line.contains('\0'))
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let secret = [
        ("INQ_HTTP__TOKEN", SECRET.to_owned()),
        ("INQ_HTTP__TOKENS__ANNA", format!("{SECRET}-anna")),
        ("INQ_KAFKA__PROPERTIES__SASL_PASSWORD", SECRET.to_owned()),
    ];
    let secret = secret.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    told(
        Effective::read(None, lines.chain(secret)).map(|effective| effective.settings),
        true,
    );
}

fn told(outcome: Result<Settings, SettingsError>, has_secret: bool) {
    match outcome {
        Ok(settings) => {
            let shown = format!("{settings:?}{}", serde_json::to_string(&settings).expect("JSON"));
            assert!(!has_secret || !shown.contains(SECRET), "{shown}");
        }
        Err(error) => {
            let line = error.to_string();
            assert!(!has_secret || !line.contains(SECRET), "{line}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
            assert!(line.len() <= LONGEST_LINE, "{} bytes: {line}", line.len());
            match error {
                SettingsError::Wrong { key, .. } => assert!(!key.is_empty()),
                SettingsError::Unknown { name, .. } => assert!(!name.is_empty()),
                SettingsError::Syntax { line, column, .. } => assert!(line >= 1 && column >= 1),
                other => panic!("not about a key: {other}"),
            }
        }
    }
}
