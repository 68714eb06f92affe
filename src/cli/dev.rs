//! `inq dev`: everything in one process, to try it.

use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Failure, cluster_settings, output, signals, words};
use crate::bus::embedded::EmbeddedBroker;
use crate::bus::{Cluster, Consumer, ConsumerSettings, Outgoing, Producer, Record};
use crate::config::{Database, Semantics, Settings};
use crate::sample;
use crate::service::{Service, Stages};
use crate::telemetry::{install_log, install_metrics};

/// Run everything in one process, with a broker and a database of its own, to try it.
///
/// The broker speaks the Kafka protocol on 127.0.0.1:9092 and keeps nothing past the end; the database is
/// a SQLite file. Delivery is at least once: that broker has no transactions.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq dev --sample 20
  kcat -b 127.0.0.1:9092 -t incentive.events -P -k 42 <<< \\
    '{\"event_id\":\"e-1\",\"user_id\":42,\"incentive_type\":\"point_earning\",\"incentive_data\":{\"points_earned\":50}}'
  kcat -b 127.0.0.1:9092 -t incentive.deliveries -C

Settings: database.url (DATABASE_URL) names the SQLite file, http.listen (INQ_HTTP__LISTEN) the address of \
health, metrics and the API.")]
pub struct Args {
    /// Write so many sample events first.
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    pub sample: u32,

    /// The port of the embedded broker, on 127.0.0.1.
    #[arg(long, value_name = "PORT", default_value_t = 9092)]
    pub broker_port: u16,
}

/// Where the rows are kept when the settings name no SQLite file.
const USUAL_DATABASE: &str = "sqlite://inq.db";
/// What readers say of themselves when the settings name no topic for it.
const PREFERENCES: &str = "user.preferences";

/// Runs the service on an embedded broker and a SQLite file until SIGTERM or Ctrl-C, and prints what it publishes.
///
/// # Errors
/// If it cannot start.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    install_log(&settings.log)?;
    let metrics = install_metrics()?;
    let mut settings = settings;
    settings.dispatch.semantics = Semantics::AtLeastOnce;
    if settings.database.url.database() != Database::Sqlite {
        tracing::warn!(
            "inq dev keeps its rows in {USUAL_DATABASE}; `inq run` uses the database of the settings"
        );
        settings.database.url = USUAL_DATABASE.to_owned().try_into().map_err(Failure::Failed)?;
    }
    if settings.kafka.brokers != Settings::from_toml("")?.kafka.brokers {
        tracing::warn!(
            "inq dev has a broker of its own and leaves kafka.brokers ({}) alone; `inq run` uses the brokers of the settings",
            settings.kafka.brokers
        );
    }
    settings
        .topics
        .preferences
        .get_or_insert_with(|| PREFERENCES.to_owned());
    let topics = settings.topics.clone();
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, args.broker_port));
    let mut made: Vec<&str> = vec![
        &topics.events,
        &topics.events_dlq,
        &topics.deliveries,
        &topics.results,
        &topics.results_dlq,
        &topics.preferences_dlq,
    ];
    made.extend(topics.preferences.as_deref());
    made.extend(topics.alerts.as_deref());
    let broker = EmbeddedBroker::start(listen, &made)
        .await
        .map_err(|error| Failure::Failed(format!("{error}; choose another port with --broker-port")))?;
    settings.kafka.brokers = broker.address().to_string();
    let mut reach = cluster_settings(&settings);
    // What secures the real brokers is of no use here; and the embedded one wakes no waiting fetch.
    reach.properties.clear();
    reach
        .properties
        .insert("fetch.wait.max.ms".to_owned(), "10".to_owned());
    let cluster = Cluster::new(reach);
    tracing::info!(
        broker = %broker.address(),
        database = ?settings.database.url,
        "an embedded broker that forgets everything at the end, delivery at least once; to try it, not for production"
    );

    let stop = signals::stop()?;
    let printer = tokio::spawn(print_deliveries(
        cluster.clone(),
        topics.deliveries.clone(),
        stop.clone(),
    ));
    produce_samples(&cluster, &topics.events, args.sample).await?;
    let service = Service {
        words: words(&settings)?,
        cluster,
        stages: Stages::ALL,
        migrate: true,
        metrics,
        settings,
    };
    let ended = service.run(stop.clone()).await;
    stop.cancel();
    if printer.await.is_err() {
        tracing::error!("the printer has failed");
    }
    Ok(ended?)
}

async fn produce_samples(cluster: &Cluster, topic: &str, count: u32) -> Result<(), Failure> {
    if count == 0 {
        return Ok(());
    }
    let run = Uuid::new_v4().simple().to_string();
    let records = (0..count)
        .map(|number| {
            let (user_id, event) = sample::event(&run[..8], number);
            Outgoing {
                key: Some(user_id.to_string().into_bytes()),
                payload: Some(event.to_string().into_bytes()),
                headers: Vec::new(),
            }
        })
        .collect();
    match Producer::new(cluster)?
        .send(topic, records)
        .await?
        .into_iter()
        .next()
    {
        None => Ok(()),
        Some(unsent) => Err(unsent.error.into()),
    }
}

/// Prints each delivery request: for people on a terminal, as it is elsewhere.
async fn print_deliveries(cluster: Cluster, topic: String, stop: CancellationToken) {
    let settings = ConsumerSettings {
        topic,
        group_id: "inq-dev-printer".to_owned(),
        batch_records: 100,
        batch_wait: Duration::from_millis(1),
    };
    let mut consumer = match Consumer::start(&cluster, settings) {
        Ok(consumer) => consumer,
        Err(error) => {
            tracing::error!(%error, "what is published cannot be printed");
            return;
        }
    };
    let for_people = std::io::stdout().is_terminal();
    loop {
        let batch = tokio::select! {
            () = stop.cancelled() => break,
            batch = consumer.next() => batch,
        };
        match batch {
            Ok(batch) => {
                let text: String = batch
                    .records
                    .iter()
                    .map(|record| line(record, for_people))
                    .collect();
                // A reader who has gone away has seen enough.
                if output::print(&text).is_err() {
                    break;
                }
                batch.finish();
            }
            Err(error) => {
                tracing::error!(%error, "what is published is no longer printed");
                break;
            }
        }
    }
    consumer.close().await;
}

fn line(record: &Record, for_people: bool) -> String {
    let payload = record.payload.as_deref().unwrap_or_default();
    match serde_json::from_slice::<Value>(payload) {
        Ok(request) if for_people => {
            let field = |name: &str| request[name].as_str().unwrap_or_default().replace('\n', " ");
            format!(
                "{:>6}  {:<5}  {} | {}\n",
                request["notification_id"],
                field("language"),
                field("message_title"),
                field("message_body")
            )
        }
        _ => format!("{}\n", String::from_utf8_lossy(payload)),
    }
}
