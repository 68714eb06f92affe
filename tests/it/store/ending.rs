//! How a claim ends.

use std::time::Duration;

use inq::contract::time;
use inq::store::{Ended, HistoryKind, PublishFailure, Status};
use serde_json::json;

use super::{Bench, due, events, ids, on_every_database};

on_every_database! {
    a_settled_claim_leaves_sent_rows_and_no_claim_row,
    a_claim_ends_once,
    of_many_who_end_a_claim_one_does,
    a_claim_whose_rows_were_lost_is_short_and_stays,
    rows_of_another_claim_cannot_be_settled,
    a_released_attempt_is_not_counted,
    what_recovery_found_out_is_noted,
    a_mixed_claim_is_given_back_row_by_row,
    a_failure_waits_for_its_retry,
    a_long_error_is_cut,
    a_short_mixed_claim_changes_nothing,
    a_claim_that_others_have_ended_is_remembered,
    a_claim_that_was_found_published_in_part_says_so,
}

async fn end(bench: &Bench, claim: i64, rows: &[i64]) -> Ended {
    bench.store.settle(claim, rows, false).await.expect("an answer")
}

async fn a_settled_claim_leaves_sent_rows_and_no_claim_row(bench: Bench) {
    bench.insert_events(&["a", "b", "c"]).await;
    let claim = bench.claim(2).await;
    assert_eq!(end(&bench, claim.id, &ids(&claim)).await, Ended::Done);

    for event in ["a", "b"] {
        let row = bench.row(event).await;
        assert_eq!((row.status, row.attempts, row.claim_id), (Status::Sent, 1, None));
        assert!(row.sent_at.expect("sent") >= claim.claimed_at);
        assert!(row.updated_at >= row.created_at);
        assert_eq!(bench.history(event).await, []);
    }
    assert_eq!(bench.row("c").await.status, Status::Pending);
    assert_eq!(bench.store.open_claim(claim.id).await.expect("an answer"), None);
}

async fn a_claim_ends_once(bench: Bench) {
    bench.insert_events(&["a"]).await;
    let claim = bench.claim(1).await;
    let rows = ids(&claim);
    assert_eq!(end(&bench, claim.id, &rows).await, Ended::Done);
    assert_eq!(end(&bench, claim.id, &rows).await, Ended::Gone);
    let released = bench.store.release(claim.id, &rows, true).await;
    assert_eq!(released.expect("an answer"), Ended::Gone);
    let given_back = bench.store.give_back(claim.id, &[], &[], &rows).await;
    assert_eq!(given_back.expect("an answer"), Ended::Gone);
    assert_eq!(bench.row("a").await.status, Status::Sent);
    assert_eq!(bench.history("a").await, []);
}

async fn of_many_who_end_a_claim_one_does(bench: Bench) {
    bench.insert_events(&["a", "b", "c"]).await;
    let claim = bench.claim(3).await;
    let enders: Vec<_> = (0..8)
        .map(|number| {
            let (bench, id, rows) = (bench.clone(), claim.id, ids(&claim));
            tokio::spawn(async move {
                let ended = match number % 2 {
                    0 => bench.store.settle(id, &rows, true).await,
                    _ => bench.store.release(id, &rows, true).await,
                };
                ended.expect("an answer")
            })
        })
        .collect();
    let mut done = 0;
    for ender in enders {
        match ender.await.expect("an ender") {
            Ended::Done => done += 1,
            other => assert_eq!(other, Ended::Gone),
        }
    }
    assert_eq!(done, 1);
    assert_eq!(bench.history("a").await.len(), 1);
}

async fn a_claim_whose_rows_were_lost_is_short_and_stays(bench: Bench) {
    bench.insert_events(&["kept", "lost"]).await;
    let claim = bench.claim(2).await;
    bench
        .database
        .execute(
            "UPDATE incentive_notify_queue SET status = 'pending', claim_id = NULL WHERE event_id = 'lost'",
        )
        .await;

    let short = Ended::Short {
        expected: 2,
        found: 1,
    };
    assert_eq!(end(&bench, claim.id, &ids(&claim)).await, short);
    let released = bench.store.release(claim.id, &ids(&claim), true).await;
    assert_eq!(released.expect("an answer"), short);
    let row = bench.row("kept").await;
    assert_eq!((row.status, row.claim_id), (Status::Processing, Some(claim.id)));
    assert_eq!(bench.history("kept").await, []);
    assert!(
        bench
            .store
            .open_claim(claim.id)
            .await
            .expect("an answer")
            .is_some()
    );
}

async fn rows_of_another_claim_cannot_be_settled(bench: Bench) {
    bench.insert_events(&["mine", "theirs"]).await;
    let (mine, theirs) = (bench.claim(1).await, bench.claim(1).await);
    let ended = end(&bench, mine.id, &ids(&theirs)).await;
    assert_eq!(
        ended,
        Ended::Short {
            expected: 1,
            found: 0
        }
    );
    assert_eq!(bench.row("mine").await.status, Status::Processing);
    assert_eq!(bench.row("theirs").await.status, Status::Processing);
}

async fn a_released_attempt_is_not_counted(bench: Bench) {
    bench.insert(&[due("a", 2, 5)]).await;
    let before = bench.row("a").await;
    let claim = bench.claim(1).await;
    let released = bench.store.release(claim.id, &ids(&claim), false).await;
    assert_eq!(released.expect("an answer"), Ended::Done);

    let row = bench.row("a").await;
    assert_eq!(
        (row.status, row.attempts, row.claim_id),
        (Status::Pending, 0, None)
    );
    assert_eq!(row.scheduled_at, before.scheduled_at);
    assert_eq!(bench.history("a").await, []);
    assert_eq!(bench.claim(1).await.rows[0].attempt, 1);
}

async fn what_recovery_found_out_is_noted(bench: Bench) {
    bench.insert_events(&["published", "not published"]).await;
    let (first, second) = (bench.claim(1).await, bench.claim(1).await);
    let settled = bench.store.settle(first.id, &ids(&first), true).await;
    assert_eq!(settled.expect("an answer"), Ended::Done);
    let released = bench.store.release(second.id, &ids(&second), true).await;
    assert_eq!(released.expect("an answer"), Ended::Done);

    for (event, kind, claim) in [
        ("published", HistoryKind::RecoveredAsSent, first.id),
        ("not published", HistoryKind::RecoveredAsPending, second.id),
    ] {
        let history = bench.history(event).await;
        assert_eq!(history.len(), 1, "{event}");
        assert_eq!((history[0].kind, history[0].attempt), (kind, 1));
        assert_eq!(json!(history[0].detail), json!({ "claim": claim }));
    }
}

fn failure(notification_id: i64, retry_in: Option<Duration>, error: &str) -> PublishFailure {
    PublishFailure {
        notification_id,
        retry_in,
        error: error.to_owned(),
    }
}

async fn a_mixed_claim_is_given_back_row_by_row(bench: Bench) {
    bench
        .insert(&[
            due("sent", 2, 9),
            due("again", 2, 8),
            due("over", 2, 7),
            due("released", 2, 6),
        ])
        .await;
    let claim = bench.claim(4).await;
    assert_eq!(events(&claim), ["sent", "again", "over", "released"]);
    let rows = ids(&claim);
    let failed = [
        failure(rows[1], Some(Duration::from_mins(15)), "too large for the broker"),
        failure(rows[2], None, "too large for the broker"),
    ];
    let ended = bench
        .store
        .give_back(claim.id, &rows[..1], &failed, &rows[3..])
        .await;
    assert_eq!(ended.expect("an answer"), Ended::Done);

    for (event, status, attempts, error) in [
        ("sent", Status::Sent, 1, None),
        ("again", Status::Pending, 1, Some("too large for the broker")),
        ("over", Status::Failed, 1, Some("too large for the broker")),
        ("released", Status::Pending, 0, None),
    ] {
        let row = bench.row(event).await;
        assert_eq!(
            (row.status, row.attempts, row.claim_id),
            (status, attempts, None),
            "{event}"
        );
        assert_eq!(row.last_error.as_deref(), error, "{event}");
    }
    assert!(bench.row("sent").await.sent_at.is_some());
    assert_eq!(bench.store.open_claims(10).await.expect("an answer"), []);
    let again = bench.claim(4).await;
    assert_eq!((events(&again), again.rows[0].attempt), (vec!["released"], 1));
}

async fn a_failure_waits_for_its_retry(bench: Bench) {
    bench
        .insert(&[due("later", 2, 9), due("at once", 2, 8), due("never", 2, 7)])
        .await;
    let never_due = bench.row("never").await.scheduled_at;
    let claim = bench.claim(3).await;
    let rows = ids(&claim);
    let failed = [
        failure(rows[0], Some(Duration::from_mins(15)), "refused"),
        failure(rows[1], Some(Duration::ZERO), "refused"),
        failure(rows[2], None, "refused"),
    ];
    let ended = bench.store.give_back(claim.id, &[], &failed, &[]).await;
    assert_eq!(ended.expect("an answer"), Ended::Done);

    let later = bench.row("later").await;
    let wait = later.scheduled_at - claim.claimed_at;
    assert!((900..910).contains(&wait.num_seconds()), "{wait}");
    let history = bench.history("later").await;
    assert_eq!(
        (history[0].kind, history[0].attempt),
        (HistoryKind::PublishFailed, 1)
    );
    assert_eq!(
        json!(history[0].detail),
        json!({ "error": "refused", "retry_at": time::format(&later.scheduled_at) })
    );
    let history = bench.history("never").await;
    assert_eq!(
        (history[0].kind, history[0].attempt),
        (HistoryKind::PublishFailedFinally, 1)
    );
    assert_eq!(json!(history[0].detail), json!({ "error": "refused" }));
    assert_eq!(bench.row("never").await.scheduled_at, never_due);

    let again = bench.claim(3).await;
    assert_eq!((events(&again), again.rows[0].attempt), (vec!["at once"], 2));
    assert_eq!(end(&bench, again.id, &ids(&again)).await, Ended::Done);
    assert_eq!(
        bench.row("at once").await.last_error,
        None,
        "it was sent in the end"
    );
}

async fn a_long_error_is_cut(bench: Bench) {
    bench.insert_events(&["a"]).await;
    let claim = bench.claim(1).await;
    let failed = [failure(ids(&claim)[0], None, &"🎁".repeat(70_000))];
    let ended = bench.store.give_back(claim.id, &[], &failed, &[]).await;
    assert_eq!(ended.expect("an answer"), Ended::Done);
    let error = bench.row("a").await.last_error.expect("an error");
    assert!(error.starts_with("🎁🎁") && error.chars().count() <= 1024);
}

async fn a_short_mixed_claim_changes_nothing(bench: Bench) {
    bench.insert_events(&["a", "b"]).await;
    let claim = bench.claim(2).await;
    let rows = ids(&claim);
    let failed = [failure(rows[1] + 1000, None, "refused")];
    let ended = bench
        .store
        .give_back(claim.id, &rows[..1], &failed, &rows[1..])
        .await;
    assert_eq!(
        ended.expect("an answer"),
        Ended::Short {
            expected: 3,
            found: 2
        }
    );
    assert_eq!(bench.row("a").await.status, Status::Processing);
    assert!(
        bench
            .store
            .open_claim(claim.id)
            .await
            .expect("an answer")
            .is_some()
    );
}

/// The publisher that comes back must not take its claim for lost, whatever has become of the rows meanwhile.
async fn a_claim_that_others_have_ended_is_remembered(bench: Bench) {
    bench.insert_events(&["settled", "released", "own"]).await;
    let mut claims = Vec::new();
    for _ in 0..3 {
        claims.push(bench.claim(1).await);
    }
    let settled = bench.store.settle(claims[0].id, &ids(&claims[0]), true).await;
    assert_eq!(settled.expect("an answer"), Ended::Done);
    let released = bench.store.release(claims[1].id, &ids(&claims[1]), true).await;
    assert_eq!(released.expect("an answer"), Ended::Done);
    assert_eq!(end(&bench, claims[2].id, &ids(&claims[2])).await, Ended::Done);
    // As erasure and retention do.
    bench
        .database
        .execute("DELETE FROM incentive_notify_history")
        .await;
    bench.database.execute("DELETE FROM incentive_notify_queue").await;

    let outcome = async |claim: &inq::store::Claim| {
        let record = bench.store.ended_claim(claim.id).await.expect("an answer");
        record.map(|record| {
            assert!(record.id == claim.id && record.ended_at >= claim.claimed_at);
            record.outcome
        })
    };
    assert_eq!(outcome(&claims[0]).await.as_deref(), Some("settled"));
    assert_eq!(outcome(&claims[1]).await.as_deref(), Some("released"));
    assert_eq!(outcome(&claims[2]).await, None, "its publisher knows");

    let remove = async |kept| bench.store.remove_ended_claims(kept, 10).await.expect("removed");
    assert_eq!(remove(super::HOUR).await, 0);
    bench
        .database
        .execute("UPDATE incentive_notify_ended_claims SET ended_at = '2020-01-01 00:00:00.000'")
        .await;
    assert_eq!(remove(super::HOUR).await, 2);
    assert_eq!(outcome(&claims[0]).await, None);
}

async fn a_claim_that_was_found_published_in_part_says_so(bench: Bench) {
    bench.insert_events(&["sent", "unsent"]).await;
    let claim = bench.claim(2).await;
    let rows = ids(&claim);
    let ended = bench.store.recover_partly(claim.id, &rows[..1], &rows[1..]).await;
    assert_eq!(ended.expect("an answer"), Ended::Done);
    let (sent, unsent) = (bench.row("sent").await, bench.row("unsent").await);
    assert_eq!((sent.status, sent.attempts), (Status::Sent, 1));
    assert_eq!((unsent.status, unsent.attempts), (Status::Pending, 0));
    for (event, kind) in [
        ("sent", HistoryKind::RecoveredAsSent),
        ("unsent", HistoryKind::RecoveredAsPending),
    ] {
        let history = bench.history(event).await;
        assert_eq!((history.len(), history[0].kind), (1, kind));
        assert_eq!(history[0].detail["claim"], claim.id);
    }
    let record = bench.store.ended_claim(claim.id).await.expect("an answer");
    assert_eq!(record.expect("a record").outcome, "partial");
    let again = bench.store.recover_partly(claim.id, &rows[..1], &rows[1..]).await;
    assert_eq!(again.expect("an answer"), Ended::Gone);
}
