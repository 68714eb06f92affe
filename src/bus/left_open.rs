//! Transactions that Kafka has ended without telling the partitions.
//!
//! A coordinator that finds no leader for a partition takes it for deleted and leaves its end marker out: seen on 4.3.1
//! when the broker that has the only replica is restarted, or was frozen for so long that it lost its session, while a
//! transaction ends. The transaction is over, and for `read_committed` consumers open for ever: they see nothing that
//! comes after it. Its producer's next transaction on such a partition ends it too, and ends it in the same way.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::producer::Producer as _;
use rdkafka::{Message as _, Offset, TopicPartitionList};

use super::cluster::{look_with, serve};
use super::context::Context;
use super::publisher::initialised;
use super::search::request_of;
use super::{BusError, Ledger, Record, blocking};

const CALL: Duration = Duration::from_secs(10);
/// How long the ending itself could stay open.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);
/// A transaction that has ended shows its markers within milliseconds of a healthy broker. Others wait for recovery, and
/// what it finds open is looked at closely.
const OPEN_AFTER: Duration = Duration::from_millis(500);
/// After an abort more is to be lost by not waiting: its publisher goes to recovery.
const MARKED_WITHIN: Duration = Duration::from_secs(3);
/// The longest reading of what stands behind an open transaction.
const READ: Duration = Duration::from_mins(1);
const PAUSE: Duration = Duration::from_millis(20);

/// A partition of the deliveries topic of which `read_committed` consumers do not see everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldBack {
    /// Which one.
    pub partition: i32,
    /// Where the oldest open transaction begins.
    pub from: i64,
    /// Where the partition ended when it was looked at.
    pub end: i64,
}

impl Ledger {
    /// Where `read_committed` consumers of the deliveries topic are held back by a transaction that was open at the call
    /// and still is; one that a publisher is just about to end is waited for, for half a second.
    ///
    /// # Errors
    /// If the brokers are away or refuse us.
    pub async fn held_back(&self) -> Result<Vec<HeldBack>, BusError> {
        let ledger = self.clone();
        blocking(move || ledger.held_back_after(OPEN_AFTER)).await
    }

    /// [`Ledger::held_back`], on a thread that may block and with a patience of its own.
    pub(super) fn held_back_after(&self, patience: Duration) -> Result<Vec<HeldBack>, BusError> {
        let (reader, onlooker) = (self.looker("read_committed")?, self.looker("read_uncommitted")?);
        let deadline = Instant::now() + patience;
        let mut held_back = Vec::new();
        for partition in look_with(&reader, Some(self.topic()), CALL)?.partitions(self.topic()) {
            let end = self.end_for(&onlooker, partition)?;
            loop {
                let from = self.end_for(&reader, partition)?;
                if from >= end {
                    break;
                }
                if Instant::now() >= deadline {
                    held_back.push(HeldBack { partition, from, end });
                    break;
                }
                std::thread::sleep(PAUSE);
            }
        }
        Ok(held_back)
    }

    /// Whether a transaction of this topic that has just been aborted is aborted for its readers too.
    pub(super) fn is_marked(&self) -> Result<bool, BusError> {
        Ok(self.held_back_after(MARKED_WITHIN)?.is_empty())
    }

    /// Aborts what is left open of that `transactional.id` in the deliveries topic; what was committed or aborted stays
    /// so. The ledger stays undecided, so that whoever comes after a crash judges by the topic again: partitions that had
    /// got their marker keep its outcome, so the claim may be published in part.
    ///
    /// # Errors
    /// If the brokers are away or refuse us; the call may be repeated.
    pub async fn abort_left_open(&self, transactional_id: &str) -> Result<(), BusError> {
        let (ledger, transactional_id) = (self.clone(), transactional_id.to_owned());
        blocking(move || {
            let partitions =
                look_with(&ledger.cluster().observer(&[])?, None, CALL)?.partitions(ledger.topic());
            ledger.abort_on(&partitions, &transactional_id)
        })
        .await
    }

    /// Aborts what is left open of a claim that was not published, and returns on how many partitions. `requests` are
    /// those of the claim (notification and attempt): where none of them stands behind the open transaction, it is
    /// somebody else's.
    ///
    /// # Errors
    /// If the brokers are away or refuse us; the call may be repeated.
    pub async fn abort_unpublished(
        &self,
        transactional_id: &str,
        held_back: Vec<HeldBack>,
        requests: BTreeSet<(i64, u32)>,
    ) -> Result<usize, BusError> {
        let (ledger, transactional_id) = (self.clone(), transactional_id.to_owned());
        blocking(move || {
            let ours = ledger.partitions_with(&held_back, &requests)?;
            if !ours.is_empty() {
                ledger.abort_on(&ours, &transactional_id)?;
            }
            Ok(ours.len())
        })
        .await
    }

    fn abort_on(&self, partitions: &[i32], transactional_id: &str) -> Result<(), BusError> {
        let producer = initialised(self.cluster(), transactional_id, TRANSACTION_TIMEOUT)?;
        let client = producer.client();
        client
            .begin_transaction()
            .and_then(|()| producer.touch_blocking(self.topic(), partitions, transactional_id))
            .and_then(|()| client.abort_transaction(CALL))
            .map_err(|error| BusError::from_kafka(&error))
    }

    /// On which of the partitions one of the requests stands, committed or not, from the open transaction on.
    fn partitions_with(
        &self,
        held_back: &[HeldBack],
        requests: &BTreeSet<(i64, u32)>,
    ) -> Result<Vec<i32>, BusError> {
        let reader = self.looker("read_uncommitted")?;
        let mut begin = TopicPartitionList::new();
        for held in held_back {
            begin
                .add_partition_offset(self.topic(), held.partition, Offset::Offset(held.from))
                .map_err(|error| BusError::from_kafka(&error))?;
        }
        reader
            .assign(&begin)
            .map_err(|error| BusError::from_kafka(&error))?;
        let deadline = Instant::now() + READ;
        let mut found = BTreeSet::new();
        let mut ended = BTreeSet::new();
        while !held_back
            .iter()
            .all(|held| found.contains(&held.partition) || ended.contains(&held.partition))
        {
            match reader.poll(PAUSE) {
                Some(Ok(message)) => {
                    let request = request_of(&Record::from_message(&message));
                    if request.is_some_and(|request| requests.contains(&request)) {
                        found.insert(message.partition());
                    }
                    if held_back
                        .iter()
                        .any(|held| held.partition == message.partition() && message.offset() >= held.end)
                    {
                        ended.insert(message.partition());
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    ended.insert(partition);
                }
                Some(Err(error)) => return Err(BusError::from_kafka(&error)),
                None => {}
            }
            if Instant::now() >= deadline {
                return Err(BusError::Away(format!(
                    "{} could not be read within {} s",
                    self.topic(),
                    READ.as_secs()
                )));
            }
        }
        Ok(found.into_iter().collect())
    }

    fn end_for(&self, client: &BaseConsumer<Context>, partition: i32) -> Result<i64, BusError> {
        serve(client);
        client
            .fetch_watermarks(self.topic(), partition, CALL)
            .map(|(_, end)| end)
            .map_err(|error| BusError::from_kafka(&error))
    }

    /// A client that reads the deliveries topic on its own account.
    pub(super) fn looker(&self, isolation: &str) -> Result<BaseConsumer<Context>, BusError> {
        self.cluster().observer(&[
            ("isolation.level", isolation),
            ("enable.partition.eof", "true"),
            ("enable.auto.commit", "false"),
            // It needs one to be made, and never joins it.
            ("group.id", self.queue()),
        ])
    }
}
