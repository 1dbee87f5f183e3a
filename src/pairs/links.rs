//! Pre-training on links: embeddings that tell the graph's facts from corrupted ones.
//!
//! A fact's score is DistMult's (Yang, Yih, He, Gao & Deng, ICLR 2015), `sum_k z_source,k r_k z_target,k`; a corrupted fact has
//! another node as source or as target. The loss is the binary cross-entropy of both, and a penalty on the mean squares
//! of embeddings and relations.

use super::convolution::{Encoder, Trace};
use super::graph::{Fact, Graph};
use super::optimiser::AdamW;
use super::real::{Dense, Real};
use crate::rng::Key;
use rand::RngExt;

/// What the mean squares count.
pub const PENALTY: f64 = 0.01;

/// DistMult's score of one fact.
pub fn score<T: Real>(source: &[T], relation: &[T], target: &[T]) -> T {
    let terms = source.iter().zip(relation).zip(target).map(|((&s, &r), &t)| s * r * t);
    terms.fold(T::default(), |sum, term| sum + term)
}

/// The loss of facts and as many corrupted ones, `[relations, width]` the relations' vectors. Adds its derivatives to `of_relations` and
/// to `change`, of the embeddings.
pub fn loss<T: Real>(
    embeddings: &Dense<T>,
    relations: &[T],
    facts: &[Fact],
    corrupted: &[Fact],
    of_relations: &mut [T],
    change: &mut Dense<T>,
) -> f64 {
    let d = embeddings.width;
    let share = 1.0 / (facts.len() + corrupted.len()).max(1) as f64;
    let mut loss = 0.0;
    for (list, truth) in [(facts, 1.0), (corrupted, 0.0)] {
        for &[source, relation, target] in list {
            let (s, r, t) = (source as usize, relation as usize * d, target as usize);
            let score = score(embeddings.row(s), &relations[r..r + d], embeddings.row(t));
            // -ln(sigmoid(x)) = softplus(-x), and of what is false softplus(x).
            loss += share * if truth > 0.0 { (-score).softplus() } else { score.softplus() }.wide();
            let outer = (score.sigmoid() - T::of(truth)) * T::of(share);
            for k in 0..d {
                let (zs, by, zt) =
                    (embeddings.values[s * d + k], relations[r + k], embeddings.values[t * d + k]);
                change.values[s * d + k] += outer * by * zt;
                change.values[t * d + k] += outer * zs * by;
                of_relations[r + k] += outer * zs * zt;
            }
        }
    }
    loss + penalty(&embeddings.values, &mut change.values) + penalty(relations, of_relations)
}

/// The penalty on the mean square of `values`; its derivative is added to `change`.
fn penalty<T: Real>(values: &[T], change: &mut [T]) -> f64 {
    let share = PENALTY / values.len().max(1) as f64;
    let twice = T::of(2.0 * share);
    let mut sum = 0.0;
    for (&value, change) in values.iter().zip(change) {
        sum += value.wide() * value.wide();
        *change += twice * value;
    }
    share * sum
}

/// The facts with another node as source or as target, drawn anew for each; there are at least two nodes.
pub fn corrupted(facts: &[Fact], nodes: usize, rng: &mut impl rand::Rng) -> Vec<Fact> {
    let mut one = |&[source, relation, target]: &Fact| {
        let first: bool = rng.random();
        let old = if first { source } else { target };
        let drawn = rng.random_range(0..nodes as u32 - 1);
        let new = drawn + u32::from(drawn >= old);
        if first { [new, relation, target] } else { [source, relation, new] }
    };
    facts.iter().map(&mut one).collect()
}

/// Trains the encoder's parameters for `epochs` passes over all facts, each beside a corrupted one.
pub fn pretrain<T: Real>(
    encoder: &Encoder,
    graph: &Graph,
    parameters: &mut [T],
    epochs: usize,
    rate: f64,
    key: Key,
) {
    if graph.facts().is_empty() || graph.nodes() < 2 {
        return;
    }
    let (d, mut rng) = (encoder.width, key.rng());
    let limit = (6.0 / (graph.relations().len() + d) as f64).sqrt();
    let mut relations: Vec<T> =
        (0..graph.relations().len() * d).map(|_| T::of(rng.random_range(-limit..limit))).collect();
    let mut own = AdamW::new(parameters.len(), rate, 0.0);
    let mut beside = AdamW::new(relations.len(), rate, 0.0);
    let mut trace = Trace::default();
    for _ in 0..epochs {
        encoder.forward(graph, parameters, &mut trace);
        let wrong = corrupted(graph.facts(), graph.nodes(), &mut rng);
        let mut of_relations = vec![T::default(); relations.len()];
        let mut change = Dense::zeros(graph.nodes(), d);
        loss(trace.embeddings(), &relations, graph.facts(), &wrong, &mut of_relations, &mut change);
        let mut gradient = vec![T::default(); parameters.len()];
        encoder.backward(graph, parameters, &trace, &change, &mut gradient);
        own.step(parameters, &gradient, 1.0);
        beside.step(&mut relations, &of_relations, 1.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `1*2*3 + (-1)*1*2 = 4`.
    #[test]
    fn by_hand() {
        assert_eq!(score(&[1.0f64, -1.0], &[2.0, 1.0], &[3.0, 2.0]), 4.0);
        // One fact with the score 4, no corrupted one; z of 1, 1, 9, 4 and r of 4, 1, squared.
        let z = Dense { values: vec![1.0f64, -1.0, 3.0, 2.0], width: 2 };
        let (mut r, mut change) = (vec![0.0; 2], Dense::zeros(2, 2));
        let found = loss(&z, &[2.0, 1.0], &[[0, 0, 1]], &[], &mut r, &mut change);
        let expected = (1.0 + (-4.0f64).exp()).ln() + 0.01 * (15.0 / 4.0 + 5.0 / 2.0);
        assert!((found - expected).abs() < 1e-12);
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        let mut rng = Key::root(1).rng();
        let mut draw = |n: usize| (0..n).map(|_| rng.random_range(-1.0f64..1.0)).collect::<Vec<_>>();
        let (z, relations) = (Dense { values: draw(12), width: 3 }, draw(6));
        let (facts, wrong) = ([[0, 0, 1], [2, 1, 3]], [[0, 0, 3], [1, 1, 3]]);
        let value = |z: &Dense<f64>, relations: &[f64]| {
            let (mut r, mut change) = (vec![0.0; 6], Dense::zeros(4, 3));
            loss(z, relations, &facts, &wrong, &mut r, &mut change)
        };
        let (mut of_relations, mut change) = (vec![0.0; 6], Dense::zeros(4, 3));
        loss(&z, &relations, &facts, &wrong, &mut of_relations, &mut change);
        for at in 0..12 {
            let moved = |step: f64| {
                let mut z = z.clone();
                z.values[at] += step;
                value(&z, &relations)
            };
            let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((change.values[at] - difference).abs() < 1e-8);
        }
        for at in 0..6 {
            let moved = |step: f64| {
                let mut relations = relations.clone();
                relations[at] += step;
                value(&z, &relations)
            };
            let difference = (moved(1e-6) - moved(-1e-6)) / 2e-6;
            assert!((of_relations[at] - difference).abs() < 1e-8);
        }
    }

    #[test]
    fn corruption_changes_one_end_to_another_node() {
        let facts: Vec<Fact> = (0..200).map(|at| [at % 5, 0, (at + 1) % 5]).collect();
        let wrong = corrupted(&facts, 5, &mut Key::root(2).rng());
        let mut sources = 0;
        for (fact, wrong) in facts.iter().zip(&wrong) {
            assert_eq!(
                u8::from(fact[0] != wrong[0]) + u8::from(fact[2] != wrong[2]),
                1,
                "{fact:?} {wrong:?}"
            );
            assert!(wrong[0] < 5 && wrong[2] < 5);
            sources += u32::from(fact[0] != wrong[0]);
        }
        assert!((60..140).contains(&sources), "{sources}");
    }

    /// Two cliques: facts within score above links between them.
    #[test]
    fn training_tells_facts_from_others() {
        let clique =
            |from: u32| (from..from + 6).flat_map(move |a| (a + 1..from + 6).map(move |b| [a, 0, b]));
        let facts: Vec<Fact> = clique(0).chain(clique(6)).collect();
        let graph = Graph::new(12, vec!["a".into()], facts).unwrap();
        let encoder = Encoder { nodes: 12, relations: 1, width: 4, hidden: Some(8), bases: 2 };
        let mut parameters: Vec<f32> = encoder.start(Key::root(1));
        pretrain(&encoder, &graph, &mut parameters, 200, 0.01, Key::root(2));
        let mut trace = Trace::default();
        encoder.forward(&graph, &parameters, &mut trace);
        let z = trace.embeddings();
        let near = |a: usize, b: usize| {
            f32::dot(z.row(a), z.row(b))
                / (f32::dot(z.row(a), z.row(a)).sqrt() * f32::dot(z.row(b), z.row(b)).sqrt())
        };
        let (mut within, mut between) = (0.0, 0.0);
        for a in 0..6 {
            (0..6).filter(|&b| b != a).for_each(|b| within += near(a, b) / 30.0);
            (6..12).for_each(|b| between += near(a, b) / 36.0);
        }
        assert!(within > between + 0.5, "{within} {between}");
    }
}
