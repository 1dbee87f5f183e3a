//! Strategies against public implementations: reference values from `tests/golden/`, where the scripts that
//! made them say which version of which library they come from.

mod clusters;
mod scores;

use crate::data::RowId;
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn floats(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|v| v as f32).collect()
}

fn rows(value: &Value) -> Vec<RowId> {
    numbers(value).into_iter().map(|v| RowId(v as u32)).collect()
}

fn close(name: &str, found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * (1.0 + expected.abs()),
            "{name}, {place}: {found} {expected}"
        );
    }
}
