//! Sample events, of every type in every language, with the data that each shows.

use serde_json::{Value, json};

use crate::contract::IncentiveType;
use crate::localize::Subject;

const LANGUAGES: [&str; 10] = ["en", "es", "fr", "de", "pt-BR", "ja", "ar", "ru", "zh-Hans", "hi"];

/// Event number `number` of a run; `run` keeps its events apart from those of earlier runs.
pub(crate) fn event(run: &str, number: u32) -> (i64, Value) {
    let types = IncentiveType::ALL.len();
    let place = usize::try_from(number).unwrap_or(0);
    let kind = kind(number);
    // Moves on by one with each round of the types, so that types and languages meet in all pairs.
    let language = LANGUAGES[(place + place / types) % LANGUAGES.len()];
    let user_id = i64::from(number % 7) + 1;
    let amount = u64::from(number + 1) * 250;
    let event = json!({
        "event_id": format!("sample-{run}-{number}"),
        "user_id": user_id,
        "incentive_type": kind,
        "language": language,
        "device_type": if number.is_multiple_of(2) { "ios" } else { "android" },
        "incentive_data": data(kind, amount, number + 1),
    });
    (user_id, event)
}

/// The type of event number `number`.
pub(crate) fn kind(number: u32) -> IncentiveType {
    let place = usize::try_from(number).unwrap_or(0);
    IncentiveType::ALL[place % IncentiveType::ALL.len()]
}

/// What an event of that type, or a digest, usually says.
pub(crate) fn typical(subject: Subject) -> Value {
    match subject {
        Subject::Single(kind) => data(kind, 1250, 7),
        Subject::Digest(_) => json!({ "points_earned": 3750, "digest": { "count": 3 } }),
    }
}

fn data(kind: IncentiveType, amount: u64, count: u32) -> Value {
    match kind {
        IncentiveType::AchievementReward => json!({
            "achievement_id": format!("trips-{count}"),
            "badge_unlocked": "Explorer",
            "rewards": { "points": amount },
        }),
        IncentiveType::PointEarning => json!({
            "points_earned": amount,
            "badge_progress": { "current": 3, "required": 5, "badge_name": "Champion" },
        }),
        IncentiveType::ChallengeCompletion => json!({
            "challenge_name": "Autumn",
            "rewards": { "points": amount, "unlocked_features": ["Night mode"] },
        }),
        IncentiveType::BonusOpportunity => json!({
            "bonus_percent": 20,
            "rewards": { "discount_codes": ["RIDE20"] },
        }),
        IncentiveType::StreakReward => json!({
            "streak_count": count,
            "next_milestone": count + 3,
            "points_earned": amount,
        }),
        IncentiveType::ReferralBonus => json!({ "referred_name": "Noor", "points_earned": amount }),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::contract::IncentiveEvent;

    #[test]
    fn every_sample_is_an_event_of_the_contract() {
        for number in 0..100 {
            let (user_id, event) = event("test", number);
            let decoded = IncentiveEvent::decode(Some(event.to_string().as_bytes()), 10_000);
            assert_eq!(decoded.map(|event| event.user_id), Ok(user_id));
        }
    }

    #[test]
    fn twenty_samples_have_every_type_and_every_language() {
        let events: Vec<_> = (0..20).map(|number| event("test", number).1).collect();
        for (field, count) in [("incentive_type", 6), ("language", 10), ("event_id", 20)] {
            let values: BTreeSet<_> = events.iter().map(|event| event[field].to_string()).collect();
            assert_eq!(values.len(), count, "{field}");
        }
    }
}
