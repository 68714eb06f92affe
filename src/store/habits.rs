//! In which hours readers open, as far as every database has it alike.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::columns::Columns;
use super::{Result, Standing, StoreError};
use crate::schedule::{Habit, Opening};

/// What is known of all readers is kept in so many rows, below the users' own.
const PARTS: i64 = 16;

/// What is known of some readers, and of all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Habits(pub(super) BTreeMap<i64, Habit>);

impl Habits {
    /// Lets all counts fade until `now`.
    pub fn fade(&mut self, now: DateTime<Utc>, half_life: Duration) {
        for habit in self.0.values_mut() {
            habit.fade(now, half_life);
        }
    }

    /// What is known of a reader.
    #[must_use]
    pub fn of(&self, user_id: i64) -> Option<&Habit> {
        self.0.get(&user_id).filter(|_| user_id > 0)
    }

    /// What is known of all readers, the counts as they stand.
    #[must_use]
    pub fn everybody(&self) -> Habit {
        let mut everybody = Habit::default();
        for (_, part) in self.0.range(..=0) {
            everybody.add(part);
        }
        everybody
    }
}

/// The rows of these users and those of all, ascending, none twice.
pub(super) fn wanted(users: &[i64]) -> Vec<i64> {
    let rows: BTreeSet<i64> = (-PARTS..0).chain(users.iter().copied()).collect();
    rows.into_iter().collect()
}

/// What a batch of results teaches: of each row of habits the openings to count. All of them count for one part of
/// everybody's.
pub(super) fn lessons(rows: &BTreeMap<i64, Standing>) -> BTreeMap<i64, Vec<&Opening>> {
    let mut lessons: BTreeMap<i64, Vec<&Opening>> = BTreeMap::new();
    let openings = rows
        .values()
        .filter_map(|row| row.opening.as_ref().map(|opening| (row.user_id, opening)));
    let mut part = None;
    for (user, opening) in openings {
        let part = *part.get_or_insert(-1 - user.rem_euclid(PARTS));
        for row in [part, user] {
            lessons.entry(row).or_default().push(opening);
        }
    }
    lessons
}

/// The habits with the lessons learned.
pub(super) fn taught(
    mut known: BTreeMap<i64, Habit>,
    lessons: &BTreeMap<i64, Vec<&Opening>>,
) -> Vec<(i64, Habit)> {
    lessons
        .iter()
        .map(|(row, openings)| {
            let mut habit = known.remove(row).unwrap_or_default();
            for opening in openings {
                habit.learn(opening);
            }
            // Nobody's in particular: what is known of all must outlast who is forgotten.
            if *row < 0 {
                habit.leave_zone();
            }
            (*row, habit)
        })
        .collect()
}

/// The columns that [`read`] reads.
pub(super) const COLUMNS: &str = "user_id, as_of, hours, timezone";

/// What a row holds.
pub(super) fn read(row: &impl Columns) -> Result<(i64, Habit)> {
    let habit = Habit::read(
        &row.text("hours")?,
        row.time("as_of")?,
        row.text_or_null("timezone")?,
    )
    .map_err(|fault| StoreError::Unexpected(format!("column hours: {fault}")))?;
    Ok((row.int("user_id")?, habit))
}
