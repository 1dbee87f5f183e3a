//! The classifier of a session: networks of the bank engine on the labels in hand, chosen out of fold among a linear
//! one, one with a hidden layer and, where one is searched for, the one that was found, and calibrated by a temperature.

use crate::arch::{ArchSpace, NetSpec, Point, Space};
use crate::data::{Matrix, MatrixView, argmax};
use crate::error::Result;
use crate::learner::{Bank, Learner, Loss, ModelData, Optimiser, Start, Stop, Temperature, TrainPlan};
use crate::query::Head;
use crate::rng::Key;
use rand::RngExt;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use serde::Serialize;
use std::fmt;

/// Parts that labels are divided into to be judged.
pub(super) const FOLDS: usize = 5;
/// Labels that are judged, at most; of more, some that are drawn at random.
const MAX_JUDGED: usize = 500;
/// Units of the hidden layer.
const HIDDEN: usize = 32;
/// Members whose mean the network with a hidden layer predicts by.
const MEMBERS: usize = 5;
/// Rows per mini-batch.
const BATCH: usize = 64;
/// Gradient steps and epochs, of which the larger number is made.
const STEPS: usize = 200;
const EPOCHS: usize = 20;
/// Rows that are predicted at a time.
const BLOCK: usize = 4096;

/// Which classifier it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Ridge logistic regression.
    Linear,
    /// A network with one hidden layer.
    Mlp,
    /// The network that an architecture search found.
    Searched,
}

impl Kind {
    fn words(self) -> &'static str {
        match self {
            Kind::Linear => "linear",
            Kind::Mlp => "one hidden layer",
            Kind::Searched => "searched",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

/// A network, whatever the numbers of a row and the classes.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Net {
    Linear,
    Hidden,
    Found { space: ArchSpace, point: Point },
}

impl Net {
    pub fn kind(&self) -> Kind {
        match self {
            Net::Linear => Kind::Linear,
            Net::Hidden => Kind::Mlp,
            Net::Found { .. } => Kind::Searched,
        }
    }

    pub fn spec(&self, width: usize, classes: usize) -> Result<NetSpec> {
        match self {
            Net::Linear => Ok(NetSpec::mlp(width, &[], classes)?),
            Net::Hidden => Ok(NetSpec::mlp(width, &[HIDDEN], classes)?),
            Net::Found { space, point } => Ok(space.spec(point, width, classes)?),
        }
    }

    /// How it is trained on `rows` rows.
    pub fn plan(&self, rows: usize) -> TrainPlan {
        let (optimiser, learning_rate) = match self {
            Net::Linear => (Optimiser::Lbfgs { ridge: 1.0 }, 0.1),
            Net::Hidden | Net::Found { .. } => (Optimiser::Adam, 0.01),
        };
        let epochs = EPOCHS.max(STEPS / rows.div_ceil(BATCH).max(1)) as u32;
        TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser,
            learning_rate,
            weight_decay: 1e-4,
            batch: BATCH,
            drop_last: false,
            stop: Stop::Epochs { epochs },
            start: Start::Scratch,
        }
    }
}

/// Labels and what is known of them, in the order in which they were asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Labels<'a> {
    pub inputs: MatrixView<'a>,
    pub rows: &'a [u32],
    pub classes: &'a [u32],
    pub names: usize,
}

impl<'a> Labels<'a> {
    /// The labels at these places.
    fn part(&self, places: &[usize]) -> (Vec<u32>, Vec<u32>) {
        places.iter().map(|&at| (self.rows[at], self.classes[at])).unzip()
    }

    /// `count` networks of a shape on these labels; on resamples of them where `bootstrap` is set, the first excepted.
    fn networks(&self, net: &Net, count: usize, bootstrap: bool, key: Key) -> Result<Bank> {
        let mut bank = Bank::new(&net.spec(self.inputs.cols(), self.names)?, count)?;
        let resample = |member: usize| {
            let mut rng = key.named("resample").at(member as u64).rng();
            let places: Vec<usize> = match bootstrap && member > 0 {
                true => (0..self.rows.len()).map(|_| rng.random_range(0..self.rows.len())).collect(),
                false => (0..self.rows.len()).collect(),
            };
            self.part(&places)
        };
        let parts: Vec<(Vec<u32>, Vec<u32>)> = (0..count).map(resample).collect();
        let models: Vec<ModelData<'_>> = parts
            .iter()
            .map(|(rows, labels)| ModelData {
                inputs: self.inputs,
                rows,
                labels,
                validation: (&[], &[]),
                extra: None,
            })
            .collect();
        let keys: Vec<Key> = (0..count as u64).map(|member| key.named("member").at(member)).collect();
        bank.fit(&models, &net.plan(self.rows.len()), &keys)?;
        Ok(bank)
    }
}

/// What a network says of labels that it was not trained on.
#[derive(Clone, Debug)]
pub(super) struct OutOfFold {
    pub net: Net,
    /// Places among the labels.
    pub places: Vec<usize>,
    /// Logits of these labels, `[places, classes]`.
    pub logits: Matrix,
    /// How many of them are right.
    pub right: usize,
}

impl OutOfFold {
    /// The share of right ones.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.places.len().max(1) as f64
    }

    /// Judges a network; `None` where there are fewer than two labels per part or one class alone.
    pub fn of(labels: &Labels<'_>, net: Net, key: Key) -> Result<Option<Self>> {
        let several = labels.classes.iter().any(|class| *class != labels.classes[0]);
        if labels.rows.len() < 2 * FOLDS || !several {
            return Ok(None);
        }
        let mut places: Vec<usize> = (0..labels.rows.len()).collect();
        places.shuffle(&mut key.named("folds").rng());
        places.truncate(MAX_JUDGED);
        // Class by class, so that each part has its share of every class.
        places.sort_by_key(|&at| labels.classes[at]);
        let logits = held_out(labels, &net, &places, usize::MAX, key)?;
        let right = right(labels, &places, &logits);
        Ok(Some(Self { net, places, logits, right }))
    }

    /// Labels that each part was predicted by.
    pub fn trained_on(&self) -> usize {
        self.places.len() - self.places.len().div_ceil(FOLDS)
    }

    /// How many of the same labels would be right with `size` labels to train on.
    pub fn on_fewer(&self, labels: &Labels<'_>, size: usize, key: Key) -> Result<usize> {
        let logits = held_out(labels, &self.net, &self.places, size, key)?;
        Ok(right(labels, &self.places, &logits))
    }
}

fn right(labels: &Labels<'_>, places: &[usize], logits: &Matrix) -> usize {
    (0..places.len()).filter(|&at| argmax(logits.row(at)) == labels.classes[places[at]] as usize).count()
}

/// Logits of the labels at `places`, each by a network that was trained on `size` of the other parts' labels at most.
fn held_out(labels: &Labels<'_>, net: &Net, places: &[usize], size: usize, key: Key) -> Result<Matrix> {
    let spec = net.spec(labels.inputs.cols(), labels.names)?;
    // Each part on a thread of its own: a network's result does not depend on its neighbours.
    let part = |part: usize| -> Result<Matrix> {
        let key = key.named("part").at(part as u64);
        let (held, mut kept): (Vec<_>, Vec<_>) =
            places.iter().enumerate().partition(|(at, _)| at % FOLDS == part);
        if size < kept.len() {
            kept.shuffle(&mut key.named("fewer").rng());
            kept.truncate(size);
        }
        let kept: Vec<usize> = kept.into_iter().map(|(_, &place)| place).collect();
        let (rows, classes) = labels.part(&kept);
        let data = ModelData {
            inputs: labels.inputs,
            rows: &rows,
            labels: &classes,
            validation: (&[], &[]),
            extra: None,
        };
        let mut bank = Bank::new(&spec, 1)?;
        bank.fit(&[data], &net.plan(rows.len()), &[key])?;
        let rows: Vec<u32> = held.into_iter().map(|(_, &at)| labels.rows[at]).collect();
        Ok(Learner::logits(&bank, 0, labels.inputs, Some(&rows)))
    };
    let parts: Vec<Matrix> = (0..FOLDS).into_par_iter().map(part).collect::<Result<_>>()?;
    let mut all = Matrix::zeros(places.len(), labels.names);
    for (part, logits) in parts.iter().enumerate() {
        for at in 0..logits.rows() {
            all.row_mut(part + at * FOLDS).copy_from_slice(logits.row(at));
        }
    }
    Ok(all)
}

/// How a network that was tried does on labels that it was not trained on.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    pub kind: Kind,
    /// Its layers: `64-32-10`.
    pub network: String,
    /// The share of labels that it is right about.
    pub accuracy: f64,
}

/// A trained classifier.
pub(super) struct Classifier {
    pub net: Net,
    bank: Bank,
    /// Networks whose mean is the prediction.
    members: usize,
    pub temperature: Temperature,
    /// How the network does on labels that it was not trained on; `None` for too few labels.
    pub judged: Option<OutOfFold>,
    /// The same of all that it was chosen from; none where none was judged.
    pub tried: Vec<Tried>,
}

impl Classifier {
    /// The classifier for these labels, of two classes at least: linear, with a hidden layer or, if one was found, `found`; a mean
    /// of `think` times as many networks.
    pub fn fit(labels: &Labels<'_>, found: Option<&Net>, think: usize, key: Key) -> Result<Self> {
        // The first of the best: what comes later must be right more often.
        let nets: Vec<(Net, Key)> = [(Net::Linear, key.named("linear")), (Net::Hidden, key.named("mlp"))]
            .into_iter()
            .chain(found.map(|net| (net.clone(), key.named("found"))))
            .collect();
        let judged: Vec<Option<OutOfFold>> =
            nets.into_par_iter().map(|(net, key)| OutOfFold::of(labels, net, key)).collect::<Result<_>>()?;
        let judged: Vec<OutOfFold> = judged.into_iter().flatten().collect();
        let tried = |one: &OutOfFold| -> Result<Tried> {
            let network = one.net.spec(labels.inputs.cols(), labels.names)?.to_string();
            Ok(Tried { kind: one.net.kind(), network, accuracy: one.accuracy() })
        };
        let tried = judged.iter().map(tried).collect::<Result<_>>()?;
        let judged =
            judged.into_iter().reduce(|best, other| if other.right > best.right { other } else { best });
        let net = judged.as_ref().map_or(Net::Linear, |judged| judged.net.clone());
        let temperature = match &judged {
            None => Temperature::default(),
            Some(judged) => {
                let classes: Vec<u32> = judged.places.iter().map(|&at| labels.classes[at]).collect();
                Temperature::fit(judged.logits.view(), &classes)?
            }
        };
        Ok(Self { temperature, judged, tried, ..Self::of(labels, net, think, key)? })
    }

    /// This network for these labels, neither judged nor calibrated.
    pub fn of(labels: &Labels<'_>, net: Net, think: usize, key: Key) -> Result<Self> {
        let members = if net == Net::Linear { 1 } else { MEMBERS * think };
        let bank = labels.networks(&net, members, false, key)?;
        let temperature = Temperature::default();
        Ok(Self { net, bank, members, temperature, judged: None, tried: Vec::new() })
    }

    /// Calibrated probabilities, `[rows, classes]`; of all rows of `inputs` without `rows`.
    pub fn probabilities(&self, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        let count = rows.map_or(inputs.rows(), <[u32]>::len);
        let classes = self.bank.spec().outputs();
        let mut all = Matrix::zeros(count, classes);
        all.values_mut().par_chunks_mut(BLOCK * classes).enumerate().for_each(|(block, out)| {
            let places = block * BLOCK..(block * BLOCK + out.len() / classes);
            let own: Vec<u32> = match rows {
                Some(rows) => rows[places].to_vec(),
                None => (places.start as u32..places.end as u32).collect(),
            };
            for member in 0..self.members {
                let logits = Learner::logits(&self.bank, member, inputs, Some(&own));
                for (at, out) in out.chunks_exact_mut(classes).enumerate() {
                    let probabilities = self.temperature.probabilities(logits.row(at));
                    out.iter_mut().zip(probabilities).for_each(|(sum, p)| *sum += p / self.members as f32);
                }
            }
        });
        all
    }

    /// Penultimate activations of the first network.
    pub fn embeddings(&self, inputs: MatrixView<'_>) -> Matrix {
        Learner::embeddings(&self.bank, 0, inputs, None)
    }

    /// The last layer of the first network.
    pub fn head(&self) -> Head {
        let (width, classes) = (self.bank.spec().embedding(), self.bank.spec().outputs());
        let weights = Learner::weights(&self.bank, 0);
        let (body, bias) = weights.split_at(weights.len() - classes);
        let last = &body[body.len() - width * classes..];
        let rows = (0..classes).flat_map(|class| (0..width).map(move |input| last[input * classes + class]));
        Head { weights: Matrix::new(rows.collect(), classes, width), bias: bias.to_vec() }
    }

    /// Probabilities under stochastic passes of the first network.
    pub fn passes(&self, inputs: MatrixView<'_>, count: usize, rate: f32, key: Key) -> Vec<Matrix> {
        Learner::passes(&self.bank, 0, inputs, None, count, rate, key)
    }

    /// Probabilities by the members of a committee on these labels.
    pub fn committee(
        &self,
        labels: &Labels<'_>,
        inputs: MatrixView<'_>,
        count: usize,
        bootstrap: bool,
        key: Key,
    ) -> Result<Vec<Matrix>> {
        let bank = labels.networks(&self.net, count, bootstrap, key)?;
        Ok((0..count).map(|member| Learner::probabilities(&bank, member, inputs, None)).collect())
    }
}
