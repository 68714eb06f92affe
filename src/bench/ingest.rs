//! Events become rows: held against multi-row inserts alone.

use super::dispatch::leave_nothing;
use super::instance::{Instance, Launch};
use super::report::{Bound, Report};
use super::{Bench, BenchError, for_ten_thousand, load, per_second};
use chrono::Utc;

use crate::bus::Record;
use crate::store::{NewNotification, Status};

const PART: &str = "ingest";
/// The counter of what was stored.
pub(super) const STORED: &str = "inq_ingested_total";

/// What one measurement of the service found.
pub(super) struct Measured {
    /// Events a second.
    pub rate: f64,
    /// Its processor seconds for ten thousand.
    pub processor: Option<f64>,
}

pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> Result<(), BenchError> {
    let (scratch, events) = (bench.scratch, bench.extent.slice);
    let (mut service, mut alone, mut processor) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=bench.extent.rounds {
        let of = bench.extent.rounds;
        if let Some(yardstick) = &scratch.yardstick {
            bench.now(format!("ingest {round}/{of}: the statements alone"));
            let rows = planned(bench, &format!("alone-{round}"), events)?;
            let batch = usize::try_from(bench.settings.ingest.batch_rows).unwrap_or(usize::MAX);
            alone.push(per_second(events, yardstick.insert(&rows, batch).await?));
            yardstick.empty().await?;
        }
        bench.now(format!(
            "ingest {round}/{of}: {events} events are written to the topic"
        ));
        let topics = scratch.topics().await?;
        let name = format!("ingest-{round}");
        load::produce(scratch, &topics.events, events, |number| {
            load::event(&name, number)
        })
        .await?;
        let stored_before = load::rows(scratch, Status::Pending).await?;
        bench.now(format!("ingest {round}/{of}: the service"));
        let measured = self::service(&topics.launch, events).await?;
        service.push(measured.rate);
        processor.extend(measured.processor);
        let stored = load::rows(scratch, Status::Pending).await? - stored_before;
        load::must_match("rows of so many events", stored, events)?;
        leave_nothing(bench).await?;
    }
    report.figure(PART, "the service", &service, "events/s");
    report.figure(PART, "multi-row inserts alone", &alone, "rows/s");
    report.figure(PART, "processor of the service, for 10,000", &processor, "s");
    report.ratio(
        "ingest / multi-row inserts alone",
        &service,
        &alone,
        Bound::AtLeast(0.7),
    );
    Ok(())
}

/// An instance of the service stores the events of a topic, `events` of them: how fast, over the last nine tenths.
///
/// # Errors
/// If it ends, or takes too long.
pub(super) async fn service(launch: &Launch, events: u64) -> Result<Measured, BenchError> {
    let mut instance = Instance::start(launch, "ingest").await?;
    let (begun, first) = instance.reaches(STORED, events / 10).await?;
    let before = instance.usage().processor();
    let (ended, last) = instance.reaches(STORED, events).await?;
    let after = instance.usage().processor();
    instance.stop().await?;
    let used = before
        .zip(after)
        .map(|(before, after)| after.saturating_sub(before));
    Ok(Measured {
        rate: per_second(last - first, ended - begun),
        processor: used.map(|used| for_ten_thousand(used, last - first)),
    })
}

/// The rows that the events of a load become.
///
/// # Errors
/// If one is no event of the contract.
pub(super) fn planned(
    bench: &Bench<'_>,
    name: &str,
    events: u64,
) -> Result<Vec<NewNotification>, BenchError> {
    (0..events)
        .map(|number| {
            bench
                .planner
                .plan(&record(name, number), Utc::now())
                .map_err(|rejection| BenchError(rejection.detail))?
                .map(|plan| plan.row)
                .ok_or_else(|| BenchError("a load has no cancels".to_owned()))
        })
        .collect()
}

/// An event of a load, as a consumer gets it.
pub(super) fn record(name: &str, number: u64) -> Record {
    let event = load::event(name, number);
    Record {
        topic: String::new(),
        partition: 0,
        offset: 0,
        key: event.key,
        payload: event.payload,
        headers: event.headers,
        timestamp: None,
    }
}
