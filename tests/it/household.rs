//! All that one service needs for a test: topics, a group and a database of its own.

use std::ffi::OsString;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, Utc};
use inq::bus::{Cluster, ClusterSettings};
use inq::config::{Effective, Settings};
use inq::status::{QueueStatus, lag};
use inq::store::{self, Store};
use inq::story::ToldStory;
use serde_json::{Value, json};

use crate::inq::{Service, aside, inq_json, moment};
use crate::kafka::{DEADLINE, Kafka, json as json_of};
use crate::servers::Database;

/// After so long others take over the claims of an instance that was killed: the shortest that the settings allow.
pub const LEASE: Duration = Duration::from_secs(5);
/// After so long they take over its partitions. The test broker allows less; a busy machine needs some of it.
pub const SESSION_TIMEOUT: Duration = Duration::from_secs(5);

/// Topics, a group and a database of its own, and the environment that names them.
pub struct House {
    pub kafka: Kafka,
    pub database: Database,
    environment: Vec<(String, String)>,
    view: OnceLock<View>,
    pub deliveries: String,
    pub events: String,
    pub results: String,
}

impl House {
    /// On Kafka and MySQL; `None`, said aloud, where they are not to be had.
    pub async fn fresh() -> Option<Self> {
        let (kafka, database) = (Kafka::reached()?, Database::migrated("mysql").await?);
        Some(Self::on(kafka, database, 1).await)
    }

    /// With that many partitions of events and results, and one of deliveries, so that these have an order.
    pub async fn on(kafka: Kafka, database: Database, partitions: i32) -> Self {
        let [events, deliveries, results, events_dlq, results_dlq] = kafka
            .topics_with([
                ("events", partitions),
                ("deliveries", 1),
                ("results", partitions),
                ("events.dlq", 1),
                ("results.dlq", 1),
            ])
            .await;
        let environment = [
            ("DATABASE_URL", database.url.clone()),
            ("KAFKA_BROKERS", kafka.brokers.clone()),
            ("INQ_KAFKA__GROUP_ID", kafka.name("group")),
            ("INQ_TOPICS__EVENTS", events.clone()),
            ("INQ_TOPICS__EVENTS_DLQ", events_dlq),
            ("INQ_TOPICS__DELIVERIES", deliveries.clone()),
            ("INQ_TOPICS__RESULTS", results.clone()),
            ("INQ_TOPICS__RESULTS_DLQ", results_dlq),
            ("INQ_DISPATCH__LEASE", format!("{}s", LEASE.as_secs())),
            (
                "INQ_KAFKA__PROPERTIES__SESSION_TIMEOUT_MS",
                SESSION_TIMEOUT.as_millis().to_string(),
            ),
        ];
        Self {
            kafka,
            database,
            environment: environment
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            view: OnceLock::new(),
            deliveries,
            events,
            results,
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self.view = OnceLock::new();
        self
    }

    pub fn environment(&self) -> Vec<(&str, &str)> {
        self.environment
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    pub async fn run(&self, arguments: &[&str]) -> Service {
        Service::ready(&self.environment(), &[&["run"], arguments].concat()).await
    }

    /// What a command prints with `--json`.
    pub fn command(&self, arguments: &[&str]) -> Value {
        inq_json(&self.environment(), arguments)
    }

    fn view(&self) -> &View {
        self.view.get_or_init(|| View::new(&self.environment))
    }

    /// What `inq show --event EVENT --json` prints, once the event has a row.
    pub fn show(&self, event: &str) -> Value {
        serde_json::to_value(self.story(event)).expect("JSON")
    }

    /// The same where the data nests deeper than a [`Value`] can.
    pub fn show_json(&self, event: &str) -> String {
        serde_json::to_string(&self.story(event)).expect("JSON")
    }

    /// The same as text, for people.
    pub fn show_text(&self, event: &str) -> String {
        inq::cli::show::text(&self.story(event))
    }

    fn story(&self, event: &str) -> ToldStory {
        let (store, event) = (Arc::clone(&self.view().store), event.to_owned());
        aside(async move {
            let deadline = Instant::now() + DEADLINE;
            loop {
                let found = ToldStory::of_event(store.as_ref(), &event, Utc::now()).await;
                if let Some(story) = found.expect("an answer") {
                    return story;
                }
                assert!(Instant::now() < deadline, "the event {event} has no row");
                moment().await;
            }
        })
    }

    /// What `inq status --json` prints.
    pub fn status(&self) -> Value {
        let view = self.view().clone();
        aside(async move {
            let queue = QueueStatus::of(view.store.as_ref()).await.expect("an answer");
            let lag = lag(
                &view.cluster,
                &view.settings.kafka.group_id,
                &view.settings.topics,
                DEADLINE,
            )
            .await;
            serde_json::to_value(queue.with_topics(&lag)).expect("JSON")
        })
    }

    /// Records that the service has not finished, over events, results and preferences.
    pub fn behind(&self) -> i64 {
        let view = self.view().clone();
        let lags = aside(async move {
            lag(
                &view.cluster,
                &view.settings.kafka.group_id,
                &view.settings.topics,
                DEADLINE,
            )
            .await
        });
        let lags = lags.expect("an answer");
        lags.iter().filter_map(|lag| lag.behind).sum()
    }
}

/// The queue as the commands see it, without a process for each look.
#[derive(Clone)]
struct View {
    settings: Arc<Settings>,
    store: Arc<dyn Store>,
    cluster: Cluster,
}

impl View {
    fn new(environment: &[(String, String)]) -> Self {
        let environment = environment
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let settings = Effective::read(None, environment).expect("settings").settings;
        let url = settings.database.url.expose().to_owned();
        let properties = settings.kafka.properties.expose();
        Self {
            cluster: Cluster::new(ClusterSettings {
                brokers: settings.kafka.brokers.clone(),
                properties: properties
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .collect(),
                oauthbearer_token_file: settings.kafka.oauthbearer_token_file.clone(),
            }),
            store: aside(async move { store::open_existing(&url, 2).expect("a store") }),
            settings: Arc::new(settings),
        }
    }
}

/// The least that an event says.
pub fn simple_event(id: &str) -> String {
    json!({ "event_id": id, "user_id": 42, "incentive_type": "streak_reward" }).to_string()
}

impl House {
    /// Each event twice, on partitions of their own, so that several instances store for one reader.
    pub async fn send_scattered(&self, events: &[String]) {
        let keys: Vec<_> = (0..events.len() * 2)
            .map(|number| format!("key-{number}"))
            .collect();
        let twice = events.iter().chain(events);
        let records = keys
            .iter()
            .zip(twice)
            .map(|(key, event)| (key.as_str(), event.as_bytes()));
        self.kafka.produce(&self.events, records).await;
    }

    pub async fn send_event(&self, event: &str) {
        self.kafka.produce(&self.events, [("42", event.as_bytes())]).await;
    }

    pub async fn send_result(&self, request: &Value, status: &str, more: Value) {
        let mut result = json!({
            "notification_id": request["notification_id"],
            "attempt": request["attempt"],
            "user_id": request["user_id"],
            "status": status,
            "occurred_at": text(Utc::now()),
        });
        for (name, value) in more.as_object().expect("an object") {
            result[name] = value.clone();
        }
        self.kafka
            .produce(&self.results, [("42", result.to_string().as_bytes())])
            .await;
    }

    pub async fn request(&self, number: usize) -> Value {
        json_of(&self.kafka.read_until(&self.deliveries, number).await[number - 1])
    }
}

/// As events write times.
pub fn text(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
