//! The binary as a user meets it: exit codes, messages, what it writes and what it does not.

#![allow(clippy::disallowed_methods)]

#[allow(dead_code)]
#[path = "hostile_files/make.rs"]
mod make;

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

fn querist(dir: &Path) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_LOG").env("NO_COLOR", "1");
    command
}

fn experiment(text: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.toml"), text).unwrap();
    dir
}

const SMALL: &str = "[train]\n[search]\n[transfer]\ntargets = [\"digits\"]\n";

/// Refused with exit code 2, an `error:` line, a `hint:` line and an untouched folder.
fn refused(dir: &Path, args: &[&str], error: &str, hint: &str) {
    let before = fs::read_dir(dir).unwrap().count();
    querist(dir)
        .args(args)
        .assert()
        .code(2)
        .stdout("")
        .stderr(predicate::str::starts_with("error: ").and(predicate::str::contains(error)))
        .stderr(predicate::str::contains(format!("\nhint: {hint}")));
    assert_eq!(fs::read_dir(dir).unwrap().count(), before, "something was written");
}

/// Labels of two hospitals at the start, questions in the third. What cannot be is refused before anything is written.
#[test]
fn a_column_of_a_table_tells_domains_apart() {
    let plan = "[episode]\ninitial_per_class = 3\nrounds = 2\n\
        [transfer]\ntargets = [{ file = \"wards.csv\" }]\nstrategies = [\"random\", \"margin\"]\nrepetitions = 1\n\
        [episode.world.domains]\ncolumn = \"site\"\nsource = [\"north\", \"east\"]\n";
    let dir = experiment(plan);
    let site = |row: usize| ["north", "south", "east", "south"][row % 4];
    let row = |row: usize| format!("{},{},{},{}\n", row % 3, row * row % 17, site(row), row * 7 % 23);
    let table = |site_of: &dyn Fn(usize) -> String| -> String {
        std::iter::once("label,x,site,y\n".to_string()).chain((0..120).map(site_of)).collect()
    };
    let wards = dir.path().join("wards.csv");
    fs::write(&wards, table(&row)).unwrap();
    querist(dir.path()).args(["run", "x.toml", "--out", "out"]).assert().success();
    let manifest = fs::read_to_string(dir.path().join("out/manifest.json")).unwrap();
    assert!(manifest.contains("60 of 120 rows, those with north, east in column"), "{manifest}");
    fs::remove_dir_all(dir.path().join("out")).unwrap();

    let dry = |set: &'static str| vec!["run", "x.toml", "--dry-run", "--set", set];
    refused(
        dir.path(),
        &dry("episode.world.domains.column=\"sites\""),
        "wards.csv: no column is called \"sites\"",
        "did you mean \"site\"?",
    );
    refused(
        dir.path(),
        &dry("episode.world.domains.source=[\"nord\"]"),
        "wards.csv: none of 120 rows has \"nord\" in column site, which is to be of the source domain",
        "did you mean \"north\"?",
    );
    refused(
        dir.path(),
        &dry("episode.world.domains.source=[\"north\", \"east\", \"south\"]"),
        "wards: the target domain's pool part would get 0 rows, but needs at least 2 (0 rows to split)",
        "hand in more rows",
    );
    let error = "split: `max_pool` is 10, but must be at least 11";
    querist(dir.path())
        .args(dry("episode.max_pool=10"))
        .assert()
        .code(2)
        .stderr(predicate::str::contains(error));
    let gap = |at: usize| if at == 50 { "1,2,,3\n".to_string() } else { row(at) };
    fs::write(&wards, table(&gap)).unwrap();
    refused(
        dir.path(),
        &["run", "x.toml", "--dry-run"],
        "wards.csv: line 52, column site: nothing, but it is to say which domain every row is of",
        "fill it in",
    );
}

/// It was once read and left aside; `bench`, which trains nothing, follows it.
#[test]
fn a_policy_that_is_named_beside_one_that_is_trained_is_refused() {
    let dir = experiment(
        "[train]\n[sources]\nsynthetic = 3\n[transfer]\ntargets = [\"iris\"]\npolicy = \"universal\"\n",
    );
    let error = "`transfer.policy` is \"universal\", and [train] makes the policy that is compared";
    for args in [&["run", "x.toml"][..], &["run", "x.toml", "--dry-run"]] {
        refused(dir.path(), args, error, "leave one of the two out");
    }
    querist(dir.path()).args(["bench", "x.toml", "--dry-run"]).assert().success();
}

/// A device that is no device, and one that this build does not know how to use.
#[test]
fn devices_that_are_not_there_are_refused() {
    let dir = experiment("[train]\n[sources]\nsynthetic = 2\n");
    let args = ["train", "x.toml", "--device", "gpu"];
    refused(dir.path(), &args, "`learner.device` is \"gpu\"", "");
    #[cfg(not(feature = "cuda"))]
    refused(
        dir.path(),
        &["train", "x.toml", "--device", "cuda"],
        "device cuda: this program was built without the feature `cuda`",
        "build it with `cargo build --release --features cuda`",
    );
    let kept = ["--set", "learner.warm_start=true", "--set", "learner.keep_optimiser=true"];
    let args = [&["train", "x.toml", "--device", "flex"], &kept[..]].concat();
    refused(dir.path(), &args, "`learner.keep_optimiser` is not kept on the device flex", "leave it out");
}

/// The whole way of a training whose episodes are fitted on a device; another device is another run.
#[test]
fn a_policy_says_what_device_it_was_trained_on() {
    let dir = experiment(
        "[learner]\nhidden = [4]\nepochs = 3\n[episode]\nrounds = 2\n[sources]\nsynthetic = 2\nmax_pool = 60\n\
         [train.imitation]\nepisodes = 2\nstates = 1\ncandidates = 3\nepochs = 2\n\
         [train.evolution]\niterations = 1\npairs = 2\n[train.policy_gradient]\niterations = 0\n",
    );
    let train = |device: &str| {
        let mut command = querist(dir.path());
        command.args(["--quiet", "train", "x.toml", "--jobs", "1", "--out", "run", "--device", device]);
        command
    };
    train("flex").assert().code(0);
    let card = fs::read_to_string(dir.path().join("run/policy/card.toml")).unwrap();
    assert!(card.contains("Trained on the device flex"), "{card}");
    train("cpu").assert().code(2).stderr(predicate::str::contains("plan digest"));
    train("cpu").arg("--fresh").assert().code(0);
    let card = fs::read_to_string(dir.path().join("run/policy/card.toml")).unwrap();
    assert!(!card.contains("device"), "{card}");
}

/// Fault case 62 and typical mistakes.
#[test]
fn bad_experiments_are_refused_with_place_and_hint() {
    let dir = experiment("[learner]\nepoch = 3\n[train]\n");
    refused(
        dir.path(),
        &["run", "x.toml"],
        "x.toml:2:1: unknown key `learner.epoch`",
        "did you mean `learner.epochs`?",
    );
    let dir = experiment(SMALL);
    refused(
        dir.path(),
        &["run", "x.toml", "--set", "transfer.targets=[\"digit\"]"],
        "--set transfer.targets=[\"digit\"]: `transfer.targets[0]` is \"digit\"",
        "did you mean `digits`?",
    );
    refused(
        dir.path(),
        &["run", "x.toml", "--set", "rounds"],
        "--set rounds: not of the form key=value",
        "for example --set episode.rounds=20",
    );
    let twice = "one key is set twice: episode.rounds=3, and then episode.rounds=4";
    for args in [
        &["run", "x.toml", "--set", "episode.rounds=3", "--set", "episode.rounds=4"][..],
        &["bench", "x.toml", "--set", "episode.rounds=3", "--set", "episode.rounds=4"],
        &["train", "x.toml", "--set", "episode.rounds=3", "--set", "episode.rounds=4"],
    ] {
        refused(dir.path(), args, twice, "leave one of the two out");
    }
    refused(
        dir.path(),
        &["run", "x.toml", "--set", "seed=3", "--seed", "4"],
        "one key is set twice: seed=3, and then seed=4",
        "leave one of the two out",
    );
}

#[test]
fn files_that_are_no_experiment_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.toml");
    let run = |wanted: &str| {
        querist(dir.path())
            .args(["run", "x.toml"])
            .assert()
            .code(2)
            .stdout("")
            .stderr(predicate::str::starts_with("error: x.toml").and(predicate::str::contains(wanted)));
    };
    run("cannot be opened");
    fs::write(&path, b"name = \"\xff\"").unwrap();
    run("not UTF-8 at byte 8");
    fs::write(&path, vec![b'#'; (1 << 20) + 1]).unwrap();
    run("1048577 bytes, at most 1048576 are read");
    fs::write(&path, "").unwrap();
    run("nothing to run");
    fs::write(&path, format!("a = {}", "[".repeat(100_000))).unwrap();
    run("x.toml:1:");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    run("a folder, not a regular file");
}

/// A plan of 200 kB once took 18 seconds, since every key's place was counted from the start of the file: one of a megabyte would not
/// be read within this time, which is a hundred times what it takes now.
const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_long_plan_is_read_in_linear_time() {
    let long = "n".repeat(1_000_000);
    let items = |count: usize, item: &dyn Fn(usize) -> String| -> String {
        (0..count).map(|at| format!("{},", item(at))).collect()
    };
    let plans = [
        ("one line of items", format!("[learner]\nhidden = [{}]", "1,".repeat(500_000))),
        ("many keys", (0..60_000).map(|at| format!("k{at} = {at}\n")).collect()),
        ("many tables", (0..40_000).map(|at| format!("[t{at}.u]\na = 1\n")).collect()),
        ("a long key", format!("{long} = 1")),
        ("a long word", format!("[learner]\noptimiser = \"{long}\"")),
        ("a deep key", format!("{}a = 1", "a.".repeat(500_000))),
        (
            "many targets",
            format!("[transfer]\ntargets = [{}]", items(40_000, &|at| format!("{{file=\"f{at}\"}}"))),
        ),
        (
            "many strategies",
            format!(
                "[transfer]\ntargets = [\"iris\"]\nrepetitions = 0\nstrategies = [{}]",
                items(30_000, &|at| format!("\"power(margin, beta=1.{at})\""))
            ),
        ),
        (
            "many names on both sides",
            format!(
                "[sources]\ndatasets = [{}]\nvalidation = [{}]\n[train]\nx = 1",
                items(20_000, &|at| format!("{{file=\"f{at}\"}}")),
                items(20_000, &|at| format!("{{file=\"g{at}\"}}"))
            ),
        ),
    ];
    for (what, plan) in plans {
        assert!(plan.len() <= 1 << 20, "{what}: {} bytes", plan.len());
        let dir = experiment(&plan);
        let mut run = querist(dir.path());
        let output = run.args(["run", "x.toml", "--dry-run"]).timeout(PATIENCE).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{what}: {text}");
        assert!(text.len() < 4_500, "{what}: a message of {} bytes", text.len());
    }
    let dir = experiment(SMALL);
    let set = format!("learner.{}=1", "k".repeat(100_000));
    let output = querist(dir.path()).args(["run", "x.toml", "--set", &set]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stderr.len() < 1_000, "{}", String::from_utf8_lossy(&output.stderr));
}

/// Pipes without a writer once hung the program, and devices without an end filled its memory.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_at_once_wherever_a_file_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::create_dir(at("run")).unwrap();
    fs::create_dir(at("policy")).unwrap();
    for pipe in ["p", "p.csv", "p.npy", "p.npz", "run/summary.json", "policy/card.toml"] {
        assert!(std::process::Command::new("mkfifo").arg(at(pipe)).status().unwrap().success());
    }
    std::os::unix::fs::symlink("/dev/zero", at("zero.npy")).unwrap();
    fs::write(at("pool.npy"), make::npy("<f4", false, "(3, 2)", &make::floats(&[0.0; 6]))).unwrap();
    let select = |more: &str| format!("select --strategy margin --pool pool.npy {more}");
    for line in [
        "run p".to_string(),
        "run /dev/zero".to_string(),
        "fit p --target iris".to_string(),
        "data describe p.csv".to_string(),
        "data describe p.npz".to_string(),
        "transfer --policy universal --target p.csv".to_string(),
        "select --strategy random --pool p.npy".to_string(),
        "select --strategy random --pool zero.npy".to_string(),
        select("--proba p.npy"),
        "select --strategy random --pool pool.npy --labelled p".to_string(),
        "select --strategy random --pool pool.npy --labelled /dev/zero".to_string(),
        "policies policy".to_string(),
        "report run".to_string(),
    ] {
        let args: Vec<&str> = line.split(' ').collect();
        let output = querist(dir.path()).args(args).timeout(PATIENCE).output();
        let output = output.unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{line}: {text}");
        assert!(text.contains("not a regular file"), "{line}: {text}");
    }
}

#[test]
fn usage_errors_exit_with_2() {
    let dir = experiment(SMALL);
    for args in [
        &["run"][..],
        &["run", "x.toml", "--job", "3"],
        &["run", "x.toml", "--jobs", "0"],
        &["run", "x.toml", "--seed", "-1"],
        &["run", "x.toml", "--seed", "99999999999999999999"],
        &["frobnicate"],
        &["transfer", "--policy", "p"],
        &["transfer", "--policy", "p", "--target", "t", "--repetitions", "0"],
        &["report"],
        &["completions", "klingon"],
    ] {
        querist(dir.path()).args(args).assert().code(2).stdout("").stderr(predicate::str::contains("error:"));
    }
    querist(dir.path()).assert().code(2);
}

#[test]
fn help_and_version_go_to_stdout() {
    let dir = tempfile::tempdir().unwrap();
    let shows = |args: &[&str], text: &str| {
        querist(dir.path()).args(args).assert().code(0).stdout(predicate::str::contains(text)).stderr("");
    };
    shows(&["--help"], "Exit codes");
    shows(&["help", "run"], "--dry-run");
    shows(&["--version"], concat!("querist ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn a_dry_run_counts_and_writes_nothing() {
    let dir = experiment(SMALL);
    let args = ["run", "x.toml", "--dry-run", "--jobs", "2", "--set", "transfer.repetitions=10"];
    querist(dir.path())
        .args(args)
        .assert()
        .code(0)
        .stdout(predicate::str::contains("targets    digits"))
        // Three strategies, ten repetitions in blocks of four; thirty rounds after the first fit.
        .stdout(predicate::str::is_match("transfer +9 +930 ").unwrap())
        .stdout(predicate::str::contains("on 2 threads"))
        .stdout(predicate::str::contains("transfer: margin"))
        .stderr("");
    let json = querist(dir.path()).args(args).arg("--json").output().unwrap().stdout;
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["stages"][3]["trainings"], 930);
    assert_eq!(json["jobs"], 2);
    let kinds = json["kinds"].as_array().unwrap();
    let played: u64 = kinds
        .iter()
        .filter(|kind| kind["unit"] == "episodes" && kind["stage"] == "transfer")
        .map(|kind| kind["count"].as_u64().unwrap())
        .sum();
    assert_eq!(played, 30, "each kind of work has its count: {json}");
    assert!(json["memory_mb"].as_f64().unwrap() > 1.0 && json["core_seconds"].as_f64().unwrap() > 0.0);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// What would be refused before a run starts is refused by its forecast, too.
#[test]
fn a_dry_run_reads_the_data() {
    let dir = experiment(
        "[transfer]\ntargets = [{ file = \"a.csv\", label = \"y\" }]\nstrategies = [\"random\", \"margin\"]\n",
    );
    let args = ["bench", "x.toml", "--dry-run"];
    let missing = querist(dir.path()).args(args).assert().code(2);
    missing.stdout("").stderr(predicate::str::starts_with("error: a.csv: "));
    let rows: String = (0..40).map(|i| format!("{i},{},{}\n", i * i % 7, i % 2)).collect();
    std::fs::write(dir.path().join("a.csv"), format!("u,v,class\n{rows}")).unwrap();
    refused(dir.path(), &args, "no column is called \"y\"", "");
    std::fs::write(dir.path().join("a.csv"), format!("u,v,y\n{rows}")).unwrap();
    refused(
        dir.path(),
        &[&args[..], &["--set", "episode.rounds=100"]].concat(),
        "a budget of 100 labels",
        "",
    );
    querist(dir.path()).args(args).args(["--set", "episode.rounds=5"]).assert().code(0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing was written");
}

/// What cannot be written was once called done: help, version and all other data.
#[cfg(target_os = "linux")]
#[test]
fn a_full_stdout_is_an_error() {
    let dir = experiment(SMALL);
    for args in [
        &["--help"][..],
        &["help", "run"],
        &["run", "--help"],
        &["--version"],
        &["completions", "bash"],
        &["strategies"],
        &["strategies", "--json"],
        &["run", "x.toml", "--dry-run"],
    ] {
        let full = fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = std::process::Command::new(cargo_bin("querist"));
        let output = command.args(args).current_dir(dir.path()).stdout(full).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {text}");
        assert!(text.starts_with("error: stdout: cannot write"), "{args:?}: {text}");
    }
}

/// Log lines in a redirected stderr once were coloured, and a name's escape codes were obeyed.
#[test]
fn what_is_no_terminal_gets_no_escape_codes() {
    let dir = experiment("\"\\u001b[31mred\" = 1\n");
    for (args, log) in [
        (&["run", "x.toml"][..], "trace"),
        (&["run", "\x1b[31mred.toml"], "warn"),
        (&["--help"], "warn"),
        (&["frobnicate"], "warn"),
        (&["strategies", "\x1b[31mmargin"], "warn"),
    ] {
        let mut command = querist(dir.path());
        command
            .env_remove("NO_COLOR")
            .env("QUERIST_LOG", log)
            .env("CLICOLOR", "1")
            .env("TERM", "xterm-256color");
        let output = command.args(args).output().unwrap();
        for stream in [&output.stdout, &output.stderr] {
            assert!(!stream.contains(&0x1b), "{args:?}: {}", String::from_utf8_lossy(stream));
        }
    }
}

/// Fault case 56: a reader that goes away is no failure.
#[test]
fn a_closed_stdout_is_not_a_panic() {
    let dir = experiment(SMALL);
    for args in [&["completions", "bash"][..], &["run", "x.toml", "--dry-run"], &["--help"]] {
        let mut child = std::process::Command::new(cargo_bin("querist"))
            .args(args)
            .current_dir(dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args:?}");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
    }
}

#[test]
fn completions_know_the_commands() {
    let dir = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let assert = querist(dir.path()).args(["completions", shell]).assert().code(0);
        assert.stdout(predicate::str::contains("transfer"));
    }
}

#[test]
fn training_needs_its_section() {
    let dir = experiment("[transfer]\ntargets = [\"digits\"]\n");
    let assert = querist(dir.path()).args(["train", "x.toml"]).assert().code(2);
    assert.stderr("error: x.toml: no [train] section\n");
}

#[test]
fn a_report_of_nothing_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let assert = querist(dir.path()).args(["report", "nowhere"]).assert().code(2);
    assert.stderr(predicate::str::contains("nowhere/summary.json: cannot be opened"));
}
