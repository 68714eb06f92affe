//! What Kafka alone takes: one delivery request in one transaction, until a reader sees it.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::json;

use super::BenchError;
use super::latency::milliseconds;
use super::reading::Reading;
use super::scratch::Scratch;
use crate::bus::{Ledger, LedgerEntry, Outcome, Outgoing, Publisher, TransactionalPublisher};

/// How many are measured, after one that makes the connections.
const TRANSACTIONS: i64 = 200;
/// What the broker grants each.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long each took, in milliseconds; nothing where the broker has no transactions.
pub(super) async fn measure(scratch: &Scratch) -> Result<Vec<f64>, BenchError> {
    if scratch.yardstick.is_none() {
        return Ok(Vec::new());
    }
    let topics = scratch.topics().await?;
    let ledger = Ledger::new(
        scratch.cluster.clone(),
        topics.deliveries.clone(),
        topics.deliveries.clone(),
    );
    let name = format!("{}-alone", topics.deliveries);
    let publisher = Publisher::Transactional(
        TransactionalPublisher::open(&ledger, name, topics.deliveries.clone(), TIMEOUT).await?,
    );
    let reading = Reading::start(scratch, &topics).await?;
    let mut departures = Vec::new();
    for claim in 1..=TRANSACTIONS + 1 {
        let departed = Instant::now();
        let entry = LedgerEntry {
            claim,
            claimed_at: DateTime::<Utc>::UNIX_EPOCH,
        };
        match publisher.publish(entry, vec![request(claim)]).await {
            Outcome::Published => departures.push((claim.to_string(), departed)),
            other => {
                return Err(BenchError(format!(
                    "a transaction alone was not published: {other:?}"
                )));
            }
        }
    }
    let arrivals = reading.all("transactions that arrived", departures.len()).await?;
    Ok(departures
        .iter()
        .skip(1)
        .filter_map(|(name, departed)| Some(milliseconds(*arrivals.get(name)? - *departed)))
        .collect())
}

fn request(number: i64) -> Outgoing {
    Outgoing {
        key: Some(number.to_string().into_bytes()),
        payload: Some(json!({ "event_id": number.to_string() }).to_string().into_bytes()),
        headers: Vec::new(),
    }
}
