//! [`Program`]: a process that answers lines with lines, within a time.

use super::ExternalError;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// The longest answer, in bytes.
const MAX_ANSWER: u64 = 16 << 20;

/// A program that runs. It is killed when dropped, with all that it started.
pub(super) struct Program {
    command: String,
    child: Child,
    questions: Sender<String>,
    answers: Receiver<std::io::Result<Vec<u8>>>,
}

impl Program {
    /// Starts `command`, which is split at its spaces.
    pub(super) fn start(command: &str) -> Result<Self, ExternalError> {
        let mut words = command.split_whitespace();
        let mut program = Command::new(words.next().unwrap_or_default());
        // A group of its own: Ctrl-C is for the run, which lets cells in flight end.
        program.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
        let mut child = program
            .spawn()
            .map_err(|source| ExternalError::Start { command: command.to_string(), source })?;
        let mut input = child.stdin.take().expect("a pipe");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let (questions, to_write) = channel::<String>();
        let (read, answers) = channel();
        // Either pipe may block for good, so that a thread waits for it; killing the program ends the wait.
        std::thread::spawn(move || {
            for question in to_write {
                let mut line = Vec::new();
                let asked = input.write_all(question.as_bytes()).and_then(|()| input.flush());
                let result = asked.and_then(|()| {
                    output.by_ref().take(MAX_ANSWER + 1).read_until(b'\n', &mut line).map(|_| line)
                });
                if read.send(result).is_err() {
                    return;
                }
            }
        });
        Ok(Self { command: command.to_string(), child, questions, answers })
    }

    /// The line that answers `question`.
    pub(super) fn ask(&mut self, question: &str, timeout: Duration) -> Result<String, ExternalError> {
        let command = self.command.clone();
        // Where the thread has ended, so has the wait for its answer.
        let _ = self.questions.send(question.to_string());
        match self.answers.recv_timeout(timeout) {
            Ok(Ok(line)) if line.len() as u64 > MAX_ANSWER => {
                Err(ExternalError::TooLong { command, limit: MAX_ANSWER })
            }
            Ok(Ok(line)) if line.ends_with(b"\n") => Ok(String::from_utf8_lossy(&line).into_owned()),
            Err(RecvTimeoutError::Timeout) => {
                Err(ExternalError::Silent { command, seconds: timeout.as_secs_f64() })
            }
            // A line without an end is all that a program said before it ended.
            Ok(_) | Err(RecvTimeoutError::Disconnected) => {
                Err(ExternalError::Ended { command, status: self.status() })
            }
        }
    }

    /// How it ended. It may have closed its output just before.
    fn status(&mut self) -> String {
        for _ in 0..50 {
            if let Ok(Some(status)) = self.child.try_wait() {
                return status.to_string();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        "it still runs, with its standard output closed".to_string()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: the group is that of a child which has not been waited for by anybody else; at worst it has ended.
        unsafe { libc::kill(-(self.child.id() as i32), libc::SIGKILL) };
        let _ = self.child.wait();
    }
}
