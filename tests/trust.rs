//! What the binary may touch, and what it believes: folders and files of other people, links, and everything that
//! was changed between two starts of one run.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

fn querist(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command
        .current_dir(dir)
        .env_remove("QUERIST_DATA")
        .args(args)
        .timeout(std::time::Duration::from_secs(120));
    command
}

/// Every file below `dir` but locks, with its content; links and pipes by what they are.
fn content(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let found = fs::symlink_metadata(&path).unwrap();
        if found.is_dir() {
            files.extend(content(&path));
        } else if found.is_symlink() {
            files.insert(path.clone(), fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes());
        } else if !found.is_file() {
            files.insert(path, b"special".to_vec());
        } else if path.file_name().unwrap() != ".lock" {
            files.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    files
}

/// Refused with exit code 2, these words and a hint; nothing is changed.
fn refused(dir: &Path, args: &[&str], words: &[&str]) {
    let before = content(dir);
    let output = querist(dir, args).assert().code(2).stdout("").get_output().stderr.clone();
    let text = String::from_utf8(output).unwrap();
    assert!(text.starts_with("error: ") && text.contains("\nhint: "), "{args:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{args:?}: no {word:?} in {text}");
    }
    assert_eq!(content(dir), before, "{args:?} changed something");
}

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

/// A benchmark of a second.
const BENCH: &str = "[learner]\nhidden = [4]\nepochs = 3\n[episode]\nrounds = 2\n[transfer]\ntargets = [\"iris\"]\n\
                     strategies = [\"random\", \"margin\"]\nrepetitions = 2\n";

/// A training of a second.
const TRAIN: &str = "[learner]\nhidden = [4]\nepochs = 3\n[episode]\nrounds = 2\n[sources]\nsynthetic = 2\n\
                     max_pool = 60\n[train.imitation]\nepisodes = 2\nstates = 1\ncandidates = 3\nepochs = 2\n\
                     [train.evolution]\niterations = 1\npairs = 2\n[train.policy_gradient]\niterations = 0\n";

const RUN: [&str; 5] = ["run", "x.toml", "-q", "--out", "run"];

fn fresh(args: &[&'static str]) -> Vec<&'static str> {
    [args, &["--fresh"]].concat()
}

/// Fault case 66: `--fresh` once removed files of a run's names from folders that were no run's.
#[test]
fn a_folder_of_documents_is_refused_and_kept() {
    for file in [
        "thesis.tex",
        "plan.toml",
        "report.html",
        "policy/letter.txt",
        "figures/photo.svg",
        "journal",
        "manifest.json",
        ".lock",
        ".git/HEAD",
    ] {
        let dir = folder(&[("x.toml", BENCH), (&format!("run/{file}"), "dear diary")]);
        let name = file.split('/').next().unwrap();
        refused(dir.path(), &RUN, &[name]);
        refused(dir.path(), &fresh(&RUN), &[name]);
    }
}

/// Fault case 66: in the folder of a run, only what the run wrote is removed.
#[test]
fn fresh_removes_the_files_of_the_run_and_no_others() {
    let dir = folder(&[("x.toml", BENCH)]);
    querist(dir.path(), &RUN).assert().success();
    let others = [
        "notes.txt",
        "figures/mine.svg",
        "policy/letter.txt",
        "tables/mine.md",
        "tensorboard/mine",
        ".hidden",
    ];
    for file in others {
        let path = dir.path().join("run").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "mine").unwrap();
    }
    let figure = fs::read_dir(dir.path().join("run/figures")).unwrap();
    let figure = figure.map(|entry| entry.unwrap().path()).find(|path| !path.ends_with("mine.svg")).unwrap();
    // Another plan whose run stops before it writes anything: what is left is not the run's.
    fs::write(dir.path().join("x.toml"), BENCH.replace("repetitions = 2", "repetitions = 3")).unwrap();
    refused(dir.path(), &RUN, &["repetitions = 2", "repetitions = 3"]);
    querist(dir.path(), &fresh(&RUN)).assert().success();
    for file in others {
        assert_eq!(fs::read(dir.path().join("run").join(file)).unwrap(), b"mine", "{file}");
    }
    assert!(figure.exists(), "made again");
    // What is in the way of an artefact is not overwritten either.
    let svg = fs::read_dir(dir.path().join("run/figures")).unwrap().count();
    assert!(svg > 1);
}

/// Fault case 67.
#[test]
fn links_and_pipes_in_a_run_folder_are_refused() {
    let dir = folder(&[("x.toml", BENCH), ("victim", "precious")]);
    querist(dir.path(), &RUN).assert().success();
    for file in [
        ".lock",
        "journal",
        "manifest.json",
        "plan.toml",
        "rows.jsonl",
        "report.html",
        "results.csv",
        "artefacts",
    ] {
        let path = dir.path().join("run").join(file);
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        for target in ["../victim", "../nowhere", "/dev/null"] {
            symlink(target, &path).unwrap();
            refused(dir.path(), &RUN, &[file]);
            assert!(!dir.path().join("nowhere").exists());
            fs::remove_file(&path).unwrap();
        }
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        refused(dir.path(), &RUN, &[file]);
        fs::remove_file(&path).unwrap();
        fs::write(&path, kept).unwrap();
    }
    for file in [".lock", "journal"] {
        let path = dir.path().join("run").join(file);
        let kept = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        fs::write(dir.path().join("other"), &kept).unwrap();
        fs::hard_link(dir.path().join("other"), &path).unwrap();
        refused(dir.path(), &RUN, &[file, "second name"]);
        fs::remove_file(&path).unwrap();
        fs::write(&path, kept).unwrap();
    }
    let policies = dir.path().join("run/figures");
    fs::rename(&policies, dir.path().join("elsewhere")).unwrap();
    symlink("../elsewhere", &policies).unwrap();
    refused(dir.path(), &RUN, &["figures", "symbolic link"]);
    refused(dir.path(), &fresh(&RUN), &["figures", "symbolic link"]);
    assert_eq!(fs::read(dir.path().join("victim")).unwrap(), b"precious");
}

const MLP: &str = r#"{"inputs": 4, "blocks": [], "outputs": 3, "dropout": 0.0}"#;

/// Fault case 65: `--out /dev/null` once made a file of the device, `--out` the architecture a network of it.
#[test]
fn an_output_replaces_nothing_that_was_not_meant() {
    let data = (0..60).map(|i| format!("{},{},{}\n", i % 7, i % 3, i % 2)).collect::<String>();
    let linear = r#"{"inputs": 2, "blocks": [], "outputs": 2, "dropout": 0.0}"#;
    let files =
        [("mlp.json", linear), ("own.csv", &*format!("a,b,y\n{data}")), ("old", "precious"), ("sub/x", "")];
    let dir = folder(&files);
    let fit = ["fit", "mlp.json", "--target", "own.csv", "--label", "y", "--out"];
    let with = |more: &[&'static str]| [&fit[..], more].concat();
    refused(dir.path(), &with(&["old"]), &["old: exists"]);
    symlink("old", dir.path().join("link")).unwrap();
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    fs::hard_link(dir.path().join("own.csv"), dir.path().join("twin")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(dir.path().join("pipe")).status().unwrap().success());
    for (out, word) in [
        ("link", "a symbolic link"),
        ("dangling", "a symbolic link"),
        ("pipe", "a named pipe"),
        ("sub", "a folder"),
        ("mlp.json", "the same file as the input mlp.json"),
        ("./own.csv", "the same file as the input own.csv"),
        ("twin", "the same file as the input own.csv"),
        ("missing/net", "there is no folder"),
    ] {
        refused(dir.path(), &with(&[out]), &[word]);
        refused(dir.path(), &with(&[out, "--force"]), &[word]);
    }
    let out = ["/dev/null", "--force"];
    querist(dir.path(), &with(&out)).assert().code(2).stderr(predicate::str::contains("a device"));
    querist(dir.path(), &with(&["new"])).assert().success();
    querist(dir.path(), &with(&["old", "--force"])).assert().success();
    assert_eq!(fs::read(dir.path().join("old")).unwrap(), fs::read(dir.path().join("new")).unwrap());
    // The features beside a table in a data folder, and the table.
    let dir = folder(&[("mlp.json", MLP), ("sets/a.csv", "label,x\na,1\nb,2\n")]);
    let args = ["fit", "mlp.json", "--target", "a", "--data-dir", "sets", "--force", "--out", "sets/a.csv"];
    refused(dir.path(), &args, &["the same file as the input"]);
}

/// A report goes where it was before, or where nothing is.
#[test]
fn a_report_replaces_only_its_own_run_s() {
    let dir = folder(&[("x.toml", BENCH), ("web/report.html", "homepage")]);
    querist(dir.path(), &RUN).assert().success();
    let report = ["report", "run", "--out"];
    let with = |more: &[&'static str]| [&report[..], more].concat();
    refused(dir.path(), &with(&["web"]), &["report.html"]);
    for _ in 0..2 {
        querist(dir.path(), &with(&["new"])).assert().success();
    }
    fs::write(dir.path().join("new/results.csv"), "edited").unwrap();
    refused(dir.path(), &with(&["new"]), &["results.csv: changed"]);
    querist(dir.path(), &with(&["web", "--force"])).assert().success();
    querist(dir.path(), &["run", "x.toml", "-q", "--seed", "9", "--out", "other"]).assert().success();
    refused(dir.path(), &["report", "other", "--out", "new"], &["of the run"]);
    refused(dir.path(), &["report", "run", "other", "--out", "new"], &["2 different runs"]);
}

/// Fault case 69.
#[test]
fn a_finished_run_restores_what_is_missing_and_refuses_what_was_changed() {
    let dir = folder(&[("x.toml", &format!("{TRAIN}{}", &BENCH[BENCH.find("[transfer]").unwrap()..]))]);
    querist(dir.path(), &RUN).assert().success();
    let run = dir.path().join("run");
    // Peak memory stands in the report.
    let stable = |mut files: BTreeMap<PathBuf, Vec<u8>>| {
        files.retain(|path, _| !path.ends_with("report.html") && !path.ends_with("artefacts"));
        files
    };
    let whole = stable(content(&run));
    let restored = [
        "rows.jsonl",
        "summary.json",
        "timings.jsonl",
        "selection.jsonl",
        "report.html",
        "results.csv",
        "rows.parquet",
        "plan.toml",
        "artefacts",
        "policy/policy.safetensors",
        "policy/card.toml",
    ];
    for file in restored {
        fs::remove_file(run.join(file)).unwrap();
        querist(dir.path(), &RUN).assert().success();
        assert_eq!(stable(content(&run)), whole, "{file}");
        assert!(run.join(file).exists(), "{file}");
    }
    for folder in ["policy", "figures", "tables", "checkpoints"] {
        fs::remove_dir_all(run.join(folder)).unwrap();
    }
    querist(dir.path(), &RUN).assert().success();
    assert_eq!(stable(content(&run)), whole);
    for file in restored.into_iter().filter(|file| *file != "plan.toml") {
        let good = fs::read(run.join(file)).unwrap();
        let mut bad = good.clone();
        bad[good.len() / 2] ^= 1;
        fs::write(run.join(file), bad).unwrap();
        refused(dir.path(), &RUN, &[file.rsplit('/').next().unwrap()]);
        fs::write(run.join(file), good).unwrap();
    }
    querist(dir.path(), &RUN).assert().success();
}

/// Fault case 68: only the digest of the weights was remembered.
#[test]
fn a_policy_that_was_swapped_between_two_starts_is_refused() {
    let dir = folder(&[("t.toml", TRAIN), ("u.toml", &format!("seed = 5\n{TRAIN}"))]);
    for (file, out) in [("t.toml", "t"), ("u.toml", "u")] {
        querist(dir.path(), &["train", file, "-q", "--out", out]).assert().success();
    }
    let learned = BENCH.replace("strategies = [", "policy = \"t/policy\"\nstrategies = [\"policy\", ");
    fs::write(dir.path().join("x.toml"), learned).unwrap();
    querist(dir.path(), &RUN).assert().success();
    let read = |name: &str| fs::read_to_string(dir.path().join(name).join("policy/card.toml")).unwrap();
    let card = read("t");
    // The same weights with a guard that lets the policy ask nowhere.
    let at = card.find("low = [").unwrap() + "low = [".len();
    let end = at + card[at..].find([',', ']']).unwrap();
    fs::write(dir.path().join("t/policy/card.toml"), format!("{}-99.5{}", &card[..at], &card[end..]))
        .unwrap();
    refused(dir.path(), &RUN, &["policy t/policy/card.toml"]);
    for file in ["card.toml", "policy.safetensors"] {
        fs::copy(dir.path().join("u/policy").join(file), dir.path().join("t/policy").join(file)).unwrap();
    }
    refused(dir.path(), &RUN, &["policy t/policy/"]);
}

/// Fault case 68.
#[test]
fn data_that_was_changed_between_two_starts_is_refused() {
    let row = |i: usize| format!("{},{},{}\n", i % 7, (3 * i) % 11, i % 2);
    let table: String = (0..120).map(row).collect();
    let experiment = BENCH.replace("\"iris\"", "{ file = \"own.csv\", label = \"y\" }");
    let dir = folder(&[("x.toml", &experiment), ("own.csv", &format!("a,b,y\n{table}"))]);
    querist(dir.path(), &RUN).assert().success();
    fs::write(dir.path().join("own.csv"), format!("a,b,y\n{}", table.replacen('3', "4", 1))).unwrap();
    refused(dir.path(), &RUN, &["own"]);
}

/// Fault case 68: the checkpoint of another run was once believed, as it carried its own digest only.
#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let dir = folder(&[("x.toml", TRAIN)]);
    let train =
        |out: &'static str, seed: &'static str| ["train", "x.toml", "-q", "--seed", seed, "--out", out];
    querist(dir.path(), &train("a", "1")).assert().success();
    querist(dir.path(), &train("b", "2")).assert().success();
    let run = |name: &str| {
        let journal = fs::read_to_string(dir.path().join(name).join("journal")).unwrap();
        journal.split(' ').nth(2).unwrap().to_string()
    };
    let (own, other) = (run("a"), run("b"));
    // As if it had been killed: the journal knows nothing of the training yet.
    let journal = dir.path().join("a/journal");
    let header = fs::read_to_string(&journal).unwrap().lines().next().unwrap().to_string() + "\n";
    fs::write(&journal, header).unwrap();
    for file in ["imitated.json", "evolution.safetensors"] {
        let [own_file, other_file] =
            ["a", "b"].map(|run| dir.path().join(run).join("checkpoints").join(file));
        let kept = fs::read(&own_file).unwrap();
        fs::copy(&other_file, &own_file).unwrap();
        refused(dir.path(), &train("a", "1"), &[file, &own, &other]);
        let mut damaged = kept.clone();
        *damaged.last_mut().unwrap() ^= 1;
        fs::write(&own_file, damaged).unwrap();
        refused(dir.path(), &train("a", "1"), &[file, "damaged"]);
        fs::write(&own_file, kept).unwrap();
    }
    querist(dir.path(), &train("a", "1")).assert().success();
}
