//! What its users see of `inq`: on real servers where `scripts/test` has started them.
//!
//! Tests in a module `thorough` take long; `scripts/test` leaves them to `scripts/test --all`.

mod alerts;
mod api;
mod bench;
mod best_time;
mod bounds;
mod broadcasts;
mod broker;
mod bus;
mod cancelling;
mod caps;
mod contract;
mod databases;
mod dead_letters;
mod digests;
mod expiring;
#[cfg(feature = "failpoints")]
mod failpoints;
mod faults;
mod forgetting;
mod heavy;
mod hostile;
mod house;
mod household;
mod inq;
mod kafka;
mod mending;
mod migrating;
mod model;
mod old_broker;
mod operations;
mod page;
mod pipeline;
mod preferences;
mod proxy;
mod quiet;
mod readme;
mod recovery;
mod remedies;
mod secrets;
mod security;
mod send_time;
mod servers;
mod settings;
mod shutdown;
mod stage;
mod store;
mod supervision;
mod traces;
mod waiting;
mod words;
