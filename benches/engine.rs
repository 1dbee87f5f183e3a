//! Speed of the bank engine, as ratios to what the same core does in the same run.
//!
//! `cargo bench --bench engine` measures a 1024 x 1024 x 1024 matrix product, burn's autodiff on one
//! networks one at a time, and banks of 16 and of 1, and ends with one line of JSON on standard output. Steps include
//! gathering the mini-batch, shuffling, losses and the update; nothing is left out. Blocks of the
//! things compared are interleaved and medians taken, because other work on the machine moves the clock.
//! `cargo bench --bench engine -- 64-24-12-10` measures that shape only; `-- cuda`, with the feature of that
//! name, banks of 256 to 4,096 networks on the device against a bank of 16 on one core, and nothing else.

use burn::tensor::Device;
use querist::Key;
use querist::arch::{Block, NetSpec};
use querist::data::Matrix;
use querist::learner::{
    Bank, BurnNet, DeviceKind, Learner, Loss, ModelData, Optimiser, Start, Stop, TrainPlan,
};
use rand::Rng;
use rayon::prelude::*;
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
    // Cargo hands over `--bench`; anything else names the shapes to measure.
    let only: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let wanted = |spec: &NetSpec| only.is_empty() || only.contains(&spec.to_string());
    let devices = [DeviceKind::Flex, DeviceKind::Cuda];
    if let Some(device) = devices.into_iter().find(|device| only.iter().any(|arg| arg == device.name())) {
        return on_device(device);
    }
    let mut sgemm = Vec::new();
    let mut product = Product::new(1024);
    product.gflops();
    let (mut rows, mut burns) = (Vec::new(), Vec::new());
    eprintln!(
        "{:>16} {:>5} {:>6} {:>12} {:>9} {:>7}",
        "shape", "bank", "batch", "net-steps/s", "GFLOP/s", "sgemm"
    );
    for (spec, batch) in cases().iter().filter(|(spec, _)| wanted(spec)) {
        for bank in [16, 1] {
            let mut trainer = Trainer::new(spec, bank, *batch, DeviceKind::Cpu);
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
        let mut burn = Burn::new(spec, *batch);
        let mut one = Trainer::new(spec, 1, *batch, DeviceKind::Cpu);
        let (mut rates, mut ratios) = (Vec::new(), Vec::new());
        for _ in 0..BLOCKS {
            let rate = burn.steps_per_second();
            rates.push(rate);
            ratios.push(one.net_steps_per_second() / rate);
        }
        let (rate, times) = (median(&mut rates), median(&mut ratios));
        eprintln!(
            "{:>16}  burn {batch:>6} {rate:>12.0}   a bank of one is {times:.1} x as fast",
            spec.to_string()
        );
        burns.push(json!({
            "shape": spec.to_string(), "batch": batch, "steps_per_second": rate, "bank_of_one": times,
        }));
    }
    let (predict, episode) = if only.is_empty() { (predictions(), episodes()) } else { Default::default() };
    println!(
        "{}",
        json!({ "sgemm_gflops": median(&mut sgemm), "rows": rows, "burn": burns, "predict": predict, "episode": episode })
    );
}

/// Large banks on a device, against a bank of 16 on one core of the processor.
fn on_device(device: DeviceKind) {
    let mut rows = Vec::new();
    for (spec, batch) in cases() {
        let mut core = Trainer::new(&spec, 16, batch, DeviceKind::Cpu);
        for bank in [256, 1_024, 4_096] {
            let mut trainer = Trainer::new(&spec, bank, batch, device);
            let (mut rates, mut ratios) = (Vec::new(), Vec::new());
            for _ in 0..BLOCKS {
                let rate = trainer.net_steps_per_second();
                rates.push(rate);
                ratios.push(rate / core.net_steps_per_second());
            }
            let (rate, times) = (median(&mut rates), median(&mut ratios));
            eprintln!(
                "{spec:>20} {bank:>5} on {}: {rate:>12.0} net-steps/s, {times:.2} cores",
                device.name()
            );
            rows.push(json!({
                "shape": spec.to_string(), "bank": bank, "batch": batch, "device": device.name(),
                "steps_per_second": rate, "cores": times,
            }));
        }
    }
    println!("{}", json!({ "rows": rows }));
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
    fn new(spec: &NetSpec, models: usize, batch: usize, device: DeviceKind) -> Self {
        let count = batch * 4;
        let pools = (0..models).map(|model| pool(count, spec, model as u64)).collect();
        let rows = (0..count as u32).collect();
        let bank = Bank::on(spec, models, device).expect("a bank");
        let mut own = Self { bank, pools, rows, batch, steps: 50 };
        // What is compiled for a device is compiled at the first fit.
        own.net_steps_per_second();
        let rate = own.net_steps_per_second() / models as f64;
        own.steps = ((rate * BLOCK) as u32).max(10);
        own
    }

    /// One fit; gradient steps of one network per second, summed over networks.
    fn net_steps_per_second(&mut self) -> f64 {
        let plan = plan(self.batch, Stop::Steps { steps: self.steps });
        let data: Vec<_> = self.pools.iter().map(|pool| model(pool, &self.rows)).collect();
        let keys: Vec<_> = (0..data.len()).map(|model| Key::root(1).at(model as u64)).collect();
        let start = Instant::now();
        let reports = self.bank.fit(&data, &plan, &keys).expect("a training");
        assert!(reports.iter().all(|report| report.steps == self.steps));
        f64::from(self.steps) * data.len() as f64 / start.elapsed().as_secs_f64()
    }
}

/// One network through burn's autodiff on the CPU.
struct Burn {
    net: BurnNet,
    pool: (Matrix, Vec<u32>),
    rows: Vec<u32>,
    batch: usize,
}

impl Burn {
    fn new(spec: &NetSpec, batch: usize) -> Self {
        let net = BurnNet::new(spec, 1, Device::flex()).expect("a network");
        let count = batch * 4;
        Self { net, pool: pool(count, spec, 0), rows: (0..count as u32).collect(), batch }
    }

    fn steps_per_second(&mut self) -> f64 {
        let (steps, data) = (400, model(&self.pool, &self.rows));
        let start = Instant::now();
        self.net.fit(&[data], &plan(self.batch, Stop::Steps { steps }), &[Key::root(1)]).expect("a training");
        f64::from(steps) / start.elapsed().as_secs_f64()
    }
}

/// Probabilities of one network for a pool of 2,000 rows, and its rate against the same run's sgemm.
fn predictions() -> serde_json::Value {
    let spec = &cases()[0].0;
    let (inputs, _) = pool(2_000, spec, 1);
    let mut bank = Bank::new(spec, 1).expect("a bank");
    bank.init(0, Key::root(1));
    let mut product = Product::new(1024);
    let (mut seconds, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..BLOCKS {
        let limit = product.gflops();
        let start = Instant::now();
        for _ in 0..200 {
            std::hint::black_box(bank.probabilities(0, inputs.view(), None));
        }
        let time = start.elapsed().as_secs_f64() / 200.0;
        seconds.push(time);
        ratios.push(2.0 * spec.multiply_adds() as f64 * 2_000.0 / time / 1e9 / limit);
    }
    let (seconds, ratio) = (median(&mut seconds), median(&mut ratios));
    eprintln!("probabilities of 2,000 rows: {:.0} us, {:.1}% of sgemm", 1e6 * seconds, 100.0 * ratio);
    json!({ "shape": spec.to_string(), "rows": 2_000, "seconds": seconds, "ratio": ratio })
}

/// Episodes of 20 rounds x 50 epochs over a pool of 2,000 by margin, ten labels a round, on one thread
/// and on two.
fn episodes() -> serde_json::Value {
    const COUNT: u64 = 24;
    let spec = &cases()[0].0;
    let run = |threads: usize| {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let (start, cpu) = (Instant::now(), cpu_seconds());
        let steps: u32 = threads.install(|| (0..COUNT).into_par_iter().map(|seed| episode(spec, seed)).sum());
        let each = |seconds: f64| seconds / COUNT as f64;
        (each(start.elapsed().as_secs_f64()), each(cpu_seconds() - cpu), steps / COUNT as u32)
    };
    let (mut seconds, mut wall, mut cpu, mut steps) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for _ in 0..BLOCKS {
        let (one, two) = (run(1), run(2));
        seconds.push(one.1);
        wall.push(one.0 / two.0);
        cpu.push(2.0 * one.1 / two.1);
        steps = one.2;
    }
    let (seconds, wall, cpu) = (median(&mut seconds), median(&mut wall), median(&mut cpu));
    eprintln!(
        "an episode of 20 rounds, {steps} steps, pool of 2,000: {seconds:.4} s of one core; \
         two threads: {wall:.2} x by the clock, {cpu:.2} x by processor time"
    );
    json!({ "cpu_seconds": seconds, "steps": steps, "two_threads": wall, "two_threads_by_cpu": cpu })
}

/// Processor time of this process. On a busy machine it says what the clock cannot: whether threads that
/// get a core each would get in each other's way.
fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one `timespec`.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
}

/// The gradient steps of one episode.
fn episode(spec: &NetSpec, seed: u64) -> u32 {
    let (inputs, labels) = pool(2_000, spec, seed);
    let mut bank = Bank::new(spec, 1).expect("a bank");
    let mut rows: Vec<u32> = (0..10).collect();
    let mut steps = 0;
    for round in 0..20 {
        let known: Vec<u32> = rows.iter().map(|&row| labels[row as usize]).collect();
        let data = ModelData {
            inputs: inputs.view(),
            rows: &rows,
            labels: &known,
            validation: (&[], &[]),
            extra: None,
        };
        let key = Key::root(seed).at(round);
        steps +=
            bank.fit(&[data], &plan(64, Stop::Epochs { epochs: 50 }), &[key]).expect("a training")[0].steps;
        let p = bank.probabilities(0, inputs.view(), None);
        let margin = |row: &[f32]| {
            let top = row.iter().fold([0.0f32; 2], |[a, b], &p| if p > a { [p, a] } else { [a, b.max(p)] });
            top[0] - top[1]
        };
        let mut order: Vec<(f32, u32)> = (0..2_000u32)
            .filter(|row| !rows.contains(row))
            .map(|row| (margin(p.row(row as usize)), row))
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        rows.extend(order[..10].iter().map(|&(_, row)| row));
    }
    steps
}

fn plan(batch: usize, stop: Stop) -> TrainPlan {
    TrainPlan {
        loss: Loss::CrossEntropy,
        optimiser: Optimiser::Adam,
        learning_rate: 1e-3,
        weight_decay: 0.0,
        batch,
        drop_last: false,
        stop,
        start: Start::Scratch,
    }
}

fn model<'a>(pool: &'a (Matrix, Vec<u32>), rows: &'a [u32]) -> ModelData<'a> {
    ModelData { inputs: pool.0.view(), rows, labels: &pool.1, validation: (&[], &[]), extra: None }
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
