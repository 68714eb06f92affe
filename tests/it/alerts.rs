//! Critical failures on the alerts topic.

use serde_json::{Value, json};

use crate::contract::validator;
use crate::household::House;
use crate::inq::{Service, eventually, inq};
use crate::kafka::json as json_of;

async fn with_alerts(settings: &[(&str, &str)]) -> Option<(House, String)> {
    let house = House::fresh().await?;
    let topic = house.kafka.topic_with("alerts", 1, settings).await;
    let house = house.with("INQ_TOPICS__ALERTS", &topic);
    Some((house, topic))
}

fn event(id: &str, priority: u8) -> String {
    json!({ "event_id": id, "user_id": 42, "incentive_type": "streak_reward", "priority": priority })
        .to_string()
}

/// The alerts of the topic, each as its schema says and under its key.
fn read(house: &House, topic: &str) -> Vec<Value> {
    let validator = validator("alert");
    house
        .kafka
        .read_all(topic)
        .iter()
        .map(|record| {
            let alert = json_of(record);
            assert!(validator.is_valid(&alert), "{alert}");
            let key = rdkafka::Message::key(record).map(String::from_utf8_lossy);
            assert_eq!(key.as_deref(), alert["alert"].as_str());
            alert
        })
        .collect()
}

async fn count(service: &Service, outcome: &str) -> u64 {
    let (_, text) = service.get("/metrics").await.expect("an answer");
    let name = format!("inq_alerts_total{{outcome=\"{outcome}\"}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&name));
    value.expect("counted").parse().expect("a number")
}

/// Both have failed for good, the unimportant one first.
async fn fail_both(house: &House) {
    let bounced = json!({ "retryable": false, "error_message": "the mailbox is full" });
    for (number, (id, priority)) in [("standard", 0), ("urgent", 3)].into_iter().enumerate() {
        house.send_event(&event(id, priority)).await;
        let request = house.request(number + 1).await;
        house.send_result(&request, "failed", bounced.clone()).await;
        eventually("it has failed", async || house.show(id)["status"] == "failed").await;
    }
}

#[tokio::test]
async fn an_urgent_notification_that_fails_for_good_is_told() {
    let Some((house, topic)) = with_alerts(&[]).await else {
        return;
    };
    let service = house.run(&[]).await;
    fail_both(&house).await;
    eventually("it is told", async || !read(&house, &topic).is_empty()).await;
    let alerts = read(&house, &topic);
    let [alert] = alerts.as_slice() else {
        panic!("one alert: {alerts:?}")
    };
    assert_eq!(alert["alert"], "notification_failed");
    assert_eq!(alert["notification_id"], house.show("urgent")["id"]);
    assert_eq!(
        (&alert["user_id"], &alert["priority"], &alert["attempt"]),
        (&42.into(), &3.into(), &1.into())
    );
    assert!(
        alert["message"]
            .as_str()
            .is_some_and(|message| message.ends_with("the mailbox is full")),
        "{alert}"
    );
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn many_dead_letters_are_told_once() {
    let Some((house, topic)) = with_alerts(&[]).await else {
        return;
    };
    let service = house.run(&[]).await;
    house
        .kafka
        .produce(&house.events, (0..150).map(|_| ("42", b"broken".as_slice())))
        .await;
    eventually("they are told", async || !read(&house, &topic).is_empty()).await;
    let alerts = read(&house, &topic);
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["alert"], "dead_letters");
    assert!(
        alerts[0]["count"]
            .as_u64()
            .is_some_and(|count| (101..=150).contains(&count)),
        "{alerts:?}"
    );
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn alerts_that_kafka_does_not_take_are_dropped_and_hold_up_nobody() {
    let Some((house, topic)) = with_alerts(&[("max.message.bytes", "10")]).await else {
        return;
    };
    let service = house.run(&[]).await;
    fail_both(&house).await;
    eventually("the alert is dropped", async || {
        count(&service, "dropped").await == 1
    })
    .await;
    assert_eq!(count(&service, "written").await, 0);
    house.send_event(&event("after", 4)).await;
    house.request(3).await;
    assert_eq!(read(&house, &topic), Vec::<Value>::new());
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn an_alerts_topic_that_is_not_there_is_told_at_once() {
    let Some(house) = House::fresh().await else { return };
    let missing = house.kafka.name("nowhere");
    let house = house
        .with("INQ_TOPICS__ALERTS", &missing)
        .with("INQ_HTTP__LISTEN", "127.0.0.1:0");
    for command in ["check", "run"] {
        if command == "check" {
            assert!(inq(&house.environment(), &["migrate"]).status.success());
        }
        let said = inq(&house.environment(), &[command]);
        assert_eq!(said.status.code(), Some(1), "{command}");
        let text = [said.stdout, said.stderr].concat();
        assert!(String::from_utf8_lossy(&text).contains(&missing), "{command}");
    }
    house.database.drop().await;
}
