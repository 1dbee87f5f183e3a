//! A trained network as a safetensors file: its tensors by name, its architecture beside them.

use crate::arch::{Block, NetSpec};
use safetensors::tensor::{Dtype, TensorView};
use std::collections::HashMap;

/// The key of the architecture, as JSON, among the file's metadata.
pub const ARCHITECTURE: &str = "architecture";

/// The tensors of a network in the order of its flat weights: name and shape. `block.N` counts hidden blocks
/// from zero; weights are `[fan_in, fan_out]`. A residual or convolutional block has `first`, `second` and, where
/// width or size change, `skip`; the last layer is `head`. The `fan_in` of a convolution are its nine places in one
/// plane after the other; the maps of an `encoder_decoder` have numbers, in the order in which they are passed. A normalised one has `gain`, `shift`, running `mean` and `variance` instead of a bias.
pub fn tensors(spec: &NetSpec) -> Vec<(String, Vec<usize>)> {
    let (mut tensors, mut last, mut part) = (Vec::new(), usize::MAX, 0);
    // A specification that was refused has no network to export.
    let _ = spec.walk(|at, map| {
        part = if at == last { part + 1 } else { 0 };
        last = at;
        let name = match spec.blocks().get(at) {
            None => "head".to_owned(),
            Some(Block::Residual { .. } | Block::Convolution { .. }) => {
                format!("block.{at}.{}", ["first", "second", "skip"][part])
            }
            Some(Block::EncoderDecoder { .. }) => format!("block.{at}.{part}"),
            Some(_) => format!("block.{at}"),
        };
        tensors.push((format!("{name}.weight"), vec![map.fan_in, map.fan_out]));
        if map.norm {
            for part in ["gain", "shift", "mean", "variance"] {
                tensors.push((format!("{name}.{part}"), vec![map.fan_out]));
            }
        }
        if map.bias {
            tensors.push((format!("{name}.bias"), vec![map.fan_out]));
        }
    });
    tensors
}

/// The bytes of a safetensors file with a network's weights, given in the order of [`Bank`](super::Bank).
///
/// # Panics
/// If their number is not the architecture's.
pub fn safetensors(spec: &NetSpec, weights: &[f32]) -> Vec<u8> {
    assert_eq!(weights.len(), spec.parameters(), "weights of the architecture");
    let bytes: Vec<u8> = weights.iter().flat_map(|value| value.to_le_bytes()).collect();
    let mut rest = bytes.as_slice();
    let views: Vec<(String, TensorView<'_>)> = tensors(spec)
        .into_iter()
        .map(|(name, shape)| {
            let (own, others) = rest.split_at(4 * shape.iter().product::<usize>());
            rest = others;
            (name, TensorView::new(Dtype::F32, shape, own).expect("values fill their shape"))
        })
        .collect();
    let architecture = serde_json::to_string(spec).expect("finite numbers");
    let metadata = HashMap::from([(ARCHITECTURE.to_owned(), architecture)]);
    safetensors::serialize(views, Some(metadata)).expect("distinct names and a small header")
}

#[cfg(test)]
mod tests {
    use super::super::bank::Bank;
    use super::*;
    use crate::arch::Image;
    use crate::rng::Key;
    use safetensors::SafeTensors;

    #[test]
    fn every_weight_stands_under_a_name_in_order() {
        let blocks =
            vec![Block::Dense { width: 5 }, Block::Residual { width: 5 }, Block::Residual { width: 7 }];
        let spec = NetSpec::new(4, blocks, 3, 0.0).unwrap();
        let mut bank = Bank::new(&spec, 1).unwrap();
        bank.init(0, Key::root(1));
        let weights = bank.weights(0);
        let file = safetensors(&spec, &weights);
        assert_eq!(file, safetensors(&spec, &weights));
        let read = SafeTensors::deserialize(&file).unwrap();
        let values = |name: &str| -> Vec<f32> {
            let chunks = read.tensor(name).unwrap().data().as_chunks::<4>().0.to_vec();
            chunks.into_iter().map(f32::from_le_bytes).collect()
        };
        assert_eq!(read.tensor("block.2.skip.weight").unwrap().shape(), [5, 7]);
        assert_eq!(values("block.0.weight"), weights[..20]);
        assert_eq!(values("head.bias"), weights[weights.len() - 3..]);
        let all: Vec<f32> = tensors(&spec).iter().flat_map(|(name, _)| values(name)).collect();
        assert_eq!(all, weights);
        assert_eq!(read.len(), tensors(&spec).len());
        let (_, metadata) = SafeTensors::read_metadata(&file).unwrap();
        let text = &metadata.metadata().as_ref().unwrap()[ARCHITECTURE];
        assert_eq!(serde_json::from_str::<NetSpec>(text).unwrap(), spec);
    }

    /// The maps of a network over pixels have names of their own, too.
    #[test]
    fn a_network_over_pixels_is_written_whole() {
        let image = Image { channels: 1, height: 8, width: 8 };
        let spec = NetSpec::new(64, vec![Block::EncoderDecoder { image, filters: 8 }], 64, 0.0).unwrap();
        let weights: Vec<f32> = (0..spec.parameters()).map(|at| at as f32).collect();
        let file = safetensors(&spec, &weights);
        let read = SafeTensors::deserialize(&file).unwrap();
        let named = tensors(&spec);
        assert_eq!(read.len(), named.len());
        let values = named.iter().flat_map(|(name, _)| {
            read.tensor(name).unwrap().data().as_chunks::<4>().0.iter().copied().map(f32::from_le_bytes)
        });
        assert_eq!(values.collect::<Vec<_>>(), weights);
    }
}
