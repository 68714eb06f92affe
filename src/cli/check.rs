//! `inq check`: is everything reached and right?

use std::time::Duration;

use serde::Serialize;

use super::check_kafka;
use super::{CONNECTIONS, Failure, cluster_settings, output, words};
use crate::bus::{BusError, Cluster, ClusterView, Ledger};
use crate::config::{Semantics, Settings};
use crate::service::{Stages, missing_topics, pool_size, prove_transactions, require_current_schema};
use crate::store::{self, StoreError};

/// Try everything the service needs: settings, catalogues, database, broker, topics.
///
/// Changes no data; tries a transaction that holds no record. Says of each what it found, and what to do where something is wrong.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq check
  inq --config /etc/inq.toml check --json

A warning (`warn`) is no failure: it works now, and something may take it away.
Exit status: 0 all is well, 1 something is not, 2 wrong usage or settings.")]
pub struct Args {
    /// Print one JSON object: each check with its outcome.
    #[arg(long)]
    pub json: bool,
}

pub(super) const LOOK: Duration = Duration::from_secs(5);

/// One thing that was looked at.
#[derive(Serialize)]
pub(super) struct Check {
    what: &'static str,
    ok: bool,
    /// What was found, or what to do.
    detail: String,
    /// What works, and weakens what the service promises.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

impl Check {
    pub(super) fn new(what: &'static str, outcome: Result<String, String>) -> Self {
        let ok = outcome.is_ok();
        let (Ok(detail) | Err(detail)) = outcome;
        Self {
            what,
            ok,
            detail,
            warnings: Vec::new(),
        }
    }

    /// The same with a warning.
    pub(super) fn warning(mut self, warning: String) -> Self {
        self.warnings.push(warning);
        self
    }
}

/// Looks at everything that the service needs, and prints what is right and what to do.
///
/// # Errors
/// If something is not right.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let cluster = Cluster::new(cluster_settings(&settings));
    // The settings were read before this command could run.
    let mut checks = vec![Check::new("settings", Ok(check_settings(&settings)))];
    checks.push(Check::new("catalogues", check_catalogues(&settings)));
    let (database, warnings) = check_database(&settings).await;
    checks.push(Check {
        warnings,
        ..Check::new("database", database)
    });
    let seen = cluster.look(LOOK).await;
    let broker = match &seen {
        Ok(view) => Ok(format!("cluster {} at {}", view.id, cluster.brokers())),
        Err(error @ BusError::Away(_)) => {
            Err(format!("{error}; check kafka.brokers ({})", cluster.brokers()))
        }
        Err(error) => Err(error.to_string()),
    };
    checks.push(Check::new("broker", broker));
    if let Ok(view) = seen {
        let topics = check_topics(&settings, &cluster, &view).await;
        let deliverable = topics.is_ok();
        checks.push(Check::new("topics", topics));
        if deliverable {
            checks.push(Check::new(
                "transactions",
                check_transactions(&settings, &cluster).await,
            ));
            checks.push(check_kafka::rights(&settings, &cluster).await);
            checks.push(check_kafka::policies(&settings, &cluster, &view).await);
        }
    }
    let wrong = checks.iter().filter(|check| !check.ok).count();
    if args.json {
        output::print_json(&checks)?;
    } else {
        for check in &checks {
            let sign = if check.ok { "ok  " } else { "FAIL" };
            output::print(&format!("{sign}  {:<13} {}\n", check.what, check.detail))?;
            for warning in &check.warnings {
                output::print(&format!("warn  {:<13} {warning}\n", check.what))?;
            }
        }
    }
    match wrong {
        0 => Ok(()),
        1 => Err(Failure::Failed("one check failed".to_owned())),
        more => Err(Failure::Failed(format!("{more} checks failed"))),
    }
}

/// Which stages a process runs is not in the settings, so that too few connections are no fault yet.
fn check_settings(settings: &Settings) -> String {
    match pool_size(settings, Stages::ALL) {
        Ok(size) => format!(
            "read and consistent; up to {} connections to the database for a process that runs all stages",
            size.pool + 1
        ),
        Err(error) => format!("read; a process that runs all stages will not start: {error}"),
    }
}

fn check_catalogues(settings: &Settings) -> Result<String, String> {
    let catalogues = words(settings).map_err(|failure| failure.to_string())?.now();
    let languages: Vec<_> = catalogues.languages().collect();
    Ok(languages.join(", "))
}

async fn check_database(settings: &Settings) -> (Result<String, String>, Vec<String>) {
    let look = async {
        let database = &settings.database;
        let store = store::open_existing(database.url.expose(), CONNECTIONS)?;
        let server = store.server().await?;
        let looked = async {
            require_current_schema(store.as_ref()).await?;
            let warnings = store.inspect().await?;
            store.prove_claims_exclude().await?;
            Ok(warnings)
        };
        let looked: Result<_, StoreError> = looked.await;
        store.close().await;
        looked.map(|warnings| (server, warnings))
    };
    match look.await {
        Ok((server, warnings)) => (
            Ok(format!("{server}, schema up to date, claims exclude each other")),
            warnings,
        ),
        Err(error) => (Err(error.to_string()), Vec::new()),
    }
}

async fn check_topics(settings: &Settings, cluster: &Cluster, view: &ClusterView) -> Result<String, String> {
    let topics = &settings.topics;
    // The dead letters of a topic that is not read need no topic.
    let of_preferences = topics
        .preferences
        .iter()
        .flat_map(|topic| [topic, &topics.preferences_dlq]);
    let wanted = [
        &topics.events,
        &topics.events_dlq,
        &topics.deliveries,
        &topics.results,
        &topics.results_dlq,
    ]
    .into_iter()
    .chain(of_preferences)
    .chain(&topics.alerts);
    let missing = view.missing(wanted.clone().map(String::as_str));
    if !missing.is_empty() {
        let asked = missing.iter().map(|topic| (*topic).to_owned()).collect();
        let hidden = cluster
            .hidden_topics(asked)
            .await
            .map_err(|error| error.to_string())?;
        if !hidden.is_empty() {
            return Err(format!(
                "our user lacks Describe on topic {}: the rights that it needs stand in docs/operate/rights.md",
                hidden.join(", ")
            ));
        }
        return Err(missing_topics(&missing, cluster.brokers()));
    }
    let found: Vec<_> = wanted
        .map(|topic| format!("{topic} ({})", view.topics[topic]))
        .collect();
    Ok(format!("{} (partitions)", found.join(", ")))
}

/// Makes a transactional producer, as every publisher does at its start.
async fn check_transactions(settings: &Settings, cluster: &Cluster) -> Result<String, String> {
    if settings.dispatch.semantics == Semantics::AtLeastOnce {
        return Ok("not used: dispatch.semantics = \"at_least_once\"".to_owned());
    }
    let (topic, queue) = (&settings.topics.deliveries, &settings.kafka.group_id);
    let ledger = Ledger::new(cluster.clone(), topic.clone(), queue.clone());
    match prove_transactions(&ledger, settings.dispatch.lease).await {
        // An instance that starts, or another check, has proved it at the same moment, under the same name.
        Ok(()) | Err(BusError::Spent(_)) => {
            Ok("the broker takes them, and keeps what they commit".to_owned())
        }
        Err(error) => Err(error.to_string()),
    }
}
