//! What is rewarded, and how urgent it is to say so.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What the user did to be rewarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncentiveType {
    /// A badge or an achievement was unlocked.
    AchievementReward,
    /// Points were earned.
    PointEarning,
    /// A challenge was completed.
    ChallengeCompletion,
    /// A bonus can be had for a time.
    BonusOpportunity,
    /// A streak went on.
    StreakReward,
    /// Somebody who was referred has joined.
    ReferralBonus,
}

impl IncentiveType {
    /// What its name must be, for people.
    pub(super) const RULE: &str = "one of achievement_reward, point_earning, challenge_completion, bonus_opportunity, streak_reward, referral_bonus";
    /// Every type, in the order of the contract.
    pub const ALL: [Self; 6] = [
        Self::AchievementReward,
        Self::PointEarning,
        Self::ChallengeCompletion,
        Self::BonusOpportunity,
        Self::StreakReward,
        Self::ReferralBonus,
    ];

    /// The name on the wire, in the table and in the catalogues.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AchievementReward => "achievement_reward",
            Self::PointEarning => "point_earning",
            Self::ChallengeCompletion => "challenge_completion",
            Self::BonusOpportunity => "bonus_opportunity",
            Self::StreakReward => "streak_reward",
            Self::ReferralBonus => "referral_bonus",
        }
    }

    /// The type of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for IncentiveType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How urgent a notification is: 0 standard, 1 important, 2 time-sensitive, 3 critical, 4 emergency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "u8")]
pub struct Priority(u8);

impl Priority {
    /// The most urgent priority.
    pub const MAX: Self = Self(4);

    /// The priority of that number.
    ///
    /// # Errors
    /// If it is not within 0..=4.
    pub fn new(number: i64) -> Result<Self, String> {
        u8::try_from(number)
            .ok()
            .filter(|&number| number <= Self::MAX.0)
            .map(Self)
            .ok_or_else(|| format!("must be 0 to {}, found {number}", Self::MAX.0))
    }

    /// Its number, 0..=4.
    #[must_use]
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Its number as text.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self.0 {
            0 => "0",
            1 => "1",
            2 => "2",
            3 => "3",
            _ => "4",
        }
    }

    /// All priorities, the most urgent first.
    pub fn urgent_first() -> impl Iterator<Item = Self> {
        (0..=Self::MAX.0).rev().map(Self)
    }
}

impl TryFrom<i64> for Priority {
    type Error = String;

    fn try_from(number: i64) -> Result<Self, String> {
        Self::new(number)
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}
