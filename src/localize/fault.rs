//! What is wrong with a catalogue, said to the person who writes it.

use std::fmt;

use serde::Serialize;

/// How many faults are looked for in one language: who has so many mends some of them first.
pub(super) const ENOUGH: usize = 100;
/// The longest `what`, in characters.
const LONGEST: usize = 1000;
/// No name that is longer is taken for another one misspelt.
const LONGEST_NAME: usize = 64;

/// One fault of one catalogue.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CatalogueError {
    /// The file, as a path that can be opened; `built-in es.ftl` for one that is compiled in; the name of
    /// a setting where that is at fault.
    pub file: String,
    /// The line, from 1; `None` where the fault is in what isn't there.
    pub line: Option<usize>,
    /// What is wrong, and what to do.
    pub what: String,
}

impl fmt::Display for CatalogueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.what),
            None => write!(f, "{}: {}", self.file, self.what),
        }
    }
}

/// Every fault of every catalogue, by file and line: never empty. Written as one line each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogueErrors(Vec<CatalogueError>);

impl CatalogueErrors {
    /// The faults, by file and line; `None` if there are none. What was found twice, on two ways
    /// through the same text, is said once; each stands on one line of bounded length.
    pub(super) fn from_found(mut found: Vec<CatalogueError>) -> Option<Self> {
        for error in &mut found {
            error.what = one_line(&error.what);
        }
        found.sort();
        found.dedup();
        (!found.is_empty()).then_some(Self(found))
    }

    /// The faults, by file and line.
    pub fn iter(&self) -> impl Iterator<Item = &CatalogueError> {
        self.0.iter()
    }
}

impl fmt::Display for CatalogueErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, error) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for CatalogueErrors {}

/// `; did you mean …?` with the candidate that is most like `name`, or nothing.
pub(super) fn did_you_mean<'a>(
    name: &str,
    prefix: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> String {
    candidates
        .into_iter()
        // The comparison takes memory by the product of the lengths.
        .filter(|candidate| name.len().max(candidate.len()) <= LONGEST_NAME)
        .map(|candidate| (strsim::damerau_levenshtein(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.len() / 5)
        .min()
        .map_or_else(String::new, |(_, candidate)| {
            format!("; did you mean `{prefix}{candidate}`?")
        })
}

fn one_line(text: &str) -> String {
    let mut line: String = text
        .chars()
        .take(LONGEST)
        .map(|each| if each.is_control() { ' ' } else { each })
        .collect();
    if line.len() < text.len() {
        line.push('…');
    }
    line
}
