//! What a reader wants: looked up in the table, and changed in the way in which all preferences are.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::problem::{Kind, Problem};
use super::said::{Body, Id};
use super::{LONGEST_BODY, Served};
use crate::bus::Outgoing;
use crate::contract::{Preference, PreferenceChange, time};

/// A user's preferences, as they count now.
#[utoipa::path(
    get,
    path = "/v1/users/{user_id}/preferences",
    tag = "preferences",
    params(("user_id" = i64, Path, description = "The user's id", minimum = 1)),
    responses(
        (status = 200, description = "The preferences", body = ref("#/components/schemas/UserPreferences")),
        (status = 404, description = "The user has said nothing, or was forgotten", body = Problem,
         content_type = "application/problem+json")
    )
)]
pub(super) async fn show_preferences(
    State(served): State<Served>,
    Id(user_id): Id,
) -> Result<Json<Preference>, Problem> {
    let found = served
        .desk
        .ask(async move |store| store.preferences(&[user_id]).await)
        .await?
        .remove(&user_id);
    found.filter(Preference::says_something).map(Json).ok_or_else(|| {
        Problem::new(
            Kind::NotFound,
            format!("there are no preferences of user {user_id}"),
        )
    })
}

/// Say all that a user wants; what is left out is as if never said. `user_id` and `updated_at` may be left out: that of the
/// path, and now. Of a user the newest preferences count, others change nothing.
///
/// Where `topics.preferences` is set they are written to that topic, and count when they were read from it.
#[utoipa::path(
    put,
    path = "/v1/users/{user_id}/preferences",
    tag = "preferences",
    params(("user_id" = i64, Path, description = "The user's id", minimum = 1)),
    request_body(content = ref("#/components/schemas/PreferencesOfUser"), content_type = "application/json"),
    responses(
        (status = 200, description = "They are stored, unless newer ones are: those of the latest `updated_at` stay", body = ref("#/components/schemas/UserPreferences")),
        (status = 202, description = "They are in the topic", body = ref("#/components/schemas/UserPreferences"))
    )
)]
pub(super) async fn put_preferences(
    State(served): State<Served>,
    Id(user_id): Id,
    Body(said): Body,
) -> Result<(StatusCode, Json<Preference>), Problem> {
    let preference = read(&said, user_id, served.desk.now().await)?;
    let status = answered(change(&served, preference.clone().into()).await?);
    Ok((status, Json(preference)))
}

/// Take a user's preferences back, as of now: as if nothing had been said. The user is not forgotten by it: that is
/// `DELETE /v1/users/{user_id}`, or a record without a value in the topic.
#[utoipa::path(
    delete,
    path = "/v1/users/{user_id}/preferences",
    tag = "preferences",
    params(("user_id" = i64, Path, description = "The user's id", minimum = 1)),
    responses(
        (status = 200, description = "They are gone", body = Retracted),
        (status = 202, description = "That they are to go is in the topic", body = Retracted)
    )
)]
pub(super) async fn retract_preferences(
    State(served): State<Served>,
    Id(user_id): Id,
) -> Result<(StatusCode, Json<Retracted>), Problem> {
    let nothing = Preference::of_nothing(user_id, served.desk.now().await);
    let status = answered(change(&served, nothing.into()).await?);
    Ok((status, Json(Retracted { user_id })))
}

/// Whose preferences are gone.
#[derive(Serialize, ToSchema)]
pub(super) struct Retracted {
    user_id: i64,
}

const fn answered(is_in_topic: bool) -> StatusCode {
    if is_in_topic {
        StatusCode::ACCEPTED
    } else {
        StatusCode::OK
    }
}

/// Writes the change to the topic, or where there is none to the table. Returns whether there is one.
async fn change(served: &Served, change: PreferenceChange) -> Result<bool, Problem> {
    let Some(topic) = served.inlet.preferences() else {
        served
            .desk
            .ask(async move |store| store.change_preferences(&[change]).await)
            .await?;
        return Ok(false);
    };
    let record = Outgoing {
        key: Some(change.user_id.to_string().into_bytes()),
        payload: change
            .preference
            .map(|preference| preference.to_json().into_bytes()),
        headers: Vec::new(),
    };
    served.inlet.send(topic, record).await?;
    Ok(true)
}

/// The preferences in a request, completed by what it is about.
fn read(said: &Bytes, user_id: i64, now: DateTime<Utc>) -> Result<Preference, Problem> {
    let Ok(mut members) = serde_json::from_slice::<Map<String, Value>>(said) else {
        // It has the better words.
        return Ok(Preference::decode(Some(said), LONGEST_BODY)?);
    };
    for (name, value) in [
        ("user_id", user_id.into()),
        ("updated_at", time::format(&now).into()),
    ] {
        let found = members.entry(name).or_insert(Value::Null);
        if found.is_null() {
            *found = value;
        }
    }
    let completed = Value::Object(members).to_string();
    let preference = Preference::decode(Some(completed.as_bytes()), LONGEST_BODY)?;
    if preference.user_id != user_id {
        return Err(Problem::of_field("user_id", "is another than in the path"));
    }
    Ok(preference)
}
