//! Numbers as people write them, and numbers that `f32` cannot tell apart.

use std::collections::HashSet;

/// Marks that stand before a number, and behind one.
const BEFORE: [char; 3] = ['$', '€', '£'];
const BEHIND: [char; 4] = ['%', '$', '€', '£'];

/// How the numbers of a column are written.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Form {
    /// A mark before or behind every number.
    pub mark: Option<(char, bool)>,
    pub commas: Commas,
}

/// What a comma within a number is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Commas {
    /// There is none.
    #[default]
    None,
    /// It groups digits by three: `1,234.5`.
    Thousands,
    /// It stands before the decimals: `1.234,5`.
    Decimal,
}

impl Form {
    /// How all of `levels` may be written; none if they are no numbers. Where commas separate no fields
    /// (`decimal`), a number may have a decimal comma; where semicolons do (`preferred`), that is more likely than
    /// thousands.
    pub fn of<'a>(
        levels: impl Iterator<Item = &'a str> + Clone,
        decimal: bool,
        preferred: bool,
    ) -> Option<Self> {
        let first = levels.clone().next()?;
        let before = first.chars().next().filter(|c| BEFORE.contains(c)).map(|c| Some((c, true)));
        let behind = first.chars().last().filter(|c| BEHIND.contains(c)).map(|c| Some((c, false)));
        let marks = [Some(None), before, behind];
        let commas = if preferred {
            [Commas::None, Commas::Decimal, Commas::Thousands]
        } else {
            [Commas::None, Commas::Thousands, Commas::Decimal]
        };
        let forms = marks
            .into_iter()
            .flatten()
            .flat_map(|mark| commas.map(|commas| Form { mark, commas }))
            .filter(|form| decimal || form.commas != Commas::Decimal);
        forms.into_iter().find(|form| levels.clone().all(|text| form.parse(text).is_some()))
    }

    /// The number that `text` is in this form; infinite where it is beyond `f64`.
    pub fn parse(&self, text: &str) -> Option<f64> {
        let text = match self.mark {
            None => text,
            Some((mark, true)) => match text.strip_prefix('-') {
                // Accountants write -$5.
                Some(rest) => return self.digits(rest.strip_prefix(mark)?.trim_start()).map(|value| -value),
                None => text.strip_prefix(mark)?.trim_start(),
            },
            Some((mark, false)) => text.strip_suffix(mark)?.trim_end(),
        };
        self.digits(text)
    }

    fn digits(&self, text: &str) -> Option<f64> {
        match self.commas {
            Commas::None => plain(text),
            Commas::Thousands if !text.contains(',') => plain(text),
            Commas::Thousands => {
                let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
                let digits = decimals.bytes().all(|byte| byte.is_ascii_digit());
                (digits && grouped(whole, ',')).then(|| plain(&text.replace(',', "")))?
            }
            Commas::Decimal => {
                let (whole, _) = text.split_once(',').unwrap_or((text, ""));
                if whole.contains('.') && !grouped(whole, '.') {
                    return None;
                }
                plain(&text.replace('.', "").replacen(',', ".", 1))
            }
        }
    }

    /// What is said of it.
    pub fn says(&self) -> Option<String> {
        let commas = match self.commas {
            Commas::None => None,
            Commas::Thousands => Some("commas group thousands".to_string()),
            Commas::Decimal => Some("commas stand before decimals".to_string()),
        };
        let mark = self.mark.map(|(mark, _)| format!("the {mark} is left out"));
        let parts: Vec<String> = [commas, mark].into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }
}

/// A number as programs write it; infinite where it is beyond `f64`. Words such as `inf` are none.
pub(super) fn plain(text: &str) -> Option<f64> {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Whether `text` is an infinity in words.
pub(super) fn infinite(text: &str) -> bool {
    text.parse::<f64>().is_ok_and(f64::is_infinite) && plain(text).is_none()
}

/// Digits in groups of three, of which the first may be shorter, behind a sign.
fn grouped(text: &str, separator: char) -> bool {
    let mut groups = text.strip_prefix(['+', '-']).unwrap_or(text).split(separator);
    let digits = |group: &str| group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().is_some_and(|group| (1..=3).contains(&group.len()) && digits(group));
    first && groups.all(|group| group.len() == 3 && digits(group))
}

/// From this ratio of the largest magnitude to the range on, a column is looked at for numbers that rounding merges.
const FAR: f64 = 4.0;

/// What is to be taken from every number before rounding to `f32`, so that different numbers stay different; none where
/// nothing is won. A shift changes no standard score and no range.
pub(super) fn shift(values: &[f64]) -> Option<Shift> {
    let known = || values.iter().copied().filter(|value| value.is_finite());
    let (least, most) = known()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), value| (least.min(value), most.max(value)));
    let largest = least.abs().max(most.abs());
    if !(most > least && largest >= FAR * (most - least)) {
        return None;
    }
    let middle = least + (most - least) / 2.0;
    let (mut exact, mut rounded, mut moved) = (HashSet::new(), HashSet::new(), HashSet::new());
    for value in known() {
        exact.insert(value.to_bits());
        rounded.insert((value as f32).to_bits());
        moved.insert(((value - middle) as f32).to_bits());
    }
    let (distinct, rounded) = (exact.len(), rounded.len());
    (moved.len() > rounded).then_some(Shift { middle, distinct, rounded })
}

/// A number to be taken from all of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shift {
    /// The middle of the column's range.
    pub middle: f64,
    /// Different numbers.
    pub distinct: usize,
    /// Of these, how many `f32` tells apart without it.
    pub rounded: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(levels: &[&str], decimal: bool, preferred: bool) -> Option<Vec<f64>> {
        let form = Form::of(levels.iter().copied(), decimal, preferred)?;
        levels.iter().map(|text| form.parse(text)).collect()
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        assert_eq!(read(&["1,234", "5", "-12,345.5"], false, false).unwrap(), [1234.0, 5.0, -12345.5]);
        assert_eq!(read(&["1,5", "2"], true, true).unwrap(), [1.5, 2.0]);
        assert_eq!(read(&["1.234,5", "0,25"], true, true).unwrap(), [1234.5, 0.25]);
        assert_eq!(read(&["$1,234.00", "-$5.50"], false, false).unwrap(), [1234.0, -5.5]);
        assert_eq!(read(&["12 %", "3.5%"], false, false).unwrap(), [12.0, 3.5]);
        // Where commas separate fields, 1,5 is no number; 1,23 groups nothing.
        assert_eq!(read(&["1,5"], false, false), None);
        assert_eq!(read(&["1,234", "1,23"], false, false), None);
        assert_eq!(read(&["$1", "2"], false, false), None);
        assert_eq!(read(&["inf", "nan", "e"], false, false), None);
    }

    #[test]
    fn numbers_that_rounding_merges_are_centred() {
        let stamps: Vec<f64> = (0..120).map(|second| 1.7e9 + f64::from(second)).collect();
        let found = shift(&stamps).unwrap();
        assert_eq!((found.distinct, found.rounded, found.middle), (120, 2, 1.7e9 + 59.5));
        // What rounding keeps apart keeps its bytes, and so does what a shift cannot help.
        for kept in [vec![1e6, 1e6 + 1.0], vec![0.0, 1e9, 1e9 + 1.0], vec![3.0; 5], vec![f64::NAN, 1.0]] {
            assert_eq!(shift(&kept), None, "{kept:?}");
        }
    }
}
