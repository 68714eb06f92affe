//! What is done for the sake of those who are notified.

use super::measure::counter;
use super::{Label, Measure, Values};

/// New rows that are over a cap.
pub const CAPPED: Measure = counter(
    "inq_capped_total",
    &[Label {
        name: "outcome",
        values: Values::Of(|| vec![WAITS, NOT_SENT]),
    }],
    "New notifications that are over a cap: they wait for a place, or are suppressed.",
);
/// It waits for a place.
pub const WAITS: &str = "waits";
/// It is not sent.
pub const NOT_SENT: &str = "suppressed";

/// Notifications that a digest tells of.
pub const DIGESTED: Measure = counter(
    "inq_digested_total",
    &[],
    "Notifications that were gathered, so that a digest tells of them.",
);

/// Digests.
pub const DIGESTS: Measure = counter("inq_digests_total", &[], "Digests that were begun.");
