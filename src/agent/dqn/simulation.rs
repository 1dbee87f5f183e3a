//! Episodes of labelling until the classifier is nearly as good as with all labels.

use super::learner::{Labelling, first_largest};
use super::network::{ACTION, QNetwork, STATE};
use super::observation::{Seen, draw_state_sample};
use super::replay::Transition;
use crate::agent::error::AgentError;
use crate::agent::parts::{self, Parts, part};
use crate::agent::simulation::Source;
use crate::data::{Matrix, RowId};
use crate::episode::{EpisodePlan, Episodes, PreparedTask, Replicate};
use crate::error::Result;
use crate::query::Needs;
use crate::rng::Key;
use rand::RngExt;
use rayon::prelude::*;
use std::sync::Arc;

/// Share of the metric with all labels at which an episode is over.
pub const TOLERANCE: f64 = 0.98;

/// Signals that a query needs.
pub(super) const NEEDS: Needs = Needs { inputs: true, probabilities: true, ..Needs::NONE };

/// One split of one task, with the episodes to be played on it.
struct Place {
    prepared: Arc<PreparedTask>,
    plan: EpisodePlan,
}

/// Episodes on source tasks, each a random split of a random task; validation on other tasks. Reward rows
/// only; one row per query, whatever the sources' plans say, and at most as many queries as they allow.
pub struct TargetAccuracy {
    sources: Vec<Vec<Place>>,
    /// Of every task its identity and its splits.
    validation: Vec<(String, Vec<Place>)>,
    repetitions: usize,
    key: Key,
}

impl TargetAccuracy {
    /// Trains a classifier on all labels of every split, to know when episodes are over; `parts` keeps what each
    /// came to. `repetitions` are the validation episodes per task.
    ///
    /// # Errors
    /// If there is no source, or one on which no query can be made.
    pub fn new(
        sources: &[Source],
        validation: &[Source],
        repetitions: usize,
        parts: &dyn Parts,
        key: Key,
    ) -> Result<Self> {
        if sources.is_empty() {
            return Err(AgentError::NothingToLearn { place: "dqn" }.into());
        }
        let replicate_key = key.named("all labels");
        let places = |what: &str, at: usize, source: &Source| -> Result<Vec<Place>> {
            let prepared_tasks = source.prepared_tasks.iter().enumerate();
            let places = prepared_tasks.map(|(split, prepared)| {
                let name = parts::name(&format!("{what}/{at}"), replicate_key, split);
                let reached = || all_labels(source, prepared, replicate_key);
                Ok(place(source, prepared, part(parts, &name, |_| Ok(()), reached)?))
            });
            places.collect()
        };
        let learned = |(at, source): (usize, &Source)| places("ceiling", at, source);
        let identified = |(at, source): (usize, &Source)| {
            Ok((source.identity.clone(), places("ceiling/validation", at, source)?))
        };
        Ok(Self {
            sources: sources.par_iter().enumerate().map(learned).collect::<Result<_>>()?,
            validation: validation.par_iter().enumerate().map(identified).collect::<Result<_>>()?,
            repetitions,
            key,
        })
    }

    /// Mean queries of `network`'s episodes, per validation task.
    ///
    /// # Errors
    /// Whatever keeps an episode from being played.
    pub fn lengths(&self, network: &QNetwork) -> Result<Vec<f64>> {
        let length = |(identity, places): &(String, Vec<Place>)| {
            let key = self.key.named("validation").named(identity);
            let played = (0..self.repetitions)
                .map(|index| play(&places[index % places.len()], network, 0.0, key.at(index as u64)));
            let lengths = played.map(|episode| Ok(episode?.len())).collect::<Result<Vec<_>>>()?;
            Ok(lengths.iter().sum::<usize>() as f64 / lengths.len().max(1) as f64)
        };
        self.validation.par_iter().map(length).collect()
    }
}

impl Labelling for TargetAccuracy {
    fn episodes(
        &mut self,
        network: &QNetwork,
        epsilon: f64,
        count: usize,
        key: Key,
    ) -> Result<Vec<Vec<Transition>>> {
        (0..count as u64)
            .into_par_iter()
            .map(|index| {
                let key = key.at(index);
                let mut rng = key.named("place").rng();
                let places = &self.sources[rng.random_range(0..self.sources.len())];
                play(&places[rng.random_range(0..places.len())], network, epsilon, key.named("episode"))
            })
            .collect()
    }

    /// Minus the mean number of queries.
    fn validate(&mut self, network: &QNetwork) -> Result<f64> {
        let lengths = self.lengths(network)?;
        Ok(-lengths.iter().sum::<f64>() / lengths.len().max(1) as f64)
    }
}

/// Rows that may be asked for on a split, where all of its episodes start.
fn unlabelled(source: &Source, prepared: &PreparedTask) -> usize {
    let task = prepared.task();
    task.pool().rows() - source.plan.initial_count(task)
}

/// The metric with all labels of a split.
fn all_labels(source: &Source, prepared: &Arc<PreparedTask>, key: Key) -> Result<f64> {
    let unlabelled = unlabelled(source, prepared);
    // Without the plan's own target, at which the episode would be over before all labels are asked for.
    let at_once = EpisodePlan {
        query_size: unlabelled,
        budget: unlabelled,
        fit_per_label: false,
        ..source.learning_plan()
    };
    let replicate = Replicate { prepared: prepared.clone(), key };
    let mut episodes = Episodes::reset(&at_once, &[replicate])?;
    let signals = episodes.signals(0, Needs::NONE, key);
    let all = episodes.view(0, &signals).candidates().to_vec();
    episodes.step(&[(0, all)])?;
    Ok(episodes.state(0).measured)
}

/// A split with its episodes, which are over at [`TOLERANCE`] of what all labels have `reached`, whatever
/// target the plan has for those that are judged.
fn place(source: &Source, prepared: &Arc<PreparedTask>, reached: f64) -> Place {
    let plan = EpisodePlan {
        query_size: 1,
        // Small pools have fewer rows set aside, but always one left to ask for.
        budget: source.plan.budget.min(unlabelled(source, prepared).saturating_sub(STATE)).max(1),
        target_accuracy: Some(TOLERANCE * reached),
        ..source.learning_plan()
    };
    Place { prepared: prepared.clone(), plan }
}

/// One episode, as its transitions.
fn play(place: &Place, network: &QNetwork, epsilon: f64, key: Key) -> Result<Vec<Transition>> {
    let replicate = Replicate { prepared: place.prepared.clone(), key };
    let mut episodes = Episodes::reset(&place.plan, &[replicate])?;
    let mut transitions: Vec<Transition> = Vec::new();
    let mut state_sample: Option<Vec<RowId>> = None;
    while !episodes.live().is_empty() {
        let step = key.named("step").at(u64::from(episodes.state(0).round));
        let signals = episodes.signals(0, NEEDS, step);
        let view = episodes.view(0, &signals);
        let state_sample = state_sample.get_or_insert_with(|| {
            draw_state_sample(view.candidates(), place.plan.budget, key.named("aside"))
        });
        let seen = Seen::of(&view, state_sample)?;
        if let Some(last) = transitions.last_mut() {
            (last.next_state, last.next_actions) = (seen.state.clone(), seen.actions.clone());
        }
        let mut rng = step.named("explore").rng();
        let picked = match rng.random::<f64>() < epsilon {
            true => rng.random_range(0..seen.candidates.len()),
            false => first_largest(&network.values(&seen.state, &seen.actions)).unwrap_or(0),
        };
        let row = seen.candidates[picked];
        transitions.push(Transition {
            action: seen.actions.row(picked).to_vec(),
            reward: -1.0,
            // As after the last query, until there is another.
            next_state: vec![0.0; STATE],
            next_actions: Matrix::zeros(0, ACTION),
            state: seen.state,
        });
        episodes.step(&[(0, vec![row])])?;
    }
    Ok(transitions)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::parts::Forgetful;
    use crate::agent::testing::sources;

    #[test]
    fn episodes_are_complete_and_do_not_depend_on_threads() {
        let mut sources = sources();
        sources.iter_mut().for_each(|source| source.plan.budget = 12);
        let network = QNetwork::new(-3.0, Key::root(1));
        let play = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut labelling =
                    TargetAccuracy::new(&sources, &sources, 3, &Forgetful, Key::root(2)).unwrap();
                let value = labelling.validate(&network).unwrap();
                (labelling.episodes(&network, 0.5, 8, Key::root(3)).unwrap(), value)
            })
        };
        let (episodes, value) = play(1);
        assert_eq!((episodes.clone(), value), play(3));
        assert!((-12.0..=0.0).contains(&value), "{value}");
        assert!(episodes.iter().any(|episode| episode.len() > 1));
        for episode in episodes {
            assert!(episode.len() <= 12 && episode.iter().all(|t| t.reward == -1.0));
            for pair in episode.windows(2) {
                assert_eq!(pair[0].next_state, pair[1].state);
                assert!(pair[0].state.is_sorted());
                // One candidate fewer after each query; thirty stay aside.
                let left = pair[0].next_actions.rows();
                assert!(
                    left > 0 && (pair[1].next_actions.rows() == left - 1 || pair[1].next_actions.rows() == 0)
                );
            }
            assert_eq!(episode.last().map_or(0, |last| last.next_actions.rows()), 0);
        }
    }

    /// The plan's target, which is for what is judged, once stood in the place of the 98 % that learning ends at.
    #[test]
    fn a_target_of_the_plan_changes_no_episode() {
        let mut sources = sources();
        sources.iter_mut().for_each(|source| source.plan.budget = 12);
        let network = QNetwork::new(-3.0, Key::root(1));
        let play = |target_accuracy, target_share| {
            let mut sources = sources.clone();
            for source in &mut sources {
                (source.plan.target_accuracy, source.plan.target_share) = (target_accuracy, target_share);
            }
            let mut labelling = TargetAccuracy::new(&sources, &sources, 2, &Forgetful, Key::root(2)).unwrap();
            let value = labelling.validate(&network).unwrap();
            (labelling.episodes(&network, 0.5, 6, Key::root(3)).unwrap(), value)
        };
        let expected = play(None, None);
        assert_eq!(play(None, Some(0.5)), expected);
        assert_eq!(play(None, Some(1.0)), expected);
        assert_eq!(play(Some(0.1), None), expected);
    }

    /// The pool of iris has 75 rows or more; with 25 labels per class, hardly any are left.
    #[test]
    fn a_small_pool_still_has_something_to_ask_for() {
        let mut sources = sources();
        sources.truncate(1);
        let pool = sources[0].prepared_tasks[0].task().pool().rows();
        sources[0].plan.initial_per_class = (pool - 10) / 3;
        let mut labelling = TargetAccuracy::new(&sources, &[], 1, &Forgetful, Key::root(1)).unwrap();
        let network = QNetwork::new(-3.0, Key::root(1));
        let episodes = labelling.episodes(&network, 1.0, 4, Key::root(3)).unwrap();
        assert!(episodes.iter().all(|episode| episode.len() <= 1));
        assert!(TargetAccuracy::new(&[], &[], 1, &Forgetful, Key::root(1)).is_err());
    }
}
