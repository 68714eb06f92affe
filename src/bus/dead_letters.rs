//! Putting aside what cannot be used, with the reason.

use chrono::Utc;

use super::{BusError, Cluster, Outgoing, Producer, Record};
use crate::contract::{DeadLetter, Rejection, is_dead_letter_header};

/// Writes dead letters to one topic.
pub struct DeadLetters {
    cluster: Cluster,
    topic: String,
    producer: Producer,
}

impl DeadLetters {
    /// For the dead letters of one topic.
    ///
    /// # Errors
    /// [`BusError::Refused`] where the client's properties are wrong.
    pub fn new(cluster: &Cluster, topic: String) -> Result<Self, BusError> {
        Ok(Self {
            cluster: cluster.clone(),
            topic,
            producer: Producer::new(cluster)?,
        })
    }

    /// Writes the records as they came, with the reasons as headers, and waits until the broker has them all.
    ///
    /// # Errors
    /// If one was not acknowledged; then call again with all: a dead letter may be there twice, but none is lost.
    pub async fn put_aside(&mut self, letters: &[(&Record, Rejection)]) -> Result<(), BusError> {
        if letters.is_empty() {
            return Ok(());
        }
        if self.producer.is_spent() {
            self.producer = Producer::new(&self.cluster)?;
        }
        let now = Utc::now();
        let records = letters
            .iter()
            .map(|(record, rejection)| {
                // The reasons of an earlier life would contradict the new ones.
                let kept = record
                    .headers
                    .iter()
                    .filter(|(name, _)| !is_dead_letter_header(name))
                    .cloned();
                let reasons = DeadLetter {
                    rejection,
                    topic: &record.topic,
                    partition: record.partition,
                    offset: record.offset,
                    timestamp: record.timestamp,
                    failed_at: now,
                }
                .headers();
                Outgoing {
                    key: record.key.clone(),
                    payload: record.payload.clone(),
                    headers: kept
                        .chain(
                            reasons
                                .into_iter()
                                .map(|(name, value)| (name.to_owned(), Some(value.into_bytes()))),
                        )
                        .collect(),
                }
            })
            .collect();
        match self.producer.send(&self.topic, records).await?.into_iter().next() {
            None => {
                for (record, rejection) in letters {
                    tracing::warn!(
                        topic = record.topic,
                        partition = record.partition,
                        offset = record.offset,
                        reason = rejection.reason.as_str(),
                        "a record is put aside"
                    );
                    metrics::counter!("inq_dead_letters_total", "reason" => rejection.reason.as_str())
                        .increment(1);
                }
                Ok(())
            }
            Some((_, error)) => Err(error),
        }
    }
}
