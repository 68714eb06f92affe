//! What its users see of `inq`: on real servers where `scripts/test` has started them.

mod alerts;
mod api;
mod bench;
mod bounds;
mod bus;
mod contract;
mod dead_letters;
#[cfg(feature = "failpoints")]
mod failpoints;
mod faults;
mod hostile;
mod house;
mod household;
mod inq;
mod kafka;
mod mending;
mod model;
mod old_broker;
mod operations;
mod pipeline;
mod proxy;
mod readme;
mod recovery;
mod remedies;
mod secrets;
mod security;
mod servers;
mod settings;
mod shutdown;
mod stage;
mod store;
mod traces;
mod waiting;
