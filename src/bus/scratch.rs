//! Topics that are made for a while, and read once from end to end.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};

use super::cluster::look_with;
use super::context::Context;
use super::{BusError, Cluster, Record, blocking};

/// What a cluster may take to make topics, and to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long nothing comes before a read gives up.
const SILENCE: Duration = Duration::from_secs(30);

impl Cluster {
    /// Makes topics, each with that many partitions and the broker's own replication.
    ///
    /// # Errors
    /// If a topic is there already or may not be made, or the brokers are away.
    pub async fn create_topics(&self, topics: &[(&str, i32)]) -> Result<(), BusError> {
        let topics: Vec<_> = topics
            .iter()
            // -1: the broker's own.
            .map(|(name, partitions)| NewTopic::new(name, *partitions, TopicReplication::Fixed(-1)))
            .collect();
        let made = self
            .admin()?
            .create_topics(&topics, &AdminOptions::new().operation_timeout(Some(PATIENCE)))
            .await
            .map_err(|error| BusError::from_kafka(&error))?;
        all_done(made)
    }

    /// Deletes topics and all that is in them.
    ///
    /// # Errors
    /// If one may not be deleted, or the brokers are away.
    pub async fn delete_topics(&self, topics: &[&str]) -> Result<(), BusError> {
        let gone = self
            .admin()?
            .delete_topics(topics, &AdminOptions::new().operation_timeout(Some(PATIENCE)))
            .await
            .map_err(|error| BusError::from_kafka(&error))?;
        all_done(gone)
    }

    /// Shows `each` every committed record of the topic, from its beginning to where it ends now, and returns how long
    /// that took from the first record on.
    ///
    /// # Errors
    /// If the brokers are away or refuse us.
    pub async fn read_through(
        &self,
        topic: &str,
        mut each: impl FnMut(&Record) + Send + 'static,
    ) -> Result<Duration, BusError> {
        let (cluster, topic) = (self.clone(), topic.to_owned());
        blocking(move || {
            let client = cluster.observer(&[
                ("isolation.level", "read_committed"),
                ("enable.partition.eof", "true"),
                ("enable.auto.commit", "false"),
                // It needs one to be made, and never joins it.
                ("group.id", "inq-reader"),
            ])?;
            read(&client, &topic, &mut each)
        })
        .await
    }
}

fn all_done(outcomes: Vec<rdkafka::admin::TopicResult>) -> Result<(), BusError> {
    for outcome in outcomes {
        outcome.map_err(|(topic, code)| BusError::Refused(format!("{topic}: {code}")))?;
    }
    Ok(())
}

fn read(
    client: &BaseConsumer<Context>,
    topic: &str,
    each: &mut dyn FnMut(&Record),
) -> Result<Duration, BusError> {
    let sorted = |error: KafkaError| BusError::from_kafka(&error);
    let partitions = look_with(client, None, PATIENCE)?
        .topics
        .get(topic)
        .copied()
        .unwrap_or(0);
    let mut asked = TopicPartitionList::new();
    let mut open = BTreeSet::new();
    for partition in (0..partitions).filter_map(|number| i32::try_from(number).ok()) {
        asked
            .add_partition_offset(topic, partition, Offset::Beginning)
            .map_err(sorted)?;
        open.insert(partition);
    }
    client.assign(&asked).map_err(sorted)?;
    let mut begun = None;
    let mut heard = Instant::now();
    while !open.is_empty() {
        match client.poll(Duration::from_millis(100)) {
            Some(Ok(message)) => {
                heard = Instant::now();
                begun.get_or_insert(heard);
                each(&Record::from_message(&message));
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                open.remove(&partition);
            }
            Some(Err(error)) => match BusError::from_kafka(&error) {
                BusError::Away(_) => {}
                fault => return Err(fault),
            },
            None if heard.elapsed() > SILENCE => {
                return Err(BusError::Away(format!("{topic} is not read to its end")));
            }
            None => {}
        }
    }
    Ok(begun.map_or(Duration::ZERO, |begun| begun.elapsed()))
}
