//! `inq show`: one notification and its history.

use super::{Failure, output, store};
use crate::config::Settings;
use crate::contract::{DigestPart, time};
use crate::store::{NOBODY, Store};
use crate::story::{Moment, ToldStory};

/// Which notification: by its id, or by its event.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// The notification's id.
    #[arg(value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    pub id: Option<i64>,

    /// The id of the event that it came from.
    #[arg(long, value_name = "EVENT_ID")]
    pub event: Option<String>,
}

/// Print one notification and everything that happened to it.
///
/// Times are in UTC and, where the reader's time zone is known, by the clock on the reader's wall.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq show 1234
  inq show --event order-77-points --json

Setting: database.url (DATABASE_URL). Exit status: 0 found, 1 not found or not reached.")]
pub struct Args {
    /// Which one.
    #[command(flatten)]
    pub which: Which,

    /// Print one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Prints one notification and its story.
///
/// # Errors
/// If the database cannot be reached, or there is no such notification.
pub async fn run(args: Args, settings: Settings) -> Result<(), Failure> {
    let store = store(&settings).await?;
    let found = found(&args.which, store.as_ref()).await;
    store.close().await;
    let shown = found?;
    if args.json {
        return output::print_json(&shown);
    }
    output::print(&text(&shown))
}

async fn found(which: &Which, store: &dyn Store) -> Result<ToldStory, Failure> {
    let now = store.now().await?;
    let (found, lack) = match (which.id, &which.event) {
        (Some(id), _) => (
            ToldStory::of(store, id, now).await?,
            format!("there is no notification {id}"),
        ),
        (None, Some(event)) => (
            ToldStory::of_event(store, event, now).await?,
            format!(
                "there is no notification of the event {event}: it has not been stored yet, or it was removed, or it became a \
                 dead letter; `inq dead-letters list --topic events --limit 1000` shows those, each with its event"
            ),
        ),
        (None, None) => return Err(Failure::Usage("name a notification or an event".to_owned())),
    };
    found.ok_or(Failure::Failed(lack))
}

/// What is printed for people.
#[must_use]
pub fn text(story: &ToldStory) -> String {
    let row = &story.notification;
    let mut lines = vec![
        format!(
            "notification {}  {}  {} for {}, priority {}",
            row.id,
            row.status,
            row.incentive_type,
            match row.user_id {
                NOBODY => "a user who was forgotten".to_owned(),
                user_id => format!("user {user_id}"),
            },
            row.priority.get()
        ),
        format!("event         {}", row.event_id),
        format!("title         {}", row.message_title),
    ];
    for (number, line) in row.message_body.lines().enumerate() {
        let label = if number == 0 { "body" } else { "" };
        lines.push(format!("{label:<13} {line}"));
    }
    lines.push(format!("language      {}", row.language));
    if let Some(zone) = &story.reader_timezone {
        lines.push(format!("time zone     {zone}"));
    }
    if let Some(variant) = &row.variant {
        lines.push(format!("variant       {variant}"));
    }
    lines.push(format!("attempts      {}", row.attempts));
    if let Some(digest) = &row.digest_event_id {
        let id = story
            .digest
            .as_ref()
            .map(|digest| format!(" (notification {})", digest.id));
        lines.push(format!("digest        {digest}{}", id.unwrap_or_default()));
    }
    lines.extend(parts(story.parts.as_deref().unwrap_or_default()));
    if let Some(error) = &row.last_error {
        lines.push(format!("last error    {error}"));
    }
    lines.push(String::new());
    lines.extend(happened(story));
    let lines: Vec<_> = lines.iter().map(|line| output::plain(line)).collect();
    lines.join("\n") + "\n"
}

/// What a digest tells of.
fn parts(parts: &[DigestPart]) -> impl Iterator<Item = String> {
    let labels = std::iter::once("parts").chain(std::iter::repeat(""));
    parts.iter().zip(labels).map(|(part, label)| {
        let points = part.points.map(|points| format!(", {points} points"));
        format!("{label:<13} {}{}", part.event_id, points.unwrap_or_default())
    })
}

/// What happened and how it stands, each with its time: in UTC, and where it is known by the reader's clock.
fn happened(story: &ToldStory) -> impl Iterator<Item = String> {
    // Who lives by UTC has read it already.
    let is_elsewhere = story.reader_timezone.as_deref().is_some_and(|zone| zone != "UTC");
    let local = move |moment: &'_ Moment| {
        moment
            .at_local
            .clone()
            .filter(|_| is_elsewhere)
            .unwrap_or_default()
    };
    let longest = story.timeline.iter().map(|moment| local(moment).len()).max();
    let column = longest
        .filter(|length| *length > 0)
        .map_or(0, |length| length + 2);
    let line = move |at: &str, local: &str, told: &str| format!("{at:24}  {local:column$}{told}");
    let told = story
        .timeline
        .iter()
        .map(move |moment| line(&time::format(&moment.at), &local(moment), &moment.told));
    told.chain(std::iter::once(line("now", "", &story.standing)))
}
