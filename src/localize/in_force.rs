//! The catalogues that are in force: others come into force when the files have changed and all of them are right.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

use super::{CatalogueErrors, Catalogues, file};

/// The catalogues in force, and the directory that they come from; share it behind an `Arc`.
pub struct Words {
    dir: Option<PathBuf>,
    fallback: String,
    in_force: watch::Sender<Arc<Catalogues>>,
    /// What the directory said when it was last read; `None` without a directory.
    read: Mutex<Option<[u8; 32]>>,
}

/// What became of a look at the directory.
#[derive(Debug)]
pub enum Reload {
    /// It says what it said at the last look.
    Unchanged,
    /// It says something else, which is in force now.
    Loaded(Arc<Catalogues>),
    /// It says something else that is wrong; what was in force still is.
    Refused(CatalogueErrors),
}

impl Words {
    /// Puts the catalogues into force that are compiled in and overridden by those of `dir`, as
    /// [`Catalogues::load`] does.
    ///
    /// # Errors
    /// As [`Catalogues::load`].
    pub fn open(dir: Option<PathBuf>, fallback: &str) -> Result<Self, CatalogueErrors> {
        // Before it is loaded: what changes in between is another change.
        let read = dir.as_deref().map(file::fingerprint);
        let catalogues = Catalogues::load(dir.as_deref(), fallback)?;
        Ok(Self {
            dir,
            fallback: fallback.to_owned(),
            in_force: watch::Sender::new(Arc::new(catalogues)),
            read: Mutex::new(read),
        })
    }

    /// The catalogues in force now.
    #[must_use]
    pub fn now(&self) -> Arc<Catalogues> {
        Arc::clone(&self.in_force.borrow())
    }

    /// Whether they can change.
    #[must_use]
    pub const fn can_change(&self) -> bool {
        self.dir.is_some()
    }

    /// Looks at the directory, and puts what it says into force if it is something new and all of it is right. Reads files:
    /// not for async threads.
    pub fn reload(&self) -> Reload {
        let Some(dir) = &self.dir else {
            return Reload::Unchanged;
        };
        let found = Some(file::fingerprint(dir));
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if *read == found {
            return Reload::Unchanged;
        }
        *read = found;
        match Catalogues::load(Some(dir), &self.fallback) {
            Ok(catalogues) => {
                let catalogues = Arc::new(catalogues);
                self.in_force.send_replace(Arc::clone(&catalogues));
                Reload::Loaded(catalogues)
            }
            Err(errors) => Reload::Refused(errors),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Map;
    use tempfile::TempDir;

    use super::*;
    use crate::contract::IncentiveType;
    use crate::localize::Reader;

    fn title(words: &Words) -> String {
        let reader = Reader {
            user_id: 1,
            language: None,
        };
        let kind = IncentiveType::BonusOpportunity;
        words.now().render(reader, kind, &Map::new(), None, None).title
    }

    fn write(dir: &TempDir, name: &str, title: &str) {
        let text = format!("bonus_opportunity =\n    .title = {title}\n    .body = b\n");
        fs::write(dir.path().join(name), text).expect("a file");
    }

    #[test]
    fn what_changes_comes_into_force_when_all_is_right() {
        let dir = TempDir::new().expect("a directory");
        let words = Words::open(Some(dir.path().to_owned()), "en").expect("the built-in ones");
        assert_eq!(title(&words), "A bonus is waiting for you");
        assert!(matches!(words.reload(), Reload::Unchanged));

        write(&dir, "en.ftl", "One");
        assert!(matches!(words.reload(), Reload::Loaded(_)));
        assert_eq!(title(&words), "One");
        assert!(matches!(words.reload(), Reload::Unchanged));

        // One file is right and new, the other one is wrong: neither counts, and it is said once.
        write(&dir, "en.ftl", "Two");
        write(&dir, "fr.ftl", "{ $nothing }");
        match words.reload() {
            Reload::Refused(errors) => assert!(errors.to_string().contains("fr.ftl:2: "), "{errors}"),
            other => panic!("{other:?}"),
        }
        assert_eq!(title(&words), "One");
        assert!(matches!(words.reload(), Reload::Unchanged));

        write(&dir, "fr.ftl", "Deux");
        assert!(matches!(words.reload(), Reload::Loaded(_)));
        assert_eq!(title(&words), "Two");

        fs::remove_file(dir.path().join("en.ftl")).expect("removed");
        assert!(matches!(words.reload(), Reload::Loaded(_)));
        assert_eq!(title(&words), "A bonus is waiting for you");
        fs::write(dir.path().join("notes.txt"), "not a catalogue").expect("a file");
        assert!(matches!(words.reload(), Reload::Unchanged));
    }

    #[test]
    fn a_directory_that_goes_away_takes_no_words_with_it() {
        let dir = TempDir::new().expect("a directory");
        write(&dir, "en.ftl", "One");
        let words = Words::open(Some(dir.path().to_owned()), "en").expect("right");
        fs::remove_dir_all(dir.path()).expect("removed");
        match words.reload() {
            Reload::Refused(errors) => assert!(errors.to_string().contains("can't be read"), "{errors}"),
            other => panic!("{other:?}"),
        }
        assert!(matches!(words.reload(), Reload::Unchanged));
        assert_eq!(title(&words), "One");
    }
}
