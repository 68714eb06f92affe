//! The statements of the hot path with values in place, for the tests that look at how they are executed.

use super::super::Which;
use super::super::ids;
use super::{
    admit, broadcasts, cancel, claim, depth, end, forget, habits, insert, preferences, results, retention,
};

/// A statement, and how it is meant to be executed.
#[derive(Debug)]
pub struct Explained {
    /// Whose statement it is.
    pub name: &'static str,
    /// The statement, without placeholders.
    pub text: String,
    /// The only index that it may use.
    pub index: &'static str,
    /// How often it looks into a table of ours.
    pub accesses: usize,
}

/// Every statement that is executed for each batch, for batches of so many rows, and those that are asked again and again.
#[must_use]
pub fn explained(rows: usize) -> Vec<Explained> {
    let ids: Vec<i64> = (1..).take(rows).collect();
    let ids: Vec<String> = ids::bound(&ids).map(|id| id.to_string()).collect();
    let claim = ["7".to_owned()];
    let events: Vec<_> = (0..rows).map(|number| format!("'event-{number}'")).collect();
    let each: Vec<_> = events.iter().collect();
    let padded: Vec<String> = ids::repeated(&each).cloned().collect();
    let statement = |name, text: &str, values: &[String], index, accesses| Explained {
        name,
        text: filled(text, values),
        index,
        accesses,
    };
    let due = ["1".to_owned(), rows.to_string()];
    let outlived = ["'sent'", "1", "1000000", "1000000"].map(str::to_owned);
    let user = ["7", "'2026-01-31 12:00:00.000'", "'2026-01-31 12:00:00.000'"].map(str::to_owned);
    let mark = end::change_text(end::SENT, rows);
    vec![
        statement("due rows", &claim::due_rows_text(), &due, "claim_order", 1),
        statement("waits", &claim::waits_text(), &[], "claim_order", 5),
        statement(
            "mark as claimed",
            &claim::mark_claimed_text(rows),
            &[&claim[..], &ids].concat(),
            "PRIMARY",
            1,
        ),
        statement("mark as sent", &mark, &[&ids, &claim[..]].concat(), "PRIMARY", 1),
        statement("rows of results", &results::lock_text(rows), &ids, "PRIMARY", 1),
        statement("habits", &habits::look_up_text(rows), &ids, "PRIMARY", 1),
        statement("readers", &admit::lock_text(rows), &ids, "PRIMARY", 1),
        statement(
            "known events",
            &insert::known_text(events.len()),
            &events,
            "one_row_per_event",
            1,
        ),
        statement(
            "cancels of events",
            &cancel::look_up_text(events.len()),
            &padded,
            "PRIMARY",
            1,
        ),
        statement(
            "rows of cancels",
            &cancel::stored_text(events.len()),
            &padded,
            "one_row_per_event",
            1,
        ),
        statement(
            "rows to be cancelled",
            &cancel::targets_text(rows),
            &ids,
            "PRIMARY",
            1,
        ),
        statement(
            "mark as released",
            &end::change_text(end::RELEASED, rows),
            &[&ids, &claim[..]].concat(),
            "PRIMARY",
            1,
        ),
        statement(
            "outlived rows",
            retention::OUTLIVED,
            &[&outlived[..], &due[1..]].concat(),
            "claim_order",
            1,
        ),
        statement(
            "readers",
            &preferences::look_up_text(rows),
            &[&ids[..], &ids].concat(),
            "PRIMARY",
            1,
        ),
        statement("next to forget", forget::NEXT, &["1".to_owned()], "by_end", 1),
        statement(
            "rows of a user that wait",
            &forget::candidates_text(Which::Pending),
            &[&user[..], &due[1..]].concat(),
            "of_user",
            1,
        ),
        statement(
            "rows of a user",
            &forget::candidates_text(Which::Free),
            &[&user[..], &due[1..]].concat(),
            "of_user",
            1,
        ),
        statement("anything of a user", &forget::left_text(), &user, "of_user", 1),
        statement(
            "rows to be made anonymous",
            &forget::lock_text(rows, Which::Free),
            &[&ids[..], &user].concat(),
            "PRIMARY",
            1,
        ),
        statement("few rows", &depth::few_text(1000), &[], "claim_order", 40),
        statement(
            "pending by type",
            &depth::by_type_text(1000),
            &[],
            "claim_order",
            5,
        ),
        statement("readers", broadcasts::READERS, &due, "PRIMARY", 1),
        statement(
            "running broadcasts",
            broadcasts::RUNNING,
            &due[1..],
            "of_state",
            1,
        ),
    ]
}

/// The statement with its placeholders replaced, in their order.
fn filled(text: &str, values: &[String]) -> String {
    let mut parts = text.split('?');
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for (value, part) in values.iter().zip(parts) {
        filled.push_str(value);
        filled.push_str(part);
    }
    filled
}
