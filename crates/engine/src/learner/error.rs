//! What can be wrong with what a learner is asked to do.

use crate::data::TargetKind;
use crate::data::target::number_of;
use crate::error::Fault;

/// Why a network is not built, trained or loaded.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
pub enum LearnError {
    /// More networks than a bank may have, or none.
    #[error("bank: {found} networks, expected 1 to {limit}")]
    Lanes { found: usize, limit: usize },
    /// A bank that would take too much memory.
    #[error(
        "bank: {models} networks of {parameters} parameters need {found} numbers, at most {limit} are allowed"
    )]
    #[diagnostic(help("use fewer networks in one bank or a smaller architecture"))]
    Memory { models: usize, parameters: usize, found: usize, limit: usize },
    /// Convolutions, or other activations than the rectifier, where they cannot be computed with.
    #[error("{architecture}: only rectified networks for vectors can be computed with here")]
    #[diagnostic(help("choose a strategy that reads no gradients and predicts no losses"))]
    NotRectified { architecture: String },
    /// What burn computes, in a program that was built without.
    #[error("{what}: this program was built without the feature `burn`")]
    #[diagnostic(help(
        "build it with the default features, or use rectified networks for vectors on the processor"
    ))]
    NoBurn { what: String },
    /// A CUDA device in a program that was built without.
    #[error("device cuda: this program was built without the feature `cuda`")]
    #[diagnostic(help("build it with `cargo build --release --features cuda`, or leave --device out"))]
    NoCuda,
    /// A CUDA device where there is none.
    #[error("device cuda: no NVIDIA device, or no driver for it, was found on this machine")]
    #[diagnostic(help("see that `nvidia-smi` lists one, or leave --device out"))]
    NoDevice,
    /// As many keys or data sets as networks are needed.
    #[error("bank: {found} {what} for {expected} networks")]
    Count { what: &'static str, expected: usize, found: usize },
    /// A model without rows to train on.
    #[error("network {model}: no labelled rows to train on")]
    #[diagnostic(help("label at least one row before training"))]
    NoRows { model: usize },
    /// The stop rule needs validation rows.
    #[error("network {model}: stopping on a validation loss needs validation rows, found none")]
    NoValidation { model: usize },
    /// Inputs of another width than the network's.
    #[error("network {model}: inputs have {found} columns, the network takes {expected}")]
    Width { model: usize, expected: usize, found: usize },
    /// As many labels as rows are needed.
    #[error("network {model}: {labels} labels for {rows} rows")]
    Labels { model: usize, rows: usize, labels: usize },
    /// A row that does not exist.
    #[error("network {model}: row {found} of inputs with {rows} rows")]
    Row { model: usize, found: u32, rows: usize },
    /// A class that the network has no output for.
    #[error("network {model}: class {found} at row {row}, the network has {classes} outputs")]
    Class { model: usize, row: u32, found: u32, classes: usize },
    /// Virtual rows whose parts do not fit the network or each other.
    #[error("network {model}: virtual rows have {found} {what}, expected {expected}")]
    VirtualShape { model: usize, what: &'static str, found: usize, expected: usize },
    /// Virtual rows that are no whole number of equal draws.
    #[error(
        "network {model}: {rows} virtual rows in {draws} draws, expected equally many in each of at least one"
    )]
    Draws { model: usize, rows: usize, draws: usize },
    /// A number of a virtual row out of its range.
    #[error("network {model}: virtual row {row} has {found} as {what}")]
    VirtualValue { model: usize, row: usize, what: &'static str, found: f32 },
    /// A set of labels beyond those that the network has an output for.
    #[error(
        "network {model}: the labels of row {row} are the bits {found:#b}, the network has {labels} outputs"
    )]
    LabelSet { model: usize, row: u32, found: u32, labels: usize },
    /// A target that is no number to be predicted.
    #[error("network {model}: the target at row {row} is {found}, expected a finite number")]
    Target { model: usize, row: u32, found: f32 },
    /// Other targets than classes, where only those are learned.
    #[error("{what}: networks learn classes alone there, and cannot be fitted to {}", found.name())]
    #[diagnostic(help("use rectified networks for vectors on the processor"))]
    Targets { what: String, found: TargetKind },
    /// A number of the training plan outside its range.
    #[error("training plan: {field} is {found}, expected {expected}")]
    Plan { field: &'static str, found: String, expected: &'static str },
    /// Fewer rows than an encoder can be fitted to.
    #[error("an encoder is fitted to {found} rows, expected at least {expected}")]
    #[diagnostic(help("leave the encoder out, or raise the number of rows of the pool"))]
    FewRows { found: usize, expected: usize },
    /// A logit or probability that is not a number to reckon with.
    #[error("score at row {row}, column {column} is {found}, expected a finite number")]
    Score { row: usize, column: usize, found: f32 },
    /// A layer that a network has not.
    #[error("layer {found} of a network with {layers} hidden ones")]
    Layer { found: usize, layers: usize },
    /// Activations of another width than the layer's.
    #[error("layer {layer}: {found} activations per row, the network has {expected}")]
    Activations { layer: usize, expected: usize, found: usize },
    /// A module that reads hidden activations, on a network that has none.
    #[error("the network has no hidden block whose activations could tell its loss")]
    #[diagnostic(help("give the learner a hidden layer"))]
    Taps,
    /// Stored weights of another network.
    #[error("network {model}: {found} weights, the architecture has {expected}")]
    Weights { model: usize, expected: usize, found: usize },
    /// A weight that is not a finite number.
    #[error("network {model}: weight {index} is {found}, expected a finite number")]
    NotFinite { model: usize, index: usize, found: f32 },
}

impl Fault for LearnError {}

impl LearnError {
    /// That a row's target is none of a network with so many outputs.
    pub(super) fn target(kind: TargetKind, model: usize, row: u32, found: u32, outputs: usize) -> Self {
        match kind {
            TargetKind::Class => Self::Class { model, row, found, classes: outputs },
            TargetKind::Real => Self::Target { model, row, found: number_of(found) },
            // Every word may be one of a mask.
            TargetKind::MultiLabel | TargetKind::Mask => {
                Self::LabelSet { model, row, found, labels: outputs }
            }
        }
    }
}
