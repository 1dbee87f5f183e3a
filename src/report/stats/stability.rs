//! How often a pair's order flips when only a few of the repetitions are run.

use super::bootstrap::below;
use super::mean::mean;
use crate::rng::Key;

/// The share of random subsets of `size` paired differences whose mean has the opposite sign to the
/// mean of all; a mean of exactly zero in a subset counts half.
///
/// Subsets are drawn without replacement, `draws` of them, by `key`. `None` where there are fewer than
/// `size` differences, `size` is zero, or all of them together tie.
pub fn flip_rate(differences: &[f64], size: usize, draws: usize, key: Key) -> Option<f64> {
    let whole = mean(differences)?;
    if size == 0 || size > differences.len() || whole == 0.0 || draws == 0 {
        return None;
    }
    let mut rng = key.rng();
    let mut order: Vec<usize> = (0..differences.len()).collect();
    let mut flips = 0.0;
    for _ in 0..draws {
        for i in 0..size {
            let other = i + below(&mut rng, order.len() - i);
            order.swap(i, other);
        }
        let part: f64 = order[..size].iter().map(|&i| differences[i]).sum();
        if part == 0.0 {
            flips += 0.5;
        } else if (part > 0.0) != (whole > 0.0) {
            flips += 1.0;
        }
    }
    Some(flips / draws as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unanimous_order_never_flips_and_the_whole_never_does() {
        assert_eq!(flip_rate(&[0.1, 0.2, 0.3, 0.1], 2, 500, Key::root(0)), Some(0.0));
        assert_eq!(flip_rate(&[0.3, -0.2, 0.3, -0.1], 4, 500, Key::root(0)), Some(0.0));
        assert_eq!(flip_rate(&[0.3, -0.3], 1, 500, Key::root(0)), None);
        assert_eq!(flip_rate(&[0.3, 0.3], 3, 500, Key::root(0)), None);
    }

    /// One of four is negative and decides alone when drawn alone: a quarter of the singles flip.
    #[test]
    fn singles_flip_as_often_as_they_are_negative() {
        let rate = flip_rate(&[0.3, 0.2, -0.1, 0.1], 1, 20_000, Key::root(3)).unwrap();
        assert!((rate - 0.25).abs() < 0.015, "{rate}");
    }
}
