//! Ensembles: every network of a [`Learner`] is several that differ in their weights, and predicts their mean.
//!
//! B. Lakshminarayanan, A. Pritzel and C. Blundell, *Simple and scalable predictive uncertainty estimation using deep
//! ensembles*, NeurIPS 2017. The first member is the network that would be trained without an ensemble.

use super::{FitReport, Learner, ModelData, TrainPlan};
use crate::arch::NetSpec;
use crate::data::{Matrix, MatrixView, TargetKind};
use crate::error::Result;
use crate::rng::Key;

/// Groups of as many networks, one after the other, of another learner.
pub struct Ensemble {
    networks: Box<dyn Learner>,
    members: usize,
}

impl Ensemble {
    /// Each `members` networks in a row of `networks` as one.
    ///
    /// # Panics
    /// If the number of networks is no multiple of `members`.
    pub fn new(networks: Box<dyn Learner>, members: usize) -> Self {
        assert!(members > 0 && networks.models().is_multiple_of(members), "as many members in every group");
        Self { networks, members }
    }

    fn key(key: Key, member: usize) -> Key {
        if member == 0 { key } else { key.named("ensemble").at(member as u64) }
    }

    fn places(&self, model: usize) -> std::ops::Range<usize> {
        model * self.members..(model + 1) * self.members
    }

    /// The mean of the members' [answers](TargetKind::answers).
    pub(super) fn answers(
        &self,
        kind: TargetKind,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
    ) -> Matrix {
        self.mean(model, |place| kind.answers(&*self.networks, place, inputs, rows))
    }

    /// The mean over the members of what `read` says of each.
    fn mean(&self, model: usize, read: impl Fn(usize) -> Matrix) -> Matrix {
        let mut sum: Option<(Vec<f64>, usize, usize)> = None;
        for member in self.places(model).map(read) {
            let (sum, ..) =
                sum.get_or_insert_with(|| (vec![0.0; member.values().len()], member.rows(), member.cols()));
            sum.iter_mut().zip(member.values()).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let (sum, rows, cols) = sum.expect("at least one member");
        let mean = sum.into_iter().map(|sum| (sum / self.members as f64) as f32).collect();
        Matrix::new(mean, rows, cols)
    }
}

impl Learner for Ensemble {
    fn spec(&self) -> &NetSpec {
        self.networks.spec()
    }

    fn models(&self) -> usize {
        self.networks.models() / self.members
    }

    /// Steps are those of all members; the loss is the first member's.
    fn fit(&mut self, data: &[ModelData<'_>], plan: &TrainPlan, keys: &[Key]) -> Result<Vec<FitReport>> {
        let members = 0..self.members;
        let data: Vec<ModelData<'_>> =
            data.iter().flat_map(|&data| members.clone().map(move |_| data)).collect();
        let keys: Vec<Key> =
            keys.iter().flat_map(|&key| members.clone().map(move |member| Self::key(key, member))).collect();
        let reports = self.networks.fit(&data, plan, &keys)?;
        let whole = |reports: &[FitReport]| FitReport {
            steps: reports.iter().map(|report| report.steps).sum(),
            loss: reports[0].loss,
            diverged_at: reports.iter().find_map(|report| report.diverged_at),
        };
        Ok(reports.chunks(self.members).map(whole).collect())
    }

    fn init(&mut self, model: usize, key: Key) {
        for (member, place) in self.places(model).enumerate() {
            self.networks.init(place, Self::key(key, member));
        }
    }

    /// Takes over every member of an ensemble of the same size; of a single network, all members are copies.
    fn adopt(&mut self, model: usize, other: &dyn Learner, from: usize) -> Result<()> {
        for (member, place) in self.places(model).enumerate() {
            match other.as_ensemble().filter(|other| other.members == self.members) {
                Some(other) => {
                    self.networks.adopt(place, &*other.networks, from * self.members + member)?;
                }
                None => self.networks.adopt(place, other, from)?,
            }
        }
        Ok(())
    }

    /// Member by member, of an ensemble of the same size; of a single network, all members approach it.
    fn approach(&mut self, model: usize, other: &dyn Learner, from: usize, share: f32) -> Result<()> {
        for (member, place) in self.places(model).enumerate() {
            match other.as_ensemble().filter(|other| other.members == self.members) {
                Some(other) => {
                    let from = from * self.members + member;
                    self.networks.approach(place, &*other.networks, from, share)?;
                }
                None => self.networks.approach(place, other, from, share)?,
            }
        }
        Ok(())
    }

    fn as_ensemble(&self) -> Option<&Ensemble> {
        Some(self)
    }

    /// The means of the members' predictions.
    fn predictions(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Vec<f32> {
        self.answers(TargetKind::Real, model, inputs, rows).into_values()
    }

    /// The logarithms of [`probabilities`](Self::probabilities), so that their softmax are these: of classes.
    fn logits(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        let p = self.probabilities(model, inputs, rows);
        let logits = p.values().iter().map(|p| p.max(f32::MIN_POSITIVE).ln()).collect();
        Matrix::new(logits, p.rows(), p.cols())
    }

    /// The means of the members' probabilities.
    fn probabilities(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.mean(model, |place| self.networks.probabilities(place, inputs, rows))
    }

    /// Those of the first member.
    fn embeddings(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.networks.embeddings(model * self.members, inputs, rows)
    }

    /// Pass `t` is by member `t`, counted round.
    fn passes(
        &self,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        count: usize,
        rate: f32,
        key: Key,
    ) -> Vec<Matrix> {
        let mut by_member: Vec<_> = self
            .places(model)
            .enumerate()
            .map(|(member, place)| {
                let own = count.saturating_sub(member).div_ceil(self.members);
                self.networks.passes(place, inputs, rows, own, rate, Self::key(key, member)).into_iter()
            })
            .collect();
        (0..count).map(|pass| by_member[pass % self.members].next().expect("counted above")).collect()
    }

    /// Those of the first member.
    fn weights(&self, model: usize) -> Vec<f32> {
        self.networks.weights(model * self.members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::{Bank, Loss, Optimiser, Start, Stop};

    const WIDTH: usize = 3;

    fn spec() -> NetSpec {
        NetSpec::mlp(WIDTH, &[5], 2).unwrap()
    }

    fn plan(start: Start) -> TrainPlan {
        TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 0.05,
            weight_decay: 0.0,
            batch: 8,
            drop_last: false,
            stop: Stop::Epochs { epochs: 15 },
            start,
        }
    }

    fn inputs() -> Matrix {
        let value = |at: usize| ((at * 7919 % 97) as f32) / 48.0 - 1.0;
        Matrix::new((0..20 * WIDTH).map(value).collect(), 20, WIDTH)
    }

    fn trained(learner: &mut dyn Learner, start: Start, keys: &[Key]) -> Vec<FitReport> {
        let (inputs, rows) = (inputs(), (0..20).collect::<Vec<u32>>());
        let labels: Vec<u32> = (0..20).map(|row| u32::from(inputs.row(row)[0] > 0.0)).collect();
        let data = ModelData {
            inputs: inputs.view(),
            rows: &rows,
            labels: &labels,
            validation: (&[], &[]),
            extra: None,
        };
        learner.fit(&vec![data; keys.len()], &plan(start), keys).unwrap()
    }

    fn ensemble(models: usize, members: usize) -> Ensemble {
        Ensemble::new(Box::new(Bank::new(&spec(), models * members).unwrap()), members)
    }

    #[test]
    fn the_first_member_is_the_network_without_an_ensemble_and_means_are_means() {
        let keys = [Key::root(1), Key::root(2)];
        let (mut one, mut several) = (Bank::new(&spec(), 2).unwrap(), ensemble(2, 3));
        let plain = trained(&mut one, Start::Scratch, &keys);
        let reports = trained(&mut several, Start::Scratch, &keys);
        let inputs = inputs();
        for model in 0..2 {
            assert_eq!(several.weights(model), one.weights(model));
            assert_eq!(
                (reports[model].steps, reports[model].loss),
                (3 * plain[model].steps, plain[model].loss)
            );
            let members: Vec<Matrix> = (0..3)
                .map(|member| several.networks.probabilities(3 * model + member, inputs.view(), None))
                .collect();
            assert!(members[0] != members[1] && members[1] != members[2]);
            let mean = several.probabilities(model, inputs.view(), None);
            for (at, value) in mean.values().iter().enumerate() {
                let by_hand: f32 = members.iter().map(|member| member.values()[at]).sum::<f32>() / 3.0;
                assert!((value - by_hand).abs() < 1e-6);
            }
            let logits = several.logits(model, inputs.view(), None);
            let softmax = |row: &[f32]| row.iter().map(|z| z.exp()).sum::<f32>();
            assert!((0..logits.rows()).all(|row| (softmax(logits.row(row)) - 1.0).abs() < 1e-5));
            assert_eq!(
                several.embeddings(model, inputs.view(), None),
                one.embeddings(model, inputs.view(), None)
            );
        }
        // Of one member, it is the plain learner.
        let mut alone = ensemble(2, 1);
        trained(&mut alone, Start::Scratch, &keys);
        assert_eq!(alone.probabilities(1, inputs.view(), None), one.probabilities(1, inputs.view(), None));
    }

    #[test]
    fn warm_starts_go_on_from_every_member() {
        let keys = [Key::root(3)];
        let (mut here, mut there) = (ensemble(1, 3), ensemble(2, 3));
        trained(&mut here, Start::Scratch, &keys);
        there.adopt(1, &here, 0).unwrap();
        let inputs = inputs();
        assert_eq!(there.probabilities(1, inputs.view(), None), here.probabilities(0, inputs.view(), None));
        let members = |of: &Ensemble, model: usize| -> Vec<Vec<f32>> {
            of.places(model).map(|place| of.networks.weights(place)).collect()
        };
        assert_eq!(members(&there, 1), members(&here, 0));
    }

    #[test]
    fn passes_are_by_the_members_in_turn() {
        let mut several = ensemble(1, 2);
        trained(&mut several, Start::Scratch, &[Key::root(4)]);
        let inputs = inputs();
        let passes = several.passes(0, inputs.view(), None, 3, 0.5, Key::root(5));
        let first = several.networks.passes(0, inputs.view(), None, 2, 0.5, Key::root(5));
        let second = several.networks.passes(1, inputs.view(), None, 1, 0.5, Ensemble::key(Key::root(5), 1));
        assert_eq!(passes, [first[0].clone(), second[0].clone(), first[1].clone()]);
    }
}
