//! `inq preview`: what an event would become.

use chrono::Utc;
use serde::Serialize;
use serde_json::{Value, json};

use super::{Failure, forecast, output, read_message};
use crate::bus::Record;
use crate::config::Settings;
use crate::contract::{Cancellation, IncentiveType, time};
use crate::ingest::{Asked, Plan, Planner};
use crate::localize::{Catalogues, Reader, Subject};
use crate::sample;
use crate::schedule::{BEST_TIME, DIGEST, QUIET_HOURS};
use crate::store::Beginning;
use crate::story::kept_quiet;

/// Among so many readers every wording finds one, unless there are hundreds of them.
const READERS: i64 = 10_000;

/// Read an event from standard input and print the notification it would become, or cancel; nothing is written.
///
/// Needs neither a database nor a broker.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq preview < event.json
  inq preview --all
  echo '{\"event_id\":\"e-1\",\"user_id\":42,\"incentive_type\":\"streak_reward\",\"language\":\"de\",
    \"incentive_data\":{\"streak_count\":7}}' | inq preview --json

Settings: defaults.* (INQ_DEFAULTS__STREAK_REWARD__PRIORITY, ...), localization.* (INQ_LOCALIZATION__DIR, ...), quiet.*, digest.*.
Exit status: 0 it would become a notification or cancel one, 1 it would become a dead letter (and why).")]
pub struct Args {
    /// Instead, print what an invented event of every type would become in every language, each wording, and what three of them
    /// would become as a digest.
    #[arg(long)]
    pub all: bool,

    /// Print one JSON object; with --all an array.
    #[arg(long)]
    pub json: bool,
}

/// Prints what the event on standard input would become.
///
/// # Errors
/// If it would become a dead letter, with the reason.
#[allow(clippy::unused_async)] // every command is called in the same way
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let forecast = forecast(&settings)?;
    let planner = &forecast.planner;
    if args.all {
        let said = every_message(planner)?;
        return if args.json {
            output::print_json(&said)
        } else {
            output::print(&table(&said))
        };
    }
    let payload = read_message(std::io::stdin().lock(), "standard input", planner.max_event_bytes)?;
    let record = record_of(payload);
    let now = Utc::now();
    let asked = planner.read(&record, now).map_err(|rejection| {
        Failure::Failed(format!(
            "this event would become a dead letter: {}: {}",
            rejection.reason, rejection.detail
        ))
    })?;
    let Plan { row, fell_back, .. } = match asked {
        Asked::Notify(announced) => forecast.of(announced, None, now),
        Asked::Cancel(cancel) => return tell_cancel(&cancel, args.json),
    };
    if args.json {
        return output::print_json(&row);
    }
    let due = row
        .scheduled_at
        .map_or_else(|| "at once".to_owned(), |at| time::format(&at));
    let why: String = row.beginning.iter().map(why).collect();
    let fallback = if fell_back {
        " (no catalogue for the language that was asked for)"
    } else {
        ""
    };
    let variant = match &row.variant {
        Some(variant) => format!("\nvariant   {variant}"),
        None => String::new(),
    };
    let expires = match &row.expires_at {
        Some(at) => format!("\nexpires   {}", time::format(at)),
        None => String::new(),
    };
    output::print(&format!(
        "title     {}\nbody      {}\nlanguage  {}{fallback}{variant}\ntype      {} (notification_type {})\npriority  {}\ndue       \
         {due}{why}{expires}\nuser      {}\nevent     {}\n",
        row.message_title,
        row.message_body.replace('\n', "\n          "),
        row.language,
        row.incentive_type,
        row.notification_type,
        row.priority.get(),
        row.user_id,
        row.event_id,
    ))
}

/// Why it is due then, on a line of its own. Nothing is known of the reader here.
fn why(decided: &Beginning) -> String {
    let said = |name: &str| {
        decided
            .detail
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if decided.is_by(BEST_TIME) {
        let (from, to) = (said("from"), said("to"));
        format!("\nwindow    {from} to {to}, at the reader's best hour once openings tell it")
    } else if decided.is_by(QUIET_HOURS) {
        format!("\nquiet     {}", kept_quiet(&decided.detail))
    } else if decided.is_by(DIGEST) {
        let (window, until) = (said("window"), said("held_until"));
        format!(
            "\ngathered  for {window} with others of its type, until {until}; where some of the reader's are gathered \
             already, with them"
        )
    } else {
        String::new()
    }
}

/// What a cancel would do.
fn tell_cancel(cancel: &Cancellation, json: bool) -> Result<(), Failure> {
    if json {
        return output::print_json(&json!({
            "action": "cancel",
            "event_id": cancel.event_id,
            "user_id": cancel.user_id,
            "occurred_at": cancel.occurred_at.as_ref().map(time::format),
            "reason": cancel.reason,
        }));
    }
    let reason = match &cancel.reason {
        Some(reason) => format!("\nreason    {reason}"),
        None => String::new(),
    };
    output::print(&format!(
        "cancels   the notification of the event below, unless it has left; if that is yet to come, it is stored as cancelled\n\
         user      {}\nevent     {}{reason}\n",
        cancel.user_id, cancel.event_id,
    ))
}

/// A message as a reader would get it.
#[derive(Serialize)]
struct Said {
    language: String,
    incentive_type: IncentiveType,
    /// Whether it tells of several notifications that were gathered.
    digest: bool,
    variant: Option<String>,
    message_title: String,
    message_body: String,
}

/// Every message in every language, as the planner says it, and the digests.
fn every_message(planner: &Planner) -> Result<Vec<Said>, Failure> {
    let catalogues = planner.words.now();
    let mut all = Vec::new();
    for language in catalogues.languages() {
        for kind in IncentiveType::ALL {
            for wording in catalogues.wordings(language, kind) {
                all.push(said(planner, language, kind, wording)?);
            }
            all.extend(digest(&catalogues, language, kind));
        }
    }
    Ok(all)
}

/// An event's words in this wording: which one a reader gets follows from who it is, so one is looked for who gets it.
fn said(planner: &Planner, language: &str, kind: IncentiveType, wording: &str) -> Result<Said, Failure> {
    for user_id in 1..=READERS {
        let event = json!({
            "event_id": "preview",
            "user_id": user_id,
            "incentive_type": kind,
            "language": language,
            "incentive_data": sample::typical(Subject::Single(kind)),
        });
        let plan = planner.plan(&record_of(event.to_string().into_bytes()), Utc::now());
        let Some(Plan { row, .. }) = plan.map_err(|rejection| Failure::Failed(rejection.detail))? else {
            continue;
        };
        if row.variant.as_deref().is_none_or(|variant| variant == wording) {
            return Ok(Said {
                language: row.language,
                incentive_type: kind,
                digest: false,
                variant: row.variant,
                message_title: row.message_title,
                message_body: row.message_body,
            });
        }
    }
    Err(Failure::Failed(format!(
        "no reader of {READERS} gets the wording `{wording}` of `{kind}` in {language}: it has too many"
    )))
}

/// The words of a digest; `None` where the language has none.
fn digest(catalogues: &Catalogues, language: &str, kind: IncentiveType) -> Option<Said> {
    let reader = Reader {
        user_id: 1,
        language: Some(language),
    };
    let data = sample::typical(Subject::Digest(kind));
    let words = catalogues.digest(reader, kind, data.as_object()?)?;
    Some(Said {
        language: words.language,
        incentive_type: kind,
        digest: true,
        variant: words.variant,
        message_title: words.title,
        message_body: words.body,
    })
}

/// Under a heading for each language.
fn table(all: &[Said]) -> String {
    let mut lines = Vec::new();
    let mut language = "";
    for said in all {
        if said.language != language {
            language = &said.language;
            lines.push(language.to_owned());
        }
        let message = match &said.variant {
            _ if said.digest => Subject::Digest(said.incentive_type).to_string(),
            Some(variant) => format!("{}--{variant}", said.incentive_type),
            None => said.incentive_type.to_string(),
        };
        lines.push(format!("  {message:<29}{}", said.message_title));
        lines.extend(said.message_body.lines().map(|line| format!("{:31}{line}", "")));
    }
    lines.join("\n") + "\n"
}

/// The event as if it had come from the topic just now.
fn record_of(payload: Vec<u8>) -> Record {
    Record {
        topic: String::new(),
        partition: 0,
        offset: 0,
        key: None,
        payload: Some(payload),
        headers: Vec::new(),
        timestamp: Some(Utc::now()),
    }
}
