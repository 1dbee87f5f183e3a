//! Stop when the learning curve is flat.
//!
//! The accuracy on labels that were held out follows an inverse power law in the number of labels ([`super::curve`]); where
//! the law expects next to nothing of many more labels, they are not bought.

use super::curve::PowerLaw;
use super::{Reason, Seen, Stop};

/// Stops where the next `more` labels are expected to add at most `gain` to the accuracy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlatCurve {
    /// Labels whose worth is forecast.
    pub more: usize,
    /// In shares of 1, higher = sooner.
    pub gain: f64,
    /// Points of the curve from which on it is believed.
    pub points: usize,
    /// Labels from which on it is believed.
    pub least: usize,
}

impl Default for FlatCurve {
    fn default() -> Self {
        Self { more: 50, gain: 0.005, points: 5, least: 50 }
    }
}

/// The law through a curve of enough points and labels.
pub(super) fn law(seen: &Seen<'_>, points: usize, least: usize) -> Option<(PowerLaw, usize)> {
    let now = seen.curve.last()?.labels;
    let believed = seen.curve.len() >= points && now >= least;
    Some((PowerLaw::fit(seen.curve).filter(|_| believed)?, now))
}

impl Stop for FlatCurve {
    fn decide(&self, seen: &Seen<'_>) -> Option<Reason> {
        let (law, now) = law(seen, self.points, self.least)?;
        let gain = law.gain(now, self.more);
        let saw = || {
            let (more, points, most) = (self.more, 100.0 * gain, 100.0 * self.gain);
            format!("the next {more} labels are expected to add {points:.2} points, at most {most}")
        };
        (gain <= self.gain).then(|| Reason { rule: "learning curve", saw: saw() })
    }
}

#[cfg(test)]
mod tests {
    use super::super::curve::Point;
    use super::*;

    fn along(law: PowerLaw, labels: &[usize]) -> Vec<Point> {
        let point = |&n: &usize| Point { labels: n, accuracy: law.accuracy(n as f64), judged: 100 };
        labels.iter().map(point).collect()
    }

    #[test]
    fn it_goes_on_while_the_curve_rises() {
        let rule = FlatCurve::default();
        let decide = |curve: &[Point]| rule.decide(&Seen { looks: &[], curve, rows: 100, step: 10 });
        // After 200 labels of this law, 50 more add 1 / 200 - 1 / 250 = 0.001.
        let slow = along(PowerLaw { floor: 0.1, scale: 1.0, rate: 1.0 }, &[25, 50, 100, 150, 200]);
        assert_eq!(decide(&slow).expect("0.1 points").rule, "learning curve");
        // After 50 labels, 1 / 50 - 1 / 100 = 0.01.
        let steep = along(PowerLaw { floor: 0.1, scale: 1.0, rate: 1.0 }, &[10, 20, 30, 40, 50]);
        assert_eq!(decide(&steep), None);
        assert_eq!(decide(&slow[1..]), None, "four points are too few");
        assert_eq!(decide(&[]), None);
    }
}
