//! Real Kafka for a test: topics of its own, records in, records out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use inq::bus::{Cluster, ClusterSettings};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use tokio::sync::OnceCell;

use crate::inq::{eventually, in_the_background, moment};
use crate::servers;

/// How long a test waits for anything.
pub const DEADLINE: Duration = Duration::from_mins(1);

/// What the names of the tests' topics begin with.
const PREFIX: &str = "t";

/// A broker, and a prefix that keeps this test's topics and groups apart.
pub struct Kafka {
    pub brokers: String,
    pub prefix: String,
    clients: Arc<Clients>,
    made: Mutex<Vec<String>>,
}

impl Drop for Kafka {
    /// Removes its topics, so that the broker does not have to look after those of all tests at once. A test that fails
    /// leaves them, to be looked at.
    fn drop(&mut self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap_or_else(PoisonError::into_inner));
        if made.is_empty() || std::thread::panicking() {
            return;
        }
        let clients = Arc::clone(&self.clients);
        in_the_background(async move {
            let topics: Vec<_> = made.iter().map(String::as_str).collect();
            // Where the broker has gone before, so have they.
            let _removed = clients.admin.delete_topics(&topics, &AdminOptions::new()).await;
        });
    }
}

/// The clients that all tests of a broker share; each is made when it is first used.
struct Clients {
    tidied: OnceCell<()>,
    admin: LazyLock<
        AdminClient<DefaultClientContext>,
        Box<dyn FnOnce() -> AdminClient<DefaultClientContext> + Send>,
    >,
    producer: LazyLock<FutureProducer, Box<dyn FnOnce() -> FutureProducer + Send>>,
}

impl Clients {
    fn of(brokers: &str) -> Self {
        let (admin, producer) = (config_of(brokers), config_of(brokers));
        Self {
            tidied: OnceCell::new(),
            admin: LazyLock::new(Box::new(move || admin.create().expect("an admin client"))),
            producer: LazyLock::new(Box::new(move || {
                let mut producer = producer;
                producer
                    .set("message.max.bytes", "30000000")
                    .create()
                    .expect("a producer")
            })),
        }
    }
}

fn config_of(brokers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config
}

impl Kafka {
    /// `None`, said aloud, where no broker is to be had.
    pub fn reached() -> Option<Self> {
        static SHARED: LazyLock<Option<Arc<Clients>>> =
            LazyLock::new(|| servers::kafka_brokers().map(|brokers| Arc::new(Clients::of(&brokers))));
        let brokers = servers::kafka_brokers()?;
        Some(Self {
            clients: SHARED.clone()?,
            prefix: servers::unique_name(PREFIX),
            made: Mutex::default(),
            brokers,
        })
    }

    pub fn at(brokers: String) -> Self {
        Self {
            prefix: servers::unique_name(PREFIX),
            clients: Arc::new(Clients::of(&brokers)),
            made: Mutex::default(),
            brokers,
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
        let new = settings.iter().fold(
            NewTopic::new(&name, partitions, TopicReplication::Fixed(1)),
            |new, (key, value)| new.set(key, value),
        );
        self.create([new]).await;
        name
    }

    /// Makes several topics of this test in one call, each with its number of partitions.
    pub async fn topics_with<const COUNT: usize>(&self, topics: [(&str, i32); COUNT]) -> [String; COUNT] {
        let names = topics.map(|(topic, _)| self.name(topic));
        let new = std::array::from_fn::<_, COUNT, _>(|number| {
            NewTopic::new(&names[number], topics[number].1, TopicReplication::Fixed(1))
        });
        self.create(new).await;
        names
    }

    async fn create<const COUNT: usize>(&self, topics: [NewTopic<'_>; COUNT]) {
        self.clients.tidied.get_or_init(|| self.remove_left_overs()).await;
        let options = AdminOptions::new().operation_timeout(Some(DEADLINE));
        let made = self
            .clients
            .admin
            .create_topics(&topics, &options)
            .await
            .expect("an answer");
        let made: Vec<String> = made
            .into_iter()
            .map(|topic| topic.expect("the topic is made"))
            .collect();
        let last = made.last().cloned().unwrap_or_default();
        self.made
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(made);
        // The controller has made them, in this order; the broker hears of it a moment later.
        eventually("the broker shows the topics", async || self.has_leader(&last)).await;
    }

    fn has_leader(&self, topic: &str) -> bool {
        let seen = self.clients.admin.inner().fetch_metadata(Some(topic), DEADLINE);
        seen.is_ok_and(|seen| {
            seen.topics().iter().any(|topic| {
                let partitions = topic.partitions();
                !partitions.is_empty() && partitions.iter().all(|partition| partition.leader() >= 0)
            })
        })
    }

    /// Removes the topics that earlier test runs have left.
    async fn remove_left_overs(&self) {
        let topics = self.topics();
        let old: Vec<_> = topics
            .iter()
            .map(String::as_str)
            .filter(|topic| servers::is_left_over(PREFIX, topic))
            .collect();
        if !old.is_empty() {
            let options = AdminOptions::new().operation_timeout(Some(DEADLINE));
            // Another test run may be at it, too.
            let _removed = self.clients.admin.delete_topics(&old, &options).await;
        }
    }

    pub fn config(&self) -> ClientConfig {
        config_of(&self.brokers)
    }

    /// Produces and waits for the acknowledgements.
    pub async fn produce<'a>(&self, topic: &str, records: impl IntoIterator<Item = (&'a str, &'a [u8])>) {
        let sent: Vec<_> = records
            .into_iter()
            .map(|(key, payload)| {
                self.clients
                    .producer
                    .send_result(FutureRecord::to(topic).key(key).payload(payload))
                    .unwrap_or_else(|(error, _)| panic!("not queued: {error}"))
            })
            .collect();
        for acknowledgement in sent {
            acknowledgement.await.expect("an answer").expect("acknowledged");
        }
    }

    pub async fn produce_with_header(&self, topic: &str, payload: &[u8], name: &str, value: &str) {
        let headers = OwnedHeaders::new().insert(Header {
            key: name,
            value: Some(value),
        });
        let record = FutureRecord::to(topic)
            .key("42")
            .payload(payload)
            .headers(headers);
        self.clients
            .producer
            .send(record, Timeout::After(DEADLINE))
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
        let options = AdminOptions::new().operation_timeout(Some(DEADLINE));
        let deleted = self
            .clients
            .admin
            .delete_topics(&[topic], &options)
            .await
            .expect("an answer");
        for topic in deleted {
            topic.expect("the topic is deleted");
        }
    }

    /// Kafka forgets a group, as it does when the group's offsets have expired.
    pub async fn forget_group(&self, group: &str) {
        let options = AdminOptions::new().request_timeout(Some(DEADLINE));
        let deleted = self
            .clients
            .admin
            .delete_groups(&[group], &options)
            .await
            .expect("an answer");
        for group in deleted {
            group.expect("the group is deleted");
        }
    }

    /// Every record that a `read_committed` consumer sees up to the present end of the topic, by partition and offset.
    pub fn read_all(&self, topic: &str) -> Vec<OwnedMessage> {
        self.read(topic, "read_committed")
    }

    pub fn read(&self, topic: &str, isolation: &str) -> Vec<OwnedMessage> {
        let mut reader = Reader::from_the_beginning(self, topic, isolation);
        let mut records = Vec::new();
        let deadline = Instant::now() + DEADLINE;
        while !reader.is_at_the_end() {
            assert!(Instant::now() < deadline, "{topic} has no end");
            records.extend(reader.poll(Duration::from_millis(200)));
        }
        records
    }

    /// Reads until there are `count` records and the end of each partition is reached, and returns them all.
    pub async fn read_until(&self, topic: &str, count: usize) -> Vec<OwnedMessage> {
        let mut reader = Reader::from_the_beginning(self, topic, "read_committed");
        let mut records = Vec::new();
        let deadline = Instant::now() + DEADLINE;
        while records.len() < count || !reader.is_at_the_end() {
            match reader.poll(Duration::ZERO) {
                Some(record) => records.push(record),
                None => moment().await,
            }
            assert!(
                Instant::now() < deadline,
                "{topic}: {} of {count} records",
                records.len()
            );
        }
        records
    }
}

/// Reads all partitions of a topic, without a group.
struct Reader {
    consumer: BaseConsumer,
    topic: String,
    /// The partitions whose end was reached and after which nothing came.
    ended: BTreeSet<i32>,
    partitions: usize,
}

impl Reader {
    fn from_the_beginning(kafka: &Kafka, topic: &str, isolation: &str) -> Self {
        let consumer: BaseConsumer = kafka
            .config()
            .set("group.id", kafka.name("reader"))
            .set("enable.auto.commit", "false")
            .set("isolation.level", isolation)
            .set("enable.partition.eof", "true")
            // The end of a partition shows in an answer without records, which the broker holds back for so long.
            .set("fetch.wait.max.ms", "10")
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
        Self {
            consumer,
            topic: topic.to_owned(),
            ended: BTreeSet::new(),
            partitions,
        }
    }

    fn is_at_the_end(&self) -> bool {
        self.ended.len() == self.partitions
    }

    /// The next record, if one comes in this time.
    fn poll(&mut self, patience: Duration) -> Option<OwnedMessage> {
        match self.consumer.poll(patience)? {
            Ok(message) => {
                self.ended.remove(&message.partition());
                Some(message.detach())
            }
            Err(KafkaError::PartitionEOF(partition)) => {
                self.ended.insert(partition);
                None
            }
            Err(error) => panic!("{}: {error}", self.topic),
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
