//! What notifications say.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{BUILT_IN, object, reader, say};
use crate::contract::IncentiveType::{self, *};
use crate::localize::{BODY_BYTES, Catalogues, Reader, TITLE_CHARS, direction, variant};

const LANGUAGES: [&str; 10] = ["ar", "de", "en", "es", "fr", "hi", "ja", "pt-BR", "ru", "zh-Hans"];

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
fn who_reads_simplified_chinese_gets_it_and_who_reads_traditional_does_not() {
    for tag in ["zh", "zh-CN", "zh-SG", "zh-Hans", "zh-Hans-HK", "zh_cn"] {
        let said = say(tag, PointEarning, &json!({ "points_earned": 50 }));
        assert_eq!(
            (said.title.as_str(), said.language.as_str(), said.fell_back),
            ("你获得了 50 积分！", "zh-Hans", false),
            "{tag}"
        );
    }
    for tag in ["zh-TW", "zh-HK", "zh-Hant", "zh-Hant-CN"] {
        let said = say(tag, PointEarning, &json!({}));
        assert_eq!((said.language.as_str(), said.fell_back), ("en", true), "{tag}");
    }
}

#[test]
fn an_unknown_language_falls_back_and_says_so() {
    for unknown in ["tlh", "zh-Hant-TW", "not a tag", ""] {
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
    let said = catalogues.render(reader(None), PointEarning, &Map::new(), None, None);
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
        ("ru", "Вы заработали 1\u{a0}234\u{a0}567,5 балла!"),
        ("zh-CN", "你获得了 1,234,567.5 积分！"),
        ("hi", "आपको 12,34,567.5 पॉइंट मिले!"),
        // Digits as the region writes them: ١٢٣ from Egypt to Iraq, 123 in the Maghreb and the Emirates, and where no
        // region is known.
        ("ar", "حصلت على \u{2068}1,234,567.5\u{2069} نقطة!"),
        ("ar-EG", "حصلت على \u{2068}١٬٢٣٤٬٥٦٧٫٥\u{2069} نقطة!"),
        ("ar-MA", "حصلت على \u{2068}1.234.567,5\u{2069} نقطة!"),
        ("ar-AE", "حصلت على \u{2068}1,234,567.5\u{2069} نقطة!"),
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
fn the_slavic_and_arabic_plurals_have_all_their_forms() {
    let points = |language, points: f64| {
        let said = title(language, PointEarning, &json!({ "points_earned": points }));
        said.replace(['\u{2068}', '\u{2069}'], "")
    };
    for (number, expected) in [
        (1.0, "1 балл"),
        (2.0, "2 балла"),
        (5.0, "5 баллов"),
        (11.0, "11 баллов"),
        (21.0, "21 балл"),
        (22.0, "22 балла"),
        (1.5, "1,5 балла"),
    ] {
        assert_eq!(points("ru", number), format!("Вы заработали {expected}!"));
    }
    for (number, expected) in [
        (0.0, "0 نقطة"),
        (1.0, "نقطة واحدة"),
        (2.0, "نقطتين"),
        (3.0, "3 نقاط"),
        (10.0, "10 نقاط"),
        (11.0, "11 نقطة"),
        (99.0, "99 نقطة"),
        (100.0, "100 نقطة"),
        (103.0, "103 نقاط"),
        (111.0, "111 نقطة"),
        (3.5, "3.5 نقطة"),
    ] {
        assert_eq!(points("ar", number), format!("حصلت على {expected}!"));
    }
    assert_eq!(
        title("hi", PointEarning, &json!({ "points_earned": 1 })),
        "आपको 1 पॉइंट मिला!"
    );
}

/// Each choice by a number that names a category names all that the language has.
#[test]
fn no_plural_category_is_forgotten() {
    for language in LANGUAGES {
        let text = std::fs::read_to_string(format!("{}/locales/{language}.ftl", env!("CARGO_MANIFEST_DIR")));
        let text = text.expect("a catalogue");
        let categories: &[&str] = match language {
            "ar" => &["[zero]", "[one]", "[two]", "[few]", "[many]"],
            "ru" => &["[one]", "[few]", "[many]"],
            "ja" | "zh-Hans" => &[],
            _ => &["[one]"],
        };
        let said: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let named = |category: &str| said.iter().filter(|line| line.contains(category)).count();
        for other in ["[zero]", "[one]", "[two]", "[few]", "[many]"] {
            if !categories.contains(&other) {
                assert_eq!(named(other), 0, "{language} has no {other}");
            }
        }
        for pair in categories.windows(2) {
            assert_eq!(named(pair[0]), named(pair[1]), "{language} {pair:?}");
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
    assert_eq!(days("ru", 21), "21 день подряд!");
    assert_eq!(days("ar", 2), "يومان متتاليان!");
    assert_eq!(days("ar-EG", 7), "\u{2068}٧\u{2069} أيام متتالية!");
    assert_eq!(days("ar-MA", 103), "\u{2068}103\u{2069} أيام متتالية!");
    assert_eq!(days("ar-MA", 111), "\u{2068}111\u{2069} يومًا متتاليًا!");
    assert_eq!(days("ar-EG", 15), "\u{2068}١٥\u{2069} يومًا متتاليًا!");
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
        let said = BUILT_IN.render(
            reader(Some("en")),
            ReferralBonus,
            &object(&data),
            Some(text),
            Some(text),
        );
        assert_eq!((said.title.as_str(), said.body.as_str()), (text, text));
    }
}

#[test]
fn an_events_own_words_replace_the_catalogues_one_by_one() {
    let render = |title, body| {
        BUILT_IN.render(
            reader(Some("de")),
            BonusOpportunity,
            &object(&json!({})),
            title,
            body,
        )
    };
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
        let said = BUILT_IN.render(
            reader(wanted),
            PointEarning,
            &Map::new(),
            Some("Ciao"),
            Some("Ciao"),
        );
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
    for language in LANGUAGES.into_iter().filter(|language| *language != "ar") {
        let said = say(language, ReferralBonus, &full());
        assert!(!format!("{said:?}").contains("\\u{206"), "{said:?}");
    }
}

#[test]
fn arabic_begins_from_the_right_and_sets_apart_what_is_inserted() {
    let said = say("ar", ReferralBonus, &full());
    assert_eq!(said.title, "بفضلك، \u{2068}Ana\u{2069} معنا الآن!");
    for kind in IncentiveType::ALL {
        for data in [
            full(),
            json!({}),
            json!({ "streak_count": 7, "next_milestone": 10 }),
        ] {
            let said = say("ar", kind, &data);
            for text in [&said.title, &said.body] {
                // By its own words: no mark is needed.
                assert!(
                    direction::begins_right_to_left(text) && !text.contains('\u{200f}'),
                    "{text}"
                );
                assert!(direction::is_balanced(text), "{text:?}");
                // A sentence that is a choice is not isolated as a whole, nor is anything isolated twice.
                assert!(
                    !text.contains("\u{2068}\u{2068}") && !text.starts_with("\u{2068}ا"),
                    "{text:?}"
                );
            }
        }
    }
}

#[test]
fn right_to_left_text_that_was_cut_is_balanced() {
    let name = "ل".repeat(100);
    let text = format!(
        "referral_bonus =\n    .title = {}{{ $friend ->\n        [none] ب\n       *[other] {{ $friend }}، ب\n    }}\n    \
         .body = ب\n",
        "ب".repeat(160)
    );
    let catalogues = Catalogues::of_texts(&[("ar", &text)], "ar").unwrap_or_else(|errors| panic!("{errors}"));
    let data = object(&json!({ "referred_name": name }));
    let said = catalogues.render(reader(None), ReferralBonus, &data, None, None);
    assert_eq!(said.title.chars().count(), TITLE_CHARS);
    assert!(
        direction::is_balanced(&said.title) && said.title.ends_with("…\u{2069}\u{2069}"),
        "{:?}",
        said.title
    );
}

#[test]
fn a_message_has_as_many_wordings_as_there_are_and_a_reader_one_of_them() {
    let text = "streak_reward--short =\n    .title = Wow!\n    .body = { streak_reward.body }\n\
                streak_reward--b =\n    .title = Hey!\n    .body = Nice.\n";
    let catalogues = Catalogues::of_texts(&[("en", text)], "en").unwrap_or_else(|errors| panic!("{errors}"));
    let wordings: Vec<_> = catalogues.wordings("en", StreakReward).collect();
    assert_eq!(wordings, ["main", "b", "short"]);
    assert_eq!(
        catalogues.wordings("en", PointEarning).collect::<Vec<_>>(),
        ["main"]
    );
    let data = object(&json!({ "streak_count": 7 }));
    let mut readers = [0; 3];
    for user_id in 1..=3000 {
        let reader = Reader {
            user_id,
            language: Some("en-GB"),
        };
        let said = catalogues.render(reader, StreakReward, &data, None, None);
        let place = variant::place(user_id, StreakReward, 3);
        readers[place] += 1;
        assert_eq!(said.variant.as_deref(), Some(wordings[place]), "{user_id}");
        let title = ["7 days in a row!", "Hey!", "Wow!"][place];
        assert_eq!(said.title, title, "{user_id}");
        let again = catalogues.render(reader, StreakReward, &data, None, None);
        assert_eq!(said, again);
        let other = catalogues.render(reader, PointEarning, &data, None, None);
        assert_eq!(other.variant, None);
        let own = catalogues.render(reader, StreakReward, &data, Some("a"), Some("b"));
        assert_eq!(own.variant, None, "there is nothing of the catalogue in it");
    }
    assert!(
        readers.iter().all(|count| (850..=1150).contains(count)),
        "{readers:?}"
    );
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
        language in prop_oneof![any::<String>(), prop::sample::select(LANGUAGES.map(str::to_owned).to_vec()), "[a-z]{2}(-[A-Z][a-z]{3})?(-[A-Z]{2})?"],
        kind in prop::sample::select(IncentiveType::ALL.to_vec()),
        literal_title in prop::option::of(any::<String>()),
        literal_body in prop::option::of(any::<String>()),
    ) {
        let data = object(&data);
        let said =
            BUILT_IN.render(reader(Some(&language)), kind, &data, literal_title.as_deref(), literal_body.as_deref());
        prop_assert!((1..=TITLE_CHARS).contains(&said.title.chars().count()));
        prop_assert!((1..=BODY_BYTES).contains(&said.body.len()));
        prop_assert!(!said.title.contains(char::is_control));
        prop_assert!(!said.body.contains(|each: char| each.is_control() && each != '\n'));
        prop_assert!(!said.language.is_empty());
        prop_assert!(direction::is_balanced(&said.title) && direction::is_balanced(&said.body));
    }
}
