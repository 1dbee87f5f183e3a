//! [`Need`]: what a selector cannot do without, and how to give it.

use super::words::Argument;
use crate::data::TargetKind;
use crate::query::{Kinds, Needs};
use std::fmt;

/// Something that a selector cannot do without. Displays as what it is: "class probabilities".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Need {
    Probabilities,
    Passes,
    Committee,
    Temperature,
    Classes,
    Labels,
    Head,
    Network,
    PredictedLoss,
    /// What a simulation or an episode provides, and no array can.
    Episode,
}

impl Need {
    /// What a strategy with these needs, for these kinds of targets, has to be given for one query on plain arrays, in the
    /// order in which it is asked for. Features are always there, and stand for embeddings where there are none. Labels of
    /// arrays are classes, so that what asks for numbers works in episodes alone.
    pub fn of(needs: Needs, kinds: Kinds) -> Vec<Need> {
        let rules = [
            (!kinds.serve(TargetKind::Class), Need::Episode),
            (needs.probabilities, Need::Probabilities),
            (needs.passes > 0, Need::Passes),
            (needs.committee > 0, Need::Committee),
            (needs.temperature, Need::Temperature),
            (needs.classes, Need::Classes),
            (needs.labels, Need::Labels),
            (needs.head, Need::Head),
            (needs.network, Need::Network),
            (needs.predicted_loss, Need::PredictedLoss),
            (
                needs.lookahead > 0
                    || needs.drafts > 0
                    || needs.neighbours
                    || needs.ablations
                    || needs.mixing,
                Need::Episode,
            ),
        ];
        rules.into_iter().filter(|(needed, _)| *needed).map(|(_, need)| need).collect()
    }

    /// The arguments of which any one will do; empty where none will.
    pub fn arguments(self) -> &'static [Argument] {
        match self {
            Need::Probabilities => &[Argument::Probabilities],
            Need::Passes => &[Argument::Passes],
            Need::Committee => &[Argument::Committee],
            Need::Temperature => &[Argument::Temperature],
            Need::Classes => &[Argument::Classes, Argument::Probabilities, Argument::Head],
            Need::Labels => &[Argument::Labels],
            Need::Head | Need::Network => &[Argument::Head],
            Need::PredictedLoss | Need::Episode => &[],
        }
    }

    /// How to give it to a [`Request`](super::Request).
    pub fn advice(self) -> &'static str {
        match self {
            Need::Probabilities => "give `probabilities`, shape [n, classes]",
            Need::Passes => "give `passes`, one array of shape [n, classes] per pass",
            Need::Committee => "give `committee`, one array of shape [n, classes] per member",
            Need::Temperature => "give `temperature`",
            Need::Classes => "give `classes`, or `probabilities`",
            Need::Labels => "give `labelled` and `labels`, one class per labelled row",
            Need::Head => "give `head`, the weights [classes, d] and biases of the last layer",
            Need::Network => {
                "give `head`, the weights [classes, d] and biases of the layer that makes logits of the features"
            }
            Need::PredictedLoss => {
                "it works within an experiment only (`Pipeline`); of losses of your own, ask for the largest"
            }
            Need::Episode => "it works within an experiment only (`Pipeline`)",
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Need::Probabilities => "class probabilities",
            Need::Passes => "stochastic passes",
            Need::Committee => "committee members",
            Need::Temperature => "the temperature",
            Need::Classes => "the number of classes",
            Need::Labels => "the classes of labelled rows",
            Need::Head => "the last layer's weights",
            Need::Network => "the network's weights",
            Need::PredictedLoss => "predicted losses",
            Need::Episode => "what a simulation or an episode provides",
        })
    }
}
