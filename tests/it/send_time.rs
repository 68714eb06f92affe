//! What is true when a notification is sent counts, and by whose clock its time was planned.

use chrono::{Duration, Utc};
use serde_json::json;

use crate::household::{House, text};
use crate::inq::eventually;

/// Makes the instance's clock ten minutes ahead of the database's.
pub const CLOCK_IS_BEHIND: &str = "store::clock_is_behind";

#[tokio::test]
async fn who_opts_out_while_a_notification_waits_is_not_notified() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_DISPATCH__RECHECK_AFTER", "0s");
    let service = house.run(&[]).await;
    let event = |id: &str, kind: &str| {
        let scheduled_at = text(Utc::now() + Duration::seconds(3));
        json!({ "event_id": id, "user_id": 42, "incentive_type": kind, "scheduled_at": scheduled_at })
            .to_string()
    };
    house.send_event(&event("unwanted", "streak_reward")).await;
    house.send_event(&event("wanted", "point_earning")).await;
    eventually("both wait", async || {
        let waiting = "SELECT COUNT(*) FROM incentive_notify_queue WHERE status = 'pending'";
        house.database.count(waiting).await == 2
    })
    .await;
    let said = json!({
        "user_id": 42, "updated_at": "2026-01-31T12:00:00.000Z", "opted_out_types": ["streak_reward"],
    });
    house
        .database
        .execute(&format!(
            "INSERT INTO user_preferences (user_id, updated_at, preference) VALUES (42, UTC_TIMESTAMP(3), '{said}')"
        ))
        .await;
    let requests = house.kafka.read_until(&house.deliveries, 1).await;
    assert_eq!(crate::kafka::json(&requests[0])["event_id"], "wanted");
    let counted = "SELECT COUNT(*) FROM incentive_notify_queue WHERE status = 'suppressed'";
    eventually("the other is suppressed", async || {
        house.database.count(counted).await == 1
    })
    .await;
    let told = house.show_text("unwanted");
    let why = "not to be sent: the user has opted out of such notifications (preferences of 2026-01-31T12:00:00.000Z) \
               (evaluated right before publishing)";
    assert!(told.contains(why), "{told}");
    assert!(service.terminate().await.success());
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 1);
    house.database.drop().await;
}

/// As where the clock of the instance is ten minutes ahead.
#[cfg(feature = "failpoints")]
#[tokio::test]
async fn an_instance_whose_clock_is_ahead_plans_by_the_clock_of_the_database() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("FAILPOINTS", &format!("{CLOCK_IS_BEHIND}=return"));
    let service = house.run(&[]).await;
    // By the database's clock it is yet to come.
    let from = Utc::now() - Duration::minutes(5);
    let window = json!({ "from": text(from), "to": text(from + Duration::hours(2)) });
    let event = json!({
        "event_id": "planned", "user_id": 42, "incentive_type": "streak_reward", "deliver_between": window,
    });
    house.send_event(&event.to_string()).await;
    house.kafka.read_until(&house.deliveries, 1).await;
    let shown = house.show("planned");
    assert_eq!(shown["scheduled_at"], text(from), "{shown}");
    assert!(service.terminate().await.success());
    house.database.drop().await;
}
