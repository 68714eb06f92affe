//! What is decided of new rows while they are stored, by what their readers have got already.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::{Inserted, NewNotification, Result, StoreError};
use crate::schedule::Places;

/// Decides about rows that are being stored. Pure: a transaction that is done again asks again.
pub trait Admission: Send + Sync {
    /// Whether there is anything to decide about the row.
    fn concerns(&self, row: &NewNotification) -> bool;

    /// Decides about a row whose event has none yet, at the database's `now`, and changes the row and what is kept of its
    /// reader, who is nobody else's meanwhile.
    fn admit(&self, row: &mut NewNotification, reader: &mut ReaderPlaces, now: DateTime<Utc>) -> Fate;

    /// How long after its time a place still counts.
    fn memory(&self) -> TimeDelta;
}

/// What is kept of a reader.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReaderPlaces {
    /// The places that their notifications have taken.
    pub places: Places,
}

/// What was decided about a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It leaves when it was to leave.
    Admitted,
    /// It waits for a place.
    Waits,
    /// It is not sent.
    Suppressed,
}

/// What [`super::Store::insert_admitted`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// As without anything to decide.
    pub stored: Inserted,
    /// What was decided about the new rows that the admission concerns, in the order of the batch.
    pub fates: Vec<Fate>,
}

/// The readers of the rows that an admission concerns, each once, in order.
pub(super) fn readers_of<'a>(rows: impl Iterator<Item = &'a NewNotification>) -> Vec<i64> {
    let mut users: Vec<i64> = rows.map(|row| row.user_id).collect();
    users.sort_unstable();
    users.dedup();
    users
}

/// What the column holds.
pub(super) fn read(places: &str) -> Result<ReaderPlaces> {
    let places = Places::from_json(places)
        .map_err(|fault| StoreError::Unexpected(format!("column places: {fault}")))?;
    Ok(ReaderPlaces { places })
}

/// Those that have changed, in order, without what nobody asks for any more, each with the end of its keeping: the first
/// whole hour at which no place of it counts.
pub(super) fn changed(
    before: &BTreeMap<i64, ReaderPlaces>,
    after: BTreeMap<i64, ReaderPlaces>,
    memory: TimeDelta,
    now: DateTime<Utc>,
) -> Vec<(i64, ReaderPlaces, DateTime<Utc>)> {
    let changed = after
        .into_iter()
        .filter(|(user, reader)| before.get(user) != Some(reader));
    changed
        .map(|(user, mut reader)| {
            reader.places.forget_before(now - memory);
            let last = reader.places.last().unwrap_or(now) + memory;
            let until = last.duration_round_up(TimeDelta::hours(1)).unwrap_or(last);
            (user, reader, until)
        })
        .collect()
}
