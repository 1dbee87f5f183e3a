//! A network for images as burn computes it: convolutions over the flat weights of [`NetSpec`].
//!
//! Weights lie as those of vectors do, map after map as `[fan_in][fan_out]` and then the bias, where the
//! `fan_in` of a 3 x 3 convolution are the places of one plane after the other. Without batch normalisation
//! blocks begin near the identity because their weights are drawn small; with it, in training, every plane
//! is brought to mean zero and variance one over the mini-batch and its places, and in inference by running
//! means of both.
//!
//! A mini-batch of a few rows says little about a plane, and one of a single row with one place left per plane
//! says nothing: all of its values become the shift, and the layers before learn nothing from it. Running means
//! move by a tenth per step, so that after a few dozen steps nothing is left of what they began with.

use crate::arch::{Augment, Block, Image, NetSpec, Smooth};
use crate::rng::Key;
use burn::tensor::Tensor;
use burn::tensor::activation::{gelu, relu, tanh};
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use rand::RngExt;

/// What is added to a variance before its root, as in PyTorch.
const EPSILON: f32 = 1e-5;
/// How far running means move per step, as in PyTorch.
const MOMENTUM: f32 = 0.1;

/// One map of the network.
pub(super) struct Map {
    /// `[fan_in, fan_out]`.
    pub weights: Tensor<2>,
    pub bias: Option<Tensor<1>>,
    pub norm: Option<Norm>,
}

/// The batch normalisation behind a map.
pub(super) struct Norm {
    pub gain: Tensor<1>,
    pub shift: Tensor<1>,
    pub running: Moments,
}

/// Means and variances of planes, without gradients.
#[derive(Clone, Debug)]
pub(super) struct Moments {
    pub mean: Tensor<1>,
    pub variance: Tensor<1>,
}

impl Moments {
    /// A step towards those of a mini-batch.
    pub fn follow(&self, batch: &Self) -> Self {
        let step = |old: &Tensor<1>, new: &Tensor<1>| old.clone() * (1.0 - MOMENTUM) + new.clone() * MOMENTUM;
        Self { mean: step(&self.mean, &batch.mean), variance: step(&self.variance, &batch.variance) }
    }
}

/// The plane means and whatever blocks come behind them, before and after the head: `maps` are the network's in
/// the order of [`NetSpec::walk`], `inputs` has shape `[rows, numbers]`, `mask` is what dropout leaves of
/// the plane means. In training, `seen` takes the moments of every normalised map; without it, the running ones
/// are used.
pub(super) fn forward(
    spec: &NetSpec,
    image: Image,
    maps: &mut dyn Iterator<Item = Map>,
    inputs: Tensor<2>,
    mask: Option<Tensor<2>>,
    mut seen: Option<&mut Vec<Moments>>,
) -> (Tensor<2>, Tensor<2>) {
    let [rows, _] = inputs.dims();
    let mut next = || maps.next().expect("as many maps as the network has");
    let mut convolve = |planes, map, side, stride| convolve(planes, map, side, stride, seen.as_deref_mut());
    let mut planes: Tensor<4> = inputs.reshape([rows, image.channels, image.height, image.width]);
    let mut vector: Option<Tensor<2>> = None;
    for block in spec.blocks() {
        match *block {
            Block::Stem { pool, .. } => {
                planes = relu(convolve(planes, next(), 3, 1));
                if pool {
                    let [_, _, height, width] = planes.dims();
                    planes = max_pool2d(planes, MaxPoolOptions::new([height.min(2), width.min(2)]));
                }
            }
            Block::Convolution { filters, halve, .. } => {
                let stride = if halve { 2 } else { 1 };
                let inner = relu(convolve(planes.clone(), next(), 3, stride));
                let outer = convolve(inner, next(), 3, 1);
                let changes = outer.dims() != planes.dims() || planes.dims()[1] != filters;
                let skip = if changes { convolve(planes, next(), 1, stride) } else { planes };
                planes = relu(skip + outer);
            }
            Block::Average => {
                let [rows, channels, height, width] = planes.dims();
                let means = planes.clone().reshape([rows, channels, height * width]).mean_dim(2);
                let means: Tensor<2> = means.reshape([rows, channels]);
                vector = Some(match &mask {
                    Some(mask) => means * mask.clone(),
                    None => means,
                });
            }
            Block::EncoderDecoder { .. } => unreachable!("networks over pixels are not burn's"),
            Block::Dense { .. } => {
                let map = next();
                vector = vector.map(|own| relu(affine(own, map)));
            }
            Block::Smooth { activation, .. } => {
                let map = next();
                vector = vector.map(|own| smooth(affine(own, map), activation));
            }
            Block::Residual { width } => {
                let (first, second) = (next(), next());
                vector = vector.map(|own| {
                    let inner = relu(affine(own.clone(), first));
                    let outer = affine(inner, second);
                    let skip = if own.dims()[1] == width { own } else { own.matmul(next().weights) };
                    relu(skip + outer)
                });
            }
        }
    }
    let embedding = vector.expect("a checked network for images averages its planes");
    let logits = affine(embedding.clone(), next());
    (embedding, logits)
}

/// The activation of a [`Block::Smooth`].
pub(super) fn smooth(sums: Tensor<2>, activation: Smooth) -> Tensor<2> {
    match activation {
        Smooth::Tanh => tanh(sums),
        Smooth::Gelu => gelu(sums),
    }
}

fn affine(inputs: Tensor<2>, map: Map) -> Tensor<2> {
    let sum = inputs.matmul(map.weights);
    match map.bias {
        Some(bias) => sum + bias.unsqueeze(),
        None => sum,
    }
}

/// A convolution with `side` x `side` places, padded so that a stride of one keeps the size; normalised where
/// the map says so.
fn convolve(
    planes: Tensor<4>,
    map: Map,
    side: usize,
    stride: usize,
    seen: Option<&mut Vec<Moments>>,
) -> Tensor<4> {
    let [fan_in, filters] = map.weights.dims();
    let channels = fan_in / (side * side);
    let kernel = map.weights.transpose().reshape([filters, channels, side, side]);
    let padding = side / 2;
    let options = ConvOptions::new([stride, stride], [padding, padding], [1, 1], 1);
    let planes = conv2d(planes, kernel, map.bias, options);
    match map.norm {
        Some(norm) => normalise(planes, norm, seen),
        None => planes,
    }
}

/// Batch normalisation (Ioffe & Szegedy, ICML 2015): by the mini-batch in training, whose moments go to `seen`
/// (the variance unbiased, as in PyTorch); by the running moments without it.
fn normalise(planes: Tensor<4>, norm: Norm, seen: Option<&mut Vec<Moments>>) -> Tensor<4> {
    let [rows, filters, height, width] = planes.dims();
    let wide = |each: Tensor<1>| each.reshape([1, filters, 1, 1]);
    let (centred, variance) = match seen {
        Some(seen) => {
            let over = |all: Tensor<4>| all.mean_dim(0).mean_dim(2).mean_dim(3);
            let mean = over(planes.clone());
            let centred = planes - mean.clone();
            let variance = over(centred.clone().square());
            let count = (rows * height * width) as f32;
            let flat = |each: &Tensor<4>| each.clone().inner().reshape([filters]);
            let unbiased = flat(&variance) * (count / (count - 1.0).max(1.0));
            seen.push(Moments { mean: flat(&mean), variance: unbiased });
            (centred, variance)
        }
        None => (planes - wide(norm.running.mean), wide(norm.running.variance)),
    };
    centred / (variance + EPSILON).sqrt() * wide(norm.gain) + wide(norm.shift)
}

/// Images of a mini-batch as [`Augment`] varies them, each from its own draw of `key`.
pub(super) fn augmented(rows: &[&[f32]], image: Image, augment: Augment, key: Key) -> Vec<f32> {
    let mut out = vec![0.0; rows.len() * image.numbers()];
    let span = augment.shift.min(image.height.max(image.width)) as i64;
    for (at, (row, to)) in rows.iter().zip(out.chunks_exact_mut(image.numbers().max(1))).enumerate() {
        let mut rng = key.at(at as u64).rng();
        let (down, right) = (rng.random_range(-span..=span), rng.random_range(-span..=span));
        let mirrored = augment.flip && rng.random::<bool>();
        let inside = |from: i64, side: usize| usize::try_from(from).ok().filter(|&from| from < side);
        for line in 0..image.channels * image.height {
            let (channel, y) = (line / image.height, line % image.height);
            let Some(source) = inside(y as i64 - down, image.height) else { continue };
            let start = (channel * image.height + source) * image.width;
            let own = &row[start..start + image.width];
            for x in 0..image.width {
                let Some(source) = inside(x as i64 - right, image.width) else { continue };
                let source = if mirrored { image.width - 1 - source } else { source };
                to[line * image.width + x] = own[source];
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, MatrixView};
    use crate::learner::{
        Bank, BurnNet, DeviceKind, Learner, Loss, ModelData, Optimiser, Start, Stop, TrainPlan, networks,
    };
    use burn::tensor::{Device, TensorData};

    fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    fn map(weights: Tensor<2>, bias: Option<Tensor<1>>) -> Map {
        Map { weights, bias, norm: None }
    }

    /// One plane of 2 x 2, a stem whose only weight is the middle one, twice its place, plus one; the mean; a
    /// head that takes it and its negative.
    #[test]
    fn a_network_by_hand() {
        let image = Image { channels: 1, height: 2, width: 2 };
        let blocks = vec![
            Block::Stem { image, filters: 1, pool: false, norm: false, augment: Augment::default() },
            Block::Average,
        ];
        let spec = NetSpec::new(4, blocks, 2, 0.0).unwrap();
        let mut middle = vec![0.0; 9];
        middle[4] = 2.0;
        let maps = vec![
            map(tensor(middle, [9, 1]), Some(tensor(vec![1.0], [1]))),
            map(tensor(vec![1.0, -1.0], [1, 2]), Some(tensor(vec![0.0, 0.5], [2]))),
        ];
        // relu(2 x + 1) of 0, 1, -3, 2 is 1, 3, 0, 5: a mean of 2.25.
        let inputs = tensor(vec![0.0, 1.0, -3.0, 2.0], [1, 4]);
        let (embedding, logits) = forward(&spec, image, &mut maps.into_iter(), inputs, None, None);
        assert_eq!(embedding.to_data().try_to_vec::<f32>().unwrap(), [2.25]);
        assert_eq!(logits.to_data().try_to_vec::<f32>().unwrap(), [2.25, -1.75]);
    }

    /// A convolution sums the neighbours that its weights name, in the documented order: weights of the second
    /// plane come after all of the first's.
    #[test]
    fn weights_lie_plane_after_plane() {
        let mut weights = vec![0.0; 18];
        // The left neighbour in the first plane, the place itself in the second.
        weights[3] = 10.0;
        weights[9 + 4] = 1.0;
        let planes = tensor((1..=8).map(|v| v as f32).collect(), [1, 2, 2, 2]);
        let out = convolve(planes, map(tensor(weights, [18, 1]), None), 3, 1, None);
        assert_eq!(out.to_data().try_to_vec::<f32>().unwrap(), [5.0, 16.0, 7.0, 38.0]);
    }

    /// Two images of one plane with the values 0, 2 and 4, 6: mean 3, variance 5. Normalised they are
    /// (-3, -1, 1, 3) / sqrt(5); the gain doubles, the shift adds one. What is kept is a tenth of the way
    /// from (0, 1) to the mean and the unbiased variance 20 / 3; inference goes by what is kept.
    #[test]
    fn normalisation_by_hand() {
        let one = |value: f32| tensor(vec![value], [1]);
        let norm = |running: &Moments| Norm { gain: one(2.0), shift: one(1.0), running: running.clone() };
        let device = Device::flex().autodiff();
        let planes = |values: &[f32]| -> Tensor<4> {
            Tensor::from_data(TensorData::new(values.to_vec(), [values.len() / 2, 1, 1, 2]), &device)
        };
        let close = |found: Tensor<4>, expected: &[f32]| {
            let found = found.to_data().try_to_vec::<f32>().unwrap();
            assert_eq!(found.len(), expected.len());
            for (a, b) in found.iter().zip(expected) {
                assert!((a - b).abs() < 1e-4, "{found:?} {expected:?}");
            }
        };
        let start = Moments { mean: one(0.0), variance: one(1.0) };
        let inner = |norm: Norm| Norm {
            gain: Tensor::from_inner(norm.gain),
            shift: Tensor::from_inner(norm.shift),
            ..norm
        };
        let mut seen = Vec::new();
        let out = normalise(planes(&[0.0, 2.0, 4.0, 6.0]), inner(norm(&start)), Some(&mut seen));
        let root = 5.0f32.sqrt();
        close(out, &[1.0 - 6.0 / root, 1.0 - 2.0 / root, 1.0 + 2.0 / root, 1.0 + 6.0 / root]);
        let kept = start.follow(&seen[0]);
        let value = |each: &Tensor<1>| each.to_data().try_to_vec::<f32>().unwrap()[0];
        assert!((value(&kept.mean) - 0.3).abs() < 1e-6);
        assert!((value(&kept.variance) - (0.9 + 2.0 / 3.0)).abs() < 1e-6);
        let read = Tensor::from_data(TensorData::new(vec![0.3f32, 1.3], [1, 1, 1, 2]), &Device::flex());
        close(normalise(read, norm(&kept), None), &[1.0, 1.0 + 2.0 / (0.9f32 + 2.0 / 3.0).sqrt()]);
        // A single row with a single place: the shift alone, and a variance that is a number.
        let lone = Tensor::from_data(TensorData::new(vec![7.0f32], [1, 1, 1, 1]), &device);
        let mut seen = Vec::new();
        close(normalise(lone, inner(norm(&start)), Some(&mut seen)), &[1.0]);
        assert_eq!((value(&seen[0].mean), value(&seen[0].variance)), (7.0, 0.0));
    }

    /// A plane of 2 x 3. Every variation is one of the nine shifts by one, mirrored or not, and all of them come
    /// up; the same key gives the same again.
    #[test]
    fn augmented_images_are_moved_and_mirrored() {
        let image = Image { channels: 1, height: 2, width: 3 };
        let own: Vec<f32> = (1..=6).map(|value| value as f32).collect();
        let rows = vec![own.as_slice(); 400];
        let augment = Augment { shift: 1, flip: true };
        let all = augmented(&rows, image, augment, Key::root(1));
        assert_eq!(all, augmented(&rows, image, augment, Key::root(1)));
        let mut found: Vec<Vec<u32>> =
            all.chunks(6).map(|one| one.iter().map(|&value| value as u32).collect()).collect();
        found.sort();
        found.dedup();
        assert_eq!(found.len(), 18);
        for wanted in [[1, 2, 3, 4, 5, 6], [3, 2, 1, 6, 5, 4], [0, 0, 0, 0, 1, 2], [2, 1, 0, 5, 4, 0]] {
            assert!(found.contains(&wanted.to_vec()), "{wanted:?}");
        }
        let still = augmented(&rows, image, Augment { shift: 0, flip: false }, Key::root(1));
        assert_eq!(still[..6], own);
    }

    /// Bars of three places, upright or lying, anywhere in 8 x 8 places of noise: no place tells the classes
    /// apart, so that a linear classifier is at chance, and a small convolution is not.
    fn bars(count: usize, key: Key) -> (Matrix, Vec<u32>) {
        let mut rng = key.rng();
        let mut values = Vec::with_capacity(64 * count);
        let labels: Vec<u32> = (0..count as u32).map(|at| at % 2).collect();
        for label in &labels {
            let mut image = [0.0f32; 64];
            image.iter_mut().for_each(|value| *value = rng.random_range(-0.3..0.3));
            let (row, column) = (rng.random_range(0..6), rng.random_range(0..6));
            for step in 0..3 {
                let at = if *label == 0 { 8 * (row + step) + column } else { 8 * row + column + step };
                image[at] += 1.5;
            }
            values.extend(image);
        }
        (Matrix::new(values, count, 64), labels)
    }

    #[test]
    fn learns_what_no_single_place_tells() {
        let image = Image { channels: 1, height: 8, width: 8 };
        let blocks = vec![
            Block::Stem { image, filters: 6, pool: false, norm: false, augment: Augment::default() },
            Block::Convolution { filters: 8, halve: true, norm: false },
            Block::Average,
        ];
        let spec = NetSpec::new(64, blocks, 2, 0.0).unwrap();
        let ((inputs, labels), (held, truth)) = (bars(120, Key::root(1)), bars(200, Key::root(2)));
        let rows: Vec<u32> = (0..120).collect();
        let data = ModelData {
            inputs: inputs.view(),
            rows: &rows,
            labels: &labels,
            validation: (&[], &[]),
            extra: None,
        };
        let plan = TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 0.01,
            weight_decay: 0.0,
            batch: 24,
            drop_last: false,
            stop: Stop::Epochs { epochs: 30 },
            start: Start::Scratch,
        };
        let fitted = |spec: &NetSpec, seed| {
            let mut net = networks(spec, 1, DeviceKind::Cpu).unwrap();
            let report = net.fit(&[data], &plan, &[Key::root(seed)]).unwrap()[0];
            assert_eq!((report.steps, report.diverged_at), (150, None));
            net
        };
        let net = fitted(&spec, 3);
        assert_eq!(net.weights(0).len(), spec.parameters());
        assert_passes(&*net, held.view());
        let (probabilities, embeddings) =
            (net.probabilities(0, held.view(), None), net.embeddings(0, held.view(), None));
        assert_eq!((probabilities.rows(), probabilities.cols()), (200, 2));
        assert_eq!((embeddings.rows(), embeddings.cols()), (200, 8));
        let linear = fitted(&NetSpec::mlp(64, &[], 2).unwrap(), 3);
        let [own, other] = [&net, &linear].map(|net| net.accuracy(0, held.view(), &truth));
        assert!(own > 0.95 && other < 0.8, "{own} {other}");
        // The same bits again, and the weights that are taken out are those that are put back.
        assert_eq!(fitted(&spec, 3).weights(0), net.weights(0));
        let mut copy = BurnNet::new(&spec, 1, Device::flex()).unwrap();
        copy.set_weights(0, &net.weights(0)).unwrap();
        assert_eq!(copy.probabilities(0, held.view(), None), probabilities);
        assert!(Bank::new(&spec, 1).is_err(), "no convolutions there");
        // The same with normalised maps and varied images; what inference goes by is among the weights.
        let blocks: Vec<Block> = spec
            .blocks()
            .iter()
            .map(|block| match *block {
                Block::Stem { image, filters, pool, .. } => {
                    let augment = Augment { shift: 1, flip: false };
                    Block::Stem { image, filters, pool, norm: true, augment }
                }
                Block::Convolution { filters, halve, .. } => {
                    Block::Convolution { filters, halve, norm: true }
                }
                other => other,
            })
            .collect();
        let normal = NetSpec::new(64, blocks, 2, 0.2).unwrap();
        let net = fitted(&normal, 3);
        assert_eq!(fitted(&normal, 3).weights(0), net.weights(0));
        let accuracy = net.accuracy(0, held.view(), &truth);
        assert!(accuracy > 0.95, "{accuracy}");
        let mut copy = BurnNet::new(&normal, 1, Device::flex()).unwrap();
        copy.adopt(0, &*net, 0).unwrap();
        assert_eq!(copy.weights(0), net.weights(0));
        assert_eq!(copy.probabilities(0, held.view(), None), net.probabilities(0, held.view(), None));
        assert_passes(&*net, held.view());
    }

    /// Passes differ where there is dropout, and come again from their key.
    fn assert_passes(net: &dyn Learner, inputs: MatrixView<'_>) {
        let at = |rate, seed| net.passes(0, inputs, Some(&[3, 1]), 3, rate, Key::root(seed));
        let passes = |seed| at(net.spec().dropout(), seed);
        let (own, plain) = (passes(1), net.probabilities(0, inputs, Some(&[3, 1])));
        assert_eq!((own.len(), own[0].rows(), own[0].cols()), (3, 2, 2));
        assert_eq!(own, passes(1));
        assert_eq!(own == vec![plain.clone(); 3], net.spec().dropout() == 0.0);
        // The rate of a pass is not that of training.
        assert!(at(0.5, 1).iter().all(|pass| *pass != plain));
        assert_eq!(at(0.0, 1), vec![plain; 3]);
    }
}
