//! Records of ended claims.

use std::time::Duration;

use async_trait::async_trait;
use sqlx::MySqlConnection;

use super::super::ended_claims::{FIND, ended_claim};
use super::super::{Ended, EndedClaim, EndedClaims, Result, micros};
use super::error::sorted;
use super::{MySqlStore, end};

/// Writes the record, in the transaction that ends the claim. After a restore the number of a claim may be given once more.
pub(super) async fn write(connection: &mut MySqlConnection, claim: i64, outcome: &str) -> sqlx::Result<()> {
    sqlx::query(
        "INSERT INTO incentive_notify_ended_claims (claim_id, outcome, ended_at) VALUES (?, ?, UTC_TIMESTAMP(3)) \
         ON DUPLICATE KEY UPDATE outcome = VALUES(outcome), ended_at = VALUES(ended_at)",
    )
    .bind(claim)
    .bind(outcome)
    .execute(connection)
    .await
    .map(drop)
}

#[async_trait]
impl EndedClaims for MySqlStore {
    async fn ended_claim(&self, claim: i64) -> Result<Option<EndedClaim>> {
        let row = sqlx::query(FIND)
            .bind(claim)
            .fetch_optional(&self.pool)
            .await
            .map_err(sorted)?;
        row.as_ref().map(ended_claim).transpose()
    }

    async fn recover_partly(&self, claim: i64, sent: &[i64], released: &[i64]) -> Result<Ended> {
        self.retried(|| Box::pin(end::recover_partly(&self.pool, claim, sent, released)))
            .await
    }

    async fn remove_ended_claims(&self, kept: Duration, limit: u32) -> Result<u64> {
        let removed = sqlx::query(
            "DELETE FROM incentive_notify_ended_claims \
             WHERE ended_at < UTC_TIMESTAMP(3) - INTERVAL ? MICROSECOND ORDER BY ended_at LIMIT ?",
        )
        .bind(micros(kept))
        .bind(limit)
        .execute(&self.pool)
        .await
        .map_err(sorted)?;
        Ok(removed.rows_affected())
    }
}
