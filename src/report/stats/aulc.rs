//! Learning curves and the area under them.
//!
//! Two figures go by the name of "area under the learning curve", and they differ: the *normalised
//! AULC* here is the trapezoid rule over the number of labels divided by its width; the *AUC* of the
//! cross-domain benchmark (Werner et al., NeurIPS 2024 datasets track) is the mean accuracy over the
//! curve's points. `(.5, .6, .8)` at equal steps has an AULC of .6250 and an AUC of .6333.

/// Accuracy against labels bought: labels strictly rising, accuracies finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Curve {
    labels: Vec<u32>,
    accuracy: Vec<f64>,
}

impl Curve {
    /// A curve from its points, or `None` where they are not one: no points, lengths that differ,
    /// labels that do not rise strictly, an accuracy that is not finite.
    pub fn new(labels: Vec<u32>, accuracy: Vec<f64>) -> Option<Self> {
        let rising = labels.windows(2).all(|pair| pair[0] < pair[1]);
        let sound = !labels.is_empty() && labels.len() == accuracy.len() && rising;
        (sound && super::all_finite(&accuracy)).then_some(Self { labels, accuracy })
    }

    /// The points `(labels, accuracy)` in order.
    pub fn points(&self) -> impl Iterator<Item = (u32, f64)> + '_ {
        self.labels.iter().copied().zip(self.accuracy.iter().copied())
    }

    /// The first and the last number of labels.
    pub fn range(&self) -> (u32, u32) {
        (self.labels[0], self.labels[self.labels.len() - 1])
    }

    /// Accuracy at `labels`, linear between points; `None` outside the curve.
    pub fn at(&self, labels: f64) -> Option<f64> {
        let (first, last) = self.range();
        if !(f64::from(first) <= labels && labels <= f64::from(last)) {
            return None;
        }
        let right = self.labels.partition_point(|&l| f64::from(l) < labels);
        let (x1, y1) = (f64::from(self.labels[right]), self.accuracy[right]);
        if x1 == labels {
            return Some(y1);
        }
        let (x0, y0) = (f64::from(self.labels[right - 1]), self.accuracy[right - 1]);
        Some(y0 + (y1 - y0) * (labels - x0) / (x1 - x0))
    }

    /// The normalised AULC between `lo` and `hi` labels: the exact area under the piecewise-linear
    /// curve divided by `hi − lo`, in units of accuracy; at `lo == hi`, its limit: the accuracy there.
    /// `None` where the curve does not cover the interval.
    pub fn aulc(&self, lo: f64, hi: f64) -> Option<f64> {
        if lo > hi {
            return None;
        }
        let (start, end) = (self.at(lo)?, self.at(hi)?);
        if lo == hi {
            return Some(start);
        }
        let (mut x, mut y, mut area) = (lo, start, 0.0);
        let inner = self.points().map(|(l, a)| (f64::from(l), a)).filter(|&(l, _)| lo < l && l < hi);
        for (x1, y1) in inner.chain([(hi, end)]) {
            area += 0.5 * (y + y1) * (x1 - x);
            (x, y) = (x1, y1);
        }
        Some(area / (hi - lo))
    }

    /// The benchmark's AUC: the mean accuracy over the points between `lo` and `hi` labels, both
    /// included. `None` where there is none.
    pub fn auc(&self, lo: f64, hi: f64) -> Option<f64> {
        let inside = |&(l, _): &(u32, f64)| lo <= f64::from(l) && f64::from(l) <= hi;
        let inside: Vec<f64> = self.points().filter(inside).map(|(_, accuracy)| accuracy).collect();
        super::mean::mean(&inside)
    }

    /// The fewest labels at which the curve's points reach `target`, or `None` (censored).
    pub fn labels_to(&self, target: f64) -> Option<u32> {
        self.points().find(|&(_, accuracy)| accuracy >= target).map(|(labels, _)| labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn curve(labels: &[u32], accuracy: &[f64]) -> Curve {
        Curve::new(labels.to_vec(), accuracy.to_vec()).expect("a sound curve")
    }

    #[test]
    fn the_two_areas_of_the_worked_example() {
        let curve = curve(&[10, 20, 30], &[0.5, 0.6, 0.8]);
        assert!((curve.auc(10.0, 30.0).unwrap() - 0.633_333_333).abs() < 1e-9);
        assert!((curve.aulc(10.0, 30.0).unwrap() - 0.625).abs() < 1e-12);
        // Halves: (.5 + .6) / 2 and (.6 + .8) / 2.
        assert!((curve.aulc(10.0, 20.0).unwrap() - 0.55).abs() < 1e-12);
        assert!((curve.aulc(20.0, 30.0).unwrap() - 0.70).abs() < 1e-12);
    }

    #[test]
    fn uneven_steps_weigh_by_their_width() {
        // (.5 + .6)/2 · 10 + (.6 + .8)/2 · 30 = 26.5 over 40 labels.
        let curve = curve(&[10, 20, 50], &[0.5, 0.6, 0.8]);
        assert!((curve.aulc(10.0, 50.0).unwrap() - 0.6625).abs() < 1e-12);
        // Clipped inside segments: from .55 at 15 to .7 at 35.
        let clipped = (0.5 * (0.55 + 0.6) * 5.0 + 0.5 * (0.6 + 0.7) * 15.0) / 20.0;
        assert!((curve.aulc(15.0, 35.0).unwrap() - clipped).abs() < 1e-12);
    }

    #[test]
    fn outside_the_curve_there_is_no_area() {
        let curve = curve(&[10, 20], &[0.5, 0.6]);
        assert_eq!(curve.aulc(5.0, 20.0), None);
        assert_eq!(curve.aulc(10.0, 21.0), None);
        assert_eq!(curve.aulc(20.0, 10.0), None);
        assert_eq!(curve.aulc(20.0, 20.0), Some(0.6));
        assert_eq!(curve.labels_to(0.55), Some(20));
        assert_eq!(curve.labels_to(0.65), None);
    }

    #[test]
    fn what_is_no_curve_is_refused() {
        assert!(Curve::new(vec![], vec![]).is_none());
        assert!(Curve::new(vec![1, 2], vec![0.5]).is_none());
        assert!(Curve::new(vec![2, 2], vec![0.5, 0.6]).is_none());
        assert!(Curve::new(vec![1, 2], vec![0.5, f64::NAN]).is_none());
    }

    proptest! {
        /// Halves weighted by their width add up to the whole, and the area lies between the extremes.
        #[test]
        fn areas_add_up(steps in prop::collection::vec((1u32..9, 0.0f64..1.0), 2..20), cut in 0.1f64..0.9) {
            let labels: Vec<u32> = steps.iter().scan(0, |sum, step| { *sum += step.0; Some(*sum) }).collect();
            let accuracy: Vec<f64> = steps.iter().map(|step| step.1).collect();
            let curve = curve(&labels, &accuracy);
            let (lo, hi) = (f64::from(curve.range().0), f64::from(curve.range().1));
            let middle = lo + cut * (hi - lo);
            let whole = curve.aulc(lo, hi).unwrap();
            let parts = cut * curve.aulc(lo, middle).unwrap() + (1.0 - cut) * curve.aulc(middle, hi).unwrap();
            prop_assert!((whole - parts).abs() < 1e-9);
            let (least, most) = accuracy.iter().fold((1.0f64, 0.0f64), |(l, m), &a| (l.min(a), m.max(a)));
            prop_assert!(least - 1e-12 <= whole && whole <= most + 1e-12);
        }
    }
}
