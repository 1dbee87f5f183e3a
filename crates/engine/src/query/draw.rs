//! Random numbers that belong to a row rather than to a place in a stream, and draws by weight.

use crate::data::RowId;
use crate::rng::Key;
use rand::RngExt;

/// One number per row, the same whatever other rows there are and in whatever order they come: it belongs to
/// the row's number or, where rows [carry ids](Self::with_ids) from elsewhere, to its id.
///
/// Counter-based (SplitMix64 of seed and id), so that a draw for each of a million rows costs
/// milliseconds. Not for cryptography.
#[derive(Clone, Copy, Debug)]
pub struct RowDraws<'a> {
    seed: u64,
    ids: Option<&'a [RowId]>,
}

impl<'a> RowDraws<'a> {
    /// The draws of `key`.
    #[inline]
    pub fn new(key: Key) -> Self {
        Self { seed: key.seed64(), ids: None }
    }

    /// The same draws for rows whose ids are `ids`, indexed by row number; `None` where ids are the numbers.
    #[inline]
    pub fn with_ids(self, ids: Option<&'a [RowId]>) -> Self {
        Self { ids, ..self }
    }

    /// Uniform in the open interval (0, 1).
    #[inline]
    pub fn uniform(&self, row: RowId) -> f64 {
        to_unit(self.bits(row))
    }

    /// An endless sequence of uniforms that belongs to the row.
    pub fn uniforms(&self, row: RowId) -> impl Iterator<Item = f64> {
        let mut state = self.bits(row);
        std::iter::repeat_with(move || {
            state = split_mix(state);
            to_unit(state)
        })
    }

    /// 64 bits, no two ids the same ones.
    #[inline]
    pub(super) fn bits(&self, row: RowId) -> u64 {
        let id = self.ids.map_or(row, |ids| ids[row.index()]);
        // Twice: ids are consecutive, and one round leaves traces of that.
        split_mix(split_mix(self.seed ^ u64::from(id.0).wrapping_mul(0xd1b5_4a32_d192_ed03)))
    }

    /// Places of `min(count, rows)` of `rows`, drawn without replacement, ascending.
    pub fn sample(&self, rows: &[RowId], count: usize) -> Vec<usize> {
        let mut places: Vec<(u64, usize)> =
            rows.iter().enumerate().map(|(place, &row)| (self.bits(row), place)).collect();
        if 0 < count && count < places.len() {
            places.select_nth_unstable(count - 1);
        }
        places.truncate(count);
        let mut places: Vec<usize> = places.into_iter().map(|(_, place)| place).collect();
        places.sort_unstable();
        places
    }

    /// Standard Gumbel: `-ln(-ln u)`. The largest of `ln w_i + gumbel(i)` is a draw with probability
    /// proportional to `w`, and the largest `b` are a draw without replacement.
    #[inline]
    pub fn gumbel(&self, row: RowId) -> f64 {
        -(-self.uniform(row).ln()).ln()
    }
}

/// The output function of SplitMix64 (Steele, Lea & Flood, OOPSLA 2014), a bijection.
#[inline]
fn split_mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The upper bits as a number in the open interval (0, 1).
#[inline]
fn to_unit(bits: u64) -> f64 {
    ((bits >> 12) as f64 + 0.5) * (1.0 / (1u64 << 52) as f64)
}

/// Masses that are summed as one before they are looked at one by one.
const BLOCK: usize = 256;

/// One of `0..n` with probability proportional to `mass`; `None` if all of it is zero or not finite.
/// Sums run in one fixed order, in 64 bits.
pub fn proportional(n: usize, mass: impl Fn(usize) -> f64, rng: &mut impl rand::Rng) -> Option<usize> {
    at_share(n, mass, rng.random())
}

/// The place at which the running sum of `mass` passes `share`, in `[0, 1)`, of the whole; `None` if all
/// of it is zero or not finite.
pub fn at_share(n: usize, mass: impl Fn(usize) -> f64, share: f64) -> Option<usize> {
    let block = |start: usize| -> f64 {
        let mut partial = [0.0f64; 8];
        let end = (start + BLOCK).min(n);
        for place in start..end {
            partial[place % 8] += mass(place);
        }
        partial.iter().sum()
    };
    let blocks: Vec<f64> = (0..n).step_by(BLOCK).map(block).collect();
    let total: f64 = blocks.iter().sum();
    if !(total > 0.0 && total.is_finite()) {
        return None;
    }
    let mut left = share * total;
    let mut last = None;
    for (number, &sum) in blocks.iter().enumerate() {
        if left >= sum && number + 1 < blocks.len() {
            left -= sum;
            continue;
        }
        for place in number * BLOCK..((number + 1) * BLOCK).min(n) {
            let mass = mass(place);
            if mass > 0.0 {
                if left < mass {
                    return Some(place);
                }
                left -= mass;
                last = Some(place);
            }
        }
    }
    // Rounding can leave a little beyond the last mass; it belongs to the last that is positive.
    last.or_else(|| (0..n).rev().find(|&place| mass(place) > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proportional_draws_follow_the_mass() {
        let mut rng = Key::root(1).rng();
        let mut counts = [0; 4];
        for _ in 0..10_000 {
            counts[proportional(4, |i| [0.0, 1.0, 0.0, 3.0][i], &mut rng).unwrap()] += 1;
        }
        assert_eq!((counts[0], counts[2]), (0, 0));
        assert!((7_300..7_700).contains(&counts[3]), "{counts:?}");
        assert_eq!(proportional(3, |_| 0.0, &mut rng), None);
        assert_eq!(proportional(0, |_| 1.0, &mut rng), None);
    }

    #[test]
    fn shares_fall_where_the_running_sum_says() {
        let mass: Vec<f64> = (0..1_000).map(|i| f64::from(i % 7)).collect();
        let total: f64 = mass.iter().sum();
        for step in 0..997 {
            let share = f64::from(step) / 997.0;
            let mut left = share * total;
            let plain = mass.iter().position(|&mass| {
                left -= mass;
                left < 0.0
            });
            assert_eq!(at_share(1_000, |i| mass[i], share), plain);
        }
        let tail = |i: usize| f64::from(u8::from(i == 0));
        assert_eq!(at_share(1_000, tail, 1.0 - f64::EPSILON), Some(0));
    }

    #[test]
    fn draws_are_uniform_and_uncorrelated_between_neighbours() {
        let draws = RowDraws::new(Key::root(5));
        let n = 100_000u32;
        let u: Vec<f64> = (0..n).map(|i| draws.uniform(RowId(i))).collect();
        let mean = u.iter().sum::<f64>() / f64::from(n);
        let variance = u.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
        let lag = u.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum::<f64>() / f64::from(n) / variance;
        assert!((mean - 0.5).abs() < 0.005, "{mean}");
        assert!((variance - 1.0 / 12.0).abs() < 0.002, "{variance}");
        assert!(lag.abs() < 0.02, "{lag}");
        let gumbel = (0..n).map(|i| draws.gumbel(RowId(i))).sum::<f64>() / f64::from(n);
        assert!((gumbel - 0.577_215_7).abs() < 0.02, "{gumbel}");
    }
}
