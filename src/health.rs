//! Which parts of the service are ready, since when, and what is wrong with the others.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use crate::contract::time;
use crate::measures;

/// The part that looks after the database.
pub const DATABASE: &str = "database";

/// The health of all parts; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, PartHealth>>>);

/// One part's access to its health.
#[derive(Clone, Debug)]
pub struct Part {
    health: Health,
    name: &'static str,
}

/// How a part is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PartHealth {
    /// Whether it does its work.
    pub ready: bool,
    /// Since when that is so.
    #[serde(serialize_with = "time::serialize")]
    pub since: DateTime<Utc>,
    /// What is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub trouble: Option<String>,
}

/// How all parts are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Readiness)]
pub struct Report {
    /// Whether every part does its work.
    pub ready: bool,
    /// By name.
    pub parts: BTreeMap<&'static str, PartHealth>,
}

impl Health {
    /// A part; it has yet to start where nobody has told otherwise.
    #[must_use]
    pub fn part(&self, name: &'static str) -> Part {
        let part = Part {
            health: self.clone(),
            name,
        };
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !parts.contains_key(name) {
            set(&mut parts, name, Some("starting"));
        }
        drop(parts);
        part
    }

    /// A snapshot.
    #[must_use]
    pub fn report(&self) -> Report {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Report {
            ready: parts.values().all(|part| part.ready),
            parts,
        }
    }

    /// What is wrong with a part, and since when; `None`: nothing, or there is no such part.
    #[must_use]
    pub fn trouble(&self, name: &str) -> Option<(DateTime<Utc>, String)> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let part = parts.get(name)?;
        Some((part.since, part.trouble.clone()?))
    }

    fn set(&self, name: &'static str, trouble: Option<&str>) {
        set(
            &mut self.0.lock().unwrap_or_else(PoisonError::into_inner),
            name,
            trouble,
        );
    }
}

fn set(parts: &mut BTreeMap<&'static str, PartHealth>, name: &'static str, trouble: Option<&str>) {
    let ready = trouble.is_none();
    let before = parts.get(name).map(|part| (part.ready, part.since));
    let since = match before {
        Some((was_ready, since)) if was_ready == ready => since,
        _ => {
            metrics::gauge!(measures::READY.name, "part" => name).set(f64::from(u8::from(ready)));
            let outages = metrics::counter!(measures::OUTAGES.name, "part" => name);
            outages.increment(u64::from(before.is_some_and(|(was_ready, _)| was_ready)));
            Utc::now()
        }
    };
    parts.insert(
        name,
        PartHealth {
            ready,
            since,
            trouble: trouble.map(str::to_owned),
        },
    );
}

impl Part {
    /// Its name in readiness and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// It does its work.
    pub fn ready(&self) {
        self.health.set(self.name, None);
    }

    /// It does not.
    pub fn trouble(&self, why: &str) {
        self.health.set(self.name, Some(why));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_is_ready_when_every_part_is() {
        let health = Health::default();
        let (store, bus) = (health.part("store"), health.part("bus"));
        store.ready();
        assert!(!health.report().ready);
        bus.ready();
        assert!(health.report().ready);
        store.trouble("away");
        let report = health.report();
        assert!(!report.ready);
        assert_eq!(report.parts["store"].trouble.as_deref(), Some("away"));
        let since = report.parts["store"].since;
        assert_eq!(health.trouble("store"), Some((since, "away".to_owned())));
        assert_eq!(health.trouble("bus"), None);
        assert_eq!(health.trouble("words"), None);
    }

    #[test]
    fn a_part_tells_since_when_it_is_as_it_is() {
        let health = Health::default();
        let part = health.part("store");
        part.trouble("away");
        let first = health.report().parts["store"].since;
        part.trouble("still away");
        assert_eq!(health.report().parts["store"].since, first);
    }
}
