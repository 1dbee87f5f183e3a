//! The strategies of this crate, family by family: the one list of them, which nothing below it knows.

use super::registry::{Entry, Registry};
use super::{
    bandit, bayesian, distribution, gradient, hybrid, multi_label, random, regression, segmentation,
    simulation, uncertainty, wrapper,
};
use std::sync::LazyLock;

static BUILTIN: LazyLock<Registry> = LazyLock::new(|| {
    let families: [&[Entry]; 12] = [
        &[random::ENTRY],
        uncertainty::ENTRIES,
        bayesian::ENTRIES,
        distribution::ENTRIES,
        hybrid::ENTRIES,
        gradient::ENTRIES,
        regression::ENTRIES,
        multi_label::ENTRIES,
        segmentation::ENTRIES,
        bandit::ENTRIES,
        wrapper::ENTRIES,
        simulation::ENTRIES,
    ];
    let add = |registry: Registry, entry: &Entry| registry.with(*entry);
    families.concat().iter().try_fold(Registry::empty(), add).expect("names that are plain and differ")
});

impl Registry {
    /// The strategies of this crate, grouped by family.
    pub fn builtin() -> Self {
        BUILTIN.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::spec::Spec;
    use crate::query::{Needs, QueryError};

    fn refusal(text: &str) -> (QueryError, String) {
        let error = Registry::builtin().build(text).err().expect("refused");
        let hint = error.hint().unwrap_or_default();
        (error.downcast_ref::<QueryError>().expect("a query error").clone(), hint)
    }

    #[test]
    fn cards_tell_the_truth() {
        let all = Registry::builtin();
        for (place, entry) in all.entries().iter().enumerate() {
            let card = entry.card;
            let spec: Spec = card.example.parse().unwrap();
            assert_eq!(spec.name, card.name, "the example is of the strategy itself");
            assert_eq!(all.build(card.example).unwrap().needs(), card.needs, "{}", card.name);
            assert!(
                all.entries()[..place].iter().all(|other| other.card.name != card.name),
                "{} twice",
                card.name
            );
            assert_eq!(
                all.reads_hidden_labels(card.example),
                card.needs.lookahead + card.needs.drafts > 0,
                "{}",
                card.name
            );
            for text in [card.summary, card.paper, card.cost] {
                assert!(!text.is_empty() && !text.contains('\n'), "{}", card.name);
            }
        }
    }

    #[test]
    fn specifications_nest_and_say_what_they_need() {
        let all = Registry::builtin();
        let needs = |text: &str| all.build(text).unwrap().needs();
        let none = Needs::NONE;
        assert_eq!(needs("scaled(mc(entropy,passes=7))"), Needs { passes: 7, temperature: true, ..none });
        assert_eq!(needs("power(ensemble(bald,members=3),beta=2)"), Needs { committee: 3, ..none });
        assert_eq!(
            needs("switch(k_center(space=inputs),capped(badge))"),
            Needs { inputs: true, probabilities: true, embeddings: true, classes: true, ..none }
        );
        let half = Needs { passes: 20, rate: Some(0.5), ..none };
        for text in ["bald(rate=0.5)", "mc(margin,rate=0.5)", "mc(bald(rate=0.5))", "batch_bald(rate=0.5)"] {
            assert_eq!(needs(text), half, "{text}");
        }
        assert_eq!(
            needs("pass_variance(passes=100,rate=0.5)"),
            Needs { passes: 100, probabilities: true, ..half }
        );
        assert_eq!(needs("switch(random,mean_std(rate=0.5))"), Needs { classes: true, ..half });
        let bagged = Needs { committee: 5, bootstrap: Some(true), ..none };
        for text in ["qbc(bootstrap=true)", "ensemble(bald,bootstrap=true)", "scaled(qbc(bootstrap=true))"] {
            assert_eq!(Needs { temperature: false, ..needs(text) }, bagged, "{text}");
        }
        assert_eq!(needs("suggestive(bootstrap=true)"), Needs { embeddings: true, ..bagged });
        let taught = Needs { pseudo_labels: true, ..none };
        assert_eq!(needs("ceal(k_center)"), Needs { probabilities: true, embeddings: true, ..taught });
        assert!(all.has_score("margin") && all.has_score("mc") && !all.has_score("badge"));
        assert!(
            serde_json::to_string(&all.find("margin").unwrap().card).unwrap().contains("\"uncertainty\"")
        );
    }

    /// The oracle was ranked among strategies once an architecture stood behind its name.
    #[test]
    fn what_reads_hidden_labels_is_known_under_any_label() {
        for label in [
            "greedy_oracle",
            "greedy_oracle(candidates=40)",
            "greedy_oracle+search",
            "greedy_oracle(candidates=40)+A(2,1)",
            "scaled(greedy_oracle)",
            "switch(typiclust, greedy_oracle, labels_per_class=1e+1)+prior",
            "mixture(random,capped(greedy_oracle,candidates=20))",
        ] {
            assert!(Registry::builtin().reads_hidden_labels(label), "{label}");
        }
        for label in ["margin", "margin+search", "power(margin,beta=1e+1)+A(2,1)", "policy", "", "+", "a)(+("]
        {
            assert!(!Registry::builtin().reads_hidden_labels(label), "{label}");
        }
    }

    #[test]
    fn mistakes_are_answered_with_the_nearest_name() {
        let (error, hint) = refusal("margn");
        assert!(matches!(error, QueryError::Unknown { .. }));
        assert!(hint.contains("`margin`"), "{hint}");
        let (error, hint) = refusal("typiclust(neighbors=3)");
        assert!(matches!(error, QueryError::Parameter { .. }));
        assert!(hint.contains("`neighbours`"), "{hint}");
        let (error, _) = refusal("typiclust(neighbours=0)");
        assert!(matches!(error, QueryError::Value { .. }), "{error}");
        let (error, _) = refusal("typiclust(neighbours=many)");
        assert!(matches!(error, QueryError::Value { .. }), "{error}");
        let (error, _) = refusal("margin(random)");
        assert!(matches!(error, QueryError::Arms { found: 1, .. }), "{error}");
        let (error, hint) = refusal("power(margn)");
        assert!(matches!(error, QueryError::Unknown { .. }));
        assert!(hint.contains("`margin`"), "{hint}");
        for text in ["power(margin,beta=nan)", "power(margin,beta=-1)", "k_center(space=outer)"] {
            assert!(matches!(refusal(text).0, QueryError::Value { .. }), "{text}");
        }
        for text in ["power", "power(margin,entropy)", "switch(margin)", "albl(margin)"] {
            assert!(matches!(refusal(text).0, QueryError::Arms { .. }), "{text}");
        }
        for text in [
            "switch(bald(rate=0.5),bald)",
            "albl(margin,bald(rate=0.5),mc(margin,rate=0.4))",
            "comb(qbc(bootstrap=true),ensemble(margin))",
            "mc(bald(rate=0.5),rate=0.2)",
            "ensemble(qbc(bootstrap=true),bootstrap=false)",
            "ensemble(bald(rate=0.5))",
            "suggestive(entropy,bootstrap=true)",
        ] {
            let (error, hint) = refusal(text);
            assert!(matches!(error, QueryError::Conflict { .. }), "{text}: {error}");
            assert!(hint.contains("same"), "{hint}");
        }
        for text in ["bald(rate=0)", "qbc(bootstrap=yes)"] {
            assert!(matches!(refusal(text).0, QueryError::Value { .. }), "{text}");
        }
        for text in ["power(k_center)", "comb(margin,badge)", "soft_rank(switch(random,margin))"] {
            assert!(matches!(refusal(text).0, QueryError::NoScore { .. }), "{text}");
        }
        let (error, hint) = refusal("margin(beta=1)");
        assert!(matches!(error, QueryError::Parameter { .. }));
        assert!(hint.contains("no parameters"), "{hint}");
        let (error, hint) = refusal("xyzzyxyzzy");
        assert!(matches!(error, QueryError::Unknown { .. }));
        assert!(hint.is_empty(), "{hint}");
    }

    #[test]
    fn another_crate_registers_its_own() {
        let entry = |name| Entry::score::<uncertainty::Margin>(name, "the margin");
        let registry = Registry::builtin().with(entry("mine")).unwrap();
        for text in ["mine", "power(mine,beta=2)", "switch(mine,random)", "albl(margin,mine)"] {
            registry.build(text).unwrap();
            let error = Registry::builtin().build(text).err().unwrap();
            assert!(matches!(error.downcast_ref(), Some(QueryError::Unknown { .. })), "{text}: {error}");
        }
        let error = registry.build("mime").err().unwrap();
        assert!(error.hint().unwrap().contains("`mine`"));
        assert_eq!(
            registry.clone().with(entry("mine")).unwrap_err(),
            QueryError::Taken { name: "mine".into() }
        );
        assert_eq!(
            Registry::empty().with(entry("margin")).unwrap().names().collect::<Vec<_>>(),
            ["margin"],
            "what is left out leaves its name free"
        );
        for name in ["", "a b", "power(mine)", "a,b", "a+b"] {
            let error = Registry::builtin().with(entry(name)).unwrap_err();
            assert_eq!(error, QueryError::Name { name: name.into() });
        }
    }
}
