//! `inq broadcast`: one event for each reader of a segment.

mod start;
mod watch;

use std::fmt::Write as _;

use clap::Subcommand;

use super::{Failure, output, store};
use crate::config::Settings;
use crate::contract::time;
use crate::store::{Broadcast, BroadcastOrder, Store};

/// Make an event once for each reader of a segment, at a set rate.
///
/// Readers and their segments are those of the preferences. The service does the work (the stage `maintain`): a command
/// only says what is to be done. A reader is looked at when the broadcast comes to their id; who joins the segment later
/// with a lower id is left out. No reader gets it twice, whatever crashes.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq broadcast start event.json --segment vip --rate 100 --dry-run
  inq broadcast start event.json --segment vip --rate 100 --name spring-sale
  inq broadcast show 1 --watch
  inq broadcast pause 1

Settings: database.url (DATABASE_URL); for texts and quiet hours defaults.*, localization.*, quiet.*.")]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with broadcasts.
#[derive(Debug, Subcommand)]
#[allow(missing_docs)]
pub enum Command {
    Start(start::Args),
    /// List broadcasts, the newest first.
    List {
        /// At most so many.
        #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
        limit: u32,
        /// Print one JSON array.
        #[arg(long)]
        json: bool,
    },
    Show(watch::Args),
    /// Hold a broadcast up that is running.
    Pause(Which),
    /// Let a broadcast go on that was paused.
    Resume(Which),
    /// End a broadcast for good; the events that it has made stay.
    Stop(Which),
}

/// A broadcast.
#[derive(Debug, clap::Args)]
pub struct Which {
    /// Its id.
    #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub id: i64,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Starts a broadcast, looks at one or all, or gives one an order.
///
/// # Errors
/// If the database cannot be reached, the event would become a dead letter, there is no such broadcast, or it is not in a
/// state for what is asked.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    if let Command::Start(args) = args.command {
        return start::run(args, &settings).await;
    }
    let store = store(&settings).await?;
    let done = asked(args.command, store.as_ref()).await;
    store.close().await;
    done
}

async fn asked(command: Command, store: &dyn Store) -> Result<(), Failure> {
    match command {
        // It needs more than the store.
        Command::Start(_) => Ok(()),
        Command::List { limit, json } => list(store, limit, json).await,
        Command::Show(args) => watch::run(&args, store).await,
        Command::Pause(which) => order(store, BroadcastOrder::Pause, &which).await,
        Command::Resume(which) => order(store, BroadcastOrder::Resume, &which).await,
        Command::Stop(which) => order(store, BroadcastOrder::Stop, &which).await,
    }
}

async fn list(store: &dyn Store, limit: u32, json: bool) -> Result<(), Failure> {
    let found = store.broadcasts(None, limit).await?;
    if json {
        return output::print_json(&found);
    }
    if found.is_empty() {
        return output::print("no broadcasts\n");
    }
    let mut text = String::new();
    for broadcast in &found {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{}", output::plain(&line(broadcast)));
    }
    output::print(&text)
}

async fn order(store: &dyn Store, order: BroadcastOrder, which: &Which) -> Result<(), Failure> {
    let is_given = store.order_broadcast(which.id, order).await?;
    let broadcast = found(store, which.id).await?;
    if !is_given {
        return Err(Failure::Failed(order.refusal(&broadcast)));
    }
    say(&broadcast, which.json)
}

async fn found(store: &dyn Store, id: i64) -> Result<Broadcast, Failure> {
    store
        .broadcast(id)
        .await?
        .ok_or_else(|| Failure::Failed(format!("there is no broadcast {id}: see `inq broadcast list`")))
}

/// Prints how a broadcast stands.
fn say(broadcast: &Broadcast, json: bool) -> Result<(), Failure> {
    if json {
        return output::print_json(broadcast);
    }
    let mut lines = vec![
        line(broadcast),
        format!("event         {}", broadcast.event.get()),
        format!(
            "started       {} by {}",
            time::format(&broadcast.created_at),
            broadcast.started_by
        ),
        format!("looked at     {} users", broadcast.looked_at),
    ];
    lines.push(match &broadcast.ended_at {
        Some(ended) => format!("ended         {}", time::format(ended)),
        None => format!("moved last    {}", time::format(&broadcast.updated_at)),
    });
    let lines: Vec<_> = lines.iter().map(|line| output::plain(line)).collect();
    output::print(&(lines.join("\n") + "\n"))
}

fn line(broadcast: &Broadcast) -> String {
    let name = match &broadcast.name {
        Some(name) => format!("  {name}"),
        None => String::new(),
    };
    let of = match broadcast.expected {
        Some(expected) => format!(" of {expected}"),
        None => String::new(),
    };
    format!(
        "broadcast {}{name}  {}  {}{of} events for {}, {} a second",
        broadcast.id,
        broadcast.state,
        broadcast.produced,
        whom(broadcast.segment.as_deref()),
        broadcast.rate
    )
}

/// Whom it is for, in words.
fn whom(segment: Option<&str>) -> String {
    match segment {
        Some(segment) => format!("the segment {segment}"),
        None => "every known user".to_owned(),
    }
}
