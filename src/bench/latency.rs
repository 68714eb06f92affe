//! How soon an event is a delivery request that a reader sees, at a part of the rate that is sustained.

use std::time::{Duration, Instant};

use super::instance::Instance;
use super::pipeline::STAGES;
use super::reading::Reading;
use super::report::{Bound, Report, median};
use super::scratch::{Scratch, Topics};
use super::{Bench, BenchError, load, transaction};
use crate::bus::Producer;

const PART: &str = "latency";
/// The parts of the sustained rate, in percent.
const LOADS: [u32; 3] = [10, 50, 90];
/// Between two portions of events.
const TICK: Duration = Duration::from_millis(2);
/// Events before the measurement, so that everything is connected and prepared.
const WARM_UP: Duration = Duration::from_secs(2);
/// Durable commits that are measured before and after each load.
const COMMITS: usize = 200;

pub(super) async fn measure(
    bench: &Bench<'_>,
    sustained: f64,
    report: &mut Report,
) -> Result<(), BenchError> {
    for load in LOADS {
        let rate = (sustained * f64::from(load) / 100.0).max(1.0);
        bench.now(format!("latency at {load} %: {rate:.0} events a second"));
        let mut commits = durable_commits(bench).await?;
        let times = at_rate(bench, load, rate).await?;
        commits.extend(durable_commits(bench).await?);
        for (name, share) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0)] {
            report.figure(
                PART,
                format!("{name} at {load} %"),
                &[quantile(&times, share)],
                "ms",
            );
        }
        if commits.is_empty() || load != LOADS[0] {
            continue;
        }
        let commit = median(&commits);
        report.figure(PART, "one durable commit", &commits, "ms");
        bench.now("latency: Kafka's transactions alone");
        let alone = transaction::measure(bench.scratch).await?;
        report.figure(PART, "one transaction of Kafka alone", &alone, "ms");
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            report.ratio(
                format!("{name} at {load} % / one transaction of Kafka alone"),
                &[quantile(&times, share)],
                &[quantile(&alone, share)],
                None,
            );
        }
        for (name, share, most) in [("p50", 0.5, 6.0), ("p99", 0.99, 20.0)] {
            report.ratio(
                format!("{name} at {load} % / one durable commit"),
                &[quantile(&times, share)],
                &[commit],
                Bound::AtMost(most),
            );
        }
    }
    Ok(())
}

async fn durable_commits(bench: &Bench<'_>) -> Result<Vec<f64>, BenchError> {
    let Some(yardstick) = &bench.scratch.yardstick else {
        return Ok(Vec::new());
    };
    let mut times = Vec::with_capacity(COMMITS);
    for _ in 0..COMMITS {
        times.push(milliseconds(yardstick.durable_commit().await?));
    }
    Ok(times)
}

/// The times from event to request, in milliseconds.
async fn at_rate(bench: &Bench<'_>, load: u32, rate: f64) -> Result<Vec<f64>, BenchError> {
    let scratch = bench.scratch;
    let topics = scratch.topics().await?;
    let instance = Instance::start(&topics.launch, STAGES).await?;
    let name = format!("latency-{load}");
    let reading = Reading::start(scratch, &topics).await?;
    let time = WARM_UP + Duration::from_secs(bench.extent.seconds);
    let departures = write(scratch, &topics, &name, rate, time).await?;
    let arrivals = reading.all("events that arrived", departures.len()).await?;
    instance.stop().await?;
    let warm = departures.first().map(|first| *first + WARM_UP);
    Ok(departures
        .iter()
        .enumerate()
        .filter(|(_, departed)| warm.is_some_and(|warm| **departed >= warm))
        .filter_map(|(number, departed)| {
            let arrived = arrivals.get(&format!("sample-{name}-{number}"))?;
            Some(milliseconds(*arrived - *departed))
        })
        .collect())
}

/// Writes events at a rate, whatever becomes of them, and returns when each was due to leave.
async fn write(
    scratch: &Scratch,
    topics: &Topics,
    name: &str,
    rate: f64,
    time: Duration,
) -> Result<Vec<Instant>, BenchError> {
    let producer = Producer::new(&scratch.cluster)?;
    let begun = Instant::now();
    let mut departures = Vec::new();
    while begun.elapsed() < time {
        let mut records = Vec::new();
        loop {
            let number = departures.len() as u64;
            #[allow(clippy::cast_precision_loss)] // a count of events
            let due = begun + Duration::from_secs_f64(number as f64 / rate);
            if due > Instant::now() {
                break;
            }
            // From when it was due, not from when there was time to send it.
            departures.push(due);
            records.push(load::event(name, number));
        }
        if !records.is_empty() {
            load::send(&producer, &topics.events, records).await?;
        }
        tokio::time::sleep(TICK).await;
    }
    Ok(departures)
}

pub(super) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The value below which that share of the values lies.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[allow(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )] // a place in a list
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        for (share, expected) in [(0.5, 50.0), (0.99, 99.0), (1.0, 100.0), (0.0, 1.0)] {
            assert!((quantile(&values, share) - expected).abs() < 1e-9, "{share}");
        }
        assert!(quantile(&[], 0.5).abs() < 1e-9);
    }
}
