//! What can go wrong with Kafka, by what the caller can do about it.

use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
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

/// What an error code asks of whoever gets it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// It passes without a change of request, settings or cluster: wait, then send the same again.
    Transient,
    /// The same request fails at every try: a person must change settings, rights or the cluster.
    Permanent,
    /// This record fails at every try; others do not.
    Record,
    /// The client that got it can do nothing more: make a new one.
    Spent,
}

/// Sorts every error code of librdkafka. For the broker's codes (0 and up) this follows the protocol's own list of those
/// that can be retried, and adds those after which librdkafka itself joins a group again. A code that a later librdkafka
/// may add counts as transient: it is told and tried again, and nothing is given up because of it.
pub(super) const fn class_of(code: Code) -> Class {
    match code {
        // Fatal errors of a client, and whatever says that a newer client has taken its place.
        Code::Fatal
        | Code::Fenced
        | Code::FencedInstanceId
        | Code::ProducerFenced
        | Code::InvalidProducerEpoch
        | Code::InvalidProducerIdMapping
        | Code::InvalidTransactionalState
        | Code::OutOfOrderSequenceNumber
        | Code::DuplicateSequenceNumber
        | Code::UnknownProducerId
        | Code::TransactionCoordinatorFenced
        | Code::GaplessGuarantee
        | Code::Inconsistent
        | Code::PollExceeded
        | Code::BrokerDestroy
        | Code::DestroyBroker
        | Code::State
        | Code::Application => Class::Spent,

        Code::MessageSizeTooLarge
        | Code::InvalidMessageSize
        | Code::InvalidMessage
        | Code::InvalidTimestamp
        | Code::InvalidRecord
        | Code::PolicyViolation
        | Code::KeySerialization
        | Code::ValueSerialization
        | Code::InvalidDifferentRecord => Class::Record,

        // Rights and credentials.
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState
        | Code::SSL
        | Code::SecurityDisabled
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed
        | Code::DelegationTokenAuthDisabled
        | Code::DelegationTokenNotFound
        | Code::DelegationTokenOwnerMismatch
        | Code::DelegationTokenRequestNotAllowed
        | Code::DelegationTokenAuthorizationFailed
        | Code::DelegationTokenExpired
        | Code::InvalidPrincipalType
        | Code::PrincipalDeserializationFailure
        | Code::UnacceptableCredential
        // What this broker, or its version, does not do.
        | Code::UnsupportedFeature
        | Code::UnsupportedVersion
        | Code::UnsupportedForMessageFormat
        | Code::UnsupportedCompressionType
        | Code::UnsupportedAssignor
        | Code::UnknownProtocol
        | Code::NotImplemented
        | Code::TopicDeletionDisabled
        // Settings of the client, of a topic or of the broker.
        | Code::InvalidArgument
        | Code::InvalidType
        | Code::NotConfigured
        | Code::UnknownGroup
        | Code::InvalidTopic
        | Code::MessageBatchTooLarge
        | Code::InvalidRequiredAcks
        | Code::InconsistentGroupProtocol
        | Code::InvalidGroupId
        | Code::InvalidSessionTimeout
        | Code::InvalidTransactionTimeout
        | Code::InvalidCommitOffsetSize
        | Code::OffsetMetadataTooLarge
        | Code::GroupMaxSizeReached
        | Code::InvalidPartitions
        | Code::InvalidReplicationFactor
        | Code::InvalidReplicaAssignment
        | Code::InvalidConfig
        | Code::InvalidRequest
        | Code::InvalidUpdateVersion
        | Code::InconsistentVoterSet
        | Code::FeatureUpdateFailed
        | Code::LogDirNotFound
        | Code::TopicAlreadyExists
        | Code::DuplicateResource
        | Code::ResourceNotFound
        | Code::GroupIdNotFound
        | Code::NonEmptyGroup
        | Code::GroupSubscribedToTopic
        | Code::NoReassignmentInProgress
        | Code::UnknownSubscriptionId
        | Code::TelemetryTooLarge
        | Code::UnreleasedInstanceId
        | Code::ExistingSubscription
        | Code::Conflict
        | Code::ReadOnly
        | Code::NoEnt
        // What was stored cannot be read.
        | Code::BadMessage
        | Code::BadCompression
        | Code::KeyDeserialization
        | Code::ValueDeserialization
        | Code::AutoOffsetReset
        | Code::LogTruncation => Class::Permanent,

        _ => Class::Transient,
    }
}

/// Whether the record, not the broker or the connection, is to blame.
pub(super) fn is_the_records_own_fault(error: &KafkaError) -> bool {
    error.rdkafka_error_code().map(class_of) == Some(Class::Record)
}

impl BusError {
    /// Sorts an error of a call that is not part of a transaction.
    pub(super) fn from_kafka(error: &KafkaError) -> Self {
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
        let Some(code) = error.rdkafka_error_code() else {
            return Self::Away(error.to_string());
        };
        match class_of(code) {
            Class::Transient => Self::Away(error.to_string()),
            Class::Spent => Self::Spent(error.to_string()),
            Class::Permanent | Class::Record => Self::Refused(remedy(code, error)),
        }
    }
}

/// What a person can do about an error that does not pass by itself.
fn remedy(code: Code, error: &KafkaError) -> String {
    match code {
        Code::SaslAuthenticationFailed | Code::Authentication | Code::UnsupportedSASLMechanism => format!(
            "the Kafka broker refuses our credentials ({error}): check sasl.mechanism, sasl.username and \
             sasl.password in kafka.properties"
        ),
        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => format!(
            "the Kafka broker does not allow it ({code}): give our user the right by an ACL; `inq check` names the \
             resource and the operation"
        ),
        Code::UnsupportedFeature | Code::UnsupportedVersion => format!(
            "the Kafka broker does not support transactions ({error}): use one that does, or set \
             dispatch.semantics = \"at_least_once\""
        ),
        Code::InvalidTransactionTimeout => format!(
            "the Kafka broker does not grant a transaction that long ({error}): shorten dispatch.lease, or raise the \
             broker's transaction.max.timeout.ms"
        ),
        Code::GroupMaxSizeReached => format!(
            "the consumer group is full ({error}): run fewer instances, or raise the broker's group.max.size"
        ),
        Code::InvalidSessionTimeout => format!(
            "the Kafka broker does not grant the session time-out ({error}): set session.timeout.ms in \
             kafka.properties to one between its group.min.session.timeout.ms and group.max.session.timeout.ms"
        ),
        Code::InconsistentGroupProtocol => format!(
            "the consumer group has members of another kind ({error}): set kafka.group_id to a group that only this \
             service uses"
        ),
        Code::InvalidRecord => format!(
            "the Kafka broker refuses a record for good ({error}): look at the topic's cleanup.policy (a compacted \
             topic takes no record without a key) and at the broker's log"
        ),
        Code::PolicyViolation => format!(
            "a policy of the Kafka broker refuses a record for good ({error}): the broker's log names the policy"
        ),
        _ => format!("the Kafka broker refuses it for good ({error}); trying again does not help"),
    }
}

#[cfg(test)]
mod tests;
