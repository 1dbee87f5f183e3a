//! LADA's InfoSTN: images that are worth asking for together with a turned, stretched or moved version of them, on which the
//! learner then trains.

use super::filled_up;
use super::perceptron::Perceptron;
use super::sampler::{Affine, NUMBERS};
use crate::data::{Images, RowId};
use crate::error::Result;
use crate::learner::Above;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::score::top_places;
use crate::query::uncertainty::entropy;
use crate::query::{Needs, PoolView, Size, Strategy, Ties, Transformed};
use crate::rng::Key;
use rayon::prelude::*;

const NEEDS: Needs = Needs {
    inputs: true,
    probabilities: true,
    embeddings: true,
    network: true,
    images: true,
    mixing: true,
    ..Needs::NONE
};

/// The most images that are looked at.
const MAX_ROWS: usize = 100_000;

pub(in crate::query::hybrid) const ENTRY: Entry = Entry {
    card: Card {
        name: "info_stn",
        summary: "images that are uncertain by themselves and under a learned affine map; the learner trains on the mapped ones, too",
        paper: "Kim, Song, Jang & Moon, NeurIPS 2021",
        family: Family::Hybrid,
        needs: NEEDS,
        cost: "time 2 predictions and 16 d per epoch for each of m rows, memory m d",
        example: "info_stn",
        deterministic: false,
    },
    make: |params| {
        Built::batch(InfoStn {
            look_ahead: params.choice("look_ahead", &[("true", true), ("false", false)])?,
            rows: params.count("rows", 500, 1..=MAX_ROWS)?,
            epochs: params.count("epochs", 10, 0..=10_000)?,
            rate: params.real("rate", 0.01, 1e-9..=10.0)?,
            transformed: Vec::new(),
        })
    },
};

/// A small network learns, from embeddings, an affine map of each of some candidates, so that the classifier is unsure of
/// what the map makes of them; asks for the rows of the largest `H(x) + H(map(x))`. Until the next query, the learner trains on
/// the mapped versions of what was asked for, too, with the label of the row.
///
/// Maps turn by up to 15 degrees, stretch by up to a tenth across and down, and move by up to a tenth of width and height, by
/// bilinear sampling of grey values as they were before scaling; the first map of every row is the identity. Maps are those of the step
/// with the largest mean entropy. `look_ahead=false` is the comparator that asks by entropy alone and learns the maps afterwards.
///
/// What the paper does not say, and its published code has not, is ours: the clamps, ten whole steps of Adam at .01, and a
/// network of one hidden layer on embeddings.
pub struct InfoStn {
    /// Whether rows are asked for by what their mapped versions are worth, too.
    pub look_ahead: bool,
    /// Candidates that are looked at, at most.
    pub rows: usize,
    /// Steps of the network that makes maps; without any, all maps are the identity.
    pub epochs: usize,
    /// Their size.
    pub rate: f64,
    transformed: Vec<Transformed>,
}

impl Strategy for InfoStn {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        view.check(NEEDS)?;
        let (p, candidates, ties) = (view.probabilities()?, view.candidates(), view.ties(key));
        let batch = batch.min(candidates.len());
        let alone: Vec<f64> = (0..candidates.len()).map(|place| entropy::of(p.row(place))).collect();
        let by_entropy = |count: usize| top_places(candidates, &alone, count, ties);
        let mut places = match self.look_ahead {
            true => (0..candidates.len()).collect(),
            false => by_entropy(batch)?,
        };
        let order = Ties::of(view.draws(key.named("rows")));
        places.sort_unstable_by(|&a, &b| order.order(candidates[a], candidates[b]));
        places.truncate(if self.look_ahead { self.rows } else { batch });
        let rows: Vec<RowId> = places.iter().map(|&place| candidates[place]).collect();
        let mapped = self.learned(view, &rows, key.named("maps"))?;
        let worth = |(&place, mapped): (&usize, &Mapped)| alone[place] + mapped.entropy;
        let scores: Vec<f64> = places.iter().zip(&mapped).map(worth).collect();
        let chosen = top_places(&rows, &scores, batch, ties)?;
        self.transformed = (chosen.iter())
            .map(|&at| Transformed { row: rows[at], input: mapped[at].input.clone() })
            .collect();
        let picks = chosen.iter().map(|&at| rows[at]).collect();
        // What the rows that were looked at do not suffice for.
        let left = by_entropy(candidates.len())?.into_iter().map(|place| candidates[place]);
        Ok(filled_up(picks, left, batch))
    }

    fn needs(&self) -> Needs {
        NEEDS
    }

    fn transformed(&self) -> &[Transformed] {
        &self.transformed
    }

    fn memory(&self, size: &Size) -> u64 {
        size.scores() + Size::items(self.rows.min(size.candidates), 64 * size.width as u64)
    }
}

/// What a map makes of a row.
struct Mapped {
    input: Vec<f32>,
    entropy: f64,
    /// The entropy's derivatives by the map's numbers.
    slopes: [f64; NUMBERS],
}

impl Mapped {
    fn of(numbers: &[f64], grey: &[f64], images: &Images, above: &mut Above<'_>) -> Self {
        let map = Affine::of(numbers);
        let (input, factors) = images.scaled(&map.sample(grey, images));
        let p = above.probabilities(&input);
        let entropy = entropy::of_shares(p.iter().copied());
        let by_logits: Vec<f64> =
            p.iter().map(|&p| if p > 0.0 { -p * (p.ln() + entropy) } else { 0.0 }).collect();
        let by_inputs = above.slopes(&by_logits);
        let by_grey: Vec<f64> = by_inputs.iter().zip(factors).map(|(slope, factor)| slope * factor).collect();
        let input = input.into_iter().map(|value| value as f32).collect();
        Self { input, entropy, slopes: map.slopes(grey, images, &by_grey) }
    }
}

impl InfoStn {
    /// What the maps make of rows, by a network that learns them from these.
    fn learned(&self, view: &PoolView<'_>, rows: &[RowId], key: Key) -> Result<Vec<Mapped>> {
        let (inputs, embeddings, images) = (view.network_inputs(), view.embeddings()?, view.images()?);
        let network = view.network()?;
        let above = network.above(0)?;
        let features: Vec<Vec<f64>> = (rows.iter())
            .map(|row| embeddings.row(row.index()).iter().copied().map(f64::from).collect())
            .collect();
        let grey: Vec<Vec<f64>> = rows.iter().map(|row| images.grey(inputs.row(row.index()))).collect();
        let mut maps = Perceptron::new(embeddings.cols(), NUMBERS, key).silent();
        let share = 1.0 / rows.len().max(1) as f64;
        Ok(maps
            .ascend(self.epochs, self.rate, |maps| evaluate(maps, &features, &grey, images, &above, share)))
    }
}

/// The mean entropy under the maps, what they make of the rows, and the mean's gradient by the parameters of `maps`.
fn evaluate(
    maps: &Perceptron,
    features: &[Vec<f64>],
    grey: &[Vec<f64>],
    images: &Images,
    above: &Above<'_>,
    share: f64,
) -> (f64, Vec<Mapped>, Vec<f64>) {
    let one = |above: &mut Above<'_>, (features, grey): (&Vec<f64>, &Vec<f64>)| {
        let (numbers, hidden) = maps.forward(features);
        (Mapped::of(&numbers, grey, images, above), hidden)
    };
    let found: Vec<_> = features.par_iter().zip(grey).map_init(|| above.clone(), one).collect();
    let (mut mean, mut gradient) = (0.0, vec![0.0; maps.parameters.len()]);
    for ((mapped, hidden), features) in found.iter().zip(features) {
        mean += share * mapped.entropy;
        maps.add_gradient(features, hidden, &mapped.slopes.map(|slope| share * slope), &mut gradient);
    }
    (mean, found.into_iter().map(|(mapped, _)| mapped).collect(), gradient)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::Registry;
    use crate::testing::ExamplePool;

    fn built(text: &str) -> Box<dyn Strategy> {
        Registry::builtin().build(text).unwrap()
    }

    /// A pool of images whose probabilities are those of the network.
    fn pool() -> ExamplePool {
        let mut pool = ExamplePool::new(60, 6, 3);
        let network = pool.signals.network.clone().unwrap();
        let mut predictor = network.predictor();
        let p: Vec<f32> = (pool.candidates.iter())
            .flat_map(|row| predictor.probabilities(pool.inputs.row(row.index())))
            .map(|p| p as f32)
            .collect();
        pool.signals.probabilities = Some(Matrix::new(p, pool.candidates.len(), 3));
        pool
    }

    /// Without a step, maps are the identity, and the order is that of the entropy.
    #[test]
    fn the_identity_asks_for_what_entropy_asks_for() {
        let pool = pool();
        let mut still = built("info_stn(epochs=0)");
        let picks = still.select(&pool.view(), 12, Key::root(1)).unwrap();
        assert_eq!(picks, built("entropy").select(&pool.view(), 12, Key::root(1)).unwrap());
        for one in still.transformed() {
            let own = pool.inputs.row(one.row.index());
            assert!(one.input.iter().zip(own).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }

    /// Maps that are learned raise the mean entropy, step by step of what is kept; the network that they are learned through is as
    /// it was.
    #[test]
    fn maps_raise_the_entropy_of_what_they_make() {
        let pool = pool();
        let (view, rows) = (pool.view(), pool.candidates.clone());
        let before = pool.signals.network.clone().unwrap();
        let mean = |epochs| {
            let strategy =
                InfoStn { look_ahead: true, rows: 500, epochs, rate: 0.05, transformed: Vec::new() };
            let mapped = strategy.learned(&view, &rows, Key::root(2)).unwrap();
            mapped.iter().map(|mapped| mapped.entropy).sum::<f64>() / rows.len() as f64
        };
        let (still, some, more) = (mean(0), mean(10), mean(60));
        assert!(some > still + 1e-4 && more > some, "{still} {some} {more}");
        let (one, two) = (pool.inputs.row(3), &mut before.predictor());
        let after = view.network().unwrap().predictor().probabilities(one);
        assert_eq!(two.probabilities(one), after);
    }

    #[test]
    fn gradients_are_finite_differences() {
        let pool = pool();
        let (images, network) = (pool.signals.images.clone().unwrap(), pool.signals.network.clone().unwrap());
        let above = network.above(0).unwrap();
        let rows = &pool.candidates[..4];
        let grey: Vec<Vec<f64>> = rows.iter().map(|row| images.grey(pool.inputs.row(row.index()))).collect();
        let features: Vec<Vec<f64>> =
            grey.iter().map(|grey| grey.iter().map(|x| x.cos()).collect()).collect();
        let mut maps = Perceptron::new(features[0].len(), NUMBERS, Key::root(3));
        let value = |maps: &Perceptron| evaluate(maps, &features, &grey, &images, &above, 0.25);
        let gradient = value(&maps).2;
        let mut largest = 0.0f64;
        for (at, &found) in gradient.iter().enumerate() {
            let own = maps.parameters[at];
            let mut moved = |step: f64| {
                maps.parameters[at] = own + step;
                let mean = value(&maps).0;
                maps.parameters[at] = own;
                mean
            };
            let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((found - expected).abs() < 1e-6, "{at}: {found} {expected}");
            largest = largest.max(found.abs());
        }
        assert!(largest > 1e-3, "{largest}");
    }

    #[test]
    fn what_is_asked_for_is_trained_on_as_it_was_mapped() {
        let pool = pool();
        for text in ["info_stn", "info_stn(look_ahead=false)", "info_stn(rows=5)"] {
            let mut strategy = built(text);
            let picks = strategy.select(&pool.view(), 7, Key::root(1)).unwrap();
            let count = if text.contains("rows") { 5 } else { 7 };
            assert_eq!((picks.len(), strategy.transformed().len()), (7, count), "{text}");
            assert!(strategy.transformed().iter().zip(&picks).all(|(one, &row)| one.row == row));
        }
        let sorted = |text: &str| {
            let mut picks = built(text).select(&pool.view(), 9, Key::root(4)).unwrap();
            picks.sort_unstable();
            picks
        };
        assert_eq!(sorted("info_stn(look_ahead=false)"), sorted("entropy"));
        assert_ne!(sorted("info_stn(rate=0.1, epochs=40)"), sorted("entropy"));
    }
}
