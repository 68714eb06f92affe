//! Broadcasts: one event for each reader of a segment, at a set rate.
//!
//! A step reads the readers that follow in the order of their ids, makes the event of each who belongs to the segment,
//! waits until the brokers have all of them, and then notes in the database how far it has come. Who dies in between
//! makes the same events again, with the same `event_id`, and the queue takes each of them once; so nothing is left out
//! and nothing doubled, and the lease that keeps two instances from doing the same is thrift, not what this rests on.
//!
//! - `draft` is the event, before it has readers
//! - `page` decides who gets it
//! - `pace` decides how many may get it by now

mod draft;
mod pace;
mod page;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thiserror::Error;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::bus::{BusError, Cluster, Outgoing, Producer};
use crate::health::Part;
use crate::measures;
use crate::patience::Patience;
use crate::store::{Broadcast, Store, StoreError, Taken};
pub use draft::{Draft, event_id};
pub use pace::Pace;
pub use page::{Page, is_meant, length, look};

/// The highest rate, in events a second.
pub const HIGHEST_RATE: u32 = 10_000;

/// How long nobody else does a broadcast after a sign of life.
const LEASE: Duration = Duration::from_secs(15);
/// Between two looks while something runs: the longest that an order waits to be seen, beside a step itself.
const BUSY: Duration = Duration::from_millis(250);
/// Between two looks while nothing runs and one is paused: the longest that an order to go on waits to be seen.
const PAUSED: Duration = Duration::from_secs(1);
/// Between two looks while there is none to go on with: the longest that the start of one waits to be seen.
const IDLE: Duration = Duration::from_secs(5);
/// Between two pages of readers of whom few belong to the segment.
const BREATH: Duration = Duration::from_millis(20);

/// What a step did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// Broadcasts that are running, whoever does them.
    pub running: usize,
    /// Readers who were looked at.
    pub looked_at: u64,
    /// Events that were made.
    pub produced: u64,
    /// After how long there is more to do, or to look for.
    pub next_in: Duration,
}

/// Why a step could not be done; it can be tried again.
#[derive(Debug, Error)]
pub enum BroadcastError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The brokers.
    #[error(transparent)]
    Bus(#[from] BusError),
}

/// One instance's share of the broadcasts.
pub struct Broadcaster {
    store: Arc<dyn Store>,
    cluster: Cluster,
    topic: String,
    holder: String,
    /// Made for the first event, and anew when it is spent.
    producer: Option<Producer>,
    begun: Instant,
    paces: BTreeMap<i64, Pace>,
}

impl Broadcaster {
    /// Events go to `topic`. Nothing is connected yet.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, cluster: Cluster, topic: String) -> Self {
        Self {
            store,
            cluster,
            topic,
            holder: Uuid::new_v4().simple().to_string(),
            producer: None,
            begun: Instant::now(),
            paces: BTreeMap::new(),
        }
    }

    /// Brings each broadcast that nobody else does on by a page, as far as its rate allows.
    ///
    /// # Errors
    /// If the database or the brokers are away; what was not noted is made again.
    pub async fn step(&mut self) -> Result<Step, BroadcastError> {
        let Taken {
            ours,
            running,
            paused,
            still_for,
        } = self.store.take_broadcasts(&self.holder, LEASE).await?;
        #[allow(clippy::cast_precision_loss)] // at most 100
        metrics::gauge!(measures::BROADCASTS_RUNNING.name).set(running as f64);
        metrics::gauge!(measures::BROADCAST_STILL_SECONDS.name).set(still_for);
        self.paces
            .retain(|id, _| ours.iter().any(|broadcast| broadcast.id == *id));
        let mut step = Step {
            running,
            next_in: match (running, paused) {
                (0, false) => IDLE,
                (0, true) => PAUSED,
                _ => BUSY,
            },
            ..Step::default()
        };
        for broadcast in ours {
            self.bring_on(&broadcast, &mut step).await?;
        }
        Ok(step)
    }

    async fn bring_on(&mut self, broadcast: &Broadcast, step: &mut Step) -> Result<(), BroadcastError> {
        let now = self.begun.elapsed();
        let pace = self
            .paces
            .entry(broadcast.id)
            .or_insert_with(|| Pace::new(broadcast.rate, now));
        let allowed = pace.allowed(now);
        if allowed == 0 {
            return Ok(());
        }
        let segment = broadcast.segment.as_deref();
        let length = page::length(segment, allowed);
        let readers = self.store.page_of_readers(broadcast.after_user, length).await?;
        let seen = look(&readers, segment, broadcast.after_user, allowed, length);
        self.produce(broadcast, &seen.users).await?;
        let is_noted = self
            .store
            .advance_broadcast(broadcast.id, &self.holder, &seen.step)
            .await?;
        if !is_noted {
            tracing::warn!(id = broadcast.id, "another instance has taken the broadcast over");
            self.paces.remove(&broadcast.id);
            return Ok(());
        }
        let made = u32::try_from(seen.users.len()).unwrap_or(u32::MAX);
        if let Some(pace) = self.paces.get_mut(&broadcast.id) {
            pace.spend(made);
        }
        metrics::counter!(measures::BROADCAST_EVENTS.name).increment(seen.step.produced);
        step.looked_at += seen.step.looked_at;
        step.produced += seen.step.produced;
        if seen.step.is_last {
            tracing::info!(
                id = broadcast.id,
                events = broadcast.produced + seen.step.produced,
                "every reader of the broadcast was looked at"
            );
        } else if made < allowed {
            // Few of these readers belong to the segment.
            step.next_in = step.next_in.min(BREATH);
        }
        Ok(())
    }

    /// Until the brokers have the event of each of these readers.
    async fn produce(&mut self, broadcast: &Broadcast, users: &[i64]) -> Result<(), BusError> {
        if users.is_empty() {
            return Ok(());
        }
        let draft = Draft::of(broadcast);
        let records = users
            .iter()
            .map(|user_id| Outgoing {
                key: Some(user_id.to_string().into_bytes()),
                payload: Some(draft.event(broadcast.id, *user_id).into_bytes()),
                headers: Vec::new(),
            })
            .collect();
        let producer = match self.producer.take().filter(|producer| !producer.is_spent()) {
            Some(producer) => producer,
            None => Producer::new(&self.cluster)?,
        };
        self.producer = Some(producer.clone());
        match producer.send(&self.topic, records).await?.into_iter().next() {
            None => Ok(()),
            Some(unsent) if unsent.too_large => Err(BusError::Refused(format!(
                "the topic {} takes no event as long as that of broadcast {}: raise its max.message.bytes, or stop the \
                 broadcast",
                self.topic, broadcast.id
            ))),
            Some(unsent) => Err(unsent.error),
        }
    }

    /// Lets others do it, at once instead of at the end of the lease.
    async fn hand_over(&self) {
        for id in self.paces.keys() {
            if let Err(error) = self.store.leave_broadcast(*id, &self.holder).await {
                tracing::warn!(%error, id, "the broadcast could not be handed over");
                return;
            }
        }
    }

    /// Does it until `stop`.
    pub async fn run(mut self, part: Part, stop: CancellationToken) {
        let mut patience = Patience::new(part);
        while !stop.is_cancelled() {
            match self.step().await {
                Ok(done) => {
                    patience.fine();
                    let _stopped = stop.run_until_cancelled(tokio::time::sleep(done.next_in)).await;
                }
                Err(error) => patience.wait(&error.to_string(), &stop).await,
            }
        }
        self.hand_over().await;
    }
}
