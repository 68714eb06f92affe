//! What is decided of rows while they are stored.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Duration, NaiveDate, TimeDelta, Utc};
use inq::config::Settings;
use inq::contract::IncentiveType;
use inq::schedule::{CapPolicy, Leaving, Place};
use inq::store::{
    Admission, Admitted, Beginning, Fate, Filter, HistoryKind, KnownReader, NewNotification, Notification,
    Retelling, Status,
};
use serde_json::json;

use super::{Bench, on_every_database, row};

on_every_database! {
    what_is_decided_is_stored_with_its_history,
    only_new_rows_take_a_place,
    what_nobody_decides_about_is_stored_beside,
    many_who_store_for_the_same_readers_keep_to_the_cap,
    a_batch_that_is_refused_takes_no_place,
    readers_of_whom_nobody_asks_are_forgotten,
}

/// At most so many of a user in a day of UTC. What is for the user 0 is decided by nobody.
struct AtMost {
    policy: CapPolicy,
    /// What was kept of each reader when it was asked last.
    seen: Mutex<BTreeMap<i64, KnownReader>>,
}

fn at_most(per_day: u16) -> Arc<AtMost> {
    let settings = Settings::from_toml(&format!("caps.per_day = {per_day}")).expect("settings");
    Arc::new(AtMost {
        policy: CapPolicy::new(&settings.caps, &settings.quiet),
        seen: Mutex::default(),
    })
}

impl Retelling for AtMost {
    fn without(&self, digest: NewNotification, _: &str) -> Option<NewNotification> {
        Some(digest)
    }
}

impl Admission for AtMost {
    fn concerns(&self, row: &NewNotification) -> bool {
        row.user_id > 0
    }

    fn gathers(&self, _: &NewNotification) -> bool {
        false
    }

    fn admit(&self, row: &mut NewNotification, reader: &mut KnownReader, now: DateTime<Utc>) -> Fate {
        self.seen
            .lock()
            .expect("unpoisoned")
            .insert(row.user_id, reader.clone());
        let leaving = Leaving {
            incentive_type: row.incentive_type,
            priority: row.priority,
            at: row.scheduled_at.unwrap_or(now),
            timezone: None,
            preference: None,
        };
        let (fate, at) = match self.policy.place(&leaving, &reader.places) {
            Place::Free => (Fate::Admitted, Some(leaving.at)),
            Place::Later(capped) => (Fate::Waits, capped.until),
            Place::Nowhere(_) => (Fate::Suppressed, None),
        };
        match at {
            Some(at) => {
                row.scheduled_at = Some(at);
                reader.places.take(row.incentive_type, at);
            }
            None => row.status = Status::Suppressed,
        }
        if fate != Fate::Admitted {
            row.beginning.push(Beginning {
                kind: HistoryKind::Held,
                detail: json!({ "rule": "cap" }).as_object().cloned().expect("an object"),
            });
        }
        fate
    }

    fn memory(&self) -> TimeDelta {
        self.policy.memory()
    }
}

/// Of this user, due at noon tomorrow, so that no midnight is near.
fn tomorrow(event_id: &str, user_id: i64) -> NewNotification {
    NewNotification {
        user_id,
        scheduled_at: Some(noon(1)),
        ..row(event_id)
    }
}

/// So many days from now.
fn noon(days: i64) -> DateTime<Utc> {
    let day = (Utc::now() + Duration::days(days)).date_naive();
    day.and_hms_opt(12, 0, 0).expect("noon").and_utc()
}

fn midnight(days: i64) -> DateTime<Utc> {
    noon(days) - Duration::hours(12)
}

impl Bench {
    async fn admit(&self, rows: &[NewNotification], admission: &Arc<AtMost>) -> Admitted {
        let admission = Arc::clone(admission) as Arc<dyn Admission>;
        self.store
            .insert_admitted(rows, admission)
            .await
            .expect("inserted")
    }

    async fn rows_of(&self, user_id: i64) -> Vec<Notification> {
        let filter = Filter {
            user_id: Some(user_id),
            ..Filter::default()
        };
        self.store
            .notifications(&filter, None, 10_000)
            .await
            .expect("rows")
    }
}

async fn what_is_decided_is_stored_with_its_history(bench: Bench) {
    let rows: Vec<_> = ["a", "b", "c"].map(|event| tomorrow(event, 7)).into();
    let admitted = bench.admit(&rows, &at_most(2)).await;
    assert_eq!(admitted.fates, [Fate::Admitted, Fate::Admitted, Fate::Waits]);
    assert_eq!((admitted.stored.inserted, admitted.stored.duplicates), (3, 0));
    for (event, due, entries) in [("a", noon(1), 0), ("b", noon(1), 0), ("c", midnight(2), 1)] {
        assert_eq!(bench.row(event).await.scheduled_at, due, "{event}");
        assert_eq!(bench.history(event).await.len(), entries, "{event}");
    }
}

async fn only_new_rows_take_a_place(bench: Bench) {
    let admission = at_most(2);
    let first = [tomorrow("a", 7), tomorrow("a", 7), tomorrow("b", 7)];
    let admitted = bench.admit(&first, &admission).await;
    assert_eq!(admitted.fates, [Fate::Admitted; 2]);
    assert_eq!((admitted.stored.inserted, admitted.stored.duplicates), (2, 1));
    let again = bench.admit(&first, &admission).await;
    assert_eq!(again.fates, []);
    assert_eq!((again.stored.inserted, again.stored.duplicates), (0, 3));
    let third = bench
        .admit(&[tomorrow("b", 7), tomorrow("c", 7)], &admission)
        .await;
    assert_eq!(third.fates, [Fate::Waits]);
    let seen = admission.seen.lock().expect("unpoisoned")[&7].clone();
    let noon = noon(1).timestamp_millis();
    assert_eq!(
        seen.places.to_json(),
        json!({ "streak_reward": [noon, noon] }).to_string()
    );
}

async fn what_nobody_decides_about_is_stored_beside(bench: Bench) {
    let rows: Vec<_> = (0..40)
        .map(|number| tomorrow(&format!("event-{number}"), number % 4))
        .collect();
    let admission = at_most(1);
    let admitted = bench.admit(&rows, &admission).await;
    assert_eq!(admitted.stored.inserted, 40);
    assert_eq!(admitted.fates.len(), 30);
    assert!(
        bench
            .rows_of(0)
            .await
            .iter()
            .all(|row| row.scheduled_at == noon(1))
    );
    assert_eq!(
        bench
            .rows_of(1)
            .await
            .iter()
            .filter(|row| row.scheduled_at == noon(1))
            .count(),
        1
    );
    assert!(!admission.seen.lock().expect("unpoisoned").contains_key(&0));
}

async fn many_who_store_for_the_same_readers_keep_to_the_cap(bench: Bench) {
    const STORERS: usize = 8;
    let storers: Vec<_> = (0..STORERS)
        .map(|storer| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let admission = at_most(3);
                // Each event comes to two of them, in orders of their own.
                let mut rows: Vec<_> = (0..36)
                    .map(|number| {
                        let number = (storer * 18 + number) % (STORERS * 18);
                        tomorrow(
                            &format!("event-{number}"),
                            1 + i64::try_from(number % 5).expect("few"),
                        )
                    })
                    .collect();
                if storer.is_multiple_of(2) {
                    rows.reverse();
                }
                for part in rows.chunks(9) {
                    bench.admit(part, &admission).await;
                }
            })
        })
        .collect();
    for storer in storers {
        storer.await.expect("a storer");
    }
    let mut rows = 0;
    for user in 1..=5 {
        let mut of_day: BTreeMap<NaiveDate, usize> = BTreeMap::new();
        for row in bench.rows_of(user).await {
            assert_eq!(row.incentive_type, IncentiveType::StreakReward);
            *of_day.entry(row.scheduled_at.date_naive()).or_default() += 1;
            rows += 1;
        }
        let full = of_day.values().filter(|count| **count == 3).count();
        assert!(of_day.values().all(|count| *count <= 3), "{of_day:?}");
        assert!(
            full + 1 >= of_day.len(),
            "a place was taken by nobody: {of_day:?}"
        );
    }
    assert_eq!(rows, STORERS * 18, "lost or doubled");
}

async fn a_batch_that_is_refused_takes_no_place(bench: Bench) {
    let admission = at_most(1);
    let wrong = NewNotification {
        message_title: "x".repeat(256),
        ..tomorrow("wrong", 7)
    };
    let batch = [tomorrow("a", 7), wrong];
    let refused = bench
        .store
        .insert_admitted(&batch, Arc::clone(&admission) as _)
        .await;
    assert!(refused.is_err(), "{refused:?}");
    let admitted = bench.admit(&[tomorrow("b", 7)], &admission).await;
    assert_eq!(admitted.fates, [Fate::Admitted]);
}

async fn readers_of_whom_nobody_asks_are_forgotten(bench: Bench) {
    let rows: Vec<_> = (1..=3)
        .map(|user| tomorrow(&format!("of {user}"), user))
        .collect();
    bench.admit(&rows, &at_most(1)).await;
    assert_eq!(bench.store.forget_readers(10).await.expect("forgotten"), 0);
    bench
        .database
        .execute(
            "UPDATE incentive_notify_readers SET kept_until = '2020-01-01 00:00:00.000' WHERE user_id <> 2",
        )
        .await;
    for expected in [1, 1, 0] {
        assert_eq!(bench.store.forget_readers(1).await.expect("forgotten"), expected);
    }
    let admission = at_most(1);
    let again: Vec<_> = (1..=3)
        .map(|user| tomorrow(&format!("again of {user}"), user))
        .collect();
    let admitted = bench.admit(&again, &admission).await;
    assert_eq!(admitted.fates, [Fate::Admitted, Fate::Waits, Fate::Admitted]);
}
