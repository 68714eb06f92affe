//! What the API shows.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Api, field};
use crate::household::House;
use crate::inq::eventually;

fn event(number: usize, more: &Value) -> String {
    let mut event = json!({
        "event_id": format!("event-{number}"),
        "user_id": number % 2 + 1,
        "incentive_type": if number.is_multiple_of(3) { "point_earning" } else { "streak_reward" },
        "priority": number % 5,
        "scheduled_at": "2099-01-01T00:00:00Z",
    });
    for (name, value) in more.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event.to_string()
}

async fn stored(house: &House, events: &[String]) {
    house
        .kafka
        .produce(&house.events, events.iter().map(|event| ("42", event.as_bytes())))
        .await;
    eventually("they are stored", async || {
        let count = "SELECT COUNT(*) FROM incentive_notify_queue";
        usize::try_from(house.database.count(count).await).expect("a count") == events.len()
    })
    .await;
}

fn events_of(page: &Value) -> Vec<String> {
    page["notifications"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["event_id"].as_str().expect("an id").to_owned())
        .collect()
}

/// All pages of a list.
async fn pages(api: &Api, path: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = api.get(&format!("{path}{cursor}")).await.json();
        found.push(events_of(&page));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn lists_come_the_newest_first_in_pages_that_neither_miss_nor_repeat() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    let events: Vec<_> = (0..130).map(|number| event(number, &json!({}))).collect();
    stored(&house, &events).await;
    let all: Vec<String> = (0..130).rev().map(|number| format!("event-{number}")).collect();

    let by_65 = pages(&api, "/v1/notifications?limit=65").await;
    assert_eq!(by_65.iter().map(Vec::len).collect::<Vec<_>>(), [65, 65]);
    assert_eq!(by_65.concat(), all);
    assert_eq!(pages(&api, "/v1/notifications?limit=500").await.concat(), all);
    assert_eq!(
        pages(&api, "/v1/notifications?limit=7").await.concat(),
        all,
        "one page after the other"
    );
    let usual = api.get("/v1/notifications").await.json();
    assert_eq!(events_of(&usual), all[..50]);

    let of_user = pages(&api, "/v1/users/1/notifications?limit=40").await.concat();
    assert_eq!(of_user.len(), 65);
    assert_eq!(of_user, pages(&api, "/v1/notifications?user_id=1").await.concat());
    let with_fractions = pages(&api, "/v1/users/1.0/notifications?limit=40.0").await;
    assert_eq!(of_user, with_fractions.concat(), "the same integers");
    let some = pages(
        &api,
        "/v1/notifications?user_id=1&incentive_type=point_earning&status=pending&priority=0",
    )
    .await
    .concat();
    assert_eq!(some, ["event-120", "event-90", "event-60", "event-30", "event-0"]);
    for nothing in [
        "user_id=99",
        "status=sent",
        "event_id=event-130",
        "created_from=2099-01-01T00:00:00Z",
        "created_to=2000-01-01T00:00:00%2B01:00",
    ] {
        let page = api.get(&format!("/v1/notifications?{nothing}")).await.json();
        assert_eq!(page, json!({ "notifications": [] }), "{nothing}");
    }
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_page_of_long_texts_ends_earlier() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    let long = json!({ "message_body": "x".repeat(60_000) });
    let events: Vec<_> = (0..120).map(|number| event(number, &long)).collect();
    stored(&house, &events).await;
    let found = pages(&api, "/v1/notifications?limit=500").await;
    assert!(found.len() > 1, "one page of 7 MB");
    assert_eq!(found.concat().len(), events.len());
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn a_query_that_does_not_fit_names_the_parameter() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    for (path, at) in [
        ("/v1/notifications?user_id=0", "user_id"),
        ("/v1/notifications?user_id=9223372036854775808", "user_id"),
        ("/v1/notifications?user_id=abc", "user_id"),
        ("/v1/notifications?user_id=", "user_id"),
        ("/v1/notifications?user_id=1&user_id=1", "user_id"),
        ("/v1/notifications?user=1", "user"),
        ("/v1/notifications?ids=1", "ids"),
        ("/v1/notifications?status=Pending", "status"),
        ("/v1/notifications?priority=5", "priority"),
        ("/v1/notifications?incentive_type=points", "incentive_type"),
        ("/v1/notifications?created_from=2026-01-31", "created_from"),
        ("/v1/notifications?limit=0", "limit"),
        ("/v1/notifications?limit=501", "limit"),
        ("/v1/notifications?cursor=abc", "cursor"),
        ("/v1/users/1/notifications?user_id=1", "user_id"),
        ("/v1/engagement?by=weather", "by"),
        ("/v1/engagement?from=yesterday", "from"),
    ] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 422, "{path}: {}", answer.body);
        assert_eq!(field(&answer), at, "{path}: {}", answer.body);
    }
    for (path, at) in [
        ("/v1/notifications/0", "id"),
        ("/v1/notifications/abc", "id"),
        ("/v1/notifications/1.5", "id"),
        ("/v1/notifications/9223372036854775808", "id"),
        ("/v1/users/-1/notifications", "user_id"),
        ("/v1/users/x/preferences", "user_id"),
    ] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 422, "{path}");
        assert_eq!(field(&answer), at, "{path}: {}", answer.body);
    }
    for path in [
        "/v1/notifications",
        "/v1/users/{user_id}/notifications",
        "/v1/engagement",
        "/v1/dead-letters",
    ] {
        let documented = api.document["paths"][path]["get"]["parameters"]
            .as_array()
            .expect("parameters");
        let documented: BTreeSet<_> = documented
            .iter()
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().expect("a name"))
            .collect();
        let asked = format!("{}?ids=1", path.replace("{user_id}", "1"));
        let answer = api.get(&asked).await.json();
        let (_, listed) = answer["detail"]
            .as_str()
            .and_then(|detail| detail.split_once("there are "))
            .expect("what there is");
        assert_eq!(listed.split(", ").collect::<BTreeSet<_>>(), documented, "{path}");
    }
    let unknown = api
        .service
        .ask("GET", "/v1/nothing", &[], "")
        .await
        .expect("an answer");
    assert_eq!(unknown.status, 404);
    assert_eq!(unknown.header("content-type"), Some("application/problem+json"));
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn the_status_and_the_engagement_are_told() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    let now = json!({ "scheduled_at": null, "language": "ja" });
    let events: Vec<_> = (0..20)
        .map(|number| event(number, if number < 5 { &now } else { &Value::Null }))
        .collect();
    stored(&house, &events).await;
    let request = house.request(5).await;
    house.send_result(&request, "delivered", json!({})).await;
    eventually("all is told", async || {
        house.behind() == 0 && house.status()["by_status"]["sent"] == 5
    })
    .await;

    let status = api.get("/v1/status").await.json();
    assert_eq!(status, house.command(&["status"]), "as `inq status` tells it");
    assert_eq!(status["by_status"]["pending"], 15);
    assert_eq!(status["ahead"], 15);
    let by_type = status["pending_by_type"].as_array().expect("a list");
    assert!(by_type.contains(&json!({ "priority": 1, "incentive_type": "point_earning", "rows": 1 })));
    assert_eq!(
        by_type.iter().filter_map(|row| row["rows"].as_u64()).sum::<u64>(),
        15
    );
    assert_eq!(status["pending_of_any_type"], 0);
    assert_eq!(status["topics"][0]["last_minute"], 20);

    let engagement = api.get("/v1/engagement?by=language").await.json();
    assert_eq!(engagement["by"], "language");
    let groups = engagement["groups"].as_array().expect("groups");
    let of = |name: &str| {
        groups
            .iter()
            .find(|group| group["group"] == name)
            .expect("a group")
    };
    assert_eq!(of("ja")["sent"], 5);
    assert_eq!(of("ja")["delivered"], 1);
    assert_eq!(of("en")["stored"], 15);
    let none = api.get("/v1/engagement?to=2000-01-01T00:00:00Z").await.json();
    assert_eq!(none, json!({ "by": "type", "groups": [] }));
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}
