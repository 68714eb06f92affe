//! Events become rows.
//!
//! A batch is planned without I/O, stored in one transaction, and only then are its offsets stored. What cannot become
//! a row becomes a dead letter, acknowledged by the broker before the offset is stored. Whatever is away is waited for
//! with the batch in hand; doing a batch again is harmless, for each event has one row.

mod admit;
mod plan;

use std::ops::Range;
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use chrono::Utc;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use admit::Caps;
pub use plan::{Announced, Plan, Planner};

use crate::alerts::Alerts;
use crate::bus::{Batch, DeadLetters, Record};
use crate::contract::{Reason, Rejection, traceparent};
use crate::measures;
use crate::patience::Patience;
use crate::schedule::CapPolicy;
use crate::stage::Stage;
use crate::store::{Admission, Admitted, Fate, NewNotification, Preferences, Status, Store, StoreError};
use crate::telemetry::{Doing, Done, Traces};

/// The stage.
pub struct Ingest {
    store: Arc<dyn Store>,
    planner: Planner,
    caps: Arc<CapPolicy>,
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
    /// Records that were put aside.
    pub dead_letters: usize,
}

impl Ingest {
    /// `wake` is told when rows were stored.
    #[must_use]
    pub const fn new(
        store: Arc<dyn Store>,
        planner: Planner,
        caps: Arc<CapPolicy>,
        dead_letters: DeadLetters,
        alerts: Alerts,
        traces: Traces,
        wake: watch::Sender<()>,
    ) -> Self {
        Self {
            store,
            planner,
            caps,
            dead_letters,
            alerts,
            traces,
            wake,
        }
    }

    /// Makes every record durable, as a row or as a dead letter.
    ///
    /// # Errors
    /// With what is away, for people. Then call again with the same records.
    pub async fn step(&mut self, records: &[Record]) -> Result<Outcome, String> {
        let begun = Instant::now();
        let mut rejected: Vec<(usize, Rejection)> = Vec::new();
        let mut events: Vec<Announced> = Vec::with_capacity(records.len());
        let mut record_of_row: Vec<usize> = Vec::with_capacity(records.len());
        let now = Utc::now();
        for (index, record) in records.iter().enumerate() {
            match self.planner.read(record, now) {
                Ok(event) => {
                    events.push(event);
                    record_of_row.push(index);
                }
                Err(rejection) => rejected.push((index, rejection)),
            }
        }
        let preferences = self
            .preferences_of(&events)
            .await
            .map_err(|error| error.to_string())?;
        let mut rows: Vec<NewNotification> = Vec::with_capacity(events.len());
        let (mut fallbacks, mut held, mut suppressed) = (0, 0, 0);
        for announced in events {
            let preference = preferences.get(&announced.event.user_id);
            let Plan { row, fell_back } = self.planner.plan_for(announced, preference, now);
            fallbacks += u64::from(fell_back);
            held += u64::from(row.status == Status::Pending && !row.beginning.is_empty());
            suppressed += u64::from(row.status == Status::Suppressed);
            rows.push(row);
        }
        failpoint!("ingest::planned");
        let caps = Caps {
            policy: Arc::clone(&self.caps),
            preferences,
        };
        let stored = self.store_rows(&rows, Arc::new(caps), begun).await;
        let (
            Admitted {
                stored: inserted,
                fates,
            },
            refused,
        ) = stored.map_err(|error| error.to_string())?;
        failpoint!("ingest::stored");
        rejected.extend(
            refused
                .into_iter()
                .map(|(row, rejection)| (record_of_row[row], rejection)),
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
        metrics::counter!(measures::INGESTED.name).increment(inserted.inserted);
        metrics::counter!(measures::DUPLICATES.name).increment(inserted.duplicates);
        metrics::counter!(measures::HELD.name).increment(held);
        metrics::counter!(measures::SUPPRESSED.name).increment(suppressed);
        metrics::counter!(measures::LANGUAGE_FALLBACKS.name).increment(fallbacks);
        count_capped(&fates);
        Ok(Outcome {
            inserted: inserted.inserted,
            duplicates: inserted.duplicates,
            dead_letters: letters.len(),
        })
    }

    /// What the readers of these events want: one look by primary key.
    async fn preferences_of(&self, events: &[Announced]) -> Result<Preferences, StoreError> {
        let mut users: Vec<i64> = events.iter().map(|announced| announced.event.user_id).collect();
        users.sort_unstable();
        users.dedup();
        if users.is_empty() {
            return Ok(Preferences::new());
        }
        self.store.preferences(&users).await
    }

    /// Stores the rows. Where the database refuses the content of one, halves are tried until it stands alone: the
    /// others are none the worse for it.
    async fn store_rows(
        &self,
        rows: &[NewNotification],
        caps: Arc<Caps>,
        begun: Instant,
    ) -> Result<(Admitted, Vec<(usize, Rejection)>), StoreError> {
        let mut total = Admitted::default();
        let mut refused = Vec::new();
        let mut todo: Vec<Range<usize>> = Vec::new();
        if !rows.is_empty() {
            todo.push(0..rows.len());
        }
        while let Some(part) = todo.pop() {
            match self.store_part(&rows[part.clone()], &caps).await {
                Ok(Admitted {
                    stored: inserted,
                    fates,
                }) => {
                    total.stored.inserted += inserted.inserted;
                    total.stored.duplicates += inserted.duplicates;
                    total.fates.extend(fates);
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

    /// Where no cap counts any of the rows, there is nothing to look at and nothing to lock.
    async fn store_part(&self, rows: &[NewNotification], caps: &Arc<Caps>) -> Result<Admitted, StoreError> {
        if rows.iter().any(|row| caps.concerns(row)) {
            return self.store.insert_admitted(rows, Arc::clone(caps) as _).await;
        }
        self.store.insert(rows).await.map(|stored| Admitted {
            stored,
            fates: Vec::new(),
        })
    }
}

/// What caps did to a batch.
fn count_capped(fates: &[Fate]) {
    for (fate, outcome) in [
        (Fate::Waits, measures::WAITS),
        (Fate::Suppressed, measures::NOT_SENT),
    ] {
        let count = fates.iter().filter(|one| **one == fate).count() as u64;
        metrics::counter!(measures::CAPPED.name, "outcome" => outcome).increment(count);
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
    async fn work_off(&mut self, batch: Batch, patience: &mut Patience, stop: &CancellationToken) {
        let begun = Instant::now();
        loop {
            match self.step(&batch.records).await {
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
