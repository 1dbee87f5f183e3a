//! `querist stream`: decisions on rows as they come.

mod error;
mod input;

use crate::cli::args::StreamArgs;
use crate::cli::output;
use crate::durable::input as files;
use crate::error::Result;
use crate::stream::Offered;
use crate::stream::session::{Session, Settings};
use error::StreamInputError;
use input::{Header, Line, Lines};
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;
use std::io::Read;
use std::path::Path;

/// The longest file of answers that is read.
const MAX_ANSWERS: u64 = 1 << 30;
/// Events after which decisions are written, however much more there is to read.
const MAX_EVENTS: usize = 4_096;

/// Reads rows and answers, and writes decisions.
pub fn stream(args: &StreamArgs, quiet: bool) -> Result<()> {
    let piped = args.file == Path::new("-");
    let (source, name): (Box<dyn Read>, _) = match piped {
        true => (Box::new(std::io::stdin().lock()), "stdin".to_string()),
        false => (Box::new(files::open(&args.file)?.0), args.file.display().to_string()),
    };
    let mut answers = args.answers.as_deref().map(read_answers).transpose()?.unwrap_or_default();
    let mut lines = Lines::new(source, name);
    let header = Header::read(&mut lines, &args.label)?;
    let settings = Settings {
        strategy: args.strategy.clone(),
        budget: args.budget,
        labels: args.labels,
        memory: args.memory,
        seed: args.seed,
        columns: header.columns(),
    };
    let mut session = Session::open(&settings, args.state.as_deref())?;
    let before = session.episode().seen();
    let waiting: HashSet<u64> = session.episode().waiting().collect();
    let mut text = String::new();
    if before > 0 {
        let rows: Vec<u64> = session.episode().waiting().collect();
        let _ = writeln!(text, "{}", json!({ "continued": before, "waiting": rows }));
        for row in rows {
            if let Some(label) = answers.remove(&row) {
                session.answer(row, &label)?;
            }
        }
    }
    let mut events = 0;
    // Of a file that was begun, what was decided on is passed over.
    let mut passed = if piped { 0 } else { before };
    loop {
        if lines.would_wait() || events >= MAX_EVENTS {
            session.commit()?;
            if !text.is_empty() {
                output::data(&text)?;
                text.clear();
            }
            events = 0;
        }
        let Some(line) = lines.next()? else { break };
        events += 1;
        match header.parse(&line, &lines)? {
            Line::Empty => {}
            Line::Row { .. } if passed > 0 => passed -= 1,
            // Learned by the process before.
            Line::Answer { row, .. } if row < before && !waiting.contains(&row) => {}
            Line::Answer { row, label } => session.answer(row, &label).map_err(|error| lines.at(error))?,
            Line::Row { inputs, label } => {
                let offered = session.row(&inputs, label.as_deref()).map_err(|error| lines.at(error))?;
                let Some(Offered { row, confidence, decision }) = offered else { continue };
                let (keep, reason, score) = (decision.keep, decision.reason, 1.0 - confidence);
                let told = json!({ "row": row, "keep": keep, "reason": reason, "score": score });
                let _ = writeln!(text, "{told}");
                if keep && let Some(label) = answers.remove(&row) {
                    session.answer(row, &label).map_err(|error| lines.at(error))?;
                }
            }
        }
    }
    session.commit()?;
    if !text.is_empty() {
        output::data(&text)?;
    }
    if !quiet {
        let episode = session.episode();
        let (kept, answered) = (episode.kept(), session.answered());
        output::message(&format!("{} rows, {kept} kept, {answered} answered", episode.seen()));
    }
    Ok(())
}

/// The labels of a file, by row; of two for one row, the later.
fn read_answers(path: &Path) -> Result<HashMap<u64, String>> {
    let text = files::read_text(path, MAX_ANSWERS)?;
    let name = path.display().to_string();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let answer = |(at, line): (usize, &str)| -> Result<(u64, String), StreamInputError> {
        input::answer(line, || format!("{name}, line {}", at + 1))
    };
    Ok(lines.map(answer).collect::<Result<_, _>>()?)
}
