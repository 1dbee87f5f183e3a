//! The train stage: imitation of the greedy oracle, then policy gradient, then a frozen policy.

use super::Site;
use crate::agent::{
    self, CollectPlan, GradientConfig, Group, ImitationConfig, Kind, LabelledState, Network, NetworkConfig,
    OptimiserConfig, Policy, Provenance, RolloutPlan, Simulation, Source, Trainer, TrainerConfig, collect,
    imitate, importance, policy,
};
use crate::episode::features::SCHEMA;
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{Baseline, NetworkKind, Randomise};
use crate::experiment::tasks;
use crate::rng::Key;
use crate::run::{Bar, RunError, digest, store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a run keeps what imitation came to, so that an interrupted policy gradient goes on from it.
const IMITATED: &str = "checkpoints/imitated.json";
/// Where a run keeps the policy gradient's checkpoint.
const CHECKPOINT: &str = "checkpoints/policy-gradient.safetensors";
/// Episodes of a task that are played side by side against as many of the baseline.
const EPISODES_PER_TASK: usize = 8;
/// Shuffles per feature for its importance.
const SHUFFLES: usize = 3;

/// A trained policy, as the journal remembers it. The weights are in the run's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trained {
    /// The digest of the weights, compared when they are loaded.
    pub digest: String,
    /// Source tasks that were learned from, and tasks that chose between checkpoints.
    pub sources: Vec<String>,
    /// Tasks that chose between checkpoints.
    pub validation: Vec<String>,
    /// States that were looked ahead in.
    pub states: usize,
    /// Episodes that the policy gradient learned from.
    pub episodes: u64,
    /// Figures along the training, for the report; one per evaluation.
    pub curve: Vec<Point>,
    /// What the policy looks at, on states of the validation tasks.
    pub importance: Vec<Looked>,
}

/// One evaluation of a policy in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// `"untrained"`, `"imitation"` or `"policy gradient"`.
    pub phase: String,
    /// Updates of the policy gradient so far.
    pub iteration: u64,
    /// Difference to the baseline on the validation tasks, in mean accuracy over the rounds of an
    /// episode: its mean over tasks, and the standard error of that mean.
    pub validation: f64,
    /// Standard error over tasks, where there is more than one.
    pub error: Option<f64>,
}

/// How much a feature matters to the policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Looked {
    /// The feature.
    pub name: String,
    /// Share of states in which shuffling it changes the first choice, with its 95 % interval.
    pub changed: [f64; 3],
    /// Increase of the imitation loss, in nats, with its 95 % interval.
    pub loss: [f64; 3],
}

/// What imitation hands to the policy gradient.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Imitated {
    weights: Vec<f32>,
    states: usize,
    figures: BTreeMap<String, f64>,
    curve: Vec<Point>,
}

/// A value with the digest of its own text, since it comes back from a disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    digest: String,
    text: String,
}

/// Trains a policy and writes it to the run's folder.
pub fn train(plan: &Plan, site: Site<'_>) -> Result<Trained> {
    let section = plan.train().expect("the stage runs where there is a section");
    let key = Key::root(plan.seed()).named("train");
    let config = NetworkConfig {
        kind: match section.network.kind {
            NetworkKind::DeepSets => Kind::DeepSets,
            NetworkKind::Linear => Kind::Linear,
        },
        hidden: section.network.hidden,
        layers: section.network.layers,
    };
    let untrained = Network::new(config, SCHEMA.candidate.len(), SCHEMA.global.len(), key.named("network"))?;
    let (sources, validation) = (tasks::sources(plan)?, tasks::validation(plan)?);
    let baseline = match section.policy_gradient.baseline {
        Baseline::Greedy => agent::Baseline::Greedy,
        Baseline::Margin => agent::Baseline::Strategy("margin"),
        Baseline::Random => agent::Baseline::Strategy("random"),
    };
    let mut simulation = Simulation::new(
        &sources,
        &validation,
        RolloutPlan {
            tasks: section.policy_gradient.episodes.div_ceil(EPISODES_PER_TASK),
            episodes: EPISODES_PER_TASK.min(section.policy_gradient.episodes),
            baseline,
            cap: plan.episode().candidates,
        },
        section.validation_episodes,
        key.named("validation"),
    )?;

    let imitated = match recall(site)? {
        Some(imitated) => imitated,
        None => {
            let imitated = imitation(plan, site, &untrained, &simulation, &sources, &validation, key)?;
            remember(site, &imitated)?;
            imitated
        }
    };
    let start =
        Network::from_weights(config, SCHEMA.candidate.len(), SCHEMA.global.len(), imitated.weights.clone())?;
    let (network, episodes, more) = policy_gradient(plan, site, start, &mut simulation, key)?;
    let mut curve = imitated.curve.clone();
    curve.extend(more);

    let mut figures = imitated.figures.clone();
    if let Some(last) = curve.iter().max_by(|a, b| a.validation.total_cmp(&b.validation)) {
        figures.insert("validation_gain_over_baseline".into(), last.validation);
    }
    figures.insert("policy_gradient_episodes".into(), episodes as f64);
    let names = |sources: &[Source]| sources.iter().map(|source| source.name.clone()).collect::<Vec<_>>();
    let provenance = Provenance {
        name: plan.name().to_string(),
        plan: plan.digest(),
        source_tasks: names(&sources),
        limits: limits(plan),
        figures,
    };
    let importance = look(plan, &network, &validation, &sources, key)?;
    let frozen = Policy::new(network, &SCHEMA, provenance)?;
    let weights = frozen.weights_bytes();
    site.store.write(&format!("{}/{}", store::POLICY, policy::WEIGHTS_FILE), &weights)?;
    site.store.write(&format!("{}/{}", store::POLICY, policy::CARD_FILE), frozen.card_text().as_bytes())?;
    Ok(Trained {
        digest: digest::of(&weights),
        sources: names(&sources),
        validation: names(&validation),
        states: imitated.states,
        episodes,
        curve,
        importance,
    })
}

/// What the policy was not tried on.
fn limits(plan: &Plan) -> Vec<String> {
    let (episode, randomise) = (plan.episode(), plan.sources().randomise.as_ref());
    let longest = randomise.map_or(1.0, Randomise::longest);
    let mut sizes = randomise.map(|r| r.query_size.clone()).unwrap_or_default();
    if sizes.is_empty() {
        sizes.push(episode.query_size);
    }
    sizes.sort_unstable();
    sizes.dedup();
    vec![
        format!(
            "Trained on episodes of up to {} queries of {} rows; longer ones and other batches are untried.",
            (episode.rounds as f64 * longest).round(),
            sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
        format!("Trained with classifiers of hidden widths around {:?}.", plan.learner().hidden),
        "Trained on tables of up to a few thousand rows; frozen embeddings and images are untried.".into(),
    ]
}

fn collect_plan(plan: &Plan) -> CollectPlan {
    let imitation = &plan.train().expect("the stage runs where there is a section").imitation;
    CollectPlan { episodes: imitation.episodes, states: imitation.states, candidates: imitation.candidates }
}

fn imitation(
    plan: &Plan,
    site: Site<'_>,
    untrained: &Network,
    simulation: &Simulation<'_>,
    sources: &[Source],
    validation: &[Source],
    key: Key,
) -> Result<Imitated> {
    let section = &plan.train().expect("the stage runs where there is a section").imitation;
    let mut curve = vec![point("untrained", 0, &simulation.gains(untrained)?)];
    if section.epochs == 0 {
        let weights = untrained.weights().to_vec();
        return Ok(Imitated { weights, states: 0, figures: BTreeMap::new(), curve });
    }
    let bar = site.progress.begin("look ahead", (sources.len() + validation.len()) as u64);
    let watch = || watch(site, &*bar);
    let collect_plan = collect_plan(plan);
    let states = collect(sources, 0, collect_plan, key.named("collect"), &watch)?;
    let held = collect(validation, sources.len() as u32, collect_plan, key.named("collect"), &watch)?;
    drop(bar);
    let config = ImitationConfig {
        epochs: section.epochs as u32,
        temperature: section.temperature as f32,
        optimiser: OptimiserConfig { learning_rate: section.learning_rate, ..OptimiserConfig::default() },
        ..ImitationConfig::default()
    };
    let (network, report) = imitate(untrained.clone(), &states, &held, &config, key.named("imitate"))?;
    let mut figures = BTreeMap::new();
    for (name, agreement) in [("training", Some(report.training)), ("validation", report.validation)] {
        if let Some(agreement) = agreement {
            figures.insert(format!("imitation_{name}_top1"), agreement.top1);
            figures.insert(format!("imitation_{name}_captured"), agreement.captured);
        }
    }
    curve.push(point("imitation", 0, &simulation.gains(&network)?));
    Ok(Imitated { weights: network.weights().to_vec(), states: states.len(), figures, curve })
}

/// The policy gradient: the network that gained most on the validation tasks (the start included), the
/// episodes it learned from, and its curve.
fn policy_gradient(
    plan: &Plan,
    site: Site<'_>,
    start: Network,
    simulation: &mut Simulation<'_>,
    key: Key,
) -> Result<(Network, u64, Vec<Point>)> {
    let section = &plan.train().expect("the stage runs where there is a section").policy_gradient;
    let iterations = section.iterations as u32;
    if iterations == 0 {
        return Ok((start, 0, Vec::new()));
    }
    let config = TrainerConfig {
        iterations,
        validate_every: section.validate_every as u32,
        gradient: GradientConfig {
            entropy: section.entropy as f32,
            optimiser: OptimiserConfig {
                learning_rate: section.learning_rate,
                ..GradientConfig::default().optimiser
            },
            ..GradientConfig::default()
        },
    };
    let key = key.named("policy gradient");
    let path = site.store.path(CHECKPOINT)?;
    let mut trainer = match path.exists() {
        true => Trainer::from_bytes(&store::read_text(&path)?, config, &start, key)?,
        false => Trainer::new(config, start.sharpened(section.sharpness as f32), key)?,
    };
    let bar = site.progress.begin("policy gradient", u64::from(iterations) + 1);
    bar.advance(trainer.history().len() as u64);
    while !trainer.finished() {
        let step = trainer.step(simulation)?;
        site.store.write(CHECKPOINT, &trainer.to_bytes())?;
        if let Some(gain) = step.validation {
            bar.note(&format!("{:+.2} points over the baseline", 100.0 * gain));
        }
        watch(site, &*bar)?;
    }
    let curve = trainer
        .history()
        .iter()
        .filter(|step| step.iteration > 0)
        .filter_map(|step| {
            let (phase, iteration) = ("policy gradient".to_string(), u64::from(step.iteration));
            Some(Point { phase, iteration, validation: step.validation?, error: None })
        })
        .collect();
    let episodes = trainer.history().last().map_or(0, |last| last.episodes);
    let (network, _, _) = trainer.best().expect("the start is validated");
    Ok((network.clone(), episodes, curve))
}

fn look(
    plan: &Plan,
    network: &Network,
    validation: &[Source],
    sources: &[Source],
    key: Key,
) -> Result<Vec<Looked>> {
    // Where nothing is held out, on what was learned from: a policy can be asked what it looks at anyway.
    let tasks = if validation.is_empty() { sources } else { validation };
    let states: Vec<LabelledState> =
        collect(tasks, 0, collect_plan(plan), key.named("importance"), &|| Ok(()))?;
    let temperature =
        plan.train().expect("the stage runs where there is a section").imitation.temperature as f32;
    let groups = Group::singles(&SCHEMA);
    let found = importance(network, &states, &groups, SHUFFLES, temperature, key.named("importance"))?;
    let triple = |e: crate::agent::importance::Estimate| [e.mean, e.low, e.high];
    Ok(found
        .into_iter()
        .map(|one| Looked { name: one.group.name, changed: triple(one.changed), loss: triple(one.loss) })
        .collect())
}

fn point(phase: &str, iteration: u64, gains: &[f64]) -> Point {
    let n = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / n.max(1.0);
    let error = (gains.len() > 1).then(|| {
        let squares: f64 = gains.iter().map(|gain| (gain - mean).powi(2)).sum();
        (squares / (n - 1.0) / n).sqrt()
    });
    Point { phase: phase.to_string(), iteration, validation: mean, error }
}

fn watch(site: Site<'_>, bar: &dyn Bar) -> Result<()> {
    bar.advance(1);
    super::check_cancelled(site)
}

fn remember(site: Site<'_>, imitated: &Imitated) -> Result<()> {
    let text = serde_json::to_string(imitated).expect("finite numbers");
    let sealed = Sealed { digest: digest::of(text.as_bytes()), text };
    site.store.write(IMITATED, &serde_json::to_vec(&sealed).expect("strings"))?;
    Ok(())
}

fn recall(site: Site<'_>) -> Result<Option<Imitated>> {
    let path = site.store.path(IMITATED)?;
    if !path.exists() {
        return Ok(None);
    }
    let bytes = store::read_text(&path)?;
    let damaged = |reason: String| RunError::Damaged { path: path.clone(), offset: 0, reason };
    let sealed: Sealed = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
    let found = digest::of(sealed.text.as_bytes());
    if found != sealed.digest {
        return Err(damaged(format!("digest {found}, expected {}", sealed.digest)).into());
    }
    Ok(Some(serde_json::from_str(&sealed.text).map_err(|e| damaged(e.to_string()))?))
}
