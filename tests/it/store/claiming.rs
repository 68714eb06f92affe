//! Which rows a claim takes.

use std::collections::HashSet;

use inq::store::{Claimant, HistoryKind, Inserted, NewNotification, Status};

use super::{Bench, HOUR, due, events, expired, ids, now, on_every_database, priority, row};

on_every_database! {
    a_row_is_claimed_once_however_many_claim,
    those_who_store_and_those_who_claim_lose_nothing_beside_each_other,
    the_urgent_leave_first_and_then_the_longest_due,
    a_claim_is_filled_from_the_next_priority,
    rows_scheduled_ahead_are_not_claimed,
    the_next_due_time_is_told_where_nothing_is_claimed,
    rows_past_their_expiry_are_marked_instead_of_claimed,
    expired_rows_take_no_place_in_the_batch,
    a_claim_marks_no_more_expired_rows_than_its_limit,
    a_claimed_row_carries_all_that_a_request_says,
    a_claim_row_keeps_who_claims_what_until_when,
    claims_are_numbered_upwards_for_good,
    where_nothing_is_due_nothing_is_claimed,
    a_claim_may_be_large,
}

async fn a_row_is_claimed_once_however_many_claim(bench: Bench) {
    let rows: Vec<_> = (0..400)
        .map(|number| due(&format!("event-{number}"), number % 5, number))
        .collect();
    bench.insert(&rows).await;

    let claimers: Vec<_> = (0..8)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                while let Some(claim) = bench.try_claim(7).await {
                    mine.extend(ids(&claim));
                }
                mine
            })
        })
        .collect();
    let mut claimed = Vec::new();
    for claimer in claimers {
        claimed.extend(claimer.await.expect("a claimer"));
    }
    // What the last claimers passed over was locked by others, who gave up none of it.
    while let Some(claim) = bench.try_claim(7).await {
        claimed.extend(ids(&claim));
    }

    let distinct: HashSet<_> = claimed.iter().collect();
    assert_eq!((claimed.len(), distinct.len()), (400, 400));
}

async fn those_who_store_and_those_who_claim_lose_nothing_beside_each_other(bench: Bench) {
    // Each event is stored by two.
    let storers: Vec<_> = (0..4)
        .map(|storer| {
            let bench = bench.clone();
            tokio::spawn(async move {
                for batch in 0..10 {
                    let rows: Vec<_> = (0..20)
                        .map(|number| due(&format!("{}-{batch}-{number}", storer % 2), number % 5, 1))
                        .collect();
                    bench.insert(&rows).await;
                }
            })
        })
        .collect();
    let settlers: Vec<_> = (0..3)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let mut settled = 0;
                while settled < 100 {
                    let Some(claim) = bench.try_claim(10).await else {
                        tokio::task::yield_now().await;
                        continue;
                    };
                    let ended = bench.store.settle(claim.id, &ids(&claim), false).await;
                    assert_eq!(ended.expect("settled"), inq::store::Ended::Done);
                    settled += claim.rows.len();
                }
                settled
            })
        })
        .collect();
    for storer in storers {
        storer.await.expect("a storer");
    }
    let mut settled = 0;
    for settler in settlers {
        settled += settler.await.expect("a settler");
    }
    while let Some(claim) = bench.try_claim(100).await {
        let ended = bench.store.settle(claim.id, &ids(&claim), false).await;
        assert_eq!(ended.expect("settled"), inq::store::Ended::Done);
        settled += claim.rows.len();
    }
    assert_eq!(settled, 400);
    let depth = bench.store.depth().await.expect("a depth");
    assert!(
        depth.rows.iter().all(|rows| rows.status == Status::Sent),
        "{depth:?}"
    );
}

async fn the_urgent_leave_first_and_then_the_longest_due(bench: Bench) {
    bench
        .insert(&[
            due("standard, long due", 0, 60),
            due("critical, just due", 3, 1),
            due("critical, long due", 3, 30),
            due("emergency", 4, 0),
            due("critical, just due too", 3, 1),
        ])
        .await;
    let claim = bench.claim(10).await;
    assert_eq!(
        events(&claim),
        [
            "emergency",
            "critical, long due",
            "critical, just due",
            "critical, just due too",
            "standard, long due"
        ]
    );
}

async fn a_claim_is_filled_from_the_next_priority(bench: Bench) {
    bench
        .insert(&[due("a", 2, 3), due("b", 2, 2), due("c", 0, 9), due("d", 0, 8)])
        .await;
    assert_eq!(events(&bench.claim(3).await), ["a", "b", "c"]);
    assert_eq!(events(&bench.claim(3).await), ["d"]);
    assert!(bench.try_claim(3).await.is_none());
}

async fn rows_scheduled_ahead_are_not_claimed(bench: Bench) {
    bench.insert(&[due("ahead", 4, -60), due("due", 0, 1)]).await;
    assert_eq!(events(&bench.claim(10).await), ["due"]);
    assert!(bench.try_claim(10).await.is_none());
    assert_eq!(bench.row("ahead").await.status, Status::Pending);
}

async fn the_next_due_time_is_told_where_nothing_is_claimed(bench: Bench) {
    assert_eq!(bench.next_due().await, None);

    bench
        .insert(&[due("in two hours", 4, -120), due("in an hour", 0, -60)])
        .await;
    let wait = bench.next_due().await.expect("a wait").as_secs();
    assert!((3500..=3600).contains(&wait), "{wait} s");

    bench.insert(&[due("now", 2, 1)]).await;
    bench.claim(10).await;
    assert!(
        bench.next_due().await.expect("a wait").as_secs() > 3500,
        "a claimed row waits for nothing"
    );
}

async fn rows_past_their_expiry_are_marked_instead_of_claimed(bench: Bench) {
    bench
        .insert(&[expired("too late", 4), due("in time", 0, 1)])
        .await;
    let claimed = bench
        .store
        .claim(10, HOUR, &Claimant::Plain)
        .await
        .expect("claimed");
    assert_eq!(claimed.expired, 1);
    assert_eq!(events(&claimed.claim.expect("a claim")), ["in time"]);

    let row = bench.row("too late").await;
    assert_eq!(
        (row.status, row.attempts, row.claim_id),
        (Status::Expired, 0, None)
    );
    let history = bench.history("too late").await;
    assert_eq!(history.len(), 1);
    assert_eq!((history[0].kind, history[0].attempt), (HistoryKind::Expired, 0));

    bench.insert(&[expired("too late as well", 4)]).await;
    let claimed = bench
        .store
        .claim(10, HOUR, &Claimant::Plain)
        .await
        .expect("claimed");
    assert_eq!((claimed.claim.is_none(), claimed.expired), (true, 1));
}

async fn expired_rows_take_no_place_in_the_batch(bench: Bench) {
    let mut rows: Vec<_> = (0..4)
        .map(|number| expired(&format!("late-{number}"), 4))
        .collect();
    rows.extend([
        due("a", 4, 3),
        due("b", 4, 2),
        due("c", 4, 1),
        due("less urgent", 0, 9),
    ]);
    bench.insert(&rows).await;

    let claimed = bench
        .store
        .claim(3, HOUR, &Claimant::Plain)
        .await
        .expect("claimed");
    let first = claimed
        .claim
        .map(|claim| events(&claim).iter().map(ToString::to_string).collect::<Vec<_>>());
    let next = events(&bench.claim(3).await)
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>();
    let left: Vec<_> = first.into_iter().flatten().chain(next).collect();
    assert_eq!(
        left[..3],
        ["a", "b", "c"],
        "the less urgent waits for the more urgent"
    );
}

async fn a_claim_marks_no_more_expired_rows_than_its_limit(bench: Bench) {
    let rows: Vec<_> = (0..25)
        .map(|number| expired(&format!("late-{number}"), 2))
        .collect();
    bench.insert(&rows).await;
    let mut steps = Vec::new();
    loop {
        let claimed = bench
            .store
            .claim(10, HOUR, &Claimant::Plain)
            .await
            .expect("claimed");
        assert!(claimed.claim.is_none());
        if claimed.expired == 0 {
            break;
        }
        steps.push(claimed.expired);
    }
    assert_eq!(steps, [10, 10, 5]);
}

async fn a_claimed_row_carries_all_that_a_request_says(bench: Bench) {
    let scheduled_at = now() - chrono::Duration::minutes(5);
    let expires_at = now() + chrono::Duration::days(1);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let new = NewNotification {
        scheduled_at: Some(scheduled_at),
        expires_at: Some(expires_at),
        traceparent: Some(traceparent.to_owned()),
        language: "de-AT".to_owned(),
        variant: Some("short".to_owned()),
        priority: priority(3),
        ..row("whole")
    };
    bench.insert(std::slice::from_ref(&new)).await;

    let claim = bench.claim(1).await;
    let stored = bench.row("whole").await;
    let claimed = &claim.rows[0];
    assert_eq!((claimed.id, claimed.attempt), (stored.id, 1));
    assert_eq!((claimed.event_id.as_str(), claimed.user_id), ("whole", 42));
    assert_eq!(claimed.incentive_type, new.incentive_type);
    assert_eq!((claimed.notification_type, claimed.priority), (85, priority(3)));
    assert_eq!(claimed.message_title, new.message_title);
    assert_eq!(claimed.message_body, new.message_body);
    assert_eq!(claimed.language, "de-AT");
    assert_eq!(claimed.variant.as_deref(), Some("short"));
    assert_eq!(claimed.incentive_data.get(), new.incentive_data);
    assert_eq!(claimed.scheduled_at, scheduled_at);
    assert_eq!(claimed.expires_at, Some(expires_at));
    assert_eq!(claimed.created_at, stored.created_at);
    assert_eq!(claimed.traceparent.as_deref(), Some(traceparent));
    assert_eq!((stored.status, stored.attempts), (Status::Processing, 1));
    assert_eq!(stored.claim_id, Some(claim.id));
}

async fn a_claim_row_keeps_who_claims_what_until_when(bench: Bench) {
    bench.insert_events(&["a", "b", "c"]).await;
    let claimant = Claimant::Transactional {
        transactional_id: "inq-1".to_owned(),
        cluster_id: "cluster".to_owned(),
    };
    let claim = bench
        .store
        .claim(2, HOUR, &claimant)
        .await
        .expect("claimed")
        .claim
        .expect("a claim");
    let plain = bench.claim(2).await;

    let kept = bench
        .store
        .open_claim(claim.id)
        .await
        .expect("an answer")
        .expect("a claim row");
    assert_eq!(kept.claimant, claimant);
    assert_eq!(kept.notification_ids, ids(&claim));
    assert_eq!((kept.lease_until - kept.claimed_at).num_seconds(), 3600);
    assert_eq!(kept.claimed_at, claim.claimed_at);
    assert_eq!(kept.doubt, None);
    let kept = bench
        .store
        .open_claim(plain.id)
        .await
        .expect("an answer")
        .expect("a claim row");
    assert_eq!(
        (kept.claimant, kept.notification_ids),
        (Claimant::Plain, ids(&plain))
    );
}

async fn claims_are_numbered_upwards_for_good(bench: Bench) {
    bench.insert_events(&["a", "b", "c"]).await;
    let mut last = 0;
    for _ in 0..3 {
        let claim = bench.claim(1).await;
        assert!(claim.id > last, "{} after {last}", claim.id);
        last = claim.id;
        let ended = bench.store.settle(claim.id, &ids(&claim), false).await;
        assert_eq!(ended.expect("settled"), inq::store::Ended::Done);
    }
}

async fn where_nothing_is_due_nothing_is_claimed(bench: Bench) {
    assert!(bench.try_claim(10).await.is_none());
    let stored = bench.insert(&[due("due", 2, 1)]).await;
    assert_eq!(
        stored,
        Inserted {
            inserted: 1,
            ..Inserted::default()
        }
    );
    assert!(bench.try_claim(0).await.is_none());
    assert_eq!(bench.store.open_claims(10).await.expect("an answer"), []);
    assert_eq!(bench.row("due").await.status, Status::Pending);
}

async fn a_claim_may_be_large(bench: Bench) {
    let rows: Vec<_> = (0..3000)
        .map(|number| due(&format!("event-{number}"), 1, 1))
        .collect();
    bench.insert(&rows).await;
    let claim = bench.claim(10_000).await;
    assert_eq!(claim.rows.len(), 3000);
    let ended = bench.store.settle(claim.id, &ids(&claim), true).await;
    assert_eq!(ended.expect("settled"), inq::store::Ended::Done);
    assert_eq!(bench.history("event-2999").await.len(), 1);
}
