//! How much a notification meant to its reader: one number from what the reader did and how soon.
//!
//! | what the reader did, the most telling first | points |
//! | --- | --- |
//! | followed it | 75 to 100, the sooner the more |
//! | opened it | 35 to 70, the sooner the more |
//! | put it away without opening it | 0 |
//! | nothing yet | 20 |
//!
//! "Soon" is counted from the delivery: all extra points at once, half of them after some forty minutes, none after a day. The
//! logarithm is there because minutes matter early and hours matter late.

use chrono::{DateTime, Utc};

/// What is known of a reader's doings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doings {
    /// When it reached the reader.
    pub delivered_at: Option<DateTime<Utc>>,
    /// When it was opened.
    pub opened_at: Option<DateTime<Utc>>,
    /// When it was followed.
    pub clicked_at: Option<DateTime<Utc>>,
    /// When it was put away.
    pub dismissed_at: Option<DateTime<Utc>>,
}

const DAY_IN_MINUTES: f64 = 1440.0;

/// The points, 0 to 100; `None` while nothing is known.
#[must_use]
pub fn score(doings: &Doings) -> Option<u32> {
    let Doings {
        delivered_at,
        opened_at,
        clicked_at,
        dismissed_at,
    } = *doings;
    let points = match (clicked_at, opened_at, dismissed_at, delivered_at) {
        (Some(clicked), ..) => 75.0 + 25.0 * soon(delivered_at, clicked),
        (None, Some(opened), ..) => 35.0 + 35.0 * soon(delivered_at, opened),
        (None, None, Some(_), _) => 0.0,
        (None, None, None, Some(_)) => 20.0,
        (None, None, None, None) => return None,
    };
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 100
    Some(points.round() as u32)
}

/// 1 at once, 0 after a day or where the delivery is not known.
fn soon(delivered_at: Option<DateTime<Utc>>, then: DateTime<Utc>) -> f64 {
    let Some(delivered_at) = delivered_at else {
        return 0.0;
    };
    #[allow(clippy::cast_precision_loss)] // milliseconds between two times of this millennium
    let minutes = (then - delivered_at).num_milliseconds().max(0) as f64 / 60_000.0;
    (1.0 - minutes.ln_1p() / DAY_IN_MINUTES.ln_1p()).max(0.0)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn points(
        delivered: Option<i64>,
        opened: Option<i64>,
        clicked: Option<i64>,
        dismissed: Option<i64>,
    ) -> Option<u32> {
        score(&Doings {
            delivered_at: delivered.map(at),
            opened_at: opened.map(at),
            clicked_at: clicked.map(at),
            dismissed_at: dismissed.map(at),
        })
    }

    #[test]
    fn what_the_reader_did_decides_and_how_soon_refines() {
        assert_eq!(points(None, None, None, None), None);
        assert_eq!(points(Some(0), None, None, None), Some(20));
        assert_eq!(points(Some(0), None, None, Some(1)), Some(0));
        assert_eq!(points(Some(0), Some(0), None, None), Some(70));
        assert_eq!(points(Some(0), Some(37), None, None), Some(52));
        assert_eq!(points(Some(0), Some(1440), None, None), Some(35));
        assert_eq!(points(Some(0), Some(0), Some(0), None), Some(100));
        assert_eq!(points(Some(0), Some(0), Some(3000), None), Some(75));
        // Put away after it was opened.
        assert_eq!(points(Some(0), Some(0), None, Some(5)), Some(70));
        assert_eq!(points(None, Some(5), None, None), Some(35));
    }

    proptest! {
        #[test]
        fn it_stays_in_its_range_and_sooner_is_never_less(
            first in 0_i64..100_000, later in 0_i64..100_000, clicked: bool, back in -100_i64..100,
        ) {
            let of = |minutes: i64| {
                let (opened, followed) = if clicked { (None, Some(minutes)) } else { (Some(minutes), None) };
                points(Some(back), opened, followed, None).expect("something was done")
            };
            prop_assert!(of(first + later) <= of(first));
            prop_assert!(of(first) <= 100);
            prop_assert!(of(first) > points(Some(back), None, None, None).expect("delivered"));
        }
    }
}
