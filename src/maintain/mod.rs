//! Maintenance: what has been kept long enough is archived where that is asked for, then removed.
//!
//! One instance at a time does it, in small transactions with pauses between them, so that those who claim and store are
//! hardly held up. The archive is durable before the rows go: who dies in between leaves rows that are archived twice,
//! never rows that are lost.

mod archive;
mod when;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};

use chrono::Utc;
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::config::RetentionSettings;
use crate::health::Health;
use crate::measures;
use crate::patience::Patience;
use crate::store::{Status, Store, StoreError};
use archive::Archive;
pub use when::When;

/// How many rows go at a time: some milliseconds of a database's work.
const BATCH: u32 = 500;
/// By how much the pause after a batch is longer than the batch took: the database has four fifths of its time for others.
const PAUSE_FACTOR: u32 = 4;
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
}

impl From<&RetentionSettings> for Retention {
    fn from(settings: &RetentionSettings) -> Self {
        Self {
            sent: settings.sent,
            failed: settings.failed,
            archive: settings.archive.clone(),
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
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// So many rows were removed; there may be more.
    Removed(u64),
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
        Self {
            store,
            retention,
            archive,
            holder,
        }
    }

    /// Archives and removes one batch, if no other instance is at it.
    ///
    /// # Errors
    /// If the database is away or the archive cannot be written; what was not archived is not removed.
    pub async fn step(&mut self) -> Result<Step, MaintenanceError> {
        if !self.store.lead_maintenance(&self.holder, LEAD).await? {
            return Ok(Step::Elsewhere);
        }
        for (status, kept) in self.retention.kept() {
            let ids = self.store.outlived(status, kept, BATCH).await?;
            if ids.is_empty() {
                continue;
            }
            if let Some(archive) = &mut self.archive {
                let stories = self.store.stories(&ids).await?;
                let rows = stories.len() as u64;
                archive.write(stories).await.map_err(MaintenanceError::Archive)?;
                metrics::counter!(measures::ARCHIVED.name).increment(rows);
            }
            let removed = self.store.remove(status, kept, &ids).await?;
            metrics::counter!(measures::REMOVED.name, "status" => status.as_str()).increment(removed);
            return Ok(Step::Removed(removed));
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
            let now = Utc::now();
            let sleep = (when.next(last, now) - now).to_std().unwrap_or_default();
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(sleep) => {}
            }
            last = Some(Utc::now());
            self.pass(&mut patience, &stop).await;
        }
    }

    /// Until nothing is left.
    async fn pass(&mut self, patience: &mut Patience, stop: &CancellationToken) {
        let mut removed = 0;
        while !stop.is_cancelled() {
            let begun = Instant::now();
            match self.step().await {
                Ok(Step::Removed(rows)) => {
                    removed += rows;
                    patience.fine();
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(Self::pause_after(begun.elapsed())) => {}
                    }
                }
                Ok(Step::Nothing) => {
                    patience.fine();
                    if removed > 0 {
                        tracing::info!(rows = removed, "notifications past their retention were removed");
                    }
                    if let Err(error) = self.hand_over().await {
                        tracing::warn!(%error, "the maintenance could not be handed over");
                    }
                    return tell_finished();
                }
                Ok(Step::Elsewhere) => return patience.fine(),
                Err(error) => patience.wait(&error.to_string(), stop).await,
            }
        }
    }
}

fn tell_finished() {
    let now = UNIX_EPOCH.elapsed().unwrap_or_default();
    metrics::gauge!(measures::MAINTENANCE_FINISHED.name).set(now);
}
