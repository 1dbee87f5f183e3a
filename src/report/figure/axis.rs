//! Scales and round tick values.

/// A linear map from data to canvas coordinates.
#[derive(Clone, Copy, Debug)]
pub struct Scale {
    data: (f64, f64),
    canvas: (f64, f64),
}

impl Scale {
    /// Maps `data.0` to `canvas.0` and `data.1` to `canvas.1`; an empty data range is widened.
    pub fn new(data: (f64, f64), canvas: (f64, f64)) -> Self {
        let data = if data.1 > data.0 { data } else { (data.0 - 0.5, data.0 + 0.5) };
        Self { data, canvas }
    }

    /// The canvas coordinate of a value.
    pub fn at(&self, value: f64) -> f64 {
        let share = (value - self.data.0) / (self.data.1 - self.data.0);
        self.canvas.0 + share * (self.canvas.1 - self.canvas.0)
    }

    /// Round values inside the data range, about `count` of them, with the decimals they need.
    pub fn ticks(&self, count: usize) -> (Vec<f64>, usize) {
        let (lo, hi) = self.data;
        let raw = (hi - lo) / count.max(1) as f64;
        let magnitude = 10f64.powf(raw.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * magnitude).into_iter().find(|s| *s >= raw * 0.999);
        let step = step.unwrap_or(10.0 * magnitude);
        let first = (lo / step - 1e-9).ceil() as i64;
        let last = (hi / step + 1e-9).floor() as i64;
        let decimals = (-step.log10().floor()).clamp(0.0, 9.0) as usize;
        ((first..=last).map(|i| i as f64 * step).collect(), decimals)
    }

    /// Ticks at whole numbers only.
    pub fn whole_ticks(&self, count: usize) -> Vec<f64> {
        let (ticks, _) = self.ticks(count);
        ticks.into_iter().filter(|tick| tick.fract().abs() < 1e-9).collect()
    }
}

/// The least and greatest of finite values, widened on both sides by `share` of their distance.
pub fn extent(values: impl IntoIterator<Item = f64>, share: f64) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|value| value.is_finite());
    let (lo, hi) = finite.fold(None, |range: Option<(f64, f64)>, value| {
        Some(range.map_or((value, value), |(lo, hi)| (lo.min(value), hi.max(value))))
    })?;
    let margin = share * (hi - lo);
    Some((lo - margin, hi + margin))
}

/// Moves labels apart: positions at least `gap` apart, inside `range`, in their order and as near to
/// where they belong as a pass in either direction brings them.
pub fn spread(wanted: &[f64], gap: f64, range: (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    // Clusters of touching labels, each centred on the mean of what its members want.
    let mut clusters: Vec<(f64, Vec<usize>)> = Vec::new();
    let centre = |members: &[usize]| {
        let mean = members.iter().map(|&i| wanted[i]).sum::<f64>() / members.len() as f64;
        let half = 0.5 * gap * (members.len() - 1) as f64;
        // The lower bound wins where the range is too small for all.
        mean.min(range.1 - half).max(range.0 + half)
    };
    for index in order {
        clusters.push((centre(&[index]), vec![index]));
        while let [.., before, last] = clusters.as_slice() {
            let reach = 0.5 * gap * (before.1.len() + last.1.len()) as f64;
            if last.0 - before.0 >= reach - 1e-9 {
                break;
            }
            let members: Vec<usize> = before.1.iter().chain(&last.1).copied().collect();
            clusters.truncate(clusters.len() - 2);
            clusters.push((centre(&members), members));
        }
    }
    let mut placed = vec![0.0; wanted.len()];
    for (middle, members) in clusters {
        let first = middle - 0.5 * gap * (members.len() - 1) as f64;
        for (position, index) in members.into_iter().enumerate() {
            placed[index] = first + gap * position as f64;
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round() {
        assert_eq!(Scale::new((0.0, 1.0), (0.0, 100.0)).ticks(5).0.len(), 6);
        assert_eq!(Scale::new((3.0, 23.0), (0.0, 1.0)).ticks(4), (vec![5.0, 10.0, 15.0, 20.0], 0));
        let (ticks, decimals) = Scale::new((0.61, 0.69), (0.0, 1.0)).ticks(4);
        assert_eq!((ticks.len(), decimals), (4, 2));
        assert_eq!(Scale::new((2.0, 2.0), (0.0, 10.0)).at(2.0), 5.0);
        assert_eq!(Scale::new((0.0, 2.0), (0.0, 1.0)).whole_ticks(5), [0.0, 1.0, 2.0]);
    }

    #[test]
    fn the_extent_skips_what_is_not_finite() {
        assert_eq!(extent([1.0, f64::NAN, 3.0], 0.5), Some((0.0, 4.0)));
        assert_eq!(extent([f64::NAN], 0.1), None);
    }

    proptest::proptest! {
        #[test]
        fn labels_never_touch(wanted in proptest::collection::vec(0.0f64..200.0, 0..15)) {
            let placed = spread(&wanted, 12.0, (0.0, 200.0));
            let mut sorted = placed.clone();
            sorted.sort_by(f64::total_cmp);
            for pair in sorted.windows(2) {
                proptest::prop_assert!(pair[1] - pair[0] > 11.999);
            }
            for (i, position) in placed.iter().enumerate() {
                proptest::prop_assert!((-1e-6..=200.0 + 1e-6).contains(position));
                for j in 0..wanted.len() {
                    proptest::prop_assert!(wanted[i] >= wanted[j] || placed[i] < placed[j]);
                }
            }
        }
    }
}
