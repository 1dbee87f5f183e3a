//! A strategy of one's own: registered by name, held to the contract of all strategies, and benched against margin and the
//! policy that comes with this crate. A crate that depends on `querist` with `default-features = false` is enough for it.

use querist::prelude::*;

/// The second largest probability over the largest: near one where two classes are in question.
#[derive(Default)]
struct Ratio;

impl Score for Ratio {
    fn needs(&self) -> Needs {
        Needs { probabilities: true, ..Needs::NONE }
    }

    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let p = view.probabilities()?;
        let ratio = |row| {
            let mut sorted: Vec<f32> = p.row(row).to_vec();
            sorted.sort_by(|a, b| b.total_cmp(a));
            f64::from(sorted[1] / sorted[0])
        };
        Ok((0..p.rows()).map(ratio).collect())
    }
}

pub fn main() -> Result<()> {
    let registry = Registry::builtin().with(Entry::score::<Ratio>("ratio", "two classes are as likely"))?;
    strategy_contract(&registry, "ratio");
    let plan = r#"
        episode = { query_size = 5, rounds = 8 }
        [transfer]
        targets = ["digits"]
        strategies = ["random", "margin", "policy", "ratio"]
        policy = "universal"
        repetitions = 6
    "#;
    let finished =
        Pipeline::setup().registry(registry).parse(plan)?.run("runs/own", &RunOptions::default())?;
    println!("{}", finished.verdict_on("ratio"));
    Ok(())
}
