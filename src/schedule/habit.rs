//! In which hours of the day a reader opens, as results have taught it: counts per local hour that fade with time.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use super::best_time::{Basis, local_hour};

/// The hours of a day.
pub const HOURS: usize = 24;

/// From so many of a reader's own openings on these count for more than everybody's.
const PRIOR: f64 = 2.0;
/// Everybody's openings say something from so many on. Fewer would have all readers told in an hour that chance has made,
/// and then open in it for no other reason.
const ENOUGH: f64 = 500.0;
/// As if everybody had opened so often in each hour, so that none is impossible.
const EACH_HOUR: f64 = 0.5;
/// What opens in an hour may have come in it, or have waited for the reader for an hour or two: how much a moment an hour
/// ahead counts for.
const AHEAD: [f64; 3] = [1.0, 0.6, 0.3];

/// Openings by the hour on the wall, the older the less they count.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Habit {
    hours: [f64; HOURS],
    as_of: DateTime<Utc>,
    timezone: Option<String>,
}

/// A reader has opened a notification, the first time that anything was done with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Opening {
    /// When.
    pub at: DateTime<Utc>,
    /// The reader's zone, an IANA name; UTC where it is not known.
    pub timezone: Option<String>,
    /// After so long it counts for half; more than nothing.
    pub half_life: Duration,
}

impl Habit {
    /// As it was kept.
    ///
    /// # Errors
    /// With what is wrong, where the text is not one that [`Habit::text`] writes.
    pub fn read(text: &str, as_of: DateTime<Utc>, timezone: Option<String>) -> Result<Self, String> {
        let hours: [f64; HOURS] = serde_json::from_str(text).map_err(|fault| fault.to_string())?;
        if hours.iter().any(|weight| *weight < 0.0) {
            return Err("a weight is negative".to_owned());
        }
        Ok(Self {
            hours,
            as_of,
            timezone,
        })
    }

    /// What each hour counts for as of [`Habit::as_of`], as a JSON array, to a thousandth.
    #[must_use]
    pub fn text(&self) -> String {
        let rounded = self.hours.map(|weight| (weight * 1000.0).round() / 1000.0);
        serde_json::Value::from(rounded.to_vec()).to_string()
    }

    /// The moment to which the counts have faded.
    #[must_use]
    pub const fn as_of(&self) -> DateTime<Utc> {
        self.as_of
    }

    /// The zone of the newest opening, an IANA name.
    #[must_use]
    pub fn timezone(&self) -> Option<&str> {
        self.timezone.as_deref()
    }

    /// Counts an opening. In whatever order openings come, the counts are the same.
    pub fn learn(&mut self, opening: &Opening) {
        let zone = opening.timezone.as_deref().and_then(|name| name.parse().ok());
        let hour = local_hour(opening.at, zone.unwrap_or(Tz::UTC));
        let weight = if opening.at < self.as_of {
            left_of(opening.at, self.as_of, opening.half_life)
        } else {
            self.fade(opening.at, opening.half_life);
            self.timezone.clone_from(&opening.timezone);
            1.0
        };
        self.hours[hour] += weight;
    }

    /// Keeps the counts, and not the zone of the newest opening.
    pub fn leave_zone(&mut self) {
        self.timezone = None;
    }

    /// Lets the counts fade until `now`, if that is later.
    pub fn fade(&mut self, now: DateTime<Utc>, half_life: Duration) {
        if now > self.as_of {
            let left = left_of(self.as_of, now, half_life);
            for weight in &mut self.hours {
                *weight *= left;
            }
            self.as_of = now;
        }
    }

    /// Adds the counts of another, as they stand.
    pub fn add(&mut self, other: &Self) {
        for (weight, more) in self.hours.iter_mut().zip(other.hours) {
            *weight += more;
        }
    }

    /// What the openings of an hour, 0 to 23, count for.
    #[must_use]
    pub fn of_hour(&self, hour: usize) -> f64 {
        self.hours[hour % HOURS]
    }

    /// What the openings of an hour and of the two that follow it count for: those that bear on a delivery in it.
    #[must_use]
    pub fn from_hour(&self, hour: usize) -> f64 {
        let ahead = 0..AHEAD.len();
        ahead.map(|later| self.of_hour(hour + later)).sum()
    }

    /// What all openings count for.
    #[must_use]
    pub fn of_all(&self) -> f64 {
        self.hours.iter().sum()
    }

    /// How good it is to deliver in each hour, in comparison: the share of openings that follow soon, as the reader's own
    /// and everybody's habit let expect it. Equal for all hours where nothing is known.
    #[must_use]
    pub fn scores(&self, everybody: &Self) -> [f64; HOURS] {
        let all = everybody.of_all();
        let says_something = all >= ENOUGH;
        let share: [f64; HOURS] = std::array::from_fn(|hour| {
            let prior = if says_something {
                (everybody.hours[hour] + EACH_HOUR) / (all + FLAT)
            } else {
                EACH_HOUR / FLAT
            };
            (self.hours[hour] + PRIOR * prior) / (self.of_all() + PRIOR)
        });
        std::array::from_fn(|hour| {
            let ahead = AHEAD.iter().enumerate();
            ahead
                .map(|(later, weight)| weight * share[(hour + later) % HOURS])
                .sum()
        })
    }

    /// What a choice by [`Habit::scores`] rests on most.
    pub(super) fn basis(&self, everybody: &Self) -> Basis {
        let own = self.of_all();
        if own >= PRIOR {
            Basis::Own
        } else if everybody.of_all() >= ENOUGH {
            Basis::Everybody
        } else if own > 0.0 {
            Basis::Own
        } else {
            Basis::Nothing
        }
    }
}

#[allow(clippy::cast_precision_loss)] // 24
const FLAT: f64 = EACH_HOUR * HOURS as f64;

/// What is left at `now` of what counted for one.
fn left_of(then: DateTime<Utc>, now: DateTime<Utc>, half_life: Duration) -> f64 {
    #[allow(clippy::cast_precision_loss)] // milliseconds between two times that are kept
    let seconds = (now - then).num_milliseconds().max(0) as f64 / 1000.0;
    (-seconds / half_life.as_secs_f64()).exp2()
}

#[cfg(test)]
mod tests;
