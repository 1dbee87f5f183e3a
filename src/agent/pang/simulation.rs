//! Episodes on source tasks for the data-set embedding policy.

use super::learner::{Episode, PangEnvironment, Step};
use super::network::PangNetwork;
use super::observation::Described;
use crate::agent::batch;
use crate::agent::simulation::{Source, measured};
use crate::episode::{Episodes, Replicate};
use crate::error::Result;
use crate::query::{Needs, Ties};
use crate::rng::Key;
use rand::seq::index;
use rayon::prelude::*;

/// Plays `tasks` source tasks per iteration, `episodes` on each; validates on other tasks, by the mean
/// accuracy over the rounds of `repetitions` episodes. Reward rows only.
pub struct DatasetEpisodes<'a> {
    /// What is learned from.
    pub sources: &'a [Source],
    /// What chooses between networks.
    pub validation: &'a [Source],
    /// Source tasks per iteration.
    pub tasks: usize,
    /// Episodes per task, in one bank; at least two, for the baseline.
    pub episodes: usize,
    /// Validation episodes per task.
    pub repetitions: usize,
    /// Of the validation episodes.
    pub key: Key,
}

impl PangEnvironment for DatasetEpisodes<'_> {
    fn episodes(&mut self, network: &PangNetwork, key: Key) -> Result<Vec<Episode>> {
        let count = self.tasks.min(self.sources.len());
        let drawn = index::sample(&mut key.named("tasks").rng(), self.sources.len(), count).into_vec();
        let played: Vec<Vec<Episode>> = drawn
            .into_par_iter()
            .map(|task| play(&self.sources[task], task as u32, network, self.episodes, key))
            .collect::<Result<_>>()?;
        Ok(played.into_iter().flatten().collect())
    }

    fn validate(&mut self, network: &PangNetwork) -> Result<f64> {
        let means: Vec<f64> = self
            .validation
            .par_iter()
            .map(|source| {
                let key = self.key.named(&source.identity);
                let replicates: Vec<Replicate> =
                    (0..self.repetitions).map(|index| source.replicate(key, index)).collect();
                let curves = measured(source, &replicates, 0.0, |episodes, env, step| {
                    let seen = describe(episodes, env);
                    let (scores, wanted) = (network.score(&seen)?, episodes.batch(env));
                    let best = batch::greedy(&scores, &seen.candidates, wanted, Ties::new(step))?;
                    Ok(best.into_iter().map(|pick| seen.candidates[pick]).collect())
                })?;
                let values: Vec<f64> = curves.into_iter().flatten().collect();
                Ok(values.iter().sum::<f64>() / values.len().max(1) as f64)
            })
            .collect::<Result<_>>()?;
        Ok(means.iter().sum::<f64>() / means.len().max(1) as f64)
    }
}

fn describe(episodes: &Episodes, env: usize) -> Described {
    let signals = episodes.signals(env, Needs::NONE, Key::root(0));
    Described::of(&episodes.view(env, &signals))
}

/// Several episodes on one task, each query drawn by the network's scores.
fn play(source: &Source, task: u32, network: &PangNetwork, count: usize, key: Key) -> Result<Vec<Episode>> {
    let key = key.named(&source.identity);
    let replicates: Vec<Replicate> =
        (0..count).map(|index| source.replicate(key.named("seat"), index)).collect();
    let mut episodes = Episodes::reset(&source.learning_plan(), &replicates)?;
    let mut played: Vec<Episode> = replicates.iter().map(|_| Episode { task, steps: Vec::new() }).collect();
    let mut rewards: Vec<Vec<f64>> = vec![Vec::new(); count];
    episodes.drive(
        |episodes, env| {
            let step = replicates[env].key.named("draw").at(u64::from(episodes.state(env).round));
            let seen = describe(episodes, env);
            let drawn =
                batch::sample(&network.score(&seen)?, &seen.candidates, episodes.batch(env), step)?.picks;
            let rows = drawn.iter().map(|&pick| seen.candidates[pick]).collect();
            played[env].steps.push(Step { seen, picks: drawn, reward: 0.0 });
            Ok(rows)
        },
        |_, env, step| rewards[env].push(step.reward),
    )?;
    for (episode, rewards) in played.iter_mut().zip(rewards) {
        for (step, reward) in episode.steps.iter_mut().zip(rewards) {
            step.reward = reward;
        }
    }
    Ok(played)
}

#[cfg(test)]
mod tests {
    use super::super::learner::{Pang, PangConfig};
    use super::*;
    use crate::agent::testing::sources;

    /// Two data sets of 4 and 13 features, three classes each; threads change nothing.
    #[test]
    fn one_network_learns_on_data_sets_of_different_widths() {
        let sources = sources();
        let learn = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let (tasks, episodes, repetitions) = (2, 3, 2);
                let key = Key::root(7);
                let (sources, validation) = (&sources[..], &sources[..1]);
                let mut environment =
                    DatasetEpisodes { sources, validation, tasks, episodes, repetitions, key };
                let config = PangConfig { iterations: 2, validate_every: 1, ..PangConfig::default() };
                let mut pang = Pang::new(config, Key::root(1)).unwrap();
                while !pang.finished() {
                    pang.step(&mut environment).unwrap();
                }
                pang
            })
        };
        let pang = learn(1);
        assert_eq!(pang.to_bytes(), learn(3).to_bytes());
        assert_eq!(pang.history()[2].episodes, 2 * 2 * 3);
        assert!(pang.history().iter().all(|point| (0.3..1.0).contains(&point.validation.unwrap())));
    }
}
