//! Caps as settings.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

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
        let words = [("wait", Self::Wait), ("digest", Self::Digest), ("drop", Self::Drop)];
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
