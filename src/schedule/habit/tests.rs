use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

const MONTH: Duration = Duration::from_hours(720);

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn opening(text: &str, zone: Option<&str>) -> Opening {
    Opening {
        at: at(text),
        timezone: zone.map(str::to_owned),
        half_life: MONTH,
    }
}

fn about(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-9
}

#[test]
fn an_opening_counts_in_the_hour_that_the_readers_clock_shows() {
    let mut habit = Habit::default();
    habit.learn(&opening("2026-01-15T17:30:00Z", Some("Europe/Berlin")));
    habit.learn(&opening("2026-01-15T17:30:00Z", Some("Asia/Kathmandu")));
    habit.learn(&opening("2026-01-15T17:30:00Z", None));
    for hour in [17, 18, 23] {
        assert!(about(habit.of_hour(hour), 1.0), "{hour}: {habit:?}");
    }
    assert!(about(habit.of_all(), 3.0));
}

#[test]
fn an_opening_counts_for_half_after_its_half_life() {
    let mut habit = Habit::default();
    habit.learn(&opening("2026-01-01T12:00:00Z", None));
    habit.learn(&opening("2026-01-31T12:00:00Z", None));
    assert!(about(habit.of_hour(12), 1.5), "{habit:?}");
    habit.fade(at("2026-03-02T12:00:00Z"), MONTH);
    assert!(about(habit.of_all(), 0.75));
    habit.fade(at("2026-01-01T00:00:00Z"), MONTH);
    assert!(about(habit.of_all(), 0.75), "nothing grows again");
}

#[test]
fn the_zone_is_that_of_the_newest_opening() {
    let mut habit = Habit::default();
    habit.learn(&opening("2026-01-02T12:00:00Z", Some("Europe/Berlin")));
    habit.learn(&opening("2026-01-01T12:00:00Z", Some("Asia/Tokyo")));
    assert_eq!(habit.timezone(), Some("Europe/Berlin"));
}

#[test]
fn what_is_written_is_read_as_the_same_to_a_thousandth() {
    let mut habit = Habit::default();
    for day in 1..=9 {
        habit.learn(&opening(
            &format!("2026-01-0{day}T12:34:56.789Z"),
            Some("Europe/Berlin"),
        ));
    }
    let zone = habit.timezone().map(str::to_owned);
    let read = Habit::read(&habit.text(), habit.as_of(), zone).expect("its own text");
    assert!((read.of_hour(13) - habit.of_hour(13)).abs() <= 0.0005);
    assert_eq!((read.as_of(), read.text()), (habit.as_of(), habit.text()));
    for foreign in ["", "[]", "[1]", "{}", &habit.text().replacen("0.0", "-1.0", 1)] {
        assert!(Habit::read(foreign, habit.as_of(), None).is_err(), "{foreign}");
    }
}

#[test]
fn own_openings_go_before_everybodys_once_there_are_some() {
    let (mut own, mut everybody) = (Habit::default(), Habit::default());
    let best = |own: &Habit, everybody: &Habit| {
        let scores = own.scores(everybody);
        (0..HOURS).max_by(|one, other| scores[*one].total_cmp(&scores[*other]))
    };
    assert_eq!(own.basis(&everybody), Basis::Nothing);
    for _ in 0..499 {
        everybody.learn(&opening("2026-01-15T09:30:00Z", None));
    }
    assert_eq!(own.basis(&everybody), Basis::Nothing, "too few to go by");
    everybody.learn(&opening("2026-01-15T09:30:00Z", None));
    assert_eq!(
        (own.basis(&everybody), best(&own, &everybody)),
        (Basis::Everybody, Some(9))
    );
    own.learn(&opening("2026-01-15T20:30:00Z", None));
    assert_eq!(own.basis(&everybody), Basis::Everybody);
    own.learn(&opening("2026-01-15T20:30:00Z", None));
    assert_eq!(
        (own.basis(&everybody), best(&own, &everybody)),
        (Basis::Own, Some(20))
    );
}

proptest! {
    #[test]
    fn in_whatever_order_openings_come_the_counts_are_the_same(
        mut seconds in prop::collection::vec(0_i64..20_000_000, 1..20),
        half_life in 1_u64..100,
    ) {
        let learned = |seconds: &[i64]| {
            let mut habit = Habit::default();
            for second in seconds {
                habit.learn(&Opening {
                    at: at("2026-01-01T00:00:00Z") + TimeDelta::seconds(*second),
                    timezone: Some("America/New_York".to_owned()),
                    half_life: Duration::from_hours(24 * half_life),
                });
            }
            habit
        };
        let one = learned(&seconds);
        seconds.reverse();
        let other = learned(&seconds);
        seconds.sort_unstable();
        let sorted = learned(&seconds);
        for hour in 0..HOURS {
            prop_assert!(about(one.of_hour(hour), other.of_hour(hour)));
            prop_assert!(about(one.of_hour(hour), sorted.of_hour(hour)));
        }
        prop_assert_eq!(one.as_of(), sorted.as_of());
    }
}
