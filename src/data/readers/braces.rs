//! Rows of ARFF in braces, `{index value, …}`: what is not written down is 0 or, of a nominal attribute, its first value.
//! They are kept as they are written until all are read: then written out as a table where this takes little memory, else
//! made inputs as wide as was asked for, as rows of LIBSVM are.

use super::ReadOptions;
use super::arff::{Attribute, Entries, Entry, Nominal};
use super::columnar::FREE_BYTES;
use super::error::ReadError;
use super::examples::{Examples, Labels};
use super::rows::{Rows, room, weigh};
use crate::data::TargetKind;
use crate::data::columns::DEFAULT_LABEL;
use crate::data::columns::labels::Wanted;
use crate::data::columns::roles::{Role, Roles};
use crate::data::columns::words::truths;
use crate::data::dataset::{Shape, SplitTag};
use crate::data::table::{Decision, RowLines};
use crate::error::{Result, shorten};

/// Bytes that an entry takes once it is written out.
const CELL_BYTES: u64 = 16;
/// Bytes that rows may come to for each byte of the file when they are.
const BYTES_PER_BYTE: u64 = 2;

/// The rows so far.
#[derive(Default)]
pub(super) struct Stored {
    /// Rows without braces before them, which are written out.
    before: usize,
    /// The attribute and the value of every entry, row after row: a number, the place of a level, or the place of a
    /// text in `texts`. NaN where the value is missing.
    entries: Vec<(u32, f64)>,
    /// Where the entries of every row end.
    ends: Vec<usize>,
    texts: Vec<String>,
}

/// What a feature becomes.
enum Encoding {
    /// A column of the attribute's numbers.
    Number(u32),
    /// A column of numbers, one for each level.
    Coded(u32, Vec<f32>),
    /// Columns from this one on, one for each level.
    Levels(u32),
}

impl Stored {
    /// None yet, below so many rows without braces.
    pub fn below(before: usize) -> Self {
        Self { before, ..Self::default() }
    }

    pub fn push(&mut self, attribute: usize, entry: Entry<'_>) {
        let value = match entry {
            Entry::Missing => f64::NAN,
            Entry::Number(value) => value,
            Entry::Level(place) => f64::from(place),
            Entry::Text(text) => {
                self.texts.push(text.to_string());
                (self.texts.len() - 1) as f64
            }
        };
        self.entries.push((attribute as u32, value));
    }

    pub fn end_row(&mut self) {
        self.ends.push(self.entries.len());
    }

    fn rows(&self) -> impl Iterator<Item = &[(u32, f64)]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.entries[start..end])
    }

    fn entry(&self, attribute: &Attribute, value: f64) -> Entry<'_> {
        match &attribute.entries {
            _ if value.is_nan() => Entry::Missing,
            Entries::Numbers(_) => Entry::Number(value),
            Entries::Nominal(_) => Entry::Level(value as u32),
            Entries::Texts(_) => Entry::Text(&self.texts[value as usize]),
        }
    }

    /// Whether the rows stay sparse: where it is asked for a narrow result and all that may be a feature is numbers or
    /// levels, and where they take too much memory once written out.
    pub fn stays(&self, size: u64, attributes: &[Attribute], options: &ReadOptions) -> bool {
        let text = attributes.iter().any(|attribute| matches!(attribute.entries, Entries::Texts(_)));
        let bytes =
            (self.ends.len() as u64).saturating_mul(attributes.len() as u64).saturating_mul(CELL_BYTES);
        // Half of what is free: lists of entries double as they grow.
        options.narrowing().is_some() && !text || bytes > FREE_BYTES / 2 + BYTES_PER_BYTE * size
    }

    /// Adds all rows to the attributes, with what they leave unsaid.
    pub fn write_out(&self, file: &str, attributes: &mut [Attribute]) -> Result<()> {
        for row in self.rows() {
            let mut at = 0;
            for &(index, value) in row {
                let index = index as usize;
                for attribute in &mut attributes[at..index] {
                    attribute.zero(file)?;
                }
                let entry = self.entry(&attributes[index], value);
                attributes[index].put(file, entry)?;
                at = index + 1;
            }
            for attribute in &mut attributes[at..] {
                attribute.zero(file)?;
            }
        }
        Ok(())
    }

    /// Inputs and labels, as wide as `options` ask for. A nominal attribute is a column for each of its values, or one of
    /// numbers where its values are numbers, or false and true.
    ///
    /// # Errors
    /// [`ReadError::Dense`](ReadError) where all columns are asked for and take too much memory; refusals of missing values,
    /// of texts, and of options that sparse rows cannot heed.
    pub fn into_examples(
        self,
        file: String,
        attributes: &[Attribute],
        lines: &RowLines,
        options: &ReadOptions,
        wanted: Wanted,
        mut decisions: Vec<Decision>,
    ) -> Result<Examples> {
        if options.narrowing().is_none() {
            weigh(&file, self.ends.len(), attributes.len(), self.entries.len())?;
        }
        let names: Vec<String> = attributes.iter().map(|attribute| attribute.name.clone()).collect();
        let roles = Roles::new(&file, &names, options, wanted)?;
        refuse_options(&file, options)?;
        decisions.extend(roles.decisions(&names));
        let line = |row: usize| lines.of(row).unwrap_or(row as u64);
        if self.before > 0 {
            let problem =
                format!("rows that are to stay sparse begin below {} rows without braces", self.before);
            return Err(
                ReadError::Option { file, problem, hint: "write all rows in braces".to_string() }.into()
            );
        }
        let (encodings, absent, width) = encodings(&file, attributes, &roles)?;
        let (stored, count) = (self.entries.len(), self.ends.len());
        let bytes = 8 * absent.len() as u64 * count as u64;
        if bytes > room(stored) {
            let problem = format!(
                "{} nominal attributes whose first value is not 0 take {bytes} bytes in {count} rows, at most {} are taken",
                absent.len(),
                room(stored)
            );
            let hint = "declare the value that rows leave out first, as 0 or as the first of two".to_string();
            return Err(ReadError::Option { file, problem, hint }.into());
        }
        let mut rows = Rows { width, ..Rows::default() };
        for (at, row) in self.rows().enumerate() {
            let mut unsaid = absent.iter().peekable();
            for &(attribute, value) in row {
                while let Some(&(_, column, value)) = unsaid.next_if(|(other, ..)| *other < attribute) {
                    rows.entries.push((column, value));
                }
                unsaid.next_if(|(other, ..)| *other == attribute);
                let Some(encoding) = &encodings[attribute as usize] else { continue };
                let (column, value) = match encoding {
                    _ if value.is_nan() => return Err(missing(&file, line(at), &names[attribute as usize])),
                    Encoding::Number(column) => (*column, value as f32),
                    Encoding::Coded(column, values) => (*column, values[value as usize]),
                    Encoding::Levels(first) => (first + value as u32, 1.0),
                };
                if !value.is_finite() {
                    return Err(ReadError::Number {
                        file,
                        line: line(at),
                        column: shorten(&names[attribute as usize]).into_owned(),
                        value: value.to_string(),
                        range: " that `f32` can hold",
                        hint: "rescale the attribute".to_string(),
                    }
                    .into());
                }
                if value != 0.0 {
                    rows.entries.push((column, value));
                }
            }
            rows.entries.extend(unsaid.map(|&(_, column, value)| (column, value)));
            rows.ends.push(rows.entries.len());
        }
        let labels = roles.of(Role::Label).map(|at| {
            let text = |(row, text): (usize, Option<String>)| {
                text.filter(|text| !text.is_empty()).ok_or_else(|| ReadError::NoLabel {
                    file: file.clone(),
                    line: line(row),
                    column: shorten(&names[at]).into_owned(),
                    value: "?".to_string(),
                })
            };
            self.column(attributes, at).into_iter().enumerate().map(text).collect::<Result<_, _>>()
        });
        let split = roles.of(Role::Split).map(|at| {
            let tag = |(row, text): (usize, Option<String>)| match text.as_deref() {
                Some("train") => Ok(SplitTag::Train),
                Some("test") => Ok(SplitTag::Test),
                other => Err(ReadError::SplitValue {
                    file: file.clone(),
                    line: line(row),
                    column: shorten(&names[at]).into_owned(),
                    value: shorten(other.unwrap_or("?")).into_owned(),
                }),
            };
            self.column(attributes, at).into_iter().enumerate().map(tag).collect::<Result<_, _>>()
        });
        let (labels, split) = (labels.transpose()?.map(Labels::Texts), split.transpose()?);
        drop(self);
        let inputs = rows.into_inputs(&file, options, &mut decisions)?;
        let target = roles.of(Role::Label).map_or_else(|| DEFAULT_LABEL.to_string(), |at| names[at].clone());
        let (shape, warnings) = (Shape::Vector(inputs.cols()), Vec::new());
        Ok(Examples { file, shape, inputs, labels, split, target, decisions, warnings })
    }

    /// The text of one attribute in every row; none where it is missing.
    fn column(&self, attributes: &[Attribute], at: usize) -> Vec<Option<String>> {
        let attribute = &attributes[at];
        let written = |entry: Entry<'_>| match (entry, &attribute.entries) {
            (Entry::Number(value), _) => Some(value.to_string()),
            (Entry::Level(place), Entries::Nominal(nominal)) => {
                Some(nominal.levels[place as usize].to_string())
            }
            (Entry::Text(text), _) => Some(text.to_string()),
            _ => None,
        };
        let unsaid = match &attribute.entries {
            Entries::Numbers(_) => Some("0".to_string()),
            Entries::Nominal(nominal) => nominal.levels.first().map(|level| level.to_string()),
            Entries::Texts(_) => Some(String::new()),
        };
        let cell = |row: &[(u32, f64)]| match row.binary_search_by_key(&(at as u32), |&(index, _)| index) {
            Ok(place) => written(self.entry(attribute, row[place].1)),
            Err(_) => unsaid.clone(),
        };
        self.rows().map(cell).collect()
    }
}

/// What every attribute becomes, if it is a feature; what rows that leave an attribute out have in a column (attribute,
/// column, value) where that is not 0; and the number of columns.
type Encodings = (Vec<Option<Encoding>>, Vec<(u32, u32, f32)>, usize);

fn encodings(file: &str, attributes: &[Attribute], roles: &Roles) -> Result<Encodings, ReadError> {
    let (mut found, mut absent, mut width) = (Vec::with_capacity(attributes.len()), Vec::new(), 0usize);
    for (at, attribute) in attributes.iter().enumerate() {
        if !roles.is_feature(at) {
            found.push(None);
            continue;
        }
        let column = width as u32;
        let (encoding, columns, first) = match &attribute.entries {
            Entries::Numbers(_) => (Encoding::Number(column), 1, 0.0),
            Entries::Nominal(nominal) => match coded(nominal) {
                Some(values) => {
                    let first = values.first().copied().unwrap_or(0.0);
                    (Encoding::Coded(column, values), 1, first)
                }
                None => (Encoding::Levels(column), nominal.levels.len(), 1.0),
            },
            Entries::Texts(_) => {
                let name = shorten(&attribute.name).into_owned();
                let problem = format!("attribute {name:?} is text, in rows that stay sparse");
                let hint = format!("leave it out with --ignore \"{name}\", or write the rows without braces");
                return Err(ReadError::Option { file: file.to_string(), problem, hint });
            }
        };
        if first != 0.0 {
            absent.push((at as u32, column, first));
        }
        width += columns;
        found.push(Some(encoding));
    }
    Ok((found, absent, width))
}

/// The numbers that the levels are, or 0 and 1 for false and true.
fn coded(nominal: &Nominal) -> Option<Vec<f32>> {
    let levels = || nominal.levels.iter().map(|level| &**level);
    if let Some((_, yes)) = truths(levels()) {
        return Some(levels().map(|level| f32::from(u8::from(level.eq_ignore_ascii_case(yes)))).collect());
    }
    // 01 is a code.
    let code = |level: &str| matches!(level.as_bytes(), [b'0', b'0'..=b'9', ..]);
    let number = |level: &str| level.parse::<f32>().ok().filter(|value| value.is_finite() && !code(level));
    levels().map(number).collect()
}

/// Refuses options that rows which stay sparse cannot heed.
fn refuse_options(file: &str, options: &ReadOptions) -> Result<(), ReadError> {
    let columns = &options.columns;
    let asked = [
        (super::task_option(columns.task), columns.task != TargetKind::Class),
        ("`--id`", columns.id.is_some()),
        ("a column of domains", columns.domains.is_some()),
        ("`--types`", !columns.types.is_empty()),
        ("`--missing`", !columns.missing.is_empty()),
        ("`--features`", !options.features.is_empty()),
    ];
    match asked.into_iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((what, _)) => Err(ReadError::Option {
            file: file.to_string(),
            problem: format!("{what} named, which rows that stay sparse do not heed"),
            hint: "leave the option out, or leave so many attributes out of the file that it can be a table"
                .to_string(),
        }),
    }
}

fn missing(file: &str, line: u64, attribute: &str) -> crate::error::Error {
    let attribute = shorten(attribute);
    ReadError::Option {
        file: file.to_string(),
        problem: format!("line {line}, attribute {attribute:?}: a missing value, in rows that stay sparse"),
        hint: format!("fill it in, leave the row out, or the attribute (--ignore \"{attribute}\")"),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use super::super::arff::{Parsed, parsed};
    use super::super::read_examples;
    use super::*;
    use std::path::PathBuf;

    /// 300 rows that name few of 4,000 attributes: numbers, then a binary one that begins with 1, one of three levels and
    /// the class.
    fn file(folder: &tempfile::TempDir, rows: &[&str]) -> PathBuf {
        let numbers: String = (0..4_000).map(|at| format!("@attribute x{at} numeric\n")).collect();
        let rows: String = (0..300).map(|at| format!("{{{}}}\n", rows[at % rows.len()])).collect();
        let text = format!(
            "@relation r\n{numbers}@attribute b {{1,0}}\n@attribute c {{u,v,w}}\n@attribute class {{no,yes}}\n@data\n{rows}"
        );
        let path = folder.path().join("r.arff");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn labelled(ignore: &[&str]) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.columns.label = Some("class".to_string());
        options.columns.ignore = ignore.iter().map(ToString::to_string).collect();
        options
    }

    /// Such files were once refused.
    #[test]
    fn wide_rows_stay_sparse_and_mean_what_weka_means() {
        let folder = tempfile::tempdir().unwrap();
        let rows = ["0 1.5, 3999 -2, 4000 0", "5 3, 4001 w, 4002 yes", "4000 1, 4001 u", ""];
        let path = file(&folder, &rows);
        let found = read_examples(&path, &labelled(&[])).unwrap();
        assert_eq!((found.inputs.rows(), found.inputs.cols()), (300, 4_004));
        let set = |row: usize| -> Vec<(usize, f32)> {
            found.inputs.row(row).iter().copied().enumerate().filter(|(_, value)| *value != 0.0).collect()
        };
        // b is a number, 1 unless it is said; c has a column for each of u, v and w, the first unless it is said.
        assert_eq!(set(0), [(0, 1.5), (3_999, -2.0), (4_001, 1.0)]);
        assert_eq!(set(1), [(5, 3.0), (4_000, 1.0), (4_003, 1.0)]);
        assert_eq!(set(2), [(4_000, 1.0), (4_001, 1.0)]);
        assert_eq!(set(3), set(2));
        assert_eq!(found.classes, ["no", "yes"]);
        assert_eq!(found.labels.unwrap()[..4], [0, 1, 0, 0].map(Some));
        let few = read_examples(&path, &labelled(&["x1*", "b"])).unwrap();
        assert_eq!(few.inputs.cols(), 4_004 - 1_112, "x1, x10 to x19, x100 to x199, x1000 to x1999, and b");
        let hashed = ReadOptions { hash: Some(64), ..labelled(&[]) };
        assert_eq!(read_examples(&path, &hashed).unwrap().inputs.cols(), 64);
        let rank = ReadOptions { svd: Some(2), ..labelled(&[]) };
        assert_eq!(read_examples(&path, &rank).unwrap().inputs.cols(), 2);
    }

    /// Few attributes: whichever way, the same inputs.
    #[test]
    fn a_table_of_rows_in_braces_is_what_sparse_rows_are() {
        let text = "@relation r\n@attribute x numeric\n@attribute y numeric\n@attribute c {u,v}\n@attribute label {a,b}\n\
                    @data\n{0 2}\n{1 3, 3 b}\n{2 v}\n{0 -1, 1 1, 2 v, 3 b}\n";
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r.arff");
        std::fs::write(&path, text).unwrap();
        let table = read_examples(&path, &ReadOptions::default()).unwrap();
        let mut source = super::super::source::Source::open(&path).unwrap();
        source.expect_utf8().unwrap();
        let Parsed { attributes, stored, lines, .. } = parsed(source).unwrap();
        let options = ReadOptions::default();
        let decisions = Vec::new();
        let sparse = stored
            .unwrap()
            .into_examples("r.arff".to_string(), &attributes, &lines, &options, Wanted::Required, decisions)
            .unwrap();
        assert_eq!(sparse.inputs.values(), table.inputs.values());
        assert_eq!(sparse.inputs.row(3), [-1.0, 1.0, 0.0, 1.0]);
    }

    #[test]
    fn what_sparse_rows_cannot_hold_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let refused = |rows: &[&str], options: &ReadOptions| {
            let error = read_examples(&file(&folder, rows), options).unwrap_err();
            format!("{error} | {}", error.hint().unwrap_or_default())
        };
        let options = labelled(&[]);
        let found = refused(&["1 2", "0 1, 7 ?"], &options);
        assert!(found.contains("line 4007, attribute \"x7\": a missing value"), "{found}");
        let found = refused(&["1 2", "4002 ?"], &options);
        assert!(found.contains("line 4007"), "{found}");
        let found = refused(&["1 1e300"], &options);
        assert!(found.contains("that `f32` can hold"), "{found}");
        let mut typed = labelled(&[]);
        typed.columns.id = Some("x1".to_string());
        assert!(refused(&["1 1"], &typed).contains("--id"), "options are heeded or refused");
        let both = ReadOptions { hash: Some(4), svd: Some(2), ..options };
        assert!(refused(&["1 1"], &both).contains("leave one of them out"));
    }
}
