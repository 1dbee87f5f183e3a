//! Time and memory of query strategies on one synthetic pool.
//!
//! `cargo bench --bench strategies` makes a pool of 50,000 x 384 with 10 classes and asks for 100 rows;
//! `-- --million` one of 1,000,000 x 384 in `f16`, and asks for 1,000. `--rows N --batch B` set other sizes,
//! `--only margin,badge` times these only, and `--arrays DIR` leaves the arrays in `DIR` (or takes them from
//! there), where `benches/peers/scikit_activeml.py` finds them. Every strategy runs in a process of its own,
//! so that its peak is its own; it reads the arrays as `querist select` does. The table goes to
//! standard error; the last line, on standard output, is JSON.

#![allow(clippy::disallowed_methods)] // Only durable writes files, but benchmarks are no part of the crate.

use half::f16;
use querist::Key;
use querist::data::readers::read_array;
use querist::data::{Matrix, RowId};
use querist::query::{PoolView, Registry, Signals};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

const WIDTH: usize = 384;
const CLASSES: usize = 10;
/// Labelled rows, spread evenly.
const LABELLED: usize = 100;
/// Groups that the rows are scattered around.
const CENTRES: usize = 50;

const STRATEGIES: [&str; 8] =
    ["margin", "k_center", "badge", "k_means", "typiclust", "prob_cover", "information_density", "clue"];

struct Options {
    rows: usize,
    batch: usize,
    half: bool,
    only: Vec<String>,
    arrays: Option<PathBuf>,
    /// Set in the processes that measure.
    one: Option<String>,
}

fn main() {
    let options = options();
    if let (Some(strategy), Some(dir)) = (&options.one, &options.arrays) {
        println!("{}", measure(strategy, dir, options.batch));
        return;
    }
    let own = tempfile::tempdir().expect("a folder for the arrays");
    let dir = options.arrays.clone().unwrap_or_else(|| own.path().to_path_buf());
    if !dir.join("pool.npy").is_file() {
        fs::create_dir_all(&dir).expect("a folder for the arrays");
        write_arrays(&dir, options.rows, options.half);
    }
    let file_mb = fs::metadata(dir.join("pool.npy")).expect("the pool").len() as f64 / 1e6;
    eprintln!(
        "{} x {WIDTH}, {CLASSES} classes, batch {}: a file of {file_mb:.0} MB",
        options.rows, options.batch
    );
    eprintln!(
        "{:>20} {:>9} {:>9} {:>9} {:>9} {:>9}",
        "strategy", "seconds", "CPU, s", "reading", "peak, MB", "forecast"
    );
    let mut results = Vec::new();
    for strategy in
        STRATEGIES.iter().filter(|name| options.only.is_empty() || options.only.contains(&name.to_string()))
    {
        let child = Command::new(std::env::current_exe().expect("this binary"))
            .args(["--one", strategy, "--batch", &options.batch.to_string(), "--arrays"])
            .arg(&dir)
            .output()
            .expect("a process of its own");
        let result: Value = serde_json::from_slice(&child.stdout)
            .unwrap_or_else(|_| panic!("{strategy}: {}", String::from_utf8_lossy(&child.stderr)));
        let number = |name: &str| result[name].as_f64().unwrap_or(f64::NAN);
        eprintln!(
            "{strategy:>20} {:>9.3} {:>9.3} {:>9.1} {:>9.0} {:>9.0}",
            number("seconds"),
            number("cpu_seconds"),
            number("reading"),
            number("peak_rss_mb"),
            number("forecast_mb"),
        );
        results.push(result);
    }
    println!(
        "{}",
        json!({ "rows": options.rows, "width": WIDTH, "batch": options.batch, "file_mb": file_mb, "strategies": results })
    );
}

fn options() -> Options {
    let mut options =
        Options { rows: 50_000, batch: 100, half: false, only: Vec::new(), arrays: None, one: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap_or_else(|| panic!("{word} needs a value"));
        match word.as_str() {
            // Cargo hands it over.
            "--bench" => {}
            "--million" => (options.rows, options.batch, options.half) = (1_000_000, 1_000, true),
            "--rows" => options.rows = value().parse().expect("a number of rows"),
            "--batch" => options.batch = value().parse().expect("a number of rows"),
            "--only" => options.only = value().split(',').map(String::from).collect(),
            "--arrays" => options.arrays = Some(value().into()),
            "--one" => options.one = Some(value()),
            other => panic!("unknown option {other}"),
        }
    }
    options
}

/// One selection, timed.
fn measure(strategy: &str, dir: &Path, batch: usize) -> Value {
    let matrix = |name: &str| {
        let array = read_array(&dir.join(name)).expect("an array");
        Matrix::new(array.values, array.shape[0], array.shape[1])
    };
    let started = Instant::now();
    let (pool, all) = (matrix("pool.npy"), matrix("proba.npy"));
    let reading = started.elapsed().as_secs_f64();
    let labelled: Vec<RowId> = labelled(pool.rows()).map(|row| RowId(row as u32)).collect();
    let labels: Vec<u32> = (0..labelled.len()).map(|at| (at % CLASSES) as u32).collect();
    let candidates: Vec<RowId> =
        (0..pool.rows() as u32).map(RowId).filter(|row| labelled.binary_search(row).is_err()).collect();
    let probabilities = Some(all.gather(candidates.iter().map(|row| row.index())));
    let signals = Signals { probabilities, ..Signals::default() };
    let view = PoolView::new(pool.view(), &labelled, &labels, &candidates, CLASSES, &signals)
        .with_embeddings(pool.view());
    let mut built = Registry::builtin().build(strategy).expect("a registered strategy");
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let picks = built.select(&view, batch, Key::root(1)).expect("a selection");
    let (seconds, cpu) = (started.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    assert_eq!(picks.len(), batch, "{strategy}");
    json!({
        "strategy": strategy,
        "seconds": seconds,
        "cpu_seconds": cpu,
        "reading": reading,
        "peak_rss_mb": peak_rss_mb(),
        "forecast_mb": forecast_mb(strategy, dir, batch),
        "note": built.note(),
    })
}

/// What `querist select --dry-run` forecasts for the same arrays.
fn forecast_mb(strategy: &str, dir: &Path, batch: usize) -> Option<f64> {
    let out = Command::new(env!("CARGO_BIN_EXE_querist"))
        .args(["select", "--dry-run", "--json", "--strategy", strategy, "--batch", &batch.to_string()])
        .arg("--pool")
        .arg(dir.join("pool.npy"))
        .arg("--proba")
        .arg(dir.join("proba.npy"))
        .output()
        .ok()?;
    serde_json::from_slice::<Value>(&out.stdout).ok()?["forecast"]["peak_rss_mb"].as_f64()
}

/// Processor seconds of all threads so far, in steps of a hundredth.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // After the name, which may hold anything: state is field 3, user and system time are 14 and 15.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

fn labelled(rows: usize) -> impl Iterator<Item = usize> {
    (0..LABELLED).map(move |at| at * rows / LABELLED)
}

fn peak_rss_mb() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    line.trim().trim_end_matches("kB").trim().parse::<f64>().unwrap_or(f64::NAN) * 1024.0 / 1e6
}

/// Rows around [`CENTRES`] points; probabilities by the distance to the first ten of them, roughly.
fn write_arrays(dir: &Path, rows: usize, half: bool) {
    let mut rng = Key::root(0).named("pool").rng();
    let mut normal = move || -> f32 { StandardNormal.sample(&mut rng) };
    let centres: Vec<f32> = (0..CENTRES * WIDTH).map(|_| normal()).collect();
    let mut pool = start(&dir.join("pool.npy"), if half { "<f2" } else { "<f4" }, rows, WIDTH);
    let mut rng = Key::root(0).named("probabilities").rng();
    let mut proba = start(&dir.join("proba.npy"), "<f4", rows, CLASSES);
    for row in 0..rows {
        let group = row * 7 % CENTRES;
        let centre = &centres[group * WIDTH..][..WIDTH];
        for &value in centre {
            let value = value + normal();
            match half {
                true => pool.write_all(&f16::from_f32(value).to_le_bytes()),
                false => pool.write_all(&value.to_le_bytes()),
            }
            .expect("room for the pool");
        }
        let logit =
            |class: usize, noise: f32| (3.0 * noise + if class == group % CLASSES { 2.0 } else { 0.0 }).exp();
        let weights: Vec<f32> = (0..CLASSES).map(|class| logit(class, rng.random())).collect();
        let sum: f32 = weights.iter().sum();
        weights
            .iter()
            .for_each(|w| proba.write_all(&(w / sum).to_le_bytes()).expect("room for probabilities"));
    }
    pool.flush().and_then(|()| proba.flush()).expect("room for the arrays");
}

/// A file with the header of an array.
fn start(path: &Path, element: &str, rows: usize, cols: usize) -> BufWriter<File> {
    let mut file = BufWriter::with_capacity(1 << 20, File::create(path).expect("a file"));
    let header = format!("{{'descr': '{element}', 'fortran_order': False, 'shape': ({rows}, {cols}), }}");
    let padded = format!("{header:<117}\n");
    file.write_all(b"\x93NUMPY\x01\x00\x76\x00")
        .and_then(|()| file.write_all(padded.as_bytes()))
        .expect("a header");
    file
}
