//! All that one service needs for a test: topics, a group and a database of its own.

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::inq::{Service, inq_json};
use crate::kafka::{Kafka, json as json_of};
use crate::servers::Database;

/// Topics, a group and a database of its own, and the environment that names them.
pub struct House {
    pub kafka: Kafka,
    pub database: Database,
    environment: Vec<(String, String)>,
    pub deliveries: String,
    pub events: String,
    pub results: String,
}

impl House {
    /// On Kafka and MySQL; `None`, said aloud, where they are not to be had.
    pub async fn fresh() -> Option<Self> {
        let (kafka, database) = (Kafka::reached()?, Database::fresh("mysql").await?);
        Some(Self::on(kafka, database, 1).await)
    }

    /// With that many partitions of events and results, and one of deliveries, so that these have an order.
    pub async fn on(kafka: Kafka, database: Database, partitions: i32) -> Self {
        let events = kafka.topic("events", partitions).await;
        let deliveries = kafka.topic("deliveries", 1).await;
        let results = kafka.topic("results", partitions).await;
        let events_dlq = kafka.topic("events.dlq", 1).await;
        let results_dlq = kafka.topic("results.dlq", 1).await;
        let environment = [
            ("DATABASE_URL", database.url.clone()),
            ("KAFKA_BROKERS", kafka.brokers.clone()),
            ("INQ_KAFKA__GROUP_ID", kafka.name("group")),
            ("INQ_TOPICS__EVENTS", events.clone()),
            ("INQ_TOPICS__EVENTS_DLQ", events_dlq),
            ("INQ_TOPICS__DELIVERIES", deliveries.clone()),
            ("INQ_TOPICS__RESULTS", results.clone()),
            ("INQ_TOPICS__RESULTS_DLQ", results_dlq),
            ("INQ_DISPATCH__LEASE", "5s".to_owned()),
        ];
        Self {
            kafka,
            database,
            environment: environment
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
            deliveries,
            events,
            results,
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
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

    pub fn show(&self, event: &str) -> Value {
        inq_json(&self.environment(), &["show", "--event", event])
    }

    pub fn status(&self) -> Value {
        inq_json(&self.environment(), &["status"])
    }

    /// Records that the service has not finished, over events and results.
    pub fn behind(&self) -> i64 {
        self.status()["topics"]
            .as_array()
            .expect("topics")
            .iter()
            .filter(|topic| topic["topic"] != self.deliveries.as_str())
            .map(|topic| topic["behind"].as_i64().expect("a number"))
            .sum()
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
