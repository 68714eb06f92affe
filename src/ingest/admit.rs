//! Whether there is a place for a new row among those that its reader has got already: decided without I/O.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::plan;
use crate::schedule::{CapPolicy, Leaving, Place};
use crate::store::{
    Admission, Beginning, Fate, HistoryKind, NewNotification, Preferences, ReaderPlaces, Status,
};

/// Admits the rows of a batch.
pub(super) struct Caps {
    pub(super) policy: Arc<CapPolicy>,
    /// What the readers of the batch want.
    pub(super) preferences: Preferences,
}

impl Caps {
    fn leaving<'a>(&'a self, row: &'a NewNotification, now: DateTime<Utc>) -> Leaving<'a> {
        let at = row.scheduled_at.map_or(now, |at| at.max(now));
        plan::leaving(row, at, self.preferences.get(&row.user_id))
    }
}

impl Admission for Caps {
    fn concerns(&self, row: &NewNotification) -> bool {
        row.status == Status::Pending && self.policy.counts(&self.leaving(row, DateTime::UNIX_EPOCH))
    }

    fn admit(&self, row: &mut NewNotification, reader: &mut ReaderPlaces, now: DateTime<Utc>) -> Fate {
        let leaving = self.leaving(row, now);
        let due = leaving.at;
        let (fate, at, capped) = match self.policy.place(&leaving, &reader.places) {
            Place::Free => (Fate::Admitted, Some(due), None),
            Place::Later(capped) => (Fate::Waits, capped.until, Some(capped)),
            Place::Nowhere(capped) => (Fate::Suppressed, None, Some(capped)),
        };
        if let Some(at) = at {
            row.scheduled_at = Some(at);
            plan::end_with_expiry(row);
            // What expires before needs no place: it never leaves.
            if row.expires_at.is_none_or(|expires_at| expires_at > at) {
                reader.places.take(row.incentive_type, at);
            }
        } else {
            row.status = Status::Suppressed;
        }
        row.beginning.extend(capped.map(|capped| Beginning {
            kind: if fate == Fate::Waits {
                HistoryKind::Held
            } else {
                HistoryKind::Suppressed
            },
            detail: capped.detail(),
        }));
        fate
    }

    fn memory(&self) -> TimeDelta {
        self.policy.memory()
    }
}
