//! What is wrong with the settings, in one line for the person who writes them.

use std::fmt;
use std::path::PathBuf;

/// The longest part of an error that is shown, in characters.
const LONGEST: usize = 200;

/// The settings can't be used; every variant is mended by editing them. It never holds a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// A settings file that was named, or `inq.toml`, can't be read.
    #[error("cannot read the settings file {}: {reason}", plain(&path.display().to_string()))]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },

    /// A settings file is not TOML. The line itself isn't shown: it may hold a secret.
    #[error("{}:{line}:{column}: {}", plain(source_name), plain(reason))]
    Syntax {
        /// The file.
        source_name: String,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What the parser expected.
        reason: String,
    },

    /// A file or a variable sets what doesn't exist.
    #[error("{}: unknown {}{}", plain(name), place(source_name.as_ref()), instead(nearest.as_ref(), there_are))]
    Unknown {
        /// The key, or the name of the variable.
        name: String,
        /// The file; `None` if `name` is a variable.
        source_name: Option<String>,
        /// The known name that is most like it.
        nearest: Option<String>,
        /// Which names there are in its place, in words.
        there_are: String,
    },

    /// A setting has a value that it can't have, alone or beside the others.
    #[error("{}{} {}: {}", plain(key), equals(value.as_ref()), origin(source_name.as_ref()), plain(reason))]
    Wrong {
        /// The setting.
        key: String,
        /// Its value as TOML or JSON would write it; `None` if it is secret or too long to show.
        value: Option<String>,
        /// The file or the variable; `None` if it is the default.
        source_name: Option<String>,
        /// What is wrong and what would be right.
        reason: String,
    },

    /// The sources can't be laid over each other.
    #[error("cannot merge the settings: {0}")]
    Unmergeable(String),
}

/// A part of a line as it may be shown: of bounded length, and nothing in it steers a terminal.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    for (count, each) in text.chars().enumerate() {
        match each {
            _ if count == LONGEST => {
                plain.push('…');
                break;
            }
            control if control.is_control() => plain.extend(control.escape_default()),
            other => plain.push(other),
        }
    }
    plain
}

fn place(file: Option<&String>) -> String {
    file.map_or_else(|| "setting".into(), |file| format!("key in {}", plain(file)))
}

fn instead(nearest: Option<&String>, there_are: &str) -> String {
    nearest.map_or_else(
        || format!("; {there_are}"),
        |nearest| format!("; did you mean {nearest}?"),
    )
}

fn equals(value: Option<&String>) -> String {
    value
        .map(|value| format!(" = {}", plain(value)))
        .unwrap_or_default()
}

fn origin(source: Option<&String>) -> String {
    source.map_or_else(|| "by default".into(), |source| format!("in {}", plain(source)))
}

/// A setting and what is wrong with it, before its value and source are looked up.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) key: String,
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn new(key: impl Into<String>, reason: impl fmt::Display) -> Self {
        Self {
            key: key.into(),
            reason: reason.to_string(),
        }
    }
}
