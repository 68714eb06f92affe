//! Claims that nobody has ended yet.

use std::time::Duration;

use inq::store::{Claimant, Glance};

use super::{Bench, HOUR, ids, on_every_database};

on_every_database! {
    a_claim_lapses_by_the_databases_clock,
    a_claim_in_doubt_is_kept_and_left_alone,
    open_claims_are_told_the_oldest_first,
    a_lapsed_claim_can_still_be_settled,
    a_glance_tells_when_the_next_lease_ends_and_what_is_in_doubt,
}

async fn claim_for(bench: &Bench, lease: Duration) -> i64 {
    let claimed = bench
        .store
        .claim(1, lease, &Claimant::Plain)
        .await
        .expect("claimed");
    claimed.claim.expect("something to claim").id
}

async fn lapsed(bench: &Bench) -> Vec<i64> {
    let claims = bench.store.lapsed_claims(10).await.expect("an answer");
    claims.iter().map(|claim| claim.id).collect()
}

async fn a_claim_lapses_by_the_databases_clock(bench: Bench) {
    bench.insert_events(&["a", "b", "c"]).await;
    let first = claim_for(&bench, Duration::ZERO).await;
    claim_for(&bench, HOUR).await;
    let third = claim_for(&bench, Duration::ZERO).await;
    assert_eq!(lapsed(&bench).await, [first, third]);
    let one = bench.store.lapsed_claims(1).await.expect("an answer");
    assert_eq!(one.len(), 1);
    assert_eq!(one[0].id, first);
}

async fn a_claim_in_doubt_is_kept_and_left_alone(bench: Bench) {
    bench.insert_events(&["a"]).await;
    let claim = claim_for(&bench, Duration::ZERO).await;
    let doubt =
        async |claim, why: &str, pause| bench.store.doubt(claim, why, pause).await.expect("an answer");
    assert!(doubt(claim, "another cluster\u{1f937}", HOUR).await);
    assert!(lapsed(&bench).await.is_empty());
    let open = bench.store.open_claims(10).await.expect("an answer");
    assert_eq!(open.len(), 1);
    assert_eq!(open[0].doubt.as_deref(), Some("another cluster\u{1f937}"));

    assert!(doubt(claim, &"why ".repeat(10_000), Duration::ZERO).await);
    assert_eq!(lapsed(&bench).await, [claim]);
    assert!(!doubt(claim + 1, "nobody's", HOUR).await);
}

async fn open_claims_are_told_the_oldest_first(bench: Bench) {
    bench.insert_events(&["a", "b", "c"]).await;
    let first = claim_for(&bench, HOUR).await;
    let second = claim_for(&bench, Duration::ZERO).await;
    claim_for(&bench, HOUR).await;
    let open = bench.store.open_claims(2).await.expect("an answer");
    assert_eq!(
        open.iter().map(|claim| claim.id).collect::<Vec<_>>(),
        [first, second]
    );
    assert_eq!(
        bench.store.open_claim(first + 1000).await.expect("an answer"),
        None
    );
}

async fn a_glance_tells_when_the_next_lease_ends_and_what_is_in_doubt(bench: Bench) {
    let glance = async || bench.store.glance_at_claims().await.expect("an answer");
    assert_eq!(glance().await, Glance::default());
    bench.insert_events(&["a", "b"]).await;
    claim_for(&bench, 2 * HOUR).await;
    let second = claim_for(&bench, HOUR).await;
    let seen = glance().await;
    let lapse_in = seen.lapse_in.expect("an end");
    assert!(lapse_in > HOUR / 2 && lapse_in <= HOUR, "{lapse_in:?}");
    assert_eq!(seen.in_doubt, 0);
    let doubted = bench.store.doubt(second, "why", Duration::ZERO).await;
    assert!(doubted.expect("an answer"));
    let lapsed = Glance {
        lapse_in: Some(Duration::ZERO),
        in_doubt: 1,
    };
    assert_eq!(glance().await, lapsed);
}

async fn a_lapsed_claim_can_still_be_settled(bench: Bench) {
    bench.insert_events(&["a"]).await;
    let claimed = bench
        .store
        .claim(1, Duration::ZERO, &Claimant::Plain)
        .await
        .expect("claimed");
    let claim = claimed.claim.expect("a claim");
    let ended = bench.store.settle(claim.id, &ids(&claim), false).await;
    assert_eq!(ended.expect("an answer"), inq::store::Ended::Done);
    assert!(lapsed(&bench).await.is_empty());
}
