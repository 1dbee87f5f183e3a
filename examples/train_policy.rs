//! A query policy trained on generated tasks and transferred to a data set that it has not seen. Small, so that it ends
//! in seconds: a policy worth having takes hours (`experiments/policy`).

use querist::prelude::*;

const PLAN: &str = r#"
    name = "train-policy"
    [learner]
    hidden = [8]
    epochs = 20
    [episode]
    rounds = 6
    [sources]
    synthetic = 6
    validation_synthetic = 2
    max_pool = 80
    max_held = 60
    [train]
    imitation = { episodes = 2, states = 3, candidates = 6, epochs = 20 }
    validation_episodes = 2
    [transfer]
    targets = ["iris"]
    repetitions = 4
"#;

pub fn main() -> Result<()> {
    let options = RunOptions::default().fresh(true);
    let finished = Pipeline::parse(PLAN)?.run("runs/train-policy", &options)?;
    print!("{}", finished.table());
    println!("{}", finished.verdict().sentence);

    // The policy is two files in the run's folder, and chooses among plain arrays, too.
    let folder = finished.policy().expect("the plan trains one");
    let mut selector = Selector::policy_named(&folder.display().to_string())?;
    let iris = querist::data::embedded::load("iris")?;
    let probabilities = Matrix::new([0.5, 0.3, 0.2].repeat(iris.rows()), iris.rows(), 3);
    let request = Request::new(iris.inputs()).labelled(&[0, 75]).labels(&[0, 1]).probabilities(probabilities);
    println!("of iris it asks for row {:?} first", selector.select(request)?.picks);
    Ok(())
}
