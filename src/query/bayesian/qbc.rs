//! Query by committee.

use super::bald::Bald;
use super::variation_ratio::VariationRatio;
use super::vote_entropy::VoteEntropy;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::wrapper::members::{Committee, DropoutPasses, MEMBERS, Source, averaged};
use crate::query::{Needs, Score};

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "qbc",
        summary: "the largest disagreement in a committee (measure=vote_entropy, kl or share)",
        paper: "Seung, Opper & Sompolinsky, COLT 1992; McCallum & Nigam, ICML 1998; by bagging, Abe & Mamitsuka, \
                ICML 1998",
        family: Family::Bayesian,
        needs: Needs { committee: MEMBERS, ..Needs::NONE },
        cost: "one training per member; time n C M, memory n C",
        example: "qbc",
        deterministic: true,
    },
    make: |params| {
        let committee = Committee::read(params)?;
        // Through the committee's lens, its members are the passes.
        let passes = DropoutPasses { count: committee.members, rate: None };
        let measures =
            [("vote_entropy", Measure::Votes), ("kl", Measure::Divergence), ("share", Measure::Share)];
        let measure: Box<dyn Score> = match params.choice("measure", &measures)? {
            Measure::Votes => Box::new(VoteEntropy { passes }),
            Measure::Divergence => Box::new(Bald { passes }),
            Measure::Share => Box::new(VariationRatio { passes }),
        };
        averaged(params, Source::Committee(committee), Built::Score(measure))
    },
};

/// How disagreement is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    /// Entropy of the votes.
    Votes,
    /// Mean Kullback-Leibler divergence from the committee's mean.
    Divergence,
    /// Share of members that disagree with the majority.
    Share,
}
