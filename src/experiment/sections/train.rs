//! `[train]`: imitation of the greedy oracle, then, if asked for, an evolution strategy and policy gradient.
//!
//! The defaults are the recipe of the policy that comes with the program: a linear scorer over 252 generated tasks,
//! trained by imitation alone. Evolution, policy gradient and larger networks cost many times as much and were not
//! ahead of it beyond noise (`experiments/policy/README.md`).

use crate::agent::evolution::MAX_PAIRS;
use crate::agent::network::{MAX_HIDDEN, MAX_INDUCING, MAX_LAYERS};
use crate::episode::features::groups;
use crate::experiment::error::ExperimentError;
use crate::experiment::raw::{self, Section};
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

/// The policy is trained by imitation, then by an evolution strategy, then by policy gradient; the last two are
/// off unless they are given iterations.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Train {
    pub imitation: Imitation,
    pub dagger: Dagger,
    pub evolution: Evolution,
    pub dqn: Dqn,
    pub dataset_embedding: DatasetEmbedding,
    pub policy_gradient: PolicyGradient,
    pub network: PolicyNetwork,
    pub architecture: ArchitectureHead,
    /// Episodes per validation task by which checkpoints are chosen. Default 16.
    pub validation_episodes: usize,
}

/// `imitation = { … }`: learning from the greedy one-step oracle.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Imitation {
    /// Episodes per source task. Default 3.
    pub episodes: usize,
    /// States per episode that the oracle judges. Default 6.
    pub states: usize,
    /// Candidates per state whose gain is simulated. Default 12.
    pub candidates: usize,
    /// The part of a gain that is the mean probability of the true class; the rest is accuracy, of which one label
    /// moves little but by chance. 0 to 1. Default 0.5.
    pub soft: f64,
    /// Passes over the judged states; 0 turns imitation off. Default 40.
    pub epochs: usize,
    /// Softness of the oracle's choice, in standard deviations of a task's gains. Default 0.25.
    pub temperature: f64,
    /// Step size of Adam. Default 2e-3.
    pub learning_rate: f64,
    /// Groups of features that the policy may not use, for ablations: names of
    /// [`groups`](crate::episode::features::groups). Only for a linear network that nothing but imitation
    /// trains. Default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
}

/// `dagger = { … }`: imitation again, on states that the imitated policy comes through.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Dagger {
    /// Times that the policy plays, is judged by the oracle, and is fitted again to all states so far; 0,
    /// the default, turns it off.
    pub rounds: usize,
    /// Episodes per source task and round. Default 1.
    pub episodes: usize,
    /// In round `e`, the chance `mixing^e` that an episode is played as those of the first imitation were.
    /// Default 0.5.
    pub mixing: f64,
}

/// `evolution = { … }`: search among policies near the imitated one, by how they play.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Evolution {
    /// Steps of the policy; 0, the default, turns the evolution strategy off.
    pub iterations: usize,
    /// Directions per step, each played both ways. Default 32.
    pub pairs: usize,
    /// Source tasks that a pair is played on. Default 4.
    pub tasks_per_pair: usize,
    /// Episodes per pair, task and way. Default 1.
    pub episodes: usize,
    /// Size of a move: by how much it disturbs scores, in units of what they differ. Default 0.3.
    pub sigma: f64,
    /// Step size of Adam, in the same unit. Default 0.03.
    pub learning_rate: f64,
    /// Pull back to the imitated policy, per step and times the step size. Default 0.1.
    pub decay: f64,
    /// Steps between two looks at the validation tasks; the best policy is kept. Default 5.
    pub validate_every: usize,
}

/// `policy_gradient = { … }`: reinforcement learning.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PolicyGradient {
    /// Updates of the policy; 0, the default, turns reinforcement learning off.
    pub iterations: usize,
    /// Episodes per update. Default 16.
    pub episodes: usize,
    /// Updates between two looks at the validation tasks; the best policy is kept. Default 5.
    pub validate_every: usize,
    /// Step size of Adam. Default 1e-3.
    pub learning_rate: f64,
    /// What the imitated scores are multiplied by before episodes are drawn from them. It changes no
    /// ranking; imitated scores are so close to one another that draws from them would be near uniform.
    /// Default 8.
    pub sharpness: f64,
    /// Weight of the entropy bonus. Default 0.01.
    pub entropy: f64,
    /// `"greedy"` (default: the policy itself, without drawing), `"margin"` or `"random"`: whose return on
    /// the same seed is subtracted.
    pub baseline: Baseline,
}

/// `dqn = { … }`: deep Q-learning as LAL-RL has it, for comparison. It makes a second policy, the strategy
/// `"dqn"`, from episodes of single queries that end at 98 % of the accuracy with all labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Dqn {
    /// Iterations after the warm start; 0, the default, turns it off. Published: 1000.
    pub iterations: usize,
    /// Random episodes before anything is learned. Default 128.
    pub warm_episodes: usize,
    /// Episodes per iteration. Default 10.
    pub episodes: usize,
    /// Updates per iteration. Default 60.
    pub updates: usize,
    /// Iterations between two looks at the validation tasks; the best network is kept. Default 100.
    pub validate_every: usize,
}

/// `dataset_embedding = { … }`: the policy of Pang et al., for comparison: over raw inputs of any width, by
/// policy gradient over many data sets. It makes a further policy, the strategy `"dataset_embedding"`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct DatasetEmbedding {
    /// Updates; 0, the default, turns it off.
    pub iterations: usize,
    /// Source tasks per update. Default 4.
    pub tasks: usize,
    /// Episodes per task and update; each is a baseline for the others. Default 4.
    pub episodes: usize,
    /// Updates between two looks at the validation tasks; the best network is kept. Default 10.
    pub validate_every: usize,
    /// Step size of Adam. Default 1e-3.
    pub learning_rate: f64,
}

/// `architecture = { … }`: the policy's third head, which says how the network of `[search]` grows.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ArchitectureHead {
    /// Episodes per source task; 0, the default, trains no head.
    pub episodes: usize,
    /// Rounds per episode in which every move is tried. Default 6.
    pub states: usize,
    /// Networks trained per move. Default 4.
    pub trainings: usize,
    /// What a doubling of multiply-adds has to gain to be worth it, in accuracy. Default 0.002.
    pub penalty: f64,
    /// Passes over the tried rounds. Default 60.
    pub epochs: usize,
}

/// `network = { … }`: the scoring network.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PolicyNetwork {
    /// `"linear"` (default) in features times globals, `"deep_sets"`, `"attention"`, or `"mlp"` (no candidate sees
    /// another).
    pub kind: NetworkKind,
    /// Width of every hidden layer. Default 32, 64 with attention.
    pub hidden: usize,
    /// Hidden layers before and, again, after the candidates are pooled, or layers of the perceptron or of
    /// attention. Default 2.
    pub layers: usize,
    /// Heads of attention; they must divide the width. Default 4.
    pub heads: usize,
    /// Inducing points of attention. Default 32.
    pub inducing: usize,
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

impl Train {
    pub(in crate::experiment) fn read(mut section: Section) -> Result<Self, ExperimentError> {
        let mut s = section.section_or_empty("imitation")?;
        let imitation = Imitation {
            episodes: s.count("episodes", 3, 1..=10_000)?,
            states: s.count("states", 6, 1..=10_000)?,
            candidates: s.count("candidates", 12, 2..=2_000)?,
            soft: s.number("soft", 0.5, 0.0..=1.0)?,
            epochs: s.count("epochs", 40, 0..=100_000)?,
            temperature: s.number("temperature", 0.25, 1e-3..=100.0)?,
            learning_rate: s.number("learning_rate", 2e-3, 1e-9..=10.0)?,
            without: without(&mut s)?,
        };
        s.finish()?;
        let mut s = section.section_or_empty("dagger")?;
        let dagger = Dagger {
            rounds: s.count("rounds", 0, 0..=1_000)?,
            episodes: s.count("episodes", 1, 1..=10_000)?,
            mixing: s.number("mixing", 0.5, 0.0..=1.0)?,
        };
        s.finish()?;
        let mut s = section.section_or_empty("evolution")?;
        let evolution = Evolution {
            iterations: s.count("iterations", 0, 0..=1_000_000)?,
            pairs: s.count("pairs", 32, 1..=MAX_PAIRS)?,
            tasks_per_pair: s.count("tasks_per_pair", 4, 1..=100_000)?,
            episodes: s.count("episodes", 1, 1..=1_000)?,
            sigma: s.number("sigma", 0.3, 1e-6..=100.0)?,
            learning_rate: s.number("learning_rate", 0.03, 1e-9..=10.0)?,
            decay: s.number("decay", 0.1, 0.0..=1.0)?,
            validate_every: s.count("validate_every", 5, 1..=1_000_000)?,
        };
        s.finish()?;
        let mut s = section.section_or_empty("dqn")?;
        let dqn = Dqn {
            iterations: s.count("iterations", 0, 0..=1_000_000)?,
            warm_episodes: s.count("warm_episodes", 128, 1..=100_000)?,
            episodes: s.count("episodes", 10, 1..=100_000)?,
            updates: s.count("updates", 60, 0..=100_000)?,
            validate_every: s.count("validate_every", 100, 1..=1_000_000)?,
        };
        s.finish()?;
        let mut s = section.section_or_empty("dataset_embedding")?;
        let dataset_embedding = DatasetEmbedding {
            iterations: s.count("iterations", 0, 0..=1_000_000)?,
            tasks: s.count("tasks", 4, 1..=100_000)?,
            episodes: s.count("episodes", 4, 2..=1_000)?,
            validate_every: s.count("validate_every", 10, 1..=1_000_000)?,
            learning_rate: s.number("learning_rate", 1e-3, 1e-9..=10.0)?,
        };
        s.finish()?;
        let mut s = section.section_or_empty("policy_gradient")?;
        let policy_gradient = PolicyGradient {
            iterations: s.count("iterations", 0, 0..=1_000_000)?,
            episodes: s.count("episodes", 16, 1..=100_000)?,
            validate_every: s.count("validate_every", 5, 1..=1_000_000)?,
            learning_rate: s.number("learning_rate", 1e-3, 1e-9..=10.0)?,
            sharpness: s.number("sharpness", 8.0, 1e-3..=1e3)?,
            entropy: s.number("entropy", 0.01, 0.0..=10.0)?,
            baseline: s.choice(
                "baseline",
                Baseline::Greedy,
                &[("greedy", Baseline::Greedy), ("margin", Baseline::Margin), ("random", Baseline::Random)],
            )?,
        };
        s.finish()?;
        let mut s = section.section_or_empty("network")?;
        let kind = s.choice(
            "kind",
            NetworkKind::Linear,
            &[
                ("linear", NetworkKind::Linear),
                ("deep_sets", NetworkKind::DeepSets),
                ("mlp", NetworkKind::Mlp),
                ("attention", NetworkKind::Attention),
            ],
        )?;
        let width = if kind == NetworkKind::Attention { 64 } else { 32 };
        let network = PolicyNetwork {
            kind,
            hidden: s.count("hidden", width, 1..=MAX_HIDDEN)?,
            layers: s.count("layers", 2, 1..=MAX_LAYERS)?,
            heads: s.count("heads", 4, 1..=MAX_HIDDEN)?,
            inducing: s.count("inducing", 32, 1..=MAX_INDUCING)?,
        };
        s.finish()?;
        let mut s = section.section_or_empty("architecture")?;
        let architecture = ArchitectureHead {
            episodes: s.count("episodes", 0, 0..=10_000)?,
            states: s.count("states", 6, 1..=10_000)?,
            trainings: s.count("trainings", 4, 1..=256)?,
            penalty: s.number("penalty", 0.002, 0.0..=1.0)?,
            epochs: s.count("epochs", 60, 0..=100_000)?,
        };
        s.finish()?;
        let searched = evolution.iterations + policy_gradient.iterations > 0;
        if !imitation.without.is_empty() && (searched || kind != NetworkKind::Linear) {
            return Err(ExperimentError::Conflict {
                place: section.place().clone(),
                key: section.name("imitation.without"),
                why: "takes features from a linear network that nothing but imitation trains".into(),
                hint: "set train.network.kind to \"linear\", and train.evolution.iterations and train.policy_gradient.iterations to 0".into(),
            });
        }
        let validation_episodes = section.count("validation_episodes", 16, 1..=100_000)?;
        section.finish()?;
        Ok(Self {
            imitation,
            dagger,
            evolution,
            dqn,
            dataset_embedding,
            policy_gradient,
            network,
            architecture,
            validation_episodes,
        })
    }
}

fn without(section: &mut Section) -> Result<Vec<String>, ExperimentError> {
    let read = |node, name: String| {
        let (found, place) = raw::text_of(node, name.clone())?;
        let groups = groups();
        let known = groups.iter().map(|group| group.name);
        if known.clone().any(|name| name == found) {
            Ok(found)
        } else {
            Err(raw::unknown_word(place, name, found, known))
        }
    };
    Ok(section.list("without", read)?.unwrap_or_default())
}
