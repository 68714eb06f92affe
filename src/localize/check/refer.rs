//! Messages and terms that a message refers to: they are there, and never lead back.

use fluent_syntax::ast::Identifier;

use super::attribute;
use super::walk::{Known, Place, Walk};
use crate::localize::fault::did_you_mean;

impl<'a> Walk<'_, 'a> {
    pub(super) fn message(
        &mut self,
        at: Place<'a>,
        id: &'a str,
        wanted: Option<&'a Identifier<&'a str>>,
        known: Known,
    ) {
        let entries = self.entries;
        self.reached.insert(id);
        if self.subject.is_none() {
            self.fault(
                at,
                id,
                &format!("refers to the message `{id}`; terms are fixed words"),
            );
            return;
        }
        let Some((file, message)) = entries.messages.get(id).copied() else {
            if !at.file().broken {
                let hint = did_you_mean(id, "", entries.messages.keys().copied());
                self.fault(
                    at,
                    id,
                    &format!("refers to the message `{id}`, which is unknown{hint}"),
                );
            }
            return;
        };
        let pattern = match wanted {
            Some(name) => attribute(&message.attributes, name.name),
            None => message.value.as_ref(),
        };
        let Some(pattern) = pattern else {
            let missing = wanted.map_or("text of its own".to_owned(), |name| format!("`.{}`", name.name));
            self.fault(
                at,
                id,
                &format!("refers to the message `{id}`, which has no {missing}"),
            );
            return;
        };
        let step = (id, wanted.map(|name| name.name));
        if self.trail.contains(&step) {
            self.fault(at, id, &format!("refers to `{id}`, which leads back here"));
        } else if self.seen.insert((step.0, step.1, known)) {
            self.trail.push(step);
            self.pattern(Place::Message(file, message.id.name), pattern, known);
            self.trail.pop();
        }
    }

    /// A term's text is checked once, where it stands; here only that it is there, and no circle.
    pub(super) fn term(&mut self, at: Place<'a>, id: &'a str, wanted: Option<&'a Identifier<&'a str>>) {
        let entries = self.entries;
        let Some((file, term)) = entries.terms.get(id).copied() else {
            if !at.file().broken {
                let hint = did_you_mean(id, "-", entries.terms.keys().copied());
                self.fault(
                    at,
                    id,
                    &format!("refers to the term `-{id}`, which is unknown{hint}"),
                );
            }
            return;
        };
        let Some(name) = wanted else {
            let step = (id, None);
            if self.subject.is_some() {
                return;
            }
            if self.trail.contains(&step) {
                self.fault(at, id, &format!("refers to `-{id}`, which leads back here"));
            } else if self.seen.insert((id, None, 0)) {
                self.trail.push(step);
                self.pattern(Place::Term(file, term.id.name), &term.value, 0);
                self.trail.pop();
            }
            return;
        };
        if attribute(&term.attributes, name.name).is_none() {
            self.fault(
                at,
                id,
                &format!("refers to `-{id}.{}`, which is unknown", name.name),
            );
        }
    }
}
