//! Digests, from the events to the one request.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use rdkafka::Message;
use serde_json::{Value, json};

use crate::household::House;
use crate::inq::{Service, command, eventually, inq};
use crate::kafka::Kafka;
use crate::servers::Database;

fn event(id: &str, user_id: i64, points: Option<u32>) -> String {
    json!({
        "event_id": id, "user_id": user_id, "incentive_type": "point_earning", "timezone": "Asia/Kathmandu",
        "incentive_data": { "points_earned": points },
    })
    .to_string()
}

async fn house() -> Option<House> {
    let (kafka, database) = (Kafka::reached()?, Database::migrated("mysql").await?);
    Some(House::on(kafka, database, 4).await)
}

impl House {
    async fn rows(&self, condition: &str) -> i64 {
        let text = format!("SELECT COUNT(*) FROM incentive_notify_queue WHERE {condition}");
        self.database.count(&text).await
    }

    fn requests(&self) -> Vec<Value> {
        let records = self.kafka.read_all(&self.deliveries);
        records
            .iter()
            .map(|record| serde_json::from_slice(record.payload().expect("a value")).expect("JSON"))
            .collect()
    }
}

#[test]
fn a_preview_tells_how_long_it_would_be_gathered() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let file = directory.path().join("event.json");
    std::fs::write(&file, event("e-1", 42, Some(250))).expect("written");
    let preview = |arguments: &[&str]| {
        let window = ("INQ_DIGEST__WINDOWS__POINT_EARNING", "90m");
        let output = command(&directory, &[window], &[&["preview"], arguments].concat())
            .stdin(std::fs::File::open(&file).expect("opened"))
            .output()
            .expect("inq runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("text")
    };
    let row: Value = serde_json::from_str(&preview(&["--json"])).expect("JSON");
    let detail = &row["history"][0]["detail"];
    assert_eq!(
        (&detail["rule"], &detail["window"], &detail["timezone"]),
        (&json!("digest"), &json!("90m"), &json!("Asia/Kathmandu"))
    );
    let [due, until] = [&row["scheduled_at"], &detail["held_until"]]
        .map(|time| time.as_str().and_then(|text| text.parse::<DateTime<Utc>>().ok()));
    let [due, until] = [due, until].map(|time| time.expect("a time").timestamp_millis());
    assert_eq!(due, until);
    let said = preview(&[]);
    assert!(
        said.contains("\ngathered  for 90m with others of its type, until "),
        "{said}"
    );
    assert!(!said.contains("due       at once"), "{said}");
}

/// A part and its digest name each other, and what was taken out, to whoever asks.
async fn assert_told(house: &House, service: &Service, part: &Value) {
    let digest = part["digest_event_id"].as_str().expect("a digest");
    let words = inq(&house.environment(), &["show", "--event", "part-3"]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(
        words.contains(&format!("is told of by the digest {digest} (notification ")),
        "{words}"
    );
    let words = inq(&house.environment(), &["show", "--event", digest]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(
        words.contains("part-3, 250 points") && words.contains("more is gathered until"),
        "{words}"
    );
    assert!(!words.contains("withdrawn,"), "{words}");
    assert!(
        words.contains("tells of withdrawn no more: cancelled by an event"),
        "{words}"
    );
    let told = house.show(digest);
    let parts = told["parts"].as_array().expect("parts");
    assert_eq!(parts.len(), 9);
    assert_eq!(told["digest"], Value::Null);
    assert_eq!(
        (&part["parts"], &part["digest"]["id"]),
        (&Value::Null, &told["id"])
    );
    for change in ["cancel", "retry"] {
        let refused = inq(&house.environment(), &[change, "--event", "part-3"]);
        let why = String::from_utf8_lossy(&refused.stderr).into_owned();
        let named = format!(
            "the digest {digest} (notification {}) tells of it; {change}",
            told["id"]
        );
        assert!(!refused.status.success() && why.contains(&named), "{why}");
    }
    let path = format!("/v1/notifications/{}", told["id"]);
    let answer = service.ask("GET", &path, &[], "").await.expect("an answer");
    assert_eq!(answer.json(), told, "as `inq show` tells it");
    let path = format!("/v1/notifications/{}/cancel", part["id"]);
    let answer = service.ask("POST", &path, &[], "").await.expect("an answer");
    let why = format!("cancel notification {} for all that it tells of", told["id"]);
    assert!(
        answer.status == 409 && answer.body.contains(&why),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn what_comes_within_the_window_leaves_as_one_request_whoever_stores_it() {
    let Some(house) = house().await else { return };
    let house = house.with("INQ_DIGEST__WINDOWS__POINT_EARNING", "8s");
    let instances = [house.run(&[]).await, house.run(&[]).await];
    let mut events: Vec<_> = (0..9)
        .map(|number| event(&format!("part-{number}"), 42, Some(250)))
        .collect();
    events.push(event("alone", 43, Some(10)));
    events.push(event("withdrawn", 42, Some(1000)));
    house.send_scattered(&events).await;
    eventually("every event is stored, and most are parts", async || {
        house.behind() == 0 && house.rows("status = 'digested'").await == 10
    })
    .await;
    house
        .send_event(r#"{"event_id":"withdrawn","user_id":42,"action":"cancel","reason":"taken back"}"#)
        .await;
    eventually("both have left", async || {
        house.rows("status = 'sent'").await == 2
    })
    .await;

    let alone = house.show("alone");
    assert_eq!(alone["status"], "sent");
    assert_eq!(alone["history"][0]["detail"]["rule"], "digest");
    let part = house.show("part-3");
    assert_eq!(
        (
            &part["status"],
            &part["history"]
                .as_array()
                .expect("a history")
                .last()
                .expect("one")["kind"]
        ),
        (&json!("digested"), &json!("digested"))
    );
    let digest = part["digest_event_id"].as_str().expect("a digest").to_owned();
    assert_eq!(house.show("withdrawn")["status"], "cancelled");

    assert_told(&house, &instances[0], &part).await;

    for instance in instances {
        assert!(instance.terminate().await.success());
    }
    let requests = house.requests();
    let events: BTreeSet<_> = requests
        .iter()
        .map(|request| request["event_id"].as_str())
        .collect();
    assert_eq!(
        events,
        [Some("alone"), Some(digest.as_str())].into(),
        "{requests:?}"
    );
    assert_eq!(requests.len(), 2, "one each");
    let request = requests
        .iter()
        .find(|request| request["event_id"] == *digest)
        .expect("one");
    let data = &request["incentive_data"];
    assert_eq!(
        (&data["points_earned"], &data["digest"]["count"]),
        (&json!(2250), &json!(9))
    );
    assert_eq!(request["message_title"], "You earned 2,250 points!");
    let told: BTreeSet<_> = data["digest"]["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .map(|part| part["event_id"].as_str().expect("an event").to_owned())
        .collect();
    assert_eq!(told, (0..9).map(|number| format!("part-{number}")).collect());
    house.database.drop().await;
}

#[tokio::test]
async fn what_is_over_a_cap_is_gathered_where_the_settings_say_so() {
    let Some(house) = house().await else { return };
    let house = house
        .with("INQ_CAPS__OVER", "digest")
        .with("INQ_CAPS__PER_WINDOW", "2")
        .with("INQ_CAPS__WINDOW", "1h");
    let instances = [house.run(&[]).await, house.run(&[]).await];
    let events: Vec<_> = (0..8)
        .map(|number| event(&format!("event-{number}"), 42, None))
        .collect();
    house.send_scattered(&events).await;
    eventually("two have left, and one waits for all others", async || {
        house.behind() == 0
            && house.rows("status = 'sent'").await == 2
            && house.rows("status = 'digested'").await == 6
            && house.rows("status = 'pending'").await == 1
    })
    .await;
    let parts = (0..8)
        .map(|number| house.show(&format!("event-{number}")))
        .filter(|shown| shown["status"] == "digested");
    let over: Vec<_> = parts
        .filter(|part| {
            part["history"]
                .as_array()
                .expect("a history")
                .iter()
                .any(|entry| entry["detail"]["rule"] == "cap" || entry["detail"]["over"]["rule"] == "cap")
        })
        .collect();
    assert_eq!(over.len(), 6, "each says which cap it was over");
    let digest = over[0]["digest"]["event_id"].as_str().expect("a digest");
    let words = inq(&house.environment(), &["show", "--event", digest]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    let cap = "2 of at most 2 notifications within 1h were taken, a cap of the settings";
    let (first, begun) = (
        words.find("its first part, event-"),
        words.find("begun with the event event-"),
    );
    assert!(
        first.is_some() && begun.is_some() && words.matches(cap).count() == 2,
        "{words}"
    );
    for instance in instances {
        assert!(instance.terminate().await.success());
    }
    house.database.drop().await;
}

/// As the runbook says.
#[tokio::test]
async fn who_dies_or_forgets_the_window_while_gathering_changes_nothing_that_waits() {
    let Some(house) = house().await else { return };
    let window = [("INQ_DIGEST__WINDOWS__POINT_EARNING", "1d")];
    let with_window = [house.environment(), window.to_vec()].concat();
    let dies = Service::ready(&with_window, &["run"]).await;
    house.send_event(&event("trip-1", 42, Some(250))).await;
    eventually("it waits", async || {
        house
            .rows("status = 'pending' AND scheduled_at > UTC_TIMESTAMP()")
            .await
            == 1
    })
    .await;
    dies.kill().await;
    let goes_on = Service::ready(&with_window, &["run"]).await;
    house.send_event(&event("trip-2", 42, Some(500))).await;
    eventually("the other goes on with it", async || {
        house.rows("status = 'digested'").await == 2
    })
    .await;
    assert!(goes_on.terminate().await.success());

    let forgot = house.run(&[]).await;
    house.send_event(&event("trip-3", 42, Some(10))).await;
    assert_eq!(house.request(1).await["event_id"], "trip-3");
    let shown = house.show("trip-1");
    let digest = shown["digest_event_id"].as_str().expect("a digest");
    assert_eq!(house.show(digest)["status"], "pending");

    for order in ["cancel", "retry"] {
        let done = inq(&house.environment(), &[order, "--event", digest]);
        assert!(done.status.success(), "{done:?}");
    }
    let request = house.request(2).await;
    assert_eq!(request["event_id"], digest);
    assert_eq!(
        (
            &request["incentive_data"]["points_earned"],
            &request["incentive_data"]["digest"]["count"]
        ),
        (&json!(750), &json!(2))
    );
    assert!(forgot.terminate().await.success());
    assert_eq!(house.requests().len(), 2);
    house.database.drop().await;
}

#[tokio::test]
async fn what_names_a_time_of_its_own_waits_for_nobody() {
    let Some(house) = house().await else { return };
    let house = house.with("INQ_DIGEST__WINDOWS__POINT_EARNING", "1d");
    let instance = house.run(&[]).await;
    let own = |id: &str, name: &str, value: Value| {
        let mut event: Value = serde_json::from_str(&event(id, 42, None)).expect("JSON");
        event[name] = value;
        event.to_string()
    };
    house
        .send_event(&own("expires", "expires_at", json!("2099-01-01T00:00:00Z")))
        .await;
    house.send_event(&own("urgent", "priority", json!(3))).await;
    house
        .send_event(&own("other", "incentive_type", json!("streak_reward")))
        .await;
    house.send_event(&event("waits", 42, None)).await;
    eventually("three have left, and one waits", async || {
        house.rows("status = 'sent'").await == 3 && house.rows("status = 'pending'").await == 1
    })
    .await;
    assert_eq!(house.show("waits")["history"][0]["detail"]["window"], "1d");
    assert!(instance.terminate().await.success());
    house.database.drop().await;
}
