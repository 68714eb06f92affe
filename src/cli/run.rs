//! `inq run`: the service.

use clap::ValueEnum;

use super::{Failure, cluster_settings, signals, words};
use crate::bus::Cluster;
use crate::config::{Database, Settings};
use crate::service::{Service, Stages};
use crate::telemetry::{install_log, install_metrics};

/// Run the service: events become notifications, notifications become delivery requests, results come back.
///
/// Brings the schema up to date first. SIGTERM or Ctrl-C stops it within `shutdown_timeout`; a second one
/// at once, and recovery at the next start decides what was left in the middle.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  DATABASE_URL=mysql://inq:secret@db/inq KAFKA_BROKERS=kafka-1:9092,kafka-2:9092 inq run
  inq run --config /etc/inq.toml
  inq run --only dispatch,http --no-migrate    one of several processes that share the work

Settings that matter first: database.url (DATABASE_URL), kafka.brokers (KAFKA_BROKERS), topics.* \
(INQ_TOPICS__EVENTS, ...), http.listen (INQ_HTTP__LISTEN).
Exit status: 0 stopped as asked, 1 failed, 2 wrong usage or settings.")]
pub struct Args {
    /// Run these stages only, separated by commas; without it all of them.
    #[arg(long, value_name = "STAGE", value_delimiter = ',', num_args = 1)]
    pub only: Vec<Stage>,

    /// Do not bring the schema up to date; refuse to start if it is not.
    #[arg(long)]
    pub no_migrate: bool,
}

impl Args {
    /// Whether a stage is to run.
    #[must_use]
    pub fn runs(&self, stage: Stage) -> bool {
        self.only.is_empty() || self.only.contains(&stage)
    }
}

/// A part of the service that can run in a process of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// What readers say of themselves becomes rows.
    Preferences,
    /// Events become rows.
    Ingest,
    /// Due rows become delivery requests.
    Dispatch,
    /// Delivery results change rows.
    Feedback,
    /// Claims that were left behind are recovered, rows past their retention removed, broadcasts brought on.
    Maintain,
    /// Health, metrics and the API.
    Http,
}

/// Runs the service until SIGTERM or Ctrl-C.
///
/// # Errors
/// If it cannot start and waiting would not help.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    install_log(&settings.log)?;
    let metrics = install_metrics()?;
    if settings.database.url.database() == Database::Sqlite {
        tracing::warn!(
            database = ?settings.database.url,
            "the rows are kept in a SQLite file, which is for one machine: in production set database.url (DATABASE_URL)"
        );
    }
    let service = Service {
        words: words(&settings)?,
        cluster: Cluster::new(cluster_settings(&settings)),
        stages: Stages {
            preferences: args.runs(Stage::Preferences),
            ingest: args.runs(Stage::Ingest),
            dispatch: args.runs(Stage::Dispatch),
            feedback: args.runs(Stage::Feedback),
            maintain: args.runs(Stage::Maintain),
            http: args.runs(Stage::Http),
        },
        migrate: !args.no_migrate,
        metrics,
        settings,
    };
    Ok(service.run(signals::stop()?).await?)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn read(line: &[&str]) -> Result<Args, clap::Error> {
        Line::try_parse_from([&["run"], line].concat()).map(|line| line.args)
    }

    #[test]
    fn only_takes_a_list_of_stages() {
        let args = read(&["--only", "ingest,http"]).unwrap();
        assert!(args.runs(Stage::Ingest) && args.runs(Stage::Http) && !args.runs(Stage::Dispatch));
        assert!(read(&[]).unwrap().runs(Stage::Feedback));
    }

    #[test]
    fn a_stage_that_does_not_exist_is_refused() {
        assert!(read(&["--only", "ingest,mantain"]).is_err());
        assert!(read(&["--only", ""]).is_err());
    }
}
