//! A load that rules decide about: events, and what is stored of their readers before.
//!
//! Whatever the rules, the events are for the same users, of the same types and of the same lengths.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, NaiveTime, TimeDelta, Timelike, Utc, WeekdaySet};
use serde_json::json;

use super::load;
use crate::bus::Outgoing;
use crate::contract::{Cancellation, IncentiveType, Preference, PreferenceChange, QuietHours, time};
use crate::sample;
use crate::schedule::{Habit, Opening};

/// Events of each reader.
const EVENTS_EACH: u64 = 10;
/// From one event's reader to the next one's: a prime, so that they are spread.
const STRIDE: u64 = 7919;
/// One reader in so many does not want to be told of anything.
const OPTED_OUT: u64 = 100;
/// One event in so many was called off before it came.
const CALLED_OFF: u64 = 101;
/// For each of them there are so many cancels whose events never come.
const IN_VAIN: u64 = 9;
/// How often a reader has opened in each of three hours, and how often all have, as far as one part of what is known of all
/// tells.
const OPENINGS: (u32, u32) = (2, 20);
/// The parts of what is known of all.
const PARTS: i64 = 16;
/// No two are more than three hours apart, so that there are hours that are quiet in none of them for long.
const ZONES: [&str; 4] = ["Europe/Lisbon", "Europe/Berlin", "Europe/Athens", "Europe/Moscow"];
/// What is gathered.
const GATHERED: IncentiveType = IncentiveType::PointEarning;
/// How long: after it all that was stored is due.
pub(super) const WINDOW: Duration = Duration::from_secs(5);
/// The segment with hours of its own.
const SEGMENT: &str = "night";

/// Something that the service looks at before a row is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Every reader has said what they want.
    Preferences,
    /// Of the settings, by type and by segment, and half of the readers' own. They begin in some hours: nothing is held back.
    QuietHours,
    /// On a day and a window, on all types and on each, and the readers' own. There is a place for everything.
    Caps,
    /// One event in so many has a window, and its reader opens at this time of the day: nothing waits.
    BestTime { one_in: u64 },
    /// Cancels came before the events, most of them for events that never come.
    Cancels,
    /// Of one type, for [`WINDOW`].
    Digests,
}

impl Rule {
    /// Every rule at once.
    pub(super) const EVERY: [Self; 6] = [
        Self::Preferences,
        Self::QuietHours,
        Self::Caps,
        Self::BestTime { one_in: 10 },
        Self::Cancels,
        Self::Digests,
    ];

    /// Each that is measured by itself.
    pub(super) const EACH: [Self; 7] = [
        Self::Preferences,
        Self::QuietHours,
        Self::Caps,
        Self::BestTime { one_in: 10 },
        Self::BestTime { one_in: 1 },
        Self::Cancels,
        Self::Digests,
    ];

    /// What it is called in a report.
    pub(super) fn name(self) -> String {
        match self {
            Self::Preferences => "preferences of every reader".to_owned(),
            Self::QuietHours => "quiet hours".to_owned(),
            Self::Caps => "caps".to_owned(),
            Self::BestTime { one_in: 1 } => "a window in every event".to_owned(),
            Self::BestTime { one_in } => format!("a window in one event of {one_in}"),
            Self::Cancels => "cancels that came before".to_owned(),
            Self::Digests => "digests of one type".to_owned(),
        }
    }

    /// What switches it on, as variables of the environment.
    fn settings(self, now: DateTime<Utc>) -> Vec<(String, String)> {
        let types = || IncentiveType::ALL.map(|kind| kind.as_str().to_uppercase());
        let fixed = |settings: &[(&str, &str)]| {
            let settings = settings.iter();
            settings
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<Vec<_>>()
        };
        match self {
            Self::Preferences | Self::Cancels => Vec::new(),
            Self::QuietHours => {
                let hours = quiet_hours(now)
                    .map_or_else(String::new, |hours| format!("{}-{}", hours.from(), hours.to()));
                let segment = format!("INQ_QUIET__SEGMENTS__{}", SEGMENT.to_uppercase());
                let of_types = types().map(|kind| format!("INQ_QUIET__TYPES__{kind}"));
                [segment, "INQ_QUIET__HOURS".to_owned()]
                    .into_iter()
                    .chain(of_types)
                    .map(|name| (name, hours.clone()))
                    .collect()
            }
            Self::Caps => {
                let mut settings = fixed(&[
                    ("INQ_CAPS__PER_DAY", "100"),
                    ("INQ_CAPS__PER_WINDOW", "200"),
                    ("INQ_CAPS__WINDOW", "7d"),
                ]);
                for kind in types() {
                    settings.push((format!("INQ_CAPS__TYPES__{kind}__PER_DAY"), "50".to_owned()));
                    settings.push((format!("INQ_CAPS__TYPES__{kind}__PER_WINDOW"), "100".to_owned()));
                }
                settings
            }
            Self::BestTime { .. } => fixed(&[("INQ_BEST_TIME__HALF_LIFE", "30d")]),
            Self::Digests => {
                let name = format!("INQ_DIGEST__WINDOWS__{}", GATHERED.as_str().to_uppercase());
                vec![(name, format!("{}s", WINDOW.as_secs()))]
            }
        }
    }
}

/// Hours that are quiet in none of the [`ZONES`] for at least four hours from now.
fn quiet_hours(now: DateTime<Utc>) -> Option<QuietHours> {
    let hour = |ahead: i64| {
        let at = now + TimeDelta::hours(ahead);
        NaiveTime::from_hms_opt(at.hour(), 0, 0)
    };
    QuietHours::new(hour(8)?, hour(16)?, WeekdaySet::ALL).ok()
}

/// Events and what the rules look at.
pub(super) struct Ruled<'a> {
    /// Keeps its events apart from those of other loads.
    pub name: &'a str,
    /// How many.
    pub events: u64,
    /// Those that are on.
    pub rules: &'a [Rule],
    /// When it begins.
    pub now: DateTime<Utc>,
}

/// What must be found once all of it is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    /// Rows whose readers do not want them.
    pub suppressed: u64,
    /// Rows that were called off.
    pub cancelled: u64,
    /// Rows whose moment was chosen.
    pub chosen: u64,
    /// Readers whose places are counted.
    pub counted: u64,
}

impl Ruled<'_> {
    fn has(&self, rule: Rule) -> bool {
        self.rules.contains(&rule)
    }

    /// What switches the rules on, as variables of the environment.
    pub(super) fn settings(&self) -> Vec<(String, String)> {
        self.rules
            .iter()
            .flat_map(|rule| rule.settings(self.now))
            .collect()
    }

    fn users(&self) -> u64 {
        let users = (self.events / EVENTS_EACH).max(1);
        users + u64::from(users.is_multiple_of(STRIDE))
    }

    fn user(&self, number: u64) -> u64 {
        1 + number * STRIDE % self.users()
    }

    /// Event number `number`.
    pub(super) fn event(&self, number: u64) -> Outgoing {
        let (_, mut event) = sample::event(self.name, small(number));
        // The other name, as long as the first, is nobody's.
        let field = if self.has_window(number) {
            "deliver_between"
        } else {
            "deliver_anytime"
        };
        let window = [-1, 23].map(|hours| time::format(&(self.now + TimeDelta::hours(hours))));
        event[field] = json!({ "from": window[0], "to": window[1] });
        load::for_user(self.user(number), event)
    }

    fn has_window(&self, number: u64) -> bool {
        let types = IncentiveType::ALL.len() as u64;
        self.rules
            .iter()
            .any(|rule| matches!(rule, Rule::BestTime { one_in } if (number / types).is_multiple_of(*one_in)))
    }

    fn has_opted_out(&self, user: u64) -> bool {
        self.has(Rule::Preferences) && user.is_multiple_of(OPTED_OUT)
    }

    fn is_called_off(&self, number: u64) -> bool {
        self.has(Rule::Cancels) && number.is_multiple_of(CALLED_OFF)
    }

    /// What each reader has said.
    pub(super) fn preferences(&self) -> Vec<PreferenceChange> {
        if !self.has(Rule::Preferences) {
            return Vec::new();
        }
        (1..=self.users())
            .map(|user| self.preference(user).into())
            .collect()
    }

    fn preference(&self, user: u64) -> Preference {
        let own_hours = self.has(Rule::QuietHours) && user.is_multiple_of(2);
        Preference {
            user_id: id(user),
            language: Some("pt-BR".to_owned()),
            timezone: Some(zone(user).to_owned()),
            quiet_hours: own_hours.then(|| quiet_hours(self.now)).flatten(),
            opted_out_types: if self.has_opted_out(user) {
                IncentiveType::ALL.map(IncentiveType::as_str).into()
            } else {
                BTreeSet::new()
            },
            max_per_day: self.has(Rule::Caps).then_some(100),
            segments: if user.is_multiple_of(3) {
                BTreeSet::from([SEGMENT.to_owned()])
            } else {
                BTreeSet::new()
            },
            updated_at: self.now - TimeDelta::days(1),
        }
    }

    /// In which hours each reader opens, and all of them.
    pub(super) fn habits(&self) -> Vec<(i64, Habit)> {
        if !self
            .rules
            .iter()
            .any(|rule| matches!(rule, Rule::BestTime { .. }))
        {
            return Vec::new();
        }
        let (own, all) = OPENINGS;
        let parts = (-PARTS..0).map(|part| (part, part.unsigned_abs(), all));
        let users = (1..=self.users()).map(|user| (id(user), user, own));
        parts
            .chain(users)
            .map(|(row, user, times)| (row, self.habit(zone(user), times)))
            .collect()
    }

    /// Openings in this hour and the two that follow it, so that no other is better before the second of them.
    fn habit(&self, zone: &str, times: u32) -> Habit {
        let mut habit = Habit::default();
        for hours_ago in [24, 23, 22] {
            for _ in 0..times {
                habit.learn(&Opening {
                    at: self.now - TimeDelta::hours(hours_ago),
                    timezone: Some(zone.to_owned()),
                    half_life: Duration::from_hours(30 * 24),
                });
            }
        }
        habit
    }

    /// The cancels that came before their events.
    pub(super) fn cancels(&self) -> Vec<Cancellation> {
        let called_off = (0..self.events).filter(|number| self.is_called_off(*number));
        called_off
            .flat_map(|number| {
                let in_vain = (0..IN_VAIN).map(move |which| format!("{number}-{which}"));
                let events = std::iter::once(number.to_string()).chain(in_vain);
                events.map(move |event| Cancellation {
                    event_id: format!("sample-{}-{event}", self.name),
                    user_id: id(self.user(number)),
                    occurred_at: Some(self.now),
                    reason: Some("The order was returned".to_owned()),
                })
            })
            .collect()
    }

    /// What must be found once all events are stored.
    pub(super) fn expected(&self) -> Expected {
        let count =
            |which: &dyn Fn(u64) -> bool| (0..self.events).filter(|number| which(*number)).count() as u64;
        let opted_out = |number: u64| self.has_opted_out(self.user(number));
        let gathers = |number: u64| sample::kind(small(number)) == GATHERED && !self.has_window(number);
        let counts = |number: u64| self.has(Rule::Caps) || self.has(Rule::Digests) && gathers(number);
        let counted: BTreeSet<u64> = (0..self.events)
            .filter(|number| counts(*number) && !opted_out(*number))
            .map(|number| self.user(number))
            .collect();
        Expected {
            suppressed: count(&opted_out),
            cancelled: count(&|number| self.is_called_off(number) && !opted_out(number)),
            chosen: count(&|number| self.has_window(number) && !opted_out(number)),
            counted: counted.len() as u64,
        }
    }
}

fn small(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn zone(user: u64) -> &'static str {
    let place = user % ZONES.len() as u64;
    usize::try_from(place).map_or(ZONES[0], |place| ZONES[place])
}

fn id(user: u64) -> i64 {
    i64::try_from(user).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;
    use crate::contract::{EventMessage, IncentiveEvent, Priority};
    use crate::schedule::{Basis, BestTime, Leaving, QuietPolicy, Waiting};

    fn ruled(rules: &[Rule]) -> Ruled<'_> {
        Ruled {
            name: "test",
            events: 10_000,
            rules,
            now: "2026-01-15T22:40:00Z".parse().unwrap(),
        }
    }

    fn read(event: &Outgoing) -> IncentiveEvent {
        match EventMessage::decode(event.payload.as_deref(), 10_000) {
            Ok(EventMessage::Notify(event)) => event,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn events_are_as_long_with_rules_as_without_and_for_the_same_readers() {
        let (with, without) = (ruled(&Rule::EVERY), ruled(&[]));
        let mut windows = 0;
        for number in 0..with.events {
            let (event, plain) = (with.event(number), without.event(number));
            let length = |event: &Outgoing| event.payload.as_ref().map(Vec::len);
            assert_eq!(length(&event), length(&plain));
            assert_eq!(event.key, plain.key);
            let (event, plain) = (read(&event), read(&plain));
            assert_eq!(event.incentive_type, plain.incentive_type);
            assert_eq!(plain.deliver_between, None);
            windows += u64::from(event.deliver_between.is_some());
        }
        // Of one reader in a hundred nothing is chosen.
        let chosen = with.expected().chosen;
        assert!((950..=1_050).contains(&windows), "{windows}");
        assert!(chosen < windows && windows - chosen < 50, "{chosen} of {windows}");
    }

    #[test]
    fn without_rules_nothing_is_set_stored_or_expected() {
        let without = ruled(&[]);
        assert!(without.settings().is_empty() && without.preferences().is_empty());
        assert!(without.habits().is_empty() && without.cancels().is_empty());
        let expected = without.expected();
        let none = Expected {
            suppressed: 0,
            cancelled: 0,
            chosen: 0,
            counted: 0,
        };
        assert_eq!(expected, none);
    }

    #[test]
    fn each_reader_has_ten_events() {
        let load = ruled(&[]);
        let mut events = vec![0; 1_001];
        for number in 0..load.events {
            events[usize::try_from(load.user(number)).unwrap()] += 1;
        }
        assert!(events[1..].iter().all(|count| *count == 10));
    }

    #[test]
    fn no_reader_is_left_alone_within_four_hours_and_no_moment_is_put_off_within_one() {
        let load = ruled(&Rule::EVERY);
        let hours = quiet_hours(load.now).unwrap();
        let settings = format!("quiet.hours = \"{}-{}\"", hours.from(), hours.to());
        let quiet = QuietPolicy::from(&Settings::from_toml(&settings).unwrap().quiet);
        let habits = load.habits();
        let mut everybody = Habit::default();
        for (_, part) in habits.iter().filter(|(row, _)| *row < 0) {
            everybody.add(part);
        }
        for user in 1..=12 {
            let preference = load.preference(user);
            for minutes in [0, 30, 110, 235] {
                let at = load.now + TimeDelta::minutes(minutes);
                let leaving = Leaving {
                    incentive_type: IncentiveType::PointEarning,
                    priority: Priority::new(0).unwrap(),
                    at,
                    timezone: None,
                    preference: Some(&preference),
                };
                assert_eq!(quiet.hold(&leaving), None, "{user} after {minutes} minutes");
            }
            let (_, own) = habits.iter().find(|(row, _)| *row == id(user)).unwrap();
            for minutes in [0, 30, 60] {
                let at = load.now + TimeDelta::minutes(minutes);
                let waiting = Waiting {
                    user_id: id(user),
                    window: read(&load.event(0)).deliver_between.unwrap(),
                    not_before: None,
                    expires_at: None,
                    timezone: preference.timezone.as_deref(),
                    own,
                    everybody: &everybody,
                };
                let best = BestTime::choose(&waiting, at, |at| at);
                assert_eq!(
                    (best.at, best.basis),
                    (at, Basis::Own),
                    "{user} after {minutes} minutes"
                );
            }
        }
    }
}
