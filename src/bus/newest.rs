//! The newest of what is seen, in bounded memory.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Letter;

/// By time, then by place; what has no time is the oldest.
type Age = (Option<DateTime<Utc>>, i32, i64);

/// Keeps the newest letters, whatever the order in which they come. Of each partition it keeps those from an offset up and
/// none below, so that what is left can be told by that offset alone, even where times and offsets disagree.
pub(super) struct Newest {
    limit: usize,
    max_bytes: usize,
    count: usize,
    bytes: usize,
    letters: BTreeMap<i32, BTreeMap<i64, Letter>>,
    /// By partition, the highest offset of a letter that had to go.
    gone: BTreeMap<i32, i64>,
}

impl Newest {
    pub const fn new(limit: usize, max_bytes: usize) -> Self {
        Self {
            limit,
            max_bytes,
            count: 0,
            bytes: 0,
            letters: BTreeMap::new(),
            gone: BTreeMap::new(),
        }
    }

    pub fn offer(&mut self, letter: Letter) {
        let (partition, offset) = (letter.record.partition, letter.record.offset);
        if self.gone.get(&partition).is_some_and(|gone| offset < *gone) {
            return;
        }
        self.count += 1;
        self.bytes += letter.record.size();
        self.letters.entry(partition).or_default().insert(offset, letter);
        // One is kept, however long it is.
        while self.count > self.limit || (self.bytes > self.max_bytes && self.count > 1) {
            let Some((_, partition, offset)) = self.oldest() else {
                return;
            };
            self.gone.insert(partition, offset);
            self.take(partition, offset);
        }
    }

    /// The oldest of the lowest of each partition.
    fn oldest(&self) -> Option<Age> {
        let lowest = self.letters.iter().filter_map(|(partition, letters)| {
            let (offset, letter) = letters.first_key_value()?;
            Some((letter.record.timestamp, *partition, *offset))
        });
        lowest.min()
    }

    fn take(&mut self, partition: i32, offset: i64) {
        let letters = self.letters.get_mut(&partition);
        if let Some(letter) = letters.and_then(|letters| letters.remove(&offset)) {
            self.count -= 1;
            self.bytes -= letter.record.size();
        }
    }

    /// As if nothing of a partition below this offset had been offered.
    pub fn forget_below(&mut self, partition: i32, end: i64) {
        let offsets: Vec<i64> = self
            .letters
            .get(&partition)
            .map(|letters| letters.range(..end).map(|(offset, _)| *offset).collect())
            .unwrap_or_default();
        for offset in offsets {
            self.take(partition, offset);
        }
    }

    /// The offset below which letters of a partition had to go; `None`: none had to.
    pub fn left_below(&self, partition: i32) -> Option<i64> {
        self.gone.get(&partition).map(|gone| gone + 1)
    }

    /// Whether nothing of that time or before it would be kept.
    pub fn is_beyond(&self, time: Option<DateTime<Utc>>) -> bool {
        !self.gone.is_empty() && self.oldest().is_some_and(|(oldest, ..)| time < oldest)
    }

    /// The newest first.
    pub fn into_letters(self) -> Vec<Letter> {
        let mut letters: Vec<Letter> = self
            .letters
            .into_values()
            .flat_map(BTreeMap::into_values)
            .collect();
        letters.sort_by_key(|letter| {
            let record = &letter.record;
            Reverse((record.timestamp, record.partition, record.offset))
        });
        letters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bus::Record;

    fn of(partition: i32, offset: i64, millis: i64, bytes: usize) -> Letter {
        Letter::new(Record {
            topic: String::new(),
            partition,
            offset,
            key: None,
            payload: Some(vec![b'x'; bytes]),
            headers: Vec::new(),
            timestamp: DateTime::from_timestamp_millis(millis),
        })
    }

    fn letter(millis: i64, bytes: usize) -> Letter {
        of(0, millis, millis, bytes)
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
        assert_eq!(newest.left_below(0), Some(3));
        assert_eq!(kept(newest), [4, 3]);
    }

    #[test]
    fn long_letters_leave_room_for_fewer_but_never_for_none() {
        let mut newest = Newest::new(10, 5000);
        for time in 1..=4 {
            newest.offer(letter(time, 2000));
        }
        assert_eq!(newest.left_below(0), Some(3));
        assert_eq!(kept(newest), [4, 3]);
        let mut newest = Newest::new(10, 5000);
        newest.offer(letter(1, 9000));
        assert_eq!(newest.left_below(0), None);
        assert_eq!(kept(newest), [1]);
    }

    /// Whoever wrote offset 2 had a clock that is behind.
    #[test]
    fn what_is_kept_of_a_partition_has_no_gap_whatever_the_clocks_say() {
        let mut newest = Newest::new(2, usize::MAX);
        for (offset, millis) in [(0, 50), (1, 60), (2, 10), (3, 70)] {
            newest.offer(of(0, offset, millis, 1));
        }
        newest.offer(of(1, 0, 5, 1));
        assert_eq!((newest.left_below(0), newest.left_below(1)), (Some(2), Some(1)));
        assert_eq!(kept(newest), [3, 2]);
    }

    #[test]
    fn what_was_read_in_part_is_forgotten() {
        let mut newest = Newest::new(10, usize::MAX);
        for time in [7, 8, 3, 4] {
            newest.offer(letter(time, 1));
        }
        newest.forget_below(0, 7);
        newest.forget_below(1, 7);
        assert_eq!(kept(newest), [8, 7]);
    }
}
