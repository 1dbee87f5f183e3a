//! The transfer stage: its cells.
//!
//! A cell is one target, one architecture, one strategy and a block of repetitions that run side by
//! side. What pairs repetitions is their number: repetition 7 has the same split, initial labels and
//! initial weights under every strategy, whatever block it is in.

use crate::episode::Row;
use crate::error::Result;
use crate::experiment::plan::Plan;
use crate::experiment::sections::{ArchitectureChoice, DataRef, Transfer};
use crate::run::{Cell, Crew, Ledger, Outcome, run_cells};
use std::ops::Range;

/// What one cell runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    pub target: DataRef,
    pub architecture: ArchitectureChoice,
    /// A strategy of the registry, or [`LEARNED`](crate::experiment::sections::LEARNED).
    pub strategy: String,
    pub repetitions: Range<u32>,
}

/// A cell that has no rows.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Failure {
    pub cell: String,
    pub reason: String,
}

/// All cells of a transfer, repetition blocks first, so that early results are comparable.
pub fn blocks(transfer: &Transfer) -> Vec<Cell<Block>> {
    let mut cells = Vec::new();
    for target in &transfer.targets {
        for start in (0..transfer.repetitions).step_by(transfer.block as usize) {
            let repetitions = start..(start + transfer.block).min(transfer.repetitions);
            for &architecture in &transfer.architectures {
                for strategy in &transfer.strategies {
                    let (first, last) = (repetitions.start, repetitions.end - 1);
                    let (target, strategy) = (target.clone(), strategy.clone());
                    let key = format!(
                        "transfer/{}/{}/{strategy}/{first}-{last}",
                        target.name(),
                        architecture.name()
                    );
                    let repetitions = repetitions.clone();
                    cells.push(Cell { key, input: Block { target, architecture, strategy, repetitions } });
                }
            }
        }
    }
    cells
}

/// Runs all cells with `episodes` and returns all rows, and the cells that have none.
pub fn transfer<W>(
    plan: &Plan,
    transfer: &Transfer,
    ledger: &mut Ledger,
    crew: Crew<'_>,
    episodes: W,
) -> Result<(Vec<Row>, Vec<Failure>)>
where
    W: Fn(&Plan, &Block) -> Result<Vec<Row>> + Sync,
{
    let cells = blocks(transfer);
    let outcomes = run_cells("transfer", &cells, ledger, crew, |cell| episodes(plan, &cell.input))?;
    let (mut rows, mut failures) = (Vec::new(), Vec::new());
    for (cell, outcome) in cells.iter().zip(outcomes) {
        match outcome {
            Outcome::Done(more) => rows.extend::<Vec<Row>>(more),
            Outcome::Failed(reason) => failures.push(Failure { cell: cell.key.clone(), reason }),
        }
    }
    Ok((rows, failures))
}
