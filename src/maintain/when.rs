//! When the maintenance is done.

use std::time::Duration;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};

/// Its times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// At the start, and so long after each beginning.
    Every(Duration),
    /// Once a day, at this time of UTC; within the hour after it, if the process starts or wakes only then.
    DailyAt(NaiveTime),
}

const LATE_BY: TimeDelta = TimeDelta::hours(1);

impl When {
    /// From one time to the next.
    #[must_use]
    pub const fn interval(self) -> Duration {
        match self {
            Self::Every(interval) => interval,
            Self::DailyAt(_) => Duration::from_hours(24),
        }
    }

    /// The next time, at `now` or after it. `last` is when it was begun last by this process.
    #[must_use]
    pub fn next(self, last: Option<DateTime<Utc>>, now: DateTime<Utc>) -> DateTime<Utc> {
        match (self, last) {
            (Self::Every(_), None) => now,
            (Self::Every(interval), Some(last)) => {
                let interval = TimeDelta::from_std(interval).unwrap_or(TimeDelta::MAX);
                last.checked_add_signed(interval)
                    .map_or(DateTime::<Utc>::MAX_UTC, |next| next.max(now))
            }
            (Self::DailyAt(time), last) => {
                let today = now.date_naive().and_time(time).and_utc();
                if now < today {
                    return today;
                }
                let done = last.is_some_and(|last| last >= today);
                if !done && now - today < LATE_BY {
                    return now;
                }
                today
                    .checked_add_days(Days::new(1))
                    .unwrap_or(DateTime::<Utc>::MAX_UTC)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn an_interval_counts_from_the_last_beginning() {
        let hourly = When::Every(Duration::from_hours(1));
        let now = at("2026-03-01T10:30:00Z");
        assert_eq!(hourly.next(None, now), now);
        let last = at("2026-03-01T10:00:00Z");
        assert_eq!(hourly.next(Some(last), now), at("2026-03-01T11:00:00Z"));
        // It took longer than the interval.
        let last = at("2026-03-01T08:00:00Z");
        assert_eq!(hourly.next(Some(last), now), now);
    }

    #[test]
    fn the_interval_of_a_time_of_the_day_is_a_day() {
        let daily = When::DailyAt(NaiveTime::MIN);
        let (last, now) = (at("2026-03-01T00:00:00Z"), at("2026-03-01T00:10:00Z"));
        assert_eq!(
            (daily.next(Some(last), now) - last).to_std(),
            Ok(daily.interval())
        );
        assert_eq!(
            When::Every(Duration::from_mins(5)).interval(),
            Duration::from_mins(5)
        );
    }

    #[test]
    fn a_time_comes_once_a_day() {
        let daily = When::DailyAt(NaiveTime::from_hms_opt(3, 0, 0).expect("a time"));
        for (last, now, next) in [
            (None, "2026-03-01T02:59:00Z", "2026-03-01T03:00:00Z"),
            (None, "2026-03-01T03:20:00Z", "2026-03-01T03:20:00Z"),
            (None, "2026-03-01T04:00:00Z", "2026-03-02T03:00:00Z"),
            (
                Some("2026-03-01T03:00:00Z"),
                "2026-03-01T03:20:00Z",
                "2026-03-02T03:00:00Z",
            ),
            (
                Some("2026-02-28T03:00:00Z"),
                "2026-03-01T03:00:00Z",
                "2026-03-01T03:00:00Z",
            ),
        ] {
            assert_eq!(daily.next(last.map(at), at(now)), at(next), "{last:?} {now}");
        }
    }
}
