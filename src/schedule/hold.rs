//! Whose quiet hours hold a notification back, and until when.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::next_allowed;
use crate::config::{QuietRule, QuietSettings};
use crate::contract::{IncentiveType, Preference, Priority, QuietHours, time};

/// Whose quiet hours there are: the reader's own go before those of a segment of the reader's, these before those of the
/// type, and these before those of all.
#[derive(Clone, Debug, PartialEq)]
pub struct QuietPolicy {
    settings: QuietSettings,
}

/// A notification that is about to leave.
#[derive(Clone, Copy, Debug)]
pub struct Leaving<'a> {
    /// What it rewards.
    pub incentive_type: IncentiveType,
    /// How urgent it is.
    pub priority: Priority,
    /// The earliest moment that anything else allows.
    pub at: DateTime<Utc>,
    /// The zone that the notification itself names.
    pub timezone: Option<&'a str>,
    /// What its reader wants.
    pub preference: Option<&'a Preference>,
}

/// Quiet hours hold it back.
#[derive(Clone, Debug, PartialEq)]
pub struct Held {
    /// When it may leave.
    pub until: DateTime<Utc>,
    at: DateTime<Utc>,
    hours: QuietHours,
    whose: Whose,
    zone: Tz,
}

/// Who has said the hours.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Whose {
    /// The reader.
    User,
    /// The section `quiet.segments`, for this segment.
    Segment(String),
    /// The section `quiet`, for the type or for all.
    Settings,
}

impl Whose {
    const fn as_str(&self) -> &'static str {
        match self {
            Self::User => OF_USER,
            Self::Segment(_) => OF_SEGMENT,
            Self::Settings => OF_SETTINGS,
        }
    }
}

impl From<&QuietSettings> for QuietPolicy {
    fn from(settings: &QuietSettings) -> Self {
        Self {
            settings: settings.clone(),
        }
    }
}

impl QuietPolicy {
    /// Until when it is held back; `None` where it may leave at the moment asked for, or where the hours would end after
    /// the last year that is kept.
    #[must_use]
    pub fn hold(&self, leaving: &Leaving<'_>) -> Option<Held> {
        if leaving.priority.get() >= self.settings.ignore_from_priority {
            return None;
        }
        let own = leaving.preference.and_then(|preference| preference.quiet_hours);
        let (hours, whose) = match own {
            Some(hours) => (hours, Whose::User),
            None => self.of_settings(leaving)?,
        };
        let zone = self.zone(leaving);
        let until = next_allowed(&hours, leaving.at, zone);
        (until > leaving.at && until.year() <= 9999).then_some(Held {
            until,
            at: leaving.at,
            hours,
            whose,
            zone,
        })
    }

    fn of_settings(&self, leaving: &Leaving<'_>) -> Option<(QuietHours, Whose)> {
        let of_segment = first_segment(&self.settings.segments, leaving.preference);
        let (rule, whose) = if let Some((name, rule)) = of_segment {
            (*rule, Whose::Segment(name.to_owned()))
        } else {
            let of_type = self.settings.types.of(leaving.incentive_type);
            (of_type.or(self.settings.hours)?, Whose::Settings)
        };
        match rule {
            QuietRule::Hours(hours) => Some((hours, whose)),
            QuietRule::None => None,
        }
    }

    /// The zone of the clock on the reader's wall.
    pub(super) fn zone(&self, leaving: &Leaving<'_>) -> Tz {
        let of_reader = leaving
            .preference
            .and_then(|preference| preference.timezone.as_deref());
        leaving
            .timezone
            .or(of_reader)
            .and_then(|name| name.parse().ok())
            .unwrap_or(self.settings.timezone)
    }
}

/// The first of these segments, by name, that the reader belongs to.
pub(super) fn first_segment<'s, T>(
    segments: &'s BTreeMap<String, T>,
    reader: Option<&Preference>,
) -> Option<(&'s str, &'s T)> {
    let belongs_to = &reader?.segments;
    let first = segments.iter().find(|(name, _)| belongs_to.contains(*name));
    first.map(|(name, rule)| (name.as_str(), rule))
}

/// The reader's own.
pub(super) const OF_USER: &str = "user";
/// Those of a segment of the reader's.
pub(super) const OF_SEGMENT: &str = "segment";
/// Those of the settings.
pub(super) const OF_SETTINGS: &str = "settings";

/// The name of the rule in histories.
pub const RULE: &str = "quiet_hours";

impl Held {
    /// For the history: the rule, whose it is, and what it did.
    #[must_use]
    pub fn detail(&self) -> Map<String, Value> {
        let said = json!({
            "rule": RULE,
            "of": self.whose.as_str(),
            "from": self.hours.from(),
            "to": self.hours.to(),
            "days": self.hours.days(),
            "timezone": self.zone.name(),
            "due_at": time::format(&self.at),
            "held_until": time::format(&self.until),
        });
        let mut detail = match said {
            Value::Object(detail) => detail,
            _ => Map::new(),
        };
        if let Whose::Segment(name) = &self.whose {
            detail.insert("segment".to_owned(), name.as_str().into());
        }
        detail
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn policy(toml: &str) -> QuietPolicy {
        QuietPolicy::from(&Settings::from_toml(toml).unwrap().quiet)
    }

    fn preference(json: &str) -> Preference {
        Preference::decode(Some(json.as_bytes()), 10_000).unwrap()
    }

    /// At 21:30 UTC on a Thursday: 22:30 in Berlin.
    fn leaving(kind: IncentiveType, priority: i64) -> Leaving<'static> {
        Leaving {
            incentive_type: kind,
            priority: Priority::new(priority).unwrap(),
            at: "2026-01-15T21:30:00Z".parse().unwrap(),
            timezone: None,
            preference: None,
        }
    }

    fn until(policy: &QuietPolicy, leaving: &Leaving<'_>) -> Option<String> {
        policy.hold(leaving).map(|held| time::format(&held.until))
    }

    const NIGHT: &str = "quiet.hours = \"22:00-07:00\"\nquiet.timezone = \"Europe/Berlin\"";

    #[test]
    fn without_a_policy_and_a_preference_nothing_is_held() {
        assert_eq!(until(&policy(""), &leaving(IncentiveType::StreakReward, 0)), None);
    }

    #[test]
    fn a_type_can_have_hours_of_its_own_or_none() {
        let policy = policy(&format!(
            "{NIGHT}\n[quiet.types]\npoint_earning = \"20:00-10:00\"\nbonus_opportunity = \"none\""
        ));
        let until = |kind| until(&policy, &leaving(kind, 0));
        assert_eq!(
            until(IncentiveType::StreakReward).as_deref(),
            Some("2026-01-16T06:00:00.000Z")
        );
        assert_eq!(
            until(IncentiveType::PointEarning).as_deref(),
            Some("2026-01-16T09:00:00.000Z")
        );
        assert_eq!(until(IncentiveType::BonusOpportunity), None);
    }

    #[test]
    fn the_urgent_is_not_held() {
        let settings = policy(NIGHT);
        assert!(settings.hold(&leaving(IncentiveType::StreakReward, 2)).is_some());
        assert_eq!(settings.hold(&leaving(IncentiveType::StreakReward, 3)), None);
        let all = policy(&format!("{NIGHT}\nquiet.ignore_from_priority = 5"));
        assert!(all.hold(&leaving(IncentiveType::StreakReward, 4)).is_some());
    }

    #[test]
    fn the_reader_goes_before_the_settings_and_the_event_before_the_reader() {
        let own = preference(
            r#"{"user_id":1,"updated_at":"2026-01-01T00:00:00Z","timezone":"Asia/Kathmandu",
                "quiet_hours":{"from":"02:00","to":"06:00"}}"#,
        );
        let policy = policy(NIGHT);
        // 03:15 in Kathmandu.
        let leaving = Leaving {
            preference: Some(&own),
            ..leaving(IncentiveType::StreakReward, 0)
        };
        let held = policy.hold(&leaving).unwrap();
        assert_eq!(time::format(&held.until), "2026-01-16T00:15:00.000Z");
        assert_eq!(held.detail()["of"], "user");
        // 06:30 in Tokyo.
        let told = Leaving {
            timezone: Some("Asia/Tokyo"),
            ..leaving
        };
        assert_eq!(policy.hold(&told), None);
    }

    #[test]
    fn a_segment_goes_before_the_type_and_after_the_reader() {
        let policy = policy(&format!(
            "{NIGHT}\n[quiet.types]\nstreak_reward = \"none\"\n\
             [quiet.segments]\n\"b late\" = \"22:00-11:00\"\na = \"none\"\n\"x.y\" = \"22:00-12:00\""
        ));
        let held = |segments: &str, own: &str| {
            let text =
                format!(r#"{{"user_id":1,"updated_at":"2026-01-01T00:00:00Z","segments":{segments}{own}}}"#);
            let reader = preference(&text);
            let leaving = Leaving {
                preference: Some(&reader),
                ..leaving(IncentiveType::StreakReward, 0)
            };
            policy
                .hold(&leaving)
                .map(|held| (time::format(&held.until), held.detail()))
        };
        let (until, detail) = held(r#"["b late"]"#, "").unwrap();
        assert_eq!(until, "2026-01-16T10:00:00.000Z");
        assert_eq!(
            (&detail["of"], &detail["segment"]),
            (&json!("segment"), &json!("b late"))
        );
        assert_eq!(held(r#"["x.y"]"#, "").unwrap().0, "2026-01-16T11:00:00.000Z");
        assert_eq!(held(r#"["b late", "a"]"#, ""), None, "the first name counts");
        assert_eq!(held(r#"["other"]"#, ""), None, "as the type has it");
        let own = r#","quiet_hours":{"from":"21:00","to":"23:00"}"#;
        let (until, detail) = held(r#"["a"]"#, own).unwrap();
        assert_eq!(until, "2026-01-15T22:00:00.000Z");
        assert_eq!((&detail["of"], detail.get("segment")), (&json!("user"), None));
    }

    #[test]
    fn a_zone_without_hours_goes_with_the_hours_of_the_settings() {
        let elsewhere =
            preference(r#"{"user_id":1,"updated_at":"2026-01-01T00:00:00Z","timezone":"America/New_York"}"#);
        let leaving = Leaving {
            preference: Some(&elsewhere),
            ..leaving(IncentiveType::StreakReward, 0)
        };
        assert_eq!(policy(NIGHT).hold(&leaving), None, "16:30 in New York");
    }

    #[test]
    fn nothing_is_held_beyond_the_last_year() {
        let last = Leaving {
            at: "9999-12-31T23:30:00Z".parse().unwrap(),
            ..leaving(IncentiveType::StreakReward, 0)
        };
        assert_eq!(policy("quiet.hours = \"22:00-07:00\"").hold(&last), None);
    }
}
