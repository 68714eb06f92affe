//! Publishing a claim: one Kafka transaction that holds every delivery request and, as this publisher's committed
//! offset in its ledger, the claim's number.
//!
//! What comes back has three values, see [`Outcome`]. The order of the calls and what each failure means:
//!
//! | call | fails | then |
//! | --- | --- | --- |
//! | begin | the producer was fenced or is spent | unknown: recovery decides |
//! | send, acknowledgements | a record is refused, or the broker is away | abort |
//! | send the ledger's offset | the group's coordinator is away | abort |
//! | commit | anything | unknown: an error from a commit is no proof of an abort (librdkafka#4558) |
//! | abort | answered | not published |
//! | abort | anything else | unknown |
//!
//! The commit has no time limit of its own (librdkafka's recommendation): an answer that is merely late must not
//! become an unknown. A broker that stays away ends it by the transaction's time-out.

use std::sync::Arc;
use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;
use rdkafka::util::Timeout;
use rdkafka::{Offset, TopicPartitionList};

use super::context::Context;
use super::{BusError, Cluster, Outgoing, Producer, blocking};

/// The partition of the deliveries topic in whose name a ledger keeps its offset. Every topic has it.
pub(super) const LEDGER_PARTITION: i32 = 0;
/// The longest wait for one of the broker's coordinators.
const COORDINATOR_PATIENCE: Duration = Duration::from_secs(30);

/// What became of a claim that was to be published.
#[derive(Debug)]
pub enum Outcome {
    /// The commit answered: a `read_committed` consumer sees every request, or will.
    Published,
    /// Commit was never called and the abort answered: no such consumer ever sees one of them.
    NotPublished {
        /// Requests that the broker refused for a reason of their own, by position, with the reason.
        refused: Vec<(usize, String)>,
        /// What else was wrong, for people.
        error: BusError,
    },
    /// Nobody here knows. Only recovery may decide.
    Unknown(BusError),
    /// Without transactions: these positions did not arrive for sure, all others did.
    Partly {
        /// Refused for a reason of their own.
        refused: Vec<(usize, String)>,
        /// Not acknowledged: they may or may not be in the topic.
        unacknowledged: Vec<usize>,
        /// What was wrong first, for people.
        error: BusError,
    },
}

/// Who writes delivery requests.
pub enum Publisher {
    /// Exactly once.
    Transactional(TransactionalPublisher),
    /// At least once.
    Plain {
        /// The producer.
        producer: Producer,
        /// The deliveries topic.
        topic: String,
    },
}

impl Publisher {
    /// Publishes the requests of one claim. Runs to its end even if the future is dropped.
    pub async fn publish(&self, claim: i64, requests: Vec<Outgoing>) -> Outcome {
        match self {
            Self::Transactional(publisher) => publisher.publish(claim, requests).await,
            Self::Plain { producer, topic } => {
                let (producer, topic) = (producer.clone(), topic.clone());
                tokio::task::spawn_blocking(move || publish_plainly(&producer, &topic, &requests))
                    .await
                    .unwrap_or_else(|fault| {
                        Outcome::Unknown(BusError::Spent(format!("publishing broke off: {fault}")))
                    })
            }
        }
    }
}

fn publish_plainly(producer: &Producer, topic: &str, requests: &[Outgoing]) -> Outcome {
    let failures = producer.send_blocking(topic, requests).failures;
    let Some((_, first)) = failures.first() else {
        return Outcome::Published;
    };
    let error = BusError::from_kafka(first);
    let (refused, unacknowledged): (Vec<_>, Vec<_>) = failures
        .into_iter()
        .partition(|(_, error)| is_the_records_own_fault(error));
    Outcome::Partly {
        refused: refused
            .into_iter()
            .map(|(index, error)| (index, error.to_string()))
            .collect(),
        unacknowledged: unacknowledged.into_iter().map(|(index, _)| index).collect(),
        error,
    }
}

/// A producer with transactions, under a `transactional.id` that no other producer ever had.
#[derive(Clone)]
pub struct TransactionalPublisher {
    producer: Producer,
    transactional_id: Arc<str>,
    cluster_id: Arc<str>,
    topic: Arc<str>,
    ledger: Arc<ConsumerGroupMetadata>,
}

impl TransactionalPublisher {
    /// Makes the producer and initialises its transactions: from the return on its claims can be recovered.
    ///
    /// `transaction_timeout` is what the broker grants a transaction before it aborts it itself.
    ///
    /// # Errors
    /// [`BusError::Away`] while the coordinator cannot be reached, [`BusError::Refused`] where the broker does not
    /// support or allow transactions.
    pub async fn open(
        cluster: &Cluster,
        topic: &str,
        transactional_id: String,
        transaction_timeout: Duration,
    ) -> Result<Self, BusError> {
        let (cluster, topic) = (cluster.clone(), topic.to_owned());
        blocking(move || {
            let view = {
                let observer = cluster.observer(&[])?;
                super::cluster::look_with(&observer, COORDINATOR_PATIENCE)?
            };
            let producer = initialised(&cluster, &transactional_id, transaction_timeout)?;
            let ledger = ledger_group(&cluster, &transactional_id)?;
            Ok(Self {
                producer,
                transactional_id: transactional_id.into(),
                cluster_id: view.id.into(),
                topic: topic.into(),
                ledger: Arc::new(ledger),
            })
        })
        .await
    }

    /// Its `transactional.id`.
    #[must_use]
    pub fn transactional_id(&self) -> &str {
        &self.transactional_id
    }

    /// The cluster that holds its ledger.
    #[must_use]
    pub fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    async fn publish(&self, claim: i64, requests: Vec<Outgoing>) -> Outcome {
        let publisher = self.clone();
        tokio::task::spawn_blocking(move || publisher.publish_blocking(claim, &requests))
            .await
            .unwrap_or_else(|fault| {
                Outcome::Unknown(BusError::Spent(format!("publishing broke off: {fault}")))
            })
    }

    fn publish_blocking(&self, claim: i64, requests: &[Outgoing]) -> Outcome {
        let client = self.producer.client();
        if let Err(error) = client.begin_transaction() {
            return Outcome::Unknown(self.sorted(&error));
        }
        let sent = self.producer.send_blocking(&self.topic, requests);
        if let Some((_, first)) = sent.failures.first() {
            let error = self.sorted(first);
            let refused = sent
                .failures
                .iter()
                .filter(|(_, error)| is_the_records_own_fault(error))
                .map(|(index, error)| (*index, error.to_string()))
                .collect();
            return self.abort(refused, error);
        }
        if let Err(error) = self.write_ledger(claim) {
            return self.abort(Vec::new(), self.sorted(&error));
        }
        match client.commit_transaction(Timeout::Never) {
            Ok(()) => Outcome::Published,
            Err(error) => Outcome::Unknown(self.sorted(&error)),
        }
    }

    /// The claim's number as this publisher's committed offset, within the transaction.
    fn write_ledger(&self, claim: i64) -> Result<(), KafkaError> {
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(&self.topic, LEDGER_PARTITION, Offset::Offset(claim))?;
        self.producer
            .client()
            .send_offsets_to_transaction(&offsets, &self.ledger, COORDINATOR_PATIENCE)
    }

    fn abort(&self, refused: Vec<(usize, String)>, error: BusError) -> Outcome {
        match self.producer.client().abort_transaction(COORDINATOR_PATIENCE) {
            Ok(()) => Outcome::NotPublished { refused, error },
            Err(abort) => {
                tracing::warn!(%abort, "a transaction could not be aborted");
                Outcome::Unknown(error)
            }
        }
    }

    fn sorted(&self, error: &KafkaError) -> BusError {
        if self.producer.is_spent() {
            return BusError::Spent(error.to_string());
        }
        match self.producer.trouble() {
            Some(refused @ BusError::Refused(_)) => refused,
            _ => BusError::from_kafka(error),
        }
    }
}

/// A producer whose `init_transactions` has answered: every older producer of that `transactional.id` is fenced, and
/// its open transaction has ended one way or the other.
pub(super) fn initialised(
    cluster: &Cluster,
    transactional_id: &str,
    transaction_timeout: Duration,
) -> Result<Producer, BusError> {
    let timeout = transaction_timeout.as_millis().to_string();
    let producer = Producer::with(
        cluster,
        &[
            ("transactional.id", transactional_id),
            ("transaction.timeout.ms", &timeout),
            // The claim is the batch: nothing is gained by waiting for more.
            ("linger.ms", "1"),
        ],
    )?;
    match producer.client().init_transactions(COORDINATOR_PATIENCE) {
        Ok(()) => Ok(producer),
        Err(error) => Err(match producer.trouble() {
            Some(refused @ BusError::Refused(_)) => refused,
            Some(BusError::Away(why)) => BusError::Away(format!("{error}: {why}")),
            _ => BusError::from_kafka(&error),
        }),
    }
}

/// The ledger of a publisher is the consumer group of its name; no consumer ever joins it.
fn ledger_group(cluster: &Cluster, transactional_id: &str) -> Result<ConsumerGroupMetadata, BusError> {
    let nobody: BaseConsumer<Context> =
        cluster.observer(&[("group.id", transactional_id), ("enable.auto.commit", "false")])?;
    nobody
        .group_metadata()
        .ok_or_else(|| BusError::Away("the ledger's group has no metadata".to_owned()))
}

/// Whether the record, not the broker or the connection, is to blame.
fn is_the_records_own_fault(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::MessageSizeTooLarge
                | RDKafkaErrorCode::InvalidMessageSize
                | RDKafkaErrorCode::InvalidMessage
                | RDKafkaErrorCode::InvalidTimestamp
                | RDKafkaErrorCode::InvalidRecord
                | RDKafkaErrorCode::PolicyViolation
        )
    )
}
