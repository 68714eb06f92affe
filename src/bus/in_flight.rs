//! How many batches are out of the consumer's hands and not finished.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Counts batches; a revocation waits for them.
#[derive(Clone, Default)]
pub(super) struct InFlight(Arc<(Mutex<usize>, Condvar)>);

/// One batch, for as long as it lives.
pub(super) struct Ticket(InFlight);

impl InFlight {
    pub(super) fn ticket(&self) -> Ticket {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Ticket(self.clone())
    }

    pub(super) fn is_empty(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) == 0
    }

    /// Waits until no batch is out, at most for `patience`; whether that came true.
    pub(super) fn wait_until_empty(&self, patience: Duration) -> bool {
        let (count, changed) = &*self.0;
        let guard = count.lock().unwrap_or_else(PoisonError::into_inner);
        let (_guard, waited) = changed
            .wait_timeout_while(guard, patience, |count| *count > 0)
            .unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let (count, changed) = &*self.0.0;
        *count.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        changed.notify_all();
    }
}
