//! What must hold for any bytes from outside, as one function for each parser that panics where it does not.
//!
//! The fuzz targets call these, and so do the tests of the main crate (`tests/it/hostile.rs`), so that they cannot rot.

pub mod catalogue;
pub mod event;
pub mod headers;
pub mod preferences;
pub mod result;
pub mod settings;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use inq::bus::{DeadLetters, Outgoing, Record};
use inq::contract::{DeadLetter, Reason, Rejection};

/// The default of `ingest.max_event_bytes`.
pub const MAX_BYTES: usize = 262_144;

/// Some time.
#[must_use]
pub fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_769_860_800_000).expect("a time")
}

/// A record with that value and those headers.
#[must_use]
pub fn record(payload: Option<Vec<u8>>, headers: Vec<(String, Option<Vec<u8>>)>) -> Record {
    Record {
        topic: "incentive.events".to_owned(),
        partition: 0,
        offset: 0,
        key: None,
        payload,
        headers,
        timestamp: Some(noon()),
    }
}

/// The dead letter of a refused record is the record, with reasons that a person can read.
pub fn is_put_aside(record: &Record, rejection: &Rejection) {
    let letter: Outgoing = DeadLetters::letter(record, rejection, noon());
    assert_eq!(letter.payload, record.payload);
    match &record.key {
        Some(key) => assert_eq!(letter.key.as_ref(), Some(key)),
        // A compacted topic takes no record without one.
        None => assert!(letter.key.is_some()),
    }
    let is_ours = |(name, _): &&(String, Option<Vec<u8>>)| name.starts_with("dlq-");
    let own: Vec<_> = record.headers.iter().filter(|header| !is_ours(header)).collect();
    let kept: Vec<_> = letter.headers.iter().filter(|header| !is_ours(header)).collect();
    assert_eq!(own, kept);

    let reasons: Vec<_> = letter.headers.iter().filter(is_ours).collect();
    let said: BTreeMap<&str, &str> = reasons
        .iter()
        .map(|(name, value)| {
            let value = value.as_deref().expect("a value");
            (name.as_str(), str::from_utf8(value).expect("text"))
        })
        .collect();
    assert_eq!(said.len(), reasons.len(), "a header stands twice");
    assert_eq!(said.len(), 8 + usize::from(record.key.is_none()));
    assert!(
        Reason::ALL
            .iter()
            .any(|reason| reason.as_str() == said["dlq-reason"])
    );
    let detail = said["dlq-detail"];
    assert!(!detail.trim().is_empty());
    assert!(detail.chars().count() <= DeadLetter::LONGEST_DETAIL);
    assert!(!detail.chars().any(char::is_control), "{detail:?}");
    // A header that a broker could not take would hold up the whole topic.
    assert!(said.values().map(|value| value.len()).sum::<usize>() <= 8 * 1024);
}
