//! What is wrong is said in one line, with the remedy; what is merely away is waited for.

use std::net::{Ipv4Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};

use crate::inq::{Service, eventually, free_port, inq};
use crate::kafka::Kafka;
use crate::old_broker;
use crate::servers::{self, Database};

/// The one line on standard error that is not of the log, and the exit status.
fn refused(environment: &[(&str, &str)], arguments: &[&str]) -> (String, Option<i32>) {
    let port = free_port().to_string();
    let listen = format!("127.0.0.1:{port}");
    let environment = [&[("INQ_HTTP__LISTEN", listen.as_str())], environment].concat();
    let output = inq(&environment, arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<_> = text.lines().filter(|line| line.starts_with("error: ")).collect();
    assert_eq!(lines.len(), 1, "{text}");
    assert_eq!(text.lines().last(), Some(lines[0]), "{text}");
    (lines[0].to_owned(), output.status.code())
}

#[track_caller]
fn assert_says(said: &(String, Option<i32>), status: i32, parts: &[&str]) {
    for part in parts {
        assert!(said.0.contains(part), "{part} is missing in {}", said.0);
    }
    assert_eq!(said.1, Some(status), "{}", said.0);
}

#[test]
fn a_database_url_of_another_kind_is_refused() {
    let said = refused(&[("DATABASE_URL", "postgres://localhost/inq")], &["run"]);
    assert_says(
        &said,
        2,
        &["database.url", "DATABASE_URL", "postgres", "mysql://"],
    );
}

/// The driver alone would go on without TLS.
#[test]
fn a_mistyped_tls_parameter_is_refused() {
    let url = "mysql://inq:hunter2@localhost/inq?ssl-moed=VERIFY_CA";
    let said = refused(&[("DATABASE_URL", url)], &["run"]);
    assert_says(&said, 2, &["database.url", "\"ssl-moed\"", "\"ssl-mode\""]);
    assert!(!said.0.contains("hunter2"), "{}", said.0);
}

/// Waiting would not bring it.
#[test]
fn a_certificate_that_is_not_there_is_refused() {
    let url = "mysql://inq@localhost/inq?ssl-mode=VERIFY_CA&ssl-ca=/nowhere/ca.pem";
    let said = refused(&[("DATABASE_URL", url)], &["run"]);
    assert_says(
        &said,
        1,
        &["database.url", "ssl-ca \"/nowhere/ca.pem\"", "No such file"],
    );
}

#[test]
fn commands_that_look_name_the_server_that_does_not_answer() {
    let nobody = format!("127.0.0.1:{}", free_port());
    let url = format!("mysql://inq@{nobody}/inq");
    for arguments in [&["status"][..], &["show", "1"], &["claims", "list"]] {
        let said = refused(&[("DATABASE_URL", &url)], arguments);
        assert_says(&said, 1, &["database.url", &nobody]);
    }
}

#[test]
fn commands_that_look_make_no_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("inq.db");
    let url = format!("sqlite://{}", file.display());
    for arguments in [&["status"][..], &["show", "1"], &["claims", "list"]] {
        let said = refused(&[("DATABASE_URL", &url)], arguments);
        assert_says(&said, 1, &["there is no file", "`inq migrate`"]);
    }
    let checked = inq(&[("DATABASE_URL", &url)], &["check"]);
    let checked = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.contains("there is no file"), "{checked}");
    assert!(!file.exists());
}

#[test]
fn the_status_of_the_database_is_shown_while_the_brokers_are_away() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("inq.db").display());
    let nobody = format!("127.0.0.1:{}", free_port());
    let environment = [("DATABASE_URL", url.as_str()), ("KAFKA_BROKERS", &nobody)];
    assert!(inq(&environment, &["migrate"]).status.success());
    let status = inq(&environment, &["status"]);
    let (out, err) = (
        String::from_utf8_lossy(&status.stdout),
        String::from_utf8_lossy(&status.stderr),
    );
    assert_eq!(status.status.code(), Some(1));
    assert!(out.contains("due now"), "{out}");
    assert!(err.contains(&nobody), "{err}");
}

#[test]
fn a_broker_without_a_port_is_refused() {
    let said = refused(&[("KAFKA_BROKERS", "localhost:kafka")], &["run"]);
    assert_says(&said, 2, &["kafka.brokers", "KAFKA_BROKERS", "localhost:kafka"]);
}

#[tokio::test]
async fn a_wrong_password_names_the_setting_and_not_the_password() {
    for server in ["mysql", "mariadb"] {
        let Some(url) = servers::server_url(server) else {
            return;
        };
        let (start, host) = url.split_once('@').expect("a user");
        let user = start.rsplit_once(':').map_or(start, |(user, _)| user);
        let wrong = format!("{user}:not-the-password@{host}/inq");
        let said = refused(&[("DATABASE_URL", &wrong)], &["run"]);
        assert_says(&said, 1, &["database.url", "password"]);
        assert!(!said.0.contains("not-the-password"), "{}", said.0);
    }
}

#[tokio::test]
async fn a_database_that_does_not_exist_names_the_statement_to_make_it() {
    let Some(url) = servers::server_url("mysql") else {
        return;
    };
    let nowhere = format!("{url}/inq_test_nowhere");
    for arguments in [&["run"][..], &["migrate"], &["status"], &["show", "1"]] {
        let said = refused(&[("DATABASE_URL", &nowhere)], arguments);
        assert_says(&said, 1, &["inq_test_nowhere", "CREATE DATABASE"]);
    }
}

#[tokio::test]
async fn a_missing_topic_is_named_with_the_command_to_make_it() {
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::fresh("sqlite").await) else {
        return;
    };
    let topic = kafka.name("nowhere");
    let environment = [
        ("DATABASE_URL", database.url.as_str()),
        ("KAFKA_BROKERS", &kafka.brokers),
        ("INQ_TOPICS__EVENTS", &topic),
    ];
    let said = refused(&environment, &["run"]);
    assert_says(&said, 1, &[&topic, "--create", "[topics]"]);
}

#[tokio::test]
async fn an_old_schema_names_the_command_that_mends_it() {
    for server in ["sqlite", "mysql", "mariadb"] {
        let Some(database) = Database::fresh(server).await else {
            return;
        };
        let environment = [("DATABASE_URL", database.url.as_str())];
        let said = refused(&environment, &["run", "--no-migrate"]);
        assert_says(&said, 1, &["schema", "inq migrate"]);
        let said = refused(&environment, &["status"]);
        assert_says(&said, 1, &["schema", "inq migrate"]);
        assert!(inq(&environment, &["migrate"]).status.success());
        let said = refused(&environment, &["show", "1"]);
        assert_says(&said, 1, &["there is no notification 1"]);
        database.drop().await;
    }
}

#[tokio::test]
async fn a_busy_port_names_the_setting() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let listen = taken.local_addr().expect("an address").to_string();
    for arguments in [&["run"][..], &["dev", "--broker-port", "0"]] {
        let output = inq(&[("INQ_HTTP__LISTEN", &listen)], arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains("http.listen") && text.contains(&listen), "{text}");
        assert_eq!(output.status.code(), Some(1));
    }
    let port = taken.local_addr().expect("an address").port().to_string();
    let said = refused(&[], &["dev", "--broker-port", &port]);
    assert_says(&said, 1, &[&port, "--broker-port"]);
}

#[tokio::test]
async fn a_trial_says_which_servers_of_the_settings_it_leaves_alone() {
    let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let said = |environment: &[(&str, &str)]| {
        let output = inq(environment, &["dev", "--broker-port", &port]);
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let elsewhere = said(&[
        ("DATABASE_URL", "mysql://inq:inq@127.0.0.1:1/inq"),
        ("KAFKA_BROKERS", "127.0.0.1:1"),
    ]);
    assert!(elsewhere.contains("kafka.brokers (127.0.0.1:1)"), "{elsewhere}");
    assert!(elsewhere.contains("keeps its rows in sqlite://"), "{elsewhere}");
    let usual = said(&[]);
    assert!(!usual.contains("WARN"), "{usual}");
}

#[test]
fn a_check_names_all_that_is_wrong_at_once() {
    let environment = [
        ("DATABASE_URL", "mysql://inq:secret-word@127.0.0.1:1/inq"),
        ("KAFKA_BROKERS", "127.0.0.1:1"),
    ];
    let output = inq(&environment, &["check"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1));
    for part in [
        "FAIL  database",
        "database.url",
        "FAIL  broker",
        "kafka.brokers",
        "127.0.0.1:1",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert!(!text.contains("secret-word"));
}

/// Lets connections through to `target`, from a port that nobody listened on until now.
async fn open(listen: SocketAddr, target: SocketAddr) {
    let listener = TcpListener::bind(listen).await.expect("the port");
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                if let Ok(mut server) = TcpStream::connect(target).await {
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                }
            });
        }
    });
}

#[tokio::test]
async fn servers_that_are_away_are_waited_for() {
    let (Some(kafka), Some(database)) = (Kafka::reached(), Database::fresh("mysql").await) else {
        return;
    };
    let (head, rest) = database.url.split_once('@').expect("a user");
    let (host, name) = rest.split_once('/').expect("a database");
    let database_port = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let kafka_port = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let url = format!("{head}@{database_port}/{name}");
    let mut environment = vec![
        ("DATABASE_URL".to_owned(), url),
        ("KAFKA_BROKERS".to_owned(), kafka_port.to_string()),
    ];
    for (setting, topic) in [
        ("EVENTS", "events"),
        ("EVENTS_DLQ", "events.dlq"),
        ("DELIVERIES", "deliveries"),
        ("RESULTS", "results"),
        ("RESULTS_DLQ", "results.dlq"),
    ] {
        environment.push((format!("INQ_TOPICS__{setting}"), kafka.topic(topic, 1).await));
    }
    environment.push(("INQ_KAFKA__GROUP_ID".to_owned(), kafka.name("group")));
    let environment: Vec<_> = environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    let service = Service::start(&environment, &["run"]);

    eventually("it says that the database is away", async || {
        service.log().contains("the database is away")
    })
    .await;
    let (status, body) = service.get("/readyz").await.expect("an answer");
    assert_eq!(status, 503);
    assert!(body.contains("\"database\":{\"ready\":false"), "{body}");
    assert_eq!(service.get("/healthz").await.expect("an answer").0, 200);

    open(database_port, host.parse().expect("an address")).await;
    eventually("it says that the broker is away", async || {
        service.log().contains("the Kafka broker is away")
    })
    .await;

    open(kafka_port, kafka.brokers.parse().expect("an address")).await;
    eventually("it is ready", async || {
        service
            .get("/readyz")
            .await
            .is_some_and(|(status, _)| status == 200)
    })
    .await;
    assert!(service.terminate().await.success());
    database.drop().await;
}

#[tokio::test]
async fn a_broker_that_keeps_nothing_of_a_transaction_is_refused_with_the_setting_for_it() {
    let directory = Database::fresh("sqlite").await.expect("a file");
    let port = free_port().to_string();
    // The embedded broker takes every call of a transaction, and none has an effect.
    let broker = Service::start(
        &[("DATABASE_URL", directory.url.as_str())],
        &["dev", "--broker-port", &port],
    );
    let address = format!("127.0.0.1:{port}");
    eventually("the broker listens", async || {
        TcpStream::connect(address.as_str()).await.is_ok()
    })
    .await;
    let database = Database::fresh("sqlite").await.expect("a file");
    let environment = [
        ("DATABASE_URL", database.url.as_str()),
        ("KAFKA_BROKERS", address.as_str()),
    ];
    let said = refused(&environment, &["run"]);
    assert_says(
        &said,
        1,
        &["transactions", "dispatch.semantics = \"at_least_once\""],
    );
    let at_least_once = [&environment[..], &[("INQ_DISPATCH__SEMANTICS", "at_least_once")]].concat();
    let service = Service::ready(&at_least_once, &["run"]).await;
    assert!(service.terminate().await.success());
    drop(broker);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_from_before_transactions_is_refused_with_the_setting_for_it() {
    let topics = [
        "incentive.events",
        "incentive.events.dlq",
        "incentive.deliveries",
        "incentive.delivery-results",
        "incentive.delivery-results.dlq",
    ];
    let brokers = old_broker::start(&topics).await.to_string();
    let database = Database::fresh("sqlite").await.expect("a file");
    let environment = [
        ("DATABASE_URL", database.url.as_str()),
        ("KAFKA_BROKERS", brokers.as_str()),
    ];
    let said = refused(&environment, &["run"]);
    assert_says(
        &said,
        1,
        &[
            "does not support transactions",
            "dispatch.semantics = \"at_least_once\"",
        ],
    );
}
