//! Several notifications told as one: decided without I/O.

use std::fmt::Write;
use std::sync::Arc;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::admit::Together;
use super::plan::Planner;
use crate::contract::{Digest, DigestPart, time};
use crate::localize::{Catalogues, Reader, arguments};
use crate::schedule::DIGEST;
use crate::store::{Beginning, Gathered, HistoryKind, NewNotification, Retelling, Status};

/// Tells digests, in the words in force when it was made.
pub(super) struct Teller {
    pub(super) words: Arc<Catalogues>,
    pub(super) max_parts: usize,
}

impl Teller {
    /// In the words in force now.
    pub(super) fn now(planner: &Planner, together: &Together) -> Self {
        Self {
            words: planner.words.now(),
            max_parts: together.digests.max_parts(),
        }
    }

    /// Whether there are words for several such notifications.
    pub(super) fn can_tell(&self, row: &NewNotification) -> bool {
        self.words.has_digest(&row.language, row.incentive_type)
    }

    /// Makes a notification part of what is gathered, for the cap that it is `over` if it is, and returns whether there was room
    /// for it.
    pub(super) fn join(
        &self,
        gathered: &mut Gathered,
        row: &mut NewNotification,
        over: Option<&Map<String, Value>>,
    ) -> bool {
        let mut digest = Digest::default();
        if gathered.is_digest() {
            let Ok(told) = Digest::read(&gathered.leaves.incentive_data) else {
                return false;
            };
            digest = told;
        } else {
            digest.add(part_of(&gathered.leaves));
        }
        if digest.parts().len() >= self.max_parts {
            return false;
        }
        digest.add(part_of(row));
        if !gathered.is_digest() {
            let mut first = gathered.leaves.clone();
            let new = begin(&first, over);
            digested(&mut first, &new.event_id, None);
            gathered.begin(new, first);
        }
        digested(row, &gathered.leaves.event_id, over);
        // It is due with it, so that it is not removed before it.
        row.scheduled_at = gathered.leaves.scheduled_at;
        // Whom it is for is best known from the newest.
        let told = &mut gathered.leaves;
        told.priority = told.priority.max(row.priority);
        told.language.clone_from(&row.language);
        told.timezone = row.timezone.clone().or(told.timezone.take());
        told.device_type = row.device_type.clone().or(told.device_type.take());
        self.tell(told, &digest);
        true
    }

    /// Puts the digest into words. Where there are none any more, those stay that it has.
    fn tell(&self, row: &mut NewNotification, digest: &Digest) {
        let data = digest.to_data();
        let reader = Reader {
            user_id: row.user_id,
            language: Some(&row.language),
        };
        if let Some(words) = self.words.digest(reader, row.incentive_type, &data) {
            row.message_title = words.title;
            row.message_body = words.body;
            row.language = words.language;
        }
        row.incentive_data = Value::Object(data).to_string();
    }
}

impl Retelling for Teller {
    fn without(&self, mut row: NewNotification, event_id: &str) -> Option<NewNotification> {
        let Ok(mut digest) = Digest::read(&row.incentive_data) else {
            return Some(row);
        };
        digest.remove(event_id);
        if digest.parts().is_empty() {
            return None;
        }
        self.tell(&mut row, &digest);
        Some(row)
    }
}

/// A digest that leaves instead of its first part, where it is for the cap that its parts are `over`.
fn begin(first: &NewNotification, over: Option<&Map<String, Value>>) -> NewNotification {
    let mut detail = detail("first", &first.event_id, over);
    if let Some(due) = &first.scheduled_at {
        detail.insert("held_until".to_owned(), time::format(due).into());
    }
    NewNotification {
        event_id: event_id(first),
        variant: None,
        beginning: vec![Beginning {
            kind: HistoryKind::Held,
            detail,
        }],
        ..first.clone()
    }
}

/// Another one where the event comes again after its first row was removed: the digest of that may still be there.
fn event_id(first: &NewNotification) -> String {
    let due = first
        .scheduled_at
        .map(|at| at.timestamp_millis())
        .unwrap_or_default();
    let of = format!(
        "{}/{}/{}/{due}",
        first.user_id, first.incentive_type, first.event_id
    );
    let mut id = String::from("digest-");
    for byte in &Sha256::digest(of)[..16] {
        // Writing to a String doesn't fail.
        let _ = write!(id, "{byte:02x}");
    }
    id
}

/// A digest tells of it.
fn digested(row: &mut NewNotification, digest: &str, over: Option<&Map<String, Value>>) {
    row.status = Status::Digested;
    row.digest_event_id = Some(digest.to_owned());
    row.beginning.push(Beginning {
        kind: HistoryKind::Digested,
        detail: detail("digest", digest, over),
    });
}

/// For the history: the rule, the event that it is about under the name of what that is, and the cap it is for.
fn detail(what: &str, event: &str, over: Option<&Map<String, Value>>) -> Map<String, Value> {
    let mut detail = Map::new();
    detail.insert("rule".to_owned(), DIGEST.into());
    detail.insert(what.to_owned(), event.into());
    if let Some(over) = over {
        detail.insert("over".to_owned(), over.clone().into());
    }
    detail
}

fn part_of(row: &NewNotification) -> DigestPart {
    let data: Map<String, Value> = serde_json::from_str(&row.incentive_data).unwrap_or_default();
    DigestPart {
        event_id: row.event_id.clone(),
        points: arguments::points(&data),
        occurred_at: row.occurred_at,
    }
}
