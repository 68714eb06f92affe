//! Asking before what cannot be undone.

use std::io::{BufRead, IsTerminal, Write};

use super::Failure;

/// Says what will happen, and asks whether to go on.
///
/// # Errors
/// [`Failure::Usage`] where nobody is there to be asked; [`Failure::Failed`] where the answer is not yes.
pub fn require(what: &str) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "{what} Nobody is there to be asked: say --yes, or look first with --dry-run"
        )));
    }
    let mut err = std::io::stderr().lock();
    let asked = write!(err, "{what} Go on? [y/N] ").and_then(|()| err.flush());
    let mut answer = String::new();
    let read = asked.and_then(|()| std::io::stdin().lock().read_line(&mut answer));
    match read {
        Ok(_) if matches!(answer.trim(), "y" | "Y" | "yes" | "Yes") => Ok(()),
        _ => Err(Failure::Failed("nothing was changed".to_owned())),
    }
}
