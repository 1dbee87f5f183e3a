//! Holm's step-down correction (Holm, Scandinavian Journal of Statistics 1979).

/// Adjusted p-values in the order of `p`: reject at level α whatever is at most α.
///
/// The i-th smallest of m is multiplied by `m − i + 1`, made monotone, and capped at one.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
    let mut adjusted = vec![1.0; p.len()];
    let mut running: f64 = 0.0;
    for (rank, &index) in order.iter().enumerate() {
        running = running.max((p.len() - rank) as f64 * p[index]).min(1.0);
        adjusted[index] = running;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn worked_examples() {
        // Against .05/3, .05/2, .05: all three are rejected, then only the first.
        let all: Vec<bool> = holm(&[0.01, 0.02, 0.04]).iter().map(|&p| p <= 0.05).collect();
        assert_eq!(all, [true, true, true]);
        let first: Vec<bool> = holm(&[0.03, 0.01, 0.04]).iter().map(|&p| p <= 0.05).collect();
        assert_eq!(first, [false, true, false]);
        assert!(holm(&[]).is_empty());
    }

    proptest::proptest! {
        #[test]
        fn adjusting_raises_keeps_the_order_and_stays_under_bonferroni_for_the_least(
            p in proptest::collection::vec(0.0f64..1.0, 1..20),
        ) {
            let adjusted = holm(&p);
            for i in 0..p.len() {
                proptest::prop_assert!(p[i] <= adjusted[i] && adjusted[i] <= 1.0);
                for j in 0..p.len() {
                    proptest::prop_assert!(p[i] > p[j] || adjusted[i] <= adjusted[j]);
                }
            }
            let least = p.iter().copied().fold(1.0, f64::min);
            let first = adjusted.iter().copied().fold(1.0, f64::min);
            proptest::prop_assert_eq!(first, (least * p.len() as f64).min(1.0));
        }
    }
}
