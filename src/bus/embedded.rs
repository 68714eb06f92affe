//! The broker of `inq dev`: librdkafka's mock cluster in this process, behind a fixed port on loopback.
//!
//! It speaks the Kafka protocol, so that kcat and any client work with it. What it cannot do: transactions (they are
//! accepted and mean nothing), keeping more than 5 MiB a partition, keeping anything past its end.

use std::net::SocketAddr;

use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::BusError;

/// Partitions of each topic.
const PARTITIONS: i32 = 4;

/// A broker that lives as long as this value.
pub struct EmbeddedBroker {
    address: SocketAddr,
    forwarder: JoinHandle<()>,
    cluster: MockCluster<'static, DefaultProducerContext>,
}

impl EmbeddedBroker {
    /// Starts a broker that is reached at `listen`, with these topics.
    ///
    /// # Errors
    /// [`BusError::Refused`] if the port is taken, or the broker cannot be made.
    pub async fn start(listen: SocketAddr, topics: &[&str]) -> Result<Self, BusError> {
        let cluster =
            MockCluster::new(1).map_err(|fault| refused("the embedded broker cannot start", &fault))?;
        for topic in topics {
            create(&cluster, topic)?;
        }
        let inside = cluster.bootstrap_servers();
        let listener = TcpListener::bind(listen)
            .await
            .map_err(|fault| refused(&format!("the embedded broker cannot listen on {listen}"), &fault))?;
        let address = listener
            .local_addr()
            .map_err(|fault| refused("the embedded broker has no address", &fault))?;
        Ok(Self {
            address,
            forwarder: tokio::spawn(forward(listener, inside)),
            cluster,
        })
    }

    /// Makes one more topic.
    ///
    /// # Errors
    /// [`BusError::Refused`] if it cannot be made.
    pub fn create_topic(&self, topic: &str) -> Result<(), BusError> {
        create(&self.cluster, topic)
    }

    /// Where clients find it.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }
}

fn refused(what: &str, fault: &dyn std::fmt::Display) -> BusError {
    BusError::Refused(format!("{what}: {fault}"))
}

fn create(cluster: &MockCluster<'_, DefaultProducerContext>, topic: &str) -> Result<(), BusError> {
    cluster.create_topic(topic, PARTITIONS, 1).map_err(|fault| {
        refused(
            &format!("the embedded broker cannot make the topic {topic}"),
            &fault,
        )
    })
}

impl Drop for EmbeddedBroker {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

/// Clients come here to bootstrap; afterwards they follow the address that the broker advertises, whose port nobody
/// can choose.
async fn forward(listener: TcpListener, inside: String) {
    loop {
        let Ok((mut outside, _)) = listener.accept().await else {
            // Too many open files, at worst: the next client may fare better.
            tokio::task::yield_now().await;
            continue;
        };
        let inside = inside.clone();
        tokio::spawn(async move {
            if let Ok(mut broker) = TcpStream::connect(&inside).await {
                // Either side may hang up at any time.
                let _ended = tokio::io::copy_bidirectional(&mut outside, &mut broker).await;
            }
        });
    }
}
