//! What readers want, said and asked over HTTP.

use serde_json::{Value, json};

use super::{Api, field};
use crate::household::House;
use crate::inq::eventually;

const PATH: &str = "/v1/users/42/preferences";

impl Api {
    async fn put(&self, body: &Value) -> crate::inq::Answer {
        self.ask("PUT", PATH, &[], &body.to_string()).await
    }
}

#[tokio::test]
async fn without_a_topic_preferences_are_in_the_table_at_once() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    assert_eq!(api.get(PATH).await.status, 404);
    let said =
        json!({ "language": "de", "quiet_hours": { "from": "22:00", "to": "07:00", "days": ["fri"] } });
    let answer = api.put(&said).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let found = api.get(PATH).await;
    assert_eq!(found.json(), answer.json());
    assert_eq!(
        (&found.json()["user_id"], &found.json()["quiet_hours"]),
        (&json!(42), &said["quiet_hours"])
    );

    let older = json!({ "language": "fr", "updated_at": "2026-01-01T00:00:00Z" });
    assert_eq!(api.put(&older).await.status, 200);
    assert_eq!(api.get(PATH).await.json()["language"], "de", "the newest counts");

    assert_eq!(api.ask("DELETE", PATH, &[], "").await.status, 200);
    assert_eq!(api.get(PATH).await.status, 404);
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn with_a_topic_preferences_take_the_way_of_all_others() {
    let Some(house) = House::fresh().await else { return };
    let topic = house.kafka.topic("preferences", 1).await;
    let dead_letters = house.kafka.topic("preferences.dlq", 1).await;
    let house = house
        .with("INQ_TOPICS__PREFERENCES", &topic)
        .with("INQ_TOPICS__PREFERENCES_DLQ", &dead_letters);
    let api = Api::of(house.run(&[]).await).await;
    assert_eq!(api.put(&json!({ "language": "ja" })).await.status, 202);
    assert_eq!(
        house.kafka.read_all(&topic).len(),
        1,
        "it is in the topic when it is answered"
    );
    eventually("it is read from the topic", async || {
        let found = api.get(PATH).await;
        found.status == 200 && found.json()["language"] == "ja"
    })
    .await;
    assert_eq!(api.ask("DELETE", PATH, &[], "").await.status, 202);
    eventually("the user is forgotten", async || {
        api.get(PATH).await.status == 404
    })
    .await;
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn what_is_no_preference_is_refused_with_the_field() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    for (body, name) in [
        (json!([]), "body"),
        (json!({ "user_id": 43 }), "user_id"),
        (json!({ "timezone": "Atlantis" }), "timezone"),
        (json!({ "quiet_hours": { "from": "22:00" } }), "quiet_hours.to"),
        (json!({ "opted_out_types": ["points"] }), "opted_out_types[0]"),
        (json!({ "updated_at": "yesterday" }), "updated_at"),
    ] {
        let answer = api.put(&body).await;
        assert_eq!(
            (answer.status, field(&answer).as_str()),
            (422, name),
            "{}",
            answer.body
        );
    }
    assert_eq!(api.ask("PUT", PATH, &[], "{").await.status, 400);
    assert_eq!(api.get("/v1/users/0/preferences").await.status, 422);
    assert_eq!(api.get(PATH).await.status, 404, "nothing was stored");
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}
