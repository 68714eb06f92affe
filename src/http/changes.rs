//! What an operator does with notifications by hand.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Extension, State};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Served;
use super::access::Caller;
use super::notifications::unknown;
use super::problem::{Kind, Problem};
use super::said::{self, Id, Nothing, Said};
use super::wanted::{self, Cursor, Wanted};
use crate::contract::cut;
use crate::store::{self, Change, Filter, Store};
use crate::story::ToldStory;

/// Rows that are changed in one transaction.
const AT_ONCE: u32 = 500;
/// How long a request goes on to change rows; less than it may take.
const LONGEST: Duration = Duration::from_secs(5);

/// Of a filter, in characters; it may name a thousand ids.
const LONGEST_LOGGED: usize = 500;

/// What is to be changed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Order {
    /// Which notifications.
    #[serde(deserialize_with = "said::object")]
    filter: Wanted,
    /// Only count them.
    #[serde(default)]
    dry_run: bool,
    /// The `next_cursor` of the answer before.
    #[serde(default, deserialize_with = "wanted::cursor")]
    #[schema(value_type = Option<String>, pattern = "^[0-7][0-9a-f]{15}$", nullable = false)]
    cursor: Option<Cursor>,
}

/// What was changed.
#[derive(Serialize, ToSchema)]
pub(super) struct Outcome {
    /// Notifications that the filter meant and the change applied to, before it.
    matched: u64,
    /// Those that were changed.
    changed: u64,
    /// For `cursor`, to go on where time has run out; absent where nothing is left.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Make a notification due now that has failed, was cancelled or waits for another attempt.
#[utoipa::path(
    post,
    path = "/v1/notifications/{id}/retry",
    tag = "operators",
    params(("id" = i64, Path, description = "The notification's id", minimum = 1)),
    request_body = Nothing,
    responses(
        (status = 200, description = "The notification, now", body = ToldStory),
        (status = 404, description = "There is no such notification", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "It is not in a state for it", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn retry_notification(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    _: Nothing,
) -> Result<Json<ToldStory>, Problem> {
    change_one(&served, &caller, Change::Retry, id).await
}

/// Call a notification off that waits.
#[utoipa::path(
    post,
    path = "/v1/notifications/{id}/cancel",
    tag = "operators",
    params(("id" = i64, Path, description = "The notification's id", minimum = 1)),
    request_body = Nothing,
    responses(
        (status = 200, description = "The notification, now", body = ToldStory),
        (status = 404, description = "There is no such notification", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "It is not in a state for it", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn cancel_notification(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    _: Nothing,
) -> Result<Json<ToldStory>, Problem> {
    change_one(&served, &caller, Change::Cancel, id).await
}

/// Make notifications due now that have failed, were cancelled or wait for another attempt.
#[utoipa::path(
    post,
    path = "/v1/notifications/retry",
    tag = "operators",
    request_body = Order,
    responses((status = 200, description = "What was changed", body = Outcome))
)]
pub(super) async fn retry_notifications(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Said(order): Said<Order>,
) -> Result<Json<Outcome>, Problem> {
    change_all(&served, &caller, Change::Retry, order).await
}

/// Call notifications off that wait.
#[utoipa::path(
    post,
    path = "/v1/notifications/cancel",
    tag = "operators",
    request_body = Order,
    responses((status = 200, description = "What was changed", body = Outcome))
)]
pub(super) async fn cancel_notifications(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Said(order): Said<Order>,
) -> Result<Json<Outcome>, Problem> {
    change_all(&served, &caller, Change::Cancel, order).await
}

async fn change_one(
    served: &Served,
    caller: &Caller,
    change: Change,
    id: i64,
) -> Result<Json<ToldStory>, Problem> {
    let by = caller.signature();
    let (changed, story) = served
        .desk
        .ask(async move |store| {
            let done = store.change(&Filter::id(id), change, &by, 0, 1).await?;
            if done.changed > 0 {
                tracing::info!(by, id, %change, "a notification was changed by hand");
            }
            Ok((
                done.changed > 0,
                ToldStory::of(store.as_ref(), id, store.now().await?).await?,
            ))
        })
        .await?;
    let story = story.ok_or_else(|| unknown(id))?;
    if !changed {
        return Err(Problem::new(
            Kind::NotInThisState,
            change.refusal(&story.notification, story.digest.as_ref().map(|digest| digest.id)),
        ));
    }
    if change == Change::Retry {
        served.desk.wake();
    }
    Ok(Json(story))
}

async fn change_all(
    served: &Served,
    caller: &Caller,
    change: Change,
    order: Order,
) -> Result<Json<Outcome>, Problem> {
    let by = caller.signature();
    let filter = Filter::from(order.filter);
    if filter.is_empty() {
        return Err(Problem::of_field(
            "filter",
            "says nothing, and would mean every notification: give a condition",
        ));
    }
    let (dry_run, after) = (order.dry_run, order.cursor.map_or(0, |cursor| cursor.0));
    let outcome = served
        .desk
        .ask(async move |store| {
            let matched = store.count(&filter, Some(change)).await?;
            if dry_run {
                return Ok(Outcome {
                    matched,
                    changed: 0,
                    next_cursor: None,
                });
            }
            let (changed, left_from) = change_until(store.as_ref(), &filter, change, &by, after).await?;
            let filter = cut(&filter.to_string(), LONGEST_LOGGED);
            tracing::info!(
                by,
                %change,
                %filter,
                matched,
                changed,
                "notifications were changed by hand"
            );
            Ok(Outcome {
                matched,
                changed,
                next_cursor: left_from.map(|id| Cursor(id).text()),
            })
        })
        .await?;
    if change == Change::Retry && outcome.changed > 0 {
        served.desk.wake();
    }
    Ok(Json(outcome))
}

/// Changes until nothing is left or the time is over; how many, and after which id to go on.
async fn change_until(
    store: &dyn Store,
    filter: &Filter,
    change: Change,
    by: &str,
    mut after: i64,
) -> store::Result<(u64, Option<i64>)> {
    let end = Instant::now() + LONGEST;
    let mut changed = 0;
    loop {
        let done = store.change(filter, change, by, after, AT_ONCE).await?;
        changed += done.changed;
        match done.last {
            None => return Ok((changed, None)),
            Some(last) if Instant::now() >= end => return Ok((changed, Some(last))),
            Some(last) => after = last,
        }
    }
}
