//! What notifications say.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{BUILT_IN, object, say};
use crate::contract::IncentiveType::{self, *};
use crate::localize::{BODY_BYTES, Catalogues, TITLE_CHARS};

const LANGUAGES: [&str; 6] = ["de", "en", "es", "fr", "ja", "pt-BR"];

/// Data that has all that any message can say.
fn full() -> Value {
    json!({
        "points_earned": 1250, "total_points": 12_345, "achievement_name": "Early bird",
        "badge_unlocked": "Explorer", "challenge_name": "Plank", "bonus_percent": 20,
        "streak_count": 7, "next_milestone": 10, "referred_name": "Ana",
        "badge_progress": { "current": 3, "required": 5, "badge_name": "Collector" },
        "rewards": { "unlocked_features": ["Dark mode"], "discount_codes": ["SAVE10"] },
    })
}

fn title(language: &str, kind: IncentiveType, data: &Value) -> String {
    say(language, kind, data).title
}

#[test]
fn a_reader_in_mexico_gets_spanish() {
    let said = say("es-MX", PointEarning, &json!({ "points_earned": 50 }));
    assert_eq!(said.title, "¡Has ganado 50 puntos!");
    assert_eq!((said.language.as_str(), said.fell_back), ("es", false));
}

#[test]
fn an_unknown_language_falls_back_and_says_so() {
    for unknown in ["tlh", "zh-Hant", "not a tag", ""] {
        let said = say(unknown, PointEarning, &json!({}));
        assert_eq!(
            (said.language.as_str(), said.fell_back),
            ("en", true),
            "{unknown:?}"
        );
    }
}

#[test]
fn no_wanted_language_is_the_fallback_and_no_miss() {
    let catalogues = Catalogues::load(None, "fr").expect("the built-in catalogues");
    let said = catalogues.render(None, PointEarning, &Map::new(), None, None);
    assert_eq!((said.language.as_str(), said.fell_back), ("fr", false));
}

#[test]
fn missing_points_have_wording() {
    for data in [
        json!({}),
        json!({ "points_earned": "many" }),
        json!({ "points_earned": null }),
    ] {
        assert_eq!(title("en", PointEarning, &data), "You earned points!");
        assert_eq!(title("de", PointEarning, &data), "Du hast Punkte gesammelt!");
    }
}

#[test]
fn numbers_are_written_as_the_readers_region_writes_them() {
    let points = |language| title(language, PointEarning, &json!({ "points_earned": 1_234_567.5 }));
    for (language, expected) in [
        ("en", "You earned 1,234,567.5 points!"),
        ("en-GB", "You earned 1,234,567.5 points!"),
        ("en-IN", "You earned 12,34,567.5 points!"),
        ("es", "¡Has ganado 1.234.567,5 puntos!"),
        ("es-MX", "¡Has ganado 1,234,567.5 puntos!"),
        ("es_mx", "¡Has ganado 1,234,567.5 puntos!"),
        ("fr", "Vous avez gagné 1\u{202f}234\u{202f}567,5 points\u{202f}!"),
        ("de", "Du hast 1.234.567,5 Punkte gesammelt!"),
        ("de-CH", "Du hast 1'234'567.5 Punkte gesammelt!"),
        ("pt-BR", "Você ganhou 1.234.567,5 pontos!"),
        ("pt-PT", "Você ganhou 1\u{a0}234\u{a0}567,5 pontos!"),
        ("ja", "1,234,567.5ポイントを獲得しました！"),
    ] {
        assert_eq!(points(language), expected, "{language}");
    }
}

#[test]
fn plurals_are_right_in_every_language() {
    for (language, expected) in [
        ("en", ["0 points", "1 point", "2 points", "1,000,000 points"]),
        ("es", ["0 puntos", "1 punto", "2 puntos", "1.000.000 de puntos"]),
        (
            "fr",
            [
                "0 point",
                "1 point",
                "2 points",
                "1\u{202f}000\u{202f}000 de points",
            ],
        ),
        ("de", ["0 Punkte", "1 Punkt", "2 Punkte", "1.000.000 Punkte"]),
        ("pt-BR", ["0 ponto", "1 ponto", "2 pontos", "1.000.000 de pontos"]),
        ("ja", ["0ポイント", "1ポイント", "2ポイント", "1,000,000ポイント"]),
    ] {
        for (points, expected) in [0, 1, 2, 1_000_000].into_iter().zip(expected) {
            let said = title(language, PointEarning, &json!({ "points_earned": points }));
            let end = said
                .split(expected)
                .nth(1)
                .unwrap_or_else(|| panic!("{said} has no {expected}"));
            assert!(
                !end.starts_with(char::is_alphabetic) || language == "ja",
                "{said} goes on after {expected}"
            );
        }
    }
}

#[test]
fn days_have_plurals_too() {
    let days = |language, streak| title(language, StreakReward, &json!({ "streak_count": streak }));
    assert_eq!(days("en", 1), "1 day: your streak has begun!");
    assert_eq!(days("en", 7), "7 days in a row!");
    assert_eq!(days("fr", 0), "0 jour d’affilée\u{202f}!");
    assert_eq!(days("de", 1200), "1.200 Tage in Folge!");
}

#[test]
fn numbers_of_any_size_are_sayable() {
    let points = |points: Value| title("en", PointEarning, &json!({ "points_earned": points }));
    assert_eq!(points(json!(-5)), "You earned -5 points!");
    assert_eq!(points(json!(0.1 + 0.2)), "You earned 0.3 points!");
    assert_eq!(
        points(json!(9_007_199_254_740_991_u64)),
        "You earned 9,007,199,254,740,991 points!"
    );
    assert_eq!(points(json!(u64::MAX)), "You earned points!");
}

#[test]
fn text_from_an_event_is_never_a_pattern() {
    for text in [
        "{ $x }",
        "{$points}",
        "{ -term }",
        "{ and-code }",
        "\\u0041 {\"\"}",
        "} .title = x",
    ] {
        let data = json!({ "referred_name": text });
        assert_eq!(
            title("en", ReferralBonus, &data),
            format!("{text} has joined thanks to you!")
        );
        let said = BUILT_IN.render(Some("en"), ReferralBonus, &object(&data), Some(text), Some(text));
        assert_eq!((said.title.as_str(), said.body.as_str()), (text, text));
    }
}

#[test]
fn an_events_own_words_replace_the_catalogues_one_by_one() {
    let render =
        |title, body| BUILT_IN.render(Some("de"), BonusOpportunity, &object(&json!({})), title, body);
    let said = render(Some(" Hi\u{202e}\n there "), None);
    assert_eq!(
        (said.title.as_str(), said.body.as_str()),
        ("Hi there", "Greif zu, solange der Bonus läuft!")
    );
    let said = render(None, Some("one\r\ntwo"));
    assert_eq!(
        (said.title.as_str(), said.body.as_str()),
        ("Ein Bonus wartet auf dich", "one\ntwo")
    );
    let said = render(Some(" \n\u{0}"), Some("\u{200f}"));
    assert_eq!(said, render(None, None));
}

#[test]
fn words_that_are_all_the_events_own_are_in_its_language() {
    let render = |wanted| {
        let said = BUILT_IN.render(wanted, PointEarning, &Map::new(), Some("Ciao"), Some("Ciao"));
        (said.language, said.fell_back)
    };
    assert_eq!(render(Some("it-it")), ("it-IT".to_owned(), false));
    assert_eq!(render(Some("?!")), ("en".to_owned(), false));
    assert_eq!(render(None), ("en".to_owned(), false));
}

#[test]
fn a_long_name_is_cut_and_a_hostile_one_cleaned() {
    let said = title(
        "en",
        ReferralBonus,
        &json!({ "referred_name": "A\n\u{202e}na".repeat(100) }),
    );
    assert!(
        said.ends_with("… has joined thanks to you!") && said.starts_with("A naA naA na"),
        "{said}"
    );
    assert_eq!(
        said.chars().count(),
        100 + " has joined thanks to you!".chars().count()
    );
}

#[test]
fn nothing_marks_the_direction_of_left_to_right_text() {
    for language in LANGUAGES {
        let said = say(language, ReferralBonus, &full());
        assert!(!format!("{said:?}").contains("\\u{206"), "{said:?}");
    }
}

#[test]
fn every_language_says_every_type() {
    assert_eq!(BUILT_IN.languages().collect::<Vec<_>>(), LANGUAGES);
    for language in LANGUAGES {
        for kind in IncentiveType::ALL {
            for data in [full(), json!({})] {
                let said = say(language, kind, &data);
                assert_eq!(said.language, language);
                for text in [&said.title, &said.body] {
                    assert!(
                        !text.contains(['{', '}', '$', '\n']) && !text.contains("none"),
                        "{language} {text}"
                    );
                    assert!(!text.contains("  ") && text.trim() == text, "{language} {text:?}");
                    assert!(
                        (2..=TITLE_CHARS).contains(&text.chars().count()),
                        "{language} {text}"
                    );
                }
            }
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![any::<String>(), "[{}$\u{202e}\n\u{301}a]{0,300}", "none"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text.prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "points_earned",
        "total_points",
        "achievement_name",
        "badge_unlocked",
        "challenge_name",
        "current",
        "bonus_percent",
        "streak_count",
        "next_milestone",
        "referred_name",
        "badge_progress",
        "required",
        "badge_name",
        "rewards",
        "points",
        "unlocked_features",
        "discount_codes",
    ]);
    leaf.prop_recursive(3, 40, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name.clone(), inner), 0..12).prop_map(|fields| {
                fields
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect::<Value>()
            }),
        ]
    })
}

proptest! {
    #[test]
    fn whatever_an_event_says_the_words_are_sound(
        data in any_json().prop_filter("an object", Value::is_object),
        language in prop_oneof![any::<String>(), "[a-z]{2}(-[A-Z][a-z]{3})?(-[A-Z]{2})?"],
        kind in prop::sample::select(IncentiveType::ALL.to_vec()),
        literal_title in prop::option::of(any::<String>()),
        literal_body in prop::option::of(any::<String>()),
    ) {
        let data = object(&data);
        let said =
            BUILT_IN.render(Some(&language), kind, &data, literal_title.as_deref(), literal_body.as_deref());
        prop_assert!((1..=TITLE_CHARS).contains(&said.title.chars().count()));
        prop_assert!((1..=BODY_BYTES).contains(&said.body.len()));
        prop_assert!(!said.title.contains(char::is_control));
        prop_assert!(!said.body.contains(|each: char| each.is_control() && each != '\n'));
        prop_assert!(!said.language.is_empty());
    }
}
