//! A strategy of one's own: registered by name, held to the contract of all strategies, and benched against margin
//! and the policy that comes with this crate.

use querist::prelude::*;

const PLAN: &str = r#"
    name = "own-strategy"
    [learner]
    hidden = [16]
    [episode]
    query_size = 5
    rounds = 8
    [transfer]
    policy = "universal"
    targets = ["digits"]
    strategies = ["random", "margin", "policy", "ratio"]
    repetitions = 6
"#;

/// The ratio of the second largest to the largest probability: near one where two classes are in question.
struct Ratio;

const NEEDS: Needs = Needs { probabilities: true, ..Needs::NONE };

impl Score for Ratio {
    fn score(&mut self, view: &PoolView<'_>, _key: Key) -> Result<Vec<f64>> {
        let p = view.probabilities()?;
        let ratio = |row: usize| {
            let mut sorted = p.row(row).to_vec();
            sorted.sort_by(|a, b| b.total_cmp(a));
            f64::from(sorted[1]) / f64::from(sorted[0])
        };
        Ok((0..p.rows()).map(ratio).collect())
    }

    fn needs(&self) -> Needs {
        NEEDS
    }
}

pub fn main() -> Result<()> {
    let card = Card { needs: NEEDS, deterministic: true, ..Card::new("ratio", "the two best are as likely") };
    let registry = Registry::builtin().with(Entry::new(card, |_| Built::score(Ratio)))?;
    querist::testing::strategy_contract(&registry, "ratio");

    let options = RunOptions::default().fresh(true);
    let finished = Pipeline::setup().registry(registry).parse(PLAN)?.run("runs/own-strategy", &options)?;
    print!("{}", querist::report::table(&finished.verdict_on("ratio")));
    println!("report: {}", finished.report(true)?.display());
    Ok(())
}
