//! Where settings are said: the default file, a settings file, the environment. Each becomes a layer of
//! values that are known to exist and to be of the right kind, with the name of where they stand.

use std::ffi::OsString;
use std::path::Path;

use config::{ConfigError, Map, Source, Value, ValueKind};

use super::keys::{Keys, PROPERTIES, property, way};
use super::remedy::{Written, variable_of};
use super::{SettingsError, properties, secret_files};

/// What every variable of ours starts with.
pub(super) const PREFIX: &str = "INQ_";

/// Variables that others know too, and the keys they set.
const SHARED: [(&str, &str); 2] = [
    ("DATABASE_URL", "database.url"),
    ("KAFKA_BROKERS", "kafka.brokers"),
];

/// A value that somebody set, under its key (`dispatch.lease`).
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) value: ValueKind,
    /// The file or the variable; `None`: the default file.
    pub(super) source: Option<String>,
}

/// Values of the same rank; the `config` crate lays layers over each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer(pub(super) Vec<Entry>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let mut root = Map::new();
        for entry in &self.0 {
            let value = Value::new(entry.source.as_ref(), entry.value.clone());
            insert(&mut root, &way(&entry.key), value);
        }
        Ok(root)
    }
}

fn insert(table: &mut Map<String, Value>, way: &[&str], value: Value) {
    match way {
        [] => {}
        [name] => {
            table.insert((*name).to_owned(), value);
        }
        [name, rest @ ..] => {
            let section = table
                .entry((*name).to_owned())
                .or_insert_with(|| Value::new(None, ValueKind::Table(Map::new())));
            if let ValueKind::Table(section) = &mut section.kind {
                insert(section, rest, value);
            }
        }
    }
}

impl Layer {
    /// The default file, which needs no check against itself.
    pub(super) fn defaults(text: &str) -> Result<Self, SettingsError> {
        let mut found = Vec::new();
        flatten(None, parse(text, "default.toml")?, &mut found);
        let entries = found.into_iter().map(|(key, value)| {
            let value = match value {
                toml::Value::Integer(number) => ValueKind::I64(number),
                toml::Value::Float(number) => ValueKind::Float(number),
                toml::Value::String(text) => ValueKind::String(text),
                _ => ValueKind::Nil,
            };
            Entry {
                key,
                value,
                source: None,
            }
        });
        Ok(Self(entries.collect()))
    }

    /// A settings file, by its text.
    pub(super) fn text(text: &str, name: &str, keys: &Keys) -> Result<Self, SettingsError> {
        let mut found = Vec::new();
        flatten(None, parse(text, name)?, &mut found);
        let mut entries = Vec::new();
        for (key, value) in found {
            if matches!(&value, toml::Value::Table(table) if table.is_empty()) && keys.is_section(&key) {
                continue;
            }
            if !keys.is_known(&key) && !keys.is_section(&key) {
                return Err(SettingsError::Unknown {
                    nearest: keys.nearest(&key).map(str::to_owned),
                    there_are: keys.there_are(&key),
                    name: named(&key),
                    source_name: Some(name.to_owned()),
                });
            }
            entries.push(admit(key, value, name, keys)?);
        }
        secret_files::override_twins(entries).map(Self)
    }

    /// A settings file; `None` if it is not there.
    pub(super) fn file(path: &Path, keys: &Keys) -> Result<Option<Self>, SettingsError> {
        match super::read(path) {
            Ok(text) => Self::text(&text, &path.display().to_string(), keys).map(Some),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(SettingsError::Unreadable {
                path: path.to_owned(),
                reason: error.to_string(),
            }),
        }
    }

    /// The environment, the variables that others know too below our own.
    pub(super) fn environment(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
        keys: &Keys,
    ) -> Result<[Self; 2], SettingsError> {
        let mut variables: Vec<_> = variables
            .into_iter()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        variables.sort();
        let (mut shared, mut own) = (Vec::new(), Vec::new());
        for (name, value) in variables {
            if let Some((_, key)) = SHARED.iter().find(|(shared, _)| *shared == name) {
                shared.push(variable((*key).to_owned(), &name, value, keys)?);
            } else if let Some(rest) = name.strip_prefix(PREFIX)
                && !is_service_link(rest)
            {
                let key = key_of(rest);
                if keys.is_section(&key) {
                    return Err(SettingsError::Wrong {
                        reason: keys.is_a_section(&key, Written::Variable),
                        key,
                        value: None,
                        source_name: Some(name),
                    });
                }
                if !keys.is_known(&key) {
                    if !keys.is_meant(&key) {
                        continue;
                    }
                    return Err(SettingsError::Unknown {
                        nearest: keys.nearest(&key).map(variable_of),
                        there_are: keys.there_are(&key),
                        name,
                        source_name: None,
                    });
                }
                own.push(variable(key, &name, value, keys)?);
            }
        }
        Ok([
            Self(secret_files::override_twins(shared)?),
            Self(secret_files::override_twins(own)?),
        ])
    }
}

/// An unknown key as an error names it; the empty one, which TOML allows, in quotes.
fn named(key: &str) -> String {
    if key.is_empty() {
        "\"\"".into()
    } else {
        key.escape_debug().to_string()
    }
}

/// Kubernetes gives every pod such variables for a service named `inq`; they are no settings.
fn is_service_link(rest: &str) -> bool {
    rest == "PORT"
        || ["PORT_", "SERVICE_HOST", "SERVICE_PORT"]
            .iter()
            .any(|start| rest.starts_with(start))
}

/// `DISPATCH__BATCH_ROWS` is `dispatch.batch_rows`.
fn key_of(rest: &str) -> String {
    let key = rest.to_ascii_lowercase().replace("__", ".");
    match property(&key) {
        Some(name) => format!("{PROPERTIES}.{}", properties::from_variable(name)),
        None => key,
    }
}

fn variable(key: String, name: &str, value: OsString, keys: &Keys) -> Result<Entry, SettingsError> {
    match value.into_string() {
        Ok(text) => {
            let value = keys.read(&key, text);
            admit(key, value, name, keys)
        }
        Err(_) => Err(SettingsError::Wrong {
            key,
            value: None,
            source_name: Some(name.to_owned()),
            reason: "is not UTF-8".into(),
        }),
    }
}

fn admit(key: String, value: toml::Value, source: &str, keys: &Keys) -> Result<Entry, SettingsError> {
    let shown = match &value {
        // As it stands in the file: serialised it would be a table.
        toml::Value::Datetime(time) => super::shown(&key, &time.to_string()),
        value => super::shown(&key, value),
    };
    match keys.admit(&key, value) {
        Ok(value) => Ok(Entry {
            key,
            value,
            source: Some(source.to_owned()),
        }),
        Err(reason) => Err(SettingsError::Wrong {
            key,
            value: shown,
            source_name: Some(source.to_owned()),
            reason,
        }),
    }
}

fn parse(text: &str, name: &str) -> Result<toml::Table, SettingsError> {
    text.parse().map_err(|error: toml::de::Error| {
        let before = error
            .span()
            .and_then(|span| text.get(..span.start))
            .unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let reason = error.message().lines().collect::<Vec<_>>().join(", ");
        SettingsError::Syntax {
            source_name: name.to_owned(),
            line,
            column,
            reason,
        }
    })
}

/// The values of a file under their full keys. A property whose dots were not quoted comes as tables and
/// is put together again by the same rule; an empty table stays, so that its name is checked too.
fn flatten(path: Option<&str>, table: toml::Table, found: &mut Vec<(String, toml::Value)>) {
    for (name, value) in table {
        let key = match path {
            Some(path) => format!("{path}.{name}"),
            None => name,
        };
        match value {
            toml::Value::Table(table) if !table.is_empty() => flatten(Some(&key), table, found),
            value => found.push((key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_and_its_key_lead_to_each_other() {
        assert_eq!(key_of("DISPATCH__BATCH_ROWS"), "dispatch.batch_rows");
        assert_eq!(
            key_of("DEFAULTS__POINT_EARNING__PRIORITY"),
            "defaults.point_earning.priority"
        );
        assert_eq!(key_of("SHUTDOWN_TIMEOUT"), "shutdown_timeout");
        assert_eq!(
            key_of("KAFKA__PROPERTIES__SSL_CA_LOCATION"),
            "kafka.properties.ssl.ca.location"
        );
        assert_eq!(
            key_of("KAFKA__PROPERTIES__SASL_PASSWORD_FILE"),
            "kafka.properties.sasl.password_file"
        );
        assert_eq!(variable_of("dispatch.batch_rows"), "INQ_DISPATCH__BATCH_ROWS");
    }
}
