//! Which contrasts answer the questions that a plan asks by comparing architectures, or searches.

use crate::experiment::Plan;
use crate::experiment::sections::{ArchitectureChoice, SearchComparison, Transfer};
use crate::experiment::stages::{search_comparison, transfer::label};
use crate::report::contrast::{Against, Contrast};
use crate::report::input::Variant;

/// The architectures of a plan under each of its strategies; none where there is only one.
pub fn variants(plan: &Plan) -> Vec<Variant> {
    let Some(transfer) = plan.transfer().filter(|transfer| transfer.architectures.len() > 1) else {
        return Vec::new();
    };
    let of = |strategy: &String| -> Vec<Variant> {
        let one = |&choice: &ArchitectureChoice| Variant {
            name: label(transfer, strategy, choice),
            strategy: strategy.clone(),
            architecture: choice.to_string(),
        };
        transfer.architectures.iter().map(one).collect()
    };
    transfer.strategies.iter().flat_map(of).collect()
}

/// The contrasts of a plan.
pub fn contrasts(plan: &Plan) -> Vec<Contrast> {
    let transfer = plan.transfer().filter(|transfer| transfer.architectures.len() > 1);
    let mut all = transfer.map(of_architectures).unwrap_or_default();
    all.extend(plan.search_comparison().map(of_rivals).unwrap_or_default());
    all
}

/// Architectures against the first of the list, against what one would have fixed in hindsight, starts
/// against each other, and the interaction with the strategy.
fn of_architectures(transfer: &Transfer) -> Vec<Contrast> {
    let choices = &transfer.architectures;
    let (first, rest) = (choices[0], &choices[1..]);
    let name = |strategy: &str, choice| label(transfer, strategy, choice);
    let fixed: Vec<ArchitectureChoice> = choices.iter().copied().filter(|choice| !choice.grows()).collect();
    let growing: Vec<ArchitectureChoice> = choices.iter().copied().filter(|choice| choice.grows()).collect();
    let mut all = Vec::new();
    for strategy in &transfer.strategies {
        let family = format!("Architectures against {first}, under {strategy}");
        for &choice in rest {
            let (own, other) = (name(strategy, choice), name(strategy, first));
            all.push(Contrast::between(&family, &choice.to_string(), &own, &other));
        }
    }
    if fixed.len() > 1 {
        for strategy in &transfer.strategies {
            let best = Against::Best(fixed.iter().map(|&choice| name(strategy, choice)).collect());
            let family =
                format!("Against the best fixed architecture of each task in hindsight, under {strategy}");
            for &choice in &growing {
                let plus = vec![name(strategy, choice)];
                let (family, name, minus) = (family.clone(), choice.to_string(), best.clone());
                all.push(Contrast { family, name, plus, minus });
            }
            for &grown in &growing {
                let family = format!("{grown} against each fixed architecture, under {strategy}");
                for &choice in &fixed {
                    let (own, other) = (name(strategy, grown), name(strategy, choice));
                    all.push(Contrast::between(&family, &format!("against {choice}"), &own, &other));
                }
            }
        }
    }
    let pairs = [
        (ArchitectureChoice::Searched, ArchitectureChoice::Scratch),
        (ArchitectureChoice::Head, ArchitectureChoice::Searched),
        (ArchitectureChoice::HeadSearched, ArchitectureChoice::Searched),
    ];
    for (own, other) in pairs.into_iter().filter(|(a, b)| choices.contains(a) && choices.contains(b)) {
        for strategy in &transfer.strategies {
            let (plus, minus) = (name(strategy, own), name(strategy, other));
            all.push(Contrast::between(
                &format!("{own} against {other}"),
                &format!("under {strategy}"),
                &plus,
                &minus,
            ));
        }
    }
    // The difference of differences: is the architecture worth more under this strategy than under the first?
    let base = &transfer.strategies[0];
    for strategy in &transfer.strategies[1..] {
        let family =
            format!("Interaction: worth of the architecture under {strategy} less its worth under {base}");
        for &choice in rest {
            all.push(Contrast {
                family: family.clone(),
                name: choice.to_string(),
                plus: vec![name(strategy, choice), name(base, first)],
                minus: Against::Sum(vec![name(strategy, first), name(base, choice)]),
            });
        }
    }
    all
}

/// The search that others are compared with.
const RANDOM: &str = "random";

/// Searches against random search at the same cost, and their regret to the whole grid.
fn of_rivals(section: &SearchComparison) -> Vec<Contrast> {
    let mut all = Vec::new();
    for &budget in &section.budgets {
        let reference = search_comparison::label(RANDOM, budget);
        let others = || section.methods.iter().filter(|&&method| method != RANDOM);
        if section.methods.contains(&RANDOM) {
            let family = format!("Against random search, at {budget} times the cost of one training");
            for &method in others() {
                let own = search_comparison::label(method, budget);
                all.push(Contrast::between(&family, method, &own, &reference));
            }
        }
    }
    for &budget in &section.budgets {
        let family = format!("Against the whole grid, at {budget} times the cost of one training");
        for &method in &section.methods {
            let own = search_comparison::label(method, budget);
            all.push(Contrast::between(&family, method, &own, search_comparison::CEILING));
        }
    }
    let family = "Fixed architectures against the whole grid";
    for choice in &section.fixed {
        all.push(Contrast::between(
            family,
            &choice.to_string(),
            &choice.to_string(),
            search_comparison::CEILING,
        ));
    }
    all
}
