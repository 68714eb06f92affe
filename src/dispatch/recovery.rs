//! Claims that nobody will settle: fence, read the ledger, conclude, end the claim.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use super::protocol::{Conclusion, Evidence, Share, conclude};
use crate::bus::{BusError, Held, Ledger, LedgerEntry, Reading};
use crate::measures;
use crate::store::{Claimant, Ended, OpenClaim, Store, StoreError};

/// How many claims are looked at together.
const AT_ONCE: u32 = 100;
/// How many claims in doubt are told, at most.
const AT_MOST: usize = 100;

/// Recovers claims; clones share the connections.
#[derive(Clone)]
pub struct Recovery {
    store: Arc<dyn Store>,
    /// `None` where the broker has no transactions.
    ledger: Option<Ledger>,
    /// How long a claim in doubt is left alone.
    doubt_pause: Duration,
}

/// How the open claims stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// The time until the next lease ends; zero where it has ended, `None` where no claim is open.
    pub lapse_in: Option<Duration>,
    /// How many claims a person must decide, at most 100.
    pub in_doubt: usize,
}

/// What became of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// It had been published; its rows are `sent`.
    Settled,
    /// It had not; its rows are `pending`.
    Released,
    /// Some of it had: its rows are `sent` or `pending`, as each was found.
    Split,
    /// Somebody else was faster.
    Gone,
    /// An operator must decide, for this reason.
    InDoubt(String),
}

/// Why a claim could not be judged now; it can be tried again.
#[derive(Debug, Error)]
pub enum RecoveryError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The broker.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl Recovery {
    /// `ledger` is that of the publishers' cluster, `None` where the broker has no transactions; a claim in doubt is
    /// left alone for `doubt_pause` between two looks.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, ledger: Option<Ledger>, doubt_pause: Duration) -> Self {
        Self {
            store,
            ledger,
            doubt_pause,
        }
    }

    /// Recovers every claim whose lease has ended, and returns how many there were.
    ///
    /// # Errors
    /// If the database or the broker is away; claims that were ended by then stay ended.
    pub async fn step(&self) -> Result<usize, RecoveryError> {
        let lapsed = self.store.lapsed_claims(AT_ONCE).await?;
        let mut failed = None;
        for claim in &lapsed {
            // While the ones before it were judged, a publisher that was only slow may have ended it and gone on: it must
            // not be shut out for nothing.
            let Some(claim) = self.store.open_claim(claim.id).await? else {
                continue;
            };
            // One that cannot be judged now must not keep the others from it.
            if let Err(error) = self.recover(&claim).await {
                tracing::warn!(claim = claim.id, %error, "a claim cannot be recovered now");
                failed.get_or_insert(error);
            }
        }
        failed.map_or(Ok(lapsed.len()), Err)
    }

    /// Recovers the claims that were made under this `transactional.id`, whether or not their lease has ended. Only the
    /// publisher itself may do so, once it has given the id up.
    ///
    /// # Errors
    /// As [`Recovery::step`].
    pub async fn recover_own(&self, transactional_id: &str) -> Result<(), RecoveryError> {
        for claim in self.store.open_claims(AT_ONCE).await? {
            if matches!(&claim.claimant, Claimant::Transactional { transactional_id: id, .. } if id == transactional_id)
            {
                self.recover(&claim).await?;
            }
        }
        Ok(())
    }

    /// Recovers every claim whose lease has ended, and tells how those stand that stay open.
    ///
    /// # Errors
    /// As [`Recovery::step`].
    pub async fn look(&self) -> Result<Outlook, RecoveryError> {
        let mut glance = self.store.glance_at_claims().await?;
        if glance.lapse_in.is_some_and(|wait| wait.is_zero()) {
            self.step().await?;
            glance = self.store.glance_at_claims().await?;
        }
        Ok(Outlook {
            lapse_in: glance.lapse_in,
            in_doubt: usize::try_from(glance.in_doubt).map_or(AT_MOST, |claims| claims.min(AT_MOST)),
        })
    }

    async fn recover(&self, claim: &OpenClaim) -> Result<Recovered, RecoveryError> {
        failpoint!("recovery::found");
        let judgement = self.judge(claim).await?;
        failpoint!("recovery::judged");
        let recovered = match judgement {
            Judgement::Settle => {
                let ended = self.store.settle(claim.id, &claim.notification_ids, true).await?;
                self.ended(claim, ended, Recovered::Settled).await?
            }
            Judgement::Release => {
                let ended = self
                    .store
                    .release(claim.id, &claim.notification_ids, true)
                    .await?;
                self.ended(claim, ended, Recovered::Released).await?
            }
            Judgement::Split { sent, unsent } => {
                let ended = self.store.recover_partly(claim.id, &sent, &unsent).await?;
                self.ended(claim, ended, Recovered::Split).await?
            }
            Judgement::Doubt(why) => self.doubt(claim, why).await?,
        };
        failpoint!("recovery::ended");
        let outcome = match &recovered {
            Recovered::Settled => "settled",
            Recovered::Released => "released",
            Recovered::Split => "split",
            Recovered::Gone => "gone",
            Recovered::InDoubt(_) => "in_doubt",
        };
        tracing::info!(
            claim = claim.id,
            rows = claim.notification_ids.len(),
            outcome,
            "a claim was recovered"
        );
        metrics::counter!(measures::CLAIMS_RECOVERED.name, "outcome" => outcome).increment(1);
        Ok(recovered)
    }

    async fn judge(&self, claim: &OpenClaim) -> Result<Judgement, RecoveryError> {
        let Claimant::Transactional {
            transactional_id,
            cluster_id,
        } = &claim.claimant
        else {
            // At least once: whether it was published is not known, so it goes out again.
            return Ok(Judgement::Release);
        };
        let Some(ledger) = &self.ledger else {
            return Ok(Judgement::Doubt(
                "it was made with dispatch.semantics = \"exactly_once\", and the service now runs without a ledger"
                    .to_owned(),
            ));
        };
        // Fencing on the wrong cluster would prove nothing, and make a transactional.id there.
        let asked = ledger.cluster_id().await?;
        let mut evidence = Evidence {
            claim: LedgerEntry {
                claim: claim.id,
                claimed_at: claim.claimed_at,
            },
            claim_cluster: cluster_id,
            ledger_cluster: &asked,
            ledger: Reading::Forgotten,
            topic: None,
        };
        if asked == *cluster_id {
            evidence.ledger = match ledger.fence_and_read(transactional_id).await {
                Ok(reading) => reading,
                Err(BusError::Refused(why)) => {
                    return Ok(Judgement::Doubt(format!("its ledger cannot be read: {why}")));
                }
                Err(error) => return Err(error.into()),
            };
        }
        let mut sent = BTreeSet::new();
        if evidence.ledger == Reading::Undecided {
            ledger.abort_left_open(transactional_id).await?;
            let held = self.look_in_topic(ledger, claim).await?;
            evidence.topic = share(&held, claim);
            sent = held.found;
        }
        let conclusion = conclude(evidence);
        if conclusion == Conclusion::Release {
            self.free_readers(ledger, transactional_id, claim).await?;
        }
        Ok(match conclusion {
            Conclusion::Settle => Judgement::Settle,
            Conclusion::Release => Judgement::Release,
            Conclusion::Split => {
                let (sent, unsent) = claim
                    .notification_ids
                    .iter()
                    .partition(|notification_id| sent.contains(notification_id));
                Judgement::Split { sent, unsent }
            }
            Conclusion::Doubt(doubt) => Judgement::Doubt(doubt.explain().to_owned()),
        })
    }

    /// Nothing of a claim that was not published may hold back those who read what is committed, for ever.
    async fn free_readers(
        &self,
        ledger: &Ledger,
        transactional_id: &str,
        claim: &OpenClaim,
    ) -> Result<(), RecoveryError> {
        let held_back = ledger.held_back().await?;
        if held_back.is_empty() {
            return Ok(());
        }
        let requests = self.requests_of(claim).await?;
        let partitions = ledger
            .abort_unpublished(transactional_id, held_back, requests)
            .await?;
        if partitions > 0 {
            tracing::warn!(
                claim = claim.id,
                partitions,
                "the broker had left a transaction open that it has ended; it is aborted"
            );
        }
        Ok(())
    }

    /// Notification and attempt of each of the claim's rows.
    async fn requests_of(&self, claim: &OpenClaim) -> Result<BTreeSet<(i64, u32)>, StoreError> {
        let mut requests = BTreeSet::new();
        for notification_id in &claim.notification_ids {
            if let Some(row) = self.store.notification(*notification_id).await? {
                requests.insert((row.id, row.attempts));
            }
        }
        Ok(requests)
    }

    /// Which of the claim's requests are in the deliveries topic.
    async fn look_in_topic(&self, ledger: &Ledger, claim: &OpenClaim) -> Result<Held, RecoveryError> {
        let requests = self.requests_of(claim).await?;
        let held = ledger.held_requests(requests, claim.claimed_at).await?;
        tracing::info!(
            claim = claim.id,
            found = held.found.len(),
            of = claim.notification_ids.len(),
            complete = held.complete,
            "the deliveries topic was searched"
        );
        Ok(held)
    }

    async fn ended(&self, claim: &OpenClaim, ended: Ended, done: Recovered) -> Result<Recovered, StoreError> {
        match ended {
            Ended::Done => Ok(done),
            Ended::Gone => Ok(Recovered::Gone),
            Ended::Short { expected, found } => {
                let why = format!(
                    "{found} of its {expected} rows still belong to it: the database has lost a commit (was it restored \
                     from a backup, or did it fail over to a replica behind?)"
                );
                self.doubt(claim, why).await
            }
        }
    }

    async fn doubt(&self, claim: &OpenClaim, why: String) -> Result<Recovered, StoreError> {
        if !self.store.doubt(claim.id, &why, self.doubt_pause).await? {
            return Ok(Recovered::Gone);
        }
        tracing::error!(
            claim = claim.id,
            "a claim stays in doubt: {why}; decide with `inq claims`"
        );
        Ok(Recovered::InDoubt(why))
    }
}

/// What the topic tells of the claim.
fn share(held: &Held, claim: &OpenClaim) -> Option<Share> {
    if held.found.len() == claim.notification_ids.len() {
        Some(Share::All)
    } else if !held.complete {
        None
    } else if held.found.is_empty() {
        Some(Share::Nothing)
    } else {
        Some(Share::Part)
    }
}

enum Judgement {
    Settle,
    Release,
    Split { sent: Vec<i64>, unsent: Vec<i64> },
    Doubt(String),
}
