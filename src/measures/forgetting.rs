//! Users who are forgotten.

use super::measure::{Label, Measure, Values, counter, gauge};

/// Events that come too late.
pub const KEPT_OUT: Measure = counter(
    "inq_forgotten_events_total",
    &[],
    "Events from before their users were forgotten: they are not stored.",
);
/// Users of whom nothing is left.
pub const USERS_FORGOTTEN: Measure = counter(
    "inq_users_forgotten_total",
    &[],
    "Users who were forgotten: nothing is left of them in the database and in retention.archive.",
);
const LEFT: Label = Label {
    name: "left",
    values: Values::Of(|| vec![IN_ROWS, IN_ARCHIVE]),
};
/// Users who wait.
pub const FORGETTING_USERS: Measure = gauge(
    "inq_forgetting_users",
    &[LEFT],
    "Users who are to be forgotten, by where something of them may be left.",
);
/// The user who waits longest.
pub const FORGETTING_OLDEST_SECONDS: Measure = gauge(
    "inq_forgetting_oldest_seconds",
    &[LEFT],
    "How long the first of them has waited; 0 if none does.",
);
/// In the database.
pub const IN_ROWS: &str = "rows";
/// In the archive only.
pub const IN_ARCHIVE: &str = "archive";
