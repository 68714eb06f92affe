//! Publishing a claim: one Kafka transaction that holds every delivery request and, as this publisher's committed
//! offset in its ledger, the claim's number.
//!
//! What comes back has three values, see [`Outcome`]. The order of the calls and what each failure means:
//!
//! | call | fails | then |
//! | --- | --- | --- |
//! | begin | the producer was fenced or is spent | unknown: recovery decides |
//! | send, acknowledgements | a record is refused | abort |
//! | send, acknowledgements | a time-out, or a lost connection | abort, then a new producer |
//! | send the ledger's offset | the group's coordinator is away | abort, then a new producer |
//! | commit | anything | unknown: an error from a commit is no proof of an abort (librdkafka#4558) |
//! | read the ledger back | not the claim, or no answer | unknown |
//! | abort | answered, and the partitions know | not published |
//! | abort | anything else | unknown |
//!
//! The answer to a commit or an abort is a promise: the coordinator tells the partitions afterwards, and a broker that
//! dies or loses its session in between can forget to (see [`super::left_open`]). The claim is published when its ledger
//! shows it, and aborted when nothing of it holds back the readers.
//!
//! A request that has timed out may still reach its partition after the abort. Brokers take it then for the beginning of the
//! same producer's next transaction, and its commit would publish what was aborted (librdkafka has no KIP-890 yet:
//! librdkafka#5423). So that producer makes no other transaction: recovery fences it, and the publisher goes on under
//! another `transactional.id`.
//!
//! The commit has no time limit of its own (librdkafka's recommendation): an answer that is merely late must not
//! become an unknown. A broker that stays away ends it by the transaction's time-out.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, ConsumerGroupMetadata};
use rdkafka::error::KafkaError;
use rdkafka::producer::Producer as _;
use rdkafka::util::Timeout;

use super::context::Context;
use super::error::{Class, class_of, is_the_records_own_fault};
use super::ledger::entry;
use super::{BusError, Cluster, Ledger, LedgerEntry, Outgoing, Producer, blocking};
use crate::contract::time;

/// The longest wait for one of the broker's coordinators.
const COORDINATOR_PATIENCE: Duration = Duration::from_secs(30);
/// How often a publisher notes for all how far the claims have come.
const NOTE_NEWEST_EVERY: Duration = Duration::from_secs(10);

/// What became of a claim that was to be published.
#[derive(Debug)]
pub enum Outcome {
    /// Committed, and the partitions know: a `read_committed` consumer sees every request, or will.
    Published,
    /// Commit was never called and the abort has reached the partitions: no such consumer ever sees one of them.
    NotPublished {
        /// Requests that the broker refused for a reason of their own, by position, with the reason.
        refused: Vec<(usize, String)>,
        /// Whether requests may still be on their way to the broker: its producer must make no other transaction.
        has_stragglers: bool,
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
    pub async fn publish(&self, claim: LedgerEntry, requests: Vec<Outgoing>) -> Outcome {
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
    groups: Arc<Groups>,
    ledger: Ledger,
    written: Arc<Mutex<Written>>,
}

/// The consumer groups in which a publisher keeps what it has published.
struct Groups {
    /// Its ledger.
    ledger: ConsumerGroupMetadata,
    /// Reads the ledger back.
    reader: BaseConsumer<Context>,
    /// What all publishers of the queue share, see [`Ledger::newest_claim`].
    newest: ConsumerGroupMetadata,
    /// Whose claims they are.
    database: String,
}

/// What the groups hold.
struct Written {
    ledger: LedgerEntry,
    ledger_at: Instant,
    newest_at: Option<Instant>,
}

impl TransactionalPublisher {
    /// Makes the producer, initialises its transactions and begins its ledger: from the return on its claims can be
    /// recovered. The ledger's first entry is read back, for a broker can take transactions and keep nothing of them.
    ///
    /// `database` is the identity of the database whose claims are published, `transaction_timeout` is what the broker grants a transaction before it aborts it itself.
    ///
    /// # Errors
    /// [`BusError::Away`] while the coordinator cannot be reached, [`BusError::Refused`] where the broker does not
    /// support or allow transactions.
    pub async fn open(
        ledger: &Ledger,
        transactional_id: String,
        database: String,
        transaction_timeout: Duration,
    ) -> Result<Self, BusError> {
        let ledger = ledger.clone();
        blocking(move || {
            let cluster_id = ledger.look()?.id;
            let producer = initialised(ledger.cluster(), &transactional_id, transaction_timeout)?;
            let publisher = Self {
                producer,
                cluster_id: cluster_id.into(),
                topic: ledger.topic().into(),
                groups: Arc::new(Groups {
                    ledger: ledger.group(&transactional_id)?,
                    reader: ledger.reader(&transactional_id, "read_committed")?,
                    newest: ledger.newest_group()?,
                    database,
                }),
                written: Arc::new(Mutex::new(Written {
                    ledger: LedgerEntry::FIRST,
                    ledger_at: Instant::now(),
                    newest_at: None,
                })),
                transactional_id: transactional_id.into(),
                ledger,
            };
            publisher.write_alone(LedgerEntry::FIRST)?;
            if !publisher.shows(LedgerEntry::FIRST)? {
                return Err(BusError::Refused(
                    "the Kafka broker takes transactions and does not keep what they commit: use one that does, or set \
                     dispatch.semantics = \"at_least_once\""
                        .to_owned(),
                ));
            }
            Ok(publisher)
        })
        .await
    }

    /// Writes the ledger's entry again where it has not been written for `age`, so that Kafka does not forget the ledger
    /// of a publisher that had nothing to publish.
    ///
    /// # Errors
    /// As any transaction; the publisher is of no more use then.
    pub async fn keep_ledger(&self, age: Duration) -> Result<(), BusError> {
        let entry = {
            let written = self.written();
            if written.ledger_at.elapsed() < age {
                return Ok(());
            }
            written.ledger
        };
        let publisher = self.clone();
        blocking(move || publisher.write_alone(entry)).await
    }

    /// Lets it go; blocks for a moment, off the async threads.
    pub async fn close(self) {
        if tokio::task::spawn_blocking(move || drop(self)).await.is_err() {
            tracing::error!("a producer could not be closed");
        }
    }

    /// Lets it go, and deletes its ledger, which nobody will ask for: only where no claim of it is open. What the broker
    /// does not delete it forgets after offsets.retention.minutes.
    pub async fn close_for_good(self) {
        let (ledger, transactional_id) = (self.ledger.clone(), Arc::clone(&self.transactional_id));
        self.close().await;
        ledger.delete(&transactional_id).await;
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

    async fn publish(&self, claim: LedgerEntry, requests: Vec<Outgoing>) -> Outcome {
        let publisher = self.clone();
        tokio::task::spawn_blocking(move || publisher.publish_blocking(claim, &requests))
            .await
            .unwrap_or_else(|fault| {
                Outcome::Unknown(BusError::Spent(format!("publishing broke off: {fault}")))
            })
    }

    /// A transaction that holds nothing but the ledger's entry.
    fn write_alone(&self, entry: LedgerEntry) -> Result<(), BusError> {
        let client = self.producer.client();
        client
            .begin_transaction()
            .and_then(|()| self.write_ledger(entry))
            .and_then(|()| client.commit_transaction(COORDINATOR_PATIENCE))
            .map_err(|error| self.sorted(&error))?;
        self.note_written(entry);
        Ok(())
    }

    fn written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note_written(&self, entry: LedgerEntry) {
        let mut written = self.written();
        written.ledger = entry;
        written.ledger_at = Instant::now();
    }

    fn publish_blocking(&self, claim: LedgerEntry, requests: &[Outgoing]) -> Outcome {
        let client = self.producer.client();
        if let Err(error) = client.begin_transaction() {
            return Outcome::Unknown(self.sorted(&error));
        }
        failpoint!("publish::begun");
        let sent = self.producer.send_blocking(&self.topic, requests);
        failpoint!("publish::sent");
        if let Some((_, first)) = sent.failures.first() {
            let error = self.sorted(first);
            let refused = sent
                .failures
                .iter()
                .filter(|(_, error)| is_the_records_own_fault(error))
                .map(|(index, error)| (*index, error.to_string()))
                .collect();
            let has_stragglers = sent.failures.iter().any(|(_, error)| leaves_stragglers(error));
            return self.abort(refused, has_stragglers, error);
        }
        failpoint!(
            "publish::refused",
            self.abort(Vec::new(), false, BusError::Away("refused".to_owned()))
        );
        failpoint!(
            "publish::timed_out",
            self.abort(Vec::new(), true, BusError::Away("timed out".to_owned()))
        );
        if let Err(error) = self.write_ledger(claim).and_then(|()| self.note_newest(claim)) {
            return self.abort(Vec::new(), leaves_stragglers(&error), self.sorted(&error));
        }
        failpoint!("publish::uncommitted");
        match client.commit_transaction(Timeout::Never) {
            Ok(()) => {
                failpoint!("publish::committed");
                match self.shows(claim) {
                    Ok(true) => {}
                    Ok(false) => {
                        return Outcome::Unknown(BusError::Away(
                            "the broker has answered a commit and does not show it".to_owned(),
                        ));
                    }
                    Err(error) => return Outcome::Unknown(error),
                }
                failpoint!(
                    "publish::committed_unheard",
                    Outcome::Unknown(BusError::Away("lost".to_owned()))
                );
                self.note_written(claim);
                Outcome::Published
            }
            Err(error) => Outcome::Unknown(self.sorted(&error)),
        }
    }

    /// Whether the ledger, read as a `read_committed` consumer reads, has come to the entry.
    fn shows(&self, entry: LedgerEntry) -> Result<bool, BusError> {
        let shown = self.ledger.read_with(&self.groups.reader, COORDINATOR_PATIENCE)?;
        Ok(shown == Some(entry))
    }

    /// The claim as this publisher's committed offset, within the transaction.
    fn write_ledger(&self, claim: LedgerEntry) -> Result<(), KafkaError> {
        self.producer.client().send_offsets_to_transaction(
            &entry(&self.topic, claim.claim, &time::format(&claim.claimed_at))?,
            &self.groups.ledger,
            COORDINATOR_PATIENCE,
        )
    }

    /// The claim for all publishers to see, within the transaction, now and then.
    fn note_newest(&self, claim: LedgerEntry) -> Result<(), KafkaError> {
        let noted = self.written().newest_at;
        if noted.is_some_and(|noted| noted.elapsed() < NOTE_NEWEST_EVERY) {
            return Ok(());
        }
        self.producer.client().send_offsets_to_transaction(
            &entry(&self.topic, claim.claim, &self.groups.database)?,
            &self.groups.newest,
            COORDINATOR_PATIENCE,
        )?;
        self.written().newest_at = Some(Instant::now());
        Ok(())
    }

    fn abort(&self, refused: Vec<(usize, String)>, has_stragglers: bool, error: BusError) -> Outcome {
        failpoint!("publish::unaborted");
        match self.producer.client().abort_transaction(COORDINATOR_PATIENCE) {
            Ok(()) if !self.ledger.is_marked().unwrap_or(false) => {
                // The coordinator may have left markers out. The next commit would publish what was aborted.
                Outcome::Unknown(error)
            }
            Ok(()) => {
                failpoint!("publish::aborted");
                failpoint!(
                    "publish::aborted_unheard",
                    Outcome::Unknown(BusError::Away("lost".to_owned()))
                );
                Outcome::NotPublished {
                    refused,
                    has_stragglers,
                    error,
                }
            }
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

/// Whether the failure of a record or call leaves open whether the broker gets it later: no answer has come.
fn leaves_stragglers(error: &KafkaError) -> bool {
    error
        .rdkafka_error_code()
        .is_none_or(|code| matches!(class_of(code), Class::Transient | Class::Spent))
}

/// A producer whose `init_transactions` has answered: every older producer of that `transactional.id` is fenced, and
/// its open transaction has ended one way or the other.
pub(super) fn initialised(
    cluster: &Cluster,
    transactional_id: &str,
    transaction_timeout: Duration,
) -> Result<Producer, BusError> {
    // The claim is the batch: nothing is gained by waiting for more.
    initialised_with(
        cluster,
        transactional_id,
        transaction_timeout,
        &[("linger.ms", "1")],
    )
}

/// The same with properties of its own.
pub(super) fn initialised_with(
    cluster: &Cluster,
    transactional_id: &str,
    transaction_timeout: Duration,
    ours: &[(&str, &str)],
) -> Result<Producer, BusError> {
    let timeout = transaction_timeout.as_millis().to_string();
    let mut all = vec![
        ("transactional.id", transactional_id),
        ("transaction.timeout.ms", &timeout),
    ];
    all.extend_from_slice(ours);
    let producer = Producer::with(cluster, &all)?;
    match producer.client().init_transactions(COORDINATOR_PATIENCE) {
        Ok(()) => {
            producer.succeeded();
            Ok(producer)
        }
        Err(error) => Err(match producer.trouble() {
            Some(refused @ BusError::Refused(_)) => refused,
            Some(BusError::Away(why)) => BusError::Away(format!("{error}: {why}")),
            _ => BusError::from_kafka(&error),
        }),
    }
}
