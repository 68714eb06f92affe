//! From the bytes of a record to a message whose fields have the right JSON types, or to what is wrong with them.
//!
//! A good record is parsed once, straight into its struct. Only a bad one is looked at again, slowly, to say where it
//! is wrong.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

use super::digest::LARGEST;
use super::explain::explain;
use super::field::Field;
use super::{Reason, Rejection};

/// The message in `payload`. Every field of `T` is optional here: what is required is the message's own business.
///
/// # Errors
/// [`Reason::InvalidJson`] where there is no value, it is not UTF-8 or not JSON; [`Reason::TooLarge`] over `max_bytes`;
/// [`Reason::SchemaViolation`] where it is no object, has a known field twice, or a field of the wrong type. Faults
/// are found in the order in which they stand in the text, repeated fields first.
pub(super) fn parse<'a, T: Deserialize<'a>>(
    payload: Option<&'a [u8]>,
    max_bytes: usize,
    fields: &[&Field],
) -> Result<T, Rejection> {
    let text = text(payload, max_bytes)?;
    match serde_json::from_str(text) {
        // A derived struct would also read a JSON array, field by field.
        Ok(message) if is_object(text) => Ok(message),
        _ => Err(explain::<T>(text, fields)),
    }
}

fn text(payload: Option<&[u8]>, max_bytes: usize) -> Result<&str, Rejection> {
    let invalid = |detail: String| Rejection::new(Reason::InvalidJson, detail);
    let bytes = payload.ok_or_else(|| invalid("the record has no value".into()))?;
    if bytes.len() > max_bytes {
        let detail = format!(
            "the value has {} bytes, at most {max_bytes} are allowed",
            bytes.len()
        );
        return Err(Rejection::new(Reason::TooLarge, detail));
    }
    match bytes {
        [] => Err(invalid("the record's value is empty".into())),
        [0xEF, 0xBB, 0xBF, ..] => Err(invalid(
            "the value starts with a byte order mark; send UTF-8 without one".into(),
        )),
        [0, _, _, _, _, b'{', ..] => Err(invalid(
            "the value starts with the five bytes of a schema registry; send the JSON alone".into(),
        )),
        _ => str::from_utf8(bytes).map_err(|error| {
            let mut lines = bytes[..error.valid_up_to()].split(|&byte| byte == b'\n');
            let (line, column) = (
                lines.clone().count(),
                lines.next_back().map_or(0, <[u8]>::len) + 1,
            );
            invalid(format!("the value is not UTF-8 at line {line} column {column}"))
        }),
    }
}

/// Whether a text that is JSON is a JSON object.
pub(super) fn is_object(text: &str) -> bool {
    text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{')
}

/// A string that is borrowed from the record unless it holds escapes; `Option<Cow<str>>` would always copy.
pub(super) struct Text<'a>(pub Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Borrow;
        impl<'de> Visitor<'de> for Borrow {
            type Value = Text<'de>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
            }
        }
        from.deserialize_str(Borrow)
    }
}

/// An integer as JSON Schema has it: `7.0` and `7e0` are 7.
#[derive(Clone, Copy)]
pub(super) struct Integer(pub i64);

/// The integer that a number without a fraction means; `None` where it has one, or may mean another: beyond
/// ±9,007,199,254,740,991.
pub(crate) fn whole(number: f64) -> Option<i64> {
    #[allow(clippy::cast_possible_truncation)] // it is exact
    let integer = number as i64;
    (number.fract() == 0.0 && number.abs() <= LARGEST).then_some(integer)
}

impl<'de> Deserialize<'de> for Integer {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Whole;
        impl Visitor<'_> for Whole {
            type Value = Integer;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an integer")
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Integer, E> {
                Ok(Integer(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Integer, E> {
                let too_large = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
                i64::try_from(number).map(Integer).map_err(too_large)
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Integer, E> {
                let none = || E::invalid_type(Unexpected::Float(number), &self);
                whole(number).map(Integer).ok_or_else(none)
            }
        }
        from.deserialize_i64(Whole)
    }
}

/// A JSON object: what is derived would also be read from an array.
pub(super) struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
                to.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        from.deserialize_map(Members(PhantomData))
    }
}
