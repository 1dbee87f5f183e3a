//! Labels as they are written, made into classes.
//!
//! Spaces around a label are no part of it. Where all labels are numbers, equal numbers are one class however they are
//! written (`1`, `1.0`), but for leading zeros: `01` is a code, and then every spelling is a class of its own. Whole
//! numbers are compared digit by digit, however large.

use super::cells::Cells;
use super::encode::Reading;
use super::exact::Decimal;
use super::forms::Form;
use super::numbers;
use super::roles::listed;
use super::sentinels::suspects;
use super::{moments, spelling, words};
use crate::data::dataset::{MAX_CLASSES, Targets};
use crate::data::error::DataError;
use crate::data::readers::ReadError;
use crate::data::table::Decision;
use crate::error::{Result, shorten};
use std::collections::{HashMap, HashSet};

/// Whether a table must have a column of labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Wanted {
    Required,
    Optional,
}

/// The labels of a table.
pub(super) struct Labels {
    /// The class of every row that has a label.
    pub classes: Vec<Option<u32>>,
    pub names: Vec<String>,
    pub decisions: Vec<Decision>,
    pub warnings: Vec<String>,
}

impl Labels {
    /// Reads the column of labels.
    ///
    /// # Errors
    /// [`ReadError`] where they are no classes, [`DataError::TooMany`] where there are too many.
    pub fn read(reading: &Reading<'_>, name: &str, cells: &Cells) -> Result<Self> {
        let (file, column) = (reading.file, shorten(name).into_owned());
        let mut book = Book::default();
        let number = |value: f64| (!value.is_nan()).then(|| value.to_string());
        match cells {
            Cells::Numbers(values) => {
                values.iter().try_for_each(|&value| book.push(file, number(value).as_deref()))?;
            }
            Cells::Whole(values) => values
                .iter()
                .try_for_each(|value| book.push(file, value.map(|value| value.to_string()).as_deref()))?,
            Cells::Truths(values) => values.iter().try_for_each(|value| {
                book.push(file, value.map(|value| if value { "true" } else { "false" }))
            })?,
            Cells::Texts(texts) | Cells::Levels(texts) => texts
                .iter()
                .try_for_each(|text| book.push(file, text.filter(|text| !words::no_label(text))))?,
            Cells::Moments(..) | Cells::Vectors { .. } | Cells::Other(..) => {
                let what = match cells {
                    Cells::Moments(..) => "dates".to_string(),
                    Cells::Vectors { .. } => "lists".to_string(),
                    _ => "values of a type that is no class".to_string(),
                };
                return Err(ReadError::Option {
                    file: file.to_string(),
                    problem: format!("column {column} holds {what}, which are no labels"),
                    hint: "name another column with --label".to_string(),
                }
                .into());
            }
        }
        let rows = book.rows.len();
        let labelled = rows - book.rows.iter().filter(|row| row.is_none()).count();
        let (mut decisions, mut warnings) = (Vec::new(), Vec::new());
        if labelled < rows {
            let (decision, warning) = without_a_label(&column, rows, labelled);
            decisions.push(decision);
            warnings.push(warning);
        }
        let mut say = |what: &str, choice: String, reason: String| {
            let flag = Some("--label COLUMN".to_string());
            decisions.push(Decision { what: what.to_string(), choice, reason, flag });
        };
        if let Cells::Texts(texts) | Cells::Levels(texts) = cells
            && texts.padded()
        {
            say("spaces around labels", "left out".to_string(), "labels are compared without".to_string());
        }
        let classes = book.into_classes(file, &column, reading.commas())?;
        if !classes.merged.is_empty() {
            let choice = format!("one class each: {}", listed(&classes.merged));
            say("spellings of labels", choice, "all labels are numbers, and these are equal".to_string());
        }
        if let Some((class, rows)) = no_class(&classes.names, classes.of.iter().flatten().copied()) {
            warnings.push(format!(
                "{} of {rows} rows is taken as a class, but may stand for rows without a label, which `--missing \
                 \"{column}={}\"` says",
                shorten(class),
                shorten(class)
            ));
        }
        if let Some((several, one)) = several_labels(&classes.names) {
            warnings.push(format!(
                "\"{}\" is taken as a class, but looks like several labels of which \"{}\" is one: every row has one \
                 label here, so make a column of each, in which it is one class and all others another",
                shorten(several),
                shorten(one)
            ));
        }
        if !classes.alike.is_empty() {
            warnings.push(format!("classes that differ in spelling alone: {}", listed(&classes.alike)));
        }
        let Classes { of, names, .. } = classes;
        Ok(Self { classes: of, names, decisions, warnings })
    }
}

/// A class whose name often stands for rows without a label, and its rows: `unknown`, -999, or -1 beside classes that are
/// counted from 0.
pub(in crate::data) fn no_class(
    names: &[String],
    rows: impl Iterator<Item = u32> + Clone,
) -> Option<(&String, usize)> {
    const WORDS: [&str; 12] = [
        "unknown",
        "undefined",
        "missing",
        "unlabeled",
        "unlabelled",
        "no label",
        "not labeled",
        "not labelled",
        "to be labeled",
        "to be labelled",
        "todo",
        "tbd",
    ];
    let values: Option<Vec<f64>> = names.iter().map(|name| numbers::plain(name)).collect();
    let found = match values {
        Some(values) => {
            let minus = values.iter().position(|&value| value == -1.0);
            let counted =
                values.len() > 2 && values.iter().all(|&value| value >= -1.0 && value.fract() == 0.0);
            let suspect = || {
                let all = rows.clone().map(|class| values[class as usize]);
                let value = suspects(all).first()?.value;
                values.iter().position(|&other| other == value)
            };
            minus.filter(|_| counted).or_else(suspect)
        }
        None => {
            let word = |name: &String| {
                let name = name.to_lowercase();
                WORDS.contains(&name.as_str())
                    || words::missing_beside(&name) && name != "none" && name != "-"
            };
            names.iter().position(word)
        }
    };
    let at = found.filter(|_| names.len() > 1)?;
    Some((&names[at], rows.filter(|&class| class as usize == at).count()))
}

/// A class whose name is made of other classes' names, and one of these.
fn several_labels(names: &[String]) -> Option<(&str, &str)> {
    let known: HashSet<&str> = names.iter().map(String::as_str).collect();
    names.iter().find_map(|name| {
        let (first, _) = name.split_once([';', '|', ','])?;
        Some((name.as_str(), *known.get(first.trim())?))
    })
}

/// What is said where only `labelled` of `rows` rows have a label.
pub(super) fn without_a_label(column: &str, rows: usize, labelled: usize) -> (Decision, String) {
    let unlabelled = rows - labelled;
    let decision = Decision {
        what: "rows without a label".to_string(),
        choice: format!("{unlabelled} of {rows} are left out of simulation"),
        reason: format!("column {column} holds nothing there"),
        flag: Some("--label COLUMN".to_string()),
    };
    let warning =
        format!("{unlabelled} of {rows} rows have no label: simulations and fits use the other {labelled}");
    (decision, warning)
}

/// Collects the labels of rows, each text once.
#[derive(Default)]
pub(in crate::data) struct Book {
    numbers: HashMap<String, u32>,
    counts: Vec<usize>,
    rows: Vec<Option<u32>>,
}

/// Different labels that are collected: more are no classes, and take memory.
const MAX_COLLECTED: usize = 1 << 20;

impl Book {
    /// Adds the label of the next row, if it has one.
    pub fn push(&mut self, file: &str, text: Option<&str>) -> Result<(), DataError> {
        let number = match text.map(|text| (text, self.numbers.get(text))) {
            None => None,
            Some((_, Some(&number))) => Some(number),
            Some((text, None)) => {
                let number = self.numbers.len() as u32;
                if self.numbers.len() == MAX_COLLECTED {
                    return Err(too_many(file, MAX_COLLECTED + 1));
                }
                self.numbers.insert(text.to_string(), number);
                self.counts.push(0);
                Some(number)
            }
        };
        if let Some(number) = number {
            self.counts[number as usize] += 1;
        }
        self.rows.push(number);
        Ok(())
    }

    /// The labels as targets; every row has one.
    ///
    /// # Errors
    /// As [`Labels::read`].
    pub fn into_targets(self, file: &str, column: &str) -> Result<Targets> {
        let Classes { of, names, .. } = self.into_classes(file, column, Commas::default())?;
        Ok(Targets::Class { labels: of.into_iter().flatten().collect(), names })
    }

    /// Classes in ascending order: by value if every label is a number, else by text. So the classes do
    /// not depend on the order of the rows.
    fn into_classes(self, file: &str, column: &str, commas: Commas) -> Result<Classes> {
        let mut spellings: Vec<(String, Option<Decimal>, u32)> = self
            .numbers
            .into_iter()
            .map(|(text, number)| {
                let decimal = Decimal::of(&text);
                (text, decimal, number)
            })
            .collect();
        let numbers = spellings.iter().all(|(_, decimal, _)| decimal.is_some());
        refuse_what_is_no_class(file, column, &spellings, &self.counts, commas)?;
        let is_code = |text: &str| {
            let mut digits = text.trim_start_matches(['+', '-']).bytes();
            digits.next() == Some(b'0') && digits.next().is_some_and(|byte| byte.is_ascii_digit())
        };
        let by_value = numbers && !spellings.iter().any(|(text, ..)| is_code(text));
        spellings.sort_by(|(a, x, _), (b, y, _)| match (x, y) {
            // The shortest spelling of a number comes first, and names the class.
            (Some(x), Some(y)) if numbers => {
                let order = if x.same(y) { std::cmp::Ordering::Equal } else { x.order(y) };
                order.then(a.len().cmp(&b.len())).then(a.cmp(b))
            }
            _ => a.cmp(b),
        });
        let mut class_of = vec![0u32; spellings.len()];
        let (mut names, mut merged, mut alike) = (Vec::<String>::new(), Vec::new(), Vec::new());
        let mut folded: HashMap<String, String> = HashMap::new();
        let mut last: Option<Decimal> = None;
        for (text, decimal, number_of) in spellings {
            let same = by_value && last.as_ref().zip(decimal.as_ref()).is_some_and(|(a, b)| a.same(b));
            if same {
                merged.push(format!("{} and {}", shorten(&names[names.len() - 1]), shorten(&text)));
            } else {
                let key = match &decimal {
                    Some(decimal) => {
                        decimal.whole().map_or_else(|| decimal.value().to_string(), |whole| whole.to_string())
                    }
                    None => spelling::key(&text),
                };
                if let Some(other) = folded.insert(key, text.clone()) {
                    alike.push(format!("{} and {}", shorten(&other), shorten(&text)));
                }
                names.push(text);
                last = decimal;
            }
            class_of[number_of as usize] = names.len() as u32 - 1;
        }
        if names.len() > MAX_CLASSES {
            return Err(too_many(file, names.len()).into());
        }
        let of = self.rows.into_iter().map(|row| row.map(|number| class_of[number as usize])).collect();
        Ok(Classes { of, names, merged, alike })
    }
}

struct Classes {
    of: Vec<Option<u32>>,
    names: Vec<String>,
    /// Spellings of one class.
    merged: Vec<String>,
    /// Classes of like spelling.
    alike: Vec<String>,
}

fn too_many(file: &str, found: usize) -> DataError {
    let (name, found, limit) = (file.to_string(), found as u128, MAX_CLASSES as u128);
    DataError::TooMany { name, what: "different labels", found, limit }
}

/// Different labels up to which any numbers and any texts may be classes.
const FEW: usize = 20;
/// Different fractions from which, if most of them have one row each, they are no classes.
const FEWEST_FRACTIONS: usize = 10;
/// Rows per label, on average, under which whole numbers that do not count the classes are no classes.
const LEAST_PER_NUMBER: usize = 5;
/// Different whole numbers from which, with this share of single ones, they are no classes.
const MANY_NUMBERS: usize = 200;
const SINGLE_SHARE: f64 = 0.1;

/// What a comma within a number may be, as [`Form::of`] takes it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Commas {
    pub free: bool,
    pub decimal: bool,
}

/// Labels as the numbers that they are, with a mark, a unit or as dates; none where they are none.
fn measured(spellings: &[(String, Option<Decimal>, u32)], commas: Commas) -> Option<Vec<f64>> {
    let texts = || spellings.iter().map(|(text, ..)| text.as_str());
    if let Some(form) = Form::of(texts(), commas.free, commas.decimal) {
        return texts().map(|text| form.parse(text)).collect();
    }
    let (form, _) = moments::Form::of(texts())?;
    texts().map(|text| form.parse(text).map(|(seconds, _)| seconds)).collect()
}

/// Refuses numbers that are to be predicted as numbers, and texts that are all different.
fn refuse_what_is_no_class(
    file: &str,
    column: &str,
    spellings: &[(String, Option<Decimal>, u32)],
    counts: &[usize],
    commas: Commas,
) -> Result<(), ReadError> {
    let rows: usize = counts.iter().sum();
    let count = |at: u32| counts[at as usize];
    let plain: Option<Vec<(Decimal, usize)>> =
        spellings.iter().map(|(_, decimal, at)| Some((decimal.clone()?, count(*at)))).collect();
    let counted: Vec<(f64, usize)> = match plain {
        Some(mut plain) => {
            plain.sort_by(|(a, _), (b, _)| a.order(b));
            plain.dedup_by(|later, kept| {
                let same = later.0.same(&kept.0);
                kept.1 += if same { later.1 } else { 0 };
                same
            });
            plain.into_iter().map(|(decimal, count)| (decimal.value(), count)).collect()
        }
        None => match measured(spellings, commas) {
            Some(values) => {
                let mut counted: Vec<(f64, usize)> =
                    values.into_iter().zip(spellings).map(|(value, (.., at))| (value, count(*at))).collect();
                counted.sort_by(|a, b| a.0.total_cmp(&b.0));
                counted.dedup_by(|later, kept| {
                    let same = later.0 == kept.0;
                    kept.1 += if same { later.1 } else { 0 };
                    same
                });
                counted
            }
            None => {
                let distinct = spellings.len();
                if distinct > FEW && distinct * 2 > rows {
                    let (file, column) = (file.to_string(), column.to_string());
                    return Err(ReadError::NoClasses { file, column, distinct, rows });
                }
                return Ok(());
            }
        },
    };
    let distinct = counted.len();
    let whole = counted.iter().all(|(value, _)| value.fract() == 0.0);
    let first = counted.first().map_or(0.0, |(value, _)| *value);
    let counts_classes = whole
        && (first == 0.0 || first == 1.0)
        && counted.iter().enumerate().all(|(at, (value, _))| *value == first + at as f64);
    let single = counted.iter().filter(|(_, count)| *count == 1).count() as f64;
    let scattered = distinct > MANY_NUMBERS && single > SINGLE_SHARE * distinct as f64;
    let fractions = || counted.iter().filter(|(value, _)| value.fract() != 0.0);
    let alone = fractions().filter(|(_, count)| *count == 1).count();
    let continuous = match (whole, counts_classes) {
        (false, _) if alone >= FEWEST_FRACTIONS && alone * 2 > fractions().count() => true,
        _ if distinct <= FEW => false,
        (false, _) => true,
        // Row numbers count as well.
        (true, true) => distinct == rows,
        (true, false) => distinct * LEAST_PER_NUMBER > rows || scattered,
    };
    if continuous {
        let (file, column) = (file.to_string(), column.to_string());
        return Err(ReadError::Continuous { file, column, distinct, rows });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(labels: &[&str]) -> Result<(Vec<u32>, String, Classes)> {
        let mut book = Book::default();
        labels.iter().try_for_each(|label| book.push("t", Some(label)))?;
        let classes = book.into_classes("t", "y", Commas::default())?;
        Ok((classes.of.iter().flatten().copied().collect(), classes.names.join(" "), classes))
    }

    fn refusal(labels: impl Iterator<Item = String>) -> String {
        let labels: Vec<String> = labels.collect();
        let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
        classes(&labels).map_or_else(|error| error.to_string(), |(_, names, _)| names)
    }

    #[test]
    fn classes_are_sorted_by_value_or_by_text() {
        let (labels, names, _) = classes(&["10", "2", "-1", "2"]).unwrap();
        assert_eq!((labels, names.as_str()), (vec![2, 1, 0, 1], "-1 2 10"));
        let (labels, names, _) = classes(&["b", "10", "a", "2"]).unwrap();
        assert_eq!((labels, names.as_str()), (vec![3, 0, 2, 1], "10 2 a b"));
    }

    /// `1` and `1.0` were once two classes.
    #[test]
    fn equal_numbers_are_one_class_and_codes_are_text() {
        let (labels, names, found) = classes(&["1.0", "0", "1", "0.0", "1e0"]).unwrap();
        assert_eq!((labels, names.as_str()), (vec![1, 0, 1, 0, 1], "0 1"));
        assert_eq!(found.merged, ["0 and 0.0", "1 and 1.0", "1 and 1e0"]);
        let (labels, names, found) = classes(&["01", "1", "02"]).unwrap();
        assert_eq!((labels, names.as_str()), (vec![1, 0, 2], "1 01 02"));
        assert_eq!(found.alike, ["1 and 01"]);
        let (_, names, found) = classes(&["1", "1.0", "none"]).unwrap();
        assert_eq!((names.as_str(), found.alike), ("1 1.0 none", vec!["1 and 1.0".to_string()]));
        assert_eq!(classes(&["Yes", "yes", "no"]).unwrap().2.alike, ["Yes and yes"]);
        assert_eq!(classes(&["1.0", "2.0"]).unwrap().1, "1.0 2.0", "one spelling stays as it is");
        // `f64` holds the two as one number.
        let (labels, names, found) =
            classes(&["9007199254740993", "9007199254740992", "9007199254740993.0"]).unwrap();
        assert_eq!((labels, names.as_str()), (vec![1, 0, 1], "9007199254740992 9007199254740993"));
        assert_eq!((found.merged.len(), found.alike.len()), (1, 0));
    }

    #[test]
    fn classes_that_differ_in_spelling_alone_are_named() {
        for (a, b) in [(">50K", ">50K."), ("a b", "a  b"), ("cat", "'cat'"), ("caf\u{e9}", "cafe\u{301}")] {
            assert_eq!(classes(&[a, b, "other"]).unwrap().2.alike.len(), 1, "{a} {b}");
        }
        assert!(classes(&["+", "-", "<=50K", ">50K"]).unwrap().2.alike.is_empty());
    }

    #[test]
    fn measures_to_be_predicted_are_refused() {
        let forms: [fn(usize) -> String; 4] = [
            |row| format!("$1,{:03}", row * 7),
            |row| format!("{}.4%", row),
            |row| format!("{}.5 kg", row),
            |row| format!("2021-{:02}-{:02}", 1 + row % 12, 1 + row % 28),
        ];
        for form in forms {
            assert!(refusal((0..60).map(form)).contains("looks continuous"), "{}", form(1));
        }
        assert!(
            refusal((0..15).map(|row| format!("{row}.25"))).contains("(15 different numbers in 15 rows)")
        );
        let rare = (0..215).map(|row| if row < 200 { "0".to_string() } else { format!("{row}.25") });
        assert!(refusal(rare).contains("(16 different numbers in 215 rows)"));
        // Few of each are classes.
        assert_eq!(refusal((0..60).map(|row| format!("{}%", row % 4))), "0% 1% 2% 3%");
        assert_eq!(refusal((0..60).map(|row| format!("{}.5", row % 4))).split(' ').count(), 4);
    }

    /// A price was once a class per row.
    #[test]
    fn numbers_to_be_predicted_are_refused() {
        let price = (0..160).map(|row| format!("{}", 100.25 + f64::from(row * 37 % 157)));
        assert_eq!(
            refusal(price),
            "t: column y looks continuous (157 different numbers in 160 rows), which are no classes"
        );
        assert!(
            refusal((0..400).map(|row| (row * 7919 % 663 * 500).to_string())).contains("looks continuous")
        );
        assert!(refusal((0..100).map(|row| row.to_string())).contains("looks continuous"), "row numbers");
        // Classes that are numbers: numbered ones however many, and others that recur.
        for classes in [26, 200] {
            let names = refusal((0..1000).map(|row| (row % classes).to_string()));
            assert_eq!(names.split(' ').count(), classes);
        }
        assert_eq!(refusal((0..1000).map(|row| (row % 30 * 10).to_string())).split(' ').count(), 30);
        assert_eq!(refusal((0..100).map(|row| format!("{}.5", row % 10))).split(' ').count(), 10);
    }

    #[test]
    fn texts_that_are_all_different_are_refused() {
        let found = refusal((0..60).map(|row| format!("d{row:03}")));
        assert_eq!(found, "t: column y holds 60 different texts in 60 rows, which are no classes");
        assert_eq!(refusal((0..60).map(|row| format!("d{:03}", row % 20))).split(' ').count(), 20);
    }
}
