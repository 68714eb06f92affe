//! The service as a whole: which stages run, in which order they start, and how they stop.

mod connections;
mod reach;
mod sampling;
mod stages;
mod tasks;
mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use connections::{PoolSize, size as pool_size};
pub use reach::{StartError, check_id, missing_topics, prove_transactions, require_current_schema};
use reach::{reach_cluster, reach_store, require_the_present, require_transactions, tell_faults};
use sampling::Shared;
pub use stages::Stages;
pub use tasks::Task;
use tasks::Tasks;

use crate::alerts::{self, Alerts};
use crate::broadcast::Broadcaster;
use crate::bus::{Cluster, ConsumerSettings, DeadLetters, Ledger};
use crate::config::{Semantics, Settings};
use crate::dispatch::{Dispatch, PublisherSettings, Recovery};
use crate::feedback::Feedback;
use crate::feedback::decide::Rules;
use crate::health::Health;
use crate::http::{self, Desk, Inlet, Letters, Served, Topics};
use crate::ingest::{Forecast, Ingest, Planner, Together};
use crate::localize::Words;
use crate::maintain::{Maintenance, Retention, When};
use crate::measures;
use crate::preferences::Preferences;
use crate::schedule::{CapPolicy, RetryPolicy, SendTimePolicy};
use crate::stage;
use crate::store::Store;
use crate::telemetry::{Metrics, Traces};

/// Who is told of what the stages do.
#[derive(Clone)]
struct Told {
    alerts: Alerts,
    traces: Traces,
}

/// The parts that the service is made of, ready to start.
pub struct Service {
    /// Checked.
    pub settings: Settings,
    /// Which run.
    pub stages: Stages,
    /// Where the brokers are.
    pub cluster: Cluster,
    /// The words.
    pub words: Arc<Words>,
    /// Whether missing migrations are run at the start.
    pub migrate: bool,
    /// For `/metrics`.
    pub metrics: Metrics,
}

impl Service {
    /// Runs until `stop`, then ends what is under way within `shutdown_timeout`.
    ///
    /// # Errors
    /// Where it cannot start and waiting would not help, or where one of its tasks has ended by itself. What is merely away is
    /// waited for.
    pub async fn run(self, stop: CancellationToken) -> Result<(), StartError> {
        let connections = pool_size(&self.settings, self.stages)?;
        let health = Health::default();
        // Parts come one by one: until all are there, those that are there do not make the service ready.
        let start = health.part("start");
        let mut tasks = Tasks::new(health.clone(), stop.clone());
        let desk = Desk::new(connections.for_http, health.clone());
        if self.stages.http {
            let listener = http::bind(self.settings.http.listen)
                .await
                .map_err(StartError::Failed)?;
            self.serve(listener, &desk, &health, &stop, &mut tasks);
        }
        let told = Told {
            alerts: self.start_alerts(&health, &stop, &mut tasks),
            traces: self.start_traces()?,
        };
        let reached = tokio::select! {
            reached = self.reach(connections.pool, &health, &stop) => reached,
            () = self.overdue(&stop) => Ok(None),
        };
        let started = match reached {
            Ok(Some(store)) => {
                let started = self.start(Arc::clone(&store), &desk, &told, &health, &stop, &mut tasks);
                started.map(|()| Some(store))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        };
        if started.is_ok() {
            start.ready();
            stop.cancelled().await;
        }
        stop.cancel();
        let patience = Instant::now() + self.settings.shutdown_timeout;
        let failed = tasks.end(patience).await;
        told.traces.close(patience).await;
        if let Some(store) = started? {
            // A connection whose statement is not answered would be waited for without end.
            let _given_up = tokio::time::timeout_at(patience, store.close()).await;
        }
        if let Some(why) = failed {
            return Err(StartError::TaskEnded(why));
        }
        tracing::info!("stopped");
        Ok(())
    }

    /// Until a stop has been waited for long enough: a database may hold its answer to the first statement back.
    async fn overdue(&self, stop: &CancellationToken) {
        stop.cancelled().await;
        tokio::time::sleep(self.settings.shutdown_timeout).await;
    }

    fn serve(
        &self,
        listener: TcpListener,
        desk: &Desk,
        health: &Health,
        stop: &CancellationToken,
        tasks: &mut Tasks,
    ) {
        let topics = &self.settings.topics;
        let served = Served {
            health: health.clone(),
            metrics: self.metrics.clone(),
            desk: desk.clone(),
            topics: Topics::new(
                self.cluster.clone(),
                self.settings.kafka.group_id.clone(),
                topics.clone(),
            ),
            inlet: Inlet::new(self.cluster.clone(), topics, self.forecast()),
            letters: Letters::new(
                self.cluster.clone(),
                self.settings.kafka.group_id.clone(),
                topics.clone(),
                self.planner(),
            ),
        };
        tracing::info!(listen = %self.settings.http.listen, "health, metrics and the API are served");
        let (metrics, until) = (self.metrics.clone(), stop.clone());
        tasks.spawn(Task::Metrics, async move {
            let _cancelled = until.run_until_cancelled(metrics.keep_up()).await;
        });
        let router = http::router(served, &self.settings.http);
        tasks.spawn(Task::Http, http::serve(listener, router, stop.clone()));
    }

    fn planner(&self) -> Planner {
        Planner {
            words: Arc::clone(&self.words),
            defaults: self.settings.defaults.clone(),
            quiet: (&self.settings.quiet).into(),
            half_life: self.settings.best_time.half_life,
            max_event_bytes: self.max_event_bytes(),
        }
    }

    fn forecast(&self) -> Forecast {
        Forecast {
            planner: self.planner(),
            together: Arc::new(Together::from(&self.settings)),
        }
    }

    fn max_event_bytes(&self) -> usize {
        usize::try_from(self.settings.ingest.max_event_bytes).unwrap_or(usize::MAX)
    }

    /// Before anything is reached: that the database stays away is one of them.
    fn start_alerts(&self, health: &Health, stop: &CancellationToken, tasks: &mut Tasks) -> Alerts {
        let Some(topic) = &self.settings.topics.alerts else {
            return Alerts::none();
        };
        let (alerts, queue) = Alerts::queued();
        let (cluster, topic) = (self.cluster.clone(), topic.clone());
        tasks.spawn(
            Task::AlertWriter,
            alerts::write(queue, cluster, topic, stop.clone()),
        );
        tasks.spawn(
            Task::AlertWatch,
            alerts::watch(alerts.clone(), health.clone(), stop.clone()),
        );
        alerts
    }

    /// The collector need not be there.
    fn start_traces(&self) -> Result<Traces, StartError> {
        let endpoint = self.settings.telemetry.otlp_endpoint.as_deref();
        endpoint.map_or(Ok(Traces::none()), |endpoint| {
            Traces::to(endpoint).map_err(|error| StartError::Failed(error.to_string()))
        })
    }

    async fn reach(
        &self,
        connections: u32,
        health: &Health,
        stop: &CancellationToken,
    ) -> Result<Option<Arc<dyn Store>>, StartError> {
        let Some(store) =
            reach_store(&self.settings.database, connections, self.migrate, health, stop).await?
        else {
            return Ok(None);
        };
        let topics = &self.settings.topics;
        let mut wanted = Vec::new();
        if self.stages.ingest {
            wanted.extend([topics.events.as_str(), topics.events_dlq.as_str()]);
        }
        if let (true, Some(preferences)) = (self.stages.preferences, &topics.preferences) {
            wanted.extend([preferences.as_str(), topics.preferences_dlq.as_str()]);
        }
        if self.stages.dispatch || self.stages.maintain {
            wanted.push(topics.deliveries.as_str());
        }
        if self.stages.feedback {
            wanted.extend([topics.results.as_str(), topics.results_dlq.as_str()]);
        }
        wanted.extend(topics.alerts.as_deref());
        let Some(view) = reach_cluster(&self.cluster, &wanted, health, stop).await? else {
            return Ok(Some(store));
        };
        tell_faults(
            self.cluster.clone(),
            view,
            wanted.iter().map(|topic| (*topic).to_owned()).collect(),
            topics.preferences.clone(),
            stop.clone(),
        );
        if let Some(ledger) = self.ledger() {
            if self.stages.dispatch {
                require_transactions(&ledger, self.settings.dispatch.lease, health, stop).await?;
            }
            require_the_present(store.as_ref(), &ledger, health, stop).await?;
        }
        Ok(Some(store))
    }

    /// Where publishers keep what they have published; `None` without transactions.
    fn ledger(&self) -> Option<Ledger> {
        let exactly_once = self.settings.dispatch.semantics == Semantics::ExactlyOnce;
        exactly_once.then(|| {
            Ledger::new(
                self.cluster.clone(),
                self.settings.topics.deliveries.clone(),
                self.settings.kafka.group_id.clone(),
            )
        })
    }

    fn start(
        &self,
        store: Arc<dyn Store>,
        desk: &Desk,
        told: &Told,
        health: &Health,
        stop: &CancellationToken,
        tasks: &mut Tasks,
    ) -> Result<(), StartError> {
        measures::begin(measures::PROCESS);
        let (wake, woken) = watch::channel(());
        desk.open(Arc::clone(&store), wake.clone());
        let retry = RetryPolicy::from(&self.settings.retry);
        let topics = &self.settings.topics;
        if self.stages.preferences {
            self.start_preferences(&store, told, health, stop, tasks)?;
        }
        // Previews are in the words of the service, too.
        if (self.stages.ingest || self.stages.http) && self.words.can_change() {
            let interval = self.settings.localization.reload_interval;
            tasks.spawn(
                Task::Catalogues,
                words::keep_up(Arc::clone(&self.words), interval, stop.clone()),
            );
        }
        if self.stages.ingest {
            measures::begin(measures::INGEST);
            let stage = Ingest::new(
                Arc::clone(&store),
                self.planner(),
                Arc::new(Together::from(&self.settings)),
                self.dead_letters(&topics.events_dlq)?,
                told.alerts.clone(),
                told.traces.clone(),
                wake.clone(),
            );
            tasks.spawn(
                Task::Ingest,
                stage::consume(
                    stage,
                    self.cluster.clone(),
                    self.consumer_settings(&topics.events),
                    health.part_that_needs_the_broker("ingest"),
                    stop.clone(),
                ),
            );
        }
        if self.stages.dispatch || self.stages.maintain {
            let settings = self.publisher_settings(retry.clone(), told.clone());
            self.start_dispatch(&store, settings, &woken, health, stop, tasks);
        }
        if self.stages.maintain {
            self.start_maintenance(&store, health, stop, tasks);
        }
        if self.stages.feedback {
            measures::begin(measures::FEEDBACK);
            let stage = Feedback::new(
                Arc::clone(&store),
                self.dead_letters(&topics.results_dlq)?,
                told.alerts.clone(),
                Rules {
                    retry,
                    quiet: (&self.settings.quiet).into(),
                    preferences: BTreeMap::new(),
                    half_life: self.settings.best_time.half_life,
                },
                self.max_event_bytes(),
                self.settings.dispatch.lease,
                wake,
            )
            .traced(told.traces.clone());
            tasks.spawn(
                Task::Feedback,
                stage::consume(
                    stage,
                    self.cluster.clone(),
                    self.consumer_settings(&topics.results),
                    health.part_that_needs_the_broker("feedback"),
                    stop.clone(),
                ),
            );
        }
        self.start_sampling(&store, stop, tasks);
        tasks.spawn(
            Task::Watch,
            reach::watch(
                store,
                self.settings.database.clone(),
                self.cluster.clone(),
                topics.deliveries.clone(),
                health.clone(),
                stop.clone(),
            ),
        );
        Ok(())
    }

    fn dead_letters(&self, topic: &str) -> Result<DeadLetters, StartError> {
        DeadLetters::new(&self.cluster, topic.to_owned())
            .map_err(|error| StartError::Failed(error.to_string()))
    }

    fn start_preferences(
        &self,
        store: &Arc<dyn Store>,
        told: &Told,
        health: &Health,
        stop: &CancellationToken,
        tasks: &mut Tasks,
    ) -> Result<(), StartError> {
        measures::begin(measures::STAGE_PREFERENCES);
        let topics = &self.settings.topics;
        let Some(topic) = &topics.preferences else {
            return Ok(());
        };
        let stage = Preferences::new(
            Arc::clone(store),
            self.dead_letters(&topics.preferences_dlq)?,
            told.alerts.clone(),
            self.max_event_bytes(),
        );
        tasks.spawn(
            Task::Preferences,
            stage::consume(
                stage,
                self.cluster.clone(),
                self.consumer_settings(topic),
                health.part_that_needs_the_broker("preferences"),
                stop.clone(),
            ),
        );
        Ok(())
    }

    fn start_maintenance(
        &self,
        store: &Arc<dyn Store>,
        health: &Health,
        stop: &CancellationToken,
        tasks: &mut Tasks,
    ) {
        let retention = &self.settings.retention;
        let maintenance = Maintenance::new(Arc::clone(store), Retention::from(retention));
        let when = retention
            .at
            .map_or(When::Every(retention.interval), When::DailyAt);
        tasks.spawn(
            Task::Maintenance,
            maintenance.run(when, health.clone(), stop.clone()),
        );
        let broadcaster = Broadcaster::new(
            Arc::clone(store),
            self.cluster.clone(),
            self.settings.topics.events.clone(),
        );
        tasks.spawn(
            Task::Broadcast,
            broadcaster.run(health.part("broadcast"), stop.clone()),
        );
    }

    fn publisher_settings(&self, retry: RetryPolicy, told: Told) -> PublisherSettings {
        PublisherSettings {
            topic: self.settings.topics.deliveries.clone(),
            batch_rows: self.settings.dispatch.batch_rows,
            lease: self.settings.dispatch.lease,
            ledger: self.ledger(),
            retry,
            rules: SendTimePolicy::new(
                (&self.settings.quiet).into(),
                CapPolicy::new(&self.settings.caps, &self.settings.quiet),
                self.settings.dispatch.recheck_after,
            ),
            alerts: told.alerts,
            traces: told.traces,
        }
    }

    fn start_dispatch(
        &self,
        store: &Arc<dyn Store>,
        settings: PublisherSettings,
        woken: &watch::Receiver<()>,
        health: &Health,
        stop: &CancellationToken,
        tasks: &mut Tasks,
    ) {
        let dispatch = &self.settings.dispatch;
        if settings.ledger.is_none() {
            tracing::warn!(
                "dispatch.semantics = \"at_least_once\": after a crash a delivery request may be published twice"
            );
        }
        let dispatcher = Dispatch {
            store: Arc::clone(store),
            cluster: self.cluster.clone(),
            recovery: Recovery::new(Arc::clone(store), settings.ledger.clone(), dispatch.lease),
            settings,
            poll_interval: dispatch.poll_interval,
        };
        let publishers = if self.stages.dispatch {
            measures::begin(measures::DISPATCH);
            dispatch.publishers
        } else {
            0
        };
        for number in 1..=publishers {
            // One entry for each: one that is stuck must not be hidden by another that is not.
            let name = if publishers == 1 {
                "dispatch".to_owned()
            } else {
                format!("dispatch {number}")
            };
            let part = health.part_that_needs_the_broker(name);
            let publisher = dispatcher
                .clone()
                .publish(part, health.clone(), woken.clone(), stop.clone());
            tasks.spawn(Task::Dispatch, publisher);
        }
        if self.stages.maintain {
            measures::begin(measures::MAINTAIN);
            tasks.spawn(Task::Recovery, dispatcher.recover(health.clone(), stop.clone()));
        }
    }

    /// Only for those who may scrape.
    fn start_sampling(&self, store: &Arc<dyn Store>, stop: &CancellationToken, tasks: &mut Tasks) {
        let topics = &self.settings.topics;
        let shared = self.stages.maintain.then(|| Shared {
            cluster: self.cluster.clone(),
            group: self.settings.kafka.group_id.clone(),
            topics: [&topics.events, &topics.results]
                .into_iter()
                .chain(&topics.preferences)
                .cloned()
                .collect(),
            ledger: self.ledger(),
            lease: self.settings.dispatch.lease,
        });
        if self.stages.http {
            tasks.spawn(
                Task::Sampling,
                sampling::sample(Arc::clone(store), shared, stop.clone()),
            );
        }
    }

    fn consumer_settings(&self, topic: &str) -> ConsumerSettings {
        ConsumerSettings {
            topic: topic.to_owned(),
            group_id: self.settings.kafka.group_id.clone(),
            batch_records: usize::try_from(self.settings.ingest.batch_rows).unwrap_or(usize::MAX),
            batch_wait: self.settings.ingest.batch_wait,
        }
    }
}
