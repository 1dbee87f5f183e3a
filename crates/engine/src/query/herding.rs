//! [`Herding`]: how well the labels in hand cover a pool, and what another label would cover.

use super::kernel_pca::KernelPca;
use crate::data::RowId;
use crate::simd::dispatched;

/// Coverage of a pool by labels as MaxHerding has it (Bae, Noh & Sutherland, ECCV 2024): a row is covered by as much as the
/// nearest label is near, `max_l K(l, x)`, and a label is worth what it adds to that. With rows weighted by doubt it is
/// UHerding's (Bae, Oliveira & Sutherland, ICLR 2025).
///
/// The pool is stood for by the [representatives](KernelPca::representatives), at most 512 rows. Everything is whole numbers, so
/// that no sum depends on its order.
#[derive(Clone, Debug)]
pub struct Herding<'a> {
    components: &'a KernelPca,
    /// Per representative, by how much it is covered.
    covered: Vec<u8>,
    /// Per representative, its doubt: 255 for one.
    doubts: Vec<u8>,
}

/// What labels of some rows would add.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gains {
    /// To the mean coverage of the pool, from 0 to 1.
    pub plain: Vec<f32>,
    /// The same with rows weighted by doubt.
    pub of_doubt: Vec<f32>,
}

impl<'a> Herding<'a> {
    /// With these rows labelled; `doubt` says how doubtful the class of a row is, from 0 to 1, and 0 for a labelled one.
    pub fn of(components: &'a KernelPca, labelled: &[RowId], doubt: impl Fn(RowId) -> f32) -> Self {
        let representatives = components.representatives();
        let doubts = representatives
            .iter()
            .map(|&row| (f32::from(u8::MAX) * doubt(RowId(row))).round() as u8)
            .collect();
        let mut made = Self { components, covered: vec![0; representatives.len()], doubts };
        labelled.iter().for_each(|&row| made.cover(row));
        made
    }

    /// Takes another row for labelled.
    pub fn label(&mut self, row: RowId) {
        self.cover(row);
        if let Ok(at) = self.components.representatives().binary_search(&row.0) {
            self.doubts[at] = 0;
        }
    }

    fn cover(&mut self, row: RowId) {
        let near = self.components.nearness(row.index());
        self.covered.iter_mut().zip(near).for_each(|(covered, &near)| *covered = near.max(*covered));
    }

    /// What a label of each of these rows would add.
    pub fn gains(&self, rows: impl Iterator<Item = RowId>) -> Gains {
        let rows: Vec<u32> = rows.map(|row| row.0).collect();
        let mut gains = Gains { plain: vec![0.0; rows.len()], of_doubt: vec![0.0; rows.len()] };
        added(self.components, &rows, &self.covered, &self.doubts, &mut gains.plain, &mut gains.of_doubt);
        gains
    }
}

dispatched! {
    /// The means of `max(near - covered, 0)` of every row over the representatives, plain and weighted by doubt.
    fn added(
        components: &KernelPca,
        rows: &[u32],
        covered: &[u8],
        doubts: &[u8],
        plain: &mut [f32],
        of_doubt: &mut [f32],
    ) {
        let whole = covered.len().max(1) as f32 * f32::from(u8::MAX);
        for ((&row, plain), of_doubt) in rows.iter().zip(plain).zip(of_doubt) {
            let (mut sum, mut weighted) = (0u32, 0u32);
            for ((&near, &covered), &doubt) in components.nearness(row as usize).iter().zip(covered).zip(doubts) {
                let more = u16::from(near.saturating_sub(covered));
                sum += u32::from(more);
                weighted += u32::from(more * u16::from(doubt));
            }
            *plain = sum as f32 / whole;
            *of_doubt = weighted as f32 / (whole * f32::from(u8::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::MatrixView;
    use crate::rng::Key;
    use rand::RngExt;

    /// `exp(-s)` of the directions of two rows from the pool's mean.
    fn kernel(values: &[f32], d: usize) -> Vec<Vec<f64>> {
        let rows: Vec<&[f32]> = values.chunks_exact(d).collect();
        let mean: Vec<f64> = (0..d)
            .map(|j| rows.iter().map(|row| f64::from(row[j])).sum::<f64>() / rows.len() as f64)
            .collect();
        let directions: Vec<Vec<f64>> = rows
            .iter()
            .map(|row| {
                let centred: Vec<f64> = row.iter().zip(&mean).map(|(&x, mean)| f64::from(x) - mean).collect();
                let length = centred.iter().map(|x| x * x).sum::<f64>().sqrt();
                centred.iter().map(|x| x / length).collect()
            })
            .collect();
        let near = |a: &Vec<f64>, b: &Vec<f64>| {
            (-a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum::<f64>()).exp()
        };
        directions.iter().map(|a| directions.iter().map(|b| near(a, b)).collect()).collect()
    }

    /// On a pool that is its own representatives: what the definition says, before and after labels, to the rounding of the kernel.
    #[test]
    fn gains_are_those_of_the_definition() {
        let (n, d) = (70, 4);
        let mut rng = Key::root(3).rng();
        let values: Vec<f32> = (0..n * d).map(|_| rng.random::<f32>() - 0.4).collect();
        let doubts: Vec<f32> = (0..n).map(|_| rng.random()).collect();
        let (near, components) = (kernel(&values, d), KernelPca::of(MatrixView::new(&values, n, d)));
        assert_eq!(components.representatives().len(), n);
        let mut labelled = vec![RowId(5), RowId(40)];
        let mut herding = Herding::of(&components, &labelled, |row| {
            if [5, 40].contains(&row.0) { 0.0 } else { doubts[row.index()] }
        });
        for step in 0..3 {
            let gains = herding.gains((0..n as u32).map(RowId));
            for row in 0..n {
                let (mut plain, mut of_doubt) = (0.0, 0.0);
                for x in 0..n {
                    let covered = labelled.iter().map(|l| near[l.index()][x]).fold(0.0, f64::max);
                    let more = (near[row][x] - covered).max(0.0);
                    plain += more / n as f64;
                    let open = !labelled.contains(&RowId(x as u32));
                    of_doubt += if open { more * f64::from(doubts[x]) / n as f64 } else { 0.0 };
                }
                let close = |found: f32, exact: f64| (f64::from(found) - exact).abs() < 1.5 / 255.0;
                assert!(close(gains.plain[row], plain), "step {step}, {row}: {} {plain}", gains.plain[row]);
                assert!(
                    close(gains.of_doubt[row], of_doubt),
                    "{step}, {row}: {} {of_doubt}",
                    gains.of_doubt[row]
                );
            }
            let next = RowId(10 + step);
            herding.label(next);
            labelled.push(next);
        }
    }

    #[test]
    fn without_numbers_nothing_is_near() {
        for (values, n, d) in [(vec![f32::MAX, -f32::MAX, 1.0, 0.0], 4, 1), (vec![1.0; 12], 6, 2)] {
            let components = KernelPca::of(MatrixView::new(&values, n, d));
            let herding = Herding::of(&components, &[RowId(0)], |_| 1.0);
            let gains = herding.gains((0..n as u32).map(RowId));
            assert!(
                gains.plain.iter().chain(&gains.of_doubt).all(|gain| (0.0..=1.0).contains(gain)),
                "{gains:?}"
            );
        }
    }
}
