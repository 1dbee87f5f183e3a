//! Scores and selections on a random pool: `tests/golden/strategies.json`, made by the script beside it.

use super::{close, floats, numbers, rows};
use crate::arch::NetSpec;
use crate::data::{Matrix, RowId};
use crate::learner::Network;
use crate::query::geometry::{Rows, typicality};
use crate::query::hybrid::badge::Gradients;
use crate::query::{Passes, PoolView, Registry, Signals};
use crate::rng::Key;
use serde_json::Value;

struct Golden {
    file: Value,
    inputs: Matrix,
    labelled: Vec<RowId>,
    labels: Vec<u32>,
    candidates: Vec<RowId>,
    signals: Signals,
}

impl Golden {
    fn read() -> Self {
        let file: Value =
            serde_json::from_str(include_str!("../../../tests/golden/strategies.json")).unwrap();
        let count = |name: &str| file[name].as_u64().unwrap() as usize;
        let (width, classes, labelled) = (count("width"), count("classes"), count("labelled"));
        let inputs = floats(&file["inputs"]);
        let inputs = Matrix::new(inputs.clone(), inputs.len() / width, width);
        let n = inputs.rows();
        let member = |value: &Value| Matrix::new(floats(value), n - labelled, classes);
        let spec = NetSpec::mlp(width, &[count("hidden")], classes).unwrap();
        let members: Vec<Matrix> = file["members"].as_array().unwrap().iter().map(member).collect();
        let signals = Signals {
            probabilities: members.first().cloned(),
            embeddings: Some(inputs.clone()),
            committee: Some(Passes { members: members.clone() }),
            passes: Some(Passes { members }),
            network: Some(Network::new(&spec, &floats(&file["network"])).unwrap()),
            ..Signals::default()
        };
        let row = |range: std::ops::Range<usize>| range.map(|row| RowId(row as u32)).collect();
        let labels = (0..labelled as u32).map(|row| row % classes as u32).collect();
        Self { inputs, labelled: row(0..labelled), labels, candidates: row(labelled..n), signals, file }
    }

    fn view(&self) -> PoolView<'_> {
        let classes = self.file["classes"].as_u64().unwrap() as usize;
        PoolView::new(
            self.inputs.view(),
            &self.labelled,
            &self.labels,
            &self.candidates,
            classes,
            &self.signals,
        )
    }

    fn select(&self, name: &str, batch: usize) -> Vec<RowId> {
        Registry::builtin().build(name).unwrap().select(&self.view(), batch, Key::root(0)).unwrap()
    }
}

#[test]
fn scores() {
    let golden = Golden::read();
    for name in [
        "least_confidence",
        "margin",
        "entropy",
        "vote_entropy",
        "bald",
        "variation_ratio",
        "mean_std",
        "pass_variance",
        "information_density",
        "dynamic_al",
        "dynamic_al(layers=last)",
    ] {
        let mut score = Registry::builtin().build_score(&name.parse().unwrap()).unwrap();
        let found = score.score(&golden.view(), Key::root(0)).unwrap();
        close(name, &found, &numbers(&golden.file[name]), 1e-6);
    }
    for (measure, name) in [("vote_entropy", "vote_entropy"), ("kl", "bald"), ("share", "variation_ratio")] {
        let committee = format!("qbc(measure={measure})");
        let mut score = Registry::builtin().build_score(&committee.parse().unwrap()).unwrap();
        let found = score.score(&golden.view(), Key::root(0)).unwrap();
        close(&committee, &found, &numbers(&golden.file[name]), 1e-6);
    }
}

#[test]
fn selections() {
    let golden = Golden::read();
    assert_eq!(golden.select("k_center", 10), rows(&golden.file["k_center"]));
    assert_eq!(golden.select("max_herding", 9), rows(&golden.file["max_herding"]));
    assert_eq!(golden.select("batch_bald", 5), rows(&golden.file["batch_bald"]));
    // The reference ends where everything is covered, and takes the first of equals, where keys decide here: as many
    // rows cover everything, and the first covers as many.
    let expected = rows(&golden.file["prob_cover"]);
    let delta = golden.file["delta"].as_f64().unwrap();
    let found = golden.select(&format!("prob_cover(delta={delta})"), expected.len());
    let unit = |row: usize| {
        let row = golden.inputs.row(row);
        let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt();
        row.iter().map(|x| x / norm).collect::<Vec<f32>>()
    };
    let covers = |pick: RowId, row: usize| {
        let (a, b) = (unit(pick.0 as usize), unit(row));
        f64::from(a.iter().zip(&b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()) < delta
    };
    let asked = golden.labelled.iter().chain(&found).copied().collect::<Vec<_>>();
    let reference = golden.labelled.iter().chain(&expected).copied().collect::<Vec<_>>();
    let covered = |by: &[RowId]| {
        (0..golden.inputs.rows()).filter(|&row| by.iter().any(|&pick| covers(pick, row))).count()
    };
    assert_eq!(covered(&asked), covered(&reference));
    let first = golden.labelled.len() + 1;
    assert_eq!(covered(&asked[..first]), covered(&reference[..first]));
}

#[test]
fn badge_distances() {
    let golden = Golden::read();
    let view = golden.view();
    let embeddings = view.candidate_rows(view.embeddings().unwrap());
    let gradients = Gradients::new(view.probabilities().unwrap(), embeddings);
    let mut minima = vec![f64::INFINITY; golden.candidates.len()];
    let centres = numbers(&golden.file["badge_centres"]);
    for (centre, expected) in centres.iter().zip(golden.file["badge_minima"].as_array().unwrap()) {
        gradients.shrink(*centre as usize, &mut minima);
        close("badge", &minima, &numbers(expected), 1e-5);
    }
    let first = golden.candidates[centres[0] as usize];
    assert_eq!(golden.select("badge", 1), [first]);
}

#[test]
fn typicalities() {
    let golden = Golden::read();
    let candidates = Rows::new(golden.inputs.view(), &golden.candidates);
    let found = typicality::typicalities(candidates, 5, Key::root(0));
    // The reference adds a smaller constant to the sum of the distances.
    close("typicality", &found, &numbers(&golden.file["typicality"]), 1e-4);
}
