//! What the consuming stages have in common.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use inq::bus::{Batch, ConsumerSettings, Record};
use inq::health::Health;
use inq::patience::Patience;
use inq::stage::{Foresight, Stage, consume};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::kafka::Kafka;

/// Tells how far it has looked.
struct Looks(watch::Sender<i64>);

#[async_trait::async_trait]
impl Foresight for Looks {
    type Seen = i64;

    async fn look(&self, records: &[Record]) -> i64 {
        let offset = records[0].offset;
        self.0.send_replace(offset);
        offset
    }
}

/// Told to stop while something is away: it drops its first batch unfinished, and would finish every other one.
struct ToldToStop {
    stop: CancellationToken,
    looked_at: watch::Sender<i64>,
    given: Arc<Mutex<usize>>,
}

#[async_trait::async_trait]
impl Stage for ToldToStop {
    type Foresight = Looks;

    fn foresight(&self) -> Looks {
        Looks(self.looked_at.clone())
    }

    async fn work_off(
        &mut self,
        batch: Batch,
        seen: i64,
        _patience: &mut Patience,
        stop: &CancellationToken,
    ) {
        *self.given.lock().expect("unpoisoned") += 1;
        if stop.is_cancelled() {
            batch.finish();
        } else {
            // Another batch is there when this one is dropped.
            let mut looked_at = self.looked_at.subscribe();
            let _next = looked_at.wait_for(|looked_at| *looked_at > seen).await;
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
                looked_at: watch::Sender::new(-1),
                given: Arc::clone(&given),
            };
            consume(stage, cluster, settings, Health::default().part("stage"), stop).await;
            *given.lock().expect("unpoisoned")
        });
    }
    assert_eq!(stages.join_all().await, [1; 16]);
}

/// Works off batches of one record, each only once the one behind it was looked at.
struct WaitsForTheNext {
    last: i64,
    looked_at: watch::Sender<i64>,
    worked_off: Arc<Mutex<Vec<i64>>>,
    stop: CancellationToken,
}

#[async_trait::async_trait]
impl Stage for WaitsForTheNext {
    type Foresight = Looks;

    fn foresight(&self) -> Looks {
        Looks(self.looked_at.clone())
    }

    async fn work_off(
        &mut self,
        batch: Batch,
        seen: i64,
        _patience: &mut Patience,
        stop: &CancellationToken,
    ) {
        let offset = batch.records[0].offset;
        assert_eq!(seen, offset, "what was seen is of this batch");
        if offset < self.last {
            let mut looked_at = self.looked_at.subscribe();
            let next = looked_at.wait_for(|looked_at| *looked_at > offset);
            let _looked_at = stop.run_until_cancelled(next).await.expect("not stopped");
        }
        self.worked_off.lock().expect("unpoisoned").push(offset);
        batch.finish();
        if offset == self.last {
            self.stop.cancel();
        }
    }
}

#[tokio::test]
async fn the_next_batch_is_looked_at_while_one_is_worked_off() {
    let Some(kafka) = Kafka::reached() else { return };
    let topic = kafka.topic("events", 1).await;
    kafka.produce(&topic, vec![("key", b"value".as_slice()); 5]).await;
    let settings = ConsumerSettings {
        topic,
        group_id: kafka.name("looks-ahead"),
        batch_records: 1,
        batch_wait: Duration::from_millis(1),
    };
    let (stop, worked_off) = (CancellationToken::new(), Arc::default());
    let stage = WaitsForTheNext {
        last: 4,
        looked_at: watch::Sender::new(-1),
        worked_off: Arc::clone(&worked_off),
        stop: stop.clone(),
    };
    let part = Health::default().part("stage");
    let consumed = consume(stage, kafka.cluster(), settings, part, stop);
    tokio::time::timeout(Duration::from_mins(1), consumed)
        .await
        .expect("in time");
    assert_eq!(*worked_off.lock().expect("unpoisoned"), [0, 1, 2, 3, 4]);
}
