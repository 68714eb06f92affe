//! Nothing to do: what does an instance cost then?

use std::time::Duration;

use super::instance::Instance;
use super::pipeline::STAGES;
use super::report::{Bound, Report};
use super::{Bench, BenchError};

const PART: &str = "idle";
/// Until what an instance does at its start is over.
const SETTLED: Duration = Duration::from_secs(5);
/// Two counts of statements are two statements, of which the first is in both.
const OWN_STATEMENTS: u64 = 1;

pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> Result<(), BenchError> {
    let scratch = bench.scratch;
    let topics = scratch.topics().await?;
    bench.now("idle: an instance without work");
    let instance = Instance::start(&topics.launch, STAGES).await?;
    tokio::time::sleep(SETTLED).await;
    let time = Duration::from_secs(bench.extent.seconds);
    let before = instance.usage().processor();
    let asked_before = match &scratch.yardstick {
        Some(yardstick) => Some(yardstick.questions().await?),
        None => None,
    };
    tokio::time::sleep(time).await;
    let asked = match &scratch.yardstick {
        Some(yardstick) => Some(yardstick.questions().await?),
        None => None,
    };
    let after = instance.usage().processor();
    instance.stop().await?;
    if let Some((before, after)) = before.zip(after) {
        let share = after.saturating_sub(before).as_secs_f64() / time.as_secs_f64() * 100.0;
        report.figure(PART, "processor of the service", &[share], "% of a core");
        report.ratio("idle / 1 % of a core", &[share], &[1.0], Bound::AtMost(1.0));
    }
    if let Some((before, after)) = asked_before.zip(asked) {
        let statements = after.saturating_sub(before).saturating_sub(OWN_STATEMENTS);
        let minutes = time.as_secs_f64() / 60.0;
        #[allow(clippy::cast_precision_loss)] // a few statements
        let rate = statements as f64 / minutes;
        report.figure(
            PART,
            "statements that the database is asked for",
            &[rate],
            "1/min",
        );
    }
    Ok(())
}
