//! Sessions that collect numbers, sets of labels or masks: from the pool to exported labels on the command line, what is refused, and that rows
//! follow from the answers alone.

#![allow(clippy::disallowed_methods)]

#[allow(dead_code)]
#[path = "hostile_files/make.rs"]
mod make;

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use proptest::prelude::*;
use querist::Key;
use querist::data::TargetKind;
use querist::query::Registry;
use querist::session::{Answer, Chooser, Price, Session, SessionError, SessionPlan};
use rand::seq::SliceRandom;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// What a command has written to a folder, by name; the list of it is hidden.
fn pictures(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn querist(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command.current_dir(dir).env_remove("QUERIST_DATA").env("NO_COLOR", "1").args(args);
    command
}

fn done(dir: &Path, args: &[&str]) -> String {
    let output = querist(dir, args).assert().success().get_output().stdout.clone();
    String::from_utf8(output).unwrap()
}

fn json(dir: &Path, args: &[&str]) -> Value {
    serde_json::from_str(&done(dir, &[args, &["--json"]].concat())).unwrap()
}

fn refused(dir: &Path, args: &[&str], expected: &str) {
    querist(dir, args).assert().code(2).stdout("").stderr(predicate::str::contains(expected));
}

/// A pool without labels, what is collected of it, and the answer to every row.
struct Case {
    kind: TargetKind,
    pool: PathBuf,
    classes: Vec<String>,
    answers: Vec<String>,
}

impl Case {
    fn plan(&self, strategy: Option<&str>, seed: u64) -> SessionPlan {
        let mut plan =
            SessionPlan { classes: self.classes.clone(), seed, batch: 5, ..SessionPlan::new(&self.pool) };
        plan.read.columns.task = self.kind;
        if let Some(strategy) = strategy {
            plan.chooser = Chooser::Strategy(strategy.into());
        }
        plan
    }
}

/// 442 patients: ten numbers each, and how their disease progressed.
fn diabetes(folder: &Path) -> Case {
    let text =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/data/regression/diabetes.csv")).unwrap();
    let (inputs, answers): (Vec<&str>, Vec<String>) =
        text.lines().map(|line| line.rsplit_once(',').unwrap()).map(|(x, y)| (x, y.to_string())).unzip();
    let pool = folder.join("patients.csv");
    fs::write(&pool, inputs.join("\n")).unwrap();
    Case { kind: TargetKind::Real, pool, classes: Vec::new(), answers: answers[1..].to_vec() }
}

/// 90 points of a plane with any of three labels, or none.
fn items(folder: &Path) -> Case {
    let point = |row: usize| [((row * 37) % 60) as f64 / 30.0 - 1.0, ((row * 23) % 59) as f64 / 30.0 - 1.0];
    let labels = |row: usize| {
        let [x, y] = point(row);
        let held = [("red", x > 0.0), ("round", y > 0.3), ("a small one", x + y < -0.4)];
        let held: Vec<&str> = held.into_iter().filter(|(_, held)| *held).map(|(name, _)| name).collect();
        if held.is_empty() { ";".to_string() } else { held.join(";") }
    };
    let pool = folder.join("items.csv");
    let lines: String = (0..90).map(|row| format!("i{row},{},{}\n", point(row)[0], point(row)[1])).collect();
    fs::write(&pool, format!("name,x,y\n{lines}")).unwrap();
    let classes = ["red", "round", "a small one"].map(String::from).to_vec();
    Case { kind: TargetKind::MultiLabel, pool, classes, answers: (0..90).map(labels).collect() }
}

/// Answers truthfully as many batches, each by a session of its own; the rows in the order in which they were asked for.
fn course(dir: &Path, case: &Case, batches: usize, tell: impl Fn(&mut Session, Vec<Answer>)) -> Vec<usize> {
    let mut rows = Vec::new();
    for _ in 0..batches {
        let mut session = Session::open(dir).unwrap();
        let asked: Vec<usize> = session.ask(5).unwrap().rows.iter().map(|one| one.row).collect();
        let answers = asked.iter().map(|&row| Answer::new(row, &case.answers[row])).collect();
        tell(&mut session, answers);
        rows.extend(asked);
    }
    rows
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, failure_persistence: None, ..ProptestConfig::default() })]

    /// The same pool, settings, seed and answers give the same rows: in whatever order the answers of a batch come, one by one or together, revised
    /// in between or not, and whether the session is opened anew.
    #[test]
    fn rows_follow_from_the_answers_and_not_from_their_order(seed in 0u64..1000, policy in any::<bool>(), sets in any::<bool>()) {
        let folder = tempfile::tempdir().unwrap();
        let case = if sets { items(folder.path()) } else { diabetes(folder.path()) };
        let strategy = if sets { "by_label(margin)" } else { "igs" };
        let plan = || case.plan((!policy).then_some(strategy), seed);
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        Session::create(&one, plan()).unwrap();
        Session::create(&other, plan()).unwrap();
        let together = course(&one, &case, 5, |session, answers| {
            session.tell(&answers).unwrap();
        });
        let shuffled = course(&other, &case, 5, |session, mut answers| {
            answers.shuffle(&mut Key::root(seed).rng());
            session.tell(&[Answer { verdict: querist::session::Verdict::of("?"), ..answers[0].clone() }]).unwrap();
            answers.iter().for_each(|answer| {
                session.tell(std::slice::from_ref(answer)).unwrap();
            });
        });
        prop_assert_eq!(together, shuffled);
    }
}

/// Whatever serves numbers, or sets, asks by labels, beside rows that somebody else has in hand; what cannot is refused when the session is made.
#[test]
fn every_strategy_that_serves_asks_or_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::builtin();
    for case in [diabetes(folder.path()), items(folder.path())] {
        let mut asked = 0;
        for entry in registry.entries() {
            let name = entry.card.example;
            if !registry.build(name).unwrap().kinds().serve(case.kind) {
                continue;
            }
            let dir = folder.path().join(format!("{} {name}", case.kind));
            if let Err(error) = Session::create(&dir, case.plan(Some(name), 1)) {
                assert!(matches!(error.downcast_ref(), Some(SessionError::Unfit { .. })), "{name}: {error}");
                assert!(!dir.exists(), "{name}");
                continue;
            }
            let known = course(&dir, &case, 2, |session, answers| {
                session.tell(&answers).unwrap();
            });
            let mut session = Session::open(&dir).unwrap();
            let mut rows = known;
            for who in ["me", "bob"] {
                let asking = session.ask_as(who, 5).unwrap();
                assert!(
                    asking.rows.iter().all(|one| one.by == name && one.predicted.is_some()),
                    "{asking:?}"
                );
                rows.extend(asking.rows.iter().map(|one| one.row));
            }
            rows.sort_unstable();
            rows.dedup();
            assert_eq!(rows.len(), 20, "{name}");
            asked += 1;
        }
        assert!(asked >= 8, "{asked} strategies of {}", case.kind);
    }
}

/// What was asked for in CSV, filled in.
fn filled(dir: &Path, asked: &str, case: &Case) {
    let text = fs::read_to_string(dir.join(asked)).unwrap();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let mut lines = vec!["row,label".to_string()];
    for record in reader.records() {
        let row: usize = record.unwrap()[0].parse().unwrap();
        lines.push(format!("{row},{}", case.answers[row]));
    }
    fs::write(dir.join("answers.csv"), lines.join("\n") + "\n").unwrap();
}

/// Asks for and answers so many batches on the command line.
fn labelled(dir: &Path, session: &str, case: &Case, batches: usize) {
    for _ in 0..batches {
        querist(dir, &["session", "ask", session, "--csv", "asked.csv", "--force"]).assert().success();
        filled(dir, "asked.csv", case);
        done(dir, &["session", "tell", session, "answers.csv"]);
    }
}

#[test]
fn numbers_from_the_pool_to_a_table_that_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, case) = (folder.path(), diabetes(folder.path()));
    let new = ["session", "new", "s", "--pool", "patients.csv", "--task", "regression", "--budget", "40"];
    done(dir, &new);
    // A decimal, once more and then anew; an abstention and a row that nobody can answer.
    done(dir, &["session", "tell", "s", "--row", "17=3.40", "--row", "18=-", "--row", "19=?"]);
    assert!(
        done(dir, &["session", "tell", "s", "--row", "17=3.4"])
            .starts_with("0 new answers, 0 revised, 1 known")
    );
    let truth = format!("17={}", case.answers[17]);
    assert!(done(dir, &["session", "tell", "s", "--row", &truth]).starts_with("0 new answers, 1 revised"));
    labelled(dir, "s", &case, 4);
    let status = json(dir, &["session", "status", "s"]);
    assert_eq!((&status["task"], &status["score"]["metric"]), (&"regression".into(), &"nrmse".into()));
    assert_eq!(status["score"]["judged"], 40);
    let [low, high] = [0, 1].map(|at| status["score"]["interval"][at].as_f64().unwrap());
    let score = status["score"]["score"].as_f64().unwrap();
    assert!(low < score && score < high && high < 1.0, "{status}");
    let said = done(dir, &["session", "status", "s"]);
    assert!(
        said.contains("1 − nRMSE") && said.contains("rules to stop") && said.contains("budget"),
        "{said}"
    );
    assert!(!said.contains("classes      "), "{said}");
    done(dir, &["session", "predict", "s", "--out", "all.csv"]);
    let predicted = fs::read_to_string(dir.join("all.csv")).unwrap();
    assert!(predicted.starts_with("row,predicted\n0,") && predicted.lines().count() == 443, "{predicted}");
    done(dir, &["session", "export", "s", "--out", "labels.csv"]);
    let described =
        done(dir, &["data", "describe", "labels.csv", "--task", "regression", "--label", "label"]);
    assert!(described.contains("40"), "{described}");
    let exported = fs::read_to_string(dir.join("labels.csv")).unwrap();
    assert!(exported.starts_with("row,label,answers,batch,"), "{exported}");
    assert!(exported.contains(&format!("\n17,{},me={},", case.answers[17], case.answers[17])), "{exported}");
    // What is exported is told again as it stands.
    done(dir, &[&new[..2], &["again"], &new[3..]].concat());
    assert!(done(dir, &["session", "tell", "again", "labels.csv"]).starts_with("40 new answers"));
    assert_eq!(json(dir, &["session", "status", "again"])["score"]["judged"], 40);
}

/// Networks learn from 32 bits; what was answered, or stood in the pool, is kept as it was.
#[test]
fn numbers_keep_their_digits() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    fs::write(dir.join("pool.csv"), "x,z\n1,1234.56789012\n2,0.1\n3,\n4,\n5,\n").unwrap();
    done(dir, &["session", "new", "s", "--pool", "pool.csv", "--task", "regression", "--label", "z"]);
    done(dir, &["session", "tell", "s", "--row", "2=16777217"]);
    for (who, number) in [("ann", "16777217"), ("bob", "16777219")] {
        done(dir, &["session", "tell", "s", "--row", &format!("3={number}"), "--annotator", who]);
    }
    done(dir, &["session", "export", "s", "--out", "labels.csv"]);
    let exported = fs::read_to_string(dir.join("labels.csv")).unwrap();
    for line in ["0,1234.56789012,", "1,0.1,", "2,16777217,", "3,16777218,ann=16777217 bob=16777219"] {
        assert!(exported.contains(&format!("\n{line}")), "{exported}");
    }
    assert!(done(dir, &["session", "tell", "s", "--row", "2=16777217.0"]).contains("1 known"));
}

/// What somebody answers takes the place of what the pool came with; their mean would be nobody's answer.
#[test]
fn answers_take_the_place_of_the_pools() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    fs::write(dir.join("pool.csv"), "x,z\n1,10\n2,5\n3,\n").unwrap();
    done(dir, &["session", "new", "s", "--pool", "pool.csv", "--task", "regression", "--label", "z"]);
    done(dir, &["session", "tell", "s", "--row", "0=20", "--row", "1=-"]);
    done(dir, &["session", "export", "s", "--out", "labels.csv"]);
    let exported = fs::read_to_string(dir.join("labels.csv")).unwrap();
    assert!(exported.contains("\n0,20,(pool)=10 me=20,") && exported.contains("\n1,5,"), "{exported}");
}

/// Times of a day, say, are all alike in 32 bits.
#[test]
fn numbers_that_32_bits_do_not_tell_apart_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let table = |of: &dyn Fn(u64) -> u64| -> String {
        let line = |row: u64| format!("{},{}\n", row % 7, of(row));
        format!("x,z\n{}", (0..60).map(line).collect::<String>())
    };
    fs::write(dir.join("seconds.csv"), table(&|row| 1_700_000_000 + row)).unwrap();
    fs::write(dir.join("days.csv"), table(&|row| 1_700_000_000 + 86_400 * row)).unwrap();
    let new =
        |pool: &'static str| ["session", "new", "s", "--pool", pool, "--task", "regression", "--label", "z"];
    refused(dir, &new("seconds.csv"), "from 1700000000 to 1700000059");
    assert!(!dir.join("s").exists());
    let described = ["data", "describe", "days.csv", "--task", "regression", "--label", "z"];
    done(dir, &described);
}

/// None of several columns of labels is shown to those who label, or stands in the export beside the labels.
#[test]
fn no_column_of_labels_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    fs::write(dir.join("pool.csv"), "x,red,round\n1,0,1\n2,1,0\n3,,\n4,,\n").unwrap();
    let new = ["session", "new", "s", "--pool", "pool.csv", "--task", "multi_label", "--label", "red,round"];
    done(dir, &new);
    done(dir, &["session", "ask", "s", "--csv", "ask.csv"]);
    let asked = fs::read_to_string(dir.join("ask.csv")).unwrap();
    assert!(asked.lines().next().unwrap().contains(",x") && !asked.contains("round"), "{asked}");
    done(dir, &["session", "export", "s", "--out", "labels.csv"]);
    let exported = fs::read_to_string(dir.join("labels.csv")).unwrap();
    assert!(exported.starts_with("row,label,confidence,answers,batch,x\n"), "{exported}");
}

#[test]
fn sets_of_labels_from_the_pool_to_a_table_that_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let (dir, case) = (folder.path(), items(folder.path()));
    let classes = "red,round,a small one";
    let new = [
        "session",
        "new",
        "s",
        "--pool",
        "items.csv",
        "--id",
        "name",
        "--task",
        "multi_label",
        "--classes",
        classes,
    ];
    done(dir, &new);
    done(dir, &["session", "tell", "s", "--row", "0=round; red", "--row", "1=;"]);
    labelled(dir, "s", &case, 4);
    let status = json(dir, &["session", "status", "s"]);
    assert_eq!(
        (&status["task"], &status["score"]["metric"]),
        (&"multi_label".into(), &"label_macro_f1".into())
    );
    assert!(status["score"]["score"].as_f64().unwrap() > 0.5, "{status}");
    assert_eq!(status["counts"]["classes"][2][0], "a small one");
    done(dir, &["session", "predict", "s", "--out", "all.csv"]);
    let predicted = fs::read_to_string(dir.join("all.csv")).unwrap();
    assert!(predicted.starts_with("row,id,predicted,p(red),p(round),p(a small one)\n0,i0,"), "{predicted}");
    // No set is written as nothing, which would be a row without an answer: what is predicted is read, and told, as it stands.
    let sets: Vec<&str> = predicted.lines().skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
    assert!(sets.iter().all(|set| !set.is_empty()) && sets.contains(&";"), "{predicted}");
    let read = ["--task", "multi_label", "--label", "predicted", "--label-separator", ";", "--id", "id"];
    assert!(!done(dir, &[&["data", "describe", "all.csv"][..], &read].concat()).contains("have no label"));
    let lines = sets.iter().enumerate().map(|(row, set)| format!("{row},{set}\n"));
    fs::write(dir.join("told.csv"), format!("row,label\n{}", lines.collect::<String>())).unwrap();
    done(dir, &[&new[..2], &["of_predictions"], &new[3..]].concat());
    assert!(done(dir, &["session", "tell", "of_predictions", "told.csv"]).starts_with("90 new answers"));
    done(dir, &["session", "export", "s", "--out", "labels.csv"]);
    let lists = ["--task", "multi_label", "--label", "label", "--label-separator", ";", "--id", "id"];
    let described = done(dir, &[&["data", "describe", "labels.csv"][..], &lists].concat());
    assert!(described.contains("42") && described.contains("a small one"), "{described}");
    let exported = fs::read_to_string(dir.join("labels.csv")).unwrap();
    assert!(exported.contains("\n1,i1,;,1,me=;,"), "{exported}");
    done(dir, &[&new[..2], &["again"], &new[3..]].concat());
    assert!(done(dir, &["session", "tell", "again", "labels.csv"]).starts_with("42 new answers"));
    // Where two disagree about a label, a third is asked; three come to what two of them say.
    let open = (0..90).find(|row| !exported.contains(&format!("\n{row},"))).unwrap();
    for (who, set) in [("ann", "round"), ("bob", "round;red")] {
        done(dir, &["session", "tell", "again", "--row", &format!("{open}={set}"), "--annotator", who]);
    }
    let asked = json(dir, &["session", "ask", "again", "--annotator", "eve"]);
    assert_eq!(asked["rows"][0]["row"], open, "{asked}");
    done(dir, &["session", "tell", "again", "--row", &format!("{open}=red"), "--annotator", "eve"]);
    done(dir, &["session", "export", "again", "--out", "more.csv"]);
    let more = fs::read_to_string(dir.join("more.csv")).unwrap();
    assert!(more.contains(&format!("\n{open},i{open},red;round,0.6666667,")), "{more}");
}

/// Labels that a pool has are its first answers, and its columns name the labels; a separator of one's own is heeded throughout.
#[test]
fn pools_come_with_numbers_and_sets() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let own = |row: usize, label: &str| {
        if row.is_multiple_of(4) { label.to_string() } else { ",".repeat(label.matches(',').count()) }
    };
    let table = |head: &str, of: &dyn Fn(usize) -> String| {
        let line = |row: usize| format!("{},{},{}\n", row * 37 % 60, row * 23 % 59, own(row, &of(row)));
        format!("x,y,{head}\n{}", (0..60).map(line).collect::<String>())
    };
    fs::write(dir.join("z.csv"), table("z", &|row| format!("{}.5", row * 37 % 60))).unwrap();
    let truth = |on: bool| u8::from(on);
    let sets = |row: usize| format!("{},{}", truth(row * 37 % 60 > 30), truth(row * 23 % 59 > 20));
    fs::write(dir.join("sets.csv"), table("red,round", &sets)).unwrap();
    done(dir, &["session", "new", "z", "--pool", "z.csv", "--task", "regression", "--label", "z"]);
    let counts = |session: &str| json(dir, &["session", "status", session])["counts"].clone();
    assert_eq!((&counts("z")["labelled"], &counts("z")["bought"]), (&15.into(), &0.into()));
    let sets = [
        "session",
        "new",
        "sets",
        "--pool",
        "sets.csv",
        "--task",
        "multi_label",
        "--label",
        "red,round",
        "--label-separator",
        "|",
    ];
    done(dir, &sets);
    assert_eq!(
        (&counts("sets")["labelled"], &counts("sets")["classes"][1][0]),
        (&15.into(), &"round".into())
    );
    done(dir, &["session", "tell", "sets", "--row", "1=red|round", "--row", "2=|"]);
    refused(
        dir,
        &["session", "tell", "sets", "--row", "3=red;round"],
        "label \"red;round\" is none of the 2 labels",
    );
    let asked = json(dir, &["session", "ask", "sets", "--batch", "3"]);
    assert!(asked["rows"][0]["predicted"][1].is_null(), "{asked}");
    done(dir, &["session", "predict", "sets", "--out", "sets_out.csv"]);
    let predicted = fs::read_to_string(dir.join("sets_out.csv")).unwrap();
    let set = |line: &str| ["red|round", "red", "round", "|"].contains(&line.split(',').nth(1).unwrap());
    assert!(predicted.lines().skip(1).all(set), "{predicted}");
    let settings = fs::read_to_string(dir.join("sets/session.json")).unwrap();
    assert!(
        settings.contains("\"label_separator\": \"|\"") && settings.contains("\"task\": \"multi_label\"")
    );
}

/// In a column of lists the separator alone is a row without labels, and an empty field one to be asked for.
#[test]
fn pools_come_with_lists_of_labels() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let list = |row: usize| match row % 4 {
        0 => "",
        1 => "|",
        2 => "red|round",
        _ => "round",
    };
    let line = |row: usize| format!("{},{},{}\n", row * 37 % 60, row * 23 % 59, list(row));
    fs::write(dir.join("lists.csv"), format!("x,y,tags\n{}", (0..60).map(line).collect::<String>())).unwrap();
    let new = ["session", "new", "s", "--pool", "lists.csv", "--task", "multi_label", "--label", "tags"];
    refused(dir, &new, "--label-separator says what stands between them");
    assert!(!dir.join("s").exists());
    done(dir, &[&new[..], &["--label-separator", "|"]].concat());
    let counts = json(dir, &["session", "status", "s"])["counts"].clone();
    assert_eq!(
        (&counts["labelled"], &counts["classes"]),
        (&45.into(), &serde_json::json!([["red", 15], ["round", 30]]))
    );
    let asked = json(dir, &["session", "ask", "s", "--batch", "15"]);
    let rows = asked["rows"].as_array().unwrap();
    assert!(rows.len() == 15 && rows.iter().all(|row| row["row"].as_u64().unwrap() % 4 == 0), "{asked}");
    done(dir, &["session", "tell", "s", "--row", "0=red|round", "--row", "4=|"]);
    // As data, rows with an empty field are those without a label.
    let read = ["data", "describe", "lists.csv", "--task", "multi_label", "--label", "tags"];
    let described = done(dir, &[&read[..], &["--label-separator", "|"]].concat());
    assert!(described.contains("15 of 60 rows have no label"), "{described}");
    refused(
        dir,
        &[
            "data",
            "describe",
            "lists.csv",
            "--task",
            "multi_label",
            "--label",
            "x,y",
            "--label-separator",
            "|",
        ],
        "leave out --label-separator where every label has a column",
    );
}

#[test]
fn what_is_no_answer_is_refused_with_its_place_and_nothing_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let (numbers, sets) = (diabetes(dir), items(dir));
    Session::create(&dir.join("numbers"), numbers.plan(None, 0)).unwrap();
    Session::create(&dir.join("sets"), sets.plan(None, 0)).unwrap();
    for (session, label, expected) in [
        ("numbers", "nan", "line 3: \"nan\" is not a finite number"),
        ("numbers", "inf", "line 3: \"inf\" is not a finite number"),
        ("numbers", "high", "line 3: \"high\" is not a finite number"),
        ("numbers", "1e39", "is not a number from -3402823"),
        ("numbers", "\"3,4\"", "\"3,4\" is not a finite number"),
        ("sets", "red;blue", "line 3: label \"blue\" is none of the 3 labels of this session"),
        ("sets", "red;rond", "did you mean \"round\"?"),
        ("sets", "red;?", "\"?\" is not a class"),
    ] {
        let journal = dir.join(session).join("journal");
        let before = fs::read(&journal).unwrap();
        let good = if session == "sets" { "red" } else { "7" };
        fs::write(dir.join("bad.csv"), format!("row,label\n1,{good}\n2,{label}\n")).unwrap();
        refused(dir, &["session", "tell", session, "bad.csv"], expected);
        assert_eq!(fs::read(&journal).unwrap(), before, "{label}");
    }
    // Nothing to learn from yet, and then labels that are all alike.
    refused(
        dir,
        &["session", "predict", "numbers", "--out", "n.csv"],
        "the answers hold 0 different numbers, at least 2",
    );
    done(dir, &["session", "tell", "numbers", "--row", "1=7", "--row", "2=7.0"]);
    refused(
        dir,
        &["session", "predict", "numbers", "--out", "n.csv"],
        "the answers hold 1 different numbers, at least 2",
    );
    assert!(!dir.join("n.csv").exists());
    // Other programs exchange classes.
    let before = fs::read(dir.join("sets/journal")).unwrap();
    fs::write(dir.join("a.json"), "[]").unwrap();
    for args in [
        &["ask", "sets", "--label-studio", "t.json"][..],
        &["ask", "sets", "--prodigy", "t.jsonl"],
        &["tell", "sets", "a.json"],
        &["export", "sets", "--format", "label-studio", "--out", "t.json"],
        &["serve", "sets", "--label-studio"],
    ] {
        refused(
            dir,
            &[&["session"], args].concat(),
            "only where classes are collected, and this session collects sets of labels",
        );
    }
    assert!(fs::read(dir.join("sets/journal")).unwrap() == before && !dir.join("t.json").exists());
}

#[test]
fn what_decides_nothing_of_a_kind_is_refused_when_a_session_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    diabetes(dir);
    items(dir);
    let numbers = ["--pool", "patients.csv", "--task", "regression"];
    let sets = ["--pool", "items.csv", "--id", "name", "--task", "multi_label", "--classes", "red,round"];
    for (base, more, expected) in [
        (&numbers[..], &["--classes", "a,b"][..], "they have no names, and numbers are collected"),
        (&numbers, &["--search", "local"], "networks are searched for among classifiers"),
        (&numbers, &["--price", "a=1,b=2"], "a column of the pool, as numbers are collected"),
        (&numbers, &["--label-separator", ";"], "it stands between labels, and numbers are collected"),
        (&numbers, &["--strategy", "margin"], "does not serve regression"),
        (&numbers, &["--strategy", "greedy_oracle"], "does not serve regression"),
        (&numbers, &["--start", "igs"], "is to choose before there is any label"),
        (&sets, &["--strategy", "igs"], "does not serve multi_label"),
        (&sets, &["--strategy", "tailor(badge,random)"], "learns from query to query"),
        (&sets, &["--price", "red=1,round=2"], "a column of the pool, as sets of labels are collected"),
        (&sets, &["--label-separator", "o"], "labels without \"o\""),
        (&sets, &["--label-separator", " "], "neither blanks alone"),
        (&sets[..6], &[], "the labels that rows may have"),
        (&["--pool", "items.csv", "--task", "segmentation"], &[], "which this format does not have"),
    ] {
        refused(dir, &[&["session", "new", "s"], base, more].concat(), expected);
        assert!(!dir.join("s").exists(), "{more:?}");
    }
    let error = Session::create(&dir.join("s"), {
        let mut plan = SessionPlan {
            price: Some(Price::Classes([("a".to_string(), 1.0)].into())),
            ..SessionPlan::new(dir.join("patients.csv"))
        };
        plan.read.columns.task = TargetKind::Real;
        plan
    });
    assert!(matches!(error.err().unwrap().downcast_ref(), Some(SessionError::Setting { name: "price", .. })));
}

/// Twelve images of 16 x 16 pixels with a dark square, and their masks in a folder beside.
fn tissue(dir: &Path, images: u32) {
    for folder in ["tissue", "truth"] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    for at in 0..images {
        let inside = move |x: u32, y: u32| (x + at) % 16 < 8 && y < 8;
        let shade = |on: bool, dark: u8, light: u8| image::Luma([if on { dark } else { light }]);
        let picture = image::GrayImage::from_fn(16, 16, |x, y| shade(inside(x, y), 60, 180));
        picture.save(dir.join(format!("tissue/i{at}.jpg"))).unwrap();
        let mask = image::GrayImage::from_fn(16, 16, |x, y| shade(inside(x, y), 255, 0));
        mask.save(dir.join(format!("truth/i{at}.png"))).unwrap();
    }
}

#[test]
fn masks_are_told_as_folders_and_exported_as_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    tissue(dir, 12);
    let new = [
        "session",
        "new",
        "s",
        "--pool",
        "tissue",
        "--task",
        "segmentation",
        "--initial",
        "3",
        "--batch",
        "5",
    ];
    done(dir, &new);
    let ask = |count: &str| -> Vec<String> {
        let asked = json(dir, &["session", "ask", "s", "--batch", count]);
        let rows = asked["rows"].as_array().unwrap();
        assert!(rows.iter().all(|row| row["predicted"].is_null() && row["picture"] == true), "{asked}");
        rows.iter().map(|row| row["id"].as_str().unwrap().to_string()).collect()
    };
    // Half of the images, outlined elsewhere, then the rest of what is asked for.
    for batch in 0..2 {
        fs::create_dir(dir.join("outlined")).unwrap();
        for name in ask("5") {
            let name = format!("{name}.png");
            fs::copy(dir.join("truth").join(&name), dir.join("outlined").join(&name)).unwrap();
        }
        assert!(
            done(dir, &["session", "tell", "s", "outlined"]).starts_with("5 new answers"),
            "batch {batch}"
        );
        fs::rename(dir.join("outlined"), dir.join(format!("outlined{batch}"))).unwrap();
    }
    let status = json(dir, &["session", "status", "s"]);
    assert_eq!((&status["task"], &status["score"]["metric"]), (&"segmentation".into(), &"dice".into()));
    assert!(status["score"]["score"].as_f64().unwrap() > 0.5, "{status}");
    let asked = json(dir, &["session", "ask", "s", "--batch", "2"]);
    assert!(asked["rows"][0]["reason"].as_str().unwrap().contains("% foreground predicted"), "{asked}");
    done(dir, &["session", "predict", "s", "--out", "predicted"]);
    assert_eq!(pictures(&dir.join("predicted")).len(), 12);
    done(dir, &["session", "export", "s", "--out", "masks"]);
    let names = pictures(&dir.join("masks"));
    assert_eq!(names.len(), 10);
    for name in &names {
        let pixels = |folder: &str| image::open(dir.join(folder).join(name)).unwrap().into_luma8().into_raw();
        assert_eq!(pixels("masks"), pixels("truth"), "{name:?}");
    }
    // The exported masks beside the images are a data set that `select --from` and `fit` read, and answers to another session.
    fs::create_dir(dir.join("set")).unwrap();
    fs::rename(dir.join("tissue"), dir.join("set/images")).unwrap();
    fs::rename(dir.join("masks"), dir.join("set/masks")).unwrap();
    let next =
        ["select", "--from", "./set", "--task", "segmentation", "--strategy", "k_center", "--batch", "2"];
    assert_eq!(json(dir, &next)["labelled"], 10);
    done(dir, &["session", "new", "again", "--pool", "set", "--task", "segmentation"]);
    assert_eq!(json(dir, &["session", "status", "again"])["counts"]["labelled"], 10);
    // Nothing is written into the session, nor over what is there.
    refused(dir, &["session", "predict", "s", "--out", "s/new"], "which is read");
    refused(dir, &["session", "predict", "s", "--out", "predicted"], "exists");
    // With --force, too, a picture that somebody has corrected stays.
    let corrected = dir.join("predicted").join(&pictures(&dir.join("predicted"))[0]);
    fs::write(&corrected, b"corrected by hand").unwrap();
    refused(
        dir,
        &["session", "predict", "s", "--out", "predicted", "--force"],
        "no command has written it as it is",
    );
    assert_eq!(fs::read(&corrected).unwrap(), b"corrected by hand");
    fs::remove_file(&corrected).unwrap();
    // Neither does a mask take the place of an image that it is called as.
    let image = dir.join("set/images").join(&pictures(&dir.join("set/images"))[0]);
    let before = fs::read(&image).unwrap();
    for what in ["predict", "export"] {
        refused(dir, &["session", what, "s", "--out", "set/images", "--force"], "no command has written");
    }
    assert_eq!(fs::read(&image).unwrap(), before);
    done(dir, &["session", "predict", "s", "--out", "predicted", "--force"]);
    // Nor of a file that somebody has put beside its pictures.
    done(dir, &["session", "export", "s", "--out", "masks"]);
    let open = (0..12).map(|at| format!("i{at}.png")).find(|name| !names.contains(name)).unwrap();
    fs::create_dir(dir.join("one")).unwrap();
    fs::copy(dir.join("truth").join(&open), dir.join("one").join(&open)).unwrap();
    done(dir, &["session", "tell", "s", "one"]);
    // Both somebody's own picture and a changed one of the program's.
    let export = ["session", "export", "s", "--out", "masks", "--force"];
    for (name, text) in [(&open, "mine"), (&names[0], "changed")] {
        let picture = dir.join("masks").join(name);
        let before = fs::read(&picture).ok();
        fs::write(&picture, text).unwrap();
        refused(dir, &export, &format!("masks/{name}: exists, and no command has written it"));
        assert_eq!(fs::read_to_string(&picture).unwrap(), text, "nothing is written");
        match before {
            Some(bytes) => fs::write(&picture, bytes).unwrap(),
            None => fs::remove_file(&picture).unwrap(),
        }
    }
    done(dir, &export);
    assert_eq!(pictures(&dir.join("masks")).len(), 11);
    refused(
        dir,
        &["session", "predict", "s", "--out", "p", "--format", "csv"],
        "masks are pictures in the folder of --out",
    );
}

/// A folder of masks that is not there was once left out without a word.
#[test]
fn folders_of_masks_that_hold_none_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    tissue(dir, 12);
    for name in ["set", "set/empty", "set/strange"] {
        fs::create_dir(dir.join(name)).unwrap();
    }
    fs::copy(dir.join("truth/i1.png"), dir.join("set/strange/other.png")).unwrap();
    // A folder of images alone has no place for masks.
    let new =
        |pool, label| ["session", "new", "s", "--pool", pool, "--task", "segmentation", "--label", label];
    for label in ["nowhere", "truth"] {
        refused(dir, &new("tissue", label), &format!("tissue: `--label {label}` named"));
    }
    fs::rename(dir.join("tissue"), dir.join("set/images")).unwrap();
    fs::rename(dir.join("truth"), dir.join("set/truth")).unwrap();
    refused(dir, &new("set", "nowhere"), "set/nowhere: no folder that holds pictures");
    refused(dir, &new("set", "empty"), "set/empty: no folder that holds pictures");
    refused(dir, &new("set", "strange"), "no image called \"other\"");
    assert!(!dir.join("s").exists());
    done(dir, &["session", "new", "s", "--pool", "set", "--task", "segmentation"]);
    for at in 2..12 {
        fs::remove_file(dir.join(format!("set/truth/i{at}.png"))).unwrap();
    }
    done(dir, &["session", "new", "t", "--pool", "set", "--task", "segmentation", "--label", "truth"]);
    assert_eq!(json(dir, &["session", "status", "t"])["counts"]["labelled"], 2);
}

/// In an archive images have no names: masks are told, and exported, by the numbers of the rows.
/// Fits of many images take long, so that one part of their masks is judged; with fewer, every part.
#[test]
fn of_many_masks_a_part_is_judged() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    tissue(dir, 103);
    done(dir, &["session", "new", "s", "--pool", "tissue", "--task", "segmentation"]);
    for at in 0..2 {
        fs::remove_file(dir.join(format!("truth/i{at}.png"))).unwrap();
    }
    done(dir, &["session", "tell", "s", "truth"]);
    let score = json(dir, &["session", "status", "s"])["score"].clone();
    assert_eq!(score["judged"], 21, "a fifth of 101");
    assert!(score["score"].as_f64().unwrap() > 0.5, "{score}");
    done(dir, &["session", "tell", "s", "--row", "2=-", "--row", "3=-"]);
    assert_eq!(json(dir, &["session", "status", "s"])["score"]["judged"], 99);
}

#[test]
fn masks_of_images_without_names_go_by_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    tissue(dir, 12);
    // The same pictures as an array.
    let pictures: Vec<Vec<u8>> = (0..12)
        .map(|at| image::open(dir.join(format!("tissue/i{at}.jpg"))).unwrap().into_luma8().into_raw())
        .collect();
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (12, 16, 16), }";
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    let padded = (10 + header.len() + 1).next_multiple_of(64) - 10;
    bytes.extend((padded as u16).to_le_bytes());
    bytes.extend(format!("{header:<width$}\n", width = padded - 1).into_bytes());
    bytes.extend(pictures.concat());
    fs::write(dir.join("tissue.npy"), bytes).unwrap();
    done(dir, &["session", "new", "s", "--pool", "tissue.npy", "--task", "segmentation"]);
    fs::create_dir(dir.join("told")).unwrap();
    for row in [3, 7] {
        fs::copy(dir.join(format!("truth/i{row}.png")), dir.join(format!("told/{row}.png"))).unwrap();
    }
    assert!(done(dir, &["session", "tell", "s", "told"]).starts_with("2 new answers"));
    done(dir, &["session", "export", "s", "--out", "masks"]);
    assert!(dir.join("masks/3.png").is_file() && dir.join("masks/7.png").is_file());
    assert!(done(dir, &["session", "tell", "s", "masks"]).starts_with("0 new answers, 0 revised, 2 known"));
    refused(dir, &["session", "tell", "s", "truth"], "\"i0\" is not a row's number");
    // As a library, masks are texts.
    let mut session = Session::open(&dir.join("s")).unwrap();
    let predictions = session.predict().unwrap();
    assert!(predictions.of(0).0.starts_with("16x16 "), "{:?}", predictions.of(0));
    assert_eq!(predictions.table().rows(), 12);
}

/// An archive is told again with more masks filled in.
#[test]
fn archives_of_masks_are_told_by_their_rows() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let archive = |name: &str, images: usize, outlined: usize, foreground: f32| {
        let inside = |image: usize, at: usize| (at % 6 + image).is_multiple_of(2);
        let each = |of: &dyn Fn(usize, usize) -> f32| -> Vec<f32> {
            (0..images)
                .flat_map(|image| (0..36).map(move |at| (image, at)))
                .map(|(image, at)| of(image, at))
                .collect()
        };
        let x = each(&|image, at| if inside(image, at) { 0.2 + image as f32 / 100.0 } else { 0.9 });
        let y = each(&|image, at| match (image < outlined, inside(image, at)) {
            (false, _) => -1.0,
            (true, on) => {
                if on {
                    foreground
                } else {
                    0.0
                }
            }
        });
        let shape = format!("({images}, 6, 6)");
        let member =
            |name, values: &[f32]| make::member(name, make::npy("<f4", false, &shape, &make::floats(values)));
        fs::write(dir.join(name), make::zip(&[member("x.npy", &x), member("y.npy", &y)])).unwrap();
    };
    archive("pool.npz", 12, 2, 1.0);
    archive("more.npz", 12, 11, 1.0);
    archive("fewer.npz", 10, 10, 1.0);
    archive("third.npz", 12, 12, 7.0);
    done(dir, &["session", "new", "s", "--pool", "pool.npz", "--task", "segmentation"]);
    refused(dir, &["session", "tell", "s", "fewer.npz"], "\"10 masks\" is not one for each of 12 images");
    refused(dir, &["session", "tell", "s", "third.npz"], "7 is neither background");
    assert!(done(dir, &["session", "tell", "s", "more.npz"]).starts_with("11 new answers"));
    let status = json(dir, &["session", "status", "s"]);
    assert_eq!((&status["counts"]["labelled"], &status["score"]["judged"]), (&11.into(), &11.into()));
}

#[test]
fn masks_that_do_not_fit_are_refused_with_their_place_and_nothing_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    tissue(dir, 12);
    done(dir, &["session", "new", "s", "--pool", "tissue", "--task", "segmentation"]);
    let before = fs::read(dir.join("s/journal")).unwrap();
    let mask = |name: &str, width: u32, value: u8| {
        fs::create_dir_all(dir.join("bad")).unwrap();
        fs::copy(dir.join("truth/i1.png"), dir.join("bad/i1.png")).unwrap();
        let mut mask = image::GrayImage::from_pixel(width, 16, image::Luma([255]));
        mask.put_pixel(3, 2, image::Luma([value]));
        mask.save(dir.join("bad").join(name)).unwrap();
    };
    for (name, width, value, expected) in [
        ("i2.png", 15, 255, "bad/i2.png: \"15x16 pixels\" is not a mask of the 16x16 pixels"),
        ("i2.png", 16, 7, "neither background, 0, nor foreground"),
        ("other.png", 16, 255, "bad/other.png: 0 rows are called \"other\""),
    ] {
        mask(name, width, value);
        refused(dir, &["session", "tell", "s", "bad"], expected);
        assert_eq!(fs::read(dir.join("s/journal")).unwrap(), before, "{expected}");
        fs::remove_dir_all(dir.join("bad")).unwrap();
    }
    fs::create_dir(dir.join("empty")).unwrap();
    refused(dir, &["session", "tell", "s", "empty"], "no pictures in this folder");
    refused(dir, &["session", "tell", "s", "--row", "1=cell"], "masks are told as a folder of pictures");
    refused(dir, &["session", "serve", "s"], "the page to label on");
    // A folder of masks is no answer to a session of something else.
    diabetes(dir);
    done(dir, &["session", "new", "n", "--pool", "patients.csv", "--task", "regression"]);
    querist(dir, &["session", "tell", "n", "truth"]).assert().code(2);
}

/// The lines of the page run as they stand: on what comes with the program, and, of masks, on every image outlined.
#[test]
fn the_page_says_what_runs() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    tissue(dir, 12);
    fs::rename(dir.join("tissue"), dir.join("images")).unwrap();
    fs::rename(dir.join("truth"), dir.join("outlined")).unwrap();
    std::os::unix::fs::symlink(concat!(env!("CARGO_MANIFEST_DIR"), "/data"), dir.join("data")).unwrap();
    let page = include_str!("../docs/labelling.md");
    let blocks: Vec<&str> =
        page.split("```sh\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    let flowers = blocks[0].lines().next().unwrap();
    let own =
        |block: &&&str| ["new patients", "new traits", "new cells"].iter().any(|new| block.contains(new));
    let own: Vec<&str> = blocks.iter().filter(own).copied().collect();
    assert_eq!(own.len(), 3);
    let program = cargo_bin("querist");
    let path = std::env::var("PATH").unwrap_or_default();
    for lines in [flowers].into_iter().chain(own) {
        Command::new("sh")
            .args(["-e", "-c", lines])
            .current_dir(dir)
            .env("PATH", format!("{}:{path}", program.parent().unwrap().display()))
            .assert()
            .success();
    }
    // Where every image has a mask, all are predicted all the same.
    let count = |folder: &str| pictures(&dir.join(folder)).len();
    assert_eq!((count("predicted"), count("masks")), (12, 12));
}
