//! Bisection between opposite classes, and steps along the boundary.
//!
//! Wang, Hu, Yuan & Lu, "Active learning via query synthesis and nearest neighbour search", Neurocomputing 147, 2015: a
//! segment between rows of opposite classes crosses the boundary, and asking for its midpoint halves it; then a step
//! perpendicular to it leads to another place, from where the other class is looked for along the first segment. Here the pairs at several places are kept, and the
//! widest is halved first. With as many pairs as there are dimensions they pin a linear boundary down, whose error
//! halves every `width` questions: every two in the plane.

use super::Answer;
use crate::error::Result;
use crate::rng::Key;
use crate::stream::error::StreamError;
use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};

/// A pair is narrow enough for the step to another place once it is this much shorter than the step.
const NARROW: f64 = 8.0;
/// The other class is looked for as far as this many steps.
const FAR: f64 = 1e3;
/// Questions without an answer after which a pair is given up.
const PATIENCE: u32 = 3;

/// Rows of opposite classes.
#[derive(Clone, Debug, PartialEq)]
struct Pair {
    ends: [Vec<f64>; 2],
    unanswered: u32,
}

impl Pair {
    fn new(ends: [Vec<f64>; 2]) -> Self {
        Self { ends, unanswered: 0 }
    }

    fn width(&self) -> f64 {
        distance(&self.ends[0], &self.ends[1])
    }

    /// The row at a share of the way from the first end.
    fn at(&self, share: f64) -> Vec<f64> {
        self.ends[0].iter().zip(&self.ends[1]).map(|(a, b)| a + share * (b - a)).collect()
    }
}

/// What was asked.
#[derive(Clone, Debug, PartialEq)]
enum Asked {
    Within(usize, Vec<f64>),
    Beside(Vec<f64>),
    Across(Reach, Vec<f64>),
}

/// A row beside the first pair, whose class is known, and how far from it the other class is looked for.
#[derive(Clone, Debug, PartialEq)]
struct Reach {
    from: Vec<f64>,
    class: usize,
    distance: f64,
    step: Vec<f64>,
}

/// A linear boundary: `normal · x = offset`, the normal of length 1 pointing to class 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Hyperplane {
    /// Shape `[width]`.
    pub normal: Vec<f64>,
    /// See above.
    pub offset: f64,
}

/// Makes up questions about the boundary between classes 0 and 1.
#[derive(Clone, Debug)]
pub struct Bisection {
    pairs: Vec<Pair>,
    /// Directions of the steps that led to other pairs, of length 1.
    steps: Vec<Vec<f64>>,
    length: f64,
    reach: Option<Reach>,
    asked: Option<Asked>,
    questions: u64,
    key: Key,
}

impl Bisection {
    /// Between a row of class 0 and one of class 1; `step` is how far apart the places of the boundary are to be.
    ///
    /// # Errors
    /// [`StreamError::Setting`] for rows of different widths or in one place, and a step that is not above 0.
    pub fn new(zero: Vec<f64>, one: Vec<f64>, step: f64, key: Key) -> Result<Self, StreamError> {
        let wrong = |setting, found: f64, expected| {
            Err(StreamError::Setting { setting, found: found.to_string(), expected })
        };
        if zero.len() != one.len() || zero.is_empty() {
            return wrong("the second row's width", one.len() as f64, "that of the first, and at least 1");
        }
        let apart = distance(&zero, &one);
        if !(apart > 0.0 && apart.is_finite()) {
            return wrong("the distance of the rows", apart, "a finite number above 0");
        }
        if !(step > 0.0 && step.is_finite()) {
            return wrong("step", step, "a finite number above 0");
        }
        let pairs = vec![Pair::new([zero, one])];
        Ok(Self { pairs, steps: Vec::new(), length: step, reach: None, asked: None, questions: 0, key })
    }

    /// The next question. The same one, until it is answered.
    pub fn ask(&mut self) -> Vec<f64> {
        if let Some(Asked::Within(_, row) | Asked::Beside(row) | Asked::Across(_, row)) = &self.asked {
            return row.clone();
        }
        let width = self.pairs[0].ends[0].len();
        let narrow = self.pairs[0].width() * NARROW <= self.length;
        let asked = match self.reach.take() {
            Some(reach) => {
                let row = self.across(&reach);
                Asked::Across(reach, row)
            }
            None if self.pairs.len() < width && narrow => Asked::Beside(self.beside()),
            None => {
                let widest = (1..self.pairs.len()).fold(0, |best, at| {
                    let (found, least) = (&self.pairs[at], &self.pairs[best]);
                    if found.width() > least.width() { at } else { best }
                });
                // Off the middle, where nobody could say.
                let share = [0.5, 0.375, 0.625, 0.25][self.pairs[widest].unanswered.min(PATIENCE) as usize];
                Asked::Within(widest, self.pairs[widest].at(share))
            }
        };
        let (Asked::Within(_, row) | Asked::Beside(row) | Asked::Across(_, row)) = &asked;
        let row = row.clone();
        self.asked = Some(asked);
        row
    }

    /// A row beside the first pair: a step perpendicular to it and to the steps before, in a random direction.
    fn beside(&self) -> Vec<f64> {
        let first = &self.pairs[0];
        let across: Vec<f64> = first.ends[1].iter().zip(&first.ends[0]).map(|(a, b)| a - b).collect();
        let mut rng = self.key.at(self.questions).rng();
        let mut direction: Vec<f64> = across.iter().map(|_| StandardNormal.sample(&mut rng)).collect();
        for other in std::iter::once(&unit(&across)).chain(&self.steps) {
            let along = dot(&direction, other);
            direction.iter_mut().zip(other).for_each(|(value, unit)| *value -= along * unit);
        }
        let direction = unit(&direction);
        first.at(0.5).iter().zip(direction).map(|(x, unit)| x + self.length * unit).collect()
    }

    /// A row from which the first pair's other class is nearer: along the pair, in the direction of that class.
    fn across(&self, reach: &Reach) -> Vec<f64> {
        let ends = &self.pairs[0].ends;
        let towards: Vec<f64> =
            ends[1 - reach.class].iter().zip(&ends[reach.class]).map(|(a, b)| a - b).collect();
        reach.from.iter().zip(unit(&towards)).map(|(x, unit)| x + reach.distance * unit).collect()
    }

    /// Learns the answer to the last question. Classes above 1 count as 1.
    ///
    /// # Errors
    /// [`StreamError::Setting`] if nothing was asked.
    pub fn tell(&mut self, answer: Answer) -> Result<(), StreamError> {
        let Some(asked) = self.asked.take() else {
            let (setting, found) = ("questions that wait", "0".to_string());
            return Err(StreamError::Setting { setting, found, expected: "1: ask before you tell" });
        };
        self.questions += 1;
        match (asked, answer) {
            (Asked::Within(at, row), Answer::Class(class)) => {
                self.pairs[at].ends[class.min(1) as usize] = row;
                self.pairs[at].unanswered = 0;
            }
            (Asked::Within(at, _), Answer::Unanswerable) => {
                self.pairs[at].unanswered += 1;
                // The first pair is what all others are made from.
                if self.pairs[at].unanswered > PATIENCE && at > 0 {
                    self.pairs.remove(at);
                    self.steps.remove(at - 1);
                }
            }
            (Asked::Beside(row), Answer::Class(class)) => {
                let middle = self.pairs[0].at(0.5);
                let step: Vec<f64> = row.iter().zip(&middle).map(|(a, b)| a - b).collect();
                let (class, distance) = (class.min(1) as usize, self.length / 4.0);
                self.reach = Some(Reach { from: row, class, distance, step: unit(&step) });
            }
            (Asked::Across(reach, row), Answer::Class(class)) if class.min(1) as usize != reach.class => {
                let mut ends = [row.clone(), row];
                ends[reach.class] = reach.from;
                self.pairs.push(Pair::new(ends));
                self.steps.push(reach.step);
            }
            (Asked::Across(reach, row), Answer::Class(_)) if reach.distance < FAR * self.length => {
                self.reach = Some(Reach { from: row, distance: 2.0 * reach.distance, ..reach });
            }
            // There may be something nearer by.
            (Asked::Beside(_) | Asked::Across(..), _) => self.length /= 2.0,
        }
        Ok(())
    }

    /// Questions answered, or found to be unanswerable.
    pub fn questions(&self) -> u64 {
        self.questions
    }

    /// Length of the widest segment that the boundary crosses.
    pub fn width(&self) -> f64 {
        self.pairs.iter().map(Pair::width).fold(0.0, f64::max)
    }

    /// The boundary through the middles of all pairs, if there are as many as dimensions.
    pub fn hyperplane(&self) -> Option<Hyperplane> {
        let width = self.pairs[0].ends[0].len();
        if self.pairs.len() < width {
            return None;
        }
        let middles: Vec<Vec<f64>> = self.pairs.iter().map(|pair| pair.at(0.5)).collect();
        let count = middles.len() as f64;
        let centre: Vec<f64> =
            (0..width).map(|at| middles.iter().map(|middle| middle[at]).sum::<f64>() / count).collect();
        let scatter = DMatrix::from_fn(width, width, |i, j| {
            middles.iter().map(|middle| (middle[i] - centre[i]) * (middle[j] - centre[j])).sum::<f64>()
        });
        // What the middles vary least along.
        let eigen = scatter.symmetric_eigen();
        let least = (1..width)
            .fold(0, |best, at| if eigen.eigenvalues[at] < eigen.eigenvalues[best] { at } else { best });
        let mut normal: Vec<f64> = eigen.eigenvectors.column(least).iter().copied().collect();
        let first = &self.pairs[0].ends;
        let side: f64 =
            normal.iter().zip(first[1].iter().zip(&first[0])).map(|(n, (a, b))| n * (a - b)).sum();
        if side < 0.0 {
            normal.iter_mut().for_each(|value| *value = -*value);
        }
        let offset = dot(&normal, &centre);
        Some(Hyperplane { normal, offset })
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

fn unit(vector: &[f64]) -> Vec<f64> {
    let norm = dot(vector, vector).sqrt().max(f64::MIN_POSITIVE);
    vector.iter().map(|value| value / norm).collect()
}
