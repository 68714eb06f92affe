//! A database and topics for one run of the benchmark: nothing of the configured queue is touched.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use uuid::Uuid;

use super::BenchError;
use super::instance::Launch;
use super::usage::Usage;
use crate::bus::embedded::EmbeddedBroker;
use crate::bus::{Cluster, ClusterSettings};
use crate::config::{Database, Settings};
use crate::store::{self, Store, Yardstick};

/// The kinds of topics, by the names of their settings.
const TOPICS: [&str; 5] = ["events", "events_dlq", "deliveries", "results", "results_dlq"];

/// Where a run takes place.
pub struct Scratch {
    /// The brokers.
    pub cluster: Cluster,
    /// The database.
    pub store: Arc<dyn Store>,
    /// Measures the statements alone; `None` on SQLite.
    pub yardstick: Option<Yardstick>,
    /// What it is, for people.
    pub servers: String,
    name: String,
    launch: Launch,
    generation: std::sync::atomic::AtomicU32,
    partitions: i32,
    server_ports: Vec<u16>,
    embedded: Option<EmbeddedBroker>,
    _folder: Option<Folder>,
}

/// A folder that goes with its value.
struct Folder(std::path::PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(fault) = std::fs::remove_dir_all(&self.0) {
            tracing::warn!(folder = %self.0.display(), %fault, "the benchmark's folder is left behind");
        }
    }
}

/// The names of one set of topics.
#[derive(Clone, Debug)]
pub struct Topics {
    /// Starts an instance on them, with a consumer group of its own.
    pub launch: Launch,
    /// Incentive events.
    pub events: String,
    /// Delivery requests.
    pub deliveries: String,
}

impl Scratch {
    /// Makes the database; `embedded` takes a SQLite file and a broker in this process instead of the configured ones.
    ///
    /// # Errors
    /// If they cannot be made.
    pub async fn make(
        settings: &Settings,
        reach: ClusterSettings,
        config: Option<PathBuf>,
        embedded: bool,
        partitions: i32,
    ) -> Result<Self, BenchError> {
        let name = format!("inq_bench_{}", &Uuid::new_v4().simple().to_string()[..12]);
        let mut launch = Launch {
            config,
            environment: Vec::new(),
        };
        let mut server_ports = Vec::new();
        let (yardstick, url, folder) = if embedded || settings.database.url.database() == Database::Sqlite {
            let folder = Folder(std::env::current_dir()?.join(&name));
            std::fs::create_dir(&folder.0)?;
            (
                None,
                format!("sqlite://{}/inq.db", folder.0.display()),
                Some(folder),
            )
        } else {
            let yardstick = Yardstick::create(settings.database.url.expose(), &name).await?;
            server_ports.extend(port(settings.database.url.expose(), 3306));
            let url = yardstick.url().to_owned();
            (Some(yardstick), url, None)
        };
        launch = launch.with("INQ_DATABASE__URL", &url);
        let store = store::open(&url, 2)?;
        store.migrate().await?;
        let mut servers = store.server().await?;
        let mut reach = reach;
        let broker = if embedded {
            let broker = EmbeddedBroker::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), &[]).await?;
            reach.brokers = broker.address().to_string();
            reach.properties.clear();
            // The embedded broker wakes no waiting fetch.
            reach
                .properties
                .insert("fetch.wait.max.ms".to_owned(), "10".to_owned());
            launch = launch
                .with("INQ_KAFKA__BROKERS", &reach.brokers)
                .with("INQ_KAFKA__PROPERTIES__FETCH_WAIT_MAX_MS", "10")
                .with("INQ_DISPATCH__SEMANTICS", "at_least_once");
            servers.push_str(" and the embedded broker");
            Some(broker)
        } else {
            server_ports.extend(reach.brokers.split(',').filter_map(|broker| port(broker, 9092)));
            servers = format!("{servers} and Kafka at {}", reach.brokers);
            None
        };
        Ok(Self {
            cluster: Cluster::new(reach),
            store,
            yardstick,
            servers,
            name,
            launch,
            generation: std::sync::atomic::AtomicU32::new(0),
            partitions,
            server_ports,
            embedded: broker,
            _folder: folder,
        })
    }

    /// A new set of topics, and the settings for an instance on them.
    ///
    /// # Errors
    /// If they cannot be made.
    pub async fn topics(&self) -> Result<Topics, BenchError> {
        self.topics_of(self.partitions).await
    }

    /// As [`Scratch::topics`], with that many partitions each.
    ///
    /// # Errors
    /// If they cannot be made.
    pub async fn topics_of(&self, partitions: i32) -> Result<Topics, BenchError> {
        let number = self.generation.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let prefix = format!("{}.{number}", self.name);
        let name = |kind: &str| format!("{prefix}.{kind}");
        let names: Vec<_> = TOPICS.iter().map(|kind| name(kind)).collect();
        let wanted: Vec<_> = names.iter().map(|name| (name.as_str(), partitions)).collect();
        match &self.embedded {
            Some(broker) => names.iter().try_for_each(|name| broker.create_topic(name))?,
            None => self.cluster.create_topics(&wanted).await?,
        }
        let mut launch = self.launch.clone().with("INQ_KAFKA__GROUP_ID", &prefix);
        for (kind, name) in TOPICS.iter().zip(&names) {
            launch = launch.with(&format!("INQ_TOPICS__{}", kind.to_uppercase()), name);
        }
        Ok(Topics {
            launch,
            events: names[0].clone(),
            deliveries: names[2].clone(),
        })
    }

    /// The processes of the servers, where they run on this machine.
    #[must_use]
    pub fn server_processes(&self) -> Vec<Usage> {
        self.server_ports
            .iter()
            .filter_map(|port| Usage::of_listener(*port))
            .collect()
    }

    /// Takes everything away that was made.
    ///
    /// # Errors
    /// If a server is away; then what is left is named.
    pub async fn remove(self) -> Result<(), BenchError> {
        self.store.close().await;
        let made = self.generation.load(std::sync::atomic::Ordering::Relaxed);
        let topics: Vec<_> = (0..made)
            .flat_map(|number| TOPICS.map(|kind| format!("{}.{number}.{kind}", self.name)))
            .collect();
        let names: Vec<_> = topics.iter().map(String::as_str).collect();
        let gone = if names.is_empty() || self.embedded.is_some() {
            Ok(())
        } else {
            self.cluster.delete_topics(&names).await
        };
        if let Some(yardstick) = &self.yardstick {
            yardstick.remove().await?;
        }
        gone.map_err(|error| BenchError(format!("topics {}.* are left behind: {error}", self.name)))
    }
}

/// The port of an address on this machine.
fn port(address: &str, usual: u16) -> Option<u16> {
    let address = if address.contains("://") {
        address.to_owned()
    } else {
        format!("tcp://{address}")
    };
    let url = url::Url::parse(&address).ok()?;
    let here = matches!(url.host_str()?, "localhost" | "127.0.0.1" | "[::1]");
    here.then(|| url.port().unwrap_or(usual))
}
