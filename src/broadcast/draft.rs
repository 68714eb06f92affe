//! The event of a broadcast before it has readers: checked once, completed for each of them.

use serde_json::{Map, Value};

use crate::contract::{IncentiveEvent, Reason, Rejection};
use crate::store::Broadcast;

/// An event without `event_id` and `user_id` that is right for every reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// A JSON object without blanks around its members; never empty.
    text: String,
}

impl Draft {
    /// Reads an event that is right once it has an `event_id` and a `user_id`, whatever they are.
    ///
    /// # Errors
    /// As [`IncentiveEvent::decode`], and where it says whom it is for, or its own id.
    pub fn read(text: &[u8], max_bytes: usize) -> Result<Self, Rejection> {
        let Ok(members) = serde_json::from_slice::<Map<String, Value>>(text) else {
            // It has the better words.
            let refused = IncentiveEvent::decode(Some(text), max_bytes).err();
            return Err(
                refused.unwrap_or_else(|| Rejection::new(Reason::InvalidJson, "must be a JSON object"))
            );
        };
        for name in ["event_id", "user_id"] {
            if members.contains_key(name) {
                return Err(Rejection::of_field(
                    name,
                    "must be left out: a broadcast makes one for each reader",
                ));
            }
        }
        let draft = Self {
            text: Value::Object(members).to_string(),
        };
        if draft.text == "{}" {
            let nothing = br#"{"event_id":"broadcast","user_id":1}"#;
            IncentiveEvent::decode(Some(nothing), max_bytes)?;
        }
        IncentiveEvent::decode(Some(draft.event(i64::MAX, i64::MAX).as_bytes()), max_bytes)?;
        Ok(draft)
    }

    /// The event of a broadcast that was started.
    #[must_use]
    pub fn of(broadcast: &Broadcast) -> Self {
        Self {
            text: broadcast.event.get().to_owned(),
        }
    }

    /// As the store keeps it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The event for one reader. To make it again makes the same one.
    #[must_use]
    pub fn event(&self, broadcast: i64, user_id: i64) -> String {
        format!(
            r#"{{"event_id":"{}","user_id":{user_id},{}"#,
            event_id(broadcast, user_id),
            self.text.trim_start_matches('{')
        )
    }
}

/// The id of the event that a broadcast makes for a reader.
#[must_use]
pub fn event_id(broadcast: i64, user_id: i64) -> String {
    format!("broadcast:{broadcast}:{user_id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 10_000;

    fn refused(text: &str) -> (Option<String>, String) {
        let rejection = Draft::read(text.as_bytes(), MAX).unwrap_err();
        (rejection.field, rejection.detail)
    }

    #[test]
    fn each_reader_gets_an_event_of_the_contract_always_the_same() {
        let text =
            r#" { "priority": 2, "incentive_type": "bonus_opportunity", "incentive_data": {"a": [1]} } "#;
        let draft = Draft::read(text.as_bytes(), MAX).unwrap();
        let event = IncentiveEvent::decode(Some(draft.event(7, 42).as_bytes()), MAX).unwrap();
        assert_eq!((event.event_id.as_str(), event.user_id), ("broadcast:7:42", 42));
        assert_eq!(event.priority.unwrap().get(), 2);
        assert_eq!(event.incentive_data["a"][0], 1);
        assert_eq!(draft.event(7, 42), draft.event(7, 42));
        let stored = Draft::read(draft.text().as_bytes(), MAX).unwrap();
        assert_eq!(stored, draft, "what is stored reads as what was said");
    }

    #[test]
    fn what_would_be_a_dead_letter_is_refused_with_the_field() {
        for (text, field) in [
            ("{", None),
            ("[]", None),
            ("{}", Some("incentive_type")),
            (r#"{"incentive_type":"points"}"#, Some("incentive_type")),
            (
                r#"{"incentive_type":"streak_reward","priority":7}"#,
                Some("priority"),
            ),
            (
                r#"{"incentive_type":"streak_reward","user_id":42}"#,
                Some("user_id"),
            ),
            (
                r#"{"incentive_type":"streak_reward","event_id":"e"}"#,
                Some("event_id"),
            ),
        ] {
            let (found, detail) = refused(text);
            assert_eq!(found.as_deref(), field, "{text}: {detail}");
        }
    }

    #[test]
    fn the_longest_ids_fit_into_the_longest_event() {
        let text = r#"{"incentive_type":"streak_reward"}"#;
        let longest = Draft::read(text.as_bytes(), MAX)
            .unwrap()
            .event(i64::MAX, i64::MAX)
            .len();
        assert!(Draft::read(text.as_bytes(), longest).is_ok());
        let refused = Draft::read(text.as_bytes(), longest - 1).unwrap_err();
        assert_eq!(refused.reason, Reason::TooLarge);
    }
}
