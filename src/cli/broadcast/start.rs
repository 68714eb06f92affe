//! `inq broadcast start`: counted and shown first, then started.

use std::fs::File;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use serde_json::Value;

use super::super::{Failure, confirm, forecast, output, progress, read_message, store};
use super::{say, whom};
use crate::broadcast::{Draft, HIGHEST_RATE};
use crate::config::{Settings, duration};
use crate::contract::{SEGMENT, is_segment, time};
use crate::ingest::Forecast;
use crate::rehearsal::{Preview, Rehearsal};
use crate::store::{Broadcast, NewBroadcast, Store};
use crate::story::kept_quiet;

/// Count the readers of a segment, show what they would be told, and start it.
#[derive(Debug, clap::Args)]
#[allow(clippy::struct_excessive_bools)] // each flag says something of its own
pub struct Args {
    /// The event as JSON, without `event_id` and `user_id`; `-`, or nothing: from standard input.
    #[arg(value_name = "FILE")]
    pub event: Option<PathBuf>,

    /// For the readers of this segment.
    #[arg(long, value_name = "NAME", value_parser = segment, required_unless_present = "all")]
    pub segment: Option<String>,

    /// For every reader who is known instead.
    #[arg(long, conflicts_with = "segment")]
    pub all: bool,

    /// The most events a second.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(HIGHEST_RATE)))]
    pub rate: u32,

    /// A name of your choice: a second broadcast of this name is not started, so that the command can be repeated.
    #[arg(long, value_name = "NAME", value_parser = name)]
    pub name: Option<String>,

    /// Only count, and show what the first of them would be told.
    #[arg(long)]
    pub dry_run: bool,

    /// Do not ask.
    #[arg(long)]
    pub yes: bool,

    /// Who starts it.
    #[arg(long, value_name = "NAME", default_value = "the command line")]
    pub by: String,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Report {
    #[serde(flatten)]
    rehearsal: Rehearsal,
    /// The new one, or that of the same name; `None` if it was only counted.
    broadcast: Option<Broadcast>,
}

/// Counts, shows, asks and starts.
///
/// # Errors
/// If the event would become a dead letter, nobody said yes, another broadcast has the name, or the database cannot be
/// reached.
pub async fn run(args: Args, settings: &Settings) -> Result<(), Failure> {
    let forecast = forecast(settings)?;
    let draft = read(&args, forecast.planner.max_event_bytes)?;
    let store = store(settings).await?;
    let done = start(&args, &forecast, &draft, store.as_ref()).await;
    store.close().await;
    let report = done?;
    if args.json {
        return output::print_json(&report);
    }
    match &report.broadcast {
        Some(broadcast) => say(broadcast, false),
        None => output::print(&told(&args, &report.rehearsal)),
    }
}

fn read(args: &Args, max_event_bytes: usize) -> Result<Draft, Failure> {
    let from = args.event.as_ref().filter(|path| path.as_os_str() != "-");
    let text = match from {
        None => read_message(std::io::stdin().lock(), "standard input", max_event_bytes)?,
        Some(path) => {
            let name = path.display().to_string();
            let file =
                File::open(path).map_err(|fault| Failure::Failed(format!("cannot read {name}: {fault}")))?;
            read_message(file, &name, max_event_bytes)?
        }
    };
    Draft::read(&text, max_event_bytes).map_err(|rejection| {
        Failure::Failed(format!(
            "this event cannot be broadcast: {}: {}",
            rejection.reason, rejection.detail
        ))
    })
}

async fn start(
    args: &Args,
    forecast: &Forecast,
    draft: &Draft,
    store: &dyn Store,
) -> Result<Report, Failure> {
    let segment = args.segment.as_deref();
    let counted = progress::spinner("users looked at");
    let rehearsal = Rehearsal::of(store, forecast, draft, segment, None, |looked_at| {
        counted.set_position(looked_at);
    })
    .await?;
    counted.finish_and_clear();
    if args.dry_run {
        return Ok(Report {
            rehearsal,
            broadcast: None,
        });
    }
    if !args.yes {
        confirm::require(&told(args, &rehearsal))?;
    }
    let new = NewBroadcast {
        name: args.name.clone(),
        event: draft.text().to_owned(),
        segment: args.segment.clone(),
        rate: args.rate,
        by: args.by.clone(),
        expected: rehearsal.expected(),
    };
    let started = store.start_broadcast(&new).await?;
    if !started.is_new && !started.broadcast.is_of(&new) {
        return Err(Failure::Failed(format!(
            "broadcast {} has this name, and another event, segment or rate: choose another name",
            started.broadcast.id
        )));
    }
    Ok(Report {
        rehearsal,
        broadcast: Some(started.broadcast),
    })
}

/// How many, for how long, and what the first of them are told.
fn told(args: &Args, rehearsal: &Rehearsal) -> String {
    let mut lines: Vec<_> = rehearsal.previews.iter().flat_map(shown).collect();
    let seconds = rehearsal.users.div_ceil(u64::from(args.rate));
    let takes = match seconds {
        0..=600 => Duration::from_secs(seconds),
        more => Duration::from_secs(more.div_ceil(60) * 60),
    };
    lines.push(format!(
        "{} of {} users get it ({}), at {} a second within {}.",
        rehearsal.users,
        rehearsal.looked_at,
        whom(args.segment.as_deref()),
        args.rate,
        duration::text(takes)
    ));
    let lines: Vec<_> = lines.iter().map(|line| output::plain(line)).collect();
    lines.join("\n") + "\n"
}

fn shown(preview: &Preview) -> Vec<String> {
    let mut lines = vec![
        format!(
            "user {}  {}  {}",
            preview.user_id,
            preview.language,
            when(preview)
        ),
        format!("  {}", preview.message_title),
    ];
    lines.extend(preview.message_body.lines().map(|line| format!("  {line}")));
    lines
}

/// When it leaves, and why then.
fn when(preview: &Preview) -> String {
    if let Some(why) = &preview.suppressed {
        let why = match why.get("rule").and_then(Value::as_str) {
            Some("cap") => "the user gets enough notifications without it",
            _ => "the user has opted out of such notifications",
        };
        return format!("is not sent: {why}");
    }
    let held = preview.held.as_ref().map(kept_quiet);
    let leaves = format!("leaves at {}", time::format(&preview.due_at));
    let gathered = preview.gathered.as_ref().map(|gathered| {
        let window = gathered.get("window").and_then(Value::as_str).unwrap_or_default();
        format!(
            "{leaves}, or with what is gathered of the user's already: others of its type are gathered with it for \
             {window}"
        )
    });
    match (held, gathered) {
        (None, None) => leaves,
        (held, gathered) => {
            let said: Vec<_> = held.into_iter().chain(gathered).collect();
            said.join("; ")
        }
    }
}

fn segment(text: &str) -> Result<String, String> {
    is_segment(text)
        .then(|| text.to_owned())
        .ok_or_else(|| format!("must be {SEGMENT}"))
}

fn name(text: &str) -> Result<String, String> {
    (1..=128)
        .contains(&text.chars().count())
        .then(|| text.to_owned())
        .ok_or_else(|| "must be 1 to 128 characters".to_owned())
}
