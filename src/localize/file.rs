//! Catalogue files: those compiled in, and those of a directory, each read and parsed.

use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fluent_bundle::FluentResource;
use fluent_syntax::ast::Entry;
use sha2::{Digest, Sha256};
use unic_langid::LanguageIdentifier;

use super::fault::{CatalogueError, ENOUGH};
use super::{negotiate, nesting, syntax};

/// The catalogues that are compiled in, by language.
const BUILT_IN: [(&str, &str); 10] = [
    ("ar", include_str!("../../locales/ar.ftl")),
    ("de", include_str!("../../locales/de.ftl")),
    ("en", include_str!("../../locales/en.ftl")),
    ("es", include_str!("../../locales/es.ftl")),
    ("fr", include_str!("../../locales/fr.ftl")),
    ("hi", include_str!("../../locales/hi.ftl")),
    ("ja", include_str!("../../locales/ja.ftl")),
    ("pt-BR", include_str!("../../locales/pt-BR.ftl")),
    ("ru", include_str!("../../locales/ru.ftl")),
    ("zh-Hans", include_str!("../../locales/zh-Hans.ftl")),
];

/// The longest catalogue, in bytes: fifty times the built-in ones.
const MAX_BYTES: usize = 256 * 1024;

/// A catalogue file, parsed.
#[derive(Clone)]
pub struct File {
    /// What to call it in an error.
    pub name: String,
    /// The language that its name says.
    pub language: LanguageIdentifier,
    /// Its entries.
    pub text: Arc<FluentResource>,
    /// Whether it is compiled in.
    pub built_in: bool,
    /// Whether a part of it couldn't be read, so that what seems to be missing may be there.
    pub broken: bool,
}

impl File {
    /// Every file that is compiled in.
    pub fn built_in(errors: &mut Vec<CatalogueError>) -> Vec<Self> {
        BUILT_IN
            .iter()
            .filter_map(|&(tag, source)| {
                let language = tag.parse().ok()?;
                Self::parse(format!("built-in {tag}.ftl"), language, source, true, errors)
            })
            .collect()
    }

    /// Every `.ftl` file of a directory; other files are left alone.
    pub fn of_directory(dir: &Path, errors: &mut Vec<CatalogueError>) -> Vec<Self> {
        match catalogues_of(dir) {
            Ok(paths) => paths.iter().filter_map(|path| Self::open(path, errors)).collect(),
            Err(error) => {
                errors.push(fault(
                    dir,
                    None,
                    format!("the directory of catalogues can't be read: {error}"),
                ));
                Vec::new()
            }
        }
    }

    /// A file by its tag and its text.
    pub fn of_text(tag: &str, source: &str, errors: &mut Vec<CatalogueError>) -> Option<Self> {
        let Some(language) = negotiate::read(tag) else {
            errors.push(fault(Path::new(tag), None, no_tag(tag)));
            return None;
        };
        Self::parse(format!("{language}.ftl"), language, source, false, errors)
    }

    fn open(path: &Path, errors: &mut Vec<CatalogueError>) -> Option<Self> {
        let tag = path.file_stem()?.to_string_lossy();
        let Some(language) = negotiate::read(&tag) else {
            errors.push(fault(path, None, no_tag(&tag)));
            return None;
        };
        // One language, one name: two files that differ in case only would be one of them on some disks.
        let name = format!("{language}.ftl");
        if path.file_name()? != name.as_str() {
            errors.push(fault(path, None, format!("this catalogue must be named {name}")));
            return None;
        }
        match read(path).map(String::from_utf8) {
            Ok(Ok(source)) => Self::parse(path.display().to_string(), language, &source, false, errors),
            Ok(Err(error)) => {
                let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
                let what = "this line is not UTF-8; save the file as UTF-8".to_owned();
                errors.push(fault(path, Some(line_at(valid, valid.len())), what));
                None
            }
            Err(error) => {
                errors.push(fault(path, None, format!("can't be read: {error}")));
                None
            }
        }
    }

    fn parse(
        name: String,
        language: LanguageIdentifier,
        source: &str,
        built_in: bool,
        errors: &mut Vec<CatalogueError>,
    ) -> Option<Self> {
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let refused = if source.len() > MAX_BYTES {
            Some((
                None,
                format!("is too long; a catalogue has at most {MAX_BYTES} bytes"),
            ))
        } else {
            nesting::too_deep(source).map(|offset| {
                let what = format!(
                    "more than {} braces or parentheses are open here",
                    nesting::MAX_OPEN
                );
                (Some(line_at(source.as_bytes(), offset)), what)
            })
        };
        if let Some((line, what)) = refused {
            errors.push(CatalogueError {
                file: name,
                line,
                what,
            });
            return None;
        }
        let (text, faults) = match FluentResource::try_new(source.to_owned()) {
            Ok(text) => (text, Vec::new()),
            Err((text, faults)) => (text, faults),
        };
        let broken = !faults.is_empty();
        errors.extend(faults.iter().take(ENOUGH).map(|fault| {
            let (offset, what) = syntax::explain(source, fault);
            CatalogueError {
                file: name.clone(),
                line: Some(line_at(source.as_bytes(), offset)),
                what,
            }
        }));
        Some(Self {
            name,
            language,
            text: Arc::new(text),
            built_in,
            broken,
        })
    }

    /// The names of its messages.
    pub fn messages(&self) -> impl Iterator<Item = &str> {
        self.text.entries().filter_map(|entry| match entry {
            Entry::Message(message) => Some(message.id.name),
            _ => None,
        })
    }

    /// The fault of that line, told by a part of this file's own text: the parser keeps no positions, but
    /// all that it returns are slices of the text, so that where a slice lies says where it stood.
    pub fn fault(&self, part: &str, what: String) -> CatalogueError {
        let source = self.text.source();
        let line = part
            .as_ptr()
            .addr()
            .checked_sub(source.as_ptr().addr())
            .filter(|offset| *offset <= source.len())
            .map(|offset| line_at(source.as_bytes(), offset));
        CatalogueError {
            file: self.name.clone(),
            line,
            what,
        }
    }
}

fn fault(path: &Path, line: Option<usize>, what: String) -> CatalogueError {
    CatalogueError {
        file: path.display().to_string(),
        line,
        what,
    }
}

/// What stands for all that the catalogues of a directory say: another one where anything in them is another, or where
/// they can be read no longer.
pub fn fingerprint(dir: &Path) -> [u8; 32] {
    let mut all = Sha256::new();
    let mut add = |bytes: &[u8]| {
        all.update((bytes.len() as u64).to_be_bytes());
        all.update(bytes);
    };
    match catalogues_of(dir) {
        Ok(paths) => {
            for path in paths {
                add(path.as_os_str().as_encoded_bytes());
                match read(&path) {
                    Ok(bytes) => add(&bytes),
                    Err(error) => add(error.to_string().as_bytes()),
                }
            }
        }
        Err(error) => add(error.to_string().as_bytes()),
    }
    all.finalize().into()
}

/// The `.ftl` files of a directory, in order.
fn catalogues_of(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        let extension = path.extension().and_then(OsStr::to_str);
        if extension.is_some_and(|extension| extension.eq_ignore_ascii_case("ftl")) {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

/// The file, or a little more of it than a catalogue may have.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = fs::File::open(path)?;
    // Three bytes for a byte order mark, one to see that it is too long.
    file.take(MAX_BYTES as u64 + 4).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn no_tag(tag: &str) -> String {
    format!("`{tag}` is no language tag; a catalogue is named like es.ftl or pt-BR.ftl")
}

/// The line of that byte, from 1.
fn line_at(source: &[u8], offset: usize) -> usize {
    1 + source.iter().take(offset).filter(|byte| **byte == b'\n').count()
}
