//! Lists of ids: in a claim row, and in statements.

/// The smallest power of two that holds the list: statements with lists are prepared once for each length, and there
/// should be few lengths.
const fn padded(length: usize) -> usize {
    length.next_power_of_two()
}

/// `id IN (?, ?, …)` for a list of that length, to be bound with [`bound`].
pub(super) fn id_in(length: usize) -> String {
    let mut text = String::from("id IN (?");
    for _ in 1..padded(length) {
        text.push_str(", ?");
    }
    text.push(')');
    text
}

/// The ids, the last one repeated to the length that [`id_in`] asks for; to say an id twice changes nothing.
pub(super) fn bound(ids: &[i64]) -> impl Iterator<Item = i64> {
    let last = ids.last().copied().unwrap_or_default();
    let missing = padded(ids.len()) - ids.len();
    ids.iter().copied().chain(std::iter::repeat_n(last, missing))
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
    fn what_a_claim_row_keeps_is_json() {
        let ids = vec![1, 22, 333];
        assert_eq!(serde_json::from_str::<Vec<i64>>(&to_json(&ids)).ok(), Some(ids));
        assert_eq!(to_json(&[]), "[]");
    }
}
