//! What a candidate's description looks up of other rows of the pool.

use super::LOG_LIMIT;
use super::beliefs::Belief;
use crate::data::{MatrixView, RowId};
use crate::query::geometry::blocks::squared_distances_to;
use crate::query::geometry::lanes::{reduce, squared_distance};
use crate::query::{Landmarks, Nearest, Neighbours, PoolView};

/// The class of the nearest label where there is no label.
pub(super) const NONE: u32 = u32::MAX;

/// One row of the pool. Every row is the neighbour of many, so that what they ask of it lies together, and in
/// this order, which is read as four numbers at once.
#[derive(Clone, Copy)]
#[repr(C)]
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

    /// Takes a candidate for labelled with `class`; only the rows `watched` are told, and what of them changed
    /// is noted in `changes`. `before` is whose label it may become.
    pub(super) fn label(
        &mut self,
        nearest: &mut Nearest,
        before: &Nearest,
        inputs: MatrixView<'_>,
        watched: &[u32],
        (row, class): (RowId, u32),
        changes: &mut Changes,
    ) {
        self.rows[row.index()].margin = -1.0;
        changes.note(row.0, SPOT);
        let new = inputs.row(row.index());
        changes.distances.resize(inputs.rows(), 0.0);
        // All distances in one go take less time than a good part of them one by one.
        let all = watched.len() >= inputs.rows() / 3;
        if all {
            squared_distances_to(inputs.values(), new, &mut changes.distances);
            before.foresee(row, &changes.distances);
        }
        for &other in watched {
            let at = other as usize;
            let squared = if all { changes.distances[at] } else { squared_distance(inputs.row(at), new) };
            let least = nearest.least(at);
            if !nearest.lower_one(at, class, squared) {
                continue;
            }
            changes.note(other, CLASSES);
            // Roots and quotients keep the order: what is not nearer before them is not behind.
            if squared < least {
                let (spot, novelty) = (&mut self.rows[at], squared.sqrt() / self.unit);
                if spot.class == NONE || novelty < spot.novelty {
                    (spot.novelty, spot.class) = (novelty, class);
                    changes.note(other, SPOT);
                }
            }
        }
    }
}

/// A row's spot is another one.
pub(super) const SPOT: u8 = 1;
/// A row has come nearer to labels of some class.
pub(super) const CLASSES: u8 = 2;

/// What labels changed since it was last asked.
pub(super) struct Changes {
    /// Per row of the pool, what of it changed.
    rows: Vec<u8>,
    /// Rows with any change.
    changed: Vec<u32>,
    /// Working memory.
    distances: Vec<f32>,
}

impl Changes {
    /// None, in a pool of so many rows.
    pub(super) fn none(rows: usize) -> Self {
        Self { rows: vec![0; rows], changed: Vec::new(), distances: Vec::new() }
    }

    fn note(&mut self, row: u32, what: u8) {
        let own = &mut self.rows[row as usize];
        if *own == 0 {
            self.changed.push(row);
        }
        *own |= what;
    }

    /// What changed of a row.
    pub(super) fn of(&self, row: usize) -> u8 {
        self.rows[row]
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.changed.drain(..).for_each(|row| self.rows[row as usize] = 0);
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

    /// Distance of each landmark to its nearest label.
    pub(super) fn distance(&self) -> &[f32] {
        &self.distance
    }

    /// Doubt of each landmark.
    pub(super) fn doubt(&self) -> &[f32] {
        &self.doubt
    }

    /// What turned `self` into `now`, as far as it can change what [`nearer`](Self::nearer) gives: nothing, the
    /// distances of some landmarks, or every doubt.
    pub(super) fn turned_into(&self, now: &Self) -> Turn {
        if self.doubt != now.doubt {
            return Turn::All;
        }
        let places = self.distance.iter().zip(&now.distance).enumerate();
        Turn::Some(places.filter(|(_, (a, b))| a != b).map(|(at, (&a, &b))| (at, a.max(b))).collect())
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

/// How one [`Reach`] turned into another.
pub(super) enum Turn {
    /// In a way that every row may notice.
    All,
    /// These landmarks are nearer to a label than so far, or were; only the first label of all takes any away.
    Some(Vec<(usize, f32)>),
}

impl Turn {
    /// Whether a row with these distances to the landmarks notices: a landmark counts for rows that are nearer
    /// to it than any label.
    pub(super) fn concerns(&self, to_row: &[f32]) -> bool {
        match self {
            Self::All => true,
            Self::Some(landmarks) => landmarks.iter().any(|&(at, farthest)| to_row[at] < farthest),
        }
    }
}
