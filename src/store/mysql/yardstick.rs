//! What `inq bench` holds the service against: the statements of the hot path alone, and what one would write without
//! us. On a database of its own, which it makes and drops.

use std::str::FromStr;
use std::time::{Duration, Instant};

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPool, MySqlPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};

use super::super::columns::Columns;
use super::super::{HistoryKind, NewNotification, Result, StoreError, ids, micros};
use super::claim::{due_rows_text, mark_claimed_text};
use super::end::{SENT, change_text};
use super::error::sorted;
use super::{habits, insert, session, sizes};
use crate::contract::Priority;
use crate::schedule::Habit;

/// The table as one has it without us: a row for each notification, an index for each column that is asked for.
const CLASSICAL: &str = "CREATE TABLE classical_notifications (
    id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    incentive_type VARCHAR(32) NOT NULL,
    notification_type INT NOT NULL,
    message_title VARCHAR(255) NOT NULL,
    message_body TEXT NOT NULL,
    incentive_data JSON NOT NULL,
    status ENUM ('pending', 'processing', 'sent', 'failed') NOT NULL DEFAULT 'pending',
    priority TINYINT NOT NULL DEFAULT 0,
    scheduled_at DATETIME(3) NOT NULL,
    sent_at DATETIME(3) NULL,
    created_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3),
    updated_at DATETIME(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
    KEY (user_id), KEY (status), KEY (priority), KEY (scheduled_at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4";

/// 0 to 9999 as `n`, without a recursion that servers limit.
const NUMBERS: &str = "(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n FROM \
     (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) AS a, \
     (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) AS b, \
     (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) AS c, \
     (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) AS e) AS numbers";
/// Rows of one statement that fills a table.
const FILLED_AT_ONCE: u64 = 10_000;

/// What kind of rows a table is filled with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filling {
    /// Due since a day, in the order in which they are stored, of all priorities.
    Due,
    /// The same, as if written without the service: rules are evaluated when they are claimed.
    Unevaluated,
    /// Due since up to a day, those of a claim far from each other, of all priorities.
    Scattered,
    /// Sent weeks ago.
    Old,
    /// Of the highest priority, due tomorrow.
    Ahead,
}

/// A database of its own on the server of a URL.
pub struct Yardstick {
    pool: MySqlPool,
    sizes: sizes::Rows,
    url: String,
    name: String,
    filled: std::sync::atomic::AtomicU64,
}

impl Yardstick {
    /// Makes the database `name` on the server of `url`.
    ///
    /// # Errors
    /// If it is there already, may not be made, or the server is away.
    pub async fn create(url: &str, name: &str) -> Result<Self> {
        let options = MySqlConnectOptions::from_str(url)
            .map_err(|fault| StoreError::Refused(format!("database.url: {fault}")))?
            .charset("utf8mb4")
            .timezone("+00:00".to_owned())
            .disable_statement_logging();
        let mut connection = MySqlConnection::connect_with(&options).await.map_err(sorted)?;
        sqlx::query(AssertSqlSafe(format!("CREATE DATABASE {name} CHARACTER SET utf8mb4")))
            .execute(&mut connection)
            .await
            .map_err(|fault| {
                let why = StoreError::from(sorted(fault));
                StoreError::Refused(format!(
                    "the benchmark makes a database of its own, {name}, and could not: {why}; GRANT ALL ON `inq_bench_%`.* \
                     to the user of database.url"
                ))
            })?;
        drop(connection.close().await);
        let mut own =
            url::Url::parse(url).map_err(|fault| StoreError::Refused(format!("database.url: {fault}")))?;
        own.set_path(name);
        let sizes = sizes::Rows::to(options.get_host());
        let pool = MySqlPoolOptions::new()
            .max_connections(4)
            .after_connect(|connection, _| Box::pin(session::set(connection)))
            .connect_lazy_with(options.database(name));
        Ok(Self {
            pool,
            sizes,
            url: own.to_string(),
            name: name.to_owned(),
            filled: std::sync::atomic::AtomicU64::new(0),
        })
    }

    /// Where the database is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Drops the database.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn remove(&self) -> Result<()> {
        self.run(&format!("DROP DATABASE {}", self.name)).await?;
        self.pool.close().await;
        Ok(())
    }

    async fn run(&self, text: &str) -> Result<u64> {
        let done = sqlx::query(AssertSqlSafe(text.to_owned()))
            .execute(&self.pool)
            .await
            .map_err(sorted)?;
        Ok(done.rows_affected())
    }

    /// Fills the queue with `rows` rows whose bodies have `body_bytes` bytes.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn fill(&self, filling: Filling, rows: u64, body_bytes: u64) -> Result<()> {
        let (status, priority, scheduled, sent) = match filling {
            Filling::Due | Filling::Unevaluated => (
                "pending",
                "n % 5",
                "UTC_TIMESTAMP(3) - INTERVAL 1 DAY + INTERVAL number * 1000 MICROSECOND",
                "NULL",
            ),
            Filling::Scattered => (
                "pending",
                "n % 5",
                "UTC_TIMESTAMP(3) - INTERVAL 1 + n * 8 SECOND",
                "NULL",
            ),
            Filling::Old => (
                "sent",
                "n % 5",
                "UTC_TIMESTAMP(3) - INTERVAL 20 DAY",
                "UTC_TIMESTAMP(3) - INTERVAL 20 DAY",
            ),
            Filling::Ahead => ("pending", "4", "UTC_TIMESTAMP(3) + INTERVAL 1 DAY", "NULL"),
        };
        // Rules hold for all of a measurement, unless it is to measure what it takes to evaluate them again.
        let evaluated = if filling == Filling::Unevaluated {
            "NULL"
        } else {
            "UTC_TIMESTAMP(3) + INTERVAL 1 DAY"
        };
        let mut left = rows;
        while left > 0 {
            let count = left.min(FILLED_AT_ONCE);
            let first = self.filled.fetch_add(count, std::sync::atomic::Ordering::Relaxed);
            self.run(&format!(
                "INSERT INTO incentive_notify_queue (event_id, user_id, incentive_type, notification_type, priority, \
                 message_title, message_body, incentive_data, status, occurred_at, scheduled_at, sent_at, updated_at, language, \
                 rules_evaluated_at) \
                 SELECT CONCAT('bench-', number), 1 + number * 7919 % 1000003, 'point_earning', 86, {priority}, \
                 CONCAT('You earned ', n, ' points!'), RPAD(CONCAT('Only ', n, ' more points to Gold. '), {body_bytes}, 'Keep going! '), \
                 CONCAT('{{\"points_earned\":', n, ',\"badge_progress\":{{\"current\":3,\"required\":5,\"badge_name\":\"Champion\"}}}}'), \
                 '{status}', UTC_TIMESTAMP(3), {scheduled}, {sent}, COALESCE({sent}, UTC_TIMESTAMP(3)), 'en', {evaluated} \
                 FROM (SELECT n, {first} + n AS number FROM {NUMBERS} WHERE n < {count}) AS counted ORDER BY number"
            ))
            .await?;
            left -= count;
        }
        Ok(())
    }

    /// Makes the classical table, with `rows` due rows.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn fill_classical(&self, rows: u64) -> Result<()> {
        self.run(CLASSICAL).await?;
        let mut left = rows;
        while left > 0 {
            let count = left.min(FILLED_AT_ONCE);
            self.run(&format!(
                "INSERT INTO classical_notifications (user_id, incentive_type, notification_type, priority, \
                 message_title, message_body, incentive_data, scheduled_at) \
                 SELECT 1 + n * 7919 % 1000003, 'point_earning', 86, n % 5, CONCAT('You earned ', n, ' points!'), \
                 RPAD(CONCAT('Only ', n, ' more points to Gold. '), 200, 'Keep going! '), \
                 CONCAT('{{\"points_earned\":', n, ',\"badge_progress\":{{\"current\":3,\"required\":5,\"badge_name\":\"Champion\"}}}}'), \
                 UTC_TIMESTAMP(3) - INTERVAL 1 + n * 8 SECOND FROM {NUMBERS} WHERE n < {count}"
            ))
            .await?;
            left -= count;
        }
        Ok(())
    }

    /// The most urgent due rows of the classical table, at most `limit`, and what they would send.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn next_classical(&self, limit: u32) -> Result<Vec<(i64, String)>> {
        let rows = sqlx::query(
            "SELECT id, message_title, message_body, incentive_data FROM classical_notifications \
             WHERE status = 'pending' AND scheduled_at <= UTC_TIMESTAMP(3) ORDER BY priority DESC, scheduled_at LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(sorted)?;
        rows.iter()
            .map(|row| {
                let id = row.int("id")?;
                let words =
                    ["message_title", "message_body", "incentive_data"].map(|column| row.text(column));
                Ok((id, words.into_iter().collect::<Result<Vec<_>>>()?.join(" ")))
            })
            .collect()
    }

    /// Marks a row of the classical table as sent.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn mark_classical(&self, id: i64) -> Result<()> {
        sqlx::query(
            "UPDATE classical_notifications SET status = 'sent', sent_at = UTC_TIMESTAMP(3) WHERE id = ?",
        )
        .bind(id)
        .execute(&self.pool)
        .await
        .map_err(sorted)?;
        Ok(())
    }

    /// Claims and settles `rows` due rows by the statements of the store alone, `batch` at a time, and returns how long
    /// it took. Nothing of the rows is looked at but their ids.
    ///
    /// # Errors
    /// If the server is away, or too few rows are due.
    pub async fn claim_and_settle(&self, rows: u64, batch: u32) -> Result<Duration> {
        let mut connection = self.pool.acquire().await.map_err(sorted)?;
        let begun = Instant::now();
        let mut left = rows;
        while left > 0 {
            let done = one_claim(&mut connection, batch).await.map_err(sorted)?;
            if done == 0 {
                return Err(StoreError::Unexpected("too few rows are due".to_owned()));
            }
            left = left.saturating_sub(done);
        }
        Ok(begun.elapsed())
    }

    /// Inserts `rows` new rows by multi-row statements alone, `batch` in a transaction, and returns how long it took.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn insert(&self, rows: &[NewNotification], batch: usize) -> Result<Duration> {
        let mut connection = self.pool.acquire().await.map_err(sorted)?;
        let begun = Instant::now();
        for chunk in rows.chunks(batch.max(1)) {
            let mut transaction = connection.begin().await.map_err(sorted)?;
            let chunk: Vec<_> = chunk.iter().collect();
            for part in self.sizes.parts(&chunk) {
                insert::insert_rows(&mut transaction, part, "")
                    .await
                    .map_err(sorted)?;
            }
            transaction.commit().await.map_err(sorted)?;
        }
        Ok(begun.elapsed())
    }

    /// How long one durable commit of one small row takes.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn durable_commit(&self) -> Result<Duration> {
        self.run("CREATE TABLE IF NOT EXISTS commits (id BIGINT AUTO_INCREMENT PRIMARY KEY, n INT) ENGINE = InnoDB")
            .await?;
        let mut connection = self.pool.acquire().await.map_err(sorted)?;
        let begun = Instant::now();
        sqlx::query("INSERT INTO commits (n) VALUES (1)")
            .execute(&mut *connection)
            .await
            .map_err(sorted)?;
        Ok(begun.elapsed())
    }

    /// Takes every row away.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn empty(&self) -> Result<()> {
        for table in [
            "incentive_notify_queue",
            "incentive_notify_claims",
            "incentive_notify_history",
            "incentive_notify_readers",
            "incentive_notify_cancellations",
            "user_preferences",
            "user_habits",
        ] {
            self.run(&format!("TRUNCATE TABLE {table}")).await?;
        }
        Ok(())
    }

    /// Keeps in which hours readers open, as if results had taught it; below zero: all of them.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn keep_habits(&self, known: &[(i64, Habit)]) -> Result<()> {
        let mut connection = self.pool.acquire().await.map_err(sorted)?;
        Ok(habits::write(&mut connection, known, "user_id = user_id").await?)
    }

    /// How many rows a rule has held back, as the histories tell.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn held_by(&self, rule: &str) -> Result<u64> {
        self.count(&format!(
            "SELECT COUNT(*) FROM incentive_notify_history \
             WHERE kind = '{}' AND JSON_UNQUOTE(JSON_EXTRACT(detail, '$.rule')) = '{rule}'",
            HistoryKind::Held.as_str()
        ))
        .await
    }

    /// Of how many readers it is known what places their notifications have taken.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn readers(&self) -> Result<u64> {
        self.count("SELECT COUNT(*) FROM incentive_notify_readers WHERE places <> '{}'")
            .await
    }

    /// How many digests there are, and how many parts they tell of.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn gathered(&self) -> Result<(u64, u64)> {
        let digests = "SELECT COUNT(*) FROM incentive_notify_queue WHERE event_id LIKE 'digest-%'";
        let parts = "SELECT COUNT(*) FROM incentive_notify_queue part JOIN incentive_notify_queue digest \
             ON digest.event_id = part.digest_event_id";
        Ok((self.count(digests).await?, self.count(parts).await?))
    }

    async fn count(&self, text: &str) -> Result<u64> {
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(text.to_owned()))
            .fetch_one(&self.pool)
            .await
            .map_err(sorted)?;
        Ok(u64::try_from(count).unwrap_or_default())
    }

    /// Statements that the server has been asked for so far, by everybody.
    ///
    /// # Errors
    /// If the server is away.
    pub async fn questions(&self) -> Result<u64> {
        let row = sqlx::query("SHOW GLOBAL STATUS LIKE 'Questions'")
            .fetch_one(&self.pool)
            .await
            .map_err(sorted)?;
        let text: String = row.try_get_unchecked(1).map_err(sorted)?;
        Ok(text.parse().unwrap_or_default())
    }
}

/// One range of the index after the other, as a claim of the store does it; then its end.
async fn one_claim(connection: &mut MySqlConnection, batch: u32) -> sqlx::Result<u64> {
    let mut transaction = connection.begin().await?;
    let mut found: Vec<i64> = Vec::new();
    for priority in Priority::urgent_first() {
        let room = batch - u32::try_from(found.len()).unwrap_or(batch);
        if room == 0 {
            break;
        }
        let rows = sqlx::query(AssertSqlSafe(due_rows_text()))
            .bind(priority.get())
            .bind(room)
            .fetch_all(&mut *transaction)
            .await?;
        for row in rows {
            found.push(row.try_get_unchecked("id")?);
        }
    }
    if found.is_empty() {
        transaction.rollback().await?;
        return Ok(0);
    }
    found.sort_unstable();
    let written = sqlx::query(
        "INSERT INTO incentive_notify_claims (notification_ids, claimed_at, lease_until) \
         VALUES (?, UTC_TIMESTAMP(3), UTC_TIMESTAMP(3) + INTERVAL ? MICROSECOND)",
    )
    .bind(ids::to_json(&found))
    .bind(micros(Duration::from_secs(30)))
    .execute(&mut *transaction)
    .await?;
    let claim = i64::try_from(written.last_insert_id()).unwrap_or(i64::MAX);
    let mut mark = sqlx::query(AssertSqlSafe(mark_claimed_text(found.len()))).bind(claim);
    for id in ids::bound(&found) {
        mark = mark.bind(id);
    }
    mark.execute(&mut *transaction).await?;
    transaction.commit().await?;

    let mut transaction = connection.begin().await?;
    sqlx::query("DELETE FROM incentive_notify_claims WHERE id = ?")
        .bind(claim)
        .execute(&mut *transaction)
        .await?;
    let mut settle = sqlx::query(AssertSqlSafe(change_text(SENT, found.len())));
    for id in ids::bound(&found) {
        settle = settle.bind(id);
    }
    settle.bind(claim).execute(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(found.len() as u64)
}
