//! The worked day of the README: what is told there is what comes out.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::admit::{Rules, Together};
use super::digest::Teller;
use super::plan::{Asked, Planner};
use crate::bus::Record;
use crate::config::Settings;
use crate::contract::Preference;
use crate::localize::Words;
use crate::schedule::{CapPolicy, DigestPolicy};
use crate::store::{Admission, KnownReader, NewNotification, Status};

const README: &str = include_str!("../../README.md");

/// What stands in the README between two lines.
fn block(from: &str, to: &str) -> &'static str {
    let (_, rest) = README.split_once(from).expect("the beginning of it");
    rest.split_once(to).expect("its end").0
}

/// By the reader's clock, with the day where it is not the one on which the day is told.
fn clock(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%a %H:%M").to_string()
}

struct Day {
    planner: Planner,
    together: Arc<Together>,
    preferences: BTreeMap<i64, Preference>,
    readers: BTreeMap<i64, KnownReader>,
    rows: Vec<(DateTime<Utc>, NewNotification)>,
}

impl Day {
    fn new() -> Self {
        let settings = Settings::from_toml(block("```toml day\n", "```")).expect("settings");
        let preferences = block("```jsonl readers\n", "```").lines().map(|line| {
            let preference = Preference::decode(Some(line.as_bytes()), 10_000).expect("a preference");
            (preference.user_id, preference)
        });
        Self {
            planner: Planner {
                words: Arc::new(Words::open(None, "en").expect("catalogues")),
                defaults: settings.defaults,
                quiet: (&settings.quiet).into(),
                half_life: settings.best_time.half_life,
                max_event_bytes: 10_000,
            },
            together: Arc::new(Together {
                caps: CapPolicy::new(&settings.caps, &settings.quiet),
                digests: DigestPolicy::new(&settings.digest, &settings.quiet),
            }),
            preferences: preferences.collect(),
            readers: BTreeMap::new(),
            rows: Vec::new(),
        }
    }

    /// An event is stored when it occurs.
    fn comes(&mut self, event: &str) {
        let record = Record {
            topic: String::new(),
            partition: 0,
            offset: 0,
            key: None,
            payload: Some(event.as_bytes().to_vec()),
            headers: Vec::new(),
            timestamp: None,
        };
        let said: Value = serde_json::from_str(event).expect("JSON");
        let now = said["occurred_at"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a time");
        let Asked::Notify(announced) = self.planner.read(&record, now).expect("an event") else {
            panic!("a cancel");
        };
        let user = announced.event.user_id;
        let preference = self.preferences.get(&user);
        let mut row = self.planner.plan_for(announced, preference, now).row;
        let rules = Rules {
            together: Arc::clone(&self.together),
            teller: Teller {
                words: self.planner.words.now(),
                max_parts: self.together.digests.max_parts(),
            },
            preferences: self.preferences.clone().into_iter().collect(),
        };
        if rules.concerns(&row) {
            rules.admit(&mut row, self.readers.entry(user).or_default(), now);
        }
        self.rows.push((now, row));
    }

    /// The row that leaves for one, as it is at the end of the day: what was alone may be told with others since.
    fn leaves<'r>(&'r self, row: &'r NewNotification) -> &'r NewNotification {
        let gathered = self
            .readers
            .get(&row.user_id)
            .into_iter()
            .flat_map(|reader| &reader.gathered);
        gathered
            .map(|gathered| &gathered.leaves)
            .find(|leaves| {
                leaves
                    .incentive_data
                    .contains(&format!("\"event_id\":\"{}\"", row.event_id))
            })
            .unwrap_or(row)
    }

    fn line(&self, now: DateTime<Utc>, row: &NewNotification) -> String {
        let zone = self.preferences[&row.user_id]
            .timezone
            .as_deref()
            .expect("a zone");
        let zone: Tz = zone.parse().expect("a zone");
        let leaves = self.leaves(row);
        let rules: Vec<_> = row
            .beginning
            .iter()
            .filter_map(|entry| entry.detail["rule"].as_str())
            .collect();
        let (when, what) = match row.status {
            Status::Suppressed => ("never".to_owned(), "nothing".to_owned()),
            _ => (
                clock(leaves.scheduled_at.map_or(now, |due| due.max(now)), zone),
                format!("“{}”", leaves.message_title),
            ),
        };
        let rules = if rules.is_empty() {
            "none".to_owned()
        } else {
            rules.join(", ")
        };
        format!(
            "| `{}` | {} | {when} | {what} | {rules} |",
            row.event_id,
            clock(now, zone)
        )
    }
}

#[test]
fn each_reader_of_the_worked_day_receives_what_the_readme_tells() {
    let mut day = Day::new();
    for event in block("```jsonl events\n", "```").lines() {
        day.comes(event);
    }
    let table: Vec<_> = day.rows.iter().map(|(now, row)| day.line(*now, row)).collect();
    let table = table.join("\n");
    assert_eq!(day.rows.len(), 8);
    assert!(README.contains(&table), "the README should say\n{table}");
    let zones = day
        .preferences
        .values()
        .map(|preference| json!(preference.timezone).to_string());
    assert_eq!(zones.collect::<std::collections::BTreeSet<_>>().len(), 3);
}
