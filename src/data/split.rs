//! Which rows of a data set become a task's pool, reward, validation and test part.

use super::dataset::Targets;
use super::dataset::{Dataset, SplitTag};
use super::domains::{Domain, Domains};
use super::error::DataError;
use super::task::{PartRows, SplitPlan};
use crate::rng::Key;
use rand::RngExt;
use rand::seq::SliceRandom;
use std::collections::HashSet;

/// What messages call the parts of a task.
const PARTS: [&str; 4] = ["pool", "reward", "validation", "test"];
/// What they call them where a column tells the domains apart.
const PARTS_OF_THE_TARGET: [&str; 4] =
    ["target domain's pool", "target domain's reward", "target domain's validation", "target domain's test"];

/// The rows of the parts; `plan` has been checked.
pub(super) fn split_rows(dataset: &Dataset, plan: &SplitPlan, key: Key) -> Result<PartRows, DataError> {
    let (train, test) = official(dataset);
    check_test_classes(dataset, &train, test.as_deref().unwrap_or_default())?;
    parts(dataset, (train, test), plan, PARTS, key)
}

/// The rows of the parts where a column of the data set tells the domains apart, and those of the pool that are of the source: at most
/// `domains.per_class` of each class that is `wanted`. All other rows of all parts are of the target. An official test part
/// stays one, so that its rows of the source are in no part.
pub(super) fn split_domains(
    dataset: &Dataset,
    plan: &SplitPlan,
    domains: &Domains,
    wanted: (usize, impl Fn(u32) -> Option<u32>),
    key: Key,
) -> Result<(PartRows, HashSet<u32>), DataError> {
    let name = || dataset.name().to_string();
    let of = dataset.domains().ok_or_else(|| DataError::NoDomains { name: name() })?;
    let of_source = |row: &u32| of[*row as usize] == Domain::Source;
    let (train, test) = official(dataset);
    let test: Option<Vec<u32>> = test.map(|rows| rows.into_iter().filter(|row| !of_source(row)).collect());
    check_test_classes(dataset, &train, test.as_deref().unwrap_or_default())?;
    let (source, train): (Vec<u32>, Vec<u32>) = train.into_iter().partition(of_source);
    let from = domains.source(dataset, &source, wanted, key.named("domains"));
    if from.is_empty() {
        let (name, part, rows) = (name(), "source domain's", source.len());
        return Err(DataError::PartTooSmall { name, part, found: 0, least: 1, rows });
    }
    let least = from.len() + 2;
    if plan.max_pool < least {
        return Err(DataError::TooSmallLimit { key: "max_pool", value: plan.max_pool, least });
    }
    let target = SplitPlan { max_pool: plan.max_pool - from.len(), ..*plan };
    let mut rows = parts(dataset, (train, test), &target, PARTS_OF_THE_TARGET, key)?;
    rows.pool.extend(&from);
    shuffle(&mut rows.pool, "pool", key);
    Ok((rows, from))
}

/// The rows that may be trained on, and those of an official test part, if there is one.
fn official(dataset: &Dataset) -> (Vec<u32>, Option<Vec<u32>>) {
    let all = 0..dataset.rows() as u32;
    match dataset.split().filter(|split| split.contains(&SplitTag::Test)) {
        Some(split) => {
            let (test, train) = all.partition(|&row| split[row as usize] == SplitTag::Test);
            (train, Some(test))
        }
        None => (all.collect(), None),
    }
}

/// The parts of rows that may be trained on and of those that are only tested on, of which a share of the former is drawn where none are
/// given; `names` are for messages.
fn parts(
    dataset: &Dataset,
    (train, test): (Vec<u32>, Option<Vec<u32>>),
    plan: &SplitPlan,
    names: [&'static str; 4],
    key: Key,
) -> Result<PartRows, DataError> {
    let all = train.len() + test.as_ref().map_or(0, Vec::len);
    let (mut pool, mut test) = match test {
        Some(test) => {
            (stratified(dataset, train, key.named("train")), stratified(dataset, test, key.named("test")))
        }
        None => {
            let mut rows = stratified(dataset, train, key.named("rows"));
            let test = rows.split_off(rows.len() - share(rows.len(), plan.test));
            (rows, test)
        }
    };
    let rewarded = share(pool.len(), plan.reward);
    let validated = share(pool.len(), plan.validation);
    let mut reward = pool.split_off(pool.len() - rewarded);
    let mut validation = pool.split_off(pool.len().saturating_sub(validated));
    let least = usize::from(plan.validation > 0.0);
    let sizes = [(&pool, 2), (&reward, 1), (&validation, least), (&test, 1)];
    for (part, (rows, least)) in names.into_iter().zip(sizes) {
        if rows.len() < least {
            let (name, found) = (dataset.name().to_string(), rows.len());
            return Err(DataError::PartTooSmall { name, part, found, least, rows: all });
        }
    }
    pool.truncate(plan.max_pool);
    reward.truncate(plan.max_held);
    validation.truncate(plan.max_held);
    test.truncate(plan.max_held);
    for (rows, name) in
        [(&mut pool, "pool"), (&mut reward, "reward"), (&mut validation, "validation"), (&mut test, "held")]
    {
        shuffle(rows, name, key);
    }
    Ok(PartRows { pool, reward, validation, test })
}

/// Undoes whatever order `rows` are in: only then do ids say nothing about classes or domains.
fn shuffle(rows: &mut [u32], part: &str, key: Key) {
    rows.sort_unstable();
    rows.shuffle(&mut key.named("order").named(part).rng());
}

/// `portion` of `rows`, to the nearest row.
fn share(rows: usize, portion: f64) -> usize {
    (rows as f64 * portion).round() as usize
}

/// `rows` in a random order in which every stretch holds the classes in about their proportions, and
/// in which one row of each class comes first.
///
/// Rows without classes are just shuffled. The `j`-th of a class's `n` shuffled rows is put at `(j + u) / n`, `u` a random offset per class.
fn stratified(dataset: &Dataset, mut rows: Vec<u32>, key: Key) -> Vec<u32> {
    rows.shuffle(&mut key.named("shuffle").rng());
    let Targets::Class { labels, .. } = dataset.targets() else { return rows };
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
    let Targets::Class { labels, .. } = dataset.targets() else { return Ok(()) };
    let count = |rows: &[u32]| {
        let mut counts = vec![0usize; dataset.classes()];
        for &row in rows {
            counts[labels[row as usize] as usize] += 1;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Matrix, RowId, Scaling, Shape, Targets, Task};
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// Row `i` has the inputs `[i, 1]`, so that a row can be told by its inputs where nothing is scaled.
    fn set(labels: Vec<u32>, split: Option<Vec<SplitTag>>) -> Dataset {
        let rows = labels.len();
        let values = (0..rows).flat_map(|row| [row as f32, 1.0]).collect();
        let names = (0..5).map(|class| format!("c{class}")).collect();
        let targets = Targets::Class { labels, names };
        Dataset::new("set", Shape::Vector(2), Matrix::new(values, rows, 2), targets, split).unwrap()
    }

    fn plan() -> SplitPlan {
        SplitPlan { scaling: Scaling::None, ..SplitPlan::default() }
    }

    fn refusal(dataset: &Dataset, plan: &SplitPlan) -> String {
        Task::split(dataset, plan, Key::root(1)).unwrap_err().to_string()
    }

    fn numbers(inputs: crate::data::MatrixView<'_>) -> Vec<u32> {
        (0..inputs.rows()).map(|row| inputs.row(row)[0] as u32).collect()
    }

    fn share_of(labels: &[u32], class: u32) -> f64 {
        labels.iter().filter(|&&label| label == class).count() as f64 / labels.len() as f64
    }

    #[test]
    fn sizes_are_the_shares_and_classes_are_spread_in_proportion() {
        // 1000 rows: 800 of class 0, 199 of class 1, a single one of class 2.
        let labels: Vec<u32> =
            (0..1000).map(|row| if row == 500 { 2 } else { u32::from(row % 5 == 0) }).collect();
        let set = set(labels, None);
        for seed in 0..20 {
            let task = Task::split(&set, &plan(), Key::root(seed)).unwrap();
            let sizes = [task.pool().rows(), task.reward().labels().len(), task.test().labels().len()];
            assert_eq!(sizes, [490, 210, 300]);
            let pool: Vec<u32> = (0..490).map(|row| task.pool_label(RowId(row))).collect();
            for labels in [&pool[..], task.reward().labels(), task.test().labels()] {
                assert!((share_of(labels, 1) - 0.199).abs() < 0.01, "{}", share_of(labels, 1));
            }
            assert_eq!(pool.iter().filter(|&&label| label == 2).count(), 1, "fault 29");
        }
    }

    #[test]
    fn a_validation_part_takes_its_share_of_the_training_rows() {
        let set = set((0..1000).map(|row| row % 2).collect(), None);
        let plan = SplitPlan { test: 0.2, reward: 0.01, validation: 0.2, ..plan() };
        let task = Task::split(&set, &plan, Key::root(1)).unwrap();
        let separation = task.separation();
        let counts = [&separation.pool, &separation.reward, &separation.validation, &separation.test];
        assert_eq!(counts.map(|part| part.rows), [632, 8, 160, 200]);
        assert_eq!(separation.shared, 0);
        assert!((share_of(task.validation().labels(), 1) - 0.5).abs() < 0.02);
        // Behind the pool's rows lie the reward part's, and then those.
        let all = numbers(task.all_but_test());
        assert_eq!(all[632..640], numbers(task.reward().inputs()));
        assert_eq!(all[640..], numbers(task.validation().inputs()));
        // Another seed, another part; without a share, none.
        let other = Task::split(&set, &plan, Key::root(2)).unwrap();
        assert_ne!(numbers(other.validation().inputs()), numbers(task.validation().inputs()));
        let none = Task::split(&set, &SplitPlan { validation: 0.0, ..plan }, Key::root(1)).unwrap();
        assert_eq!((none.validation().labels().len(), none.pool().rows()), (0, 792));
        assert_eq!(
            refusal(&set, &SplitPlan { validation: 1.0, ..plan }),
            "split: `validation` is 1, but must be above 0 and below 1"
        );
        let much = SplitPlan { reward: 0.6, validation: 0.6, ..plan };
        assert!(refusal(&set, &much).starts_with("set: the pool part would get 0 rows"));
    }

    #[test]
    fn the_pool_is_not_sorted_by_class() {
        let set = set((0..400).map(|row| row % 4).collect(), None);
        let task = Task::split(&set, &plan(), Key::root(3)).unwrap();
        let firsts: BTreeSet<Vec<u32>> = (0..40)
            .map(|seed| {
                let task = Task::split(&set, &plan(), Key::root(seed)).unwrap();
                (0..3).map(|row| task.pool_label(RowId(row))).collect()
            })
            .collect();
        assert!(firsts.len() > 20, "{firsts:?}");
        assert_eq!(task.dataset_row(RowId(5)) as f32, task.pool().row(5)[0]);
    }

    #[test]
    fn an_official_test_part_is_honoured() {
        let tags = (0..100).map(|row| if row < 60 { SplitTag::Train } else { SplitTag::Test }).collect();
        let set = set((0..100).map(|row| row % 2).collect(), Some(tags));
        let plan = SplitPlan { max_held: 25, ..plan() };
        let task = Task::split(&set, &plan, Key::root(1)).unwrap();
        assert!(numbers(task.test().inputs()).iter().all(|&row| row >= 60));
        assert!(numbers(task.pool()).iter().chain(&numbers(task.reward().inputs())).all(|&row| row < 60));
        let separation = task.separation();
        let counts = [&separation.pool, &separation.reward, &separation.test].map(|part| part.rows);
        assert_eq!((counts, separation.shared), ([42, 18, 25], 0));
        // A split without test rows gives no test part: one is drawn.
        let all_train = self::set((0..100).map(|row| row % 2).collect(), Some(vec![SplitTag::Train; 100]));
        assert_eq!(Task::split(&all_train, &plan, Key::root(1)).unwrap().test().labels().len(), 25);
    }

    #[test]
    fn scaling_is_fitted_on_the_pool_alone() {
        let set = set((0..100).map(|row| row % 2).collect(), None);
        let raw = Task::split(&set, &plan(), Key::root(1)).unwrap();
        let standard = SplitPlan { scaling: Scaling::Standard, ..plan() };
        let scaled = Task::split(&set, &standard, Key::root(1)).unwrap();
        let pool = numbers(raw.pool()).into_iter().map(f64::from).collect::<Vec<_>>();
        let mean = pool.iter().sum::<f64>() / pool.len() as f64;
        let deviation = (pool.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / pool.len() as f64).sqrt();
        for (raw, scaled) in [
            (raw.pool(), scaled.pool()),
            (raw.reward().inputs(), scaled.reward().inputs()),
            (raw.test().inputs(), scaled.test().inputs()),
        ] {
            for row in 0..raw.rows() {
                let expected = (f64::from(raw.row(row)[0]) - mean) / deviation;
                assert!((f64::from(scaled.row(row)[0]) - expected).abs() < 1e-6);
                assert_eq!(scaled.row(row)[1], 0.0, "a constant column becomes zero");
            }
        }
    }

    /// Faults 11 and 26 to 28, and plans that make no sense.
    #[test]
    fn hopeless_splits_are_refused_with_their_numbers() {
        let small = set(vec![0, 1], None);
        assert_eq!(
            refusal(&small, &plan()),
            "set: the pool part would get 1 rows, but needs at least 2 (2 rows to split)"
        );
        let one = set(vec![0], None);
        assert!(refusal(&one, &plan()).contains("the pool part would get"), "{}", refusal(&one, &plan()));
        let same = set(vec![3; 50], None);
        assert_eq!(refusal(&same, &plan()), "set: the pool holds 1 of 5 classes, but at least 2 are needed");
        let few = SplitPlan { test: 0.01, ..plan() };
        let twenty = set((0..20).map(|row| row % 2).collect(), None);
        assert!(refusal(&twenty, &few).starts_with("set: the test part would get 0 rows"));
        let tags = (0..20).map(|row| if row < 10 { SplitTag::Train } else { SplitTag::Test }).collect();
        let unseen = set((0..20).map(|row| if row > 16 { 4 } else { row % 2 }).collect(), Some(tags));
        assert_eq!(
            refusal(&unseen, &plan()),
            "set: 3 test rows are of class \"c4\", of which the training part has 0"
        );
        let only_test = set(vec![0, 1, 0], Some(vec![SplitTag::Test; 3]));
        assert!(refusal(&only_test, &plan()).contains("of which the training part has 0"));
        for (bad, message) in [
            (SplitPlan { test: 0.0, ..plan() }, "split: `test` is 0, but must be above 0 and below 1"),
            (SplitPlan { test: f64::NAN, ..plan() }, "split: `test` is NaN, but must be above 0 and below 1"),
            (SplitPlan { reward: 1.0, ..plan() }, "split: `reward` is 1, but must be above 0 and below 1"),
            (SplitPlan { max_pool: 1, ..plan() }, "split: `max_pool` is 1, but must be at least 2"),
            (SplitPlan { max_held: 0, ..plan() }, "split: `max_held` is 0, but must be at least 1"),
        ] {
            assert_eq!(refusal(&twenty, &bad), message);
        }
    }

    /// Whether there is no task in these rows: a class that is only tested on, too few rows or classes to learn from.
    fn hopeless(labels: &[u32], split: Option<&[SplitTag]>, plan: &SplitPlan) -> bool {
        let tested = |row: usize| split.is_some_and(|split| split[row] == SplitTag::Test);
        let (test, train): (Vec<usize>, Vec<usize>) = (0..labels.len()).partition(|&row| tested(row));
        let classes = |rows: &[usize]| rows.iter().map(|&row| labels[row]).collect::<BTreeSet<u32>>();
        let drawn = if test.is_empty() { (train.len() as f64 * plan.test).round() as usize } else { 0 };
        let left = train.len() - drawn;
        let rewarded = (left as f64 * plan.reward).round() as usize;
        let few = rewarded < 1 || left - rewarded < 2 || classes(&train).len() < 2;
        few || !classes(&test).is_subset(&classes(&train))
    }

    proptest! {
        /// Parts are disjoint, within their limits, in range, and the same for the same key; the pool
        /// holds every class that it could hold.
        #[test]
        fn parts_are_disjoint_and_repeatable(
            labels in prop::collection::vec(0u32..5, 12..200),
            tested in prop::collection::vec(any::<bool>(), 200),
            official: bool,
            max_pool in 2usize..60,
            max_held in 1usize..40,
            seed: u64,
        ) {
            let tag = |test: &bool| if *test { SplitTag::Test } else { SplitTag::Train };
            let split = official.then(|| tested[..labels.len()].iter().map(tag).collect());
            let set = set(labels.clone(), split.clone());
            let plan = SplitPlan { max_pool, max_held, ..plan() };
            let task = match Task::split(&set, &plan, Key::root(seed)) {
                Ok(task) => task,
                Err(error) => {
                    prop_assert!(hopeless(&labels, split.as_deref(), &plan), "refused without a reason: {}", error);
                    return Ok(());
                }
            };
            prop_assert!(!hopeless(&labels, split.as_deref(), &plan), "not refused");
            let parts = [numbers(task.pool()), numbers(task.reward().inputs()), numbers(task.test().inputs())];
            let all: BTreeSet<u32> = parts.iter().flatten().copied().collect();
            prop_assert_eq!(all.len(), parts.iter().map(Vec::len).sum::<usize>());
            prop_assert_eq!(task.separation().shared, 0);
            prop_assert!(parts[0].len() <= max_pool && parts[1].len() <= max_held && parts[2].len() <= max_held);
            for (row, &number) in parts[0].iter().enumerate() {
                prop_assert_eq!(task.pool_label(RowId(row as u32)), labels[number as usize]);
            }
            if let Some(split) = split.filter(|split: &Vec<SplitTag>| split.contains(&SplitTag::Test)) {
                prop_assert!(parts[2].iter().all(|&row| split[row as usize] == SplitTag::Test));
                prop_assert!(parts[..2].iter().flatten().all(|&row| split[row as usize] == SplitTag::Train));
            } else {
                let classes = |rows: &[u32]| rows.iter().map(|&row| labels[row as usize]).collect::<BTreeSet<_>>();
                let every: Vec<u32> = (0..labels.len() as u32).collect();
                prop_assert_eq!(classes(&parts[0]).len(), classes(&every).len().min(parts[0].len()));
            }
            let again = Task::split(&set, &plan, Key::root(seed)).unwrap();
            prop_assert_eq!(again.separation(), task.separation());
            prop_assert_eq!(numbers(again.pool()), parts[0].clone());
        }
    }
}
