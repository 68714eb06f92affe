//! The contracts, told twice: as JSON Schema in `schemas/` and as types in `inq::contract`. What is here keeps the two
//! from drifting apart.

mod asyncapi;
mod differential;
mod examples;
pub mod messages;
mod written;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use inq::contract::{DeliveryResult, EventMessage, Preference, Rejection};
use jsonschema::{Draft, Validator};
use serde_json::Value;

/// The default of `ingest.max_event_bytes`.
const MAX_BYTES: usize = 262_144;

fn schemas() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

fn read_json(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn schema(name: &str) -> Value {
    read_json(&schemas().join(format!("{name}.schema.json")))
}

pub fn validator(name: &str) -> Validator {
    jsonschema::options()
        .with_draft(Draft::Draft202012)
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .build(&schema(name))
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The files of `schemas/examples/{message}/{verdict}/` by name.
pub fn examples(message: &str, verdict: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = schemas().join("examples").join(message).join(verdict);
    let files: BTreeMap<_, _> = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (
                path.file_name().unwrap().to_string_lossy().into_owned(),
                std::fs::read(path).unwrap(),
            )
        })
        .collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

fn decode_event(payload: &[u8]) -> Result<(), Rejection> {
    EventMessage::decode(Some(payload), MAX_BYTES).map(drop)
}

fn decode_result(payload: &[u8]) -> Result<(), Rejection> {
    DeliveryResult::decode(Some(payload), MAX_BYTES).map(drop)
}

fn decode_preferences(payload: &[u8]) -> Result<(), Rejection> {
    Preference::decode(Some(payload), MAX_BYTES).map(drop)
}
