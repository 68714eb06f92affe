//! Rows that have been kept long enough.

use std::time::Duration;

use inq::store::{Change, Filter, Status};

use super::{Bench, HOUR, ids, on_every_database};

on_every_database! {
    what_ended_long_ago_is_outlived_and_nothing_else,
    a_story_is_the_row_with_its_history,
    what_is_removed_takes_its_history_along,
    what_has_changed_since_is_not_removed,
    one_at_a_time_leads_the_maintenance,
}

/// Makes the rows of these events as old as if all that happened to them had happened so many hours ago.
async fn age(bench: &Bench, events: &[&str], hours: u32) {
    for event in events {
        let text = match bench.kind {
            "sqlite" => format!(
                "UPDATE incentive_notify_queue SET scheduled_at = strftime('%Y-%m-%d %H:%M:%f', scheduled_at, '-{hours} hours'), \
                 updated_at = strftime('%Y-%m-%d %H:%M:%f', updated_at, '-{hours} hours') WHERE event_id = '{event}'"
            ),
            _ => format!(
                "UPDATE incentive_notify_queue SET scheduled_at = scheduled_at - INTERVAL {hours} HOUR, \
                 updated_at = updated_at - INTERVAL {hours} HOUR WHERE event_id = '{event}'"
            ),
        };
        bench.database.execute(&text).await;
    }
}

async fn send(bench: &Bench, events: &[&str]) {
    bench.insert_events(events).await;
    let claim = bench.claim(100).await;
    let settled = bench.store.settle(claim.id, &ids(&claim), true).await;
    assert_eq!(settled.expect("an answer"), inq::store::Ended::Done);
}

async fn outlived(bench: &Bench, limit: u32) -> Vec<i64> {
    bench
        .store
        .outlived(Status::Sent, HOUR, limit)
        .await
        .expect("an answer")
}

async fn what_ended_long_ago_is_outlived_and_nothing_else(bench: Bench) {
    send(&bench, &["old", "older", "new"]).await;
    bench.insert_events(&["waits"]).await;
    age(&bench, &["old", "waits"], 2).await;
    age(&bench, &["older"], 3).await;
    let expected = [bench.row("older").await.id, bench.row("old").await.id];
    assert_eq!(outlived(&bench, 10).await, expected);
    assert_eq!(outlived(&bench, 1).await, expected[..1]);
    let failed = bench.store.outlived(Status::Failed, HOUR, 10).await;
    assert!(failed.expect("an answer").is_empty());
}

async fn a_story_is_the_row_with_its_history(bench: Bench) {
    send(&bench, &["a", "b"]).await;
    bench.insert_events(&["c"]).await;
    let of = [bench.row("c").await.id, bench.row("a").await.id, 999_999];
    let stories = bench.store.stories(&of).await.expect("an answer");
    let told: Vec<_> = stories
        .iter()
        .map(|story| (story.notification.event_id.as_str(), story.history.len()))
        .collect();
    assert_eq!(told, [("a", 1), ("c", 0)]);
    assert!(bench.store.stories(&[]).await.expect("an answer").is_empty());
}

async fn what_is_removed_takes_its_history_along(bench: Bench) {
    send(&bench, &["old", "new"]).await;
    age(&bench, &["old"], 2).await;
    let (old, new) = (bench.row("old").await.id, bench.row("new").await.id);
    let removed = bench.store.remove(Status::Sent, HOUR, &[old, new]).await;
    assert_eq!(removed.expect("an answer"), 1);
    assert!(bench.store.notification(old).await.expect("an answer").is_none());
    assert_eq!(bench.store.history(old).await.expect("an answer"), []);
    assert_eq!(bench.history("new").await.len(), 1);
    let again = bench.store.remove(Status::Sent, HOUR, &[old]).await;
    assert_eq!(again.expect("an answer"), 0);
}

async fn what_has_changed_since_is_not_removed(bench: Bench) {
    bench.insert_events(&["a"]).await;
    let all = Filter::default();
    let cancelled = bench.store.change(&all, Change::Cancel, "a test", 0, 10).await;
    assert_eq!(cancelled.expect("an answer").changed, 1);
    age(&bench, &["a"], 2).await;
    let found = bench
        .store
        .outlived(Status::Cancelled, HOUR, 10)
        .await
        .expect("an answer");
    assert_eq!(found.len(), 1);
    let retried = bench.store.change(&all, Change::Retry, "a test", 0, 10).await;
    assert_eq!(retried.expect("an answer").changed, 1);
    let removed = bench.store.remove(Status::Cancelled, HOUR, &found).await;
    assert_eq!(removed.expect("an answer"), 0);
    assert_eq!(bench.row("a").await.status, Status::Pending);
}

async fn one_at_a_time_leads_the_maintenance(bench: Bench) {
    let lead = |holder: &'static str, lease| {
        let store = bench.store.clone();
        async move { store.lead_maintenance(holder, lease).await.expect("an answer") }
    };
    assert!(lead("one", HOUR).await);
    assert!(!lead("two", HOUR).await);
    assert!(lead("one", Duration::ZERO).await);
    assert!(lead("two", HOUR).await);
    assert!(!lead("one", HOUR).await);
}
