//! Events of one reader after the other, stored without a database.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, Utc};

use super::admit::{Rules, Together};
use super::digest::Teller;
use super::plan::{Asked, Planner};
use crate::bus::Record;
use crate::config::Settings;
use crate::contract::Preference;
use crate::localize::Words;
use crate::store::{Admission, Fate, KnownReader, NewNotification};

/// The built-in ones, read once.
pub(super) static WORDS: LazyLock<Arc<Words>> =
    LazyLock::new(|| Arc::new(Words::open(None, "en").expect("catalogues")));

pub(super) struct Rehearsal {
    planner: Planner,
    together: Arc<Together>,
    pub(super) preferences: BTreeMap<i64, Preference>,
    readers: BTreeMap<i64, KnownReader>,
    /// By event, each as it is now; digests too.
    pub(super) rows: BTreeMap<String, NewNotification>,
}

impl Rehearsal {
    /// With these settings, as TOML, and preferences, a line each.
    pub(super) fn new(settings: &str, preferences: &str) -> Self {
        let settings = Settings::from_toml(settings).expect("settings");
        let together = Arc::new(Together::from(&settings));
        let preferences = preferences.lines().map(|line| {
            let preference = Preference::decode(Some(line.as_bytes()), 10_000).expect("a preference");
            (preference.user_id, preference)
        });
        Self {
            planner: Planner {
                words: Arc::clone(&WORDS),
                defaults: settings.defaults,
                quiet: (&settings.quiet).into(),
                half_life: settings.best_time.half_life,
                max_event_bytes: 10_000,
            },
            together,
            preferences: preferences.collect(),
            readers: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    pub(super) fn rules(&self) -> Rules {
        Rules {
            together: Arc::clone(&self.together),
            teller: Teller::now(&self.planner, &self.together),
            preferences: self.preferences.clone().into_iter().collect(),
        }
    }

    /// An event is stored; `None`: no rule had anything to decide.
    pub(super) fn comes(&mut self, event: &str, now: DateTime<Utc>) -> Option<Fate> {
        let record = Record {
            topic: String::new(),
            partition: 0,
            offset: 0,
            key: None,
            payload: Some(event.as_bytes().to_vec()),
            headers: Vec::new(),
            timestamp: None,
        };
        let Asked::Notify(announced) = self.planner.read(&record, now).expect("an event") else {
            panic!("a cancel");
        };
        let rules = self.rules();
        let preference = self.preferences.get(&announced.event.user_id);
        let mut row = self.planner.plan_for(announced, preference, now).row;
        let fate = rules.concerns(&row).then(|| {
            let reader = self.readers.entry(row.user_id).or_default();
            // What is due has left.
            reader
                .gathered
                .retain(|gathered| gathered.leaves.scheduled_at.is_some_and(|due| due > now));
            let fate = rules.admit(&mut row, reader, now);
            for gathered in &reader.gathered {
                let replaced = gathered.replaced().into_iter().chain([&gathered.leaves]);
                for stored in replaced {
                    self.rows.insert(stored.event_id.clone(), stored.clone());
                }
            }
            fate
        });
        self.rows.insert(row.event_id.clone(), row);
        fate
    }
}
