//! Catalogue files: those compiled in, and those of a directory, each read and parsed.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use fluent_bundle::FluentResource;
use unic_langid::LanguageIdentifier;

use super::fault::CatalogueError;
use super::{negotiate, syntax};

/// The catalogues that are compiled in, by language.
const BUILT_IN: [(&str, &str); 6] = [
    ("de", include_str!("../../locales/de.ftl")),
    ("en", include_str!("../../locales/en.ftl")),
    ("es", include_str!("../../locales/es.ftl")),
    ("fr", include_str!("../../locales/fr.ftl")),
    ("ja", include_str!("../../locales/ja.ftl")),
    ("pt-BR", include_str!("../../locales/pt-BR.ftl")),
];

/// More open braces than any message needs, and fewer than would exhaust the parser's stack.
const MAX_OPEN_BRACES: usize = 100;

/// A catalogue file, parsed.
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
        let listed = fs::read_dir(dir).and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.path()))
                .collect::<Result<Vec<_>, _>>()
        });
        match listed {
            Ok(mut paths) => {
                paths.sort();
                paths.iter().filter_map(|path| Self::open(path, errors)).collect()
            }
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

    fn open(path: &Path, errors: &mut Vec<CatalogueError>) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        if !extension.eq_ignore_ascii_case("ftl") {
            return None;
        }
        let tag = path.file_stem()?.to_string_lossy();
        let Some(language) = negotiate::read(&tag) else {
            let what = format!("`{tag}` is no language tag; a catalogue is named like es.ftl or pt-BR.ftl");
            errors.push(fault(path, None, what));
            return None;
        };
        // One language, one name: two files that differ in case only would be one of them on some disks.
        let name = format!("{language}.ftl");
        if path.file_name()? != name.as_str() {
            errors.push(fault(path, None, format!("this catalogue must be named {name}")));
            return None;
        }
        match fs::read(path).map(String::from_utf8) {
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
        if let Some(offset) = too_deep(source) {
            let what = format!("more than {MAX_OPEN_BRACES} braces are open here");
            errors.push(CatalogueError {
                file: name,
                line: Some(line_at(source.as_bytes(), offset)),
                what,
            });
            return None;
        }
        let (text, faults) = match FluentResource::try_new(source.to_owned()) {
            Ok(text) => (text, Vec::new()),
            Err((text, faults)) => (text, faults),
        };
        let broken = !faults.is_empty();
        errors.extend(faults.iter().map(|fault| {
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

/// The line of that byte, from 1.
fn line_at(source: &[u8], offset: usize) -> usize {
    1 + source.iter().take(offset).filter(|byte| **byte == b'\n').count()
}

fn too_deep(source: &str) -> Option<usize> {
    let mut open = 0_usize;
    source.bytes().position(|byte| {
        match byte {
            b'{' => open += 1,
            b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open > MAX_OPEN_BRACES
    })
}
