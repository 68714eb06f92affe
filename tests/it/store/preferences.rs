//! What readers want: the newest counts, whatever the order in which it comes.

use inq::contract::{Preference, PreferenceChange};

use super::{Bench, on_every_database};

on_every_database! {
    the_newest_preference_counts_in_any_order,
    somebody_who_was_forgotten_stays_forgotten,
    of_the_same_moment_all_come_to_the_same,
    many_readers_are_looked_up_at_once,
    who_write_beside_each_other_lose_nothing,
}

/// Of second `at`.
fn said(user_id: i64, language: &str, at: u8) -> PreferenceChange {
    let text = format!(
        r#"{{"user_id":{user_id},"language":"{language}","segments":["a"],"updated_at":"2026-01-31T12:00:{at:02}.123Z"}}"#
    );
    Preference::decode(Some(text.as_bytes()), 1000)
        .expect("a preference")
        .into()
}

fn forgotten(user_id: i64, at: u8) -> PreferenceChange {
    PreferenceChange {
        preference: None,
        ..said(user_id, "en", at)
    }
}

impl Bench {
    async fn change(&self, changes: &[PreferenceChange]) {
        self.store.change_preferences(changes).await.expect("changed");
    }

    async fn language(&self, user_id: i64) -> Option<String> {
        let found = self.store.preferences(&[user_id]).await.expect("looked up");
        found
            .get(&user_id)
            .and_then(|preference| preference.language.clone())
    }
}

async fn the_newest_preference_counts_in_any_order(bench: Bench) {
    assert_eq!(bench.language(1).await, None);
    bench.change(&[]).await;
    bench.change(&[said(1, "de", 5)]).await;
    bench.change(&[said(1, "fr", 4)]).await;
    assert_eq!(bench.language(1).await.as_deref(), Some("de"));
    bench
        .change(&[said(1, "ja", 7), said(1, "es", 6), said(2, "fr", 1)])
        .await;
    assert_eq!(bench.language(1).await.as_deref(), Some("ja"));
    let found = bench.store.preferences(&[1]).await.expect("looked up");
    assert_eq!(
        Some(&found[&1]),
        said(1, "ja", 7).preference.as_ref(),
        "all of it is kept"
    );
}

async fn somebody_who_was_forgotten_stays_forgotten(bench: Bench) {
    bench.change(&[said(1, "de", 5), forgotten(2, 5)]).await;
    bench.change(&[forgotten(1, 4)]).await;
    assert_eq!(
        bench.language(1).await.as_deref(),
        Some("de"),
        "what was said later counts"
    );
    bench.change(&[forgotten(1, 6)]).await;
    bench
        .change(&[said(1, "de", 5), said(2, "fr", 4), said(1, "ja", 6)])
        .await;
    assert_eq!((bench.language(1).await, bench.language(2).await), (None, None));
    bench.change(&[said(1, "fr", 7)]).await;
    assert_eq!(bench.language(1).await.as_deref(), Some("fr"));
}

async fn of_the_same_moment_all_come_to_the_same(bench: Bench) {
    let changes = [said(1, "de", 5), said(1, "ja", 5), said(1, "fr", 5)];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        bench.database.execute("DELETE FROM user_preferences").await;
        for which in order {
            bench.change(&changes[which..=which]).await;
        }
        assert_eq!(bench.language(1).await.as_deref(), Some("ja"), "{order:?}");
    }
    bench.change(&changes).await;
    assert_eq!(bench.language(1).await.as_deref(), Some("ja"));
}

async fn many_readers_are_looked_up_at_once(bench: Bench) {
    let changes: Vec<_> = (1..=1100).map(|user| said(user, "de", 1)).collect();
    bench.change(&changes).await;
    let users: Vec<i64> = (1001..=2000).collect();
    let found = bench.store.preferences(&users).await.expect("looked up");
    assert!(found.keys().copied().eq(1001..=1100));
    // As many as one batch may have.
    let users: Vec<i64> = (1..=10_000).collect();
    let found = bench.store.preferences(&users).await.expect("looked up");
    assert!(found.keys().copied().eq(1..=1100));
}

async fn who_write_beside_each_other_lose_nothing(bench: Bench) {
    let writers: Vec<_> = (0..6_u8)
        .map(|writer| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let mut changes: Vec<_> = (1..=50)
                    .map(|user| said(user, ["de", "fr"][usize::from(writer % 2)], writer))
                    .collect();
                if writer % 2 == 0 {
                    changes.reverse();
                }
                bench.change(&changes).await;
            })
        })
        .collect();
    for writer in writers {
        writer.await.expect("a writer");
    }
    for user in [1, 25, 50] {
        assert_eq!(bench.language(user).await.as_deref(), Some("fr"));
    }
}
