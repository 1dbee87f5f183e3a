//! [`Banks`]: candidates are trained by the bank engine, and those for images by burn.

use super::evaluate::{FoldJob, FoldScore, Trainer};
use crate::arch::NetSpec;
use crate::data::Matrix;
use crate::error::Result;
use crate::learner::{DeviceKind, LaneData, TrainPlan, networks};
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
        let mut bank = networks(spec, jobs.len(), DeviceKind::Cpu)?;
        let data: Vec<LaneData<'_>> = jobs.iter().map(|job| job.train).collect();
        let reports = bank.fit(&data, plan, keys)?;
        Ok(jobs
            .iter()
            .zip(reports)
            .enumerate()
            .map(|(lane, (job, report))| {
                let (rows, labels) = job.held;
                let held: Matrix = gather(job, rows);
                FoldScore { accuracy: bank.accuracy(lane, held.view(), labels), report }
            })
            .collect())
    }
}

fn gather(job: &FoldJob<'_>, rows: &[u32]) -> Matrix {
    let inputs = job.train.inputs;
    let values = rows.iter().flat_map(|&row| inputs.row(row as usize)).copied().collect();
    Matrix::new(values, rows.len(), inputs.cols())
}
