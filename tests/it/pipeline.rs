//! The main job, end to end: `inq run` on real servers, driven with kcat as an operator would.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Write;
use std::process::{Command, Stdio};

use chrono::{DateTime, Duration, Utc};
use rdkafka::Message;
use serde_json::{Value, json};

use crate::faults;
use crate::heavy;
use crate::household::{House, simple_event, text};
use crate::inq::{eventually, inq};
use crate::kafka::{Kafka, header, json as json_of};
use crate::servers::Database;

const TYPES: [&str; 6] = [
    "achievement_reward",
    "point_earning",
    "challenge_completion",
    "bonus_opportunity",
    "streak_reward",
    "referral_bonus",
];
const LANGUAGES: [&str; 8] = ["en", "es-MX", "fr", "de-AT", "pt-BR", "ja", "tlh", "en-GB"];

const EVENTS: usize = 10_000;

/// Produces lines of `key<TAB>value` with kcat.
fn kcat_produce(brokers: &str, topic: &str, lines: &[(String, Vec<u8>)]) {
    let mut kcat = Command::new("kcat")
        .args(["-P", "-b", brokers, "-t", topic, "-K", "\t"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("kcat starts");
    let mut stdin = kcat.stdin.take().expect("a pipe");
    for (key, value) in lines {
        stdin.write_all(key.as_bytes()).expect("written");
        stdin.write_all(b"\t").expect("written");
        stdin.write_all(value).expect("written");
        stdin.write_all(b"\n").expect("written");
    }
    drop(stdin);
    assert!(kcat.wait().expect("kcat ends").success());
}

/// An event by its number: every type, priority and language, one in twenty scheduled ahead.
fn event(number: usize, ahead: DateTime<Utc>) -> Value {
    let mut event = json!({
        "event_id": format!("event-{number}"),
        "user_id": number % 97 + 1,
        "incentive_type": TYPES[number % TYPES.len()],
        "priority": number % 5,
        "language": LANGUAGES[number % LANGUAGES.len()],
        "incentive_data": { "points_earned": number, "streak_count": number % 30 },
    });
    if number % 20 == 7 {
        event["scheduled_at"] = text(ahead).into();
    }
    event
}

async fn ten_thousand_mixed_events(server: &str) {
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::migrated(server).await) else {
        return;
    };
    let _turn = heavy::turn().await;
    let house = House::on(kafka, database, 4).await;
    let ahead = Utc::now() + Duration::seconds(45);
    let faults = faults::all();
    assert_eq!(faults.len(), EVENTS / 200);

    let mut lines = Vec::new();
    let mut distinct = BTreeMap::new();
    for number in 0..EVENTS {
        let value = if number % 200 == 100 {
            faults[number / 200].payload.clone()
        } else {
            // One in a hundred says again what was said shortly before.
            let number = if number % 100 == 50 { number - 30 } else { number };
            let event = event(number, ahead);
            distinct.insert(format!("event-{number}"), event.clone());
            event.to_string().into_bytes()
        };
        lines.push(((number % 97 + 1).to_string(), value));
    }
    kcat_produce(&house.kafka.brokers, &house.events, &lines);

    // A backlog first: rows, but no deliveries.
    let ingest = house.run(&["--only", "ingest,http"]).await;
    eventually("all events are consumed", async || house.behind() == 0).await;
    assert!(ingest.terminate().await.success());
    let status = house.status();
    assert_eq!(status["by_status"]["pending"], distinct.len());
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 0);

    let service = house.run(&[]).await;
    let requests = house.kafka.read_until(&house.deliveries, distinct.len()).await;
    eventually("every row is sent", async || {
        house.status()["by_status"]["sent"] == distinct.len()
    })
    .await;
    assert!(service.terminate().await.success());
    let requests: Vec<Value> = requests.iter().map(json_of).collect();

    // One request for each distinct valid event, with what it said.
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), distinct.len());
    let mut by_event = HashMap::new();
    for request in &requests {
        let id = request["event_id"].as_str().expect("an id").to_owned();
        assert!(by_event.insert(id, request).is_none(), "twice: {request}");
    }
    for (id, event) in &distinct {
        let request = by_event[id];
        for field in ["user_id", "incentive_type", "priority", "incentive_data"] {
            assert_eq!(request[field], event[field], "{id} {field}");
        }
        assert_eq!(request["attempt"], 1);
        let language = match event["language"].as_str().expect("a language") {
            "es-MX" => "es",
            "de-AT" => "de",
            "tlh" | "en-GB" => "en",
            other => other,
        };
        assert_eq!(request["language"], language, "{id}");
    }

    // What was due went out by priority, then by due time; what was scheduled ahead at its time.
    let (later, due): (Vec<_>, Vec<_>) = requests
        .iter()
        .partition(|request| request["scheduled_at"] == text(ahead));
    assert_eq!(later.len(), EVENTS / 20);
    let order: Vec<_> = due
        .iter()
        .map(|request| {
            (
                std::cmp::Reverse(request["priority"].as_i64()),
                request["scheduled_at"].as_str(),
                request["notification_id"].as_i64(),
            )
        })
        .collect();
    assert!(order.is_sorted(), "the backlog left out of order");
    for request in later {
        let published: DateTime<Utc> = request["published_at"]
            .as_str()
            .and_then(|time| time.parse().ok())
            .expect("a time");
        assert!(published >= ahead, "{request}");
    }

    assert_dead_letters(&house, &faults);
    house.database.drop().await;
}

/// Each broken event is a dead letter as it came, with its true reason.
fn assert_dead_letters(house: &House, faults: &[faults::Fault]) {
    let letters = house.kafka.read_all(&house.kafka.name("events.dlq"));
    assert_eq!(letters.len(), faults.len());
    let mut places = BTreeSet::new();
    for letter in &letters {
        let payload = letter.payload().unwrap_or_default();
        let fault = faults
            .iter()
            .find(|fault| fault.payload == payload)
            .unwrap_or_else(|| panic!("unknown: {}", String::from_utf8_lossy(payload)));
        let said = |name: &str| header(letter, name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!(said("dlq-reason"), fault.reason, "{}", said("dlq-detail"));
        assert!(
            said("dlq-detail").contains(fault.detail),
            "{}",
            said("dlq-detail")
        );
        assert_eq!(said("dlq-topic"), house.events);
        assert!(said("dlq-timestamp").parse::<DateTime<Utc>>().is_ok());
        assert!(said("dlq-failed-at").parse::<DateTime<Utc>>().is_ok());
        assert!(letter.key().is_some());
        assert!(places.insert((said("dlq-partition"), said("dlq-offset"))));
    }
}

mod thorough {
    use super::ten_thousand_mixed_events;

    #[tokio::test]
    async fn ten_thousand_mixed_events_on_mysql() {
        ten_thousand_mixed_events("mysql").await;
    }

    #[tokio::test]
    async fn ten_thousand_mixed_events_on_sqlite() {
        ten_thousand_mixed_events("sqlite").await;
    }

    #[tokio::test]
    async fn ten_thousand_mixed_events_on_mariadb() {
        ten_thousand_mixed_events("mariadb").await;
    }
}

#[tokio::test]
async fn a_failed_result_brings_the_row_back_and_a_final_one_fails_it() {
    let Some(house) = House::fresh().await else { return };
    let house = house
        .with("INQ_RETRY__INITIAL", "300ms")
        .with("INQ_RETRY__JITTER", "0");
    let service = house.run(&[]).await;
    house.send_event(&simple_event("story")).await;
    let first = house.request(1).await;

    house
        .send_result(
            &first,
            "failed",
            json!({ "error_code": "timeout", "error_message": "no answer" }),
        )
        .await;
    let second = house.request(2).await;
    assert_eq!(second["attempt"], 2);
    assert_eq!(second["notification_id"], first["notification_id"]);

    // Late and repeated: nothing changes.
    eventually("attempt 2 is settled", async || {
        house.show("story")["status"] == "sent"
    })
    .await;
    let before = house.show("story");
    house.send_result(&first, "failed", json!({})).await;
    house.send_result(&first, "delivered", json!({})).await;
    eventually("they are consumed", async || house.behind() == 0).await;
    assert_eq!(house.show("story"), before);

    let bounced = json!({ "retryable": false, "error_code": "bounced" });
    house.send_result(&second, "failed", bounced).await;
    eventually("it failed", async || house.show("story")["status"] == "failed").await;
    house.send_result(&second, "delivered", json!({})).await;
    eventually("it is consumed", async || house.behind() == 0).await;

    let shown = house.show("story");
    assert_eq!(shown["status"], "failed");
    assert_eq!(shown["attempts"], 2);
    assert_eq!(shown["last_error"], "bounced");
    let kinds: Vec<_> = shown["history"]
        .as_array()
        .expect("a history")
        .iter()
        .map(|entry| (entry["kind"].as_str().expect("a kind"), entry["attempt"].as_i64()))
        .collect();
    assert_eq!(
        kinds,
        [("delivery_failed", Some(1)), ("delivery_failed_finally", Some(2))]
    );
    let story = inq(&house.environment(), &["show", "--event", "story"]);
    let story = String::from_utf8_lossy(&story.stdout).into_owned();
    for part in [
        "attempt 1 was published",
        "attempt 1 failed (timeout: no answer)",
        "attempt 2 was published",
        "attempt 2 failed for good (bounced)",
    ] {
        assert!(story.contains(part), "{part} is missing in {story}");
    }
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 2);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_delivery_is_recorded_with_its_time_and_device() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    house.send_event(&simple_event("happy")).await;
    let request = house.request(1).await;
    house
        .send_result(
            &request,
            "delivered",
            json!({ "device_type": "ios", "user_timezone": "Europe/Madrid" }),
        )
        .await;
    house.send_result(&request, "opened", json!({})).await;
    // A failure that comes after it reached the user is late.
    house.send_result(&request, "failed", json!({})).await;
    eventually("it was opened", async || {
        !house.show("happy")["opened_at"].is_null()
    })
    .await;
    eventually("all is consumed", async || house.behind() == 0).await;
    let shown = house.show("happy");
    assert_eq!(shown["status"], "sent");
    assert!(!shown["delivered_at"].is_null());
    assert!(shown["metrics_data"]["delivery_time"].is_number());
    assert!(shown["metrics_data"]["engagement_score"].is_u64());
    assert_eq!(shown["metrics_data"]["device_type"], "ios");
    assert_eq!(shown["metrics_data"]["user_timezone"], "Europe/Madrid");
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_result_that_names_nobody_is_a_dead_letter() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    let nobody = json!({ "notification_id": 999_999, "attempt": 1, "user_id": 42 });
    house.send_result(&nobody, "delivered", json!({})).await;
    let letters = house.kafka.read_until(&house.kafka.name("results.dlq"), 1).await;
    assert_eq!(
        header(&letters[0], "dlq-reason").as_deref(),
        Some("unknown_notification")
    );
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn what_is_scheduled_ahead_leaves_at_its_time_however_seldom_the_table_is_polled() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_DISPATCH__POLL_INTERVAL", "1m");
    let service = house.run(&[]).await;
    // The first round trip warms connections that the measured one has.
    house.send_event(&simple_event("warm")).await;
    house.request(1).await;
    let at = Utc::now() + Duration::milliseconds(2_500);
    let event = json!({
        "event_id": "ahead",
        "user_id": 42,
        "incentive_type": "streak_reward",
        "scheduled_at": text(at),
    });
    house.send_event(&event.to_string()).await;
    let request = house.request(2).await;
    let published: DateTime<Utc> = request["published_at"]
        .as_str()
        .and_then(|time| time.parse().ok())
        .expect("a time");
    let late = published - at;
    assert!(late >= Duration::milliseconds(-1), "{late} before its time");
    assert!(late < Duration::seconds(30), "{late} after its time");
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_request_that_the_broker_refuses_is_retried_alone_and_holds_up_nobody() {
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::migrated("mysql").await) else {
        return;
    };
    let house = House::on(kafka, database, 1).await;
    let narrow = house
        .kafka
        .topic_with("narrow", 1, &[("max.message.bytes", "4000")])
        .await;
    let house = house
        .with("INQ_TOPICS__DELIVERIES", &narrow)
        .with("INQ_RETRY__MAX_ATTEMPTS", "1");
    let mut huge: Value = serde_json::from_str(&simple_event("huge")).expect("an event");
    // Not to be compressed into the limit.
    let noise: String = (0..500).map(|_| uuid::Uuid::new_v4().to_string()).collect();
    huge["message_body"] = noise.into();
    house.send_event(&simple_event("before")).await;
    house.send_event(&huge.to_string()).await;
    house.send_event(&simple_event("after")).await;
    let service = house.run(&[]).await;

    let requests = house.kafka.read_until(&narrow, 2).await;
    eventually("the refused one has failed", async || {
        house.show("huge")["status"] == "failed"
    })
    .await;

    let events: BTreeSet<_> = requests
        .iter()
        .map(|request| json_of(request)["event_id"].to_string())
        .collect();
    assert_eq!(
        events,
        BTreeSet::from(["\"after\"".to_owned(), "\"before\"".to_owned()])
    );
    let shown = house.show("huge");
    assert_eq!(shown["attempts"], 1);
    assert!(
        shown["last_error"]
            .as_str()
            .is_some_and(|error| error.contains("size")),
        "{shown}"
    );
    assert_eq!(shown["history"][0]["kind"], "publish_failed_finally");
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_request_is_as_long_as_its_topic_allows() {
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::migrated("mysql").await) else {
        return;
    };
    let house = House::on(kafka, database, 1).await;
    let wide = [("max.message.bytes", "3000000")];
    let events = house.kafka.topic_with("wide", 1, &wide).await;
    let deliveries = house.kafka.topic_with("wide.out", 1, &wide).await;
    let house = house
        .with("INQ_TOPICS__EVENTS", &events)
        .with("INQ_TOPICS__DELIVERIES", &deliveries)
        .with("INQ_INGEST__MAX_EVENT_BYTES", "2500000");
    let mut long: Value = serde_json::from_str(&simple_event("long")).expect("an event");
    // Not to be compressed into a megabyte.
    let noise: String = (0..60_000).map(|_| uuid::Uuid::new_v4().to_string()).collect();
    long["incentive_data"]["noise"] = noise.clone().into();
    let event = long.to_string();
    house.kafka.produce(&events, [("42", event.as_bytes())]).await;
    let service = house.run(&[]).await;

    let requests = house.kafka.read_until(&deliveries, 1).await;

    assert_eq!(json_of(&requests[0])["incentive_data"]["noise"], noise);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_record_that_no_dead_letter_can_hold_leaves_its_beginning_and_holds_up_nobody() {
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::migrated("mysql").await) else {
        return;
    };
    let house = House::on(kafka, database, 1).await;
    let narrow = house
        .kafka
        .topic_with("narrow.dlq", 1, &[("max.message.bytes", "60000")])
        .await;
    let house = house.with("INQ_TOPICS__EVENTS_DLQ", &narrow);
    let huge = "x".repeat(400_000);
    let lines: Vec<_> = ["broken", &huge, &simple_event("good"), "broken too"]
        .iter()
        .map(|line| ("42".to_owned(), line.as_bytes().to_vec()))
        .collect();
    kcat_produce(&house.kafka.brokers, &house.events, &lines);
    let service = house.run(&[]).await;

    let letters = house.kafka.read_until(&narrow, 3).await;
    eventually("all is consumed", async || house.behind() == 0).await;
    assert_eq!(house.request(1).await["event_id"], "good");
    let mut said: Vec<_> = letters
        .iter()
        .map(|letter| {
            (
                header(letter, "dlq-reason").unwrap_or_default(),
                header(letter, "dlq-cut-from"),
                letter.payload().map_or(0, <[u8]>::len),
            )
        })
        .collect();
    said.sort();
    assert_eq!(
        said,
        [
            ("invalid_json".to_owned(), None, 6),
            ("invalid_json".to_owned(), None, 10),
            ("too_large".to_owned(), Some("400000".to_owned()), 16 * 1024),
        ]
    );
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_trace_goes_on_through_the_row_to_the_request() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    house
        .kafka
        .produce_with_header(
            &house.events,
            simple_event("traced").as_bytes(),
            "traceparent",
            trace,
        )
        .await;
    let requests = house.kafka.read_until(&house.deliveries, 1).await;
    assert_eq!(header(&requests[0], "traceparent").as_deref(), Some(trace));
    assert_eq!(header(&requests[0], "event-id").as_deref(), Some("traced"));
    assert_eq!(header(&requests[0], "attempt").as_deref(), Some("1"));
    assert!(header(&requests[0], "notification-id").is_some());
    assert_eq!(requests[0].key(), Some(b"42".as_slice()));
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn each_attempt_carries_the_trace_and_none_carries_a_broken_one() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_RETRY__INITIAL", "100ms");
    let service = house.run(&[]).await;
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    for (event, trace) in [
        ("traced", trace),
        ("broken", "00-0af7651916cd43dd-b7ad6b7169203331-01"),
    ] {
        house
            .kafka
            .produce_with_header(
                &house.events,
                simple_event(event).as_bytes(),
                "traceparent",
                trace,
            )
            .await;
    }
    for request in house.kafka.read_until(&house.deliveries, 2).await {
        let request = json_of(&request);
        eventually("it is settled", async || {
            house.show(request["event_id"].as_str().expect("an id"))["status"] == "sent"
        })
        .await;
        house.send_result(&request, "failed", json!({})).await;
    }
    let mut traces: Vec<_> = house
        .kafka
        .read_until(&house.deliveries, 4)
        .await
        .iter()
        .map(|request| {
            (
                header(request, "event-id"),
                header(request, "attempt"),
                header(request, "traceparent"),
            )
        })
        .collect();
    traces.sort();
    let expected = [
        ("broken", "1", None),
        ("broken", "2", None),
        ("traced", "1", Some(trace)),
        ("traced", "2", Some(trace)),
    ];
    let expected = expected.map(|(event, attempt, trace)| {
        (
            Some(event.to_owned()),
            Some(attempt.to_owned()),
            trace.map(str::to_owned),
        )
    });
    assert_eq!(traces, expected);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn an_expired_event_is_never_sent() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    let event = json!({
        "event_id": "stale",
        "user_id": 42,
        "incentive_type": "bonus_opportunity",
        "expires_at": text(Utc::now() - Duration::seconds(1)),
    });
    house.send_event(&event.to_string()).await;
    eventually("it expires", async || {
        let shown = inq(&house.environment(), &["show", "--event", "stale", "--json"]);
        serde_json::from_slice::<Value>(&shown.stdout).is_ok_and(|shown| shown["status"] == "expired")
    })
    .await;
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 0);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn two_instances_share_the_work_and_double_nothing() {
    let Some(house) = House::fresh().await else { return };
    let first = house.run(&[]).await;
    let second = house.run(&[]).await;
    let lines: Vec<_> = (0..2_000)
        .map(|number| {
            let event = event(number, Utc::now());
            (number.to_string(), event.to_string().into_bytes())
        })
        .collect();
    kcat_produce(&house.kafka.brokers, &house.events, &lines);
    house.kafka.read_until(&house.deliveries, lines.len()).await;
    eventually("every row is sent", async || {
        house.status()["by_status"]["sent"] == lines.len()
    })
    .await;
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), lines.len());
    assert!(first.terminate().await.success());
    assert!(second.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_killed_instance_loses_nothing_and_doubles_nothing() {
    let Some(house) = House::fresh().await else { return };
    let lines: Vec<_> = (0..3_000)
        .map(|number| {
            let event = event(number, Utc::now());
            (number.to_string(), event.to_string().into_bytes())
        })
        .collect();
    kcat_produce(&house.kafka.brokers, &house.events, &lines);
    for _ in 0..3 {
        let service = house.run(&[]).await;
        let published = house.kafka.read_all(&house.deliveries).len();
        eventually("it works", async || {
            house.kafka.read_all(&house.deliveries).len() > published
                || house.status()["by_status"]["sent"] == lines.len()
        })
        .await;
        service.kill().await;
    }
    let service = house.run(&[]).await;
    eventually("every row is sent", async || {
        house.status()["by_status"]["sent"] == lines.len()
    })
    .await;
    let requests = house.kafka.read_all(&house.deliveries);
    let distinct: BTreeSet<_> = requests
        .iter()
        .map(|request| json_of(request)["event_id"].to_string())
        .collect();
    assert_eq!((requests.len(), distinct.len()), (lines.len(), lines.len()));
    assert!(service.terminate().await.success());
    house.database.drop().await;
}
