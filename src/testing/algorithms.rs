//! What every learning algorithm promises, on two small tasks.

use super::ExamplePool;
use crate::agent::algorithm::ITERATIONS;
use crate::agent::{Algorithms, Forgetful, Keeper, Learned, Source, Training};
use crate::data::{SplitPlan, Task, embedded};
use crate::episode::{EpisodePlan, PreparedTask};
use crate::error::{Error, Exit, Fault, Result};
use crate::registry::{Settings, Value, Values};
use crate::rng::Key;

/// Iterations, and the most that any other whole number is set to.
const SMALL: u64 = 2;
/// Queries of an episode.
const QUERIES: usize = 3;

/// Checks what every learning algorithm promises for the one called `name`, with two iterations and the smallest other
/// whole numbers:
///
/// - it has a setting `iterations`, which is 0 unless it is said, and as many weights as it says, all of them finite;
/// - the same training gives the same weights on one thread and on three, and what was interrupted goes on as if it had not
///   been;
/// - its policy, learned or not, asks for distinct candidates, as many as were asked for.
///
/// # Panics
/// If there is no such algorithm, or it breaks a promise; the message says which.
pub fn algorithm_contract(algorithms: &Algorithms, name: &str) {
    let entry = algorithms.find(name).unwrap_or_else(|error| panic!("{error}"));
    let off = Settings::defaults(entry.settings)
        .iter()
        .any(|(name, value)| name == ITERATIONS && value == Value::Whole(0));
    assert!(off, "{name}: it has no setting `{ITERATIONS}` that is 0 unless it is said");
    let settings = Settings::read(entry.settings, |setting| {
        Ok::<_, Error>(match setting.values {
            Values::Whole { least, most, .. } if setting.name == ITERATIONS => {
                Value::Whole(SMALL.clamp(least, most))
            }
            Values::Whole { least, .. } => Value::Whole(least.max(1)),
            Values::Number { default, .. } => Value::Number(default),
        })
    });
    let algorithm = (entry.make)(&settings.expect("nothing is refused"));
    let sources = sources().unwrap_or_else(|error| panic!("{error}"));
    let (learned_from, held) = sources.split_at(1);
    let training = Training {
        sources: learned_from,
        validation: held,
        repetitions: 1,
        parts: &Forgetful,
        key: Key::root(7).named(name),
    };
    let on = |threads: usize, keeper: &mut (dyn Keeper + Send)| -> Result<Learned> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a few threads");
        pool.install(|| algorithm.learn(training, keeper))
    };
    let learned = on(1, &mut Memory::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(learned.weights.len(), algorithm.weights(), "{name}: the number of its weights");
    assert!(learned.weights.iter().all(|weight| weight.is_finite()), "{name}: a weight is no number");
    let threads = on(3, &mut Memory::default()).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(threads, learned, "{name}: on three threads it learns something else");
    let mut memory = Memory { stops_after: Some(1), ..Memory::default() };
    let stopped = on(1, &mut memory);
    let interrupted = stopped.as_ref().is_err_and(|error| error.exit() == Exit::Interrupted);
    assert!(interrupted || stopped.is_ok(), "{name}: an interruption is another error: {stopped:?}");
    memory.stops_after = None;
    let resumed = on(1, &mut memory).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(resumed, learned, "{name}: interrupted, it learns something else");
    for weights in [&learned.weights, &algorithm.untrained(QUERIES)] {
        let mut strategy = algorithm.strategy(weights).unwrap_or_else(|error| panic!("{name}: {error}"));
        let pool = ExamplePool::new(40, 5, 1);
        for batch in [0, 1, 4, 100] {
            let picks = strategy.select(&pool.view(), batch, Key::root(3)).expect("it asks");
            let mut distinct = picks.clone();
            distinct.sort();
            distinct.dedup();
            let wanted = batch.min(pool.candidates.len());
            assert_eq!((picks.len(), distinct.len()), (wanted, wanted), "{name}: of {batch} asked for");
            assert!(distinct.iter().all(|row| pool.candidates.binary_search(row).is_ok()), "{name}");
        }
    }
}

/// Splits of two data sets that come with this crate, in short episodes.
fn sources() -> Result<Vec<Source>> {
    let of = |name: &str| -> Result<Source> {
        let dataset = embedded::load(name)?;
        let split = SplitPlan { max_pool: 90, ..SplitPlan::default() };
        let task = Task::split(&dataset, &split, Key::root(1).named(name))?;
        let plan = EpisodePlan { query_size: 1, budget: QUERIES, ..EpisodePlan::default() };
        let (name, identity) = (name.to_string(), dataset.identity().to_string());
        Ok(Source { name, identity, prepared_tasks: vec![PreparedTask::new(task)], plan })
    };
    ["iris", "wine"].into_iter().map(of).collect()
}

/// Keeps the last checkpoint, and may end a training after so many iterations.
#[derive(Default)]
struct Memory {
    saved: Option<Vec<u8>>,
    stops_after: Option<u64>,
    done: u64,
}

/// That a training was ended.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[error("interrupted")]
struct Stopped;

impl Fault for Stopped {
    fn exit(&self) -> Exit {
        Exit::Interrupted
    }
}

impl Keeper for Memory {
    fn saved(&mut self, _limit: u64) -> Result<Option<Vec<u8>>> {
        Ok(self.saved.clone())
    }

    fn begin(&mut self, _iterations: u64, done: u64) {
        self.done = done;
    }

    fn after(&mut self, _finished: bool, _note: Option<String>, bytes: &dyn Fn() -> Vec<u8>) -> Result<()> {
        self.saved = Some(bytes());
        self.done += 1;
        if self.stops_after.is_some_and(|most| self.done >= most) {
            return Err(Stopped.into());
        }
        Ok(())
    }
}
