//! The worked day of the README: what is told there is what comes out.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

use super::rehearsal::Rehearsal;
use crate::store::{HistoryKind, Status};

const README: &str = include_str!("../../README.md");

/// What stands in the README between two lines.
fn block(from: &str) -> &'static str {
    let (_, rest) = README.split_once(from).expect("its beginning");
    rest.split_once("```").expect("its end").0
}

fn clock(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %H:%M").to_string()
}

/// What becomes of an event, as a line of the table.
fn line(day: &Rehearsal, event: &str, now: DateTime<Utc>) -> String {
    let row = &day.rows[event];
    let zone = day.preferences[&row.user_id].timezone.as_deref().expect("a zone");
    let zone: Tz = zone.parse().expect("a zone");
    let leaves = row
        .digest_event_id
        .as_ref()
        .map_or(row, |digest| &day.rows[digest]);
    let (when, what) = match row.status {
        Status::Suppressed => ("never".to_owned(), String::new()),
        _ => (
            clock(leaves.scheduled_at.map_or(now, |due| due.max(now)), zone),
            leaves.message_title.clone(),
        ),
    };
    let rules = row
        .beginning
        .iter()
        .filter_map(|entry| entry.detail["rule"].as_str());
    let rules: Vec<_> = rules.map(|rule| format!("`{rule}`")).collect();
    let rules = rules.join(", ");
    format!("| `{event}` | {} | {when} | {what} | {rules} |", clock(now, zone))
}

#[test]
fn each_reader_of_the_worked_day_receives_what_the_readme_tells() {
    let mut day = Rehearsal::new(block("```toml day\n"), block("```jsonl readers\n"));
    let events = block("```jsonl events\n").lines().map(|text| {
        let event: Value = serde_json::from_str(text).expect("JSON");
        let now = event["occurred_at"].as_str().expect("a time");
        let name = event["event_id"].as_str().expect("an event").to_owned();
        (name, now.parse().expect("a time"), text)
    });
    let events: Vec<(String, DateTime<Utc>, _)> = events.collect();
    for (_, now, text) in &events {
        day.comes(text, *now);
    }
    let table: Vec<_> = events
        .iter()
        .map(|(name, now, _)| line(&day, name, *now))
        .collect();
    let table = table.join("\n");
    assert_eq!(events.len(), 8);
    assert!(README.contains(&table), "the README should say\n{table}");
    let kinds = |event: &str| -> Vec<HistoryKind> {
        day.rows[event].beginning.iter().map(|entry| entry.kind).collect()
    };
    assert_eq!(
        kinds("trip-1"),
        [HistoryKind::Held, HistoryKind::Held, HistoryKind::Digested]
    );
    assert_eq!(kinds("trip-2"), [HistoryKind::Held, HistoryKind::Digested]);
    let zones: BTreeSet<_> = day
        .preferences
        .values()
        .map(|reader| reader.timezone.as_deref())
        .collect();
    assert_eq!(zones.len(), 3);
}
