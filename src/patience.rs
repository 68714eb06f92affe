//! Waiting for what is away: longer and longer, with jitter, for as long as it takes.
//!
//! The only place that names the `backoff` crate (unmaintained, RUSTSEC-2025-0012): another can take its place here.

use std::time::{Duration, Instant};

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff as _;
use tokio_util::sync::CancellationToken;

use crate::health::Part;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// A trouble that goes on is told again after this time.
const REMIND_AFTER: Duration = Duration::from_secs(30);

/// One loop's patience with what it depends on; tells people and readiness when something is wrong, and when it is well
/// again.
pub struct Patience {
    part: Part,
    waits: ExponentialBackoff,
    told: Option<(String, Instant)>,
}

impl Patience {
    /// For the loop that keeps this part of the service going.
    #[must_use]
    pub fn new(part: Part) -> Self {
        let waits = ExponentialBackoff {
            current_interval: FIRST_WAIT,
            initial_interval: FIRST_WAIT,
            max_interval: LONGEST_WAIT,
            multiplier: 2.0,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        };
        Self {
            part,
            waits,
            told: None,
        }
    }

    /// All is well.
    pub fn fine(&mut self) {
        if self.told.take().is_some() {
            tracing::info!(part = self.part.name(), "goes on");
        }
        self.waits.reset();
        self.part.ready();
    }

    /// Something is wrong that time or a person may mend: waits, unless the service is to stop.
    pub async fn wait(&mut self, why: &str, stop: &CancellationToken) {
        self.tell(why);
        let wait = self.waits.next_backoff().unwrap_or(LONGEST_WAIT);
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(wait) => {}
        }
    }

    /// Something is wrong, and is being waited for elsewhere.
    pub fn tell(&mut self, why: &str) {
        self.part.trouble(why);
        let news = self
            .told
            .as_ref()
            .is_none_or(|(text, at)| text != why || at.elapsed() >= REMIND_AFTER);
        if news {
            tracing::warn!(part = self.part.name(), "waits: {why}");
            self.told = Some((why.to_owned(), Instant::now()));
        }
    }
}
