//! What people and alarms are told of the queue.

use inq::store::{DepthRow, Status};

use super::{Bench, due, expired, ids, on_every_database, priority};

on_every_database! {
    an_empty_queue_has_no_depth,
    depth_counts_by_status_and_priority,
    what_is_not_there_is_not_found,
}

async fn an_empty_queue_has_no_depth(bench: Bench) {
    let depth = bench.store.depth().await.expect("a depth");
    assert_eq!(
        (depth.rows, depth.due, depth.ahead, depth.oldest_due_ms),
        (vec![], 0, 0, None)
    );
}

async fn depth_counts_by_status_and_priority(bench: Bench) {
    bench.insert(&[due("claimed", 4, 1), due("sent", 4, 2)]).await;
    let sent = bench.claim(1).await;
    let ended = bench.store.settle(sent.id, &ids(&sent), false).await;
    assert_eq!(ended.expect("settled"), inq::store::Ended::Done);
    bench.claim(1).await;
    bench
        .insert(&[
            due("a", 0, 10),
            due("b", 0, 90),
            due("c", 3, 5),
            due("ahead", 3, -60),
            expired("late", 0),
        ])
        .await;

    let depth = bench.store.depth().await.expect("a depth");
    assert_eq!((depth.due, depth.ahead), (4, 1));
    let oldest = depth.oldest_due_ms.expect("something due") / 60_000;
    assert!((120..=121).contains(&oldest), "{oldest} minutes");
    for (status, urgency, rows) in [
        (Status::Processing, 4, 1),
        (Status::Sent, 4, 1),
        (Status::Pending, 0, 3),
        (Status::Pending, 3, 2),
    ] {
        let expected = DepthRow {
            status,
            priority: priority(urgency),
            rows,
        };
        assert!(depth.rows.contains(&expected), "{expected:?} in {depth:?}");
    }
    assert_eq!(depth.rows.len(), 4);

    bench.claim(10).await;
    let depth = bench.store.depth().await.expect("a depth");
    assert_eq!((depth.due, depth.ahead, depth.oldest_due_ms), (0, 1, None));
}

async fn what_is_not_there_is_not_found(bench: Bench) {
    assert!(bench.store.notification(7).await.expect("an answer").is_none());
    assert!(
        bench
            .store
            .notification_of_event("a")
            .await
            .expect("an answer")
            .is_none()
    );
    assert_eq!(bench.store.history(7).await.expect("an answer"), []);
}
