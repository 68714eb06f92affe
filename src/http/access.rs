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

/// It says nothing but that the process lives, so that it is answered under any name.
pub(super) const LIVENESS: &str = "/healthz";

/// Whether everybody may see what is at this path.
pub(super) fn is_open_to_all(path: &str) -> bool {
    OPEN.contains(&path) || path.starts_with("/page/")
}

/// The tokens; where none is set, whoever reaches the loopback address may do everything.
#[derive(Clone)]
pub(super) struct Access(Arc<[Token]>);

struct Token {
    secret: Secret,
    caller: Caller,
}

/// Whoever asks, as far as the token tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Caller {
    role: Role,
    /// The operator's name in the settings.
    name: Option<Arc<str>>,
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

impl Caller {
    const fn nameless(role: Role) -> Self {
        Self { role, name: None }
    }

    /// Who makes a change, for the history and the log: `api:anna`, or `api` where no name is known.
    pub(super) fn signature(&self) -> String {
        self.name
            .as_ref()
            .map_or_else(|| "api".to_owned(), |name| format!("api:{name}"))
    }
}

impl Access {
    pub(super) fn new(settings: &HttpSettings) -> Self {
        let fixed = [
            (&settings.token, Role::Operator),
            (&settings.read_token, Role::Reader),
        ];
        let fixed = fixed
            .into_iter()
            .filter_map(|(secret, role)| Some((secret.as_ref()?, Caller::nameless(role))));
        let named = settings.tokens.iter().map(|(name, secret)| {
            let name = Some(Arc::from(name.as_str()));
            let role = Role::Operator;
            (secret, Caller { role, name })
        });
        let tokens = fixed.chain(named).map(|(secret, caller)| Token {
            secret: secret.clone(),
            caller,
        });
        Self(tokens.collect())
    }

    /// Whether no token is asked for.
    pub(super) fn is_open(&self) -> bool {
        self.0.is_empty()
    }

    /// Whoever asks; none where that does not matter.
    fn check(&self, request: &Request) -> Result<Option<Caller>, Problem> {
        if self.is_open() && request.uri().path() != LIVENESS {
            require_loopback_host(request)?;
        }
        if is_open_to_all(request.uri().path()) {
            return Ok(None);
        }
        if self.is_open() {
            return Ok(Some(Caller::nameless(Role::Operator)));
        }
        let caller = self.caller(request.headers())?;
        let only_looks = matches!(*request.method(), Method::GET | Method::HEAD);
        if caller.role == Role::Operator || only_looks {
            return Ok(Some(caller.clone()));
        }
        Err(Problem::new(
            Kind::Forbidden,
            "this token may only look: what changes something needs http.token or one of http.tokens",
        ))
    }

    fn caller(&self, headers: &HeaderMap) -> Result<&Caller, Problem> {
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
        let is = |known: &Token| -> bool { known.secret.expose().as_bytes().ct_eq(token.as_bytes()).into() };
        // All are compared: how long it takes tells nothing of which it was.
        let fitting = self
            .0
            .iter()
            .fold(None, |found, known| if is(known) { Some(known) } else { found });
        fitting
            .map(|known| &known.caller)
            .ok_or_else(|| unauthenticated("this token is not known here"))
    }
}

/// Lets through who may do what is asked.
pub(super) async fn require(
    State(access): State<Access>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if let Some(caller) = access.check(&request)? {
        request.extensions_mut().insert(caller);
    }
    Ok(next.run(request).await)
}

/// What whoever asks may do.
#[derive(Serialize, ToSchema)]
#[schema(as = Access)]
pub(super) struct Allowed {
    /// As whom the token, or the lack of any, lets in.
    role: Role,
    /// The name under which changes are made; absent where the token has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
}

/// What the token that is sent may do, and whose it is.
#[utoipa::path(
    get,
    path = "/v1/access",
    tag = "about",
    responses((status = 200, description = "What it may do", body = Allowed))
)]
pub(super) async fn show_access(Extension(caller): Extension<Caller>) -> Json<Allowed> {
    Json(Allowed {
        role: caller.role,
        name: caller.name.as_deref().map(str::to_owned),
    })
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
        "without a token only requests to localhost or a loopback address are answered: set http.token or http.tokens to \
         use another name",
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
