//! The messages of one language, ready to be rendered.

use std::collections::BTreeSet;
use std::sync::Arc;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentError, FluentResource};
use unic_langid::subtags::Region;
use unic_langid::{CharacterDirection, LanguageIdentifier};

use super::file::File;
use super::{Subject, direction, number, variant};
use crate::contract::IncentiveType;

type Bundle = FluentBundle<Arc<FluentResource>>;

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// One line.
    Title,
    /// One line or more.
    Body,
}

impl Part {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Title, Self::Body];

    /// Its name in the catalogues.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Title => "title",
            Self::Body => "body",
        }
    }
}

/// One wording of a type's message.
pub struct Wording {
    /// Its name among the type's wordings.
    pub name: String,
    /// The message that has it.
    pub id: String,
}

/// The messages of one language.
pub struct Catalogue {
    /// The language, as its file is named.
    pub tag: String,
    /// The same, to negotiate with.
    pub language: LanguageIdentifier,
    /// The same texts, with the numbers of different regions: first those of the language itself.
    bundles: Vec<Bundle>,
    /// Regions that write numbers in another way than the language at large, with their bundle; in order.
    /// A reader in Mexico finds 12.345 to be little more than twelve.
    regions: Vec<(Region, usize)>,
    /// By type: its wordings, of which there is at least one, the main one first and the others by name.
    wordings: [Vec<Wording>; IncentiveType::ALL.len()],
    /// By type: the message of its digest, if there is one.
    digests: [Option<String>; IncentiveType::ALL.len()],
    right_to_left: bool,
}

impl Catalogue {
    /// Of the files of one language, which have passed every check; the overriding ones last.
    pub fn new(language: LanguageIdentifier, files: &[File]) -> Self {
        let mut bundles = vec![bundle(&language, files)];
        let mut habits = vec![number::habit(&language)];
        let mut regions = Vec::new();
        for region in regions_of_the_world() {
            let regional =
                LanguageIdentifier::from_parts(language.language, language.script, Some(region), &[]);
            let habit = number::habit(&regional);
            let place = habits
                .iter()
                .position(|known| *known == habit)
                .unwrap_or_else(|| {
                    habits.push(habit);
                    bundles.push(bundle(&regional, files));
                    bundles.len() - 1
                });
            if place > 0 {
                regions.push((region, place));
            }
        }
        Self {
            tag: language.to_string(),
            right_to_left: is_right_to_left(&language),
            language,
            bundles,
            regions,
            wordings: IncentiveType::ALL.map(|kind| wordings(kind, files)),
            digests: IncentiveType::ALL.map(|kind| digest(kind, files)),
        }
    }

    /// The wordings of a type, of which there is at least one, the main one first and the others by name.
    pub fn wordings(&self, kind: IncentiveType) -> &[Wording] {
        &self.wordings[kind as usize]
    }

    /// The message of a type's digest, if it has one.
    pub fn digest(&self, kind: IncentiveType) -> Option<&str> {
        self.digests[kind as usize].as_deref()
    }

    /// Every message that can be said, by name, and what it tells of.
    pub fn messages(&self) -> impl Iterator<Item = (Subject, &str)> {
        IncentiveType::ALL.into_iter().flat_map(move |kind| {
            let singles = self.wordings(kind).iter();
            let singles = singles.map(move |wording| (Subject::Single(kind), wording.id.as_str()));
            singles.chain(self.digest(kind).map(|id| (Subject::Digest(kind), id)))
        })
    }

    /// A text that it has written, so that a phone sees which way it runs.
    pub fn directed(&self, text: String) -> String {
        if self.right_to_left {
            direction::lead(text)
        } else {
            text
        }
    }

    /// Which bundle writes numbers as a region does.
    pub fn bundle_for(&self, region: Option<Region>) -> usize {
        region
            .and_then(|region| {
                self.regions
                    .binary_search_by_key(&region, |(region, _)| *region)
                    .ok()
            })
            .map_or(0, |place| self.regions[place].1)
    }

    /// Every region that has a bundle of its own, with it.
    pub fn regions(&self) -> impl Iterator<Item = (Region, usize)> {
        self.regions.iter().copied()
    }

    /// Renders one part of a message. Faults are what the checks at load have made impossible.
    pub fn write(
        &self,
        bundle: usize,
        message: &str,
        part: Part,
        arguments: &FluentArgs<'_>,
        faults: &mut Vec<FluentError>,
    ) -> String {
        let mut text = String::with_capacity(128);
        let bundle = &self.bundles[bundle];
        let message = bundle.get_message(message);
        if let Some(attribute) = message.and_then(|message| message.get_attribute(part.as_str())) {
            // Writing to a String doesn't fail.
            let _ = bundle.write_pattern(&mut text, attribute.value(), Some(arguments), faults);
        }
        text
    }
}

fn bundle(language: &LanguageIdentifier, files: &[File]) -> Bundle {
    let mut bundle = Bundle::new_concurrent(vec![language.clone()]);
    // The marks that set a placeable apart from its surroundings are needed only where these run from
    // right to left; elsewhere they are noise in logs and in searches.
    bundle.set_use_isolating(is_right_to_left(language));
    bundle.set_formatter(Some(number::write));
    // Functions fail only if there is one of their name already.
    let _ = bundle.add_builtins();
    let plural = number::plural(language);
    let _ = bundle.add_function("PLURAL", move |values, _| plural(values));
    for file in files {
        bundle.add_resource_overriding(Arc::clone(&file.text));
    }
    bundle
}

fn is_right_to_left(language: &LanguageIdentifier) -> bool {
    language.character_direction() == CharacterDirection::RTL
}

fn wordings(kind: IncentiveType, files: &[File]) -> Vec<Wording> {
    let known = files.iter().flat_map(File::messages).filter_map(|id| {
        let (of, name) = variant::of_message(id)?;
        (of == kind).then_some(name)
    });
    let names: BTreeSet<_> = known.collect();
    let others = names.into_iter().map(|name| Wording {
        name: name.to_owned(),
        id: variant::message(kind.as_str(), name),
    });
    let main = Wording {
        name: variant::MAIN.to_owned(),
        id: kind.to_string(),
    };
    std::iter::once(main).chain(others).collect()
}

fn digest(kind: IncentiveType, files: &[File]) -> Option<String> {
    let id = Subject::Digest(kind).to_string();
    let has_it = files.iter().flat_map(File::messages).any(|message| message == id);
    has_it.then_some(id)
}

/// Every code that could be a region, and Latin America, in order.
fn regions_of_the_world() -> impl Iterator<Item = Region> {
    let letters = || b'A'..=b'Z';
    let countries = letters().flat_map(move |first| letters().map(move |second| [first, second]));
    let mut regions: Vec<_> = countries
        .filter_map(|code| Region::from_bytes(&code).ok())
        .collect();
    regions.extend(Region::from_bytes(b"419"));
    regions.sort_unstable();
    regions.into_iter()
}
