//! What is gained by waiting for a reader's best time, on readers whose habits are known:
//! `cargo run --release --example best_time`. The figures of `docs/best-time.md`.

#![allow(missing_docs)]

#[path = "../tests/it/best_time/backtest.rs"]
mod backtest;

use backtest::{Estimator, Extent, Outcomes, run};
use chrono::TimeDelta;

/// Notifications of each reader before.
const BEFORE: [usize; 5] = [0, 5, 20, 80, 200];

fn extent(before: usize, hours: i64) -> Extent {
    Extent {
        seed: 1,
        readers: 1000,
        before,
        window: TimeDelta::hours(hours),
    }
}

fn line(name: &str, of: impl Fn(usize) -> backtest::Outcome) {
    let cells: Vec<String> = (0..BEFORE.len())
        .map(|column| {
            let outcome = of(column);
            format!(
                "{:+.0} %, {:.0} %",
                100.0 * outcome.gain(),
                100.0 * outcome.regret()
            )
        })
        .collect();
    println!("| {name} | {} |", cells.join(" | "));
}

fn main() {
    println!(
        "Gain in openings over sending at once, regret against knowing the habit, by notifications before\n"
    );
    println!("| | {} |", BEFORE.map(|before| before.to_string()).join(" | "));
    println!("| --- |{}", " --- |".repeat(BEFORE.len()));
    let day: Vec<Outcomes> = BEFORE
        .iter()
        .map(|before| run(&extent(*before, 24), Estimator::Openings))
        .collect();
    for kind in day[0].keys() {
        let name = kind.map_or_else(
            || "all readers, window of 24 h".to_owned(),
            |kind| kind.to_string(),
        );
        line(&name, |column| day[column][kind]);
    }
    for (name, hours, estimator) in [
        ("all, window of 12 h", 12, Estimator::Openings),
        ("all, window of 6 h", 6, Estimator::Openings),
        (
            "all, 24 h, by opened of delivered",
            24,
            Estimator::OpenedOfDelivered,
        ),
        ("all, 24 h, by opened of waiting", 24, Estimator::OpenedOfWaiting),
    ] {
        line(name, |column| {
            run(&extent(BEFORE[column], hours), estimator)[&None]
        });
    }
}
