//! What is seen of a batch before its turn: what it asks for, what is known of its readers, and the rows that follow.
//!
//! A batch is looked at while the one before it is being stored. Nothing is written here, so what was seen may be thrown
//! away and be seen again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::batch::{Asking, Numbered, Planned};
use super::plan::Planner;
use crate::bus::Record;
use crate::contract::{Cancellation, Rejection};
use crate::stage::Foresight;
use crate::store::{Habits, Preferences, Readers, Store, StoreError};

/// How long what is known of readers holds: less than those who forget a user wait for events that are being stored.
const FRESH: Duration = Duration::from_secs(2);

/// Looks at batches.
#[derive(Clone)]
pub struct Ahead {
    pub(super) store: Arc<dyn Store>,
    pub(super) planner: Planner,
}

/// A batch, ready to be stored.
pub struct Seen {
    since: Instant,
    pub(super) planned: Planned,
    pub(super) cancels: Vec<Numbered<Cancellation>>,
    pub(super) rejected: Vec<Numbered<Rejection>>,
    /// Events from before their users were forgotten, which are left out.
    pub(super) forgotten: u64,
    /// What the readers want.
    pub(super) preferences: Preferences,
}

impl Seen {
    /// Whether it still holds.
    pub(super) fn is_fresh(&self) -> bool {
        self.since.elapsed() < FRESH
    }
}

impl Ahead {
    /// What these records ask for.
    ///
    /// # Errors
    /// If the database is away.
    pub(super) async fn see(&self, records: &[Record]) -> Result<Seen, StoreError> {
        let since = Instant::now();
        let now = self.store.now().await?;
        let mut asking = Asking::of(records, &self.planner, now);
        let readers = self.readers(&asking.users()).await?;
        let forgotten = asking.keep_out(&readers.forgotten);
        let habits = self.habits(&asking.users_with_windows()).await?;
        let Asking {
            mut events,
            cancels,
            rejected,
        } = asking;
        if let Some(habits) = habits {
            self.planner.tell_habits(&mut events, habits, now);
        }
        Ok(Seen {
            since,
            planned: Planned::of(events, &readers.preferences, &self.planner, now),
            cancels,
            rejected,
            forgotten,
            preferences: readers.preferences,
        })
    }

    /// What is known of these readers: one look by primary key.
    async fn readers(&self, users: &[i64]) -> Result<Readers, StoreError> {
        if users.is_empty() {
            return Ok(Readers::default());
        }
        self.store.readers(users).await
    }

    /// In which hours these readers open: another look, where there is anybody whose moment is to be chosen.
    async fn habits(&self, users: &[i64]) -> Result<Option<Habits>, StoreError> {
        if users.is_empty() || self.planner.half_life.is_zero() {
            return Ok(None);
        }
        self.store.habits(users).await.map(Some)
    }
}

#[async_trait]
impl Foresight for Ahead {
    /// `None` where the database is away: it is looked at again when its turn has come.
    type Seen = Option<Seen>;

    async fn look(&self, records: &[Record]) -> Option<Seen> {
        self.see(records).await.ok()
    }
}
