//! When a notification leaves, and whether it is tried again: pure functions of what is known.

mod retry;

pub use retry::{RetryPolicy, spread};
