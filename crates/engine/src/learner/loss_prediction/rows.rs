//! A network of rows and its module, trained by backpropagation in 64 bits.

use super::LossModule;
use super::layout::{Layout, target_loss};
use crate::arch::NetSpec;
use crate::data::{MatrixView, TargetKind};
use crate::error::Result;
use crate::learner::bank::check_fit;
use crate::learner::descent::Descent;
use crate::learner::error::LearnError;
use crate::learner::manifold::masks;
use crate::learner::plan::{Loss, ModelData, TrainPlan};
use crate::learner::program::Program;
use crate::learner::reverse::Tape;
use crate::learner::schedule::ModelRun;
use crate::learner::standardise::Standardised;
use crate::learner::virtual_rows::Aim;
use crate::rng::Key;

/// A network of rows with its module, as documented at [`LossPredictor`](super::LossPredictor).
#[derive(Clone, Debug)]
pub struct RowLossPredictor {
    layout: Layout,
    /// What it was trained on.
    loss: Loss,
    parameters: Vec<f64>,
}

impl RowLossPredictor {
    /// Trains network and module.
    pub fn fit(
        spec: &NetSpec,
        start: Option<&[f32]>,
        data: ModelData<'_>,
        plan: &TrainPlan,
        module: &LossModule,
        key: Key,
    ) -> Result<Self> {
        let plan = &plan.of(spec);
        check_fit(spec, 1, &[data], plan, &[key])?;
        if let Some(extra) = data.extra {
            return Err(LearnError::Plan {
                field: "extra",
                found: format!("{} virtual rows", extra.weights.len()),
                expected: "none: a module learns the losses of labelled rows",
            }
            .into());
        }
        let layout = Layout::new(spec, *module)?;
        let mut predictor = Self { parameters: layout.start(start, key)?, layout, loss: plan.loss };
        match plan.loss.targets() {
            TargetKind::Class | TargetKind::MultiLabel => predictor.train(spec, data, plan, key),
            found @ TargetKind::Mask => {
                let what = format!("{spec} without an encoder and decoder");
                return Err(LearnError::Targets { what, found }.into());
            }
            TargetKind::Real => {
                let standardised = Standardised::of(&data);
                if start.is_some() {
                    predictor.rescale(|program, weights| standardised.standard.unfold(program, weights));
                }
                predictor.train(spec, standardised.model(&data), plan, key);
                predictor.rescale(|program, weights| standardised.standard.fold(program, weights));
            }
        }
        Ok(predictor)
    }

    /// Changes the network's weights, in the precision of a bank.
    fn rescale(&mut self, change: impl Fn(&Program, &mut [f32])) {
        let mut weights = self.weights();
        change(&self.layout.program, &mut weights);
        self.parameters.iter_mut().zip(weights).for_each(|(own, weight)| *own = weight.into());
    }

    fn train(&mut self, spec: &NetSpec, data: ModelData<'_>, plan: &TrainPlan, key: Key) {
        let program = &self.layout.program;
        let steps = f64::from(plan.steps_for(data.rows.len()));
        let detached_from = (self.layout.module.detach_after * steps).ceil();
        let mut descent = Descent::new(plan, self.parameters.len());
        let mut before = self.parameters.clone();
        let mut gradient = vec![0.0; self.parameters.len()];
        let mut tapes: Vec<Tape> = Vec::new();
        let mut run = ModelRun::new(data, plan, key);
        let mut made = 0.0;
        while run.is_active() {
            run.begin_step();
            let rows = run.rows_left();
            let labelled = |at| match run.example(at) {
                (input, Aim::Class(label)) => (input, label),
                (_, Aim::Soft { .. }) => unreachable!("virtual rows are refused"),
            };
            let batch: Vec<(&[f32], u32)> = (0..rows).map(labelled).collect();
            tapes.resize_with(rows.max(tapes.len()), || Tape::new(program));
            let masks = masks(program, spec.dropout(), run.drop_word(), rows);
            for (at, (tape, (input, _))) in tapes.iter_mut().zip(&batch).enumerate() {
                let own: Vec<Option<&[f32]>> = program
                    .maps
                    .iter()
                    .zip(&masks)
                    .map(|(map, mask)| mask.as_ref().map(|mask| &mask[at * map.fan_out..][..map.fan_out]))
                    .collect();
                tape.forward(program, &self.parameters, input, &own);
            }
            let labels: Vec<u32> = batch.iter().map(|(_, label)| *label).collect();
            let steers = made < detached_from;
            let objective = self.layout.gradient(
                &self.parameters,
                &mut tapes[..rows],
                &labels,
                plan.loss,
                steers,
                &mut gradient,
            );
            if !objective.total.is_finite() || gradient.iter().any(|value| !value.is_finite()) {
                run.diverge();
                self.parameters = before;
                return;
            }
            before.copy_from_slice(&self.parameters);
            descent.step(&mut self.parameters, &gradient);
            made += 1.0;
            let ended = run.end_step(objective.target * rows as f64, rows);
            let held = if ended { self.held_loss(&run, plan.loss, &mut tapes[0]) } else { 0.0 };
            if !run.goes_on(ended, held) {
                run.stop_here();
            }
        }
        if self.parameters.iter().any(|value| !value.is_finite()) {
            self.parameters = before;
        }
    }

    /// The mean target loss on the validation rows; zero without any.
    fn held_loss(&self, run: &ModelRun<'_>, loss: Loss, tape: &mut Tape) -> f64 {
        let program = &self.layout.program;
        let (rows, labels) = run.held();
        let mut sum = 0.0;
        for (&row, &label) in rows.iter().zip(labels) {
            tape.forward(program, &self.parameters, run.input(row), &[]);
            sum += target_loss(loss, tape.value(program.logits()), label).0;
        }
        sum / rows.len().max(1) as f64
    }

    /// The predicted loss of each of `rows`.
    pub fn predicted(&self, inputs: MatrixView<'_>, rows: &[u32]) -> Vec<f64> {
        let (mut tape, layout) = (Tape::new(&self.layout.program), &self.layout);
        let mut predicted = Vec::with_capacity(rows.len());
        for &row in rows {
            tape.forward(&layout.program, &self.parameters, inputs.row(row as usize), &[]);
            predicted.push(layout.predict(&self.parameters, &tape).1);
        }
        predicted
    }

    /// The true loss of each of `rows`.
    pub fn losses(&self, inputs: MatrixView<'_>, rows: &[u32], labels: &[u32]) -> Vec<f64> {
        assert_eq!(rows.len(), labels.len(), "one label per row");
        let (mut tape, program) = (Tape::new(&self.layout.program), &self.layout.program);
        let one = |(&row, &label): (&u32, &u32)| {
            tape.forward(program, &self.parameters, inputs.row(row as usize), &[]);
            target_loss(self.loss, tape.value(program.logits()), label).0
        };
        rows.iter().zip(labels).map(one).collect()
    }

    /// The network's weights.
    pub fn weights(&self) -> Vec<f32> {
        self.parameters[..self.layout.program.parameters].iter().map(|&weight| weight as f32).collect()
    }
}
