//! Rules by specification, here and of gene pairs: [`build`] finds one and reads its parameters.

use crate::error::{Error, Result, nearest};
use crate::query::{QueryError, Spec};

/// What `make` makes of the one of `entries` that the specification `text` names, which reads all of its parameters.
///
/// # Errors
/// What `unknown` makes of a name that none has, and of a hint; what is wrong with a parameter.
pub(crate) fn build<'e, E: 'e, T>(
    text: &str,
    entries: impl Iterator<Item = (&'static str, &'e E)> + Clone,
    unknown: impl FnOnce(String, String) -> Error,
    make: impl FnOnce(&E, &mut Params<'_>) -> Result<T>,
) -> Result<T> {
    let spec: Spec = text.parse()?;
    let names = entries.clone().map(|(name, _)| name);
    let Some((_, entry)) = entries.clone().find(|(name, _)| *name == spec.name) else {
        let hint = match nearest(&spec.name, names.clone()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
        };
        return Err(unknown(spec.name, hint));
    };
    let mut params = Params { spec: &spec, known: Vec::new() };
    let rule = make(entry, &mut params)?;
    params.end()?;
    Ok(rule)
}

/// A specification's parameters while a rule reads them.
pub(crate) struct Params<'s> {
    spec: &'s Spec,
    known: Vec<&'static str>,
}

impl<'s> Params<'s> {
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

    /// A whole number in `[low, high]`.
    pub(crate) fn whole(
        &mut self,
        name: &'static str,
        default: usize,
        low: usize,
        high: usize,
    ) -> Result<usize> {
        let Some(text) = self.value(name) else { return Ok(default) };
        match text.parse::<usize>() {
            Ok(value) if (low..=high).contains(&value) => Ok(value),
            _ => Err(self.wrong(name, text, format!("a whole number from {low} to {high}")).into()),
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
    fn end(self) -> Result<()> {
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
