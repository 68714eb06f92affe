//! What people and alarms are told of the queue.

use std::time::Duration;

use inq::contract::IncentiveType;
use inq::store::{Backlog, Connections, DepthRow, NewNotification, Status};

use super::{Bench, due, expired, ids, on_every_database, priority};

on_every_database! {
    an_empty_queue_has_no_depth,
    depth_counts_by_status_and_priority,
    pending_rows_are_told_apart_by_type,
    what_is_not_there_is_not_found,
    a_backlog_tells_every_status_and_priority,
    a_long_backlog_is_counted_or_estimated,
    connections_are_told,
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

async fn pending_rows_are_told_apart_by_type(bench: Bench) {
    let of = |event, urgency, minutes, incentive_type| NewNotification {
        incentive_type,
        ..due(event, urgency, minutes)
    };
    let (points, streak) = (IncentiveType::PointEarning, IncentiveType::StreakReward);
    bench.insert(&[of("claimed", 4, 1, points)]).await;
    bench.claim(1).await;
    bench
        .insert(&[
            of("a", 3, 10, points),
            of("b", 3, -60, points),
            of("c", 3, 20, streak),
            of("d", 0, 5, streak),
        ])
        .await;
    let told = async |most| {
        let mut rows = bench.store.pending_by_type(most).await.expect("counts");
        rows.sort_by_key(|row| (row.priority, row.incentive_type.as_str()));
        rows.into_iter()
            .map(|row| (row.priority.get(), row.incentive_type, row.rows))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(10).await, [(0, streak, 1), (3, points, 2), (3, streak, 1)]);
    assert_eq!(
        told(2).await,
        [(0, streak, 1), (3, points, 1), (3, streak, 1)],
        "those due first"
    );
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

fn found(backlog: &Backlog, status: Status, urgency: i64) -> u64 {
    let rows = backlog.rows.iter();
    let mut found = rows.filter(|row| (row.status, row.priority) == (status, priority(urgency)));
    let row = found.next().expect("every combination is there");
    assert!(found.next().is_none(), "twice: {row:?}");
    row.rows
}

async fn a_backlog_tells_every_status_and_priority(bench: Bench) {
    bench
        .insert(&[
            due("claimed", 4, 1),
            due("a", 3, 10),
            due("b", 3, 90),
            due("ahead", 2, -60),
        ])
        .await;
    bench.claim(1).await;
    let backlog = bench.store.backlog(10).await.expect("a backlog");
    assert_eq!(backlog.rows.len(), Status::ALL.len() * 5);
    assert_eq!(found(&backlog, Status::Processing, 4), 1);
    assert_eq!(found(&backlog, Status::Pending, 3), 2);
    assert_eq!(found(&backlog, Status::Pending, 2), 1);
    assert_eq!(backlog.rows.iter().map(|row| row.rows).sum::<u64>(), 4);

    assert_eq!(backlog.oldest_due.len(), 5);
    for (priority, age) in backlog.oldest_due {
        let minutes = age.as_secs() / 60;
        if priority.get() == 3 {
            assert!((90..=91).contains(&minutes), "{age:?}");
        } else {
            assert_eq!(age, Duration::ZERO, "{priority:?}");
        }
    }
}

async fn a_long_backlog_is_counted_or_estimated(bench: Bench) {
    let rows: Vec<_> = (0..400)
        .map(|number| due(&format!("event-{number}"), number % 2, 5))
        .collect();
    bench.insert(&rows).await;
    let exact = bench.store.backlog(200).await.expect("a backlog");
    assert_eq!(found(&exact, Status::Pending, 1), 200);
    let estimated = bench.store.backlog(50).await.expect("a backlog");
    let pending = found(&estimated, Status::Pending, 1);
    assert!((100..=400).contains(&pending), "{pending}");
    assert_eq!(found(&estimated, Status::Pending, 2), 0);
}

async fn connections_are_told(bench: Bench) {
    bench.store.identity().await.expect("an answer");
    let Connections { in_use, idle, max } = bench.store.connections();
    assert_eq!(max, 8);
    assert!(in_use + idle >= 1 && in_use + idle <= max, "{in_use} {idle}");
}
