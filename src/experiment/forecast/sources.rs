//! The tasks that a plan learns from, as far as a forecast makes them, and what pieces of work leave of them.

use super::rehearsal::{spread, timed};
use super::work::Work;
use crate::agent::{LabelledState, Source};
use crate::episode::features::NEIGHBOURS;
use crate::episode::{Observation, PreparedTask};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::stages::search::Searched;
use crate::experiment::stages::train;
use crate::experiment::tasks;
use std::sync::Mutex;

/// Source and validation tasks of a plan, or some of them.
pub struct Tasks {
    pub sources: Vec<Source>,
    pub validation: Vec<Source>,
    /// How many there are of each for one of those here.
    pub of_sources: f64,
    pub of_validation: f64,
    /// Core seconds that those here took to be made.
    pub making: f64,
}

impl Tasks {
    /// At most `most` of the sources and as many of the validation tasks.
    ///
    /// # Errors
    /// A data set that cannot be read, and a task that is refused.
    pub fn some(plan: &Plan, most: usize) -> Result<Self> {
        let learns = plan.train().is_some();
        if !learns && !plan.searches_sources() {
            let (sources, validation) = (Vec::new(), Vec::new());
            return Ok(Self { sources, validation, of_sources: 1.0, of_validation: 1.0, making: 0.0 });
        }
        let validate = if learns { most } else { 0 };
        let ((sources, validation), making) =
            timed(|| Ok((tasks::some_sources(plan, most)?, tasks::some_validation(plan, validate)?)))?;
        let share = |all: usize, here: &[Source]| all as f64 / here.len().max(1) as f64;
        let (of_sources, of_validation) =
            (share(plan.sources().tasks(), &sources), share(plan.sources().validation_tasks(), &validation));
        Ok(Self { sources, validation, of_sources, of_validation, making })
    }

    /// Tasks on which policies are judged at the end, and how many there are for one of those here.
    pub fn judges(&self) -> (&[Source], f64) {
        match self.validation.is_empty() {
            true => (&self.sources, self.of_sources),
            false => (&self.validation, self.of_validation),
        }
    }

    /// A sum over all sources.
    pub fn over_sources(&self, of: impl Fn(&Source) -> f64) -> f64 {
        self.of_sources * self.sources.iter().map(of).sum::<f64>()
    }

    /// The same of work.
    pub fn work(&self, of: impl Fn(&Source) -> Work) -> Work {
        self.sources.iter().map(of).sum::<Work>().times(self.of_sources)
    }

    /// Bytes of the tasks that the run makes beyond those here, and of what it makes of all of them where it plays on
    /// all, as training does.
    pub fn bytes_of_others(&self, trains: bool) -> f64 {
        let over = |sources: &[Source], of: &dyn Fn(&PreparedTask) -> usize| {
            let prepared_tasks = sources.iter().flat_map(|source| &source.prepared_tasks);
            prepared_tasks.map(|prepared| of(prepared)).sum::<usize>() as f64
        };
        let rows = |prepared: &PreparedTask| {
            let task = prepared.task();
            4 * (task.all_but_test().rows() + task.test().labels().len()) * task.width()
        };
        // Per row of the pool the lists of neighbours and the components of two kernels.
        let shared = |prepared: &PreparedTask| 4 * prepared.task().pool().rows() * (2 * NEIGHBOURS + 32);
        let missing = |prepared: &PreparedTask| if prepared.is_bare() { shared(prepared) } else { 0 };
        [(&self.sources, self.of_sources), (&self.validation, self.of_validation)]
            .into_iter()
            .map(|(sources, of_each)| {
                let played = if trains {
                    over(sources, &shared) * (of_each - 1.0) + over(sources, &missing)
                } else {
                    0.0
                };
                over(sources, &rows) * (of_each - 1.0) + played
            })
            .sum()
    }
}

/// What pieces leave for others, and for the forecast of memory.
#[derive(Default)]
pub struct Seen {
    /// Judged states.
    pub states: Mutex<Vec<LabelledState>>,
    /// Episodes of the piece of policy gradient that held most, and their bytes.
    pub trajectories: Mutex<(usize, f64)>,
    /// Searches on sources.
    pub searched: Mutex<Vec<Searched>>,
}

/// Bytes of what a policy sees in one round.
pub fn bytes(observation: &Observation) -> f64 {
    let numbers = observation.features.values().len() + observation.globals.len();
    (4 * (numbers + observation.candidates.len())) as f64
}

impl Seen {
    fn mean_state(&self) -> (f64, f64) {
        let states = self.states.lock().expect("no panic while it is held");
        let sum: f64 = states.iter().map(|state| bytes(&state.observation)).sum();
        (states.len() as f64, sum / states.len().max(1) as f64)
    }

    /// Bytes of the text of a state, on average; none where no state was seen.
    pub fn text_of_state(&self) -> Option<f64> {
        let states = self.states.lock().expect("no panic while it is held");
        let bytes: usize = states.iter().map(|state| serde_json::to_vec(state).expect("numbers").len()).sum();
        (!states.is_empty()).then(|| bytes as f64 / states.len() as f64)
    }

    /// Bytes of the text of what an episode of policy gradient has seen: as long per number as a state.
    pub fn text_of_episode(&self) -> Option<f64> {
        let ((_, each), text) = (self.mean_state(), self.text_of_state()?);
        let (episodes, sum) = *self.trajectories.lock().expect("no panic while it is held");
        (episodes > 0).then(|| sum / episodes as f64 * text / each)
    }

    /// What the states and trajectories of a run take beyond those that were kept here; one after the other.
    pub fn bytes_of_others(&self, plan: &Plan, tasks: &Tasks) -> f64 {
        let Some(section) = plan.train() else { return 0.0 };
        let (kept, each) = self.mean_state();
        let states = (judged_states(plan, tasks) - kept).max(0.0) * each;
        let (episodes, sum) = *self.trajectories.lock().expect("no panic while it is held");
        let played = match section.policy_gradient.iterations {
            0 => 0,
            _ => train::rollout_plan(plan).played(plan.sources().tasks()),
        };
        let played = played.saturating_sub(episodes) as f64 * sum / episodes.max(1) as f64;
        states.max(played)
    }

    /// What was found in those searches that were made; none without one.
    pub fn searched(&self) -> Vec<Searched> {
        std::mem::take(&mut self.searched.lock().expect("no panic while it is held"))
    }
}

/// States that imitation learns from and is judged by, at most.
fn judged_states(plan: &Plan, tasks: &Tasks) -> f64 {
    let Some(section) = plan.train().filter(|section| section.imitation.epochs > 0) else { return 0.0 };
    let (first, later) = (train::collect_plan(plan), train::imitation::dagger_plan(plan));
    let validation: usize = tasks.validation.iter().map(|source| first.states_on(source)).sum();
    tasks.over_sources(|source| first.states_on(source) as f64)
        + section.dagger.rounds as f64 * tasks.over_sources(|source| later.states_on(source) as f64)
        + tasks.of_validation * validation as f64
}

/// Chunks of `size` tasks, spread over all, one after the other and again from the start.
pub fn chunks(tasks: &[Source], size: usize) -> impl FnMut() -> Vec<(usize, Source)> + Send {
    let order = spread(tasks.len());
    let mut at = 0;
    move || {
        let chosen = (0..size.min(order.len())).map(|i| order[(at + i) % order.len()]);
        let chunk = chosen.map(|task| (task, tasks[task].clone())).collect();
        at += size;
        chunk
    }
}
