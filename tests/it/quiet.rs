//! Quiet hours, from the event to the reader.

use chrono::{DateTime, Duration, DurationRound, Utc};
use chrono_tz::Asia::Kathmandu;
use serde_json::json;

use crate::household::{House, text};
use crate::inq::{eventually, inq};

/// Quiet hours that have begun an hour ago in Kathmandu, and when they end.
fn around_now() -> (String, DateTime<Utc>) {
    let minute = Utc::now().duration_trunc(Duration::minutes(1)).expect("a minute");
    let clock = |at: DateTime<Utc>| at.with_timezone(&Kathmandu).format("%H:%M").to_string();
    let end = minute + Duration::hours(2);
    (
        format!("{}-{}", clock(minute - Duration::hours(1)), clock(end)),
        end,
    )
}

/// As the clock in Kathmandu shows it.
fn local(at: DateTime<Utc>) -> String {
    at.with_timezone(&Kathmandu).format("%Y-%m-%d %H:%M").to_string()
}

fn event(id: &str, kind: &str, priority: u8) -> String {
    json!({
        "event_id": id,
        "user_id": 42,
        "incentive_type": kind,
        "priority": priority,
        "timezone": "Asia/Kathmandu",
    })
    .to_string()
}

#[tokio::test]
async fn what_would_leave_in_quiet_hours_is_held_and_then_leaves() {
    let Some(house) = House::fresh().await else { return };
    let (hours, end) = around_now();
    let house = house
        .with("INQ_QUIET__HOURS", &hours)
        .with("INQ_QUIET__TYPES__POINT_EARNING", "none");
    let service = house.run(&[]).await;
    let held = event("held", "streak_reward", 1);
    for event in [
        &held,
        &held,
        &event("urgent", "streak_reward", 3),
        &event("other type", "point_earning", 0),
    ] {
        house.send_event(event).await;
    }
    for event in ["urgent", "other type"] {
        eventually("what is not held has left", async || {
            house.show(event)["status"] == "sent"
        })
        .await;
        assert_eq!(house.show(event)["history"], json!([]));
    }

    let shown = house.show("held");
    assert_eq!(shown["status"], "pending");
    assert_eq!(shown["scheduled_at"], text(end));
    let history = shown["history"].as_array().expect("a history");
    assert_eq!(history.len(), 1, "{history:?}");
    assert_eq!(history[0]["kind"], "held");
    let detail = &history[0]["detail"];
    assert_eq!(
        (&detail["rule"], &detail["timezone"]),
        (&json!("quiet_hours"), &json!("Asia/Kathmandu"))
    );
    assert_eq!(detail["held_until"], text(end));
    let words = inq(&house.environment(), &["show", "--event", "held"]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    let expected = format!(
        " until {} in Asia/Kathmandu): {} are quiet hours of the settings in Asia/Kathmandu",
        local(end),
        hours.replace('-', " to ")
    );
    assert!(words.contains(&expected), "{words}");
    let waits = format!("waits until {} ({} in Asia/Kathmandu)", text(end), local(end));
    assert!(words.contains(&waits), "{words}");
    assert_eq!(shown["standing"], waits);
    assert_eq!(
        (
            &detail["held_until_local"],
            &shown["scheduled_at_local"],
            &shown["reader_timezone"]
        ),
        (&json!(local(end)), &json!(local(end)), &json!("Asia/Kathmandu"))
    );

    // Two hours later.
    house
        .database
        .execute("UPDATE incentive_notify_queue SET scheduled_at = UTC_TIMESTAMP(3) WHERE event_id = 'held'")
        .await;
    eventually("it leaves", async || house.show("held")["status"] == "sent").await;
    assert!(service.terminate().await.success());
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 3);
    house.database.drop().await;
}

#[tokio::test]
async fn another_attempt_is_held_too() {
    let Some(house) = House::fresh().await else { return };
    // They have not begun, and will have when the attempt would be due.
    let clock = |away: i64| (Utc::now() + Duration::minutes(away)).format("%H:%M").to_string();
    let house = house
        .with("INQ_QUIET__HOURS", &format!("{}-{}", clock(20), clock(-10)))
        .with("INQ_RETRY__INITIAL", "30m")
        .with("INQ_RETRY__JITTER", "0");
    let service = house.run(&[]).await;
    house
        .send_event(
            &json!({ "event_id": "failed", "user_id": 42, "incentive_type": "streak_reward" }).to_string(),
        )
        .await;
    let request = house.request(1).await;
    house.send_result(&request, "failed", json!({})).await;
    eventually("the failure is known", async || {
        house.show("failed")["status"] == "pending"
    })
    .await;
    let shown = house.show("failed");
    let detail = &shown["history"][0]["detail"];
    assert_eq!(detail["held"]["rule"], "quiet_hours", "{shown}");
    assert_eq!(detail["retry_at"], shown["scheduled_at"]);
    assert_eq!(detail["held"]["held_until"], shown["scheduled_at"]);
    let words = inq(&house.environment(), &["show", "--event", "failed"]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains(", held from "), "{words}");
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_preview_tells_until_when_it_would_be_held() {
    let (hours, end) = around_now();
    let directory = tempfile::TempDir::new().expect("a directory");
    let file = directory.path().join("event.json");
    std::fs::write(&file, event("e-1", "streak_reward", 1)).expect("written");
    let preview = crate::inq::command(
        &directory,
        &[("INQ_QUIET__HOURS", &hours)],
        &["preview", "--json"],
    )
    .stdin(std::fs::File::open(&file).expect("opened"))
    .output()
    .expect("inq runs");
    let row: serde_json::Value = serde_json::from_slice(&preview.stdout).expect("JSON");
    assert_eq!(row["history"][0]["detail"]["held_until"], text(end));
}
