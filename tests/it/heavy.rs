//! Tests that keep the processors busy by themselves run one after the other, beside those that mostly wait.

use tokio::sync::{Mutex, MutexGuard};

static TURN: Mutex<()> = Mutex::const_new(());

/// Waits for the turn of a heavy test; it lasts until the guard is dropped.
pub async fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().await
}

/// As [`turn`], for a test without a runtime.
pub fn blocking_turn() -> MutexGuard<'static, ()> {
    TURN.blocking_lock()
}
