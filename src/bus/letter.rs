//! A dead letter as it is seen, and as JSON shows it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Serialize, Serializer};

use super::Record;
use crate::contract::{Mentioned, NO_KEY_HEADER, PutAside, is_dead_letter_header, time};

/// A dead letter.
///
/// As JSON it is one flat object: its place, what is said of it, what its content mentions, its content. Bytes are text
/// where they are UTF-8 (`key`, `payload`, a header's `value`), else base64 (`key_base64`, `payload_base64`,
/// `value_base64`).
#[derive(Clone, Debug, PartialEq)]
pub struct Letter {
    /// Where it stands in the dead-letter topic, its key, its value, and its own headers: those that are not ours.
    pub record: Record,
    /// What our headers say.
    pub put_aside: PutAside,
}

impl Letter {
    /// The letter in a record of a dead-letter topic.
    pub(super) fn new(mut record: Record) -> Self {
        let put_aside = PutAside::from_headers(|name| record.header(name));
        if record.header(NO_KEY_HEADER).is_some() {
            record.key = None;
        }
        record.headers.retain(|(name, _)| !is_dead_letter_header(name));
        Self { record, put_aside }
    }

    /// Its place, `topic/partition/offset`.
    #[must_use]
    pub fn place(&self) -> String {
        let Record {
            topic,
            partition,
            offset,
            ..
        } = &self.record;
        format!("{topic}/{partition}/{offset}")
    }

    /// Whom it is about, where that can be read.
    #[must_use]
    pub fn mentioned(&self) -> Mentioned {
        self.record
            .payload
            .as_deref()
            .map(Mentioned::in_payload)
            .unwrap_or_default()
    }
}

impl Serialize for Letter {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Seen<'a> {
            topic: &'a str,
            partition: i32,
            offset: i64,
            timestamp: Option<String>,
            #[serde(flatten)]
            put_aside: &'a PutAside,
            #[serde(flatten)]
            mentioned: Mentioned,
            key: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            key_base64: Option<String>,
            payload: Option<&'a str>,
            #[serde(skip_serializing_if = "Option::is_none")]
            payload_base64: Option<String>,
            headers: Vec<SeenHeader<'a>>,
        }
        let record = &self.record;
        let (key, key_base64) = shown(record.key.as_deref());
        let (payload, payload_base64) = shown(record.payload.as_deref());
        Seen {
            topic: &record.topic,
            partition: record.partition,
            offset: record.offset,
            timestamp: record.timestamp.as_ref().map(time::format),
            put_aside: &self.put_aside,
            mentioned: self.mentioned(),
            key,
            key_base64,
            payload,
            payload_base64,
            headers: record
                .headers
                .iter()
                .map(|(name, value)| {
                    let (value, value_base64) = shown(value.as_deref());
                    SeenHeader {
                        name,
                        value,
                        value_base64,
                    }
                })
                .collect(),
        }
        .serialize(to)
    }
}

#[derive(Serialize)]
struct SeenHeader<'a> {
    name: &'a str,
    value: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    value_base64: Option<String>,
}

/// Bytes as text, or else as base64.
fn shown(bytes: Option<&[u8]>) -> (Option<&str>, Option<String>) {
    match bytes.map(|bytes| (bytes, std::str::from_utf8(bytes))) {
        None => (None, None),
        Some((_, Ok(text))) => (Some(text), None),
        Some((bytes, Err(_))) => (None, Some(STANDARD.encode(bytes))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bytes_that_are_no_text_are_base64_in_json() {
        let letter = Letter::new(Record {
            topic: "incentive.events.dlq".to_owned(),
            partition: 1,
            offset: 7,
            key: Some(b"42".to_vec()),
            payload: Some(vec![0xff, 0xfe]),
            headers: vec![
                ("dlq-reason".to_owned(), Some(b"invalid_json".to_vec())),
                ("trace".to_owned(), Some(b"a".to_vec())),
                ("trace".to_owned(), None),
            ],
            timestamp: None,
        });
        let seen = serde_json::to_value(&letter).expect("JSON");
        assert_eq!(seen["reason"], "invalid_json");
        assert_eq!((&seen["key"], seen.get("key_base64")), (&json!("42"), None));
        assert_eq!(
            (&seen["payload"], &seen["payload_base64"]),
            (&json!(null), &json!("//4="))
        );
        assert_eq!(
            seen["headers"],
            json!([{ "name": "trace", "value": "a" }, { "name": "trace", "value": null }])
        );
    }
}
