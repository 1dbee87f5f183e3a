//! `external(command="…")`: programs as strategies, those that answer and those that do not.

// The ban on writing files is for the library; these are thrown away.
#![allow(clippy::disallowed_methods)]

use querist::data::{Matrix, RowId};
use querist::error::Exit;
use querist::pipeline::{Pipeline, RunOptions};
use querist::query::external::{ENTRY, ExternalError};
use querist::query::registry::{Card, Entry};
use querist::query::{PoolView, QueryError, Registry, Signals};
use querist::testing::{Contract, ExamplePool, Rule};
use querist::{Error, Key};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Answers with the last candidates.
const LAST: &str = r#"
IFS=,
while read -r question; do
    batch=${question#*\"batch\":}; candidates=${question#*\"candidates\":[}
    set -- ${candidates%%]*}
    shift $(($# - ${batch%%,*}))
    echo "{\"picks\":[$*]}"
done
"#;

fn script(text: &str) -> (TempDir, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("program");
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_string();
    (dir, path)
}

fn registry() -> Registry {
    Registry::builtin().with_programs()
}

fn asked(specification: &str) -> Result<Vec<RowId>, Error> {
    let pool = ExamplePool::new(20, 4, 1);
    registry().build(specification)?.select(&pool.view(), 3, Key::root(1))
}

/// What is said where a program's answer is refused.
fn refused(specification: &str) -> String {
    let error = asked(specification).unwrap_err();
    assert!(error.downcast_ref::<ExternalError>().is_some(), "{specification}: {error}");
    assert_eq!(error.exit(), Exit::BadInput);
    error.to_string()
}

#[test]
fn a_program_keeps_the_contract_but_for_ties() {
    let (_dir, program) = script(LAST);
    let example = format!("external(command=\"sh {program}\")").leak();
    let card = Card { example, deterministic: true, ..ENTRY.card };
    let registry = Registry::builtin().with(Entry { card, ..ENTRY }).unwrap();
    // The pool of the rule on threads is too large for a shell that reads it byte by byte; the bench below compares them.
    let contract = Contract::of(&registry, "external").unwrap();
    let contract = contract.except(Rule::Ties).except(Rule::Threads).cases(4);
    let broken: Vec<String> = contract.check().iter().map(ToString::to_string).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn other_answers_are_refused() {
    let echo = |line: &str| {
        let (dir, program) = script(&format!("read question\necho '{line}'\nread more\n"));
        (dir, format!("external(command=\"sh {program}\")"))
    };
    // Two rows that may be asked for.
    let pool = ExamplePool::new(20, 4, 1);
    let [RowId(a), RowId(b), ..] = pool.view().candidates() else { panic!("two candidates") };
    let (one, twice, strange) = (format!("[{a}]"), format!("[{a},{a},{b}]"), format!("[{a},{b},999]"));
    let again = format!("pick 1: {a} was picked before");
    let picks = |picks: &str| format!("{{\"picks\":{picks}}}");
    for (line, said) in [
        ("hello", "answered `hello`"),
        ("[1,2,3]", "answered `[1,2,3]`"),
        ("{\"picks\":[4,5,6],\"scores\":[]}", "unknown field `scores`"),
        (&picks(&one), "1 picks, expected 3"),
        (&picks(&twice), &again),
        (&picks(&strange), "pick 2 is 999, which is no candidate"),
        ("{\"error\":\"not today\"}", "says: not today"),
    ] {
        let (_dir, specification) = echo(line);
        let found = refused(&specification);
        assert!(found.contains(said), "{line}: {found}");
    }
    assert!(refused("external(command=\"./no-such-program\")").contains("cannot be started"));
    assert!(refused("external(command=\"true\")").contains("ended without an answer (exit status: 0)"));
    assert!(refused("external(command=\"false\")").contains("exit status: 1"));
}

/// Neither silence, nor a flood without an end, nor a program that does not read may hold a run up.
#[test]
fn nothing_hangs() {
    let started = Instant::now();
    let found = refused("external(command=\"sleep 600\",timeout=0.2)");
    assert!(found.contains("no answer within 0.2 seconds"), "{found}");
    assert!(refused("external(command=\"cat /dev/zero\",timeout=500)").contains("more than"));
    // A child of the program's own holds its output open.
    let (_dir, program) = script("read -r question\nsleep 600 &\nexit 3\n");
    assert!(refused(&format!("external(command=\"sh {program}\",timeout=0.5)")).contains("0.5 seconds"));
    // More than a pipe holds, and nobody reads it.
    let inputs = Matrix::zeros(5_000, 20);
    let candidates: Vec<RowId> = (0..5_000).map(RowId).collect();
    let signals = Signals::default();
    let view = PoolView::new(inputs.view(), &[], &[], &candidates, 1, &signals);
    let deaf = "external(command=\"sleep 600\",timeout=0.2,probabilities=false,labels=false)";
    let error = registry().build(deaf).unwrap().select(&view, 1, Key::root(0)).unwrap_err();
    assert!(error.to_string().contains("no answer"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(590));
}

#[test]
fn what_it_needs_is_said_and_may_be_less() {
    let build = |text: &str| registry().build(text).err().expect("refused");
    for text in ["external", "external(command=\" \")", "external(command=\"x\",timeout=0)"] {
        let error = build(text);
        assert!(matches!(error.downcast_ref(), Some(QueryError::Value { .. })), "{text}: {error}");
    }
    let needs = registry().build("external(command=\"x\",probabilities=false,labels=false)").unwrap().needs();
    assert!(needs.inputs && !needs.probabilities && !needs.labels);
    // What is not asked for, by its name, does not run programs.
    assert!(Registry::builtin().build("external(command=\"x\")").is_err());
    let (_dir, program) = script(LAST);
    let capped = format!("capped(external(command=\"sh {program}\"),candidates=5)");
    assert_eq!(asked(&capped).unwrap().len(), 3);
}

/// The rows of a run with a program are those of any other: the same for any number of threads.
#[test]
fn a_bench_gives_the_same_rows_on_one_thread_and_on_two() {
    let (dir, program) = script(LAST);
    let plan = format!(
        r#"
        name = "external"
        [learner]
        hidden = [8]
        [episode]
        query_size = 3
        rounds = 3
        [transfer]
        targets = ["iris"]
        strategies = ["random", 'external(command="sh {program}")']
        repetitions = 3
        "#
    );
    let run = |name: &str, jobs: usize| {
        let pipeline = Pipeline::setup().registry(registry()).parse(&plan).unwrap();
        let finished = pipeline.run(dir.path().join(name), &RunOptions::default().jobs(jobs)).unwrap();
        assert!(finished.failures().is_empty(), "{:?}", finished.failures());
        assert!(finished.report(false).unwrap().is_file());
        finished
    };
    let (one, two) = (run("one", 1), run("two", 2));
    assert_eq!(one.rows(), two.rows());
    let label = format!("external(command=\"sh {program}\")");
    assert_eq!(one.rows().iter().filter(|row| row.strategy == label).count(), 12);
}

/// Asks a program that never answers, in a process that the test below kills.
#[test]
#[ignore = "run by the test of a killed process"]
fn an_episode_that_does_not_end() {
    if let Ok(program) = std::env::var("QUERIST_TEST_PROGRAM") {
        let _ = asked(&format!("external(command=\"sh {program}\",timeout=500)"));
    }
}

/// Whether the process runs; one that nobody has waited for does not.
#[cfg(target_os = "linux")]
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}

#[cfg(target_os = "linux")]
#[test]
fn a_program_dies_with_the_process_that_asks_it() {
    let within = |wait: &dyn Fn() -> bool| {
        (0..3_000).any(|_| {
            std::thread::sleep(Duration::from_millis(10));
            wait()
        })
    };
    let (dir, program) = script("echo $$ > \"$0.pid\"\nexec sleep 600\n");
    let mut asking = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["an_episode_that_does_not_end", "--exact", "--ignored"])
        .env("QUERIST_TEST_PROGRAM", &program)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let pid = || std::fs::read_to_string(dir.path().join("program.pid")).unwrap_or_default();
    let started = within(&|| pid().ends_with('\n'));
    let alive = runs(pid().trim());
    asking.kill().unwrap();
    asking.wait().unwrap();
    assert!(started && alive);
    assert!(within(&|| !runs(pid().trim())), "{} lives on", pid());
}

/// The program belongs to the episode, not to the thread that asked first.
#[test]
fn a_program_outlives_the_thread_that_started_it() {
    let (_dir, program) = script(LAST);
    let mut strategy = registry().build(&format!("external(command=\"sh {program}\")")).unwrap();
    for _ in 0..3 {
        let asked = std::thread::spawn(move || {
            let pool = ExamplePool::new(20, 4, 1);
            let picks = strategy.select(&pool.view(), 3, Key::root(1)).unwrap();
            (strategy, picks)
        });
        let (back, picks) = asked.join().unwrap();
        assert_eq!(picks.len(), 3);
        strategy = back;
        std::thread::sleep(Duration::from_millis(50));
    }
}
