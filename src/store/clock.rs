//! The database's clock.
//!
//! What is planned from "now" is planned by this clock, which decides what is due: an instance whose own clock is ahead or behind
//! must not plan another moment than the others. The clock is read now and then, and its time goes on by this machine's timer.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

use super::Result;

/// How long a reading is used: after a fail-over to a server whose clock differs, plans follow it this soon.
const READ_EVERY: Duration = Duration::from_secs(10);
/// By how much this machine's two clocks may drift apart since the reading. More means that it was suspended: the timer does not
/// count that time.
const DRIFT: Duration = Duration::from_secs(1);

/// The part of [`super::Store`] that tells the time.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time by the database's clock, within a round trip. Costs a statement at most every ten seconds.
    async fn now(&self) -> Result<DateTime<Utc>>;
}

/// The last reading.
#[derive(Debug, Default)]
pub(super) struct DatabaseClock {
    last: Mutex<Option<Reading>>,
}

/// What the database's clock showed, and this machine's clocks at the same moment.
#[derive(Clone, Copy, Debug)]
struct Reading {
    time: DateTime<Utc>,
    timer: Instant,
    system: SystemTime,
}

impl DatabaseClock {
    /// The time; `ask` asks the database where the last reading is no longer used.
    pub(super) async fn now(
        &self,
        ask: impl Future<Output = Result<DateTime<Utc>>> + Send,
    ) -> Result<DateTime<Utc>> {
        let last = *self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let now = match last.and_then(|last| last.continued(Instant::now(), SystemTime::now())) {
            Some(now) => now,
            None => self.read(ask).await?,
        };
        failpoint!("store::clock_is_behind", Ok(now - TimeDelta::minutes(10)));
        Ok(now)
    }

    async fn read(&self, ask: impl Future<Output = Result<DateTime<Utc>>> + Send) -> Result<DateTime<Utc>> {
        let asked = Instant::now();
        let time = ask.await?;
        // It was read somewhere between question and answer.
        let half = asked.elapsed() / 2;
        let reading = Reading {
            time,
            timer: asked + half,
            system: SystemTime::now() - half,
        };
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(reading);
        Ok(time + TimeDelta::from_std(half).unwrap_or_default())
    }
}

impl Reading {
    /// The time by this reading; `None` where it is too old, or this machine's clocks do not agree on how old it is.
    fn continued(self, timer: Instant, system: SystemTime) -> Option<DateTime<Utc>> {
        let since = timer.saturating_duration_since(self.timer);
        let by_system = system.duration_since(self.system).ok()?;
        (since < READ_EVERY && by_system.abs_diff(since) < DRIFT)
            .then(|| TimeDelta::from_std(since).ok())
            .flatten()
            .map(|since| self.time + since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreError;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn a_reading_goes_on_by_the_timer_until_it_is_old() {
        let (timer, system) = (Instant::now(), SystemTime::now());
        let reading = Reading {
            time: at("2026-01-15T12:00:00Z"),
            timer,
            system,
        };
        let after = |timer_s: u64, system_s: u64| {
            reading.continued(
                timer + Duration::from_secs(timer_s),
                system + Duration::from_secs(system_s),
            )
        };
        assert_eq!(after(0, 0), Some(reading.time));
        assert_eq!(after(9, 9), Some(at("2026-01-15T12:00:09Z")));
        assert_eq!(after(10, 10), None);
        assert_eq!(after(2, 600), None, "suspended for ten minutes");
        let set_back = reading.continued(timer, system - Duration::from_mins(10));
        assert_eq!(set_back, None, "the clock was set back");
    }

    #[tokio::test]
    async fn the_database_is_asked_once_and_its_clock_counts() {
        let clock = DatabaseClock::default();
        // Ten minutes behind this machine's.
        let behind = Utc::now() - TimeDelta::minutes(10);
        let first = clock.now(async { Ok(behind) }).await.unwrap();
        let again = clock
            .now(async { Err(StoreError::Away("asked again".to_owned())) })
            .await
            .unwrap();
        assert!(first >= behind && again >= first, "{behind} {first} {again}");
        assert!(again < behind + TimeDelta::minutes(1), "{again}");
    }

    #[tokio::test]
    async fn a_database_that_is_away_tells_no_time() {
        let clock = DatabaseClock::default();
        let asked = clock
            .now(async { Err(StoreError::Away("gone".to_owned())) })
            .await;
        assert!(asked.is_err());
    }
}
