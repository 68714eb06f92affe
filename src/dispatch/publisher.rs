//! One publisher: claim, publish, settle, one claim after the other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::debt::{Debt, Unpaid};
use super::encode::encode;
use super::protocol::{Next, Published, after_publish};
use super::recovery::Recovery;
use super::rewound::explain;
use super::told;
use crate::alerts::Alerts;
use crate::bus::{
    BusError, Cluster, Ledger, LedgerEntry, Outcome, Producer, Publisher, TransactionalPublisher,
};
use crate::schedule::{RetryPolicy, SendTimePolicy, spread};
use crate::store::{Claim, Claimant, Claimed, ClaimedRow, PublishFailure, Store, StoreError};
use crate::telemetry::Traces;

/// Kafka forgets the offsets of a group without members (`offsets.retention.minutes`, seven days by default): the ledger
/// of a publisher without work is written again after so long.
const LEDGER_KEPT_EVERY: Duration = Duration::from_hours(1);

/// A claim that was made ahead is published without a second look at rules if it has waited for less.
const SHORTEST_RECHECK: Duration = Duration::from_secs(1);

/// How a publisher works.
#[derive(Clone, Debug)]
pub struct PublisherSettings {
    /// The deliveries topic.
    pub topic: String,
    /// The most rows in a claim, at least 1.
    pub batch_rows: u32,
    /// How long a claim is ours alone; also what the broker grants the transaction.
    pub lease: Duration,
    /// Where it keeps what it has published; `None`: without Kafka's transactions, at least once.
    pub ledger: Option<Ledger>,
    /// What follows when the broker refuses a request.
    pub retry: RetryPolicy,
    /// What is evaluated again right before publishing.
    pub rules: SendTimePolicy,
    /// Who is told of urgent notifications that fail for good.
    pub alerts: Alerts,
    /// Takes down what became of each row.
    pub traces: Traces,
}

/// What a step did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Rows went out, or back: there may be more.
    Worked {
        /// Rows that were published.
        published: usize,
    },
    /// Nothing is due.
    Idle {
        /// The time until the next row is due; `None` if none is pending.
        next_due: Option<Duration>,
    },
    /// Something is away, or must be mended by a person: try again later.
    Waiting(String),
    /// This publisher must not go on: the database has lost a commit.
    Halted(String),
}

/// A publisher and what it has yet to finish.
pub struct PublisherTask {
    store: Arc<dyn Store>,
    cluster: Cluster,
    recovery: Recovery,
    settings: PublisherSettings,
    open: Option<Open>,
    /// What the store has answered to a claim that was made while the last one was published, under the name of `open`.
    ahead: Option<Answer>,
    debt: Option<Debt>,
    /// Whether the debt may have been paid before, and the answer was lost.
    unheard: bool,
    /// The number of its last claim.
    newest: i64,
    /// How many rows to claim one by one, after the broker refused something in a batch of that many.
    suspects: u32,
}

/// What the store has answered to a claim, and when it was asked.
type Answer = (Result<Claimed, StoreError>, Instant);

struct Open {
    publisher: Publisher,
    claimant: Claimant,
}

impl PublisherTask {
    /// Nothing is connected yet.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        cluster: Cluster,
        recovery: Recovery,
        settings: PublisherSettings,
    ) -> Self {
        Self {
            store,
            cluster,
            recovery,
            settings,
            open: None,
            ahead: None,
            debt: None,
            unheard: false,
            newest: 0,
            suspects: 0,
        }
    }

    /// Claims, publishes and settles once. Not to be cancelled.
    pub async fn step(&mut self) -> Step {
        if let Err(stop) = self.pay().await {
            return stop;
        }
        let is_ahead = self.ahead.is_some();
        let (claim, asked) = match self.claim().await {
            Ok(claimed) => claimed,
            Err(stop) => return stop,
        };
        let rows = claim.rows.len();
        failpoint!("dispatch::claimed");
        // The claim was made no sooner than it was asked for.
        let is_stale =
            is_ahead && asked.elapsed() >= self.settings.rules.recheck_after().max(SHORTEST_RECHECK);
        if is_stale || has_expired(&claim, claim.claimed_at + asked.elapsed()) {
            // Unpublished, all of it: the next claim, which is made at once, leaves out what has expired, and evaluates rules.
            self.debt = Some(Debt::release_all(&claim));
            return self.pay().await.err().unwrap_or(Step::Worked { published: 0 });
        }
        let waiting = self.publish(claim, asked).await;
        let settles = matches!(self.debt, Some(Debt::Settle { .. }));
        if let Err(stop) = self.pay().await {
            return stop;
        }
        match waiting {
            Some(why) => Step::Waiting(why),
            None => Step::Worked {
                published: if settles { rows } else { 0 },
            },
        }
    }

    /// Gives back what was claimed ahead and lets the producer go; blocks for a moment, off the async threads.
    pub async fn close(mut self) {
        if let (
            None,
            Some((
                Ok(Claimed {
                    claim: Some(claim), ..
                }),
                _,
            )),
        ) = (&self.debt, self.ahead.take())
        {
            self.debt = Some(Debt::release_all(&claim));
            if self.pay().await.is_err() {
                tracing::warn!(claim = claim.id, "a claim is left to recovery");
            }
        }
        match self.open.take() {
            // All its claims have ended: nobody will ask its ledger.
            Some(Open {
                publisher: Publisher::Transactional(publisher),
                ..
            }) if self.debt.is_none() => publisher.close_for_good().await,
            open => {
                self.open = open;
                self.give_up().await;
            }
        }
    }

    /// A claim, and when it was asked for.
    async fn claim(&mut self) -> Result<(Claim, Instant), Step> {
        let claimant = self.opened().await.map_err(Step::Waiting)?;
        let (answer, asked) = if let Some(answer) = self.ahead.take() {
            answer
        } else {
            failpoint!("dispatch::unclaimed");
            let limit = if self.suspects > 0 {
                1
            } else {
                self.settings.batch_rows
            };
            self.ask_for(limit, &claimant).await
        };
        match answer {
            Ok(claimed) => {
                let Some(claim) = claimed.claim else {
                    // Where rows expired or were withheld and none was left to claim, there may be more behind them.
                    return Err(if claimed.expired > 0 || !claimed.withheld.is_empty() {
                        Step::Worked { published: 0 }
                    } else {
                        Step::Idle {
                            next_due: claimed.next_due,
                        }
                    });
                };
                self.suspects = self.suspects.saturating_sub(1);
                Ok((self.in_order(claim).await?, asked))
            }
            Err(error) => {
                // The claim may have been committed all the same, with the answer lost.
                if let Some(Claimant::Transactional { transactional_id, .. }) = self.give_up().await {
                    self.debt = Some(Debt::Recover { transactional_id });
                }
                Err(Step::Waiting(error.to_string()))
            }
        }
    }

    /// Claims what comes next while a full batch is published: there is a backlog, and neither server waits for the other.
    /// Where nothing was found the answer is not kept: rows may have been stored since.
    async fn claim_ahead(&self, claimant: &Claimant, published: usize) -> Option<Answer> {
        let batch_rows = self.settings.batch_rows;
        if self.suspects > 0 || u32::try_from(published).is_ok_and(|rows| rows < batch_rows) {
            return None;
        }
        let answer = self.ask_for(batch_rows, claimant).await;
        failpoint!("dispatch::claimed_ahead");
        failpoint!(
            "dispatch::ahead_unheard",
            Some((Err(StoreError::Away("lost".to_owned())), Instant::now()))
        );
        match answer {
            (Ok(nothing), _) if nothing.claim.is_none() => None,
            answer => Some(answer),
        }
    }

    async fn ask_for(&self, limit: u32, claimant: &Claimant) -> Answer {
        let begun = Instant::now();
        let rules = Some(&self.settings.rules);
        let claimed = self.store.claim_by(limit, self.settings.lease, claimant, rules);
        let answer = claimed.await;
        told::claimed(&answer, begun);
        (answer, begun)
    }

    /// Claims are numbered upwards. A database that gives a number again has lost what happened since: this claim goes
    /// back unpublished, and a person must act.
    async fn in_order(&mut self, claim: Claim) -> Result<Claim, Step> {
        if claim.id > self.newest {
            self.newest = claim.id;
            return Ok(claim);
        }
        let halted = Step::Halted(explain(claim.id, self.newest));
        self.debt = Some(Debt::release_all(&claim));
        Err(self.pay().await.err().unwrap_or(halted))
    }

    /// Publishes the claim, makes the next one meanwhile where there is a backlog, and leaves what follows as a debt. Returns
    /// what is wrong, if the next step should wait.
    async fn publish(&mut self, claim: Claim, asked: Instant) -> Option<String> {
        let Some(open) = &self.open else {
            return Some("there is no producer".to_owned());
        };
        let now = Instant::now();
        let ids: Vec<i64> = claim.rows.iter().map(|row| row.id).collect();
        let published_at = claim.claimed_at + asked.elapsed();
        let encoded: Result<Vec<_>, _> = claim.rows.iter().map(|row| encode(row, published_at)).collect();
        let publish = async {
            match encoded {
                Ok(requests) => {
                    let entry = LedgerEntry {
                        claim: claim.id,
                        claimed_at: claim.claimed_at,
                    };
                    let begun = Instant::now();
                    let outcome = open.publisher.publish(entry, requests).await;
                    told::published(&outcome, begun);
                    outcome
                }
                Err(error) => Outcome::NotPublished {
                    refused: vec![(0, error.to_string())],
                    has_stragglers: false,
                    error: BusError::Refused(error.to_string()),
                },
            }
        };
        // Both to their ends: neither an open transaction nor a publish is ever cancelled.
        let (outcome, ahead) = tokio::join!(publish, self.claim_ahead(&open.claimant, ids.len()));
        self.ahead = ahead;
        match outcome {
            Outcome::Published => {
                self.follow(after_publish(Published::Yes), claim.id, ids).await;
                told::sent(&claim.rows, claim.claimed_at + asked.elapsed());
                told::traced(&claim.rows, now, &self.settings.traces);
                None
            }
            Outcome::NotPublished {
                refused,
                has_stragglers,
                error,
            } => {
                let published = if has_stragglers {
                    Published::NoWithStragglers
                } else {
                    Published::No
                };
                self.follow(after_publish(published), claim.id, ids).await;
                self.blame(&claim.rows, refused, &error, now)
            }
            Outcome::Unknown(error) => {
                tracing::warn!(claim = claim.id, rows = ids.len(), %error, "whether a claim was published is unknown");
                self.follow(after_publish(Published::Unknown), claim.id, ids)
                    .await;
                Some(error.to_string())
            }
            Outcome::Partly {
                refused,
                unacknowledged,
                error,
            } => {
                let mut sent: HashMap<usize, i64> = ids.iter().copied().enumerate().collect();
                let released = unacknowledged
                    .iter()
                    .filter_map(|index| sent.remove(index))
                    .collect();
                let failed = refused
                    .into_iter()
                    .filter(|(index, _)| sent.remove(index).is_some())
                    .map(|(index, why)| self.failure(&claim.rows[index], why, now))
                    .collect();
                let published = claim.rows.iter().enumerate();
                let published = published.filter_map(|(index, row)| sent.contains_key(&index).then_some(row));
                told::sent(published.clone(), claim.claimed_at + asked.elapsed());
                told::traced(published, now, &self.settings.traces);
                self.debt = Some(Debt::GiveBack {
                    claim: claim.id,
                    sent: sent.into_values().collect(),
                    failed,
                    released,
                });
                (!unacknowledged.is_empty()).then(|| error.to_string())
            }
        }
    }

    /// Turns the protocol's decision into a debt.
    async fn follow(&mut self, next: Next, claim: i64, rows: Vec<i64>) {
        self.debt = Some(match next {
            Next::Settle => Debt::Settle { claim, rows },
            Next::GiveBack => Debt::release(claim, rows),
            Next::Recover => match self.give_up().await {
                Some(Claimant::Transactional { transactional_id, .. }) => {
                    // Made under the same name, it is recovered with the rest, and never published by another producer.
                    self.ahead = None;
                    Debt::Recover { transactional_id }
                }
                // At least once: what is not known to have arrived goes out again.
                Some(Claimant::Plain) | None => Debt::release(claim, rows),
            },
        });
    }

    /// A refused request in a claim of one row is that row's own fault, and its attempt counts. In a larger claim the
    /// broker may have refused neighbours with it: the rows come again one by one.
    fn blame(
        &mut self,
        rows: &[ClaimedRow],
        refused: Vec<(usize, String)>,
        error: &BusError,
        begun: Instant,
    ) -> Option<String> {
        let Some((_, why)) = refused.into_iter().next() else {
            return Some(error.to_string());
        };
        if let [row] = rows {
            tracing::warn!(
                notification.id = row.id,
                attempt = row.attempt,
                "the broker refuses a request: {why}"
            );
            let failure = self.failure(row, why, begun);
            if let Some(Debt::GiveBack { failed, released, .. }) = &mut self.debt {
                released.clear();
                failed.push(failure);
            }
        } else {
            self.suspects = u32::try_from(rows.len()).unwrap_or(u32::MAX);
        }
        None
    }

    fn failure(&self, row: &ClaimedRow, why: String, begun: Instant) -> PublishFailure {
        let failure = PublishFailure {
            notification_id: row.id,
            retry_in: self
                .settings
                .retry
                .delay(row.attempt, None, spread(row.id, row.attempt)),
            error: why,
        };
        told::refused(row, &failure, begun, &self.settings.alerts, &self.settings.traces);
        failure
    }

    /// Finishes what the last step left.
    async fn pay(&mut self) -> Result<(), Step> {
        let Some(debt) = self.debt.take() else {
            return Ok(());
        };
        failpoint!("dispatch::owing");
        let unheard = std::mem::take(&mut self.unheard);
        let begun = Instant::now();
        match debt.pay(self.store.as_ref(), &self.recovery, unheard).await {
            Ok(()) => {
                if !matches!(debt, Debt::Recover { .. }) {
                    told::ended(begun);
                }
                failpoint!("dispatch::paid");
                Ok(())
            }
            Err(Unpaid::Away { why, unheard: again }) => {
                self.debt = Some(debt);
                self.unheard = unheard || again;
                Err(Step::Waiting(why))
            }
            Err(Unpaid::Lost(why)) => Err(Step::Halted(why)),
        }
    }

    /// The claimant of a producer that can publish, made where there is none.
    ///
    /// # Errors
    /// With what is away, for people.
    async fn opened(&mut self) -> Result<Claimant, String> {
        let kept = match &self.open {
            // One that has claimed ahead has just published.
            Some(Open {
                publisher: Publisher::Transactional(publisher),
                ..
            }) if self.ahead.is_none() => publisher.keep_ledger(LEDGER_KEPT_EVERY).await,
            _ => Ok(()),
        };
        if let Err(error) = kept {
            // It has no claim.
            self.give_up().await;
            return Err(error.to_string());
        }
        let open = match self.open.take() {
            Some(open) => open,
            None => self.new_producer().await?,
        };
        Ok(self.open.insert(open).claimant.clone())
    }

    async fn new_producer(&self) -> Result<Open, String> {
        let Some(ledger) = &self.settings.ledger else {
            return Ok(Open {
                publisher: Publisher::Plain {
                    producer: Producer::new(&self.cluster).map_err(|error| error.to_string())?,
                    topic: self.settings.topic.clone(),
                },
                claimant: Claimant::Plain,
            });
        };
        let transactional_id = format!("{}-{}", ledger.queue(), Uuid::new_v4().simple());
        let database = self.store.identity().await.map_err(|error| error.to_string())?;
        let publisher = TransactionalPublisher::open(ledger, transactional_id, database, self.settings.lease)
            .await
            .map_err(|error| error.to_string())?;
        tracing::info!(
            transactional.id = publisher.transactional_id(),
            "a publisher is ready"
        );
        let claimant = Claimant::Transactional {
            transactional_id: publisher.transactional_id().to_owned(),
            cluster_id: publisher.cluster_id().to_owned(),
        };
        Ok(Open {
            publisher: Publisher::Transactional(publisher),
            claimant,
        })
    }

    /// Lets the producer go for good, and returns under which name it claimed.
    async fn give_up(&mut self) -> Option<Claimant> {
        let Open { publisher, claimant } = self.open.take()?;
        if spawn_blocking(move || drop(publisher)).await.is_err() {
            tracing::error!("a producer could not be closed");
        }
        Some(claimant)
    }
}

/// Whether something in the claim is no longer worth sending at `now`, by the database's clock: a claim that was made ahead
/// may have waited for a slow broker.
fn has_expired(claim: &Claim, now: DateTime<Utc>) -> bool {
    claim
        .rows
        .iter()
        .any(|row| row.expires_at.is_some_and(|expires_at| expires_at <= now))
}
