//! One field of a message: its name, what its value must be, and the words for a value that is not.

use std::fmt;
use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};

use super::wire::{Integer, Text};
use super::{Rejection, language, time, timezone};

/// A field of a message.
pub(super) struct Field {
    /// Its name on the wire.
    pub name: &'static str,
    /// What is right, so that "must be …" reads well.
    pub must_be: &'static str,
}

impl Field {
    /// The longest value that a detail shows, in characters.
    pub const LONGEST_FOUND: usize = 64;

    pub const fn new(name: &'static str, must_be: &'static str) -> Self {
        Self { name, must_be }
    }

    /// The rejection of a value, given as JSON text.
    pub fn wrong(&self, found: &str) -> Rejection {
        let found = cut(found, Self::LONGEST_FOUND);
        Rejection::of_field(self.name, format_args!("must be {}, found {found}", self.must_be))
    }

    /// The rejection of a string.
    pub fn wrong_text(&self, found: &str) -> Rejection {
        // What is cut anyway need not be quoted first.
        let found: String = found.chars().take(Self::LONGEST_FOUND).collect();
        self.wrong(&serde_json::Value::from(found).to_string())
    }

    /// The rejection of a string for which there is a likely better one.
    pub fn wrong_but(&self, found: &str, meant: Option<impl fmt::Display>) -> Rejection {
        let rejection = self.wrong_text(found);
        match meant {
            Some(meant) => rejection.hint(&format!("did you mean \"{meant}\"?")),
            None => rejection,
        }
    }

    /// The value of a field that must be there.
    pub fn required<T>(&self, value: Option<T>) -> Result<T, Rejection> {
        value.ok_or_else(|| {
            Rejection::of_field(
                self.name,
                format_args!("missing or null; must be {}", self.must_be),
            )
        })
    }

    /// An integer within a range that `T` can hold.
    pub fn integer<T: TryFrom<i64>>(
        &self,
        value: Integer,
        range: RangeInclusive<i64>,
    ) -> Result<T, Rejection> {
        let Integer(value) = value;
        range
            .contains(&value)
            .then(|| T::try_from(value).ok())
            .flatten()
            .ok_or_else(|| self.wrong(&value.to_string()))
    }

    /// A name: 1 to `longest` characters, none of them a control character.
    pub fn name(&self, value: &Text<'_>, longest: usize) -> Result<String, Rejection> {
        let text = &*value.0;
        // A character has four bytes at most: a text that is far too long is not counted to its end.
        let length = text.chars().take(longest + 1).count();
        if length == 0 || length > longest || text.chars().any(char::is_control) {
            return Err(self.wrong_text(text));
        }
        Ok(text.to_owned())
    }

    pub fn time(&self, value: &Text<'_>) -> Result<DateTime<Utc>, Rejection> {
        time::parse(&value.0).ok_or_else(|| self.wrong_text(&value.0))
    }

    pub fn language(&self, value: &Text<'_>) -> Result<String, Rejection> {
        language::canonical(&value.0).ok_or_else(|| self.wrong_but(&value.0, language::meant(&value.0)))
    }

    pub fn timezone(&self, value: &Text<'_>) -> Result<String, Rejection> {
        timezone::known(&value.0).ok_or_else(|| self.wrong_but(&value.0, timezone::meant(&value.0)))
    }
}

/// The first `longest` characters, `…` where there are more.
pub(crate) fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
