//! `querist stream`: decisions on rows as they come.

mod error;
mod input;

use crate::cli::args::StreamArgs;
use crate::cli::output;
use crate::durable::input as files;
use crate::error::Result;
use crate::stream::session::{Session, Settings};
use crate::stream::{Offered, StreamPolicy};
use error::StreamInputError;
use input::{Header, Line, Lines};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

/// The longest file of answers that is read.
const MAX_ANSWERS: u64 = 1 << 30;
/// Events, and numbers of rows, after which decisions are written, however much more there is to read.
const MAX_EVENTS: usize = 4_096;
/// See [`MAX_EVENTS`].
const MAX_NUMBERS: usize = 1 << 18;

/// Reads rows and answers, and writes decisions.
pub fn stream(args: &StreamArgs, quiet: bool) -> Result<()> {
    let piped = args.file == Path::new("-");
    let (source, name): (Box<dyn Read>, _) = match piped {
        true => (Box::new(std::io::stdin().lock()), "stdin".to_string()),
        false => (Box::new(files::open(&args.file)?.0), args.file.display().to_string()),
    };
    let answers = args.answers.as_deref().map(read_answers).transpose()?.unwrap_or_default();
    let mut lines = Lines::new(source, name);
    let header = Header::read(&mut lines, &args.label)?;
    let policy = args.policy.as_deref().map(StreamPolicy::open).transpose()?;
    let settings = Settings {
        strategy: policy.as_ref().map_or(&*args.strategy, StreamPolicy::name).to_string(),
        policy: policy.as_ref().map(StreamPolicy::digest),
        budget: args.budget,
        labels: args.labels,
        memory: args.memory,
        seed: args.seed,
        columns: header.columns(),
    };
    let session =
        Session::open(&settings, policy.as_ref(), args.state.as_deref()).map_err(error::of_state)?;
    let mut pass = Pass::new(session, answers, piped);
    let read = pass.read(&header, &mut lines);
    // What came before a bad line is decided, whenever that was read.
    pass.flush()?;
    read?;
    if !quiet {
        let episode = pass.session.episode();
        let (kept, answered) = (episode.kept(), pass.session.answered());
        output::message(&format!("{} rows, {kept} kept, {answered} answered", episode.seen()));
    }
    Ok(())
}

/// A pass over the lines of a stream, and the decisions that are still to be written.
struct Pass {
    session: Session,
    answers: HashMap<u64, String>,
    /// Rows that a process before took, and which of them waited for their label when it ended.
    before: u64,
    waiting: HashSet<u64>,
    /// Rows that are still to be passed over: of a file that was begun, those that were decided on.
    passed: u64,
    text: String,
}

impl Pass {
    fn new(session: Session, answers: HashMap<u64, String>, piped: bool) -> Self {
        let before = session.episode().seen();
        let waiting = session.episode().waiting().collect();
        let passed = if piped { 0 } else { before };
        Self { session, answers, before, waiting, passed, text: String::new() }
    }

    /// Takes all lines, up to the first that is refused.
    fn read(&mut self, header: &Header, lines: &mut Lines<'_>) -> Result<()> {
        self.go_on()?;
        let (mut events, mut numbers) = (0, 0);
        loop {
            if lines.would_wait() || events >= MAX_EVENTS || numbers >= MAX_NUMBERS {
                self.flush()?;
                (events, numbers) = (0, 0);
            }
            let Some(line) = lines.next()? else { break };
            let line = header.parse(&line, lines)?;
            events += 1;
            numbers += if let Line::Row { inputs, .. } = &line { inputs.len() } else { 0 };
            self.take(line).map_err(|error| lines.at(error))?;
        }
        match self.passed {
            0 => Ok(()),
            missing => {
                let (name, found) = (lines.name().to_string(), self.before - missing);
                Err(StreamInputError::Shorter { name, found, taken: self.before }.into())
            }
        }
    }

    /// Says where a stream that was begun goes on, and takes the answers that came since.
    fn go_on(&mut self) -> Result<()> {
        if self.before == 0 {
            return Ok(());
        }
        let rows: Vec<u64> = self.session.episode().waiting().collect();
        let _ = writeln!(self.text, "{}", json!({ "continued": self.before, "waiting": rows }));
        rows.into_iter().try_for_each(|row| self.answer_from_file(row))
    }

    fn answer_from_file(&mut self, row: u64) -> Result<()> {
        match self.answers.remove(&row) {
            Some(label) => self.session.answer(row, &label),
            None => Ok(()),
        }
    }

    fn take(&mut self, line: Line) -> Result<()> {
        match line {
            Line::Empty => Ok(()),
            Line::Row { .. } if self.passed > 0 => {
                self.passed -= 1;
                Ok(())
            }
            // Learned by the process before.
            Line::Answer { row, .. } if row < self.before && !self.waiting.contains(&row) => Ok(()),
            Line::Answer { row, label } => self.session.answer(row, &label),
            Line::Row { inputs, label } => self.take_row(&inputs, label.as_deref()),
        }
    }

    fn take_row(&mut self, inputs: &[f32], label: Option<&str>) -> Result<()> {
        let Some(Offered { row, confidence, decision, .. }) = self.session.row(inputs, label)? else {
            return Ok(());
        };
        let (keep, reason, score) = (decision.keep, decision.reason, 1.0 - confidence);
        let told = json!({ "row": row, "keep": keep, "reason": reason, "score": score });
        let _ = writeln!(self.text, "{told}");
        if keep { self.answer_from_file(row) } else { Ok(()) }
    }

    /// Records what happened, and then writes the decisions.
    fn flush(&mut self) -> Result<()> {
        self.session.commit().map_err(error::of_state)?;
        match std::mem::take(&mut self.text) {
            text if text.is_empty() => Ok(()),
            text => output::data(&text),
        }
    }
}

/// The labels of a file, by row. Two for one row are refused, as they are among the rows.
fn read_answers(path: &Path) -> Result<HashMap<u64, String>> {
    let text = files::read_text(path, MAX_ANSWERS)?;
    let name = path.display().to_string();
    let mut answers = HashMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || format!("{name}, line {}", at + 1);
        let (row, label) = input::answer(line, place)?;
        if answers.insert(row, label).is_some() {
            return Err(StreamInputError::AnsweredTwice { place: place(), row }.into());
        }
    }
    Ok(answers)
}
