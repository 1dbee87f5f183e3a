//! BAIT: the batch that leaves least of the Fisher information unknown.

use super::fisher::{self, Fisher, Form, Known, Square};
use crate::data::{Matrix, RowId};
use crate::error::Result;
use crate::learner::bank::multiply_transposed;
use crate::query::draw::RowDraws;
use crate::query::geometry::Rows;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::size;
use crate::query::{Needs, PoolView, QueryError, Size, Strategy, Subsample, subsample};
use crate::rng::Key;
use rayon::prelude::*;

/// Columns of an information matrix above which the classes are taken as two, and embeddings are projected.
pub const MAX_COLUMNS: usize = 600;
/// Classes above which they are taken as two: what is kept of a candidate grows with their square.
pub const MAX_CLASSES: usize = 40;
/// Candidates above which the batch is sought among a random part of this many.
pub const MAX_CANDIDATES: usize = 10_000;
/// Picks per row of the batch before the worst are given back.
const OVERSAMPLE: usize = 2;

const NEEDS: Needs = Needs { probabilities: true, embeddings: true, head: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "bait",
        summary: "the batch that leaves least of the last layer's Fisher information unknown (embeddings)",
        paper: "Ash, Goel, Krishnamurthy & Kakade, NeurIPS 2021",
        family: Family::Gradient,
        needs: NEEDS,
        cost: "time m D^2 + b m C D + D^3 for D = C d columns, d where that is above 600, and m = min(n, max(10,000, 2 b)); memory m C^2 + D^2",
        example: "bait",
        deterministic: true,
    },
    make: |params| {
        Built::batch(Bait {
            binary: params.choice("fisher", &[("auto", false), ("binary", true)])?,
            prior: params.real("prior", 1.0, 1e-6..=1e6)?,
            note: None,
        })
    },
};

/// Adds `2 b` candidates one by one, each the one that lowers `tr(M^-1 F)` most, then gives back `b` of them, each the one
/// whose loss raises it least. `F` is the information of all rows about the last layer's weights, `M` that of the labelled
/// rows and picks, shares of the batch that is to be, plus `prior` times the identity.
///
/// The information of a row is that of its `C` classes, with `C d` columns; where these would be more than [`MAX_COLUMNS`], or
/// the classes more than [`MAX_CLASSES`], of the predicted class against all others, with `d`, and of embeddings wider than that of a random projection to as
/// many. Deterministic up to there and up to [`MAX_CANDIDATES`] candidates; above, a random part of that many
/// stands for all.
pub struct Bait {
    /// Whether classes are always taken as two.
    pub binary: bool,
    /// What is added to the diagonal.
    pub prior: f64,
    note: Option<String>,
}

impl Bait {
    /// How information is written for so many classes and columns of embeddings.
    fn form(&self, classes: usize, width: usize) -> Form {
        let few = classes <= MAX_CLASSES && classes.saturating_mul(width) <= MAX_COLUMNS;
        if few && !self.binary { Form::Classes } else { Form::Binary }
    }
}

impl Strategy for Bait {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        let (p, head, embeddings) = (view.probabilities()?, view.head()?, view.embeddings()?);
        let batch = batch.min(view.candidates().len());
        let most = MAX_CANDIDATES.max(OVERSAMPLE.saturating_mul(batch));
        let cut = Subsample::new(view.candidates(), most, view.draws(key.named("candidates")));
        let classes = view.classes();
        let width = embeddings.cols();
        let form = self.form(classes, width);
        let projected = (form == Form::Binary && width > MAX_COLUMNS)
            .then(|| format!("embeddings projected from {width} to {MAX_COLUMNS} columns"));
        self.note = subsample::join([cut.note("the batch was sought among"), projected]);
        let narrow = |rows: Rows<'_>| narrowed(rows, MAX_COLUMNS, key.named("projection"));
        let own = narrow(Rows::new(embeddings, &cut.rows));
        let labelled = narrow(view.labelled_rows(embeddings));
        let of_candidates = Matrix::new(
            cut.places.iter().flat_map(|&place| p.row(place)).copied().collect(),
            cut.places.len(),
            classes,
        );
        let of_labelled = head.probabilities(view.labelled_rows(embeddings));
        let ids: Vec<RowId> = (0..own.rows().max(labelled.rows()) as u32).map(RowId).collect();
        let candidates = Fisher {
            form,
            probabilities: of_candidates.view(),
            embeddings: Rows::new(own.view(), &ids[..own.rows()]),
            scale: 1.0,
        };
        let labelled = Fisher {
            form,
            probabilities: of_labelled.view(),
            embeddings: Rows::new(labelled.view(), &ids[..labelled.rows()]),
            scale: 1.0,
        };
        let rank = |place: usize| view.ties(key).rank(cut.rows[place]);
        let picks = smallest(candidates, labelled, batch, self.prior, rank)?;
        Ok(picks.into_iter().map(|place| cut.rows[place]).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        let kept = size.candidates.min(MAX_CANDIDATES.max(OVERSAMPLE.saturating_mul(size.batch)));
        let drawn = if kept < size.candidates { Size::items(size.candidates, size::DRAW) } else { 0 };
        let classes = size.classes.max(1) as u64;
        let rank = if self.form(size.classes, size.width) == Form::Classes { classes } else { 1 };
        let columns = rank.saturating_mul(size.width as u64).min(MAX_COLUMNS as u64);
        let rows =
            size.vectors(kept + size.labelled) + Size::items(kept, 16 * rank * rank + 4 * classes + 64);
        drawn.max(rows + 6 * 8 * columns * columns)
    }
}

/// BAIT for regression, where what a row tells of the last layer is its embedding: places of `batch` of the candidates, in the order
/// in which they were added. `candidates` and `labelled` have as many columns each; `prior` is added to the diagonal, and equal gains come in the
/// order of `rank`. Information is that of all rows, candidates and labelled, as for classes.
///
/// # Errors
/// [`QueryError::NotFinite`] if the information is not.
pub(crate) fn for_regression(
    candidates: Rows<'_>,
    labelled: Rows<'_>,
    batch: usize,
    prior: f64,
    rank: impl Fn(usize) -> u64,
) -> Result<Vec<usize>, QueryError> {
    let none = Matrix::zeros(0, 0);
    let of = |embeddings, scale| Fisher { form: Form::Linear, probabilities: none.view(), embeddings, scale };
    smallest(of(candidates, 1.0), of(labelled, 1.0), batch.min(candidates.len()), prior, rank)
}

/// Places of the batch among `candidates` that leaves least of all rows' information unknown.
fn smallest(
    candidates: Fisher<'_>,
    labelled: Fisher<'_>,
    batch: usize,
    prior: f64,
    rank: impl Fn(usize) -> u64,
) -> Result<Vec<usize>, QueryError> {
    let columns = candidates.columns();
    let mut all = vec![0.0; columns * columns];
    let share = 1.0 / (candidates.len() + labelled.len()).max(1) as f64;
    candidates.add_information(share, &mut all);
    labelled.add_information(share, &mut all);
    if let Some(at) = all.iter().position(|value| !value.is_finite()) {
        let (row, column) = (at / columns, at % columns);
        return Err(QueryError::NotFinite { signal: "the Fisher information", row, column, found: all[at] });
    }
    let asked = (labelled.len() + batch).max(1) as f64;
    let known = Known::new(prior, &labelled, 1.0 / asked, &all);
    let scale = (batch as f64 / asked).sqrt();
    forward_backward(Fisher { scale, ..candidates }, known, batch, rank)
}

/// Places of the picks, in the order in which they were added; equal gains come in the order of `rank`.
fn forward_backward(
    fisher: Fisher<'_>,
    mut known: Known,
    batch: usize,
    rank: impl Fn(usize) -> u64,
) -> Result<Vec<usize>, QueryError> {
    let n = fisher.len();
    let size = fisher.rank();
    let mut forms: Vec<[Square; 2]> = (0..n)
        .into_par_iter()
        .map(|row| [fisher.within(row, &known.inverse), fisher.within(row, &known.around)])
        .collect();
    let mut free = vec![true; n];
    let mut picks: Vec<usize> = Vec::new();
    let turn = |known: &mut Known, forms: &mut Vec<[Square; 2]>, row: usize, sign: f64| {
        if let Some(step) = known.step(&fisher, row, sign, [&forms[row][0], &forms[row][1]]) {
            known.apply(&step);
            forms.par_iter_mut().enumerate().for_each(|(other, forms)| step.follow(&fisher, other, forms));
        }
    };
    while picks.len() < batch.saturating_mul(OVERSAMPLE).min(n) {
        let gains: Vec<f64> =
            forms.par_iter().map(|forms| fisher::gain(forms, size, 1.0).unwrap_or(0.0)).collect();
        let open = (0..n).filter(|&row| free[row]);
        let better =
            |&a: &usize, &b: &usize| gains[a].total_cmp(&gains[b]).then_with(|| rank(b).cmp(&rank(a)));
        let Some(best) = open.max_by(better) else { break };
        free[best] = false;
        picks.push(best);
        turn(&mut known, &mut forms, best, 1.0);
    }
    while picks.len() > batch {
        let losses: Vec<f64> =
            picks.iter().map(|&row| fisher::gain(&forms[row], size, -1.0).unwrap_or(f64::INFINITY)).collect();
        // Of equals, what came last.
        let less = |&a: &usize, &b: &usize| losses[a].total_cmp(&losses[b]).then(b.cmp(&a));
        let Some(worst) = (0..picks.len()).min_by(less) else { break };
        let row = picks.remove(worst);
        turn(&mut known, &mut forms, row, -1.0);
    }
    Ok(picks)
}

/// The rows, or their products with so many vectors of random signs (Achlioptas, JCSS 2003).
fn narrowed(rows: Rows<'_>, widest: usize, key: Key) -> Matrix {
    let width = rows.width();
    if width <= widest {
        return rows.to_matrix();
    }
    let (draws, size) = (RowDraws::new(key), (1.0 / widest as f64).sqrt() as f32);
    let signs = |vector: usize| {
        let uniforms = draws.uniforms(RowId(vector as u32)).take(width);
        uniforms.map(move |u| if u < 0.5 { -size } else { size }).collect::<Vec<f32>>()
    };
    let vectors: Vec<f32> = (0..widest).flat_map(signs).collect();
    let mut out = Matrix::zeros(rows.len(), widest);
    multiply_transposed(rows.to_matrix().values(), &vectors, rows.len(), widest, width, out.values_mut());
    out
}

#[cfg(test)]
mod tests {
    use super::super::fisher::trace;
    use super::*;
    use crate::query::Registry;
    use crate::testing::ExamplePool;
    use nalgebra::DMatrix;

    /// A row's vectors, written out.
    fn vectors(fisher: &Fisher<'_>, row: usize) -> DMatrix<f64> {
        let (p, h) = (fisher.probabilities.row(row), fisher.embeddings.get(row));
        let d = h.len();
        match fisher.form {
            Form::Classes => DMatrix::from_fn(p.len(), p.len() * d, |c, at| {
                let (a, j) = (at / d, at % d);
                fisher.scale
                    * f64::from(p[c]).sqrt()
                    * (f64::from(u8::from(a == c)) - f64::from(p[a]))
                    * f64::from(h[j])
            }),
            Form::Binary => {
                let p = f64::from(p.iter().copied().fold(0.0, f32::max));
                DMatrix::from_fn(1, d, |_, j| fisher.scale * (2.0 * p * (1.0 - p)).sqrt() * f64::from(h[j]))
            }
            Form::Linear => DMatrix::from_fn(1, d, |_, j| fisher.scale * f64::from(h[j])),
        }
    }

    fn square(matrix: &DMatrix<f64>) -> Square {
        matrix.transpose().iter().copied().collect()
    }

    struct Case {
        p: Matrix,
        h: Matrix,
        ids: Vec<RowId>,
    }

    impl Case {
        fn new(seed: u64) -> Self {
            let pool = ExamplePool::new(14, 0, seed);
            let (p, h) = (pool.signals.probabilities.unwrap(), pool.signals.embeddings.unwrap());
            Self {
                p,
                h: Matrix::new((0..14).flat_map(|row| h.row(row)[..2].to_vec()).collect(), 14, 2),
                ids: pool.ids,
            }
        }

        fn fisher(&self, form: Form, scale: f64) -> Fisher<'_> {
            Fisher {
                form,
                probabilities: self.p.view(),
                embeddings: Rows::new(self.h.view(), &self.ids),
                scale,
            }
        }
    }

    /// By inverses of matrices that are written out, for one pick and for three.
    #[test]
    fn is_greedy_over_the_trace_and_back() {
        for seed in 0..6 {
            let case = Case::new(seed);
            for form in [Form::Classes, Form::Binary, Form::Linear] {
                let all = case.fisher(form, 1.0);
                let columns = all.columns();
                let mut information = vec![0.0; columns * columns];
                all.add_information(1.0 / 14.0, &mut information);
                let plain = (0..14).fold(DMatrix::zeros(columns, columns), |sum, row| {
                    let v = vectors(&all, row);
                    sum + v.transpose() * v / 14.0
                });
                assert!(
                    (square(&plain).iter().zip(&information)).all(|(a, b)| (a - b).abs() < 1e-5),
                    "{form:?}"
                );
                let labelled = Fisher { embeddings: Rows::new(case.h.view(), &case.ids[..2]), ..all };
                let prior = DMatrix::<f64>::identity(columns, columns)
                    + (0..2).fold(DMatrix::zeros(columns, columns), |sum, row| {
                        let v = vectors(&all, row);
                        sum + v.transpose() * v * 0.25
                    });
                let fisher = case.fisher(form, 0.6);
                let left = |picks: &[usize]| -> f64 {
                    let m = picks.iter().fold(prior.clone(), |sum, &row| {
                        let v = vectors(&fisher, row);
                        sum + v.transpose() * v
                    });
                    trace(&square(&m.try_inverse().unwrap()), &information)
                };
                for batch in [1usize, 3] {
                    let known = Known::new(1.0, &labelled, 0.25, &information);
                    let found = forward_backward(fisher, known, batch, |row| row as u64).unwrap();
                    let mut plain: Vec<usize> = Vec::new();
                    for _ in 0..2 * batch {
                        let with = |row: usize| left(&[&plain[..], &[row]].concat());
                        let open = (0..14).filter(|row| !plain.contains(row));
                        let next = open.min_by(|&a, &b| with(a).total_cmp(&with(b))).unwrap();
                        assert!(with(next) <= left(&plain), "the trace never rises");
                        plain.push(next);
                    }
                    for _ in 0..batch {
                        let without = |at: usize| left(&[&plain[..at], &plain[at + 1..]].concat());
                        let worst =
                            (0..plain.len()).min_by(|&a, &b| without(a).total_cmp(&without(b))).unwrap();
                        plain.remove(worst);
                    }
                    assert_eq!(found, plain, "seed {seed}, {form:?}");
                }
            }
        }
    }

    /// With two classes, the predicted class against the others is all there is.
    #[test]
    fn two_classes_have_one_form() {
        for seed in 0..8 {
            let mut pool = ExamplePool::new(40, 6, seed);
            pool.classes = 2;
            pool.labels.iter_mut().for_each(|label| *label %= 2);
            let mut p = Matrix::zeros(pool.candidates.len(), 2);
            for row in 0..p.rows() {
                let first = pool.signals.probabilities.as_ref().unwrap().row(row)[0];
                p.row_mut(row).copy_from_slice(&[first, 1.0 - first]);
            }
            pool.signals.probabilities = Some(p);
            pool.signals.passes = None;
            pool.signals.committee = None;
            let head = pool.signals.head.as_mut().unwrap();
            head.weights = head.weights.gather(0..2);
            head.bias.truncate(2);
            let picks = |form: &str| {
                let name = format!("bait(fisher={form})");
                Registry::builtin().build(&name).unwrap().select(&pool.view(), 4, Key::root(1)).unwrap()
            };
            assert_eq!(picks("auto"), picks("binary"), "seed {seed}");
        }
    }

    #[test]
    fn wide_embeddings_are_projected_and_the_note_says_so() {
        let mut pool = ExamplePool::new(30, 4, 2);
        pool.signals.embeddings =
            Some(Matrix::new((0..30 * 700).map(|i| (i as f32 * 0.37).sin()).collect(), 30, 700));
        pool.signals.head.as_mut().unwrap().weights = Matrix::zeros(3, 700);
        let mut strategy = Registry::builtin().build("bait").unwrap();
        strategy.select(&pool.view(), 2, Key::root(0)).unwrap();
        assert_eq!(strategy.note().unwrap(), "embeddings projected from 700 to 600 columns");
    }
}
