//! Broadcasts: what one would do, starting it, how it comes on, and holding it up.

use std::time::{Duration, Instant};

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::Served;
use super::access::Caller;
use super::problem::{Kind, Problem};
use super::said::{Id, Nothing, Said, checked, integer};
use super::wanted::{Cursor, Page};
use crate::broadcast::{Draft, HIGHEST_RATE};
use crate::contract::{Rejection, SEGMENT, is_segment};
use crate::rehearsal::Rehearsal;
use crate::store::{Broadcast, BroadcastOrder, NewBroadcast};

/// How long a request counts readers; less than it may take.
const LONGEST_COUNT: Duration = Duration::from_secs(5);

/// A broadcast that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BroadcastStart {
    /// The event, without `event_id` and `user_id`: each reader gets their own.
    event: Map<String, Value>,
    /// Whose readers get it.
    #[serde(default, deserialize_with = "segment")]
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[^\\u0000-\\u001f\\u007f-\\u009f]*$",
        nullable = false
    )]
    segment: Option<String>,
    /// Every reader who is known, instead of a segment.
    #[serde(default)]
    all: bool,
    /// The most events a second.
    #[serde(deserialize_with = "rate")]
    #[schema(minimum = 1, maximum = 10_000)]
    rate: u32,
    /// Your idempotency key: a second broadcast of the same name is not started.
    #[serde(default, deserialize_with = "name")]
    #[schema(min_length = 1, max_length = 128, nullable = false)]
    name: Option<String>,
    /// Only count and preview.
    #[serde(default)]
    dry_run: bool,
}

/// What a broadcast would do, and the broadcast, where it was started.
#[derive(Serialize, ToSchema)]
pub(super) struct BroadcastAnswer {
    /// Whom it reaches, counted now, for at most some seconds.
    #[serde(flatten)]
    rehearsal: Rehearsal,
    /// The new one, or that of the same name; null if it was only counted.
    broadcast: Option<Broadcast>,
}

/// A part of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct BroadcastList {
    /// The newest first.
    broadcasts: Vec<Broadcast>,
    /// For `cursor`, to get what follows; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    next_cursor: Option<String>,
}

/// Make an event once for each reader of a segment, or count first whom it would reach and see what it would tell them.
#[utoipa::path(
    post,
    path = "/v1/broadcasts",
    tag = "broadcasts",
    request_body = BroadcastStart,
    responses(
        (status = 200, description = "It was only counted, or there is one of this name", body = BroadcastAnswer),
        (status = 201, description = "It is running", body = BroadcastAnswer),
        (status = 409, description = "There is another one of this name", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn start_broadcast(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Said(asked): Said<BroadcastStart>,
) -> Result<(StatusCode, Json<BroadcastAnswer>), Problem> {
    if asked.all == asked.segment.is_some() {
        return Err(Problem::of_field(
            "segment",
            "say either `segment` or `\"all\": true`: whom is it for?",
        ));
    }
    let BroadcastStart {
        event,
        segment,
        rate,
        name,
        dry_run,
        ..
    } = asked;
    let by = caller.signature();
    let forecast = served.inlet.forecast().clone();
    let event = Value::Object(event).to_string();
    let draft =
        Draft::read(event.as_bytes(), forecast.planner.max_event_bytes).map_err(|why| of_event(&why))?;
    let answered = served
        .desk
        .ask(async move |store| {
            let until = Some(Instant::now() + LONGEST_COUNT);
            let rehearsal = Rehearsal::of(
                store.as_ref(),
                &forecast,
                &draft,
                segment.as_deref(),
                until,
                |_| (),
            )
            .await?;
            if dry_run {
                return Ok((rehearsal, None));
            }
            let new = NewBroadcast {
                name,
                event: draft.text().to_owned(),
                segment,
                rate,
                by,
                expected: rehearsal.expected(),
            };
            let started = store.start_broadcast(&new).await?;
            if started.is_new {
                tracing::info!(
                    by = new.by,
                    id = started.broadcast.id,
                    "a broadcast was started by hand"
                );
            }
            let is_same = started.is_new || started.broadcast.is_of(&new);
            Ok((rehearsal, Some((started, is_same))))
        })
        .await?;
    let (status, broadcast) = match answered.1 {
        None => (StatusCode::OK, None),
        Some((started, false)) => {
            return Err(Problem::new(
                Kind::NotInThisState,
                format!(
                    "broadcast {} has this name, and another event, segment or rate",
                    started.broadcast.id
                ),
            ));
        }
        Some((started, true)) if started.is_new => (StatusCode::CREATED, Some(started.broadcast)),
        Some((started, true)) => (StatusCode::OK, Some(started.broadcast)),
    };
    let rehearsal = answered.0;
    Ok((status, Json(BroadcastAnswer { rehearsal, broadcast })))
}

/// Broadcasts, the newest first.
#[utoipa::path(
    get,
    path = "/v1/broadcasts",
    tag = "broadcasts",
    params(Page),
    responses((status = 200, description = "Those there are", body = BroadcastList))
)]
pub(super) async fn list_broadcasts(
    State(served): State<Served>,
    page: Page,
) -> Result<Json<BroadcastList>, Problem> {
    let (before, limit) = (page.before(), page.limit());
    let broadcasts = served
        .desk
        .ask(async move |store| store.broadcasts(before, limit).await)
        .await?;
    let is_full = broadcasts.len() >= usize::try_from(limit).unwrap_or(usize::MAX);
    let last = broadcasts.last().filter(|_| is_full);
    Ok(Json(BroadcastList {
        next_cursor: last.map(|last| Cursor(last.id).text()),
        broadcasts,
    }))
}

/// How a broadcast comes on.
#[utoipa::path(
    get,
    path = "/v1/broadcasts/{id}",
    tag = "broadcasts",
    params(("id" = i64, Path, description = "The broadcast's id", minimum = 1)),
    responses(
        (status = 200, description = "The broadcast", body = Broadcast),
        (status = 404, description = "There is no such broadcast", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn show_broadcast(
    State(served): State<Served>,
    Id(id): Id,
) -> Result<Json<Broadcast>, Problem> {
    served
        .desk
        .ask(async move |store| store.broadcast(id).await)
        .await?
        .map(Json)
        .ok_or_else(|| unknown(id))
}

/// Hold a broadcast up that is running.
#[utoipa::path(
    post,
    path = "/v1/broadcasts/{id}/pause",
    tag = "broadcasts",
    params(("id" = i64, Path, description = "The broadcast's id", minimum = 1)),
    request_body = Nothing,
    responses(
        (status = 200, description = "The broadcast, now", body = Broadcast),
        (status = 404, description = "There is no such broadcast", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "It is not in a state for it", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn pause_broadcast(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    _: Nothing,
) -> Result<Json<Broadcast>, Problem> {
    order(&served, &caller, BroadcastOrder::Pause, id).await
}

/// Let a broadcast go on that was paused.
#[utoipa::path(
    post,
    path = "/v1/broadcasts/{id}/resume",
    tag = "broadcasts",
    params(("id" = i64, Path, description = "The broadcast's id", minimum = 1)),
    request_body = Nothing,
    responses(
        (status = 200, description = "The broadcast, now", body = Broadcast),
        (status = 404, description = "There is no such broadcast", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "It is not in a state for it", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn resume_broadcast(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    _: Nothing,
) -> Result<Json<Broadcast>, Problem> {
    order(&served, &caller, BroadcastOrder::Resume, id).await
}

/// End a broadcast for good; the events that it has made stay.
#[utoipa::path(
    post,
    path = "/v1/broadcasts/{id}/stop",
    tag = "broadcasts",
    params(("id" = i64, Path, description = "The broadcast's id", minimum = 1)),
    request_body = Nothing,
    responses(
        (status = 200, description = "The broadcast, now", body = Broadcast),
        (status = 404, description = "There is no such broadcast", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "It is not in a state for it", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn stop_broadcast(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    _: Nothing,
) -> Result<Json<Broadcast>, Problem> {
    order(&served, &caller, BroadcastOrder::Stop, id).await
}

async fn order(
    served: &Served,
    caller: &Caller,
    order: BroadcastOrder,
    id: i64,
) -> Result<Json<Broadcast>, Problem> {
    let by = caller.signature();
    let (is_given, broadcast) = served
        .desk
        .ask(async move |store| {
            let is_given = store.order_broadcast(id, order).await?;
            if is_given {
                tracing::info!(by, id, ?order, "a broadcast was given an order by hand");
            }
            Ok((is_given, store.broadcast(id).await?))
        })
        .await?;
    let broadcast = broadcast.ok_or_else(|| unknown(id))?;
    if is_given {
        Ok(Json(broadcast))
    } else {
        Err(Problem::new(Kind::NotInThisState, order.refusal(&broadcast)))
    }
}

fn unknown(id: i64) -> Problem {
    Problem::new(Kind::NotFound, format!("there is no broadcast {id}"))
}

/// What is wrong with the event, its field named as it stands in the request.
fn of_event(why: &Rejection) -> Problem {
    let detail = &why.detail;
    match &why.field {
        Some(field) => {
            let fault = detail.strip_prefix(&format!("{field}: ")).unwrap_or(detail);
            Problem::of_field(&format!("event.{field}"), fault)
        }
        None => Problem::of_field("event", detail),
    }
}

fn segment<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, SEGMENT, |value| {
        value.as_str().filter(|name| is_segment(name)).map(str::to_owned)
    })
}

fn name<'de, D: Deserializer<'de>>(from: D) -> Result<Option<String>, D::Error> {
    checked(from, "a string of 1 to 128 characters", |value| {
        let text = value.as_str()?;
        (1..=128).contains(&text.chars().count()).then(|| text.to_owned())
    })
}

fn rate<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    let read = checked(from, &format!("an integer from 1 to {HIGHEST_RATE}"), |value| {
        let rate = u32::try_from(integer(value)?).ok()?;
        (1..=HIGHEST_RATE).contains(&rate).then_some(rate)
    })?;
    Ok(read.unwrap_or(1))
}
