//! `external(command="…")`: a program of the user's own as a strategy, over JSON lines.
//!
//! The program is started at the first query of an episode and lives as long as that; each query is one line on its
//! standard input, and one line on its standard output answers it. What it prints on standard error is passed on. A line of
//! input is an object ([`Question`]):
//!
//! ```text
//! {"batch":1,"seed":7345,"classes":2,"candidates":[4,9],"features":[[0.5,1.0],[0.0,2.0]],
//!  "probabilities":[[0.6,0.4],[0.9,0.1]],"labelled":[0],"labels":[1],"labelled_features":[[3.0,1.0]]}
//! ```
//!
//! Candidates ascend; `features` and `probabilities` have a row for each. An answer holds as many distinct candidates as
//! `batch` says, most wanted first, and whatever else of this there is to say:
//!
//! ```text
//! {"picks":[4],"utilities":[0.2],"note":"looked at all"}
//! {"error":"no model for 2 classes"}
//! ```
//!
//! Anything else, silence for longer than `timeout` seconds and a program that ends are refused ([`ExternalError`]), and the
//! program is killed, with all that it started. On Linux the program itself is killed, too, when this process ends by a
//! signal. A program that draws its random numbers from `seed`, and keeps nothing between episodes, gives the same picks
//! whenever a plan is run.
//!
//! A specification that holds a command runs it, with the rights of whoever runs the specification: read experiment
//! files of others before they are run. So [`Registry::builtin`] does not know `external`; [`Registry::with_programs`] adds it,
//! as the command line does.

mod answer;
mod program;
mod question;

pub use answer::{Answer, AnswerError};
pub use question::{MAX_NUMBERS, Question};

use super::registry::{Built, Card, Entry, Family, Registry};
use super::{Needs, PoolView, Size, Strategy};
use crate::data::RowId;
use crate::error::{Fault, Result};
use crate::rng::Key;
use program::Program;
use std::time::Duration;

/// Seconds that an answer may take unless the specification says otherwise.
pub const TIMEOUT: f64 = 60.0;

/// Why a program's answer cannot be used.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum ExternalError {
    /// It cannot be started.
    #[error("external: `{command}` cannot be started: {source}")]
    #[diagnostic(help(
        "the command is split at its spaces, without a shell; write the path of the program, or a name in PATH"
    ))]
    Start { command: String, source: std::io::Error },
    /// It has ended, or closed its standard output.
    #[error("external: `{command}` ended without an answer ({status})")]
    #[diagnostic(help(
        "it must answer every line of its standard input with one line, until that is closed"
    ))]
    Ended { command: String, status: String },
    /// It does not answer.
    #[error("external: `{command}` gave no answer within {seconds} seconds")]
    #[diagnostic(help("flush standard output after each answer, or give it longer: timeout=SECONDS"))]
    Silent { command: String, seconds: f64 },
    /// An answer without an end.
    #[error("external: `{command}` answered with a line of more than {limit} bytes")]
    TooLong { command: String, limit: u64 },
    /// Something other than an answer.
    #[error("external: `{command}` answered `{found}`: {reason}")]
    #[diagnostic(help("an answer is one line, such as {{\"picks\":[4,9]}}"))]
    Unreadable { command: String, found: String, reason: String },
    /// It says that it cannot.
    #[error("external: `{command}` says: {reason}")]
    Refused { command: String, reason: String },
    /// Picks or utilities that break the contract.
    #[error("external: `{command}`: {broken}")]
    Answer { command: String, broken: AnswerError },
}

impl Fault for ExternalError {}

/// The entry of `external`.
pub const ENTRY: Entry = Entry {
    card: Card {
        name: "external",
        summary: "a program of your own, asked over JSON lines",
        paper: "whatever the program follows",
        family: Family::Own,
        needs: NEEDS,
        cost: "the program's, and one line of n (d + C) numbers per query",
        example: "external(command=\"python3 pick.py\")",
        deterministic: false,
    },
    make: |params| {
        let command = params.text("command", "a program and its arguments, in quotation marks")?;
        let timeout = Duration::from_secs_f64(params.real("timeout", TIMEOUT, 0.001..=86_400.0)?);
        let truth = [("true", true), ("false", false)];
        let (probabilities, labels) =
            (params.choice("probabilities", &truth)?, params.choice("labels", &truth)?);
        Built::batch(External::new(command, timeout, Needs { probabilities, labels, ..NEEDS }))
    },
};

const NEEDS: Needs = Needs { inputs: true, probabilities: true, labels: true, ..Needs::NONE };

impl Registry {
    /// The same strategies and [`external`](self), so that a specification may name a program, which is then run.
    pub fn with_programs(self) -> Self {
        match self.find(ENTRY.card.name) {
            Ok(_) => self,
            Err(_) => self.with(ENTRY).expect("a plain name that is free"),
        }
    }
}

/// A program that is asked, see the [module](self).
pub struct External {
    command: String,
    timeout: Duration,
    needs: Needs,
    program: Option<Program>,
    answer: Answer,
}

impl External {
    fn new(command: String, timeout: Duration, needs: Needs) -> Self {
        Self { command, timeout, needs, program: None, answer: Answer::default() }
    }

    fn answer(&mut self, question: &str) -> Result<Answer, ExternalError> {
        let program = match &mut self.program {
            Some(program) => program,
            None => self.program.insert(Program::start(&self.command)?),
        };
        let line = program.ask(question, self.timeout)?;
        let command = || self.command.clone();
        Answer::read(&line).map_err(|reason| {
            let found = crate::error::shorten(line.trim_end()).into_owned();
            ExternalError::Unreadable { command: command(), found, reason }
        })
    }
}

impl Strategy for External {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        self.answer = Answer::default();
        view.check(self.needs)?;
        let question = Question::of(view, self.needs, batch, key)?;
        if question.batch == 0 {
            return Ok(Vec::new());
        }
        let answered = self.answer(&question.to_json()).and_then(|answer| {
            let command = self.command.clone();
            if let Some(reason) = answer.error {
                return Err(ExternalError::Refused { command, reason });
            }
            let picks = question.rows(&answer.picks, answer.utilities.as_deref());
            let picks = picks.map_err(|broken| ExternalError::Answer { command, broken })?;
            Ok((picks, answer))
        });
        match answered {
            Ok((picks, answer)) => {
                self.answer = answer;
                Ok(picks)
            }
            Err(error) => {
                // What it would say next answers an older question.
                self.program = None;
                Err(error.into())
            }
        }
    }

    fn needs(&self) -> Needs {
        self.needs
    }

    fn note(&self) -> Option<String> {
        self.answer.note.as_deref().map(|note| crate::error::shorten(note).into_owned())
    }

    fn utilities(&self) -> Option<&[f64]> {
        self.answer.utilities.as_deref()
    }

    fn memory(&self, size: &Size) -> u64 {
        // A number takes four bytes where it is gathered, and some twelve as text.
        Size::items(size.candidates + size.labelled, 16 * (size.width + size.classes) as u64 + 24)
    }
}
