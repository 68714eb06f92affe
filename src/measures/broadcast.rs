//! What broadcasts tell.

use super::measure::{Measure, counter, gauge};

/// Events of broadcasts.
pub const BROADCAST_EVENTS: Measure = counter(
    "inq_broadcast_events_total",
    &[],
    "Events that broadcasts have made; after a crash some are made again, and change nothing.",
);
/// Broadcasts under way.
pub const BROADCASTS_RUNNING: Measure = gauge(
    "inq_broadcasts_running",
    &[],
    "Broadcasts that are running, whoever does them; at most 100 are looked at.",
);
/// Broadcasts that stand still.
pub const BROADCAST_STILL_SECONDS: Measure = gauge(
    "inq_broadcast_still_seconds",
    &[],
    "For how long the running broadcast that has stood still for longest has done so; 0 if none is running.",
);
