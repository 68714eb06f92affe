//! Events that come over HTTP.

use rdkafka::Message;
use serde_json::json;

use super::{Api, field};
use crate::household::House;
use crate::inq::eventually;
use crate::kafka::{header, json as json_of};

#[tokio::test]
async fn an_event_becomes_a_delivery_request_as_from_the_topic() {
    const TRACE: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    let event = json!({
        "event_id": "over-http",
        "user_id": 7,
        "incentive_type": "point_earning",
        "language": "de",
        "incentive_data": { "points_earned": 50 },
        "unknown": [1.50],
    });
    let headers = [("traceparent", TRACE)];
    for _ in 0..2 {
        let answer = api.ask("POST", "/v1/events", &headers, &event.to_string()).await;
        assert_eq!(answer.status, 202, "{}", answer.body);
        assert_eq!(answer.json(), json!({ "event_id": "over-http" }));
    }
    let records = house.kafka.read_all(&house.events);
    assert_eq!(records.len(), 2, "it is in the topic when it is answered");
    assert_eq!(records[0].key(), Some(&b"7"[..]));
    assert_eq!(records[0].payload(), Some(event.to_string().as_bytes()));
    let request = house.kafka.read_until(&house.deliveries, 1).await.remove(0);
    assert_eq!(header(&request, "traceparent").as_deref(), Some(TRACE));
    let request = json_of(&request);
    assert_eq!(request["event_id"], "over-http");
    assert_eq!(request["language"], "de");
    eventually("both are read", async || house.behind() == 0).await;
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 1);
    let found = api.get("/v1/notifications?event_id=over-http").await.json();
    assert_eq!(found["notifications"][0]["id"], request["notification_id"]);
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn what_is_no_event_is_refused_with_the_field_and_reaches_no_topic() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_INGEST__MAX_EVENT_BYTES", "400000");
    let api = Api::of(house.run(&[]).await).await;
    let event = |more: &str| {
        format!("{{\"event_id\": \"e\", \"user_id\": 1, \"incentive_type\": \"streak_reward\"{more}}}")
    };
    let cases = [
        ("[]".to_owned(), 422, "body"),
        ("{".to_owned(), 400, ""),
        ("{}".to_owned(), 422, "event_id"),
        (event(", \"priority\": 5"), 422, "priority"),
        (event(", \"priority\": 1, \"priority\": 1"), 422, "priority"),
        (event(", \"timezone\": \"Europe/Madird\""), 422, "timezone"),
        (
            event("").replace("streak_reward", "streak_rewards"),
            422,
            "incentive_type",
        ),
        (
            event(", \"incentive_data\": {\"a\": [1, 1e999]}"),
            422,
            "incentive_data.a[1]",
        ),
        (event(", \"incentive_data\": 7"), 422, "incentive_data"),
        (event(&format!(", \"x\": \"{}\"", "x".repeat(400_000))), 413, ""),
        (event(&format!(", \"x\": \"{}\"", "x".repeat(4_000_000))), 413, ""),
    ];
    for (body, status, at) in cases {
        let answer = api.ask("POST", "/v1/events", &[], &body).await;
        let shown = &body[..body.len().min(100)];
        assert_eq!(answer.status, status, "{shown}: {}", answer.body);
        assert_eq!(field(&answer), at, "{shown}: {}", answer.body);
    }
    assert!(house.kafka.read_all(&house.events).is_empty());
    let longest = event(&format!(", \"x\": \"{}\"", "x".repeat(399_900)));
    assert_eq!(api.ask("POST", "/v1/events", &[], &longest).await.status, 202);
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn what_the_topic_does_not_take_is_told() {
    let Some(house) = House::fresh().await else { return };
    let short = house
        .kafka
        .topic_with("short", 1, &[("max.message.bytes", "2000")])
        .await;
    let house = house.with("INQ_TOPICS__EVENTS", &short);
    let api = Api::of(house.run(&[]).await).await;
    let event = |filler: usize| {
        json!({
            "event_id": "e",
            "user_id": 1,
            "incentive_type": "streak_reward",
            "incentive_data": { "filler": "x".repeat(filler) },
        })
    };
    let refused = api.post("/v1/events", &event(3000)).await;
    assert_eq!(refused.status, 503);
    assert!(refused.body.contains("max.message.bytes"), "{}", refused.body);
    assert_eq!(api.post("/v1/events", &event(10)).await.status, 202);
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}
