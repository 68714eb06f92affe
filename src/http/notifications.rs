//! Notifications: one with its history, and lists of them.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::Served;
use super::problem::{Kind, Problem};
use super::said::{Id, Query};
use super::wanted::{Cursor, List, Page, Wanted};
use crate::store::{self, Notification, Store};
use crate::story::{Listed, ToldStory};

/// Rows that are read together.
const AT_ONCE: u32 = 50;
/// A page that has come to so many bytes ends there.
const LONGEST_PAGE: usize = 2 * 1024 * 1024;

/// One notification and everything that happened to it.
#[utoipa::path(
    get,
    path = "/v1/notifications/{id}",
    tag = "notifications",
    params(("id" = i64, Path, description = "The notification's id", minimum = 1)),
    responses(
        (status = 200, description = "The notification", body = ToldStory),
        (status = 404, description = "There is no such notification", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn show_notification(
    State(served): State<Served>,
    Id(id): Id,
) -> Result<Json<ToldStory>, Problem> {
    served
        .desk
        .ask(async move |store| ToldStory::of(store.as_ref(), id, store.now().await?).await)
        .await?
        .map(Json)
        .ok_or_else(|| unknown(id))
}

/// There is no such notification.
pub(super) fn unknown(id: i64) -> Problem {
    Problem::new(Kind::NotFound, format!("there is no notification {id}"))
}

/// A part of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct Notifications {
    /// The newest first.
    notifications: Vec<Listed>,
    /// For `cursor`, to get what follows; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Notifications that fit, the newest first.
#[utoipa::path(
    get,
    path = "/v1/notifications",
    tag = "notifications",
    params(Wanted, Page),
    responses((status = 200, description = "Those that fit", body = Notifications))
)]
pub(super) async fn list_notifications(
    State(served): State<Served>,
    query: Query,
) -> Result<Json<Notifications>, Problem> {
    found(&served, List::read(query)?).await
}

/// A user's notifications that fit, the newest first.
#[utoipa::path(
    get,
    path = "/v1/users/{user_id}/notifications",
    tag = "notifications",
    params(("user_id" = i64, Path, description = "The user's id", minimum = 1), Wanted, Page),
    responses((status = 200, description = "Those that fit", body = Notifications))
)]
pub(super) async fn list_notifications_of_user(
    State(served): State<Served>,
    Id(user_id): Id,
    query: Query,
) -> Result<Json<Notifications>, Problem> {
    found(&served, List::of_user(query, user_id)?).await
}

async fn found(served: &Served, asked: List) -> Result<Json<Notifications>, Problem> {
    let page = served
        .desk
        .ask(async move |store| page(store.as_ref(), &asked).await)
        .await?;
    Ok(Json(page))
}

/// Reads until the page is full, in rows or in bytes.
async fn page(store: &dyn Store, asked: &List) -> store::Result<Notifications> {
    let mut found: Vec<Notification> = Vec::new();
    let (mut bytes, mut before, mut left) = (0, asked.before, asked.limit);
    let mut more = true;
    while more && left > 0 && bytes < LONGEST_PAGE {
        let wanted = left.min(AT_ONCE);
        // One more shows whether there is more.
        let mut rows = store.notifications(&asked.filter, before, wanted + 1).await?;
        more = rows.len() > usize::try_from(wanted).unwrap_or(usize::MAX);
        rows.truncate(usize::try_from(wanted).unwrap_or(usize::MAX));
        left -= wanted;
        bytes += rows.iter().map(size).sum::<usize>();
        before = rows.last().map(|row| row.id);
        found.append(&mut rows);
    }
    let next = found.last().filter(|_| more).map(|row| Cursor(row.id).text());
    let now = store.now().await?;
    Ok(Notifications {
        notifications: found.into_iter().map(|row| Listed::of(row, now)).collect(),
        next_cursor: next,
    })
}

/// The bytes of what can be long in a row.
fn size(row: &Notification) -> usize {
    let data = |data: &serde_json::value::RawValue| data.get().len();
    row.message_title.len()
        + row.message_body.len()
        + data(&row.incentive_data)
        + row.metrics_data.as_deref().map_or(0, data)
}
