//! Health, metrics, the API and a page over HTTP.
//!
//! - `connections` bounds who is connected, and for how long
//! - `access` decides who may do what
//! - `desk` is where requests meet the database, `queue`, `events` and `letters` where they meet the brokers
//! - `said` reads requests, `problem` says what is wrong with them
//! - `page` is the page for people, which does all it does by the API
//! - `openapi` describes the routes; `api` has them all

mod access;
mod broadcasts;
mod changes;
mod claims;
mod connections;
mod desk;
mod engagement;
mod events;
mod letters;
mod notifications;
mod openapi;
mod page;
mod preferences;
mod probes;
mod problem;
mod queue;
mod said;
mod users;
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
pub use letters::Letters;
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
    /// The way to the topics of events and preferences.
    pub inlet: Inlet,
    /// What was put aside.
    pub letters: Letters,
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
pub fn router(served: Served, settings: &HttpSettings) -> Router {
    let routes = Router::from(api(served.inlet.longest()));
    guarded(routes, Access::new(settings)).with_state(served)
}

fn guarded<S: Clone + Send + Sync + 'static>(routes: Router<S>, access: Access) -> Router<S> {
    let mut guarded = routes
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(from_fn_with_state(
            Arc::new(Semaphore::new(MOST_REQUESTS)),
            in_time,
        ))
        .layer(CatchPanicLayer::custom(panicked));
    if access.is_open() {
        guarded = guarded.layer(CsrfLayer::new().with_rejection_response(cross_site));
    }
    guarded
        .layer(from_fn_with_state(access, access::require))
        .layer(SetResponseHeaderLayer::if_not_present(
            CACHE_CONTROL,
            HeaderValue::from_static("no-store"),
        ))
        .layer(SetResponseHeaderLayer::overriding(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
}

/// Every route; the OpenAPI document is made from the same list. An event has at most so many bytes.
fn api(longest_event: usize) -> OpenApiRouter<Served> {
    OpenApiRouter::default()
        .routes(routes!(probes::healthz))
        .routes(routes!(probes::readyz))
        .routes(routes!(probes::metrics))
        .routes(routes!(page::show_page))
        .routes(routes!(page::show_part))
        .routes(routes!(openapi::openapi))
        .routes(routes!(access::show_access))
        .routes(routes!(queue::show_status))
        .routes(routes!(notifications::list_notifications))
        .routes(routes!(notifications::list_notifications_of_user))
        .routes(routes!(notifications::show_notification))
        .routes(routes!(changes::retry_notification))
        .routes(routes!(changes::cancel_notification))
        .routes(routes!(changes::retry_notifications))
        .routes(routes!(changes::cancel_notifications))
        .routes(routes!(claims::list_claims))
        .routes(routes!(claims::mark_claim_published))
        .routes(routes!(claims::release_claim))
        .routes(routes!(letters::list_dead_letters))
        .routes(routes!(letters::replay_dead_letter))
        .routes(routes!(
            preferences::show_preferences,
            preferences::put_preferences,
            preferences::retract_preferences
        ))
        .routes(routes!(users::forget_user))
        .routes(routes!(users::show_forgetting))
        .routes(routes!(engagement::show_engagement))
        .routes(
            routes!(broadcasts::start_broadcast, broadcasts::list_broadcasts)
                .layer(DefaultBodyLimit::max(longest_event)),
        )
        .routes(routes!(broadcasts::show_broadcast))
        .routes(routes!(broadcasts::pause_broadcast))
        .routes(routes!(broadcasts::resume_broadcast))
        .routes(routes!(broadcasts::stop_broadcast))
        .routes(routes!(events::send_event).layer(DefaultBodyLimit::max(longest_event)))
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
    if access::is_open_to_all(request.uri().path()) {
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

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::routing::get;
    use hyper::service::Service as _;
    use hyper_util::service::TowerToHyperService;
    use serde_json::Value;

    use super::*;
    use crate::config::Settings;

    async fn panics() -> &'static str {
        panic!("as a test wants it")
    }

    #[tokio::test]
    async fn a_handler_that_panics_is_a_problem_and_no_more() {
        let settings = Settings::from_toml("").unwrap();
        let routes: Router = Router::new().route("/v1/panics", get(panics));
        let service = TowerToHyperService::new(guarded(routes, Access::new(&settings.http)));
        for _ in 0..2 {
            let request = Request::get("/v1/panics").body(Body::empty()).unwrap();
            let answer = service.call(request).await.unwrap();
            assert_eq!(answer.status(), 500);
            assert_eq!(answer.headers()["content-type"], problem::MEDIA_TYPE);
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            let body = to_bytes(answer.into_body(), LONGEST_BODY).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["type"], "urn:problem-type:inq:failed");
        }
    }
}
