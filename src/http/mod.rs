//! Health, metrics and the API over HTTP.
//!
//! - `connections` bounds who is connected, and for how long
//! - `access` decides who may do what
//! - `desk` is where requests meet the database, `queue` and `events` where they meet the brokers
//! - `said` reads requests, `problem` says what is wrong with them
//! - `openapi` describes the routes; `api` has them all

mod access;
mod changes;
mod connections;
mod desk;
mod engagement;
mod events;
mod notifications;
mod openapi;
mod probes;
mod problem;
mod queue;
mod said;
mod wanted;

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method, Uri};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::csrf::{CsrfLayer, ProtectionError};
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouterExt as _};
use utoipa_axum::routes;

pub use connections::serve;
pub use desk::Desk;
pub use events::Inlet;
pub use queue::Topics;

use access::Access;
use problem::{Kind, Problem};

use crate::config::HttpSettings;
use crate::health::Health;
use crate::telemetry::Metrics;

/// How long a request may take. What it has begun goes on to its end.
const LONGEST_REQUEST: Duration = Duration::from_secs(10);
/// Requests that are handled at once; fewer than connections, so that a probe always finds a place.
const MOST_REQUESTS: usize = 64;
/// The longest body of what is no event, in bytes.
const LONGEST_BODY: usize = 256 * 1024;

/// What the routes show and change.
#[derive(Clone)]
pub struct Served {
    /// Of all parts.
    pub health: Health,
    /// Of the process.
    pub metrics: Metrics,
    /// The database.
    pub desk: Desk,
    /// The brokers, to look at.
    pub topics: Topics,
    /// The way to the events topic.
    pub inlet: Inlet,
}

/// Takes the port.
///
/// # Errors
/// For people, with the setting to change.
pub async fn bind(listen: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(listen).await.map_err(|fault| {
        format!("http.listen: cannot listen on {listen}: {fault}; choose another address in http.listen")
    })
}

/// All routes, with what guards them.
#[must_use]
pub fn router(served: Served, settings: &HttpSettings) -> Router {
    let access = Access::new(settings);
    let mut router: Router<Served> = Router::from(api(served.inlet.longest()))
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn_with_state(Arc::new(Semaphore::new(MOST_REQUESTS)), in_time))
        .layer(CatchPanicLayer::custom(panicked));
    if access.is_open() {
        router = router.layer(CsrfLayer::new().with_rejection_response(cross_site));
    }
    router
        .layer(from_fn_with_state(access, access::require))
        .layer(SetResponseHeaderLayer::if_not_present(
            CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .with_state(served)
}

/// Every route; the OpenAPI document is made from the same list. An event has at most so many bytes.
fn api(longest_event: usize) -> OpenApiRouter<Served> {
    OpenApiRouter::default()
        .routes(routes!(probes::healthz))
        .routes(routes!(probes::readyz))
        .routes(routes!(probes::metrics))
        .routes(routes!(openapi::openapi))
        .routes(routes!(queue::status))
        .routes(routes!(notifications::list))
        .routes(routes!(notifications::list_of_user))
        .routes(routes!(notifications::show))
        .routes(routes!(changes::retry))
        .routes(routes!(changes::cancel))
        .routes(routes!(changes::retry_all))
        .routes(routes!(changes::cancel_all))
        .routes(routes!(engagement::engagement))
        .routes(routes!(events::accept).layer(DefaultBodyLimit::max(longest_event)))
}

async fn not_found(uri: Uri) -> Problem {
    Problem::new(
        Kind::NotFound,
        format!(
            "there is no {}; /v1/openapi.json lists what there is",
            crate::contract::cut(uri.path(), 100)
        ),
    )
}

async fn not_allowed(method: Method, uri: Uri) -> Problem {
    Problem::new(
        Kind::MethodNotAllowed,
        format!(
            "{} does not go with {}; the header Allow says what does",
            crate::contract::cut(method.as_str(), 20),
            uri.path()
        ),
    )
}

/// Bounds how many requests are handled at once, and for how long each is waited for. Health is not among them: it waits
/// for nobody.
async fn in_time(
    State(places): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if access::OPEN.contains(&request.uri().path()) {
        return Ok(next.run(request).await);
    }
    let _place = places
        .try_acquire()
        .map_err(|_| Problem::new(Kind::Busy, "too many requests are being handled; try again soon"))?;
    tokio::time::timeout(LONGEST_REQUEST, next.run(request))
        .await
        .map_err(|_| {
            Problem::new(
                Kind::Away,
                format!(
                    "there was no answer within {} s; what was asked may still be done",
                    LONGEST_REQUEST.as_secs()
                ),
            )
        })
}

fn cross_site(_: ProtectionError) -> Response {
    Problem::new(
        Kind::Forbidden,
        "the request comes from a page of another site; where no token is set that is not allowed",
    )
    .into_response()
}

#[allow(clippy::needless_pass_by_value)] // the signature is tower-http's
fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    tracing::error!("a request has panicked");
    Problem::new(Kind::Failed, "this has failed; the log says more").into_response()
}
