//! `inq catalogue`: what is wrong with catalogues, and what a language lacks.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::Serialize;

use super::{Failure, output};
use crate::config::Settings;
use crate::localize::{BODY_COLUMNS, CatalogueError, Catalogues, Comparison, Subject, TITLE_COLUMNS};
use crate::sample;

/// Check the catalogues of the words, or compare a language with the fallback language.
///
/// The catalogues are those that are compiled in, overridden message by message by the files of `localization.dir`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  inq catalogue check --dir locales
  inq catalogue diff it --dir locales

Settings: localization.dir (INQ_LOCALIZATION__DIR), localization.fallback (INQ_LOCALIZATION__FALLBACK).")]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with catalogues.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Print everything that is wrong, with its file and line; exit status 1 if there is anything.
    Check {
        /// The directory of catalogues, instead of localization.dir.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Print what a language lacks that the fallback language has, and what is longer than a phone shows.
    ///
    /// A title is longer if it has more than 50 characters, a body if it has more than 150, with the data of a typical event;
    /// Chinese and Japanese characters count two. A type without a digest is told, too: its notifications are not gathered in
    /// that language. A catalogue that is not complete yet can be compared, too.
    Diff {
        /// The language, a BCP 47 tag.
        #[arg(value_name = "LANG")]
        language: String,
        /// The directory of catalogues, instead of localization.dir.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
        /// Print one JSON object.
        #[arg(long)]
        json: bool,
    },
}

#[derive(Serialize)]
struct Checked {
    languages: Vec<String>,
    faults: Vec<CatalogueError>,
}

/// Checks or compares catalogues.
///
/// # Errors
/// If there is anything wrong with them, or no such language.
pub fn run(args: &Args, settings: &Settings) -> Result<(), Failure> {
    let localization = &settings.localization;
    let set = localization.dir.as_deref();
    match &args.command {
        Command::Check { dir, json } => check(dir.as_deref().or(set), &localization.fallback, *json),
        Command::Diff { language, dir, json } => {
            diff(language, dir.as_deref().or(set), &localization.fallback, *json)
        }
    }
}

fn check(dir: Option<&Path>, fallback: &str, json: bool) -> Result<(), Failure> {
    let checked = match Catalogues::load(dir, fallback) {
        Ok(catalogues) => Checked {
            languages: catalogues.languages().map(str::to_owned).collect(),
            faults: Vec::new(),
        },
        Err(errors) => Checked {
            languages: Vec::new(),
            faults: errors.iter().cloned().collect(),
        },
    };
    if json {
        output::print_json(&checked)?;
    } else if checked.faults.is_empty() {
        output::print(&format!("right: {}\n", checked.languages.join(", ")))?;
    } else {
        output::print(&lines(&checked.faults))?;
    }
    match checked.faults.len() {
        0 => Ok(()),
        1 => Err(Failure::Failed("one fault in the catalogues".to_owned())),
        more => Err(Failure::Failed(format!("{more} faults in the catalogues"))),
    }
}

fn lines(faults: &[CatalogueError]) -> String {
    let lines = faults
        .iter()
        .map(|fault| output::plain(&fault.to_string()) + "\n");
    lines.collect()
}

fn diff(language: &str, dir: Option<&Path>, with: &str, json: bool) -> Result<(), Failure> {
    let typical = |subject| sample::typical(subject).as_object().cloned().unwrap_or_default();
    let found = Comparison::of(dir, with, language, typical).map_err(Failure::Failed)?;
    if json {
        return output::print_json(&found);
    }
    output::print(&text(&found))
}

fn text(found: &Comparison) -> String {
    let Comparison { language, with, .. } = found;
    let mut text = format!("{language} beside {with}\n");
    for (what, names) in [("missing", &found.missing), ("extra", &found.extra)] {
        for name in names {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{what}  {name}");
        }
    }
    for kind in &found.no_digest {
        let _ = writeln!(
            text,
            "no digest  {kind}: without `{}` notifications of this type are not gathered for readers of `{language}`",
            Subject::Digest(*kind)
        );
    }
    for long in &found.longer {
        let line = output::plain(&long.text.replace('\n', " "));
        let _ = writeln!(
            text,
            "longer   {} has {} of {} that are shown: {line}",
            long.part, long.columns, long.shown
        );
    }
    if !found.faults.is_empty() {
        let _ = writeln!(
            text,
            "what is longer than a phone shows is not known until these are mended:\n{}",
            lines(&found.faults)
        );
    }
    if found.missing.is_empty()
        && found.no_digest.is_empty()
        && found.longer.is_empty()
        && found.faults.is_empty()
    {
        let _ = writeln!(
            text,
            "nothing is missing, and nothing is longer than a phone shows ({TITLE_COLUMNS} of a title, {BODY_COLUMNS} of a body)"
        );
    }
    text
}
