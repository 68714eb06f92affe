//! Claims that were left behind, on real Kafka and a real database: the ledger decides, and nobody else.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use inq::bus::{Ledger, LedgerEntry, Outcome, Outgoing, Publisher, TransactionalPublisher};
use inq::contract::{IncentiveType, Priority};
use inq::dispatch::Recovery;
use inq::store::{self, Claim, Claimant, NewNotification, Status, Store};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::{BaseProducer, Producer};
use rdkafka::{Offset, TopicPartitionList};
use serde_json::{Value, json};

use crate::household::{House, simple_event};
use crate::inq::{Service, eventually, inq, inq_json};
use crate::kafka::{DEADLINE, Kafka};
use crate::servers::Database;

const LEASE: Duration = Duration::from_secs(30);
/// A lease that has ended when the claim is made.
const NO_LEASE: Duration = Duration::ZERO;

/// A queue with one due row, a publisher, and recovery.
struct Scene {
    kafka: Kafka,
    database: Database,
    store: Arc<dyn Store>,
    topic: String,
    publisher: Publisher,
    claimant: Claimant,
    recovery: Recovery,
}

impl Scene {
    async fn on(server: &str) -> Option<Self> {
        let (kafka, database) = (Kafka::reached()?, Database::migrated(server).await?);
        let store = store::open(&database.url, 4).expect("a store");
        store.insert(&[row("event")]).await.expect("inserted");
        let topic = kafka.topic("deliveries", 1).await;
        let ledger = Ledger::new(kafka.cluster(), topic.clone(), kafka.name("queue"));
        let identity = store.identity().await.expect("an identity");
        let publisher = TransactionalPublisher::open(&ledger, kafka.name("publisher"), identity, LEASE)
            .await
            .expect("a publisher");
        let claimant = Claimant::Transactional {
            transactional_id: publisher.transactional_id().to_owned(),
            cluster_id: publisher.cluster_id().to_owned(),
        };
        Some(Self {
            recovery: Recovery::new(Arc::clone(&store), Some(ledger), LEASE),
            publisher: Publisher::Transactional(publisher),
            kafka,
            database,
            store,
            topic,
            claimant,
        })
    }

    async fn claim(&self, lease: Duration) -> Claim {
        let claimed = self
            .store
            .claim(10, lease, &self.claimant)
            .await
            .expect("an answer");
        claimed.claim.expect("a claim")
    }

    async fn publish(&self, claim: &Claim) -> Outcome {
        let entry = LedgerEntry {
            claim: claim.id,
            claimed_at: claim.claimed_at,
        };
        let headers = [("notification-id", "1"), ("attempt", "1")];
        let request = Outgoing {
            payload: Some(b"request".to_vec()),
            headers: headers
                .map(|(name, value)| (name.to_owned(), Some(value.as_bytes().to_vec())))
                .to_vec(),
            ..Outgoing::default()
        };
        self.publisher.publish(entry, vec![request]).await
    }

    /// A transaction that nobody ends has written into the ledger, as when Kafka has lost the end of one.
    fn ledger_left_undecided(&self) -> BaseProducer {
        let mut config = self.kafka.config();
        let producer: BaseProducer = config
            .set("transactional.id", self.kafka.name("intruder"))
            .create()
            .expect("a producer");
        let group: BaseConsumer = self
            .kafka
            .config()
            .set("group.id", self.kafka.name("publisher"))
            .create()
            .expect("a consumer");
        let mut offsets = TopicPartitionList::new();
        offsets
            .add_partition_offset(&self.topic, 0, Offset::Offset(7))
            .expect("an offset");
        producer.init_transactions(DEADLINE).expect("initialised");
        producer.begin_transaction().expect("begun");
        let group = group.group_metadata().expect("a group");
        producer
            .send_offsets_to_transaction(&offsets, &group, DEADLINE)
            .expect("written");
        producer
    }

    fn published(&self) -> usize {
        self.kafka.read_all(&self.topic).len()
    }

    /// Where the row stands, and how many attempts count.
    async fn standing(&self) -> (Status, u32) {
        self.standing_of("event").await
    }

    async fn standing_of(&self, event_id: &str) -> (Status, u32) {
        let row = self
            .store
            .notification_of_event(event_id)
            .await
            .expect("an answer");
        row.map(|row| (row.status, row.attempts)).expect("a row")
    }

    /// Why its claim is left to an operator.
    async fn doubt(&self) -> String {
        let claims = self.store.open_claims(10).await.expect("an answer");
        claims
            .into_iter()
            .find_map(|claim| claim.doubt)
            .expect("a claim in doubt")
    }

    async fn history(&self) -> Vec<&'static str> {
        let history = self.store.history(1).await.expect("an answer");
        history.iter().map(|entry| entry.kind.as_str()).collect()
    }

    async fn end(self) {
        self.store.close().await;
        self.database.drop().await;
    }
}

fn row(event_id: &str) -> NewNotification {
    NewNotification {
        event_id: event_id.to_owned(),
        user_id: 42,
        incentive_type: IncentiveType::StreakReward,
        notification_type: 89,
        priority: Priority::MAX,
        message_title: "Seven days!".to_owned(),
        message_body: "Go on.".to_owned(),
        incentive_data: "{}".to_owned(),
        occurred_at: Utc::now(),
        scheduled_at: None,
        expires_at: None,
        language: "en".to_owned(),
        variant: None,
        timezone: None,
        device_type: None,
        traceparent: None,
        status: Status::Pending,
        digest_event_id: None,
        stands_alone: false,
        beginning: Vec::new(),
    }
}

#[tokio::test]
async fn a_claim_whose_settling_was_lost_is_settled_not_resent() {
    for server in ["mysql", "mariadb", "sqlite"] {
        let Some(scene) = Scene::on(server).await else {
            return;
        };
        let claim = scene.claim(NO_LEASE).await;
        assert!(matches!(scene.publish(&claim).await, Outcome::Published));

        assert_eq!(scene.recovery.step().await.expect("an answer"), 1);

        assert_eq!(scene.standing().await, (Status::Sent, 1));
        assert_eq!(scene.history().await, ["recovered_as_sent"]);
        assert_eq!(scene.published(), 1);
        assert_eq!(scene.recovery.step().await.expect("an answer"), 0);
        scene.end().await;
    }
}

#[tokio::test]
async fn a_claim_that_was_never_published_is_released_and_its_publisher_shut_out() {
    for server in ["mysql", "mariadb", "sqlite"] {
        let Some(scene) = Scene::on(server).await else {
            return;
        };
        let claim = scene.claim(NO_LEASE).await;

        scene.recovery.step().await.expect("an answer");

        assert_eq!(scene.standing().await, (Status::Pending, 0));
        assert_eq!(scene.history().await, ["recovered_as_pending"]);
        // It was only slow: what it does now must come to nothing.
        let late = scene.publish(&claim).await;
        assert!(!matches!(late, Outcome::Published), "{late:?}");
        assert_eq!(scene.published(), 0);
        scene.end().await;
    }
}

#[tokio::test]
async fn a_claim_within_its_lease_is_left_alone() {
    let Some(scene) = Scene::on("mysql").await else {
        return;
    };
    scene.claim(LEASE).await;
    assert_eq!(scene.recovery.step().await.expect("an answer"), 0);
    assert_eq!(scene.standing().await, (Status::Processing, 1));
    scene.end().await;
}

#[tokio::test]
async fn a_publisher_recovers_its_own_claims_at_once() {
    let Some(scene) = Scene::on("mysql").await else {
        return;
    };
    let claim = scene.claim(LEASE).await;
    assert!(matches!(scene.publish(&claim).await, Outcome::Published));
    let id = scene.kafka.name("publisher");
    scene.recovery.recover_own(&id).await.expect("an answer");
    assert_eq!(scene.standing().await, (Status::Sent, 1));
    scene.end().await;
}

#[tokio::test]
async fn two_recoverers_of_one_claim_end_it_once() {
    let Some(scene) = Scene::on("mysql").await else {
        return;
    };
    let claim = scene.claim(NO_LEASE).await;
    assert!(matches!(scene.publish(&claim).await, Outcome::Published));
    let (first, second) = tokio::join!(scene.recovery.step(), scene.recovery.step());
    first.expect("an answer");
    second.expect("an answer");
    assert_eq!(scene.standing().await, (Status::Sent, 1));
    assert_eq!(scene.history().await, ["recovered_as_sent"]);
    scene.end().await;
}

#[tokio::test]
async fn a_claim_whose_ledger_kafka_has_forgotten_stays_until_an_operator_decides() {
    for forget in [Forget::Group, Forget::Topic] {
        let Some(scene) = Scene::on("mysql").await else {
            return;
        };
        let claim = scene.claim(NO_LEASE).await;
        assert!(matches!(scene.publish(&claim).await, Outcome::Published));
        match forget {
            Forget::Group => scene.kafka.forget_group(&scene.kafka.name("publisher")).await,
            Forget::Topic => {
                scene.kafka.delete_topic(&scene.topic).await;
                scene.kafka.topic("deliveries", 1).await;
            }
        }

        scene.recovery.step().await.expect("an answer");

        assert_eq!(scene.standing().await, (Status::Processing, 1));
        assert!(scene.doubt().await.contains("forgotten its ledger"));
        scene.end().await;
    }
}

/// How Kafka comes to lose what it knew of a claim.
enum Forget {
    /// The ledger's offsets expire.
    Group,
    /// The deliveries topic is deleted, and made anew.
    Topic,
}

#[tokio::test]
async fn where_the_ledger_is_undecided_the_topic_tells() {
    for published in [true, false] {
        let Some(scene) = Scene::on("mysql").await else {
            return;
        };
        let claim = scene.claim(NO_LEASE).await;
        if published {
            assert!(matches!(scene.publish(&claim).await, Outcome::Published));
        }
        let _open = scene.ledger_left_undecided();

        scene.recovery.step().await.expect("an answer");

        let expected = if published {
            (Status::Sent, 1)
        } else {
            (Status::Pending, 0)
        };
        assert_eq!(scene.standing().await, expected);
        scene.end().await;
    }
}

/// Kafka has told only some partitions of the commit.
#[tokio::test]
async fn where_the_topic_holds_a_part_of_the_claim_each_row_is_judged_alone() {
    let Some(scene) = Scene::on("mysql").await else {
        return;
    };
    scene.store.insert(&[row("lost")]).await.expect("inserted");
    let claim = scene.claim(NO_LEASE).await;
    assert_eq!(claim.rows.len(), 2);
    assert!(matches!(scene.publish(&claim).await, Outcome::Published));
    let _open = scene.ledger_left_undecided();

    scene.recovery.step().await.expect("an answer");

    assert_eq!(scene.standing().await, (Status::Sent, 1));
    assert_eq!(scene.standing_of("lost").await, (Status::Pending, 0));
    scene.end().await;
}

#[tokio::test]
async fn a_commit_that_the_ledger_does_not_show_settles_nothing() {
    let Some(scene) = Scene::on("mysql").await else {
        return;
    };
    let claim = scene.claim(NO_LEASE).await;
    let _open = scene.ledger_left_undecided();

    let outcome = scene.publish(&claim).await;

    assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
    scene.end().await;
}

#[tokio::test]
async fn a_claim_that_a_restored_backup_brought_back_stays_until_an_operator_decides() {
    let Some(scene) = Scene::on("mysql").await else {
        return;
    };
    let first = scene.claim(NO_LEASE).await;
    assert!(matches!(scene.publish(&first).await, Outcome::Published));
    let second = Claim {
        id: first.id + 1,
        ..first
    };
    assert!(matches!(scene.publish(&second).await, Outcome::Published));

    scene.recovery.step().await.expect("an answer");

    assert_eq!(scene.standing().await, (Status::Processing, 1));
    assert!(scene.doubt().await.contains("back in time"));
    scene.end().await;
}

#[tokio::test]
async fn the_number_of_a_claim_that_comes_again_after_a_restore_is_not_taken_for_the_first() {
    let Some(scene) = Scene::on("mysql").await else {
        return;
    };
    let first = scene.claim(NO_LEASE).await;
    assert!(matches!(scene.publish(&first).await, Outcome::Published));
    scene.database.execute(BACKUP_IS_RESTORED).await;
    let again = scene.claim(NO_LEASE).await;
    assert_eq!(again.id, first.id);

    scene.recovery.step().await.expect("an answer");

    assert_eq!(scene.standing().await, (Status::Processing, 1));
    assert!(scene.doubt().await.contains("back in time"));
    scene.end().await;
}

/// What was done since the backup is undone, and numbers are given once more.
const BACKUP_IS_RESTORED: &str = "DELETE FROM incentive_notify_claims; \
    ALTER TABLE incentive_notify_claims AUTO_INCREMENT = 1; \
    UPDATE incentive_notify_queue SET status = 'pending', attempts = 0, claim_id = NULL";

#[tokio::test]
async fn a_service_does_not_start_on_a_database_that_is_older_than_what_was_published_from_it() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    house.send_event(&simple_event("one")).await;
    house.request(1).await;
    assert!(service.terminate().await.success());
    house.database.execute(BACKUP_IS_RESTORED).await;

    let refused = inq(&house.environment(), &["run"]);

    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(
        said.contains("error: the database is older than what was published from it"),
        "{said}"
    );
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 1);
    // The remedy that it names.
    house
        .database
        .execute("UPDATE incentive_notify_queue SET status = 'sent'")
        .await;
    house
        .database
        .execute("ALTER TABLE incentive_notify_claims AUTO_INCREMENT = 1000002")
        .await;
    assert!(
        said.contains("ALTER TABLE incentive_notify_claims AUTO_INCREMENT = 10000"),
        "{said}"
    );
    let service = house.run(&[]).await;
    house.send_event(&simple_event("two")).await;
    assert_eq!(house.request(2).await["event_id"], "two");
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_publisher_that_lives_through_a_restore_stops_and_sends_nothing_again() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    for event in ["one", "two"] {
        house.send_event(&simple_event(event)).await;
        eventually("it is sent", async || {
            inq(&house.environment(), &["show", "--event", event])
                .status
                .success()
                && house.show(event)["status"] == "sent"
        })
        .await;
    }
    house.database.execute(BACKUP_IS_RESTORED).await;
    eventually("the publisher has stopped", async || {
        service
            .get("/readyz")
            .await
            .is_some_and(|(status, body)| status == 503 && body.contains("is older than what was published"))
    })
    .await;
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 2);
    assert_eq!(house.show("one")["status"], "pending");
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_service_lives_through_a_deliveries_topic_that_is_made_anew() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    house.send_event(&simple_event("one")).await;
    house.request(1).await;
    house.kafka.delete_topic(&house.deliveries).await;
    house.kafka.topic("deliveries", 1).await;
    house.send_event(&simple_event("two")).await;
    assert_eq!(house.request(1).await["event_id"], "two");
    eventually("it is settled", async || house.show("two")["status"] == "sent").await;
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn claims_of_another_cluster_stay_until_a_person_decides_and_the_service_stays_ready() {
    let Some(house) = House::fresh().await else { return };
    let store = store::open(&house.database.url, 4).expect("a store");
    let elsewhere = Claimant::Transactional {
        transactional_id: "somebody".to_owned(),
        cluster_id: "another cluster".to_owned(),
    };
    let mut ids = Vec::new();
    for event in ["published", "unpublished"] {
        store.insert(&[row(event)]).await.expect("inserted");
        let claimed = store.claim(10, NO_LEASE, &elsewhere).await.expect("an answer");
        ids.push(claimed.claim.expect("a claim").id);
    }
    store.close().await;
    let decide = async |service: &Service, id: i64, decision: &str| {
        let path = format!("/v1/claims/{id}/{decision}");
        service.ask("POST", &path, &[], "").await.expect("an answer")
    };

    let service = house.run(&["--only", "dispatch,feedback,ingest,http"]).await;
    let refused = decide(&service, ids[0], "release").await;
    assert_eq!(refused.status, 409, "it is not in doubt yet: {}", refused.body);
    let refused = inq(&house.environment(), &["claims", "settle", &ids[0].to_string()]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(service.terminate().await.success());

    let service = house.run(&[]).await;
    let list = async || service.get("/v1/claims").await.expect("an answer").1;
    eventually("the claims are in doubt", async || {
        list().await.contains("\"in_doubt\":2")
    })
    .await;
    let listed: Value = serde_json::from_str(&list().await).expect("JSON");
    let told = inq_json(&house.environment(), &["claims", "list"]);
    assert_eq!(listed["claims"], told, "as the command tells them");
    assert!(
        told[0]["doubt"]
            .as_str()
            .is_some_and(|why| why.contains("another Kafka cluster"))
    );
    assert_eq!(house.status()["claims_in_doubt"], 2);
    eventually("a metric tells", async || {
        let (_, metrics) = service.get("/metrics").await.expect("an answer");
        metrics.contains("inq_claims_in_doubt 2")
    })
    .await;
    // They are a person's to decide, and no reason to serve nobody.
    assert_eq!(service.get("/readyz").await.expect("an answer").0, 200);
    house.send_event(&simple_event("other")).await;
    assert_eq!(house.request(1).await["event_id"], "other");

    let decided = decide(&service, ids[0], "mark-published").await;
    let expected = json!({ "id": ids[0], "rows": 1, "status": "sent" });
    assert_eq!((decided.status, decided.json()), (200, expected));
    assert_eq!(house.show("published")["status"], "sent");
    let decided = decide(&service, ids[1], "release").await;
    let expected = json!({ "id": ids[1], "rows": 1, "status": "pending" });
    assert_eq!((decided.status, decided.json()), (200, expected));
    assert_eq!(house.request(2).await["event_id"], "unpublished");
    for decision in ["mark-published", "release"] {
        assert_eq!(
            decide(&service, ids[0], decision).await.status,
            404,
            "it is decided"
        );
    }
    assert!(service.log().contains("a claim in doubt was decided by hand"));
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 2);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}
