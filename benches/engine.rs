//! Speed of the bank engine, as ratios to what the same core does in the same run.
//!
//! `cargo bench --bench engine` measures a 1024 x 1024 x 1024 matrix product, burn's autodiff on one
//! network, and banks of 16 and of 1, and ends with one line of JSON on standard output. Steps include
//! gathering the mini-batch, shuffling, losses and the update; nothing is left out. Blocks of the
//! things compared are interleaved and medians taken, because other work on the machine moves the clock.

use querist::Key;
use querist::arch::{Block, NetSpec};
use querist::data::Matrix;
use querist::learner::bank::Bank;
use querist::learner::{LaneData, Loss, Optimiser, Start, Stop, TrainPlan};
use rand::Rng;
use serde_json::json;
use std::time::Instant;

const BLOCKS: usize = 7;
/// Aimed-at length of a block, seconds.
const BLOCK: f64 = 0.12;

/// The shapes that are measured, with their mini-batches.
fn cases() -> Vec<(NetSpec, usize)> {
    let mlp = |inputs, hidden: &[usize], outputs| NetSpec::mlp(inputs, hidden, outputs).expect("a shape");
    let residual = NetSpec::new(64, vec![Block::Residual { width: 64 }; 4], 10, 0.0).expect("a shape");
    vec![
        (mlp(64, &[24, 12], 10), 64),
        (mlp(256, &[100], 10), 64),
        (mlp(384, &[], 10), 64),
        (mlp(180, &[24, 24, 12], 3), 43),
        (residual, 64),
    ]
}

fn main() {
    let mut sgemm = Vec::new();
    let mut product = Product::new(1024);
    product.gflops();
    let mut rows = Vec::new();
    eprintln!(
        "{:>16} {:>5} {:>6} {:>12} {:>9} {:>7}",
        "shape", "bank", "batch", "net-steps/s", "GFLOP/s", "sgemm"
    );
    for (spec, batch) in &cases() {
        for bank in [16, 1] {
            let mut trainer = Trainer::new(spec, bank, *batch);
            let (mut rates, mut ratios) = (Vec::new(), Vec::new());
            for _ in 0..BLOCKS {
                let limit = product.gflops();
                sgemm.push(limit);
                let rate = trainer.net_steps_per_second();
                rates.push(rate);
                ratios.push(rate * flops(spec, *batch) / 1e9 / limit);
            }
            let (rate, ratio) = (median(&mut rates), median(&mut ratios));
            let gflops = rate * flops(spec, *batch) / 1e9;
            eprintln!(
                "{:>16} {bank:>5} {:>6} {rate:>12.0} {gflops:>9.1} {:>6.1}%",
                spec.to_string(),
                batch,
                100.0 * ratio
            );
            rows.push(json!({
                "shape": spec.to_string(), "bank": bank, "batch": batch,
                "gflops": gflops, "ratio": ratio, "steps_per_second": rate,
            }));
        }
    }
    println!("{}", json!({ "sgemm_gflops": median(&mut sgemm), "rows": rows }));
}

/// Forward, input gradient and weight gradient: six operations per weight and row.
fn flops(spec: &NetSpec, batch: usize) -> f64 {
    6.0 * spec.multiply_adds() as f64 * batch as f64
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Product {
    size: usize,
    a: Vec<f32>,
    b: Vec<f32>,
    c: Vec<f32>,
}

impl Product {
    fn new(size: usize) -> Self {
        let values = || (0..size * size).map(|i| (i % 17) as f32 * 0.01).collect();
        Self { size, a: values(), b: values(), c: vec![0.0; size * size] }
    }

    /// GFLOP/s of a product of square matrices on this core.
    fn gflops(&mut self) -> f64 {
        let (n, stride) = (self.size, self.size as isize);
        let start = Instant::now();
        let mut count = 0;
        while count < 2 || start.elapsed().as_secs_f64() < BLOCK {
            // SAFETY: three square matrices of `n` rows, column strides 1.
            unsafe {
                gemm::gemm(
                    n,
                    n,
                    n,
                    self.c.as_mut_ptr(),
                    1,
                    stride,
                    false,
                    self.a.as_ptr(),
                    1,
                    stride,
                    self.b.as_ptr(),
                    1,
                    stride,
                    0.0f32,
                    1.0f32,
                    false,
                    false,
                    false,
                    gemm::Parallelism::None,
                );
            }
            count += 1;
        }
        2.0 * (n as f64).powi(3) * f64::from(count) / start.elapsed().as_secs_f64() / 1e9
    }
}

/// A bank whose networks train on pools of their own.
struct Trainer {
    bank: Bank,
    pools: Vec<(Matrix, Vec<u32>)>,
    rows: Vec<u32>,
    batch: usize,
    steps: u32,
}

impl Trainer {
    fn new(spec: &NetSpec, lanes: usize, batch: usize) -> Self {
        let count = batch * 4;
        let pools = (0..lanes).map(|lane| pool(count, spec, lane as u64)).collect();
        let rows = (0..count as u32).collect();
        let mut own = Self { bank: Bank::new(spec, lanes).expect("a bank"), pools, rows, batch, steps: 50 };
        let rate = own.net_steps_per_second() / lanes as f64;
        own.steps = ((rate * BLOCK) as u32).max(10);
        own
    }

    /// One fit; gradient steps of one network per second, summed over networks.
    fn net_steps_per_second(&mut self) -> f64 {
        let plan = TrainPlan {
            loss: Loss::CrossEntropy,
            optimiser: Optimiser::Adam,
            learning_rate: 1e-3,
            weight_decay: 0.0,
            batch: self.batch,
            stop: Stop::Steps { steps: self.steps },
            start: Start::Scratch,
        };
        let lane = |(inputs, labels)| LaneData {
            inputs: Matrix::view(inputs),
            rows: &self.rows,
            labels: <Vec<u32>>::as_slice(labels),
            validation: (&[], &[]),
        };
        let data: Vec<_> = self.pools.iter().map(|(inputs, labels)| lane((inputs, labels))).collect();
        let keys: Vec<_> = (0..data.len()).map(|lane| Key::root(1).at(lane as u64)).collect();
        let start = Instant::now();
        let reports = self.bank.fit(&data, &plan, &keys).expect("a training");
        assert!(reports.iter().all(|report| report.steps == self.steps));
        f64::from(self.steps) * data.len() as f64 / start.elapsed().as_secs_f64()
    }
}

fn pool(rows: usize, spec: &NetSpec, seed: u64) -> (Matrix, Vec<u32>) {
    let mut rng = Key::root(seed).rng();
    let mut values = Vec::with_capacity(rows * spec.inputs());
    let labels: Vec<u32> = (0..rows).map(|row| (row % spec.outputs()) as u32).collect();
    for &label in &labels {
        for input in 0..spec.inputs() {
            let noise = (rng.next_u32() >> 8) as f32 / 8_388_608.0 - 1.0;
            values.push(noise + if input == label as usize { 1.0 } else { 0.0 });
        }
    }
    (Matrix::new(values, rows, spec.inputs()), labels)
}
