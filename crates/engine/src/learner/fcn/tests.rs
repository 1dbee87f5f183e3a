//! Networks over pixels against finite differences in 64 bits.

use super::learner::draw;
use super::network::{Layout, Tape};
use super::training::{Module, objective};
use crate::arch::Image;
use crate::data::mask::mask_of;
use crate::learner::LossModule;
use crate::rng::Key;
use rand::RngExt;

/// Images and masks of an image whose sides are neither even nor equal.
fn batch(image: Image, count: usize) -> Vec<(Vec<f32>, Vec<u32>)> {
    let mut rng = Key::root(4).rng();
    let mut one = || {
        let values = (0..image.numbers()).map(|_| rng.random::<f32>() * 2.0 - 1.0).collect();
        let mask: Vec<bool> = (0..image.places()).map(|_| rng.random::<f32>() < 0.4).collect();
        (values, mask_of(&mask))
    };
    (0..count).map(|_| one()).collect()
}

/// The gradient of the objective at every parameter, with and without a module, which steers or does not.
#[test]
fn gradients_are_finite_differences() {
    let image = Image { channels: 2, height: 7, width: 10 };
    let layout = Layout::new(image, 8);
    let images = batch(image, 4);
    let batch: Vec<(&[f32], &[u32])> = images.iter().map(|(image, mask)| (&image[..], &mask[..])).collect();
    let module = Module::new(&layout, LossModule { width: 5, weight: 0.7, ..LossModule::default() });
    for (with_module, steers) in [(false, false), (true, true)] {
        let mut parameters: Vec<f64> = draw(&layout, Key::root(1)).into_iter().map(f64::from).collect();
        if with_module {
            module.taps.start(Key::root(2), &mut parameters);
        }
        let mut tapes: Vec<Tape<f64>> = Vec::new();
        let mut at = |parameters: &[f64], gradient: &mut [f64]| {
            let module = with_module.then_some((&module, steers));
            objective(&layout, module, parameters, &batch, &mut tapes, gradient).total
        };
        let (mut gradient, mut unused) = (vec![0.0; parameters.len()], vec![0.0; parameters.len()]);
        at(&parameters, &mut gradient);
        // Every parameter of the small maps, and every 47th of the others.
        let last = layout.parameters() - 40;
        let checked =
            (0..parameters.len()).filter(|place| place % 47 == 0 || (last..last + 60).contains(place));
        for place in checked {
            let mut moved = |by: f64| {
                let mut parameters = parameters.clone();
                parameters[place] += by;
                at(&parameters, &mut unused)
            };
            let expected = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            let found = gradient[place];
            assert!((found - expected).abs() < 1e-7, "{place}: {found} {expected}, module {with_module}");
        }
        assert!(gradient.iter().filter(|slope| **slope != 0.0).count() > parameters.len() / 2);
    }
}

/// Once the taps are detached, the module gives the network no gradient at all: what is left is that of the masks' loss, bit for bit.
#[test]
fn a_detached_module_does_not_move_the_network() {
    let image = Image { channels: 1, height: 8, width: 8 };
    let layout = Layout::new(image, 8);
    let images = batch(image, 6);
    let batch: Vec<(&[f32], &[u32])> = images.iter().map(|(image, mask)| (&image[..], &mask[..])).collect();
    let module = Module::new(&layout, LossModule::default());
    let mut parameters: Vec<f64> = draw(&layout, Key::root(1)).into_iter().map(f64::from).collect();
    let own = parameters.len();
    module.taps.start(Key::root(2), &mut parameters);
    let at = |module| {
        let mut gradient = vec![0.0; parameters.len()];
        objective::<f64>(&layout, module, &parameters, &batch, &mut Vec::new(), &mut gradient);
        gradient
    };
    let (without, detached, steered) = (at(None), at(Some((&module, false))), at(Some((&module, true))));
    assert_eq!(without[..own], detached[..own]);
    assert_ne!(without[..own], steered[..own]);
    assert!(without[own..].iter().all(|&slope| slope == 0.0));
    assert_eq!(detached[own..], steered[own..], "the module itself learns on");
    assert!(detached[own..].iter().any(|&slope| slope != 0.0));
}
