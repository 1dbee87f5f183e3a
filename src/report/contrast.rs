//! Contrasts: weighed sums of what strategies came to, each with its interval and its p.
//!
//! Where a run compares several architectures under several strategies, the questions are not "is it above
//! margin" but differences, and differences of differences: what growing is worth under margin, and
//! whether it is worth more there than under random. A [`Contrast`] names what is added and what is taken
//! away; its value is computed repetition by repetition, so that it is paired throughout, on every task
//! and in the mean over tasks. Intervals and tests are the verdict's: BCa bootstrap, Wilcoxon's
//! signed-rank test, Holm within a family on one task.

use super::curves::{TaskCurves, gather};
use super::stats::bootstrap::bca_mean;
use super::stats::holm::holm;
use super::stats::mean::mean;
use super::stats::wilcoxon::signed_rank;
use super::text::{ABSENT, escape_markdown, p_value, signed_points};
use super::verdict::VerdictOptions;
use super::verdict::compare::aulc_by_repetition;
use crate::episode::Row;
use std::collections::BTreeMap;

/// The name of the mean over tasks.
pub const ALL_TASKS: &str = "all tasks";

/// What is taken away.
#[derive(Clone, Debug, PartialEq)]
pub enum Against {
    /// The sum of these strategies.
    Sum(Vec<String>),
    /// On each task, whichever of these has the highest mean there: what one would have chosen in
    /// hindsight.
    Best(Vec<String>),
}

/// A weighed sum of strategies, by the names under which their rows stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// What is corrected and shown together.
    pub family: String,
    /// What this one is called.
    pub name: String,
    /// What is added.
    pub plus: Vec<String>,
    /// What is taken away.
    pub minus: Against,
}

impl Contrast {
    /// One strategy against another.
    pub fn between(family: &str, name: &str, plus: &str, minus: &str) -> Self {
        Self {
            family: family.to_owned(),
            name: name.to_owned(),
            plus: vec![plus.to_owned()],
            minus: Against::Sum(vec![minus.to_owned()]),
        }
    }
}

/// What a contrast came to on one task, or over all; in shares of the metric, positive = what is added is
/// better.
#[derive(Clone, Debug, PartialEq)]
pub struct Effect {
    /// The task, or [`ALL_TASKS`].
    pub task: String,
    /// Its mean over repetitions.
    pub mean: f64,
    /// The 95 % interval of that mean.
    pub ci95: Option<[f64; 2]>,
    /// Wilcoxon's p after Holm within the family on this task.
    pub p: Option<f64>,
    /// Repetitions.
    pub pairs: usize,
}

impl Effect {
    /// 1 or -1 where p and the interval both say that there is a difference, else 0: the rule of the verdict.
    pub fn sign(&self, alpha: f64) -> i32 {
        let told = self.p.is_some_and(|p| p <= alpha);
        match self.ci95 {
            Some([low, _]) if told && low > 0.0 => 1,
            Some([_, high]) if told && high < 0.0 => -1,
            _ => 0,
        }
    }
}

/// A contrast with its effects: tasks by name, then all tasks where there are several.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The contrast.
    pub contrast: Contrast,
    /// Where it could be computed.
    pub effects: Vec<Effect>,
}

/// Computes contrasts from rows. The figure is the normalised AULC over the labels that all curves of a task
/// share; with a single number of labels, the metric there.
pub fn judge(rows: &[Row], contrasts: &[Contrast], options: &VerdictOptions) -> Vec<Judged> {
    let tasks = gather(rows, options.metric);
    let areas: Vec<(&str, Areas<'_>)> = tasks.iter().map(|task| (task.task.as_str(), areas(task))).collect();
    let mut judged: Vec<Judged> = contrasts
        .iter()
        .map(|contrast| {
            let values: Vec<(&str, BTreeMap<u32, f64>)> =
                areas.iter().filter_map(|(task, own)| Some((*task, of(contrast, own)?))).collect();
            let effect = |task: &str, values: &[f64]| {
                let key = options.key.named("contrast").named(&contrast.family).named(&contrast.name);
                let interval = bca_mean(values, options.level, options.resamples, key);
                Some(Effect {
                    task: task.to_owned(),
                    mean: mean(values)?,
                    ci95: interval.map(|ci| [ci.lo, ci.hi]),
                    p: signed_rank(values).map(|test| test.p),
                    pairs: values.len(),
                })
            };
            let each = values.iter().map(|(task, own)| (*task, own.values().copied().collect::<Vec<_>>()));
            let mut effects: Vec<Effect> = each.filter_map(|(task, own)| effect(task, &own)).collect();
            if values.len() > 1 && values.len() == tasks.len() {
                // Repetitions of the same number, one of each task, stand for one another.
                let first = &values[0].1;
                let over = |repetition: &u32| {
                    let own = values.iter().map(|(_, own)| own.get(repetition).copied());
                    mean(&own.collect::<Option<Vec<f64>>>()?)
                };
                let overall: Vec<f64> = first.keys().filter_map(over).collect();
                effects.extend(effect(ALL_TASKS, &overall));
            }
            Judged { contrast: contrast.clone(), effects }
        })
        .collect();
    correct(&mut judged);
    judged.retain(|judged| !judged.effects.is_empty());
    judged
}

/// Holm's correction within each family, task by task.
fn correct(judged: &mut [Judged]) {
    // By family and task: which contrast, which of its effects, and the p.
    type Member = (usize, usize, f64);
    let mut families: BTreeMap<(String, String), Vec<Member>> = BTreeMap::new();
    for (at, one) in judged.iter().enumerate() {
        for (index, effect) in one.effects.iter().enumerate() {
            if let Some(p) = effect.p {
                let family = (one.contrast.family.clone(), effect.task.clone());
                families.entry(family).or_default().push((at, index, p));
            }
        }
    }
    for members in families.values() {
        let raw: Vec<f64> = members.iter().map(|&(.., p)| p).collect();
        for (&(at, index, _), p) in members.iter().zip(holm(&raw)) {
            judged[at].effects[index].p = Some(p);
        }
    }
}

/// By strategy and repetition.
type Areas<'a> = BTreeMap<&'a str, BTreeMap<u32, f64>>;

fn areas(task: &TaskCurves) -> Areas<'_> {
    let of = |strategy: &super::curves::StrategyCurves| match task.shared {
        Some((low, high)) if low == high => {
            let at = |curve: &super::stats::aulc::Curve| curve.at(f64::from(low));
            strategy.curves.iter().filter_map(|(&r, curve)| Some((r, at(curve)?))).collect()
        }
        shared => aulc_by_repetition(strategy, shared),
    };
    task.strategies.iter().map(|(name, strategy)| (name.as_str(), of(strategy))).collect()
}

/// The contrast by repetition; `None` where the task lacks a strategy, or no repetition has them all.
fn of(contrast: &Contrast, areas: &Areas<'_>) -> Option<BTreeMap<u32, f64>> {
    let named = |names: &[String]| -> Option<Vec<&BTreeMap<u32, f64>>> {
        names.iter().map(|name| areas.get(name.as_str())).collect()
    };
    let plus = named(&contrast.plus)?;
    let minus = match &contrast.minus {
        Against::Sum(names) => named(names)?,
        Against::Best(names) => {
            let level = |own: &BTreeMap<u32, f64>| mean(&own.values().copied().collect::<Vec<_>>());
            let candidates = names.iter().filter_map(|name| areas.get(name.as_str()));
            let scored = candidates.filter_map(|own| Some((level(own)?, own)));
            vec![scored.max_by(|a, b| a.0.total_cmp(&b.0))?.1]
        }
    };
    let value = |repetition: &u32| {
        let sum = |sides: &[&BTreeMap<u32, f64>]| {
            sides.iter().map(|own| own.get(repetition).copied()).sum::<Option<f64>>()
        };
        Some((*repetition, sum(&plus)? - sum(&minus)?))
    };
    let values: BTreeMap<u32, f64> = plus.first()?.keys().filter_map(value).collect();
    (!values.is_empty()).then_some(values)
}

/// The families in order of first appearance, each with its contrasts.
pub fn families(judged: &[Judged]) -> Vec<(&str, Vec<&Judged>)> {
    let mut families: Vec<(&str, Vec<&Judged>)> = Vec::new();
    for one in judged {
        match families.iter_mut().find(|(family, _)| *family == one.contrast.family) {
            Some((_, members)) => members.push(one),
            None => families.push((&one.contrast.family, vec![one])),
        }
    }
    families
}

/// The tasks of a family, in order, behind their mean.
pub fn tasks<'a>(members: &[&'a Judged]) -> Vec<&'a str> {
    let mut tasks: Vec<&str> = Vec::new();
    for effect in members.iter().flat_map(|one| &one.effects) {
        if !tasks.contains(&effect.task.as_str()) {
            tasks.push(&effect.task);
        }
    }
    // The mean stands first: a wide table is cut at its end.
    tasks.sort_by_key(|task| *task != ALL_TASKS);
    tasks
}

/// `+1.2 [+0.4, +2.0] 0.004 ▲`.
pub fn cell(effect: Option<&Effect>, alpha: f64) -> String {
    let Some(effect) = effect else { return ABSENT.to_owned() };
    let interval = effect.ci95.map_or_else(String::new, |[low, high]| {
        format!(" [{}, {}]", signed_points(Some(low)), signed_points(Some(high)))
    });
    let mark = match effect.sign(alpha) {
        1 => " ▲",
        -1 => " ▼",
        _ => "",
    };
    format!("{}{interval} {}{mark}", signed_points(Some(effect.mean)), p_value(effect.p))
}

/// What the tables mean.
pub const LEGEND: &str = "Mean over paired repetitions of the AULC, in points [95 % bootstrap interval] p \
(Wilcoxon signed-rank, Holm within the table's column). ▲ above zero, ▼ below: p and interval both say so.";

/// One table per family in Markdown; empty without contrasts.
pub fn markdown(judged: &[Judged], alpha: f64) -> String {
    let mut text = String::new();
    for (family, members) in families(judged) {
        let tasks = tasks(&members);
        text.push_str(&format!("**{}**\n\n", escape_markdown(family)));
        let heads: Vec<String> = tasks.iter().map(|task| escape_markdown(task)).collect();
        text.push_str(&format!(
            "| contrast | {} |\n|:---|{}\n",
            heads.join(" | "),
            ":---|".repeat(tasks.len())
        ));
        for one in members {
            let effect = |task: &&str| one.effects.iter().find(|effect| effect.task == **task);
            let cells: Vec<String> =
                tasks.iter().map(|task| escape_markdown(&cell(effect(task), alpha))).collect();
            text.push_str(&format!("| {} | {} |\n", escape_markdown(&one.contrast.name), cells.join(" | ")));
        }
        text.push('\n');
    }
    if !text.is_empty() {
        text.push_str(&escape_markdown(LEGEND));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::row;

    /// Rows whose AULC is `level` plus a wiggle that all strategies of a repetition share.
    fn rows(task: &str, strategy: &str, repetitions: u32, level: f64) -> Vec<Row> {
        let one = |repetition: u32| {
            (0..3).map(move |round| {
                let own = level + 0.001 * f64::from(repetition % 5);
                row(task, strategy, repetition, round, own)
            })
        };
        (0..repetitions).flat_map(one).collect()
    }

    fn interaction() -> Contrast {
        Contrast {
            family: "interaction".into(),
            name: "growing under margin".into(),
            plus: vec!["margin+search".into(), "random".into()],
            minus: Against::Sum(vec!["margin".into(), "random+search".into()]),
        }
    }

    /// (.70 - .60) - (.55 - .50) = .05 on one task, (.60 - .60) - (.50 - .50) = 0 on the other.
    #[test]
    fn a_difference_of_differences_by_hand() {
        let mut all = Vec::new();
        let levels = [("a", [0.60, 0.70, 0.50, 0.55]), ("b", [0.60, 0.60, 0.50, 0.50])];
        for (task, levels) in levels {
            for (name, level) in ["margin", "margin+search", "random", "random+search"].iter().zip(levels) {
                all.extend(rows(task, name, 12, level));
            }
        }
        let judged = judge(&all, &[interaction()], &VerdictOptions::default());
        let effects = &judged[0].effects;
        let names: Vec<&str> = effects.iter().map(|effect| effect.task.as_str()).collect();
        assert_eq!(names, ["a", "b", ALL_TASKS]);
        for (effect, expected) in effects.iter().zip([0.05, 0.0, 0.025]) {
            assert!((effect.mean - expected).abs() < 1e-12 && effect.pairs == 12, "{effect:?}");
        }
        assert_eq!(effects.iter().map(|effect| effect.sign(0.05)).collect::<Vec<_>>(), [1, 0, 1]);
        assert_eq!(tasks(&judged.iter().collect::<Vec<_>>()), [ALL_TASKS, "a", "b"]);
        let text = markdown(&judged, 0.05);
        assert!(text.contains("growing under margin") && text.contains("+5.0"), "{text}");
    }

    #[test]
    fn the_best_is_chosen_task_by_task() {
        let mut all = Vec::new();
        for (task, [one, two]) in [("a", [0.6, 0.5]), ("b", [0.4, 0.7])] {
            all.extend(rows(task, "one", 6, one));
            all.extend(rows(task, "two", 6, two));
            all.extend(rows(task, "grown", 6, 0.65));
        }
        let names = vec!["one".to_owned(), "two".to_owned()];
        let regret = Contrast {
            family: "regret".into(),
            name: "grown".into(),
            plus: vec!["grown".into()],
            minus: Against::Best(names),
        };
        let effects = judge(&all, &[regret], &VerdictOptions::default()).remove(0).effects;
        assert!((effects[0].mean - 0.05).abs() < 1e-12 && (effects[1].mean + 0.05).abs() < 1e-12);
    }

    /// Two contrasts of one family: the smaller p is doubled.
    #[test]
    fn holm_works_within_the_family() {
        let mut all = rows("a", "x", 8, 0.5);
        all.extend(rows("a", "y", 8, 0.6));
        all.extend(rows("a", "z", 8, 0.7));
        let one = [Contrast::between("f", "y", "y", "x")];
        let two = [Contrast::between("f", "y", "y", "x"), Contrast::between("f", "z", "z", "x")];
        let p = |contrasts: &[Contrast]| {
            judge(&all, contrasts, &VerdictOptions::default())[0].effects[0].p.unwrap()
        };
        assert!((p(&two) - 2.0 * p(&one)).abs() < 1e-12);
        let absent = [Contrast::between("f", "w", "w", "x")];
        assert!(judge(&all, &absent, &VerdictOptions::default()).is_empty(), "no such strategy");
    }
}
