//! The tutorial: its files are written and its commands run as they stand, in order, in a folder of their own.
//!
//! Python scripts are run where `python3` has NumPy; elsewhere, which is said, arrays of the same shapes take the place of
//! theirs.

#![allow(clippy::disallowed_methods)]

#[allow(dead_code)]
#[path = "hostile_files/make.rs"]
mod make;

use assert_cmd::cargo::cargo_bin;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output};

/// A block between fences.
struct Block<'p> {
    language: &'p str,
    /// The last code of the paragraph before: of blocks that are files, their name.
    name: &'p str,
    text: &'p str,
}

fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut parts = page.split("```");
    let mut before = parts.next().unwrap_or_default();
    let mut found = Vec::new();
    while let (Some(block), Some(after)) = (parts.next(), parts.next()) {
        let (language, text) = block.split_once('\n').unwrap();
        let name = before.trim_end().strip_suffix("`:").and_then(|text| text.rsplit('`').next());
        found.push(Block { language, name: name.unwrap_or_default(), text });
        before = after;
    }
    found
}

/// The commands of a block, continued lines as one.
fn commands(text: &str) -> Vec<String> {
    text.replace("\\\n", " ").lines().map(str::to_string).filter(|line| !line.trim().is_empty()).collect()
}

fn shell(command: &str, dir: &Path) -> Output {
    let program = cargo_bin("querist");
    let path = std::env::var("PATH").unwrap_or_default();
    Command::new("sh")
        .args(["-c", command])
        .current_dir(dir)
        .env("PATH", format!("{}:{path}", program.parent().unwrap().display()))
        .env_remove("QUERIST_LOG")
        .env_remove("QUERIST_DATA")
        .output()
        .unwrap()
}

/// What the scripts of the page save: standardised inputs, and probabilities by the nearest class centre.
fn stand_in(script: &str, dir: &Path) {
    let table = fs::read_to_string(dir.join("wines.csv")).unwrap();
    let rows: Vec<Vec<f32>> = table
        .lines()
        .skip(1)
        .map(|line| line.split(',').skip(1).map(|number| number.parse().unwrap()).collect())
        .collect();
    let (n, d) = (rows.len(), rows[0].len());
    let save = |name: &str, width: usize, values: &[f32]| {
        let array = make::npy("<f4", false, &format!("({n}, {width})"), &make::floats(values));
        fs::write(dir.join(name), array).unwrap();
    };
    let moments: Vec<(f32, f32)> = (0..d)
        .map(|column| {
            let mean = rows.iter().map(|row| row[column]).sum::<f32>() / n as f32;
            let variance = rows.iter().map(|row| (row[column] - mean).powi(2)).sum::<f32>() / n as f32;
            (mean, variance.sqrt())
        })
        .collect();
    let scaled = |row: &Vec<f32>| -> Vec<f32> {
        row.iter().zip(&moments).map(|(value, (mean, deviation))| (value - mean) / deviation).collect()
    };
    let inputs: Vec<Vec<f32>> = rows.iter().map(scaled).collect();
    if script == "pool.py" {
        return save("pool.npy", d, &inputs.concat());
    }
    assert_eq!(script, "classifier.py");
    let labelled = fs::read_to_string(dir.join("labelled.csv")).unwrap();
    let labelled: Vec<(usize, usize)> = labelled
        .lines()
        .map(|line| line.split_once(',').unwrap())
        .map(|(row, class)| (row.parse().unwrap(), class.parse().unwrap()))
        .collect();
    let distance = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
    let of = |row: &Vec<f32>| -> Vec<f32> {
        let near = |class| {
            let own = labelled.iter().filter(|(_, label)| *label == class);
            own.map(|&(known, _)| distance(row, &inputs[known])).fold(f32::INFINITY, f32::min)
        };
        let scores = [0, 1, 2].map(|class| (-0.1 * near(class)).exp());
        scores.iter().map(|score| score / scores.iter().sum::<f32>()).collect()
    };
    save("proba.npy", 3, &inputs.iter().map(of).collect::<Vec<_>>().concat());
}

#[test]
fn every_command_of_the_tutorial_runs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("data")).unwrap();
    fs::copy(root.join("data/wine.csv.gz"), dir.path().join("data/wine.csv.gz")).unwrap();
    let python = shell("python3 -c 'import numpy'", dir.path()).status.success();
    if !python {
        // Past the harness, which keeps what tests that pass print to itself.
        let _ = writeln!(std::io::stderr(), "python3 has no NumPy here: the tutorial's scripts are not run");
    }
    let page = fs::read_to_string(root.join("docs/tutorial.md")).unwrap();
    let (mut ran, mut picks) = (0, Vec::new());
    for block in blocks(&page) {
        if block.language != "sh" {
            assert!(!block.name.is_empty(), "a block of {} without a file's name", block.language);
            fs::write(dir.path().join(block.name), block.text).unwrap();
            continue;
        }
        for command in commands(block.text) {
            ran += 1;
            if let Some(script) = command.strip_prefix("python3 ").filter(|_| !python) {
                stand_in(script, dir.path());
                continue;
            }
            let output = shell(&command, dir.path());
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{command}\n{stderr}");
            if command.starts_with("querist select") {
                let rows = String::from_utf8(output.stdout).unwrap();
                picks.push(rows.lines().map(|row| row.parse().unwrap()).collect::<Vec<u32>>());
            }
        }
    }
    assert_eq!(ran, 10, "commands of the page");
    for file in ["runs/wines/report.html", "runs/own/report.html", "runs/own/policy/policy.safetensors"] {
        assert!(dir.path().join(file).is_file(), "{file}");
    }
    // The rows that the page goes on to label are those that the first selection prints.
    let labelled = fs::read_to_string(dir.path().join("labelled.csv")).unwrap();
    let labelled: Vec<u32> =
        labelled.lines().map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(picks[0], labelled);
    assert_eq!((picks.len(), picks[1].len()), (2, 5));
    assert!(picks[1].iter().all(|row| !labelled.contains(row)));
}
