use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::contract::{IncentiveType, Priority};

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Of the afternoon of the 15th.
fn now() -> DateTime<Utc> {
    at("2026-01-15T12:00:00Z")
}

fn row(event_id: &str, status: Status) -> Notification {
    Notification {
        id: 7,
        event_id: event_id.to_owned(),
        user_id: 42,
        incentive_type: IncentiveType::PointEarning,
        notification_type: 86,
        priority: Priority::new(1).unwrap(),
        status,
        message_title: String::new(),
        message_body: String::new(),
        language: "en".to_owned(),
        variant: None,
        timezone: None,
        device_type: None,
        incentive_data: RawValue::from_string("{}".to_owned()).unwrap(),
        metrics_data: None,
        attempts: 0,
        claim_id: None,
        last_error: None,
        occurred_at: at("2026-01-15T08:00:00Z"),
        created_at: at("2026-01-15T08:00:01Z"),
        updated_at: at("2026-01-15T08:00:01Z"),
        scheduled_at: at("2026-01-16T06:00:00Z"),
        expires_at: None,
        sent_at: None,
        delivered_at: None,
        opened_at: None,
        clicked_at: None,
        dismissed_at: None,
        digest_event_id: None,
    }
}

fn in_berlin(status: Status) -> Notification {
    Notification {
        timezone: Some("Europe/Berlin".to_owned()),
        ..row("e", status)
    }
}

fn entry(kind: HistoryKind, detail: &Value) -> HistoryEntry {
    HistoryEntry {
        at: at("2026-01-15T09:00:00Z"),
        kind,
        attempt: 1,
        detail: detail.as_object().cloned().unwrap(),
    }
}

fn told(row: Notification, history: Vec<HistoryEntry>, beside: &Beside) -> ToldStory {
    let story = Story {
        notification: row,
        history,
    };
    ToldStory::told(story, beside, now())
}

fn alone(row: Notification, history: Vec<HistoryEntry>) -> ToldStory {
    told(row, history, &Beside::default())
}

/// What is said of an entry of a reader in Berlin.
fn words(kind: HistoryKind, detail: &Value) -> String {
    let story = alone(in_berlin(Status::Pending), vec![entry(kind, detail)]);
    story.timeline.last().unwrap().told.clone()
}

fn quiet() -> Value {
    json!({
        "rule": "quiet_hours", "of": "settings", "from": "22:00", "to": "07:00", "timezone": "Europe/Berlin",
        "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"],
        "due_at": "2026-01-15T21:30:00.000Z", "held_until": "2026-01-16T06:00:00.000Z",
    })
}

const NIGHT: &str = "held from 2026-01-15T21:30:00.000Z until 2026-01-16T06:00:00.000Z (2026-01-15 22:30 until 2026-01-16 07:00 in \
     Europe/Berlin): 22:00 to 07:00 are quiet hours of the settings in Europe/Berlin";

fn cap() -> Value {
    json!({
        "rule": "cap", "of": "user", "limit": 1, "per": "day", "scope": "all", "taken": 1, "timezone": "Europe/Berlin",
        "due_at": "2026-01-15T12:00:00.000Z", "held_until": "2026-01-16T06:00:00.000Z",
    })
}

const OVER: &str = "1 of at most 1 notifications of the day in Europe/Berlin were taken, a cap of the user";

#[test]
fn whatever_moved_or_ended_it_is_named_with_its_times_on_the_readers_wall() {
    let mut capped = cap();
    capped["held"] = quiet();
    for (kind, detail, expected) in [
        (HistoryKind::Held, quiet(), NIGHT.to_owned()),
        (
            HistoryKind::Held,
            capped,
            format!(
                "held from 2026-01-15T12:00:00.000Z until 2026-01-16T06:00:00.000Z (2026-01-15 13:00 until 2026-01-16 07:00 in \
                 Europe/Berlin): {OVER}, {NIGHT}"
            ),
        ),
        (
            HistoryKind::Held,
            json!({
                "rule": "digest", "window": "1h", "timezone": "Europe/Berlin", "due_at": "2026-01-15T12:00:00.000Z",
                "held_until": "2026-01-15T13:00:00.000Z", "held_until_local": "2026-01-15 14:00",
            }),
            "held from 2026-01-15T12:00:00.000Z until 2026-01-15T13:00:00.000Z (2026-01-15 13:00 until 2026-01-15 14:00 in \
             Europe/Berlin): others of its type are gathered with it for 1h"
                .to_owned(),
        ),
        (
            HistoryKind::Held,
            json!({
                "rule": "best_time", "of": "nothing", "from": "2026-01-15T12:00:00.000Z", "to": "2026-01-15T20:00:00.000Z",
                "hour": 21, "timezone": "Asia/Tokyo", "openings": 0.0, "of_openings": 0.0,
                "held_until": "2026-01-15T12:00:00.000Z",
            }),
            "due at 2026-01-15T12:00:00.000Z (2026-01-15 21:00 in Asia/Tokyo), the first moment that is allowed: no openings tell \
             a better one; its window, 2026-01-15T12:00:00.000Z to 2026-01-15T20:00:00.000Z (2026-01-15 21:00 to 2026-01-16 05:00 \
             in Asia/Tokyo)"
                .to_owned(),
        ),
        (
            HistoryKind::DeliveryFailed,
            json!({ "error_code": "busy", "retry_at": "2026-01-16T06:00:00.000Z", "held": quiet() }),
            format!(
                "attempt 1 failed (busy); the next one is due at 2026-01-16T06:00:00.000Z (2026-01-16 07:00 in Europe/Berlin), \
                 {NIGHT}"
            ),
        ),
        (
            HistoryKind::PublishFailed,
            json!({ "error": "too large", "retry_at": "2026-01-15T12:00:00.000Z" }),
            "attempt 1 was refused by the broker (too large); the next one is due at 2026-01-15T12:00:00.000Z (2026-01-15 13:00 in \
             Europe/Berlin)"
                .to_owned(),
        ),
        (
            HistoryKind::Expired,
            json!({ "rule": "expires_at", "expires_at": "2026-01-15T12:00:00.000Z", "due_at": "2026-01-15T12:00:00.000Z" }),
            "expired at 2026-01-15T12:00:00.000Z (2026-01-15 13:00 in Europe/Berlin) before it left: it was not due before"
                .to_owned(),
        ),
        (
            HistoryKind::Digested,
            json!({ "rule": "digest", "digest": "digest-1", "over": cap() }),
            format!(
                "told of by the digest digest-1, for at 2026-01-15T12:00:00.000Z (2026-01-15 13:00 in Europe/Berlin) {OVER}"
            ),
        ),
        (
            HistoryKind::PartCancelled,
            json!({ "rule": "digest", "by": "event", "parts": ["a", "b"] }),
            "tells of a, b no more: cancelled by events".to_owned(),
        ),
        (
            HistoryKind::Suppressed,
            json!({ "rule": "opted_out_types", "since": "2026-01-01T00:00:00.000Z" }),
            "not to be sent: the user has opted out of such notifications (preferences of 2026-01-01T00:00:00.000Z (2026-01-01 \
             01:00 in Europe/Berlin))"
                .to_owned(),
        ),
        (
            HistoryKind::Suppressed,
            json!({ "rule": "digest", "parts": ["b"] }),
            "not to be sent: events have cancelled all that it told of, at last b".to_owned(),
        ),
    ] {
        assert_eq!(words(kind, &detail), expected);
    }
}

#[test]
fn every_kind_has_words_of_its_own_and_those_of_who_was_forgotten_have_no_particulars() {
    let mut all = std::collections::BTreeSet::new();
    for kind in HistoryKind::ALL {
        let bare = json!({});
        assert!(all.insert(words(kind, &bare)), "{kind:?}");
        let forgotten = Notification {
            user_id: NOBODY,
            ..row("e", Status::Sent)
        };
        let story = alone(forgotten, vec![entry(kind, &bare)]);
        let told = &story.timeline.last().unwrap().told;
        assert_eq!(*told, format!("{}, attempt 1", kind.as_str().replace('_', " ")));
    }
}

#[test]
fn the_zone_is_that_of_the_row_then_of_a_rule_then_of_the_reader() {
    let of_rule = entry(
        HistoryKind::DeliveryFailed,
        &json!({ "held": { "timezone": "Asia/Tokyo" } }),
    );
    let preferred = Beside {
        timezone: Some("Asia/Kathmandu".to_owned()),
        ..Beside::default()
    };
    for (row, history, zone, local) in [
        (
            in_berlin(Status::Pending),
            vec![of_rule.clone()],
            Some("Europe/Berlin"),
            Some("2026-01-16 07:00"),
        ),
        (
            row("e", Status::Pending),
            vec![of_rule],
            Some("Asia/Tokyo"),
            Some("2026-01-16 15:00"),
        ),
        (
            row("e", Status::Pending),
            vec![],
            Some("Asia/Kathmandu"),
            Some("2026-01-16 11:45"),
        ),
    ] {
        let story = told(row, history, &preferred);
        assert_eq!(
            (
                story.reader_timezone.as_deref(),
                story.scheduled_at_local.as_deref()
            ),
            (zone, local)
        );
        assert_eq!(
            story.standing,
            format!(
                "waits until 2026-01-16T06:00:00.000Z ({} in {})",
                local.unwrap(),
                zone.unwrap()
            )
        );
    }
    let story = alone(row("e", Status::Pending), vec![]);
    assert_eq!((story.reader_timezone, story.scheduled_at_local), (None, None));
    assert_eq!(story.standing, "waits until 2026-01-16T06:00:00.000Z");
}

#[test]
fn local_times_stand_beside_what_was_stored_without_them() {
    let story = alone(
        in_berlin(Status::Pending),
        vec![entry(
            HistoryKind::DeliveryFailed,
            &json!({ "retry_at": "2026-01-16T06:00:00.000Z", "held": quiet() }),
        )],
    );
    let detail = &story.history[0].detail;
    assert_eq!(detail["retry_at_local"], "2026-01-16 07:00");
    assert_eq!(detail["held"]["due_at_local"], "2026-01-15 22:30");
    assert_eq!(story.timeline[0].at_local.as_deref(), Some("2026-01-15 09:00"));
}

#[test]
fn how_it_stands_says_why_it_has_not_arrived() {
    let failed = |attempts, status| Notification {
        attempts,
        last_error: Some("no_device".to_owned()),
        ..row("e", status)
    };
    let rule = |rule: &str| vec![entry(HistoryKind::Suppressed, &json!({ "rule": rule }))];
    let stands = |row, history| alone(row, history).standing;
    for (stands, expected) in [
        (
            stands(failed(2, Status::Failed), vec![]),
            "has failed after 2 attempts, and no other follows: no_device",
        ),
        (
            stands(failed(1, Status::Pending), vec![]),
            "waits until 2026-01-16T06:00:00.000Z: attempt 1 failed (no_device)",
        ),
        (
            stands(
                Notification {
                    scheduled_at: now(),
                    ..row("e", Status::Pending)
                },
                vec![],
            ),
            "is due, and leaves when its turn comes",
        ),
        (
            stands(
                Notification {
                    expires_at: Some(now()),
                    ..row("e", Status::Pending)
                },
                vec![],
            ),
            "will not leave any more: it expires at 2026-01-15T12:00:00.000Z, before it may",
        ),
        (
            stands(row("e", Status::Suppressed), rule("cap")),
            "is not to be sent: the user gets enough notifications without it",
        ),
        (
            stands(row("e", Status::Suppressed), rule("opted_out_types")),
            "is not to be sent: the user has opted out of such notifications",
        ),
        (stands(row("e", Status::Suppressed), vec![]), "is not to be sent"),
        (
            stands(row("e", Status::Sent), vec![]),
            "was published; the notification service has not reported yet",
        ),
        (
            stands(
                Notification {
                    opened_at: Some(now()),
                    ..row("e", Status::Sent)
                },
                vec![],
            ),
            "was delivered: the user has seen it",
        ),
        (
            stands(row("e", Status::Cancelled), vec![]),
            "was called off before it left",
        ),
    ] {
        assert_eq!(stands, expected);
    }
    assert_eq!(
        Listed::of(in_berlin(Status::Pending), now()).standing,
        alone(in_berlin(Status::Pending), vec![]).standing
    );
}

#[test]
fn a_part_names_its_digest_and_how_that_stands() {
    let part = || Notification {
        digest_event_id: Some("digest-1".to_owned()),
        ..in_berlin(Status::Digested)
    };
    assert_eq!(telling(&part()), Some("digest-1"));
    let taken_out = Notification {
        status: Status::Cancelled,
        ..part()
    };
    assert_eq!(telling(&taken_out), None);
    let beside = Beside {
        digest: Some(Notification {
            id: 9,
            ..row("digest-1", Status::Pending)
        }),
        ..Beside::default()
    };
    let story = told(part(), vec![], &beside);
    assert_eq!(
        story.standing,
        "is told of by the digest digest-1 (notification 9), which waits until 2026-01-16T06:00:00.000Z (2026-01-16 07:00 in \
         Europe/Berlin)"
    );
    assert_eq!(story.digest.map(|digest| digest.id), Some(9));
    assert_eq!(
        alone(part(), vec![]).standing,
        "is told of by the digest digest-1"
    );
}

/// As a digest has it, and as any event may say it.
fn digest_data() -> Box<RawValue> {
    let part = json!({ "event_id": "a", "points": 5, "occurred_at": "2026-01-15T08:00:00.000Z" });
    let data = json!({ "digest": { "count": 1, "parts": [part] } });
    RawValue::from_string(data.to_string()).unwrap()
}

#[test]
fn a_digest_is_what_the_service_has_begun_and_not_what_looks_like_one() {
    let looks_like_one = || Notification {
        incentive_data: digest_data(),
        ..row("digest-0123456789abcdef0123456789abcdef", Status::Pending)
    };
    let held = entry(HistoryKind::Held, &json!({ "rule": "digest", "window": "1h" }));
    assert_eq!(alone(looks_like_one(), vec![held]).parts, None);
    let begun =
        json!({ "rule": "digest", "first": "a", "held_until": "2026-01-16T06:00:00.000Z", "over": cap() });
    let story = alone(looks_like_one(), vec![entry(HistoryKind::Held, &begun)]);
    let parts = story.parts.unwrap();
    assert_eq!(
        parts
            .iter()
            .map(|part| part.event_id.as_str())
            .collect::<Vec<_>>(),
        ["a"]
    );
    assert_eq!(
        story.timeline.last().unwrap().told,
        format!(
            "begun with the event a and a second one, for at 2026-01-15T12:00:00.000Z (2026-01-15 13:00 in Europe/Berlin) {OVER}: \
             more is gathered until 2026-01-16T06:00:00.000Z (2026-01-16 07:00 in Europe/Berlin)"
        )
    );
    let emptied = alone(
        row("d", Status::Suppressed),
        vec![entry(HistoryKind::Held, &begun)],
    );
    assert_eq!(emptied.parts, Some(vec![]), "nothing is left of it");
}

#[test]
fn what_moved_the_first_part_has_moved_the_digest() {
    let begun = json!({ "rule": "digest", "first": "a", "held_until": "2026-01-16T06:00:00.000Z" });
    let beside = Beside {
        first: Some(Story {
            notification: row("a", Status::Digested),
            history: vec![
                entry(HistoryKind::Held, &quiet()),
                entry(HistoryKind::Digested, &json!({ "digest": "d" })),
            ],
        }),
        ..Beside::default()
    };
    let story = told(
        in_berlin(Status::Pending),
        vec![entry(HistoryKind::Held, &begun)],
        &beside,
    );
    let told: Vec<_> = story.timeline.iter().map(|moment| moment.told.as_str()).collect();
    let first = format!("its first part, a: {NIGHT}");
    assert_eq!(told[..3], ["the event occurred", "stored", first.as_str()]);
    assert_eq!(told.len(), 4, "{told:?}");
}

#[test]
fn each_attempt_is_published_once() {
    let published = json!({ "published_at": "2026-01-15T08:30:00.000Z" });
    let sent = || Notification {
        attempts: 1,
        sent_at: Some(at("2026-01-15T08:30:00Z")),
        ..row("e", Status::Sent)
    };
    let history = vec![
        entry(HistoryKind::Delivered, &published),
        entry(HistoryKind::Opened, &published),
    ];
    for history in [vec![], history] {
        let story = alone(sent(), history);
        let times = story
            .timeline
            .iter()
            .filter(|moment| moment.told == "attempt 1 was published");
        assert_eq!(times.count(), 1);
    }
}
