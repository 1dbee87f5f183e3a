//! NPZ archives: inputs and labels under any names, in one piece or as parts of an official split. Nothing is ever
//! extracted to disk.

use super::ReadOptions;
use super::array::Layout;
use super::error::ReadError;
use super::examples::{Examples, Labels, arrange, doubtful_channels, located};
use super::masks;
use super::npy::Array;
use super::scipy;
use super::zip::Archive;
use crate::data::TargetKind;
use crate::data::dataset::{SplitTag, check_size};
use crate::data::error::DataError;
use crate::data::matrix::Matrix;
use crate::data::table::Decision;
use crate::data::target::MAX_LABELS;
use crate::error::{Result, shorten};
use std::path::Path;

/// Names that inputs usually have, the more usual first; letter case is ignored.
const INPUTS: [&str; 11] = [
    "x",
    "data",
    "features",
    "inputs",
    "images",
    "image",
    "embeddings",
    "embedding",
    "samples",
    "xs",
    "arr_0",
];
/// Names that labels usually have.
pub(super) const LABELS: [&str; 9] =
    ["y", "target", "targets", "label", "labels", "class", "classes", "ys", "arr_1"];
/// Names that parts of an official split usually have, and what they are for.
const PARTS: [(&str, SplitTag); 7] = [
    ("train", SplitTag::Train),
    ("training", SplitTag::Train),
    ("val", SplitTag::Train),
    ("valid", SplitTag::Train),
    ("validation", SplitTag::Train),
    ("dev", SplitTag::Train),
    ("test", SplitTag::Test),
];
/// Names of a member that says what classes are called.
const NAMES: [&str; 4] = ["target_names", "class_names", "label_names", "classes_names"];

/// Which members are read.
struct Members {
    /// Inputs, labels if there are any, and the part they are.
    parts: Vec<(String, Option<String>, Option<SplitTag>)>,
    /// A member with the split of every row.
    split: Option<String>,
}

/// Reads an archive; without labels only where it need not be `labelled`.
pub(super) fn read(path: &Path, options: &ReadOptions, labelled: bool) -> Result<Examples> {
    let archive = Archive::open(path)?;
    let names = archive.arrays();
    let mut decisions = Vec::new();
    if names.is_empty() {
        let hint = "unpack it first, and name a file in it; a spreadsheet is saved as CSV";
        return Err(ReadError::OtherFormat {
            file: archive.file,
            what: "a ZIP archive without arrays",
            hint,
        }
        .into());
    }
    if scipy::recognise(&names) {
        return scipy::read(&archive, options);
    }
    if let Some(what) = options.narrowing() {
        return Err(ReadOptions::refuse(&archive.file, what).into());
    }
    let members = choose(&archive, &names, options, labelled, &mut decisions)?;
    // Headers first: nothing is read of arrays that do not belong together or are too large.
    let mut layouts: Vec<Layout> = Vec::new();
    let mut total = 0usize;
    for (inputs, labels, _) in &members.parts {
        let layout = archive.array(inputs, |file, layout, _| {
            check_size(file, layout.rows(), layout.width())?;
            Ok(layout.clone())
        })?;
        for other in labels.iter().chain(&members.split) {
            let (found, expected) = (archive.array(other, |_, layout, _| Ok(layout.rows()))?, layout.rows());
            if found != expected {
                let file = archive.member_name(other);
                return Err(ReadError::Rows { file, found, other: inputs.clone(), expected }.into());
            }
        }
        if let Some(first) = layouts.first()
            && first.shape[1..] != layout.shape[1..]
        {
            let problem = format!(
                "one row has the shape {:?}, in the first part {:?}",
                &layout.shape[1..],
                &first.shape[1..]
            );
            return Err(ReadError::Header { file: archive.member_name(inputs), problem }.into());
        }
        total = total.saturating_add(layout.rows());
        check_size(&archive.file, total, layout.width())?;
        layouts.push(layout);
    }
    // Labels before inputs, which are larger.
    let mut labels: Option<Labels> = None;
    for member in members.parts.iter().filter_map(|(_, labels, _)| labels.as_ref()) {
        let more = read_labels(&archive, member, options, labelled, &mut decisions)?;
        match &mut labels {
            None => labels = Some(more),
            Some(labels) => labels.append(more).map_err(|problem| ReadError::Header {
                file: archive.member_name(member),
                problem: problem.to_string(),
            })?,
        }
    }
    let mut split = members.split.as_ref().map(|member| read_split(&archive, member)).transpose()?;
    let (mut values, mut width) = (Vec::new(), 0);
    for (inputs, _, tag) in &members.parts {
        let part = archive.array(inputs, |file, layout, from| {
            let inputs =
                layout.read_matrix(file, &mut *from).map_err(|error| located(error, layout, options))?;
            from.expect_sum(file)?;
            Ok(inputs)
        })?;
        width = part.cols();
        if let Some(tag) = tag {
            split.get_or_insert_default().extend(std::iter::repeat_n(*tag, part.rows()));
        }
        match values.is_empty() {
            true => values = part.into_values(),
            false => values.extend(part.into_values()),
        }
    }
    let rows = values.len() / width.max(1);
    let (shape, inputs) = arrange(&layouts[0], Matrix::new(values, rows, width), options, &mut decisions);
    labels = match (labels, &options.columns.label) {
        (Some(Labels::Whole(numbers)), None) => Some(with_names(&archive, &names, numbers)),
        (Some(Labels::Sets(sets, numbered)), None) => {
            let named = names_of_classes(&archive, &names).filter(|named| named.len() == numbered.len());
            Some(Labels::Sets(sets, named.unwrap_or(numbered)))
        }
        (labels, _) => labels,
    };
    let warnings = doubtful_channels(&layouts[0], options).into_iter().collect();
    let target = members.parts.iter().find_map(|(_, labels, _)| labels.clone()).unwrap_or_default();
    Ok(Examples { file: archive.file, shape, inputs, labels, split, target, decisions, warnings })
}

/// Decides which members are read. Names that are asked for are heeded or refused.
fn choose(
    archive: &Archive,
    names: &[String],
    options: &ReadOptions,
    labelled: bool,
    decisions: &mut Vec<Decision>,
) -> Result<Members> {
    let exact = |wanted: &str| names.iter().find(|name| name.as_str() == wanted);
    let alike =
        |wanted: &str| exact(wanted).or_else(|| names.iter().find(|name| name.eq_ignore_ascii_case(wanted)));
    let missing = |member: &str, flag: &str| ReadError::NoMember {
        file: archive.file.clone(),
        member: member.to_string(),
        hint: format!("{}; `{flag}` names one", archive.listed()),
    };
    let (inputs, label) = (options.inputs.as_deref(), options.columns.label.as_deref());
    let part_of = |part: &str, base: &str| {
        [format!("{base}_{part}"), format!("{part}_{base}"), format!("{base}{part}")]
            .iter()
            .find_map(|name| alike(name))
    };
    let whole = match inputs {
        Some(wanted) => exact(wanted),
        None => INPUTS.iter().find_map(|name| alike(name)),
    };
    let mut parts = Vec::new();
    if whole.is_none() {
        let inputs = inputs.map_or(INPUTS.to_vec(), |inputs| vec![inputs]);
        // Labels may be asked for by the name of one part (`coarse_train`).
        let labels = label.map_or(LABELS.to_vec(), |label| match exact(label).and(base_of(label)) {
            Some(base) => vec![label, base],
            None => vec![label],
        });
        for (part, tag) in PARTS {
            let Some(found) = inputs.iter().find_map(|base| part_of(part, base)) else { continue };
            let label = labels.iter().find_map(|base| part_of(part, base));
            if label.is_none() && (labelled || options.columns.label.is_some()) {
                let wanted = match options.columns.label.as_deref() {
                    // What is asked for and nowhere at all is named as it was asked for.
                    Some(asked)
                        if !PARTS
                            .iter()
                            .any(|(part, _)| labels.iter().any(|base| part_of(part, base).is_some())) =>
                    {
                        asked.to_string()
                    }
                    Some(asked) => format!("{}_{part}", base_of(asked).unwrap_or(asked)),
                    None => format!("y_{part}"),
                };
                return Err(missing(&wanted, "--label").into());
            }
            parts.push((found.clone(), label.cloned(), Some(tag)));
        }
    }
    if !parts.is_empty() {
        let listed: Vec<String> = parts
            .iter()
            .map(|(inputs, _, tag)| {
                let role = if *tag == Some(SplitTag::Test) { "tested on" } else { "trained on" };
                format!("{} {role}", shorten(inputs))
            })
            .collect();
        decisions.push(Decision {
            what: "split".to_string(),
            choice: listed.join(", "),
            reason: "the archive comes in parts of these names".to_string(),
            flag: Some("--inputs".to_string()),
        });
        return Ok(Members { parts, split: None });
    }
    let whole = match (whole, inputs) {
        (Some(found), _) => found.clone(),
        (None, Some(wanted)) => return Err(missing(wanted, "--inputs").into()),
        (None, None) => only_inputs(archive, names)?.ok_or_else(|| ReadError::NoMember {
            file: archive.file.clone(),
            member: INPUTS[0].to_string(),
            hint: format!(
                "{}; inputs are called {}, or are the only array of rows; `--inputs` names them",
                archive.listed(),
                INPUTS.join(", ")
            ),
        })?,
    };
    let labels = match label {
        Some(wanted) => Some(exact(wanted).ok_or_else(|| missing(wanted, "--label"))?.clone()),
        None => {
            let found = LABELS.iter().find_map(|name| alike(name)).filter(|name| **name != whole).cloned();
            match found {
                None if labelled => return Err(missing("y", "--label").into()),
                found => found,
            }
        }
    };
    if let (Some(taken), None) = (&labels, label) {
        let like = |name: &&String| LABELS.iter().any(|usual| name.eq_ignore_ascii_case(usual));
        let left: Vec<String> = names
            .iter()
            .filter(like)
            .filter(|name| *name != taken && **name != whole)
            .map(|name| shorten(name).into_owned())
            .collect();
        if !left.is_empty() {
            decisions.push(Decision {
                what: "other labels".to_string(),
                choice: format!("{} left out", left.join(", ")),
                reason: format!("{} comes first among the names that labels usually have", shorten(taken)),
                flag: Some("--label".to_string()),
            });
        }
    }
    if let Some(labels) = &labels
        && (inputs.is_none() || label.is_none())
        && (whole != "X" || labels != "y")
    {
        decisions.push(Decision {
            what: "members".to_string(),
            choice: format!("inputs {}, labels {}", shorten(&whole), shorten(labels)),
            reason: "their names and shapes".to_string(),
            flag: Some("--inputs, --label".to_string()),
        });
    }
    Ok(Members { parts: vec![(whole, labels, None)], split: alike("split").cloned() })
}

/// The name of labels without that of a part: `coarse` of `coarse_train`.
fn base_of(label: &str) -> Option<&str> {
    PARTS.iter().find_map(|(part, _)| {
        let behind = label.strip_suffix(part).and_then(|base| base.strip_suffix('_'));
        let before = || label.strip_prefix(part).and_then(|base| base.strip_prefix('_'));
        behind.or_else(before).filter(|base| !base.is_empty())
    })
}

/// The one member that has the shape of inputs, if there is just one.
fn only_inputs(archive: &Archive, names: &[String]) -> Result<Option<String>> {
    let mut found = None;
    for name in names {
        // Members of other types are nobody's inputs.
        let wide = archive.array(name, |_, layout, _| {
            Ok(layout.shape.len() > 1 && layout.width() > 1 && !layout.element.is_text())
        });
        if wide.unwrap_or(false) && found.replace(name.clone()).is_some() {
            return Ok(None);
        }
    }
    Ok(found)
}

/// Labels as numbers or texts, one a row; rows of zeros and a single one count as the place of the one.
pub(super) fn read_labels(
    archive: &Archive,
    member: &str,
    options: &ReadOptions,
    labelled: bool,
    decisions: &mut Vec<Decision>,
) -> Result<Labels> {
    match options.columns.task {
        TargetKind::MultiLabel => return read_sets(archive, member),
        TargetKind::Mask => return masks::read_member(archive, member, labelled),
        TargetKind::Class | TargetKind::Real => {}
    }
    let (labels, one_hot) = archive.array(member, |file, layout, from| {
        let width = layout.width();
        let problem = |problem: String| ReadError::Header { file: file.to_string(), problem };
        if layout.shape.is_empty() || width == 0 {
            return Err(problem(format!(
                "labels have one dimension, this array's shape is {:?}",
                layout.shape
            ))
            .into());
        }
        if layout.element.is_text() && width == 1 {
            let texts = layout.read_texts(file, &mut *from)?;
            from.expect_sum(file)?;
            return Ok((Labels::Texts(texts), None));
        }
        let numbers =
            layout.read_whole(file, &mut *from).map_err(|error| located(error, layout, options))?;
        from.expect_sum(file)?;
        if width == 1 {
            return Ok((Labels::Whole(numbers), None));
        }
        let place = |row: &[i64]| {
            let one = row.iter().position(|&number| number == 1)?;
            (row.iter().filter(|&&number| number != 0).count() == 1).then_some(one as i64)
        };
        let places: Option<Vec<i64>> = numbers.chunks_exact(width).map(place).collect();
        let places = places.ok_or_else(|| ReadError::Option {
            file: file.to_string(),
            problem: format!("{width} labels a row (shape {:?}), but one is needed", layout.shape),
            hint: "--task multi_label takes them all; or save one column of them as a member of its own, and name it with \
                   `--label`"
                .to_string(),
        })?;
        Ok((Labels::Whole(places), Some(width)))
    })?;
    if let Some(width) = one_hot {
        decisions.push(Decision {
            what: format!("labels {}", shorten(member)),
            choice: "the place of the one in every row".to_string(),
            reason: format!("every row has {width} numbers, one of them 1 and the others 0"),
            flag: Some("--label".to_string()),
        });
    }
    Ok(labels)
}

/// The sets of labels that an array of 0 and 1 says, a column for each label; labels are called by their places.
fn read_sets(archive: &Archive, member: &str) -> Result<Labels> {
    archive.array(member, |file, layout, from| {
        let width = layout.width();
        if layout.shape.is_empty() || !(1..=MAX_LABELS).contains(&width) {
            let (name, found, limit) = (file.to_string(), width as u128, MAX_LABELS as u128);
            return Err(DataError::TooMany { name, what: "labels", found, limit }.into());
        }
        let numbers = layout.read_whole(file, &mut *from)?;
        from.expect_sum(file)?;
        if let Some(at) = numbers.iter().position(|&number| number != 0 && number != 1) {
            let (file, row, column, value) =
                (file.to_string(), at / width, at % width, numbers[at].to_string());
            let (problem, hint) =
                ("neither 0 nor 1", "sets of labels are arrays of 0 and 1, a column for each label");
            return Err(ReadError::Element { file, row, column, value, problem, hint }.into());
        }
        let set = |row: &[i64]| (0..width).fold(0u32, |set, label| set | (row[label] as u32) << label);
        let sets = numbers.chunks_exact(width).map(set).collect();
        Ok(Labels::Sets(sets, (0..width).map(|label| label.to_string()).collect()))
    })
}

/// The split of every row: 0 or `train`, 1 or `test`.
pub(super) fn read_split(archive: &Archive, member: &str) -> Result<Vec<SplitTag>> {
    archive.array(member, |file, layout, from| {
        let texts: Vec<String> = if layout.element.is_text() {
            layout.read_texts(file, &mut *from)?
        } else {
            layout.read_whole(file, &mut *from)?.iter().map(i64::to_string).collect()
        };
        from.expect_sum(file)?;
        let tag = |(row, text): (usize, &String)| match text.as_str() {
            "0" | "train" => Ok(SplitTag::Train),
            "1" | "test" => Ok(SplitTag::Test),
            other => Err(ReadError::Element {
                file: file.to_string(),
                row,
                column: 0,
                value: shorten(other).into_owned(),
                problem: "no split: 0 is train and 1 is test",
                hint: "save it under another name if it is no split",
            }),
        };
        Ok(texts.iter().enumerate().map(tag).collect::<Result<_, _>>()?)
    })
}

/// Labels under the names that a member of the archive has for them, if one does.
fn with_names(archive: &Archive, members: &[String], labels: Vec<i64>) -> Labels {
    let Some(names) = names_of_classes(archive, members) else { return Labels::Whole(labels) };
    let number = |&label: &i64| u32::try_from(label).ok().filter(|&label| (label as usize) < names.len());
    match labels.iter().map(number).collect() {
        Some(numbers) => Labels::Named(numbers, names),
        None => Labels::Whole(labels),
    }
}

/// What a member of the archive says that classes, or labels, are called: names of which no two are the same.
fn names_of_classes(archive: &Archive, members: &[String]) -> Option<Vec<String>> {
    let member = members.iter().find(|member| NAMES.contains(&member.as_str()))?;
    // Names that NumPy has pickled cannot be read, and are not needed.
    let texts = archive.array(member, |file, layout, from| {
        if !layout.element.is_text() {
            return Ok(Vec::new());
        }
        let texts = layout.read_texts(file, &mut *from)?;
        from.expect_sum(file)?;
        Ok(texts)
    });
    let names: Vec<String> = texts.ok()?;
    let mut distinct = names.clone();
    distinct.sort_unstable();
    distinct.dedup();
    (distinct.len() == names.len() && !names.is_empty()).then_some(names)
}

/// Arrays of numbers by name: their shapes, and their elements in row-major order.
///
/// # Errors
/// [`ReadError`] with the member and the place.
pub fn read_arrays<const N: usize>(path: &Path, names: [&str; N]) -> Result<[Array; N]> {
    let archive = Archive::open(path)?;
    let mut arrays = names.map(|_| Array { shape: Vec::new(), values: Vec::new() });
    for (array, name) in arrays.iter_mut().zip(names) {
        *array = archive.array(name, |file, layout, from| {
            let values = layout.read_values(file, &mut *from)?;
            from.expect_sum(file)?;
            Ok(Array { shape: layout.shape.clone(), values })
        })?;
    }
    Ok(arrays)
}
