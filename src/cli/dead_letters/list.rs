//! `inq dead-letters list`: what was put aside, and why.

use std::cmp::Reverse;

use super::super::{Failure, output};
use super::{Topic, reason_parser};
use crate::bus::{Letter, Stretch, Wanted};
use crate::config::Settings;
use crate::contract::{Reason, time};

/// Print the newest dead letters: where each stands, why it was put aside, what it says.
///
/// A letter's place is topic/partition/offset. With --json a letter is printed as a whole, its content as text where it is
/// UTF-8 (`payload`), else as base64 (`payload_base64`). Of each topic, letters of 32 MiB together are printed at most.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq dead-letters list
  inq dead-letters list --topic results --reason unsettled --limit 1000
  inq dead-letters list --topic events --partition 0 --offset 17 --limit 1 --json | jq -r '.[0].payload' > event.json

Exit status: 0 printed, if only that there are none; 1 not reached; 2 wrong usage or settings.")]
pub struct Args {
    /// Only those of one topic; of all where none is named.
    #[arg(long, value_enum)]
    topic: Option<Topic>,

    /// Only those of one reason.
    #[arg(long, value_name = "REASON", value_parser = reason_parser())]
    reason: Option<Reason>,

    /// Print so many at most, 1 to 1000.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
    limit: u16,

    /// Only those of this partition, from --offset backwards.
    #[arg(long, value_name = "P", requires = "offset", requires = "topic", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,

    /// The newest to print, in --partition.
    #[arg(long, value_name = "O", requires = "partition", value_parser = clap::value_parser!(i64).range(0..))]
    offset: Option<i64>,

    /// Print one JSON array.
    #[arg(long)]
    json: bool,
}

/// The most characters of a payload that are printed for people, and the most bytes that are looked at for them.
const BEGINNING: (usize, usize) = (160, 1024);

pub(super) async fn run(args: Args, settings: &Settings) -> Result<(), Failure> {
    let topics = args.topic.map_or_else(
        || {
            let of_preferences = settings.topics.preferences.as_ref();
            let of_preferences = of_preferences.map(|_| Topic::Preferences);
            [Topic::Events, Topic::Results]
                .into_iter()
                .chain(of_preferences)
                .collect()
        },
        |topic| vec![topic],
    );
    let wanted = Wanted {
        limit: usize::from(args.limit),
        reason: args.reason,
        of: args
            .partition
            .zip(args.offset)
            .map(|(partition, offset)| Stretch::up_to(partition, offset)),
        ..Wanted::default()
    };
    let mut letters = Vec::new();
    let mut more = false;
    for topic in topics {
        let found = topic.open(settings).newest(wanted.clone()).await?;
        letters.extend(found.letters);
        more |= found.rest.is_some();
    }
    letters.sort_by_key(|letter| Reverse(letter.record.timestamp));
    more |= letters.len() > wanted.limit;
    letters.truncate(wanted.limit);
    if args.json {
        return output::print_json(&letters);
    }
    let mut blocks: Vec<String> = letters.iter().map(text).collect();
    if letters.is_empty() {
        blocks.push("no dead letters\n".to_owned());
    }
    if more {
        blocks.push(format!(
            "There may be older ones: --limit (now {}, at most {}), --reason, or --partition and --offset show others.\n",
            args.limit,
            Wanted::MOST
        ));
    }
    output::print(&blocks.join("\n"))
}

fn text(letter: &Letter) -> String {
    let (record, told) = (&letter.record, &letter.put_aside);
    let at = |time: &Option<_>| time.as_ref().map_or_else(|| "(no time)".to_owned(), time::format);
    let mut lines = vec![format!(
        "{}  {}  {}",
        letter.place(),
        at(&record.timestamp),
        told.reason.as_deref().unwrap_or("(no reason)"),
    )];
    let mut say = |label: &str, text: &str| lines.push(format!("  {label:<8} {text}"));
    if let Some(detail) = &told.detail {
        say("detail", detail);
    }
    if let Some(origin) = &told.origin {
        let place = format!("{}/{}/{}", origin.topic, origin.partition, origin.offset);
        say("from", &format!("{place}  {}", at(&origin.timestamp)));
    }
    let mentioned = letter.mentioned();
    if let Some(event) = &mentioned.event_id {
        say("event", event);
    }
    if let Some(id) = mentioned.notification_id {
        say("about", &format!("notification {id}"));
    }
    if let Some(key) = &record.key {
        say("key", &beginning(key));
    }
    match (&record.payload, told.cut_from) {
        (None, _) => say("payload", "(none)"),
        (Some(payload), None) => say("payload", &beginning(payload)),
        (Some(payload), Some(length)) => {
            say("payload", &beginning(payload));
            say("cut", &format!("the first {} of {length} bytes", payload.len()));
        }
    }
    let lines: Vec<_> = lines.iter().map(|line| output::plain(line)).collect();
    lines.join("\n") + "\n"
}

/// The beginning of some bytes as one line; what is not UTF-8 becomes U+FFFD.
fn beginning(bytes: &[u8]) -> String {
    let (characters, looked_at) = BEGINNING;
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(looked_at)]).into_owned();
    let line = text.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    let cut: String = line.chars().take(characters).collect();
    let whole = cut.len() == line.len() && bytes.len() <= looked_at;
    if whole { cut } else { cut + "…" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_payload_is_one_line() {
        assert_eq!(beginning(b"{\n  \"a\": 1\n}\n"), "{ \"a\": 1 }");
        assert_eq!(beginning(&[b'a', 0xff, b'b']), "a\u{fffd}b");
        let long = beginning("ñ".repeat(10_000).as_bytes());
        assert_eq!(long.chars().count(), BEGINNING.0 + 1);
        assert!(long.ends_with("ñ…"));
    }
}
