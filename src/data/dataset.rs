//! [`Dataset`]: validated, immutable examples with a content digest.

use super::columns::Preparation;
use super::domains::Domain;
use super::error::DataError;
use super::gaps::Gaps;
use super::matrix::{Matrix, MatrixView};
use super::targets::by_appearance;
pub use super::targets::{MAX_CLASSES, Targets};
use crate::data::TargetKind;
use crate::error::Result;
use sha2::{Digest, Sha256};
use std::sync::{Arc, OnceLock};

/// Rows are numbered by `u32`.
pub const MAX_ROWS: usize = u32::MAX as usize;
/// Numbers per example: a 1024 × 1024 grey image.
pub const MAX_WIDTH: usize = 1 << 20;
/// Rows × width: 8 GiB of `f32`.
pub const MAX_VALUES: usize = 1 << 31;

/// The shape of one example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    /// A vector of this width.
    Vector(usize),
    /// An image, stored channel by channel, row by row.
    Image { channels: usize, height: usize, width: usize },
}

impl Shape {
    /// Numbers per example. Saturates, so that absurd sizes exceed [`MAX_WIDTH`] instead of wrapping.
    pub fn width(&self) -> usize {
        match *self {
            Shape::Vector(width) => width,
            Shape::Image { channels, height, width } => channels.saturating_mul(height).saturating_mul(width),
        }
    }
}

/// `64`, or `1x28x28` (channels, height, width).
impl std::fmt::Display for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Shape::Vector(width) => write!(f, "{width}"),
            Shape::Image { channels, height, width } => write!(f, "{channels}x{height}x{width}"),
        }
    }
}

/// The part of an official split that a row belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SplitTag {
    /// May be labelled and trained on.
    Train,
    /// Only ever tested on.
    Test,
}

/// Validated, immutable examples: finite inputs, labels in range, equal lengths, at least one row.
#[derive(Clone, Debug)]
pub struct Dataset {
    name: String,
    shape: Shape,
    inputs: Matrix,
    targets: Targets,
    split: Option<Vec<SplitTag>>,
    role: Option<String>,
    ids: Option<Vec<String>>,
    domains: Option<Vec<Domain>>,
    gaps: Gaps,
    source_rows: Option<Arc<[u32]>>,
    preparation: Arc<Preparation>,
    digest: OnceLock<String>,
    content: OnceLock<String>,
}

impl Dataset {
    /// A data set called `name`, with `inputs` of shape `[rows, shape.width()]`, and, if it has an
    /// official split, the part of every row.
    ///
    /// A class that no row has is allowed; [`describe`](super::describe::describe) warns of it.
    ///
    /// # Errors
    /// [`DataError`] when there is no row or no column, a limit is exceeded, lengths disagree, a value
    /// is not finite, a label is out of range, two classes or labels share a name, no row has a label, or masks are not of the images' size.
    pub fn new(
        name: impl Into<String>,
        shape: Shape,
        inputs: Matrix,
        targets: Targets,
        split: Option<Vec<SplitTag>>,
    ) -> Result<Self> {
        let name = name.into();
        let rows = inputs.rows();
        if rows == 0 {
            return Err(DataError::NoRows { name }.into());
        }
        if inputs.cols() == 0 {
            return Err(DataError::NoColumns { name }.into());
        }
        check_size(&name, rows, shape.width())?;
        let disagree =
            |what, expected, found| DataError::Disagree { name: name.clone(), what, expected, found };
        if inputs.cols() != shape.width() {
            return Err(disagree("feature columns", shape.width(), inputs.cols()).into());
        }
        if targets.rows() != rows {
            return Err(disagree("labels", rows, targets.rows()).into());
        }
        if let Some(split) = &split
            && split.len() != rows
        {
            return Err(disagree("split entries", rows, split.len()).into());
        }
        check_finite(&name, inputs.view())?;
        targets.check(&name)?;
        if let Targets::Mask(masks) = &targets {
            check_masks(&name, shape, masks)?;
        }
        Ok(Self {
            name,
            shape,
            inputs,
            targets,
            split,
            role: None,
            ids: None,
            domains: None,
            gaps: Gaps::default(),
            source_rows: None,
            preparation: Arc::default(),
            digest: OnceLock::new(),
            content: OnceLock::new(),
        })
    }

    /// The name that reports call it by. Not part of the digest.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same data under another name.
    pub fn renamed(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The same data, marked as drawn by the generator `role`: see [`identity`](Self::identity).
    pub fn generated_as(mut self, role: impl Into<String>) -> Self {
        self.role = Some(role.into());
        self
    }

    /// The same data with what its owner calls the rows, one text per row.
    ///
    /// # Errors
    /// [`DataError::Disagree`] if there are more or fewer texts than rows.
    pub fn with_ids(mut self, ids: Vec<String>) -> Result<Self, DataError> {
        let (expected, found) = (self.rows(), ids.len());
        if found != expected {
            return Err(DataError::Disagree { name: self.name, what: "row ids", expected, found });
        }
        self.ids = Some(ids);
        self.digest = OnceLock::new();
        Ok(self)
    }

    /// The same data with the domain of every row.
    ///
    /// # Errors
    /// [`DataError::Disagree`] if there are more or fewer domains than rows.
    pub fn with_domains(mut self, domains: Vec<Domain>) -> Result<Self, DataError> {
        let (expected, found) = (self.rows(), domains.len());
        if found != expected {
            return Err(DataError::Disagree { name: self.name, what: "domains", expected, found });
        }
        self.domains = Some(domains);
        (self.digest, self.content) = (OnceLock::new(), OnceLock::new());
        Ok(self)
    }

    /// The same data, of which these cells have no value.
    pub fn with_gaps(mut self, gaps: Gaps) -> Self {
        self.gaps = gaps;
        (self.digest, self.content) = (OnceLock::new(), OnceLock::new());
        self
    }

    /// The same data, with what was decided to make it of a file. Not part of the digest.
    pub fn prepared_by(mut self, preparation: Preparation) -> Self {
        self.preparation = Arc::new(preparation);
        self
    }

    /// The same data as a part of a file: which of its rows, counted from 0, the rows are.
    ///
    /// # Errors
    /// [`DataError::Disagree`] if there are more or fewer numbers than rows.
    pub fn of_rows(mut self, rows: Vec<u32>) -> Result<Self, DataError> {
        let (expected, found) = (self.rows(), rows.len());
        if found != expected {
            return Err(DataError::Disagree { name: self.name, what: "row numbers", expected, found });
        }
        self.source_rows = Some(rows.into());
        self.digest = OnceLock::new();
        Ok(self)
    }

    /// The same data with its classes numbered in the order in which the rows first show them; classes
    /// without a row come last. How classes are spelt, and so sorted, then decides nothing. Numbers stay as they are.
    pub fn numbered_by_appearance(mut self) -> Self {
        let Targets::Class { labels, names } = self.targets else { return self };
        let (numbers, labels) = by_appearance(&labels, names.len());
        let mut renamed = vec![String::new(); names.len()];
        for (name, number) in names.into_iter().zip(numbers) {
            renamed[number as usize] = name;
        }
        self.targets = Targets::Class { labels, names: renamed };
        self.digest = OnceLock::new();
        self
    }

    /// The shape of one example.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The number of examples.
    pub fn rows(&self) -> usize {
        self.inputs.rows()
    }

    /// Numbers per example.
    pub fn width(&self) -> usize {
        self.inputs.cols()
    }

    /// All inputs as they were handed in, unscaled, shape `[rows, width]`; 0 in [gaps](Self::gaps).
    pub fn inputs(&self) -> MatrixView<'_> {
        self.inputs.view()
    }

    /// What is to be predicted.
    pub fn targets(&self) -> &Targets {
        &self.targets
    }

    /// What the targets are.
    pub fn kind(&self) -> TargetKind {
        self.targets.kind()
    }

    /// Refuses targets of another kind than what `need` needs.
    ///
    /// # Errors
    /// [`DataError::OtherTargets`].
    pub fn expect_kind(&self, kind: TargetKind, need: &'static str) -> Result<(), DataError> {
        match self.kind() {
            found if found == kind => Ok(()),
            found => Err(DataError::OtherTargets { name: self.name.clone(), need, found }),
        }
    }

    /// The class of every row, each below [`classes`](Self::classes); none where targets are of another kind.
    pub fn labels(&self) -> &[u32] {
        match &self.targets {
            Targets::Class { labels, .. } => labels,
            _ => &[],
        }
    }

    /// The number of every row; none where targets are of another kind.
    pub fn values(&self) -> &[f32] {
        match &self.targets {
            Targets::Real { values } => values,
            _ => &[],
        }
    }

    /// The number of classes, those without a row included, of labels, or of pixels; 0 where targets are numbers.
    pub fn classes(&self) -> usize {
        self.targets.count()
    }

    /// The names of the classes, or labels, all different.
    pub fn class_names(&self) -> &[String] {
        self.targets.names()
    }

    /// The official split, one entry per row.
    pub fn split(&self) -> Option<&[SplitTag]> {
        self.split.as_deref()
    }

    /// What the owner of the data calls the rows, one text per row, where a column of them was named.
    pub fn ids(&self) -> Option<&[String]> {
        self.ids.as_deref()
    }

    /// The domain of every row, where a column that says it was named.
    pub fn domains(&self) -> Option<&[Domain]> {
        self.domains.as_deref()
    }

    /// Cells without a value.
    pub fn gaps(&self) -> &Gaps {
        &self.gaps
    }

    /// The row of the file that a row is, counted from 0.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn source_row(&self, row: u32) -> u32 {
        self.source_rows.as_ref().map_or(row, |rows| rows[row as usize])
    }

    /// What was decided to make it of a file.
    pub fn preparation(&self) -> &Preparation {
        &self.preparation
    }

    /// All inputs, unscaled, with the medians of all rows in [gaps](Self::gaps): for descriptions, not for learning.
    pub fn filled(&self) -> Matrix {
        let rows: Vec<u32> = (0..self.rows() as u32).collect();
        filled(&self.inputs, &self.gaps, &rows)
    }

    /// What random draws on this data set are derived from, never a file's name or path: of a generated set
    /// the [role](Self::generated_as), of any other the [content](Self::content).
    pub fn identity(&self) -> &str {
        self.role.as_deref().unwrap_or_else(|| self.content())
    }

    /// SHA-256 over shape, inputs (bit for bit), gaps, targets, number of classes, split and domains, as 64 hexadecimal
    /// digits. Unlike [`digest`](Self::digest) it leaves out what classes and rows are called: classes count
    /// by the order in which rows first show them.
    pub fn content(&self) -> &str {
        self.content.get_or_init(|| {
            let mut sha = Sha256::new();
            sha.update(b"querist/content/1");
            self.absorb_inputs(&mut sha);
            self.targets.absorb_content(&mut sha);
            self.absorb_split(&mut sha);
            hex(&sha.finalize())
        })
    }

    /// SHA-256 over shape, inputs (bit for bit), gaps, targets, split, domains, row ids and rows of the file, as 64
    /// hexadecimal digits. The name is left out: the same content has the same digest wherever it was read from.
    pub fn digest(&self) -> &str {
        self.digest.get_or_init(|| {
            let mut sha = Sha256::new();
            sha.update(b"querist/dataset/1");
            self.absorb_inputs(&mut sha);
            self.targets.absorb(&mut sha);
            self.absorb_split(&mut sha);
            if let Some(ids) = &self.ids {
                sha.update(b"ids");
                absorb_texts(&mut sha, ids);
            }
            if let Some(rows) = &self.source_rows {
                sha.update(b"rows");
                absorb(&mut sha, rows, |row: &u32| row.to_le_bytes());
            }
            hex(&sha.finalize())
        })
    }

    fn absorb_inputs(&self, sha: &mut Sha256) {
        let (kind, dims) = match self.shape {
            Shape::Vector(width) => (0u64, [width, 1, 1]),
            Shape::Image { channels, height, width } => (1, [channels, height, width]),
        };
        sha.update(kind.to_le_bytes());
        for size in dims.into_iter().chain([self.rows()]) {
            sha.update((size as u64).to_le_bytes());
        }
        absorb(sha, self.inputs.values(), |value: &f32| value.to_le_bytes());
        if !self.gaps.is_empty() {
            sha.update(b"gaps");
            for gap in self.gaps.columns() {
                sha.update((gap.column as u64).to_le_bytes());
                sha.update((gap.rows.len() as u64).to_le_bytes());
                absorb(sha, &gap.rows, |row: &u32| row.to_le_bytes());
            }
        }
    }

    fn absorb_split(&self, sha: &mut Sha256) {
        match &self.split {
            None => sha.update([0]),
            Some(split) => {
                sha.update([1]);
                absorb(sha, split, |tag: &SplitTag| [u8::from(*tag == SplitTag::Test)]);
            }
        }
        if let Some(domains) = &self.domains {
            sha.update(b"domains");
            absorb(sha, domains, |domain: &Domain| [u8::from(*domain == Domain::Source)]);
        }
    }
}

/// Refuses sizes over the limits of this module. To be called before anything is allocated.
pub fn check_size(name: &str, rows: usize, width: usize) -> Result<(), DataError> {
    let values = rows as u128 * width as u128;
    for (what, found, limit) in [
        ("rows", rows as u128, MAX_ROWS),
        ("feature columns", width as u128, MAX_WIDTH),
        ("values (rows times columns)", values, MAX_VALUES),
    ] {
        if found > limit as u128 {
            return Err(DataError::TooMany { name: name.to_string(), what, found, limit: limit as u128 });
        }
    }
    Ok(())
}

/// Refuses masks of rows that are no images, or of images of another size.
pub(super) fn check_masks(name: &str, shape: Shape, masks: &super::masks::Masks) -> Result<(), DataError> {
    let (height, width) = masks.size();
    match shape {
        Shape::Image { height: high, width: wide, .. } if (high, wide) == (height, width) => Ok(()),
        _ => Err(DataError::MaskSize { name: name.to_string(), height, width, images: shape.to_string() }),
    }
}

pub(super) fn check_finite(name: &str, inputs: MatrixView<'_>) -> Result<(), DataError> {
    match inputs.values().iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(DataError::NotFinite {
            name: name.to_string(),
            row: at / inputs.cols(),
            column: at % inputs.cols(),
            value: inputs.values()[at],
        }),
    }
}

pub(super) fn check_labels(name: &str, labels: &[u32], classes: usize) -> Result<(), DataError> {
    match labels.iter().position(|&label| label as usize >= classes) {
        None => Ok(()),
        Some(row) => Err(DataError::LabelRange { name: name.to_string(), row, label: labels[row], classes }),
    }
}

/// The inputs with the medians of `rows` in gaps.
pub(super) fn filled(inputs: &Matrix, gaps: &Gaps, rows: &[u32]) -> Matrix {
    let medians = gaps.medians(inputs.view(), rows);
    let mut filled = inputs.clone();
    let all: Vec<u32> = (0..inputs.rows() as u32).collect();
    gaps.fill(&mut filled, &all, &medians);
    filled
}

/// Feeds `values` to `sha` in blocks, so that no copy of them all is made.
pub(super) fn absorb<T, const N: usize>(sha: &mut Sha256, values: &[T], bytes: impl Fn(&T) -> [u8; N]) {
    let mut buffer = Vec::with_capacity(4096 * N);
    for block in values.chunks(4096) {
        buffer.clear();
        buffer.extend(block.iter().flat_map(&bytes));
        sha.update(&buffer);
    }
}

/// Feeds texts to `sha`, each after its length, and all after their number.
pub(super) fn absorb_texts(sha: &mut Sha256, texts: &[String]) {
    sha.update((texts.len() as u64).to_le_bytes());
    for text in texts {
        sha.update((text.len() as u64).to_le_bytes());
        sha.update(text);
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(labels: &[u32], names: &[&str]) -> Targets {
        Targets::Class { labels: labels.to_vec(), names: names.iter().map(|name| name.to_string()).collect() }
    }

    fn small(values: [f32; 4], split: Option<Vec<SplitTag>>) -> Result<Dataset> {
        Dataset::new(
            "s",
            Shape::Vector(2),
            Matrix::new(values.to_vec(), 2, 2),
            class(&[0, 1], &["a", "b"]),
            split,
        )
    }

    fn refusal(result: Result<Dataset>) -> DataError {
        result.expect_err("must be refused").downcast_ref::<DataError>().expect("a data error").clone()
    }

    #[test]
    fn every_rule_has_its_refusal() {
        let matrix = |rows, cols| Matrix::zeros(rows, cols);
        let two = || class(&[0, 1], &["a", "b"]);
        let build = |m, t, s| refusal(Dataset::new("s", Shape::Vector(2), m, t, s));
        assert!(matches!(build(matrix(0, 2), class(&[], &["a"]), None), DataError::NoRows { .. }));
        assert!(matches!(build(matrix(2, 0), two(), None), DataError::NoColumns { .. }));
        assert_eq!(build(matrix(2, 3), two(), None).to_string(), "s: 3 feature columns, but 2 were expected");
        assert_eq!(build(matrix(3, 2), two(), None).to_string(), "s: 2 labels, but 3 were expected");
        let split = Some(vec![SplitTag::Train]);
        assert_eq!(build(matrix(2, 2), two(), split).to_string(), "s: 1 split entries, but 2 were expected");
        let third = class(&[0, 2], &["a", "b"]);
        assert_eq!(
            build(matrix(2, 2), third, None).to_string(),
            "s: row 1: class 2, but there are 2 classes (0 to 1)"
        );
        let twins = class(&[0, 1], &["a", "a"]);
        assert_eq!(build(matrix(2, 2), twins, None).to_string(), "s: classes 0 and 1 are both called \"a\"");
        let nan = refusal(small([0.0, 1.0, f32::NAN, 2.0], None));
        assert_eq!(nan.to_string(), "s: row 1, column 0: NaN is not a finite number");
        let many = class(&[0, 1], &vec!["x"; MAX_CLASSES + 1]);
        assert!(matches!(build(matrix(2, 2), many, None), DataError::TooMany { what: "classes", .. }));
        let huge = Shape::Image { channels: usize::MAX, height: 3, width: 5 };
        let refused = refusal(Dataset::new("s", huge, matrix(2, 2), two(), None));
        assert!(matches!(refused, DataError::TooMany { what: "feature columns", .. }));
    }

    #[test]
    fn sizes_are_limited_without_overflow() {
        assert!(check_size("s", MAX_VALUES / 4, 4).is_ok());
        assert!(check_size("s", MAX_VALUES / 4 + 1, 4).is_err());
        assert!(check_size("s", usize::MAX, usize::MAX).is_err());
        assert!(check_size("s", 1, MAX_WIDTH + 1).is_err());
    }

    #[test]
    fn the_digest_covers_content_and_not_the_name() {
        let base = small([0.0, 1.0, 2.0, 3.0], None).unwrap();
        assert_eq!(base.digest().len(), 64);
        assert_eq!(base.digest(), base.clone().renamed("other").digest());
        let split = |tags: [SplitTag; 2]| small([0.0, 1.0, 2.0, 3.0], Some(tags.to_vec())).unwrap();
        let image = Shape::Image { channels: 1, height: 1, width: 2 };
        let inputs = Matrix::new(vec![0.0, 1.0, 2.0, 3.0], 2, 2);
        let others = [
            small([0.0, 1.0, 2.0, 3.5], None).unwrap(),
            split([SplitTag::Train, SplitTag::Train]),
            split([SplitTag::Train, SplitTag::Test]),
            Dataset::new("s", image, inputs.clone(), class(&[0, 1], &["a", "b"]), None).unwrap(),
            Dataset::new("s", Shape::Vector(2), inputs.clone(), class(&[1, 0], &["a", "b"]), None).unwrap(),
            Dataset::new("s", Shape::Vector(2), inputs, class(&[0, 1], &["a", "c"]), None).unwrap(),
        ];
        let digests: std::collections::HashSet<_> =
            others.iter().map(Dataset::digest).chain([base.digest()]).collect();
        assert_eq!(digests.len(), others.len() + 1);
    }

    /// What draws are derived from: content, not what the set, its classes or its rows are called.
    #[test]
    fn names_are_no_part_of_the_identity() {
        let set = |labels: &[u32], names: &[&str]| {
            let inputs = Matrix::new(vec![0.0, 1.0, 2.0], 3, 1);
            Dataset::new("s", Shape::Vector(1), inputs, class(labels, names), None).unwrap()
        };
        let base = set(&[1, 0, 1], &["a", "b"]);
        assert_eq!(base.identity(), base.content());
        let spelt = set(&[0, 1, 0], &["B", "a"]).renamed("other");
        assert_eq!(base.identity(), spelt.identity());
        assert_ne!(base.digest(), spelt.digest());
        let ids = base.clone().with_ids(["x", "y", "z"].map(String::from).to_vec()).unwrap();
        assert_eq!(ids.identity(), base.identity());
        assert_ne!(ids.digest(), base.digest(), "rows of results hold the ids");
        for other in [set(&[1, 0, 0], &["a", "b"]), set(&[1, 0, 1], &["a", "b", "c"])] {
            assert_ne!(base.identity(), other.identity());
        }
        assert_eq!(base.clone().generated_as("moons").identity(), "moons");
        let refused = base.with_ids(vec!["x".into()]).unwrap_err();
        assert_eq!(refused.to_string(), "s: 1 row ids, but 3 were expected");
    }

    #[test]
    fn gaps_and_rows_of_the_file_are_content() {
        use crate::data::gaps::Gap;
        let base = small([0.0, 1.0, 2.0, 3.0], None).unwrap();
        let gaps = |row: u32| Gaps::new(vec![Gap { column: 0, rows: [row].into() }]);
        let (one, two) = (base.clone().with_gaps(gaps(0)), base.clone().with_gaps(gaps(1)));
        assert!(base.content() != one.content() && one.content() != two.content());
        assert_eq!(base.digest(), base.clone().with_gaps(Gaps::default()).digest());
        assert_eq!(one.filled().values(), [2.0, 1.0, 2.0, 3.0]);
        let part = base.clone().of_rows(vec![3, 8]).unwrap();
        assert_eq!((part.content(), part.source_row(1)), (base.content(), 8));
        assert_ne!(part.digest(), base.digest(), "rows of results hold them");
        let refused = base.of_rows(vec![1]).unwrap_err();
        assert_eq!(refused.to_string(), "s: 1 row numbers, but 2 were expected");
    }

    #[test]
    fn classes_are_numbered_as_rows_show_them() {
        let inputs = Matrix::new(vec![0.0, 1.0, 2.0], 3, 1);
        let targets = class(&[2, 0, 2], &["a", "none", "c"]);
        let set = Dataset::new("s", Shape::Vector(1), inputs, targets, None).unwrap();
        let (before, set) = (set.content().to_string(), set.numbered_by_appearance());
        assert_eq!((set.labels(), set.class_names().concat()), (&[0, 1, 0][..], "canone".to_string()));
        assert_eq!(set.content(), before);
    }

    /// Run folders name their data by this digest: changing how it is made disowns every stored run.
    #[test]
    fn the_digest_is_pinned() {
        let set = small([0.0, 1.0, 2.0, 3.0], Some(vec![SplitTag::Train, SplitTag::Test])).unwrap();
        assert_eq!(set.digest(), PINNED);
    }
    const PINNED: &str = "0a98c39637b2fb175ece28882c0bf5b09027834772b9e039b947fb1d3742159a";
}
