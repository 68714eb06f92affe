//! What Kafka knows of a publisher's claims.
//!
//! The order is what makes the answer final: first fence, then read. `InitProducerId` returns only after the older
//! producer's open transaction has ended, and from then on nothing of that producer can be committed; the committed
//! offset is read with `isolation.level=read_committed`, so that the read waits for offsets that are being decided.
//! Materialize's Kafka sink does the same two steps in the same order.

use std::time::Duration;

use rdkafka::{Offset, TopicPartitionList};

use super::cluster::committed_offsets;
use super::publisher::{LEDGER_PARTITION, initialised};
use super::{BusError, Cluster, blocking};

const READ_PATIENCE: Duration = Duration::from_secs(20);
/// How long the fencing producer's own transactions could stay open; it makes none.
const FENCE_TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);

/// The ledgers of all publishers on one cluster.
#[derive(Clone, Debug)]
pub struct Ledger {
    cluster: Cluster,
    topic: String,
}

/// A ledger, read after its publisher was fenced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The cluster that was asked.
    pub cluster_id: String,
    /// The newest claim that was published; `None` if the ledger has no entry.
    pub published: Option<i64>,
}

impl Ledger {
    /// The ledgers of publishers to `topic`.
    #[must_use]
    pub const fn new(cluster: Cluster, topic: String) -> Self {
        Self { cluster, topic }
    }

    /// Which cluster would be asked.
    ///
    /// # Errors
    /// If the brokers are away or refuse us.
    pub async fn cluster_id(&self) -> Result<String, BusError> {
        Ok(self.cluster.look(READ_PATIENCE).await?.id)
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
            ledger.read(&transactional_id)
        })
        .await
    }

    fn read(&self, transactional_id: &str) -> Result<Reading, BusError> {
        let reader = self.cluster.observer(&[
            ("group.id", transactional_id),
            ("enable.auto.commit", "false"),
            ("isolation.level", "read_committed"),
        ])?;
        let view = super::cluster::look_with(&reader, READ_PATIENCE)?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition(&self.topic, LEDGER_PARTITION);
        let committed = committed_offsets(&reader, &asked, READ_PATIENCE)?;
        let entry = committed
            .find_partition(&self.topic, LEDGER_PARTITION)
            .ok_or_else(|| BusError::Away("the ledger's answer lacks the partition".to_owned()))?;
        entry.error().map_err(|error| BusError::from_kafka(&error))?;
        let published = match entry.offset() {
            Offset::Offset(claim) => Some(claim),
            _ => None,
        };
        Ok(Reading {
            cluster_id: view.id,
            published,
        })
    }
}
