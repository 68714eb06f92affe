//! Every known kind of hostile record through the running service: a row or a dead letter, and a good one after it.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

use inq::contract::IncentiveEvent;
use rdkafka::Message;
use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::util::Timeout;
use serde_json::json;
use serde_json::value::RawValue;

use super::kinds::{self, Fate, Kind};
use crate::heavy;
use crate::household::{House, simple_event};
use crate::inq::{eventually, inq};
use crate::kafka::{DEADLINE, Kafka, header, json as json_of};
use crate::servers::Database;

/// A record with any key, value, headers and time, named in a header so that it can be told again.
#[derive(Clone)]
struct Hostile {
    kind: String,
    key: Option<Vec<u8>>,
    payload: Option<Vec<u8>>,
    headers: OwnedHeaders,
    timestamp: Option<i64>,
}

impl Hostile {
    fn new(kind: &str, payload: Option<&[u8]>) -> Self {
        Self {
            kind: kind.to_owned(),
            key: Some(b"42".to_vec()),
            payload: payload.map(<[u8]>::to_vec),
            headers: OwnedHeaders::new(),
            timestamp: None,
        }
    }

    fn with_header(mut self, name: &str, value: Option<&[u8]>) -> Self {
        self.headers = self.headers.insert(Header { key: name, value });
        self
    }
}

/// A topic that takes records of many megabytes and of any time.
async fn wide_topic(kafka: &Kafka, name: &str) -> String {
    let forever = i64::MAX.to_string();
    let settings = [
        ("max.message.bytes", "30000000"),
        ("message.timestamp.after.max.ms", &forever),
        ("message.timestamp.before.max.ms", &forever),
        ("retention.ms", "-1"),
    ];
    kafka.topic_with(name, 1, &settings).await
}

async fn produce(kafka: &Kafka, topic: &str, records: &[Hostile]) {
    let producer: FutureProducer = kafka
        .config()
        .set("message.max.bytes", "30000000")
        .create()
        .expect("a producer");
    for record in records {
        let headers = record.headers.clone().insert(Header {
            key: "kind",
            value: Some(&record.kind),
        });
        let mut outgoing: FutureRecord<[u8], [u8]> = FutureRecord::to(topic).headers(headers);
        outgoing.key = record.key.as_deref();
        outgoing.payload = record.payload.as_deref();
        outgoing.timestamp = record.timestamp;
        producer
            .send(outgoing, Timeout::After(DEADLINE))
            .await
            .unwrap_or_else(|(fault, _)| panic!("{}: {fault}", record.kind));
    }
}

/// With kcat, which sends a header's name as it is given.
fn produce_with_raw_header(brokers: &str, topic: &str, payload: &str, headers: &[&[u8]]) {
    let mut kcat = Command::new("kcat");
    kcat.args(["-P", "-b", brokers, "-t", topic, "-k", "42"]);
    for header in headers {
        kcat.arg("-H").arg(OsStr::from_bytes(header));
    }
    let mut kcat = kcat.stdin(Stdio::piped()).spawn().expect("kcat starts");
    let mut stdin = kcat.stdin.take().expect("a pipe");
    stdin.write_all(payload.as_bytes()).expect("written");
    drop(stdin);
    assert!(kcat.wait().expect("kcat ends").success());
}

/// Good events in hostile envelopes.
fn envelopes() -> Vec<Hostile> {
    let event = |kind: &str| Hostile::new(kind, Some(kinds::event(kind, "").as_bytes()));
    let mut all = vec![
        event("trace-not-utf8").with_header("traceparent", Some(&[0xff; 55])),
        event("trace-null").with_header("traceparent", None),
        event("trace-long").with_header("traceparent", Some(&[b'0'; 100_000])),
        event("header-of-ours").with_header("dlq-reason", Some(b"\xff\n")),
        event("header-without-name").with_header("", Some(b"x")),
    ];
    let many = (0..10_000).fold(event("headers-10000"), |record, number| {
        record.with_header(&format!("h{number}"), Some(b"x"))
    });
    all.push(many);
    for (kind, key) in [
        ("key-none", None),
        ("key-empty", Some(Vec::new())),
        ("key-not-utf8", Some(vec![0xff, 0x00, 0xfe])),
        ("key-10-megabytes", Some(vec![b'k'; 10_000_000])),
    ] {
        let mut record = event(kind);
        record.key = key;
        all.push(record);
    }
    for (kind, timestamp) in [
        ("record-of-1970", 0),
        ("record-of-9999", 253_402_300_799_999),
        ("record-of-10000", 253_402_300_800_000),
        ("record-of-200000", 6_249_222_000_000_000),
        ("record-of-the-end", i64::MAX),
    ] {
        let mut record = event(kind);
        record.timestamp = Some(timestamp);
        all.push(record);
    }
    all
}

/// Records that become dead letters for what they carry.
fn refused_envelopes() -> Vec<(Hostile, &'static str)> {
    let junk = Some(b"junk".as_slice());
    let mut late = Hostile::new("junk-of-10000", junk);
    late.timestamp = Some(253_402_300_800_000);
    let mut keyed = Hostile::new("junk-with-a-key-of-10-megabytes", junk);
    keyed.key = Some(vec![b'k'; 10_000_000]);
    let headers = (0..10_000).fold(Hostile::new("junk-with-10000-headers", junk), |record, number| {
        record.with_header(&format!("h{number}"), None)
    });
    vec![
        (Hostile::new("tombstone", None), "invalid_json"),
        (late, "invalid_json"),
        (keyed, "invalid_json"),
        (headers, "invalid_json"),
        (
            Hostile::new("junk-of-an-earlier-life", junk)
                .with_header("dlq-reason", Some(b"too_large"))
                .with_header("dlq-", Some(b"\xff")),
            "invalid_json",
        ),
    ]
}

async fn every_kind(server: &str) {
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::migrated(server).await) else {
        return;
    };
    let _turn = heavy::turn().await;
    let house = House::on(kafka, database, 1).await;
    let events = wide_topic(&house.kafka, "wide").await;
    let house = house.with("INQ_TOPICS__EVENTS", &events);
    let service = house.run(&[]).await;

    let kinds = kinds::events();
    let mut records: Vec<Hostile> = kinds
        .iter()
        .map(|kind| Hostile::new(&kind.name, Some(&kind.payload)))
        .collect();
    records.extend(envelopes());
    records.extend(refused_envelopes().into_iter().map(|(record, _)| record));
    produce(&house.kafka, &events, &records).await;
    let raw = kinds::event("header-not-utf8", "");
    let trace = b"traceparent=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    produce_with_raw_header(
        &house.kafka.brokers,
        &events,
        &raw,
        &[b"a\xff=x", b"\xff\xfe=", trace],
    );
    let last = Hostile::new("the-last", Some(simple_event("the-last").as_bytes()));
    produce(&house.kafka, &events, &[last]).await;

    eventually("all is consumed", async || house.behind() == 0).await;
    assert_rows(&house, &kinds);
    assert_letters(&house, &kinds, &records);
    eventually("all that is due has left", async || {
        let status = house.status();
        status["due"] == 0 && status["by_status"]["processing"].as_i64().unwrap_or(0) == 0
    })
    .await;
    assert_requests(&house, &kinds);
    assert!(!service.log().contains("panicked at src"), "{}", service.log());
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

/// Each that should be a row is one that can be shown, to programs and to people.
fn assert_rows(house: &House, kinds: &[Kind]) {
    let mut expected: Vec<String> = kinds
        .iter()
        .filter(|kind| kind.fate == Fate::Row)
        .map(|kind| kind.name.clone())
        .collect();
    expected.extend(envelopes().into_iter().map(|record| record.kind));
    expected.extend(["header-not-utf8".to_owned(), "the-last".to_owned()]);
    let status = house.status();
    let rows: i64 = status["by_status"]
        .as_object()
        .expect("an object")
        .values()
        .filter_map(serde_json::Value::as_i64)
        .sum();
    for name in &expected {
        let shown = [house.show_json(name), house.show_text(name)];
        let steers = |each: char| each.is_ascii_control() && each != '\n';
        assert!(shown.iter().all(|text| !text.contains(steers)), "{name}");
    }
    assert_eq!(usize::try_from(rows), Ok(expected.len()), "{status}");
}

/// Each that should be a dead letter is one, as it came or cut, with its reason.
fn assert_letters(house: &House, kinds: &[Kind], records: &[Hostile]) {
    let mut expected: BTreeMap<String, &str> = kinds
        .iter()
        .filter_map(|kind| match kind.fate {
            Fate::DeadLetter(reason) => Some((kind.name.clone(), reason)),
            Fate::Row => None,
        })
        .collect();
    expected.extend(
        refused_envelopes()
            .into_iter()
            .map(|(record, reason)| (record.kind, reason)),
    );
    for letter in house.kafka.read_all(&house.kafka.name("events.dlq")) {
        let said = |name: &str| header(&letter, name);
        let offset: usize = said("dlq-offset").expect("an offset").parse().expect("a number");
        let sent = &records[offset];
        let detail = said("dlq-detail");
        assert_eq!(
            said("dlq-reason").as_deref(),
            expected.remove(&sent.kind),
            "{}: {detail:?}",
            sent.kind
        );
        let timestamp = said("dlq-timestamp").expect("a time");
        assert!(timestamp.is_empty() || timestamp.len() == 24, "{timestamp}");
        match said("dlq-cut-from") {
            Some(length) => assert_eq!(Ok(sent.payload.as_ref().map_or(0, Vec::len)), length.parse()),
            None => assert_eq!(letter.payload(), sent.payload.as_deref(), "{}", sent.kind),
        }
    }
    assert!(expected.is_empty(), "no dead letters: {expected:?}");
}

/// What left has the data that came.
fn assert_requests(house: &House, kinds: &[Kind]) {
    let requests = house.kafka.read_all(&house.deliveries);
    let named: BTreeMap<String, &OwnedMessage> = requests
        .iter()
        .map(|request| (header(request, "event-id").expect("an id"), request))
        .collect();
    assert_eq!(named.len(), requests.len(), "one was sent twice");
    assert!(named.contains_key("the-last"));
    assert!(header(named["header-not-utf8"], "traceparent").is_some());
    for kind in kinds.iter().filter(|kind| kind.fate == Fate::Row) {
        let is_held = ["time-9999-due", "time-2038", "time-1970-expires"].contains(&kind.name.as_str());
        assert_eq!(named.contains_key(&kind.name), !is_held, "{}", kind.name);
        let Some(request) = named.get(&kind.name) else {
            continue;
        };
        let parts: BTreeMap<String, Box<RawValue>> =
            serde_json::from_slice(request.payload().expect("a value")).expect("JSON");
        let again = kinds::event(
            "x",
            &format!(",\"incentive_data\":{}", parts["incentive_data"].get()),
        );
        let data = |payload: &[u8]| {
            let event = IncentiveEvent::decode(Some(payload), usize::MAX).expect("an event");
            event.incentive_data
        };
        assert_eq!(data(again.as_bytes()), data(&kind.payload), "{}", kind.name);
    }
}

#[tokio::test]
async fn every_hostile_event_is_a_row_or_a_dead_letter_on_mysql() {
    every_kind("mysql").await;
}

#[tokio::test]
async fn every_hostile_event_is_a_row_or_a_dead_letter_on_mariadb() {
    every_kind("mariadb").await;
}

#[tokio::test]
async fn every_hostile_event_is_a_row_or_a_dead_letter_on_sqlite() {
    every_kind("sqlite").await;
}

/// Nonsense of every kind, and results whose texts and times are at their ends.
async fn every_result(server: &str) {
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::migrated(server).await) else {
        return;
    };
    let house = House::on(kafka, database, 1).await;
    let results = wide_topic(&house.kafka, "wide").await;
    let house = house.with("INQ_TOPICS__RESULTS", &results);
    let service = house.run(&[]).await;
    for event in ["delivered", "failed", "late"] {
        house.send_event(&simple_event(event)).await;
    }
    let mut ids = BTreeMap::new();
    for request in house.kafka.read_until(&house.deliveries, 3).await {
        let request = json_of(&request);
        ids.insert(
            request["event_id"].as_str().expect("an id").to_owned(),
            request["notification_id"].clone(),
        );
    }
    eventually("all are sent", async || house.status()["by_status"]["sent"] == 3).await;

    let nonsense: Vec<Hostile> = kinds::events()
        .iter()
        .map(|kind| Hostile::new(&kind.name, Some(&kind.payload)))
        .chain(refused_envelopes().into_iter().map(|(record, _)| record))
        .collect();
    produce(&house.kafka, &results, &nonsense).await;
    let about = |event: &str, status: &str, at: &str, more: serde_json::Value| {
        let mut result = json!({
            "notification_id": ids[event], "attempt": 1, "user_id": 42, "status": status, "occurred_at": at,
        });
        for (name, value) in more.as_object().expect("an object") {
            result[name] = value.clone();
        }
        Hostile::new(event, Some(result.to_string().as_bytes()))
    };
    let ends = [
        about(
            "delivered",
            "delivered",
            "9999-12-31T23:59:59.999Z",
            json!({ "channel": "📱", "error_message": "\u{0}" }),
        ),
        about("delivered", "opened", "1970-01-01T00:00:00Z", json!({})),
        about(
            "failed",
            "failed",
            "1970-01-01T00:00:00Z",
            json!({ "retryable": false, "error_code": "🎉", "error_message": format!("\u{0}\u{1b}[31m{}", "é🎉".repeat(20_000)) }),
        ),
        about(
            "late",
            "failed",
            "9999-12-31T23:59:59.999Z",
            json!({ "retry_after_s": 2_592_000 }),
        ),
    ];
    produce(&house.kafka, &results, &ends).await;

    eventually("all is consumed", async || house.behind() == 0).await;
    let letters = house.kafka.read_all(&house.kafka.name("results.dlq"));
    assert_eq!(letters.len(), nonsense.len());
    let shown = house.show("delivered");
    assert_eq!(shown["delivered_at"], "9999-12-31T23:59:59.999Z");
    assert_eq!(shown["opened_at"], "1970-01-01T00:00:00.000Z");
    assert_eq!(house.show("failed")["status"], "failed");
    assert_eq!(house.show("late")["status"], "pending");
    for event in ["delivered", "failed", "late"] {
        let said = inq(&house.environment(), &["show", "--event", event]);
        assert!(said.status.success());
        assert!(
            !said
                .stdout
                .iter()
                .any(|each| each.is_ascii_control() && *each != b'\n'),
            "{event}"
        );
    }
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn every_hostile_result_changes_its_row_or_is_a_dead_letter_on_mysql() {
    every_result("mysql").await;
}

#[tokio::test]
async fn every_hostile_result_changes_its_row_or_is_a_dead_letter_on_mariadb() {
    every_result("mariadb").await;
}
