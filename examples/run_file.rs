//! An experiment file, run from code: the rows, the verdict, the report.
//!
//!     cargo run --release --example run_file -- experiments/quickstart.toml

use querist::prelude::*;

pub fn main() -> Result<()> {
    let smoke = concat!(env!("CARGO_MANIFEST_DIR"), "/experiments/smoke.toml");
    let file = std::env::args().nth(1).filter(|name| name.ends_with(".toml")).unwrap_or(smoke.into());
    // As `querist run FILE --set transfer.repetitions=2 --seed 5` does.
    let pipeline = Pipeline::setup().set("transfer.repetitions=2").seed(5).load(file)?;
    for warning in &pipeline.check()?.warnings {
        eprintln!("warning: {warning}");
    }
    let folder = format!("runs/{}-from-code", pipeline.plan().name());
    let finished = pipeline.run(folder, &RunOptions::default().fresh(true))?;

    let rows = finished.rows();
    let best = rows.iter().max_by(|a, b| a.accuracy.total_cmp(&b.accuracy));
    println!("{} rows, {} cells failed", rows.len(), finished.failures().len());
    println!("the most accurate round: {best:?}");
    println!("{}\nreport: {}", finished.verdict().sentence, finished.report(true)?.display());
    Ok(())
}
