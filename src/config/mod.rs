//! Every setting: where it is said, what it may be, and what it may not be beside the others.
//!
//! [`Settings::load`] lays the sources over each other, the later over the earlier: the default file
//! (`default.toml`, a part of the program), the settings file, `DATABASE_URL` and `KAFKA_BROKERS`, and the
//! environment as `INQ_SECTION__KEY`. What comes out is checked as a whole; who holds a [`Settings`]
//! need not check it again. Nothing else in the program reads the environment, but for `NO_COLOR`.

mod caps;
mod check;
mod choice;
mod database_url;
mod digest;
pub mod duration;
mod error;
mod keys;
mod layers;
mod properties;
mod quiet;
mod remedy;
mod secret;
mod secret_files;
mod sections;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use config::{Config, Value, ValueKind};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use caps::{CapRule, CapSettings, CapTypes, Over, TypeCap};
pub use database_url::{Database, DatabaseUrl};
pub use digest::{DigestSettings, DigestWindows};
pub use error::SettingsError;
pub use properties::KafkaProperties;
pub use quiet::{QuietRule, QuietSettings, QuietTypes};
pub use secret::Secret;
pub use sections::{
    BestTimeSettings, DatabaseSettings, DefaultSettings, DispatchSettings, HttpSettings, IngestSettings,
    KafkaSettings, LocalizationSettings, LogFormat, LogSettings, RetentionSettings, RetrySettings,
    SHORTEST_LEASE, Semantics, TelemetrySettings, TopicSettings, TypeDefaults,
};

use error::Fault;
use keys::{Keys, way};
use layers::Layer;

/// The default of every setting, with its documentation.
pub const DEFAULT_FILE: &str = include_str!("default.toml");

/// The settings file that is read where none is named and this one exists.
const USUAL_FILE: &str = "inq.toml";

/// The longest file that is read, in bytes.
const LONGEST_FILE: u64 = 1024 * 1024;

/// A longer value isn't shown in an error.
const SHOWN_CHARS: usize = 120;

/// The settings in force, checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How long a stop may take before what is unfinished is left to recovery; 100 ms to 10 min.
    #[serde(with = "duration")]
    pub shutdown_timeout: Duration,
    /// Where the rows are.
    pub database: DatabaseSettings,
    /// Where the topics are.
    pub kafka: KafkaSettings,
    /// The names of the topics.
    pub topics: TopicSettings,
    /// How events become rows.
    pub ingest: IngestSettings,
    /// How rows become delivery requests.
    pub dispatch: DispatchSettings,
    /// When a failed delivery is tried again.
    pub retry: RetrySettings,
    /// What an event gets that does not say it itself.
    pub defaults: DefaultSettings,
    /// When readers are left alone.
    pub quiet: QuietSettings,
    /// When readers open.
    pub best_time: BestTimeSettings,
    /// How many notifications a reader gets at most.
    pub caps: CapSettings,
    /// Which notifications are gathered in one.
    pub digest: DigestSettings,
    /// The words.
    pub localization: LocalizationSettings,
    /// How long notifications are kept.
    pub retention: RetentionSettings,
    /// Health, metrics, the API and the page.
    pub http: HttpSettings,
    /// What is logged.
    pub log: LogSettings,
    /// Where traces go.
    pub telemetry: TelemetrySettings,
}

impl Settings {
    /// The settings from `file` (or `inq.toml` in the current directory, where it exists) and the
    /// environment.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        Effective::load(file).map(|effective| effective.settings)
    }

    /// The defaults with a settings file's text over them, without the environment.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        let keys = known_keys()?;
        let layers = vec![
            Layer::defaults(DEFAULT_FILE)?,
            Layer::text(text, USUAL_FILE, &keys)?,
        ];
        Effective::of(layers).map(|effective| effective.settings)
    }
}

/// The settings in force and where those come from that are not the default.
#[derive(Clone, Debug)]
pub struct Effective {
    /// The settings.
    pub settings: Settings,
    /// By key (`dispatch.lease`), the file or the variable.
    pub sources: BTreeMap<String, String>,
}

impl Effective {
    /// As [`Settings::load`].
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn load(file: Option<&Path>) -> Result<Self, SettingsError> {
        Self::read(file, std::env::vars_os())
    }

    /// As [`Settings::load`], with the environment given.
    ///
    /// # Errors
    /// With the first thing that is wrong.
    pub fn read(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, SettingsError> {
        let keys = known_keys()?;
        let mut layers = vec![Layer::defaults(DEFAULT_FILE)?];
        let said = Layer::file(file.unwrap_or(Path::new(USUAL_FILE)), &keys)?;
        if let (Some(path), None) = (file, &said) {
            let reason = "there is no such file".into();
            return Err(SettingsError::Unreadable {
                path: path.to_owned(),
                reason,
            });
        }
        layers.extend(said);
        layers.extend(Layer::environment(environment, &keys)?);
        Self::of(layers)
    }

    fn of(layers: Vec<Layer>) -> Result<Self, SettingsError> {
        let mut builder = Config::builder();
        for layer in layers {
            builder = builder.add_source(layer);
        }
        let merged = builder
            .build()
            .map_err(|error| SettingsError::Unmergeable(error.to_string()))?;
        let (mut values, mut sources) = (BTreeMap::new(), BTreeMap::new());
        flatten("", merged.cache, &mut values, &mut sources);
        secret_files::read_all(&mut values, &mut sources)
            .and_then(|()| typed(&values))
            .and_then(|settings| check::check(&settings).map(|()| settings))
            .map_err(|fault| SettingsError::Wrong {
                value: values.get(&fault.key).and_then(|value| shown(&fault.key, value)),
                source_name: sources.get(&fault.key).cloned(),
                key: fault.key,
                reason: fault.reason,
            })
            .map(|settings| Self {
                settings,
                sources: sources.clone(),
            })
    }
}

/// The text of a file, which is short: who names `/dev/zero` by mistake is told so.
fn read(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    let length = File::open(path)?
        .take(LONGEST_FILE + 1)
        .read_to_string(&mut text)?;
    if length as u64 > LONGEST_FILE {
        return Err(std::io::Error::other(format!(
            "it has more than {LONGEST_FILE} bytes"
        )));
    }
    Ok(text)
}

/// The default settings.
fn defaults() -> Result<Settings, SettingsError> {
    Effective::of(vec![Layer::defaults(DEFAULT_FILE)?]).map(|effective| effective.settings)
}

fn known_keys() -> Result<Keys, SettingsError> {
    let json =
        serde_json::to_value(defaults()?).map_err(|error| SettingsError::Unmergeable(error.to_string()))?;
    Ok(Keys::of(&json, DEFAULT_FILE))
}

/// The merged values under their full keys, and where they come from; what was unset again is left out.
fn flatten(
    path: &str,
    value: Value,
    values: &mut BTreeMap<String, Json>,
    sources: &mut BTreeMap<String, String>,
) {
    let source = value.origin().map(str::to_owned);
    let scalar = match value.kind {
        ValueKind::Table(table) => {
            for (name, value) in table {
                let key = if path.is_empty() {
                    name
                } else {
                    format!("{path}.{name}")
                };
                flatten(&key, value, values, sources);
            }
            return;
        }
        ValueKind::String(text) => Json::from(text),
        ValueKind::I64(number) => Json::from(number),
        ValueKind::Float(number) => Json::from(number),
        ValueKind::Boolean(flag) => Json::from(flag),
        _ => return,
    };
    values.insert(path.to_owned(), scalar);
    sources.extend(source.map(|source| (path.to_owned(), source)));
}

/// The values as the settings are written.
fn tree(values: &BTreeMap<String, Json>) -> Json {
    // The sections that may be empty.
    let mut root = serde_json::json!({"kafka": {"properties": {}}, "http": {"tokens": {}}, "telemetry": {}});
    for (key, value) in values {
        let place = way(key).into_iter().fold(&mut root, |at, name| &mut at[name]);
        *place = value.clone();
    }
    root
}

fn typed(values: &BTreeMap<String, Json>) -> Result<Settings, Fault> {
    let root = tree(values);
    serde_path_to_error::deserialize(root).map_err(|error| {
        let (key, fault) = (error.path().to_string(), error.inner().to_string());
        match values.get(&key) {
            Some(Json::Number(_)) if fault.starts_with("invalid value") => beyond_its_type(values, &key),
            _ => Fault::new(key, fault),
        }
    })
}

/// What is wrong with a number that its type does not hold: what would be wrong with the largest that it does.
fn beyond_its_type(values: &BTreeMap<String, Json>, key: &str) -> Fault {
    let mut nearer = values.clone();
    let largest = [u32::MAX.into(), i32::MAX.into(), u16::MAX.into(), u8::MAX.into()];
    for largest in largest {
        let largest: i64 = largest;
        nearer.insert(key.to_owned(), largest.into());
        let Ok(settings) = serde_json::from_value(tree(&nearer)) else {
            continue;
        };
        return match check::check(&settings) {
            Err(fault) if fault.key == key => fault,
            _ => Fault::new(key, format!("must be 0 to {largest}")),
        };
    }
    Fault::new(key, "is far too large")
}

/// A value as an error shows it, on one line; `None` if it is secret or long. Whatever the key, what has
/// an `@` may hold a login, as in a broker's address that was written as a URL.
fn shown(key: &str, value: &impl Serialize) -> Option<String> {
    let text = serde_json::to_string(value).ok()?;
    let hidden = text.contains('@') || secret_files::is_secret(key, &text);
    (text.chars().count() <= SHOWN_CHARS && !hidden).then_some(text)
}

#[cfg(test)]
mod tests;
