//! Users who are to be forgotten: their rows become anonymous, then their lines go from the archive.
//!
//! The request is in the database, and every step can be done again: who dies in between leaves the rest to the next one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::{BATCH, MaintenanceError};
use crate::measures;
use crate::store::{Forgetting, Store, StoreError, Which};

use super::rewrite::{Forgotten, rewrite};

/// From one look for requests to the next while somebody waits.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);
/// The same while nobody waits: the longest that a request waits to be seen.
pub(super) const LOOK_IDLE: Duration = Duration::from_secs(15);
/// How old a request must be before nothing can be left: an event that was about to be stored when it came is stored by
/// then, and found.
const GRACE: Duration = Duration::from_secs(5);
/// How long the archive is left alone after a fault in it.
const AFTER_A_FAULT: Duration = Duration::from_mins(1);
/// Users whose lines are taken out of the archive at a time.
const AT_ONCE: u32 = 1000;

/// One instance's share of it.
pub(super) struct Forgetter {
    store: Arc<dyn Store>,
    /// Where the archive is.
    archive: Option<PathBuf>,
    round: Round,
    rewriting: Option<Rewriting>,
    not_before: Option<Instant>,
}

/// One after the other, all who wait.
enum Round {
    /// The next begins then.
    Over(Instant),
    /// Beyond this user.
    After(i64),
    /// With this user.
    At(Forgetting, Which),
}

/// Goes on beside all else, for an archive is as long as it is.
struct Rewriting {
    of: Vec<Forgetting>,
    work: JoinHandle<Result<Option<u64>, String>>,
    stop: Arc<AtomicBool>,
}

impl Drop for Rewriting {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Forgetter {
    pub(super) fn new(store: Arc<dyn Store>, archive: Option<PathBuf>) -> Self {
        Self {
            store,
            archive,
            round: Round::Over(Instant::now()),
            rewriting: None,
            not_before: None,
        }
    }

    /// Whether the archive is being rewritten.
    pub(super) const fn is_rewriting(&self) -> bool {
        self.rewriting.is_some()
    }

    /// Makes one batch of rows anonymous, or looks that nothing is left of a user. Returns how many rows it were; `None`:
    /// all who wait were looked at, or it is too soon to do so again.
    pub(super) async fn step(&mut self) -> Result<Option<u64>, StoreError> {
        let (of, which) = match std::mem::replace(&mut self.round, Round::After(0)) {
            Round::Over(next) if Instant::now() < next => {
                self.round = Round::Over(next);
                return Ok(None);
            }
            Round::Over(_) => return self.begin_with(0).await,
            Round::After(user_id) => return self.begin_with(user_id).await,
            Round::At(of, which) => (of, which),
        };
        let changed = self.store.anonymise(&of, which, BATCH).await?;
        failpoint!("forget::anonymised");
        self.round = if changed >= u64::from(BATCH) {
            Round::At(of, which)
        } else if which == Which::Pending {
            Round::At(of, Which::Free)
        } else {
            let done = self.archive.is_none();
            if self.store.note_erased(&of, GRACE, done).await? && done {
                told(1);
            }
            Round::After(of.user_id)
        };
        Ok(Some(changed))
    }

    async fn begin_with(&mut self, after: i64) -> Result<Option<u64>, StoreError> {
        // Should it fail, it is tried again at the same place.
        self.round = Round::After(after);
        if let Some(of) = self.store.next_to_forget(after).await? {
            self.round = Round::At(of, Which::Pending);
            return Ok(Some(0));
        }
        self.round = Round::Over(Instant::now() + LOOK_EVERY);
        Ok(None)
    }

    /// Begins to rewrite the archive where that is needed, or sees to its end.
    pub(super) async fn see_to_the_archive(&mut self) -> Result<(), MaintenanceError> {
        if let Some(rewriting) = self.rewriting.take_if(|rewriting| rewriting.work.is_finished()) {
            return self.end(rewriting).await;
        }
        let is_too_soon = self.not_before.is_some_and(|then| Instant::now() < then);
        if self.rewriting.is_some() || is_too_soon {
            return Ok(());
        }
        let of = self.store.erased(AT_ONCE).await?;
        if of.is_empty() {
            return Ok(());
        }
        let Some(directory) = self.archive.clone() else {
            told(self.store.note_forgotten(&of).await?);
            return Ok(());
        };
        let forgotten: Forgotten = of.iter().map(|one| (one.user_id, one.as_of)).collect();
        let stop = Arc::new(AtomicBool::new(false));
        let until = Arc::clone(&stop);
        let work = tokio::task::spawn_blocking(move || rewrite(&directory, &forgotten, &until));
        self.rewriting = Some(Rewriting { of, work, stop });
        Ok(())
    }

    async fn end(&mut self, mut rewriting: Rewriting) -> Result<(), MaintenanceError> {
        let ended = (&mut rewriting.work)
            .await
            .unwrap_or_else(|fault| Err(format!("the rewriting broke off: {fault}")));
        match ended {
            Ok(Some(lines)) => {
                let users = self.store.note_forgotten(&rewriting.of).await?;
                tracing::info!(users, lines, "the archive is without those who were forgotten");
                told(users);
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(fault) => {
                self.not_before = Some(Instant::now() + AFTER_A_FAULT);
                Err(MaintenanceError::Archive(fault))
            }
        }
    }

    /// Looks whether rows of those who were forgotten have slipped in, and lets go of what was kept long enough.
    pub(super) async fn look_back(&self, kept: Duration) -> Result<(), StoreError> {
        let mut after = 0;
        while let Some(last) = self.store.look_again(after, BATCH).await? {
            after = last;
        }
        while self.store.let_go(kept, BATCH).await? >= u64::from(BATCH) {}
        Ok(())
    }
}

/// So many users are forgotten.
fn told(users: u64) {
    metrics::counter!(measures::USERS_FORGOTTEN.name).increment(users);
}
