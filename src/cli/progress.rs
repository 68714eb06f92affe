//! Progress bars of long work.

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// How far it is, on standard error where that is a terminal; gone with the bar itself.
#[must_use]
pub fn bar(length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length).with_finish(ProgressFinish::AndClear);
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {wide_bar} {pos} of {len}") {
        bar.set_style(style);
    }
    bar
}

/// How much was done of what nobody has counted, in the same place.
#[must_use]
pub fn spinner(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::no_length().with_finish(ProgressFinish::AndClear);
    if let Ok(style) = ProgressStyle::with_template("{elapsed_precise} {pos} {msg}") {
        bar.set_style(style);
    }
    bar.with_message(what)
}
