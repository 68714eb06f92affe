//! Standard output and standard error, whose readers may go away at any time (`inq status | head`).

use std::io::{ErrorKind, Write};

use serde::Serialize;

use super::Failure;

/// Prints a text as it is. A reader who has gone away has seen enough: that is no failure.
///
/// # Errors
/// If standard output can't be written for another reason, such as a full disk.
pub fn print(text: &str) -> Result<(), Failure> {
    print_on(text).map(drop)
}

/// As [`print()`], and tells whether the reader is still there.
///
/// # Errors
/// As [`print()`].
pub fn print_on(text: &str) -> Result<bool, Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::Failed(format!(
            "cannot write to standard output: {error}"
        ))),
    }
}

/// Prints one JSON document, indented, with a line end.
///
/// # Errors
/// As [`print()`].
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::Failed(format!("cannot write it as JSON: {error}")))?;
    print(&format!("{text}\n"))
}

/// A line that a terminal shows as it is: what came from outside can neither steer it nor pass for a line of ours. Isolates
/// that are all closed stay: beyond them they change nothing, and text from right to left is read by them.
pub(super) fn plain(line: &str) -> String {
    let balanced = isolates_are_closed(line);
    line.chars()
        .map(|c| match c {
            '\u{2066}'..='\u{2069}' if balanced => c,
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

fn isolates_are_closed(line: &str) -> bool {
    let open = line.chars().try_fold(0_usize, |open, c| match c {
        '\u{2066}'..='\u{2068}' => Some(open + 1),
        '\u{2069}' => open.checked_sub(1),
        _ => Some(open),
    });
    open == Some(0)
}

/// Says on standard error, in one line, why a command failed.
pub(super) fn complain(failure: &Failure) {
    let line = failure
        .to_string()
        .lines()
        .map(str::trim)
        .collect::<Vec<_>>()
        .join("; ");
    // There is nobody left to tell if this fails.
    let _ = writeln!(std::io::stderr().lock(), "error: {line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_from_outside_neither_steers_the_terminal_nor_forges_a_line() {
        assert_eq!(
            plain("failed (\u{1b}[2Jx\n2026 delivered\u{202e})"),
            "failed (\u{fffd}[2Jx\u{fffd}2026 delivered\u{fffd})"
        );
        assert_eq!(
            plain("شارة «\u{2068}Noor\u{2069}»"),
            "شارة «\u{2068}Noor\u{2069}»"
        );
        assert_eq!(plain("a\u{2069}b\u{2067}c"), "a\u{fffd}b\u{fffd}c");
    }
}
