//! Dead letters go back to where they came from.
//!
//! What would be put aside again is refused first, by the same checks as at its first coming. Going back twice is harmless:
//! an event that has its row, and a result that was applied, change nothing.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use thiserror::Error;

use crate::bus::{BusError, Cluster, Letter, Outgoing, Producer, Record};
use crate::config::TopicSettings;
use crate::contract::{DeliveryResult, PreferenceChange, Rejection};
use crate::ingest::Planner;
use crate::service::missing_topics;

/// How long brokers may take to answer at the beginning.
const PATIENCE: Duration = Duration::from_secs(10);

/// Puts dead letters back. One can be used for as many letters as there are, by many at a time.
pub struct Replay {
    cluster: Cluster,
    producer: Mutex<Producer>,
    events: String,
    results: String,
    preferences: Option<String>,
    planner: Planner,
}

/// What the records of a topic are.
#[derive(Clone, Copy)]
enum Of {
    Events,
    Results,
    Preferences,
}

/// With which content a letter goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Its own, if it passes the checks.
    Own,
    /// Its own, whatever the checks say.
    OwnUnchecked,
    /// This value instead, if it passes the checks.
    Corrected(Vec<u8>),
}

/// Why a letter does not go back.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// Its headers are missing or mangled.
    #[error("it does not say where it came from (dlq-topic, dlq-partition, dlq-offset)")]
    NoOrigin,
    /// Nothing of ours reads the topic that it names.
    #[error(
        "it came from {found}, and goes back only to topics.events ({events}), topics.results ({results}) or \
         topics.preferences, where that is set"
    )]
    Elsewhere {
        /// Where it came from.
        found: String,
        /// The events topic.
        events: String,
        /// The results topic.
        results: String,
    },
    /// Its own content is not there as a whole.
    #[error("only the beginning of its {length} bytes was kept: give the corrected payload")]
    Cut {
        /// How long it was, in bytes.
        length: u64,
    },
    /// The checks find what they have found before.
    #[error("it would come back as a dead letter: {0}")]
    WouldComeBack(Rejection),
    /// The checks find something in the corrected value.
    #[error("the corrected payload would become a dead letter: {0}")]
    WronglyCorrected(Rejection),
    /// The broker does not take it.
    #[error("{topic} takes no record of {bytes} bytes: raise its max.message.bytes, or correct the payload")]
    TooLarge {
        /// Where it was to go.
        topic: String,
        /// How long its value is.
        bytes: usize,
    },
}

/// A letter that may go back.
#[derive(Clone, Debug, PartialEq)]
pub struct Prepared {
    /// Where it goes.
    pub topic: String,
    /// As it goes there: its key, its own headers, and what it is to say.
    pub record: Outgoing,
}

impl Replay {
    /// Reaches the brokers. `planner` checks events as ingest does, and its longest event is the longest result too.
    ///
    /// # Errors
    /// [`BusError::Away`] if no broker answers, [`BusError::Refused`] if they refuse us or lack the topics.
    pub async fn open(cluster: &Cluster, topics: &TopicSettings, planner: Planner) -> Result<Self, BusError> {
        let seen = cluster.look(PATIENCE).await?;
        let read = [&topics.events, &topics.results];
        let missing = seen.missing(read.into_iter().chain(&topics.preferences).map(String::as_str));
        if !missing.is_empty() {
            return Err(BusError::Refused(missing_topics(&missing, cluster.brokers())));
        }
        Ok(Self {
            cluster: cluster.clone(),
            producer: Mutex::new(Producer::new(cluster)?),
            events: topics.events.clone(),
            results: topics.results.clone(),
            preferences: topics.preferences.clone(),
            planner,
        })
    }

    /// What would go back, and where; nothing is written.
    ///
    /// # Errors
    /// With what speaks against it.
    pub fn prepare(&self, letter: Letter, content: Content) -> Result<Prepared, Refusal> {
        let Letter {
            mut record,
            put_aside,
        } = letter;
        let topic = put_aside.origin.ok_or(Refusal::NoOrigin)?.topic;
        let of = self.of(&topic).ok_or_else(|| Refusal::Elsewhere {
            found: topic.clone(),
            events: self.events.clone(),
            results: self.results.clone(),
        })?;
        // As it will be read: it gets a new time.
        record.timestamp = Some(Utc::now());
        match (content, put_aside.cut_from) {
            (Content::Corrected(payload), _) => {
                record.payload = Some(payload);
                self.check(&record, of).map_err(Refusal::WronglyCorrected)?;
            }
            (_, Some(length)) => return Err(Refusal::Cut { length }),
            (Content::Own, None) => self.check(&record, of).map_err(Refusal::WouldComeBack)?,
            (Content::OwnUnchecked, None) => {}
        }
        Ok(Prepared {
            topic,
            record: Outgoing {
                key: record.key,
                payload: record.payload,
                headers: record.headers,
            },
        })
    }

    /// What the records of a topic are; `None` where nothing of ours reads it.
    fn of(&self, topic: &str) -> Option<Of> {
        if topic == self.events {
            Some(Of::Events)
        } else if topic == self.results {
            Some(Of::Results)
        } else {
            (Some(topic) == self.preferences.as_deref()).then_some(Of::Preferences)
        }
    }

    fn check(&self, record: &Record, of: Of) -> Result<(), Rejection> {
        let (key, payload) = (record.key.as_deref(), record.payload.as_deref());
        let (now, longest) = (Utc::now(), self.planner.max_event_bytes);
        match of {
            Of::Events => self.planner.read(record, now).map(drop),
            Of::Results => DeliveryResult::decode(payload, longest).map(drop),
            Of::Preferences => PreferenceChange::decode(key, payload, now, longest).map(drop),
        }
    }

    /// Puts the letters back, and waits until the broker has them all. By their positions, what became of each.
    ///
    /// # Errors
    /// If one was not acknowledged; others may be there. Then put all back again: twice is harmless.
    pub async fn put_back(&self, letters: Vec<Prepared>) -> Result<Vec<Result<(), Refusal>>, BusError> {
        let producer = self.producer()?;
        let mut became = vec![Ok(()); letters.len()];
        for topic in [&self.events, &self.results].into_iter().chain(&self.preferences) {
            let (positions, records): (Vec<usize>, Vec<Outgoing>) = letters
                .iter()
                .enumerate()
                .filter(|(_, letter)| letter.topic == *topic)
                .map(|(position, letter)| (position, letter.record.clone()))
                .unzip();
            if records.is_empty() {
                continue;
            }
            for unsent in producer.send(topic, records).await? {
                if !unsent.too_large {
                    return Err(unsent.error);
                }
                let position = positions[unsent.index];
                became[position] = put_back_alone(&producer, &letters[position]).await?;
            }
        }
        Ok(became)
    }

    /// One that works: what has ended itself is made anew.
    fn producer(&self) -> Result<Producer, BusError> {
        let mut producer = self.producer.lock().unwrap_or_else(PoisonError::into_inner);
        if producer.is_spent() {
            *producer = Producer::new(&self.cluster)?;
        }
        Ok(producer.clone())
    }
}

/// The broker refuses a request as a whole when one record in it is too long: alone, the others pass.
async fn put_back_alone(producer: &Producer, letter: &Prepared) -> Result<Result<(), Refusal>, BusError> {
    let sent = producer.send(&letter.topic, vec![letter.record.clone()]).await?;
    match sent.into_iter().next() {
        None => Ok(Ok(())),
        Some(unsent) if unsent.too_large => Ok(Err(Refusal::TooLarge {
            topic: letter.topic.clone(),
            bytes: letter.record.payload.as_ref().map_or(0, Vec::len),
        })),
        Some(unsent) => Err(unsent.error),
    }
}
