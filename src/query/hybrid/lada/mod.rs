//! LADA: candidates that are worth asking for together with what augmentation will make of them, on which the learner then trains.
//!
//! InfoMixup, which asks for pairs and mixes them, is here and in `policy`; [`info_stn`] maps images, by `sampler`. What learns within a query
//! is a `perceptron`.

pub mod info_stn;
mod perceptron;
mod policy;
mod sampler;

pub use policy::{GRID, Policy, expected, shares};

use crate::data::RowId;
use crate::error::Result;
use crate::learner::{Above, Below};
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top_places;
use crate::query::uncertainty::entropy;
use crate::query::{Mixture, Needs, PoolView, Size, Strategy, Ties};
use crate::rng::Key;
use rand::RngExt;
use rayon::prelude::*;

const NEEDS: Needs =
    Needs { inputs: true, probabilities: true, embeddings: true, network: true, mixing: true, ..Needs::NONE };

/// The most pairs that are looked at.
const MAX_PAIRS: usize = 100_000;

/// The highest layer that can be asked for; networks have fewer.
const MAX_LAYER: usize = 1_000;

/// The least parameter of a mixture: by less, it is one of its rows in single precision. What is learned may come to less.
const LEAST_ALPHA: f64 = 1e-3;

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "lada",
        summary: "pairs of candidates, uncertain by themselves and in a mixture whose shares are learned; the learner trains on the mixtures",
        paper: "Kim, Song, Jang & Moon, NeurIPS 2021",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "time 9 m predictions and 16 m d per epoch for m pairs, memory m d",
        example: "lada",
        deterministic: false,
    },
    make: |params| {
        let (from, to) = (params.count("from", 0, 0..=MAX_LAYER)?, params.count("to", 0, 0..=MAX_LAYER)?);
        if from > to {
            return Err(params.conflict("from", Some(from), Some(to)).into());
        }
        Built::batch(Lada {
            look_ahead: params.choice("look_ahead", &[("true", true), ("false", false)])?,
            alpha: params.optional_real("alpha", LEAST_ALPHA..=1e3)?,
            bound: params.real("bound", 1.0, 1e-2..=1e3)?,
            pairs: params.count("pairs", 1_000, 1..=MAX_PAIRS)?,
            epochs: params.count("epochs", 10, 1..=10_000)?,
            rate: params.real("rate", 0.01, 1e-9..=10.0)?,
            from,
            to,
            mixtures: Vec::new(),
        })
    },
};

/// InfoMixup with the entropy as the score. Draws pairs of candidates; a small network, the mixing policy, learns from both
/// embeddings the parameter `alpha` of the pair's share `λ ~ Beta(alpha, alpha)`, so that the classifier is unsure of
/// `λ x_i + (1 - λ) x_j`; asks for the pairs of the largest `H(x_i) + H(x_j) + E_λ H(mixture)`. What is left of an odd batch,
/// or where there are too few pairs, is asked for by entropy. Until the next query, the learner trains on one mixture of
/// every pair per epoch, with a share drawn anew and labels mixed alike.
///
/// The comparators of the paper: `entropy` asks and mixes nothing; `lada(look_ahead=false, alpha=2)` asks by entropy, then
/// mixes at random; `lada(look_ahead=false)` asks by entropy, then learns how to mix; `lada(alpha=2)` looks ahead at mixtures
/// of a given distribution.
///
/// Every query draws the layer at which its pairs are mixed, evenly from `from` to `to`: 0 is the inputs, `k` the output of hidden
/// block `k`, and what the network has not is left out of the range. Where it is a hidden one, the policy reads its activations. The
/// authors' code draws from 1 to 2; by default inputs are mixed, on which a bank trains faster.
///
/// Three things are not the authors': the layer is drawn once per query and not at every step, the expectation
/// over `λ` is that of the entropy interpolated between [`GRID`] shares, by quadrature, with its exact gradient by `alpha`, where
/// theirs is a mean over draws; and the policy takes `epochs` whole
/// steps of Adam at `rate`, where theirs takes many small ones (5e-5).
pub struct Lada {
    /// Whether pairs are asked for by what their mixtures are worth; else by the entropy of each row alone.
    pub look_ahead: bool,
    /// The parameter of all pairs; learned where there is none.
    pub alpha: Option<f64>,
    /// What learned parameters stay below.
    pub bound: f64,
    /// Pairs that are looked at, at most.
    pub pairs: usize,
    /// Steps of the policy.
    pub epochs: usize,
    /// Their size.
    pub rate: f64,
    /// The first and the last layer at which pairs may be mixed.
    pub from: usize,
    pub to: usize,
    mixtures: Vec<Mixture>,
}

impl Strategy for Lada {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        view.check(NEEDS)?;
        let (p, candidates, ties) = (view.probabilities()?, view.candidates(), view.ties(key));
        let batch = batch.min(candidates.len());
        let alone: Vec<f64> = (0..candidates.len()).map(|place| entropy::of(p.row(place))).collect();
        let by_entropy = |count: usize| top_places(candidates, &alone, count, ties);
        let order = Ties::of(view.draws(key.named("pairs")));
        let mut places = match self.look_ahead {
            true => (0..candidates.len()).collect(),
            false => by_entropy(batch)?,
        };
        places.sort_unstable_by(|&a, &b| order.order(candidates[a], candidates[b]));
        let most = if self.look_ahead { self.pairs } else { batch };
        let half = (places.len() / 2).min(most);
        let pairs: Vec<[usize; 2]> = (0..half).map(|at| [places[at], places[half + at]]).collect();
        let layer = self.layer(view, key.named("layer"))?;
        let mixed = entropies(view, &pairs, layer)?;
        let alphas = match self.alpha {
            Some(alpha) => vec![alpha; pairs.len()],
            None => self.learned(view, (&pairs, layer), &mixed, key.named("policy"))?,
        };
        let worth = |((pair, mixed), alpha): ((&[usize; 2], &[f64; GRID]), &f64)| {
            alone[pair[0]] + alone[pair[1]] + expected(mixed, *alpha)
        };
        let scores: Vec<f64> = pairs.iter().zip(&mixed).zip(&alphas).map(worth).collect();
        let firsts: Vec<RowId> = pairs.iter().map(|pair| candidates[pair[0]]).collect();
        let chosen = top_places(&firsts, &scores, batch / 2, ties)?;
        self.mixtures = (chosen.iter())
            .map(|&at| {
                let [a, b] = pairs[at].map(|place| candidates[place]);
                Mixture { a, b, alpha: alphas[at].max(LEAST_ALPHA), layer }
            })
            .collect();
        let picks = self.mixtures.iter().flat_map(|pair| [pair.a, pair.b]).collect();
        // An odd one, and what pairs do not suffice for.
        let left = by_entropy(candidates.len())?.into_iter().map(|place| candidates[place]);
        Ok(filled_up(picks, left, batch))
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn mixtures(&self) -> &[Mixture] {
        &self.mixtures
    }

    fn note(&self) -> Option<String> {
        let count = self.mixtures.len();
        if count == 0 {
            return Some("no pair to mix: a query of one row has none".into());
        }
        let mean = self.mixtures.iter().map(|mixture| mixture.alpha).sum::<f64>() / count as f64;
        let at = match (self.to, self.mixtures[0].layer) {
            (0, _) => String::new(),
            (_, layer) => format!(" at layer {layer}"),
        };
        Some(format!("{count} pairs to mix{at}, by a mean alpha of {mean:.3}"))
    }

    fn memory(&self, size: &Size) -> u64 {
        let pairs = self.pairs.min(size.candidates / 2);
        size.scores() + Size::items(pairs, 8 * (GRID as u64 + 8) + 16 * size.width as u64)
    }
}

impl Lada {
    /// The layer at which the coming pairs are mixed.
    fn layer(&self, view: &PoolView<'_>, key: Key) -> Result<usize> {
        let last = self.to.min(view.network()?.layers());
        let first = self.from.min(last);
        Ok(if first == last { first } else { key.rng().random_range(first..=last) })
    }

    /// The parameter of every pair, by a policy that learns it from these pairs.
    fn learned(
        &self,
        view: &PoolView<'_>,
        (pairs, layer): (&[[usize; 2]], usize),
        mixed: &[[f64; GRID]],
        key: Key,
    ) -> Result<Vec<f64>> {
        let (embeddings, inputs, candidates) = (view.embeddings()?, view.network_inputs(), view.candidates());
        let mut below = view.network()?.below(layer)?;
        let mut of = |place: usize| -> Vec<f64> {
            let row = candidates[place].index();
            match layer {
                0 => embeddings.row(row).iter().copied().map(f64::from).collect(),
                _ => below.activations(inputs.row(row)).to_vec(),
            }
        };
        let features: Vec<Vec<f64>> = pairs.iter().map(|pair| [of(pair[0]), of(pair[1])].concat()).collect();
        let mut policy = Policy::new(features.first().map_or(0, Vec::len), self.bound, key);
        Ok(policy.learn(&features, mixed, self.epochs, self.rate))
    }
}

/// `picks`, and behind them of `left`, in its order, those that are not among them: `batch` rows in all.
fn filled_up(mut picks: Vec<RowId>, left: impl Iterator<Item = RowId>, batch: usize) -> Vec<RowId> {
    let mut taken = picks.clone();
    taken.sort_unstable();
    picks.extend(left.filter(|row| taken.binary_search(row).is_err()).take(batch - taken.len()));
    picks
}

/// The entropy of what the classifier says of every pair's mixtures, by share.
fn entropies(view: &PoolView<'_>, pairs: &[[usize; 2]], layer: usize) -> Result<Vec<[f64; GRID]>> {
    let (network, inputs, candidates) = (view.network()?, view.network_inputs(), view.candidates());
    let shares = shares();
    if layer > 0 {
        let (below, above) = (network.below(layer)?, network.above(layer)?);
        let one = |(below, above): &mut (Below<'_>, Above<'_>), pair: &[usize; 2]| {
            let [a, b] = pair.map(|place| below.activations(inputs.row(candidates[place].index())).to_vec());
            shares.map(|share| {
                let mixed: Vec<f64> = a.iter().zip(&b).map(|(a, b)| share * a + (1.0 - share) * b).collect();
                entropy::of_shares(above.probabilities(&mixed).into_iter())
            })
        };
        return Ok(pairs.par_iter().map_init(|| (below.clone(), above.clone()), one).collect());
    }
    let one = |predictor: &mut crate::learner::Predictor<'_>, pair: &[usize; 2]| {
        let [a, b] = pair.map(|place| inputs.row(candidates[place].index()));
        shares.map(|share| {
            let share = share as f32;
            let mixed: Vec<f32> = a.iter().zip(b).map(|(a, b)| share * a + (1.0 - share) * b).collect();
            entropy::of_shares(predictor.probabilities(&mixed).into_iter())
        })
    };
    Ok(pairs.par_iter().map_init(|| network.predictor(), one).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Registry;
    use crate::testing::ExamplePool;

    fn lada(text: &str) -> Box<dyn Strategy> {
        Registry::builtin().build(text).unwrap()
    }

    /// Both rows of a pair are asked for; an odd row comes by entropy; a single one, too, and there is nothing to mix.
    #[test]
    fn pairs_are_asked_for_as_wholes() {
        let pool = ExamplePool::new(60, 6, 3);
        let view = pool.view();
        for text in ["lada", "lada(alpha=2)", "lada(look_ahead=false)", "lada(look_ahead=false, alpha=2)"] {
            let mut strategy = lada(text);
            let picks = strategy.select(&view, 7, Key::root(1)).unwrap();
            let pairs = strategy.mixtures().to_vec();
            assert_eq!((picks.len(), pairs.len()), (7, 3), "{text}");
            for (pair, rows) in pairs.iter().zip(picks.chunks(2)) {
                assert_eq!([pair.a, pair.b], rows);
                assert_eq!(text.contains("alpha"), pair.alpha == 2.0);
                assert!(text.contains("alpha") || (LEAST_ALPHA..=1.0).contains(&pair.alpha));
            }
            assert!(strategy.note().unwrap().starts_with("3 pairs to mix"));
            let single = strategy.select(&view, 1, Key::root(1)).unwrap();
            assert_eq!(single, lada("entropy").select(&view, 1, Key::root(1)).unwrap(), "{text}");
            assert!(strategy.mixtures().is_empty());
            assert_eq!(strategy.note().unwrap(), "no pair to mix: a query of one row has none");
            let all = view.candidates().len();
            let mut picks = strategy.select(&view, all + 5, Key::root(2)).unwrap();
            picks.sort_unstable();
            assert_eq!(picks, view.candidates(), "{text}");
        }
    }

    /// Without a look ahead, the rows are those of the entropy, whatever their order.
    #[test]
    fn acquire_then_mix_asks_for_what_entropy_asks_for() {
        let pool = ExamplePool::new(60, 6, 3);
        let sorted = |text: &str, key| {
            let mut picks = lada(text).select(&pool.view(), 8, key).unwrap();
            picks.sort_unstable();
            picks
        };
        let mut ahead = 0;
        for seed in 0..5 {
            let key = Key::root(seed);
            assert_eq!(sorted("lada(look_ahead=false)", key), sorted("entropy", key));
            assert_eq!(sorted("lada(look_ahead=false, alpha=2)", key), sorted("entropy", key));
            ahead += usize::from(sorted("lada", key) != sorted("entropy", key));
        }
        assert!(ahead > 3, "{ahead}");
    }

    /// Where nothing is mixed, which a parameter near zero comes to, pairs are in the order of the entropies of their rows:
    /// the mixed entropy is then that of one of the two.
    #[test]
    fn without_mixing_the_order_is_the_acquisitions_own() {
        let mut pool = ExamplePool::new(60, 6, 3);
        let network = pool.signals.network.clone().unwrap();
        let mut predictor = network.predictor();
        let rows = pool.candidates.clone();
        let p: Vec<f32> = rows
            .iter()
            .flat_map(|row| predictor.probabilities(pool.inputs.row(row.index())))
            .map(|p| p as f32)
            .collect();
        pool.signals.probabilities = Some(Matrix::new(p, rows.len(), 3));
        let view = pool.view();
        let p = view.probabilities().unwrap();
        let alone = |row: RowId| entropy::of(p.row(rows.binary_search(&row).unwrap()));
        let sums = |text: &str| -> Vec<f64> {
            let mut strategy = lada(text);
            strategy.select(&view, rows.len(), Key::root(3)).unwrap();
            strategy.mixtures().iter().map(|pair| alone(pair.a) + alone(pair.b)).collect()
        };
        assert!(sums("lada(alpha=0.001)").windows(2).all(|two| two[0] >= two[1] - 1e-3));
        assert!(!sums("lada(alpha=5)").windows(2).all(|two| two[0] >= two[1] - 1e-3));
    }

    /// Layers come evenly from the range that there is, and what is mixed there is looked at there: at the ends, a mixture is one of
    /// its rows, wherever it is made.
    #[test]
    fn layers_are_drawn_from_the_range() {
        let pool = ExamplePool::new(60, 6, 3);
        let view = pool.view();
        let layers = |text: &str| -> Vec<usize> {
            let mut strategy = lada(text);
            (0..40)
                .map(|seed| {
                    strategy.select(&view, 6, Key::root(seed)).unwrap();
                    let layer = strategy.mixtures()[0].layer;
                    assert!(strategy.mixtures().iter().all(|pair| pair.layer == layer));
                    layer
                })
                .collect()
        };
        assert_eq!(layers("lada"), [0; 40]);
        // The network has one hidden layer.
        assert_eq!(layers("lada(from=1, to=7)"), [1; 40]);
        let Err(error) = Registry::builtin().build("lada(from=2)") else { panic!("a range from 2 to 0") };
        assert!(error.to_string().contains("from"), "{error}");
        let both = layers("lada(to=2)");
        assert!((8..32).contains(&both.iter().sum::<usize>()), "{both:?}");
        let pairs: Vec<[usize; 2]> = (0..10).map(|at| [at, at + 10]).collect();
        let [inputs, hidden] = [0, 1].map(|layer| entropies(&view, &pairs, layer).unwrap());
        let mut apart = 0.0f64;
        for (inputs, hidden) in inputs.iter().zip(&hidden) {
            for end in [0, GRID - 1] {
                assert!((inputs[end] - hidden[end]).abs() < 1e-6);
            }
            apart = apart.max((inputs[GRID / 2] - hidden[GRID / 2]).abs());
        }
        assert!(apart > 1e-3, "{apart}");
        let mut strategy = lada("lada(from=1, to=1)");
        strategy.select(&view, 6, Key::root(0)).unwrap();
        assert!(strategy.note().unwrap().starts_with("3 pairs to mix at layer 1, by"));
    }
}
