//! What digests say.

use serde_json::{Value, json};

use super::{BUILT_IN, object, reader};
use crate::contract::IncentiveType::{self, *};
use crate::localize::compare::columns;
use crate::localize::{BODY_COLUMNS, Catalogues, Rendered, TITLE_COLUMNS, direction};

const COUNTS: [u32; 7] = [1, 2, 3, 5, 11, 21, 100];

fn data(count: u32, points: Option<f64>) -> Value {
    let digest = json!({ "count": count, "parts": [] });
    match points {
        Some(points) => json!({ "points_earned": points, "digest": digest }),
        None => json!({ "digest": digest }),
    }
}

/// What the built-in catalogues say, without the marks that set numbers apart in Arabic.
fn gathered(language: &str, kind: IncentiveType, count: u32, points: Option<f64>) -> (String, String) {
    let said = digest(&BUILT_IN, language, kind, &data(count, points)).expect("a digest");
    let bare = |text: String| text.replace(['\u{2068}', '\u{2069}'], "");
    (bare(said.title), bare(said.body))
}

fn digest(catalogues: &Catalogues, language: &str, kind: IncentiveType, data: &Value) -> Option<Rendered> {
    catalogues.digest(reader(Some(language)), kind, &object(data))
}

fn of(tag: &str, text: &str) -> Catalogues {
    Catalogues::of_texts(&[(tag, text), ("en", "")], "en").unwrap_or_else(|errors| panic!("{errors}"))
}

#[test]
fn every_digest_says_how_many_and_how_many_points() {
    for (kind, title, body) in [
        (
            AchievementReward,
            "You unlocked 3 achievements!",
            "That took some doing. Well done! You also get 750 points.",
        ),
        (
            PointEarning,
            "You earned 750 points!",
            "Nice work! 3 rewards were added to your balance.",
        ),
        (
            ChallengeCompletion,
            "3 challenges complete!",
            "You did it! Your reward: 750 points.",
        ),
        (
            BonusOpportunity,
            "3 bonuses are waiting for you",
            "Together they’re worth 750 points: come and get them while they last.",
        ),
        (
            StreakReward,
            "3 rewards for your streak!",
            "You earned 750 points. Come back tomorrow to keep your streak going.",
        ),
        (
            ReferralBonus,
            "3 friends have joined thanks to you!",
            "Thanks for spreading the word. Your bonus: 750 points.",
        ),
    ] {
        let said = gathered("en", kind, 3, Some(750.0));
        assert_eq!(said, (title.to_owned(), body.to_owned()), "{kind}");
    }
}

#[test]
fn missing_points_have_wording() {
    for (kind, title, body) in [
        (
            AchievementReward,
            "You unlocked 3 achievements!",
            "That took some doing. Well done!",
        ),
        (
            PointEarning,
            "You earned points 3 times!",
            "Nice work! Your balance is up to date.",
        ),
        (
            ChallengeCompletion,
            "3 challenges complete!",
            "You did it! Take a moment to enjoy it.",
        ),
        (
            BonusOpportunity,
            "3 bonuses are waiting for you",
            "They won’t be around forever: come and get them while they last.",
        ),
        (
            StreakReward,
            "3 rewards for your streak!",
            "Come back tomorrow to keep it going.",
        ),
        (
            ReferralBonus,
            "3 friends have joined thanks to you!",
            "Thanks for spreading the word.",
        ),
    ] {
        let said = gathered("en", kind, 3, None);
        assert_eq!(said, (title.to_owned(), body.to_owned()), "{kind}");
    }
}

/// The `#` is the number.
#[test]
fn one_alone_is_told_otherwise_than_several() {
    for (language, one, several) in [
        (
            "en",
            "You unlocked an achievement!",
            "You unlocked # achievements!",
        ),
        ("de", "Erfolg freigeschaltet!", "# Erfolge freigeschaltet!"),
        ("es", "¡Has desbloqueado un logro!", "¡Has desbloqueado # logros!"),
        ("fr", "Succès débloqué\u{202f}!", "# succès débloqués\u{202f}!"),
        (
            "pt-BR",
            "Você desbloqueou uma conquista!",
            "Você desbloqueou # conquistas!",
        ),
        ("hi", "आपने एक उपलब्धि हासिल की!", "आपने # उपलब्धियाँ हासिल कीं!"),
        ("ja", "実績を解除しました！", "実績を#個解除しました！"),
        ("zh-Hans", "你解锁了一项成就！", "你解锁了 # 项成就！"),
    ] {
        for count in COUNTS {
            let expected = match count {
                1 => one.to_owned(),
                more => several.replace('#', &more.to_string()),
            };
            let (title, _) = gathered(language, AchievementReward, count, None);
            assert_eq!(title, expected, "{language}");
        }
    }
}

#[test]
fn russian_counts_in_all_its_forms() {
    // For 1, 2, 3, 5, 11, 21 and 100.
    let rows: [(IncentiveType, [&str; 7]); 6] = [
        (
            AchievementReward,
            [
                "Новое достижение!",
                "2 новых достижения!",
                "3 новых достижения!",
                "5 новых достижений!",
                "11 новых достижений!",
                "21 новое достижение!",
                "100 новых достижений!",
            ],
        ),
        (
            PointEarning,
            [
                "Вам начислены баллы!",
                "У вас 2 начисления баллов!",
                "У вас 3 начисления баллов!",
                "У вас 5 начислений баллов!",
                "У вас 11 начислений баллов!",
                "У вас 21 начисление баллов!",
                "У вас 100 начислений баллов!",
            ],
        ),
        (
            ChallengeCompletion,
            [
                "Испытание пройдено!",
                "Пройдено 2 испытания!",
                "Пройдено 3 испытания!",
                "Пройдено 5 испытаний!",
                "Пройдено 11 испытаний!",
                "Пройдено 21 испытание!",
                "Пройдено 100 испытаний!",
            ],
        ),
        (
            BonusOpportunity,
            [
                "Вас ждёт бонус",
                "Вас ждут 2 бонуса",
                "Вас ждут 3 бонуса",
                "Вас ждут 5 бонусов",
                "Вас ждут 11 бонусов",
                "Вас ждёт 21 бонус",
                "Вас ждут 100 бонусов",
            ],
        ),
        (
            StreakReward,
            [
                "Награда за вашу серию!",
                "2 награды за вашу серию!",
                "3 награды за вашу серию!",
                "5 наград за вашу серию!",
                "11 наград за вашу серию!",
                "21 награда за вашу серию!",
                "100 наград за вашу серию!",
            ],
        ),
        (
            ReferralBonus,
            [
                "Благодаря вам нас стало больше!",
                "Благодаря вам с нами ещё 2 человека!",
                "Благодаря вам с нами ещё 3 человека!",
                "Благодаря вам с нами ещё 5 человек!",
                "Благодаря вам с нами ещё 11 человек!",
                "Благодаря вам с нами ещё 21 человек!",
                "Благодаря вам с нами ещё 100 человек!",
            ],
        ),
    ];
    counted("ru", &rows);
    for (count, body) in [
        (1, "Так держать! Награда уже на вашем балансе."),
        (2, "Так держать! На вашем балансе 2 новые награды."),
        (5, "Так держать! На вашем балансе 5 новых наград."),
        (21, "Так держать! На вашем балансе 21 новая награда."),
    ] {
        let said = gathered("ru", PointEarning, count, Some(22.0));
        assert_eq!(said, ("Вы заработали 22 балла!".to_owned(), body.to_owned()));
    }
}

#[test]
fn arabic_counts_in_all_its_forms() {
    // For 1, 2, 3, 5, 11, 21 and 100.
    let rows: [(IncentiveType, [&str; 7]); 6] = [
        (
            AchievementReward,
            [
                "إنجاز جديد!",
                "إنجازان جديدان!",
                "3 إنجازات جديدة!",
                "5 إنجازات جديدة!",
                "11 إنجازًا جديدًا!",
                "21 إنجازًا جديدًا!",
                "100 إنجاز جديد!",
            ],
        ),
        (
            PointEarning,
            [
                "وصلتك نقاط جديدة!",
                "وصلتك نقاط جديدة مرتين!",
                "وصلتك نقاط جديدة 3 مرات!",
                "وصلتك نقاط جديدة 5 مرات!",
                "وصلتك نقاط جديدة 11 مرة!",
                "وصلتك نقاط جديدة 21 مرة!",
                "وصلتك نقاط جديدة 100 مرة!",
            ],
        ),
        (
            ChallengeCompletion,
            [
                "اكتمل التحدي!",
                "اكتمل تحديان!",
                "اكتملت 3 تحديات!",
                "اكتملت 5 تحديات!",
                "اكتمل 11 تحديًا!",
                "اكتمل 21 تحديًا!",
                "اكتمل 100 تحدٍّ!",
            ],
        ),
        (
            BonusOpportunity,
            [
                "مكافأة بانتظارك",
                "مكافأتان بانتظارك",
                "3 مكافآت بانتظارك",
                "5 مكافآت بانتظارك",
                "11 مكافأة بانتظارك",
                "21 مكافأة بانتظارك",
                "100 مكافأة بانتظارك",
            ],
        ),
        (
            StreakReward,
            [
                "مكافأة على استمرار سلسلتك!",
                "مكافأتان على استمرار سلسلتك!",
                "3 مكافآت على استمرار سلسلتك!",
                "5 مكافآت على استمرار سلسلتك!",
                "11 مكافأة على استمرار سلسلتك!",
                "21 مكافأة على استمرار سلسلتك!",
                "100 مكافأة على استمرار سلسلتك!",
            ],
        ),
        (
            ReferralBonus,
            [
                "وجه جديد بيننا بفضلك!",
                "وجهان جديدان بيننا بفضلك!",
                "3 وجوه جديدة بيننا بفضلك!",
                "5 وجوه جديدة بيننا بفضلك!",
                "11 وجهًا جديدًا بيننا بفضلك!",
                "21 وجهًا جديدًا بيننا بفضلك!",
                "100 وجه جديد بيننا بفضلك!",
            ],
        ),
    ];
    counted("ar", &rows);
    // A plain choice by the number takes 103 for 100.
    let (title, _) = gathered("ar", AchievementReward, 103, None);
    assert_eq!(title, "103 إنجازات جديدة!");
}

fn counted(language: &str, rows: &[(IncentiveType, [&str; 7])]) {
    for (kind, titles) in rows {
        for (count, title) in COUNTS.into_iter().zip(titles) {
            assert_eq!(gathered(language, *kind, count, None).0, *title);
        }
    }
}

#[test]
fn every_language_says_every_digest_soundly() {
    for language in BUILT_IN.languages() {
        for kind in IncentiveType::ALL {
            assert!(BUILT_IN.has_digest(language, kind), "{language} {kind}");
            for count in COUNTS {
                // No count has the digit 4.
                for points in [None, Some(4.0), Some(4_444_444.44)] {
                    let (title, body) = gathered(language, kind, count, points);
                    for (text, shown) in [(&title, TITLE_COLUMNS), (&body, BODY_COLUMNS)] {
                        assert!(
                            !text.contains(['{', '}', '$', '\n']) && !text.contains("none"),
                            "{language} {text}"
                        );
                        assert!(!text.contains("  ") && text.trim() == text, "{language} {text:?}");
                        assert!((2..=shown).contains(&columns(text)), "{language} {text}");
                    }
                    let all = format!("{title} {body}");
                    assert_eq!(all.contains('4'), points.is_some(), "{language} {all}");
                    let tells = count > 2 || count == 2 && language != "ar";
                    if tells {
                        assert!(all.contains(&count.to_string()), "{language} {all}");
                    }
                }
            }
        }
    }
}

#[test]
fn numbers_are_written_as_the_readers_region_writes_them() {
    let title = |language| {
        digest(&BUILT_IN, language, PointEarning, &data(3, Some(1234.5)))
            .expect("a digest")
            .title
    };
    assert_eq!(title("es-MX"), "¡Has ganado 1,234.5 puntos!");
    assert_eq!(title("de-CH"), "Du hast 1'234.5 Punkte gesammelt!");
    let said = digest(&BUILT_IN, "ar-EG", ReferralBonus, &data(3, None)).expect("a digest");
    assert_eq!(said.title, "\u{2068}٣\u{2069} وجوه جديدة بيننا بفضلك!");
    assert_eq!((said.language.as_str(), said.fell_back), ("ar", false));
}

#[test]
fn what_runs_from_right_to_left_is_marked_and_balanced() {
    for kind in IncentiveType::ALL {
        for points in [None, Some(4.0)] {
            let said = digest(&BUILT_IN, "ar", kind, &data(3, points)).expect("a digest");
            for text in [&said.title, &said.body] {
                assert!(
                    direction::begins_right_to_left(text) && !text.contains('\u{200f}'),
                    "{text}"
                );
                assert!(direction::is_balanced(text), "{text:?}");
                // No sentence is isolated as a whole, nor anything twice.
                assert!(
                    !text.contains("\u{2068}\u{2068}") && !text.contains(".\u{2069}"),
                    "{text:?}"
                );
            }
        }
    }
    let english = include_str!("../../../locales/en.ftl");
    let said = digest(&of("he", english), "he", StreakReward, &data(3, None)).expect("a digest");
    assert_eq!(said.title, "\u{200f}\u{2068}3\u{2069} rewards for your streak!");
}

#[test]
fn a_language_without_digests_is_complete_and_says_that_it_has_none() {
    let english = include_str!("../../../locales/en.ftl");
    let (singles, _) = english.split_once("## Digests").expect("digests");
    let text = format!("{singles}\nstreak_reward-digest =\n    .title = {{ $count }}!\n    .body = b\n");
    let catalogues = of("it", &text);
    for kind in IncentiveType::ALL {
        let has = kind == StreakReward;
        for language in ["it", "it-CH"] {
            assert_eq!(catalogues.has_digest(language, kind), has, "{language} {kind}");
            let said = digest(&catalogues, language, kind, &data(3, None));
            assert_eq!(said.map(|said| said.title), has.then(|| "3!".to_owned()));
        }
        // Who reads neither gets what the fallback language says.
        assert!(catalogues.has_digest("tlh", kind));
    }
    let said = digest(&catalogues, "tlh", PointEarning, &data(3, None)).expect("a digest");
    assert_eq!((said.language.as_str(), said.fell_back), ("en", true));
    let no_language = catalogues.digest(reader(None), PointEarning, &object(&data(3, None)));
    assert_eq!(no_language.map(|said| said.fell_back), Some(false));
}

#[test]
fn what_does_not_say_how_many_is_no_digest() {
    for data in [
        json!({}),
        json!({ "digest": { "count": 0 } }),
        json!({ "points_earned": 5 }),
    ] {
        assert_eq!(digest(&BUILT_IN, "en", PointEarning, &data), None, "{data}");
    }
}

#[test]
fn a_file_overrides_a_digest_and_leaves_the_others() {
    let catalogues = of(
        "es",
        "streak_reward-digest =\n    .title = ¡{ $count }!\n    .body = { $points ->\n        [none] a\n       \
         *[other] { some-points }\n    }\n\
         streak_reward--b =\n    .title = a\n    .body = b\n",
    );
    let said = digest(&catalogues, "es", StreakReward, &data(3, Some(2.0))).expect("a digest");
    assert_eq!((said.title.as_str(), said.body.as_str()), ("¡3!", "2 puntos"));
    assert_eq!(said.variant, None, "a digest has one wording");
    let said = digest(&catalogues, "es", BonusOpportunity, &data(3, None)).expect("a digest");
    assert_eq!(said.title, "Te esperan 3 bonificaciones");
}
