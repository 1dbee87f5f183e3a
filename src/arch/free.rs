//! [`FreeMlp`]: multilayer perceptrons of any widths, among them the linear head, for ablations.

use super::space::{MAX_POINTS, Space, SpaceError};
use super::spec::{Block, MAX_BLOCKS, NetSpec};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A point of [`FreeMlp`]: which of the space's widths each hidden layer has, and which dropout.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreePoint {
    /// Per hidden layer, input side first, an index into [`FreeMlp::widths`]. Empty: a linear head.
    pub hidden: Vec<u8>,
    /// An index into [`FreeMlp::dropouts`].
    pub dropout: u8,
}

impl fmt::Display for FreePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mlp{:?}/{}", self.hidden, self.dropout)
    }
}

/// Multilayer perceptrons of up to `max_depth` hidden layers, each of one of `widths`, with one of
/// `dropouts`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FreeMlp {
    /// The most hidden layers.
    pub max_depth: usize,
    /// The widths to choose from, ascending.
    pub widths: Vec<usize>,
    /// The dropout rates to choose from, ascending, each in `[0, 1)`.
    pub dropouts: Vec<f32>,
}

impl Default for FreeMlp {
    /// Up to two layers; where labels are few the linear head can be the best of all, where they are
    /// plenty the widest.
    fn default() -> Self {
        Self { max_depth: 2, widths: vec![12, 24, 48, 96, 192], dropouts: vec![0.0, 0.2] }
    }
}

impl FreeMlp {
    fn count(&self) -> u64 {
        let mut layers = 1u64;
        let mut total = 1u64;
        for _ in 0..self.max_depth.min(MAX_BLOCKS) {
            layers = layers.saturating_mul(self.widths.len() as u64);
            total = total.saturating_add(layers);
        }
        total.saturating_mul(self.dropouts.len() as u64)
    }

    /// `point` with another hidden part, if that is in the space.
    fn with(&self, point: &FreePoint, change: impl FnOnce(&mut FreePoint)) -> Option<FreePoint> {
        let mut to = point.clone();
        change(&mut to);
        self.contains(&to).then_some(to)
    }
}

impl Space for FreeMlp {
    type Point = FreePoint;

    fn spec(&self, point: &FreePoint, inputs: usize, outputs: usize) -> Result<NetSpec, SpaceError> {
        if !self.contains(point) {
            let limits = format!(
                "which has at most {} hidden layers, {} widths and {} dropout rates",
                self.max_depth,
                self.widths.len(),
                self.dropouts.len()
            );
            return Err(SpaceError::Outside { point: point.to_string(), limits });
        }
        let blocks =
            point.hidden.iter().map(|&at| Block::Dense { width: self.widths[at as usize] }).collect();
        Ok(NetSpec::new(inputs, blocks, outputs, self.dropouts[point.dropout as usize])?)
    }

    fn check(&self) -> Result<(), SpaceError> {
        let refuse = |setting, found: String, expected: &str| {
            Err(SpaceError::Setting { setting, found, expected: expected.to_string() })
        };
        if self.max_depth > MAX_BLOCKS {
            return refuse("max_depth", self.max_depth.to_string(), "at most 256");
        }
        for (setting, found) in [("widths", self.widths.len()), ("dropouts", self.dropouts.len())] {
            if !(1..=usize::from(u8::MAX)).contains(&found) {
                return refuse(setting, format!("{found} values"), "1 to 255 values");
            }
        }
        if self.widths[0] == 0 || !self.widths.is_sorted_by(|a, b| a < b) {
            return refuse("widths", format!("{:?}", self.widths), "ascending widths of at least 1");
        }
        if !self.dropouts.iter().all(|rate| (0.0..1.0).contains(rate))
            || !self.dropouts.is_sorted_by(|a, b| a < b)
        {
            return refuse("dropouts", format!("{:?}", self.dropouts), "ascending rates in [0, 1)");
        }
        match self.count() {
            found if found > MAX_POINTS => Err(SpaceError::Points { found, limit: MAX_POINTS }),
            _ => Ok(()),
        }
    }

    fn contains(&self, point: &FreePoint) -> bool {
        point.hidden.len() <= self.max_depth
            && point.hidden.iter().all(|&at| usize::from(at) < self.widths.len())
            && usize::from(point.dropout) < self.dropouts.len()
    }

    /// The linear head.
    fn start(&self) -> FreePoint {
        FreePoint { hidden: Vec::new(), dropout: 0 }
    }

    /// Widen one layer by one step, or append a layer as wide as the last; dropout stays.
    fn moves(&self, point: &FreePoint) -> Vec<FreePoint> {
        if !self.contains(point) {
            return Vec::new();
        }
        let widen = (0..point.hidden.len()).map(|layer| self.with(point, |to| to.hidden[layer] += 1));
        let deepen = self.with(point, |to| to.hidden.push(to.hidden.last().copied().unwrap_or(0)));
        widen.chain([deepen]).flatten().collect()
    }

    /// One layer one step narrower or wider; one layer less, or one more of any width; dropout one
    /// step lower or higher.
    fn neighbours(&self, point: &FreePoint) -> Vec<FreePoint> {
        if !self.contains(point) {
            return Vec::new();
        }
        let mut all = Vec::new();
        for layer in 0..point.hidden.len() {
            // An underflow wraps to an index that no space has.
            all.push(self.with(point, |to| to.hidden[layer] = to.hidden[layer].wrapping_sub(1)));
            all.push(self.with(point, |to| to.hidden[layer] += 1));
        }
        if !point.hidden.is_empty() {
            all.push(self.with(point, |to| to.hidden.truncate(point.hidden.len() - 1)));
        }
        for width in 0..self.widths.len() as u8 {
            all.push(self.with(point, |to| to.hidden.push(width)));
        }
        all.push(self.with(point, |to| to.dropout = to.dropout.wrapping_sub(1)));
        all.push(self.with(point, |to| to.dropout += 1));
        all.into_iter().flatten().collect()
    }

    fn points(&self) -> Vec<FreePoint> {
        let mut layers: Vec<Vec<u8>> = vec![Vec::new()];
        let mut from = 0;
        for _ in 0..self.max_depth {
            let upto = layers.len();
            for shorter in from..upto {
                for width in 0..self.widths.len() as u8 {
                    let mut longer = layers[shorter].clone();
                    longer.push(width);
                    layers.push(longer);
                }
            }
            from = upto;
        }
        let mut points: Vec<FreePoint> = layers
            .into_iter()
            .flat_map(|hidden| {
                (0..self.dropouts.len() as u8)
                    .map(move |dropout| FreePoint { hidden: hidden.clone(), dropout })
            })
            .collect();
        points.sort_unstable();
        points
    }
}

#[cfg(test)]
mod tests {
    use super::super::space::Domain;
    use super::*;
    use std::collections::BTreeSet;

    fn point(hidden: &[u8]) -> FreePoint {
        FreePoint { hidden: hidden.to_vec(), dropout: 0 }
    }

    #[test]
    fn starts_at_the_linear_head_and_grows_from_there() {
        let space = FreeMlp { max_depth: 3, widths: vec![12, 24, 48, 96], ..FreeMlp::default() };
        let domain = Domain::new(space, 64, 10).unwrap();
        let start = domain.space().start();
        assert_eq!(domain.spec(&start).unwrap().to_string(), "64-10");
        assert_eq!(domain.moves(&start), [point(&[0])]);
        assert_eq!(domain.moves(&point(&[1, 3])), [point(&[2, 3]), point(&[1, 3, 3])]);
        assert_eq!(domain.spec(&point(&[1, 0])).unwrap().to_string(), "64-24-12-10");
        for from in domain.points() {
            for to in domain.moves(&from) {
                assert!(domain.size(&to) > domain.size(&from), "{from} -> {to}");
            }
        }
    }

    #[test]
    fn the_list_of_points_is_complete_and_neighbours_are_mutual() {
        let space = FreeMlp::default();
        let points = space.points();
        assert_eq!(points.len() as u64, space.count());
        assert_eq!(points.len(), 2 * (1 + 5 + 25));
        let set: BTreeSet<_> = points.iter().cloned().collect();
        assert_eq!(set.len(), points.len());
        for from in &points {
            let near = space.neighbours(from);
            assert_eq!(near.iter().collect::<BTreeSet<_>>().len(), near.len(), "no duplicates at {from}");
            for to in near {
                assert!(set.contains(&to));
                assert!(space.neighbours(&to).contains(from), "{from} <-> {to}");
            }
        }
    }

    #[test]
    fn refuses_what_is_no_space() {
        let of = |max_depth, widths: &[usize], dropouts: &[f32]| FreeMlp {
            max_depth,
            widths: widths.to_vec(),
            dropouts: dropouts.to_vec(),
        };
        assert!(matches!(of(9, &[1, 2, 3, 4], &[0.0]).check(), Err(SpaceError::Points { .. })));
        for broken in [
            of(2, &[], &[0.0]),
            of(2, &[0, 1], &[0.0]),
            of(2, &[3, 2], &[0.0]),
            of(2, &[2], &[]),
            of(2, &[2], &[1.0]),
            of(2, &[2], &[f32::NAN]),
            of(257, &[2], &[0.0]),
        ] {
            assert!(matches!(broken.check(), Err(SpaceError::Setting { .. })), "{broken:?}");
        }
        let outside = FreePoint { hidden: vec![9], dropout: 0 };
        assert!(matches!(of(2, &[2], &[0.0]).spec(&outside, 4, 2), Err(SpaceError::Outside { .. })));
    }
}
