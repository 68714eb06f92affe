//! `inq forget`: nothing is left of a user but the figures.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::{Failure, cluster_settings, confirm, output, store};
use crate::bus::{Cluster, Outgoing, Producer};
use crate::config::Settings;
use crate::contract::time;
use crate::store::{Filter, Forgetting, Status, Store};

/// Forget a user: what waits is called off, rows and histories become anonymous, preferences and archived lines go.
///
/// This command writes the request down; an instance of the service that runs `maintain` does it, within a minute, and
/// rewrites the archive after that. Figures stay as they are. Events from before are not stored when they come again. What
/// Kafka's topics and backups hold is not reached: see "Forgetting" in the README.
#[allow(clippy::struct_excessive_bools)] // flags, each said or not, whatever the others are
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq forget 42 --dry-run
  inq forget 42 --by \"Ada, ticket 17\" --yes --wait

With --dry-run it also says how far an earlier request is.

Settings: database.url (DATABASE_URL), topics.preferences and kafka.brokers where that topic is set. Exit status: 0 done, \
1 not reached or not done in time, 2 wrong usage.")]
pub struct Args {
    /// The user's id.
    #[arg(value_name = "USER", value_parser = clap::value_parser!(i64).range(1..))]
    pub user: i64,

    /// Only say what is known of the user, and how far an earlier request is.
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask.
    #[arg(long)]
    pub yes: bool,

    /// Wait until it is done, at most ten minutes.
    #[arg(long)]
    pub wait: bool,

    /// Who asks for it; kept with the request.
    #[arg(long, value_name = "NAME", default_value = "the command line")]
    pub by: String,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// How long it is waited for, and how often it is looked at.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
const LOOK_EVERY: Duration = Duration::from_secs(1);

#[derive(Serialize)]
struct Report {
    user_id: i64,
    /// Notifications of the user, before.
    notifications: u64,
    /// Those of them that wait to leave.
    pending: u64,
    /// Whether the user had preferences.
    preferences: bool,
    /// The request, and how far it is; `None`: nobody has asked.
    request: Option<Forgetting>,
    dry_run: bool,
}

/// Asks that the user be forgotten.
///
/// # Errors
/// If the database or the topic of preferences cannot be reached, if nobody said yes, or if it is not done in time.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let store = store(&settings).await?;
    let done = forget(&args, &settings, store.as_ref()).await;
    store.close().await;
    let report = done?;
    if args.json {
        return output::print_json(&report);
    }
    output::print(&text(&report))
}

async fn forget(args: &Args, settings: &Settings, store: &dyn Store) -> Result<Report, Failure> {
    let all = Filter {
        user_id: Some(args.user),
        ..Filter::default()
    };
    let pending = Filter {
        status: Some(Status::Pending),
        ..all.clone()
    };
    let mut report = Report {
        user_id: args.user,
        notifications: store.count(&all, None).await?,
        pending: store.count(&pending, None).await?,
        preferences: !store.preferences(&[args.user]).await?.is_empty(),
        request: store.forgetting(args.user).await?,
        dry_run: args.dry_run,
    };
    if args.dry_run {
        return Ok(report);
    }
    if !args.yes {
        confirm::require(&format!(
            "User {} will be forgotten: {} notifications, {} of them waiting. This cannot be undone.",
            args.user, report.notifications, report.pending
        ))?;
    }
    report.request = Some(store.request_forgetting(args.user, &args.by).await?);
    empty_record(args.user, settings).await?;
    if args.wait {
        report.request = wait(args.user, store).await?;
    }
    Ok(report)
}

/// Where preferences come from a topic, it must forget them too, or they would come back from it.
async fn empty_record(user: i64, settings: &Settings) -> Result<(), Failure> {
    let Some(topic) = &settings.topics.preferences else {
        return Ok(());
    };
    let untold = |why: &dyn std::fmt::Display| {
        Failure::Failed(format!(
            "the request is written down, and the topic {topic} has not got its empty record ({why}): repeat the command"
        ))
    };
    let cluster = Cluster::new(cluster_settings(settings));
    let record = Outgoing {
        key: Some(user.to_string().into_bytes()),
        payload: None,
        headers: Vec::new(),
    };
    let producer = Producer::new(&cluster).map_err(|error| untold(&error))?;
    let unsent = producer
        .send(topic, vec![record])
        .await
        .map_err(|error| untold(&error))?;
    match unsent.first() {
        None => Ok(()),
        Some(unsent) => Err(untold(&unsent.error)),
    }
}

async fn wait(user: i64, store: &dyn Store) -> Result<Option<Forgetting>, Failure> {
    let begun = Instant::now();
    loop {
        let request = store.forgetting(user).await?;
        if request.as_ref().is_none_or(|request| request.done_at.is_some()) {
            return Ok(request);
        }
        if begun.elapsed() >= LONGEST_WAIT {
            return Err(Failure::Failed(format!(
                "user {user} is not forgotten yet: the request stays, and `inq forget {user} --dry-run` says how far it is; \
                 does an instance run `maintain`, and is a claim in doubt (`inq claims list`)?"
            )));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn text(report: &Report) -> String {
    let mut text = String::new();
    if report.dry_run {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "user {}: {} notifications, {} of them waiting, {}",
            report.user_id,
            report.notifications,
            report.pending,
            if report.preferences {
                "preferences"
            } else {
                "no preferences"
            }
        );
    }
    let Some(request) = &report.request else {
        text.push_str("nobody has asked to forget this user\n");
        return text;
    };
    let _ = writeln!(
        text,
        "to be forgotten as of {}, asked for by {}",
        time::format(&request.as_of),
        output::plain(&request.requested_by)
    );
    let _ = match (&request.erased_at, &request.done_at) {
        (_, Some(done)) => writeln!(text, "done at {}", time::format(done)),
        (Some(erased), None) => writeln!(
            text,
            "nothing is left in the database since {}; the archive is being rewritten",
            time::format(erased)
        ),
        (None, None) => writeln!(text, "not done yet"),
    };
    text
}
