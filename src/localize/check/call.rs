//! Calls of the functions that a catalogue has: `{ NUMBER($points, useGrouping: "false") }`, and
//! `{ PLURAL($points) -> [few] … }`, which asks the plural rules alone.

use fluent_syntax::ast::{CallArguments, Identifier, InlineExpression};

use super::walk::{Known, Place, Walk};
use crate::localize::arguments::{self, Kind};

/// The function that tells the plural category of a number.
pub(super) const PLURAL: &str = "PLURAL";
/// The most fraction digits that a catalogue can ask for.
const MAX_FRACTION_DIGITS: usize = 6;

impl<'a> Walk<'_, 'a> {
    pub(super) fn function(
        &mut self,
        at: Place<'a>,
        id: &'a Identifier<&'a str>,
        call: &'a CallArguments<&'a str>,
        known: Known,
    ) {
        let name = id.name;
        if name != "NUMBER" && name != PLURAL {
            let what = format!("calls `{name}`, which is unknown; there are `NUMBER` and `{PLURAL}`");
            self.fault(at, name, &what);
            return;
        }
        match call.positional.as_slice() {
            [InlineExpression::VariableReference { id: argument }] => {
                self.printed(at, argument, known);
                let found = self.subject.and_then(|subject| {
                    arguments::of(subject)
                        .iter()
                        .find(|candidate| candidate.name == argument.name)
                });
                if found.is_some_and(|argument| argument.kind != Kind::Number) {
                    self.fault(
                        at,
                        argument.name,
                        &format!("calls `{name}` with `${}`, a text", argument.name),
                    );
                }
            }
            _ => self.fault(
                at,
                id.name,
                &format!("calls `{name}` with something else than one argument like `$points`"),
            ),
        }
        for option in &call.named {
            let function = name;
            let name = option.name.name;
            if function == PLURAL {
                self.fault(
                    at,
                    name,
                    &format!("calls `{PLURAL}` with `{name}`; it has no options"),
                );
                continue;
            }
            let allowed = match (name, &option.value) {
                ("type", InlineExpression::StringLiteral { value }) => {
                    ["cardinal", "ordinal"].contains(value)
                }
                ("useGrouping", InlineExpression::StringLiteral { value }) => {
                    ["true", "false"].contains(value)
                }
                (
                    "minimumFractionDigits" | "maximumFractionDigits",
                    InlineExpression::NumberLiteral { value },
                ) => value
                    .parse::<usize>()
                    .is_ok_and(|digits| digits <= MAX_FRACTION_DIGITS),
                _ => false,
            };
            if !allowed {
                let what = format!(
                    "calls `NUMBER` with an unknown `{name}` or value of it; there are \
                     type: \"ordinal\", useGrouping: \"false\", minimumFractionDigits and \
                     maximumFractionDigits: 0 to {MAX_FRACTION_DIGITS}"
                );
                self.fault(at, name, &what);
            }
        }
    }
}
