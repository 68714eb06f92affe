//! TLS and SASL, tried for real: each mechanism is let in with the right credentials and refused with wrong ones.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{Duration, Utc};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use crate::inq::inq;
use crate::servers::{self, Database};

/// What `inq check` says of the broker and of transactions, with these properties.
async fn checked(brokers: &str, settings: &[(&str, &str)]) -> Vec<Value> {
    let database = Database::fresh("sqlite").await.expect("a file");
    let mut environment = vec![
        ("DATABASE_URL", database.url.as_str()),
        ("KAFKA_BROKERS", brokers),
    ];
    environment.extend_from_slice(settings);
    assert!(inq(&environment, &["migrate"]).status.success());
    let output = inq(&environment, &["check", "--json"]);
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    checks
        .into_iter()
        .filter(|check| check["what"] == "broker" || check["what"] == "transactions")
        .collect()
}

fn all_ok(checks: &[Value]) -> bool {
    checks.len() == 2 && checks.iter().all(|check| check["ok"] == true)
}

/// The properties of a SASL client.
fn sasl<'a>(protocol: &'a str, mechanism: &'a str, password: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("INQ_KAFKA__PROPERTIES__SECURITY_PROTOCOL", protocol),
        ("INQ_KAFKA__PROPERTIES__SASL_MECHANISM", mechanism),
        ("INQ_KAFKA__PROPERTIES__SASL_USERNAME", "inq"),
        ("INQ_KAFKA__PROPERTIES__SASL_PASSWORD", password),
    ]
}

#[tokio::test]
async fn each_password_mechanism_works_over_tls_and_refuses_a_wrong_password() {
    let (Some(brokers), Some(authority)) = (
        servers::named("kafka", "INQ_TEST_KAFKA_SASL_SSL"),
        servers::named("kafka", "INQ_TEST_KAFKA_CA"),
    ) else {
        return;
    };
    for mechanism in ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] {
        let mut right = sasl("sasl_ssl", mechanism, "inq-secret");
        right.push(("INQ_KAFKA__PROPERTIES__SSL_CA_LOCATION", &authority));
        let checks = checked(&brokers, &right).await;
        assert!(all_ok(&checks), "{mechanism}: {checks:?}");

        let mut wrong = sasl("sasl_ssl", mechanism, "not-the-password");
        wrong.push(("INQ_KAFKA__PROPERTIES__SSL_CA_LOCATION", &authority));
        let checks = checked(&brokers, &wrong).await;
        let detail = checks[0]["detail"].to_string();
        assert_eq!(checks[0]["ok"], false, "{mechanism}");
        assert!(detail.contains("sasl.password"), "{mechanism}: {detail}");
        assert!(!detail.contains("not-the-password"), "{detail}");
    }
}

#[tokio::test]
async fn a_client_that_speaks_another_protocol_than_the_listener_is_told_the_setting() {
    for listener in ["INQ_TEST_KAFKA_SSL", "INQ_TEST_KAFKA_SASL_PLAINTEXT"] {
        let Some(brokers) = servers::named("kafka", listener) else {
            return;
        };
        let checks = checked(&brokers, &[]).await;
        let detail = checks[0]["detail"].to_string();
        assert_eq!(checks[0]["ok"], false);
        assert!(detail.contains("security.protocol"), "{listener}: {detail}");
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let Some(brokers) = servers::named("kafka", "INQ_TEST_KAFKA_SASL_SSL") else {
        return;
    };
    // Without the test's authority only the system's are trusted.
    let checks = checked(&brokers, &sasl("sasl_ssl", "PLAIN", "inq-secret")).await;
    let detail = checks[0]["detail"].to_string();
    assert_eq!(checks[0]["ok"], false);
    assert!(detail.contains("ssl.ca.location"), "{detail}");
}

/// A token that the test broker's validator takes: unsigned, which no production broker would.
fn token(lifetime: Duration) -> String {
    let now = Utc::now();
    let claims = json!({
        "sub": "inq",
        "iat": now.timestamp(),
        "exp": (now + lifetime).timestamp(),
    });
    let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
    format!("{}.{}.", part(json!({ "alg": "none" })), part(claims))
}

#[tokio::test]
async fn an_oauth_token_is_read_from_its_file() {
    let Some(brokers) = servers::named("kafka", "INQ_TEST_KAFKA_SASL_PLAINTEXT") else {
        return;
    };
    let mut file = NamedTempFile::new().expect("a file");
    writeln!(file, "{}", token(Duration::hours(1))).expect("written");
    let path = file.path().to_string_lossy().into_owned();
    let settings = [
        ("INQ_KAFKA__PROPERTIES__SECURITY_PROTOCOL", "sasl_plaintext"),
        ("INQ_KAFKA__PROPERTIES__SASL_MECHANISM", "OAUTHBEARER"),
        ("INQ_KAFKA__OAUTHBEARER_TOKEN_FILE", path.as_str()),
    ];
    let checks = checked(&brokers, &settings).await;
    assert!(all_ok(&checks), "{checks:?}");

    std::fs::write(&path, "no token").expect("written");
    let checks = checked(&brokers, &settings).await;
    assert_eq!(checks[0]["ok"], false, "{checks:?}");

    let checks = checked(&brokers, &settings[..2]).await;
    let detail = checks[0]["detail"].to_string();
    assert!(detail.contains("kafka.oauthbearer_token_file"), "{detail}");
}

#[tokio::test]
async fn tls_to_the_database_is_checked_against_its_authority() {
    for server in ["mysql", "mariadb"] {
        let Some(authority) = servers::named(server, &format!("INQ_TEST_{}_CA", server.to_uppercase()))
        else {
            return;
        };
        let database = Database::fresh(server).await.expect("a database");
        let secured = format!("{}?ssl-mode=VERIFY_CA&ssl-ca={authority}", database.url);
        let output = inq(&[("DATABASE_URL", &secured)], &["migrate"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{server}: {said}");

        // The system's authorities did not sign it.
        let unknown = format!("{}?ssl-mode=VERIFY_CA", database.url);
        let output = inq(&[("DATABASE_URL", &unknown)], &["status"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{server}");
        assert!(
            said.contains("TLS") && said.contains("database.url"),
            "{server}: {said}"
        );
        database.drop().await;
    }
}
