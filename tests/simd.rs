//! The same bytes under every instruction set that this machine has, and the switch that forces one.
//!
//! A process takes one path for all its kernels, so a path is tried in a process of its own.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use querist::Key;
use querist::arch::NetSpec;
use querist::data::{Matrix, MatrixView};
use querist::learner::{Bank, Loss, ModelData, Optimiser, Start, Stop, TrainPlan};
use querist::query::{KernelPca, Neighbours};
use querist::simd::{SimdPath, VARIABLE};
use rand::RngExt;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Set for the process that prints what kernels compute.
const CHILD: &str = "QUERIST_SIMD_CHILD";
/// What stands before every line of it.
const MARK: &str = "kernel ";

/// The paths to compare. That there is more than one where the processor has more is part of the test: otherwise
/// nothing would be compared.
fn paths() -> Vec<SimdPath> {
    let paths: Vec<_> = SimdPath::available().collect();
    let missing: Vec<_> = SimdPath::ALL.into_iter().filter(|path| !path.is_available()).collect();
    // Past the harness, which keeps what tests that pass print to itself.
    let _ = writeln!(
        std::io::stderr(),
        "instruction sets compared: {paths:?}; not on this processor: {missing:?}"
    );
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        assert!(paths.contains(&SimdPath::Avx2), "the processor has AVX2, and only {paths:?} ran");
    }
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx512f") {
        assert!(paths.contains(&SimdPath::Avx512), "the processor has AVX-512, and only {paths:?} ran");
    }
    paths
}

fn numbers(count: usize, key: Key) -> Vec<f32> {
    let mut rng = key.rng();
    (0..count).map(|_| rng.random_range(-2.0f32..2.0)).collect()
}

/// FNV-1a over the bits.
fn digest(values: impl IntoIterator<Item = f32>) -> u64 {
    let step = |hash: u64, value: f32| (hash ^ u64::from(value.to_bits())).wrapping_mul(0x0100_0000_01b3);
    values.into_iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Weights after training, and probabilities, of networks in both layouts of the bank.
fn trained() -> u64 {
    let mut found = Vec::new();
    for (hidden, models, optimiser) in
        [(&[24, 12][..], 16, Optimiser::Adam), (&[100], 1, Optimiser::NAdam), (&[7], 3, Optimiser::Adam)]
    {
        let spec = NetSpec::mlp(9, hidden, 4).unwrap();
        let inputs = Matrix::new(numbers(80 * 9, Key::root(1)), 80, 9);
        let rows: Vec<u32> = (0..43).collect();
        let labels: Vec<u32> = rows.iter().map(|row| row * 7 % 4).collect();
        let data = ModelData {
            inputs: inputs.view(),
            rows: &rows,
            labels: &labels,
            validation: (&[], &[]),
            extra: None,
        };
        let plan = TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser,
            learning_rate: 1e-2,
            weight_decay: 1e-4,
            batch: 16,
            drop_last: false,
            stop: Stop::Epochs { epochs: 20 },
            start: Start::Scratch,
        };
        let keys: Vec<Key> = (0..models).map(|model| Key::root(2).at(model as u64)).collect();
        let mut bank = Bank::new(&spec, models).unwrap();
        bank.fit(&vec![data; models], &plan, &keys).unwrap();
        for model in 0..models {
            found.extend(bank.weights(model));
            found.extend_from_slice(bank.probabilities(model, inputs.view(), None).values());
        }
    }
    digest(found)
}

/// Of pools of several sizes and widths, wide ones included: what a library may sum in parts.
fn pools() -> [u64; 2] {
    let (mut neighbours, mut components) = (Vec::new(), Vec::new());
    for (n, d) in [(20, 1), (70, 5), (300, 17), (400, 64), (150, 784)] {
        let values = numbers(n * d, Key::root(n as u64));
        let inputs = MatrixView::new(&values, n, d);
        let near = Neighbours::of(inputs, 15);
        for row in 0..n {
            neighbours.extend(near.ids(row).iter().map(|&id| id as f32));
            neighbours.extend_from_slice(near.distances(row));
        }
        neighbours.push(near.scale());
        let all = KernelPca::of(inputs);
        for kernel in 0..2 {
            components.extend((0..n).flat_map(|row| all.place(kernel, row)));
            components.extend(all.weighted_spread(kernel, &values[..n]).iter().flatten().map(|&x| x as f32));
        }
    }
    [digest(neighbours), digest(components)]
}

/// What the test below starts under each path; by itself it does nothing.
#[test]
fn child() {
    if std::env::var_os(CHILD).is_none() {
        return;
    }
    let [neighbours, components] = pools();
    println!("\n{MARK}path {}", SimdPath::chosen());
    println!("{MARK}networks {:016x}", trained());
    println!("{MARK}neighbours {neighbours:016x}");
    println!("{MARK}components {components:016x}");
}

/// Neighbours and components came from a public product, whose sums had another order on every kind of processor.
#[test]
fn kernels_give_the_same_bits_on_every_path() {
    let mut reference: Option<Vec<String>> = None;
    for path in paths() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env(CHILD, "1")
            .env(VARIABLE, path.to_string())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{path}: {text}{}", String::from_utf8_lossy(&output.stderr));
        let mut lines: Vec<String> =
            text.lines().filter_map(|line| line.strip_prefix(MARK)).map(str::to_string).collect();
        assert_eq!(lines.remove(0), format!("path {path}"), "another path ran");
        assert_eq!(lines.len(), 3, "{text}");
        assert_eq!(*reference.get_or_insert_with(|| lines.clone()), lines, "{path}");
    }
}

fn querist(dir: &Path) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_LOG").env_remove(VARIABLE).env("NO_COLOR", "1");
    command
}

/// Whole episodes, with strategies that between them use all kernels of the geometry, features and a policy.
#[test]
fn rows_are_the_same_bytes_on_every_path() {
    let dir = tempfile::tempdir().unwrap();
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/wine.csv.gz");
    let strategies = "random,margin,badge,k_center,k_means,k_medoids,typiclust,prob_cover,clue,cluster_margin,\
                      information_density,dal,ensemble(bald)";
    let mut reference: Option<String> = None;
    for path in paths() {
        let out = format!("run-{path}");
        querist(dir.path())
            .args(["transfer", "--quiet", "--policy", "universal", "--label", "label", "--target"])
            .arg(&target)
            .args(["--strategies", strategies, "--repetitions", "1", "--budget", "3", "--out", &out])
            .env(VARIABLE, path.to_string())
            .assert()
            .code(0);
        let rows = fs::read_to_string(dir.path().join(&out).join("rows.jsonl")).unwrap();
        assert_eq!(*reference.get_or_insert_with(|| rows.clone()), rows, "{path}");
    }
}

#[test]
fn a_path_that_is_not_there_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.toml"), "[transfer]\ntargets = [\"iris\"]\n").unwrap();
    let refused = |name: &str, message: &str| {
        querist(dir.path())
            .args(["run", "x.toml"])
            .env(VARIABLE, name)
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::contains(message).and(predicate::str::contains("\nhint: ")));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "something was written");
    };
    refused("sse9", "unknown instruction set `sse9`, expected portable, avx2, avx512");
    refused("AVX2", "unknown instruction set `AVX2`");
    for path in SimdPath::ALL.into_iter().filter(|path| !path.is_available()) {
        refused(&path.to_string(), &format!("this machine cannot run the instruction set {path}"));
    }
    querist(dir.path()).arg("strategies").env(VARIABLE, "").assert().code(0);
}
