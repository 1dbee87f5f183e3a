//! BatchBALD: the batch whose labels together say most about the weights.

use super::bald;
use crate::data::{Matrix, RowId};
use crate::error::Result;
use crate::query::draw::{self, RowDraws};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top_places;
use crate::query::uncertainty::entropy;
use crate::query::wrapper::members::{DropoutPasses, PASSES};
use crate::query::{Needs, PoolView, Strategy, Ties};
use crate::rng::Key;

/// Label configurations where no number is given.
pub const CONFIGURATIONS: usize = 10_000;
/// Candidates of the highest BALD that are looked at, where no number is given; at least ten per pick.
pub const CANDIDATES: usize = 200;

/// The most likelihoods (configurations times passes) that are held, 160 MB of them.
const MAX_LIKELIHOODS: usize = 20_000_000;
/// By how much a gain may exceed an earlier one all the same: probabilities sum to one up to rounding.
const SLACK: f64 = 1e-6;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "batch_bald",
        summary: "greedily the largest joint mutual information of the batch, over dropout passes",
        paper: "Kirsch, van Amersfoort & Gal, NeurIPS 2019",
        family: Family::Bayesian,
        needs: Needs { passes: PASSES, ..Needs::NONE },
        cost: "time b m M T C for m = max(10 b, 200) candidates and M configurations, memory M T + n C",
        example: "batch_bald(configurations=60)",
        deterministic: false,
    },
    make: |params| {
        Built::batch(BatchBald {
            passes: DropoutPasses::read(params)?,
            configurations: params.count("configurations", CONFIGURATIONS, 1..=1_000_000)?,
            candidates: params.count("candidates", CANDIDATES, 1..=1_000_000)?,
        })
    },
};

/// Greedy BatchBALD over the `max(10 b, candidates)` candidates of the highest BALD.
///
/// The joint entropy is exact while all label configurations of the batch fit into `configurations`, and
/// estimated from that many configurations, drawn from the passes in turn, beyond. While it is exact, a
/// candidate's gain never grows with the batch, and candidates whose last gain cannot win are left out.
/// Equal gains come in the order of [`Ties`].
pub struct BatchBald {
    /// Passes asked of the learner.
    pub passes: DropoutPasses,
    /// The most label configurations.
    pub configurations: usize,
    /// The least number of candidates looked at.
    pub candidates: usize,
}

impl Strategy for BatchBald {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let passes = view.passes()?;
        let rows = view.candidates();
        let batch = batch.min(rows.len());
        let keep = self.candidates.max(batch.saturating_mul(10));
        let kept = top_places(rows, &bald::of(passes), keep, view.ties(key))?;
        let points: Vec<Point> = kept.iter().map(|&place| Point::new(passes, place, rows[place])).collect();
        let most = self.configurations.min(MAX_LIKELIHOODS / passes.len()).max(passes.len());
        let picks = greedy(&points, batch, most, key, view.ties(key));
        Ok(picks.into_iter().map(|pick| points[pick].row).collect())
    }

    fn needs(&self) -> Needs {
        self.passes.needs()
    }
}

/// One candidate under all passes.
struct Point {
    row: RowId,
    /// Shape `[passes, classes]`.
    p: Matrix,
    /// Mean entropy over passes.
    conditional: f64,
}

impl Point {
    fn new(passes: &[Matrix], place: usize, row: RowId) -> Self {
        let mut p = Matrix::zeros(passes.len(), passes[0].cols());
        for (number, pass) in passes.iter().enumerate() {
            p.row_mut(number).copy_from_slice(pass.row(place));
        }
        let entropies = (0..p.rows()).map(|pass| entropy::of(p.row(pass)));
        let conditional = entropies.sum::<f64>() / passes.len() as f64;
        Self { row, p, conditional }
    }
}

/// Label configurations of the points picked so far, with their likelihood under every pass.
struct Joint {
    /// Shape `[configurations, passes]`, each row scaled to a largest entry of one.
    likelihood: Vec<f64>,
    /// Logarithms of those scales.
    log_scale: Vec<f64>,
    passes: usize,
    /// Whether the configurations are drawn rather than all there are.
    sampled: bool,
}

impl Joint {
    fn empty(passes: usize) -> Self {
        Self { likelihood: vec![1.0; passes], log_scale: vec![0.0], passes, sampled: false }
    }

    fn configurations(&self) -> usize {
        self.log_scale.len()
    }

    /// The joint entropy of the picked points and `point`.
    fn entropy_with(&self, point: &Point) -> f64 {
        let (passes, classes) = (self.passes, point.p.cols());
        let mut joint = vec![0.0f64; classes];
        let mut total = 0.0;
        for (likelihood, log_scale) in self.likelihood.chunks_exact(passes).zip(&self.log_scale) {
            joint.fill(0.0);
            for (pass, likelihood) in likelihood.iter().enumerate() {
                for (joint, &p) in joint.iter_mut().zip(point.p.row(pass)) {
                    *joint += likelihood * f64::from(p);
                }
            }
            let weight = match self.sampled {
                // Importance weight of a drawn configuration: one over its own probability.
                true => passes as f64 / likelihood.iter().sum::<f64>(),
                false => log_scale.exp(),
            };
            for &joint in joint.iter().filter(|&&joint| joint > 0.0) {
                let mean = joint / passes as f64;
                total -= weight * mean * (mean.ln() + log_scale);
            }
        }
        if self.sampled { total / self.configurations() as f64 } else { total }
    }

    /// The configurations with every class of `point` appended.
    fn extended(&self, point: &Point) -> Self {
        let mut next = Self { likelihood: Vec::new(), log_scale: Vec::new(), ..*self };
        for (likelihood, &log_scale) in self.likelihood.chunks_exact(self.passes).zip(&self.log_scale) {
            for class in 0..point.p.cols() {
                next.push(likelihood, log_scale, point, class);
            }
        }
        next
    }

    /// Appends one configuration: `likelihood` with `class` for `point`.
    fn push(&mut self, likelihood: &[f64], log_scale: f64, point: &Point, class: usize) {
        let start = self.likelihood.len();
        let extended = likelihood.iter().enumerate().map(|(pass, l)| l * f64::from(point.p.row(pass)[class]));
        self.likelihood.extend(extended);
        let largest = self.likelihood[start..].iter().copied().fold(0.0, f64::max);
        if largest > 0.0 {
            self.likelihood[start..].iter_mut().for_each(|l| *l /= largest);
            self.log_scale.push(log_scale + largest.ln());
        } else {
            // Impossible under every pass: it adds nothing to any entropy.
            self.likelihood.truncate(start);
        }
    }

    /// Draws `count` configurations of `picked`, the same number from each pass in turn.
    fn drawn(picked: &[&Point], passes: usize, count: usize, key: Key) -> Self {
        let mut joint = Self { likelihood: Vec::new(), log_scale: Vec::new(), passes, sampled: true };
        let draws: Vec<RowDraws<'_>> =
            (0..picked.len() as u64).map(|place| RowDraws::new(key.at(place))).collect();
        for number in 0..count {
            let from = number % passes;
            let mut one = Self { sampled: true, ..Self::empty(passes) };
            for (place, point) in picked.iter().enumerate() {
                // By pick and configuration: a longer batch begins with the same labels.
                let share = draws[place].uniform(RowId(number as u32));
                let p = point.p.row(from);
                let class = draw::at_share(p.len(), |class| f64::from(p[class]), share).unwrap_or(0);
                let mut next = Self { likelihood: Vec::new(), log_scale: Vec::new(), passes, sampled: true };
                next.push(&one.likelihood, one.log_scale[0], point, class);
                one = next;
            }
            joint.likelihood.extend(one.likelihood);
            joint.log_scale.extend(one.log_scale);
        }
        joint
    }
}

/// Places of the greedily chosen points, in order.
fn greedy(points: &[Point], batch: usize, limit: usize, key: Key, ties: Ties<'_>) -> Vec<usize> {
    let Some(first) = points.first() else { return Vec::new() };
    let (passes, classes) = (first.p.rows(), first.p.cols());
    let mut joint = Joint::empty(passes);
    // Conditional entropies of the picks, and the information they hold together.
    let (mut shared, mut information) = (0.0, 0.0);
    // Upper bounds of the gains while entropies are exact.
    let mut bounds = vec![f64::INFINITY; points.len()];
    let mut picks: Vec<usize> = Vec::new();
    while picks.len() < batch.min(points.len()) {
        let mut best: Option<(f64, usize)> = None;
        let mut open: Vec<usize> = (0..points.len()).filter(|place| !picks.contains(place)).collect();
        let tied = |a: usize, b: usize| ties.order(points[a].row, points[b].row);
        open.sort_by(|&a, &b| bounds[b].total_cmp(&bounds[a]).then_with(|| tied(a, b)));
        for place in open {
            // A tie is not to be cut off.
            if !joint.sampled && best.is_some_and(|(gain, _)| bounds[place] < gain - SLACK) {
                break;
            }
            let gain = joint.entropy_with(&points[place]) - points[place].conditional - shared - information;
            bounds[place] = gain;
            let better = best
                .is_none_or(|(most, winner)| gain > most || (gain == most && tied(place, winner).is_lt()));
            if better {
                best = Some((gain, place));
            }
        }
        let Some((gain, pick)) = best else { break };
        picks.push(pick);
        information += gain;
        shared += points[pick].conditional;
        let exact = !joint.sampled && joint.configurations().saturating_mul(classes) <= limit;
        joint = if exact {
            joint.extended(&points[pick])
        } else {
            let picked: Vec<&Point> = picks.iter().map(|&pick| &points[pick]).collect();
            Joint::drawn(&picked, passes, limit, key.named("configurations"))
        };
    }
    picks
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point(row: u32, p: &[[f32; 2]]) -> Point {
        let pass: Vec<Matrix> = p.iter().map(|p| Matrix::new(p.to_vec(), 1, 2)).collect();
        Point::new(&pass, 0, RowId(row))
    }

    fn certain(row: u32, classes: [usize; 4]) -> Point {
        point(row, &classes.map(|class| [f32::from(class == 0), f32::from(class == 1)]))
    }

    fn information(points: &[&Point]) -> f64 {
        let mut joint = Joint::empty(points[0].p.rows());
        for point in &points[..points.len() - 1] {
            joint = joint.extended(point);
        }
        let conditional: f64 = points.iter().map(|point| point.conditional).sum();
        joint.entropy_with(points[points.len() - 1]) - conditional
    }

    #[test]
    fn worked_example() {
        let (a, b, c) = (certain(1, [0, 0, 1, 1]), certain(2, [0, 0, 1, 1]), certain(3, [0, 1, 0, 1]));
        for point in [&a, &b, &c] {
            assert!((information(&[point]) - 2f64.ln()).abs() < 1e-9);
        }
        assert!((information(&[&a, &b]) - 2f64.ln()).abs() < 1e-9);
        assert!((information(&[&a, &c]) - 4f64.ln()).abs() < 1e-9);
        let points = [a, b, c];
        for seed in 0..10 {
            // Whichever of the equals comes first, the twins do not come together.
            let picks = greedy(&points, 2, 10_000, Key::root(seed), Ties::new(Key::root(seed)));
            assert!(picks.len() == 2 && picks.contains(&2), "{picks:?}");
        }
    }

    proptest! {
        /// The estimate from drawn configurations approaches the exact joint entropy.
        #[test]
        fn estimates_agree_with_the_exact_entropy(raw in prop::collection::vec(0.02f32..0.98, 3 * 4), seed: u64) {
            let points: Vec<Point> = raw
                .chunks(4)
                .enumerate()
                .map(|(row, p)| point(row as u32, &[0, 1, 2, 3].map(|i| [p[i], 1.0 - p[i]])))
                .collect();
            let exact = Joint::empty(4).extended(&points[0]).extended(&points[1]).entropy_with(&points[2]);
            let drawn = Joint::drawn(&[&points[0], &points[1]], 4, 8_000, Key::root(seed)).entropy_with(&points[2]);
            prop_assert!((exact - drawn).abs() < 0.06, "{exact} {drawn}");
        }

        /// Leaving out what cannot win changes nothing.
        #[test]
        fn lazy_greedy_is_greedy(raw in prop::collection::vec(0.02f32..0.98, 6 * 3)) {
            let points: Vec<Point> = raw
                .chunks(3)
                .enumerate()
                .map(|(row, p)| point(row as u32, &[0, 1, 2].map(|i| [p[i], 1.0 - p[i]])))
                .collect();
            let mut plain: Vec<usize> = Vec::new();
            for _ in 0..3 {
                let gain = |place: usize| {
                    let batch: Vec<&Point> = plain.iter().chain([&place]).map(|&p| &points[p]).collect();
                    information(&batch)
                };
                let open = (0..6).filter(|place| !plain.contains(place));
                let best = open.max_by(|&a, &b| gain(a).total_cmp(&gain(b)).then(b.cmp(&a))).unwrap();
                plain.push(best);
            }
            let lazy = greedy(&points, 3, 10_000, Key::root(0), Ties::new(Key::root(0)));
            let worth = |batch: &[usize]| information(&batch.iter().map(|&p| &points[p]).collect::<Vec<_>>());
            prop_assert!((worth(&lazy) - worth(&plain)).abs() < SLACK, "{lazy:?} {plain:?}");
        }
    }
}
