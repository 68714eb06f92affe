//! A result whose claim is in doubt waits; nobody waits with it.

use std::time::Duration;

use inq::contract::{IncentiveType, Priority};
use inq::store::{self, Claimant, Status};
use serde_json::json;

use crate::household::{House, simple_event};
use crate::inq::{Service, eventually, inq};

const NO_LEASE: Duration = Duration::ZERO;

#[tokio::test]
async fn a_result_that_waits_for_its_claim_holds_up_no_other() {
    let Some(house) = House::fresh().await else { return };
    let stuck = claim_of_another_cluster(&house).await;
    // Not ready, for a claim will be in doubt.
    let service = Service::start(&house.environment(), &["run"]);

    // Its delivery failed, as the service hears before anybody can say whether it was published.
    let request = json!({ "notification_id": 1, "attempt": 1, "user_id": 42 });
    house.send_result(&request, "failed", json!({})).await;
    // The same partition, for all have the same key.
    for event in ["one", "two"] {
        house.send_event(&simple_event(event)).await;
    }
    for number in [1, 2] {
        let request = house.request(number).await;
        house.send_result(&request, "delivered", json!({})).await;
    }
    for event in ["one", "two"] {
        eventually("the others are delivered", async || {
            house.show(event)["delivered_at"].is_string()
        })
        .await;
    }
    assert_eq!(house.show("stuck")["status"], "processing");
    assert!(house.behind() > 0, "the offset stays before what waits");

    eventually("an operator may decide", async || {
        inq(&house.environment(), &["claims", "settle", &stuck])
            .status
            .success()
    })
    .await;
    eventually("the result is applied", async || {
        house.show("stuck")["status"] == "pending"
    })
    .await;
    assert_eq!(house.show("stuck")["attempts"], 1);
    eventually("its offset follows", async || house.behind() == 0).await;
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

/// A row in a claim that recovery cannot judge.
async fn claim_of_another_cluster(house: &House) -> String {
    let store = store::open(&house.database.url, 4).expect("a store");
    store.migrate().await.expect("migrated");
    let row = store::NewNotification {
        event_id: "stuck".to_owned(),
        user_id: 42,
        incentive_type: IncentiveType::StreakReward,
        notification_type: 89,
        priority: Priority::MAX,
        message_title: "Seven days!".to_owned(),
        message_body: "Go on.".to_owned(),
        incentive_data: "{}".to_owned(),
        occurred_at: chrono::Utc::now(),
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
    };
    store.insert(&[row]).await.expect("inserted");
    let elsewhere = Claimant::Transactional {
        transactional_id: "somebody".to_owned(),
        cluster_id: "another cluster".to_owned(),
    };
    let claimed = store.claim(10, NO_LEASE, &elsewhere).await.expect("an answer");
    store.close().await;
    claimed.claim.expect("a claim").id.to_string()
}
