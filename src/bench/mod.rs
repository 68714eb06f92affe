//! `inq bench`: the service under load, held against yardsticks that are measured beside it.
//!
//! Instances are processes of this very program; the rows and topics are the run's own. A performance claim is a ratio of
//! figures of the same run: machines differ, and so does one machine from hour to hour.

mod code;
mod dispatch;
mod idle;
mod ingest;
mod instance;
mod latency;
mod load;
mod pipeline;
mod plot;
mod reading;
mod report;
mod retention;
mod ruled;
mod rules;
mod scale;
mod scratch;
mod transaction;
mod usage;

use std::time::Duration;

use thiserror::Error;

pub use plot::svg;
pub use report::{Bound, Curve, Figure, Point, Ratio, Report};
pub use scratch::Scratch;

use crate::bus::BusError;
use crate::config::Settings;
use crate::ingest::Planner;
use crate::store::StoreError;

/// Why a run could not be finished, or what it found wrong.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct BenchError(pub String);

impl From<StoreError> for BenchError {
    fn from(error: StoreError) -> Self {
        Self(error.to_string())
    }
}

impl From<BusError> for BenchError {
    fn from(error: BusError) -> Self {
        Self(error.to_string())
    }
}

impl From<std::io::Error> for BenchError {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

/// The parts of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// Rows become delivery requests, with a backlog.
    Dispatch,
    /// Events become rows.
    Ingest,
    /// Events become delivery requests: how many a second, and how soon at 10, 50 and 90 % of that.
    Pipeline,
    /// Decode, plan and encode, without any server.
    Code,
    /// Nothing to do.
    Idle,
    /// Dispatch along every axis that grows; takes long.
    Scale,
    /// Dispatch while old rows are removed; takes long.
    Retention,
    /// Ingest and dispatch with every rule on, and ingest with each by itself; takes long.
    Rules,
}

/// How much is measured.
#[derive(Clone, Debug)]
pub struct Extent {
    /// How often each figure is measured, at least 1.
    pub rounds: u32,
    /// The backlog that dispatch begins with.
    pub pending: u64,
    /// Rows and events of one measurement.
    pub slice: u64,
    /// The largest backlog of [`Part::Scale`], whose smallest is a hundredth of it, at least 10,000; and the old rows of
    /// [`Part::Retention`].
    pub most: u64,
    /// How long latencies, the row-at-a-time loop and idleness are measured.
    pub seconds: u64,
}

/// A run.
pub struct Bench<'a> {
    /// Of the program.
    pub settings: &'a Settings,
    /// Where it takes place.
    pub scratch: &'a Scratch,
    /// Plans the rows that are inserted without us.
    pub planner: Planner,
    /// How much.
    pub extent: Extent,
    /// Hears what is being measured.
    pub progress: indicatif::ProgressBar,
}

impl Bench<'_> {
    /// Measures the parts, one after the other.
    ///
    /// # Errors
    /// If a server is away, an instance fails, or a count does not match: something was lost or doubled.
    pub async fn run(&self, parts: &[Part]) -> Result<Report, BenchError> {
        let mut report = Report {
            servers: self.scratch.servers.clone(),
            ..Report::default()
        };
        for part in parts {
            match part {
                Part::Dispatch => dispatch::measure(self, &mut report).await?,
                Part::Ingest => ingest::measure(self, &mut report).await?,
                Part::Pipeline => {
                    let rate = pipeline::measure(self, &mut report).await?;
                    latency::measure(self, rate, &mut report).await?;
                }
                Part::Code => code::measure(self, &mut report)?,
                Part::Idle => idle::measure(self, &mut report).await?,
                Part::Scale => scale::measure(self, &mut report).await?,
                Part::Retention => retention::measure(self, &mut report).await?,
                Part::Rules => rules::measure(self, &mut report).await?,
            }
        }
        Ok(report)
    }

    /// Tells what is being measured.
    fn now(&self, what: impl Into<String>) {
        self.progress.set_message(what.into());
        self.progress.tick();
    }
}

/// How many a second.
#[allow(clippy::cast_precision_loss)] // counts of rows and events
fn per_second(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Seconds of processor time for ten thousand notifications.
#[allow(clippy::cast_precision_loss)] // counts of rows and events
fn for_ten_thousand(time: Duration, count: u64) -> f64 {
    time.as_secs_f64() * 10_000.0 / count as f64
}
