//! The server's clock.

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::super::columns::Columns;
use super::super::{Clock, Result};
use super::MySqlStore;
use super::error::sorted;

#[async_trait]
impl Clock for MySqlStore {
    async fn now(&self) -> Result<DateTime<Utc>> {
        let ask = async {
            let row = sqlx::query("SELECT UTC_TIMESTAMP(3) AS db_now")
                .fetch_one(&self.pool)
                .await
                .map_err(sorted)?;
            row.time("db_now")
        };
        self.clock.now(ask).await
    }
}
