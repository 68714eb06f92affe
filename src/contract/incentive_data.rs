//! The free-form object of an event, read with a bound on its nesting.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// How many objects and arrays may stand within each other, the outermost counted. Below `serde_json`'s own limit of
/// 128, so that this one always speaks first, and shallow enough for whatever walks the value afterwards.
pub(super) const MAX_LEVELS: usize = 64;

/// The longest name of a member, in bytes: what MySQL's JSON takes.
pub(super) const MAX_NAME_BYTES: usize = 65_535;

/// What is wrong with an object that has more levels than [`MAX_LEVELS`].
pub(super) const TOO_DEEP: &str = "nested deeper than 64 levels";
/// What is wrong with an object that has a name of more than [`MAX_NAME_BYTES`].
pub(super) const NAME_TOO_LONG: &str = "has a name of more than 65535 bytes";

/// An object of at most [`MAX_LEVELS`] levels, its names of at most [`MAX_NAME_BYTES`]. Of a repeated key the last value counts.
///
/// `serde_json::Value` itself would read an object with one of its private keys as something else; this does not.
pub(crate) struct IncentiveData(pub Map<String, Value>);

impl<'de> Deserialize<'de> for IncentiveData {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Outermost).map(Self)
    }
}

struct Outermost;

impl<'de> Visitor<'de> for Outermost {
    type Value = Map<String, Value>;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        members(map, MAX_LEVELS - 1)
    }
}

fn members<'de, A: MapAccess<'de>>(mut map: A, levels: usize) -> Result<Map<String, Value>, A::Error> {
    let mut members = Map::new();
    while let Some(name) = map.next_key::<String>()? {
        if name.len() > MAX_NAME_BYTES {
            return Err(A::Error::custom(NAME_TOO_LONG));
        }
        let value = map.next_value_seed(Within(levels))?;
        members.insert(name, value);
    }
    Ok(members)
}

/// Any value that has at most so many levels.
#[derive(Clone, Copy)]
struct Within(usize);

impl Within {
    fn inner<E: Error>(self) -> Result<usize, E> {
        self.0.checked_sub(1).ok_or_else(|| E::custom(TOO_DEEP))
    }
}

impl<'de> DeserializeSeed<'de> for Within {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Within {
    type Value = Value;

    fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("any value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let levels = self.inner()?;
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(Within(levels))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        members(map, self.inner()?).map(Value::Object)
    }
}
