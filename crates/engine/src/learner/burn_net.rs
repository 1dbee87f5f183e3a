//! The same networks through burn: autodiff on a device, for what the bank engine does not do, and those for
//! images.
//!
//! [`BurnNet`] trains on the batches, masks and rules of [`Bank`](super::Bank) from the same keys, and
//! keeps weights in the same documented order, so the two can be compared step by step. It is an order
//! of magnitude slower on small networks. All randomness is drawn on the host: burn's device seed is one
//! lock for the whole process.

use super::Learner;
use super::bank::{check_fit, host_mask};
use super::burn_optimiser::optimiser;
use super::error::LearnError;
use super::image::{self, Map, Moments, Norm};
use super::plan::{FitReport, Loss, ModelData, Optimiser, Start, Stop, TrainPlan};
use super::program::{self, Finish, Program};
use super::schedule::ModelRun;
use super::virtual_rows::Aim;
use crate::arch::{Block, MapShape, NetSpec};
use crate::data::{Matrix, MatrixView};
use crate::error::Result;
use crate::rng::Key;
use burn::module::{Module, Param};
use burn::nn::loss::{CrossEntropyLoss, MseLoss, Reduction};
use burn::optim::{GradientsParams, LearningRate};
use burn::tensor::activation::{log_softmax, relu, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Rows that are predicted together.
const CHUNK: usize = 1024;

/// Networks of one [`NetSpec`] on a burn device, trained one after another.
pub struct BurnNet {
    spec: NetSpec,
    /// How a network for vectors is computed; one for images is by its specification.
    program: Option<Program>,
    slots: Vec<Slot>,
    device: Device,
    models: Vec<Net>,
}

/// One network: what is trained, and the running moments of its normalised maps.
#[derive(Clone, Debug)]
struct Net {
    affines: Affines,
    running: Vec<Moments>,
}

/// The trainable tensors of a network: weights `[fan_in, fan_out]` of every map, biases of those that
/// have one, gains and shifts of those that are normalised.
#[derive(Module, Debug, Default)]
struct Affines {
    weights: Vec<Param<Tensor<2>>>,
    biases: Vec<Param<Tensor<1>>>,
    gains: Vec<Param<Tensor<1>>>,
    shifts: Vec<Param<Tensor<1>>>,
}

/// Where the weights of one affine map lie.
#[derive(Clone, Copy, Debug)]
struct Slot {
    map: MapShape,
    /// Offset of the weights; the bias comes behind them, or the gain, the shift, the running mean and the
    /// running variance.
    weights: usize,
}

impl Slot {
    fn of(spec: &NetSpec) -> Result<Vec<Self>> {
        let (mut slots, mut weights) = (Vec::new(), 0);
        spec.walk(|_, map| {
            slots.push(Self { map, weights });
            weights += slots[slots.len() - 1].count();
        })?;
        Ok(slots)
    }

    /// Weights and bias, which are drawn.
    fn drawn(&self) -> usize {
        self.map.fan_in * self.map.fan_out + if self.map.bias { self.map.fan_out } else { 0 }
    }

    fn count(&self) -> usize {
        self.drawn() + if self.map.norm { 4 * self.map.fan_out } else { 0 }
    }
}

/// What a forward pass is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Embedding,
    Logits,
}

impl BurnNet {
    /// `models` networks whose weights are zero, on `device` (`Device::flex()` is the CPU).
    ///
    /// # Errors
    /// What [`NetSpec::check`] refuses, and [`LearnError::Lanes`].
    pub fn new(spec: &NetSpec, models: usize, device: Device) -> Result<Self> {
        spec.check()?;
        super::bank::check_models(models)?;
        if spec.is_over_pixels() {
            let (field, found) = ("architecture", spec.to_string());
            return Err(
                LearnError::Plan { field, found, expected: "one that says something of whole rows" }.into()
            );
        }
        let program = spec.image().is_none().then(|| Program::new(spec));
        let slots = Slot::of(spec)?;
        let device = device.autodiff();
        let zeros = vec![0.0; spec.parameters()];
        let models = (0..models).map(|_| Net::new(&slots, &zeros, &device)).collect();
        Ok(Self { spec: spec.clone(), program, slots, device, models })
    }

    /// One network's weights in the order documented in [`super::bank`].
    ///
    /// # Panics
    /// If there is no such model.
    pub fn weights(&self, model: usize) -> Vec<f32> {
        self.models[model].flatten(&self.slots)
    }

    /// Replaces one network's weights.
    ///
    /// # Errors
    /// If their number is not the architecture's.
    ///
    /// # Panics
    /// If there is no such model.
    pub fn set_weights(&mut self, model: usize, weights: &[f32]) -> Result<()> {
        let (expected, found) = (self.spec.parameters(), weights.len());
        if found != expected {
            return Err(LearnError::Weights { model, expected, found }.into());
        }
        self.models[model] = Net::new(&self.slots, weights, &self.device);
        Ok(())
    }

    fn fit_model(&mut self, model: usize, data: ModelData<'_>, plan: &TrainPlan, key: Key) -> FitReport {
        let mut optimiser = optimiser(plan);
        let mut run = ModelRun::new(data, plan, key);
        let mut net = self.models[model].clone();
        // The weights before the last update: the last ones whose loss is known to be finite.
        let mut before = net.clone();
        while run.is_active() {
            run.begin_step();
            let rows = run.rows_left();
            let (inputs, aims): (Vec<_>, Vec<_>) = (0..rows).map(|at| run.example(at)).unzip();
            let masks = self.masks(rows, self.spec.dropout(), run.drop_word(), &self.device);
            let inputs = self.mini_batch(&inputs, run.drop_word());
            let mut seen = Vec::new();
            let logits = self.forward(&net, inputs, &masks, Reading::Logits, Some(&mut seen));
            let loss = self.batch_loss(plan.loss, &logits, &aims, &self.device);
            let mean = scalar(&loss);
            if !mean.is_finite() {
                run.diverge();
                net = before;
                break;
            }
            before = net.clone();
            let gradients = GradientsParams::from_grads(loss.backward(), &net.affines);
            net.affines = optimiser.step(LearningRate::from(plan.learning_rate), net.affines, gradients);
            net.running = net.running.iter().zip(&seen).map(|(own, batch)| own.follow(batch)).collect();
            let ended = run.end_step(f64::from(mean) * rows as f64, rows);
            let held = match plan.stop {
                Stop::Validation { .. } if ended => self.held_loss(&net, &run, plan.loss),
                _ => 0.0,
            };
            if !run.goes_on(ended, held) {
                run.stop_here();
                if net.flatten(&self.slots).iter().any(|weight| !weight.is_finite()) {
                    run.diverged_at_last();
                    net = before.clone();
                }
            }
        }
        self.models[model] = net;
        run.report()
    }

    fn held_loss(&self, net: &Net, run: &ModelRun<'_>, loss: Loss) -> f64 {
        let (rows, labels) = run.held();
        let inputs: Vec<_> = rows.iter().map(|&row| run.input(row)).collect();
        let device = self.device.clone().inner();
        let inputs = self.tensor(inputs.concat(), &device);
        let logits = self.forward(&net.valid(), inputs, &[], Reading::Logits, None);
        f64::from(scalar(&self.loss(loss, &logits, labels, &device)))
    }

    /// The inputs of one step of training, which `word` varies where the architecture says so.
    fn mini_batch(&self, rows: &[&[f32]], word: u64) -> Tensor<2> {
        let augment = self.spec.augment();
        let values = match self.spec.image().filter(|_| !augment.is_none()) {
            Some(image) => image::augmented(rows, image, augment, Key::root(word).named("augment")),
            None => rows.concat(),
        };
        self.tensor(values, &self.device)
    }

    /// Rows of inputs, one after the other.
    fn tensor(&self, values: Vec<f32>, device: &Device) -> Tensor<2> {
        let shape = [values.len() / self.spec.inputs(), self.spec.inputs()];
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    /// Dropout factors of one step at `rate` for every affine map that dropout follows; for images, of the plane means.
    fn masks(&self, rows: usize, rate: f32, word: u64, device: &Device) -> Vec<Option<Tensor<2>>> {
        if rate == 0.0 {
            return Vec::new();
        }
        let mask = |index: usize, width: usize| {
            let values = host_mask(rate, word, index, rows * width);
            Tensor::from_data(TensorData::new(values, [rows, width]), device)
        };
        match &self.program {
            Some(program) => {
                let maps = program.maps.iter().enumerate();
                maps.map(|(index, map)| map.drop.then(|| mask(index, map.fan_out))).collect()
            }
            None => {
                let planes = self.spec.blocks().iter().rev().find_map(|block| match block {
                    Block::Stem { filters, .. } | Block::Convolution { filters, .. } => Some(*filters),
                    _ => None,
                });
                vec![planes.map(|planes| mask(0, planes))]
            }
        }
    }

    /// What a network answers to `inputs`; with `seen`, as in training, it takes the moments that normalised maps
    /// had there.
    fn forward(
        &self,
        net: &Net,
        inputs: Tensor<2>,
        masks: &[Option<Tensor<2>>],
        reading: Reading,
        seen: Option<&mut Vec<Moments>>,
    ) -> Tensor<2> {
        let Net { affines: net, running } = net;
        let Some(program) = &self.program else {
            let image = self.spec.image().expect("without a program, the network is for images");
            let mut biases = net.biases.iter();
            let mut norms = net.gains.iter().zip(&net.shifts).zip(running).map(|((gain, shift), running)| {
                Norm { gain: gain.val(), shift: shift.val(), running: running.clone() }
            });
            let mut maps = net.weights.iter().zip(&self.slots).map(|(weights, slot)| Map {
                weights: weights.val(),
                bias: if slot.map.bias { biases.next().map(Param::val) } else { None },
                norm: if slot.map.norm { norms.next() } else { None },
            });
            let mask = masks.first().cloned().flatten();
            let (embedding, logits) = image::forward(&self.spec, image, &mut maps, inputs, mask, seen);
            return if reading == Reading::Logits { logits } else { embedding };
        };
        let buffer = if reading == Reading::Logits { program.logits() } else { program.embedding() };
        let mut values = vec![inputs];
        let mut biases = net.biases.iter();
        for (index, map) in program.maps.iter().enumerate() {
            let mut sum = values[map.input].clone().matmul(net.weights[index].val());
            if map.bias.is_some()
                && let Some(bias) = biases.next()
            {
                sum = sum + bias.val().unsqueeze();
            }
            match map.start {
                program::Start::Bias => {}
                program::Start::BiasPlus(skip) => sum = sum + values[skip].clone(),
                program::Start::Output => sum = sum + values[map.output].clone(),
            }
            sum = match map.finish {
                Finish::Keep => sum,
                Finish::Relu => relu(sum),
                Finish::Smooth(activation) => image::smooth(sum, activation),
            };
            if let Some(Some(mask)) = masks.get(index) {
                sum = sum * mask.clone();
            }
            values.truncate(map.output);
            values.push(sum);
        }
        values.swap_remove(buffer)
    }

    /// The mean loss of a mini-batch, in which rows may have soft targets.
    fn batch_loss(&self, loss: Loss, logits: &Tensor<2>, aims: &[Aim<'_>], device: &Device) -> Tensor<1> {
        let class = |aim: &Aim<'_>| match *aim {
            Aim::Class(label) => Some(label),
            Aim::Soft { .. } => None,
        };
        if let Some(labels) = aims.iter().map(class).collect::<Option<Vec<_>>>() {
            return self.loss(loss, logits, &labels, device);
        }
        let outputs = self.spec.outputs();
        let cells = aims.iter().flat_map(|aim| (0..outputs).map(move |class| (aim, class)));
        let targets: Vec<f32> = cells.map(|(aim, class)| aim.share(class) * aim.weight()).collect();
        let targets = Tensor::from_data(TensorData::new(targets, [aims.len(), outputs]), device);
        (log_softmax(logits.clone(), 1) * targets).sum().div_scalar(-(aims.len() as f32))
    }

    fn loss(&self, loss: Loss, logits: &Tensor<2>, labels: &[u32], device: &Device) -> Tensor<1> {
        let classes = labels.iter().map(|&label| i64::from(label)).collect();
        let classes: Tensor<1, Int> =
            Tensor::from_data(TensorData::new::<i64, _>(classes, [labels.len()]), device);
        match loss {
            Loss::CrossEntropy => CrossEntropyLoss::new(None, device).forward(logits.clone(), classes),
            Loss::Squared => {
                let hot = classes.one_hot::<2>(self.spec.outputs()).float();
                MseLoss::new().forward(logits.clone(), hot, Reduction::Mean)
            }
            Loss::SquaredError | Loss::BetaNll | Loss::BinaryCrossEntropy | Loss::CrossEntropyDice => {
                unreachable!("networks of burn are fitted to classes alone")
            }
        }
    }

    /// What a network answers, chunk after chunk.
    fn predict(
        &self,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        masks: &[Option<Tensor<2>>],
        reading: Reading,
        finish: impl Fn(Tensor<2>) -> Tensor<2>,
    ) -> Matrix {
        let count = rows.map_or(inputs.rows(), <[u32]>::len);
        let width = match reading {
            Reading::Embedding => self.spec.embedding(),
            Reading::Logits => self.spec.outputs(),
        };
        let net = self.models[model].valid();
        let mut out = Vec::with_capacity(count * width);
        for first in (0..count).step_by(CHUNK) {
            let row = |at: usize| inputs.row(rows.map_or(at, |rows| rows[at] as usize));
            let chunk: Vec<_> = (first..count.min(first + CHUNK)).map(row).collect();
            let chunk = self.tensor(chunk.concat(), &self.device.clone().inner());
            out.extend(host(&finish(self.forward(&net, chunk, masks, reading, None))));
        }
        Matrix::new(out, count, width)
    }
}

impl Learner for BurnNet {
    fn weights(&self, model: usize) -> Vec<f32> {
        self.weights(model)
    }

    fn spec(&self) -> &NetSpec {
        &self.spec
    }

    fn models(&self) -> usize {
        self.models.len()
    }

    fn fit(&mut self, data: &[ModelData<'_>], plan: &TrainPlan, keys: &[Key]) -> Result<Vec<FitReport>> {
        let plan = &plan.of(&self.spec);
        check_fit(&self.spec, self.models.len(), data, plan, keys)?;
        plan.loss.expect_classes(&format!("{} through burn", self.spec))?;
        if let Optimiser::Lbfgs { .. } = plan.optimiser {
            return Err(LearnError::Plan {
                field: "optimiser",
                found: "lbfgs".into(),
                expected: "one that makes gradient steps: these networks are trained by no other",
            }
            .into());
        }
        if plan.start == Start::Continue {
            return Err(LearnError::Plan {
                field: "start",
                found: "continue".into(),
                expected: "scratch or warm: these networks forget the optimiser's state",
            }
            .into());
        }
        if data.iter().any(|data| data.extra.is_some_and(|extra| extra.hidden.is_some())) {
            return Err(LearnError::Plan {
                field: "extra",
                found: "rows that are mixed at hidden layers".into(),
                expected: "rows that are mixed at their inputs: networks through burn learn no others",
            }
            .into());
        }
        if plan.start == Start::Scratch {
            for (model, key) in keys.iter().enumerate() {
                self.init(model, key.named("weights"));
            }
        }
        Ok((0..data.len()).map(|model| self.fit_model(model, data[model], plan, keys[model])).collect())
    }

    fn init(&mut self, model: usize, key: Key) {
        let mut weights = vec![0.0; self.spec.parameters()];
        let mut rng = key.rng();
        for slot in &self.slots {
            let drawn = slot.weights + slot.drawn();
            program::draw(&mut rng, slot.map.fan_in, &mut weights[slot.weights..drawn]);
            if slot.map.norm {
                // Gain 1, shift 0, running mean 0, running variance 1.
                let width = slot.map.fan_out;
                weights[drawn..drawn + width].fill(1.0);
                weights[drawn + 3 * width..drawn + 4 * width].fill(1.0);
            }
        }
        self.models[model] = Net::new(&self.slots, &weights, &self.device);
    }

    fn adopt(&mut self, model: usize, other: &dyn Learner, from: usize) -> Result<()> {
        self.set_weights(model, &other.weights(from))
    }

    fn approach(&mut self, model: usize, other: &dyn Learner, from: usize, share: f32) -> Result<()> {
        self.set_weights(model, &super::between(&self.weights(model), other.weights(from), share))
    }

    fn logits(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.predict(model, inputs, rows, &[], Reading::Logits, |logits| logits)
    }

    fn passes(
        &self,
        model: usize,
        inputs: MatrixView<'_>,
        rows: Option<&[u32]>,
        count: usize,
        rate: f32,
        key: Key,
    ) -> Vec<Matrix> {
        let device = self.device.clone().inner();
        let pass = |t: usize| {
            // One row of factors, which all rows of the inputs share.
            let masks = self.masks(1, rate, key.at(t as u64).seed64(), &device);
            self.predict(model, inputs, rows, &masks, Reading::Logits, |logits| softmax(logits, 1))
        };
        (0..count).map(pass).collect()
    }

    fn probabilities(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.predict(model, inputs, rows, &[], Reading::Logits, |logits| softmax(logits, 1))
    }

    fn embeddings(&self, model: usize, inputs: MatrixView<'_>, rows: Option<&[u32]>) -> Matrix {
        self.predict(model, inputs, rows, &[], Reading::Embedding, |values| values)
    }
}

impl Net {
    fn new(slots: &[Slot], weights: &[f32], device: &Device) -> Self {
        let (mut affines, mut running) = (Affines::default(), Vec::new());
        let inner = device.clone().inner();
        for slot in slots {
            let MapShape { fan_in, fan_out, bias, norm, .. } = slot.map;
            let mut rest = &weights[slot.weights..slot.weights + slot.count()];
            let mut next = |count: usize| {
                let (own, others) = rest.split_at(count);
                rest = others;
                own.to_vec()
            };
            let matrix = TensorData::new(next(fan_in * fan_out), [fan_in, fan_out]);
            affines.weights.push(Param::from_data(matrix, device));
            if bias {
                affines.biases.push(Param::from_data(TensorData::new(next(fan_out), [fan_out]), device));
            }
            if norm {
                affines.gains.push(Param::from_data(TensorData::new(next(fan_out), [fan_out]), device));
                affines.shifts.push(Param::from_data(TensorData::new(next(fan_out), [fan_out]), device));
                let mut kept = || Tensor::from_data(TensorData::new(next(fan_out), [fan_out]), &inner);
                running.push(Moments { mean: kept(), variance: kept() });
            }
        }
        Self { affines, running }
    }

    /// The same without gradients.
    fn valid(&self) -> Self {
        Self { affines: self.affines.valid(), running: self.running.clone() }
    }

    fn flatten(&self, slots: &[Slot]) -> Vec<f32> {
        let Affines { weights, biases, gains, shifts } = &self.affines;
        let mut flat = Vec::new();
        let (mut biases, mut norms) = (biases.iter(), gains.iter().zip(shifts).zip(&self.running));
        for (slot, matrix) in slots.iter().zip(weights) {
            flat.extend(host(&matrix.val()));
            if slot.map.bias
                && let Some(bias) = biases.next()
            {
                flat.extend(host(&bias.val()));
            }
            if slot.map.norm
                && let Some(((gain, shift), kept)) = norms.next()
            {
                for part in [&gain.val(), &shift.val(), &kept.mean, &kept.variance] {
                    flat.extend(host(part));
                }
            }
        }
        flat
    }
}

/// A tensor's values on the host.
fn host<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.to_data().try_to_vec().expect("networks are made of f32")
}

fn scalar(tensor: &Tensor<1>) -> f32 {
    host(tensor)[0]
}
