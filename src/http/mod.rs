//! Health and metrics over HTTP.

use std::future::Future;
use std::net::SocketAddr;

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::health::Health;
use crate::telemetry::Metrics;

/// What the routes show.
#[derive(Clone)]
pub struct Shown {
    /// Of all parts.
    pub health: Health,
    /// Of the process.
    pub metrics: Metrics,
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

/// Serves until `stop` ends.
pub async fn serve(listener: TcpListener, shown: Shown, stop: impl Future<Output = ()> + Send + 'static) {
    let served = axum::serve(listener, routes(shown))
        .with_graceful_shutdown(stop)
        .await;
    if let Err(fault) = served {
        tracing::error!(%fault, "the HTTP server has ended");
    }
}

fn routes(shown: Shown) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .with_state(shown)
}

/// The process lives and its async threads are not stuck.
async fn healthz() -> &'static str {
    "ok\n"
}

/// 200 when every part does its work, else 503; which part is how, and since when.
async fn readyz(State(shown): State<Shown>) -> Response {
    let report = shown.health.report();
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report)).into_response()
}

async fn metrics(State(shown): State<Shown>) -> impl IntoResponse {
    (
        [("content-type", "text/plain; version=0.0.4; charset=utf-8")],
        shown.metrics.render(),
    )
}
