//! Standard output and standard error, whose readers may go away at any time (`inq status | head`).

use std::io::{ErrorKind, Write};

use serde::Serialize;

use super::Failure;

/// Prints a text as it is. A reader who has gone away has seen enough: that is no failure.
///
/// # Errors
/// If standard output can't be written for another reason, such as a full disk.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::Failed(format!(
            "cannot write to standard output: {error}"
        ))),
        _ => Ok(()),
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
