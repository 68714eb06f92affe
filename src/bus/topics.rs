//! What the cluster tells of itself: its id, its topics, and how far a consumer group has come.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, Utc};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::metadata::{Metadata, MetadataBroker};
use rdkafka::{Offset, TopicPartitionList};
use serde::Serialize;
use utoipa::ToSchema;

use super::cluster::committed_offsets;
use super::context::Context;
use super::{BusError, Cluster, blocking};

/// A cluster, as one look at it showed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterView {
    /// The id that the cluster was formatted with.
    pub id: String,
    /// Topics and how many partitions each has.
    pub topics: BTreeMap<String, usize>,
    /// Topics and how many replicas the partition with the fewest of them has.
    pub replicas: BTreeMap<String, usize>,
    /// The brokers' numbers.
    pub broker_ids: Vec<i32>,
}

impl ClusterView {
    pub(super) fn new(id: String, metadata: &Metadata) -> Self {
        let topics = metadata
            .topics()
            .iter()
            .filter(|topic| !topic.partitions().is_empty())
            .map(|topic| (topic.name().to_owned(), topic.partitions().len()))
            .collect();
        let replicas = metadata
            .topics()
            .iter()
            .filter_map(|topic| {
                let fewest = topic.partitions().iter().map(|one| one.replicas().len()).min()?;
                Some((topic.name().to_owned(), fewest))
            })
            .collect();
        Self {
            id,
            topics,
            replicas,
            broker_ids: metadata.brokers().iter().map(MetadataBroker::id).collect(),
        }
    }

    /// The numbers of the topic's partitions; none where there is no such topic.
    pub(super) fn partitions(&self, topic: &str) -> Vec<i32> {
        let count = self.topics.get(topic).copied().unwrap_or(0);
        (0..i32::try_from(count).unwrap_or(i32::MAX)).collect()
    }

    /// Those of the wanted topics that the cluster does not have.
    pub fn missing<'a>(&self, wanted: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        wanted
            .into_iter()
            .filter(|topic| !self.topics.contains_key(*topic))
            .collect()
    }
}

/// How far a consumer group is behind on a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Lag {
    /// The topic.
    pub topic: String,
    /// Records that the group has not finished, over all partitions; `None` for a topic that it does not read.
    pub behind: Option<i64>,
    /// The same up to the end of the topic: records behind an open transaction of another producer, which cannot be read
    /// before it ends, included.
    pub behind_high_watermark: Option<i64>,
    /// Offsets that were taken within the last minute: the records that came, and the markers that end transactions. The
    /// broker of `inq dev` does not tell: 0.
    pub last_minute: i64,
}

impl Cluster {
    /// How far `group` is behind on each topic. Topics that do not exist are left out.
    ///
    /// # Errors
    /// If the brokers cannot be reached within `patience` or refuse.
    pub async fn lag(
        &self,
        group: String,
        topics: Vec<String>,
        now: DateTime<Utc>,
        patience: Duration,
    ) -> Result<Vec<Lag>, BusError> {
        let cluster = self.clone();
        blocking(move || {
            let of_group = |isolation| {
                let ours = [
                    ("group.id", group.as_str()),
                    ("enable.auto.commit", "false"),
                    ("isolation.level", isolation),
                ];
                cluster.observer(&ours)
            };
            let (client, to_end) = (of_group("read_committed")?, of_group("read_uncommitted")?);
            let mut lags = Vec::with_capacity(topics.len());
            for topic in topics {
                let view = super::cluster::look_with(&client, Some(&topic), patience)?;
                if let Some(partitions) = view.topics.get(&topic).copied() {
                    lags.push(lag_of(&client, &to_end, topic, partitions, now, patience)?);
                }
            }
            Ok(lags)
        })
        .await
    }
}

fn lag_of(
    client: &BaseConsumer<Context>,
    to_end: &BaseConsumer<Context>,
    topic: String,
    partitions: usize,
    now: DateTime<Utc>,
    patience: Duration,
) -> Result<Lag, BusError> {
    let sorted = |error: KafkaError| BusError::from_kafka(&error);
    let minute_ago = (now - Duration::from_mins(1)).timestamp_millis();
    let mut asked = TopicPartitionList::new();
    let mut since = TopicPartitionList::new();
    for partition in (0..partitions).filter_map(|number| i32::try_from(number).ok()) {
        asked.add_partition(&topic, partition);
        since
            .add_partition_offset(&topic, partition, Offset::Offset(minute_ago))
            .map_err(sorted)?;
    }
    let committed = committed_offsets(client, &asked, patience)?;
    let since = client.offsets_for_times(since, patience).map_err(sorted)?;
    let mut lag = Lag {
        topic,
        ..Lag::default()
    };
    for element in committed.elements() {
        let partition = element.partition();
        let (low, high) = client
            .fetch_watermarks(&lag.topic, partition, patience)
            .map_err(sorted)?;
        let next = match element.offset() {
            Offset::Offset(next) => next.max(low),
            _ => low,
        };
        let (_, end) = to_end
            .fetch_watermarks(&lag.topic, partition, patience)
            .map_err(sorted)?;
        *lag.behind.get_or_insert(0) += (high - next).max(0);
        // What has come since the line above is no open transaction, but it is counted with those.
        *lag.behind_high_watermark.get_or_insert(0) += (end - next).max(0);
        if let Some(Offset::Offset(first)) = since
            .find_partition(&lag.topic, partition)
            .map(|element| element.offset())
        {
            lag.last_minute += (high - first).max(0);
        }
    }
    Ok(lag)
}
