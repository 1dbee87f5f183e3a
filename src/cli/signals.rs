//! Ctrl-C and SIGTERM: the first asks to stop, the second stops at once.

use super::error::CliError;
use super::output;
use crate::error::{Exit, Result};
use crate::run::Cancel;

/// Raises the flag on the first signal; ends the process on the second. Files are safe either way:
/// what is not yet recorded is not there.
pub fn catch() -> Result<Cancel> {
    let cancel = Cancel::new();
    let flag = cancel.clone();
    let handler = move || {
        if flag.raise() {
            output::message("stopping after the cells in flight; once more to stop at once");
        } else {
            std::process::exit(Exit::Interrupted as i32);
        }
    };
    ctrlc::set_handler(handler).map_err(|error| CliError::Signals { reason: error.to_string() })?;
    Ok(cancel)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::journal::Journal;
    use crate::run::{Cell, Ledger, Silent, WorkerPool, run_cells};
    use std::io::Read;
    use std::process::{Child, Command, Stdio};
    use std::time::Duration;

    const DIR: &str = "QUERIST_SIGNALS_DIR";
    const SLOW: &str = "QUERIST_SIGNALS_SLOW_MS";

    /// What the test below starts and signals; by itself it does nothing.
    #[test]
    fn child() {
        let Ok(dir) = std::env::var(DIR) else { return };
        let slow = Duration::from_millis(std::env::var(SLOW).unwrap().parse().unwrap());
        let path = std::path::Path::new(&dir).join("journal");
        Journal::create(&path, "run").unwrap();
        let (journal, content) = Journal::open(&path).unwrap();
        let cancel = catch().unwrap();
        output::message("ready");
        let worker_pool = WorkerPool { jobs: 2, progress: &Silent, cancel: &cancel };
        let cells: Vec<_> = (0..1000).map(|i| Cell { key: format!("{i}"), input: i }).collect();
        let result =
            run_cells("cells", &cells, &mut Ledger::new(journal, content.records), worker_pool, |cell| {
                std::thread::sleep(slow);
                Ok(cell.input)
            });
        std::process::exit(result.unwrap_err().exit() as i32);
    }

    fn start(dir: &std::path::Path, slow: &str) -> Child {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["cli::signals::tests::child", "--exact", "--nocapture"])
            .env(DIR, dir)
            .env(SLOW, slow)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for(&mut child, b"ready\n");
        child
    }

    fn wait_for(child: &mut Child, text: &[u8]) {
        let (mut seen, mut byte) = (Vec::new(), [0]);
        // Not buffered: what follows the text is for the next call.
        while child.stderr.as_mut().unwrap().read(&mut byte).unwrap() == 1 {
            seen.push(byte[0]);
            if seen.ends_with(text) {
                return;
            }
        }
        panic!("the child ended: {}", String::from_utf8_lossy(&seen));
    }

    fn send(child: &Child, signal: i32) {
        // SAFETY: the process id is that of a child which has not been waited for.
        assert_eq!(unsafe { libc::kill(child.id() as i32, signal) }, 0);
    }

    /// Fault case 56: one signal ends the run after the cells in flight and leaves a whole journal.
    #[test]
    fn the_first_signal_leaves_a_run_that_can_continue() {
        for signal in [libc::SIGINT, libc::SIGTERM] {
            let dir = tempfile::tempdir().unwrap();
            let mut child = start(dir.path(), "10");
            std::thread::sleep(Duration::from_millis(50));
            send(&child, signal);
            assert_eq!(child.wait().unwrap().code(), Some(130));
            let content = crate::run::journal::read(&dir.path().join("journal")).unwrap();
            assert!(!content.records.is_empty() && content.records.len() < 1000);
        }
    }

    /// Fault case 56: the second does not wait for a cell that would take a minute.
    #[test]
    fn the_second_signal_ends_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let mut child = start(dir.path(), "60000");
        send(&child, libc::SIGINT);
        wait_for(&mut child, b"at once\n");
        let start = std::time::Instant::now();
        send(&child, libc::SIGTERM);
        assert_eq!(child.wait().unwrap().code(), Some(130));
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}
