//! SQL and nothing else: the notifications, the claims on them and their history.
//!
//! [`Store`] is what the rest of the house sees. `mysql` (MySQL 8.0+, MariaDB 10.6+) and `sqlite`
//! stand behind it and pass one conformance suite. Every time is UTC with milliseconds, and "now" is
//! always the database's clock: instances whose own clocks differ agree on what is due and on when a
//! lease ends.

mod admission;
mod bounds;
mod broadcasts;
mod cancelling;
mod clock;
mod columns;
mod ended_claims;
mod engagement;
mod error;
mod filter;
mod forget;
mod gathered;
mod habits;
mod ids;
mod migrations;
#[doc(hidden)]
pub mod mysql;
mod notification;
mod pick;
mod preferences;
mod results;
mod sqlite;
mod story;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

pub use admission::{Admission, Admitted, Fate, KnownReader, Retelling};
pub use bounds::check_bounds;
pub use broadcasts::{
    Advance, Broadcast, BroadcastOrder, BroadcastState, Broadcasts, NewBroadcast, Reader, Started, Taken,
};
pub(crate) use cancelling::BY_EVENT;
pub use cancelling::CancelOutcome;
pub use clock::Clock;
pub use ended_claims::{EndedClaim, EndedClaims};
pub use engagement::{EngagementRow, GroupBy};
pub use error::StoreError;
pub use filter::{Change, Changed, Filter};
pub use forget::{Forget, Forgetting, NOBODY, Readers, WaitingToBeForgotten, Which};
pub use gathered::Gathered;
pub use habits::Habits;
pub use mysql::{Filling, Yardstick};
pub use notification::{
    Backlog, Beginning, ClaimedRow, Connections, Depth, DepthRow, HistoryEntry, HistoryKind, NewNotification,
    Notification, PendingRow, Status,
};
pub use preferences::Preferences;
pub use results::{Decide, Standing, Verdict};
pub use story::Story;

use crate::contract::{Cancellation, DeliveryResult, PreferenceChange};
use crate::schedule::SendTimePolicy;

/// The one result type of the room.
pub type Result<T> = std::result::Result<T, StoreError>;

/// Who claims, and how its claims can be judged after a crash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimant {
    /// A transactional producer: the broker's ledger knows whether a claim of its was published.
    Transactional {
        /// The producer's `transactional.id`, used by one producer instance and never again.
        transactional_id: String,
        /// The cluster that holds the ledger.
        cluster_id: String,
    },
    /// A plain producer: nobody knows after a crash; its claims are released and may go out twice.
    Plain,
}

/// Rows that were claimed together and are published in one Kafka transaction.
#[derive(Debug)]
pub struct Claim {
    /// Increasing over all claims of a database.
    pub id: i64,
    /// The database's clock when the claim was made, in whole milliseconds.
    pub claimed_at: DateTime<Utc>,
    /// At least one, the most urgent first, then by due time, then by id.
    pub rows: Vec<ClaimedRow>,
}

/// What [`Store::claim`] found.
#[derive(Debug, Default)]
pub struct Claimed {
    /// The claim; `None` where nothing is due.
    pub claim: Option<Claim>,
    /// How many due rows had expired and were marked so instead of being claimed.
    pub expired: u64,
    /// Of each due row that was suppressed or deferred instead of being claimed the name of the rule.
    pub withheld: Vec<&'static str>,
    /// Where nothing was claimed: the time to the earliest due time of a pending row; zero if it is due and held by
    /// somebody else, `None` if none is pending.
    pub next_due: Option<Duration>,
}

/// A claim row: rows between claim and settle, with what recovery needs to judge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenClaim {
    /// The claim.
    pub id: i64,
    /// Who made it.
    pub claimant: Claimant,
    /// Its rows.
    pub notification_ids: Vec<i64>,
    /// When it was made.
    pub claimed_at: DateTime<Utc>,
    /// When others may recover it.
    pub lease_until: DateTime<Utc>,
    /// Why recovery could not decide it; `None` while nobody has tried in vain.
    pub doubt: Option<String>,
}

/// How the open claims stand, at a glance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glance {
    /// The time until the first lease ends; zero where one has ended, `None` where no claim is open.
    pub lapse_in: Option<Duration>,
    /// How many claims recovery could not decide.
    pub in_doubt: u64,
}

/// What became of an attempt to end a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Ended {
    /// Every row of the claim changed and the claim row is gone.
    Done,
    /// There was no such claim any more: somebody else has ended it. Nothing changed.
    Gone,
    /// Fewer rows than claimed still belonged to the claim: the database has lost a commit. Nothing changed.
    Short {
        /// Rows of the claim.
        expected: u64,
        /// Rows that still belonged to it.
        found: u64,
    },
}

/// A row whose publishing failed for a reason of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishFailure {
    /// The row.
    pub notification_id: i64,
    /// The delay before the next attempt; `None`: attempts are used up, the row becomes `failed`.
    pub retry_in: Option<Duration>,
    /// For `last_error` and the history.
    pub error: String,
}

/// What [`Store::insert`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Inserted {
    /// New rows.
    pub inserted: u64,
    /// Events that had a row already, or stood in the batch before.
    pub duplicates: u64,
    /// Rows that a cancel had waited for.
    pub cancelled: u64,
    /// Cancels that had waited, and were of other users than the events: they are forgotten.
    pub foreign_cancels: u64,
}

/// Where a database's schema stands against this program's migrations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// Every migration of this program has run.
    Current {
        /// The newest migration.
        version: i64,
    },
    /// Migrations are missing: `inq migrate` runs them.
    Old {
        /// The newest that has run; `None`: none has.
        version: Option<i64>,
        /// The newest of this program.
        needed: i64,
    },
    /// The database was migrated by a newer program.
    Newer {
        /// The newest that has run.
        version: i64,
        /// The newest of this program.
        known: i64,
    },
}

/// What the stages and the commands ask of the database.
///
/// No call holds a transaction across anything but its own statements, and none may be cancelled
/// while it runs: await it to its end, without `select!` or a time limit around it. Deadlocks and lock
/// time-outs are tried again within the call.
#[async_trait]
pub trait Store: Broadcasts + Clock + EndedClaims + Forget {
    /// What is behind: `MySQL 8.4.3`, `MariaDB 10.11.9`, `SQLite 3.50.1`.
    async fn server(&self) -> Result<String>;

    /// Proves that a write can be done: stores a row, removes it and commits, on a connection beside the pool. Unlike the
    /// other calls it may be cancelled: the connection is closed then.
    async fn try_write(&self) -> Result<()>;

    /// Runs the migrations that are missing, and returns the versions that it ran. Those who migrate at the same time
    /// wait for each other. A database of a newer program is left as it is.
    async fn migrate(&self) -> Result<Vec<i64>>;

    /// Compares the schema with this program's migrations.
    async fn schema(&self) -> Result<SchemaState>;

    /// Proves with two connections that a claim excludes another, for a server can accept
    /// `SKIP LOCKED` and not lock (TiDB, tidb#69720).
    async fn prove_claims_exclude(&self) -> Result<()>;

    /// Looks at the rights that the service needs on its tables, and returns what of the server's settings weakens what the
    /// service promises, each with the remedy.
    ///
    /// # Errors
    /// If a right is missing, with the remedy.
    async fn inspect(&self) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// Makes new connections with this URL from now on, which may have another password.
    ///
    /// # Errors
    /// [`StoreError::Refused`] where the URL cannot be used; then the one before stays.
    fn use_url(&self, _url: &str) -> Result<()> {
        Ok(())
    }

    /// Stores a batch in one transaction; events that have a row already are left as they are. What was called off before
    /// it came is `cancelled` at once.
    ///
    /// # Errors
    /// [`StoreError::Data`] where the database refuses the content of a row; then nothing was stored.
    async fn insert(&self, batch: &[NewNotification]) -> Result<Inserted>;

    /// Calls off the notifications of these events, in one transaction, and returns what became of each cancel, in the same
    /// order. What waits becomes `cancelled`. What is in a claim, or was sent, stays as it is and becomes `cancelled` should it
    /// come back by itself. What is yet to come is remembered. The same again changes nothing, so that the rest of a batch
    /// can be stored in another transaction. What is part of a digest that waits becomes `cancelled`, and `retelling` tells the
    /// digest anew.
    ///
    /// # Errors
    /// [`StoreError::Data`] where the database refuses a cancel; then nothing was done.
    async fn cancel(
        &self,
        cancellations: &[Cancellation],
        retelling: Arc<dyn Retelling>,
    ) -> Result<Vec<CancelOutcome>>;

    /// Forgets cancels that came longer ago than they are `kept`, at most `limit`, and returns how many those were.
    async fn remove_cancellations(&self, kept: Duration, limit: u32) -> Result<u64>;

    /// As [`Store::insert`], where `admission` decides in the same transaction about the new rows that it concerns, one after
    /// the other in the order of the batch. What is kept of their readers is locked meanwhile, and read by primary key; so is
    /// what is gathered of theirs.
    ///
    /// # Errors
    /// As [`Store::insert`].
    async fn insert_admitted(
        &self,
        batch: &[NewNotification],
        admission: Arc<dyn Admission>,
    ) -> Result<Admitted>;

    /// Removes what is kept of readers and asked for by nobody any more, at most `limit` of them, and returns how many.
    async fn forget_readers(&self, limit: u32) -> Result<u64>;

    /// Keeps what readers say of themselves, in one transaction: of each the change that [`PreferenceChange::goes_before`]
    /// all others, whatever was stored before. Who has none any more is to be forgotten as of then: see [`Forget`].
    ///
    /// # Errors
    /// [`StoreError::Data`] where the database refuses a change; then nothing was stored.
    async fn change_preferences(&self, changes: &[PreferenceChange]) -> Result<()>;

    /// What these users want and which of them were forgotten, by primary key.
    async fn readers(&self, users: &[i64]) -> Result<Readers>;

    /// What these users want.
    async fn preferences(&self, users: &[i64]) -> Result<Preferences> {
        Ok(self.readers(users).await?.preferences)
    }

    /// In which hours these users open, and all of them, in one statement.
    async fn habits(&self, users: &[i64]) -> Result<Habits>;

    /// Claims up to `limit` due rows, highest priority first, then by due time: they become `processing`
    /// with `attempts + 1`, and the claim row keeps their ids, the claimant and the end of the lease.
    /// Rows that another claim has locked are passed over. Due rows past their `expires_at` become `expired`.
    async fn claim(&self, limit: u32, lease: Duration, claimant: &Claimant) -> Result<Claimed> {
        self.claim_by(limit, lease, claimant, None).await
    }

    /// As [`Store::claim`], where `rules` are evaluated again, in the same transaction, for due rows whose evaluation no longer
    /// holds: what must not be sent becomes `suppressed`, or `pending` until later, and is not claimed. Its attempt is not counted.
    async fn claim_by(
        &self,
        limit: u32,
        lease: Duration,
        claimant: &Claimant,
        rules: Option<&SendTimePolicy>,
    ) -> Result<Claimed>;

    /// Which database this is. A backup that is restored has the same identity, a database that is made anew another.
    async fn identity(&self) -> Result<String>;

    /// The number that the next claim would get.
    async fn next_claim_number(&self) -> Result<i64>;

    /// The claim was published: its rows (exactly these) become `sent`. `recovered` notes in the history that
    /// recovery found it out.
    async fn settle(&self, claim: i64, rows: &[i64], recovered: bool) -> Result<Ended>;

    /// The claim was not published: its rows become `pending` again with the attempt not counted, or `cancelled` if a
    /// cancel came meanwhile. `recovered` notes in the history that recovery found it out.
    async fn release(&self, claim: i64, rows: &[i64], recovered: bool) -> Result<Ended>;

    /// The claim came out mixed, row by row: `sent` were published (by a plain claimant), `failed` follow their retry with the attempt counted, `released` go back uncounted; of both, what was called off
    /// meanwhile becomes `cancelled`. Together they are the
    /// claim's rows.
    async fn give_back(
        &self,
        claim: i64,
        sent: &[i64],
        failed: &[PublishFailure],
        released: &[i64],
    ) -> Result<Ended>;

    /// Claims whose lease has ended, the oldest first, at most `limit`.
    async fn lapsed_claims(&self, limit: u32) -> Result<Vec<OpenClaim>>;

    /// How the open claims stand: asked again and again, and in one short answer.
    async fn glance_at_claims(&self) -> Result<Glance>;

    /// Every open claim, the oldest first, at most `limit`.
    async fn open_claims(&self, limit: u32) -> Result<Vec<OpenClaim>>;

    /// One claim, if it is still open.
    async fn open_claim(&self, claim: i64) -> Result<Option<OpenClaim>>;

    /// Recovery could not decide the claim: keep it, say why, and let nobody try again before `retry_in`. Returns whether
    /// there was such a claim.
    async fn doubt(&self, claim: i64, why: &str, retry_in: Duration) -> Result<bool>;

    /// Applies results in the order given, in one transaction. The rows are locked in id order, `decide` is called for
    /// each result with the row as the results before it left it (`None`: no such row), and what it changed is written
    /// together with the history entries of its verdicts. What a row's `opening` says is learned of its reader, and of all.
    /// Returns the verdicts, in the same order.
    async fn apply_results(&self, results: Vec<DeliveryResult>, decide: Arc<Decide>) -> Result<Vec<Verdict>>;

    /// One notification, with everything that is known of it.
    async fn notification(&self, id: i64) -> Result<Option<Notification>>;

    /// The notification of an event.
    async fn notification_of_event(&self, event_id: &str) -> Result<Option<Notification>>;

    /// What happened to a notification, the oldest first.
    async fn history(&self, notification_id: i64) -> Result<Vec<HistoryEntry>>;

    /// What the filter means, the newest first, at most `limit`; only ids below `before`, where it is given.
    async fn notifications(
        &self,
        filter: &Filter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Notification>>;

    /// How many rows the filter means; with a change, only those that it applies to.
    async fn count(&self, filter: &Filter, change: Option<Change>) -> Result<u64>;

    /// Changes what the filter means and the change applies to, in id order: at most `limit` rows, with ids above `after`,
    /// in one transaction. The history notes `by` whom. A row that a claim holds is in nobody else's hands.
    async fn change(
        &self,
        filter: &Filter,
        change: Change,
        by: &str,
        after: i64,
        limit: u32,
    ) -> Result<Changed>;

    /// What became of the notifications that were stored from `from` on and before `to`, by groups in the order of their
    /// names.
    async fn engagement(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        by: GroupBy,
    ) -> Result<Vec<EngagementRow>>;

    /// Rows that have ended as `status` and were not changed for as long as they are `kept`: at most `limit`, those that
    /// were due first before the others of their priority.
    async fn outlived(&self, status: Status, kept: Duration, limit: u32) -> Result<Vec<i64>>;

    /// These rows, each with its history, in id order; those that are gone are left out.
    async fn stories(&self, ids: &[i64]) -> Result<Vec<Story>>;

    /// Removes these rows with their histories, as far as they are still as [`Store::outlived`] finds them, and returns how
    /// many that were.
    async fn remove(&self, status: Status, kept: Duration, ids: &[i64]) -> Result<u64>;

    /// Makes `holder` the one who does the maintenance, for as long as the `lease`, unless somebody else is. Whoever is it
    /// already stays it.
    async fn lead_maintenance(&self, holder: &str, lease: Duration) -> Result<bool>;

    /// How many rows there are by status and priority, and how late the oldest due one is. Counts without holding back
    /// the server's purge.
    async fn depth(&self) -> Result<Depth>;

    /// Pending rows by priority and by what they reward: of each priority at most `most` rows are looked at, those that are
    /// due first. Combinations without rows are left out.
    async fn pending_by_type(&self, most: u32) -> Result<Vec<PendingRow>>;

    /// How deep the queue is, for gauges that are told all the time: a count of at most `exactly` rows for each status
    /// and priority, and beyond that the server's estimate (on SQLite a count), which may be wrong by half.
    async fn backlog(&self, exactly: u32) -> Result<Backlog>;

    /// The pool's connections, as they are now.
    fn connections(&self) -> Connections;

    /// Closes the connections, after the statements that run.
    async fn close(&self);
}

/// The store of a database URL: `mysql://`, `mariadb://` or `sqlite://`. Nothing is connected yet.
///
/// # Errors
/// [`StoreError::Refused`] where the URL cannot be used.
pub fn open(url: &str, max_connections: u32) -> Result<Arc<dyn Store>> {
    match url.split_once(':').map(|(scheme, _)| scheme) {
        Some("sqlite") => Ok(Arc::new(sqlite::SqliteStore::new(url, max_connections)?)),
        Some("mysql" | "mariadb") => Ok(Arc::new(mysql::MySqlStore::new(url, max_connections)?)),
        _ => Err(StoreError::Refused(
            "database.url is of another kind: use mysql://, mariadb:// or sqlite://".to_owned(),
        )),
    }
}

/// As [`open`], for a database that is there already: a SQLite file is not made.
///
/// # Errors
/// As [`open`], and where there is no such file.
pub fn open_existing(url: &str, max_connections: u32) -> Result<Arc<dyn Store>> {
    if url.starts_with("sqlite:") {
        sqlite::require_file(url)?;
    }
    open(url, max_connections)
}

/// As whole microseconds, for the databases' arithmetic with times.
fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// A text for people, cut to what its column holds.
fn short(text: &str) -> String {
    const LONGEST: usize = 1000;
    text.chars().take(LONGEST).collect()
}
