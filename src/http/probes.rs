//! Health and metrics.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::Served;
use crate::health::Report;

/// Whether the process lives.
#[utoipa::path(
    get,
    path = "/healthz",
    tag = "health",
    security(()),
    responses((status = 200, description = "It lives, and its threads are not stuck", body = String))
)]
pub(super) async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether every part does its work; which part is how, and since when.
#[utoipa::path(
    get,
    path = "/readyz",
    tag = "health",
    security(()),
    responses(
        (status = 200, description = "Every part does its work", body = Report),
        (status = 503, description = "A part does not", body = Report)
    )
)]
pub(super) async fn readyz(State(served): State<Served>) -> Response {
    let report = served.health.report();
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(report)).into_response()
}

/// The metrics of this process, in Prometheus' text format.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    security(()),
    responses((status = 200, description = "The metrics", body = String))
)]
pub(super) async fn metrics(State(served): State<Served>) -> impl IntoResponse {
    (
        [("content-type", "text/plain; version=0.0.4; charset=utf-8")],
        served.metrics.render(),
    )
}
