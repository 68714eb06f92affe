//! What is gathered of a reader's: one row that leaves for several.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::admission::KnownReader;
use super::notification::Beginning;
use super::{NewNotification, Status};
use crate::contract::IncentiveType;

/// A row that has not left, and may come to tell of more.
#[derive(Clone, Debug, PartialEq)]
pub struct Gathered {
    /// The row: a notification that is alone as yet, or a digest.
    pub leaves: NewNotification,
    is_digest: bool,
    /// `None`: it is not stored yet.
    id: Option<i64>,
    /// What was alone, as the part of the digest that it became meanwhile, with its id where it is stored.
    replaced: Option<(Option<i64>, NewNotification)>,
}

impl Gathered {
    /// A new row, alone as yet.
    #[must_use]
    pub const fn alone(row: NewNotification) -> Self {
        Self {
            leaves: row,
            is_digest: false,
            id: None,
            replaced: None,
        }
    }

    /// What was alone, and is a part of this digest now.
    #[must_use]
    pub fn replaced(&self) -> Option<&NewNotification> {
        self.replaced.as_ref().map(|(_, part)| part)
    }

    pub(super) const fn stored(id: i64, row: NewNotification, is_digest: bool) -> Self {
        Self {
            leaves: row,
            is_digest,
            id: Some(id),
            replaced: None,
        }
    }

    /// Whether it is a digest already.
    #[must_use]
    pub const fn is_digest(&self) -> bool {
        self.is_digest
    }

    /// Makes a digest of what was alone, and `part` of that.
    pub fn begin(&mut self, digest: NewNotification, part: NewNotification) {
        self.replaced = Some((self.id.take(), part));
        self.leaves = digest;
        self.is_digest = true;
    }

    /// By what it is found again.
    pub(super) fn mark(&self) -> Option<(IncentiveType, Mark)> {
        let mark = Mark {
            event_id: self.leaves.event_id.clone(),
            digest: self.is_digest,
            until: self.leaves.scheduled_at?.timestamp_millis(),
        };
        (self.leaves.status == Status::Pending).then_some((self.leaves.incentive_type, mark))
    }
}

/// By what something gathered is found again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The event of the row that leaves.
    pub event_id: String,
    /// Whether that is a digest.
    pub digest: bool,
    /// When it leaves, in milliseconds since 1970.
    pub until: i64,
}

/// One for each type of which something is gathered.
pub(super) type Marks = BTreeMap<IncentiveType, Mark>;

/// What is to be written beside the rows of a batch.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Writes {
    /// Digests that are new.
    pub new: Vec<NewNotification>,
    /// Rows of the batch that became parts after they were decided about, by their events.
    pub parts: HashMap<String, NewNotification>,
    /// Stored rows, each as it is now.
    pub rewrite: Vec<(i64, NewNotification)>,
    /// For the histories of stored rows.
    pub told: Vec<(i64, Beginning)>,
}

/// What is to be written of what was gathered.
pub(super) fn writes(before: &BTreeMap<i64, KnownReader>, after: &BTreeMap<i64, KnownReader>) -> Writes {
    let mut writes = Writes::default();
    for (user, reader) in after {
        let known = before.get(user).map_or(&[][..], |before| &before.gathered);
        for gathered in reader
            .gathered
            .iter()
            .filter(|gathered| !known.contains(gathered))
        {
            match &gathered.replaced {
                Some((Some(id), part)) => {
                    writes.rewrite.push((*id, part.clone()));
                    let told = part.beginning.iter().map(|entry| (*id, entry.clone()));
                    writes.told.extend(told);
                }
                Some((None, part)) => {
                    writes.parts.insert(part.event_id.clone(), part.clone());
                }
                None => {}
            }
            match gathered.id {
                Some(id) => writes.rewrite.push((id, gathered.leaves.clone())),
                None if gathered.is_digest => writes.new.push(gathered.leaves.clone()),
                None => {}
            }
        }
    }
    writes.rewrite.sort_by_key(|(id, _)| *id);
    writes.told.sort_by_key(|(id, _)| *id);
    writes
}
