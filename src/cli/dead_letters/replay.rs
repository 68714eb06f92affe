//! `inq dead-letters replay`: back to where they came from.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::super::{Failure, cluster_settings, confirm, output, planner, progress, read_message};
use super::tally::{Tally, letters};
use super::{Topic, reason_parser};
use crate::bus::{Cluster, DeadLetterTopic, Extent};
use crate::config::Settings;
use crate::contract::Reason;
use crate::replay::{Content, Prepared, Replay};

/// Put dead letters back into the topic that they came from.
///
/// Each is checked first: what would come back as a dead letter is refused, with the field and the fault. It keeps its key
/// and its own headers, and gets a new time: an event that does not say `occurred_at` occurred when it was put back. Going
/// back twice is harmless: an event that has its row already, and a result that was applied, change nothing.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq dead-letters replay --topic events --partition 0 --offset 17 --payload corrected.json
  inq dead-letters replay --topic results --reason unsettled --dry-run
  inq dead-letters replay --topic events --all --yes

Letters stay in the dead-letter topic: --reason and --all put back each time all that retention has left there.
Exit status: 0 all are put back (or with --dry-run: would be), 1 not all, 2 wrong usage or settings.")]
pub struct Args {
    /// Whose dead letters.
    #[arg(long, value_enum)]
    topic: Topic,

    /// Which.
    #[command(flatten)]
    which: Which,

    /// The letter's offset in --partition.
    #[arg(long, value_name = "O", requires = "partition", value_parser = clap::value_parser!(i64).range(0..))]
    offset: Option<i64>,

    /// Send this file's content (`-`: standard input) instead of the letter's own, which may be cut or broken.
    #[arg(long, value_name = "FILE", requires = "partition", conflicts_with = "force")]
    payload: Option<PathBuf>,

    /// Only say what would be put back, and what refused.
    #[arg(long)]
    dry_run: bool,

    /// Put back many without being asked.
    #[arg(long)]
    yes: bool,

    /// Put back also what would come back as a dead letter.
    #[arg(long)]
    force: bool,
}

/// One letter, those of a reason, or all.
#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
pub struct Which {
    /// One letter: its partition in the dead-letter topic.
    #[arg(long, value_name = "P", requires = "offset", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,

    /// Those of one reason.
    #[arg(long, value_name = "REASON", value_parser = reason_parser())]
    reason: Option<Reason>,

    /// All that are there.
    #[arg(long)]
    all: bool,
}

pub(super) async fn run(args: Args, settings: &Settings) -> Result<(), Failure> {
    let is_bulk = args.which.partition.is_none();
    let is_asked = is_bulk && !args.yes && !args.dry_run;
    if is_asked && !confirm::is_possible() {
        return Err(Failure::Usage(
            "there is no terminal to ask whether many letters shall be put back: look with --dry-run, then say --yes"
                .to_owned(),
        ));
    }
    let planner = planner(settings)?;
    let mut content = if args.force {
        Content::OwnUnchecked
    } else {
        Content::Own
    };
    if let Some(file) = &args.payload {
        content = Content::Corrected(corrected(file, planner.max_event_bytes)?);
    }
    let topic = args.topic.open(settings);
    let cluster = Cluster::new(cluster_settings(settings));
    let replay = Replay::open(&cluster, &settings.topics, planner).await?;
    if let Some((partition, offset)) = args.which.partition.zip(args.offset) {
        return one(&topic, partition, offset, &replay, content, args.dry_run).await;
    }
    let many = Many {
        extent: topic.extent().await?,
        topic: &topic,
        reason: args.which.reason,
        replay: &replay,
        content,
    };
    let mut tally = Tally::default();
    if args.dry_run || is_asked {
        let looked = many.work(&mut tally, false).await;
        output::print(&tally.text("would be put back"))?;
        looked?;
    }
    if is_asked {
        if tally.put_back == 0 {
            return all_went(&tally);
        }
        confirm::ask(
            &format!("Put {} back?", letters(tally.put_back)),
            "nothing is put back",
        )?;
    }
    if !args.dry_run {
        tally = Tally::default();
        let done = many.work(&mut tally, true).await;
        // What was put back is said even where it ended early.
        output::print(&tally.text("put back"))?;
        done?;
    }
    all_went(&tally)
}

fn all_went(tally: &Tally) -> Result<(), Failure> {
    if tally.refused == 0 {
        return Ok(());
    }
    Err(Failure::Failed(format!(
        "{} refused: correct each with --payload, or say --force for those that would come back",
        letters(tally.refused)
    )))
}

async fn one(
    topic: &DeadLetterTopic,
    partition: i32,
    offset: i64,
    replay: &Replay,
    content: Content,
    dry_run: bool,
) -> Result<(), Failure> {
    let Some(letter) = topic.letter(partition, offset).await? else {
        return Err(Failure::Failed(format!(
            "there is no letter {}/{partition}/{offset}: `inq dead-letters list` shows those that are there",
            topic.name()
        )));
    };
    let place = letter.place();
    let refused = |why: String| Failure::Failed(output::plain(&format!("{place} is not put back: {why}")));
    let prepared = replay
        .prepare(letter, content)
        .map_err(|refusal| refused(refusal.to_string()))?;
    let destination = prepared.topic.clone();
    if dry_run {
        return output::print(&format!("{place} would be put back into {destination}\n"));
    }
    for became in replay.put_back(vec![prepared]).await? {
        became.map_err(|refusal| refused(refusal.to_string()))?;
    }
    output::print(&format!("{place} is put back into {destination}\n"))
}

/// Letters of a topic that are worked through together.
struct Many<'a> {
    topic: &'a DeadLetterTopic,
    /// What was there when the command began: what comes back meanwhile is not put back again.
    extent: Extent,
    reason: Option<Reason>,
    replay: &'a Replay,
    content: Content,
}

impl Many<'_> {
    /// Puts them back, or only looks.
    async fn work(&self, tally: &mut Tally, put_back: bool) -> Result<(), Failure> {
        let bar = progress::bar(self.extent.len());
        let mut portions = self.topic.read(self.extent.clone());
        let code = self.reason.map(Reason::as_str);
        while let Some(portion) = portions.recv().await {
            let portion = portion?;
            let seen = portion.len();
            let mut places = Vec::new();
            let mut ready: Vec<Prepared> = Vec::new();
            for letter in portion {
                if code.is_some() && letter.put_aside.reason.as_deref() != code {
                    continue;
                }
                let place = letter.place();
                match self.replay.prepare(letter, self.content.clone()) {
                    Ok(prepared) => {
                        places.push(place);
                        ready.push(prepared);
                    }
                    Err(refusal) => tally.refuse(place, refusal.to_string()),
                }
            }
            if put_back {
                let became = self.replay.put_back(ready).await?;
                for (place, became) in places.into_iter().zip(became) {
                    match became {
                        Ok(()) => tally.put_back += 1,
                        Err(refusal) => tally.refuse(place, refusal.to_string()),
                    }
                }
            } else {
                tally.put_back += u64::try_from(ready.len()).unwrap_or(u64::MAX);
            }
            bar.inc(u64::try_from(seen).unwrap_or(0));
        }
        Ok(())
    }
}

fn corrected(file: &Path, max_bytes: usize) -> Result<Vec<u8>, Failure> {
    if file == Path::new("-") {
        return read_message(std::io::stdin().lock(), "standard input", max_bytes);
    }
    let name = file.display().to_string();
    let opened = File::open(file).map_err(|fault| Failure::Failed(format!("cannot read {name}: {fault}")))?;
    read_message(opened, &name, max_bytes)
}
