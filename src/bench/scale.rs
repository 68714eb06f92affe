//! Dispatch along every axis that grows: the cost of a row must stay what it is.

use std::time::Instant;

use super::dispatch::{BODY, PUBLISHED, mebibytes, service};
use super::instance::Instance;
use super::report::{Bound, Curve, Point, Report, number};
use super::{Bench, BenchError, load, per_second};
use crate::store::{Filling, Yardstick};

const PART: &str = "scale";
/// The smallest backlog, unless the largest is more than a hundred times that.
const LEAST: u64 = 10_000;

/// A small backlog, out of the largest.
fn few(most: u64) -> u64 {
    LEAST.max(most / 100)
}

/// Rows of one measurement: a small backlog has more.
fn slice(most: u64) -> u64 {
    few(most) * 8 / 10
}

pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> Result<(), BenchError> {
    let Some(yardstick) = &bench.scratch.yardstick else {
        return Err(BenchError("the part `scale` needs MySQL or MariaDB".to_owned()));
    };
    backlogs(bench, yardstick, report).await?;
    instances(bench, yardstick, report).await?;
    partitions_and_bodies(bench, yardstick, report).await?;
    over_time(bench, yardstick, report).await
}

/// Rows in the order in which they are stored, as nearly all are that events leave behind.
const DUE: (Filling, u64) = (Filling::Due, BODY);

/// Rates of the service, once for each round, and its peak memory. What is published is made good: rows of that filling,
/// with bodies of so many bytes.
async fn rates(
    bench: &Bench<'_>,
    yardstick: &Yardstick,
    what: &str,
    (filling, body): (Filling, u64),
    partitions: Option<i32>,
    instances: usize,
) -> Result<(Vec<f64>, Vec<f64>), BenchError> {
    let (mut rates, mut memory) = (Vec::new(), Vec::new());
    for round in 1..=bench.extent.rounds {
        bench.now(format!("scale {round}/{}: {what}", bench.extent.rounds));
        let topics = match partitions {
            Some(partitions) => bench.scratch.topics_of(partitions).await?,
            None => bench.scratch.topics().await?,
        };
        let measured = service(bench, &topics, &[], instances, slice(bench.extent.most)).await?;
        rates.push(measured.rate);
        memory.extend(measured.memory.map(mebibytes));
        yardstick.fill(filling, measured.read.requests, body).await?;
    }
    Ok((rates, memory))
}

/// A small backlog, ten times, a hundred times that; then old rows, then rows ahead of those that are due. The small one
/// again at the end: what the machine does meanwhile is in both.
async fn backlogs(bench: &Bench<'_>, yardstick: &Yardstick, report: &mut Report) -> Result<(), BenchError> {
    let most = bench.extent.most;
    let (few, many) = (few(most), most / 10);
    let with_few = async |what: &str| {
        yardstick.empty().await?;
        yardstick.fill(Filling::Due, few, BODY).await?;
        rates(bench, yardstick, what, DUE, None, 1).await
    };
    let pending = |rows: u64| format!("{} pending", number(rows));
    let (mut before, mut memory_of_few) = with_few(&pending(few)).await?;
    yardstick.fill(Filling::Due, many - few, BODY).await?;
    let (ten_times, _) = rates(bench, yardstick, &pending(many), DUE, None, 1).await?;
    yardstick.fill(Filling::Due, most - many, BODY).await?;
    let (hundred_times, memory_of_most) = rates(bench, yardstick, &pending(most), DUE, None, 1).await?;
    bench.now("scale: old rows are stored");
    yardstick.fill(Filling::Old, most, BODY).await?;
    let (old, _) = rates(bench, yardstick, "old rows", DUE, None, 1).await?;
    bench.now("scale: rows ahead are stored");
    yardstick.fill(Filling::Ahead, most, BODY).await?;
    let (ahead, _) = rates(bench, yardstick, "rows ahead", DUE, None, 1).await?;
    let (again, memory_again) = with_few("a small backlog again").await?;
    yardstick.empty().await?;
    yardstick.fill(Filling::Scattered, most, BODY).await?;
    let (scattered, _) = rates(
        bench,
        yardstick,
        "scattered rows",
        (Filling::Scattered, BODY),
        None,
        1,
    )
    .await?;
    for (name, rounds) in [
        (pending(few), &before),
        (pending(many), &ten_times),
        (pending(most), &hundred_times),
        (format!("and {} old", number(most)), &old),
        (format!("and {} ahead at priority 4", number(most)), &ahead),
        (format!("{} again", pending(few)), &again),
        (format!("{}, scattered", pending(most)), &scattered),
    ] {
        report.figure(PART, name, rounds, "rows/s");
    }
    #[allow(clippy::cast_precision_loss)] // counts of rows
    let at = |rows: u64, rounds: &[f64]| Point::of(rows as f64, rounds);
    for (name, points) in [
        (
            "pending".to_owned(),
            vec![at(few, &before), at(many, &ten_times), at(most, &hundred_times)],
        ),
        (format!("and {} old", number(most)), vec![at(most, &old)]),
        (
            format!("and {} ahead at priority 4", number(most)),
            vec![at(most, &ahead)],
        ),
    ] {
        let axis = "rows pending";
        report.curves.push(Curve { name, axis, points });
    }
    for (rows, memory) in [(few, &memory_of_few), (most, &memory_of_most)] {
        report.figure(PART, format!("peak memory with {}", pending(rows)), memory, "MiB");
    }
    for (rate, again) in before.iter_mut().zip(&again) {
        *rate = f64::midpoint(*rate, *again);
    }
    memory_of_few.extend(memory_again);
    report.ratio(
        "dispatch with the largest backlog, as many old and ahead / with a small one",
        &ahead,
        &before,
        Bound::AtLeast(0.8),
    );
    report.ratio(
        "peak memory with the largest backlog / with a small one",
        &memory_of_most,
        &memory_of_few,
        Bound::AtMost(1.2),
    );
    Ok(())
}

async fn instances(bench: &Bench<'_>, yardstick: &Yardstick, report: &mut Report) -> Result<(), BenchError> {
    yardstick.empty().await?;
    // Enough for what leaves before all of them have started.
    yardstick.fill(Filling::Due, bench.extent.most, BODY).await?;
    let mut points = Vec::new();
    for (count, at) in [(1, 1.0), (2, 2.0), (3, 3.0)] {
        let what = format!("{count} instance(s)");
        let (rounds, _) = rates(bench, yardstick, &what, DUE, None, count).await?;
        points.push(Point::of(at, &rounds));
        report.figure(PART, what, &rounds, "rows/s");
    }
    report.curves.push(Curve {
        name: "all together".to_owned(),
        axis: "instances",
        points,
    });
    Ok(())
}

async fn partitions_and_bodies(
    bench: &Bench<'_>,
    yardstick: &Yardstick,
    report: &mut Report,
) -> Result<(), BenchError> {
    for partitions in [1, 12] {
        let what = format!("{partitions} partition(s)");
        let (rounds, _) = rates(bench, yardstick, &what, DUE, Some(partitions), 1).await?;
        report.figure(PART, what, &rounds, "rows/s");
    }
    for body in [200, 20_000] {
        yardstick.empty().await?;
        yardstick.fill(Filling::Due, few(bench.extent.most), body).await?;
        let what = format!("bodies of {body} bytes");
        let (rounds, _) = rates(bench, yardstick, &what, (Filling::Due, body), None, 1).await?;
        report.figure(PART, what, &rounds, "rows/s");
    }
    Ok(())
}

/// One instance drains a backlog: does it slow down as the index fills with entries that are deleted?
async fn over_time(bench: &Bench<'_>, yardstick: &Yardstick, report: &mut Report) -> Result<(), BenchError> {
    const WINDOWS: u32 = 10;
    yardstick.empty().await?;
    yardstick.fill(Filling::Due, bench.extent.pending, BODY).await?;
    let topics = bench.scratch.topics().await?;
    let mut instance = Instance::start(&topics.launch, "dispatch").await?;
    let window = bench.extent.pending / u64::from(WINDOWS + 1);
    let mut points = Vec::new();
    let (mut begun, mut first): (Instant, u64) = instance.reaches(PUBLISHED, window).await?;
    for part in 1..=WINDOWS {
        bench.now(format!("scale: a drain over time, {part}/{WINDOWS}"));
        let (ended, last) = instance.reaches(PUBLISHED, window * u64::from(part + 1)).await?;
        let rate = [per_second(last - first, ended - begun)];
        let drained = (part + 1) * 100 / (WINDOWS + 1);
        report.figure(PART, format!("drained to {drained} %"), &rate, "rows/s");
        points.push(Point::of(f64::from(drained), &rate));
        (begun, first) = (ended, last);
    }
    report.curves.push(Curve {
        name: format!("of {} rows", number(bench.extent.pending)),
        axis: "percent drained",
        points,
    });
    instance.stop().await?;
    load::delivered(bench.scratch, &topics).await?;
    yardstick.empty().await?;
    Ok(())
}
