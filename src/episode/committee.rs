//! Committees: networks that are trained beside an episode's own to be asked where they disagree.
//!
//! Members start from weights of their own whatever the episode's fits start from: copies of one network that go on
//! with the same labels stay copies of it but for the order of their mini-batches. Where not even the weights make a
//! difference, because the optimiser ends at the one optimum that there is, they differ in their labels instead
//! (bagging).

use super::env::Episodes;
use super::extras::Trial;
use crate::data::Matrix;
use crate::error::Result;
use crate::learner::Optimiser;
use crate::query::Needs;

/// What a committee says.
pub(super) struct Committee {
    /// Of every candidate.
    pub members: Vec<Matrix>,
    /// The mean of the members' embeddings of the whole pool, where it is asked for.
    pub descriptors: Option<Matrix>,
}

/// The mean of matrices of one shape.
fn mean(all: &[Matrix]) -> Matrix {
    let (rows, cols) = (all[0].rows(), all[0].cols());
    let at =
        |place: usize| all.iter().map(|one| f64::from(one.values()[place])).sum::<f64>() / all.len() as f64;
    Matrix::new((0..rows * cols).map(|place| at(place) as f32).collect(), rows, cols)
}

impl Episodes {
    /// Class probabilities of every candidate under every member (Lakshminarayanan et al., NeurIPS 2017), shape
    /// `[candidates, classes]` each (where targets are numbers their predictions, `[candidates, 1]`, of masks a probability per pixel), for the slots that ask for a committee. A member is trained as the first fit of an
    /// episode is; on a resample of the labels under [`Needs::bootstrap`] (Abe & Mamitsuka, ICML 1998).
    pub(super) fn committees(&self, envs: &[(usize, Needs)]) -> Result<Vec<(usize, Committee)>> {
        let described = |env: usize| envs.iter().any(|&(other, needs)| other == env && needs.descriptors);
        let mut members = self
            .fit_trials(&self.members(envs), &self.plan.from_scratch(), |bank, place, trial| {
                let at = &self.envs[trial.env];
                let rows: Vec<u32> = at.pool.candidates().iter().map(|row| row.0).collect();
                let task = at.replicate.prepared.task();
                let embeddings = described(trial.env).then(|| bank.embeddings(place, task.pool(), None));
                (task.kind().answers(bank, place, task.pool(), Some(&rows)), embeddings)
            })?
            .into_iter();
        let asking = envs.iter().enumerate().filter(|(_, (_, needs))| needs.committee > 0);
        Ok(asking
            .map(|(slot, (_, needs))| {
                let (members, embeddings): (Vec<Matrix>, Vec<Option<Matrix>>) =
                    members.by_ref().take(needs.committee).unzip();
                let embeddings: Option<Vec<Matrix>> = embeddings.into_iter().collect();
                (slot, Committee { members, descriptors: embeddings.map(|all| mean(&all)) })
            })
            .collect())
    }

    /// The fits of all members.
    fn members(&self, envs: &[(usize, Needs)]) -> Vec<Trial> {
        let one_optimum = matches!(self.plan.train.optimiser, Optimiser::Lbfgs { .. });
        let of_env = |&(env, needs): &(usize, Needs)| {
            let at = &self.envs[env];
            let key = at.fit_key(at.fit_number(&self.plan)).named("member");
            let bootstrap = needs.bootstrap.unwrap_or(one_optimum);
            (0..needs.committee as u64)
                .map(move |member| Trial { bootstrap, ..self.trial(env, key.at(member)) })
        };
        envs.iter().flat_map(of_env).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::argmax;
    use crate::episode::EpisodePlan;
    use crate::episode::testing::{logistic, plan, played};
    use crate::learner::{Start, Stop, TrainPlan};
    use crate::query::Signals;

    fn extras(episodes: &Episodes, needs: Needs) -> Signals {
        episodes.extras(&[(0, needs)]).unwrap().remove(0)
    }

    fn committee(episodes: &Episodes, bootstrap: Option<bool>) -> Vec<Matrix> {
        let needs = Needs { committee: 3, bootstrap, ..Needs::NONE };
        extras(episodes, needs).committee.expect("it was asked for").members
    }

    /// The largest difference between the first two members' probabilities, and the share of candidates of which they
    /// predict different classes.
    fn disagreement(members: &[Matrix]) -> (f32, f64) {
        let (one, two) = (&members[0], &members[1]);
        let apart = one.values().iter().zip(two.values()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let other = (0..one.rows()).filter(|&row| argmax(one.row(row)) != argmax(two.row(row))).count();
        (apart, other as f64 / one.rows() as f64)
    }

    /// Under a warm start, members were copies of the episode's network, trained once more on the same labels.
    #[test]
    fn members_have_weights_of_their_own_under_a_warm_start() {
        for (name, least) in [("digits", 0.05), ("breast_cancer", 0.0)] {
            for start in [Start::Warm, Start::Continue] {
                let episodes = played(&plan(start), name);
                let (apart, other) = disagreement(&committee(&episodes, None));
                assert!(apart > 0.2 && other >= least, "{name}: {apart}, {other:.3} of the candidates");
                // Before any training, already.
                let trials = episodes.members(&[(0, Needs { committee: 2, ..Needs::NONE })]);
                let untrained = TrainPlan {
                    stop: Stop::Steps { steps: 1 },
                    learning_rate: 1e-30,
                    ..episodes.plan.from_scratch()
                };
                let weights =
                    episodes.fit_trials(&trials, &untrained, |bank, place, _| bank.weights(place)).unwrap();
                let own = episodes.groups[0].bank.weights(0);
                assert!(weights[0] != weights[1] && weights[0] != own && weights[1] != own);
            }
        }
    }

    /// At an optimum that there is only one of, members were five times the same.
    #[test]
    fn members_are_bagged_where_weights_make_no_difference() {
        for name in ["digits", "breast_cancer"] {
            let episodes = played(&logistic(), name);
            assert_eq!(disagreement(&committee(&episodes, Some(false))), (0.0, 0.0), "{name}: copies");
            let own = committee(&episodes, None);
            assert!(disagreement(&own).0 > 0.1, "{name}: {:?}", disagreement(&own));
            assert_eq!(own, committee(&episodes, Some(true)));
        }
        // Elsewhere where it is asked for.
        let episodes = played(&plan(Start::Scratch), "breast_cancer");
        let own = committee(&episodes, None);
        assert_eq!(own, committee(&episodes, Some(false)));
        assert_ne!(own, committee(&episodes, Some(true)));
    }

    /// Folds started from weights that had seen the rows that were held out, which made temperatures too small.
    #[test]
    fn what_is_fitted_beside_an_episode_does_not_depend_on_its_weights() {
        let needs = Needs { committee: 2, temperature: true, out_of_fold: true, ..Needs::NONE };
        let [scratch, warm, kept] = [Start::Scratch, Start::Warm, Start::Continue].map(|start| {
            let extras = extras(&played(&plan(start), "digits"), needs);
            (extras.committee.unwrap().members, extras.temperature, extras.out_of_fold)
        });
        assert!(scratch == warm && scratch == kept);
        // They are trained as a first fit is.
        let longer = EpisodePlan { first_epochs: Some(41), ..plan(Start::Warm) };
        assert_ne!(extras(&played(&longer, "digits"), needs).temperature, scratch.1);
        let from_scratch = EpisodePlan { first_epochs: Some(41), ..plan(Start::Scratch) };
        assert_eq!(extras(&played(&from_scratch, "digits"), needs).temperature, scratch.1);
    }
}
