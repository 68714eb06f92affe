//! What rules cost: ingest and dispatch with every rule on, and ingest with each by itself, held against the same events
//! without.

use std::sync::Arc;

use chrono::Utc;

use super::report::{Bound, Report};
use super::ruled::{Rule, Ruled, WINDOW};
use super::scratch::Topics;
use super::{Bench, BenchError, dispatch, ingest, load};
use crate::schedule::BEST_TIME;
use crate::store::{NewNotification, Retelling, Status, Yardstick};

const PART: &str = "rules";
/// Preferences and cancels that are stored together.
const AT_ONCE: usize = 1000;

/// What was measured with the same rules, once for each round.
#[derive(Default)]
struct Rates {
    ingest: Vec<f64>,
    dispatch: Vec<f64>,
    processor: Vec<f64>,
}

pub(super) async fn measure(bench: &Bench<'_>, report: &mut Report) -> Result<(), BenchError> {
    let Some(yardstick) = &bench.scratch.yardstick else {
        return Err(BenchError("the part `rules` needs MySQL or MariaDB".to_owned()));
    };
    let (mut without, mut with) = (Rates::default(), Rates::default());
    let mut beside_each = Vec::new();
    let mut each: Vec<Vec<f64>> = Rule::EACH.iter().map(|_| Vec::new()).collect();
    for round in 1..=bench.extent.rounds {
        let now = |what: &str| bench.now(format!("rules {round}/{}: {what}", bench.extent.rounds));
        // What the machine does meanwhile is before and after all that is held against it.
        now("none");
        let before = through(bench, yardstick, &[]).await?;
        now("every rule");
        let every = through(bench, yardstick, &Rule::EVERY).await?;
        now("none");
        let between = through(bench, yardstick, &[]).await?;
        for (rule, rates) in Rule::EACH.iter().zip(&mut each) {
            now(&rule.name());
            let (measured, _) = store(bench, yardstick, &[*rule]).await?;
            rates.push(measured.rate);
            yardstick.empty().await?;
        }
        now("none");
        let (after, _) = store(bench, yardstick, &[]).await?;
        yardstick.empty().await?;
        beside_each.push(f64::midpoint(between.ingest.rate, after.rate));
        with.note(&every, &every);
        without.note(&before, &between);
    }
    for (stage, unit, with, without) in [
        ("ingest", "events/s", &with.ingest, &without.ingest),
        ("dispatch", "rows/s", &with.dispatch, &without.dispatch),
    ] {
        report.figure(PART, format!("{stage} without rules"), without, unit);
        report.figure(PART, format!("{stage} with every rule on"), with, unit);
        let name = format!("{stage} with every rule on / without");
        report.ratio(name, with, without, Bound::AtLeast(0.85));
    }
    for (which, seconds) in [
        ("without rules", &without.processor),
        ("with every rule on", &with.processor),
    ] {
        let name = format!("processor of ingest {which}, for 10,000");
        report.figure(PART, name, seconds, "s");
    }
    for (rule, rates) in Rule::EACH.iter().zip(&each) {
        let name = rule.name();
        report.figure(PART, format!("ingest with {name}"), rates, "events/s");
        report.ratio(format!("ingest with {name} / without"), rates, &beside_each, None);
    }
    Ok(())
}

/// What one run found.
struct Through {
    ingest: ingest::Measured,
    dispatch: f64,
}

impl Rates {
    /// Notes the mean of two runs.
    fn note(&mut self, one: &Through, other: &Through) {
        self.ingest
            .push(f64::midpoint(one.ingest.rate, other.ingest.rate));
        self.dispatch.push(f64::midpoint(one.dispatch, other.dispatch));
        let processor = one.ingest.processor.zip(other.ingest.processor);
        self.processor
            .extend(processor.map(|(one, other)| f64::midpoint(one, other)));
    }
}

/// Events are stored under these rules, and rows published, on tables that are empty before and after.
async fn through(bench: &Bench<'_>, yardstick: &Yardstick, rules: &[Rule]) -> Result<Through, BenchError> {
    let (ingest, topics) = store(bench, yardstick, rules).await?;
    // Nothing waits for others any more; where nothing did, the database rests as long.
    tokio::time::sleep(WINDOW).await;
    // A third stays: some leave before the first look.
    let rows = load::rows(bench.scratch, Status::Pending).await? / 3 * 2;
    let dispatch = dispatch::service(bench, &topics, &[], 1, rows).await?.rate;
    yardstick.empty().await?;
    Ok(Through { ingest, dispatch })
}

/// Before the events there are none to tell anew.
struct NoDigests;

impl Retelling for NoDigests {
    fn without(&self, digest: NewNotification, _event_id: &str) -> Option<NewNotification> {
        Some(digest)
    }
}

/// Events are stored under these rules, which those who are started on the topics have as well.
async fn store(
    bench: &Bench<'_>,
    yardstick: &Yardstick,
    rules: &[Rule],
) -> Result<(ingest::Measured, Topics), BenchError> {
    let scratch = bench.scratch;
    let ours = Ruled {
        name: "ruled",
        events: bench.extent.slice,
        rules,
        now: Utc::now(),
    };
    for part in ours.preferences().chunks(AT_ONCE) {
        scratch.store.change_preferences(part).await?;
    }
    for part in ours.cancels().chunks(AT_ONCE) {
        scratch.store.cancel(part, Arc::new(NoDigests)).await?;
    }
    yardstick.keep_habits(&ours.habits()).await?;
    let mut topics = scratch.topics().await?;
    load::produce(scratch, &topics.events, ours.events, |number| ours.event(number)).await?;
    for (name, value) in ours.settings() {
        topics.launch = topics.launch.with(&name, &value);
    }
    let measured = ingest::service(&topics.launch, ours.events).await?;
    check(bench, yardstick, &ours).await?;
    Ok((measured, topics))
}

/// Nothing was lost or doubled, and each rule has done its work.
async fn check(bench: &Bench<'_>, yardstick: &Yardstick, ruled: &Ruled<'_>) -> Result<(), BenchError> {
    let scratch = bench.scratch;
    let expected = ruled.expected();
    let (digests, parts) = yardstick.gathered().await?;
    if (digests > 0) != ruled.rules.contains(&Rule::Digests) {
        return Err(BenchError(format!("{digests} digests were made")));
    }
    for (what, found, expected) in [
        (
            "rows of so many events, and digests",
            load::all_rows(scratch).await?,
            ruled.events + digests,
        ),
        (
            "rows that are parts of digests",
            load::rows(scratch, Status::Digested).await?,
            parts,
        ),
        (
            "rows that their readers do not want",
            load::rows(scratch, Status::Suppressed).await?,
            expected.suppressed,
        ),
        (
            "rows that were called off before",
            load::rows(scratch, Status::Cancelled).await?,
            expected.cancelled,
        ),
        (
            "rows whose moment was chosen",
            yardstick.held_by(BEST_TIME).await?,
            expected.chosen,
        ),
        (
            "readers whose places are counted",
            yardstick.readers().await?,
            expected.counted,
        ),
    ] {
        load::must_match(what, found, expected)?;
    }
    Ok(())
}
