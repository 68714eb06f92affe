//! The messages on the topics, as types. `schemas/` says the same as JSON Schema; the tests run
//! every example through both, so that the two cannot drift.
//!
//! Reading: [`EventMessage::decode`] and [`DeliveryResult::decode`], from the value of a record to a message that
//! has passed every check, or to the [`Rejection`] that goes with its [`DeadLetter`]. Writing: [`DeliveryRequest`],
//! [`Alert`]. Of a
//! dead letter, [`PutAside`] is what its headers say, and [`Mentioned`] what can still be read of its content.

mod alert;
mod cancellation;
mod dead_letter;
mod delivery;
mod digest;
mod event;
mod event_message;
mod explain;
mod field;
mod incentive;
mod incentive_data;
mod language;
mod mentioned;
mod preference;
mod put_aside;
mod quiet_hours;
mod result;
pub mod time;
mod timezone;
mod traceparent;
mod window;
mod wire;

pub use alert::{Alert, Trouble};
pub use cancellation::Cancellation;
pub use dead_letter::{DeadLetter, NO_KEY_HEADER, Reason, Rejection, is_dead_letter_header};
pub use delivery::DeliveryRequest;
pub(crate) use digest::LARGEST;
pub use digest::{Digest, DigestPart};
pub use event::IncentiveEvent;
pub use event_message::EventMessage;
pub(crate) use field::cut;
pub use incentive::{IncentiveType, Priority};
pub(crate) use incentive_data::IncentiveData;
pub use mentioned::Mentioned;
pub use preference::{Preference, PreferenceChange};
pub(crate) use preference::{SEGMENT, is_segment};
pub use put_aside::{Origin, PutAside};
pub use quiet_hours::QuietHours;
pub(crate) use quiet_hours::{day, local_time};
pub use result::{DeliveryResult, ResultStatus};
pub(crate) use timezone::meant as meant_timezone;
pub use traceparent::traceparent;
pub use window::Window;
pub(crate) use wire::whole;
