//! The train stage: imitation of the greedy oracle, an evolution strategy, policy gradient, and then a
//! frozen policy.

use super::{Site, dataset_embedding, dqn, head};
use crate::agent::trainer::MAX_CHECKPOINT_BYTES;
use crate::agent::{
    self, Algorithm, Behaviour, CollectPlan, Collected, DaggerConfig, DuelPlan, EvolutionConfig, Expert,
    GradientConfig, Group, Guard, ImitationConfig, Kind, LabelledState, Network, NetworkConfig,
    OptimiserConfig, Policy, Provenance, Range, RolloutPlan, Simulation, Source, Trainer, TrainerConfig,
    collect, collect_by, dagger, importance, policy,
};
use crate::episode::features::{LOG_LIMIT, QUERY_SIZE, SCHEMA, groups};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{Baseline, NetworkKind, Randomise};
use crate::experiment::tasks;
use crate::rng::Key;
use crate::run::{Bar, RunError, digest, store};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a run keeps what imitation came to, so that an interrupted policy search goes on from it.
const IMITATED: &str = "checkpoints/imitated.json";
/// A search for a better policy: its name in reports, and where a run keeps its checkpoint.
struct Phase {
    name: &'static str,
    checkpoint: &'static str,
}

const EVOLUTION: Phase = Phase { name: "evolution", checkpoint: "checkpoints/evolution.safetensors" };
const POLICY_GRADIENT: Phase =
    Phase { name: "policy gradient", checkpoint: "checkpoints/policy-gradient.safetensors" };

/// Source tasks, spread over all of them, and states in an episode of each, from which the scale of the
/// weights is found. Their candidates are not looked ahead at.
const SCALE_TASKS: usize = 64;
const SCALE_STATES: usize = 4;
/// Episodes of a task that are played side by side against as many of the baseline.
const EPISODES_PER_TASK: usize = 8;
/// Who asks where a policy's guard does not let it.
const FALLBACK: &str = "margin";
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
    /// Episodes that the evolution strategy and the policy gradient learned from.
    pub episodes: u64,
    /// Figures along the training, for the report; one per evaluation.
    pub curve: Vec<Point>,
    /// What the policy looks at, on states of the validation tasks.
    pub importance: Vec<Looked>,
    /// What it asks for over the course of an episode, on the validation tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub course: Vec<agent::course::Phase>,
    /// The digest of the file of deep Q-learning, where there was any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dqn: Option<String>,
    /// The digest of the file of the policy with an embedding of the data set, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset_embedding: Option<String>,
}

/// One evaluation of a policy in training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Point {
    /// `"untrained"`, `"imitation"`, `"dagger"`, `"evolution"` or `"policy gradient"`.
    pub phase: String,
    /// Updates of this phase so far.
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

/// What imitation hands to the policy search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Imitated {
    weights: Vec<f32>,
    states: usize,
    figures: BTreeMap<String, f64>,
    curve: Vec<Point>,
    /// What the globals of the states came to.
    range: Range,
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
            NetworkKind::Mlp => Kind::Mlp,
            NetworkKind::Attention => {
                Kind::Attention { heads: section.network.heads, inducing: section.network.inducing }
            }
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
    )?
    .with_duels(DuelPlan { tasks: section.evolution.tasks_per_pair, episodes: section.evolution.episodes });

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
    let evolved = evolution(plan, site, start, &mut simulation, &sources, key)?;
    let reinforced = policy_gradient(plan, site, evolved.network, &mut simulation, key)?;
    let (network, episodes) = (reinforced.network, evolved.episodes + reinforced.episodes);
    let curve = [imitated.curve.clone(), evolved.curve, reinforced.curve].concat();

    let mut figures = imitated.figures.clone();
    if let Some(last) = curve.iter().max_by(|a, b| a.validation.total_cmp(&b.validation)) {
        figures.insert("validation_gain_over_baseline".into(), last.validation);
    }
    figures.insert("evolution_episodes".into(), evolved.episodes as f64);
    figures.insert("policy_gradient_episodes".into(), reinforced.episodes as f64);
    let names = |sources: &[Source]| sources.iter().map(|source| source.name.clone()).collect::<Vec<_>>();
    let provenance = Provenance {
        name: plan.name().to_string(),
        plan: plan.digest(),
        source_tasks: summarised(&sources),
        limits: limits(plan),
        figures,
    };
    // Where nothing is held out, on what was learned from: a policy can be asked what it looks at anyway.
    let judges = if validation.is_empty() { &sources } else { &validation };
    let judged = collect(judges, 0, collect_plan(plan), key.named("importance"), &|| Ok(()))?;
    let importance = look(plan, &network, &judged.states, key)?;
    let (repetitions, cap) = (section.validation_episodes, plan.episode().candidates);
    let course = agent::course(judges, &network, repetitions, cap, key.named("course"))?;
    // A batch is grown in looks that each see it as it stands, so larger ones than were trained on are no
    // extrapolation of the kind that the guard is for.
    let guard = Guard::around(judged.range.unite(&imitated.range), FALLBACK)
        .map(|guard| guard.opened(QUERY_SIZE, LOG_LIMIT));
    let frozen = Policy::new(network, &SCHEMA, provenance)?;
    let frozen = guard.map_or(Ok(frozen.clone()), |guard| frozen.guarded(guard, &SCHEMA))?;
    let frozen = match head::learn(plan, site, &sources, &validation, key.named("head"))? {
        Some(head) => frozen.with_head(head)?,
        None => frozen,
    };
    let weights = frozen.weights_bytes();
    site.store.write(&format!("{}/{}", store::POLICY, policy::WEIGHTS_FILE), &weights)?;
    site.store.write(&format!("{}/{}", store::POLICY, policy::CARD_FILE), frozen.card_text().as_bytes())?;
    let dqn = dqn::learn(plan, site, &sources, &validation, key.named("dqn"))?;
    let dataset_embedding =
        dataset_embedding::learn(plan, site, &sources, &validation, key.named("dataset embedding"))?;
    Ok(Trained {
        digest: digest::of(&weights),
        sources: names(&sources),
        validation: names(&validation),
        states: imitated.states,
        episodes,
        curve,
        importance,
        course,
        dqn,
        dataset_embedding,
    })
}

/// Real tasks by name, and how many there are of each kind of variation and of synthetic tasks.
fn summarised(sources: &[Source]) -> Vec<String> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    for source in sources {
        let (kind, number) = source.name.rsplit_once('-').unwrap_or((&source.name, ""));
        let kind = if number.bytes().all(|b| b.is_ascii_digit()) && !number.is_empty() {
            kind
        } else {
            &source.name
        };
        match counts.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind, 1)),
        }
    }
    let line = |(kind, count): (&str, usize)| {
        if count == 1 { kind.to_string() } else { format!("{kind} x {count}") }
    };
    counts.into_iter().map(line).collect()
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
    let mut limits = vec![
        format!(
            "Trained on episodes of up to {} queries of {} rows each.",
            (episode.rounds as f64 * longest).round(),
            sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
        format!("Trained with classifiers of hidden widths around {:?}.", plan.learner().hidden),
        format!("Trained on pools of up to {} rows.", plan.sources().max_pool),
    ];
    let device = plan.learner().device;
    if !device.is_cpu() {
        let name = device.name();
        limits.push(format!("Trained on the device {name}: trained again elsewhere, its weights differ."));
    }
    limits
}

fn collect_plan(plan: &Plan) -> CollectPlan {
    let imitation = &plan.train().expect("the stage runs where there is a section").imitation;
    CollectPlan {
        episodes: imitation.episodes,
        states: imitation.states,
        candidates: imitation.candidates,
        soft: imitation.soft,
    }
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
        let (figures, range) = (BTreeMap::new(), Range::default());
        return Ok(Imitated { weights, states: 0, figures, curve, range });
    }
    let bar = site.progress.begin("look ahead", (sources.len() + validation.len()) as u64);
    let watch = || self::watch(site, &*bar);
    let collect_plan = collect_plan(plan);
    let Collected { mut states, range } = collect(sources, 0, collect_plan, key.named("collect"), &watch)?;
    let mut held =
        collect(validation, sources.len() as u32, collect_plan, key.named("collect"), &watch)?.states;
    hide(&section.without, &mut states);
    hide(&section.without, &mut held);
    drop(bar);
    let config = ImitationConfig {
        epochs: section.epochs as u32,
        temperature: section.temperature as f32,
        optimiser: OptimiserConfig { learning_rate: section.learning_rate, ..OptimiserConfig::default() },
        ..ImitationConfig::default()
    };
    let section = &plan.train().expect("the stage runs where there is a section").dagger;
    let dagger_config = DaggerConfig { rounds: section.rounds as u32, mixing: section.mixing };
    let bar = site.progress.begin("look ahead on the policy's way", (section.rounds * sources.len()) as u64);
    let watch = || self::watch(site, &*bar);
    let mut expert = GreedyExpert { plan, sources, simulation, gains: Vec::new(), watch: &watch };
    let configs = (&dagger_config, &config);
    let (network, rounds) = dagger(untrained, states, &held, configs, &mut expert, key.named("imitate"))?;
    for (round, gains) in rounds.iter().zip(&expert.gains) {
        let phase = if round.round == 0 { "imitation" } else { "dagger" };
        curve.push(point(phase, u64::from(round.round), gains));
    }
    let kept = rounds.iter().rev().max_by(|a, b| a.value.total_cmp(&b.value)).expect("round 0 is played");
    let mut figures = BTreeMap::new();
    for (name, agreement) in
        [("training", Some(kept.imitation.training)), ("validation", kept.imitation.validation)]
    {
        if let Some(agreement) = agreement {
            figures.insert(format!("imitation_{name}_top1"), agreement.top1);
            figures.insert(format!("imitation_{name}_captured"), agreement.captured);
        }
    }
    let states = rounds.last().map_or(0, |round| round.states);
    Ok(Imitated { weights: network.weights().to_vec(), states, figures, curve, range })
}

/// Sets the features of some groups to zero: a linear network that has not seen them gives them no weight.
fn hide(without: &[String], states: &mut [LabelledState]) {
    let groups = groups();
    for group in groups.iter().filter(|group| without.iter().any(|name| name == group.name)) {
        for LabelledState { observation, .. } in &mut *states {
            for row in 0..observation.features.rows() {
                group.candidate.iter().for_each(|&column| observation.features.row_mut(row)[column] = 0.0);
            }
            group.global.iter().for_each(|&column| observation.globals[column] = 0.0);
        }
    }
}

/// The greedy oracle on the source tasks, and margin on the validation tasks to compare with.
struct GreedyExpert<'a> {
    plan: &'a Plan,
    sources: &'a [Source],
    simulation: &'a Simulation<'a>,
    /// Per round, the gains over margin by validation task.
    gains: Vec<Vec<f64>>,
    watch: agent::collection::Watch<'a>,
}

impl Expert for GreedyExpert<'_> {
    fn label(&mut self, network: &Network, others: f64, _round: u32, key: Key) -> Result<Vec<LabelledState>> {
        let section = self.plan.train().expect("the stage runs where there is a section");
        let collect_plan = CollectPlan { episodes: section.dagger.episodes, ..collect_plan(self.plan) };
        let behaviour = Behaviour::Policy { network, others, cap: self.plan.episode().candidates };
        let mut states = collect_by(behaviour, self.sources, 0, collect_plan, key, self.watch)?.states;
        hide(&section.imitation.without, &mut states);
        Ok(states)
    }

    fn value(&mut self, network: &Network) -> Result<f64> {
        let gains = self.simulation.gains(network)?;
        let mean = gains.iter().sum::<f64>() / gains.len().max(1) as f64;
        self.gains.push(gains);
        Ok(mean)
    }
}

/// What a search came to.
struct Searched {
    /// The network that gained most on the validation tasks, the start included.
    network: Network,
    /// Episodes learned from.
    episodes: u64,
    curve: Vec<Point>,
}

fn evolution(
    plan: &Plan,
    site: Site<'_>,
    start: Network,
    simulation: &mut Simulation<'_>,
    sources: &[Source],
    key: Key,
) -> Result<Searched> {
    let section = &plan.train().expect("the stage runs where there is a section").evolution;
    let evolution = EvolutionConfig {
        pairs: section.pairs,
        sigma: section.sigma as f32,
        optimiser: OptimiserConfig {
            learning_rate: section.learning_rate,
            weight_decay: section.decay as f32,
            ..EvolutionConfig::default().optimiser
        },
        ..EvolutionConfig::default()
    };
    let config = TrainerConfig {
        iterations: section.iterations as u32,
        validate_every: section.validate_every as u32,
        algorithm: Algorithm::Evolution(evolution),
    };
    let key = key.named("evolution");
    search(site, EVOLUTION, config, start, simulation, key, |network| {
        let some: Vec<Source> =
            sources.iter().step_by(sources.len().div_ceil(SCALE_TASKS).max(1)).cloned().collect();
        let collect_plan = CollectPlan { episodes: 1, states: SCALE_STATES, candidates: 1, soft: 0.0 };
        let states = collect(&some, 0, collect_plan, key.named("states"), &|| Ok(()))?;
        let states: Vec<_> = states.states.into_iter().map(|state| state.observation).collect();
        let scale = agent::evolution::scale(&network, &states, key.named("scale"))?;
        Ok(Trainer::new(config, network, key)?.with_scale(scale)?)
    })
}

fn policy_gradient(
    plan: &Plan,
    site: Site<'_>,
    start: Network,
    simulation: &mut Simulation<'_>,
    key: Key,
) -> Result<Searched> {
    let section = &plan.train().expect("the stage runs where there is a section").policy_gradient;
    let gradient = GradientConfig {
        entropy: section.entropy as f32,
        optimiser: OptimiserConfig {
            learning_rate: section.learning_rate,
            ..GradientConfig::default().optimiser
        },
        ..GradientConfig::default()
    };
    let config = TrainerConfig {
        iterations: section.iterations as u32,
        validate_every: section.validate_every as u32,
        algorithm: Algorithm::PolicyGradient(gradient),
    };
    let key = key.named("policy gradient");
    search(site, POLICY_GRADIENT, config, start, simulation, key, |network| {
        Ok(Trainer::new(config, network.sharpened(section.sharpness as f32), key)?)
    })
}

/// Runs a trainer to its end, from its checkpoint if there is one, else from what `begin` makes of `start`.
fn search(
    site: Site<'_>,
    phase: Phase,
    config: TrainerConfig,
    start: Network,
    simulation: &mut Simulation<'_>,
    key: Key,
    begin: impl FnOnce(Network) -> Result<Trainer>,
) -> Result<Searched> {
    if config.iterations == 0 {
        return Ok(Searched { network: start, episodes: 0, curve: Vec::new() });
    }
    let path = site.store.path(phase.checkpoint)?;
    let mut trainer = match path.exists() {
        true => {
            let bytes = store::read_up_to(&path, MAX_CHECKPOINT_BYTES as u64)?;
            Trainer::from_bytes(&bytes, config, &start, key)?
        }
        false => begin(start)?,
    };
    let bar = site.progress.begin(phase.name, u64::from(config.iterations) + 1);
    bar.advance(trainer.history().len() as u64);
    while !trainer.finished() {
        let step = trainer.step(simulation)?;
        site.store.write(phase.checkpoint, &trainer.to_bytes())?;
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
            let (name, iteration) = (phase.name.to_string(), u64::from(step.iteration));
            Some(Point { phase: name, iteration, validation: step.validation?, error: None })
        })
        .collect();
    let episodes = trainer.history().last().map_or(0, |last| last.episodes);
    let (network, _, _) = trainer.best().expect("the start is validated");
    Ok(Searched { network: network.clone(), episodes, curve })
}

fn look(plan: &Plan, network: &Network, states: &[LabelledState], key: Key) -> Result<Vec<Looked>> {
    let temperature =
        plan.train().expect("the stage runs where there is a section").imitation.temperature as f32;
    let groups = Group::singles(&SCHEMA);
    let found = importance(network, states, &groups, SHUFFLES, temperature, key.named("importance"))?;
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
