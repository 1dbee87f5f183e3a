//! Decisions by hand, bounds against their definition, and the behaviour that the papers claim.

use super::*;
use crate::stream::{Draws, Offer, rules};
use rand::RngExt;
use rayon::prelude::*;

const GAMMA: f64 = 0.25;
const TASK: Plateau = Plateau { steps: 24 };

/// `γ = 0.1`: known to be near one half, not known, known to be above it.
#[test]
fn three_worked_decisions() {
    let of = |low, high| judge(low, high, (low + high) / 2.0, Some(0.1));
    assert_eq!((of(0.47, 0.53).verdict, of(0.47, 0.53).query), (Verdict::Abstain, false));
    assert_eq!((of(0.45, 0.75).verdict, of(0.45, 0.75).query), (Verdict::One, true));
    assert_eq!((of(0.6, 0.8).verdict, of(0.6, 0.8).query), (Verdict::One, false));
    // Without abstention the first is asked about for ever.
    assert!(judge(0.47, 0.53, 0.5, None).query);
}

#[test]
fn the_inverse_is_that_of_the_sums() {
    let mut rng = Key::root(1).rng();
    let (d, ridge) = (7, 0.5);
    let mut head = Head::new(d, ridge).unwrap();
    let mut a = nalgebra::DMatrix::<f64>::identity(d, d) * ridge;
    let mut b = nalgebra::DVector::<f64>::zeros(d);
    for _ in 0..40 {
        let features: Vec<f64> = (0..d).map(|_| rng.random_range(-1.0..1.0)).collect();
        let label = rng.random();
        head.learn(&features, label);
        let column = nalgebra::DVector::from_row_slice(&features);
        a += &column * column.transpose();
        b += &column * if label { 0.5 } else { -0.5 };
    }
    let inverse = a.clone().try_inverse().unwrap();
    let features: Vec<f64> = (0..d).map(|_| rng.random_range(-1.0..1.0)).collect();
    let column = nalgebra::DVector::from_row_slice(&features);
    let leverage = (column.transpose() * &inverse * &column)[0];
    assert!((head.leverage(&features) - leverage).abs() < 1e-10);
    let estimate = 0.5 + (column.transpose() * &inverse * b)[0];
    assert!((head.estimate(&features) - estimate).abs() < 1e-10);
    assert_eq!(head.dimension(), d);
}

/// Who asks for labels.
#[derive(Clone, Copy, PartialEq)]
enum Who {
    Confident(Option<f64>),
    Ensemble,
    Passive,
    Margin,
}

/// After every epoch: labels so far, queries on the plateau in it, and what the learner comes to.
fn play(who: Who, epochs: u32, seed: u64) -> Vec<(u64, u64, Figures)> {
    let config = match who {
        Who::Confident(abstention) => NeuralCalConfig { abstention, ..NeuralCalConfig::default() },
        Who::Ensemble => {
            NeuralCalConfig { abstention: Some(GAMMA), members: 8, scale: 1.0, ..NeuralCalConfig::default() }
        }
        Who::Passive | Who::Margin => NeuralCalConfig::default(),
    };
    let mut learner = NeuralCal::new(config, TASK.dimension(), Key::root(seed).named("ensemble")).unwrap();
    let mut margin = rules::build("variable_uncertainty", 0.1).unwrap();
    let (mut found, mut flat) = (Vec::new(), 0);
    for at in 0..(1u64 << epochs) - 1 {
        let (cell, label) = TASK.row(at, Key::root(seed));
        let features = TASK.features(cell);
        let judged = learner.offer(&features);
        let confidence = judged.estimate.max(1.0 - judged.estimate);
        let asks = match who {
            Who::Confident(_) | Who::Ensemble => judged.query,
            Who::Passive => true,
            Who::Margin => {
                let offer = Offer::by_confidence(confidence, 2);
                margin.offer(&offer, &mut Draws::new(Key::root(seed).at(at))).keep
            }
        };
        if asks {
            flat += u64::from(TASK.is_flat(cell));
            learner.learn(&features, label);
        }
        if (at + 2).is_power_of_two() {
            found.push((learner.labels(), std::mem::take(&mut flat), TASK.figures(&learner, GAMMA)));
        }
    }
    found
}

/// With abstention, queries on the plateau die out; without, and by margin, they grow with the stream.
#[test]
fn a_plateau_at_one_half_is_not_asked_about_for_ever() {
    let flat = |who| -> Vec<u64> { play(who, 17, 3).iter().map(|&(_, flat, _)| flat).collect() };
    // The last epoch has some 20,000 rows on the plateau.
    for who in [Who::Confident(Some(GAMMA)), Who::Ensemble] {
        let with = flat(who);
        assert!(with[..13].iter().sum::<u64>() > 100 && with[15..] == [0, 0], "{with:?}");
    }
    for who in [Who::Confident(None), Who::Margin] {
        let without = flat(who);
        assert!(without[16] > 2_000 && without[16] > 3 * without[14] / 2, "{without:?}");
    }
}

/// R² of a straight line through points.
fn straightness(points: &[(f64, f64)]) -> f64 {
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let sum = |f: &dyn Fn(&(f64, f64)) -> f64| points.iter().map(f).sum::<f64>();
    let (xy, xx, yy) =
        (sum(&|p| (p.0 - mx) * (p.1 - my)), sum(&|p| (p.0 - mx).powi(2)), sum(&|p| (p.1 - my).powi(2)));
    xy * xy / (xx * yy)
}

/// Labels against log(1 / lost), means over streams, over the last five doublings.
fn course(who: Who) -> Vec<(f64, f64)> {
    let runs: Vec<_> = (0..6u64).into_par_iter().map(|seed| play(who, 17, seed)).collect();
    let mean = |at: usize, of: &dyn Fn(&(u64, u64, Figures)) -> f64| {
        runs.iter().map(|run| of(&run[at])).sum::<f64>() / runs.len() as f64
    };
    (11..17).map(|at| (-mean(at, &|p| p.2.lost).ln(), mean(at, &|p| p.0 as f64))).collect()
}

#[test]
fn labels_grow_with_the_logarithm_of_what_is_still_wrong() {
    let active = course(Who::Confident(Some(GAMMA)));
    let passive = course(Who::Passive);
    assert!(straightness(&active) > 0.9, "{} {active:?}", straightness(&active));
    assert!(straightness(&passive) < straightness(&active), "{} {passive:?}", straightness(&passive));
    assert!(active[5].1 < passive[5].1 / 10.0, "{active:?} {passive:?}");
}

#[test]
fn bounds_hold_and_settings_are_checked() {
    let runs = (0..20).map(|seed| play(Who::Confident(Some(GAMMA)), 13, seed)[12].2.bounded);
    let bounded = runs.sum::<f64>() / 20.0;
    assert!(bounded > 0.95, "{bounded}");
    let refused = |config: NeuralCalConfig| NeuralCal::new(config, 3, Key::root(1)).is_err();
    let sound = NeuralCalConfig::default();
    assert!(refused(NeuralCalConfig { abstention: Some(0.5), ..sound }));
    assert!(refused(NeuralCalConfig { ridge: 0.0, ..sound }));
    assert!(refused(NeuralCalConfig { scale: f64::NAN, ..sound }));
    assert!(refused(NeuralCalConfig { members: 1, ..sound }));
    assert!(NeuralCal::new(sound, MAX_DIMENSION + 1, Key::root(1)).is_err());
    assert!(RandomFeatures::new(2, 1, 1.0, Key::root(1)).is_err());
}

/// Who knows nothing says 1 everywhere. Three tenths of the rows have `η = 1/2`, 0.35 `η = 0.9` and 0.35 `η = 0.1`: errors
/// are 0.15, 0.035 and 0.315; the best classifier's are 0.15, 0.035 and 0.035, and with abstention at 1/4 it loses 0.075 on the
/// plateau.
#[test]
fn figures_by_hand() {
    let learner = NeuralCal::new(NeuralCalConfig::default(), 6, Key::root(1)).unwrap();
    let found = Plateau { steps: 2 }.figures(&learner, GAMMA);
    let Figures { chow, excess, lost, regret, coverage, bounded } = found;
    for (found, expected) in
        [(chow, 0.5), (excess, 0.28), (lost, 0.28), (regret, 0.355), (coverage, 1.0), (bounded, 1.0)]
    {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
}

/// Inner products of features are about the kernel's values.
#[test]
fn random_features_are_those_of_the_kernel() {
    let features = RandomFeatures::new(2, 512, 1.5, Key::root(4)).unwrap();
    let of = |a: &[f32], b: &[f32]| -> f64 {
        let (a, b) = (features.of(a), features.of(b));
        // Without the constant.
        a[1..].iter().zip(&b[1..]).map(|(a, b)| a * b).sum()
    };
    for (a, b) in [([0.0, 0.0], [0.0, 0.0]), ([0.3, 1.0], [1.0, -0.5]), ([2.0, 2.0], [-2.0, 1.0])] {
        let square: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(a - b).powi(2)).sum();
        let expected = (-square / (2.0 * 1.5 * 1.5)).exp();
        assert!((of(&a, &b) - expected).abs() < 0.12, "{} {expected}", of(&a, &b));
    }
}
