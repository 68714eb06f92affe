//! Kafka and nothing else: what is read from it, what is written to it, and what it knows of a claim.
//!
//! - [`Cluster`] makes every client, so that brokers, security and logging are the same for all.
//! - [`Consumer`] reads a topic in batches and stores offsets only when a batch was finished.
//! - [`Publisher`] writes delivery requests: [`TransactionalPublisher`] once and for all,
//!   [`Producer`] at least once.
//! - [`Ledger`] fences a publisher and reads which of its claims was published last.
//! - [`DeadLetters`] puts aside what cannot be used; [`DeadLetterTopic`] looks at it.
//! - [`embedded`] is the broker of `inq dev`.
//!
//! Calls that block are made on blocking threads, never on the async ones.

mod admin;
mod batch;
mod cluster;
mod consumer;
mod context;
mod dead_letter_topic;
mod dead_letters;
pub mod embedded;
mod error;
mod in_flight;
mod ledger;
mod left_open;
mod letter;
mod newest;
mod oauth;
mod producer;
mod publisher;
mod record;
mod rights;
mod scratch;
mod search;
mod stretch;
mod topics;

pub use admin::ClusterPolicies;
pub use batch::{Batch, Offsets};
pub use cluster::{Cluster, ClusterSettings};
pub use consumer::{Consumer, ConsumerSettings};
pub use dead_letter_topic::{DeadLetterTopic, Extent, Found, Wanted};
pub use dead_letters::DeadLetters;
pub use error::BusError;
pub use ledger::{Ledger, LedgerEntry, Reading};
pub use left_open::HeldBack;
pub use letter::Letter;
pub use producer::{Producer, Unsent};
pub use publisher::{Outcome, Publisher, TransactionalPublisher};
pub use record::{Outgoing, Record};
pub use rights::{MissingRight, Needs};
pub use search::Held;
pub use stretch::{NoStretch, Stretch};
pub use topics::{ClusterView, Lag};

/// Whether librdkafka has a property of that name.
#[cfg(test)]
pub(crate) fn has_property(name: &str) -> bool {
    use rdkafka::error::KafkaError;
    use rdkafka::types::RDKafkaConfRes;
    let made = rdkafka::ClientConfig::new().set(name, "").create_native_config();
    let unknown = RDKafkaConfRes::RD_KAFKA_CONF_UNKNOWN;
    !matches!(made, Err(KafkaError::ClientConfig(result, ..)) if result == unknown)
}

/// Runs a blocking call of librdkafka off the async threads.
async fn blocking<T: Send + 'static>(
    call: impl FnOnce() -> Result<T, BusError> + Send + 'static,
) -> Result<T, BusError> {
    tokio::task::spawn_blocking(call)
        .await
        .unwrap_or_else(|fault| Err(BusError::Away(format!("a Kafka call was broken off: {fault}"))))
}
