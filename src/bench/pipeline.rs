//! Events become delivery requests, through every stage of one instance.

use super::dispatch::{PUBLISHED, mebibytes};
use super::instance::Instance;
use super::report::{Report, median};
use super::{Bench, BenchError, for_ten_thousand, load, per_second};
use crate::store::Status;

const PART: &str = "pipeline";
/// Every stage.
pub(super) const STAGES: &str = "ingest,dispatch,feedback,maintain";

/// Returns the rate that it sustains, in events a second.
pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> Result<f64, BenchError> {
    let (scratch, events) = (bench.scratch, bench.extent.slice);
    let (mut rates, mut ours, mut servers, mut memory) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=bench.extent.rounds {
        bench.now(format!(
            "pipeline {round}/{}: from events to requests",
            bench.extent.rounds
        ));
        let topics = scratch.topics().await?;
        let name = format!("pipeline-{round}");
        load::produce(scratch, &topics.events, events, |number| {
            load::event(&name, number)
        })
        .await?;
        let sent_before = load::rows(scratch, Status::Sent).await?;
        let processes = scratch.server_processes();
        let theirs = || {
            processes
                .iter()
                .map(|server| server.processor())
                .sum::<Option<_>>()
        };
        let mut instance = Instance::start(&topics.launch, STAGES).await?;
        let (begun, first) = instance.reaches(PUBLISHED, events / 10).await?;
        let before = instance.usage().processor().zip(theirs());
        let (ended, last) = instance.reaches(PUBLISHED, events).await?;
        let after = instance.usage().processor().zip(theirs());
        memory.extend(instance.usage().peak_memory().map(mebibytes));
        instance.stop().await?;
        rates.push(per_second(last - first, ended - begun));
        if let Some(((our, their), (our_after, their_after))) = before.zip(after) {
            let their: std::time::Duration = their;
            ours.push(for_ten_thousand(our_after.saturating_sub(our), last - first));
            servers.push(for_ten_thousand(their_after.saturating_sub(their), last - first));
        }
        let read = load::delivered(scratch, &topics).await?;
        load::must_match("delivery requests of so many events", read.requests, events)?;
        let sent = load::rows(scratch, Status::Sent).await? - sent_before;
        load::must_match("rows that are sent, of so many events", sent, events)?;
    }
    report.figure(PART, "events to delivery requests", &rates, "events/s");
    report.figure(PART, "processor of the service, for 10,000", &ours, "s");
    report.figure(PART, "processor of the servers, for 10,000", &servers, "s");
    report.figure(PART, "peak memory of the service", &memory, "MiB");
    Ok(median(&rates))
}
