//! `inq bench`: the service under load, held against yardsticks.

use std::path::PathBuf;

use indicatif::{ProgressBar, ProgressStyle};

use super::{Failure, cluster_settings, output, signals, words};
use crate::bench::{Bench, BenchError, Extent, Part, Scratch, svg};
use crate::config::Settings;
use crate::ingest::Planner;
use crate::telemetry::install_log;

/// Measure the service under load, beside what it is held against.
///
/// It makes a database and topics of its own on the configured servers, and takes them away at the end: the
/// configured queue is not touched. Instances are processes of this program with these settings. Counts must
/// match at the end of each measurement: what was lost or doubled ends the run.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq bench
  inq bench dispatch --rounds 5 --json
  inq bench --embedded
  inq bench scale
  inq bench retention
  inq bench rules

The user of database.url needs the right to make the database: GRANT ALL ON `inq_bench_%`.* TO ...
Exit status: 0 measured, 1 not, or a count does not match, or with --strict a ratio is missed.")]
pub struct Args {
    /// What to measure; all but `scale`, `retention` and `rules` where nothing is named.
    #[arg(value_enum, value_name = "PART")]
    pub parts: Vec<Part>,

    /// How often each figure is measured; medians are shown.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub rounds: u32,

    /// The backlog that dispatch begins with.
    #[arg(long, value_name = "ROWS", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(10_000..=10_000_000))]
    pub pending: u64,

    /// The largest backlog of `scale`, whose smallest is a hundredth of it, at least 10,000; and the old rows of `retention`.
    #[arg(long, value_name = "ROWS", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(100_000..=10_000_000))]
    pub most: u64,

    /// Rows, or events, of one measurement.
    #[arg(long, value_name = "ROWS", default_value_t = 40_000, value_parser = clap::value_parser!(u64).range(10_000..=1_000_000))]
    pub slice: u64,

    /// How long the row-at-a-time loop, each latency and idleness are measured.
    #[arg(long, value_name = "S", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,

    /// Partitions of each topic.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(i32).range(1..=100))]
    pub partitions: i32,

    /// On a SQLite file and a broker within this program instead of the configured servers.
    #[arg(long)]
    pub embedded: bool,

    /// Draw the curves of `scale` into this file, as SVG.
    #[arg(long, value_name = "FILE")]
    pub plot: Option<PathBuf>,

    /// Fail where a ratio is missed.
    #[arg(long)]
    pub strict: bool,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Measures, and prints what was found.
///
/// # Errors
/// If a server is away or does not allow it, a count does not match, or with `strict` a ratio is missed.
pub async fn run(args: Args, config: Option<PathBuf>, settings: Settings) -> Result<(), Failure> {
    install_log(&settings.log)?;
    let failed = |error: BenchError| Failure::Failed(error.0);
    let stop = signals::stop()?;
    let scratch = Scratch::make(
        &settings,
        cluster_settings(&settings),
        config,
        args.embedded,
        args.partitions,
    )
    .await
    .map_err(failed)?;
    let bench = Bench {
        planner: Planner {
            words: words(&settings)?,
            defaults: settings.defaults.clone(),
            quiet: (&settings.quiet).into(),
            half_life: settings.best_time.half_life,
            max_event_bytes: usize::MAX,
        },
        settings: &settings,
        scratch: &scratch,
        extent: Extent {
            rounds: args.rounds,
            pending: args.pending,
            slice: args.slice,
            most: args.most,
            seconds: args.seconds,
        },
        progress: progress(),
    };
    let parts = if args.parts.is_empty() {
        vec![
            Part::Dispatch,
            Part::Ingest,
            Part::Pipeline,
            Part::Code,
            Part::Idle,
        ]
    } else {
        args.parts
    };
    let measured = tokio::select! {
        measured = bench.run(&parts) => measured,
        () = stop.cancelled() => Err(BenchError("stopped".to_owned())),
    };
    bench.progress.finish_and_clear();
    let removed = scratch.remove().await;
    let report = measured.map_err(failed)?;
    if args.json {
        output::print_json(&report)?;
    } else {
        output::print(&report.text())?;
    }
    removed.map_err(failed)?;
    if let Some(file) = &args.plot {
        let picture = svg(&report.servers, &report.curves).map_err(failed)?;
        std::fs::write(file, picture)
            .map_err(|fault| Failure::Failed(format!("cannot write {}: {fault}", file.display())))?;
    }
    match report.missed().count() {
        missed if args.strict && missed > 0 => Err(Failure::Failed(format!("{missed} ratio(s) missed"))),
        _ => Ok(()),
    }
}

/// Shows on a terminal what is being measured, and since when the run goes on.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(std::time::Duration::from_millis(200));
    bar
}
