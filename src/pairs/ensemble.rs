//! [`Ensemble`]: networks that differ in their seed, and what they believe of every pair.

use super::error::PairsError;
use super::graph::Graph;
use super::network::{Fitted, NetworkPlan, fit};
use super::real::Dense;
use super::screen::Screen;
use crate::rng::Key;
use rayon::prelude::*;

/// Networks before any outcome is known, pre-trained on links each by itself.
#[derive(Clone, Debug)]
pub struct Ensemble {
    plan: NetworkPlan,
    /// A member's key and its encoder's parameters.
    members: Vec<(Key, Vec<f32>)>,
}

/// What an ensemble believes of all pairs of a screen.
#[derive(Clone, Debug, PartialEq)]
pub struct Beliefs {
    /// Per member, its prediction for each pair, in the units of the outcomes.
    pub predictions: Vec<Vec<f32>>,
    /// Per member, the embeddings of the genes, `[genes, width]`.
    pub embeddings: Vec<Dense<f32>>,
}

impl Ensemble {
    /// `members` networks over the genes of a screen, which are the first nodes of the graph.
    pub fn new(plan: NetworkPlan, graph: &Graph, genes: usize, members: usize, key: Key) -> Self {
        let start = |at: usize| {
            let key = key.named("member").at(at as u64);
            (key, plan.start(graph, genes, key))
        };
        Self { plan, members: (0..members).into_par_iter().map(start).collect() }
    }

    /// Fits all members to the pairs at `seen`, ascending, and has them predict all pairs.
    ///
    /// # Errors
    /// [`PairsError::Diverged`] if a prediction is no finite number.
    pub fn fit(
        &self,
        screen: &Screen,
        graph: &Graph,
        outcomes: &[f64],
        seen: &[u32],
        round: usize,
    ) -> Result<Beliefs, PairsError> {
        let pairs: Vec<[u32; 2]> = seen.iter().map(|&at| screen.pairs()[at as usize]).collect();
        let known: Vec<f64> = seen.iter().map(|&at| outcomes[at as usize]).collect();
        let genes = screen.genes().len();
        let one = |(key, start): &(Key, Vec<f32>)| -> (Fitted, Vec<f32>) {
            let key = key.named("fit").at(round as u64);
            let fitted = fit(&self.plan, graph, genes, start, &pairs, &known, key);
            let predictions = fitted.predict(screen.pairs());
            (fitted, predictions)
        };
        let fitted: Vec<_> = self.members.par_iter().map(one).collect();
        let finite = |(_, predictions): &(Fitted, Vec<f32>)| predictions.iter().all(|p| p.is_finite());
        if let Some(member) = fitted.iter().position(|member| !finite(member)) {
            return Err(PairsError::Diverged { member, round });
        }
        let (networks, predictions): (Vec<Fitted>, Vec<_>) = fitted.into_iter().unzip();
        let embeddings = networks.into_iter().map(|network| network.embeddings).collect();
        Ok(Beliefs { predictions, embeddings })
    }
}

impl Beliefs {
    /// Those of no network.
    pub(super) fn none() -> Self {
        Self { predictions: Vec::new(), embeddings: Vec::new() }
    }

    /// The members' predictions for one pair.
    fn of(&self, pair: u32) -> impl ExactSizeIterator<Item = f64> + Clone + '_ {
        self.predictions.iter().map(move |member| f64::from(member[pair as usize]))
    }

    /// Their mean.
    pub fn mean(&self, pair: u32) -> f64 {
        self.of(pair).sum::<f64>() / self.predictions.len() as f64
    }

    /// Their standard deviation, over all members and not one fewer.
    pub fn deviation(&self, pair: u32) -> f64 {
        let mean = self.mean(pair);
        let sum: f64 = self.of(pair).map(|value| (value - mean).powi(2)).sum();
        (sum / self.predictions.len() as f64).sqrt()
    }

    /// The quantile `q` of the members, interpolated between the two around the place `q (members - 1)`.
    pub fn quantile(&self, pair: u32, q: f64) -> f64 {
        let mut values: Vec<f64> = self.of(pair).collect();
        values.sort_by(f64::total_cmp);
        let place = q * (values.len() - 1) as f64;
        let (low, part) = (place as usize, place.fract());
        let high = (low + 1).min(values.len() - 1);
        values[low] + part * (values[high] - values[low])
    }

    /// The element-wise product of a pair's embeddings under one member: the derivative of the bilinear form, without its
    /// factor 2, by the diagonal of its matrix. The same for both orders of the genes.
    pub fn gradient(&self, member: usize, [a, b]: [u32; 2]) -> impl Iterator<Item = f32> + '_ {
        let embeddings = &self.embeddings[member];
        let (a, b) = (embeddings.row(a as usize), embeddings.row(b as usize));
        a.iter().zip(b).map(|(a, b)| a * b)
    }

    /// The median over members of the norm of the [gradient](Self::gradient).
    pub fn gradient_norm(&self, pair: [u32; 2]) -> f64 {
        let norm = |member: usize| -> f64 {
            self.gradient(member, pair).map(|value| f64::from(value).powi(2)).sum::<f64>().sqrt()
        };
        let mut norms: Vec<f64> = (0..self.embeddings.len()).map(norm).collect();
        norms.sort_by(f64::total_cmp);
        let half = norms.len() / 2;
        if norms.len() % 2 == 1 { norms[half] } else { 0.5 * (norms[half - 1] + norms[half]) }
    }

    /// The root mean squared error of the mean over pairs; none without pairs.
    pub fn rmse(&self, outcomes: &[f64], pairs: &[u32]) -> Option<f64> {
        let sum: f64 = pairs.iter().map(|&pair| (self.mean(pair) - outcomes[pair as usize]).powi(2)).sum();
        (!pairs.is_empty()).then(|| (sum / pairs.len() as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Eight members that predict 1 to 8, in another order.
    #[test]
    fn by_hand() {
        let predictions = [3.0, 8.0, 1.0, 5.0, 2.0, 7.0, 4.0, 6.0].map(|value| vec![value]).to_vec();
        let z = |values: [f32; 4]| Dense { values: values.to_vec(), width: 2 };
        let embeddings = vec![z([1.0, 2.0, 3.0, 2.0]), z([0.0, 1.0, 5.0, 1.0])];
        let beliefs = Beliefs { predictions, embeddings };
        assert_eq!(beliefs.mean(0), 4.5);
        assert!((beliefs.deviation(0) - 5.25f64.sqrt()).abs() < 1e-12);
        // The place .1 x 7 = .7, between the smallest and the second.
        assert!((beliefs.quantile(0, 0.1) - 1.7).abs() < 1e-12);
        assert_eq!((beliefs.quantile(0, 0.0), beliefs.quantile(0, 1.0)), (1.0, 8.0));
        // (3, 4) and (0, 1).
        assert_eq!(beliefs.gradient(0, [0, 1]).collect::<Vec<_>>(), [3.0, 4.0]);
        assert_eq!(beliefs.gradient_norm([0, 1]), 3.0);
        assert_eq!(beliefs.rmse(&[2.5], &[0]), Some(2.0));
        assert_eq!(beliefs.rmse(&[2.5], &[]), None);
    }
}
