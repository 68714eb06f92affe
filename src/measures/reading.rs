//! How far the consumer group has read, and what it could not read any more.

use super::measure::{counter, gauge};
use super::{Measure, TOPIC};

/// Records to come.
pub const CONSUMER_LAG: Measure = gauge(
    "inq_consumer_lag_records",
    &[TOPIC],
    "Records that the consumer group has not finished, up to the last stable offset: what can be read now.",
);
/// Records to come, those behind open transactions included.
pub const CONSUMER_LAG_TO_END: Measure = gauge(
    "inq_consumer_lag_high_watermark_records",
    &[TOPIC],
    "Records that the consumer group has not finished, up to the high watermark: those behind an open transaction of \
     another producer, which cannot be read before it ends, included.",
);
/// Records that nobody will read.
pub const UNREAD_DELETED: Measure = counter(
    "inq_unread_offsets_deleted_total",
    &[TOPIC],
    "Offsets that the topic's retention deleted before the consumer group had read them.",
);
