//! The bank engine's contract: a network's result is its own.
//!
//! Not on the instruction set, not on the layout, not on the neighbours, not on what they do.

use burn::tensor::Device;
use proptest::prelude::*;
use querist::Key;
use querist::arch::{Block, NetSpec, Smooth};
use querist::data::Matrix;
use querist::learner::{
    Bank, BurnNet, DeviceKind, Learner, LossModule, LossPredictor, VirtualRows, networks,
};
use querist::learner::{FitReport, LearnError, Loss, ModelData, Optimiser, Start, Stop, TrainPlan};
use querist::simd::SimdPath;
use rand::Rng;
use std::io::Write;
use std::sync::Once;

/// The instruction sets of this machine, which the process says once: one that is missing was not tested.
fn paths() -> impl Iterator<Item = SimdPath> {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let (here, missing): (Vec<SimdPath>, Vec<SimdPath>) =
            SimdPath::ALL.into_iter().partition(|path| path.is_available());
        // Past the harness, which keeps what tests that pass print to itself.
        let _ = writeln!(
            std::io::stderr(),
            "instruction sets compared: {here:?}; not on this processor: {missing:?}"
        );
    });
    SimdPath::available()
}

/// Inputs and labels with something to learn: class `c` is shifted along input `c`.
fn blobs(rows: usize, width: usize, classes: usize, seed: u64) -> (Matrix, Vec<u32>) {
    let mut rng = Key::root(seed).named("blobs").rng();
    let mut unit = move || (rng.next_u32() >> 8) as f32 / 8_388_608.0 - 1.0;
    let labels: Vec<u32> = (0..rows).map(|row| (row % classes) as u32).collect();
    let mut values = Vec::new();
    for &label in &labels {
        values.extend((0..width).map(|i| unit() + if i == label as usize % width { 1.5 } else { 0.0 }));
    }
    (Matrix::new(values, rows, width), labels)
}

fn plan(optimiser: Optimiser, stop: Stop) -> TrainPlan {
    TrainPlan {
        loss: Loss::CrossEntropy,
        optimiser,
        learning_rate: 1e-2,
        weight_decay: 1e-3,
        batch: 13,
        drop_last: false,
        stop,
        start: Start::Scratch,
    }
}

fn shapes() -> Vec<NetSpec> {
    let residual =
        vec![Block::Residual { width: 7 }, Block::Residual { width: 7 }, Block::Dense { width: 18 }];
    vec![
        NetSpec::mlp(5, &[], 3).unwrap(),
        NetSpec::mlp(21, &[24, 12], 10).unwrap(),
        NetSpec::new(6, residual, 4, 0.0).unwrap(),
        NetSpec::new(9, vec![Block::Dense { width: 17 }, Block::Residual { width: 5 }], 3, 0.3).unwrap(),
    ]
}

struct Pools {
    pools: Vec<(Matrix, Vec<u32>)>,
    rows: Vec<Vec<u32>>,
    labels: Vec<Vec<u32>>,
    /// How many of them serve as validation rows, too.
    held: usize,
}

impl Pools {
    /// One pool per model, each model with another number of labelled rows.
    fn new(spec: &NetSpec, models: usize) -> Self {
        let pools: Vec<_> =
            (0..models).map(|model| blobs(80, spec.inputs(), spec.outputs(), model as u64)).collect();
        let rows: Vec<Vec<u32>> =
            (0..models).map(|model| (0..20 + 3 * (model as u32 % 11)).collect()).collect();
        let labels =
            rows.iter().zip(&pools).map(|(r, p)| r.iter().map(|&r| p.1[r as usize]).collect()).collect();
        Self { pools, rows, labels, held: 9 }
    }

    fn model(&self, model: usize) -> ModelData<'_> {
        let (rows, labels) = (&self.rows[model][..], &self.labels[model][..]);
        ModelData {
            inputs: self.pools[model].0.view(),
            rows,
            labels,
            validation: (&rows[..self.held], &labels[..self.held]),
            extra: None,
        }
    }
}

fn bits(weights: &[f32]) -> Vec<u32> {
    weights.iter().map(|w| w.to_bits()).collect()
}

/// What became of one network, as bits where equality to the last of them is asked for.
#[derive(Debug, PartialEq)]
struct Trained {
    weights: Vec<u32>,
    /// Probabilities of the rows it was trained on.
    probabilities: Vec<u32>,
    report: FitReport,
}

/// Trains the given models as one bank.
fn train(spec: &NetSpec, pools: &Pools, models: &[usize], plan: &TrainPlan, path: SimdPath) -> Vec<Trained> {
    let mut bank = Bank::with_path(spec, models.len(), path).unwrap();
    let data: Vec<_> = models.iter().map(|&model| pools.model(model)).collect();
    let keys: Vec<_> = models.iter().map(|&model| Key::root(9).at(model as u64)).collect();
    let reports = bank.fit(&data, plan, &keys).unwrap();
    let inputs: Vec<_> = data.iter().map(|data| data.inputs).collect();
    let rows: Vec<_> = data.iter().map(|data| Some(data.rows)).collect();
    let probabilities = bank.probabilities_all(&inputs, &rows);
    let result = |model: usize| {
        let single = bank.probabilities(model, inputs[model], rows[model]);
        assert_eq!(bits(probabilities[model].values()), bits(single.values()));
        Trained {
            weights: bits(&bank.weights(model)),
            probabilities: bits(single.values()),
            report: reports[model],
        }
    };
    (0..models.len()).map(result).collect()
}

#[test]
fn a_network_does_not_depend_on_width_layout_or_neighbours() {
    let optimisers = [Optimiser::Sgd { momentum: 0.9, nesterov: true }, Optimiser::Adam, Optimiser::NAdam];
    let stops = [
        Stop::Steps { steps: 11 },
        Stop::Epochs { epochs: 3 },
        Stop::TrainLoss { epochs: 12, loss: 1.0 },
        Stop::Validation { epochs: 12, patience: 1 },
    ];
    for (index, spec) in shapes().iter().enumerate() {
        let pools = Pools::new(spec, 19);
        for (turn, stop) in stops.into_iter().enumerate() {
            let mut plan = plan(optimisers[(index + turn) % 3], stop);
            if turn == 1 {
                plan.loss = Loss::Squared;
                plan.batch = 1000;
            }
            let all: Vec<usize> = (0..19).collect();
            let alone: Vec<_> =
                all.iter().map(|&l| train(spec, &pools, &[l], &plan, SimdPath::best()).remove(0)).collect();
            for path in paths() {
                let together = train(spec, &pools, &all, &plan, path);
                let differ: Vec<_> = all.iter().filter(|&&model| together[model] != alone[model]).collect();
                assert!(differ.is_empty(), "models {differ:?} of {spec} {plan:?} {path:?}");
            }
            let mixed = [18, 3, 7, 0, 1, 2, 4, 5, 17];
            let some = train(spec, &pools, &mixed, &plan, SimdPath::best());
            for (result, &model) in some.iter().zip(&mixed) {
                assert_eq!(*result, alone[model], "{spec} model {model}");
            }
        }
    }
}

#[test]
fn training_learns() {
    let spec = NetSpec::mlp(8, &[16], 4).unwrap();
    let (inputs, labels) = blobs(400, 8, 4, 3);
    let rows: Vec<u32> = (0..200).collect();
    let data = ModelData {
        inputs: inputs.view(),
        rows: &rows,
        labels: &labels[..200],
        validation: (&[], &[]),
        extra: None,
    };
    let mut bank = Bank::new(&spec, 1).unwrap();
    bank.init(0, Key::root(1));
    let before = bank.accuracy(0, inputs.view(), &labels);
    let report =
        bank.fit(&[data], &plan(Optimiser::Adam, Stop::Epochs { epochs: 60 }), &[Key::root(2)]).unwrap();
    let after = bank.accuracy(0, inputs.view(), &labels);
    assert!(before < 0.5 && after > 0.8, "{before} -> {after}, {report:?}");
    assert_eq!(report[0].steps, 60 * 200u32.div_ceil(13));
    let p = bank.probabilities(0, inputs.view(), Some(&[5, 0, 399]));
    assert_eq!((p.rows(), p.cols()), (3, 4));
    assert!((0..3).all(|r| (p.row(r).iter().sum::<f32>() - 1.0).abs() < 1e-5));
}

#[test]
fn refuses_what_cannot_be_trained() {
    let spec = NetSpec::mlp(3, &[4], 2).unwrap();
    let mut bank = Bank::new(&spec, 1).unwrap();
    let (inputs, labels) = blobs(10, 3, 2, 0);
    let good = ModelData {
        inputs: inputs.view(),
        rows: &[0, 1],
        labels: &labels[..2],
        validation: (&[], &[]),
        extra: None,
    };
    let plan = plan(Optimiser::Adam, Stop::Epochs { epochs: 2 });
    let mut fails = |data: ModelData<'_>, plan: TrainPlan| {
        let error = bank.fit(&[data], &plan, &[Key::root(0)]).unwrap_err();
        format!("{:?}", error.downcast_ref::<LearnError>().unwrap())
            .split([' ', '{'])
            .next()
            .unwrap()
            .to_string()
    };
    assert_eq!(fails(ModelData { rows: &[], labels: &[], ..good }, plan), "NoRows");
    assert_eq!(fails(ModelData { rows: &[0, 10], ..good }, plan), "Row");
    assert_eq!(fails(ModelData { labels: &[0, 2], ..good }, plan), "Class");
    assert_eq!(fails(ModelData { labels: &[0], ..good }, plan), "Labels");
    assert_eq!(fails(good, TrainPlan { learning_rate: f32::NAN, ..plan }), "Plan");
    assert_eq!(fails(good, TrainPlan { batch: 0, ..plan }), "Plan");
    assert_eq!(
        fails(good, TrainPlan { stop: Stop::Validation { epochs: 3, patience: 1 }, ..plan }),
        "NoValidation"
    );
    assert!(Bank::new(&spec, 0).is_err());
    assert!(Bank::new(&NetSpec::mlp(10_000, &[10_000], 2).unwrap(), 60_000).is_err());
    assert!(bank.set_weights(0, &[0.0; 3]).is_err());
}

/// What every learner promises, whatever it is made of.
fn contract(make: impl Fn(&NetSpec, usize) -> Box<dyn Learner>) {
    for spec in shapes() {
        let pools = Pools::new(&spec, 3);
        let plan = plan(Optimiser::Adam, Stop::Validation { epochs: 4, patience: 9 });
        let data: Vec<_> = (0..3).map(|model| pools.model(model)).collect();
        let keys: Vec<_> = (0..3).map(|model| Key::root(5).at(model)).collect();
        let mut learner = make(&spec, 3);
        assert_eq!((learner.spec(), learner.models()), (&spec, 3));
        let reports = learner.fit(&data, &plan, &keys).unwrap();
        for (model, report) in reports.iter().enumerate() {
            let batches = pools.rows[model].len().div_ceil(13) as u32;
            assert_eq!((report.steps, report.diverged_at), (4 * batches, None));
            assert!(report.loss.is_finite());
        }
        // The same again gives the same bits; a model alone gives its own.
        let inputs = pools.pools[1].0.view();
        let first = learner.probabilities(1, inputs, None);
        learner.fit(&data, &plan, &keys).unwrap();
        assert_eq!(learner.probabilities(1, inputs, None), first);
        let mut alone = make(&spec, 1);
        alone.fit(&data[1..2], &plan, &keys[1..2]).unwrap();
        assert_eq!(alone.probabilities(0, inputs, None), first);
        // Rows are those asked for, in that order.
        let some = learner.probabilities(1, inputs, Some(&[7, 0, 7]));
        for (at, row) in [7, 0, 7].into_iter().enumerate() {
            assert!(some.row(at).iter().zip(first.row(row)).all(|(a, b)| (a - b).abs() < 1e-6));
            assert!((some.row(at).iter().sum::<f32>() - 1.0).abs() < 1e-5);
        }
        assert_eq!(learner.embeddings(1, inputs, Some(&[])).cols(), spec.embedding());
        // Warm start goes on from where it was.
        let warm = TrainPlan { start: Start::Warm, ..plan };
        learner.fit(&data, &warm, &keys).unwrap();
        assert_ne!(learner.probabilities(1, inputs, None), first);
        assert!(learner.fit(&data[..2], &plan, &keys).is_err());
    }
}

#[test]
fn a_bank_keeps_the_contract() {
    contract(|spec, models| Box::new(Bank::new(spec, models).unwrap()));
}

#[test]
fn burn_keeps_the_contract() {
    contract(|spec, models| Box::new(BurnNet::new(spec, models, Device::flex()).unwrap()));
}

/// The distance of weights, relative to their length.
fn gap(a: &[f32], b: &[f32]) -> f64 {
    let square = |x: f32| f64::from(x) * f64::from(x);
    let distance: f64 = a.iter().zip(b).map(|(a, b)| square(a - b)).sum();
    (distance / b.iter().map(|&b| square(b)).sum::<f64>()).sqrt()
}

/// From the same keys, on the same batches and masks, the engine and burn make the same steps.
#[test]
fn the_bank_agrees_with_burn() {
    let optimisers = [
        Optimiser::Sgd { momentum: 0.0, nesterov: false },
        Optimiser::Sgd { momentum: 0.9, nesterov: false },
        Optimiser::Sgd { momentum: 0.9, nesterov: true },
        Optimiser::Adam,
        Optimiser::NAdam,
    ];
    let mut worst = 0.0f64;
    for spec in shapes() {
        let pools = Pools::new(&spec, 2);
        let data = [pools.model(0), pools.model(1)];
        let keys = [Key::root(3), Key::root(4)];
        for optimiser in optimisers {
            for loss in [Loss::CrossEntropy, Loss::Squared] {
                let plan = TrainPlan {
                    loss,
                    learning_rate: 3e-3,
                    weight_decay: 1e-2,
                    ..plan(optimiser, Stop::Steps { steps: 40 })
                };
                let mut bank = Bank::new(&spec, 2).unwrap();
                let mut burn = BurnNet::new(&spec, 2, Device::flex()).unwrap();
                let ours = bank.fit(&data, &plan, &keys).unwrap();
                let theirs = burn.fit(&data, &plan, &keys).unwrap();
                for model in 0..2 {
                    let gap = gap(&bank.weights(model), &burn.weights(model));
                    worst = worst.max(gap);
                    assert!(gap < 1e-4, "{spec} {plan:?} model {model}: {gap:e}");
                    assert!((ours[model].loss - theirs[model].loss).abs() < 1e-4);
                }
                let inputs = pools.pools[0].0.view();
                let (p, q) = (bank.probabilities(0, inputs, None), burn.probabilities(0, inputs, None));
                assert!(p.values().iter().zip(q.values()).all(|(p, q)| (p - q).abs() < 1e-4));
                let (p, q) = (bank.embeddings(0, inputs, None), burn.embeddings(0, inputs, None));
                assert!(p.values().iter().zip(q.values()).all(|(p, q)| (p - q).abs() < 1e-3));
                // The same masks in stochastic passes.
                let passes = |net: &dyn Learner| net.passes(1, inputs, None, 3, 0.4, Key::root(5));
                for (p, q) in passes(&bank).iter().zip(passes(&burn)) {
                    assert!(p.values().iter().zip(q.values()).all(|(p, q)| (p - q).abs() < 1e-4), "{spec}");
                }
            }
        }
    }
    println!("largest relative distance of weights after 40 steps: {worst:.1e}");
}

/// The same for a whole bank on a device, whose networks have different numbers of rows: equal weights to
/// rounding after some epochs, and equal numbers of steps under every rule to stop.
#[test]
fn a_bank_on_a_device_agrees_with_the_engine() {
    let optimisers = [
        Optimiser::Sgd { momentum: 0.9, nesterov: false },
        Optimiser::Sgd { momentum: 0.9, nesterov: true },
        Optimiser::Adam,
        Optimiser::NAdam,
    ];
    let stops = [
        Stop::Steps { steps: 11 },
        Stop::Epochs { epochs: 5 },
        Stop::TrainLoss { epochs: 12, loss: 1.0 },
        Stop::Validation { epochs: 12, patience: 1 },
    ];
    let (models, mut worst, mut early) = (7, 0.0f64, 0);
    for (index, spec) in shapes().iter().enumerate() {
        let pools = Pools::new(spec, models);
        let data: Vec<_> = (0..models).map(|model| pools.model(model)).collect();
        let keys: Vec<_> = (0..models as u64).map(|model| Key::root(6).at(model)).collect();
        for (turn, stop) in stops.into_iter().enumerate() {
            for loss in [Loss::CrossEntropy, Loss::Squared] {
                let optimiser = optimisers[(index + turn) % 4];
                let plan = TrainPlan { loss, drop_last: turn == 1, ..plan(optimiser, stop) };
                let mut engine = Bank::new(spec, models).unwrap();
                let mut device = Bank::on(spec, models, DeviceKind::Flex).unwrap();
                let ours = engine.fit(&data, &plan, &keys).unwrap();
                let theirs = device.fit(&data, &plan, &keys).unwrap();
                for model in 0..models {
                    let gap = gap(&device.weights(model), &engine.weights(model));
                    worst = worst.max(gap);
                    assert!(gap < 1e-4, "{spec} {plan:?} model {model}: {gap:e}");
                    assert_eq!(ours[model].steps, theirs[model].steps, "{spec} {plan:?} model {model}");
                    assert!((ours[model].loss - theirs[model].loss).abs() < 1e-4);
                }
                early += usize::from(turn > 1 && ours.iter().any(|report| report.steps != ours[0].steps));
                // A fit that goes on from there, too.
                let warm = TrainPlan { start: Start::Warm, ..plan };
                engine.fit(&data, &warm, &keys).unwrap();
                device.fit(&data, &warm, &keys).unwrap();
                assert!(gap(&device.weights(3), &engine.weights(3)) < 2e-4);
            }
        }
    }
    assert!(early > 4, "{early}: networks that stop at different times are what is to be seen");
    println!("largest relative distance of weights: {worst:.1e}");
}

/// Virtual rows of a model: inputs, soft targets and weights, in `draws` draws; every third row is of a single class.
struct Mixed {
    inputs: Matrix,
    targets: Matrix,
    weights: Vec<f32>,
    draws: usize,
}

impl Mixed {
    fn new(spec: &NetSpec, each: usize, draws: usize, seed: u64) -> Self {
        let (rows, classes) = (each * draws, spec.outputs());
        let (inputs, labels) = blobs(rows, spec.inputs(), classes, seed);
        let mut targets = Matrix::zeros(rows, classes);
        for (row, &label) in labels.iter().enumerate() {
            let share = if row % 3 == 0 { 1.0 } else { 0.3 };
            targets.row_mut(row)[label as usize] += share;
            targets.row_mut(row)[(label as usize + 1) % classes] += 1.0 - share;
        }
        let weights = (0..rows).map(|row| 0.25 * (row % 5) as f32).collect();
        Self { inputs, targets, weights, draws }
    }

    fn view(&self) -> VirtualRows<'_> {
        let (inputs, targets) = (self.inputs.view(), self.targets.view());
        VirtualRows { inputs, targets, weights: &self.weights, draws: self.draws, hidden: None }
    }
}

/// With soft targets and weights, too, engine, burn and the engine on a device agree, under every optimiser.
#[test]
fn virtual_rows_are_the_same_to_every_learner() {
    let optimisers = [Optimiser::Sgd { momentum: 0.9, nesterov: true }, Optimiser::Adam, Optimiser::NAdam];
    for spec in shapes() {
        let pools = Pools::new(&spec, 3);
        let mixed: Vec<_> = (0..3).map(|model| Mixed::new(&spec, 11 + model, 2, 70 + model as u64)).collect();
        // The last model has none.
        let extra = |model: usize| (model < 2).then(|| mixed[model].view());
        let data: Vec<_> =
            (0..3).map(|model| ModelData { extra: extra(model), ..pools.model(model) }).collect();
        let keys: Vec<_> = (0..3).map(|model| Key::root(11).at(model)).collect();
        for optimiser in optimisers {
            let plan = TrainPlan {
                learning_rate: 3e-3,
                ..plan(optimiser, Stop::Validation { epochs: 5, patience: 9 })
            };
            let mut bank = Bank::new(&spec, 3).unwrap();
            let ours = bank.fit(&data, &plan, &keys).unwrap();
            assert_eq!(ours[0].steps, 5 * (20u32 + 11).div_ceil(13));
            let mut burn = BurnNet::new(&spec, 3, Device::flex()).unwrap();
            let mut device = Bank::on(&spec, 3, DeviceKind::Flex).unwrap();
            let theirs = burn.fit(&data, &plan, &keys).unwrap();
            let stacked = device.fit(&data, &plan, &keys).unwrap();
            for model in 0..3 {
                for (weights, report) in
                    [(burn.weights(model), theirs[model]), (device.weights(model), stacked[model])]
                {
                    let gap = gap(&bank.weights(model), &weights);
                    assert!(gap < 1e-4, "{spec} {plan:?} model {model}: {gap:e}");
                    assert_eq!(ours[model].steps, report.steps);
                    assert!((ours[model].loss - report.loss).abs() < 1e-4);
                }
            }
            // They are heeded.
            bank.fit(&[0, 1, 2].map(|model| pools.model(model)), &plan, &keys).unwrap();
            assert!(gap(&bank.weights(0), &burn.weights(0)) > 1e-3);
            assert!(gap(&bank.weights(2), &burn.weights(2)) < 1e-4);
        }
    }
}

/// A network's bits depend neither on the instruction set, nor on the layout, nor on whether its neighbours have
/// virtual rows; and a virtual row of one class and weight one is a labelled row.
#[test]
fn virtual_rows_change_no_bit_of_others() {
    for spec in shapes() {
        let models = 18;
        let pools = Pools::new(&spec, models);
        let mixed: Vec<_> = (0..models).map(|model| Mixed::new(&spec, 9, 3, model as u64)).collect();
        let extra = |model: usize| model.is_multiple_of(2).then(|| mixed[model].view());
        let data: Vec<_> =
            (0..models).map(|model| ModelData { extra: extra(model), ..pools.model(model) }).collect();
        let keys: Vec<_> = (0..models).map(|model| Key::root(12).at(model as u64)).collect();
        let plan = plan(Optimiser::Adam, Stop::Validation { epochs: 4, patience: 1 });
        let fit = |path, which: &[usize]| {
            let mut bank = Bank::with_path(&spec, which.len(), path).unwrap();
            let (data, keys): (Vec<_>, Vec<_>) =
                which.iter().map(|&model| (data[model], keys[model])).unzip();
            let reports = bank.fit(&data, &plan, &keys).unwrap();
            let weights = |model: usize| (bits(&bank.weights(model)), reports[model]);
            (0..which.len()).map(weights).collect::<Vec<_>>()
        };
        let alone: Vec<_> = (0..models).map(|model| fit(SimdPath::best(), &[model]).remove(0)).collect();
        let all: Vec<usize> = (0..models).collect();
        for path in paths() {
            assert!(fit(path, &all) == alone, "{spec} {path:?}");
        }
        // Lane 0 again, its last seven rows as virtual ones.
        let model = pools.model(0);
        let (rows, behind) = model.rows.split_at(13);
        let values: Vec<f32> =
            behind.iter().flat_map(|&row| model.inputs.row(row as usize)).copied().collect();
        let inputs = Matrix::new(values, behind.len(), spec.inputs());
        let mut targets = Matrix::zeros(behind.len(), spec.outputs());
        for (at, &label) in model.labels[13..].iter().enumerate() {
            targets.row_mut(at)[label as usize] = 1.0;
        }
        let weights = vec![1.0; behind.len()];
        let extra = VirtualRows {
            inputs: inputs.view(),
            targets: targets.view(),
            weights: &weights,
            draws: 1,
            hidden: None,
        };
        let soft = ModelData { rows, labels: &model.labels[..13], extra: Some(extra), ..model };
        for layout in [1, 17] {
            let mut bank = Bank::new(&spec, layout).unwrap();
            let keys = vec![Key::root(13); layout];
            let hard_reports = bank.fit(&vec![model; layout], &plan, &keys).unwrap();
            let hard = bits(&bank.weights(0));
            assert_eq!(bank.fit(&vec![soft; layout], &plan, &keys).unwrap(), hard_reports);
            assert_eq!(bits(&bank.weights(0)), hard, "{spec} with {layout}");
        }
    }
}

/// A linear network of zeros gives both classes .5. With one labelled row of class 0 and a virtual one of target
/// (.2, .8) and weight 2, the gradient of the biases is ((.5 - 1) + 2 (.5 - .2)) / 2 = .05 and its negative.
#[test]
fn the_gradient_of_a_virtual_row_is_its_weight_by_what_its_target_is_missed_by() {
    let spec = NetSpec::mlp(1, &[], 2).unwrap();
    let (pool, point) = (Matrix::new(vec![3.0], 1, 1), Matrix::new(vec![-1.0], 1, 1));
    let target = Matrix::new(vec![0.2, 0.8], 1, 2);
    let extra =
        VirtualRows { inputs: point.view(), targets: target.view(), weights: &[2.0], draws: 1, hidden: None };
    let validation = (&[][..], &[][..]);
    let data = ModelData { inputs: pool.view(), rows: &[0], labels: &[0], validation, extra: Some(extra) };
    let plan = TrainPlan {
        learning_rate: 1.0,
        weight_decay: 0.0,
        start: Start::Warm,
        ..plan(Optimiser::Sgd { momentum: 0.0, nesterov: false }, Stop::Steps { steps: 1 })
    };
    let mut bank = Bank::new(&spec, 1).unwrap();
    let report = bank.fit(&[data], &plan, &[Key::root(1)]).unwrap()[0];
    // Of the inputs' weights: (3 (-.5) - 2 (.3)) / 2 = -1.05.
    for (found, expected) in bank.weights(0).into_iter().zip([1.05, -1.05, -0.05, 0.05]) {
        assert!((found - expected).abs() < 1e-6, "{found} {expected}");
    }
    // Both rows lose ln 2, the second twice.
    assert!((report.loss - 1.5 * std::f32::consts::LN_2).abs() < 1e-6);
}

#[test]
fn virtual_rows_that_fit_nothing_are_refused() {
    let spec = NetSpec::mlp(3, &[4], 2).unwrap();
    let (inputs, labels) = blobs(10, 3, 2, 0);
    let good = Mixed::new(&spec, 2, 3, 1);
    let plan = plan(Optimiser::Adam, Stop::Epochs { epochs: 2 });
    let refused = |extra: VirtualRows<'_>, plan: TrainPlan| {
        let labels = &labels[..2];
        let validation = (&[][..], &[][..]);
        let data = ModelData { inputs: inputs.view(), rows: &[0, 1], labels, validation, extra: Some(extra) };
        let mut bank = Bank::new(&spec, 1).unwrap();
        bank.fit(&[data], &plan, &[Key::root(0)]).err().map(|error| error.to_string())
    };
    assert_eq!(refused(good.view(), plan), None);
    let says = |extra: VirtualRows<'_>, plan, words: &str| {
        let message = refused(extra, plan).expect(words);
        assert!(message.contains(words), "{message}");
    };
    let view = good.view();
    says(VirtualRows { draws: 0, ..view }, plan, "6 virtual rows in 0 draws");
    says(VirtualRows { draws: 4, ..view }, plan, "6 virtual rows in 4 draws");
    says(VirtualRows { inputs: view.targets, ..view }, plan, "2 input columns, expected 3");
    says(VirtualRows { targets: view.inputs, ..view }, plan, "3 target columns, expected 2");
    says(VirtualRows { weights: &view.weights[..5], ..view }, plan, "5 weights, expected 6");
    let with = |change: fn(&mut Mixed)| {
        let mut mixed = Mixed::new(&spec, 2, 3, 1);
        change(&mut mixed);
        mixed
    };
    says(with(|m| m.inputs.row_mut(4)[1] = f32::INFINITY).view(), plan, "virtual row 4 has inf");
    says(with(|m| m.targets.row_mut(3)[0] = f32::NAN).view(), plan, "row 3 has NaN as a target's share");
    says(with(|m| m.targets.row_mut(3)[0] = 0.5).view(), plan, "the sum of a target's shares");
    says(with(|m| m.weights[5] = -1.0).view(), plan, "row 5 has -1 as a weight");
    says(view, TrainPlan { loss: Loss::Squared, ..plan }, "loss is Squared");
    let linear = NetSpec::mlp(3, &[], 2).unwrap();
    let data = ModelData {
        inputs: inputs.view(),
        rows: &[0, 1],
        labels: &labels[..2],
        validation: (&[], &[]),
        extra: Some(view),
    };
    let optimum = TrainPlan { optimiser: Optimiser::Lbfgs { ridge: 1.0 }, ..plan };
    let error = Bank::new(&linear, 1).unwrap().fit(&[data], &optimum, &[Key::root(0)]).unwrap_err();
    assert!(error.to_string().contains("optimiser is lbfgs"), "{error}");
    let module = LossModule::default();
    let error = LossPredictor::fit(&spec, None, data, &plan, &module, Key::root(0)).unwrap_err();
    assert!(error.to_string().contains("6 virtual rows"), "{error}");
}

/// More steps than losses may wait for, a network that explodes among others, and what a device cannot do.
#[test]
fn a_device_keeps_the_last_finite_weights_and_refuses_what_it_cannot_do() {
    let spec = NetSpec::mlp(6, &[9], 3).unwrap();
    let mut pools = Pools::new(&spec, 3);
    pools.pools[1].0.values_mut().iter_mut().for_each(|value| *value *= 50.0);
    let data: Vec<_> = (0..3).map(|model| pools.model(model)).collect();
    let keys: Vec<_> = (0..3).map(|model| Key::root(8).at(model)).collect();
    let plan = TrainPlan {
        loss: Loss::Squared,
        learning_rate: 0.05,
        ..plan(Optimiser::Sgd { momentum: 0.9, nesterov: false }, Stop::Epochs { epochs: 200 })
    };
    let mut engine = Bank::new(&spec, 3).unwrap();
    let mut device = Bank::on(&spec, 3, DeviceKind::Flex).unwrap();
    let ours = engine.fit(&data, &plan, &keys).unwrap();
    let theirs = device.fit(&data, &plan, &keys).unwrap();
    assert!(ours[1].diverged_at.is_some());
    for model in 0..3 {
        let (ours, theirs) = (ours[model], theirs[model]);
        assert_eq!((ours.steps, ours.diverged_at), (theirs.steps, theirs.diverged_at), "model {model}");
        assert!(device.weights(model).iter().all(|weight| weight.is_finite()));
        // What explodes carries its rounding with it.
        if model != 1 {
            let gap = gap(&device.weights(model), &engine.weights(model));
            assert!(gap < 1e-3, "model {model}: {gap:e}");
        }
    }
    let refused = device.fit(&data, &TrainPlan { start: Start::Continue, ..plan }, &keys).unwrap_err();
    assert!(matches!(refused.downcast_ref(), Some(LearnError::Plan { field: "start", .. })));
    #[cfg(not(feature = "cuda"))]
    {
        let refused = Bank::on(&spec, 3, DeviceKind::Cuda).err().unwrap();
        assert!(matches!(refused.downcast_ref(), Some(LearnError::NoCuda)));
    }
}

/// The loss of a network in `f64`, written without regard to speed; weights in the documented order.
fn reference_loss(spec: &NetSpec, weights: &[f64], inputs: &Matrix, labels: &[u32], loss: Loss) -> f64 {
    fn affine(x: &[f64], out: usize, bias: bool, weights: &mut &[f64]) -> Vec<f64> {
        let (w, rest) = weights.split_at(x.len() * out);
        let (b, rest) = rest.split_at(if bias { out } else { 0 });
        *weights = rest;
        let sum = |o: usize| -> f64 { x.iter().enumerate().map(|(i, x)| x * w[i * out + o]).sum() };
        (0..out).map(|o| sum(o) + b.get(o).unwrap_or(&0.0)).collect()
    }
    let relu = |x: Vec<f64>| -> Vec<f64> { x.into_iter().map(|x| x.max(0.0)).collect() };
    let mut total = 0.0;
    for (row, &label) in labels.iter().enumerate() {
        let mut rest = weights;
        let mut x: Vec<f64> = inputs.row(row).iter().map(|&x| f64::from(x)).collect();
        for block in spec.blocks() {
            x = match *block {
                Block::Dense { width } => relu(affine(&x, width, true, &mut rest)),
                Block::Residual { width } => {
                    let inner = relu(affine(&x, width, true, &mut rest));
                    let outer = affine(&inner, width, true, &mut rest);
                    let skip = if x.len() == width { x } else { affine(&x, width, false, &mut rest) };
                    relu(outer.iter().zip(&skip).map(|(a, b)| a + b).collect())
                }
                Block::Smooth { .. }
                | Block::Stem { .. }
                | Block::Convolution { .. }
                | Block::Average
                | Block::EncoderDecoder { .. } => {
                    unreachable!("rectified shapes for vectors")
                }
            };
        }
        let z = affine(&x, spec.outputs(), true, &mut rest);
        assert!(rest.is_empty());
        total += match loss {
            Loss::CrossEntropy => z.iter().map(|z| z.exp()).sum::<f64>().ln() - z[label as usize],
            Loss::Squared => {
                let miss = |(o, z): (usize, &f64)| (z - f64::from(u8::from(o == label as usize))).powi(2);
                z.iter().enumerate().map(miss).sum::<f64>() / z.len() as f64
            }
            Loss::SquaredError | Loss::BetaNll | Loss::BinaryCrossEntropy | Loss::CrossEntropyDice => {
                unreachable!("shapes for classes")
            }
        };
    }
    total / labels.len() as f64
}

/// One step of plain SGD at rate 1 shows the gradient; central differences in `f64` say what it must be.
#[test]
fn gradients_agree_with_finite_differences() {
    let mut shapes = shapes();
    shapes[3] =
        NetSpec::new(9, vec![Block::Dense { width: 17 }, Block::Residual { width: 5 }], 3, 0.0).unwrap();
    for spec in shapes {
        // More rows than a chunk holds, so that gradients are carried from one to the next.
        let (inputs, labels) = blobs(150, spec.inputs(), spec.outputs(), 11);
        let rows: Vec<u32> = (0..150).collect();
        for loss in [Loss::CrossEntropy, Loss::Squared] {
            let plan = TrainPlan {
                loss,
                optimiser: Optimiser::Sgd { momentum: 0.0, nesterov: false },
                learning_rate: 1.0,
                weight_decay: 0.0,
                batch: 150,
                drop_last: false,
                stop: Stop::Steps { steps: 1 },
                start: Start::Warm,
            };
            let data = ModelData {
                inputs: inputs.view(),
                rows: &rows,
                labels: &labels,
                validation: (&[], &[]),
                extra: None,
            };
            for path in paths() {
                let mut bank = Bank::with_path(&spec, 1, path).unwrap();
                bank.init(0, Key::root(8));
                let before = bank.weights(0);
                let report = bank.fit(&[data], &plan, &[Key::root(0)]).unwrap()[0];
                let after = bank.weights(0);
                let mut wide: Vec<f64> = before.iter().map(|&w| f64::from(w)).collect();
                let at = reference_loss(&spec, &wide, &inputs, &labels, loss);
                assert!((f64::from(report.loss) - at).abs() < 1e-5, "{spec}: {} and {at}", report.loss);
                for index in 0..wide.len() {
                    let own = wide[index];
                    let mut side = |step: f64| {
                        wide[index] = own + step;
                        let loss = reference_loss(&spec, &wide, &inputs, &labels, loss);
                        wide[index] = own;
                        loss
                    };
                    let expected = (side(1e-6) - side(-1e-6)) / 2e-6;
                    let found = f64::from(before[index]) - f64::from(after[index]);
                    assert!(
                        (found - expected).abs() < 2e-6 + 1e-4 * expected.abs(),
                        "{spec} {loss:?} {path:?} weight {index}: {found} and {expected}"
                    );
                }
            }
        }
    }
}

/// Fault cases 37 and 38: a network that explodes keeps its last weights with a finite loss, says when,
/// and its neighbours do not notice.
#[test]
fn a_network_that_diverges_is_recorded_and_alone() {
    let spec = NetSpec::mlp(6, &[9], 3).unwrap();
    let mut pools = Pools::new(&spec, 16);
    let plan = TrainPlan {
        loss: Loss::Squared,
        learning_rate: 0.05,
        ..plan(Optimiser::Sgd { momentum: 0.9, nesterov: false }, Stop::Epochs { epochs: 20 })
    };
    let all: Vec<usize> = (0..16).collect();
    let calm = train(&spec, &pools, &all, &plan, SimdPath::best());
    assert!(calm.iter().all(|model| model.report.diverged_at.is_none()));
    for value in pools.pools[5].0.values_mut() {
        *value *= 50.0;
    }
    let wild = train(&spec, &pools, &all, &plan, SimdPath::best());
    for model in (0..16).filter(|&model| model != 5) {
        assert_eq!(wild[model], calm[model]);
    }
    let Trained { weights, report, .. } = &wild[5];
    let at = report.diverged_at.expect("a rate that is far too high");
    assert!(at > 2 && weights.iter().all(|&bits| f32::from_bits(bits).is_finite()));
    let stopped = TrainPlan { stop: Stop::Steps { steps: at - 2 }, ..plan };
    assert_eq!(train(&spec, &pools, &[5], &stopped, SimdPath::best())[0].weights, *weights);
    // Inputs that are no numbers: nothing was learned, nothing is lost.
    pools.pools[5].0.row_mut(0)[0] = f32::NAN;
    let lost = &train(&spec, &pools, &all, &plan, SimdPath::best())[5];
    assert_eq!(lost.report.diverged_at.map(|at| at <= 3), Some(true));
    assert!(lost.weights.iter().all(|&bits| f32::from_bits(bits).is_finite()));
}

/// One unit between one input and two outputs: what comes out is twice and minus its activation.
#[test]
fn other_activations_by_hand() {
    // tanh(.5); .5 times the normal distribution function at .5.
    for (activation, expected) in [(Smooth::Tanh, 0.462_117_16f32), (Smooth::Gelu, 0.345_731_22)] {
        let blocks = vec![Block::Smooth { width: 1, activation }];
        let spec = NetSpec::new(1, blocks, 2, 0.0).unwrap();
        assert!(matches!(
            Bank::new(&spec, 1).err().unwrap().downcast_ref(),
            Some(LearnError::NotRectified { .. })
        ));
        let mut net = BurnNet::new(&spec, 1, Device::flex()).unwrap();
        net.set_weights(0, &[1.0, 0.25, 2.0, -1.0, 0.0, 0.0]).unwrap();
        let input = Matrix::new(vec![0.25], 1, 1);
        let logits = net.logits(0, input.view(), None);
        for (found, factor) in logits.row(0).iter().zip([2.0, -1.0]) {
            assert!((found - factor * expected).abs() < 1e-5, "{activation:?}: {found}");
        }
    }
}

/// Trained by whichever engine is for it, with dropout behind the blocks, and the same again.
#[test]
fn other_activations_learn() {
    let (inputs, labels) = blobs(90, 4, 3, 2);
    let rows: Vec<u32> = (0..60).collect();
    let data = ModelData {
        inputs: inputs.view(),
        rows: &rows,
        labels: &labels[..60],
        validation: (&[], &[]),
        extra: None,
    };
    for activation in [Smooth::Tanh, Smooth::Gelu] {
        let blocks = vec![Block::Smooth { width: 12, activation }, Block::Residual { width: 8 }];
        let spec = NetSpec::new(4, blocks, 3, 0.1).unwrap();
        let fitted = || {
            let mut net = networks(&spec, 1, DeviceKind::Cpu).unwrap();
            let plan = plan(Optimiser::Adam, Stop::Steps { steps: 150 });
            net.fit(&[data], &plan, &[Key::root(3)]).unwrap();
            net
        };
        let net = fitted();
        assert_eq!(bits(&net.weights(0)), bits(&fitted().weights(0)));
        let accuracy = net.accuracy(0, inputs.view(), &labels);
        assert!(accuracy > 0.8, "{activation:?}: {accuracy}");
    }
}

/// A weight decay of the network's own takes the place of the plan's, in both engines.
#[test]
fn a_network_may_have_a_weight_decay_of_its_own() {
    let spec = NetSpec::mlp(4, &[6], 3).unwrap();
    let own = spec.clone().with_weight_decay(Some(0.05)).unwrap();
    let pools = Pools::new(&spec, 1);
    let weights = |spec: &NetSpec, weight_decay: f32, burn: bool| {
        let plan = TrainPlan { weight_decay, ..plan(Optimiser::Adam, Stop::Steps { steps: 9 }) };
        let mut net: Box<dyn Learner> = match burn {
            true => Box::new(BurnNet::new(spec, 1, Device::flex()).unwrap()),
            false => Box::new(Bank::new(spec, 1).unwrap()),
        };
        net.fit(&[pools.model(0)], &plan, &[Key::root(1)]).unwrap();
        bits(&net.weights(0))
    };
    for burn in [false, true] {
        assert_eq!(weights(&own, 0.3, burn), weights(&spec, 0.05, burn));
        assert_ne!(weights(&own, 0.3, burn), weights(&spec, 0.3, burn));
    }
    for wrong in [-0.1, f32::NAN, f32::INFINITY] {
        assert!(spec.clone().with_weight_decay(Some(wrong)).is_err());
    }
}

#[test]
fn stochastic_passes_share_a_mask_over_rows() {
    let spec = NetSpec::new(4, vec![Block::Dense { width: 40 }], 3, 0.5).unwrap();
    let mut bank = Bank::new(&spec, 1).unwrap();
    bank.init(0, Key::root(1));
    let (inputs, _) = blobs(130, 4, 3, 2);
    let passes = bank.passes(0, inputs.view(), None, 60, 0.5, Key::root(2));
    assert_eq!(passes, bank.passes(0, inputs.view(), None, 60, 0.5, Key::root(2)));
    assert_ne!(passes[0], passes[1]);
    // A pass over some rows is that pass over all rows, at those rows: one mask for all.
    let some = bank.passes(0, inputs.view(), Some(&[100, 3]), 60, 0.5, Key::root(2));
    for (all, some) in passes.iter().zip(&some) {
        assert_eq!((some.row(0), some.row(1)), (all.row(100), all.row(3)));
    }
    // Inverted dropout: the mean over passes is near the pass without.
    let plain = bank.probabilities(0, inputs.view(), None);
    let mean: f32 = passes.iter().map(|p| p.row(9)[1]).sum::<f32>() / 60.0;
    assert!((mean - plain.row(9)[1]).abs() < 0.05, "{mean} and {}", plain.row(9)[1]);
    // A network that is trained without dropout has passes all the same, at the rate that is asked for.
    let mut without =
        Bank::new(&NetSpec::new(4, vec![Block::Dense { width: 40 }], 3, 0.0).unwrap(), 1).unwrap();
    without.init(0, Key::root(1));
    assert_eq!(without.passes(0, inputs.view(), None, 60, 0.5, Key::root(2)), passes);
    assert_eq!(without.passes(0, inputs.view(), None, 1, 0.0, Key::root(2)), [plain]);
}

/// `tests/golden/optimisers.py` made the reference with PyTorch, in double precision.
#[test]
fn optimisers_agree_with_pytorch() {
    let golden: serde_json::Value = serde_json::from_str(include_str!("golden/optimisers.json")).unwrap();
    let spec = NetSpec::mlp(5, &[4], 3).unwrap();
    let inputs: Vec<f32> = (0..60).map(|i| (0.3 * f64::from(i)).cos() as f32).collect();
    let inputs = Matrix::new(inputs, 12, 5);
    let start: Vec<f32> = (0..39).map(|i| (0.5 * (1.0 + 0.7 * f64::from(i)).sin()) as f32).collect();
    let (rows, labels): (Vec<u32>, Vec<u32>) = (0..12).map(|row| (row, row % 3)).unzip();
    let optimisers = [
        ("sgd", Optimiser::Sgd { momentum: 0.0, nesterov: false }),
        ("momentum", Optimiser::Sgd { momentum: 0.9, nesterov: false }),
        ("nesterov", Optimiser::Sgd { momentum: 0.9, nesterov: true }),
        ("adam", Optimiser::Adam),
        ("nadam", Optimiser::NAdam),
    ];
    for (name, optimiser) in optimisers {
        for (kind, loss) in [("cross_entropy", Loss::CrossEntropy), ("squared", Loss::Squared)] {
            let plan = TrainPlan {
                loss,
                weight_decay: 1e-2,
                batch: 12,
                drop_last: false,
                start: Start::Warm,
                ..plan(optimiser, Stop::Steps { steps: 25 })
            };
            let mut bank = Bank::new(&spec, 1).unwrap();
            bank.set_weights(0, &start).unwrap();
            let data = ModelData {
                inputs: inputs.view(),
                rows: &rows,
                labels: &labels,
                validation: (&[], &[]),
                extra: None,
            };
            bank.fit(&[data], &plan, &[Key::root(0)]).unwrap();
            let expected = golden["weights"][format!("{name}/{kind}")].as_array().unwrap();
            assert_eq!(expected.len(), start.len());
            for (found, expected) in bank.weights(0).iter().zip(expected) {
                let expected = expected.as_f64().unwrap();
                assert!((f64::from(*found) - expected).abs() < 5e-6, "{name}/{kind}: {found} and {expected}");
            }
        }
    }
}

fn any_block() -> impl Strategy<Value = Block> {
    (1..20usize, any::<bool>())
        .prop_map(|(width, dense)| if dense { Block::Dense { width } } else { Block::Residual { width } })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any shape, any bank, mini-batches of more rows than are processed together: a model of a bank is
    /// what it would have been alone, on every path.
    #[test]
    fn any_network_is_its_own(
        (inputs, blocks, outputs) in (1..40usize, prop::collection::vec(any_block(), 0..4), 1..19usize),
        drop in prop::sample::select(vec![0.0f32, 0.4]),
        sizes in prop::collection::vec(1..150usize, 1..20),
        batch in 1..160usize,
        optimiser in prop::sample::select(vec![
            Optimiser::Sgd { momentum: 0.9, nesterov: false },
            Optimiser::Adam,
            Optimiser::NAdam,
        ]),
        steps in 1..9u32,
        chosen in any::<prop::sample::Index>(),
    ) {
        let spec = NetSpec::new(inputs, blocks, outputs, drop).unwrap();
        let pools: Vec<_> = (0..sizes.len()).map(|model| blobs(150, inputs, outputs, model as u64)).collect();
        let rows: Vec<Vec<u32>> = sizes.iter().map(|&size| (0..size as u32).collect()).collect();
        let labels: Vec<Vec<u32>> = sizes.iter().zip(&pools).map(|(&size, p)| p.1[..size].to_vec()).collect();
        let pools = Pools { pools, rows, labels, held: 1 };
        let plan = TrainPlan { batch, ..plan(optimiser, Stop::Steps { steps }) };
        let all: Vec<usize> = (0..sizes.len()).collect();
        let model = chosen.index(sizes.len());
        let alone = train(&spec, &pools, &[model], &plan, SimdPath::best()).remove(0);
        for path in paths() {
            prop_assert_eq!(&train(&spec, &pools, &all, &plan, path)[model], &alone);
        }
    }
}

/// Banks move between threads and are read from several.
#[test]
fn banks_cross_threads() {
    fn crosses<T: Send + Sync>() {}
    crosses::<Bank>();
}

/// Nothing in the engine depends on a library's `exp` or on the machine: these bits are the same
/// everywhere, and changing them changes every stored result.
#[test]
fn results_are_pinned() {
    let spec =
        NetSpec::new(9, vec![Block::Dense { width: 17 }, Block::Residual { width: 5 }], 3, 0.3).unwrap();
    let pools = Pools::new(&spec, 3);
    let mut digest = crc32fast::Hasher::new();
    for optimiser in [Optimiser::Sgd { momentum: 0.9, nesterov: true }, Optimiser::Adam, Optimiser::NAdam] {
        for model in
            train(&spec, &pools, &[0, 1, 2], &plan(optimiser, Stop::Epochs { epochs: 5 }), SimdPath::best())
        {
            for bits in model.weights.iter().chain(&model.probabilities) {
                digest.update(&bits.to_le_bytes());
            }
        }
    }
    assert_eq!(digest.finalize(), PINNED);
}
const PINNED: u32 = 4_201_072_877;

const OPTIMISERS: [Optimiser; 4] = [
    Optimiser::Sgd { momentum: 0.0, nesterov: false },
    Optimiser::Sgd { momentum: 0.9, nesterov: true },
    Optimiser::Adam,
    Optimiser::NAdam,
];

/// On one row, a mini-batch is that row: steps in two fits are the steps of one.
#[test]
fn an_optimiser_that_is_kept_goes_on_where_it_was() {
    let spec = NetSpec::mlp(5, &[6], 3).unwrap();
    let pools = Pools::new(&spec, 1);
    let model = ModelData { rows: &pools.rows[0][..1], labels: &pools.labels[0][..1], ..pools.model(0) };
    for optimiser in OPTIMISERS {
        let steps = |steps, start| TrainPlan { start, ..plan(optimiser, Stop::Steps { steps }) };
        let fitted = |fits: &[TrainPlan]| {
            let mut bank = Bank::new(&spec, 1).unwrap();
            bank.init(0, Key::root(1));
            for plan in fits {
                bank.fit(&[model], plan, &[Key::root(2)]).unwrap();
            }
            bits(&bank.weights(0))
        };
        let at_once = fitted(&[steps(31, Start::Continue)]);
        assert_eq!(fitted(&[steps(31, Start::Warm)]), at_once, "{optimiser:?}: nothing to go on from");
        assert_eq!(fitted(&[steps(7, Start::Continue), steps(24, Start::Continue)]), at_once);
        let forgetful = fitted(&[steps(7, Start::Warm), steps(24, Start::Warm)]);
        let remembers = !matches!(optimiser, Optimiser::Sgd { momentum: 0.0, .. });
        assert_eq!(forgetful != at_once, remembers, "{optimiser:?}");
        // A fit that starts anew in between leaves nothing to go on from.
        let both = [steps(7, Start::Continue), steps(1, Start::Warm), steps(23, Start::Continue)];
        assert_eq!(fitted(&both) != at_once, remembers, "{optimiser:?}");
    }
}

/// Networks that have come to different points of their training go on together as they would alone, in
/// either layout and with every instruction set.
#[test]
fn kept_optimisers_do_not_notice_their_neighbours() {
    let spec = NetSpec::mlp(5, &[6], 3).unwrap();
    let pools = Pools::new(&spec, 16);
    for optimiser in OPTIMISERS {
        let steps = |steps| TrainPlan { start: Start::Continue, ..plan(optimiser, Stop::Steps { steps }) };
        for path in paths() {
            let mut together = Bank::with_path(&spec, 16, path).unwrap();
            let mut alone = Vec::new();
            for model in 0..16 {
                let (data, key) = ([pools.model(model)], [Key::root(3).at(model as u64)]);
                let mut bank = Bank::with_path(&spec, 1, path).unwrap();
                bank.init(0, key[0]);
                bank.fit(&data, &steps(1 + model as u32), &key).unwrap();
                together.adopt(model, &bank, 0).unwrap();
                bank.fit(&data, &steps(20), &key).unwrap();
                alone.push(bits(&bank.weights(0)));
            }
            let data: Vec<_> = (0..16).map(|model| pools.model(model)).collect();
            let keys: Vec<_> = (0..16).map(|model| Key::root(3).at(model)).collect();
            together.fit(&data, &steps(20), &keys).unwrap();
            for (model, alone) in alone.iter().enumerate() {
                assert_eq!(bits(&together.weights(model)), *alone, "{optimiser:?} {path:?} model {model}");
            }
        }
    }
    let mut burn = BurnNet::new(&spec, 1, Device::flex()).unwrap();
    let refused = burn.fit(
        &[pools.model(0)],
        &TrainPlan { start: Start::Continue, ..plan(OPTIMISERS[2], Stop::Steps { steps: 1 }) },
        &[Key::root(1)],
    );
    assert!(refused.unwrap_err().to_string().contains("forget the optimiser's state"));
}
