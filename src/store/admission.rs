//! What is decided of new rows while they are stored, by what their readers have got already.

use std::collections::BTreeMap;

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

use super::gathered::{Gathered, Mark, Marks};
use super::{Inserted, NewNotification, Result, Status, StoreError};
use crate::contract::IncentiveType;
use crate::schedule::Places;

/// Tells a digest anew.
pub trait Retelling: Send + Sync {
    /// The digest without the part of that event; `None`: nothing is left to tell.
    fn without(&self, digest: NewNotification, event_id: &str) -> Option<NewNotification>;
}

/// Decides about rows that are being stored. Pure: a transaction that is done again asks again.
pub trait Admission: Retelling {
    /// Whether there is anything to decide about the row.
    fn concerns(&self, row: &NewNotification) -> bool;

    /// Whether the row may be gathered with others.
    fn gathers(&self, row: &NewNotification) -> bool;

    /// Decides about a row whose event has none yet, at the database's `now`, and changes the row and what is kept of its
    /// reader, who is nobody else's meanwhile.
    fn admit(&self, row: &mut NewNotification, reader: &mut KnownReader, now: DateTime<Utc>) -> Fate;

    /// How long after its time a place still counts.
    fn memory(&self) -> TimeDelta;
}

/// What is kept of a reader.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnownReader {
    /// The places that their notifications have taken.
    pub places: Places,
    /// What is gathered of theirs; of each type the last may take more.
    pub gathered: Vec<Gathered>,
    /// What is gathered beside it, of types that nobody asks for.
    marks: Marks,
}

impl KnownReader {
    /// What is gathered of a type and may take more.
    pub fn gathering(&mut self, kind: IncentiveType) -> Option<&mut Gathered> {
        let mut of_type = self.gathered.iter_mut().rev();
        of_type.find(|gathered| gathered.leaves.incentive_type == kind)
    }

    /// Takes in the row that a mark of it names, where it waits and is not due yet.
    pub(super) fn take(&mut self, id: i64, row: NewNotification, now: DateTime<Utc>) {
        if row.status != Status::Pending || row.scheduled_at.is_none_or(|due| due <= now) {
            return;
        }
        if let Some(mark) = self.marks.remove(&row.incentive_type) {
            self.gathered.push(Gathered::stored(id, row, mark.digest));
        }
    }

    /// What a row for it holds.
    fn marks(&self, now: DateTime<Utc>) -> Marks {
        let mut marks = self.marks.clone();
        for gathered in &self.gathered {
            marks.extend(gathered.mark());
        }
        marks.retain(|_, mark| mark.until > now.timestamp_millis());
        marks
    }
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
    /// It is a part of a digest.
    Digested,
}

/// What [`super::Store::insert_admitted`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// As without anything to decide; digests, which have no events of their own, do not count.
    pub stored: Inserted,
    /// What was decided about the new rows that the admission concerns, in the order of the batch.
    pub fates: Vec<Fate>,
    /// New digests.
    pub digests: u64,
}

/// The readers of the rows that an admission concerns, each once, in order.
pub(super) fn readers_of<'a>(rows: impl Iterator<Item = &'a NewNotification>) -> Vec<i64> {
    let mut users: Vec<i64> = rows.map(|row| row.user_id).collect();
    users.sort_unstable();
    users.dedup();
    users
}

/// What the columns hold.
pub(super) fn read(places: &str, gathering: Option<&str>) -> Result<KnownReader> {
    let foreign =
        |column: &str, fault: serde_json::Error| StoreError::Unexpected(format!("column {column}: {fault}"));
    let marks = gathering.map(serde_json::from_str).transpose();
    Ok(KnownReader {
        places: Places::from_json(places).map_err(|fault| foreign("places", fault))?,
        gathered: Vec::new(),
        marks: marks
            .map_err(|fault| foreign("gathering", fault))?
            .unwrap_or_default(),
    })
}

/// The events of what is gathered already and could take some of these rows.
pub(super) fn asked_for<'r>(
    readers: &'r BTreeMap<i64, KnownReader>,
    rows: impl Iterator<Item = &'r NewNotification>,
) -> Vec<&'r str> {
    let mark = |row: &NewNotification| -> Option<&'r Mark> {
        readers.get(&row.user_id)?.marks.get(&row.incentive_type)
    };
    let mut events: Vec<&str> = rows.filter_map(mark).map(|mark| mark.event_id.as_str()).collect();
    events.sort_unstable();
    events.dedup();
    events
}

/// What a row of a reader is to hold.
pub(super) struct Kept {
    pub user_id: i64,
    pub places: String,
    pub gathering: Option<String>,
    /// The first whole hour at which nobody asks for any of it.
    pub until: DateTime<Utc>,
}

/// Those that have changed, in order, without what nobody asks for any more.
pub(super) fn changed(
    before: &BTreeMap<i64, KnownReader>,
    after: &BTreeMap<i64, KnownReader>,
    memory: TimeDelta,
    now: DateTime<Utc>,
) -> Vec<Kept> {
    let changed = after
        .iter()
        .filter(|(user, reader)| before.get(user) != Some(reader));
    changed
        .map(|(user_id, reader)| {
            let mut places = reader.places.clone();
            places.forget_before(now - memory);
            let marks = reader.marks(now);
            let gathered_until = marks.values().map(|mark| mark.until).max();
            let gathered_until = gathered_until.and_then(DateTime::from_timestamp_millis);
            let last = places.last().unwrap_or(now) + memory;
            let last = last.max(gathered_until.unwrap_or(last));
            Kept {
                user_id: *user_id,
                places: roomy(&places.to_json()),
                gathering: (!marks.is_empty()).then(|| roomy(&serde_json::json!(marks).to_string())),
                until: last.duration_round_up(TimeDelta::hours(1)).unwrap_or(last),
            }
        })
        .collect()
}

/// With blanks at its end, so that what is written next is mostly as long: a row that keeps its length is changed in its place.
fn roomy(json: &str) -> String {
    let length = json.len().next_multiple_of(ROOM);
    format!("{json:<length$}")
}

/// About four more places.
const ROOM: usize = 64;
