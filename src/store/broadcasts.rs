//! Events that are made once for each reader of a segment, as far as every database has them alike.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::columns::{Columns, count};
use super::{Result, StoreError};
use crate::contract::{Preference, time};

/// The most broadcasts that run at a time and are looked at; others wait for one of them to end.
pub(super) const MOST_RUNNING: u32 = 100;

/// How a broadcast stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub enum BroadcastState {
    /// Its events are being made.
    Running,
    /// A person holds it up.
    Paused,
    /// A person has ended it.
    Stopped,
    /// Every reader was looked at.
    Done,
}

impl BroadcastState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Running, Self::Paused, Self::Stopped, Self::Done];

    /// The value in the table.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Stopped => "stopped",
            Self::Done => "done",
        }
    }

    /// The state of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl fmt::Display for BroadcastState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for BroadcastState {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// What a person can do with a broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BroadcastOrder {
    /// Hold it up.
    Pause,
    /// Let it go on.
    Resume,
    /// End it for good; the events that were made stay.
    Stop,
}

impl BroadcastOrder {
    /// The states in which it can be given.
    #[must_use]
    pub const fn applies_to(self) -> &'static [BroadcastState] {
        match self {
            Self::Pause => &[BroadcastState::Running],
            Self::Resume => &[BroadcastState::Paused],
            Self::Stop => &[BroadcastState::Running, BroadcastState::Paused],
        }
    }

    /// The state that follows.
    #[must_use]
    pub const fn leads_to(self) -> BroadcastState {
        match self {
            Self::Pause => BroadcastState::Paused,
            Self::Resume => BroadcastState::Running,
            Self::Stop => BroadcastState::Stopped,
        }
    }

    /// Why it is not given to a broadcast in this state.
    #[must_use]
    pub fn refusal(self, broadcast: &Broadcast) -> String {
        let states: Vec<_> = self.applies_to().iter().map(|state| state.as_str()).collect();
        format!(
            "broadcast {} is {}; only what is {} can become {}",
            broadcast.id,
            broadcast.state,
            states.join(" or "),
            self.leads_to()
        )
    }
}

/// A broadcast to be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBroadcast {
    /// Of whoever starts it, 1 to 128 characters: a second one of the same name is not started.
    pub name: Option<String>,
    /// A JSON object, as text: the event without `event_id` and `user_id`.
    pub event: String,
    /// Whose readers get it; `None`: every reader who is known.
    pub segment: Option<String>,
    /// The most events a second, from 1.
    pub rate: u32,
    /// Who starts it, at most 255 characters.
    pub by: String,
    /// How many readers were counted; `None` where nobody counted to the end.
    pub expected: Option<u64>,
}

/// A broadcast, and how far it has come.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Broadcast {
    /// Its id.
    #[schema(minimum = 1)]
    pub id: i64,
    /// The name that was given to it.
    pub name: Option<String>,
    /// How it stands.
    pub state: BroadcastState,
    /// Whose readers get it; null: every reader who is known.
    pub segment: Option<String>,
    /// The most events a second.
    pub rate: u32,
    /// The event, without `event_id` and `user_id`.
    #[schema(value_type = Object)]
    pub event: Box<RawValue>,
    /// Who has started it.
    pub started_by: String,
    /// Readers who were counted before the start; null where the count was not finished.
    pub expected: Option<u64>,
    /// Readers who were looked at, those outside the segment too.
    pub looked_at: u64,
    /// Events that were made.
    pub produced: u64,
    /// The events of users up to this one are in the topic.
    pub after_user: i64,
    /// When it was started.
    #[serde(serialize_with = "time::serialize")]
    pub created_at: DateTime<Utc>,
    /// When it was moved on last, by hand or by its work.
    #[serde(serialize_with = "time::serialize")]
    pub updated_at: DateTime<Utc>,
    /// When it was done or stopped.
    #[serde(serialize_with = "time::serialize_option")]
    pub ended_at: Option<DateTime<Utc>>,
}

impl Broadcast {
    /// Whether it was started with the same event, segment and rate.
    #[must_use]
    pub fn is_of(&self, order: &NewBroadcast) -> bool {
        self.event.get() == order.event && self.segment == order.segment && self.rate == order.rate
    }
}

/// What [`Broadcasts::start_broadcast`] found.
#[derive(Clone, Debug)]
pub struct Started {
    /// The new broadcast, or that of the same name.
    pub broadcast: Broadcast,
    /// Whether it is new.
    pub is_new: bool,
}

/// What [`Broadcasts::take_broadcasts`] found.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    /// Those that are the holder's to do, in the order of their ids.
    pub ours: Vec<Broadcast>,
    /// How many are running, whoever does them; at most 100.
    pub running: usize,
    /// Whether any is paused, and so may be let go on.
    pub paused: bool,
    /// How long the one that has stood still for longest has done so.
    pub still_for: Duration,
}

/// How far a step of a broadcast has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advance {
    /// The user after whom it began.
    pub from: i64,
    /// The user up to whom events are in the topic.
    pub to: i64,
    /// Readers who were looked at.
    pub looked_at: u64,
    /// Events that were made.
    pub produced: u64,
    /// Whether no reader is left.
    pub is_last: bool,
}

/// A reader who is known, or was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reader {
    /// Who.
    pub user_id: i64,
    /// What they want; `None`: they were forgotten.
    pub preference: Option<Preference>,
}

/// What is asked of the database for broadcasts. The same rules hold as for [`super::Store`].
#[async_trait]
pub trait Broadcasts: Send + Sync {
    /// Starts a broadcast, unless there is one of the same name.
    ///
    /// # Errors
    /// [`StoreError::Data`] where the database refuses a value.
    async fn start_broadcast(&self, new: &NewBroadcast) -> Result<Started>;

    /// One broadcast.
    async fn broadcast(&self, id: i64) -> Result<Option<Broadcast>>;

    /// Broadcasts with ids below `before`, where it is given; the newest first, at most `limit`.
    async fn broadcasts(&self, before: Option<i64>, limit: u32) -> Result<Vec<Broadcast>>;

    /// Gives an order; whether the broadcast was in a state for it.
    async fn order_broadcast(&self, id: i64, order: BroadcastOrder) -> Result<bool>;

    /// Makes `holder` the one who does the running broadcasts, for as long as the `lease`: those that nobody else does.
    async fn take_broadcasts(&self, holder: &str, lease: Duration) -> Result<Taken>;

    /// Lets others do a broadcast.
    async fn leave_broadcast(&self, id: i64, holder: &str) -> Result<()>;

    /// Notes how far a broadcast has come, whatever it has been ordered meanwhile; `false` where another does it, or has
    /// come farther.
    async fn advance_broadcast(&self, id: i64, holder: &str, step: &Advance) -> Result<bool>;

    /// Readers with ids above `after`, in the order of their ids, at most `limit`; those who were forgotten too.
    async fn page_of_readers(&self, after: i64, limit: u32) -> Result<Vec<Reader>>;
}

/// The columns that [`row`] reads.
pub(super) const COLUMNS: &str = "id, name, event, segment, rate, state, started_by, expected, after_user, looked_at, \
     produced, created_at, updated_at, ended_at";

/// `SELECT` of whole broadcasts.
pub(super) fn select(which: &str) -> String {
    format!("SELECT {COLUMNS} FROM incentive_notify_broadcasts {which}")
}

/// A row of [`select`].
pub(super) fn row(row: &impl Columns) -> Result<Broadcast> {
    let foreign = |column: &str, fault: String| StoreError::Unexpected(format!("column {column}: {fault}"));
    let state = row.text("state")?;
    let expected = row.int_or_null("expected")?;
    Ok(Broadcast {
        id: row.int("id")?,
        name: row.text_or_null("name")?,
        state: BroadcastState::from_name(&state)
            .ok_or_else(|| foreign("state", format!("`{state}` is no state of a broadcast")))?,
        segment: row.text_or_null("segment")?,
        rate: u32::try_from(row.int("rate")?).map_err(|fault| foreign("rate", fault.to_string()))?,
        event: RawValue::from_string(row.text("event")?)
            .map_err(|fault| foreign("event", fault.to_string()))?,
        started_by: row.text("started_by")?,
        expected: expected
            .map(u64::try_from)
            .transpose()
            .map_err(|fault| foreign("expected", fault.to_string()))?,
        looked_at: count(row, "looked_at")?,
        produced: count(row, "produced")?,
        after_user: row.int("after_user")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        ended_at: row.time_or_null("ended_at")?,
    })
}

/// What rows of `id` and `still_for` tell: those that are running, in order, and one without a `still_for` that is paused.
pub(super) fn open(rows: &[impl Columns], time: fn(u64) -> Duration) -> Result<(Taken, Vec<i64>)> {
    let (mut taken, mut running) = (Taken::default(), Vec::with_capacity(rows.len()));
    for row in rows {
        match row.int_or_null("still_for")? {
            Some(still_for) => {
                let still_for = time(u64::try_from(still_for).unwrap_or(0));
                taken.still_for = taken.still_for.max(still_for);
                running.push(row.int("id")?);
            }
            None => taken.paused = true,
        }
    }
    taken.running = running.len();
    Ok((taken, running))
}

/// A row of the readers.
pub(super) fn reader(row: &impl Columns) -> Result<Reader> {
    let said = row.text_or_null("preference")?;
    Ok(Reader {
        user_id: row.int("user_id")?,
        preference: said.map(|text| super::preferences::read(&text)).transpose()?,
    })
}

/// The states in which an order can be given, as a list in SQL.
pub(super) fn states(order: BroadcastOrder) -> String {
    let names: Vec<_> = order
        .applies_to()
        .iter()
        .map(|state| format!("'{state}'"))
        .collect();
    names.join(", ")
}

/// A count as a column keeps it.
pub(super) fn stored_count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
