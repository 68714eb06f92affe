//! The one place where Kafka clients are made.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{ClientConfig, TopicPartitionList};

use super::context::Context;
use super::{BusError, ClusterView, blocking};

/// How to reach the brokers.
#[derive(Clone, Debug)]
pub struct ClusterSettings {
    /// `host:port`, separated by commas.
    pub brokers: String,
    /// Properties of librdkafka for every client, such as `security.protocol`.
    pub properties: BTreeMap<String, String>,
    /// The file with the token for SASL `OAUTHBEARER`.
    pub oauthbearer_token_file: Option<PathBuf>,
}

/// Makes clients of one Kafka cluster.
#[derive(Clone, Debug)]
pub struct Cluster {
    settings: ClusterSettings,
}

/// How long the group waits for a member that was killed, unless kafka.properties says otherwise.
const SESSION_TIMEOUT: Duration = Duration::from_secs(15);
const SESSION_TIMEOUT_KEY: &str = "session.timeout.ms";
const SOCKET_TIMEOUT_KEY: &str = "socket.timeout.ms";

/// The longest single call while the cluster is looked at; between calls the client's errors are read.
const LOOK_SLICE: Duration = Duration::from_millis(500);

impl Cluster {
    /// Nothing is connected yet.
    #[must_use]
    pub const fn new(settings: ClusterSettings) -> Self {
        Self { settings }
    }

    /// Where the brokers are.
    #[must_use]
    pub fn brokers(&self) -> &str {
        &self.settings.brokers
    }

    /// A property that the operator has set for every client.
    pub(super) fn property(&self, name: &str) -> Option<&str> {
        self.settings.properties.get(name).map(String::as_str)
    }

    /// What all clients have in common, the operator's properties last, for they win.
    pub(super) fn client_config(&self, ours: &[(&str, &str)]) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.settings.brokers)
            .set("client.id", "incentive-notify-queue")
            .set("socket.keepalive.enable", "true")
            // The vendored OpenSSL knows no certificates: find the system's.
            .set("ssl.ca.location", "probe")
            .set_log_level(RDKafkaLogLevel::Info);
        if self.property("reconnect.backoff.ms").is_none() {
            // After an outage a client is back within a second or so instead of ten.
            config.set("reconnect.backoff.max.ms", "1000");
        }
        for (key, value) in ours {
            config.set(*key, *value);
        }
        for (key, value) in &self.settings.properties {
            config.set(key, value);
        }
        // librdkafka makes no transactional producer whose requests may take longer than its transactions, and the
        // transactions of some are short.
        if let Some(longest) = config
            .get("transaction.timeout.ms")
            .and_then(|text| text.parse().ok())
            && self
                .milliseconds(SOCKET_TIMEOUT_KEY)
                .is_some_and(|wanted: u64| wanted > longest)
        {
            config.set(SOCKET_TIMEOUT_KEY, longest.to_string());
        }
        config
    }

    fn milliseconds(&self, property: &str) -> Option<u64> {
        self.property(property)?.trim().parse().ok()
    }

    /// How long the group waits for a member of which nothing is heard.
    pub(super) fn session_timeout(&self) -> Duration {
        self.milliseconds(SESSION_TIMEOUT_KEY)
            .map_or(SESSION_TIMEOUT, Duration::from_millis)
    }

    pub(super) fn context(&self) -> Context {
        Context::new(self.settings.oauthbearer_token_file.clone())
    }

    /// A client that only asks.
    pub(super) fn observer(&self, ours: &[(&str, &str)]) -> Result<BaseConsumer<Context>, BusError> {
        let mut config = self.client_config(ours);
        // librdkafka makes no consumer whose max.poll.interval.ms is shorter than this, though none of these joins a group.
        config.set(
            SESSION_TIMEOUT_KEY,
            self.session_timeout().as_millis().to_string(),
        );
        let client = config
            .create_with_context(self.context())
            .map_err(|error| BusError::from_kafka(&error))?;
        serve(&client);
        Ok(client)
    }

    /// Looks at the cluster: its id, its topics and their partitions.
    ///
    /// # Errors
    /// [`BusError::Away`] if no broker answers within `patience`, [`BusError::Refused`] as soon as one refuses us.
    pub async fn look(&self, patience: Duration) -> Result<ClusterView, BusError> {
        let cluster = self.clone();
        blocking(move || look_with(&cluster.observer(&[])?, None, patience)).await
    }

    /// Looks whether the brokers answer, and asks them for no more than one topic.
    ///
    /// # Errors
    /// As [`Cluster::look`].
    pub async fn reach(&self, topic: String, patience: Duration) -> Result<(), BusError> {
        let cluster = self.clone();
        blocking(move || look_with(&cluster.observer(&[])?, Some(&topic), patience).map(drop)).await
    }
}

/// [`Cluster::look`] with a client that exists; at one topic alone where one is named, for a cluster may have thousands.
pub(super) fn look_with(
    client: &BaseConsumer<Context>,
    topic: Option<&str>,
    patience: Duration,
) -> Result<ClusterView, BusError> {
    let deadline = Instant::now() + patience;
    loop {
        serve(client);
        let slice = LOOK_SLICE.min(deadline.saturating_duration_since(Instant::now()));
        let fault = match client.fetch_metadata(topic, slice) {
            Ok(metadata) => match client.client().fetch_cluster_id(slice) {
                Some(id) => {
                    client.context().succeeded();
                    return Ok(ClusterView::new(id, &metadata));
                }
                None => BusError::Away("the broker does not tell its cluster id".to_owned()),
            },
            Err(error) => BusError::from_kafka(&error),
        };
        serve(client);
        let fault = client.context().trouble().unwrap_or(fault);
        if matches!(fault, BusError::Refused(_)) || Instant::now() >= deadline {
            return Err(fault);
        }
    }
}

/// Lets a client that nobody polls report its errors and ask for its token.
pub(super) fn serve(client: &BaseConsumer<Context>) {
    const MOMENT: Duration = Duration::from_millis(5);
    // Such a client reads no topic: whatever comes was handed to its context.
    let _nothing = client.poll(MOMENT);
}

/// The offsets that the client's group has committed. While a coordinator moves or is elected it is asked again.
pub(super) fn committed_offsets(
    client: &BaseConsumer<Context>,
    asked: &TopicPartitionList,
    patience: Duration,
) -> Result<TopicPartitionList, BusError> {
    const PAUSE: Duration = Duration::from_millis(100);
    let deadline = Instant::now() + patience;
    loop {
        // A publisher asks for each claim, and the answer is there in a millisecond: nothing is served before it.
        let left = deadline.saturating_duration_since(Instant::now());
        match client.committed_offsets(asked.clone(), left.min(LOOK_SLICE)) {
            Ok(committed) => {
                client.context().succeeded();
                return Ok(committed);
            }
            Err(error) => match BusError::from_kafka(&error) {
                BusError::Away(_) if left > PAUSE => std::thread::sleep(PAUSE),
                fault => return Err(fault),
            },
        }
        serve(client);
    }
}
