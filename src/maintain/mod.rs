//! Maintenance: what has been kept long enough is archived where that is asked for, then removed, and who is to be forgotten
//! is forgotten.
//!
//! One instance at a time does it, in small transactions with pauses between them, so that those who claim and store are
//! hardly held up. The archive is durable before the rows go: who dies in between leaves rows that are archived twice,
//! never rows that are lost.

mod archive;
mod forget;
mod rewrite;
mod when;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use chrono::{DateTime, Utc};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::RetentionSettings;
use crate::health::Health;
use crate::measures;
use crate::patience::Patience;
use crate::store::{Status, Store, StoreError};
use archive::Archive;
use forget::{Forgetter, LOOK_EVERY, LOOK_IDLE};
pub use when::When;

/// How many rows go at a time: some milliseconds of a database's work.
const BATCH: u32 = 500;
/// By how much the pause after a batch is longer than the batch took: the database has nine tenths of its time for others.
const PAUSE_FACTOR: u32 = 9;
/// How long the record of a claim is kept that recovery or an operator has ended: a publisher that was frozen, or suspended with its
/// machine, may come back to it. There are few.
const ENDED_CLAIMS_KEPT: Duration = Duration::from_hours(30 * 24);
/// How long nobody else does the maintenance after a sign of life.
const LEAD: Duration = Duration::from_mins(1);

/// How long notifications are kept after their end, and what becomes of them then.
#[derive(Clone, Debug)]
pub struct Retention {
    /// Those that were sent.
    pub sent: Duration,
    /// Those that ended otherwise.
    pub failed: Duration,
    /// The directory into which they are written before they go; `None`: nowhere.
    pub archive: Option<PathBuf>,
    /// How long it is remembered who was forgotten.
    pub forgotten: Duration,
}

impl From<&RetentionSettings> for Retention {
    fn from(settings: &RetentionSettings) -> Self {
        Self {
            sent: settings.sent,
            failed: settings.failed,
            archive: settings.archive.clone(),
            forgotten: settings.forgotten,
        }
    }
}

impl Retention {
    /// For every status that is an end: how long it is kept.
    pub fn kept(&self) -> impl Iterator<Item = (Status, Duration)> + use<> {
        [
            (Status::Sent, self.sent),
            (Status::Failed, self.failed),
            (Status::Cancelled, self.failed),
            (Status::Expired, self.failed),
            (Status::Suppressed, self.failed),
            (Status::Digested, self.failed),
        ]
        .into_iter()
    }

    /// How long a cancel is remembered after it came: as long as any notification is kept after its end.
    #[must_use]
    pub fn cancels_kept(&self) -> Duration {
        self.sent.max(self.failed)
    }
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many rows were removed; there may be more.
    Removed(u64),
    /// So many rows of users who are to be forgotten were made anonymous; there may be more.
    Forgot(u64),
    /// What was remembered beside the notifications, and long enough, was removed; there may be more.
    Tidied,
    /// Nothing has been kept long enough.
    Nothing,
    /// Another instance does the maintenance.
    Elsewhere,
}

/// Why a step could not be done; it can be tried again.
#[derive(Debug, Error)]
pub enum MaintenanceError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive.
    #[error("retention.archive: {0}")]
    Archive(String),
}

/// One instance's share of the maintenance.
pub struct Maintenance {
    store: Arc<dyn Store>,
    retention: Retention,
    archive: Option<Archive>,
    forgetter: Forgetter,
    /// From one look for those who wait to be forgotten to the next.
    look_every: Duration,
    holder: String,
}

impl Maintenance {
    /// Nothing is opened yet.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, retention: Retention) -> Self {
        let holder = Uuid::new_v4().simple().to_string();
        let archive = retention
            .archive
            .as_ref()
            .map(|directory| Archive::new(directory.clone(), &holder));
        let forgetter = Forgetter::new(Arc::clone(&store), retention.archive.clone());
        Self {
            store,
            retention,
            archive,
            forgetter,
            look_every: LOOK_EVERY,
            holder,
        }
    }

    /// Makes one batch of rows anonymous, or archives and removes one, if no other instance is at it.
    ///
    /// # Errors
    /// If the database is away or the archive cannot be written; what was not archived is not removed.
    pub async fn step(&mut self) -> Result<Step, MaintenanceError> {
        if !self.store.lead_maintenance(&self.holder, LEAD).await? {
            return Ok(Step::Elsewhere);
        }
        if let Some(rows) = self.forgetter.step().await? {
            return Ok(Step::Forgot(rows));
        }
        for (status, kept) in self.retention.kept() {
            let ids = self.store.outlived(status, kept, BATCH).await?;
            if ids.is_empty() {
                continue;
            }
            if let Some(archive) = &mut self.archive {
                let held = archive.lock().await.map_err(MaintenanceError::Archive)?;
                let stories = self.store.stories(&ids).await?;
                let rows = stories.len() as u64;
                archive.write(stories).await.map_err(MaintenanceError::Archive)?;
                drop(held);
                metrics::counter!(measures::ARCHIVED.name).increment(rows);
            }
            let removed = self.store.remove(status, kept, &ids).await?;
            metrics::counter!(measures::REMOVED.name, "status" => status.as_str()).increment(removed);
            return Ok(Step::Removed(removed));
        }
        let kept = self.retention.cancels_kept();
        if self.store.remove_cancellations(kept, BATCH).await? > 0 {
            return Ok(Step::Tidied);
        }
        if self.store.remove_ended_claims(ENDED_CLAIMS_KEPT, BATCH).await? > 0 {
            return Ok(Step::Tidied);
        }
        if self.store.forget_readers(BATCH).await? > 0 {
            return Ok(Step::Tidied);
        }
        self.forgetter.look_back(self.retention.forgotten).await?;
        Ok(Step::Nothing)
    }

    /// Does one step of forgetting, where somebody waits and no other instance is at it.
    async fn forget(&mut self) -> Result<Step, MaintenanceError> {
        if !self.forgetter.is_rewriting() && !self.store.waiting_to_be_forgotten().await?.any() {
            self.look_every = LOOK_IDLE;
            return Ok(Step::Nothing);
        }
        self.look_every = LOOK_EVERY;
        if !self.store.lead_maintenance(&self.holder, LEAD).await? {
            return Ok(Step::Elsewhere);
        }
        if let Some(rows) = self.forgetter.step().await? {
            return Ok(Step::Forgot(rows));
        }
        self.forgetter.see_to_the_archive().await?;
        if !self.forgetter.is_rewriting() {
            self.hand_over().await?;
        }
        Ok(Step::Nothing)
    }

    /// How long to leave the database to others after a step that took so long.
    #[must_use]
    pub fn pause_after(took: Duration) -> Duration {
        took * PAUSE_FACTOR
    }

    /// Lets others do it.
    ///
    /// # Errors
    /// If the database is away; then they wait for a minute.
    pub async fn hand_over(&self) -> Result<(), StoreError> {
        self.store
            .lead_maintenance(&self.holder, Duration::ZERO)
            .await
            .map(drop)
    }

    /// Does it at its times until `stop`.
    pub async fn run(mut self, when: When, health: Health, stop: CancellationToken) {
        let mut patience = Patience::new(health.part("retention"));
        patience.fine();
        metrics::gauge!(measures::MAINTENANCE_INTERVAL.name).set(when.interval());
        // A run that never comes to its end must show, too.
        tell_finished();
        let mut last = None;
        loop {
            let now = self.now().await;
            let sleep = (when.next(last, now) - now).to_std().unwrap_or_default();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(sleep.min(self.look_every)) => {}
            }
            self.forget_all(&mut patience, &stop).await;
            let now = self.now().await;
            if when.next(last, now) <= now {
                last = Some(now);
                self.pass(&mut patience, &stop).await;
            }
        }
    }

    /// The time by the database's clock, which is the same for all instances; while the database is away, by this machine's.
    async fn now(&self) -> DateTime<Utc> {
        self.store.now().await.unwrap_or_else(|_away| Utc::now())
    }

    /// Until nothing can be forgotten now.
    async fn forget_all(&mut self, patience: &mut Patience, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            let begun = Instant::now();
            match self.forget().await {
                Ok(Step::Nothing | Step::Elsewhere) => return patience.fine(),
                Ok(_) => pause(begun.elapsed(), stop).await,
                // What is removed at its time does not wait for it.
                Err(error) => return patience.wait(&error.to_string(), stop).await,
            }
        }
    }

    /// Until nothing is left.
    async fn pass(&mut self, patience: &mut Patience, stop: &CancellationToken) {
        let (mut removed, mut leads) = (0, false);
        while !stop.is_cancelled() {
            let begun = Instant::now();
            match self.step().await {
                Ok(done @ (Step::Removed(_) | Step::Forgot(_) | Step::Tidied)) => {
                    leads = true;
                    if let Step::Removed(rows) = done {
                        removed += rows;
                    }
                    patience.fine();
                    pause(begun.elapsed(), stop).await;
                }
                Ok(Step::Nothing) => {
                    patience.fine();
                    if removed > 0 {
                        tracing::info!(rows = removed, "notifications past their retention were removed");
                    }
                    self.leave().await;
                    return tell_finished();
                }
                Ok(Step::Elsewhere) => return patience.fine(),
                Err(error) => {
                    leads = false;
                    patience.wait(&error.to_string(), stop).await;
                }
            }
        }
        // Stopped in the middle: another goes on, and need not wait for the lease to end.
        if leads {
            self.leave().await;
        }
    }

    async fn leave(&self) {
        if let Err(error) = self.hand_over().await {
            tracing::warn!(%error, "the maintenance could not be handed over");
        }
    }
}

/// Leaves the database to others after a step that took so long.
async fn pause(took: Duration, stop: &CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep(Maintenance::pause_after(took)) => {}
    }
}

fn tell_finished() {
    let now = UNIX_EPOCH.elapsed().unwrap_or_default();
    metrics::gauge!(measures::MAINTENANCE_FINISHED.name).set(now);
}
