//! MaxHerding: the candidates whose kernels cover most of the pool.

use super::Space;
use super::part::Part;
use crate::data::RowId;
use crate::error::Result;
use crate::query::geometry::Kernel;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Size, Strategy};
use crate::rng::Key;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "max_herding",
        summary: "the candidate whose Gaussian kernel adds most to how far labels cover the pool (inputs)",
        paper: "Bae, Noh & Sutherland, ECCV 2024",
        family: Family::Distribution,
        needs: Needs { inputs: true, ..Needs::NONE },
        cost: "time m^2 d + L m d for m = min(n, max(20,000, b)) candidates, memory (m + L) d",
        example: "max_herding",
        deterministic: true,
    },
    make: |params| {
        Built::batch(MaxHerding {
            space: params.choice("space", &Space::INPUTS_FIRST)?,
            shape: params.choice("kernel", &[("gaussian", Shape::Gaussian), ("tophat", Shape::TopHat)])?,
            delta: params.real("delta", 1.0, 1e-6..=1e6)?,
            note: None,
        })
    },
};

/// The shape of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `exp(-d^2 / delta^2)`.
    Gaussian,
    /// `d < delta`: with it, the rule is [`prob_cover`](super::prob_cover).
    TopHat,
}

impl Shape {
    fn kernel(self, delta: f64) -> Kernel {
        match self {
            Shape::Gaussian => Kernel::gaussian(delta),
            Shape::TopHat => Kernel::TopHat((delta * delta) as f32),
        }
    }
}

/// `b` times the candidate that adds most to the sum over the pool of the largest kernel to a label or pick, on vectors
/// scaled to length one. Equal gains, and rows that add nothing, come in the order of [`Ties`](crate::query::Ties).
///
/// Deterministic up to [`MAX_CANDIDATES`](super::part::MAX_CANDIDATES); above, a random part of that many is covered and chosen from.
pub struct MaxHerding {
    pub space: Space,
    pub shape: Shape,
    /// The kernel's width.
    pub delta: f64,
    note: Option<String>,
}

impl MaxHerding {
    /// As published: a Gaussian kernel of width one.
    pub fn gaussian(space: Space) -> Self {
        Self { space, shape: Shape::Gaussian, delta: 1.0, note: None }
    }
}

impl Strategy for MaxHerding {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let part = Part::of(view, self.space.of(view)?, batch, key);
        self.note = part.note();
        let weights = vec![1.0; part.cut.rows.len()];
        let rank = |place: usize| view.ties(key).rank(part.cut.rows[place]);
        Ok(part.cover(self.shape.kernel(self.delta), &weights, batch, rank))
    }

    fn needs(&self) -> Needs {
        self.space.needs()
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        Part::memory(size)
    }
}

#[cfg(test)]
mod tests {
    use crate::data::RowId;
    use crate::query::{PoolView, Registry};
    use crate::rng::Key;
    use crate::testing::ExamplePool;

    fn picks(name: &str, view: &PoolView<'_>, batch: usize, seed: u64) -> Vec<RowId> {
        Registry::builtin().build(name).unwrap().select(view, batch, Key::root(seed)).unwrap()
    }

    /// Two ways of computing one thing: the cover by counts that are lowered, and greedy sums of a kernel.
    #[test]
    fn with_the_top_hat_it_is_prob_cover() {
        for seed in 0..40 {
            let pool = ExamplePool::new(30 + 3 * seed as usize, seed as usize % 7, seed);
            for delta in [0.02, 0.1, 0.3, 0.75, 1.5] {
                let [herding, cover] = ["max_herding(kernel=tophat,", "prob_cover("]
                    .map(|name| picks(&format!("{name}delta={delta})"), &pool.view(), 12, seed));
                assert_eq!(herding, cover, "seed {seed}, delta {delta}");
            }
        }
    }

    #[test]
    fn large_pools_are_cut_and_the_note_says_so() {
        let pool = ExamplePool::new(20_500, 0, 1);
        let mut strategy = Registry::builtin().build("max_herding").unwrap();
        assert_eq!(strategy.select(&pool.view(), 3, Key::root(0)).unwrap().len(), 3);
        let note = strategy.note().unwrap();
        assert_eq!(note, "the cover was sought among 20000 of 20500 candidates, drawn at random");
    }
}
