//! Broadcasts over HTTP, on a service that does not work on them.

use inq::contract::Preference;
use inq::store;
use serde_json::{Value, json};

use super::{Api, field};
use crate::household::House;

const PATH: &str = "/v1/broadcasts";

async fn api_with_readers(house: &House) -> Api {
    let store = store::open(&house.database.url, 2).expect("a store");
    store.migrate().await.expect("migrated");
    let readers: Vec<_> = (1..=4)
        .map(|user_id| {
            let segments = if user_id % 2 == 0 { r#"["vip"]"# } else { "[]" };
            let text = format!(
                r#"{{"user_id":{user_id},"segments":{segments},"updated_at":"2026-01-31T12:00:00Z"}}"#
            );
            Preference::decode(Some(text.as_bytes()), 1000)
                .expect("a preference")
                .into()
        })
        .collect();
    store.change_preferences(&readers).await.expect("readers");
    store.close().await;
    Api::of(house.run(&["--only", "http"]).await).await
}

fn ordered(more: &Value) -> Value {
    let mut order = json!({
        "event": { "incentive_type": "bonus_opportunity" },
        "segment": "vip",
        "rate": 10,
    });
    for (name, value) in more.as_object().expect("an object") {
        order[name] = value.clone();
    }
    order
}

#[tokio::test]
async fn a_broadcast_is_counted_started_and_held_up() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_DIGEST__WINDOWS__BONUS_OPPORTUNITY", "1h");
    let api = api_with_readers(&house).await;
    let counted = api.post(PATH, &ordered(&json!({ "dry_run": true }))).await;
    assert_eq!(counted.status, 200, "{}", counted.body);
    let counted = counted.json();
    assert_eq!((&counted["users"], &counted["looked_at"]), (&json!(2), &json!(4)));
    let previews = counted["previews"].as_array().expect("previews");
    assert_eq!(previews.len(), 2);
    for preview in previews {
        assert_eq!(preview["gathered"]["window"], "1h", "{preview}");
        assert_eq!(preview["gathered"]["held_until"], preview["due_at"], "{preview}");
    }
    assert_eq!(counted["broadcast"], Value::Null);
    assert_eq!(api.get(PATH).await.json()["broadcasts"], json!([]));

    let named = ordered(&json!({ "name": "spring" }));
    let started = api.post(PATH, &named).await;
    assert_eq!(started.status, 201, "{}", started.body);
    let broadcast = started.json()["broadcast"].clone();
    assert_eq!(
        (
            &broadcast["state"],
            &broadcast["expected"],
            &broadcast["started_by"]
        ),
        (&json!("running"), &json!(2), &json!("api"))
    );
    let again = api.post(PATH, &named).await;
    assert_eq!((again.status, &again.json()["broadcast"]), (200, &broadcast));
    let another = api
        .post(PATH, &ordered(&json!({ "name": "spring", "rate": 11 })))
        .await;
    assert_eq!(another.status, 409, "{}", another.body);

    let one = format!("{PATH}/{}", broadcast["id"]);
    for (order, status, state) in [
        ("resume", 409, "running"),
        ("pause", 200, "paused"),
        ("pause", 409, "paused"),
        ("resume", 200, "running"),
        ("stop", 200, "stopped"),
        ("resume", 409, "stopped"),
    ] {
        let answer = api.post(&format!("{one}/{order}"), &Value::Null).await;
        assert_eq!(answer.status, status, "{order}: {}", answer.body);
        assert_eq!(api.get(&one).await.json()["state"], state, "{order}");
    }

    for _ in 0..2 {
        assert_eq!(api.post(PATH, &ordered(&json!({}))).await.status, 201);
    }
    let page = api.get(&format!("{PATH}?limit=2")).await.json();
    assert_eq!(page["broadcasts"].as_array().map(Vec::len), Some(2));
    let cursor = page["next_cursor"].as_str().expect("a cursor");
    let rest = api.get(&format!("{PATH}?limit=2&cursor={cursor}")).await.json();
    assert_eq!(rest["broadcasts"][0]["id"], broadcast["id"]);
    assert!(rest.get("next_cursor").is_none());
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn what_cannot_be_broadcast_is_refused_with_the_field() {
    let Some(house) = House::fresh().await else { return };
    let api = api_with_readers(&house).await;
    for (body, name) in [
        (json!({ "rate": 10, "segment": "vip" }), "event"),
        (ordered(&json!({ "event": [] })), "event"),
        (ordered(&json!({ "event": {} })), "event.incentive_type"),
        (
            ordered(&json!({ "event": { "incentive_type": "streak_reward", "priority": 7 } })),
            "event.priority",
        ),
        (
            ordered(&json!({ "event": { "incentive_type": "streak_reward", "user_id": 7 } })),
            "event.user_id",
        ),
        (ordered(&json!({ "segment": "" })), "segment"),
        (ordered(&json!({ "all": true })), "segment"),
        (
            json!({ "event": { "incentive_type": "streak_reward" }, "rate": 1 }),
            "segment",
        ),
        (ordered(&json!({ "rate": 0 })), "rate"),
        (ordered(&json!({ "rate": 10_001 })), "rate"),
        (ordered(&json!({ "rate": null })), "rate"),
        (ordered(&json!({ "name": "" })), "name"),
    ] {
        let answer = api.post(PATH, &body).await;
        assert_eq!(
            (answer.status, field(&answer).as_str()),
            (422, name),
            "{body}: {}",
            answer.body
        );
    }
    assert_eq!(api.ask("POST", PATH, &[], "{").await.status, 400);
    assert_eq!(api.get(&format!("{PATH}/1")).await.status, 404);
    assert_eq!(api.get(&format!("{PATH}/0")).await.status, 422);
    assert_eq!(api.get(&format!("{PATH}?limit=0")).await.status, 422);
    assert_eq!(
        api.post(&format!("{PATH}/1/stop"), &Value::Null).await.status,
        404
    );
    assert_eq!(
        api.get(PATH).await.json()["broadcasts"],
        json!([]),
        "nothing was started"
    );
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}
