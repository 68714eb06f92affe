//! What a publisher owes the database before it may claim again.

use super::recovery::Recovery;
use crate::store::{Claim, Ended, PublishFailure, Store};

/// What to look at when the database has lost a commit.
const DURABLE: &str = "see the guarantees in the README and `inq claims list`, and check that MySQL runs with \
    innodb_flush_log_at_trx_commit = 1 and sync_binlog = 1 and did not fail over to a replica behind";

/// The end of a claim. It survives a database or a broker that is away.
pub(super) enum Debt {
    /// The claim was published.
    Settle { claim: i64, rows: Vec<i64> },
    /// The claim was not published, or not all of it.
    GiveBack {
        claim: i64,
        sent: Vec<i64>,
        failed: Vec<PublishFailure>,
        released: Vec<i64>,
    },
    /// Claims under this `transactional.id`, which its publisher has given up, may or may not have been published.
    Recover { transactional_id: String },
}

/// Why a debt is not paid.
pub(super) enum Unpaid {
    /// Something is away: try again.
    Away {
        /// For people.
        why: String,
        /// It may be paid all the same, with the answer lost.
        unheard: bool,
    },
    /// The database has lost a commit: a person must act.
    Lost(String),
}

impl Debt {
    /// Of a claim that was not published at all.
    pub(super) const fn release(claim: i64, rows: Vec<i64>) -> Self {
        Self::GiveBack {
            claim,
            sent: Vec::new(),
            failed: Vec::new(),
            released: rows,
        }
    }

    /// Of a claim in hand that will not be published.
    pub(super) fn release_all(claim: &Claim) -> Self {
        Self::release(claim.id, claim.rows.iter().map(|row| row.id).collect())
    }

    /// Ends the claim. `unheard` says that an earlier try may have done so.
    pub(super) async fn pay(
        &self,
        store: &dyn Store,
        recovery: &Recovery,
        unheard: bool,
    ) -> Result<(), Unpaid> {
        let ended = match self {
            Self::Settle { claim, rows } => store.settle(*claim, rows, false).await,
            Self::GiveBack {
                claim,
                sent,
                failed,
                released,
            } => store.give_back(*claim, sent, failed, released).await,
            Self::Recover { transactional_id } => {
                let recovered = recovery.recover_own(transactional_id).await;
                return recovered.map_err(|error| Unpaid::Away {
                    why: error.to_string(),
                    unheard: false,
                });
            }
        };
        match ended {
            Ok(Ended::Done) => Ok(()),
            Ok(Ended::Gone) if unheard => Ok(()),
            Ok(Ended::Gone) => self.was_ended_by_others(store).await,
            Ok(Ended::Short { expected, found }) => Err(Unpaid::Lost(format!(
                "the database has lost a commit: only {found} of {expected} claimed rows are still ours; {DURABLE}"
            ))),
            Err(error) => Err(Unpaid::Away {
                why: error.to_string(),
                unheard: true,
            }),
        }
    }

    /// A claim that is gone was ended by somebody else after its lease: recovery, which has asked the same ledger, or an operator.
    /// The record of ended claims says so. If it does not, the database has lost the claim, and its rows would go out again.
    async fn was_ended_by_others(&self, store: &dyn Store) -> Result<(), Unpaid> {
        let (Self::Settle { claim, .. } | Self::GiveBack { claim, .. }) = self else {
            return Ok(());
        };
        match store.ended_claim(*claim).await {
            Ok(Some(ended)) => {
                tracing::info!(
                    claim,
                    outcome = ended.outcome,
                    ended_at = %ended.ended_at,
                    "a claim was ended by somebody else after its lease"
                );
                Ok(())
            }
            Ok(None) => Err(Unpaid::Lost(format!(
                "the database has lost a commit: claim {claim} is gone, and nobody has ended it; {DURABLE}"
            ))),
            Err(error) => Err(Unpaid::Away {
                why: error.to_string(),
                unheard: false,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use chrono::DateTime;
    use tempfile::TempDir;

    use super::*;
    use crate::contract::{IncentiveType, Priority};
    use crate::store::{self, Claimant, NewNotification, Status, Which};

    const USER: i64 = 42;

    fn row(event_id: &str) -> NewNotification {
        NewNotification {
            event_id: event_id.to_owned(),
            user_id: USER,
            incentive_type: IncentiveType::StreakReward,
            notification_type: 89,
            priority: Priority::MAX,
            message_title: String::new(),
            message_body: String::new(),
            incentive_data: "{}".to_owned(),
            occurred_at: DateTime::UNIX_EPOCH,
            scheduled_at: None,
            expires_at: None,
            language: "en".to_owned(),
            variant: None,
            timezone: None,
            device_type: None,
            traceparent: None,
            status: Status::Pending,
            digest_event_id: None,
            stands_alone: false,
            beginning: Vec::new(),
        }
    }

    /// A claim of two rows, in a database of its own.
    async fn claimed(directory: &TempDir) -> (Arc<dyn Store>, Claim) {
        let url = format!("sqlite://{}", directory.path().join("rows").display());
        let store = store::open(&url, 2).unwrap();
        store.migrate().await.unwrap();
        store.insert(&[row("a"), row("b")]).await.unwrap();
        let claim = store.claim(2, Duration::ZERO, &Claimant::Plain).await.unwrap();
        (store, claim.claim.unwrap())
    }

    async fn pay(store: &Arc<dyn Store>, claim: &Claim) -> Result<(), Unpaid> {
        let recovery = Recovery::new(Arc::clone(store), None, Duration::ZERO);
        let rows = claim.rows.iter().map(|row| row.id).collect();
        let debt = Debt::Settle {
            claim: claim.id,
            rows,
        };
        debt.pay(store.as_ref(), &recovery, false).await
    }

    #[tokio::test]
    async fn a_claim_that_was_recovered_is_not_lost_when_its_user_is_erased_meanwhile() {
        let directory = TempDir::new().unwrap();
        let (store, claim) = claimed(&directory).await;
        let rows: Vec<i64> = claim.rows.iter().map(|row| row.id).collect();
        let ended = store.settle(claim.id, &rows, true).await.unwrap();
        assert_eq!(ended, Ended::Done);
        let asked = store.request_forgetting(USER, "a test").await.unwrap();
        assert_eq!(store.anonymise(&asked, Which::Free, 10).await.unwrap(), 2);
        assert!(pay(&store, &claim).await.is_ok());
    }

    #[tokio::test]
    async fn a_claim_that_was_recovered_in_part_is_not_lost() {
        let directory = TempDir::new().unwrap();
        let (store, claim) = claimed(&directory).await;
        let rows: Vec<i64> = claim.rows.iter().map(|row| row.id).collect();
        let ended = store.recover_partly(claim.id, &rows[..1], &rows[1..]).await;
        assert_eq!(ended.unwrap(), Ended::Done);
        assert!(pay(&store, &claim).await.is_ok());
    }

    #[tokio::test]
    async fn a_claim_that_is_gone_and_that_nobody_has_ended_is_lost() {
        let directory = TempDir::new().unwrap();
        let (store, claim) = claimed(&directory).await;
        let gone = Claim {
            id: claim.id + 1,
            ..claim
        };
        let Err(Unpaid::Lost(why)) = pay(&store, &gone).await else {
            panic!("not lost");
        };
        assert!(why.contains("nobody has ended it"), "{why}");
    }
}
