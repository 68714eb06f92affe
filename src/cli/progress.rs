//! Progress bars of long work, on standard error.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar of so many steps; hidden where it is not `shown`.
#[must_use]
pub fn bar(steps: u64, shown: bool) -> ProgressBar {
    if !shown {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(steps);
    let style = ProgressStyle::with_template("{wide_bar} {human_pos} of {human_len}, {eta} left");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar
}
