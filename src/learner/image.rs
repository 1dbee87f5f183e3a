//! A network for images as burn computes it: convolutions over the flat weights of [`NetSpec`].
//!
//! Weights lie as those of vectors do, map after map as `[fan_in][fan_out]` and then the bias, where the
//! `fan_in` of a 3 x 3 convolution are the places of one plane after the other. There is no batch
//! normalisation: blocks begin near the identity because their weights are drawn small, which is enough for the
//! depths that a few hundred labels pay for.

use crate::arch::{Block, Image, NetSpec};
use burn::tensor::Tensor;
use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};

/// A map's weights `[fan_in, fan_out]`, and its bias if it has one.
pub(super) type Map = (Tensor<2>, Option<Tensor<1>>);

/// The plane means and whatever blocks come behind them, before and after the head: `maps` are the network's in
/// the order of [`NetSpec::walk`], `inputs` has shape `[rows, numbers]`, `mask` is what dropout leaves of
/// the plane means.
pub(super) fn forward(
    spec: &NetSpec,
    image: Image,
    maps: &mut dyn Iterator<Item = Map>,
    inputs: Tensor<2>,
    mask: Option<Tensor<2>>,
) -> (Tensor<2>, Tensor<2>) {
    let [rows, _] = inputs.dims();
    let mut next = || maps.next().expect("as many maps as the network has");
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
            Block::Convolution { filters, halve } => {
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
            Block::Dense { .. } => {
                let (weights, bias) = next();
                vector = vector.map(|own| relu(affine(own, weights, bias)));
            }
            Block::Residual { width } => {
                let (first, second) = (next(), next());
                vector = vector.map(|own| {
                    let inner = relu(affine(own.clone(), first.0, first.1));
                    let outer = affine(inner, second.0, second.1);
                    let skip = if own.dims()[1] == width { own } else { own.matmul(next().0) };
                    relu(skip + outer)
                });
            }
        }
    }
    let embedding = vector.expect("a checked network for images averages its planes");
    let (weights, bias) = next();
    (embedding.clone(), affine(embedding, weights, bias))
}

fn affine(inputs: Tensor<2>, weights: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    let sum = inputs.matmul(weights);
    match bias {
        Some(bias) => sum + bias.unsqueeze(),
        None => sum,
    }
}

/// A convolution with `side` x `side` places, padded so that a stride of one keeps the size.
fn convolve(planes: Tensor<4>, (weights, bias): Map, side: usize, stride: usize) -> Tensor<4> {
    let [fan_in, filters] = weights.dims();
    let channels = fan_in / (side * side);
    let kernel = weights.transpose().reshape([filters, channels, side, side]);
    let padding = side / 2;
    let options = ConvOptions::new([stride, stride], [padding, padding], [1, 1], 1);
    conv2d(planes, kernel, bias, options)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::learner::{
        Bank, BurnNet, DeviceKind, LaneData, Learner, Loss, Optimiser, Start, Stop, TrainPlan, networks,
    };
    use crate::rng::Key;
    use burn::tensor::{Device, TensorData};
    use rand::RngExt;

    fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    /// One plane of 2 x 2, a stem whose only weight is the middle one, twice its place, plus one; the mean; a
    /// head that takes it and its negative.
    #[test]
    fn a_network_by_hand() {
        let image = Image { channels: 1, height: 2, width: 2 };
        let blocks = vec![Block::Stem { image, filters: 1, pool: false }, Block::Average];
        let spec = NetSpec::new(4, blocks, 2, 0.0).unwrap();
        let mut middle = vec![0.0; 9];
        middle[4] = 2.0;
        let maps = vec![
            (tensor(middle, [9, 1]), Some(tensor(vec![1.0], [1]))),
            (tensor(vec![1.0, -1.0], [1, 2]), Some(tensor(vec![0.0, 0.5], [2]))),
        ];
        // relu(2 x + 1) of 0, 1, -3, 2 is 1, 3, 0, 5: a mean of 2.25.
        let inputs = tensor(vec![0.0, 1.0, -3.0, 2.0], [1, 4]);
        let (embedding, logits) = forward(&spec, image, &mut maps.into_iter(), inputs, None);
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
        let out = convolve(planes, (tensor(weights, [18, 1]), None), 3, 1);
        assert_eq!(out.to_data().try_to_vec::<f32>().unwrap(), [5.0, 16.0, 7.0, 38.0]);
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
            Block::Stem { image, filters: 6, pool: false },
            Block::Convolution { filters: 8, halve: true },
            Block::Average,
        ];
        let spec = NetSpec::new(64, blocks, 2, 0.0).unwrap();
        let ((inputs, labels), (held, truth)) = (bars(120, Key::root(1)), bars(200, Key::root(2)));
        let rows: Vec<u32> = (0..120).collect();
        let data = LaneData { inputs: inputs.view(), rows: &rows, labels: &labels, validation: (&[], &[]) };
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
    }
}
