//! Transactions that Kafka has ended without telling the partitions.
//!
//! A coordinator that finds no leader for a partition takes it for deleted and leaves its end marker out: seen on 4.3.1
//! when the broker that has the only replica is restarted in the middle of a commit. The transaction is over, and for
//! `read_committed` consumers open for ever: they see nothing that comes after it. Its producer's next transaction on
//! such a partition ends it too, and ends it in the same way.

use std::time::Duration;

use rdkafka::producer::Producer as _;

use super::cluster::look_with;
use super::publisher::initialised;
use super::{BusError, Ledger, blocking};

const CALL: Duration = Duration::from_secs(10);
/// How long the ending itself could stay open.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(30);

impl Ledger {
    /// Aborts what is left open of that `transactional.id` in the deliveries topic; what was committed or aborted stays
    /// so. The ledger stays undecided, so that whoever comes after a crash judges by the topic again: partitions that had
    /// got their marker keep its outcome, so the claim may be published in part.
    ///
    /// # Errors
    /// If the brokers are away or refuse us; the call may be repeated.
    pub async fn abort_left_open(&self, transactional_id: &str) -> Result<(), BusError> {
        let (ledger, transactional_id) = (self.clone(), transactional_id.to_owned());
        blocking(move || {
            let partitions = look_with(&ledger.cluster().observer(&[])?, CALL)?.partitions(ledger.topic());
            let producer = initialised(ledger.cluster(), &transactional_id, TRANSACTION_TIMEOUT)?;
            let client = producer.client();
            client
                .begin_transaction()
                .and_then(|()| producer.touch_blocking(ledger.topic(), &partitions, &transactional_id))
                .and_then(|()| client.abort_transaction(CALL))
                .map_err(|error| BusError::from_kafka(&error))
        })
        .await
    }
}
