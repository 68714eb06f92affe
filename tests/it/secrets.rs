//! No secret is ever shown: not in a log at its most talkative, not in an error, not in what a command prints.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tempfile::NamedTempFile;

use crate::household::{House, simple_event};
use crate::inq::{eventually, inq};
use crate::servers;

/// The password of every account on the test servers.
const PASSWORD: &str = "inq-secret";

/// A secret as it could be written.
fn guises(secret: &str) -> [String; 3] {
    [
        secret.to_owned(),
        secret.replace('-', "%2D"),
        STANDARD.encode(secret),
    ]
}

#[track_caller]
fn assert_hides(what: &str, said: &str, secrets: &[&str]) {
    for secret in secrets {
        for guise in guises(secret) {
            let place = said.find(&guise);
            assert!(
                place.is_none(),
                "{what} shows a secret: …{}…",
                said[place.unwrap_or_default().saturating_sub(200)..]
                    .chars()
                    .take(300)
                    .collect::<String>()
            );
        }
    }
}

#[tokio::test]
async fn a_service_that_tells_everything_tells_no_secret() {
    const TOKENS: [&str; 3] = ["operators-token-7f3a", "readers-token-9c1b", "annas-token-20e8"];
    let (Some(brokers), Some(authority), Some(house)) = (
        servers::named("kafka", "INQ_TEST_KAFKA_SASL_SSL"),
        servers::named("kafka", "INQ_TEST_KAFKA_CA"),
        House::fresh().await,
    ) else {
        return;
    };
    let house = house
        .with("KAFKA_BROKERS", &brokers)
        .with("INQ_KAFKA__PROPERTIES__SECURITY_PROTOCOL", "sasl_ssl")
        .with("INQ_KAFKA__PROPERTIES__SASL_MECHANISM", "PLAIN")
        .with("INQ_KAFKA__PROPERTIES__SASL_USERNAME", "inq")
        .with("INQ_KAFKA__PROPERTIES__SASL_PASSWORD", PASSWORD)
        .with("INQ_KAFKA__PROPERTIES__SSL_CA_LOCATION", &authority)
        .with("INQ_KAFKA__PROPERTIES__DEBUG", "all")
        .with("INQ_HTTP__TOKEN", TOKENS[0])
        .with("INQ_HTTP__READ_TOKEN", TOKENS[1])
        .with("INQ_HTTP__TOKENS__ANNA", TOKENS[2])
        .with("INQ_LOG__LEVEL", "trace");
    let secrets = [PASSWORD, TOKENS[0], TOKENS[1], TOKENS[2]];
    let service = house.run(&[]).await;
    house.send_event(&simple_event("event")).await;
    house.request(1).await;
    eventually("it is settled", async || {
        house
            .database
            .count("SELECT COUNT(*) FROM incentive_notify_queue WHERE status = 'sent'")
            .await
            == 1
    })
    .await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        let (_, body) = service.get(path).await.expect("an answer");
        assert_hides(path, &body, &secrets);
    }
    assert!(service.log().contains("TRACE"), "it does not tell everything");
    assert_hides("the log", &service.log(), &secrets);
    assert_hides("the output", &service.output(), &secrets);
    assert!(service.terminate().await.success());
    for arguments in [
        &["check"][..],
        &["check", "--json"],
        &["config", "show"],
        &["config", "show", "--json"],
        &["status"],
        &["show", "1"],
        &["claims", "list"],
    ] {
        let said = inq(&house.environment(), arguments);
        for (what, bytes) in [("standard output", said.stdout), ("standard error", said.stderr)] {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert_hides(&format!("{arguments:?} on its {what}"), &text, &secrets);
        }
    }
    house.database.drop().await;
}

#[test]
fn what_fails_tells_no_secret() {
    const SECRET: &str = "hunter-2-of-no-server";
    let mut file = NamedTempFile::new().expect("a file");
    writeln!(file, "mysql://inq:{SECRET}@127.0.0.1:1/inq").expect("written");
    let path = file.path().to_string_lossy().into_owned();
    let url = format!("mysql://inq:{SECRET}@127.0.0.1:1/inq");
    let wrong_url = format!("mysql://inq:{SECRET}@127.0.0.1:one/inq");
    let other_kind = format!("postgres://inq:{SECRET}@127.0.0.1/inq");
    for environment in [
        vec![("DATABASE_URL", url.as_str())],
        vec![("DATABASE_URL", wrong_url.as_str())],
        vec![("DATABASE_URL", other_kind.as_str())],
        vec![("INQ_DATABASE__URL_FILE", path.as_str())],
        vec![
            ("INQ_KAFKA__PROPERTIES__SASL_PASSWORD", SECRET),
            ("INQ_KAFKA__PROPERTIES__SASL_MECHANISM", "NONSENSE"),
            ("KAFKA_BROKERS", "127.0.0.1:1"),
        ],
        vec![
            ("INQ_KAFKA__PROPERTIES__SSL_KEY_PASSWORD", SECRET),
            ("INQ_KAFKA__PROPERTIES__SSL_KEY_LOCATION", "/nowhere"),
            ("INQ_KAFKA__PROPERTIES__SECURITY_PROTOCOL", "ssl"),
            ("KAFKA_BROKERS", "127.0.0.1:1"),
        ],
    ] {
        let environment = [&environment[..], &[("INQ_LOG__LEVEL", "trace")]].concat();
        for arguments in [&["check"][..], &["status"], &["config", "show"]] {
            let said = inq(&environment, arguments);
            for bytes in [said.stdout, said.stderr] {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                assert_hides(&format!("{arguments:?} with {environment:?}"), &text, &[SECRET]);
            }
        }
    }
}
