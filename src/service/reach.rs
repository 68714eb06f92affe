//! Reaching the database and the brokers: what is away is waited for, what is wrong is told with the remedy.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::bus::{BusError, Cluster, Ledger, TransactionalPublisher};
use crate::config::{DatabaseSettings, DatabaseUrl};
use crate::dispatch::{RecoveryError, rewound};
use crate::health::{DATABASE, Health};
use crate::patience::Patience;
use crate::store::{self, SchemaState, Store, StoreError};

/// How long a look at the brokers may take.
const LOOK: Duration = Duration::from_secs(5);
/// Between two looks at the database while the service runs.
const WATCH_STORE: Duration = Duration::from_secs(5);
/// Between two looks at the brokers while the service runs.
const WATCH_CLUSTER: Duration = Duration::from_secs(10);

/// Why the service does not start.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StartError {
    /// Something must be mended by a person first.
    #[error("{0}")]
    Failed(String),
}

impl From<StoreError> for StartError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The database, reached, with the schema that this program needs; `None` if `stop` came first.
///
/// # Errors
/// If the database refuses us, its schema is another (and `migrate` is not wanted or cannot help), or its locks do not
/// exclude.
pub async fn reach_store(
    settings: &DatabaseSettings,
    migrate: bool,
    health: &Health,
    stop: &CancellationToken,
) -> Result<Option<Arc<dyn Store>>, StartError> {
    let mut patience = Patience::new(health.part(DATABASE));
    while !stop.is_cancelled() {
        match try_store(settings, migrate).await {
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

async fn try_store(settings: &DatabaseSettings, migrate: bool) -> Result<Arc<dyn Store>, StoreError> {
    let store = store::open(settings.url.expose(), settings.max_connections)?;
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

/// The brokers, reached, with the topics that are wanted.
///
/// # Errors
/// If they refuse us, or a topic is missing.
pub async fn reach_cluster(
    cluster: &Cluster,
    topics: &[&str],
    health: &Health,
    stop: &CancellationToken,
) -> Result<(), StartError> {
    let mut patience = Patience::new(health.part("broker"));
    while !stop.is_cancelled() {
        match cluster.look(LOOK).await {
            Ok(view) => {
                let missing = view.missing(topics.iter().copied());
                if !missing.is_empty() {
                    return Err(StartError::Failed(missing_topics(&missing, cluster.brokers())));
                }
                patience.fine();
                tracing::info!(cluster.id = view.id, "the Kafka brokers are reached");
                return Ok(());
            }
            Err(BusError::Refused(why)) => return Err(StartError::Failed(why)),
            Err(error) => {
                let why = format!("{error}; check kafka.brokers ({})", cluster.brokers());
                patience.wait(&why, stop).await;
            }
        }
    }
    Ok(())
}

/// Makes a transactional producer and lets it go, as proof that the brokers keep what a transaction commits.
///
/// # Errors
/// If they are away or refuse us, or have no transactions.
pub async fn prove_transactions(ledger: &Ledger, lease: Duration) -> Result<(), BusError> {
    let id = format!("{}-check-{}", ledger.queue(), Uuid::new_v4().simple());
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
         --topic NAME, or change the names in [topics]",
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
            match store.ping().await {
                Ok(()) => {
                    patience.fine();
                    tokio::time::sleep(WATCH_STORE).await;
                }
                Err(error) => patience.wait(&error.to_string(), &stop).await,
            }
        }
    };
    let watch_cluster = async {
        let mut patience = Patience::new(health.part("broker"));
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
