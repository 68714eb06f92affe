//! What its users see of `inq`: on real servers where `scripts/test` has started them.

mod bus;
mod contract;
mod faults;
mod hostile;
mod house;
mod household;
mod inq;
mod kafka;
mod pipeline;
mod readme;
mod recovery;
mod remedies;
mod security;
mod servers;
mod settings;
mod store;
