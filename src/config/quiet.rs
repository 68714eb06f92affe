//! Quiet hours as settings.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use chrono::WeekdaySet;
use chrono_tz::Tz;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::contract::{IncentiveType, QuietHours, day, local_time, meant_timezone};

/// When readers are left alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietSettings {
    /// The hours of readers who have said none; `None`: there are none.
    pub hours: Option<QuietRule>,
    /// The zone of readers whose zone nobody tells.
    #[serde(serialize_with = "write_zone", deserialize_with = "zone")]
    pub timezone: Tz,
    /// Quiet hours, readers' own too, are not for what is so urgent or more; 0 to 5, 5: they are for everything.
    pub ignore_from_priority: u8,
    /// Other hours for some types.
    #[serde(default)]
    pub types: QuietTypes,
    /// Other hours for readers of some segments, whatever the type.
    #[serde(default)]
    pub segments: BTreeMap<String, QuietRule>,
}

/// The hours of each type, where they are others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuietTypes {
    /// For [`IncentiveType::AchievementReward`].
    pub achievement_reward: Option<QuietRule>,
    /// For [`IncentiveType::PointEarning`].
    pub point_earning: Option<QuietRule>,
    /// For [`IncentiveType::ChallengeCompletion`].
    pub challenge_completion: Option<QuietRule>,
    /// For [`IncentiveType::BonusOpportunity`].
    pub bonus_opportunity: Option<QuietRule>,
    /// For [`IncentiveType::StreakReward`].
    pub streak_reward: Option<QuietRule>,
    /// For [`IncentiveType::ReferralBonus`].
    pub referral_bonus: Option<QuietRule>,
}

impl QuietTypes {
    /// Those of a type; `None`: the same as all.
    #[must_use]
    pub fn of(&self, kind: IncentiveType) -> Option<QuietRule> {
        match kind {
            IncentiveType::AchievementReward => self.achievement_reward,
            IncentiveType::PointEarning => self.point_earning,
            IncentiveType::ChallengeCompletion => self.challenge_completion,
            IncentiveType::BonusOpportunity => self.bonus_opportunity,
            IncentiveType::StreakReward => self.streak_reward,
            IncentiveType::ReferralBonus => self.referral_bonus,
        }
    }
}

/// `22:00-07:00`, `22:00-07:00 fri,sat` (the days on which they begin), or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuietRule {
    /// No hour is quiet.
    None,
    /// These are.
    Hours(QuietHours),
}

const NONE: &str = "none";

impl FromStr for QuietRule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const RULE: &str = "must be \"FROM-TO\", \"FROM-TO DAYS\" or \"none\", for example \"22:00-07:00\" or \
                            \"22:00-09:00 fri,sat\"";
        if text == NONE {
            return Ok(Self::None);
        }
        let (hours, days) = text.split_once(' ').unwrap_or((text, ""));
        let (from, to) = hours.split_once('-').ok_or(RULE)?;
        let (Some(from), Some(to)) = (local_time(from), local_time(to)) else {
            return Err(RULE.to_owned());
        };
        let days = if days.is_empty() {
            WeekdaySet::ALL
        } else {
            let days: Option<WeekdaySet> = days.split(',').map(|name| day(name.trim())).collect();
            days.ok_or("the days must be some of mon, tue, wed, thu, fri, sat, sun, separated by commas")?
        };
        Ok(Self::Hours(QuietHours::new(from, to, days)?))
    }
}

impl fmt::Display for QuietRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str(NONE),
            Self::Hours(hours) => {
                write!(f, "{}-{} {}", hours.from(), hours.to(), hours.days().join(","))
            }
        }
    }
}

impl Serialize for QuietRule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for QuietRule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the signature is serde's
fn write_zone<S: Serializer>(zone: &Tz, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(zone.name())
}

fn zone<'de, D: Deserializer<'de>>(from: D) -> Result<Tz, D::Error> {
    let name = String::deserialize(from)?;
    name.parse().map_err(|_| {
        let meant = meant_timezone(&name).map(|zone| format!("; did you mean {zone:?}?"));
        D::Error::custom(format_args!(
            "must be an IANA time zone name, for example \"Europe/Madrid\"{}",
            meant.unwrap_or_default()
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<QuietRule, String> {
        text.parse()
    }

    #[test]
    fn a_rule_is_written_as_it_is_read() {
        for (text, written) in [
            ("none", "none"),
            ("22:00-07:00", "22:00-07:00 mon,tue,wed,thu,fri,sat,sun"),
            ("22:00-09:30 sat, fri", "22:00-09:30 fri,sat"),
            ("00:00-00:00 sun", "00:00-00:00 sun"),
        ] {
            assert_eq!(read(text).unwrap().to_string(), written);
            assert_eq!(read(written), read(text));
        }
    }

    #[test]
    fn what_is_no_rule_says_what_is() {
        for (wrong, said) in [
            ("22-7", "must be \"FROM-TO\""),
            ("22:00", "must be \"FROM-TO\""),
            ("24:00-07:00", "must be \"FROM-TO\""),
            ("22:00-7:00", "must be \"FROM-TO\""),
            ("22:00-07:00 friday", "the days must be some of"),
            ("22:00-22:00", "must leave some time"),
        ] {
            let found = read(wrong).unwrap_err();
            assert!(found.starts_with(said), "{wrong}: {found}");
        }
    }
}
