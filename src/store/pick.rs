//! What a claim picks from the rows that it finds, the same on every database.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::columns::{self, Columns};
use super::{Claim, Claimed, ClaimedRow, Result};

/// The rows of a claim in the making.
pub(super) struct Pick {
    limit: usize,
    rows: Vec<ClaimedRow>,
    ids: HashSet<i64>,
    expired: usize,
    now: Option<DateTime<Utc>>,
    /// Where the rows of the priority in hand begin.
    priority_from: usize,
}

impl Pick {
    /// At most `limit` rows are claimed, and at most about as many expire along with them.
    pub(super) fn new(limit: u32) -> Self {
        Self {
            limit: limit as usize,
            rows: Vec::new(),
            ids: HashSet::new(),
            expired: 0,
            now: None,
            priority_from: 0,
        }
    }

    /// The next priority is in hand.
    pub(super) fn next_priority(&mut self) {
        self.priority_from = self.rows.len();
    }

    /// How many rows of the priority in hand to look at, among them those that were picked already and are found again;
    /// `None`: the claim is full.
    pub(super) fn look_at(&self) -> Option<u32> {
        let full = self.rows.len() >= self.limit || self.expired >= self.limit;
        let look_at = self.limit - self.priority_from;
        (!full).then(|| u32::try_from(look_at).unwrap_or(u32::MAX))
    }

    /// Picks from what was found, and returns the ids of the rows that have expired: they must be marked, and if there
    /// are any, the rows behind them be looked at.
    pub(super) fn take(&mut self, found: &[impl Columns]) -> Result<Vec<i64>> {
        let mut expired = Vec::new();
        for row in found {
            let now = *self.now.get_or_insert(row.time("db_now")?);
            let id = row.int("id")?;
            if self.ids.contains(&id) {
                continue;
            }
            if row
                .time_or_null("expires_at")?
                .is_some_and(|expires_at| expires_at <= now)
            {
                expired.push(id);
            } else if self.rows.len() < self.limit {
                self.rows.push(columns::claimed_row(row)?);
                self.ids.insert(id);
            }
        }
        self.expired += expired.len();
        Ok(expired)
    }

    /// Whether anything was found that must be written.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.expired == 0
    }

    /// The rows to be claimed, in id order, and when; `None` if there are none.
    pub(super) fn to_claim(&self) -> Option<(Vec<i64>, DateTime<Utc>)> {
        let mut ids: Vec<i64> = self.rows.iter().map(|row| row.id).collect();
        ids.sort_unstable();
        self.now.filter(|_| !ids.is_empty()).map(|now| (ids, now))
    }

    /// What was found, under the number that the claim row got, if there was anything to claim.
    pub(super) fn claimed_as(self, id: Option<i64>) -> Claimed {
        let claim = id.zip(self.now).map(|(id, claimed_at)| Claim {
            id,
            claimed_at,
            rows: self.rows,
        });
        Claimed {
            claim,
            expired: self.expired.try_into().unwrap_or(u64::MAX),
            next_due: None,
        }
    }
}
