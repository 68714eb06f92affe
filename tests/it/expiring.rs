//! What is no longer worth sending.

use chrono::{Duration, Utc};
use serde_json::{Value, json};

use crate::household::{House, text};
use crate::inq::{eventually, inq};

#[tokio::test]
async fn what_is_held_beyond_its_expiry_expires_on_time() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    let expires_at = Utc::now() + Duration::seconds(3);
    let event = json!({
        "event_id": "held",
        "user_id": 42,
        "incentive_type": "bonus_opportunity",
        "scheduled_at": text(Utc::now() + Duration::hours(9)),
        "expires_at": text(expires_at),
    });
    house.send_event(&event.to_string()).await;
    eventually("it expires", async || {
        let shown = inq(&house.environment(), &["show", "--event", "held", "--json"]);
        serde_json::from_slice::<Value>(&shown.stdout).is_ok_and(|shown| shown["status"] == "expired")
    })
    .await;
    let shown = house.show("held");
    let detail = &shown["history"][0]["detail"];
    assert_eq!(
        (&detail["rule"], &detail["expires_at"]),
        (&json!("expires_at"), &json!(text(expires_at)))
    );
    assert!(shown["history"][0]["at"].as_str().expect("a time") >= text(expires_at).as_str());
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 0);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn what_expires_while_its_claim_waits_is_not_published() {
    let Some(house) = House::fresh().await else { return };
    let house = house
        .with("INQ_DISPATCH__LEASE", "60s")
        .with("FAILPOINTS", "dispatch::claimed=1*return(13000)");
    let service = house.run(&[]).await;
    for (event, expires_at) in [
        ("expires", Some(text(Utc::now() + Duration::seconds(12)))),
        ("stays", None),
    ] {
        let event = json!({
            "event_id": event,
            "user_id": 42,
            "incentive_type": "bonus_opportunity",
            "expires_at": expires_at,
        });
        house.send_event(&event.to_string()).await;
    }
    eventually("it is claimed in time", async || {
        service.log().contains("failpoint dispatch::claimed")
    })
    .await;
    eventually("the other leaves", async || {
        house.show("stays")["status"] == "sent"
    })
    .await;
    let shown = house.show("expires");
    assert_eq!(
        (&shown["status"], &shown["attempts"]),
        (&json!("expired"), &json!(0))
    );
    let requests = house.kafka.read_all(&house.deliveries);
    assert_eq!(requests.len(), 1);
    assert!(service.terminate().await.success());
    house.database.drop().await;
}
