//! Columns that tell rows apart instead of describing them: row numbers, keys, identifiers.

/// Names of columns that count rows or hold keys; letter case is ignored.
const NAMES: [&str; 31] = [
    "",
    "index",
    "idx",
    "id",
    "row",
    "rows",
    "rowid",
    "row_id",
    "rownum",
    "row_number",
    "rownames",
    "nr",
    "no",
    "no.",
    "#",
    "num",
    "key",
    "obs",
    "observation",
    "case",
    "serial",
    "sno",
    "s.no",
    "uuid",
    "guid",
    "level_0",
    "ids",
    "row.names",
    "row_names",
    "row name",
    "rn",
];
/// Names that columns of keys have, and others as well.
const DOUBTFUL: [&str; 11] = [
    "sample", "rank", "order", "record", "subject", "entry", "position", "sequence", "seq", "number",
    "instance",
];
/// Fewest rows from which equal or different values say anything.
pub(super) const LEAST: usize = 10;

/// Whether a name is that of row numbers or keys: `id`, `Unnamed: 0`, `PassengerId`, `customer_id`.
pub(super) fn named(name: &str) -> bool {
    let name = name.trim();
    let lower = name.to_lowercase();
    let ends = ["_id", "-id", " id", ".id", "_uuid", "_key"].iter().any(|end| lower.ends_with(end));
    let camel = |end: &str| {
        name.strip_suffix(end).and_then(|rest| rest.chars().last()).is_some_and(|c| c.is_lowercase())
    };
    // What R and pandas call a column of row names.
    let made = lower.starts_with("unnamed:")
        || lower.starts_with("unnamed ")
        || lower.starts_with("__index_level_")
        || name == "X"
        || name == "...1";
    NAMES.contains(&lower.as_str()) || ends || camel("Id") || camel("ID") || made
}

/// Whether a column has a name that keys have, and others as well.
pub(super) fn doubtful(name: &str) -> bool {
    DOUBTFUL.contains(&name.trim().to_lowercase().as_str())
}

/// Whether a name is that of an index of rows, as programs write it without being asked.
pub(super) fn index(name: &str) -> bool {
    let lower = name.trim().to_lowercase();
    let made = ["unnamed:", "unnamed ", "__index_level_"].iter().any(|start| lower.starts_with(start));
    made || ["", "index", "level_0"].contains(&lower.as_str())
}

/// Whether the numbers that there are could be an index: whole, or halfway between two whole ones.
pub(super) fn index_like(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_nan() || (value * 2.0).fract() == 0.0)
}

/// How the numbers of all rows follow from one another, where they do and none is missing, as a clause.
pub(super) fn sequence(values: &[f64]) -> Option<&'static str> {
    if values.len() < LEAST || values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let step = (values[values.len() - 1] - values[0]) / (values.len() - 1) as f64;
    let (least, most) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), &value| {
        (least.min(value), most.max(value))
    });
    // As far as rounding of the decimals that were written allows.
    let slack = step.abs() * 1e-6 + least.abs().max(most.abs()) * 4.0 * f64::EPSILON;
    if step.abs() > slack && values.windows(2).all(|pair| (pair[1] - pair[0] - step).abs() <= slack) {
        return Some("grows or falls by one step from row to row");
    }
    let dense = most - least == (values.len() - 1) as f64;
    (dense && all_different(values)).then_some("holds consecutive whole numbers, each of them once")
}

/// Whether the numbers count the rows, from 0 or 1.
pub(super) fn counts_rows(values: &[f64]) -> bool {
    let first = values.first().copied().unwrap_or(f64::NAN);
    values.len() >= LEAST
        && (first == 0.0 || first == 1.0)
        && values.iter().enumerate().all(|(row, &value)| value == first + row as f64)
}

/// Whether all numbers are whole and different, and none is missing.
pub(super) fn all_different(values: &[f64]) -> bool {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    values.len() >= LEAST
        && values.iter().all(|value| value.is_finite() && value.fract() == 0.0)
        && sorted.windows(2).all(|pair| pair[0] != pair[1])
}

/// [`all_different`] of numbers that `f64` may not hold.
pub(super) fn all_different_whole(values: &[Option<i128>]) -> bool {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    values.len() >= LEAST
        && values.iter().all(Option::is_some)
        && sorted.windows(2).all(|pair| pair[0] != pair[1])
}

/// Whether a text is a universally unique identifier.
pub(super) fn is_uuid(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_keys_are_known() {
        for name in ["", "Unnamed: 0", "id", "ID", "PassengerId", "CustomerID", "user_id", "X", "index"] {
            assert!(named(name), "{name}");
        }
        for name in ["x", "X1", "paid", "valid", "grid", "age", "Humid", "number_of_doors"] {
            assert!(!named(name), "{name}");
        }
    }

    #[test]
    fn counting_begins_at_0_or_1() {
        let from = |start: f64| (0..20).map(|row| start + f64::from(row)).collect::<Vec<_>>();
        assert!(counts_rows(&from(0.0)) && counts_rows(&from(1.0)));
        assert!(!counts_rows(&from(1.7e9)) && !counts_rows(&from(0.5)));
        assert!(all_different(&from(7.0)) && !all_different(&[&from(7.0)[..], &[7.0]].concat()));
        let steps: Vec<f64> = (0..50).map(|row| 3.0 + f64::from(row) * 0.1).collect();
        let shuffled: Vec<f64> = (0..60).map(|row| f64::from(7_000 + row * 37 % 60)).collect();
        assert!(sequence(&steps).is_some_and(|says| says.contains("one step")));
        assert!(sequence(&shuffled).is_some_and(|says| says.contains("consecutive")));
        let squares: Vec<f64> = (0..50).map(|row| f64::from(row * row)).collect();
        assert!([&squares[..], &[5.0; 50], &from(1.0)[..5]].iter().all(|values| sequence(values).is_none()));
        assert!(index_like(&[0.5, f64::NAN, 7.0, 7.0]) && !index_like(&[0.25]));
        assert!(is_uuid("123e4567-e89b-12d3-a456-426614174000") && !is_uuid("123e4567"));
    }
}
