//! SQLite, for one machine: what `inq dev` keeps its rows in.
//!
//! One writer at a time, so that a claim excludes another by the lock on the file: every writing transaction begins
//! IMMEDIATE. Readers go on beside it (WAL).

mod admit;
mod broadcasts;
mod cancel;
mod claim;
mod clock;
mod end;
mod ended_claims;
mod forget;
mod gather;
mod habits;
mod insert;
mod operate;
mod preferences;
mod read;
mod results;
mod retention;

use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Row};

use super::bounds;
use super::clock::DatabaseClock;
use super::columns::Columns;
use super::migrations::{self, Applied};
use super::{
    Admission, Admitted, Backlog, CancelOutcome, Change, Changed, Claimant, Claimed, Connections, Decide,
    Depth, Ended, EngagementRow, Filter, Glance, GroupBy, Habits, HistoryEntry, Inserted, NewNotification,
    Notification, OpenClaim, PendingRow, PublishFailure, Readers, Result, Retelling, SchemaState, Status,
    Store, StoreError, Story, Verdict,
};
use crate::contract::{Cancellation, DeliveryResult, PreferenceChange};
use crate::schedule::SendTimePolicy;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");

/// How long a writer waits for another.
const BUSY: Duration = Duration::from_secs(10);
/// How long a call waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(15);
/// How a writing transaction begins.
const IMMEDIATE: &str = "BEGIN IMMEDIATE";
/// The database's clock, as the tables keep times.
const NOW: &str = "strftime('%Y-%m-%d %H:%M:%f', 'now')";

/// A time of a column as messages and histories write it.
fn told_time(column: &str) -> String {
    format!("strftime('%Y-%m-%dT%H:%M:%fZ', {column})")
}

/// The store in a SQLite file.
pub(super) struct SqliteStore {
    pool: SqlitePool,
    clock: DatabaseClock,
}

impl SqliteStore {
    /// The file is made when it is first asked for something.
    pub(super) fn new(url: &str, max_connections: u32) -> Result<Self> {
        let options = SqliteConnectOptions::from_str(url)
            .map_err(|fault| StoreError::Refused(format!("database.url: {fault}")))?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A commit that was answered survives a power cut.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            // What is erased is overwritten, not only let go.
            .pragma("secure_delete", "ON")
            // It would log whole statements, readers' texts in them.
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new()
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE)
            .connect_lazy_with(options);
        Ok(Self {
            pool,
            clock: DatabaseClock::default(),
        })
    }
}

/// That the file of this URL is there.
pub(super) fn require_file(url: &str) -> Result<()> {
    let options = SqliteConnectOptions::from_str(url)
        .map_err(|fault| StoreError::Refused(format!("database.url: {fault}")))?;
    let file = options.get_filename();
    // A database in memory is nowhere to be found, and made when it is asked for.
    let in_memory = file.to_string_lossy().starts_with("file:") || url.contains("mode=memory");
    if in_memory || file.exists() {
        return Ok(());
    }
    Err(StoreError::Refused(format!(
        "database.url: there is no file {}; `inq migrate` makes it",
        file.display()
    )))
}

async fn applied(connection: &mut SqliteConnection) -> Result<Vec<Applied>> {
    let rows: sqlx::Result<Vec<(i64, Vec<u8>, bool)>> =
        sqlx::query_as("SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version")
            .fetch_all(connection)
            .await;
    match rows.map_err(sorted) {
        Ok(rows) => Ok(rows.into_iter().map(Applied::from).collect()),
        // There is no such table yet.
        Err(StoreError::Schema(_)) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Tables and indexes of other programs that have names of ours.
async fn refuse_what_is_taken(connection: &mut SqliteConnection, names: &[String]) -> Result<()> {
    let taken: Option<String> = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT type || ' ' || name FROM sqlite_master WHERE name COLLATE NOCASE IN ({}) ORDER BY name LIMIT 1",
        migrations::listed(names)
    )))
    .fetch_optional(connection)
    .await
    .map_err(sorted)?;
    taken.map_or(Ok(()), |name| Err(migrations::taken(&name)))
}

/// Sorts an error by what can be done.
fn sorted(error: sqlx::Error) -> StoreError {
    let text = error.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    match error {
        sqlx::Error::Database(fault) => {
            match fault.code().as_deref().and_then(|code| code.parse::<u32>().ok()) {
                // The primary code is in the low byte: busy, locked, I/O error, full.
                Some(code) if matches!(code & 0xff, 5 | 6 | 10 | 13) => StoreError::Away(text),
                Some(code) if matches!(code & 0xff, 8 | 14 | 23 | 26) => StoreError::Refused(format!(
                    "the file of database.url cannot be used ({text}): check that it is a SQLite file, that its folder \
                 exists, and that both may be written"
                )),
                // Too big, constraint, mismatch.
                Some(code) if matches!(code & 0xff, 18..=20) => StoreError::Data(text),
                _ if fault.message().contains("no such table")
                    || fault.message().contains("no such column") =>
                {
                    StoreError::Schema(format!(
                        "the database's schema is not the one of this program ({text}): run `inq migrate`"
                    ))
                }
                _ => StoreError::Unexpected(text),
            }
        }
        sqlx::Error::Io(_)
        | sqlx::Error::PoolTimedOut
        | sqlx::Error::PoolClosed
        | sqlx::Error::WorkerCrashed => StoreError::Away(text),
        sqlx::Error::Configuration(_) => StoreError::Refused(format!("database.url: {text}")),
        _ => StoreError::Unexpected(text),
    }
}

/// A time as the tables keep it.
fn stored(time: DateTime<Utc>) -> String {
    bounds::cut(time).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// A time from now, as a modifier of SQLite's date functions.
fn from_now(duration: Duration) -> String {
    format!("+{:.3} seconds", duration.as_secs_f64())
}

fn time_of(column: &str, text: &str) -> Result<DateTime<Utc>> {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
        .map(|time| time.and_utc())
        .map_err(|fault| StoreError::Unexpected(format!("column {column}: {fault}")))
}

impl Columns for SqliteRow {
    fn int(&self, column: &str) -> Result<i64> {
        self.try_get_unchecked(column).map_err(sorted)
    }

    fn int_or_null(&self, column: &str) -> Result<Option<i64>> {
        self.try_get_unchecked(column).map_err(sorted)
    }

    fn text(&self, column: &str) -> Result<String> {
        self.try_get_unchecked(column).map_err(sorted)
    }

    fn text_or_null(&self, column: &str) -> Result<Option<String>> {
        self.try_get_unchecked(column).map_err(sorted)
    }

    fn time(&self, column: &str) -> Result<DateTime<Utc>> {
        time_of(column, &self.text(column)?)
    }

    fn time_or_null(&self, column: &str) -> Result<Option<DateTime<Utc>>> {
        let text = self.text_or_null(column)?;
        text.map(|text| time_of(column, &text)).transpose()
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn server(&self) -> Result<String> {
        let version: String = sqlx::query_scalar("SELECT sqlite_version()")
            .fetch_one(&self.pool)
            .await
            .map_err(sorted)?;
        Ok(format!("SQLite {version}"))
    }

    async fn try_write(&self) -> Result<()> {
        // It has one connection of the pool: SQLite's pool is not that of a server. The page is written though its content
        // stays the same.
        sqlx::query("UPDATE incentive_notify_identity SET id = id")
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(sorted)
    }

    async fn migrate(&self) -> Result<Vec<i64>> {
        // All of them in one transaction, and whoever comes at the same time waits for its end.
        let mut transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        let before = applied(&mut transaction).await?;
        let missing = migrations::missing(&MIGRATIONS, &before)?;
        if missing.is_empty() {
            transaction.rollback().await.map_err(sorted)?;
            return Ok(Vec::new());
        }
        refuse_what_is_taken(&mut transaction, &migrations::makes(&missing, &before)).await?;
        MIGRATIONS
            .run_direct(None, &mut *transaction, false)
            .await
            .map_err(|fault| match fault {
                sqlx::migrate::MigrateError::Execute(fault) => sorted(fault),
                other => migrations::failed(&other),
            })?;
        transaction.commit().await.map_err(sorted)?;
        Ok(missing.iter().map(|migration| migration.version).collect())
    }

    async fn schema(&self) -> Result<SchemaState> {
        let mut connection = self.pool.acquire().await.map_err(sorted)?;
        let applied = applied(&mut connection).await?;
        migrations::check(&MIGRATIONS, &applied)?;
        Ok(migrations::state(&MIGRATIONS, &applied))
    }

    async fn prove_claims_exclude(&self) -> Result<()> {
        // The lock on the file is what excludes; that it can be had is what there is to see.
        let transaction = self.pool.begin_with(IMMEDIATE).await.map_err(sorted)?;
        transaction.rollback().await.map_err(sorted)
    }

    async fn insert(&self, batch: &[NewNotification]) -> Result<Inserted> {
        insert::insert(&self.pool, batch).await
    }

    async fn cancel(
        &self,
        cancellations: &[Cancellation],
        retelling: Arc<dyn Retelling>,
    ) -> Result<Vec<CancelOutcome>> {
        cancel::cancel(&self.pool, cancellations, retelling.as_ref()).await
    }

    async fn remove_cancellations(&self, kept: Duration, limit: u32) -> Result<u64> {
        cancel::remove(&self.pool, kept, limit).await
    }

    async fn insert_admitted(
        &self,
        batch: &[NewNotification],
        admission: Arc<dyn Admission>,
    ) -> Result<Admitted> {
        admit::insert(&self.pool, batch, admission.as_ref()).await
    }

    async fn forget_readers(&self, limit: u32) -> Result<u64> {
        admit::forget(&self.pool, limit).await
    }

    async fn change_preferences(&self, changes: &[PreferenceChange]) -> Result<()> {
        preferences::change(&self.pool, changes).await
    }

    async fn readers(&self, users: &[i64]) -> Result<Readers> {
        let mut connection = self.pool.acquire().await.map_err(sorted)?;
        preferences::look_up(&mut connection, users).await
    }

    async fn habits(&self, users: &[i64]) -> Result<Habits> {
        habits::look_up(&self.pool, users).await
    }

    async fn claim_by(
        &self,
        limit: u32,
        lease: Duration,
        claimant: &Claimant,
        rules: Option<&SendTimePolicy>,
    ) -> Result<Claimed> {
        claim::claim(&self.pool, limit, lease, claimant, rules).await
    }

    async fn identity(&self) -> Result<String> {
        let identity = sqlx::query_scalar("SELECT id FROM incentive_notify_identity")
            .fetch_one(&self.pool)
            .await
            .map_err(sorted)?;
        Ok(identity)
    }

    async fn next_claim_number(&self) -> Result<i64> {
        claim::next_number(&self.pool).await
    }

    async fn settle(&self, claim: i64, rows: &[i64], recovered: bool) -> Result<Ended> {
        end::settle(&self.pool, claim, rows, recovered).await
    }

    async fn release(&self, claim: i64, rows: &[i64], recovered: bool) -> Result<Ended> {
        end::release(&self.pool, claim, rows, recovered).await
    }

    async fn give_back(
        &self,
        claim: i64,
        sent: &[i64],
        failed: &[PublishFailure],
        released: &[i64],
    ) -> Result<Ended> {
        end::give_back(&self.pool, claim, sent, failed, released).await
    }

    async fn lapsed_claims(&self, limit: u32) -> Result<Vec<OpenClaim>> {
        read::lapsed_claims(&self.pool, limit).await
    }

    async fn glance_at_claims(&self) -> Result<Glance> {
        read::glance_at_claims(&self.pool).await
    }

    async fn open_claims(&self, limit: u32) -> Result<Vec<OpenClaim>> {
        read::open_claims(&self.pool, limit).await
    }

    async fn open_claim(&self, claim: i64) -> Result<Option<OpenClaim>> {
        read::open_claim(&self.pool, claim).await
    }

    async fn doubt(&self, claim: i64, why: &str, retry_in: Duration) -> Result<bool> {
        end::doubt(&self.pool, claim, why, retry_in).await
    }

    async fn apply_results(&self, results: Vec<DeliveryResult>, decide: Arc<Decide>) -> Result<Vec<Verdict>> {
        results::apply(&self.pool, &results, decide.as_ref()).await
    }

    async fn notification(&self, id: i64) -> Result<Option<Notification>> {
        read::notification(&self.pool, id).await
    }

    async fn notification_of_event(&self, event_id: &str) -> Result<Option<Notification>> {
        read::notification_of_event(&self.pool, event_id).await
    }

    async fn history(&self, notification_id: i64) -> Result<Vec<HistoryEntry>> {
        read::history(&self.pool, notification_id).await
    }

    async fn notifications(
        &self,
        filter: &Filter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Notification>> {
        operate::notifications(&self.pool, filter, before, limit).await
    }

    async fn count(&self, filter: &Filter, change: Option<Change>) -> Result<u64> {
        operate::count(&self.pool, filter, change).await
    }

    async fn change(
        &self,
        filter: &Filter,
        change: Change,
        by: &str,
        after: i64,
        limit: u32,
    ) -> Result<Changed> {
        operate::change(&self.pool, filter, change, by, after, limit).await
    }

    async fn engagement(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        by: GroupBy,
    ) -> Result<Vec<EngagementRow>> {
        operate::engagement(&self.pool, from, to, by).await
    }

    async fn outlived(&self, status: Status, kept: Duration, limit: u32) -> Result<Vec<i64>> {
        retention::outlived(&self.pool, status, kept, limit).await
    }

    async fn stories(&self, ids: &[i64]) -> Result<Vec<Story>> {
        retention::stories(&self.pool, ids).await
    }

    async fn remove(&self, status: Status, kept: Duration, ids: &[i64]) -> Result<u64> {
        retention::remove(&self.pool, status, kept, ids).await
    }

    async fn lead_maintenance(&self, holder: &str, lease: Duration) -> Result<bool> {
        retention::lead(&self.pool, holder, lease).await
    }

    async fn depth(&self) -> Result<Depth> {
        read::depth(&self.pool).await
    }

    async fn pending_by_type(&self, most: u32) -> Result<Vec<PendingRow>> {
        read::pending_by_type(&self.pool, most).await
    }

    async fn backlog(&self, _exactly: u32) -> Result<Backlog> {
        read::backlog(&self.pool).await
    }

    fn connections(&self) -> Connections {
        Connections::of(
            self.pool.size(),
            self.pool.num_idle(),
            self.pool.options().get_max_connections(),
        )
    }

    async fn close(&self) {
        self.pool.close().await;
    }
}
