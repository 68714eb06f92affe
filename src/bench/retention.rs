//! Old rows are removed while others are published: what does that cost those who wait?

use super::dispatch::{BODY, leave_nothing, service};
use super::instance::Instance;
use super::report::{Bound, Report, number};
use super::{Bench, BenchError, load, per_second};
use crate::store::{Filling, Status};

const PART: &str = "retention";
/// The counter of what was removed.
const REMOVED: &str = "inq_removed_total";

pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> Result<(), BenchError> {
    let scratch = bench.scratch;
    let Some(yardstick) = &scratch.yardstick else {
        return Err(BenchError(
            "the part `retention` needs MySQL or MariaDB".to_owned(),
        ));
    };
    let slice = bench.extent.slice;
    let (old, pending) = (bench.extent.most, bench.extent.pending.max(slice * 2));
    bench.now(format!("retention: {} old rows are stored", number(old)));
    yardstick.fill(Filling::Old, old, BODY).await?;
    yardstick.fill(Filling::Due, pending, BODY).await?;
    let (mut undisturbed, mut beside, mut removals) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=bench.extent.rounds {
        let of = bench.extent.rounds;
        bench.now(format!("retention {round}/{of}: nothing is removed"));
        let topics = scratch.topics().await?;
        let measured = service(bench, &topics, &[], 1, slice).await?;
        undisturbed.push(measured.rate);
        yardstick.fill(Filling::Due, measured.read.requests, BODY).await?;

        bench.now(format!("retention {round}/{of}: old rows are removed"));
        let topics = scratch.topics().await?;
        let sent = load::rows(scratch, Status::Sent).await?;
        let launch = topics.launch.clone().with("INQ_RETENTION__SENT", "7d");
        let mut removing = Instance::start(&launch, "maintain").await?;
        let (begun, first) = removing.reaches(REMOVED, 1).await?;
        let measured = service(bench, &topics, &[], 1, slice).await?;
        let (ended, last) = removing.reaches(REMOVED, first + 1).await?;
        removing.stop().await?;
        beside.push(measured.rate);
        removals.push(per_second(last - first, ended - begun));
        let left = load::rows(scratch, Status::Sent).await?;
        // What the dispatcher has sent is new; all that went is old.
        if left <= measured.read.requests {
            return Err(BenchError(format!(
                "the old rows have run out in round {round}: {} were too few",
                number(sent)
            )));
        }
        yardstick.fill(Filling::Due, measured.read.requests, BODY).await?;
    }
    report.figure(PART, "the service", &undisturbed, "rows/s");
    report.figure(PART, "while old rows are removed", &beside, "rows/s");
    report.figure(PART, "removed meanwhile", &removals, "rows/s");
    report.ratio(
        "publishing while old rows are removed / undisturbed",
        &beside,
        &undisturbed,
        Bound::AtLeast(0.9),
    );
    leave_nothing(bench).await
}
