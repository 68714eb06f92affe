use chrono::SubsecRound;
use proptest::prelude::*;

use super::*;
use crate::config::Settings;
use crate::contract::{Preference, Priority};

fn policy(toml: &str) -> CapPolicy {
    let settings = Settings::from_toml(toml).unwrap();
    CapPolicy::new(&settings.caps, &settings.quiet)
}

fn moment(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn leaving(at: DateTime<Utc>) -> Leaving<'static> {
    Leaving {
        incentive_type: IncentiveType::PointEarning,
        priority: Priority::new(1).unwrap(),
        at,
        timezone: Some("Europe/Berlin"),
        preference: None,
    }
}

fn of_type(kind: IncentiveType, leaving: Leaving<'_>) -> Leaving<'_> {
    Leaving {
        incentive_type: kind,
        ..leaving
    }
}

fn taken(kind: IncentiveType, times: &[&str]) -> Places {
    let mut places = Places::default();
    for time in times {
        places.take(kind, moment(time));
    }
    places
}

/// Until when it waits; `None`: there is a place where it was to leave.
fn waits(policy: &CapPolicy, leaving: &Leaving<'_>, taken: &Places) -> Option<DateTime<Utc>> {
    match policy.place(leaving, taken) {
        Place::Free => None,
        Place::Later(capped) => capped.until,
        Place::Nowhere(capped) => panic!("no place: {capped:?}"),
    }
}

#[test]
fn nothing_is_counted_without_a_cap() {
    let policy = policy("");
    assert!(!policy.counts(&leaving(Utc::now())));
    assert_eq!(
        policy.place(&leaving(Utc::now()), &Places::default()),
        Place::Free
    );
}

#[test]
fn what_is_over_the_cap_of_a_day_waits_for_the_next_day_on_the_readers_wall() {
    let policy = policy("caps.per_day = 2");
    let now = leaving(moment("2026-01-15T20:00:00Z"));
    let one = taken(IncentiveType::StreakReward, &["2026-01-15T08:00:00Z"]);
    assert_eq!(waits(&policy, &now, &one), None);
    // The first moment of the 15th and the last of the 14th in Berlin.
    let places = [
        "2026-01-14T23:00:00Z",
        "2026-01-14T22:59:59.999Z",
        "2026-01-15T08:00:00Z",
    ];
    let two = taken(IncentiveType::StreakReward, &places);
    assert_eq!(waits(&policy, &now, &two), Some(moment("2026-01-15T23:00:00Z")));
    // The next day is full, too.
    let mut four = two.clone();
    for time in ["2026-01-16T10:00:00Z", "2026-01-16T11:00:00Z"] {
        four.take(IncentiveType::PointEarning, moment(time));
    }
    assert_eq!(waits(&policy, &now, &four), Some(moment("2026-01-16T23:00:00Z")));
}

#[test]
fn a_day_with_a_changed_clock_is_a_day() {
    let policy = policy("caps.per_day = 1");
    for (taken_at, at, until) in [
        // 23 hours long, and 25.
        (
            "2026-03-28T23:00:00Z",
            "2026-03-29T12:00:00Z",
            "2026-03-29T22:00:00Z",
        ),
        (
            "2026-10-24T22:00:00Z",
            "2026-10-25T12:00:00Z",
            "2026-10-25T23:00:00Z",
        ),
    ] {
        let places = taken(IncentiveType::PointEarning, &[taken_at]);
        assert_eq!(waits(&policy, &leaving(moment(at)), &places), Some(moment(until)));
    }
}

#[test]
fn a_window_is_any_span_of_its_length() {
    let policy = policy("caps.per_window = 2\ncaps.window = \"1h\"");
    let places = taken(
        IncentiveType::PointEarning,
        &[
            "2026-01-15T10:00:00Z",
            "2026-01-15T10:30:00Z",
            "2026-01-15T11:20:00Z",
        ],
    );
    for (at, until) in [
        ("2026-01-15T09:30:00Z", None),
        ("2026-01-15T09:30:00.001Z", Some("2026-01-15T11:30:00Z")),
        ("2026-01-15T10:45:00Z", Some("2026-01-15T11:30:00Z")),
        ("2026-01-15T11:30:00Z", None),
    ] {
        let found = waits(&policy, &leaving(moment(at)), &places);
        assert_eq!(found, until.map(moment), "{at}");
    }
}

#[test]
fn of_several_full_caps_the_one_is_told_that_holds_it_longest() {
    let policy = policy("caps.per_day = 2\ncaps.per_window = 3\ncaps.window = \"36h\"");
    let times = [
        "2026-01-15T10:00:00Z",
        "2026-01-15T11:00:00Z",
        "2026-01-15T23:00:00Z",
    ];
    let places = taken(IncentiveType::PointEarning, &times);
    let Place::Later(capped) = policy.place(&leaving(moment("2026-01-15T12:00:00Z")), &places) else {
        panic!("there is a place");
    };
    assert_eq!(capped.until, Some(moment("2026-01-16T22:00:00Z")));
    assert_eq!(
        (&capped.detail()["per"], &capped.detail()["limit"]),
        (&json!("36h"), &json!(3))
    );
}

#[test]
fn a_type_has_caps_of_its_own_beside_those_on_all() {
    let policy = policy("caps.per_day = 3\ncaps.types.point_earning.per_day = 1");
    let now = leaving(moment("2026-01-15T12:00:00Z"));
    let other = of_type(IncentiveType::StreakReward, now);
    let places = taken(IncentiveType::PointEarning, &["2026-01-15T08:00:00Z"]);
    assert_eq!(waits(&policy, &other, &places), None);
    let Place::Later(capped) = policy.place(&now, &places) else {
        panic!("a place");
    };
    let detail = capped.detail();
    assert_eq!(
        Value::Object(detail),
        json!({
            "rule": "cap", "of": "settings", "limit": 1, "per": "day", "scope": "point_earning", "taken": 1,
            "timezone": "Europe/Berlin", "due_at": "2026-01-15T12:00:00.000Z",
            "held_until": "2026-01-15T23:00:00.000Z",
        })
    );
}

#[test]
fn a_readers_own_number_goes_before_that_of_the_settings() {
    let preference = |most: u16| {
        let said = json!({ "user_id": 1, "updated_at": "2026-01-01T00:00:00Z", "max_per_day": most });
        Preference::decode(Some(said.to_string().as_bytes()), 10_000).unwrap()
    };
    let places = taken(
        IncentiveType::PointEarning,
        &["2026-01-15T08:00:00Z", "2026-01-15T09:00:00Z"],
    );
    let now = leaving(moment("2026-01-15T12:00:00Z"));
    for (settings, own, is_free) in [
        ("caps.per_day = 2", None, false),
        ("caps.per_day = 2", Some(3), true),
        ("caps.per_day = 5", Some(2), false),
        ("", Some(2), false),
        ("", Some(3), true),
    ] {
        let own = own.map(preference);
        let now = Leaving {
            preference: own.as_ref(),
            ..now
        };
        let place = policy(settings).place(&now, &places);
        assert_eq!(place == Place::Free, is_free, "{settings}, {own:?}: {place:?}");
    }
    let none = preference(0);
    let never = Leaving {
        preference: Some(&none),
        ..now
    };
    assert!(matches!(
        policy("").place(&never, &Places::default()),
        Place::Nowhere(_)
    ));
}

#[test]
fn a_segments_caps_go_before_those_of_the_settings_and_after_the_readers_own() {
    const SETTINGS: &str = "caps.per_day = 2\ncaps.per_window = 2\ncaps.window = \"24h\"\n\
                            [caps.segments]\n\"b many\" = \"4 per day\"\na = \"none\"\nfew = \"1 per day, 3 per window\"";
    let reader = |segments: &[&str], own: Option<u16>| {
        let said = json!({
            "user_id": 1, "updated_at": "2026-01-01T00:00:00Z", "segments": segments, "max_per_day": own,
        });
        Preference::decode(Some(said.to_string().as_bytes()), 10_000).unwrap()
    };
    let now = moment("2026-01-15T12:00:00Z");
    // Of the cap that is full with so many taken: whose it is, and how many it allows.
    let full = |settings: &str, reader: &Preference, already: usize| {
        let mut places = Places::default();
        for hour in 1..=already {
            places.take(
                IncentiveType::PointEarning,
                now - Duration::minutes(i64::try_from(hour).unwrap()),
            );
        }
        let leaving = Leaving {
            preference: Some(reader),
            ..leaving(now)
        };
        match policy(settings).place(&leaving, &places) {
            Place::Free => None,
            Place::Later(capped) | Place::Nowhere(capped) => {
                let detail = capped.detail();
                let said = |name: &str| detail.get(name).and_then(Value::as_str).map(str::to_owned);
                Some((
                    said("of").unwrap(),
                    said("segment"),
                    detail["limit"].as_u64().unwrap(),
                ))
            }
        }
    };
    let of = |whose: &str, segment: Option<&str>, limit| {
        Some((whose.to_owned(), segment.map(str::to_owned), limit))
    };
    for (segments, own, already, expected) in [
        (&[][..], None, 2, of("settings", None, 2)),
        (&["elsewhere"], None, 2, of("settings", None, 2)),
        (&["b many"], None, 3, None),
        (&["b many"], None, 4, of("segment", Some("b many"), 4)),
        (&["few"], None, 1, of("segment", Some("few"), 1)),
        (&["b many", "a"], None, 9, None),
        (&["few", "b many"], None, 3, None),
        (&["b many"], Some(1), 1, of("user", None, 1)),
        (&["a"], Some(1), 1, of("user", None, 1)),
        (&["few"], Some(9), 3, of("segment", Some("few"), 3)),
    ] {
        let found = full(SETTINGS, &reader(segments, own), already);
        assert_eq!(found, expected, "{segments:?} {own:?} {already}");
    }
    let with_type = format!("caps.types.point_earning.per_day = 1\n{SETTINGS}");
    assert_eq!(
        full(&with_type, &reader(&["a"], None), 1),
        of("settings", None, 1),
        "caps on one type stand beside"
    );
    let only = policy("caps.segments.vip = \"1 per day\"");
    assert!(!only.counts(&leaving(now)), "nobody else is counted");
}

#[test]
fn what_is_urgent_is_neither_counted_nor_stopped() {
    let policy = policy("caps.per_day = 1");
    let urgent = Leaving {
        priority: Priority::new(3).unwrap(),
        ..leaving(moment("2026-01-15T12:00:00Z"))
    };
    assert!(!policy.counts(&urgent));
}

#[test]
fn what_is_over_is_dropped_where_the_settings_say_so() {
    let policy = policy("caps.per_day = 1\ncaps.over = \"drop\"");
    let places = taken(IncentiveType::PointEarning, &["2026-01-15T08:00:00Z"]);
    let Place::Nowhere(capped) = policy.place(&leaving(moment("2026-01-15T12:00:00Z")), &places) else {
        panic!("no place");
    };
    assert_eq!(capped.until, None);
    assert!(!capped.detail().contains_key("held_until"));
}

#[test]
fn nobody_waits_for_longer_than_a_month() {
    let policy = policy("caps.per_day = 1");
    let mut places = Places::default();
    let now = moment("2026-01-15T12:00:00Z");
    for day in 0..30 {
        places.take(IncentiveType::PointEarning, now + Duration::days(day));
    }
    assert_eq!(
        waits(&policy, &leaving(now), &places),
        Some(moment("2026-02-13T23:00:00Z"))
    );
    places.take(IncentiveType::PointEarning, now + Duration::days(30));
    assert!(matches!(policy.place(&leaving(now), &places), Place::Nowhere(_)));
}

#[test]
fn a_place_in_quiet_hours_is_none() {
    let policy = policy("caps.per_day = 1\nquiet.hours = \"22:00-07:00\"");
    let places = taken(IncentiveType::PointEarning, &["2026-01-15T08:00:00Z"]);
    let now = leaving(moment("2026-01-15T12:00:00Z"));
    let Place::Later(capped) = policy.place(&now, &places) else {
        panic!("a place");
    };
    assert_eq!(capped.until, Some(moment("2026-01-16T06:00:00Z")));
    let quiet = &capped.detail()["held"];
    assert_eq!(
        (&quiet["rule"], &quiet["due_at"], &quiet["held_until"]),
        (
            &json!("quiet_hours"),
            &json!("2026-01-15T23:00:00.000Z"),
            &json!("2026-01-16T06:00:00.000Z")
        ),
        "both rules are named"
    );
}

const ZONES: [&str; 6] = [
    "Europe/Berlin",
    "America/Sao_Paulo",
    "Pacific/Apia",
    "Asia/Kathmandu",
    "America/St_Johns",
    "UTC",
];

/// Clocks are set within a week after them.
const BEGINNINGS: [&str; 6] = [
    "2026-03-26T00:00:00Z",
    "2026-10-23T00:00:00Z",
    "2018-11-01T00:00:00Z",
    "2019-02-14T00:00:00Z",
    "2011-12-27T00:00:00Z",
    "2007-11-01T00:00:00Z",
];

#[derive(Clone, Debug)]
struct Case {
    begin: DateTime<Utc>,
    zone: &'static str,
    per_day: usize,
    per_window: usize,
    window_minutes: i64,
    is_quiet: bool,
    asked_minutes: Vec<i64>,
}

fn cases() -> impl Strategy<Value = Case> {
    (
        prop::sample::select(&BEGINNINGS[..]),
        prop::sample::select(&ZONES[..]),
        0_usize..4,
        0_usize..4,
        1_i64..3 * 1440,
        any::<bool>(),
        prop::collection::vec(0_i64..5 * 1440, 1..9),
    )
        .prop_map(
            |(begin, zone, per_day, per_window, window_minutes, is_quiet, asked_minutes)| Case {
                begin: moment(begin),
                zone,
                per_day,
                per_window,
                window_minutes,
                is_quiet,
                asked_minutes,
            },
        )
}

impl Case {
    fn policy(&self) -> CapPolicy {
        let quiet = if self.is_quiet {
            "quiet.hours = \"21:30-08:15\""
        } else {
            ""
        };
        policy(&format!(
            "caps.per_day = {}\ncaps.per_window = {}\ncaps.window = \"{}m\"\n{quiet}",
            self.per_day, self.per_window, self.window_minutes
        ))
    }

    fn local(&self, at: DateTime<Utc>) -> chrono::NaiveDateTime {
        at.with_timezone(&self.zone.parse::<Tz>().unwrap()).naive_local()
    }

    /// The same said otherwise: whether a set of due times keeps to the caps.
    fn is_kept(&self, due: &[DateTime<Utc>]) -> bool {
        let window = Duration::minutes(self.window_minutes);
        due.iter().all(|one| {
            let of_day = due
                .iter()
                .filter(|other| self.local(**other).date() == self.local(*one).date());
            let of_window = due
                .iter()
                .filter(|other| *one <= **other && **other < *one + window);
            (self.per_day == 0 || of_day.count() <= self.per_day)
                && (self.per_window == 0 || of_window.count() <= self.per_window)
        })
    }

    fn is_allowed(&self, due: &[DateTime<Utc>], at: DateTime<Utc>) -> bool {
        let clock = self.local(at).format("%H:%M").to_string();
        let quiet = self.is_quiet && ("21:30" <= clock.as_str() || clock.as_str() < "08:15");
        !quiet && self.is_kept(&[due, &[at]].concat())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_cap_is_never_exceeded_and_nobody_waits_longer_than_they_must(case in cases()) {
        let policy = case.policy();
        let (mut places, mut due) = (Places::default(), Vec::new());
        for minutes in &case.asked_minutes {
            let asked = case.begin + Duration::minutes(*minutes);
            let leaving = Leaving { timezone: Some(case.zone), ..leaving(asked) };
            let at = match policy.place(&leaving, &places) {
                Place::Free => asked,
                Place::Later(capped) => capped.until.expect("a place"),
                Place::Nowhere(capped) => return Err(TestCaseError::fail(format!("{capped:?}"))),
            };
            prop_assert!(at >= asked, "earlier than asked");
            if at > asked {
                prop_assert!(case.is_allowed(&due, at), "{at} is not allowed");
                let mut before = asked;
                // What is free where it was to leave is so whether its reader is left alone then or not.
                prop_assert!(!case.is_kept(&[due.as_slice(), &[asked]].concat()), "{asked} was free");
                before += Duration::minutes(1);
                while before < at {
                    prop_assert!(!case.is_allowed(&due, before), "{before} would have done, not {at}");
                    before += Duration::minutes(97);
                }
                let last = (at - Duration::milliseconds(1)).max(asked).trunc_subsecs(3);
                prop_assert!(last == asked || !case.is_allowed(&due, last), "{last} would have done");
            }
            due.push(at);
            prop_assert!(case.is_kept(&due), "{due:?}");
            places.take(IncentiveType::PointEarning, at);
        }
    }

    #[test]
    fn what_is_forgotten_changes_nothing(case in cases()) {
        let policy = case.policy();
        let (mut all, mut kept) = (Places::default(), Places::default());
        let mut asked = case.asked_minutes.clone();
        asked.sort_unstable();
        for minutes in asked {
            let now = case.begin + Duration::minutes(minutes);
            kept.forget_before(now - policy.memory());
            let leaving = Leaving { timezone: Some(case.zone), ..leaving(now) };
            let place = policy.place(&leaving, &all);
            prop_assert_eq!(&place, &policy.place(&leaving, &kept));
            let at = match place {
                Place::Later(capped) => capped.until.unwrap_or(now),
                Place::Free | Place::Nowhere(_) => now,
            };
            all.take(IncentiveType::PointEarning, at);
            kept.take(IncentiveType::PointEarning, at);
        }
    }
}
