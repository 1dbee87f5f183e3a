//! What a strategy may ask of the learner.

use serde::Serialize;

/// How one kind of request is left out, and joined with another's.
trait Ask: Copy {
    const NONE: Self;
    fn join(self, other: Self) -> Self;
}

impl Ask for bool {
    const NONE: Self = false;

    fn join(self, other: Self) -> Self {
        self || other
    }
}

impl Ask for usize {
    const NONE: Self = 0;

    fn join(self, other: Self) -> Self {
        self.max(other)
    }
}

impl<T: Copy> Ask for Option<T> {
    const NONE: Self = None;

    fn join(self, other: Self) -> Self {
        self.or(other)
    }
}

/// Makes [`Needs`] of one line per request.
macro_rules! needs {
    ($($(#[$about:meta])* $name:ident: $kind:ty,)*) => {
        /// The signals that a strategy asks of the learner. A plain set of flags and counts.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
        pub struct Needs {
            $($(#[$about])* pub $name: $kind,)*
        }

        impl Needs {
            /// Nothing but which rows are labelled.
            pub const NONE: Needs = Needs { $($name: <$kind as Ask>::NONE,)* };

            /// What two strategies need together. Of what there is one of in a view, they may not want two kinds: where
            /// both name a rate or a bootstrap, the first's stands, and [`registry`](super::registry) refuses arms that
            /// differ.
            pub fn union(self, other: Needs) -> Needs {
                Needs { $($name: self.$name.join(other.$name),)* }
            }
        }
    };
}

needs! {
    /// The inputs themselves, which every view has.
    inputs: bool,
    /// Class probabilities of every candidate; where targets are numbers, what is predicted of it.
    probabilities: bool,
    /// The number that is predicted of every candidate, where targets are numbers.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    predictions: bool,
    /// Penultimate embeddings of every row of the pool.
    embeddings: bool,
    /// Stochastic passes (MC-dropout) or committee members; zero for none.
    passes: usize,
    /// The dropout rate of the passes; `None` for the rate that the learner trains with.
    rate: Option<f32>,
    /// Candidates whose one-step gain is simulated with their true labels; zero for none. Simulation
    /// only.
    lookahead: usize,
    /// Batches that the strategy [drafts](super::Strategy::draft) and whose gain is simulated with their true labels; zero for none. Simulation
    /// only.
    drafts: usize,
    /// Neighbour lists of the pool's inputs, and the distance of every row to the labelled rows.
    neighbours: bool,
    /// Kernel principal components of the pool's inputs.
    components: bool,
    /// Members of a committee, trained independently of each other; zero for none.
    committee: usize,
    /// Whether every member is fitted to a resample of the labelled rows; `None` for where members would be copies
    /// of each other without.
    bootstrap: Option<bool>,
    /// The embeddings of every row of the pool by the members of the committee, averaged.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    descriptors: bool,
    /// The classifier's last layer, which makes logits of embeddings.
    head: bool,
    /// The temperature that calibrates the probabilities.
    temperature: bool,
    /// The trained network itself, for gradients row by row.
    network: bool,
    /// What images the inputs are.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    images: bool,
    /// The loss of every candidate, as a module on the network's hidden activations predicts it.
    predicted_loss: bool,
    /// Class probabilities of the labelled rows, by networks that were trained without them.
    out_of_fold: bool,
    /// What out-of-fold predictions are worth after some of the labels are left out.
    ablations: bool,
    /// That the learner trains on the [mixtures](super::Strategy::mixtures) and [transformed](super::Strategy::transformed) rows that the
    /// strategy names.
    mixing: bool,
    /// That the learner trains on the [pseudo-labels](super::Strategy::pseudo_labels) that the strategy names.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pseudo_labels: bool,
    /// The classes of the labelled rows, which every view has.
    labels: bool,
    /// The number of classes, for strategies that read no probabilities; every view has it.
    classes: bool,
}

impl Needs {
    /// Whether a classifier without a hidden layer cannot serve them, whatever it is trained on.
    pub fn hidden_layer(self) -> bool {
        self.predicted_loss
    }

    /// Whether they read the weights of a network on vectors, which a network on images has not.
    pub fn vector_network(self) -> bool {
        self.network || self.predicted_loss
    }

    /// Whether the learner is to train on more than the labels that are asked for.
    pub fn steers_training(self) -> bool {
        self.mixing || self.pseudo_labels
    }

    /// Each in a few words: "class probabilities" is "probabilities", a committee "5 members".
    pub fn words(self) -> Vec<String> {
        let passes = match self.rate {
            Some(rate) => format!("{} passes at rate {rate}", self.passes),
            None => format!("{} passes", self.passes),
        };
        let all = [
            (self.inputs || self.neighbours, "inputs".to_string()),
            (self.probabilities, "probabilities".to_string()),
            (self.predictions, "predictions".to_string()),
            (self.embeddings, "embeddings".to_string()),
            (self.passes > 0, passes),
            (self.committee > 0, format!("{} members", self.committee)),
            (self.descriptors, "their embeddings".to_string()),
            (self.head, "head".to_string()),
            (self.temperature, "temperature".to_string()),
            (self.network, "network".to_string()),
            (self.images, "images".to_string()),
            (self.predicted_loss, "predicted losses".to_string()),
            (self.out_of_fold, "out-of-fold probabilities".to_string()),
            (self.ablations, "fits without some labels".to_string()),
            (self.mixing, "training on made-up rows".to_string()),
            (self.pseudo_labels, "training on pseudo-labels".to_string()),
            (self.labels, "labels".to_string()),
            (self.drafts > 0, format!("labels of {} batches", self.drafts)),
            (self.lookahead > 0, format!("labels of {}", self.lookahead)),
        ];
        all.into_iter().filter(|(asked, _)| *asked).map(|(_, words)| words).collect()
    }
}
