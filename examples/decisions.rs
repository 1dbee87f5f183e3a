//! The figures of `experiments/decisions`, and those of learned rules in `experiments/stream`: decisions that are learned with a delayed
//! reward, against hand-made rules.
//!
//!     cargo run --release --example decisions -- stopping DATA [FOLDER]
//!     cargo run --release --example decisions -- annotators DATA [FOLDER]
//!     cargo run --release --example decisions -- keeping [FOLDER]
//!
//! DATA is the folder with the sets that are judged on; what was learned is written to FOLDER, where one is named.

use querist::agent::card::Provenance;
use querist::agent::decisions::{
    AnnotatorDecision, CrowdPlan, Decider, DeciderKind, Decision, DecisionState, DecisionTasks, LearnedStop,
    Price, RecordedEpisode, StopDecision,
};
use querist::agent::dqn::{Dqn, DqnConfig};
use querist::agent::{Frozen, GradientConfig, OptimiserConfig, Source, Trainer, TrainerConfig};
use querist::data::synthetic::SourceFamily;
use querist::data::{Dataset, SplitPlan, Task, load};
use querist::episode::stop::{CostBenefit, FlatCurve, OverallUncertainty, Stabilising, Stop};
use querist::episode::{EpisodePlan, Measure, PreparedTask, Replicate};
use querist::learner::{Start, TrainPlan};
use querist::stream::pal::{self, KeepDecision, PalPlan, PalPolicy, SourceStream};
use querist::{Key, Result, durable};
use rand::RngExt;
use rayon::prelude::*;
use std::path::Path;

/// The sets that are judged on.
const TARGETS: [&str; 22] = [
    "agnews_test",
    "australian",
    "breast_cancer",
    "diabetis",
    "dna",
    "fashion_mnist_900",
    "flare_solar",
    "german",
    "heart",
    "ionosphere",
    "letter",
    "mnist_t10k",
    "mushrooms",
    "optdigits",
    "satimage",
    "segment",
    "splice",
    "trec6",
    "usps",
    "vowel",
    "waveform",
    "wdbc",
];
/// Generated tasks that are learned from, and those that choose between iterations; those of more than [`WIDEST`] numbers are left out.
const SOURCES: [std::ops::Range<u64>; 2] = [0..105, 105..154];
const WIDEST: usize = 64;
/// Episodes on each target, and splits that they take in turn.
const REPETITIONS: usize = 50;
const SPLITS: usize = 10;
/// One percentage point of accuracy is worth so many labels.
const PRICE: Price = Price { labels_per_point: 10.0 };
/// Labels after the first of every class, labels per query, and rows of the pool at most: when to stop, and whom to ask.
const STOPPING: [usize; 3] = [100, 10, 1_000];
const ASKING: [usize; 3] = [40, 5, 500];
/// Annotators and what may be spent on them.
const CROWD: CrowdPlan = CrowdPlan { annotators: 3, purse: 40.0 };

pub fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["stopping", data] => stopping(Path::new(data), None),
        ["stopping", data, folder] => stopping(Path::new(data), Some(Path::new(folder))),
        ["annotators", data] => annotators(Path::new(data), None),
        ["annotators", data, folder] => annotators(Path::new(data), Some(Path::new(folder))),
        ["keeping"] => keeping(None),
        ["keeping", folder] => keeping(Some(Path::new(folder))),
        _ => {
            eprintln!(
                "say stopping or annotators and the folder with the data sets, or keeping, and where to write what is learned"
            );
            std::process::exit(2);
        }
    }
}

/// A task with some splits of it, and softmax regression that goes on from the weights of the round before.
fn source(dataset: &Dataset, splits: usize, [most, step, pool]: [usize; 3]) -> Result<Source> {
    let split = SplitPlan { max_pool: pool, max_held: 1_000, ..SplitPlan::default() };
    let key = Key::root(25).named("split").named(dataset.identity());
    let task = |at: usize| Ok(PreparedTask::new(Task::split(dataset, &split, key.at(at as u64))?));
    let prepared_tasks = (0..splits).map(task).collect::<Result<Vec<_>>>()?;
    // One row per class comes first.
    let pool = prepared_tasks.iter().map(|one| one.task().pool().rows()).min().unwrap_or(0);
    let rounds = most.min(pool.saturating_sub(dataset.classes())) / step;
    let train = TrainPlan { start: Start::Warm, ..TrainPlan::default() };
    let plan = EpisodePlan { blocks: Vec::new(), train, ..EpisodePlan::default() }.queries(rounds, step);
    Ok(Source { name: dataset.name().into(), identity: dataset.identity().into(), prepared_tasks, plan })
}

/// The mean, and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0).max(1.0);
    (mean, (variance / n).sqrt())
}

/// How much is learned from.
struct Sizes {
    /// Source tasks per iteration of policy gradient, episodes on each, and episodes per validation task.
    tasks: usize,
    episodes_per_task: usize,
    repetitions: usize,
    /// Iterations of both learners.
    iterations: u32,
    /// Episodes of deep Q-learning before anything is learned, and then per iteration; and decisions that it remembers.
    warm: usize,
    episodes: usize,
    replay: usize,
}

/// Both learners on one decision, each the best of its validations.
fn learn(decision: &impl Decision, sizes: Sizes, folder: Option<(&Path, &str)>) -> Result<[Decider; 2]> {
    let Sizes { tasks, episodes_per_task, repetitions, iterations, warm, episodes, replay } = sizes;
    let key = Key::root(25);
    let mut environment =
        DecisionTasks { decision, tasks, episodes_per_task, repetitions, key: key.named("validation") };
    let gradient = GradientConfig {
        entropy: 0.003,
        optimiser: OptimiserConfig { learning_rate: 5e-3, weight_decay: 0.0, clip_norm: 1.0 },
        ..GradientConfig::default()
    };
    let config = TrainerConfig { iterations, validate_every: 10, algorithm: gradient };
    let start = Decider::start(decision.usual(), key.named("start"))?;
    let mut by_gradient = Trainer::by_gradient(config, start, key.named("policy gradient"))?;
    by_gradient.run(&mut environment, |_| Ok(true))?;
    let policy = by_gradient.best().expect("the start is validated");
    let first = by_gradient.history()[0].validation.unwrap_or(f64::NAN);
    println!(
        "policy gradient: validation {first:.4} untrained, {:.4} after iteration {}",
        policy.validation, policy.iteration
    );
    let config = DqnConfig {
        iterations,
        warm_episodes: warm,
        warm_updates: 500,
        episodes,
        updates: 60,
        replay,
        // Rewards are noisy: large errors are no better to learn from than others.
        exponent: 0.0,
        epsilon_iterations: iterations * 2 / 3,
        validate_every: 10,
        ..DqnConfig::default()
    };
    let mut dqn = Dqn::new(config, key.named("dqn"))?;
    dqn.run(&mut environment, |_| Ok(true))?;
    let values = dqn.best().expect("the start is validated");
    let first = dqn.history()[0].validation.unwrap_or(f64::NAN);
    println!(
        "dqn: validation {first:.4} after the warm start, {:.4} after iteration {}",
        values.validation, values.iteration
    );
    let learned = [Decider::Policy(policy.network.clone()), Decider::Values(values.network.clone())];
    if let Some((folder, name)) = folder {
        durable::create_dir(folder)?;
        for decider in &learned {
            let kind = decider.kind().name();
            let provenance = Provenance { name: format!("{name}/{kind}"), ..Provenance::default() };
            let file = folder.join(Frozen::file(&format!("{name}_{kind}")));
            durable::replace(&file, &decider.freeze(provenance).to_bytes())?;
        }
    }
    Ok(learned)
}

/// What is played on, from the generated tasks of a side.
fn generated(side: usize, size: [usize; 3]) -> Result<Vec<Source>> {
    let family = SourceFamily::new(Key::root(25).named("sources"));
    let one = |at: u64| -> Result<Option<Source>> {
        let set = family.sample(at)?;
        (set.width() <= WIDEST).then(|| source(&set, 1, size)).transpose()
    };
    let all = SOURCES[side].clone().into_par_iter().map(one).collect::<Result<Vec<_>>>()?;
    Ok(all.into_iter().flatten().collect())
}

/// Every hand-made rule that is tried on the sources, by what it is called.
fn hand_made() -> Vec<(String, Box<dyn Stop + Sync>)> {
    let mut rules: Vec<(String, Box<dyn Stop + Sync>)> = Vec::new();
    for threshold in [0.8, 0.9, 0.95, 0.97, 0.98, 0.99, 0.995] {
        for window in [1, 3] {
            let name = format!("stabilising predictions, threshold {threshold}, window {window}");
            rules.push((name, Box::new(Stabilising { threshold, window })));
        }
    }
    for threshold in [0.02, 0.05, 0.1, 0.15, 0.2, 0.3] {
        for least in [20, 50] {
            let name = format!("overall uncertainty, threshold {threshold}, least {least}");
            rules.push((name, Box::new(OverallUncertainty { threshold, least })));
        }
    }
    for more in [10, 30, 50] {
        // In units of what the labels cost.
        for mean_return in [0.25, 0.5, 1.0, 2.0] {
            for least in [20, 50, 100] {
                let gain = mean_return * more as f64 / PRICE.labels_per_point / 100.0;
                let name = format!("learning curve, more {more}, gain {gain:.5}, least {least}");
                rules.push((name, Box::new(FlatCurve { more, gain, points: 5, least })));
            }
        }
    }
    for error in [0.5, 1.0, 2.0, 4.0, 8.0] {
        for least in [20, 50, 100] {
            let name = format!("cost against benefit, error {error}, least {least}");
            rules.push((name, Box::new(CostBenefit { error, points: 5, least })));
        }
    }
    rules
}

/// When to stop.
fn stopping(data: &Path, folder: Option<&Path>) -> Result<()> {
    let key = Key::root(25).named("courses");
    let recorded_episodes = |side: usize| -> Result<Vec<RecordedEpisode>> {
        let played = |source: &Source| RecordedEpisode::play(source, 2, Measure::Reward, key);
        Ok(generated(side, STOPPING)?.par_iter().map(played).collect::<Result<Vec<_>>>()?.concat())
    };
    let decision =
        StopDecision { sources: recorded_episodes(0)?, validation: recorded_episodes(1)?, price: PRICE };
    println!(
        "{} recorded episodes to learn from, {} to choose by",
        decision.sources.len(),
        decision.validation.len()
    );
    let sizes = Sizes {
        tasks: 32,
        episodes_per_task: 8,
        repetitions: 1,
        iterations: 150,
        warm: 1_000,
        episodes: 20,
        replay: 10_000,
    };
    let learned = learn(&decision, sizes, folder.map(|folder| (folder, "stop")))?;
    // What is made by hand is chosen on all recorded episodes of sources.
    let all: Vec<&RecordedEpisode> = decision.sources.iter().chain(&decision.validation).collect();
    let mean_return = |stop: &(dyn Fn(&RecordedEpisode) -> usize + Sync)| -> f64 {
        all.par_iter()
            .map(|recorded_episode| recorded_episode.utility(stop(recorded_episode), PRICE))
            .sum::<f64>()
            / all.len() as f64
    };
    let rules = hand_made();
    let returns: Vec<f64> = rules
        .iter()
        .map(|(_, rule)| mean_return(&|recorded_episode| recorded_episode.stopped_by(&**rule)))
        .collect();
    let best = (0..rules.len()).max_by(|&a, &b| returns[a].total_cmp(&returns[b])).expect("there are rules");
    let until = |labels: usize| {
        move |recorded_episode: &RecordedEpisode| {
            (0..recorded_episode.last())
                .find(|&at| recorded_episode.labels(at) >= labels)
                .unwrap_or(recorded_episode.last())
        }
    };
    let fixed: Vec<usize> = (1..=13).map(|tens| 10 * tens).collect();
    let fixed_worths: Vec<f64> = fixed.iter().map(|&labels| mean_return(&until(labels))).collect();
    let most =
        (0..fixed.len()).max_by(|&a, &b| fixed_worths[a].total_cmp(&fixed_worths[b])).expect("numbers");
    println!(
        "on the sources: {} {:.2}; {} labels {:.2}; never {:.2}",
        rules[best].0,
        returns[best],
        fixed[most],
        fixed_worths[most],
        mean_return(&RecordedEpisode::last)
    );
    for family in ["stabilising", "overall", "learning", "cost"] {
        let own = (0..rules.len()).filter(|&at| rules[at].0.starts_with(family));
        let own = own.max_by(|&a, &b| returns[a].total_cmp(&returns[b])).expect("every family has rules");
        println!("  {} {:.2}", rules[own].0, returns[own]);
    }
    let learned_rule = |decider: &Decider, recorded_episode: &RecordedEpisode| {
        recorded_episode
            .stopped_by(&LearnedStop::new(decider.clone(), recorded_episode.labels(recorded_episode.last())))
    };
    for decider in &learned {
        println!(
            "  learned by {} {:.2}",
            decider.kind().name(),
            mean_return(&|recorded_episode| learned_rule(decider, recorded_episode))
        );
    }
    println!(
        "\n| set | {} | {} | hand-made | {} labels | never | in hindsight |",
        DeciderKind::Policy.name(),
        DeciderKind::Values.name(),
        fixed[most]
    );
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let mut means: Vec<Vec<f64>> = vec![Vec::new(); 6];
    let mut labels: Vec<Vec<f64>> = vec![Vec::new(); 6];
    for name in TARGETS {
        let target = source(&load(name, Some(data))?, SPLITS, STOPPING)?;
        let recorded_episodes = RecordedEpisode::play(&target, REPETITIONS, Measure::RewardAndTest, key)?;
        let hindsight = |recorded_episode: &RecordedEpisode| {
            let mean_return = |at: usize| recorded_episode.utility(at, PRICE);
            (0..=recorded_episode.last())
                .max_by(|&a, &b| mean_return(a).total_cmp(&mean_return(b)))
                .expect("an episode has a start")
        };
        let who: [&(dyn Fn(&RecordedEpisode) -> usize + Sync); 6] = [
            &|recorded_episode| learned_rule(&learned[0], recorded_episode),
            &|recorded_episode| learned_rule(&learned[1], recorded_episode),
            &|recorded_episode| recorded_episode.stopped_by(&*rules[best].1),
            &until(fixed[most]),
            &RecordedEpisode::last,
            &hindsight,
        ];
        print!("| {name} |");
        for (at, stop) in who.iter().enumerate() {
            let stopped: Vec<usize> = recorded_episodes.iter().map(*stop).collect();
            let pairs = || recorded_episodes.iter().zip(&stopped);
            let (mean_return, error) = mean(
                &pairs()
                    .map(|(recorded_episode, &at)| recorded_episode.utility(at, PRICE))
                    .collect::<Vec<_>>(),
            );
            let spent = mean(
                &pairs()
                    .map(|(recorded_episode, &at)| recorded_episode.labels(at) as f64)
                    .collect::<Vec<_>>(),
            )
            .0;
            print!(" {mean_return:.2} ± {error:.2} ({spent:.0}) |");
            means[at].push(mean_return);
            labels[at].push(spent);
        }
        println!();
    }
    across(&means, &["policy_gradient", "dqn", "hand-made", "fixed", "never", "hindsight"], 2);
    println!("labels: {:?}", labels.iter().map(|all| mean(all).0.round()).collect::<Vec<_>>());
    Ok(())
}

/// The 97.5 % quantiles of Student's t with 21 and 23 degrees of freedom, for 22 and 24 targets.
const T_21: f64 = 2.079_614;
const T_23: f64 = 2.068_658;

/// Means over targets, and their differences to one of the columns with 95 % intervals over the targets.
fn across(means: &[Vec<f64>], names: &[&str], reference: usize) {
    println!("\nover {} targets, against {}:", means[0].len(), names[reference]);
    let t = if means[0].len() == TARGETS.len() { T_21 } else { T_23 };
    for (name, values) in names.iter().zip(means) {
        let differences: Vec<f64> = values.iter().zip(&means[reference]).map(|(a, b)| a - b).collect();
        let (difference, error) = mean(&differences);
        let (low, high) = (difference - t * error, difference + t * error);
        let ahead = differences.iter().filter(|&&difference| difference > 0.0).count();
        println!("{name}: {:.2}, {difference:+.2} [{low:+.2}, {high:+.2}], ahead on {ahead}", mean(values).0);
    }
}

/// A hand-made choice between annotators, by the figures of the options: agreement, price, questions.
#[derive(Clone, Copy, Debug)]
enum Chooser {
    Random,
    Cheapest,
    /// The highest agreement, plus so much for whom nobody has asked yet.
    Agreement {
        bonus: f32,
    },
    /// The same over `base`, by the price to a power.
    PerPrice {
        base: f32,
        power: f32,
        bonus: f32,
    },
}

impl Chooser {
    /// All that are tried on the sources.
    fn all() -> Vec<Self> {
        let mut all = vec![Self::Random, Self::Cheapest];
        for bonus in [0.0, 0.2, 0.5] {
            all.push(Self::Agreement { bonus });
            for base in [0.0, 0.3, 0.5] {
                all.extend([0.25, 0.5, 1.0].map(|power| Self::PerPrice { base, power, bonus }));
            }
        }
        all
    }

    /// The option it takes, the first of equals: the cheapest.
    fn choose(self, decision_state: &DecisionState, key: Key) -> usize {
        let rows = decision_state.options.rows();
        let score = |option: usize| -> f32 {
            let figures = decision_state.options.row(option);
            let [agreement, price, asked] = [figures[0], figures[1], figures[2]];
            match self {
                Self::Random => key.at(option as u64).rng().random::<f32>(),
                Self::Cheapest => -price,
                Self::Agreement { bonus } => agreement + bonus * (1.0 - asked),
                Self::PerPrice { base, power, bonus } => {
                    let over = agreement + bonus * (1.0 - asked) - base;
                    // What is worth less than nothing is not the better for being dear.
                    if over > 0.0 { over / price.powf(power) } else { over }
                }
            }
        };
        (1..rows).fold(0, |best, option| if score(option) > score(best) { option } else { best })
    }
}

/// Whom to ask.
fn annotators(data: &Path, folder: Option<&Path>) -> Result<()> {
    let decision =
        AnnotatorDecision { sources: generated(0, ASKING)?, validation: generated(1, ASKING)?, plan: CROWD };
    println!("{} tasks to learn from, {} to choose by", decision.sources.len(), decision.validation.len());
    let sizes = Sizes {
        tasks: 8,
        episodes_per_task: 4,
        repetitions: 2,
        iterations: 60,
        warm: 200,
        episodes: 16,
        replay: 10_000,
    };
    let learned = learn(&decision, sizes, folder.map(|folder| (folder, "annotator")))?;
    let key = Key::root(25).named("crowds");
    // What is made by hand is chosen on two episodes of every task of the sources, as worth is there.
    let choosing = AnnotatorDecision {
        validation: [&decision.sources[..], &decision.validation].concat(),
        ..decision.clone()
    };
    let tasks = DecisionTasks {
        decision: &choosing,
        tasks: 1,
        episodes_per_task: 1,
        repetitions: 2,
        key: key.named("choosing"),
    };
    let mut returns: Vec<(f64, Chooser)> = Vec::new();
    for chooser in Chooser::all() {
        // Draws are by what is seen, so that they are the same on any number of threads.
        let mean_return =
            tasks.mean_value(|decision_state| Ok(chooser.choose(decision_state, seen(decision_state))))?;
        println!("  {:.3} {chooser:?}", 10.0 * mean_return);
        returns.push((10.0 * mean_return, chooser));
    }
    let best_of = |among: &dyn Fn(&Chooser) -> bool| {
        let some = returns.iter().filter(|(_, chooser)| among(chooser));
        some.max_by(|a, b| a.0.total_cmp(&b.0)).expect("there are some").1
    };
    let best = best_of(&|_| true);
    let accurate = best_of(&|chooser| matches!(chooser, Chooser::Agreement { .. }));
    for decider in &learned {
        println!(
            "  {:.3} learned by {}",
            10.0 * tasks.mean_value(|decision_state| decider.decide(decision_state))?,
            decider.kind().name()
        );
    }
    println!("points gained on the sources; best: {best:?}, most accurate: {accurate:?}\n");
    println!("| set | policy_gradient | dqn | hand-made | most accurate | cheapest | random |");
    println!("|---|---:|---:|---:|---:|---:|---:|");
    let mut means: Vec<Vec<f64>> = vec![Vec::new(); 6];
    for name in TARGETS {
        let target = source(&load(name, Some(data))?, SPLITS, ASKING)?;
        let replicate = |at: usize| Replicate {
            prepared: target.prepared_tasks[at % SPLITS].clone(),
            key: key.named(&target.identity).at(at as u64),
        };
        let replicates: Vec<Replicate> = (0..REPETITIONS).map(replicate).collect();
        print!("| {name} |");
        for (at, means) in means.iter_mut().enumerate() {
            let mut decide = |_: usize, decision_state: &DecisionState| match at {
                0 | 1 => learned[at].decide(decision_state),
                _ => {
                    let chooser = [best, accurate, Chooser::Cheapest, Chooser::Random][at - 2];
                    Ok(chooser.choose(decision_state, seen(decision_state)))
                }
            };
            let played = CROWD.play(&target, &replicates, Measure::RewardAndTest, &mut decide)?;
            let accuracies: Vec<f64> = played.iter().map(|one| 100.0 * one.accuracy).collect();
            let (accuracy, error) = mean(&accuracies);
            let answers = mean(&played.iter().map(|one| f64::from(one.answers)).collect::<Vec<_>>()).0;
            let wrong = mean(&played.iter().map(|one| f64::from(one.wrong)).collect::<Vec<_>>()).0;
            print!(" {accuracy:.2} ± {error:.2} ({answers:.0}, {wrong:.0} wrong) |");
            means.push(accuracy);
        }
        println!();
    }
    across(&means, &["policy_gradient", "dqn", "hand-made", "most accurate", "cheapest", "random"], 2);
    Ok(())
}

/// A key of what is seen.
fn seen(decision_state: &DecisionState) -> Key {
    let bits = decision_state.state.iter().map(|figure| u64::from(figure.to_bits()));
    bits.fold(Key::root(25).named("seen"), |key, bits| key.at(bits))
}

/// Streams of `keeping`, the generated tasks that are learned from, those that choose between iterations, and those that are judged on.
const STREAMS: PalPlan = PalPlan { rows: 200, labels: 20 };
const STREAM_TASKS: [std::ops::Range<u64>; 3] = [0..28, 28..42, 100..124];
/// Streams per source task that rules are chosen on.
const CHOOSING: u64 = 4;

/// Who keeps rows.
enum Keeper<'a> {
    Learned(&'a Decider),
    Rule(String),
    First,
}

impl Keeper<'_> {
    /// All that are made by hand and tried on the sources.
    fn hand_made() -> Vec<Self> {
        let mut all = vec![Self::First];
        let mut rule = |spec: String| all.push(Keeper::Rule(spec));
        ["random", "random(exceeding=true)", "periodic"].into_iter().for_each(|name| rule(name.into()));
        for window in [20, 100, 500] {
            rule(format!("fixed_uncertainty(window={window})"));
            for step in [0.01, 0.03, 0.1] {
                rule(format!("variable_uncertainty(step={step}, window={window})"));
                rule(format!("random_variable_uncertainty(step={step}, window={window})"));
                rule(format!("split(step={step}, window={window})"));
            }
        }
        [20, 100].into_iter().for_each(|window| rule(format!("density(window={window})")));
        all
    }

    fn name(&self) -> &str {
        match self {
            Self::Learned(decider) => decider.kind().name(),
            Self::Rule(spec) => spec,
            Self::First => "the first rows",
        }
    }

    /// Mean accuracy over each of some streams of a task in %, and the labels of each.
    fn play(&self, source: &SourceStream, streams: u64, test: bool, key: Key) -> Result<Vec<(f64, f64)>> {
        let one = |at: u64| -> Result<(f64, f64)> {
            let mut decide = |seen: &DecisionState| match self {
                Self::Learned(decider) => decider.decide(seen),
                Self::Rule(_) | Self::First => unreachable!("nothing is asked"),
            };
            let chooser = match self {
                Self::Learned(_) => pal::Chooser::Decide(&mut decide),
                Self::Rule(spec) => pal::Chooser::Rule(spec),
                Self::First => pal::Chooser::First,
            };
            let played = pal::play(source, &STREAMS, chooser, test, key.at(at))?;
            Ok((100.0 * played.mean, played.kept as f64))
        };
        (0..streams).into_par_iter().map(one).collect()
    }
}

/// Whether to keep a row of a stream.
fn keeping(folder: Option<&Path>) -> Result<()> {
    let family = SourceFamily::new(Key::root(11));
    let stream = |at: u64| -> Result<SourceStream> {
        let set = family.sample(at)?;
        let split = SplitPlan { max_pool: 400, max_held: 300, ..SplitPlan::default() };
        Ok(SourceStream::new(&set, Task::split(&set, &split, Key::root(12).at(at))?))
    };
    let streams =
        |side: usize| STREAM_TASKS[side].clone().into_par_iter().map(stream).collect::<Result<Vec<_>>>();
    let decision = KeepDecision::new(STREAMS, streams(0)?, streams(1)?)?;
    let sizes = Sizes {
        tasks: 8,
        episodes_per_task: 4,
        repetitions: 4,
        iterations: 120,
        warm: 128,
        episodes: 10,
        replay: pal::REPLAY,
    };
    let learned = learn(&decision, sizes, None)?;
    if let Some(folder) = folder {
        durable::create_dir(folder)?;
        let sources = STREAM_TASKS[0]
            .clone()
            .map(|at| Ok(family.sample(at)?.name().to_string()))
            .collect::<Result<_>>()?;
        let provenance = Provenance { source_tasks: sources, ..Provenance::default() };
        for decider in &learned {
            let file = folder.join(Frozen::file(&format!("keep_{}", decider.kind().name())));
            PalPolicy::new(decider, &STREAMS, provenance.clone())?.save(&file)?;
        }
    }
    // What is made by hand is chosen on all sources, by what they are judged by.
    let sources = [streams(0)?, streams(1)?].concat();
    let key = Key::root(15);
    let on_sources = |keeper: &Keeper<'_>| -> Result<f64> {
        let one = |at: usize| -> Result<f64> {
            let played = keeper.play(&sources[at], CHOOSING, false, key.named("choosing").at(at as u64))?;
            Ok(mean(&played.iter().map(|one| one.0).collect::<Vec<_>>()).0)
        };
        Ok(mean(&(0..sources.len()).into_par_iter().map(one).collect::<Result<Vec<_>>>()?).0)
    };
    println!("mean accuracy over streams of the sources in %:");
    let hand_made = Keeper::hand_made();
    let mut found = Vec::new();
    for keeper in learned.iter().map(Keeper::Learned).collect::<Vec<_>>().iter().chain(&hand_made) {
        found.push(on_sources(keeper)?);
        println!("  {:.2} {}", found[found.len() - 1], keeper.name());
    }
    let found = &found[learned.len()..];
    let best = (0..found.len()).max_by(|&a, &b| found[a].total_cmp(&found[b])).expect("there are rules");
    println!("best: {}\n", hand_made[best].name());
    let published = ["variable_uncertainty", "periodic", "random(exceeding=true)"];
    let published = published.map(|name| Keeper::Rule(name.into()));
    let [policy, values] = learned.each_ref().map(Keeper::Learned);
    let keepers: Vec<&Keeper<'_>> =
        [&policy, &values, &hand_made[best], &Keeper::First].into_iter().chain(&published).collect();
    let names: Vec<&str> = keepers.iter().map(|keeper| keeper.name()).collect();
    println!("| target | {} |\n|---|{}", names.join(" | "), "---:|".repeat(names.len()));
    let (mut means, mut labels) = (vec![Vec::new(); names.len()], vec![Vec::new(); names.len()]);
    for at in STREAM_TASKS[2].clone() {
        let target = stream(at)?;
        print!("| {} |", family.sample(at)?.name());
        for (keeper, (means, labels)) in keepers.iter().zip(means.iter_mut().zip(&mut labels)) {
            let played = keeper.play(&target, REPETITIONS as u64, true, key.named("target").at(at))?;
            let (accuracy, error) = mean(&played.iter().map(|one| one.0).collect::<Vec<_>>());
            print!(" {accuracy:.2} ± {error:.2} |");
            means.push(accuracy);
            labels.push(mean(&played.iter().map(|one| one.1).collect::<Vec<_>>()).0);
        }
        println!();
    }
    across(&means, &names, 2);
    println!(
        "labels: {:?}",
        labels.iter().map(|all| (10.0 * mean(all).0).round() / 10.0).collect::<Vec<_>>()
    );
    Ok(())
}
