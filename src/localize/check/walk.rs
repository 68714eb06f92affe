//! A walk through all that a pattern can come to say.
//!
//! It carries the set of arguments that are known to be there: `{ $points -> [none] A *[other] B }` says in
//! B, and in whatever B refers to, that `$points` isn't `none`. Only there can `{ $points }` be printed.

use std::collections::HashSet;

use fluent_syntax::ast::{
    Expression, Identifier, InlineExpression, Pattern, PatternElement, Variant, VariantKey,
};
use fluent_syntax::unicode::unescape_unicode_to_string;

use super::Entries;
use super::call::PLURAL;
use crate::localize::Subject;
use crate::localize::arguments::{self, Argument, Kind, NONE};
use crate::localize::catalogue::Part;
use crate::localize::fault::{CatalogueError, ENOUGH, did_you_mean};
use crate::localize::file::File;

/// The categories of the CLDR's plural rules.
const CATEGORIES: [&str; 6] = ["zero", "one", "two", "few", "many", "other"];
/// The most digits of a number that a catalogue writes: what plural rules can work with.
const MAX_DIGITS: usize = 15;
/// How many placeables may stand within each other, references followed: as many as a text may have in all before
/// `fluent_bundle` gives it up.
const MAX_LEVELS: usize = 100;

/// The entry that is looked at, for errors.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    Message(&'a File, &'a str),
    Term(&'a File, &'a str),
}

impl<'a> Place<'a> {
    pub(super) fn file(self) -> &'a File {
        match self {
            Self::Message(file, _) | Self::Term(file, _) => file,
        }
    }

    fn id(self) -> &'a str {
        match self {
            Self::Message(_, id) | Self::Term(_, id) => id,
        }
    }

    /// The fault of this entry in the line of `part`.
    fn fault(self, part: &str, what: &str) -> CatalogueError {
        match self {
            Self::Message(file, id) => file.fault(part, format!("message `{id}` {what}")),
            Self::Term(file, id) => file.fault(part, format!("term `-{id}` {what}")),
        }
    }
}

/// Bit n says that the subject's nth argument is known to be there.
pub(super) type Known = u32;

/// What is known where a message begins: the arguments that are never lacking.
pub fn at_first(subject: Subject) -> Known {
    let arguments = arguments::of(subject).iter().enumerate();
    arguments
        .filter(|(_, argument)| argument.always)
        .fold(0, |known, (place, _)| known | 1 << place)
}

pub struct Walk<'w, 'a> {
    /// What the message tells of; `None` for a term, which has no arguments.
    pub(super) subject: Option<Subject>,
    one_line: bool,
    pub(super) entries: &'w Entries<'a>,
    errors: &'w mut Vec<CatalogueError>,
    /// The messages that were come by, on this walk and others.
    pub(super) reached: &'w mut HashSet<&'a str>,
    /// What refers to what, from the start to here.
    pub(super) trail: Vec<(&'a str, Option<&'a str>)>,
    /// Where this walk has been, knowing what: once is enough.
    pub(super) seen: HashSet<(&'a str, Option<&'a str>, Known)>,
    /// How many placeables stand around this one.
    levels: usize,
}

impl<'w, 'a> Walk<'w, 'a> {
    pub fn of_message(
        subject: Subject,
        id: &'a str,
        part: Part,
        entries: &'w Entries<'a>,
        errors: &'w mut Vec<CatalogueError>,
        reached: &'w mut HashSet<&'a str>,
    ) -> Self {
        let trail = vec![(id, Some(part.as_str()))];
        let one_line = part == Part::Title;
        Self {
            subject: Some(subject),
            one_line,
            entries,
            errors,
            reached,
            trail,
            seen: HashSet::new(),
            levels: 0,
        }
    }

    pub fn of_term(
        entries: &'w Entries<'a>,
        errors: &'w mut Vec<CatalogueError>,
        reached: &'w mut HashSet<&'a str>,
    ) -> Self {
        let (trail, seen) = (Vec::new(), HashSet::new());
        Self {
            subject: None,
            one_line: true,
            entries,
            errors,
            reached,
            trail,
            seen,
            levels: 0,
        }
    }

    pub fn pattern(&mut self, at: Place<'a>, pattern: &'a Pattern<&'a str>, known: Known) {
        for element in &pattern.elements {
            if self.errors.len() >= ENOUGH {
                return;
            }
            match element {
                PatternElement::TextElement { value } => self.text(at, value, value),
                PatternElement::Placeable { expression } => self.placeable(at, expression, known),
            }
        }
    }

    fn placeable(&mut self, at: Place<'a>, expression: &'a Expression<&'a str>, known: Known) {
        if self.levels == MAX_LEVELS {
            let what = format!("goes more than {MAX_LEVELS} levels deep, with all that it refers to");
            self.fault(at, at.id(), &what);
            return;
        }
        self.levels += 1;
        self.expression(at, expression, known);
        self.levels -= 1;
    }

    pub(super) fn fault(&mut self, at: Place<'a>, part: &str, what: &str) {
        self.errors.push(at.fault(part, what));
    }

    fn text(&mut self, at: Place<'a>, written: &str, text: &str) {
        if self.one_line && text.contains('\n') {
            self.fault(at, written, "goes over more than one line; a title has one");
        } else if let Some(control) = text.chars().find(|&each| each.is_control() && each != '\n') {
            let what = format!("contains the control character U+{:04X}", u32::from(control));
            self.fault(at, written, &what);
        }
    }

    fn expression(&mut self, at: Place<'a>, expression: &'a Expression<&'a str>, known: Known) {
        match expression {
            Expression::Inline(inline) => self.inline(at, inline, known),
            Expression::Select { selector, variants } => {
                let selected = self.selector(at, selector, known);
                let by_plural =
                    matches!(selector, InlineExpression::FunctionReference { id, .. } if id.name == PLURAL);
                let has_none = variants.iter().any(|variant| key(variant) == NONE);
                for variant in variants {
                    let mut known = known;
                    if by_plural && !CATEGORIES.contains(&key(variant)) {
                        let name = key(variant);
                        let hint = did_you_mean(name, "", CATEGORIES);
                        let what = format!("has a variant [{name}], which is no plural category{hint}");
                        self.fault(at, name, &what);
                    }
                    if let Some((place, argument)) = selected {
                        self.key(at, argument, variant);
                        // Without a [none], the default is where the lacking argument comes out.
                        if key(variant) != NONE && (has_none || !variant.default) {
                            known |= 1 << place;
                        }
                    }
                    self.pattern(at, &variant.value, known);
                }
            }
        }
    }

    /// The argument that a selector asks about, if it is one and may be lacking.
    fn selector(
        &mut self,
        at: Place<'a>,
        selector: &'a InlineExpression<&'a str>,
        known: Known,
    ) -> Option<(usize, &'static Argument)> {
        if let InlineExpression::VariableReference { id } = selector {
            return self.argument(at, id);
        }
        self.inline(at, selector, known);
        None
    }

    fn key(&mut self, at: Place<'a>, argument: &Argument, variant: &Variant<&'a str>) {
        let name = match variant.key {
            VariantKey::Identifier { name } => name,
            VariantKey::NumberLiteral { value } => return self.digits(at, value),
        };
        let none = (!argument.always).then_some(NONE);
        if argument.kind == Kind::Number && !CATEGORIES.into_iter().chain(none).any(|key| key == name) {
            let hint = did_you_mean(name, "", CATEGORIES.into_iter().chain(none));
            let what = format!(
                "has a variant [{name}], which no number like `${}` is{hint}",
                argument.name
            );
            self.fault(at, name, &what);
        }
    }

    fn digits(&mut self, at: Place<'a>, number: &str) {
        if number.len() > MAX_DIGITS {
            self.fault(
                at,
                number,
                &format!("writes the number {number}, which has too many digits"),
            );
        }
    }

    fn inline(&mut self, at: Place<'a>, inline: &'a InlineExpression<&'a str>, known: Known) {
        match inline {
            InlineExpression::StringLiteral { value } => {
                self.text(at, value, &unescape_unicode_to_string(value));
            }
            InlineExpression::NumberLiteral { value } => self.digits(at, value),
            InlineExpression::VariableReference { id } => self.printed(at, id, known),
            // Whoever renders it recurses here without counting.
            InlineExpression::Placeable { .. } => {
                self.fault(
                    at,
                    at.id(),
                    "has braces directly within braces; one pair is enough",
                );
            }
            InlineExpression::FunctionReference { id, arguments } => self.function(at, id, arguments, known),
            InlineExpression::MessageReference { id, attribute } => {
                self.message(at, id.name, attribute.as_ref(), known);
            }
            InlineExpression::TermReference {
                id,
                attribute,
                arguments,
            } => {
                self.term(at, id.name, attribute.as_ref());
                if arguments.is_some() {
                    self.fault(
                        at,
                        id.name,
                        &format!("passes arguments to `-{}`; terms take none", id.name),
                    );
                }
            }
        }
    }

    /// An argument that is printed must be there.
    pub(super) fn printed(&mut self, at: Place<'a>, id: &'a Identifier<&'a str>, known: Known) {
        let Some((place, _)) = self.argument(at, id) else {
            return;
        };
        if known & (1 << place) == 0 {
            let name = id.name;
            let what = format!(
                "prints `${name}` where {} may lack it; \
                 put it into a variant of `{{ ${name} -> [none] … *[other] … }}`",
                match self.subject {
                    Some(Subject::Digest(_)) => "a digest",
                    _ => "an event",
                }
            );
            self.fault(at, name, &what);
        }
    }

    fn argument(&mut self, at: Place<'a>, id: &'a Identifier<&'a str>) -> Option<(usize, &'static Argument)> {
        let name = id.name;
        let Some(subject) = self.subject else {
            self.fault(
                at,
                name,
                &format!("uses `${name}`; terms are fixed words, use a message for this"),
            );
            return None;
        };
        let of_subject = arguments::of(subject);
        let found = of_subject
            .iter()
            .enumerate()
            .find(|(_, argument)| argument.name == name);
        if found.is_none() {
            let elsewhere = Subject::all()
                .filter(|other| arguments::of(*other).iter().any(|argument| argument.name == name))
                .map(|other| format!("`{other}`"))
                .collect::<Vec<_>>();
            let what = if elsewhere.is_empty() {
                let hint = did_you_mean(name, "$", of_subject.iter().map(|argument| argument.name));
                format!("uses `${name}`, which is unknown{hint}")
            } else {
                format!(
                    "uses `${name}`, which `{subject}` doesn't have, only {}",
                    elsewhere.join(", ")
                )
            };
            self.fault(at, name, &what);
        }
        found
    }
}

/// A variant's key as it is written.
fn key<'a>(variant: &Variant<&'a str>) -> &'a str {
    match variant.key {
        VariantKey::Identifier { name } => name,
        VariantKey::NumberLiteral { value } => value,
    }
}
