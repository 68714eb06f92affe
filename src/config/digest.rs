//! Digests as settings.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::duration;
use crate::contract::IncentiveType;

/// Which notifications are gathered in one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestSettings {
    /// The most notifications in one digest; 2 to 200.
    pub max_parts: u16,
    /// What is so urgent or more is not gathered; 0 to 5, 5: everything may be.
    pub ignore_from_priority: u8,
    /// How long each type is gathered.
    pub windows: DigestWindows,
}

/// From the first notification on; 1 s to 1 d, or zero: the type is not gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DigestWindows {
    /// Of [`IncentiveType::AchievementReward`].
    #[serde(with = "duration")]
    pub achievement_reward: Duration,
    /// Of [`IncentiveType::PointEarning`].
    #[serde(with = "duration")]
    pub point_earning: Duration,
    /// Of [`IncentiveType::ChallengeCompletion`].
    #[serde(with = "duration")]
    pub challenge_completion: Duration,
    /// Of [`IncentiveType::BonusOpportunity`].
    #[serde(with = "duration")]
    pub bonus_opportunity: Duration,
    /// Of [`IncentiveType::StreakReward`].
    #[serde(with = "duration")]
    pub streak_reward: Duration,
    /// Of [`IncentiveType::ReferralBonus`].
    #[serde(with = "duration")]
    pub referral_bonus: Duration,
}

impl DigestWindows {
    /// That of a type; zero: it is not gathered.
    #[must_use]
    pub const fn of(&self, kind: IncentiveType) -> Duration {
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
