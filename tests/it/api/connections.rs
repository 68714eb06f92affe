//! Many connections, slow ones, and a database that is away: health answers, and the pipeline goes on.

use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::Api;
use crate::household::{House, simple_event};
use crate::inq::{Service, eventually};
use crate::kafka::Kafka;
use crate::proxy::Proxy;
use crate::servers::Database;

/// What a service holds at once.
const MOST: usize = 256;
/// What a request may take, with a margin for a busy machine.
const LONGEST: Duration = Duration::from_secs(45);

/// Whether the other side has closed it.
async fn is_closed(stream: &mut TcpStream) -> bool {
    let mut byte = [0];
    let read = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut byte)).await;
    matches!(read, Ok(Ok(0) | Err(_)))
}

#[tokio::test]
async fn those_who_only_hold_connections_keep_nobody_out() {
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    let mut held = Vec::new();
    for number in 0..2 * MOST {
        let mut stream = service.connect().await.expect("a connection");
        match number % 3 {
            // Says nothing; begins a request and never ends it; has been answered and stays.
            0 => {}
            1 => stream.write_all(b"GET /hea").await.expect("written"),
            _ => {
                let request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
                // It may have had to go before it came to that.
                let _gone = stream.write_all(request).await;
            }
        }
        held.push(stream);
        if number % 50 == 0 {
            assert_eq!(service.get("/healthz").await.map(|(status, _)| status), Some(200));
        }
    }
    assert_eq!(service.get("/readyz").await.map(|(status, _)| status), Some(200));
    house.send_event(&simple_event("meanwhile")).await;
    house.request(1).await;
    // Those that are still to be taken are counted, too.
    eventually("few are kept", async || {
        open_connections(&service.address()) <= MOST
    })
    .await;

    eventually("those that wait are closed", async || {
        let mut open = 0;
        for stream in &mut held {
            // What was answered before the end is read first.
            open += usize::from(!is_closed(stream).await);
        }
        open == 0
    })
    .await;
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn ten_thousand_connections_cost_a_bounded_number_and_little_memory() {
    const MANY: usize = 10_000;
    /// In MB: the most connections that are kept have 64 KiB of header each at most, and these say nothing.
    const MEMORY: u64 = 64;
    if !may_open(
        MANY + 2000,
        "api::connections::ten_thousand_connections_cost_a_bounded_number_and_little_memory",
    ) {
        return;
    }
    let Some(house) = House::fresh().await else { return };
    let service = house.run(&[]).await;
    let before = service.peak_megabytes();
    let mut held = Vec::with_capacity(MANY);
    for number in 0..MANY {
        held.push(service.connect().await.expect("a connection"));
        if number % 1000 == 0 {
            assert_eq!(service.get("/healthz").await.map(|(status, _)| status), Some(200));
        }
    }
    house.send_event(&simple_event("meanwhile")).await;
    house.request(1).await;
    for path in ["/healthz", "/readyz", "/v1/status"] {
        assert_eq!(
            service.get(path).await.map(|(status, _)| status),
            Some(200),
            "{path}"
        );
    }
    // Those that are still to be taken are counted, too.
    eventually("few are kept", async || {
        open_connections(&service.address()) <= MOST
    })
    .await;
    let grown = service.peak_megabytes() - before;
    println!("{MANY} connections took {grown} MB");
    assert!(grown < MEMORY, "{grown} MB");
    drop(held);
    assert_eq!(
        service.get("/v1/status").await.map(|(status, _)| status),
        Some(200)
    );
    assert!(service.terminate().await.success());
    house.database.drop().await;
}

/// Whether this process may have so many files open. Where it may not, the test is done in one that may, and is over here.
fn may_open(files: usize, test: &str) -> bool {
    let limits = std::fs::read_to_string("/proc/self/limits").expect("limits");
    let line = limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"));
    let mut allowed = line
        .expect("a limit")
        .split_whitespace()
        .map(|limit| limit.parse().unwrap_or(usize::MAX));
    let (soft, hard) = (allowed.next().expect("a limit"), allowed.next().expect("a limit"));
    if soft >= files {
        return true;
    }
    if hard < files {
        println!("skipped: no process may open {files} files here, only {hard}");
        return false;
    }
    let ended = std::process::Command::new("bash")
        .args(["-c", "ulimit -n \"$1\" && exec \"$0\" --exact \"$2\" --nocapture"])
        .arg(std::env::current_exe().expect("this program"))
        .args([&files.to_string(), test])
        .status()
        .expect("bash runs");
    assert!(ended.success(), "{test} has failed with {files} files");
    false
}

/// Connections that the service holds, as the kernel counts them.
fn open_connections(address: &str) -> usize {
    let port = address.rsplit(':').next().expect("a port");
    let local = format!("0100007F:{:04X}", port.parse::<u16>().expect("a port"));
    let table = std::fs::read_to_string("/proc/net/tcp").expect("a table");
    table
        .lines()
        .filter(|line| {
            let mut columns = line.split_whitespace().skip(1);
            columns.next() == Some(&local) && columns.nth(1) == Some("01")
        })
        .count()
}

#[tokio::test]
async fn a_stop_waits_for_nobody_who_only_holds_a_connection() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_SHUTDOWN_TIMEOUT", "60s");
    let service = house.run(&[]).await;
    let mut silent = service.connect().await.expect("a connection");
    let mut slow = service.connect().await.expect("a connection");
    slow.write_all(b"GET /healthz HTT").await.expect("written");
    let begun = Instant::now();
    assert!(service.terminate().await.success());
    assert!(begun.elapsed() < Duration::from_secs(45), "{:?}", begun.elapsed());
    assert!(is_closed(&mut silent).await && is_closed(&mut slow).await);
    house.database.drop().await;
}

#[tokio::test]
async fn a_database_that_was_never_reached_is_told_by_all_but_health() {
    let unreachable = [
        ("DATABASE_URL", "mysql://inq:secret@127.0.0.1:1/inq"),
        ("KAFKA_BROKERS", "127.0.0.1:1"),
    ];
    let service = Service::start(&unreachable, &["run"]);
    eventually("it has begun", async || service.get("/healthz").await.is_some()).await;
    let api = Api::of(service).await;
    assert_eq!(api.get("/healthz").await.status, 200);
    assert_eq!(api.get("/readyz").await.status, 503);
    for path in ["/v1/notifications/1", "/v1/notifications", "/v1/engagement"] {
        let away = api.get(path).await;
        assert_eq!(away.status, 503, "{path}");
        assert_eq!(away.header("retry-after"), Some("5"));
        assert!(!away.body.contains("secret"), "{}", away.body);
    }
    assert!(api.service.terminate().await.success());
}

#[tokio::test]
async fn a_database_that_is_known_to_be_away_is_not_waited_for() {
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::migrated("mysql").await) else {
        return;
    };
    let (before, rest) = database.url.split_once('@').expect("a user");
    let (host, name) = rest.split_once('/').expect("a database");
    let proxy = Proxy::to(host.to_owned()).await;
    let through = format!("{before}@{}/{name}", proxy.address);
    let house = House::on(kafka, database, 1)
        .await
        .with("DATABASE_URL", &through)
        .with("INQ_SHUTDOWN_TIMEOUT", "2s");
    let api = Api::of(house.run(&[]).await).await;
    assert_eq!(api.get("/v1/notifications").await.status, 200);
    proxy.cut();
    eventually("it is known to be away", async || {
        api.get("/readyz").await.json()["parts"]["database"]["ready"] == false
    })
    .await;
    for path in [
        "/v1/notifications",
        "/v1/notifications/1",
        "/v1/status",
        "/v1/engagement",
    ] {
        let away = api.get(path).await;
        assert_eq!(away.status, 503, "{path}");
        assert_eq!(away.header("retry-after"), Some("5"), "{path}");
        // What has waited for a connection, or for an answer, says so instead.
        assert!(
            away.body.contains("/readyz says when it is over"),
            "{}",
            away.body
        );
    }
    proxy.let_through();
    eventually("it answers again", async || {
        api.get("/v1/notifications").await.status == 200
    })
    .await;
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_database_that_holds_its_answers_back_keeps_nobody_waiting_for_long() {
    const ASKED: usize = 100;
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::migrated("mysql").await) else {
        return;
    };
    let (before, rest) = database.url.split_once('@').expect("a user");
    let (host, name) = rest.split_once('/').expect("a database");
    let proxy = Proxy::to(host.to_owned()).await;
    let through = format!("{before}@{}/{name}", proxy.address);
    let house = House::on(kafka, database, 1)
        .await
        .with("DATABASE_URL", &through)
        .with("INQ_SHUTDOWN_TIMEOUT", "2s");
    let api = std::sync::Arc::new(Api::of(house.run(&[]).await).await);
    assert_eq!(api.get("/v1/notifications").await.status, 200);
    proxy.hold();
    let begun = Instant::now();
    let mut asked = JoinSet::new();
    for _ in 0..ASKED {
        let api = api.clone();
        asked.spawn(async move { api.get("/v1/notifications").await });
    }
    let busy = asked.join_next().await.expect("an answer").expect("no panic");
    assert_eq!(busy.status, 503, "{}", busy.body);
    assert!(busy.body.contains("too many requests"), "{}", busy.body);
    assert_eq!(api.get("/healthz").await.status, 200);
    while let Some(answer) = asked.join_next().await {
        assert_eq!(answer.expect("no panic").status, 503);
    }
    assert!(begun.elapsed() < LONGEST, "{:?}", begun.elapsed());
    let api = std::sync::Arc::into_inner(api).expect("nobody else has it");
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}
