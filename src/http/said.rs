//! What a request says, read or refused with the field at fault.

use std::fmt;
use std::marker::PhantomData;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error as _, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::{Map, Value};
use serde_path_to_error::{Path as FieldPath, Track};
use utoipa::{IntoParams, ToSchema};

use super::problem::{BODY, Kind, Problem};
use crate::contract::{cut, whole};

/// The longest value that a problem shows, in characters.
const LONGEST_SHOWN: usize = 64;
/// Parameters whose values are integers.
const INTEGERS: [&str; 3] = ["limit", "priority", "user_id"];

/// A JSON body as it came, its length within the route's limit.
pub(super) struct Body(pub Bytes);

/// A JSON body, read.
pub(super) struct Said<T>(pub T);

/// All is said in the path: no body, or an empty object.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

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
        read(&bytes).map(Self)
    }
}

impl<S: Send + Sync> FromRequest<S> for Nothing {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let bytes = Bytes::from_request(request, state).await;
        let bytes = bytes.map_err(|fault| unread(&fault))?;
        if bytes.trim_ascii().is_empty() {
            return Ok(Self {});
        }
        read(&bytes).map_err(|problem| problem.hint("this takes no body: send none, or {}"))
    }
}

/// Reads a body that is a JSON object.
fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let mut track = Track::new();
    let said = object(serde_path_to_error::Deserializer::new(&mut json, &mut track))
        .map_err(|error: serde_json::Error| misfit(&track.path(), &error))?;
    json.end()
        .map_err(|error| Problem::new(Kind::Malformed, format!("the body is not JSON: {error}")))?;
    Ok(said)
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut said = Map::new();
        for (name, text) in url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()) {
            let number = INTEGERS
                .contains(&name.as_ref())
                .then(|| written(&text))
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
    pub(super) fn take(&mut self, names: &[String]) -> Self {
        let taken = names.iter().filter_map(|name| self.0.remove_entry(name));
        Self(taken.collect())
    }

    /// Refuses a parameter that is not among these.
    ///
    /// # Errors
    /// With that parameter, and those that there are.
    pub(super) fn only(&self, known: &[String]) -> Result<(), Problem> {
        match self.0.keys().find(|name| !known.contains(name)) {
            None => Ok(()),
            Some(name) => Err(Problem::of_field(
                &shown(name),
                format_args!("there is no such parameter here; there are {}", known.join(", ")),
            )),
        }
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// With the parameter at fault.
    pub(super) fn read<T: DeserializeOwned + IntoParams>(self) -> Result<T, Problem> {
        self.only(&parameters::<T>())?;
        serde_path_to_error::deserialize(Value::Object(self.0))
            .map_err(|error| misfit(error.path(), error.inner()))
    }
}

/// The names of the parameters, as the document lists them.
pub(super) fn parameters<T: IntoParams>() -> Vec<String> {
    let parameters = T::into_params(|| None).into_iter();
    parameters.map(|parameter| parameter.name).collect()
}

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(said) = Path::<Vec<(String, String)>>::from_request_parts(parts, state)
            .await
            .map_err(|fault| Problem::new(Kind::Malformed, fault.body_text()))?;
        let (name, value) = said.into_iter().next().unwrap_or_default();
        let id = written(&value).filter(|id| *id >= 1).map(Self);
        id.ok_or_else(|| {
            Problem::of_field(
                &name,
                format_args!("the number in the path must be {ID}, found {}", shown(&value)),
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
            Problem::of_field(&shown(&field(path, &words)), shown_long(&words))
        }
        Category::Syntax | Category::Eof | Category::Io => {
            Problem::new(Kind::Malformed, format!("the body is not JSON: {words}"))
        }
    }
}

/// The field at fault. Where one is missing or stands twice, the path ends above it, and serde's words name it.
fn field(path: &FieldPath, words: &str) -> String {
    let named = ["missing field `", "duplicate field `"]
        .iter()
        .find_map(|start| words.strip_prefix(start)?.split('`').next());
    let path = (path.iter().len() > 0).then(|| path.to_string());
    match (path, named) {
        (Some(path), Some(named)) => format!("{path}.{named}"),
        (Some(path), None) => path,
        (None, Some(named)) => named.to_owned(),
        (None, None) => BODY.to_owned(),
    }
}

/// Reads an object; serde would also take a list of its members' values.
///
/// # Errors
/// Those of the object, or that it is none.
pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(members))
        }
    }

    from.deserialize_map(Object(PhantomData))
}

/// What an id must be.
const ID: &str = "an integer from 1 to 9223372036854775807";

/// For `deserialize_with`: a value that must be something; `null` is nothing.
///
/// # Errors
/// With what it must be, and what was found.
pub(super) fn fitting<'de, D: Deserializer<'de>, T>(
    from: D,
    must_be: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, D::Error> {
    let found = Value::deserialize(from)?;
    read(&found).ok_or_else(|| {
        D::Error::custom(format_args!(
            "must be {must_be}, found {}",
            shown(&found.to_string())
        ))
    })
}

/// [`fitting`], for what need not be said.
///
/// # Errors
/// With what it must be where it is said, and what was found.
pub(super) fn checked<'de, D: Deserializer<'de>, T>(
    from: D,
    must_be: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<Option<T>, D::Error> {
    fitting(from, must_be, read).map(Some)
}

/// [`checked`], for an id.
pub(super) fn id<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    checked(from, ID, |value| integer(value).filter(|id| *id >= 1))
}

/// An integer as JSON Schema has it: `7.0` is one.
pub(super) fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().and_then(whole))
}

/// The same, as it stands in a path or a query.
fn written(text: &str) -> Option<i64> {
    text.parse().ok().or_else(|| text.parse().ok().and_then(whole))
}

/// The beginning of what somebody said.
fn shown(text: &str) -> String {
    cut(text, LONGEST_SHOWN)
}

fn shown_long(text: &str) -> String {
    cut(text, LONGEST_SHOWN * 8)
}
