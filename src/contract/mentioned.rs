//! Whom a message is about, read even from one that is refused.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::whole;

/// The longest event id that is read, in bytes: twice what 128 characters can take.
const LONGEST: usize = 1024;

/// The names in a message, where they can be read: nothing else of it was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Mentioned {
    /// Of an event.
    pub event_id: Option<String>,
    /// Of a result.
    pub notification_id: Option<i64>,
}

impl Mentioned {
    /// Those in a record's value; none where it is no JSON object.
    #[must_use]
    pub fn in_payload(payload: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Wire {
            event_id: Option<Value>,
            notification_id: Option<Value>,
        }
        let Ok(wire) = serde_json::from_slice::<Wire>(payload) else {
            return Self::default();
        };
        Self {
            event_id: wire
                .event_id
                .as_ref()
                .and_then(Value::as_str)
                .filter(|id| id.len() <= LONGEST)
                .map(str::to_owned),
            notification_id: wire.notification_id.as_ref().and_then(integer),
        }
    }
}

fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().and_then(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(payload: &str) -> (Option<String>, Option<i64>) {
        let found = Mentioned::in_payload(payload.as_bytes());
        (found.event_id, found.notification_id)
    }

    #[test]
    fn a_refused_message_still_has_its_names() {
        let event = r#"{"event_id":"e-1","priority":7,"user_id":"x"}"#;
        assert_eq!(names(event), (Some("e-1".to_owned()), None));
        assert_eq!(names(r#"{"notification_id":17}"#), (None, Some(17)));
        assert_eq!(names(r#"{"notification_id":17.0}"#), (None, Some(17)));
    }

    #[test]
    fn what_is_no_name_is_none() {
        assert_eq!(names(r#"{"event_id":7,"notification_id":"17"}"#), (None, None));
        assert_eq!(names("{\"event_id\":\"e-1\""), (None, None));
        let endless = format!(r#"{{"event_id":"{}"}}"#, "x".repeat(LONGEST + 1));
        assert_eq!(names(&endless), (None, None));
    }
}
