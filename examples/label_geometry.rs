//! The figures of `experiments/policy` on a network that sees where the labels lie: does attention from candidates to labelled rows choose
//! better than features that sum the labels up?
//!
//!     cargo run --release --example label_geometry -- FOLDER [TASKS]
//!
//! FOLDER holds the sets of `choice.toml` (`public.py` makes them ready). In states of margin's episodes twelve candidates are judged by
//! the one-step oracle. Pools differ in width and in classes, so that a network which is to serve all of them can attend to labelled rows
//! by nothing but how they lie to a candidate: six numbers for each of the [`LABELS`] nearest ones. Three scorers are trained on
//! generated tasks by one listwise loss and choose on tasks and sets that they have not seen: a linear one on the policy's features, the network, and
//! the network where all that it attends to is zero, which is a perceptron.

mod judged;

use burn::module::{Module, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamWConfig, GradientsParams};
use burn::tensor::activation::{log_softmax, relu, softmax};
use burn::tensor::{Device, Tensor, TensorData};
use judged::{CANDIDATES, Judged, REAL, paired};
use querist::agent::{
    Forgetful, ImitationConfig, Kind, LabelledState, Network, NetworkConfig, agreement, imitate,
};
use querist::data::{Dataset, Matrix, MatrixView, RowId, load};
use querist::episode::Observation;
use querist::episode::features::SCHEMA;
use querist::{Key, Result};
use rand::seq::SliceRandom;
use rayon::prelude::*;
use std::path::Path;

/// Episodes per generated task and per real set, of thirty queries each.
const EPISODES: [u64; 2] = [3, 20];
/// Labelled rows that a candidate attends to, and numbers for each: the first is 1 for a row and 0 for padding.
const LABELS: usize = 32;
const RELATION: usize = 7;
/// Units of the layer over pairs and of that over candidates, and heads of attention.
const PAIR: usize = 16;
const HIDDEN: usize = 32;
const HEADS: usize = 2;
/// The share of generated tasks that end training, and as many again that are judged.
const HELD: u64 = 10;
const EPOCHS: usize = 30;
const PATIENCE: usize = 6;
const MINIBATCH: usize = 64;
const BARRED: f32 = -1e9;

pub fn main() -> Result<()> {
    let (folder, count) = judged::arguments();
    let key = Key::root(53);
    let family = judged::family(key);
    let of = |dataset: &Dataset, task: u32, episodes: u64| -> Result<Vec<LabelledState>> {
        let own = (0..episodes).map(|episode| judged::states(dataset, task, key, episode, &relations));
        Ok(own.collect::<Result<Vec<_>>>()?.concat())
    };
    let generated = (0..count)
        .into_par_iter()
        .map(|at| of(&family.sample(at)?, at as u32, EPISODES[0]))
        .collect::<Result<Vec<_>>>()?;
    let real = REAL
        .into_par_iter()
        .enumerate()
        .map(|(at, name)| of(&load(name, Some(Path::new(&folder)))?, at as u32, EPISODES[1]))
        .collect::<Result<Vec<_>>>()?;
    let part = |keep: &dyn Fn(u64) -> bool| -> Vec<LabelledState> {
        let kept = generated.iter().enumerate().filter(|(at, _)| keep(*at as u64 % HELD));
        kept.flat_map(|(_, states)| states.clone()).collect()
    };
    let (training, ending, unseen) = (part(&|at| at > 1), part(&|at| at == 0), part(&|at| at == 1));
    println!(
        "{} states of {count} generated tasks, of which {} end training and {} are judged; {} real sets",
        training.len() + ending.len() + unseen.len(),
        ending.len(),
        unseen.len(),
        real.len()
    );
    let judged: Vec<&[LabelledState]> =
        std::iter::once(&unseen[..]).chain(real.iter().map(Vec::as_slice)).collect();

    let linear = linear(&training, &ending, key)?;
    let temperature = ImitationConfig::default().temperature;
    let first = judged
        .iter()
        .map(|states| Ok(agreement(&linear, &narrowed(states), temperature)?.captured))
        .collect::<Result<Vec<_>>>()?;
    let start = linear.skip();
    let without = trained(&training, &ending, &judged, &start, false, key);
    let seeing = trained(&training, &ending, &judged, &start, true, key);
    println!(
        "share of the best of {CANDIDATES} candidates' gain that the first choice has, generated tasks left out and mean over real sets:"
    );
    for (name, shares) in [
        ("linear", &first),
        ("a perceptron beside it", &without),
        ("attention to the labelled rows beside it", &seeing),
    ] {
        let of_sets = &shares[1..];
        let mean = of_sets.iter().sum::<f64>() / of_sets.len() as f64;
        let (difference, error) = paired(of_sets, &first[1..]);
        println!("  {name}: {:.3}, {mean:.3} ({difference:+.3} ± {error:.3})", shares[0]);
    }
    let (difference, error) = paired(&seeing[1..], &without[1..]);
    println!("  attention against the perceptron on real sets: {difference:+.3} ± {error:.3}");
    Ok(())
}

/// How the [`LABELS`] labelled rows nearest to a candidate lie to it, nearest first: 1; the logarithm of their distance, by that of a
/// typical pair of labelled rows; the distance between their predictions; the probability that the candidate is of the row's
/// class; the probability that the network gives the row's own class; whether both are predicted alike; how much nearer
/// the candidate is than the row's nearest label of another class.
fn relations(state: &Judged<'_>, row: RowId) -> Vec<f32> {
    let inputs = state.view.inputs();
    let (labelled, labels) = state.episodes.labelled(0);
    let ids: Vec<u32> = labelled.iter().copied().chain([row.0]).collect();
    let p = state.episodes.probabilities(0, &ids);
    let own = p.row(labelled.len());
    let pairs: Vec<f32> = (1..labelled.len())
        .map(|at| distance(inputs, labelled[at - 1], labelled[at]))
        .chain([distance(inputs, row.0, labelled[0])])
        .collect();
    let typical = (pairs.iter().sum::<f32>() / pairs.len() as f32).max(1e-6);
    let log = |distance: f32| (distance / typical).max(1e-3).ln().clamp(-3.0, 3.0);
    let mut near: Vec<(f32, usize)> =
        labelled.iter().enumerate().map(|(at, &other)| (distance(inputs, row.0, other), at)).collect();
    near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let mut described = Vec::with_capacity(LABELS * RELATION);
    for &(far, at) in near.iter().take(LABELS) {
        let class = labels[at] as usize;
        let theirs = p.row(at);
        let apart = own.iter().zip(theirs).map(|(a, b)| (a - b).abs()).sum::<f32>() / 2.0;
        let rivals = (0..labelled.len()).filter(|&other| labels[other] as usize != class);
        let rival =
            rivals.map(|other| distance(inputs, labelled[at], labelled[other])).fold(f32::MAX, f32::min);
        let nearer = if rival < f32::MAX { log(far) - log(rival) } else { 0.0 };
        let alike = f32::from(top(own) == top(theirs));
        described.extend([1.0, log(far), apart, own[class], theirs[class], alike, nearer]);
    }
    described.resize(LABELS * RELATION, 0.0);
    described
}

fn distance(inputs: MatrixView<'_>, a: u32, b: u32) -> f32 {
    let squares = inputs.row(a as usize).iter().zip(inputs.row(b as usize)).map(|(x, y)| (x - y).powi(2));
    squares.sum::<f32>().sqrt()
}

/// The place of the largest value, the first of equals.
fn top(values: &[f32]) -> usize {
    (1..values.len()).fold(0, |best, at| if values[at] > values[best] { at } else { best })
}

/// The same states with the policy's features alone.
fn narrowed(states: &[LabelledState]) -> Vec<LabelledState> {
    let width = SCHEMA.candidate.len();
    let narrow = |state: &LabelledState| {
        let seen = &state.observation;
        let rows = (0..seen.features.rows()).flat_map(|row| seen.features.row(row)[..width].to_vec());
        let features = Matrix::new(rows.collect(), seen.features.rows(), width);
        LabelledState { observation: Observation { features, ..seen.clone() }, ..state.clone() }
    };
    states.iter().map(narrow).collect()
}

/// The linear scorer, as `policies/universal` is trained.
fn linear(training: &[LabelledState], ending: &[LabelledState], key: Key) -> Result<Network> {
    let shape = NetworkConfig { kind: Kind::Linear, ..NetworkConfig::default() };
    let untrained = Network::new(shape, SCHEMA.candidate.len(), SCHEMA.global.len(), key)?;
    let config = ImitationConfig::default();
    Ok(imitate(untrained, &narrowed(training), &narrowed(ending), &config, &Forgetful, key)?.0)
}

/// Attention from candidates to labelled rows, beside a linear term.
#[derive(Module, Debug)]
struct Attending {
    /// From products of a candidate's features and the globals.
    skip: Linear,
    /// From a pair's relation and the candidate's features.
    relation: Linear,
    candidate: Linear,
    /// The weight of a pair in each head, and what it passes on.
    weight: Linear,
    value: Linear,
    /// From what was gathered, the candidate and the globals; `score` starts at zero.
    gathered: Linear,
    own: Linear,
    shared: Linear,
    score: Linear,
}

/// States in tensors, padded to [`CANDIDATES`].
struct Batch {
    /// `[S, M, F]`, `[S, 1 + G]`, `[S · M · L, R]`, and over the candidates of a state `[S, M]`: 0 for one and [`BARRED`] for padding;
    /// the distribution to learn.
    features: Tensor<3>,
    globals: Tensor<2>,
    relations: Tensor<2>,
    barred: Tensor<2>,
    target: Tensor<2>,
}

impl Batch {
    /// `spread` is the standard deviation of gains within the task of a state.
    fn new(states: &[&LabelledState], spread: &dyn Fn(u32) -> f32, seeing: bool, device: &Device) -> Self {
        let (s, f, g) = (states.len(), SCHEMA.candidate.len(), SCHEMA.global.len());
        let temperature = ImitationConfig::default().temperature;
        let mut features = vec![0.0; s * CANDIDATES * f];
        let mut relations = vec![0.0; s * CANDIDATES * LABELS * RELATION];
        let (mut barred, mut target) = (vec![BARRED; s * CANDIDATES], vec![0.0; s * CANDIDATES]);
        let mut globals = Vec::with_capacity(s * (g + 1));
        for (at, state) in states.iter().enumerate() {
            let first = at * CANDIDATES;
            globals.push(1.0);
            globals.extend_from_slice(&state.observation.globals);
            let best = state.gains.iter().fold(f32::MIN, |a, &b| a.max(b));
            let scale = temperature * spread(state.task).max(1e-9);
            let odds: Vec<f32> = state.gains.iter().map(|gain| ((gain - best) / scale).exp()).collect();
            let sum: f32 = odds.iter().sum();
            for (row, odds) in odds.iter().enumerate() {
                let values = state.observation.features.row(row);
                features[(first + row) * f..][..f].copy_from_slice(&values[..f]);
                if seeing {
                    let width = LABELS * RELATION;
                    relations[(first + row) * width..][..width].copy_from_slice(&values[f..]);
                }
                barred[first + row] = 0.0;
                target[first + row] = odds / sum;
            }
        }
        let two = |values: Vec<f32>, rows: usize, cols: usize| {
            Tensor::<2>::from_data(TensorData::new(values, [rows, cols]), device)
        };
        Self {
            features: two(features, s * CANDIDATES, f).reshape([s, CANDIDATES, f]),
            globals: two(globals, s, g + 1),
            relations: two(relations, s * CANDIDATES * LABELS, RELATION),
            barred: two(barred, s, CANDIDATES),
            target: two(target, s, CANDIDATES),
        }
    }
}

impl Attending {
    fn new(start: &Matrix, device: &Device) -> Self {
        let (f, g) = (SCHEMA.candidate.len(), SCHEMA.global.len() + 1);
        let layer = |inputs, outputs| LinearConfig::new(inputs, outputs).init(device);
        let plain = |inputs, outputs| LinearConfig::new(inputs, outputs).with_bias(false).init(device);
        let mut skip: Linear = plain(g, f);
        // `[G + 1, F]`: what each feature's slope is by the globals.
        let slopes: Vec<f32> =
            (0..g).flat_map(|column| (0..f).map(move |row| start.row(row)[column])).collect();
        skip.weight = Param::from_tensor(Tensor::<2>::from_data(TensorData::new(slopes, [g, f]), device));
        let mut score: Linear = plain(HIDDEN, 1);
        score.weight = Param::from_tensor(Tensor::<2>::zeros([HIDDEN, 1], device));
        Self {
            skip,
            relation: layer(RELATION, PAIR),
            candidate: plain(f, PAIR),
            weight: plain(PAIR, HEADS),
            value: plain(PAIR, HEADS * PAIR / 2),
            gathered: plain(HEADS * PAIR / 2, HIDDEN),
            own: plain(f, HIDDEN),
            shared: plain(g, HIDDEN),
            score,
        }
    }

    /// Scores `[S, M]`.
    fn scores(&self, batch: &Batch) -> Tensor<2> {
        let [s, m, f] = batch.features.dims();
        let slopes = self.skip.forward(batch.globals.clone()).reshape([s, 1, f]);
        let linear = (batch.features.clone() * slopes).sum_dim(2).reshape([s, m]);
        let rows = batch.features.clone().reshape([s * m, f]);
        let of_candidate = self.candidate.forward(rows.clone()).reshape([s * m, 1, PAIR]);
        let pairs = self.relation.forward(batch.relations.clone()).reshape([s * m, LABELS, PAIR]);
        let pairs = relu(pairs + of_candidate).reshape([s * m * LABELS, PAIR]);
        let padding = batch.relations.clone().narrow(1, 0, 1).reshape([s * m, LABELS, 1]);
        let padding = (padding.neg() + 1.0).mul_scalar(BARRED);
        let weights = self.weight.forward(pairs.clone()).reshape([s * m, LABELS, HEADS]) + padding;
        let weights = softmax(weights, 1).reshape([s * m, LABELS, HEADS, 1]);
        let values = self.value.forward(pairs).reshape([s * m, LABELS, HEADS, PAIR / 2]);
        let gathered = (values * weights).sum_dim(1).reshape([s * m, HEADS * PAIR / 2]);
        let hidden = self.gathered.forward(gathered).reshape([s, m, HIDDEN])
            + self.own.forward(rows).reshape([s, m, HIDDEN])
            + self.shared.forward(batch.globals.clone()).reshape([s, 1, HIDDEN]);
        let further = self.score.forward(relu(hidden).reshape([s * m, HIDDEN])).reshape([s, m]);
        linear + further + batch.barred.clone()
    }

    /// Mean cross-entropy to the distribution to learn.
    fn loss(&self, batch: &Batch) -> Tensor<1> {
        let states = batch.target.dims()[0] as f32;
        (log_softmax(self.scores(batch), 1) * batch.target.clone()).sum().neg().div_scalar(states)
    }
}

/// The share of the best gain that the trained network has on each of `judged`; without `seeing` all relations are zero.
fn trained(
    training: &[LabelledState],
    ending: &[LabelledState],
    judged: &[&[LabelledState]],
    start: &Matrix,
    seeing: bool,
    key: Key,
) -> Vec<f64> {
    let device = Device::flex().autodiff();
    device.seed(53);
    let mut network = Attending::new(start, &device);
    let mut optimiser = AdamWConfig::new().with_weight_decay(1e-3).init();
    let spreads = spreads(training.iter().chain(ending));
    let spread = |task: u32| spreads[&task];
    let mut best = (f32::MAX, 0, network.clone());
    for epoch in 0..=EPOCHS {
        if epoch > 0 {
            let mut order: Vec<&LabelledState> = training.iter().collect();
            order.shuffle(&mut key.named("order").at(epoch as u64).rng());
            for states in order.chunks(MINIBATCH) {
                let loss = network.loss(&Batch::new(states, &spread, seeing, &device));
                let gradients = GradientsParams::from_grads(loss.backward(), &network);
                network = optimiser.step(2e-3, network, gradients);
            }
        }
        let (mut sum, mut count) = (0.0, 0.0);
        for states in ending.chunks(MINIBATCH) {
            let states: Vec<&LabelledState> = states.iter().collect();
            let loss = values(network.loss(&Batch::new(&states, &spread, seeing, &device)))[0];
            sum += loss * states.len() as f32;
            count += states.len() as f32;
        }
        eprintln!("epoch {epoch}: loss {:.4} on the tasks that end training", sum / count);
        if sum / count < best.0 {
            best = (sum / count, epoch, network.clone());
        } else if epoch - best.1 >= PATIENCE {
            break;
        }
    }
    let network = best.2;
    judged.iter().map(|states| captured(&network, states, seeing, &device)).collect()
}

/// The standard deviation of the gains of each task, centred within states.
fn spreads<'a>(states: impl Iterator<Item = &'a LabelledState>) -> std::collections::BTreeMap<u32, f32> {
    let mut sums = std::collections::BTreeMap::<u32, (f32, f32)>::new();
    for state in states {
        let mean = state.gains.iter().sum::<f32>() / state.gains.len() as f32;
        let sum = sums.entry(state.task).or_default();
        sum.0 += state.gains.iter().map(|gain| (gain - mean).powi(2)).sum::<f32>();
        sum.1 += state.gains.len() as f32;
    }
    sums.into_iter().map(|(task, (squares, count))| (task, (squares / count).sqrt())).collect()
}

/// As [`agreement`] has it: gains of first choices over the best gains, each less the mean of its state, by the spread of the task.
fn captured(network: &Attending, states: &[LabelledState], seeing: bool, device: &Device) -> f64 {
    let spreads = spreads(states.iter());
    let (mut chosen, mut best) = (0.0, 0.0);
    for part in states.chunks(MINIBATCH) {
        let part: Vec<&LabelledState> = part.iter().collect();
        let scores = values(network.scores(&Batch::new(&part, &|task| spreads[&task], seeing, device)));
        for (state, scores) in part.iter().zip(scores.chunks_exact(CANDIDATES)) {
            let mean = state.gains.iter().sum::<f32>() / state.gains.len() as f32;
            let scale = f64::from(spreads[&state.task].max(1e-9));
            let first = top(&scores[..state.gains.len()]);
            let most = state.gains.iter().fold(f32::MIN, |a, &b| a.max(b));
            chosen += f64::from(state.gains[first] - mean) / scale;
            best += f64::from(most - mean) / scale;
        }
    }
    chosen / best
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().expect("the device computes in f32")
}
