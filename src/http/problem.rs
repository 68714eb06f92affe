//! What is answered where something is wrong: a problem document (RFC 9457).

use std::fmt;

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::bus::BusError;
use crate::contract::{Reason, Rejection};
use crate::store::StoreError;

/// The media type of problem documents.
pub(super) const MEDIA_TYPE: &str = "application/problem+json";

/// Where it is not one field of the body that is at fault.
pub(super) const BODY: &str = "body";

/// Why a request was not done as asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Problem {
    /// For programs: what kind of problem it is.
    #[serde(rename = "type")]
    kind: Kind,
    /// The kind in words.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What was wrong with this request, and what to do.
    detail: String,
    /// The field, the parameter or the header at fault; `body` where it is the body as a whole. Every 422 has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    field: Option<String>,
}

/// A kind of problem.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ProblemType)]
pub(super) enum Kind {
    #[serde(rename = "urn:problem-type:inq:malformed")]
    Malformed,
    #[serde(rename = "urn:problem-type:inq:unauthenticated")]
    Unauthenticated,
    #[serde(rename = "urn:problem-type:inq:forbidden")]
    Forbidden,
    #[serde(rename = "urn:problem-type:inq:not-found")]
    NotFound,
    #[serde(rename = "urn:problem-type:inq:method-not-allowed")]
    MethodNotAllowed,
    #[serde(rename = "urn:problem-type:inq:not-in-this-state")]
    NotInThisState,
    #[serde(rename = "urn:problem-type:inq:too-large")]
    TooLarge,
    #[serde(rename = "urn:problem-type:inq:not-json")]
    NotJson,
    #[serde(rename = "urn:problem-type:inq:invalid-field")]
    InvalidField,
    #[serde(rename = "urn:problem-type:inq:failed")]
    Failed,
    #[serde(rename = "urn:problem-type:inq:away")]
    Away,
    #[serde(rename = "urn:problem-type:inq:busy")]
    Busy,
}

impl Kind {
    const fn status(self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotInThisState => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::InvalidField => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Failed => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Away | Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Malformed => "The request cannot be read",
            Self::Unauthenticated => "A token is needed",
            Self::Forbidden => "This is not allowed",
            Self::NotFound => "There is no such thing",
            Self::MethodNotAllowed => "This cannot be done with it",
            Self::NotInThisState => "This cannot be done with it now",
            Self::TooLarge => "The request is too large",
            Self::NotJson => "The request is not JSON",
            Self::InvalidField => "A field does not fit",
            Self::Failed => "The service has failed",
            Self::Away => "The service cannot answer now",
            Self::Busy => "The service has too much to do",
        }
    }
}

impl Problem {
    pub(super) fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            title: kind.title(),
            status: kind.status().as_u16(),
            detail: detail.into(),
            field: None,
        }
    }

    /// A field, a parameter or a header that does not fit.
    pub(super) fn of_field(field: &str, fault: impl fmt::Display) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::new(Kind::InvalidField, format!("{field}: {fault}"))
        }
    }

    /// With what would be right.
    pub(super) fn hint(mut self, right: &str) -> Self {
        self.detail = format!("{}; {right}", self.detail);
        self
    }

    /// A message in a field of the request that was refused.
    pub(super) fn of_message_in(field: &str, rejection: Rejection) -> Self {
        Self {
            field: Some(rejection.field.unwrap_or_else(|| field.to_owned())),
            ..Self::new(Kind::InvalidField, rejection.detail)
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.kind;
        let mut response = (kind.status(), Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        match kind {
            Kind::Unauthenticated => {
                headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Kind::Away | Kind::Busy => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
            }
            _ => {}
        }
        response
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::Away(_) | StoreError::Refused(_) | StoreError::Schema(_) => {
                Self::new(Kind::Away, error.to_string())
            }
            StoreError::NoConnection(_) => Self::new(Kind::Busy, error.to_string()),
            StoreError::Data(_) | StoreError::Unexpected(_) => {
                tracing::error!(%error, "a request has failed");
                Self::new(Kind::Failed, error.to_string())
            }
        }
    }
}

impl From<BusError> for Problem {
    fn from(error: BusError) -> Self {
        Self::new(Kind::Away, error.to_string())
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let kind = match rejection.reason {
            Reason::InvalidJson => Kind::Malformed,
            Reason::TooLarge => Kind::TooLarge,
            _ => return Self::of_message_in(BODY, rejection),
        };
        Self {
            field: rejection.field,
            ..Self::new(kind, rejection.detail)
        }
    }
}
