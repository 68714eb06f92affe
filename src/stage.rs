//! What the consuming stages have in common: batch after batch until the service stops.

use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::bus::{Batch, Cluster, Consumer, ConsumerSettings};
use crate::health::Part;
use crate::patience::Patience;

/// What a stage does with a batch.
#[async_trait]
pub trait Stage: Send {
    /// Makes the batch durable and finishes it, however long that takes; drops it unfinished only when `stop` is called
    /// while something is away, and is given no other one then. What it cannot decide yet it may hold back, with the
    /// offsets behind it.
    async fn work_off(&mut self, batch: Batch, patience: &mut Patience, stop: &CancellationToken);

    /// After how long it wants to look again at records that it holds back; `None` if it holds none.
    fn looks_again_in(&self) -> Option<Duration> {
        None
    }

    /// Looks again at what it holds back.
    async fn look_again(&mut self, _patience: &mut Patience, _stop: &CancellationToken) {}
}

/// Consumes until `stop`; what is wrong meanwhile is told to `part`.
pub async fn consume(
    mut stage: impl Stage,
    cluster: Cluster,
    settings: ConsumerSettings,
    part: Part,
    stop: CancellationToken,
) {
    let mut patience = Patience::new(part);
    while !stop.is_cancelled() {
        let mut consumer = match Consumer::start(&cluster, settings.clone()) {
            Ok(consumer) => consumer,
            Err(error) => {
                patience.wait(&error.to_string(), &stop).await;
                continue;
            }
        };
        let joined = consumer.joined();
        tokio::pin!(joined);
        let mut has_joined = false;
        let mut look_again_at: Option<Instant> = None;
        loop {
            // Not put off by batches that come meanwhile.
            look_again_at = stage
                .looks_again_in()
                .map(|pause| look_again_at.unwrap_or_else(|| Instant::now() + pause));
            let batch = tokio::select! {
                // First: once a batch was dropped unfinished, a later one must not store offsets beyond it.
                biased;
                () = stop.cancelled() => break,
                () = &mut joined, if !has_joined => {
                    has_joined = true;
                    patience.fine();
                    continue;
                }
                () = sleep_until(look_again_at.unwrap_or_else(Instant::now)), if look_again_at.is_some() => {
                    stage.look_again(&mut patience, &stop).await;
                    look_again_at = None;
                    continue;
                }
                batch = consumer.next() => batch,
            };
            match batch {
                Ok(batch) => stage.work_off(batch, &mut patience, &stop).await,
                Err(error) => {
                    patience.wait(&error.to_string(), &stop).await;
                    break;
                }
            }
        }
        consumer.close().await;
    }
}
