//! SIGTERM ends a service within `shutdown_timeout`, whatever it is doing.

use std::time::{Duration, Instant};

use crate::household::House;
use crate::inq::{Service, eventually};
use crate::kafka::Kafka;
use crate::proxy::Proxy;
use crate::servers::{Database, server_url};

/// What it may take to start the end and to go, beyond `shutdown_timeout`, on a busy machine.
const MARGIN: Duration = Duration::from_secs(5);

/// It ends well, and within that time.
pub async fn ends_in_time(service: Service, shutdown_timeout: Duration) {
    let begun = Instant::now();
    let ended = service.terminate().await;
    assert!(ended.success(), "{ended}");
    assert!(
        begun.elapsed() < shutdown_timeout + MARGIN,
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn under_load_it_leaves_nothing_half_done() {
    const EVENTS: usize = 5000;
    let Some(house) = House::fresh().await else { return };
    let events: Vec<String> = (0..EVENTS)
        .map(|number| crate::household::simple_event(&format!("event-{number}")))
        .collect();
    house
        .kafka
        .produce(&house.events, events.iter().map(|event| ("42", event.as_bytes())))
        .await;
    let service = house.run(&[]).await;
    eventually("it is at work", async || {
        !house.kafka.read_all(&house.deliveries).is_empty()
    })
    .await;
    ends_in_time(service, Duration::from_secs(10)).await;
    for (what, statement) in [
        ("claims", "SELECT COUNT(*) FROM incentive_notify_claims"),
        (
            "rows in hand",
            "SELECT COUNT(*) FROM incentive_notify_queue WHERE status = 'processing'",
        ),
    ] {
        assert_eq!(house.database.count(statement).await, 0, "{what}");
    }
    let sent = "SELECT COUNT(*) FROM incentive_notify_queue WHERE status = 'sent'";
    let sent = usize::try_from(house.database.count(sent).await).expect("a count");
    assert_eq!(house.kafka.read_all(&house.deliveries).len(), sent);
    house.database.drop().await;
}

#[tokio::test]
async fn a_database_that_holds_its_answers_back_is_not_waited_for() {
    let (Some(kafka), Some(url), Some(database)) = (
        Kafka::reached(),
        server_url("mysql"),
        Database::migrated("mysql").await,
    ) else {
        return;
    };
    let (before, rest) = database.url.split_once('@').expect("a user");
    let (host, name) = rest.split_once('/').expect("a database");
    assert!(url.contains(host));
    let proxy = Proxy::to(host.to_owned()).await;
    let through = format!("{before}@{}/{name}", proxy.address);
    let house = House::on(kafka, database, 1)
        .await
        .with("DATABASE_URL", &through)
        .with("INQ_SHUTDOWN_TIMEOUT", "2s");
    let service = house.run(&[]).await;
    proxy.hold();
    house.send_event(&crate::household::simple_event("event")).await;
    eventually("the database's silence is noticed", async || {
        service
            .get("/readyz")
            .await
            .is_some_and(|(status, _)| status == 503)
    })
    .await;
    ends_in_time(service, Duration::from_secs(2)).await;
    // And one that never got as far as that.
    let service = Service::start(&house.environment(), &["run"]);
    eventually("it has begun", async || service.get("/healthz").await.is_some()).await;
    ends_in_time(service, Duration::from_secs(2)).await;
    house.database.drop().await;
}
