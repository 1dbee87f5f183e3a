//! A reader, an architecture search and a learning algorithm of one's own, in one experiment: registered by name, held to
//! the contracts of all, and named in its file like those that come with the crate.

use querist::agent::{AlgorithmEntry, Algorithms, Keeper, Learned, LearningAlgorithm, Training};
use querist::arch::Space;
use querist::data::readers::ReadError;
use querist::data::{Dataset, ReaderEntry, Readers, Shape, Targets};
use querist::prelude::*;
use querist::registry::Setting;
use querist::search::{History, Method, MethodEntry, Methods, Next, Search, Walk};
use querist::testing::{algorithm_contract, reader_contract, search_contract};
use std::sync::Arc;

const PLAN: &str = r#"
    name = "own-parts"
    learner = { hidden = [8], epochs = 20 }
    episode = { initial_per_class = 2, query_size = 2, rounds = 3 }
    sources = { synthetic = 2, validation_synthetic = 1, max_pool = 60, max_held = 40 }
    train.imitation = { episodes = 1, states = 1, candidates = 2, epochs = 1 }
    train.sharpness = { iterations = 1 }
    train.validation_episodes = 1
    [search]
    method = "nearby"
    max_blocks = 2
    max_stacks = 1
    steps = 10
    [transfer]
    targets = [{ file = "moons.dots" }]
    strategies = ["random", "margin", "sharpness"]
    repetitions = 2
"#;

/// Lines of a class, 0 or 1, and two numbers.
fn dots(file: &str, bytes: &[u8]) -> Result<Dataset> {
    let row = |line: &str| {
        let mut words = line.split(' ');
        let class: u32 = words.next()?.parse().ok().filter(|&class| class < 2)?;
        let numbers = words.map(|word| word.parse::<f32>().ok().filter(|number| number.is_finite()));
        Some((class, numbers.collect::<Option<Vec<f32>>>().filter(|numbers| numbers.len() == 2)?))
    };
    let rows =
        std::str::from_utf8(bytes).ok().and_then(|text| text.lines().map(row).collect::<Option<Vec<_>>>());
    let rows = rows.ok_or_else(|| ReadError::UnknownFormat { file: file.to_string() })?;
    let (labels, numbers): (Vec<u32>, Vec<Vec<f32>>) = rows.into_iter().unzip();
    let inputs = Matrix::new(numbers.concat(), labels.len(), 2);
    Dataset::new(
        "dots",
        Shape::Vector(2),
        inputs,
        Targets::Class { labels, names: vec!["0".into(), "1".into()] },
        None,
    )
}

/// Two half circles.
fn moons() -> Vec<u8> {
    let dot = |at: u32| {
        let (class, angle) = (at % 2, at as f32 * 0.05);
        let side = if class == 0 { 1.0 } else { -1.0 };
        format!(
            "{class} {:.3} {:.3}\n",
            angle.cos() + class as f32,
            side * angle.sin().abs() + class as f32 * 0.5
        )
    };
    (0..120).map(dot).collect::<String>().into_bytes()
}

/// The start and its neighbours, and no more.
#[derive(Debug)]
struct Nearby;

struct Looking<S: Space>(Walk<S>);

impl<S: Space> Method<S> for Nearby {
    fn name(&self) -> &'static str {
        "nearby"
    }

    fn search(&self, walk: Walk<S>) -> Result<Box<dyn Search<S::Point>>> {
        Ok(Box::new(Looking(walk)))
    }
}

impl<S: Space> Search<S::Point> for Looking<S> {
    fn next(&self, history: &History<S::Point>) -> Result<Next<S::Point>> {
        let points = [vec![self.0.start.clone()], self.0.domain.neighbours(&self.0.start)].concat();
        Ok(self.0.next(history, &points))
    }
}

/// Draws by the margin, the more sharply the larger its one weight: as large as there are tasks to learn from.
#[derive(Debug)]
struct Sharpness;

impl LearningAlgorithm for Sharpness {
    fn weights(&self) -> usize {
        1
    }

    fn learn(&self, training: Training<'_>, _keeper: &mut dyn Keeper) -> Result<Learned> {
        Ok(Learned { weights: vec![training.sources.len() as f32], ..Learned::default() })
    }

    fn strategy(&self, weights: &[f32]) -> Result<Box<dyn Strategy>> {
        Registry::builtin().build(&format!("power(margin,beta={})", weights[0]))
    }

    fn untrained(&self, _queries: usize) -> Vec<f32> {
        vec![1.0]
    }
}

const ITERATIONS: &[Setting] = &[Setting::whole("iterations", [0, 1], 0, "0 turns it off.")];

#[allow(clippy::disallowed_methods)] // the file is what somebody else would hand in
pub fn main() -> Result<()> {
    let reader = ReaderEntry::new("dots", "Lines of a class and two numbers.", &[".dots"], dots, moons);
    let search = MethodEntry::new("nearby", "The start and its neighbours.", &[], |_| Arc::new(Nearby));
    let learns =
        AlgorithmEntry::new("sharpness", "Draws by the margin.", ITERATIONS, |_| Arc::new(Sharpness));
    let (readers, methods) = (Readers::builtin().with(reader)?, Methods::builtin().with(search)?);
    let algorithms = Algorithms::builtin().with(learns)?;
    reader_contract(&readers, "dots");
    search_contract(&methods, "nearby");
    algorithm_contract(&algorithms, "sharpness");

    std::fs::write("moons.dots", moons()).expect("the folder can be written to");
    let setup = Pipeline::setup().readers(readers).methods(methods).algorithms(algorithms);
    let finished = setup.parse(PLAN)?.run("runs/own-parts", &RunOptions::default().fresh(true))?;
    println!("{}", finished.verdict_on("sharpness"));
    println!("found by `nearby`: {:?}", finished.summary().architecture.as_ref().map(|found| found.start()));
    Ok(())
}
