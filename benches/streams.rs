//! Rows per second of the rules that decide on streams, without a classifier.
//!
//! `cargo bench --bench streams` prints a line of JSON: rows per second by rule. `benches/peers/scikit_streams.py` runs it in
//! turns with scikit-activeml's rules and prints ratios.

use querist::Key;
use querist::stream::{Draws, Offer, rules};
use std::time::Instant;

const ROWS: u64 = 2_000_000;

fn main() {
    let mut found = serde_json::Map::new();
    for entry in &rules::ENTRIES {
        let mut rule = rules::build(entry.name, 0.1).expect("a rule of the list");
        let key = Key::root(1);
        let (start, mut kept) = (Instant::now(), 0u64);
        for at in 0..ROWS {
            let place = (at * 7919 % 1009) as f64 / 1009.0;
            let (confidence, inputs) = (0.5 + 0.5 * place, [place as f32, (at * 31 % 97) as f32 / 97.0]);
            let value = if rule.looks() { 2.0 * confidence - 1.0 } else { confidence };
            let offer = Offer { confidence, value, classes: 2, inputs: &inputs };
            kept += u64::from(rule.offer(&offer, &mut Draws::new(key.at(at))).keep);
        }
        let rate = ROWS as f64 / start.elapsed().as_secs_f64();
        assert!(kept <= ROWS / 10 + 10, "{}: {kept}", entry.name);
        found.insert(entry.name.to_string(), rate.round().into());
    }
    println!("{}", serde_json::Value::Object(found));
}
