//! [`Flags`]: what the arguments of a selection are called on the command line.

use crate::cli::args::SelectArgs;
use crate::select::{Argument, Need, Words};
use std::path::Path;

/// Options, and the files behind them.
pub(super) struct Flags<'a>(pub(super) &'a SelectArgs);

impl Flags<'_> {
    /// Whether an option was given.
    pub(super) fn give(&self, argument: Argument) -> bool {
        let args = self.0;
        match argument {
            Argument::Labelled | Argument::Labels => args.labelled.is_some(),
            Argument::Probabilities => args.proba.is_some(),
            Argument::Passes => args.passes.is_some(),
            Argument::Committee => args.committee.is_some(),
            Argument::Embeddings => args.embeddings.is_some(),
            Argument::Head => args.head.is_some(),
            Argument::Temperature => args.temperature.is_some(),
            Argument::Classes => args.classes.is_some(),
            Argument::Budget => args.budget.is_some(),
            Argument::Normalised => args.normalise,
            _ => true,
        }
    }

    fn file(&self, argument: Argument) -> Option<&Path> {
        let args = self.0;
        match argument {
            Argument::Features => args.pool.as_deref(),
            // Of a pool without candidates either is the one to look at.
            Argument::Labelled | Argument::Labels => args.labelled.as_deref().or(args.pool.as_deref()),
            Argument::Probabilities => args.proba.as_deref(),
            Argument::Passes => args.passes.as_deref(),
            Argument::Committee => args.committee.as_deref(),
            Argument::Embeddings => args.embeddings.as_deref(),
            Argument::Head => args.head.as_deref(),
            _ => None,
        }
    }
}

impl Words for Flags<'_> {
    fn argument(&self, argument: Argument) -> String {
        let option = match argument {
            Argument::Features => "--pool",
            Argument::Labelled | Argument::Labels => "--labelled",
            Argument::Probabilities => "--proba",
            Argument::Passes => "--passes",
            Argument::Committee => "--committee",
            Argument::Embeddings => "--embeddings",
            Argument::Head => "--head",
            Argument::Temperature => "--temperature",
            Argument::Classes => "--classes",
            Argument::Batch => "--batch",
            Argument::Budget => "--budget",
            Argument::Normalised => "--normalise",
        };
        option.to_string()
    }

    fn place(&self, argument: Argument) -> String {
        self.file(argument).map_or_else(|| self.argument(argument), |file| file.display().to_string())
    }

    fn give(&self, need: Need) -> String {
        let hint = match need {
            Need::Probabilities => "give --proba FILE.npy",
            Need::Passes => "give --passes FILE.npy",
            Need::Committee => "give --committee FILE.npy",
            Need::Temperature => "give --temperature T",
            Need::Classes => "give --classes C, or --proba FILE.npy",
            Need::Labels => "give --labelled FILE.csv with the classes in a second column",
            Need::Head => "give --head FILE.npz with W and b",
            Need::Network => {
                "give --head FILE.npz with W and b, the layer that makes logits of the pool's rows"
            }
            Need::PredictedLoss => {
                "it works within an experiment only (`querist run`); of losses of your own, ask for the largest"
            }
            Need::Episode => "it works within an experiment only (`querist run`)",
        };
        hint.to_string()
    }

    fn choose_by_policy(&self) -> String {
        "give --policy instead of --strategy".to_string()
    }
}
