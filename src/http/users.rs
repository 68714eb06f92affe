//! Forgetting a user.

use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Served;
use super::access::Caller;
use super::problem::{Kind, Problem};
use super::said::{Id, Query};
use crate::bus::Outgoing;
use crate::store::{Filter, Forgetting, Status};

/// How a user is to be forgotten.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct How {
    /// Only say what is known of the user.
    #[serde(default)]
    #[param(inline)]
    dry_run: DryRun,
}

/// `true` or `false`, as a query says it.
#[derive(Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum DryRun {
    #[default]
    False,
    True,
}

/// What is known of a user, and how far it is with forgetting them.
#[derive(Serialize, ToSchema)]
pub(super) struct KnownOf {
    user_id: i64,
    /// Their notifications.
    notifications: u64,
    /// Those of them that wait to leave.
    pending: u64,
    /// Whether they have preferences.
    preferences: bool,
    /// The request to forget them; null where nobody has asked.
    request: Option<Forgetting>,
}

/// Forget a user: what waits is called off, rows and histories become anonymous, preferences and archived lines go. Figures
/// stay as they are; events from before are not stored when they come again. It cannot be undone.
///
/// The answer says what there was. It is done within a minute, the archive after that: `/v1/users/{user_id}/forgetting`
/// says how far it is.
#[utoipa::path(
    delete,
    path = "/v1/users/{user_id}",
    tag = "operators",
    params(("user_id" = i64, Path, description = "The user's id", minimum = 1), How),
    responses(
        (status = 200, description = "What is known of the user: a dry run", body = KnownOf),
        (status = 202, description = "The request is written down", body = KnownOf)
    )
)]
pub(super) async fn forget_user(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Id(user_id): Id,
    query: Query,
) -> Result<(StatusCode, Json<KnownOf>), Problem> {
    let how: How = query.read()?;
    let by = caller.signature();
    let dry_run = how.dry_run == DryRun::True;
    let known = served
        .desk
        .ask(async move |store| {
            let all = Filter {
                user_id: Some(user_id),
                ..Filter::default()
            };
            let pending = Filter {
                status: Some(Status::Pending),
                ..all.clone()
            };
            let mut known = KnownOf {
                user_id,
                notifications: store.count(&all, None).await?,
                pending: store.count(&pending, None).await?,
                preferences: !store.preferences(&[user_id]).await?.is_empty(),
                request: store.forgetting(user_id).await?,
            };
            if !dry_run {
                known.request = Some(store.request_forgetting(user_id, &by).await?);
                tracing::info!(by, "a user is to be forgotten");
            }
            Ok(known)
        })
        .await?;
    if dry_run {
        return Ok((StatusCode::OK, Json(known)));
    }
    // The topic must forget the preferences too, or they would come back from it. Without an answer: ask again.
    if let Some(topic) = served.inlet.preferences() {
        let record = Outgoing {
            key: Some(user_id.to_string().into_bytes()),
            payload: None,
            headers: Vec::new(),
        };
        served.inlet.send(topic, record).await?;
    }
    Ok((StatusCode::ACCEPTED, Json(known)))
}

/// How far it is with forgetting a user: done where `done_at` is not null.
#[utoipa::path(
    get,
    path = "/v1/users/{user_id}/forgetting",
    tag = "operators",
    params(("user_id" = i64, Path, description = "The user's id", minimum = 1)),
    responses(
        (status = 200, description = "The request, and how far it is", body = Forgetting),
        (status = 404, description = "Nobody has asked, or it was done longer ago than `retention.forgotten`",
         body = Problem, content_type = "application/problem+json")
    )
)]
pub(super) async fn show_forgetting(
    State(served): State<Served>,
    Id(user_id): Id,
) -> Result<Json<Forgetting>, Problem> {
    let found = served
        .desk
        .ask(async move |store| store.forgetting(user_id).await)
        .await?;
    found.map(Json).ok_or_else(|| {
        Problem::new(
            Kind::NotFound,
            format!("there is no request to forget user {user_id}"),
        )
    })
}
