//! Writing the queue of alerts to its topic.

use std::time::Duration;

use tokio::sync::mpsc::Receiver;
use tokio_util::sync::CancellationToken;

use super::dropped;
use crate::bus::{BusError, Cluster, Outgoing, Producer};
use crate::contract::Alert;
use crate::measures;

/// The most alerts that are written together.
const TOGETHER: usize = 100;
/// Between two tries while Kafka is away.
const PAUSE: Duration = Duration::from_secs(2);
/// How long the last alerts may take when the service stops.
const LAST: Duration = Duration::from_secs(2);

/// Writes what comes out of the queue until `stop`. While Kafka is away it waits, and the queue fills.
pub(crate) async fn write(
    mut alerts: Receiver<Alert>,
    cluster: Cluster,
    topic: String,
    stop: CancellationToken,
) {
    let mut producer = None;
    let mut batch = Vec::new();
    while let Some(1..) = stop
        .run_until_cancelled(alerts.recv_many(&mut batch, TOGETHER))
        .await
    {
        while !batch.is_empty() && !stop.is_cancelled() {
            let sent = stop.run_until_cancelled(send(&cluster, &mut producer, &topic, &mut batch));
            if sent.await.is_some() && !batch.is_empty() {
                let _stopped = stop.run_until_cancelled(tokio::time::sleep(PAUSE)).await;
            }
        }
    }
    alerts.close();
    while let Ok(alert) = alerts.try_recv() {
        batch.push(alert);
    }
    if !batch.is_empty() {
        // A broker that is away is not waited for any more.
        let last = send(&cluster, &mut producer, &topic, &mut batch);
        let _elapsed = tokio::time::timeout(LAST, last).await;
    }
    drop_all(&mut batch);
}

/// Sends the batch, and leaves in it what may be sent later. What the broker does not take for good is dropped.
async fn send(cluster: &Cluster, producer: &mut Option<Producer>, topic: &str, batch: &mut Vec<Alert>) {
    if let Err(error) = try_send(cluster, producer, topic, batch).await {
        match error {
            BusError::Refused(why) => {
                tracing::warn!(topic, "alerts are not taken: {why}");
                drop_all(batch);
            }
            BusError::Away(why) | BusError::Spent(why) => {
                tracing::debug!(topic, "alerts wait: {why}");
                *producer = None;
            }
        }
    }
}

async fn try_send(
    cluster: &Cluster,
    producer: &mut Option<Producer>,
    topic: &str,
    batch: &mut Vec<Alert>,
) -> Result<(), BusError> {
    let producer = match producer {
        Some(producer) => producer,
        None => producer.insert(Producer::new(cluster)?),
    };
    let records = batch.iter().map(record).collect::<Result<Vec<_>, _>>()?;
    let unsent = producer.send(topic, records).await?;
    let sent = batch.len() - unsent.len();
    metrics::counter!(measures::ALERTS.name, "outcome" => measures::WRITTEN)
        .increment(u64::try_from(sent).unwrap_or(u64::MAX));
    // What is longer than the topic takes is longer at every try.
    let (too_large, unsent): (Vec<_>, Vec<_>) = unsent.into_iter().partition(|unsent| unsent.too_large);
    if !too_large.is_empty() {
        tracing::warn!(topic, "alerts are not taken: raise the topic's max.message.bytes");
        dropped(u64::try_from(too_large.len()).unwrap_or(u64::MAX));
    }
    let mut index = 0;
    batch.retain(|_| {
        let stays = unsent.iter().any(|unsent| unsent.index == index);
        index += 1;
        stays
    });
    unsent
        .into_iter()
        .next()
        .map_or(Ok(()), |unsent| Err(unsent.error))
}

fn record(alert: &Alert) -> Result<Outgoing, BusError> {
    let value = serde_json::to_vec(alert).map_err(|fault| BusError::Refused(fault.to_string()))?;
    Ok(Outgoing {
        key: Some(alert.trouble.name().as_bytes().to_vec()),
        payload: Some(value),
        headers: Vec::new(),
    })
}

fn drop_all(batch: &mut Vec<Alert>) {
    dropped(u64::try_from(batch.len()).unwrap_or(u64::MAX));
    batch.clear();
}
