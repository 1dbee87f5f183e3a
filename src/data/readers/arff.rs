//! ARFF, the format of Weka and OpenML: attributes with types, then rows, dense or sparse (`{index value, …}`).

use super::ReadOptions;
use super::braces::Stored;
use super::columnar::{TextColumn, table};
use super::error::ReadError;
use super::pictures::Content;
use super::records::{MAX_RECORD_BYTES, MAX_RECORD_FIELDS};
use super::source::{Source, fault};
use crate::data::columns::labels::Wanted;
use crate::data::dataset::check_size;
use crate::data::table::{Decision, RowLines, Table};
use crate::error::{Result, shorten};
use arrow_array::{ArrayRef, Float64Array};
use std::collections::HashMap;
use std::io::{BufRead, Read};
use std::sync::Arc;

/// An attribute and its entries so far. A file may have many attributes and no rows: both are boxed where large.
pub(super) struct Attribute {
    pub name: String,
    pub entries: Entries,
}

pub(super) enum Entries {
    Numbers(Vec<Option<f64>>),
    /// Some values and no other; rows in braces that leave it out mean the first.
    Nominal(Box<Nominal>),
    Texts(Box<TextColumn>),
}

pub(super) struct Nominal {
    /// The values, each once.
    pub levels: Vec<Arc<str>>,
    places: HashMap<Arc<str>, u32>,
    /// Values by their letters without case, where no two are alike so.
    folded: HashMap<String, u32>,
    texts: TextColumn,
}

impl Nominal {
    fn of(values: Vec<String>) -> Self {
        let (mut levels, mut places) = (Vec::new(), HashMap::new());
        for value in values {
            let level: Arc<str> = value.into();
            if !places.contains_key(&level) {
                places.insert(level.clone(), levels.len() as u32);
                levels.push(level);
            }
        }
        let fold = |(level, &place): (&Arc<str>, &u32)| (level.to_lowercase(), place);
        let mut folded: HashMap<String, u32> = places.iter().map(fold).collect();
        if folded.len() < places.len() {
            folded.clear();
        }
        Self { levels, places, folded, texts: TextColumn::default() }
    }
}

/// An entry of a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Entry<'a> {
    Missing,
    Number(f64),
    /// A value of a nominal attribute, by its place among them.
    Level(u32),
    Text(&'a str),
}

/// Whether a file starts like ARFF.
pub(super) fn recognise(start: &[u8]) -> bool {
    let lines = start.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    let mut lines = lines.skip_while(|line| line.is_empty() || line.starts_with(b"%"));
    let first = lines.next().unwrap_or(&[]);
    [&b"@relation"[..], b"@attribute"]
        .iter()
        .any(|key| first.len() >= key.len() && first[..key.len()].eq_ignore_ascii_case(key))
}

/// What a file says.
pub(super) struct Parsed {
    pub attributes: Vec<Attribute>,
    /// Rows in braces, and those behind them, once there is one.
    pub stored: Option<Stored>,
    pub lines: RowLines,
    /// Rows with a weight.
    weights: usize,
}

/// Reads a file: a table, or inputs and labels where rows in braces stay sparse.
pub(super) fn read(mut source: Source<'_>, options: &ReadOptions, wanted: Wanted) -> Result<Content> {
    source.expect_utf8()?;
    let (file, size) = (source.file.clone(), source.size);
    let Parsed { mut attributes, stored, lines, weights } = parsed(source)?;
    let mut decisions = Vec::new();
    let mut say = |what: &str, choice: &str, reason: &str| {
        let (what, choice, reason) = (what.to_string(), choice.to_string(), reason.to_string());
        decisions.push(Decision { what, choice, reason, flag: None });
    };
    if weights > 0 {
        say("weights of rows", "left out", "all rows count alike here");
    }
    if let Some(stored) = stored {
        let choice = "0, or the first value of a nominal attribute";
        say("values that are not written down", choice, "rows in braces name the others");
        if stored.stays(size, &attributes, options) {
            let examples = stored.into_examples(file, &attributes, &lines, options, wanted, decisions)?;
            return Ok(Content::Examples(examples));
        }
        stored.write_out(&file, &mut attributes)?;
    } else if options.svd.is_some() && options.features.is_empty() {
        return Err(ReadOptions::refuse(&file, "`--svd`").into());
    }
    let columns = attributes.into_iter().map(Attribute::into_column).collect();
    Ok(Content::Table(Table { lines, ..table(file, columns, decisions)? }))
}

/// Reads the attributes and all rows.
pub(super) fn parsed(source: Source<'_>) -> Result<Parsed> {
    let file = source.file.clone();
    let mut from = source.into_reader();
    let mut attributes: Vec<Attribute> = Vec::new();
    let (mut text, mut line, mut rows, mut in_data) = (Vec::new(), 0, 0, false);
    let mut lines = RowLines::default();
    let (mut stored, mut weights) = (None::<Stored>, 0usize);
    loop {
        text.clear();
        line += 1;
        let limit = MAX_RECORD_BYTES as u64 + 1;
        let count =
            (&mut from).take(limit).read_until(b'\n', &mut text).map_err(|error| fault(&file, error))?;
        if count == 0 {
            break;
        }
        if count > MAX_RECORD_BYTES {
            let (limit, what) = (MAX_RECORD_BYTES, "bytes");
            return Err(ReadError::LongRecord { file, line, limit, what }.into());
        }
        if text.contains(&0) {
            return Err(ReadError::Nul { file, line }.into());
        }
        let place = super::table::Place { file: &file, line, column: "line" };
        let row = place.utf8(&text)?;
        if row.is_empty() || row.starts_with('%') {
            continue;
        }
        let problem = |problem: String| ReadError::Line { file: file.clone(), line, problem };
        if !in_data {
            in_data = header(row, &mut attributes).map_err(problem)?;
            continue;
        }
        lines.push(rows, line);
        match row.strip_prefix('{') {
            Some(inside) => {
                let stored = stored.get_or_insert_with(|| Stored::below(rows));
                let (inside, rest) = inside.split_once('}').unwrap_or((inside, ""));
                weights += usize::from(rest.contains('{'));
                let entries = fields(inside, ',').map_err(problem)?;
                let mut at = 0;
                for (entry, _) in entries.iter().filter(|(entry, _)| !entry.is_empty()) {
                    let (index, value) = entry.split_once([' ', '\t']).unwrap_or((entry, ""));
                    let index: usize = index
                        .parse()
                        .ok()
                        .filter(|&index| index >= at && index < attributes.len())
                        .ok_or_else(|| {
                            problem(format!(
                                "{:?} is no index of an attribute above those before it",
                                shorten(index)
                            ))
                        })?;
                    let value = fields(value, ',').map_err(problem)?;
                    let (value, quoted) = value.into_iter().next().unwrap_or_default();
                    stored.push(index, attributes[index].entry(&file, line, &value, quoted)?);
                    at = index + 1;
                }
                stored.end_row();
            }
            None => {
                let mut found = fields(row, ',').map_err(problem)?;
                if found.len() == 1 && attributes.len() > 1 && row.contains('\t') {
                    found = fields(row, '\t').map_err(problem)?;
                }
                // A weight may follow in braces.
                if found.len() == attributes.len() + 1
                    && found.last().is_some_and(|(last, _)| last.starts_with('{'))
                {
                    found.pop();
                    weights += 1;
                }
                let (expected, found_count) = (attributes.len(), found.len());
                if found_count != expected {
                    return Err(ReadError::Ragged { file, line, expected, found: found_count }.into());
                }
                for (at, ((value, quoted), attribute)) in found.iter().zip(&mut attributes).enumerate() {
                    let entry = attribute.entry(&file, line, value, *quoted)?;
                    match &mut stored {
                        Some(stored) => stored.push(at, entry),
                        None => attribute.put(&file, entry)?,
                    }
                }
                stored.iter_mut().for_each(Stored::end_row);
            }
        }
        rows += 1;
        check_size(&file, rows, attributes.len())?;
    }
    if rows == 0 {
        return Err(ReadError::NoRows { file }.into());
    }
    Ok(Parsed { attributes, stored, lines, weights })
}

/// Takes a line of the header; whether the data begin behind it.
fn header(row: &str, attributes: &mut Vec<Attribute>) -> Result<bool, String> {
    let word = |text: &str| text.split([' ', '\t']).next().unwrap_or("").to_ascii_lowercase();
    match word(row).as_str() {
        "@relation" => Ok(false),
        "@data" => match attributes.is_empty() {
            true => Err("@data, but no @attribute before it".to_string()),
            false => Ok(true),
        },
        "@attribute" => {
            let rest = row["@attribute".len()..].trim_start();
            let (name, rest) = name(rest)?;
            let entries = match (rest.strip_prefix('{'), word(rest).as_str()) {
                (Some(inside), _) => {
                    let inside = inside.rsplit_once('}').ok_or("values in braces without an end")?.0;
                    let values: Vec<String> =
                        fields(inside, ',')?.into_iter().map(|(value, _)| value).collect();
                    Entries::Nominal(Box::new(Nominal::of(values)))
                }
                (None, "numeric" | "real" | "integer") => Entries::Numbers(Vec::new()),
                (None, "string") => Entries::Texts(Box::default()),
                (None, "date") => {
                    let form = fields(rest["date".len()..].trim_start(), ',')?.swap_remove(0).0;
                    // Years first can be read but one way; days and months cannot.
                    if !form.is_empty() && !form.starts_with("yy") {
                        return Err(format!(
                            "dates of the form {:?}, but only those that begin with the year are read: write them as \
                             yyyy-MM-dd, or declare the attribute string",
                            shorten(&form)
                        ));
                    }
                    Entries::Texts(Box::default())
                }
                (None, other) => {
                    return Err(format!(
                        "an attribute of type {:?}, but numeric, nominal, string and date are read",
                        shorten(other)
                    ));
                }
            };
            if attributes.len() == MAX_RECORD_FIELDS {
                return Err(format!("more than {MAX_RECORD_FIELDS} attributes"));
            }
            attributes.push(Attribute { name, entries });
            Ok(false)
        }
        other => Err(format!("{:?}, but @relation, @attribute or @data is needed", shorten(other))),
    }
}

/// An attribute's name, quoted or not, and what follows it.
fn name(text: &str) -> Result<(String, &str), String> {
    match text.chars().next().filter(|quote| matches!(quote, '\'' | '"')) {
        Some(quote) => {
            let (mut name, mut letters) = (String::new(), text[1..].char_indices());
            while let Some((at, letter)) = letters.next() {
                match letter {
                    '\\' => name.extend(letters.next().map(|(_, letter)| letter)),
                    letter if letter == quote => return Ok((name, text[at + 2..].trim_start())),
                    letter => name.push(letter),
                }
            }
            Err("a quote is opened and never closed".to_string())
        }
        None => {
            let at = text.find([' ', '\t', '{']).ok_or("an attribute without a type")?;
            Ok((text[..at].to_string(), text[at..].trim_start()))
        }
    }
}

/// The fields of a row without blanks and quotes, each with whether it was quoted.
fn fields(row: &str, separator: char) -> Result<Vec<(String, bool)>, String> {
    let (mut found, mut field, mut quoted, mut quote) = (Vec::new(), String::new(), false, None);
    let mut letters = row.chars();
    while let Some(letter) = letters.next() {
        match (quote, letter) {
            (Some(_), '\\') => field.extend(letters.next()),
            (Some(open), letter) if letter == open => quote = None,
            (Some(_), letter) => field.push(letter),
            (None, '\'' | '"') if field.trim().is_empty() => {
                field.clear();
                (quoted, quote) = (true, Some(letter));
            }
            (None, letter) if letter == separator => {
                found.push(finish(std::mem::take(&mut field), std::mem::take(&mut quoted)));
            }
            (None, letter) => field.push(letter),
        }
    }
    if quote.is_some() {
        return Err("a quote is opened and never closed".to_string());
    }
    found.push(finish(field, quoted));
    Ok(found)
}

fn finish(field: String, quoted: bool) -> (String, bool) {
    let field = if quoted { field.trim_end().to_string() } else { field.trim().to_string() };
    (field, quoted)
}

impl Attribute {
    /// What a text is an entry of; `?` is none.
    fn entry<'a>(&self, file: &str, line: u64, text: &'a str, quoted: bool) -> Result<Entry<'a>> {
        if !quoted && (text == "?" || text.is_empty()) {
            return Ok(Entry::Missing);
        }
        Ok(match &self.entries {
            Entries::Numbers(_) => Entry::Number(text.parse::<f64>().map_err(|_| ReadError::Number {
                file: file.to_string(),
                line,
                column: shorten(&self.name).into_owned(),
                value: shorten(text).into_owned(),
                range: "",
                hint: "the attribute is declared numeric; declare it string or nominal".to_string(),
            })?),
            Entries::Nominal(nominal) => {
                let spelt = || nominal.folded.get(&text.to_lowercase());
                let place = nominal.places.get(text).or_else(spelt).ok_or_else(|| {
                    let problem = format!(
                        "{:?} is not among the {} values of attribute {:?}",
                        shorten(text),
                        nominal.levels.len(),
                        shorten(&self.name)
                    );
                    ReadError::Line { file: file.to_string(), line, problem }
                })?;
                Entry::Level(*place)
            }
            Entries::Texts(_) => Entry::Text(text),
        })
    }

    /// Adds the entry of the next row.
    pub fn put(&mut self, file: &str, entry: Entry<'_>) -> Result<()> {
        match (&mut self.entries, entry) {
            (Entries::Numbers(numbers), Entry::Number(number)) => numbers.push(Some(number)),
            (Entries::Numbers(numbers), _) => numbers.push(None),
            (Entries::Nominal(nominal), Entry::Level(place)) => {
                nominal.texts.push(file, nominal.levels.get(place as usize).map(|level| &**level))?;
            }
            (Entries::Nominal(nominal), _) => nominal.texts.push(file, None)?,
            (Entries::Texts(texts), Entry::Text(text)) => texts.push(file, Some(text))?,
            (Entries::Texts(texts), _) => texts.push(file, None)?,
        }
        Ok(())
    }

    /// Adds what a row in braces means where it says nothing.
    pub fn zero(&mut self, file: &str) -> Result<()> {
        let entry = match &self.entries {
            Entries::Numbers(_) => Entry::Number(0.0),
            Entries::Nominal(_) => Entry::Level(0),
            Entries::Texts(_) => Entry::Text(""),
        };
        self.put(file, entry)
    }

    fn into_column(self) -> (String, ArrayRef) {
        let column: ArrayRef = match self.entries {
            Entries::Numbers(numbers) => Arc::new(Float64Array::from(numbers)),
            Entries::Nominal(nominal) => Arc::new(nominal.texts.into_array()),
            Entries::Texts(texts) => Arc::new(texts.into_array()),
        };
        (self.name, column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(header: &str, rows: &str) -> Result<Table> {
        let text = format!("@relation t\n{header}\n@data\n{rows}\n");
        match read(Source::of_bytes("t.arff", text.as_bytes())?, &ReadOptions::default(), Wanted::Optional)? {
            Content::Table(table) => Ok(table),
            Content::Examples(_) => panic!("few rows stay a table"),
        }
    }

    #[test]
    fn attributes_are_written_in_many_ways() {
        let found =
            table("@attribute 'a\\'b' real\n@attribute c{u,v}\n@attribute d {True,False}", "1,u,true")
                .unwrap();
        let names: Vec<String> =
            found.columns.schema().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!(names, ["a'b", "c", "d"]);
        let unknown = table("@attribute d {True,true,no}", "TRUE").unwrap_err();
        assert!(unknown.to_string().contains("is not among the 3 values"), "{unknown}");
    }

    #[test]
    fn forms_of_dates_are_heeded_or_refused() {
        let refused = table("@attribute d date 'dd/MM/yyyy'", "'01/02/2020'").unwrap_err();
        assert!(refused.to_string().contains("dates of the form \"dd/MM/yyyy\""), "{refused}");
        for form in ["", " \"yyyy-MM-dd\"", " 'yyyy-MM-dd HH:mm:ss'"] {
            assert!(table(&format!("@attribute d date{form}"), "2020-02-01").is_ok(), "{form}");
        }
    }
}
