//! Caps as settings.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{choice, duration};
use crate::contract::IncentiveType;

/// How many notifications a reader gets at most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapSettings {
    /// Of a day by the clock on the reader's wall, for those who have said no number themselves; 0 to 1000, 0: no cap.
    pub per_day: u16,
    /// Of any span as long as `window`; 0 to 1000, 0: no cap.
    pub per_window: u16,
    /// How long such a span is; 1 min to 30 d.
    #[serde(with = "duration")]
    pub window: Duration,
    /// What becomes of what is over.
    pub over: Over,
    /// Caps, readers' own too, neither count nor stop what is so urgent or more; 0 to 5, 5: they count everything.
    pub ignore_from_priority: u8,
    /// More caps, on one type each.
    pub types: CapTypes,
    /// Others instead of `per_day` and `per_window` for readers of some segments.
    #[serde(default)]
    pub segments: BTreeMap<String, CapRule>,
}

/// `5 per day`, `3 per window`, both separated by a comma, or `none`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CapRule {
    /// As [`CapSettings::per_day`].
    pub per_day: u16,
    /// As [`CapSettings::per_window`].
    pub per_window: u16,
}

/// The most that any cap allows.
pub(super) const HIGHEST_CAP: u16 = 1000;
const NONE: &str = "none";

impl FromStr for CapRule {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        const RULE: &str = "must be \"N per day\", \"N per window\", both with a comma in between, or \"none\", N from 1 to \
                            1000; for example \"5 per day\"";
        let mut rule = Self::default();
        if text == NONE {
            return Ok(rule);
        }
        for part in text.split(',') {
            let (number, span) = part.trim().split_once(" per ").ok_or(RULE)?;
            let limit = match span {
                "day" => &mut rule.per_day,
                "window" => &mut rule.per_window,
                _ => return Err(RULE),
            };
            let number = number
                .parse()
                .ok()
                .filter(|number| (1..=HIGHEST_CAP).contains(number));
            if std::mem::replace(limit, number.ok_or(RULE)?) != 0 {
                return Err(RULE);
            }
        }
        Ok(rule)
    }
}

impl fmt::Display for CapRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.per_day, self.per_window) {
            (0, 0) => f.write_str(NONE),
            (day, 0) => write!(f, "{day} per day"),
            (0, window) => write!(f, "{window} per window"),
            (day, window) => write!(f, "{day} per day, {window} per window"),
        }
    }
}

impl Serialize for CapRule {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for CapRule {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// What becomes of a notification that is over a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// It waits for the next free place.
    Wait,
    /// It waits for the next free place, and what waits is gathered in one.
    Digest,
    /// It is not sent.
    Drop,
}

impl<'de> Deserialize<'de> for Over {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let words = [
            ("wait", Self::Wait),
            ("digest", Self::Digest),
            ("drop", Self::Drop),
        ];
        choice::read(from, &words)
    }
}

/// The caps on each type, beside those on all together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapTypes {
    /// On [`IncentiveType::AchievementReward`].
    pub achievement_reward: TypeCap,
    /// On [`IncentiveType::PointEarning`].
    pub point_earning: TypeCap,
    /// On [`IncentiveType::ChallengeCompletion`].
    pub challenge_completion: TypeCap,
    /// On [`IncentiveType::BonusOpportunity`].
    pub bonus_opportunity: TypeCap,
    /// On [`IncentiveType::StreakReward`].
    pub streak_reward: TypeCap,
    /// On [`IncentiveType::ReferralBonus`].
    pub referral_bonus: TypeCap,
}

/// The caps on one type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeCap {
    /// As [`CapSettings::per_day`].
    pub per_day: u16,
    /// As [`CapSettings::per_window`].
    pub per_window: u16,
}

impl CapTypes {
    /// Those on a type.
    #[must_use]
    pub const fn of(&self, kind: IncentiveType) -> TypeCap {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_as_it_is_read() {
        for (text, written) in [
            ("none", "none"),
            ("5 per day", "5 per day"),
            ("1000 per window", "1000 per window"),
            ("3 per window,1 per day", "1 per day, 3 per window"),
        ] {
            let rule: CapRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), written);
            assert_eq!(written.parse(), Ok(rule));
        }
    }

    #[test]
    fn what_is_no_rule_says_what_is() {
        for wrong in [
            "",
            "5",
            "5 a day",
            "0 per day",
            "1001 per day",
            "-1 per day",
            "5 per week",
            "5 per day,",
            "5 per day, 6 per day",
            "5 per day none",
        ] {
            let said = wrong.parse::<CapRule>().unwrap_err();
            assert!(said.contains("for example \"5 per day\""), "{wrong}: {said}");
        }
    }
}
