//! How the queue stands, as `inq status` and the API tell it.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::Utc;
use serde::Serialize;
use utoipa::ToSchema;

use crate::bus::{BusError, Cluster, Lag};
use crate::config::TopicSettings;
use crate::store::{Depth, PendingRow, Result, Status, Store};

/// The pending rows of each priority whose type is looked at.
const TYPES_OF: u32 = 10_000;
/// The most claims in doubt that are looked for.
const CLAIMS_AT_MOST: u32 = 1000;

/// How the queue stands.
#[derive(Debug, Serialize, ToSchema)]
pub struct QueueStatus {
    /// Rows by status; every status is there.
    pub by_status: BTreeMap<&'static str, u64>,
    /// Pending rows by priority.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub pending_by_priority: BTreeMap<u8, u64>,
    /// Pending rows by priority and by what they reward: of each priority the 10,000 that are due first.
    pub pending_by_type: Vec<PendingRow>,
    /// The pending rows beyond those, whose types were not looked at.
    pub pending_of_any_type: u64,
    /// Pending rows that are due.
    pub due: u64,
    /// Pending rows that are scheduled ahead.
    pub ahead: u64,
    /// How long the oldest due row has been due, in milliseconds.
    pub oldest_due_ms: Option<u64>,
    /// Claims that neither Kafka nor the database can decide; at most 1000 are counted.
    pub claims_in_doubt: usize,
    /// What came into each topic, and how far the consumer group is behind; none where the brokers are away.
    pub topics: Vec<Lag>,
    /// Why `topics` are not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub topics_unknown: Option<String>,
}

impl QueueStatus {
    /// What the database knows of it.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(store: &dyn Store) -> Result<Self> {
        let depth = store.depth().await?;
        let by_type = store.pending_by_type(TYPES_OF).await?;
        let claims = store.open_claims(CLAIMS_AT_MOST).await?;
        Ok(Self {
            by_status: by_status(&depth),
            pending_by_priority: pending_by_priority(&depth),
            pending_of_any_type: not_looked_at(&depth, &by_type),
            pending_by_type: by_type,
            due: depth.due,
            ahead: depth.ahead,
            oldest_due_ms: depth.oldest_due_ms,
            claims_in_doubt: claims.iter().filter(|claim| claim.doubt.is_some()).count(),
            topics: Vec::new(),
            topics_unknown: None,
        })
    }

    /// The same with what the brokers know. What the database knows is shown even where they are away.
    #[must_use]
    pub fn with_topics(mut self, lag: &std::result::Result<Vec<Lag>, BusError>) -> Self {
        match lag {
            Ok(topics) => self.topics.clone_from(topics),
            Err(error) => self.topics_unknown = Some(error.to_string()),
        }
        self
    }
}

/// How far the consumer group is behind on the events and the results. Nobody of ours reads the deliveries: of them only
/// what came into the topic is known.
///
/// # Errors
/// If the brokers cannot be reached within `patience` or refuse.
pub async fn lag(
    cluster: &Cluster,
    group_id: &str,
    topics: &TopicSettings,
    patience: Duration,
) -> std::result::Result<Vec<Lag>, BusError> {
    let asked = [&topics.events, &topics.deliveries, &topics.results]
        .into_iter()
        .chain(&topics.preferences);
    let mut lags = cluster
        .lag(
            group_id.to_owned(),
            asked.cloned().collect(),
            Utc::now(),
            patience,
        )
        .await?;
    for lag in lags.iter_mut().filter(|lag| lag.topic == topics.deliveries) {
        lag.behind = None;
        lag.behind_high_watermark = None;
    }
    Ok(lags)
}

fn by_status(depth: &Depth) -> BTreeMap<&'static str, u64> {
    let mut counts: BTreeMap<_, _> = Status::ALL.iter().map(|status| (status.as_str(), 0)).collect();
    for row in &depth.rows {
        *counts.entry(row.status.as_str()).or_default() += row.rows;
    }
    counts
}

fn pending_by_priority(depth: &Depth) -> BTreeMap<u8, u64> {
    depth
        .rows
        .iter()
        .filter(|row| row.status == Status::Pending)
        .map(|row| (row.priority.get(), row.rows))
        .collect()
}

/// The rows change between the two counts: what seems to be missing of a short backlog was never left out.
fn not_looked_at(depth: &Depth, by_type: &[PendingRow]) -> u64 {
    pending_by_priority(depth)
        .into_iter()
        .map(|(priority, rows)| {
            let typed = by_type.iter().filter(|row| row.priority.get() == priority);
            let typed: u64 = typed.map(|row| row.rows).sum();
            if typed < u64::from(TYPES_OF) {
                0
            } else {
                rows.saturating_sub(typed)
            }
        })
        .sum()
}
