//! What results teach, and what then becomes of an event with a window.

use chrono::{DateTime, Duration, Timelike, Utc};
use chrono_tz::Asia::Kathmandu;
use serde_json::{Value, json};

use crate::household::{House, simple_event, text};
use crate::inq::{eventually, inq};

fn local_hour(at: DateTime<Utc>) -> u32 {
    at.with_timezone(&Kathmandu).hour()
}

fn moment(text: &Value) -> DateTime<Utc> {
    text.as_str().and_then(|at| at.parse().ok()).expect("a time")
}

/// From now on for a day.
fn window() -> Value {
    let now = Utc::now();
    json!({ "from": text(now), "to": text(now + Duration::hours(24)) })
}

fn with_window(id: &str) -> String {
    let mut event: Value = serde_json::from_str(&simple_event(id)).expect("JSON");
    event["deliver_between"] = window();
    event.to_string()
}

#[tokio::test]
async fn an_event_with_a_window_is_due_in_the_hour_that_results_have_taught() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    house.send_event(&with_window("unknown")).await;
    eventually("where nothing is known it leaves at once", async || {
        house.show("unknown")["status"] == "sent"
    })
    .await;
    let detail = house.show("unknown")["history"][0]["detail"].clone();
    assert_eq!(
        (&detail["rule"], &detail["of"]),
        (&json!("best_time"), &json!("nothing"))
    );

    for event in ["a", "b"] {
        house.send_event(&simple_event(event)).await;
    }
    // Nineteen hours ago, which is the hour that comes in five; a click is no second opening.
    let opened_at = Utc::now() - Duration::hours(19);
    let opened = json!({ "occurred_at": text(opened_at), "user_timezone": "Asia/Kathmandu" });
    for number in 1..=3 {
        let request = house.request(number).await;
        for status in ["delivered", "opened", "clicked"] {
            house.send_result(&request, status, opened.clone()).await;
        }
    }
    eventually("the results are applied", async || {
        ["unknown", "a", "b"]
            .iter()
            .all(|event| house.show(event)["clicked_at"].is_string())
    })
    .await;

    house.send_event(&with_window("known")).await;
    eventually("it is stored", async || {
        inq(&house.environment(), &["show", "--event", "known"])
            .status
            .success()
    })
    .await;
    let shown = house.show("known");
    assert_eq!(shown["status"], "pending", "{shown}");
    let due = moment(&shown["scheduled_at"]);
    assert_eq!(local_hour(due), local_hour(opened_at), "{shown}");
    let history = shown["history"].as_array().expect("a history");
    assert_eq!((history.len(), &history[0]["kind"]), (1, &json!("held")));
    let detail = &history[0]["detail"];
    for (name, value) in [
        ("of", json!("own")),
        ("timezone", json!("Asia/Kathmandu")),
        ("hour", json!(local_hour(opened_at))),
        ("openings", json!(2.9)),
        ("of_openings", json!(2.9)),
        ("held_until", shown["scheduled_at"].clone()),
    ] {
        assert_eq!(detail[name], value, "{name} of {detail}");
    }
    let words = inq(&house.environment(), &["show", "--event", "known"]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    let said = |name: &str| detail[name].as_str().expect("a time");
    let expected = format!(
        "due at {} ({} in Asia/Kathmandu), in the hour from {:02}:00 in Asia/Kathmandu, for of its window, {} to {} ({} to {} in \
         Asia/Kathmandu), it is when this reader opens most (2.9 of 2.9 openings within three hours)",
        text(due),
        said("held_until_local"),
        local_hour(opened_at),
        said("from"),
        said("to"),
        said("from_local"),
        said("to_local"),
    );
    assert!(words.contains(&expected), "{words}\nlacks\n{expected}");

    // At that hour.
    house
        .database
        .execute("UPDATE incentive_notify_queue SET scheduled_at = UTC_TIMESTAMP(3) WHERE event_id = 'known'")
        .await;
    eventually("it leaves", async || house.show("known")["status"] == "sent").await;
    assert!(service.terminate().await.success());
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 4);
    house.database.drop().await;
}

#[tokio::test]
async fn where_nothing_is_to_be_learned_nothing_is_kept() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_BEST_TIME__HALF_LIFE", "0s");
    let service = house.run(&[]).await;
    house.send_event(&simple_event("a")).await;
    let request = house.request(1).await;
    house.send_result(&request, "opened", json!({})).await;
    eventually("the result is applied", async || {
        house.show("a")["opened_at"].is_string()
    })
    .await;
    let store = inq::store::open(&house.database.url, 1).expect("a store");
    assert_eq!(
        store.habits(&[42]).await.expect("habits"),
        inq::store::Habits::default()
    );
    store.close().await;
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

/// What `inq preview --json` says of an event, with these settings.
fn preview(event: &str, environment: &[(&str, &str)]) -> Value {
    let directory = tempfile::TempDir::new().expect("a directory");
    let file = directory.path().join("event.json");
    std::fs::write(&file, event).expect("written");
    let preview = crate::inq::command(&directory, environment, &["preview", "--json"])
        .stdin(std::fs::File::open(&file).expect("opened"))
        .output()
        .expect("inq runs");
    serde_json::from_slice(&preview.stdout).expect("JSON")
}

#[test]
fn a_window_that_is_all_quiet_is_left_to_the_quiet_hours() {
    let now = Utc::now();
    let clock = |hours: i64| (now + Duration::hours(hours)).format("%H:%M").to_string();
    let mut event: Value = serde_json::from_str(&simple_event("e-1")).expect("JSON");
    event["deliver_between"] =
        json!({ "from": text(now + Duration::hours(2)), "to": text(now + Duration::hours(4)) });
    let hours = format!("{}-{}", clock(1), clock(6));
    let row = preview(&event.to_string(), &[("INQ_QUIET__HOURS", &hours)]);
    let rules: Vec<_> = [0, 1]
        .map(|entry| row["history"][entry]["detail"]["rule"].clone())
        .into();
    assert_eq!(rules, ["best_time", "quiet_hours"]);
    assert_eq!(row["history"][0]["detail"]["of"], "quiet");
    assert_eq!(
        moment(&row["scheduled_at"]),
        moment(&row["history"][1]["detail"]["held_until"])
    );

    // What begins quiet has its first moment at their end.
    let hours = format!("{}-{}", clock(1), clock(3));
    let row = preview(&event.to_string(), &[("INQ_QUIET__HOURS", &hours)]);
    let detail = &row["history"][0]["detail"];
    assert_eq!(
        (&detail["of"], &row["history"][1]),
        (&json!("nothing"), &Value::Null)
    );
    let due = moment(&row["scheduled_at"]);
    assert_eq!(due.format("%H:%M:%S").to_string(), format!("{}:00", clock(3)));
}
