//! What a request says, read or refused with the field at fault.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::error::Category;
use serde_json::{Map, Value};
use serde_path_to_error::Path as FieldPath;

use super::problem::{Kind, Problem};
use crate::contract::cut;

/// The longest value that a problem shows, in characters.
const LONGEST_SHOWN: usize = 64;
/// Parameters whose values are integers.
const INTEGERS: [&str; 3] = ["limit", "priority", "user_id"];

/// A JSON body as it came, its length within the route's limit.
pub(super) struct Body(pub Bytes);

/// A JSON body, read.
pub(super) struct Said<T>(pub T);

/// The parameters of a query, each at most once, as a JSON object.
pub(super) struct Query(pub Map<String, Value>);

/// The one number in a path: an id, from 1.
pub(super) struct Id(pub i64);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        require_json(request.headers())?;
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(fault) => Err(unread(&fault)),
        }
    }
}

fn require_json(headers: &HeaderMap) -> Result<(), Problem> {
    let is_json = headers
        .get(CONTENT_TYPE)
        .and_then(|header| header.to_str().ok())
        .and_then(|header| header.split(';').next())
        .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    if is_json {
        return Ok(());
    }
    Err(Problem::new(
        Kind::NotJson,
        "send JSON, with `Content-Type: application/json`",
    ))
}

fn unread(fault: &BytesRejection) -> Problem {
    if fault.status() == StatusCode::PAYLOAD_TOO_LARGE {
        Problem::new(Kind::TooLarge, "the body is longer than this takes")
    } else {
        Problem::new(Kind::Malformed, fault.body_text())
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Said<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let Body(bytes) = Body::from_request(request, state).await?;
        let mut json = serde_json::Deserializer::from_slice(&bytes);
        let said = serde_path_to_error::deserialize(&mut json)
            .map_err(|error| misfit(error.path(), error.inner()))?;
        json.end()
            .map_err(|error| Problem::new(Kind::Malformed, format!("the body is not JSON: {error}")))?;
        Ok(Self(said))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut said = Map::new();
        for (name, text) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            let number = INTEGERS
                .contains(&name.as_ref())
                .then(|| text.parse::<i64>().ok())
                .flatten();
            let value = number.map_or_else(|| Value::from(text), Value::from);
            if said.insert(name.to_string(), value).is_some() {
                return Err(Problem::of_field(&shown(&name), "is given more than once"));
            }
        }
        Ok(Self(said))
    }
}

impl Query {
    /// Takes the parameters of these names, to be read.
    ///
    /// # Errors
    /// With the parameter at fault.
    pub(super) fn take<T: DeserializeOwned>(&mut self, names: &[&str]) -> Result<T, Problem> {
        let taken = names
            .iter()
            .filter_map(|name| self.0.remove_entry(*name))
            .collect();
        read(taken)
    }

    /// Reads what is left.
    ///
    /// # Errors
    /// With the parameter at fault.
    pub(super) fn rest<T: DeserializeOwned>(self) -> Result<T, Problem> {
        read(self.0)
    }
}

fn read<T: DeserializeOwned>(said: Map<String, Value>) -> Result<T, Problem> {
    serde_path_to_error::deserialize(Value::Object(said)).map_err(|error| misfit(error.path(), error.inner()))
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let said = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|fault| Problem::new(Kind::Malformed, fault.body_text()))?;
        said.parse().ok().filter(|id| *id >= 1).map(Self).ok_or_else(|| {
            Problem::new(
                Kind::InvalidField,
                format!("the number in the path: must be {ID}, found {}", shown(&said)),
            )
        })
    }
}

fn misfit(path: &FieldPath, error: &serde_json::Error) -> Problem {
    let mut words = error.to_string();
    match error.classify() {
        Category::Data => {
            if let Some(at) = words.rfind(" at line ") {
                words.truncate(at);
            }
            match path.to_string().as_str() {
                "." => Problem::new(Kind::InvalidField, shown_long(&words)),
                path => Problem::of_field(&shown(path), shown_long(&words)),
            }
        }
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::new(Kind::Malformed, format!("the body is not JSON: {words}"))
        }
    }
}

/// What an id must be.
const ID: &str = "an integer from 1 to 9223372036854775807";

/// For `deserialize_with`: a value that must be something, where it is said; `null` is nothing.
///
/// # Errors
/// With what it must be, and what was found.
pub(super) fn checked<'de, D: Deserializer<'de>, T>(
    from: D,
    must_be: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, D::Error> {
    let found = Value::deserialize(from)?;
    match read(&found) {
        Some(value) => Ok(Some(value)),
        None => Err(D::Error::custom(format_args!(
            "must be {must_be}, found {}",
            shown(&found.to_string())
        ))),
    }
}

/// [`checked`], for an id.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    checked(from, ID, |value| integer(value).filter(|id| *id >= 1))
}

/// An integer as JSON Schema has it: `7.0` is one.
pub(super) fn integer(value: &Value) -> Option<i64> {
    /// From here on not every integer is a float.
    const LARGEST: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation)] // it has no fraction and fits
    let of_float = |float: f64| (float.fract() == 0.0 && float.abs() < LARGEST).then_some(float as i64);
    value.as_i64().or_else(|| value.as_f64().and_then(of_float))
}

/// The beginning of what somebody said.
fn shown(text: &str) -> String {
    cut(text, LONGEST_SHOWN)
}

fn shown_long(text: &str) -> String {
    cut(text, LONGEST_SHOWN * 8)
}
