//! What is gathered, and until when.

use chrono::{DateTime, Datelike, TimeDelta, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::hold::{Leaving, OF_SETTINGS};
use super::{Held, QuietPolicy};
use crate::config::{DigestSettings, QuietSettings, duration};
use crate::contract::time;

/// Which notifications are gathered, and how long.
#[derive(Clone, Debug, PartialEq)]
pub struct DigestPolicy {
    settings: DigestSettings,
    quiet: QuietPolicy,
}

/// A notification waits for others.
#[derive(Clone, Debug, PartialEq)]
pub struct Gathering {
    /// When it leaves, whether others have come or not.
    pub until: DateTime<Utc>,
    /// The quiet hours that it would have left in.
    pub quiet: Option<Held>,
    at: DateTime<Utc>,
    window: TimeDelta,
    zone: Tz,
}

/// The name of the rule in histories.
pub const RULE: &str = "digest";

impl DigestPolicy {
    /// As the settings say, with the quiet hours in which nothing leaves.
    #[must_use]
    pub fn new(digest: &DigestSettings, quiet: &QuietSettings) -> Self {
        Self {
            settings: digest.clone(),
            quiet: quiet.into(),
        }
    }

    /// Whether it may be gathered at all, as urgent as it is.
    #[must_use]
    pub fn may_gather(&self, leaving: &Leaving<'_>) -> bool {
        leaving.priority.get() < self.settings.ignore_from_priority
    }

    /// Whether what is of its type waits for others.
    #[must_use]
    pub fn gathers(&self, leaving: &Leaving<'_>) -> bool {
        self.may_gather(leaving) && !self.settings.windows.of(leaving.incentive_type).is_zero()
    }

    /// Whether it would leave in quiet hours.
    #[must_use]
    pub fn would_disturb(&self, leaving: &Leaving<'_>) -> bool {
        self.quiet.hold(leaving).is_some()
    }

    /// The most parts of one digest.
    #[must_use]
    pub fn max_parts(&self) -> usize {
        self.settings.max_parts.into()
    }

    /// Until when the first of its type waits for others: for the window from when it was to leave, and then for the end of
    /// the quiet hours. `None`: it does not wait, or not until a year that is kept.
    #[must_use]
    pub fn gathering(&self, leaving: &Leaving<'_>) -> Option<Gathering> {
        if !self.gathers(leaving) {
            return None;
        }
        let window = self.settings.windows.of(leaving.incentive_type);
        let window = TimeDelta::from_std(window).ok()?;
        let end = leaving.at.checked_add_signed(window)?;
        let quiet = self.quiet.hold(&Leaving { at: end, ..*leaving });
        let until = quiet.as_ref().map_or(end, |held| held.until);
        (until.year() <= 9999).then(|| Gathering {
            until,
            quiet,
            at: leaving.at,
            window,
            zone: self.quiet.zone(leaving),
        })
    }
}

impl Gathering {
    /// For the history: the rule, and until when it holds, without the quiet hours after it.
    #[must_use]
    pub fn detail(&self) -> Map<String, Value> {
        let end = self.at + self.window;
        let said = json!({
            "rule": RULE,
            "of": OF_SETTINGS,
            "window": duration::text(self.window.to_std().unwrap_or_default()),
            "timezone": self.zone.name(),
            "due_at": time::format(&self.at),
            "held_until": time::format(&end),
        });
        match said {
            Value::Object(detail) => detail,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::Settings;
    use crate::contract::{IncentiveType, Priority};

    fn policy(toml: &str) -> DigestPolicy {
        let settings = Settings::from_toml(toml).unwrap();
        DigestPolicy::new(&settings.digest, &settings.quiet)
    }

    fn leaving(kind: IncentiveType, priority: i64, at: DateTime<Utc>) -> Leaving<'static> {
        Leaving {
            incentive_type: kind,
            priority: Priority::new(priority).unwrap(),
            at,
            timezone: Some("Europe/Berlin"),
            preference: None,
        }
    }

    const HOUR: &str = "digest.windows.point_earning = \"1h\"\n";

    #[test]
    fn only_what_is_chosen_waits() {
        let at = "2026-01-15T12:00:00Z".parse().unwrap();
        let waits =
            |toml: &str, kind, priority| policy(toml).gathering(&leaving(kind, priority, at)).is_some();
        assert!(
            !waits("", IncentiveType::PointEarning, 0),
            "nothing, unless it is said"
        );
        assert!(waits(HOUR, IncentiveType::PointEarning, 2));
        assert!(!waits(HOUR, IncentiveType::StreakReward, 0));
        assert!(
            !waits(HOUR, IncentiveType::PointEarning, 3),
            "the urgent does not wait"
        );
        assert!(waits(
            &format!("{HOUR}digest.ignore_from_priority = 5"),
            IncentiveType::PointEarning,
            4
        ));
    }

    #[test]
    fn it_waits_for_the_window_and_then_for_the_end_of_the_quiet_hours() {
        let policy = policy(&format!("{HOUR}quiet.hours = \"22:00-07:00\""));
        let gathering = |at: &str| {
            policy
                .gathering(&leaving(IncentiveType::PointEarning, 0, at.parse().unwrap()))
                .unwrap()
        };
        let by_day = gathering("2026-01-15T12:00:00Z");
        assert_eq!(time::format(&by_day.until), "2026-01-15T13:00:00.000Z");
        assert_eq!(
            (by_day.quiet.is_some(), by_day.detail()["window"].as_str()),
            (false, Some("1h"))
        );
        // 21:30 in Berlin.
        let by_night = gathering("2026-01-15T20:30:00Z");
        assert_eq!(time::format(&by_night.until), "2026-01-16T06:00:00.000Z");
        let detail = by_night.detail();
        assert_eq!(by_night.quiet.map(|held| held.until), Some(by_night.until));
        assert_eq!(
            (&detail["held_until"], &detail["timezone"]),
            (&json!("2026-01-15T21:30:00.000Z"), &json!("Europe/Berlin"))
        );
    }

    #[test]
    fn nothing_waits_for_a_year_that_is_not_kept() {
        let last = "9999-12-31T23:30:00Z".parse().unwrap();
        assert_eq!(
            policy(HOUR).gathering(&leaving(IncentiveType::PointEarning, 0, last)),
            None
        );
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        /// Never sooner than the window, never within quiet hours, and no longer than both ask for.
        #[test]
        fn it_leaves_at_the_first_moment_after_the_window_that_is_allowed(
            minutes in 0_i64..600_000, window in 1_i64..1440,
        ) {
            let toml = format!("digest.windows.point_earning = \"{window}m\"\nquiet.hours = \"22:00-07:00\"");
            let policy = policy(&toml);
            let at = DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes);
            let asked = leaving(IncentiveType::PointEarning, 0, at);
            let until = policy.gathering(&asked).unwrap().until;
            prop_assert!(until >= at + TimeDelta::minutes(window));
            prop_assert!(until <= at + TimeDelta::minutes(window) + TimeDelta::hours(9));
            prop_assert_eq!(policy.quiet.hold(&Leaving { at: until, ..asked }), None);
        }
    }
}
