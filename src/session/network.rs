//! The network of sessions of numbers, sets of labels and masks: that of `[learner]` at its defaults, as `querist select --from` fits it, in an episode
//! that starts from the labels in hand.
//!
//! So every strategy works here as it does in a simulation, but for those that read labels that nobody has yet. Nothing is chosen among:
//! classes alone have a classifier that is chosen out of fold.

use super::annotators::Consensus;
use super::classifier::FOLDS;
use super::pool::Pool;
use super::query::Who;
use crate::data::{Masks, Matrix, Partly, RowId, TargetKind, Task};
use crate::episode::{EpisodePlan, Episodes, InitialPool, Measure, PreparedTask, Replicate};
use crate::error::Result;
use crate::learner::{Metric, TrainPlan};
use crate::rng::Key;
use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Labels that are judged, at most; of more, some that are drawn at random.
const MAX_JUDGED: usize = 500;
/// Masks from which on those of one part are judged instead of all: a fit of hundreds of images takes seconds.
const MANY_MASKS: usize = 100;
/// Images per mini-batch: a few make several steps of an epoch.
const IMAGES: usize = 8;
/// Resamples that an interval is made of.
const RESAMPLES: usize = 200;

/// Labels, and the pool that they are of.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub consensus: &'a Consensus,
    pub pool: &'a Pool,
    /// What fits are drawn by.
    pub key: Key,
}

/// What is asked for.
pub(super) struct Ask<'a> {
    pub who: &'a Who,
    /// The strategy that looks at inputs alone, where it is its turn.
    pub start: Option<&'a str>,
    /// Rows of the pool that are looked at, ascending: those with a label, those in somebody's hand, and the candidates.
    pub rows: &'a [u32],
    pub held: &'a [u32],
    pub count: usize,
    /// Labels that may still be bought, where that is limited.
    pub budget: Option<usize>,
    pub think: usize,
    pub key: Key,
}

/// What was chosen, most wanted first.
pub(super) struct Ranked {
    /// Places among the rows that were looked at.
    pub picks: Vec<usize>,
    pub utilities: Option<Vec<f64>>,
    /// What the network says of the picks, a row each; none where inputs alone decide.
    pub answers: Option<Matrix>,
    pub note: Option<String>,
}

/// How well networks predict labels that they were not fitted to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Judged {
    pub metric: Metric,
    pub labels: usize,
    pub score: f64,
    /// The middle 95 % of the figure over resamples of these labels.
    pub interval: [f64; 2],
}

impl Known<'_> {
    fn kind(&self) -> TargetKind {
        self.consensus.kind
    }

    /// The rows that have a label among `rows`, in the order in which they were asked for: by their places there.
    fn places(&self, rows: &[u32]) -> Vec<RowId> {
        let place = |row: u32| RowId(rows.partition_point(|&other| other < row) as u32);
        self.consensus.labelled.iter().map(|one| place(one.row)).collect()
    }

    /// A task of these rows, ascending, among which are all that have a label; the labels of those that are not `taught` teach nothing.
    fn task(&self, rows: &[u32], taught: bool) -> Result<Task> {
        let (consensus, pool) = (self.consensus, self.pool);
        let places = self.places(rows);
        let mut words = vec![0; rows.len()];
        for (place, one) in places.iter().zip(&consensus.labelled) {
            words[place.index()] = one.word;
        }
        // A mask is named by the row of the task.
        let masks = consensus.masks.as_ref().map(|own| {
            let mut named = vec![None; rows.len()];
            for (place, one) in places.iter().zip(&consensus.labelled) {
                named[place.index()] = Some(one.word as usize);
            }
            (0..).zip(&mut words).for_each(|(row, word)| *word = row);
            Arc::new(own.gather(named.into_iter()))
        });
        let classes = masks.as_deref().map_or(consensus.classes.len(), Masks::pixels);
        let targets = Partly { kind: self.kind(), words, masks };
        let inputs = pool.inputs.gather(rows.iter().map(|&row| row as usize));
        let mut known: Vec<u32> = places.iter().filter(|_| taught).map(|place| place.0).collect();
        known.sort_unstable();
        Task::partly_labelled("the session", (targets, classes), (pool.shape(), inputs), &known)
    }

    /// Episodes that buy `count` rows of `budget`.
    fn plan(&self, count: usize, budget: usize) -> EpisodePlan {
        let usual = TrainPlan::default();
        let batch = if self.kind() == TargetKind::Mask { IMAGES } else { usual.batch };
        EpisodePlan {
            train: TrainPlan { batch, ..usual },
            query_size: count,
            budget,
            metric: self.kind().metrics()[0],
            measure: Measure::Reward,
            ..EpisodePlan::default()
        }
    }

    /// A network that is fitted to the labels at these places of the task.
    fn fit(&self, prepared: &Arc<PreparedTask>, labelled: &[RowId], key: Key) -> Result<Episodes> {
        let replicate = Replicate { prepared: Arc::clone(prepared), key };
        Episodes::from_labelled(&self.plan(1, 1), &replicate, labelled)
    }

    /// The choice of a policy or strategy.
    ///
    /// # Errors
    /// Those of the strategy, and of fitting.
    pub fn choose(&self, ask: &Ask<'_>) -> Result<Ranked> {
        let Ask { rows, held, count, key, .. } = *ask;
        let labelled = self.places(rows);
        let held: Vec<RowId> =
            held.iter().map(|&row| RowId(rows.partition_point(|&other| other < row) as u32)).collect();
        let prepared = PreparedTask::new(self.task(rows, ask.start.is_none())?);
        if let Some(start) = ask.start {
            let known: Vec<(RowId, u32)> = labelled.iter().chain(&held).map(|&row| (row, 0)).collect();
            let picks = InitialPool::by_rule(start, &prepared, &known, count, key)?;
            let picks = picks.into_iter().map(RowId::index).collect();
            return Ok(Ranked { picks, utilities: None, answers: None, note: None });
        }
        let candidates = rows.len() - labelled.len() - held.len();
        let count = count.min(candidates);
        let budget = ask.budget.unwrap_or(count).clamp(count, candidates);
        let plan = self.plan(count, budget);
        let replicate = Replicate { prepared, key: self.key };
        let mut episodes = Episodes::from_labelled(&plan, &replicate, &labelled)?;
        if !held.is_empty() {
            episodes.hand_out(0, &held)?;
        }
        let mut strategy = ask.who.strategy()?;
        let mut needs = strategy.needs();
        needs.committee *= ask.think;
        let extras = episodes.extras(&[(0, needs)])?.remove(0);
        let signals = episodes.signals_beside(extras, 0, needs, key);
        let picks = strategy.select(&episodes.view(0, &signals), count, key)?;
        let answers = episodes.answers(0, &picks.iter().map(|row| row.0).collect::<Vec<u32>>());
        Ok(Ranked {
            picks: picks.into_iter().map(RowId::index).collect(),
            utilities: strategy.utilities().map(<[f64]>::to_vec),
            answers: Some(answers),
            note: strategy.note(),
        })
    }

    /// What the network says of every row of the pool: see [`TargetKind::answers`].
    ///
    /// # Errors
    /// Those of fitting.
    pub fn answers(&self) -> Result<Matrix> {
        let rows: Vec<u32> = (0..self.pool.rows() as u32).collect();
        let prepared = PreparedTask::new(self.task(&rows, true)?);
        Ok(self.fit(&prepared, &self.places(&rows), self.key)?.answers(0, &rows))
    }

    /// How well networks predict labels that they were not fitted to, each part of the labels in turn (of [`MANY_MASKS`] masks, one part); `None`
    /// where there are fewer than two labels per part, or labels that are all alike in what a network is to learn from.
    ///
    /// # Errors
    /// Those of fitting.
    pub fn judged(&self) -> Result<Option<Judged>> {
        if self.consensus.labelled.len() < 2 * FOLDS {
            return Ok(None);
        }
        let rows: Vec<u32> = (0..self.pool.rows() as u32).collect();
        let prepared = PreparedTask::new(self.task(&rows, true)?);
        let key = self.key.named("judged");
        let mut judged = self.places(&rows);
        judged.shuffle(&mut key.named("folds").rng());
        judged.truncate(MAX_JUDGED);
        let task = prepared.task();
        let words: Vec<u32> = {
            let by_row = self.places(&rows).into_iter().zip(&self.consensus.labelled);
            let by_row: HashMap<RowId, u32> = by_row.map(|(row, one)| (row, one.word)).collect();
            judged.iter().map(|row| by_row[row]).collect()
        };
        let kind = self.kind();
        let many = kind == TargetKind::Mask && judged.len() >= MANY_MASKS;
        let tried = if many { 1 } else { FOLDS };
        let parts: Vec<Option<Matrix>> = (0..tried)
            .into_par_iter()
            .map(|part| {
                let (held, kept): (Vec<usize>, Vec<usize>) =
                    (0..judged.len()).partition(|at| at % FOLDS == part);
                if kept.iter().all(|&at| words[at] == words[kept[0]]) {
                    return Ok(None);
                }
                let kept: Vec<RowId> = kept.into_iter().map(|at| judged[at]).collect();
                let held: Vec<u32> = held.into_iter().map(|at| judged[at].0).collect();
                let fitted = self.fit(&prepared, &kept, key.named("part").at(part as u64))?;
                Ok(Some(fitted.answers(0, &held)))
            })
            .collect::<Result<_>>()?;
        let Some(parts) = parts.into_iter().collect::<Option<Vec<Matrix>>>() else { return Ok(None) };
        let (judged, by_judged): (Vec<RowId>, Vec<&[f32]>) = (0..judged.len())
            .filter(|at| at % FOLDS < tried)
            .map(|at| (judged[at], parts[at % FOLDS].row(at / FOLDS)))
            .unzip();
        let metric = kind.metrics()[0];
        // Targets in full, so many words each.
        let rows: Vec<u32> = judged.iter().map(|row| row.0).collect();
        let full = task.in_full(if kind == TargetKind::Mask { &rows } else { &words });
        let each = full.len() / judged.len();
        let figure = |places: &[usize]| {
            let values: Vec<f32> = places.iter().flat_map(|&at| by_judged[at]).copied().collect();
            let width = values.len() / places.len();
            let targets: Vec<u32> =
                places.iter().flat_map(|&at| &full[at * each..(at + 1) * each]).copied().collect();
            kind.figures(&Matrix::new(values, places.len(), width), &targets).by(metric)
        };
        let all: Vec<usize> = (0..judged.len()).collect();
        // That of masks is a mean over images, whose pixels need not be counted again.
        let alone: Option<Vec<f64>> =
            (kind == TargetKind::Mask).then(|| all.par_iter().map(|&at| figure(&[at])).collect());
        let resample = |draw: usize| {
            let mut rng = key.named("resample").at(draw as u64).rng();
            let drawn: Vec<usize> = all.iter().map(|_| rng.random_range(0..all.len())).collect();
            match &alone {
                Some(figures) => drawn.iter().map(|&at| figures[at]).sum::<f64>() / drawn.len() as f64,
                None => figure(&drawn),
            }
        };
        let mut figures: Vec<f64> = (0..RESAMPLES).into_par_iter().map(resample).collect();
        figures.sort_by(f64::total_cmp);
        let cut = RESAMPLES / 40;
        Ok(Some(Judged {
            metric,
            labels: all.len(),
            score: figure(&all),
            interval: [figures[cut - 1], figures[RESAMPLES - cut]],
        }))
    }
}
