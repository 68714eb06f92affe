//! What readers say of themselves, from its topic to what they are told.

use chrono::{Duration, Utc};
use rdkafka::producer::{FutureProducer, FutureRecord};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::household::{House, text};
use crate::inq::{eventually, inq};
use crate::kafka::header;

const TOPIC: &str = "INQ_TOPICS__PREFERENCES";

struct Home {
    house: House,
    preferences: String,
    dead_letters: String,
}

impl Home {
    async fn fresh() -> Option<Self> {
        let house = House::fresh().await?;
        let preferences = house.kafka.topic("preferences", 1).await;
        let dead_letters = house.kafka.topic("preferences.dlq", 1).await;
        let house = house
            .with(TOPIC, &preferences)
            .with("INQ_TOPICS__PREFERENCES_DLQ", &dead_letters);
        Some(Self {
            house,
            preferences,
            dead_letters,
        })
    }

    async fn say(&self, preferences: &Value) {
        let key = preferences["user_id"].to_string();
        let payload = preferences.to_string();
        self.house
            .kafka
            .produce(&self.preferences, [(key.as_str(), payload.as_bytes())])
            .await;
    }

    /// Until every preference that was sent is a row or a dead letter.
    async fn settled(&self) {
        eventually("the preferences are read", async || {
            let status = self.house.status();
            let topics = status["topics"].as_array().expect("topics");
            topics
                .iter()
                .any(|topic| topic["topic"] == self.preferences.as_str() && topic["behind"] == 0)
        })
        .await;
    }

    async fn event(&self, id: &str, more: Value) {
        let mut event = json!({ "event_id": id, "user_id": 42, "incentive_type": "streak_reward" });
        for (name, value) in more.as_object().expect("an object") {
            event[name] = value.clone();
        }
        self.house.send_event(&event.to_string()).await;
        eventually("the event is stored", async || {
            inq(&self.house.environment(), &["show", "--event", id])
                .status
                .success()
        })
        .await;
    }
}

/// As of so many minutes from now.
fn preferences(minutes: i64, more: &Value) -> Value {
    let mut said = json!({ "user_id": 42, "updated_at": text(Utc::now() + Duration::minutes(minutes)) });
    for (name, value) in more.as_object().expect("an object") {
        said[name] = value.clone();
    }
    said
}

#[tokio::test]
async fn the_newest_preference_decides_what_the_event_does_not_say() {
    let Some(home) = Home::fresh().await else { return };
    let service = home.house.run(&[]).await;
    home.say(&preferences(
        -1,
        &json!({ "language": "de", "timezone": "Asia/Kathmandu" }),
    ))
    .await;
    // Late, and older.
    home.say(&preferences(
        -2,
        &json!({ "language": "fr", "opted_out_types": ["streak_reward"] }),
    ))
    .await;
    home.settled().await;
    home.event("by preference", json!({})).await;
    home.event("by itself", json!({ "language": "ja", "timezone": "Asia/Tokyo" }))
        .await;
    let shown = home.house.show("by preference");
    assert_eq!(
        (&shown["language"], &shown["timezone"]),
        (&json!("de"), &json!("Asia/Kathmandu"))
    );
    let shown = home.house.show("by itself");
    assert_eq!(
        (&shown["language"], &shown["timezone"]),
        (&json!("ja"), &json!("Asia/Tokyo"))
    );

    // Forgotten, and what was said before does not come back.
    home.house
        .kafka
        .produce(&home.preferences, [("42", &b""[..])])
        .await;
    home.say(&preferences(-1, &json!({ "language": "de" }))).await;
    home.settled().await;
    home.event("forgotten", json!({})).await;
    let shown = home.house.show("forgotten");
    assert_eq!(
        (&shown["language"], &shown["timezone"]),
        (&json!("en"), &Value::Null)
    );
    assert!(service.terminate().await.success());
    home.house.database.drop().await;
}

#[tokio::test]
async fn what_a_reader_has_opted_out_of_is_stored_explained_and_never_sent() {
    let Some(home) = Home::fresh().await else { return };
    let service = home.house.run(&[]).await;
    let said = preferences(-1, &json!({ "opted_out_types": ["streak_reward"] }));
    home.say(&said).await;
    home.settled().await;
    home.event("unwanted", json!({ "priority": 4 })).await;
    home.event("wanted", json!({ "incentive_type": "point_earning" }))
        .await;
    eventually("the other is sent", async || {
        home.house.show("wanted")["status"] == "sent"
    })
    .await;
    let shown = home.house.show("unwanted");
    assert_eq!(
        (&shown["status"], &shown["attempts"]),
        (&json!("suppressed"), &json!(0))
    );
    assert_eq!(shown["history"][0]["kind"], "suppressed");
    assert_eq!(shown["history"][0]["detail"]["rule"], "opted_out_types");
    let words = inq(&home.house.environment(), &["show", "--event", "unwanted"]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    let since = said["updated_at"].as_str().expect("a time");
    assert!(
        words.contains("the user has opted out of such notifications"),
        "{words}"
    );
    assert!(words.contains(since), "{words}");
    assert!(service.terminate().await.success());
    assert_eq!(home.house.kafka.read_all(&home.house.deliveries).len(), 1);
    home.house.database.drop().await;
}

#[tokio::test]
async fn a_readers_own_quiet_hours_hold_the_first_attempt_and_the_next() {
    let Some(home) = Home::fresh().await else { return };
    let home = Home {
        house: home
            .house
            .with("INQ_RETRY__INITIAL", "100ms")
            .with("INQ_QUIET__HOURS", "none"),
        ..home
    };
    let service = home.house.run(&[]).await;
    home.event("sent before", json!({})).await;
    let request = home.house.request(1).await;
    let clock = |minutes: i64| {
        (Utc::now() + Duration::minutes(minutes))
            .format("%H:%M")
            .to_string()
    };
    home.say(&preferences(
        -1,
        &json!({ "quiet_hours": { "from": clock(-60), "to": clock(60) } }),
    ))
    .await;
    home.settled().await;
    home.event("held", json!({ "timezone": "UTC" })).await;
    home.house.send_result(&request, "failed", json!({})).await;
    eventually("the failure is known", async || {
        home.house.show("sent before")["status"] == "pending"
    })
    .await;
    for (event, held) in [
        ("held", "/history/0/detail"),
        ("sent before", "/history/0/detail/held"),
    ] {
        let shown = home.house.show(event);
        let detail = shown.pointer(held).expect("a reason");
        assert_eq!(
            (&detail["rule"], &detail["of"]),
            (&json!("quiet_hours"), &json!("user"))
        );
        assert_eq!(detail["held_until"], shown["scheduled_at"], "{shown}");
        assert_eq!(shown["status"], "pending");
        let words = inq(&home.house.environment(), &["show", "--event", event]);
        assert!(String::from_utf8_lossy(&words.stdout).contains("are quiet hours of the user in UTC"));
    }
    assert!(service.terminate().await.success());
    home.house.database.drop().await;
}

#[tokio::test]
async fn a_preference_that_cannot_be_used_is_a_dead_letter_that_names_the_field() {
    let Some(home) = Home::fresh().await else { return };
    let service = home.house.run(&["--only", "preferences,ingest,http"]).await;
    home.say(&preferences(
        0,
        &json!({ "quiet_hours": { "from": "22:00", "to": "25:00" } }),
    ))
    .await;
    home.say(&preferences(0, &json!({ "language": "de" }))).await;
    home.settled().await;
    let letters = home.house.kafka.read_until(&home.dead_letters, 1).await;
    assert_eq!(
        header(&letters[0], "dlq-reason").as_deref(),
        Some("schema_violation")
    );
    let detail = header(&letters[0], "dlq-detail").expect("a detail");
    assert!(
        detail.starts_with("quiet_hours.to: must be a local time"),
        "{detail}"
    );
    home.event("after it", json!({})).await;
    assert_eq!(
        home.house.show("after it")["language"],
        "de",
        "it held up no other"
    );

    let corrected = TempDir::new().expect("a directory");
    let file = corrected.path().join("corrected.json");
    let said = preferences(1, &json!({ "language": "ja" }));
    std::fs::write(&file, said.to_string()).expect("written");
    let file = file.to_str().expect("text");
    let replay = [
        "dead-letters",
        "replay",
        "--topic",
        "preferences",
        "--partition",
        "0",
        "--offset",
        "0",
    ];
    let environment = home.house.environment();
    assert!(
        !inq(&environment, &[&replay[..], &["--yes"]].concat())
            .status
            .success(),
        "it would come back"
    );
    let done = inq(
        &environment,
        &[&replay[..], &["--payload", file, "--yes"]].concat(),
    );
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    home.settled().await;
    home.event("corrected", json!({})).await;
    assert_eq!(home.house.show("corrected")["language"], "ja");
    assert!(service.terminate().await.success());
    home.house.database.drop().await;
}

#[tokio::test]
async fn a_topic_that_is_set_and_missing_is_told_with_the_remedy() {
    let Some(house) = House::fresh().await else { return };
    let house = house
        .with(TOPIC, "no.such.topic")
        .with("INQ_TOPICS__PREFERENCES_DLQ", "no.such.topic.dlq");
    let checked = inq(&house.environment(), &["check", "--json"]);
    let checks: Value = serde_json::from_slice(&checked.stdout).expect("JSON");
    let topics = checks
        .as_array()
        .expect("checks")
        .iter()
        .find(|check| check["what"] == "topics");
    let detail = topics.expect("topics")["detail"].as_str().expect("a detail");
    assert!(detail.contains("no.such.topic, no.such.topic.dlq"), "{detail}");
    house.database.drop().await;
}

#[tokio::test]
async fn an_erasure_whose_time_was_written_in_seconds_is_refused() {
    let Some(home) = Home::fresh().await else { return };
    let service = home.house.run(&[]).await;
    home.event("known", json!({})).await;
    let producer: FutureProducer = home.house.kafka.config().create().expect("a producer");
    let record = FutureRecord::to(&home.preferences)
        .key("42")
        .payload(&b""[..])
        .timestamp(Utc::now().timestamp());
    producer
        .send(record, std::time::Duration::from_secs(10))
        .await
        .expect("sent");
    let letters = home.house.kafka.read_until(&home.dead_letters, 1).await;
    let detail = header(&letters[0], "dlq-detail").expect("a detail");
    assert!(
        detail.contains("user 42 is to be erased as of 1970-01-") && detail.contains("`inq forget 42`"),
        "{detail}"
    );
    home.settled().await;
    let asked = "SELECT COUNT(*) FROM incentive_notify_forgotten";
    assert_eq!(
        home.house.database.count(asked).await,
        0,
        "nothing is said to be done"
    );
    assert!(service.terminate().await.success());
    home.house.database.drop().await;
}
