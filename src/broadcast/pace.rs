//! How many events a broadcast may make by now.

use std::time::Duration;

/// For as long as this a pace that was not kept up with is made up for: what was away does not come back as a flood.
const LONGEST_CREDIT: Duration = Duration::from_secs(1);

/// A rate that is kept, in events a second. Times count from any one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    rate: u32,
    reckoned: Duration,
    /// Time that was not used: each event uses up its share of a second.
    credit: Duration,
}

impl Pace {
    /// From now on, so many events a second, at least one.
    #[must_use]
    pub const fn new(rate: u32, now: Duration) -> Self {
        Self {
            rate: if rate == 0 { 1 } else { rate },
            reckoned: now,
            credit: Duration::ZERO,
        }
    }

    /// How many may be made now; at most those of a second.
    #[must_use]
    pub fn allowed(&mut self, now: Duration) -> u32 {
        let passed = now.saturating_sub(self.reckoned);
        self.reckoned = self.reckoned.max(now);
        // The share of one event more: what is asked a little late loses nothing.
        self.credit = (self.credit + passed).min(LONGEST_CREDIT + self.share());
        let events = self.credit.as_nanos() * u128::from(self.rate) / Duration::from_secs(1).as_nanos();
        u32::try_from(events).unwrap_or(u32::MAX).min(self.rate)
    }

    /// So many were made.
    pub fn spend(&mut self, events: u32) {
        let nanoseconds = (u64::from(events) * 1_000_000_000).div_ceil(u64::from(self.rate));
        self.credit = self.credit.saturating_sub(Duration::from_nanos(nanoseconds));
    }

    /// The time of one event.
    fn share(&self) -> Duration {
        Duration::from_nanos(1_000_000_000_u64.div_ceil(u64::from(self.rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn the_rate_is_kept_however_often_it_is_asked() {
        for (rate, step) in [(100, 7), (3, 250), (1, 333), (10_000, 1)] {
            let mut pace = Pace::new(rate, ms(500));
            let mut made = 0;
            for at in (500..=10_500).step_by(step) {
                let allowed = pace.allowed(ms(at));
                pace.spend(allowed);
                made += u64::from(allowed);
                assert!(
                    made * 1000 <= u64::from(rate) * (at - 500),
                    "{rate} at {at}: {made}"
                );
            }
            let due = u64::from(rate) * 10;
            let a_step = u64::from(rate) * step as u64 / 1000 + 1;
            assert!(made + a_step >= due, "{rate}: {made} of {due}");
        }
    }

    #[test]
    fn what_was_missed_is_not_made_up_for_beyond_a_second() {
        let mut pace = Pace::new(50, ms(0));
        assert_eq!(pace.allowed(ms(0)), 0);
        assert_eq!(pace.allowed(ms(3_600_000)), 50);
        pace.spend(50);
        assert_eq!(pace.allowed(ms(3_600_000)), 1);
        pace.spend(1);
        assert_eq!(pace.allowed(ms(3_600_000)), 0);
        assert_eq!(pace.allowed(ms(3_600_020)), 1);
    }

    #[test]
    fn what_is_not_used_stays() {
        let mut pace = Pace::new(10, ms(0));
        assert_eq!(pace.allowed(ms(500)), 5);
        pace.spend(2);
        assert_eq!(pace.allowed(ms(500)), 3);
        pace.spend(3);
        assert_eq!(pace.allowed(ms(540)), 0);
        assert_eq!(pace.allowed(ms(600)), 1);
    }

    #[test]
    fn a_clock_that_goes_back_allows_nothing() {
        let mut pace = Pace::new(10, ms(1000));
        assert_eq!(pace.allowed(ms(500)), 0);
        assert_eq!(pace.allowed(ms(1100)), 1);
    }
}
