//! [`Program`]: a process that answers lines with lines, within a time.

use super::ExternalError;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// The longest answer, in bytes.
const MAX_ANSWER: u64 = 16 << 20;

/// A program that runs. It is killed when dropped, with all that it started.
pub(super) struct Program {
    command: String,
    child: Child,
    questions: Sender<String>,
    answers: Receiver<io::Result<Vec<u8>>>,
}

impl Program {
    /// Starts `command`, which is split at its spaces.
    pub(super) fn start(command: &str) -> Result<Self, ExternalError> {
        let failed = |source| ExternalError::Start { command: command.to_string(), source };
        let mut program = prepare(command);
        let (questions, to_write) = channel::<String>();
        let (read, answers) = channel();
        let (started, child) = channel();
        // Either pipe may block for good, so that a thread waits for it; killing the program ends the wait. The same
        // thread starts the program: the system kills that when the thread that started it ends, and this one lives as
        // long as the program is wanted, while whoever asks may be another thread each time.
        let thread = std::thread::Builder::new().spawn(move || {
            let started_child = program.spawn().map(|mut child| {
                let pipes = (child.stdin.take().expect("a pipe"), child.stdout.take().expect("a pipe"));
                (child, pipes)
            });
            match started_child {
                Ok((child, (input, output))) => {
                    let _ = started.send(Ok(child));
                    converse(input, output, to_write, &read);
                }
                Err(error) => {
                    let _ = started.send(Err(error));
                }
            }
        });
        thread.map_err(failed)?;
        let child =
            child.recv().unwrap_or_else(|_| Err(io::Error::other("its thread ended"))).map_err(failed)?;
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

/// What is run for `command`.
fn prepare(command: &str) -> Command {
    let mut words = command.split_whitespace();
    let mut program = Command::new(words.next().unwrap_or_default());
    // A group of its own: Ctrl-C is for the run, which lets cells in flight end.
    program.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).process_group(0);
    #[cfg(target_os = "linux")]
    die_with_us(&mut program);
    program
}

/// Has the system kill the program when this process ends in a way that drops nothing, such as by a signal. Only the
/// program itself: what it started must watch for the end of its own input.
#[cfg(target_os = "linux")]
fn die_with_us(program: &mut Command) {
    let parent = std::process::id();
    let arm = move || {
        // SAFETY: this option takes a number, and neither reads nor writes memory of the process.
        if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) } != 0 {
            return Err(io::Error::last_os_error());
        }
        // Whoever ended before the call above sends no signal any more.
        match std::os::unix::process::parent_id() == parent {
            true => Ok(()),
            false => Err(io::Error::from_raw_os_error(libc::ESRCH)),
        }
    };
    // SAFETY: between `fork` and `exec`, `arm` makes two system calls; it takes no lock and allocates nothing.
    unsafe { program.pre_exec(arm) };
}

/// Writes each question and reads the line that answers it, until nobody asks any more.
fn converse(
    mut input: ChildStdin,
    output: ChildStdout,
    questions: Receiver<String>,
    answers: &Sender<io::Result<Vec<u8>>>,
) {
    let mut output = BufReader::new(output);
    for question in questions {
        let mut line = Vec::new();
        let asked = input.write_all(question.as_bytes()).and_then(|()| input.flush());
        let result = asked
            .and_then(|()| output.by_ref().take(MAX_ANSWER + 1).read_until(b'\n', &mut line).map(|_| line));
        if answers.send(result).is_err() {
            return;
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: the group is that of a child which has not been waited for by anybody else; at worst it has ended.
        unsafe { libc::kill(-(self.child.id() as i32), libc::SIGKILL) };
        let _ = self.child.wait();
    }
}
