//! `querist pairs` as a user meets it: generated screens, files of one's own, hostile tables, and the end of the process.

#![allow(clippy::disallowed_methods)]

use assert_cmd::cargo::cargo_bin;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A campaign that takes a moment.
const SMALL: [&str; 14] = [
    "--rounds",
    "3",
    "--batch",
    "20",
    "--top",
    "20",
    "--members",
    "2",
    "--pretraining",
    "10",
    "--epochs",
    "10",
    "--seed",
    "3",
];

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env("NO_COLOR", "1").arg("pairs").args(args);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(dir: &Path, args: &[&str]) -> Output {
    command(dir, args).output().unwrap()
}

fn small(dir: &Path, args: &[&str]) -> Output {
    run(dir, &[&SMALL, args].concat())
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_generated_screen_gives_the_same_bytes_on_any_number_of_threads() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--genes", "30", "--json", "--rule", "badge", "--rule", "bait", "--rule", "thompson"];
    let one = small(dir.path(), &[&args[..], &["--jobs", "1"]].concat());
    assert_eq!(one.status.code(), Some(0), "{}", stderr(&one));
    let json: Value = serde_json::from_slice(&one.stdout).unwrap();
    let campaigns = json["campaigns"].as_array().unwrap();
    assert_eq!(campaigns.len(), 3);
    for campaign in campaigns {
        assert_eq!(campaign["pairs"], 435);
        let rounds = campaign["rounds"].as_array().unwrap();
        assert_eq!(rounds.len(), 3);
        assert_eq!(rounds[2]["measured"], 60);
        assert!(rounds[2]["rmse"].as_f64().unwrap() > 0.0);
        assert_eq!(rounds[2]["hits"], campaign["found"].as_array().unwrap().len());
    }
    let three = small(dir.path(), &[&args[..], &["--jobs", "3"]].concat());
    assert_eq!(one.stdout, three.stdout);
    assert!(stderr(&one).contains("badge, repetition 1, round 3: 60 pairs measured"), "{}", stderr(&one));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "nothing is written that was not asked for");
}

#[test]
fn a_folder_gets_all_tables_and_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let args = ["--genes", "25", "--repetitions", "2", "--out", "found", "-q"];
    let output = small(dir.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("share of the best 20 pairs found"), "{text}");
    assert!(text.contains("where the pairs found by max_optimism lie"), "{text}");
    assert_eq!(stderr(&small(dir.path(), &["--genes", "25", "-q"])), "");
    let read = |name: &str| fs::read_to_string(dir.path().join("found").join(name)).unwrap();
    // Two rules, two repetitions, three rounds, and the names of the columns.
    assert_eq!(read("rounds.csv").lines().count(), 13);
    assert!(
        read("pathways.csv").starts_with("rule,repetition,pathway,found,top,measured,pairs\nmax_optimism,1,")
    );
    assert!(read("found.csv").starts_with("rule,repetition,gene_a,gene_b,outcome,round,pathways\n"));
    let report: Value = serde_json::from_str(&read("report.json")).unwrap();
    assert_eq!(report["campaigns"].as_array().unwrap().len(), 4);
    // A run that came to its end is told again; another one is refused, and what was changed is not written over.
    let again = small(dir.path(), &args[..6]);
    assert_eq!((again.status.code(), String::from_utf8_lossy(&again.stdout).into_owned()), (Some(0), text));
    assert!(!stderr(&again).contains("round"), "{}", stderr(&again));
    let other = small(dir.path(), &[&args[..], &["--corruption", "0.3"]].concat());
    assert_eq!(other.status.code(), Some(2));
    assert!(
        stderr(&other).contains("`corruption = 0.2` there, `corruption = 0.3` here"),
        "{}",
        stderr(&other)
    );
    fs::write(dir.path().join("found/rounds.csv"), "mine").unwrap();
    assert_eq!(small(dir.path(), &args).status.code(), Some(2));
    fs::remove_file(dir.path().join("found/rounds.csv")).unwrap();
    let fresh = small(dir.path(), &[&args[..], &["--corruption", "0.3", "--fresh"]].concat());
    assert_eq!(fresh.status.code(), Some(0), "{}", stderr(&fresh));
    assert_eq!(read("rounds.csv").lines().count(), 13);
}

/// Twelve genes, all pairs; outcomes are low between the first four.
fn tables(dir: &Path, open: usize) {
    let mut pairs = "gene_a,gene_b,outcome\n".to_string();
    let mut at = 0;
    for b in 1..12 {
        for a in 0..b {
            at += 1;
            let outcome = if b < 4 { -1.0 } else { 1.0 } + 0.01 * at as f64;
            let outcome = if at <= open { String::new() } else { outcome.to_string() };
            pairs += &format!("g{b},g{a},{outcome}\n");
        }
    }
    fs::write(dir.join("pairs.csv"), pairs).unwrap();
    let edges = "source,relation,target\ng0,binds,g1\ng1,binds,g2\ng2,binds,g3\ng5,regulates,g6\n";
    fs::write(dir.join("edges.csv"), edges).unwrap();
    fs::write(dir.join("sets.csv"), "pathway,gene\nearly,g0\nearly,g1\nearly,g2\nearly,g3\n").unwrap();
}

#[test]
fn files_of_ones_own_are_simulated_and_reported_by_pathway() {
    let dir = tempfile::tempdir().unwrap();
    tables(dir.path(), 0);
    let args = ["--pairs", "pairs.csv", "--edges", "edges.csv", "--pathways", "sets.csv", "--json"];
    let rest = ["--rounds", "6", "--batch", "11", "--top", "6", "--members", "3", "--rule", "greedy"];
    let output = run(dir.path(), &[&args[..], &rest].concat());
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let json: Value = serde_json::from_slice(&output.stdout).unwrap();
    // All 66 pairs were measured in the end.
    let early = &json["campaigns"][0]["pathways"][0];
    assert_eq!(early["pathway"], "early");
    assert_eq!(
        (early["top"].as_u64(), early["hits"].as_u64(), early["pairs"].as_u64()),
        (Some(6), Some(6), Some(6))
    );
    assert_eq!(json["campaigns"][0]["rounds"][5]["rmse"], Value::Null, "nothing is hidden any more");
    assert_eq!(json["campaigns"][0]["found"][0]["genes"], serde_json::json!(["g0", "g1"]));
    // The order of lines and of the two genes decides nothing.
    let text = fs::read_to_string(dir.path().join("pairs.csv")).unwrap();
    let turned = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        format!("{},{},{}\n", fields[1], fields[0], fields[2])
    };
    let turned: String =
        text.lines().skip(1).collect::<Vec<_>>().iter().rev().map(|line| turned(line)).collect();
    fs::write(dir.path().join("pairs.csv"), format!("gene_a,gene_b,outcome\n{turned}")).unwrap();
    assert_eq!(run(dir.path(), &[&args[..], &rest].concat()).stdout, output.stdout);
    // A folder in which an input lies is not written to, and nothing is removed from it.
    fs::create_dir(dir.path().join("io")).unwrap();
    fs::copy(dir.path().join("pairs.csv"), dir.path().join("io/found.csv")).unwrap();
    let into =
        ["--pairs", "io/found.csv", "--out", "io", "--fresh", "--rounds", "6", "--batch", "11", "--top", "6"];
    let refused = run(dir.path(), &into);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("the input io/found.csv lies in it"), "{}", stderr(&refused));
    let files = |name: &str| fs::read(dir.path().join(name)).unwrap();
    assert_eq!(files("io/found.csv"), files("pairs.csv"));
}

#[test]
fn pairs_without_an_outcome_are_what_to_measure_next() {
    let dir = tempfile::tempdir().unwrap();
    tables(dir.path(), 10);
    let args = ["--pairs", "pairs.csv", "--edges", "edges.csv", "--next", "--batch", "4"];
    let output = run(dir.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines.len()), ("gene_a,gene_b,expected,deviation", 5));
    // The first ten pairs are those of g0 to g4.
    assert!(
        lines[1..].iter().all(|line| line.split(',').take(2).all(|gene| ("g0"..="g4").contains(&gene))),
        "{text}"
    );
    // They are no simulation, and a screen without any outcome has nothing to fit.
    let simulated = run(dir.path(), &args[..4]);
    assert_eq!(simulated.status.code(), Some(2));
    tables(dir.path(), 66);
    let nothing = run(dir.path(), &args);
    assert!(stderr(&nothing).contains("0 pairs with an outcome, but 2 are needed"), "{}", stderr(&nothing));
    let random = run(dir.path(), &[&args[..], &["--rule", "random"]].concat());
    assert_eq!(random.status.code(), Some(0));
    assert_eq!(String::from_utf8(random.stdout).unwrap().lines().count(), 5);
}

#[test]
fn hostile_tables_are_refused_with_their_place_and_nothing_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let head = "gene_a,gene_b,outcome\n";
    for (pairs, edges, expected) in [
        ("a,b,1\nb,a,2\n", None, vec!["line 3: the pair (b, a) has outcome 2, and (a, b) has 1 in line 2"]),
        ("a,b,nan\n", None, vec!["line 2, column `outcome`: \"nan\" is not a finite number"]),
        ("a,b\n", None, vec!["line 2: 2 fields, line 1 has 3"]),
        ("a,a,1\n", None, vec!["line 2: a pair of `a` with itself"]),
        (
            "a,b,1\n",
            Some("source,relation,target\na,r,c\n"),
            vec!["line 2", "gene `c` is in no pair", "2 genes"],
        ),
        ("a,b,1\n", Some("source,target\na,b\n"), vec!["line 1: no column `relation` among source, target"]),
        ("a,b,1\nb,c,1\n", None, vec!["2 pairs, but 2000 are needed for 10 rounds of 200"]),
    ] {
        fs::write(dir.path().join("p.csv"), format!("{head}{pairs}")).unwrap();
        fs::write(dir.path().join("e.csv"), edges.unwrap_or("source,relation,target\na,r,b\n")).unwrap();
        let output = run(dir.path(), &["--pairs", "p.csv", "--edges", "e.csv", "--out", "o"]);
        assert_eq!(output.status.code(), Some(2), "{pairs}: {}", stderr(&output));
        for expected in expected {
            assert!(stderr(&output).contains(expected), "{}, expected {expected}", stderr(&output));
        }
        assert!(output.stdout.is_empty() && !dir.path().join("o").exists(), "{pairs}");
    }
    for (args, expected) in [
        (vec!["--rule", "optimsm"], "did you mean `optimism`?"),
        (vec!["--genes", "100000"], "genes is 100000, expected 2 to 2000"),
        (vec!["--corruption", "NaN"], "corruption is NaN"),
        (vec!["--members", "1000"], "members is 1000, expected 1 to 64"),
        (vec!["--repetitions", "0"], "repetitions is 0, expected 1 to 1000"),
        (vec!["--embedding", "free", "--shuffle-edges"], "--shuffle-edges would have no effect"),
        (vec!["--embedding", "free", "--pretraining", "3"], "--pretraining would have no effect"),
        (vec!["--pairs", "p.csv", "--embedding", "fixed"], "--embedding would have no effect"),
        (vec!["--pairs", "p.csv", "--next", "--rule", "greedy", "--rule", "badge"], "a second --rule"),
        (
            vec!["--rule", "greedy", "--rule", "badge", "--rule", "greedy"],
            "the rule \"greedy\" is named twice",
        ),
        (vec!["--pairs", "/dev/zero"], "a device, not a regular file"),
    ] {
        let output = run(dir.path(), &args);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(expected), "{}", stderr(&output));
    }
}

/// SIGKILL in the middle of rounds, several times over: the same command goes on, and ends with the bytes of one that nobody killed.
#[test]
fn a_killed_run_goes_on_to_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let base = [
        "--genes",
        "40",
        "--rounds",
        "6",
        "--batch",
        "20",
        "--top",
        "20",
        "--members",
        "2",
        "--repetitions",
        "2",
    ];
    let args =
        |out: &'static str| [&base[..], &["--rule", "thompson", "--rule", "random", "--out", out]].concat();
    assert_eq!(run(dir.path(), &args("whole")).status.code(), Some(0));
    let mut told = Vec::new();
    for lines in [1, 4, 9] {
        let mut child = command(dir.path(), &args("killed")).spawn().unwrap();
        let mut reader = BufReader::new(child.stderr.take().unwrap());
        for _ in 0..lines {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            told.push(line);
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!dir.path().join("killed/report.json").exists());
    }
    let last = run(dir.path(), &args("killed"));
    assert_eq!(last.status.code(), Some(0), "{}", stderr(&last));
    told.extend(stderr(&last).lines().map(|line| format!("{line}\n")));
    // A round whose line was read is never played again.
    let played = told.iter().filter(|line| line.contains("pairs measured")).count();
    let distinct: std::collections::HashSet<&String> = told.iter().collect();
    assert_eq!((played, distinct.len()), (told.len(), told.len()));
    for name in ["rounds.csv", "pathways.csv", "found.csv", "report.json"] {
        let read = |out: &str| fs::read(dir.path().join(out).join(name)).unwrap();
        assert_eq!(read("killed"), read("whole"), "{name}");
    }
}

/// Hits of the graph's networks beyond those of free embeddings, on four generated screens of 150 genes of which 6.3 % of the pairs are measured: with the
/// edges that there are, the lead is more than two standard errors above zero; with edges of other genes it is smaller, and not.
#[test]
fn the_graphs_lead_vanishes_when_its_edges_are_shuffled() {
    let dir = tempfile::tempdir().unwrap();
    let hits = |more: &[&str]| -> Vec<f64> {
        let size = ["--genes", "150", "--repetitions", "4", "--rounds", "5", "--batch", "141", "--top", "70"];
        let rest = ["--members", "4", "--rule", "max_optimism", "--json", "-q"];
        let output = run(dir.path(), &[&size[..], &rest, more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        let last = |campaign: &Value| campaign["rounds"][4]["hits"].as_f64().unwrap();
        json["campaigns"].as_array().unwrap().iter().map(last).collect()
    };
    let free = hits(&["--embedding", "free"]);
    let lead = |found: Vec<f64>| {
        let leads: Vec<f64> = found.iter().zip(&free).map(|(found, free)| found - free).collect();
        let n = leads.len() as f64;
        let mean = leads.iter().sum::<f64>() / n;
        let variance = leads.iter().map(|lead| (lead - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, (variance / n).sqrt())
    };
    let (own, shuffled) = (lead(hits(&[])), lead(hits(&["--shuffle-edges"])));
    println!("lead {own:?}, of shuffled edges {shuffled:?}");
    assert!(own.0 > 2.0 * own.1, "{own:?}");
    assert!(shuffled.0 < 2.0 * shuffled.1 && shuffled.0 < own.0, "{own:?}, {shuffled:?}");
}

/// 356 genes, 63,190 pairs, eight networks: the peak of all children of this process, whichever is the largest.
#[test]
fn the_published_screen_takes_a_bounded_memory_that_is_forecast() {
    let dir = tempfile::tempdir().unwrap();
    let sizes = run(dir.path(), &["--dry-run", "--jobs", "2"]);
    let text = String::from_utf8(sizes.stdout).unwrap();
    assert!(text.contains("63190") && text.contains("356"), "{text}");
    let forecast: i64 = text.split("about ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
    let args =
        ["--rounds", "3", "--pretraining", "1", "--epochs", "1", "--jobs", "2", "--rule", "badge", "-q"];
    let output = run(dir.path(), &args);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    // SAFETY: `usage` is a plain structure that the call fills.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        assert_eq!(libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage), 0);
        usage
    };
    let peak = usage.ru_maxrss >> 10;
    println!("peak {peak} MB, forecast {forecast} MB beside the program itself");
    assert!(peak < 200, "{peak} MB");
    assert!(forecast < 100 && peak < forecast + 100, "{peak} MB, forecast {forecast} MB");
}
