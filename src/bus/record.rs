//! A record as it comes, and a record to be sent.

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::{DateTime, Datelike, Utc};
use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Header, Headers, OwnedHeaders};

/// A record as it came from the broker.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its topic.
    pub topic: String,
    /// Its partition.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its key, if it has one.
    pub key: Option<Vec<u8>>,
    /// Its value; a record without one is a tombstone.
    pub payload: Option<Vec<u8>>,
    /// Its headers, in order, repeats included; those whose names are not UTF-8 are lost.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
    /// Its time, where the broker keeps one that is within the years 1970 to 9999: a producer can send any.
    pub timestamp: Option<DateTime<Utc>>,
}

impl Record {
    pub(super) fn from_message(message: &BorrowedMessage<'_>) -> Self {
        let headers = message.headers().map_or_else(Vec::new, |headers| {
            (0..headers.count())
                .filter_map(|index| header(headers, index))
                .collect()
        });
        Self {
            topic: message.topic().to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            payload: message.payload().map(<[u8]>::to_vec),
            headers,
            timestamp: message
                .timestamp()
                .to_millis()
                .and_then(DateTime::from_timestamp_millis)
                .filter(|time| (1970..=9999).contains(&time.year())),
        }
    }

    /// The value of the last header of that name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .and_then(|(_, value)| value.as_deref())
    }

    /// The bytes that it occupies here, roughly.
    #[must_use]
    pub fn size(&self) -> usize {
        const OVERHEAD: usize = 256;
        let headers: usize = self
            .headers
            .iter()
            .map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len))
            .sum();
        OVERHEAD + self.key.as_ref().map_or(0, Vec::len) + self.payload.as_ref().map_or(0, Vec::len) + headers
    }
}

/// A header; `None` where its name is not UTF-8, which the protocol demands and no broker checks. rdkafka panics there,
/// and would again for the same record after every start.
fn header(headers: &impl Headers, index: usize) -> Option<(String, Option<Vec<u8>>)> {
    catch_unwind(AssertUnwindSafe(|| {
        let header = headers.get(index);
        (header.key.to_owned(), header.value.map(<[u8]>::to_vec))
    }))
    .ok()
}

/// A record to be sent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outgoing {
    /// Decides the partition, as Java's default partitioner does.
    pub key: Option<Vec<u8>>,
    /// The value.
    pub payload: Option<Vec<u8>>,
    /// In order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Outgoing {
    pub(super) fn owned_headers(&self) -> OwnedHeaders {
        self.headers.iter().fold(
            OwnedHeaders::new_with_capacity(self.headers.len()),
            |headers, (key, value)| {
                headers.insert(Header {
                    key,
                    value: value.as_deref(),
                })
            },
        )
    }
}
