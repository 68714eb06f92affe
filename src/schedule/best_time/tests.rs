use std::time::Duration;

use proptest::prelude::*;

use super::super::Opening;
use super::*;
use crate::contract::{QuietHours, local_time};
use crate::schedule::next_allowed;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

/// A habit of so many openings in each of these hours of UTC.
fn habit(counts: &[(u32, u32)]) -> Habit {
    const FOR_EVER: Duration = Duration::from_hours(10_000_000);
    let mut habit = Habit::default();
    for (hour, count) in counts {
        for _ in 0..*count {
            habit.learn(&Opening {
                at: at("2026-01-01T00:30:00Z") + TimeDelta::hours(i64::from(*hour)),
                timezone: None,
                half_life: FOR_EVER,
            });
        }
    }
    habit
}

/// From nine to nine in the evening of the same day, for a reader in UTC.
fn waiting<'a>(own: &'a Habit, everybody: &'a Habit) -> Waiting<'a> {
    Waiting {
        user_id: 42,
        window: Window {
            from: at("2026-03-02T09:00:00Z"),
            to: at("2026-03-02T21:00:00Z"),
        },
        not_before: None,
        expires_at: None,
        timezone: None,
        own,
        everybody,
    }
}

const BEFORE: &str = "2026-03-01T00:00:00Z";

fn chosen(waiting: &Waiting<'_>) -> BestTime {
    BestTime::choose(waiting, at(BEFORE), |at| at)
}

/// In the first half of this hour of that day.
fn is_early_in(best: &BestTime, hour: u32) -> bool {
    let begin = at("2026-03-02T00:00:00Z") + TimeDelta::hours(i64::from(hour));
    begin <= best.at && best.at < begin + SPREAD
}

#[test]
fn without_openings_it_is_the_start_of_the_window() {
    let nobody = Habit::default();
    let best = chosen(&waiting(&nobody, &nobody));
    assert_eq!(
        (best.at, best.basis),
        (at("2026-03-02T09:00:00Z"), Basis::Nothing)
    );
}

#[test]
fn it_is_the_hour_in_which_the_reader_opens_most() {
    let (own, everybody) = (habit(&[(18, 12), (10, 8), (3, 30)]), habit(&[(12, 90)]));
    let best = chosen(&waiting(&own, &everybody));
    assert_eq!(best.basis, Basis::Own);
    assert!(is_early_in(&best, 18), "{best:?}");
    let detail = best.detail();
    for (name, value) in [
        ("rule", json!("best_time")),
        ("of", json!("own")),
        ("hour", json!(18)),
        ("timezone", json!("UTC")),
        ("openings", json!(12.0)),
        ("of_openings", json!(50.0)),
        ("from", json!("2026-03-02T09:00:00.000Z")),
        ("to", json!("2026-03-02T21:00:00.000Z")),
        ("held_until", json!(time::format(&best.at))),
    ] {
        assert_eq!(detail[name], value, "{name}");
    }
}

#[test]
fn who_has_no_habit_is_told_when_others_are() {
    let (own, everybody) = (Habit::default(), habit(&[(12, 900), (15, 600)]));
    let best = chosen(&waiting(&own, &everybody));
    assert_eq!(best.basis, Basis::Everybody);
    assert!(is_early_in(&best, 12), "{best:?}");
}

#[test]
fn readers_of_one_hour_are_not_told_all_at_once() {
    let own = habit(&[(18, 12)]);
    let moments: std::collections::BTreeSet<_> = (1..=100)
        .map(|user_id| {
            let waiting = Waiting {
                user_id,
                ..waiting(&own, &own)
            };
            let best = chosen(&waiting);
            assert!(is_early_in(&best, 18), "{best:?}");
            best.at
        })
        .collect();
    assert!(moments.len() > 80, "{}", moments.len());
}

#[test]
fn within_the_best_hour_it_leaves_at_once() {
    let own = habit(&[(18, 12)]);
    let now = at("2026-03-02T18:40:00.123456Z");
    let best = BestTime::choose(&waiting(&own, &own), now, |at| at);
    assert_eq!((best.at, best.basis), (now, Basis::Own));
}

#[test]
fn what_else_the_event_says_makes_the_window_narrower() {
    let own = habit(&[(10, 30), (14, 20), (18, 10)]);
    let later = Waiting {
        not_before: Some(at("2026-03-02T11:30:00Z")),
        ..waiting(&own, &own)
    };
    assert!(is_early_in(&chosen(&later), 14));
    let sooner = Waiting {
        expires_at: Some(at("2026-03-02T10:00:00Z")),
        ..waiting(&own, &own)
    };
    // An hour ahead of ten is the best that is left.
    assert!(is_early_in(&chosen(&sooner), 9));
    let now = at("2026-03-02T16:00:00Z");
    let best = BestTime::choose(&waiting(&own, &own), now, |at| at);
    assert!(is_early_in(&best, 18) || is_early_in(&best, 17), "{best:?}");
}

#[test]
fn a_window_that_has_passed_means_at_once() {
    let own = habit(&[(18, 12)]);
    let now = at("2026-03-05T00:00:00Z");
    let best = BestTime::choose(&waiting(&own, &own), now, |at| at);
    assert_eq!((best.at, best.basis), (now, Basis::Late));
    let unwanted = Waiting {
        expires_at: Some(at("2026-03-02T08:00:00Z")),
        ..waiting(&own, &own)
    };
    let best = chosen(&unwanted);
    assert_eq!((best.at, best.basis), (at("2026-03-02T09:00:00Z"), Basis::Late));
}

#[test]
fn the_clock_is_the_events_then_the_one_that_results_have_told() {
    let mut own = Habit::default();
    own.learn(&Opening {
        at: at("2026-01-15T17:30:00Z"),
        timezone: Some("Europe/Berlin".to_owned()),
        half_life: Duration::from_hours(720),
    });
    own.learn(&Opening {
        at: at("2026-01-15T17:30:00Z"),
        timezone: Some("Europe/Berlin".to_owned()),
        half_life: Duration::from_hours(720),
    });
    // Eighteen in Berlin.
    assert!(is_early_in(&chosen(&waiting(&own, &own)), 17));
    let in_athens = Waiting {
        timezone: Some("Europe/Athens"),
        ..waiting(&own, &own)
    };
    assert!(is_early_in(&chosen(&in_athens), 16));
}

#[test]
fn an_hour_that_the_clock_skips_is_not_there_and_one_that_it_shows_twice_is_there_twice() {
    let berlin: Tz = "Europe/Berlin".parse().expect("a zone");
    let hours = |from, to| -> Vec<usize> {
        let stretches = stretches(at(from), at(to), berlin);
        stretches.iter().map(|stretch| stretch.hour).collect()
    };
    assert_eq!(
        hours("2026-03-28T23:30:00Z", "2026-03-29T02:30:00Z"),
        [0, 1, 3, 4]
    );
    assert_eq!(hours("2026-10-24T23:00:00Z", "2026-10-25T02:00:00Z"), [1, 2, 2]);
    // Half an hour back at two: one is shown again from the half on.
    let lord_howe: Tz = "Australia/Lord_Howe".parse().expect("a zone");
    let stretches = stretches(at("2026-04-04T14:00:00Z"), at("2026-04-04T16:30:00Z"), lord_howe);
    let hours: Vec<_> = stretches.iter().map(|stretch| stretch.hour).collect();
    assert_eq!(hours, [1, 1, 2]);
}

fn any_zone() -> impl Strategy<Value = Tz> {
    prop::sample::select(chrono_tz::TZ_VARIANTS.as_slice())
}

fn any_quiet() -> impl Strategy<Value = QuietHours> {
    let clock = (0_u32..24, 0_u32..60)
        .prop_map(|(hour, minute)| local_time(&format!("{hour:02}:{minute:02}")).expect("a time"));
    (clock.clone(), clock, 1_u8..128).prop_filter_map("quiet hours that end", |(from, to, days)| {
        let days = (0..7)
            .filter(|day| days & (1 << day) != 0)
            .filter_map(|day| crate::contract::day(["mon", "tue", "wed", "thu", "fri", "sat", "sun"][day]))
            .collect();
        QuietHours::new(from, to, days).ok()
    })
}

prop_compose! {
    fn any_habit()(counts in prop::collection::vec((0_u32..24, 1_u32..30), 0..5)) -> Habit {
        habit(&counts)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn it_is_within_the_window_and_quiet_only_where_all_of_it_is(
        start in 1_700_000_000_i64..1_900_000_000,
        seconds in 1_i64..7 * 86_400,
        ahead in -100_000_i64..100_000,
        user_id in 1_i64..1000,
        zone in any_zone(),
        quiet in any_quiet(),
        own in any_habit(),
        everybody in any_habit(),
    ) {
        let moment = |second| DateTime::from_timestamp(second, 0).expect("a time");
        let window = Window { from: moment(start), to: moment(start + seconds) };
        let waiting = Waiting {
            user_id,
            window,
            timezone: Some(zone.name()),
            ..waiting(&own, &everybody)
        };
        let now = moment(start + ahead);
        let allowed = |at| next_allowed(&quiet, at, zone);
        let best = BestTime::choose(&waiting, now, allowed);
        prop_assert_eq!(&best, &BestTime::choose(&waiting, now, allowed), "it is always the same");
        let begin = window.from.max(now);
        match best.basis {
            Basis::Late => {
                prop_assert!(now >= window.to);
                prop_assert_eq!(best.at, now);
            }
            Basis::Quiet => {
                prop_assert_eq!(best.at, begin);
                prop_assert!(allowed(begin) >= window.to);
            }
            Basis::Nothing => prop_assert_eq!(best.at, allowed(begin)),
            Basis::Own | Basis::Everybody => {}
        }
        if !matches!(best.basis, Basis::Late | Basis::Quiet) {
            prop_assert!(begin <= best.at && best.at < window.to);
            prop_assert_eq!(allowed(best.at), best.at);
            prop_assert_eq!(local_hour(best.at, zone), best.hour);
        }
    }
}
