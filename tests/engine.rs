//! The bank engine's contract: a network's result is its own.
//!
//! Not on the instruction set, not on the layout, not on the neighbours, not on what they do.

use querist::Key;
use querist::arch::{Block, NetSpec};
use querist::data::Matrix;
use querist::learner::bank::Bank;
use querist::learner::{FitReport, LaneData, LearnError, Loss, Optimiser, SimdPath, Start, Stop, TrainPlan};
use rand::Rng;

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
}

impl Pools {
    /// One pool per lane, each lane with another number of labelled rows.
    fn new(spec: &NetSpec, lanes: usize) -> Self {
        let pools: Vec<_> =
            (0..lanes).map(|lane| blobs(80, spec.inputs(), spec.outputs(), lane as u64)).collect();
        let rows: Vec<Vec<u32>> = (0..lanes).map(|lane| (0..20 + 3 * (lane as u32 % 11)).collect()).collect();
        let labels =
            rows.iter().zip(&pools).map(|(r, p)| r.iter().map(|&r| p.1[r as usize]).collect()).collect();
        Self { pools, rows, labels }
    }

    fn lane(&self, lane: usize) -> LaneData<'_> {
        let (rows, labels) = (&self.rows[lane][..], &self.labels[lane][..]);
        LaneData { inputs: self.pools[lane].0.view(), rows, labels, validation: (&rows[..9], &labels[..9]) }
    }
}

fn bits(weights: &[f32]) -> Vec<u32> {
    weights.iter().map(|w| w.to_bits()).collect()
}

/// Trains the given lanes as one bank; weights and reports per lane.
fn train(
    spec: &NetSpec,
    pools: &Pools,
    lanes: &[usize],
    plan: &TrainPlan,
    path: SimdPath,
) -> Vec<(Vec<u32>, FitReport)> {
    let mut bank = Bank::with_path(spec, lanes.len(), path).unwrap();
    let data: Vec<_> = lanes.iter().map(|&lane| pools.lane(lane)).collect();
    let keys: Vec<_> = lanes.iter().map(|&lane| Key::root(9).at(lane as u64)).collect();
    let reports = bank.fit(&data, plan, &keys).unwrap();
    (0..lanes.len()).map(|lane| (bits(&bank.weights(lane)), reports[lane])).collect()
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
            for path in SimdPath::ALL.into_iter().filter(|path| path.is_available()) {
                let together = train(spec, &pools, &all, &plan, path);
                let differ: Vec<_> = all.iter().filter(|&&lane| together[lane] != alone[lane]).collect();
                assert!(differ.is_empty(), "lanes {differ:?} of {spec} {plan:?} {path:?}");
            }
            let mixed = [18, 3, 7, 0, 1, 2, 4, 5, 17];
            let some = train(spec, &pools, &mixed, &plan, SimdPath::best());
            for (result, &lane) in some.iter().zip(&mixed) {
                assert_eq!(*result, alone[lane], "{spec} lane {lane}");
            }
        }
    }
}

#[test]
fn training_learns() {
    let spec = NetSpec::mlp(8, &[16], 4).unwrap();
    let (inputs, labels) = blobs(400, 8, 4, 3);
    let rows: Vec<u32> = (0..200).collect();
    let data =
        LaneData { inputs: inputs.view(), rows: &rows, labels: &labels[..200], validation: (&[], &[]) };
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
    let good =
        LaneData { inputs: inputs.view(), rows: &[0, 1], labels: &labels[..2], validation: (&[], &[]) };
    let plan = plan(Optimiser::Adam, Stop::Epochs { epochs: 2 });
    let mut fails = |data: LaneData<'_>, plan: TrainPlan| {
        let error = bank.fit(&[data], &plan, &[Key::root(0)]).unwrap_err();
        format!("{:?}", error.downcast_ref::<LearnError>().unwrap())
            .split([' ', '{'])
            .next()
            .unwrap()
            .to_string()
    };
    assert_eq!(fails(LaneData { rows: &[], labels: &[], ..good }, plan), "NoRows");
    assert_eq!(fails(LaneData { rows: &[0, 10], ..good }, plan), "Row");
    assert_eq!(fails(LaneData { labels: &[0, 2], ..good }, plan), "Class");
    assert_eq!(fails(LaneData { labels: &[0], ..good }, plan), "Labels");
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
