//! What databases do that people have: limits, fail-overs, logins, rights, passwords that are rotated.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use inq::contract::{IncentiveType, Priority};
use inq::store::{self, NewNotification, Status, Store, StoreError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::household::{House, simple_event};
use crate::inq::{Service, eventually, inq, inq_json};
use crate::kafka::Kafka;
use crate::servers::{self, Database};

/// The same URL at another address.
fn at(url: &str, address: SocketAddr) -> String {
    let (start, rest) = url.split_once('@').expect("a user");
    let database = rest.split_once('/').map_or("", |(_, database)| database);
    format!("{start}@{address}/{database}")
}

/// The same URL for another user.
fn as_user(url: &str, user: &str, password: &str) -> String {
    let (_, rest) = url.split_once('@').expect("a user");
    format!("mysql://{user}:{password}@{rest}")
}

fn host(url: &str) -> String {
    let (_, rest) = url.split_once('@').expect("a user");
    rest.split('/').next().expect("a host").to_owned()
}

fn event(event_id: &str, bytes: usize) -> NewNotification {
    NewNotification {
        event_id: event_id.to_owned(),
        user_id: 42,
        incentive_type: IncentiveType::StreakReward,
        notification_type: 85,
        priority: Priority::new(1).expect("a priority"),
        message_title: "Seven days!".to_owned(),
        message_body: "You have earned 50 points.".to_owned(),
        incentive_data: format!(r#"{{"text": "{}"}}"#, "x".repeat(bytes)),
        occurred_at: chrono::Utc::now(),
        scheduled_at: None,
        expires_at: None,
        language: "en".to_owned(),
        variant: None,
        timezone: None,
        device_type: None,
        traceparent: None,
        status: Status::Pending,
        digest_event_id: None,
        stands_alone: false,
        beginning: Vec::new(),
    }
}

async fn migrated(url: &str) -> Arc<dyn Store> {
    let store = store::open(url, 4).expect("a store");
    store.migrate().await.expect("migrated");
    store
}

/// A way to a MySQL server that cuts the connection on a statement that is longer than `most` bytes.
async fn cutting(server: String, most: usize) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(&server).await else {
                continue;
            };
            let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move {
                let asked = async {
                    let mut head = [0; 4];
                    while from_client.read_exact(&mut head).await.is_ok() {
                        let length =
                            usize::from(head[0]) | usize::from(head[1]) << 8 | usize::from(head[2]) << 16;
                        if length > most {
                            return;
                        }
                        let mut packet = vec![0; length];
                        if from_client.read_exact(&mut packet).await.is_err()
                            || to_server.write_all(&[&head[..], &packet].concat()).await.is_err()
                        {
                            return;
                        }
                    }
                };
                tokio::select! {
                    () = asked => {}
                    _ = tokio::io::copy(&mut from_server, &mut to_client) => {}
                }
            });
        }
    });
    address
}

/// A proxy that takes shorter statements than the server, and says so by cutting the connection.
#[tokio::test]
async fn a_batch_that_is_too_long_for_the_way_to_the_database_is_stored_in_parts_and_an_event_that_is_becomes_refused()
 {
    let Some(database) = Database::fresh("mariadb").await else {
        return;
    };
    let store = migrated(&database.url).await;
    let way = cutting(host(&database.url), 300_000).await;
    let near = store::open(&format!("{}?ssl-mode=DISABLED", at(&database.url, way)), 2).expect("a store");
    let batch: Vec<_> = (0..40).map(|number| event(&number.to_string(), 20_000)).collect();
    assert_eq!(near.insert(&batch).await.expect("stored").inserted, 40);
    let long = [event("long", 400_000)];
    let mut tries = 0;
    let why = loop {
        tries += 1;
        match near.insert(&long).await {
            Err(StoreError::Away(_)) if tries < 20 => {}
            Err(StoreError::Data(why)) => break why,
            other => panic!("{tries}: {other:?}"),
        }
        assert_eq!(near.insert(&batch[..1]).await.expect("stored").duplicates, 1);
    };
    assert!(why.contains("\"long\""), "{why}");
    assert!(tries > 2, "a connection can be cut for other reasons");
    near.close().await;
    store.close().await;
    database.drop().await;
}

/// More than the server takes in one statement: MariaDB's default is 16 MiB.
#[tokio::test]
async fn a_batch_is_never_longer_than_the_server_takes() {
    let Some(database) = Database::fresh("mariadb").await else {
        return;
    };
    let limit = database
        .count("SELECT CAST(@@max_allowed_packet AS SIGNED)")
        .await;
    let store = migrated(&database.url).await;
    let each = 250_000;
    let events = usize::try_from(limit).expect("a size") / each + 20;
    assert!(events < 512, "{limit}");
    let batch: Vec<_> = (0..events)
        .map(|number| event(&number.to_string(), each))
        .collect();
    let inserted = store.insert(&batch).await.expect("stored").inserted;
    assert_eq!(inserted, u64::try_from(events).expect("a number"));
    store.close().await;
    database.drop().await;
}

/// After a fail-over the connections that there are lead to the old primary, which answers and takes no writes.
#[tokio::test]
async fn connections_to_a_server_that_became_read_only_are_made_anew() {
    for server in ["mysql", "mariadb"] {
        let Some(database) = Database::fresh(server).await else {
            return;
        };
        let store = migrated(&database.url).await;
        store.insert(&[event("before", 10)]).await.expect("stored");
        for statement in [
            "CREATE TABLE old_primary (connection BIGINT)",
            "INSERT INTO old_primary VALUES (CONNECTION_ID())",
            "CREATE TRIGGER refuse BEFORE INSERT ON incentive_notify_queue FOR EACH ROW \
             IF CONNECTION_ID() <= (SELECT MAX(connection) FROM old_primary) THEN \
             SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1290, MESSAGE_TEXT = 'running with --read-only'; END IF",
        ] {
            database.execute(statement).await;
        }
        let refused = store.insert(&[event("after", 10)]).await;
        assert!(
            matches!(&refused, Err(StoreError::Away(why)) if why.contains("--read-only")),
            "{server}: {refused:?}"
        );
        let stored = store
            .insert(&[event("after", 10)])
            .await
            .expect("a new connection");
        assert_eq!(stored.inserted, 1, "{server}");
        store.close().await;
        database.drop().await;
    }
}

/// A user that the server has not seen yet, so that its cache does not have the password.
#[tokio::test]
async fn a_login_that_needs_tls_says_so() {
    let Some(database) = Database::fresh("mysql").await else {
        return;
    };
    let user = format!("u{}", &Uuid::new_v4().simple().to_string()[..20]);
    database
        .execute(&format!(
            "CREATE USER {user} IDENTIFIED WITH caching_sha2_password BY 'hunter2'"
        ))
        .await;
    database.execute(&format!("GRANT ALL ON *.* TO {user}")).await;
    let url = as_user(&database.url, &user, "hunter2");
    let plain = store::open(&format!("{url}?ssl-mode=DISABLED"), 2).expect("a store");
    let Err(StoreError::Refused(why)) = plain.server().await else {
        panic!("not refused")
    };
    for part in ["TLS", "ssl-mode=REQUIRED", "database.url"] {
        assert!(why.contains(part), "{why}");
    }
    assert!(!why.contains("feature") && !why.contains("hunter2"), "{why}");
    let secure = store::open(&format!("{url}?ssl-mode=REQUIRED"), 2).expect("a store");
    secure.server().await.expect("a login over TLS");
    // Now it is in the cache, until the server starts again: that is to be told while it works.
    secure.migrate().await.expect("migrated");
    let warnings = plain.inspect().await.expect("rights");
    assert!(
        warnings
            .iter()
            .any(|warning| warning.contains("caching_sha2_password")),
        "{warnings:?}"
    );
    let warnings = secure.inspect().await.expect("rights");
    assert!(
        !warnings.iter().any(|warning| warning.contains("TLS")),
        "{warnings:?}"
    );
    plain.close().await;
    secure.close().await;
    database.execute(&format!("DROP USER {user}")).await;
    database.drop().await;
}

/// One name behind which connections lead to this server and to that.
#[tokio::test]
async fn more_than_one_writer_is_refused_by_name() {
    let (Some(first), Some(second)) = (Database::fresh("mysql").await, servers::server_url("mariadb")) else {
        return;
    };
    let name = first.url.rsplit_once('/').expect("a database").1;
    servers::execute(&second, &format!("CREATE DATABASE {name}")).await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let targets = [host(&first.url), host(&format!("{second}/"))];
    tokio::spawn(async move {
        for target in targets.iter().cycle() {
            let Ok((mut client, _)) = listener.accept().await else {
                return;
            };
            let mut server = TcpStream::connect(target).await.expect("a server");
            tokio::spawn(async move { tokio::io::copy_bidirectional(&mut client, &mut server).await });
        }
    });
    let store = store::open(&at(&first.url, address), 2).expect("a store");
    let Err(StoreError::Refused(why)) = store.prove_claims_exclude().await else {
        panic!("not refused")
    };
    assert!(
        why.contains("more than one server") && why.contains("one writer"),
        "{why}"
    );
    store.close().await;
    servers::execute(&second, &format!("DROP DATABASE {name}")).await;
    first.drop().await;
}

/// The statements of the page, for users and a database of the test.
fn grants(url: &str, mark: &str) -> Vec<String> {
    let database = url.rsplit_once('/').expect("a database").1;
    let page = include_str!("../../docs/operate/rights.md");
    let block = page.split("```sql\n").nth(1).expect("statements");
    let block = block.split("```").next().expect("an end");
    block
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n")
        .split_terminator(';')
        .map(|statement| {
            statement
                .replace("`inq`", &format!("`{database}`"))
                .replace("inq_run'", &format!("r{mark}'"))
                .replace("inq_migrate'", &format!("m{mark}'"))
                .replace("the password of", "password")
        })
        .filter(|statement| !statement.trim().is_empty())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_runs_with_exactly_the_rights_of_the_page() {
    for server in ["mysql", "mariadb"] {
        let (Some(kafka), Some(database)) = (Kafka::reached(), Database::fresh(server).await) else {
            return;
        };
        let mark = Uuid::new_v4().simple().to_string()[..16].to_owned();
        for statement in grants(&database.url, &mark) {
            database.execute(&statement).await;
        }
        let (run, migrate) = (format!("r{mark}"), format!("m{mark}"));
        let migrate_url = as_user(
            &database.url,
            &migrate,
            &format!("password {migrate}").replace(' ', "%20"),
        );
        let run_url = as_user(
            &database.url,
            &run,
            &format!("password {run}").replace(' ', "%20"),
        );
        let migrated = inq(&[("DATABASE_URL", &migrate_url)], &["migrate"]);
        assert!(
            migrated.status.success(),
            "{}",
            String::from_utf8_lossy(&migrated.stderr)
        );

        let house = House::on(kafka, database, 1).await.with("DATABASE_URL", &run_url);
        let check = inq(&house.environment(), &["check", "--json"]);
        assert!(
            check.status.success(),
            "{}",
            String::from_utf8_lossy(&check.stdout)
        );
        let service = house.run(&["--no-migrate"]).await;
        house.send_event(&simple_event("with few rights")).await;
        let request = house.request(1).await;
        house
            .send_result(&request, "delivered", serde_json::json!({}))
            .await;
        eventually("the result is stored", async || {
            inq_json(&house.environment(), &["show", "--event", "with few rights"])["delivered_at"]
                .is_string()
        })
        .await;
        assert!(service.terminate().await.success());

        house
            .database
            .execute(&format!(
                "REVOKE DELETE ON `{}`.* FROM {run}",
                house.database.url.rsplit_once('/').expect("a name").1
            ))
            .await;
        let check = inq(&house.environment(), &["check"]);
        let said = String::from_utf8_lossy(&check.stdout).into_owned();
        assert_eq!(check.status.code(), Some(1), "{said}");
        assert!(
            said.contains("lacks the right DELETE on incentive_notify_queue"),
            "{said}"
        );
        house
            .database
            .execute(&format!("DROP USER {run}, {migrate}"))
            .await;
        house.database.drop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_rotated_is_read_again() {
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::fresh("mysql").await) else {
        return;
    };
    let user = format!("u{}", &Uuid::new_v4().simple().to_string()[..20]);
    database
        .execute(&format!("CREATE USER {user} IDENTIFIED BY 'first'"))
        .await;
    database.execute(&format!("GRANT ALL ON *.* TO {user}")).await;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("url");
    let write = |password: &str| {
        std::fs::write(&file, as_user(&database.url, &user, password) + "\n").expect("written");
    };
    write("first");
    let house = House::on(kafka, Database::fresh("sqlite").await.expect("a file"), 1).await;
    let mut environment = house.environment();
    environment.retain(|(name, _)| *name != "DATABASE_URL");
    let path = file.display().to_string();
    environment.push(("INQ_DATABASE__URL_FILE", &path));
    let service = Service::ready(&environment, &["run", "--only", "ingest,http"]).await;

    database
        .execute(&format!("ALTER USER {user} IDENTIFIED BY 'second'"))
        .await;
    let theirs = format!("SELECT COUNT(*) FROM information_schema.processlist WHERE user = '{user}'");
    // All of its connections, as the server's restart would.
    database
        .execute(&format!(
            "CREATE PROCEDURE cut() BEGIN DECLARE done INT DEFAULT FALSE; DECLARE one BIGINT; \
             DECLARE each_one CURSOR FOR SELECT id FROM information_schema.processlist WHERE user = '{user}'; \
             DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = TRUE; DECLARE CONTINUE HANDLER FOR 1094 BEGIN END; \
             OPEN each_one; again: LOOP FETCH each_one INTO one; IF done THEN LEAVE again; END IF; KILL one; END LOOP; END"
        ))
        .await;
    database.execute("CALL cut()").await;
    house.send_event(&simple_event("after the rotation")).await;
    write("second");
    eventually("the event is stored", async || {
        database
            .count("SELECT COUNT(*) FROM incentive_notify_queue")
            .await
            == 1
    })
    .await;
    assert!(database.count(&theirs).await > 0);
    assert!(service.terminate().await.success());
    database.execute(&format!("DROP USER {user}")).await;
    database.drop().await;
}

/// Settings that may lose what was committed are told, and are no failure.
#[tokio::test]
async fn a_server_that_may_lose_commits_is_told_with_the_remedy() {
    let Some(database) = Database::fresh("mysql").await else {
        return;
    };
    let store = migrated(&database.url).await;
    let warnings = store.inspect().await.expect("rights");
    for variable in ["innodb_flush_log_at_trx_commit", "sync_binlog"] {
        let value = database
            .count(&format!("SELECT CAST(@@GLOBAL.{variable} AS SIGNED)"))
            .await;
        let told = warnings.iter().find(|warning| warning.starts_with(variable));
        assert_eq!(told.is_some(), value != 1, "{variable} = {value}: {warnings:?}");
        assert!(
            told.is_none_or(|told| told.contains("SET PERSIST")),
            "{warnings:?}"
        );
    }
    store.close().await;
    database.drop().await;
}
