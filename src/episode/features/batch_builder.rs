//! Looks at the candidates of one query: the first describes all, later ones what a growing batch changes.

use super::class_shares::ClassShares;
use super::pool_rows::{self, Changes};
use super::predictions::{Beliefs, Prediction};
use super::variance_reduction::{self, VarianceReduction};
use super::{FeatureError, QUANTILES, SCHEMA, cut, globals, herding_gain};
use crate::data::{Matrix, RowId};
use crate::episode::Observation;
use crate::error::Result;
use crate::query::geometry::logarithm::ln;
use crate::query::kernel_pca::Coordinates;
use crate::query::neighbour_stats::{NeighbourStats, Neighbourhoods, PoolRows, ROWS, neighbour_stats};
use crate::query::ranks::{Ranks, quantile_among};
use crate::query::{Herding, KernelPca, LowRankGp, Nearest, Neighbours, PoolView};
use crate::rng::Key;
use crate::simd::dispatched;
use rand::seq::index;
use std::borrow::Cow;
use std::ops::Range;

/// Looks at the candidates of one query.
///
/// The first look shows at most `cap` of them. Then some are [kept](Self::keep), and each time that some of
/// those are [taken](Self::take) for the batch, the rest are described again as if the taken were labelled,
/// each with the class that is predicted for it. Quantiles stay those of the first look's candidates, and the
/// globals those of the state before the query.
pub struct BatchBuilder<'a> {
    state: State<'a>,
    /// The candidates of the first look, as places in the view's.
    shown: Vec<usize>,
    first: Observation,
    /// What was ranked in the first look, column by column, and the same sorted.
    raw: Vec<f32>,
    sorted: Vec<f32>,
    later: Later,
}

/// What later looks are made of.
struct Later {
    /// Their candidates, as places in `shown`.
    left: Vec<usize>,
    /// The components of all that were kept, and where there those of the candidates stand.
    places: Coordinates,
    kept: Vec<usize>,
    /// The last look.
    seen: Observation,
    /// Per candidate, what was ranked.
    raw: Vec<[f32; QUANTILES]>,
    /// Rows of the pool that their description looks up, themselves included.
    watched: Vec<u32>,
    /// What was taken since the last look.
    taken: Vec<RowId>,
    /// Working memory.
    changes: Changes,
}

/// Everything that a candidate is described from.
struct State<'a> {
    view: &'a PoolView<'a>,
    neighbours: &'a Neighbours,
    components: &'a KernelPca,
    /// The distances as the episode has them, and as if what was taken were labelled.
    before: &'a Nearest,
    nearest: Cow<'a, Nearest>,
    predictions: Vec<Prediction>,
    class_shares: ClassShares,
    pool_rows: PoolRows,
    posterior: LowRankGp<'a>,
    herding: Herding<'a>,
}

impl<'a> BatchBuilder<'a> {
    /// The first look at no more than `cap` candidates (a uniform draw by `key` where there are more), for a
    /// query of `batch` rows.
    ///
    /// # Errors
    /// If probabilities (of numbers, predictions), neighbours, components or distances are missing from the view, or a probability is
    /// not finite.
    pub fn new(view: &'a PoolView<'a>, batch: usize, cap: usize, key: Key) -> Result<Self> {
        let signals = view.signals();
        let missing = |signal| FeatureError::Missing { signal };
        let neighbours = signals.neighbours.as_deref().ok_or(missing("neighbours"))?;
        let components = signals.components.as_deref().ok_or(missing("components"))?;
        let nearest = signals.nearest.as_deref().ok_or(missing("distances to labels"))?;
        let beliefs = Beliefs::of(view)?;
        let globals = globals::of(view, batch, &beliefs, nearest);
        let Beliefs { predictions, labels, classes, .. } = beliefs;
        let pool_rows = pool_rows::of(view, neighbours, nearest, &predictions);
        let doubts: Vec<(RowId, f32)> = view
            .candidates()
            .iter()
            .zip(&predictions)
            .map(|(&row, prediction)| (row, prediction.margin))
            .collect();
        let state = State {
            view,
            neighbours,
            components,
            before: nearest,
            nearest: Cow::Borrowed(nearest),
            class_shares: ClassShares::of(classes, &labels, &predictions),
            posterior: LowRankGp::of(components, view.labelled(), &doubts),
            herding: Herding::of(components, view.labelled(), |row| {
                view.candidates().binary_search(&row).map_or(0.0, |at| doubts[at].1)
            }),
            predictions,
            pool_rows,
        };
        let shown = shown(view.candidates().len(), cap, key);
        let mut features = Matrix::zeros(shown.len(), SCHEMA.candidate.len());
        // Column by column, in one piece: allocations would take as long as what is computed.
        let mut raw = vec![0.0; QUANTILES * shown.len()];
        describe(&state, &shown, features.values_mut(), &mut raw);
        let field = VarianceReduction::of(&state.posterior, components.places());
        let herding = state.herding.gains(shown.iter().map(|&at| view.candidates()[at]));
        raw[HERDING * shown.len()..].copy_from_slice(&herding.plain);
        let logs = herding_gain::logarithms(&herding);
        let all = view.candidates();
        for (row, &at) in shown.iter().enumerate() {
            let features = features.row_mut(row);
            features[FIELD].copy_from_slice(&field.features(all[at].index()));
            features[COVERED].copy_from_slice(&[logs[0][row], logs[1][row]]);
        }
        let (mut sorted, mut ranked) = (vec![0.0; raw.len()], vec![0.0; raw.len()]);
        let mut ranks = Ranks::default();
        let count = shown.len().max(1);
        let out = ranked.chunks_exact_mut(count).zip(sorted.chunks_exact_mut(count));
        for (values, (ranked, sorted)) in raw.chunks_exact(count).zip(out) {
            ranks.quantiles(values, ranked, sorted);
        }
        for row in 0..shown.len() {
            let features = features.row_mut(row);
            for column in 0..QUANTILES {
                features[column] = ranked[column * shown.len() + row];
            }
        }
        let candidates = shown.iter().map(|&at| view.candidates()[at]).collect();
        let first = Observation { candidates, features, globals };
        let later = Later {
            left: Vec::new(),
            places: Coordinates::default(),
            kept: Vec::new(),
            seen: Observation {
                candidates: Vec::new(),
                features: Matrix::zeros(0, SCHEMA.candidate.len()),
                globals: first.globals.clone(),
            },
            raw: Vec::new(),
            watched: Vec::new(),
            taken: Vec::new(),
            changes: Changes::none(0),
        };
        Ok(Self { state, shown, first, raw, sorted, later })
    }

    /// What the first look shows.
    pub fn first(&self) -> &Observation {
        &self.first
    }

    /// The same, when no other look is to follow.
    pub fn into_first(self) -> Observation {
        self.first
    }

    /// Says which candidates of the first look, by their places there, later looks may show.
    pub fn keep(&mut self, mut places: Vec<usize>) {
        places.sort_unstable();
        let State { view, neighbours, components, .. } = self.state;
        let mut watched = vec![false; view.inputs().rows()];
        for &place in &places {
            let row = view.candidates()[self.shown[place]].index();
            watched[row] = true;
            neighbours.ids(row).iter().for_each(|&row| watched[row as usize] = true);
        }
        let rows: Vec<u32> = places.iter().map(|&place| self.first.candidates[place].0).collect();
        let raw = |&place: &usize| std::array::from_fn(|column| self.raw[column * self.shown.len() + place]);
        self.later = Later {
            seen: Observation {
                candidates: places.iter().map(|&place| self.first.candidates[place]).collect(),
                features: self.first.features.gather(places.iter().copied()),
                globals: self.first.globals.clone(),
            },
            raw: places.iter().map(raw).collect(),
            places: components.places().of_rows(&rows),
            kept: (0..rows.len()).collect(),
            left: places,
            watched: (0..).zip(&watched).filter(|(_, watched)| **watched).map(|(row, _)| row).collect(),
            taken: Vec::new(),
            changes: Changes::none(view.inputs().rows()),
        };
    }

    /// Takes candidates for the batch: looks to come show them no more, and the others as if these were
    /// labelled with the class that is predicted for them.
    pub fn take(&mut self, rows: &[RowId]) {
        self.later.taken.extend(rows);
    }

    /// Another look at what is kept and not taken.
    pub fn rescore(&mut self) -> &Observation {
        if !self.later.taken.is_empty() {
            self.later.leave_out();
            self.bring_up_to_date();
        }
        &self.later.seen
    }

    /// Describes what is left again, as far as what was taken changed it.
    fn bring_up_to_date(&mut self) {
        let (state, later) = (&mut self.state, &mut self.later);
        let candidates = state.view.candidates();
        later.changes.clear();
        let mut labelled = Vec::with_capacity(later.taken.len());
        for row in later.taken.drain(..) {
            let Ok(place) = candidates.binary_search(&row) else { continue };
            labelled.push((row, state.predictions[place].margin));
            let class = state.predictions[place].first;
            state.class_shares.label(class as usize);
            state.herding.label(row);
            let (nearest, inputs) = (state.nearest.to_mut(), state.view.inputs());
            pool_rows::label(
                &mut state.pool_rows,
                nearest,
                state.before,
                inputs,
                &later.watched,
                (row, class),
                &mut later.changes,
            );
        }
        state.class_shares.refresh();
        state.posterior.label(&labelled);
        later.describe_field(&state.posterior);
        let herding = state.herding.gains(later.seen.candidates.iter().copied());
        let logs = herding_gain::logarithms(&herding);
        for (at, &gain) in herding.plain.iter().enumerate() {
            later.seen.features.row_mut(at)[COVERED].copy_from_slice(&[logs[0][at], logs[1][at]]);
            later.rank(at, std::iter::once((HERDING, gain)), &self.first, &self.raw, &self.sorted);
        }

        let mut stale = Vec::new();
        for (at, &left) in later.left.iter().enumerate() {
            let place = self.shown[left];
            let row = candidates[place].index();
            let changed = |row: usize| later.changes.of(row);
            let neighbourhoods = || state.neighbours.ids(row).iter().any(|&other| changed(other as usize));
            if changed(row) || neighbourhoods() {
                stale.push(at);
                continue;
            }
            later.seen.features.row_mut(at)[SHARES]
                .copy_from_slice(&state.shares_of(&state.predictions[place]));
        }

        let count = stale.len();
        let at: Vec<usize> = stale.iter().map(|&at| self.shown[later.left[at]]).collect();
        let mut features = Matrix::zeros(count, SCHEMA.candidate.len());
        let mut raw = vec![0.0; QUANTILES * count];
        describe(state, &at, features.values_mut(), &mut raw);
        for (new, &at) in stale.iter().enumerate() {
            later.seen.features.row_mut(at)[QUANTILES..FIELD.start]
                .copy_from_slice(&features.row(new)[QUANTILES..FIELD.start]);
            let ranked = (0..HERDING).map(|column| (column, raw[column * count + new]));
            later.rank(at, ranked, &self.first, &self.raw, &self.sorted);
        }
    }
}

impl Later {
    /// Ranks columns of candidate `at` of those left again, among the first look's, where their value is another.
    fn rank(
        &mut self,
        at: usize,
        columns: impl Iterator<Item = (usize, f32)>,
        first: &Observation,
        raw: &[f32],
        sorted: &[f32],
    ) {
        let (all, place, own) = (first.candidates.len(), self.left[at], self.seen.features.row_mut(at));
        for (column, value) in columns {
            if value == self.raw[at][column] {
                continue;
            }
            self.raw[at][column] = value;
            own[column] = if value == raw[column * all + place] {
                first.features.row(place)[column]
            } else {
                quantile_among(&sorted[column * all..(column + 1) * all], value)
            };
        }
    }

    /// Describes again what labels leave uncertain, which every label changes for every candidate.
    fn describe_field(&mut self, posterior: &LowRankGp<'_>) {
        let field = VarianceReduction::of(posterior, &self.places);
        for (at, &kept) in self.kept.iter().enumerate() {
            self.seen.features.row_mut(at)[FIELD].copy_from_slice(&field.features(kept));
        }
    }

    /// Leaves out what was taken.
    fn leave_out(&mut self) {
        let (rows, width) = (&mut self.seen, SCHEMA.candidate.len());
        let mut values = std::mem::replace(&mut rows.features, Matrix::zeros(0, width)).into_values();
        for row in &self.taken {
            if let Ok(at) = rows.candidates.binary_search(row) {
                rows.candidates.remove(at);
                values.drain(at * width..(at + 1) * width);
                self.left.remove(at);
                self.kept.remove(at);
                self.raw.remove(at);
            }
        }
        rows.features = Matrix::new(values, rows.candidates.len(), width);
    }
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

/// Where the features stand that are made of the labels' shares of the classes.
const SHARES: Range<usize> = QUANTILES + 3..QUANTILES + 6;
/// Where those stand that tell what labels leave uncertain.
const FIELD: Range<usize> = SHARES.end..SHARES.end + variance_reduction::COUNT;
/// Where those stand that tell what labels would cover.
const COVERED: Range<usize> = FIELD.end..FIELD.end + herding_gain::COUNT;
/// The quantile of what a label would cover, which every label changes for every candidate.
const HERDING: usize = QUANTILES - 1;

dispatched! {
    /// Writes the features of the candidates `at` that lie between the [`QUANTILES`] and the [`FIELD`] to `features`, a
    /// row for each, and what is to be ranked to the first columns of `raw`.
    fn describe(state: &State<'_>, at: &[usize], features: &mut [f32], raw: &mut [f32]) {
        let (count, width) = (at.len(), SCHEMA.candidate.len());
        for (block, (at, features)) in at.chunks(ROWS).zip(features.chunks_mut(ROWS * width)).enumerate() {
            let neighbourhoods = state.neighbourhoods(at);
            let logs = state.logs(at, &neighbourhoods);
            for (place, (&at, features)) in at.iter().zip(features.chunks_exact_mut(width)).enumerate() {
                let logs = [logs[0][place], logs[1][place]];
                let ranked = state.describe(at, &neighbourhoods, place, logs, features);
                for (column, value) in ranked.into_iter().enumerate() {
                    raw[column * count + block * ROWS + place] = value;
                }
            }
        }
    }
}

impl State<'_> {
    /// What lies around a block of candidates.
    #[inline(always)]
    fn neighbourhoods(&self, at: &[usize]) -> NeighbourStats {
        let Self { neighbours, pool_rows, .. } = self;
        neighbour_stats(Neighbourhoods { neighbours, pool_rows }, &self.rows(at)[..at.len()])
    }

    /// Neighbours of every row, at least one.
    #[inline(always)]
    fn count(&self) -> f32 {
        self.neighbours.k().max(1) as f32
    }

    /// The logarithms of novelty and of the gain of a block of candidates: many at a time.
    #[inline(always)]
    fn logs(&self, at: &[usize], neighbourhoods: &NeighbourStats) -> [[f32; ROWS]; 2] {
        let mut of = [[1.0f32; ROWS]; 2];
        for (place, &at) in at.iter().enumerate() {
            let row = self.view.candidates()[at].index();
            of[0][place] = self.pool_rows.rows[row].novelty.max(f32::MIN_POSITIVE);
            of[1][place] = 1.0 + neighbourhoods.gain[place] / self.count();
        }
        for line in &mut of {
            for value in line {
                *value = ln(*value);
            }
        }
        of
    }

    /// The rows of a block of candidates.
    #[inline(always)]
    fn rows(&self, at: &[usize]) -> [u32; ROWS] {
        let mut rows = [0; ROWS];
        rows.iter_mut().zip(at).for_each(|(row, &at)| *row = self.view.candidates()[at].0);
        rows
    }

    /// The labels' shares of the two most probable classes, and how far the first is under-labelled.
    #[inline(always)]
    fn shares_of(&self, prediction: &Prediction) -> [f32; 3] {
        [
            cut(self.class_shares.labelled[prediction.first as usize]),
            cut(self.class_shares.labelled[prediction.second as usize]),
            self.class_shares.predicted_over_labelled[prediction.first as usize],
        ]
    }

    /// Writes to `out` the features of candidate `at` that lie between the [`QUANTILES`] and the [`FIELD`], and gives
    /// what is ranked. It stands at `place` of a block.
    #[inline(always)]
    fn describe(
        &self,
        at: usize,
        neighbourhoods: &NeighbourStats,
        place: usize,
        [log_novelty, log_gain]: [f32; 2],
        out: &mut [f32],
    ) -> [f32; HERDING] {
        let prediction = self.predictions[at];
        let open = neighbourhoods.open[place];
        let doubt = if open > 0.0 { neighbourhoods.doubt[place] / open } else { prediction.margin };
        out[QUANTILES..SHARES.start].copy_from_slice(&[cut(log_novelty), cut(log_gain), doubt]);
        out[SHARES].copy_from_slice(&self.shares_of(&prediction));
        [prediction.margin, neighbourhoods.gain[place]]
    }
}
