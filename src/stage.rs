//! What the consuming stages have in common: batch after batch until the service stops, the next one looked at while
//! one is worked off.

use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::bus::{Batch, BusError, Cluster, Consumer, ConsumerSettings, Record};
use crate::health::Part;
use crate::patience::Patience;

/// How long a consumer that follows on one that has failed must last before it counts as well again; a batch that it has
/// worked off tells sooner. Two that shut each other out in turn are joined each time, and never read.
const STEADY: Duration = Duration::from_secs(10);

/// What a stage sees of a batch before its turn; without one, nothing.
#[async_trait]
pub trait Foresight: Send + Sync + 'static {
    /// What it sees.
    type Seen: Send + 'static;

    /// Looks at the records of a batch, and changes nothing: the batch may never have its turn.
    async fn look(&self, records: &[Record]) -> Self::Seen;
}

#[async_trait]
impl Foresight for () {
    type Seen = ();

    async fn look(&self, _records: &[Record]) {}
}

/// What a stage does with a batch.
#[async_trait]
pub trait Stage: Send {
    /// Looks at each batch while the one before it is worked off.
    type Foresight: Foresight;

    /// For the batches of one consumer.
    fn foresight(&self) -> Self::Foresight;

    /// Makes the batch durable and finishes it, however long that takes; drops it unfinished only when `stop` is called
    /// while something is away, and is given no other one then. What it cannot decide yet it may hold back, with the
    /// offsets behind it.
    async fn work_off(
        &mut self,
        batch: Batch,
        seen: <Self::Foresight as Foresight>::Seen,
        patience: &mut Patience,
        stop: &CancellationToken,
    );

    /// After how long it wants to look again at records that it holds back; `None` if it holds none.
    fn looks_again_in(&self) -> Option<Duration> {
        None
    }

    /// Looks again at what it holds back.
    async fn look_again(&mut self, _patience: &mut Patience, _stop: &CancellationToken) {}
}

/// Consumes until `stop`; what is wrong meanwhile is told to `part`.
pub async fn consume(
    mut stage: impl Stage,
    cluster: Cluster,
    settings: ConsumerSettings,
    part: Part,
    stop: CancellationToken,
) {
    let mut patience = Patience::new(part);
    let mut has_failed = false;
    while !stop.is_cancelled() {
        let consumer = match Consumer::start(&cluster, settings.clone()) {
            Ok(consumer) => consumer,
            Err(error) => {
                patience.wait(&error.to_string(), &stop).await;
                continue;
            }
        };
        let joined = consumer.joined();
        tokio::pin!(joined);
        let (sender, mut batches) = mpsc::channel(1);
        let looking = tokio::spawn(look_ahead(consumer, stage.foresight(), sender));
        let mut has_joined = false;
        let mut steady_at: Option<Instant> = None;
        let mut look_again_at: Option<Instant> = None;
        loop {
            // Not put off by batches that come meanwhile.
            look_again_at = stage
                .looks_again_in()
                .map(|pause| look_again_at.unwrap_or_else(|| Instant::now() + pause));
            let batch = tokio::select! {
                // First: once a batch was dropped unfinished, a later one must not store offsets beyond it.
                biased;
                () = stop.cancelled() => break,
                () = &mut joined, if !has_joined => {
                    has_joined = true;
                    if has_failed {
                        steady_at = Some(Instant::now() + STEADY);
                    } else {
                        patience.fine();
                    }
                    continue;
                }
                () = sleep_until(steady_at.unwrap_or_else(Instant::now)), if steady_at.is_some() => {
                    (steady_at, has_failed) = (None, false);
                    patience.fine();
                    continue;
                }
                () = sleep_until(look_again_at.unwrap_or_else(Instant::now)), if look_again_at.is_some() => {
                    stage.look_again(&mut patience, &stop).await;
                    look_again_at = None;
                    continue;
                }
                batch = batches.recv() => batch,
            };
            match batch {
                Some(Ok((batch, seen))) => stage.work_off(batch, seen, &mut patience, &stop).await,
                Some(Err(error)) => {
                    has_failed = true;
                    patience.wait(&error.to_string(), &stop).await;
                    break;
                }
                None => break,
            }
        }
        // What is in it was not finished, and nothing behind it will be.
        drop(batches);
        match looking.await {
            Ok(consumer) => consumer.close().await,
            Err(fault) => match fault.try_into_panic() {
                // Looking ahead is part of the stage, whose panic does not go unnoticed.
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(fault) => {
                    patience
                        .wait(&format!("looking ahead broke off: {fault}"), &stop)
                        .await;
                }
            },
        }
    }
}

/// A batch, with what was seen of it; or why there are no more.
type Next<F> = Result<(Batch, <F as Foresight>::Seen), BusError>;

/// Has one batch ready, until nobody wants any more or the consumer cannot go on.
async fn look_ahead<F: Foresight>(
    mut consumer: Consumer,
    foresight: F,
    sender: mpsc::Sender<Next<F>>,
) -> Consumer {
    while let Ok(place) = sender.reserve().await {
        let batch = tokio::select! {
            () = sender.closed() => break,
            batch = consumer.next() => batch,
        };
        let is_last = batch.is_err();
        place.send(match batch {
            Ok(batch) => {
                let seen = foresight.look(&batch.records).await;
                Ok((batch, seen))
            }
            Err(error) => Err(error),
        });
        if is_last {
            break;
        }
    }
    consumer
}
