//! The clock of the machine that SQLite runs on.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::AssertSqlSafe;

use super::super::columns::Columns;
use super::super::{Clock, Result};
use super::{NOW, SqliteStore, sorted};

#[async_trait]
impl Clock for SqliteStore {
    async fn now(&self) -> Result<DateTime<Utc>> {
        let ask = async {
            let row = sqlx::query(AssertSqlSafe(format!("SELECT {NOW} AS db_now")))
                .fetch_one(&self.pool)
                .await
                .map_err(sorted)?;
            row.time("db_now")
        };
        self.clock.now(ask).await
    }
}
