//! How the queue stands.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use tokio::sync::Mutex;

use super::Served;
use super::desk::to_its_end;
use super::problem::Problem;
use crate::bus::{BusError, Cluster, Lag};
use crate::config::TopicSettings;
use crate::status::{QueueStatus, lag};

/// How long each question to the brokers may take.
const LOOK: Duration = Duration::from_secs(3);

/// The topics, as requests see them.
#[derive(Clone)]
pub struct Topics {
    cluster: Cluster,
    group_id: String,
    names: TopicSettings,
    /// A look makes a client of its own: one at a time.
    looking: Arc<Mutex<()>>,
}

impl Topics {
    /// Nothing is connected yet.
    #[must_use]
    pub fn new(cluster: Cluster, group_id: String, names: TopicSettings) -> Self {
        Self {
            cluster,
            group_id,
            names,
            looking: Arc::default(),
        }
    }

    async fn lag(&self) -> Result<Result<Vec<Lag>, BusError>, Problem> {
        let turn = Arc::clone(&self.looking).lock_owned().await;
        let topics = self.clone();
        to_its_end(turn, async move {
            lag(&topics.cluster, &topics.group_id, &topics.names, LOOK).await
        })
        .await
    }
}

/// How the queue stands: what waits, for how long, and how far the topics are behind.
#[utoipa::path(
    get,
    path = "/v1/status",
    tag = "queue",
    responses((status = 200, description = "How it stands", body = QueueStatus))
)]
pub(super) async fn show_status(State(served): State<Served>) -> Result<Json<QueueStatus>, Problem> {
    let asked = served
        .desk
        .ask(async move |store| QueueStatus::of(store.as_ref()).await);
    let (queue, lag) = tokio::join!(asked, served.topics.lag());
    Ok(Json(queue?.with_topics(&lag?)))
}
