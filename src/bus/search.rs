//! Looking for a delivery request in the topic itself: slow, and the last resort where a ledger is undecided.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::cluster::{look_with, serve};
use super::context::Context;
use super::{BusError, Ledger, Record, blocking};

/// The longest search.
const SEARCH: Duration = Duration::from_mins(2);
const CALL: Duration = Duration::from_secs(10);
/// How far the clocks of the database and of those who publish may be apart.
const CLOCKS: Duration = Duration::from_mins(10);
/// How long open transactions are waited for at a time: other claims wait meanwhile, and this one is judged again soon.
const OPEN_TRANSACTIONS: Duration = Duration::from_secs(15);
/// Between two looks whether open transactions have ended.
const PAUSE: Duration = Duration::from_millis(200);

impl Ledger {
    /// Whether a `read_committed` consumer sees this attempt's request among those that were published after `since`, once
    /// every transaction that is open now has ended. `None` where the topic may have lost it: it begins later.
    ///
    /// The publisher must have been shut out before: what it has begun may else be published after the answer.
    ///
    /// # Errors
    /// If the brokers are away or refuse us, or transactions stay open.
    pub async fn holds_request(
        &self,
        notification_id: i64,
        attempt: u32,
        since: DateTime<Utc>,
    ) -> Result<Option<bool>, BusError> {
        let ledger = self.clone();
        blocking(move || {
            let mut search = Search::new(&ledger, since)?;
            search.wait_for_open_transactions()?;
            search.find(notification_id, attempt)
        })
        .await
    }
}

struct Search<'a> {
    topic: &'a str,
    partitions: Vec<i32>,
    /// Sees what is committed.
    reader: BaseConsumer<Context>,
    /// Sees where the topic ends.
    onlooker: BaseConsumer<Context>,
    since: DateTime<Utc>,
    deadline: Instant,
}

impl<'a> Search<'a> {
    fn new(ledger: &'a Ledger, since: DateTime<Utc>) -> Result<Self, BusError> {
        let topic = ledger.topic();
        let client = |isolation| {
            ledger.cluster().observer(&[
                ("isolation.level", isolation),
                ("enable.partition.eof", "true"),
                ("enable.auto.commit", "false"),
                // It needs one to be made, and never joins it.
                ("group.id", ledger.queue()),
            ])
        };
        let reader = client("read_committed")?;
        let count = look_with(&reader, CALL)?.topics.get(topic).copied().unwrap_or(0);
        Ok(Self {
            topic,
            partitions: (0..count)
                .filter_map(|number| i32::try_from(number).ok())
                .collect(),
            reader,
            onlooker: client("read_uncommitted")?,
            since: since - CLOCKS,
            deadline: Instant::now() + SEARCH,
        })
    }

    /// A `read_committed` consumer sees nothing behind a transaction that is open: until each partition is free as far as
    /// it reaches now.
    fn wait_for_open_transactions(&self) -> Result<(), BusError> {
        let patience = Instant::now() + OPEN_TRANSACTIONS;
        for partition in &self.partitions {
            let (_, end) = self
                .onlooker
                .fetch_watermarks(self.topic, *partition, CALL)
                .map_err(|error| BusError::from_kafka(&error))?;
            loop {
                let (_, stable) = self
                    .reader
                    .fetch_watermarks(self.topic, *partition, CALL)
                    .map_err(|error| BusError::from_kafka(&error))?;
                if stable >= end {
                    break;
                }
                if Instant::now() >= patience {
                    return Err(BusError::Away(format!(
                        "a transaction on {} stays open",
                        self.topic
                    )));
                }
                std::thread::sleep(PAUSE);
            }
        }
        Ok(())
    }

    fn in_time(&self) -> Result<(), BusError> {
        if Instant::now() < self.deadline {
            return Ok(());
        }
        Err(BusError::Away(format!(
            "{} could not be searched within {} s",
            self.topic,
            SEARCH.as_secs()
        )))
    }

    fn find(&mut self, notification_id: i64, attempt: u32) -> Result<Option<bool>, BusError> {
        let mut asked = TopicPartitionList::new();
        for partition in &self.partitions {
            asked
                .add_partition_offset(
                    self.topic,
                    *partition,
                    Offset::Offset(self.since.timestamp_millis()),
                )
                .map_err(|error| BusError::from_kafka(&error))?;
        }
        let begin = self
            .reader
            .offsets_for_times(asked, CALL)
            .map_err(|error| BusError::from_kafka(&error))?;
        let mut complete = true;
        for element in begin.elements() {
            let (low, _) = self
                .reader
                .fetch_watermarks(self.topic, element.partition(), CALL)
                .map_err(|error| BusError::from_kafka(&error))?;
            // What is older was deleted, and perhaps more with it.
            complete &= low == 0 || element.offset() != Offset::Offset(low);
        }
        self.reader
            .assign(&begin)
            .map_err(|error| BusError::from_kafka(&error))?;
        let (id, attempt) = (notification_id.to_string(), attempt.to_string());
        let mut ended = BTreeSet::new();
        while ended.len() < self.partitions.len() {
            self.in_time()?;
            match self.reader.poll(PAUSE) {
                Some(Ok(message)) => {
                    let record = Record::from_message(&message);
                    if record.header("notification-id") == Some(id.as_bytes())
                        && record.header("attempt") == Some(attempt.as_bytes())
                    {
                        return Ok(Some(true));
                    }
                }
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    ended.insert(partition);
                }
                Some(Err(error)) => return Err(BusError::from_kafka(&error)),
                None => serve(&self.onlooker),
            }
        }
        Ok(complete.then_some(false))
    }
}
