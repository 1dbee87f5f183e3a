//! What a policy looks at: a row of features per candidate, and a row of globals per state.
//!
//! Every feature is a within-pool quantile or free of scale, so that neither pool size, class count nor
//! input width enters the policy's shape, and one policy file runs on any pool. Quantiles run from -1
//! (smallest of the candidates) to 1. The schema is versioned: a policy remembers the version that it was
//! trained on, and a mismatch is refused.

use super::observation::{Observation, Schema};
use crate::data::Matrix;
use crate::error::{Fault, Result};
use crate::query::geometry::lanes::dispatched;
use crate::query::history::minus_p_ln_p;
use crate::query::{History, Landmarks, Nearest, Needs, Neighbours, PoolView};
use crate::rng::Key;
use rand::seq::index;

/// The schema of [`observe`].
pub static SCHEMA: Schema = Schema {
    version: 2,
    candidate: &[
        "least confidence, quantile",
        "margin, quantile",
        "entropy, quantile",
        "past margin, quantile",
        "disagreement of rounds, quantile",
        "novelty, quantile",
        "density, quantile",
        "coverage gain, quantile",
        "wide coverage gain, quantile",
        "wide coverage of doubt, quantile",
        "neighbours' uncertainty, quantile",
        "uncertainty x novelty, quantile",
        "uncertainty x density, quantile",
        "least confidence",
        "margin",
        "entropy",
        "past margin",
        "disagreement of rounds",
        "changes of the predicted class",
        "log novelty",
        "log density",
        "coverage gain",
        "wide coverage gain",
        "neighbours' uncertainty",
        "uncertainty above its neighbours",
        "neighbours predicted differently",
        "neighbours labelled",
        "predicted class in labels, log share",
        "runner-up class in labels, log share",
        "predicted class under-labelled, log ratio",
        "nearest label disagrees",
        "probability of the nearest label's class",
        "boundary between nearest labels",
    ],
    global: &[
        "log labels per class",
        "share of the budget spent",
        "log classes",
        "mean uncertainty",
        "mean disagreement of rounds",
        "balance of labels",
        "classes seen",
        "contrast of distances",
        "agreement with the nearest label",
        "bought labels foreseen",
        "bought labels like the nearest",
        "log query size",
    ],
};

/// Neighbours per row that the features look at.
pub const NEIGHBOURS: usize = 15;

/// The first columns hold quantiles, in the order of [`Raw`].
const QUANTILES: usize = 13;

/// Log-features are cut here, so that one outlier does not drown a state.
pub const LOG_LIMIT: f32 = 3.0;

/// The column of the global features that says how many rows a query asks for.
pub const QUERY_SIZE: usize = 11;

/// What [`observe`] needs of a view. Without a history, which only an episode has, every round counts as
/// the first.
pub fn needs() -> Needs {
    Needs { probabilities: true, neighbours: true, landmarks: true, history: true, ..Needs::default() }
}

/// Why a state cannot be observed.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum FeatureError {
    /// A signal is missing.
    #[error("policy features: the view lacks {signal}")]
    Missing { signal: &'static str },
    /// A probability is not a number.
    #[error("policy features: probability {value} of row {row}, class {class} is not finite")]
    NotFinite { row: u32, class: usize, value: f32 },
}

impl Fault for FeatureError {}

/// The features of at most `cap` candidates (a uniform draw by `key` where there are more), for a query
/// of `batch` rows.
///
/// # Errors
/// If probabilities, neighbours, landmarks or distances are missing from the view, or a probability is
/// not finite.
pub fn observe(view: &PoolView<'_>, batch: usize, cap: usize, key: Key) -> Result<Observation> {
    let signals = view.signals();
    let missing = |signal| FeatureError::Missing { signal };
    let probabilities = signals.probabilities.as_ref().ok_or(missing("probabilities"))?;
    let neighbours = signals.neighbours.as_deref().ok_or(missing("neighbours"))?;
    let landmarks = signals.landmarks.as_deref().ok_or(missing("distances to landmarks"))?;
    let nearest = signals.nearest.as_deref().ok_or(missing("distances to labels"))?;
    let beliefs = Beliefs::read(view, probabilities)?;
    let around = Around::of(view.inputs().rows(), neighbours, nearest);
    let state = State {
        view,
        shares: LabelShares::of(view, &beliefs),
        reach: Reach::of(landmarks, neighbours, &around, &beliefs),
        probabilities,
        neighbours,
        landmarks,
        nearest,
        beliefs,
        around,
    };
    let shown = shown(view.candidates().len(), cap, key);
    let mut features = Matrix::zeros(shown.len(), SCHEMA.candidate.len());
    // Column by column, in one piece: allocations would take as long as what is computed.
    let mut raw = vec![0.0; QUANTILES * shown.len()];
    for (out, &at) in shown.iter().enumerate() {
        let ranked = state.describe(at, &mut features.row_mut(out)[QUANTILES..]);
        for (column, value) in ranked.into_iter().enumerate() {
            raw[column * shown.len() + out] = value;
        }
    }
    let mut ranks = Ranks::default();
    for (column, values) in raw.chunks_exact(shown.len().max(1)).enumerate() {
        ranks.quantiles(values, |row, quantile| features.row_mut(row)[column] = quantile);
    }
    let candidates = shown.iter().map(|&at| view.candidates()[at]).collect();
    Ok(Observation { candidates, features, globals: state.globals(batch) })
}

/// Which candidates are shown: all of them, or a uniform draw, ascending.
fn shown(candidates: usize, cap: usize, key: Key) -> Vec<usize> {
    if candidates <= cap {
        return (0..candidates).collect();
    }
    let mut drawn = index::sample(&mut key.named("shown").rng(), candidates, cap).into_vec();
    drawn.sort_unstable();
    drawn
}

/// What the classifier believes of one candidate.
#[derive(Clone, Copy, Default)]
struct Belief {
    first: u32,
    second: u32,
    least_confidence: f32,
    margin: f32,
    entropy: f32,
    past_margin: f32,
    disagreement: f32,
    changes: f32,
}

/// Beliefs of all candidates, and what neighbours look up of them.
struct Beliefs {
    of_candidate: Vec<Belief>,
    /// Margin score of every pool row; negative for a labelled one.
    margin: Vec<f32>,
    /// Predicted class of every pool row.
    first: Vec<u32>,
}

/// The largest and the second largest of some probabilities, and where they are; ties go to the smaller.
fn top_two(p: &[f32]) -> (usize, usize) {
    let (mut first, mut second) = (0, p.len().min(2) - 1);
    if second == 1 && p[1] > p[0] {
        (first, second) = (1, 0);
    }
    for class in 2..p.len() {
        if p[class] > p[first] {
            (first, second) = (class, first);
        } else if p[class] > p[second] {
            second = class;
        }
    }
    (first, second)
}

/// One less the lead of the most probable class.
fn margin(p: &[f32], (first, second): (usize, usize)) -> f32 {
    1.0 - (p[first] - if second == first { 0.0 } else { p[second] })
}

impl Beliefs {
    fn read(view: &PoolView<'_>, probabilities: &Matrix) -> Result<Self, FeatureError> {
        let (classes, rows) = (view.classes(), view.inputs().rows());
        let largest_entropy = (classes.max(2) as f32).ln();
        let largest_doubt = 1.0 - 1.0 / classes.max(2) as f32;
        let history = view.signals().history.as_deref().filter(|history| history.rounds() > 1);
        let (mut margins, mut firsts) = (vec![-1.0; rows], vec![0; rows]);
        let mut of_candidate = Vec::with_capacity(view.candidates().len());
        for (at, &row) in view.candidates().iter().enumerate() {
            let p = probabilities.row(at);
            if let Some(class) = p.iter().position(|value| !value.is_finite()) {
                return Err(FeatureError::NotFinite { row: row.0, class, value: p[class] });
            }
            let top = top_two(p);
            let now = margin(p, top);
            let past = |history: &History| {
                let mean = history.mean(row.index());
                let past_margin = margin(mean, top_two(mean));
                (past_margin, history.disagreement(row.index()), history.changes(row.index()))
            };
            let (past_margin, disagreement, changes) = history.map_or((now, 0.0, 0.0), past);
            margins[row.index()] = now;
            firsts[row.index()] = top.0 as u32;
            of_candidate.push(Belief {
                first: top.0 as u32,
                second: top.1 as u32,
                least_confidence: (1.0 - p[top.0]) / largest_doubt,
                margin: now,
                entropy: p.iter().map(|&value| minus_p_ln_p(value)).sum::<f32>() / largest_entropy,
                past_margin,
                disagreement: disagreement / largest_entropy,
                changes,
            });
        }
        Ok(Self { of_candidate, margin: margins, first: firsts })
    }
}

/// How the labels and the predictions are spread over the classes, each as log of share times classes.
struct LabelShares {
    labelled: Vec<f32>,
    predicted_over_labelled: Vec<f32>,
    balance: f32,
    seen: f32,
}

impl LabelShares {
    fn of(view: &PoolView<'_>, beliefs: &Beliefs) -> Self {
        let classes = view.classes();
        let (mut labelled, mut predicted) = (vec![0.0f32; classes], vec![0.0f32; classes]);
        for &label in view.labels() {
            labelled[label as usize] += 1.0;
        }
        for belief in &beliefs.of_candidate {
            predicted[belief.first as usize] += 1.0;
        }
        let total = view.labels().len() as f32;
        let seen = labelled.iter().filter(|&&count| count > 0.0).count() as f32 / classes as f32;
        let entropy: f32 = labelled
            .iter()
            .filter(|&&count| count > 0.0)
            .map(|&count| -(count / total) * (count / total).ln())
            .sum();
        // One label per class is added to every count, so that an unseen class has a finite logarithm.
        let share = |count: f32, of: f32| ((count + 1.0) / (of + classes as f32) * classes as f32).ln();
        let predictions = beliefs.of_candidate.len() as f32;
        let log_labelled: Vec<f32> = labelled.iter().map(|&count| share(count, total)).collect();
        let predicted_over_labelled = predicted
            .iter()
            .zip(&log_labelled)
            .map(|(&count, own)| cut(share(count, predictions) - own))
            .collect();
        Self {
            labelled: log_labelled,
            predicted_over_labelled,
            balance: entropy / (classes.max(2) as f32).ln(),
            seen,
        }
    }
}

/// For every row of the pool, its nearest label. Every row is the neighbour of many, so this is looked up
/// far more often than there are rows.
struct Around {
    /// The pool's unit of length.
    unit: f32,
    /// Distance to the nearest label, in units.
    novelty: Vec<f32>,
    /// The class of the nearest label; none without labels.
    class: Option<Vec<u32>>,
}

impl Around {
    fn of(rows: usize, neighbours: &Neighbours, nearest: &Nearest) -> Self {
        let unit = neighbours.scale().max(f32::MIN_POSITIVE);
        let (mut novelty, mut class) = (Vec::with_capacity(rows), Vec::with_capacity(rows));
        for row in 0..rows {
            let Some((squared, own)) = nearest.any(row) else {
                return Self { unit, novelty: vec![LOG_LIMIT.exp(); rows], class: None };
            };
            novelty.push(squared.sqrt() / unit);
            class.push(own);
        }
        Self { unit, novelty, class: Some(class) }
    }
}

/// How far the landmarks are from a label, and how doubtful they are.
struct Reach {
    /// Distance of each landmark to its nearest label, in the unit of the inputs.
    distance: Vec<f32>,
    /// Margin score of each landmark, zero for a labelled one; they sum to the number of landmarks.
    doubt: Vec<f32>,
}

impl Reach {
    fn of(landmarks: &Landmarks, neighbours: &Neighbours, around: &Around, beliefs: &Beliefs) -> Self {
        // Without labels every landmark is as far as can be: then the most central row reaches most.
        let far = neighbours.spread().max(around.unit);
        let distance = |&row: &u32| match around.class {
            Some(_) => around.novelty[row as usize] * around.unit,
            None => far,
        };
        let mut doubt: Vec<f32> =
            landmarks.rows().iter().map(|&row| beliefs.margin[row as usize].max(0.0)).collect();
        let mean = doubt.iter().sum::<f32>() / doubt.len().max(1) as f32;
        doubt.iter_mut().for_each(|doubt| *doubt /= mean.max(f32::MIN_POSITIVE));
        Self { distance: landmarks.rows().iter().map(distance).collect(), doubt }
    }
}

dispatched! {
    /// By how much the landmarks' distances to a label would fall in all, plainly and weighted by doubt.
    fn nearer(to_row: &[f32], reach: &[f32], doubt: &[f32]) -> (f32, f32) {
        const LANES: usize = 16;
        let (mut plain, mut weighted) = ([0.0f32; LANES], [0.0f32; LANES]);
        let (to_blocks, to_rest) = to_row.as_chunks::<LANES>();
        let (reach_blocks, reach_rest) = reach.as_chunks::<LANES>();
        let (doubt_blocks, doubt_rest) = doubt.as_chunks::<LANES>();
        for ((to_row, reach), doubt) in to_blocks.iter().zip(reach_blocks).zip(doubt_blocks) {
            for lane in 0..LANES {
                let gain = (reach[lane] - to_row[lane]).max(0.0);
                plain[lane] += gain;
                weighted[lane] += gain * doubt[lane];
            }
        }
        for (lane, ((to_row, reach), doubt)) in to_rest.iter().zip(reach_rest).zip(doubt_rest).enumerate() {
            let gain = (reach - to_row).max(0.0);
            plain[lane] += gain;
            weighted[lane] += gain * doubt;
        }
        (plain.iter().sum(), weighted.iter().sum())
    }
}

/// Everything that a candidate is described from.
struct State<'a> {
    view: &'a PoolView<'a>,
    probabilities: &'a Matrix,
    neighbours: &'a Neighbours,
    landmarks: &'a Landmarks,
    nearest: &'a Nearest,
    beliefs: Beliefs,
    shares: LabelShares,
    around: Around,
    reach: Reach,
}

/// Values that are ranked among the candidates.
type Raw = [f32; QUANTILES];

impl State<'_> {
    /// Writes the plain features of candidate `at` to `out`, and gives those that are ranked.
    fn describe(&self, at: usize, out: &mut [f32]) -> Raw {
        let (row, belief) = (self.view.candidates()[at].index(), self.beliefs.of_candidate[at]);
        let (unit, novelty) = (self.around.unit, self.around.novelty[row]);
        let distances = self.neighbours.distances(row);
        let k = distances.len().max(1) as f32;
        let mean_distance = distances.iter().sum::<f32>() / k / unit;

        // How much nearer to a label its neighbours would come if this row were labelled.
        let (mut gain, mut doubt, mut open, mut differ) = (0.0f32, 0.0f32, 0.0f32, 0.0f32);
        for (&other, &distance) in self.neighbours.ids(row).iter().zip(distances) {
            let other = other as usize;
            let margin = self.beliefs.margin[other];
            if margin < 0.0 {
                continue;
            }
            open += 1.0;
            doubt += margin;
            differ += f32::from(self.beliefs.first[other] != belief.first);
            gain += (self.around.novelty[other] - distance / unit).max(0.0);
        }
        let (doubt, differ) = if open > 0.0 { (doubt / open, differ / open) } else { (belief.margin, 0.0) };
        let marks = self.landmarks.distances(row);
        let (wide, wide_doubt) = nearer(marks, &self.reach.distance, &self.reach.doubt);
        let wide = wide / marks.len().max(1) as f32 / unit;

        // The boundary is 0 far from any between labels, 1 on it.
        let (disagrees, own_class, boundary) = match &self.around.class {
            None => (0.0, belief.least_confidence, 0.0),
            Some(class) => {
                let class = class[row];
                let per_class = self.nearest.per_class(row);
                let own = per_class[class as usize];
                let other = (0..per_class.len())
                    .filter(|&other| other != class as usize)
                    .map(|other| per_class[other])
                    .fold(f32::INFINITY, f32::min);
                let boundary = (own / other.max(f32::MIN_POSITIVE)).sqrt().min(1.0);
                let p = self.probabilities.row(at)[class as usize];
                (f32::from(class != belief.first), p, boundary)
            }
        };
        out.copy_from_slice(&[
            belief.least_confidence,
            belief.margin,
            belief.entropy,
            belief.past_margin,
            belief.disagreement,
            belief.changes,
            cut(novelty.max(f32::MIN_POSITIVE).ln()),
            cut(-mean_distance.max(f32::MIN_POSITIVE).ln()),
            cut((gain / k).ln_1p()),
            cut((10.0 * wide).ln_1p()),
            doubt,
            belief.margin - doubt,
            differ,
            1.0 - open / k,
            cut(self.shares.labelled[belief.first as usize]),
            cut(self.shares.labelled[belief.second as usize]),
            self.shares.predicted_over_labelled[belief.first as usize],
            disagrees,
            own_class,
            boundary,
        ]);
        [
            belief.least_confidence,
            belief.margin,
            belief.entropy,
            belief.past_margin,
            belief.disagreement,
            novelty,
            -mean_distance,
            gain,
            wide,
            wide_doubt,
            doubt,
            belief.margin * novelty,
            belief.margin / mean_distance.max(1e-3),
        ]
    }

    fn globals(&self, batch: usize) -> Vec<f32> {
        let classes = self.view.classes() as f32;
        let of_candidate = &self.beliefs.of_candidate;
        let candidates = of_candidate.len().max(1) as f32;
        let mean = |of: fn(&Belief) -> f32| of_candidate.iter().map(of).sum::<f32>() / candidates;
        let agree = self.around.class.as_ref().map_or(0, |class| {
            let own = self.view.candidates().iter().map(|row| class[row.index()]);
            own.zip(of_candidate).filter(|(class, belief)| *class == belief.first).count()
        });
        let progress = self.view.signals().progress;
        let (scale, spread) = (self.neighbours.scale(), self.neighbours.spread());
        let contrast = if spread > 0.0 { 1.0 - scale / spread } else { 0.0 };
        let chance = 1.0 / classes;
        let (foreseen, like_nearest) =
            self.view.signals().history.as_deref().map_or((chance, chance), History::foresight);
        // 0 at chance, 1 where all is foreseen.
        let above_chance = |share: f32| (share - chance) / (1.0 - chance).max(f32::MIN_POSITIVE);
        vec![
            cut((self.view.labels().len() as f32 / classes).ln_1p() - 1.0),
            progress.spent as f32 / progress.budget.max(1) as f32,
            cut(classes.ln() - 1.5),
            mean(|belief| belief.margin),
            mean(|belief| belief.disagreement),
            self.shares.balance,
            self.shares.seen,
            contrast,
            agree as f32 / candidates,
            above_chance(foreseen),
            above_chance(like_nearest),
            cut((batch as f32).ln()),
        ]
    }
}

/// Ranks columns; keeps what it needs for it.
#[derive(Default)]
struct Ranks {
    keys: Vec<u64>,
    spare: Vec<u64>,
}

impl Ranks {
    /// Gives `set` for every row the rank of its value, mapped to `[-1, 1]`; equal values share their
    /// mean rank.
    fn quantiles(&mut self, values: &[f32], mut set: impl FnMut(usize, f32)) {
        let n = values.len();
        // Value and row in one number that sorts like `total_cmp` and then by row.
        self.keys.clear();
        self.keys.extend(
            values.iter().enumerate().map(|(row, &value)| u64::from(ascending(value)) << 32 | row as u64),
        );
        self.sort();
        let value = |key: u64| values[key as u32 as usize];
        let mut start = 0;
        while start < n {
            let mut end = start + 1;
            while end < n && value(self.keys[end]) == value(self.keys[start]) {
                end += 1;
            }
            let rank = (start + end - 1) as f32 / 2.0;
            let quantile = if n > 1 { 2.0 * rank / (n - 1) as f32 - 1.0 } else { 0.0 };
            for &key in &self.keys[start..end] {
                set(key as u32 as usize, quantile);
            }
            start = end;
        }
    }

    /// Sorts the keys by their upper halves, digit by digit; rows are in order already. Several times
    /// faster than comparing, for the few thousand keys there are.
    fn sort(&mut self) {
        const BITS: u32 = 8;
        self.spare.resize(self.keys.len(), 0);
        for shift in [32, 40, 48, 56] {
            let digit = |key: u64| (key >> shift) as usize & ((1 << BITS) - 1);
            let mut starts = [0u32; 1 << BITS];
            self.keys.iter().for_each(|&key| starts[digit(key)] += 1);
            let mut sum = 0;
            for start in &mut starts {
                (*start, sum) = (sum, sum + *start);
            }
            for &key in &self.keys {
                let place = &mut starts[digit(key)];
                self.spare[*place as usize] = key;
                *place += 1;
            }
            std::mem::swap(&mut self.keys, &mut self.spare);
        }
    }
}

/// A number that orders like [`f32::total_cmp`].
fn ascending(value: f32) -> u32 {
    let bits = value.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

fn cut(value: f32) -> f32 {
    value.clamp(-LOG_LIMIT, LOG_LIMIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::RowId;
    use crate::query::{Progress, Signals};
    use rand::RngExt;
    use rand::seq::SliceRandom;
    use std::sync::Arc;

    /// A pool with `labelled` first rows labelled, and random probabilities for the rest.
    struct World {
        inputs: Matrix,
        labelled: Vec<RowId>,
        labels: Vec<u32>,
        candidates: Vec<RowId>,
        classes: usize,
        signals: Signals,
    }

    impl World {
        fn new(
            inputs: Matrix,
            labels: Vec<u32>,
            labelled: Vec<RowId>,
            probabilities: Matrix,
            classes: usize,
        ) -> Self {
            let candidates: Vec<RowId> =
                (0..inputs.rows() as u32).map(RowId).filter(|row| !labelled.contains(row)).collect();
            let signals = Signals {
                neighbours: Some(Arc::new(Neighbours::of(inputs.view(), NEIGHBOURS))),
                landmarks: Some(Arc::new(Landmarks::of(inputs.view()))),
                nearest: Some(Arc::new(Nearest::of(inputs.view(), &labelled, &labels, classes))),
                probabilities: Some(probabilities),
                progress: Progress { spent: 2, budget: 8 },
                ..Signals::default()
            };
            Self { inputs, labelled, labels, candidates, classes, signals }
        }

        fn random(n: usize, d: usize, classes: usize, known: usize, seed: u64) -> Self {
            let mut rng = Key::root(seed).rng();
            let inputs = Matrix::new((0..n * d).map(|_| rng.random::<f32>()).collect(), n, d);
            let labelled: Vec<RowId> = (0..known as u32).map(RowId).collect();
            let labels = (0..known).map(|i| (i % classes) as u32).collect();
            let mut probabilities = Matrix::zeros(n - known, classes);
            for row in 0..n - known {
                let p = probabilities.row_mut(row);
                p.iter_mut().for_each(|value| *value = rng.random::<f32>());
                let total: f32 = p.iter().sum();
                p.iter_mut().for_each(|value| *value /= total);
            }
            Self::new(inputs, labels, labelled, probabilities, classes)
        }

        fn observe(&self, cap: usize) -> Result<Observation> {
            let view = PoolView::new(
                self.inputs.view(),
                &self.labelled,
                &self.labels,
                &self.candidates,
                self.classes,
                &self.signals,
            );
            observe(&view, 1, cap, Key::root(5))
        }
    }

    #[test]
    fn ranks_are_those_of_a_sort_by_comparison() {
        let mut rng = Key::root(4).rng();
        let values: Vec<f32> = (0..3_000).map(|_| (rng.random::<f32>() - 0.5) * 1e3).collect();
        let mut sorted = values.clone();
        sorted.sort_by(f32::total_cmp);
        Ranks::default().quantiles(&values, |row, quantile| {
            let rank = sorted.partition_point(|&other| other < values[row]);
            assert!((quantile - (2.0 * rank as f32 / 2_999.0 - 1.0)).abs() < 1e-6);
        });
    }

    #[test]
    fn the_two_largest() {
        assert_eq!(top_two(&[1.0]), (0, 0));
        assert_eq!(top_two(&[0.5, 0.5]), (0, 1));
        assert_eq!(top_two(&[0.1, 0.6, 0.3]), (1, 2));
        assert_eq!(top_two(&[0.2, 0.2, 0.6]), (2, 0));
        assert_eq!(margin(&[1.0], (0, 0)), 0.0);
        assert!((margin(&[0.1, 0.6, 0.3], (1, 2)) - 0.7).abs() < 1e-6);
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

    fn assert_close(a: &[f32], b: &[f32]) {
        assert_eq!(a.len(), b.len());
        for (at, (x, y)) in a.iter().zip(b).enumerate() {
            assert!((x - y).abs() < 2e-2, "entry {at}: {x} against {y}");
        }
    }

    #[test]
    fn one_shape_for_every_pool() {
        for (n, d, classes, known) in [(40, 3, 2, 4), (200, 17, 7, 9), (30, 1, 3, 0), (5, 2, 2, 4)] {
            let seen = World::random(n, d, classes, known, 1).observe(1_000).unwrap();
            assert_eq!((seen.features.rows(), seen.features.cols()), (n - known, SCHEMA.candidate.len()));
            assert_eq!(seen.globals.len(), SCHEMA.global.len());
            assert!(seen.features.values().iter().chain(&seen.globals).all(|value| value.abs() <= 20.0));
        }
    }

    #[test]
    fn the_unit_of_the_inputs_does_not_matter() {
        let world = World::random(80, 4, 3, 6, 2);
        let mut scaled = world.inputs.clone();
        scaled.values_mut().iter_mut().for_each(|value| *value *= 16.0);
        let probabilities = world.signals.probabilities.clone().unwrap();
        let other = World::new(scaled, world.labels.clone(), world.labelled.clone(), probabilities, 3);
        let (a, b) = (world.observe(1_000).unwrap(), other.observe(1_000).unwrap());
        assert_close(a.features.values(), b.features.values());
        assert_close(&a.globals, &b.globals);
    }

    #[test]
    fn the_order_of_the_pool_does_not_matter() {
        let world = World::random(60, 3, 3, 6, 3);
        let mut order: Vec<usize> = (0..60).collect();
        order.shuffle(&mut Key::root(4).rng());
        let place = |row: usize| order.iter().position(|&old| old == row).unwrap();
        let labelled = world.labelled.iter().map(|row| RowId(place(row.index()) as u32)).collect();
        let old = world.signals.probabilities.as_ref().unwrap();
        let kept = order.iter().filter(|&&row| row >= 6).map(|&row| row - 6);
        let other = World::new(
            world.inputs.gather(order.iter().copied()),
            world.labels.clone(),
            labelled,
            old.gather(kept),
            3,
        );
        let (a, b) = (world.observe(1_000).unwrap(), other.observe(1_000).unwrap());
        for (at, row) in a.candidates.iter().enumerate() {
            let there = b.candidates.iter().position(|other| other.index() == place(row.index())).unwrap();
            assert_close(a.features.row(at), b.features.row(there));
        }
        assert_close(&a.globals, &b.globals);
    }

    #[test]
    fn the_query_size_is_where_it_is_said_to_be() {
        assert_eq!(SCHEMA.global[QUERY_SIZE], "log query size");
    }

    #[test]
    fn quantiles_run_from_least_to_most_and_share_ties() {
        let mut found = [0.0; 5];
        Ranks::default().quantiles(&[5.0, 1.0, 5.0, 9.0, 0.0], |row, quantile| found[row] = quantile);
        assert_eq!(found, [0.25, -0.5, 0.25, 1.0, -1.0]);
    }

    #[test]
    fn a_cap_draws_without_replacement() {
        let seen = World::random(100, 2, 2, 4, 6).observe(20).unwrap();
        assert_eq!(seen.candidates.len(), 20);
        assert!(seen.candidates.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn constant_inputs_and_equal_probabilities_are_finite() {
        let world = World::new(
            Matrix::zeros(12, 2),
            vec![1, 1],
            vec![RowId(3), RowId(5)],
            Matrix::new(vec![0.5; 20], 10, 2),
            2,
        );
        let seen = world.observe(1_000).unwrap();
        assert!(seen.features.values().iter().chain(&seen.globals).all(|value| value.is_finite()));
    }

    #[test]
    fn what_is_missing_or_not_a_number_is_refused() {
        let mut world = World::random(20, 2, 2, 2, 7);
        world.signals.probabilities.as_mut().unwrap().row_mut(3)[1] = f32::NAN;
        let refused = |world: &World| world.observe(100).unwrap_err().downcast_ref::<FeatureError>().cloned();
        assert!(matches!(refused(&world), Some(FeatureError::NotFinite { row: 5, class: 1, .. })));
        world.signals.probabilities = None;
        assert_eq!(refused(&world), Some(FeatureError::Missing { signal: "probabilities" }));
    }
}
