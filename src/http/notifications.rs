//! Notifications: one with its history.

use axum::Json;
use axum::extract::State;

use super::Served;
use super::problem::{Kind, Problem};
use super::said::Id;
use crate::story::Story;

/// One notification and everything that happened to it.
#[utoipa::path(
    get,
    path = "/v1/notifications/{id}",
    tag = "notifications",
    params(("id" = i64, Path, description = "The notification's id", minimum = 1)),
    responses(
        (status = 200, description = "The notification", body = Story),
        (status = 404, description = "There is no such notification", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn show(State(served): State<Served>, Id(id): Id) -> Result<Json<Story>, Problem> {
    served
        .desk
        .ask(async move |store| Story::of(store.as_ref(), id).await)
        .await?
        .map(Json)
        .ok_or_else(|| unknown(id))
}

fn unknown(id: i64) -> Problem {
    Problem::new(Kind::NotFound, format!("there is no notification {id}"))
}
