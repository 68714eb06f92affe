//! What operators do by hand.

use std::time::{Duration, Instant};

use chrono::Utc;
use serde_json::{Value, json};

use super::{Api, field};
use crate::household::{House, simple_event, text};
use crate::inq::eventually;

async fn send_scheduled(house: &House, api: &Api, events: &[&str]) {
    for event in events {
        let event = json!({
            "event_id": event,
            "user_id": 42,
            "incentive_type": "streak_reward",
            "scheduled_at": text(Utc::now() + chrono::Duration::days(1)),
        });
        house.send_event(&event.to_string()).await;
    }
    eventually("they are stored", async || {
        let stored = api.get("/v1/users/42/notifications").await.json();
        let stored = stored["notifications"].as_array();
        stored.is_some_and(|stored| stored.len() >= events.len())
    })
    .await;
}

async fn id(api: &Api, event: &str) -> i64 {
    let found = api
        .get(&format!("/v1/notifications?event_id={event}"))
        .await
        .json();
    found["notifications"][0]["id"].as_i64().expect("an id")
}

#[tokio::test]
async fn a_notification_is_cancelled_and_made_due_again_and_the_history_says_by_whom() {
    let Some(house) = House::fresh().await else { return };
    // What is made due is not found by looking around.
    let house = house.with("INQ_DISPATCH__POLL_INTERVAL", "1m");
    let api = Api::of(house.run(&[]).await).await;
    send_scheduled(&house, &api, &["later"]).await;
    let id = id(&api, "later").await;
    let (retry, cancel) = (
        format!("/v1/notifications/{id}/retry"),
        format!("/v1/notifications/{id}/cancel"),
    );

    let untried = api.post(&retry, &Value::Null).await;
    assert_eq!(untried.status, 409);
    assert!(untried.body.contains("leaves by itself"), "{}", untried.body);
    let cancelled = api.post(&cancel, &Value::Null).await;
    assert_eq!(cancelled.status, 200);
    assert_eq!(cancelled.json()["status"], "cancelled");
    let again = api.post(&cancel, &Value::Null).await;
    assert_eq!(again.status, 409);
    assert!(again.body.contains("is cancelled already"), "{}", again.body);

    let begun = Instant::now();
    assert_eq!(api.post(&retry, &Value::Null).await.status, 200);
    house.request(1).await;
    assert!(
        begun.elapsed() < Duration::from_secs(45),
        "nobody woke the dispatcher"
    );
    eventually("it is settled", async || house.show("later")["status"] == "sent").await;
    for (path, why) in [(&retry, "is sent"), (&cancel, "cannot be called back")] {
        let left = api.post(path, &Value::Null).await;
        assert_eq!(left.status, 409);
        assert!(left.body.contains(why), "{}", left.body);
    }

    let story = api.get(&format!("/v1/notifications/{id}")).await.json();
    let shown = house.command(&["show", "--event", "later"]);
    assert_eq!(story, shown, "as `inq show` tells it");
    let told: Vec<_> = story["history"].as_array().expect("a history").clone();
    assert_eq!(told[0]["kind"], "cancelled");
    assert_eq!(told[1]["kind"], "retried");
    assert!(
        told.iter().all(|entry| entry["detail"]["by"] == "api"),
        "{told:?}"
    );
    assert!(api.service.log().contains("changed by hand"));
    for path in [
        "/v1/notifications/99/retry",
        "/v1/notifications/99/cancel",
        "/v1/notifications/99",
    ] {
        let method = if path.ends_with("99") { "GET" } else { "POST" };
        assert_eq!(api.ask(method, path, &[], "").await.status, 404, "{path}");
    }
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn an_order_for_one_takes_no_body() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    send_scheduled(&house, &api, &["one"]).await;
    let one = format!("/v1/notifications/{}", id(&api, "one").await);
    for path in [
        format!("{one}/cancel"),
        format!("{one}/retry"),
        "/v1/broadcasts/1/stop".to_owned(),
    ] {
        for (body, status, at) in [
            (r#"{"reason": "withdrawn"}"#, 422, "reason"),
            (r#"{"dry_run": true}"#, 422, "dry_run"),
            ("[]", 422, "body"),
            ("null", 422, "body"),
            ("{", 400, ""),
            ("{} {}", 400, ""),
        ] {
            let answer = api.ask("POST", &path, &[], body).await;
            assert_eq!(answer.status, status, "{path} {body}: {}", answer.body);
            assert_eq!(field(&answer), at, "{path} {body}: {}", answer.body);
            assert!(answer.body.contains("takes no body"), "{}", answer.body);
        }
    }
    assert_eq!(house.status()["by_status"]["pending"], 1, "nothing was changed");
    for (verb, body) in [("cancel", "{}"), ("retry", " {}\n"), ("cancel", "")] {
        let answer = api.ask("POST", &format!("{one}/{verb}"), &[], body).await;
        assert!(
            matches!(answer.status, 200 | 409),
            "{verb} {body}: {}",
            answer.body
        );
    }
    assert_ne!(house.show("one")["history"], json!([]));
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn what_a_claim_holds_is_in_nobody_elses_hands() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    send_scheduled(&house, &api, &["held"]).await;
    let id = id(&api, "held").await;
    house
        .database
        .execute("UPDATE incentive_notify_queue SET status = 'processing', claim_id = 7")
        .await;
    for change in ["retry", "cancel"] {
        let refused = api
            .post(&format!("/v1/notifications/{id}/{change}"), &Value::Null)
            .await;
        assert_eq!(refused.status, 409);
        let why = if change == "retry" {
            "is processing"
        } else {
            "being published"
        };
        assert!(refused.body.contains(why), "{}", refused.body);
        let order = json!({ "filter": { "ids": [id] } });
        let outcome = api.post(&format!("/v1/notifications/{change}"), &order).await;
        assert_eq!(outcome.json(), json!({ "matched": 0, "changed": 0 }));
    }
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn many_are_counted_first_and_changed_then() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    send_scheduled(&house, &api, &["one", "two", "three"]).await;
    let cancel = "/v1/notifications/cancel";
    let dry = json!({ "filter": { "user_id": 42 }, "dry_run": true });
    let counted = api.post(cancel, &dry).await;
    assert_eq!(counted.json(), json!({ "matched": 3, "changed": 0 }));
    assert_eq!(house.status()["by_status"]["pending"], 3);

    let one = json!({ "filter": { "user_id": 42, "ids": [id(&api, "two").await] } });
    assert_eq!(
        api.post(cancel, &one).await.json(),
        json!({ "matched": 1, "changed": 1 })
    );
    let rest = json!({ "filter": { "status": "pending", "created_to": text(Utc::now()) } });
    assert_eq!(
        api.post(cancel, &rest).await.json(),
        json!({ "matched": 2, "changed": 2 })
    );
    let retry = json!({ "filter": { "incentive_type": "streak_reward", "status": "cancelled" } });
    let retried = api.post("/v1/notifications/retry", &retry).await;
    assert_eq!(retried.json(), json!({ "matched": 3, "changed": 3 }));
    house.request(3).await;
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn an_order_that_is_not_clear_changes_nothing() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    send_scheduled(&house, &api, &["one"]).await;
    let long = format!("{{\"filter\": {{\"ids\": [{}1]}}}}", "1,".repeat(200_000));
    let cases = [
        (r#"{"filter": {}}"#, 422, "filter"),
        ("{}", 422, "filter"),
        ("[]", 422, "body"),
        (r#"[{"user_id": 42}]"#, 422, "body"),
        ("null", 422, "body"),
        (r#"{"filter": [42]}"#, 422, "filter"),
        (
            r#"{"filter": {"user_id": 42}, "filter": {"user_id": 42}}"#,
            422,
            "filter",
        ),
        (r#"{"filter": {"user": 42}}"#, 422, "filter.user"),
        ("{", 400, ""),
        (r#"{"filter": {"user_id": 42}} {}"#, 400, ""),
        (r#"{"filter": {"user_id": 42}, "dryrun": true}"#, 422, "dryrun"),
        (r#"{"filter": {"user_id": 42}, "dry_run": "no"}"#, 422, "dry_run"),
        (
            r#"{"filter": {"user_id": 42, "user_id": 42}}"#,
            422,
            "filter.user_id",
        ),
        (r#"{"filter": {"user_id": 0}}"#, 422, "filter.user_id"),
        (r#"{"filter": {"user_id": null}}"#, 422, "filter.user_id"),
        (r#"{"filter": {"ids": []}}"#, 422, "filter.ids"),
        (r#"{"filter": {"status": "waiting"}}"#, 422, "filter.status"),
        (r#"{"filter": {"created_to": "today"}}"#, 422, "filter.created_to"),
        (r#"{"filter": {"user_id": 42}, "cursor": "x"}"#, 422, "cursor"),
        (long.as_str(), 413, ""),
    ];
    for (order, status, at) in cases {
        let shown = &order[..order.len().min(100)];
        let answer = api.ask("POST", "/v1/notifications/cancel", &[], order).await;
        assert_eq!(answer.status, status, "{shown}: {}", answer.body);
        assert_eq!(field(&answer), at, "{shown}: {}", answer.body);
    }
    assert_eq!(house.status()["by_status"]["pending"], 1);
    house.send_event(&simple_event("still at work")).await;
    house.request(1).await;
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}
