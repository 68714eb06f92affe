//! Caps: how many notifications a reader gets at most, and when one that is over may leave.

use chrono::{DateTime, Datelike, Duration, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::hold::{Leaving, OF_SEGMENT, OF_SETTINGS, OF_USER, first_segment};
use super::quiet::first_change;
use super::{Held, Places, QuietPolicy};
use crate::config::{CapRule, CapSettings, Over, QuietSettings, duration};
use crate::contract::{IncentiveType, time};

/// Which caps there are. On all types those of a segment of the reader's go before those of the settings, and the reader's own
/// before the one of a day; those on one type stand beside them.
#[derive(Clone, Debug, PartialEq)]
pub struct CapPolicy {
    settings: CapSettings,
    quiet: QuietPolicy,
}

/// Where a notification finds a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// Where it was to leave.
    Free,
    /// Later.
    Later(Capped),
    /// Nowhere, as far as it may wait at all.
    Nowhere(Capped),
}

/// A cap is full.
#[derive(Clone, Debug, PartialEq)]
pub struct Capped {
    /// When there is a place; `None`: it waits for none.
    pub until: Option<DateTime<Utc>>,
    /// The quiet hours that end then.
    quiet: Option<Held>,
    at: DateTime<Utc>,
    cap: Cap,
    /// Whose the cap is, where it is a segment's.
    segment: Option<String>,
    taken: usize,
    zone: Tz,
}

/// At most so many notifications, of one type or of all, in a period.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Cap {
    limit: usize,
    period: Period,
    kind: Option<IncentiveType>,
    whose: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Period {
    /// A day by the clock on the reader's wall.
    Day,
    /// Any span of that length.
    Window(TimeDelta),
}

impl CapPolicy {
    /// How far behind its time a notification waits for a place, at most.
    pub const FARTHEST: TimeDelta = Duration::days(30);
    /// Longer than any day is.
    const DAY: TimeDelta = Duration::hours(50);

    /// The caps of the settings, and the quiet hours in which nobody waits for a place.
    #[must_use]
    pub fn new(caps: &CapSettings, quiet: &QuietSettings) -> Self {
        Self {
            settings: caps.clone(),
            quiet: quiet.into(),
        }
    }

    /// Whether any cap counts it.
    #[must_use]
    pub fn counts(&self, leaving: &Leaving<'_>) -> bool {
        self.caps(leaving).next().is_some()
    }

    /// Whether what is over is gathered.
    #[must_use]
    pub fn gathers(&self) -> bool {
        self.settings.over == Over::Digest
    }

    /// How long after its time a place still counts.
    #[must_use]
    pub fn memory(&self) -> TimeDelta {
        Self::DAY.max(self.window())
    }

    /// The first place, not before the moment asked for, that every cap and the reader's quiet hours allow, beside what is
    /// taken already. Where it was to leave, quiet hours have been looked at before.
    #[must_use]
    pub fn place(&self, leaving: &Leaving<'_>, taken: &Places) -> Place {
        let at = whole_millis(leaving.at);
        let zone = self.quiet.zone(leaving);
        let full = self.caps(leaving).filter_map(|cap| {
            let (later, others) = cap.full(taken, at, zone)?;
            Some((cap, others, later))
        });
        // The one that holds it longest, of several the first.
        let full = full.reduce(|one, other| if other.2 > one.2 { other } else { one });
        let Some((cap, others, _)) = full else {
            return Place::Free;
        };
        let free = match self.settings.over {
            Over::Wait | Over::Digest => self.first_free(&Leaving { at, ..*leaving }, taken, zone),
            Over::Drop => None,
        };
        let (until, quiet) = free.map_or((None, None), |(until, quiet)| (Some(until), quiet));
        let segment = first_segment(&self.settings.segments, leaving.preference);
        let segment = segment.filter(|_| cap.whose == OF_SEGMENT);
        let capped = Capped {
            until,
            quiet,
            at,
            cap,
            segment: segment.map(|(name, _)| name.to_owned()),
            taken: others,
            zone,
        };
        match until {
            Some(_) => Place::Later(capped),
            None => Place::Nowhere(capped),
        }
    }

    /// Each rule moves the moment on as far as it must and no farther, until none does: so none earlier would do. With it come
    /// the quiet hours that moved it last, where these were the last to move it.
    fn first_free(
        &self,
        leaving: &Leaving<'_>,
        taken: &Places,
        zone: Tz,
    ) -> Option<(DateTime<Utc>, Option<Held>)> {
        let mut moment = leaving.at;
        let mut quiet: Option<Held> = None;
        loop {
            let before = moment;
            for cap in self.caps(leaving) {
                if let Some((later, _)) = cap.full(taken, moment, zone) {
                    moment = later;
                }
            }
            if let Some(held) = self.quiet.hold(&Leaving {
                at: moment,
                ..*leaving
            }) {
                moment = held.until;
                quiet = Some(held);
            }
            if moment - leaving.at > Self::FARTHEST || moment.year() > 9999 {
                return None;
            }
            if moment == before {
                return Some((moment, quiet.filter(|held| held.until == moment)));
            }
        }
    }

    fn caps(&self, leaving: &Leaving<'_>) -> impl Iterator<Item = Cap> + use<> {
        let settings = &self.settings;
        let kind = leaving.incentive_type;
        let own = leaving.preference.and_then(|preference| preference.max_per_day);
        let of_type = settings.types.of(kind);
        let window = Period::Window(self.window());
        let of_settings = CapRule {
            per_day: settings.per_day,
            per_window: settings.per_window,
        };
        let of_segment = first_segment(&settings.segments, leaving.preference);
        let (on_all, whose) = of_segment.map_or((of_settings, OF_SETTINGS), |(_, caps)| (*caps, OF_SEGMENT));
        let own = own.map(|limit| (limit, OF_USER));
        let some = |limit: u16, whose| (limit > 0).then_some((limit, whose));
        let caps = [
            (own.or(some(on_all.per_day, whose)), Period::Day, None),
            (some(of_type.per_day, OF_SETTINGS), Period::Day, Some(kind)),
            (some(on_all.per_window, whose), window, None),
            (some(of_type.per_window, OF_SETTINGS), window, Some(kind)),
        ];
        let count = leaving.priority.get() < settings.ignore_from_priority;
        caps.into_iter().filter_map(move |(limit, period, kind)| {
            let (limit, whose) = limit.filter(|_| count)?;
            Some(Cap {
                limit: usize::from(limit),
                period,
                kind,
                whose,
            })
        })
    }

    fn window(&self) -> TimeDelta {
        TimeDelta::from_std(self.settings.window).unwrap_or(Self::FARTHEST)
    }
}

impl Cap {
    /// Where one more would be too many: the first later moment at which it may not be, and how many there are already.
    fn full(&self, taken: &Places, at: DateTime<Utc>, zone: Tz) -> Option<(DateTime<Utc>, usize)> {
        // For most there is nothing to look at more closely.
        if taken.count(self.kind) < self.limit {
            return None;
        }
        match self.period {
            Period::Day => {
                let day = |at: DateTime<Utc>| at.with_timezone(&zone).date_naive();
                let near = taken.near(self.kind, at, CapPolicy::DAY);
                let others = near.iter().filter(|other| day(**other) == day(at)).count();
                (others >= self.limit).then(|| (end_of_day(at, zone), others))
            }
            Period::Window(window) => {
                let near = taken.near(self.kind, at, window);
                // With each run of as many as there may be, this one would be too many from the window before the
                // last of them to the window after the first.
                let later = near
                    .windows(self.limit.max(1))
                    .filter_map(|run| Some((*run.first()?, *run.last()?)))
                    .filter(|(first, last)| *last - *first < window)
                    .fold(at, |moment, (first, last)| {
                        if last - window < moment && moment < first + window {
                            first + window
                        } else {
                            moment
                        }
                    });
                (later > at).then_some((later, self.limit))
            }
        }
    }
}

/// The first moment after `at` at which a clock in `zone` shows another day.
fn end_of_day(at: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let day = at.with_timezone(&zone).date_naive();
    let mut moment = at;
    loop {
        let local = zone.from_utc_datetime(&moment.naive_utc()).naive_local();
        if local.date() != day {
            return moment;
        }
        let midnight = (day + Duration::days(1)).and_time(chrono::NaiveTime::MIN);
        // There the clock shows midnight, unless it is set meanwhile: then it is read again from there.
        let straight = moment + (midnight - local);
        moment = first_change(moment, straight, zone).unwrap_or(straight);
    }
}

/// As the store keeps it.
fn whole_millis(at: DateTime<Utc>) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at.timestamp_millis()).unwrap_or(at)
}

impl Capped {
    /// For the history: the rule, whose it is, and what it did.
    #[must_use]
    pub fn detail(&self) -> Map<String, Value> {
        let said = json!({
            "rule": "cap",
            "of": self.cap.whose,
            "limit": self.cap.limit,
            "per": match self.cap.period {
                Period::Day => "day".to_owned(),
                Period::Window(window) => duration::text(window.to_std().unwrap_or_default()),
            },
            "scope": self.cap.kind.map_or("all", IncentiveType::as_str),
            "taken": self.taken,
            "timezone": self.zone.name(),
            "due_at": time::format(&self.at),
        });
        let mut detail = match said {
            Value::Object(detail) => detail,
            _ => Map::new(),
        };
        if let Some(name) = &self.segment {
            detail.insert("segment".to_owned(), name.as_str().into());
        }
        if let Some(until) = &self.until {
            detail.insert("held_until".to_owned(), time::format(until).into());
        }
        if let Some(quiet) = &self.quiet {
            detail.insert("held".to_owned(), quiet.detail().into());
        }
        detail
    }
}

#[cfg(test)]
mod tests;
