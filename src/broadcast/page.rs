//! Which readers of a page get the event, and how far the page brings the broadcast.

use crate::store::{Advance, Reader};

/// The most readers that are read together.
const LONGEST: u32 = 1000;
/// The fewest, for a segment that few belong to.
const SHORTEST: u32 = 100;
/// In how many readers one of the segment is hoped for.
const HOPE: u32 = 8;

/// How many readers to read for so many events.
#[must_use]
pub fn length(segment: Option<&str>, allowed: u32) -> u32 {
    match segment {
        None => allowed.clamp(1, LONGEST),
        Some(_) => allowed.saturating_mul(HOPE).clamp(SHORTEST, LONGEST),
    }
}

/// Whether a reader belongs to the segment; without one, whether anything is known of the reader. Who was forgotten
/// belongs to none.
#[must_use]
pub fn is_meant(reader: &Reader, segment: Option<&str>) -> bool {
    reader
        .preference
        .as_ref()
        .is_some_and(|preference| segment.is_none_or(|segment| preference.segments.contains(segment)))
}

/// A page, looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Who gets the event.
    pub users: Vec<i64>,
    /// How far it brings the broadcast.
    pub step: Advance,
}

/// Looks at readers who follow `after`, in their order, until there are as many of the segment as events are allowed. Of a
/// page that was read in full, `length` readers, more may follow.
#[must_use]
pub fn look(readers: &[Reader], segment: Option<&str>, after: i64, allowed: u32, length: u32) -> Page {
    let most = usize::try_from(allowed).unwrap_or(usize::MAX);
    let mut users = Vec::new();
    let mut looked_at = 0;
    let mut to = after;
    for reader in readers {
        let is_meant = is_meant(reader, segment);
        if is_meant && users.len() == most {
            break;
        }
        if is_meant {
            users.push(reader.user_id);
        }
        looked_at += 1;
        to = reader.user_id;
    }
    let is_whole = looked_at == readers.len();
    Page {
        step: Advance {
            from: after,
            to,
            looked_at: looked_at as u64,
            produced: users.len() as u64,
            is_last: is_whole && readers.len() < usize::try_from(length).unwrap_or(usize::MAX),
        },
        users,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Preference;

    /// Readers by their ids: with these segments, or forgotten.
    fn reader(user_id: i64, segments: Option<&str>) -> Reader {
        let preference = segments.map(|segments| {
            let text = format!(
                r#"{{"user_id":{user_id},"updated_at":"2026-01-01T00:00:00Z","segments":{segments}}}"#
            );
            Preference::decode(Some(text.as_bytes()), 1000).unwrap()
        });
        Reader { user_id, preference }
    }

    fn readers() -> Vec<Reader> {
        vec![
            reader(3, Some(r#"["vip"]"#)),
            reader(5, Some("[]")),
            reader(8, None),
            reader(13, Some(r#"["new","vip"]"#)),
            reader(21, Some(r#"["VIP"]"#)),
        ]
    }

    fn advance(to: i64, looked_at: u64, produced: u64, is_last: bool) -> Advance {
        Advance {
            from: 2,
            to,
            looked_at,
            produced,
            is_last,
        }
    }

    #[test]
    fn those_of_the_segment_get_it_and_nobody_else() {
        let page = look(&readers(), Some("vip"), 2, 10, 10);
        assert_eq!(page.users, [3, 13]);
        assert_eq!(page.step, advance(21, 5, 2, true));
    }

    #[test]
    fn without_a_segment_everybody_gets_it_but_who_was_forgotten() {
        let page = look(&readers(), None, 2, 10, 10);
        assert_eq!(page.users, [3, 5, 13, 21]);
        assert_eq!(page.step, advance(21, 5, 4, true));
    }

    #[test]
    fn a_page_ends_before_the_first_reader_who_is_too_many() {
        let page = look(&readers(), Some("vip"), 2, 1, 10);
        assert_eq!(page.users, [3]);
        assert_eq!(page.step, advance(8, 3, 1, false));
        let page = look(&readers(), Some("vip"), 2, 2, 10);
        assert_eq!(page.step, advance(21, 5, 2, true));
    }

    #[test]
    fn a_full_page_is_not_the_last() {
        assert!(!look(&readers(), None, 2, 10, 5).step.is_last);
        assert_eq!(look(&[], None, 2, 10, 5).step, advance(2, 0, 0, true));
    }

    #[test]
    fn pages_are_long_enough_for_the_rate_and_never_too_long() {
        assert_eq!(
            [1, 100, 5000].map(|allowed| length(None, allowed)),
            [1, 100, 1000]
        );
        assert_eq!(
            [1, 100, u32::MAX].map(|allowed| length(Some("vip"), allowed)),
            [100, 800, 1000]
        );
    }

    #[test]
    fn page_after_page_reaches_everybody_once() {
        let all: Vec<_> = (1..=500)
            .map(|id| reader(id, Some(if id % 7 == 0 { r#"["vip"]"# } else { "[]" })))
            .collect();
        let (mut after, mut reached, mut looked_at) = (0, Vec::new(), 0);
        loop {
            let rest: Vec<_> = all
                .iter()
                .filter(|reader| reader.user_id > after)
                .take(40)
                .cloned()
                .collect();
            let page = look(&rest, Some("vip"), after, 3, 40);
            reached.extend(page.users);
            looked_at += page.step.looked_at;
            after = page.step.to;
            if page.step.is_last {
                break;
            }
        }
        let meant: Vec<_> = (1..=500).filter(|id| id % 7 == 0).collect();
        assert_eq!((reached, looked_at), (meant, 500));
    }
}
