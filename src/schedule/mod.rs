//! When a notification leaves, and whether it is tried again: pure functions of what is known.

mod best_time;
mod caps;
mod digest;
mod habit;
mod hold;
mod opt_out;
mod places;
mod quiet;
mod retry;
mod send_time;

pub use best_time::{Basis, BestTime, RULE as BEST_TIME, Waiting};
pub use caps::{CapPolicy, Capped, Place};
pub use digest::{DigestPolicy, Gathering, RULE as DIGEST};
pub use habit::{HOURS, Habit, Opening};
pub use hold::{Held, Leaving, QuietPolicy, RULE as QUIET_HOURS};
pub use opt_out::{RULE as OPTED_OUT, opted_out};
pub use places::Places;
pub use quiet::next_allowed;
pub use retry::{RetryPolicy, spread};
pub use send_time::{CAP, DISPATCH, ERASURE, SEND_TIME_RULES, SendCandidate, SendDecision, SendTimePolicy};
