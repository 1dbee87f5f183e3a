//! What several processes gain: `--dry-run --workers N`.
//!
//! Work that is spread falls into steps, one after the other, each of so many pieces that do not depend on each other
//! ([`agent::spread`](crate::agent::spread)); a comparison is one step of cells. A step takes as many turns as it takes to
//! hand all pieces to all threads, and a turn as long as a piece. That is counted. How long a piece takes is the
//! forecast's; how many bytes a piece sends is taken from the texts that are sent. Work of one process stays
//! as it is, however many there are.
//!
//! Left out: what a network or a file system adds to the bytes, and that pieces differ in length; so the times are those
//! of a well-fed cluster, and the least to be expected.

use super::sources::Seen;
use super::{Forecast, Kind};
use crate::agent::spread::Weights;
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::stages::train;
use serde::Serialize;
use std::fmt;

/// Where twice as many workers gain less than this share, they are not worth it.
const LEAST_GAIN: f64 = 0.1;
/// Bytes of the text of one number, one piece's answer where that is all it is.
const NUMBER_BYTES: f64 = 20.0;

/// How one kind of work can be shared.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SharedWork {
    /// The stage and what it is, as in the forecast.
    pub stage: &'static str,
    pub what: String,
    /// Core seconds of all of it.
    pub core_seconds: f64,
    /// One after the other; zero for work of one process.
    pub steps: u64,
    /// At the same time, in each step.
    pub pieces: u64,
    /// Threads of one process that it keeps busy, where it is not spread.
    pub threads: usize,
    /// Bytes that every other worker is sent in a step, and that a piece sends back; `None` where nothing was seen that
    /// could tell.
    pub bytes_of_step: f64,
    pub bytes_of_piece: Option<f64>,
}

impl SharedWork {
    /// Seconds on so many workers of so many threads.
    fn seconds(&self, workers: usize, jobs: usize) -> f64 {
        if self.steps == 0 {
            return self.core_seconds / self.threads.min(jobs) as f64;
        }
        let turns = self.pieces.div_ceil((workers * jobs) as u64) as f64;
        self.core_seconds / self.pieces as f64 * turns
    }
}

/// The kinds of a forecast, as they can be shared.
pub(super) fn shared_work(plan: &Plan, kinds: &[Kind], seen: &Seen) -> Result<Vec<SharedWork>> {
    let mut all: Vec<SharedWork> = Vec::new();
    for kind in kinds.iter().filter(|kind| kind.core_seconds > 0.0) {
        let base = SharedWork {
            stage: kind.stage,
            what: kind.what.clone(),
            core_seconds: kind.core_seconds,
            steps: 0,
            pieces: 0,
            threads: usize::MAX,
            bytes_of_step: 0.0,
            bytes_of_piece: Some(0.0),
        };
        match kind.stage {
            "train" => all.push(of_training(plan, kind, base, seen)?),
            "search" => all.push(base),
            // Its cells are not told apart by what they are: a shard takes every N-th.
            stage => match all.iter_mut().find(|shared_work| shared_work.stage == stage) {
                Some(shared_work) => shared_work.core_seconds += kind.core_seconds,
                None => all.push(SharedWork { what: stage.into(), steps: 1, ..base }),
            },
        }
    }
    Ok(all)
}

fn of_training(plan: &Plan, kind: &Kind, base: SharedWork, seen: &Seen) -> Result<SharedWork> {
    let section = plan.train().expect("a kind of its stage");
    let (sources, envs) = (plan.sources(), plan.learner().device.models());
    let (tasks, judges) = (sources.tasks(), sources.validation_tasks());
    let banks = |tasks: usize, episodes: usize| (tasks * episodes.div_ceil(envs)) as u64;
    let network = serde_json::to_vec(&Weights::of(&train::untrained(plan)?)).expect("numbers").len() as f64;
    let states = |pieces: u64| {
        let each = seen.text_of_state()?;
        Some(each * kind.count as f64 / (pieces.max(1)) as f64)
    };
    let spread = |steps: u64, pieces: u64, bytes_of_step: f64, bytes_of_piece: Option<f64>| SharedWork {
        steps,
        pieces,
        bytes_of_step,
        bytes_of_piece,
        ..base.clone()
    };
    Ok(match kind.what.as_str() {
        "look ahead" => {
            let pieces = banks(tasks + judges, section.imitation.episodes);
            spread(1, pieces, NUMBER_BYTES, states(pieces))
        }
        "look ahead on the policy's way" => {
            let (steps, pieces) = (section.dagger.rounds as u64, banks(tasks, section.dagger.episodes));
            spread(steps, pieces, network, states(steps * pieces))
        }
        "validation" if judges > 0 => {
            spread(1 + train::evaluations(plan), judges as u64, network, Some(NUMBER_BYTES))
        }
        "evolution" => {
            let duels = train::duel_plan(plan);
            let (pairs, together) = (section.evolution.pairs, (envs / (2 * duels.episodes)).max(1));
            let pieces = (pairs.div_ceil(together) * duels.tasks.min(tasks)) as u64;
            let bytes = 2.0 * pairs as f64 * network;
            let answer = 2.0 * NUMBER_BYTES * together.min(pairs) as f64;
            spread(section.evolution.iterations as u64, pieces, bytes, Some(answer))
        }
        "policy gradient" => {
            let rollouts = train::rollout_plan(plan);
            let pieces = rollouts.tasks.min(tasks) as u64;
            let answer = seen.text_of_episode().map(|each| each * rollouts.episodes as f64);
            spread(section.policy_gradient.iterations as u64, pieces, network, answer)
        }
        // Gradients are summed in one order, on one thread.
        "imitation" => SharedWork { threads: 1, ..base },
        _ => base,
    })
}

impl SharedWork {
    /// Of the kinds, those of one stage with so many cells.
    pub(super) fn with_cells(self, stage: &str, cells: u64) -> Self {
        if self.stage == stage && self.stage != "train" && self.steps > 0 {
            return Self { pieces: cells, ..self };
        }
        self
    }
}

/// What so many workers come to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Workers {
    pub workers: usize,
    pub jobs: usize,
    pub kinds: Vec<SharedWork>,
    /// Seconds on one worker, on all, and on numbers of workers between.
    pub seconds: Vec<(usize, f64)>,
    /// From so many workers on, twice as many gain less than a tenth; `None` where all are of use.
    pub enough: Option<usize>,
}

impl Forecast {
    /// What `workers` processes of [`jobs`](Self::jobs) threads each come to.
    pub fn on_workers(&self, workers: usize) -> Workers {
        let seconds = |workers: usize| {
            self.start + self.shared_work.iter().map(|one| one.seconds(workers, self.jobs)).sum::<f64>()
        };
        let mut counts: Vec<usize> = (0..).map(|power| 1 << power).take_while(|&n| n < workers).collect();
        counts.push(workers);
        let enough = (0..)
            .map(|power| 1usize << power)
            .take_while(|&n| n < workers)
            .find(|&n| seconds((2 * n).min(workers)) > (1.0 - LEAST_GAIN) * seconds(n));
        let seconds = counts.into_iter().map(|n| (n, seconds(n))).collect();
        Workers { workers, jobs: self.jobs, kinds: self.shared_work.clone(), seconds, enough }
    }
}

impl fmt::Display for Workers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { workers, jobs, .. } = self;
        writeln!(
            f,
            "{:<34} {:>7} {:>8} {:>9} {:>9} {:>12} {:>12}",
            "spread over workers",
            "steps",
            "pieces",
            "on 1",
            format!("on {workers}"),
            "sent a step",
            "back a piece"
        )?;
        for kind in &self.kinds {
            let what = match kind.what == kind.stage {
                true => kind.what.clone(),
                false => format!("{}: {}", kind.stage, kind.what),
            };
            let (one, all) = (kind.seconds(1, *jobs), kind.seconds(*workers, *jobs));
            let (steps, pieces) = match kind.steps {
                0 => ("-".into(), "one process".into()),
                steps => (steps.to_string(), kind.pieces.to_string()),
            };
            let back = kind.bytes_of_piece.map_or("not seen".into(), bytes);
            writeln!(
                f,
                "{what:<34} {steps:>5} {pieces:>11} {:>8} {:>9} {:>12} {back:>12}",
                super::display::duration(one),
                super::display::duration(all),
                bytes(kind.bytes_of_step)
            )?;
        }
        let each =
            self.seconds.iter().map(|&(n, seconds)| format!("{n}: {}", super::display::duration(seconds)));
        writeln!(
            f,
            "\nworkers    of {jobs} threads each, at least: {}",
            each.collect::<Vec<_>>().join(", ")
        )?;
        match self.enough {
            Some(n) => write!(f, "enough     {n}: twice as many gain less than a tenth"),
            None => write!(f, "enough     not reached: all {workers} are of use"),
        }
    }
}

fn bytes(count: f64) -> String {
    match count {
        0.0 => "-".into(),
        c if c < 1e3 => format!("{c:.0} B"),
        c if c < 1e6 => format!("{:.1} kB", c / 1e3),
        c => format!("{:.1} MB", c / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared_work(core_seconds: f64, steps: u64, pieces: u64) -> SharedWork {
        let (what, bytes_of_piece) = (String::new(), None);
        SharedWork {
            stage: "train",
            what,
            core_seconds,
            steps,
            pieces,
            threads: 1,
            bytes_of_step: 0.0,
            bytes_of_piece,
        }
    }

    #[test]
    fn times_by_hand() {
        // Ten pieces of a second in each of two steps: on two by three threads, two turns.
        let spread = shared_work(20.0, 2, 10);
        assert_eq!([1, 2, 4, 99].map(|workers| spread.seconds(workers, 3)), [8.0, 4.0, 2.0, 2.0]);
        let alone = shared_work(12.0, 0, 0);
        assert_eq!([1, 8].map(|workers| alone.seconds(workers, 3)), [12.0, 12.0]);
    }
}
