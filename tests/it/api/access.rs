//! Who is let in, and how the others are told.

use super::Api;
use crate::household::House;

const OPERATOR: &str = "operators-token-51c0";
const READER: &str = "readers-token-88d4";

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

#[tokio::test]
async fn tokens_decide_who_may_look_and_who_may_change() {
    let Some(house) = House::fresh().await else { return };
    let house = house
        .with("INQ_HTTP__TOKEN", OPERATOR)
        .with("INQ_HTTP__READ_TOKEN", READER)
        .with("INQ_LOG__LEVEL", "trace");
    let api = Api::of(house.run(&[]).await).await;
    let (operator, reader) = (bearer(OPERATOR), bearer(READER));
    let prefix = bearer(&OPERATOR[..OPERATOR.len() - 1]);
    let longer = bearer(&format!("{OPERATOR}x"));
    let cases = [
        ("GET", "/v1/status", None, 401),
        ("GET", "/v1/status", Some(operator.as_str()), 200),
        ("GET", "/v1/status", Some(reader.as_str()), 200),
        ("GET", "/v1/status", Some("Bearer wrong"), 401),
        ("GET", "/v1/status", Some("Bearer "), 401),
        ("GET", "/v1/status", Some(prefix.as_str()), 401),
        ("GET", "/v1/status", Some(longer.as_str()), 401),
        ("GET", "/v1/status", Some(OPERATOR), 401),
        ("POST", "/v1/notifications/1/cancel", None, 401),
        ("POST", "/v1/notifications/1/cancel", Some(reader.as_str()), 403),
        ("POST", "/v1/notifications/1/cancel", Some(operator.as_str()), 404),
        ("POST", "/v1/events", Some(reader.as_str()), 403),
        ("POST", "/v1/broadcasts", Some(reader.as_str()), 403),
        ("POST", "/v1/broadcasts/1/stop", Some(reader.as_str()), 403),
        ("POST", "/v1/broadcasts/1/stop", Some(operator.as_str()), 404),
        ("POST", "/v1/events", Some(operator.as_str()), 415),
    ];
    for (method, path, token, status) in cases {
        let headers: Vec<_> = token.map(|token| ("Authorization", token)).into_iter().collect();
        let answer = api.ask(method, path, &headers, "").await;
        assert_eq!(
            answer.status, status,
            "{method} {path} {token:?}: {}",
            answer.body
        );
        let challenge = answer.header("www-authenticate");
        assert_eq!(challenge, (status == 401).then_some("bearer"), "{method} {path}");
        assert!(!answer.body.contains("token-"), "{}", answer.body);
    }
    // What does not exist is nobody's business without a token either.
    let unknown = api.service.ask("GET", "/v2", &[], "").await.expect("an answer");
    assert_eq!(unknown.status, 401);
    for path in ["/healthz", "/readyz", "/metrics", "/v1/openapi.json"] {
        assert_eq!(api.get(path).await.status, 200, "{path}");
    }
    assert!(!api.service.log().contains(OPERATOR) && !api.service.log().contains(READER));
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn with_a_readers_token_alone_nobody_may_change_anything() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_HTTP__READ_TOKEN", READER);
    let api = Api::of(house.run(&[]).await).await;
    let reader = bearer(READER);
    let headers = [("Authorization", reader.as_str())];
    assert_eq!(api.ask("GET", "/v1/status", &headers, "").await.status, 200);
    assert_eq!(api.ask("GET", "/v1/status", &[], "").await.status, 401);
    let path = "/v1/notifications/1/retry";
    assert_eq!(api.ask("POST", path, &headers, "").await.status, 403);
    assert_eq!(api.ask("POST", path, &[], "").await.status, 401);
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn without_a_token_pages_of_other_sites_are_kept_out() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    let address = api.service.address();
    let own = format!("http://{address}");
    let cancel = "/v1/notifications/1/cancel";
    let cases = [
        ("GET", "/v1/status", ("Host", "rebound.example.com"), 403),
        ("GET", "/v1/status", ("Host", "rebound.example.com:8080"), 403),
        ("GET", "/metrics", ("Host", "rebound.example.com"), 403),
        ("GET", "/readyz", ("Host", "rebound.example.com"), 403),
        ("GET", "/healthz", ("Host", "rebound.example.com"), 200),
        ("GET", "/metrics", ("Host", "localhost"), 200),
        ("GET", "/v1/status", ("Host", "localhost"), 200),
        ("GET", "/v1/status", ("Host", "[::1]:8080"), 200),
        ("POST", cancel, ("Host", "rebound.example.com"), 403),
        ("POST", cancel, ("Origin", "https://example.com"), 403),
        ("POST", cancel, ("Origin", "http://127.0.0.1:1"), 403),
        ("POST", cancel, ("Origin", "null"), 403),
        ("POST", cancel, ("Origin", own.as_str()), 404),
        ("POST", cancel, ("Sec-Fetch-Site", "cross-site"), 403),
        ("POST", cancel, ("Sec-Fetch-Site", "same-site"), 403),
        ("POST", cancel, ("Sec-Fetch-Site", "same-origin"), 404),
    ];
    for (method, path, header, status) in cases {
        let answer = api.ask(method, path, &[header], "").await;
        assert_eq!(answer.status, status, "{method} {header:?}: {}", answer.body);
    }
    // A form or a script of another site may send this without being asked, and its name is not ours.
    let plain = [("Content-Type", "text/plain")];
    assert_eq!(
        api.ask("POST", "/v1/notifications/cancel", &plain, "{}")
            .await
            .status,
        415
    );
    let probe = [("Host", "10.1.2.3:8080")];
    assert_eq!(api.ask("GET", "/healthz", &probe, "").await.status, 200);
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}
