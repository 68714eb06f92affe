//! Open claims, and a person's decision on those in doubt.

use axum::Json;
use axum::extract::{Extension, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::Served;
use super::access::Caller;
use super::problem::{Kind, Problem};
use super::said::{Id, Nothing};
use crate::claims::{self, DecidedClaim, Decision, DecisionError, ShownClaim};

/// How many claims are looked at: there is one for each publisher, and those that were left behind.
const LOOKED_AT: u32 = 1000;
/// How many are shown, each with up to 3000 ids.
const SHOWN: usize = 50;

/// Open claims.
#[derive(Serialize, ToSchema)]
pub(super) struct ClaimList {
    /// Those in doubt first, then the oldest first; at most 50.
    claims: Vec<ShownClaim>,
    /// How many are in doubt.
    in_doubt: usize,
    /// Whether there are more than are shown.
    more: bool,
}

/// Open claims: notifications that a publisher holds, or that wait for a decision (`doubt`).
#[utoipa::path(
    get,
    path = "/v1/claims",
    tag = "operators",
    responses((status = 200, description = "The open claims", body = ClaimList))
)]
pub(super) async fn list_claims(State(served): State<Served>) -> Result<Json<ClaimList>, Problem> {
    let mut claims = served
        .desk
        .ask(async move |store| store.open_claims(LOOKED_AT).await)
        .await?;
    claims.sort_by_key(|claim| (claim.doubt.is_none(), claim.id));
    let in_doubt = claims.iter().filter(|claim| claim.doubt.is_some()).count();
    let more = claims.len() > SHOWN;
    claims.truncate(SHOWN);
    Ok(Json(ClaimList {
        claims: claims.into_iter().map(ShownClaim::from).collect(),
        in_doubt,
        more,
    }))
}

/// Say that a claim in doubt was published: its notifications become `sent`.
#[utoipa::path(
    post,
    path = "/v1/claims/{id}/mark-published",
    tag = "operators",
    params(("id" = i64, Path, description = "The claim's id", minimum = 1)),
    request_body = Nothing,
    responses(
        (status = 200, description = "What was done", body = DecidedClaim),
        (status = 404, description = "There is no such open claim", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "It is not in doubt, or some of its rows no longer belong to it", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn mark_claim_published(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    _: Nothing,
) -> Result<Json<DecidedClaim>, Problem> {
    decide(&served, &caller, id, Decision::MarkPublished).await
}

/// Say that a claim in doubt was not published: its notifications become `pending` and go out again.
#[utoipa::path(
    post,
    path = "/v1/claims/{id}/release",
    tag = "operators",
    params(("id" = i64, Path, description = "The claim's id", minimum = 1)),
    request_body = Nothing,
    responses(
        (status = 200, description = "What was done", body = DecidedClaim),
        (status = 404, description = "There is no such open claim", body = Problem,
         content_type = "application/problem+json"),
        (status = 409, description = "It is not in doubt, or some of its rows no longer belong to it", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn release_claim(
    State(served): State<Served>,
    Extension(caller): Extension<Caller>,
    Id(id): Id,
    _: Nothing,
) -> Result<Json<DecidedClaim>, Problem> {
    decide(&served, &caller, id, Decision::Release).await
}

async fn decide(
    served: &Served,
    caller: &Caller,
    id: i64,
    decision: Decision,
) -> Result<Json<DecidedClaim>, Problem> {
    let by = caller.signature();
    let decided = served
        .desk
        .ask(
            async move |store| match claims::decide(store.as_ref(), id, decision, &by).await {
                Err(DecisionError::Store(error)) => Err(error),
                other => Ok(other),
            },
        )
        .await?;
    let decided = decided.map_err(|error| {
        let kind = match error {
            DecisionError::Unknown(_) => Kind::NotFound,
            DecisionError::NotInDoubt(_) | DecisionError::RowsLost { .. } => Kind::NotInThisState,
            DecisionError::Store(_) => Kind::Failed,
        };
        Problem::new(kind, error.to_string())
    })?;
    if decision == Decision::Release {
        served.desk.wake();
    }
    Ok(Json(decided))
}
