//! `[rivals]`: searches against each other at equal cost, on labelled rows drawn at random.

use super::dataset::DataRef;
use super::search::{METHODS, Method};
use crate::arch::{Activation, FreeMlp, Point, Space};
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::raw::{self, Section};
use crate::experiment::sections::ArchitectureChoice;
use crate::experiment::vocabulary::Vocabulary;
use crate::search::MAX_FOLDS;
use serde::Serialize;

/// Searches against each other at equal cost: on so many labels of a target, each search may spend so
/// many times the gradient steps of one training of the classifier; what it found is then trained on all of
/// those labels and measured on the test rows. The space is that of `[search]`, or `free`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Rivals {
    /// Data sets. At least one.
    pub targets: Vec<DataRef>,
    /// `free = { … }`: search multilayer perceptrons of any depth, widths, dropout, activation and weight decay
    /// instead: [`FreeMlp`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free: Option<FreeMlp>,
    /// Searches; default all but the grid, which is there as the ceiling.
    pub methods: Vec<Method>,
    /// Points of the space, `"A(1,1)"`, that are trained without any search. Default `["A(1,1)"]`; none where
    /// the space is `free`.
    pub fixed: Vec<ArchitectureChoice>,
    /// Budgets, in trainings of the classifier. Default `[1, 3, 10]`.
    pub budgets: Vec<u64>,
    /// Labels, ascending; a search starts where it ended with fewer. Default `[100]`.
    pub labels: Vec<usize>,
    /// The cost of scoring one candidate, in trainings of the classifier. Default 0.5.
    pub candidate: f64,
    /// Folds of the paired cross-validation that scores it; 1 for a single split. Default 2.
    pub folds: usize,
    /// Paired repetitions. Default 20.
    pub repetitions: u32,
}

/// The most labels, budgets, and times one training that a budget may be.
const MOST: u64 = 1_000_000;

impl Rivals {
    pub(in crate::experiment) fn read(
        mut section: Section,
        vocabulary: &Vocabulary,
    ) -> Result<Self, ExperimentError> {
        let place = section.place().clone();
        let s = &mut section;
        let method = |node, name| raw::word_of(node, name, &METHODS);
        let fixed = |node, name: String| {
            let (found, place) = raw::text_of(node, name.clone())?;
            let point =
                ArchitectureChoice::parse(&found).filter(|c| matches!(c, ArchitectureChoice::Fixed(_)));
            point.ok_or_else(|| raw::unknown_word(place, name, found, ["A(1,1)"].into_iter()))
        };
        let count = |node, name| raw::integer_of(node, name, 1..=MOST);
        let ascending = |key: &'static str, list: &[u64]| {
            if !list.is_empty() && list.is_sorted_by(|a, b| a < b) {
                return Ok(());
            }
            Err(conflict(&place, key, "is not a list of ascending numbers", "for example [1, 3, 10]"))
        };
        let all = || METHODS.iter().map(|&(_, method)| method).filter(|&method| method != Method::Grid);
        let targets = DataRef::list(s, "targets", vocabulary)?.unwrap_or_default();
        let mut methods = s.list("methods", method)?.unwrap_or_else(|| all().collect());
        methods.dedup();
        let free = s.section("free")?.map(read_free).transpose()?;
        let start = ArchitectureChoice::Fixed(Point::new(1, 1));
        let given = s.list("fixed", fixed)?;
        if free.is_some() && given.as_ref().is_some_and(|given| !given.is_empty()) {
            return Err(conflict(
                &place,
                "fixed",
                "names points of another space than `free`",
                "leave it out",
            ));
        }
        let mut fixed = given.unwrap_or_else(|| if free.is_some() { Vec::new() } else { vec![start] });
        fixed.dedup();
        let budgets = s.list("budgets", count)?.unwrap_or_else(|| vec![1, 3, 10]);
        ascending("budgets", &budgets)?;
        let labels = s.list("labels", count)?.unwrap_or_else(|| vec![100]);
        ascending("labels", &labels)?;
        let rivals = Self {
            targets,
            free,
            methods,
            fixed,
            budgets,
            labels: labels.into_iter().map(|count| count as usize).collect(),
            candidate: s.number("candidate", 0.5, 1e-3..=1e3)?,
            folds: s.count("folds", 2, 1..=MAX_FOLDS as usize)?,
            repetitions: s.integer("repetitions", 20, 1..=1_000_000)? as u32,
        };
        section.finish()?;
        if rivals.targets.is_empty() {
            let (key, why) = ("rivals.targets".to_string(), "rivals need at least one".to_string());
            return Err(ExperimentError::Missing { place, key, why });
        }
        Ok(rivals)
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

fn read_free(mut section: Section) -> Result<FreeMlp, ExperimentError> {
    let (place, default) = (section.place().clone(), FreeMlp::default());
    let s = &mut section;
    let activation = |node, name| raw::word_of(node, name, &ACTIVATIONS);
    let real = |node, name| raw::number_of(node, name, 0.0..=1e6).map(|number| number as f32);
    let width = |node, name| raw::integer_of(node, name, 1..=MOST).map(|width| width as usize);
    let free = FreeMlp {
        max_depth: s.count("max_depth", default.max_depth, 0..=256)?,
        widths: s.list("widths", width)?.unwrap_or(default.widths),
        dropouts: s.list("dropouts", real)?.unwrap_or(default.dropouts),
        activations: s.list("activations", activation)?.unwrap_or(default.activations),
        weight_decays: s.list("weight_decays", real)?.unwrap_or(default.weight_decays),
    };
    section.finish()?;
    free.check().map_err(|error| ExperimentError::Refused {
        place,
        key: "rivals.free".to_string(),
        reason: error.to_string(),
        hint: None,
    })?;
    Ok(free)
}

fn conflict(place: &Place, key: &str, why: &str, hint: &str) -> ExperimentError {
    let key = format!("rivals.{key}");
    ExperimentError::Conflict { place: place.clone(), key, why: why.into(), hint: hint.into() }
}
