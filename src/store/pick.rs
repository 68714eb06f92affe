//! What a claim picks from the rows that it finds, the same on every database.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

use super::columns::{self, Columns};
use super::{Claim, Claimed, ClaimedRow, HistoryKind, Readers, Result, Status};
use crate::schedule::{Leaving, SendCandidate, SendDecision, SendTimePolicy};

/// The rows of a claim in the making.
pub(super) struct Pick<'p> {
    limit: usize,
    rules: Option<&'p SendTimePolicy>,
    rows: Vec<ClaimedRow>,
    ids: HashSet<i64>,
    /// Rows for which rules are evaluated again, in the order in which they were found.
    candidates: Vec<Candidate>,
    withheld: Vec<Withheld>,
    expired: usize,
    now: Option<DateTime<Utc>>,
    /// Where the rows of the priority in hand begin.
    priority_from: usize,
}

/// What a rule asks of a row beyond what a claim says.
struct Candidate {
    /// Where the row is among those that were picked.
    index: usize,
    timezone: Option<String>,
    occurred_at: DateTime<Utc>,
}

/// A due row that a rule keeps from being sent.
#[derive(Debug)]
pub(super) struct Withheld {
    pub id: i64,
    /// Attempts that were made.
    pub attempts: u32,
    /// Where it stands from now on.
    pub status: Status,
    pub scheduled_at: DateTime<Utc>,
    pub kind: HistoryKind,
    pub detail: Map<String, Value>,
    rule: &'static str,
}

impl<'p> Pick<'p> {
    /// At most `limit` rows are claimed, and at most about as many expire along with them. `rules` are evaluated again for those
    /// whose evaluation no longer holds.
    pub(super) fn new(limit: u32, rules: Option<&'p SendTimePolicy>) -> Self {
        Self {
            limit: limit as usize,
            rules,
            rows: Vec::new(),
            ids: HashSet::new(),
            candidates: Vec::new(),
            withheld: Vec::new(),
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
            let now = match self.now {
                Some(now) => now,
                None => *self.now.insert(row.time("db_now")?),
            };
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
                self.note_candidate(row, now)?;
                self.rows.push(columns::claimed_row(row)?);
                self.ids.insert(id);
            }
        }
        self.expired += expired.len();
        Ok(expired)
    }

    /// The row that is picked next, if rules are evaluated again for it.
    fn note_candidate(&mut self, row: &impl Columns, now: DateTime<Utc>) -> Result<()> {
        let Some(rules) = self.rules else {
            return Ok(());
        };
        if !rules.is_current(row.time_or_null("rules_evaluated_at")?, now) {
            self.candidates.push(Candidate {
                index: self.rows.len(),
                timezone: row.text_or_null("timezone")?,
                occurred_at: row.time("occurred_at")?,
            });
        }
        Ok(())
    }

    /// The users of the rows for which rules are evaluated again, each once, in order.
    pub(super) fn users_to_look_up(&self) -> Vec<i64> {
        let users = self.candidates.iter();
        let mut users: Vec<i64> = users.map(|one| self.rows[one.index].user_id).collect();
        users.sort_unstable();
        users.dedup();
        users
    }

    /// Evaluates rules again, by what is known of the users now. Rows that must not be sent leave the claim before it is made,
    /// and are returned: they must be written.
    pub(super) fn withhold(&mut self, readers: &Readers) -> &[Withheld] {
        let (Some(rules), Some(now)) = (self.rules, self.now) else {
            return &self.withheld;
        };
        for candidate in std::mem::take(&mut self.candidates) {
            let row = &self.rows[candidate.index];
            let decision = rules.decide(&SendCandidate {
                leaving: Leaving {
                    incentive_type: row.incentive_type,
                    priority: row.priority,
                    at: now,
                    timezone: candidate.timezone.as_deref(),
                    preference: readers.preferences.get(&row.user_id),
                },
                scheduled_at: row.scheduled_at,
                occurred_at: candidate.occurred_at,
                created_at: row.created_at,
                expires_at: row.expires_at,
                erased_as_of: readers.forgotten.get(&row.user_id).copied(),
            });
            self.withheld.extend(Withheld::new(row, decision));
        }
        let withheld: HashSet<i64> = self.withheld.iter().map(|row| row.id).collect();
        self.rows.retain(|row| !withheld.contains(&row.id));
        &self.withheld
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
            withheld: self.withheld.iter().map(|row| row.rule).collect(),
            next_due: None,
        }
    }
}

impl Withheld {
    /// `None` where the row is sent.
    fn new(row: &ClaimedRow, decision: SendDecision) -> Option<Self> {
        let (status, scheduled_at, kind, rule, detail) = match decision {
            SendDecision::Send => return None,
            SendDecision::Defer { until, rule, detail } => {
                (Status::Pending, until, HistoryKind::Held, rule, detail)
            }
            SendDecision::Suppress { rule, detail } => {
                let kind = HistoryKind::Suppressed;
                (Status::Suppressed, row.scheduled_at, kind, rule, detail)
            }
        };
        Some(Self {
            id: row.id,
            // The row counts the attempt that is not made now.
            attempts: row.attempt.saturating_sub(1),
            status,
            scheduled_at,
            kind,
            detail,
            rule,
        })
    }
}
