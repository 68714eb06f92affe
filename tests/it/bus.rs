//! What the protocol needs of Kafka, shown on a real one.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::DateTime;
use inq::bus::{
    Batch, BusError, Consumer, ConsumerSettings, Ledger, LedgerEntry, Outcome, Outgoing, Publisher, Reading,
    TransactionalPublisher,
};
use rdkafka::Message;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};

use crate::kafka::{DEADLINE, Kafka};

const LEASE: Duration = Duration::from_secs(30);

fn requests(texts: &[&str]) -> Vec<Outgoing> {
    texts
        .iter()
        .map(|text| Outgoing {
            key: Some(b"42".to_vec()),
            payload: Some(text.as_bytes().to_vec()),
            headers: Vec::new(),
        })
        .collect()
}

fn texts(kafka: &Kafka, topic: &str) -> Vec<String> {
    kafka
        .read_all(topic)
        .iter()
        .map(|message| String::from_utf8_lossy(message.payload().unwrap_or_default()).into_owned())
        .collect()
}

const DATABASE: &str = "a database";

fn ledger(kafka: &Kafka, topic: &str) -> Ledger {
    Ledger::new(kafka.cluster(), topic.to_owned(), kafka.name("queue"))
}

async fn publisher(kafka: &Kafka, topic: &str, name: &str) -> Publisher {
    let (ledger, id) = (ledger(kafka, topic), kafka.name(name));
    let opened = TransactionalPublisher::open(&ledger, id, DATABASE.to_owned(), LEASE).await;
    Publisher::Transactional(opened.expect("a publisher"))
}

fn claim(number: i64) -> LedgerEntry {
    LedgerEntry {
        claim: number,
        claimed_at: DateTime::from_timestamp_millis(1_700_000_000_000 + number).expect("a time"),
    }
}

#[tokio::test]
async fn a_published_claim_is_in_the_topic_and_in_the_ledger() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 2).await;
    let publisher = publisher(&kafka, &topic, "one").await;
    for number in [7, 8] {
        let outcome = publisher.publish(claim(number), requests(&["a", "b"])).await;
        assert!(matches!(outcome, Outcome::Published), "{outcome:?}");
    }
    assert_eq!(texts(&kafka, &topic).len(), 4);
    let read = ledger(&kafka, &topic).fence_and_read(&kafka.name("one")).await;
    assert_eq!(read.expect("a reading"), Reading::Published(claim(8)));
}

#[tokio::test]
async fn a_ledger_begins_with_its_publisher_and_is_empty_without_one() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 1).await;
    let _idle = publisher(&kafka, &topic, "one").await;
    let ledger = ledger(&kafka, &topic);
    let begun = ledger
        .fence_and_read(&kafka.name("one"))
        .await
        .expect("a reading");
    assert!(
        matches!(begun, Reading::Published(LedgerEntry { claim: 0, .. })),
        "{begun:?}"
    );
    let forgotten = ledger.fence_and_read(&kafka.name("never seen")).await;
    assert_eq!(forgotten.expect("a reading"), Reading::Forgotten);
}

#[tokio::test]
async fn the_newest_claim_of_a_database_is_known_to_all_publishers_and_to_no_other_database() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 1).await;
    let ledger = ledger(&kafka, &topic);
    let newest = async |database: &str| ledger.newest_claim(database.to_owned()).await.expect("an answer");
    assert_eq!(newest(DATABASE).await, None);
    let publisher = publisher(&kafka, &topic, "one").await;
    publisher.publish(claim(7), requests(&["a"])).await;
    assert_eq!(newest(DATABASE).await, Some(7));
    assert_eq!(newest("another").await, None);
}

#[tokio::test]
async fn a_ledger_that_is_kept_holds_the_same_as_before() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 1).await;
    let publisher = publisher(&kafka, &topic, "one").await;
    publisher.publish(claim(7), requests(&["a"])).await;
    let Publisher::Transactional(transactional) = &publisher else {
        panic!("it is transactional");
    };
    transactional
        .keep_ledger(Duration::ZERO)
        .await
        .expect("written again");
    let outcome = publisher.publish(claim(8), requests(&["b"])).await;
    assert!(matches!(outcome, Outcome::Published), "{outcome:?}");
    transactional
        .keep_ledger(Duration::ZERO)
        .await
        .expect("written again");
    let read = ledger(&kafka, &topic).fence_and_read(&kafka.name("one")).await;
    assert_eq!(read.expect("a reading"), Reading::Published(claim(8)));
    assert_eq!(texts(&kafka, &topic), ["a", "b"]);
}

#[tokio::test]
async fn a_fenced_publisher_can_commit_nothing_more() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 1).await;
    let slow = publisher(&kafka, &topic, "one").await;
    let ledger = ledger(&kafka, &topic);
    let id = kafka.name("one");
    let before = ledger.fence_and_read(&id).await.expect("a reading");

    let outcome = slow.publish(claim(1), requests(&["too late"])).await;

    assert!(
        !matches!(outcome, Outcome::Published | Outcome::Partly { .. }),
        "{outcome:?}"
    );
    assert_eq!(texts(&kafka, &topic), Vec::<String>::new());
    assert_eq!(ledger.fence_and_read(&id).await.expect("a reading"), before);
}

#[tokio::test]
async fn a_request_that_is_too_large_is_named_and_its_neighbours_stay_unseen() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 1).await;
    let publisher = publisher(&kafka, &topic, "one").await;
    let huge = "x".repeat(2_000_000);

    let outcome = publisher
        .publish(claim(1), requests(&["fine", &huge, "fine too"]))
        .await;

    match outcome {
        Outcome::NotPublished { refused, .. } => {
            assert_eq!(refused.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(texts(&kafka, &topic), Vec::<String>::new());
    let next = publisher.publish(claim(2), requests(&["after it"])).await;
    assert!(matches!(next, Outcome::Published), "{next:?}");
    assert_eq!(texts(&kafka, &topic), ["after it"]);
}

#[tokio::test]
async fn a_look_names_the_topics_that_are_missing() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 3).await;
    let view = kafka
        .cluster()
        .look(Duration::from_secs(10))
        .await
        .expect("a view");
    assert_eq!(view.topics.get(&topic), Some(&3));
    assert_eq!(view.missing([topic.as_str(), "nowhere"]), ["nowhere"]);
}

#[tokio::test]
async fn a_dead_port_is_away() {
    let nobody = Kafka::at("127.0.0.1:1".to_owned());
    let error = nobody
        .cluster()
        .look(Duration::from_secs(2))
        .await
        .expect_err("nobody listens");
    assert!(
        matches!(&error, BusError::Away(why) if why.contains("127.0.0.1:1")),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn partitions_that_went_away_while_paused_are_read_when_they_come_back() {
    const RECORDS: usize = 4_000;
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("events", 4).await;
    let keys: Vec<String> = (0..RECORDS).map(|number| number.to_string()).collect();
    kafka
        .produce(&topic, keys.iter().map(|key| (key.as_str(), key.as_bytes())))
        .await;
    let settings = ConsumerSettings {
        topic: topic.clone(),
        group_id: kafka.name("group"),
        batch_records: 10,
        batch_wait: Duration::from_millis(20),
    };
    let mut slow = Consumer::start(&kafka.cluster(), settings.clone()).expect("a consumer");
    let mut seen: BTreeSet<Vec<u8>> = BTreeSet::new();
    let mut note = |batch: Batch| {
        seen.extend(batch.records.iter().filter_map(|record| record.payload.clone()));
        batch.finish();
        seen.len()
    };
    note(slow.next().await.expect("a batch"));

    // Nobody takes the next batch: only paused does it answer the group, which has a second member now.
    let passing = Consumer::start(&kafka.cluster(), settings).expect("a consumer");
    passing.joined().await;
    passing.close().await;

    let all = async { while note(slow.next().await.expect("a batch")) < RECORDS {} };
    tokio::time::timeout(DEADLINE, all)
        .await
        .expect("every record is read");
    slow.close().await;
}

fn headers(record: &Outgoing) -> OwnedHeaders {
    record
        .headers
        .iter()
        .fold(OwnedHeaders::new(), |headers, (key, value)| {
            headers.insert(Header {
                key,
                value: value.as_deref(),
            })
        })
}

/// A producer in the midst of a transaction.
async fn with_open_transaction(kafka: &Kafka, name: &str, topic: &str, record: Outgoing) -> FutureProducer {
    let producer: FutureProducer = kafka
        .config()
        .set("transactional.id", name)
        .create()
        .expect("a producer");
    producer.init_transactions(DEADLINE).expect("initialised");
    producer.begin_transaction().expect("begun");
    let sent = FutureRecord::<[u8], [u8]>::to(topic)
        .payload(record.payload.as_deref().expect("a payload"))
        .headers(headers(&record));
    producer.send(sent, DEADLINE).await.expect("sent");
    producer
}

#[tokio::test]
async fn a_request_is_found_in_the_topic_only_where_it_was_committed() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 3).await;
    let publisher = publisher(&kafka, &topic, "one").await;
    let request = |id: &str, attempt: &str, length: usize| Outgoing {
        key: Some(id.as_bytes().to_vec()),
        payload: Some(vec![b'x'; length]),
        headers: [("notification-id", id), ("attempt", attempt)]
            .map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec())))
            .to_vec(),
    };
    let requests: Vec<_> = (1..=20)
        .map(|id: u32| request(&id.to_string(), "1", 10))
        .collect();
    assert!(matches!(
        publisher.publish(claim(1), requests).await,
        Outcome::Published
    ));
    // Aborted: one of them is too large.
    let refused = vec![request("21", "1", 10), request("22", "1", 2_000_000)];
    let outcome = publisher.publish(claim(2), refused).await;
    assert!(matches!(outcome, Outcome::NotPublished { .. }), "{outcome:?}");
    // Left open: its publisher has died.
    let name = kafka.name("dead");
    let _dead = with_open_transaction(&kafka, &name, &topic, request("24", "1", 10)).await;
    let ledger = ledger(&kafka, &topic);
    ledger.abort_left_open(&name).await.expect("an answer");
    let asked = [(1, 1), (20, 1), (20, 2), (21, 1), (23, 1), (24, 1)];
    let held = ledger
        .held_requests(asked.into_iter().collect(), chrono::Utc::now())
        .await
        .expect("an answer");
    assert_eq!(held.found, [1, 20].into_iter().collect());
    assert!(held.complete);
}

#[tokio::test]
async fn what_an_unpublished_claim_has_left_open_is_aborted_and_nobody_elses() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 2).await;
    let name = kafka.name("dead");
    let request = Outgoing {
        key: Some(b"7".to_vec()),
        payload: Some(b"x".to_vec()),
        headers: [("notification-id", "7"), ("attempt", "2")]
            .map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec())))
            .to_vec(),
    };
    let ledger = ledger(&kafka, &topic);
    assert_eq!(ledger.held_back().await.expect("an answer"), []);
    let _dead = with_open_transaction(&kafka, &name, &topic, request).await;
    let held_back = ledger.held_back().await.expect("an answer");
    assert_eq!(held_back.len(), 1, "{held_back:?}");
    assert_eq!((held_back[0].from, held_back[0].end), (0, 1));

    for (requests, aborted) in [([(7, 1), (8, 2)], 0), ([(7, 2), (8, 2)], 1)] {
        let partitions = ledger
            .abort_unpublished(&name, held_back.clone(), requests.into_iter().collect())
            .await
            .expect("an answer");
        assert_eq!(partitions, aborted);
        let left = ledger.held_back().await.expect("an answer");
        assert_eq!(left.is_empty(), aborted == 1, "{left:?}");
    }
}
