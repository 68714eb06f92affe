//! Who may do what: bearer tokens where they are set, and a guard against browsers where none is.

use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, Request, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use super::problem::{Kind, Problem};
use crate::config::{HttpSettings, Secret};

/// What everybody may see: probes and scrapers have no token, and the page asks for it.
const OPEN: [&str; 5] = ["/", "/healthz", "/readyz", "/metrics", "/v1/openapi.json"];

/// Whether everybody may see what is at this path.
pub(super) fn is_open_to_all(path: &str) -> bool {
    OPEN.contains(&path) || path.starts_with("/page/")
}

/// The tokens; where none is set, whoever reaches the loopback address may do everything.
#[derive(Clone)]
pub(super) struct Access(Arc<Tokens>);

struct Tokens {
    operators: Option<Secret>,
    readers: Option<Secret>,
}

/// What the bearer of a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Role {
    /// To look.
    Reader,
    /// To look and to change.
    Operator,
}

impl Access {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        Self(Arc::new(Tokens {
            operators: settings.token.clone(),
            readers: settings.read_token.clone(),
        }))
    }

    /// Whether no token is asked for.
    pub(super) fn is_open(&self) -> bool {
        self.0.operators.is_none() && self.0.readers.is_none()
    }

    /// The role of whoever asks; none where that does not matter.
    fn check(&self, request: &Request) -> Result<Option<Role>, Problem> {
        if is_open_to_all(request.uri().path()) {
            return Ok(None);
        }
        if self.is_open() {
            return require_loopback_host(request).map(|()| Some(Role::Operator));
        }
        let role = self.role(request.headers())?;
        let only_looks = matches!(*request.method(), Method::GET | Method::HEAD);
        if role == Role::Operator || only_looks {
            return Ok(Some(role));
        }
        Err(Problem::new(
            Kind::Forbidden,
            "this token may only look: what changes something needs http.token",
        ))
    }

    fn role(&self, headers: &HeaderMap) -> Result<Role, Problem> {
        let unauthenticated = |detail: &str| Problem::new(Kind::Unauthenticated, detail);
        let header = headers
            .get(AUTHORIZATION)
            .ok_or_else(|| unauthenticated("send `Authorization: Bearer TOKEN`"))?;
        let token = header
            .to_str()
            .ok()
            .and_then(|text| text.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
            .map(|(_, token)| token.trim_start_matches(' '))
            .ok_or_else(|| unauthenticated("the header must be `Authorization: Bearer TOKEN`"))?;
        let is = |secret: &Option<Secret>| {
            secret
                .as_ref()
                .is_some_and(|secret| secret.expose().as_bytes().ct_eq(token.as_bytes()).into())
        };
        if is(&self.0.operators) {
            Ok(Role::Operator)
        } else if is(&self.0.readers) {
            Ok(Role::Reader)
        } else {
            Err(unauthenticated("this token is not known here"))
        }
    }
}

/// Lets through who may do what is asked.
pub(super) async fn require(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Some(role) = access.check(&request)? {
        request.extensions_mut().insert(role);
    }
    Ok(next.run(request).await)
}

/// What whoever asks may do.
#[derive(Serialize, ToSchema)]
#[schema(as = Access)]
pub(super) struct Allowed {
    /// As whom the token, or the lack of any, lets in.
    role: Role,
}

/// What the token that is sent may do.
#[utoipa::path(
    get,
    path = "/v1/access",
    tag = "about",
    responses((status = 200, description = "What it may do", body = Allowed))
)]
pub(super) async fn show_access(Extension(role): Extension<Role>) -> Json<Allowed> {
    Json(Allowed { role })
}

/// A page whose name was made to resolve to this machine (DNS rebinding) still sends its own name. No browser leaves the
/// header out.
fn require_loopback_host(request: &Request) -> Result<(), Problem> {
    let named = request.headers().get_all(HOST).iter().map(HeaderValue::as_bytes);
    let target = request.uri().authority().map(|target| target.as_str().as_bytes());
    if named.chain(target).all(is_loopback) {
        return Ok(());
    }
    Err(Problem::new(
        Kind::Forbidden,
        "without a token only requests to localhost or a loopback address are answered: set http.token to use another \
         name",
    ))
}

fn is_loopback(host: &[u8]) -> bool {
    let Ok(authority) = Authority::try_from(host) else {
        return false;
    };
    let name = authority.host();
    let address = name.trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost")
        || address
            .parse::<IpAddr>()
            .is_ok_and(|address| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in [
            "localhost",
            "LOCALHOST:8080",
            "127.0.0.1:8080",
            "127.9.9.9",
            "[::1]:8080",
        ] {
            assert!(is_loopback(host.as_bytes()), "{host}");
        }
        for host in [
            "",
            "localhost.example.com",
            "127.0.0.1.example.com",
            "example.com:8080",
            "192.168.0.1",
            "0.0.0.0",
            "a b",
            "user@example.com",
        ] {
            assert!(!is_loopback(host.as_bytes()), "{host}");
        }
    }
}
