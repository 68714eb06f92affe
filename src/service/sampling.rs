//! Gauges that need the database or the brokers: sampled from time to time, never while somebody scrapes.
//!
//! A process that serves HTTP samples its own connections; one that also runs `maintain` samples what all instances share.
//! What is away leaves its gauges as they were, and `inq_sampled_timestamp_seconds` says since when.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use chrono::Utc;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::bus::{Cluster, HeldBack, Ledger};
use crate::measures;
use crate::store::{Backlog, Connections, Store, WaitingToBeForgotten};

/// Between two looks at the connections, the queue and the lag.
const INTERVAL: Duration = Duration::from_secs(15);
/// Between two looks at what holds back the readers of the deliveries topic.
const HELD_BACK_INTERVAL: Duration = Duration::from_secs(30);
/// How many rows of a status and priority are counted; more are estimated.
const EXACTLY: u32 = 1000;
/// How long a look at the brokers may take.
const LOOK: Duration = Duration::from_secs(5);

/// What all instances share.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) cluster: Cluster,
    /// The consumer group.
    pub(super) group: String,
    /// The topics that it reads.
    pub(super) topics: Vec<String>,
    /// `None` where the broker has no transactions.
    pub(super) ledger: Option<Ledger>,
    /// No publisher's transaction is open for longer.
    pub(super) lease: Duration,
}

/// Samples the gauges until `stop`.
pub(super) async fn sample(store: Arc<dyn Store>, shared: Option<Shared>, stop: CancellationToken) {
    let own = async {
        let mut moments = Moments::every(INTERVAL);
        while moments.next(&stop).await {
            tell_connections(store.connections());
        }
    };
    let Some(shared) = shared else {
        return own.await;
    };
    let queue = async {
        let mut moments = Moments::every(INTERVAL);
        while moments.next(&stop).await {
            // The database's answer is waited for: its calls are never cancelled.
            match store.backlog(EXACTLY).await {
                Ok(backlog) => tell_backlog(&backlog),
                Err(error) => not_sampled(measures::SAMPLE_QUEUE, &error),
            }
            match store.waiting_to_be_forgotten().await {
                Ok(waiting) => tell_forgetting(&waiting),
                Err(error) => not_sampled(measures::SAMPLE_QUEUE, &error),
            }
        }
    };
    let lag = async {
        let mut moments = Moments::every(INTERVAL);
        while moments.next(&stop).await {
            let _stopped = stop.run_until_cancelled(sample_lag(&shared)).await;
        }
    };
    let held_back = async {
        let Some(ledger) = &shared.ledger else { return };
        let mut watched = Watched::default();
        let mut moments = Moments::every(HELD_BACK_INTERVAL);
        while moments.next(&stop).await {
            let look = sample_readers(ledger, shared.lease, &mut watched);
            let _stopped = stop.run_until_cancelled(look).await;
        }
    };
    tokio::join!(own, queue, lag, held_back);
}

/// At once, and then again and again.
struct Moments(Interval);

impl Moments {
    fn every(period: Duration) -> Self {
        let mut interval = interval(period);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(interval)
    }

    /// Waits for the next one; false when `stop` comes first.
    async fn next(&mut self, stop: &CancellationToken) -> bool {
        stop.run_until_cancelled(self.0.tick()).await.is_some()
    }
}

fn tell_connections(connections: Connections) {
    for (state, count) in [
        (measures::IN_USE, connections.in_use),
        (measures::IDLE, connections.idle),
    ] {
        metrics::gauge!(measures::CONNECTIONS.name, "state" => state).set(count);
    }
    metrics::gauge!(measures::CONNECTIONS_MAX.name).set(connections.max);
}

fn tell_backlog(backlog: &Backlog) {
    for row in &backlog.rows {
        let (status, priority) = (row.status.as_str(), row.priority.as_str());
        #[allow(clippy::cast_precision_loss)] // exact up to 2^53
        metrics::gauge!(measures::QUEUE_ROWS.name, "status" => status, "priority" => priority)
            .set(row.rows as f64);
    }
    for (priority, age) in &backlog.oldest_due {
        metrics::gauge!(measures::OLDEST_DUE_SECONDS.name, "priority" => priority.as_str()).set(*age);
    }
    sampled(measures::SAMPLE_QUEUE);
}

fn tell_forgetting(waiting: &WaitingToBeForgotten) {
    for (left, users, age) in [
        (measures::IN_ROWS, waiting.rows, waiting.rows_for),
        (measures::IN_ARCHIVE, waiting.archive, waiting.archive_for),
    ] {
        #[allow(clippy::cast_precision_loss)] // exact up to 2^53
        metrics::gauge!(measures::FORGETTING_USERS.name, "left" => left).set(users as f64);
        metrics::gauge!(measures::FORGETTING_OLDEST_SECONDS.name, "left" => left).set(age);
    }
}

async fn sample_lag(shared: &Shared) {
    let Shared {
        cluster,
        group,
        topics,
        ..
    } = shared;
    match cluster.lag(group.clone(), topics.clone(), Utc::now(), LOOK).await {
        Ok(lags) => {
            for lag in lags {
                #[allow(clippy::cast_precision_loss)] // exact up to 2^53
                let behind = lag.behind.unwrap_or(0) as f64;
                metrics::gauge!(measures::CONSUMER_LAG.name, "topic" => lag.topic.clone()).set(behind);
                #[allow(clippy::cast_precision_loss)] // exact up to 2^53
                let to_end = lag.behind_high_watermark.unwrap_or(0) as f64;
                metrics::gauge!(measures::CONSUMER_LAG_TO_END.name, "topic" => lag.topic).set(to_end);
            }
            sampled(measures::SAMPLE_LAG);
        }
        Err(error) => not_sampled(measures::SAMPLE_LAG, &error),
    }
}

async fn sample_readers(ledger: &Ledger, lease: Duration, watched: &mut Watched) {
    match ledger.held_back().await {
        Ok(held_back) => {
            let longer = watched.longer_than(lease, &held_back, Instant::now());
            #[allow(clippy::cast_precision_loss)] // partitions of one topic
            metrics::gauge!(measures::HELD_BACK_PARTITIONS.name).set(longer as f64);
            sampled(measures::SAMPLE_HELD_BACK);
        }
        Err(error) => not_sampled(measures::SAMPLE_HELD_BACK, &error),
    }
}

/// Since when a partition's readers have stood at the same place.
#[derive(Default)]
struct Watched(BTreeMap<i32, (i64, Instant)>);

impl Watched {
    /// How many of the partitions, seen `now`, have been held back at one place for at least `lease`.
    fn longer_than(&mut self, lease: Duration, held_back: &[HeldBack], now: Instant) -> usize {
        let before = std::mem::take(&mut self.0);
        for held in held_back {
            let since = match before.get(&held.partition) {
                Some((from, since)) if *from == held.from => *since,
                _ => now,
            };
            self.0.insert(held.partition, (held.from, since));
        }
        let longer = |since: &Instant| now.saturating_duration_since(*since) >= lease;
        self.0.values().filter(|(_, since)| longer(since)).count()
    }
}

fn sampled(what: &'static str) {
    let now = UNIX_EPOCH.elapsed().unwrap_or_default();
    metrics::gauge!(measures::SAMPLED.name, "sample" => what).set(now);
}

fn not_sampled(what: &'static str, why: &impl std::fmt::Display) {
    tracing::debug!(sample = what, "gauges are not sampled: {why}");
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEASE: Duration = Duration::from_secs(30);

    const fn held(partition: i32, from: i64) -> HeldBack {
        HeldBack {
            partition,
            from,
            end: 1000,
        }
    }

    #[test]
    fn readers_are_held_back_when_they_stand_at_one_place_for_a_lease() {
        let mut watched = Watched::default();
        let begin = Instant::now();
        let later = begin + LEASE;
        assert_eq!(watched.longer_than(LEASE, &[held(0, 5), held(1, 7)], begin), 0);
        assert_eq!(watched.longer_than(LEASE, &[held(0, 5), held(1, 7)], later), 2);
        // Partition 1 has moved on and met another transaction; partition 0 is free.
        assert_eq!(watched.longer_than(LEASE, &[held(1, 9)], later + LEASE), 0);
        assert_eq!(
            watched.longer_than(LEASE, &[held(0, 5), held(1, 9)], later + 2 * LEASE),
            1
        );
    }
}
