//! Rows that every fit of an episode is trained on beside the labelled ones: declared changes of these, and mixtures that a
//! strategy asks for.
//!
//! ```
//! use querist::Key;
//! use querist::data::{SplitPlan, Task, embedded};
//! use querist::episode::{Augment, Change, EpisodePlan, Episodes, PreparedTask, Replicate};
//!
//! let augment = Augment { change: Change::Mixup { alpha: 0.4 }, copies: 2, weight: 1.0 };
//! let plan = EpisodePlan { augment: Some(augment), ..EpisodePlan::default() };
//! let task = Task::split(&embedded::load("iris")?, &SplitPlan::default(), Key::root(1))?;
//! let replicate = Replicate { prepared: PreparedTask::new(task), key: Key::root(2) };
//! let episodes = Episodes::reset(&plan, &[replicate])?;
//! assert_eq!(episodes.state(0).labels, 3);
//! # Ok::<(), querist::Error>(())
//! ```

use super::generator::Generate;
use super::plan::EpisodeError;
use crate::data::{Matrix, MatrixView, RowId, Shape, Task};
use crate::learner::{HiddenMixtures, VirtualRows};
use crate::query::{Mixture, Transformed};
use crate::rng::Key;
use rand::{Rng, RngExt};
use rand_distr::{Beta, Distribution, StandardNormal};
use serde::{Deserialize, Serialize};

/// How often what is random about a fit's virtual rows is drawn; its epochs take the draws in turn.
pub const DRAWS: usize = 10;
/// How often shares of mixtures are drawn, at most, and the numbers that all draws may hold if they are more than [`DRAWS`]: 64 MiB.
const MAX_DRAWS: usize = 200;
const MIXED_NUMBERS: usize = 1 << 24;
/// The most numbers that the virtual rows of one fit may hold: 1 GiB.
pub const MAX_NUMBERS: usize = 1 << 28;
/// The least and the largest parameter of a Beta distribution that shares are drawn from.
pub const ALPHAS: std::ops::RangeInclusive<f64> = 1e-3..=1e3;

/// Changed copies of the labelled rows in every fit of an episode: the measured ones, those of look-ahead, committees and
/// folds, and the one that says what all labels give. Predictions are for rows as they are.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    pub change: Change,
    /// Changed copies per labelled row, at least 1.
    pub copies: usize,
    /// The weight of a copy beside a labelled row's 1.
    pub weight: f32,
}

/// What becomes of a copy. Inputs are scaled before.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
pub enum Change {
    /// A share `λ ~ Beta(alpha, alpha)` of the row, and `1 - λ` of another labelled one; the target is mixed alike (Zhang,
    /// Cissé, Dauphin & Lopez-Paz, ICLR 2018).
    Mixup { alpha: f64 },
    /// Gaussian noise of this standard deviation on every input.
    Noise { deviation: f64 },
    /// An image, moved by up to so many pixels in each direction; its edges are repeated.
    Shift { pixels: usize },
    /// An image with a square of this side, centred on a random pixel, set to zero (DeVries & Taylor, 2017).
    Cutout { side: usize },
}

impl Change {
    /// As it is called in a file.
    pub fn name(&self) -> &'static str {
        match self {
            Change::Mixup { .. } => "mixup",
            Change::Noise { .. } => "noise",
            Change::Shift { .. } => "shift",
            Change::Cutout { .. } => "cutout",
        }
    }

    /// Whether it can be made to images alone.
    pub fn for_images(&self) -> bool {
        matches!(self, Change::Shift { .. } | Change::Cutout { .. })
    }
}

impl Augment {
    /// Refuses a change that cannot be made to rows of `task`, and more virtual rows of `labels` than memory is for.
    ///
    /// # Errors
    /// [`EpisodeError::NoImage`], [`EpisodeError::Augmented`].
    pub fn check_task(&self, task: &Task, labels: usize) -> Result<(), EpisodeError> {
        if self.change.for_images() && !matches!(task.shape(), Shape::Image { .. }) {
            let (task, kind) = (task.name().to_string(), self.change.name());
            return Err(EpisodeError::NoImage { task, kind });
        }
        let numbers =
            labels.saturating_mul(self.copies).saturating_mul(DRAWS * (task.width() + task.classes()));
        if numbers > MAX_NUMBERS {
            let task = task.name().to_string();
            return Err(EpisodeError::Augmented { task, labels, numbers, limit: MAX_NUMBERS });
        }
        Ok(())
    }
}

/// Virtual rows of one fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Extra {
    inputs: Vec<f32>,
    targets: Vec<f32>,
    weights: Vec<f32>,
    width: usize,
    classes: usize,
    draws: usize,
    /// How many rows at the end of every draw a decoder has made.
    generated: usize,
    /// What rows are mixed with at hidden layers; none where no row of the fit is.
    hidden: Option<Hidden>,
}

/// Second inputs, shares of the first ones, and layers, of every row; a row that is not mixed has the share 1.
#[derive(Clone, Debug, Default, PartialEq)]
struct Hidden {
    others: Vec<f32>,
    shares: Vec<f32>,
    layers: Vec<usize>,
}

/// What a strategy has the next fit train on beside labels.
#[derive(Clone, Debug, Default)]
pub(super) struct Steering {
    pub mixtures: Vec<Mixture>,
    pub transformed: Vec<Transformed>,
}

impl Extra {
    /// Changed copies of `rows`, what a strategy wants made of such rows of which all labels are among them, and rows of a decoder; `None`
    /// where there is nothing of these. Shares of mixtures are drawn anew for each of `epochs`, or where there are copies or rows of a decoder,
    /// too, [`DRAWS`] times.
    pub fn of(
        (augment, generate): (Option<&Augment>, Option<&Generate>),
        steering: &Steering,
        task: &Task,
        (rows, labels): (&[u32], &[u32]),
        epochs: usize,
        key: Key,
    ) -> Option<Self> {
        let class = |row: RowId| rows.iter().position(|&known| known == row.0).map(|at| labels[at]);
        let mixtures: Vec<_> = (steering.mixtures.iter())
            .filter_map(|mixture| {
                let end = |row: RowId| Some((task.pool().row(row.index()), class(row)?));
                Some(([end(mixture.a)?, end(mixture.b)?], beta(mixture.alpha), mixture.layer))
            })
            .collect();
        let transformed: Vec<_> =
            (steering.transformed.iter()).filter_map(|one| Some((&one.input, class(one.row)?))).collect();
        let draws =
            match (augment.is_some() || generate.is_some(), mixtures.is_empty(), transformed.is_empty()) {
                (false, true, true) => return None,
                (false, true, false) => 1,
                (false, false, _) => {
                    let room = MIXED_NUMBERS / (mixtures.len() * task.width());
                    epochs.min(room.clamp(DRAWS, MAX_DRAWS)).max(1)
                }
                (true, ..) => DRAWS,
            };
        let hidden = mixtures.iter().any(|&(_, _, layer)| layer > 0).then(Hidden::default);
        // A decoder without a row to learn from makes none.
        let generate = generate.filter(|_| !rows.is_empty());
        let generated = generate.map_or(0, |generate| generate.copies * rows.len());
        let mut extra = Self { hidden, generated, ..Self::none(task) };
        let made = key.named("generator");
        let mut generator = generate.map(|generate| (generate, generate.fit(task, (rows, labels), made)));
        for draw in 0..draws as u64 {
            extra.begin_draw();
            if let Some(augment) = augment {
                extra.change(augment, task, rows, labels, key.named("augment").at(draw));
            }
            let mut rng = key.named("mixtures").at(draw).rng();
            for (ends, beta, layer) in &mixtures {
                extra.mix(*ends, beta.sample(&mut rng), 1.0, *layer);
            }
            for (input, label) in &transformed {
                extra.push(input.to_vec(), [(*label, 1.0), (*label, 0.0)], 1.0);
            }
            if let Some((generate, generator)) = &mut generator {
                generate.push(generator, labels, &mut extra, made.at(draw));
            }
        }
        Some(extra)
    }

    /// No row of `task`, in no draw.
    pub fn none(task: &Task) -> Self {
        Self { width: task.width(), classes: task.classes(), ..Self::default() }
    }

    /// No row of `task`, in no draw, beside those of another set.
    pub fn beside(task: &Task, other: Option<&Self>) -> Self {
        let hidden = other.and_then(|other| other.hidden.as_ref()).map(|_| Hidden::default());
        Self { hidden, ..Self::none(task) }
    }

    /// Has the rows that follow be another draw. Draws are to be of the same length.
    pub fn begin_draw(&mut self) {
        self.draws += 1;
    }

    /// Adds the rows of a draw of another set; its draws are taken in turn.
    pub fn append_draw(&mut self, other: &Self, draw: usize) {
        let each = other.weights.len() / other.draws;
        let from = draw % other.draws * each;
        self.inputs.extend_from_slice(&other.inputs[from * self.width..][..each * self.width]);
        self.targets.extend_from_slice(&other.targets[from * self.classes..][..each * self.classes]);
        self.weights.extend_from_slice(&other.weights[from..][..each]);
        if let (Some(own), Some(other)) = (&mut self.hidden, &other.hidden) {
            own.others.extend_from_slice(&other.others[from * self.width..][..each * self.width]);
            own.shares.extend_from_slice(&other.shares[from..][..each]);
            own.layers.extend_from_slice(&other.layers[from..][..each]);
        }
    }

    fn change(&mut self, augment: &Augment, task: &Task, rows: &[u32], labels: &[u32], key: Key) {
        let mut rng = key.rng();
        let pool = task.all_but_test();
        let row = |at: usize| (pool.row(rows[at] as usize), labels[at]);
        for at in 0..rows.len() {
            let (input, label) = row(at);
            for _ in 0..augment.copies {
                let changed = match augment.change {
                    Change::Mixup { alpha } => {
                        let other = row(rng.random_range(0..rows.len()));
                        let share = beta(alpha).sample(&mut rng);
                        self.mix([(input, label), other], share, augment.weight, 0);
                        continue;
                    }
                    Change::Noise { deviation } => {
                        let noise = |rng: &mut _| -> f64 { StandardNormal.sample(rng) };
                        input.iter().map(|x| x + (deviation * noise(&mut rng)) as f32).collect()
                    }
                    Change::Shift { pixels } => task.moved(input, &shifted(task.shape(), pixels, &mut rng)),
                    Change::Cutout { side } => {
                        let mut cut = input.to_vec();
                        hole(task.shape(), side, &mut rng).into_iter().for_each(|at| cut[at] = 0.0);
                        cut
                    }
                };
                self.push(changed, [(label, 1.0), (label, 0.0)], augment.weight);
            }
        }
    }

    fn mix(&mut self, [(a, first), (b, second)]: [(&[f32], u32); 2], share: f64, weight: f32, layer: usize) {
        let share = share as f32;
        let input = match layer {
            0 => a.iter().zip(b).map(|(a, b)| share * a + (1.0 - share) * b).collect(),
            _ => a.to_vec(),
        };
        self.push(input, [(first, share), (second, 1.0 - share)], weight);
        if let (Some(hidden), true) = (&mut self.hidden, layer > 0) {
            let (from, last) = (hidden.others.len() - b.len(), hidden.shares.len() - 1);
            hidden.others[from..].copy_from_slice(b);
            (hidden.shares[last], hidden.layers[last]) = (share, layer);
        }
    }

    /// Adds a row: its input, the shares of classes in its target, and its weight.
    pub fn push(&mut self, input: Vec<f32>, target: [(u32, f32); 2], weight: f32) {
        self.inputs.extend(input);
        let from = self.targets.len();
        self.targets.resize(from + self.classes, 0.0);
        for (class, share) in target {
            self.targets[from + class as usize] += share;
        }
        self.weights.push(weight);
        if let Some(hidden) = &mut self.hidden {
            hidden.others.resize(hidden.others.len() + self.width, 0.0);
            hidden.shares.push(1.0);
            hidden.layers.push(0);
        }
    }

    /// The rows of the first draw that a decoder has made, and their classes; `None` where there is none.
    pub fn generated(&self) -> Option<(Matrix, Vec<u32>)> {
        let end = self.weights.len() / self.draws.max(1);
        let rows = end.saturating_sub(self.generated)..end;
        let inputs = self.inputs[rows.start * self.width..rows.end * self.width].to_vec();
        let class = |row: usize| {
            let target = &self.targets[row * self.classes..][..self.classes];
            target.iter().position(|&share| share > 0.5).unwrap_or(0) as u32
        };
        (self.generated > 0).then(|| (Matrix::new(inputs, rows.len(), self.width), rows.map(class).collect()))
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// As a learner wants them.
    pub fn view(&self) -> VirtualRows<'_> {
        let rows = self.weights.len();
        VirtualRows {
            inputs: MatrixView::new(&self.inputs, rows, self.width),
            targets: MatrixView::new(&self.targets, rows, self.classes),
            weights: &self.weights,
            draws: self.draws,
            hidden: self.hidden.as_ref().map(|hidden| HiddenMixtures {
                others: MatrixView::new(&hidden.others, rows, self.width),
                shares: &hidden.shares,
                layers: &hidden.layers,
            }),
        }
    }
}

/// The symmetric Beta distribution.
fn beta(alpha: f64) -> Beta<f64> {
    Beta::new(alpha, alpha).expect("parameters were checked to be positive and finite")
}

/// For every pixel of an image that is moved at random by up to `pixels`, the one that it comes from.
pub(super) fn shifted(shape: Shape, pixels: usize, rng: &mut impl Rng) -> Vec<usize> {
    let Shape::Image { channels, height, width } = shape else { unreachable!("checked to be images") };
    let mut by = || rng.random_range(0..=2 * pixels) as isize - pixels as isize;
    let (down, right) = (by(), by());
    let from = |at: usize, by: isize, length: usize| at.saturating_add_signed(by).min(length - 1);
    let place =
        move |channel, y, x| (channel * height + from(y, down, height)) * width + from(x, right, width);
    (0..channels)
        .flat_map(|c| (0..height).flat_map(move |y| (0..width).map(move |x| place(c, y, x))))
        .collect()
}

/// The pixels of a square of this side, centred on a random pixel, that lie in the image.
pub(super) fn hole(shape: Shape, side: usize, rng: &mut impl Rng) -> Vec<usize> {
    let Shape::Image { channels, height, width } = shape else { unreachable!("checked to be images") };
    let mut span = |length: usize| {
        let centre = rng.random_range(0..length);
        let first = centre as isize - (side / 2) as isize;
        first.max(0) as usize..(first + side as isize).clamp(0, length as isize) as usize
    };
    let (rows, columns) = (span(height), span(width));
    let mut places = Vec::new();
    for channel in 0..channels {
        for y in rows.clone() {
            places.extend(columns.clone().map(|x| (channel * height + y) * width + x));
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Matrix, Scaling, SplitPlan, Targets};
    use crate::episode::{EpisodePlan, Episodes, Measure, PreparedTask, Replicate};
    use crate::learner::{Loss, Stop, TrainPlan};

    /// Forty images of 4 x 5 pixels in two classes; pixel `p` of row `r` is `p + r / 100`.
    fn task(scaling: Scaling) -> Task {
        let values = (0..40).flat_map(|row| (0..20).map(move |p| p as f32 + row as f32 / 100.0)).collect();
        let shape = Shape::Image { channels: 1, height: 4, width: 5 };
        let targets = Targets::Class {
            labels: (0..40).map(|row| row % 2).collect(),
            names: vec!["a".into(), "b".into()],
        };
        let set = Dataset::new("images", shape, Matrix::new(values, 40, 20), targets, None).unwrap();
        Task::split(&set, &SplitPlan { scaling, ..SplitPlan::default() }, Key::root(1)).unwrap()
    }

    fn made(change: Change, scaling: Scaling) -> (Task, Extra) {
        let task = task(scaling);
        let augment = Augment { change, copies: 3, weight: 0.5 };
        let (steering, known) = (Steering::default(), (&[2, 5, 7][..], &[0, 1, 1][..]));
        let extra = Extra::of((Some(&augment), None), &steering, &task, known, 1, Key::root(3)).unwrap();
        assert_eq!(extra.weights, vec![0.5; 3 * 3 * DRAWS]);
        assert_eq!(extra.view().each(), 9);
        (task, extra)
    }

    #[test]
    fn mixtures_lie_between_rows_and_have_mixed_targets() {
        let (task, extra) = made(Change::Mixup { alpha: 0.7 }, Scaling::None);
        let mut shares = Vec::new();
        for at in 0..extra.weights.len() {
            let (input, target) = (extra.view().inputs.row(at), extra.view().targets.row(at));
            let row = |place: usize| task.pool().row([2, 5, 7][place]);
            let own = at / 3 % 3;
            let share = if own == 0 { target[0] } else { target[1] };
            assert!((target[0] + target[1] - 1.0).abs() < 1e-6 && (0.0..=1.0).contains(&share));
            // Between the row and one of the three.
            let between = |other: usize| {
                let (a, b) = (row(own), row(other));
                let along = (input[0] - b[0]) / (a[0] - b[0]);
                other == own && (input[0] - a[0]).abs() < 1e-6
                    || (-1e-4..=1.0001).contains(&along)
                        && input
                            .iter()
                            .zip(a.iter().zip(b))
                            .all(|(x, (a, b))| (x - b - along * (a - b)).abs() < 1e-4)
            };
            assert!((0..3).any(between), "row {at}");
            shares.push(share);
        }
        // Draws differ, and the same key gives the same again.
        assert_ne!(extra.inputs[..9 * 20], extra.inputs[9 * 20..18 * 20]);
        assert_eq!(extra, made(Change::Mixup { alpha: 0.7 }, Scaling::None).1);
        assert!(shares.iter().any(|&share| share < 0.9));
    }

    /// `E λ = 1/2` and `Var λ = 1 / (4 (2 α + 1))`.
    #[test]
    fn shares_of_mixtures_have_the_moments_of_their_distribution() {
        let task = task(Scaling::None);
        let made = |mixtures| {
            let steering = Steering { mixtures, ..Steering::default() };
            Extra::of((None, None), &steering, &task, (&[2, 5], &[0, 1]), 10, Key::root(4))
        };
        for alpha in [0.3, 1.0, 4.0] {
            let mixtures = vec![Mixture { a: RowId(2), b: RowId(5), alpha, layer: 0 }; 4_000];
            let extra = made(mixtures).unwrap();
            let n = extra.weights.len() as f64;
            let share = |at: usize| f64::from(extra.view().targets.row(at)[0]);
            let mean = (0..extra.weights.len()).map(share).sum::<f64>() / n;
            let variance = (0..extra.weights.len()).map(|at| (share(at) - mean).powi(2)).sum::<f64>() / n;
            assert!((mean - 0.5).abs() < 0.01, "{alpha}: {mean}");
            assert!((variance - 0.25 / (2.0 * alpha + 1.0)).abs() < 0.005, "{alpha}: {variance}");
        }
        // A pair of which one label is not in hand has no target.
        assert_eq!(made(vec![Mixture { a: RowId(2), b: RowId(9), alpha: 1.0, layer: 0 }]), None);
        // Every epoch has a share of its own, at hidden layers, too; what is mixed there comes as two inputs.
        let pair = Mixture { a: RowId(2), b: RowId(5), alpha: 1.0, layer: 0 };
        let extra = made(vec![pair, Mixture { layer: 1, ..pair }]).unwrap();
        let hidden = extra.view().hidden.unwrap();
        assert_eq!((extra.view().draws, extra.view().each(), hidden.shares.len()), (10, 2, 20));
        for at in 0..20 {
            let (row, target) = (extra.view().inputs.row(at), extra.view().targets.row(at));
            match at % 2 {
                0 => assert_eq!((hidden.shares[at], hidden.layers[at]), (1.0, 0)),
                _ => {
                    assert_eq!((row, hidden.others.row(at)), (task.pool().row(2), task.pool().row(5)));
                    assert_eq!((hidden.shares[at], hidden.layers[at]), (target[0], 1));
                }
            }
        }
        let distinct: std::collections::BTreeSet<u32> = hidden.shares.iter().map(|s| s.to_bits()).collect();
        assert_eq!(distinct.len(), 11);
    }

    #[test]
    fn noise_has_its_deviation_and_keeps_the_class() {
        let (task, extra) = made(Change::Noise { deviation: 0.2 }, Scaling::None);
        let (mut sum, mut count) = (0.0, 0.0);
        for at in 0..extra.weights.len() {
            let own = [2, 5, 7][at / 3 % 3];
            assert_eq!(extra.view().targets.row(at), if own == 2 { [1.0, 0.0] } else { [0.0, 1.0] });
            for (x, y) in extra.view().inputs.row(at).iter().zip(task.pool().row(own)) {
                sum += f64::from(x - y).powi(2);
                count += 1.0;
            }
        }
        // 1800 draws: the standard error is .0033.
        assert!(((sum / count).sqrt() - 0.2).abs() < 0.015);
    }

    /// A pixel that moves keeps its grey value, whatever the scales of the two places are.
    #[test]
    fn images_are_moved_as_they_were_before_they_were_scaled() {
        let (raw, plain) = made(Change::Shift { pixels: 1 }, Scaling::None);
        let mut seen = std::collections::BTreeSet::new();
        for at in 0..plain.weights.len() {
            let (input, own) = (plain.view().inputs.row(at), raw.pool().row([2, 5, 7][at / 3 % 3]));
            // The pixel in row 1, column 2 has number 7.
            let moved = (input[7] - own[7]).round() as i32;
            let (down, right) = (((moved + 7) / 5 - 1), (moved + 7) % 5 - 2);
            seen.insert((down, right));
            for (y, x) in (0..4).flat_map(|y| (0..5).map(move |x| (y, x))) {
                let from = (y + down).clamp(0, 3) * 5 + (x + right).clamp(0, 4);
                assert!((input[(y * 5 + x) as usize] - own[from as usize]).abs() < 1e-5);
            }
        }
        assert_eq!(seen.len(), 9, "{seen:?}");
        for scaling in [Scaling::Standard, Scaling::MinMax] {
            let (_, scaled) = made(Change::Shift { pixels: 1 }, scaling);
            for at in 0..plain.weights.len() {
                // All columns have the same spread here; what differs are their means, by whole numbers.
                let raw = plain.view().inputs.row(at);
                let found = scaled.view().inputs.row(at);
                let factor = task(scaling).pool().row(1)[0] - task(scaling).pool().row(0)[0];
                let before = task(Scaling::None).pool().row(1)[0] - task(Scaling::None).pool().row(0)[0];
                let (first, least) = (raw[0], found[0]);
                for (p, (raw, found)) in raw.iter().zip(found).enumerate() {
                    let expected = (raw - first - p as f32) * factor / before;
                    let tolerance = 1e-2 * expected.abs().max(1.0);
                    assert!((found - least - expected).abs() < tolerance, "{scaling:?}");
                }
            }
        }
    }

    #[test]
    fn a_square_is_cut_out() {
        let (task, extra) = made(Change::Cutout { side: 3 }, Scaling::None);
        for at in 0..extra.weights.len() {
            let own = task.pool().row([2, 5, 7][at / 3 % 3]);
            let cut: Vec<usize> = (0..20)
                .filter(|&p| extra.view().inputs.row(at)[p] != own[p])
                .inspect(|&p| assert_eq!(extra.view().inputs.row(at)[p], 0.0))
                .collect();
            // Centred in a corner, four pixels of nine lie in the image; the first of all may be zero before.
            assert!((3..=9).contains(&cut.len()), "{cut:?}");
            assert!(cut.iter().all(|p| cut[0] / 5 + 2 >= p / 5 && p % 5 <= cut[0] % 5 + 2));
        }
    }

    /// Thirty steps of one mini-batch: the rows of an epoch are the labelled ones and their copies.
    #[test]
    fn every_fit_trains_on_copies_and_mixtures_for_one() {
        let plan = |augment| {
            let plan = EpisodePlan { augment, budget: 12, query_size: 4, ..EpisodePlan::default() };
            let train = TrainPlan { batch: 2, stop: Stop::Epochs { epochs: 10 }, ..plan.train };
            EpisodePlan { train, measure: Measure::Reward, ..plan }
        };
        let prepared = PreparedTask::new(task(Scaling::Standard));
        let start = |augment| {
            let replicate = Replicate { prepared: prepared.clone(), key: Key::root(6) };
            Episodes::reset(&plan(augment), &[replicate]).unwrap()
        };
        let noise = Augment { change: Change::Noise { deviation: 0.3 }, copies: 2, weight: 1.0 };
        let (mut plain, mut noisy, mut mixed) = (start(None), start(Some(noise)), start(None));
        let mut mapped = start(None);
        assert_eq!((plain.state(0).steps, noisy.state(0).steps), (10, 30));
        let signals = plain.signals(0, Default::default(), Key::root(0));
        let picks = plain.view(0, &signals).candidates()[..8].to_vec();
        let pair = Mixture { a: picks[0], b: picks[1], alpha: 0.5, layer: 0 };
        let refused = mixed.mix(0, &[pair]).unwrap_err();
        assert!(refused.to_string().contains("expected labelled rows"), "{refused}");
        for episodes in [&mut plain, &mut noisy, &mut mixed, &mut mapped] {
            episodes.ask(&[(0, picks[..4].to_vec())]).unwrap();
        }
        assert!(mixed.mix(0, &[Mixture { alpha: f64::NAN, ..pair }]).is_err());
        let deep = mixed.mix(0, &[Mixture { layer: 2, ..pair }]).unwrap_err();
        assert!(deep.to_string().contains("mixtures at layer 2 of a network with 1 hidden ones"), "{deep}");
        let version = Transformed { row: picks[0], input: vec![0.5; 20] };
        let short = Transformed { input: vec![0.5; 3], ..version.clone() };
        assert!(plain.transform(0, &[short]).unwrap_err().to_string().contains("3 numbers"));
        mixed.mix(0, &[pair, Mixture { b: picks[2], layer: 1, ..pair }]).unwrap();
        mapped.transform(0, &[version.clone(), version]).unwrap();
        for episodes in [&mut plain, &mut noisy, &mut mixed, &mut mapped] {
            episodes.refit().unwrap();
        }
        // Six labels; eighteen rows; eight rows.
        let steps = |episodes: &Episodes| episodes.state(0).steps;
        assert_eq!([&plain, &noisy, &mixed, &mapped].map(steps), [10 + 30, 30 + 90, 10 + 40, 10 + 40]);
        plain.step(&[(0, picks[4..].to_vec())]).unwrap();
        mixed.step(&[(0, picks[4..].to_vec())]).unwrap();
        assert_eq!((steps(&plain), steps(&mixed)), (90, 100), "mixtures are for one fit");
        assert_eq!(plain.state(0).fit.loss, mixed.state(0).fit.loss);
        // Neither is for classifiers that are not trained by gradient steps on cross-entropy.
        let squared = |augment| {
            let plan = plan(augment);
            EpisodePlan { train: TrainPlan { loss: Loss::Squared, ..plan.train }, ..plan }
        };
        let replicate = Replicate { prepared: prepared.clone(), key: Key::root(6) };
        let refused = Episodes::reset(&squared(Some(noise)), std::slice::from_ref(&replicate)).err().unwrap();
        assert!(refused.to_string().contains("another loss than cross-entropy"), "{refused}");
        let mut episodes = Episodes::reset(&squared(None), &[replicate]).unwrap();
        episodes.ask(&[(0, picks[..4].to_vec())]).unwrap();
        assert!(episodes.mix(0, &[pair]).unwrap_err().to_string().contains("a strategy that mixes rows"));
        assert!(episodes.mix(0, &[]).is_ok());
    }

    #[test]
    fn what_cannot_be_made_is_refused() {
        let vectors = Task::from_parts(
            "rows",
            2,
            (Matrix::zeros(4, 3), vec![0, 1, 0, 1]),
            (Matrix::zeros(1, 3), vec![0]),
            (Matrix::zeros(1, 3), vec![0]),
        )
        .unwrap();
        let shift = Augment { change: Change::Shift { pixels: 1 }, copies: 1, weight: 1.0 };
        let error = shift.check_task(&vectors, 3).unwrap_err();
        assert_eq!(error, EpisodeError::NoImage { task: "rows".into(), kind: "shift" });
        assert_eq!(shift.check_task(&task(Scaling::None), 3), Ok(()));
        let mixup = Augment { change: Change::Mixup { alpha: 1.0 }, copies: 100, weight: 1.0 };
        assert_eq!(mixup.check_task(&vectors, 30), Ok(()));
        let error = mixup.check_task(&vectors, 1 << 20).unwrap_err();
        assert!(matches!(error, EpisodeError::Augmented { numbers: 5_242_880_000, .. }), "{error}");
    }
}
