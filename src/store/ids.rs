//! Lists: of ids in a claim row and in statements, and of rows in statements.

/// The smallest power of two that holds the list: statements with lists are prepared once for each length, and there
/// should be few lengths.
const fn padded(length: usize) -> usize {
    length.next_power_of_two()
}

/// `id IN (?, ?, …)` for a list of that length, to be bound with [`bound`].
pub(super) fn id_in(length: usize) -> String {
    column_in("id", length)
}

/// The same for another column, to be bound with [`repeated`].
pub(super) fn column_in(column: &str, length: usize) -> String {
    let mut text = format!("{column} IN (?");
    for _ in 1..padded(length) {
        text.push_str(", ?");
    }
    text.push(')');
    text
}

/// The ids, the last one repeated to the length that [`id_in`] asks for; to say an id twice changes nothing.
pub(super) fn bound(ids: &[i64]) -> impl Iterator<Item = i64> {
    let of_none = ids.is_empty().then_some(0);
    repeated(ids).chain(of_none)
}

/// The values, the last one repeated to the length that [`column_in`] asks for; of none there are none.
pub(super) fn repeated<T: Copy>(list: &[T]) -> impl Iterator<Item = T> {
    let missing = padded(list.len()) - list.len();
    let filling = list.last().map(|value| std::iter::repeat_n(*value, missing));
    list.iter().copied().chain(filling.into_iter().flatten())
}

/// The most rows of one statement that stores rows.
const ROWS_AT_ONCE: usize = 512;

/// The list in parts whose lengths are powers of two, for statements that cannot say a row twice: few lengths again.
pub(super) fn parts<T>(list: &[T]) -> impl Iterator<Item = &[T]> {
    parts_of(list, ROWS_AT_ONCE)
}

/// The same, with parts of at most that length, which is a power of two.
pub(super) fn parts_of<T>(list: &[T], most: usize) -> impl Iterator<Item = &[T]> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let largest = 1 << rest.len().checked_ilog2()?;
        let (part, later) = rest.split_at(most.min(largest));
        rest = later;
        Some(part)
    })
}

/// As the claim row keeps them.
pub(super) fn to_json(ids: &[i64]) -> String {
    let mut text = String::from("[");
    for (index, id) in ids.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&id.to_string());
    }
    text.push(']');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_padded_to_a_power_of_two() {
        for (length, places) in [(1, 1), (2, 2), (3, 4), (500, 512)] {
            let ids: Vec<i64> = (1..).take(length).collect();
            assert_eq!(id_in(length).matches('?').count(), places);
            assert_eq!(bound(&ids).count(), places);
        }
        assert_eq!(bound(&[4, 5, 6]).collect::<Vec<_>>(), [4, 5, 6, 6]);
    }

    #[test]
    fn parts_are_powers_of_two_and_make_the_list() {
        let list: Vec<i64> = (0..1100).collect();
        let lengths: Vec<_> = parts(&list).map(<[i64]>::len).collect();
        assert_eq!(lengths, [512, 512, 64, 8, 4]);
        assert_eq!(parts(&list).collect::<Vec<_>>().concat(), list);
        assert_eq!(parts::<i64>(&[]).count(), 0);
    }

    #[test]
    fn what_a_claim_row_keeps_is_json() {
        let ids = vec![1, 22, 333];
        assert_eq!(serde_json::from_str::<Vec<i64>>(&to_json(&ids)).ok(), Some(ids));
        assert_eq!(to_json(&[]), "[]");
    }
}
