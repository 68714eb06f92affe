//! Caps, from the event to the reader.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, NaiveDate, Timelike, Utc};
use chrono_tz::Tz;
use inq::contract::Preference;
use inq::store;
use serde_json::{Value, json};

use crate::household::House;
use crate::inq::{eventually, inq};
use crate::kafka::Kafka;
use crate::servers::Database;

/// Where it is about noon, so that no midnight comes in between.
fn noon_zone() -> Tz {
    let east = 12 - i64::from(Utc::now().hour());
    let name = match east {
        0 => "Etc/GMT".to_owned(),
        1.. => format!("Etc/GMT-{east}"),
        _ => format!("Etc/GMT+{}", -east),
    };
    name.parse().expect("a zone")
}

fn event(id: &str, zone: Tz, more: &Value) -> String {
    let mut event = json!({
        "event_id": id, "user_id": 42, "incentive_type": "point_earning", "timezone": zone.name(),
    });
    for (name, value) in more.as_object().expect("an object") {
        event[name] = value.clone();
    }
    event.to_string()
}

async fn house(over: &str) -> Option<House> {
    let (kafka, database) = (Kafka::reached()?, Database::migrated("mysql").await?);
    let house = House::on(kafka, database, 4).await;
    Some(house.with("INQ_CAPS__PER_DAY", "2").with("INQ_CAPS__OVER", over))
}

#[tokio::test]
async fn what_is_over_waits_for_the_readers_next_day_whoever_stores_it() {
    let Some(house) = house("wait").await else { return };
    let zone = noon_zone();
    let instances = [house.run(&[]).await, house.run(&[]).await];
    let names: Vec<_> = (0..10).map(|number| format!("event-{number}")).collect();
    let events: Vec<_> = names.iter().map(|id| event(id, zone, &json!({}))).collect();
    house.send_scattered(&events).await;
    eventually("every event is stored", async || {
        house.behind() == 0
            && house
                .database
                .count("SELECT COUNT(*) FROM incentive_notify_queue")
                .await
                == 10
    })
    .await;
    house
        .send_event(&event("urgent", zone, &json!({ "priority": 4 })))
        .await;
    eventually("what is not over has left", async || {
        house
            .database
            .count("SELECT COUNT(*) FROM incentive_notify_queue WHERE status = 'sent'")
            .await
            == 3
    })
    .await;
    assert_eq!(house.show("urgent")["history"], json!([]));

    let today = Utc::now().with_timezone(&zone).date_naive();
    let mut of_day: BTreeMap<NaiveDate, usize> = BTreeMap::new();
    let mut last = None;
    for name in &names {
        let shown = house.show(name);
        let due: DateTime<Utc> = shown["scheduled_at"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a time");
        *of_day.entry(due.with_timezone(&zone).date_naive()).or_default() += 1;
        if shown["status"] == "pending" {
            let detail = &shown["history"][0]["detail"];
            assert_eq!(shown["history"].as_array().expect("a history").len(), 1);
            assert_eq!(
                (&detail["rule"], &detail["limit"], &detail["timezone"]),
                (&json!("cap"), &json!(2), &json!(zone.name()))
            );
            assert_eq!(detail["held_until"], shown["scheduled_at"]);
            last = Some((name, detail["held_until_local"].clone()));
        }
    }
    let days: BTreeMap<_, _> = (0..5).map(|day| (today + Duration::days(day), 2)).collect();
    assert_eq!(of_day, days);
    let (name, local) = last.expect("one that waits");
    let words = inq(&house.environment(), &["show", "--event", name]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    let expected = format!(
        " until {} in {}): 2 of at most 2 notifications of the day in {} were taken, a cap of the settings",
        local.as_str().expect("a time"),
        zone.name(),
        zone.name()
    );
    assert!(words.contains(&expected), "{words}");
    for instance in instances {
        assert!(instance.terminate().await.success());
    }
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 3);
    house.database.drop().await;
}

#[tokio::test]
async fn what_is_over_is_suppressed_where_the_settings_say_so() {
    let Some(house) = house("drop").await else { return };
    let zone = noon_zone();
    let instances = [house.run(&[]).await, house.run(&[]).await];
    let events: Vec<_> = (0..6)
        .map(|number| event(&format!("event-{number}"), zone, &json!({})))
        .collect();
    house.send_scattered(&events).await;
    let count = async |status: &str| {
        let text = format!("SELECT COUNT(*) FROM incentive_notify_queue WHERE status = '{status}'");
        house.database.count(&text).await
    };
    eventually("two have left, and the others never do", async || {
        count("sent").await == 2 && count("suppressed").await == 4
    })
    .await;
    let suppressed = (0..6)
        .map(|number| house.show(&format!("event-{number}")))
        .find(|shown| shown["status"] == "suppressed")
        .expect("one");
    assert_eq!(suppressed["history"][0]["kind"], "suppressed");
    assert_eq!(suppressed["history"][0]["detail"]["rule"], "cap");
    for instance in instances {
        assert!(instance.terminate().await.success());
    }
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), 2);
    house.database.drop().await;
}

#[tokio::test]
async fn a_reader_of_a_segment_has_its_caps_and_is_told_so() {
    let Some(house) = house("drop").await else { return };
    let house = house.with("INQ_CAPS__SEGMENTS__VIP", "3 per day");
    let zone = noon_zone();
    let store = store::open(&house.database.url, 2).expect("a store");
    store.migrate().await.expect("migrated");
    let vip = br#"{"user_id":42,"segments":["others","vip"],"updated_at":"2026-01-31T12:00:00Z"}"#;
    let vip = Preference::decode(Some(vip), 1000).expect("a preference");
    store.change_preferences(&[vip.into()]).await.expect("changed");
    store.close().await;
    let instances = [house.run(&[]).await, house.run(&[]).await];
    let of = |user: i64, count: usize| -> Vec<String> {
        (0..count)
            .map(|number| event(&format!("{user}-{number}"), zone, &json!({ "user_id": user })))
            .collect()
    };
    house.send_scattered(&[of(42, 5), of(43, 4)].concat()).await;
    let count = async |status: &str, user: i64| {
        let text = format!(
            "SELECT COUNT(*) FROM incentive_notify_queue WHERE status = '{status}' AND user_id = {user}"
        );
        house.database.count(&text).await
    };
    eventually("three have left for the one, two for the other", async || {
        count("sent", 42).await == 3
            && count("suppressed", 42).await == 2
            && count("sent", 43).await == 2
            && count("suppressed", 43).await == 2
    })
    .await;
    let suppressed = |user: i64, events: usize| {
        (0..events)
            .map(|number| house.show(&format!("{user}-{number}")))
            .find(|shown| shown["status"] == "suppressed")
            .expect("one")
    };
    let shown = suppressed(42, 5);
    let detail = &shown["history"][0]["detail"];
    assert_eq!(
        (&detail["of"], &detail["segment"], &detail["limit"]),
        (&json!("segment"), &json!("vip"), &json!(3))
    );
    let words = inq(&house.environment(), &["show", &shown["id"].to_string()]);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.contains("were taken, a cap of the segment vip"), "{words}");
    let detail = suppressed(43, 4)["history"][0]["detail"].clone();
    assert_eq!(
        (&detail["of"], &detail["segment"], &detail["limit"]),
        (&json!("settings"), &Value::Null, &json!(2))
    );
    for instance in instances {
        assert!(instance.terminate().await.success());
    }
    house.database.drop().await;
}
