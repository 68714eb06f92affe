//! What became of notifications, by groups.

use axum::Json;
use axum::extract::State;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Served;
use super::problem::Problem;
use super::said::{Query, checked};
use super::wanted::moment;
use crate::store::{EngagementRow, GroupBy};

/// Which notifications, and by what they are told apart.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// By what; without it, by what is rewarded.
    #[serde(default, deserialize_with = "group_by")]
    #[param(inline, nullable = false)]
    by: Option<GroupBy>,
    /// Those that were stored then or later; without it, all until `to`.
    #[serde(default, deserialize_with = "moment")]
    #[param(nullable = false)]
    from: Option<DateTime<Utc>>,
    /// Those that were stored before then; without it, all until now.
    #[serde(default, deserialize_with = "moment")]
    #[param(nullable = false)]
    to: Option<DateTime<Utc>>,
}

/// What became of notifications.
#[derive(Serialize, ToSchema)]
pub(super) struct Engagement {
    /// By what they are told apart.
    by: &'static str,
    /// In the order of their names.
    groups: Vec<EngagementRow>,
}

fn group_by<'de, D: Deserializer<'de>>(from: D) -> Result<Option<GroupBy>, D::Error> {
    let names = GroupBy::ALL.map(GroupBy::as_str).join(", ");
    checked(from, &format!("one of {names}"), |value| {
        value.as_str().and_then(GroupBy::from_name)
    })
}

/// How many notifications were sent, delivered, opened and so on, by groups. A digest is one delivery, whatever it tells of.
#[utoipa::path(
    get,
    path = "/v1/engagement",
    tag = "analytics",
    params(Asked),
    responses((status = 200, description = "What became of them", body = Engagement))
)]
pub(super) async fn show_engagement(
    State(served): State<Served>,
    query: Query,
) -> Result<Json<Engagement>, Problem> {
    let asked: Asked = query.read()?;
    let by = asked.by.unwrap_or(GroupBy::IncentiveType);
    let from = asked.from.unwrap_or(DateTime::UNIX_EPOCH);
    let to = asked.to.unwrap_or_else(Utc::now);
    let groups = served
        .desk
        .ask(async move |store| store.engagement(from, to, by).await)
        .await?;
    Ok(Json(Engagement {
        by: by.as_str(),
        groups,
    }))
}
