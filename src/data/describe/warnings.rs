//! What a description warns of.

use super::{ClassCount, Description, Duplicates};

/// A class with fewer times the rows of the most frequent one is warned of.
pub const IMBALANCE_WARNED: usize = 20;

/// What of it to look into before using the data, beyond what is handled anyway.
pub(super) fn of(it: &Description) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut warn = |applies: bool, text: String| {
        if applies {
            warnings.push(text);
        }
    };
    let names = |wanted: &dyn Fn(&ClassCount) -> bool| {
        /// Names that are listed; more are only counted.
        const LISTED: usize = 8;
        let names: Vec<&str> =
            it.classes.iter().filter(|class| wanted(class)).map(|class| class.name.as_str()).collect();
        let more = names.len().saturating_sub(LISTED);
        let listed = names.iter().take(LISTED).copied().collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{listed} and {more} more") } else { listed }
    };
    let of_classes = it.labels_per_row.is_none();
    let populated = it.classes.iter().filter(|class| class.rows > 0).count();
    warn(
        !it.classes.is_empty() && of_classes && populated < 2,
        "only one class has rows: there is nothing to tell apart".to_string(),
    );
    let empty = names(&|class| class.rows == 0);
    warn(!empty.is_empty(), format!("no rows of: {empty}"));
    let single = names(&|class| class.rows == 1);
    warn(!single.is_empty(), format!("one row only, so not in every part of a split: {single}"));
    let untrained = names(&|class| class.test > 0 && class.test == class.rows);
    warn(!untrained.is_empty(), format!("only in the test part, so they cannot be learned: {untrained}"));
    let most = it.classes.iter().map(|class| class.rows).max().unwrap_or(0);
    let rare = names(&|class| class.rows > 1 && class.rows * IMBALANCE_WARNED < most);
    let text = format!(
        "under a {IMBALANCE_WARNED}th of the most frequent class ({most} rows): {rare}; accuracy says little of such \
         classes, --metric balanced_accuracy counts all alike"
    );
    warn(of_classes && !rare.is_empty(), text);
    if let Some(split) = it.split {
        warn(split.test == 0, "the official split has no test rows; a seeded split is made".to_string());
        warn(split.train == 0, "the official split has no training rows: it cannot be used".to_string());
    }
    let constant = it.constant_columns.len();
    warn(constant > 0, format!("{constant} of {} columns are constant and say nothing", it.width));
    let Duplicates { same_label, different_labels, across_split, .. } = it.duplicates;
    warn(
        same_label > 0,
        match same_label {
            1 => "1 row repeats the inputs and the label of another".to_string(),
            rows => format!("{rows} rows repeat the inputs and the label of another"),
        },
    );
    let text = format!("{different_labels} rows share their inputs with a row of another label");
    warn(different_labels > 0, text);
    let text = format!("{across_split} test rows have the inputs of a training row: accuracy will flatter");
    warn(across_split > 0, text);
    warn(it.width > it.rows, format!("more columns ({}) than rows ({})", it.width, it.rows));
    warnings
}
