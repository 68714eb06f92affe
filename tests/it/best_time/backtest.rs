//! Readers whose habits are known, and what they open: at once, at the best time that results have taught, and at the one
//! that somebody would choose who knows their habits. Nothing here is random: a seed makes the same readers.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss
)]

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Timelike, Utc};
use inq::contract::Window;
use inq::schedule::{BestTime, HOURS, Habit, Opening, Waiting};

/// How much is made up.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// The same seed, the same readers.
    pub seed: u64,
    /// How many readers there are.
    pub readers: usize,
    /// How many notifications each has been sent at once before it begins.
    pub before: usize,
    /// How long each window is.
    pub window: TimeDelta,
}

/// Notifications of each reader with a window, of which the openings are counted.
const AFTER: usize = 20;
/// Those sent before come within the first days, those that count within the following ones.
const DAYS: (i64, i64) = (90, 60);
const HALF_LIFE: Duration = Duration::from_hours(24 * 30);

/// What sort of habit a reader has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Morning,
    Evening,
    MorningAndEvening,
    NightShift,
    NoHabit,
    /// From the morning to the evening, within the days that count.
    Drifting,
}

impl Kind {
    /// Of a hundred readers so many.
    const SHARES: [(Self, usize); 6] = [
        (Self::Morning, 25),
        (Self::Evening, 30),
        (Self::MorningAndEvening, 15),
        (Self::NightShift, 8),
        (Self::NoHabit, 12),
        (Self::Drifting, 10),
    ];

    fn of(number: usize) -> Self {
        let all = Self::SHARES
            .iter()
            .flat_map(|(kind, share)| std::iter::repeat_n(*kind, *share));
        // Neighbours are of different kinds.
        all.clone().nth(number * 37 % all.count()).expect("a hundred")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Morning => "morning",
            Self::Evening => "evening",
            Self::MorningAndEvening => "morning and evening",
            Self::NightShift => "night shift",
            Self::NoHabit => "none",
            Self::Drifting => "drifting",
        })
    }
}

/// From what the hour is learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Estimator {
    /// The service's own: openings by the hour in which they were opened.
    Openings,
    /// What was opened of what was delivered, by the hour of the delivery.
    OpenedOfDelivered,
    /// What was opened in an hour, of what waited for the reader then.
    OpenedOfWaiting,
}

/// Openings that are to be expected.
#[derive(Clone, Copy, Debug, Default)]
pub struct Outcome {
    pub at_once: f64,
    pub best_time: f64,
    pub knowing: f64,
}

impl Outcome {
    /// How many more are opened than at once, as a fraction of those.
    pub fn gain(&self) -> f64 {
        self.best_time / self.at_once - 1.0
    }

    /// How many fewer are opened than by who knows the habits, as a fraction of those.
    pub fn regret(&self) -> f64 {
        1.0 - self.best_time / self.knowing
    }
}

/// What comes of it, by the kind of the readers; `None`: of all.
pub type Outcomes = BTreeMap<Option<Kind>, Outcome>;

/// Numbers that look random: `SplitMix64`.
struct Chance(u64);

impl Chance {
    /// 0 to 1.
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^= bits >> 31;
        f64::from(u32::try_from(bits >> 32).expect("32 bits")) / (f64::from(u32::MAX) + 1.0)
    }
}

/// How likely a reader looks in each hour of a day.
struct Habits {
    kind: Kind,
    /// Hours by which this reader is later than others of the kind.
    later: f64,
}

impl Habits {
    fn presence(&self, day: f64) -> [f64; HOURS] {
        let drifted = 12.0 * ((day - f64::from(90)) / 40.0).clamp(0.0, 1.0);
        std::array::from_fn(|hour| {
            let around = |peak: f64, width: f64| {
                let away = (hour as f64 - peak - self.later).rem_euclid(24.0);
                (-0.5 * (away.min(24.0 - away) / width).powi(2)).exp()
            };
            let looks = match self.kind {
                Kind::Morning => 0.6 * around(7.0, 1.2),
                Kind::Evening => 0.6 * around(20.0, 1.5),
                Kind::MorningAndEvening => 0.35 * around(8.0, 1.0) + 0.6 * around(21.0, 1.2),
                Kind::NightShift => 0.6 * around(2.0, 1.5),
                Kind::NoHabit => 0.15,
                Kind::Drifting => 0.6 * around(8.0 + drifted, 1.3),
            };
            (looks + 0.03).min(0.95)
        })
    }
}

/// How likely a reader who looks opens what came so many hours ago: it sinks below newer things.
fn draws(hours_ago: usize) -> f64 {
    0.8 * 0.75_f64.powi(i32::try_from(hours_ago).expect("a day"))
}

/// How likely it is opened at all, if it is delivered in that hour.
fn chance(presence: &[f64; HOURS], delivered: usize) -> f64 {
    let unopened: f64 = (0..HOURS)
        .map(|ago| 1.0 - presence[(delivered + ago) % HOURS] * draws(ago))
        .product();
    1.0 - unopened
}

/// Counts of two sorts, fading, for the rivals.
#[derive(Clone, Default)]
struct Counted {
    opened: [f64; HOURS],
    shown: [f64; HOURS],
    as_of: f64,
}

impl Counted {
    fn count(&mut self, day: f64, delivered: usize, opened: Option<usize>, estimator: Estimator) {
        let left = (-(day - self.as_of) / 30.0).exp2();
        self.as_of = day;
        for weight in self.opened.iter_mut().chain(&mut self.shown) {
            *weight *= left;
        }
        if estimator == Estimator::OpenedOfDelivered {
            self.shown[delivered] += 1.0;
            self.opened[delivered] += f64::from(u8::from(opened.is_some()));
            return;
        }
        let waited = opened.map_or(5, |hour| (hour + HOURS - delivered) % HOURS).min(5);
        for ago in 0..=waited {
            self.shown[(delivered + ago) % HOURS] += 0.7_f64.powi(i32::try_from(ago).expect("few"));
        }
        if let Some(hour) = opened {
            self.opened[hour] += 1.0;
        }
    }

    fn scores(&self, everybody: &Self, estimator: Estimator) -> [f64; HOURS] {
        let share: [f64; HOURS] = std::array::from_fn(|hour| {
            let prior = (everybody.opened[hour] + 1.0) / (everybody.shown[hour] + 4.0);
            (self.opened[hour] + 2.0 * prior) / (self.shown[hour] + 2.0)
        });
        if estimator == Estimator::OpenedOfDelivered {
            return share;
        }
        std::array::from_fn(|hour| {
            let ahead = [1.0, 0.7, 0.49].into_iter().enumerate();
            ahead
                .map(|(later, weight)| weight * share[(hour + later) % HOURS])
                .sum()
        })
    }
}

struct Reader {
    habits: Habits,
    own: Habit,
    counted: Counted,
}

/// An event, and whether it has a window and counts.
struct Event {
    at: DateTime<Utc>,
    reader: usize,
    counts: bool,
}

fn beginning() -> DateTime<Utc> {
    "2026-01-01T00:00:00Z".parse().expect("a time")
}

fn hour_of(at: DateTime<Utc>) -> usize {
    usize::try_from(at.hour()).expect("an hour")
}

/// The events of all readers, in their order: mostly by day, whatever their readers' habits are.
fn events(extent: &Extent, chance: &mut Chance) -> Vec<Event> {
    const BUSY: [f64; HOURS] = [
        1.0, 1.0, 1.0, 1.0, 1.0, 2.0, 4.0, 6.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0, 8.0,
        7.0, 5.0, 3.0, 2.0,
    ];
    let all: f64 = BUSY.iter().sum();
    let mut moment = |first: i64, days: i64| {
        let day = first + (chance.next() * days as f64) as i64;
        let mut left = chance.next() * all;
        let hour = BUSY
            .iter()
            .position(|busy| {
                left -= busy;
                left < 0.0
            })
            .unwrap_or(HOURS - 1);
        let second = (chance.next() * 3600.0) as i64;
        beginning() + TimeDelta::days(day) + TimeDelta::hours(hour as i64) + TimeDelta::seconds(second)
    };
    let mut events = Vec::new();
    for reader in 0..extent.readers {
        for number in 0..extent.before + AFTER {
            let counts = number >= extent.before;
            let at = if counts {
                moment(DAYS.0, DAYS.1)
            } else {
                moment(0, DAYS.0)
            };
            events.push(Event { at, reader, counts });
        }
    }
    events.sort_by_key(|event| (event.at, event.reader));
    events
}

/// Sends everything, and learns from what is opened as the service would.
pub fn run(extent: &Extent, estimator: Estimator) -> Outcomes {
    let mut random = Chance(extent.seed);
    let mut readers: Vec<Reader> = (0..extent.readers)
        .map(|number| Reader {
            habits: Habits {
                kind: Kind::of(number),
                later: (0..4).map(|_| random.next() - 0.5).sum::<f64>() * 1.7,
            },
            own: Habit::default(),
            counted: Counted::default(),
        })
        .collect();
    let (mut everybody, mut all_counted) = (Habit::default(), Counted::default());
    let mut outcomes = Outcomes::new();
    for event in events(extent, &mut random) {
        let reader = &mut readers[event.reader];
        let day = (event.at - beginning()).num_seconds() as f64 / 86_400.0;
        let presence = reader.habits.presence(day);
        let mut sent = event.at;
        if event.counts {
            sent = match estimator {
                Estimator::Openings => best_time(extent, &event, reader, &mut everybody),
                rival => of_rival(extent, &event, &reader.counted.scores(&all_counted, rival)),
            };
            let hours = i64::try_from(HOURS)
                .expect("a day")
                .min(extent.window.num_hours());
            let possible = (0..hours).map(|later| hour_of(event.at + TimeDelta::hours(later)));
            let expected = Outcome {
                at_once: chance(&presence, hour_of(event.at)),
                best_time: chance(&presence, hour_of(sent)),
                knowing: possible.map(|hour| chance(&presence, hour)).fold(0.0, f64::max),
            };
            for kind in [None, Some(reader.habits.kind)] {
                let sum = outcomes.entry(kind).or_default();
                sum.at_once += expected.at_once;
                sum.best_time += expected.best_time;
                sum.knowing += expected.knowing;
            }
        }
        let opened =
            (0..HOURS).find(|ago| random.next() < presence[(hour_of(sent) + ago) % HOURS] * draws(*ago));
        if let Some(ago) = opened {
            let opening = Opening {
                at: sent + TimeDelta::hours(i64::try_from(ago).expect("a day")),
                timezone: None,
                half_life: HALF_LIFE,
            };
            reader.own.learn(&opening);
            everybody.learn(&opening);
        }
        let opened = opened.map(|ago| (hour_of(sent) + ago) % HOURS);
        for counted in [&mut reader.counted, &mut all_counted] {
            counted.count(day, hour_of(sent), opened, estimator);
        }
    }
    outcomes
}

/// When the service would send it.
fn best_time(extent: &Extent, event: &Event, reader: &mut Reader, everybody: &mut Habit) -> DateTime<Utc> {
    reader.own.fade(event.at, HALF_LIFE);
    everybody.fade(event.at, HALF_LIFE);
    let waiting = Waiting {
        user_id: i64::try_from(event.reader).expect("few readers") + 1,
        window: Window {
            from: event.at,
            to: event.at + extent.window,
        },
        not_before: None,
        expires_at: None,
        timezone: None,
        own: &reader.own,
        everybody,
    };
    BestTime::choose(&waiting, event.at, |at| at).at
}

/// When it would be sent by these scores.
fn of_rival(extent: &Extent, event: &Event, scores: &[f64; HOURS]) -> DateTime<Utc> {
    let moments = (0..extent.window.num_hours()).map(|later| event.at + TimeDelta::hours(later));
    // Of equal ones the earliest.
    moments
        .rev()
        .max_by(|one, other| scores[hour_of(*one)].total_cmp(&scores[hour_of(*other)]))
        .unwrap_or(event.at)
}
