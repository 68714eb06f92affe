//! A part of a topic that lies in the past, and stays what it is whatever comes.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// By partition, the records below an offset; of other partitions none. As text: `PARTITION-OFFSET`, both in hexadecimal
/// digits, several joined by `.`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch(BTreeMap<i32, i64>);

impl Stretch {
    /// Of one partition, up to the record at `offset`.
    #[must_use]
    pub fn up_to(partition: i32, offset: i64) -> Self {
        Self(BTreeMap::from([(partition, offset.saturating_add(1))]))
    }

    /// `None` where there is nothing in it.
    pub(super) fn of(below: BTreeMap<i32, i64>) -> Option<Self> {
        (!below.is_empty()).then_some(Self(below))
    }

    /// Each partition, and the offset below which it is meant.
    pub(super) fn ends(&self) -> impl Iterator<Item = (i32, i64)> {
        self.0.iter().map(|(partition, end)| (*partition, *end))
    }
}

impl fmt::Display for Stretch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (partition, end)) in self.0.iter().enumerate() {
            let parted = if index == 0 { "" } else { "." };
            write!(f, "{parted}{partition:x}-{end:x}")?;
        }
        Ok(())
    }
}

/// It is none of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoStretch;

impl FromStr for Stretch {
    type Err = NoStretch;

    fn from_str(text: &str) -> Result<Self, NoStretch> {
        let is_ours = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-' | b'.');
        if !text.bytes().all(is_ours) {
            return Err(NoStretch);
        }
        let end = |part: &str| {
            let (partition, end) = part.split_once('-')?;
            let partition = i32::from_str_radix(partition, 16).ok()?;
            // A second dash would be a sign.
            let end = i64::from_str_radix(end, 16).ok().filter(|end| *end >= 0)?;
            Some((partition, end))
        };
        let ends: Option<BTreeMap<_, _>> = text.split('.').map(end).collect();
        ends.map(Self).ok_or(NoStretch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_it_was_written() {
        let many = Stretch::of([(0, 26), (11, i64::MAX), (i32::MAX, 0)].into());
        let many = many.expect("some");
        assert_eq!(many.to_string(), "0-1a.b-7fffffffffffffff.7fffffff-0");
        for stretch in [many, Stretch::up_to(3, 16), Stretch::up_to(0, i64::MAX)] {
            assert_eq!(stretch.to_string().parse(), Ok(stretch));
        }
        assert_eq!(Stretch::up_to(3, 16).to_string(), "3-11");
        assert_eq!(Stretch::of(BTreeMap::new()), None);
    }

    #[test]
    fn what_is_none_is_not_read() {
        for text in [
            "",
            "0",
            "0-",
            "-0",
            "0-1.",
            ".0-1",
            "0--1",
            "-1-1",
            "0-1A",
            "+0-1",
            "0-1-2",
            "80000000-1",
            "0-8000000000000000",
            "0-1 ",
        ] {
            assert_eq!(text.parse::<Stretch>(), Err(NoStretch), "{text:?}");
        }
    }
}
