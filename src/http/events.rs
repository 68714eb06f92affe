//! Events that come over HTTP instead of the topic, and go on to it; the way to it, which preferences take too.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::Utc;
use serde::Serialize;
use tokio::sync::Mutex;
use utoipa::ToSchema;

use super::Served;
use super::desk::to_its_end;
use super::problem::Problem;
use super::said::Body;
use crate::bus::{BusError, Cluster, Outgoing, Producer, Record};
use crate::config::TopicSettings;
use crate::contract::traceparent;
use crate::ingest::Forecast;

const TRACEPARENT: &str = "traceparent";

/// The way from a request to the topics of events and preferences.
#[derive(Clone)]
pub struct Inlet {
    cluster: Cluster,
    events: String,
    preferences: Option<String>,
    forecast: Forecast,
    /// Made for the first record, and anew when it is spent. It sends one batch at a time.
    producer: Arc<Mutex<Option<Producer>>>,
}

/// An event that is in the topic.
#[derive(Serialize, ToSchema)]
pub(super) struct Accepted {
    /// The event's own id.
    event_id: String,
}

impl Inlet {
    /// Nothing is connected yet.
    #[must_use]
    pub fn new(cluster: Cluster, topics: &TopicSettings, forecast: Forecast) -> Self {
        Self {
            cluster,
            events: topics.events.clone(),
            preferences: topics.preferences.clone(),
            forecast,
            producer: Arc::default(),
        }
    }

    /// The longest event, in bytes.
    pub(super) const fn longest(&self) -> usize {
        self.forecast.planner.max_event_bytes
    }

    /// What events would become.
    pub(super) const fn forecast(&self) -> &Forecast {
        &self.forecast
    }

    /// The topic of preferences, if there is one.
    pub(super) fn preferences(&self) -> Option<&str> {
        self.preferences.as_deref()
    }

    /// Until the brokers have it.
    pub(super) async fn send(&self, topic: &str, record: Outgoing) -> Result<(), Problem> {
        let mut producer = Arc::clone(&self.producer).lock_owned().await;
        let current = match producer.take().filter(|producer| !producer.is_spent()) {
            Some(current) => current,
            None => Producer::new(&self.cluster)?,
        };
        *producer = Some(current.clone());
        let to = topic.to_owned();
        let unsent = to_its_end(producer, async move { current.send(&to, vec![record]).await }).await??;
        match unsent.into_iter().next() {
            None => Ok(()),
            Some(unsent) if unsent.too_large => Err(BusError::Refused(format!(
                "the topic {topic} takes no record of this length: raise its max.message.bytes"
            ))
            .into()),
            Some(unsent) => Err(unsent.error.into()),
        }
    }
}

/// Take an incentive event: it is checked as those from the topic are, written to the topic and acknowledged by the
/// brokers.
///
/// Of several events with the same `event_id` one becomes a notification, so that whatever has no answer can be sent
/// again. With `"action": "cancel"` it calls off the notification of the event with that `event_id`, if that has not left. A W3C `traceparent` header goes on with the event.
#[utoipa::path(
    post,
    path = "/v1/events",
    tag = "events",
    request_body(content = ref("#/components/schemas/IncentiveEvent"), content_type = "application/json"),
    responses((status = 202, description = "It is in the topic", body = Accepted))
)]
pub(super) async fn send_event(
    State(served): State<Served>,
    headers: HeaderMap,
    Body(event): Body,
) -> Result<(StatusCode, Json<Accepted>), Problem> {
    let inlet = &served.inlet;
    let record = record_of(&event, &headers);
    let asked = inlet.forecast.planner.read(&record, Utc::now())?;
    let (event_id, user_id) = asked.event();
    let event = Outgoing {
        key: Some(user_id.to_string().into_bytes()),
        payload: record.payload,
        headers: record.headers,
    };
    inlet.send(&inlet.events, event).await?;
    let event_id = event_id.to_owned();
    Ok((StatusCode::ACCEPTED, Json(Accepted { event_id })))
}

/// The event as if it had come from the topic just now.
fn record_of(event: &Bytes, headers: &HeaderMap) -> Record {
    let trace = headers
        .get(TRACEPARENT)
        .and_then(|header| traceparent(header.as_bytes()));
    Record {
        topic: String::new(),
        partition: 0,
        offset: 0,
        key: None,
        payload: Some(event.to_vec()),
        headers: trace
            .map(|trace| (TRACEPARENT.to_owned(), Some(trace.as_bytes().to_vec())))
            .into_iter()
            .collect(),
        timestamp: Some(Utc::now()),
    }
}
