//! Catalogues: refused with the faults and their lines, or able to say every message, whatever an event's data is.

use std::sync::LazyLock;

use inq::contract::IncentiveType;
use inq::localize::{BODY_BYTES, Catalogues, Reader, TITLE_CHARS};
use serde_json::{Map, Value, json};

/// The longest line that says what is wrong, in bytes.
const LONGEST_LINE: usize = 4096;
/// The most faults that are told of one catalogue.
const MOST_FAULTS: usize = 1000;

/// Data that a pattern could trip over.
static DATA: LazyLock<Vec<Map<String, Value>>> = LazyLock::new(|| {
    let texts = [
        "{ $points }",
        "}",
        "none",
        "\u{0}\u{202e}a\nb",
        "🇫🇷",
        "",
        "\u{fdfd}",
    ];
    let numbers = [
        "0",
        "-0.0",
        "-1",
        "1.005",
        "9007199254740991",
        "90071992547409.93",
        "1e308",
        "5e-324",
    ];
    let mut data: Vec<_> = texts
        .iter()
        .zip(numbers.iter().cycle())
        .map(|(text, number)| said(&text.repeat(200), number))
        .chain(numbers.iter().map(|number| said("Early bird", number)))
        .collect();
    data.push(Map::new());
    data
});

fn said(text: &str, number: &str) -> Map<String, Value> {
    let number: Value = serde_json::from_str(number).expect("a number");
    let data = json!({
        "points_earned": number, "total_points": number, "achievement_name": text, "badge_unlocked": text,
        "challenge_name": text, "bonus_percent": number, "streak_count": 3, "next_milestone": number,
        "referred_name": text, "badge_progress": { "current": 0, "required": number, "badge_name": text },
        "rewards": { "unlocked_features": [text], "discount_codes": [text] }, "digest": { "count": 3 },
    });
    data.as_object().cloned().expect("an object")
}

/// Any text of a catalogue, over the built-in English one.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Catalogues::of_texts(&[("en", &text)], "en") {
        Ok(catalogues) => {
            for kind in IncentiveType::ALL {
                for data in DATA.iter() {
                    for language in ["en", "en-IN", "en-CH"] {
                        speaks(&catalogues, language, kind, data);
                    }
                }
            }
        }
        Err(faults) => {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            assert!((1..=MOST_FAULTS).contains(&lines.len()), "{} faults", lines.len());
            for line in lines {
                assert!(line.len() <= LONGEST_LINE, "{} bytes: {line}", line.len());
                assert!(!line.chars().any(char::is_control), "{line:?}");
            }
        }
    }
}

fn speaks(catalogues: &Catalogues, language: &str, kind: IncentiveType, data: &Map<String, Value>) {
    let reader = Reader {
        user_id: 42,
        language: Some(language),
    };
    let single = catalogues.render(reader, kind, data, None, None);
    let digest = catalogues.digest(reader, kind, data);
    assert_eq!(
        digest.is_some(),
        data.contains_key("digest"),
        "the built-in ones are whole"
    );
    for words in [Some(single), digest].into_iter().flatten() {
        assert!(
            (1..=TITLE_CHARS).contains(&words.title.chars().count()),
            "{:?}",
            words.title
        );
        assert!((1..=BODY_BYTES).contains(&words.body.len()), "{:?}", words.body);
        assert!(!words.title.chars().any(char::is_control), "{:?}", words.title);
        assert_eq!(words.language, "en");
    }
}
