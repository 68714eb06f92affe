//! The runbook: a section for each alert, with commands that work.

use std::collections::BTreeMap;

use super::document;
use crate::household::{House, simple_event};
use crate::inq::eventually;
use crate::readme::{Shell, commands_of};

/// The sections below the second heading level, by the anchors that they get on a page.
pub fn sections() -> BTreeMap<String, String> {
    let text = document("runbook.md");
    text.split("\n## ")
        .skip(1)
        .map(|section| {
            let (heading, body) = section.split_once('\n').expect("a body");
            (heading.to_lowercase(), body.to_owned())
        })
        .collect()
}

#[test]
fn every_section_says_what_it_means_how_to_look_what_to_do_and_when_to_escalate() {
    for (anchor, body) in sections() {
        for part in ["**Means**:", "**Look**", "**Escalate**:", "```sh run\n"] {
            assert!(body.contains(part), "{anchor} lacks {part}");
        }
        assert!(body.contains("**Do**:") || body.contains("**do**:"), "{anchor}");
    }
}

#[test]
fn links_within_the_runbook_lead_somewhere() {
    let sections = sections();
    let text = document("runbook.md");
    for link in text.split("](#").skip(1) {
        let anchor = link.split(')').next().expect("an end");
        assert!(sections.contains_key(anchor), "{anchor}");
    }
}

#[tokio::test]
async fn the_commands_work() {
    let Some(house) = House::fresh().await else { return };
    let house = house.with("INQ_DIGEST__WINDOWS__POINT_EARNING", "1d");
    let service = house.run(&[]).await;
    house.send_event(&simple_event("one")).await;
    eventually("it is sent", async || house.status()["by_status"]["sent"] == 1).await;
    for trip in ["trip-1", "trip-2"] {
        house
            .send_event(&simple_event(trip).replace("streak_reward", "point_earning"))
            .await;
    }
    eventually("they are gathered", async || {
        house.status()["by_status"]["digested"] == 2
    })
    .await;
    let shown = house.show("trip-1");
    let digest = shown["digest_event_id"].as_str().expect("a digest");

    let environment = [
        house.environment(),
        vec![("KAFKA_BROKERS", house.kafka.brokers.as_str())],
    ]
    .concat();
    let shell = Shell::new(&environment);
    let text = document("runbook.md");
    let mut done = std::collections::BTreeSet::new();
    for line in commands_of(&text, "run") {
        let line = line
            .replace("http://127.0.0.1:8080", &service.url())
            .replace("incentive.events.dlq", &house.kafka.name("events.dlq"))
            .replace("incentive.delivery-results.dlq", &house.kafka.name("results.dlq"))
            .replace("incentive.deliveries", &house.deliveries)
            .replace("DIGEST", digest);
        if done.insert(line.clone()) {
            shell.succeeds(&line).await;
        }
    }
    assert!(done.len() > 10, "{done:?}");
    let request = house.request(2).await;
    assert_eq!(
        request["event_id"], digest,
        "cancelled and retried, it leaves at once"
    );
    let statements: Vec<_> = text.split("```sql\n").skip(1).collect();
    assert!(!statements.is_empty());
    for statement in statements {
        let statement = statement.split("```").next().expect("an end");
        house.database.execute(statement).await;
    }
    assert!(service.terminate().await.success());
    house.database.drop().await;
}
