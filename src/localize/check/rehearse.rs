//! Renders every message with much and little data before any event does.

use fluent_bundle::{FluentArgs, FluentError, FluentValue};
use fluent_syntax::ast::Entry;

use crate::localize::Subject;
use crate::localize::arguments::{self, Argument, Kind, NONE};
use crate::localize::catalogue::{Catalogue, Part};
use crate::localize::clean::{BODY_BYTES, TITLE_CHARS};
use crate::localize::direction;
use crate::localize::fault::CatalogueError;
use crate::localize::file::File;

/// Numbers that take different plural forms somewhere, or none.
const NUMBERS: [f64; 9] = [1.0, 0.0, 2.0, 3.0, 5.0, 11.0, 1_000_000.0, 1.5, -1.0];
/// A text of ordinary length.
const TEXT: &str = "Early bird";

/// Renders what the files of one language say, which have passed every other check.
pub fn rehearse(catalogue: &Catalogue, files: &[File], errors: &mut Vec<CatalogueError>) {
    for (subject, id) in catalogue.messages() {
        for (said, arguments) in cases(subject) {
            for part in Part::ALL {
                let mut faults = Vec::new();
                let text = catalogue.write(0, id, part, &arguments, &mut faults);
                if let Some(wrong) = wrong(part, &text, faults.first()) {
                    let what = format!("message `{id}`, its .{}, {wrong} with {said}", part.as_str());
                    errors.push(fault(files, id, what));
                }
            }
        }
    }
}

fn wrong(part: Part, text: &str, fault: Option<&FluentError>) -> Option<String> {
    if let Some(fault) = fault {
        Some(format!("can't be rendered: {fault}"))
    } else if text.trim().is_empty() {
        Some("says nothing".to_owned())
    } else if part == Part::Title && text.chars().count() > TITLE_CHARS {
        Some(format!("is longer than {TITLE_CHARS} characters"))
    } else if text.len() > BODY_BYTES {
        Some(format!("is longer than {BODY_BYTES} bytes"))
    } else if !direction::is_balanced(text) {
        Some("opens and closes isolates or embeddings unequally".to_owned())
    } else {
        None
    }
}

/// Data to render a message with, and how to call it: nothing, each argument alone, all, all but one.
fn cases(subject: Subject) -> Vec<(String, FluentArgs<'static>)> {
    let all = arguments::of(subject);
    let mut cases = vec![("no data".to_owned(), given(all, 1.0, |_| false))];
    for number in NUMBERS {
        cases.push((
            format!("all data, the numbers being {number}"),
            given(all, number, |_| true),
        ));
    }
    for argument in all {
        let name = argument.name;
        if !argument.always {
            cases.push((
                format!("all data but `${name}`"),
                given(all, 2.0, |other| other != name),
            ));
        }
        for number in NUMBERS {
            cases.push((
                format!("only `${name}`"),
                given(all, number, |other| other == name),
            ));
            if argument.kind == Kind::Text {
                break;
            }
        }
    }
    cases
}

fn given(all: &[Argument], number: f64, has: impl Fn(&str) -> bool) -> FluentArgs<'static> {
    all.iter()
        .map(|argument| {
            let value = match argument.kind {
                _ if !(argument.always || has(argument.name)) => FluentValue::from(NONE),
                Kind::Number => FluentValue::from(number),
                Kind::Text => FluentValue::from(TEXT),
            };
            (argument.name, value)
        })
        .collect()
}

fn fault(files: &[File], id: &str, what: String) -> CatalogueError {
    let stands = files.iter().rev().find_map(|file| {
        file.text.entries().find_map(|entry| match entry {
            Entry::Message(message) if message.id.name == id => Some((file, message.id.name)),
            _ => None,
        })
    });
    match stands {
        Some((file, id)) => file.fault(id, what),
        None => CatalogueError {
            file: id.to_owned(),
            line: None,
            what,
        },
    }
}
