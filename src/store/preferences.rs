//! What readers want, as far as every database has it alike.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::{Result, StoreError};
use crate::contract::{Preference, PreferenceChange};

/// What readers want, by user; who has said nothing or was forgotten is not there.
pub type Preferences = BTreeMap<i64, Preference>;

/// The newest change of each user, in the order of the users.
pub(super) fn newest(changes: &[PreferenceChange]) -> Vec<&PreferenceChange> {
    let mut newest: BTreeMap<i64, &PreferenceChange> = BTreeMap::new();
    for change in changes {
        let kept = newest.entry(change.user_id).or_insert(change);
        if change.goes_before(kept) {
            *kept = change;
        }
    }
    newest.into_values().collect()
}

/// Who asks for those that an empty record forgets.
pub(super) const BY_TOPIC: &str = "the preferences topic";

/// Those whom the changes forget, each as of the last time: who has said something after it is forgotten until then.
pub(super) fn forgotten(changes: &[PreferenceChange]) -> BTreeMap<i64, DateTime<Utc>> {
    let mut forgotten = BTreeMap::new();
    for change in changes.iter().filter(|change| change.preference.is_none()) {
        let as_of = forgotten.entry(change.user_id).or_insert(change.updated_at);
        *as_of = change.updated_at.max(*as_of);
    }
    forgotten
}

/// What a row holds.
pub(super) fn read(text: &str) -> Result<Preference> {
    Preference::decode(Some(text.as_bytes()), usize::MAX)
        .map_err(|fault| StoreError::Unexpected(format!("column preference: {}", fault.detail)))
}
