//! `querist session ask`.

use super::args::AskArgs;
use super::{open, out_file};
use crate::cli::output;
use crate::error::{Result, shorten};
use crate::session::{Asked, Asking, Column, Format, Session, Table, says_something};
use serde_json::{Map, Value, json};

/// Characters of a row's content in a line.
const SHOWN: usize = 60;

/// Asks, and prints or writes the rows.
pub fn ask(args: &AskArgs) -> Result<()> {
    let file = args.csv.as_deref().or(args.label_studio.as_deref()).or(args.prodigy.as_deref());
    let mut session = open(&args.open)?;
    if args.label_studio.is_some() || args.prodigy.is_some() {
        // Before any row is given out.
        session.expect_classes("tasks of Label Studio and Prodigy")?;
    }
    let out = file.map(|path| out_file(&session, path, args.force)).transpose()?;
    let count = args.batch.unwrap_or(session.settings().batch);
    let asking = session.ask_as(&args.annotator, count)?;
    if let Some(note) = &asking.note {
        output::message(&format!("note: {note}"));
    }
    if args.json {
        return output::json(&in_json(&session, &asking)?);
    }
    if let Some(out) = out {
        let bytes = if args.label_studio.is_some() {
            session.label_studio_tasks(&asking)?.to_string().into_bytes()
        } else if args.prodigy.is_some() {
            session.prodigy_tasks(&asking)?.into_bytes()
        } else {
            in_csv(&session, &asking)?
        };
        out.write(&bytes)?;
        return Ok(());
    }
    output::data(&in_lines(&session, &asking)?)
}

fn in_json(session: &Session, asking: &Asking) -> Result<Value> {
    let mut value = json!(asking);
    for (at, asked) in asking.rows.iter().enumerate() {
        let content = session.content(asked.row)?;
        let fields: Map<String, Value> =
            content.fields.into_iter().map(|(name, text)| (name, Value::String(text))).collect();
        value["rows"][at]["content"] = Value::Object(fields);
        value["rows"][at]["picture"] = Value::Bool(content.picture);
    }
    Ok(value)
}

/// A table to fill in. The session's name makes sure that answers come back to it.
fn in_csv(session: &Session, asking: &Asking) -> Result<Vec<u8>> {
    let rows = &asking.rows;
    let texts = |of: &dyn Fn(&Asked) -> Option<String>| Column::Texts(rows.iter().map(of).collect());
    let mut columns = vec![
        ("row".to_string(), Column::Counts(rows.iter().map(|one| one.row as u64).collect())),
        ("label".to_string(), texts(&|_| None)),
        ("predicted".to_string(), texts(&|one| Some(one.predicted.as_ref()?.0.clone()))),
        ("reason".to_string(), texts(&|one| Some(one.reason.clone()))),
        ("session".to_string(), texts(&|_| Some(asking.session.clone()))),
    ];
    if session.settings().named {
        columns.push(("id".to_string(), texts(&|one| one.id.clone())));
    }
    let contents = rows.iter().map(|one| session.content(one.row)).collect::<Result<Vec<_>>>()?;
    for (at, name) in session.settings().shown.iter().enumerate() {
        let texts = contents.iter().map(|one| Some(one.fields.get(at)?.1.clone())).collect();
        // A column of the pool says nothing of the answer, whatever it is called.
        let taken = says_something(name) || columns.iter().any(|(own, _)| own == name);
        let name = if taken { format!("pool.{name}") } else { name.clone() };
        columns.push((name, Column::Texts(texts)));
    }
    Table { columns }.bytes(Format::Csv)
}

fn in_lines(session: &Session, asking: &Asking) -> Result<String> {
    let mut lines = Vec::new();
    for asked in &asking.rows {
        let content = session.content(asked.row)?;
        let fields: Vec<String> =
            content.fields.iter().map(|(name, text)| format!("{name}={text}")).collect();
        let shown: String = shorten(&fields.join(" ")).chars().take(SHOWN).collect();
        let row =
            asked.id.as_ref().map_or(asked.row.to_string(), |id| format!("{} ({})", asked.row, shorten(id)));
        lines.push(vec![row, shown, asked.reason.clone()]);
    }
    Ok(output::table(&lines))
}
