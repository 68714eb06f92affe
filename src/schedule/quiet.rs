//! Quiet hours: when the clock on a reader's wall allows to speak.

use chrono::{DateTime, Duration, TimeDelta, Utc};
use chrono::{Offset, TimeZone};
use chrono_tz::Tz;

use crate::contract::QuietHours;

/// The earliest moment, not before `at`, at which a clock in `zone` shows a time outside the quiet hours.
///
/// Quiet is what the clock shows: an hour that it skips is waited for by nobody, and of an hour that it shows twice both are
/// quiet, or neither. Where the clock is set back out of the quiet hours, what it then shows is not quiet.
#[must_use]
pub fn next_allowed(hours: &QuietHours, at: DateTime<Utc>, zone: Tz) -> DateTime<Utc> {
    let mut moment = at;
    loop {
        let local = moment.with_timezone(&zone).naive_local();
        let Some(end) = hours.end_at(local) else {
            return moment;
        };
        // There the clock shows the end, unless it is set meanwhile: then it is read again from there.
        let straight = moment + (end - local);
        moment = first_change(moment, straight, zone).unwrap_or(straight);
    }
}

/// The first moment after `from` and not after `until` at which the zone's offset is another than at `from`.
pub(super) fn first_change(from: DateTime<Utc>, until: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
    /// Clocks are not set twice within it.
    const STEP: TimeDelta = Duration::hours(1);
    let offset = |at: DateTime<Utc>| zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    let before = offset(from);
    let mut same = from;
    while same < until {
        let next = until.min(same + STEP);
        if offset(next) != before {
            return Some(bisected(same, next, |at| offset(at) != before));
        }
        same = next;
    }
    None
}

/// The first second at which something is so that is not so at `early` and is at `late`: clocks are set at whole seconds.
fn bisected(
    early: DateTime<Utc>,
    late: DateTime<Utc>,
    is_so: impl Fn(DateTime<Utc>) -> bool,
) -> DateTime<Utc> {
    let second = |number| DateTime::from_timestamp(number, 0).unwrap_or(late);
    let (mut early, mut late) = (early.timestamp(), late.timestamp());
    while late - early > 1 {
        let middle = early + (late - early) / 2;
        if is_so(second(middle)) {
            late = middle;
        } else {
            early = middle;
        }
    }
    second(late)
}

#[cfg(test)]
mod tests;
