//! Real Kafka for a test: topics of its own, records in, records out.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use inq::bus::{Cluster, ClusterSettings};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Header, Headers, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use uuid::Uuid;

use crate::servers;

/// How long a test waits for anything.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// A broker, and a prefix that keeps this test's topics and groups apart.
pub struct Kafka {
    pub brokers: String,
    pub prefix: String,
}

impl Kafka {
    /// `None`, said aloud, where no broker is to be had.
    pub fn reached() -> Option<Self> {
        Some(Self::at(servers::kafka_brokers()?))
    }

    pub fn at(brokers: String) -> Self {
        Self {
            brokers,
            prefix: format!("t{}", Uuid::new_v4().simple()),
        }
    }

    pub fn cluster(&self) -> Cluster {
        Cluster::new(ClusterSettings {
            brokers: self.brokers.clone(),
            properties: BTreeMap::new(),
            oauthbearer_token_file: None,
        })
    }

    pub fn name(&self, topic: &str) -> String {
        format!("{}.{topic}", self.prefix)
    }

    /// Makes a topic of this test.
    pub async fn topic(&self, topic: &str, partitions: i32) -> String {
        self.topic_with(topic, partitions, &[]).await
    }

    /// Makes a topic of this test with settings of its own.
    pub async fn topic_with(&self, topic: &str, partitions: i32, settings: &[(&str, &str)]) -> String {
        let name = self.name(topic);
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("an admin client");
        let new = settings.iter().fold(
            NewTopic::new(&name, partitions, TopicReplication::Fixed(1)),
            |new, (key, value)| new.set(key, value),
        );
        let made = admin
            .create_topics([&new], &AdminOptions::new().operation_timeout(Some(DEADLINE)))
            .await
            .expect("an answer");
        for topic in made {
            topic.expect("the topic is made");
        }
        name
    }

    pub fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// Produces and waits for the acknowledgements.
    pub async fn produce<'a>(&self, topic: &str, records: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
        let producer: FutureProducer = self
            .config()
            .set("message.max.bytes", "30000000")
            .create()
            .expect("a producer");
        let sent: Vec<_> = records
            .into_iter()
            .map(|(key, payload)| {
                producer
                    .send_result(FutureRecord::to(topic).key(key).payload(payload))
                    .unwrap_or_else(|(error, _)| panic!("not queued: {error}"))
            })
            .collect();
        for acknowledgement in sent {
            acknowledgement.await.expect("an answer").expect("acknowledged");
        }
    }

    pub async fn produce_with_header(&self, topic: &str, payload: &[u8], name: &str, value: &str) {
        let producer: FutureProducer = self.config().create().expect("a producer");
        let headers = OwnedHeaders::new().insert(Header {
            key: name,
            value: Some(value),
        });
        producer
            .send(
                FutureRecord::to(topic)
                    .key("42")
                    .payload(payload)
                    .headers(headers),
                Timeout::After(DEADLINE),
            )
            .await
            .expect("acknowledged");
    }

    /// The names of all topics of the cluster.
    pub fn topics(&self) -> Vec<String> {
        let client: BaseConsumer = self.config().create().expect("a consumer");
        let seen = client.fetch_metadata(None, DEADLINE).expect("metadata");
        seen.topics()
            .iter()
            .map(|topic| topic.name().to_owned())
            .collect()
    }

    /// As an operator deletes a topic; its name is free again when this returns.
    pub async fn delete_topic(&self, topic: &str) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("an admin client");
        let options = AdminOptions::new().operation_timeout(Some(DEADLINE));
        let deleted = admin.delete_topics(&[topic], &options).await.expect("an answer");
        for topic in deleted {
            topic.expect("the topic is deleted");
        }
    }

    /// Kafka forgets a group, as it does when the group's offsets have expired.
    pub async fn forget_group(&self, group: &str) {
        let admin: AdminClient<DefaultClientContext> = self.config().create().expect("an admin client");
        let options = AdminOptions::new().request_timeout(Some(DEADLINE));
        let deleted = admin.delete_groups(&[group], &options).await.expect("an answer");
        for group in deleted {
            group.expect("the group is deleted");
        }
    }

    /// Every record that a `read_committed` consumer sees up to the present end of the topic, by partition and offset.
    pub fn read_all(&self, topic: &str) -> Vec<OwnedMessage> {
        self.read(topic, "read_committed")
    }

    pub fn read(&self, topic: &str, isolation: &str) -> Vec<OwnedMessage> {
        let consumer: BaseConsumer = self
            .config()
            .set("group.id", self.name("reader"))
            .set("enable.auto.commit", "false")
            .set("isolation.level", isolation)
            .set("enable.partition.eof", "true")
            .create()
            .expect("a consumer");
        let metadata = consumer.fetch_metadata(Some(topic), DEADLINE).expect("metadata");
        let partitions = metadata.topics()[0].partitions().len();
        let mut assignment = TopicPartitionList::new();
        for partition in 0..partitions {
            let partition = i32::try_from(partition).expect("a partition");
            assignment
                .add_partition_offset(topic, partition, Offset::Beginning)
                .expect("an offset");
        }
        consumer.assign(&assignment).expect("assigned");
        let mut records = Vec::new();
        let mut ended = 0;
        let deadline = Instant::now() + DEADLINE;
        while ended < partitions {
            assert!(Instant::now() < deadline, "{topic} has no end");
            match consumer.poll(Duration::from_millis(200)) {
                Some(Ok(message)) => records.push(message.detach()),
                Some(Err(rdkafka::error::KafkaError::PartitionEOF(_))) => ended += 1,
                Some(Err(error)) => panic!("{topic}: {error}"),
                None => {}
            }
        }
        records
    }

    /// Reads until there are `count` records, and returns them all.
    pub async fn read_until(&self, topic: &str, count: usize) -> Vec<OwnedMessage> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let records = self.read_all(topic);
            if records.len() >= count {
                return records;
            }
            assert!(
                Instant::now() < deadline,
                "{topic}: {} of {count} records",
                records.len()
            );
            tokio::task::yield_now().await;
        }
    }
}

/// The value of a header.
pub fn header(message: &OwnedMessage, name: &str) -> Option<String> {
    message
        .headers()?
        .iter()
        .find(|header| header.key == name)
        .map(|header| String::from_utf8_lossy(header.value.unwrap_or_default()).into_owned())
}

/// The value as JSON.
pub fn json(message: &OwnedMessage) -> serde_json::Value {
    serde_json::from_slice(message.payload().expect("a value")).expect("JSON")
}
