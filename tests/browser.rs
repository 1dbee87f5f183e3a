//! The report in a real browser: nothing overflows, no texts overlap, no name is broken within a word.
//!
//! Looks for Chromium or Chrome on the path (or in the variable `QUERIST_BROWSER`), and fails where there is none: on
//! Debian, `apt-get install chromium`. With the variable `QUERIST_NO_BROWSER` set, it is skipped, and the estimate of text
//! widths in `report.rs` has to do.

// The ban on writing files is for the library; these pages are looked at and thrown away.
#![allow(clippy::disallowed_methods)]

#[path = "report/example.rs"]
mod example;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use querist::report::html;

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// Says that nothing is to be rendered.
const SKIP: &str = "QUERIST_NO_BROWSER";
/// A small phone, a tablet, a desk.
const WIDTHS: [u32; 3] = [360, 768, 1280];

/// Runs in the page that holds the report in frames of several widths; writes its findings, one a line.
const CHECK: &str = r"
addEventListener('load', () => {
  const found = [];
  for (const frame of document.querySelectorAll('iframe')) {
    const page = frame.contentDocument, width = frame.clientWidth;
    if (page.documentElement.scrollWidth > width) {
      for (const e of page.body.querySelectorAll('*')) {
        if (e.getBoundingClientRect().right > width + 1 && !e.closest('.scroll, pre, svg')) {
          found.push(`${width}: <${e.tagName} class=${e.className}> overflows: ${e.textContent.slice(0, 40)}`);
        }
      }
    }
    for (const cell of page.querySelectorAll('td.name')) {
      for (const node of [...cell.childNodes].filter(node => node.nodeType === Node.TEXT_NODE)) {
        for (const word of node.data.matchAll(/[^\s-]+/g)) {
          const range = page.createRange();
          range.setStart(node, word.index);
          range.setEnd(node, word.index + word[0].length);
          const lines = [...range.getClientRects()];
          if (lines.length > 1 && lines.reduce((sum, line) => sum + line.width, 0) < width - 40)
            found.push(`${width}: “${word[0]}” is broken though there is room`);
        }
      }
    }
    for (const svg of page.querySelectorAll('figure svg')) {
      const name = svg.getAttribute('aria-label'), outer = svg.getBoundingClientRect();
      const texts = [...svg.querySelectorAll('text')].map(t => [t.getBoundingClientRect(), t.textContent]);
      texts.forEach(([a, text], i) => {
        if (a.left < outer.left - 1 || a.right > outer.right + 1 || a.top < outer.top - 1 || a.bottom > outer.bottom + 1)
          found.push(`${width}: ${name}: “${text}” leaves the figure`);
        // Boxes hold the line's ascent and descent, which letters do not fill.
        const slack = 0.18 * a.height;
        for (const [b, other] of texts.slice(0, i)) {
          if (a.left < b.right - 1 && b.left < a.right - 1 && a.top + slack < b.bottom - slack && b.top + slack < a.bottom - slack)
            found.push(`${width}: ${name}: “${text}” overlaps “${other}”`);
        }
      });
      const size = Math.min(...texts.map(t => t[0].height));
      if (size < 8) found.push(`${width}: ${name}: text of ${size} px is too small to read`);
    }
  }
  const result = document.createElement('pre');
  result.id = 'result';
  result.textContent = 'checked ' + document.querySelectorAll('iframe').length + '\n' + found.join('\n');
  document.body.replaceChildren(result);
});
";

fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("QUERIST_BROWSER").filter(|named| !named.is_empty()) {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .flat_map(|folder| BROWSERS.map(|name| folder.join(name)))
        .find(|program| program.is_file())
}

/// What the check found in the page at `file`.
fn findings(browser: &Path, file: &Path, profile: &Path) -> Vec<String> {
    let output = Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", "--virtual-time-budget=20000"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .expect("the browser starts");
    let page = String::from_utf8_lossy(&output.stdout);
    let result = page.split("<pre id=\"result\">").nth(1).and_then(|rest| rest.split("</pre>").next());
    let mut lines = result.expect("the check ran").lines().map(str::to_owned);
    assert_eq!(lines.next().as_deref(), Some("checked 3"), "every width was looked at");
    lines.collect()
}

fn wrapped(page: &str) -> String {
    let source = page.replace('&', "&amp;").replace('"', "&quot;");
    let frames: String = WIDTHS
        .iter()
        .map(|width| {
            format!("<iframe srcdoc=\"{source}\" style=\"border:0;width:{width}px;height:900px\"></iframe>")
        })
        .collect();
    format!("<!DOCTYPE html><meta charset=\"utf-8\"><script>{CHECK}</script><body>{frames}")
}

#[test]
fn nothing_overflows_overlaps_or_breaks() {
    if std::env::var_os(SKIP).is_some_and(|value| !value.is_empty()) {
        // Past the harness, which keeps what tests that pass print to itself.
        let _ = writeln!(std::io::stderr(), "skipped: {SKIP} is set, the report is not rendered");
        return;
    }
    let browser = browser().unwrap_or_else(|| {
        panic!(
            "none of {BROWSERS:?} is on the path: install one, name one with QUERIST_BROWSER, or set {SKIP}=1"
        )
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (tasks, strategies, repetitions) in [(1, 1, 1), (1, 4, 20), (2, 9, 5), (4, 9, 20)] {
        let file = folder.path().join(format!("{tasks}-{strategies}.html"));
        std::fs::write(&file, wrapped(&html(&example::input(tasks, strategies, repetitions))))
            .expect("the page is written");
        let found = findings(&browser, &file, &folder.path().join("profile"));
        assert!(found.is_empty(), "{tasks} tasks, {strategies} strategies:\n{}", found.join("\n"));
    }
}
