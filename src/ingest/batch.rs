//! What the records of a batch ask for, and the rows that they become: decided without I/O.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::plan::{Announced, Asked, Plan, Planner};
use crate::bus::Record;
use crate::contract::{Cancellation, Rejection};
use crate::measures;
use crate::schedule::QUIET_HOURS;
use crate::store::{NewNotification, Preferences, Status};

/// Something of a batch, with the number of its record there.
pub(super) type Numbered<T> = (usize, T);

/// The records, by what they ask for.
pub(super) struct Asking {
    /// Notifications.
    pub(super) events: Vec<Numbered<Announced>>,
    /// That notifications do not leave.
    pub(super) cancels: Vec<Numbered<Cancellation>>,
    /// Nothing that could be read.
    pub(super) rejected: Vec<Numbered<Rejection>>,
}

impl Asking {
    pub(super) fn of(records: &[Record], planner: &Planner, now: DateTime<Utc>) -> Self {
        let mut asking = Self {
            events: Vec::with_capacity(records.len()),
            cancels: Vec::new(),
            rejected: Vec::new(),
        };
        for (index, record) in records.iter().enumerate() {
            match planner.read(record, now) {
                Ok(Asked::Notify(event)) => asking.events.push((index, event)),
                Ok(Asked::Cancel(cancel)) => asking.cancels.push((index, cancel)),
                Err(rejection) => asking.rejected.push((index, rejection)),
            }
        }
        asking
    }

    /// Whom it concerns, each once, in order.
    pub(super) fn users(&self) -> Vec<i64> {
        let of_events = self.events.iter().map(|(_, announced)| announced.event.user_id);
        in_order(of_events.chain(self.cancels.iter().map(|(_, cancel)| cancel.user_id)))
    }

    /// Whose openings are asked for, each once, in order.
    pub(super) fn users_with_windows(&self) -> Vec<i64> {
        let with_windows = self.events.iter().filter(|(_, event)| event.has_window());
        in_order(with_windows.map(|(_, event)| event.event.user_id))
    }

    /// Leaves out what is from before its user was forgotten, and returns how much that was.
    pub(super) fn keep_out(&mut self, forgotten: &BTreeMap<i64, DateTime<Utc>>) -> u64 {
        let before = self.events.len() + self.cancels.len();
        self.events.retain(|(_, announced)| {
            let as_of = forgotten.get(&announced.event.user_id);
            as_of.is_none_or(|as_of| !announced.is_not_after(*as_of))
        });
        self.cancels.retain(|(_, cancel)| {
            let as_of = forgotten.get(&cancel.user_id);
            as_of.is_none_or(|as_of| cancel.occurred_at.is_some_and(|at| at > *as_of))
        });
        (before - self.events.len() - self.cancels.len()) as u64
    }
}

fn in_order(users: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut users: Vec<i64> = users.collect();
    users.sort_unstable();
    users.dedup();
    users
}

/// The rows of a batch, and what was decided about them.
#[derive(Default)]
pub(super) struct Planned {
    pub(super) rows: Vec<NewNotification>,
    /// The number of each row's record.
    pub(super) record_of_row: Vec<usize>,
    fallbacks: u64,
    held: u64,
    suppressed: u64,
    chosen: BTreeMap<&'static str, u64>,
}

impl Planned {
    pub(super) fn of(
        events: Vec<Numbered<Announced>>,
        preferences: &Preferences,
        planner: &Planner,
        now: DateTime<Utc>,
    ) -> Self {
        let mut batch = Self {
            rows: Vec::with_capacity(events.len()),
            record_of_row: Vec::with_capacity(events.len()),
            ..Self::default()
        };
        for (record, announced) in events {
            let preference = preferences.get(&announced.event.user_id);
            batch.take(record, planner.plan_for(announced, preference, now));
        }
        batch
    }

    fn take(&mut self, record: usize, plan: Plan) {
        let Plan {
            row,
            fell_back,
            best_time,
        } = plan;
        self.fallbacks += u64::from(fell_back);
        self.held += u64::from(row.beginning.iter().any(|entry| entry.is_by(QUIET_HOURS)));
        self.suppressed += u64::from(row.status == Status::Suppressed);
        if let Some(basis) = best_time {
            *self.chosen.entry(basis.as_str()).or_default() += 1;
        }
        self.rows.push(row);
        self.record_of_row.push(record);
    }

    /// Counts what was decided, once the rows are stored.
    pub(super) fn tell(&self) {
        metrics::counter!(measures::LANGUAGE_FALLBACKS.name).increment(self.fallbacks);
        metrics::counter!(measures::HELD.name).increment(self.held);
        metrics::counter!(measures::SUPPRESSED.name).increment(self.suppressed);
        for (basis, events) in &self.chosen {
            metrics::counter!(measures::BEST_TIME.name, "basis" => *basis).increment(*events);
        }
    }
}
