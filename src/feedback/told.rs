//! What a batch of results tells: one step of a metric for all results that are alike.

use std::collections::BTreeMap;

use crate::contract::Priority;
use crate::measures;
use crate::store::{CancelOutcome, HistoryKind};

/// Counts until all verdicts are known.
#[derive(Default)]
pub(super) struct Told {
    applied: BTreeMap<&'static str, u64>,
    ignored: BTreeMap<&'static str, u64>,
    failed: BTreeMap<Priority, u64>,
    retried: u64,
    cancelled: u64,
}

impl Told {
    /// A result of that status has changed its row.
    pub(super) fn applied(&mut self, status: &'static str, kind: HistoryKind, priority: Priority) {
        *self.applied.entry(status).or_default() += 1;
        match kind {
            HistoryKind::DeliveryFailed => self.retried += 1,
            HistoryKind::Cancelled => self.cancelled += 1,
            HistoryKind::DeliveryFailedFinally => *self.failed.entry(priority).or_default() += 1,
            _ => {}
        }
    }

    /// A result has changed nothing, for this reason.
    pub(super) fn ignored(&mut self, why: &'static str) {
        *self.ignored.entry(why).or_default() += 1;
    }

    /// All verdicts are known.
    pub(super) fn tell(self) {
        for (status, count) in self.applied {
            metrics::counter!(measures::RESULTS.name, "status" => status).increment(count);
        }
        for (why, count) in self.ignored {
            metrics::counter!(measures::RESULTS_IGNORED.name, "why" => why).increment(count);
        }
        metrics::counter!(measures::RETRIES.name, "by" => measures::BY_SERVICE).increment(self.retried);
        CancelOutcome::Cancelled.count(self.cancelled);
        for (priority, count) in self.failed {
            let (priority, by) = (priority.as_str(), measures::BY_SERVICE);
            metrics::counter!(measures::FINAL_FAILURES.name, "priority" => priority, "by" => by)
                .increment(count);
        }
    }
}
