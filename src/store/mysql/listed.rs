//! Rows that are given to a statement as one parameter: a JSON array, which it reads with `JSON_TABLE`. One text serves any
//! number of rows.

use serde::Serialize;
use sqlx::{AssertSqlSafe, MySqlConnection};

use super::sizes::AT_ONCE;

/// The rows as JSON arrays, in their order, none longer than what is sent at once but where one row is.
fn lists<T: Serialize>(rows: &[T]) -> sqlx::Result<Vec<String>> {
    let mut lists: Vec<String> = Vec::new();
    for row in rows {
        let row = serde_json::to_string(row).map_err(|fault| sqlx::Error::Encode(Box::new(fault)))?;
        match lists.last_mut() {
            Some(list) if list.len() + row.len() + 2 <= AT_ONCE => {
                list.push(',');
                list.push_str(&row);
            }
            _ => lists.push(format!("[{row}")),
        }
    }
    for list in &mut lists {
        list.push(']');
    }
    Ok(lists)
}

/// Executes the statement, whose one parameter is a list, for all of the rows.
pub(super) async fn execute<T: Serialize>(
    connection: &mut MySqlConnection,
    text: &str,
    rows: &[T],
) -> sqlx::Result<()> {
    for list in lists(rows)? {
        sqlx::query(AssertSqlSafe(text))
            .bind(list)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// A statement that takes columns of the queue's rows from a list. Each is named with its type and where it stands in its
/// row's array, in which the row's id is the first of the first.
pub(super) fn update_text(columns: &[(&str, &str, &str)]) -> String {
    let listed = columns.iter();
    let listed: Vec<_> = listed
        .map(|(column, kind, path)| format!("{column} {kind} PATH '{path}' ERROR ON ERROR"))
        .collect();
    let set = columns.iter();
    let set: Vec<_> = set
        .map(|(column, ..)| format!("incentive_notify_queue.{column} = new.{column}"))
        .collect();
    format!(
        "UPDATE JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT PATH '$[0][0]' ERROR ON ERROR, {})) AS new \
         STRAIGHT_JOIN incentive_notify_queue FORCE INDEX (PRIMARY) ON incentive_notify_queue.id = new.id SET {}",
        listed.join(", "),
        set.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_short_and_make_the_rows() {
        let rows: Vec<(usize, String)> = (0..1000)
            .map(|number| (number, "\"x\"\n".repeat(number % 40)))
            .chain([(1000, "y".repeat(2 * AT_ONCE)), (1001, String::new())])
            .collect();
        let lists = lists(&rows).unwrap();
        let long = lists.iter().filter(|list| list.len() > AT_ONCE).count();
        assert_eq!(long, 1, "the one row that is longer");
        let again: Vec<(usize, String)> = lists
            .iter()
            .flat_map(|list| serde_json::from_str::<Vec<(usize, String)>>(list).unwrap())
            .collect();
        assert_eq!(again, rows);
        assert!(lists.len() < 20);
    }

    #[test]
    fn of_no_rows_there_is_no_list() {
        assert!(lists::<(i64, String)>(&[]).unwrap().is_empty());
    }
}
