//! The verdict: for every task and strategy, how good, against random and against margin, and what may
//! be said about it.
//!
//! # What counts
//!
//! The figure is the normalised AULC on the label range that all curves of a task share. Comparisons
//! are *paired*: a repetition of the strategy with the repetition of the same number of the reference
//! (same split, initial labels and weights); a repetition that one side lacks is left out of the pair
//! and counted. An interval is the BCa bootstrap of the mean difference; p is Wilcoxon's signed-rank
//! test with Pratt's zeros, after Holm within the task and the family of comparisons (all against
//! random; all against margin). See [`wording`] for when a difference may be called one, [`choice`] for the
//! comparison with the best hand-made strategy, and [`across`] for what is said over several tasks.
//!
//! What reads hidden labels is a reference line: it has its figures, and differences corrected among its
//! like, but stands below the ranked strategies, closes no gap, and is the best of nothing.

pub(crate) mod across;
pub(crate) mod choice;
pub(crate) mod compare;
pub(crate) mod robustness;
mod scores;
mod targets;
pub(crate) mod wording;

use std::collections::BTreeMap;

use serde::Serialize;

use super::curves::{StrategyCurves, TaskCurves, gather};
use super::roles::is_ranked;
use super::stats::bootstrap::RESAMPLES;
use super::stats::holm::holm;
use super::stats::mean::{mean, mean_interval};
use super::stats::savings::{Needs, needs};
use crate::episode::Row;
use crate::learner::Metric;
use crate::query::Registry;
use crate::rng::Key;
use crate::run::FullPool;
pub use across::AcrossTasks;
pub use choice::AgainstBest;
pub use compare::{Comparison, LabelSavings, Outcome};
pub use robustness::Robustness;
pub use targets::Target;

/// The strategy that every claim starts from.
pub const RANDOM: &str = "random";
/// The strong hand-made reference.
pub const MARGIN: &str = "margin";
/// Under this many pairs a verdict is a first look, and says so.
pub const FEW_PAIRS: usize = 10;

/// What a verdict may be told.
#[derive(Clone, Debug)]
pub struct VerdictOptions {
    /// The strategy the sentences are about; where no row has it, the best mean is named instead.
    pub subject: String,
    /// What curves show and everything else follows from.
    pub metric: Metric,
    /// The metric's value for label savings, the same on every task.
    pub target: Option<f64>,
    /// Without one, the shares of what all labels give; where that was not measured, what random reaches on average
    /// at the end of the shared range (without random: the lowest such mean of any strategy).
    pub shares: Vec<f64>,
    /// What all labels give.
    pub full_pool: Vec<FullPool>,
    /// The strategies that are known: who among the names is hand-made, and who reads hidden labels.
    pub registry: Registry,
    /// The level of significance, after Holm.
    pub alpha: f64,
    /// The coverage of intervals.
    pub level: f64,
    /// Bootstrap resamples per interval.
    pub resamples: usize,
    /// What the bootstrap draws from: the same on every task, so that what a task is called decides nothing.
    pub key: Key,
}

impl Default for VerdictOptions {
    fn default() -> Self {
        Self {
            subject: "policy".to_owned(),
            metric: Metric::default(),
            target: None,
            shares: Vec::new(),
            full_pool: Vec::new(),
            registry: Registry::builtin(),
            alpha: 0.05,
            level: 0.95,
            resamples: RESAMPLES,
            key: Key::root(0).named("verdict"),
        }
    }
}

/// The verdict over all tasks. Serialises as the array of its entries; a number that does not exist is
/// `null`.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// What all figures but those that name another one are measured by.
    pub metric: Metric,
    /// One per task and strategy: tasks by name, strategies by falling AULC, those that read hidden labels last.
    pub entries: Vec<Entry>,
    /// One per task, by name.
    pub tasks: Vec<TaskVerdict>,
    /// The verdict in one plain sentence.
    pub sentence: String,
    /// Every strategy over all tasks, best first.
    pub robustness: Vec<Robustness>,
    /// The subject over tasks, against margin, random and the best hand-made strategy; empty under two tasks.
    pub across: Vec<AcrossTasks>,
    /// What limits it, one sentence each.
    pub warnings: Vec<String>,
}

impl Entry {
    /// A figure at the end of the shared range, where targets have it.
    pub fn at_end(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Accuracy => self.final_accuracy,
            Metric::BalancedAccuracy => self.final_balanced_accuracy,
            Metric::MacroF1 => self.final_macro_f1,
            Metric::Verification => self.final_verification,
            Metric::Nrmse => self.final_nrmse,
            Metric::R2 => self.final_r2,
            Metric::LabelMacroF1 => self.final_label_macro_f1,
            Metric::MeanAveragePrecision => self.final_mean_average_precision,
            Metric::Dice => self.final_dice,
            Metric::Iou => self.final_iou,
        }
    }
}

impl Serialize for Verdict {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.entries.serialize(serializer)
    }
}

/// One strategy on one task. Figures are of the verdict's metric where they do not name one; they and their
/// differences are shares (0.012 = 1.2 points).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The task.
    pub task: String,
    /// The strategy.
    pub strategy: String,
    /// Whether it reads labels that a real labelling would not have, and is therefore not ranked.
    pub reads_hidden_labels: bool,
    /// Repetitions with a complete curve.
    pub repetitions: usize,
    /// Repetitions left out because their rows are no curve.
    pub left_out: usize,
    /// The mean normalised AULC.
    pub aulc: Option<f64>,
    /// The 95 % interval of that mean (Student's t), `[lo, hi]`.
    pub ci95: Option<[f64; 2]>,
    /// Paired with random; `null` for random itself and where random did not run.
    pub vs_random: Option<Comparison>,
    /// Paired with margin; `null` for margin itself and where margin did not run.
    pub vs_margin: Option<Comparison>,
    /// Paired with the best hand-made strategy; `null` for all but the subject, and where no other than margin ran.
    pub vs_best_hand_made: Option<AgainstBest>,
    /// The mean AULC of the first half of the label range.
    pub aulc_early: Option<f64>,
    /// The mean AULC of the second half of the label range.
    pub aulc_late: Option<f64>,
    /// The cross-domain benchmark's AUC: the mean over the curve's points.
    pub auc: Option<f64>,
    /// The mean accuracy at the end of the shared range; `null` of other targets, as the next two.
    pub final_accuracy: Option<f64>,
    /// The mean balanced accuracy there.
    pub final_balanced_accuracy: Option<f64>,
    /// The mean macro-F1 there.
    pub final_macro_f1: Option<f64>,
    /// The mean of one minus the equal error rate there, where it is what a run is judged by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_verification: Option<f64>,
    /// The mean of 1 − nRMSE there, of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_nrmse: Option<f64>,
    /// The mean of R² there, of numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_r2: Option<f64>,
    /// The mean of the labels' macro-F1 there, of sets of labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_label_macro_f1: Option<f64>,
    /// The mean of the mean average precision there, of sets of labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_mean_average_precision: Option<f64>,
    /// The mean Dice coefficient there, of masks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_dice: Option<f64>,
    /// The mean intersection over union there, of masks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub final_iou: Option<f64>,
    /// Labels needed for each of the task's targets.
    pub labels_to_target: Vec<LabelsToTarget>,
    /// The share of the oracle's lead over random that is closed: of the highest mean of what reads hidden labels.
    /// `null` without one or without random, and for what reads hidden labels itself.
    pub gap_closed: Option<f64>,
}

/// Labels needed for the target.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LabelsToTarget {
    /// The target.
    pub target: f64,
    /// Repetitions that reached it.
    pub reached: usize,
    /// Repetitions that did not.
    pub censored: usize,
    /// The median over all repetitions; `null` where it falls among the censored.
    pub median: Option<f64>,
    /// The mean of labels spent before the target or the end of the range.
    pub restricted_mean: f64,
}

/// What one task came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskVerdict {
    /// The task.
    pub task: String,
    /// The label range that all curves share.
    pub labels: Option<[u32; 2]>,
    /// What the classifier reaches with every label of the pool, where it was measured.
    pub full_pool: Option<f64>,
    /// What label savings refer to.
    pub targets: Vec<Target>,
    /// The plain sentence.
    pub sentence: String,
}

/// Judges rows. Neither their order nor the number of threads has an influence.
///
/// Rows that are no learning curve are left out, counted and warned of; an empty slice gives an empty
/// verdict that says so.
pub fn verdict(rows: &[Row], options: &VerdictOptions) -> Verdict {
    let curves = gather(rows, options.metric);
    // The same tasks in the same order.
    let by_metric: Vec<_> =
        options.metric.beside().iter().map(|&metric| (metric, gather(rows, metric))).collect();
    let mut entries = Vec::new();
    let mut tasks = Vec::new();
    let mut warnings = Vec::new();
    for (at, task) in curves.iter().enumerate() {
        let judged = judge(
            task,
            &by_metric.iter().map(|(metric, all)| (*metric, &all[at])).collect::<Vec<_>>(),
            options,
        );
        warnings.extend(wording::warnings(task, &judged.entries));
        warnings.extend(targets::imbalance(&task.task, &judged.targets, options));
        tasks.push(TaskVerdict {
            task: task.task.clone(),
            labels: task.shared.map(|(lo, hi)| [lo, hi]),
            full_pool: targets::full_pool(&task.task, options),
            targets: judged.targets,
            sentence: wording::task_sentence(&task.task, &judged.entries, options),
        });
        entries.extend(judged.entries);
    }
    warnings.extend(wording::notes(&curves));
    let across = across::across(&curves, &entries, options);
    let mut sentence = wording::overall(&curves, &entries, &tasks, &across, options);
    if options.metric != Metric::default() {
        sentence.push_str(&format!(" Points are of {}.", options.metric.name()));
    }
    let robustness = robustness::robustness(&curves, options);
    Verdict { metric: options.metric, entries, tasks, sentence, robustness, across, warnings }
}

/// A task's entries and what its label savings refer to.
struct Judged {
    entries: Vec<Entry>,
    targets: Vec<Target>,
}

/// Judges one task; `by_metric` are its curves of every metric.
fn judge(task: &TaskCurves, by_metric: &[(Metric, &TaskCurves)], options: &VerdictOptions) -> Judged {
    let figures: BTreeMap<&str, Figures> = task
        .strategies
        .iter()
        .map(|(name, strategy)| (name.as_str(), Figures::of(strategy, task.shared)))
        .collect();
    let ends = |name: &str| figures.get(name).and_then(|f| f.end);
    let lowest = || figures.values().filter_map(|f| f.end).reduce(f64::min);
    let targets = targets::targets(&task.task, options, || ends(RANDOM).or_else(lowest));
    let aulc_of = |name: &str| figures.get(name).and_then(|f| mean(&f.values()));
    let unranked = figures.keys().filter(|name| !is_ranked(name, &options.registry));
    let oracle = unranked.filter_map(|name| aulc_of(name)).reduce(f64::max);
    let gap = |aulc: Option<f64>| super::stats::gap::gap_closed(aulc?, aulc_of(RANDOM)?, oracle?);
    let mut entries: Vec<Entry> = figures
        .iter()
        .map(|(&name, figures)| {
            let versus = |reference: &str| {
                let other = task.strategies.get(reference).filter(|_| reference != name)?;
                let key = options.key.named(name).named(reference);
                compare::compare(&task.strategies[name], other, task.shared, &targets, options, key)
            };
            let values = figures.values();
            let aulc = mean(&values);
            let reads_hidden_labels = !is_ranked(name, &options.registry);
            let end = |wanted: Metric| {
                let (_, task) = by_metric.iter().find(|(metric, _)| *metric == wanted)?;
                mean_at_end(task.strategies.get(name)?, task.shared)
            };
            Entry {
                task: task.task.clone(),
                strategy: name.to_owned(),
                reads_hidden_labels,
                repetitions: task.strategies[name].curves.len(),
                left_out: task.strategies[name].left_out.len(),
                aulc,
                ci95: mean_interval(&values, options.level).map(|ci| [ci.lo, ci.hi]),
                vs_random: versus(RANDOM),
                vs_margin: versus(MARGIN),
                vs_best_hand_made: (name == options.subject)
                    .then(|| compare::with_best_hand_made(task, options))
                    .flatten(),
                aulc_early: figures.early,
                aulc_late: figures.late,
                auc: figures.auc,
                final_accuracy: end(Metric::Accuracy),
                final_balanced_accuracy: end(Metric::BalancedAccuracy),
                final_macro_f1: end(Metric::MacroF1),
                final_verification: end(Metric::Verification),
                final_nrmse: end(Metric::Nrmse),
                final_r2: end(Metric::R2),
                final_label_macro_f1: end(Metric::LabelMacroF1),
                final_mean_average_precision: end(Metric::MeanAveragePrecision),
                final_dice: end(Metric::Dice),
                final_iou: end(Metric::Iou),
                labels_to_target: targets
                    .iter()
                    .filter_map(|target| labels_to_target(&task.strategies[name], target.value, task.shared))
                    .collect(),
                gap_closed: gap(aulc).filter(|_| !reads_hidden_labels),
            }
        })
        .collect();
    // What is not ranked is no contestant, and costs the others nothing of their p.
    for hidden in [false, true] {
        let mut members: Vec<&mut Entry> =
            entries.iter_mut().filter(|entry| entry.reads_hidden_labels == hidden).collect();
        correct(&mut members, |entry| entry.vs_random.as_mut(), options.alpha);
        correct(&mut members, |entry| entry.vs_margin.as_mut(), options.alpha);
    }
    // Best first, what is not ranked last; a stable sort keeps ties by name.
    let height = |entry: &Entry| entry.aulc.unwrap_or(f64::NEG_INFINITY);
    entries.sort_by(|a, b| {
        a.reads_hidden_labels.cmp(&b.reads_hidden_labels).then(height(b).total_cmp(&height(a)))
    });
    Judged { entries, targets }
}

/// Holm over one family of comparisons of one task, and what each may then be called.
fn correct(entries: &mut [&mut Entry], family: impl Fn(&mut Entry) -> Option<&mut Comparison>, alpha: f64) {
    let mut members: Vec<&mut Comparison> = entries.iter_mut().filter_map(|entry| family(entry)).collect();
    let raw: Vec<f64> = members.iter().filter_map(|c| c.p_raw).collect();
    let mut adjusted = holm(&raw).into_iter();
    for comparison in &mut members {
        comparison.family = raw.len();
        comparison.p = comparison.p_raw.and_then(|_| adjusted.next());
        comparison.outcome = wording::outcome(comparison, alpha);
    }
}

fn labels_to_target(
    strategy: &StrategyCurves,
    target: f64,
    shared: Option<(u32, u32)>,
) -> Option<LabelsToTarget> {
    let (_, budget) = shared?;
    let labels: Vec<Option<u32>> =
        strategy.curves.values().map(|curve| compare::labels_within(curve, target, budget)).collect();
    let Needs { runs, censored, median, restricted_mean } = needs(&labels, budget)?;
    Some(LabelsToTarget { target, reached: runs - censored, censored, median, restricted_mean })
}

/// The mean over repetitions at the end of the shared range.
fn mean_at_end(strategy: &StrategyCurves, shared: Option<(u32, u32)>) -> Option<f64> {
    let (_, end) = shared?;
    mean(&strategy.curves.values().filter_map(|curve| curve.at(f64::from(end))).collect::<Vec<_>>())
}

/// Means over a strategy's repetitions on the shared range.
struct Figures {
    aulc: BTreeMap<u32, f64>,
    early: Option<f64>,
    late: Option<f64>,
    auc: Option<f64>,
    /// The mean at the end of the range.
    end: Option<f64>,
}

impl Figures {
    fn of(strategy: &StrategyCurves, shared: Option<(u32, u32)>) -> Self {
        let Some((lo, hi)) = shared.map(|(lo, hi)| (f64::from(lo), f64::from(hi))) else {
            return Self { aulc: BTreeMap::new(), early: None, late: None, auc: None, end: None };
        };
        let middle = 0.5 * (lo + hi);
        let over = |figure: &dyn Fn(&super::stats::aulc::Curve) -> Option<f64>| {
            mean(&strategy.curves.values().filter_map(figure).collect::<Vec<_>>())
        };
        Self {
            aulc: compare::aulc_by_repetition(strategy, shared),
            early: over(&|curve| curve.aulc(lo, middle)),
            late: over(&|curve| curve.aulc(middle, hi)),
            auc: over(&|curve| curve.auc(lo, hi)),
            end: mean_at_end(strategy, shared),
        }
    }

    fn values(&self) -> Vec<f64> {
        self.aulc.values().copied().collect()
    }
}

#[cfg(test)]
mod tests;
