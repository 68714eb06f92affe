//! One notification and what happened to it, as `inq show`, the API and the page tell it: in the same words, with times in UTC
//! and by the clock on the reader's wall. It is worked out when somebody asks; nothing of it is stored.
//!
//! - `clock` says times
//! - `words` tells an entry of the history, `timeline` all that happened, `standing` how it stands now

mod clock;
mod standing;
mod timeline;
mod words;

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::contract::{Digest, DigestPart};
use crate::schedule::DIGEST;
use crate::store::{HistoryEntry, HistoryKind, NOBODY, Notification, Result, Status, Store, Story};

pub use timeline::Moment;
pub use words::kept_quiet;

use clock::{Clock, text};

/// A notification and everything that happened to it, told.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Story)]
pub struct ToldStory {
    /// The row.
    #[serde(flatten)]
    pub notification: Notification,
    /// The IANA zone of the local times: that of the row, else one that a rule has decided by, else what the reader prefers; null
    /// where none is known.
    pub reader_timezone: Option<String>,
    /// `scheduled_at` by the clock on the reader's wall, as `2026-01-16 07:00`; in an hour that it shows twice with the offset,
    /// as `2026-10-25 02:30 +02:00`. Null where no zone is known. So are all other local times.
    pub scheduled_at_local: Option<String>,
    /// `expires_at` by the clock on the reader's wall.
    pub expires_at_local: Option<String>,
    /// How it stands, in words, for behind "it".
    pub standing: String,
    /// The digest that tells of it; null where none does.
    pub digest: Option<TellingDigest>,
    /// What it tells of as a digest; null where it is none.
    pub parts: Option<Vec<DigestPart>>,
    /// Everything that happened, in words, the oldest first.
    pub timeline: Vec<Moment>,
    /// What happened beyond what the row itself tells, the oldest first. Beside a time in a detail stands the local one, in the zone
    /// that the detail names: `held_until_local` beside `held_until`.
    pub history: Vec<HistoryEntry>,
}

/// The digest that tells of a notification.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TellingDigest {
    /// The id of its notification, which is what a person can cancel or retry.
    pub id: i64,
    /// Its event.
    pub event_id: String,
    /// Where it stands.
    pub status: Status,
}

/// A notification in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listed {
    /// The row.
    #[serde(flatten)]
    pub notification: Notification,
    /// How it stands, in words, for behind "it".
    pub standing: String,
}

impl Listed {
    /// As it stands `now`.
    #[must_use]
    pub fn of(notification: Notification, now: DateTime<Utc>) -> Self {
        let clock = Clock::in_zone(notification.timezone.as_deref());
        Self {
            standing: standing::standing(&notification, clock, now),
            notification,
        }
    }
}

/// What else is looked up for a story.
#[derive(Debug, Default)]
struct Beside {
    /// The digest that tells of it.
    digest: Option<Notification>,
    /// The first part, where it is a digest.
    first: Option<Story>,
    /// The zone that its reader prefers, where nothing else names one.
    timezone: Option<String>,
}

impl ToldStory {
    /// Of the notification with this id, if there is one, as it stands `now`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of(store: &dyn Store, id: i64, now: DateTime<Utc>) -> Result<Option<Self>> {
        Self::looked_up(store, Story::of(store, id).await?, now).await
    }

    /// Of the notification of an event, if there is one, as it stands `now`.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn of_event(store: &dyn Store, event_id: &str, now: DateTime<Utc>) -> Result<Option<Self>> {
        Self::looked_up(store, Story::of_event(store, event_id).await?, now).await
    }

    async fn looked_up(store: &dyn Store, found: Option<Story>, now: DateTime<Utc>) -> Result<Option<Self>> {
        let Some(found) = found else {
            return Ok(None);
        };
        let row = &found.notification;
        let mut beside = Beside::default();
        if let Some(event) = telling(row) {
            beside.digest = store.notification_of_event(event).await?;
        }
        if row.user_id != NOBODY {
            if let Some(event) = begun_with(&found.history) {
                let first = Story::of_event(store, event).await?;
                beside.first = first.filter(|first| first.notification.user_id == row.user_id);
            }
            if row.timezone.is_none() && named_zone(&found.history).is_none() {
                let mut preferences = store.preferences(&[row.user_id]).await?;
                let preference = preferences.remove(&row.user_id);
                beside.timezone = preference.and_then(|preference| preference.timezone);
            }
        }
        Ok(Some(Self::told(found, &beside, now)))
    }

    fn told(story: Story, beside: &Beside, now: DateTime<Utc>) -> Self {
        let Story {
            notification: row,
            mut history,
        } = story;
        let zone = row.timezone.as_deref().or(named_zone(&history));
        let clock = Clock::in_zone(zone.or(beside.timezone.as_deref()));
        let standing = standing::standing_in_full(&row, &history, beside.digest.as_ref(), clock, now);
        let timeline = timeline::timeline(&row, &history, beside.first.as_ref(), clock);
        let parts = begun_with(&history).map(|_| {
            let digest = Digest::read(row.incentive_data.get()).unwrap_or_default();
            digest.parts().to_vec()
        });
        for entry in &mut history {
            clock.add_local_times(&mut entry.detail);
        }
        Self {
            reader_timezone: clock.zone().map(str::to_owned),
            scheduled_at_local: clock.local(row.scheduled_at),
            expires_at_local: row.expires_at.and_then(|at| clock.local(at)),
            standing,
            digest: beside.digest.as_ref().map(|digest| TellingDigest {
                id: digest.id,
                event_id: digest.event_id.clone(),
                status: digest.status,
            }),
            parts,
            timeline,
            history,
            notification: row,
        }
    }
}

/// The event of the digest that tells of it.
#[must_use]
pub fn telling(row: &Notification) -> Option<&str> {
    let digest = row.digest_event_id.as_deref();
    digest.filter(|_| row.status == Status::Digested)
}

/// The event of a digest's first part. An event's own data and its id can be anything; histories are the service's alone.
fn begun_with(history: &[HistoryEntry]) -> Option<&str> {
    let begun =
        |entry: &&HistoryEntry| entry.kind == HistoryKind::Held && text(&entry.detail, "rule") == DIGEST;
    let first = history
        .iter()
        .filter(begun)
        .map(|entry| text(&entry.detail, "first"));
    first.into_iter().find(|event| !event.is_empty())
}

/// The first zone by whose clock a rule has decided.
fn named_zone(history: &[HistoryEntry]) -> Option<&str> {
    let mut details = history.iter().flat_map(|entry| {
        let within = ["held", "over"]
            .into_iter()
            .filter_map(|name| entry.detail.get(name)?.as_object());
        std::iter::once(&entry.detail).chain(within)
    });
    details.find_map(|detail| detail.get("timezone")?.as_str())
}

#[cfg(test)]
mod tests;
