//! Reads the parameters of a rule, here and of gene pairs.

use crate::error::{Result, nearest};
use crate::query::{QueryError, Spec};

/// A specification's parameters while a rule reads them.
pub(crate) struct Params<'s> {
    spec: &'s Spec,
    known: Vec<&'static str>,
}

impl<'s> Params<'s> {
    pub(crate) fn new(spec: &'s Spec) -> Self {
        Self { spec, known: Vec::new() }
    }

    fn value(&mut self, name: &'static str) -> Option<&'s str> {
        self.known.push(name);
        self.spec.parameters.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    fn wrong(&self, name: &str, found: &str, expected: String) -> QueryError {
        QueryError::Value {
            strategy: self.spec.name.clone(),
            name: name.to_string(),
            found: found.to_string(),
            expected,
        }
    }

    /// A number in `[low, high]`.
    pub(crate) fn real(&mut self, name: &'static str, default: f64, low: f64, high: f64) -> Result<f64> {
        let Some(text) = self.value(name) else { return Ok(default) };
        match text.parse::<f64>() {
            Ok(value) if (low..=high).contains(&value) => Ok(value),
            _ => Err(self.wrong(name, text, format!("a number from {low} to {high}")).into()),
        }
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, name: &'static str, default: bool) -> Result<bool> {
        match self.value(name) {
            None => Ok(default),
            Some("true") => Ok(true),
            Some("false") => Ok(false),
            Some(other) => Err(self.wrong(name, other, "true or false".into()).into()),
        }
    }

    /// Refuses what the rule did not ask for.
    pub(crate) fn end(self) -> Result<()> {
        let strategy = self.spec.name.clone();
        if !self.spec.arms.is_empty() {
            let found = self.spec.arms.len();
            return Err(QueryError::Arms { strategy, expected: "no other strategy", found }.into());
        }
        match self.spec.parameters.iter().find(|(key, _)| !self.known.contains(&key.as_str())) {
            None => Ok(()),
            Some((name, _)) => {
                let hint = match nearest(name, self.known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if self.known.is_empty() => "it has no parameters at all".to_string(),
                    None => format!("it has {}", self.known.join(", ")),
                };
                Err(QueryError::Parameter { strategy, name: name.clone(), hint: Some(hint) }.into())
            }
        }
    }
}
