//! Episodes as an environment for reinforcement learning: what `querist.gym` steps through.

use crate::arrays::{Numbers, Rows, unsigned, view};
use crate::error::raised;
use numpy::{IntoPyArray, PyArray1, PyArray2, PyArray3, PyArrayMethods};
use pyo3::prelude::*;
use querist::data::synthetic::family::SourceFamily;
use querist::data::{self, Dataset, Matrix, RowId, Shape, SplitPlan, Targets, Task};
use querist::episode::features::{SCHEMA, needs, observe};
use querist::episode::{self, EpisodePlan, Measure, PreparedTask, Replicate};
use querist::learner::{Stop, TrainPlan};
use querist::{Key, Result};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a step gives of every environment: the reward, and whether its episode ended.
type Stepped<'py> = (Bound<'py, PyArray1<f64>>, Bound<'py, PyArray1<bool>>);

/// A split of a data set, which episodes are played on.
#[pyclass(frozen, module = "querist._querist")]
pub struct Pool {
    prepared: Arc<PreparedTask>,
}

fn prepared(dataset: Result<Dataset>, seed: u64, most: usize) -> Result<Pool> {
    let plan = SplitPlan { max_pool: most, ..SplitPlan::default() };
    let task = Task::split(&dataset?, &plan, Key::root(seed).named("split"))?;
    Ok(Pool { prepared: PreparedTask::new(task) })
}

#[pymethods]
impl Pool {
    /// Of arrays of one's own.
    #[staticmethod]
    fn of_arrays(
        py: Python<'_>,
        x: Rows<'_>,
        y: Numbers<'_>,
        classes: usize,
        seed: u64,
        most: usize,
    ) -> PyResult<Self> {
        let inputs = view(&x)?;
        let inputs = Matrix::new(inputs.values().to_vec(), inputs.rows(), inputs.cols());
        let labels: Vec<u32> = unsigned(py, "y", "a class", &y)?;
        let pool = py.detach(|| {
            let names = (0..classes).map(|class| class.to_string()).collect();
            let (shape, targets) = (Shape::Vector(inputs.cols()), Targets::Class { labels, names });
            prepared(Dataset::new("arrays", shape, inputs, targets, None), seed, most)
        });
        pool.map_err(|error| raised(py, &error))
    }

    /// Of a data set by its name or path.
    #[staticmethod]
    fn of_name(
        py: Python<'_>,
        name: &str,
        data_dir: Option<std::path::PathBuf>,
        seed: u64,
        most: usize,
    ) -> PyResult<Self> {
        let pool = py.detach(|| prepared(data::load(name, data_dir.as_deref().map(Path::new)), seed, most));
        pool.map_err(|error| raised(py, &error))
    }

    /// Of generated task number `index`, as policies are trained on.
    #[staticmethod]
    fn of_family(py: Python<'_>, index: u64, seed: u64, most: usize) -> PyResult<Self> {
        let sampler = SourceFamily::new(Key::root(seed).named("source"));
        py.detach(|| prepared(sampler.sample(index), seed, most)).map_err(|error| raised(py, &error))
    }

    /// Its name, rows of its pool, width and classes.
    fn shape(&self) -> (String, usize, usize, usize) {
        let task = self.prepared.task();
        (task.name().to_string(), task.pool().rows(), task.width(), task.classes())
    }
}

/// Several episodes in lock-step: one per seed.
#[pyclass(frozen, module = "querist._querist")]
pub struct Episodes {
    state: Mutex<State>,
    cap: usize,
    keys: Vec<Key>,
}

struct State {
    episodes: episode::Episodes,
    /// What was shown of each episode in this round.
    shown: Vec<Vec<RowId>>,
}

/// Features, globals, which of the places hold a candidate, and their rows of the pool; zeros where there is none.
type Observed<'py> = (
    Bound<'py, PyArray3<f32>>,
    Bound<'py, PyArray2<f32>>,
    Bound<'py, PyArray2<i8>>,
    Bound<'py, PyArray2<i64>>,
);

/// Names of the candidate features and of the globals, and the version of the schema.
#[pyfunction]
pub fn schema() -> (Vec<&'static str>, Vec<&'static str>, u32) {
    (SCHEMA.candidate.to_vec(), SCHEMA.global.to_vec(), SCHEMA.version)
}

impl Episodes {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pymethods]
impl Episodes {
    /// Episodes of `budget` queries of one row each, on one pool per seed.
    #[staticmethod]
    #[pyo3(signature = (pools, seeds, *, budget, cap, hidden, epochs))]
    fn reset(
        py: Python<'_>,
        pools: Vec<PyRef<'_, Pool>>,
        seeds: Vec<u64>,
        budget: usize,
        cap: usize,
        hidden: Vec<usize>,
        epochs: u32,
    ) -> PyResult<Self> {
        let train = TrainPlan { stop: Stop::Epochs { epochs }, ..TrainPlan::default() };
        let plan = EpisodePlan { train, measure: Measure::Reward, ..EpisodePlan::default() };
        let plan = plan.hidden(&hidden).queries(budget, 1);
        let keys: Vec<Key> = seeds.iter().map(|&seed| Key::root(seed).named("episode")).collect();
        let replicate =
            |(pool, &key): (&PyRef<'_, Pool>, &Key)| Replicate { prepared: Arc::clone(&pool.prepared), key };
        let replicates: Vec<Replicate> = pools.iter().zip(&keys).map(replicate).collect();
        let episodes = py.detach(|| episode::Episodes::reset(&plan, &replicates));
        let episodes = episodes.map_err(|error| raised(py, &error))?;
        let shown = vec![Vec::new(); episodes.len()];
        Ok(Self { state: Mutex::new(State { episodes, shown }), cap, keys })
    }

    /// What a policy sees of each episode: features `[envs, cap, F]`, globals `[envs, G]`, which places hold a candidate
    /// and its row of the pool `[envs, cap]`. Of episodes that are over, nothing.
    fn observe<'py>(&self, py: Python<'py>) -> PyResult<Observed<'py>> {
        let (envs, cap) = (self.keys.len(), self.cap);
        let (wide, high) = (SCHEMA.candidate.len(), SCHEMA.global.len());
        let mut features = vec![0.0f32; envs * cap * wide];
        let mut globals = vec![0.0f32; envs * high];
        let mut mask = vec![0i8; envs * cap];
        let mut rows = vec![0i64; envs * cap];
        let observed = py.detach(|| -> Result<()> {
            let mut state = self.state();
            for env in state.episodes.live() {
                let round = u64::from(state.episodes.state(env).round);
                let key = self.keys[env].named("observe").at(round);
                let signals = state.episodes.signals(env, needs(), key);
                let seen = observe(&state.episodes.view(env, &signals), 1, cap, key)?;
                let values = seen.features.values();
                features[env * cap * wide..][..values.len()].copy_from_slice(values);
                globals[env * high..][..high].copy_from_slice(&seen.globals);
                for (place, row) in seen.candidates.iter().enumerate() {
                    mask[env * cap + place] = 1;
                    rows[env * cap + place] = i64::from(row.0);
                }
                state.shown[env] = seen.candidates;
            }
            Ok(())
        });
        observed.map_err(|error| raised(py, &error))?;
        Ok((
            features.into_pyarray(py).reshape([envs, cap, wide])?,
            globals.into_pyarray(py).reshape([envs, high])?,
            mask.into_pyarray(py).reshape([envs, cap])?,
            rows.into_pyarray(py).reshape([envs, cap])?,
        ))
    }

    /// Buys the label at the place of each environment's action, and fits again: the gains in accuracy on the reward rows, and which
    /// episodes are over. Actions of episodes that were over are not looked at; theirs is a gain of zero.
    fn step<'py>(&self, py: Python<'py>, actions: Vec<usize>) -> PyResult<Stepped<'py>> {
        let envs = self.keys.len();
        let mut rewards = vec![0.0f64; envs];
        let mut over = vec![true; envs];
        // The lock is taken without the interpreter's, for which whoever holds it may be waiting.
        let stepped = py.detach(|| {
            let State { episodes, shown } = &mut *self.state();
            let live = episodes.live();
            let mut picks = Vec::with_capacity(live.len());
            for &env in &live {
                let action = actions.get(env).copied().unwrap_or(usize::MAX);
                let row = shown[env].get(action).ok_or((env, shown[env].len()))?;
                picks.push((env, vec![*row]));
            }
            let steps = match episodes.step(&picks) {
                Ok(steps) => steps,
                Err(error) => return Ok(Err(error)),
            };
            for (&env, step) in live.iter().zip(&steps) {
                (rewards[env], over[env]) = (step.reward, step.end.is_some());
                shown[env].clear();
            }
            Ok(Ok(()))
        });
        match stepped {
            Ok(Ok(())) => Ok((rewards.into_pyarray(py), over.into_pyarray(py))),
            Ok(Err(error)) => Err(raised(py, &error)),
            Err((env, places)) => {
                let action = actions.get(env).map_or("missing".to_string(), usize::to_string);
                let message =
                    format!("environment {env}: action {action}, expected one of {places} candidates");
                Err(pyo3::exceptions::PyValueError::new_err(message))
            }
        }
    }

    /// The accuracies on the reward rows.
    fn accuracies<'py>(&self, py: Python<'py>) -> Bound<'py, PyArray1<f64>> {
        let all: Vec<f64> = py.detach(|| {
            let state = self.state();
            (0..self.keys.len()).map(|env| state.episodes.state(env).reward_accuracy).collect()
        });
        all.into_pyarray(py)
    }
}
