//! When readers open: learned with the results that tell it, and forgotten bit by bit.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use inq::contract::{DeliveryResult, ResultStatus};
use inq::schedule::Opening;
use inq::store::{Ended, Habits, HistoryKind, NewNotification, Standing, Verdict};
use serde_json::Map;

use super::{Bench, ids, now, on_every_database, row};

on_every_database! {
    an_opening_is_learned_of_its_reader_and_of_all,
    what_is_learned_fades_from_batch_to_batch,
    results_without_an_opening_teach_nothing,
    those_who_learn_beside_each_other_lose_nothing,
    the_habits_of_many_are_learned_and_looked_up_at_once,
    what_cannot_be_learned_takes_its_results_back,
}

const MONTH: Duration = Duration::from_hours(720);

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

fn opened(text: &str, timezone: &str) -> Opening {
    Opening {
        at: at(text),
        timezone: Some(timezone.to_owned()),
        half_life: MONTH,
    }
}

fn about(one: f64, other: f64) -> bool {
    (one - other).abs() < 0.002
}

impl Bench {
    /// Rows that were sent.
    async fn sent_to(&self, rows: &[NewNotification]) -> Vec<i64> {
        self.insert(rows).await;
        let claim = self.claim(2000).await;
        assert_eq!(claim.rows.len(), rows.len());
        let ended = self.store.settle(claim.id, &ids(&claim), false).await;
        assert_eq!(ended.expect("settled"), Ended::Done);
        let mut ids = ids(&claim);
        ids.sort_unstable();
        ids
    }

    /// All of these are opened.
    async fn open(&self, rows: &[i64], opening: Option<Opening>) -> inq::store::Result<Vec<Verdict>> {
        let results = rows.iter().map(|id| result(*id)).collect();
        let decide = move |row: Option<&mut Standing>, result: &DeliveryResult| {
            let row = row.expect("a row");
            row.opened_at = Some(result.occurred_at);
            row.opening.clone_from(&opening);
            Verdict::Applied {
                kind: HistoryKind::Opened,
                priority: row.priority,
                traceparent: None,
                detail: Map::new(),
            }
        };
        self.store.apply_results(results, Arc::new(decide)).await
    }

    async fn habits(&self, users: &[i64]) -> Habits {
        self.store.habits(users).await.expect("habits")
    }
}

fn result(notification_id: i64) -> DeliveryResult {
    DeliveryResult {
        notification_id,
        attempt: 1,
        user_id: 42,
        status: ResultStatus::Opened,
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

fn of_user(event_id: &str, user_id: i64) -> NewNotification {
    NewNotification {
        user_id,
        ..row(event_id)
    }
}

async fn an_opening_is_learned_of_its_reader_and_of_all(bench: Bench) {
    let rows = bench
        .sent_to(&[of_user("a", 42), of_user("b", 7), of_user("c", 7)])
        .await;
    let opening = opened("2026-01-15T17:30:00Z", "Europe/Berlin");
    bench.open(&rows, Some(opening)).await.expect("applied");
    let habits = bench.habits(&[7, 42, 99]).await;
    for (user, count) in [(42, 1.0), (7, 2.0)] {
        let habit = habits.of(user).expect("a habit");
        assert!(about(habit.of_hour(18), count), "{habit:?}");
        assert!(about(habit.of_all(), count), "{habit:?}");
        assert_eq!(habit.timezone(), Some("Europe/Berlin"));
        assert_eq!(habit.as_of(), at("2026-01-15T17:30:00Z"));
    }
    assert_eq!(habits.of(99), None);
    assert!(about(habits.everybody().of_hour(18), 3.0));
    let others = bench.habits(&[99]).await;
    assert_eq!(others.of(42), None, "only of those who were asked for");
    assert!(about(others.everybody().of_all(), 3.0));
}

async fn what_is_learned_fades_from_batch_to_batch(bench: Bench) {
    let rows = bench.sent_to(&[row("a"), row("b"), row("c")]).await;
    for (row, opening) in rows.iter().zip([
        opened("2026-01-01T12:00:00Z", "UTC"),
        opened("2026-01-31T20:00:00Z", "Asia/Tokyo"),
        // It comes late, and is as old as it is.
        opened("2026-01-01T20:00:00Z", "UTC"),
    ]) {
        bench.open(&[*row], Some(opening)).await.expect("applied");
    }
    let mut habits = bench.habits(&[42]).await;
    let half = (-(30.0 + 8.0 / 24.0) / 30.0_f64).exp2();
    let habit = habits.of(42).expect("a habit");
    assert!(about(habit.of_hour(12), half), "{habit:?}");
    assert!(about(habit.of_hour(5), 1.0), "{habit:?}");
    assert!(about(habit.of_hour(20), 0.5), "{habit:?}");
    assert_eq!(habit.timezone(), Some("Asia/Tokyo"));
    assert!(about(habits.everybody().of_all(), 1.5 + half));
    habits.fade(at("2026-03-02T20:00:00Z"), MONTH);
    assert!(about(habits.of(42).expect("a habit").of_hour(5), 0.5));
    assert!(about(habits.everybody().of_hour(5), 0.5));
}

async fn results_without_an_opening_teach_nothing(bench: Bench) {
    let rows = bench.sent_to(&[row("a")]).await;
    bench.open(&rows, None).await.expect("applied");
    let habits = bench.habits(&[42]).await;
    assert_eq!(habits.of(42), None);
    assert_eq!(habits, Habits::default());
}

async fn those_who_learn_beside_each_other_lose_nothing(bench: Bench) {
    let new: Vec<_> = (0..30)
        .map(|number| of_user(&format!("event-{number}"), number % 3 + 1))
        .collect();
    let rows = bench.sent_to(&new).await;
    let learners: Vec<_> = rows
        .chunks(5)
        .map(|rows| {
            let (bench, rows) = (bench.clone(), rows.to_vec());
            tokio::spawn(async move {
                let opening = opened("2026-01-15T12:00:00Z", "UTC");
                bench.open(&rows, Some(opening)).await.expect("applied");
            })
        })
        .collect();
    for learner in learners {
        learner.await.expect("a learner");
    }
    let habits = bench.habits(&[1, 2, 3]).await;
    for user in [1, 2, 3] {
        assert!(
            about(habits.of(user).expect("a habit").of_hour(12), 10.0),
            "{habits:?}"
        );
    }
    assert!(about(habits.everybody().of_hour(12), 30.0));
}

async fn the_habits_of_many_are_learned_and_looked_up_at_once(bench: Bench) {
    let new: Vec<_> = (1..=1200)
        .map(|user| of_user(&format!("event-{user}"), user))
        .collect();
    let rows = bench.sent_to(&new).await;
    for _ in 0..2 {
        let opening = opened("2026-01-15T12:00:00Z", "UTC");
        bench.open(&rows, Some(opening)).await.expect("applied");
    }
    let users: Vec<i64> = (1..=1200).collect();
    let habits = bench.habits(&users).await;
    for user in users {
        assert!(
            about(habits.of(user).expect("a habit").of_hour(12), 2.0),
            "{user}"
        );
    }
    assert!(about(habits.everybody().of_all(), 2400.0));
}

async fn what_cannot_be_learned_takes_its_results_back(bench: Bench) {
    let rows = bench.sent_to(&[row("a")]).await;
    let opening = Some(opened("2026-01-15T12:00:00Z", "UTC"));
    bench
        .database
        .execute("ALTER TABLE user_habits RENAME TO elsewhere")
        .await;
    assert!(bench.open(&rows, opening.clone()).await.is_err());
    assert_eq!(bench.row("a").await.opened_at, None);
    assert_eq!(bench.history("a").await, []);
    bench
        .database
        .execute("ALTER TABLE elsewhere RENAME TO user_habits")
        .await;
    bench.open(&rows, opening).await.expect("applied");
    assert!(about(bench.habits(&[42]).await.everybody().of_all(), 1.0));
}
