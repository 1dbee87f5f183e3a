//! [`Selector`]: who chooses, and [`Selection`], what was chosen.

use super::check::{self, Sums};
use super::error::SelectError;
use super::frozen::Frozen;
use super::need::Need;
use super::request::Request;
use super::words::{Argument, Words};
use crate::agent::{Policy, shipped};
use crate::arch::NetSpec;
use crate::data::{Matrix, RowId};
use crate::episode::features::SCHEMA;
use crate::error::Result;
use crate::learner::Network;
use crate::query::{Head, Needs, Passes, PoolView, Progress, Registry, Signals, Size, Strategy, subsample};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Who chooses: a strategy by its specification, or a learned policy.
///
/// A strategy that learns from query to query (a bandit) keeps what it learned as long as the selector lives.
pub struct Selector {
    name: String,
    strategy: Box<dyn Strategy>,
    policy: Option<Arc<Policy>>,
}

/// What was chosen.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Selection {
    /// Rows of the pool, most wanted first.
    pub picks: Vec<usize>,
    /// What the selector gave each pick, higher = asked first; `None` where it chooses a batch as a whole. A policy looks
    /// again as a batch grows, so that its numbers compare within one look.
    pub utilities: Option<Vec<f64>>,
    /// What there is to be told: what was left out of account, who asked in the policy's place.
    pub note: Option<String>,
    /// Rows that could be chosen.
    pub candidates: usize,
    /// The number of classes; one where nothing tells it.
    pub classes: usize,
    /// What choosing took, without the checks.
    pub time: Duration,
}

impl Selector {
    /// The strategy of this crate that `specification` names: `margin`, or `power(margin, beta=2)`.
    ///
    /// # Errors
    /// As [`Registry::build`].
    pub fn named(specification: &str) -> Result<Self> {
        Self::of(&Registry::builtin(), specification)
    }

    /// The strategy of `registry` that `specification` names.
    ///
    /// # Errors
    /// As [`Registry::build`].
    pub fn of(registry: &Registry, specification: &str) -> Result<Self> {
        let strategy = registry.build(specification)?;
        Ok(Self { name: specification.to_string(), strategy, policy: None })
    }

    /// A learned policy.
    pub fn policy(policy: Arc<Policy>) -> Self {
        let strategy = Box::new(Frozen::new(Arc::clone(&policy), Progress::default()));
        Self { name: policy.card().policy.name.clone(), strategy, policy: Some(policy) }
    }

    /// The policy called `name`: one that comes with this crate (`universal`), or the folder of one.
    ///
    /// # Errors
    /// [`AgentError`](crate::agent::AgentError) if there is neither, or its files are refused.
    pub fn policy_named(name: &str) -> Result<Self> {
        let policy = Arc::new(shipped::open(name, &SCHEMA)?);
        Ok(Self { name: name.to_string(), ..Self::policy(policy) })
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The strategy itself.
    pub fn strategy(&self) -> &dyn Strategy {
        &*self.strategy
    }

    /// What a request must hold.
    pub fn needs(&self) -> Vec<Need> {
        Need::of(self.strategy.needs(), self.strategy.kinds())
    }

    /// Whether the argument is looked at; the others may be left out, whatever they hold.
    pub fn reads(&self, argument: Argument) -> bool {
        let needs = self.strategy.needs();
        match argument {
            Argument::Probabilities => needs.probabilities || needs.classes,
            Argument::Passes => needs.passes > 0,
            Argument::Committee => needs.committee > 0,
            Argument::Embeddings => needs.embeddings,
            Argument::Head => needs.head || needs.network,
            Argument::Temperature => needs.temperature,
            Argument::Labels => needs.labels,
            Argument::Budget => self.policy.is_some(),
            _ => true,
        }
    }

    /// Bytes that choosing takes at its peak beyond the arrays.
    pub fn memory(&self, size: &Size) -> u64 {
        self.strategy.memory(size)
    }

    /// Refuses what is missing before anything is read: `given` says which arguments there will be.
    ///
    /// # Errors
    /// [`SelectError::Needs`]; [`SelectError::PolicyAlone`].
    pub fn check(&self, given: impl Fn(Argument) -> bool, words: &dyn Words) -> Result<(), SelectError> {
        if self.policy.is_none() && given(Argument::Budget) {
            let (place, hint) = (words.argument(Argument::Budget), words.choose_by_policy());
            return Err(SelectError::PolicyAlone { place, hint });
        }
        let missing = |need: &Need| !need.arguments().iter().any(|&argument| given(argument));
        match self.needs().into_iter().find(missing) {
            None => Ok(()),
            Some(need) => {
                let (strategy, hint) = (self.name.clone(), words.give(need));
                Err(SelectError::Needs { strategy, need, hint })
            }
        }
    }

    /// Chooses `min(batch, candidates)` rows.
    ///
    /// # Errors
    /// [`SelectError`] for arrays that do not fit together; those of the strategy.
    pub fn select(&mut self, request: Request<'_>) -> Result<Selection> {
        let words = request.words;
        self.check(|argument| request.gives(argument), words)?;
        let needs = self.strategy.needs();
        let pool = request.features.view();
        let n = pool.rows();
        if n == 0 || pool.cols() == 0 {
            return Err(SelectError::Empty { place: words.place(Argument::Features) }.into());
        }
        let (labelled, candidates) = check::parts(request.labelled, n, words)?;
        let labels = check::labels(request.labels, labelled.len(), words)?;
        let mut sums = Sums { normalise: request.normalised, words, notes: Vec::new() };
        let reads = |argument| self.reads(argument);
        let probabilities = (request.probabilities.filter(|_| reads(Argument::Probabilities)))
            .map(|all| sums.probabilities(Argument::Probabilities, all, n, &candidates))
            .transpose()?;
        let passes = (Some(request.passes).filter(|_| reads(Argument::Passes)))
            .map(|all| sums.passes(Argument::Passes, all, n, &candidates))
            .transpose()?;
        let committee = (Some(request.committee).filter(|_| reads(Argument::Committee)))
            .map(|all| sums.passes(Argument::Committee, all, n, &candidates))
            .transpose()?;
        let embeddings = request.embeddings.filter(|_| reads(Argument::Embeddings));
        if let Some(embeddings) = &embeddings {
            check::rows(Argument::Embeddings, embeddings.view().rows(), n, words)?;
            check::finite(Argument::Embeddings, embeddings.view(), words)?;
        }
        if needs.inputs || (needs.embeddings && embeddings.is_none()) || self.policy.is_some() {
            check::finite(Argument::Features, pool, words)?;
        }
        let vectors = embeddings.as_ref().map_or(pool, |embeddings| embeddings.view());
        let head = (request.head.filter(|_| reads(Argument::Head)))
            .map(|(weights, bias)| check::head(weights, bias, vectors.cols(), words))
            .transpose()?;
        let of_passes =
            |passes: &Option<Passes>| passes.as_ref().and_then(|p| Some(p.members.first()?.cols()));
        let told = [
            (Argument::Classes, request.classes),
            (Argument::Probabilities, probabilities.as_ref().map(Matrix::cols)),
            (Argument::Passes, of_passes(&passes)),
            (Argument::Committee, of_passes(&committee)),
            (Argument::Head, head.as_ref().map(|head| head.bias.len())),
        ];
        let classes = check::classes(&told, &labels, words)?;
        if let Some(policy) = &self.policy {
            let progress = progress(request.budget, request.batch, labelled.len(), words)?;
            self.strategy = Box::new(Frozen::new(Arc::clone(policy), progress));
        }
        if let Some(found) = request.temperature.filter(|t| !(t.is_finite() && *t > 0.0)) {
            return Err(
                SelectError::Temperature { place: words.argument(Argument::Temperature), found }.into()
            );
        }
        let network = head.as_ref().filter(|_| needs.network).map(alone).transpose()?;
        let signals = Signals {
            network,
            probabilities,
            passes,
            committee,
            head,
            temperature: request.temperature,
            ..Signals::default()
        };
        let view =
            PoolView::new(pool, &labelled, &labels, &candidates, classes, &signals).with_embeddings(vectors);
        let started = Instant::now();
        let picks = self.strategy.select(&view, request.batch, request.key)?;
        let time = started.elapsed();
        let left = candidates.len();
        let fewer = (left < request.batch).then(|| format!("{} asked for, {left} left", request.batch));
        let sums = (!sums.notes.is_empty()).then(|| sums.notes.join("; "));
        Ok(Selection {
            picks: picks.into_iter().map(RowId::index).collect(),
            utilities: self.strategy.utilities().map(<[f64]>::to_vec),
            note: subsample::join([fewer, sums, self.strategy.note()]),
            candidates: left,
            classes,
            time,
        })
    }
}

impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let needs: Needs = self.strategy.needs();
        f.debug_struct("Selector").field("name", &self.name).field("needs", &needs).finish_non_exhaustive()
    }
}

/// How far a labelling with this many labels has come. Nothing tells here which of them were the first, which an
/// episode does not count.
fn progress(
    budget: Option<usize>,
    batch: usize,
    labelled: usize,
    words: &dyn Words,
) -> Result<Progress, SelectError> {
    match budget {
        None => Ok(Progress::default()),
        Some(new) if new >= batch => Ok(Progress { spent: labelled, budget: labelled.saturating_add(new) }),
        Some(found) => {
            let (place, batch_place) = (words.argument(Argument::Budget), words.argument(Argument::Batch));
            Err(SelectError::Budget { place, found, batch, batch_place })
        }
    }
}

/// The network that consists of the last layer alone, over the rows of the pool.
fn alone(head: &Head) -> Result<Network> {
    let (classes, width) = (head.weights.rows(), head.weights.cols());
    let along = (0..width).flat_map(|input| (0..classes).map(move |class| head.weights.row(class)[input]));
    let weights: Vec<f32> = along.chain(head.bias.iter().copied()).collect();
    Network::new(&NetSpec::new(width, Vec::new(), classes, 0.0)?, &weights)
}
