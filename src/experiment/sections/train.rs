//! `[train]`: imitation of the greedy oracle, then, if asked for, an evolution strategy and policy gradient.
//!
//! The defaults are the recipe of the policy that comes with the program: a linear scorer over 252 generated tasks,
//! trained by imitation alone. Evolution, policy gradient and larger networks cost many times as much and were not
//! ahead of it beyond noise (`experiments/policy/README.md`).

use super::settings::AlgorithmSettings;
use crate::agent::Algorithms;
use crate::agent::evolution::MAX_PAIRS;
use crate::agent::network::{MAX_HIDDEN, MAX_INDUCING, MAX_LAYERS};
use crate::episode::features::groups;
use crate::experiment::error::ExperimentError;
use crate::experiment::keys::{Rule, inline, list, number, section, table, whole, word};
use crate::experiment::raw::Section;
use serde::Serialize;

/// What the episode's return is compared with, on the same seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// The policy itself, without drawing.
    Greedy,
    Margin,
    Random,
}

section! {
    /// How the policy is trained: by imitation, then by an evolution strategy, then by policy gradient; the last two
    /// are off unless they are given iterations. Without the section nothing is trained.
    pub struct Train(algorithms: &Algorithms) {
        /// Learning from the greedy one-step oracle.
        imitation: Imitation = table(Imitation::keys);
        /// Imitation again, on states that the imitated policy comes through (DAgger).
        dagger: Dagger = table(Dagger::keys);
        /// Search among policies near the imitated one, by how they play.
        evolution: Evolution = table(Evolution::keys);
        /// What learns further policies.
        #[serde(flatten)]
        algorithms: AlgorithmSettings = inline(|section| AlgorithmSettings::keys(section, algorithms));
        /// Reinforcement learning.
        policy_gradient: PolicyGradient = table(PolicyGradient::keys);
        /// The scoring network.
        network: PolicyNetwork = table(PolicyNetwork::keys);
        /// The policy's third head, which says how the network of `[search]` grows.
        architecture: ArchitectureHead = table(ArchitectureHead::keys);
        /// Episodes per validation task by which checkpoints are chosen.
        validation_episodes: usize = whole(1..=100_000).or(16);
    }
}

section! {
    /// `imitation = { … }`: learning from the greedy one-step oracle.
    pub struct Imitation {
        /// Episodes per source task.
        episodes: usize = whole(1..=10_000).or(3);
        /// States per episode that the oracle judges.
        states: usize = whole(1..=10_000).or(6);
        /// Candidates per state whose gain is simulated.
        candidates: usize = whole(2..=2_000).or(12);
        /// The part of a gain that is the mean probability of the true class; the rest is accuracy, of which one label
        /// moves little but by chance.
        soft: f64 = number(0.0..=1.0).or(0.5);
        /// Queries of one row over which a candidate's gain is averaged. Those after the first are margin's, or in DAgger
        /// the policy's: with more than one, imitation is policy iteration by rollouts.
        horizon: usize = whole(1..=1_000).or(1);
        /// Passes over the judged states; 0 turns imitation off.
        epochs: usize = whole(0..=100_000).or(40);
        /// Softness of the oracle's choice, in standard deviations of a task's gains.
        temperature: f64 = number(1e-3..=100.0).or(0.25);
        /// Step size of Adam.
        learning_rate: f64 = number(1e-9..=10.0).or(2e-3);
        /// Groups of features that the policy may not use, for ablations. Only for a linear network that nothing but
        /// imitation trains.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        without: Vec<String> = list(feature_group()).or(vec![]);
    }
}

section! {
    /// `dagger = { … }`: imitation again, on states that the imitated policy comes through.
    pub struct Dagger {
        /// Times that the policy plays, is judged by the oracle, and is fitted again to all states so far; 0 turns it
        /// off.
        rounds: usize = whole(0..=1_000).or(0);
        /// Episodes per source task and round.
        episodes: usize = whole(1..=10_000).or(1);
        /// In round `e`, the chance `mixing^e` that an episode is played as those of the first imitation were.
        mixing: f64 = number(0.0..=1.0).or(0.5);
    }
}

section! {
    /// `evolution = { … }`: search among policies near the imitated one, by how they play.
    pub struct Evolution {
        /// Steps of the policy; 0 turns the evolution strategy off.
        iterations: usize = whole(0..=1_000_000).or(0);
        /// Directions per step, each played both ways.
        pairs: usize = whole(1..=MAX_PAIRS).or(32);
        /// Source tasks that a pair is played on.
        tasks_per_pair: usize = whole(1..=100_000).or(4);
        /// Episodes per pair, task and way.
        episodes: usize = whole(1..=1_000).or(1);
        /// The part of a return that is the mean probability of the true class; the rest is the metric.
        soft: f64 = number(0.0..=1.0).or(0.0);
        /// Size of a move: by how much it disturbs scores, in units of what they differ.
        sigma: f64 = number(1e-6..=100.0).or(0.3);
        /// Step size of Adam, in the same unit.
        learning_rate: f64 = number(1e-9..=10.0).or(0.03);
        /// Pull back to the imitated policy, per step and times the step size.
        decay: f64 = number(0.0..=1.0).or(0.1);
        /// Steps between two looks at the validation tasks; the best policy is kept.
        validate_every: usize = whole(1..=1_000_000).or(5);
    }
}

section! {
    /// `policy_gradient = { … }`: reinforcement learning.
    pub struct PolicyGradient {
        /// Updates of the policy; 0 turns reinforcement learning off.
        iterations: usize = whole(0..=1_000_000).or(0);
        /// Episodes per update.
        episodes: usize = whole(1..=100_000).or(16);
        /// The part of a return that is the mean probability of the true class; the rest is the metric.
        soft: f64 = number(0.0..=1.0).or(0.0);
        /// Updates between two looks at the validation tasks; the best policy is kept.
        validate_every: usize = whole(1..=1_000_000).or(5);
        /// Step size of Adam.
        learning_rate: f64 = number(1e-9..=10.0).or(1e-3);
        /// What the imitated scores are multiplied by before episodes are drawn from them. It changes no ranking;
        /// imitated scores are so close to one another that draws from them would be near uniform.
        sharpness: f64 = number(1e-3..=1e3).or(8.0);
        /// Weight of the entropy bonus.
        entropy: f64 = number(0.0..=10.0).or(0.01);
        /// Whose return on the same seed is subtracted; `"greedy"` is the policy itself, without drawing.
        baseline: Baseline = word(BASELINES).or(Baseline::Greedy);
    }
}

section! {
    /// `network = { … }`: the scoring network.
    pub struct PolicyNetwork {
        /// `"linear"` in features times globals, `"deep_sets"`, `"attention"`, or `"mlp"` (no candidate sees another).
        kind: NetworkKind = word(NETWORKS).or(NetworkKind::Linear);
        /// Width of every hidden layer.
        hidden: usize = whole(1..=MAX_HIDDEN).or(if kind == NetworkKind::Attention { 64 } else { 32 })
            .absent("32, 64 with `\"attention\"`");
        /// Hidden layers before and, again, after the candidates are pooled, or layers of the perceptron or of
        /// attention.
        layers: usize = whole(1..=MAX_LAYERS).or(2);
        /// Heads of attention; they must divide the width.
        heads: usize = whole(1..=MAX_HIDDEN).or(4);
        /// Inducing points of attention.
        inducing: usize = whole(1..=MAX_INDUCING).or(32);
    }
}

section! {
    /// `architecture = { … }`: the policy's third head, which says how the network of `[search]` grows.
    pub struct ArchitectureHead {
        /// Episodes per source task; 0 trains no head.
        episodes: usize = whole(0..=10_000).or(0);
        /// Rounds per episode in which every move is tried.
        states: usize = whole(1..=10_000).or(6);
        /// Networks trained per move.
        trainings: usize = whole(1..=256).or(4);
        /// What a doubling of multiply-adds has to gain to be worth it, in accuracy.
        penalty: f64 = number(0.0..=1.0).or(0.002);
        /// Passes over the tried rounds.
        epochs: usize = whole(0..=100_000).or(60);
    }
}

/// What the scoring network is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NetworkKind {
    DeepSets,
    Linear,
    Mlp,
    Attention,
}

/// The words for networks.
const NETWORKS: [(&str, NetworkKind); 4] = [
    ("linear", NetworkKind::Linear),
    ("deep_sets", NetworkKind::DeepSets),
    ("mlp", NetworkKind::Mlp),
    ("attention", NetworkKind::Attention),
];
/// The words for what returns are compared with.
const BASELINES: [(&str, Baseline); 3] =
    [("greedy", Baseline::Greedy), ("margin", Baseline::Margin), ("random", Baseline::Random)];

impl Train {
    pub(in crate::experiment) fn read(
        mut section: Section,
        algorithms: &Algorithms,
    ) -> Result<Self, ExperimentError> {
        let train = Self::keys(&mut section, algorithms)?;
        let searched = train.evolution.iterations + train.policy_gradient.iterations > 0;
        let linear = train.network.kind == NetworkKind::Linear;
        if !train.imitation.without.is_empty() && (searched || !linear) {
            return Err(ExperimentError::Conflict {
                place: section.place().clone(),
                key: section.name("imitation.without"),
                why: "takes features from a linear network that nothing but imitation trains".into(),
                hint: "set train.network.kind to \"linear\", and train.evolution.iterations and train.policy_gradient.iterations to 0".into(),
            });
        }
        section.finish()?;
        Ok(train)
    }
}

/// The name of a group of features.
fn feature_group<'a>() -> Rule<'a, String> {
    word(groups().iter().map(|group| (group.name, group.name))).map(str::to_string)
}
