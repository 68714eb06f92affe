//! Catalogues are checked when they are loaded, so that no event ever meets a message that is missing,
//! misspelt or prints an argument that isn't there.
//!
//! What is proven without rendering: every type has a `.title` and a `.body`, and so has each digest that there is; whatever they refer to is
//! there and doesn't go round in circles; every argument is one of the type's; and every argument that is
//! printed stands in a variant that is reached only when the event has it ([`walk`]). [`rehearse`] then
//! renders each message with much and little data, for what only rendering shows.

mod call;
mod refer;
pub mod rehearse;
mod walk;

use std::collections::{HashMap, HashSet};

use fluent_syntax::ast::{Attribute, Entry, Message, Pattern, Term};

use super::catalogue::Part;
use super::fault::{CatalogueError, ENOUGH, did_you_mean};
use super::file::File;
use super::{Subject, variant};
use crate::contract::IncentiveType;
use walk::{Place, Walk};

/// The entries of one language: of all its files, a later one overriding an earlier one's.
struct Entries<'a> {
    messages: HashMap<&'a str, (&'a File, &'a Message<&'a str>)>,
    terms: HashMap<&'a str, (&'a File, &'a Term<&'a str>)>,
}

/// Checks the files of one language, the overriding ones last, until [`ENOUGH`] faults are found.
pub fn check(files: &[File], errors: &mut Vec<CatalogueError>) {
    let mut entries = Entries {
        messages: HashMap::new(),
        terms: HashMap::new(),
    };
    for file in files {
        gather(file, &mut entries, errors);
    }
    let mut reached = HashSet::new();
    for kind in IncentiveType::ALL {
        check_type(kind, files, &entries, &mut reached, errors);
        check_digest(kind, &entries, &mut reached, errors);
    }
    for (file, term) in entries.terms.values() {
        let place = Place::Term(file, term.id.name);
        for pattern in std::iter::once(&term.value).chain(term.attributes.iter().map(|each| &each.value)) {
            Walk::of_term(&entries, errors, &mut reached).pattern(place, pattern, 0);
        }
    }
    check_used(files, &entries, &reached, errors);
}

/// Adds a file's entries, and finds what it says twice.
fn gather<'a>(file: &'a File, entries: &mut Entries<'a>, errors: &mut Vec<CatalogueError>) {
    let mut seen = HashSet::new();
    for entry in file.text.entries() {
        if errors.len() >= ENOUGH {
            break;
        }
        let (id, attributes) = match entry {
            Entry::Message(message) => {
                entries.messages.insert(message.id.name, (file, message));
                (message.id.name, &message.attributes)
            }
            Entry::Term(term) => {
                entries.terms.insert(term.id.name, (file, term));
                (term.id.name, &term.attributes)
            }
            _ => continue,
        };
        // A bundle keeps messages and terms under one name.
        if !seen.insert(id) {
            errors.push(file.fault(id, format!("`{id}` is already defined in this file")));
        }
        twice(file, id, attributes, errors);
    }
    for (id, (file, term)) in &entries.terms {
        if errors.len() < ENOUGH && entries.messages.contains_key(id) && !seen.contains(id) {
            errors.push(file.fault(term.id.name, format!("`-{id}` and `{id}` can't both be defined")));
        }
    }
}

fn twice(file: &File, id: &str, attributes: &[Attribute<&str>], errors: &mut Vec<CatalogueError>) {
    let mut seen = HashSet::new();
    for attribute in attributes {
        let name = attribute.id.name;
        if errors.len() < ENOUGH && !seen.insert(name) {
            errors.push(file.fault(name, format!("`{id}` already has a `.{name}`")));
        }
    }
}

fn check_type<'a>(
    kind: IncentiveType,
    files: &'a [File],
    entries: &Entries<'a>,
    reached: &mut HashSet<&'a str>,
    errors: &mut Vec<CatalogueError>,
) {
    let id = kind.as_str();
    reached.insert(id);
    let Some((file, message)) = entries.messages.get(id).copied() else {
        if let Some(last) = files.last().filter(|_| files.iter().all(|file| !file.broken)) {
            let what = format!("message `{id}` is missing");
            errors.push(CatalogueError {
                file: last.name.clone(),
                line: None,
                what,
            });
        }
        return;
    };
    let subject = Subject::Single(kind);
    check_message(subject, file, message, entries, reached, errors);
    let others = files.iter().flat_map(File::messages).filter(|id| {
        let named = variant::of_message(id);
        named.is_some_and(|(of, _)| of == kind)
    });
    for id in others {
        let Some((file, message)) = entries.messages.get(id).copied() else {
            continue;
        };
        // Of what is overridden the text that counts is checked, once.
        if !reached.insert(message.id.name) {
            continue;
        }
        let name = variant::of_message(id).map_or("", |(_, name)| name);
        if !variant::is_name(name) {
            let what = format!(
                "message `{id}` names a wording `{name}`; a name has letters a-z, digits and single hyphens, at most {}, \
                 and is not `{}`",
                variant::NAME_CHARS,
                variant::MAIN
            );
            errors.push(file.fault(message.id.name, what));
        }
        check_message(subject, file, message, entries, reached, errors);
    }
}

/// A catalogue may lack a digest; one that it has is whole, and has no other wordings.
fn check_digest<'a>(
    kind: IncentiveType,
    entries: &Entries<'a>,
    reached: &mut HashSet<&'a str>,
    errors: &mut Vec<CatalogueError>,
) {
    let subject = Subject::Digest(kind);
    let digest = subject.to_string();
    if let Some((file, message)) = entries.messages.get(digest.as_str()).copied() {
        reached.insert(message.id.name);
        check_message(subject, file, message, entries, reached, errors);
    }
    for (&id, (file, message)) in &entries.messages {
        if errors.len() < ENOUGH && variant::parts(id).is_some_and(|(of, _)| of == digest) {
            reached.insert(id);
            let what = format!("message `{id}` is another wording of a digest; `{digest}` has one only");
            errors.push(file.fault(message.id.name, what));
        }
    }
}

/// Each message is whole: it has both parts, if only by `.body = { streak_reward.body }`.
fn check_message<'a>(
    subject: Subject,
    file: &'a File,
    message: &'a Message<&'a str>,
    entries: &Entries<'a>,
    reached: &mut HashSet<&'a str>,
    errors: &mut Vec<CatalogueError>,
) {
    let id = message.id.name;
    if message.value.is_some() {
        let what = format!("message `{id}` has a text that nobody sees; put it into its .title or .body");
        errors.push(file.fault(message.id.name, what));
    }
    for attribute in &message.attributes {
        let name = attribute.id.name;
        if errors.len() < ENOUGH && Part::ALL.iter().all(|part| part.as_str() != name) {
            let hint = did_you_mean(name, ".", Part::ALL.map(Part::as_str));
            errors.push(file.fault(name, format!("message `{id}` has an unknown `.{name}`{hint}")));
        }
    }
    for part in Part::ALL {
        match attribute(&message.attributes, part.as_str()) {
            Some(pattern) => {
                Walk::of_message(subject, id, part, entries, errors, reached).pattern(
                    Place::Message(file, message.id.name),
                    pattern,
                    walk::at_first(subject),
                );
            }
            None if file.broken => {}
            None => {
                let what = format!("message `{id}` has no `.{}`", part.as_str());
                errors.push(file.fault(message.id.name, what));
            }
        }
    }
}

/// A message that no type leads to is most often a type with its name misspelt. What is compiled in may
/// become unused when all that referred to it is overridden.
fn check_used(
    files: &[File],
    entries: &Entries<'_>,
    reached: &HashSet<&str>,
    errors: &mut Vec<CatalogueError>,
) {
    let overridden = files.iter().any(|file| !file.built_in);
    for (id, (file, message)) in &entries.messages {
        if errors.len() >= ENOUGH {
            break;
        }
        if !(reached.contains(id) || file.broken || overridden && file.built_in) {
            let candidates: Vec<_> = match variant::parts(id) {
                Some((_, name)) => {
                    let wordings = IncentiveType::ALL.map(|kind| variant::message(kind.as_str(), name));
                    wordings.to_vec()
                }
                None => Subject::all().map(|subject| subject.to_string()).collect(),
            };
            let hint = did_you_mean(id, "", candidates.iter().map(String::as_str));
            errors.push(file.fault(message.id.name, format!("message `{id}` is never used{hint}")));
        }
    }
}

fn attribute<'a>(attributes: &'a [Attribute<&'a str>], name: &str) -> Option<&'a Pattern<&'a str>> {
    attributes
        .iter()
        .find(|attribute| attribute.id.name == name)
        .map(|attribute| &attribute.value)
}
