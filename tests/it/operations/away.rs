//! What is away shows in the metrics.

use super::exposition::{read, total};
use crate::household::{House, simple_event};
use crate::inq::{Service, eventually};
use crate::kafka::Kafka;
use crate::proxy::Proxy;
use crate::servers::Database;

/// Whether the part is ready, and how often it was away.
async fn part(service: &Service, name: &str) -> Option<(f64, f64)> {
    let (_, text) = service.get("/metrics").await?;
    let families = read(&text).expect("metrics");
    let of_part = [("part", name)];
    Some((
        total(&families, "inq_ready", &of_part)?,
        total(&families, "inq_outages_total", &of_part)?,
    ))
}

#[tokio::test]
async fn a_database_that_is_away_and_comes_back_shows() {
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::migrated("mysql").await) else {
        return;
    };
    let (before, rest) = database.url.split_once('@').expect("a user");
    let (host, name) = rest.split_once('/').expect("a database");
    let proxy = Proxy::to(host.to_owned()).await;
    let through = format!("{before}@{}/{name}", proxy.address);
    let house = House::on(kafka, database, 1).await.with("DATABASE_URL", &through);
    let service = house.run(&[]).await;
    assert_eq!(part(&service, "database").await, Some((1.0, 0.0)));

    proxy.hold();
    house.send_event(&simple_event("event")).await;
    for name in ["database", "ingest"] {
        eventually("it is away", async || {
            part(&service, name).await == Some((0.0, 1.0))
        })
        .await;
    }
    proxy.let_through();
    for name in ["database", "ingest"] {
        eventually("it is back", async || {
            part(&service, name).await == Some((1.0, 1.0))
        })
        .await;
    }
    assert!(service.terminate().await.success());
    house.database.drop().await;
}
