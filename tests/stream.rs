//! `querist stream` as a user meets it: decisions, answers, hostile lines, and the end of the process at any moment.

#![allow(clippy::disallowed_methods)]

use assert_cmd::cargo::cargo_bin;
use querist::Key;
use querist::agent::decisions::{Decider, DeciderKind};
use querist::agent::dqn::QNetwork;
use querist::agent::{Frozen, Provenance};
use querist::stream::pal::{PalPlan, PalPolicy};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};

fn command(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env("NO_COLOR", "1").arg("stream").args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs with `input` on stdin.
fn run(dir: &Path, args: &[&str], input: &[u8]) -> Output {
    let mut child = command(dir, args).spawn().unwrap();
    // What is refused may close its stdin before all of it is written.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

fn decisions(output: &Output) -> Vec<Value> {
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Row `at` as a line, and its class.
fn row(at: u64) -> (String, &'static str) {
    let x = (at * 37 % 101) as f32 / 101.0;
    (format!("{x},{}", at * 11 % 13), if x > 0.4 { "cat" } else { "dog" })
}

fn rows(count: u64) -> String {
    (0..count).fold("a,b\n".to_string(), |mut text, at| {
        let _ = writeln!(text, "{}", row(at).0);
        text
    })
}

fn answers(count: u64) -> String {
    (0..count).map(|at| format!("{{\"row\": {at}, \"label\": \"{}\"}}\n", row(at).1)).collect()
}

#[test]
fn decides_on_every_row_and_learns_from_answers_in_a_file() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("rows.csv"), rows(500)).unwrap();
    fs::write(dir.path().join("answers.jsonl"), answers(500)).unwrap();
    let args = ["rows.csv", "--answers", "answers.jsonl", "--budget", "0.2"];
    let output = run(dir.path(), &args, b"");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let found = decisions(&output);
    assert_eq!(found.len(), 500);
    let kept = found.iter().filter(|decision| decision["keep"] == true).count();
    assert!((60..=120).contains(&kept), "{kept}");
    assert_eq!(found[0]["score"], 0.5, "nothing is known at first");
    let surer = |decision: &&Value| decision["score"].as_f64().unwrap() < 0.1;
    assert!(found[400..].iter().filter(surer).count() > 50);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains(&format!("500 rows, {kept} kept, {kept} answered")), "{told}");
    // The same from stdin, and the same once more.
    let piped =
        run(dir.path(), &["-", "--answers", "answers.jsonl", "--budget", "0.2"], rows(500).as_bytes());
    assert_eq!(piped.stdout, output.stdout);
}

#[test]
fn rows_that_come_with_a_label_are_learned_from() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = "a,b,label\n".to_string();
    for at in 0..60 {
        let (row, class) = row(at);
        let _ = writeln!(text, "{row},{}", if at < 40 { class } else { "" });
    }
    let found =
        decisions(&run(dir.path(), &["-", "--strategy", "periodic", "--budget", "0.5"], text.as_bytes()));
    assert_eq!(found.len(), 20);
    assert_eq!(found[0]["row"], 40);
    assert!(found[0]["score"].as_f64().unwrap() < 0.5);
}

/// A running stream: one line in, one line out.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    fn start(dir: &Path, args: &[&str]) -> Self {
        let mut child = command(dir, args).spawn().unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let mut running = Self { child, out };
        running.say("a,b");
        running
    }

    fn say(&mut self, line: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line:?}"))
    }
}

/// A policy for streams of 60 rows, as a file: it keeps what the classifier is less sure of than of most of the last rows.
fn pal(dir: &Path) {
    let plan = PalPlan { rows: 60, labels: 12 };
    // One unit of the second layer reads whether to keep, and how sure the classifier is not.
    let mut weights = vec![0.0; 386];
    (weights[320], weights[321], weights[380]) = (-2.0, 4.0, 1.0);
    let values = Decider::Values(QNetwork::from_weights(weights).unwrap());
    // The same as policy gradient learns it: a weight per figure of an option.
    let scores = Decider::Policy(Decider::start([-2.0, 4.0, 0.0], Key::root(1)).unwrap());
    for (decider, file) in [(values, "pal.safetensors"), (scores, "gradient.safetensors")] {
        PalPolicy::new(&decider, &plan, Provenance::default()).unwrap().save(&dir.join(file)).unwrap();
    }
}

/// Fault cases 44 and 46: killed after any acknowledged decision, the stream goes on as if it had not been, whatever decides.
#[test]
fn a_killed_stream_goes_on_with_what_it_had_decided() {
    for decider in [
        ["--strategy", "split"],
        ["--strategy", "density"],
        ["--strategy", "neural_cal(features=8)"],
        ["--policy", "pal.safetensors"],
        ["--policy", "gradient.safetensors"],
        ["--policy", "universal"],
    ] {
        goes_on_after_kills(&decider);
    }
}

fn goes_on_after_kills(decider: &[&str]) {
    let args = [&["-", "--budget", "0.3", "--labels", "30", "--state", "state"], decider].concat();
    let play = |cuts: &[u64]| -> Vec<Value> {
        let dir = tempfile::tempdir().unwrap();
        pal(dir.path());
        let mut found = Vec::new();
        let mut running = Running::start(dir.path(), &args);
        for at in 0..120 {
            if cuts.contains(&at) {
                // SIGKILL.
                running.child.kill().unwrap();
                running.child.wait().unwrap();
                running = Running::start(dir.path(), &args);
                let told = running.hear();
                assert_eq!(told["continued"], at);
                // Answers may have been on their way: they are sent again.
                let waiting: Vec<u64> =
                    told["waiting"].as_array().unwrap().iter().map(|row| row.as_u64().unwrap()).collect();
                for row_number in waiting {
                    let class = row(row_number).1;
                    running.say(&format!("{{\"row\": {row_number}, \"label\": \"{class}\"}}"));
                }
            }
            let (line, class) = row(at);
            running.say(&line);
            let decision = running.hear();
            if decision["keep"] == true {
                running.say(&format!("{{\"row\": {at}, \"label\": \"{class}\"}}"));
            }
            found.push(decision);
        }
        drop(running.child.stdin.take());
        assert!(running.child.wait().unwrap().success());
        found
    };
    let whole = play(&[]);
    let kept = whole.iter().filter(|decision| decision["keep"] == true).count();
    assert!((10..=30).contains(&kept), "{decider:?}: {kept}");
    assert_eq!(play(&[1, 40, 41, 99]), whole, "{decider:?}");
}

/// Numbers at the ends of `f32`, and a column that stands still, are decided on whatever decides, and the journal of them is
/// read again.
#[test]
fn extreme_rows_are_decided_on_and_continued() {
    let dir = tempfile::tempdir().unwrap();
    pal(dir.path());
    let ends = ["3.4e38", "-3.4e38", "1e-45", "-0.0", "1e30"];
    let rows = (0..90).map(|at| format!("{},{},7\n", ends[at % 5], ends[at * at % 7 % 5]));
    fs::write(dir.path().join("rows.csv"), format!("a,b,c\n{}", rows.collect::<String>())).unwrap();
    fs::write(dir.path().join("answers.jsonl"), answers(90)).unwrap();
    for (at, decider) in [
        ["--strategy", "density"],
        ["--strategy", "neural_cal(features=8)"],
        ["--policy", "pal.safetensors"],
        ["--policy", "gradient.safetensors"],
        ["--policy", "universal"],
    ]
    .into_iter()
    .enumerate()
    {
        let state = format!("state{at}");
        let args = ["rows.csv", "--answers", "answers.jsonl", "--budget", "0.4", "--state", &state];
        for expected in [90, 1] {
            let output = run(dir.path(), &[&args[..], &decider].concat(), b"");
            assert_eq!(output.status.code(), Some(0), "{decider:?}: {output:?}");
            assert_eq!(decisions(&output).len(), expected, "{decider:?}");
        }
    }
}

/// Rows that tell nothing of their class: in the end the rule says so, and asks no more.
#[test]
fn neural_cal_abstains_and_knows_two_classes() {
    let dir = tempfile::tempdir().unwrap();
    let coin = |at: u64| if (at * 7919 % 1009).is_multiple_of(2) { "heads" } else { "tails" };
    let answers = (0..4_000).map(|at| format!("{{\"row\": {at}, \"label\": \"{}\"}}\n", coin(at)));
    fs::write(dir.path().join("answers.jsonl"), answers.collect::<String>()).unwrap();
    let args = ["-", "--answers", "answers.jsonl", "--budget", "0.5", "--strategy"];
    let spec = "neural_cal(abstention=0.4, features=8)";
    let found = decisions(&run(dir.path(), &[&args[..], &[spec]].concat(), rows(4_000).as_bytes()));
    let reason = |decision: &Value| (decision["keep"].clone(), decision["reason"].clone());
    let abstained = found.iter().filter(|&one| reason(one) == (false.into(), "abstained".into())).count();
    assert!(abstained > 2_000, "{abstained}");
    assert_eq!(reason(&found[0]), (true.into(), "uncertain".into()));
    // A third class.
    let label = |row: u32, name: &str| format!("{{\"row\": {row}, \"label\": \"{name}\"}}\n");
    let text = format!("{}{}{}{}", rows(8), label(0, "a"), label(1, "b"), label(2, "c"));
    let output = run(dir.path(), &["-", "--budget", "1", "--strategy", "neural_cal"], text.as_bytes());
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("stdin, line 12: 3 classes, but `neural_cal` tells two apart"), "{told}");
    assert_eq!((output.status.code(), decisions(&output).len()), (Some(2), 8));
}

/// What is no policy for streams is refused before a row is read, and nothing is written.
#[test]
fn wrong_files_are_no_policies() {
    let dir = tempfile::tempdir().unwrap();
    pal(dir.path());
    let path = dir.path().join("pal.safetensors");
    let bytes = fs::read(&path).unwrap();
    fs::write(dir.path().join("torn"), &bytes[..bytes.len() - 5]).unwrap();
    fs::write(dir.path().join("empty"), "").unwrap();
    fs::write(dir.path().join("rows.csv"), rows(3)).unwrap();
    fs::write(dir.path().join("nothing"), vec![0u8; 100]).unwrap();
    fs::create_dir(dir.path().join("folder")).unwrap();
    let large = fs::File::create(dir.path().join("large")).unwrap();
    large.set_len(40 << 30).unwrap();
    let figures = [("rows".to_string(), 60.0)].into();
    let other = Provenance { name: "dqn".into(), figures, ..Provenance::default() };
    let weights = QNetwork::new(0.0, Key::root(5)).weights().to_vec();
    fs::write(dir.path().join("dqn"), Frozen::new(weights, other).to_bytes()).unwrap();
    for (policy, message) in [
        ("torn", "torn: pal: sha256 is"),
        ("empty", "empty: pal:"),
        ("rows.csv", "rows.csv: pal:"),
        ("nothing", "nothing: pal:"),
        ("large", "large: 42949672960 bytes, at most 1048576 are read"),
        ("dqn", "dqn: a policy called \"dqn\", expected \"pal\""),
        ("folder", "card.toml: cannot be opened"),
        ("/dev/zero", "/dev/zero: a device, not a regular file"),
        ("none", "policy \"none\" is no folder"),
    ] {
        let output = run(dir.path(), &["-", "--policy", policy, "--state", "state"], rows(3).as_bytes());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && told.contains(message), "{policy}: {told}");
        assert!(told.len() < 1_000 && output.stdout.is_empty() && !dir.path().join("state").exists());
    }
    let both = run(dir.path(), &["-", "--policy", "universal", "--strategy", "split"], b"");
    assert_eq!(both.status.code(), Some(2));
    // A stream that was begun goes on with the same policy alone, wherever its file is.
    let args = |policy: &'static str| ["-", "--policy", policy, "--state", "state"];
    assert!(run(dir.path(), &args("pal.safetensors"), rows(3).as_bytes()).status.success());
    fs::copy(&path, dir.path().join("moved")).unwrap();
    assert!(run(dir.path(), &args("moved"), rows(3).as_bytes()).status.success());
    let plan = PalPlan { rows: 61, labels: 12 };
    let other = Decider::untrained(DeciderKind::Values, Key::root(5)).unwrap();
    PalPolicy::new(&other, &plan, Provenance::default()).unwrap().save(&path).unwrap();
    for policy in ["pal.safetensors", "universal"] {
        let output = run(dir.path(), &args(policy), rows(3).as_bytes());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && told.contains("--state"), "{told}");
    }
}

/// Of a file, what was decided on is passed over.
#[test]
fn a_file_goes_on_where_it_was_left() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("answers.jsonl"), answers(300)).unwrap();
    let play = |count: u64, state: &str| {
        fs::write(dir.path().join("rows.csv"), rows(count)).unwrap();
        let output = run(dir.path(), &["rows.csv", "--answers", "answers.jsonl", "--state", state], b"");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        decisions(&output)
    };
    let whole = play(300, "whole");
    let mut parts = play(170, "parts");
    let rest = play(300, "parts");
    assert_eq!(rest[0]["continued"], 170);
    parts.extend(rest.into_iter().skip(1));
    assert_eq!(parts, whole);
    // Other settings are another stream.
    let output = run(dir.path(), &["rows.csv", "--state", "parts", "--budget", "0.5"], b"");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn hostile_lines_are_refused_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let endless = [b"a,b\n".to_vec(), vec![b'1'; 3 << 20]].concat();
    let cases: [(&[u8], &str); 19] = [
        (b"", "stdin: no lines"),
        (b"label\n", "stdin, line 1: no column beside the labels'"),
        (b"a,a\n1,2\n", "stdin, line 1: two columns are called \"a\""),
        (b"a,b\n1,2\n1,2,3\n", "stdin, line 3: 3 fields, the header has 2"),
        (b"a,b\n1\n", "stdin, line 2: 1 fields, the header has 2"),
        (b"a,b\n1,nan\n", "stdin, line 2, column \"b\": \"nan\" is not a finite number"),
        (b"a,b\n1e999,2\n", "column \"a\": \"1e999\" is beyond what f32 can hold, 3.4028235e38"),
        (b"a,b\n1,\n", "stdin, line 2, column \"b\": \"\" is not a finite number"),
        (b"a,b\n1,\"2\n", "stdin, line 2: a quote that is not closed"),
        (b"a,b\n1,\xff\n", "stdin, line 2: not UTF-8 at byte 2"),
        (
            b"a,b\n1,2\n{\"row\": 7, \"label\": \"cat\"}\n",
            "stdin, line 3: answer for row 7, which waits for none",
        ),
        (b"a,b\n{\"row\": 0}\n", "stdin, line 2: not an answer: missing field `label`"),
        (b"a,b\n{\"row\": -1, \"label\": 3}\n", "stdin, line 2: not an answer"),
        (b"a,b\n{\"row\": 0, \"label\": null}\n", "the label is null"),
        (b"a,b\n{\"row\": 0, \"label\": \"\"}\n", "class \"\" has 0 bytes"),
        (b"a,b\n1e308,2\n", "\"1e308\" is beyond what f32 can hold"),
        (b"a;b\n1;2\n", "fields are separated by commas"),
        (b"a\tb\n1,5\t2\n", "fields are separated by commas"),
        (&endless, "stdin, line 2: longer than 1048576 bytes"),
    ];
    for (input, message) in cases {
        let output = run(dir.path(), &["-"], input);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{message}: {told}");
        assert!(told.starts_with("error: ") && told.contains(message), "{message}: {told}");
        assert!(told.len() < 1_000);
    }
    for (args, message) in [
        (&["-", "--strategy", "spilt"][..], "did you mean `split`?"),
        (&["-", "--budget", "0"], "budget is 0"),
        (&["-", "--memory", "0"], "memory is 0"),
        (&["none.csv"], "none.csv: cannot be opened"),
        (&["-", "--answers", "none.jsonl"], "none.jsonl: cannot be opened"),
        (&["/dev/zero"], "/dev/zero: a device, not a regular file"),
    ] {
        let output = run(dir.path(), args, b"a,b\n1,2\n");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && told.contains(message), "{args:?}: {told}");
        assert!(output.stdout.is_empty());
    }
    // A folder of other things is left alone.
    fs::create_dir(dir.path().join("mine")).unwrap();
    fs::write(dir.path().join("mine/thesis.tex"), "precious").unwrap();
    let output = run(dir.path(), &["-", "--state", "mine"], b"a,b\n1,2\n");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read_dir(dir.path().join("mine")).unwrap().count(), 1);
}

/// Fault case 56: whoever reads the decisions has gone.
#[test]
fn a_closed_pipe_ends_the_stream_without_complaint() {
    let dir = tempfile::tempdir().unwrap();
    let mut child = command(dir.path(), &["-", "--budget", "0.5"]).spawn().unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(rows(50_000).as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("error"));
}

/// The rows before a bad line are decided, and recorded, however the lines arrive.
#[test]
fn what_comes_before_a_bad_line_is_decided() {
    let dir = tempfile::tempdir().unwrap();
    for (at, bad) in ["bad", "{\"row\": 9000, \"label\": \"x\"}", "1,2,3"].into_iter().enumerate() {
        fs::write(dir.path().join("rows.csv"), format!("{}{bad}\n", rows(1_000))).unwrap();
        let state = format!("state{at}");
        for args in [&["rows.csv"][..], &["rows.csv", "--state", &state]] {
            let output = run(dir.path(), args, b"");
            assert_eq!(output.status.code(), Some(2), "{output:?}");
            assert_eq!(decisions(&output).len(), 1_000, "{bad}");
            assert!(String::from_utf8_lossy(&output.stderr).contains("line 1002"), "{output:?}");
        }
        // The line is repaired, and the stream goes on.
        fs::write(dir.path().join("rows.csv"), rows(1_001)).unwrap();
        let found = decisions(&run(dir.path(), &["rows.csv", "--state", &state], b""));
        assert_eq!(
            (found.len(), &found[0]["continued"], &found[1]["row"]),
            (2, &1_000.into(), &1_000.into())
        );
    }
}

#[test]
fn a_file_that_lost_rows_is_not_taken_for_the_one_that_was_begun() {
    let dir = tempfile::tempdir().unwrap();
    let play = |count: u64| {
        fs::write(dir.path().join("rows.csv"), rows(count)).unwrap();
        run(dir.path(), &["rows.csv", "--state", "state"], b"")
    };
    assert_eq!(play(50).status.code(), Some(0));
    let output = play(20);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{told}");
    assert!(told.contains("rows.csv: 20 rows, but 50 were taken from it before"), "{told}");
}

#[test]
fn answers_of_a_file_are_objects_and_one_for_a_row() {
    let dir = tempfile::tempdir().unwrap();
    let one = "{\"row\": 0, \"label\": \"a\"}\n";
    for (text, message) in [
        (format!("{one}\n{one}"), "answers.jsonl, line 3: row 0 was answered in a line before"),
        (format!("{one}[1, \"a\"]\n"), "answers.jsonl, line 2: not an answer: expected an object"),
    ] {
        fs::write(dir.path().join("answers.jsonl"), text).unwrap();
        let output = run(dir.path(), &["-", "--answers", "answers.jsonl"], b"a,b\n1,2\n");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.code() == Some(2) && told.contains(message), "{told}");
    }
}

/// Hints name options that the command has.
#[test]
fn errors_of_the_state_say_what_this_command_can_do() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("mine")).unwrap();
    fs::write(dir.path().join("mine/thesis.tex"), "precious").unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    assert!(run(dir.path(), &["-", "--state", "state"], b"a,b\n1,2\n").status.success());
    for args in [["mine", "0.1"], ["file", "0.1"], ["state", "0.5"]] {
        let output = run(dir.path(), &["-", "--state", args[0], "--budget", args[1]], b"a,b\n1,2\n");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        // Where a file stands for the folder, there is no option to change but the place.
        let named = if args[0] == "file" { "choose another folder" } else { "--state" };
        assert!(!output.status.success() && told.contains(named), "{args:?}: {told}");
        assert!(!told.contains("--out") && !told.contains("--fresh"), "{args:?}: {told}");
    }
}
