//! Records that were read together, and the offsets behind them.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::Record;
use super::consumer::GroupContext;
use super::in_flight::Ticket;

/// Records that were read together.
pub struct Batch {
    /// In the order of their offsets within each partition; at least one.
    pub records: Vec<Record>,
    pub(super) offsets: Offsets,
    /// While it lives, a revocation waits for the batch.
    pub(super) ticket: Ticket,
}

impl Batch {
    /// Everything in it is durable elsewhere: stores the offsets behind its records. A batch that is dropped instead
    /// comes again after a rebalance or a restart.
    pub fn finish(self) {
        self.offsets.store();
    }

    /// Its records and the offsets behind them, each partition on its own, for a worker that ends with some earlier than
    /// with others. A revocation no longer waits for them.
    #[must_use]
    pub fn into_partitions(self) -> BTreeMap<i32, (Vec<Record>, Offsets)> {
        drop(self.ticket);
        let mut parts: BTreeMap<i32, (Vec<Record>, Offsets)> = BTreeMap::new();
        for record in self.records {
            let offsets = || self.offsets.of(record.partition);
            let (records, _) = parts
                .entry(record.partition)
                .or_insert_with(|| (Vec::new(), offsets()));
            records.push(record);
        }
        parts
    }
}

/// The offsets behind records that were read. Dropped, they are forgotten, and the records come again.
pub struct Offsets {
    pub(super) next: BTreeMap<i32, i64>,
    pub(super) consumer: Weak<BaseConsumer<GroupContext>>,
    pub(super) topic: Arc<str>,
}

impl Offsets {
    fn of(&self, partition: i32) -> Self {
        let next = self.next.get_key_value(&partition);
        Self {
            next: next
                .into_iter()
                .map(|(partition, next)| (*partition, *next))
                .collect(),
            consumer: Weak::clone(&self.consumer),
            topic: Arc::clone(&self.topic),
        }
    }

    /// All before them is durable elsewhere: librdkafka may commit them.
    pub fn store(self) {
        // Gone: the consumer was closed meanwhile, and the records come again.
        let Some(consumer) = self.consumer.upgrade() else {
            return;
        };
        let mut offsets = TopicPartitionList::with_capacity(self.next.len());
        for (partition, next) in &self.next {
            if let Err(error) = offsets.add_partition_offset(&self.topic, *partition, Offset::Offset(*next)) {
                tracing::error!(partition, next, %error, "an offset cannot be expressed");
            }
        }
        // A partition that was taken from us meanwhile is refused; its records come again elsewhere.
        if let Err(error) = consumer.store_offsets(&offsets) {
            tracing::info!(topic = %self.topic, %error, "offsets of a revoked partition were not stored");
        }
    }
}
