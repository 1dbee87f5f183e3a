//! The rules, and how each is checked.

use super::Contract;
use super::pool::{CLASSES, ExamplePool, MEMBERS, PASSES, matrix, network, votes};
use crate::data::TargetKind;
use crate::data::target::has_label;
use crate::data::{Images, Matrix, RowId};
use crate::query::registry::Built;
use crate::query::{Needs, Passes, QueryError, Score, Signals, Spec, Strategy};
use crate::rng::Key;
use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;
use std::fmt;

/// What is seen where a rule is broken.
type Kept = Result<(), String>;

/// Something that every strategy promises, see [`Strategy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rule {
    /// The example builds the strategy of its name, which needs what the card says; every text is one line.
    Card,
    /// Picks are distinct candidates, `min(batch, candidates)` of them; utilities do not rise.
    Picks,
    /// The same view and key give the same picks.
    Repeatable,
    /// What says that it is deterministic does not depend on the key, but for rows that are worth the same.
    Deterministic,
    /// What says that it is random depends on the key.
    Random,
    /// Rows in another order are asked for alike.
    RowOrder,
    /// How classes are numbered decides nothing; checked for scores.
    ClassOrder,
    /// Rows that are worth the same are equally likely to be asked for, wherever they stand.
    Ties,
    /// Threads change nothing.
    Threads,
    /// All candidates can be asked for, and more than there are.
    WholePool,
    /// Constant vectors, identical or certain probabilities, one class, a single row are no obstacle.
    PoorPools,
    /// Numbers whose squares are not finite give picks or [`QueryError::NotFinite`].
    HugeNumbers,
    /// A signal that the card needs and that is missing is [`QueryError::Missing`].
    Missing,
    /// A NaN or an infinity in a signal that the card needs is [`QueryError::NotFinite`].
    NotFinite,
    /// Rows that do not sum to one, or go below zero, are [`QueryError::NotProbabilities`].
    NotProbabilities,
}

impl Rule {
    /// All rules.
    pub const ALL: [Rule; 15] = [
        Rule::Card,
        Rule::Picks,
        Rule::Repeatable,
        Rule::Deterministic,
        Rule::Random,
        Rule::RowOrder,
        Rule::ClassOrder,
        Rule::Ties,
        Rule::Threads,
        Rule::WholePool,
        Rule::PoorPools,
        Rule::HugeNumbers,
        Rule::Missing,
        Rule::NotFinite,
        Rule::NotProbabilities,
    ];

    pub(super) fn check(self, of: &Contract<'_>) -> Kept {
        match self {
            Rule::Card => of.card(),
            Rule::Picks => of.picks_are_distinct_candidates(),
            Rule::Repeatable => of.same_key_same_picks(),
            Rule::Deterministic => of.other_key_same_picks(),
            Rule::Random => of.other_key_other_picks(),
            Rule::RowOrder => of.rows_in_another_order(),
            Rule::ClassOrder => of.classes_in_another_order(),
            Rule::Ties => of.equals_are_asked_alike(),
            Rule::Threads => of.threads_change_nothing(),
            Rule::WholePool => of.whole_pool(),
            Rule::PoorPools => of.poor_pools(),
            Rule::HugeNumbers => of.huge_numbers(),
            Rule::Missing => of.missing_signals(),
            Rule::NotFinite => of.spoilt_signals(),
            Rule::NotProbabilities => of.wrong_probabilities(),
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Rule::Card => "the card tells the truth",
            Rule::Picks => "picks are distinct candidates, as many as were asked for",
            Rule::Repeatable => "the same key gives the same picks",
            Rule::Deterministic => "the key decides among equals alone",
            Rule::Random => "the key decides",
            Rule::RowOrder => "the order of the rows decides nothing",
            Rule::ClassOrder => "the numbers of the classes decide nothing",
            Rule::Ties => "rows that are worth the same are asked for alike",
            Rule::Threads => "threads change nothing",
            Rule::WholePool => "the whole pool can be asked for",
            Rule::PoorPools => "poor pools are no obstacle",
            Rule::HugeNumbers => "huge numbers give picks or a typed error",
            Rule::Missing => "what is missing is refused",
            Rule::NotFinite => "what is not finite is refused",
            Rule::NotProbabilities => "what is no probability is refused",
        })
    }
}

fn ensure(kept: bool, found: impl FnOnce() -> String) -> Kept {
    if kept { Ok(()) } else { Err(found()) }
}

impl Contract<'_> {
    /// An example with targets of the kind that is tried.
    fn pool(&self, n: usize, labelled: usize, seed: u64) -> ExamplePool {
        ExamplePool::of(self.kind, n, labelled, seed)
    }

    fn built(&self) -> Result<Built, String> {
        let spec: Spec = self.entry.card.example.parse().map_err(|error: QueryError| error.to_string())?;
        self.registry.built(&spec).map_err(|error| error.to_string())
    }

    fn strategy(&self) -> Result<Box<dyn Strategy>, String> {
        Ok(self.built()?.into_strategy())
    }

    /// The score, of what has one.
    fn score(&self) -> Result<Option<Box<dyn Score>>, String> {
        Ok(match self.built()? {
            Built::Score(score) => Some(score),
            Built::Batch(_) => None,
        })
    }

    /// The picks, once they are what they must be.
    fn picks(&self, pool: &ExamplePool, batch: usize, seed: u64) -> Result<Vec<RowId>, String> {
        let mut strategy = self.strategy()?;
        let picks =
            strategy.select(&pool.view(), batch, Key::root(seed)).map_err(|error| error.to_string())?;
        let expected = batch.min(pool.candidates.len());
        ensure(picks.len() == expected, || format!("{} picks, expected {expected}", picks.len()))?;
        let distinct: HashSet<RowId> = picks.iter().copied().collect();
        ensure(distinct.len() == picks.len(), || format!("a row twice in {picks:?}"))?;
        let foreign = picks.iter().find(|pick| pool.candidates.binary_search(pick).is_err());
        ensure(foreign.is_none(), || format!("{foreign:?} is no candidate"))?;
        if let Some(utilities) = strategy.utilities() {
            ensure(utilities.len() == picks.len(), || {
                format!("{} utilities of {} picks", utilities.len(), picks.len())
            })?;
            let rise = utilities.windows(2).find(|pair| pair[1] > pair[0]);
            ensure(rise.is_none(), || format!("utilities rise: {rise:?}"))?;
        }
        Ok(picks)
    }

    /// The query error that the strategy answers with.
    fn refusal(&self, pool: &ExamplePool, what: &str) -> Result<QueryError, String> {
        match self.strategy()?.select(&pool.view(), 3, Key::root(1)) {
            Ok(picks) => Err(format!("{what} was accepted, {picks:?}")),
            Err(error) => match error.downcast_ref::<QueryError>() {
                Some(error) => Ok(error.clone()),
                None => Err(format!("{what} was refused with no `QueryError`: {error}")),
            },
        }
    }

    /// A generator for each of several cases, with the seed of its pool.
    fn draws(&self, rule: &str) -> impl Iterator<Item = (ChaCha8Rng, u64)> {
        let key = Key::root(0).named(rule);
        (0..self.cases).map(move |case| (key.at(case).rng(), case))
    }

    fn random_pools(&self) -> impl Iterator<Item = (ExamplePool, usize, u64)> {
        self.draws("picks").map(|(mut rng, seed)| {
            let n = rng.random_range(2..60);
            let labelled = (n as f64 * rng.random_range(0.0..0.9)) as usize;
            (self.pool(n, labelled, seed), rng.random_range(0..70), seed)
        })
    }

    fn card(&self) -> Kept {
        let card = &self.entry.card;
        let spec: Spec = card.example.parse().map_err(|error: QueryError| error.to_string())?;
        ensure(spec.name == card.name, || format!("the example is of `{}`", spec.name))?;
        let needs = self.built()?.needs();
        ensure(needs == card.needs, || format!("it needs {needs:?}, the card says {:?}", card.needs))?;
        let texts = [card.summary, card.paper, card.cost];
        let wrong = texts.iter().find(|text| text.is_empty() || text.contains('\n'));
        ensure(wrong.is_none(), || format!("{wrong:?} is not one line"))
    }

    fn picks_are_distinct_candidates(&self) -> Kept {
        self.random_pools().try_for_each(|(pool, batch, seed)| self.picks(&pool, batch, seed).map(drop))
    }

    fn same_key_same_picks(&self) -> Kept {
        self.random_pools().try_for_each(|(pool, batch, seed)| {
            let [first, second] = [self.picks(&pool, batch, seed)?, self.picks(&pool, batch, seed)?];
            ensure(first == second, || format!("{first:?}, then {second:?}"))
        })
    }

    fn other_key_same_picks(&self) -> Kept {
        if !self.entry.card.deterministic {
            return Ok(());
        }
        self.random_pools().try_for_each(|(pool, batch, seed)| {
            // Two rows and nothing labelled are equally far from their mean, wherever they lie.
            if pool.candidates.len() < 3 {
                return Ok(());
            }
            // Scores may tie, and the key decides among equals: what does not depend on it is the score.
            if let Some(mut score) = self.score()? {
                let mut under =
                    |seed| score.score(&pool.view(), Key::root(seed)).map_err(|error| error.to_string());
                let [first, second] = [under(seed)?, under(seed ^ 1)?];
                return ensure(first == second, || "another key gives other scores".to_string());
            }
            let [first, second] = [self.picks(&pool, batch, seed)?, self.picks(&pool, batch, seed ^ 1)?];
            ensure(first == second, || format!("{first:?}, under another key {second:?}"))
        })
    }

    fn other_key_other_picks(&self) -> Kept {
        if self.entry.card.deterministic {
            return Ok(());
        }
        let pool = self.pool(60, 6, 1);
        let answers: HashSet<_> =
            (0..30).map(|seed| self.picks(&pool, 5, seed)).collect::<Result<_, String>>()?;
        ensure(answers.len() > 1, || "one answer to thirty keys".to_string())
    }

    /// Where a row stands in the file does not matter, also where rows are worth the same.
    fn rows_in_another_order(&self) -> Kept {
        self.draws("rows").try_for_each(|(mut rng, seed)| {
            let n = rng.random_range(5..50);
            let batch = rng.random_range(1..20);
            let mut names: Vec<usize> = (0..n).collect();
            for i in (1..n).rev() {
                names.swap(i, rng.random_range(0..=i));
            }
            let plain = self.pool(n, n / 5, seed);
            [plain.clone(), plain.tied()].iter().try_for_each(|pool| {
                let renamed = pool.renamed(&names);
                let expected = self.picks(pool, batch, seed)?;
                let found: Vec<RowId> =
                    self.picks(&renamed, batch, seed)?.iter().map(|row| renamed.ids[row.index()]).collect();
                ensure(expected == found, || format!("{expected:?}, in another order {found:?}"))
            })
        })
    }

    /// Not even by the last bit of a sum over them.
    fn classes_in_another_order(&self) -> Kept {
        if self.kind == TargetKind::Real || self.score()?.is_none() {
            return Ok(());
        }
        self.draws("classes").try_for_each(|(mut rng, seed)| {
            let n = rng.random_range(5..40);
            let (turn, swap, tied): (usize, bool, bool) =
                (rng.random_range(1..CLASSES), rng.random(), rng.random());
            let plain = self.pool(n, n / 5, seed);
            let pool = if tied { plain.tied() } else { plain };
            let new_class = |class: usize| {
                let turned = (class + turn) % CLASSES;
                if swap && turned < 2 { 1 - turned } else { turned }
            };
            let renumber = |p: &Matrix| {
                let mut new = p.clone();
                for row in 0..p.rows() {
                    for class in 0..CLASSES {
                        new.row_mut(row)[new_class(class)] = p.row(row)[class];
                    }
                }
                new
            };
            let all = |passes: &Passes| Passes { members: passes.members.iter().map(renumber).collect() };
            let mut other = pool.clone();
            other.labels.iter_mut().for_each(|word| {
                *word = match self.kind {
                    TargetKind::MultiLabel => {
                        let held = (0..CLASSES).filter(|&label| has_label(*word, label));
                        held.fold(0, |set, label| set | 1 << new_class(label))
                    }
                    _ => new_class(*word as usize) as u32,
                }
            });
            other.signals.probabilities = pool.signals.probabilities.as_ref().map(renumber);
            other.signals.passes = pool.signals.passes.as_ref().map(all);
            other.signals.committee = pool.signals.committee.as_ref().map(all);
            let [first, second] = [self.picks(&pool, n, seed)?, self.picks(&other, n, seed)?];
            ensure(first == second, || format!("{first:?}, under other numbers {second:?}"))
        })
    }

    /// In a file that is sorted by class, rows of the first class would come first if place decided.
    fn equals_are_asked_alike(&self) -> Kept {
        const ROWS: usize = 80;
        let (seeds, batch) = (60, 6);
        let mut pool = self.pool(ROWS, 0, 3);
        // One label, in the middle, for those that need some; all rows are copies of each other.
        pool.labelled = vec![RowId(ROWS as u32 / 2)];
        pool.labels = vec![1];
        pool.candidates.retain(|row| row.0 != ROWS as u32 / 2);
        let m = pool.candidates.len();
        pool.inputs = matrix(ROWS, 5, |_, _| 1.5);
        pool.signals.embeddings = Some(matrix(ROWS, 6, |_, _| 0.5));
        pool.say(&votes(1, 0).gather(vec![0; m]));
        pool.signals.predicted_loss = Some(vec![0.5; m]);
        pool.signals.lookahead = Some(pool.candidates.iter().step_by(3).map(|&row| (row, 0.25)).collect());
        let mut counts = [0usize; 4];
        for seed in 0..seeds {
            for pick in self.picks(&pool, batch, seed)? {
                counts[pick.index() * 4 / ROWS] += 1;
            }
        }
        // Each quarter of the pool is asked for in a quarter of the cases, within five standard deviations.
        let expected = seeds as f64 * batch as f64 / 4.0;
        let least = expected - 5.0 * (expected * 0.75).sqrt();
        ensure(counts.iter().all(|&count| count as f64 > least), || {
            format!(
                "the quarters of a pool of copies are asked for {counts:?} times, expected {expected} each"
            )
        })
    }

    /// Over a pool that is large enough for the loops over its rows to be shared between threads.
    fn threads_change_nothing(&self) -> Kept {
        const WIDTH: usize = 2_700;
        let mut pool = self.pool(400, 40, 5);
        let mut rng = Key::root(8).rng();
        pool.inputs = matrix(400, WIDTH, |_, _| rng.random());
        pool.signals.embeddings = Some(matrix(400, WIDTH, |_, _| rng.random()));
        if let Some(head) = &mut pool.signals.head {
            head.weights = matrix(CLASSES, WIDTH, |_, _| rng.random());
        }
        pool.signals.network = Some(network(WIDTH, pool.kind, Key::root(8).named("network")));
        pool.signals.images = Some(Images::unscaled(1, 1, WIDTH));
        let under = |threads| {
            let worker_pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            worker_pool.map_err(|error| error.to_string())?.install(|| self.picks(&pool, 7, 3))
        };
        let [one, four] = [under(1)?, under(4)?];
        ensure(one == four, || format!("{one:?} on one thread, {four:?} on four"))
    }

    fn whole_pool(&self) -> Kept {
        let pool = self.pool(23, 3, 2);
        [20, 21, 1_000, usize::MAX].into_iter().try_for_each(|batch| self.picks(&pool, batch, 1).map(drop))
    }

    fn poor_pools(&self) -> Kept {
        let base = self.pool(30, 6, 3);
        let m = base.candidates.len();
        let mut constant = base.clone();
        constant.inputs = matrix(30, 5, |_, _| 1.5);
        constant.signals.embeddings = Some(matrix(30, 6, |_, _| 0.0));
        let mut identical = base.clone();
        identical.say(&matrix(m, CLASSES, |_, _| 1.0 / CLASSES as f32));
        let mut certain = base.clone();
        certain.say(&matrix(m, CLASSES, |_, class| f32::from(class == 0)));
        let mut one_class = base.clone();
        one_class.labels = vec![1; 6];
        let mut no_gain = base.clone();
        no_gain.signals.lookahead = Some(base.candidates.iter().take(4).map(|&row| (row, 0.0)).collect());
        let mut worthless = constant.clone();
        worthless.signals.probabilities = identical.signals.probabilities.clone();
        worthless.signals.passes = identical.signals.passes.clone();
        worthless.signals.predictions = identical.signals.predictions.clone();
        worthless.signals.predicted_loss = Some(vec![0.0; m]);
        let pools = [
            ("constant vectors", constant),
            ("identical probabilities", identical),
            ("certain probabilities", certain),
            ("one class labelled", one_class),
            ("no gain", no_gain),
            ("nothing to go by", worthless),
            ("nothing labelled", self.pool(30, 0, 4)),
            ("one candidate", self.pool(2, 1, 5)),
            ("one row", self.pool(1, 0, 6)),
        ];
        pools.iter().try_for_each(|(what, pool)| {
            [0, 1, 3, 10, 40].into_iter().try_for_each(|batch| {
                let picks = self.picks(pool, batch, 9);
                picks.map(drop).map_err(|found| format!("{what}, batch {batch}: {found}"))
            })
        })
    }

    /// Squares of finite numbers need not be finite.
    fn huge_numbers(&self) -> Kept {
        for (huge, every) in [1e19f32, 1e30, f32::MAX].into_iter().flat_map(|huge| [(huge, 1), (huge, 7)]) {
            let mut pool = self.pool(30, 6, 12);
            let scale = |matrix: &mut Matrix| {
                let values = matrix.values_mut().iter_mut().step_by(every);
                values.for_each(|value| *value = value.signum() * huge);
            };
            scale(&mut pool.inputs);
            pool.signals.embeddings.iter_mut().for_each(scale);
            pool.signals.head.iter_mut().for_each(|head| scale(&mut head.weights));
            match self.strategy()?.select(&pool.view(), 5, Key::root(2)) {
                Ok(_) => self.picks(&pool, 5, 2).map(drop)?,
                Err(error) => {
                    let known = matches!(error.downcast_ref(), Some(QueryError::NotFinite { .. }));
                    ensure(known, || format!("{huge}: {error}"))?;
                }
            }
        }
        Ok(())
    }

    fn missing_signals(&self) -> Kept {
        let given = Needs { inputs: false, labels: false, classes: false, ..self.entry.card.needs };
        if given == Needs::NONE {
            return Ok(());
        }
        let mut pool = self.pool(30, 6, 7);
        pool.signals = Signals::default();
        let error = self.refusal(&pool, "a view without signals")?;
        ensure(matches!(error, QueryError::Missing { .. }), || error.to_string())
    }

    /// A value that is not finite in any one signal is refused by all that read the signal.
    fn spoilt_signals(&self) -> Kept {
        type Spoil = fn(&mut ExamplePool, f32) -> Option<()>;
        let needs = self.entry.card.needs;
        let signals: [(bool, &str, Spoil); 10] = [
            (needs.probabilities, "probabilities", |pool, bad| {
                pool.signals.probabilities.as_mut()?.row_mut(20)[1] = bad;
                Some(())
            }),
            (needs.predictions, "predictions", |pool, bad| {
                pool.signals.predictions.as_mut()?[4] = bad;
                Some(())
            }),
            (needs.embeddings, "embeddings", |pool, bad| {
                pool.signals.embeddings.as_mut()?.row_mut(29)[5] = bad;
                Some(())
            }),
            (needs.passes > 0, "passes", |pool, bad| {
                pool.signals.passes.as_mut()?.members[PASSES - 1].row_mut(3)[2] = bad;
                Some(())
            }),
            (needs.committee > 0, "committee", |pool, bad| {
                pool.signals.committee.as_mut()?.members[MEMBERS - 1].row_mut(0)[0] = bad;
                Some(())
            }),
            (needs.head, "head", |pool, bad| {
                pool.signals.head.as_mut()?.bias[1] = bad;
                Some(())
            }),
            (needs.temperature, "temperature", |pool, bad| {
                pool.signals.temperature = Some(bad);
                Some(())
            }),
            (needs.predicted_loss, "predicted losses", |pool, bad| {
                pool.signals.predicted_loss.as_mut()?[4] = f64::from(bad);
                Some(())
            }),
            (needs.lookahead > 0, "lookahead", |pool, bad| {
                pool.signals.lookahead.as_mut()?[1].1 = bad;
                Some(())
            }),
            (needs.inputs, "inputs", |pool, bad| {
                pool.inputs.row_mut(0)[0] = bad;
                Some(())
            }),
        ];
        for (bad, (_, what, spoil)) in [f32::NAN, f32::INFINITY]
            .into_iter()
            .flat_map(|bad| signals.iter().filter(|(read, ..)| *read).map(move |signal| (bad, signal)))
        {
            let mut pool = self.pool(30, 6, 8);
            spoil(&mut pool, bad).expect("an example has every signal");
            let error = self.refusal(&pool, &format!("{bad} among the {what}"))?;
            ensure(matches!(error, QueryError::NotFinite { .. }), || format!("{what}: {error}"))?;
        }
        Ok(())
    }

    fn wrong_probabilities(&self) -> Kept {
        if !self.entry.card.needs.probabilities {
            return Ok(());
        }
        let apart = matches!(self.kind, TargetKind::MultiLabel | TargetKind::Mask);
        let no_share = if apart { 1.5 } else { 0.9 };
        [(no_share, 0.9), (-0.5, 1.0)].into_iter().try_for_each(|(a, b)| {
            let mut pool = self.pool(30, 6, 9);
            if let Some(p) = &mut pool.signals.probabilities {
                p.row_mut(4).copy_from_slice(&[a, b, 0.5]);
            }
            let error = self.refusal(&pool, &format!("the row {a}, {b}, 0.5"))?;
            ensure(matches!(error, QueryError::NotProbabilities { row: 4, .. }), || error.to_string())
        })
    }
}
