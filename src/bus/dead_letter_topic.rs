//! Looking at the dead letters of a topic. No consumer group is joined and no offset is kept: looking changes nothing.
//!
//! The newest letters are found from the end: each partition is read in windows that lie ever further back, each from its
//! beginning to its end, for that is the only direction in which Kafka reads.

use std::collections::BTreeMap;
use std::ops::{ControlFlow, Range};
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Message as _, Offset, TopicPartitionList};
use tokio::sync::mpsc;

use super::cluster::look_with;
use super::context::Context;
use super::newest::Newest;
use super::{BusError, Cluster, Letter, Record, Stretch, blocking};
use crate::contract::Reason;

/// How long brokers may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a search for the newest letters may take before it is content with what it has.
const SEARCH: Duration = Duration::from_secs(20);
const POLL_SLICE: Duration = Duration::from_millis(100);
/// The least and the most records of one window.
const WINDOW: (i64, i64) = (100, 16_384);
/// What the newest letters may take together; fewer are returned where they are long.
const NEWEST_BYTES: usize = 32 * 1024 * 1024;
/// What is handed over at a time when a topic is read as a whole.
const PORTION_LETTERS: usize = 500;
const PORTION_BYTES: usize = 8 * 1024 * 1024;

/// A dead-letter topic, to be looked at.
#[derive(Clone, Debug)]
pub struct DeadLetterTopic {
    cluster: Cluster,
    topic: String,
    group_id: String,
}

/// Which letters to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How many at most; taken as 1 to [`MOST`](Self::MOST).
    pub limit: usize,
    /// Only those of this reason.
    pub reason: Option<Reason>,
    /// Only those in here.
    pub of: Option<Stretch>,
    /// How long they are looked for; something is looked at in any case.
    pub within: Duration,
}

impl Wanted {
    /// The most letters that are returned at once.
    pub const MOST: usize = 1000;
    /// How many are returned where nobody says otherwise.
    pub const USUAL: usize = 50;
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            limit: Self::USUAL,
            reason: None,
            of: None,
            within: SEARCH,
        }
    }
}

/// The newest letters of a topic.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The newest first.
    pub letters: Vec<Letter>,
    /// Where there may be older ones, for the limit was reached, or 32 MiB, or the time was up. What was found is not in it,
    /// and whatever comes later neither.
    pub rest: Option<Stretch>,
}

/// What a topic holds at one moment, by partition: what comes later is no part of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extent(BTreeMap<i32, Range<i64>>);

impl Extent {
    /// How many offsets it covers; the letters may be fewer.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0
            .values()
            .map(|offsets| u64::try_from(offsets.end - offsets.start).unwrap_or(0))
            .sum()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl DeadLetterTopic {
    /// Nothing is connected yet. Clients need the name of a group to be made; `group_id` is one that the brokers allow us,
    /// and it is never joined.
    #[must_use]
    pub const fn new(cluster: Cluster, topic: String, group_id: String) -> Self {
        Self {
            cluster,
            topic,
            group_id,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.topic
    }

    /// The newest letters that are wanted.
    ///
    /// # Errors
    /// [`BusError::Away`] if the brokers do not answer, [`BusError::Refused`] if they refuse us or there is no such topic.
    pub async fn newest(&self, wanted: Wanted) -> Result<Found, BusError> {
        let topic = self.clone();
        blocking(move || {
            let reader = Reader::open(&topic)?;
            let extent = match &wanted.of {
                None => reader.extent()?,
                Some(stretch) => reader.extent_of(stretch)?,
            };
            newest_within(&reader, &extent, &wanted)
        })
        .await
    }

    /// The letter at a place; `None` where there is none (any more).
    ///
    /// # Errors
    /// As [`DeadLetterTopic::newest`].
    pub async fn letter(&self, partition: i32, offset: i64) -> Result<Option<Letter>, BusError> {
        let topic = self.clone();
        blocking(move || {
            let reader = Reader::open(&topic)?;
            let extent = reader.extent_of(&Stretch::up_to(partition, offset))?;
            let there = |offsets: &Range<i64>| offsets.contains(&offset) && offsets.end == offset + 1;
            if !extent.0.values().any(there) {
                return Ok(None);
            }
            let mut found = None;
            reader.read(partition, offset..offset + 1, &mut |record| {
                found = Some(Letter::new(record));
                ControlFlow::Break(())
            })?;
            Ok(found)
        })
        .await
    }

    /// What it holds now.
    ///
    /// # Errors
    /// As [`DeadLetterTopic::newest`].
    pub async fn extent(&self) -> Result<Extent, BusError> {
        let topic = self.clone();
        blocking(move || Reader::open(&topic)?.extent()).await
    }

    /// Every letter within the extent, the oldest of each partition first, in portions of at most 500 and about 8 MiB; an
    /// error is the last. Reading goes on as the portions are taken, and ends when the receiver is dropped.
    #[must_use]
    pub fn read(&self, extent: Extent) -> mpsc::Receiver<Result<Vec<Letter>, BusError>> {
        let (portions, receiver) = mpsc::channel(1);
        let topic = self.clone();
        tokio::task::spawn_blocking(move || {
            let read = Reader::open(&topic).and_then(|reader| read_within(&reader, &extent, &portions));
            if let Err(error) = read {
                // Whoever has dropped the receiver does not want to know.
                let _ = portions.blocking_send(Err(error));
            }
        });
        receiver
    }
}

fn newest_within(reader: &Reader<'_>, extent: &Extent, wanted: &Wanted) -> Result<Found, BusError> {
    let deadline = Instant::now() + wanted.within;
    let limit = wanted.limit.clamp(1, Wanted::MOST);
    let code = wanted.reason.map(Reason::as_str);
    let mut newest = Newest::new(limit, NEWEST_BYTES);
    let mut unread = BTreeMap::new();
    // The first window is read to its end: whoever asks for the rest comes on.
    let mut is_first = true;
    for (partition, offsets) in &extent.0 {
        let mut end = offsets.end;
        let mut window = i64::try_from(limit).unwrap_or(WINDOW.1).max(WINDOW.0);
        let mut found = 0;
        let mut beyond = false;
        while end > offsets.start && found < limit && !beyond && (is_first || Instant::now() < deadline) {
            let start = (end - window).max(offsets.start);
            let mut latest = None;
            let mut late = false;
            reader.read(*partition, start..end, &mut |record| {
                latest = latest.max(record.timestamp);
                let letter = Letter::new(record);
                if code.is_none() || letter.put_aside.reason.as_deref() == code {
                    found += 1;
                    newest.offer(letter);
                }
                late = !is_first && Instant::now() >= deadline;
                if late {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            })?;
            if late {
                // The newest of this window was not seen.
                newest.forget_below(*partition, end);
                break;
            }
            is_first = false;
            beyond = newest.left_below(*partition).is_some() || newest.is_beyond(latest);
            end = start;
            window = (window * 4).min(WINDOW.1);
        }
        if end > offsets.start {
            unread.insert(*partition, end);
        }
    }
    for partition in extent.0.keys() {
        if let Some(below) = newest.left_below(*partition) {
            let end = unread.entry(*partition).or_insert(below);
            *end = below.max(*end);
        }
    }
    Ok(Found {
        rest: Stretch::of(unread),
        letters: newest.into_letters(),
    })
}

fn read_within(
    reader: &Reader<'_>,
    extent: &Extent,
    portions: &mpsc::Sender<Result<Vec<Letter>, BusError>>,
) -> Result<(), BusError> {
    let mut portion = Vec::new();
    let mut bytes = 0;
    for (partition, offsets) in &extent.0 {
        let mut wanted = true;
        reader.read(*partition, offsets.clone(), &mut |record| {
            bytes += record.size();
            portion.push(Letter::new(record));
            if portion.len() >= PORTION_LETTERS || bytes >= PORTION_BYTES {
                bytes = 0;
                wanted = portions.blocking_send(Ok(std::mem::take(&mut portion))).is_ok();
            }
            if wanted {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            }
        })?;
        if !wanted {
            return Ok(());
        }
    }
    if !portion.is_empty() {
        // The last portion: if nobody wants it, nothing follows.
        let _ = portions.blocking_send(Ok(portion));
    }
    Ok(())
}

struct Reader<'a> {
    topic: &'a str,
    partitions: Vec<i32>,
    client: BaseConsumer<Context>,
}

impl<'a> Reader<'a> {
    fn open(topic: &'a DeadLetterTopic) -> Result<Self, BusError> {
        let client = topic.cluster.observer(&[
            ("group.id", &topic.group_id),
            ("isolation.level", "read_committed"),
            ("enable.partition.eof", "true"),
            ("enable.auto.commit", "false"),
            // Retention may take the beginning away while it is read.
            ("auto.offset.reset", "earliest"),
            // What is fetched ahead is memory, and dropped with each window.
            ("queued.max.messages.kbytes", "16384"),
            // A new window waits for the answer to what was asked before it.
            ("fetch.wait.max.ms", "10"),
            ("fetch.queue.backoff.ms", "10"),
        ])?;
        let partitions = look_with(&client, None, PATIENCE)?.partitions(&topic.topic);
        if partitions.is_empty() {
            return Err(BusError::Refused(format!(
                "Kafka at {} has no topic {}: make it, or change topics.events_dlq, topics.results_dlq or topics.preferences_dlq",
                topic.cluster.brokers(),
                topic.topic
            )));
        }
        Ok(Self {
            topic: &topic.topic,
            partitions,
            client,
        })
    }

    fn extent(&self) -> Result<Extent, BusError> {
        let offsets = |partition: &i32| Ok((*partition, self.offsets(*partition)?));
        self.partitions
            .iter()
            .map(offsets)
            .collect::<Result<_, _>>()
            .map(Extent)
    }

    /// What there is of a stretch; nothing of partitions that there are not.
    fn extent_of(&self, stretch: &Stretch) -> Result<Extent, BusError> {
        let offsets = |(partition, below): (i32, i64)| {
            let Range { start, end } = self.offsets(partition)?;
            Ok((partition, start..end.min(below).max(start)))
        };
        stretch
            .ends()
            .filter(|(partition, _)| self.partitions.contains(partition))
            .map(offsets)
            .collect::<Result<_, _>>()
            .map(Extent)
    }

    fn offsets(&self, partition: i32) -> Result<Range<i64>, BusError> {
        let (low, high) = self
            .client
            .fetch_watermarks(self.topic, partition, PATIENCE)
            .map_err(|error| BusError::from_kafka(&error))?;
        Ok(low..high)
    }

    /// Shows each record of a partition within these offsets, until it says that it has seen enough.
    fn read(
        &self,
        partition: i32,
        offsets: Range<i64>,
        each: &mut dyn FnMut(Record) -> ControlFlow<()>,
    ) -> Result<(), BusError> {
        let sorted = |error: KafkaError| BusError::from_kafka(&error);
        if offsets.is_empty() {
            return Ok(());
        }
        let mut begin = TopicPartitionList::new();
        begin
            .add_partition_offset(self.topic, partition, Offset::Offset(offsets.start))
            .map_err(sorted)?;
        self.client.assign(&begin).map_err(sorted)?;
        let mut heard = Instant::now();
        loop {
            match self.client.poll(POLL_SLICE) {
                Some(Ok(message)) if message.offset() >= offsets.end => return Ok(()),
                Some(Ok(message)) => {
                    let is_last = message.offset() + 1 == offsets.end;
                    if each(Record::from_message(&message)).is_break() || is_last {
                        return Ok(());
                    }
                    // Whoever takes the records may take their time.
                    heard = Instant::now();
                }
                Some(Err(KafkaError::PartitionEOF(_))) => return Ok(()),
                Some(Err(error)) => match sorted(error) {
                    BusError::Away(_) if heard.elapsed() < PATIENCE => {}
                    fault => return Err(fault),
                },
                None if heard.elapsed() >= PATIENCE => {
                    let why = || BusError::Away(format!("{} is not read to its end", self.topic));
                    return Err(self.client.context().trouble().unwrap_or_else(why));
                }
                None => {}
            }
        }
    }
}
