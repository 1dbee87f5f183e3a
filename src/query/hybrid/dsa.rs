//! DSA: candidates that are nearly as far from the labels of their own class as these are from another.

use super::surprise::{self, NEEDS};
use crate::error::Result;
use crate::query::geometry::lanes;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::{Needs, PoolView, Score};
use crate::rng::Key;
use rayon::prelude::*;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "dsa",
        summary: "far from the labels of the predicted class, where that class is near another (embeddings)",
        paper: "Kim, Feldt & Yoo, ICSE 2019",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "time n L d + L^2 d, memory L d",
        example: "dsa",
        deterministic: true,
    },
    make: |_| Built::score(Dsa),
};

/// Distance-based surprise adequacy `a / b`: `a` is the distance of a candidate to the nearest label of the class that is predicted
/// for it, `b` that of this label to the nearest one of another class. Given as `a / (a + b)`, which has the same order:
/// zero where no other class has a label, one where the predicted class has none, one half where both are zero.
pub struct Dsa;

impl Score for Dsa {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let embeddings = view.embeddings()?;
        let (classes, labelled) = (surprise::classes(view, embeddings), view.labelled_rows(embeddings));
        let other = |place: usize| {
            let differs = |&at: &usize| view.labels()[at] != view.labels()[place];
            let squared = |at: usize| lanes::squared_distance(labelled.get(place), labelled.get(at));
            (0..labelled.len()).filter(differs).map(squared).fold(f32::INFINITY, f32::min)
        };
        let to_other: Vec<f32> = (0..labelled.len()).into_par_iter().map(other).collect();
        surprise::largest(view, embeddings, |class, point| {
            let own = &classes[class];
            let pairs = own.squared(point).into_iter().zip(&own.places).map(|(a, &at)| (a, to_other[at]));
            // Of labels that are equally near, the one that is nearer to another class.
            pairs
                .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)))
                .map_or(1.0, |(a, b)| share(a, b))
        })
    }

    fn needs(&self) -> Needs {
        NEEDS
    }
}

/// `a / (a + b)` of two squared distances.
fn share(a: f32, b: f32) -> f64 {
    let (a, b) = (f64::from(a).sqrt(), f64::from(b).sqrt());
    match (a.is_infinite(), b.is_infinite()) {
        (_, true) => 0.0,
        (true, false) => 1.0,
        _ if a + b == 0.0 => 0.5,
        _ => a / (a + b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, RowId};
    use crate::query::Signals;

    /// On a line: labels of class 0 at 0 and 4, of class 1 at 6, none of class 2.
    #[test]
    fn worked_example() {
        let line = [0.0, 4.0, 6.0, 1.0, 5.0, 9.0, 2.0];
        let p = [[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.1, 0.8, 0.1], [0.0, 0.0, 1.0]];
        let signals = Signals {
            probabilities: Some(Matrix::new(p.concat(), 4, 3)),
            embeddings: Some(Matrix::new(line.to_vec(), 7, 1)),
            ..Signals::default()
        };
        let inputs = Matrix::zeros(7, 1);
        let candidates: Vec<RowId> = (3..7).map(RowId).collect();
        let view = PoolView::new(
            inputs.view(),
            &[RowId(0), RowId(1), RowId(2)],
            &[0, 0, 1],
            &candidates,
            3,
            &signals,
        );
        // a / b: 1 / 6; 1 / 2; 3 / 2.
        let found = Dsa.score(&view, Key::root(0)).unwrap();
        for (found, expected) in found.iter().zip([1.0 / 7.0, 1.0 / 3.0, 3.0 / 5.0, 1.0]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        let alone = PoolView::new(inputs.view(), &[RowId(0)], &[0], &candidates, 3, &signals);
        assert_eq!(Dsa.score(&alone, Key::root(0)).unwrap(), [0.0, 0.0, 1.0, 1.0]);
        assert_eq!(share(0.0, 0.0), 0.5);
    }
}
