//! [`PoolMap`]: the rows of a pool as points of a plane, for people to look at.

use super::Session;
use super::annotators::Labelled;
use crate::error::Result;
use crate::query::kernel_pca::KernelPca;

/// A place in the unit square for every row: the first two kernel principal components of its inputs
/// ([`KernelPca`]), each stretched to its range.
#[derive(Clone, Debug, PartialEq)]
pub struct PoolMap {
    places: Vec<[f32; 2]>,
}

impl PoolMap {
    /// Where a row lies, both coordinates from 0 to 1.
    pub fn place(&self, row: usize) -> Option<[f32; 2]> {
        self.places.get(row).copied()
    }

    /// At most so many rows, evenly spaced in the pool's order.
    pub fn sample(&self, most: usize) -> Vec<usize> {
        let rows = self.places.len();
        let shown = rows.min(most);
        (0..shown).map(|at| at * rows / shown).collect()
    }
}

impl Session {
    /// Rows with a label, ascending, each with its class by its number in [`Session::classes`]; of sets, with its first label, and of what has
    /// neither, with 0.
    ///
    /// # Errors
    /// A damaged journal.
    pub fn labelled(&mut self) -> Result<Vec<(usize, usize)>> {
        self.refresh()?;
        let consensus = self.consensus();
        let first = |one: &Labelled| (one.row as usize, consensus.first(one.word));
        let mut rows: Vec<_> = consensus.labelled.iter().map(first).collect();
        rows.sort_unstable();
        Ok(rows)
    }

    /// A map of the pool, which labels do not change. It costs a product of the inputs with 128 of their rows.
    pub fn map(&self) -> PoolMap {
        let components = KernelPca::of(self.pool.inputs.view());
        let of = |along: usize| -> Vec<f32> {
            let values = (0..components.rows()).map(|row| components.place(0, row)[along]);
            stretched(values.collect())
        };
        PoolMap { places: of(0).into_iter().zip(of(1)).map(|(x, y)| [x, y]).collect() }
    }
}

/// Values from 0 to 1, the hundredth at either end on the border, as a few far rows would squeeze all others together; all
/// in the middle where there is no range.
fn stretched(values: Vec<f32>) -> Vec<f32> {
    let mut sorted = values.clone();
    sorted.sort_by(f32::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let (low, high) = match sorted.is_empty() {
        true => (0.0, 0.0),
        false => (sorted[last / 100], sorted[last - last / 100]),
    };
    let range = high - low;
    let place = |value: f32| if range > 0.0 { ((value - low) / range).clamp(0.0, 1.0) } else { 0.5 };
    values.into_iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_fill_the_unit_square_and_samples_are_even() {
        assert_eq!(stretched(vec![2.0, 4.0, 3.0]), [0.0, 1.0, 0.5]);
        assert_eq!(stretched(vec![7.0, 7.0]), [0.5, 0.5]);
        let far: Vec<f32> = (0..201).map(|at| if at == 200 { 1e9 } else { at as f32 }).collect();
        assert_eq!(stretched(far)[100], 98.0 / 196.0, "one far value squeezes no others");
        let map = PoolMap { places: vec![[0.0, 0.0]; 10] };
        assert_eq!(map.sample(5), [0, 2, 4, 6, 8]);
        assert_eq!(map.sample(20).len(), 10);
        assert_eq!(map.place(10), None);
    }
}
