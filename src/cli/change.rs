//! What `inq retry` and `inq cancel` have in common.

use serde::Serialize;

use super::choose::Chosen;
use super::{Failure, confirm, output, progress, store};
use crate::config::Settings;
use crate::store::{Change, Filter, Store};
use crate::story::telling;

/// Rows that are changed in one transaction.
const AT_ONCE: u32 = 500;

/// What both take.
#[derive(Debug, clap::Args)]
pub struct ChangeArgs {
    /// Which ones.
    #[command(flatten)]
    pub chosen: Chosen,

    /// Only say how many it would be.
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask.
    #[arg(long)]
    pub yes: bool,

    /// Who does it, for the history.
    #[arg(long, value_name = "NAME", default_value = "the command line")]
    pub by: String,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    /// Notifications that it applies to.
    matched: u64,
    /// Notifications that were changed: fewer, where some have left meanwhile.
    changed: u64,
    dry_run: bool,
}

/// Changes what was chosen, and says how many that were.
///
/// # Errors
/// If the database cannot be reached, if it applies to none of those that were named, or if nobody said yes.
pub async fn run(args: ChangeArgs, change: Change, settings: Settings) -> Result<(), Failure> {
    let store = store(&settings).await?;
    let done = apply(&args, change, store.as_ref()).await;
    store.close().await;
    let report = done?;
    if args.json {
        return output::print_json(&report);
    }
    let text = if report.dry_run {
        format!("{} would be {}\n", notifications(report.matched), past(change))
    } else {
        format!("{} {}\n", notifications(report.changed), past(change))
    };
    output::print(&text)
}

async fn apply(args: &ChangeArgs, change: Change, store: &dyn Store) -> Result<Report, Failure> {
    let filter = args.chosen.filter();
    let matched = store.count(&filter, Some(change)).await?;
    let mut report = Report {
        matched,
        changed: 0,
        dry_run: args.dry_run,
    };
    if matched == 0 && args.chosen.are_named() {
        return Err(Failure::Failed(refusal(&filter, change, store).await?));
    }
    if args.dry_run || matched == 0 {
        return Ok(report);
    }
    let asked = !args.chosen.are_named() && !args.yes;
    if asked {
        let question = format!("{} will be {}.", notifications(matched), past(change));
        confirm::require(&question)?;
    }
    let bar = progress::bar(matched);
    let mut after = 0;
    while report.changed < matched {
        let step = store.change(&filter, change, &args.by, after, AT_ONCE).await?;
        let Some(last) = step.last else { break };
        after = last;
        report.changed += step.changed;
        bar.inc(step.changed);
    }
    Ok(report)
}

/// Why it applies to none of those that were named.
async fn refusal(filter: &Filter, change: Change, store: &dyn Store) -> Result<String, Failure> {
    let found = store.notifications(filter, None, 1).await?;
    let Some(row) = found.first() else {
        return Ok("there is no such notification".to_owned());
    };
    let digest = match telling(row) {
        Some(event) => store.notification_of_event(event).await?,
        None => None,
    };
    Ok(change.refusal(row, digest.map(|digest| digest.id)))
}

fn notifications(count: u64) -> String {
    if count == 1 {
        "1 notification".to_owned()
    } else {
        format!("{count} notifications")
    }
}

const fn past(change: Change) -> &'static str {
    match change {
        Change::Retry => "made due again",
        Change::Cancel => "cancelled",
    }
}
