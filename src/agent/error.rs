//! What can go wrong in the agent layer.

use crate::durable::InputError;
use crate::error::{Exit, Fault, shorten};

/// A failure of the agent layer: a rule per variant, with the place and both numbers.
#[derive(Clone, Debug, PartialEq, thiserror::Error, miette::Diagnostic)]
pub enum AgentError {
    /// A size of the network or of training outside its limits.
    #[error("{place} is {found}, expected {least} to {most}")]
    Setting { place: &'static str, found: usize, least: usize, most: usize },
    /// A rate or weight outside its limits.
    #[error("{place} is {found}, expected {expected}")]
    Rate { place: &'static str, found: f64, expected: &'static str },
    /// A score that is NaN or infinite.
    #[error("scores: candidate {row} has score {score}, expected a finite number")]
    #[diagnostic(help("the network's weights or the features have overflowed"))]
    Score { row: u32, score: f32 },
    /// Scores for another number of candidates.
    #[error("scores: {scores} scores for {candidates} candidates")]
    Scores { scores: usize, candidates: usize },
    /// There is nothing to learn from.
    #[error("{place}: nothing to train on")]
    #[diagnostic(help("at least one state with two candidates or more is needed"))]
    NothingToLearn { place: &'static str },
    /// Gains for more candidates than the state has, or for none.
    #[error("imitation: state {state} has {gains} gains for {candidates} candidates")]
    Gains { state: usize, gains: usize, candidates: usize },
    /// A gain that is NaN or infinite.
    #[error("imitation: gain {index} of state {state} is {value}, expected a finite number")]
    Gain { state: usize, index: usize, value: f32 },
    /// One task on both sides of the choice of the epoch.
    #[error("imitation: task {task} is among the training tasks and among the validation tasks")]
    #[diagnostic(help("split tasks by domain, not by seed"))]
    Leak { task: u32 },
    /// The normal equations have no solution.
    #[error("ridge: the equations of {size} unknowns have no solution")]
    #[diagnostic(help("use a larger ridge penalty"))]
    Ridge { size: usize },
    /// A reward that is NaN or infinite.
    #[error("policy gradient: {what} {step} of trajectory {trajectory} is {value}, expected a finite number")]
    #[diagnostic(help("such an episode must be recorded as failed, not learned from"))]
    Reward { what: &'static str, trajectory: usize, step: usize, value: f64 },
    /// Returns for another number of decisions.
    #[error("policy gradient: trajectory {trajectory} has {returns} {what} for {decisions} decisions")]
    Returns { what: &'static str, trajectory: usize, returns: usize, decisions: usize },
    /// A pick that does not exist or stands twice in its batch.
    #[error(
        "policy gradient: pick {pick} of decision {decision} of trajectory {trajectory} is repeated, or \
         beyond its {candidates} candidates"
    )]
    Pick { trajectory: usize, decision: usize, pick: usize, candidates: usize },
    /// A decision without a pick.
    #[error("policy gradient: decision {decision} of trajectory {trajectory} picks nothing")]
    NoPick { trajectory: usize, decision: usize },
    /// A duel of a pair that was not drawn.
    #[error("evolution: duel {duel} is of pair {pair}, but {pairs} pairs were drawn")]
    AntitheticPair { duel: usize, pair: usize, pairs: usize },
    /// A duel's return that is NaN or infinite.
    #[error("evolution: a return of duel {duel}, of pair {pair}, is {value}, expected a finite number")]
    #[diagnostic(help("such an episode must be recorded as failed, not learned from"))]
    PairResult { duel: usize, pair: usize, value: f64 },
    /// Training left the finite numbers.
    #[error("training: the gradient norm at update {update} is {norm}, expected a finite number")]
    #[diagnostic(help("lower the learning rate"))]
    Diverged { update: u64, norm: f64 },
    /// A validation figure that is NaN or infinite.
    #[error("training: validation at iteration {iteration} gave {value}, expected a finite number")]
    Validation { iteration: u32, value: f64 },
    /// A file of weights that is larger than any policy.
    #[error("{file}: {found} bytes, at most {limit} are read")]
    FileSize { file: &'static str, found: usize, limit: usize },
    /// A header that is larger than any policy's.
    #[error("{file}: header of {found} bytes, at most {limit} are read")]
    HeaderSize { file: &'static str, found: u64, limit: u64 },
    /// Not a well-formed safetensors file: truncated, overlapping, with holes, not JSON.
    #[error("{file}: {reason}")]
    #[diagnostic(help("the file is damaged or is no safetensors file"))]
    Malformed { file: &'static str, reason: String },
    /// A tensor that the network has and the file lacks, or the reverse.
    #[error("{file}: tensor `{}` is {state}", shorten(name))]
    TensorSet { file: &'static str, name: String, state: &'static str },
    /// A tensor of another element type.
    #[error("{file}: tensor `{}` holds {found}, expected {expected}", shorten(name))]
    TensorType { file: &'static str, name: String, found: String, expected: String },
    /// A tensor of another shape.
    #[error("{file}: tensor `{}` has shape {}, expected {expected:?}", shorten(name), shorten(&format!("{found:?}")))]
    TensorShape { file: &'static str, name: String, found: Vec<usize>, expected: Vec<usize> },
    /// A weight that is NaN or infinite.
    #[error("{file}: value {index} of tensor `{}` is {value}, expected a finite number", shorten(name))]
    Weight { file: &'static str, name: String, index: usize, value: f32 },
    /// The card does not parse.
    #[error("card.toml: {reason}")]
    Card { reason: String },
    /// Automatic differentiation in a program that was built without burn.
    #[error("{place}: this program was built without the feature `burn`, by which gradients are computed")]
    #[diagnostic(help("build it with the default features; policies that are trained already need none"))]
    NoBurn { place: &'static str },
    /// A file of the policy's folder cannot be read.
    #[error("{error}")]
    #[diagnostic(help("a policy is a folder with `policy.safetensors` and `card.toml`"))]
    Unreadable { error: InputError },
    /// Neither a folder nor the name of a policy that comes with the program.
    #[error("policy \"{}\" is no folder, and none of that name comes with the program", shorten(name))]
    #[diagnostic(help("`querist policies` lists those there are: {}", known.join(", ")))]
    NoPolicy { name: String, known: Vec<&'static str> },
    /// The card belongs to other weights.
    #[error("policy.safetensors: sha256 is {found}, but card.toml says {}", shorten(expected))]
    #[diagnostic(help("card and weights are from different policies, or one was edited"))]
    Digest { found: String, expected: String },
    /// A file that does not have the digest it ends with.
    #[error("{file}: sha256 is {found}, but the file ends with {expected}")]
    #[diagnostic(help("the file is truncated or damaged"))]
    Damaged { file: &'static str, found: String, expected: String },
    /// The card's format is one that this version does not know.
    #[error("card.toml: format {found}, this version knows {known}")]
    #[diagnostic(help("the policy was saved by a newer version"))]
    Format { found: u32, known: u32 },
    /// The policy was trained on other features.
    #[error("card.toml: feature schema {found}, this version computes schema {known}")]
    #[diagnostic(help("use the version that made the policy, or train it again"))]
    SchemaVersion { found: u32, known: u32 },
    /// The features have other names, at `index`.
    #[error("card.toml: {kind} feature {index} is `{}`, this version computes `{known}`", shorten(found))]
    #[diagnostic(help("use the version that made the policy, or train it again"))]
    SchemaName { kind: &'static str, index: usize, found: String, known: String },
    /// A head that sees other things than this version shows.
    #[error("card.toml: head of version {found}, this version knows {known}")]
    #[diagnostic(help("use the version that made the policy, or train it again"))]
    HeadVersion { found: u32, known: u32 },
    /// A policy that has learned nothing about architectures is to choose one.
    #[error("policy \"{}\" has no head that chooses architectures", shorten(name))]
    #[diagnostic(help("train one with `architecture = {{ episodes = 2 }}` under [train]"))]
    NoHead { name: String },
    /// A head without the features of the round.
    #[error("head: the round's features are missing")]
    HeadBlind,
    /// A part of a computation that is not what this computation keeps.
    #[error("part `{}`: {}", shorten(name), shorten(reason))]
    #[diagnostic(help(
        "parts continue only the run that kept them: start anew in another folder with --out, or with --fresh"
    ))]
    Part { name: String, reason: String },
    /// A checkpoint of other settings, another key or another program.
    #[error("checkpoint: {what} is {}, expected {expected}", shorten(found))]
    #[diagnostic(help("a checkpoint continues only the training that wrote it"))]
    Checkpoint { what: &'static str, found: String, expected: String },
}

impl Fault for AgentError {
    fn exit(&self) -> Exit {
        match self {
            // The work itself went wrong; nobody handed in anything bad.
            Self::Score { .. }
            | Self::Ridge { .. }
            | Self::Reward { .. }
            | Self::AntitheticPair { .. }
            | Self::PairResult { .. }
            | Self::Diverged { .. }
            | Self::Validation { .. } => Exit::Failed,
            _ => Exit::BadInput,
        }
    }
}
