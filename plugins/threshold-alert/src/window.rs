//! A sliding window in a bounded number of buckets.
//!
//! Samples are not kept: each goes into the bucket of its time, which holds count, sum, least and greatest.
//! The window moves on by whole buckets, so it is up to one bucket shorter than the operator wrote.

use serde::{Deserialize, Serialize};

/// Buckets in one window.
pub const BUCKETS: u64 = 60;

/// One number at one time.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    pub value: f64,
}

/// How the samples of a window become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    Count,
    Sum,
    Mean,
    Min,
    Max,
}

/// What is kept of some samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Total {
    pub count: u32,
    pub sum: f64,
    pub min: f64,
    pub max: f64,
}

/// The samples of one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Row", into = "Row")]
pub struct Bucket {
    /// Counted from 1970 in lengths of a bucket.
    pub number: u64,
    pub total: Total,
}

/// A bucket in the state, without names: number, count, sum, least, greatest. Never reorder.
type Row = (u64, u32, f64, f64, f64);

/// The buckets that have samples, by ascending number.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Window(Vec<Bucket>);

impl Window {
    /// Puts a sample into the bucket `number`.
    pub fn add(&mut self, number: u64, value: f64) {
        let total = Total { count: 1, sum: value, min: value, max: value };
        match self.0.binary_search_by_key(&number, |bucket| bucket.number) {
            Ok(at) => {
                if let Some(bucket) = self.0.get_mut(at) {
                    bucket.total = bucket.total.and(total);
                }
            }
            Err(at) => self.0.insert(at, Bucket { number, total }),
        }
    }

    /// Drops the buckets that have left the window whose last one is `last`.
    pub fn drop_before(&mut self, last: u64) {
        self.0.retain(|bucket| is_within(bucket.number, last));
    }

    /// What is in the window whose last bucket is `last`.
    pub fn total(&self, last: u64) -> Total {
        let within = self.0.iter().filter(|bucket| is_within(bucket.number, last));
        within.fold(Total::NOTHING, |total, bucket| total.and(bucket.total))
    }

    /// For each bucket the first one whose window it has left, ascending.
    pub fn leaves(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|bucket| bucket.number.saturating_add(BUCKETS))
    }
}

/// Whether the bucket `number` is in the window whose last one is `last`.
pub fn is_within(number: u64, last: u64) -> bool {
    number.saturating_add(BUCKETS) > last
}

impl Total {
    pub const NOTHING: Self = Self { count: 0, sum: 0.0, min: f64::INFINITY, max: f64::NEG_INFINITY };

    fn and(self, other: Self) -> Self {
        Self {
            count: self.count.saturating_add(other.count),
            sum: self.sum + other.sum,
            min: self.min.min(other.min),
            max: self.max.max(other.max),
        }
    }
}

impl Aggregate {
    const NAMES: [(&str, Self); 5] = [
        ("count", Self::Count),
        ("sum", Self::Sum),
        ("mean", Self::Mean),
        ("min", Self::Min),
        ("max", Self::Max),
    ];

    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, aggregate)| *aggregate)
    }

    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, known)| *known == self).map_or("", |(name, _)| name)
    }

    /// The number, if the samples have one.
    pub fn of(self, total: &Total) -> Option<f64> {
        match self {
            Self::Count => Some(f64::from(total.count)),
            Self::Sum => Some(total.sum),
            _ if total.count == 0 => None,
            Self::Mean => Some(total.sum / f64::from(total.count)),
            Self::Min => Some(total.min),
            Self::Max => Some(total.max),
        }
    }

    /// Whether no samples are a number, too.
    pub fn counts_silence(self) -> bool {
        matches!(self, Self::Count | Self::Sum)
    }
}

impl From<Row> for Bucket {
    fn from((number, count, sum, min, max): Row) -> Self {
        Self { number, total: Total { count, sum, min, max } }
    }
}

impl From<Bucket> for Row {
    fn from(Bucket { number, total: Total { count, sum, min, max } }: Bucket) -> Self {
        (number, count, sum, min, max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without pattern, the same ones each time.
    fn numbers(mut seed: u64) -> impl Iterator<Item = u64> {
        std::iter::repeat_with(move || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            seed >> 33
        })
    }

    #[test]
    fn buckets_say_of_a_window_what_its_samples_would() {
        for seed in 0..50 {
            let (mut window, mut samples, mut last) = (Window::default(), Vec::new(), 1000);
            let mut random = numbers(seed);
            let mut next = |below: u64| random.next().unwrap() % below;
            for _ in 0..300 {
                let (number, value) = (last + next(12) - next(80).min(last), next(1000));
                last = last.max(number);
                window.add(number, f64::from(u32::try_from(value).unwrap()));
                window.drop_before(last);
                samples.push((number, value));
                let within: Vec<u64> = samples
                    .iter()
                    .filter(|(number, _)| number + BUCKETS > last)
                    .map(|(_, value)| *value)
                    .collect();
                let total = window.total(last);
                assert_eq!(u64::from(total.count), within.len() as u64);
                assert_eq!(total.sum, within.iter().sum::<u64>() as f64);
                assert_eq!(total.min, within.iter().min().map_or(f64::INFINITY, |least| *least as f64));
                assert_eq!(
                    total.max,
                    within.iter().max().map_or(f64::NEG_INFINITY, |greatest| *greatest as f64)
                );
                assert!(window.0.len() as u64 <= BUCKETS);
            }
        }
    }

    #[test]
    fn no_samples_have_a_count_and_a_sum_but_no_mean_least_or_greatest() {
        let of = |name: &str| Aggregate::named(name).unwrap().of(&Total::NOTHING);
        assert_eq!((of("count"), of("sum")), (Some(0.0), Some(0.0)));
        assert_eq!((of("mean"), of("min"), of("max")), (None, None, None));
    }
}
