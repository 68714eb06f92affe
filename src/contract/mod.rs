//! The messages on the topics, as types. `schemas/` says the same as JSON Schema; the tests run
//! every example through both, so that the two cannot drift.

mod dead_letter;
mod delivery;
mod event;
mod incentive;
mod result;
pub mod time;

pub use dead_letter::{Reason, Rejection};
pub use delivery::DeliveryRequest;
pub use event::IncentiveEvent;
pub use incentive::{IncentiveType, Priority};
pub use result::{DeliveryResult, ResultStatus};
