//! What every reader of another crate promises, on the example of its entry.

use crate::data::Readers;
use crate::error::Exit;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The most places at which the example is cut or changed.
const PLACES: usize = 512;

/// Checks what every reader promises for the one called `name`:
///
/// - it reads its example, the same data set twice, with finite numbers;
/// - of an empty file, and of the example cut short or with a bit turned, it makes a data set or a typed error of bad input,
///   and does not panic.
///
/// # Panics
/// If there is no such reader, or it breaks a promise; the message says which.
pub fn reader_contract(readers: &Readers, name: &str) {
    let entry = readers.find(name).unwrap_or_else(|error| panic!("{error}"));
    let file = format!("example{}", entry.endings.first().copied().unwrap_or_default());
    let example = (entry.example)();
    let read = |bytes: &[u8]| (entry.read)(&file, bytes);
    let dataset = read(&example).unwrap_or_else(|error| panic!("{name}: its example: {error}"));
    assert!(dataset.rows() > 0, "{name}: its example has no rows");
    assert!(dataset.inputs().values().iter().all(|value| value.is_finite()), "{name}: a value is no number");
    let again = read(&example).expect("it was read before");
    assert_eq!(again.digest(), dataset.digest(), "{name}: the same file gives another data set");
    let harmless = |what: String, bytes: &[u8]| {
        let found = catch_unwind(AssertUnwindSafe(|| read(bytes)));
        let found = found.unwrap_or_else(|_| panic!("{name}: {what}: it panics"));
        if let Err(error) = found {
            assert_eq!(error.exit(), Exit::BadInput, "{name}: {what}: {error}");
        }
    };
    let step = example.len().div_ceil(PLACES).max(1);
    for at in (0..example.len()).step_by(step) {
        harmless(format!("cut after {at} bytes"), &example[..at]);
        let mut turned = example.clone();
        turned[at] ^= 1 << (at % 8);
        harmless(format!("a bit of byte {at} turned"), &turned);
    }
}
