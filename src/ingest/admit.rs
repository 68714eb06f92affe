//! What becomes of a new row by what its reader has got already: decided without I/O.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::digest::Teller;
use super::plan;
use crate::config::Settings;
use crate::schedule::{CapPolicy, Capped, DigestPolicy, Held, Leaving, Place};
use crate::store::{
    Admission, Beginning, Fate, Gathered, HistoryKind, KnownReader, NewNotification, Preferences, Retelling,
    Status,
};

/// What a reader's notifications have to do with each other.
#[derive(Clone, Debug)]
pub struct Together {
    /// How many there are at most.
    pub caps: CapPolicy,
    /// Which are gathered in one.
    pub digests: DigestPolicy,
}

impl From<&Settings> for Together {
    fn from(settings: &Settings) -> Self {
        Self {
            caps: CapPolicy::new(&settings.caps, &settings.quiet),
            digests: DigestPolicy::new(&settings.digest, &settings.quiet),
        }
    }
}

/// Admits the rows of a batch.
pub(super) struct Rules {
    pub(super) together: Arc<Together>,
    pub(super) teller: Teller,
    /// What the readers of the batch want.
    pub(super) preferences: Preferences,
}

impl Rules {
    fn leaving<'a>(&'a self, row: &'a NewNotification, now: DateTime<Utc>) -> Leaving<'a> {
        let at = row.scheduled_at.map_or(now, |at| at.max(now));
        plan::leaving(row, at, self.preferences.get(&row.user_id))
    }

    /// Whether it waits for others, whatever caps say.
    fn waits_for_others(&self, row: &NewNotification, leaving: &Leaving<'_>) -> bool {
        !row.stands_alone && self.together.digests.gathers(leaving) && self.teller.can_tell(row)
    }

    /// Whether it is gathered where a cap makes it wait.
    fn gathers_where_capped(&self, row: &NewNotification, leaving: &Leaving<'_>) -> bool {
        let Together { caps, digests } = &*self.together;
        !row.stands_alone && caps.gathers() && digests.may_gather(leaving) && self.teller.can_tell(row)
    }

    /// Makes it part of what leaves no sooner than it is due, and not in quiet hours of its own.
    fn join(
        &self,
        row: &mut NewNotification,
        reader: &mut KnownReader,
        due: DateTime<Utc>,
        capped: Option<&Capped>,
    ) -> bool {
        let over = capped.map(Capped::detail);
        reader
            .gathering(row.incentive_type)
            .filter(|gathered| {
                let digests = &self.together.digests;
                gathered
                    .leaves
                    .scheduled_at
                    .is_some_and(|leaves| due <= leaves && !digests.would_disturb(&self.leaving(row, leaves)))
            })
            .is_some_and(|gathered| self.teller.join(gathered, row, over.as_ref()))
    }

    /// Puts off what waits for others.
    fn hold(&self, row: &mut NewNotification, now: DateTime<Utc>) {
        if let Some(gathering) = self.together.digests.gathering(&self.leaving(row, now)) {
            row.scheduled_at = Some(gathering.until);
            let quiet = gathering.quiet.as_ref().map(Held::detail);
            let details = [Some(gathering.detail()), quiet].into_iter().flatten();
            row.beginning.extend(details.map(|detail| Beginning {
                kind: HistoryKind::Held,
                detail,
            }));
        }
    }
}

impl Retelling for Rules {
    fn without(&self, digest: NewNotification, event_id: &str) -> Option<NewNotification> {
        self.teller.without(digest, event_id)
    }
}

impl Admission for Rules {
    fn concerns(&self, row: &NewNotification) -> bool {
        let leaving = self.leaving(row, DateTime::UNIX_EPOCH);
        row.status == Status::Pending
            && (self.together.caps.counts(&leaving) || self.waits_for_others(row, &leaving))
    }

    fn gathers(&self, row: &NewNotification) -> bool {
        let leaving = self.leaving(row, DateTime::UNIX_EPOCH);
        self.waits_for_others(row, &leaving) || self.gathers_where_capped(row, &leaving)
    }

    fn admit(&self, row: &mut NewNotification, reader: &mut KnownReader, now: DateTime<Utc>) -> Fate {
        let due = self.leaving(row, now).at;
        let mut gathers = self.waits_for_others(row, &self.leaving(row, now));
        if gathers {
            if self.join(row, reader, due, None) {
                return Fate::Digested;
            }
            self.hold(row, now);
        }
        let leaving = self.leaving(row, now);
        let (fate, at, capped) = match self.together.caps.place(&leaving, &reader.places) {
            Place::Free => (Fate::Admitted, Some(leaving.at), None),
            Place::Later(capped) => (Fate::Waits, capped.until, Some(capped)),
            Place::Nowhere(capped) => (Fate::Suppressed, None, Some(capped)),
        };
        if fate == Fate::Waits && !gathers && self.gathers_where_capped(row, &leaving) {
            if self.join(row, reader, due, capped.as_ref()) {
                return Fate::Digested;
            }
            gathers = true;
        }
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
        if gathers && fate != Fate::Suppressed {
            reader.gathered.push(Gathered::alone(row.clone()));
        }
        fate
    }

    fn memory(&self) -> TimeDelta {
        self.together.caps.memory()
    }
}

#[cfg(test)]
mod tests;
