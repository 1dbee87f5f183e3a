//! Whether rows that are judged on are learned from, by content: names and paths say nothing.
//!
//! Rows are compared as they were read, and once more with every column brought to the range from 0 to 1 of
//! its own set, so that a copy in other units or scaled beforehand is found as well. Whole sets are compared by the
//! ranks of their values too, which no order of columns, sign or monotone transform changes, and whatever is left on
//! those columns that both sets have. What is not found: rows with noise added to most
//! columns, parts of a set that were transformed, and copies of columns that cannot be told apart by their values. The
//! card of a policy that is handed in has a sample of the rows of every set that it was learned from.

use super::error::ExperimentError;
use super::overlap::{Columns, Overlap, Side, overlap};
use crate::agent::{Provenance, SeenSet};
use crate::data::{Dataset, MatrixView};
use crate::error::shorten;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The share of rows of what is judged on that may stand in what is learned from; fewer are warned of.
pub const MAX_SHARED: f64 = 0.1;
/// Values of a column that are told apart once it lies between 0 and 1.
pub(super) const STEPS: f64 = 1_000.0;
/// Rows of a set that a random row may be expected to equal by chance, columns taken as independent, if equal
/// rows are to say that two sets are related: under few columns of few values, chance makes equals enough.
pub(super) const CHANCE: f64 = 0.01;
/// One in so many columns must be shared for rows that are equal on them to be warned of: a few columns of many agree by chance
/// where columns hang together, as pixels do.
const ONE_COLUMN_IN: usize = 10;
/// The share of rows that must have the ranks of rows of another set for one set to be the other transformed: a
/// rank is one of few in a short set, so that chance makes some equals.
const RANKED: f64 = 0.9;
/// Rows of a set from which on their ranks are compared.
const MIN_RANKED: usize = 20;

/// Prints of rows that a card keeps of a data set, as read and scaled.
const SAMPLE: usize = 64;
/// Fewest of them that are no coincidence.
const LEAST_FOUND: usize = 3;

/// What the names of generated tasks begin with.
const GENERATED: &str = "synthetic/";

/// A list of a plan, and whether a policy is made by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Learned from.
    Source,
    /// Chooses between checkpoints: must not be learned from, nor be a target.
    Validation,
    /// What is learned is tried on it.
    Target,
}

impl Role {
    /// The key of the list in an experiment file.
    fn key(self) -> &'static str {
        match self {
            Role::Source => "sources.datasets",
            Role::Validation => "sources.validation",
            Role::Target => "transfer.targets",
        }
    }

    /// Whether rows of `other` must not be among those of this role.
    fn excludes(self, other: Role) -> bool {
        matches!(
            (self, other),
            (Role::Validation, Role::Source) | (Role::Target, Role::Source | Role::Validation)
        )
    }
}

/// What is remembered of a data set to find its rows in others.
#[derive(Clone, Debug)]
pub struct Prints {
    role: Role,
    dataset: Arc<Dataset>,
    columns: Columns,
    raw: Vec<u64>,
    scaled: Vec<u64>,
    /// Whether equal rows are more than chance.
    telling: bool,
}

impl Prints {
    /// Of one data set in its role.
    pub fn of(dataset: &Arc<Dataset>, role: Role) -> Self {
        let inputs = dataset.inputs();
        let steps = Steps::of(inputs);
        let [raw, scaled] = steps.prints(inputs);
        Self {
            role,
            dataset: Arc::clone(dataset),
            raw,
            scaled,
            telling: steps.telling(inputs),
            columns: Columns::of(inputs, steps),
        }
    }

    fn name(&self) -> &str {
        self.dataset.name()
    }

    fn side(&self) -> Side<'_> {
        Side { inputs: self.dataset.inputs(), columns: &self.columns }
    }

    /// Whether the ranks of a row's values tell it from most others.
    fn ranks_tell(&self) -> bool {
        let distinct = self.columns.ranked.iter().collect::<HashSet<_>>().len();
        let rows = self.columns.ranked.len();
        self.telling && self.columns.varying() > 1 && rows >= MIN_RANKED && 2 * distinct > rows
    }
}

/// A hash of values in their order, the same on every machine and in every version: cards keep it.
fn print(values: impl Iterator<Item = u32>) -> u64 {
    // FNV-1a over words, and the finaliser of SplitMix64, without which small values would give small prints.
    let sum = values.fold(0xcbf2_9ce4_8422_2325, |sum: u64, value| {
        (sum ^ u64::from(value)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
    });
    let mixed = (sum ^ (sum >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// What a card keeps of a data set: the smallest prints of its rows, which any part of it shares with it in proportion.
pub fn sample(dataset: &Dataset) -> SeenSet {
    let inputs = dataset.inputs();
    let [raw, scaled] = Steps::of(inputs).prints(inputs);
    let smallest = |mut all: Vec<u64>| {
        all.sort_unstable();
        all.dedup();
        all.truncate(SAMPLE);
        all.iter().map(|print| format!("{print:016x}")).collect()
    };
    SeenSet {
        name: dataset.name().to_string(),
        rows: dataset.rows(),
        as_read: smallest(raw),
        scaled: smallest(scaled),
    }
}

/// The columns of a set in whole steps from their least value to their largest.
#[derive(Clone, Debug)]
pub(super) struct Steps(Vec<(f32, f32)>);

impl Steps {
    fn of(inputs: MatrixView<'_>) -> Self {
        let mut ranges = vec![(f32::INFINITY, f32::NEG_INFINITY); inputs.cols()];
        for row in 0..inputs.rows() {
            for ((least, most), &value) in ranges.iter_mut().zip(inputs.row(row)) {
                (*least, *most) = (least.min(value), most.max(value));
            }
        }
        Self(ranges)
    }

    pub(super) fn step(&self, column: usize, value: f32) -> u32 {
        let (least, most) = self.0[column];
        let (least, most, value) = (f64::from(least), f64::from(most), f64::from(value));
        if least < most { ((value - least) / (most - least) * STEPS).round() as u32 } else { 0 }
    }

    fn of_row<'a>(&'a self, row: &'a [f32]) -> impl Iterator<Item = u32> + 'a {
        row.iter().enumerate().map(|(column, &value)| self.step(column, value))
    }

    /// Prints of all rows, as they are and in steps.
    fn prints(&self, inputs: MatrixView<'_>) -> [Vec<u64>; 2] {
        // Zeros of either sign are equal.
        let raw = |row: &[f32]| print(row.iter().map(|&value| (value + 0.0).to_bits()));
        let all = (0..inputs.rows()).map(|row| inputs.row(row));
        let (raw, scaled) = all.map(|row| (raw(row), print(self.of_row(row)))).unzip();
        [raw, scaled]
    }

    /// Whether a random row would equal hardly any by chance.
    fn telling(&self, inputs: MatrixView<'_>) -> bool {
        let n = inputs.rows() as f64;
        // Times the share of pairs of rows that agree, column by column.
        let mut expected = n;
        for column in 0..inputs.cols() {
            let mut counts = vec![0u32; STEPS as usize + 1];
            for row in 0..inputs.rows() {
                counts[self.step(column, inputs.row(row)[column]) as usize] += 1;
            }
            let equal: f64 =
                counts.iter().map(|&count| f64::from(count)).map(|count| count * (count - 1.0)).sum();
            expected *= equal / (n * (n - 1.0)).max(1.0);
            if expected < CHANCE {
                return true;
            }
        }
        false
    }
}

/// Refuses sets of which more than [`MAX_SHARED`] of the rows stand in a set that they must be apart from, or more
/// than half on more than half of their columns, and says in a line of text each where fewer do, on a tenth of the columns at least.
///
/// # Errors
/// [`ExperimentError::Seen`] or [`ExperimentError::SeenInPart`] with the first such pair.
pub fn check(all: &[Prints]) -> Result<Vec<String>, ExperimentError> {
    let mut warnings = Vec::new();
    for judged in all {
        let sources: Vec<&Prints> = all.iter().filter(|other| judged.role.excludes(other.role)).collect();
        let rows = judged.raw.len();
        // By source, how many rows it holds; and the rows that any holds.
        let (mut held, mut seen) = (HashMap::new(), vec![false; rows]);
        for (at, source) in sources.iter().enumerate() {
            for row in found(judged, source) {
                *held.entry(at).or_insert(0usize) += 1;
                seen[row] = true;
            }
        }
        let shared = seen.iter().filter(|&&seen| seen).count();
        let limit = (rows as f64 * MAX_SHARED) as usize;
        if shared <= limit {
            for source in &sources {
                let Some(found) = overlap(judged.side(), source.side()) else { continue };
                if ONE_COLUMN_IN * found.columns < found.compared {
                    continue;
                }
                warnings.push(in_part(judged, source, found)?);
            }
        }
        let largest = held.into_iter().max_by_key(|&(at, count)| (count, std::cmp::Reverse(at)));
        let Some((at, _)) = largest else { continue };
        let source = sources[at];
        if shared > limit {
            return Err(ExperimentError::Seen {
                list: judged.role.key(),
                name: judged.name().to_string(),
                source_list: source.role.key(),
                source_name: source.name().to_string(),
                shared,
                rows,
                limit,
            });
        }
        warnings.push(format!(
            "{shared} of {rows} rows of {} (`{}`) stand in what is learned from, most of them in {} (`{}`); over \
             {limit} are refused",
            judged.name(),
            judged.role.key(),
            source.name(),
            source.role.key()
        ));
    }
    Ok(warnings)
}

/// A line of text about rows that stand in a source on some columns, unless they are too many of either.
fn in_part(judged: &Prints, source: &Prints, found: Overlap) -> Result<String, ExperimentError> {
    let (rows, Overlap { rows: shared, columns, compared, whole }) = (judged.raw.len(), found);
    let limit = if whole { (rows as f64 * MAX_SHARED) as usize } else { rows / 2 };
    if shared > limit && 2 * columns > compared {
        return Err(ExperimentError::SeenInPart {
            list: judged.role.key(),
            name: judged.name().to_string(),
            source_list: source.role.key(),
            source_name: source.name().to_string(),
            shared,
            rows,
            columns,
            compared,
            limit,
        });
    }
    Ok(format!(
        "{shared} of {rows} rows of {} (`{}`) stand in {} (`{}`) on {columns} of {compared} columns compared; over \
         {limit} on more than half of the columns are refused",
        judged.name(),
        judged.role.key(),
        source.name(),
        source.role.key()
    ))
}

/// Refuses a target that the policy called `policy` was trained on or chosen by, as far as its card says: the same
/// content, or more than [`MAX_SHARED`] of its rows, estimated by the card's sample.
///
/// # Errors
/// [`ExperimentError::SeenByPolicy`].
pub fn check_policy(policy: &str, card: &Provenance, target: &Dataset) -> Result<(), ExperimentError> {
    let refuse = |source: &SeenSet, percent: f64| ExperimentError::SeenByPolicy {
        name: target.name().to_string(),
        percent: percent.round() as u32,
        source_name: source.name.clone(),
        policy: policy.to_string(),
    };
    if let Some(source) = card.seen.get(target.content()) {
        return Err(refuse(source, 100.0));
    }
    if card.seen.is_empty() {
        return Ok(());
    }
    let inputs = target.inputs();
    let steps = Steps::of(inputs);
    if !steps.telling(inputs) {
        return Ok(());
    }
    let [raw, scaled] = steps.prints(inputs).map(|prints| prints.into_iter().collect::<HashSet<u64>>());
    for source in card.seen.values() {
        let share = |sample: &[String], own: &HashSet<u64>| {
            let holds =
                |text: &&String| u64::from_str_radix(text, 16).is_ok_and(|print| own.contains(&print));
            let found = sample.iter().filter(holds).count();
            if found >= LEAST_FOUND { found as f64 / sample.len() as f64 } else { 0.0 }
        };
        let share = share(&source.as_read, &raw).max(share(&source.scaled, &scaled));
        let of_target = share * source.rows as f64 / target.rows() as f64;
        if of_target > MAX_SHARED {
            return Err(refuse(source, 100.0 * of_target.min(1.0)));
        }
    }
    Ok(())
}

/// A line of text where a card names source tasks that were not generated, and does not say what they hold.
pub fn untold(policy: &str, card: &Provenance) -> Option<String> {
    let mut real = card.source_tasks.iter().filter(|task| !task.starts_with(GENERATED));
    let first = real.next().filter(|_| card.seen.is_empty())?;
    Some(format!(
        "{}: its card names source tasks ({}{}) without saying what they hold, so that a target among them is not \
         refused",
        shorten(policy),
        shorten(first),
        if real.next().is_some() { ", ..." } else { "" }
    ))
}

/// The rows of `judged` that stand in `source`.
fn found(judged: &Prints, source: &Prints) -> Vec<usize> {
    if judged.dataset.content() == source.dataset.content() || transformed(judged, source) {
        return (0..judged.raw.len()).collect();
    }
    if judged.dataset.width() != source.dataset.width() || !source.telling {
        return Vec::new();
    }
    let [raw, scaled] =
        [&source.raw, &source.scaled].map(|prints| prints.iter().copied().collect::<HashSet<u64>>());
    let holds = |row: &usize| raw.contains(&judged.raw[*row]) || scaled.contains(&judged.scaled[*row]);
    (0..judged.raw.len()).filter(holds).collect()
}

/// Whether one set is the other with columns moved, mirrored or put through monotone transforms.
fn transformed(judged: &Prints, source: &Prints) -> bool {
    let (rows, others) = (&judged.columns.ranked, &source.columns.ranked);
    if rows.len() != others.len() || !judged.ranks_tell() || !source.ranks_tell() {
        return false;
    }
    let others: HashSet<u64> = others.iter().copied().collect();
    let held = rows.iter().filter(|&print| others.contains(print)).count();
    held as f64 >= RANKED * rows.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, Shape, Targets, embedded};

    fn set(rows: usize, width: usize, value: impl Fn(usize, usize) -> f32) -> Dataset {
        let values = (0..rows * width).map(|at| value(at / width, at % width)).collect();
        let labels = (0..rows as u32).map(|row| row % 2).collect();
        let targets = Targets::Class { labels, names: vec!["a".into(), "b".into()] };
        Dataset::new("set", Shape::Vector(width), Matrix::new(values, rows, width), targets, None).unwrap()
    }

    /// Rows `from ..` of wine, every value multiplied by `factor` and moved.
    fn wine(from: usize, factor: f32, shift: f32) -> Dataset {
        let wine = embedded::load("wine").unwrap();
        set(wine.rows() - from, wine.width(), |row, column| {
            wine.inputs().row(from + row)[column] * factor + shift
        })
    }

    fn judge(source: &Dataset, target: &Dataset) -> Result<Vec<String>, (usize, usize)> {
        let of = |dataset: &Dataset, role| Prints::of(&Arc::new(dataset.clone()), role);
        let prints = [of(source, Role::Source), of(target, Role::Target)];
        check(&prints).map_err(|error| match error {
            ExperimentError::Seen { shared, limit, .. } => (shared, limit),
            ExperimentError::SeenInPart { shared, limit, .. } => (shared, limit),
            other => panic!("{other}"),
        })
    }

    /// A target that was learned from was once refused by its name alone, so that a copy passed.
    #[test]
    fn copies_are_refused_whatever_they_are_called() {
        let wine = embedded::load("wine").unwrap();
        assert_eq!(judge(&wine, &wine.clone().renamed("other")), Err((178, 17)));
        // Other labels, a part of the rows, other units: the inputs were seen.
        assert_eq!(judge(&wine, &self::wine(0, 1.0, 0.0)), Err((178, 17)));
        assert_eq!(judge(&wine, &self::wine(100, 1.0, 0.0)), Err((78, 7)));
        let (shared, _) = judge(&wine, &self::wine(0, 0.013, 5.0)).unwrap_err();
        assert!(shared > 160, "{shared}: a value at the edge of a step may fall to either side");
        assert_eq!(judge(&wine, &embedded::load("iris").unwrap()), Ok(vec![]));
    }

    /// A policy that is handed in was once tried on what it had learned from without a word.
    #[test]
    fn what_a_policy_has_seen_is_refused_by_content() {
        let (wine, iris) = (embedded::load("wine").unwrap(), embedded::load("iris").unwrap());
        let mut card =
            Provenance { source_tasks: vec!["synthetic/tree x 9".into()], ..Provenance::default() };
        assert_eq!(untold("p", &card), None, "generated tasks are no files");
        card.source_tasks.push("wine".into());
        let warning = untold("p", &card).unwrap();
        assert!(warning.starts_with("p: its card names source tasks (wine) without"), "{warning}");
        let copy = wine.clone().renamed("mine");
        check_policy("p", &card, &copy).unwrap();
        card.seen.insert(wine.content().to_string(), sample(&wine));
        let error = check_policy("p", &card, &copy).unwrap_err().to_string();
        assert!(
            error.contains("about 100 % of the rows of mine stand in wine, which the policy p has seen"),
            "{error}"
        );
        // In another order, in part, with other rows, in other units.
        let turned = set(wine.rows(), 13, |row, column| wine.inputs().row(wine.rows() - 1 - row)[column]);
        let with_others = set(250, 13, |row, column| {
            if row < 178 { wine.inputs().row(row)[column] } else { (row * 13 + column) as f32 * 0.37 }
        });
        for copy in [turned, self::wine(120, 1.0, 0.0), with_others, self::wine(0, 3.0, 1.0)] {
            let error = check_policy("p", &card, &copy).unwrap_err().to_string();
            assert!(error.contains("% of the rows of set stand in wine"), "{error}");
        }
        check_policy("p", &card, &iris).unwrap();
        assert_eq!(untold("p", &card), None);
    }

    #[test]
    fn few_rows_are_warned_of() {
        let wine = embedded::load("wine").unwrap();
        let target = set(178, 13, |row, column| {
            if row < 10 { wine.inputs().row(row)[column] } else { (row * 13 + column) as f32 * 0.37 }
        });
        let warnings = judge(&wine, &target).unwrap();
        assert_eq!(
            warnings,
            [
                "10 of 178 rows of set (`transfer.targets`) stand in what is learned from, most of them in wine \
              (`sources.datasets`); over 17 are refused"
            ]
        );
    }

    /// Two sets of few columns with few values have equal rows without being related.
    #[test]
    fn what_chance_explains_is_no_leak() {
        let source = set(625, 4, |row, column| (row / 5usize.pow(column as u32) % 5) as f32);
        let target = set(81, 4, |row, column| (row / 3usize.pow(column as u32) % 3) as f32);
        assert_eq!(judge(&source, &target), Ok(vec![]));
        assert_eq!(judge(&source, &source), Err((625, 62)));
    }

    #[test]
    fn every_role_is_apart_from_those_before_it() {
        let wine = Arc::new(embedded::load("wine").unwrap());
        let refused = |a, b| check(&[Prints::of(&wine, a), Prints::of(&wine, b)]).is_err();
        assert!(refused(Role::Source, Role::Validation) && refused(Role::Validation, Role::Target));
        assert!(refused(Role::Source, Role::Target) && !refused(Role::Target, Role::Target));
    }

    /// Numbers without a pattern, from 0 to 1.
    fn noise(seed: u32, row: usize, column: usize) -> f32 {
        let mut state =
            seed ^ (row as u32).wrapping_mul(0x9e37_79b1) ^ (column as u32).wrapping_mul(0x85eb_ca77);
        for factor in [0x7feb_352du32, 0x846c_a68b] {
            state = (state ^ (state >> 16)).wrapping_mul(factor);
        }
        (state ^ (state >> 16)) as f32 / u32::MAX as f32
    }

    /// A copy once passed with one column more, one less, or any of them moved or transformed.
    #[test]
    fn copies_with_other_columns_are_refused() {
        for name in ["wine", "breast_cancer", "iris", "digits"] {
            let source = embedded::load(name).unwrap();
            let (rows, width) = (source.rows(), source.width());
            let at = |row: usize, column: usize| source.inputs().row(row)[column];
            let refused = |what: &str, width: usize, value: &dyn Fn(usize, usize) -> f32| {
                let (shared, _) = judge(&source, &set(rows, width, value)).expect_err(what);
                assert!(shared * 10 > rows * 9, "{name}, {what}: {shared} of {rows}");
            };
            refused("moved", width, &|row, column| at(row, width - 1 - column));
            refused("rows moved, too", width, &|row, column| at(rows - 1 - row, (column + 1) % width));
            refused("constant", width + 1, &|row, column| {
                if column == 0 { 7.0 } else { at(row, column - 1) }
            });
            refused("mirrored", width, &|row, column| at(row, column) * if column == 1 { -1.0 } else { 1.0 });
            refused("logarithms", width, &|row, column| (at(row, width - 1 - column) + 1.0).ln());
        }
        for name in ["wine", "breast_cancer"] {
            let source = embedded::load(name).unwrap();
            let (rows, width) = (source.rows(), source.width());
            let at = |row: usize, column: usize| source.inputs().row(row)[column];
            let refused = |what: &str, width: usize, value: &dyn Fn(usize, usize) -> f32| {
                let (shared, limit) = judge(&source, &set(rows, width, value)).expect_err(what);
                assert!(
                    shared * 10 > rows * 8 && limit == rows / 2,
                    "{name}, {what}: {shared} of {rows}, {limit}"
                );
            };
            refused("noise", width + 1, &|row, column| match column {
                0 => noise(1, row, 0),
                _ => at(row, column - 1),
            });
            refused("dropped", width - 1, &|row, column| at(row, column + 1));
            refused("dropped, moved and mirrored", width - 1, &|row, column| {
                -at(rows - 1 - row, width - 1 - column)
            });
        }
        // A part of the rows, with columns moved, counts as a plain copy of them does.
        let wine = embedded::load("wine").unwrap();
        let part = set(100, 13, |row, column| wine.inputs().row(row + 50)[12 - column]);
        let (shared, limit) = judge(&wine, &part).unwrap_err();
        assert!(shared > 90 && limit == 10, "{shared}, {limit}");
    }

    /// Copies of fewer than half of the columns are no reason to refuse a set.
    #[test]
    fn few_columns_are_warned_of() {
        let wine = embedded::load("wine").unwrap();
        let target = set(178, 9, |row, column| match column {
            0 | 2 | 4 | 6 => wine.inputs().row(row)[12 - column],
            _ => noise(2, row, column),
        });
        let warnings = judge(&wine, &target).unwrap();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("on 4 of 9 columns compared"), "{warnings:?}");
        // Two of twenty-four are nobody's copy.
        let target = set(178, 24, |row, column| match column {
            0 | 2 => wine.inputs().row(row)[12 - column],
            _ => noise(2, row, column),
        });
        assert_eq!(judge(&wine, &target), Ok(vec![]));
    }

    /// Columns that all sets have say nothing about their rows.
    #[test]
    fn unrelated_sets_with_columns_of_few_values_pass() {
        for (width, values) in [(4, 2.0), (12, 2.0), (40, 2.0), (12, 5.0), (30, 10.0), (2, 60.0), (3, 1e6)] {
            let of = |seed: u32, rows: usize| {
                set(rows, width, |row, column| (noise(seed, row, column) * values).floor())
            };
            for rows in [60, 300, 400] {
                assert_eq!(judge(&of(3, 300), &of(4, rows)), Ok(vec![]), "{width} of {values}, {rows}");
            }
        }
        let load = |name| embedded::load(name).unwrap();
        for name in ["wine", "breast_cancer", "iris"] {
            assert_eq!(judge(&load(name), &load("digits")), Ok(vec![]), "{name}");
            assert_eq!(judge(&load("digits"), &load(name)), Ok(vec![]), "{name}");
        }
    }
}
