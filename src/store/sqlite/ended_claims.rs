//! Records of ended claims.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::super::ended_claims::{FIND, ended_claim};
use super::super::{Ended, EndedClaim, EndedClaims, Result};
use super::retention::ago;
use super::{NOW, SqliteStore, end, sorted};

/// Writes the record, in the transaction that ends the claim. After a restore the number of a claim may be given once more.
pub(super) async fn write(connection: &mut SqliteConnection, claim: i64, outcome: &str) -> Result<()> {
    let text = format!(
        "INSERT INTO incentive_notify_ended_claims (claim_id, outcome, ended_at) VALUES (?, ?, {NOW}) \
         ON CONFLICT (claim_id) DO UPDATE SET outcome = excluded.outcome, ended_at = excluded.ended_at"
    );
    sqlx::query(AssertSqlSafe(text))
        .bind(claim)
        .bind(outcome)
        .execute(connection)
        .await
        .map(drop)
        .map_err(sorted)
}

#[async_trait]
impl EndedClaims for SqliteStore {
    async fn ended_claim(&self, claim: i64) -> Result<Option<EndedClaim>> {
        let row = sqlx::query(FIND)
            .bind(claim)
            .fetch_optional(&self.pool)
            .await
            .map_err(sorted)?;
        row.as_ref().map(ended_claim).transpose()
    }

    async fn recover_partly(&self, claim: i64, sent: &[i64], released: &[i64]) -> Result<Ended> {
        end::recover_partly(&self.pool, claim, sent, released).await
    }

    async fn remove_ended_claims(&self, kept: Duration, limit: u32) -> Result<u64> {
        let removed = sqlx::query(
            "DELETE FROM incentive_notify_ended_claims WHERE claim_id IN (SELECT claim_id FROM incentive_notify_ended_claims \
             WHERE ended_at < strftime('%Y-%m-%d %H:%M:%f', 'now', ?) ORDER BY ended_at LIMIT ?)",
        )
        .bind(ago(kept))
        .bind(limit)
        .execute(&self.pool)
        .await
        .map_err(sorted)?;
        Ok(removed.rows_affected())
    }
}
