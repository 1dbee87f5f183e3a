//! Words that stand for no value, and words for true and false.

/// What stands for a missing value in any column: what pandas reads as missing, and the question mark.
const MISSING: [&str; 16] = [
    "NA", "N/A", "n/a", "NaN", "nan", "NAN", "-NaN", "-nan", "null", "NULL", "Null", "None", "<NA>", "#N/A",
    "#NA", "?",
];
/// What stands for a missing value where all others are numbers, dates or truth values: elsewhere it may be a level.
const MISSING_BESIDE: [&str; 35] = [
    "-",
    "--",
    "–",
    "—",
    "nd",
    "n.d.",
    "N.D.",
    "n/d",
    "k.A.",
    "k. A.",
    "n.b.",
    "..",
    ".",
    "*",
    "na",
    "n.a.",
    "N.A.",
    "none",
    "NONE",
    "nil",
    "missing",
    "Missing",
    "unknown",
    "Unknown",
    "UNKNOWN",
    "undefined",
    // What databases write for null, and spreadsheets for what could not be computed.
    "\\N",
    "(null)",
    "#VALUE!",
    "#DIV/0!",
    "#NUM!",
    "#REF!",
    "#NAME?",
    "#NULL!",
    "#N/A N/A",
];
/// What stands for a missing label. `None` is a class, as in data on diagnoses.
const NO_LABEL: [&str; 12] =
    ["NA", "N/A", "n/a", "NaN", "nan", "NAN", "null", "NULL", "Null", "<NA>", "#N/A", "?"];
/// False and true.
const TRUTHS: [(&str, &str); 5] = [("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"), ("off", "on")];

/// Whether a text stands for a missing value in any column.
pub(super) fn missing(text: &str) -> bool {
    MISSING.contains(&text)
}

/// Whether a text stands for a missing value among numbers, dates or truth values.
pub(super) fn missing_beside(text: &str) -> bool {
    missing(text) || MISSING_BESIDE.contains(&text)
}

/// Whether a text stands for a missing label.
pub(super) fn no_label(text: &str) -> bool {
    NO_LABEL.contains(&text)
}

/// The pair of words that all of `levels` belong to, letter case ignored.
pub(in crate::data) fn truths<'a>(
    levels: impl Iterator<Item = &'a str> + Clone,
) -> Option<(&'static str, &'static str)> {
    let fits = |(no, yes): &(&str, &str)| {
        levels.clone().all(|text| text.eq_ignore_ascii_case(no) || text.eq_ignore_ascii_case(yes))
    };
    TRUTHS.into_iter().find(fits).filter(|_| levels.clone().next().is_some())
}
