//! Logs to standard error, the metrics that `/metrics` renders, and traces for a collector.

mod traces;

use std::io::IsTerminal;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt;

pub use traces::{Doing, Done, Traces};

use crate::config::{LogFormat, LogSettings};
use crate::measures;

/// Histograms by the end of their names, which is their unit, with their buckets.
const BUCKETS: [(&str, &[f64]); 4] = [
    // From a statement on an idle database to an hour in the queue.
    (
        "_seconds",
        &[
            0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
            900.0, 3600.0,
        ],
    ),
    ("_rows", COUNTS),
    ("_records", COUNTS),
    (
        "_bytes",
        &[
            256.0,
            1024.0,
            4096.0,
            16_384.0,
            65_536.0,
            262_144.0,
            1_048_576.0,
            16_777_216.0,
        ],
    ),
];

const COUNTS: &[f64] = &[
    1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10_000.0,
];

/// How often histograms are drained where nobody asks for [`Metrics::render`].
const UPKEEP: Duration = Duration::from_secs(5);

/// Logs, metrics or traces can't be set up; it happens if somebody in the process has done so before.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// `log.level` can't be read, which the settings' check excludes.
    #[error("log.level: {0}")]
    Level(#[from] tracing_subscriber::filter::ParseError),
    /// There is a log already.
    #[error("cannot set up the log: {0}")]
    Log(#[from] tracing_subscriber::util::TryInitError),
    /// There are metrics already.
    #[error("cannot set up the metrics: {0}")]
    Metrics(#[from] BuildError),
    /// `telemetry.otlp_endpoint` can't be used, which the settings' check excludes.
    #[error("telemetry.otlp_endpoint: {0}")]
    Traces(#[from] opentelemetry_otlp::ExporterBuildError),
}

/// Sends `tracing` events (and those of the `log` crate, which librdkafka's go through) to standard error.
/// `RUST_LOG` is not consulted: the level is a setting like any other.
///
/// # Errors
/// If there is a log already.
pub fn install_log(settings: &LogSettings) -> Result<(), TelemetryError> {
    let terminal = std::io::stderr().is_terminal();
    let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    Ok(subscriber(settings, colours, std::io::stderr)?.try_init()?)
}

/// Collects what the `metrics` crate's macros say, in this process, from now on.
///
/// # Errors
/// If somebody collects it already.
pub fn install_metrics() -> Result<Metrics, TelemetryError> {
    let metrics = Metrics(prometheus()?.install_recorder()?);
    measures::describe();
    metrics::gauge!(measures::BUILD_INFO.name, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(metrics)
}

/// The metrics of this process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// All of them, in Prometheus' text format.
    #[must_use]
    pub fn render(&self) -> String {
        self.0.render()
    }

    /// Keeps the histograms' memory bounded where nobody scrapes; never ends, may be dropped at any time.
    pub async fn keep_up(self) {
        let mut interval = tokio::time::interval(UPKEEP);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            self.0.run_upkeep();
        }
    }
}

fn prometheus() -> Result<PrometheusBuilder, BuildError> {
    BUCKETS
        .into_iter()
        .try_fold(PrometheusBuilder::new(), |builder, (unit, buckets)| {
            builder.set_buckets_for_metric(Matcher::Suffix(unit.into()), buckets)
        })
}

fn subscriber<W>(
    settings: &LogSettings,
    colours: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, TelemetryError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().with_regex(false).parse(&settings.level)?)
        .with_writer(writer);
    Ok(match settings.format {
        LogFormat::Json => Box::new(lines.json().flatten_event(true).with_current_span(false).finish()),
        LogFormat::Text => Box::new(lines.compact().with_ansi(false).finish()),
        LogFormat::Auto => Box::new(lines.compact().with_ansi(colours).finish()),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn logged(level: &str, format: LogFormat, colours: bool) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let settings = LogSettings {
            level: level.into(),
            format,
        };
        let subscriber = subscriber(&settings, colours, move || writer.clone()).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!(claim.id = 7, "claim settled");
            tracing::debug!("not shown at info");
        });
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn json_is_one_object_a_line() {
        let logged = logged("info", LogFormat::Json, true);
        assert_eq!(logged.lines().count(), 1, "{logged}");
        let line: serde_json::Value = serde_json::from_str(&logged).unwrap();
        assert_eq!(line["message"], "claim settled");
        assert_eq!(line["claim.id"], 7);
        assert_eq!(line["level"], "INFO");
    }

    #[test]
    fn colours_are_for_terminals() {
        assert!(logged("info", LogFormat::Auto, true).contains('\u{1b}'));
        assert!(!logged("info", LogFormat::Auto, false).contains('\u{1b}'));
        assert!(!logged("info", LogFormat::Text, true).contains('\u{1b}'));
    }

    #[test]
    fn the_level_decides_by_target() {
        assert_eq!(logged("warn", LogFormat::Text, false), "");
        assert_eq!(
            logged("warn,inq=debug", LogFormat::Text, false).lines().count(),
            2
        );
    }

    #[test]
    fn histograms_have_buckets_by_their_unit() {
        let recorder = prometheus().unwrap().build_recorder();
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!("inq_claim_seconds").record(0.003);
            metrics::histogram!("inq_claim_rows").record(500.0);
        });
        let rendered = recorder.handle().render();
        assert!(
            rendered.contains("inq_claim_seconds_bucket{le=\"0.005\"} 1"),
            "{rendered}"
        );
        assert!(
            rendered.contains("inq_claim_rows_bucket{le=\"250\"} 0"),
            "{rendered}"
        );
    }
}
