//! Batched consumption: offsets are stored when a batch is finished, never before.
//!
//! A thread of its own polls the broker, builds batches and hands them over through a channel of one place; it polls
//! on while the work behind is slow, so that the group never believes us dead.
//!
//! - A batch is handed over when it is full, when its first record has waited `batch_wait`, or as soon as nothing
//!   more is there and the work behind is idle: an event on a quiet topic never waits.
//! - A full channel is back-pressure. Only when it lasts are the partitions paused, because a pause throws away what
//!   librdkafka has fetched ahead (librdkafka#2557).
//! - When partitions are revoked, batches in the workers' hands have half the session time-out to finish; what is not
//!   finished then is not stored, comes again elsewhere, and is recognised by its event id.
//! - librdkafka commits stored offsets once a second, on revocation and at the end.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::TopicPartitionListElem;
use rdkafka::{ClientContext, Message as _};
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

use super::batch::{Batch, Offsets};
use super::context::Context;
use super::in_flight::InFlight;
use super::{BusError, Cluster, Record};
use crate::measures;

/// How long a full channel is only waited for before the partitions are paused.
const PAUSE_AFTER: Duration = Duration::from_secs(2);
/// The longest that the thread is away from the broker's callbacks.
const POLL_SLICE: Duration = Duration::from_millis(100);
/// How soon a thread that has nothing to do notices that it is to stop; whatever comes wakes it.
const IDLE_SLICE: Duration = Duration::from_millis(500);
/// How soon a batch that grows is handed over once the work behind is idle; nothing wakes a poll of librdkafka for it.
const IDLENESS_SLICE: Duration = Duration::from_millis(1);
/// A batch ends at this many bytes even if it has room for records.
const BATCH_BYTES: usize = 16 * 1024 * 1024;
/// How long a look at a partition's ends may take, and the pause after one without an answer.
const LOOK: Duration = Duration::from_secs(5);

/// What to consume, and in which portions.
#[derive(Clone, Debug)]
pub struct ConsumerSettings {
    /// The topic.
    pub topic: String,
    /// The consumer group.
    pub group_id: String,
    /// The most records in a batch, at least 1.
    pub batch_records: usize,
    /// The longest that the first record of a batch waits for more.
    pub batch_wait: Duration,
}

/// A consumer of one topic.
pub struct Consumer {
    batches: mpsc::Receiver<Result<Batch, BusError>>,
    joined: watch::Receiver<bool>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Consumer {
    /// Joins the group and starts to read. Nothing fails here that waiting could mend.
    ///
    /// # Errors
    /// [`BusError::Refused`] where the client's properties are wrong.
    pub fn start(cluster: &Cluster, settings: ConsumerSettings) -> Result<Self, BusError> {
        let (joined_tx, joined) = watch::channel(false);
        let in_flight = InFlight::default();
        let session = cluster.session_timeout();
        // The drain on revocation must end well before the group gives us up.
        let drain = session / 2;
        let context = GroupContext {
            topic: settings.topic.clone(),
            context: cluster.context(),
            in_flight: in_flight.clone(),
            drain,
            revoked: Mutex::default(),
            resets: Mutex::default(),
            joined: joined_tx,
        };
        let session = session.as_millis().to_string();
        let consumer: BaseConsumer<GroupContext> = cluster
            .client_config(&[
                ("group.id", &settings.group_id),
                ("partition.assignment.strategy", "cooperative-sticky"),
                ("session.timeout.ms", &session),
                // Stored by us after the work, committed by librdkafka in its own time.
                ("enable.auto.offset.store", "false"),
                ("enable.auto.commit", "true"),
                ("auto.commit.interval.ms", "1000"),
                ("auto.offset.reset", "earliest"),
                ("isolation.level", "read_committed"),
                // A topic that is made after us is found within seconds.
                ("topic.metadata.refresh.interval.ms", "10000"),
                ("queued.max.messages.kbytes", "32768"),
            ])
            .create_with_context(context)
            .map_err(|error| BusError::from_kafka(&error))?;
        consumer
            .subscribe(&[&settings.topic])
            .map_err(|error| BusError::from_kafka(&error))?;

        let (sender, batches) = mpsc::channel(1);
        let stop = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            topic: Arc::from(settings.topic.as_str()),
            consumer: Arc::new(consumer),
            settings,
            in_flight,
            drain,
            sender,
            stop: Arc::clone(&stop),
            runtime: Handle::current(),
            paused: false,
            told: None,
            next_look: Instant::now(),
        };
        metrics::counter!(measures::UNREAD_DELETED.name, "topic" => reader.settings.topic.clone())
            .increment(0);
        let thread = std::thread::Builder::new()
            .name(format!("consume {}", reader.topic))
            .spawn(move || reader.run())
            .map_err(|fault| BusError::Away(format!("no thread can be started: {fault}")))?;
        Ok(Self {
            batches,
            joined,
            stop,
            thread: Some(thread),
        })
    }

    /// The next batch; waits for it. May be cancelled without losing a batch.
    ///
    /// # Errors
    /// [`BusError::Spent`] or [`BusError::Refused`] where the consumer cannot go on: make a new one.
    pub async fn next(&mut self) -> Result<Batch, BusError> {
        self.batches
            .recv()
            .await
            .unwrap_or_else(|| Err(BusError::Spent("the consumer has ended".to_owned())))
    }

    /// Until the group has shared out the partitions for the first time, be it none for us.
    pub fn joined(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut joined = self.joined.clone();
        async move {
            if joined.wait_for(|joined| *joined).await.is_err() {
                // The consumer has ended: it never will.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Leaves the group after the offsets that were stored are committed. Batches that are still out have a moment to
    /// finish.
    pub async fn close(mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.batches.close();
        while self.batches.try_recv().is_ok() {}
        if let Some(thread) = self.thread.take()
            && !matches!(
                tokio::task::spawn_blocking(move || thread.join()).await,
                Ok(Ok(()))
            )
        {
            tracing::error!("the consumer's thread could not be joined");
        }
    }
}

impl Drop for Consumer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

/// The thread that polls.
struct Reader {
    topic: Arc<str>,
    consumer: Arc<BaseConsumer<GroupContext>>,
    settings: ConsumerSettings,
    in_flight: InFlight,
    /// How long a batch that is out has to finish when we must let go.
    drain: Duration,
    sender: mpsc::Sender<Result<Batch, BusError>>,
    stop: Arc<AtomicBool>,
    runtime: Handle,
    paused: bool,
    /// The last error that was told and does not end the consumer.
    told: Option<String>,
    /// When resets may be looked at again.
    next_look: Instant,
}

/// A batch that grows.
#[derive(Default)]
struct Growing {
    records: Vec<Record>,
    bytes: usize,
    since: Option<Instant>,
}

impl Growing {
    fn push(&mut self, record: Record) {
        self.since.get_or_insert_with(Instant::now);
        self.bytes += record.size();
        self.records.push(record);
    }

    fn is_full(&self, settings: &ConsumerSettings) -> bool {
        self.records.len() >= settings.batch_records || self.bytes >= BATCH_BYTES
    }

    fn waits_until(&self, settings: &ConsumerSettings) -> Option<Instant> {
        self.since.map(|since| since + settings.batch_wait)
    }
}

impl Reader {
    fn run(mut self) {
        let mut growing = Growing::default();
        while !self.stop.load(Ordering::Relaxed) {
            let ready = match growing.waits_until(&self.settings) {
                None => false,
                Some(end) => growing.is_full(&self.settings) || Instant::now() >= end,
            };
            if ready {
                let Some(left) = self.hand_over(growing) else {
                    break;
                };
                growing = left;
                continue;
            }
            let idle_behind = self.in_flight.is_empty();
            let wait = match growing.waits_until(&self.settings) {
                None => IDLE_SLICE,
                Some(_) if idle_behind => Duration::ZERO,
                Some(end) => end.saturating_duration_since(Instant::now()).min(IDLENESS_SLICE),
            };
            let polled = self.consumer.poll(wait).map(|polled| {
                polled.map(|message| {
                    let record = Record::from_message(&message);
                    tracing::trace!(topic = message.topic(), offset = message.offset(), "read");
                    record
                })
            });
            self.forget_revoked(&mut growing);
            self.tell_resets();
            match polled {
                Some(Ok(record)) => {
                    self.read_well();
                    growing.push(record);
                }
                Some(Err(error)) => {
                    if let Some(fault) = self.sort(&error) {
                        self.end(fault);
                        break;
                    }
                }
                None if idle_behind && growing.since.is_some() => {
                    let Some(left) = self.hand_over(growing) else {
                        break;
                    };
                    growing = left;
                }
                None => {}
            }
        }
        self.leave();
    }

    /// Gives the batch to the workers, and waits for room while serving the broker's callbacks. Returns what grows next,
    /// or `None` when it is time to stop.
    fn hand_over(&mut self, mut growing: Growing) -> Option<Growing> {
        let full_since = Instant::now();
        let sender = self.sender.clone();
        loop {
            if self.stop.load(Ordering::Relaxed) {
                return None;
            }
            let room = self
                .runtime
                .block_on(async { tokio::time::timeout(POLL_SLICE, sender.reserve()).await });
            match room {
                Ok(Ok(place)) => {
                    if growing.records.is_empty() {
                        // All of it was revoked while it waited.
                        break;
                    }
                    let records = std::mem::take(&mut growing.records);
                    let mut next_offsets = BTreeMap::new();
                    for record in &records {
                        next_offsets.insert(record.partition, record.offset + 1);
                    }
                    place.send(Ok(Batch {
                        records,
                        offsets: Offsets {
                            next: next_offsets,
                            consumer: Arc::downgrade(&self.consumer),
                            topic: Arc::clone(&self.topic),
                        },
                        ticket: self.in_flight.ticket(),
                    }));
                    break;
                }
                Ok(Err(_closed)) => return None,
                Err(_full) => {}
            }
            if full_since.elapsed() >= PAUSE_AFTER {
                self.pause();
                // Serves callbacks; a record that slipped through the pause joins the batch.
                let polled = self
                    .consumer
                    .poll(Duration::ZERO)
                    .map(|polled| polled.map(|message| Record::from_message(&message)));
                match polled {
                    Some(Ok(record)) => growing.push(record),
                    Some(Err(error)) => {
                        if let Some(fault) = self.sort(&error) {
                            // What was not handed over is not finished: it comes again.
                            self.end(fault);
                            return None;
                        }
                    }
                    None => {}
                }
                self.forget_revoked(&mut growing);
                self.tell_resets();
            }
        }
        self.resume();
        Some(Growing::default())
    }

    fn pause(&mut self) {
        // Again each time: partitions that were assigned meanwhile are not paused yet.
        match self
            .consumer
            .assignment()
            .and_then(|all| self.consumer.pause(&all))
        {
            Ok(()) if !self.paused => {
                self.paused = true;
                tracing::info!(topic = %self.topic, "consumption is paused until the work behind catches up");
            }
            Ok(()) => {}
            Err(error) => tracing::warn!(topic = %self.topic, %error, "the partitions cannot be paused"),
        }
    }

    fn resume(&mut self) {
        if !self.paused {
            return;
        }
        match self
            .consumer
            .assignment()
            .and_then(|all| self.consumer.resume(&all))
        {
            Ok(()) => {
                self.paused = false;
                tracing::info!(topic = %self.topic, "consumption goes on");
            }
            Err(error) => tracing::warn!(topic = %self.topic, %error, "the partitions cannot be resumed"),
        }
    }

    /// Records of partitions that were taken from us belong to somebody else now.
    fn forget_revoked(&self, growing: &mut Growing) {
        let mut revoked = self
            .consumer
            .context()
            .revoked
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if revoked.is_empty() {
            return;
        }
        growing
            .records
            .retain(|record| !revoked.contains(&record.partition));
        growing.bytes = growing.records.iter().map(Record::size).sum();
        if growing.records.is_empty() {
            growing.since = None;
        }
        revoked.clear();
    }

    /// A record has come: whatever was wrong is over.
    fn read_well(&mut self) {
        if self.told.take().is_some() {
            self.consumer.context().context.succeeded();
        }
    }

    /// Says why there are no more batches.
    fn end(&self, fault: BusError) {
        tracing::error!(topic = %self.topic, %fault, "the consumer ends");
        let _receiver_gone = self.sender.blocking_send(Err(fault));
    }

    /// Tells where reading went on at another offset than the one that was next, and counts what was never read.
    fn tell_resets(&mut self) {
        let context = self.consumer.context();
        let mut waiting = context.resets.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_empty() || Instant::now() < self.next_look {
            return;
        }
        let resets = std::mem::take(&mut *waiting);
        // librdkafka writes its log from threads of its own, which must not wait for a broker.
        drop(waiting);
        for reset in resets {
            let partition = reset.partition;
            match self.consumer.fetch_watermarks(&self.topic, partition, LOOK) {
                Ok((first, _)) if first > reset.wanted => {
                    let deleted = first - reset.wanted;
                    tracing::error!(
                        topic = %self.topic,
                        partition,
                        from = reset.wanted,
                        to = first,
                        deleted,
                        "records were deleted by the topic's retention before they were read: raise its retention.ms \
                         or retention.bytes"
                    );
                    metrics::counter!(measures::UNREAD_DELETED.name, "topic" => self.settings.topic.clone())
                        .increment(deleted.unsigned_abs());
                }
                Ok((first, end)) => tracing::error!(
                    topic = %self.topic,
                    partition,
                    wanted = reset.wanted,
                    end,
                    "the partition ends before the offset that was next (was the topic made anew?): it is read again \
                     from offset {first}"
                ),
                Err(error) => {
                    tracing::debug!(topic = %self.topic, partition, %error, "the partition's ends are not known");
                    self.next_look = Instant::now() + LOOK;
                    context
                        .resets
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(reset);
                }
            }
        }
    }

    /// Whether an error ends this consumer; others are told to people and outlived.
    fn sort(&mut self, error: &KafkaError) -> Option<BusError> {
        if let KafkaError::MessageConsumptionFatal(code) = error {
            return Some(BusError::Spent(code.to_string()));
        }
        let trouble = self.consumer.context().context.trouble();
        match (trouble, BusError::from_kafka(error)) {
            (Some(fault @ BusError::Refused(_)), _)
            | (_, fault @ (BusError::Refused(_) | BusError::Spent(_))) => Some(fault),
            (_, BusError::Away(text)) => {
                if self.told.as_ref() != Some(&text) {
                    tracing::warn!(topic = %self.topic, "reading is disturbed: {text}");
                    self.told = Some(text);
                }
                None
            }
        }
    }

    fn leave(self) {
        if !self.in_flight.wait_until_empty(self.drain) {
            tracing::warn!(topic = %self.topic, "a batch was not finished in time; it will come again");
        }
        match self.consumer.commit_consumer_state(CommitMode::Sync) {
            // Nothing to commit is fine.
            Ok(()) | Err(KafkaError::ConsumerCommit(rdkafka::error::RDKafkaErrorCode::NoOffset)) => {}
            Err(error) => tracing::warn!(topic = %self.topic, %error, "the last offsets were not committed"),
        }
    }
}

/// A partition that has no record at the offset that was next.
#[derive(Debug, PartialEq, Eq)]
struct Reset {
    partition: i32,
    /// The offset that was next.
    wanted: i64,
}

impl Reset {
    /// From a line of librdkafka's log, which is the only place where it tells (`auto.offset.reset = error` would stop the
    /// partition instead): `TOPIC [3]: offset reset (at offset 5 (leader epoch 0), broker 1) to ...`.
    fn in_log(facility: &str, message: &str) -> Option<Self> {
        if facility != "OFFSET" {
            return None;
        }
        let (before, after) = message.split_once("]: offset reset (at offset ")?;
        let partition = before.rsplit_once('[')?.1.parse().ok()?;
        let digits = after.find(|c: char| !c.is_ascii_digit())?;
        let wanted = after[..digits].parse().ok()?;
        Some(Self { partition, wanted })
    }
}

/// The context of a group member.
pub(super) struct GroupContext {
    topic: String,
    context: Context,
    in_flight: InFlight,
    /// How long a batch that is out has to finish when partitions are revoked.
    drain: Duration,
    /// Partitions that were revoked since the thread last looked.
    revoked: Mutex<Vec<i32>>,
    /// Where librdkafka went on at another offset than the one that was next, since the thread last looked.
    resets: Mutex<Vec<Reset>>,
    /// Whether the partitions were shared out once.
    joined: watch::Sender<bool>,
}

impl ClientContext for GroupContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = Context::ENABLE_REFRESH_OAUTH_TOKEN;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if let Some(reset) = Reset::in_log(facility, message) {
            self.resets
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(reset);
        }
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.context.generate_oauth_token(config)
    }
}

impl ConsumerContext for GroupContext {
    fn pre_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        if let Rebalance::Revoke(partitions) = rebalance
            && partitions.count() > 0
        {
            if !self.in_flight.wait_until_empty(self.drain) {
                tracing::warn!("partitions were revoked while a batch was out; it will come again elsewhere");
            }
            self.revoked
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(
                    partitions
                        .elements()
                        .iter()
                        .map(TopicPartitionListElem::partition),
                );
        }
    }

    fn post_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        // A partition that was taken from us while it was paused comes back paused, and would never be read again.
        if let Rebalance::Assign(partitions) = rebalance
            && let Err(error) = consumer.resume(partitions)
        {
            tracing::warn!(topic = %self.topic, %error, "assigned partitions cannot be resumed");
        }
        match consumer.assignment() {
            Ok(all) => {
                tracing::info!(topic = %self.topic, partitions = all.count(), "the group has shared out the partitions");
                self.joined.send_replace(true);
            }
            Err(error) => tracing::warn!(%error, "the assignment cannot be read"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reset_is_read_from_the_log() {
        let line = "[thrd:main]: a.topic [3]: offset reset (at offset 5 (leader epoch 0), broker 1) to cached BEGINNING \
                    offset 105 (leader epoch -1): fetch failed due to requested offset not available on the broker: \
                    Broker: Offset out of range";
        let reset = Reset {
            partition: 3,
            wanted: 5,
        };
        assert_eq!(Reset::in_log("OFFSET", line), Some(reset));
        assert_eq!(Reset::in_log("FAIL", line), None);
        let new_group =
            "a [0]: offset reset (at offset INVALID (leader epoch -1), broker 1) to offset BEGINNING";
        assert_eq!(Reset::in_log("OFFSET", new_group), None);
    }
}
