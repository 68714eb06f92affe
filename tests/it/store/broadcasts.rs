//! Broadcasts: one of a name, one who does it, and a cursor that only its holder moves on.

use std::time::Duration;

use inq::contract::{Preference, PreferenceChange};
use inq::store::{Advance, Broadcast, BroadcastOrder, BroadcastState, NewBroadcast, Started};

use super::{Bench, HOUR, on_every_database};

on_every_database! {
    a_broadcast_is_kept_as_it_was_ordered,
    there_is_one_of_a_name,
    who_start_the_same_at_once_start_one,
    orders_are_given_in_the_states_for_them,
    one_at_a_time_does_a_broadcast,
    only_its_holder_moves_it_on_and_only_from_where_it_stands,
    who_has_looked_at_everybody_is_done,
    readers_come_page_by_page_in_their_order,
}

fn order(name: Option<&str>) -> NewBroadcast {
    NewBroadcast {
        name: name.map(str::to_owned),
        event: r#"{"incentive_type":"bonus_opportunity","message_title":"Frühling ☀"}"#.to_owned(),
        segment: Some("vip".to_owned()),
        rate: 100,
        by: "Ada".to_owned(),
        expected: Some(3),
    }
}

const fn advance(from: i64, to: i64, is_last: bool) -> Advance {
    Advance {
        from,
        to,
        looked_at: 10,
        produced: 4,
        is_last,
    }
}

impl Bench {
    async fn start(&self, new: &NewBroadcast) -> Started {
        self.store.start_broadcast(new).await.expect("started")
    }

    async fn broadcast(&self, id: i64) -> Broadcast {
        let found = self.store.broadcast(id).await.expect("an answer");
        found.expect("a broadcast")
    }

    /// Which broadcasts are the holder's to do, and how many run.
    async fn take(&self, holder: &str, lease: Duration) -> (Vec<i64>, usize) {
        let taken = self.store.take_broadcasts(holder, lease).await.expect("taken");
        (
            taken.ours.iter().map(|broadcast| broadcast.id).collect(),
            taken.running,
        )
    }

    async fn order(&self, id: i64, order: BroadcastOrder) -> bool {
        self.store.order_broadcast(id, order).await.expect("an answer")
    }

    async fn advance(&self, id: i64, holder: &str, step: Advance) -> bool {
        let moved = self.store.advance_broadcast(id, holder, &step).await;
        moved.expect("an answer")
    }
}

async fn a_broadcast_is_kept_as_it_was_ordered(bench: Bench) {
    let new = order(None);
    let started = bench.start(&new).await;
    assert!(started.is_new);
    let other = NewBroadcast {
        segment: None,
        expected: None,
        ..order(None)
    };
    let second = bench.start(&other).await.broadcast;
    assert!(second.id > started.broadcast.id, "without a name each is another");
    assert!(second.is_of(&other) && !second.is_of(&new));

    let found = bench.broadcast(started.broadcast.id).await;
    assert!(found.is_of(&new));
    assert_eq!(
        (
            found.state,
            found.expected,
            found.started_by.as_str(),
            found.looked_at
        ),
        (BroadcastState::Running, Some(3), "Ada", 0)
    );
    assert_eq!((found.produced, found.after_user, found.ended_at), (0, 0, None));
    let ids = async |before, limit| {
        let found = bench.store.broadcasts(before, limit).await.expect("a list");
        found.iter().map(|broadcast| broadcast.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, 10).await, [second.id, found.id]);
    assert_eq!(ids(None, 1).await, [second.id]);
    assert_eq!(ids(Some(second.id), 10).await, [found.id]);
    assert!(
        bench
            .store
            .broadcast(second.id + 1)
            .await
            .expect("an answer")
            .is_none()
    );
}

async fn there_is_one_of_a_name(bench: Bench) {
    let first = bench.start(&order(Some("spring"))).await;
    assert!(first.is_new);
    let another = NewBroadcast {
        rate: 7,
        ..order(Some("spring"))
    };
    let second = bench.start(&another).await;
    assert!(!second.is_new);
    assert_eq!(
        (second.broadcast.id, second.broadcast.rate),
        (first.broadcast.id, 100)
    );
    assert!(bench.start(&order(Some("Spring"))).await.is_new);
}

async fn who_start_the_same_at_once_start_one(bench: Bench) {
    let starts: Vec<_> = (0..8)
        .map(|_| {
            let bench = bench.clone();
            tokio::spawn(async move { bench.start(&order(Some("once"))).await })
        })
        .collect();
    let mut new = 0;
    for start in starts {
        new += usize::from(start.await.expect("a start").is_new);
    }
    assert_eq!(new, 1);
    assert_eq!(bench.store.broadcasts(None, 10).await.expect("a list").len(), 1);
}

async fn orders_are_given_in_the_states_for_them(bench: Bench) {
    use BroadcastOrder::{Pause, Resume, Stop};
    let id = bench.start(&order(None)).await.broadcast.id;
    assert!(!bench.order(id, Resume).await);
    assert!(bench.order(id, Pause).await);
    assert!(!bench.order(id, Pause).await);
    assert_eq!(bench.take("a", HOUR).await, (vec![], 0), "what is paused rests");
    let any_paused = async || {
        bench
            .store
            .take_broadcasts("a", HOUR)
            .await
            .expect("taken")
            .paused
    };
    assert!(any_paused().await, "and may be let go on");
    assert!(bench.order(id, Resume).await);
    assert!(!any_paused().await);
    assert_eq!(bench.broadcast(id).await.ended_at, None);
    assert!(bench.order(id, Stop).await);
    for order in [Pause, Resume, Stop] {
        assert!(!bench.order(id, order).await, "{order:?}");
    }
    let stopped = bench.broadcast(id).await;
    assert_eq!(stopped.state, BroadcastState::Stopped);
    assert!(stopped.ended_at.is_some());
    assert!(!bench.order(id + 1, Stop).await);
    let why = Resume.refusal(&stopped);
    assert_eq!(
        why,
        format!("broadcast {id} is stopped; only what is paused can become running")
    );
}

async fn one_at_a_time_does_a_broadcast(bench: Bench) {
    assert_eq!(bench.take("a", HOUR).await, (vec![], 0));
    let id = bench.start(&order(None)).await.broadcast.id;
    assert_eq!(bench.take("a", HOUR).await, (vec![id], 1));
    assert_eq!(bench.take("b", HOUR).await, (vec![], 1));
    assert_eq!(
        bench.take("a", HOUR).await,
        (vec![id], 1),
        "it stays its holder's"
    );
    let second = bench.start(&order(None)).await.broadcast.id;
    assert_eq!(bench.take("b", HOUR).await, (vec![second], 2));

    bench.store.leave_broadcast(id, "b").await.expect("an answer");
    assert_eq!(
        bench.take("b", HOUR).await.0,
        [second],
        "who does not have it cannot leave it"
    );
    bench.store.leave_broadcast(id, "a").await.expect("an answer");
    assert_eq!(bench.take("b", Duration::ZERO).await.0, [id, second]);
    assert_eq!(
        bench.take("a", HOUR).await.0,
        [id, second],
        "the leases have ended"
    );
}

async fn only_its_holder_moves_it_on_and_only_from_where_it_stands(bench: Bench) {
    let id = bench.start(&order(None)).await.broadcast.id;
    assert!(!bench.advance(id, "a", advance(0, 5, false)).await);
    bench.take("a", Duration::ZERO).await;
    assert!(bench.advance(id, "a", advance(0, 5, false)).await);
    assert!(
        !bench.advance(id, "a", advance(0, 5, false)).await,
        "it has moved on"
    );
    bench.take("b", HOUR).await;
    assert!(
        !bench.advance(id, "a", advance(5, 9, false)).await,
        "it is another's"
    );
    assert!(bench.advance(id, "b", advance(5, 9, false)).await);
    let found = bench.broadcast(id).await;
    assert_eq!((found.after_user, found.looked_at, found.produced), (9, 20, 8));

    assert!(bench.order(id, BroadcastOrder::Pause).await);
    assert!(
        bench.advance(id, "b", advance(9, 12, true)).await,
        "what was made is noted"
    );
    let found = bench.broadcast(id).await;
    assert_eq!((found.state, found.produced), (BroadcastState::Paused, 12));
    assert_eq!(found.ended_at, None);
}

async fn who_has_looked_at_everybody_is_done(bench: Bench) {
    let id = bench.start(&order(None)).await.broadcast.id;
    bench.take("a", HOUR).await;
    assert!(bench.advance(id, "a", advance(0, 5, true)).await);
    let found = bench.broadcast(id).await;
    assert_eq!(found.state, BroadcastState::Done);
    assert!(found.ended_at.is_some());
    assert_eq!(bench.take("a", HOUR).await, (vec![], 0));
    assert!(!bench.order(id, BroadcastOrder::Stop).await);
}

async fn readers_come_page_by_page_in_their_order(bench: Bench) {
    let said = |user_id: i64| {
        let text = format!(r#"{{"user_id":{user_id},"segments":["a"],"updated_at":"2026-01-31T12:00:00Z"}}"#);
        PreferenceChange::from(Preference::decode(Some(text.as_bytes()), 1000).expect("a preference"))
    };
    let mut changes: Vec<_> = [30, 4, 1_000_000_000_000, 7].map(said).into();
    changes.push(PreferenceChange {
        preference: None,
        ..said(5)
    });
    bench.store.change_preferences(&changes).await.expect("changed");
    let page = async |after, limit| {
        let found = bench.store.page_of_readers(after, limit).await.expect("readers");
        let ids: Vec<_> = found.iter().map(|reader| reader.user_id).collect();
        (ids, found)
    };
    let (ids, found) = page(0, 3).await;
    assert_eq!(ids, [4, 5, 7]);
    assert_eq!(found[0].preference, said(4).preference);
    assert_eq!(found[1].preference, None, "who was forgotten is told as such");
    assert_eq!(page(7, 3).await.0, [30, 1_000_000_000_000]);
    assert_eq!(page(1_000_000_000_000, 3).await.0, [0_i64; 0]);
}
