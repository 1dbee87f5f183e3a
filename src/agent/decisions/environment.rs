//! [`DecisionTasks`]: episodes of any [`Decision`] for both learners.

use super::decider::Decider;
use super::decision_state::DecisionState;
use crate::agent::batch;
use crate::agent::dqn::network::{ACTION, QNetwork, STATE};
use crate::agent::dqn::{Labelling, Transition};
use crate::agent::error::AgentError;
use crate::agent::evolution::{AntitheticPair, PairResult};
use crate::agent::network::Network;
use crate::agent::spread::Side;
use crate::agent::trainer::Environment;
use crate::agent::trajectory::{self, Returns, Trajectory};
use crate::data::Matrix;
use crate::error::Result;
use crate::rng::Key;
use rand::RngExt;
use rand::seq::index;
use rayon::prelude::*;

/// One decision of an episode.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What was seen.
    pub decision_state: DecisionState,
    /// The option that was chosen.
    pub chosen: usize,
    /// What came of it before the next decision, in any unit that is the same for all tasks; higher = better.
    pub reward: f64,
}

/// One episode from its start to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Episode {
    /// Its decisions, in order.
    pub choices: Vec<Choice>,
    /// What it is judged by in validation, in any unit that is the same for all tasks; higher = better.
    pub value: f64,
}

impl Episode {
    /// One that is judged by the sum of its rewards.
    pub fn of(choices: Vec<Choice>) -> Self {
        let value = choices.iter().map(|choice| choice.reward).sum();
        Self { choices, value }
    }

    /// For each decision, its return: its reward and all that came after, each worth `discount` times as much as one step before.
    pub fn to_go(&self, discount: f64) -> Vec<f64> {
        let mut sum = 0.0;
        let mut sums: Vec<f64> = self
            .choices
            .iter()
            .rev()
            .map(|choice| {
                sum = choice.reward + discount * sum;
                sum
            })
            .collect();
        sums.reverse();
        sums
    }
}

/// Chooses an option in the episode of this number.
pub type Decide<'a> = dyn FnMut(usize, &DecisionState) -> Result<usize> + 'a;

/// Something that is decided again and again in the course of an episode.
pub trait Decision: Sync {
    /// The number of tasks on this side.
    fn tasks(&self, side: Side) -> usize;

    /// Plays an episode per replicate on one task, each decided by `decide` under its place in `replicates`. What they are
    /// depends on the arguments alone, and episodes on equal replicates differ in what was decided alone.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played, and those of `decide`.
    fn play(
        &self,
        side: Side,
        task: usize,
        replicates: &[Key],
        decide: &mut Decide<'_>,
    ) -> Result<Vec<Episode>>;

    /// How an agent of which nothing is learned weighs the figures of options: in proportion to the exponential of these scores
    /// it draws, whatever the state.
    fn usual(&self) -> [f32; ACTION] {
        [0.0; ACTION]
    }

    /// What a reward is worth one decision later, in `[0, 1]`, to both learners; 1 = nothing is discounted.
    fn discount(&self) -> f32 {
        1.0
    }
}

/// The tasks of a decision, and how much is played on them.
#[derive(Clone, Copy, Debug)]
pub struct DecisionTasks<'a, D> {
    /// What is decided.
    pub decision: &'a D,
    /// Source tasks per iteration of policy gradient, drawn anew each time, and of a generation's pair.
    pub tasks: usize,
    /// Episodes of policy gradient on each of them, all on one replicate: the others of them are the baseline of each.
    pub episodes_per_task: usize,
    /// Validation episodes per task.
    pub repetitions: usize,
    /// What validation's episodes are derived from.
    pub key: Key,
}

impl<D: Decision> DecisionTasks<'_, D> {
    /// The mean of the [values](Episode::value) of validation's episodes; always the same ones.
    ///
    /// # Errors
    /// Those of the episodes.
    pub fn mean_value(&self, decide: impl Fn(&DecisionState) -> Result<usize> + Sync) -> Result<f64> {
        let one = |task: usize| -> Result<f64> {
            let key = self.key.named("validation").at(task as u64);
            let replicates: Vec<Key> = (0..self.repetitions as u64).map(|index| key.at(index)).collect();
            let played =
                self.decision.play(Side::Validation, task, &replicates, &mut |_, seen| decide(seen))?;
            Ok(played.iter().map(|episode| episode.value).sum::<f64>() / played.len().max(1) as f64)
        };
        let tasks = self.decision.tasks(Side::Validation);
        let values = (0..tasks).into_par_iter().map(one).collect::<Result<Vec<_>>>()?;
        Ok(values.iter().sum::<f64>() / tasks.max(1) as f64)
    }

    fn drawn(&self, key: Key) -> Result<Vec<usize>> {
        let count = self.decision.tasks(Side::Sources);
        if count == 0 || self.episodes_per_task == 0 {
            return Err(AgentError::NothingToLearn { place: "decisions" }.into());
        }
        let mut drawn = index::sample(&mut key.named("tasks").rng(), count, self.tasks.min(count)).into_vec();
        drawn.sort_unstable();
        Ok(drawn)
    }

    /// An option drawn in proportion to the exponential of its score, and the logarithm of its probability.
    fn draw(scores: &[f32], decision_state: &DecisionState, key: Key) -> Result<(usize, f64), AgentError> {
        let drawn = batch::sample(scores, &decision_state.observation().candidates, 1, key)?;
        let nothing = AgentError::NothingToLearn { place: "a decision without options" };
        Ok((*drawn.picks.first().ok_or(nothing)?, drawn.log_probability))
    }

    /// The episodes of policy gradient on one task, each against the others.
    fn rollout(&self, task: usize, network: &Network, key: Key) -> Result<Vec<Trajectory>> {
        let key = key.named("rollout").at(task as u64);
        let policy = Decider::Policy(network.clone());
        let mut drawn: Vec<Vec<f64>> = vec![Vec::new(); self.episodes_per_task];
        let replicates = vec![key.named("replicate"); self.episodes_per_task];
        let episodes =
            self.decision.play(Side::Sources, task, &replicates, &mut |slot, decision_state| {
                let key = key.named("draw").at(slot as u64).at(drawn[slot].len() as u64);
                let (chosen, log_probability) =
                    Self::draw(&policy.scores(decision_state)?, decision_state, key)?;
                drawn[slot].push(log_probability);
                Ok(chosen)
            })?;
        let discount = f64::from(self.decision.discount());
        let to_go: Vec<Vec<f64>> = episodes.iter().map(|episode| episode.to_go(discount)).collect();
        let trajectory = |(slot, (episode, drawn)): (usize, (Episode, Vec<f64>))| {
            let steps = episode.choices.into_iter().zip(drawn);
            let steps = steps.map(|(choice, log_probability)| trajectory::Decision {
                observation: choice.decision_state.observation(),
                picks: vec![choice.chosen],
                log_probability,
            });
            let returns = Returns::PerStep { values: to_go[slot].clone(), baselines: others(&to_go, slot) };
            Trajectory { steps: steps.collect(), returns }
        };
        Ok(episodes.into_iter().zip(drawn).enumerate().map(trajectory).collect())
    }
}

/// For every decision of one episode, the mean of what was still to come in the others at that step, nothing where they were over:
/// a baseline that the decision cannot change. Zero where there are no others.
fn others(to_go: &[Vec<f64>], slot: usize) -> Vec<f64> {
    let rest = || to_go.iter().enumerate().filter(|&(other, _)| other != slot).map(|(_, values)| values);
    let at = |step: usize| rest().map(|values| values.get(step).copied().unwrap_or(0.0)).sum::<f64>();
    (0..to_go[slot].len()).map(|step| at(step) / rest().count().max(1) as f64).collect()
}

/// An episode as transitions of deep Q-learning.
fn transitions(episode: Episode) -> Vec<Transition> {
    let next: Vec<(Vec<f32>, Matrix)> = episode
        .choices
        .iter()
        .skip(1)
        .map(|choice| (choice.decision_state.state.clone(), choice.decision_state.options.clone()))
        .chain(std::iter::once((vec![0.0; STATE], Matrix::zeros(0, ACTION))))
        .collect();
    let transition = |(choice, (next_state, next_actions)): (Choice, (Vec<f32>, Matrix))| Transition {
        action: choice.decision_state.options.row(choice.chosen).to_vec(),
        state: choice.decision_state.state,
        reward: choice.reward as f32,
        next_state,
        next_actions,
    };
    episode.choices.into_iter().zip(next).map(transition).collect()
}

impl<D: Decision> Environment for DecisionTasks<'_, D> {
    fn rollouts(&mut self, network: &Network, _iteration: u32, key: Key) -> Result<Vec<Trajectory>> {
        let this = &*self;
        let drawn = this.drawn(key)?;
        let played = drawn.into_par_iter().map(|task| this.rollout(task, network, key));
        Ok(played.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
    }

    fn duels(&mut self, pairs: &[AntitheticPair], _iteration: u32, key: Key) -> Result<Vec<PairResult>> {
        let this = &*self;
        let drawn = this.drawn(key)?;
        let one = |(pair, task): (usize, usize)| -> Result<PairResult> {
            let replicate = key.named("duel").at(pair as u64).at(task as u64);
            let halves = [&pairs[pair].plus, &pairs[pair].minus].map(|half| Decider::Policy(half.clone()));
            let decide = &mut |slot: usize, seen: &DecisionState| halves[slot].decide(seen);
            let played = this.decision.play(Side::Sources, task, &[replicate; 2], decide)?;
            let [plus, minus] = [0, 1].map(|half: usize| played[half].value);
            Ok(PairResult { pair, task: task as u32, episodes: 1, plus, minus })
        };
        let all: Vec<(usize, usize)> =
            (0..pairs.len()).flat_map(|pair| drawn.iter().map(move |&task| (pair, task))).collect();
        all.into_par_iter().map(one).collect()
    }

    fn validate(&mut self, network: &Network) -> Result<f64> {
        let policy = Decider::Policy(network.clone());
        self.mean_value(|decision_state| policy.decide(decision_state))
    }
}

impl<D: Decision> Labelling for DecisionTasks<'_, D> {
    /// Random decisions are those of an agent of which nothing is learned ([`Decision::usual`]).
    fn episodes(
        &mut self,
        network: &QNetwork,
        epsilon: f64,
        count: usize,
        key: Key,
    ) -> Result<Vec<Vec<Transition>>> {
        let (this, sources) = (&*self, self.decision.tasks(Side::Sources));
        this.drawn(key)?;
        let (values, usual) = (Decider::Values(network.clone()), this.decision.usual());
        let groups = count.div_ceil(this.episodes_per_task);
        let one = |group: usize| -> Result<Vec<Vec<Transition>>> {
            let key = key.named("episodes").at(group as u64);
            let task = key.named("task").rng().random_range(0..sources);
            let episodes = this.episodes_per_task.min(count - group * this.episodes_per_task);
            let replicates: Vec<Key> =
                (0..episodes as u64).map(|slot| key.named("replicate").at(slot)).collect();
            let mut steps = vec![0u64; episodes];
            let played =
                this.decision.play(Side::Sources, task, &replicates, &mut |slot, decision_state| {
                    let key = key.named("explore").at(slot as u64).at(steps[slot]);
                    steps[slot] += 1;
                    if key.named("whether").rng().random::<f64>() >= epsilon {
                        return values.decide(decision_state);
                    }
                    let weigh =
                        |row: &[f32]| row.iter().zip(usual).map(|(figure, weight)| figure * weight).sum();
                    let rows = 0..decision_state.options.rows();
                    let scores: Vec<f32> =
                        rows.map(|option| weigh(decision_state.options.row(option))).collect();
                    Ok(Self::draw(&scores, decision_state, key)?.0)
                })?;
            Ok(played.into_iter().map(transitions).collect())
        };
        let played = (0..groups).into_par_iter().map(one).collect::<Result<Vec<_>>>()?;
        Ok(played.into_iter().flatten().collect())
    }

    fn validate(&mut self, network: &QNetwork) -> Result<f64> {
        let values = Decider::Values(network.clone());
        self.mean_value(|decision_state| values.decide(decision_state))
    }

    fn discount(&self) -> f32 {
        self.decision.discount()
    }

    /// What a decision brings may be of either sign.
    fn usual_value(&self, _length: f64) -> f32 {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::decisions::DeciderKind;

    /// Three steps; at each the first option earns the first figure of the state, the second nothing. The replicate gives the
    /// figures, half of which are negative.
    struct Coins;

    impl Decision for Coins {
        fn tasks(&self, _side: Side) -> usize {
            3
        }

        fn play(
            &self,
            _side: Side,
            task: usize,
            replicates: &[Key],
            decide: &mut Decide<'_>,
        ) -> Result<Vec<Episode>> {
            let mut one = |(slot, replicate): (usize, &Key)| -> Result<Episode> {
                let choice = |step: u64| -> Result<Choice> {
                    let figure = replicate.at(task as u64).at(step).rng().random_range(-1.0f32..1.0);
                    let decision_state = DecisionState::new(&[figure], &[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
                    let chosen = decide(slot, &decision_state)?;
                    let reward = if chosen == 0 { f64::from(figure) } else { 0.0 };
                    Ok(Choice { decision_state, chosen, reward })
                };
                Ok(Episode::of((0..3).map(choice).collect::<Result<_>>()?))
            };
            replicates.iter().enumerate().map(&mut one).collect()
        }
    }

    fn tasks() -> DecisionTasks<'static, Coins> {
        DecisionTasks { decision: &Coins, tasks: 2, episodes_per_task: 3, repetitions: 4, key: Key::root(9) }
    }

    fn episode(rewards: &[f64]) -> Episode {
        let decision_state = DecisionState::new(&[0.5], &[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
        let choice = |&reward: &f64| Choice { decision_state: decision_state.clone(), chosen: 1, reward };
        Episode::of(rewards.iter().map(choice).collect())
    }

    #[test]
    fn returns_and_baselines_are_as_by_hand() {
        let episodes = [episode(&[1.0, -2.0, 4.0]), episode(&[0.5]), episode(&[2.0, 1.0])];
        let to_go: Vec<Vec<f64>> = episodes.iter().map(|episode| episode.to_go(1.0)).collect();
        assert_eq!(to_go, [vec![3.0, 2.0, 4.0], vec![0.5], vec![3.0, 1.0]]);
        assert_eq!(episodes[0].value, 3.0);
        // 1 + (-2 + 4 / 2) / 2.
        assert_eq!(episodes[0].to_go(0.5), [1.0, 0.0, 4.0]);
        // (0.5 + 3) / 2, (0 + 1) / 2, nothing; of the second (3 + 3) / 2.
        assert_eq!(others(&to_go, 0), [1.75, 0.5, 0.0]);
        assert_eq!(others(&to_go, 1), [3.0]);
        assert_eq!(others(&to_go[..1], 0), [0.0; 3], "alone");
        let steps = transitions(episodes[0].clone());
        assert_eq!(steps.iter().map(|step| step.reward).collect::<Vec<_>>(), [1.0, -2.0, 4.0]);
        assert_eq!((&steps[0].next_state, &steps[0].action[..]), (&steps[1].state, &[0.0, 1.0, 0.0][..]));
        assert_eq!([0, 1, 2].map(|at: usize| steps[at].next_actions.rows()), [2, 2, 0]);
    }

    #[test]
    fn episodes_are_the_same_on_any_number_of_threads() {
        let network = Decider::start([0.3, 0.0, 0.0], Key::root(1)).unwrap();
        let values = QNetwork::new(0.0, Key::root(2));
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut tasks = tasks();
                let pair = AntitheticPair { plus: network.clone(), minus: network.clone() };
                (
                    tasks.rollouts(&network, 1, Key::root(3)).unwrap(),
                    tasks.episodes(&values, 0.5, 7, Key::root(4)).unwrap(),
                    tasks.duels(&[pair], 1, Key::root(5)).unwrap(),
                    Environment::validate(&mut tasks, &network).unwrap(),
                    Labelling::validate(&mut tasks, &values).unwrap(),
                )
            })
        };
        let (rollouts, episodes, duels, policy, values) = run(1);
        assert_eq!((rollouts.clone(), episodes.clone(), duels.clone(), policy, values), run(3));
        // Three seats on each of two tasks, all of a task on the same figures.
        assert_eq!((rollouts.len(), episodes.len(), duels.len()), (6, 7, 2));
        let figure = |trajectory: &Trajectory| trajectory.steps[0].observation.globals[0];
        assert_eq!(
            (figure(&rollouts[0]), figure(&rollouts[3])),
            (figure(&rollouts[2]), figure(&rollouts[5]))
        );
        assert!(figure(&rollouts[0]) != figure(&rollouts[3]));
        assert!(duels.iter().all(|duel| duel.plus == duel.minus), "equal halves tie");
        let nothing = DecisionTasks { episodes_per_task: 0, ..tasks() }.rollouts(&network, 1, Key::root(3));
        assert!(nothing.is_err());
    }

    /// Where nothing is learned options are drawn as `usual` has it; an untrained policy takes the first of equals everywhere.
    #[test]
    fn random_decisions_are_the_usual_ones() {
        let drawn = tasks().episodes(&QNetwork::new(0.0, Key::root(2)), 1.0, 600, Key::root(4)).unwrap();
        let first = drawn.iter().flatten().filter(|step| step.action[0] == 1.0).count() as f64 / 1_800.0;
        assert!((first - 0.5).abs() < 4.0 * (0.25 / 1_800.0f64).sqrt(), "{first}");
        let untrained = Decider::untrained(DeciderKind::Policy, Key::root(1)).unwrap();
        let all = tasks().mean_value(|decision_state| untrained.decide(decision_state)).unwrap();
        let none = tasks().mean_value(|_| Ok(1)).unwrap();
        assert!(all != 0.0 && none == 0.0);
    }
}
