//! What a message can say: the arguments of each type and digest, and where in `incentive_data` they come from.
//!
//! | argument | kind | from | in |
//! | --- | --- | --- | --- |
//! | `$points` | number | `points_earned`, else `rewards.points` | every type, every digest |
//! | `$total` | number | `total_points` | `point_earning` |
//! | `$next_badge` | text | `badge_progress.badge_name`, while `current` is less than `required` | `point_earning` |
//! | `$badge_left` | number | `badge_progress.required` − `badge_progress.current`, if more than 0 | `point_earning` |
//! | `$achievement` | text | `achievement_name` | `achievement_reward` |
//! | `$badge` | text | `badge_unlocked`, if a text; `badge_progress.badge_name`, if `badge_unlocked` is true | `achievement_reward`, `challenge_completion`, `streak_reward` |
//! | `$feature` | text | the first text of `rewards.unlocked_features` | `achievement_reward`, `challenge_completion` |
//! | `$code` | text | the first text of `rewards.discount_codes` | every type but `point_earning` and `streak_reward` |
//! | `$challenge` | text | `challenge_name` | `challenge_completion` |
//! | `$percent` | number | `bonus_percent` | `bonus_opportunity` |
//! | `$streak` | number | `streak_count` | `streak_reward` |
//! | `$milestone` | number | `next_milestone` | `streak_reward` |
//! | `$days_left` | number | `next_milestone` − `streak_count`, if more than 0 | `streak_reward` |
//! | `$friend` | text | `referred_name` | `referral_bonus` |
//! | `$count` | number | `digest.count` | every digest |
//!
//! A digest always has its `$count`. Any other argument that an event lacks has the value `none`. So has one of the wrong kind
//! (`"points_earned": "many"`), a number beyond ±9,007,199,254,740,991, and a text of which nothing
//! visible is left. Numbers are rounded to two decimals; texts are one line of at most 100 characters.
//! No argument depends on the time: a message is read later than it is written.

use fluent_bundle::{FluentArgs, FluentValue};
use serde_json::{Map, Value};

use super::{Subject, clean, number};
use crate::contract::IncentiveType;

type Data = Map<String, Value>;

/// The value of an argument that an event lacks.
pub const NONE: &str = "none";

/// What an argument holds when it holds something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number: plural rules apply, and it is written as the language writes numbers.
    Number,
    /// A text, written as it is.
    Text,
}

/// One argument of a message.
#[derive(Debug)]
pub struct Argument {
    /// Its name in the catalogues, without the `$`.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
    /// Whether it is never lacking.
    pub always: bool,
    find: fn(&Data) -> Found,
}

/// What the data holds for an argument.
enum Found {
    Nothing,
    Number(f64),
    Text(String),
}

impl Argument {
    const fn number(name: &'static str, find: fn(&Data) -> Found) -> Self {
        Self {
            name,
            kind: Kind::Number,
            always: false,
            find,
        }
    }

    const fn text(name: &'static str, find: fn(&Data) -> Found) -> Self {
        Self {
            name,
            kind: Kind::Text,
            always: false,
            find,
        }
    }
}

const COUNT: Argument = Argument {
    always: true,
    ..Argument::number("count", |data| count(data).into())
};
const POINTS: Argument = Argument::number("points", |data| points(data).into());
const TOTAL: Argument = Argument::number("total", |data| number_at(data.get("total_points")));
const NEXT_BADGE: Argument = Argument::text("next_badge", |data| match badge_left(data) {
    Some(_) => text_at(progress(data, "badge_name")),
    None => Found::Nothing,
});
const BADGE_LEFT: Argument = Argument::number("badge_left", |data| badge_left(data).into());
const ACHIEVEMENT: Argument = Argument::text("achievement", |data| text_at(data.get("achievement_name")));
const BADGE: Argument = Argument::text("badge", |data| match data.get("badge_unlocked") {
    Some(Value::Bool(true)) => text_at(progress(data, "badge_name")),
    name => text_at(name),
});
const FEATURE: Argument = Argument::text("feature", |data| first_text(rewards(data, "unlocked_features")));
const CODE: Argument = Argument::text("code", |data| first_text(rewards(data, "discount_codes")));
const CHALLENGE: Argument = Argument::text("challenge", |data| text_at(data.get("challenge_name")));
const PERCENT: Argument = Argument::number("percent", |data| number_at(data.get("bonus_percent")));
const STREAK: Argument = Argument::number("streak", |data| number_at(data.get("streak_count")));
const MILESTONE: Argument = Argument::number("milestone", |data| number_at(data.get("next_milestone")));
const DAYS_LEFT: Argument = Argument::number("days_left", |data| {
    difference(data.get("next_milestone"), data.get("streak_count")).into()
});
const FRIEND: Argument = Argument::text("friend", |data| text_at(data.get("referred_name")));

/// The arguments of a type or its digest, by name.
#[must_use]
pub fn of(subject: Subject) -> &'static [Argument] {
    let kind = match subject {
        Subject::Single(kind) => kind,
        Subject::Digest(_) => return const { &[COUNT, POINTS] },
    };
    match kind {
        IncentiveType::AchievementReward => const { &[ACHIEVEMENT, BADGE, CODE, FEATURE, POINTS] },
        IncentiveType::PointEarning => const { &[BADGE_LEFT, NEXT_BADGE, POINTS, TOTAL] },
        IncentiveType::ChallengeCompletion => const { &[BADGE, CHALLENGE, CODE, FEATURE, POINTS] },
        IncentiveType::BonusOpportunity => const { &[CODE, PERCENT, POINTS] },
        IncentiveType::StreakReward => const { &[BADGE, DAYS_LEFT, MILESTONE, POINTS, STREAK] },
        IncentiveType::ReferralBonus => const { &[CODE, FRIEND, POINTS] },
    }
}

/// The arguments of a type or its digest, filled from the data of an event or a digest; what the data lacks is [`NONE`].
#[must_use]
pub fn fill(subject: Subject, data: &Data) -> FluentArgs<'static> {
    let arguments = of(subject);
    let mut filled = FluentArgs::with_capacity(arguments.len());
    for argument in arguments {
        filled.set(argument.name, FluentValue::from((argument.find)(data)));
    }
    filled
}

/// The value of `$points`, as messages say it: rounded to two decimals, within ±9,007,199,254,740,991; `None` where the data
/// has none.
#[must_use]
pub fn points(data: &Data) -> Option<f64> {
    as_number(data.get("points_earned")).or_else(|| as_number(rewards(data, "points")))
}

/// Whether `$code` is there.
#[must_use]
pub fn has_code(data: &Data) -> bool {
    matches!((CODE.find)(data), Found::Text(_))
}

/// How many notifications a digest has gathered, the value of `$count`, at least 1; `None` where the data is no digest's.
#[must_use]
pub fn count(data: &Data) -> Option<f64> {
    as_number(data.get("digest")?.get("count")).filter(|count| *count >= 1.0)
}

impl From<Found> for FluentValue<'static> {
    fn from(found: Found) -> Self {
        match found {
            Found::Nothing => NONE.into(),
            Found::Number(number) => number.into(),
            Found::Text(text) => text.into(),
        }
    }
}

impl From<Option<f64>> for Found {
    fn from(number: Option<f64>) -> Self {
        number.map_or(Self::Nothing, Self::Number)
    }
}

fn rewards<'a>(data: &'a Data, field: &str) -> Option<&'a Value> {
    data.get("rewards")?.get(field)
}

fn progress<'a>(data: &'a Data, field: &str) -> Option<&'a Value> {
    data.get("badge_progress")?.get(field)
}

fn badge_left(data: &Data) -> Option<f64> {
    difference(progress(data, "required"), progress(data, "current"))
}

/// How far it is still; `None` when it is reached, or not known.
fn difference(goal: Option<&Value>, reached: Option<&Value>) -> Option<f64> {
    let left = rounded(as_number(goal)? - as_number(reached)?)?;
    (left > 0.0).then_some(left)
}

fn number_at(value: Option<&Value>) -> Found {
    as_number(value).into()
}

fn as_number(value: Option<&Value>) -> Option<f64> {
    rounded(value?.as_f64()?)
}

fn rounded(number: f64) -> Option<f64> {
    if number.is_nan() || number.abs() > number::LARGEST {
        None
    } else if number.fract() == 0.0 {
        Some(number)
    } else {
        // Adding zero turns −0 into 0.
        Some((number * 100.0).round() / 100.0 + 0.0)
    }
}

fn text_at(value: Option<&Value>) -> Found {
    match value {
        Some(Value::String(text)) => {
            let text = clean::argument(text);
            // A badge named "none" would meet the wording for no badge anyhow.
            if text.is_empty() || text == NONE {
                Found::Nothing
            } else {
                Found::Text(text)
            }
        }
        _ => Found::Nothing,
    }
}

fn first_text(list: Option<&Value>) -> Found {
    let Some(Value::Array(list)) = list else {
        return Found::Nothing;
    };
    text_at(list.iter().find(|value| value.is_string()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filled(kind: IncentiveType, data: &Value) -> String {
        shown(Subject::Single(kind), data)
    }

    fn shown(subject: Subject, data: &Value) -> String {
        let data = data.as_object().cloned().unwrap_or_default();
        let filled = fill(subject, &data);
        let shown = filled.iter().filter_map(|(name, value)| match value {
            FluentValue::Number(number) => Some(format!("{name}={}", number.value)),
            FluentValue::String(text) if text == NONE => None,
            FluentValue::String(text) => Some(format!("{name}={text}")),
            other => Some(format!("{name}={other:?}")),
        });
        shown.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_argument_is_found_where_the_table_says() {
        let data = json!({
            "points_earned": 50, "total_points": 1250, "achievement_name": "Early bird",
            "badge_unlocked": "Explorer", "challenge_name": "Plank", "bonus_percent": 20,
            "streak_count": 7, "next_milestone": 10, "referred_name": "Ana",
            "badge_progress": { "current": 3, "required": 5, "badge_name": "Collector" },
            "rewards": { "points": 9, "unlocked_features": ["Dark mode", "b"], "discount_codes": ["SAVE10"] },
        });
        let expected = [
            "achievement=Early bird badge=Explorer code=SAVE10 feature=Dark mode points=50",
            "badge_left=2 next_badge=Collector points=50 total=1250",
            "badge=Explorer challenge=Plank code=SAVE10 feature=Dark mode points=50",
            "code=SAVE10 percent=20 points=50",
            "badge=Explorer days_left=3 milestone=10 points=50 streak=7",
            "code=SAVE10 friend=Ana points=50",
        ];
        for (kind, expected) in IncentiveType::ALL.into_iter().zip(expected) {
            assert_eq!(filled(kind, &data), expected, "{kind}");
        }
    }

    #[test]
    fn points_come_from_the_rewards_where_none_were_earned() {
        let data = json!({ "points_earned": null, "rewards": { "points": 40 } });
        assert_eq!(filled(IncentiveType::BonusOpportunity, &data), "points=40");
    }

    #[test]
    fn a_digest_says_how_many_and_their_points_together() {
        let digest = |data: Value| shown(Subject::Digest(IncentiveType::StreakReward), &data);
        let count = json!({ "count": 3, "parts": [] });
        let data =
            json!({ "points_earned": 750, "digest": count, "streak_count": 7, "badge_unlocked": "Explorer" });
        assert_eq!(digest(data), "count=3 points=750");
        assert_eq!(digest(json!({ "digest": count })), "count=3");
    }

    #[test]
    fn what_counts_less_than_one_is_no_digest() {
        let counted = |data: Value| count(data.as_object().expect("an object"));
        assert_eq!(counted(json!({ "digest": { "count": 1 } })), Some(1.0));
        for data in [
            json!({}),
            json!({ "digest": 3 }),
            json!({ "digest": {} }),
            json!({ "digest": { "count": "3" } }),
            json!({ "digest": { "count": 0 } }),
            json!({ "digest": { "count": -3 } }),
        ] {
            assert_eq!(counted(data.clone()), None, "{data}");
        }
    }

    #[test]
    fn points_can_be_summed_as_they_are_said() {
        let found = |data: Value| points(data.as_object().expect("an object"));
        assert_eq!(found(json!({ "points_earned": 250.125 })), Some(250.13));
        assert_eq!(
            found(json!({ "points_earned": "?", "rewards": { "points": 40 } })),
            Some(40.0)
        );
        assert_eq!(
            found(json!({ "points_earned": 0, "rewards": { "points": 40 } })),
            Some(0.0)
        );
        assert_eq!(found(json!({ "points_earned": u64::MAX })), None);
        assert_eq!(found(json!({})), None);
    }

    #[test]
    fn what_is_of_the_wrong_kind_is_lacking() {
        let data = json!({
            "points_earned": "many", "rewards": ["?"], "badge_unlocked": 7, "challenge_name": " \n",
            "badge_progress": "half",
        });
        assert_eq!(filled(IncentiveType::ChallengeCompletion, &data), "");
    }

    #[test]
    fn a_badge_can_be_named_by_its_progress() {
        let data = json!({ "badge_unlocked": true, "badge_progress": { "badge_name": "Collector" } });
        assert_eq!(filled(IncentiveType::StreakReward, &data), "badge=Collector");
        let data = json!({ "badge_unlocked": false, "badge_progress": { "badge_name": "Collector" } });
        assert_eq!(filled(IncentiveType::StreakReward, &data), "");
    }

    #[test]
    fn a_goal_that_is_reached_is_no_longer_ahead() {
        let data = json!({ "badge_progress": { "current": 5, "required": 5, "badge_name": "Collector" } });
        assert_eq!(filled(IncentiveType::PointEarning, &data), "");
        let data = json!({ "streak_count": 12, "next_milestone": 10 });
        assert_eq!(
            filled(IncentiveType::StreakReward, &data),
            "milestone=10 streak=12"
        );
    }

    #[test]
    fn numbers_are_shown_exactly_or_not_at_all() {
        let points = |value: Value| {
            filled(
                IncentiveType::BonusOpportunity,
                &json!({ "points_earned": value }),
            )
        };
        assert_eq!(
            points(json!(9_007_199_254_740_991_u64)),
            "points=9007199254740991"
        );
        assert_eq!(points(json!(9_007_199_254_740_992_u64)), "");
        assert_eq!(points(json!(1e300)), "");
        assert_eq!(points(json!(-12)), "points=-12");
        assert_eq!(points(json!(2.345_678)), "points=2.35");
        assert_eq!(points(json!(1e-300)), "points=0");
        assert_eq!(points(json!(-0.001)), "points=0");
    }

    #[test]
    fn arguments_stand_by_name() {
        for subject in Subject::all() {
            assert!(
                of(subject).is_sorted_by_key(|argument| argument.name),
                "{subject}"
            );
        }
    }
}
