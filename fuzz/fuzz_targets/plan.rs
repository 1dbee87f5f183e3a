#![no_main]

use libfuzzer_sys::fuzz_target;
use querist::experiment::{Plan, Vocabulary};
use querist_fuzz::judge;

fuzz_target!(|text: &str| {
    let vocabulary = Vocabulary::default();
    // After the last line there may be what `--set` changes.
    let (file, set) =
        text.rsplit_once("\n--set ").map_or((text, None), |(file, set)| (file, Some(set.to_string())));
    let sets: Vec<String> = set.into_iter().collect();
    let Some(plan) = judge(Plan::parse(file, "plan.toml", &sets, None, &vocabulary).map_err(Into::into))
    else {
        return;
    };
    // What a plan says of itself is the same plan.
    let again =
        Plan::parse(&plan.to_toml(), "plan.toml", &[], None, &vocabulary).expect("a plan that was accepted");
    assert_eq!(again.digest(), plan.digest());
});
