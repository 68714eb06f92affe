//! Asking whoever sits at the terminal before what cannot be undone.

use std::io::{BufRead, IsTerminal, Write};

use super::Failure;

/// Whether somebody is there to be asked.
#[must_use]
pub fn is_possible() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks a question, to be answered by yes or no.
///
/// # Errors
/// [`Failure::Failed`] where the answer is anything but yes, with what that means.
pub fn ask(question: &str, declined: &str) -> Result<(), Failure> {
    let unheard = |fault| Failure::Failed(format!("cannot ask at the terminal: {fault}"));
    let mut terminal = std::io::stderr().lock();
    write!(terminal, "{question} [y/N] ").map_err(unheard)?;
    terminal.flush().map_err(unheard)?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).map_err(unheard)?;
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(Failure::Failed(declined.to_owned())),
    }
}

/// Says what will happen and asks whether to go on.
///
/// # Errors
/// As [`ask`]; [`Failure::Usage`] where nobody is there to be asked.
pub fn require(what: &str) -> Result<(), Failure> {
    if !is_possible() {
        return Err(Failure::Usage(format!(
            "{what} There is no terminal to ask: look with --dry-run, then say --yes"
        )));
    }
    ask(&format!("{what} Go on?"), "nothing was changed")
}
