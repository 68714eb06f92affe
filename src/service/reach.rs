//! Reaching the database and the brokers: what is away is waited for, what is wrong is told with the remedy.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

use crate::bus::{BusError, Cluster, ClusterView, Ledger, TransactionalPublisher};
use crate::config::{DatabaseSettings, DatabaseUrl};
use crate::dispatch::{RecoveryError, rewound};
use crate::health::{BROKER, DATABASE, Health};
use crate::patience::Patience;
use crate::store::{self, SchemaState, Store, StoreError};

/// How long a look at the brokers may take.
const LOOK: Duration = Duration::from_secs(5);
/// Between two looks at the database while the service runs.
const WATCH_STORE: Duration = Duration::from_secs(5);
/// How long a write may take before the database is not ready.
const WRITE: Duration = Duration::from_secs(5);
/// How long the answer to a write is waited for before another one is tried on a new connection.
const LONGEST_WRITE: Duration = Duration::from_mins(1);
/// Between two looks at the brokers while the service runs.
const WATCH_CLUSTER: Duration = Duration::from_secs(10);

/// Why the service does not start, or does not go on.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartError {
    /// Something must be mended by a person first.
    #[error("{0}")]
    Failed(String),
    /// A task has ended that runs until the stop: to start again is the remedy, and the log has the cause.
    #[error("{0}")]
    TaskEnded(String),
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The database, reached, with a pool of so many connections and the schema that this program needs; `None` if `stop` came
/// first.
///
/// # Errors
/// If the database refuses us, its schema is another (and `migrate` is not wanted or cannot help), or its locks do not
/// exclude.
pub async fn reach_store(
    settings: &DatabaseSettings,
    connections: u32,
    migrate: bool,
    health: &Health,
    stop: &CancellationToken,
) -> Result<Option<Arc<dyn Store>>, StartError> {
    let mut patience = Patience::new(health.part(DATABASE));
    while !stop.is_cancelled() {
        match try_store(settings, connections, migrate).await {
            Ok(store) => {
                patience.fine();
                return Ok(Some(store));
            }
            Err(error) if error.is_transient() => patience.wait(&error.to_string(), stop).await,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}

async fn try_store(
    settings: &DatabaseSettings,
    connections: u32,
    migrate: bool,
) -> Result<Arc<dyn Store>, StoreError> {
    let store = store::open(settings.url.expose(), connections)?;
    let server = store.server().await?;
    if migrate {
        for version in store.migrate().await? {
            tracing::info!(version, "a migration has run");
        }
    }
    require_current_schema(store.as_ref()).await?;
    store.prove_claims_exclude().await?;
    tracing::info!(server, "the database is reached");
    Ok(store)
}

/// Looks whether the schema is the one that this program needs.
///
/// # Errors
/// If not, with what to run.
pub async fn require_current_schema(store: &dyn Store) -> Result<(), StoreError> {
    match store.schema().await? {
        SchemaState::Current { .. } => Ok(()),
        SchemaState::Old { version, needed } => {
            let found = version.map_or_else(|| "none".to_owned(), |version| version.to_string());
            Err(StoreError::Schema(format!(
                "the database's schema is too old (version {found}, needed {needed}): run `inq migrate`"
            )))
        }
        SchemaState::Newer { version, known } => Err(StoreError::Schema(format!(
            "the database's schema is newer than this program (version {version}, known {known}): run a newer inq"
        ))),
    }
}

/// The brokers, reached, with the topics that are wanted; `None` if `stop` came first.
///
/// # Errors
/// If they refuse us, or a topic is missing.
pub async fn reach_cluster(
    cluster: &Cluster,
    topics: &[&str],
    health: &Health,
    stop: &CancellationToken,
) -> Result<Option<ClusterView>, StartError> {
    let mut patience = Patience::new(health.part(BROKER));
    while !stop.is_cancelled() {
        match cluster.look(LOOK).await {
            Ok(view) => {
                let missing = view.missing(topics.iter().copied());
                if !missing.is_empty() {
                    return Err(StartError::Failed(missing_topics(&missing, cluster.brokers())));
                }
                patience.fine();
                tracing::info!(cluster.id = view.id, "the Kafka brokers are reached");
                return Ok(Some(view));
            }
            Err(BusError::Refused(why)) => return Err(StartError::Failed(why)),
            Err(error) => {
                let why = format!("{error}; check kafka.brokers ({})", cluster.brokers());
                patience.wait(&why, stop).await;
            }
        }
    }
    Ok(None)
}

/// Says which of the topics lose records by their settings, beside what else the service does: a broker need not tell its
/// settings, and nothing waits for them.
pub(super) fn tell_faults(
    cluster: Cluster,
    view: ClusterView,
    topics: Vec<String>,
    may_compact: Option<String>,
    stop: CancellationToken,
) {
    tokio::spawn(async move {
        let look = cluster.policies(&view, topics, LOOK);
        match stop.run_until_cancelled(look).await {
            Some(Ok(policies)) => {
                for fault in policies.faults(may_compact.as_deref()) {
                    tracing::error!("{fault}");
                }
            }
            Some(Err(error)) => tracing::debug!(%error, "the settings of the topics are not known"),
            None => {}
        }
    });
}

/// The `transactional.id` under which transactions are tried. It is one for all, so that no try leaves a group behind; two
/// at the same moment shut each other out, and try again.
#[must_use]
pub fn check_id(queue: &str) -> String {
    format!("{queue}-check")
}

/// Makes a transactional producer and lets it go, as proof that the brokers keep what a transaction commits.
///
/// # Errors
/// If they are away or refuse us, or have no transactions; [`BusError::Spent`] where somebody else tries just now.
pub async fn prove_transactions(ledger: &Ledger, lease: Duration) -> Result<(), BusError> {
    let id = check_id(ledger.queue());
    // It claims nothing, so that it need not know a database.
    TransactionalPublisher::open(ledger, id, String::new(), lease)
        .await?
        .close()
        .await;
    Ok(())
}

/// Waits until [`prove_transactions`] has an answer.
///
/// # Errors
/// If the brokers refuse us, or have no transactions.
pub(super) async fn require_transactions(
    ledger: &Ledger,
    lease: Duration,
    health: &Health,
    stop: &CancellationToken,
) -> Result<(), StartError> {
    let mut patience = Patience::new(health.part("transactions"));
    while !stop.is_cancelled() {
        match prove_transactions(ledger, lease).await {
            Ok(()) => {
                patience.fine();
                return Ok(());
            }
            Err(BusError::Refused(why)) => return Err(StartError::Failed(why)),
            Err(error) => patience.wait(&error.to_string(), stop).await,
        }
    }
    Ok(())
}

/// Looks whether the database is as new as what was published from it.
///
/// # Errors
/// If it is not, with what to do; or if the brokers refuse us.
pub(super) async fn require_the_present(
    store: &dyn Store,
    ledger: &Ledger,
    health: &Health,
    stop: &CancellationToken,
) -> Result<(), StartError> {
    let mut patience = Patience::new(health.part("ledger"));
    while !stop.is_cancelled() {
        match rewound(store, ledger).await {
            Ok(None) => {
                patience.fine();
                return Ok(());
            }
            Ok(Some(why)) | Err(RecoveryError::Bus(BusError::Refused(why))) => {
                return Err(StartError::Failed(why));
            }
            Err(error) => patience.wait(&error.to_string(), stop).await,
        }
    }
    Ok(())
}

/// What to do about topics that are not there.
#[must_use]
pub fn missing_topics(missing: &[&str], brokers: &str) -> String {
    let plural = if missing.len() == 1 { "topic" } else { "topics" };
    format!(
        "Kafka at {brokers} lacks the {plural} {}: create with kafka-topics.sh --bootstrap-server {brokers} --create \
         --topic NAME, or change the names in [topics]; topics that our user may not Describe are missing too \
         (docs/operate/rights.md)",
        missing.join(", ")
    )
}

/// The file of `database.url_file`, whose password may be rotated while the service runs.
struct UrlFile {
    settings: DatabaseSettings,
    /// What was said of it last, so that it is said once.
    trouble: Option<String>,
}

impl UrlFile {
    const fn new(settings: DatabaseSettings) -> Self {
        Self {
            settings,
            trouble: None,
        }
    }

    /// Reads it again: it is short, and a mounted secret is replaced without notice. New connections use what it says.
    fn renew(&mut self, store: &dyn Store) {
        let Some(file) = &self.settings.url_file else {
            return;
        };
        let url = match DatabaseUrl::from_file(file) {
            Ok(url) if url == self.settings.url => return,
            Ok(url) => url,
            Err(why) => return self.tell(why),
        };
        match store.use_url(url.expose()) {
            Ok(()) => {
                tracing::info!("database.url_file has changed: new connections use what it says now");
                self.settings.url = url;
                self.trouble = None;
            }
            Err(error) => self.tell(error.to_string()),
        }
    }

    fn tell(&mut self, why: String) {
        if self.trouble.as_ref() != Some(&why) {
            tracing::warn!("the URL from before is used: {why}");
            self.trouble = Some(why);
        }
    }
}

/// Looks after the database and the brokers until `stop`, so that readiness tells of them on an idle system too.
/// The brokers are asked for `topic`.
pub(super) async fn watch(
    store: Arc<dyn Store>,
    database: DatabaseSettings,
    cluster: Cluster,
    topic: String,
    health: Health,
    stop: CancellationToken,
) {
    let watch_store = async {
        let mut patience = Patience::new(health.part(DATABASE));
        let mut url_file = UrlFile::new(database);
        loop {
            url_file.renew(store.as_ref());
            match write(store.as_ref(), &mut patience).await {
                Ok(()) => {
                    patience.fine();
                    tokio::time::sleep(WATCH_STORE).await;
                }
                Err(error) => patience.wait(&error.to_string(), &stop).await,
            }
        }
    };
    let watch_cluster = async {
        let mut patience = Patience::new(health.part(BROKER));
        loop {
            match cluster.reach(topic.clone(), LOOK).await {
                Ok(()) => {
                    patience.fine();
                    tokio::time::sleep(WATCH_CLUSTER).await;
                }
                Err(error) => patience.wait(&error.to_string(), &stop).await,
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        ((), ()) = async { tokio::join!(watch_store, watch_cluster) } => {}
    }
}

/// Proves that the database takes writes: one that only answers may hold up all of them (a global read lock, a full disk, a
/// replica that is waited for).
async fn write(store: &dyn Store, patience: &mut Patience) -> Result<(), StoreError> {
    let mut write = store.try_write();
    if let Ok(done) = tokio::time::timeout(WRITE, &mut write).await {
        return done;
    }
    patience.tell(&stuck(WRITE));
    tokio::time::timeout(LONGEST_WRITE.saturating_sub(WRITE), write)
        .await
        .unwrap_or_else(|_elapsed| Err(StoreError::Away(stuck(LONGEST_WRITE))))
}

fn stuck(time: Duration) -> String {
    format!(
        "the database answers, but a small write has not ended within {} s: look for FLUSH TABLES WITH READ LOCK, a full disk, or \
         a replica that must acknowledge and does not",
        time.as_secs()
    )
}
