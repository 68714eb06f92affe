//! How deeply a text is nested, found without recursion: the parser recurses, and a stack ends.

/// More open braces and parentheses than any message needs, and fewer than would exhaust the parser's stack.
pub const MAX_OPEN: usize = 100;

/// The byte at which more than [`MAX_OPEN`] braces and parentheses could be open.
///
/// It may take some for open that are closed, never the other way round. What the parser recurses over lies within one
/// message or term, so the count begins anew with each. In a line, a `}` counts only before the first `"`, since after
/// it it may stand in a string literal, and a `)` never, since it may stand in a text.
pub fn too_deep(source: &str) -> Option<usize> {
    let mut open = 0_usize;
    let mut start = 0;
    for line in source.split_inclusive('\n') {
        if line.starts_with('#') || is_entry(line) {
            open = 0;
        }
        if !line.starts_with('#') {
            let mut quoted = false;
            for (at, byte) in line.bytes().enumerate() {
                match byte {
                    b'"' => quoted = true,
                    b'{' | b'(' => open += 1,
                    b'}' if !quoted => open = open.saturating_sub(1),
                    _ => {}
                }
                if open > MAX_OPEN {
                    return Some(start + at);
                }
            }
        }
        start += line.len();
    }
    None
}

/// Whether a line can only be the start of a message or term: elsewhere the parser takes it for a fault, and unwinds.
fn is_entry(line: &str) -> bool {
    let name = line.strip_prefix('-').unwrap_or(line);
    let rest =
        name.trim_start_matches(|each: char| each.is_ascii_alphanumeric() || matches!(each, '_' | '-'));
    name.starts_with(|each: char| each.is_ascii_alphabetic()) && rest.trim_start_matches(' ').starts_with('=')
}

#[cfg(test)]
mod tests {
    use super::{MAX_OPEN, too_deep};

    #[test]
    fn a_message_has_all_the_braces_it_needs() {
        let message = "a-1 = He said \"{ $badge }\" (twice) { \"}\" }\n    .b = { NUMBER($points) }\n";
        assert_eq!(too_deep(&message.repeat(10_000)), None);
        assert_eq!(too_deep(&"# {{{{((((\n".repeat(1000)), None);
        assert_eq!(
            too_deep(&format!("a = {}x{}", "{".repeat(MAX_OPEN), "}".repeat(MAX_OPEN))),
            None
        );
    }

    #[test]
    fn what_closes_nothing_does_not_count() {
        for open in [
            "{",
            "A(",
            "{ \"}\" -> *[a] ",
            "{ \")\" -> *[a] ",
            "{\nA() ->\n *[a] )",
            "{A()\n->\n[a] \\\"}\" {",
        ] {
            let text = format!("a = {}", open.repeat(1000));
            assert!(too_deep(&text).is_some(), "{open}");
        }
    }
}
