//! Results change rows: the retry schedule, the delivery record and the engagement figures.
//!
//! A batch of results is applied in one transaction, in its order; the decisions stand in [`decide`], without I/O. A
//! failure that overtakes the settling of its own claim is held back until then: the row is the claim's. All others go on.

pub mod decide;
mod held;
pub mod score;
mod told;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Map, Value};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::decide::Rules;
use self::held::Held;
use self::told::Told;
use crate::alerts::{Alerts, Failed};
use crate::bus::{Batch, DeadLetters, Record};
use crate::contract::{DeliveryResult, Priority, Reason, Rejection, ResultStatus};
use crate::measures;
use crate::patience::Patience;
use crate::stage::Stage;
use crate::store::{Decide, HistoryKind, Preferences, Store, StoreError, Verdict};
use crate::telemetry::{Doing, Done, Traces};

/// How long a result waits for its row's claim to be settled before it is put aside: longer than a lease and a
/// recovery take together, so that only a claim in doubt outlasts it.
const UNSETTLED_PATIENCE_BEYOND_LEASE: Duration = Duration::from_secs(30);
/// Between two looks at a row whose claim is not settled.
const UNSETTLED_PAUSE: Duration = Duration::from_millis(50);

/// The stage.
pub struct Feedback {
    store: Arc<dyn Store>,
    dead_letters: DeadLetters,
    alerts: Alerts,
    traces: Traces,
    /// Without anybody's preferences, which are looked up for each batch.
    rules: Rules,
    max_result_bytes: usize,
    unsettled_patience: Duration,
    held: Held,
    /// Changes when rows came back: the earliest due time may be another.
    wake: watch::Sender<()>,
}

impl Feedback {
    /// `lease` is the dispatchers'; `wake` is told when rows came back.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store>,
        dead_letters: DeadLetters,
        alerts: Alerts,
        rules: Rules,
        max_result_bytes: usize,
        lease: Duration,
        wake: watch::Sender<()>,
    ) -> Self {
        Self {
            store,
            dead_letters,
            alerts,
            traces: Traces::none(),
            rules,
            max_result_bytes,
            unsettled_patience: lease + UNSETTLED_PATIENCE_BEYOND_LEASE,
            held: Held::default(),
            wake,
        }
    }

    /// Takes down what it does.
    #[must_use]
    pub fn traced(self, traces: Traces) -> Self {
        Self { traces, ..self }
    }

    /// Applies the results, or puts aside what is none. Returns those that must wait for their claims to be settled;
    /// with `give_up` these are put aside too.
    ///
    /// # Errors
    /// With what is away, for people. Then call again with the same records.
    pub async fn step<'a>(
        &mut self,
        records: &[&'a Record],
        give_up: bool,
    ) -> Result<Vec<&'a Record>, String> {
        let begun = Instant::now();
        let mut letters: Vec<(&Record, Rejection)> = Vec::new();
        let mut results: Vec<DeliveryResult> = Vec::with_capacity(records.len());
        let mut sources: Vec<&Record> = Vec::with_capacity(records.len());
        for record in records {
            match DeliveryResult::decode(record.payload.as_deref(), self.max_result_bytes) {
                Ok(result) => {
                    results.push(result);
                    sources.push(record);
                }
                Err(rejection) => letters.push((record, rejection)),
            }
        }
        failpoint!("feedback::decoded");
        let mut waiting = Vec::new();
        if !results.is_empty() {
            let told_of: Vec<_> = results.iter().map(ToldOf::from).collect();
            let rules = Rules {
                preferences: self
                    .preferences_of(&results)
                    .await
                    .map_err(|error| error.to_string())?,
                ..self.rules.clone()
            };
            let verdicts = self
                .apply(results, rules)
                .await
                .map_err(|error| error.to_string())?;
            failpoint!("feedback::applied");
            let mut told = Told::default();
            for ((record, of), verdict) in sources.into_iter().zip(told_of).zip(verdicts) {
                match verdict {
                    Verdict::Applied {
                        kind,
                        priority,
                        traceparent,
                        detail,
                    } => {
                        if kind == HistoryKind::DeliveryFailed {
                            self.wake.send_replace(());
                        } else if kind == HistoryKind::DeliveryFailedFinally {
                            self.alerts.failed(&of.failed(priority, &detail));
                        }
                        let done = of.done(traceparent.as_deref());
                        self.traces.tell(Doing::Feedback, begun, [done]);
                        told.applied(of.status, kind, priority);
                    }
                    Verdict::Ignored(why) => told.ignored(why),
                    Verdict::NotYet if give_up => letters.push((
                        record,
                        Rejection::new(
                            Reason::Unsettled,
                            "the claim of this notification is in doubt: decide with `inq claims`, then replay this \
                             result",
                        ),
                    )),
                    Verdict::NotYet => waiting.push(record),
                    Verdict::Rejected(rejection) => letters.push((record, rejection)),
                }
            }
            told.tell();
        }
        self.dead_letters
            .put_aside(&letters)
            .await
            .map_err(|error| error.to_string())?;
        failpoint!("feedback::put_aside");
        self.alerts.put_aside(letters.len());
        Ok(waiting)
    }
}

impl Feedback {
    /// Applies results. Where the database refuses one, halves are tried until it stands alone: it becomes a dead letter, and
    /// the others are none the worse for it.
    async fn apply(&self, results: Vec<DeliveryResult>, rules: Rules) -> Result<Vec<Verdict>, StoreError> {
        let decide: Arc<Decide> = Arc::new(move |row, result| decide::decide(row, result, &rules));
        let mut verdicts = Vec::with_capacity(results.len());
        let mut todo = vec![results];
        while let Some(mut part) = todo.pop() {
            match self.store.apply_results(part.clone(), Arc::clone(&decide)).await {
                Ok(of_part) => verdicts.extend(of_part),
                Err(StoreError::Data(why)) if part.len() == 1 => {
                    verdicts.push(Verdict::Rejected(Rejection::new(Reason::RefusedByStore, why)));
                }
                Err(StoreError::Data(_)) => {
                    let later = part.split_off(part.len() / 2);
                    todo.extend([later, part]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(verdicts)
    }

    /// What those want whose notifications may be tried again.
    async fn preferences_of(&self, results: &[DeliveryResult]) -> Result<Preferences, StoreError> {
        let mut users: Vec<i64> = results
            .iter()
            .filter(|result| result.status == ResultStatus::Failed && result.retryable)
            .map(|result| result.user_id)
            .collect();
        users.sort_unstable();
        users.dedup();
        if users.is_empty() {
            return Ok(Preferences::new());
        }
        self.store.preferences(&users).await
    }

    /// [`Feedback::step`], until nothing that it needs is away. Returns the results that must wait, by partition and
    /// offset; `None` when it is time to stop.
    async fn patiently(
        &mut self,
        records: &[&Record],
        give_up: bool,
        patience: &mut Patience,
        stop: &CancellationToken,
    ) -> Option<BTreeSet<(i32, i64)>> {
        loop {
            match self.step(records, give_up).await {
                Ok(waiting) => {
                    patience.fine();
                    return Some(waiting.into_iter().map(place).collect());
                }
                Err(why) => patience.wait(&why, stop).await,
            }
            if stop.is_cancelled() {
                return None;
            }
        }
    }

    async fn look_once_more(&mut self, patience: &mut Patience, stop: &CancellationToken) -> Option<()> {
        let mut held = std::mem::take(&mut self.held);
        for (longer, give_up) in [(false, false), (true, true)] {
            let records = held.waiting(self.unsettled_patience, longer);
            if records.is_empty() {
                continue;
            }
            let Some(waiting) = self.patiently(&records, give_up, patience, stop).await else {
                self.held = held;
                return None;
            };
            let all = records.into_iter().map(place);
            held.let_go(&all.filter(|record| !waiting.contains(record)).collect());
        }
        self.held = held;
        Some(())
    }
}

/// What is told of a result once it is applied.
struct ToldOf {
    status: &'static str,
    notification_id: i64,
    user_id: i64,
    attempt: u32,
}

impl From<&DeliveryResult> for ToldOf {
    fn from(result: &DeliveryResult) -> Self {
        Self {
            status: result.status.as_str(),
            notification_id: result.notification_id,
            user_id: result.user_id,
            attempt: result.attempt,
        }
    }
}

impl ToldOf {
    /// For the trace of its event.
    fn done<'a>(&self, traceparent: Option<&'a str>) -> Done<'a> {
        Done {
            traceparent,
            notification_id: Some(self.notification_id),
            attempt: Some(self.attempt),
            outcome: self.status,
            ..Done::default()
        }
    }

    /// The final failure that it was, with the particulars of its verdict.
    fn failed<'a>(&self, priority: Priority, detail: &'a Map<String, Value>) -> Failed<'a> {
        let said = ["error_message", "error_code", "final_because"];
        Failed {
            notification_id: self.notification_id,
            user_id: self.user_id,
            priority,
            attempt: self.attempt,
            error: said
                .iter()
                .find_map(|name| detail.get(*name)?.as_str())
                .unwrap_or_default(),
        }
    }
}

/// Which record it is.
const fn place(record: &Record) -> (i32, i64) {
    (record.partition, record.offset)
}

#[async_trait]
impl Stage for Feedback {
    type Foresight = ();

    fn foresight(&self) {}

    async fn work_off(&mut self, batch: Batch, (): (), patience: &mut Patience, stop: &CancellationToken) {
        let records: Vec<_> = batch.records.iter().collect();
        let begun = Instant::now();
        let Some(waiting) = self.patiently(&records, false, patience, stop).await else {
            return;
        };
        metrics::histogram!(measures::FEEDBACK_BATCH_SECONDS.name).record(begun.elapsed());
        #[allow(clippy::cast_precision_loss)] // at most 10,000
        metrics::histogram!(measures::FEEDBACK_BATCH_RECORDS.name).record(records.len() as f64);
        if waiting.is_empty() && self.held.is_empty() {
            batch.finish();
            failpoint!("feedback::finished");
            return;
        }
        for (partition, (mut records, offsets)) in batch.into_partitions() {
            records.retain(|record| waiting.contains(&place(record)));
            self.held.keep(partition, records, offsets);
        }
        while self.held.is_full() && !stop.is_cancelled() {
            tokio::time::sleep(UNSETTLED_PAUSE).await;
            self.look_again(patience, stop).await;
        }
    }

    fn looks_again_in(&self) -> Option<Duration> {
        (!self.held.is_empty()).then_some(UNSETTLED_PAUSE)
    }

    async fn look_again(&mut self, patience: &mut Patience, stop: &CancellationToken) {
        // Told to stop: what is held comes again.
        let _stopped = self.look_once_more(patience, stop).await;
    }
}
