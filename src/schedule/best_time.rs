//! The best moment within the window that an event allows: in the hour in which its reader opens most.
//!
//! Of the local hours that the window touches the one with the best [`Habit::scores`] is chosen, the earliest of equal
//! ones; where the whole of it is quiet, the next best. Without openings to go by it is the window's start.

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::quiet::first_change;
use super::retry::spread;
use super::{HOURS, Habit};
use crate::contract::{Window, time};

/// Readers of one hour are told over so long at its beginning, lest all are told at once.
const SPREAD: TimeDelta = TimeDelta::minutes(30);

/// A notification that may wait for a better moment.
#[derive(Clone, Copy, Debug)]
pub struct Waiting<'a> {
    /// Whom it is for.
    pub user_id: i64,
    /// In which time to deliver it.
    pub window: Window,
    /// The earliest moment within it that anything else allows.
    pub not_before: Option<DateTime<Utc>>,
    /// After it nobody wants it.
    pub expires_at: Option<DateTime<Utc>>,
    /// The zone that the event or the reader names.
    pub timezone: Option<&'a str>,
    /// What is known of the reader, as of now.
    pub own: &'a Habit,
    /// What is known of all readers, as of now.
    pub everybody: &'a Habit,
}

/// What a choice rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// The reader's own openings.
    Own,
    /// Those of all readers: this one's are too few.
    Everybody,
    /// Nothing is known: the window's start.
    Nothing,
    /// There is nothing to choose: the window has passed, or nobody wants it any more within it.
    Late,
    /// There is nothing to choose: all of the window is quiet.
    Quiet,
}

impl Basis {
    /// Every basis.
    pub const ALL: [Self; 5] = [Self::Own, Self::Everybody, Self::Nothing, Self::Late, Self::Quiet];

    /// Its name in histories and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Everybody => "everybody",
            Self::Nothing => "nothing",
            Self::Late => "late",
            Self::Quiet => "quiet",
        }
    }
}

/// The moment that was chosen, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct BestTime {
    /// The moment; not before now.
    pub at: DateTime<Utc>,
    /// What it rests on.
    pub basis: Basis,
    window: Window,
    hour: usize,
    zone: Tz,
    openings: f64,
    of_openings: f64,
}

/// A local hour, or what the window has of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stretch {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
    hour: usize,
}

impl BestTime {
    /// Chooses. `allowed` tells the earliest moment, not before the one it is given, that is not quiet.
    #[must_use]
    pub fn choose(
        waiting: &Waiting<'_>,
        now: DateTime<Utc>,
        allowed: impl Fn(DateTime<Utc>) -> DateTime<Utc>,
    ) -> Self {
        let zone = waiting
            .timezone
            .or(waiting.own.timezone())
            .and_then(|name| name.parse().ok())
            .unwrap_or(Tz::UTC);
        let start = [Some(now), waiting.not_before]
            .into_iter()
            .flatten()
            .fold(waiting.window.from, DateTime::max);
        let end = waiting
            .expires_at
            .map_or(waiting.window.to, |at| at.min(waiting.window.to));
        let chosen = |at: DateTime<Utc>, hour, basis| {
            let known = match basis {
                Basis::Own => Some(waiting.own),
                Basis::Everybody => Some(waiting.everybody),
                Basis::Nothing | Basis::Late | Basis::Quiet => None,
            };
            Self {
                at,
                basis,
                window: waiting.window,
                hour,
                zone,
                openings: known.map_or(0.0, |habit| habit.from_hour(hour)),
                of_openings: known.map_or(0.0, Habit::of_all),
            }
        };
        let mut stretches = stretches(start, end, zone);
        let Some(first) = stretches.first().copied() else {
            return chosen(start, local_hour(start, zone), Basis::Late);
        };
        let basis = waiting.own.basis(waiting.everybody);
        let scores = waiting.own.scores(waiting.everybody);
        stretches.sort_by(|one, other| scores[other.hour].total_cmp(&scores[one.hour]));
        for stretch in stretches {
            let earliest = allowed(stretch.from);
            if earliest < stretch.to {
                let at = if basis == Basis::Nothing || earliest <= now {
                    earliest
                } else {
                    spread_out(earliest, stretch.to, waiting.user_id, &allowed)
                };
                return chosen(at, stretch.hour, basis);
            }
        }
        chosen(start, first.hour, Basis::Quiet)
    }

    /// For the history: the rule, what it did, and why.
    #[must_use]
    pub fn detail(&self) -> Map<String, Value> {
        let tenths = |number: f64| (number * 10.0).round() / 10.0;
        let said = json!({
            "rule": RULE,
            "of": self.basis.as_str(),
            "from": time::format(&self.window.from),
            "to": time::format(&self.window.to),
            "hour": self.hour,
            "timezone": self.zone.name(),
            "openings": tenths(self.openings),
            "of_openings": tenths(self.of_openings),
            "held_until": time::format(&self.at),
        });
        match said {
            Value::Object(detail) => detail,
            _ => Map::new(),
        }
    }
}

/// The name of the rule in histories.
pub const RULE: &str = "best_time";

/// The reader's own moment near the beginning of what is allowed, in whole seconds, always the same for one reader.
fn spread_out(
    earliest: DateTime<Utc>,
    end: DateTime<Utc>,
    user_id: i64,
    allowed: &impl Fn(DateTime<Utc>) -> DateTime<Utc>,
) -> DateTime<Utc> {
    let room = SPREAD.min(end - earliest).num_seconds();
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss)] // at most 1800
    let seconds = (spread(user_id, 0) * room as f64) as i64;
    let at = earliest + TimeDelta::seconds(seconds);
    if allowed(at) == at { at } else { earliest }
}

/// The hour that a clock in `zone` shows, 0 to 23.
pub(super) fn local_hour(at: DateTime<Utc>, zone: Tz) -> usize {
    usize::try_from(at.with_timezone(&zone).hour()).map_or(0, |hour| hour % HOURS)
}

/// The local hours from `start` to `end`, in their order. An hour that the clock shows twice is there twice, one that it
/// skips is not there.
fn stretches(start: DateTime<Utc>, end: DateTime<Utc>, zone: Tz) -> Vec<Stretch> {
    let mut stretches = Vec::new();
    let mut from = start;
    while from < end {
        let local = from.with_timezone(&zone).time();
        let whole = NaiveTime::from_hms_opt(local.hour(), 0, 0).unwrap_or(NaiveTime::MIN);
        // A leap second is as long as it likes.
        let left = (TimeDelta::hours(1) - (local - whole)).max(TimeDelta::seconds(1));
        let straight = from + left;
        let to = first_change(from, straight, zone).unwrap_or(straight).min(end);
        stretches.push(Stretch {
            from,
            to,
            hour: local_hour(from, zone),
        });
        from = to;
    }
    stretches
}

#[cfg(test)]
mod tests;
