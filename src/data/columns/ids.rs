//! Columns that tell rows apart instead of describing them: row numbers, keys, identifiers.

/// Names of columns that count rows or hold keys; letter case is ignored.
const NAMES: [&str; 26] = [
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
        assert!(is_uuid("123e4567-e89b-12d3-a456-426614174000") && !is_uuid("123e4567"));
    }
}
