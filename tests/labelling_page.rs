//! The labelling page in a real browser: twenty rows by keys, with a reload and a killed server on the way; nothing is lost.
//!
//! The browser is driven over its debugging pipe. Looks for Chromium or Chrome as `tests/browser.rs` does, and fails where
//! there is none, unless `QUERIST_NO_BROWSER` is set.

// The ban on writing files is for the library; these are thrown away.
#![allow(clippy::disallowed_methods)]

#[path = "browser/driver.rs"]
mod driver;

use driver::Browser;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

fn querist() -> Command {
    Command::new(env!("CARGO_BIN_EXE_querist"))
}

/// A served session and the address of its page.
struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(dir: &Path, listen: &str) -> Self {
        let mut child = querist()
            .args(["session", "serve", "--listen", listen])
            .arg(dir)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut url = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { child, url: url.trim().to_string() }
    }

    fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap().split('/').next().unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn texts(folder: &Path) -> std::path::PathBuf {
    let pool = folder.join("notes.csv");
    let line = |row: usize| {
        let (mood, thing) = (["good", "bad"][row % 2], ["film", "book", "song", "dish", "walk"][row % 5]);
        format!("\"a {mood} {thing}, number {row}\",\n")
    };
    std::fs::write(&pool, format!("text,label\n{}", (0..60).map(line).collect::<String>())).unwrap();
    pool
}

#[test]
fn twenty_rows_by_keys_survive_a_reload_and_a_killed_server() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (pool, dir) = (texts(folder.path()), folder.path().join("session"));
    let made = querist()
        .args(["session", "new"])
        .arg(&dir)
        .arg("--pool")
        .arg(&pool)
        .args(["--classes", "good,bad", "--batch", "5"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let mut served = Served::start(&dir, "127.0.0.1:0");
    let address = served.address().to_string();
    browser.open(&served.url);
    let mut told: BTreeMap<usize, &str> = BTreeMap::new();
    while told.len() < 20 {
        browser.wait("document.querySelector('#content p') && document.querySelector('#classes button:not(:disabled)')");
        let row = browser.number("Number(document.getElementById('title').textContent.match(/\\d+/)[0])");
        let text = browser.text("document.getElementById('content').textContent");
        assert!(text.ends_with(&format!("number {row}")), "row {row} shows {text:?}");
        let (key, class) = if text.contains("good") { ("1", "good") } else { ("2", "bad") };
        let at = told.len();
        if at == 12 {
            // The answer that is given now cannot be sent: it must wait in the browser.
            served.child.kill().unwrap();
            served.child.wait().unwrap();
        }
        browser.press(key);
        assert_eq!(told.insert(row, class), None, "row {row} was asked twice");
        if at == 12 {
            browser.wait("document.getElementById('message').textContent.startsWith('Not saved yet')");
            served = Served::start(&dir, &address);
            browser.open(&served.url);
        }
        if at == 6 {
            browser.wait("localStorage.getItem('querist-unsent-' + session.session) === '[]'");
            browser.reload();
        }
    }
    browser.wait("localStorage.getItem('querist-unsent-' + session.session) === '[]'");
    // An answer taken back and given anew replaces the first.
    let (row, class) = (browser.number("answered.at(-1).row"), "bad");
    browser.press("z");
    browser.wait("document.getElementById('reason').textContent.startsWith('Again')");
    browser.press("2");
    told.insert(row, class);
    browser.wait("localStorage.getItem('querist-unsent-' + session.session) === '[]'");
    browser.wait(
        "document.querySelectorAll('#map circle').length >= 60 && document.querySelector('#curve svg')",
    );
    for width in [400, 1280] {
        browser.resize(width);
        assert_eq!(
            browser.number("Math.max(0, document.documentElement.scrollWidth - innerWidth)"),
            0,
            "at {width}"
        );
    }
    browser.dark();
    assert_eq!(browser.text("getComputedStyle(document.body).backgroundColor"), "rgb(13, 17, 23)");
    let unnamed = "[...document.querySelectorAll('button, input')].filter(one => !one.labels?.length && \
                   !one.textContent.trim() && !one.ariaLabel).length";
    assert_eq!(browser.number(unnamed), 0, "controls without a name");
    drop(served);
    let found = exported(&dir, &folder.path().join("labels.csv"));
    assert_eq!(json!(found), json!(told));
}

/// The labels of a session by row, as they are exported.
fn exported(dir: &Path, out: &Path) -> BTreeMap<usize, String> {
    let run =
        querist().args(["session", "export", "--force"]).arg(dir).arg("--out").arg(out).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let mut reader = csv::Reader::from_path(out).unwrap();
    let header = reader.headers().unwrap().clone();
    let place = |name| header.iter().position(|column| column == name).unwrap();
    let (row, label) = (place("row"), place("label"));
    let records = reader.records().map(Result::unwrap);
    records.map(|record| (record[row].parse().unwrap(), record[label].to_string())).collect()
}

/// Numbers are typed into a field; labels are switched by keys, and Enter sends them, or none.
#[test]
fn numbers_are_typed_and_labels_of_sets_switched() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let pool = folder.path().join("notes.csv");
    let line = |row: usize| {
        let (mood, thing) = (["good", "bad"][row % 2], ["film", "book", "song"][row % 3]);
        format!("a {mood} {thing} number {row},{}\n", row % 5)
    };
    std::fs::write(&pool, format!("text,pages\n{}", (0..60).map(line).collect::<String>())).unwrap();
    for (task, more) in [("regression", &[][..]), ("multi_label", &["--classes", "film,good,long"])] {
        let dir = folder.path().join(task);
        let made = querist()
            .args(["session", "new"])
            .arg(&dir)
            .arg("--pool")
            .arg(&pool)
            .args(["--batch", "5", "--task", task])
            .args(more)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let served = Served::start(&dir, "127.0.0.1:0");
        browser.open(&served.url);
        let mut told: BTreeMap<usize, String> = BTreeMap::new();
        while told.len() < 12 {
            browser
                .wait("document.querySelector('#content td') && !document.getElementById('unsure').disabled");
            let row = browser.number("Number(document.getElementById('title').textContent.match(/\\d+/)[0])");
            let text = browser.text("document.getElementById('content').textContent");
            if task == "regression" {
                let number = format!("{}.5", row % 7);
                if told.len() == 3 {
                    browser.number("(document.getElementById('name').value = 'seven', document.getElementById('new').requestSubmit(), 0)");
                    let said = browser.text("document.getElementById('message').textContent");
                    assert_eq!(said, "seven is no number.");
                }
                browser.number(&format!("(document.getElementById('name').value = '{number}', document.getElementById('new').requestSubmit(), 0)"));
                told.insert(row, number);
            } else {
                let held: Vec<&str> =
                    ["film", "good"].into_iter().filter(|label| text.contains(label)).collect();
                // On, off and on again, or off for good.
                for key in ["3", "3"]
                    .iter()
                    .chain(held.iter().map(|label| if *label == "film" { &"1" } else { &"2" }))
                {
                    browser.press(key);
                }
                let pressed =
                    browser.number("document.querySelectorAll('#classes [aria-pressed=true]').length");
                assert_eq!(pressed, held.len(), "row {row}: {text}");
                browser.press("Enter");
                told.insert(row, if held.is_empty() { ";".to_string() } else { held.join(";") });
            }
        }
        browser.wait("localStorage.getItem('querist-unsent-' + session.session) === '[]'");
        browser.wait("document.querySelectorAll('#map circle').length >= 60");
        assert_eq!(exported(&dir, &folder.path().join("labels.csv")), told, "{task}");
        drop(served);
    }
}
