//! What is told of notifications that were kept long enough, and of the maintenance that removes them.

use super::measure::{Label, Measure, Values, counter, gauge};
use crate::store::Status;

/// Rows archived.
pub const ARCHIVED: Measure = counter(
    "inq_archived_total",
    &[],
    "Notifications that were written to retention.archive; after a crash some are written again.",
);
/// Rows removed.
pub const REMOVED: Measure = counter(
    "inq_removed_total",
    &[Label {
        name: "status",
        values: Values::Of(|| ENDS.map(Status::as_str).to_vec()),
    }],
    "Notifications that were removed at the end of their retention, by how they had ended.",
);
/// The statuses in which a notification can end.
const ENDS: [Status; 6] = [
    Status::Sent,
    Status::Failed,
    Status::Cancelled,
    Status::Expired,
    Status::Suppressed,
    Status::Digested,
];
/// When the last run has ended.
pub const MAINTENANCE_FINISHED: Measure = gauge(
    "inq_maintenance_last_run_timestamp_seconds",
    &[],
    "When this process last came to the end of a maintenance run, as a Unix time; before its first, when it began to do maintenance.",
);
/// How often there is to be one.
pub const MAINTENANCE_INTERVAL: Measure = gauge(
    "inq_maintenance_interval_seconds",
    &[],
    "The time between two maintenance runs: retention.interval, or a day with retention.at.",
);
