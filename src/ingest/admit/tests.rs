use std::collections::BTreeMap;

use chrono::Duration;
use proptest::prelude::*;

use super::super::rehearsal::Rehearsal;
use super::*;
use crate::contract::Digest;
use crate::localize::arguments;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + Duration::days(20_000) + Duration::seconds(seconds)
}

fn event(id: usize, points: i64, more: &str) -> String {
    format!(
        r#"{{"event_id":"{id}","user_id":1,"incentive_type":"point_earning","incentive_data":{{"points_earned":{points}}}{more}}}"#
    )
}

const HOUR: &str = "digest.windows.point_earning = \"1h\"";

fn parts(digest: &NewNotification) -> Vec<String> {
    let digest = Digest::read(&digest.incentive_data).expect("a digest");
    digest.parts().iter().map(|part| part.event_id.clone()).collect()
}

#[test]
fn the_second_makes_a_digest_of_the_first_in_its_own_words() {
    let mut day = Rehearsal::new(HOUR, "");
    assert_eq!(day.comes(&event(1, 250, ""), at(0)), Some(Fate::Admitted));
    assert_eq!(day.rows["1"].scheduled_at, Some(at(3600)));
    let second = event(
        2,
        500,
        r#","priority":2,"language":"de","timezone":"Europe/Berlin""#,
    );
    assert_eq!(day.comes(&second, at(1800)), Some(Fate::Digested));
    let digest = day.rows["1"].digest_event_id.clone().expect("a digest");
    assert_eq!(day.rows["2"].digest_event_id.as_ref(), Some(&digest));
    assert_eq!(
        day.rows["2"].scheduled_at,
        Some(at(3600)),
        "it is kept as long as its digest"
    );
    let digest = &day.rows[&digest];
    assert_eq!(
        (digest.status, digest.scheduled_at),
        (Status::Pending, Some(at(3600)))
    );
    assert_eq!((digest.priority.get(), digest.language.as_str()), (2, "de"));
    assert_eq!(digest.timezone.as_deref(), Some("Europe/Berlin"));
    assert!(digest.message_title.contains("750"), "{}", digest.message_title);
    assert!(digest.event_id.starts_with("digest-") && digest.event_id.len() == 39);
}

#[test]
fn what_comes_after_it_has_left_begins_anew() {
    let mut day = Rehearsal::new(HOUR, "");
    day.comes(&event(1, 1, ""), at(0));
    assert_eq!(day.comes(&event(2, 1, ""), at(3600)), Some(Fate::Admitted));
    assert_eq!(day.rows["1"].status, Status::Pending);
    assert_eq!(day.rows["2"].scheduled_at, Some(at(7200)));
}

#[test]
fn nothing_joins_what_leaves_in_its_own_quiet_hours() {
    let mut day = Rehearsal::new(&format!("quiet.hours = \"06:00-18:00\"\n{HOUR}"), "");
    // At noon in London it is two at night in Honolulu, and at seven in the evening nine in the morning.
    let noon = at(12 * 3600);
    let event = |id, zone| event(id, 1, &format!(r#","timezone":"{zone}""#));
    assert_eq!(day.comes(&event(1, "UTC"), noon), Some(Fate::Admitted));
    assert_eq!(day.rows["1"].scheduled_at, Some(at(19 * 3600)));
    assert_eq!(
        day.comes(&event(2, "Pacific/Honolulu"), noon),
        Some(Fate::Admitted)
    );
    assert_eq!(day.rows["2"].scheduled_at, Some(at(13 * 3600)));
    assert_eq!(
        day.comes(&event(3, "Pacific/Honolulu"), noon),
        Some(Fate::Digested)
    );
    assert_eq!(day.rows["1"].status, Status::Pending);
}

#[test]
fn an_event_that_comes_again_after_its_row_was_removed_begins_another_digest() {
    let mut day = Rehearsal::new(HOUR, "");
    day.comes(&event(1, 1, ""), at(0));
    day.comes(&event(2, 1, ""), at(0));
    let digest = day.rows["1"].digest_event_id.clone();
    day.rows.remove("1");
    let later = 8 * 86_400;
    day.comes(&event(1, 1, ""), at(later));
    day.comes(&event(3, 1, ""), at(later));
    assert!(day.rows["3"].digest_event_id.is_some());
    assert_ne!(day.rows["3"].digest_event_id, digest);
}

#[test]
fn what_is_not_gathered_leaves_alone() {
    let mut day = Rehearsal::new(HOUR, "");
    for (id, more) in [
        (1, r#","expires_at":"2099-01-01T00:00:00Z""#),
        (2, r#","priority":3"#),
        (3, r#","scheduled_at":"2099-01-01T00:00:00Z""#),
        (
            4,
            r#","deliver_between":{"from":"2098-01-01T00:00:00Z","to":"2098-01-02T00:00:00Z"}"#,
        ),
    ] {
        assert_eq!(day.comes(&event(id, 1, more), at(0)), None, "{more}");
    }
    for own in [r#","message_title":"Bravo""#, r#","message_body":"Three trips!""#] {
        assert_eq!(
            day.comes(&event(6, 1, own), at(0)),
            None,
            "nobody would read {own}"
        );
    }
    let mut bonuses = Rehearsal::new("digest.windows.bonus_opportunity = \"1h\"", "");
    let coded = r#"{"event_id":"c","user_id":1,"incentive_type":"bonus_opportunity","priority":0,
        "incentive_data":{"rewards":{"discount_codes":["SAVE10"]}}}"#;
    assert_eq!(bonuses.comes(coded, at(0)), None, "nobody would be told the code");
    assert!(bonuses.comes(&coded.replace("SAVE10", " "), at(0)).is_some());
    assert_eq!(
        day.comes(&event(5, 1, r#","scheduled_at":"2000-01-01T00:00:00Z""#), at(0)),
        Some(Fate::Admitted)
    );
    let empty = r#","message_title":"","message_body":"""#;
    assert_eq!(day.comes(&event(7, 1, empty), at(0)), Some(Fate::Digested));
}

#[test]
fn what_a_part_leaves_behind_is_told_anew() {
    let mut day = Rehearsal::new(HOUR, "");
    for id in 1..=3 {
        day.comes(&event(id, 100, ""), at(0));
    }
    let digest = day.rows["1"].digest_event_id.clone().expect("a digest");
    let digest = day.rows[&digest].clone();
    let left = day.rules().without(digest, "2").expect("two are left");
    assert_eq!(parts(&left), ["1", "3"]);
    assert!(left.message_title.contains("200"), "{}", left.message_title);
    let left = day.rules().without(left, "1").expect("one is left");
    assert!(left.message_title.contains("100"), "{}", left.message_title);
    assert_eq!(day.rules().without(left, "3"), None);
}

#[test]
fn over_a_cap_what_waits_is_gathered_for_the_next_place() {
    let mut day = Rehearsal::new(
        "caps.per_window = 1\ncaps.window = \"1h\"\ncaps.over = \"digest\"",
        "",
    );
    assert_eq!(day.comes(&event(1, 1, ""), at(0)), Some(Fate::Admitted));
    assert_eq!(day.comes(&event(2, 10, ""), at(60)), Some(Fate::Waits));
    for id in 3..=5 {
        assert_eq!(day.comes(&event(id, 10, ""), at(120)), Some(Fate::Digested));
    }
    let digest = day.rows["2"].digest_event_id.clone().expect("a digest");
    let digest = &day.rows[&digest];
    assert_eq!((parts(digest).len(), digest.scheduled_at), (4, Some(at(3600))));
    let begun = &digest.beginning[0].detail;
    assert_eq!(
        (&begun["first"], &begun["over"]["rule"]),
        (&"2".into(), &"cap".into()),
        "the digest says why it is one"
    );
    let told = &day.rows["4"].beginning.last().expect("an entry").detail;
    assert_eq!(
        (&told["rule"], &told["over"]["rule"]),
        (&"digest".into(), &"cap".into())
    );
    // The digest has taken the place of its first part, and no other.
    assert_eq!(day.comes(&event(6, 10, ""), at(3700)), Some(Fate::Waits));
    assert_eq!(day.rows["6"].scheduled_at, Some(at(7200)));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever comes when: each event leaves alone, or is told of by the one digest that it names, which leaves no sooner than
    /// the event would have and no later than a window after; no digest has too many parts, and its points are theirs.
    #[test]
    fn each_event_is_told_of_once(
        gaps in proptest::collection::vec(0_i64..2000, 1..40), most in 2_usize..6,
    ) {
        let mut day = Rehearsal::new(&format!("{HOUR}\ndigest.max_parts = {most}"), "");
        let (mut now, mut came) = (0, BTreeMap::new());
        for (id, gap) in gaps.iter().enumerate() {
            now += gap;
            let points = i64::try_from(id).unwrap() + 1;
            day.comes(&event(id, points, ""), at(now));
            came.insert(id.to_string(), (now, points));
        }
        let mut told = BTreeMap::new();
        for digest in day.rows.values().filter(|row| row.event_id.starts_with("digest-")) {
            let parts = parts(digest);
            prop_assert!(parts.len() >= 2 && parts.len() <= most);
            let data = serde_json::from_str(&digest.incentive_data).unwrap();
            let points: i64 = parts.iter().map(|part| came[part].1).sum();
            #[allow(clippy::cast_precision_loss)]
            let points = points as f64;
            prop_assert_eq!(arguments::points(&data), Some(points));
            for part in parts {
                prop_assert_eq!(told.insert(part, digest), None);
            }
        }
        for (event, (came_at, _)) in &came {
            let row = &day.rows[event];
            let named = row.digest_event_id.as_ref();
            prop_assert_eq!(named, told.get(event).map(|digest| &digest.event_id));
            prop_assert_eq!(row.status == Status::Digested, named.is_some());
            let leaves = told.get(event).copied().unwrap_or(row);
            let due = leaves.scheduled_at.expect("a time");
            prop_assert!(due > at(*came_at) && due <= at(came_at + 3600));
        }
    }
}
