//! What a candidate's description looks up of other rows of the pool.

use super::LOG_LIMIT;
use super::beliefs::Belief;
use crate::data::{MatrixView, RowId};
use crate::query::geometry::lanes::{dispatched, reduce, squared_distance};
use crate::query::{Landmarks, Nearest, Neighbours, PoolView};

/// The class of the nearest label where there is no label.
pub(super) const NONE: u32 = u32::MAX;

/// One row of the pool. Every row is the neighbour of many, so that what they ask of it lies together.
#[derive(Clone, Copy)]
pub(super) struct Spot {
    /// The margin score; negative for a labelled row.
    pub margin: f32,
    /// The predicted class.
    pub first: u32,
    /// Distance to the nearest label, in units.
    pub novelty: f32,
    /// The class of the nearest label, or [`NONE`].
    pub class: u32,
}

/// All rows of the pool.
pub(super) struct Spots {
    /// The pool's unit of length.
    pub unit: f32,
    pub rows: Vec<Spot>,
}

impl Spots {
    pub(super) fn of(
        view: &PoolView<'_>,
        neighbours: &Neighbours,
        nearest: &Nearest,
        beliefs: &[Belief],
    ) -> Self {
        let unit = neighbours.scale().max(f32::MIN_POSITIVE);
        let spot = |row| match nearest.any(row) {
            Some((squared, class)) => Spot { margin: -1.0, first: 0, novelty: squared.sqrt() / unit, class },
            None => Spot { margin: -1.0, first: 0, novelty: LOG_LIMIT.exp(), class: NONE },
        };
        let mut rows: Vec<Spot> = (0..view.inputs().rows()).map(spot).collect();
        for (row, belief) in view.candidates().iter().zip(beliefs) {
            let spot = &mut rows[row.index()];
            (spot.margin, spot.first) = (belief.margin, belief.first);
        }
        Self { unit, rows }
    }

    /// Takes a candidate for labelled with `class`; only the rows `watched` are told.
    pub(super) fn label(
        &mut self,
        nearest: &mut Nearest,
        inputs: MatrixView<'_>,
        watched: &[u32],
        row: RowId,
        class: u32,
    ) {
        self.rows[row.index()].margin = -1.0;
        told(self, nearest, inputs, watched, row, class);
    }
}

dispatched! {
    /// Tells the rows `watched` how far they are from a new label.
    fn told(spots: &mut Spots, nearest: &mut Nearest, inputs: MatrixView<'_>, watched: &[u32], row: RowId, class: u32) {
        let new = inputs.row(row.index());
        for &other in watched {
            let squared = squared_distance(inputs.row(other as usize), new);
            nearest.lower_one(other as usize, class, squared);
            let (spot, novelty) = (&mut spots.rows[other as usize], squared.sqrt() / spots.unit);
            if spot.class == NONE || novelty < spot.novelty {
                (spot.novelty, spot.class) = (novelty, class);
            }
        }
    }
}

/// How far the landmarks are from a label, and how doubtful they are.
pub(super) struct Reach {
    /// Distance of each landmark to its nearest label, in the unit of the inputs.
    distance: Vec<f32>,
    /// Margin score of each landmark, zero for a labelled one; they sum to the number of landmarks.
    doubt: Vec<f32>,
}

impl Reach {
    pub(super) fn of(landmarks: &Landmarks, neighbours: &Neighbours, spots: &Spots) -> Self {
        // Without labels every landmark is as far as can be: then the most central row reaches most.
        let far = neighbours.spread().max(spots.unit);
        let spot = |&row: &u32| spots.rows[row as usize];
        let distance = |spot: Spot| if spot.class == NONE { far } else { spot.novelty * spots.unit };
        let mut doubt: Vec<f32> = landmarks.rows().iter().map(|row| spot(row).margin.max(0.0)).collect();
        let mean = doubt.iter().sum::<f32>() / doubt.len().max(1) as f32;
        doubt.iter_mut().for_each(|doubt| *doubt /= mean.max(f32::MIN_POSITIVE));
        Self { distance: landmarks.rows().iter().map(|row| distance(spot(row))).collect(), doubt }
    }

    /// By how much the landmarks' distances to a label would fall in all, plainly and weighted by doubt, if
    /// a row that is so far from them were labelled.
    #[inline(always)]
    pub(super) fn nearer(&self, to_row: &[f32]) -> (f32, f32) {
        const LANES: usize = 16;
        let (mut plain, mut weighted) = ([0.0f32; LANES], [0.0f32; LANES]);
        let (to_blocks, to_rest) = to_row.as_chunks::<LANES>();
        let (reach_blocks, reach_rest) = self.distance.as_chunks::<LANES>();
        let (doubt_blocks, doubt_rest) = self.doubt.as_chunks::<LANES>();
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
        (reduce(plain), reduce(weighted))
    }
}
