//! Results that must wait for the claim of their row, so that they hold up nobody else.
//!
//! A partition's offset stays before the first result that waits. What is read behind it meanwhile is applied, and its
//! offset follows when the wait is over; should the partition move to another instance first, it is applied once more
//! there, and changes nothing.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use crate::bus::{Offsets, Record};

/// The most bytes of results that wait before no more are read.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// What waits, by partition.
#[derive(Default)]
pub(super) struct Held {
    partitions: BTreeMap<i32, VecDeque<Portion>>,
}

/// Results that were read together and wait, and the offsets behind the batch they came in.
struct Portion {
    waiting: Vec<Record>,
    offsets: Offsets,
    since: Instant,
}

impl Held {
    /// Keeps what waits of a partition's records, or stores the offsets behind them when neither these nor earlier ones
    /// wait.
    pub(super) fn keep(&mut self, partition: i32, waiting: Vec<Record>, offsets: Offsets) {
        match self.partitions.get_mut(&partition) {
            None if waiting.is_empty() => offsets.store(),
            // What was read before them waits: their offsets follow it.
            Some(portions) if waiting.is_empty() => {
                if let Some(last) = portions.back_mut() {
                    last.offsets = offsets;
                }
            }
            _ => self.partitions.entry(partition).or_default().push_back(Portion {
                waiting,
                offsets,
                since: Instant::now(),
            }),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.partitions.is_empty()
    }

    /// Whether so much waits that no more should be read.
    pub(super) fn is_full(&self) -> bool {
        let portions = self.partitions.values().flatten();
        portions
            .flat_map(|portion| &portion.waiting)
            .map(Record::size)
            .sum::<usize>()
            > MOST_BYTES
    }

    /// What has waited for less than `patience`, or for longer.
    pub(super) fn waiting(&self, patience: Duration, longer: bool) -> Vec<&Record> {
        self.partitions
            .values()
            .flatten()
            .filter(|portion| (portion.since.elapsed() >= patience) == longer)
            .flat_map(|portion| &portion.waiting)
            .collect()
    }

    /// Lets go of what waits no longer, and stores the offsets that are free by it. `done` holds partitions and offsets.
    pub(super) fn let_go(&mut self, done: &BTreeSet<(i32, i64)>) {
        for portions in self.partitions.values_mut() {
            for portion in portions.iter_mut() {
                portion
                    .waiting
                    .retain(|record| !done.contains(&(record.partition, record.offset)));
            }
            while portions.front().is_some_and(|first| first.waiting.is_empty()) {
                if let Some(first) = portions.pop_front() {
                    first.offsets.store();
                }
            }
        }
        self.partitions.retain(|_, portions| !portions.is_empty());
    }
}
