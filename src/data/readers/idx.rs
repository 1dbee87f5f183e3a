//! IDX files, the format of MNIST: a file of images and one of labels, plain or gzip-compressed.

use super::ReadOptions;
use super::array::{Element, Layout};
use super::error::ReadError;
use super::examples::{Examples, Labels, arrange, doubtful_channels};
use super::source::Source;
use crate::error::Result;
use std::path::{Path, PathBuf};

/// Dimensions of an IDX file: rows, channels, height, width.
const MAX_DIMENSIONS: u8 = 4;

/// Whether a file starts like IDX: two zero bytes, an element type, a number of dimensions.
pub(super) fn recognise(start: &[u8]) -> bool {
    matches!(start, [0, 0, kind, dimensions, ..] if element(*kind).is_some() && *dimensions > 0)
}

/// Reads a file of images, and the labels beside it.
pub(super) fn read(path: &Path, mut source: Source<'_>, options: &ReadOptions) -> Result<Examples> {
    let file = source.file.clone();
    let layout = read_layout(&mut source)?;
    if layout.shape.len() < 2 {
        return Err(ReadError::Option {
            file,
            problem: "one dimension: these are labels, not images".to_string(),
            hint: "hand in the file of the images; its labels are looked for beside it".to_string(),
        }
        .into());
    }
    let inputs = layout.read_matrix(&file, source.reader())?;
    source.expect_end(layout.byte_count(&file)?)?;
    let labels_path = match &options.labels {
        Some(path) => path.clone(),
        None => labels_beside(path).ok_or_else(|| ReadError::Option {
            file: file.clone(),
            problem: "no file of labels beside it".to_string(),
            hint: "it is looked for under the images' name with `images` and `idx3` made `labels` and `idx1`"
                .to_string(),
        })?,
    };
    let mut source = Source::open(&labels_path)?;
    let labels_file = source.file.clone();
    let labels_layout = read_layout(&mut source)?;
    if labels_layout.rows() != inputs.rows() {
        let (found, expected) = (labels_layout.rows(), inputs.rows());
        return Err(ReadError::Rows { file: labels_file, found, other: file, expected }.into());
    }
    if labels_layout.width() != 1 {
        let problem = format!("labels have one dimension, this file's shape is {:?}", labels_layout.shape);
        return Err(ReadError::Header { file: labels_file, problem }.into());
    }
    let labels = labels_layout.read_whole(&labels_file, source.reader())?;
    source.expect_end(labels_layout.byte_count(&labels_file)?)?;
    let mut decisions = Vec::new();
    let (shape, inputs) = arrange(&layout, inputs, options, &mut decisions);
    let labels = Some(Labels::Whole(labels));
    let warnings = doubtful_channels(&layout, options).into_iter().collect();
    let target = super::columns::DEFAULT_LABEL.to_string();
    Ok(Examples { file, shape, inputs, labels, split: None, target, decisions, warnings })
}

fn element(kind: u8) -> Option<Element> {
    Some(match kind {
        0x08 => Element::Unsigned(1),
        0x09 => Element::Signed(1),
        0x0b => Element::Signed(2),
        0x0c => Element::Signed(4),
        0x0d => Element::Float(4),
        0x0e => Element::Float(8),
        _ => return None,
    })
}

fn read_layout(source: &mut Source<'_>) -> Result<Layout, ReadError> {
    let mut magic = [0u8; 4];
    source.fill(&mut magic, "an IDX header has at least 8 bytes")?;
    let problem = |file: &str, problem: String| ReadError::Header { file: file.to_string(), problem };
    let [0, 0, kind, dimensions] = magic else {
        return Err(problem(&source.file, "does not start like IDX".to_string()));
    };
    let element = element(kind)
        .ok_or_else(|| problem(&source.file, format!("IDX element type {kind:#04x} is unknown")))?;
    if !(1..=MAX_DIMENSIONS).contains(&dimensions) {
        let text = format!("{dimensions} dimensions, but 1 to {MAX_DIMENSIONS} are read");
        return Err(problem(&source.file, text));
    }
    let mut shape = Vec::new();
    for _ in 0..dimensions {
        let mut length = [0u8; 4];
        source.fill(&mut length, "the IDX header announces more dimensions")?;
        shape.push(u32::from_be_bytes(length) as usize);
    }
    let layout = Layout { element, big_endian: true, fortran: false, shape };
    layout.byte_count(&source.file)?;
    if !source.compressed {
        let header = 4 + 4 * u64::from(dimensions);
        layout.expect_bytes(&source.file, source.size - header)?;
    }
    Ok(layout)
}

/// `t10k-labels-idx1-ubyte.gz` for `t10k-images-idx3-ubyte.gz`, with or without `.gz`.
fn labels_beside(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let labels = name.replace("images", "labels").replace("idx3", "idx1").replace("idx4", "idx1");
    if labels == name {
        return None;
    }
    let plain = labels.strip_suffix(".gz").unwrap_or(&labels);
    [labels.clone(), plain.to_string(), format!("{plain}.gz")]
        .into_iter()
        .map(|name| images.with_file_name(name))
        .find(|path| path.is_file())
}
