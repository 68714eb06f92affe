//! What the protocol needs of Kafka, shown on a real one.

use std::collections::BTreeSet;
use std::time::Duration;

use inq::bus::{
    Batch, BusError, Consumer, ConsumerSettings, Ledger, Outcome, Outgoing, Publisher, TransactionalPublisher,
};
use rdkafka::Message;

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

async fn publisher(kafka: &Kafka, topic: &str, name: &str) -> Publisher {
    let opened = TransactionalPublisher::open(&kafka.cluster(), topic, kafka.name(name), LEASE).await;
    Publisher::Transactional(opened.expect("a publisher"))
}

#[tokio::test]
async fn a_published_claim_is_in_the_topic_and_in_the_ledger() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 2).await;
    let publisher = publisher(&kafka, &topic, "one").await;
    for claim in [7, 8] {
        let outcome = publisher.publish(claim, requests(&["a", "b"])).await;
        assert!(matches!(outcome, Outcome::Published), "{outcome:?}");
    }
    assert_eq!(texts(&kafka, &topic).len(), 4);
    let ledger = Ledger::new(kafka.cluster(), topic);
    let reading = ledger
        .fence_and_read(&kafka.name("one"))
        .await
        .expect("a reading");
    assert_eq!(reading.published, Some(8));
    assert_eq!(reading.cluster_id, ledger.cluster_id().await.expect("an id"));
}

#[tokio::test]
async fn the_ledger_of_a_publisher_that_never_committed_is_empty() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 1).await;
    let _idle = publisher(&kafka, &topic, "one").await;
    let ledger = Ledger::new(kafka.cluster(), topic);
    for id in [kafka.name("one"), kafka.name("never seen")] {
        let reading = ledger.fence_and_read(&id).await.expect("a reading");
        assert_eq!(reading.published, None);
    }
}

#[tokio::test]
async fn a_fenced_publisher_can_commit_nothing_more() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 1).await;
    let slow = publisher(&kafka, &topic, "one").await;
    let ledger = Ledger::new(kafka.cluster(), topic.clone());
    let id = kafka.name("one");
    assert_eq!(
        ledger.fence_and_read(&id).await.expect("a reading").published,
        None
    );

    let outcome = slow.publish(1, requests(&["too late"])).await;

    assert!(
        !matches!(outcome, Outcome::Published | Outcome::Partly { .. }),
        "{outcome:?}"
    );
    assert_eq!(texts(&kafka, &topic), Vec::<String>::new());
    assert_eq!(
        ledger.fence_and_read(&id).await.expect("a reading").published,
        None
    );
}

#[tokio::test]
async fn a_request_that_is_too_large_is_named_and_its_neighbours_stay_unseen() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 1).await;
    let publisher = publisher(&kafka, &topic, "one").await;
    let huge = "x".repeat(2_000_000);

    let outcome = publisher.publish(1, requests(&["fine", &huge, "fine too"])).await;

    match outcome {
        Outcome::NotPublished { refused, .. } => {
            assert_eq!(refused.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1]);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(texts(&kafka, &topic), Vec::<String>::new());
    let next = publisher.publish(2, requests(&["after it"])).await;
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
