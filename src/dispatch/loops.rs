//! Publishers and recovery, kept going until the service stops.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::publisher::{PublisherSettings, PublisherTask, Step};
use super::recovery::{Outlook, Recovery};
use crate::bus::Cluster;
use crate::config::SHORTEST_LEASE;
use crate::health::{Health, Part};
use crate::measures;
use crate::patience::Patience;
use crate::store::Store;

/// How soon after the end of its lease a claim is recovered.
const RECOVERY_INTERVAL: Duration = Duration::from_secs(2);
/// The shortest sleep of an idle publisher: rows that are due but locked by others are not asked for in a hurry.
const SHORTEST_SLEEP: Duration = Duration::from_millis(5);

/// All that dispatches.
#[derive(Clone)]
pub struct Dispatch {
    /// The rows.
    pub store: Arc<dyn Store>,
    /// The brokers.
    pub cluster: Cluster,
    /// Recovers claims.
    pub recovery: Recovery,
    /// How each publisher works.
    pub settings: PublisherSettings,
    /// The longest sleep of an idle publisher: for rows that other processes store.
    pub poll_interval: Duration,
}

impl Dispatch {
    /// Runs one publisher until `stop`; what is wrong meanwhile is told to its `part`. `wake` changes whenever rows were
    /// stored in this process.
    pub async fn publish(
        self,
        part: Part,
        health: Health,
        mut wake: watch::Receiver<()>,
        stop: CancellationToken,
    ) {
        let mut patience = Patience::new(part.clone());
        let mut task = PublisherTask::new(
            Arc::clone(&self.store),
            self.cluster,
            self.recovery,
            self.settings,
        );
        while !stop.is_cancelled() {
            // Seen before the claim, so that rows stored after it wake the sleep below.
            wake.mark_unchanged();
            match task.step().await {
                Step::Worked { .. } => patience.fine(),
                Step::Idle { next_due } => {
                    patience.fine();
                    let sleep = next_due
                        .unwrap_or(self.poll_interval)
                        .clamp(SHORTEST_SLEEP, self.poll_interval.max(SHORTEST_SLEEP));
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(sleep) => {}
                        Ok(()) = wake.changed() => {}
                    }
                }
                Step::Waiting(why) => patience.wait(&why, &stop).await,
                Step::Halted(why) => {
                    tracing::error!("a publisher stops: {why}");
                    part.trouble(&why);
                    health.part("dispatch halted").trouble(&why);
                    stop.cancelled().await;
                }
            }
        }
        task.close().await;
    }

    /// Recovers claims until `stop`.
    pub async fn recover(self, health: Health, stop: CancellationToken) {
        let mut patience = Patience::new(health.part("recovery"));
        while !stop.is_cancelled() {
            match self.recovery.look().await {
                Ok(Outlook { lapse_in, in_doubt }) => {
                    patience.fine();
                    // No part is unready for them: they are a person's to decide, and HTTP must serve that person.
                    #[allow(clippy::cast_precision_loss)] // a count of claims, at most a hundred
                    metrics::gauge!(measures::CLAIMS_IN_DOUBT.name).set(in_doubt as f64);
                    self.settings.alerts.claims_in_doubt(in_doubt);
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(next_look(lapse_in)) => {}
                    }
                }
                Err(error) => patience.wait(&error.to_string(), &stop).await,
            }
        }
    }
}

/// How long claims need no look where the next lease ends after `lapse_in`: a claim that is made meanwhile lapses no sooner
/// than the shortest lease ends, whichever instance makes it.
fn next_look(lapse_in: Option<Duration>) -> Duration {
    if lapse_in.is_some_and(|wait| wait < SHORTEST_LEASE) {
        RECOVERY_INTERVAL
    } else {
        SHORTEST_LEASE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_claim_waits_long_for_its_recovery_and_none_is_looked_for_in_vain() {
        for lapse_in in (0..60_000).map(Duration::from_millis) {
            assert!(
                next_look(Some(lapse_in)) <= lapse_in + RECOVERY_INTERVAL,
                "{lapse_in:?}"
            );
        }
        assert_eq!(next_look(None), SHORTEST_LEASE);
        assert_eq!(next_look(Some(Duration::from_secs(30))), SHORTEST_LEASE);
    }
}
