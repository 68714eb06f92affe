//! `asyncapi.json` ties the topics to the schemas.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{read_json, schemas};

fn document() -> Value {
    read_json(&schemas().join("asyncapi.json"))
}

fn references(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                match value.as_str() {
                    Some(target) if name == "$ref" => drop(found.insert(target.to_owned())),
                    _ => references(value, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    for target in &found {
        match target.strip_prefix('#') {
            Some(pointer) => assert!(document.pointer(pointer).is_some(), "{target}"),
            None => assert!(schemas().join(target).is_file(), "{target}"),
        }
    }
}

#[test]
fn every_schema_is_used() {
    let mut found = BTreeSet::new();
    references(&document(), &mut found);
    for entry in std::fs::read_dir(schemas()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".schema.json") {
            assert!(found.contains(&format!("./{name}")), "{name} stands on no topic");
        }
    }
}

#[test]
fn the_channels_are_the_topics() {
    let document = document();
    let channels = document["channels"].as_object().unwrap();
    let topics: BTreeSet<_> = channels
        .values()
        .map(|channel| channel["address"].as_str().unwrap())
        .collect();
    let expected = [
        "incentive.events",
        "incentive.events.dlq",
        "incentive.deliveries",
        "incentive.delivery-results",
        "incentive.delivery-results.dlq",
        "user.preferences",
        "user.preferences.dlq",
        "incentive.alerts",
    ];
    assert_eq!(topics, BTreeSet::from(expected));
    assert_eq!(channels.len(), expected.len());
}

#[test]
fn every_channel_is_sent_or_received_as_the_flow_says() {
    let document = document();
    let operations: BTreeSet<_> = document["operations"]
        .as_object()
        .unwrap()
        .values()
        .map(|operation| {
            let channel = operation["channel"]["$ref"]
                .as_str()
                .unwrap()
                .trim_start_matches("#/channels/");
            (operation["action"].as_str().unwrap(), channel)
        })
        .collect();
    let expected = [
        ("receive", "events"),
        ("send", "eventsDeadLetters"),
        ("receive", "eventsDeadLetters"),
        ("send", "deliveries"),
        ("receive", "results"),
        ("send", "resultsDeadLetters"),
        ("receive", "resultsDeadLetters"),
        ("receive", "preferences"),
        ("send", "preferencesDeadLetters"),
        ("send", "alerts"),
    ];
    assert_eq!(operations, BTreeSet::from(expected));
}
