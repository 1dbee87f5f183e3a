//! Tests of the verdict as a whole.

use proptest::prelude::*;

use super::*;
use crate::report::example::rows;

fn options() -> VerdictOptions {
    VerdictOptions { resamples: 1_000, ..VerdictOptions::default() }
}

fn entry<'a>(verdict: &'a Verdict, task: &str, strategy: &str) -> &'a Entry {
    verdict.entries.iter().find(|e| e.task == task && e.strategy == strategy).expect("an entry")
}

/// 20 repetitions: policy 3 points above margin, margin 4 above random.
fn clear() -> Vec<Row> {
    [rows("wine", "random", 20, 0.0), rows("wine", "margin", 20, 0.04), rows("wine", "policy", 20, 0.07)]
        .concat()
}

#[test]
fn a_clear_lead_is_called_better() {
    let verdict = verdict(&clear(), &options());
    let policy = entry(&verdict, "wine", "policy");
    let versus = policy.vs_margin.as_ref().unwrap();
    assert_eq!((policy.repetitions, versus.pairs, versus.unpaired), (20, 20, 0));
    assert!((versus.diff.unwrap() - 0.03).abs() < 0.003, "{versus:?}");
    assert_eq!(versus.outcome, Outcome::Better);
    // Twenty of twenty pairs: 2^-19, twice in the family (policy and random against margin).
    assert_eq!(versus.p_raw, Some(2f64.powi(-19)));
    assert_eq!(versus.p, Some(2f64.powi(-18)));
    assert_eq!(verdict.entries[0].strategy, "policy");
    assert!(
        verdict.sentence.starts_with("On wine, policy is better than margin by +3.0 points (95 % CI +"),
        "{}",
        verdict.sentence
    );
    assert!(verdict.sentence.contains("p < 0.001"), "{}", verdict.sentence);
    assert!(verdict.warnings.is_empty(), "{:?}", verdict.warnings);
    assert!(policy.vs_random.as_ref().unwrap().label_savings[0].mean > 0.0);
}

#[test]
fn notes_are_told_once_per_strategy() {
    let noted = |task: &str, count: usize| {
        let mut all = rows(task, "margin", 10, 0.0);
        all.iter_mut().take(count).for_each(|row| row.note = Some("remark".to_owned()));
        all.extend(rows(task, "random", 10, 0.0));
        all
    };
    let all = [noted("a", 1), noted("b", 0), noted("c", 2), noted("d", 1), noted("e", 1)].concat();
    let warnings = verdict(&all, &options()).warnings;
    let told: Vec<&String> = warnings.iter().filter(|text| text.contains("carry a note")).collect();
    assert_eq!(told.len(), 1, "{warnings:?}");
    assert!(told[0].starts_with("5 rows of margin on a, c, d and 1 more carry a note"), "{}", told[0]);
}

#[test]
fn identical_strategies_are_no_difference() {
    let mut all = rows("wine", "margin", 12, 0.0);
    for name in ["random", "policy"] {
        let copies = rows("wine", "margin", 12, 0.0).into_iter();
        all.extend(copies.map(|row| Row { strategy: name.to_owned(), ..row }));
    }
    let verdict = verdict(&all, &options());
    for entry in &verdict.entries {
        for versus in [&entry.vs_random, &entry.vs_margin].into_iter().flatten() {
            assert_eq!(versus.diff, Some(0.0));
            assert_eq!(versus.ci95, Some([0.0, 0.0]));
            assert_eq!((versus.p, versus.outcome), (Some(1.0), Outcome::NoDifference));
            assert_eq!(versus.wins_ties_losses, [0, 12, 0]);
        }
    }
    assert!(verdict.sentence.contains("no difference between policy and margin"), "{}", verdict.sentence);
}

#[test]
fn few_pairs_are_a_first_look_and_five_decide_nothing() {
    let judge = |repetitions: u32| {
        let mut all = clear();
        all.retain(|row| row.repetition < repetitions);
        verdict(&all, &options())
    };
    // Two comparisons a family: even five of five (p = 1/16) or six of six (1/32, doubled) decide nothing.
    for (repetitions, expected) in
        [(5, Outcome::Undecided), (6, Outcome::Undecided), (7, Outcome::Better), (10, Outcome::Better)]
    {
        let judged = judge(repetitions);
        assert_eq!(entry(&judged, "wine", "policy").vs_margin.as_ref().unwrap().outcome, expected);
    }
    let five = judge(5);
    assert!(five.sentence.contains("too few repetitions to tell policy from margin"), "{}", five.sentence);
    assert!(five.sentence.contains("only 5 paired repetitions, a first look"), "{}", five.sentence);
    assert!(five.warnings.iter().any(|w| w.contains("under 10")), "{:?}", five.warnings);
    assert!(judge(9).sentence.contains("a first look") && !judge(10).sentence.contains("a first look"));
}

/// Rows of `names` with their leads on `tasks` tasks, each of which adds a little of its own to the leads.
fn on_tasks(tasks: u32, repetitions: u32, names: &[(&str, f64)]) -> Vec<Row> {
    let one = |task: u32| {
        let own = 0.002 * f64::from(task * 5 % 7);
        names.iter().flat_map(move |(name, lead)| {
            rows(&format!("task {task}"), name, repetitions, lead * (1.0 + own))
        })
    };
    (0..tasks).flat_map(one).collect()
}

const THREE: [(&str, f64); 3] = [("random", 0.0), ("margin", 0.04), ("policy", 0.07)];

/// Repetitions used to stand for tasks: three tasks of twenty repetitions were "better over 3 tasks".
#[test]
fn few_tasks_claim_nothing_over_tasks_whatever_their_repetitions_say() {
    // Two references: a win on six of six tasks has p = 1/32, twice that after Holm; on seven 1/64.
    for (tasks, outcome) in [(2, Outcome::Undecided), (6, Outcome::Undecided), (7, Outcome::Better)] {
        let judged = verdict(&on_tasks(tasks, 20, &THREE), &options());
        let margin = judged.across.iter().find(|one| one.reference == "margin").expect("margin ran");
        assert_eq!((margin.tasks, margin.pairs), (tasks as usize, 20 * tasks as usize));
        assert_eq!((margin.outcome, margin.wins_ties_losses), (outcome, [tasks as usize, 0, 0]));
        assert!(margin.within_p < 1e-6, "within these tasks it is beyond doubt: {margin:?}");
        let claimed = judged.sentence.starts_with("Policy is better than margin over 7 tasks");
        let too_few =
            format!("Too few tasks to claim it over tasks ({tasks} of at least 7): policy against margin");
        assert_eq!(claimed, outcome == Outcome::Better, "{}", judged.sentence);
        assert_eq!(judged.sentence.starts_with(&too_few), outcome != Outcome::Better, "{}", judged.sentence);
        let table = judged.to_string();
        assert_eq!(table.contains("too few tasks"), outcome != Outcome::Better, "{table}");
    }
}

/// The claim over tasks rests on the means of tasks alone: with more repetitions of the same tasks its p stays.
#[test]
fn more_repetitions_are_not_more_tasks() {
    let over = |repetitions: u32| {
        let judged = verdict(&on_tasks(8, repetitions, &THREE), &options());
        judged.across.into_iter().find(|one| one.reference == "margin").expect("margin ran")
    };
    let (few, many) = (over(11), over(44));
    assert_eq!((few.p, many.p), (2.0 / 128.0, 2.0 / 128.0));
    assert!(many.within_p < few.within_p);
}

/// A hand-made strategy that beats the policy is the first thing that the headline says.
#[test]
fn a_hand_made_strategy_that_beats_the_subject_leads_the_headline() {
    let names = [("random", 0.0), ("margin", 0.04), ("badge", 0.09), ("entropy", 0.02), ("policy", 0.07)];
    let one = verdict(&on_tasks(1, 20, &names), &options());
    let start = "On task 0, policy is worse than badge, the best of 3 hand-made strategies, by −";
    assert!(one.sentence.starts_with(start), "{}", one.sentence);
    assert!(one.sentence.contains("policy is better than margin"), "{}", one.sentence);
    let versus = entry(&one, "task 0", "policy").vs_best_hand_made.clone().expect("the subject's");
    assert_eq!((versus.strategy.as_str(), versus.candidates, versus.outcome), ("badge", 3, Outcome::Worse));
    assert!(
        one.entries.iter().filter(|entry| entry.strategy != "policy").all(|e| e.vs_best_hand_made.is_none())
    );
    let many = verdict(&on_tasks(9, 12, &names), &options());
    let start = "Policy is worse than badge, the best of 3 hand-made strategies, over 9 tasks";
    assert!(many.sentence.starts_with(start), "{}", many.sentence);
    assert!(many.sentence.contains("policy is better than margin over 9 tasks"), "{}", many.sentence);
    let few = verdict(&on_tasks(3, 12, &names), &options());
    assert!(
        few.sentence.contains("policy against badge, the best of 3 hand-made strategies"),
        "{}",
        few.sentence
    );
}

#[test]
fn better_than_the_best_is_better_than_each() {
    let names = [("random", 0.0), ("margin", 0.04), ("badge", 0.05), ("entropy", 0.02), ("policy", 0.07)];
    let judged = verdict(&on_tasks(1, 20, &names), &options());
    let clause = "policy is better than badge, the best of 3 hand-made strategies, by +";
    assert!(judged.sentence.contains(clause), "{}", judged.sentence);
    assert!(judged.sentence.contains("corrected for the choice"), "{}", judged.sentence);
    // Margin alone is compared with anyway.
    let alone = verdict(&clear(), &options());
    assert_eq!(entry(&alone, "wine", "policy").vs_best_hand_made, None);
}

/// The oracle stood first in the ranking under any name but its own, and its tests cost others their p.
#[test]
fn what_reads_hidden_labels_is_tabled_and_never_ranked() {
    let oracles =
        [("greedy_oracle", 0.08), ("greedy_oracle+search", 0.095), ("switch(greedy_oracle,margin)", 0.085)];
    let mut names = THREE.to_vec();
    let without = verdict(&on_tasks(8, 12, &names), &options());
    names.extend(oracles);
    let with = verdict(&on_tasks(8, 12, &names), &options());
    for (name, _) in oracles {
        let own = entry(&with, "task 0", name);
        assert!(own.reads_hidden_labels && own.gap_closed.is_none() && own.aulc.is_some());
        assert!(with.robustness.iter().all(|one| one.strategy != name));
    }
    let order: Vec<&str> =
        with.entries.iter().filter(|e| e.task == "task 0").map(|e| e.strategy.as_str()).collect();
    assert_eq!(order[..3], ["policy", "margin", "random"]);
    assert_eq!(with.sentence, without.sentence);
    let policy = |of: &Verdict| entry(of, "task 0", "policy").clone();
    assert_eq!(policy(&with).vs_margin, policy(&without).vs_margin, "their p is not paid for");
    // The gap is to the highest of them: 0.07 of 0.095.
    let closed = policy(&with).gap_closed.expect("an oracle ran");
    assert!((closed - 0.07 / 0.095).abs() < 0.05, "{closed}");
    let table = with.to_string();
    assert!(table.contains("greedy_oracle+search (reads hidden labels)"), "{table}");
    // Alone they are the best of nothing.
    let alone = verdict(&on_tasks(1, 12, &oracles), &options());
    assert!(alone.sentence.contains("only what reads hidden labels ran"), "{}", alone.sentence);
}

/// The middle half of raw areas was that of tasks of middling difficulty. On the easy task nothing differs; on the hard one
/// everything does.
#[test]
fn runs_of_all_tasks_are_aggregated_on_the_scale_of_their_task() {
    let mut all = Vec::new();
    // Raw areas of "high" lie all above those of "low": the raw middle half saw one tail of either task.
    for (task, height) in [("low", 0.0), ("high", 0.1)] {
        for (name, lead) in [("random", 0.0), ("margin", 0.02), ("badge", 0.03)] {
            all.extend(rows(task, name, 20, height + lead));
        }
    }
    let judged = verdict(&all, &options());
    let of = |name: &str| {
        judged.robustness.iter().find(|one| one.strategy == name).unwrap().interquartile.unwrap()
    };
    let (random, _) = of("random");
    assert!(random.abs() < 0.03, "random is the zero of every scale: {random}");
    let (margin, interval) = of("margin");
    assert!(interval.lo <= margin && margin <= interval.hi && margin > 0.02 && of("badge").0 > margin);
    // A third task that is no scale apart from noise takes no part, and spoils nothing.
    let flat = ["random", "margin", "badge"].map(|name| {
        (0..3).map(|round| crate::report::example::row("flat", name, 0, round, 0.5)).collect::<Vec<_>>()
    });
    all.extend(flat.concat());
    let flat = verdict(&all, &options());
    let again = flat.robustness.iter().find(|one| one.strategy == "margin").unwrap().interquartile.unwrap();
    assert_eq!(again.0, margin);
}

#[test]
fn a_missing_repetition_is_unpaired_and_counted() {
    let mut all = clear();
    all.retain(|row| !(row.strategy == "margin" && row.repetition == 3));
    let verdict = verdict(&all, &options());
    let versus = entry(&verdict, "wine", "policy").vs_margin.clone().unwrap();
    assert_eq!((versus.pairs, versus.unpaired), (19, 1));
    assert_eq!(entry(&verdict, "wine", "policy").vs_random.as_ref().unwrap().pairs, 20);
}

#[test]
fn without_references_comparisons_are_null() {
    let verdict = verdict(&rows("wine", "policy", 12, 0.0), &options());
    let json = serde_json::to_value(&verdict).unwrap();
    assert!(json[0]["vs_random"].is_null() && json[0]["vs_margin"].is_null());
    assert_eq!(verdict.warnings.len(), 2, "{:?}", verdict.warnings);
}

#[test]
fn the_json_has_the_promised_fields_and_no_nan() {
    let mut all = clear();
    all[0].accuracy = f64::NAN;
    all.extend(rows("tiny", "random", 1, 0.0));
    all.extend(rows("tiny", "margin", 1, 0.01));
    let verdict = verdict(&all, &options());
    let json = serde_json::to_value(&verdict).unwrap();
    for entry in json.as_array().unwrap() {
        for key in ["task", "strategy", "repetitions", "aulc", "ci95", "vs_random", "vs_margin"] {
            assert!(entry.get(key).is_some(), "{key} in {entry}");
        }
    }
    let policy = json.as_array().unwrap().iter().find(|e| e["strategy"] == "policy").unwrap();
    assert_eq!(policy["ci95"].as_array().unwrap().len(), 2);
    for key in ["diff", "ci95", "p"] {
        assert!(!policy["vs_margin"][key].is_null(), "{key}");
    }
    let tiny =
        json.as_array().unwrap().iter().find(|e| e["task"] == "tiny" && e["strategy"] == "margin").unwrap();
    assert!(tiny["ci95"].is_null() && tiny["vs_random"]["ci95"].is_null());
    let random = entry(&verdict, "wine", "random");
    assert_eq!((random.repetitions, random.left_out), (19, 1));
    let text = serde_json::to_string(&verdict).unwrap();
    assert!(!text.contains("NaN") && !text.contains("inf"));
}

#[test]
fn several_tasks_are_summed_up_with_counts() {
    let mut all = clear();
    all.extend(
        [rows("iris", "random", 20, 0.0), rows("iris", "margin", 20, 0.05), rows("iris", "policy", 20, 0.0)]
            .concat(),
    );
    let mixed = verdict(&all, &options());
    let counts = "by the repetitions of each task better on 1, no difference on 0, worse on 1";
    assert!(mixed.sentence.contains(counts), "{}", mixed.sentence);
}

#[test]
fn a_clear_lead_is_robust_and_equals_are_even() {
    let mut all = clear();
    all.extend(
        rows("wine", "margin", 20, 0.04).into_iter().map(|row| Row { strategy: "twin".to_owned(), ..row }),
    );
    let verdict = verdict(&all, &options());
    let of = |name: &str| verdict.robustness.iter().find(|entry| entry.strategy == name).unwrap();
    let policy = of("policy");
    // Repetitions are 2 points apart at most, the lead is 3: every run wins, and so does every subset.
    let (chance, interval) = policy.improvement.unwrap();
    assert!(chance > 0.95 && interval.hi <= 1.0 && interval.lo <= chance, "{policy:?}");
    assert_eq!(policy.flips, [Some(0.0); 3]);
    assert_eq!(of("twin").improvement.unwrap().0, 0.5);
    assert_eq!(of("twin").flips, [None; 3]);
    assert_eq!(of("margin").reference, None);
    assert!(of("policy").interquartile.unwrap().0 > of("margin").interquartile.unwrap().0);
}

#[test]
fn nothing_gives_an_empty_verdict() {
    let verdict = verdict(&[], &options());
    assert!(verdict.entries.is_empty());
    assert_eq!(verdict.sentence, "There are no results yet.");
}

#[test]
fn label_savings_count_runs_that_never_arrive() {
    let options = VerdictOptions { target: Some(0.92), ..options() };
    let verdict = verdict(&clear(), &options);
    let needs = &entry(&verdict, "wine", "random").labels_to_target[0];
    assert_eq!((needs.reached, needs.censored), (0, 20));
    assert_eq!((needs.median, needs.restricted_mean), (None, 23.0));
    let policy = entry(&verdict, "wine", "policy");
    assert_eq!(policy.labels_to_target[0].reached, 20);
    let savings = &policy.vs_random.as_ref().unwrap().label_savings[0];
    assert_eq!((savings.only_strategy, savings.only_reference, savings.neither), (20, 0, 0));
}

/// What all labels give in repetition `repetition`, whose test rows are of one class in a share of `largest`.
fn whole(task: &str, repetition: u32, accuracy: f64, largest: f64) -> FullPool {
    FullPool {
        task: task.into(),
        repetition,
        labels: 90,
        metric: Metric::Accuracy,
        accuracy,
        balanced_accuracy: 0.5 * accuracy,
        macro_f1: 0.4 * accuracy,
        verification: None,
        mean_average_precision: None,
        iou: None,
        largest_class: largest,
    }
}

/// Every task was once held to 80 %, which one reaches with its initial labels and another never.
#[test]
fn targets_follow_what_all_labels_give() {
    let full_pool = vec![whole("wine", 0, 0.9, 0.4), whole("wine", 1, 1.0, 0.4), whole("iris", 0, 0.5, 0.4)];
    let options = VerdictOptions { shares: vec![0.9, 0.95], full_pool, ..options() };
    let judged = verdict(&clear(), &options);
    let task = &judged.tasks[0];
    assert_eq!(task.full_pool, Some(0.95));
    let expected = [(0.9 * 0.95, Some(0.9)), (0.95 * 0.95, Some(0.95))];
    assert_eq!(task.targets.iter().map(|t| (t.value, t.share)).collect::<Vec<_>>(), expected);
    let policy = entry(&judged, "wine", "policy");
    assert_eq!(
        policy.labels_to_target.iter().map(|needs| needs.target).collect::<Vec<_>>(),
        expected.map(|t| t.0)
    );
    let savings = &policy.vs_random.as_ref().unwrap().label_savings;
    assert_eq!(savings.iter().map(|savings| savings.target).collect::<Vec<_>>(), expected.map(|t| t.0));
    // A fixed target goes first; what was not measured falls back to random's end.
    let fixed = verdict(&clear(), &VerdictOptions { target: Some(0.7), ..options.clone() });
    assert_eq!(fixed.tasks[0].targets, [Target { value: 0.7, share: None }]);
    let unmeasured = verdict(&clear(), &VerdictOptions { full_pool: Vec::new(), ..options });
    let random = entry(&unmeasured, "wine", "random").final_accuracy.unwrap();
    assert_eq!(unmeasured.tasks[0].targets, [Target { value: random, share: None }]);
}

/// A run with ten positives in six hundred once praised every strategy for always saying "no".
#[test]
fn a_class_that_reaches_the_target_alone_is_warned_of() {
    let warned = |largest: f64, metric: Metric| {
        let full_pool = vec![whole("wine", 0, 0.9, largest)];
        let options = VerdictOptions { metric, shares: vec![0.9, 0.95], full_pool, ..options() };
        let warnings = verdict(&clear(), &options).warnings;
        warnings.into_iter().find(|warning| warning.contains("largest class"))
    };
    let warning = warned(0.983, Metric::Accuracy).unwrap();
    assert!(
        warning.contains("98.3 %, which alone reaches the target of 85.5 % (95 % of what all labels give)"),
        "{warning}"
    );
    assert!(warning.contains("balanced_accuracy"), "{warning}");
    assert!(warned(0.82, Metric::Accuracy).unwrap().contains("reaches the target of 81.0 %"));
    assert_eq!(warned(0.80, Metric::Accuracy), None);
    assert_eq!(warned(0.983, Metric::BalancedAccuracy), None);
    // Balanced classes that little is learned of: balanced accuracy would say the same.
    let alike = vec![FullPool { balanced_accuracy: 0.5, ..whole("wine", 0, 0.52, 0.5) }];
    let options = VerdictOptions { shares: vec![0.9, 0.95], full_pool: alike, ..options() };
    let warnings = verdict(&clear(), &options).warnings;
    let warning = warnings.into_iter().find(|warning| warning.contains("largest class")).unwrap();
    assert!(warning.contains("49.4 %") && !warning.contains("balanced_accuracy"), "{warning}");
}

#[test]
fn everything_follows_the_metric() {
    let mut rows = clear();
    // By balanced accuracy the order of random and policy is the other way round.
    for row in &mut rows {
        row.balanced_accuracy =
            Some(if row.strategy == "policy" { 0.5 * row.accuracy } else { row.accuracy });
    }
    let options = VerdictOptions { metric: Metric::BalancedAccuracy, ..options() };
    let judged = verdict(&rows, &options);
    let policy = entry(&judged, "wine", "policy");
    assert_eq!(policy.vs_random.as_ref().unwrap().outcome, Outcome::Worse);
    assert!(judged.sentence.ends_with("Points are of balanced accuracy."), "{}", judged.sentence);
    assert!(policy.final_balanced_accuracy.unwrap() < 0.55 && policy.final_accuracy.unwrap() > 0.9);
    let words = judged.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("in balanced accuracy points"), "{words}");
    assert_eq!(judged.metric, Metric::BalancedAccuracy);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_order_of_the_rows_has_no_influence(seed in any::<u64>()) {
        let original = clear();
        let mut shuffled = original.clone();
        let mut rng = Key::root(seed).rng();
        for i in (1..shuffled.len()).rev() {
            shuffled.swap(i, crate::report::stats::bootstrap::below(&mut rng, i + 1));
        }
        let options = VerdictOptions { resamples: 200, ..options() };
        prop_assert_eq!(verdict(&original, &options), verdict(&shuffled, &options));
    }

    #[test]
    fn intervals_depend_on_the_key_alone(seed in any::<u64>()) {
        let with = |key| verdict(&clear(), &VerdictOptions { resamples: 200, key, ..options() });
        let (a, b) = (with(Key::root(seed)), with(Key::root(seed)));
        prop_assert_eq!(&a, &b);
        let c = with(Key::root(seed).at(1));
        prop_assert_ne!(&a.entries[0].vs_random, &c.entries[0].vs_random);
    }
}
