//! Looks at the candidates of one query: the first describes all, later ones what a growing batch changes.

use super::beliefs::{self, Belief};
use super::ranks::{Ranks, quantile_among};
use super::shares::LabelShares;
use super::spots::{NONE, Reach, Spots};
use super::{FeatureError, QUANTILES, SCHEMA, cut, globals};
use crate::data::{Matrix, RowId};
use crate::episode::Observation;
use crate::error::Result;
use crate::query::geometry::lanes::{dispatched, reduce};
use crate::query::history::ln;
use crate::query::{Landmarks, Nearest, Neighbours, PoolView};
use crate::rng::Key;
use rand::seq::index;
use std::borrow::Cow;

/// Looks at the candidates of one query.
///
/// The first look shows at most `cap` of them. Then some are [kept](Self::keep), and each time that some of
/// those are [taken](Self::take) for the batch, the rest are described again as if the taken were labelled,
/// each with the class that is predicted for it. Quantiles stay those of the first look's candidates, and the
/// globals those of the state before the query.
pub struct Looks<'a> {
    state: State<'a>,
    /// The candidates of the first look, as places in the view's.
    shown: Vec<usize>,
    first: Observation,
    /// What was ranked in the first look, column by column, and the same sorted.
    raw: Vec<f32>,
    sorted: Vec<f32>,
    /// The candidates of later looks, as places in `shown`.
    kept: Vec<usize>,
    /// Rows of the pool that their description looks up, themselves included.
    watched: Vec<u32>,
}

/// Everything that a candidate is described from.
struct State<'a> {
    view: &'a PoolView<'a>,
    probabilities: &'a Matrix,
    neighbours: &'a Neighbours,
    landmarks: &'a Landmarks,
    nearest: Cow<'a, Nearest>,
    beliefs: Vec<Belief>,
    shares: LabelShares,
    spots: Spots,
    reach: Reach,
}

impl<'a> Looks<'a> {
    /// The first look at no more than `cap` candidates (a uniform draw by `key` where there are more), for a
    /// query of `batch` rows.
    ///
    /// # Errors
    /// If probabilities, neighbours, landmarks or distances are missing from the view, or a probability is
    /// not finite.
    pub fn new(view: &'a PoolView<'a>, batch: usize, cap: usize, key: Key) -> Result<Self> {
        let signals = view.signals();
        let missing = |signal| FeatureError::Missing { signal };
        let probabilities = signals.probabilities.as_ref().ok_or(missing("probabilities"))?;
        let neighbours = signals.neighbours.as_deref().ok_or(missing("neighbours"))?;
        let landmarks = signals.landmarks.as_deref().ok_or(missing("distances to landmarks"))?;
        let nearest = signals.nearest.as_deref().ok_or(missing("distances to labels"))?;
        let beliefs = beliefs::read(view, probabilities)?;
        let spots = Spots::of(view, neighbours, nearest, &beliefs);
        let state = State {
            view,
            probabilities,
            neighbours,
            landmarks,
            nearest: Cow::Borrowed(nearest),
            shares: LabelShares::of(view.classes(), view.labels(), &beliefs),
            reach: Reach::of(landmarks, neighbours, &spots),
            beliefs,
            spots,
        };
        let shown = shown(view.candidates().len(), cap, key);
        let mut features = Matrix::zeros(shown.len(), SCHEMA.candidate.len());
        // Column by column, in one piece: allocations would take as long as what is computed.
        let mut raw = vec![0.0; QUANTILES * shown.len()];
        describe(&state, &shown, features.values_mut(), &mut raw);
        let mut sorted = Vec::with_capacity(raw.len());
        let mut ranks = Ranks::default();
        for (column, values) in raw.chunks_exact(shown.len().max(1)).enumerate() {
            sorted.extend(ranks.quantiles(values, |row, quantile| features.row_mut(row)[column] = quantile));
        }
        let candidates = shown.iter().map(|&at| view.candidates()[at]).collect();
        let globals = globals::of(view, batch, &state.beliefs, &state.spots, &state.shares);
        let first = Observation { candidates, features, globals };
        Ok(Self { state, shown, first, raw, sorted, kept: Vec::new(), watched: Vec::new() })
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
        let State { view, neighbours, landmarks, .. } = self.state;
        let mut watched = landmarks.rows().to_vec();
        for &place in &places {
            let row = view.candidates()[self.shown[place]];
            watched.push(row.0);
            watched.extend(neighbours.ids(row.index()));
        }
        watched.sort_unstable();
        watched.dedup();
        (self.kept, self.watched) = (places, watched);
    }

    /// Takes candidates for the batch: looks to come show them no more, and the others as if these were
    /// labelled with the class that is predicted for them.
    pub fn take(&mut self, rows: &[RowId]) {
        let State { view, nearest, beliefs, shares, spots, .. } = &mut self.state;
        for &row in rows {
            let Ok(place) = view.candidates().binary_search(&row) else { continue };
            let class = beliefs[place].first;
            shares.label(class as usize);
            spots.label(nearest.to_mut(), view.inputs(), &self.watched, row, class);
        }
        self.kept.retain(|&place| !rows.contains(&self.first.candidates[place]));
        self.state.shares.refresh();
        self.state.reach = Reach::of(self.state.landmarks, self.state.neighbours, &self.state.spots);
    }

    /// Another look at what is kept and not taken.
    pub fn again(&self) -> Observation {
        let count = self.kept.len();
        let at: Vec<usize> = self.kept.iter().map(|&place| self.shown[place]).collect();
        let mut features = Matrix::zeros(count, SCHEMA.candidate.len());
        let mut raw = vec![0.0; QUANTILES * count];
        describe(&self.state, &at, features.values_mut(), &mut raw);
        let all = self.shown.len();
        for (out, &place) in self.kept.iter().enumerate() {
            let (quantiles, before) =
                (&mut features.row_mut(out)[..QUANTILES], self.first.features.row(place));
            for (column, quantile) in quantiles.iter_mut().enumerate() {
                let value = raw[column * count + out];
                // Most columns are the same as before.
                *quantile = if value == self.raw[column * all + place] {
                    before[column]
                } else {
                    quantile_among(&self.sorted[column * all..(column + 1) * all], value)
                };
            }
        }
        let candidates = self.kept.iter().map(|&place| self.first.candidates[place]).collect();
        Observation { candidates, features, globals: self.first.globals.clone() }
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

dispatched! {
    /// Writes the plain features of the candidates `at` to `features`, a row for each behind the
    /// [`QUANTILES`], and what is to be ranked to `raw`, a column for each.
    fn describe(state: &State<'_>, at: &[usize], features: &mut [f32], raw: &mut [f32]) {
        let count = at.len();
        for (out, (&at, features)) in at.iter().zip(features.chunks_exact_mut(SCHEMA.candidate.len())).enumerate() {
            let ranked = state.describe(at, &mut features[QUANTILES..]);
            for (column, value) in ranked.into_iter().enumerate() {
                raw[column * count + out] = value;
            }
        }
    }
}

impl State<'_> {
    /// Writes the plain features of candidate `at` to `out`, and gives those that are ranked.
    #[inline(always)]
    fn describe(&self, at: usize, out: &mut [f32]) -> [f32; QUANTILES] {
        let (row, belief) = (self.view.candidates()[at].index(), self.beliefs[at]);
        let (unit, spot) = (self.spots.unit, self.spots.rows[row]);
        let novelty = spot.novelty;
        let mean_distance = self.neighbours.mean_distance(row) / unit;
        let around = self.around(row, belief.first);
        let doubt = around.doubt.unwrap_or(belief.margin);
        let marks = self.landmarks.distances(row);
        let (wide, wide_doubt) = self.reach.nearer(marks);
        let wide = wide / marks.len().max(1) as f32 / unit;

        // The boundary is 0 far from any between labels, 1 on it.
        let (disagrees, own_class, boundary) = if spot.class == NONE {
            (0.0, belief.least_confidence, 0.0)
        } else {
            let (mut own, mut other) = (f32::INFINITY, f32::INFINITY);
            for &squared in self.nearest.per_class(row) {
                other = other.min(squared.max(own));
                own = own.min(squared);
            }
            let boundary = (own / other.max(f32::MIN_POSITIVE)).sqrt().min(1.0);
            let p = self.probabilities.row(at)[spot.class as usize];
            (f32::from(spot.class != belief.first), p, boundary)
        };
        out.copy_from_slice(&[
            belief.least_confidence,
            belief.margin,
            belief.entropy,
            belief.past_margin,
            belief.disagreement,
            belief.changes,
            cut(ln(novelty.max(f32::MIN_POSITIVE))),
            cut(-ln(mean_distance.max(f32::MIN_POSITIVE))),
            cut(ln(1.0 + around.gain / around.count)),
            cut(ln(1.0 + 10.0 * wide)),
            doubt,
            belief.margin - doubt,
            around.differ,
            1.0 - around.open / around.count,
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
            around.gain,
            wide,
            wide_doubt,
            doubt,
            belief.margin * novelty,
            belief.margin / mean_distance.max(1e-3),
        ]
    }

    /// What the neighbours of `row`, which is predicted to be of class `first`, are like.
    #[inline(always)]
    fn around(&self, row: usize, first: u32) -> Around {
        const LANES: usize = 16;
        let unit = self.spots.unit;
        let (ids, distances) = (self.neighbours.ids(row), self.neighbours.distances(row));
        // How much nearer to a label they would come if this row were labelled; labelled ones do not count.
        let [mut gain, mut doubt, mut differ, mut open] = [[0.0f32; LANES]; 4];
        for (ids, distances) in ids.chunks(LANES).zip(distances.chunks(LANES)) {
            let [mut margin, mut novelty, mut distance] = [[-1.0f32; LANES], [0.0; LANES], [0.0; LANES]];
            let mut class = [first; LANES];
            for (lane, (&other, &to)) in ids.iter().zip(distances).enumerate() {
                let spot = self.spots.rows[other as usize];
                (margin[lane], novelty[lane], class[lane]) = (spot.margin, spot.novelty, spot.first);
                distance[lane] = to;
            }
            for lane in 0..LANES {
                let counts = if margin[lane] < 0.0 { 0.0 } else { 1.0 };
                open[lane] += counts;
                doubt[lane] += margin[lane] * counts;
                differ[lane] += if class[lane] == first { 0.0 } else { counts };
                gain[lane] += (novelty[lane] - distance[lane] / unit).max(0.0) * counts;
            }
        }
        let [gain, doubt, differ, open] = [gain, doubt, differ, open].map(reduce);
        let any = open > 0.0;
        Around {
            count: ids.len().max(1) as f32,
            open,
            gain,
            doubt: any.then(|| doubt / open),
            differ: if any { differ / open } else { 0.0 },
        }
    }
}

/// The neighbourhood of a row.
struct Around {
    /// Neighbours, at least one.
    count: f32,
    /// Those without a label.
    open: f32,
    /// By how much these would come nearer to a label in all.
    gain: f32,
    /// Their mean margin score; none where all are labelled.
    doubt: Option<f32>,
    /// The share of them that is predicted to be of another class.
    differ: f32,
}
