use chrono::{Datelike, Days, NaiveDateTime, NaiveTime, Timelike, Weekday, WeekdaySet};
use proptest::prelude::*;

use super::*;

fn clock(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

fn daily(from: &str, to: &str) -> QuietHours {
    QuietHours::new(clock(from), clock(to), WeekdaySet::ALL).unwrap()
}

fn on(from: &str, to: &str, days: &[Weekday]) -> QuietHours {
    QuietHours::new(clock(from), clock(to), days.iter().copied().collect()).unwrap()
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn assert_allowed(hours: &QuietHours, zone: Tz, at: &str, expected: &str) {
    let found = next_allowed(hours, moment(at), zone);
    assert_eq!(found, moment(expected), "{at} in {zone}, {hours:?}");
}

#[test]
fn a_range_across_midnight_ends_in_the_morning() {
    let night = daily("22:00", "07:00");
    let berlin = chrono_tz::Europe::Berlin;
    assert_allowed(
        &night,
        berlin,
        "2026-01-15T20:59:59.999Z",
        "2026-01-15T20:59:59.999Z",
    );
    assert_allowed(&night, berlin, "2026-01-15T21:00:00Z", "2026-01-16T06:00:00Z");
    assert_allowed(&night, berlin, "2026-01-16T05:59:59.999Z", "2026-01-16T06:00:00Z");
    assert_allowed(&night, berlin, "2026-01-16T06:00:00Z", "2026-01-16T06:00:00Z");
}

#[test]
fn a_range_belongs_to_the_day_on_which_it_begins() {
    let friday = on("22:00", "10:00", &[Weekday::Fri]);
    let utc = chrono_tz::UTC;
    // 2026-01-16 is a Friday.
    assert_allowed(&friday, utc, "2026-01-16T09:00:00Z", "2026-01-16T09:00:00Z");
    assert_allowed(&friday, utc, "2026-01-17T09:00:00Z", "2026-01-17T10:00:00Z");
    assert_allowed(&friday, utc, "2026-01-17T22:00:00Z", "2026-01-17T22:00:00Z");
}

#[test]
fn from_and_to_the_same_time_is_a_whole_day_and_days_can_follow_each_other() {
    let weekend = on("00:00", "00:00", &[Weekday::Sat, Weekday::Sun]);
    let kathmandu = chrono_tz::Asia::Kathmandu;
    // Saturday, 12:00 in Kathmandu, five hours and three quarters ahead.
    assert_allowed(
        &weekend,
        kathmandu,
        "2026-01-17T06:15:00Z",
        "2026-01-18T18:15:00Z",
    );
}

#[test]
fn a_night_with_a_changed_clock_is_shorter_or_longer() {
    let night = daily("22:00", "07:00");
    let berlin = chrono_tz::Europe::Berlin;
    assert_allowed(&night, berlin, "2026-03-28T21:00:00Z", "2026-03-29T05:00:00Z");
    assert_allowed(&night, berlin, "2026-10-24T20:00:00Z", "2026-10-25T06:00:00Z");
}

#[test]
fn an_end_that_the_clock_skips_is_where_it_goes_on() {
    // 02:00 becomes 03:00 at 01:00 UTC.
    assert_allowed(
        &daily("22:00", "02:30"),
        chrono_tz::Europe::Berlin,
        "2026-03-29T00:30:00Z",
        "2026-03-29T01:00:00Z",
    );
}

#[test]
fn a_doubled_hour_is_quiet_twice() {
    let berlin = chrono_tz::Europe::Berlin;
    // 03:00 becomes 02:00 at 01:00 UTC; the end at 02:30 is shown at 00:30 and at 01:30 UTC.
    let night = daily("22:00", "02:30");
    assert_allowed(&night, berlin, "2026-10-25T00:10:00Z", "2026-10-25T00:30:00Z");
    assert_allowed(&night, berlin, "2026-10-25T01:10:00Z", "2026-10-25T01:30:00Z");
    // Set back out of the quiet hours: the clock shows 02:00, which is before them.
    assert_allowed(
        &daily("02:30", "07:00"),
        berlin,
        "2026-10-25T00:45:00Z",
        "2026-10-25T01:00:00Z",
    );
}

#[test]
fn a_day_that_never_was_holds_nobody() {
    // Apia went from Thursday, 29 December 2011 straight to Saturday.
    assert_allowed(
        &on("20:00", "09:00", &[Weekday::Thu]),
        chrono_tz::Pacific::Apia,
        "2011-12-30T07:00:00Z",
        "2011-12-30T10:00:00Z",
    );
}

/// The same said otherwise: whether any range of the days around holds the local time.
fn is_quiet(hours: &Asked, local: NaiveDateTime) -> bool {
    let (from, to, days) = hours;
    (0..=1).any(|back| {
        let day = local.date() - Days::new(back);
        let last = if to > from { day } else { day + Days::new(1) };
        days.contains(day.weekday()) && (day.and_time(*from)..last.and_time(*to)).contains(&local)
    })
}

type Asked = (NaiveTime, NaiveTime, WeekdaySet);

const ZONES: [Tz; 10] = [
    chrono_tz::Europe::Berlin,
    chrono_tz::America::Sao_Paulo,
    chrono_tz::America::New_York,
    chrono_tz::Australia::Lord_Howe,
    chrono_tz::Pacific::Apia,
    chrono_tz::Africa::Casablanca,
    chrono_tz::Asia::Kathmandu,
    chrono_tz::Asia::Gaza,
    chrono_tz::Antarctica::Troll,
    chrono_tz::UTC,
];

/// Moments of these zones at which the clocks are set, so that not only quiet weeks are tried.
const CHANGES: [&str; 10] = [
    "2026-03-29T01:00:00Z",
    "2026-10-25T01:00:00Z",
    "2018-11-04T03:00:00Z",
    "2019-02-17T02:00:00Z",
    "2026-03-08T07:00:00Z",
    "2026-04-04T15:00:00Z",
    "2026-10-03T15:30:00Z",
    "2011-12-30T10:00:00Z",
    "2026-02-15T02:00:00Z",
    "2026-03-22T02:00:00Z",
];

fn asked() -> impl Strategy<Value = (QuietHours, Asked)> {
    let minute = || (0_u32..24, 0_u32..60).prop_map(|(h, m)| NaiveTime::from_hms_opt(h, m, 0).unwrap());
    (minute(), minute(), 1_u8..128, any::<bool>()).prop_filter_map(
        "nothing would leave",
        |(from, to, bits, whole)| {
            let to = if whole { from } else { to };
            let days = (0..7_u8)
                .filter(|day| bits >> day & 1 == 1)
                .filter_map(|day| Weekday::try_from(day).ok())
                .collect();
            Some((QuietHours::new(from, to, days).ok()?, (from, to, days)))
        },
    )
}

fn moments() -> impl Strategy<Value = DateTime<Utc>> {
    const WEEK: i64 = 7 * 86_400_000;
    let near = (0..CHANGES.len(), -172_800_000_i64..172_800_000)
        .prop_map(|(which, away)| moment(CHANGES[which]) + Duration::milliseconds(away));
    let any = (0_i64..52 * 40 * WEEK)
        .prop_map(|millis| moment("1999-12-31T00:00:00Z") + Duration::milliseconds(millis));
    prop_oneof![near, any]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn it_is_the_first_minute_that_is_not_quiet(
        (hours, said) in asked(),
        at in moments(),
        zone in prop::sample::select(&ZONES[..]),
    ) {
        let found = next_allowed(&hours, at, zone);
        let local = |at: DateTime<Utc>| at.with_timezone(&zone).naive_local();
        prop_assert!(found >= at, "earlier than asked");
        prop_assert!(!is_quiet(&said, local(found)), "inside");
        prop_assert!(found == at || found.second() == 0 && found.nanosecond() == 0, "within a minute");
        // Minute by minute, and the last moment of each.
        let mut before = at;
        while before < found {
            prop_assert!(is_quiet(&said, local(before)), "{before} would have done");
            let minute = before.timestamp().div_euclid(60) + 1;
            let next = DateTime::from_timestamp(minute * 60, 0).unwrap();
            prop_assert!(is_quiet(&said, local(next - Duration::milliseconds(1))), "{next} would have done");
            before = next;
        }
    }

    #[test]
    fn what_is_allowed_stays_as_it_is(
        (hours, _) in asked(),
        at in moments(),
        zone in prop::sample::select(&ZONES[..]),
    ) {
        let allowed = next_allowed(&hours, at, zone);
        prop_assert_eq!(next_allowed(&hours, allowed, zone), allowed);
    }
}
