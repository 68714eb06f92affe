//! MySQL 8.0+ and MariaDB 10.6+.
//!
//! Every session is as `session` makes it, whatever the server's global variables say. Rows are changed by primary
//! key in id order. A transaction that a deadlock or a lock time-out has ended is done again at once, with jitter.

mod admit;
mod broadcasts;
mod cancel;
mod claim;
mod clock;
mod depth;
mod end;
mod ended_claims;
mod engagement;
mod error;
mod explained;
mod forget;
mod gather;
mod habits;
mod history;
mod insert;
mod inspect;
mod listed;
mod migrate;
mod operate;
mod pool;
mod preferences;
mod proof;
mod results;
mod retention;
mod session;
mod sizes;
mod yardstick;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDateTime, Utc};
use sqlx::mysql::{MySqlConnection, MySqlPool, MySqlRow};
use sqlx::{AssertSqlSafe, Connection, Row};
use tokio::sync::Mutex;

use super::columns::{self, Columns};
use super::{
    Admission, Admitted, Backlog, CancelOutcome, Change, Changed, Claimant, Claimed, Connections, Decide,
    Depth, Ended, EngagementRow, Filter, Glance, GroupBy, Habits, HistoryEntry, Inserted, NewNotification,
    Notification, OpenClaim, PendingRow, PublishFailure, Readers, Result, Retelling, SchemaState, Status,
    Store, StoreError, Story, Verdict,
};
use super::{bounds, clock::DatabaseClock};
use crate::contract::{Cancellation, DeliveryResult, PreferenceChange};
use crate::measures;
use crate::schedule::SendTimePolicy;
use error::{Answer, sorted};

pub use yardstick::{Filling, Yardstick};

#[doc(hidden)]
pub use explained::{Explained, explained};

/// How long a call waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(5);
/// How often a transaction is done again that lost a deadlock.
const TRIES: u32 = 10;

/// One transaction of the store, as a future that may be made anew.
type Attempt<'a, T> = Pin<Box<dyn Future<Output = std::result::Result<T, Answer>> + Send + 'a>>;

/// The store on MySQL or MariaDB.
pub(super) struct MySqlStore {
    pool: MySqlPool,
    sizes: Arc<sizes::Rows>,
    retired: Arc<pool::Retired>,
    /// What [`Store::try_write`] uses, once it is made.
    watch: Mutex<Option<MySqlConnection>>,
    clock: DatabaseClock,
}

impl MySqlStore {
    /// Nothing is connected yet.
    pub(super) fn new(url: &str, max_connections: u32) -> Result<Self> {
        let options = pool::options(url)?;
        let sizes = Arc::new(sizes::Rows::to(options.get_host()));
        let retired = Arc::<pool::Retired>::default();
        let pool = pool::open(options, max_connections, Arc::clone(&sizes), Arc::clone(&retired));
        Ok(Self {
            pool,
            sizes,
            retired,
            watch: Mutex::default(),
            clock: DatabaseClock::default(),
        })
    }

    /// A connection beside the pool, which would only say that it waited in vain.
    async fn connect(&self) -> Result<MySqlConnection> {
        let options = self.pool.connect_options();
        let place = format!("{}:{}", options.get_host(), options.get_port());
        let connected = async {
            let mut connection = MySqlConnection::connect_with(&options).await?;
            session::set(&mut connection).await?;
            Ok(connection)
        };
        match tokio::time::timeout(ACQUIRE, connected).await {
            Ok(connected) => connected.map_err(|fault| match StoreError::from(sorted(fault)) {
                StoreError::Away(why) => StoreError::Away(format!("{why}; check database.url ({place})")),
                other => other,
            }),
            Err(_elapsed) => Err(StoreError::Away(format!(
                "{place} does not answer; check database.url"
            ))),
        }
    }

    async fn claims(&self, which: &str, argument: i64) -> Result<Vec<OpenClaim>> {
        let text = format!(
            "SELECT {} FROM incentive_notify_claims {which}",
            columns::OPEN_CLAIM
        );
        let rows = sqlx::query(AssertSqlSafe(text))
            .bind(argument)
            .fetch_all(&self.pool)
            .await
            .map_err(sorted)?;
        rows.iter().map(columns::open_claim).collect()
    }

    /// Does a transaction, and does it again when the server has ended it for the sake of another.
    async fn retried<'a, T>(&'a self, attempt: impl Fn() -> Attempt<'a, T> + Send) -> Result<T> {
        let mut tries = 0;
        loop {
            match attempt().await {
                Ok(done) => return Ok(done),
                Err(Answer::Again(why)) if tries < TRIES => {
                    tries += 1;
                    metrics::counter!(measures::STORE_RETRIES.name).increment(1);
                    tracing::debug!(tries, why, "a transaction is done again");
                    tokio::time::sleep(jitter(tries)).await;
                }
                Err(answer) => {
                    if matches!(answer, Answer::ReadOnly(_)) {
                        tracing::warn!("the database takes no writes: its connections are made anew");
                        self.retired.all();
                    }
                    return Err(answer.into());
                }
            }
        }
    }
}

/// Up to a few milliseconds, more with each try, so that two that met do not meet again.
fn jitter(tries: u32) -> Duration {
    let noise = uuid::Uuid::new_v4().as_u64_pair().0 % 3_000;
    Duration::from_micros(noise * u64::from(tries))
}

/// A time as the tables keep it. As a DATETIME: MariaDB makes NULL of a TIMESTAMP that is out of that type's range.
fn stored(time: DateTime<Utc>) -> NaiveDateTime {
    bounds::cut(time).naive_utc()
}

/// The same as text.
fn written(time: DateTime<Utc>) -> String {
    stored(time).format("%F %T%.3f").to_string()
}

/// A time of a column as messages and histories write it.
fn told_time(column: &str) -> String {
    format!("CONCAT(LEFT(DATE_FORMAT({column}, '%Y-%m-%dT%H:%i:%s.%f'), 23), 'Z')")
}

impl Columns for MySqlRow {
    // Unchecked: an integer column may be narrower than 64 bits, and JSON is text on one server and a type of its own on
    // the other.
    fn int(&self, column: &str) -> Result<i64> {
        self.try_get_unchecked(column)
            .map_err(|fault| sorted(fault).into())
    }

    fn int_or_null(&self, column: &str) -> Result<Option<i64>> {
        self.try_get_unchecked(column)
            .map_err(|fault| sorted(fault).into())
    }

    fn text(&self, column: &str) -> Result<String> {
        self.try_get_unchecked(column)
            .map_err(|fault| sorted(fault).into())
    }

    fn text_or_null(&self, column: &str) -> Result<Option<String>> {
        self.try_get_unchecked(column)
            .map_err(|fault| sorted(fault).into())
    }

    fn time(&self, column: &str) -> Result<DateTime<Utc>> {
        self.try_get_unchecked(column)
            .map_err(|fault| sorted(fault).into())
    }

    fn time_or_null(&self, column: &str) -> Result<Option<DateTime<Utc>>> {
        self.try_get_unchecked(column)
            .map_err(|fault| sorted(fault).into())
    }
}

#[async_trait]
impl Store for MySqlStore {
    async fn server(&self) -> Result<String> {
        let mut connection = self.connect().await?;
        let server = migrate::server(&mut connection).await?;
        // It has told what it was made for; how it ends is of no interest.
        drop(connection.close().await);
        Ok(server)
    }

    async fn try_write(&self) -> Result<()> {
        if self.pool.is_closed() {
            return Err(StoreError::from(sorted(sqlx::Error::PoolClosed)));
        }
        let mut kept = self.watch.lock().await;
        // Put back after a success only: one that is broken or was cancelled is closed.
        let mut connection = match kept.take() {
            Some(connection) => connection,
            None => proof::writer(self.connect().await?).await?,
        };
        proof::write(&mut connection).await?;
        *kept = Some(connection);
        Ok(())
    }

    async fn migrate(&self) -> Result<Vec<i64>> {
        let mut connection = self.connect().await?;
        let ran = migrate::run(&mut connection).await?;
        drop(connection.close().await);
        Ok(ran)
    }

    async fn schema(&self) -> Result<SchemaState> {
        let mut connection = self.pool.acquire().await.map_err(sorted)?;
        migrate::schema(&mut connection).await
    }

    async fn prove_claims_exclude(&self) -> Result<()> {
        // Beside the pool, which may have one connection only.
        let (mut first, mut second) = (self.connect().await?, self.connect().await?);
        let proven = proof::claims_exclude(&mut first, &mut second).await;
        drop((first.close().await, second.close().await));
        proven
    }

    async fn inspect(&self) -> Result<Vec<String>> {
        let mut connection = self.connect().await?;
        let inspected = async {
            inspect::require_rights(&mut connection).await?;
            inspect::warnings(&mut connection).await
        }
        .await;
        drop(connection.close().await);
        inspected
    }

    fn use_url(&self, url: &str) -> Result<()> {
        self.pool.set_connect_options(pool::options(url)?);
        Ok(())
    }

    async fn insert(&self, batch: &[NewNotification]) -> Result<Inserted> {
        self.retried(|| Box::pin(insert::insert(&self.pool, batch, &self.sizes)))
            .await
    }

    async fn cancel(
        &self,
        cancellations: &[Cancellation],
        retelling: Arc<dyn Retelling>,
    ) -> Result<Vec<CancelOutcome>> {
        let retelling = retelling.as_ref();
        self.retried(|| Box::pin(cancel::cancel(&self.pool, cancellations, retelling)))
            .await
    }

    async fn remove_cancellations(&self, kept: Duration, limit: u32) -> Result<u64> {
        self.retried(|| Box::pin(cancel::remove(&self.pool, kept, limit)))
            .await
    }

    async fn insert_admitted(
        &self,
        batch: &[NewNotification],
        admission: Arc<dyn Admission>,
    ) -> Result<Admitted> {
        let admission = admission.as_ref();
        self.retried(|| Box::pin(admit::insert(&self.pool, batch, admission, &self.sizes)))
            .await
    }

    async fn forget_readers(&self, limit: u32) -> Result<u64> {
        self.retried(|| Box::pin(admit::forget(&self.pool, limit))).await
    }

    async fn change_preferences(&self, changes: &[PreferenceChange]) -> Result<()> {
        self.retried(|| Box::pin(preferences::change(&self.pool, changes, &self.sizes)))
            .await
    }

    async fn readers(&self, users: &[i64]) -> Result<Readers> {
        Ok(preferences::look_up(&mut *self.pool.acquire().await.map_err(sorted)?, users).await?)
    }

    async fn habits(&self, users: &[i64]) -> Result<Habits> {
        Ok(habits::look_up(&self.pool, users).await?)
    }

    async fn claim_by(
        &self,
        limit: u32,
        lease: Duration,
        claimant: &Claimant,
        rules: Option<&SendTimePolicy>,
    ) -> Result<Claimed> {
        self.retried(|| Box::pin(claim::claim(&self.pool, limit, lease, claimant, rules)))
            .await
    }

    async fn identity(&self) -> Result<String> {
        let identity = sqlx::query_scalar("SELECT id FROM incentive_notify_identity");
        Ok(identity.fetch_one(&self.pool).await.map_err(sorted)?)
    }

    async fn next_claim_number(&self) -> Result<i64> {
        self.retried(|| Box::pin(claim::next_number(&self.pool))).await
    }

    async fn settle(&self, claim: i64, rows: &[i64], recovered: bool) -> Result<Ended> {
        self.retried(|| Box::pin(end::settle(&self.pool, claim, rows, recovered)))
            .await
    }

    async fn release(&self, claim: i64, rows: &[i64], recovered: bool) -> Result<Ended> {
        self.retried(|| Box::pin(end::release(&self.pool, claim, rows, recovered)))
            .await
    }

    async fn give_back(
        &self,
        claim: i64,
        sent: &[i64],
        failed: &[PublishFailure],
        released: &[i64],
    ) -> Result<Ended> {
        self.retried(|| Box::pin(end::give_back(&self.pool, claim, sent, failed, released)))
            .await
    }

    async fn lapsed_claims(&self, limit: u32) -> Result<Vec<OpenClaim>> {
        let which = "WHERE lease_until <= UTC_TIMESTAMP(3) ORDER BY lease_until LIMIT ?";
        self.claims(which, i64::from(limit)).await
    }

    async fn glance_at_claims(&self) -> Result<Glance> {
        Ok(claim::glance(&self.pool).await?)
    }

    async fn open_claims(&self, limit: u32) -> Result<Vec<OpenClaim>> {
        self.claims("ORDER BY id LIMIT ?", i64::from(limit)).await
    }

    async fn open_claim(&self, claim: i64) -> Result<Option<OpenClaim>> {
        Ok(self.claims("WHERE id = ?", claim).await?.pop())
    }

    async fn doubt(&self, claim: i64, why: &str, retry_in: Duration) -> Result<bool> {
        Ok(end::doubt(&self.pool, claim, why, retry_in)
            .await
            .map_err(sorted)?)
    }

    async fn apply_results(&self, results: Vec<DeliveryResult>, decide: Arc<Decide>) -> Result<Vec<Verdict>> {
        let (results, decide) = (&results, &decide);
        self.retried(|| Box::pin(results::apply(&self.pool, results, decide.as_ref())))
            .await
    }

    async fn notification(&self, id: i64) -> Result<Option<Notification>> {
        let row = sqlx::query("SELECT * FROM incentive_notify_queue WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(sorted)?;
        row.as_ref().map(columns::notification).transpose()
    }

    async fn notification_of_event(&self, event_id: &str) -> Result<Option<Notification>> {
        let row = sqlx::query("SELECT * FROM incentive_notify_queue WHERE event_id = ?")
            .bind(event_id)
            .fetch_optional(&self.pool)
            .await
            .map_err(sorted)?;
        row.as_ref().map(columns::notification).transpose()
    }

    async fn history(&self, notification_id: i64) -> Result<Vec<HistoryEntry>> {
        let rows = sqlx::query(
            "SELECT at, kind, attempt, detail FROM incentive_notify_history WHERE notification_id = ? ORDER BY id",
        )
        .bind(notification_id)
        .fetch_all(&self.pool)
        .await
        .map_err(sorted)?;
        rows.iter().map(columns::history_entry).collect()
    }

    async fn notifications(
        &self,
        filter: &Filter,
        before: Option<i64>,
        limit: u32,
    ) -> Result<Vec<Notification>> {
        Ok(operate::notifications(&self.pool, filter, before, limit).await?)
    }

    async fn count(&self, filter: &Filter, change: Option<Change>) -> Result<u64> {
        Ok(operate::count(&self.pool, filter, change).await?)
    }

    async fn change(
        &self,
        filter: &Filter,
        change: Change,
        by: &str,
        after: i64,
        limit: u32,
    ) -> Result<Changed> {
        self.retried(|| Box::pin(operate::change(&self.pool, filter, change, by, after, limit)))
            .await
    }

    async fn engagement(
        &self,
        from: DateTime<Utc>,
        to: DateTime<Utc>,
        by: GroupBy,
    ) -> Result<Vec<EngagementRow>> {
        Ok(engagement::engagement(&self.pool, from, to, by).await?)
    }

    async fn outlived(&self, status: Status, kept: Duration, limit: u32) -> Result<Vec<i64>> {
        Ok(retention::outlived(&self.pool, status, kept, limit).await?)
    }

    async fn stories(&self, ids: &[i64]) -> Result<Vec<Story>> {
        Ok(retention::stories(&self.pool, ids).await?)
    }

    async fn remove(&self, status: Status, kept: Duration, ids: &[i64]) -> Result<u64> {
        self.retried(|| Box::pin(retention::remove(&self.pool, status, kept, ids)))
            .await
    }

    async fn lead_maintenance(&self, holder: &str, lease: Duration) -> Result<bool> {
        self.retried(|| Box::pin(retention::lead(&self.pool, holder, lease)))
            .await
    }

    async fn depth(&self) -> Result<Depth> {
        depth::depth(&self.pool).await
    }

    async fn pending_by_type(&self, most: u32) -> Result<Vec<PendingRow>> {
        depth::pending_by_type(&self.pool, most).await
    }

    async fn backlog(&self, exactly: u32) -> Result<Backlog> {
        depth::backlog(&self.pool, exactly).await
    }

    fn connections(&self) -> Connections {
        Connections::of(
            self.pool.size(),
            self.pool.num_idle(),
            self.pool.options().get_max_connections(),
        )
    }

    async fn close(&self) {
        if let Some(connection) = self.watch.lock().await.take() {
            drop(connection.close().await);
        }
        self.pool.close().await;
    }
}
