//! [`SlidingPool`]: the last rows of a stream as a pool to choose from.

use super::moments::{Moments, Scaling};
use crate::data::{Matrix, MatrixView, RowId};
use crate::query::{KernelMap, KernelPca, Projection};
use std::sync::OnceLock;

/// Rows without a label that a new one is compared with, the last ones; as many labelled ones are in the pool beside them.
pub const RESERVOIR: usize = 200;
/// Scaling and components are made anew when the rows since are this part of those before.
const RENEWED: usize = 10;

/// The last rows of a stream, with and without a label, in the order in which they came.
///
/// Scaling and kernel components take some hundred times as long as what one row changes in them. So they stand until the rows
/// since are a tenth of those that they were made of, and rows that come meanwhile are scaled by them and projected on them
/// ([`KernelMap`]). Only then are old rows forgotten: the pool has at most a tenth more than twice [`RESERVOIR`] rows, and
/// the rows that stand for it are always among them. When that is depends on the number of rows alone, and what is made of
/// them is made when it is first read: a stream that was ended has the same pool again from the same rows.
#[derive(Default)]
pub(super) struct SlidingPool {
    members: Vec<Member>,
    /// Of so many of them, the first ones, were scaling and components made.
    described: usize,
    scaling: Scaling,
    map: OnceLock<KernelMap>,
}

/// A pool as strategies and features see it.
pub(super) struct Described {
    /// All rows, scaled, shape `[rows, columns]`.
    pub(super) inputs: Matrix,
    /// The candidates as they came, shape `[candidates, columns]`.
    pub(super) raw: Matrix,
    /// The components of all rows.
    pub(super) components: KernelPca,
    /// The rows with a label, ascending, and their labels.
    pub(super) labelled: Vec<RowId>,
    /// See `labelled`.
    pub(super) labels: Vec<u32>,
    /// The rows without one, ascending; the last is the one that was added.
    pub(super) candidates: Vec<RowId>,
}

struct Member {
    inputs: Vec<f32>,
    label: Option<u32>,
    projection: OnceLock<Projection>,
}

impl SlidingPool {
    /// Takes a row in, with its label or without one.
    pub(super) fn push(&mut self, inputs: &[f32], label: Option<u32>) {
        self.members.push(Member { inputs: inputs.to_vec(), label, projection: OnceLock::new() });
        if (self.members.len() - self.described) * RENEWED >= self.described {
            self.renew();
        }
    }

    /// Forgets old rows, and starts scaling and components anew.
    fn renew(&mut self) {
        let mut room = [RESERVOIR; 2];
        let last = |member: &Member| {
            let room = &mut room[usize::from(member.label.is_some())];
            let fits = *room > 0;
            *room = room.saturating_sub(1);
            fits
        };
        self.members = self.members.drain(..).rev().filter(last).collect();
        self.members.reverse();
        let mut moments = Moments::default();
        for member in &mut self.members {
            moments.push(&member.inputs);
            member.projection = OnceLock::new();
        }
        (self.described, self.scaling, self.map) = (self.members.len(), moments.scaling(), OnceLock::new());
    }

    /// The rows without a label.
    pub(super) fn unlabelled(&self) -> usize {
        self.members.iter().filter(|member| member.label.is_none()).count()
    }

    /// The pool with one more row without a label.
    pub(super) fn with(&self, row: &[f32]) -> Described {
        let (count, width) = (self.members.len() + 1, row.len());
        let rows = || self.members.iter().map(|member| member.inputs.as_slice()).chain([row]);
        let inputs = Matrix::new(rows().flat_map(|row| self.scaling.scaled(row)).collect(), count, width);
        let map = self.map.get_or_init(|| {
            let values = &inputs.values()[..self.described * width];
            KernelMap::of(MatrixView::new(values, self.described, width))
        });
        let own = map.project(inputs.row(count - 1));
        let mut projections: Vec<&Projection> = Vec::with_capacity(count);
        for (at, member) in self.members.iter().enumerate() {
            projections.push(member.projection.get_or_init(|| map.project(inputs.row(at))));
        }
        projections.push(&own);
        let components = map.joined(&projections);
        let labels = self.members.iter().map(|member| member.label).chain([None]);
        let (mut labelled, mut candidates) = (Vec::new(), Vec::new());
        for (at, label) in (0..).map(RowId).zip(labels) {
            match label {
                Some(label) => labelled.push((at, label)),
                None => candidates.push(at),
            }
        }
        let raw = rows().zip(0..).filter(|&(_, at)| candidates.binary_search(&RowId(at)).is_ok());
        let raw = Matrix::new(raw.flat_map(|(row, _)| row).copied().collect(), candidates.len(), width);
        let (labelled, labels) = labelled.into_iter().unzip();
        Described { inputs, raw, components, labelled, labels, candidates }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Key;
    use rand::RngExt;

    fn row(at: u64) -> Vec<f32> {
        let mut rng = Key::root(3).at(at).rng();
        (0..3).map(|column| 10.0f32.powi(column) * rng.random::<f32>() + at as f32 / 500.0).collect()
    }

    /// Of every five rows one has a label.
    fn pool(rows: u64, read: bool) -> SlidingPool {
        let mut pool = SlidingPool::default();
        for at in 0..rows {
            pool.push(&row(at), at.is_multiple_of(5).then_some((at % 2) as u32));
            assert!(pool.members.len() <= 2 * RESERVOIR * (RENEWED + 1) / RENEWED);
            if read {
                pool.with(&row(at + 1));
            }
        }
        pool
    }

    /// What was read meanwhile, and when, changes nothing; rows without a label are the last ones, and so are those with one.
    #[test]
    fn the_same_rows_make_the_same_pool() {
        for rows in [1, 7, 230, 1_371] {
            let (pool, read) = (pool(rows, false), pool(rows, true));
            let (one, other) = (pool.with(&row(9_999)), read.with(&row(9_999)));
            assert_eq!((&one.inputs, &one.components), (&other.inputs, &other.components), "{rows}");
            assert_eq!((&one.labelled, &one.candidates), (&other.labelled, &other.candidates), "{rows}");
            let last = |labelled: bool| {
                let these = (0..rows).rev().filter(move |at| at.is_multiple_of(5) == labelled);
                these.take(RESERVOIR).map(row)
            };
            for labelled in [false, true] {
                let found = pool.members.iter().rev().filter(|member| member.label.is_some() == labelled);
                let found: Vec<&[f32]> = found.map(|member| &member.inputs[..]).take(RESERVOIR).collect();
                assert_eq!(found, last(labelled).collect::<Vec<_>>(), "{rows}");
            }
            assert_eq!(one.raw.row(one.raw.rows() - 1), row(9_999));
            assert_eq!((one.raw.rows(), pool.unlabelled() + 1), (one.candidates.len(), one.candidates.len()));
        }
    }

    /// Right after they are made, components are those of the pool itself; later they are near them.
    #[test]
    fn components_are_those_of_the_pool_or_near() {
        // 200 with a label and 200 without, of which none came since.
        let mut pool = pool(1_000, false);
        pool.renew();
        let fresh = |pool: &SlidingPool| {
            let rows = pool.members.len();
            let values = pool.with(&row(0)).inputs.values()[..3 * rows].to_vec();
            KernelPca::of(MatrixView::new(&values, rows, 3))
        };
        let products = |components: &KernelPca, rows: usize| -> Vec<f32> {
            let place = |row| components.place(0, row);
            let product = |a, b| place(a).iter().zip(place(b)).map(|(a, b)| a * b).sum::<f32>();
            (0..rows * rows).map(|at| product(at / rows, at % rows)).collect()
        };
        let apart = |pool: &SlidingPool| -> f32 {
            let rows = pool.members.len();
            let (standing, fresh) =
                (products(&pool.with(&row(0)).components, rows), products(&fresh(pool), rows));
            standing.iter().zip(&fresh).map(|(a, b)| (a - b).abs()).sum::<f32>() / standing.len() as f32
        };
        assert_eq!((pool.described, apart(&pool)), (2 * RESERVOIR, 0.0));
        (1_000..1_039).for_each(|at| pool.push(&row(at), None));
        assert_eq!(pool.described, 2 * RESERVOIR, "they still stand");
        let found = apart(&pool);
        assert!(found > 0.0 && found < 0.03, "{found}");
    }
}
