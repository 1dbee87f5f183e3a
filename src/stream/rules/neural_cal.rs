//! Labels where bounds leave the class open.

use super::{Entry, moving};
use crate::rng::Key;
use crate::stream::error::StreamError;
use crate::stream::moments::{Moments, Scaling};
use crate::stream::neural_cal::{
    MAX_DIMENSION, MAX_MEMBERS, NeuralCal, NeuralCalConfig, RandomFeatures, Verdict,
};
use crate::stream::{Decision, Draws, Moving, Offer, Reason, StreamRule};

pub(super) const ENTRY: Entry = Entry {
    name: "neural_cal",
    summary: "keeps a row while the bounds of P(y = 1 | x) hold one half, and abstains where they lie near it; two classes",
    paper: "Zhu & Nowak, NeurIPS 2022",
    make: |params, budget| {
        let gamma = params.real("abstention", 0.1, 0.0, 0.5)?;
        let sound = NeuralCalConfig::default();
        let config = NeuralCalConfig {
            abstention: (gamma > 0.0).then_some(gamma),
            ridge: params.real("ridge", sound.ridge, 1e-9, 1e9)?,
            scale: params.real("scale", sound.scale, 1e-9, 1e9)?,
            members: params.whole("members", sound.members, 0, MAX_MEMBERS)?,
        };
        let dimension = params.whole("features", 64, 2, MAX_DIMENSION)?;
        let key = Key::root(params.whole("seed", 0, 0, usize::MAX)? as u64);
        Ok(Box::new(NeuralCalRule {
            spent: moving(params, budget)?,
            judge: NeuralCal::new(config, dimension, key.named("ensemble"))?,
            length: params.real("length", 1.0, 1e-6, 1e6)?,
            key: key.named("features"),
            state: State::Measuring { moments: Moments::default(), labels: Vec::new() },
        }))
    },
};

/// Rows, offered or labelled, by which the columns' scales are measured before anything is judged.
const MEASURED: u64 = 64;

/// NeuralCAL++ on random features of the rows (NeuralCAL with `abstention=0`), held to a budget.
///
/// Features are those of a Gaussian kernel whose length is `length` times the square root of the number of columns, on
/// columns that are standardised by the first [`MEASURED`] rows and then stay as they are: bounds are for functions of
/// fixed features. Those first rows are kept as the budget allows. A kept row that gets no label tells nothing.
pub struct NeuralCalRule {
    spent: Moving,
    judge: NeuralCal,
    length: f64,
    key: Key,
    state: State,
}

enum State {
    /// The labels so far have no features yet.
    Measuring {
        moments: Moments,
        labels: Vec<(Vec<f32>, bool)>,
    },
    Judging {
        scaling: Scaling,
        features: RandomFeatures,
    },
}

impl NeuralCalRule {
    /// Takes a row into the measure, and ends measuring after the last one.
    fn measure(&mut self, inputs: &[f32]) -> Result<(), StreamError> {
        let State::Measuring { moments, labels } = &mut self.state else { return Ok(()) };
        moments.push(inputs);
        if moments.rows() < MEASURED {
            return Ok(());
        }
        let (scaling, dimension) = (moments.scaling(), self.judge.dimension());
        let length = self.length * (inputs.len() as f64).sqrt();
        let features = RandomFeatures::new(inputs.len(), dimension, length, self.key)?;
        for (inputs, label) in std::mem::take(labels) {
            self.judge.learn(&features.of(&scaling.scaled(&inputs)), label);
        }
        self.state = State::Judging { scaling, features };
        Ok(())
    }
}

impl StreamRule for NeuralCalRule {
    fn offer(&mut self, offer: &Offer<'_>, _draws: &mut Draws<'_>) -> Decision {
        let open = self.spent.offer();
        let wanted = match &self.state {
            State::Measuring { .. } => Decision::keep(Reason::Uncertain),
            State::Judging { scaling, features } => {
                let judged = self.judge.offer(&features.of(&scaling.scaled(offer.inputs)));
                match judged.verdict {
                    _ if judged.query => Decision::keep(Reason::Uncertain),
                    Verdict::Abstain => Decision::skip(Reason::Abstained),
                    Verdict::Zero | Verdict::One => Decision::skip(Reason::Certain),
                }
            }
        };
        self.measure(offer.inputs)
            .expect("the dimension and the length were checked when the rule was built");
        let decision = if wanted.keep && !open { Decision::skip(Reason::NoBudget) } else { wanted };
        self.spent.note(decision.keep);
        decision
    }

    fn learn(&mut self, inputs: &[f32], label: u32) -> Result<(), StreamError> {
        if label > 1 {
            return Err(StreamError::TwoClasses { rule: ENTRY.name, found: label as usize + 1 });
        }
        match &mut self.state {
            State::Measuring { labels, .. } => {
                labels.push((inputs.to_vec(), label == 1));
                self.measure(inputs)?;
            }
            State::Judging { scaling, features } => {
                self.judge.learn(&features.of(&scaling.scaled(inputs)), label == 1);
            }
        }
        Ok(())
    }

    fn looks(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::build;
    use super::*;
    use crate::stream::drift::{Drift, DriftPlan};

    /// What is decided on a stream whose kept rows are labelled at once.
    fn play(spec: &str, budget: f64, rows: u64, label: impl Fn(&[f32], u64) -> u32) -> Vec<Reason> {
        let stream = DriftPlan { width: 2, rows, drift: Drift::None, noise: 0.0 };
        let mut rule = build(spec, budget).unwrap();
        let one = |at| {
            let inputs = stream.row(at, Key::root(3)).0;
            // Columns of very different scales.
            let inputs = [1e4 * inputs[0] + 7e4, 1e-4 * inputs[1]];
            let offer = Offer { confidence: 0.5, value: 0.5, classes: 2, inputs: &inputs };
            let decision = rule.offer(&offer, &mut Draws::given(&[]));
            if decision.keep {
                rule.learn(&inputs, label(&inputs, at)).unwrap();
            }
            decision.reason
        };
        (0..rows).map(one).collect()
    }

    fn share(found: &[Reason], reason: Reason) -> f64 {
        found.iter().filter(|&&other| other == reason).count() as f64 / found.len() as f64
    }

    /// Labels by a coin: in the end the rule abstains nearly everywhere, and asks no more. Without abstention it goes on
    /// asking.
    #[test]
    fn coins_are_abstained_from() {
        let coin = |_: &[f32], at: u64| (Key::root(5).at(at).seed64() % 2) as u32;
        let found = play("neural_cal(abstention=0.3, features=16)", 1.0, 20_000, coin);
        let late = &found[18_000..];
        assert!(share(late, Reason::Abstained) > 0.9, "{}", share(late, Reason::Abstained));
        assert!(share(late, Reason::Uncertain) < 0.05);
        let found = play("neural_cal(abstention=0, features=16)", 1.0, 20_000, coin);
        assert_eq!(share(&found, Reason::Abstained), 0.0);
        assert!(share(&found[18_000..], Reason::Uncertain) > 0.3);
    }

    /// Two sides of a line: most rows are settled, and none is abstained from that lies far from it.
    #[test]
    fn sides_of_a_line_are_settled() {
        let side = |inputs: &[f32], _: u64| u32::from(inputs[0] > 7e4);
        let found = play("neural_cal", 1.0, 8_000, side);
        assert_eq!(share(&found[..64], Reason::Uncertain), 1.0);
        let late = &found[7_000..];
        assert!(share(late, Reason::Certain) > 0.7, "{}", share(late, Reason::Certain));
        // The budget is kept, and what it forbids is said.
        let found = play("neural_cal", 0.05, 1_000, side);
        assert!(share(&found, Reason::Uncertain) <= 0.05 * 1.1 + 1e-9);
        assert!(share(&found, Reason::NoBudget) > 0.5);
    }

    #[test]
    fn a_third_class_and_wrong_settings_are_refused() {
        let mut rule = build("neural_cal", 0.1).unwrap();
        let error = rule.learn(&[1.0], 2).unwrap_err();
        assert_eq!(error.to_string(), "3 classes, but `neural_cal` tells two apart");
        for spec in ["neural_cal(abstention=0.5)", "neural_cal(members=1)", "neural_cal(features=1)"] {
            assert!(build(spec, 0.1).is_err(), "{spec}");
        }
    }
}
