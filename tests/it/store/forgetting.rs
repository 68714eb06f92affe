//! Nothing is left of who was forgotten but the figures.

use std::time::Duration;

use chrono::Utc;
use inq::contract::{Preference, PreferenceChange};
use inq::store::{
    Beginning, Change, Ended, Filter, Forgetting, GroupBy, HistoryKind, NOBODY, NewNotification,
    Notification, Status, Which,
};
use serde_json::json;

use super::{Bench, ids, now, on_every_database, row};

on_every_database! {
    rows_become_anonymous_and_the_figures_stay,
    what_a_claim_holds_waits_for_its_end,
    what_comes_after_is_of_a_new_relation,
    an_empty_record_asks_as_of_its_time,
    rows_that_slip_in_are_found_again,
    a_request_is_let_go_after_its_time,
    what_is_anonymous_goes_to_nobody,
    who_waits_is_told,
    it_is_told_since_when_a_user_is_known,
}

const USER: i64 = 7_300_042;

fn of(user_id: i64, event: &str) -> NewNotification {
    NewNotification {
        user_id,
        timezone: Some("Asia/Kathmandu".to_owned()),
        device_type: Some("ios".to_owned()),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
        ..row(event)
    }
}

impl Bench {
    async fn ask(&self) -> Forgetting {
        let asked = self.store.request_forgetting(USER, "a test").await;
        asked.expect("asked")
    }

    async fn forgetting(&self) -> Option<Forgetting> {
        self.store.forgetting(USER).await.expect("an answer")
    }

    async fn anonymise(&self, of: &Forgetting, which: Which) -> u64 {
        self.store.anonymise(of, which, 100).await.expect("an answer")
    }

    /// All of it, but for what a claim holds.
    async fn forget(&self, of: &Forgetting, done: bool) -> bool {
        self.anonymise(of, Which::Pending).await;
        self.anonymise(of, Which::Free).await;
        self.store
            .note_erased(of, Duration::ZERO, done)
            .await
            .expect("an answer")
    }

    async fn by_id(&self, id: i64) -> Notification {
        let found = self.store.notification(id).await.expect("an answer");
        found.expect("a row")
    }

    async fn of_user(&self) -> u64 {
        let filter = Filter {
            user_id: Some(USER),
            ..Filter::default()
        };
        self.store.count(&filter, None).await.expect("an answer")
    }

    async fn figures(&self) -> Vec<String> {
        let mut told = Vec::new();
        for by in GroupBy::ALL {
            let day = chrono::Duration::days(1);
            let rows = self.store.engagement(now() - day, now() + day, by).await;
            told.push(format!("{by:?} {:?}", rows.expect("an answer")));
        }
        told
    }
}

fn held() -> Beginning {
    let detail = json!({ "timezone": "Asia/Kathmandu" });
    Beginning {
        kind: HistoryKind::Held,
        detail: detail.as_object().cloned().expect("an object"),
    }
}

async fn rows_become_anonymous_and_the_figures_stay(bench: Bench) {
    let rows = [
        of(USER, "sent"),
        NewNotification {
            scheduled_at: Some(now() + chrono::Duration::hours(1)),
            beginning: vec![held()],
            ..of(USER, "waits")
        },
        NewNotification {
            status: Status::Digested,
            digest_event_id: Some("digest-1".to_owned()),
            ..of(USER, "part")
        },
        of(8, "of another"),
    ];
    bench.insert(&rows).await;
    let claim = bench.claim(10).await;
    let settled = bench.store.settle(claim.id, &ids(&claim), true).await;
    assert_eq!(settled.expect("an answer"), Ended::Done);
    let (sent, waits) = (bench.row("sent").await, bench.row("waits").await);
    let part = bench.row("part").await;
    let (another, figures) = (bench.row("of another").await, bench.figures().await);

    let asked = bench.ask().await;
    assert_eq!(
        (asked.erased_at, asked.done_at, asked.requested_by.as_str()),
        (None, None, "a test")
    );
    assert_eq!(
        bench.store.next_to_forget(0).await.expect("an answer"),
        Some(asked.clone())
    );
    assert!(
        !bench
            .store
            .note_erased(&asked, Duration::ZERO, true)
            .await
            .expect("an answer")
    );
    assert_eq!(bench.anonymise(&asked, Which::Pending).await, 1);
    assert_eq!(bench.anonymise(&asked, Which::Free).await, 2);
    assert_eq!(bench.anonymise(&asked, Which::Free).await, 0);
    let hour = Duration::from_hours(1);
    assert!(
        !bench
            .store
            .note_erased(&asked, hour, true)
            .await
            .expect("an answer"),
        "it is too soon"
    );
    assert!(
        bench
            .store
            .note_erased(&asked, Duration::ZERO, false)
            .await
            .expect("an answer")
    );
    let erased = bench.store.erased(10).await.expect("an answer");
    assert_eq!(erased.len(), 1);
    assert_eq!(bench.store.note_forgotten(&erased).await.expect("an answer"), 1);
    assert!(bench.forgetting().await.expect("a request").done_at.is_some());

    assert_eq!(bench.of_user().await, 0);
    assert_eq!(bench.figures().await, figures);
    for (before, status, history) in [
        (&sent, Status::Sent, vec![HistoryKind::RecoveredAsSent]),
        (&part, Status::Digested, vec![]),
        (
            &waits,
            Status::Cancelled,
            vec![HistoryKind::Held, HistoryKind::Cancelled],
        ),
    ] {
        let row = bench.by_id(before.id).await;
        assert_eq!((row.user_id, row.status), (NOBODY, status));
        assert!(
            row.event_id.starts_with("forgotten-") && row.event_id.len() > 40,
            "{}",
            row.event_id
        );
        assert_eq!((row.message_title.as_str(), row.message_body.as_str()), ("", ""));
        assert_eq!(row.incentive_data.get(), "{}");
        assert_eq!((row.timezone, row.last_error, row.expires_at), (None, None, None));
        assert_eq!(row.digest_event_id, None, "it would tell whose it was");
        assert_eq!(
            (row.language.as_str(), row.device_type.as_deref()),
            ("en", Some("ios"))
        );
        assert_eq!((row.created_at, row.sent_at), (before.created_at, before.sent_at));
        if status == Status::Sent {
            assert_eq!(row.updated_at, before.updated_at, "it is kept no longer for it");
        }
        let told = bench.store.history(before.id).await.expect("an answer");
        assert!(told.iter().all(|entry| entry.detail.is_empty()), "{told:?}");
        assert_eq!(told.iter().map(|entry| entry.kind).collect::<Vec<_>>(), history);
    }
    let now = bench.row("of another").await;
    assert_eq!(format!("{now:?}"), format!("{another:?}"));
}

async fn what_a_claim_holds_waits_for_its_end(bench: Bench) {
    bench.insert(&[of(USER, "held")]).await;
    let claim = bench.claim(1).await;
    let asked = bench.ask().await;
    assert!(!bench.forget(&asked, true).await);
    assert_eq!(bench.row("held").await.user_id, USER);
    let released = bench.store.release(claim.id, &ids(&claim), true).await;
    assert_eq!(released.expect("an answer"), Ended::Done);
    assert!(bench.forget(&asked, true).await);
    assert_eq!(bench.of_user().await, 0);
    assert!(bench.try_claim(1).await.is_none(), "it does not leave");
}

async fn what_comes_after_is_of_a_new_relation(bench: Bench) {
    bench.insert(&[of(USER, "before")]).await;
    let asked = bench.ask().await;
    let later = asked.as_of + chrono::Duration::seconds(1);
    let after = NewNotification {
        occurred_at: later,
        ..of(USER, "after")
    };
    // The database's clock must have gone on, or it was stored before as well.
    while Utc::now() <= asked.as_of + chrono::Duration::milliseconds(5) {
        tokio::task::yield_now().await;
    }
    bench.insert(&[after]).await;
    assert!(bench.forget(&asked, true).await);
    assert_eq!(bench.of_user().await, 1);
    assert_eq!(bench.row("after").await.message_title, "Seven days!");
}

fn said(at: &str, language: &str) -> PreferenceChange {
    let text = format!(r#"{{"user_id":{USER},"language":"{language}","updated_at":"{at}"}}"#);
    Preference::decode(Some(text.as_bytes()), 1000)
        .expect("a preference")
        .into()
}

async fn an_empty_record_asks_as_of_its_time(bench: Bench) {
    let (then, later) = ("2026-01-31T12:00:00.123Z", "2026-01-31T13:00:00Z");
    let empty = PreferenceChange {
        preference: None,
        ..said(then, "de")
    };
    let changes = [said(later, "fr"), empty.clone(), said(then, "de")];
    bench.store.change_preferences(&changes).await.expect("changed");
    let readers = bench.store.readers(&[1, USER]).await.expect("looked up");
    assert_eq!(readers.forgotten.get(&USER), Some(&empty.updated_at));
    assert_eq!(readers.preferences[&USER].language.as_deref(), Some("fr"));
    assert_eq!((readers.forgotten.len(), readers.preferences.len()), (1, 1));
    let asked = bench.forgetting().await.expect("a request");
    assert_eq!(asked.requested_by, "the preferences topic");
    assert!(bench.forget(&asked, true).await);

    // Read again, it asks for nothing new; one of the future is as of now.
    bench.store.change_preferences(&[empty]).await.expect("changed");
    assert!(bench.forgetting().await.expect("a request").done_at.is_some());
    let future = PreferenceChange {
        preference: None,
        ..said("2999-01-01T00:00:00Z", "de")
    };
    bench.store.change_preferences(&[future]).await.expect("changed");
    let asked = bench.forgetting().await.expect("a request");
    assert_eq!(asked.done_at, None);
    assert!(
        asked.as_of <= Utc::now() + chrono::Duration::minutes(1),
        "{asked:?}"
    );

    // Whatever the preferences say of their time, who asks by hand has none.
    bench
        .store
        .change_preferences(&[said("2999-01-02T00:00:00Z", "ja")])
        .await
        .expect("changed");
    bench.ask().await;
    assert!(
        bench
            .store
            .preferences(&[USER])
            .await
            .expect("looked up")
            .is_empty()
    );
}

async fn rows_that_slip_in_are_found_again(bench: Bench) {
    let asked = bench.ask().await;
    assert!(bench.forget(&asked, true).await);
    let look = async |after| bench.store.look_again(after, 10).await.expect("an answer");
    assert_eq!((look(0).await, look(USER).await), (Some(USER), None));
    assert!(bench.forgetting().await.expect("a request").done_at.is_some());
    let slipped = NewNotification {
        occurred_at: asked.as_of - chrono::Duration::seconds(1),
        ..of(USER, "slipped in")
    };
    bench.insert(&[slipped]).await;
    look(0).await;
    let again = bench.forgetting().await.expect("a request");
    assert_eq!((again.erased_at, again.done_at), (None, None));
    assert!(bench.forget(&again, true).await);
    assert_eq!(bench.of_user().await, 0);
}

async fn a_request_is_let_go_after_its_time(bench: Bench) {
    let asked = bench.ask().await;
    let let_go = async |kept| bench.store.let_go(kept, 10).await.expect("an answer");
    assert_eq!(let_go(Duration::ZERO).await, 0, "it is not done");
    assert!(bench.forget(&asked, true).await);
    assert_eq!(let_go(Duration::from_hours(1)).await, 0);
    assert!(bench.forgetting().await.is_some());
    while let_go(Duration::ZERO).await == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.forgetting().await, None);
    let readers = bench.store.readers(&[USER]).await.expect("looked up");
    assert!(readers.forgotten.is_empty());
    // Of the preferences not even the time is left, which would outdo what is older.
    let change = said("2026-01-31T12:00:00Z", "de");
    bench.store.change_preferences(&[change]).await.expect("changed");
    assert_eq!(
        bench.store.preferences(&[USER]).await.expect("looked up").len(),
        1
    );
}

async fn what_is_anonymous_goes_to_nobody(bench: Bench) {
    bench.insert(&[of(USER, "waits")]).await;
    let id = bench.row("waits").await.id;
    let asked = bench.ask().await;
    assert!(bench.forget(&asked, true).await);
    let retried = bench
        .store
        .change(&Filter::id(id), Change::Retry, "a test", 0, 10)
        .await;
    assert_eq!(retried.expect("an answer").changed, 0);
    let row = bench.by_id(id).await;
    assert_eq!(row.status, Status::Cancelled);
    assert!(
        Change::Retry.refusal(&row, None).contains("forgotten"),
        "{}",
        Change::Retry.refusal(&row, None)
    );
}

async fn who_waits_is_told(bench: Bench) {
    let waiting = async || bench.store.waiting_to_be_forgotten().await.expect("an answer");
    assert!(!waiting().await.any());
    let asked = bench.ask().await;
    assert_eq!((waiting().await.rows, waiting().await.archive), (1, 0));
    assert!(waiting().await.rows_for < Duration::from_mins(1));
    assert!(bench.forget(&asked, false).await);
    assert_eq!((waiting().await.rows, waiting().await.archive), (0, 1));
    let asked = bench.ask().await;
    assert_eq!(
        (waiting().await.rows, waiting().await.archive),
        (1, 0),
        "asked anew"
    );
    assert!(bench.forget(&asked, true).await);
    assert!(!waiting().await.any());
}

async fn it_is_told_since_when_a_user_is_known(bench: Bench) {
    let known = async |users: &[i64]| bench.store.known_since(users).await.expect("an answer");
    assert!(known(&[USER]).await.is_empty());
    let occurred_at = now() - chrono::Duration::days(3);
    bench
        .insert(&[
            NewNotification {
                occurred_at,
                ..of(USER, "old")
            },
            of(USER, "new"),
            of(1, "another's"),
        ])
        .await;
    assert_eq!(known(&[USER, 2]).await, [(USER, occurred_at)].into());
    let said: PreferenceChange = Preference::of_nothing(USER, occurred_at - chrono::Duration::days(1)).into();
    bench.store.change_preferences(&[said]).await.expect("changed");
    let since = known(&[USER, 1, 2]).await;
    assert_eq!(since[&USER], occurred_at - chrono::Duration::days(1));
    assert_eq!(since.len(), 2);
}
