//! When a notification leaves, and whether it is tried again: pure functions of what is known.

mod hold;
mod quiet;
mod retry;

pub use hold::{Held, Leaving, QuietPolicy};
pub use quiet::next_allowed;
pub use retry::{RetryPolicy, spread};
