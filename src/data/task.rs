//! [`Task`]: one seeded split of a data set into pool, reward and test rows.

use super::RowId;
use super::dataset::{Dataset, Shape, Targets, check_finite, check_masks, check_size, hex};
use super::error::DataError;
use super::images::Images;
use super::masks::Masks;
use super::matrix::{Matrix, MatrixView};
use super::scaling::Scaler;
pub use super::scaling::Scaling;
use super::split::{split_domains, split_rows};
use super::targets::check_part;
use super::world::World;
use crate::data::TargetKind;
use crate::error::Result;
use crate::rng::Key;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashSet;
use std::marker::PhantomData;
use std::sync::Arc;

/// Marks the rows that rewards are computed on. Never part of the pool, never tested on.
#[derive(Clone, Copy, Debug)]
pub enum Reward {}

/// Marks the rows whose loss may tell a fit when to stop. Their labels are not charged to any budget.
#[derive(Clone, Copy, Debug)]
pub enum Validation {}

/// Marks the rows that results are reported on. Nothing is chosen or learned by them.
#[derive(Clone, Copy, Debug)]
pub enum Test {}

/// Held-out rows of one role, inputs scaled like the pool.
///
/// The role is a type, so that a function which computes rewards cannot be handed the test rows.
#[derive(Clone, Debug)]
pub struct Held<Role> {
    inputs: Matrix,
    labels: Vec<u32>,
    role: PhantomData<Role>,
}

impl<Role> Held<Role> {
    pub(super) fn new(inputs: Matrix, labels: Vec<u32>) -> Self {
        assert_eq!(inputs.rows(), labels.len(), "one label per held-out row");
        Self { inputs, labels, role: PhantomData }
    }

    /// Inputs, shape `[rows, width]`.
    pub fn inputs(&self) -> MatrixView<'_> {
        self.inputs.view()
    }

    /// True targets, one word per row: classes, or what [`TargetKind`] says of other targets.
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }
}

/// How a data set is split into a task's parts.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SplitPlan {
    /// Share of the rows that is tested on; ignored where the data set has an official test part.
    pub test: f64,
    /// Share of the remaining rows that rewards are computed on.
    pub reward: f64,
    /// Share of the remaining rows that may tell a fit when to stop; 0 for no such part.
    pub validation: f64,
    /// At most this many rows in the pool, drawn at random.
    pub max_pool: usize,
    /// At most this many rows in each of the other parts.
    pub max_held: usize,
    /// How inputs are scaled.
    pub scaling: Scaling,
    /// Scale the test part by its own statistics instead of the pool's. A leak, for comparison with
    /// published results that have it.
    pub test_by_itself: bool,
    /// How the pool differs from what is tested on.
    #[serde(skip_serializing_if = "World::is_plain")]
    pub world: World,
}

impl Default for SplitPlan {
    fn default() -> Self {
        Self {
            test: 0.3,
            reward: 0.3,
            validation: 0.0,
            max_pool: 2_000,
            max_held: 2_000,
            scaling: Scaling::Standard,
            test_by_itself: false,
            world: World::default(),
        }
    }
}

impl SplitPlan {
    /// Refuses shares outside of (0, 1) and limits that leave no pool or no held-out row.
    pub fn check(&self) -> Result<(), DataError> {
        self.world.check()?;
        for (key, value) in [("test", self.test), ("reward", self.reward), ("validation", self.validation)] {
            // A NaN is refused too: it lies in no interval.
            let none = key == "validation" && value == 0.0;
            if !(none || value > 0.0 && value < 1.0) {
                return Err(DataError::Share { key, value });
            }
        }
        for (key, value, least) in [("max_pool", self.max_pool, 2), ("max_held", self.max_held, 1)] {
            if value < least {
                return Err(DataError::TooSmallLimit { key, value, least });
            }
        }
        Ok(())
    }
}

/// One seeded split of a data set: pool, reward, validation and test rows, disjoint, and scaled by the
/// pool. The validation part is empty unless the plan asks for one.
///
/// A pool label can be had from an [`Oracle`](super::Oracle) only.
#[derive(Clone, Debug)]
pub struct Task {
    name: Arc<str>,
    kind: TargetKind,
    classes: usize,
    /// The rows of the pool, then those of the reward part, then those of the validation part.
    all_but_test: Matrix,
    /// Those of rows that have no answer mean nothing.
    pool_labels: Vec<u32>,
    /// Whether a question about a row of the pool has an answer; empty where all have.
    answerable: Vec<bool>,
    /// Rows of the pool that are of the source domain, ascending; none where there is but one domain.
    source: Vec<RowId>,
    reward: Held<Reward>,
    validation: Held<Validation>,
    test: Held<Test>,
    rows: PartRows,
    /// The rows of the file that the rows of the pool are.
    source_rows: Vec<u32>,
    /// The masks of the data set, of which targets name the rows; none where targets are of another kind.
    masks: Option<Arc<Masks>>,
    /// What the rows of the pool are called; none where the data set does not say.
    pool_ids: Vec<String>,
    shape: Shape,
    /// How the pool was scaled.
    scaler: Scaler,
}

/// Targets of which some are not known.
#[derive(Clone, Debug)]
pub struct Partly {
    /// What they are.
    pub kind: TargetKind,
    /// A [word](TargetKind) per row.
    pub words: Vec<u32>,
    /// The masks that words name, where targets are such.
    pub masks: Option<Arc<Masks>>,
}

impl Partly {
    /// Refuses labels that teach nothing, or are none; no label at all is none of these.
    ///
    /// # Errors
    /// [`DataError`] as [`Task::split`] has it of the pool.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn check(&self, name: &str, classes: usize, labelled: &[u32]) -> Result<(), DataError> {
        let known: Vec<u32> = labelled.iter().map(|&row| self.words[row as usize]).collect();
        if known.is_empty() { Ok(()) } else { check_part(name, "pool", self.kind, &known, classes) }
    }
}

/// The rows of the data set that each part was made of, in the order of the part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PartRows {
    pub(super) pool: Vec<u32>,
    pub(super) reward: Vec<u32>,
    pub(super) validation: Vec<u32>,
    pub(super) test: Vec<u32>,
}

/// What a report prints to show that pool, reward, validation and test rows are apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Separation {
    /// The rows that may be labelled.
    pub pool: PartSummary,
    /// The rows that rewards are computed on.
    pub reward: PartSummary,
    /// The rows that may tell a fit when to stop.
    pub validation: PartSummary,
    /// The rows that results are reported on.
    pub test: PartSummary,
    /// Row numbers that stand in more than one part: zero. Counted afresh, not assumed. (Two rows with
    /// the same content have two numbers; [`describe`](super::describe::describe) counts those.)
    pub shared: usize,
}

/// How many rows a part has, and which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PartSummary {
    /// The number of rows.
    pub rows: usize,
    /// SHA-256 over the ascending row numbers, as 64 hexadecimal digits.
    pub digest: String,
}

impl Task {
    /// Splits `dataset` into pool, reward and test rows.
    ///
    /// Where the data set has an official test part, the test rows are drawn from it and the other two
    /// parts from the rest; otherwise all three come from all rows. The parts are stratified: each class
    /// is spread over them in proportion, and a class with too few rows for that goes to the pool first,
    /// so every class that may be drawn from is in the pool as long as it has room for one row of each.
    /// Which rows of a class go where depends on `key` alone. Scaling, and what fills cells without a value, is fitted
    /// on the pool's rows.
    ///
    /// # Errors
    /// [`DataError`] when a share lies outside of (0, 1), a limit or a part is too small, the pool would
    /// hold fewer than two classes, targets of another kind do not vary, or an official test part holds a class that the rest lacks.
    pub fn split(dataset: &Dataset, plan: &SplitPlan, key: Key) -> Result<Self> {
        plan.check()?;
        plan.world.check_kind(dataset)?;
        let known = plan.world.known(dataset.classes(), key.named("world"));
        let number = |row: u32| match &known {
            Some(known) => known[dataset.labels()[row as usize] as usize],
            None => Some(dataset.targets().word(row as usize)),
        };
        let classes = known.as_ref().map_or(dataset.classes(), |known| known.iter().flatten().count());
        let (mut rows, from) = match &plan.world.domains {
            None => (split_rows(dataset, plan, key)?, HashSet::new()),
            Some(domains) if domains.by_column => {
                split_domains(dataset, plan, domains, (classes, number), key)?
            }
            Some(domains) => {
                let rows = split_rows(dataset, plan, key)?;
                let from = domains.source(dataset, &rows.pool, (classes, number), key.named("domains"));
                (rows, from)
            }
        };
        rows.pool = match from.is_empty() {
            true => plan.world.thin(dataset, rows.pool, key.named("world")),
            false => {
                let others: Vec<u32> = rows.pool.iter().copied().filter(|row| !from.contains(row)).collect();
                if others.len() < 2 {
                    let (name, part) = (dataset.name().to_string(), "target domain's");
                    let (found, least, rows) = (others.len(), 2, dataset.rows());
                    return Err(DataError::PartTooSmall { name, part, found, least, rows }.into());
                }
                let left: HashSet<u32> =
                    plan.world.thin(dataset, others, key.named("world")).into_iter().collect();
                rows.pool.into_iter().filter(|row| from.contains(row) || left.contains(row)).collect()
            }
        };
        if known.is_some() {
            for part in [&mut rows.reward, &mut rows.validation, &mut rows.test] {
                part.retain(|&row| number(row).is_some());
            }
        }
        let (inputs, gaps) = (dataset.inputs(), dataset.gaps());
        let medians = gaps.medians(inputs, &rows.pool);
        let part = |rows: &[u32]| {
            let values = rows.iter().flat_map(|&row| inputs.row(row as usize)).copied().collect();
            let mut part = Matrix::new(values, rows.len(), inputs.cols());
            gaps.fill(&mut part, rows, &medians);
            let labels = rows.iter().map(|&row| number(row).unwrap_or_default()).collect::<Vec<_>>();
            (part, labels)
        };
        let scaled = |scaler: &Scaler, (inputs, labels): (Matrix, Vec<u32>)| (scaler.scale(inputs), labels);
        let ((pool, labels), test) = (part(&rows.pool), part(&rows.test));
        let source: Vec<usize> = (0..rows.pool.len()).filter(|&at| from.contains(&rows.pool[at])).collect();
        let (mut pool, mut labels) = (pool, labels);
        if let Some(domains) = &plan.world.domains {
            domains.shift((&mut pool, &mut labels), &source, classes, key.named("domains"));
        }
        let pool = (pool, plan.world.answers(classes, labels, key.named("world")));
        let scaler = Scaler::fit(plan.scaling, pool.0.view());
        let own = plan.test_by_itself.then(|| Scaler::fit(plan.scaling, test.0.view()));
        let test = scaled(own.as_ref().unwrap_or(&scaler), test);
        let (pool, reward) = (scaled(&scaler, pool), scaled(&scaler, part(&rows.reward)));
        let validation = scaled(&scaler, part(&rows.validation));
        let called = |ids: &[String]| rows.pool.iter().map(|&row| ids[row as usize].clone()).collect();
        let pool_ids = dataset.ids().map(called).unwrap_or_default();
        let source_rows = rows.pool.iter().map(|&row| dataset.source_row(row)).collect();
        let of = (dataset.kind(), classes);
        let answerable: Vec<bool> = match known.is_some() {
            true => rows.pool.iter().map(|&row| number(row).is_some()).collect(),
            false => Vec::new(),
        };
        let task = Self::assemble(dataset.name(), of, pool, reward, validation, test, rows)?;
        let masks = match dataset.targets() {
            Targets::Mask(masks) => Some(Arc::clone(masks)),
            _ => None,
        };
        let source = source.into_iter().map(|at| RowId(at as u32)).collect();
        Ok(Self { pool_ids, source_rows, answerable, source, masks, shape: dataset.shape(), scaler, ..task })
    }

    /// A task over three parts that are apart already, each `(inputs, labels)`, and without a validation
    /// part; nothing is scaled. The rows are numbered through: pool, then reward, then test.
    ///
    /// # Errors
    /// [`DataError`] when a part is empty, widths or lengths disagree, a value is not finite, a label is
    /// out of range, or the pool holds fewer than two classes.
    pub fn from_parts(
        name: &str,
        classes: usize,
        pool: (Matrix, Vec<u32>),
        reward: (Matrix, Vec<u32>),
        test: (Matrix, Vec<u32>),
    ) -> Result<Self> {
        let mut next = 0;
        let mut take = |count: usize| {
            let range = next..next + count as u32;
            next = range.end;
            range.collect()
        };
        let counts = [pool.0.rows(), reward.0.rows(), test.0.rows()];
        check_size(name, counts.into_iter().fold(0, usize::saturating_add), pool.0.cols())?;
        let [pool_rows, reward_rows, test_rows] = counts.map(&mut take);
        let rows = PartRows { pool: pool_rows, reward: reward_rows, validation: Vec::new(), test: test_rows };
        let none = (Matrix::zeros(0, pool.0.cols()), Vec::new());
        Self::assemble(name, (TargetKind::Class, classes), pool, reward, none, test, rows)
    }

    /// Rows of which the `labelled` ones have a target, for whoever labels in earnest: all are the pool, scaled by themselves, and nothing is held
    /// out. The words of the others mean nothing.
    ///
    /// # Errors
    /// [`DataError`] as [`split`](Self::split) has it, by the labelled rows.
    ///
    /// # Panics
    /// If there is not one word per row, or no such labelled row.
    pub fn partly_labelled(
        name: &str,
        (targets, classes): (Partly, usize),
        (shape, inputs): (Shape, Matrix),
        labelled: &[u32],
    ) -> Result<Self> {
        targets.check(name, classes, labelled)?;
        let Partly { kind, words, masks } = targets;
        check_size(name, inputs.rows(), inputs.cols())?;
        check_finite(name, inputs.view())?;
        if let Some(masks) = &masks {
            check_masks(name, shape, masks)?;
        }
        let (rows, width) = (inputs.rows(), inputs.cols());
        assert_eq!(rows, words.len(), "one word per row");
        let scaler = Scaler::fit(Scaling::Standard, inputs.view());
        let all: Vec<u32> = (0..rows as u32).collect();
        let none = || Vec::new();
        Ok(Self {
            name: name.into(),
            kind,
            classes,
            all_but_test: scaler.scale(inputs),
            pool_labels: words,
            answerable: Vec::new(),
            reward: Held::new(Matrix::zeros(0, width), Vec::new()),
            validation: Held::new(Matrix::zeros(0, width), Vec::new()),
            test: Held::new(Matrix::zeros(0, width), Vec::new()),
            rows: PartRows { pool: all.clone(), reward: none(), validation: none(), test: none() },
            source: Vec::new(),
            source_rows: all,
            masks,
            pool_ids: Vec::new(),
            shape,
            scaler,
        })
    }

    fn assemble(
        name: &str,
        (kind, classes): (TargetKind, usize),
        pool: (Matrix, Vec<u32>),
        reward: (Matrix, Vec<u32>),
        validation: (Matrix, Vec<u32>),
        test: (Matrix, Vec<u32>),
        rows: PartRows,
    ) -> Result<Self> {
        let width = pool.0.cols();
        let parts = [("pool", &pool), ("reward", &reward), ("validation", &validation), ("test", &test)];
        let total = parts.iter().map(|(_, (inputs, _))| inputs.rows()).sum();
        for (part, (inputs, labels)) in parts {
            if inputs.rows() == 0 && part != "validation" {
                let name = name.to_string();
                return Err(DataError::PartTooSmall { name, part, found: 0, least: 1, rows: total }.into());
            }
            for (what, expected, found) in
                [("feature columns", width, inputs.cols()), ("labels", inputs.rows(), labels.len())]
            {
                if found != expected {
                    let name = format!("{name}, {part} part");
                    return Err(DataError::Disagree { name, what, expected, found }.into());
                }
            }
            check_finite(name, inputs.view())?;
            check_part(name, part, kind, labels, classes)?;
        }
        let learned = [&pool.0, &reward.0, &validation.0];
        let all_but_test = learned.map(Matrix::values).concat();
        let learned = learned.map(Matrix::rows).iter().sum();
        let source_rows = rows.pool.clone();
        Ok(Self {
            name: name.into(),
            kind,
            classes,
            all_but_test: Matrix::new(all_but_test, learned, width),
            pool_labels: pool.1,
            answerable: Vec::new(),
            source: Vec::new(),
            reward: Held::new(reward.0, reward.1),
            validation: Held::new(validation.0, validation.1),
            test: Held::new(test.0, test.1),
            rows,
            source_rows,
            masks: None,
            pool_ids: Vec::new(),
            shape: Shape::Vector(width),
            scaler: Scaler::fit(Scaling::None, MatrixView::new(&[], 0, width)),
        })
    }

    /// The same rows with what `encode` makes of their inputs, one vector each, in their place; they are scaled as `scaling` says, by the
    /// pool's.
    ///
    /// # Errors
    /// [`DataError`] when a number of a code is not finite.
    pub fn encoded(&self, encode: impl Fn(MatrixView<'_>) -> Matrix, scaling: Scaling) -> Result<Self> {
        let [all_but_test, test] = [self.all_but_test.view(), self.test.inputs()].map(encode);
        [&all_but_test, &test].into_iter().try_for_each(|codes| check_finite(&self.name, codes.view()))?;
        let (pool, width) = (self.pool_labels.len(), all_but_test.cols());
        let scaler =
            Scaler::fit(scaling, MatrixView::new(&all_but_test.values()[..pool * width], pool, width));
        let all_but_test = scaler.scale(all_but_test);
        let mut first = pool;
        let mut part = |labels: &[u32]| {
            let rows = all_but_test.gather(first..first + labels.len());
            first += labels.len();
            (rows, labels.to_vec())
        };
        let (reward, validation) = (part(self.reward.labels()), part(self.validation.labels()));
        Ok(Self {
            reward: Held::new(reward.0, reward.1),
            validation: Held::new(validation.0, validation.1),
            test: Held::new(scaler.scale(test), self.test.labels().to_vec()),
            shape: Shape::Vector(width),
            all_but_test,
            scaler,
            ..self.clone()
        })
    }

    /// The data set's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its targets are.
    pub fn kind(&self) -> TargetKind {
        self.kind
    }

    /// The number of classes, of labels, or of pixels; 0 where targets are numbers.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// Numbers per example.
    pub fn width(&self) -> usize {
        self.all_but_test.cols()
    }

    /// The shape of one example.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// What its images are; `None` where inputs are rows of numbers.
    pub fn images(&self) -> Option<Images> {
        match self.shape {
            Shape::Image { channels, height, width } => {
                Some(Images { channels, height, width, scaler: self.scaler.clone() })
            }
            Shape::Vector(_) => None,
        }
    }

    /// An input of this task in which the value of column `from[c]` stands in column `c`, moved as it was before it was
    /// scaled: pixels that move keep their grey value.
    ///
    /// # Panics
    /// If there is not one column of the task per column.
    pub fn moved(&self, input: &[f32], from: &[usize]) -> Vec<f32> {
        assert_eq!((input.len(), from.len()), (self.width(), self.width()), "columns of the task");
        self.scaler.moved(input, from)
    }

    /// All rows of the pool, labelled or not, shape `[n, width]`; [`RowId`] indexes it.
    pub fn pool(&self) -> MatrixView<'_> {
        let (rows, width) = (self.pool_labels.len(), self.width());
        MatrixView::new(&self.all_but_test.values()[..rows * width], rows, width)
    }

    /// The rows of the pool and, numbered on behind them, those of the reward part and then of the
    /// validation part: for fits that stop by the loss on one of the two.
    pub fn all_but_test(&self) -> MatrixView<'_> {
        self.all_but_test.view()
    }

    /// Targets as fits and scores take them: masks, of which a word names one, in full, and all others as they are. Only targets that
    /// were revealed are anybody's to hand in.
    ///
    /// # Panics
    /// If a word names no mask.
    pub fn in_full<'a>(&self, words: &'a [u32]) -> Cow<'a, [u32]> {
        match &self.masks {
            None => Cow::Borrowed(words),
            Some(masks) => words.iter().flat_map(|&row| masks.mask(row as usize)).copied().collect(),
        }
    }

    /// What it takes to draw the mask of a row of the pool: the length of its [outline](Masks::perimeter); 1 where targets are of another kind.
    pub(super) fn outline(&self, row: RowId) -> f64 {
        self.masks.as_ref().map_or(1.0, |masks| masks.perimeter(self.pool_label(row) as usize) as f64)
    }

    /// The rows that rewards are computed on.
    pub fn reward(&self) -> &Held<Reward> {
        &self.reward
    }

    /// The rows that may tell a fit when to stop; none unless the plan asked for them.
    pub fn validation(&self) -> &Held<Validation> {
        &self.validation
    }

    /// The rows that results are reported on.
    pub fn test(&self) -> &Held<Test> {
        &self.test
    }

    /// The row of the data set's file, counted from 0, that a row of the pool is.
    ///
    /// # Panics
    /// If the pool has no such row.
    pub fn dataset_row(&self, row: RowId) -> u32 {
        self.source_rows[row.index()]
    }

    /// What a row of the pool is called, where the data set says so.
    ///
    /// # Panics
    /// If the pool has no such row.
    pub fn row_id(&self, row: RowId) -> Option<&str> {
        let named = !self.pool_ids.is_empty();
        named.then(|| self.pool_ids[row.index()].as_str())
    }

    /// The rows of the data set that the test part is, in its order.
    pub fn test_rows(&self) -> &[u32] {
        &self.rows.test
    }

    /// Counts and digests of the row sets, and how many rows they share.
    pub fn separation(&self) -> Separation {
        let parts = [&self.rows.pool, &self.rows.reward, &self.rows.validation, &self.rows.test];
        let mut all: Vec<u32> = parts.into_iter().flatten().copied().collect();
        all.sort_unstable();
        let shared = all.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let [pool, reward, validation, test] = parts.map(|rows| PartSummary::of(rows));
        Separation { pool, reward, validation, test, shared }
    }

    /// Whether there are rows of classes that nobody wants in the pool.
    pub fn is_open(&self) -> bool {
        !self.answerable.is_empty()
    }

    /// Whether a question about a row of the pool has an answer: not where it is of a class that nobody wants. For simulations;
    /// never to be handed to a strategy.
    ///
    /// # Panics
    /// If the pool has no such row.
    pub fn has_answer(&self, row: RowId) -> bool {
        !self.is_open() || self.answerable[row.index()]
    }

    /// Rows of the pool that are of the source domain of [`Domains`](super::Domains), ascending: what an episode starts from. None where
    /// there is but one domain.
    pub fn source(&self) -> &[RowId] {
        &self.source
    }

    pub(super) fn pool_label(&self, row: RowId) -> u32 {
        debug_assert!(self.has_answer(row), "the label of a row that has none");
        self.pool_labels[row.index()]
    }
}

impl PartSummary {
    fn of(rows: &[u32]) -> Self {
        let mut ascending = rows.to_vec();
        ascending.sort_unstable();
        let mut sha = Sha256::new();
        sha.update(b"querist/rows/1");
        for row in ascending {
            sha.update(row.to_le_bytes());
        }
        Self { rows: rows.len(), digest: hex(&sha.finalize()) }
    }
}
