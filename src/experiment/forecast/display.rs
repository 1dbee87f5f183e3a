//! A forecast for people.

use super::Forecast;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{DataRef, LEARNED};
use std::fmt;

impl fmt::Display for Forecast {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<10} {:>8} {:>12} {:>16} {:>12}",
            "stage", "cells", "trainings", "gradient steps", "core time"
        )?;
        for stage in &self.stages {
            writeln!(
                f,
                "{:<10} {:>8} {:>12} {:>16.0} {:>12}",
                stage.stage,
                stage.cells,
                stage.trainings,
                stage.steps,
                duration(stage.core_seconds)
            )?;
        }
        writeln!(
            f,
            "\n{:<34} {:>34} {:>20} {:>12}",
            "counted and measured", "counted", "measured", "core time"
        )?;
        for kind in &self.kinds {
            let what = if kind.what == kind.stage {
                kind.stage.into()
            } else {
                format!("{}: {}", kind.stage, kind.what)
            };
            let counted = format!("{} {}", kind.count, kind.unit);
            let measured = match kind.pieces {
                0 => "as the others".into(),
                1 => format!("1 piece, {}", duration(kind.measured)),
                n => format!("{n} pieces, {}", duration(kind.measured)),
            };
            writeln!(f, "{what:<34} {counted:>34} {measured:>20} {:>12}", duration(kind.core_seconds))?;
        }
        writeln!(
            f,
            "\nmemory     about {:.0} MB resident: {:.0} MB at the peak of what was measured, and {:.0} MB that a run keeps",
            self.bytes() / 1e6,
            self.resident / 1e6,
            self.kept / 1e6
        )?;
        write!(
            f,
            "time       about {} of one core, {} on {} threads that have a core each; forecast in {:.1} s",
            duration(self.core_seconds()),
            duration(self.seconds()),
            self.jobs,
            self.took
        )
    }
}

pub(super) fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 0.95 => format!("{s:.1} s"),
        s if s < 120.0 => format!("{s:.0} s"),
        s if s < 7_200.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

/// What the plan compares, for the heading of a dry run.
pub fn describe(plan: &Plan) -> String {
    let mut lines = vec![format!("run        {} (seed {})", plan.name(), plan.seed())];
    let sources = plan.sources();
    if plan.train().is_some() || plan.search().is_some() {
        let names: Vec<&str> = sources.datasets.iter().map(DataRef::name).collect();
        let real = if names.is_empty() { String::new() } else { format!("{}, ", names.join(", ")) };
        lines.push(format!("sources    {real}{} synthetic", sources.synthetic));
    }
    if let Some(transfer) = plan.transfer() {
        let targets: Vec<&str> = transfer.targets.iter().map(DataRef::name).collect();
        lines.push(format!("targets    {}", targets.join(", ")));
        let strategies = transfer.strategies.iter().map(|name| match name.as_str() {
            LEARNED => "policy (learned)",
            name => name,
        });
        let strategies: Vec<&str> = strategies.collect();
        lines.push(format!("strategies {}; {} repetitions", strategies.join(", "), transfer.repetitions));
    }
    lines.join("\n")
}
