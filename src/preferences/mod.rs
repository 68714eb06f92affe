//! What readers say of themselves becomes rows: the newest counts, whatever the order in which it comes.
//!
//! A batch is stored in one transaction, and only then are its offsets stored; what is none of it becomes a dead letter first.
//! To do a batch again changes nothing.

mod erasures;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use erasures::too_old;

use crate::alerts::Alerts;
use crate::bus::{Batch, DeadLetters, Record};
use crate::contract::{PreferenceChange, Reason, Rejection};
use crate::measures;
use crate::patience::Patience;
use crate::stage::Stage;
use crate::store::{Store, StoreError};

/// The stage.
pub struct Preferences {
    store: Arc<dyn Store>,
    dead_letters: DeadLetters,
    alerts: Alerts,
    max_bytes: usize,
}

impl Preferences {
    /// A message of more than `max_bytes` is put aside.
    #[must_use]
    pub const fn new(
        store: Arc<dyn Store>,
        dead_letters: DeadLetters,
        alerts: Alerts,
        max_bytes: usize,
    ) -> Self {
        Self {
            store,
            dead_letters,
            alerts,
            max_bytes,
        }
    }

    /// Makes every record durable, as a preference or as a dead letter.
    ///
    /// # Errors
    /// With what is away, for people. Then call again with the same records.
    pub async fn step(&mut self, records: &[Record]) -> Result<(), String> {
        let now = self.store.now().await.map_err(|error| error.to_string())?;
        let mut letters: Vec<(&Record, Rejection)> = Vec::new();
        let mut read: Vec<PreferenceChange> = Vec::with_capacity(records.len());
        let mut read_from: Vec<&Record> = Vec::with_capacity(records.len());
        let mut changes: Vec<PreferenceChange> = Vec::with_capacity(records.len());
        let mut sources: Vec<&Record> = Vec::with_capacity(records.len());
        for record in records {
            // A broker that keeps no times leaves only the database's.
            let recorded_at = record.timestamp.unwrap_or(now);
            let (key, payload) = (record.key.as_deref(), record.payload.as_deref());
            match PreferenceChange::decode(key, payload, recorded_at, self.max_bytes) {
                Ok(change) => {
                    read.push(change);
                    read_from.push(record);
                }
                Err(rejection) => letters.push((record, rejection)),
            }
        }
        let known_since = self.known_since(&read).await.map_err(|error| error.to_string())?;
        let decided = too_old(&read, known_since);
        for ((change, record), rejection) in read.into_iter().zip(read_from).zip(decided) {
            if let Some(rejection) = rejection {
                tracing::warn!(
                    user = change.user_id,
                    "an erasure is refused: {}",
                    rejection.detail
                );
                letters.push((record, rejection));
            } else {
                changes.push(change);
                sources.push(record);
            }
        }
        match self.store.change_preferences(&changes).await {
            // One by one: the others are none the worse for the one that the database refuses.
            Err(StoreError::Data(_)) => {
                for (change, record) in changes.iter().zip(sources) {
                    match self.store.change_preferences(std::slice::from_ref(change)).await {
                        Err(StoreError::Data(why)) => {
                            letters.push((record, Rejection::new(Reason::RefusedByStore, why)));
                        }
                        stored => stored.map_err(|error| error.to_string())?,
                    }
                }
            }
            stored => stored.map_err(|error| error.to_string())?,
        }
        self.dead_letters
            .put_aside(&letters)
            .await
            .map_err(|error| error.to_string())?;
        self.alerts.put_aside(letters.len());
        let forgotten = changes
            .iter()
            .filter(|change| change.preference.is_none())
            .count();
        let told = |what: &'static str, count: usize| {
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            metrics::counter!(measures::PREFERENCES.name, "what" => what).increment(count);
        };
        told(measures::SAID, changes.len() - forgotten);
        told(measures::FORGOTTEN, forgotten);
        Ok(())
    }

    /// Since when anything is known of those who are to be erased; nothing is asked where nobody is.
    async fn known_since(
        &self,
        changes: &[PreferenceChange],
    ) -> Result<BTreeMap<i64, DateTime<Utc>>, StoreError> {
        let erased = changes.iter().filter(|change| change.preference.is_none());
        let users: BTreeSet<i64> = erased.map(|change| change.user_id).collect();
        if users.is_empty() {
            return Ok(BTreeMap::new());
        }
        let users: Vec<i64> = users.into_iter().collect();
        self.store.known_since(&users).await
    }
}

#[async_trait]
impl Stage for Preferences {
    type Foresight = ();

    fn foresight(&self) {}

    async fn work_off(&mut self, batch: Batch, (): (), patience: &mut Patience, stop: &CancellationToken) {
        loop {
            match self.step(&batch.records).await {
                Ok(()) => {
                    patience.fine();
                    batch.finish();
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
