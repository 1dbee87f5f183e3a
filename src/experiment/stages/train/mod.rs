//! The train stage: imitation of the greedy oracle, an evolution strategy, policy gradient, and then a
//! frozen policy.
//!
//! `imitation` and `search` are the steps that change weights; what else a plan may ask to have trained
//! (the architecture's head, the policies to compare with) has a file of its own beside this folder.

pub(in crate::experiment) mod imitation;
pub(in crate::experiment) mod search;

use super::{StageContext, algorithms, head};
use crate::agent::guard::ANYWHERE;
use crate::agent::trainer::validations;
use crate::agent::{
    self, Algorithm, CONTEXT, CollectPlan, DomainGuard, DuelPlan, Evolution, Group, Kind, LabelledState,
    Network, NetworkConfig, Parts, Policy, PolicyGradient, Provenance, RolloutPlan, Side, Simulation, Source,
    Tasks, Training, TrainingTasks, collect, importance, policy,
};
use crate::data::TargetKind;
use crate::episode::features::{LOG_LIMIT, QUERY_SIZE, SCHEMA};
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{Baseline, NetworkKind, Randomise};
use crate::experiment::tasks;
use crate::query::usual;
use crate::rng::Key;
use crate::run::{Bar, Digests, digest, store};
use serde::{Deserialize, Serialize};

/// Episodes of a task that are played side by side against as many of the baseline.
const EPISODES_PER_TASK: usize = 8;
/// Shuffles per feature for its importance.
const SHUFFLES: usize = 3;

/// A trained policy, as the journal remembers it. The weights are in the run's folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedPolicy {
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
    pub importance: Vec<FeatureImportance>,
    /// What it asks for over the course of an episode, on the validation tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub selection_profile: Vec<agent::selection_profile::Phase>,
    /// The digests of the files of the policies of other learning algorithms, by their names.
    #[serde(flatten)]
    pub others: Digests,
    /// What was written to the run's folder, with digests: all of the above, and the policy's card.
    pub files: Digests,
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
pub struct FeatureImportance {
    /// The feature.
    pub name: String,
    /// Share of states in which shuffling it changes the first choice, with its 95 % interval.
    pub changed: [f64; 3],
    /// Increase of the imitation loss, in nats, with its 95 % interval.
    pub loss: [f64; 3],
}

/// Trains a policy and writes it to the run's folder.
pub fn train(plan: &Plan, stage_context: StageContext<'_>) -> Result<TrainedPolicy> {
    let section = plan.train().expect("the stage runs where there is a section");
    let key = Key::root(plan.seed()).named("train");
    let untrained = untrained(plan)?;
    stage_context.store.check_saved(section.algorithms.learning().map(|(name, _)| name))?;
    let parts = stage_context.parts(store::TRAIN_PARTS)?;
    let (sources, validation) = (tasks::sources(plan)?, tasks::validation(plan)?);
    let mut simulation = simulation(plan, &sources, &validation, section.validation_episodes, &parts)?;

    let both = (&sources[..], &validation[..]);
    let imitated = imitation::imitated(plan, (stage_context, &parts), &untrained, &simulation, both, key)?;
    let start = Network::from_weights(
        untrained.config(),
        SCHEMA.candidate.len(),
        SCHEMA.global.len(),
        imitated.weights.clone(),
    )?;
    let evolved = search::evolution(plan, stage_context, start, &mut simulation, &sources, &parts, key)?;
    let reinforced = search::policy_gradient(plan, stage_context, evolved.network, &mut simulation, key)?;
    let (network, episodes) = (reinforced.network, evolved.episodes + reinforced.episodes);
    let mut figures = imitated.figures.clone();
    let kept = kept(&imitated.curve, [&evolved.curve, &reinforced.curve]);
    if let Some(kept) = kept.filter(|_| !validation.is_empty()) {
        figures.insert("validation_gain_over_baseline".into(), kept);
    }
    let curve = [imitated.curve.clone(), evolved.curve, reinforced.curve].concat();
    figures.insert("evolution_episodes".into(), evolved.episodes as f64);
    figures.insert("policy_gradient_episodes".into(), reinforced.episodes as f64);
    let names = |sources: &[Source]| sources.iter().map(|source| source.name.clone()).collect::<Vec<_>>();
    let provenance = Provenance {
        name: plan.name().to_string(),
        plan: plan.digest(),
        source_tasks: summarised(&sources),
        limits: limits(plan),
        seen: tasks::seen(plan)?,
        figures,
    };
    // Where nothing is held out, on what was learned from: a policy can be asked what it looks at anyway.
    let (side, judges) =
        if validation.is_empty() { (Side::Sources, &sources) } else { (Side::Validation, &validation) };
    // What a feature decides, it decides among candidates like those that are shown in use.
    let seen = CollectPlan { context: CONTEXT, ..collect_plan(plan) };
    let judged = collect(Tasks::of(side, judges), 0, seen, key.named("importance"), &parts, &|| Ok(()))?;
    let importance = look(plan, &network, &judged.states, &parts, key)?;
    let (repetitions, cap) = (section.validation_episodes, plan.episode().candidates);
    let selection_profile = agent::selection_profile(
        Tasks::of(side, judges),
        &network,
        repetitions,
        cap,
        &parts,
        key.named("course"),
    )?;
    // A batch is grown in looks that each see it as it stands, so larger ones than were trained on are no
    // extrapolation of the kind that the guard is for.
    let fallback = if plan.sources().task == TargetKind::Class { usual(TargetKind::Class) } else { ANYWHERE };
    let guard = DomainGuard::around(judged.range.unite(&imitated.range), fallback)
        .map(|guard| guard.unbounded(QUERY_SIZE, LOG_LIMIT));
    let frozen = Policy::new(network, &SCHEMA, provenance)?;
    let frozen = guard.map_or(Ok(frozen.clone()), |guard| frozen.guarded(guard, &SCHEMA))?;
    let frozen = match head::learn(plan, stage_context, &sources, &validation, &parts, key.named("head"))? {
        Some(head) => frozen.with_head(head)?,
        None => frozen,
    };
    let (weights, card) = (frozen.weights_bytes(), frozen.card_text());
    let place = |file: &str| format!("{}/{file}", store::POLICY);
    stage_context.store.write(&place(policy::WEIGHTS_FILE), &weights)?;
    stage_context.store.write(&place(policy::CARD_FILE), card.as_bytes())?;
    let (learned, held, repetitions) = (&sources[..], &validation[..], section.validation_episodes);
    let training = Training { sources: learned, validation: held, repetitions, parts: &parts, key };
    let others = algorithms::learn(plan, stage_context, training)?;
    let mut files = Digests::from([
        (place(policy::WEIGHTS_FILE), digest::of(&weights)),
        (place(policy::CARD_FILE), digest::of(card.as_bytes())),
    ]);
    files.extend(others.iter().map(|(name, digest)| (store::policy_of(name), digest.clone())));
    Ok(TrainedPolicy {
        files,
        digest: digest::of(&weights),
        sources: names(&sources),
        validation: names(&validation),
        states: imitated.states,
        episodes,
        curve,
        importance,
        selection_profile,
        others,
    })
}

/// The policy that training starts from.
pub(in crate::experiment) fn untrained(plan: &Plan) -> Result<Network> {
    let section = &plan.train().expect("the stage runs where there is a section").network;
    let config = NetworkConfig {
        kind: match section.kind {
            NetworkKind::DeepSets => Kind::DeepSets,
            NetworkKind::Linear => Kind::Linear,
            NetworkKind::Mlp => Kind::Mlp,
            NetworkKind::Attention => Kind::Attention { heads: section.heads, inducing: section.inducing },
        },
        hidden: section.hidden,
        layers: section.layers,
    };
    let key = Key::root(plan.seed()).named("train").named("network");
    Ok(Network::new(config, SCHEMA.candidate.len(), SCHEMA.global.len(), key)?)
}

/// Episodes on these tasks as the plan has them, `repetitions` of each validation task; margin's are played at once.
pub(in crate::experiment) fn simulation<'a>(
    plan: &Plan,
    sources: &'a [Source],
    validation: &'a [Source],
    repetitions: usize,
    parts: &'a dyn Parts,
) -> Result<Simulation<'a>> {
    Simulation::new(TrainingTasks { repetitions, ..training_tasks(plan, sources, validation) }, parts)
}

/// Where the networks of the plan's training play.
pub(in crate::experiment) fn training_tasks<'a>(
    plan: &Plan,
    sources: &'a [Source],
    validation: &'a [Source],
) -> TrainingTasks<'a> {
    let section = plan.train().expect("the stage runs where there is a section");
    TrainingTasks {
        sources,
        validation,
        rollouts: rollout_plan(plan),
        duels: duel_plan(plan),
        repetitions: section.validation_episodes,
        key: Key::root(plan.seed()).named("train").named("validation"),
    }
}

/// The episodes of one update by policy gradient.
pub(in crate::experiment) fn rollout_plan(plan: &Plan) -> RolloutPlan {
    let section = &plan.train().expect("the stage runs where there is a section").policy_gradient;
    RolloutPlan {
        tasks: section.episodes.div_ceil(EPISODES_PER_TASK),
        episodes: EPISODES_PER_TASK.min(section.episodes),
        baseline: match section.baseline {
            Baseline::Greedy => agent::Baseline::Greedy,
            Baseline::Margin => agent::Baseline::Strategy("margin"),
            Baseline::Random => agent::Baseline::Strategy("random"),
        },
        soft: section.soft,
        cap: plan.episode().candidates,
    }
}

/// The episodes of one step of the evolution strategy.
pub(in crate::experiment) fn duel_plan(plan: &Plan) -> DuelPlan {
    let section = &plan.train().expect("the stage runs where there is a section").evolution;
    DuelPlan { tasks: section.tasks_per_pair, episodes: section.episodes, soft: section.soft }
}

/// How often a policy plays the validation tasks: untrained, after every imitation, and in its searches.
pub(in crate::experiment) fn evaluations(plan: &Plan) -> u64 {
    let section = plan.train().expect("the stage runs where there is a section");
    let imitated = if section.imitation.epochs > 0 { 1 + section.dagger.rounds as u64 } else { 0 };
    let searched = [
        Evolution::schedule(&search::evolution_config(plan)),
        PolicyGradient::schedule(&search::gradient_config(plan)),
    ]
    .into_iter()
    .filter(|[iterations, _]| *iterations > 0)
    .map(|[iterations, every]| validations(every, iterations));
    1 + imitated + searched.sum::<u64>()
}

/// What the policy that is kept gains on validation tasks: after a search the best of its points, of which the first is where it
/// began; without one what imitation ended with.
fn kept(imitated: &[Point], searches: [&[Point]; 2]) -> Option<f64> {
    let of = |point: &Point| point.validation;
    let best = |points: &[Point]| points.iter().map(of).max_by(f64::total_cmp);
    searches.into_iter().rev().find_map(best).or_else(|| imitated.last().map(of))
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
    let kind = plan.sources().task;
    let asks = (kind != TargetKind::Class).then(|| format!("Trained to ask for {}.", kind.name()));
    let mut limits = vec![
        format!(
            "Trained on episodes of up to {} queries of {} rows each.",
            (episode.rounds() as f64 * longest).round(),
            sizes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        ),
        format!("Trained with classifiers of hidden widths around {:?}.", plan.learner().hidden),
        format!("Trained on pools of up to {} rows.", plan.sources().max_pool),
    ];
    limits.extend(asks);
    let device = plan.learner().device;
    if !device.is_cpu() {
        let name = device.name();
        limits.push(format!("Trained on the device {name}: trained again elsewhere, its weights differ."));
    }
    limits
}

/// How states are collected for imitation: where the network is linear, without context.
pub(in crate::experiment) fn collect_plan(plan: &Plan) -> CollectPlan {
    let train = plan.train().expect("the stage runs where there is a section");
    let imitation = &train.imitation;
    CollectPlan {
        episodes: imitation.episodes,
        states: imitation.states,
        candidates: imitation.candidates,
        soft: imitation.soft,
        horizon: imitation.horizon,
        context: if train.network.kind == NetworkKind::Linear { 0 } else { CONTEXT },
    }
}

/// What the policy looks at in `states`.
pub(in crate::experiment) fn look(
    plan: &Plan,
    network: &Network,
    states: &[LabelledState],
    parts: &dyn Parts,
    key: Key,
) -> Result<Vec<FeatureImportance>> {
    let temperature =
        plan.train().expect("the stage runs where there is a section").imitation.temperature as f32;
    let groups = Group::singles(&SCHEMA);
    let found = importance(network, states, &groups, SHUFFLES, temperature, parts, key.named("importance"))?;
    let triple = |e: crate::agent::importance::Estimate| [e.mean, e.low, e.high];
    Ok(found
        .into_iter()
        .map(|one| FeatureImportance {
            name: one.group.name,
            changed: triple(one.changed),
            loss: triple(one.loss),
        })
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

fn watch(stage_context: StageContext<'_>, bar: &dyn Bar) -> Result<()> {
    bar.advance(1);
    super::check_cancelled(stage_context)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The card's figure was once the best of the curve, which an untrained policy may have.
    #[test]
    fn the_figure_of_a_card_is_that_of_the_policy_that_is_kept() {
        let curve = |points: &[f64]| -> Vec<Point> {
            let point = |&validation| Point { phase: String::new(), iteration: 0, validation, error: None };
            points.iter().map(point).collect()
        };
        let imitated = curve(&[0.3, 0.1]);
        assert_eq!(kept(&imitated, [&[], &[]]), Some(0.1));
        assert_eq!(kept(&imitated, [&curve(&[0.1, 0.2, 0.15]), &[]]), Some(0.2));
        assert_eq!(kept(&imitated, [&curve(&[0.1, 0.25]), &curve(&[0.2, 0.1])]), Some(0.2));
        assert_eq!(kept(&[], [&[], &[]]), None);
    }
}
