//! [`Banks`]: candidates are trained by the bank engine, and those for images by burn.

use super::evaluate::{FoldJob, FoldScore, Trainer};
use crate::arch::NetSpec;
use crate::data::Matrix;
use crate::error::Result;
use crate::learner::{DeviceKind, Learner, ModelData, TrainPlan, networks};
use crate::rng::Key;

/// Trains all jobs of a call as one bank.
#[derive(Clone, Copy, Debug, Default)]
pub struct Banks;

impl Trainer for Banks {
    fn fit_score(
        &mut self,
        spec: &NetSpec,
        jobs: &[FoldJob<'_>],
        plan: &TrainPlan,
        keys: &[Key],
    ) -> Result<Vec<FoldScore>> {
        fit_score_by(&mut *networks(spec, jobs.len(), DeviceKind::Cpu)?, jobs, plan, keys)
    }
}

/// Trains network `l` of `bank` on job `l` and scores it on the job's held-out rows, for every job.
///
/// # Errors
/// What the learner refuses.
pub fn fit_score_by(
    bank: &mut dyn Learner,
    jobs: &[FoldJob<'_>],
    plan: &TrainPlan,
    keys: &[Key],
) -> Result<Vec<FoldScore>> {
    let data: Vec<ModelData<'_>> = jobs.iter().map(|job| job.train).collect();
    let reports = bank.fit(&data, plan, keys)?;
    let scored = |(model, (job, report)): (usize, (&FoldJob<'_>, _))| {
        let (inputs, (rows, labels)) = (job.train.inputs, job.held);
        let values = rows.iter().flat_map(|&row| inputs.row(row as usize)).copied().collect();
        let held = Matrix::new(values, rows.len(), inputs.cols());
        FoldScore { accuracy: bank.accuracy(model, held.view(), labels), report }
    };
    Ok(jobs.iter().zip(reports).enumerate().map(scored).collect())
}
