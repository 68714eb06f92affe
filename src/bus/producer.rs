//! Sending records and waiting until the broker has them.

use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::OAuthToken;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::DeliveryResult;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext};

use super::context::Context;
use super::{BusError, Cluster, Outgoing, blocking};

/// How long a producer's thread waits for something to hear of. Each wait ends with up to a millisecond of busy waiting in
/// the rdkafka crate, which a tenth of this would make one percent of a core for each idle producer.
const POLL_SLICE: Duration = Duration::from_secs(1);

/// A producer without transactions: what it is given is in the topic at least once.
#[derive(Clone)]
pub struct Producer {
    inner: Arc<BaseProducer<SendContext>>,
}

/// What became of records that were sent together.
#[derive(Debug, Default)]
pub struct Sent {
    /// By the records' positions; empty where all arrived.
    pub failures: Vec<(usize, KafkaError)>,
}

/// A record that did not arrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsent {
    /// Its position among those that were sent with it.
    pub index: usize,
    /// Whether it, or a neighbour in the same request, is longer than the broker takes.
    pub too_large: bool,
    /// What was wrong.
    pub error: BusError,
}

impl Producer {
    /// A producer that keeps trying for a minute before it gives a record up.
    ///
    /// # Errors
    /// [`BusError::Refused`] where the client's properties are wrong.
    pub fn new(cluster: &Cluster) -> Result<Self, BusError> {
        Self::with(
            cluster,
            &[
                ("enable.idempotence", "true"),
                ("message.timeout.ms", "60000"),
                ("linger.ms", "0"),
            ],
        )
    }

    pub(super) fn with(cluster: &Cluster, ours: &[(&str, &str)]) -> Result<Self, BusError> {
        let mut all = vec![
            // Java's, so that a key has one partition whoever produces.
            ("partitioner", "murmur2_random"),
            ("acks", "all"),
            // How long a record may be is the topic's to say.
            ("message.max.bytes", "100000000"),
        ];
        all.extend_from_slice(ours);
        let context = SendContext {
            context: cluster.context(),
            tally: Arc::default(),
            turn: Mutex::default(),
        };
        let inner = cluster
            .client_config(&all)
            .create_with_context(context)
            .map_err(|error| BusError::from_kafka(&error))?;
        let inner = Arc::new(inner);
        let served = Arc::downgrade(&inner);
        std::thread::Builder::new()
            .name("produce".to_owned())
            .spawn(move || serve(&served))
            .map_err(|fault| BusError::Away(format!("no thread can be started: {fault}")))?;
        Ok(Self { inner })
    }

    pub(super) fn client(&self) -> &BaseProducer<SendContext> {
        &self.inner
    }

    /// The last error that the client reported beside its calls.
    pub(super) fn trouble(&self) -> Option<BusError> {
        self.inner.context().context.trouble()
    }

    /// The brokers have done what was asked for: what was reported before explains nothing any more.
    pub(super) fn succeeded(&self) {
        self.inner.context().context.succeeded();
    }

    /// Whether the client has ended itself: make a new one.
    #[must_use]
    pub fn is_spent(&self) -> bool {
        self.inner.client().fatal_error().is_some()
    }

    /// Sends the records to `topic`, and waits until each was acknowledged or given up. Callers take turns.
    ///
    /// # Errors
    /// If the sending itself was broken off.
    pub async fn send(&self, topic: &str, records: Vec<Outgoing>) -> Result<Vec<Unsent>, BusError> {
        let producer = self.clone();
        let topic = topic.to_owned();
        blocking(move || {
            // Held to the end even if nobody waits for the answer any more.
            let _turn = producer
                .inner
                .context()
                .turn
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let sent = producer.send_blocking(&topic, &records);
            Ok(sent
                .failures
                .iter()
                .map(|(index, error)| Unsent {
                    index: *index,
                    too_large: error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge),
                    error: BusError::from_kafka(error),
                })
                .collect())
        })
        .await
    }

    /// One batch at a time: the tally is the producer's.
    pub(super) fn send_blocking(&self, topic: &str, records: &[Outgoing]) -> Sent {
        let tally = Arc::clone(&self.inner.context().tally);
        let mut refused = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let mut built: BaseRecord<'_, [u8], [u8], usize> =
                BaseRecord::with_opaque_to(topic, index).headers(record.owned_headers());
            built.key = record.key.as_deref();
            built.payload = record.payload.as_deref();
            if let Err(error) = self.enqueue(built, &tally) {
                refused.push((index, error));
            }
        }
        let mut failures = tally.wait();
        failures.append(&mut refused);
        Sent { failures }
    }

    /// Sends a record without a payload to each of the partitions, and waits as [`Producer::send_blocking`] does.
    pub(super) fn touch_blocking(
        &self,
        topic: &str,
        partitions: &[i32],
        key: &str,
    ) -> Result<(), KafkaError> {
        let tally = Arc::clone(&self.inner.context().tally);
        let refused = partitions.iter().enumerate().find_map(|(index, partition)| {
            let mut built: BaseRecord<'_, [u8], [u8], usize> =
                BaseRecord::with_opaque_to(topic, index).partition(*partition);
            built.key = Some(key.as_bytes());
            self.enqueue(built, &tally).err()
        });
        let failed = tally.wait().into_iter().next().map(|(_, error)| error);
        refused.or(failed).map_or(Ok(()), Err)
    }

    /// Takes a record that is not sent before its linger ends.
    pub(super) fn enqueue_one(&self, topic: &str) -> Result<(), KafkaError> {
        let mut built: BaseRecord<'_, [u8], [u8], usize> = BaseRecord::with_opaque_to(topic, 0);
        built.key = Some(b"never sent");
        let tally = Arc::clone(&self.inner.context().tally);
        self.enqueue(built, &tally)
    }

    /// Until what was taken is reported, after an abort has taken it back.
    pub(super) fn take_back_all(&self) {
        let _purged = self.inner.context().tally.wait();
    }

    fn enqueue(
        &self,
        mut record: BaseRecord<'_, [u8], [u8], usize>,
        tally: &Tally,
    ) -> Result<(), KafkaError> {
        loop {
            tally.expect_one();
            match self.inner.send(record) {
                Ok(()) => return Ok(()),
                Err((error, back)) => {
                    tally.take_back_one();
                    if error.rdkafka_error_code() != Some(RDKafkaErrorCode::QueueFull) {
                        return Err(error);
                    }
                    // Our own records are what fills it: one of them leaving makes room.
                    tally.wait_for_progress();
                    record = back;
                }
            }
        }
    }
}

/// Hears acknowledgements, errors and the need for a new token, until nobody else has the producer; it ends within
/// [`POLL_SLICE`] of that.
fn serve(producer: &Weak<BaseProducer<SendContext>>) {
    while let Some(producer) = producer.upgrade() {
        producer.poll(POLL_SLICE);
    }
}

/// Counts the acknowledgements of the batch that is under way.
#[derive(Default)]
pub(super) struct Tally {
    state: Mutex<Outstanding>,
    changed: Condvar,
}

#[derive(Default)]
struct Outstanding {
    expected: usize,
    failures: Vec<(usize, KafkaError)>,
}

impl Tally {
    fn expect_one(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).expected += 1;
    }

    fn take_back_one(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).expected -= 1;
    }

    fn report(&self, index: usize, error: Option<KafkaError>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.expected -= 1;
        state.failures.extend(error.map(|error| (index, error)));
        self.changed.notify_all();
    }

    /// Until all expected reports are in: librdkafka reports on every record within its message time-out.
    fn wait(&self) -> Vec<(usize, KafkaError)> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = self
            .changed
            .wait_while(state, |state| state.expected > 0)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.failures)
    }

    fn wait_for_progress(&self) {
        const GLANCE: Duration = Duration::from_millis(50);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Another producer's records may share the queue's limit: look again in any case.
        let (_state, _timed_out) = self
            .changed
            .wait_timeout(state, GLANCE)
            .unwrap_or_else(PoisonError::into_inner);
    }
}

/// The context of a producer: a record's opaque is its position in the batch.
pub(super) struct SendContext {
    context: Context,
    tally: Arc<Tally>,
    /// Whose batch is under way.
    turn: Mutex<()>,
}

impl ClientContext for SendContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = Context::ENABLE_REFRESH_OAUTH_TOKEN;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.context.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.context.error(error, reason);
    }

    fn generate_oauth_token(&self, config: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.context.generate_oauth_token(config)
    }
}

impl ProducerContext for SendContext {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        if result.is_ok() {
            self.context.succeeded();
        }
        self.tally
            .report(index, result.as_ref().err().map(|(error, _record)| error.clone()));
    }
}
