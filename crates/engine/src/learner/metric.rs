//! How well predictions agree with the truth: accuracy, balanced accuracy and macro-F1 of classes, the normalised error
//! of numbers, macro-F1 and mean average precision of sets of labels, overlap of masks.

use crate::data::mask::{mask_words, pixel};
use crate::data::target::{has_label, number_of};
use crate::data::{Matrix, TargetKind};
use serde::{Deserialize, Serialize};

/// One figure of a network, higher = better: of a classifier a share, of numbers at most 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// The share of rows whose class is predicted.
    #[default]
    Accuracy,
    /// The mean recall of the classes that have a row (Brodersen et al., ICPR 2010).
    BalancedAccuracy,
    /// The mean F1 of the classes that have a row or a prediction.
    MacroF1,
    /// One minus the equal error rate of verification: every row claims every class, with its probability as the score, and the threshold is where as large a share of
    /// the true claims is rejected as of the false ones accepted.
    Verification,
    /// One minus the root of the mean squared error over the standard deviation of the truth on the same rows: 1 for the
    /// truth itself, 0 for its mean everywhere, and negative for what is worse than that.
    Nrmse,
    /// The share of the truth's variance that is explained: `1 - (1 - nrmse)^2`.
    R2,
    /// The mean F1 of the labels, a label being predicted where its probability is at least one half.
    LabelMacroF1,
    /// The mean, over the labels, of the area under the curve of precision against recall.
    MeanAveragePrecision,
    /// The mean over images of the Dice coefficient of the foreground, twice what is shared over the sum of both; 1 where both are empty. A pixel is
    /// predicted to be foreground where its probability is at least one half.
    Dice,
    /// The mean over images of the intersection of the foregrounds over their union; 1 where both are empty.
    Iou,
}

impl Metric {
    /// Those of classes, in the order in which they are shown.
    pub const OF_CLASSES: [Self; 3] = [Self::Accuracy, Self::BalancedAccuracy, Self::MacroF1];
    /// Those of classes that are identities, in the order in which they are shown: the share of rows whose identity ranks first, and verification.
    pub const OF_IDENTITIES: [Self; 2] = [Self::Accuracy, Self::Verification];
    /// Those of numbers, in the order in which they are shown.
    pub const OF_NUMBERS: [Self; 2] = [Self::Nrmse, Self::R2];
    /// Those of sets of labels, in the order in which they are shown.
    pub const OF_LABELS: [Self; 2] = [Self::LabelMacroF1, Self::MeanAveragePrecision];
    /// Those of masks, in the order in which they are shown.
    pub const OF_MASKS: [Self; 2] = [Self::Dice, Self::Iou];
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Accuracy,
        Self::BalancedAccuracy,
        Self::MacroF1,
        Self::Verification,
        Self::Nrmse,
        Self::R2,
        Self::LabelMacroF1,
        Self::MeanAveragePrecision,
        Self::Dice,
        Self::Iou,
    ];

    /// The kind of targets that it is a figure of.
    pub fn targets(self) -> TargetKind {
        match self {
            Self::Accuracy | Self::BalancedAccuracy | Self::MacroF1 | Self::Verification => TargetKind::Class,
            Self::Nrmse | Self::R2 => TargetKind::Real,
            Self::LabelMacroF1 | Self::MeanAveragePrecision => TargetKind::MultiLabel,
            Self::Dice | Self::Iou => TargetKind::Mask,
        }
    }

    /// The figures that are shown where this one is what a run is judged by.
    pub fn beside(self) -> &'static [Self] {
        match self {
            Self::Verification => &Self::OF_IDENTITIES,
            _ => self.targets().metrics(),
        }
    }

    /// Whether it can have this value: a share, or of numbers anything up to 1.
    pub fn admits(self, value: f64) -> bool {
        value.is_finite() && (self.least()..=1.0).contains(&value)
    }

    /// The least that it can be; the most is 1.
    pub fn least(self) -> f64 {
        match self.targets() {
            TargetKind::Class | TargetKind::MultiLabel | TargetKind::Mask => 0.0,
            TargetKind::Real => f64::NEG_INFINITY,
        }
    }

    /// Whether it is accuracy, which rows need not say.
    pub fn is_accuracy(&self) -> bool {
        *self == Self::Accuracy
    }

    /// The word that an experiment file uses, which is also the column of the rows.
    pub fn key(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced_accuracy",
            Self::MacroF1 => "macro_f1",
            Self::Verification => "verification",
            Self::Nrmse => "nrmse",
            Self::R2 => "r2",
            Self::LabelMacroF1 => "label_macro_f1",
            Self::MeanAveragePrecision => "mean_average_precision",
            Self::Dice => "dice",
            Self::Iou => "iou",
        }
    }

    /// The name in running text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::BalancedAccuracy => "balanced accuracy",
            Self::MacroF1 => "macro-F1",
            Self::Verification => "1 − EER",
            Self::Nrmse => "1 − nRMSE",
            Self::R2 => "R²",
            Self::LabelMacroF1 => "macro-F1 of labels",
            Self::MeanAveragePrecision => "mean average precision",
            Self::Dice => "Dice",
            Self::Iou => "IoU",
        }
    }

    /// The name at the head of a column.
    pub fn short_name(self) -> &'static str {
        match self {
            Self::BalancedAccuracy => "balanced",
            Self::LabelMacroF1 => "macro-F1",
            Self::MeanAveragePrecision => "mAP",
            Self::Accuracy
            | Self::MacroF1
            | Self::Verification
            | Self::Nrmse
            | Self::R2
            | Self::Dice
            | Self::Iou => self.name(),
        }
    }

    /// The name with what it is, where the name does not say.
    pub fn explained(self) -> &'static str {
        match self {
            Self::Verification => {
                "1 − EER (of the equal error rate of claims of a class, by their probability)"
            }
            Self::BalancedAccuracy => "balanced accuracy (the mean recall of the classes)",
            Self::Nrmse => {
                "1 − nRMSE (of the root of the mean squared error over the truth's standard deviation)"
            }
            Self::LabelMacroF1 => {
                "macro-F1 (the mean F1 of the labels, predicted from a probability of ½ on)"
            }
            Self::MeanAveragePrecision => "mean average precision over the labels",
            Self::Dice => "Dice (the mean over images of twice the shared foreground over the sum of both)",
            Self::Iou => "IoU (the mean over images of the foregrounds' intersection over their union)",
            Self::Accuracy | Self::MacroF1 | Self::R2 => self.name(),
        }
    }
}

/// All figures of one set of predictions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scores {
    /// What `accuracy` holds: the first figure of a kind of targets, which rewards are gains in.
    #[serde(default, skip_serializing_if = "Metric::is_accuracy")]
    pub metric: Metric,
    /// The share of rows whose class is predicted; of other targets, their first figure.
    pub accuracy: f64,
    /// The mean recall of the classes that have a row; 0 of other targets.
    pub balanced_accuracy: f64,
    /// The mean F1 of the classes that have a row or a prediction; 0 of other targets.
    pub macro_f1: f64,
    /// [`Metric::Verification`] of classes, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<f64>,
    /// [`Metric::MeanAveragePrecision`] of sets of labels; 0 of other targets.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub mean_average_precision: f64,
    /// [`Metric::Iou`] of masks; 0 of other targets.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub iou: f64,
}

/// Whether a figure is one that targets of other kinds have.
fn is_zero(figure: &f64) -> bool {
    *figure == 0.0
}

impl Scores {
    /// The figures of `predicted` against `truth`, shape `[n]` each, classes from 0 to `classes`. Zero rows give
    /// zeros.
    ///
    /// As in scikit-learn, a class without a row takes no part in balanced accuracy
    /// (`balanced_accuracy_score`), and a class without a row and without a prediction none in macro-F1
    /// (`f1_score(average="macro")`); one that is predicted though it has no row counts there with an F1 of 0.
    ///
    /// # Panics
    /// If the lengths differ or a class is not below `classes`.
    pub fn of(predicted: &[u32], truth: &[u32], classes: usize) -> Self {
        assert_eq!(predicted.len(), truth.len(), "one prediction per row");
        // Of the confusion matrix, its diagonal and the sums of its rows and columns are all that is read.
        let [mut hits, mut rows, mut predictions] = [0, 1, 2].map(|_| vec![0u32; classes]);
        for (&predicted, &truth) in predicted.iter().zip(truth) {
            rows[truth as usize] += 1;
            predictions[predicted as usize] += 1;
            hits[truth as usize] += u32::from(predicted == truth);
        }
        // A mean over the classes that have a denominator.
        let mean = |share: &dyn Fn(usize) -> (u32, u32)| {
            let (mut sum, mut count) = (0.0, 0u32);
            for (part, whole) in (0..classes).map(share).filter(|&(_, whole)| whole > 0) {
                sum += f64::from(part) / f64::from(whole);
                count += 1;
            }
            sum / f64::from(count.max(1))
        };
        Self {
            metric: Metric::Accuracy,
            accuracy: f64::from(hits.iter().sum::<u32>()) / truth.len().max(1) as f64,
            balanced_accuracy: mean(&|class| (hits[class], rows[class])),
            macro_f1: mean(&|class| (2 * hits[class], rows[class] + predictions[class])),
            ..Self::default()
        }
    }

    /// These with [`Metric::Verification`] by class `probabilities`, shape `[n, classes]`, against the true classes. Zero rows, and one class, give 1.
    ///
    /// # Panics
    /// If there is not one row of probabilities per class.
    pub fn verified(self, probabilities: &Matrix, truth: &[u32]) -> Self {
        assert_eq!(probabilities.rows(), truth.len(), "one prediction per row");
        let claims = truth.iter().enumerate().flat_map(|(row, &own)| {
            let scores = probabilities.row(row).iter().enumerate();
            scores.map(move |(class, &score)| (score, class == own as usize))
        });
        Self { verification: Some(1.0 - equal_error_rate(claims.collect())), ..self }
    }

    /// The figures of numbers that were `predicted` against the true ones, given by their words, shape `[n]` each. Where
    /// the truth does not vary, as on one row, no prediction explains anything: 0.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn of_numbers(predicted: &[f32], truth: &[u32]) -> Self {
        assert_eq!(predicted.len(), truth.len(), "one prediction per row");
        let truth = || truth.iter().map(|&word| f64::from(number_of(word)));
        let mean = truth().sum::<f64>() / predicted.len().max(1) as f64;
        let spread: f64 = truth().map(|number| (number - mean).powi(2)).sum();
        let miss: f64 =
            predicted.iter().zip(truth()).map(|(&found, number)| (f64::from(found) - number).powi(2)).sum();
        let score = if spread > 0.0 { 1.0 - (miss / spread).sqrt() } else { 0.0 };
        Self { metric: Metric::Nrmse, accuracy: score, ..Self::default() }
    }

    /// The figures of sets of labels of which these `probabilities` are predicted, shape `[n, labels]`, against the true sets,
    /// given by their words, shape `[n]`. Zero rows give zeros.
    ///
    /// As in scikit-learn, every label counts in both means: one that no row has and none is predicted to have with an F1
    /// of 0 (`f1_score(average="macro", zero_division=0)`), and one that no row has with an average precision of 0
    /// (`average_precision_score(average="macro")`). Average precision is the sum over the thresholds, from the highest
    /// probability down, of the precision there times the recall gained; rows of equal probability share a threshold.
    ///
    /// # Panics
    /// If there is not one row of probabilities per word.
    pub fn of_labels(probabilities: &Matrix, truth: &[u32]) -> Self {
        assert_eq!(probabilities.rows(), truth.len(), "one prediction per row");
        let labels = probabilities.cols();
        let mean =
            |figure: &dyn Fn(usize) -> f64| (0..labels).map(figure).sum::<f64>() / labels.max(1) as f64;
        let of = |label: usize| {
            truth
                .iter()
                .enumerate()
                .map(move |(row, &word)| (probabilities.row(row)[label], has_label(word, label)))
        };
        let f1 = |label: usize| {
            let (mut hits, mut all) = (0u32, 0u32);
            for (probability, held) in of(label) {
                let predicted = probability >= 0.5;
                hits += u32::from(predicted && held);
                all += u32::from(predicted) + u32::from(held);
            }
            2.0 * f64::from(hits) / f64::from(all.max(1))
        };
        Self {
            metric: Metric::LabelMacroF1,
            accuracy: mean(&f1),
            mean_average_precision: mean(&|label| average_precision(of(label).collect())),
            ..Self::default()
        }
    }

    /// The figures of masks of which these `probabilities` are predicted, shape `[n, pixels]`, against the true ones, [packed](crate::data::mask) one
    /// after the other. Zero images give zeros.
    ///
    /// # Panics
    /// If there is not one mask per row of probabilities.
    pub fn of_masks(probabilities: &Matrix, truth: &[u32]) -> Self {
        let (images, words) = (probabilities.rows(), mask_words(probabilities.cols()));
        assert_eq!(truth.len(), images * words, "one mask per image");
        let (mut dice, mut iou) = (0.0, 0.0);
        for (row, mask) in truth.chunks_exact(words).enumerate() {
            let (mut shared, mut both) = (0u32, 0u32);
            for (at, &probability) in probabilities.row(row).iter().enumerate() {
                let (predicted, true_) = (probability >= 0.5, pixel(mask, at));
                shared += u32::from(predicted && true_);
                both += u32::from(predicted) + u32::from(true_);
            }
            let share =
                |part: u32, whole: u32| if whole == 0 { 1.0 } else { f64::from(part) / f64::from(whole) };
            dice += share(2 * shared, both);
            iou += share(shared, both - shared);
        }
        let count = images.max(1) as f64;
        Self { metric: Metric::Dice, accuracy: dice / count, iou: iou / count, ..Self::default() }
    }

    /// One of the figures; none for one that targets of another kind have, or that was not asked for.
    pub fn known(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Verification => self.verification,
            _ => (metric.targets() == self.metric.targets()).then(|| self.by(metric)),
        }
    }

    /// One of the figures; NaN for one that targets of another kind have, or that was not asked for.
    pub fn by(&self, metric: Metric) -> f64 {
        if metric.targets() != self.metric.targets() {
            return f64::NAN;
        }
        match metric {
            Metric::Accuracy | Metric::Nrmse | Metric::LabelMacroF1 | Metric::Dice => self.accuracy,
            Metric::BalancedAccuracy => self.balanced_accuracy,
            Metric::MacroF1 => self.macro_f1,
            Metric::Verification => self.verification.unwrap_or(f64::NAN),
            Metric::R2 => 1.0 - (1.0 - self.accuracy).powi(2),
            Metric::MeanAveragePrecision => self.mean_average_precision,
            Metric::Iou => self.iou,
        }
    }
}

/// The rate at which as large a share of false claims is accepted as of true ones rejected, of claims that are each `(score, true)`, straight between the thresholds
/// that there are; 0 where all claims are true, or all are false.
fn equal_error_rate(mut claims: Vec<(f32, bool)>) -> f64 {
    claims.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let genuine = claims.iter().filter(|(_, own)| *own).count();
    let false_claims = claims.len() - genuine;
    if genuine == 0 || false_claims == 0 {
        return 0.0;
    }
    let (mut accepted, mut found) = (0, 0);
    let mut before = [0.0, 1.0];
    for alike in claims.chunk_by(|a, b| a.0 == b.0) {
        let own = alike.iter().filter(|(_, own)| *own).count();
        (accepted, found) = (accepted + alike.len() - own, found + own);
        let now = [accepted as f64 / false_claims as f64, 1.0 - found as f64 / genuine as f64];
        if now[0] >= now[1] {
            let (gap, next) = (before[1] - before[0], now[0] - now[1]);
            let along = if gap + next > 0.0 { gap / (gap + next) } else { 0.0 };
            return before[0] + along * (now[0] - before[0]);
        }
        before = now;
    }
    unreachable!("all are accepted in the end")
}

/// The average precision of rows that are each `(score, positive)`; 0 without a positive one.
fn average_precision(mut rows: Vec<(f32, bool)>) -> f64 {
    rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
    let positives = rows.iter().filter(|(_, positive)| *positive).count();
    let (mut seen, mut found, mut sum) = (0, 0, 0.0);
    for alike in rows.chunk_by(|a, b| a.0 == b.0) {
        let gained = alike.iter().filter(|(_, positive)| *positive).count();
        (seen, found) = (seen + alike.len(), found + gained);
        sum += found as f64 / seen as f64 * gained as f64;
    }
    sum / positives.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// True claims of .9, .6 and .4, false ones of .7, .5, .3, .2, .1 and .1: from .5 on, a third of either is wrong. With a false one at .45 in the place of .5, a
    /// third is rejected while a sixth is accepted at .6, and a third of both at .45.
    #[test]
    fn equal_error_rates_by_hand() {
        let claims = |genuine: &[f32], others: &[f32]| {
            let of = |scores: &[f32], own: bool| scores.iter().map(|&score| (score, own)).collect::<Vec<_>>();
            equal_error_rate([of(genuine, true), of(others, false)].concat())
        };
        let third = 1.0 / 3.0;
        assert!((claims(&[0.9, 0.6, 0.4], &[0.7, 0.5, 0.3, 0.2, 0.1, 0.1]) - third).abs() < 1e-12);
        assert!((claims(&[0.9, 0.6, 0.4], &[0.7, 0.45, 0.3, 0.2, 0.1, 0.1]) - third).abs() < 1e-12);
        assert_eq!(claims(&[0.9, 0.8], &[0.1, 0.2]), 0.0);
        assert_eq!(claims(&[0.1, 0.2], &[0.8, 0.9]), 1.0);
        // All alike: half way.
        assert_eq!(claims(&[0.5, 0.5], &[0.5, 0.5, 0.5]), 0.5);
        assert_eq!(claims(&[0.5], &[]), 0.0);
        let p = Matrix::new(vec![0.8, 0.2, 0.3, 0.7, 0.6, 0.4], 3, 2);
        let scores = Scores::of(&[0, 1, 0], &[0, 1, 1], 2);
        assert_eq!(scores.known(Metric::Verification), None);
        // True claims .8, .7 and .4; false ones .2, .3 and .6.
        let verified = scores.verified(&p, &[0, 1, 1]);
        assert!((verified.by(Metric::Verification) - 2.0 * third).abs() < 1e-12);
        assert_eq!(verified.by(Metric::Accuracy), scores.accuracy);
    }

    use crate::data::mask::mask_of;
    use proptest::prelude::*;

    /// The figures of one image.
    fn overlap(predicted: &[bool], truth: &[bool]) -> (f64, f64) {
        let p = predicted.iter().map(|&on| if on { 0.5 } else { 0.25 }).collect();
        let scores = Scores::of_masks(&Matrix::new(p, 1, predicted.len()), &mask_of(truth));
        (scores.by(Metric::Dice), scores.by(Metric::Iou))
    }

    /// Three pixels predicted, four true, two shared.
    #[test]
    fn overlap_by_hand() {
        let pixels = |on: [usize; 4]| -> Vec<bool> { (0..70).map(|at| on.contains(&at)).collect() };
        let (dice, iou) = overlap(&pixels([1, 40, 69, 69]), &pixels([1, 2, 69, 3]));
        assert!((dice - 4.0 / 7.0).abs() < 1e-15 && (iou - 0.4).abs() < 1e-15, "{dice} {iou}");
        assert_eq!(overlap(&[false; 40], &[false; 40]), (1.0, 1.0));
        assert_eq!(overlap(&[true; 40], &[false; 40]), (0.0, 0.0));
        // Of two images the mean, and not the overlap of both together.
        let two = Matrix::new(vec![1.0, 0.0, 1.0, 1.0], 2, 2);
        let truth = [mask_of(&[true, false]), mask_of(&[true, false])].concat();
        let scores = Scores::of_masks(&two, &truth);
        assert_eq!((scores.accuracy, scores.iou), ((1.0 + 2.0 / 3.0) / 2.0, 0.75));
        assert_eq!(Scores::of_masks(&Matrix::zeros(0, 4), &[]).accuracy, 0.0);
    }

    proptest! {
        #[test]
        fn dice_is_twice_iou_over_one_more(pixels in prop::collection::vec(any::<(bool, bool)>(), 1..80)) {
            let (predicted, truth): (Vec<bool>, Vec<bool>) = pixels.into_iter().unzip();
            let (dice, iou) = overlap(&predicted, &truth);
            prop_assert!((dice - 2.0 * iou / (1.0 + iou)).abs() < 1e-12);
            prop_assert_eq!(overlap(&truth, &predicted), (dice, iou));
        }
    }

    /// Ten positives in six hundred: who never says so has an accuracy of 98.3 % and is of no use.
    #[test]
    fn the_majority_alone_is_at_chance() {
        let truth: Vec<u32> = (0..600).map(|row| u32::from(row < 10)).collect();
        let scores = Scores::of(&[0; 600], &truth, 2);
        assert_eq!(scores.accuracy, 590.0 / 600.0);
        assert_eq!(scores.balanced_accuracy, 0.5);
        assert_eq!(scores.macro_f1, 0.5 * (2.0 * 590.0 / (590.0 + 600.0)));
        assert_eq!(
            Scores::of(&truth, &truth, 2),
            Scores { accuracy: 1.0, balanced_accuracy: 1.0, macro_f1: 1.0, ..Scores::default() }
        );
        assert_eq!(Scores::of(&[], &[], 2), Scores::default());
    }

    /// Class 2 is predicted and never true, class 3 neither: recalls of 1/2 and 1/2; F1 of 2/3, 1/2 and 0.
    #[test]
    fn classes_without_rows() {
        let scores = Scores::of(&[0, 1, 2, 1], &[0, 0, 1, 1], 4);
        assert_eq!(scores.accuracy, 0.5);
        assert_eq!(scores.balanced_accuracy, 0.5);
        let f1 = (2.0 / 3.0 + 2.0 / 4.0 + 0.0) / 3.0;
        assert!((scores.macro_f1 - f1).abs() < 1e-15, "{}", scores.macro_f1);
    }
}
