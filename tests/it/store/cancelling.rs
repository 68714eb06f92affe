//! Events that are called off: in every order, whatever became of their rows.

use std::sync::Arc;
use std::time::Duration;

use inq::contract::{Cancellation, DeliveryResult, ResultStatus};
use inq::store::{
    CancelOutcome, Change, Ended, Filter, HistoryKind, Inserted, NewNotification, PublishFailure, Status,
    Verdict,
};
use serde_json::{Map, Value};

use super::digests::Gathering;
use super::{Bench, HOUR, due, expired, ids, now, on_every_database, row};

on_every_database! {
    what_waits_is_called_off,
    a_cancel_before_its_event_is_remembered,
    a_cancel_and_its_event_meet_whoever_stores_first,
    a_repeated_cancel_adds_nothing,
    what_has_ended_stays_as_it_is,
    what_is_in_a_claim_stays_there_and_does_not_leave_again,
    what_is_published_all_the_same_is_sent,
    a_refused_publish_is_not_repeated,
    a_failed_delivery_is_not_repeated,
    nobody_calls_off_what_is_anothers,
    a_person_may_send_it_all_the_same,
    many_are_called_off_at_once,
    cancels_are_forgotten_in_the_end,
    events_of_cancels_are_told_apart_byte_by_byte,
    what_expires_before_its_next_attempt_ends_when_it_expires,
}

fn cancel_of(event_id: &str) -> Cancellation {
    Cancellation {
        event_id: event_id.to_owned(),
        user_id: 42,
        occurred_at: Some(now()),
        reason: Some("the points were \"taken\" back".to_owned()),
    }
}

impl Bench {
    async fn cancel(&self, cancellations: &[Cancellation]) -> Vec<CancelOutcome> {
        self.store
            .cancel(cancellations, Arc::new(Gathering))
            .await
            .expect("an answer")
    }

    async fn cancel_one(&self, event_id: &str) -> CancelOutcome {
        let outcomes = self.cancel(&[cancel_of(event_id)]).await;
        assert_eq!(outcomes.len(), 1);
        outcomes[0]
    }

    async fn kinds(&self, event_id: &str) -> Vec<HistoryKind> {
        self.history(event_id)
            .await
            .iter()
            .map(|entry| entry.kind)
            .collect()
    }
}

async fn what_waits_is_called_off(bench: Bench) {
    bench
        .insert(&[due("a", 1, 1), due("ahead", 1, -60), due("b", 1, 1)])
        .await;
    for event in ["a", "ahead"] {
        let before = now();
        assert_eq!(bench.cancel_one(event).await, CancelOutcome::Cancelled);
        let row = bench.row(event).await;
        assert_eq!((row.status, row.attempts), (Status::Cancelled, 0));
        assert!(row.updated_at >= before - chrono::Duration::minutes(1));
        let history = bench.history(event).await;
        assert_eq!(history.len(), 1);
        assert_eq!(history[0].kind, HistoryKind::Cancelled);
        let detail = &history[0].detail;
        assert_eq!(
            (&detail["by"], &detail["was"]),
            (&"event".into(), &"pending".into())
        );
        assert_eq!(detail["reason"], "the points were \"taken\" back");
        assert!(detail["requested_at"].is_string() && detail["occurred_at"].is_string());
    }
    assert_eq!(super::events(&bench.claim(10).await), ["b"]);
    assert_eq!(bench.cancel(&[]).await, []);
}

async fn a_cancel_before_its_event_is_remembered(bench: Bench) {
    assert_eq!(bench.cancel_one("a").await, CancelOutcome::Remembered);
    assert_eq!(bench.cancel_one("a").await, CancelOutcome::Remembered);
    let stored = bench.insert(&[row("a"), row("b")]).await;
    assert_eq!(
        stored,
        Inserted {
            inserted: 2,
            cancelled: 1,
            ..Inserted::default()
        }
    );
    assert_eq!(bench.row("a").await.status, Status::Cancelled);
    assert_eq!(bench.kinds("a").await, [HistoryKind::Cancelled]);
    // Redelivered, one and the other.
    assert_eq!(bench.insert(&[row("a")]).await.cancelled, 0);
    assert_eq!(bench.cancel_one("a").await, CancelOutcome::Repeat);
    assert_eq!(bench.kinds("a").await, [HistoryKind::Cancelled]);
    assert_eq!(super::events(&bench.claim(10).await), ["b"]);
}

async fn a_cancel_and_its_event_meet_whoever_stores_first(bench: Bench) {
    let events: Vec<String> = (0..60).map(|number| format!("event-{number}")).collect();
    let rows: Vec<NewNotification> = events.iter().map(|event| row(event)).collect();
    let cancels: Vec<Cancellation> = events.iter().rev().map(|event| cancel_of(event)).collect();
    let mut parties = Vec::new();
    for part in 0..6 {
        let (storer, rows) = (bench.clone(), rows[part * 10..][..10].to_vec());
        parties.push(tokio::spawn(async move {
            for row in rows {
                storer.insert(&[row]).await;
            }
        }));
        let (canceller, cancels) = (bench.clone(), cancels[part * 10..][..10].to_vec());
        parties.push(tokio::spawn(async move {
            for pair in cancels.chunks(2) {
                canceller.cancel(pair).await;
            }
        }));
    }
    for party in parties {
        party.await.expect("a party");
    }
    for event in &events {
        assert_eq!(bench.row(event).await.status, Status::Cancelled, "{event}");
        assert_eq!(bench.kinds(event).await, [HistoryKind::Cancelled], "{event}");
    }
}

async fn a_repeated_cancel_adds_nothing(bench: Bench) {
    bench.insert_events(&["a"]).await;
    let other = Cancellation {
        reason: None,
        ..cancel_of("a")
    };
    assert_eq!(
        bench
            .cancel(&[cancel_of("a"), other.clone(), cancel_of("b")])
            .await,
        [
            CancelOutcome::Cancelled,
            CancelOutcome::Repeat,
            CancelOutcome::Remembered
        ]
    );
    assert_eq!(bench.cancel(&[other]).await, [CancelOutcome::Repeat]);
    assert_eq!(bench.kinds("a").await, [HistoryKind::Cancelled]);

    bench.sent("c").await;
    assert_eq!(bench.cancel_one("c").await, CancelOutcome::TooLate);
    assert_eq!(bench.cancel_one("c").await, CancelOutcome::Repeat);
    assert_eq!(bench.kinds("c").await, [HistoryKind::CancelTooLate]);
}

async fn what_has_ended_stays_as_it_is(bench: Bench) {
    bench.sent("sent").await;
    bench.insert(&[expired("expired", 1)]).await;
    assert!(bench.try_claim(10).await.is_none());
    let suppressed = NewNotification {
        status: Status::Suppressed,
        ..row("suppressed")
    };
    bench.insert(&[suppressed, row("failed")]).await;
    let claim = bench.claim(1).await;
    let failed = [PublishFailure {
        notification_id: claim.rows[0].id,
        retry_in: None,
        error: "refused".to_owned(),
    }];
    let ended = bench.store.give_back(claim.id, &[], &failed, &[]).await;
    assert_eq!(ended.expect("an answer"), Ended::Done);
    for status in [Status::Sent, Status::Expired, Status::Suppressed, Status::Failed] {
        let event = status.as_str();
        assert_eq!(bench.cancel_one(event).await, CancelOutcome::TooLate, "{event}");
        assert_eq!(bench.row(event).await.status, status);
        let history = bench.history(event).await;
        let last = history.last().expect("an entry");
        assert_eq!(
            (last.kind, &last.detail["was"]),
            (HistoryKind::CancelTooLate, &event.into())
        );
    }
    bench.insert_events(&["by hand"]).await;
    let changed = bench
        .store
        .change(&Filter::default(), Change::Cancel, "a test", 0, 10)
        .await;
    assert_eq!(changed.expect("an answer").changed, 1);
    assert_eq!(bench.cancel_one("by hand").await, CancelOutcome::Repeat);
    assert_eq!(bench.kinds("by hand").await, [HistoryKind::Cancelled]);
}

async fn what_is_in_a_claim_stays_there_and_does_not_leave_again(bench: Bench) {
    for recovered in [false, true] {
        let (off, on) = (format!("off {recovered}"), format!("on {recovered}"));
        bench.insert_events(&[&off, &on]).await;
        let claim = bench.claim(10).await;
        assert_eq!(bench.cancel_one(&off).await, CancelOutcome::TooLate);
        let row = bench.row(&off).await;
        assert_eq!((row.status, row.claim_id), (Status::Processing, Some(claim.id)));
        let ended = bench.store.release(claim.id, &ids(&claim), recovered).await;
        assert_eq!(ended.expect("an answer"), Ended::Done);
        let row = bench.row(&off).await;
        assert_eq!(
            (row.status, row.attempts, row.claim_id),
            (Status::Cancelled, 0, None)
        );
        let history = bench.history(&off).await;
        let last = history.last().expect("an entry");
        assert_eq!(
            (last.kind, &last.detail["by"]),
            (HistoryKind::Cancelled, &"event".into())
        );
        assert!(
            last.detail["requested_at"]
                .as_str()
                .is_some_and(|at| at.ends_with('Z') && at.len() == 24)
        );
        assert_eq!(history.len(), if recovered { 3 } else { 2 });
        let again = bench.claim(10).await;
        assert_eq!(super::events(&again), [on.as_str()]);
        let settled = bench.store.settle(again.id, &ids(&again), false).await;
        assert_eq!(settled.expect("an answer"), Ended::Done);
        assert_eq!(bench.cancel_one(&off).await, CancelOutcome::Repeat);
    }
}

async fn what_is_published_all_the_same_is_sent(bench: Bench) {
    bench.insert_events(&["a"]).await;
    let claim = bench.claim(1).await;
    assert_eq!(bench.cancel_one("a").await, CancelOutcome::TooLate);
    let settled = bench.store.settle(claim.id, &ids(&claim), false).await;
    assert_eq!(settled.expect("an answer"), Ended::Done);
    assert_eq!(bench.row("a").await.status, Status::Sent);
    let history = bench.history("a").await;
    assert_eq!(history.len(), 1);
    assert_eq!(
        (history[0].kind, history[0].attempt, &history[0].detail["was"]),
        (HistoryKind::CancelTooLate, 1, &"processing".into())
    );
}

async fn a_refused_publish_is_not_repeated(bench: Bench) {
    bench.insert_events(&["off", "on", "released"]).await;
    let claim = bench.claim(10).await;
    let outcomes = bench.cancel(&[cancel_of("off"), cancel_of("released")]).await;
    assert_eq!(outcomes, [CancelOutcome::TooLate; 2]);
    let failure = |index: usize| PublishFailure {
        notification_id: claim.rows[index].id,
        retry_in: Some(Duration::ZERO),
        error: "refused".to_owned(),
    };
    let ended = bench
        .store
        .give_back(claim.id, &[], &[failure(0), failure(1)], &[claim.rows[2].id])
        .await;
    assert_eq!(ended.expect("an answer"), Ended::Done);
    let (off, released) = (bench.row("off").await, bench.row("released").await);
    assert_eq!((off.status, off.attempts), (Status::Cancelled, 1));
    assert_eq!((released.status, released.attempts), (Status::Cancelled, 0));
    assert_eq!(
        bench.kinds("off").await,
        [
            HistoryKind::CancelTooLate,
            HistoryKind::PublishFailed,
            HistoryKind::Cancelled
        ]
    );
    assert_eq!(bench.kinds("on").await, [HistoryKind::PublishFailed]);
    assert_eq!(super::events(&bench.claim(10).await), ["on"]);
}

async fn a_failed_delivery_is_not_repeated(bench: Bench) {
    let id = bench.sent("a").await;
    assert_eq!(bench.cancel_one("a").await, CancelOutcome::TooLate);
    let result = DeliveryResult {
        notification_id: id,
        attempt: 1,
        user_id: 42,
        status: ResultStatus::Failed,
        occurred_at: now(),
        retryable: true,
        error_code: None,
        error_message: None,
        retry_after_s: None,
        device_type: None,
        user_timezone: None,
        channel: None,
    };
    let decide = |row: Option<&mut inq::store::Standing>, _: &DeliveryResult| {
        let row = row.expect("a row");
        assert!(row.cancel_requested_at.is_some(), "it knows of the cancel");
        row.status = Status::Cancelled;
        Verdict::Applied {
            kind: HistoryKind::Cancelled,
            priority: row.priority,
            traceparent: None,
            detail: Map::from_iter([("by".to_owned(), Value::from("event"))]),
        }
    };
    let applied = bench.store.apply_results(vec![result], Arc::new(decide)).await;
    assert_eq!(applied.expect("applied").len(), 1);
    assert_eq!(bench.row("a").await.status, Status::Cancelled);
    assert_eq!(
        bench.kinds("a").await,
        [HistoryKind::CancelTooLate, HistoryKind::Cancelled]
    );
}

async fn nobody_calls_off_what_is_anothers(bench: Bench) {
    let strangers = |event: &str| Cancellation {
        user_id: 7,
        ..cancel_of(event)
    };
    bench.insert_events(&["a"]).await;
    for _ in 0..2 {
        assert_eq!(bench.cancel(&[strangers("a")]).await, [CancelOutcome::NotTheirs]);
    }
    // Whoever comes first takes nobody's place.
    assert_eq!(bench.cancel(&[strangers("b")]).await, [CancelOutcome::Remembered]);
    assert_eq!(bench.cancel(&[strangers("c")]).await, [CancelOutcome::Remembered]);
    assert_eq!(bench.cancel_one("c").await, CancelOutcome::Remembered);
    let stored = bench.insert(&[row("b"), row("c")]).await;
    assert_eq!((stored.cancelled, stored.foreign_cancels), (1, 2));
    for (event, status) in [
        ("a", Status::Pending),
        ("b", Status::Pending),
        ("c", Status::Cancelled),
    ] {
        assert_eq!(bench.row(event).await.status, status, "{event}");
    }
    assert_eq!(bench.history("a").await, []);
    assert_eq!(bench.history("b").await, []);
    assert_eq!(bench.cancel_one("a").await, CancelOutcome::Cancelled);
    assert_eq!(bench.insert(&[row("b")]).await.foreign_cancels, 0, "told once");
}

async fn a_person_may_send_it_all_the_same(bench: Bench) {
    bench.insert_events(&["waits", "returns"]).await;
    let claim = bench.claim(10).await;
    assert_eq!(bench.cancel_one("returns").await, CancelOutcome::TooLate);
    let released = bench.store.release(claim.id, &ids(&claim), false).await;
    assert_eq!(released.expect("an answer"), Ended::Done);
    assert_eq!(bench.cancel_one("waits").await, CancelOutcome::Cancelled);
    let retried = bench
        .store
        .change(&Filter::default(), Change::Retry, "a test", 0, 10)
        .await;
    assert_eq!(retried.expect("an answer").changed, 2);
    // Come back from a claim, they are what any other is.
    let claim = bench.claim(10).await;
    let released = bench.store.release(claim.id, &ids(&claim), false).await;
    assert_eq!(released.expect("an answer"), Ended::Done);
    assert_eq!(bench.claim(10).await.rows.len(), 2);
    // And the same cancel, read again, is an old one.
    assert_eq!(bench.cancel_one("returns").await, CancelOutcome::Repeat);
}

async fn many_are_called_off_at_once(bench: Bench) {
    let rows: Vec<_> = (0..1300)
        .map(|number| due(&format!("event-{number}"), 1, 1))
        .collect();
    let cancels: Vec<_> = rows.iter().map(|row| cancel_of(&row.event_id)).collect();
    bench.insert(&rows[..700]).await;
    let outcomes = bench.cancel(&cancels).await;
    let cancelled = |outcome: &&CancelOutcome| **outcome == CancelOutcome::Cancelled;
    assert_eq!(outcomes.iter().filter(cancelled).count(), 700);
    assert_eq!(outcomes.len(), 1300);
    assert_eq!(bench.insert(&rows).await.cancelled, 600);
    assert!(bench.try_claim(10).await.is_none());
}

async fn cancels_are_forgotten_in_the_end(bench: Bench) {
    bench.cancel(&["a", "b", "c"].map(cancel_of)).await;
    let aged = match bench.kind {
        "sqlite" => "strftime('%Y-%m-%d %H:%M:%f', came_at, '-2 hours')",
        _ => "came_at - INTERVAL 2 HOUR",
    };
    let text = format!("UPDATE incentive_notify_cancellations SET came_at = {aged} WHERE event_id <> 'c'");
    bench.database.execute(&text).await;
    let removed = async |limit| {
        let removed = bench.store.remove_cancellations(HOUR, limit).await;
        removed.expect("an answer")
    };
    assert_eq!(
        (removed(1).await, removed(10).await, removed(10).await),
        (1, 1, 0)
    );
    let stored = bench.insert(&[row("a"), row("b"), row("c")]).await;
    assert_eq!(stored.cancelled, 1);
    assert_eq!(bench.row("c").await.status, Status::Cancelled);
}

async fn events_of_cancels_are_told_apart_byte_by_byte(bench: Bench) {
    let names = ["a", "A", "a ", "ä", "a\u{308}", "\u{1f381}"];
    let rows: Vec<_> = names.iter().map(|name| row(name)).collect();
    bench.cancel(&[cancel_of("a "), cancel_of("\u{1f381}")]).await;
    assert_eq!(bench.insert(&rows).await.cancelled, 2);
    assert_eq!(bench.cancel_one("a").await, CancelOutcome::Cancelled);
    for name in names {
        let expected = if ["a", "a ", "\u{1f381}"].contains(&name) {
            Status::Cancelled
        } else {
            Status::Pending
        };
        assert_eq!(bench.row(name).await.status, expected, "{name:?}");
    }
}

async fn what_expires_before_its_next_attempt_ends_when_it_expires(bench: Bench) {
    let expires_at = now() + chrono::Duration::minutes(30);
    let expiring = |event| NewNotification {
        expires_at: Some(expires_at),
        ..row(event)
    };
    bench
        .insert(&[expiring("late"), expiring("early"), row("never")])
        .await;
    let claim = bench.claim(10).await;
    let failed: Vec<_> = claim
        .rows
        .iter()
        .zip([HOUR, HOUR / 6, HOUR])
        .map(|(row, delay)| PublishFailure {
            notification_id: row.id,
            retry_in: Some(delay),
            error: "refused".to_owned(),
        })
        .collect();
    let ended = bench.store.give_back(claim.id, &[], &failed, &[]).await;
    assert_eq!(ended.expect("an answer"), Ended::Done);
    assert_eq!(bench.row("late").await.scheduled_at, expires_at);
    assert!(bench.row("early").await.scheduled_at < expires_at);
    assert!(bench.row("never").await.scheduled_at > expires_at);
}
