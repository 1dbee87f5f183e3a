//! [`Ranks`]: ranks within a column, as numbers from -1 to 1.

/// Ranks columns; keeps what it needs for it.
#[derive(Clone, Debug, Default)]
pub struct Ranks {
    keys: Vec<u64>,
    spare: Vec<u64>,
    /// The quantile of every rank that is one value's alone.
    single: Vec<f32>,
}

impl Ranks {
    /// Writes for every row the rank of its value, mapped to `[-1, 1]`, to `quantiles`; equal values share their
    /// mean rank. The values in ascending order go to `sorted`.
    ///
    /// # Panics
    /// If the three are not of one length.
    pub fn quantiles(&mut self, values: &[f32], quantiles: &mut [f32], sorted: &mut [f32]) {
        let n = values.len();
        assert!(quantiles.len() == n && sorted.len() == n, "one place for every value");
        if self.single.len() != n {
            self.single = (0..n).map(|rank| quantile(rank as f32, n)).collect();
        }
        // Value and row in one number that sorts like `total_cmp` and then by row.
        self.keys.clear();
        self.keys.extend(
            values.iter().enumerate().map(|(row, &value)| u64::from(ascending(value)) << 32 | row as u64),
        );
        self.sort();
        for (sorted, &key) in sorted.iter_mut().zip(&self.keys) {
            *sorted = value(key);
        }
        let mut start = 0;
        while start < n {
            let own = sorted[start];
            let mut end = start + 1;
            while end < n && sorted[end] == own {
                end += 1;
            }
            let alone = end == start + 1;
            let quantile =
                if alone { self.single[start] } else { quantile((start + end - 1) as f32 / 2.0, n) };
            for &key in &self.keys[start..end] {
                quantiles[key as u32 as usize] = quantile;
            }
            start = end;
        }
    }

    /// Sorts the keys by their upper halves, digit by digit; rows are in order already. Several times
    /// faster than comparing, for the few thousand keys there are.
    fn sort(&mut self) {
        const BITS: u32 = 8;
        const SHIFTS: [u32; 4] = [32, 40, 48, 56];
        let digit = |key: u64, shift: u32| (key >> shift) as usize & ((1 << BITS) - 1);
        let mut counts = [[0u32; 1 << BITS]; SHIFTS.len()];
        for &key in &self.keys {
            for (counts, shift) in counts.iter_mut().zip(SHIFTS) {
                counts[digit(key, shift)] += 1;
            }
        }
        self.spare.resize(self.keys.len(), 0);
        for (mut starts, shift) in counts.into_iter().zip(SHIFTS) {
            // All have this digit in common.
            if starts.contains(&(self.keys.len() as u32)) {
                continue;
            }
            let mut sum = 0;
            for start in &mut starts {
                (*start, sum) = (sum, sum + *start);
            }
            for &key in &self.keys {
                let place = &mut starts[digit(key, shift)];
                self.spare[*place as usize] = key;
                *place += 1;
            }
            std::mem::swap(&mut self.keys, &mut self.spare);
        }
    }
}

/// The quantile of a value among others that were ranked before: that of its equals, if there are any, and
/// between its neighbours else.
#[inline]
pub fn quantile_among(ascending: &[f32], value: f32) -> f32 {
    let below = ascending.partition_point(|&other| other < value);
    // Most values have no equals.
    let equals = ascending.get(below).is_some_and(|&other| other <= value);
    let up_to = below + if equals { ascending[below..].partition_point(|&other| other <= value) } else { 0 };
    quantile((below + up_to) as f32 / 2.0 - 0.5, ascending.len()).clamp(-1.0, 1.0)
}

/// Rank `rank` of `n`, from 0, mapped to `[-1, 1]`.
fn quantile(rank: f32, n: usize) -> f32 {
    if n > 1 { 2.0 * rank / (n - 1) as f32 - 1.0 } else { 0.0 }
}

/// A number that orders like [`f32::total_cmp`].
fn ascending(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

/// The value of a key.
fn value(key: u64) -> f32 {
    let bits = (key >> 32) as u32;
    f32::from_bits(if bits >> 31 == 1 { bits & !(1 << 31) } else { !bits })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use rand::RngExt;

    /// The quantiles, and the values in order.
    fn ranked(ranks: &mut Ranks, values: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let (mut quantiles, mut sorted) = (vec![0.0; values.len()], vec![0.0; values.len()]);
        ranks.quantiles(values, &mut quantiles, &mut sorted);
        (quantiles, sorted)
    }

    #[test]
    fn ranks_are_those_of_a_sort_by_comparison() {
        let mut rng = Key::root(4).rng();
        let values: Vec<f32> = (0..3_000).map(|_| (rng.random::<f32>() - 0.5) * 1e3).collect();
        let mut sorted = values.clone();
        sorted.sort_by(f32::total_cmp);
        let (quantiles, found) = ranked(&mut Ranks::default(), &values);
        assert_eq!(found, sorted);
        for (&value, quantile) in values.iter().zip(quantiles) {
            let rank = sorted.partition_point(|&other| other < value);
            assert!((quantile - (2.0 * rank as f32 / 2_999.0 - 1.0)).abs() < 1e-6);
            assert_eq!(quantile, quantile_among(&sorted, value));
        }
    }

    #[test]
    fn columns_of_any_range_are_sorted() {
        let columns: [Vec<f32>; 5] = [
            vec![0.5; 40],
            (0..300).map(|i| 1.0 + (i * 7 % 300) as f32 * f32::EPSILON).collect(),
            (0..300).map(|i| if i % 9 == 0 { 0.0 } else { 0.9f32.powi(i * 31 % 300) }).collect(),
            vec![f32::MAX, f32::MIN, 0.0, -0.0, f32::MIN_POSITIVE, -1e-40, f32::INFINITY, f32::NEG_INFINITY],
            Vec::new(),
        ];
        let mut ranks = Ranks::default();
        for column in columns {
            let mut sorted = column.clone();
            sorted.sort_by(f32::total_cmp);
            let (_, found) = ranked(&mut ranks, &column);
            assert!(found.iter().map(|value| value.to_bits()).eq(sorted.iter().map(|value| value.to_bits())));
        }
    }

    #[test]
    fn sort_keys_order_like_total_cmp() {
        let values = [f32::NEG_INFINITY, -2.5, -1e-40, -0.0, 0.0, 1e-40, 1.0, 1.5, f32::MAX, f32::INFINITY];
        for a in values {
            for b in values {
                assert_eq!(ascending(a).cmp(&ascending(b)), a.total_cmp(&b), "{a} {b}");
            }
        }
    }

    #[test]
    fn quantiles_run_from_least_to_most_and_share_ties() {
        let (found, sorted) = ranked(&mut Ranks::default(), &[5.0, 1.0, 5.0, 9.0, 0.0]);
        assert_eq!(found, [0.25, -0.5, 0.25, 1.0, -1.0]);
        assert_eq!(sorted, [0.0, 1.0, 5.0, 5.0, 9.0]);
        // Below all, between two, the equals' own, above all.
        let among = [-1.0, 0.5, 5.0, 10.0].map(|value| quantile_among(&sorted, value));
        assert_eq!(among, [-1.0, -0.75, 0.25, 1.0]);
        assert_eq!((quantile_among(&[3.0], 2.0), quantile_among(&[], 2.0)), (0.0, 0.0));
    }
}
