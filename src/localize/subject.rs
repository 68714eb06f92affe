//! What a message of a catalogue tells of, which its name says.

use std::fmt;

use crate::contract::IncentiveType;

/// What stands after a type's name in that of its digest.
const DIGEST: &str = "-digest";

/// What a message tells of; written, it is the message's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// One notification of that type: `point_earning`, which every catalogue has.
    Single(IncentiveType),
    /// Notifications of that type that were gathered into one: `point_earning-digest`, which a catalogue may lack.
    Digest(IncentiveType),
}

impl Subject {
    /// Every subject, the digest of a type after the type.
    pub fn all() -> impl Iterator<Item = Self> {
        IncentiveType::ALL
            .into_iter()
            .flat_map(|kind| [Self::Single(kind), Self::Digest(kind)])
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(kind) => write!(f, "{kind}"),
            Self::Digest(kind) => write!(f, "{kind}{DIGEST}"),
        }
    }
}
