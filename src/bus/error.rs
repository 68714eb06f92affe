//! What can go wrong with Kafka, by what the caller can do about it.

use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use thiserror::Error;

/// An error of the bus.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BusError {
    /// The brokers cannot be reached, or are not ready: wait and try again.
    #[error("the Kafka broker is away: {0}")]
    Away(String),
    /// The brokers refuse us, or the settings of the client are wrong: a person must act. The message
    /// names the remedy.
    #[error("{0}")]
    Refused(String),
    /// This client is of no more use (fenced, fatal): make a new one.
    #[error("the Kafka client is spent: {0}")]
    Spent(String),
}

impl BusError {
    /// Sorts an error of a call that is not part of a transaction.
    pub(super) fn from_kafka(error: &KafkaError) -> Self {
        use RDKafkaErrorCode as Code;
        if let KafkaError::ClientConfig(_, what, key, value) = error {
            let shown = if key.contains("password") || key.contains("secret") {
                "***"
            } else {
                value
            };
            return Self::Refused(format!(
                "kafka.properties: `{key} = {shown}` is not accepted: {}",
                what.trim()
            ));
        }
        if let KafkaError::ClientCreation(why) = error {
            return Self::Refused(format!(
                "kafka.properties: the client cannot be made: {}",
                why.trim()
            ));
        }
        match error.rdkafka_error_code() {
            Some(Code::SaslAuthenticationFailed | Code::Authentication) => Self::Refused(format!(
                "the Kafka broker refuses our credentials ({error}): check sasl.mechanism, sasl.username and \
                 sasl.password in kafka.properties"
            )),
            Some(
                code @ (Code::TopicAuthorizationFailed
                | Code::GroupAuthorizationFailed
                | Code::ClusterAuthorizationFailed
                | Code::TransactionalIdAuthorizationFailed),
            ) => Self::Refused(format!(
                "the Kafka broker does not allow it ({code}): give our user the right by an ACL"
            )),
            Some(Code::UnsupportedFeature | Code::UnsupportedVersion) => Self::Refused(format!(
                "the Kafka broker does not support transactions ({error}): use one that does, or set \
                 dispatch.semantics = \"at_least_once\""
            )),
            Some(Code::Fatal | Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch) => {
                Self::Spent(error.to_string())
            }
            _ => Self::Away(error.to_string()),
        }
    }
}
