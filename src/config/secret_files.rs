//! Settings that can be read from a file: `url` from `url_file`, a librdkafka property from
//! `<property>_file`, an operator's token from `<name>_file`. Such a pair are twins.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use config::ValueKind;
use serde_json::Value as Json;

use super::error::Fault;
use super::keys::{TOKENS, operator, property};
use super::layers::Entry;
use super::{SettingsError, properties};

const SUFFIX: &str = "_file";

/// The keys that have a twin, those of librdkafka's properties and of operators aside.
const READABLE: [&str; 3] = ["database.url", "http.token", "http.read_token"];

/// The key whose value the file named by this key holds.
fn target(key: &str) -> Option<&str> {
    let target = key.strip_suffix(SUFFIX)?;
    let has_twin = property(target).is_some() || operator(target).is_some() || READABLE.contains(&target);
    has_twin.then_some(target)
}

/// Whether a key's value must not be shown.
pub(super) fn is_secret(key: &str, value: &str) -> bool {
    READABLE.contains(&key)
        || key == TOKENS
        || operator(key).is_some() && target(key).is_none()
        || property(key).is_some_and(|name| properties::is_secret(name, value))
}

/// Adds to what one source says that the twin of each setting in it is unset, so that of twins the later
/// said holds.
///
/// # Errors
/// If the source sets both twins.
pub(super) fn override_twins(mut entries: Vec<Entry>) -> Result<Vec<Entry>, SettingsError> {
    let said: BTreeSet<String> = entries.iter().map(|entry| entry.key.clone()).collect();
    let mut unset = Vec::new();
    for entry in &entries {
        let with_file = format!("{}{SUFFIX}", entry.key);
        let twin = match target(&entry.key) {
            Some(target) => target.to_owned(),
            None if target(&with_file).is_some() => with_file,
            None => continue,
        };
        if said.contains(&twin) {
            return Err(SettingsError::Wrong {
                key: entry.key.clone(),
                value: None,
                source_name: entry.source.clone(),
                reason: format!("{twin} is set in the same place; keep one of them"),
            });
        }
        unset.push(Entry {
            key: twin,
            value: ValueKind::Nil,
            source: entry.source.clone(),
        });
    }
    entries.extend(unset);
    Ok(entries)
}

/// Reads every file that a setting is to be read from, into the setting; one line end at the end of the
/// file is no part of the value. The file takes the place of the setting's source.
///
/// # Errors
/// If a file can't be read.
pub(super) fn read_all(
    values: &mut BTreeMap<String, Json>,
    sources: &mut BTreeMap<String, String>,
) -> Result<(), Fault> {
    let files: Vec<_> = values
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), target(key)?.to_owned(), value.as_str()?.to_owned())))
        .collect();
    for (key, target, path) in files {
        let text =
            read(Path::new(&path)).map_err(|error| Fault::new(&key, format!("cannot be read: {error}")))?;
        values.insert(target.clone(), Json::String(text));
        sources.insert(target, path);
        if property(&key).is_some() || operator(&key).is_some() {
            values.remove(&key);
        }
    }
    Ok(())
}

/// The secret in a file, without one line end at the end of the file.
pub(super) fn read(path: &Path) -> std::io::Result<String> {
    let mut text = super::read(path)?;
    for end in ['\n', '\r'] {
        if !text.ends_with(end) {
            break;
        }
        text.pop();
    }
    Ok(text)
}
