//! Places in the code where a test can make the process die, stand still or lose an answer. The feature `failpoints`, which
//! only the tests switch on, puts them in; without it nothing of them is compiled.
//!
//! - `failpoint!("room::place")` is a boundary. The action `return` kills the process there, `return(MILLISECONDS)` holds it
//!   up for so long.
//! - `failpoint!("room::place", value)` is an answer that can be lost: with `return` the function returns `value` instead.
//!
//! What happens is told in the log first: `failpoint room::place`. Where it happens is said by the environment variable
//! `FAILPOINTS`, as the `fail` crate reads it: `FAILPOINTS="dispatch::claimed=2*off->1*return"` lets two claims pass and
//! dies at the third.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("the feature `failpoints` is for tests: a release has none");

#[cfg(feature = "failpoints")]
macro_rules! failpoint {
    ($place:expr) => {
        if let Some(hold_up) = ::fail::eval($place, |argument| argument) {
            $crate::failpoint::act($place, hold_up.as_deref());
        }
    };
    ($place:expr, $lost:expr) => {
        ::fail::fail_point!($place, |_| {
            ::tracing::warn!("failpoint {}", $place);
            $lost
        })
    };
}

#[cfg(not(feature = "failpoints"))]
macro_rules! failpoint {
    ($place:expr) => {};
    ($place:expr, $lost:expr) => {};
}

/// Dies at a boundary, or holds its thread up as a frozen process would.
#[cfg(feature = "failpoints")]
pub(crate) fn act(place: &str, hold_up: Option<&str>) {
    tracing::warn!("failpoint {place}");
    match hold_up.and_then(|milliseconds| milliseconds.parse().ok()) {
        Some(milliseconds) => std::thread::sleep(std::time::Duration::from_millis(milliseconds)),
        None => std::process::abort(),
    }
}
