//! Text from an event is made fit to be shown: no control characters, no text that turns its
//! surroundings around, no more than a column holds.

use unicode_segmentation::GraphemeCursor;

use super::direction;

/// The longest title, in Unicode scalar values, as `VARCHAR(255)` counts.
pub const TITLE_CHARS: usize = 255;
/// The longest body, in bytes of UTF-8, as `TEXT` counts.
pub const BODY_BYTES: usize = 65_535;
/// The longest text that a message takes from an event's data, in Unicode scalar values.
pub const ARGUMENT_CHARS: usize = 100;

/// What stands where a text was cut.
const ELLIPSIS: char = '…';

/// A title as an event gives it: one line, at most [`TITLE_CHARS`]; empty if nothing visible is left.
#[must_use]
pub fn title(text: &str) -> String {
    fit_title(one_line(text))
}

/// A text from an event's data, to stand within a sentence: one line, at most [`ARGUMENT_CHARS`].
#[must_use]
pub fn argument(text: &str) -> String {
    fit_chars(one_line(text), ARGUMENT_CHARS)
}

/// A body as an event gives it: its lines kept, at most [`BODY_BYTES`]; empty if nothing visible is left.
#[must_use]
pub fn body(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\r' => {
                characters.next_if_eq(&'\n');
                clean.push('\n');
            }
            '\n' | '\u{85}' | '\u{2028}' | '\u{2029}' => clean.push('\n'),
            '\t' => clean.push(' '),
            other if is_unwanted(other) => {}
            other => clean.push(other),
        }
    }
    fit_body(trimmed(clean))
}

/// Cuts a finished title to [`TITLE_CHARS`].
#[must_use]
pub fn fit_title(text: String) -> String {
    fit_chars(text, TITLE_CHARS)
}

/// Cuts a finished body to [`BODY_BYTES`].
#[must_use]
pub fn fit_body(mut text: String) -> String {
    if text.len() > BODY_BYTES {
        cut_closed(&mut text, |text, closing| {
            text.floor_char_boundary(
                BODY_BYTES - ELLIPSIS.len_utf8() - closing * direction::POP_ISOLATE.len_utf8(),
            )
        });
    }
    text
}

/// All in one line: breaking white space becomes one space, what can't be shown goes.
fn one_line(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if breaks(character) {
            if !clean.ends_with(' ') {
                clean.push(' ');
            }
        } else if !is_unwanted(character) {
            clean.push(character);
        }
    }
    trimmed(clean)
}

/// White space, but not the kinds that typography asks for: French sets no-break spaces before `!`,
/// Japanese an ideographic space between words.
fn breaks(character: char) -> bool {
    character.is_whitespace() && !matches!(character, '\u{a0}' | '\u{202f}' | '\u{2007}' | '\u{3000}')
}

/// Controls, and the marks, overrides and isolates by which a text can turn its surroundings around.
/// Joiners stay: emoji and Indic scripts are written with them.
fn is_unwanted(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

fn trimmed(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    let leading = text.len() - text.trim_start().len();
    if leading > 0 {
        text.drain(..leading);
    }
    text
}

fn fit_chars(mut text: String, limit: usize) -> String {
    // A text has at least as many bytes as characters: most are done here.
    if text.len() > limit && text.chars().nth(limit).is_some() {
        cut_closed(&mut text, |text, closing| {
            text.char_indices()
                .nth(limit.saturating_sub(1 + closing))
                .map_or(text.len(), |(at, _)| at)
        });
    }
    text
}

/// Cuts the text at `limit` (which leaves room to close so many isolates), and closes the isolates that are left open.
fn cut_closed(text: &mut String, limit: impl Fn(&str, usize) -> usize) {
    let mut closing = 0;
    let end = loop {
        let end = limit(text, closing);
        let open = direction::open_isolates(&text[..end]);
        if open <= closing {
            break end;
        }
        closing = open;
    };
    cut(text, end);
    for _ in 0..direction::open_isolates(text) {
        text.push(direction::POP_ISOLATE);
    }
}

/// Ends the text at the last grapheme boundary at or before `limit` (a character boundary), with an
/// ellipsis. A first grapheme that is longer than all of that (an emoji with a thousand marks) is cut itself.
fn cut(text: &mut String, limit: usize) {
    let mut cursor = GraphemeCursor::new(limit, text.len(), true);
    let boundary = match cursor.is_boundary(text, 0) {
        Ok(true) => limit,
        _ => cursor
            .prev_boundary(text, 0)
            .ok()
            .flatten()
            .filter(|&at| at > 0)
            .unwrap_or(limit),
    };
    text.truncate(boundary);
    text.truncate(text.trim_end().len());
    text.push(ELLIPSIS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line() {
        assert_eq!(
            title("  Well\r\n\tdone,\u{2028}you \u{b} all \n"),
            "Well done, you all"
        );
    }

    #[test]
    fn typographic_spaces_stay() {
        assert_eq!(
            title("Bravo\u{202f}! 1\u{a0}000 おめ\u{3000}でとう"),
            "Bravo\u{202f}! 1\u{a0}000 おめ\u{3000}でとう"
        );
    }

    #[test]
    fn controls_and_direction_marks_go_and_joiners_stay() {
        assert_eq!(
            title("a\u{0}b\u{7}c\u{9b}d\u{202e}e\u{2066}f\u{2069}g\u{200f}h\u{61c}"),
            "abcdefgh"
        );
        assert_eq!(title("👩\u{200d}🚀"), "👩\u{200d}🚀");
        assert_eq!(body("a\u{1b}[31mred\u{202e}"), "a[31mred");
    }

    #[test]
    fn a_body_keeps_its_lines() {
        assert_eq!(
            body("\n one\r\ntwo\rthree\tfour\u{0}\n\nfive \n"),
            "one\ntwo\nthree four\n\nfive"
        );
    }

    #[test]
    fn what_is_blank_becomes_empty() {
        for blank in ["", " \t\r\n ", "\u{a0}\u{3000}", "\u{0}\u{202e}\u{200f}"] {
            assert_eq!(
                (title(blank).as_str(), body(blank).as_str()),
                ("", ""),
                "{blank:?}"
            );
        }
    }

    #[test]
    fn a_title_has_at_most_255_characters() {
        let letters = |count| "é".repeat(count);
        assert_eq!(title(&letters(255)), letters(255));
        assert_eq!(title(&letters(256)), format!("{}…", letters(254)));
        // The space before the cut goes, too.
        assert_eq!(
            title(&format!("{} word", letters(253))),
            format!("{}…", letters(253))
        );
    }

    #[test]
    fn no_character_is_torn_apart() {
        let astronaut = "👩\u{200d}🚀";
        let cut = title(&format!("{}{astronaut}bcd", "a".repeat(252)));
        assert_eq!(cut, format!("{}…", "a".repeat(252)));
        let flags = title(&"🇫🇷".repeat(200));
        assert_eq!(flags, format!("{}…", "🇫🇷".repeat(127)));
    }

    #[test]
    fn a_grapheme_longer_than_the_limit_is_cut_itself() {
        let stacked = title(&format!("e{}", "\u{301}".repeat(1000)));
        assert_eq!(stacked.chars().count(), TITLE_CHARS);
    }

    #[test]
    fn an_isolate_that_is_cut_is_closed() {
        let long = |name: &str| format!("{}\u{2068}{name}\u{2069}", "a".repeat(250));
        assert_eq!(fit_title(long("bcd")), long("bcd"));
        assert_eq!(fit_title(long("bcdefg")), long("bc…"));
        let nested = fit_title("\u{2068}ab".repeat(200));
        assert!(
            nested.chars().count() <= TITLE_CHARS && nested.contains('…'),
            "{nested:?}"
        );
        assert!(direction::is_balanced(&nested), "{nested:?}");
        let body = fit_body(format!(
            "{}\u{2068}{}\u{2069}",
            "a".repeat(65_520),
            "b".repeat(20)
        ));
        assert!(
            body.len() <= BODY_BYTES && body.ends_with("b…\u{2069}"),
            "{}",
            body.len()
        );
    }

    #[test]
    fn a_body_has_at_most_65535_bytes() {
        assert_eq!(body(&"a".repeat(65_535)).len(), 65_535);
        let cut = body(&"日本".repeat(20_000));
        assert!(cut.len() <= BODY_BYTES && cut.len() > BODY_BYTES - 6);
        assert!(cut.ends_with('…'));
    }
}
