use std::collections::BTreeMap;

use rdkafka::types::RDKafkaRespErr;

use super::*;

/// Every code that may pass by itself; each other one has a place in [`class_of`].
const TRANSIENT: &[Code] = &[
    // librdkafka's own.
    Code::Fail,
    Code::CriticalSystemResource,
    Code::FileSystem,
    Code::BrokerTransportFailure,
    Code::Resolve,
    Code::MessageTimedOut,
    Code::PartitionEOF,
    Code::UnknownPartition,
    Code::UnknownTopic,
    Code::AllBrokersDown,
    Code::OperationTimedOut,
    Code::QueueFull,
    Code::ISRInsufficient,
    Code::NodeUpdate,
    Code::WaitingForCoordinator,
    Code::InProgress,
    Code::PreviousInProgress,
    Code::AssignPartitions,
    Code::RevokePartitions,
    Code::NoOffset,
    Code::Outdated,
    Code::TimedOutQueue,
    Code::WaitCache,
    Code::Interrupted,
    Code::Partial,
    Code::Underflow,
    Code::Retry,
    Code::PurgeQueue,
    Code::PurgeInflight,
    Code::UnknownBroker,
    Code::AssignmentLost,
    Code::Noop,
    // The broker's.
    Code::Unknown,
    Code::NoError,
    Code::OffsetOutOfRange,
    Code::UnknownTopicOrPartition,
    Code::LeaderNotAvailable,
    Code::NotLeaderForPartition,
    Code::RequestTimedOut,
    Code::BrokerNotAvailable,
    Code::ReplicaNotAvailable,
    Code::StaleControllerEpoch,
    Code::NetworkException,
    Code::CoordinatorLoadInProgress,
    Code::CoordinatorNotAvailable,
    Code::NotCoordinator,
    Code::NotEnoughReplicas,
    Code::NotEnoughReplicasAfterAppend,
    Code::IllegalGeneration,
    Code::UnknownMemberId,
    Code::RebalanceInProgress,
    Code::NotController,
    Code::ConcurrentTransactions,
    Code::OperationNotAttempted,
    Code::KafkaStorageError,
    Code::ReassignmentInProgress,
    Code::FetchSessionIdNotFound,
    Code::InvalidFetchSessionEpoch,
    Code::ListenerNotFound,
    Code::FencedLeaderEpoch,
    Code::UnknownLeaderEpoch,
    Code::StaleBrokerEpoch,
    Code::OffsetNotAvailable,
    Code::MemberIdRequired,
    Code::PreferredLeaderNotAvailable,
    Code::EligibleLeadersNotAvailable,
    Code::ElectionNotNeeded,
    Code::UnstableOffsetCommit,
    Code::ThrottlingQuotaExceeded,
    Code::UnknownTopicId,
    Code::FencedMemberEpoch,
    Code::StaleMemberEpoch,
    Code::RebootstrapRequired,
];

/// Every code of librdkafka, its two ends of the list left out.
fn all() -> BTreeMap<i32, Code> {
    (-199..1000)
        .filter_map(|number| RDKafkaRespErr::try_from(number).ok())
        .map(Code::from)
        .filter(|code| !matches!(code, Code::Begin | Code::End | Code::EndAll))
        .map(|code| (code as i32, code))
        .collect()
}

#[test]
fn every_code_of_librdkafka_has_a_class() {
    let all = all();
    assert!(all.len() > 150, "{}", all.len());
    let mut count = 0;
    for code in all.values() {
        let is_transient = class_of(*code) == Class::Transient;
        count += usize::from(is_transient);
        assert_eq!(
            is_transient,
            TRANSIENT.contains(code),
            "{code:?} is sorted as {:?}: a new code needs a place in `class_of` or in the list above",
            class_of(*code)
        );
    }
    assert_eq!(count, TRANSIENT.len());
}

#[test]
fn what_cannot_heal_is_no_broker_that_is_away() {
    for code in all().values() {
        let error = BusError::from_kafka(&KafkaError::MessageProduction(*code));
        match class_of(*code) {
            Class::Transient => assert!(matches!(error, BusError::Away(_)), "{code:?}: {error}"),
            Class::Spent => assert!(matches!(error, BusError::Spent(_)), "{code:?}: {error}"),
            Class::Permanent | Class::Record => {
                assert!(matches!(error, BusError::Refused(_)), "{code:?}: {error}");
                assert!(!error.to_string().contains("away"), "{error}");
            }
        }
    }
}

#[test]
fn a_refusal_names_the_remedy() {
    for (code, remedy) in [
        (Code::InvalidRecord, "cleanup.policy"),
        (Code::TopicAuthorizationFailed, "`inq check` names"),
        (Code::GroupMaxSizeReached, "group.max.size"),
        (Code::InvalidTransactionTimeout, "dispatch.lease"),
        (Code::InconsistentGroupProtocol, "kafka.group_id"),
        (Code::SaslAuthenticationFailed, "sasl.password"),
    ] {
        let said = BusError::from_kafka(&KafkaError::MessageProduction(code)).to_string();
        assert!(said.contains(remedy), "{code:?}: {said}");
    }
}
