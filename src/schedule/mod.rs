//! When a notification leaves, and whether it is tried again: pure functions of what is known.

mod caps;
mod hold;
mod places;
mod quiet;
mod retry;

pub use caps::{CapPolicy, Capped, Place};
pub use hold::{Held, Leaving, QuietPolicy};
pub use places::Places;
pub use quiet::next_allowed;
pub use retry::{RetryPolicy, spread};
