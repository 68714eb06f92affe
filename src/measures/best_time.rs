//! What moments within windows rest on.

use super::measure::{Label, Measure, Values, counter};
use crate::schedule::Basis;

/// Moments that were chosen.
pub const BEST_TIME: Measure = counter(
    "inq_best_time_total",
    &[Label {
        name: "basis",
        values: Values::Of(|| Basis::ALL.map(Basis::as_str).to_vec()),
    }],
    "Events with a window, by what their moment rests on: the reader's own openings, everybody's, nothing (the window's start), or \
     that there was nothing to choose (too late, or all of it quiet); those that had a row already included.",
);
