//! Where a policy's experience comes from: simulated episodes on source tasks.
//!
//! [`Simulation`] plays whole episodes: against a baseline at the same replicates, for policy gradients, and two
//! networks at the same replicates, for evolution strategies. States for imitation are
//! [`collected`](super::collection). Both read reward rows only.

use super::batch;
use super::evolution::{AntitheticPair, PairResult};
use super::growth::grow;
use super::network::Network;
use super::parts::{self, Parts};
use super::spread::{Unkept, Weights, Work, pieces};
use super::tensors;
use super::trainer::Environment;
use super::trajectory::{Decision, Returns, Trajectory};
use crate::data::{RowId, TargetKind};
use crate::episode::{EpisodePlan, Episodes, Measure, Observation, PreparedTask, Replicate, features};
use crate::error::Result;
use crate::query::{Registry, Ties, usual};
use crate::rng::Key;
use rand::seq::index;
use std::ops::Range;
use std::sync::Arc;

/// A task to learn from: one or more splits of it, and the episodes to play on them.
#[derive(Clone, Debug)]
pub struct Source {
    /// The data set's name.
    pub name: String,
    /// What its draws are derived from, see [`Dataset::identity`](crate::data::Dataset::identity).
    pub identity: String,
    /// Its splits; repetitions take them in turn.
    pub prepared_tasks: Vec<Arc<PreparedTask>>,
    /// What is played.
    pub plan: EpisodePlan,
}

impl Source {
    /// The replicate of repetition `index`, derived from `key`.
    pub(super) fn replicate(&self, key: Key, index: usize) -> Replicate {
        Replicate {
            prepared: self.prepared_tasks[index % self.prepared_tasks.len()].clone(),
            key: key.at(index as u64),
        }
    }

    /// What its targets are.
    pub fn kind(&self) -> TargetKind {
        self.prepared_tasks.first().map_or(TargetKind::Class, |prepared| prepared.task().kind())
    }

    /// Queries of one of its episodes.
    pub fn rounds(&self) -> usize {
        self.plan.budget.div_ceil(self.plan.query_size)
    }

    /// Episodes that advance in one bank.
    pub fn envs(&self) -> usize {
        self.plan.device.models()
    }

    /// What is learned plays its whole budget: an episode that ends at a target accuracy has no gain to
    /// compare with its baseline's in the rounds that one of the two did not play.
    pub(super) fn learning_plan(&self) -> EpisodePlan {
        EpisodePlan {
            measure: Measure::Reward,
            target_accuracy: None,
            target_share: None,
            ..self.plan.clone()
        }
    }
}

/// The picks of a registered strategy in episode `env`.
pub(super) fn select(episodes: &Episodes, env: usize, strategy: &str, key: Key) -> Result<Vec<RowId>> {
    let mut strategy = Registry::builtin().build(strategy)?;
    let signals = episodes.signals(env, strategy.needs(), key);
    strategy.select(&episodes.view(env, &signals), episodes.batch(env), key.named("select"))
}

/// How episodes are played for policy gradients.
#[derive(Clone, Debug, PartialEq)]
pub struct RolloutPlan {
    /// Source tasks per iteration, drawn anew each time.
    pub tasks: usize,
    /// Episodes of the policy per task, and as many of the baseline.
    pub episodes: usize,
    /// Who plays the same replicates, for the returns to be compared with.
    pub baseline: Baseline,
    /// The part of a return that is the mean probability of the true class; the rest is the plan's metric.
    pub soft: f64,
    /// Most candidates that a state is described over.
    pub cap: usize,
}

impl RolloutPlan {
    /// Episodes of the policy in one iteration over so many sources; the baseline's are as many again.
    pub fn played(&self, sources: usize) -> usize {
        self.tasks.min(sources) * self.episodes
    }
}

/// How pairs of networks are played against each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DuelPlan {
    /// Source tasks per pair, drawn anew in each iteration. Pairs that fit into one bank share them.
    pub tasks: usize,
    /// Episodes of each half of a pair on each of its tasks.
    pub episodes: usize,
    /// The part of a return that is the mean probability of the true class; the rest is the plan's metric.
    pub soft: f64,
}

impl DuelPlan {
    /// Episodes of both halves of so many pairs in one iteration over so many sources.
    pub fn played(&self, pairs: usize, sources: usize) -> usize {
        2 * pairs * self.tasks.min(sources) * self.episodes
    }
}

impl Default for DuelPlan {
    fn default() -> Self {
        Self { tasks: 4, episodes: 1, soft: 0.0 }
    }
}

/// Who plays the baseline's episodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Baseline {
    /// The policy itself, taking its best candidates instead of drawing: what remains of the difference
    /// is what the draws changed, so its variance is the least.
    #[default]
    Greedy,
    /// A registered strategy.
    Strategy(&'static str),
}

/// Pairs of networks that play one task in one bank.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bank {
    /// Their numbers among all pairs.
    pub(super) pairs: Range<usize>,
    task: usize,
}

impl DuelPlan {
    /// The banks of one iteration, in order: pairs that fit into one share their tasks.
    pub(super) fn banks(&self, sources: &[Source], pairs: usize, key: Key) -> Vec<Bank> {
        let tasks = self.tasks.min(sources.len());
        let envs = sources.first().map_or(1, Source::envs);
        let together = (envs / (2 * self.episodes)).max(1);
        let mut banks = Vec::new();
        for (group, first) in (0..pairs).step_by(together).enumerate() {
            let mut rng = key.named("tasks").at(group as u64).rng();
            let mut drawn = index::sample(&mut rng, sources.len(), tasks).into_vec();
            drawn.sort_unstable();
            let pairs = first..(first + together).min(pairs);
            banks.extend(drawn.into_iter().map(|task| Bank { pairs: pairs.clone(), task }));
        }
        banks
    }
}

/// Where networks play: all that decides what their episodes come to, but the networks and the keys.
#[derive(Clone, Debug)]
pub struct TrainingTasks<'a> {
    /// Tasks that are learned from.
    pub sources: &'a [Source],
    /// Tasks that networks are judged by.
    pub validation: &'a [Source],
    /// Episodes for policy gradients.
    pub rollouts: RolloutPlan,
    /// Episodes for evolution strategies.
    pub duels: DuelPlan,
    /// Episodes per validation task.
    pub repetitions: usize,
    /// What validation's episodes are derived from.
    pub key: Key,
}

impl TrainingTasks<'_> {
    /// The mean metric on a validation task of the strategy that is [usual](usual) for its targets: margin, where they are classes.
    pub(super) fn reference(&self, source: &Source) -> Result<f64> {
        let replicates = validation_replicates(source, self.repetitions, self.key);
        let name = usual(source.kind());
        mean_measured(source, &replicates, |episodes, env, step| select(episodes, env, name, step))
    }

    /// A network's mean metric on a validation task.
    pub(super) fn validated(&self, source: &Source, network: &Network) -> Result<f64> {
        let replicates = validation_replicates(source, self.repetitions, self.key);
        mean_measured(source, &replicates, |episodes, env, step| {
            best_of(network, episodes, env, self.rollouts.cap, step)
        })
    }

    /// What the pairs of a bank come to: mean returns of both halves of each.
    pub(super) fn play_pairs(
        &self,
        bank: &Bank,
        pairs: &[AntitheticPair],
        key: Key,
    ) -> Result<Vec<(f64, f64)>> {
        let source = &self.sources[bank.task];
        duel(source, &self.duels, pairs, bank.pairs.start, self.rollouts.cap, key)
    }

    /// The source tasks of one iteration of rollouts, ascending.
    pub(super) fn drawn(&self, key: Key) -> Vec<usize> {
        let count = self.rollouts.tasks.min(self.sources.len());
        let mut drawn = index::sample(&mut key.named("tasks").rng(), self.sources.len(), count).into_vec();
        drawn.sort_unstable();
        drawn
    }

    /// A network's episodes on a source task, exploring.
    pub(super) fn rollout(&self, task: usize, network: &Network, key: Key) -> Result<Vec<Trajectory>> {
        let source = &self.sources[task];
        rollout(source, &self.rollouts, network, key.named(&source.identity))
    }
}

/// Episodes on source tasks against a baseline at the same replicates; validation on other tasks. What a network's
/// episodes on one task come to is a part that is kept; trajectories, which hold all that was seen, are not.
pub struct Simulation<'a> {
    training_tasks: TrainingTasks<'a>,
    parts: &'a dyn Parts,
    /// Per validation task, the mean metric of what is [usual]; its episodes are the same every time.
    reference: Vec<f64>,
}

impl<'a> Simulation<'a> {
    /// Plays the validation episodes of the [usual] strategy, margin where targets are classes: what a policy is compared with.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    pub fn new(training_tasks: TrainingTasks<'a>, parts: &'a dyn Parts) -> Result<Self> {
        let names: Vec<String> = (0..training_tasks.validation.len())
            .map(|at| parts::name("reference", training_tasks.key, at))
            .collect();
        let play = |at: usize| training_tasks.reference(&training_tasks.validation[at]);
        let reference = pieces(parts, Some(&|| Work::Reference), &names, |_, _| Ok(()), play, |_| Ok(()))?;
        Ok(Self { training_tasks, parts, reference })
    }

    /// Per validation task, by how much the policy's mean metric over its episodes (greedy, no
    /// sampling) is above margin's.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    pub fn gains(&self, network: &Network) -> Result<Vec<f64>> {
        let bytes: Vec<u8> = network.weights().iter().flat_map(|weight| weight.to_le_bytes()).collect();
        let what = format!("gain/{}", tensors::sha256(&bytes));
        let TrainingTasks { validation, key, .. } = self.training_tasks;
        let names: Vec<String> = (0..validation.len()).map(|at| parts::name(&what, key, at)).collect();
        let work = || Work::Validation { network: Weights::of(network) };
        let play = |at: usize| self.training_tasks.validated(&validation[at], network);
        let means = pieces(self.parts, Some(&work), &names, |_, _| Ok(()), play, |_| Ok(()))?;
        Ok(means.iter().zip(&self.reference).map(|(mean, reference): (&f64, _)| mean - reference).collect())
    }
}

impl Environment for Simulation<'_> {
    fn rollouts(&mut self, network: &Network, _iteration: u32, key: Key) -> Result<Vec<Trajectory>> {
        let drawn = self.training_tasks.drawn(key);
        let names: Vec<String> = drawn.iter().map(|&task| parts::name("rollouts", key, task)).collect();
        let work = || Work::Rollouts { network: Weights::of(network), key };
        let play = |at: usize| self.training_tasks.rollout(drawn[at], network, key);
        let parts = Unkept(self.parts);
        let trajectories = pieces(&parts, Some(&work), &names, |_, _| Ok(()), play, |_| Ok(()))?;
        Ok(trajectories.into_iter().flatten().collect())
    }

    fn duels(&mut self, pairs: &[AntitheticPair], _iteration: u32, key: Key) -> Result<Vec<PairResult>> {
        let banks = self.training_tasks.duels.banks(self.training_tasks.sources, pairs.len(), key);
        let names: Vec<String> = (0..banks.len()).map(|bank| parts::name("duels", key, bank)).collect();
        let work = || {
            let both = |pair: &AntitheticPair| [Weights::of(&pair.plus), Weights::of(&pair.minus)];
            Work::Duels { pairs: pairs.iter().map(both).collect(), key }
        };
        let whole = |at: usize, returns: &Vec<(f64, f64)>| match (returns.len(), banks[at].pairs.len()) {
            (found, expected) if found == expected => Ok(()),
            (found, expected) => {
                let reason = format!("returns of {found} pairs, expected {expected}");
                Err(parts::unsound(&names[at], reason))
            }
        };
        let play =
            |at: usize| self.training_tasks.play_pairs(&banks[at], &pairs[banks[at].pairs.clone()], key);
        let returns = pieces(self.parts, Some(&work), &names, whole, play, |_| Ok(()))?;
        let episodes = self.training_tasks.duels.episodes as u32;
        let duels = banks.iter().zip(returns).flat_map(|(bank, returns)| {
            let task = bank.task as u32;
            let named = bank.pairs.clone().zip(returns);
            named.map(move |(pair, (plus, minus))| PairResult { pair, task, episodes, plus, minus })
        });
        Ok(duels.collect())
    }

    fn validate(&mut self, network: &Network) -> Result<f64> {
        let gains = self.gains(network)?;
        Ok(gains.iter().sum::<f64>() / gains.len().max(1) as f64)
    }
}

fn see(episodes: &Episodes, env: usize, cap: usize, key: Key) -> Result<Observation> {
    let signals = episodes.signals(env, features::needs(), key);
    features::observe(&episodes.view(env, &signals), episodes.batch(env), cap, key)
}

/// The rows that `network` asks for in episode `env`, without drawing.
pub(super) fn best_of(
    network: &Network,
    episodes: &Episodes,
    env: usize,
    cap: usize,
    key: Key,
) -> Result<Vec<RowId>> {
    let signals = episodes.signals(env, features::needs(), key);
    let (view, batch) = (episodes.view(env, &signals), episodes.batch(env));
    let batch_builder = features::BatchBuilder::new(&view, batch, cap.max(batch), key)?;
    let picks = grow(batch_builder, batch, view.ties(key), |seen| network.score(seen))?;
    Ok(picks.into_iter().map(|(row, _)| row).collect())
}

fn validation_replicates(source: &Source, repetitions: usize, key: Key) -> Vec<Replicate> {
    (0..repetitions)
        .map(|index| source.replicate(key.named("validation").named(&source.identity), index))
        .collect()
}

/// The mean of the plan's metric on the reward rows, over all rounds after the first fit and over the replicates.
fn mean_measured(
    source: &Source,
    replicates: &[Replicate],
    mut pick: impl FnMut(&Episodes, usize, Key) -> Result<Vec<RowId>>,
) -> Result<f64> {
    let (mut sum, mut count) = (0.0, 0usize);
    for replicates in replicates.chunks(source.envs()) {
        for env in measured(source, replicates, 0.0, &mut pick)? {
            sum += env.iter().sum::<f64>();
            count += env.len();
        }
    }
    Ok(sum / count.max(1) as f64)
}

/// For each replicate, the plan's metric on the reward rows after each query, or to `soft` parts the mean probability of the true
/// class; all replicates in one bank.
pub(super) fn measured(
    source: &Source,
    replicates: &[Replicate],
    soft: f64,
    mut pick: impl FnMut(&Episodes, usize, Key) -> Result<Vec<RowId>>,
) -> Result<Vec<Vec<f64>>> {
    let mut curves = vec![Vec::new(); replicates.len()];
    let mut episodes = Episodes::reset(&source.learning_plan(), replicates)?;
    episodes.drive(
        |episodes, env| {
            let step = replicates[env].key.named("step").at(u64::from(episodes.state(env).round));
            pick(episodes, env, step)
        },
        |episodes, env, _| curves[env].push(episodes.soft_metric(env, soft)),
    )?;
    Ok(curves)
}

/// Plays pairs on one task, the first of which is number `first`: for each, the mean of what returns are made of over the rounds and
/// replicates of both halves, which they share. Other pairs have other replicates.
fn duel(
    source: &Source,
    plan: &DuelPlan,
    pairs: &[AntitheticPair],
    first: usize,
    cap: usize,
    key: Key,
) -> Result<Vec<(f64, f64)>> {
    let repetitions = plan.episodes;
    let key = key.named(&source.identity).named("seat");
    // Per pair, the environments of one half and then those of the other.
    let half =
        |pair: usize| (0..repetitions).map(move |i| source.replicate(key, (first + pair) * repetitions + i));
    let replicates: Vec<Replicate> = (0..pairs.len()).flat_map(|pair| half(pair).chain(half(pair))).collect();
    let network = |env: usize| {
        let pair = &pairs[env / (2 * repetitions)];
        if (env / repetitions).is_multiple_of(2) { &pair.plus } else { &pair.minus }
    };
    let curves = measured(source, &replicates, plan.soft, |episodes, env, step| {
        best_of(network(env), episodes, env, cap, step)
    })?;
    let mean = |curves: &[Vec<f64>]| {
        let values = curves.iter().flatten();
        values.clone().sum::<f64>() / values.count().max(1) as f64
    };
    Ok(curves
        .chunks(2 * repetitions)
        .map(|both| (mean(&both[..repetitions]), mean(&both[repetitions..])))
        .collect())
}

/// Plays one task: the policy, sampling, in the first half of the environments, the baseline at the same replicates
/// in the second.
fn rollout(source: &Source, plan: &RolloutPlan, network: &Network, key: Key) -> Result<Vec<Trajectory>> {
    let own: Vec<Replicate> =
        (0..plan.episodes).map(|index| source.replicate(key.named("seat"), index)).collect();
    let replicates: Vec<Replicate> = own.iter().chain(&own).cloned().collect();
    let mut episodes = Episodes::reset(&source.learning_plan(), &replicates)?;
    let mut curves: Vec<Vec<f64>> =
        (0..replicates.len()).map(|env| vec![episodes.soft_metric(env, plan.soft)]).collect();
    let mut decisions: Vec<Vec<Decision>> = own.iter().map(|_| Vec::new()).collect();
    episodes.drive(
        |episodes, env| {
            let step = replicates[env].key.named("step").at(u64::from(episodes.state(env).round));
            let sampling = env < own.len();
            if let (false, Baseline::Strategy(name)) = (sampling, plan.baseline) {
                return select(episodes, env, name, step);
            }
            let observation = see(episodes, env, plan.cap, step)?;
            let scores = network.score(&observation)?;
            if !sampling {
                let (candidates, ties) = (&observation.candidates, Ties::new(step));
                let best = batch::greedy(&scores, candidates, episodes.batch(env), ties)?;
                return Ok(best.into_iter().map(|pick| observation.candidates[pick]).collect());
            }
            let key = step.named("policy");
            let drawn = batch::sample(&scores, &observation.candidates, episodes.batch(env), key)?;
            let rows = drawn.picks.iter().map(|&pick| observation.candidates[pick]).collect();
            decisions[env].push(Decision {
                observation,
                picks: drawn.picks,
                log_probability: drawn.log_probability,
            });
            Ok(rows)
        },
        |episodes, env, _| curves[env].push(episodes.soft_metric(env, plan.soft)),
    )?;
    let (played, reference) = curves.split_at(own.len());
    Ok(decisions
        .into_iter()
        .zip(played.iter().zip(reference))
        .map(|(steps, (curve, baseline))| {
            // In units of what the baseline gains on this task, so that easy tasks do not drown the hard.
            let unit = (baseline[baseline.len() - 1] - baseline[0]).max(SMALLEST_UNIT);
            Trajectory {
                steps,
                returns: Returns::PerStep { values: areas(curve, unit), baselines: areas(baseline, unit) },
            }
        })
        .collect())
}

/// The least total gain that rewards are divided by: a task on which nothing can be gained must not be
/// blown up to noise.
const SMALLEST_UNIT: f64 = 0.05;

/// For each decision `k`, the area under the rest of the curve above its present level,
/// `Σ_{t>k} (a_t - a_k) / T`, in `unit`s. The first is the episode's normalised area over its start.
fn areas(curve: &[f64], unit: f64) -> Vec<f64> {
    let rounds = curve.len() - 1;
    (0..rounds)
        .map(|k| curve[k + 1..].iter().map(|a| a - curve[k]).sum::<f64>() / rounds as f64 / unit)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::network::{Kind, NetworkConfig};
    use super::super::parts::Forgetful;
    use super::super::testing::{Kept, random_network, sources};
    use super::*;

    /// The given tasks on both sides, one episode on each.
    fn training_tasks(sources: &[Source]) -> TrainingTasks<'_> {
        TrainingTasks {
            sources,
            validation: sources,
            rollouts: RolloutPlan { tasks: 1, episodes: 1, baseline: Baseline::Greedy, soft: 0.0, cap: 500 },
            duels: DuelPlan::default(),
            repetitions: 1,
            key: Key::root(3),
        }
    }
    use crate::episode::features::SCHEMA;

    /// The rewards of an episode add up to its gain, and the return of its first decision is the area
    /// under that.
    #[test]
    fn rewards_telescope_to_the_final_gain() {
        let source = &sources()[0];
        let replicates = [source.replicate(Key::root(1), 0)];
        let mut episodes = Episodes::reset(&source.learning_plan(), &replicates).unwrap();
        let first = episodes.state(0).reward_accuracy;
        let (mut rewards, mut curve) = (0.0, vec![first]);
        while !episodes.live().is_empty() {
            let step = Key::root(2).at(curve.len() as u64);
            let rows = select(&episodes, 0, "random", step).unwrap();
            rewards += episodes.step(&[(0, rows)]).unwrap()[0].reward;
            curve.push(episodes.state(0).reward_accuracy);
        }
        assert_eq!(curve.len(), 5);
        let gain = curve[4] - first;
        assert!((rewards - gain).abs() < 1e-12, "{rewards} {gain}");
        let unit = 0.25;
        let area = areas(&curve, unit)[0];
        let mean = curve[1..].iter().sum::<f64>() / 4.0;
        assert!((area - (mean - first) / unit).abs() < 1e-12);
    }

    /// The two halves of a pair share replicates: equal networks tie exactly, others do not; and neither the
    /// threads nor the other pairs of a bank change a result.
    #[test]
    fn duels_are_fair_and_do_not_depend_on_threads_or_neighbours() {
        let sources = sources();
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        let network =
            |seed| random_network(config, SCHEMA.candidate.len(), SCHEMA.global.len(), Key::root(seed));
        let mut pairs = vec![AntitheticPair { plus: network(1), minus: network(1) }];
        pairs.extend((1..11).map(|i| AntitheticPair { plus: network(2 * i), minus: network(2 * i + 1) }));
        let play = |pairs: &[AntitheticPair], threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let training_tasks = TrainingTasks {
                    duels: DuelPlan { tasks: 2, ..DuelPlan::default() },
                    ..training_tasks(&sources)
                };
                Simulation::new(training_tasks, &Forgetful).unwrap().duels(pairs, 1, Key::root(4)).unwrap()
            })
        };
        let all = play(&pairs, 1);
        assert_eq!(all, play(&pairs, 3));
        assert_eq!(all.len(), 2 * 11);
        assert!(all.iter().filter(|duel| duel.pair == 0).all(|duel| duel.plus == duel.minus));
        assert!(all.iter().filter(|duel| duel.plus != duel.minus).count() > 5);
        for duel in play(&pairs[..3], 1) {
            assert!(all.contains(&duel), "{duel:?}");
        }
    }

    /// What is asked for does not depend on what it is judged by: returns in between are means of the two, to the parts that they have,
    /// for pairs and for episodes that draw.
    #[test]
    fn returns_are_as_soft_as_the_plan_says() {
        let source = &sources()[0];
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        let network =
            |seed| random_network(config, SCHEMA.candidate.len(), SCHEMA.global.len(), Key::root(seed));
        let pairs = [AntitheticPair { plus: network(1), minus: network(2) }];
        let of_pair = |soft| {
            let plan = DuelPlan { tasks: 1, episodes: 2, soft };
            duel(source, &plan, &pairs, 0, 500, Key::root(4)).unwrap()[0]
        };
        let (hard, mixed, soft) = (of_pair(0.0), of_pair(0.25), of_pair(1.0));
        let replicates = [source.replicate(Key::root(5), 0)];
        let last = |soft| {
            *measured(source, &replicates, soft, |episodes, env, step| select(episodes, env, "margin", step))
                .unwrap()[0]
                .last()
                .unwrap()
        };
        let mut episodes = Episodes::reset(&source.learning_plan(), &replicates).unwrap();
        while !episodes.live().is_empty() {
            let step = replicates[0].key.named("step").at(u64::from(episodes.state(0).round));
            let rows = select(&episodes, 0, "margin", step).unwrap();
            episodes.step(&[(0, rows)]).unwrap();
        }
        assert_eq!(last(0.0), episodes.state(0).measured);
        // Look-ahead judges by the same mean.
        assert_eq!(last(1.0), episodes.judged(0, 1.0));
        for (hard, mixed, soft) in
            [(hard.0, mixed.0, soft.0), (hard.1, mixed.1, soft.1), (last(0.0), last(0.25), last(1.0))]
        {
            assert!(soft > 0.0 && soft < 1.0 && soft != hard, "{soft} {hard}");
            assert!((mixed - (0.75 * hard + 0.25 * soft)).abs() < 1e-12, "{mixed} {hard} {soft}");
        }
        // The unit of a drawn episode's returns is its baseline's gain, which softness changes as well.
        let drawn = |soft| {
            let plan = RolloutPlan { soft, ..training_tasks(std::slice::from_ref(source)).rollouts };
            let Returns::PerStep { values, .. } =
                rollout(source, &plan, &network(1), Key::root(6)).unwrap().remove(0).returns
            else {
                panic!("one return per query")
            };
            values
        };
        assert_ne!(drawn(0.0), drawn(1.0));
    }

    #[test]
    fn what_was_played_is_not_played_again() {
        let sources = sources();
        let config = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
        let network =
            |seed| random_network(config, SCHEMA.candidate.len(), SCHEMA.global.len(), Key::root(seed));
        let parts = Kept::default();
        let play = |parts: &dyn Parts| {
            let mut simulation = Simulation::new(training_tasks(&sources), parts).unwrap();
            let pairs = [AntitheticPair { plus: network(1), minus: network(2) }];
            (simulation.gains(&network(1)).unwrap(), simulation.duels(&pairs, 1, Key::root(4)).unwrap())
        };
        let expected = play(&Forgetful);
        assert_eq!(play(&parts), expected);
        // The reference and the network on two tasks each, and the pair on both.
        assert_eq!(parts.made(), 6);
        assert_eq!(play(&parts), expected);
        assert_eq!(parts.made(), 6);
        let simulation = Simulation::new(training_tasks(&sources), &parts).unwrap();
        assert_ne!(simulation.gains(&network(2)).unwrap(), expected.0, "another network plays for itself");
        assert_eq!(parts.made(), 8);
    }

    #[test]
    fn areas_by_hand() {
        // (.2 + .3 + .3) / 3, (.1 + .1) / 3, 0; in units of a half.
        let found = areas(&[0.5, 0.7, 0.8, 0.8], 0.5);
        for (found, expected) in found.iter().zip([1.6 / 3.0, 0.4 / 3.0, 0.0]) {
            assert!((found - expected).abs() < 1e-12);
        }
    }
}
