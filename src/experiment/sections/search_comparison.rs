//! `[rivals]`: searches against each other at equal cost, on labelled rows drawn at random.

use super::architecture::{ArchitectureChoice, POINT};
use super::dataset::DataRef;
use super::search::method;
use super::settings::MethodSettings;
use crate::arch::{Activation, FreeMlp, Point, Space};
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::keys::{Ask, Rule, inline, list, name, number, section, table, whole, word};
use crate::experiment::raw::{self, Section};
use crate::experiment::vocabulary::Vocabulary;
use crate::search::{MAX_FOLDS, Methods};

section! {
    /// Searches against each other at equal cost: on so many labels of a target, each search may spend so many times
    /// the gradient steps of one training of the classifier; what it found is then trained on all of those labels and
    /// measured on the test rows. The space is that of `[search]`, or `free`.
    pub struct SearchComparison(vocabulary: &Vocabulary) {
        /// Data sets. At least one.
        targets: Vec<DataRef> = DataRef::rule(vocabulary).items(1..=usize::MAX).or(vec![]);
        /// Search multilayer perceptrons of any depth, widths, dropout, activation and weight decay instead of the space
        /// of `[search]`.
        #[serde(skip_serializing_if = "Option::is_none")]
        free: Option<FreeMlp> = table(free_keys).optional();
        /// Searches. All but the grid, which is there as the ceiling, unless they are named.
        methods: Vec<&'static str> = list(method(&vocabulary.methods)).or(all_but_the_grid(&vocabulary.methods));
        /// Points of the space, `"A(1,1)"`, that are trained without any search.
        fixed: Vec<ArchitectureChoice> = list(point()).optional().absent("`[\"A(1,1)\"]`, none with `free`")
            .then(|given| given.unwrap_or_else(|| if free.is_some() { Vec::new() } else { vec![START] }));
        /// Budgets, in trainings of the classifier, ascending.
        budgets: Vec<u64> = list(whole(1..=MOST)).items(1..=usize::MAX).or(vec![1, 3, 10]);
        /// Labels, ascending; a search starts where it ended with fewer.
        labels: Vec<usize> = list(whole(1..=MOST as usize)).items(1..=usize::MAX).or(vec![100]);
        /// The cost of scoring one candidate, in trainings of the classifier.
        candidate: f64 = number(1e-3..=1e3).or(0.5);
        /// Folds of the paired cross-validation that scores it; 1 for a single split.
        folds: usize = whole(1..=MAX_FOLDS as usize).or(2);
        /// Paired repetitions.
        repetitions: u32 = whole(1..=1_000_000).or(20);
        /// What single methods are set to.
        #[serde(flatten)]
        settings: MethodSettings = inline(|section| MethodSettings::keys(section, &vocabulary.methods));
    }
}

/// The most labels, budgets, and times one training that a budget may be.
const MOST: u64 = 1_000_000;
/// The smallest network of the space of `[search]`.
const START: ArchitectureChoice = ArchitectureChoice::Fixed(Point { blocks: 1, stacks: 1 });

/// The search that scores every point, which is always there.
pub const GRID: &str = "grid";

fn all_but_the_grid(methods: &Methods) -> Vec<&'static str> {
    methods.names().filter(|&method| method != GRID).collect()
}

/// A point of the space of `[search]`.
fn point<'a>() -> Rule<'a, ArchitectureChoice> {
    name([""; 0], POINT, |found, place, name| {
        let point = ArchitectureChoice::parse(&found).filter(|c| matches!(c, ArchitectureChoice::Fixed(_)));
        point.ok_or_else(|| raw::unknown_word(place, name, found, ["A(1,1)"].into_iter()))
    })
}

impl SearchComparison {
    pub(in crate::experiment) fn read(
        mut section: Section,
        vocabulary: &Vocabulary,
    ) -> Result<Self, ExperimentError> {
        let mut search_comparison = Self::keys(&mut section, vocabulary)?;
        let place = section.place().clone();
        search_comparison.methods.dedup();
        search_comparison.fixed.dedup();
        if search_comparison.free.is_some() && !search_comparison.fixed.is_empty() {
            return Err(conflict(
                &place,
                "fixed",
                "names points of another space than `free`",
                "leave it out",
            ));
        }
        ascending(&search_comparison.budgets, &place, "budgets")?;
        ascending(&search_comparison.labels, &place, "labels")?;
        section.finish()?;
        if search_comparison.targets.is_empty() {
            let (key, why) = ("rivals.targets".to_string(), "rivals need at least one".to_string());
            return Err(ExperimentError::Missing { place, key, why });
        }
        Ok(search_comparison)
    }

    /// The points that are trained without any search.
    pub fn points(&self) -> impl Iterator<Item = Point> + '_ {
        self.fixed.iter().filter_map(|choice| match choice {
            ArchitectureChoice::Fixed(point) => Some(*point),
            _ => None,
        })
    }
}

/// The words for activations.
const ACTIVATIONS: [(&str, Activation); 3] =
    [("relu", Activation::Relu), ("tanh", Activation::Tanh), ("gelu", Activation::Gelu)];

/// The keys of `rivals.free`.
fn free_keys(section: &mut Section) -> Result<FreeMlp, ExperimentError> {
    let default = FreeMlp::default();
    let real = |most: f64| number(0.0..=most).map(|number| number as f32);
    let free = FreeMlp {
        max_depth: whole(0..=256).or(default.max_depth).ask(
            section,
            "max_depth",
            "The most hidden layers.",
        )?,
        widths: list(whole(1..=MOST as usize)).or(default.widths).ask(
            section,
            "widths",
            "Widths of a hidden layer.",
        )?,
        dropouts: list(real(0.99)).or(default.dropouts).ask(
            section,
            "dropouts",
            "Shares of hidden units dropped in training.",
        )?,
        activations: list(word(ACTIVATIONS)).or(default.activations).ask(
            section,
            "activations",
            "Activations of hidden layers.",
        )?,
        weight_decays: list(real(1e6)).or(default.weight_decays).ask(
            section,
            "weight_decays",
            "L2 penalties, added to the gradient.",
        )?,
    };
    free.check().map_err(|error| ExperimentError::Refused {
        place: section.place().clone(),
        key: "rivals.free".to_string(),
        reason: error.to_string(),
        hint: None,
    })?;
    Ok(free)
}

fn ascending<T: PartialOrd>(list: &[T], place: &Place, key: &str) -> Result<(), ExperimentError> {
    if !list.is_empty() && list.is_sorted_by(|a, b| a < b) {
        return Ok(());
    }
    Err(conflict(place, key, "is not a list of ascending numbers", "for example [1, 3, 10]"))
}

fn conflict(place: &Place, key: &str, why: &str, hint: &str) -> ExperimentError {
    let key = format!("rivals.{key}");
    ExperimentError::Conflict { place: place.clone(), key, why: why.into(), hint: hint.into() }
}
