//! What a person asks of the queue.

use inq::contract::IncentiveType;
use inq::store::{Change, Changed, Filter, GroupBy, HistoryKind, NewNotification, PublishFailure, Status};

use super::{Bench, due, ids, now, on_every_database, row};

on_every_database! {
    a_filter_means_what_everything_in_it_applies_to,
    a_list_goes_on_where_its_last_page_ended,
    what_is_pending_can_be_cancelled_and_nothing_else,
    what_has_failed_or_was_cancelled_can_be_retried,
    a_change_goes_through_what_it_means_in_steps,
    a_change_and_a_claim_never_take_the_same_row,
    engagement_is_counted_by_group,
    delivery_times_are_told_by_percentile,
}

async fn fail(bench: &Bench, event: &str) {
    bench.insert_events(&[event]).await;
    let claim = bench.claim(1).await;
    let failed = [PublishFailure {
        notification_id: claim.rows[0].id,
        retry_in: None,
        error: "refused".to_owned(),
    }];
    let ended = bench.store.give_back(claim.id, &[], &failed, &[]).await;
    assert_eq!(ended.expect("an answer"), inq::store::Ended::Done);
}

async fn change(bench: &Bench, filter: &Filter, change: Change) -> u64 {
    let changed = bench.store.change(filter, change, "a test", 0, 100).await;
    changed.expect("an answer").changed
}

async fn events_of(bench: &Bench, filter: &Filter) -> Vec<String> {
    let found = bench.store.notifications(filter, None, 100).await;
    let found = found.expect("an answer");
    assert_eq!(
        bench.store.count(filter, None).await.expect("an answer"),
        u64::try_from(found.len()).expect("a count")
    );
    found.into_iter().map(|row| row.event_id).collect()
}

async fn a_filter_means_what_everything_in_it_applies_to(bench: Bench) {
    let rows = [
        NewNotification {
            user_id: 1,
            ..due("a", 0, 5)
        },
        NewNotification {
            user_id: 2,
            incentive_type: IncentiveType::PointEarning,
            ..due("b", 4, 5)
        },
        NewNotification {
            user_id: 1,
            incentive_type: IncentiveType::PointEarning,
            ..due("c", 4, 5)
        },
    ];
    bench.insert(&rows).await;
    let all = Filter::default();
    assert_eq!(events_of(&bench, &all).await, ["c", "b", "a"]);
    let cases = [
        (
            Filter {
                user_id: Some(1),
                ..all.clone()
            },
            vec!["c", "a"],
        ),
        (
            Filter {
                incentive_type: Some(IncentiveType::PointEarning),
                ..all.clone()
            },
            vec!["c", "b"],
        ),
        (
            Filter {
                priority: Some(super::priority(4)),
                user_id: Some(1),
                ..all.clone()
            },
            vec!["c"],
        ),
        (
            Filter {
                status: Some(Status::Pending),
                ..all.clone()
            },
            vec!["c", "b", "a"],
        ),
        (
            Filter {
                status: Some(Status::Sent),
                ..all.clone()
            },
            vec![],
        ),
        (
            Filter {
                event_id: Some("b".to_owned()),
                ..all.clone()
            },
            vec!["b"],
        ),
        (
            Filter {
                ids: vec![bench.row("a").await.id, bench.row("b").await.id, 999_999],
                ..all.clone()
            },
            vec!["b", "a"],
        ),
        (
            Filter {
                created_from: Some(now() - chrono::Duration::hours(1)),
                ..all.clone()
            },
            vec!["c", "b", "a"],
        ),
        (
            Filter {
                created_to: Some(now() - chrono::Duration::hours(1)),
                ..all.clone()
            },
            vec![],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(events_of(&bench, &filter).await, expected, "{filter:?}");
    }
}

async fn a_list_goes_on_where_its_last_page_ended(bench: Bench) {
    bench.insert_events(&["a", "b", "c", "d", "e"]).await;
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let page = bench
            .store
            .notifications(&Filter::default(), before, 2)
            .await
            .expect("an answer");
        assert!(page.len() <= 2);
        let Some(last) = page.last() else { break };
        before = Some(last.id);
        seen.extend(page.into_iter().map(|row| row.event_id));
    }
    assert_eq!(seen, ["e", "d", "c", "b", "a"]);
}

async fn what_is_pending_can_be_cancelled_and_nothing_else(bench: Bench) {
    bench.insert_events(&["taken"]).await;
    let claim = bench.claim(1).await;
    bench.insert_events(&["waits"]).await;
    assert_eq!(
        bench
            .store
            .count(&Filter::default(), Some(Change::Cancel))
            .await
            .expect("an answer"),
        1
    );
    assert_eq!(change(&bench, &Filter::default(), Change::Cancel).await, 1);
    assert_eq!(bench.row("waits").await.status, Status::Cancelled);
    assert_eq!(bench.row("taken").await.status, Status::Processing);
    assert!(bench.try_claim(1).await.is_none());
    // The claim is as it was.
    let settled = bench.store.settle(claim.id, &ids(&claim), false).await;
    assert_eq!(settled.expect("an answer"), inq::store::Ended::Done);
    assert_eq!(change(&bench, &Filter::default(), Change::Cancel).await, 0);

    let history = bench.history("waits").await;
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].kind, HistoryKind::Cancelled);
    assert_eq!(history[0].detail["by"], "a test");
    assert_eq!(history[0].detail["was"], "pending");
}

async fn what_has_failed_or_was_cancelled_can_be_retried(bench: Bench) {
    fail(&bench, "failed").await;
    bench.insert_events(&["cancelled", "waits"]).await;
    let cancelled = Filter {
        event_id: Some("cancelled".to_owned()),
        ..Filter::default()
    };
    assert_eq!(change(&bench, &cancelled, Change::Cancel).await, 1);

    assert_eq!(change(&bench, &Filter::default(), Change::Retry).await, 2);
    for (event, attempts) in [("failed", 1), ("cancelled", 0), ("waits", 0)] {
        let row = bench.row(event).await;
        assert_eq!((row.status, row.attempts), (Status::Pending, attempts), "{event}");
        assert!(row.scheduled_at <= row.updated_at, "{event}");
    }
    assert_eq!(bench.history("waits").await, []);
    let claim = bench.claim(10).await;
    let attempts: Vec<_> = claim
        .rows
        .iter()
        .map(|row| (row.event_id.as_str(), row.attempt))
        .collect();
    assert!(attempts.contains(&("failed", 2)), "{attempts:?}");
    assert_eq!(attempts.len(), 3);
}

async fn a_change_goes_through_what_it_means_in_steps(bench: Bench) {
    bench.insert_events(&["a", "b", "c", "d", "e"]).await;
    let mut after = 0;
    let mut steps = Vec::new();
    loop {
        let step = bench
            .store
            .change(&Filter::default(), Change::Cancel, "a test", after, 2)
            .await;
        let Changed { changed, last } = step.expect("an answer");
        let Some(last) = last else { break };
        assert!(last > after);
        after = last;
        steps.push(changed);
    }
    assert_eq!(steps, [2, 2, 1]);
    assert_eq!(
        bench
            .store
            .count(&Filter::default(), Some(Change::Cancel))
            .await
            .expect("an answer"),
        0
    );
}

async fn a_change_and_a_claim_never_take_the_same_row(bench: Bench) {
    let events: Vec<_> = (0..60).map(|number| row(&format!("event-{number}"))).collect();
    bench.insert(&events).await;
    let claimer = {
        let bench = bench.clone();
        tokio::spawn(async move {
            let mut claimed = Vec::new();
            while let Some(claim) = bench.try_claim(7).await {
                claimed.extend(ids(&claim));
                tokio::task::yield_now().await;
            }
            claimed
        })
    };
    let mut after = 0;
    let mut cancelled = 0;
    loop {
        let step = bench
            .store
            .change(&Filter::default(), Change::Cancel, "a test", after, 5)
            .await;
        let Changed { changed, last } = step.expect("an answer");
        cancelled += changed;
        let Some(last) = last else { break };
        after = last;
    }
    let taken = claimer.await.expect("the claimer");
    assert_eq!(cancelled + u64::try_from(taken.len()).expect("a count"), 60);
    for id in taken {
        let row = bench
            .store
            .notification(id)
            .await
            .expect("an answer")
            .expect("a row");
        assert_eq!(row.status, Status::Processing);
    }
}

async fn engagement_is_counted_by_group(bench: Bench) {
    let rows = [
        NewNotification {
            language: "de".to_owned(),
            device_type: Some("phone".to_owned()),
            ..due("a", 4, 1)
        },
        NewNotification {
            language: "de".to_owned(),
            ..due("b", 3, 1)
        },
        NewNotification {
            language: "fr".to_owned(),
            variant: Some("short".to_owned()),
            ..due("c", 2, 1)
        },
    ];
    bench.insert(&rows).await;
    let claim = bench.claim(2).await;
    let settled = bench.store.settle(claim.id, &ids(&claim), false).await;
    assert_eq!(settled.expect("an answer"), inq::store::Ended::Done);
    let (from, to) = (
        now() - chrono::Duration::hours(1),
        now() + chrono::Duration::hours(1),
    );
    let count = |by| {
        let store = bench.store.clone();
        async move {
            let rows = store.engagement(from, to, by).await.expect("an answer");
            let rows: Vec<_> = rows
                .into_iter()
                .map(|row| (row.group, row.stored, row.sent))
                .collect();
            rows
        }
    };
    let of = |group: &str, stored, sent| (group.to_owned(), stored, sent);
    assert_eq!(count(GroupBy::Language).await, [of("de", 2, 2), of("fr", 1, 0)]);
    assert_eq!(
        count(GroupBy::Variant).await,
        [of("streak_reward--short", 1, 0), of("unknown", 2, 2)]
    );
    assert_eq!(
        count(GroupBy::Priority).await,
        [of("2", 1, 0), of("3", 1, 1), of("4", 1, 1)]
    );
    assert_eq!(
        count(GroupBy::Device).await,
        [of("phone", 1, 1), of("unknown", 2, 1)]
    );
    assert_eq!(count(GroupBy::IncentiveType).await, [of("streak_reward", 3, 2)]);
    let hours = count(GroupBy::Hour).await;
    assert_eq!(hours.last(), Some(&of("unknown", 1, 0)));
    assert_eq!(hours.iter().map(|(_, stored, _)| stored).sum::<u64>(), 3);
    let before = bench
        .store
        .engagement(from - chrono::Duration::days(1), from, GroupBy::Language)
        .await;
    assert_eq!(before.expect("an answer"), []);
}

async fn delivery_times_are_told_by_percentile(bench: Bench) {
    let events: Vec<_> = (0..100).map(|number| row(&format!("event-{number}"))).collect();
    bench.insert(&events).await;
    // The first is delivered a second after it was stored, the next a second later, and so on.
    let text = match bench.kind {
        "sqlite" => {
            "UPDATE incentive_notify_queue SET delivered_at = \
             strftime('%Y-%m-%d %H:%M:%f', created_at, '+' || (SELECT COUNT(*) FROM incentive_notify_queue AS other \
             WHERE other.id <= incentive_notify_queue.id) || ' seconds')"
        }
        _ => {
            "UPDATE incentive_notify_queue JOIN (SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS place \
             FROM incentive_notify_queue) AS places USING (id) \
             SET delivered_at = created_at + INTERVAL places.place SECOND"
        }
    };
    bench.database.execute(text).await;
    let (from, to) = (
        now() - chrono::Duration::hours(1),
        now() + chrono::Duration::hours(1),
    );
    let found = bench
        .store
        .engagement(from, to, GroupBy::Language)
        .await
        .expect("an answer");
    let times = (
        found[0].delivery_p50_s,
        found[0].delivery_p95_s,
        found[0].delivery_p99_s,
    );
    assert_eq!(times, (Some(50.0), Some(95.0), Some(99.0)));
    assert_eq!((found[0].delivered, found[0].opened), (100, 0));
}
