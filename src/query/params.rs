//! [`Params`]: what stands between the parentheses of a specification, read and checked.

use super::error::QueryError;
use super::registry::{Built, Registry};
use super::score::Score;
use super::spec::Spec;
use super::{Needs, Strategy};
use crate::error::{Result, nearest};
use serde::Serialize;
use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// What parameters are, in messages.
const REAL: &str = "a number";
const COUNT: &str = "a whole number";

/// A parameter of a strategy, as its page says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// What stands before the equals sign.
    pub name: &'static str,
    /// What it is unless it is given; none where the strategy then finds one by itself, or does without.
    pub default: Option<String>,
    /// What it may be.
    pub expected: String,
}

/// A specification's parameters while a strategy reads them.
pub struct Params<'s> {
    registry: &'s Registry,
    spec: &'s Spec,
    known: Vec<Parameter>,
    arms_read: bool,
}

impl<'s> Params<'s> {
    fn new(registry: &'s Registry, spec: &'s Spec) -> Self {
        Params { registry, spec, known: Vec::new(), arms_read: false }
    }

    /// What `make` asks for.
    pub(super) fn asked<T>(
        registry: &'s Registry,
        spec: &'s Spec,
        make: fn(&mut Params<'_>) -> Result<T>,
    ) -> Result<Vec<Parameter>> {
        let mut params = Params::new(registry, spec);
        make(&mut params)?;
        Ok(params.known)
    }

    /// Builds by `make` and refuses what `make` did not ask for.
    pub(super) fn read<T>(
        registry: &'s Registry,
        spec: &'s Spec,
        make: fn(&mut Params<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut params = Params::new(registry, spec);
        let made = make(&mut params)?;
        let known: Vec<&str> = params.known.iter().map(|parameter| parameter.name).collect();
        for (name, _) in &spec.parameters {
            if !known.contains(&name.as_str()) {
                let hint = match nearest(name, known.iter().copied()) {
                    Some(known) => format!("did you mean `{known}`?"),
                    None if known.is_empty() => "it has no parameters at all".to_string(),
                    None => format!("it has {}", known.join(", ")),
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

    fn value(&mut self, name: &'static str, default: Option<String>, expected: &str) -> Option<&'s str> {
        self.known.push(Parameter { name, default, expected: expected.to_string() });
        let found = self.spec.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// A parsed value within `range`. A default beyond it stands for none.
    fn within<T: PartialOrd + FromStr + fmt::Display>(
        &mut self,
        name: &'static str,
        default: Option<T>,
        range: RangeInclusive<T>,
        kind: &str,
    ) -> Result<Option<T>, QueryError> {
        let expected = format!("{kind} from {} to {}", range.start(), range.end());
        let shown = default.as_ref().filter(|default| range.contains(default)).map(T::to_string);
        let Some(text) = self.value(name, shown, &expected) else { return Ok(default) };
        match text.parse() {
            Ok(value) if range.contains(&value) => Ok(Some(value)),
            _ => Err(self.value_error(name, text, expected)),
        }
    }

    fn value_error(&self, name: &str, found: &str, expected: String) -> QueryError {
        let strategy = self.spec.name.clone();
        QueryError::Value { strategy, name: name.to_string(), found: found.to_string(), expected }
    }

    /// The name of the strategy that is built: an entry that stands for several knows by it which.
    pub fn strategy(&self) -> &'s str {
        &self.spec.name
    }

    /// A text that has to be given.
    ///
    /// # Errors
    /// [`QueryError::Value`].
    pub fn text(&mut self, name: &'static str, expected: &str) -> Result<String, QueryError> {
        match self.value(name, None, expected).filter(|text| !text.trim().is_empty()) {
            Some(text) => Ok(text.to_string()),
            None => Err(self.value_error(name, "", expected.to_string())),
        }
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
        Ok(self.within(name, Some(default), range, REAL)?.unwrap_or(default))
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
        self.within(name, None, range, REAL)
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
        Ok(self.within(name, Some(default), range, COUNT)?.unwrap_or(default))
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
        self.within(name, None, range, COUNT)
    }

    /// One of several words; the first is the default.
    ///
    /// # Errors
    /// [`QueryError::Value`].
    pub fn choice<T: Copy>(&mut self, name: &'static str, choices: &[(&str, T)]) -> Result<T, QueryError> {
        let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
        let expected = format!("one of {}", words.join(", "));
        let default = Some(choices[0].0.to_string());
        let Some(text) = self.value(name, default, &expected) else { return Ok(choices[0].1) };
        match choices.iter().find(|(word, _)| *word == text) {
            Some(&(_, value)) => Ok(value),
            None => Err(self.value_error(name, text, expected)),
        }
    }

    /// The one strategy that a wrapper is built over, as a score or as a rule for batches.
    ///
    /// # Errors
    /// [`QueryError::Arms`] and what building it fails with.
    pub fn inner(&mut self) -> Result<Built> {
        let arm = self.only_arm()?;
        self.registry.built(arm)
    }

    /// The one score that a combinator is built over.
    ///
    /// # Errors
    /// [`QueryError::Arms`], [`QueryError::NoScore`], and what building it fails with.
    pub fn inner_score(&mut self) -> Result<Box<dyn Score>> {
        let arm = self.only_arm()?;
        self.registry.score_for(&self.spec.name, arm)
    }

    /// Like [`inner_score`](Self::inner_score), with a score where no strategy is named.
    ///
    /// # Errors
    /// As [`inner_score`](Self::inner_score).
    pub fn inner_score_or(&mut self, default: &str) -> Result<Box<dyn Score>> {
        if self.spec.arms.is_empty() {
            return self.registry.score_for(&self.spec.name, &default.parse()?);
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
                let both = [self.registry.build_spec(first)?, self.registry.build_spec(second)?];
                self.agreed(&both.each_ref().map(|arm| arm.needs()))?;
                Ok(both)
            }
            _ => Err(self.arms_error("two other strategies").into()),
        }
    }

    /// Refuses arms that [steer training](Needs::steers_training), for who puts together what several ask for.
    ///
    /// # Errors
    /// [`QueryError::SteersTraining`].
    pub fn only_ask(&self, arms: &[Needs]) -> Result<(), QueryError> {
        match arms.iter().zip(&self.spec.arms).find(|(needs, _)| needs.steers_training()) {
            Some((_, arm)) => {
                Err(QueryError::SteersTraining { strategy: self.spec.name.clone(), arm: arm.name.clone() })
            }
            None => Ok(()),
        }
    }

    /// All the strategies that a bandit chooses between.
    ///
    /// # Errors
    /// [`QueryError::Arms`], [`QueryError::SteersTraining`], and what building them fails with.
    pub fn strategies(&mut self, number: RangeInclusive<usize>) -> Result<Vec<Box<dyn Strategy>>> {
        let registry = self.registry;
        let arms: Vec<Box<dyn Strategy>> =
            self.arms(number)?.iter().map(|arm| registry.build_spec(arm)).collect::<Result<_>>()?;
        let needs: Vec<Needs> = arms.iter().map(|arm| arm.needs()).collect();
        self.agreed(&needs)?;
        self.only_ask(&needs)?;
        Ok(arms)
    }

    /// All the scores that a bandit chooses between.
    ///
    /// # Errors
    /// [`QueryError::Arms`], [`QueryError::NoScore`], and what building them fails with.
    pub fn scores(&mut self, number: RangeInclusive<usize>) -> Result<Vec<Box<dyn Score>>> {
        let (registry, name) = (self.registry, &self.spec.name);
        let arms: Vec<_> =
            self.arms(number)?.iter().map(|arm| registry.score_for(name, arm)).collect::<Result<_>>()?;
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
