//! [`Examples`]: inputs of one shape with labels, as formats without named columns hold them.

use super::ReadOptions;
use super::array::Layout;
use super::choices::Channels;
use super::columnar::{TextColumn, table};
use super::doubts::doubts;
use super::error::ReadError;
use super::masks::MaskLabels;
use crate::data::columns::labels::Book;
use crate::data::columns::{Examples as Rows, Preparation};
use crate::data::dataset::{Dataset, Shape, SplitTag, Targets, check_finite};
use crate::data::gaps::Gaps;
use crate::data::matrix::Matrix;
use crate::data::table::{Decision, Table};
use crate::data::target::has_label;
use crate::error::{Error, Result};
use arrow_array::{ArrayRef, Float32Array};
use std::sync::Arc;

/// Labels as they are stored.
pub(super) enum Labels {
    Whole(Vec<i64>),
    Texts(Vec<String>),
    /// Numbers of names.
    Named(Vec<u32>, Vec<String>),
    /// Sets of names, bit by bit.
    Sets(Vec<u32>, Vec<String>),
    Masks(MaskLabels),
}

impl Labels {
    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Labels::Whole(labels) => labels.len(),
            Labels::Texts(labels) => labels.len(),
            Labels::Named(labels, _) | Labels::Sets(labels, _) => labels.len(),
            Labels::Masks(labels) => labels.known.len(),
        }
    }

    /// Appends labels of the same kind; those of another are handed back as a refusal.
    pub fn append(&mut self, more: Labels) -> Result<(), &'static str> {
        match (self, more) {
            (Labels::Whole(labels), Labels::Whole(more)) => labels.extend(more),
            (Labels::Texts(labels), Labels::Texts(more)) => labels.extend(more),
            (Labels::Named(labels, names), Labels::Named(more, others))
            | (Labels::Sets(labels, names), Labels::Sets(more, others))
                if *names == others =>
            {
                labels.extend(more)
            }
            (Labels::Masks(own), Labels::Masks(more)) if own.masks.size() == more.masks.size() => {
                own.masks.append(more.masks);
                own.known.extend(more.known);
                own.names.extend(more.names);
            }
            (Labels::Masks(_), _) => return Err("masks are of another size in one part than in another"),
            (Labels::Sets(..), _) => return Err("one part has other labels than another"),
            _ => return Err("labels are texts in one part and numbers in another"),
        }
        Ok(())
    }

    /// What the rows are called, where the labels say so.
    fn take_names(&mut self) -> Vec<String> {
        match self {
            Labels::Masks(labels) => std::mem::take(&mut labels.names),
            _ => Vec::new(),
        }
    }

    /// Classes in ascending order of their numbers or names.
    fn into_targets(self, file: &str, target: &str) -> Result<Targets> {
        match self {
            Labels::Named(labels, names) => Ok(Targets::Class { labels, names }),
            Labels::Sets(sets, names) => Ok(Targets::MultiLabel { sets, names }),
            Labels::Masks(labels) => Ok(Targets::Mask(Arc::new(labels.masks))),
            Labels::Whole(labels) => {
                let texts: Vec<String> = labels.iter().map(i64::to_string).collect();
                classes(file, target, texts.iter().map(String::as_str))
            }
            Labels::Texts(labels) => {
                let none = |text: &&String| text.is_empty() || text.eq_ignore_ascii_case("nan");
                if let Some(row) = labels.iter().position(|text| none(&text)) {
                    let (file, value) = (file.to_string(), format!("{:?}", labels[row]));
                    let (problem, hint) = ("no label", "leave out the rows that have none");
                    return Err(ReadError::Element { file, row, column: 0, value, problem, hint }.into());
                }
                classes(file, target, labels.iter().map(String::as_str))
            }
        }
    }

    fn text(&self, row: usize) -> String {
        match self {
            Labels::Whole(labels) => labels[row].to_string(),
            Labels::Texts(labels) => labels[row].clone(),
            Labels::Named(labels, names) => names[labels[row] as usize].clone(),
            Labels::Sets(sets, names) => {
                let own = names.iter().enumerate().filter(|&(label, _)| has_label(sets[row], label));
                own.map(|(_, name)| name.as_str()).collect::<Vec<_>>().join(";")
            }
            Labels::Masks(labels) => format!("{} pixels", labels.masks.area(row)),
        }
    }
}

/// Classes by the rules that hold for a column of labels.
fn classes<'a>(file: &str, target: &str, labels: impl Iterator<Item = &'a str>) -> Result<Targets> {
    let mut book = Book::default();
    for label in labels {
        book.push(file, Some(label))?;
    }
    book.into_targets(file, target)
}

/// Inputs of one shape, one row each, and what is known of them.
pub(super) struct Examples {
    pub file: String,
    pub shape: Shape,
    pub inputs: Matrix,
    pub labels: Option<Labels>,
    pub split: Option<Vec<SplitTag>>,
    /// What messages call the labels.
    pub target: String,
    pub decisions: Vec<Decision>,
    pub warnings: Vec<String>,
}

impl Examples {
    /// The data set; labels are needed.
    pub fn into_dataset(self, name: &str, options: &ReadOptions) -> Result<Dataset> {
        let mut labels = self.labels.ok_or_else(|| ReadError::Option {
            file: self.file.clone(),
            problem: "inputs without labels".to_string(),
            hint: "save inputs and labels together with `np.savez(file, X=…, y=…)`, or hand the inputs in beside a \
                   table of labels (`--features`)"
                .to_string(),
        })?;
        let shape = match options.shape {
            None => self.shape,
            Some(_) => super::shape_of(&self.file, self.inputs.cols(), options)?,
        };
        let ids = labels.take_names();
        let targets = labels.into_targets(&self.file, &self.target)?;
        let mut warnings = self.warnings;
        warnings.extend(doubts(shape, &self.inputs, Some(&targets)));
        let preparation = Preparation { decisions: self.decisions, warnings, ..Preparation::default() };
        let set = Dataset::new(name, shape, self.inputs, targets, self.split)?.prepared_by(preparation);
        Ok(if ids.is_empty() { set } else { set.with_ids(ids)? })
    }

    /// All rows, with their labels if there are any, for a pool.
    pub fn into_rows(mut self, name: &str, options: &ReadOptions) -> Result<Rows> {
        let shape = match options.shape {
            None => self.shape,
            Some(_) => super::shape_of(&self.file, self.inputs.cols(), options)?,
        };
        let mut warnings = self.warnings;
        let names = self.labels.as_mut().map(Labels::take_names).unwrap_or_default();
        let masked = match &mut self.labels {
            Some(Labels::Masks(labels)) => std::mem::take(&mut labels.known),
            _ => Vec::new(),
        };
        let targets = self.labels.map(|labels| labels.into_targets(&self.file, &self.target)).transpose()?;
        warnings.extend(doubts(shape, &self.inputs, targets.as_ref()));
        let known = |words: Vec<u32>| Some(words.into_iter().map(Some).collect());
        let mut masks = None;
        let (labels, sets, classes) = match targets {
            Some(Targets::Class { labels, names }) => (known(labels), None, names),
            Some(Targets::MultiLabel { sets, names }) => (None, known(sets), names),
            Some(Targets::Mask(all)) => {
                masks = Some((all, masked));
                (None, None, Vec::new())
            }
            Some(Targets::Real { .. }) | None => (None, None, Vec::new()),
        };
        check_finite(name, self.inputs.view())?;
        Ok(Rows {
            file: self.file,
            name: name.to_string(),
            shape,
            inputs: self.inputs,
            gaps: Gaps::default(),
            labels,
            classes,
            numbers: None,
            sets,
            masks,
            split: self.split,
            ids: (!names.is_empty()).then_some(names),
            domains: None,
            label_columns: Vec::new(),
            preparation: Preparation { decisions: self.decisions, warnings, ..Preparation::default() },
        })
    }

    /// A table: a column for each place of the inputs, by number, then `label` and `split` where there are any.
    pub fn into_table(self) -> Result<Table> {
        let (rows, width) = (self.inputs.rows(), self.inputs.cols());
        let values = self.inputs.values();
        let mut columns: Vec<(String, ArrayRef)> = (0..width)
            .map(|place| {
                let column: Float32Array =
                    values.iter().skip(place).step_by(width).copied().map(Some).collect();
                (place.to_string(), Arc::new(column) as ArrayRef)
            })
            .collect();
        let mut add = |name: &str, text: &dyn Fn(usize) -> String| -> Result<()> {
            let mut column = TextColumn::default();
            for row in 0..rows {
                column.push(&self.file, Some(&text(row)))?;
            }
            columns.push((name.to_string(), Arc::new(column.into_array())));
            Ok(())
        };
        if let Some(labels) = &self.labels {
            add("label", &|row| labels.text(row))?;
        }
        if let Some(split) = &self.split {
            add("split", &|row| if split[row] == SplitTag::Test { "test" } else { "train" }.to_string())?;
        }
        Ok(Table { warnings: self.warnings, ..table(self.file, columns, self.decisions)? })
    }
}

/// Which axis of rows of three axes has the channels, and why.
fn channels_of([a, b, c]: [usize; 3], options: &ReadOptions) -> (Channels, String) {
    let likely = matches!(c, 1 | 3 | 4) && a > c && b > c;
    match options.channels {
        Some(channels) => (channels, "asked for".to_string()),
        None if likely => (Channels::Last, format!("{a}x{b}x{c}: a last axis of {c} beside two larger ones")),
        None => (
            Channels::First,
            format!("{a}x{b}x{c}: the last axis is not one of 1, 3 or 4 beside two larger ones"),
        ),
    }
}

/// An error in reading an array, which names the place of an element among pixels where rows are images.
pub(super) fn located(error: Error, layout: &Layout, options: &ReadOptions) -> Error {
    let Some(ReadError::Element { file, row, column, value, problem, hint }) = error.downcast_ref() else {
        return error;
    };
    let (row, at) = (*row, *column);
    let (channel, y, x) = match layout.shape[..] {
        [_, _, width] => (0, at / width, at % width),
        [_, a, b, c] => match channels_of([a, b, c], options).0 {
            Channels::First => (at / (b * c), at / c % b, at % c),
            Channels::Last => (at % c, at / (b * c), at / c % b),
        },
        _ => return error,
    };
    let (file, value, problem, hint) = (file.clone(), value.clone(), *problem, *hint);
    ReadError::Pixel { file, row, channel, y, x, value, problem, hint }.into()
}

/// The shape of the rows of an array, and its elements with channels first. Which axis has the channels is decided,
/// and said, where there are three.
pub(super) fn arrange(
    layout: &Layout,
    inputs: Matrix,
    options: &ReadOptions,
    decisions: &mut Vec<Decision>,
) -> (Shape, Matrix) {
    let [_, a, b, c] = layout.shape[..] else { return (layout.row_shape(), inputs) };
    let (channels, reason) = channels_of([a, b, c], options);
    decisions.push(Decision {
        what: "channels".to_string(),
        choice: channels.to_string(),
        reason,
        flag: Some("--channels".to_string()),
    });
    if channels == Channels::First {
        return (layout.row_shape(), inputs);
    }
    let (height, width, channels) = (a, b, c);
    (Shape::Image { channels, height, width }, channels_first(inputs, channels))
}

/// A warning where channels were taken to come first, but two equal axes precede another one, as in pictures of other
/// numbers of bands; and where rows of two axes look like points more than like pictures.
pub(super) fn doubtful_channels(layout: &Layout, options: &ReadOptions) -> Option<String> {
    if let [_, a, b @ 2..=4] = layout.shape[..]
        && a > b
    {
        return Some(format!(
            "rows of {a}x{b} are taken as pictures of one channel: if they are not, save them as rows of numbers \
             (`X.reshape(len(X), -1)`)"
        ));
    }
    let [_, a, b, c] = layout.shape[..] else { return None };
    let doubtful = options.channels.is_none() && a == b && b != c && c > 1 && !(a > c && matches!(c, 3 | 4));
    doubtful.then(|| {
        format!(
            "pictures of {a}x{b}x{c} are taken as {a} channels of {b}x{c}, but look like {c} channels of {a}x{b}, which come \
             last: `--channels last` takes them so, `--channels first` confirms what was done"
        )
    })
}

/// Rows of pixels, each with its channels, made rows of channels.
pub(super) fn channels_first(inputs: Matrix, channels: usize) -> Matrix {
    let (rows, cols) = (inputs.rows(), inputs.cols());
    if channels == 1 {
        return inputs;
    }
    let mut values = inputs.into_values();
    let mut row = vec![0.0; cols];
    for pixels in values.chunks_exact_mut(cols) {
        for (at, &value) in pixels.iter().enumerate() {
            row[at % channels * (cols / channels) + at / channels] = value;
        }
        pixels.copy_from_slice(&row);
    }
    Matrix::new(values, rows, cols)
}

#[cfg(test)]
mod tests {
    use super::super::array::Element;
    use super::*;

    /// Pixels were once named by their place in the row.
    #[test]
    fn elements_of_images_are_named_by_channel_and_pixel() {
        let said = |shape: &[usize], column, channels| {
            let layout = Layout {
                element: Element::Float(4),
                big_endian: false,
                fortran: false,
                shape: shape.to_vec(),
            };
            let (file, value) = ("a".to_string(), "NaN".to_string());
            let error = ReadError::Element { file, row: 3, column, value, problem: "no number", hint: "" };
            located(error.into(), &layout, &ReadOptions { channels, ..ReadOptions::default() }).to_string()
        };
        assert_eq!(said(&[9, 4, 5], 11, None), "a: row 3, channel 0, y 2, x 1: NaN is no number");
        assert_eq!(said(&[9, 2, 4, 5], 31, None), "a: row 3, channel 1, y 2, x 1: NaN is no number");
        // Pixel (2, 1) of 4 x 5 of three channels, the last of them.
        assert_eq!(said(&[9, 4, 5, 3], 35, None), "a: row 3, channel 2, y 2, x 1: NaN is no number");
        let first = Some(Channels::First);
        assert_eq!(said(&[9, 4, 5, 3], 35, first), "a: row 3, channel 2, y 1, x 2: NaN is no number");
        assert_eq!(said(&[9, 20], 11, None), "a: row 3, column 11: NaN is no number");
    }

    #[test]
    fn channels_come_first() {
        let layout = |shape: &[usize]| Layout {
            element: Element::Float(4),
            big_endian: false,
            fortran: false,
            shape: shape.to_vec(),
        };
        let values: Vec<f32> = (0..24).map(|value| value as f32).collect();
        let mut decisions = Vec::new();
        let matrix = || Matrix::new(values.clone(), 1, 24);
        let (shape, turned) =
            arrange(&layout(&[1, 2, 4, 3]), matrix(), &ReadOptions::default(), &mut decisions);
        assert_eq!(shape.to_string(), "2x4x3", "two rows of pixels are not larger than three channels");
        assert_eq!(turned.values(), values);
        let options = ReadOptions { channels: Some(Channels::Last), ..ReadOptions::default() };
        let (shape, turned) = arrange(&layout(&[1, 2, 4, 3]), matrix(), &options, &mut decisions);
        assert_eq!(shape.to_string(), "3x2x4");
        assert_eq!(turned.values()[..8], [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0]);
        let square = Matrix::new(vec![0.0; 48], 1, 48);
        let (shape, _) = arrange(&layout(&[1, 4, 4, 3]), square, &ReadOptions::default(), &mut decisions);
        assert_eq!(shape.to_string(), "3x4x4");
        assert_eq!(decisions.len(), 3);
        for (shape, doubtful) in [
            ([1, 28, 28, 2], true),
            ([1, 8, 8, 5], true),
            ([1, 16, 16, 13], true),
            ([1, 9, 9, 12], true),
            ([1, 28, 28, 1], false),
            ([1, 28, 28, 3], false),
            ([1, 3, 32, 32], false),
            ([1, 5, 5, 5], false),
        ] {
            let warning = doubtful_channels(&layout(&shape), &ReadOptions::default());
            assert_eq!(warning.is_some_and(|text| text.contains("--channels last")), doubtful, "{shape:?}");
            assert_eq!(doubtful_channels(&layout(&shape), &options), None, "asked for");
        }
        let points = doubtful_channels(&layout(&[1, 9, 3]), &ReadOptions::default());
        assert!(points.is_some_and(|text| text.contains("pictures of one channel")));
        assert_eq!(doubtful_channels(&layout(&[1, 28, 28]), &ReadOptions::default()), None);
    }
}
