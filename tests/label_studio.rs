//! Label Studio's tables and calls, as its release 1.23.2 writes them.

// The ban on writing files is for the library; these are thrown away.
#![allow(clippy::disallowed_methods)]

use querist::data::TargetKind;
use querist::session::{Answer, Session, SessionPlan};
use serde_json::{Value, json};
use std::path::Path;

/// Lines of a CSV export: a task that one person annotated twice, the newest first, and another.
const TABLE: &str = r#""annotation_id","annotator","created_at","id","item","label","lead_time","querist_row","updated_at"
8,"1","2026-11-29T15:16:44.366361Z",7,"The book (no. 22)","praise",1.5,22,"2026-11-29T15:16:44.366389Z"
7,"1","2026-11-29T15:16:44.108733Z",7,"The book (no. 22)","blame",1.5,22,"2026-11-29T15:16:44.108758Z"
9,"1","2026-11-29T15:16:44.840612Z",8,"The song (no. 3)","blame",1.5,3,"2026-11-29T15:16:45.393728Z"
"#;

fn session(folder: &Path) -> Session {
    let pool = folder.join("pool.csv");
    let line = |row: usize| format!("{},{}\n", row % 7, (row * row) % 11);
    std::fs::write(&pool, format!("x,y\n{}", (0..60).map(line).collect::<String>())).unwrap();
    Session::create(&folder.join("session"), SessionPlan { batch: 4, ..SessionPlan::new(&pool) }).unwrap()
}

fn tasks(rows: impl IntoIterator<Item = usize>) -> Vec<Value> {
    rows.into_iter().map(|row| json!({"data": {"querist_row": row}})).collect()
}

#[test]
fn a_table_has_one_person_and_their_newest_answer() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("table.csv");
    std::fs::write(&file, TABLE).unwrap();
    let found = Answer::read(&file, "me", TargetKind::Class).unwrap();
    let short: Vec<_> = found.iter().map(|one| (one.verdict.text(), &*one.annotator)).collect();
    assert_eq!(short, [("praise", "user 1"), ("blame", "user 1")]);
    let mut session = session(folder.path());
    assert_eq!(session.tell(&found).unwrap().new, 2);
}

#[test]
fn rows_in_hand_come_first_and_no_others_are_taken() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let asked: Vec<usize> = session.ask(4).unwrap().rows.iter().map(|one| one.row).collect();
    let found = session.label_studio_predictions(&tasks(asked.iter().copied())).unwrap();
    let scores: Vec<f64> = found.iter().map(|one| one.score).collect();
    assert_eq!(scores, [0.0, 0.25, 0.5, 0.75]);
    assert!(found.iter().all(|one| one.model_version == "querist"));
    assert_eq!(session.counts().unwrap().pending, 4);
    let alone = session.label_studio_predictions(&tasks([asked[2]])).unwrap();
    assert_eq!(alone[0].score, 0.5, "as among others");
}

#[test]
fn scores_fall_with_answers_and_rows_out_of_hand_are_predicted() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let answers: Vec<Answer> =
        (0..12).map(|row| Answer::new(row, if row % 7 < 3 { "low" } else { "high" })).collect();
    session.tell(&answers).unwrap();
    let found = session.label_studio_predictions(&tasks(12..60)).unwrap();
    assert_eq!(session.counts().unwrap().pending, 4);
    assert_eq!(found.iter().filter(|one| one.score < -11.0).count(), 4);
    assert!(found.iter().all(|one| one.score >= -12.0 && one.score <= -10.0 && one.result.len() == 1));
}

#[test]
fn rows_that_the_project_does_not_have_are_given_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut session = session(folder.path());
    let found = session.label_studio_predictions(&tasks([1, 2])).unwrap();
    let first = found.iter().filter(|one| one.score < 1.0).count();
    assert_eq!(session.counts().unwrap().pending, first, "what is in hand is in the call");
}
