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
/// The part that looks after the brokers.
pub const BROKER: &str = "broker";

/// The health of all parts; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<BTreeMap<String, Known>>>);

/// One part's access to its health.
#[derive(Clone, Debug)]
pub struct Part {
    health: Health,
    name: String,
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
    pub parts: BTreeMap<String, PartHealth>,
}

/// What is known of a part.
#[derive(Debug)]
struct Known {
    /// What the part has reported itself.
    reported: Option<String>,
    /// The part without which it cannot work.
    needs: Option<&'static str>,
    /// What is reported of it, the part that it needs included.
    shown: PartHealth,
}

impl Health {
    /// A part; it has yet to start where nobody has told otherwise.
    #[must_use]
    pub fn part(&self, name: impl Into<String>) -> Part {
        self.part_that_needs(None, name)
    }

    /// A part that cannot work without the brokers: it is not ready while these are not, though it may have nothing to
    /// complain of (a consumer waits in silence).
    #[must_use]
    pub fn part_that_needs_the_broker(&self, name: impl Into<String>) -> Part {
        self.part_that_needs(Some(BROKER), name)
    }

    fn part_that_needs(&self, needs: Option<&'static str>, name: impl Into<String>) -> Part {
        let part = Part {
            health: self.clone(),
            name: name.into(),
        };
        let mut parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !parts.contains_key(&part.name) {
            let shown = PartHealth {
                ready: false,
                since: Utc::now(),
                trouble: None,
            };
            let known = Known {
                reported: None,
                needs,
                shown,
            };
            parts.insert(part.name.clone(), known);
            ready_gauge(&part.name).set(0.0);
            metrics::counter!(measures::OUTAGES.name, "part" => part.name.clone()).increment(0);
            set(&mut parts, &part.name, Some("starting"));
        }
        drop(parts);
        part
    }

    /// A snapshot.
    #[must_use]
    pub fn report(&self) -> Report {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Report {
            ready: parts.values().all(|known| known.shown.ready),
            parts: parts
                .iter()
                .map(|(name, known)| (name.clone(), known.shown.clone()))
                .collect(),
        }
    }

    /// What is wrong with a part, and since when; `None`: nothing, or there is no such part.
    #[must_use]
    pub fn trouble(&self, name: &str) -> Option<(DateTime<Utc>, String)> {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let shown = &parts.get(name)?.shown;
        Some((shown.since, shown.trouble.clone()?))
    }

    fn set(&self, name: &str, trouble: Option<&str>) {
        set(
            &mut self.0.lock().unwrap_or_else(PoisonError::into_inner),
            name,
            trouble,
        );
    }
}

fn set(parts: &mut BTreeMap<String, Known>, name: &str, trouble: Option<&str>) {
    if let Some(known) = parts.get_mut(name) {
        known.reported = trouble.map(str::to_owned);
    }
    show(parts, name);
    let others: Vec<String> = parts
        .iter()
        .filter(|(_, known)| known.needs == Some(name))
        .map(|(name, _)| name.clone())
        .collect();
    for other in others {
        show(parts, &other);
    }
}

/// Brings what is shown of a part up to date.
fn show(parts: &mut BTreeMap<String, Known>, name: &str) {
    let Some(known) = parts.get(name) else { return };
    let of_the_needed = known.needs.and_then(|needed| {
        let why = parts.get(needed)?.reported.as_deref()?;
        Some(format!("waits for {needed}: {why}"))
    });
    let Some(known) = parts.get_mut(name) else { return };
    let trouble = known.reported.clone().or(of_the_needed);
    let (ready, was_ready) = (trouble.is_none(), known.shown.ready);
    if ready != was_ready {
        ready_gauge(name).set(f64::from(u8::from(ready)));
        metrics::counter!(measures::OUTAGES.name, "part" => name.to_owned()).increment(u64::from(was_ready));
        known.shown.since = Utc::now();
        known.shown.ready = ready;
    }
    known.shown.trouble = trouble;
}

fn ready_gauge(name: &str) -> metrics::Gauge {
    metrics::gauge!(measures::READY.name, "part" => name.to_owned())
}

impl Part {
    /// Its name in readiness and logs.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// It does its work.
    pub fn ready(&self) {
        self.health.set(&self.name, None);
    }

    /// It does not.
    pub fn trouble(&self, why: &str) {
        self.health.set(&self.name, Some(why));
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

    #[test]
    fn a_part_that_needs_the_broker_is_not_ready_while_the_broker_is_not() {
        let health = Health::default();
        let (broker, ingest) = (health.part(BROKER), health.part_that_needs_the_broker("ingest"));
        broker.ready();
        ingest.ready();
        assert!(health.report().ready);
        broker.trouble("no answer");
        let report = health.report();
        assert!(!report.parts["ingest"].ready);
        assert_eq!(
            report.parts["ingest"].trouble.as_deref(),
            Some("waits for broker: no answer")
        );
        // It has nothing new to say itself when the brokers are back.
        broker.ready();
        assert!(health.report().ready);
        ingest.trouble("the topic is gone");
        broker.trouble("no answer");
        broker.ready();
        assert_eq!(
            health.report().parts["ingest"].trouble.as_deref(),
            Some("the topic is gone")
        );
    }
}
