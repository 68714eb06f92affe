//! What was put aside is looked at, corrected and put back, on a real Kafka.

use std::cmp::Reverse;
use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use inq::bus::{BusError, DeadLetterTopic, DeadLetters, Letter, Outgoing, Record, Stretch, Wanted};
use inq::config::Settings;
use inq::contract::{Reason, Rejection};
use inq::ingest::Planner;
use inq::localize::Words;
use inq::replay::{Prepared, Refusal, Replay};
use rdkafka::Message;
use rdkafka::message::Headers;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::household::{House, simple_event};
use crate::inq::{command, eventually, free_port, inq, inq_json};
use crate::kafka::{Kafka, header};
use crate::servers::Database;

const CORRECT: &str = r#"{"event_id":"e-7","user_id":42,"incentive_type":"streak_reward","priority":4}"#;

/// A house whose service does not run: Kafka is all that is needed.
async fn house(partitions: i32) -> Option<House> {
    let (kafka, database) = (Kafka::reached()?, Database::migrated("sqlite").await?);
    Some(House::on(kafka, database, partitions).await)
}

impl House {
    fn events_dlq(&self) -> String {
        self.kafka.name("events.dlq")
    }

    fn letters(&self, arguments: &[&str]) -> Vec<Value> {
        let listed = inq_json(
            &self.environment(),
            &[&["dead-letters", "list"], arguments].concat(),
        );
        listed.as_array().expect("an array").clone()
    }

    fn replay(&self, arguments: &[&str]) -> (String, Option<i32>) {
        said(&inq(
            &self.environment(),
            &[&["dead-letters", "replay"], arguments].concat(),
        ))
    }

    /// Puts records aside as the service does.
    async fn put_aside(&self, dlq: &str, letters: &[(Record, Rejection)]) {
        let letters: Vec<_> = letters
            .iter()
            .map(|(record, rejection)| (record, rejection.clone()))
            .collect();
        let mut dead_letters = DeadLetters::new(&self.kafka.cluster(), dlq.to_owned()).expect("a producer");
        dead_letters.put_aside(&letters).await.expect("acknowledged");
    }

    /// A record of one of this house's topics that was never there.
    fn record(topic: &str, offset: usize, payload: &[u8]) -> Record {
        Record {
            topic: topic.to_owned(),
            partition: 0,
            offset: i64::try_from(offset).expect("an offset"),
            key: Some(offset.to_string().into_bytes()),
            payload: Some(payload.to_vec()),
            headers: Vec::new(),
            timestamp: DateTime::from_timestamp_millis(1_767_225_600_000),
        }
    }

    fn look(&self, topic: &str) -> DeadLetterTopic {
        DeadLetterTopic::new(self.kafka.cluster(), topic.to_owned(), self.kafka.name("group"))
    }
}

/// Both outputs, and the exit status.
fn said(output: &Output) -> (String, Option<i32>) {
    let text = [&output.stdout[..], &output.stderr].concat();
    (String::from_utf8(text).expect("UTF-8"), output.status.code())
}

#[track_caller]
fn assert_said((text, status): &(String, Option<i32>), expected: i32, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert_eq!(*status, Some(expected), "{text}");
}

fn rejection(reason: Reason, detail: &str) -> Rejection {
    Rejection::new(reason, detail)
}

const FIRST: [&str; 6] = ["--topic", "events", "--partition", "0", "--offset", "0"];

#[tokio::test]
async fn a_poison_event_is_corrected_put_back_and_sent() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    let poison = CORRECT.replace("\"priority\":4", "\"priority\":7");
    house.send_event(&poison).await;
    eventually("it is put aside", async || !house.letters(&[]).is_empty()).await;

    let letters = house.letters(&["--topic", "events", "--reason", "schema_violation"]);
    let [letter] = letters.as_slice() else {
        panic!("one: {letters:?}")
    };
    let fault = "priority: must be an integer from 0 to 4, found 7";
    assert_eq!(letter["topic"], house.events_dlq());
    assert_eq!((&letter["partition"], &letter["offset"]), (&json!(0), &json!(0)));
    assert_eq!(letter["detail"], fault);
    assert_eq!(letter["event_id"], "e-7");
    assert_eq!(letter["payload"], poison);
    assert_eq!(letter["key"], "42");
    assert_eq!(letter["origin"]["topic"], house.events);
    assert_eq!(letter["origin"]["offset"], 0);
    for time in ["timestamp", "failed_at"] {
        let time = letter[time].as_str().expect("a time");
        assert!(time.parse::<DateTime<Utc>>().is_ok(), "{time}");
    }
    let shown = inq(&house.environment(), &["dead-letters", "list"]);
    let place = format!("{}/0/0", house.events_dlq());
    assert_said(
        &said(&shown),
        0,
        &[&place, "schema_violation", fault, "event    e-7", &poison],
    );

    let back = format!("it would come back as a dead letter: schema_violation: {fault}");
    assert_said(&house.replay(&FIRST), 1, &[&place, &back]);
    let wrong = house.corrected(&CORRECT.replace("streak_reward", "streak"));
    assert_said(&wrong, 1, &["corrected payload", "incentive_type", "\"streak\""]);
    assert_said(
        &house.corrected(CORRECT),
        0,
        &[&place, "is put back into", &house.events],
    );
    assert_eq!(house.request(1).await["event_id"], "e-7");
    eventually("it is sent", async || house.show("e-7")["status"] == "sent").await;
    assert_eq!(house.show("e-7")["priority"], 4);

    // Again: it has its row.
    assert_said(&house.corrected(CORRECT), 0, &["is put back"]);
    eventually("it is consumed", async || house.behind() == 0).await;
    assert_eq!(house.status()["by_status"]["sent"], 1);
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 1);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

impl House {
    /// Replays the first letter with this value, from standard input.
    fn corrected(&self, payload: &str) -> (String, Option<i32>) {
        let directory = TempDir::new().expect("a directory");
        let arguments = [&["dead-letters", "replay"], &FIRST[..], &["--payload", "-"]].concat();
        let mut child = command(&directory, &self.environment(), &arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("inq starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        stdin.write_all(payload.as_bytes()).expect("written");
        drop(stdin);
        said(&child.wait_with_output().expect("inq ends"))
    }
}

#[tokio::test]
async fn a_letter_that_was_cut_goes_back_only_with_a_payload_of_its_own() {
    let Some(house) = house(1).await else { return };
    let narrow = house
        .kafka
        .topic_with("narrow.dlq", 1, &[("max.message.bytes", "60000")])
        .await;
    let house = house.with("INQ_TOPICS__EVENTS_DLQ", &narrow);
    let huge = House::record(&house.events, 0, "x".repeat(400_000).as_bytes());
    house
        .put_aside(&narrow, &[(huge, rejection(Reason::TooLarge, "too large"))])
        .await;
    assert_eq!(house.letters(&[])[0]["cut_from"], 400_000);
    for how in [&FIRST[..], &[&FIRST[..], &["--force"]].concat()] {
        assert_said(
            &house.replay(how),
            1,
            &["400000 bytes", "give the corrected payload"],
        );
    }
    assert!(house.kafka.read_all(&house.events).is_empty());

    let file = house.database.url.replace("sqlite://", "") + ".json";
    std::fs::write(&file, CORRECT).expect("written");
    let corrected = [&FIRST[..], &["--payload", &file]].concat();
    assert_said(&house.replay(&corrected), 0, &["is put back"]);
    let events = house.kafka.read_all(&house.events);
    assert_eq!(events[0].payload(), Some(CORRECT.as_bytes()));
}

#[tokio::test]
async fn many_go_back_by_reason_with_their_keys_and_their_own_headers() {
    let Some(house) = house(3).await else { return };
    let broken = rejection(Reason::InvalidJson, "not JSON");
    let mended = rejection(Reason::RefusedByStore, "a column was too short");
    let mut letters = Vec::new();
    for number in 0..1200 {
        let valid = simple_event(&format!("e-{number}"));
        let (payload, why) = if number % 240 == 0 {
            (valid.as_str(), mended.clone())
        } else {
            ("{", broken.clone())
        };
        let mut record = House::record(&house.events, number, payload.as_bytes());
        record.headers = vec![
            ("traceparent".to_owned(), Some(b"00-1".to_vec())),
            ("dlq-reason".to_owned(), Some(b"an earlier life".to_vec())),
        ];
        letters.push((record, why));
    }
    house.put_aside(&house.events_dlq(), &letters).await;
    let replay = |more: &[&str]| house.replay(&[&["--topic", "events"], more].concat());

    let by_reason = ["--reason", "refused_by_store"];
    let looked = replay(&[&by_reason[..], &["--dry-run"]].concat());
    assert_said(&looked, 0, &["5 letters would be put back"]);
    // Nobody is asked here.
    assert_said(&replay(&by_reason), 2, &["--dry-run", "--yes"]);
    assert!(house.kafka.read_all(&house.events).is_empty());

    let done = replay(&[&by_reason[..], &["--yes"]].concat());
    assert_said(&done, 0, &["5 letters put back"]);
    let back = house.kafka.read_all(&house.events);
    let mut keys: Vec<_> = back
        .iter()
        .map(|event| String::from_utf8_lossy(event.key().expect("a key")).into_owned())
        .collect();
    keys.sort();
    assert_eq!(keys, ["0", "240", "480", "720", "960"]);
    for event in &back {
        assert_eq!(header(event, "traceparent").as_deref(), Some("00-1"));
        assert_eq!(event.headers().map(Headers::count), Some(1));
    }

    let all = replay(&["--all", "--yes"]);
    let reason = "1195 from ";
    assert_said(
        &all,
        1,
        &[
            "5 letters put back",
            "1195 letters refused",
            reason,
            "invalid_json",
            "--force",
        ],
    );
    assert_said(
        &replay(&["--all", "--yes", "--force"]),
        0,
        &["1200 letters put back"],
    );
    assert_eq!(house.kafka.read_all(&house.events).len(), 5 + 5 + 1200);
}

#[tokio::test]
async fn results_go_back_to_the_results() {
    let Some(house) = house(1).await else { return };
    let result = json!({ "notification_id": 9, "attempt": 1, "user_id": 42, "status": "delivered",
        "occurred_at": "2026-01-31T12:00:00Z" })
    .to_string();
    let dlq = house.kafka.name("results.dlq");
    let unknown = rejection(Reason::UnknownNotification, "there is no notification 9");
    let broken = rejection(Reason::SchemaViolation, "attempt: missing");
    let letters = [
        (House::record(&house.results, 0, result.as_bytes()), unknown),
        (
            House::record(&house.results, 1, b"{\"notification_id\":9}"),
            broken,
        ),
    ];
    house.put_aside(&dlq, &letters).await;
    assert_eq!(house.letters(&["--topic", "results"])[0]["notification_id"], 9);
    assert!(house.letters(&["--topic", "events"]).is_empty());
    let all = house.replay(&["--topic", "results", "--all", "--yes"]);
    assert_said(
        &all,
        1,
        &["1 letter put back", "1 letter refused", "attempt: missing"],
    );
    let back = house.kafka.read_all(&house.results);
    assert_eq!(back[0].payload(), Some(result.as_bytes()));
    assert_eq!(back.len(), 1);
}

#[tokio::test]
async fn bytes_that_are_no_text_are_shown_and_go_back_as_they_are() {
    let Some(house) = house(1).await else { return };
    let bytes = b"\xff\x00\x1b[2J\xfe{\"event_id\"";
    let broken = rejection(Reason::InvalidJson, "the value is not UTF-8");
    let mut record = House::record(&house.events, 0, bytes);
    record.key = Some(b"\xff\xfe".to_vec());
    house.put_aside(&house.events_dlq(), &[(record, broken)]).await;

    let letter = &house.letters(&[])[0];
    assert_eq!(letter["payload"], Value::Null);
    assert_eq!(letter["payload_base64"], "/wAbWzJK/nsiZXZlbnRfaWQi");
    assert_eq!(letter["key_base64"], "//4=");
    let shown = inq(&house.environment(), &["dead-letters", "list"]);
    assert!(!shown.stdout.contains(&0x1b), "it steers the terminal");

    let forced = house.replay(&[&FIRST[..], &["--force"]].concat());
    assert_said(&forced, 0, &["is put back"]);
    let events = house.kafka.read_all(&house.events);
    assert_eq!(events[0].payload(), Some(&bytes[..]));
    assert_eq!(events[0].key(), Some(&b"\xff\xfe"[..]));
}

#[tokio::test]
async fn a_letter_of_another_topic_goes_nowhere() {
    let Some(house) = house(1).await else { return };
    let mended = rejection(Reason::RefusedByStore, "x");
    let valid = simple_event("e-1");
    let elsewhere = House::record(&house.deliveries, 0, valid.as_bytes());
    house.put_aside(&house.events_dlq(), &[(elsewhere, mended)]).await;
    house
        .kafka
        .produce(&house.events_dlq(), [("42", valid.as_bytes())])
        .await;
    let all = house.replay(&["--topic", "events", "--all", "--yes", "--force"]);
    assert_said(
        &all,
        1,
        &[
            "0 letters put back",
            "2 letters refused",
            &format!("it came from {}", house.deliveries),
            &format!("topics.events ({})", house.events),
            "dlq-topic",
        ],
    );
    for topic in [&house.events, &house.results, &house.deliveries] {
        assert!(house.kafka.read_all(topic).is_empty());
    }
}

#[tokio::test]
async fn what_the_topic_does_not_take_is_refused_and_its_neighbours_go() {
    let Some(house) = house(1).await else { return };
    let narrow = house
        .kafka
        .topic_with("narrow", 1, &[("max.message.bytes", "10000")])
        .await;
    let house = house.with("INQ_TOPICS__EVENTS", &narrow);
    let mut letters = Vec::new();
    for number in 0..3 {
        let mut event: Value = serde_json::from_str(&simple_event(&format!("e-{number}"))).expect("JSON");
        if number == 1 {
            event["message_body"] = "x".repeat(50_000).into();
        }
        let record = House::record(&narrow, number, event.to_string().as_bytes());
        letters.push((record, rejection(Reason::RefusedByStore, "x")));
    }
    house.put_aside(&house.events_dlq(), &letters).await;
    let all = house.replay(&["--topic", "events", "--all", "--yes"]);
    assert_said(
        &all,
        1,
        &[
            "2 letters put back",
            "1 letter refused",
            "max.message.bytes",
            "/0/1 on",
        ],
    );
    assert_eq!(house.kafka.read_all(&narrow).len(), 2);
}

#[tokio::test]
async fn the_newest_are_found_over_partitions_and_far_back() {
    let Some(house) = house(1).await else { return };
    let dlq = house.kafka.topic("wide.dlq", 3).await;
    let rare = rejection(Reason::Unsettled, "rare");
    let usual = rejection(Reason::InvalidJson, "usual");
    let letters: Vec<_> = (0..3000)
        .map(|number| {
            let why = if number < 2 { &rare } else { &usual };
            (House::record(&house.events, number, b"{"), why.clone())
        })
        .collect();
    for portion in letters.chunks(1000) {
        house.put_aside(&dlq, portion).await;
    }
    let topic = house.look(&dlq);
    let newest = async |wanted: Wanted| topic.newest(wanted).await.expect("an answer");

    let mut all = Vec::new();
    let mut portions = topic.read(topic.extent().await.expect("an extent"));
    while let Some(portion) = portions.recv().await {
        all.extend(portion.expect("a portion"));
    }
    assert_eq!(all.len(), letters.len());
    // Of one millisecond, the partition and the offset decide.
    let age = |letter: &Letter| {
        let Record {
            timestamp,
            partition,
            offset,
            ..
        } = letter.record;
        (timestamp, partition, offset)
    };
    all.sort_by_key(|letter| Reverse(age(letter)));
    for limit in [1, Wanted::USUAL, Wanted::MOST] {
        let found = newest(Wanted {
            limit,
            ..Wanted::default()
        })
        .await;
        assert!(found.rest.is_some());
        assert_eq!(found.letters, all[..limit]);
    }

    let rare = newest(Wanted {
        reason: Some(Reason::Unsettled),
        ..Wanted::default()
    })
    .await;
    assert_eq!(rare.letters.len(), 2);
    assert_eq!(rare.rest, None, "all was looked at");
    for letter in &rare.letters {
        assert_eq!(letter.put_aside.detail.as_deref(), Some("rare"));
    }

    // Page by page through one partition, and through all while more come: each letter once, the newest first.
    let pages = async |of: Option<Stretch>, meanwhile: &[(Record, Rejection)]| {
        let mut seen = Vec::new();
        let mut wanted = Wanted {
            limit: 400,
            of,
            ..Wanted::default()
        };
        loop {
            let page = newest(wanted.clone()).await;
            seen.extend(page.letters);
            wanted.of = page.rest;
            if wanted.of.is_none() {
                return seen;
            }
            house.put_aside(&dlq, meanwhile).await;
        }
    };
    let one_by_one = pages(Some(Stretch::up_to(1, i64::MAX)), &[]).await;
    let of_one = all.iter().filter(|letter| letter.record.partition == 1);
    assert!(one_by_one.iter().eq(of_one));
    assert_eq!(pages(None, &letters[..10]).await, all);

    let one = topic.letter(1, 17).await.expect("an answer").expect("a letter");
    assert_eq!((one.record.partition, one.record.offset), (1, 17));
    for (partition, offset) in [(1, 1_000_000), (7, 0), (-1, 0), (0, -1)] {
        let none = topic.letter(partition, offset).await.expect("an answer");
        assert_eq!(none, None, "{partition}/{offset}");
    }
}

#[tokio::test]
async fn long_letters_are_fewer_at_a_time() {
    const MEGABYTE: usize = 1_000_000;
    let Some(house) = house(1).await else { return };
    let broken = rejection(Reason::InvalidJson, "long");
    let letters: Vec<_> = (0..40)
        .map(|number| {
            let record = House::record(&house.events, number, &vec![b'x'; MEGABYTE]);
            (record, broken.clone())
        })
        .collect();
    house.put_aside(&house.events_dlq(), &letters).await;
    let topic = house.look(&house.events_dlq());
    let found = topic.newest(Wanted::default()).await.expect("an answer");
    assert!(found.rest.is_some());
    assert_eq!(found.letters.len(), 33, "32 MiB");
    assert_eq!(found.letters[0].record.offset, 39);
    let extent = topic.extent().await.expect("an extent");
    assert_eq!(extent.len(), 40);
    let mut portions = topic.read(extent);
    let mut offsets = Vec::new();
    while let Some(portion) = portions.recv().await {
        let portion = portion.expect("a portion");
        assert!(portion.len() <= 9, "8 MiB and one: {}", portion.len());
        offsets.extend(portion.iter().map(|letter| letter.record.offset));
    }
    assert_eq!(offsets, (0..40).collect::<Vec<i64>>());
}

#[tokio::test]
async fn whoever_sits_at_the_terminal_is_asked() {
    let Some(house) = house(1).await else { return };
    let record = House::record(&house.events, 0, simple_event("e-1").as_bytes());
    house
        .put_aside(
            &house.events_dlq(),
            &[(record, rejection(Reason::RefusedByStore, "x"))],
        )
        .await;
    let line = format!(
        "{} dead-letters replay --topic events --all",
        env!("CARGO_BIN_EXE_inq")
    );
    for (answer, status, sent) in [("n\n", 1, 0), ("y\n", 0, 1)] {
        let mut terminal = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .envs(house.environment())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a terminal");
        let mut stdin = terminal.stdin.take().expect("a pipe");
        stdin.write_all(answer.as_bytes()).expect("written");
        let output = terminal.wait_with_output().expect("it ends");
        drop(stdin);
        assert_said(
            &said(&output),
            status,
            &["1 letter would be put back", "Put 1 letter back? [y/N]"],
        );
        assert_eq!(house.kafka.read_all(&house.events).len(), sent);
    }
}

#[test]
fn a_wrong_name_is_told_with_the_right_ones() {
    let list = |more: &[&str]| said(&inq(&[], &[&["dead-letters", "list"], more].concat()));
    assert_said(
        &list(&["--topic", "deliveries"]),
        2,
        &["deliveries", "events", "results"],
    );
    assert_said(&list(&["--reason", "bad"]), 2, &["bad", "unknown_incentive_type"]);
    assert_said(&list(&["--limit", "1001"]), 2, &["1001", "1000"]);
    let replay = |more: &[&str]| said(&inq(&[], &[&["dead-letters", "replay"], more].concat()));
    assert_said(
        &replay(&["--topic", "events"]),
        2,
        &["--partition", "--reason", "--all"],
    );
    assert_said(
        &replay(&["--topic", "events", "--partition", "0"]),
        2,
        &["--offset"],
    );
    assert_said(&replay(&["--all"]), 2, &["--topic"]);
    let both = ["--topic", "events", "--all", "--payload", "x.json"];
    assert_said(&replay(&both), 2, &["--payload"]);
}

#[tokio::test]
async fn a_topic_that_is_not_there_is_named() {
    let Some(house) = house(1).await else { return };
    let missing = house.kafka.name("nowhere");
    for (setting, arguments) in [
        ("INQ_TOPICS__EVENTS_DLQ", &["list"][..]),
        (
            "INQ_TOPICS__EVENTS_DLQ",
            &["replay", "--topic", "events", "--all", "--yes"],
        ),
        (
            "INQ_TOPICS__EVENTS",
            &["replay", "--topic", "events", "--all", "--yes"],
        ),
    ] {
        let mut environment = house.environment();
        environment.push((setting, &missing));
        let output = inq(&environment, &[&["dead-letters"], arguments].concat());
        assert_said(&said(&output), 1, &["error: ", &missing]);
    }
    assert!(!house.kafka.topics().contains(&missing), "looking made it");
    let topic = house.look(&missing);
    let error = topic.newest(Wanted::default()).await.expect_err("no topic");
    assert!(matches!(error, BusError::Refused(_)), "{error}");
}

#[test]
fn a_broker_that_is_away_is_told_in_one_line() {
    let nobody = format!("127.0.0.1:{}", free_port());
    let begun = std::time::Instant::now();
    for arguments in [&["list"][..], &["replay", "--topic", "events", "--all", "--yes"]] {
        let output = inq(
            &[("KAFKA_BROKERS", &nobody)],
            &[&["dead-letters"], arguments].concat(),
        );
        assert_said(&said(&output), 1, &["the Kafka broker is away", &nobody]);
        assert!(output.stdout.is_empty());
        assert_eq!(String::from_utf8_lossy(&output.stderr).lines().count(), 1);
    }
    assert!(begun.elapsed() < Duration::from_mins(1));
}

#[tokio::test]
async fn whoever_puts_back_at_the_same_time_hears_of_their_own_letters() {
    let Some(house) = house(1).await else { return };
    let narrow = house
        .kafka
        .topic_with("narrow", 1, &[("max.message.bytes", "10000")])
        .await;
    let mut settings = Settings::from_toml("").expect("the defaults");
    settings.topics.events.clone_from(&narrow);
    settings.topics.results.clone_from(&house.results);
    let planner = Planner {
        words: Arc::new(Words::open(None, "en").expect("the built-in catalogues")),
        defaults: settings.defaults,
        quiet: (&settings.quiet).into(),
        half_life: settings.best_time.half_life,
        max_event_bytes: 262_144,
    };
    let replay = Replay::open(&house.kafka.cluster(), &settings.topics, planner)
        .await
        .expect("reached");
    let put_back = |bytes: usize| {
        replay.put_back(vec![Prepared {
            topic: narrow.clone(),
            record: Outgoing {
                payload: Some(vec![b'x'; bytes]),
                ..Outgoing::default()
            },
        }])
    };
    let refused = |bytes: usize| {
        Ok(vec![Err(Refusal::TooLarge {
            topic: narrow.clone(),
            bytes,
        })])
    };
    for _ in 0..5 {
        let (long, short, longer) = tokio::join!(put_back(50_000), put_back(1), put_back(60_000));
        assert_eq!(long, refused(50_000));
        assert_eq!(short, Ok(vec![Ok(())]));
        assert_eq!(longer, refused(60_000));
    }
    assert_eq!(house.kafka.read_all(&narrow).len(), 5);
}
