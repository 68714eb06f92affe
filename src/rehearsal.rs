//! What a broadcast would do if it were started now: whom it would reach, and what it would tell them.

use std::time::Instant;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::broadcast::{Draft, is_meant};
use crate::bus::Record;
use crate::contract::{Preference, time};
use crate::ingest::{Asked, Forecast};
use crate::schedule::{DIGEST, QUIET_HOURS};
use crate::store::{self, Beginning, HistoryKind, Status, Store};

/// Readers that are read together.
const AT_ONCE: u32 = 1000;
/// How many readers are shown.
const SHOWN: usize = 5;

/// Whom a broadcast would reach, and what it would tell the first of them.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Rehearsal {
    /// Readers who belong to the segment, or who are known where none is named.
    pub users: u64,
    /// Readers who were looked at.
    pub looked_at: u64,
    /// Whether all were looked at: otherwise there may be more.
    pub is_complete: bool,
    /// The first readers, and what each would be told if its event came now.
    pub previews: Vec<Preview>,
}

/// What a reader would be told.
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// Who.
    pub user_id: i64,
    /// The language of the texts.
    pub language: String,
    /// The wording of the texts; null where their message has one only.
    pub variant: Option<String>,
    /// The title.
    pub message_title: String,
    /// The text.
    pub message_body: String,
    /// `pending`, or `suppressed` where the reader has opted out, or wants no notification at all.
    pub status: Status,
    /// When it would leave, if nothing went to the reader before.
    #[serde(serialize_with = "time::serialize")]
    pub due_at: DateTime<Utc>,
    /// Which quiet hours would hold it back, the last where there are several; null where none would.
    pub held: Option<Map<String, Value>>,
    /// For how long (`window`) and until when (`held_until`) others of its type would be gathered with it; null where none
    /// would. With what is gathered of the reader's already it leaves when that does.
    pub gathered: Option<Map<String, Value>>,
    /// Which rule would suppress it; null where none would.
    pub suppressed: Option<Map<String, Value>>,
}

impl Rehearsal {
    /// Counts until all readers were looked at, or until the time is over. `tell` is told how many readers were looked at.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(
        store: &dyn Store,
        forecast: &Forecast,
        draft: &Draft,
        segment: Option<&str>,
        until: Option<Instant>,
        tell: impl Fn(u64) + Send + Sync,
    ) -> store::Result<Self> {
        let mut rehearsal = Self::default();
        let now = store.now().await?;
        let mut after = 0;
        loop {
            let readers = store.page_of_readers(after, AT_ONCE).await?;
            let Some(last) = readers.last() else {
                rehearsal.is_complete = true;
                return Ok(rehearsal);
            };
            after = last.user_id;
            let meant = readers
                .iter()
                .filter(|reader| is_meant(reader, segment))
                .filter_map(|reader| reader.preference.as_ref());
            for preference in meant {
                rehearsal.users += 1;
                if rehearsal.previews.len() < SHOWN {
                    rehearsal
                        .previews
                        .extend(preview(forecast, draft, preference, now));
                }
            }
            rehearsal.looked_at += readers.len() as u64;
            tell(rehearsal.looked_at);
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(rehearsal);
            }
        }
    }

    /// How many readers there are, where that is known.
    #[must_use]
    pub fn expected(&self) -> Option<u64> {
        self.is_complete.then_some(self.users)
    }
}

/// As the reader would get it now; `None` where its event would be refused, which no draft's is.
fn preview(
    forecast: &Forecast,
    draft: &Draft,
    preference: &Preference,
    now: DateTime<Utc>,
) -> Option<Preview> {
    let record = Record {
        topic: String::new(),
        partition: 0,
        offset: 0,
        key: None,
        payload: Some(draft.event(i64::MAX, preference.user_id).into_bytes()),
        headers: Vec::new(),
        timestamp: Some(now),
    };
    let Asked::Notify(announced) = forecast.planner.read(&record, now).ok()? else {
        return None;
    };
    let row = forecast.of(announced, Some(preference), now).row;
    let decided = |does_fit: &dyn Fn(&Beginning) -> bool| {
        let last = row.beginning.iter().rev().find(|entry| does_fit(entry));
        last.map(|entry| entry.detail.clone())
    };
    let held = decided(&|entry| entry.is_by(QUIET_HOURS));
    let gathered = decided(&|entry| entry.is_by(DIGEST));
    let suppressed = decided(&|entry| entry.kind == HistoryKind::Suppressed);
    Some(Preview {
        user_id: row.user_id,
        language: row.language,
        variant: row.variant,
        message_title: row.message_title,
        message_body: row.message_body,
        status: row.status,
        due_at: row.scheduled_at.map_or(now, |at| at.max(now)),
        held,
        gathered,
        suppressed,
    })
}
