//! Every strategy by name: its card, and how it is built from a [`Spec`].
//!
//! Each strategy's file holds its own [`Entry`]; this one only lists them.

use super::error::QueryError;
use super::score::{Score, TopScore};
use super::spec::Spec;
use super::{
    Needs, Strategy, bandit, bayesian, distribution, gradient, hybrid, random, simulation, uncertainty,
    wrapper,
};
use crate::error::{Result, nearest};
use serde::Serialize;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::LazyLock;

/// What kind of reasoning a strategy queries by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// No reasoning at all.
    Baseline,
    /// One prediction per candidate.
    Uncertainty,
    /// Several predictions per candidate: dropout passes or committee members.
    Bayesian,
    /// Where the candidates lie.
    Distribution,
    /// Prediction and place together.
    Hybrid,
    /// Uses another strategy.
    Wrapper,
    /// Learns during the episode which strategy to follow.
    Bandit,
    /// Gradients of the training loss.
    Gradient,
    /// Reads labels that a real labelling would not have.
    Simulation,
}

/// What `querist strategies` prints.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Card {
    /// The registered name.
    pub name: &'static str,
    /// One line: the rule.
    pub summary: &'static str,
    /// Authors, venue and year.
    pub paper: &'static str,
    pub family: Family,
    /// What the example asks of the learner; another specification may ask for more or less.
    pub needs: Needs,
    /// Time and memory for `n` candidates, `L` labelled rows, `b` picks, `C` classes, width `d`,
    /// `T` passes.
    pub cost: &'static str,
    /// A specification that builds as it stands.
    pub example: &'static str,
    /// Whether the picks do not depend on the key, but for the order of rows that are worth the same.
    pub deterministic: bool,
}

/// What a specification builds.
pub enum Built {
    /// A number per candidate; as a strategy, the best `batch`.
    Score(Box<dyn Score>),
    /// A rule for the batch as a whole.
    Batch(Box<dyn Strategy>),
}

impl Built {
    /// A score.
    pub fn score(score: impl Score + 'static) -> Result<Self> {
        Ok(Built::Score(Box::new(score)))
    }

    /// A rule for batches.
    pub fn batch(strategy: impl Strategy + 'static) -> Result<Self> {
        Ok(Built::Batch(Box::new(strategy)))
    }

    /// What it asks of the learner.
    pub fn needs(&self) -> Needs {
        match self {
            Built::Score(score) => score.needs(),
            Built::Batch(strategy) => strategy.needs(),
        }
    }

    /// As a strategy: of a score, the best `batch`.
    pub fn into_strategy(self) -> Box<dyn Strategy> {
        match self {
            Built::Score(score) => Box::new(TopScore::new(score)),
            Built::Batch(strategy) => strategy,
        }
    }
}

/// A registered strategy.
#[derive(Clone, Copy)]
pub struct Entry {
    pub card: Card,
    /// Builds it from the parameters of a specification.
    pub make: fn(&mut Params<'_>) -> Result<Built>,
}

impl Entry {
    /// Whether the example rates each candidate by itself, so that wrappers over scores accept it.
    pub fn has_score(&self) -> bool {
        card_spec(&self.card)
            .and_then(|spec| built(&spec))
            .is_ok_and(|built| matches!(built, Built::Score(_)))
    }
}

fn card_spec(card: &Card) -> Result<Spec> {
    Ok(card.example.parse()?)
}

static ALL: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let families: [&[Entry]; 9] = [
        &[random::ENTRY],
        uncertainty::ENTRIES,
        bayesian::ENTRIES,
        distribution::ENTRIES,
        hybrid::ENTRIES,
        gradient::ENTRIES,
        bandit::ENTRIES,
        wrapper::ENTRIES,
        simulation::ENTRIES,
    ];
    families.concat()
});

/// All strategies, grouped by family.
pub fn all() -> &'static [Entry] {
    &ALL
}

/// The entry called `name`.
///
/// # Errors
/// [`QueryError::Unknown`] with the nearest known name.
pub fn find(name: &str) -> Result<&'static Entry, QueryError> {
    all().iter().find(|entry| entry.card.name == name).ok_or_else(|| QueryError::Unknown {
        name: name.to_string(),
        hint: nearest(name, all().iter().map(|entry| entry.card.name))
            .map(|known| format!("did you mean `{known}`? `querist strategies` lists all")),
    })
}

/// Builds the strategy that `text` specifies: `margin`, or `power(margin, beta=2)`.
///
/// # Errors
/// [`QueryError`]: unknown names and parameters with the nearest known one, values out of range.
pub fn build(text: &str) -> Result<Box<dyn Strategy>> {
    build_spec(&text.parse()?)
}

/// Like [`build`], from a parsed specification.
///
/// # Errors
/// As [`build`].
pub fn build_spec(spec: &Spec) -> Result<Box<dyn Strategy>> {
    Ok(built(spec)?.into_strategy())
}

/// Builds the score that a specification names, for combinators and for features of the learned policy.
///
/// # Errors
/// As [`build`]; [`QueryError::NoScore`] for a strategy that chooses without one.
pub fn build_score(spec: &Spec) -> Result<Box<dyn Score>> {
    score_for("score", spec)
}

fn built(spec: &Spec) -> Result<Built> {
    Params::read(spec, find(&spec.name)?.make)
}

fn score_for(user: &str, spec: &Spec) -> Result<Box<dyn Score>> {
    match built(spec)? {
        Built::Score(score) => Ok(score),
        Built::Batch(_) => {
            Err(QueryError::NoScore { strategy: user.to_string(), arm: spec.name.clone() }.into())
        }
    }
}

/// Whether the strategy that rows stand under the name `label` reads labels that a real labelling would not have: one of
/// [`Family::Simulation`], by itself or as an arm of another (`switch(greedy_oracle,margin)`), with or without an
/// architecture behind it (`greedy_oracle+search`). What does so is a reference line, and never to be ranked
/// among strategies. A name that is no specification reads nothing.
pub fn reads_hidden_labels(label: &str) -> bool {
    // A `+` within parentheses belongs to a number.
    let mut depth = 0usize;
    let architecture = |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == '+' && depth == 0
    };
    let strategy = label.split(architecture).next().unwrap_or(label);
    strategy.parse().is_ok_and(|spec| simulates(&spec))
}

fn simulates(spec: &Spec) -> bool {
    let own =
        all().iter().any(|entry| entry.card.name == spec.name && entry.card.family == Family::Simulation);
    own || spec.arms.iter().any(simulates)
}

/// A specification's parameters while a strategy reads them.
pub struct Params<'s> {
    spec: &'s Spec,
    known: Vec<&'static str>,
    arms_read: bool,
}

impl<'s> Params<'s> {
    /// Builds by `make` and refuses what `make` did not ask for.
    fn read<T>(spec: &'s Spec, make: fn(&mut Params<'_>) -> Result<T>) -> Result<T> {
        let mut params = Params { spec, known: Vec::new(), arms_read: false };
        let made = make(&mut params)?;
        for (name, _) in &spec.parameters {
            if !params.known.contains(&name.as_str()) {
                let hint = match nearest(name, params.known.iter().copied()) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None if params.known.is_empty() => "it has no parameters at all".to_string(),
                    None => format!("it has {}", params.known.join(", ")),
                };
                let (strategy, name) = (spec.name.clone(), name.clone());
                return Err(QueryError::Parameter { strategy, name, hint: Some(hint) }.into());
            }
        }
        if !params.arms_read && !spec.arms.is_empty() {
            return Err(params.arms_error("no other strategy").into());
        }
        Ok(made)
    }

    fn value(&mut self, name: &'static str) -> Option<&'s str> {
        self.known.push(name);
        let found = self.spec.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    fn value_error(&self, name: &str, found: &str, expected: String) -> QueryError {
        let strategy = self.spec.name.clone();
        QueryError::Value { strategy, name: name.to_string(), found: found.to_string(), expected }
    }

    /// A real number within `range`.
    ///
    /// # Errors
    /// [`QueryError::Value`].
    pub fn real(
        &mut self,
        name: &'static str,
        default: f64,
        range: RangeInclusive<f64>,
    ) -> Result<f64, QueryError> {
        Ok(self.optional_real(name, range)?.unwrap_or(default))
    }

    /// A real number within `range`, if one is given.
    ///
    /// # Errors
    /// [`QueryError::Value`].
    pub fn optional_real(
        &mut self,
        name: &'static str,
        range: RangeInclusive<f64>,
    ) -> Result<Option<f64>, QueryError> {
        let Some(text) = self.value(name) else { return Ok(None) };
        match text.parse() {
            Ok(value) if range.contains(&value) => Ok(Some(value)),
            _ => {
                let expected = format!("a number from {} to {}", range.start(), range.end());
                Err(self.value_error(name, text, expected))
            }
        }
    }

    /// A whole number within `range`.
    ///
    /// # Errors
    /// [`QueryError::Value`].
    pub fn count(
        &mut self,
        name: &'static str,
        default: usize,
        range: RangeInclusive<usize>,
    ) -> Result<usize, QueryError> {
        Ok(self.optional_count(name, range)?.unwrap_or(default))
    }

    /// A whole number within `range`, if one is given.
    ///
    /// # Errors
    /// [`QueryError::Value`].
    pub fn optional_count(
        &mut self,
        name: &'static str,
        range: RangeInclusive<usize>,
    ) -> Result<Option<usize>, QueryError> {
        let Some(text) = self.value(name) else { return Ok(None) };
        match text.parse() {
            Ok(value) if range.contains(&value) => Ok(Some(value)),
            _ => {
                let expected = format!("a whole number from {} to {}", range.start(), range.end());
                Err(self.value_error(name, text, expected))
            }
        }
    }

    /// One of several words; the first is the default.
    ///
    /// # Errors
    /// [`QueryError::Value`].
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Result<T, QueryError> {
        let Some(text) = self.value(name) else { return Ok(choices[0].1) };
        match choices.iter().find(|(word, _)| *word == text) {
            Some(&(_, value)) => Ok(value),
            None => {
                let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
                Err(self.value_error(name, text, format!("one of {}", words.join(", "))))
            }
        }
    }

    /// The one strategy that a wrapper is built over, as a score or as a rule for batches.
    ///
    /// # Errors
    /// [`QueryError::Arms`] and what building it fails with.
    pub fn inner(&mut self) -> Result<Built> {
        built(self.only_arm()?)
    }

    /// The one score that a combinator is built over.
    ///
    /// # Errors
    /// [`QueryError::Arms`], [`QueryError::NoScore`], and what building it fails with.
    pub fn inner_score(&mut self) -> Result<Box<dyn Score>> {
        let arm = self.only_arm()?;
        score_for(&self.spec.name, arm)
    }

    /// Like [`inner_score`](Self::inner_score), with a score where no strategy is named.
    ///
    /// # Errors
    /// As [`inner_score`](Self::inner_score).
    pub fn inner_score_or(&mut self, default: &str) -> Result<Box<dyn Score>> {
        if self.spec.arms.is_empty() {
            return score_for(&self.spec.name, &default.parse()?);
        }
        self.inner_score()
    }

    /// The two strategies that a wrapper chooses between.
    ///
    /// # Errors
    /// [`QueryError::Arms`] and what building them fails with.
    pub fn two_strategies(&mut self) -> Result<[Box<dyn Strategy>; 2]> {
        self.arms_read = true;
        match &self.spec.arms[..] {
            [first, second] => {
                let both = [build_spec(first)?, build_spec(second)?];
                self.agreed(&both.each_ref().map(|arm| arm.needs()))?;
                Ok(both)
            }
            _ => Err(self.arms_error("two other strategies").into()),
        }
    }

    /// All the strategies that a bandit chooses between.
    ///
    /// # Errors
    /// [`QueryError::Arms`] and what building them fails with.
    pub fn strategies(&mut self, number: RangeInclusive<usize>) -> Result<Vec<Box<dyn Strategy>>> {
        let arms: Vec<_> = self.arms(number)?.iter().map(build_spec).collect::<Result<_>>()?;
        self.agreed(&arms.iter().map(|arm| arm.needs()).collect::<Vec<_>>())?;
        Ok(arms)
    }

    /// All the scores that a bandit chooses between.
    ///
    /// # Errors
    /// [`QueryError::Arms`], [`QueryError::NoScore`], and what building them fails with.
    pub fn scores(&mut self, number: RangeInclusive<usize>) -> Result<Vec<Box<dyn Score>>> {
        let name = &self.spec.name;
        let arms: Vec<_> =
            self.arms(number)?.iter().map(|arm| score_for(name, arm)).collect::<Result<_>>()?;
        self.agreed(&arms.iter().map(|arm| arm.needs()).collect::<Vec<_>>())?;
        Ok(arms)
    }

    /// Refuses arms that want passes at different rates, or committees of different kinds: a round has one of each.
    fn agreed(&self, arms: &[Needs]) -> Result<(), QueryError> {
        fn differing<T: Copy + PartialEq>(kinds: impl Iterator<Item = T>) -> Option<(T, T)> {
            let kinds: Vec<T> = kinds.collect();
            kinds.iter().find(|kind| **kind != kinds[0]).map(|&other| (kinds[0], other))
        }
        let rates = arms.iter().filter(|arm| arm.passes > 0).map(|arm| arm.rate);
        if let Some((first, second)) = differing(rates) {
            return Err(self.conflict("rate", first, second));
        }
        let committees = arms.iter().filter(|arm| arm.committee > 0).map(|arm| arm.bootstrap);
        match differing(committees) {
            Some((first, second)) => Err(self.conflict("bootstrap", first, second)),
            None => Ok(()),
        }
    }

    /// Refuses a parameter of this strategy that the one within it has in another way.
    ///
    /// # Errors
    /// [`QueryError::Conflict`].
    pub fn compatible<T: Copy + PartialEq + fmt::Display>(
        &self,
        parameter: &'static str,
        own: Option<T>,
        inner: Option<T>,
    ) -> Result<(), QueryError> {
        match (own, inner) {
            (Some(own), Some(inner)) if own != inner => Err(self.conflict(parameter, Some(own), Some(inner))),
            _ => Ok(()),
        }
    }

    /// That a parameter is wanted in two ways.
    pub fn conflict<T: fmt::Display>(
        &self,
        parameter: &'static str,
        first: Option<T>,
        second: Option<T>,
    ) -> QueryError {
        let word = |kind: Option<T>| kind.map_or("not given".to_string(), |kind| kind.to_string());
        let strategy = self.spec.name.clone();
        QueryError::Conflict { strategy, parameter, first: word(first), second: word(second) }
    }

    fn arms(&mut self, number: RangeInclusive<usize>) -> Result<&'s [Spec], QueryError> {
        self.arms_read = true;
        if number.contains(&self.spec.arms.len()) {
            return Ok(&self.spec.arms);
        }
        Err(self.arms_error("2 to 100 other strategies"))
    }

    fn only_arm(&mut self) -> Result<&'s Spec, QueryError> {
        self.arms_read = true;
        match &self.spec.arms[..] {
            [arm] => Ok(arm),
            _ => Err(self.arms_error("one other strategy")),
        }
    }

    fn arms_error(&self, expected: &'static str) -> QueryError {
        QueryError::Arms { strategy: self.spec.name.clone(), expected, found: self.spec.arms.len() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> (QueryError, String) {
        let error = build(text).err().expect("refused");
        let hint = error.hint().unwrap_or_default();
        (error.downcast_ref::<QueryError>().expect("a query error").clone(), hint)
    }

    #[test]
    fn cards_tell_the_truth() {
        for (place, entry) in all().iter().enumerate() {
            let card = entry.card;
            let spec: Spec = card.example.parse().unwrap();
            assert_eq!(spec.name, card.name, "the example is of the strategy itself");
            assert_eq!(build(card.example).unwrap().needs(), card.needs, "{}", card.name);
            assert!(all()[..place].iter().all(|other| other.card.name != card.name), "{} twice", card.name);
            assert_eq!(reads_hidden_labels(card.example), card.needs.lookahead > 0, "{}", card.name);
            for text in [card.summary, card.paper, card.cost] {
                assert!(!text.is_empty() && !text.contains('\n'), "{}", card.name);
            }
        }
    }

    #[test]
    fn specifications_nest_and_say_what_they_need() {
        let needs = |text: &str| build(text).unwrap().needs();
        let none = Needs::NONE;
        assert_eq!(needs("scaled(mc(entropy,passes=7))"), Needs { passes: 7, temperature: true, ..none });
        assert_eq!(needs("power(ensemble(bald,members=3),beta=2)"), Needs { committee: 3, ..none });
        assert_eq!(
            needs("switch(k_center(space=inputs),capped(badge))"),
            Needs { inputs: true, probabilities: true, embeddings: true, classes: true, ..none }
        );
        let half = Needs { passes: 20, rate: Some(0.5), ..none };
        for text in ["bald(rate=0.5)", "mc(margin,rate=0.5)", "mc(bald(rate=0.5))", "batch_bald(rate=0.5)"] {
            assert_eq!(needs(text), half, "{text}");
        }
        assert_eq!(
            needs("pass_variance(passes=100,rate=0.5)"),
            Needs { passes: 100, probabilities: true, ..half }
        );
        assert_eq!(needs("switch(random,mean_std(rate=0.5))"), Needs { classes: true, ..half });
        let bagged = Needs { committee: 5, bootstrap: Some(true), ..none };
        for text in ["qbc(bootstrap=true)", "ensemble(bald,bootstrap=true)", "scaled(qbc(bootstrap=true))"] {
            assert_eq!(Needs { temperature: false, ..needs(text) }, bagged, "{text}");
        }
        assert_eq!(needs("suggestive(bootstrap=true)"), Needs { embeddings: true, ..bagged });
        assert_eq!(needs("ceal(k_center)"), Needs { probabilities: true, embeddings: true, ..none });
        assert!(find("margin").unwrap().has_score() && find("mc").unwrap().has_score());
        assert!(!find("badge").unwrap().has_score());
        assert!(serde_json::to_string(&find("margin").unwrap().card).unwrap().contains("\"uncertainty\""));
    }

    /// The oracle was ranked among strategies once an architecture stood behind its name.
    #[test]
    fn what_reads_hidden_labels_is_known_under_any_label() {
        for label in [
            "greedy_oracle",
            "greedy_oracle(candidates=40)",
            "greedy_oracle+search",
            "greedy_oracle(candidates=40)+A(2,1)",
            "scaled(greedy_oracle)",
            "switch(typiclust, greedy_oracle, labels_per_class=1e+1)+prior",
            "mixture(random,capped(greedy_oracle,candidates=20))",
        ] {
            assert!(reads_hidden_labels(label), "{label}");
        }
        for label in ["margin", "margin+search", "power(margin,beta=1e+1)+A(2,1)", "policy", "", "+", "a)(+("]
        {
            assert!(!reads_hidden_labels(label), "{label}");
        }
    }

    #[test]
    fn mistakes_are_answered_with_the_nearest_name() {
        let (error, hint) = refusal("margn");
        assert!(matches!(error, QueryError::Unknown { .. }));
        assert!(hint.contains("`margin`"), "{hint}");
        let (error, hint) = refusal("typiclust(neighbors=3)");
        assert!(matches!(error, QueryError::Parameter { .. }));
        assert!(hint.contains("`neighbours`"), "{hint}");
        let (error, _) = refusal("typiclust(neighbours=0)");
        assert!(matches!(error, QueryError::Value { .. }), "{error}");
        let (error, _) = refusal("typiclust(neighbours=many)");
        assert!(matches!(error, QueryError::Value { .. }), "{error}");
        let (error, _) = refusal("margin(random)");
        assert!(matches!(error, QueryError::Arms { found: 1, .. }), "{error}");
        let (error, hint) = refusal("power(margn)");
        assert!(matches!(error, QueryError::Unknown { .. }));
        assert!(hint.contains("`margin`"), "{hint}");
        for text in ["power(margin,beta=nan)", "power(margin,beta=-1)", "k_center(space=outer)"] {
            assert!(matches!(refusal(text).0, QueryError::Value { .. }), "{text}");
        }
        for text in ["power", "power(margin,entropy)", "switch(margin)", "albl(margin)"] {
            assert!(matches!(refusal(text).0, QueryError::Arms { .. }), "{text}");
        }
        for text in [
            "switch(bald(rate=0.5),bald)",
            "albl(margin,bald(rate=0.5),mc(margin,rate=0.4))",
            "comb(qbc(bootstrap=true),ensemble(margin))",
            "mc(bald(rate=0.5),rate=0.2)",
            "ensemble(qbc(bootstrap=true),bootstrap=false)",
            "ensemble(bald(rate=0.5))",
            "suggestive(entropy,bootstrap=true)",
        ] {
            let (error, hint) = refusal(text);
            assert!(matches!(error, QueryError::Conflict { .. }), "{text}: {error}");
            assert!(hint.contains("same"), "{hint}");
        }
        for text in ["bald(rate=0)", "qbc(bootstrap=yes)"] {
            assert!(matches!(refusal(text).0, QueryError::Value { .. }), "{text}");
        }
        for text in ["power(k_center)", "comb(margin,badge)", "soft_rank(switch(random,margin))"] {
            assert!(matches!(refusal(text).0, QueryError::NoScore { .. }), "{text}");
        }
        let (error, hint) = refusal("margin(beta=1)");
        assert!(matches!(error, QueryError::Parameter { .. }));
        assert!(hint.contains("no parameters"), "{hint}");
        let (error, hint) = refusal("xyzzyxyzzy");
        assert!(matches!(error, QueryError::Unknown { .. }));
        assert!(hint.is_empty(), "{hint}");
    }
}
