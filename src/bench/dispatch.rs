//! Rows become delivery requests, with a backlog: held against a loop that takes one row at a time, and against the
//! statements alone.

use std::time::{Duration, Instant};

use super::instance::{Instance, PATIENCE};
use super::report::{Bound, Report};
use super::scratch::Topics;
use super::{Bench, BenchError, for_ten_thousand, load, per_second};
use crate::bus::{Outgoing, Producer};
use crate::store::{Filling, Status, Yardstick};

const PART: &str = "dispatch";
/// Bytes of a notification's text.
pub(super) const BODY: u64 = 200;
/// The counter of what was published.
pub(super) const PUBLISHED: &str = "inq_dispatched_total";

/// How many rows the kinder loop looks up together.
const LOOKED_UP_TOGETHER: u32 = 100;

/// What one measurement of the service found.
pub(super) struct Measured {
    /// Rows a second.
    pub rate: f64,
    /// Processor seconds for ten thousand, of the instances and of the servers.
    pub processor: Option<(f64, f64)>,
    /// The most memory of an instance, in bytes.
    pub memory: Option<u64>,
    /// What a reader saw of it.
    pub read: load::Delivered,
}

pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> Result<(), BenchError> {
    let scratch = bench.scratch;
    let Some(yardstick) = &scratch.yardstick else {
        return without_yardstick(bench, report).await;
    };
    let slice = bench.extent.slice;
    // What leaves before the first look is not measured.
    let pending = bench.extent.pending.max(slice * 2);
    bench.now(format!("dispatch: {pending} rows are stored, twice"));
    yardstick.fill(Filling::Due, pending, BODY).await?;
    yardstick.fill_classical(pending).await?;
    let mut figures = Figures::default();
    for round in 1..=bench.extent.rounds {
        let of = bench.extent.rounds;
        bench.now(format!("dispatch {round}/{of}: one row at a time"));
        let time = Duration::from_secs(bench.extent.seconds) / 2;
        figures
            .row_at_a_time
            .push(row_at_a_time(bench, yardstick, 1, time).await?);
        figures
            .looked_up_together
            .push(row_at_a_time(bench, yardstick, LOOKED_UP_TOGETHER, time).await?);
        bench.now(format!("dispatch {round}/{of}: the statements alone"));
        let alone = yardstick
            .claim_and_settle(slice, bench.settings.dispatch.batch_rows)
            .await?;
        figures.statements.push(per_second(slice, alone));
        yardstick.fill(Filling::Due, slice, BODY).await?;
        for semantics in ["exactly_once", "at_least_once"] {
            bench.now(format!("dispatch {round}/{of}: {semantics}"));
            let topics = scratch.topics().await?;
            let measured = service(
                bench,
                &topics,
                &[("INQ_DISPATCH__SEMANTICS", semantics)],
                1,
                slice,
            )
            .await?;
            yardstick.fill(Filling::Due, measured.read.requests, BODY).await?;
            if semantics == "exactly_once" {
                figures.note(&measured);
            } else {
                figures.at_least_once.push(measured.rate);
            }
        }
        bench.now(format!("dispatch {round}/{of}: producing alone"));
        figures.produce.push(bare_produce(bench, slice).await?);
    }
    for round in 1..=bench.extent.rounds {
        let of = bench.extent.rounds;
        for (filling, rates) in [
            (Filling::Due, &mut figures.evaluated),
            (Filling::Unevaluated, &mut figures.evaluated_again),
        ] {
            bench.now(format!(
                "dispatch {round}/{of}: rules evaluated at send time, {filling:?}"
            ));
            yardstick.empty().await?;
            yardstick.fill(filling, slice * 2, BODY).await?;
            let topics = scratch.topics().await?;
            rates.push(service(bench, &topics, &[], 1, slice).await?.rate);
        }
    }
    figures.report(report, &scratch.servers);
    leave_nothing(bench).await
}

async fn without_yardstick(bench: &Bench<'_>, report: &mut Report) -> Result<(), BenchError> {
    let mut figures = Figures::default();
    for round in 1..=bench.extent.rounds {
        bench.now(format!("dispatch {round}/{}", bench.extent.rounds));
        let topics = bench.scratch.topics().await?;
        let rows = super::ingest::planned(bench, &format!("dispatch-{round}"), bench.extent.slice)?;
        for part in rows.chunks(1000) {
            bench.scratch.store.insert(part).await?;
        }
        let measured = service(bench, &topics, &[], 1, bench.extent.slice * 9 / 10).await?;
        figures.note(&measured);
    }
    figures.report(report, &bench.scratch.servers);
    leave_nothing(bench).await
}

/// Takes the rows away; where that cannot be done by a statement, those that are due are published.
pub(super) async fn leave_nothing(bench: &Bench<'_>) -> Result<(), BenchError> {
    if let Some(yardstick) = &bench.scratch.yardstick {
        return Ok(yardstick.empty().await?);
    }
    let due = load::rows(bench.scratch, Status::Pending).await?;
    if due > 0 {
        let topics = bench.scratch.topics().await?;
        let mut instance = Instance::start(&topics.launch, "dispatch").await?;
        instance.reaches(PUBLISHED, due).await?;
        instance.stop().await?;
    }
    Ok(())
}

/// Instances of the service publish a backlog: how fast, over nine tenths of `rows` once all of them are at it, and that what
/// a reader sees is what the table says.
pub(super) async fn service(
    bench: &Bench<'_>,
    topics: &Topics,
    more: &[(&str, &str)],
    instances: usize,
    rows: u64,
) -> Result<Measured, BenchError> {
    let scratch = bench.scratch;
    let pending_before = load::rows(scratch, Status::Pending).await?;
    let launch = more.iter().fold(topics.launch.clone(), |launch, (name, value)| {
        launch.with(name, value)
    });
    let mut running = Vec::new();
    for _ in 0..instances {
        running.push(Instance::start(&launch, "dispatch").await?);
    }
    let servers = scratch.server_processes();
    let processor = |running: &[Instance]| {
        let ours: Option<Duration> = running.iter().map(|instance| instance.usage().processor()).sum();
        let theirs: Option<Duration> = servers.iter().map(|server| server.processor()).sum();
        ours.zip(theirs)
    };
    let (begun, first) = reach(&mut running, rows / 10).await?;
    let before = processor(&running);
    let (ended, last) = reach(&mut running, first + rows / 10 * 9).await?;
    let after = processor(&running);
    let memory = running
        .iter()
        .filter_map(|instance| instance.usage().peak_memory())
        .max();
    for instance in running {
        instance.stop().await?;
    }
    let read = load::delivered(scratch, topics).await?;
    load::must_match(
        "delivery requests that a reader sees, against rows that wait no more",
        read.requests,
        pending_before - load::rows(scratch, Status::Pending).await?,
    )?;
    load::must_match(
        "rows left in a claim",
        load::rows(scratch, Status::Processing).await?,
        0,
    )?;
    let processor = before
        .zip(after)
        .map(|((ours, theirs), (ours_after, theirs_after))| {
            (
                for_ten_thousand(ours_after.saturating_sub(ours), last - first),
                for_ten_thousand(theirs_after.saturating_sub(theirs), last - first),
            )
        });
    Ok(Measured {
        rate: per_second(last - first, ended - begun),
        processor,
        memory,
        read,
    })
}

/// Until the instances have published so many together.
async fn reach(running: &mut [Instance], least: u64) -> Result<(Instant, u64), BenchError> {
    if let [one] = running {
        return one.reaches(PUBLISHED, least).await;
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut count = 0;
        for instance in &*running {
            count += instance.count(PUBLISHED).await;
        }
        let now = Instant::now();
        if count >= least {
            return Ok((now, count));
        }
        if now > deadline {
            return Err(BenchError(format!(
                "{count} rows were published, short of {least}"
            )));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// What one would write without us: take the most urgent row, send it, mark it. `at_once` rows are looked up together, so
/// that the sort of the backlog is shared by them.
async fn row_at_a_time(
    bench: &Bench<'_>,
    yardstick: &Yardstick,
    at_once: u32,
    time: Duration,
) -> Result<f64, BenchError> {
    let topics = bench.scratch.topics().await?;
    let producer = Producer::new(&bench.scratch.cluster)?;
    let begun = Instant::now();
    let mut done = 0;
    while begun.elapsed() < time {
        let found = yardstick.next_classical(at_once).await?;
        if found.is_empty() {
            break;
        }
        for (id, text) in found {
            let record = Outgoing {
                key: Some(id.to_string().into_bytes()),
                payload: Some(text.into_bytes()),
                headers: Vec::new(),
            };
            load::send(&producer, &topics.deliveries, vec![record]).await?;
            yardstick.mark_classical(id).await?;
            done += 1;
        }
    }
    Ok(per_second(done, begun.elapsed()))
}

/// Records of a request's length, as fast as librdkafka sends them, a claim's worth at a time.
async fn bare_produce(bench: &Bench<'_>, records: u64) -> Result<f64, BenchError> {
    const LENGTH: usize = 700;
    let topics = bench.scratch.topics().await?;
    let producer = Producer::new(&bench.scratch.cluster)?;
    let at_once = u64::from(bench.settings.dispatch.batch_rows);
    let begun = Instant::now();
    let mut sent = 0;
    while sent < records {
        let batch = (sent..(sent + at_once).min(records))
            .map(|number| Outgoing {
                key: Some(number.to_string().into_bytes()),
                payload: Some(vec![b'x'; LENGTH]),
                headers: Vec::new(),
            })
            .collect();
        load::send(&producer, &topics.deliveries, batch).await?;
        sent += at_once;
    }
    Ok(per_second(sent, begun.elapsed()))
}

#[derive(Default)]
struct Figures {
    row_at_a_time: Vec<f64>,
    looked_up_together: Vec<f64>,
    statements: Vec<f64>,
    exactly_once: Vec<f64>,
    at_least_once: Vec<f64>,
    /// No evaluation of rules is out of date.
    evaluated: Vec<f64>,
    /// Rules are evaluated again for every row.
    evaluated_again: Vec<f64>,
    produce: Vec<f64>,
    consume: Vec<f64>,
    ours: Vec<f64>,
    servers: Vec<f64>,
    memory: Vec<f64>,
}

impl Figures {
    fn note(&mut self, measured: &Measured) {
        self.exactly_once.push(measured.rate);
        self.consume
            .push(per_second(measured.read.requests, measured.read.time));
        if let Some((ours, servers)) = measured.processor {
            self.ours.push(ours);
            self.servers.push(servers);
        }
        self.memory.extend(measured.memory.map(mebibytes));
    }

    fn report(&self, report: &mut Report, servers: &str) {
        for (name, rounds, unit) in [
            ("the service", &self.exactly_once, "rows/s"),
            ("the service, at_least_once", &self.at_least_once, "rows/s"),
            ("the service, a small backlog", &self.evaluated, "rows/s"),
            (
                "the same, rules evaluated again for each row",
                &self.evaluated_again,
                "rows/s",
            ),
            ("one row at a time", &self.row_at_a_time, "rows/s"),
            (
                "the same, looked up by the hundred",
                &self.looked_up_together,
                "rows/s",
            ),
            ("claim and settle statements alone", &self.statements, "rows/s"),
            ("librdkafka alone, produce", &self.produce, "records/s"),
            ("librdkafka alone, consume", &self.consume, "records/s"),
            ("processor of the service, for 10,000", &self.ours, "s"),
            ("processor of the servers, for 10,000", &self.servers, "s"),
            ("peak memory of the service", &self.memory, "MiB"),
        ] {
            report.figure(PART, name, rounds, unit);
        }
        let row_at_a_time = if servers.contains("MariaDB") { 50.0 } else { 150.0 };
        let ours = &self.exactly_once;
        report.ratio(
            "dispatch / one row at a time",
            ours,
            &self.row_at_a_time,
            Bound::AtLeast(row_at_a_time),
        );
        report.ratio(
            "dispatch / one row at a time, looked up by the hundred",
            ours,
            &self.looked_up_together,
            Bound::AtLeast(row_at_a_time),
        );
        report.ratio(
            "dispatch / claim and settle statements alone",
            ours,
            &self.statements,
            Bound::AtLeast(0.8),
        );
        report.ratio(
            "dispatch exactly once / at least once",
            ours,
            &self.at_least_once,
            Bound::AtLeast(0.8),
        );
        report.ratio(
            "dispatch, rules evaluated again for each row / for none",
            &self.evaluated_again,
            &self.evaluated,
            Bound::AtLeast(0.95),
        );
    }
}

#[allow(clippy::cast_precision_loss)] // bytes of memory
pub(super) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / (1024.0 * 1024.0)
}
