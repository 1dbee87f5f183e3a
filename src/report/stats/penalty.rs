//! The pairwise penalty matrix (Ash et al., ICLR 2020), matched by seed.
//!
//! At every label count of a task, a two-sided paired t-test at level α compares two strategies over
//! the repetitions both have. Cell `[i][j]` grows by 1 / (label counts) whenever `i` beats `j`; summed
//! over tasks, its largest value is the number of tasks. A column's mean is how often that strategy is
//! beaten: lower = better.

use super::mean::{mean, standard_deviation};
use super::special::t_two_sided;

/// One task's accuracies `[strategy][label count][repetition]`; `None` where a repetition is missing.
pub type TaskAccuracies = Vec<Vec<Vec<Option<f64>>>>;

/// The penalty matrix `[winner][loser]` over `tasks`, each with the same strategies in the same order.
pub fn penalty_matrix(tasks: &[TaskAccuracies], alpha: f64) -> Vec<Vec<f64>> {
    let strategies = tasks.iter().map(Vec::len).max().unwrap_or(0);
    let mut matrix = vec![vec![0.0; strategies]; strategies];
    for task in tasks {
        for (i, first) in task.iter().enumerate() {
            for (j, second) in task.iter().enumerate().filter(|(j, _)| *j != i) {
                let points = first.len().min(second.len());
                let wins = (0..points).filter(|&point| beats(&first[point], &second[point], alpha)).count();
                if points > 0 {
                    matrix[i][j] += wins as f64 / points as f64;
                }
            }
        }
    }
    matrix
}

/// The mean of every column without its diagonal: how often each strategy is beaten, lower = better.
pub fn column_means(matrix: &[Vec<f64>]) -> Vec<f64> {
    let others = matrix.len().saturating_sub(1).max(1) as f64;
    (0..matrix.len()).map(|j| matrix.iter().map(|row| row[j]).sum::<f64>() / others).collect()
}

/// Whether `first` beats `second` by a two-sided paired t-test over the repetitions both have.
fn beats(first: &[Option<f64>], second: &[Option<f64>], alpha: f64) -> bool {
    let differences: Vec<f64> = first.iter().zip(second).filter_map(|(a, b)| Some((*a)? - (*b)?)).collect();
    let (Some(centre), Some(deviation)) = (mean(&differences), standard_deviation(&differences)) else {
        return false;
    };
    let n = differences.len() as f64;
    // No spread makes t infinite and p zero.
    centre > 0.0 && t_two_sided(centre * n.sqrt() / deviation, n - 1.0) < alpha
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn a_win_at_one_of_two_label_counts_is_half_a_penalty() {
        let better = vec![runs(&[0.6, 0.7, 0.65, 0.62, 0.68]), runs(&[0.9, 0.91, 0.9, 0.92, 0.93])];
        let worse = vec![runs(&[0.61, 0.69, 0.66, 0.61, 0.68]), runs(&[0.8, 0.82, 0.79, 0.83, 0.82])];
        let matrix = penalty_matrix(&[vec![better, worse]], 0.05);
        assert_eq!(matrix, [vec![0.0, 0.5], vec![0.0, 0.0]]);
        assert_eq!(column_means(&matrix), [0.0, 0.5]);
    }

    #[test]
    fn identical_strategies_never_beat_each_other() {
        let one = vec![runs(&[0.6, 0.7, 0.8]); 4];
        assert_eq!(penalty_matrix(&[vec![one.clone(), one]], 0.05), vec![vec![0.0; 2]; 2]);
    }

    #[test]
    fn repetitions_that_one_side_lacks_do_not_count() {
        let a = vec![vec![Some(0.9), None, Some(0.8), Some(0.7)]];
        let b = vec![vec![None, Some(0.1), Some(0.8), Some(0.7)]];
        assert_eq!(penalty_matrix(&[vec![a, b]], 0.05), vec![vec![0.0; 2]; 2]);
    }
}
