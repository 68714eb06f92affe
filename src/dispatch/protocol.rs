//! What the protocol decides: pure functions of what is known, driven by the loops and by the tests.

use std::time::Duration;

/// How long a ledger that does not mention a publisher is taken at its word: brokers forget the offsets of a group
/// without members after `offsets.retention.minutes`, seven days by default and a day at the least that is in use.
pub const LEDGER_TRUSTED_FOR: Duration = Duration::from_hours(24);

/// What became of the publish of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// The commit answered.
    Yes,
    /// Commit was never called, and the abort answered.
    No,
    /// Anything else.
    Unknown,
}

/// What the publisher does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The rows become `sent`.
    Settle,
    /// The rows go back; those that the broker refused follow their retry.
    GiveBack,
    /// Recovery decides, and the publisher goes on under a new `transactional.id`.
    Recover,
}

/// From the outcome of a publish to what follows.
#[must_use]
pub const fn after_publish(outcome: Published) -> Next {
    match outcome {
        Published::Yes => Next::Settle,
        Published::No => Next::GiveBack,
        Published::Unknown => Next::Recover,
    }
}

/// What is known of a claim, once its publisher is fenced and its ledger read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence<'a> {
    /// The claim's number.
    pub claim: i64,
    /// The cluster to which the claim was to be published.
    pub claim_cluster: &'a str,
    /// How long ago the claim was made.
    pub age: Duration,
    /// The cluster that was asked.
    pub ledger_cluster: &'a str,
    /// The newest claim in the ledger; `None` if it has no entry.
    pub ledger: Option<i64>,
}

/// What recovery concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// The claim was published.
    Settle,
    /// The claim was not published, and never will be.
    Release,
    /// The evidence is not enough: the claim stays until an operator decides.
    Doubt(Doubt),
}

/// Why the evidence is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The ledger that was asked is another cluster's.
    OtherCluster,
    /// The ledger may have forgotten: the claim is older than it is sure to remember.
    TooOld,
}

impl Doubt {
    /// For people.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::OtherCluster => {
                "it was published to another Kafka cluster than the one that is configured now"
            }
            Self::TooOld => "it is older than the ledger's memory, and the ledger does not mention it",
        }
    }
}

/// From the evidence to the end of a claim.
#[must_use]
pub fn conclude(evidence: Evidence<'_>) -> Conclusion {
    if evidence.claim_cluster != evidence.ledger_cluster {
        return Conclusion::Doubt(Doubt::OtherCluster);
    }
    match evidence.ledger {
        Some(newest) if newest >= evidence.claim => Conclusion::Settle,
        // An older entry proves that the ledger remembers this publisher.
        Some(_) => Conclusion::Release,
        None if evidence.age < LEDGER_TRUSTED_FOR => Conclusion::Release,
        None => Conclusion::Doubt(Doubt::TooOld),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIDENCE: Evidence<'static> = Evidence {
        claim: 7,
        claim_cluster: "a",
        age: Duration::from_mins(1),
        ledger_cluster: "a",
        ledger: None,
    };

    #[test]
    fn only_an_answered_commit_settles_and_only_an_answered_abort_gives_back() {
        assert_eq!(after_publish(Published::Yes), Next::Settle);
        assert_eq!(after_publish(Published::No), Next::GiveBack);
        assert_eq!(after_publish(Published::Unknown), Next::Recover);
    }

    #[test]
    fn a_claim_in_the_ledger_is_settled() {
        for newest in [7, 8, 700] {
            let evidence = Evidence {
                ledger: Some(newest),
                ..EVIDENCE
            };
            assert_eq!(conclude(evidence), Conclusion::Settle);
        }
    }

    #[test]
    fn a_claim_behind_the_ledger_is_released_however_old() {
        let evidence = Evidence {
            ledger: Some(6),
            age: 3 * LEDGER_TRUSTED_FOR,
            ..EVIDENCE
        };
        assert_eq!(conclude(evidence), Conclusion::Release);
    }

    #[test]
    fn an_empty_ledger_is_believed_while_it_is_sure_to_remember() {
        assert_eq!(conclude(EVIDENCE), Conclusion::Release);
        let old = Evidence {
            age: LEDGER_TRUSTED_FOR,
            ..EVIDENCE
        };
        assert_eq!(conclude(old), Conclusion::Doubt(Doubt::TooOld));
    }

    #[test]
    fn another_clusters_ledger_proves_nothing() {
        for ledger in [None, Some(7)] {
            let evidence = Evidence {
                ledger,
                ledger_cluster: "b",
                ..EVIDENCE
            };
            assert_eq!(conclude(evidence), Conclusion::Doubt(Doubt::OtherCluster));
        }
    }
}
