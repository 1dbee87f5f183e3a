//! Numbers that often stand for no value: -999, 9999, 1e20. Whether one does, only whoever made the file knows, so
//! they are warned of and never converted unasked.

/// A number that may stand for no value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::data) struct Sentinel {
    pub value: f64,
    /// Rows that hold it.
    pub rows: usize,
    /// The range of all others.
    pub least: f64,
    pub most: f64,
}

impl Sentinel {
    /// The number as it is written: huge ones with an exponent.
    pub fn written(&self) -> String {
        if self.value.abs() >= HUGE { format!("{:e}", self.value) } else { self.value.to_string() }
    }
}

/// The largest and the smallest numbers that are looked at, one after the other.
const LOOKED_AT: usize = 3;
/// From this magnitude on, numbers are those that programs write where nothing was measured.
const HUGE: f64 = 1e20;
/// Share of the range of all others that lies between them and such a number.
const APART: f64 = 0.1;
/// Different numbers from which a single -1 below them is no level of a scale.
const SCALE: usize = 10;

/// Fewest rows from which a column is looked at.
pub(in crate::data) const LEAST_ROWS: usize = super::ids::LEAST;

/// Numbers of a column (NaN where there is none) that may stand for no value.
pub(in crate::data) fn suspects(values: impl Iterator<Item = f64> + Clone) -> Vec<Sentinel> {
    let mut found: Vec<Sentinel> = Vec::new();
    for _ in 0..LOOKED_AT {
        let others = |value: &f64| !value.is_nan() && found.iter().all(|one| one.value != *value);
        let (least, most) = range(values.clone().filter(others));
        let one = [least, most].into_iter().find_map(|value| suspect(value, values.clone().filter(others)));
        let Some(one) = one else { break };
        found.push(one);
    }
    if found.is_empty() {
        return found;
    }
    // Ranges are those without any of them.
    let others = |value: &f64| !value.is_nan() && found.iter().all(|one| one.value != *value);
    let (least, most) = range(values.filter(others));
    found.iter().map(|&one| Sentinel { least, most, ..one }).collect()
}

fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)))
}

/// Whether a number is one of those that often stand for no value, wherever others lie.
pub(in crate::data) fn is_form(value: f64) -> bool {
    nines(value).is_some() || value == -1.0 || is_limit(value) || value.abs() >= HUGE
}

/// How many nines a number is made of: 9, 99, 999 …
fn nines(value: f64) -> Option<i32> {
    (1..=10).find(|&count| value.abs() == 10f64.powi(count) - 1.0)
}

/// Whether a number is the least or largest of a type.
fn is_limit(value: f64) -> bool {
    [-32_768.0, -2_147_483_648.0, 2_147_483_647.0].contains(&value)
}

/// Whether the smallest or largest of `values` looks like one.
fn suspect(value: f64, values: impl Iterator<Item = f64> + Clone) -> Option<Sentinel> {
    if !is_form(value) {
        return None;
    }
    let others = || values.clone().filter(|&other| other != value);
    let rows = values.clone().filter(|&other| other == value).count();
    let (least, most) = range(others());
    // All others are one value, or there is none.
    if least >= most {
        return None;
    }
    let gap = if value < least { least - value } else { value - most };
    let negative = value < 0.0 && least >= 0.0;
    let whole = || others().all(|other| other.fract() == 0.0);
    let sound = match nines(value) {
        _ if value.abs() >= HUGE => gap > most - least,
        _ if is_limit(value) => gap >= APART * (most - least),
        Some(1 | 2) if value > 0.0 => rows > 1 && gap > (most - least) / 2.0,
        Some(3..) if value > 0.0 => rows > 1 && gap >= APART * (most - least) || gap > most - least,
        Some(3..) => negative || gap > most - least,
        // -1, -9 and -99 below numbers that are counts or measures.
        _ => rows > 1 && negative && (value != -1.0 || whole() && more_than(SCALE, others())),
    };
    sound.then_some(Sentinel { value, rows, least, most })
}

/// Whether there are more than `count` different numbers.
fn more_than(count: usize, values: impl Iterator<Item = f64>) -> bool {
    let mut seen: Vec<f64> = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
        if seen.len() > count {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(values: &[f64]) -> Vec<f64> {
        suspects(values.iter().copied()).iter().map(|one| one.value).collect()
    }

    /// -999 among measurements was once learned from without a word.
    #[test]
    fn numbers_that_stand_for_no_value_are_told_from_numbers() {
        let measured: Vec<f64> = (0..100).map(|row| f64::from(row % 40) / 7.0).collect();
        let with = |more: &[f64]| [&measured[..], more].concat();
        assert_eq!(found(&with(&[-999.0, -999.0])), [-999.0]);
        assert_eq!(found(&with(&[9999.0, f64::NAN, 9999.0, -999.0])), [-999.0, 9999.0]);
        assert_eq!(found(&with(&[9.96921e36])), [9.96921e36]);
        assert_eq!(found(&with(&[-9.0, -9.0])), [-9.0]);
        assert_eq!(found(&with(&[99.0, 99.0])), [99.0]);
        let days: Vec<f64> = (0..60).map(|row| if row % 2 == 0 { -1.0 } else { f64::from(row) }).collect();
        assert_eq!(found(&days), [-1.0], "days since the last contact, where there was none");
        let one = suspects(with(&[-999.0, 9999.0]).into_iter())[0];
        assert_eq!((one.rows, one.least, one.most), (1, 0.0, 39.0 / 7.0));
        for plain in [
            vec![-1.0, 1.0, -1.0, 1.0],
            vec![-1.0, 0.0, 1.0, -1.0],
            (0..200).map(|row| f64::from(row % 100)).collect(),
            (0..2000).map(|row| f64::from(row - 999)).collect(),
            (0..2000).map(f64::from).chain([999.0, 9.0]).collect(),
            measured.iter().map(|value| value - 3.0).chain([-9.0]).collect(),
            vec![999.0; 20],
            vec![f64::NAN; 5],
        ] {
            assert_eq!(found(&plain), [0.0; 0], "{:?}", &plain[..4.min(plain.len())]);
        }
    }
}
