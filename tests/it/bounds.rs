//! What a flood and a backlog may cost: memory that does not grow with them, and good records that get through.

use serde_json::json;

use crate::heavy;
use crate::household::{House, simple_event};
use crate::inq::eventually;

/// Rows of the large backlog: `INQ_TEST_BACKLOG=1000000` for the real thing, which takes MySQL a minute.
const BACKLOG: &str = "INQ_TEST_BACKLOG";
const SMALL_BACKLOG: u64 = 10_000;
/// What a debug build of the service may come to with queues full of records; each consumer fetches up to 32 MiB ahead.
const FLOODED_MB: u64 = 256;

/// Fills the table with pending rows by doubling.
async fn fill(house: &House, rows: u64) {
    house
        .database
        .execute(
            "INSERT INTO incentive_notify_queue (user_id, incentive_type, notification_type, message_title, message_body, \
             incentive_data, priority, event_id, occurred_at, language) \
             VALUES (42, 'point_earning', 86, 'You earned points', 'Well done.', '{}', 1, UUID(), NOW(3), 'en')",
        )
        .await;
    let mut filled = 1;
    while filled < rows {
        let more = filled.min(rows - filled);
        house
            .database
            .execute(&format!(
                "INSERT INTO incentive_notify_queue (user_id, incentive_type, notification_type, message_title, message_body, \
                 incentive_data, priority, event_id, occurred_at, language) \
                 SELECT user_id, incentive_type, notification_type, message_title, message_body, incentive_data, priority, \
                 UUID(), occurred_at, language FROM incentive_notify_queue LIMIT {more}"
            ))
            .await;
        filled += more;
    }
}

/// The peak of a service that dispatches from a backlog, in MB.
async fn peak_with_backlog(rows: u64) -> Option<u64> {
    const DISPATCHED: i64 = 10_000;
    let house = House::fresh().await?;
    let migrated = crate::inq::inq(&house.environment(), &["migrate"]);
    assert!(migrated.status.success());
    fill(&house, rows).await;
    let service = house.run(&[]).await;
    eventually("a good part is dispatched", async || {
        house
            .database
            .count("SELECT COUNT(*) FROM incentive_notify_queue WHERE status = 'sent'")
            .await
            >= DISPATCHED
    })
    .await;
    let peak = service.peak_megabytes();
    assert!(service.terminate().await.success());
    house.database.drop().await;
    Some(peak)
}

mod thorough {
    #[tokio::test]
    async fn memory_does_not_grow_with_the_backlog() {
        super::memory_does_not_grow_with_the_backlog().await;
    }

    #[tokio::test]
    async fn a_flood_of_events_waits_in_kafka_while_the_database_is_held_up() {
        super::a_flood_of_events_waits_in_kafka_while_the_database_is_held_up().await;
    }
}

async fn memory_does_not_grow_with_the_backlog() {
    let _turn = heavy::turn().await;
    let rows = std::env::var(BACKLOG).map_or(100_000, |rows| rows.parse().expect("a number of rows"));
    let Some(small) = peak_with_backlog(SMALL_BACKLOG).await else {
        return;
    };
    let large = peak_with_backlog(rows).await.expect("servers");
    println!("peak memory: {small} MB with {SMALL_BACKLOG} rows pending, {large} MB with {rows}");
    assert!(large <= small * 6 / 5 + 8, "{small} MB, then {large} MB");
}

async fn a_flood_of_events_waits_in_kafka_while_the_database_is_held_up() {
    const EVENTS: usize = 60_000;
    let Some(house) = House::fresh().await else { return };
    let _turn = heavy::turn().await;
    let service = house.run(&["--only", "ingest,http"]).await;
    let idle = service.peak_megabytes();
    let hold = house.database.hold("incentive_notify_queue").await;
    let filler = "x".repeat(1000);
    let events: Vec<String> = (0..EVENTS)
        .map(|number| {
            json!({
                "event_id": format!("event-{number}"),
                "user_id": number + 1,
                "incentive_type": "streak_reward",
                "scheduled_at": "2099-01-01T00:00:00Z",
                "incentive_data": { "filler": filler },
            })
            .to_string()
        })
        .collect();
    house
        .kafka
        .produce(&house.events, events.iter().map(|event| ("42", event.as_bytes())))
        .await;
    eventually("the partitions are paused", async || {
        service.log().contains("consumption is paused")
    })
    .await;
    hold.release().await;
    eventually("every event has its row", async || {
        house
            .database
            .count("SELECT COUNT(*) FROM incentive_notify_queue")
            .await
            == i64::try_from(EVENTS).expect("a count")
    })
    .await;
    let peak = service.peak_megabytes();
    println!("peak memory: {idle} MB idle, {peak} MB in a flood of {EVENTS} events");
    assert!(peak <= FLOODED_MB, "{peak} MB");
    assert!(!service.log().contains("revoked"), "{}", service.log());
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn poison_without_end_lets_good_events_through() {
    const POISON: usize = 20_000;
    const EVERY: usize = 200;
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    let mut values = Vec::new();
    for number in 0..POISON {
        values.push(format!("{{\"event_id\": \"poison-{number}\""));
        if number % EVERY == 0 {
            values.push(simple_event(&format!("good-{number}")));
        }
    }
    house
        .kafka
        .produce(&house.events, values.iter().map(|value| ("42", value.as_bytes())))
        .await;
    let good = i64::try_from(POISON / EVERY).expect("a count");
    eventually("every good event is delivered", async || {
        house
            .database
            .count("SELECT COUNT(*) FROM incentive_notify_queue WHERE status = 'sent'")
            .await
            == good
    })
    .await;
    let letters = house
        .kafka
        .read_until(&house.kafka.name("events.dlq"), POISON)
        .await;
    assert_eq!(letters.len(), POISON);
    let peak = service.peak_megabytes();
    println!("peak memory: {peak} MB among {POISON} poison records");
    assert!(peak <= FLOODED_MB, "{peak} MB");
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn results_that_are_nonsense_harm_nobody() {
    const KINDS: usize = 6;
    const ROUNDS: usize = 3000;
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    house.send_event(&simple_event("good")).await;
    let request = house.request(1).await;
    let id = request["notification_id"].as_i64().expect("an id");
    let result = |id: i64, attempt: u32, user: i64, status: &str| {
        json!({
            "notification_id": id,
            "attempt": attempt,
            "user_id": user,
            "status": status,
            "occurred_at": "2026-01-31T12:00:00Z",
        })
        .to_string()
    };
    let kinds: [String; KINDS] = [
        "nonsense".to_owned(),
        "[".repeat(200),
        result(id + 1_000_000, 1, 42, "delivered"),
        result(id, 7, 42, "failed"),
        result(id, 1, 43, "delivered"),
        result(id, 1, 42, "exploded"),
    ];
    let mut flood: Vec<&str> = Vec::new();
    for _ in 0..ROUNDS {
        flood.extend(kinds.iter().map(String::as_str));
    }
    let good = result(id, 1, 42, "delivered");
    flood.insert(flood.len() / 2, &good);
    flood.push(&good);
    house
        .kafka
        .produce(&house.results, flood.iter().map(|value| ("42", value.as_bytes())))
        .await;
    eventually("all is read", async || house.behind() == 0).await;
    let row = house.show("good");
    assert_eq!(row["status"], "sent");
    assert!(row["delivered_at"].is_string());
    assert_eq!(row["attempts"], 1);
    let letters = house.kafka.read_all(&house.kafka.name("results.dlq"));
    assert_eq!(letters.len(), KINDS * ROUNDS);
    let peak = service.peak_megabytes();
    println!("peak memory: {peak} MB among {} results", flood.len());
    assert!(peak <= FLOODED_MB, "{peak} MB");
    assert!(service.terminate().await.success());
    house.database.drop().await;
}
