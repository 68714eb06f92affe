//! Wordings of one message: `streak_reward--short` is another wording of `streak_reward`, named `short`.
//!
//! Which wording a reader gets follows from a hash of the reader and the message: the same reader gets the same one for as
//! long as the message has as many wordings, in every language that has as many, and on every instance. Who counts can
//! do it again: of the SHA-256 of `user_id:incentive_type` (`42:streak_reward`) the first eight bytes, as a big-endian number,
//! modulo the number of wordings, is the wording's place, [`MAIN`] being 0 and the others following by name. In MySQL:
//! `CONV(LEFT(SHA2(CONCAT(user_id, ':', incentive_type), 256), 16), 16, 10) % 2`.

use std::io::Write;

use sha2::{Digest, Sha256};

use crate::contract::IncentiveType;

/// The name of the wording that has no suffix, where there are others.
pub const MAIN: &str = "main";
/// What stands between a message's name and its wording's.
const MARK: &str = "--";
/// The longest name of a wording, in characters.
pub const NAME_CHARS: usize = 32;

/// The type and the name of the wording that a message's name says; the name may be an impossible one.
pub fn of_message(id: &str) -> Option<(IncentiveType, &str)> {
    let (kind, name) = parts(id)?;
    Some((IncentiveType::from_name(kind)?, name))
}

/// What stands before and after the mark.
pub fn parts(id: &str) -> Option<(&str, &str)> {
    id.split_once(MARK)
}

/// The name of the message that has a wording.
pub fn message(kind: &str, name: &str) -> String {
    format!("{kind}{MARK}{name}")
}

/// Whether a wording can have that name.
pub fn is_name(name: &str) -> bool {
    let letters = |part: &str| {
        let mut each = part.chars();
        !part.is_empty() && each.all(|each| each.is_ascii_lowercase() || each.is_ascii_digit())
    };
    name.len() <= NAME_CHARS && name != MAIN && name.split('-').all(letters)
}

/// The place of the wording, of so many (at least one), that a reader gets of a type's message.
pub fn place(user_id: i64, kind: IncentiveType, wordings: usize) -> usize {
    let mut text = [0; 64];
    let mut rest = &mut text[..];
    // Twenty digits, a colon and the longest type are 41 bytes: it cannot fail.
    let _ = write!(rest, "{user_id}:{kind}");
    let length = 64 - rest.len();
    let digest = Sha256::digest(&text[..length]);
    let first = digest.iter().take(8);
    let hash = first.fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte));
    usize::try_from(hash % wordings.max(1) as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for name in ["b", "short", "with-emoji", "2026-spring"] {
            assert!(is_name(name), "{name}");
        }
        let long = "x".repeat(33);
        for name in ["", "main", "B", "a_b", "a--b", "-a", "a-", "é", &long] {
            assert!(!is_name(name), "{name}");
        }
    }

    /// `printf 42:streak_reward | sha256sum | cut -c -16` gives the hash.
    #[test]
    fn the_hash_is_the_documented_one() {
        for (user_id, kind, hash) in [
            (1, IncentiveType::AchievementReward, 0x2c8d_8997_6459_1a19_u64),
            (42, IncentiveType::StreakReward, 0x7214_342a_f5b1_94c4_u64),
            (42, IncentiveType::PointEarning, 0x923d_c23d_363b_f267_u64),
            (i64::MAX, IncentiveType::ReferralBonus, 0x56f7_fd48_fc51_3ea1_u64),
        ] {
            for wordings in [1, 2, 3, 7] {
                let expected = usize::try_from(hash % wordings as u64).expect("small");
                assert_eq!(
                    place(user_id, kind, wordings),
                    expected,
                    "{user_id} {kind} {wordings}"
                );
            }
        }
    }

    #[test]
    fn every_wording_gets_its_share_of_readers() {
        for wordings in 2..=4 {
            for kind in IncentiveType::ALL {
                let mut readers = vec![0_u32; wordings];
                for user_id in 1..=12_000 {
                    readers[place(user_id, kind, wordings)] += 1;
                }
                let share = 12_000 / u32::try_from(wordings).expect("small");
                // Five standard deviations, about.
                let near = share - 300..=share + 300;
                assert!(
                    readers.iter().all(|count| near.contains(count)),
                    "{kind} {readers:?}"
                );
            }
        }
    }

    #[test]
    fn messages_are_told_apart() {
        let both = (1..=10_000).filter(|&user_id| {
            place(user_id, IncentiveType::StreakReward, 2) == place(user_id, IncentiveType::PointEarning, 2)
        });
        assert!((4_700..=5_300).contains(&both.count()));
    }

    proptest! {
        #[test]
        fn any_reader_gets_one_of_them(user_id: i64, wordings in 1_usize..20) {
            for kind in IncentiveType::ALL {
                prop_assert!(place(user_id, kind, wordings) < wordings);
            }
        }
    }
}
