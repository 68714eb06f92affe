//! Hostile input: whatever comes from outside, nothing panics, nothing grows without bound, and each record is a row or
//! a dead letter.

mod catalogues;
mod generated;
mod kinds;
mod limits;
mod pipeline;
#[path = "../../fuzz/src/lib.rs"]
mod properties;
mod settings;
