//! What goes in, and whether all of it came out, once.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::BenchError;
use super::scratch::{Scratch, Topics};
use crate::bus::{Outgoing, Producer};
use crate::sample;
use crate::store::Status;

/// Events that are sent together.
const AT_ONCE: u64 = 1000;
/// How many readers there are.
const USERS: u64 = 100_003;

/// Event number `number` of the load `name`; the same number is the same event.
#[must_use]
pub fn event(name: &str, number: u64) -> Outgoing {
    let (_, event) = sample::event(name, u32::try_from(number).unwrap_or(u32::MAX));
    for_user(1 + number * 7919 % USERS, event)
}

/// An event for this reader instead of its own, as a producer sends it.
#[must_use]
pub fn for_user(user: u64, mut event: Value) -> Outgoing {
    event["user_id"] = user.into();
    Outgoing {
        key: Some(user.to_string().into_bytes()),
        payload: Some(event.to_string().into_bytes()),
        headers: Vec::new(),
    }
}

/// Writes so many events to a topic, as fast as it takes them.
///
/// # Errors
/// If the brokers are away or refuse one.
pub async fn produce(
    scratch: &Scratch,
    topic: &str,
    events: u64,
    event: impl Fn(u64) -> Outgoing,
) -> Result<(), BenchError> {
    let producer = Producer::new(&scratch.cluster)?;
    let mut first = 0;
    while first < events {
        let last = (first + AT_ONCE).min(events);
        let records = (first..last).map(&event).collect();
        send(&producer, topic, records).await?;
        first = last;
    }
    Ok(())
}

/// Sends records, all of which must arrive.
///
/// # Errors
/// If one does not.
pub async fn send(producer: &Producer, topic: &str, records: Vec<Outgoing>) -> Result<(), BenchError> {
    match producer.send(topic, records).await?.into_iter().next() {
        None => Ok(()),
        Some(unsent) => Err(unsent.error.into()),
    }
}

/// What a reader of the deliveries topic sees.
#[derive(Clone, Copy, Debug)]
pub struct Delivered {
    /// Requests.
    pub requests: u64,
    /// How long it took to read them.
    pub time: Duration,
}

/// Reads the deliveries topic through, and checks that no attempt is in it twice.
///
/// # Errors
/// If one is, or the brokers are away.
pub async fn delivered(scratch: &Scratch, topics: &Topics) -> Result<Delivered, BenchError> {
    #[derive(Deserialize)]
    struct Request {
        notification_id: i64,
        attempt: u32,
    }
    let payloads = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&payloads);
    let time = scratch
        .cluster
        .read_through(&topics.deliveries, move |record| {
            let payload = record.payload.clone().unwrap_or_default();
            kept.lock().unwrap_or_else(PoisonError::into_inner).push(payload);
        })
        .await?;
    let payloads = std::mem::take(&mut *payloads.lock().unwrap_or_else(PoisonError::into_inner));
    let mut seen = HashSet::with_capacity(payloads.len());
    for payload in &payloads {
        let request: Request = serde_json::from_slice(payload)
            .map_err(|fault| BenchError(format!("a delivery request is unreadable: {fault}")))?;
        if !seen.insert((request.notification_id, request.attempt)) {
            return Err(BenchError(format!(
                "DOUBLED: attempt {} of notification {} was published twice",
                request.attempt, request.notification_id
            )));
        }
    }
    Ok(Delivered {
        requests: payloads.len() as u64,
        time,
    })
}

/// How many rows have that status.
///
/// # Errors
/// If the database is away.
pub async fn rows(scratch: &Scratch, status: Status) -> Result<u64, BenchError> {
    let depth = scratch.store.depth().await?;
    Ok(depth
        .rows
        .iter()
        .filter(|row| row.status == status)
        .map(|row| row.rows)
        .sum())
}

/// How many rows there are.
///
/// # Errors
/// If the database is away.
pub async fn all_rows(scratch: &Scratch) -> Result<u64, BenchError> {
    let depth = scratch.store.depth().await?;
    Ok(depth.rows.iter().map(|row| row.rows).sum())
}

/// Says so where two counts differ that must not.
///
/// # Errors
/// Where they differ.
pub fn must_match(what: &str, found: u64, expected: u64) -> Result<(), BenchError> {
    if found == expected {
        return Ok(());
    }
    Err(BenchError(format!(
        "{what}: {found}, where {expected} were expected"
    )))
}
