//! A session that searches for its classifier's network: where a larger one is needed it is found, where a linear one
//! does it stays, and what was found is kept with the answers that it follows from.

#![allow(clippy::disallowed_methods)]

use assert_cmd::Command as Program;
use querist::Key;
use querist::arch::{ArchSpace, Cell, Point, Space, Widths};
use querist::registry::NameError;
use querist::search::{
    Evidence, History, Method, MethodEntry, Methods, Next, PointScore, Prior, Search, Walk,
};
use querist::session::{Answer, ArchSearch, Chooser, Kind, Session, SessionError, SessionPlan, Status};
use rand::RngExt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const ROWS: usize = 240;

/// Two spirals that are wound around one another, a turn and a half each.
fn spirals(folder: &Path) -> (PathBuf, Vec<&'static str>) {
    let point = |row: usize| {
        let (arm, t) = (row % 2, (row / 2) as f64 / (ROWS / 2) as f64);
        let (angle, radius) = (2.0 * std::f64::consts::PI * (1.5 * t.sqrt() + 0.5 * arm as f64), t.sqrt());
        (radius * angle.cos(), radius * angle.sin(), ["in", "out"][arm])
    };
    table(folder, "spirals.csv", point)
}

/// Two classes with a line between them and some that lie on the wrong side.
fn line(folder: &Path) -> (PathBuf, Vec<&'static str>) {
    let mut rng = Key::root(5).rng();
    let mut draw = || (rng.random::<f64>(), rng.random::<f64>(), rng.random::<f64>());
    let points: Vec<_> = (0..ROWS).map(|_| draw()).collect();
    table(folder, "line.csv", |row| {
        let (x, y, noise) = points[row];
        (x, y, if x + y > 0.7 + 0.6 * noise { "in" } else { "out" })
    })
}

fn table(
    folder: &Path,
    name: &str,
    point: impl Fn(usize) -> (f64, f64, &'static str),
) -> (PathBuf, Vec<&'static str>) {
    let (path, all) = (folder.join(name), (0..ROWS).map(point).collect::<Vec<_>>());
    let lines: String = all.iter().map(|(x, y, _)| format!("\n{x},{y}")).collect();
    fs::write(&path, format!("x,y{lines}")).unwrap();
    (path, all.into_iter().map(|(.., class)| class).collect())
}

fn plan(pool: &Path, search: Option<ArchSearch>) -> SessionPlan {
    let chooser = Chooser::Strategy("random".into());
    SessionPlan { chooser, search, batch: 20, start: "random".into(), ..SessionPlan::new(pool) }
}

/// Answers `batches` batches; the rows that were asked for.
fn label(dir: &Path, classes: &[&str], batches: usize) -> Vec<usize> {
    let mut rows = Vec::new();
    for _ in 0..batches {
        // Opened anew, as another process would.
        let mut session = Session::open(dir).unwrap();
        let asking = session.ask(20).unwrap();
        let answers: Vec<Answer> =
            asking.rows.iter().map(|one| Answer::new(one.row, classes[one.row])).collect();
        session.tell(&answers).unwrap();
        rows.extend(asking.rows.iter().map(|one| one.row));
    }
    rows
}

fn status(dir: &Path) -> Status {
    Session::open(dir).unwrap().status().unwrap()
}

/// How many searches the journal holds.
fn searches(dir: &Path) -> usize {
    fs::read_to_string(dir.join("journal")).unwrap().matches("\"searched\"").count()
}

#[test]
fn a_larger_network_is_found_where_it_is_needed_and_a_linear_one_kept_where_it_does() {
    let folder = tempfile::tempdir().unwrap();
    for (name, (pool, classes)) in [("spirals", spirals(folder.path())), ("line", line(folder.path()))] {
        let dir = folder.path().join(name);
        Session::create(&dir, plan(&pool, Some(ArchSearch::new("local")))).unwrap();
        label(&dir, &classes, 8);
        let found = status(&dir);
        let accuracy = found.accuracy.unwrap();
        let kinds: Vec<Kind> = found.tried.iter().map(|one| one.kind).collect();
        assert_eq!(kinds, [Kind::Linear, Kind::Mlp, Kind::Searched], "{found:?}");
        let best = found.tried.iter().map(|one| one.accuracy).fold(0.0, f64::max);
        assert_eq!(accuracy.accuracy, best);
        let [linear, hidden, searched] = [0, 1, 2].map(|at| found.tried[at].accuracy);
        match name {
            "spirals" => {
                assert_eq!(accuracy.classifier, Kind::Searched, "{found}");
                assert!(searched > hidden + 0.05 && searched > linear + 0.2, "{found}");
                assert!(found.to_string().contains("searched (2-r32"), "{found}");
            }
            _ => assert_eq!(accuracy.classifier, Kind::Linear, "{found}"),
        }
    }
}

/// At 20, 40, 80 and 160 labels, each once, whoever asks and wherever.
#[test]
fn a_search_is_made_when_labels_have_doubled_and_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, classes) = spirals(folder.path());
    let dir = folder.path().join("session");
    let few = ArchSearch { networks: 3, ..ArchSearch::new("random") };
    let chooser = Chooser::Strategy("margin".into());
    let create = |dir: &Path| {
        Session::create(dir, SessionPlan { chooser: chooser.clone(), ..plan(&pool, Some(few.clone())) })
            .unwrap();
    };
    create(&dir);
    let mut rows = label(&dir, &classes, 2);
    assert_eq!(searches(&dir), 1, "40 labels, of which the last query saw 20");
    let seen = status(&dir);
    assert_eq!(searches(&dir), 2, "who looks keeps what was found");
    assert_eq!(status(&dir), seen);
    assert_eq!(searches(&dir), 2);
    rows.extend(label(&dir, &classes, 3));
    assert_eq!(searches(&dir), 3, "one more at 80");
    // A copy of the folder goes on, and asks for the same rows as the same session from its start.
    let (copy, again) = (folder.path().join("copy"), folder.path().join("again"));
    fs::create_dir(&copy).unwrap();
    for entry in fs::read_dir(&dir).unwrap().map(Result::unwrap) {
        fs::copy(entry.path(), copy.join(entry.file_name())).unwrap();
    }
    let further = label(&copy, &classes, 2);
    create(&again);
    assert_eq!(label(&again, &classes, 7), [rows, further.clone()].concat());
    // And without what the journal keeps, the search finds the same.
    let journal = fs::read_to_string(again.join("journal")).unwrap();
    assert_eq!(journal.matches("\"searched\"").count(), 3);
    assert_eq!(status(&again).tried, status(&copy).tried);
}

/// A revised answer among those that were searched on, or another class of a row, is searched on anew; a class that comes
/// later is not.
#[test]
fn only_the_labels_that_a_search_is_made_on_count() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, classes) = spirals(folder.path());
    let dir = folder.path().join("session");
    let few = ArchSearch { networks: 1, ..ArchSearch::new("local") };
    Session::create(&dir, plan(&pool, Some(few))).unwrap();
    let rows = label(&dir, &classes, 1);
    let later = (0..ROWS).find(|row| !rows.contains(row)).unwrap();
    let told = |row: usize, class: &str| {
        Session::open(&dir).unwrap().tell(&[Answer::new(row, class)]).unwrap();
        status(&dir);
        searches(&dir)
    };
    assert_eq!(told(rows[0], classes[rows[0]]), 1);
    assert_eq!(told(later, "a third"), 1);
    let other = ["in", "out"].into_iter().find(|class| *class != classes[rows[0]]).unwrap();
    assert_eq!(told(rows[0], other), 2);
    assert_eq!(told(rows[0], classes[rows[0]]), 2, "as it was before");
}

/// The start alone.
#[derive(Debug)]
struct Stay;

struct Staying<S: Space>(Walk<S>);

impl<S: Space> Method<S> for Stay {
    fn name(&self) -> &'static str {
        "stay"
    }

    fn search(&self, walk: Walk<S>) -> querist::Result<Box<dyn Search<S::Point>>> {
        Ok(Box::new(Staying(walk)))
    }
}

impl<S: Space> Search<S::Point> for Staying<S> {
    fn next(&self, history: &History<S::Point>) -> querist::Result<Next<S::Point>> {
        Ok(self.0.next(history, std::slice::from_ref(&self.0.start)))
    }
}

#[test]
fn a_search_of_another_crate_is_found_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, classes) = spirals(folder.path());
    let dir = folder.path().join("session");
    let entry = MethodEntry::new("stay", "The start.", &[], |_| Arc::new(Stay));
    let methods = Methods::builtin().with(entry).unwrap();
    let plan = SessionPlan { methods: methods.clone(), ..plan(&pool, Some(ArchSearch::new("stay"))) };
    let mut session = Session::create(&dir, plan).unwrap();
    let rows = session.ask(20).unwrap().rows;
    let answers: Vec<Answer> = rows.iter().map(|one| Answer::new(one.row, classes[one.row])).collect();
    session.tell(&answers).unwrap();
    assert_eq!(session.status().unwrap().tried[2].network, "2-r32-2");
    let error = Session::open(&dir).err().unwrap();
    assert!(matches!(error.downcast_ref(), Some(NameError::Unknown { .. })), "{error}");
    assert_eq!(Session::open_with(&dir, &methods).unwrap().status().unwrap().tried.len(), 3);
}

/// What a run of [search] leaves: `A(2, 1)` of narrow blocks was best.
fn taught(path: &Path) -> ArchSpace {
    let widths = Widths { base: 8, growth: 1.0, floor: 8, ceiling: 8 };
    let space = ArchSpace { cell: Cell::Dense, max_blocks: 2, max_stacks: 2, widths, ..ArchSpace::default() };
    let scores = [(1, 1, 0.5), (2, 1, 0.9), (1, 2, 0.4)]
        .map(|(blocks, stacks, score)| PointScore { point: Point::new(blocks, stacks), score });
    let evidence = |task: &str| Evidence {
        task: task.to_string(),
        width: 2,
        classes: 2,
        labels: 20,
        scores: scores.to_vec(),
    };
    let prior = Prior::learn(space, ["a", "b"].map(evidence).to_vec()).unwrap();
    fs::write(path, prior.to_json().unwrap()).unwrap();
    space
}

#[test]
fn a_search_starts_where_other_tasks_taught() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, classes) = spirals(folder.path());
    let run = folder.path().join("run");
    fs::create_dir(&run).unwrap();
    taught(&run.join("arch.json"));
    let network = |name: &str, from: Option<PathBuf>| {
        let dir = folder.path().join(name);
        // One network: what is found is where the search starts.
        let search = Some(ArchSearch { networks: 1, ..ArchSearch::new("hill_climbing") });
        Session::create(&dir, SessionPlan { search_from: from, ..plan(&pool, search) }).unwrap();
        label(&dir, &classes, 1);
        status(&dir).tried[2].network.clone()
    };
    assert_eq!(network("alone", None), "2-r32-2");
    assert_eq!(network("folder", Some(run.clone())), "2-8-8-2");
    assert_eq!(network("file", Some(run.join("arch.json"))), "2-8-8-2");
    // A policy's folder lies in that of its run.
    fs::create_dir(run.join("policy")).unwrap();
    for name in ["card.toml", "policy.safetensors"] {
        let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/universal").join(name);
        fs::copy(shipped, run.join("policy").join(name)).unwrap();
    }
    let dir = folder.path().join("policy");
    let chooser = Chooser::Policy(run.join("policy").display().to_string());
    let search = Some(ArchSearch { networks: 1, ..ArchSearch::new("local") });
    Session::create(&dir, SessionPlan { chooser, ..plan(&pool, search) }).unwrap();
    // The session has a copy of its own.
    fs::remove_dir_all(&run).unwrap();
    label(&dir, &classes, 1);
    assert_eq!(status(&dir).tried[2].network, "2-8-8-2");
    fs::write(dir.join("arch.json"), "{}").unwrap();
    let error = Session::open(&dir).err().unwrap();
    assert!(matches!(error.downcast_ref(), Some(SessionError::Changed { .. })), "{error}");
}

#[test]
fn searches_that_cannot_be_are_refused_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let (pool, _) = spirals(folder.path());
    let dir = folder.path().join("session");
    fs::write(folder.path().join("one.json"), r#"{"inputs": 2, "blocks": [], "outputs": 2, "dropout": 0.0}"#)
        .unwrap();
    let of = |name: &str| folder.path().join(name).display().to_string();
    let (one, none) = (of("one.json"), of("none.json"));
    for (options, message) in [
        (vec!["--search", "locl"], "architecture search `locl` is unknown"),
        (vec!["--search", "local", "--search-networks", "0"], "0 is not in 1..=1000"),
        (vec!["--search-networks", "3"], "--search <METHOD>"),
        (vec!["--search-from", &one], "--search <METHOD>"),
        (vec!["--search", "local", "--search-from", &one], "(one network), expected the arch.json"),
        (vec!["--search", "local", "--search-from", &none], "none.json"),
        (vec!["--think", "33s"], "expected 1 to 64, or 1s to 32s"),
    ] {
        let run = Program::cargo_bin("querist")
            .unwrap()
            .args(["session", "new", &dir.display().to_string(), "--pool", &pool.display().to_string()])
            .args(&options)
            .assert()
            .code(2);
        let text = String::from_utf8_lossy(&run.get_output().stderr).into_owned();
        assert!(text.contains(message), "{options:?}: {text}");
        assert!(!dir.exists(), "{options:?}");
    }
    let from = SessionPlan { search_from: Some(folder.path().join("one.json")), ..plan(&pool, None) };
    let error = Session::create(&dir, from).err().unwrap();
    assert!(matches!(error.downcast_ref(), Some(SessionError::Setting { .. })), "{error}");
}
