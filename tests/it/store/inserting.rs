//! What becomes a row, and as what it comes back.

use chrono::{DateTime, Utc};
use inq::store::{Beginning, HistoryKind, Inserted, NewNotification, Status, StoreError};
use serde_json::{Value, json};

use super::{Bench, due, now, on_every_database, row};

on_every_database! {
    a_redelivered_event_becomes_one_row,
    many_who_store_the_same_events_store_each_once,
    events_are_told_apart_byte_by_byte,
    text_is_kept_as_it_came,
    json_is_kept_in_meaning,
    json_may_be_as_deep_as_the_contract_allows,
    a_row_without_a_due_time_is_due_at_once,
    times_are_kept_to_the_millisecond_up_to_the_year_9999,
    a_batch_with_a_row_that_is_refused_leaves_nothing_stored,
    a_batch_of_any_size_is_stored,
    the_device_is_the_first_of_the_metrics,
    what_is_decided_before_there_is_a_row_is_told_once,
}

fn counts(inserted: u64, duplicates: u64) -> Inserted {
    Inserted {
        inserted,
        duplicates,
        ..Inserted::default()
    }
}

async fn a_redelivered_event_becomes_one_row(bench: Bench) {
    assert_eq!(bench.insert(&[row("a"), row("b"), row("a")]).await, counts(2, 1));
    let other = NewNotification {
        message_title: "Another text".to_owned(),
        ..row("a")
    };
    assert_eq!(bench.insert(&[other, row("c")]).await, counts(1, 1));
    assert_eq!(bench.row("a").await.message_title, "Seven days!");
    let depth = bench.store.depth().await.expect("a depth");
    assert_eq!(depth.due, 3);
    assert_eq!(bench.insert(&[]).await, counts(0, 0));
}

async fn many_who_store_the_same_events_store_each_once(bench: Bench) {
    let storers: Vec<_> = (0..6)
        .map(|storer: usize| {
            let bench = bench.clone();
            tokio::spawn(async move {
                let mut rows: Vec<_> = (0..100).map(|number| row(&format!("event-{number}"))).collect();
                // In orders of their own, so that they meet on the unique index from both sides.
                if storer.is_multiple_of(2) {
                    rows.reverse();
                }
                rows.rotate_left(storer * 10);
                bench.insert(&rows).await;
            })
        })
        .collect();
    for storer in storers {
        storer.await.expect("a storer");
    }
    assert_eq!(bench.store.depth().await.expect("a depth").due, 100);
}

async fn events_are_told_apart_byte_by_byte(bench: Bench) {
    let names = [
        "a",
        "A",
        "a ",
        " a",
        "ä",
        "a\u{308}",
        "ß",
        "ss",
        "a\0",
        "\u{1f381}",
        "\u{1f382}",
    ];
    let rows: Vec<_> = names.iter().map(|name| row(name)).collect();
    assert_eq!(bench.insert(&rows).await, counts(11, 0));
    assert_eq!(bench.insert(&rows).await, counts(0, 11));
    for name in names {
        assert_eq!(bench.row(name).await.event_id, name);
    }
    assert!(
        bench
            .store
            .notification_of_event("a  ")
            .await
            .expect("an answer")
            .is_none()
    );
    let longest = "\u{1f381}".repeat(128);
    bench.insert_events(&[&longest]).await;
    assert_eq!(bench.row(&longest).await.event_id, longest);
}

async fn text_is_kept_as_it_came(bench: Bench) {
    let texts = [
        ("emoji", "\u{1f381}".repeat(255)),
        ("right to left", "مكافأة \u{202e}abc\u{202c}".to_owned()),
        ("nul", "a\0b".to_owned()),
        ("blanks", " \t\r\n ".to_owned()),
        ("quotes", "'\"\\%_`--;/*!80000 x */ {now} ?".to_owned()),
        ("family", "👩‍👩‍👧‍👦 e\u{301}".to_owned()),
        ("empty", String::new()),
    ];
    let rows: Vec<_> = texts
        .iter()
        .map(|(name, text)| NewNotification {
            message_title: text.clone(),
            message_body: text.clone(),
            ..row(name)
        })
        .collect();
    bench.insert(&rows).await;
    let body = format!("{}x", "é".repeat(32_767));
    bench
        .insert(&[NewNotification {
            message_body: body.clone(),
            ..row("long")
        }])
        .await;

    for (name, text) in texts {
        let row = bench.row(name).await;
        assert_eq!(
            (row.message_title, row.message_body),
            (text.clone(), text),
            "{name}"
        );
    }
    assert_eq!(bench.row("long").await.message_body, body);
    assert_eq!(bench.claim(100).await.rows.len(), 8);
}

async fn json_is_kept_in_meaning(bench: Bench) {
    let texts = [
        "{}",
        r#"{"points_earned": 50, "badge": {"name": "Streak \ud83d\udd25", "tags": [1, 2.5, -3, null, true]}}"#,
        r#"{"nul": "\u0000", "escape": "\"\\\/\b\f\n\r\t", "separator": "\u2028"}"#,
        r#"{"big": 9223372036854775807, "bigger": 18446744073709551615, "small": -9223372036854775808}"#,
        r#"{"": "no name", "ключ": "значение", "🎁": "🎂"}"#,
        r#"{"float": 1.5e300, "tiny": 2.5e-10, "zero": 0}"#,
    ];
    let rows: Vec<_> = texts
        .iter()
        .enumerate()
        .map(|(number, text)| NewNotification {
            incentive_data: (*text).to_owned(),
            scheduled_at: Some(now() - chrono::Duration::minutes(10 - i64::try_from(number).expect("few"))),
            ..row(&format!("json-{number}"))
        })
        .collect();
    bench.insert(&rows).await;
    let claim = bench.claim(100).await;
    for (claimed, text) in claim.rows.iter().zip(texts) {
        let found: Value = serde_json::from_str(claimed.incentive_data.get()).expect("JSON");
        let expected: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(found, expected);
    }
}

async fn json_may_be_as_deep_as_the_contract_allows(bench: Bench) {
    let deep = format!("{}1{}", r#"{"a":"#.repeat(64), "}".repeat(64));
    bench
        .insert(&[NewNotification {
            incentive_data: deep.clone(),
            ..row("deep")
        }])
        .await;
    let found: Value = serde_json::from_str(bench.row("deep").await.incentive_data.get()).expect("JSON");
    assert_eq!(found, serde_json::from_str::<Value>(&deep).expect("JSON"));
}

async fn a_row_without_a_due_time_is_due_at_once(bench: Bench) {
    bench.insert(&[row("a")]).await;
    let row = bench.row("a").await;
    assert_eq!(
        (row.status, row.attempts, row.claim_id),
        (Status::Pending, 0, None)
    );
    let drift = (row.scheduled_at - now()).num_seconds().abs();
    assert!(drift < 60, "{drift} s from this machine's clock");
    assert!((row.scheduled_at - row.created_at).num_seconds().abs() < 60);
    assert_eq!(bench.claim(1).await.rows[0].event_id, "a");
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().expect("a time")
}

async fn times_are_kept_to_the_millisecond_up_to_the_year_9999(bench: Bench) {
    let last = at("9999-12-31T23:59:59.9999Z");
    let far = NewNotification {
        occurred_at: at("1000-01-01T00:00:00.001Z"),
        scheduled_at: Some(last),
        expires_at: Some(last),
        ..row("far")
    };
    let leap = NewNotification {
        occurred_at: at("2016-12-31T23:59:60.5Z"),
        scheduled_at: Some(at("2024-02-29T12:34:56.7894Z")),
        ..row("near")
    };
    assert_eq!(bench.insert(&[far, leap]).await, counts(2, 0));

    let far = bench.row("far").await;
    assert_eq!(far.occurred_at, at("1000-01-01T00:00:00.001Z"));
    assert_eq!(
        (far.scheduled_at, far.expires_at),
        (at("9999-12-31T23:59:59.999Z"), Some(far.scheduled_at))
    );
    let near = bench.row("near").await;
    assert_eq!(
        near.scheduled_at,
        at("2024-02-29T12:34:56.789Z"),
        "cut, not rounded up"
    );
    assert_eq!(near.occurred_at, at("2017-01-01T00:00:00.500Z"));
    assert_eq!(bench.claim(10).await.rows.len(), 1);
    let wait = bench.next_due().await.expect("a wait");
    assert!(wait.as_secs() > 100 * 365 * 24 * 3600);
}

async fn a_batch_with_a_row_that_is_refused_leaves_nothing_stored(bench: Bench) {
    let title = NewNotification {
        message_title: "x".repeat(256),
        ..row("title")
    };
    let body = NewNotification {
        message_body: "é".repeat(32_768),
        ..row("body")
    };
    let json = NewNotification {
        incentive_data: "{\"a\": ".to_owned(),
        ..row("json")
    };
    let no_object = NewNotification {
        incentive_data: "[]".to_owned(),
        ..row("no object")
    };
    let huge = NewNotification {
        incentive_data: "{\"a\": 1e999}".to_owned(),
        ..row("huge")
    };
    let event = row(&"x".repeat(129));
    let device = NewNotification {
        device_type: Some("x".repeat(33)),
        ..row("device")
    };
    let language = NewNotification {
        language: "x".repeat(36),
        ..row("language")
    };
    let variant = NewNotification {
        variant: Some("x".repeat(33)),
        ..row("variant")
    };
    let zone = NewNotification {
        timezone: Some("x".repeat(65)),
        ..row("zone")
    };
    let trace = NewNotification {
        traceparent: Some("x".repeat(65)),
        ..row("trace")
    };
    let late = NewNotification {
        expires_at: Some(at("+10000-01-01T00:00:00Z")),
        ..row("late")
    };
    let early = NewNotification {
        occurred_at: at("0999-12-31T00:00:00Z"),
        ..row("early")
    };
    for bad in [
        title, body, json, no_object, huge, event, device, language, variant, zone, trace, late, early,
    ] {
        let name = bad.event_id.clone();
        let refused = bench.store.insert(&[row("before"), bad, row("after")]).await;
        let Err(StoreError::Data(why)) = refused else {
            panic!("{name}: {refused:?}");
        };
        assert!(!why.contains('\n'), "{why}");
    }
    let depth = bench.store.depth().await.expect("a depth");
    assert_eq!(depth.rows, []);
    assert_eq!(bench.insert(&[row("before"), row("after")]).await, counts(2, 0));
}

async fn a_batch_of_any_size_is_stored(bench: Bench) {
    let mut stored = 0;
    for size in [1, 3, 63, 64, 65, 1000, 2500] {
        let rows: Vec<_> = (0..size)
            .map(|number| due(&format!("{size}-{number}"), 1, 1))
            .collect();
        assert_eq!(bench.insert(&rows).await, counts(size, 0));
        assert_eq!(bench.insert(&rows).await, counts(0, size));
        stored += size;
    }
    assert_eq!(bench.store.depth().await.expect("a depth").due, stored);
}

async fn the_device_is_the_first_of_the_metrics(bench: Bench) {
    let told = NewNotification {
        device_type: Some("i\"OS".to_owned()),
        ..row("told")
    };
    bench.insert(&[told, row("untold")]).await;
    let metrics = bench.row("told").await.metrics_data.expect("metrics");
    let metrics: Value = serde_json::from_str(metrics.get()).expect("JSON");
    assert_eq!(metrics, json!({ "device_type": "i\"OS" }));
    assert!(bench.row("untold").await.metrics_data.is_none());
}

fn held_until(until: &str) -> Beginning {
    let detail = json!({ "rule": "quiet_hours", "held_until": until });
    Beginning {
        kind: HistoryKind::Held,
        detail: detail.as_object().cloned().expect("an object"),
    }
}

async fn what_is_decided_before_there_is_a_row_is_told_once(bench: Bench) {
    let held = |id: &str, until: &str| NewNotification {
        beginning: [until, "later"].map(held_until).into(),
        ..row(id)
    };
    assert_eq!(
        bench
            .insert(&[row("a"), held("b", "one"), held("b", "two")])
            .await,
        counts(2, 1)
    );
    assert_eq!(
        bench
            .insert(&[held("a", "three"), held("b", "four"), held("c", "five")])
            .await,
        counts(1, 2)
    );
    for (event, until) in [("a", None), ("b", Some("one")), ("c", Some("five"))] {
        let row = bench.row(event).await;
        let history = bench.store.history(row.id).await.expect("a history");
        let told: Vec<_> = history
            .iter()
            .map(|entry| (entry.kind, &entry.detail["held_until"]))
            .collect();
        let expected: Vec<_> = until
            .iter()
            .flat_map(|until| [until, "later"])
            .map(Value::from)
            .collect();
        let expected: Vec<_> = expected.iter().map(|until| (HistoryKind::Held, until)).collect();
        assert_eq!(told, expected, "{event}");
        assert_eq!(row.status, Status::Pending);
    }
}
