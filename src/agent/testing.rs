//! Made-up observations and networks for this layer's tests.

use super::network::{Network, NetworkConfig};
use crate::data::{Matrix, RowId};
use crate::episode::Observation;
use crate::rng::Key;
use rand::RngExt;

/// `m` candidates with uniform features in `[-1, 1]`.
pub(super) fn observation(m: usize, features: usize, globals: usize, key: Key) -> Observation {
    let mut rng = key.rng();
    let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect::<Vec<_>>();
    Observation {
        candidates: (0..m as u32).map(|i| RowId(3 * i + 1)).collect(),
        features: Matrix::new(draw(m * features), m, features),
        globals: draw(globals),
    }
}

/// A network none of whose weights is zero.
pub(super) fn random_network(config: NetworkConfig, features: usize, globals: usize, key: Key) -> Network {
    let mut network = Network::new(config, features, globals, key).unwrap();
    let mut rng = key.named("all").rng();
    for weight in network.weights_mut() {
        *weight += rng.random_range(-0.3f32..0.3);
    }
    network
}
