//! What a record of the events topic asks for.

use super::{Cancellation, IncentiveEvent, Rejection};

/// A record of the events topic, by its `action`.
#[derive(Clone, Debug, PartialEq)]
#[allow(clippy::large_enum_variant)] // nearly all are the large one
pub enum EventMessage {
    /// `notify`, or no action: somebody is to be told.
    Notify(IncentiveEvent),
    /// `cancel`: somebody is not to be told after all.
    Cancel(Cancellation),
}

impl EventMessage {
    /// The message in a record's value. Only what is no event is looked at a second time.
    ///
    /// # Errors
    /// As those of [`IncentiveEvent::decode`] and [`Cancellation::decode`]; an action that is neither is a
    /// [`super::Reason::SchemaViolation`].
    pub fn decode(payload: Option<&[u8]>, max_bytes: usize) -> Result<Self, Rejection> {
        match IncentiveEvent::decode(payload, max_bytes) {
            Ok(event) => Ok(Self::Notify(event)),
            Err(_) if Cancellation::is_asked_for(payload, max_bytes) => {
                Cancellation::decode(payload, max_bytes).map(Self::Cancel)
            }
            Err(rejection) => Err(rejection),
        }
    }
}
