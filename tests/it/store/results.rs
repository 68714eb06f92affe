//! Results of deliveries: read, decide, write, as one.

use std::sync::Arc;

use chrono::Duration;
use inq::contract::{DeliveryResult, ResultStatus};
use inq::store::{Decide, HistoryKind, Standing, Status, Verdict};
use serde_json::{Map, Value, json};

use super::{Bench, ids, now, on_every_database, row};

on_every_database! {
    results_apply_in_their_order,
    a_result_without_a_row_is_decided_all_the_same,
    what_is_ignored_leaves_no_trace,
    a_retry_makes_the_row_due_again,
    what_a_decision_may_change_is_written_and_no_more,
    results_beside_each_other_lose_nothing,
    many_results_are_applied_at_once,
}

fn result(notification_id: i64, status: ResultStatus) -> DeliveryResult {
    DeliveryResult {
        notification_id,
        attempt: 1,
        user_id: 42,
        status,
        occurred_at: now(),
        retryable: true,
        error_code: None,
        error_message: None,
        retry_after_s: None,
        device_type: None,
        user_timezone: None,
        channel: None,
    }
}

/// Counts the results of a row in its metrics.
fn count(row: Option<&mut Standing>, result: &DeliveryResult) -> Verdict {
    let Some(row) = row else {
        return Verdict::Ignored("unknown");
    };
    let seen = row.metrics.get("seen").and_then(Value::as_u64).unwrap_or(0) + 1;
    row.metrics.insert("seen".to_owned(), seen.into());
    let kind = match result.status {
        ResultStatus::Delivered => HistoryKind::Delivered,
        _ => HistoryKind::Opened,
    };
    let mut detail = Map::new();
    detail.insert("seen".to_owned(), seen.into());
    Verdict::Applied {
        kind,
        priority: row.priority,
        traceparent: row.traceparent.clone(),
        detail,
    }
}

impl Bench {
    async fn apply(&self, results: Vec<DeliveryResult>, decide: Arc<Decide>) -> Vec<Verdict> {
        self.store.apply_results(results, decide).await.expect("applied")
    }

    /// A row of this event that was sent.
    pub(super) async fn sent(&self, event_id: &str) -> i64 {
        self.insert(&[row(event_id)]).await;
        let claim = self.claim(1).await;
        let ended = self.store.settle(claim.id, &ids(&claim), false).await;
        assert_eq!(ended.expect("settled"), inq::store::Ended::Done);
        claim.rows[0].id
    }

    async fn metrics(&self, event_id: &str) -> Value {
        let metrics = self.row(event_id).await.metrics_data.expect("metrics");
        serde_json::from_str(metrics.get()).expect("JSON")
    }
}

async fn results_apply_in_their_order(bench: Bench) {
    let (a, b) = (bench.sent("a").await, bench.sent("b").await);
    let results = vec![
        result(b, ResultStatus::Delivered),
        result(a, ResultStatus::Delivered),
        result(b, ResultStatus::Opened),
    ];
    let verdicts = bench.apply(results, Arc::new(count)).await;
    let seen: Vec<_> = verdicts
        .iter()
        .map(|verdict| match verdict {
            Verdict::Applied { detail, .. } => detail["seen"].as_u64().expect("a number"),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(seen, [1, 1, 2]);
    assert_eq!(bench.metrics("a").await, json!({ "seen": 1 }));
    assert_eq!(bench.metrics("b").await, json!({ "seen": 2 }));
    let history = bench.history("b").await;
    let kinds: Vec<_> = history.iter().map(|entry| (entry.kind, entry.attempt)).collect();
    assert_eq!(kinds, [(HistoryKind::Delivered, 1), (HistoryKind::Opened, 1)]);
    assert_eq!(json!(history[1].detail), json!({ "seen": 2 }));
    assert!(history[0].at <= history[1].at);
}

async fn a_result_without_a_row_is_decided_all_the_same(bench: Bench) {
    let a = bench.sent("a").await;
    let results = vec![
        result(a + 1000, ResultStatus::Opened),
        result(a, ResultStatus::Opened),
    ];
    let verdicts = bench.apply(results, Arc::new(count)).await;
    assert_eq!(verdicts[0], Verdict::Ignored("unknown"));
    assert!(matches!(verdicts[1], Verdict::Applied { .. }));
    assert_eq!(bench.apply(Vec::new(), Arc::new(count)).await, []);
}

async fn what_is_ignored_leaves_no_trace(bench: Bench) {
    let a = bench.sent("a").await;
    let before = bench.row("a").await;
    for verdict in [Verdict::Ignored("late"), Verdict::NotYet] {
        let decide = verdict.clone();
        let verdicts = bench
            .apply(
                vec![result(a, ResultStatus::Opened)],
                Arc::new(move |_, _| decide.clone()),
            )
            .await;
        assert_eq!(verdicts, [verdict]);
    }
    let after = bench.row("a").await;
    assert_eq!(after.updated_at, before.updated_at);
    assert_eq!(after.metrics_data.map(|data| data.to_string()), None);
    assert_eq!(bench.history("a").await, []);
}

async fn a_retry_makes_the_row_due_again(bench: Bench) {
    let a = bench.sent("a").await;
    let fail = |row: Option<&mut Standing>, _: &DeliveryResult| {
        let row = row.expect("a row");
        assert_eq!((row.status, row.attempts, row.user_id), (Status::Sent, 1, 42));
        assert!(row.sent_at.is_some_and(|sent_at| sent_at <= row.now));
        row.status = Status::Pending;
        row.scheduled_at = row.now - Duration::seconds(1);
        row.last_error = Some("x".repeat(5000));
        Verdict::Applied {
            kind: HistoryKind::DeliveryFailed,
            priority: row.priority,
            traceparent: row.traceparent.clone(),
            detail: Map::new(),
        }
    };
    bench
        .apply(vec![result(a, ResultStatus::Failed)], Arc::new(fail))
        .await;
    let row = bench.row("a").await;
    assert_eq!((row.status, row.attempts), (Status::Pending, 1));
    assert!(
        row.last_error
            .is_some_and(|error| error.starts_with("xxx") && error.len() <= 1024)
    );
    let claim = bench.claim(1).await;
    assert_eq!((claim.rows[0].id, claim.rows[0].attempt), (a, 2));
}

async fn what_a_decision_may_change_is_written_and_no_more(bench: Bench) {
    let a = bench.sent("a").await;
    let before = bench.row("a").await;
    let moment = now() + Duration::hours(1);
    let change = move |row: Option<&mut Standing>, _: &DeliveryResult| {
        let row = row.expect("a row");
        row.delivered_at = Some(moment);
        row.opened_at = Some(moment + Duration::seconds(1));
        row.clicked_at = Some(moment + Duration::seconds(2));
        row.dismissed_at = Some(moment + Duration::seconds(3));
        row.user_id = 7;
        row.attempts = 9;
        row.sent_at = None;
        Verdict::Applied {
            kind: HistoryKind::Delivered,
            priority: row.priority,
            traceparent: row.traceparent.clone(),
            detail: Map::new(),
        }
    };
    bench
        .apply(vec![result(a, ResultStatus::Delivered)], Arc::new(change))
        .await;
    let row = bench.row("a").await;
    assert_eq!(row.delivered_at, Some(moment));
    assert_eq!(row.opened_at, Some(moment + Duration::seconds(1)));
    assert_eq!(row.clicked_at, Some(moment + Duration::seconds(2)));
    assert_eq!(row.dismissed_at, Some(moment + Duration::seconds(3)));
    assert_eq!((row.user_id, row.attempts, row.sent_at), (42, 1, before.sent_at));
    assert_eq!(
        (row.status, row.scheduled_at),
        (Status::Sent, before.scheduled_at)
    );
    assert!(row.updated_at >= before.updated_at);
    assert_eq!(
        bench.history("a").await[0].attempt,
        1,
        "of the row, not of the decision"
    );
}

async fn results_beside_each_other_lose_nothing(bench: Bench) {
    let mut rows = Vec::new();
    for event in ["a", "b", "c", "d"] {
        rows.push(bench.sent(event).await);
    }
    let appliers: Vec<_> = (0..6)
        .map(|applier: usize| {
            let (bench, mut rows) = (bench.clone(), rows.clone());
            rows.rotate_left(applier % 4);
            tokio::spawn(async move {
                for _ in 0..5 {
                    let results = rows.iter().map(|id| result(*id, ResultStatus::Opened)).collect();
                    bench.apply(results, Arc::new(count)).await;
                }
            })
        })
        .collect();
    for applier in appliers {
        applier.await.expect("an applier");
    }
    for event in ["a", "b", "c", "d"] {
        assert_eq!(bench.metrics(event).await, json!({ "seen": 30 }));
        assert_eq!(bench.history(event).await.len(), 30);
    }
}

async fn many_results_are_applied_at_once(bench: Bench) {
    let new: Vec<_> = (0..1200).map(|number| row(&format!("event-{number}"))).collect();
    bench.insert(&new).await;
    let claim = bench.claim(2000).await;
    let results = ids(&claim)
        .iter()
        .map(|id| result(*id, ResultStatus::Delivered))
        .collect();
    let verdicts = bench.apply(results, Arc::new(count)).await;
    assert_eq!(verdicts.len(), 1200);
    for event in ["event-0", "event-1199"] {
        assert_eq!(bench.metrics(event).await, json!({ "seen": 1 }));
        assert_eq!(bench.history(event).await.len(), 1);
    }
}
