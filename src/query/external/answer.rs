//! [`Answer`]: what a program answers, and the contract that it is held to.

use serde::Deserialize;

/// An answer to a [`Question`](super::Question).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answer {
    /// Ids of candidates, most wanted first.
    pub picks: Vec<i64>,
    /// What each is worth, higher = asked first.
    pub utilities: Option<Vec<f64>>,
    /// What there is to be told.
    pub note: Option<String>,
    /// Why there is no answer.
    pub error: Option<String>,
}

/// How an answer breaks the contract of strategies.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum AnswerError {
    /// More or fewer than were asked for.
    #[error("{found} picks, expected {expected}")]
    Count { found: usize, expected: usize },
    /// A pick that may not be asked for.
    #[error("pick {at} is {found}, which is no candidate")]
    NotACandidate { at: usize, found: i64 },
    /// A pick that comes twice.
    #[error("pick {at}: {found} was picked before")]
    Repeated { at: usize, found: i64 },
    /// Not one utility per pick.
    #[error("{found} utilities for {expected} picks")]
    Utilities { found: usize, expected: usize },
    /// A utility that is no number, or larger than that of an earlier pick.
    #[error("utility {at} is {found}, expected a finite number no larger than the one before")]
    Rising { at: usize, found: f64 },
}

impl Answer {
    /// Reads a line.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(line: &str) -> Result<Self, String> {
        serde_json::from_str(line).map_err(|error| error.to_string())
    }
}

/// The places of `picks` among `candidates`, which ascend.
pub(super) fn places(candidates: &[u32], batch: usize, picks: &[i64]) -> Result<Vec<usize>, AnswerError> {
    if picks.len() != batch {
        return Err(AnswerError::Count { found: picks.len(), expected: batch });
    }
    let mut taken = vec![false; candidates.len()];
    let place = |(at, &found): (usize, &i64)| {
        let id = u32::try_from(found).ok();
        let place = id.and_then(|id| candidates.binary_search(&id).ok());
        let place = place.ok_or(AnswerError::NotACandidate { at, found })?;
        match std::mem::replace(&mut taken[place], true) {
            true => Err(AnswerError::Repeated { at, found }),
            false => Ok(place),
        }
    };
    picks.iter().enumerate().map(place).collect()
}

pub(super) fn check_utilities(batch: usize, utilities: Option<&[f64]>) -> Result<(), AnswerError> {
    let Some(utilities) = utilities else { return Ok(()) };
    if utilities.len() != batch {
        return Err(AnswerError::Utilities { found: utilities.len(), expected: batch });
    }
    let mut before = f64::MAX;
    for (at, &found) in utilities.iter().enumerate() {
        if !(found.is_finite() && found <= before) {
            return Err(AnswerError::Rising { at, found });
        }
        before = found;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn picks_are_distinct_candidates_as_many_as_were_asked_for() {
        let candidates = [2, 5, 9];
        assert_eq!(places(&candidates, 2, &[9, 2]), Ok(vec![2, 0]));
        assert_eq!(places(&candidates, 2, &[9]), Err(AnswerError::Count { found: 1, expected: 2 }));
        for found in [3, -1, i64::MAX, 1 << 32 | 5] {
            let refused = Err(AnswerError::NotACandidate { at: 1, found });
            assert_eq!(places(&candidates, 2, &[5, found]), refused);
        }
        assert_eq!(places(&candidates, 2, &[5, 5]), Err(AnswerError::Repeated { at: 1, found: 5 }));
    }

    #[test]
    fn utilities_are_finite_and_do_not_rise() {
        assert_eq!(check_utilities(3, Some(&[2.0, 2.0, -1.0])), Ok(()));
        assert_eq!(check_utilities(2, Some(&[1.0])), Err(AnswerError::Utilities { found: 1, expected: 2 }));
        assert_eq!(check_utilities(2, Some(&[1.0, 1.5])), Err(AnswerError::Rising { at: 1, found: 1.5 }));
        assert!(check_utilities(1, Some(&[f64::NAN])).is_err());
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        assert_eq!(Answer::read("{\"picks\":[1]}\n").unwrap().picks, [1]);
        for line in ["", "[1]", "{\"pick\":[1]}", "{\"picks\":[1.5]}", "{\"picks\":[1]} x"] {
            assert!(Answer::read(line).is_err(), "{line}");
        }
    }
}
