//! Which rights our user lacks: each is tried, and nothing is changed by it.
//!
//! - Reading is tried from the end of a topic, without a group.
//! - Writing, and the right to a group, are tried in a transaction that is aborted before its only record was sent: a
//!   broker looks at the rights when a partition joins the transaction.

use std::fmt;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerGroupMetadata};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::Producer as _;
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use tokio::runtime::Handle;

use super::context::Context;
use super::ledger::entry;
use super::publisher::initialised_with;
use super::{BusError, Cluster, Ledger, Producer, blocking};

const CALL: Duration = Duration::from_secs(10);
/// A topic that does not answer a read in this time is left to other checks.
const READ: Duration = Duration::from_secs(5);
const POLL_SLICE: Duration = Duration::from_millis(50);
/// A partition is announced to the transaction a millisecond after its first record was taken.
const ANNOUNCED: Duration = Duration::from_millis(20);
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);
/// The record waits here for so long, which is longer than its transaction is open.
const LINGER_MS: &str = "20000";

/// What the service does with the cluster.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Topics that it reads.
    pub read: Vec<String>,
    /// Topics to which it writes.
    pub write: Vec<String>,
}

/// A right that our user lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingRight {
    /// `Read`, `Write`, `Delete`, as Kafka names it.
    pub operation: &'static str,
    /// `topic`, `group` or `transactional-id`, as `kafka-acls.sh` names it.
    pub resource: &'static str,
    /// Of which one.
    pub name: String,
    /// Whether it is needed for all whose names begin so.
    pub is_prefix: bool,
}

impl MissingRight {
    fn on_topic(operation: &'static str, topic: &str) -> Self {
        Self {
            operation,
            resource: "topic",
            name: topic.to_owned(),
            is_prefix: false,
        }
    }

    /// Of everything that is named after the group.
    fn on_prefix(operation: &'static str, resource: &'static str, prefix: &str) -> Self {
        Self {
            operation,
            resource,
            name: prefix.to_owned(),
            is_prefix: true,
        }
    }

    /// The command that gives it to `user`.
    #[must_use]
    pub fn remedy(&self, brokers: &str, user: &str) -> String {
        let pattern = if self.is_prefix {
            " --resource-pattern-type prefixed"
        } else {
            ""
        };
        format!(
            "kafka-acls.sh --bootstrap-server {brokers} --add --allow-principal User:{user} --operation {} --{} {}{pattern}",
            self.operation, self.resource, self.name
        )
    }
}

impl fmt::Display for MissingRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = if self.is_prefix { " (as a prefix)" } else { "" };
        write!(f, "{} on {} {}{names}", self.operation, self.resource, self.name)
    }
}

impl Cluster {
    /// Of the topics, those that our user may not even see; the others either exist or do not.
    ///
    /// # Errors
    /// If the brokers are away.
    pub async fn hidden_topics(&self, topics: Vec<String>) -> Result<Vec<String>, BusError> {
        let cluster = self.clone();
        blocking(move || {
            let client = cluster.observer(&[])?;
            let mut hidden = Vec::new();
            for topic in topics {
                if is_hidden(&client, &topic)? {
                    hidden.push(topic);
                }
            }
            Ok(hidden)
        })
        .await
    }
}

impl Ledger {
    /// Which of the rights that the service needs our user lacks, and which of those that are merely useful: that one is
    /// the second.
    ///
    /// # Errors
    /// If the brokers are away, or refuse us altogether.
    pub async fn missing_rights(
        &self,
        needs: Needs,
        transactional_id: String,
    ) -> Result<(Vec<MissingRight>, Option<MissingRight>), BusError> {
        let (ledger, runtime) = (self.clone(), Handle::current());
        blocking(move || {
            let mut missing = Vec::new();
            for topic in &needs.read {
                if !ledger.may_read(topic)? {
                    missing.push(MissingRight::on_topic("Read", topic));
                }
            }
            missing.extend(ledger.missing_for_writing(&needs.write, &transactional_id)?);
            let deletes =
                ledger
                    .cluster()
                    .delete_group(&format!("{}-nothing", ledger.queue()), CALL, &runtime);
            let useful = matches!(deletes, Err(BusError::Refused(_)))
                .then(|| MissingRight::on_prefix("Delete", "group", ledger.queue()));
            Ok((missing, useful))
        })
        .await
    }

    fn may_read(&self, topic: &str) -> Result<bool, BusError> {
        let sorted = |error: KafkaError| BusError::from_kafka(&error);
        let reader = self.looker("read_committed")?;
        if is_hidden(&reader, topic)? {
            return Ok(false);
        }
        let mut end = TopicPartitionList::new();
        end.add_partition_offset(topic, 0, Offset::End).map_err(sorted)?;
        reader.assign(&end).map_err(sorted)?;
        let deadline = Instant::now() + READ;
        while Instant::now() < deadline {
            match reader.poll(POLL_SLICE) {
                Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => return Ok(true),
                Some(Err(error)) if is_unauthorized(&error) => return Ok(false),
                Some(Err(_)) | None => {}
            }
        }
        Ok(true)
    }

    fn missing_for_writing(
        &self,
        topics: &[String],
        transactional_id: &str,
    ) -> Result<Vec<MissingRight>, BusError> {
        let linger = [("linger.ms", LINGER_MS)];
        let producer = match initialised_with(self.cluster(), transactional_id, TRANSACTION_TIMEOUT, &linger)
        {
            Ok(producer) => producer,
            Err(BusError::Refused(_)) => {
                let right = MissingRight::on_prefix("Write", "transactional-id", self.queue());
                return Ok(vec![right]);
            }
            Err(error) => return Err(error),
        };
        let mut missing = Vec::new();
        for group in [self.queue(), transactional_id] {
            let group = self.group(group)?;
            match self.try_offsets(&producer, None, &group)? {
                Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {
                    missing.push(MissingRight::on_prefix("Read", "group", self.queue()));
                    break;
                }
                Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                    missing.push(MissingRight::on_topic("Read", self.topic()));
                    break;
                }
                _ => {}
            }
        }
        if !missing.is_empty() {
            // Without them a transaction fails whatever else it holds.
            return Ok(missing);
        }
        let group = self.group(transactional_id)?;
        for topic in topics {
            let client = self.cluster().observer(&[])?;
            let refused = is_hidden(&client, topic)?
                || self.try_offsets(&producer, Some(topic), &group)?
                    == Some(RDKafkaErrorCode::TopicAuthorizationFailed);
            if refused {
                missing.push(MissingRight::on_topic("Write", topic));
            }
        }
        Ok(missing)
    }

    /// Tries a transaction with an offset of the group, and with a record to `topic` that is taken back before it is sent.
    /// Returns why the broker does not take it.
    fn try_offsets(
        &self,
        producer: &Producer,
        topic: Option<&str>,
        group: &ConsumerGroupMetadata,
    ) -> Result<Option<RDKafkaErrorCode>, BusError> {
        let sorted = |error: KafkaError| BusError::from_kafka(&error);
        let client = producer.client();
        client.begin_transaction().map_err(sorted)?;
        if let Some(topic) = topic {
            // The partition is known to the client once the topic is.
            client
                .client()
                .fetch_metadata(Some(topic), CALL)
                .map_err(sorted)?;
            producer.enqueue_one(topic).map_err(sorted)?;
            std::thread::sleep(ANNOUNCED);
        }
        // The coordinator answers in order: the answer to the second says what it thought of the partition.
        let mut refused = None;
        for _ in 0..2 {
            let offsets = entry(self.topic(), 0, "").map_err(sorted)?;
            if let Err(error) = client.send_offsets_to_transaction(&offsets, group, CALL) {
                refused = error.rdkafka_error_code();
                break;
            }
        }
        client.abort_transaction(CALL).map_err(sorted)?;
        producer.take_back_all();
        Ok(refused)
    }
}

fn is_unauthorized(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::TopicAuthorizationFailed)
}

fn is_hidden(client: &BaseConsumer<Context>, topic: &str) -> Result<bool, BusError> {
    let metadata = match client.fetch_metadata(Some(topic), CALL) {
        Ok(metadata) => metadata,
        Err(error) if is_unauthorized(&error) => return Ok(true),
        Err(error) => return Err(BusError::from_kafka(&error)),
    };
    Ok(metadata
        .topics()
        .iter()
        .any(|topic| topic.error() == Some(RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_right_comes_with_the_command_that_gives_it() {
        let right = MissingRight::on_topic("Write", "incentive.deliveries");
        assert_eq!(right.to_string(), "Write on topic incentive.deliveries");
        let command = right.remedy("kafka:9092", "inq");
        assert!(
            command.ends_with("User:inq --operation Write --topic incentive.deliveries"),
            "{command}"
        );
        let group = MissingRight::on_prefix("Read", "group", "incentive-notify-queue");
        assert!(group.remedy("kafka:9092", "inq").ends_with("prefixed"));
    }
}
