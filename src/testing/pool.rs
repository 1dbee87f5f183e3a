//! [`ExamplePool`]: a pool with everything that a learner can compute, all of it seeded.

use crate::arch::NetSpec;
use crate::data::TargetKind;
use crate::data::target::word_of;
use crate::data::{Images, Matrix, RowId};
use crate::learner::Network;
use crate::query::{Head, Passes, PoolView, Signals};
use crate::rng::Key;
use rand::RngExt;

/// A pool with everything that a learner can compute, all of it seeded: three classes, one number, or any of three labels per row, five inputs in
/// four groups, seven passes, three committee members.
#[derive(Clone, Debug)]
pub struct ExamplePool {
    pub inputs: Matrix,
    pub labelled: Vec<RowId>,
    pub labels: Vec<u32>,
    pub candidates: Vec<RowId>,
    /// What the labels are.
    pub kind: TargetKind,
    pub classes: usize,
    pub signals: Signals,
    /// What each row is known by, wherever it stands.
    pub ids: Vec<RowId>,
}

pub(super) const CLASSES: usize = 3;
pub(super) const PASSES: usize = 7;
pub(super) const MEMBERS: usize = 3;
const DRAFTS: usize = 20;

/// A matrix of `value(row, column)`.
pub(super) fn matrix(rows: usize, cols: usize, mut value: impl FnMut(usize, usize) -> f32) -> Matrix {
    Matrix::new((0..rows * cols).map(|i| value(i / cols, i % cols)).collect(), rows, cols)
}

/// Random rows that sum to one.
fn probabilities(rows: usize, key: Key) -> Matrix {
    let mut rng = key.rng();
    let mut p = matrix(rows, CLASSES, |_, _| -(1.0 - rng.random::<f32>()).ln());
    for row in 0..rows {
        let sum: f32 = p.row(row).iter().sum();
        p.row_mut(row).iter_mut().for_each(|value| *value /= sum);
    }
    p
}

/// Probabilities as few trees make them: shares of five votes, alike for many rows.
pub(super) fn votes(rows: usize, shift: usize) -> Matrix {
    const SHARES: [[f32; CLASSES]; 4] = [[0.4, 0.4, 0.2], [0.2, 0.4, 0.4], [0.6, 0.2, 0.2], [0.2, 0.2, 0.6]];
    matrix(rows, CLASSES, |row, class| SHARES[(row * 7 / 3 + shift) % 4][class])
}

/// So many members with [`votes`] of their own.
pub(super) fn voting(rows: usize, members: usize) -> Option<Passes> {
    Some(Passes { members: (0..members).map(|t| votes(rows, t)).collect() })
}

/// A network of one hidden layer with random weights.
pub(super) fn network(inputs: usize, kind: TargetKind, key: Key) -> Network {
    let outputs = kind.outputs(CLASSES);
    let spec = NetSpec::mlp(inputs, &[8], outputs).expect("a small network");
    let mut rng = key.rng();
    let weights: Vec<f32> = (0..spec.parameters()).map(|_| rng.random::<f32>() - 0.5).collect();
    Network::new(&spec, &weights).expect("as many weights as parameters")
}

impl ExamplePool {
    /// A pool of `n` rows of which `labelled`, spread over it, bear labels.
    ///
    /// # Panics
    /// If more are labelled than there are.
    pub fn new(n: usize, labelled: usize, seed: u64) -> Self {
        let key = Key::root(seed);
        let mut rng = key.named("world").rng();
        let inputs = matrix(n, 5, |row, _| (row % 4) as f32 * 3.0 + rng.random::<f32>());
        let embeddings = matrix(n, 6, |_, _| rng.random::<f32>() * 4.0 - 2.0);
        let step = n.checked_div(labelled).unwrap_or(1);
        let labelled: Vec<RowId> = (0..labelled).rev().map(|i| RowId((i * step) as u32)).collect();
        let labels = (0..labelled.len() as u32).map(|i| i % CLASSES as u32).collect();
        let candidates: Vec<RowId> = (0..n as u32).map(RowId).filter(|row| !labelled.contains(row)).collect();
        let m = candidates.len();
        let several = |name: &str, members: usize| {
            let of = |t: u64| probabilities(m, key.named(name).at(t));
            Some(Passes { members: (0..members as u64).map(of).collect() })
        };
        let lookahead = candidates.iter().step_by(3).map(|&row| (row, rng.random::<f32>() - 0.5)).collect();
        let signals = Signals {
            probabilities: Some(probabilities(m, key.named("p"))),
            embeddings: Some(embeddings),
            passes: several("pass", PASSES),
            lookahead: Some(lookahead),
            drafts: Some((0..DRAFTS).map(|draft| (draft as f32 * 1.7).sin()).collect()),
            committee: several("member", MEMBERS),
            head: Some(Head {
                weights: matrix(CLASSES, 6, |_, _| rng.random::<f32>() - 0.5),
                bias: vec![0.1, 0.0, -0.1],
            }),
            temperature: Some(1.7),
            network: Some(network(5, TargetKind::Class, key.named("network"))),
            images: Some(Images::unscaled(1, 1, 5)),
            predicted_loss: Some((0..m).map(|_| rng.random::<f64>() * 3.0 - 1.0).collect()),
            ..Signals::default()
        };
        let ids = (0..n as u32).map(RowId).collect();
        let kind = TargetKind::Class;
        Self { inputs, labelled, labels, candidates, kind, classes: CLASSES, signals, ids }
    }

    /// The same pool with targets of this kind: of numbers, one is predicted by the learner, and one by every member; of labels,
    /// a probability of each by the learner, and one by every member.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn of(kind: TargetKind, n: usize, labelled: usize, seed: u64) -> Self {
        let pool = Self::new(n, labelled, seed);
        match kind {
            TargetKind::Class => pool,
            TargetKind::Real => pool.with_numbers(Key::root(seed).named("numbers")),
            TargetKind::MultiLabel => pool.with_label_sets(Key::root(seed).named("label sets")),
            TargetKind::Mask => pool.with_masks(Key::root(seed).named("masks")),
        }
    }

    fn with_label_sets(mut self, key: Key) -> Self {
        let mut rng = key.rng();
        let m = self.candidates.len();
        self.labels.iter_mut().for_each(|set| *set = rng.random_range(0..1 << CLASSES));
        let mut shares = || matrix(m, CLASSES, |_, _| rng.random::<f32>());
        let signals = Signals {
            probabilities: Some(shares()),
            passes: None,
            head: None,
            network: None,
            committee: Some(Passes { members: (0..MEMBERS).map(|_| shares()).collect() }),
            ..self.signals
        };
        Self { kind: TargetKind::MultiLabel, signals, ..self }
    }

    /// Of masks of as many pixels as there are classes elsewhere; a word names a row.
    fn with_masks(self, key: Key) -> Self {
        let mut pool = self.with_label_sets(key);
        pool.labels.iter_mut().zip(&pool.labelled).for_each(|(word, row)| *word = row.0);
        pool.signals.descriptors = pool.signals.embeddings.clone();
        Self { kind: TargetKind::Mask, ..pool }
    }

    fn with_numbers(mut self, key: Key) -> Self {
        let pool = &mut self;
        let mut rng = key.rng();
        let m = pool.candidates.len();
        pool.labels.iter_mut().for_each(|label| *label = word_of(rng.random::<f32>() * 6.0 - 3.0));
        let members = (0..MEMBERS).map(|_| matrix(m, 1, |_, _| rng.random::<f32>() * 6.0 - 3.0)).collect();
        let signals = Signals {
            probabilities: None,
            passes: None,
            head: None,
            network: Some(network(5, TargetKind::Real, key.named("network"))),
            predictions: Some((0..m).map(|_| rng.random::<f32>() * 6.0 - 3.0).collect()),
            committee: Some(Passes { members }),
            ..self.signals
        };
        Self { kind: TargetKind::Real, classes: 0, signals, ..self }
    }

    /// Has the learner, its passes and its committee say this of the candidates: class probabilities, of which the first
    /// column stands for predictions where targets are numbers.
    pub(super) fn say(&mut self, answers: &Matrix) {
        match self.kind {
            TargetKind::Class | TargetKind::MultiLabel | TargetKind::Mask => {
                self.signals.probabilities = Some(answers.clone());
                let passes = Passes { members: vec![answers.clone(); PASSES] };
                self.signals.passes = Some(passes).filter(|_| self.kind == TargetKind::Class);
                self.signals.committee = Some(Passes { members: vec![answers.clone(); MEMBERS] });
            }
            TargetKind::Real => {
                let first: Vec<f32> = (0..answers.rows()).map(|row| answers.row(row)[0]).collect();
                let column = Matrix::new(first.clone(), first.len(), 1);
                self.signals.predictions = Some(first);
                self.signals.committee = Some(Passes { members: vec![column; MEMBERS] });
            }
        }
    }

    /// What a strategy sees of it.
    pub fn view(&self) -> PoolView<'_> {
        let Self { inputs, labelled, labels, candidates, kind, classes, signals, ids } = self;
        let inputs = inputs.view();
        PoolView::of_kind(*kind, inputs, labelled, labels, candidates, *classes, signals).with_ids(ids)
    }

    /// The same rows in another order, under their ids: row `i` is now row `names[i]`.
    pub(super) fn renamed(&self, names: &[usize]) -> Self {
        let mut inverse = vec![0; names.len()];
        for (old, &new) in names.iter().enumerate() {
            inverse[new] = old;
        }
        let rename = |row: &RowId| RowId(names[row.index()] as u32);
        let mut candidates: Vec<RowId> = self.candidates.iter().map(rename).collect();
        candidates.sort_unstable();
        let old_place = |row: &RowId| {
            let old = RowId(inverse[row.index()] as u32);
            self.candidates.binary_search(&old).expect("a candidate remains one")
        };
        let old_places: Vec<usize> = candidates.iter().map(old_place).collect();
        let signals = &self.signals;
        Self {
            inputs: self.inputs.gather(inverse.iter().copied()),
            labelled: self.labelled.iter().map(rename).collect(),
            labels: self.labels.clone(),
            kind: self.kind,
            classes: self.classes,
            ids: inverse.iter().map(|&old| self.ids[old]).collect(),
            signals: Signals {
                embeddings: signals.embeddings.as_ref().map(|e| e.gather(inverse.iter().copied())),
                descriptors: signals.descriptors.as_ref().map(|d| d.gather(inverse.iter().copied())),
                drafts: signals.drafts.clone(),
                lookahead: (signals.lookahead.as_ref())
                    .map(|gains| gains.iter().map(|(row, gain)| (rename(row), *gain)).collect()),
                head: signals.head.clone(),
                temperature: signals.temperature,
                network: signals.network.clone(),
                images: signals.images.clone(),
                ..signals.at(&old_places, &candidates)
            },
            candidates,
        }
    }

    /// The same pool whose probabilities tie all the time.
    pub(super) fn tied(mut self) -> Self {
        let m = self.candidates.len();
        self.signals.predicted_loss = Some(vec![0.5; m]);
        if self.kind == TargetKind::Real {
            self.say(&votes(m, 0));
            return self;
        }
        self.signals.probabilities = Some(votes(m, 0));
        self.signals.passes = voting(m, PASSES).filter(|_| self.kind == TargetKind::Class);
        self.signals.committee = voting(m, MEMBERS);
        self
    }
}
