//! Types of which a user does not want to be notified.

use serde_json::{Map, Value, json};

use crate::contract::{IncentiveType, Preference, time};

/// The name of the rule in histories.
pub const RULE: &str = "opted_out_types";

/// For the history, if the user has opted out of the type: the rule, and since when it applies.
#[must_use]
pub fn opted_out(preference: Option<&Preference>, kind: IncentiveType) -> Option<Map<String, Value>> {
    let preference = preference.filter(|preference| preference.has_opted_out_of(kind))?;
    let since = time::format(&preference.updated_at);
    match json!({ "rule": RULE, "of": super::hold::OF_USER, "since": since }) {
        Value::Object(detail) => Some(detail),
        _ => None,
    }
}
