//! The newest of what is seen, in bounded memory.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Letter;

/// By time, then by place; what has no time is the oldest.
type Age = (Option<DateTime<Utc>>, i32, i64);

/// Keeps the newest letters, whatever the order in which they come.
pub(super) struct Newest {
    limit: usize,
    max_bytes: usize,
    bytes: usize,
    letters: BTreeMap<Age, Letter>,
    /// Whether one had to go: what is older than all that are here need not be looked at.
    pub overflowed: bool,
}

impl Newest {
    pub const fn new(limit: usize, max_bytes: usize) -> Self {
        Self {
            limit,
            max_bytes,
            bytes: 0,
            letters: BTreeMap::new(),
            overflowed: false,
        }
    }

    pub fn offer(&mut self, letter: Letter) {
        let record = &letter.record;
        self.bytes += record.size();
        self.letters
            .insert((record.timestamp, record.partition, record.offset), letter);
        // One is kept, however long it is.
        while self.letters.len() > self.limit || (self.bytes > self.max_bytes && self.letters.len() > 1) {
            self.overflowed = true;
            if let Some((_, oldest)) = self.letters.pop_first() {
                self.bytes -= oldest.record.size();
            }
        }
    }

    /// Whether nothing of that time or before it would be kept.
    pub fn is_beyond(&self, time: Option<DateTime<Utc>>) -> bool {
        let oldest = self.letters.first_key_value().map(|((oldest, ..), _)| *oldest);
        self.overflowed && oldest.is_some_and(|oldest| time < oldest)
    }

    /// The newest first.
    pub fn into_letters(self) -> Vec<Letter> {
        self.letters.into_values().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Record;

    fn letter(millis: i64, bytes: usize) -> Letter {
        Letter::new(Record {
            topic: String::new(),
            partition: 0,
            offset: millis,
            key: None,
            payload: Some(vec![b'x'; bytes]),
            headers: Vec::new(),
            timestamp: DateTime::from_timestamp_millis(millis),
        })
    }

    fn kept(newest: Newest) -> Vec<i64> {
        let letters = newest.into_letters();
        letters.iter().map(|letter| letter.record.offset).collect()
    }

    #[test]
    fn the_newest_are_kept_in_whatever_order_they_come() {
        let mut newest = Newest::new(2, usize::MAX);
        for time in [3, 1, 4, 2] {
            newest.offer(letter(time, 1));
        }
        assert!(newest.is_beyond(DateTime::from_timestamp_millis(2)));
        assert!(!newest.is_beyond(DateTime::from_timestamp_millis(3)));
        assert_eq!(kept(newest), [4, 3]);
    }

    #[test]
    fn long_letters_leave_room_for_fewer_but_never_for_none() {
        let mut newest = Newest::new(10, 5000);
        for time in 1..=4 {
            newest.offer(letter(time, 2000));
        }
        assert!(newest.overflowed);
        assert_eq!(kept(newest), [4, 3]);
        let mut newest = Newest::new(10, 5000);
        newest.offer(letter(1, 9000));
        assert!(!newest.overflowed);
        assert_eq!(kept(newest), [1]);
    }
}
