//! DCoM: coverage while little is covered, uncertainty once the model is competent.

use super::super::distribution::part::Part;
use crate::data::RowId;
use crate::error::Result;
use crate::query::geometry::blocks::squared_distances_to;
use crate::query::geometry::{Rows, shrink, within};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::uncertainty::margin;
use crate::query::wrapper::class_balanced::predicted;
use crate::query::{Needs, PoolView, Size, Strategy, subsample};
use crate::rng::Key;
use std::collections::HashMap;

/// The radius of a label until it is measured, the largest there is, and the width of the last bracket.
const FIRST_RADIUS: f64 = 0.6;
const MAX_RADIUS: f64 = 1.1;
const RESOLUTION: f64 = 0.05;
/// Steepness and centre of competence as a function of coverage.
const STEEPNESS: f64 = 50.0;
const CENTRE: f64 = 0.8;

const NEEDS: Needs = Needs { inputs: true, probabilities: true, labels: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "dcom",
        summary: "full balls of uncovered candidates while labels cover little, small margins once they cover much (inputs)",
        paper: "Mishal & Weinshall, arXiv 2407.01804, 2024",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "time 2 m^2 d + L m d for m = min(n, max(20,000, b)) candidates, memory (m + L) d",
        example: "dcom",
        deterministic: true,
    },
    make: |_| Built::batch(Dcom::default()),
};

/// Dynamic coverage and margin mix, on inputs scaled to length one. Every label has a radius: the largest, by bisection, whose ball is
/// pure, a share of at least `.2 c + .4` of its rows being predicted to be of the label's class, where `c` is the share of all
/// rows within the radii known so far. Radii are measured in the round in which a label is first seen, and stay.
///
/// `b` times the candidate of the largest `S u + (1 - S) o`: `u` is the margin's complement and `o` the number of uncovered candidates
/// within the mean radius, both scaled to at most one, and competence is `S = q / (1 + e^(-50 (c - .8)))`, with `q` such that all
/// covered gives one.
#[derive(Default)]
pub struct Dcom {
    radii: HashMap<RowId, f64>,
    note: Option<String>,
}

impl Strategy for Dcom {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let (p, inputs) = (view.probabilities()?, view.finite_inputs()?);
        let part = Part::of(view, inputs, batch, key);
        let ids = &part.cut.rows;
        let (all, m) = (part.all(), ids.len());
        let taken_for: Vec<u32> =
            part.cut.places.iter().map(|&place| predicted(p.row(place)) as u32).collect();
        let classes: Vec<u32> = taken_for.into_iter().chain(view.labels().iter().copied()).collect();
        let squared = |place: usize| {
            let mut squared = vec![0.0; all.len()];
            squared_distances_to(all.matrix().values(), all.get(m + place), &mut squared);
            squared
        };
        let covered = |radii: &HashMap<RowId, f64>| {
            let mut covered = vec![false; all.len()];
            for (place, row) in view.labelled().iter().enumerate() {
                let radius = radii.get(row).copied().unwrap_or(FIRST_RADIUS);
                let within = squared(place).into_iter().map(|squared| f64::from(squared) < radius * radius);
                covered.iter_mut().zip(within).for_each(|(covered, within)| *covered |= within);
            }
            covered
        };
        let share = |covered: &[bool]| {
            covered.iter().filter(|&&covered| covered).count() as f64 / covered.len().max(1) as f64
        };
        let new: Vec<usize> = (0..view.labelled().len())
            .filter(|&place| !self.radii.contains_key(&view.labelled()[place]))
            .collect();
        let mut known = covered(&self.radii);
        if !new.is_empty() {
            let purity = 0.2 * share(&known) + 0.4;
            for place in new {
                let radius = radius(&squared(place), &classes, view.labels()[place], purity);
                self.radii.insert(view.labelled()[place], radius);
            }
            known = covered(&self.radii);
        }
        let radii = view.labelled().iter().filter_map(|row| self.radii.get(row));
        let mean = match view.labelled().len() {
            0 => FIRST_RADIUS,
            count => radii.sum::<f64>() / count as f64,
        };
        let coverage = share(&known);
        let competence = competence(coverage);
        let own = format!("coverage {coverage:.3}, competence {competence:.3}, radius {mean:.3}");
        self.note = subsample::join([Some(own), part.note()]);
        let unsure: Vec<f64> = part.cut.places.iter().map(|&place| margin::of(p.row(place))).collect();
        let rank = |place: usize| view.ties(key).rank(ids[place]);
        let rows = Rows::new(all.matrix(), &all.ids()[..m]);
        let picks = mix(rows, known[..m].to_vec(), mean, &scaled(&unsure), competence, batch, rank);
        Ok(picks.into_iter().map(|place| ids[place]).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        Part::memory(size) + Size::items(size.candidates, 48)
    }
}

/// `q / (1 + e^(-k (c - a)))`: zero to one.
fn competence(coverage: f64) -> f64 {
    let logistic = |c: f64| 1.0 / (1.0 + (-STEEPNESS * (c - CENTRE)).exp());
    logistic(coverage) / logistic(1.0)
}

/// The largest radius, up to the resolution, within which a share of at least `purity` of the rows is of `class`.
fn radius(squared: &[f32], classes: &[u32], class: u32, purity: f64) -> f64 {
    let pure = |radius: f64| {
        let within =
            || squared.iter().zip(classes).filter(|(squared, _)| f64::from(**squared) < radius * radius);
        let own = within().filter(|(_, found)| **found == class).count();
        own as f64 >= purity * within().count() as f64
    };
    let (mut low, mut high) = (0.0, MAX_RADIUS);
    while high - low > RESOLUTION {
        let middle = 0.5 * (low + high);
        if pure(middle) { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Numbers of which none is negative, over the largest.
fn scaled(values: &[f64]) -> Vec<f64> {
    let most = values.iter().copied().fold(0.0, f64::max);
    values.iter().map(|value| if most > 0.0 { value / most } else { 0.0 }).collect()
}

/// Places of the picks.
fn mix(
    rows: Rows<'_>,
    mut covered: Vec<bool>,
    radius: f64,
    unsure: &[f64],
    competence: f64,
    batch: usize,
    rank: impl Fn(usize) -> u64,
) -> Vec<usize> {
    let ids = rows.ids();
    let squared = (radius * radius) as f32;
    // The largest number below the radius: closer than it, not as far.
    let closer = squared.next_down().max(0.0);
    let targets: Vec<RowId> =
        (0..ids.len()).filter(|&place| !covered[place]).map(|place| ids[place]).collect();
    let mut degree = vec![0i64; ids.len()];
    within::add(rows, &targets, closer, 1, &mut degree);
    let mut free = vec![true; ids.len()];
    let mut picks = Vec::with_capacity(batch.min(ids.len()));
    while picks.len() < batch {
        let most =
            (0..ids.len()).filter(|&place| free[place]).map(|place| degree[place]).max().unwrap_or(0).max(1);
        let worth = |place: usize| {
            competence * unsure[place] + (1.0 - competence) * (degree[place] as f64 / most as f64)
        };
        let open = (0..ids.len()).filter(|&place| free[place]);
        let better =
            |&a: &usize, &b: &usize| worth(a).total_cmp(&worth(b)).then_with(|| rank(b).cmp(&rank(a)));
        let Some(best) = open.max_by(better) else { break };
        free[best] = false;
        picks.push(best);
        let mut distances = vec![f32::INFINITY; ids.len()];
        shrink(rows, rows.get(best), &mut distances);
        let mut newly = Vec::new();
        for place in 0..ids.len() {
            if !covered[place] && distances[place] <= closer {
                covered[place] = true;
                newly.push(ids[place]);
            }
        }
        within::add(rows, &newly, closer, -1, &mut degree);
    }
    picks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::Registry;
    use crate::testing::ExamplePool;

    #[test]
    fn competence_rises_to_one() {
        assert!(competence(0.0) < 1e-15);
        // At the centre, half of what all covered gives: q / 2 with q = 1 + e^-10.
        assert!((competence(0.8) - 0.5 * (1.0 + (-10f64).exp())).abs() < 1e-12);
        assert_eq!(competence(1.0), 1.0);
    }

    /// Of the class up to .5 on a line, not beyond: balls up to about .5 / .6 hold six of ten.
    #[test]
    fn radii_are_as_large_as_pure() {
        let squared: Vec<f32> = (0..=1_100).map(|step| (step as f32 / 1_000.0).powi(2)).collect();
        let classes: Vec<u32> = (0..=1_100).map(|step| u32::from(step > 500)).collect();
        for (purity, expected) in [(1.0, 0.5), (0.6, 0.5 / 0.6), (0.4, MAX_RADIUS)] {
            let found = radius(&squared, &classes, 0, purity);
            assert!((found - expected).abs() <= RESOLUTION, "{purity}: {found}");
        }
        assert!(radius(&squared, &classes, 2, 0.4) < RESOLUTION);
    }

    /// Without labels it covers, and with all covered it is margin.
    #[test]
    fn begins_as_prob_cover_and_ends_as_margin() {
        let ask = |name: &str, pool: &ExamplePool, batch| {
            Registry::builtin().build(name).unwrap().select(&pool.view(), batch, Key::root(3)).unwrap()
        };
        for seed in 0..10 {
            let pool = ExamplePool::new(60, 0, seed);
            assert_eq!(ask("dcom", &pool, 1), ask("prob_cover(delta=0.6)", &pool, 1), "seed {seed}");
            // Every row is where a label is, and of its class.
            let mut pool = ExamplePool::new(60, 6, seed);
            pool.inputs.values_mut().fill(1.0);
            pool.labels.fill(0);
            let mut p = pool.signals.probabilities.clone().unwrap();
            for row in 0..p.rows() {
                p.row_mut(row).sort_unstable_by(|a, b| b.total_cmp(a));
            }
            pool.signals.probabilities = Some(p);
            assert_eq!(ask("dcom", &pool, 5), ask("margin", &pool, 5), "seed {seed}");
        }
    }

    #[test]
    fn a_label_keeps_its_radius() {
        let pool = ExamplePool::new(60, 6, 1);
        let mut dcom = Dcom::default();
        dcom.select(&pool.view(), 2, Key::root(0)).unwrap();
        let first = dcom.radii.clone();
        assert_eq!(first.len(), 6);
        let mut other = ExamplePool::new(60, 6, 1);
        other.signals.probabilities = ExamplePool::new(60, 6, 2).signals.probabilities;
        dcom.select(&other.view(), 2, Key::root(0)).unwrap();
        assert_eq!(dcom.radii, first);
    }
}
