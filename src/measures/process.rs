//! The process: its version, its parts and its tasks.

use super::measure::{Label, Measure, Values, counter, gauge};

/// The version.
pub const BUILD_INFO: Measure = gauge(
    "inq_build_info",
    &[Label {
        name: "version",
        values: Values::Named("the program's version"),
    }],
    "Always 1; the version is in the label.",
);
/// Readiness.
pub const READY: Measure = gauge(
    "inq_ready",
    &[PART],
    "Whether a part of the service does its work, as /readyz tells it: 1 or 0.",
);
/// Losses of readiness.
pub const OUTAGES: Measure = counter(
    "inq_outages_total",
    &[PART],
    "How often a part that did its work had to wait for something that is away.",
);
const PART: Label = Label {
    name: "part",
    values: Values::Named("the part's name in /readyz"),
};
/// Tasks that ended by themselves.
pub const TASK_FAILURES: Measure = counter(
    "inq_task_failures_total",
    &[Label {
        name: "name",
        values: Values::Named("the task's name in the log"),
    }],
    "Tasks that panicked or ended before the service was stopped. The process stops with an error then.",
);
