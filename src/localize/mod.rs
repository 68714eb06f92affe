//! The words of a notification, in its reader's language.
//!
//! Catalogues are [Fluent] files, one a language, in `locales/`: compiled in, and overridden file by file
//! and message by message by a directory in the settings. They are checked once, when they are loaded
//! ([`CatalogueErrors`]); rendering then has nothing left that can fail.
//!
//! | file | decides |
//! | --- | --- |
//! | [`Subject`] | which messages there are: one for each type, and one for its digest |
//! | [`arguments`] | what a message can say, and where in an event's data it comes from |
//! | `negotiate` | which language suits a reader |
//! | `number` | how numbers are written |
//! | `clean` | what becomes of an event's own text: it is data, never a pattern |
//! | `direction` | that what runs from right to left is read so |
//! | `variant` | which of several wordings of a message a reader gets |
//! | [`Words`] | which catalogues are in force, and when others are |
//! | [`Comparison`] | what a language lacks, and what is longer than a phone shows |
//! | `file`, `nesting`, `syntax`, `check` | what a catalogue is, and what is wrong with it |
//!
//! [Fluent]: https://projectfluent.org

pub mod arguments;
mod catalogue;
mod check;
mod clean;
mod compare;
mod direction;
mod fault;
mod file;
mod in_force;
mod negotiate;
mod nesting;
mod number;
mod subject;
mod syntax;
#[cfg(test)]
mod tests;
mod variant;

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use fluent_bundle::FluentArgs;
use serde_json::{Map, Value};

pub use clean::{ARGUMENT_CHARS, BODY_BYTES, TITLE_CHARS};
pub use compare::{BODY_COLUMNS, Comparison, Long, TITLE_COLUMNS};
pub use fault::{CatalogueError, CatalogueErrors};
pub use in_force::{Reload, Words};
pub use subject::Subject;
pub use variant::NAME_CHARS as VARIANT_CHARS;

use crate::contract::IncentiveType;
use catalogue::{Catalogue, Part};
use file::File;

/// Every catalogue, checked; share it behind an `Arc`.
pub struct Catalogues {
    /// By tag.
    all: Vec<Catalogue>,
    /// The languages of `all`, in the same order.
    languages: Vec<unic_langid::LanguageIdentifier>,
    fallback: Voice,
    /// What the commonest tags lead to: saves reading them.
    known: HashMap<String, Voice>,
}

/// A catalogue and the bundle that writes numbers as the reader's region does.
#[derive(Clone, Copy, Debug)]
struct Voice {
    catalogue: usize,
    bundle: usize,
}

/// For whom a notification is rendered.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// Where a message has several wordings, it decides which one the reader gets.
    pub user_id: i64,
    /// The reader's language, a BCP 47 tag; `None` is the fallback language.
    pub language: Option<&'a str>,
}

/// The words of one notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// One line, 1 to [`TITLE_CHARS`] characters.
    pub title: String,
    /// 1 to [`BODY_BYTES`] bytes.
    pub body: String,
    /// The language in which they are written, a BCP 47 tag: the catalogue's; the one that was wanted,
    /// where both texts come from the event.
    pub language: String,
    /// The name of the wording; `None` where the message has one only, as digests do, or both texts come from the event.
    pub variant: Option<String>,
    /// A language was wanted that there is no catalogue for, and a text is in the fallback language
    /// instead. Worth counting.
    pub fell_back: bool,
}

impl Catalogues {
    /// The catalogues that are compiled in, overridden by those of `dir`: `dir/es.ftl`, `dir/pt-BR.ftl`.
    /// What a file of `dir` leaves out comes from the built-in one of its language; a language that isn't
    /// built in must be complete but for its digests. `fallback` is the language for readers whose own isn't there.
    ///
    /// # Errors
    /// Everything that is wrong with any file, and a fallback language that there is no catalogue for.
    pub fn load(dir: Option<&Path>, fallback: &str) -> Result<Self, CatalogueErrors> {
        let mut errors = Vec::new();
        let mut files = File::built_in(&mut errors);
        if let Some(dir) = dir {
            files.extend(File::of_directory(dir, &mut errors));
        }
        Self::checked(files, fallback, errors)
    }

    /// As [`load`](Self::load), for the languages of these texts alone: what overrides them, by tag.
    ///
    /// # Errors
    /// As [`load`](Self::load); a tag in which no language can be read is one more fault.
    pub fn of_texts(texts: &[(&str, &str)], fallback: &str) -> Result<Self, CatalogueErrors> {
        let mut errors = Vec::new();
        let said: Vec<_> = texts
            .iter()
            .filter_map(|(tag, text)| File::of_text(tag, text, &mut errors))
            .collect();
        let languages: Vec<_> = texts.iter().filter_map(|(tag, _)| negotiate::read(tag)).collect();
        let mut files = File::built_in(&mut errors);
        files.retain(|file| languages.contains(&file.language));
        files.extend(said);
        Self::checked(files, fallback, errors)
    }

    fn checked(
        files: Vec<File>,
        fallback: &str,
        mut errors: Vec<CatalogueError>,
    ) -> Result<Self, CatalogueErrors> {
        let mut by_language = BTreeMap::<_, Vec<File>>::new();
        for file in files {
            by_language
                .entry(file.language.to_string())
                .or_default()
                .push(file);
        }
        let tags = by_language.keys().cloned().collect::<Vec<_>>().join(", ");
        let mut catalogues = Vec::with_capacity(by_language.len());
        for files in by_language.values() {
            let mut found = Vec::new();
            check::check(files, &mut found);
            if found.is_empty() && files.iter().all(|file| !file.broken) {
                let catalogue = Catalogue::new(files[0].language.clone(), files);
                check::rehearse::rehearse(&catalogue, files, &mut found);
                catalogues.push(catalogue);
            }
            errors.append(&mut found);
        }
        let wanted = negotiate::read(fallback).map(|language| language.to_string());
        if !wanted.is_some_and(|wanted| by_language.contains_key(&wanted)) {
            let what = format!("there is no catalogue for `{fallback}`; there are {tags}");
            errors.push(CatalogueError {
                file: "localization.fallback".to_owned(),
                line: None,
                what,
            });
        }
        match CatalogueErrors::from_found(errors) {
            Some(errors) => Err(errors),
            None => Ok(Self::of(catalogues, fallback)),
        }
    }

    fn of(catalogues: Vec<Catalogue>, fallback: &str) -> Self {
        let languages = catalogues
            .iter()
            .map(|catalogue| catalogue.language.clone())
            .collect();
        let start = Voice {
            catalogue: 0,
            bundle: 0,
        };
        let mut this = Self {
            all: catalogues,
            languages,
            fallback: start,
            known: HashMap::new(),
        };
        let tags = this.all.iter().flat_map(|catalogue| {
            let language = catalogue.language.language;
            let regional = catalogue
                .regions()
                .map(move |(region, _)| format!("{language}-{region}"));
            regional.chain([catalogue.tag.clone()])
        });
        this.known = tags
            .filter_map(|tag| Some((this.find(&tag)?, tag)))
            .map(|(voice, tag)| (tag, voice))
            .collect();
        this.fallback = this.find(fallback).unwrap_or(start);
        this
    }

    /// The languages that there are, as BCP 47 tags in alphabetical order.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|catalogue| catalogue.tag.as_str())
    }

    /// The names of the wordings of a type, in the catalogue of that tag; none where there is no such catalogue.
    pub fn wordings(&self, language: &str, kind: IncentiveType) -> impl Iterator<Item = &str> {
        let found = self.all.iter().find(|catalogue| catalogue.tag == language);
        let wordings = found.map_or(&[][..], |catalogue| catalogue.wordings(kind));
        wordings.iter().map(|wording| wording.name.as_str())
    }

    /// Renders a notification: the event's own texts where it has some that can be seen, else the
    /// catalogue's.
    #[must_use]
    pub fn render(
        &self,
        reader: Reader<'_>,
        kind: IncentiveType,
        data: &Map<String, Value>,
        literal_title: Option<&str>,
        literal_body: Option<&str>,
    ) -> Rendered {
        let wanted = reader.language;
        let literal_title = literal_title.map(clean::title).filter(|title| !title.is_empty());
        let literal_body = literal_body.map(clean::body).filter(|body| !body.is_empty());
        let (literal_title, literal_body) = match (literal_title, literal_body) {
            (Some(title), Some(body)) => {
                let language = self.language_of_literals(wanted);
                return Rendered {
                    title,
                    body,
                    language,
                    variant: None,
                    fell_back: false,
                };
            }
            some_missing => some_missing,
        };
        let (voice, fell_back) = self.voice(wanted);
        let catalogue = &self.all[voice.catalogue];
        let arguments = arguments::fill(Subject::Single(kind), data);
        let (wording, variant) = match catalogue.wordings(kind) {
            [only] => (only, None),
            several => {
                let chosen = &several[variant::place(reader.user_id, kind, several.len())];
                (chosen, Some(chosen.name.clone()))
            }
        };
        let write = |part| self.write(voice, &wording.id, part, &arguments);
        Rendered {
            title: literal_title.unwrap_or_else(|| clean::fit_title(write(Part::Title))),
            body: literal_body.unwrap_or_else(|| clean::fit_body(write(Part::Body))),
            language: catalogue.tag.clone(),
            variant,
            fell_back,
        }
    }

    /// Whether notifications of a type can be gathered for readers of that language: whether the catalogue that
    /// [`render`](Self::render) would take has a message for the type's digest.
    #[must_use]
    pub fn has_digest(&self, language: &str, kind: IncentiveType) -> bool {
        let (voice, _) = self.voice(Some(language));
        self.all[voice.catalogue].digest(kind).is_some()
    }

    /// Renders a digest from its `incentive_data`; `None` where the catalogue has no message for it
    /// ([`has_digest`](Self::has_digest)), or `data` does not say that at least one notification was gathered.
    #[must_use]
    pub fn digest(
        &self,
        reader: Reader<'_>,
        kind: IncentiveType,
        data: &Map<String, Value>,
    ) -> Option<Rendered> {
        let (voice, fell_back) = self.voice(reader.language);
        let catalogue = &self.all[voice.catalogue];
        let message = catalogue.digest(kind)?;
        arguments::count(data)?;
        let arguments = arguments::fill(Subject::Digest(kind), data);
        let write = |part| self.write(voice, message, part, &arguments);
        Some(Rendered {
            title: clean::fit_title(write(Part::Title)),
            body: clean::fit_body(write(Part::Body)),
            language: catalogue.tag.clone(),
            variant: None,
            fell_back,
        })
    }

    fn write(&self, voice: Voice, message: &str, part: Part, arguments: &FluentArgs<'_>) -> String {
        let catalogue = &self.all[voice.catalogue];
        let text = catalogue.write(voice.bundle, message, part, arguments, &mut Vec::new());
        catalogue.directed(text)
    }

    /// The voice for a wanted language, and whether it is the fallback's because there is no catalogue for that language.
    fn voice(&self, wanted: Option<&str>) -> (Voice, bool) {
        let found = wanted.map(|wanted| self.find(wanted));
        let voice = found.flatten().unwrap_or(self.fallback);
        (voice, matches!(found, Some(None)))
    }

    fn find(&self, wanted: &str) -> Option<Voice> {
        if let Some(voice) = self.known.get(wanted) {
            return Some(*voice);
        }
        let wanted = negotiate::read(wanted)?;
        let catalogue = negotiate::best(&wanted, &self.languages)?;
        Some(Voice {
            catalogue,
            bundle: self.all[catalogue].bundle_for(wanted.region),
        })
    }

    /// Whoever writes the texts and names a language has written them in it.
    fn language_of_literals(&self, wanted: Option<&str>) -> String {
        let fallback = || self.all[self.fallback.catalogue].tag.clone();
        wanted
            .and_then(negotiate::read)
            .map_or_else(fallback, |language| language.to_string())
    }
}

impl std::fmt::Debug for Catalogues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogues")
            .field("languages", &self.languages().collect::<Vec<_>>())
            .finish()
    }
}
