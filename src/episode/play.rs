//! [`play`]: strategies play episodes, round by round, and leave tidy rows.

use super::env::Episodes;
use super::features;
use super::overlay::Overlay;
use super::plan::{EpisodeError, EpisodePlan, Measure};
use super::replicate::Replicate;
use super::row::Row;
use super::state::{EpisodeState, PseudoLabels, Termination};
use super::stop::{self, Watch};
use crate::arch::NetSpec;
use crate::data::{RowId, TargetKind};
use crate::error::Result;
use crate::learner::Metric;
use crate::query::{Needs, Strategy, subsample};
use crate::rng::Key;
use std::time::{Duration, Instant};

/// One strategy on one replicate.
pub struct Player {
    /// The name under which its rows stand.
    pub name: String,
    /// Who chooses the rows.
    pub strategy: Box<dyn Strategy>,
    /// Where it plays.
    pub replicate: Replicate,
    /// The number of the repetition.
    pub repetition: u32,
    /// Who chooses the network's shape before each fit; `None` keeps the plan's.
    pub architect: Option<Box<dyn Architect>>,
}

/// Chooses the network's shape as labels come in.
pub trait Architect: Send {
    /// The shape to train next, and the gradient steps that choosing it took.
    fn choose(&mut self, labelled: &Labelled<'_>, current: &NetSpec, key: Key) -> Result<Choice>;

    /// Whether it reads [`Labelled::globals`].
    fn sees(&self) -> bool {
        false
    }
}

/// The labels in hand when an architecture is chosen.
#[derive(Clone, Copy, Debug)]
pub struct Labelled<'a> {
    /// All inputs of the pool.
    pub inputs: crate::data::MatrixView<'a>,
    /// Labelled rows of it.
    pub rows: &'a [u32],
    /// Their classes.
    pub labels: &'a [u32],
    /// The number of classes.
    pub classes: usize,
    /// The global features of the round, as a policy sees them before it asks; only for who
    /// [`sees`](Architect::sees).
    pub globals: Option<&'a [f32]>,
}

/// An architecture that was chosen.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The shape to train.
    pub spec: NetSpec,
    /// Gradient steps that the choice cost.
    pub steps: u64,
}

/// What one player's episode came to.
#[derive(Clone, Debug)]
pub struct Played {
    /// One row per round, the first for the initial labels.
    pub rows: Vec<Row>,
    /// How long each query took, signals included, by round; not part of the results. One less than there
    /// are rows.
    pub selecting: Vec<Duration>,
    /// Of repetition 0 where targets are masks, a few images that were asked for and a few of the test part, with their masks; else none.
    pub overlays: Vec<Overlay>,
}

/// Plays every player's episode to its end, all in lock-step, and measures it on reward and test rows
/// whatever the plan says: rows are results. What learns uses [`Episodes`] itself.
///
/// # Errors
/// If the plan cannot be satisfied, or a strategy does not serve its task's kind of targets, fails or answers with anything but as many distinct
/// candidates as it was asked for.
pub fn play(plan: &EpisodePlan, mut players: Vec<Player>) -> Result<Vec<Played>> {
    let replicates: Vec<Replicate> = players.iter().map(|player| player.replicate.clone()).collect();
    let plan = EpisodePlan { measure: Measure::RewardAndTest, ..plan.clone() };
    for player in &players {
        player.strategy.kinds().expect(player.replicate.prepared.task().kind(), &player.name)?;
    }
    let mut episodes = Episodes::reset(&plan, &replicates)?;
    let shown = |player: &Player| {
        player.repetition == 0 && player.replicate.prepared.task().kind() == TargetKind::Mask
    };
    let sees = |player: &Player| player.architect.as_ref().is_some_and(|architect| architect.sees());
    let watched = replicates.iter().filter(|_| plan.stops);
    let mut watches: Vec<Watch> = watched.map(Watch::new).collect();
    let mut played: Vec<Played> = Vec::with_capacity(players.len());
    let all: Vec<usize> = (0..players.len()).collect();
    for ((env, player), stops) in players.iter().enumerate().zip(stops(&mut watches, &episodes, &all)?) {
        let rows = vec![Row { stops, ..row(player, &episodes, env, plan.metric) }];
        played.push(Played { rows, selecting: Vec::new(), overlays: Vec::new() });
    }
    loop {
        let live = episodes.live();
        if live.is_empty() {
            for env in all.into_iter().filter(|&env| shown(&players[env])) {
                played[env].overlays.extend(episodes.unseen(env));
            }
            return Ok(played);
        }
        let mut picks = Vec::with_capacity(live.len());
        let mut pictured = Vec::new();
        let needs: Vec<(usize, Needs)> =
            live.iter().map(|&env| (env, players[env].strategy.needs())).collect();
        for ((env, needs), extras) in needs.iter().copied().zip(episodes.extras(&needs)?) {
            let player = &mut players[env];
            let round = u64::from(episodes.state(env).round);
            let key = player.replicate.key.named("query").named(&player.name).at(round);
            let started = Instant::now();
            let mut signals = episodes.signals_beside(extras, env, needs, key);
            let expected = episodes.batch(env);
            if needs.drafts > 0 {
                let drafts = player.strategy.draft(&episodes.view(env, &signals), expected, key)?;
                signals.drafts = Some(episodes.rehearse(env, &drafts)?);
            }
            let rows = player.strategy.select(&episodes.view(env, &signals), expected, key)?;
            played[env].selecting.push(started.elapsed());
            if rows.len() != expected {
                return Err(EpisodeError::Picks {
                    strategy: player.name.clone(),
                    found: rows.len(),
                    expected,
                }
                .into());
            }
            let last = played[env].rows.last_mut().expect("a row for the initial labels");
            let task = player.replicate.prepared.task();
            last.picks = rows.iter().map(|&row| task.dataset_row(row)).collect();
            last.pick_ids = rows.iter().filter_map(|&row| task.row_id(row)).map(str::to_string).collect();
            last.note = subsample::join([last.note.take(), player.strategy.note()]);
            if shown(player) {
                let kept = played[env].overlays.len();
                pictured.push((env, episodes.state(env).round, episodes.about_to_ask(env, &rows, kept)));
            }
            picks.push((env, rows));
        }
        let mut globals: Vec<Option<Vec<f32>>> = vec![None; players.len()];
        for &env in live.iter().filter(|&&env| sees(&players[env])) {
            globals[env] = Some(look(&episodes, env, players[env].replicate.key)?);
        }
        episodes.ask(&picks)?;
        for (env, round, predicted) in pictured {
            played[env].overlays.extend(episodes.answered(env, round, predicted));
        }
        for &env in &live {
            let key = players[env].replicate.key.named("architect").at(u64::from(episodes.state(env).round));
            if let Some(architect) = &mut players[env].architect {
                let task = episodes.replicate(env).prepared.task().clone();
                let (rows, labels) = episodes.labelled(env);
                let (inputs, classes, globals) = (task.pool(), task.classes(), globals[env].as_deref());
                let labelled = Labelled { inputs, rows: &rows, labels, classes, globals };
                let choice = architect.choose(&labelled, episodes.spec(env), key)?;
                episodes.reshape(env, choice.spec, choice.steps);
            }
        }
        for &env in &live {
            episodes.believe(env, players[env].strategy.pseudo_labels())?;
            // Of rows that were asked for in vain, or whose answers are still out, nothing is made.
            let (known, _) = episodes.labelled(env);
            let has_label = |row: &RowId| known.contains(&row.0);
            let strategy = &players[env].strategy;
            let pairs = strategy.mixtures().iter().filter(|pair| has_label(&pair.a) && has_label(&pair.b));
            let versions = strategy.transformed().iter().filter(|version| has_label(&version.row));
            let (pairs, versions): (Vec<_>, Vec<_>) = (pairs.cloned().collect(), versions.cloned().collect());
            episodes.mix(env, &pairs)?;
            episodes.transform(env, &versions)?;
        }
        episodes.refit()?;
        for (&env, stops) in live.iter().zip(stops(&mut watches, &episodes, &live)?) {
            let next = row(&players[env], &episodes, env, plan.metric);
            played[env].rows.push(Row { stops, ..next });
        }
    }
}

/// The rules that would stop each of these episodes now; none where the plan asks none.
fn stops(watches: &mut [Watch], episodes: &Episodes, envs: &[usize]) -> Result<Vec<Vec<String>>> {
    if !episodes.plan.stops {
        return Ok(vec![Vec::new(); envs.len()]);
    }
    Watch::note(watches, episodes, envs)?;
    let reasons = |&env: &usize| stop::reasons(&watches[env].seen(episodes, env));
    let named = |env| reasons(env).into_iter().map(|reason| reason.rule.to_string()).collect();
    Ok(envs.iter().map(named).collect())
}

/// The global features of episode `env`. One candidate is described: the globals are of all of them
/// whatever that number is.
fn look(episodes: &Episodes, env: usize, key: Key) -> Result<Vec<f32>> {
    let key = key.named("look").at(u64::from(episodes.state(env).round));
    let signals = episodes.signals(env, features::needs(), key);
    Ok(features::observe(&episodes.view(env, &signals), episodes.batch(env), 1, key)?.globals)
}

fn row(player: &Player, episodes: &Episodes, env: usize, metric: Metric) -> Row {
    let EpisodeState {
        round,
        labels,
        answers,
        pseudo_labels,
        generated,
        reward_accuracy,
        test,
        measured: _,
        target,
        steps,
        fit,
    } = episodes.state(env).clone();
    let diverged = |step| format!("the loss was not finite at step {step}; weights of step before kept");
    let taught = |b: PseudoLabels| format!("trained on {} pseudo-labels, {} of them wrong", b.count, b.wrong);
    let made = |b: PseudoLabels| {
        format!("trained on {} generated rows, {} of them of another class", b.count, b.wrong)
    };
    let ended = target.zip(episodes.end(env)).map(|(target, end)| {
        let outcome = if end == Termination::Target { "reached" } else { "not reached" };
        format!("target {} {target:.4} {outcome}", metric.name())
    });
    let notes: Vec<String> = fit
        .diverged_at
        .map(diverged)
        .into_iter()
        .chain(pseudo_labels.map(taught))
        .chain(generated.map(made))
        .chain(ended)
        .collect();
    let scores = test.expect("measured on the test rows");
    Row {
        task: player.replicate.prepared.task().name().to_string(),
        strategy: player.name.clone(),
        architecture: episodes.spec(env).to_string(),
        repetition: player.repetition,
        round,
        labels: labels as u32,
        metric: scores.metric,
        accuracy: scores.accuracy,
        balanced_accuracy: scores.known(Metric::BalancedAccuracy),
        macro_f1: scores.known(Metric::MacroF1),
        verification: scores.known(Metric::Verification),
        mean_average_precision: scores.known(Metric::MeanAveragePrecision),
        iou: scores.known(Metric::Iou),
        reward_accuracy,
        steps,
        picks: Vec::new(),
        pick_ids: Vec::new(),
        note: (!notes.is_empty()).then(|| notes.join("; ")),
        answers,
        stops: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{SplitPlan, Task, embedded};
    use crate::episode::PreparedTask;
    use crate::episode::testing::{logistic, plan};
    use crate::learner::Start;
    use crate::query::Registry;

    fn rows(plan: EpisodePlan, name: &str) -> Vec<Row> {
        let data = embedded::load(name).unwrap();
        let prepared = PreparedTask::new(Task::split(&data, &SplitPlan::default(), Key::root(1)).unwrap());
        let player = |name: &str| Player {
            name: name.to_string(),
            strategy: Registry::builtin().build(name).unwrap(),
            replicate: Replicate { prepared: prepared.clone(), key: Key::root(2) },
            repetition: 0,
            architect: None,
        };
        let played = play(&plan, vec![player("margin"), player("random")]).unwrap();
        played.into_iter().flat_map(|played| played.rows).collect()
    }

    #[test]
    fn an_ensemble_costs_its_members_and_learns_the_same_labels_better() {
        let of = |ensemble: usize| rows(EpisodePlan { ensemble, ..plan(Start::Warm) }, "digits");
        let (one, nine) = (of(1), of(9));
        let random = |rows: &[Row]| -> Vec<Row> {
            rows.iter().filter(|row| row.strategy == "random").cloned().collect()
        };
        let (one, nine) = (random(&one), random(&nine));
        // Random asks for the same rows whatever the classifier.
        assert!(
            one.iter().zip(&nine).all(|(one, nine)| one.picks == nine.picks && 9 * one.steps == nine.steps)
        );
        let mean = |rows: &[Row]| rows.iter().map(|row| row.accuracy).sum::<f64>() / rows.len() as f64;
        assert!(mean(&nine) > mean(&one), "{} and {}", mean(&nine), mean(&one));
    }

    /// On an easy task the curve is flat long before 200 labels; whoever is asked in between changes nothing.
    #[test]
    fn rules_to_stop_are_asked_and_change_nothing() {
        let plan = |stops: bool| EpisodePlan { budget: 200, stops, ..logistic() };
        let (asked, plain) = (rows(plan(true), "breast_cancer"), rows(plan(false), "breast_cancer"));
        assert!(plain.iter().all(|row| row.stops.is_empty()));
        let without: Vec<Row> = asked.iter().map(|row| Row { stops: Vec::new(), ..row.clone() }).collect();
        assert_eq!(without, plain);
        let named = |rule: &str| asked.iter().filter(|row| row.stops.iter().any(|name| name == rule)).count();
        let rules = ["stabilising predictions", "learning curve", "cost against benefit"];
        assert!(rules.into_iter().all(|rule| named(rule) > 0), "{:?}", rules.map(named));
        // With a few labels none of them knows enough.
        assert!(asked.iter().filter(|row| row.labels < 30).all(|row| row.stops.is_empty()));
    }
}
