//! Gradients against finite differences in 64 bits, worked values of the contrast, and what codes keep.

use super::*;
use rand::RngExt;

pub(super) fn uniform(count: usize, key: Key) -> Vec<f32> {
    let mut rng = key.rng();
    (0..count).map(|_| rng.random_range(-1.0f32..1.0)).collect()
}

/// A network of one hidden layer over rows, in 64 bits and one number after the other.
pub(super) fn exact_forward(spec: &NetSpec, weights: &[f64], inputs: &[f64], rows: usize) -> Vec<f64> {
    let (fan_in, hidden, out) = (spec.inputs(), spec.embedding(), spec.outputs());
    let affine = |weights: &[f64], input: &[f64], fan_out: usize| -> Vec<f64> {
        let bias = &weights[input.len() * fan_out..];
        (0..fan_out)
            .map(|o| {
                bias[o] + input.iter().enumerate().map(|(i, x)| x * weights[i * fan_out + o]).sum::<f64>()
            })
            .collect()
    };
    let second = (fan_in + 1) * hidden;
    (0..rows)
        .flat_map(|row| {
            let mut between = affine(weights, &inputs[row * fan_in..][..fan_in], hidden);
            between.iter_mut().for_each(|value| *value = value.max(0.0));
            affine(&weights[second..], &between, out)
        })
        .collect()
}

/// [`nt_xent`] as it is written in the paper, in 64 bits.
fn exact_nt_xent(z: &[f64], pairs: usize, temperature: f64) -> f64 {
    let (n, width) = (2 * pairs, z.len() / (2 * pairs));
    let row = |i: usize| &z[i * width..][..width];
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let similarity = |i: usize, j: usize| {
        let lengths = dot(row(i), row(i)).sqrt() * dot(row(j), row(j)).sqrt();
        (dot(row(i), row(j)) / lengths / temperature).exp()
    };
    let loss = |i: usize| {
        let others: f64 = (0..n).filter(|&k| k != i).map(|k| similarity(i, k)).sum();
        -(similarity(i, (i + pairs) % n) / others).ln()
    };
    (0..n).map(loss).sum::<f64>() / n as f64
}

/// Encoder and head of 7 numbers, 5 hidden units, 3 numbers of a code: their gradient against central differences.
fn check_gradient(
    outputs: usize,
    loss: impl Fn(&[f32], &[f32]) -> (f64, Vec<f32>),
    exact: impl Fn(&[f64], &[f64]) -> f64,
) {
    let specs = [NetSpec::mlp(7, &[5], 3).unwrap(), NetSpec::mlp(3, &[5], outputs).unwrap()];
    let [mut below, mut above] = specs.each_ref().map(Pass::new);
    let (own, rows) = (below.parameters(), 8);
    let weights = uniform(own + above.parameters(), Key::root(1));
    let inputs = uniform(rows * 7, Key::root(2));
    let (lower, upper) = weights.split_at(own);
    let output = above.forward(upper, below.forward(lower, &inputs, rows), rows);
    let (found, slopes) = loss(output, &inputs);
    let mut gradient = vec![f64::NAN; weights.len()];
    let (of_lower, of_upper) = gradient.split_at_mut(own);
    let slopes = above.backward(upper, slopes, of_upper, true).unwrap();
    assert!(below.backward(lower, slopes.clone(), of_lower, false).is_none());
    let wide = |values: &[f32]| values.iter().copied().map(f64::from).collect::<Vec<_>>();
    let (exact_inputs, mut exact_weights) = (wide(&inputs), wide(&weights));
    let value = |weights: &[f64], inputs: &[f64]| {
        let codes = exact_forward(&specs[0], &weights[..own], inputs, rows);
        exact(&exact_forward(&specs[1], &weights[own..], &codes, rows), inputs)
    };
    assert!((found - value(&exact_weights, &exact_inputs)).abs() < 1e-6);
    const STEP: f64 = 1e-6;
    for at in 0..weights.len() {
        let before = exact_weights[at];
        let mut shifted = |by: f64| {
            exact_weights[at] = before + by;
            value(&exact_weights, &exact_inputs)
        };
        let slope = (shifted(STEP) - shifted(-STEP)) / (2.0 * STEP);
        exact_weights[at] = before;
        assert!((gradient[at] - slope).abs() < 2e-6, "weight {at}: {} {slope}", gradient[at]);
    }
    // Some hidden units are closed, some open; without that the rectifier was not tested.
    assert!(gradient.iter().filter(|slope| slope.abs() > 1e-3).count() > weights.len() / 3);
}

#[test]
fn the_gradient_of_an_autoencoder_is_that_of_finite_differences() {
    let exact = |output: &[f64], inputs: &[f64]| {
        output.iter().zip(inputs).map(|(a, b)| (a - b).powi(2)).sum::<f64>() / inputs.len() as f64
    };
    check_gradient(7, reconstruction, exact);
}

#[test]
fn the_gradient_of_the_contrast_is_that_of_finite_differences() {
    for temperature in [0.5, 0.1] {
        check_gradient(
            3,
            |output, _| nt_xent(output, 4, temperature),
            |output, _| exact_nt_xent(output, 4, f64::from(temperature)),
        );
    }
}

/// Two examples at right angles, both views alike: `ln(1 + 2 e^-2)`; with views swapped, `ln(2 + e^2)`.
#[test]
fn the_contrast_has_its_worked_values() {
    let (loss, _) = nt_xent(&[3.0, 0.0, 0.0, 0.2, 1.0, 0.0, 0.0, 1.0], 2, 0.5);
    assert!((loss - (2.0 * (-2.0f64).exp()).ln_1p()).abs() < 1e-6, "{loss}");
    let (loss, _) = nt_xent(&[3.0, 0.0, 0.0, 0.2, 0.0, 1.0, 1.0, 0.0], 2, 0.5);
    assert!((loss - (2.0 + 2.0f64.exp()).ln()).abs() < 1e-6, "{loss}");
    // A single pair has nothing to be told from.
    assert_eq!(nt_xent(&[1.0, 2.0, -1.0, 0.5], 1, 0.5), (0.0, vec![0.0; 4]));
}

#[test]
fn projections_without_a_direction_have_finite_derivatives() {
    let (loss, slopes) = nt_xent(&[0.0; 12], 2, 0.5);
    assert!((loss - 3f64.ln()).abs() < 1e-6);
    assert_eq!(slopes, [0.0; 12]);
}

/// Rows of a plane in space: two numbers say all of them.
#[test]
fn an_autoencoder_keeps_what_rows_differ_in() {
    let codes = uniform(2 * 200, Key::root(3));
    let turn = uniform(2 * 8, Key::root(4));
    let row = |at: usize| {
        (0..8).map(|c| codes[2 * at] * turn[c] + codes[2 * at + 1] * turn[8 + c]).collect::<Vec<f32>>()
    };
    let rows = Matrix::new((0..200).flat_map(row).collect(), 200, 8);
    let variance = rows.values().iter().map(|x| f64::from(x * x)).sum::<f64>() / 1_600.0;
    let plan = EncoderPlan { dimensions: 2, batch: 32, ..EncoderPlan::default() };
    let encoder = Encoder::autoencoder(rows.view(), &plan, Key::root(5)).unwrap();
    let losses = encoder.losses();
    assert_eq!(losses.len(), 200);
    assert!(losses[0] > 0.5 * variance && losses[199] < 0.02 * variance, "{losses:?} {variance}");
    assert_eq!(encoder, Encoder::autoencoder(rows.view(), &plan, Key::root(5)).unwrap());
    assert_ne!(encoder, Encoder::autoencoder(rows.view(), &plan, Key::root(6)).unwrap());
}

/// Four groups along two columns, and six columns that views draw anew: codes tell the groups, and nothing else.
#[test]
fn a_contrast_leaves_out_what_views_differ_in() {
    let mut rng = Key::root(7).rng();
    let values = (0..240).flat_map(|at| {
        let centre = [(at % 2) as f32 * 2.0 - 1.0, (at / 2 % 2) as f32 * 2.0 - 1.0];
        let near = centre.map(|c| c + rng.random_range(-0.1..0.1));
        let noise: [f32; 6] = std::array::from_fn(|_| rng.random_range(-1.5..1.5));
        near.into_iter().chain(noise).collect::<Vec<f32>>()
    });
    let rows = Matrix::new(values.collect(), 240, 8);
    let view = |row: &[f32], key: Key| {
        let mut rng = key.rng();
        row[..2].iter().copied().chain((0..6).map(|_| rng.random_range(-1.5..1.5))).collect()
    };
    let plan = EncoderPlan { dimensions: 4, epochs: 60, batch: 60, ..EncoderPlan::default() };
    let encoder = Encoder::contrastive(rows.view(), 0.5, view, &plan, Key::root(8)).unwrap();
    // Mean squared distance within a group over that of all rows.
    let within = |rows: &Matrix| {
        let apart = |a: usize, b: usize| -> f64 {
            rows.row(a).iter().zip(rows.row(b)).map(|(a, b)| f64::from(a - b).powi(2)).sum()
        };
        let pairs = || (0..240).flat_map(|a| (0..a).map(move |b| (a, b)));
        let mean = |same: bool| {
            let some: Vec<f64> =
                pairs().filter(|(a, b)| !same || a % 4 == b % 4).map(|(a, b)| apart(a, b)).collect();
            some.iter().sum::<f64>() / some.len() as f64
        };
        mean(true) / mean(false)
    };
    // Of rows, 4.507 of a variance of 6.507.
    let (before, after) = (within(&rows), within(&encoder.codes(rows.view())));
    assert!((before - 4.507 / 6.507).abs() < 0.03 && after < 0.2, "{before} {after}");
    let losses = encoder.losses();
    assert!(losses[59] < losses[0], "{losses:?}");
}

#[test]
fn codes_are_the_outputs_of_a_network_of_the_engine() {
    let rows = Matrix::new(uniform(300 * 6, Key::root(9)), 300, 6);
    let plan = EncoderPlan { dimensions: 3, epochs: 2, ..EncoderPlan::default() };
    let encoder = Encoder::autoencoder(rows.view(), &plan, Key::root(10)).unwrap();
    let mut bank = crate::learner::Bank::new(encoder.spec(), 1).unwrap();
    bank.set_weights(0, encoder.weights()).unwrap();
    let (codes, logits) = (encoder.codes(rows.view()), bank.logits(0, rows.view(), None));
    assert_eq!((codes.rows(), codes.cols()), (300, 3));
    for (code, logit) in codes.values().iter().zip(logits.values()) {
        assert!((code - logit).abs() < 1e-5, "{code} {logit}");
    }
}

#[test]
fn what_cannot_be_fitted_is_refused_with_its_numbers() {
    let rows = Matrix::zeros(20, 8);
    let refused = |plan: EncoderPlan, rows: &Matrix| {
        Encoder::autoencoder(rows.view(), &plan, Key::root(1)).unwrap_err().to_string()
    };
    let good = EncoderPlan { dimensions: 4, epochs: 1, ..EncoderPlan::default() };
    for (plan, words) in [
        (
            EncoderPlan { dimensions: 8, ..good },
            "dimensions is 8 for rows of 8 numbers, expected at least 1, and fewer",
        ),
        (EncoderPlan { dimensions: 0, ..good }, "dimensions is 0 for rows of 8 numbers"),
        (EncoderPlan { hidden: 0, ..good }, "hidden is 0, expected at least 1 unit"),
        (EncoderPlan { epochs: 0, ..good }, "epochs is 0, expected 1 to 100000"),
        (EncoderPlan { batch: 1, ..good }, "batch is 1, expected 2 to 1024 rows"),
        (EncoderPlan { batch: 1_025, ..good }, "batch is 1025, expected 2 to 1024 rows"),
        (EncoderPlan { learning_rate: f32::NAN, ..good }, "learning_rate is NaN, expected a positive number"),
    ] {
        let message = refused(plan, &rows);
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(refused(good, &Matrix::zeros(15, 8)), "an encoder is fitted to 15 rows, expected at least 16");
    let view = |row: &[f32], _| row.to_vec();
    let error = Encoder::contrastive(rows.view(), 0.0, view, &good, Key::root(1)).unwrap_err();
    assert!(error.to_string().contains("temperature is 0, expected a positive number"), "{error}");
    // Rows that are all alike have codes that are all alike.
    let encoder = Encoder::contrastive(rows.view(), 0.5, view, &good, Key::root(1)).unwrap();
    let codes = encoder.codes(rows.view());
    assert!(codes.values().iter().all(|value| value.is_finite()));
    assert_eq!(codes.row(0), codes.row(19));
    // Numbers too large to be squared end the training, and leave finite weights.
    let huge = Matrix::new(vec![f32::MAX; 160], 20, 8);
    let encoder = Encoder::autoencoder(huge.view(), &good, Key::root(1)).unwrap();
    assert!(encoder.losses().is_empty() && encoder.weights().iter().all(|weight| weight.is_finite()));
}
