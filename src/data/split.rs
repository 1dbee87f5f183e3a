//! Which rows of a data set become a task's pool, reward and test part.

use super::dataset::{Dataset, SplitTag};
use super::error::DataError;
use super::task::{PartRows, SplitPlan};
use crate::rng::Key;
use rand::RngExt;
use rand::seq::SliceRandom;

/// The rows of the three parts; `plan` has been checked.
pub(super) fn split_rows(dataset: &Dataset, plan: &SplitPlan, key: Key) -> Result<PartRows, DataError> {
    let all = 0..dataset.rows() as u32;
    let official = dataset.split().filter(|split| split.contains(&SplitTag::Test));
    let (mut pool, mut test) = match official {
        Some(split) => {
            let (test, train): (Vec<u32>, Vec<u32>) =
                all.partition(|&row| split[row as usize] == SplitTag::Test);
            check_test_classes(dataset, &train, &test)?;
            (stratified(dataset, train, key.named("train")), stratified(dataset, test, key.named("test")))
        }
        None => {
            let mut rows = stratified(dataset, all.collect(), key.named("rows"));
            let test = rows.split_off(rows.len() - share(rows.len(), plan.test));
            (rows, test)
        }
    };
    let mut reward = pool.split_off(pool.len() - share(pool.len(), plan.reward));
    for (part, rows, least) in [("pool", &pool, 2), ("reward", &reward, 1), ("test", &test, 1)] {
        if rows.len() < least {
            let (name, found) = (dataset.name().to_string(), rows.len());
            return Err(DataError::PartTooSmall { name, part, found, least, rows: dataset.rows() });
        }
    }
    pool.truncate(plan.max_pool);
    reward.truncate(plan.max_held);
    test.truncate(plan.max_held);
    // Ids say nothing about classes only if the stratified order is undone.
    for (rows, name) in [(&mut pool, "pool"), (&mut reward, "reward"), (&mut test, "held")] {
        rows.sort_unstable();
        rows.shuffle(&mut key.named("order").named(name).rng());
    }
    Ok(PartRows { pool, reward, test })
}

/// `portion` of `rows`, to the nearest row.
fn share(rows: usize, portion: f64) -> usize {
    (rows as f64 * portion).round() as usize
}

/// `rows` in a random order in which every stretch holds the classes in about their proportions, and
/// in which one row of each class comes first.
///
/// The `j`-th of a class's `n` shuffled rows is put at `(j + u) / n`, `u` a random offset per class.
fn stratified(dataset: &Dataset, mut rows: Vec<u32>, key: Key) -> Vec<u32> {
    let labels = dataset.labels();
    rows.shuffle(&mut key.named("shuffle").rng());
    let mut counts = vec![0usize; dataset.classes()];
    for &row in &rows {
        counts[labels[row as usize] as usize] += 1;
    }
    let mut rng = key.named("offsets").rng();
    let offsets: Vec<f64> = counts.iter().map(|_| rng.random::<f64>()).collect();
    let mut seen = vec![0usize; counts.len()];
    let mut placed: Vec<(f64, u32)> = rows
        .into_iter()
        .map(|row| {
            let class = labels[row as usize] as usize;
            let nth = seen[class];
            seen[class] += 1;
            let place = if nth == 0 { -1.0 } else { (nth as f64 + offsets[class]) / counts[class] as f64 };
            (place, row)
        })
        .collect();
    // A stable sort: equal places keep the shuffled order.
    placed.sort_by(|a, b| a.0.total_cmp(&b.0));
    placed.into_iter().map(|(_, row)| row).collect()
}

fn check_test_classes(dataset: &Dataset, train: &[u32], test: &[u32]) -> Result<(), DataError> {
    let count = |rows: &[u32]| {
        let mut counts = vec![0usize; dataset.classes()];
        for &row in rows {
            counts[dataset.labels()[row as usize] as usize] += 1;
        }
        counts
    };
    let trained = count(train);
    match count(test).into_iter().enumerate().find(|&(class, rows)| rows > 0 && trained[class] == 0) {
        None => Ok(()),
        Some((class, rows)) => Err(DataError::ClassOnlyInTest {
            name: dataset.name().to_string(),
            class: dataset.class_names()[class].clone(),
            rows,
        }),
    }
}
