//! One query of a session: which rows to ask for next, and why.
//!
//! Until there are labels to choose by, a strategy that looks at inputs alone chooses. Then the session's classifier, or its network where
//! targets are no classes, gives the signals that its policy or strategy reads. Rows in somebody's hand count as labelled with what
//! is predicted. A row on which annotators disagree is a candidate again, for those who have not answered it: of a
//! batch, one row in [`AGAIN`] at most.

use super::annotators::{Consensus, Labelled};
use super::answer::Verdict;
use super::classifier::{Classifier, Labels, Net};
use super::error::SessionError;
use super::journal::Pick;
use super::network::{Ask, Known, Ranked};
use super::plan::Settings;
use super::pool::Pool;
use super::price::Prices;
use super::spelling::Spelling;
use super::state::{State, counted};
use crate::agent::{Choice, Policy, PolicyStrategy};
use crate::data::{Matrix, RowId, TargetKind, argmax};
use crate::episode::InitialPool;
use crate::error::Result;
use crate::query::draw::RowDraws;
use crate::query::external::ENTRY as PROGRAM;
use crate::query::registry::Family;
use crate::query::subsample::{self, Subsample};
use crate::query::{Needs, Registry, Spec, Strategy};
use crate::rng::Key;
use crate::select::{Need, Request, Selection, Selector};
use std::sync::Arc;

/// Of so many rows of a batch, one may be asked again.
const AGAIN: usize = 5;
/// Rows that are ranked per row that is taken, where they have prices.
const RANKED: usize = 4;
/// Squared rows times columns that a query looks at, at most: what keeps it below half a second on two cores.
const WORK: usize = 1 << 30;
/// Candidates that are looked at whatever the columns.
const LEAST: usize = 1_000;
/// Candidates that are looked at, at most.
const MOST: usize = 8_000;
/// The dropout rate of stochastic passes, where a strategy names none.
const RATE: f32 = 0.25;

/// Who chooses.
#[derive(Clone, Debug)]
pub(super) enum Who {
    Policy(Arc<Policy>),
    Strategy(String),
}

impl Who {
    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Who::Policy(policy) => &policy.card().policy.name,
            Who::Strategy(name) => name,
        }
    }

    fn selector(&self) -> Result<Selector> {
        match self {
            Who::Policy(policy) => Ok(Selector::policy(Arc::clone(policy))),
            Who::Strategy(name) => Selector::named(name),
        }
    }

    /// The same within an episode.
    pub fn strategy(&self) -> Result<Box<dyn Strategy>> {
        match self {
            Who::Policy(policy) => Ok(Box::new(PolicyStrategy::new(Arc::clone(policy), Choice::Greedy))),
            Who::Strategy(name) => Registry::builtin().build(name),
        }
    }
}

/// Refuses a strategy that does not serve the targets or needs what a session does not have, or `inputs_only` one that needs more than inputs.
pub(super) fn check(strategy: &str, kind: TargetKind, inputs_only: bool) -> Result<()> {
    let refuse = |reason: String| Err(SessionError::Unfit { strategy: strategy.to_string(), reason }.into());
    let spec: Spec = strategy.parse()?;
    if names(&spec, PROGRAM.card.name) {
        return refuse(
            "it runs a program, and a session, whose folder may be handed on, runs none; `querist select` does".to_string(),
        );
    }
    let selector = Selector::named(strategy)?;
    selector.strategy().kinds().expect(kind, strategy)?;
    if let Some(need) = missing(&selector, kind) {
        return refuse(format!("it needs {need}"));
    }
    if let Some(need) = beyond_inputs(&selector, kind).filter(|_| inputs_only) {
        return refuse(format!("it needs {need}, and is to choose before there is any label"));
    }
    match bandit(&Registry::builtin(), &spec) {
        Some(name) => {
            refuse(format!("`{name}` learns from query to query, and a session keeps labels alone"))
        }
        None => Ok(()),
    }
}

/// What it needs and a session does not have: one of classes is a query on arrays, all others are episodes.
fn missing(selector: &Selector, kind: TargetKind) -> Option<String> {
    let needs = selector.strategy().needs();
    match kind {
        TargetKind::Class => selector
            .needs()
            .into_iter()
            .find(|need| matches!(need, Need::Episode | Need::PredictedLoss | Need::Network))
            .map(|need| need.to_string()),
        _ if needs.lookahead > 0
            || needs.drafts > 0
            || Registry::builtin().reads_hidden_labels(selector.name()) =>
        {
            Some("labels that nobody has yet".to_string())
        }
        _ => None,
    }
}

/// What it needs beside inputs.
fn beyond_inputs(selector: &Selector, kind: TargetKind) -> Option<String> {
    match kind {
        TargetKind::Class => selector.needs().first().map(|need| need.to_string()),
        _ => {
            let rule = InitialPool::Rule(selector.name().to_string());
            rule.check().is_err().then(|| "what a fitted network tells".to_string())
        }
    }
}

/// Whether `spec` or one that it is built over is the strategy `wanted`.
fn names(spec: &Spec, wanted: &str) -> bool {
    spec.name == wanted || spec.arms.iter().any(|arm| names(arm, wanted))
}

/// The first strategy in `spec` that learns from query to query.
fn bandit(registry: &Registry, spec: &Spec) -> Option<String> {
    let own = registry.find(&spec.name).is_ok_and(|entry| entry.card.family == Family::Bandit);
    own.then(|| spec.name.clone()).or_else(|| spec.arms.iter().find_map(|arm| bandit(registry, arm)))
}

/// What a query is made over.
pub(super) struct Query<'a> {
    pub settings: &'a Settings,
    pub pool: &'a Pool,
    pub state: &'a State,
    pub consensus: &'a Consensus,
    pub who: &'a Who,
    pub annotator: &'a str,
    pub now: u64,
    /// What is left to spend; `None` without a limit.
    pub purse: Option<f64>,
    /// What the query is drawn by, and what fits are.
    pub key: Key,
    pub fits: Key,
}

/// What was chosen.
pub(super) struct Chosen {
    pub picks: Vec<Pick>,
    pub by: String,
    pub note: Option<String>,
}

impl Query<'_> {
    /// Chooses at most `count` rows. `classifier` is called where one is needed.
    pub fn choose<'c>(
        &self,
        count: usize,
        budget: Option<usize>,
        classifier: impl FnOnce() -> Result<&'c Classifier>,
    ) -> Result<Chosen> {
        let mut purse = self.purse;
        let again = self.paid(self.disputed(count), &mut purse)?;
        let hand: Vec<u32> = self.state.in_hand(self.now).map(|one| one.pick.row).collect();
        let mut held = hand.clone();
        held.sort_unstable();
        held.dedup();
        let free: Vec<RowId> = (0..self.pool.rows() as u32)
            .filter(|row| !self.state.closed(*row, self.annotator) && held.binary_search(row).is_err())
            .map(RowId)
            .collect();
        let count = count - again.len();
        // Where rows have prices, more are ranked than are taken, if there are so many.
        let ranked = match self.prices() {
            Some(_) => (count * RANKED).min(free.len()).max(count),
            None => count,
        };
        let labelled: Vec<u32> = self.consensus.labelled.iter().map(|one| one.row).collect();
        let mut words = self.consensus.labelled.iter().map(|one| one.word);
        let first = words.next();
        let several = words.any(|word| Some(word) != first);
        let cold = !several || labelled.len() + held.len() < self.settings.initial;
        let by = if cold { self.settings.start.clone() } else { self.who.name().to_string() };
        if free.is_empty() || count == 0 {
            let note = (free.is_empty() && again.is_empty()).then(|| "no row is left to ask for".to_string());
            return Ok(Chosen { picks: again, by, note });
        }
        let width = self.pool.inputs.cols();
        let think = self.settings.think;
        let most = (WORK * think / width).isqrt().clamp(LEAST, MOST * think).max(ranked);
        let cut = Subsample::new(&free, most, RowDraws::new(self.key.named("candidates")));
        let looked_at = self.within(&cut.rows, purse)?;
        if looked_at.is_empty() {
            return Ok(Chosen { picks: again, by, note: cut.note("the query looked at") });
        }
        let ranked = ranked.min(looked_at.len()).max(count);
        // Everything that is looked at, by row, so that ties are broken as they would be in the whole pool.
        let held: Vec<u32> = held.into_iter().filter(|row| !labelled.contains(row)).collect();
        let mut rows: Vec<u32> =
            labelled.iter().chain(&held).copied().chain(looked_at.iter().map(|row| row.0)).collect();
        rows.sort_unstable();
        let place = |row: &u32| rows.partition_point(|other| other < row);
        let known: Vec<usize> = labelled.iter().chain(&held).map(place).collect();
        let chosen = match self.settings.task {
            TargetKind::Class => {
                self.by_classifier(cold, &rows, &held, &known, ranked, budget, classifier)?
            }
            _ => self.by_network(cold, &rows, &held, ranked, budget)?,
        };
        let mut picks = again;
        let ranked: Vec<u32> = chosen.picks.iter().map(|&pick| rows[pick]).collect();
        for at in self.affordable(&ranked, count, chosen.answers.as_ref(), &mut purse)? {
            let utility = chosen.utilities.as_ref().map(|all| all[at]);
            picks.push(self.pick(ranked[at], &by, utility, chosen.answers.as_ref().map(|all| all.row(at))));
        }
        let note = subsample::join([cut.note("the query looked at"), chosen.note]);
        Ok(Chosen { picks, by, note })
    }

    /// The choice among `rows` by the session's classifier, or, `cold`, by inputs alone.
    #[expect(clippy::too_many_arguments, reason = "one query's parts")]
    fn by_classifier<'c>(
        &self,
        cold: bool,
        rows: &[u32],
        held: &[u32],
        known: &[usize],
        count: usize,
        budget: Option<usize>,
        classifier: impl FnOnce() -> Result<&'c Classifier>,
    ) -> Result<Ranked> {
        let inputs = self.pool.inputs.gather(rows.iter().map(|&row| row as usize));
        let (selection, probabilities) = if cold {
            let mut selector = Selector::named(&self.settings.start)?;
            let request = Request::new(inputs).labelled(known).batch(count).key(self.key.named("start"));
            (selector.select(request)?, None)
        } else {
            let (selection, probabilities) =
                self.by_labels(classifier()?, inputs, rows, held, known, count, budget)?;
            (selection, Some(probabilities))
        };
        let Selection { picks, utilities, note, .. } = selection;
        let answers = probabilities.map(|all| all.gather(picks.iter().copied()));
        Ok(Ranked { picks, utilities, answers, note })
    }

    /// The choice among `rows` by the network of sessions of other targets than classes, or, `cold`, by inputs alone.
    fn by_network(
        &self,
        cold: bool,
        rows: &[u32],
        held: &[u32],
        count: usize,
        budget: Option<usize>,
    ) -> Result<Ranked> {
        let known = Known { consensus: self.consensus, pool: self.pool, key: self.fits };
        known.choose(&Ask {
            who: self.who,
            start: cold.then_some(&*self.settings.start),
            rows,
            held,
            count,
            budget,
            think: self.settings.think,
            key: self.key.named(if cold { "start" } else { "query" }),
        })
    }

    /// The rows that cost no more than is in the purse. What goes by class is not known of rows yet.
    fn within(&self, rows: &[RowId], purse: Option<f64>) -> Result<Vec<RowId>, SessionError> {
        let (Some(left), Some(column)) = (purse, self.settings.price) else { return Ok(rows.to_vec()) };
        let mut kept = Vec::with_capacity(rows.len());
        for &row in rows {
            if self.pool.price(row.index(), column)? <= left {
                kept.push(row);
            }
        }
        Ok(kept)
    }

    fn prices(&self) -> Option<Prices<'_>> {
        Prices::of(self.settings, self.pool)
    }

    /// The picks that the purse has enough for, in their order.
    fn paid(&self, picks: Vec<Pick>, purse: &mut Option<f64>) -> Result<Vec<Pick>, SessionError> {
        let Some(prices) = self.prices() else { return Ok(picks) };
        let mut kept = Vec::with_capacity(picks.len());
        for pick in picks {
            if pays(purse, prices.expected(pick.row, None)?) {
                kept.push(pick);
            }
        }
        Ok(kept)
    }

    /// Places of at most `count` picks, with what is predicted of each, if anything: the first, or, where answers have prices, those that leave the largest share of the
    /// picks behind them per price, and for which the purse has enough.
    fn affordable(
        &self,
        picks: &[u32],
        count: usize,
        probabilities: Option<&Matrix>,
        purse: &mut Option<f64>,
    ) -> Result<Vec<usize>, SessionError> {
        let mut places: Vec<usize> = (0..picks.len()).collect();
        if let Some(prices) = self.prices() {
            let price = |at: usize| prices.expected(picks[at], probabilities.map(|p| p.row(at)));
            let found = places.iter().map(|&at| price(at)).collect::<Result<Vec<f64>, SessionError>>()?;
            let worth = |at: usize| (1.0 - at as f64 / picks.len() as f64) / found[at];
            places.sort_by(|&a, &b| worth(b).total_cmp(&worth(a)).then(a.cmp(&b)));
            let mut taken = 0;
            places.retain(|&at| {
                let takes = taken < count && pays(purse, found[at]);
                taken += usize::from(takes);
                takes
            });
        }
        places.truncate(count);
        Ok(places)
    }

    /// The choice of the policy or strategy, and the probabilities of `rows`.
    #[expect(clippy::too_many_arguments, reason = "one query's parts")]
    fn by_labels(
        &self,
        classifier: &Classifier,
        inputs: Matrix,
        rows: &[u32],
        held: &[u32],
        known: &[usize],
        count: usize,
        budget: Option<usize>,
    ) -> Result<(Selection, Matrix)> {
        let mut selector = self.who.selector()?;
        let needs: Needs = selector.strategy().needs();
        let view = inputs.view();
        let probabilities = classifier.probabilities(view, None);
        let mut classes: Vec<u32> = self.consensus.labelled.iter().map(|one| one.word).collect();
        // What is in somebody's hand counts as what it looks like.
        let place = |row: &u32| rows.partition_point(|other| other < row);
        classes.extend(held.iter().map(|row| argmax(probabilities.row(place(row))) as u32));
        let embeddings = needs.embeddings.then(|| classifier.embeddings(view));
        let head = needs.head.then(|| classifier.head());
        let passes = (needs.passes > 0).then(|| {
            classifier.passes(view, needs.passes, needs.rate.unwrap_or(RATE), self.key.named("passes"))
        });
        let labelled = LabelledRows::of(self.consensus);
        let committee = (needs.committee > 0)
            .then(|| {
                let labels = labelled.labels(self.pool);
                let bootstrap = needs.bootstrap.unwrap_or(classifier.net == Net::Linear);
                let members = needs.committee * self.settings.think;
                classifier.committee(&labels, view, members, bootstrap, self.key.named("committee"))
            })
            .transpose()?;
        let mut request = Request::new(view)
            .labelled(known)
            .labels(&classes)
            .probabilities(&probabilities)
            .classes(self.consensus.classes.len())
            .temperature(classifier.temperature.value() as f32)
            .batch(count)
            .key(self.key.named("query"));
        if let Some(embeddings) = &embeddings {
            request = request.embeddings(embeddings);
        }
        if let Some(head) = &head {
            request = request.head(&head.weights, &head.bias);
        }
        if let Some(passes) = &passes {
            request = request.passes(passes);
        }
        if let Some(committee) = &committee {
            request = request.committee(committee);
        }
        if let (Some(budget), Who::Policy(_)) = (budget, self.who) {
            request = request.budget(budget.max(count));
        }
        Ok((selector.select(request)?, probabilities))
    }

    /// Rows on which others disagree.
    fn disputed(&self, count: usize) -> Vec<Pick> {
        let most = count.div_ceil(AGAIN);
        let mut rows: Vec<_> = self.consensus.labelled.iter().filter(|one| one.disputed).collect();
        rows.retain(|one| {
            let held = self.state.in_hand(self.now).any(|other| other.pick.row == one.row);
            let answered = self.state.answers[&one.row].iter().any(|other| other.annotator == self.annotator);
            !held && !answered
        });
        let sure = |one: &Labelled| one.confidence.unwrap_or(1.0);
        rows.sort_by(|a, b| sure(a).total_cmp(&sure(b)).then(a.row.cmp(&b.row)));
        let pick = |one: &&Labelled| {
            let said: Vec<String> = counted(&self.state.answers[&one.row])
                .filter(|answer| answer.verdict != Verdict::Abstained)
                .map(|answer| format!("{} says {}", answer.annotator, answer.verdict.text()))
                .collect();
            Pick {
                row: one.row,
                reason: format!("annotators disagree: {}", said.join(", ")),
                predicted: None,
            }
        };
        rows.iter().take(most).map(pick).collect()
    }

    fn pick(&self, row: u32, by: &str, utility: Option<f64>, answers: Option<&[f32]>) -> Pick {
        let Some(answers) = answers else {
            return Pick { row, reason: format!("{by}: no labels to choose by yet"), predicted: None };
        };
        let utility = utility.map_or(String::new(), |utility| format!(", utility {utility:.4}"));
        let (predicted, said) = Spelling::of(self.settings).predicted(answers, &self.consensus.classes);
        Pick { row, reason: format!("{by}: {said}{utility}"), predicted }
    }
}

/// Takes a price out of the purse, if there is enough in it.
fn pays(purse: &mut Option<f64>, price: f64) -> bool {
    let enough = purse.is_none_or(|left| left >= price);
    if let Some(left) = purse.as_mut().filter(|_| enough) {
        *left -= price;
    }
    enough
}

/// Rows with their classes, as a classifier takes them.
#[derive(PartialEq)]
pub(super) struct LabelledRows {
    rows: Vec<u32>,
    classes: Vec<u32>,
    names: usize,
}

impl LabelledRows {
    pub fn of(consensus: &Consensus) -> Self {
        let (rows, classes) = consensus.labelled.iter().map(|one| (one.row, one.word)).unzip();
        Self { rows, classes, names: consensus.classes.len() }
    }

    /// The first `count` of them.
    pub fn first(consensus: &Consensus, count: usize) -> Self {
        let mut all = Self::of(consensus);
        all.rows.truncate(count);
        all.classes.truncate(count);
        all
    }

    /// Classes that have a row.
    pub fn classes(&self) -> usize {
        let mut seen = self.classes.clone();
        seen.sort_unstable();
        seen.dedup();
        seen.len()
    }

    pub fn labels<'a>(&'a self, pool: &'a Pool) -> Labels<'a> {
        Labels { inputs: pool.inputs.view(), rows: &self.rows, classes: &self.classes, names: self.names }
    }
}
