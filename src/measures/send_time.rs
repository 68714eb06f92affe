//! Rules that are evaluated again right before publishing.

use super::measure::counter;
use super::{Label, Measure, Values};
use crate::schedule::SEND_TIME_RULES;

/// Due notifications that a rule keeps from being sent.
pub const WITHHELD: Measure = counter(
    "inq_withheld_total",
    &[Label {
        name: "rule",
        values: Values::Of(|| SEND_TIME_RULES.to_vec()),
    }],
    "Due notifications that were not published because of a rule, evaluated again right before: quiet hours defer them, other \
     rules suppress them.",
);
