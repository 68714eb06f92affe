//! What is wrong with a text that isn't Fluent, and where: the parser says both, but not always well.

use fluent_syntax::parser::{ErrorKind, ParserError, parse_runtime};

/// The byte at which a text went wrong, and how.
pub fn explain(source: &str, error: &ParserError) -> (usize, String) {
    // The parser gives up a part of a message without a word and stumbles over its dot: either because
    // nothing is left of the message, or as the start of the next entry.
    let start = match error.kind {
        ErrorKind::ExpectedMessageField { .. } => error.pos.end,
        _ => error.pos.start,
    };
    let rest = source.get(start..).unwrap_or_default();
    let inner = rest.trim_start().strip_prefix('.').and_then(|part| {
        let (_, errors) = parse_runtime(part).err()?;
        let first = errors
            .into_iter()
            .next()
            .filter(|first| first.slice.as_ref().is_some_and(|at| at.start == 0))?;
        Some((source.len() - part.len() + where_missed(part, &first), first))
    });
    match inner {
        Some((offset, inner)) => (offset, phrase(&inner)),
        None => (where_missed(source, error), phrase(error)),
    }
}

/// What is missing is missing after the last text, not in the next line, where the parser noticed.
fn where_missed(source: &str, error: &ParserError) -> usize {
    let noticed = error.pos.start;
    match error.kind {
        ErrorKind::ExpectedToken(_) => source
            .get(..noticed)
            .map_or(noticed, |before| before.trim_end().len()),
        _ => noticed,
    }
}

fn phrase(error: &ParserError) -> String {
    let text = match &error.kind {
        // What the parser calls a field is a text.
        ErrorKind::ExpectedMessageField { entry_id } => format!("expected a text after `{entry_id} =`"),
        kind => kind.to_string(),
    };
    let mut characters = text.chars();
    let first = characters.next().into_iter().flat_map(char::to_lowercase);
    format!("syntax: {}", first.chain(characters).collect::<String>())
}
