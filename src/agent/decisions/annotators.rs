//! [`AnnotatorDecision`]: whom to ask about a row, where annotators differ in accuracy and in price.

use super::decision_state::DecisionState;
use super::environment::{Choice, Decide, Decision, Episode};
use crate::agent::dqn::network::{ACTION, STATE};
use crate::agent::error::AgentError;
use crate::agent::simulation::{Source, select};
use crate::agent::spread::Side;
use crate::data::{Annotator, Matrix, RowId};
use crate::episode::stop::Look;
use crate::episode::{EpisodePlan, Episodes, Measure, Replicate};
use crate::error::Result;
use crate::query::Needs;
use crate::rng::Key;
use rand::RngExt;
use std::collections::HashMap;

/// Who chooses the rows.
const STRATEGY: &str = "margin";
/// Percentage points that a reward of 1 stands for.
const UNIT: f64 = 10.0;
/// The highest price of an answer; the lowest is 1.
pub const MAX_PRICE: f64 = 4.0;
/// The largest share of wrong answers.
pub const MAX_NOISE: f64 = 0.45;
/// Figures of the state that are about no annotator.
const SHARED: usize = 6;
/// The most annotators that the state has room for.
pub const MAX_ANNOTATORS: usize = (STATE - SHARED) / ACTION;
/// Answers that an estimate of an annotator's agreement takes from that of all.
const PRIOR: f64 = 2.0;

/// Episodes in which annotators are chosen between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrowdPlan {
    /// Annotators, at most [`MAX_ANNOTATORS`].
    pub annotators: usize,
    /// What may be spent on their answers. The first labels cost nothing, and are right.
    pub purse: f64,
}

impl CrowdPlan {
    /// The annotators of an episode, the cheapest first: prices are log-uniform from 1 to [`MAX_PRICE`], shares of wrong answers
    /// uniform up to [`MAX_NOISE`], independently.
    pub fn draw(&self, key: Key) -> Vec<Annotator> {
        let one = |number: u64| {
            let mut rng = key.named("annotator").at(number).rng();
            let price = MAX_PRICE.powf(rng.random::<f64>());
            let noise = MAX_NOISE * rng.random::<f64>();
            Annotator { noise, price, price_abstained: price, ..Annotator::default() }
        };
        let mut annotators: Vec<Annotator> = (0..self.annotators as u64).map(one).collect();
        annotators.sort_by(|a, b| a.price.total_cmp(&b.price));
        annotators
    }
}

/// What an episode came to.
#[derive(Clone, Debug, PartialEq)]
pub struct CrowdEpisode {
    /// Its decisions. Rewards are gains in accuracy on reward rows, in tens of percentage points, and come with the last row of a
    /// query.
    pub episode: Episode,
    /// The accuracy at the end: on test rows where those are measured, else on reward rows.
    pub accuracy: f64,
    /// What was spent.
    pub spent: f64,
    /// Answers that were bought.
    pub answers: u32,
    /// How many of them were wrong.
    pub wrong: u32,
}

/// What is known of the annotators in one episode.
struct Crowd {
    annotators: Vec<Annotator>,
    /// Questions to each.
    asked: Vec<usize>,
    /// Whom each row was given to.
    by: HashMap<u32, usize>,
    left: f64,
    choices: Vec<Choice>,
}

/// How often labels are those that a network predicts which was trained without them: of each annotator, and of all.
#[derive(Clone, Debug, PartialEq)]
struct Agreement {
    of: Vec<f64>,
    all: f64,
}

impl Crowd {
    /// The estimates after these labels; each is drawn towards that of all, which is drawn towards a half.
    fn agreement(&self, rows: &[u32], labels: &[u32], out_of_fold: Option<&Matrix>) -> Agreement {
        let count = self.annotators.len();
        let (mut right, mut judged) = (vec![0.0; count], vec![0.0; count]);
        if let Some(p) = out_of_fold {
            let predicted = Look::of(labels.len(), p).classes;
            for ((row, label), predicted) in rows.iter().zip(labels).zip(predicted) {
                if let Some(&who) = self.by.get(row) {
                    judged[who] += 1.0;
                    right[who] += f64::from(u8::from(*label == predicted));
                }
            }
        }
        let all = (right.iter().sum::<f64>() + 1.0) / (judged.iter().sum::<f64>() + 2.0);
        let of = right.iter().zip(&judged).map(|(right, judged)| (right + PRIOR * all) / (judged + PRIOR));
        Agreement { of: of.collect(), all }
    }

    /// The annotators that can still be paid.
    fn open(&self) -> Vec<usize> {
        (0..self.annotators.len()).filter(|&who| self.annotators[who].price <= self.left).collect()
    }

    /// What is seen before a row is given to one of `open`, by the class probabilities of the row. First what is shared: the share
    /// of the purse that is left, one minus the largest probability, that less the second, the agreement of all, the labels on a
    /// scale that ends at 1, one over the number of classes; then, of every annotator, the figures of an option: agreement, price
    /// over the highest, and how many questions the agreement is of on a scale that ends at 1.
    fn decision_state(
        &self,
        p: &[f32],
        labels: usize,
        purse: f64,
        agreement: &Agreement,
        open: &[usize],
    ) -> DecisionState {
        let mut sorted = p.to_vec();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let (first, second) = (sorted[0], sorted.get(1).copied().unwrap_or(0.0));
        let scale = |count: usize, half: f64| (count as f64 / (count as f64 + half)) as f32;
        let figures = |who: usize| {
            let price = (self.annotators[who].price / MAX_PRICE) as f32;
            [agreement.of[who] as f32, price, scale(self.asked[who], 5.0)]
        };
        let mut state = vec![
            (self.left / purse) as f32,
            1.0 - first,
            first - second,
            agreement.all as f32,
            scale(labels, 50.0),
            1.0 / p.len() as f32,
        ];
        state.extend((0..self.annotators.len()).flat_map(figures));
        let options: Vec<[f32; ACTION]> = open.iter().map(|&who| figures(who)).collect();
        DecisionState::new(&state, &options)
    }
}

impl CrowdPlan {
    /// Refuses more annotators than there is room for, none, or a purse that does not pay one answer of the highest price.
    ///
    /// # Errors
    /// [`AgentError::Setting`], [`AgentError::Rate`].
    pub fn check(&self) -> Result<(), AgentError> {
        let found = self.annotators;
        if !(1..=MAX_ANNOTATORS).contains(&found) {
            return Err(AgentError::Setting { place: "annotators", found, least: 1, most: MAX_ANNOTATORS });
        }
        if !(self.purse.is_finite() && self.purse >= MAX_PRICE) {
            return Err(AgentError::Rate { place: "purse", found: self.purse, expected: "at least 4" });
        }
        Ok(())
    }

    /// Plays an episode per replicate. Margin chooses the rows, `decide` whom each is given to, among those who can still be paid; an
    /// episode is over when there are none, or when the source's budget of questions is spent.
    ///
    /// # Errors
    /// If the source's plan cannot be satisfied, a setting is refused, or `decide` fails.
    pub fn play(
        &self,
        source: &Source,
        replicates: &[Replicate],
        measure: Measure,
        decide: &mut Decide<'_>,
    ) -> Result<Vec<CrowdEpisode>> {
        self.check()?;
        let plan = EpisodePlan { measure, annotator: Some(Annotator::default()), ..source.learning_plan() };
        let mut episodes = Episodes::reset(&plan, replicates)?;
        let crowd = |replicate: &Replicate| Crowd {
            annotators: self.draw(replicate.key),
            asked: vec![0; self.annotators],
            by: HashMap::new(),
            left: self.purse,
            choices: Vec::new(),
        };
        let mut crowds: Vec<Crowd> = replicates.iter().map(crowd).collect();
        let needs = Needs { out_of_fold: true, ..Needs::NONE };
        let mut asked: Vec<Vec<RowId>> = vec![Vec::new(); replicates.len()];
        loop {
            let live = episodes.live();
            let asking: Vec<(usize, Needs)> = live.iter().map(|&env| (env, needs)).collect();
            for (&env, extras) in live.iter().zip(episodes.extras(&asking)?) {
                let crowd = &mut crowds[env];
                let (rows, labels) = episodes.labelled(env);
                let agreement = crowd.agreement(&rows, labels, extras.out_of_fold.as_ref());
                let known = labels.len();
                let step = replicates[env].key.named("step").at(u64::from(episodes.state(env).round));
                let candidates = select(&episodes, env, STRATEGY, step)?;
                let numbers: Vec<u32> = candidates.iter().map(|row| row.0).collect();
                let p = episodes.probabilities(env, &numbers);
                for (at, &row) in candidates.iter().enumerate() {
                    let open = crowd.open();
                    if open.is_empty() {
                        break;
                    }
                    let decision_state =
                        crowd.decision_state(p.row(at), known + at, self.purse, &agreement, &open);
                    let chosen = decide(env, &decision_state)?;
                    let who = open[chosen];
                    crowd.choices.push(Choice { decision_state, chosen, reward: 0.0 });
                    crowd.by.insert(row.0, who);
                    crowd.asked[who] += 1;
                    crowd.left -= crowd.annotators[who].price;
                    episodes.appoint(env, row, who as u32, crowd.annotators[who]);
                    asked[env].push(row);
                }
            }
            live.iter().filter(|&&env| asked[env].is_empty()).for_each(|&env| episodes.stop(env));
            let observe = |_: &Episodes, env: usize, step: crate::episode::Step| {
                if let Some(last) = crowds[env].choices.last_mut() {
                    last.reward = 100.0 * step.reward / UNIT;
                }
            };
            if !episodes.round(|_, env| Ok(std::mem::take(&mut asked[env])), observe)? {
                break;
            }
        }
        let ended = |(env, crowd): (usize, Crowd)| {
            let state = episodes.state(env);
            let answers = state.answers.unwrap_or_default();
            CrowdEpisode {
                episode: Episode::of(crowd.choices),
                accuracy: state.measured,
                spent: answers.spent,
                answers: answers.answered,
                wrong: answers.wrong,
            }
        };
        Ok(crowds.into_iter().enumerate().map(ended).collect())
    }
}

/// Whom to ask, as a decision that is learned on source tasks: what it earns is the accuracy that a purse buys.
#[derive(Clone, Debug)]
pub struct AnnotatorDecision {
    /// Tasks that are learned from, each with its plan: at most so many questions.
    pub sources: Vec<Source>,
    /// Tasks that choices are judged by.
    pub validation: Vec<Source>,
    /// Annotators and purse.
    pub plan: CrowdPlan,
}

impl Decision for AnnotatorDecision {
    fn tasks(&self, side: Side) -> usize {
        side.of(&self.sources, &self.validation).len()
    }

    fn play(
        &self,
        side: Side,
        task: usize,
        replicates: &[Key],
        decide: &mut Decide<'_>,
    ) -> Result<Vec<Episode>> {
        let source = &side.of(&self.sources, &self.validation)[task];
        let replicate = |key: &Key| source.replicate(key.named(&source.identity), 0);
        let replicates: Vec<Replicate> = replicates.iter().map(replicate).collect();
        let played = self.plan.play(source, &replicates, Measure::Reward, decide)?;
        Ok(played.into_iter().map(|one| one.episode).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::decisions::{Decider, DecisionTasks};
    use crate::agent::testing::sources;
    use crate::agent::{GradientConfig, Trainer, TrainerConfig};

    const PLAN: CrowdPlan = CrowdPlan { annotators: 3, purse: 20.0 };

    fn source() -> Source {
        let mut source = sources().remove(0);
        (source.plan.budget, source.plan.query_size) = (20, 4);
        source
    }

    fn crowd() -> Crowd {
        let annotator = |price: f64| Annotator { price, ..Annotator::default() };
        Crowd {
            annotators: vec![annotator(1.0), annotator(2.0)],
            asked: vec![5, 0],
            by: [(7, 0), (8, 0), (9, 1)].into(),
            left: 1.5,
            choices: Vec::new(),
        }
    }

    #[test]
    fn agreement_and_state_are_as_by_hand() {
        // Row 3 was there at the start. Of the first annotator's labels one of two is predicted, of the second's one of one.
        let p = Matrix::new(vec![0.9, 0.1, 0.9, 0.1, 0.2, 0.8, 0.3, 0.7], 4, 2);
        let agreement = crowd().agreement(&[3, 7, 8, 9], &[1, 0, 0, 1], Some(&p));
        assert_eq!(agreement.all, 3.0 / 5.0);
        assert!((agreement.of[0] - 2.2 / 4.0).abs() < 1e-12 && (agreement.of[1] - 2.2 / 3.0).abs() < 1e-12);
        assert_eq!(crowd().agreement(&[3], &[1], None), Agreement { of: vec![0.5, 0.5], all: 0.5 });
        assert_eq!(crowd().open(), [0], "the second costs more than is left");
        let seen = crowd().decision_state(&[0.25, 0.75], 50, 6.0, &agreement, &[0]);
        let of = |values: [f64; 12]| values.map(|value| value as f32);
        let expected = of([0.25, 0.25, 0.5, 0.6, 0.5, 0.5, 0.55, 0.25, 0.5, 2.2 / 3.0, 0.5, 0.0]);
        assert_eq!((&seen.state[..12], seen.state[12]), (&expected[..], 0.0));
        assert_eq!((seen.options.rows(), seen.options.row(0)), (1, &expected[6..9]));
    }

    /// Whoever decides: the purse is never exceeded and at its end pays nobody, rewards add up to the gain, nothing is bought twice.
    #[test]
    fn the_purse_is_never_exceeded() {
        let source = source();
        let replicates: Vec<Replicate> = (0..4).map(|at| source.replicate(Key::root(3), at)).collect();
        let mut turn = 0;
        let mut played = Vec::new();
        for who in ["first", "last", "in turn"] {
            let mut decide = |_: usize, seen: &DecisionState| {
                turn += 1;
                let options = seen.options.rows();
                Ok(match who {
                    "first" => 0,
                    "last" => options - 1,
                    _ => turn % options,
                })
            };
            played.push(PLAN.play(&source, &replicates, Measure::Reward, &mut decide).unwrap());
        }
        let first = Episodes::reset(&source.learning_plan(), &replicates).unwrap();
        for (at, one) in played.iter().flatten().enumerate() {
            let annotators = PLAN.draw(replicates[at % 4].key);
            assert!(one.spent <= PLAN.purse + 1e-9, "{}", one.spent);
            assert!(PLAN.purse - one.spent < annotators[0].price || one.answers == 20, "{one:?}");
            assert_eq!((one.answers as usize, one.answers <= 20), (one.episode.choices.len(), true));
            let gain = 100.0 * (one.accuracy - first.state(at % 4).reward_accuracy) / UNIT;
            assert!((one.episode.value - gain).abs() < 1e-9);
        }
        let answers = |one: usize| played[one].iter().map(|one| one.answers).sum::<u32>();
        assert!(answers(0) > answers(1), "what is dear buys less");
        let none = CrowdPlan { annotators: 0, ..PLAN };
        assert!(none.check().is_err() && CrowdPlan { purse: f64::NAN, ..PLAN }.check().is_err());
        assert!(CrowdPlan { annotators: MAX_ANNOTATORS + 1, ..PLAN }.check().is_err());
    }

    /// Nothing that is seen depends on a held-out label, and threads change nothing.
    #[test]
    fn annotators_are_learned_alike_on_any_number_of_threads() {
        let decision = AnnotatorDecision { sources: vec![source()], validation: vec![source()], plan: PLAN };
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut tasks = DecisionTasks {
                    decision: &decision,
                    tasks: 1,
                    episodes_per_task: 2,
                    repetitions: 2,
                    key: Key::root(3),
                };
                let config =
                    TrainerConfig { iterations: 2, validate_every: 1, algorithm: GradientConfig::default() };
                let start = Decider::start(decision.usual(), Key::root(4)).unwrap();
                let mut trainer = Trainer::by_gradient(config, start, Key::root(5)).unwrap();
                trainer.run(&mut tasks, |_| Ok(true)).unwrap();
                trainer
            })
        };
        let one = run(1);
        assert_eq!(one, run(3));
        assert_ne!(one.network().weights(), Decider::start([0.0; 3], Key::root(4)).unwrap().weights());
    }
}
