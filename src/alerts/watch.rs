//! What shows over time: a database or a broker that stays away, and records that are put aside one after the other.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::{Alerts, Counts};
use crate::contract::{Alert, Trouble};
use crate::health::{BROKER, DATABASE, Health, PartHealth, Report};

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(2);
/// How long the database or the brokers may be away before that is an alert.
const AWAY: Duration = Duration::from_mins(1);
/// Over how long dead letters are counted.
const WINDOW: Duration = Duration::from_mins(1);
/// How many dead letters there may be in that time.
const DEAD_LETTERS: u64 = 100;
/// How long too many dead letters are told once only.
const TOLD_FOR: Duration = Duration::from_mins(10);

/// Looks again and again until `stop`, and raises what is to be told.
pub(crate) async fn watch(alerts: Alerts, health: Health, stop: CancellationToken) {
    let mut watch = Watch::default();
    let mut interval = tokio::time::interval(INTERVAL);
    while stop.run_until_cancelled(interval.tick()).await.is_some() {
        for alert in watch.look(&health.report(), alerts.counts(), Utc::now()) {
            alerts.raise(alert);
        }
    }
}

#[derive(Default)]
struct Watch {
    /// Since when a part is away whose alert was raised.
    told_away: BTreeMap<&'static str, DateTime<Utc>>,
    /// How many dead letters there had been at each look of the window, the oldest first.
    counted: VecDeque<(DateTime<Utc>, u64)>,
    /// When too many dead letters were told.
    told_letters: Option<DateTime<Utc>>,
    /// How many claims in doubt were told.
    told_claims: u64,
}

impl Watch {
    /// What is to be told `now`.
    fn look(&mut self, report: &Report, counts: Counts, now: DateTime<Utc>) -> Vec<Alert> {
        let mut alerts = Vec::new();
        for part in [DATABASE, BROKER] {
            if let Some(health) = report.parts.get(part) {
                alerts.extend(self.away(part, health, now));
            }
        }
        alerts.extend(self.many_letters(counts.dead_letters, now));
        alerts.extend(self.claims(counts.claims_in_doubt, now));
        alerts
    }

    fn away(&mut self, part: &'static str, health: &PartHealth, now: DateTime<Utc>) -> Option<Alert> {
        let since = health.since;
        let is_told = self.told_away.get(part) == Some(&since);
        if health.ready || is_told || !lasts(since, now, AWAY) {
            return None;
        }
        self.told_away.insert(part, since);
        let (name, trouble) = if part == DATABASE {
            ("the database", Trouble::DatabaseAway { since })
        } else {
            ("Kafka", Trouble::BrokerAway { since })
        };
        let why = health.trouble.as_deref().unwrap_or("no reason is known");
        let message = format!(
            "{name} has been away for {} s: {why}",
            (now - since).num_seconds()
        );
        Some(Alert::new(now, trouble, &message))
    }

    /// Told when there are more than were told.
    fn claims(&mut self, count: u64, now: DateTime<Utc>) -> Option<Alert> {
        let told = std::mem::replace(&mut self.told_claims, count);
        if count <= told {
            return None;
        }
        let message = format!(
            "{count} claims are in doubt: whether their notifications were published must be decided with `inq claims`, on the \
             page or over /v1/claims"
        );
        Some(Alert::new(now, Trouble::ClaimsInDoubt { count }, &message))
    }

    fn many_letters(&mut self, total: u64, now: DateTime<Utc>) -> Option<Alert> {
        // The newest look that the window has left behind stays: the count at the window's begin.
        while self.counted.get(1).is_some_and(|(at, _)| lasts(*at, now, WINDOW)) {
            self.counted.pop_front();
        }
        self.counted.push_back((now, total));
        let before = self.counted.front().map_or(0, |(_, total)| *total);
        let count = total.saturating_sub(before);
        let is_told = self.told_letters.is_some_and(|told| !lasts(told, now, TOLD_FOR));
        if count <= DEAD_LETTERS || is_told {
            return None;
        }
        self.told_letters = Some(now);
        let message = format!("{count} records were put aside within a minute");
        Some(Alert::new(now, Trouble::DeadLetters { count }, &message))
    }
}

/// Whether that much time has passed; a clock that was set back has not.
fn lasts(since: DateTime<Utc>, now: DateTime<Utc>, time: Duration) -> bool {
    (now - since).to_std().is_ok_and(|passed| passed >= time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::seconds(seconds)
    }

    fn report(part: &'static str, away_since: Option<i64>) -> Report {
        let health = PartHealth {
            ready: away_since.is_none(),
            since: at(away_since.unwrap_or(0)),
            trouble: away_since.map(|_| "no answer".to_owned()),
        };
        Report {
            ready: health.ready,
            parts: BTreeMap::from([(part.to_owned(), health)]),
        }
    }

    fn letters(dead_letters: u64) -> Counts {
        Counts {
            dead_letters,
            ..Counts::default()
        }
    }

    #[test]
    fn claims_in_doubt_are_told_when_there_are_more_of_them() {
        let (fine, mut watch) = (report("database", None), Watch::default());
        let mut told = |claims_in_doubt, second| {
            let counts = Counts {
                claims_in_doubt,
                ..Counts::default()
            };
            watch
                .look(&fine, counts, at(second))
                .pop()
                .map(|alert| alert.trouble)
        };
        assert_eq!(told(0, 0), None);
        assert_eq!(told(2, 2), Some(Trouble::ClaimsInDoubt { count: 2 }));
        assert_eq!(told(2, 4), None);
        assert_eq!(told(1, 6), None, "one was decided");
        assert_eq!(told(2, 8), Some(Trouble::ClaimsInDoubt { count: 2 }));
    }

    #[test]
    fn a_database_that_stays_away_is_told_once() {
        let mut watch = Watch::default();
        assert_eq!(watch.look(&report("database", None), letters(0), at(900)), []);
        assert_eq!(
            watch.look(&report("database", Some(1000)), letters(0), at(1059)),
            []
        );
        let told = watch.look(&report("database", Some(1000)), letters(0), at(1060));
        assert_eq!(told[0].trouble, Trouble::DatabaseAway { since: at(1000) });
        assert_eq!(told[0].message, "the database has been away for 60 s: no answer");
        assert_eq!(
            watch.look(&report("database", Some(1000)), letters(0), at(5000)),
            []
        );
        // Back, and away again.
        assert_eq!(watch.look(&report("database", None), letters(0), at(6000)), []);
        assert_eq!(
            watch
                .look(&report("database", Some(7000)), letters(0), at(7060))
                .len(),
            1
        );
    }

    #[test]
    fn the_brokers_are_told_of_as_the_database_is_and_no_other_part() {
        let mut watch = Watch::default();
        let told = watch.look(&report("broker", Some(0)), letters(0), at(60));
        assert_eq!(told[0].trouble, Trouble::BrokerAway { since: at(0) });
        assert_eq!(watch.look(&report("ingest", Some(0)), letters(0), at(60)), []);
    }

    #[test]
    fn many_dead_letters_within_a_minute_are_told_once_in_ten() {
        let fine = report("database", None);
        let mut watch = Watch::default();
        // A hundred a minute is not many, for however long.
        for second in 0..300 {
            let total = u64::try_from(second).unwrap() * 100 / 60;
            assert_eq!(watch.look(&fine, letters(total), at(second)), [], "{second}");
        }
        let told = watch.look(&fine, letters(700), at(301));
        let Trouble::DeadLetters { count } = told[0].trouble else {
            panic!("{told:?}")
        };
        assert!((201..=302).contains(&count), "{count}");
        assert_eq!(watch.look(&fine, letters(5_000), at(400)), []);
        assert_eq!(watch.look(&fine, letters(9_000), at(902)).len(), 1);
    }
}
