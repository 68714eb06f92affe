//! Claims that somebody else than their publisher has ended: recovery, or an operator.
//!
//! A publisher that was frozen past its lease comes back to a claim that is gone. Either somebody has ended it, or the database
//! has lost a commit. The record tells which: it stands in the same transaction as the end, and erasure does not touch it.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::{Ended, Result};

/// A claim that its publisher has not ended itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndedClaim {
    /// The claim.
    pub id: i64,
    /// How: `settled`, `released` or `partial`.
    pub outcome: String,
    /// When, by the database's clock.
    pub ended_at: DateTime<Utc>,
}

/// All of it had been published.
pub const SETTLED: &str = "settled";
/// Nothing of it had.
pub const RELEASED: &str = "released";
/// Some of it had.
pub const PARTIAL: &str = "partial";

/// The part of [`super::Store`] that remembers ended claims.
#[async_trait]
pub trait EndedClaims: Send + Sync {
    /// The record of a claim; `None` where nobody but its publisher has ended it, or it was so long ago that the record is gone.
    async fn ended_claim(&self, claim: i64) -> Result<Option<EndedClaim>>;

    /// Recovery has found that a claim was published in part: `sent` become `sent`, `released` become `pending` again with the
    /// attempt not counted, or `cancelled` if a cancel came meanwhile. Together they are the claim's rows, and the history of
    /// each says so.
    async fn recover_partly(&self, claim: i64, sent: &[i64], released: &[i64]) -> Result<Ended>;

    /// Removes records of claims that ended longer ago than they are `kept`, at most `limit`, and returns how many those were.
    async fn remove_ended_claims(&self, kept: Duration, limit: u32) -> Result<u64>;
}

pub(super) fn ended_claim(row: &impl Columns) -> Result<EndedClaim> {
    Ok(EndedClaim {
        id: row.int("claim_id")?,
        outcome: row.text("outcome")?,
        ended_at: row.time("ended_at")?,
    })
}

/// The statement for [`EndedClaims::ended_claim`].
pub(super) const FIND: &str =
    "SELECT claim_id, outcome, ended_at FROM incentive_notify_ended_claims WHERE claim_id = ?";
