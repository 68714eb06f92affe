//! Putting aside what cannot be used, with the reason.

use chrono::{DateTime, Utc};

use super::{BusError, Cluster, Outgoing, Producer, Record};
use crate::contract::{DeadLetter, NO_KEY_HEADER, Reason, Rejection, is_dead_letter_header};
use crate::measures;

/// What is left of a value that no dead letter can hold; its place in `dlq-topic` still has the whole of it.
const KEPT_BYTES: usize = 16 * 1024;

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
        let letters = Self {
            cluster: cluster.clone(),
            topic,
            producer: Producer::new(cluster)?,
        };
        for reason in Reason::ALL {
            letters.count(reason, 0);
        }
        Ok(letters)
    }

    /// A record as it came, with the reasons as headers. A record without a key gets its place as the key, and a header that
    /// says so: a compacted topic takes nothing without a key, and a partition would stand still at it.
    #[must_use]
    pub fn letter(record: &Record, rejection: &Rejection, failed_at: DateTime<Utc>) -> Outgoing {
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
            failed_at,
        }
        .headers();
        let place = || format!("{}/{}/{}", record.topic, record.partition, record.offset);
        let no_key = record.key.is_none().then(|| (NO_KEY_HEADER, "true".to_owned()));
        Outgoing {
            key: Some(record.key.clone().unwrap_or_else(|| place().into_bytes())),
            payload: record.payload.clone(),
            headers: kept
                .chain(
                    reasons
                        .into_iter()
                        .chain(no_key)
                        .map(|(name, value)| (name.to_owned(), Some(value.into_bytes()))),
                )
                .collect(),
        }
    }

    /// Writes the records as they came, with the reasons as headers, and waits until the broker has them all. Of a record
    /// that is longer than the topic takes only the beginning is written, with its length in `dlq-cut-from`.
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
            .map(|(record, rejection)| Self::letter(record, rejection, now))
            .collect();
        for unsent in self.producer.send(&self.topic, records).await? {
            if !unsent.too_large {
                return Err(self.named(unsent.error));
            }
            let (record, rejection) = &letters[unsent.index];
            self.put_aside_alone(Self::letter(record, rejection, now)).await?;
        }
        for (record, rejection) in letters {
            tracing::warn!(
                topic = record.topic,
                partition = record.partition,
                offset = record.offset,
                reason = rejection.reason.as_str(),
                "a record is put aside"
            );
            self.count(rejection.reason, 1);
        }
        Ok(())
    }

    /// Of a refusal that does not pass, which topic it is about: the records behind this one wait until it is changed.
    fn named(&self, error: BusError) -> BusError {
        match error {
            BusError::Refused(why) => {
                BusError::Refused(format!("the topic {} takes no dead letters: {why}", self.topic))
            }
            passing => passing,
        }
    }

    fn count(&self, reason: Reason, letters: u64) {
        let counter = metrics::counter!(
            measures::DEAD_LETTERS.name,
            "topic" => self.topic.clone(),
            "reason" => reason.as_str()
        );
        counter.increment(letters);
    }

    /// The broker refuses a request as a whole when one record in it is too long: alone, the others pass. One that is
    /// too long even so leaves its beginning, and says where the whole of it is.
    async fn put_aside_alone(&self, whole: Outgoing) -> Result<(), BusError> {
        let cut = cut(whole.clone());
        for attempt in [whole, cut] {
            match self
                .producer
                .send(&self.topic, vec![attempt])
                .await?
                .into_iter()
                .next()
            {
                None => return Ok(()),
                Some(unsent) if unsent.too_large => {}
                Some(unsent) => return Err(self.named(unsent.error)),
            }
        }
        Err(BusError::Refused(format!(
            "the topic {} takes no record of {KEPT_BYTES} bytes: raise its max.message.bytes",
            self.topic
        )))
    }
}

/// The beginning of a dead letter, its own headers left out, and how long it was.
fn cut(mut letter: Outgoing) -> Outgoing {
    let length = letter.payload.as_ref().map_or(0, Vec::len);
    if let Some(payload) = &mut letter.payload {
        payload.truncate(KEPT_BYTES);
    }
    if let Some(key) = &mut letter.key {
        key.truncate(KEPT_BYTES);
    }
    letter.headers.retain(|(name, _)| is_dead_letter_header(name));
    letter
        .headers
        .push(("dlq-cut-from".to_owned(), Some(length.to_string().into_bytes())));
    letter
}
