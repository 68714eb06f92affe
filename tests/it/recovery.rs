//! Claims that were left behind, on real Kafka and a real database: the ledger decides, and nobody else.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use inq::bus::{Ledger, Outcome, Outgoing, Publisher, TransactionalPublisher};
use inq::contract::{IncentiveType, Priority};
use inq::dispatch::Recovery;
use inq::store::{self, Claim, Claimant, NewNotification, Status, Store};

use crate::household::{House, simple_event};
use crate::inq::{eventually, inq, inq_json};
use crate::kafka::Kafka;
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
        let (kafka, database) = (Kafka::reached()?, Database::fresh(server).await?);
        let store = store::open(&database.url, 4).expect("a store");
        store.migrate().await.expect("migrated");
        store.insert(&[row()]).await.expect("inserted");
        let topic = kafka.topic("deliveries", 1).await;
        let publisher =
            TransactionalPublisher::open(&kafka.cluster(), &topic, kafka.name("publisher"), LEASE)
                .await
                .expect("a publisher");
        let claimant = Claimant::Transactional {
            transactional_id: publisher.transactional_id().to_owned(),
            cluster_id: publisher.cluster_id().to_owned(),
        };
        let ledger = Ledger::new(kafka.cluster(), topic.clone());
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

    async fn publish(&self, claim: i64) -> Outcome {
        let request = Outgoing {
            payload: Some(b"request".to_vec()),
            ..Outgoing::default()
        };
        self.publisher.publish(claim, vec![request]).await
    }

    fn published(&self) -> usize {
        self.kafka.read_all(&self.topic).len()
    }

    /// Where the row stands, and how many attempts count.
    async fn standing(&self) -> (Status, u32) {
        let row = self
            .store
            .notification_of_event("event")
            .await
            .expect("an answer");
        row.map(|row| (row.status, row.attempts)).expect("a row")
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

fn row() -> NewNotification {
    NewNotification {
        event_id: "event".to_owned(),
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
        timezone: None,
        device_type: None,
        traceparent: None,
    }
}

#[tokio::test]
async fn a_claim_whose_settling_was_lost_is_settled_not_resent() {
    for server in ["mysql", "mariadb", "sqlite"] {
        let Some(scene) = Scene::on(server).await else {
            return;
        };
        let claim = scene.claim(NO_LEASE).await;
        assert!(matches!(scene.publish(claim.id).await, Outcome::Published));

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
        let late = scene.publish(claim.id).await;
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
    assert!(matches!(scene.publish(claim.id).await, Outcome::Published));
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
    assert!(matches!(scene.publish(claim.id).await, Outcome::Published));
    let (first, second) = tokio::join!(scene.recovery.step(), scene.recovery.step());
    first.expect("an answer");
    second.expect("an answer");
    assert_eq!(scene.standing().await, (Status::Sent, 1));
    assert_eq!(scene.history().await, ["recovered_as_sent"]);
    scene.end().await;
}

#[tokio::test]
async fn a_claim_of_another_cluster_stays_until_an_operator_decides() {
    let Some(house) = House::fresh().await else { return };
    let store = store::open(&house.database.url, 4).expect("a store");
    store.migrate().await.expect("migrated");
    store.insert(&[row()]).await.expect("inserted");
    let elsewhere = Claimant::Transactional {
        transactional_id: "somebody".to_owned(),
        cluster_id: "another cluster".to_owned(),
    };
    let claimed = store.claim(10, NO_LEASE, &elsewhere).await.expect("an answer");
    let id = claimed.claim.expect("a claim").id.to_string();
    store.close().await;

    let service = house.run(&["--only", "dispatch,feedback,ingest,http"]).await;
    let refused = inq(&house.environment(), &["claims", "settle", &id]);
    assert_eq!(refused.status.code(), Some(1), "it is not in doubt yet");
    assert!(service.terminate().await.success());

    let service = crate::inq::Service::start(&house.environment(), &["run"]);
    eventually("the claim is in doubt", async || {
        service
            .get("/readyz")
            .await
            .is_some_and(|(status, body)| status == 503 && body.contains("1 in doubt"))
    })
    .await;
    let claims = inq_json(&house.environment(), &["claims", "list"]);
    assert!(
        claims[0]["doubt"]
            .as_str()
            .is_some_and(|why| why.contains("another Kafka cluster"))
    );
    assert_eq!(house.status()["claims_in_doubt"], 1);
    // The queue goes on beside it.
    house.send_event(&simple_event("other")).await;
    assert_eq!(house.request(1).await["event_id"], "other");

    assert!(
        inq(&house.environment(), &["claims", "settle", &id])
            .status
            .success()
    );
    eventually("the service is ready", async || {
        service
            .get("/readyz")
            .await
            .is_some_and(|(status, _)| status == 200)
    })
    .await;
    assert_eq!(house.show("event")["status"], "sent");
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 1);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}
