//! Counting what happens often: numbers that any thread may add to without waiting for another.
//!
//! Nothing here knows what is counted, and nothing here writes it out. Called by `store` and `http`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Up to a quarter of a millisecond, and on to ten seconds.
const MICROSECONDS: [u64; 15] = [
    250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000,
    5_000_000, 10_000_000,
];
const MICROSECONDS_PER_SECOND: f64 = 1_000_000.0;
const SIZES: [u64; 7] = [1, 2, 4, 8, 16, 32, 64];

/// How often something was how large.
#[derive(Debug)]
pub struct Histogram {
    /// The upper bounds, each included, of all buckets but the last, which has none.
    bounds: &'static [u64],
    /// What one is on the outside.
    scale: f64,
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
}

/// What a [`Histogram`] holds at a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Distribution {
    pub sum: f64,
    /// The upper bound of each bucket, and how many fell into it alone; the last bound is infinite.
    pub buckets: Vec<(f64, u64)>,
}

impl Histogram {
    /// For durations, which it gives in seconds.
    pub fn of_durations() -> Histogram {
        Histogram::new(&MICROSECONDS, MICROSECONDS_PER_SECOND)
    }

    /// For how many there were at once.
    pub fn of_sizes() -> Histogram {
        Histogram::new(&SIZES, 1.0)
    }

    fn new(bounds: &'static [u64], scale: f64) -> Histogram {
        Histogram {
            bounds,
            scale,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
        }
    }

    pub fn add_duration(&self, duration: Duration) {
        self.add(u64::try_from(duration.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn add_size(&self, size: usize) {
        self.add(u64::try_from(size).unwrap_or(u64::MAX));
    }

    fn add(&self, value: u64) {
        let bucket = self.bounds.partition_point(|bound| *bound < value);
        if let Some(count) = self.counts.get(bucket) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// Never counts anything twice; what is added meanwhile may be missing from the one number or the other.
    pub fn distribution(&self) -> Distribution {
        let bounds = self.bounds.iter().map(|bound| *bound as f64 / self.scale);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        Distribution {
            buckets: bounds.chain([f64::INFINITY]).zip(counts).collect(),
            sum: self.sum.load(Ordering::Relaxed) as f64 / self.scale,
        }
    }
}

impl Distribution {
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_falls_below_it() {
        let sizes = Histogram::of_sizes();
        for size in [1, 2, 3, 64, 65] {
            sizes.add_size(size);
        }
        let held = sizes.distribution();
        let filled: Vec<(f64, u64)> = held
            .buckets
            .iter()
            .copied()
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(
            filled,
            [(1.0, 1), (2.0, 1), (4.0, 1), (64.0, 1), (f64::INFINITY, 1)]
        );
        assert_eq!((held.sum, held.count()), (135.0, 5));
    }

    #[test]
    fn durations_come_out_in_seconds() {
        let durations = Histogram::of_durations();
        durations.add_duration(Duration::from_millis(250));
        durations.add_duration(Duration::from_secs(60));
        let held = durations.distribution();
        assert_eq!(held.sum, 60.25);
        assert!(held.buckets.contains(&(0.25, 1)) && held.buckets.contains(&(f64::INFINITY, 1)));
    }
}
