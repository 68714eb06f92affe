//! The words: catalogues that change under a running service, wordings, and the commands for those who write them.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::household::House;
use crate::inq::{Service, command, eventually, free_port, inq, inq_json};

/// A catalogue with these words for one message, and with another wording of it where there is one.
fn catalogue(title: &str, short: Option<&str>) -> String {
    let wording =
        |id: &str, title: &str, body: &str| format!("{id} =\n    .title = {title}\n    .body = {body}\n");
    let other = short.map(|title| wording("streak_reward--short", title, "{ streak_reward.body }"));
    wording("streak_reward", title, "Come back.") + &other.unwrap_or_default()
}

fn write(dir: &Path, title: &str, short: Option<&str>) {
    fs::write(dir.join("en.ftl"), catalogue(title, short)).expect("a catalogue");
}

fn event(id: &str, user_id: i64) -> String {
    json!({ "event_id": id, "user_id": user_id, "incentive_type": "streak_reward" }).to_string()
}

/// How many changes of the catalogues had this outcome.
async fn reloads(service: &Service, outcome: &str) -> u32 {
    let (_, text) = service.get("/metrics").await.expect("an answer");
    let series = format!("inq_catalogue_reloads_total{{outcome=\"{outcome}\"}} ");
    let value = text.lines().find_map(|line| line.strip_prefix(&series));
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}

async fn until_reloads(service: &Service, outcome: &str, times: u32) {
    eventually(&format!("{times} times {outcome}"), async || {
        reloads(service, outcome).await == times
    })
    .await;
}

#[tokio::test]
async fn changed_words_come_into_force_all_or_nothing() {
    let Some(house) = House::fresh().await else {
        return;
    };
    let dir = TempDir::new().expect("a directory");
    write(dir.path(), "One", None);
    let path = dir.path().to_str().expect("a path").to_owned();
    let house = house
        .with("INQ_LOCALIZATION__DIR", &path)
        .with("INQ_LOCALIZATION__RELOAD_INTERVAL", "100ms");
    let service = house.run(&[]).await;
    house.send_event(&event("before", 42)).await;
    let request = house.request(1).await;
    assert_eq!(request["message_title"], "One");
    assert_eq!(request.get("variant"), None, "there is one wording only");

    write(dir.path(), "Two", None);
    until_reloads(&service, "loaded", 1).await;
    house.send_event(&event("after", 42)).await;
    assert_eq!(house.request(2).await["message_title"], "Two");

    // A good file and a bad one: neither counts, and it is told why.
    write(dir.path(), "Three", None);
    fs::write(
        dir.path().join("ru.ftl"),
        "streak_reward =\n    .title = { $sreak }\n    .body = b\n",
    )
    .expect("a file");
    until_reloads(&service, "refused", 1).await;
    let log = service.log();
    let said = log
        .lines()
        .filter(|line| line.contains("the catalogues have changed, but are wrong"));
    let said: Vec<_> = said.collect();
    assert_eq!(said.len(), 1, "{log}");
    assert!(
        said[0].contains("ru.ftl:2: message `streak_reward` uses `$sreak`, which is unknown"),
        "{}",
        said[0]
    );
    assert_eq!(service.get("/readyz").await.expect("an answer").0, 200);
    house.send_event(&event("while-wrong", 42)).await;
    assert_eq!(house.request(3).await["message_title"], "Two");

    fs::remove_file(dir.path().join("ru.ftl")).expect("removed");
    until_reloads(&service, "loaded", 2).await;
    house.send_event(&event("mended", 42)).await;
    assert_eq!(house.request(4).await["message_title"], "Three");
    assert_eq!(reloads(&service, "refused").await, 1);
    assert!(service.terminate().await.success());
}

/// Who gets `main`, and who gets `short`: `printf USER:streak_reward | sha256sum | cut -c 16` tells whether the hash is even.
const USERS: (i64, i64) = (1, 2);

#[tokio::test]
async fn a_reader_gets_one_wording_and_it_is_told_which() {
    let Some(house) = House::fresh().await else {
        return;
    };
    let dir = TempDir::new().expect("a directory");
    write(dir.path(), "One", Some("1!"));
    let path = dir.path().to_str().expect("a path").to_owned();
    let house = house
        .with("INQ_LOCALIZATION__DIR", &path)
        .with("INQ_LOCALIZATION__RELOAD_INTERVAL", "100ms")
        .with("INQ_RETRY__INITIAL", "100ms")
        .with("INQ_RETRY__MAX_INTERVAL", "100ms");
    let service = house.run(&[]).await;
    let (main, short) = USERS;
    house.send_event(&event("main", main)).await;
    let request = house.request(1).await;
    assert_eq!([&request["message_title"], &request["variant"]], ["One", "main"]);
    house.send_event(&event("short", short)).await;
    let request = house.request(2).await;
    assert_eq!([&request["message_title"], &request["variant"]], ["1!", "short"]);

    // The next attempt says what the first one said, whatever the catalogues say by now.
    write(dir.path(), "Other", None);
    until_reloads(&service, "loaded", 1).await;
    house
        .send_result(&request, "failed", json!({ "retryable": true }))
        .await;
    let again = house.request(3).await;
    assert_eq!(again["attempt"], 2);
    assert_eq!([&again["message_title"], &again["variant"]], ["1!", "short"]);
    house.send_result(&again, "delivered", json!({})).await;
    house.send_event(&event("plain", short)).await;
    assert_eq!(house.request(4).await["message_title"], "Other");

    let row = house.show("short");
    assert_eq!(row["variant"], "short");
    assert_eq!(house.show("plain")["variant"], Value::Null);
    let shown = inq(&house.environment(), &["show", "--event", "main"]);
    let shown = String::from_utf8(shown.stdout).expect("text");
    assert!(shown.contains("\nvariant       main\n"), "{shown}");
    let answer = service
        .ask("GET", &format!("/v1/notifications/{}", row["id"]), &[], "")
        .await
        .expect("an answer");
    assert_eq!(answer.json()["variant"], "short");

    eventually("the delivery is counted for its wording", async || {
        let answer = service
            .ask("GET", "/v1/engagement?by=variant", &[], "")
            .await
            .expect("an answer")
            .json();
        let groups = answer["groups"].as_array().expect("groups");
        let found: Vec<_> = groups
            .iter()
            .map(|group| {
                (
                    group["group"].as_str(),
                    group["stored"].as_i64(),
                    group["delivered"].as_i64(),
                )
            })
            .collect();
        found
            == [
                (Some("streak_reward--main"), Some(1), Some(0)),
                (Some("streak_reward--short"), Some(1), Some(1)),
                (Some("unknown"), Some(1), Some(0)),
            ]
    })
    .await;
    assert!(service.terminate().await.success());
}

#[tokio::test]
async fn words_change_under_the_embedded_service_too() {
    let dir = TempDir::new().expect("a directory");
    write(dir.path(), "One", None);
    let path = dir.path().to_str().expect("a path");
    let environment = [
        ("INQ_LOCALIZATION__DIR", path),
        ("INQ_LOCALIZATION__RELOAD_INTERVAL", "100ms"),
    ];
    let port = free_port().to_string();
    let service = Service::ready(&environment, &["dev", "--broker-port", &port]).await;
    let say = async |id: &str| {
        let answer = service.ask("POST", "/v1/events", &[], &event(id, 42)).await;
        assert_eq!(answer.expect("an answer").status, 202);
        let title = || {
            let output = service.output();
            let requests = output
                .lines()
                .map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
            let request = requests.into_iter().find(|request| request["event_id"] == id)?;
            request["message_title"].as_str().map(str::to_owned)
        };
        eventually("the request is printed", async || title().is_some()).await;
        title().expect("a title")
    };
    assert_eq!(say("before").await, "One");
    write(dir.path(), "Two", None);
    until_reloads(&service, "loaded", 1).await;
    assert_eq!(say("after").await, "Two");
    write(dir.path(), "{ $points", None);
    until_reloads(&service, "refused", 1).await;
    assert!(service.log().contains("en.ftl:2: syntax: "), "{}", service.log());
    assert_eq!(say("while-wrong").await, "Two");
    assert!(service.terminate().await.success());
}

#[test]
fn catalogues_are_checked_all_together() {
    let right = inq_json(&[], &["catalogue", "check"]);
    assert_eq!(
        right["languages"],
        json!(["ar", "de", "en", "es", "fr", "hi", "ja", "pt-BR", "ru", "zh-Hans"])
    );
    assert_eq!(right["faults"], json!([]));

    let dir = TempDir::new().expect("a directory");
    write(dir.path(), "{ $streek }", None);
    fs::write(dir.path().join("fr.ftl"), "oops\n").expect("a file");
    let path = dir.path().to_str().expect("a path");
    let output = inq(&[], &["catalogue", "check", "--dir", path]);
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stdout).expect("text");
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert_eq!(
        lines[0],
        format!(
            "{path}/en.ftl:2: message `streak_reward` uses `$streek`, which is unknown; did you mean `$streak`?"
        )
    );
    assert!(
        lines[1].starts_with(&format!("{path}/fr.ftl:1: syntax: ")),
        "{said}"
    );
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error: 2 faults in the catalogues\n"
    );
    // The directory of the settings is looked at, too: as data, for a program.
    let home = TempDir::new().expect("a directory");
    let environment = [("INQ_LOCALIZATION__DIR", path)];
    let output = command(&home, &environment, &["catalogue", "check", "--json"])
        .output()
        .expect("inq runs");
    assert_eq!(output.status.code(), Some(1));
    let found: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(found["faults"].as_array().map(Vec::len), Some(2), "{found}");
    assert_eq!(found["faults"][0]["line"], 2);
}

#[test]
fn a_language_is_compared_with_the_fallback_language() {
    for language in ["ar", "de", "es", "fr", "hi", "ja", "pt-BR", "ru", "zh-Hans"] {
        let found = inq_json(&[], &["catalogue", "diff", language]);
        assert_eq!(found["with"], "en");
        for lack in ["missing", "no_digest", "longer", "faults"] {
            assert_eq!(found[lack], json!([]), "{language} {lack}");
        }
    }
    let dir = TempDir::new().expect("a directory");
    let long = "Sei stato qui tutti i giorni di questa bella settimana!";
    fs::write(dir.path().join("it.ftl"), catalogue(long, None)).expect("a file");
    let path = dir.path().to_str().expect("a path");
    let output = inq(&[], &["catalogue", "diff", "it", "--dir", path]);
    assert!(output.status.success());
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(
        said.starts_with("it beside en\nmissing  achievement_reward.body\n"),
        "{said}"
    );
    assert!(
        said.contains("it.ftl: message `point_earning` is missing"),
        "{said}"
    );
    let expected = "\nno digest  point_earning: without `point_earning-digest` notifications of this type are not gathered for readers of `it`\n";
    assert!(
        said.contains(expected) && !said.contains("missing  point_earning-digest"),
        "{said}"
    );

    fs::write(dir.path().join("de.ftl"), catalogue(long, Some("Sieben!"))).expect("a file");
    let output = inq(&[], &["catalogue", "diff", "de", "--dir", path]);
    let said = String::from_utf8(output.stdout).expect("text");
    let expected = format!(
        "de beside en\nextra  streak_reward--short.body\nextra  streak_reward--short.title\n\
         longer   streak_reward.title has {} of 50 that are shown: {long}\n",
        long.len()
    );
    assert_eq!(said, expected);

    let output = inq(&[], &["catalogue", "diff", "tlh"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        String::from_utf8_lossy(&output.stderr)
            .contains("there is no catalogue for `tlh`; there are ar, de, ")
    );
}

#[test]
fn every_message_is_shown_in_every_language_and_wording() {
    let all = inq_json(&[], &["preview", "--all"]);
    let all = all.as_array().expect("an array");
    assert_eq!(all.len(), 120);
    let digests = all.iter().filter(|said| said["digest"] == true);
    assert_eq!(digests.count(), 60);
    for said in all {
        for text in [&said["message_title"], &said["message_body"]] {
            let text = text.as_str().expect("a text");
            assert!(!text.is_empty() && !text.contains(['{', '}']), "{said}");
        }
        assert_eq!(said["variant"], Value::Null);
    }
    let dir = TempDir::new().expect("a directory");
    write(dir.path(), "One", Some("1!"));
    let path = dir.path().to_str().expect("a path");
    let output = inq(&[("INQ_LOCALIZATION__DIR", path)], &["preview", "--all"]);
    let said = String::from_utf8(output.stdout).expect("text");
    assert!(
        said.starts_with("ar\n  achievement_reward           شارة جديدة: "),
        "{said}"
    );
    assert!(
        said.contains("\nen\n  achievement_reward           New badge: Explorer\n"),
        "{said}"
    );
    for wording in [
        "\n  streak_reward--main          One\n                               Come back.\n",
        "\n  streak_reward--short         1!\n                               Come back.\n",
        "\n  point_earning-digest         You earned 3,750 points!\n",
    ] {
        assert!(said.contains(wording), "{said}");
    }
}
