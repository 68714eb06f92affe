//! Who has changed something: what the history and the log say of it.

use chrono::Utc;
use serde_json::{Value, json};

use super::Api;
use crate::household::{House, text};
use crate::inq::{Answer, eventually};

const NAMELESS: &str = "operators-token-0d71";
const READER: &str = "readers-token-66f2";
const ANNA: &str = "annas-token-91ab";
const BEA: &str = "beas-token-3e0c";

impl Api {
    async fn ask_as(&self, token: &str, method: &str, path: &str, body: &Value) -> Answer {
        let bearer = format!("Bearer {token}");
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        self.ask(method, path, &[("Authorization", &bearer)], &body).await
    }
}

async fn named() -> Option<(House, Api)> {
    let house = House::fresh().await?;
    let house = house
        .with("INQ_HTTP__TOKEN", NAMELESS)
        .with("INQ_HTTP__READ_TOKEN", READER)
        .with("INQ_HTTP__TOKENS__ANNA", ANNA)
        .with("INQ_HTTP__TOKENS__BEA", BEA);
    let api = Api::of(house.run(&[]).await).await;
    Some((house, api))
}

#[tokio::test]
async fn a_history_says_who_of_the_operators_it_was() {
    let Some((house, api)) = named().await else { return };
    let event = json!({
        "event_id": "later",
        "user_id": 42,
        "incentive_type": "streak_reward",
        "scheduled_at": text(Utc::now() + chrono::Duration::days(1)),
    });
    house.send_event(&event.to_string()).await;
    let list = "/v1/users/42/notifications";
    eventually("it is stored", async || {
        let stored = api.ask_as(READER, "GET", list, &Value::Null).await.json();
        stored["notifications"]
            .as_array()
            .is_some_and(|rows| rows.len() == 1)
    })
    .await;
    let id = api.ask_as(READER, "GET", list, &Value::Null).await.json()["notifications"][0]["id"].clone();
    let cancel = format!("/v1/notifications/{id}/cancel");
    assert_eq!(api.ask_as(ANNA, "POST", &cancel, &Value::Null).await.status, 200);
    let order = json!({ "filter": { "event_id": "later", "status": "cancelled" } });
    let retried = api.ask_as(BEA, "POST", "/v1/notifications/retry", &order).await;
    assert_eq!(retried.json()["changed"], 1, "{}", retried.body);
    house.request(1).await;
    eventually("it is settled", async || house.show("later")["status"] == "sent").await;
    house
        .database
        .execute("UPDATE incentive_notify_queue SET status = 'failed'")
        .await;
    let retry = format!("/v1/notifications/{id}/retry");
    assert_eq!(
        api.ask_as(NAMELESS, "POST", &retry, &Value::Null).await.status,
        200
    );

    let forgotten = api.ask_as(ANNA, "DELETE", "/v1/users/7000", &Value::Null).await;
    assert_eq!(
        forgotten.json()["request"]["requested_by"],
        "api:anna",
        "{}",
        forgotten.body
    );
    let order = json!({ "event": { "incentive_type": "bonus_opportunity" }, "all": true, "rate": 1 });
    let started = api.ask_as(BEA, "POST", "/v1/broadcasts", &order).await;
    assert_eq!(
        started.json()["broadcast"]["started_by"],
        "api:bea",
        "{}",
        started.body
    );

    let story = house.show("later");
    let by: Vec<_> = story["history"]
        .as_array()
        .expect("a history")
        .iter()
        .filter_map(|entry| entry["detail"]["by"].as_str())
        .collect();
    assert_eq!(by, ["api:anna", "api:bea", "api"], "{story}");
    let log = api.service.log();
    for said in [
        "by=\"api:anna\"",
        "by=\"api:bea\" change=retry filter=event_id=\"later\" status=cancelled matched=1 changed=1",
        "by=\"api\"",
    ] {
        assert!(log.contains(said), "{said}: {log}");
    }
    assert!(!log.contains("None") && !log.contains("-token-"), "{log}");
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn the_log_says_who_put_a_dead_letter_back() {
    let Some((house, api)) = named().await else { return };
    let wrong = r#"{"event_id":"e-1","user_id":42,"incentive_type":"streak_reward","priority":9}"#;
    house.send_event(wrong).await;
    let list = "/v1/dead-letters";
    eventually("it is put aside", async || {
        let found = api.ask_as(ANNA, "GET", list, &Value::Null).await.json();
        found["letters"]
            .as_array()
            .is_some_and(|letters| letters.len() == 1)
    })
    .await;
    let order = json!({ "topic": "events", "partition": 0, "offset": 0, "payload": wrong.replace('9', "4") });
    let answer = api.ask_as(ANNA, "POST", "/v1/dead-letters/replay", &order).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let log = api.service.log();
    let line = log.lines().find(|line| line.contains("put back by hand"));
    assert!(line.is_some_and(|line| line.contains("api:anna")), "{line:?}");
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_token_tells_whose_it_is_and_what_it_may_do() {
    let Some((house, api)) = named().await else { return };
    for (token, expected) in [
        (ANNA, json!({ "role": "operator", "name": "anna" })),
        (BEA, json!({ "role": "operator", "name": "bea" })),
        (NAMELESS, json!({ "role": "operator" })),
        (READER, json!({ "role": "reader" })),
    ] {
        let told = api.ask_as(token, "GET", "/v1/access", &Value::Null).await;
        assert_eq!(told.json(), expected);
    }
    for wrong in ["anna", "annas-token-91a", "annas-token-91abc"] {
        let told = api.ask_as(wrong, "GET", "/v1/access", &Value::Null).await;
        assert_eq!(told.status, 401, "{wrong}");
    }
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}
