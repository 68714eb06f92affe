//! What a broker can do to the service without being away: refuse for good, delete what was not read, hold records back.

use std::collections::BTreeMap;
use std::time::Duration;

use inq::bus::{
    BusError, Cluster, ClusterSettings, Consumer, ConsumerSettings, DeadLetterTopic, DeadLetters, Ledger,
    Needs, Reading, Record, TransactionalPublisher, Wanted,
};
use inq::contract::{Reason, Rejection};
use inq::service::{check_id, prove_transactions};
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _};
use rdkafka::{Message as _, Offset, TopicPartitionList};

use crate::household::{House, simple_event};
use crate::inq::eventually;
use crate::kafka::{DEADLINE, Kafka};

const LEASE: Duration = Duration::from_secs(30);

fn with_properties(kafka: &Kafka, properties: &[(&str, &str)]) -> Cluster {
    Cluster::new(ClusterSettings {
        brokers: kafka.brokers.clone(),
        properties: properties
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<BTreeMap<_, _>>(),
        oauthbearer_token_file: None,
    })
}

/// The groups of this test, by name.
fn groups(kafka: &Kafka) -> Vec<String> {
    let client: BaseConsumer = kafka.config().create().expect("a client");
    let all = client.fetch_group_list(None, DEADLINE).expect("groups");
    let mut names: Vec<_> = all
        .groups()
        .iter()
        .map(|group| group.name().to_owned())
        .filter(|name| name.starts_with(&kafka.prefix))
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_record_without_a_key_reaches_a_compacted_dead_letter_topic_and_is_shown_without_one() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic_with("dlq", 1, &[("cleanup.policy", "compact")]).await;
    let record = Record {
        topic: "incentive.events".to_owned(),
        partition: 3,
        offset: 17,
        key: None,
        payload: Some(b"no JSON".to_vec()),
        headers: Vec::new(),
        timestamp: None,
    };
    let mut letters = DeadLetters::new(&kafka.cluster(), topic.clone()).expect("a producer");
    let rejection = Rejection::new(Reason::InvalidJson, "line 1");
    letters.put_aside(&[(&record, rejection)]).await.expect("taken");

    let raw = kafka.read_all(&topic);
    assert_eq!(raw[0].key(), Some(&b"incentive.events/3/17"[..]));
    let topic = DeadLetterTopic::new(kafka.cluster(), topic, kafka.name("group"));
    let found = topic.newest(Wanted::default()).await.expect("letters");
    assert_eq!(found.letters[0].record.key, None);
    assert_eq!(found.letters[0].record.payload, record.payload);
}

#[tokio::test]
async fn a_publisher_that_ends_cleanly_leaves_no_group_and_a_check_leaves_one() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 1).await;
    let ledger = Ledger::new(kafka.cluster(), topic, kafka.name("queue"));
    for number in 0..5 {
        let id = kafka.name(&format!("queue-{number}"));
        TransactionalPublisher::open(&ledger, id.clone(), String::new(), LEASE)
            .await
            .expect("a publisher")
            .close_for_good()
            .await;
        let read = ledger.fence_and_read(&id).await.expect("a reading");
        assert_eq!(read, Reading::Forgotten);
    }
    assert_eq!(groups(&kafka), Vec::<String>::new());
    for _ in 0..2 {
        prove_transactions(&ledger, LEASE).await.expect("transactions");
    }
    assert_eq!(groups(&kafka), [check_id(ledger.queue())]);
}

#[tokio::test]
async fn properties_of_one_client_do_not_keep_the_others_from_being_made() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("deliveries", 1).await;
    let properties = [
        ("max.poll.interval.ms", "20000"),
        ("socket.timeout.ms", "60000"),
        ("reconnect.backoff.ms", "2000"),
    ];
    let cluster = with_properties(&kafka, &properties[..2]);
    cluster.look(DEADLINE).await.expect("a client that only asks");
    let settings = ConsumerSettings {
        topic: topic.clone(),
        group_id: kafka.name("group"),
        batch_records: 10,
        batch_wait: Duration::from_millis(20),
    };
    let consumer = Consumer::start(&cluster, settings).expect("a consumer");
    consumer.close().await;
    // Its transactions are shorter than a request may take.
    let ledger = Ledger::new(cluster, topic, kafka.name("queue"));
    let read = ledger.fence_and_read(&kafka.name("nobody")).await;
    assert_eq!(read.expect("a reading"), Reading::Forgotten);
    let cluster = with_properties(&kafka, &properties[2..]);
    cluster.look(DEADLINE).await.expect("a client with another pause");
}

#[tokio::test]
async fn records_behind_an_open_transaction_are_told_beside_those_that_can_be_read() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("events", 1).await;
    let upstream: FutureProducer = kafka
        .config()
        .set("transactional.id", kafka.name("upstream"))
        .create()
        .expect("a producer");
    upstream.init_transactions(DEADLINE).expect("initialised");
    upstream.begin_transaction().expect("begun");
    let record = FutureRecord::<str, str>::to(&topic).key("1").payload("open");
    upstream.send(record, DEADLINE).await.expect("sent");
    kafka.produce(&topic, [("2", &b"behind it"[..])]).await;
    let lag = async || {
        let (group, topics) = (kafka.name("group"), vec![topic.clone()]);
        let lags = kafka
            .cluster()
            .lag(group, topics, chrono::Utc::now(), DEADLINE)
            .await;
        let lag = lags.expect("a lag").remove(0);
        (lag.behind, lag.behind_high_watermark)
    };
    assert_eq!(lag().await, (Some(0), Some(2)));
    upstream.abort_transaction(DEADLINE).expect("aborted");
    eventually("the transaction has ended for its readers", async || {
        let (behind, to_end) = lag().await;
        behind == to_end
    })
    .await;
}

#[tokio::test]
async fn events_that_retention_deleted_unread_are_counted() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&["--only", "ingest,http"]).await;
    house.send_event(&simple_event("read")).await;
    eventually("the event is stored", async || house.behind() == 0).await;
    assert!(service.terminate().await.success());

    for number in 0..5 {
        house
            .send_event(&simple_event(&format!("deleted {number}")))
            .await;
    }
    let admin: AdminClient<DefaultClientContext> = house.kafka.config().create().expect("a client");
    let mut before = TopicPartitionList::new();
    before
        .add_partition_offset(&house.events, 0, Offset::Offset(6))
        .expect("an offset");
    admin
        .delete_records(&before, &AdminOptions::new())
        .await
        .expect("deleted");

    let service = house.run(&["--only", "ingest,http"]).await;
    let counted = format!("inq_unread_offsets_deleted_total{{topic=\"{}\"}} 5", house.events);
    eventually("they are counted", async || {
        let metrics = service.get("/metrics").await;
        metrics.is_some_and(|(_, text)| text.contains(&counted))
    })
    .await;
    assert!(
        service.log().contains("before they were read"),
        "{}",
        service.log()
    );
}

#[tokio::test]
async fn a_check_names_no_missing_right_where_everything_is_allowed() {
    let Some(kafka) = Kafka::reached() else { return };
    let (events, deliveries) = (kafka.topic("events", 1).await, kafka.topic("deliveries", 1).await);
    let queue = kafka.name("queue");
    let ledger = Ledger::new(kafka.cluster(), deliveries.clone(), queue.clone());
    let needs = Needs {
        read: vec![events, deliveries.clone()],
        write: vec![deliveries.clone()],
    };
    let rights = ledger.missing_rights(needs, check_id(&queue)).await;
    assert_eq!(rights.expect("an answer"), (Vec::new(), None));
    assert!(
        kafka.read(&deliveries, "read_uncommitted").is_empty(),
        "nothing is written"
    );
}

#[tokio::test]
async fn settings_of_topics_that_lose_records_are_found() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka
        .topic_with("events", 1, &[("cleanup.policy", "compact")])
        .await;
    let cluster = kafka.cluster();
    let view = cluster.look(DEADLINE).await.expect("a view");
    let policies = cluster.policies(&view, vec![topic.clone()], DEADLINE).await;
    let policies = policies.expect("an answer");
    let faults = policies.faults(None);
    assert!(faults.len() == 1 && faults[0].contains(&topic), "{faults:?}");
    assert!(
        policies.warnings()[0].contains("one broker alone has"),
        "{policies:?}"
    );
    let nobody = Kafka::at("127.0.0.1:1".to_owned()).cluster();
    let away = nobody.policies(&view, vec![topic], Duration::from_secs(2)).await;
    assert!(matches!(away, Err(BusError::Away(_))), "{away:?}");
}
