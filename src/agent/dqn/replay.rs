//! Prioritised replay: what surprised most is learned from most.
//!
//! Schaul, Quan, Antonoglou, Silver, "Prioritized experience replay", ICLR 2016, in the proportional form
//! without importance weights.

use crate::data::Matrix;
use crate::rng::Key;
use rand::RngExt;

/// The error that transitions are taken to have before anything was learned from any.
const FIRST_ERROR: f32 = 1_000.0;

/// One query and what came after it.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    /// The state before.
    pub state: Vec<f32>,
    /// The action taken.
    pub action: Vec<f32>,
    /// What it earned.
    pub reward: f32,
    /// The state after; without meaning where the episode is over.
    pub next_state: Vec<f32>,
    /// The actions to choose from after; none where the episode is over.
    pub next_actions: Matrix,
}

/// The last transitions, with the size of the error that each last had.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    pub(super) capacity: usize,
    pub(super) exponent: f32,
    pub(super) items: Vec<Transition>,
    pub(super) errors: Vec<f32>,
    /// Where the next transition goes.
    pub(super) at: usize,
    /// The error that a new transition is taken to have.
    pub(super) largest: f32,
}

impl Replay {
    /// A memory of nothing that will hold `capacity` transitions, drawn in proportion to
    /// `error^exponent`.
    pub fn new(capacity: usize, exponent: f32) -> Self {
        Self { capacity, exponent, items: Vec::new(), errors: Vec::new(), at: 0, largest: FIRST_ERROR }
    }

    /// Transitions held.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether nothing is held.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The transition in place `index`.
    pub fn get(&self, index: usize) -> &Transition {
        &self.items[index]
    }

    /// Remembers a transition, in the place of the oldest if it is full.
    pub fn store(&mut self, transition: Transition) {
        if self.items.len() < self.capacity {
            self.items.push(transition);
            self.errors.push(self.largest);
        } else {
            self.items[self.at] = transition;
            self.errors[self.at] = self.largest;
        }
        self.at = (self.at + 1) % self.capacity;
    }

    /// `min(count, held)` distinct places, drawn one after the other in proportion to `error^exponent`.
    pub fn draw(&self, count: usize, key: Key) -> Vec<usize> {
        let mut rng = key.rng();
        // The smallest of exponential variables with these rates: the same distribution (Efraimidis and
        // Spirakis, 2006).
        let mut waits: Vec<(f64, usize)> = self
            .errors
            .iter()
            .enumerate()
            .map(|(place, &error)| {
                let uniform: f64 = rng.random_range(f64::MIN_POSITIVE..1.0);
                (-uniform.ln() / f64::from(error).powf(f64::from(self.exponent)), place)
            })
            .collect();
        let count = count.min(waits.len());
        if count < waits.len() {
            waits.select_nth_unstable_by(count, |a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            waits.truncate(count);
        }
        waits.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        waits.into_iter().map(|(_, place)| place).collect()
    }

    /// Notes the errors that the transitions in these places had.
    pub fn update_priorities(&mut self, places: &[usize], errors: &[f32]) {
        for (&place, error) in places.iter().zip(errors) {
            self.errors[place] = error.abs();
        }
        self.largest = self.errors.iter().fold(0.0, |max, &error| max.max(error));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn transition(reward: f32) -> Transition {
        let next_actions = Matrix::new(vec![0.0; 3], 1, 3);
        Transition { state: vec![0.0], action: vec![0.0; 3], reward, next_state: vec![0.0], next_actions }
    }

    fn filled(errors: &[f32], exponent: f32) -> Replay {
        let mut replay = Replay::new(errors.len(), exponent);
        (0..errors.len()).for_each(|i| replay.store(transition(i as f32)));
        replay.update_priorities(&(0..errors.len()).collect::<Vec<_>>(), errors);
        replay
    }

    #[test]
    fn the_oldest_makes_room_and_new_ones_come_with_the_largest_error() {
        let mut replay = Replay::new(3, 1.0);
        (0..4).for_each(|i| replay.store(transition(i as f32)));
        assert_eq!(replay.len(), 3);
        assert_eq!([0, 1, 2].map(|i| replay.get(i).reward), [3.0, 1.0, 2.0]);
        assert_eq!(replay.errors, [FIRST_ERROR; 3]);
        replay.update_priorities(&[0, 1, 2], &[0.5, -4.0, 1.0]);
        replay.store(transition(9.0));
        assert_eq!(replay.errors, [0.5, 4.0, 1.0]);
    }

    /// With errors 1, 2 and exponent 3 the second comes first eight times out of nine.
    #[test]
    fn draws_have_their_stated_frequency() {
        let replay = filled(&[1.0, -2.0], 3.0);
        let draws = 20_000;
        let first = (0..draws).filter(|&i| replay.draw(1, Key::root(5).at(i)) == [1]).count();
        let (found, expected) = (first as f64 / draws as f64, 8.0 / 9.0);
        assert!((found - expected).abs() < 4.0 * (expected / 9.0 / draws as f64).sqrt(), "{found}");
        let mut both = replay.draw(7, Key::root(1));
        both.sort_unstable();
        assert_eq!(both, [0, 1]);
        // What had no error comes last.
        assert_eq!(filled(&[0.0, 0.1, 5.0], 3.0).draw(3, Key::root(1))[2], 0);
    }
}
