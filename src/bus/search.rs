//! Looking for delivery requests in the topic itself: slow, and the last resort where a ledger is undecided.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::cluster::look_with;
use super::context::Context;
use super::{BusError, Ledger, Record, blocking};

/// The longest search.
const SEARCH: Duration = Duration::from_mins(2);
const CALL: Duration = Duration::from_secs(10);
/// How far the clocks of the database and of those who publish may be apart.
const CLOCKS: Duration = Duration::from_mins(10);
/// How long open transactions are waited for at a time: other claims wait meanwhile, and this one is judged again soon.
const OPEN_TRANSACTIONS: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(200);

/// What the deliveries topic tells of a claim's requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The notifications whose request is there.
    pub found: BTreeSet<i64>,
    /// Whether the topic still has everything that was published since: if not, one that was not found may have been lost.
    pub complete: bool,
}

impl Ledger {
    /// Which of these requests (notification and attempt) a `read_committed` consumer sees among those that were published
    /// after `since`, once every transaction that is open now has ended.
    ///
    /// The publisher must have been shut out before: what it has begun may else be published after the answer.
    ///
    /// # Errors
    /// If the brokers are away or refuse us, or transactions stay open.
    pub async fn held_requests(
        &self,
        requests: BTreeSet<(i64, u32)>,
        since: DateTime<Utc>,
    ) -> Result<Held, BusError> {
        let ledger = self.clone();
        blocking(move || {
            // A read_committed consumer sees nothing behind a transaction that is open.
            if !ledger.held_back_after(OPEN_TRANSACTIONS)?.is_empty() {
                return Err(BusError::Away(format!(
                    "a transaction on {} stays open",
                    ledger.topic()
                )));
            }
            Search::new(&ledger, since)?.find(&requests)
        })
        .await
    }
}

struct Search<'a> {
    topic: &'a str,
    partitions: Vec<i32>,
    /// Sees what is committed.
    reader: BaseConsumer<Context>,
    since: DateTime<Utc>,
    deadline: Instant,
}

impl<'a> Search<'a> {
    fn new(ledger: &'a Ledger, since: DateTime<Utc>) -> Result<Self, BusError> {
        let topic = ledger.topic();
        let reader = ledger.looker("read_committed")?;
        Ok(Self {
            topic,
            partitions: look_with(&reader, None, CALL)?.partitions(topic),
            reader,
            since: since - CLOCKS,
            deadline: Instant::now() + SEARCH,
        })
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

    fn find(&mut self, requests: &BTreeSet<(i64, u32)>) -> Result<Held, BusError> {
        let complete = self.begin()?;
        let mut found = BTreeSet::new();
        let mut ended = BTreeSet::new();
        while found.len() < requests.len() && ended.len() < self.partitions.len() {
            self.in_time()?;
            match self.reader.poll(PAUSE) {
                Some(Ok(message)) => found.extend(
                    request_of(&Record::from_message(&message))
                        .filter(|request| requests.contains(request))
                        .map(|(notification_id, _)| notification_id),
                ),
                Some(Err(KafkaError::PartitionEOF(partition))) => {
                    ended.insert(partition);
                }
                Some(Err(error)) => return Err(BusError::from_kafka(&error)),
                None => {}
            }
        }
        Ok(Held { found, complete })
    }

    /// Goes to where the search begins, and tells whether the topic still has all that was published since.
    fn begin(&self) -> Result<bool, BusError> {
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
        let mut complete = !self.partitions.is_empty();
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
        Ok(complete)
    }
}

/// Which notification a delivery request is for, and which attempt it is.
pub(super) fn request_of(record: &Record) -> Option<(i64, u32)> {
    let number = |name| std::str::from_utf8(record.header(name)?).ok();
    Some((
        number("notification-id")?.parse().ok()?,
        number("attempt")?.parse().ok()?,
    ))
}
