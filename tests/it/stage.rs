//! What the consuming stages have in common.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use inq::bus::{Batch, ConsumerSettings};
use inq::health::Health;
use inq::patience::Patience;
use inq::stage::{Stage, consume};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::kafka::Kafka;

/// Told to stop while something is away: it drops its first batch unfinished, and would finish every other one.
struct ToldToStop {
    stop: CancellationToken,
    given: Arc<Mutex<usize>>,
}

#[async_trait::async_trait]
impl Stage for ToldToStop {
    async fn work_off(&mut self, batch: Batch, _patience: &mut Patience, stop: &CancellationToken) {
        *self.given.lock().expect("unpoisoned") += 1;
        if stop.is_cancelled() {
            batch.finish();
        } else {
            // The consumer reads on meanwhile: another batch is there when this one is dropped.
            tokio::time::sleep(Duration::from_millis(300)).await;
            self.stop.cancel();
        }
    }
}

/// It would store offsets beyond the one that was dropped, whose records would never come again.
#[tokio::test]
async fn no_batch_is_given_after_one_was_dropped_unfinished() {
    let Some(kafka) = Kafka::reached() else { return };
    let kafka = Arc::new(kafka);
    let topic = kafka.topic("events", 1).await;
    let records: Vec<_> = (0..10).map(|_| ("key", b"value".as_slice())).collect();
    kafka.produce(&topic, records).await;
    let mut stages = JoinSet::new();
    // What is wrong by chance is seen if it is tried often.
    for number in 0..16 {
        let settings = ConsumerSettings {
            topic: topic.clone(),
            group_id: kafka.name(&format!("stops-{number}")),
            batch_records: 1,
            batch_wait: Duration::from_millis(1),
        };
        let cluster = kafka.cluster();
        stages.spawn(async move {
            let stop = CancellationToken::new();
            let given = Arc::default();
            let stage = ToldToStop {
                stop: stop.clone(),
                given: Arc::clone(&given),
            };
            consume(stage, cluster, settings, Health::default().part("stage"), stop).await;
            *given.lock().expect("unpoisoned")
        });
    }
    assert_eq!(stages.join_all().await, [1; 16]);
}
