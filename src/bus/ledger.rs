//! What Kafka knows of a publisher's claims.
//!
//! The ledger of a publisher is the consumer group of its name; no consumer ever joins it. Its committed offset is the
//! number of the claim that was published last, its metadata the time of that claim: a number alone could come again
//! after the database was restored from a backup. It is begun when its publisher is opened, so that an empty ledger is
//! one that Kafka has forgotten (its offsets have expired, or the deliveries topic was deleted), and proves nothing.
//!
//! The order is what makes the answer final: first fence, then read. `InitProducerId` returns only after the older
//! producer's open transaction has ended, and from then on nothing of that producer can be committed; the committed
//! offset is read with `isolation.level=read_committed`, so that the read waits for offsets that are being decided.
//! Materialize's Kafka sink does the same two steps in the same order.

use std::time::Duration;

use chrono::{DateTime, Utc};
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;

use super::cluster::committed_offsets;
use super::context::Context;
use super::publisher::initialised;
use super::{BusError, Cluster, ClusterView, blocking};
use crate::contract::time;

/// The partition of the deliveries topic in whose name a ledger keeps its offset. Every topic has it.
const PARTITION: i32 = 0;
/// A service that stops does not wait for long.
const DELETE_PATIENCE: Duration = Duration::from_secs(2);
const READ_PATIENCE: Duration = Duration::from_secs(20);
/// After the fence nothing is open any more: what Kafka still calls undecided then it has lost the decision of.
const DECIDED_WITHIN: Duration = Duration::from_secs(5);
/// How long the fencing producer's own transactions could stay open; it makes none.
const FENCE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The ledgers of all publishers of one queue.
#[derive(Clone, Debug)]
pub struct Ledger {
    cluster: Cluster,
    topic: String,
    queue: String,
}

/// A claim, as a ledger names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// The claim's number.
    pub claim: i64,
    /// When it was made, in whole milliseconds.
    pub claimed_at: DateTime<Utc>,
}

impl LedgerEntry {
    /// How a ledger begins: before every claim.
    pub(super) const FIRST: Self = Self {
        claim: 0,
        claimed_at: DateTime::UNIX_EPOCH,
    };
}

/// A claim's number, with what is noted beside it, as offsets that a transaction can commit.
pub(super) fn entry(topic: &str, claim: i64, beside: &str) -> Result<TopicPartitionList, KafkaError> {
    let mut offsets = TopicPartitionList::new();
    let mut entry = offsets.add_partition(topic, PARTITION);
    entry.set_offset(Offset::Offset(claim))?;
    entry.set_metadata(beside);
    Ok(offsets)
}

/// What a fenced publisher's ledger says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// The claim that was published last.
    Published(LedgerEntry),
    /// Kafka has forgotten.
    Forgotten,
    /// Kafka has ended the publisher's transactions, and does not tell how the last one that wrote here has ended: the
    /// group's end marker was never written, see [`Ledger::abort_left_open`].
    Undecided,
}

impl Ledger {
    /// The ledgers of publishers to `topic`. What they keep in Kafka is named after the `queue`.
    #[must_use]
    pub const fn new(cluster: Cluster, topic: String, queue: String) -> Self {
        Self {
            cluster,
            topic,
            queue,
        }
    }

    /// Where their publishers publish.
    pub(super) const fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// What they publish to.
    pub(super) fn topic(&self) -> &str {
        &self.topic
    }

    /// What the names of their publishers begin with.
    #[must_use]
    pub fn queue(&self) -> &str {
        &self.queue
    }

    /// Which cluster would be asked.
    ///
    /// # Errors
    /// If the brokers are away or refuse us.
    pub async fn cluster_id(&self) -> Result<String, BusError> {
        let ledger = self.clone();
        blocking(move || Ok(ledger.look()?.id)).await
    }

    /// Fences the publisher of that `transactional.id`, then reads which of its claims was published last.
    ///
    /// Never call it for a `transactional.id` that is to publish again.
    ///
    /// # Errors
    /// If the brokers are away or refuse us; then nothing is known, and the call may be repeated.
    pub async fn fence_and_read(&self, transactional_id: &str) -> Result<Reading, BusError> {
        let (ledger, transactional_id) = (self.clone(), transactional_id.to_owned());
        blocking(move || {
            drop(initialised(
                &ledger.cluster,
                &transactional_id,
                FENCE_TRANSACTION_TIMEOUT,
            )?);
            failpoint!("recovery::fenced");
            match ledger.read(&transactional_id, DECIDED_WITHIN) {
                Ok(entry) => Ok(entry.map_or(Reading::Forgotten, Reading::Published)),
                Err(BusError::Away(why)) => {
                    // Without waiting for decisions the same group answers, or the broker is away indeed.
                    let reader = ledger.reader(&transactional_id, "read_uncommitted")?;
                    ledger.committed(&reader, DECIDED_WITHIN)?;
                    tracing::warn!(transactional.id = transactional_id, why, "a ledger is undecided");
                    Ok(Reading::Undecided)
                }
                Err(error) => Err(error),
            }
        })
        .await
    }

    /// A claim of this database that is about as new as the newest that was published, by whomever: publishers note it
    /// every few seconds. `None` if nobody has, or for another database. A database that numbers its next claim no
    /// higher is older than what was published from it.
    ///
    /// # Errors
    /// If the brokers are away or refuse us.
    pub async fn newest_claim(&self, database: String) -> Result<Option<i64>, BusError> {
        let ledger = self.clone();
        blocking(move || {
            // Not read_committed: what a publisher notes just now, or has left open by dying, need not be waited for.
            let reader = ledger.reader(&ledger.newest_name(), "read_uncommitted")?;
            let noted = ledger.committed(&reader, READ_PATIENCE)?;
            Ok(noted
                .filter(|(_, whose)| *whose == database)
                .map(|(claim, _)| claim))
        })
        .await
    }

    /// Deletes the ledger of a publisher that has no open claim and will make none. That it stays is said, and harmless.
    pub async fn delete(&self, transactional_id: &str) {
        let (cluster, group, runtime) = (
            self.cluster.clone(),
            transactional_id.to_owned(),
            Handle::current(),
        );
        let deleted = blocking(move || cluster.delete_group(&group, DELETE_PATIENCE, &runtime)).await;
        if let Err(error) = deleted {
            tracing::info!(transactional.id = transactional_id, %error, "the group of a publisher's ledger stays");
        }
    }

    pub(super) fn look(&self) -> Result<ClusterView, BusError> {
        super::cluster::look_with(&self.cluster.observer(&[])?, None, READ_PATIENCE)
    }

    fn read(&self, transactional_id: &str, patience: Duration) -> Result<Option<LedgerEntry>, BusError> {
        self.read_with(&self.reader(transactional_id, "read_committed")?, patience)
    }

    /// What the group of the reader holds.
    pub(super) fn read_with(
        &self,
        reader: &BaseConsumer<Context>,
        patience: Duration,
    ) -> Result<Option<LedgerEntry>, BusError> {
        let Some((claim, noted)) = self.committed(reader, patience)? else {
            return Ok(None);
        };
        match time::parse(&noted) {
            Some(claimed_at) => Ok(Some(LedgerEntry { claim, claimed_at })),
            None => Err(BusError::Refused(format!(
                "a publisher's consumer group holds {noted:?}, which no publisher has written"
            ))),
        }
    }

    /// The group of a publisher's ledger.
    pub(super) fn group(&self, transactional_id: &str) -> Result<ConsumerGroupMetadata, BusError> {
        self.reader(transactional_id, "read_committed")?
            .group_metadata()
            .ok_or_else(|| BusError::Away("the ledger's group has no metadata".to_owned()))
    }

    /// The group in which all publishers note the newest claim.
    pub(super) fn newest_group(&self) -> Result<ConsumerGroupMetadata, BusError> {
        self.group(&self.newest_name())
    }

    fn newest_name(&self) -> String {
        format!("{}-newest-claim", self.queue)
    }

    pub(super) fn reader(&self, group: &str, isolation: &str) -> Result<BaseConsumer<Context>, BusError> {
        self.cluster.observer(&[
            ("group.id", group),
            ("enable.auto.commit", "false"),
            ("isolation.level", isolation),
            // A commit is being told to the partitions for a millisecond or two: ask again soon.
            ("retry.backoff.ms", "2"),
            ("retry.backoff.max.ms", "100"),
        ])
    }

    /// The offset of the reader's group, with its metadata.
    fn committed(
        &self,
        reader: &BaseConsumer<Context>,
        patience: Duration,
    ) -> Result<Option<(i64, String)>, BusError> {
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&self.topic, PARTITION);
        let committed = committed_offsets(reader, &asked, patience)?;
        let entry = committed
            .find_partition(&self.topic, PARTITION)
            .ok_or_else(|| BusError::Away("the ledger's answer lacks the partition".to_owned()))?;
        entry.error().map_err(|error| BusError::from_kafka(&error))?;
        Ok(match entry.offset() {
            Offset::Offset(claim) => Some((claim, entry.metadata().to_owned())),
            _ => None,
        })
    }
}
