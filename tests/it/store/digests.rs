//! One row that leaves for several.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Duration, TimeDelta, Utc};
use inq::contract::{Cancellation, Digest, DigestPart};
use inq::store::{
    Admission, Admitted, Beginning, CancelOutcome, Change, Fate, Filter, Gathered, GroupBy, HistoryKind,
    KnownReader, NewNotification, Notification, Retelling, Status,
};
use serde_json::{Map, Value, json};

use super::{Bench, now, on_every_database, priority, row};

on_every_database! {
    what_is_stored_together_leaves_as_one,
    what_was_alone_becomes_a_part,
    what_has_left_takes_no_more,
    a_full_one_is_followed_by_another,
    an_event_that_comes_again_is_told_of_once,
    types_and_readers_are_kept_apart,
    many_who_store_for_the_same_readers_lose_and_double_none,
    a_part_that_is_called_off_is_taken_out,
    what_was_called_off_before_it_came_is_no_part,
    a_digest_that_a_person_has_called_off_tells_of_no_part_that_was,
    a_digest_that_has_left_keeps_its_parts,
    a_digest_is_one_delivery_in_the_figures,
    many_are_called_off_while_others_come,
}

/// Gathers all there is, at most five in one, and tells how many.
pub(super) struct Gathering;

const MOST: usize = 5;

fn tell(row: &mut NewNotification, digest: &Digest) {
    row.message_title = format!("{} of them", digest.parts().len());
    row.incentive_data = Value::Object(digest.to_data()).to_string();
}

fn part(row: &NewNotification) -> DigestPart {
    DigestPart {
        event_id: row.event_id.clone(),
        points: Some(50.0),
        occurred_at: row.occurred_at,
    }
}

fn become_part(row: &mut NewNotification, digest: &str) {
    row.status = Status::Digested;
    row.digest_event_id = Some(digest.to_owned());
    row.beginning.push(Beginning {
        kind: HistoryKind::Digested,
        detail: Map::new(),
    });
}

impl Retelling for Gathering {
    fn without(&self, mut row: NewNotification, event_id: &str) -> Option<NewNotification> {
        let mut digest = Digest::read(&row.incentive_data).expect("a digest");
        digest.remove(event_id);
        tell(&mut row, &digest);
        (!digest.parts().is_empty()).then_some(row)
    }
}

impl Admission for Gathering {
    fn concerns(&self, row: &NewNotification) -> bool {
        row.status == Status::Pending
    }

    fn gathers(&self, _: &NewNotification) -> bool {
        true
    }

    fn admit(&self, row: &mut NewNotification, reader: &mut KnownReader, _: DateTime<Utc>) -> Fate {
        let Some(gathered) = reader.gathering(row.incentive_type) else {
            reader.gathered.push(Gathered::alone(row.clone()));
            return Fate::Admitted;
        };
        let mut digest = Digest::default();
        if gathered.is_digest() {
            digest = Digest::read(&gathered.leaves.incentive_data).expect("a digest");
        } else {
            digest.add(part(&gathered.leaves));
        }
        if digest.parts().len() == MOST {
            reader.gathered.push(Gathered::alone(row.clone()));
            return Fate::Admitted;
        }
        if !gathered.is_digest() {
            let mut first = gathered.leaves.clone();
            let new = NewNotification {
                event_id: format!("digest-of-{}", first.event_id),
                beginning: Vec::new(),
                ..first.clone()
            };
            become_part(&mut first, &new.event_id);
            gathered.begin(new, first);
        }
        digest.add(part(row));
        become_part(row, &gathered.leaves.event_id);
        gathered.leaves.priority = gathered.leaves.priority.max(row.priority);
        tell(&mut gathered.leaves, &digest);
        Fate::Digested
    }

    fn memory(&self) -> TimeDelta {
        TimeDelta::hours(1)
    }
}

/// Of this user, due in an hour.
fn later(event_id: &str, user_id: i64) -> NewNotification {
    NewNotification {
        user_id,
        scheduled_at: Some(now() + Duration::hours(1)),
        ..row(event_id)
    }
}

fn cancel(event_id: &str, user_id: i64) -> Cancellation {
    Cancellation {
        event_id: event_id.to_owned(),
        user_id,
        occurred_at: None,
        reason: None,
    }
}

fn told_by(row: &Notification) -> Vec<String> {
    let digest = Digest::read(row.incentive_data.get()).expect("a digest");
    digest.parts().iter().map(|part| part.event_id.clone()).collect()
}

impl Bench {
    async fn gather(&self, rows: &[NewNotification]) -> Admitted {
        self.store
            .insert_admitted(rows, Arc::new(Gathering))
            .await
            .expect("inserted")
    }

    async fn call_off(&self, event_id: &str) -> CancelOutcome {
        let outcomes = self
            .store
            .cancel(&[cancel(event_id, 7)], Arc::new(Gathering))
            .await;
        outcomes.expect("an answer")[0]
    }

    async fn all(&self) -> Vec<Notification> {
        let rows = self.store.notifications(&Filter::default(), None, 10_000).await;
        rows.expect("rows")
    }

    /// Each event is told of once, by the digest that it names, or waits alone; returns how many leave.
    async fn check(&self, events: usize) -> usize {
        let rows = self.all().await;
        let (digests, others): (Vec<_>, Vec<_>) = rows
            .iter()
            .partition(|row| row.event_id.starts_with("digest-of-"));
        assert_eq!(others.len(), events, "rows of events");
        let mut told = BTreeMap::new();
        for digest in digests.iter().filter(|digest| digest.status == Status::Pending) {
            for event in told_by(digest) {
                assert_eq!(told.insert(event, &digest.event_id), None, "told of twice");
            }
            assert!(told_by(digest).len() <= MOST, "{}", digest.event_id);
            assert_eq!(digest.message_title, format!("{} of them", told_by(digest).len()));
        }
        let named: BTreeMap<_, _> = others
            .iter()
            .filter(|row| row.status == Status::Digested)
            .map(|row| {
                (
                    row.event_id.clone(),
                    row.digest_event_id.as_ref().expect("a digest"),
                )
            })
            .collect();
        assert_eq!(named, told);
        rows.iter().filter(|row| row.status == Status::Pending).count()
    }
}

async fn what_is_stored_together_leaves_as_one(bench: Bench) {
    let urgent = NewNotification {
        priority: priority(2),
        ..later("b", 7)
    };
    let admitted = bench.gather(&[later("a", 7), urgent, later("c", 7)]).await;
    assert_eq!(admitted.fates, [Fate::Admitted, Fate::Digested, Fate::Digested]);
    assert_eq!(
        (
            admitted.stored.inserted,
            admitted.stored.duplicates,
            admitted.digests
        ),
        (3, 0, 1)
    );
    assert_eq!(bench.check(3).await, 1);
    let digest = bench.row("digest-of-a").await;
    assert_eq!((digest.status, digest.priority), (Status::Pending, priority(2)));
    assert_eq!(told_by(&digest), ["a", "b", "c"]);
    let data: Value = serde_json::from_str(digest.incentive_data.get()).expect("JSON");
    assert_eq!(
        (&data["points_earned"], &data["digest"]["count"]),
        (&json!(150), &json!(3))
    );
    for event in ["a", "b", "c"] {
        assert_eq!(
            bench.history(event).await.last().map(|entry| entry.kind),
            Some(HistoryKind::Digested)
        );
    }
}

async fn what_was_alone_becomes_a_part(bench: Bench) {
    let alone = bench.gather(&[later("a", 7)]).await;
    assert_eq!((alone.fates, alone.digests), (vec![Fate::Admitted], 0));
    let first = bench.row("a").await;
    assert_eq!(bench.check(1).await, 1);
    for (event, digests) in [("b", 1), ("c", 0)] {
        let admitted = bench.gather(&[later(event, 7)]).await;
        assert_eq!(
            (admitted.fates, admitted.digests),
            (vec![Fate::Digested], digests)
        );
        assert_eq!((admitted.stored.inserted, admitted.stored.duplicates), (1, 0));
    }
    assert_eq!(bench.check(3).await, 1);
    let part = bench.row("a").await;
    assert_eq!((part.id, part.status), (first.id, Status::Digested));
    assert_eq!(bench.history("a").await.len(), 1);
    assert_eq!(told_by(&bench.row("digest-of-a").await), ["a", "b", "c"]);
}

async fn what_has_left_takes_no_more(bench: Bench) {
    bench.gather(&[later("a", 7)]).await;
    bench
        .database
        .execute("UPDATE incentive_notify_queue SET scheduled_at = '2020-01-01 00:00:00.000'")
        .await;
    let due = bench.gather(&[later("b", 7)]).await;
    assert_eq!(due.fates, [Fate::Admitted], "what is due is about to leave");
    let claim = bench.claim(10).await;
    assert_eq!(super::events(&claim), ["a"]);
    assert_eq!(bench.gather(&[later("c", 7)]).await.fates, [Fate::Digested]);
    bench
        .database
        .execute("UPDATE incentive_notify_queue SET attempts = 1 WHERE event_id = 'digest-of-b'")
        .await;
    assert_eq!(
        bench.gather(&[later("d", 7)]).await.fates,
        [Fate::Admitted],
        "an attempt was made of it"
    );
    assert_eq!(told_by(&bench.row("digest-of-b").await), ["b", "c"]);
}

async fn a_full_one_is_followed_by_another(bench: Bench) {
    let rows: Vec<_> = (0..13).map(|number| later(&format!("e{number:02}"), 7)).collect();
    let (together, apart) = rows.split_at(7);
    assert_eq!(bench.gather(together).await.digests, 2);
    for row in apart {
        bench.gather(std::slice::from_ref(row)).await;
    }
    assert_eq!(bench.check(13).await, 3);
    assert_eq!(told_by(&bench.row("digest-of-e10").await), ["e10", "e11", "e12"]);
}

async fn an_event_that_comes_again_is_told_of_once(bench: Bench) {
    bench.gather(&[later("a", 7), later("a", 7), later("b", 7)]).await;
    let again = bench.gather(&[later("b", 7), later("a", 7)]).await;
    assert_eq!((again.fates, again.digests), (vec![], 0));
    assert_eq!((again.stored.inserted, again.stored.duplicates), (0, 2));
    assert_eq!(bench.check(2).await, 1);
    bench.gather(&[later("a", 7), later("c", 7)]).await;
    assert_eq!(bench.check(3).await, 1);
}

async fn types_and_readers_are_kept_apart(bench: Bench) {
    let other = NewNotification {
        incentive_type: inq::contract::IncentiveType::PointEarning,
        ..later("c", 7)
    };
    let admitted = bench.gather(&[later("a", 7), later("b", 8), other.clone()]).await;
    assert_eq!(admitted.fates, [Fate::Admitted; 3]);
    let other = NewNotification {
        event_id: "d".to_owned(),
        ..other
    };
    bench.gather(&[other]).await;
    bench.gather(&[later("e", 7)]).await;
    assert_eq!(bench.check(5).await, 3);
    assert_eq!(told_by(&bench.row("digest-of-c").await), ["c", "d"]);
    assert_eq!(told_by(&bench.row("digest-of-a").await), ["a", "e"]);
}

async fn many_who_store_for_the_same_readers_lose_and_double_none(bench: Bench) {
    const STORERS: usize = 8;
    let storers: Vec<_> = (0..STORERS)
        .map(|storer| {
            let bench = bench.clone();
            tokio::spawn(async move {
                // Each event comes to two of them, in orders of their own.
                let mut rows: Vec<_> = (0..36)
                    .map(|number| {
                        let number = (storer * 18 + number) % (STORERS * 18);
                        let user = 1 + i64::try_from(number % 5).expect("few");
                        later(&format!("event-{number}"), user)
                    })
                    .collect();
                if storer.is_multiple_of(2) {
                    rows.reverse();
                }
                for part in rows.chunks(9) {
                    bench.gather(part).await;
                }
            })
        })
        .collect();
    for storer in storers {
        storer.await.expect("a storer");
    }
    let leave = bench.check(STORERS * 18).await;
    // 28 or 29 for each of five readers, five at a time.
    assert_eq!(leave, 30, "a digest was begun while another could take more");
}

async fn a_part_that_is_called_off_is_taken_out(bench: Bench) {
    bench.gather(&[later("a", 7), later("b", 7), later("c", 7)]).await;
    assert_eq!(bench.call_off("b").await, CancelOutcome::Cancelled);
    assert_eq!(told_by(&bench.row("digest-of-a").await), ["a", "c"]);
    let told = bench.history("digest-of-a").await;
    assert_eq!(
        (told.len(), told[0].kind, &told[0].detail["parts"]),
        (1, HistoryKind::PartCancelled, &json!(["b"]))
    );
    assert_eq!(bench.row("b").await.status, Status::Cancelled);
    assert_eq!(
        bench.history("b").await.last().map(|entry| entry.kind),
        Some(HistoryKind::Cancelled)
    );
    assert_eq!(bench.check(3).await, 1);
    assert_eq!(bench.call_off("b").await, CancelOutcome::Repeat);
    bench.gather(&[later("d", 7)]).await;
    let both = [cancel("a", 7), cancel("d", 7), cancel("c", 7)];
    let outcomes = bench
        .store
        .cancel(&both, Arc::new(Gathering))
        .await
        .expect("an answer");
    assert_eq!(outcomes, [CancelOutcome::Cancelled; 3]);
    let digest = bench.row("digest-of-a").await;
    assert_eq!(digest.status, Status::Suppressed, "nothing is left to tell");
    assert_eq!(
        (digest.incentive_data.get(), bench.row("d").await.digest_event_id),
        ("{}", None)
    );
    let history = bench.history("digest-of-a").await;
    assert_eq!(
        history.last().map(|entry| entry.kind),
        Some(HistoryKind::Suppressed)
    );
    assert_eq!(bench.gather(&[later("e", 7)]).await.fates, [Fate::Admitted]);
}

async fn what_was_called_off_before_it_came_is_no_part(bench: Bench) {
    bench.gather(&[later("a", 7)]).await;
    assert_eq!(bench.call_off("b").await, CancelOutcome::Remembered);
    let admitted = bench.gather(&[later("b", 7)]).await;
    assert_eq!((admitted.fates, admitted.stored.cancelled), (vec![], 1));
    assert_eq!(bench.row("a").await.status, Status::Pending);
    assert_eq!(bench.row("b").await.status, Status::Cancelled);
    // Another's cancel is of nobody's event.
    let strangers = [cancel("c", 8)];
    bench
        .store
        .cancel(&strangers, Arc::new(Gathering))
        .await
        .expect("an answer");
    let admitted = bench.gather(&[later("c", 7)]).await;
    assert_eq!(
        (admitted.fates, admitted.stored.foreign_cancels),
        (vec![Fate::Digested], 1)
    );
}

async fn a_digest_that_a_person_has_called_off_tells_of_no_part_that_was(bench: Bench) {
    bench.gather(&[later("a", 7), later("b", 7)]).await;
    let digest = Filter {
        ids: vec![bench.row("digest-of-a").await.id],
        ..Filter::default()
    };
    let change = async |change| {
        let changed = bench.store.change(&digest, change, "anna", 0, 10).await;
        changed.expect("changed");
    };
    change(Change::Cancel).await;
    assert_eq!(bench.gather(&[later("c", 7)]).await.fates, [Fate::Admitted]);
    assert_eq!(bench.call_off("a").await, CancelOutcome::Cancelled);
    assert_eq!(bench.row("digest-of-a").await.status, Status::Cancelled);
    change(Change::Retry).await;
    assert_eq!(told_by(&bench.row("digest-of-a").await), ["b"]);
}

async fn a_digest_that_has_left_keeps_its_parts(bench: Bench) {
    bench.gather(&[later("a", 7), later("b", 7)]).await;
    bench
        .database
        .execute(
            "UPDATE incentive_notify_queue SET scheduled_at = '2020-01-01 00:00:00.000' WHERE event_id = 'digest-of-a'",
        )
        .await;
    let claim = bench.claim(10).await;
    assert_eq!(super::events(&claim), ["digest-of-a"]);
    assert_eq!(bench.call_off("a").await, CancelOutcome::TooLate);
    assert_eq!(bench.row("a").await.status, Status::Digested);
    let history = bench.history("a").await;
    assert_eq!(
        history.last().map(|entry| entry.kind),
        Some(HistoryKind::CancelTooLate)
    );
    assert_eq!(told_by(&bench.row("digest-of-a").await), ["a", "b"]);
}

async fn a_digest_is_one_delivery_in_the_figures(bench: Bench) {
    bench
        .gather(&[later("a", 7), later("b", 7), later("c", 7), later("alone", 8)])
        .await;
    bench
        .database
        .execute("UPDATE incentive_notify_queue SET scheduled_at = '2020-01-01 00:00:00.000' WHERE status = 'pending'")
        .await;
    let claim = bench.claim(10).await;
    assert_eq!(super::events(&claim).len(), 2);
    let settled = bench.store.settle(claim.id, &super::ids(&claim), false).await;
    assert_eq!(settled.expect("settled"), inq::store::Ended::Done);
    bench
        .database
        .execute("UPDATE incentive_notify_queue SET delivered_at = sent_at, opened_at = sent_at WHERE status = 'sent'")
        .await;
    for by in [GroupBy::IncentiveType, GroupBy::Language, GroupBy::Priority] {
        let (from, to) = (now() - TimeDelta::hours(1), now() + TimeDelta::hours(1));
        let groups = bench.store.engagement(from, to, by).await.expect("figures");
        assert_eq!(groups.len(), 1, "{groups:?}");
        let of = &groups[0];
        assert_eq!(
            (of.stored, of.digested, of.sent, of.delivered, of.opened),
            (2, 3, 2, 2, 2),
            "{by:?}"
        );
    }
    // What was not sent has no hour.
    let (from, to) = (now() - TimeDelta::hours(1), now() + TimeDelta::hours(1));
    let hours = bench.store.engagement(from, to, GroupBy::Hour).await;
    let unknown = hours.expect("figures").pop().expect("a group");
    assert_eq!(
        (unknown.group.as_str(), unknown.stored, unknown.digested),
        ("unknown", 0, 3)
    );
}

async fn many_are_called_off_while_others_come(bench: Bench) {
    const EVENTS: usize = 60;
    let storers = (0..2).map(|storer| {
        let bench = bench.clone();
        tokio::spawn(async move {
            for number in (storer..EVENTS).step_by(2) {
                bench.gather(&[later(&format!("event-{number}"), 7)]).await;
            }
        })
    });
    let cancellers = (0..2).map(|canceller| {
        let bench = bench.clone();
        tokio::spawn(async move {
            for number in (canceller..EVENTS).step_by(3) {
                bench.call_off(&format!("event-{number}")).await;
            }
        })
    });
    let all: Vec<_> = storers.chain(cancellers).collect();
    for one in all {
        one.await.expect("an end");
    }
    bench.check(EVENTS).await;
    let cancelled: BTreeSet<_> = (0..2)
        .flat_map(|canceller| (canceller..EVENTS).step_by(3))
        .map(|number| format!("event-{number}"))
        .collect();
    for row in bench.all().await {
        if row.event_id.starts_with("event-") {
            let expected = cancelled.contains(&row.event_id);
            assert_eq!(
                row.status == Status::Cancelled,
                expected,
                "{} is {}",
                row.event_id,
                row.status
            );
        }
    }
}
