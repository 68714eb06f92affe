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
