//! The retry schedule.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use crate::config::RetrySettings;

/// How failed attempts are repeated.
#[derive(Clone, Debug, PartialEq)]
pub struct RetryPolicy {
    /// The delay after the first attempt.
    pub initial: Duration,
    /// Each delay is this many times the one before; at least 1.
    pub multiplier: f64,
    /// No delay is longer, but for what the service asks for.
    pub max_interval: Duration,
    /// Each delay is moved by up to this share of itself, 0 to 1, so that what failed together does not come back together.
    pub jitter: f64,
    /// How many attempts a notification has; at least 1.
    pub max_attempts: u32,
}

impl From<&RetrySettings> for RetryPolicy {
    fn from(settings: &RetrySettings) -> Self {
        Self {
            initial: settings.initial,
            multiplier: settings.multiplier,
            max_interval: settings.max_interval,
            jitter: settings.jitter,
            max_attempts: settings.max_attempts,
        }
    }
}

impl RetryPolicy {
    /// The delay after attempt number `attempt` (from 1) failed, or `None` if it was the last.
    ///
    /// With the defaults and no jitter: 15 min, 30 min, 1 h, 2 h, and nothing after the fifth attempt. `spread`, 0 to 1,
    /// places the delay within the jitter: 0 is the earliest, 0.5 the middle. The service's own wish (`asked`) is never
    /// undercut.
    #[must_use]
    pub fn delay(&self, attempt: u32, asked: Option<Duration>, spread: f64) -> Option<Duration> {
        if attempt >= self.max_attempts {
            return None;
        }
        let doublings = i32::try_from(attempt.saturating_sub(1)).unwrap_or(i32::MAX);
        let grown = self.initial.as_secs_f64() * self.multiplier.powi(doublings);
        let middle = grown.min(self.max_interval.as_secs_f64());
        let moved = middle * (1.0 + self.jitter * (2.0 * spread.clamp(0.0, 1.0) - 1.0));
        let delay = Duration::try_from_secs_f64(moved).unwrap_or(self.max_interval);
        Some(delay.max(asked.unwrap_or_default()))
    }
}

/// A number in 0..1 that differs from row to row and from attempt to attempt, and is always the same for one.
#[must_use]
pub fn spread(notification_id: i64, attempt: u32) -> f64 {
    let mut hasher = DefaultHasher::new();
    (notification_id, attempt).hash(&mut hasher);
    f64::from(u32::try_from(hasher.finish() >> 32).unwrap_or(0)) / (f64::from(u32::MAX) + 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_mins(1);

    fn policy() -> RetryPolicy {
        RetryPolicy {
            initial: 15 * MINUTE,
            multiplier: 2.0,
            max_interval: 360 * MINUTE,
            jitter: 0.2,
            max_attempts: 5,
        }
    }

    #[test]
    fn the_delays_double_until_the_attempts_are_used_up() {
        let delays: Vec<_> = (1..=5)
            .map(|attempt| policy().delay(attempt, None, 0.5))
            .collect();
        assert_eq!(
            delays,
            [
                Some(15 * MINUTE),
                Some(30 * MINUTE),
                Some(60 * MINUTE),
                Some(120 * MINUTE),
                None
            ]
        );
    }

    #[test]
    fn the_service_may_ask_for_more_but_not_for_less() {
        assert_eq!(policy().delay(1, Some(600 * MINUTE), 0.5), Some(600 * MINUTE));
        assert_eq!(policy().delay(1, Some(MINUTE), 0.5), Some(15 * MINUTE));
    }

    #[test]
    fn the_spread_differs_between_rows_and_is_the_same_for_one() {
        assert!((spread(1, 1) - spread(1, 1)).abs() < f64::EPSILON);
        assert!((spread(1, 1) - spread(2, 1)).abs() > f64::EPSILON);
    }

    proptest! {
        #[test]
        fn a_delay_stays_within_the_jitter_of_the_longest(
            attempt in 1_u32..1000,
            multiplier in 1.0_f64..100.0,
            jitter in 0.0_f64..=1.0,
            spread in 0.0_f64..=1.0,
        ) {
            let policy = RetryPolicy { multiplier, jitter, max_attempts: 1000, ..policy() };
            let delay = policy.delay(attempt, None, spread).expect("attempts are left");
            prop_assert!(delay <= policy.max_interval.mul_f64(1.0 + jitter) + MINUTE);
            prop_assert!(delay.as_secs_f64() >= policy.initial.as_secs_f64() * (1.0 - jitter) - 1.0);
        }
    }
}
