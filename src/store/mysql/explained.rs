//! The statements of the hot path with values in place, for the tests that look at how they are executed.

use super::super::Which;
use super::super::ids;
use super::{
    admit, broadcasts, cancel, claim, depth, end, forget, gather, habits, history, insert, preferences,
    results, retention,
};

/// A statement, and how it is meant to be executed.
#[derive(Clone, Debug)]
pub struct Explained {
    /// Whose statement it is.
    pub name: &'static str,
    /// The statement, without placeholders.
    pub text: String,
    /// The only indexes that it may use.
    pub indexes: Vec<&'static str>,
    /// How often it looks into a table of ours.
    pub accesses: usize,
}

/// Every statement that is executed for each batch, for batches of so many rows, and those that are asked again and again.
#[must_use]
pub fn explained(rows: usize) -> Vec<Explained> {
    let values = Values::of(rows);
    [
        of_events(&values),
        of_claims(&values),
        of_cancels(&values),
        of_forgetting(&values),
        of_looking(&values),
    ]
    .concat()
}

/// What stands in the place of placeholders.
struct Values {
    rows: usize,
    ids: Vec<String>,
    /// As many as there are rows.
    events: Vec<String>,
    /// As many as statements about a set of events have places for.
    padded: Vec<String>,
    /// A claim.
    claim: [String; 1],
    /// A priority, or an id, and how many rows at most.
    due: [String; 2],
    /// A user, and twice the time of a request.
    user: [String; 3],
}

impl Values {
    fn of(rows: usize) -> Self {
        let ids: Vec<i64> = (1..).take(rows).collect();
        let events: Vec<_> = (0..rows).map(|number| format!("'event-{number}'")).collect();
        let each: Vec<_> = events.iter().collect();
        let padded = ids::repeated(&each).cloned().collect();
        let time = "'2026-01-31 12:00:00.000'";
        Self {
            rows,
            ids: ids::bound(&ids).map(|id| id.to_string()).collect(),
            events,
            padded,
            claim: ["7".to_owned()],
            due: ["1".to_owned(), rows.to_string()],
            user: ["7", time, time].map(str::to_owned),
        }
    }

    fn limit(&self) -> &[String] {
        &self.due[1..]
    }
}

fn statement(
    name: &'static str,
    text: &str,
    values: &[String],
    index: &'static str,
    accesses: usize,
) -> Explained {
    Explained {
        name,
        text: filled(text, values),
        indexes: index.split(", ").collect(),
        accesses,
    }
}

fn of_events(values: &Values) -> Vec<Explained> {
    let Values { rows, ids, .. } = values;
    let twice = [&ids[..], ids].concat();
    let known = insert::known_text(*rows);
    let untold: Vec<_> = (0..*rows)
        .map(|number| format!(r#"["event-{number}",[["held","{{}}"]]]"#))
        .collect();
    let untold = [format!("'[{}]'", untold.join(","))];
    let rewritten: Vec<_> = (1..=*rows)
        .map(|id| format!(r#"[[{id},0,"pending",null],["","","{{}}"],["en",null,null],[null,null]]"#))
        .collect();
    let rewritten = [format!("'[{}]'", rewritten.join(","))];
    let changed: Vec<_> = (1..=*rows)
        .map(|id| format!(r#"[[{id},"sent",null,null],"2026-01-31 12:00:00.000",[null,null,null,null]]"#))
        .collect();
    let changed = [format!("'[{}]'", changed.join(","))];
    let places: Vec<_> = (1..=*rows)
        .map(|user| format!(r#"[{user},"{{}}",null,"2026-01-31 12:00:00.000"]"#))
        .collect();
    let places = [format!("'[{}]'", places.join(","))];
    vec![
        statement("readers", &preferences::look_up_text(*rows), &twice, "PRIMARY", 2),
        statement("habits", &habits::look_up_text(*rows), ids, "PRIMARY", 1),
        statement("places", &admit::lock_text(*rows), ids, "PRIMARY", 1),
        statement(
            "gathered",
            &gather::lock_text(*rows),
            &values.padded,
            "one_row_per_event",
            1,
        ),
        statement("known events", &known, &values.events, "one_row_per_event", 1),
        statement(
            "rows without a history",
            history::UNTOLD,
            &untold,
            "one_row_per_event, of_notification",
            2,
        ),
        statement(
            "rewritten rows",
            &insert::rewrite_text(),
            &rewritten,
            "PRIMARY",
            1,
        ),
        statement("kept places", admit::WRITE, &places, "PRIMARY", 1),
        statement(
            "rows that results change",
            &results::write_text(),
            &changed,
            "PRIMARY",
            1,
        ),
        statement("rows of results", &results::lock_text(*rows), ids, "PRIMARY", 1),
    ]
}

fn of_claims(values: &Values) -> Vec<Explained> {
    let Values { rows, ids, claim, .. } = values;
    let before = [&claim[..], ids].concat();
    let after = [&ids[..], claim].concat();
    let mark = claim::mark_claimed_text(*rows);
    let sent = end::change_text(end::SENT, *rows);
    let released = end::change_text(end::RELEASED, *rows);
    let deferred: Vec<_> = (1..=*rows)
        .map(|id| format!(r#"[[{id},"pending"],"2026-01-31 12:00:00.000"]"#))
        .collect();
    let deferred = [format!("'[{}]'", deferred.join(","))];
    let withhold = claim::withhold_text();
    vec![
        statement("rows that rules withhold", &withhold, &deferred, "PRIMARY", 1),
        statement("due rows", &claim::due_rows_text(), &values.due, "claim_order", 1),
        statement("waits", &claim::waits_text(), &[], "claim_order", 5),
        statement("mark as claimed", &mark, &before, "PRIMARY", 1),
        statement("mark as sent", &sent, &after, "PRIMARY", 1),
        statement("mark as released", &released, &after, "PRIMARY", 1),
    ]
}

fn of_cancels(values: &Values) -> Vec<Explained> {
    let Values {
        rows, ids, padded, ..
    } = values;
    let stored = cancel::stored_text(*rows);
    let targets = cancel::targets_text(*rows);
    vec![
        statement(
            "cancels of events",
            &cancel::look_up_text(*rows),
            padded,
            "PRIMARY",
            1,
        ),
        statement("rows of cancels", &stored, padded, "one_row_per_event", 1),
        statement("rows to be cancelled", &targets, ids, "PRIMARY", 1),
    ]
}

fn of_forgetting(values: &Values) -> Vec<Explained> {
    let Values { rows, ids, user, .. } = values;
    let some = [&user[..], values.limit()].concat();
    let these = [&ids[..], user].concat();
    let pending = forget::candidates_text(Which::Pending);
    let free = forget::candidates_text(Which::Free);
    let lock = forget::lock_text(*rows, Which::Free);
    vec![
        statement("next to forget", forget::NEXT, &values.due[..1], "by_end", 1),
        statement("rows of a user that wait", &pending, &some, "of_user", 1),
        statement("rows of a user", &free, &some, "of_user", 1),
        statement("anything of a user", &forget::left_text(), user, "of_user", 1),
        statement("rows to be made anonymous", &lock, &these, "PRIMARY", 1),
    ]
}

fn of_looking(values: &Values) -> Vec<Explained> {
    const FEW: u32 = 1000;
    let outlived = ["'sent'", "1", "1000000", "1000000"].map(str::to_owned);
    let outlived = [&outlived[..], values.limit()].concat();
    let (open, limit) = (broadcasts::OPEN, values.limit());
    vec![
        statement("few rows", &depth::few_text(FEW), &[], "claim_order", 40),
        statement(
            "pending by type",
            &depth::by_type_text(FEW),
            &[],
            "claim_order",
            5,
        ),
        statement("outlived rows", retention::OUTLIVED, &outlived, "claim_order", 1),
        statement("page of readers", broadcasts::READERS, &values.due, "PRIMARY", 1),
        statement("open broadcasts", open, limit, "of_state", 2),
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
