//! Every metric: its name, its labels, and what it tells. `docs/operations/metrics.md` is this list.
//!
//! Names follow Prometheus' conventions: base units, `_total` for what only grows. Labels have few values, never those
//! of an event. On the hot path a metric is touched a few times a batch, never once a row.

mod best_time;
mod broadcast;
mod forgetting;
mod kindness;
mod measure;
mod process;
mod reading;
mod retention;
mod send_time;

use crate::contract::{Priority, Reason, ResultStatus};
use crate::store::{CancelOutcome, Status};

pub use best_time::BEST_TIME;
pub use broadcast::{BROADCAST_EVENTS, BROADCAST_STILL_SECONDS, BROADCASTS_RUNNING};
pub use forgetting::{
    FORGETTING_OLDEST_SECONDS, FORGETTING_USERS, IN_ARCHIVE, IN_ROWS, KEPT_OUT, USERS_FORGOTTEN,
};
pub use kindness::{CAPPED, DIGESTED, DIGESTS, NOT_SENT, WAITS};
pub use measure::{Kind, Label, Measure, Values};
use measure::{counter, gauge, histogram};
pub use process::{BUILD_INFO, OUTAGES, READY, TASK_FAILURES};
pub use reading::{CONSUMER_LAG, CONSUMER_LAG_TO_END, UNREAD_DELETED};
pub use retention::{ARCHIVED, MAINTENANCE_FINISHED, MAINTENANCE_INTERVAL, REMOVED};
pub use send_time::WITHHELD;

const PRIORITY: Label = Label {
    name: "priority",
    values: Values::Of(|| Priority::urgent_first().map(Priority::as_str).collect()),
};
const TOPIC: Label = Label {
    name: "topic",
    values: Values::Named("the topic's name"),
};
const BY: Label = Label {
    name: "by",
    values: Values::Of(|| vec![BY_BROKER, BY_SERVICE]),
};
/// The broker refused the request.
pub const BY_BROKER: &str = "broker";
/// The notification service reported the failure.
pub const BY_SERVICE: &str = "service";

/// New rows.
pub const INGESTED: Measure = counter("inq_ingested_total", &[], "Events that became rows.");
/// Known events.
pub const DUPLICATES: Measure = counter(
    "inq_duplicates_total",
    &[],
    "Events that had a row already, or stood in the batch before.",
);
/// Languages without a catalogue.
pub const LANGUAGE_FALLBACKS: Measure = counter(
    "inq_language_fallbacks_total",
    &[],
    "Events that asked for a language that no catalogue has.",
);
/// Looks at the directory of catalogues that found another one.
pub const CATALOGUE_RELOADS: Measure = counter(
    "inq_catalogue_reloads_total",
    &[Label {
        name: "outcome",
        values: Values::Of(|| vec![LOADED, REFUSED]),
    }],
    "Changes of the catalogues in localization.dir: loaded, or refused because something in them is wrong.",
);
/// The changed catalogues are in force.
pub const LOADED: &str = "loaded";
/// Those from before are still in force.
pub const REFUSED: &str = "refused";
/// Notifications that wait for the end of quiet hours.
pub const HELD: Measure = counter(
    "inq_held_total",
    &[],
    "Events whose notifications quiet hours hold back, those that had a row already included.",
);
/// Notifications that nobody is to get.
pub const SUPPRESSED: Measure = counter(
    "inq_suppressed_total",
    &[],
    "Events whose readers have opted out of them, those that had a row already included.",
);
/// Cancels.
pub const CANCELLATIONS: Measure = counter(
    "inq_cancellations_total",
    &[Label {
        name: "outcome",
        values: Values::Of(|| CancelOutcome::ALL.map(CancelOutcome::as_str).to_vec()),
    }],
    "Cancels that came as events, by what became of them; `cancelled` once it takes effect, be it later.",
);
/// Changes of preferences.
pub const PREFERENCES: Measure = counter(
    "inq_preferences_total",
    &[Label {
        name: "what",
        values: Values::Of(|| vec![SAID, FORGOTTEN]),
    }],
    "Preferences that were read from topics.preferences: said, or forgotten; those that newer ones outdo included.",
);
/// The reader has said something.
pub const SAID: &str = "said";
/// The reader is forgotten.
pub const FORGOTTEN: &str = "forgotten";
/// What a batch of events takes.
pub const INGEST_BATCH_SECONDS: Measure = histogram(
    "inq_ingest_batch_seconds",
    &[],
    "What it takes to make a batch of events durable, as rows or dead letters, waiting for what is away included.",
);
/// Events in a batch.
pub const INGEST_BATCH_RECORDS: Measure = histogram("inq_ingest_batch_records", &[], "Events in a batch.");
/// Records put aside.
pub const DEAD_LETTERS: Measure = counter(
    "inq_dead_letters_total",
    &[
        TOPIC,
        Label {
            name: "reason",
            values: Values::Of(|| Reason::ALL.map(Reason::as_str).to_vec()),
        },
    ],
    "Records that were put aside, by the dead letter topic and the reason.",
);

/// Requests published.
pub const DISPATCHED: Measure = counter(
    "inq_dispatched_total",
    &[PRIORITY],
    "Delivery requests that were published.",
);
/// Rows past their time.
pub const EXPIRED: Measure = counter(
    "inq_expired_total",
    &[],
    "Due rows that were past their expires_at and were not sent.",
);
/// Claims with rows.
pub const CLAIM_SECONDS: Measure = histogram(
    "inq_claim_seconds",
    &[],
    "What it takes to claim rows, where some were due.",
);
/// Rows in a claim.
pub const CLAIM_ROWS: Measure = histogram("inq_claim_rows", &[], "Rows in a claim.");
/// Publishing a claim.
pub const PUBLISH_SECONDS: Measure = histogram(
    "inq_publish_seconds",
    &[],
    "What it takes to publish a claim, or to find that it cannot be published.",
);
/// Ending a claim.
pub const SETTLE_SECONDS: Measure = histogram(
    "inq_settle_seconds",
    &[],
    "What it takes to end a claim in the database once it is published or given back.",
);
/// What became of publishing claims.
pub const PUBLISHES: Measure = counter(
    "inq_publishes_total",
    &[Label {
        name: "outcome",
        values: Values::Of(|| vec![PUBLISHED, NOT_PUBLISHED, UNKNOWN, PARTLY]),
    }],
    "Claims by what became of publishing them; recovery decides what is unknown.",
);
/// The whole claim was published.
pub const PUBLISHED: &str = "published";
/// Nothing of it was.
pub const NOT_PUBLISHED: &str = "not_published";
/// Nobody knows yet.
pub const UNKNOWN: &str = "unknown";
/// Some of it was; only without transactions.
pub const PARTLY: &str = "partly";
/// Refused requests.
pub const PUBLISH_FAILURES: Measure = counter(
    "inq_publish_failures_total",
    &[],
    "Delivery requests that the broker refused for a fault of their own.",
);
/// From due to published.
pub const EVENT_TO_REQUEST_SECONDS: Measure = histogram(
    "inq_event_to_request_seconds",
    &[PRIORITY],
    "From the time a row was due (or stored, if that was later) to its request's publication: \
     the longest and the shortest of each claim and priority.",
);
/// Recovered claims.
pub const CLAIMS_RECOVERED: Measure = counter(
    "inq_claims_recovered_total",
    &[Label {
        name: "outcome",
        values: Values::Of(|| vec!["settled", "released", "split", "gone", "in_doubt"]),
    }],
    "Claims that recovery has looked at, by what became of them.",
);
/// Transactions done again.
pub const STORE_RETRIES: Measure = counter(
    "inq_store_retries_total",
    &[],
    "Database transactions that were done again after a deadlock or a lock time-out.",
);

/// Results applied.
pub const RESULTS: Measure = counter(
    "inq_results_total",
    &[Label {
        name: "status",
        values: Values::Of(|| ResultStatus::ALL.map(ResultStatus::as_str).to_vec()),
    }],
    "Delivery results that changed their row.",
);
/// Results without effect.
pub const RESULTS_IGNORED: Measure = counter(
    "inq_results_ignored_total",
    &[Label {
        name: "why",
        values: Values::Of(|| vec![LATE, REPEAT, FORGOTTEN]),
    }],
    "Delivery results that changed nothing.",
);
/// A result that comes after a newer truth.
pub const LATE: &str = "late";
/// A result that was applied before.
pub const REPEAT: &str = "repeat";
/// What a batch of results takes.
pub const FEEDBACK_BATCH_SECONDS: Measure = histogram(
    "inq_feedback_batch_seconds",
    &[],
    "What it takes to apply a batch of results, waiting for what is away included.",
);
/// Results in a batch.
pub const FEEDBACK_BATCH_RECORDS: Measure =
    histogram("inq_feedback_batch_records", &[], "Results in a batch.");
/// Attempts that failed and are followed by another.
pub const RETRIES: Measure = counter(
    "inq_retries_total",
    &[BY],
    "Attempts that failed and will be followed by another, by who reported the failure.",
);
/// Notifications that have failed for good.
pub const FINAL_FAILURES: Measure = counter(
    "inq_final_failures_total",
    &[PRIORITY, BY],
    "Notifications that have failed for good, by who reported the last failure.",
);

/// Rows.
pub const QUEUE_ROWS: Measure = gauge(
    "inq_queue_rows",
    &[
        Label {
            name: "status",
            values: Values::Of(|| Status::ALL.map(Status::as_str).to_vec()),
        },
        PRIORITY,
    ],
    "Rows of the queue: exact up to 1000, above that the database's estimate.",
);
/// The oldest due row.
pub const OLDEST_DUE_SECONDS: Measure = gauge(
    "inq_oldest_due_seconds",
    &[PRIORITY],
    "How long the oldest pending row has been due; 0 if none is due.",
);
/// Claims that a person must decide.
pub const CLAIMS_IN_DOUBT: Measure = gauge(
    "inq_claims_in_doubt",
    &[],
    "Claims that a person must decide with `inq claims`, at most 100.",
);
/// Partitions whose readers stand still.
pub const HELD_BACK_PARTITIONS: Measure = gauge(
    "inq_held_back_partitions",
    &[],
    "Partitions of the deliveries topic whose read_committed readers have stood still for longer than dispatch.lease.",
);
/// When gauges were sampled.
pub const SAMPLED: Measure = gauge(
    "inq_sampled_timestamp_seconds",
    &[Label {
        name: "sample",
        values: Values::Of(|| vec![SAMPLE_QUEUE, SAMPLE_LAG, SAMPLE_HELD_BACK]),
    }],
    "When the gauges of the queue, the lag and the held back partitions were last brought up to date, as a Unix time.",
);
/// [`QUEUE_ROWS`] and [`OLDEST_DUE_SECONDS`].
pub const SAMPLE_QUEUE: &str = "queue";
/// [`CONSUMER_LAG`] and [`CONSUMER_LAG_TO_END`].
pub const SAMPLE_LAG: &str = "lag";
/// [`HELD_BACK_PARTITIONS`].
pub const SAMPLE_HELD_BACK: &str = "held_back";

/// Connections to the database.
pub const CONNECTIONS: Measure = gauge(
    "inq_database_connections",
    &[Label {
        name: "state",
        values: Values::Of(|| vec![IN_USE, IDLE]),
    }],
    "Connections of the pool to the database.",
);
/// A connection that somebody uses.
pub const IN_USE: &str = "in_use";
/// A connection that nobody uses.
pub const IDLE: &str = "idle";
/// The most connections.
pub const CONNECTIONS_MAX: Measure = gauge(
    "inq_database_connections_max",
    &[],
    "The most connections that the pool may have: database.max_connections, or as many as what runs needs.",
);

/// Alerts to the alerts topic.
pub const ALERTS: Measure = counter(
    "inq_alerts_total",
    &[Label {
        name: "outcome",
        values: Values::Of(|| vec![WRITTEN, DROPPED]),
    }],
    "Alerts for topics.alerts: written, or dropped because the queue was full or Kafka did not take them.",
);
/// The alert is in its topic.
pub const WRITTEN: &str = "written";
/// The alert is gone.
pub const DROPPED: &str = "dropped";

/// Of the process, whatever runs in it.
pub const PROCESS: &[Measure] = &[
    BUILD_INFO,
    READY,
    OUTAGES,
    TASK_FAILURES,
    STORE_RETRIES,
    CONNECTIONS,
    CONNECTIONS_MAX,
    ALERTS,
];
/// Of the stage `preferences`.
pub const STAGE_PREFERENCES: &[Measure] = &[PREFERENCES, DEAD_LETTERS, UNREAD_DELETED];
/// Of the stage `ingest`.
pub const INGEST: &[Measure] = &[
    INGESTED,
    DUPLICATES,
    LANGUAGE_FALLBACKS,
    CATALOGUE_RELOADS,
    HELD,
    BEST_TIME,
    SUPPRESSED,
    CANCELLATIONS,
    KEPT_OUT,
    CAPPED,
    DIGESTED,
    DIGESTS,
    INGEST_BATCH_SECONDS,
    INGEST_BATCH_RECORDS,
    DEAD_LETTERS,
    UNREAD_DELETED,
];
/// Of the stage `dispatch`.
pub const DISPATCH: &[Measure] = &[
    DISPATCHED,
    EXPIRED,
    WITHHELD,
    CLAIM_SECONDS,
    CLAIM_ROWS,
    PUBLISH_SECONDS,
    SETTLE_SECONDS,
    PUBLISHES,
    PUBLISH_FAILURES,
    EVENT_TO_REQUEST_SECONDS,
    RETRIES,
    FINAL_FAILURES,
    CLAIMS_RECOVERED,
];
/// Of the stage `feedback`.
pub const FEEDBACK: &[Measure] = &[
    RESULTS,
    RESULTS_IGNORED,
    FEEDBACK_BATCH_SECONDS,
    FEEDBACK_BATCH_RECORDS,
    DEAD_LETTERS,
    UNREAD_DELETED,
    RETRIES,
    FINAL_FAILURES,
];
/// Of the stage `maintain`.
pub const MAINTAIN: &[Measure] = &[
    QUEUE_ROWS,
    OLDEST_DUE_SECONDS,
    CONSUMER_LAG,
    CONSUMER_LAG_TO_END,
    CLAIMS_IN_DOUBT,
    CLAIMS_RECOVERED,
    HELD_BACK_PARTITIONS,
    SAMPLED,
    ARCHIVED,
    REMOVED,
    USERS_FORGOTTEN,
    FORGETTING_USERS,
    FORGETTING_OLDEST_SECONDS,
    MAINTENANCE_FINISHED,
    MAINTENANCE_INTERVAL,
    BROADCAST_EVENTS,
    BROADCASTS_RUNNING,
    BROADCAST_STILL_SECONDS,
];

/// All of them, under the heading of those who tell them.
pub const ALL: [(&str, &[Measure]); 6] = [
    ("Every process", PROCESS),
    ("Stage `preferences`", STAGE_PREFERENCES),
    ("Stage `ingest`", INGEST),
    ("Stage `dispatch`", DISPATCH),
    ("Stage `feedback`", FEEDBACK),
    ("Stage `maintain`", MAINTAIN),
];

/// Gives the process's recorder the help texts.
pub(crate) fn describe() {
    for measure in ALL.into_iter().flat_map(|(_, measures)| measures) {
        match measure.kind {
            Kind::Counter => metrics::describe_counter!(measure.name, measure.help),
            Kind::Gauge => metrics::describe_gauge!(measure.name, measure.help),
            Kind::Histogram => metrics::describe_histogram!(measure.name, measure.help),
        }
    }
}

/// Lets what is counted begin at zero, so that the first event is a change like any other. Gauges begin when they are
/// first known, and what has labels whose values are not known here when these are.
pub(crate) fn begin(measures: &[Measure]) {
    for measure in measures {
        for labels in series(measure.labels) {
            match measure.kind {
                Kind::Counter => metrics::counter!(measure.name, labels).increment(0),
                Kind::Histogram => drop(metrics::histogram!(measure.name, labels)),
                Kind::Gauge => {}
            }
        }
    }
}

/// Every combination of the labels' values; none where some are not known.
fn series(labels: &[Label]) -> Vec<Vec<metrics::Label>> {
    labels.iter().fold(vec![Vec::new()], |series, label| {
        let values = match label.values {
            Values::Of(values) => values(),
            Values::Named(_) => Vec::new(),
        };
        series
            .iter()
            .flat_map(|before| {
                values.iter().map(|value| {
                    let mut labels = before.clone();
                    labels.push(metrics::Label::from_static_parts(label.name, value));
                    labels
                })
            })
            .collect()
    })
}
