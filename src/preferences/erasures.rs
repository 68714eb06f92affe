//! Erasures that would erase nothing: decided without I/O.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::contract::{PreferenceChange, Reason, Rejection, time};

/// Decides about the changes of a batch in their order, where `known_since` tells the earliest moment of which anything is known of
/// each user. An empty record erases what is known until its time. One that is older than all of it would be done at once, and
/// would have erased nothing: most often its time was written in another unit than milliseconds.
pub(super) fn too_old(
    changes: &[PreferenceChange],
    mut known_since: BTreeMap<i64, DateTime<Utc>>,
) -> Vec<Option<Rejection>> {
    let mut rejections = Vec::with_capacity(changes.len());
    for change in changes {
        let as_of = change.updated_at;
        let since = known_since.get(&change.user_id).copied();
        let in_vain = since.filter(|since| change.preference.is_none() && as_of < *since);
        if in_vain.is_none() {
            let known = known_since.entry(change.user_id).or_insert(as_of);
            *known = as_of.min(*known);
        }
        rejections.push(in_vain.map(|since| rejection(change.user_id, as_of, since)));
    }
    rejections
}

fn rejection(user_id: i64, as_of: DateTime<Utc>, since: DateTime<Utc>) -> Rejection {
    Rejection::new(
        Reason::SchemaViolation,
        format!(
            "the record's timestamp: user {user_id} is to be erased as of {}, which is before all that is known of the user \
             (since {}): nothing would be erased. Write the record again with its time in milliseconds since 1970, or use \
             `inq forget {user_id}`",
            time::format(&as_of),
            time::format(&since)
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Preference;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn erasure(user_id: i64, second: i64) -> PreferenceChange {
        PreferenceChange {
            user_id,
            updated_at: at(second),
            preference: None,
        }
    }

    fn said(user_id: i64, second: i64) -> PreferenceChange {
        Preference::of_nothing(user_id, at(second)).into()
    }

    fn refused(changes: &[PreferenceChange], known: &[(i64, i64)]) -> Vec<bool> {
        let known = known.iter().map(|(user, second)| (*user, at(*second))).collect();
        too_old(changes, known).iter().map(Option::is_some).collect()
    }

    #[test]
    fn an_erasure_that_is_older_than_all_that_is_known_is_refused() {
        let (now, in_seconds) = (1_770_000_000, 1_770_000);
        assert_eq!(refused(&[erasure(1, in_seconds)], &[(1, now)]), [true]);
        assert_eq!(refused(&[erasure(1, now)], &[(1, now)]), [false]);
        assert_eq!(refused(&[erasure(1, now + 1)], &[(1, now)]), [false]);
    }

    #[test]
    fn of_whom_nothing_is_known_is_erased_as_of_any_time() {
        assert_eq!(refused(&[erasure(1, 100)], &[(2, 1000)]), [false]);
    }

    #[test]
    fn what_stands_before_it_in_the_batch_is_known() {
        assert_eq!(refused(&[said(1, 1000), erasure(1, 100)], &[]), [false, true]);
        assert_eq!(
            refused(&[said(1, 50), erasure(1, 100)], &[(1, 1000)]),
            [false, false]
        );
        assert_eq!(refused(&[erasure(1, 100), said(1, 1000)], &[]), [false, false]);
        assert_eq!(refused(&[said(2, 1000), erasure(1, 100)], &[]), [false, false]);
    }

    #[test]
    fn who_only_says_something_is_never_refused() {
        assert_eq!(refused(&[said(1, 100)], &[(1, 1000)]), [false]);
    }

    #[test]
    fn the_refusal_names_the_time_and_the_remedy() {
        let rejections = too_old(&[erasure(7, 1_770_000)], BTreeMap::from([(7, at(1_770_000_000))]));
        let detail = &rejections[0].as_ref().unwrap().detail;
        assert!(
            detail.contains("1970-01-21") && detail.contains("`inq forget 7`"),
            "{detail}"
        );
    }
}
