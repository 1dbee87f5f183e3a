//! How far a labelling has come, what further labels are worth, and whether to stop.

use super::annotators::{Consensus, Reliability};
use super::classifier::{Classifier, Kind, OutOfFold, Tried};
use super::journal::{Event, Pick};
use super::network::{Judged, Known};
use super::plan::{is_class, word};
use super::pool::Pool;
use super::query::LabelledRows;
use super::{Counts, Session, current};
use crate::data::{Dataset, Shape, TargetKind, Targets};
use crate::episode::stop::curve::{Point, PowerLaw};
use crate::episode::stop::{self, Look, Reason, Seen, Stabilising};
use crate::error::Result;
use crate::experiment::quality::{Quality, quality};
use crate::learner::Metric;
use crate::rng::Key;
use serde::Serialize;
use std::collections::HashMap;
use std::fmt;

/// Labels between two of these predictions, at least.
const STEP: usize = 10;
/// Labels whose worth is forecast.
const MORE: usize = 50;
/// Labels of the first point of a learning curve.
const FIRST_POINT: usize = 8;
/// Batches of answers that are compared with what was predicted of them.
const BATCHES: usize = 5;
/// Standard errors by which answers may fall behind their predictions.
const DRIFT: f64 = 3.0;

/// How far a labelling has come.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Status {
    /// The session's name.
    pub session: String,
    pub counts: Counts,
    pub budget: Option<usize>,
    /// What all answers have cost, and what they may; none where they have no prices, or no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spent: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spend: Option<f64>,
    /// Who asks.
    pub by: String,
    /// Everybody who has answered.
    pub annotators: Vec<Reliability>,
    /// What is collected.
    #[serde(skip_serializing_if = "is_class", serialize_with = "word::serialize")]
    pub task: TargetKind,
    /// How well the classifier does on labels that it was not trained on; none with too few.
    pub accuracy: Option<Accuracy>,
    /// The same of the network, where targets are no classes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub score: Option<Score>,
    /// What the classifier was chosen from, on the same labels; of equals, the first.
    pub tried: Vec<Tried>,
    /// Its accuracy by the number of labels that it is trained on, always on the same labels held out.
    pub curve: Vec<Point>,
    /// What further labels are expected to add; none where the curve has too few points.
    pub forecast: Option<Forecast>,
    /// Whether to stop.
    pub stop: Stopping,
    /// What the last batches of answers had in common with what was predicted of them.
    pub batches: Vec<Batch>,
    /// Whether the last batch has fallen behind its predictions: the answers or the rows have changed.
    pub drift: bool,
    /// Labels that are likely to be wrong, rows that nearly repeat others; none with too few labels.
    pub quality: Option<Quality>,
}

/// The share of right predictions on labels that were held out. Labels are those that were asked for, which are harder than
/// the pool at large, so that the pool's accuracy is mostly higher.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracy {
    pub classifier: Kind,
    /// Labels that were judged.
    pub judged: usize,
    pub accuracy: f64,
    /// The interval at 95 % (E. B. Wilson, JASA 1927).
    pub interval: [f64; 2],
    /// What logits are divided by.
    pub temperature: f64,
}

/// The first [figure](TargetKind::metrics) of targets that are no classes, on labels that were held out: on those that were asked for, as
/// [`Accuracy`] is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Score {
    pub metric: Metric,
    /// Labels that were judged.
    pub judged: usize,
    pub score: f64,
    /// The interval at 95 %: percentiles over resamples of the judged labels (B. Efron, Annals of Statistics 1979).
    pub interval: [f64; 2],
}

/// What further labels are worth.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Forecast {
    /// So many further labels
    pub labels: usize,
    /// are expected to add this share.
    pub gain: f64,
    /// The curve that says so.
    pub law: PowerLaw,
}

/// What the rules to stop say.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stopping {
    /// The reasons to stop; empty to go on.
    pub reasons: Vec<Reason>,
    /// Cohen's kappa between successive predictions of a fixed set of rows, the mean of the last three.
    pub kappa: Option<f64>,
    /// The mean over that set of one minus the largest probability.
    pub uncertainty: Option<f64>,
}

/// A batch of answers to rows of which a class was predicted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Batch {
    pub rows: usize,
    /// The share whose answer was the prediction.
    pub right: f64,
    /// The mean probability of the predictions.
    pub expected: f64,
    /// Standard errors between the two; negative where fewer were right.
    pub surprise: f64,
}

impl Status {
    /// The learning curve: labels, accuracy, and the two ends of its interval at 95 %.
    pub fn learning_curve(&self) -> Vec<(usize, f64, f64, f64)> {
        let with_interval = |point: &Point| {
            let right = (point.accuracy * point.judged as f64).round() as usize;
            let [low, high] = wilson(right, point.judged);
            (point.labels, point.accuracy, low, high)
        };
        self.curve.iter().map(with_interval).collect()
    }
}

impl Session {
    /// How far the labelling has come.
    ///
    /// # Errors
    /// A damaged journal; what fitting a classifier refuses.
    pub fn status(&mut self) -> Result<Status> {
        let counts = self.counts()?;
        let consensus = self.consensus();
        let key = self.key();
        let batches = batches(&self.events, &consensus);
        let several = consensus.distinct() > 1;
        let classes = consensus.kind == TargetKind::Class;
        let step = self.settings.batch.max(STEP);
        let spent = self.spent()?;
        let found = self.network(&consensus)?;
        self.keep_found()?;
        let Self { settings, pool, classifier, .. } = self;
        let classifier = (several && classes)
            .then(|| current(classifier, &consensus, found, pool, settings.think, key))
            .transpose()?;
        let known = Known { consensus: &consensus, pool, key: key.named("network") };
        let judged = (several && !classes).then(|| known.judged()).transpose()?.flatten();
        let score = judged.map(|Judged { metric, labels, score, interval }| Score {
            metric,
            judged: labels,
            score,
            interval,
        });
        let (mut accuracy, mut points, mut stop) = (None, Vec::new(), Stopping::default());
        let mut tried = Vec::new();
        if let Some(classifier) = classifier {
            tried = classifier.tried.clone();
            if let Some(judged) = &classifier.judged {
                accuracy = Some(Accuracy {
                    classifier: classifier.net.kind(),
                    judged: judged.places.len(),
                    accuracy: judged.accuracy(),
                    interval: wilson(judged.right, judged.places.len()),
                    temperature: classifier.temperature.value(),
                });
                points = curve(&consensus, pool, judged, key.named("curve"))?;
            }
            stop = stopping(&consensus, pool, classifier, &points, (step, settings.think), key)?;
        }
        let law = PowerLaw::fit(&points);
        let now = points.last().map_or(0, |point| point.labels);
        let rest = counts.rows - counts.labelled - counts.unanswerable;
        let left = self.settings.budget.map_or(rest, |budget| rest.min(budget.saturating_sub(counts.bought)));
        if left == 0 {
            let (rule, saw) = match rest {
                0 => ("no rows left", "every row has an answer".to_string()),
                _ => {
                    let allowed = self.settings.budget.unwrap_or_default();
                    ("budget", format!("{} labels are given of the {allowed} that it allows", counts.bought))
                }
            };
            stop.reasons.push(Reason { rule, saw });
        }
        if let (Some(spent), Some(spend)) = (spent, self.settings.spend)
            && spent >= spend
        {
            stop.reasons.push(Reason {
                rule: "budget",
                saw: format!("{spent} of the {spend} that answers may cost are spent"),
            });
        }
        let more = MORE.min(left);
        Ok(Status {
            session: self.name.clone(),
            budget: self.settings.budget,
            spent,
            spend: self.settings.spend,
            by: self.who.name().to_string(),
            drift: batches.last().is_some_and(|batch| batch.surprise < -DRIFT),
            batches,
            annotators: consensus.annotators.clone(),
            task: consensus.kind,
            accuracy,
            score,
            tried,
            curve: points,
            forecast: law.filter(|_| more > 0).map(|law| Forecast {
                labels: more,
                gain: law.gain(now, more),
                law,
            }),
            stop,
            quality: if several && classes { self.quality(&consensus)? } else { None },
            counts,
        })
    }

    /// What is wrong with the labels, which are classes.
    pub(super) fn quality(&self, consensus: &Consensus) -> Result<Option<Quality>> {
        let mut labelled: Vec<_> = consensus.labelled.iter().collect();
        labelled.sort_by_key(|one| one.row);
        let rows: Vec<u32> = labelled.iter().map(|one| one.row).collect();
        let labels = labelled.iter().map(|one| one.word).collect();
        let inputs = self.pool.inputs.gather(rows.iter().map(|&row| row as usize));
        let targets = Targets::Class { labels, names: consensus.classes.clone() };
        let shape = Shape::Vector(inputs.cols());
        let ids =
            rows.iter().map(|&row| self.pool.id(row as usize)).collect::<Result<Option<Vec<_>>, _>>()?;
        let set = Dataset::new(self.settings.pool.clone(), shape, inputs, targets, None)?.of_rows(rows)?;
        let set = match ids {
            Some(ids) => set.with_ids(ids)?,
            None => set,
        };
        quality(&set).map(Some)
    }
}

/// The learning curve of a kind of classifier: on random parts of the labels of each fold's others, judged on the fold.
fn curve(consensus: &Consensus, pool: &Pool, judged: &OutOfFold, key: Key) -> Result<Vec<Point>> {
    let labelled = LabelledRows::of(consensus);
    let all = judged.trained_on();
    let mut sizes = Vec::new();
    let mut size = FIRST_POINT.max(consensus.classes.len()) as f64;
    while (size as usize) < all * 7 / 8 {
        sizes.push(size as usize);
        size *= std::f64::consts::SQRT_2.powi(if all > 200 { 2 } else { 1 });
    }
    let mut points = Vec::new();
    for size in sizes {
        let labels = labelled.labels(pool);
        let right = judged.on_fewer(&labels, size, key.at(size as u64))?;
        let accuracy = right as f64 / judged.places.len() as f64;
        points.push(Point { labels: size, accuracy, judged: judged.places.len() });
    }
    points.push(Point { labels: all, accuracy: judged.accuracy(), judged: judged.places.len() });
    Ok(points)
}

/// What the rules say of the learning curve, and of predictions by the labels in hand and by one, two and three steps
/// fewer.
fn stopping(
    consensus: &Consensus,
    pool: &Pool,
    classifier: &Classifier,
    curve: &[Point],
    (step, think): (usize, usize),
    key: Key,
) -> Result<Stopping> {
    let set = stop::set(pool.rows(), key.named("stop"));
    let look = |classifier: &Classifier, labels: usize| {
        Look::of(labels, &classifier.probabilities(pool.inputs.view(), Some(&set)))
    };
    let rule = Stabilising::default();
    let mut looks = Vec::new();
    let all = consensus.labelled.len();
    for back in (1..=rule.window).rev() {
        let Some(labels) = all.checked_sub(back * step) else { continue };
        let before = LabelledRows::first(consensus, labels);
        if before.classes() > 1 {
            let classifier =
                Classifier::of(&before.labels(pool), classifier.net.clone(), think, key.named("classifier"))?;
            looks.push(look(&classifier, labels));
        }
    }
    looks.push(look(classifier, all));
    Ok(Stopping {
        reasons: stop::reasons(&Seen { looks: &looks, curve, rows: pool.rows() - all, step }),
        kappa: rule.mean(&looks),
        uncertainty: looks.last().map(|look| look.uncertainty),
    })
}

/// The last batches of rows that were asked for with a prediction and have a label.
fn batches(events: &[Event], consensus: &Consensus) -> Vec<Batch> {
    let mut all: Vec<Batch> = judged(events, consensus).into_iter().flatten().collect();
    all.split_off(all.len().saturating_sub(BATCHES))
}

/// Every batch that was asked for, in order; none where it holds no row that had a prediction and has a label.
pub(super) fn judged(events: &[Event], consensus: &Consensus) -> Vec<Option<Batch>> {
    let labels: HashMap<u32, u32> = consensus.labelled.iter().map(|one| (one.row, one.word)).collect();
    let label = |row: u32| Some(consensus.classes[*labels.get(&row)? as usize].as_str());
    let of = |picks: &Vec<Pick>| {
        let seen: Vec<(bool, f64)> = picks
            .iter()
            .filter_map(|pick| {
                let (class, p) = pick.predicted.as_ref()?;
                let p = (*p)?;
                Some((label(pick.row)? == class, f64::from(p)))
            })
            .collect();
        let n = seen.len() as f64;
        let (right, expected) = (
            seen.iter().filter(|one| one.0).count() as f64 / n,
            seen.iter().map(|one| one.1).sum::<f64>() / n,
        );
        let spread = (seen.iter().map(|one| one.1 * (1.0 - one.1)).sum::<f64>()).sqrt() / n;
        let surprise = (right - expected) / spread.max(1.0 / n);
        (!seen.is_empty()).then_some(Batch { rows: seen.len(), right, expected, surprise })
    };
    asked(events).map(of).collect()
}

/// The rows of every batch that was asked for, in order.
pub(super) fn asked(events: &[Event]) -> impl Iterator<Item = &Vec<Pick>> {
    events.iter().filter_map(|event| match event {
        Event::Asked { picks, .. } => Some(picks),
        _ => None,
    })
}

/// Wilson's interval of a share at 95 %.
pub(super) fn wilson(right: usize, all: usize) -> [f64; 2] {
    const Z: f64 = 1.959_963_984_540_054;
    let (n, p) = (all as f64, right as f64 / all as f64);
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { rows, labelled, pending, unanswerable, abstained, disputed, .. } = self.counts;
        write!(f, "{labelled} labels")?;
        if let Some(it) = &self.accuracy {
            let [low, high] = it.interval.map(|share| 100.0 * share);
            write!(f, "; accuracy {:.0} % [{low:.0}, {high:.0}]", 100.0 * it.accuracy)?;
        }
        if let Some(it) = &self.score {
            let [low, high] = it.interval;
            write!(f, "; {} {:.3} [{low:.3}, {high:.3}]", it.metric.name(), it.score)?;
        }
        if let Some(it) = &self.forecast {
            write!(f, "; the next {} are expected to add {:.1} points", it.labels, 100.0 * it.gain)?;
        }
        writeln!(f)?;
        write!(f, "  rows         {rows}, {pending} in hand")?;
        for (count, what) in
            [(unanswerable, "unanswerable"), (abstained, "abstained from"), (disputed, "disputed")]
        {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        if let Some(budget) = self.budget {
            write!(f, "; {} of {budget} labels of the budget", self.counts.bought)?;
        }
        if let Some(spent) = self.spent {
            let of = self.spend.map_or(String::new(), |spend| format!(" of {spend}"));
            write!(f, "; {spent}{of} spent")?;
        }
        writeln!(f)?;
        let classes =
            self.counts.classes.iter().map(|(name, rows)| format!("{} {rows}", crate::error::shorten(name)));
        match self.task {
            TargetKind::Real | TargetKind::Mask => {}
            TargetKind::Class | TargetKind::MultiLabel => {
                let what = if self.task == TargetKind::Class { "classes" } else { "labels " };
                writeln!(f, "  {what}      {}", classes.take(20).collect::<Vec<_>>().join(", "))?;
            }
        }
        if let Some(it) = &self.score {
            writeln!(
                f,
                "  network      judged by {} out of fold on {} labels",
                it.metric.explained(),
                it.judged
            )?;
        }
        if let Some(it) = &self.accuracy {
            writeln!(
                f,
                "  classifier   {}, temperature {:.2}; judged out of fold on {} labels",
                it.classifier, it.temperature, it.judged
            )?;
            let tried = self.tried.iter().map(|one| match one.kind {
                Kind::Searched => format!("{} ({}) {:.1} %", one.kind, one.network, 100.0 * one.accuracy),
                _ => format!("{} {:.1} %", one.kind, 100.0 * one.accuracy),
            });
            writeln!(f, "  chosen from  {}", tried.collect::<Vec<_>>().join(", "))?;
        }
        if self.curve.len() > 1 {
            let points =
                self.curve.iter().map(|point| format!("{} {:.0} %", point.labels, 100.0 * point.accuracy));
            writeln!(f, "  curve        {}", points.collect::<Vec<_>>().join(", "))?;
        }
        if self.task != TargetKind::Class {
            let what = self.task.name();
            writeln!(
                f,
                "  advice       none: rules to stop, and signs of wrong labels, are of classes and not of {what}"
            )?;
        }
        match (&self.stop.reasons[..], self.stop.kappa, self.stop.uncertainty) {
            ([], kappa, Some(uncertainty)) => {
                let kappa = kappa.map_or(String::new(), |kappa| format!("kappa {kappa:.3}, "));
                writeln!(f, "  stop         not yet ({kappa}uncertainty {uncertainty:.3})")?;
            }
            (reasons, ..) => {
                for reason in reasons {
                    writeln!(f, "  stop         {}: {}", reason.rule, reason.saw)?;
                }
            }
        }
        for one in self.annotators.iter().filter(|_| self.annotators.len() > 1) {
            let accuracy =
                one.accuracy.map_or("not known".to_string(), |share| format!("{:.0} % right", 100.0 * share));
            let name = crate::error::shorten(&one.annotator);
            writeln!(
                f,
                "  annotator    {name}: {} answers, {} abstentions, {accuracy}",
                one.answers, one.abstained
            )?;
        }
        if let Some(batch) = self.batches.last() {
            let drift = if self.drift { "; drift: far fewer than predicted" } else { "" };
            writeln!(
                f,
                "  last batch   {:.0} % as predicted, {:.0} % expected{drift}",
                100.0 * batch.right,
                100.0 * batch.expected
            )?;
        }
        match &self.quality {
            Some(quality) => write!(f, "{quality}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `statsmodels.stats.proportion.proportion_confint(87, 100, method="wilson")`, and none right.
    #[test]
    fn intervals_are_those_of_statsmodels() {
        let [low, high] = wilson(87, 100);
        assert!((low - 0.790_196).abs() < 1e-5 && (high - 0.922_428).abs() < 1e-5, "{low} {high}");
        assert_eq!(wilson(0, 10)[0], 0.0);
    }
}
