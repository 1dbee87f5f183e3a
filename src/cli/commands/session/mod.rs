//! `querist session`: arguments in, calls of [`crate::session`], text out.

mod args;
mod ask;
mod new;
mod serve;
mod status;
mod write;

pub use args::{SessionArgs, SessionCommand};

use crate::cli::outfile::OutFile;
use crate::cli::output;
use crate::error::Result;
use crate::session::{ANNOTATOR, Answer, Clock, Session, SessionError};
use args::{OpenArgs, ReleaseArgs, TellArgs};
use std::path::{Path, PathBuf};

/// Runs the command that was named.
pub fn session(args: &SessionArgs) -> Result<()> {
    match &args.command {
        SessionCommand::New(args) => new::new(args),
        SessionCommand::Ask(args) => ask::ask(args),
        SessionCommand::Tell(args) => tell(args),
        SessionCommand::Release(args) => release(args),
        SessionCommand::Status(args) => status::status(args),
        SessionCommand::Predict(args) => write::predict(args),
        SessionCommand::Export(args) => write::export(args),
        SessionCommand::Serve(args) => serve::serve(args),
    }
}

fn open(args: &OpenArgs) -> Result<Session> {
    open_at(&args.dir, args.now.map_or(Clock::System, Clock::Fixed))
}

fn open_at(dir: &Path, clock: Clock) -> Result<Session> {
    let session = Session::open(dir)?.with_clock(clock);
    if session.torn() > 0 {
        output::message(&format!(
            "note: the last {} bytes of {}/journal are no whole record, of a write that was cut off, and left out; if the folder was \
             copied, copy it again",
            session.torn(),
            dir.display()
        ));
    }
    Ok(session)
}

/// Where a command writes, which is no file of the session itself.
fn out_file<'a>(session: &Session, path: &'a Path, force: bool) -> Result<OutFile<'a>> {
    let own = session.files();
    OutFile::new(path, force, &own.iter().map(PathBuf::as_path).collect::<Vec<_>>())
}

fn tell(args: &TellArgs) -> Result<()> {
    let mut session = open(&args.open)?;
    let annotator = args.annotator.as_deref().unwrap_or(ANNOTATOR);
    let answers = match &args.file {
        Some(file) if args.annotator.is_some() && file.extension().is_some_and(|ending| ending == "json") => {
            return Err(SessionError::Field {
                place: "--annotator".to_string(),
                found: annotator.to_string(),
                expected: "left out: an export of Label Studio says who has answered".to_string(),
            }
            .into());
        }
        Some(file) => session.read(file, annotator)?,
        None => {
            let parse = |text: &String| Ok(Answer::parse(text, &format!("--row {text}"))?.by(annotator));
            args.row.iter().map(parse).collect::<Result<_>>()?
        }
    };
    let taken = session.tell(&answers)?;
    if args.json {
        return output::json(&serde_json::json!(taken));
    }
    let counts = session.counts()?;
    output::data(&format!(
        "{} new answers, {} revised, {} known before; {} of {} rows have a label\n",
        taken.new, taken.revised, taken.repeated, counts.labelled, counts.rows
    ))
}

fn release(args: &ReleaseArgs) -> Result<()> {
    let rows = (!args.all).then_some(&args.rows[..]);
    let count = open(&args.open)?.release(rows)?;
    output::data(&format!("{count} rows released\n"))
}
