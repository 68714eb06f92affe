//! Events become rows.
//!
//! A batch is planned while the one before it is being stored, stored in one transaction, and only then are its offsets
//! stored. What cannot become a row becomes a dead letter, acknowledged by the broker before the offset is stored. Whatever is away is waited for
//! with the batch in hand; doing a batch again is harmless, for each event has one row.

mod admit;
mod ahead;
mod batch;
#[cfg(test)]
mod day;
mod digest;
mod forecast;
mod plan;
#[cfg(test)]
mod rehearsal;

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use admit::Rules;
pub use admit::Together;
pub use ahead::{Ahead, Seen};
use batch::Numbered;
use digest::Teller;
pub use forecast::Forecast;
pub use plan::{Announced, Asked, Plan, Planner};

use crate::alerts::Alerts;
use crate::bus::{Batch, DeadLetters, Record};
use crate::contract::{Cancellation, Reason, Rejection, traceparent};
use crate::measures;
use crate::patience::Patience;
use crate::stage::Stage;
use crate::store::{Admission, Admitted, CancelOutcome, Fate, NewNotification, Retelling, Store, StoreError};
use crate::telemetry::{Doing, Done, Traces};

/// The stage.
pub struct Ingest {
    store: Arc<dyn Store>,
    planner: Planner,
    together: Arc<Together>,
    dead_letters: DeadLetters,
    alerts: Alerts,
    traces: Traces,
    /// Changes when rows were stored: the earliest due time may be another.
    wake: watch::Sender<()>,
}

/// What became of the records of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// New rows.
    pub inserted: u64,
    /// Events that had a row already.
    pub duplicates: u64,
    /// Events that call off another, those that were put aside included.
    pub cancels: usize,
    /// Events from before their users were forgotten, which are not stored.
    pub forgotten: u64,
    /// Records that were put aside.
    pub dead_letters: usize,
}

/// What became of a cancel; an error is why the database refuses it.
type Cancelled = Result<CancelOutcome, String>;

impl Ingest {
    /// `wake` is told when rows were stored.
    #[must_use]
    pub const fn new(
        store: Arc<dyn Store>,
        planner: Planner,
        together: Arc<Together>,
        dead_letters: DeadLetters,
        alerts: Alerts,
        traces: Traces,
        wake: watch::Sender<()>,
    ) -> Self {
        Self {
            store,
            planner,
            together,
            dead_letters,
            alerts,
            traces,
            wake,
        }
    }

    /// Makes every record durable, as a row or as a dead letter. What was seen of them ahead of their turn is used where
    /// it still holds.
    ///
    /// # Errors
    /// With what is away, for people. Then call again with the same records.
    pub async fn step(&mut self, records: &[Record], seen: Option<Seen>) -> Result<Outcome, String> {
        let begun = Instant::now();
        let seen = match seen.filter(Seen::is_fresh) {
            Some(seen) => seen,
            None => self
                .foresight()
                .see(records)
                .await
                .map_err(|error| error.to_string())?,
        };
        let Seen {
            planned,
            cancels,
            mut rejected,
            forgotten,
            preferences,
            ..
        } = seen;
        // First, so that what is announced and called off in one batch is not claimed in between.
        let became = self.cancel(&cancels).await.map_err(|error| error.to_string())?;
        self.tell_cancels(records, &cancels, &became, begun);
        for ((index, cancel), became) in cancels.iter().zip(became) {
            rejected.extend(refusal(cancel, became).map(|rejection| (*index, rejection)));
        }
        if forgotten > 0 {
            tracing::info!(
                events = forgotten,
                "events from before their users were forgotten are not stored"
            );
        }
        failpoint!("ingest::planned");
        let rules = Rules {
            together: Arc::clone(&self.together),
            teller: Teller::now(&self.planner, &self.together),
            preferences,
        };
        let stored = self.store_rows(&planned.rows, Arc::new(rules), begun).await;
        let (admitted, refused) = stored.map_err(|error| error.to_string())?;
        let inserted = admitted.stored;
        if inserted.foreign_cancels > 0 {
            tracing::warn!(
                cancels = inserted.foreign_cancels,
                "cancels that came before their events are ignored: they are not of the events' users"
            );
        }
        // At once: should the batch be done again, nothing in it is new.
        metrics::counter!(measures::INGESTED.name).increment(inserted.inserted);
        CancelOutcome::Cancelled.count(inserted.cancelled);
        CancelOutcome::NotTheirs.count(inserted.foreign_cancels);
        count(&admitted);
        failpoint!("ingest::stored");
        rejected.extend(
            refused
                .into_iter()
                .map(|(row, rejection)| (planned.record_of_row[row], rejection)),
        );
        rejected.sort_by_key(|(index, _)| *index);
        let letters: Vec<_> = rejected
            .into_iter()
            .map(|(index, rejection)| (&records[index], rejection))
            .collect();
        self.dead_letters
            .put_aside(&letters)
            .await
            .map_err(|error| error.to_string())?;
        failpoint!("ingest::put_aside");
        self.alerts.put_aside(letters.len());
        self.traces
            .tell(Doing::Ingest, begun, letters.iter().map(put_aside));
        metrics::counter!(measures::DUPLICATES.name).increment(inserted.duplicates);
        metrics::counter!(measures::KEPT_OUT.name).increment(forgotten);
        planned.tell();
        Ok(Outcome {
            inserted: inserted.inserted,
            duplicates: inserted.duplicates,
            cancels: cancels.len(),
            forgotten,
            dead_letters: letters.len(),
        })
    }

    /// Calls off what these cancels name. Where the database refuses one, they are tried one by one.
    async fn cancel(&self, cancels: &[Numbered<Cancellation>]) -> Result<Vec<Cancelled>, StoreError> {
        if cancels.is_empty() {
            return Ok(Vec::new());
        }
        let cancels: Vec<Cancellation> = cancels.iter().map(|(_, cancel)| cancel.clone()).collect();
        let retelling: Arc<dyn Retelling> = Arc::new(Teller::now(&self.planner, &self.together));
        match self.store.cancel(&cancels, Arc::clone(&retelling)).await {
            Ok(outcomes) => return Ok(outcomes.into_iter().map(Ok).collect()),
            Err(StoreError::Data(_)) => {}
            Err(error) => return Err(error),
        }
        let mut each = Vec::with_capacity(cancels.len());
        for cancel in &cancels {
            match self
                .store
                .cancel(std::slice::from_ref(cancel), Arc::clone(&retelling))
                .await
            {
                Ok(outcome) => each.extend(outcome.into_iter().map(Ok)),
                Err(StoreError::Data(why)) => each.push(Err(why)),
                Err(error) => return Err(error),
            }
        }
        Ok(each)
    }

    /// Tells what became of the cancels.
    fn tell_cancels(
        &self,
        records: &[Record],
        cancels: &[Numbered<Cancellation>],
        became: &[Cancelled],
        begun: Instant,
    ) {
        for outcome in CancelOutcome::ALL {
            let count = became.iter().filter(|each| **each == Ok(outcome)).count();
            outcome.count(count.try_into().unwrap_or(u64::MAX));
        }
        let done = cancels
            .iter()
            .zip(became)
            .filter_map(|((record, cancel), became)| {
                let outcome = became
                    .as_ref()
                    .ok()
                    .filter(|outcome| **outcome != CancelOutcome::NotTheirs)?;
                Some(Done {
                    traceparent: records[*record].header("traceparent").and_then(traceparent),
                    event_id: Some(&cancel.event_id),
                    outcome: outcome.as_str(),
                    ..Done::default()
                })
            });
        self.traces.tell(Doing::Ingest, begun, done);
    }

    /// Stores the rows. Where the database refuses the content of one, halves are tried until it stands alone: the
    /// others are none the worse for it.
    async fn store_rows(
        &self,
        rows: &[NewNotification],
        rules: Arc<Rules>,
        begun: Instant,
    ) -> Result<(Admitted, Vec<(usize, Rejection)>), StoreError> {
        let mut total = Admitted::default();
        let mut refused = Vec::new();
        let mut todo: Vec<Range<usize>> = Vec::new();
        if !rows.is_empty() {
            todo.push(0..rows.len());
        }
        while let Some(part) = todo.pop() {
            match self.store_part(&rows[part.clone()], &rules).await {
                Ok(admitted) => {
                    let inserted = admitted.stored;
                    total.stored.inserted += inserted.inserted;
                    total.stored.duplicates += inserted.duplicates;
                    total.stored.cancelled += inserted.cancelled;
                    total.stored.foreign_cancels += inserted.foreign_cancels;
                    total.fates.extend(admitted.fates);
                    total.digests += admitted.digests;
                    self.traces
                        .tell(Doing::Ingest, begun, rows[part].iter().map(stored));
                    if inserted.inserted > 0 {
                        self.wake.send_replace(());
                    }
                }
                Err(StoreError::Data(why)) if part.len() == 1 => {
                    refused.push((part.start, Rejection::new(Reason::RefusedByStore, why)));
                }
                Err(StoreError::Data(_)) => {
                    let middle = part.start + part.len() / 2;
                    todo.push(middle..part.end);
                    todo.push(part.start..middle);
                }
                Err(error) => return Err(error),
            }
        }
        Ok((total, refused))
    }

    /// Where no cap counts any of the rows and none is gathered, there is nothing to look at and nothing to lock.
    async fn store_part(&self, rows: &[NewNotification], rules: &Arc<Rules>) -> Result<Admitted, StoreError> {
        if rows.iter().any(|row| rules.concerns(row)) {
            return self.store.insert_admitted(rows, Arc::clone(rules) as _).await;
        }
        self.store.insert(rows).await.map(|stored| Admitted {
            stored,
            ..Admitted::default()
        })
    }
}

/// What caps did to a batch, and what was gathered of it.
fn count(admitted: &Admitted) {
    let count = |fate| admitted.fates.iter().filter(|one| **one == fate).count() as u64;
    for (fate, outcome) in [
        (Fate::Waits, measures::WAITS),
        (Fate::Suppressed, measures::NOT_SENT),
    ] {
        metrics::counter!(measures::CAPPED.name, "outcome" => outcome).increment(count(fate));
    }
    // The first of each was stored to leave alone.
    metrics::counter!(measures::DIGESTED.name).increment(count(Fate::Digested) + admitted.digests);
    metrics::counter!(measures::DIGESTS.name).increment(admitted.digests);
}

/// Why a cancel is put aside, if it is.
fn refusal(cancel: &Cancellation, became: Cancelled) -> Option<Rejection> {
    match became {
        Ok(CancelOutcome::NotTheirs) => Some(Rejection::new(
            Reason::UnknownNotification,
            format!(
                "user_id: the notification of event {} is not for user {}",
                cancel.event_id, cancel.user_id
            ),
        )),
        Ok(_) => None,
        Err(why) => Some(Rejection::new(Reason::RefusedByStore, why)),
    }
}

/// For its trace: a row, new or already there.
fn stored(row: &NewNotification) -> Done<'_> {
    Done {
        traceparent: row.traceparent.as_deref(),
        event_id: Some(&row.event_id),
        outcome: "stored",
        ..Done::default()
    }
}

/// For its trace: a record that was put aside.
fn put_aside<'a>((record, rejection): &'a (&Record, Rejection)) -> Done<'a> {
    Done {
        traceparent: record.header("traceparent").and_then(traceparent),
        outcome: "put_aside",
        fault: Some(rejection.reason.as_str()),
        ..Done::default()
    }
}

#[async_trait]
impl Stage for Ingest {
    type Foresight = Ahead;

    fn foresight(&self) -> Ahead {
        Ahead {
            store: Arc::clone(&self.store),
            planner: self.planner.clone(),
        }
    }

    async fn work_off(
        &mut self,
        batch: Batch,
        mut seen: Option<Seen>,
        patience: &mut Patience,
        stop: &CancellationToken,
    ) {
        let begun = Instant::now();
        loop {
            match self.step(&batch.records, seen.take()).await {
                Ok(outcome) => {
                    metrics::histogram!(measures::INGEST_BATCH_SECONDS.name).record(begun.elapsed());
                    #[allow(clippy::cast_precision_loss)] // at most 10,000
                    metrics::histogram!(measures::INGEST_BATCH_RECORDS.name)
                        .record(batch.records.len() as f64);
                    tracing::debug!(records = batch.records.len(), ?outcome, "a batch is stored");
                    patience.fine();
                    batch.finish();
                    failpoint!("ingest::finished");
                    return;
                }
                Err(why) => patience.wait(&why, stop).await,
            }
            if stop.is_cancelled() {
                return;
            }
        }
    }
}
