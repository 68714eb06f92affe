//! The places that a reader's notifications have taken, as far as caps count them.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::contract::IncentiveType;

/// When a reader's notifications are due, by type, each list in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places([Vec<i64>; IncentiveType::ALL.len()]);

impl Places {
    /// From [`Places::to_json`].
    ///
    /// # Errors
    /// If it is none of ours.
    pub fn from_json(text: &str) -> Result<Self, serde_json::Error> {
        let by_type: BTreeMap<IncentiveType, Vec<i64>> = serde_json::from_str(text)?;
        let mut places = Self::default();
        for (kind, mut taken) in by_type {
            taken.sort_unstable();
            places.0[kind as usize] = taken;
        }
        Ok(places)
    }

    /// A JSON object: by type the times in milliseconds since 1970; types without any are left out.
    #[must_use]
    pub fn to_json(&self) -> String {
        let by_type: serde_json::Map<_, _> = IncentiveType::ALL
            .into_iter()
            .filter(|kind| !self.0[*kind as usize].is_empty())
            .map(|kind| (kind.to_string(), self.0[kind as usize].clone().into()))
            .collect();
        serde_json::Value::Object(by_type).to_string()
    }

    /// A notification of this type is due at that time, cut to the millisecond.
    pub fn take(&mut self, kind: IncentiveType, at: DateTime<Utc>) {
        let taken = &mut self.0[kind as usize];
        let at = at.timestamp_millis();
        let place = taken.partition_point(|other| *other <= at);
        taken.insert(place, at);
    }

    /// Nobody asks any more what was due before.
    pub fn forget_before(&mut self, past: DateTime<Utc>) {
        for taken in &mut self.0 {
            let gone = taken.partition_point(|at| *at < past.timestamp_millis());
            taken.drain(..gone);
        }
    }

    /// The last of all.
    #[must_use]
    pub fn last(&self) -> Option<DateTime<Utc>> {
        let last = self.0.iter().filter_map(|taken| taken.last()).max();
        last.and_then(|at| DateTime::from_timestamp_millis(*at))
    }

    /// How many there are of one type, or (`None`) of all.
    pub(super) fn count(&self, kind: Option<IncentiveType>) -> usize {
        match kind {
            Some(kind) => self.0[kind as usize].len(),
            None => self.0.iter().map(Vec::len).sum(),
        }
    }

    /// Those of one type, or (`None`) of all, in order, that are less than so far from a moment, both sides alike.
    pub(super) fn near(
        &self,
        kind: Option<IncentiveType>,
        moment: DateTime<Utc>,
        away: TimeDelta,
    ) -> Vec<DateTime<Utc>> {
        let (moment, away) = (moment.timestamp_millis(), away.num_milliseconds());
        let mut near: Vec<i64> = IncentiveType::ALL
            .into_iter()
            .filter(|one| kind.is_none_or(|kind| kind == *one))
            .flat_map(|one| {
                let taken = &self.0[one as usize];
                let from = taken.partition_point(|at| *at <= moment - away);
                let to = taken.partition_point(|at| *at < moment + away);
                &taken[from..to]
            })
            .copied()
            .collect();
        near.sort_unstable();
        near.into_iter()
            .filter_map(DateTime::from_timestamp_millis)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(millis).unwrap()
    }

    #[test]
    fn places_are_read_as_they_were_written() {
        let mut places = Places::default();
        assert_eq!(places.to_json(), "{}");
        assert_eq!(places.last(), None);
        for millis in [30, 10, 20] {
            places.take(IncentiveType::PointEarning, at(millis));
        }
        places.take(IncentiveType::StreakReward, at(40));
        assert_eq!(
            places.to_json(),
            r#"{"point_earning":[10,20,30],"streak_reward":[40]}"#
        );
        assert_eq!(Places::from_json(&places.to_json()).unwrap(), places);
        assert_eq!(places.last(), Some(at(40)));
        places.forget_before(at(20));
        assert_eq!(
            places.to_json(),
            r#"{"point_earning":[20,30],"streak_reward":[40]}"#
        );
        assert!(Places::from_json(r#"{"something":[1]}"#).is_err());
    }
}
