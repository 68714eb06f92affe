//! Dead letters over HTTP.

use serde_json::{Value, json};

use super::Api;
use crate::household::House;
use crate::inq::eventually;

async fn letters(api: &Api, query: &str) -> Vec<Value> {
    let found = api.get(&format!("/v1/dead-letters{query}")).await.json();
    found["letters"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_dead_letter_is_found_corrected_and_put_back() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    house.send_event("<script>").await;
    let wrong = r#"{"event_id":"e-1","user_id":42,"incentive_type":"streak_reward","priority":9}"#;
    house.send_event(wrong).await;
    eventually("both are put aside", async || {
        letters(&api, "?topic=events").await.len() == 2
    })
    .await;

    let found = letters(&api, "?topic=events&reason=schema_violation&limit=10").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["event_id"], "e-1");
    assert_eq!(found[0]["payload"], wrong);
    assert!(found[0]["detail"].as_str().expect("why").starts_with("priority"));
    assert!(letters(&api, "?topic=results").await.is_empty());

    let place =
        json!({ "topic": "events", "partition": found[0]["partition"], "offset": found[0]["offset"] });
    let with = |name: &str, value: Value| {
        let mut order = place.clone();
        order[name] = value;
        order
    };
    let answer = api.post("/v1/dead-letters/replay", &place).await;
    assert_eq!(answer.status, 409, "{}", answer.body);
    let worse = wrong.replace('9', "\"high\"");
    let answer = api
        .post("/v1/dead-letters/replay", &with("payload", worse.into()))
        .await;
    assert_eq!(
        (answer.status, &answer.json()["field"]),
        (422, &json!("priority")),
        "{}",
        answer.body
    );
    let answer = api
        .post("/v1/dead-letters/replay", &with("offset", 99_999.into()))
        .await;
    assert_eq!(answer.status, 404, "{}", answer.body);

    for unusable in ["", "<script>", "[]"] {
        let answer = api
            .post("/v1/dead-letters/replay", &with("payload", unusable.into()))
            .await;
        assert_eq!(answer.status, 422, "{unusable}: {}", answer.body);
        assert_eq!(answer.json()["field"], "payload", "{unusable}: {}", answer.body);
    }
    let right = with("payload", wrong.replace('9', "4").into());
    let mut looked = right.clone();
    looked["dry_run"] = true.into();
    let answer = api.post("/v1/dead-letters/replay", &looked).await;
    assert_eq!(
        (answer.status, &answer.json()["written"]),
        (200, &json!(false)),
        "{}",
        answer.body
    );
    for _ in 0..2 {
        let answer = api.post("/v1/dead-letters/replay", &right).await;
        assert_eq!(
            (answer.status, &answer.json()["written"]),
            (200, &json!(true)),
            "{}",
            answer.body
        );
    }
    let request = house.request(1).await;
    assert_eq!(request["event_id"], "e-1");
    assert_eq!(request["priority"], 4);
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn pages_lead_to_each_letter_once_while_more_are_put_aside() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    let put_aside = async |numbers: std::ops::Range<u32>| {
        let events: Vec<_> = numbers.map(|number| format!("<{number}>")).collect();
        let records = events.iter().map(|event| ("42", event.as_bytes()));
        house.kafka.produce(&house.events, records).await;
    };
    put_aside(0..23).await;
    eventually("they are put aside", async || {
        letters(&api, "?limit=50").await.len() == 23
    })
    .await;
    for query in ["?limit=7", "?limit=7&reason=invalid_json"] {
        let (mut seen, mut cursor, mut sizes) = (Vec::new(), String::new(), Vec::new());
        loop {
            let page = api.get(&format!("/v1/dead-letters{query}{cursor}")).await.json();
            let found = page["letters"].as_array().expect("letters");
            sizes.push(found.len());
            seen.extend(
                found
                    .iter()
                    .map(|letter| letter["offset"].as_i64().expect("an offset")),
            );
            assert_eq!(page["more"], page["next_cursor"].is_string(), "{page}");
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
            put_aside(100..103).await;
            eventually("more are put aside", async || house.behind() == 0).await;
        }
        let newest = seen[0];
        assert_eq!(seen, (0..=newest).rev().collect::<Vec<_>>(), "{query}");
        assert!(sizes.len() >= 4 && sizes[..3] == [7, 7, 7], "{sizes:?}");
    }
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}

#[tokio::test]
async fn what_is_asked_of_dead_letters_must_fit() {
    let Some(house) = House::fresh().await else { return };
    let api = Api::of(house.run(&[]).await).await;
    for (query, field) in [
        ("?topic=deliveries", "topic"),
        ("?reason=bad", "reason"),
        ("?limit=0", "limit"),
        ("?limit=201", "limit"),
        ("?page=2", "page"),
        ("?cursor=0", "cursor"),
        ("?cursor=0-1A", "cursor"),
    ] {
        let answer = api.get(&format!("/v1/dead-letters{query}")).await;
        assert_eq!(answer.status, 422, "{query}: {}", answer.body);
        assert_eq!(answer.json()["field"], field, "{query}: {}", answer.body);
    }
    for (order, field) in [
        (
            r#"{"topic": "events", "partition": 5000000000, "offset": 0}"#,
            "partition",
        ),
        (
            r#"{"topic": "events", "partition": -1, "offset": 0}"#,
            "partition",
        ),
        (
            r#"{"topic": "events", "partition": 0, "offset": 9223372036854775808}"#,
            "offset",
        ),
        (r#"{"topic": "events", "partition": 0}"#, "offset"),
        (
            r#"{"topic": {"events": null}, "partition": 0, "offset": 0}"#,
            "topic",
        ),
        (r#"{"topic": null, "partition": 0, "offset": 0}"#, "topic"),
        (r#"["events", 0, 0, null, true]"#, "body"),
    ] {
        let answer = api.ask("POST", "/v1/dead-letters/replay", &[], order).await;
        assert_eq!(answer.status, 422, "{order}: {}", answer.body);
        assert_eq!(answer.json()["field"], field, "{order}: {}", answer.body);
    }
    let reasons = &api.document["paths"]["/v1/dead-letters"]["get"]["parameters"];
    assert!(
        reasons.to_string().contains("\"unknown_notification\""),
        "{reasons}"
    );
    let beyond = json!({ "topic": "events", "partition": i32::MAX, "offset": i64::MAX });
    let answer = api.post("/v1/dead-letters/replay", &beyond).await;
    assert_eq!(answer.status, 404, "{}", answer.body);
    assert!(api.service.terminate().await.success());
    house.database.drop().await;
}
