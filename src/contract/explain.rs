//! Where a record is wrong that could not be parsed: whether it is JSON at all, then which field does not fit.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;
use serde_json::error::Category;
use serde_json::value::RawValue;
use serde_path_to_error::{Path, Segment};

use super::field::{Field, cut};
use super::incentive_data::{NAME_TOO_LONG, TOO_DEEP};
use super::wire::is_object;
use super::{Reason, Rejection};

/// The longest path that a detail shows, in characters.
const LONGEST_PATH: usize = 200;

/// The longest path whose value a detail shows, in levels.
const DEEPEST_FOUND: usize = 8;

/// What is wrong with a text that was no `T`.
pub(super) fn explain<'a, T: Deserialize<'a>>(text: &'a str, fields: &[&Field]) -> Rejection {
    let violation = |detail: String| Rejection::new(Reason::SchemaViolation, detail);
    // Skipping checks the grammar alone, at any depth and for numbers of any size.
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Rejection::new(Reason::InvalidJson, format!("the value is not JSON: {error}"));
    }
    if !is_object(text) {
        let found = cut(text.trim(), Field::LONGEST_FOUND);
        return violation(format!("the value: must be a JSON object, found {found}"));
    }
    if let Some(name) = repeated(text, fields) {
        return Rejection::of_field(name, "given more than once");
    }
    let mut from = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut from) {
        Err(error) => misfit(text, fields, error.path(), error.inner())
            .unwrap_or_else(|| violation(format!("the value: {}", error.inner()))),
        Ok(_) => violation("the value: does not fit the contract".into()),
    }
}

/// The first known field that stands in the object twice.
fn repeated(text: &str, fields: &[&Field]) -> Option<&'static str> {
    let Members(members) = serde_json::from_str(text).ok()?;
    members.iter().enumerate().find_map(|(index, (name, _))| {
        let field = fields.iter().find(|field| field.name == *name)?;
        members[..index]
            .iter()
            .any(|(earlier, _)| earlier == name)
            .then_some(field.name)
    })
}

/// The field at `path`, whose value is not what it must be.
fn misfit(text: &str, fields: &[&Field], path: &Path, error: &serde_json::Error) -> Option<Rejection> {
    let segments: Vec<&Segment> = path.iter().collect();
    let Some(Segment::Map { key }) = segments.first() else {
        return None;
    };
    let field = fields.iter().find(|field| field.name == key)?;
    // Within a field everything is allowed but this, and what no value can hold.
    let words = without_position(error);
    if words == TOO_DEEP || words == NAME_TOO_LONG {
        return Some(Rejection::of_field(field.name, words));
    }
    if segments.len() == 1 {
        let rejection = field.wrong(value_at(text, &segments).unwrap_or("something else"));
        // JSON that no value can hold, a lone surrogate or a number too large: the parser has the better words.
        let is_unusable = error.classify() == Category::Syntax;
        return Some(if is_unusable {
            rejection.hint(&words)
        } else {
            rejection
        });
    }
    // Each level costs a pass over the text, and nobody's poison may cost much.
    let found = (segments.len() <= DEEPEST_FOUND)
        .then(|| value_at(text, &segments))
        .flatten();
    let found = found.map_or_else(String::new, |it| {
        format!(", found {}", cut(it, Field::LONGEST_FOUND))
    });
    let path = cut(&spell(&segments), LONGEST_PATH);
    Some(Rejection::of_field(path, format_args!("{words}{found}")))
}

/// The parser's words, without the line and column: the path says where.
fn without_position(error: &serde_json::Error) -> String {
    let mut words = error.to_string();
    if let Some(at) = words.rfind(" at line ") {
        words.truncate(at);
    }
    words
}

/// `incentive_data.rewards.codes[2]`; a key that is no plain name stands quoted in brackets.
fn spell(segments: &[&Segment]) -> String {
    let is_plain = |key: &str| !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_');
    let path: String = segments
        .iter()
        .map(|segment| match segment {
            Segment::Map { key } if is_plain(key) => format!(".{key}"),
            Segment::Map { key } => format!("[{}]", Value::from(key.as_str())),
            Segment::Seq { index } => format!("[{index}]"),
            Segment::Enum { .. } | Segment::Unknown => ".?".to_owned(),
        })
        .collect();
    path.trim_start_matches('.').to_owned()
}

/// The text of the value at a path.
fn value_at<'a>(text: &'a str, segments: &[&Segment]) -> Option<&'a str> {
    segments.iter().try_fold(text, |text, segment| match segment {
        Segment::Map { key } => {
            let Members(members) = serde_json::from_str(text).ok()?;
            members
                .into_iter()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value.get())
        }
        Segment::Seq { index } => {
            let items: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            items.get(*index).map(|value| value.get())
        }
        Segment::Enum { .. } | Segment::Unknown => None,
    })
}

/// The members of an object as they stand, repeated ones too.
struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Members<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        from.deserialize_map(Each)
    }
}
