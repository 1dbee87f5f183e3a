//! UHerding: MaxHerding, weighted by how unsure the model is.

use super::super::distribution::Space;
use super::super::distribution::part::Part;
use crate::data::{MatrixView, RowId};
use crate::error::Result;
use crate::learner::calibration::expected_calibration_error;
use crate::query::geometry::{Kernel, Rows, lanes};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::uncertainty::margin;
use crate::query::wrapper::scaled::tempered;
use crate::query::{Needs, PoolView, Size, Strategy, subsample};
use crate::rng::Key;
use rayon::prelude::*;

/// The radius while there are not two labels apart.
const FIRST_RADIUS: f64 = 1.0;
/// The temperatures that are tried: `1 + step / 10`.
const STEPS: u32 = 190;
/// Labelled rows between which distances are measured.
const MAX_LABELLED: usize = 4_000;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "uherding",
        summary: "the candidate whose kernel adds most covered uncertainty; the radius shrinks with the labels (inputs)",
        paper: "Bae, Oliveira & Sutherland, ICLR 2025",
        family: Family::Hybrid,
        needs: Needs { inputs: true, probabilities: true, out_of_fold: true, labels: true, ..Needs::NONE },
        cost: "five fits, time m^2 d + L m d + L^2 d for m = min(n, max(20,000, b)) candidates, memory (m + L) d",
        example: "uherding",
        deterministic: true,
    },
    make: |params| {
        Built::batch(UHerding {
            space: params.choice("space", &Space::INPUTS_FIRST)?,
            calibrate: params.choice("calibrate", &[("ece", true), ("none", false)])?,
            delta: params.optional_real("delta", 1e-6..=1e6)?,
            note: None,
        })
    },
};

/// [`max_herding`](super::super::distribution::max_herding) of a sum whose terms are weighted by `1 - (p1 - p2)`, the
/// margin's complement, of calibrated probabilities; all alike while nothing is labelled.
///
/// Probabilities are of `softmax(z / T)`, with the `T` of 1.0, 1.1, ..., 19.9 whose expected calibration error on
/// out-of-fold predictions of the labelled rows is least, the smallest of several; 1 where there are too few labels to
/// leave some out. The kernel's radius is the least positive distance between two labelled rows: where it is large, what
/// counts is coverage, and where it is small, uncertainty.
pub struct UHerding {
    pub space: Space,
    /// Whether a temperature is fitted.
    pub calibrate: bool,
    /// A fixed radius; by the labelled rows where `None`.
    pub delta: Option<f64>,
    note: Option<String>,
}

impl Strategy for UHerding {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let p = view.probabilities()?;
        let temperature = match view.out_of_fold()?.filter(|_| self.calibrate) {
            Some(held_out) => temperature(held_out, view.labels())?,
            None => 1.0,
        };
        let part = Part::of(view, self.space.of(view)?, batch, key);
        let weights: Vec<f32> = if view.labelled().is_empty() {
            vec![1.0; part.cut.rows.len()]
        } else {
            let p = tempered(p, temperature);
            part.cut.places.iter().map(|&place| margin::of(p.row(place)) as f32).collect()
        };
        let sample = view.draws(key.named("radius")).sample(view.labelled(), MAX_LABELLED);
        let delta = self.delta.unwrap_or_else(|| radius(part.labelled(), &sample));
        let own = format!("temperature {temperature:.1}, radius {delta:.3}");
        self.note = subsample::join([Some(own), part.note()]);
        let rank = |place: usize| view.ties(key).rank(part.cut.rows[place]);
        Ok(part.cover(Kernel::gaussian(delta), &weights, batch, rank))
    }

    fn needs(&self) -> Needs {
        let own = Needs { probabilities: true, ..Needs::NONE };
        let calibration = Needs { out_of_fold: self.calibrate, labels: self.calibrate, ..Needs::NONE };
        self.space.needs().union(own).union(calibration)
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        Size::items(size.candidates, 4 * size.classes as u64 + 4) + Part::memory(size)
    }
}

/// The temperature of least expected calibration error.
fn temperature(held_out: MatrixView<'_>, labels: &[u32]) -> Result<f32> {
    let at = |step: u32| -> Result<(f32, f64)> {
        let temperature = 1.0 + step as f32 * 0.1;
        Ok((temperature, expected_calibration_error(tempered(held_out, temperature).view(), labels)?))
    };
    let all = (0..STEPS).into_par_iter().map(at).collect::<Result<Vec<_>>>()?;
    let best = all.into_iter().min_by(|(_, a), (_, b)| a.total_cmp(b));
    Ok(best.map_or(1.0, |(temperature, _)| temperature))
}

/// The least positive distance between two of the rows at `places`.
fn radius(rows: Rows<'_>, places: &[usize]) -> f64 {
    let from = |(at, &a): (usize, &usize)| {
        let later = places[at + 1..].iter().map(|&b| lanes::squared_distance(rows.get(a), rows.get(b)));
        later.filter(|&squared| squared > 0.0).fold(f32::INFINITY, f32::min)
    };
    let least = places.par_iter().enumerate().map(from).reduce(|| f32::INFINITY, f32::min);
    if least.is_finite() { f64::from(least).sqrt() } else { FIRST_RADIUS }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Registry;
    use crate::testing::ExamplePool;

    fn picks(name: &str, pool: &ExamplePool) -> Vec<RowId> {
        Registry::builtin().build(name).unwrap().select(&pool.view(), 8, Key::root(5)).unwrap()
    }

    #[test]
    fn equal_uncertainty_is_max_herding_and_no_radius_is_margin() {
        for seed in 0..20 {
            let mut pool = ExamplePool::new(50, 6, seed);
            assert_eq!(picks("uherding(delta=0.000001)", &pool), picks("margin", &pool), "seed {seed}");
            let m = pool.candidates.len();
            pool.signals.probabilities = Some(Matrix::new([0.5, 0.5, 0.0].repeat(m), m, 3));
            for delta in [0.3, 1.0] {
                let [weighted, plain] =
                    ["uherding", "max_herding"].map(|name| picks(&format!("{name}(delta={delta})"), &pool));
                assert_eq!(weighted, plain, "seed {seed}");
            }
            let bare = ExamplePool::new(50, 0, seed);
            assert_eq!(
                picks("uherding", &bare),
                picks("max_herding", &bare),
                "nothing labelled, seed {seed}"
            );
        }
    }

    #[test]
    fn the_radius_is_the_least_distance_of_labels_that_differ() {
        let matrix = Matrix::new(vec![0.0, 0.0, 3.0, 3.5, 9.0], 5, 1);
        let ids: Vec<RowId> = (0..5).map(RowId).collect();
        let rows = Rows::new(matrix.view(), &ids);
        assert_eq!(radius(rows, &[0, 1, 2, 3, 4]), 0.5);
        assert_eq!(radius(rows, &[0, 1]), FIRST_RADIUS);
        assert_eq!(radius(rows, &[]), FIRST_RADIUS);
    }

    /// Three of four right where .95 was said: T such that the confidence is .75, `ln 19 / ln 3` = 2.68.
    #[test]
    fn overconfidence_raises_the_temperature() {
        let held_out = Matrix::new([0.95, 0.05].repeat(40), 40, 2);
        let labels: Vec<u32> = (0..40).map(|row| u32::from(row % 4 == 0)).collect();
        assert!((temperature(held_out.view(), &labels).unwrap() - 2.7).abs() < 1e-6);
        assert_eq!(temperature(held_out.view(), &[0; 40]).unwrap(), 1.0);
    }
}
