//! Rows of one set that stand in another on some of its columns, whatever the order, sign and units of those.
//!
//! Columns are paired by bottom-k sketches of the multisets of their values (Broder, "On the resemblance and
//! containment of documents", 1997), rows aligned by a few paired columns that tell them apart, and all pairs then
//! judged under that alignment: a wrong pair agrees no more than chance has it (Cohen's kappa). Time is that of
//! sorting every column once, plus [`PROBED`] passes over the rows.

use super::leaks::{CHANCE, MAX_SHARED, STEPS, Steps};
use crate::data::MatrixView;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

/// Hashes kept of a column.
const SKETCH: usize = 64;
/// Columns of what is judged on that partners are looked for; of more, as many at even distances.
const PROBED: usize = 256;
/// One in so many values of the shorter column must stand in the other for the two to be paired.
const ALIKE: usize = 4;
/// Groups of columns that rows are aligned by, each anew: one wrong pair spoils the group that it is in.
const ATTEMPTS: usize = 8;
/// The share of aligned rows that a column must agree on, and of columns that a row must.
const AGREE: f64 = 0.9;
/// The least agreement of a column beyond chance, as Cohen's kappa.
const KAPPA: f64 = 0.8;

/// How the values of a column are read as tokens that are equal or not.
#[derive(Clone, Copy, Debug)]
struct Reading {
    scaled: bool,
    mirrored: bool,
}

/// Those that say least about how a copy was made come first.
const READINGS: [Reading; 4] = [
    Reading { scaled: false, mirrored: false },
    Reading { scaled: true, mirrored: false },
    Reading { scaled: false, mirrored: true },
    Reading { scaled: true, mirrored: true },
];

impl Reading {
    fn token(self, steps: &Steps, column: usize, value: f32) -> u32 {
        match (self.scaled, self.mirrored) {
            // Zeros of either sign are equal.
            (false, false) => (value + 0.0).to_bits(),
            (false, true) => (0.0 - value).to_bits(),
            (true, false) => steps.step(column, value),
            (true, true) => STEPS as u32 - steps.step(column, value),
        }
    }

    /// The reading of the other set's column: the same units, never mirrored.
    fn plain(self) -> Self {
        Self { mirrored: false, ..self }
    }
}

/// A column with more than one value.
#[derive(Clone, Debug)]
struct Varying {
    column: usize,
    distinct: usize,
    /// Under each of [`READINGS`].
    sketches: [Vec<u64>; READINGS.len()],
}

/// What is remembered of the columns of a set.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    steps: Steps,
    varying: Vec<Varying>,
    /// By row, a print of the ranks of its values, counted from the nearer end, in columns of any order: what a
    /// whole set keeps under any monotone transforms.
    pub(super) ranked: Vec<u64>,
}

impl Columns {
    pub(super) fn of(inputs: MatrixView<'_>, steps: Steps) -> Self {
        let rows = inputs.rows();
        let (mut varying, mut ranked) = (Vec::new(), vec![0u64; rows]);
        let mut sorted: Vec<(f32, usize)> = Vec::with_capacity(rows);
        for column in 0..inputs.cols() {
            sorted.clear();
            sorted.extend((0..rows).map(|row| (inputs.row(row)[column] + 0.0, row)));
            sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            let (mut at, mut distinct) = (0, 0);
            if sorted[0].0 == sorted[rows - 1].0 {
                continue;
            }
            for ties in sorted.chunk_by(|a, b| a.0 == b.0) {
                // Twice the mean rank of the ties.
                let rank = 2 * at + ties.len() - 1;
                let nearer = mix(rank.min(2 * (rows - 1) - rank) as u64);
                ties.iter().for_each(|&(_, row)| ranked[row] = ranked[row].wrapping_add(nearer));
                at += ties.len();
                distinct += 1;
            }
            let sketches = READINGS
                .map(|reading| sketch(sorted.iter().map(|&(value, _)| reading.token(&steps, column, value))));
            varying.push(Varying { column, distinct, sketches });
        }
        Self { steps, varying, ranked }
    }

    /// Columns with more than one value.
    pub(super) fn varying(&self) -> usize {
        self.varying.len()
    }

    fn probed(&self) -> impl Iterator<Item = &Varying> {
        let all = self.varying.len();
        let count = all.min(PROBED);
        (0..count).map(move |at| &self.varying[at * all / count])
    }
}

/// The finaliser of SplitMix64.
fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The least hashes of a multiset of tokens, equal ones in succession.
fn sketch(tokens: impl Iterator<Item = u32>) -> Vec<u64> {
    let (mut last, mut times) = (None, 0u32);
    let numbered = |token: u32| {
        times = if last == Some(token) { times + 1 } else { 0 };
        last = Some(token);
        mix((u64::from(token) << 32) | u64::from(times))
    };
    let mut hashes: Vec<u64> = tokens.map(numbered).collect();
    if hashes.len() > SKETCH {
        hashes.select_nth_unstable(SKETCH - 1);
        hashes.truncate(SKETCH);
    }
    hashes.sort_unstable();
    hashes
}

/// The estimated Jaccard similarity of two multisets, unless they have too little in common.
fn similarity(a: &[u64], b: &[u64]) -> Option<f64> {
    let end = |hashes: &[u64]| if hashes.len() < SKETCH { u64::MAX } else { hashes[SKETCH - 1] };
    let limit = end(a).min(end(b));
    let below = |hashes: &[u64]| hashes.partition_point(|&hash| hash <= limit);
    let (a, b) = (&a[..below(a)], &b[..below(b)]);
    let (mut at, mut with, mut common) = (0, 0, 0usize);
    while at < a.len() && with < b.len() {
        let (left, right) = (a[at], b[with]);
        common += usize::from(left == right);
        at += usize::from(left <= right);
        with += usize::from(right <= left);
    }
    (common > 0 && common * ALIKE >= a.len().min(b.len()))
        .then(|| common as f64 / (a.len() + b.len() - common) as f64)
}

/// A set with what is remembered of its columns.
#[derive(Clone, Copy)]
pub(super) struct Side<'a> {
    pub inputs: MatrixView<'a>,
    pub columns: &'a Columns,
}

impl Side<'_> {
    fn token(&self, reading: Reading, column: usize, row: usize) -> u32 {
        reading.token(&self.columns.steps, column, self.inputs.row(row)[column])
    }
}

/// A column of what is judged on, and the one it may be a copy of.
struct Pair {
    column: usize,
    distinct: usize,
    source: usize,
    reading: Reading,
}

/// What a set has in common with another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overlap {
    pub rows: usize,
    pub columns: usize,
    /// Of how many columns that vary.
    pub compared: usize,
    /// Whether these are all columns that either set has, constant ones aside.
    pub whole: bool,
}

/// The rows of `judged` that stand in `source` on at least two columns, if they are more than [`MAX_SHARED`] of them.
pub(super) fn overlap(judged: Side<'_>, source: Side<'_>) -> Option<Overlap> {
    let mut taken = HashSet::new();
    let mut pairs: Vec<Pair> =
        judged.columns.probed().filter_map(|column| partner(column, source.columns, &mut taken)).collect();
    pairs.sort_by_key(|pair| Reverse(pair.distinct));
    let compared = judged.columns.varying().min(PROBED);
    let (mut rest, mut best) = (&pairs[..], None::<Overlap>);
    for _ in 0..ATTEMPTS {
        let Some((aligned, used)) = align(judged, source, rest) else { break };
        rest = &rest[used..];
        let (rows, columns) = agreeing(judged, source, &pairs, &aligned);
        if columns < 2 || rows as f64 <= judged.inputs.rows() as f64 * MAX_SHARED {
            continue;
        }
        let whole = columns == compared && source.columns.varying() == judged.columns.varying();
        if best.is_none_or(|best| (columns, rows) > (best.columns, best.rows)) {
            best = Some(Overlap { rows, columns, compared, whole });
        }
    }
    best
}

/// The column of the source that is most like `column`; among equals, one that has no partner yet.
fn partner(column: &Varying, source: &Columns, taken: &mut HashSet<usize>) -> Option<Pair> {
    let mut best: Option<((f64, bool), usize, Reading)> = None;
    for (at, reading) in READINGS.into_iter().enumerate() {
        for other in &source.varying {
            // Under the same units, not mirrored: the first two readings.
            let plain = &other.sketches[usize::from(reading.scaled)];
            let Some(alike) = similarity(&column.sketches[at], plain) else { continue };
            let score = (alike, !taken.contains(&other.column));
            if best.is_none_or(|(best, ..)| score > best) {
                best = Some((score, other.column, reading));
            }
        }
    }
    let (_, source, reading) = best?;
    taken.insert(source);
    Some(Pair { column: column.column, distinct: column.distinct, source, reading })
}

/// Rows of either set that are equal on the first of `pairs`, as many as it takes to tell rows apart; and how
/// many those are. None where all of them do not.
fn align(judged: Side<'_>, source: Side<'_>, pairs: &[Pair]) -> Option<(Vec<(usize, usize)>, usize)> {
    let (rows, others) = (judged.inputs.rows(), source.inputs.rows());
    let (mut prints, mut other_prints) = (vec![0u64; rows], vec![0u64; others]);
    // Rows of the source that a random row would equal by chance.
    let mut expected = others as f64;
    for (at, pair) in pairs.iter().enumerate() {
        let mut counts: HashMap<u32, [u32; 2]> = HashMap::new();
        for (row, print) in prints.iter_mut().enumerate() {
            let token = judged.token(pair.reading, pair.column, row);
            counts.entry(token).or_default()[0] += 1;
            *print = mix(*print ^ u64::from(token));
        }
        for (row, print) in other_prints.iter_mut().enumerate() {
            let token = source.token(pair.reading.plain(), pair.source, row);
            counts.entry(token).or_default()[1] += 1;
            *print = mix(*print ^ u64::from(token));
        }
        expected *= by_chance(&counts, rows, others);
        let enough = at > 0 && expected < CHANCE;
        if enough && prints.iter().collect::<HashSet<_>>().len() * 2 >= rows {
            let mut places = HashMap::with_capacity(others);
            for (row, &print) in other_prints.iter().enumerate() {
                places.entry(print).or_insert(row);
            }
            let place = |(row, print): (usize, &u64)| places.get(print).map(|&other| (row, other));
            return Some((prints.iter().enumerate().filter_map(place).collect(), at + 1));
        }
    }
    None
}

/// The chance that a token of one list and one of the other are equal, which have `rows` and `others`.
fn by_chance(counts: &HashMap<u32, [u32; 2]>, rows: usize, others: usize) -> f64 {
    // In whole numbers: maps have no order to add fractions in.
    let equal: u64 = counts.values().map(|&[a, b]| u64::from(a) * u64::from(b)).sum();
    equal as f64 / (rows as f64 * others as f64)
}

/// Of the aligned rows those that agree on nearly all columns that are copies, and the number of such columns.
fn agreeing(
    judged: Side<'_>,
    source: Side<'_>,
    pairs: &[Pair],
    aligned: &[(usize, usize)],
) -> (usize, usize) {
    let rows = aligned.len();
    if rows as f64 <= judged.inputs.rows() as f64 * MAX_SHARED {
        return (0, 0);
    }
    let (mut agreed, mut columns, mut found) = (vec![0usize; rows], 0, HashSet::new());
    for pair in pairs {
        let mut counts: HashMap<u32, [u32; 2]> = HashMap::new();
        let equal = |&(row, other): &(usize, usize)| {
            let token = judged.token(pair.reading, pair.column, row);
            let other = source.token(pair.reading.plain(), pair.source, other);
            counts.entry(token).or_default()[0] += 1;
            counts.entry(other).or_default()[1] += 1;
            token == other
        };
        let equal: Vec<bool> = aligned.iter().map(equal).collect();
        let observed = equal.iter().filter(|&&equal| equal).count() as f64 / rows as f64;
        let chance = by_chance(&counts, rows, rows);
        let copied = chance < 1.0 && observed >= AGREE && observed - chance >= KAPPA * (1.0 - chance);
        // Copies of one column count once.
        if copied && found.insert(pair.source) {
            columns += 1;
            agreed.iter_mut().zip(equal).for_each(|(count, equal)| *count += usize::from(equal));
        }
    }
    let whole = |&&count: &&usize| count as f64 >= AGREE * columns as f64;
    (agreed.iter().filter(whole).count(), columns)
}
