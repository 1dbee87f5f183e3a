//! Observations and [`LabelledState`]s as they are kept: flat vectors, checked on the way in.

use super::imitation::LabelledState;
use crate::data::{Matrix, RowId};
use crate::episode::Observation;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// An observation as flat vectors; `features` has one row per candidate.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Flat {
    candidates: Vec<u32>,
    #[serde(with = "packed")]
    features: Vec<f32>,
    #[serde(with = "packed")]
    globals: Vec<f32>,
}

/// Numbers as Base64 of their little-endian bytes: half of what decimals take, and written and read many times as fast. States are
/// most of what a training keeps, and of what processes that train together send each other.
mod packed {
    use base64::prelude::{BASE64_STANDARD, Engine};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::borrow::Cow;

    pub(super) fn serialize<S: Serializer>(values: &[f32], to: S) -> Result<S::Ok, S::Error> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        to.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<f32>, D::Error> {
        let bytes = BASE64_STANDARD.decode(&*Cow::<str>::deserialize(from)?).map_err(D::Error::custom)?;
        match bytes.as_chunks() {
            (numbers, []) => Ok(numbers.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()),
            (_, rest) => {
                Err(D::Error::custom(format!("{} bytes, the last {} no number", bytes.len(), rest.len())))
            }
        }
    }
}

impl From<Observation> for Flat {
    fn from(Observation { candidates, features, globals }: Observation) -> Self {
        Self {
            candidates: candidates.into_iter().map(|row| row.0).collect(),
            features: features.into_values(),
            globals,
        }
    }
}

impl TryFrom<Flat> for Observation {
    type Error = String;

    fn try_from(Flat { candidates, features, globals }: Flat) -> Result<Self, String> {
        let (rows, values) = (candidates.len(), features.len());
        if rows == 0 || values % rows != 0 {
            return Err(format!("{values} features for {rows} candidates"));
        }
        Ok(Self {
            candidates: candidates.into_iter().map(RowId).collect(),
            features: Matrix::new(features, rows, values / rows),
            globals,
        })
    }
}

/// Writes an observation as flat vectors, for `#[serde(with = "stored")]`.
pub(super) fn serialize<S: Serializer>(observation: &Observation, to: S) -> Result<S::Ok, S::Error> {
    Flat::from(observation.clone()).serialize(to)
}

/// Reads what [`serialize`] has written.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Observation, D::Error> {
    Flat::deserialize(from)?.try_into().map_err(D::Error::custom)
}

/// The state, its observation as flat vectors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    observation: Flat,
    gains: Vec<f32>,
    task: u32,
}

impl From<LabelledState> for Stored {
    fn from(LabelledState { observation, gains, task }: LabelledState) -> Self {
        Self { observation: observation.into(), gains, task }
    }
}

impl TryFrom<Stored> for LabelledState {
    type Error = String;

    fn try_from(Stored { observation, gains, task }: Stored) -> Result<Self, String> {
        Ok(Self { observation: observation.try_into()?, gains, task })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::observation;
    use super::*;
    use crate::rng::Key;
    use rand::RngExt;

    /// What is kept comes back bit for bit, or an interrupted training would give other weights.
    #[test]
    fn states_come_back_bit_for_bit() {
        let mut rng = Key::root(1).rng();
        for seed in 0..20 {
            let mut observation = observation(9, 5, 3, Key::root(seed));
            for value in observation.features.values_mut() {
                let bits = f32::from_bits(rng.random());
                *value = if bits.is_finite() { bits } else { -0.0 };
            }
            let gains: Vec<f32> = (0..7).map(|_| rng.random::<f32>() * 1e-3).collect();
            let state = LabelledState { observation, gains, task: seed as u32 };
            let text = serde_json::to_vec(&state).unwrap();
            let back: LabelledState = serde_json::from_slice(&text).unwrap();
            let bits = |state: &LabelledState| {
                let values = state.observation.features.values();
                values.iter().chain(&state.gains).map(|value| value.to_bits()).collect::<Vec<_>>()
            };
            assert_eq!(bits(&back), bits(&state));
            assert_eq!(back, state);
        }
    }

    #[test]
    fn other_numbers_of_features_than_candidates_have_are_refused() {
        let read = |candidates: &str, features: &str| {
            serde_json::from_str::<LabelledState>(&format!(
                "{{\"observation\": {{\"candidates\": {candidates}, \"features\": \"{features}\", \"globals\": \"\"}}, \
                 \"gains\": [], \"task\": 0}}"
            ))
        };
        // Four bytes of zero are `AAAAAA==`, eight `AAAAAAAAAAA=`.
        assert_eq!(read("[1, 2]", "AAAAAAAAAAA=").unwrap().observation.features.values(), [0.0, 0.0]);
        for (candidates, features) in
            [("[]", ""), ("[1, 2]", "AAAAAA=="), ("[]", "AAAAAA=="), ("[1]", "AAAA"), ("[1]", "?")]
        {
            assert!(read(candidates, features).is_err(), "{candidates} {features}");
        }
    }
}
