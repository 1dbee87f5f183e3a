//! What the arguments of a request are called, to those who gave them.

use super::need::Need;

/// Something that a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Argument {
    /// [`Request::new`](super::Request::new).
    Features,
    /// [`Request::labelled`](super::Request::labelled).
    Labelled,
    /// [`Request::labels`](super::Request::labels).
    Labels,
    /// [`Request::probabilities`](super::Request::probabilities).
    Probabilities,
    /// [`Request::passes`](super::Request::passes).
    Passes,
    /// [`Request::committee`](super::Request::committee).
    Committee,
    /// [`Request::embeddings`](super::Request::embeddings).
    Embeddings,
    /// [`Request::head`](super::Request::head).
    Head,
    /// [`Request::temperature`](super::Request::temperature).
    Temperature,
    /// [`Request::classes`](super::Request::classes).
    Classes,
    /// [`Request::batch`](super::Request::batch).
    Batch,
    /// [`Request::budget`](super::Request::budget).
    Budget,
    /// [`Request::normalised`](super::Request::normalised).
    Normalised,
}

impl Argument {
    /// The name of the method of [`Request`](super::Request) that takes it.
    pub fn name(self) -> &'static str {
        match self {
            Argument::Features => "features",
            Argument::Labelled => "labelled",
            Argument::Labels => "labels",
            Argument::Probabilities => "probabilities",
            Argument::Passes => "passes",
            Argument::Committee => "committee",
            Argument::Embeddings => "embeddings",
            Argument::Head => "head",
            Argument::Temperature => "temperature",
            Argument::Classes => "classes",
            Argument::Batch => "batch",
            Argument::Budget => "budget",
            Argument::Normalised => "normalised",
        }
    }
}

/// How errors and notes name the arguments. The methods say what they are called in this module; a caller whose
/// users know them as options or files overrides them.
pub trait Words {
    /// What the argument is called.
    fn argument(&self, argument: Argument) -> String {
        argument.name().to_string()
    }

    /// Where the numbers of an argument came from.
    fn place(&self, argument: Argument) -> String {
        self.argument(argument)
    }

    /// How to give what is needed: an imperative.
    fn give(&self, need: Need) -> String {
        need.advice().to_string()
    }

    /// How to choose by a policy.
    fn choose_by_policy(&self) -> String {
        "choose with `Selector::policy`".to_string()
    }
}

/// The words of this module.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Plain;

impl Words for Plain {}
