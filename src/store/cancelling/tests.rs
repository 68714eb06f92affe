use proptest::prelude::*;

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds)
}

fn cancel(event: &str, user_id: i64) -> Waiting {
    Waiting {
        event_id: event.to_owned(),
        user_id,
        came_at: at(5),
        occurred_at: None,
        reason: Some("withdrawn".to_owned()),
    }
}

fn row(id: i64, event: &str, user_id: i64, status: Status) -> Target {
    Target {
        id,
        event_id: event.to_owned(),
        user_id,
        status,
        attempts: 1,
        digest_event_id: None,
    }
}

#[test]
fn what_waits_is_cancelled_and_nothing_else() {
    for status in Status::ALL {
        let orders = orders(&[cancel("a", 1)], &[row(7, "a", 1, status)], None);
        let outcome = match status {
            Status::Pending => CancelOutcome::Cancelled,
            Status::Cancelled => CancelOutcome::Repeat,
            _ => CancelOutcome::TooLate,
        };
        assert_eq!(orders.outcomes, [outcome], "{status}");
        assert_eq!(orders.cancel.is_empty(), status != Status::Pending, "{status}");
        let comes_back = matches!(status, Status::Processing | Status::Sent);
        assert_eq!(orders.mark.is_empty(), !comes_back, "{status}");
        assert_eq!(orders.told.is_empty(), status == Status::Cancelled, "{status}");
        assert_eq!(orders.met, ["a"], "{status}");
    }
}

#[test]
fn the_history_says_how_it_stood_and_why_it_was_called_off() {
    let told = orders(&[cancel("a", 1)], &[row(7, "a", 1, Status::Sent)], None)
        .told
        .remove(0);
    assert_eq!(
        (told.id, told.kind, told.attempt),
        (7, HistoryKind::CancelTooLate, 1)
    );
    assert_eq!(
        told.detail,
        r#"{"by":"event","reason":"withdrawn","requested_at":"1970-01-01T00:00:05.000Z","was":"sent"}"#
    );
}

#[test]
fn of_several_that_are_alike_one_is_news() {
    let said = |event: &str, user_id| Cancellation {
        event_id: event.to_owned(),
        user_id,
        occurred_at: None,
        reason: None,
    };
    let came = [
        said("b", 1),
        said("a", 1),
        said("b", 1),
        said("b", 2),
        said("b", 2),
        said("c", 1),
    ];
    let keys: Vec<_> = distinct(&came)
        .into_iter()
        .map(|cancel| (cancel.event_id.as_str(), cancel.user_id))
        .collect();
    assert_eq!(keys, [("a", 1), ("b", 1), ("b", 2), ("c", 1)]);
    // What came before, "c", is not among those that wait.
    let waiting = [cancel("a", 1), cancel("b", 1), cancel("b", 2)];
    let orders = orders(&waiting, &[row(7, "b", 1, Status::Pending)], None);
    assert_eq!(
        each(&came, &waiting, &orders.outcomes),
        [
            CancelOutcome::Cancelled,
            CancelOutcome::Remembered,
            CancelOutcome::Repeat,
            CancelOutcome::NotTheirs,
            CancelOutcome::NotTheirs,
            CancelOutcome::Repeat,
        ]
    );
}

fn statuses() -> impl Strategy<Value = Status> {
    proptest::sample::select(Status::ALL.to_vec())
}

proptest! {
    /// Whatever comes about whatever stands: a cancel touches its own user's notification alone, and only one that waits
    /// becomes cancelled.
    #[test]
    fn nobody_calls_off_what_is_anothers(
        cancels in prop::collection::btree_set((0..6_u8, 1..3_i64), 0..10),
        rows in prop::collection::btree_map(0..6_u8, (1..3_i64, statuses()), 0..6),
    ) {
        let waiting: Vec<_> = cancels.iter().map(|(event, user)| cancel(&event.to_string(), *user)).collect();
        let targets: Vec<_> = rows
            .iter()
            .map(|(event, (user, status))| row(i64::from(*event), &event.to_string(), *user, *status))
            .collect();
        let orders = orders(&waiting, &targets, None);
        prop_assert_eq!(orders.outcomes.len(), waiting.len());
        for (event, (user, status)) in &rows {
            let id = i64::from(*event);
            let wanted = cancels.contains(&(*event, *user));
            prop_assert_eq!(orders.cancel.contains(&id), wanted && *status == Status::Pending);
            prop_assert_eq!(
                orders.mark.contains(&id),
                wanted && matches!(status, Status::Processing | Status::Sent)
            );
            prop_assert_eq!(orders.met.contains(&event.to_string()), wanted);
            prop_assert!(orders.told.iter().filter(|told| told.id == id).count() <= 1);
        }
        let met = cancels.iter().filter(|(event, user)| rows.get(event).is_some_and(|row| row.0 == *user)).count();
        prop_assert_eq!(orders.met.len(), met);
    }
}

/// Tells how many parts there are, one for each character of the title.
struct Title;

impl Retelling for Title {
    fn without(&self, mut digest: NewNotification, event_id: &str) -> Option<NewNotification> {
        digest.message_title = digest.message_title.replace(event_id, "");
        (!digest.message_title.is_empty()).then_some(digest)
    }
}

#[test]
fn a_part_is_taken_out_of_a_digest_that_waits_and_of_no_other() {
    let part = |id, event| Target {
        digest_event_id: Some(if event == "z" { "left" } else { "waits" }.to_owned()),
        ..row(id, event, 1, Status::Digested)
    };
    let targets = [part(1, "a"), part(2, "b"), part(3, "c"), part(9, "z")];
    assert_eq!(digests_of(&targets), ["left", "waits"]);
    let digest = || NewNotification {
        event_id: "waits".to_owned(),
        user_id: 1,
        incentive_type: crate::contract::IncentiveType::PointEarning,
        notification_type: 86,
        priority: crate::contract::Priority::new(0).unwrap(),
        message_title: "abc".to_owned(),
        message_body: String::new(),
        incentive_data: "{}".to_owned(),
        occurred_at: at(0),
        scheduled_at: Some(at(60)),
        expires_at: None,
        language: "en".to_owned(),
        variant: None,
        timezone: None,
        device_type: None,
        traceparent: None,
        status: Status::Pending,
        digest_event_id: None,
        stands_alone: false,
        beginning: Vec::new(),
    };
    let called_off = |events: &[&str]| {
        let cancels: Vec<_> = events.iter().map(|event| cancel(event, 1)).collect();
        orders(
            &cancels,
            &targets,
            Some(Digests::new(vec![(7, digest())], &Title)),
        )
    };
    let some = called_off(&["a", "c", "z"]);
    assert_eq!(
        some.outcomes,
        [
            CancelOutcome::Cancelled,
            CancelOutcome::Cancelled,
            CancelOutcome::TooLate
        ]
    );
    assert_eq!(some.cancel, [1, 3]);
    let told: Vec<_> = some
        .rewrite
        .iter()
        .map(|(id, row)| (*id, row.message_title.as_str()))
        .collect();
    assert_eq!(told, [(7, "b")]);
    let told = some.told.iter().find(|told| told.id == 7).unwrap();
    let detail: serde_json::Value = serde_json::from_str(&told.detail).unwrap();
    assert_eq!(
        (told.kind, detail),
        (
            HistoryKind::PartCancelled,
            serde_json::json!({ "by": "event", "rule": "digest", "parts": ["a", "c"] })
        )
    );
    let all = called_off(&["a", "b", "c"]);
    assert_eq!(all.cancel, [1, 2, 3]);
    let told: Vec<_> = all.rewrite.iter().map(|(id, row)| (*id, row.status)).collect();
    assert_eq!(told, [(7, Status::Suppressed)]);
    assert_eq!(
        all.told.last().map(|told| (told.id, told.kind)),
        Some((7, HistoryKind::Suppressed))
    );
    let strangers = orders(
        &[cancel("a", 2)],
        &targets,
        Some(Digests::new(vec![(7, digest())], &Title)),
    );
    assert_eq!(
        (strangers.outcomes, strangers.rewrite),
        (vec![CancelOutcome::NotTheirs], vec![])
    );
}
