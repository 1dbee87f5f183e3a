//! `querist select`: one selection on plain arrays, for people who have a training loop of their own.

use crate::cli::args::SelectArgs;
use crate::cli::{memory, output};
use crate::data::readers::{Array, read_array};
use crate::data::{Matrix, MatrixView, RowId};
use crate::error::{Fault, Result};
use crate::query::view::PROBABILITY_TOLERANCE;
use crate::query::{Needs, Passes, PoolView, Signals, registry};
use crate::rng::Key;
use serde_json::json;
use std::path::Path;
use std::time::Instant;

/// Why arrays that were handed in do not make a selection.
#[derive(Debug, Clone, PartialEq, thiserror::Error, miette::Diagnostic)]
enum SelectError {
    #[error("strategy `{strategy}` needs {signal}, which were not given")]
    #[diagnostic(help("{hint}"))]
    Needs { strategy: String, signal: &'static str, hint: String },
    #[error("{file}: an array of {found} dimensions, expected {expected}")]
    Dimensions { file: String, found: usize, expected: &'static str },
    #[error("{file}: {found} rows, but the pool has {expected}")]
    Rows { file: String, found: usize, expected: usize },
    #[error("{file}: {found} classes, expected {expected}")]
    #[diagnostic(help("probabilities, passes and --classes must agree"))]
    Classes { file: String, found: usize, expected: usize },
    #[error("{file}: row {row}: {found}, expected non-negative numbers that sum to 1")]
    #[diagnostic(help("these must be probabilities, as softmax makes them, not logits"))]
    Probabilities { file: String, row: usize, found: String },
    #[error("{file}: nothing in it")]
    Empty { file: String },
    #[error("{file}: cannot be read: {problem}")]
    Csv { file: String, problem: String },
    #[error("{file}: line {line}: {found:?} is not {expected}")]
    Field { file: String, line: u64, found: String, expected: String },
    #[error("{file}: line {line}: row {row} was named before")]
    Repeated { file: String, line: u64, row: u32 },
    #[error("--temperature is {found}, expected a positive number")]
    Temperature { found: f32 },
    #[error("{file}: all {rows} rows of the pool are labelled already")]
    NothingLeft { file: String, rows: usize },
}

impl Fault for SelectError {}

/// Chooses rows and prints their numbers.
pub fn select(args: &SelectArgs) -> Result<()> {
    let mut strategy = registry::build(&args.strategy)?;
    let needs = strategy.needs();
    refuse_missing(args, needs)?;
    let started = Instant::now();
    let pool = matrix(&args.pool)?;
    let n = pool.rows();
    let (labelled, labels) = match &args.labelled {
        Some(path) => read_labelled(path, n, needs.labels)?,
        None => (Vec::new(), Vec::new()),
    };
    let mut taken = vec![false; n];
    labelled.iter().for_each(|row| taken[row.index()] = true);
    let candidates: Vec<RowId> = (0..n as u32).map(RowId).filter(|row| !taken[row.index()]).collect();
    if candidates.is_empty() {
        let file = args.labelled.as_deref().unwrap_or(&args.pool).display().to_string();
        return Err(SelectError::NothingLeft { file, rows: n }.into());
    }
    // What the strategy does not need is not read: the arrays may be large.
    let wanted = |needed: bool, path: &'_ Option<std::path::PathBuf>| path.clone().filter(|_| needed);
    let probabilities = wanted(needs.probabilities || needs.classes, &args.proba)
        .map(|path| read_probabilities(&path, n, &candidates))
        .transpose()?;
    let passes =
        wanted(needs.passes > 0, &args.passes).map(|path| read_passes(&path, n, &candidates)).transpose()?;
    let committee = wanted(needs.committee > 0, &args.committee)
        .map(|path| read_passes(&path, n, &candidates))
        .transpose()?;
    let embeddings = match wanted(needs.embeddings, &args.embeddings) {
        None => None,
        Some(path) => {
            let found = matrix(&path)?;
            expect_rows(&path, found.rows(), n)?;
            Some(found)
        }
    };
    let classes = agree_on_classes(args, &probabilities, &passes, &committee, &labels)?;
    if let Some(found) = args.temperature.filter(|t| !(t.is_finite() && *t > 0.0)) {
        return Err(SelectError::Temperature { found }.into());
    }
    let read = started.elapsed().as_secs_f64();
    let signals =
        Signals { probabilities, passes, committee, temperature: args.temperature, ..Signals::default() };
    let vectors = embeddings.as_ref().unwrap_or(&pool).view();
    let view = PoolView::new(pool.view(), &labelled, &labels, &candidates, classes, &signals)
        .with_embeddings(vectors);
    let started = Instant::now();
    let key = Key::root(args.seed).named("select");
    let picks: Vec<u32> = strategy.select(&view, args.batch, key)?.into_iter().map(|row| row.0).collect();
    let seconds = started.elapsed().as_secs_f64();
    if args.json {
        return output::json(&json!({
            "strategy": args.strategy,
            "picks": picks,
            "remark": strategy.remark(),
            "candidates": candidates.len(),
            "labelled": labelled.len(),
            "classes": classes,
            "seed": args.seed,
            "seconds": { "reading": read, "selecting": seconds },
            "peak_rss_mb": memory::peak_rss_mb(),
        }));
    }
    if let Some(remark) = strategy.remark() {
        output::message(&format!("{}: {remark}", args.strategy));
    }
    output::data(&picks.iter().map(|row| format!("{row}\n")).collect::<String>())
}

/// Before anything is read: are the options there that the strategy cannot do without?
fn refuse_missing(args: &SelectArgs, needs: Needs) -> Result<(), SelectError> {
    let tells_classes = args.classes.is_some() || args.proba.is_some();
    let rules: [(bool, bool, &'static str, &str); 10] = [
        (needs.probabilities, args.proba.is_some(), "class probabilities", "give --proba FILE.npy"),
        (needs.passes > 0, args.passes.is_some(), "stochastic passes", "give --passes FILE.npy"),
        (needs.committee > 0, args.committee.is_some(), "committee members", "give --committee FILE.npy"),
        (needs.temperature, args.temperature.is_some(), "the temperature", "give --temperature T"),
        (needs.classes, tells_classes, "the number of classes", "give --classes C, or --proba FILE.npy"),
        (
            needs.labels,
            args.labelled.is_some(),
            "the classes of labelled rows",
            "give --labelled FILE.csv with the classes in a second column",
        ),
        (needs.head, false, "the last layer's weights", "it works within an experiment only (`querist run`)"),
        (needs.network, false, "the network's weights", "it works within an experiment only (`querist run`)"),
        (
            needs.predicted_loss,
            false,
            "predicted losses",
            "it works within an experiment only (`querist run`); for losses of your own, ask for the largest",
        ),
        (
            needs.lookahead > 0 || needs.neighbours,
            false,
            "what a simulation or an episode provides",
            "it works within an experiment only (`querist run`)",
        ),
    ];
    match rules.into_iter().find(|(needed, there, ..)| *needed && !there) {
        None => Ok(()),
        Some((_, _, signal, hint)) => {
            Err(SelectError::Needs { strategy: args.strategy.clone(), signal, hint: hint.to_string() })
        }
    }
}

fn matrix(path: &Path) -> Result<Matrix> {
    let Array { shape, values } = read_array(path)?;
    let file = path.display().to_string();
    match shape[..] {
        [rows, cols] if rows > 0 && cols > 0 => Ok(Matrix::new(values, rows, cols)),
        [_, _] => Err(SelectError::Empty { file }.into()),
        _ => Err(SelectError::Dimensions { file, found: shape.len(), expected: "2 (rows, columns)" }.into()),
    }
}

fn expect_rows(path: &Path, found: usize, expected: usize) -> Result<(), SelectError> {
    let file = path.display().to_string();
    if found == expected { Ok(()) } else { Err(SelectError::Rows { file, found, expected }) }
}

/// Refuses what is no probability; rows count those of the pool.
fn check_probabilities(path: &Path, p: MatrixView<'_>) -> Result<(), SelectError> {
    for row in 0..p.rows() {
        let sum: f32 = p.row(row).iter().sum();
        let least = p.row(row).iter().copied().fold(0.0, f32::min);
        if least < 0.0 || (sum - 1.0).abs() > PROBABILITY_TOLERANCE {
            let found = if least < 0.0 { format!("the entry {least}") } else { format!("the sum {sum}") };
            return Err(SelectError::Probabilities { file: path.display().to_string(), row, found });
        }
    }
    Ok(())
}

fn read_probabilities(path: &Path, n: usize, candidates: &[RowId]) -> Result<Matrix> {
    let all = matrix(path)?;
    expect_rows(path, all.rows(), n)?;
    check_probabilities(path, all.view())?;
    Ok(all.gather(candidates.iter().map(|row| row.index())))
}

fn read_passes(path: &Path, n: usize, candidates: &[RowId]) -> Result<Passes> {
    let Array { shape, values } = read_array(path)?;
    let file = path.display().to_string();
    let [count, rows, classes] = shape[..] else {
        let expected = "3 (passes, rows, classes)";
        return Err(SelectError::Dimensions { file, found: shape.len(), expected }.into());
    };
    expect_rows(path, rows, n)?;
    if count == 0 || classes == 0 {
        return Err(SelectError::Empty { file }.into());
    }
    let mut members = Vec::with_capacity(count);
    for member in values.chunks_exact(rows * classes) {
        let all = MatrixView::new(member, rows, classes);
        check_probabilities(path, all)?;
        let mut kept = Vec::with_capacity(candidates.len() * classes);
        candidates.iter().for_each(|row| kept.extend_from_slice(all.row(row.index())));
        members.push(Matrix::new(kept, candidates.len(), classes));
    }
    Ok(Passes { members })
}

/// The number of classes that all sources agree on; one if there is none, which no strategy that gets
/// here looks at.
fn agree_on_classes(
    args: &SelectArgs,
    probabilities: &Option<Matrix>,
    passes: &Option<Passes>,
    committee: &Option<Passes>,
    labels: &[u32],
) -> Result<usize, SelectError> {
    let of_passes =
        |passes: &Option<Passes>| passes.as_ref().and_then(|p| p.members.first()).map(Matrix::cols);
    let sources = [
        ("--classes", args.classes),
        ("--proba", probabilities.as_ref().map(Matrix::cols)),
        ("--passes", of_passes(passes)),
        ("--committee", of_passes(committee)),
    ];
    let mut told = sources.into_iter().filter_map(|(name, classes)| Some((name, classes?)));
    let from_labels = labels.iter().max().map_or(1, |&last| last as usize + 1);
    let Some((_, classes)) = told.next() else { return Ok(from_labels) };
    if let Some((name, found)) = told.find(|(_, found)| *found != classes) {
        return Err(SelectError::Classes { file: name.to_string(), found, expected: classes });
    }
    if from_labels > classes {
        return Err(SelectError::Classes {
            file: "--labelled".into(),
            found: from_labels,
            expected: classes,
        });
    }
    Ok(classes)
}

/// Row numbers, and classes where they are needed. A first line that starts with no digit is a heading.
fn read_labelled(path: &Path, n: usize, classes: bool) -> Result<(Vec<RowId>, Vec<u32>), SelectError> {
    let file = path.display().to_string();
    let broken = |error: csv::Error| SelectError::Csv { file: file.clone(), problem: error.to_string() };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(broken)?;
    let (mut rows, mut labels, mut seen) = (Vec::new(), Vec::new(), vec![false; n]);
    for (number, record) in reader.records().enumerate() {
        let record = record.map_err(broken)?;
        let line = record.position().map_or(number as u64 + 1, csv::Position::line);
        let text = record.get(0).unwrap_or_default();
        if number == 0 && !text.starts_with(|letter: char| letter.is_ascii_digit() || letter == '-') {
            continue;
        }
        let field = |found: &str, expected: String| SelectError::Field {
            file: file.clone(),
            line,
            found: found.to_string(),
            expected,
        };
        let row: usize =
            text.parse().ok().filter(|&row| row < n).ok_or_else(|| {
                field(text, format!("a row of the pool, a whole number from 0 to {}", n - 1))
            })?;
        if std::mem::replace(&mut seen[row], true) {
            return Err(SelectError::Repeated { file: file.clone(), line, row: row as u32 });
        }
        let label = match record.get(1) {
            Some(text) => text
                .parse::<u32>()
                .ok()
                .filter(|&label| (label as usize) < crate::data::dataset::MAX_CLASSES)
                .ok_or_else(|| field(text, "a class, a whole number from 0 on".to_string()))?,
            None if classes => return Err(field("", "a class, which the strategy needs".to_string())),
            // Nobody who gets here looks at it.
            None => 0,
        };
        rows.push(RowId(row as u32));
        labels.push(label);
    }
    Ok((rows, labels))
}
