//! Which fields are numbers, and by which decimal sign.

use super::super::ReadOptions;
use super::super::choices::Separator;
use super::{Sample, decision};
use crate::data::table::Decision;
use crate::error::shorten;

/// Whether `text` is a number as it stands.
pub(super) fn is_number(text: &str) -> bool {
    text.bytes().any(|byte| byte.is_ascii_digit()) && text.parse::<f64>().is_ok()
}

/// Whether `text` stands for a missing value.
pub(super) fn is_missing(text: &str) -> bool {
    let marks = ["", "?", "na", "n/a", "nan", "null", "none", "-", ".", "#n/a", "<na>"];
    marks.iter().any(|mark| text.eq_ignore_ascii_case(mark))
}

/// A number with a decimal comma, and perhaps points between thousands, as one with a decimal point.
pub(in crate::data::readers) fn decimal_point(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once(',')?;
    let digits = whole.strip_prefix(['-', '+']).unwrap_or(whole);
    let grouped = digits.split('.').skip(1).all(|group| group.len() == 3);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let point = format!("{}.{fraction}", whole.replace('.', ""));
    (plain && grouped && !digits.starts_with('.') && !fraction.is_empty() && is_number(&point))
        .then_some(point)
}

/// Whether `1,234` may as well be a thousand and more.
fn may_be_grouped(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut groups = digits.split(',');
    let first = groups.next().unwrap_or("");
    (1..=3).contains(&first.len()) && !first.starts_with('0') && groups.all(|group| group.len() == 3)
}

pub(super) fn decide_decimals(sample: &Sample, options: &ReadOptions, decisions: &mut Vec<Decision>) -> bool {
    const FLAG: &str = "--decimal";
    if let Some(mark) = options.decimal {
        let choice = format!("\"{mark}\"");
        decisions.push(decision("decimals", choice, "asked for".to_string(), FLAG));
        return mark == ',';
    }
    if sample.separator == Separator::Byte(b',') {
        return false;
    }
    let cells = || sample.records.iter().flatten();
    let Some(example) = cells().find(|cell| decimal_point(cell).is_some()) else { return false };
    let pointed = cells().any(|cell| cell.contains('.') && is_number(cell));
    let commas = || cells().filter(|cell| decimal_point(cell).is_some());
    let grouped = sample.separator != Separator::Byte(b';') && commas().all(|cell| may_be_grouped(cell));
    if pointed || grouped {
        return false;
    }
    let reason = format!("{:?} is a number so, and none has a point", shorten(example));
    decisions.push(decision("decimals", "\",\"".to_string(), reason, FLAG));
    true
}
