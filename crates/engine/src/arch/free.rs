//! [`FreeMlp`]: multilayer perceptrons of any widths, among them the linear head, for ablations.

use super::block::{Block, Smooth};
use super::space::{MAX_POINTS, Space, SpaceError};
use super::spec::{MAX_BLOCKS, NetSpec};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A point of [`FreeMlp`]: which of the space's widths each hidden layer has, and which dropout, activation and
/// weight decay the network.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreePoint {
    /// Per hidden layer, input side first, an index into [`FreeMlp::widths`]. Empty: a linear head.
    pub hidden: Vec<u8>,
    /// An index into [`FreeMlp::dropouts`].
    pub dropout: u8,
    /// An index into [`FreeMlp::activations`]; 0 where there is no hidden layer.
    #[serde(default)]
    pub activation: u8,
    /// An index into [`FreeMlp::weight_decays`].
    #[serde(default)]
    pub weight_decay: u8,
}

/// What is applied to the sums of all hidden layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    Relu,
    Tanh,
    Gelu,
}

impl Activation {
    fn layer(self, width: usize) -> Block {
        let smooth = |activation| Block::Smooth { width, activation };
        match self {
            Self::Relu => Block::Dense { width },
            Self::Tanh => smooth(Smooth::Tanh),
            Self::Gelu => smooth(Smooth::Gelu),
        }
    }
}

impl fmt::Display for FreePoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mlp{:?}/{}/{}/{}", self.hidden, self.dropout, self.activation, self.weight_decay)
    }
}

/// Multilayer perceptrons of up to `max_depth` hidden layers, each of one of `widths`, with one of
/// `dropouts`, of `activations` and of `weight_decays`. Those with another activation than the rectifier
/// are trained by burn, which takes longer and costs no more gradient steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FreeMlp {
    /// The most hidden layers.
    pub max_depth: usize,
    /// The widths to choose from, ascending.
    pub widths: Vec<usize>,
    /// The dropout rates to choose from, ascending, each in `[0, 1)`.
    pub dropouts: Vec<f32>,
    /// The activations to choose from, each once.
    pub activations: Vec<Activation>,
    /// The weight decays to choose from, ascending, in place of the training plan's; none leaves that as it is.
    pub weight_decays: Vec<f32>,
}

impl Default for FreeMlp {
    /// Up to two layers; where labels are few the linear head can be the best of all, where they are
    /// plenty the widest.
    fn default() -> Self {
        Self {
            max_depth: 2,
            widths: vec![12, 24, 48, 96, 192],
            dropouts: vec![0.0, 0.2],
            activations: vec![Activation::Relu, Activation::Tanh, Activation::Gelu],
            weight_decays: vec![0.0, 1e-4, 1e-2],
        }
    }
}

impl FreeMlp {
    fn count(&self) -> u64 {
        let mut layers = 1u64;
        let mut hidden = 0u64;
        for _ in 0..self.max_depth.min(MAX_BLOCKS) {
            layers = layers.saturating_mul(self.widths.len() as u64);
            hidden = hidden.saturating_add(layers);
        }
        // A linear head has no activation.
        let networks = hidden.saturating_mul(self.activations.len() as u64).saturating_add(1);
        networks.saturating_mul(self.dropouts.len() as u64).saturating_mul(self.decays() as u64)
    }

    /// How many weight decays a point may have; without any, one that is not the space's.
    fn decays(&self) -> usize {
        self.weight_decays.len().max(1)
    }

    /// Every point with these hidden layers.
    fn variants(&self, hidden: Vec<u8>) -> Vec<FreePoint> {
        let activations = if hidden.is_empty() { 1 } else { self.activations.len() } as u8;
        let mut all = Vec::new();
        for dropout in 0..self.dropouts.len() as u8 {
            for activation in 0..activations {
                for weight_decay in 0..self.decays() as u8 {
                    all.push(FreePoint { hidden: hidden.clone(), dropout, activation, weight_decay });
                }
            }
        }
        all
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
                "which has at most {} hidden layers, {} widths, {} dropout rates, {} activations (a linear head \
                 has the first) and {} weight decays",
                self.max_depth,
                self.widths.len(),
                self.dropouts.len(),
                self.activations.len(),
                self.decays(),
            );
            return Err(SpaceError::Outside { point: point.to_string(), limits });
        }
        let activation = self.activations[point.activation as usize];
        let layer = |&at: &u8| activation.layer(self.widths[at as usize]);
        let blocks = point.hidden.iter().map(layer).collect();
        let spec = NetSpec::new(inputs, blocks, outputs, self.dropouts[point.dropout as usize])?;
        Ok(spec.with_weight_decay(self.weight_decays.get(point.weight_decay as usize).copied())?)
    }

    fn check(&self) -> Result<(), SpaceError> {
        let refuse = |setting, found: String, expected: &str| {
            Err(SpaceError::Setting { setting, found, expected: expected.to_string() })
        };
        if self.max_depth > MAX_BLOCKS {
            return refuse("max_depth", self.max_depth.to_string(), "at most 256");
        }
        let settings = [
            ("widths", self.widths.len()),
            ("dropouts", self.dropouts.len()),
            ("activations", self.activations.len()),
            ("weight_decays", self.decays()),
        ];
        for (setting, found) in settings {
            if !(1..=usize::from(u8::MAX)).contains(&found) {
                return refuse(setting, format!("{found} values"), "1 to 255 values");
            }
        }
        if (1..self.activations.len()).any(|at| self.activations[..at].contains(&self.activations[at])) {
            return refuse("activations", format!("{:?}", self.activations), "each once");
        }
        if !self.weight_decays.iter().all(|decay| decay.is_finite() && *decay >= 0.0)
            || !self.weight_decays.is_sorted_by(|a, b| a < b)
        {
            let found = format!("{:?}", self.weight_decays);
            return refuse("weight_decays", found, "ascending finite numbers of at least 0");
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
            && usize::from(point.activation) < self.activations.len()
            && (point.activation == 0 || !point.hidden.is_empty())
            && usize::from(point.weight_decay) < self.decays()
    }

    /// The linear head.
    fn start(&self) -> FreePoint {
        FreePoint { hidden: Vec::new(), dropout: 0, activation: 0, weight_decay: 0 }
    }

    /// Widen one layer by one step, or append a layer as wide as the last; all else stays.
    fn moves(&self, point: &FreePoint) -> Vec<FreePoint> {
        if !self.contains(point) {
            return Vec::new();
        }
        let widen = (0..point.hidden.len()).map(|layer| self.with(point, |to| to.hidden[layer] += 1));
        let deepen = self.with(point, |to| to.hidden.push(to.hidden.last().copied().unwrap_or(0)));
        widen.chain([deepen]).flatten().collect()
    }

    /// One layer one step narrower or wider; one layer less, or one more of any width; dropout or weight decay
    /// one step lower or higher; any other activation.
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
        all.push(self.with(point, |to| to.weight_decay = to.weight_decay.wrapping_sub(1)));
        all.push(self.with(point, |to| to.weight_decay += 1));
        for activation in (0..self.activations.len() as u8).filter(|&other| other != point.activation) {
            all.push(self.with(point, |to| to.activation = activation));
        }
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
        let mut points: Vec<FreePoint> =
            layers.into_iter().flat_map(|hidden| self.variants(hidden)).collect();
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
        FreePoint { hidden: hidden.to_vec(), ..FreeMlp::default().start() }
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
        // Two dropout rates, three weight decays; three activations where there is a hidden layer.
        assert_eq!(points.len(), 2 * 3 * (1 + 3 * (5 + 25)));
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
    fn activation_and_weight_decay_are_coordinates() {
        let domain = Domain::new(FreeMlp::default(), 64, 10).unwrap();
        let at = |activation, weight_decay| FreePoint { activation, weight_decay, ..point(&[1]) };
        let spec = |activation, weight_decay| domain.spec(&at(activation, weight_decay)).unwrap();
        let shapes: Vec<String> = (0..3).map(|activation| spec(activation, 0).to_string()).collect();
        assert_eq!(shapes, ["64-24-10", "64-t24-10", "64-g24-10"]);
        assert_eq!([0, 1, 2].map(|decay| spec(0, decay).weight_decay()), [Some(0.0), Some(1e-4), Some(1e-2)]);
        assert_eq!(domain.size(&at(2, 2)), domain.size(&at(0, 0)), "costed alike");
        let near = domain.neighbours(&at(1, 1));
        for wanted in [at(0, 1), at(2, 1), at(1, 0), at(1, 2)] {
            assert!(near.contains(&wanted), "{wanted}");
        }
        // A linear head has no activation to speak of; the plan's own weight decay without a list.
        let linear = FreePoint { activation: 1, ..point(&[]) };
        assert!(!domain.admits(&linear) && domain.admits(&point(&[])));
        let space = FreeMlp { weight_decays: Vec::new(), ..FreeMlp::default() };
        assert_eq!(space.spec(&point(&[0]), 4, 2).unwrap().weight_decay(), None);
        // Points of before, which had neither.
        let old: FreePoint = serde_json::from_str(r#"{"hidden":[1],"dropout":0}"#).unwrap();
        assert_eq!(old, at(0, 0));
    }

    #[test]
    fn refuses_what_is_no_space() {
        let of = |max_depth, widths: &[usize], dropouts: &[f32]| FreeMlp {
            max_depth,
            widths: widths.to_vec(),
            dropouts: dropouts.to_vec(),
            ..FreeMlp::default()
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
            FreeMlp { activations: Vec::new(), ..FreeMlp::default() },
            FreeMlp { activations: vec![Activation::Tanh; 2], ..FreeMlp::default() },
            FreeMlp { weight_decays: vec![-0.1], ..FreeMlp::default() },
            FreeMlp { weight_decays: vec![f32::NAN], ..FreeMlp::default() },
        ] {
            assert!(matches!(broken.check(), Err(SpaceError::Setting { .. })), "{broken:?}");
        }
        let outside = point(&[9]);
        assert!(matches!(of(2, &[2], &[0.0]).spec(&outside, 4, 2), Err(SpaceError::Outside { .. })));
    }
}
