//! Broadcasts, from the command to the rows, on real servers: one row for each reader of the segment, whatever dies.

use std::path::PathBuf;
use std::sync::Arc;

use chrono::{TimeDelta, Utc};
use inq::contract::{Preference, PreferenceChange};
use inq::store::{self, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::household::House;
use crate::inq::{Service, eventually, free_port, inq, inq_json};

/// Every third user is a VIP.
const USERS: u32 = 2000;
const VIPS: u32 = 666;

/// A file with an event that can be broadcast.
struct EventFile {
    _folder: TempDir,
    path: PathBuf,
}

impl EventFile {
    fn of(event: &Value) -> Self {
        let folder = TempDir::new().expect("a folder");
        let path = folder.path().join("event.json");
        std::fs::write(&path, event.to_string()).expect("written");
        Self {
            _folder: folder,
            path,
        }
    }

    fn bonus() -> Self {
        Self::of(&json!({ "incentive_type": "bonus_opportunity", "priority": 1 }))
    }

    fn path(&self) -> &str {
        self.path.to_str().expect("text")
    }
}

/// Readers with these ids, German VIPs every third.
fn readers(ids: impl Iterator<Item = u32>) -> Vec<PreferenceChange> {
    ids.map(|user_id| {
        let segments = if user_id % 3 == 0 { r#"["vip"]"# } else { "[]" };
        let text = format!(
            r#"{{"user_id":{user_id},"language":"de","segments":{segments},"updated_at":"2026-01-31T12:00:00Z"}}"#
        );
        Preference::decode(Some(text.as_bytes()), 1000)
            .expect("a preference")
            .into()
    })
    .collect()
}

async fn with_readers(url: &str, users: u32) -> Arc<dyn Store> {
    let store = store::open(url, 4).expect("a store");
    store.migrate().await.expect("migrated");
    store
        .change_preferences(&readers(1..=users))
        .await
        .expect("readers");
    store
}

async fn produced(store: &dyn Store, id: i64) -> u64 {
    let found = store.broadcast(id).await.expect("an answer");
    found.expect("a broadcast").produced
}

/// Until a look of the service has found that none is running: then no step is under way in it.
async fn rests(service: &Service) {
    eventually("no broadcast is running", async || {
        let (_, metrics) = service.get("/metrics").await.expect("metrics");
        metrics.lines().any(|line| line == "inq_broadcasts_running 0")
    })
    .await;
}

async fn is_in_state(house: &House, id: &str, state: &str) {
    eventually(state, async || {
        inq_json(&house.environment(), &["broadcast", "show", id])["state"] == state
    })
    .await;
}

#[tokio::test]
async fn each_reader_of_the_segment_gets_it_once_whatever_dies() {
    let Some(house) = House::fresh().await else { return };
    let store = with_readers(&house.database.url, USERS).await;
    let event = EventFile::bonus();
    let environment = house.environment();
    let first = house.run(&[]).await;
    let start = [
        "broadcast",
        "start",
        event.path(),
        "--segment",
        "vip",
        "--rate",
        "25",
        "--name",
        "spring",
        "--yes",
    ];
    let started = inq_json(&environment, &start);
    assert_eq!(
        (&started["users"], &started["looked_at"]),
        (&json!(VIPS), &json!(USERS))
    );
    assert_eq!(started["broadcast"]["expected"], VIPS);
    let id = started["broadcast"]["id"].as_i64().expect("an id");
    let name = id.to_string();

    eventually("some are made", async || produced(store.as_ref(), id).await > 50).await;
    first.kill().await;
    let after = produced(store.as_ref(), id).await;
    assert!(after < u64::from(VIPS), "it died in the middle");
    let second = house.run(&[]).await;
    eventually("the other goes on", async || {
        produced(store.as_ref(), id).await > after
    })
    .await;

    inq_json(&environment, &["broadcast", "pause", &name]);
    rests(&second).await;
    let before = produced(store.as_ref(), id).await;
    assert!(before < u64::from(VIPS), "it was paused in the middle");
    let refused = inq(&environment, &["broadcast", "pause", &name]);
    assert_eq!(refused.status.code(), Some(1));
    let shown = inq_json(&environment, &["broadcast", "show", &name]);
    assert_eq!(
        (&shown["state"], &shown["produced"]),
        (&json!("paused"), &json!(before))
    );
    let again = inq_json(&environment, &start);
    assert_eq!(again["broadcast"]["id"], id, "the command can be repeated");
    house
        .database
        .execute("UPDATE incentive_notify_broadcasts SET rate = 500")
        .await;
    inq_json(&environment, &["broadcast", "resume", &name]);
    let third = house.run(&[]).await;
    is_in_state(&house, &name, "done").await;
    let watched = inq_json(&environment, &["broadcast", "show", &name, "--watch"]);
    assert_eq!(
        (&watched["produced"], &watched["looked_at"]),
        (&json!(VIPS), &json!(USERS))
    );

    eventually("all is stored", async || {
        house
            .database
            .count("SELECT COUNT(*) FROM incentive_notify_queue")
            .await
            >= i64::from(VIPS)
            && house.behind() == 0
    })
    .await;

    // As if nothing of what was made had been noted.
    house
        .database
        .execute("UPDATE incentive_notify_broadcasts SET state = 'running', after_user = 0, rate = 5000")
        .await;
    is_in_state(&house, &name, "done").await;
    eventually("all is read", async || house.behind() == 0).await;
    assert!(house.kafka.read_all(&house.events).len() >= 2 * usize::try_from(VIPS).expect("few"));
    for (what, statement) in [
        ("rows", "SELECT COUNT(*) FROM incentive_notify_queue"),
        (
            "users",
            "SELECT COUNT(DISTINCT user_id) FROM incentive_notify_queue",
        ),
        (
            "of the segment",
            "SELECT COUNT(*) FROM incentive_notify_queue WHERE MOD(user_id, 3) = 0 AND language = 'de'",
        ),
    ] {
        assert_eq!(house.database.count(statement).await, i64::from(VIPS), "{what}");
    }
    assert!(second.terminate().await.success());
    assert!(third.terminate().await.success());
    store.close().await;
    house.database.drop().await;
}

#[tokio::test]
async fn what_is_stopped_makes_no_more_and_stays_so() {
    let Some(house) = House::fresh().await else { return };
    let store = with_readers(&house.database.url, USERS).await;
    let event = EventFile::bonus();
    let environment = house.environment();
    let service = house.run(&[]).await;
    let start = [
        "broadcast",
        "start",
        event.path(),
        "--all",
        "--rate",
        "50",
        "--yes",
    ];
    let started = inq_json(&environment, &start);
    assert_eq!(started["users"], USERS);
    let id = started["broadcast"]["id"].as_i64().expect("an id");
    eventually("some are made", async || produced(store.as_ref(), id).await > 0).await;
    inq_json(&environment, &["broadcast", "stop", &id.to_string()]);
    rests(&service).await;
    let made = produced(store.as_ref(), id).await;
    assert!(made < u64::from(USERS));
    let resumed = inq(&environment, &["broadcast", "resume", &id.to_string()]);
    let why = String::from_utf8_lossy(&resumed.stderr).into_owned();
    assert!(
        why.contains("is stopped; only what is paused can become running"),
        "{why}"
    );
    assert_eq!(
        house.kafka.read_all(&house.events).len() as u64,
        made,
        "what was made was noted, and nothing else is made"
    );
    assert!(service.terminate().await.success());
    store.close().await;
    house.database.drop().await;
}

/// A SQLite database with three readers, one a VIP.
async fn three_readers() -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let url = format!("sqlite://{}", folder.path().join("inq.db").display());
    with_readers(&url, 3).await.close().await;
    (folder, url)
}

#[tokio::test]
async fn a_dry_run_counts_and_shows_what_readers_would_be_told() {
    let (_folder, url) = three_readers().await;
    let event = EventFile::bonus();
    let [from, to] = [-1, 2].map(|hours| Utc::now() + TimeDelta::hours(hours));
    let hours = format!("{}-{}", from.format("%H:%M"), to.format("%H:%M"));
    let environment = [
        ("DATABASE_URL", url.as_str()),
        ("INQ_QUIET__SEGMENTS__VIP", hours.as_str()),
    ];
    let dry = [
        "broadcast",
        "start",
        event.path(),
        "--segment",
        "vip",
        "--rate",
        "2",
        "--dry-run",
    ];
    let told = inq_json(&environment, &dry);
    assert_eq!(
        (&told["users"], &told["looked_at"], &told["is_complete"]),
        (&json!(1), &json!(3), &json!(true))
    );
    assert_eq!(told["broadcast"], Value::Null);
    let preview = &told["previews"][0];
    assert_eq!(
        (&preview["user_id"], &preview["language"]),
        (&json!(3), &json!("de"))
    );
    assert_eq!(
        (&preview["held"]["of"], &preview["held"]["segment"]),
        (&json!("segment"), &json!("vip"))
    );
    assert_eq!(preview["held"]["held_until"], preview["due_at"]);
    let text = String::from_utf8_lossy(&inq(&environment, &dry).stdout).into_owned();
    for part in [
        "user 3  de  held from",
        "are quiet hours of the segment vip in UTC",
        "1 of 3 users get it (the segment vip), at 2 a second within 1s.",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    assert_eq!(inq_json(&environment, &["broadcast", "list"]), json!([]));
}

#[tokio::test]
async fn a_dry_run_tells_what_would_be_gathered_what_waits_for_its_moment_and_what_nobody_wants() {
    let (_folder, url) = three_readers().await;
    let database = ("DATABASE_URL", url.as_str());
    let dry = |event: &EventFile, more: &[(&str, &str)]| {
        let environment = [&[database], more].concat();
        let path = event.path().to_owned();
        let arguments = [
            "broadcast",
            "start",
            path.as_str(),
            "--segment",
            "vip",
            "--rate",
            "2",
            "--dry-run",
        ];
        let told = inq_json(&environment, &arguments)["previews"][0].clone();
        let text = String::from_utf8_lossy(&inq(&environment, &arguments).stdout).into_owned();
        (told, text)
    };
    let hour = [("INQ_DIGEST__WINDOWS__BONUS_OPPORTUNITY", "1h")];
    let (told, text) = dry(&EventFile::bonus(), &hour);
    assert_eq!(
        (&told["gathered"]["window"], &told["held"], &told["status"]),
        (&json!("1h"), &Value::Null, &json!("pending")),
        "{told}"
    );
    assert_eq!(told["gathered"]["held_until"], told["due_at"]);
    assert!(
        text.contains("others of its type are gathered with it for 1h"),
        "{text}"
    );

    let window = json!({ "from": "2100-01-01T09:00:00Z", "to": "2100-01-01T21:00:00Z" });
    let event = json!({ "incentive_type": "bonus_opportunity", "deliver_between": window });
    let (told, text) = dry(&EventFile::of(&event), &hour);
    assert_eq!(
        (&told["gathered"], &told["held"]),
        (&Value::Null, &Value::Null),
        "{told}"
    );
    assert!(
        text.contains("user 3  de  leaves at 2100-01-01T09:00:00.000Z\n"),
        "{text}"
    );

    let none = r#"{"user_id":3,"max_per_day":0,"segments":["vip"],"updated_at":"2026-02-01T12:00:00Z"}"#;
    let none = Preference::decode(Some(none.as_bytes()), 1000).expect("a preference");
    let store = store::open(&url, 2).expect("a store");
    store.change_preferences(&[none.into()]).await.expect("changed");
    store.close().await;
    let (told, text) = dry(&EventFile::bonus(), &[]);
    assert_eq!(
        (&told["suppressed"]["rule"], &told["status"]),
        (&json!("cap"), &json!("suppressed"))
    );
    assert!(
        text.contains("is not sent: the user gets enough notifications without it"),
        "{text}"
    );
}

#[tokio::test]
async fn what_cannot_be_broadcast_is_told_at_once() {
    let (_folder, url) = three_readers().await;
    let environment = [("DATABASE_URL", url.as_str())];
    let says = |arguments: &[&str], status: i32, part: &str| {
        let output = inq(&environment, &[&["broadcast"], arguments].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(text.contains(part), "{arguments:?}: {part} is missing in {text}");
        assert_eq!(output.status.code(), Some(status), "{text}");
    };
    let to_vips = ["--segment", "vip", "--rate", "1", "--yes"];
    for (event, part) in [
        (
            json!({ "incentive_type": "bonus_opportunity", "priority": 7 }),
            "priority: ",
        ),
        (
            json!({ "incentive_type": "bonus_opportunity", "user_id": 1 }),
            "user_id: must be left out",
        ),
        (json!([]), "cannot be broadcast"),
    ] {
        let event = EventFile::of(&event);
        says(&[&["start", event.path()], &to_vips[..]].concat(), 1, part);
    }
    let event = EventFile::bonus();
    let path = event.path();
    says(
        &["start", "/nowhere/event.json", "--all", "--rate", "1"],
        1,
        "/nowhere/event.json",
    );
    says(&["start", path, "--rate", "1"], 2, "--segment");
    says(&["start", path, "--all"], 2, "--rate");
    says(
        &["start", path, "--all", "--segment", "vip", "--rate", "1"],
        2,
        "--all",
    );
    says(&["start", path, "--all", "--rate", "0"], 2, "--rate");
    says(&["start", path, "--all", "--rate", "10001"], 2, "--rate");
    says(
        &["start", path, "--segment", "", "--rate", "1"],
        2,
        "1 to 64 characters",
    );
    says(
        &["start", path, "--all", "--rate", "1"],
        2,
        "There is no terminal to ask",
    );
    for command in ["show", "pause", "resume", "stop"] {
        says(&[command, "7"], 1, "there is no broadcast 7");
    }
    let named = [&["start", path, "--name", "spring"], &to_vips[..]].concat();
    assert!(
        inq(&environment, &[&["broadcast"], &named[..]].concat())
            .status
            .success()
    );
    let faster = ["start", path, "--name", "spring", "--all", "--rate", "1", "--yes"];
    says(&faster, 1, "choose another name");
    assert_eq!(
        inq_json(&environment, &["broadcast", "list"])
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn it_can_be_tried_without_servers() {
    let port = free_port().to_string();
    let service = Service::ready(&[], &["dev", "--broker-port", &port]).await;
    for user in [7, 8] {
        let said = json!({ "segments": [if user == 7 { "vip" } else { "others" }] });
        let path = format!("/v1/users/{user}/preferences");
        let answer = service.ask("PUT", &path, &[], &said.to_string()).await;
        assert_eq!(answer.expect("an answer").status, 202);
        eventually("it is read", async || {
            service.get(&path).await.is_some_and(|(status, _)| status == 200)
        })
        .await;
    }
    let ordered = json!({ "event": { "incentive_type": "bonus_opportunity" }, "segment": "vip", "rate": 10 });
    let answer = service
        .ask("POST", "/v1/broadcasts", &[], &ordered.to_string())
        .await;
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 201, "{}", answer.body);
    eventually("it is printed", async || {
        service.output().contains("broadcast:1:7")
    })
    .await;
    eventually("it is done", async || {
        let (_, body) = service.get("/v1/broadcasts/1").await.expect("an answer");
        body.contains(r#""state":"done""#)
    })
    .await;
    assert!(!service.output().contains("broadcast:1:8"));
    assert!(service.terminate().await.success());
}
