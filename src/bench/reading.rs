//! A reader of delivery requests, who notes when each was seen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::scratch::{Scratch, Topics};
use super::{BenchError, load};
use crate::bus::{Consumer, ConsumerSettings};

/// How long the group may take to form, and the last requests to be seen.
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two looks at how many were seen.
const TICK: Duration = Duration::from_millis(2);

/// By the event of each request, when it was seen first.
type Arrivals = HashMap<String, Instant>;

/// A reader at work.
pub(super) struct Reading {
    arrivals: Arc<Mutex<Arrivals>>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), BenchError>>,
}

impl Reading {
    /// Reads as the notification service does; a group that forms takes seconds, which are waited for here.
    pub(super) async fn start(scratch: &Scratch, topics: &Topics) -> Result<Self, BenchError> {
        let consumer = Consumer::start(
            &scratch.cluster,
            ConsumerSettings {
                topic: topics.deliveries.clone(),
                group_id: format!("{}.reader", topics.deliveries),
                batch_records: 1000,
                batch_wait: Duration::from_millis(1),
            },
        )?;
        tokio::time::timeout(PATIENCE, consumer.joined())
            .await
            .map_err(|_elapsed| BenchError("the reader could not join its group in time".to_owned()))?;
        let (arrivals, stop) = (Arc::default(), CancellationToken::new());
        let task = tokio::spawn(read(consumer, Arc::clone(&arrivals), stop.clone()));
        Ok(Self { arrivals, stop, task })
    }

    /// Waits until so many were seen, and ends.
    ///
    /// # Errors
    /// If it takes too long, or there are more.
    pub(super) async fn all(self, what: &str, count: usize) -> Result<Arrivals, BenchError> {
        let deadline = Instant::now() + PATIENCE;
        let seen = || self.arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        while seen().len() < count && Instant::now() < deadline {
            tokio::time::sleep(TICK).await;
        }
        self.stop.cancel();
        self.task
            .await
            .map_err(|fault| BenchError(format!("the reader broke off: {fault}")))??;
        let arrivals = std::mem::take(&mut *seen());
        load::must_match(what, arrivals.len() as u64, count as u64)?;
        Ok(arrivals)
    }
}

async fn read(
    mut consumer: Consumer,
    arrivals: Arc<Mutex<Arrivals>>,
    stop: CancellationToken,
) -> Result<(), BenchError> {
    #[derive(Deserialize)]
    struct Request {
        event_id: String,
    }
    loop {
        let batch = tokio::select! {
            () = stop.cancelled() => break,
            batch = consumer.next() => batch?,
        };
        let now = Instant::now();
        let mut arrivals = arrivals.lock().unwrap_or_else(PoisonError::into_inner);
        for record in &batch.records {
            let payload = record.payload.as_deref().unwrap_or_default();
            let request: Request = serde_json::from_slice(payload)
                .map_err(|fault| BenchError(format!("a delivery request is unreadable: {fault}")))?;
            arrivals.entry(request.event_id).or_insert(now);
        }
        drop(arrivals);
        batch.finish();
    }
    consumer.close().await;
    Ok(())
}
