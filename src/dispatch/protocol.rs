//! What the protocol decides: pure functions of what is known, driven by the loops and by the tests.

use crate::bus::{LedgerEntry, Reading};

/// What became of the publish of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// The commit answered.
    Yes,
    /// Commit was never called, and the abort answered.
    No,
    /// The same, and requests of it may still be on their way to the broker.
    NoWithStragglers,
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
        // Recovery fences the producer: what arrives late is refused, and stands in no later transaction.
        Published::NoWithStragglers | Published::Unknown => Next::Recover,
    }
}

/// What is known of a claim, once its publisher is fenced and its ledger read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence<'a> {
    /// The claim, as its ledger would name it.
    pub claim: LedgerEntry,
    /// The cluster to which the claim was to be published.
    pub claim_cluster: &'a str,
    /// The cluster that was asked.
    pub ledger_cluster: &'a str,
    /// What the ledger says.
    pub ledger: Reading,
    /// Where the ledger is undecided: what the deliveries topic holds of the claim's requests; `None` if that cannot be
    /// told.
    pub topic: Option<Share>,
}

/// How much of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Share {
    /// Every request.
    All,
    /// Some, in the partitions that Kafka told of the commit; the others are lost.
    Part,
    /// None.
    Nothing,
}

/// What recovery concludes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Conclusion {
    /// The claim was published.
    Settle,
    /// The claim was not published, and never will be.
    Release,
    /// Some of it was published, and the rest never will be.
    Split,
    /// The evidence is not enough: the claim stays until an operator decides.
    Doubt(Doubt),
}

/// Why the evidence is not enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// The ledger that was asked is another cluster's.
    OtherCluster,
    /// Kafka has forgotten the ledger.
    Forgotten,
    /// The ledger has gone past the claim: the database is older than it.
    Rewound,
    /// Neither the ledger nor the topic tells.
    Undecided,
}

impl Doubt {
    /// For people.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            Self::OtherCluster => {
                "it was published to another Kafka cluster than the one that is configured now"
            }
            Self::Forgotten => {
                "Kafka has forgotten its ledger: the ledger's offsets have expired (offsets.retention.minutes), or the \
                 deliveries topic was deleted"
            }
            Self::Rewound => {
                "its publisher has published later claims: the database has gone back in time (was it restored from a \
                 backup, or did it fail over to a replica behind?)"
            }
            Self::Undecided => {
                "Kafka does not tell how its transaction has ended, and the deliveries topic may have lost its requests"
            }
        }
    }
}

/// From the evidence to the end of a claim.
///
/// A publisher makes a claim only after the one before has ended, so its ledger is at most at the claim.
#[must_use]
pub fn conclude(evidence: Evidence<'_>) -> Conclusion {
    if evidence.claim_cluster != evidence.ledger_cluster {
        return Conclusion::Doubt(Doubt::OtherCluster);
    }
    match (evidence.ledger, evidence.topic) {
        (Reading::Published(newest), _) if newest == evidence.claim => Conclusion::Settle,
        (Reading::Published(newest), _) if newest.claim < evidence.claim.claim => Conclusion::Release,
        (Reading::Published(_), _) => Conclusion::Doubt(Doubt::Rewound),
        (Reading::Forgotten, _) => Conclusion::Doubt(Doubt::Forgotten),
        (Reading::Undecided, Some(Share::All)) => Conclusion::Settle,
        (Reading::Undecided, Some(Share::Part)) => Conclusion::Split,
        (Reading::Undecided, Some(Share::Nothing)) => Conclusion::Release,
        (Reading::Undecided, None) => Conclusion::Doubt(Doubt::Undecided),
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    fn entry(claim: i64, millisecond: i64) -> LedgerEntry {
        LedgerEntry {
            claim,
            claimed_at: DateTime::from_timestamp_millis(millisecond).expect("a time"),
        }
    }

    fn concluded(ledger: Reading) -> Conclusion {
        judged(ledger, None)
    }

    fn judged(ledger: Reading, topic: Option<Share>) -> Conclusion {
        conclude(Evidence {
            claim: entry(7, 70),
            claim_cluster: "a",
            ledger_cluster: "a",
            ledger,
            topic,
        })
    }

    #[test]
    fn only_an_answered_commit_settles_and_only_an_answered_abort_gives_back() {
        assert_eq!(after_publish(Published::Yes), Next::Settle);
        assert_eq!(after_publish(Published::No), Next::GiveBack);
        assert_eq!(after_publish(Published::Unknown), Next::Recover);
    }

    #[test]
    fn a_producer_with_requests_on_their_way_makes_no_other_transaction() {
        assert_eq!(after_publish(Published::NoWithStragglers), Next::Recover);
    }

    #[test]
    fn a_claim_in_the_ledger_is_settled() {
        assert_eq!(concluded(Reading::Published(entry(7, 70))), Conclusion::Settle);
    }

    #[test]
    fn a_claim_that_the_ledger_has_not_reached_is_released() {
        assert_eq!(concluded(Reading::Published(entry(6, 60))), Conclusion::Release);
        assert_eq!(concluded(Reading::Published(entry(0, 0))), Conclusion::Release);
    }

    #[test]
    fn a_ledger_beyond_the_claim_tells_of_a_database_from_the_past() {
        let rewound = Conclusion::Doubt(Doubt::Rewound);
        assert_eq!(concluded(Reading::Published(entry(8, 80))), rewound);
        // The number was given once more.
        assert_eq!(concluded(Reading::Published(entry(7, 69))), rewound);
    }

    #[test]
    fn a_forgotten_ledger_proves_nothing() {
        assert_eq!(concluded(Reading::Forgotten), Conclusion::Doubt(Doubt::Forgotten));
    }

    #[test]
    fn another_clusters_ledger_proves_nothing() {
        for ledger in [
            Reading::Forgotten,
            Reading::Published(entry(7, 70)),
            Reading::Undecided,
        ] {
            let conclusion = conclude(Evidence {
                claim: entry(7, 70),
                claim_cluster: "a",
                ledger_cluster: "b",
                ledger,
                topic: Some(Share::All),
            });
            assert_eq!(conclusion, Conclusion::Doubt(Doubt::OtherCluster));
        }
    }

    #[test]
    fn where_the_ledger_is_undecided_the_topic_tells() {
        for (share, conclusion) in [
            (Share::All, Conclusion::Settle),
            (Share::Part, Conclusion::Split),
            (Share::Nothing, Conclusion::Release),
        ] {
            assert_eq!(judged(Reading::Undecided, Some(share)), conclusion);
        }
        let undecided = Conclusion::Doubt(Doubt::Undecided);
        assert_eq!(judged(Reading::Undecided, None), undecided);
    }
}
