//! The tasks of a process: which there are, what each needs of the database, and what follows when one ends by itself.
//!
//! A task runs until the service stops. One that panics or ends earlier leaves its work undone, though everything else
//! looks well: the process becomes unready, says so, and stops with an error. Its supervisor starts it again.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::thread;

use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Stages;
use crate::health::Health;
use crate::measures;

/// A task of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Serves HTTP.
    Http,
    /// Keeps the metrics' histograms small.
    Metrics,
    /// Writes alerts to their topic.
    AlertWriter,
    /// Looks for what is to be alerted.
    AlertWatch,
    /// Stores preferences.
    Preferences,
    /// Loads catalogues that have changed.
    Catalogues,
    /// Stores events.
    Ingest,
    /// Publishes notifications; one task for each of `dispatch.publishers`.
    Dispatch,
    /// Recovers claims.
    Recovery,
    /// Removes what was kept long enough.
    Maintenance,
    /// Makes the events of broadcasts.
    Broadcast,
    /// Stores results.
    Feedback,
    /// Samples gauges.
    Sampling,
    /// Looks after the database and the brokers.
    Watch,
}

impl Task {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Http,
        Self::Metrics,
        Self::AlertWriter,
        Self::AlertWatch,
        Self::Preferences,
        Self::Catalogues,
        Self::Ingest,
        Self::Dispatch,
        Self::Recovery,
        Self::Maintenance,
        Self::Broadcast,
        Self::Feedback,
        Self::Sampling,
        Self::Watch,
    ];

    /// Its name in logs and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Metrics => "metrics",
            Self::AlertWriter => "alert_writer",
            Self::AlertWatch => "alert_watch",
            Self::Preferences => "preferences",
            Self::Catalogues => "catalogues",
            Self::Ingest => "ingest",
            Self::Dispatch => "dispatch",
            Self::Recovery => "recovery",
            Self::Maintenance => "maintenance",
            Self::Broadcast => "broadcast",
            Self::Feedback => "feedback",
            Self::Sampling => "sampling",
            Self::Watch => "watch",
        }
    }

    /// How many connections of the pool it uses at once, at most; HTTP makes do with one.
    pub(super) const fn connections(self) -> u32 {
        match self {
            // It prepares the next batch while it stores one.
            Self::Ingest => 2,
            Self::Http
            | Self::Preferences
            | Self::Dispatch
            | Self::Recovery
            | Self::Maintenance
            | Self::Broadcast
            | Self::Feedback
            | Self::Sampling => 1,
            // The watch has a connection of its own: a pool that is used up is not a database that is away.
            Self::Metrics | Self::AlertWriter | Self::AlertWatch | Self::Catalogues | Self::Watch => 0,
        }
    }

    /// Whether it uses the database where these stages run.
    pub(super) const fn runs_with(self, stages: Stages) -> bool {
        match self {
            Self::Http | Self::Metrics => stages.http,
            Self::Preferences => stages.preferences,
            Self::Ingest => stages.ingest,
            Self::Dispatch => stages.dispatch,
            Self::Recovery | Self::Maintenance | Self::Broadcast => stages.maintain,
            Self::Feedback => stages.feedback,
            Self::Sampling => stages.http && stages.maintain,
            Self::Catalogues => stages.ingest || stages.http,
            Self::AlertWriter | Self::AlertWatch | Self::Watch => true,
        }
    }
}

/// The tasks that run, supervised.
pub(super) struct Tasks {
    running: JoinSet<()>,
    supervisor: Supervisor,
}

#[derive(Clone)]
struct Supervisor {
    health: Health,
    stop: CancellationToken,
    /// What ended first, and how.
    failed: Arc<OnceLock<String>>,
}

impl Tasks {
    /// None yet. When one ends by itself, `health` says so and `stop` is called.
    pub(super) fn new(health: Health, stop: CancellationToken) -> Self {
        Self {
            running: JoinSet::new(),
            supervisor: Supervisor {
                health,
                stop,
                failed: Arc::default(),
            },
        }
    }

    /// Starts a task. It is to end when the service stops, and not before.
    pub(super) fn spawn(&mut self, task: Task, work: impl Future<Output = ()> + Send + 'static) {
        let supervisor = self.supervisor.clone();
        metrics::counter!(measures::TASK_FAILURES.name, "name" => task.as_str()).increment(0);
        self.running.spawn(async move {
            let ended = caught(async {
                failpoint!(&format!("task::{}", task.as_str()));
                work.await;
            });
            supervisor.see(task, ended.await);
        });
    }

    /// Waits for all of them until `patience` ends; what is not done by then is left to recovery. Returns which task had
    /// ended by itself, and how, if one had.
    pub(super) async fn end(mut self, patience: Instant) -> Option<String> {
        let all = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout_at(patience, all).await.is_err() {
            tracing::warn!("shutdown_timeout has passed: what is under way is left to recovery");
        }
        self.supervisor.failed.get().cloned()
    }
}

impl Supervisor {
    fn see(&self, task: Task, ended: thread::Result<()>) {
        let how = match ended {
            Ok(()) if self.stop.is_cancelled() => return,
            Ok(()) => "ended by itself".to_owned(),
            Err(panic) => format!("panicked: {}", text(panic.as_ref())),
        };
        let task = task.as_str();
        let why = format!("the task `{task}` {how}");
        metrics::counter!(measures::TASK_FAILURES.name, "name" => task).increment(1);
        self.health.part(format!("task {task}")).trouble(&why);
        tracing::error!(task, "{why}; the service stops");
        // Only the first is the cause of the stop.
        let _is_first = self.failed.set(why);
        self.stop.cancel();
    }
}

/// Runs to the end, be it a panic.
async fn caught(work: impl Future<Output = ()>) -> thread::Result<()> {
    let mut work = pin!(work);
    std::future::poll_fn(|context| {
        // Nothing of it is used after a panic: it is dropped.
        match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(())) => Poll::Ready(Ok(())),
            Err(panic) => Poll::Ready(Err(panic)),
        }
    })
    .await
}

fn text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(5)
    }

    async fn failed(work: impl Future<Output = ()> + Send + 'static) -> (String, Health) {
        let (health, stop) = (Health::default(), CancellationToken::new());
        let mut tasks = Tasks::new(health.clone(), stop.clone());
        let others = stop.clone();
        tasks.spawn(Task::Watch, async move { others.cancelled().await });
        tasks.spawn(Task::Ingest, work);
        stop.cancelled().await;
        (tasks.end(soon()).await.unwrap(), health)
    }

    #[tokio::test]
    async fn a_task_that_panics_stops_the_service_which_is_unready_and_says_why() {
        let (why, health) = failed(async {
            tokio::task::yield_now().await;
            panic!("index out of bounds")
        })
        .await;
        assert_eq!(why, "the task `ingest` panicked: index out of bounds");
        let report = health.report();
        assert!(!report.ready);
        assert_eq!(report.parts["task ingest"].trouble.as_ref(), Some(&why));
    }

    #[tokio::test]
    async fn a_task_that_ends_early_stops_the_service() {
        let (why, health) = failed(async {}).await;
        assert_eq!(why, "the task `ingest` ended by itself");
        assert!(!health.report().ready);
    }

    #[tokio::test]
    async fn tasks_that_end_after_the_stop_are_as_they_should_be() {
        let (health, stop) = (Health::default(), CancellationToken::new());
        let mut tasks = Tasks::new(health.clone(), stop.clone());
        let until = stop.clone();
        tasks.spawn(Task::Ingest, async move { until.cancelled().await });
        stop.cancel();
        assert_eq!(tasks.end(soon()).await, None);
        assert!(health.report().ready);
    }

    #[tokio::test]
    async fn a_panic_while_the_service_stops_is_a_failure_too() {
        let (health, stop) = (Health::default(), CancellationToken::new());
        let mut tasks = Tasks::new(health, stop.clone());
        let until = stop.clone();
        tasks.spawn(Task::Http, async move {
            until.cancelled().await;
            panic!("too late")
        });
        stop.cancel();
        let why = tasks.end(soon()).await;
        assert_eq!(why.as_deref(), Some("the task `http` panicked: too late"));
    }

    #[test]
    fn failures_are_counted_by_task() {
        let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        metrics::with_local_recorder(&recorder, || runtime.block_on(failed(async {})));
        let told = recorder.handle().render();
        assert!(
            told.contains("inq_task_failures_total{name=\"ingest\"} 1"),
            "{told}"
        );
    }
}
