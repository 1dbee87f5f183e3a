//! Which rows of a pool to label next, from plain arrays: what a training loop of one's own has in hand.

use querist::prelude::*;
use querist::select::SelectError;

/// Rows of the pool, its features, and the classes that a model gives probabilities of.
const ROWS: usize = 200;
const FEATURES: usize = 2;
const CLASSES: usize = 2;

pub fn main() -> Result<()> {
    // Two features on a grid; the model is the less sure of a row the nearer it lies to the diagonal.
    let place = |row: usize| [(row % 20) as f32, (row / 20) as f32 * 2.0];
    let features: Vec<f32> = (0..ROWS).flat_map(place).collect();
    let sure = |row: usize| 1.0 / (1.0 + (place(row)[1] - place(row)[0]).exp());
    let probabilities: Vec<f32> = (0..ROWS).flat_map(|row| [sure(row), 1.0 - sure(row)]).collect();
    let request = || {
        Request::new(MatrixView::new(&features, ROWS, FEATURES))
            .labelled(&[19, 180])
            .labels(&[0, 1])
            .probabilities(MatrixView::new(&probabilities, ROWS, CLASSES))
            .batch(5)
            .seed(1)
    };

    for mut selector in [Selector::named("margin")?, Selector::policy_named("universal")?] {
        let chosen = selector.select(request())?;
        println!("{:<10} {:?} with utilities {:.2?}", selector.name(), chosen.picks, chosen.utilities);
    }

    // What does not fit together is refused with its place and both numbers, and what is missing with a hint.
    let logits: Vec<f32> = probabilities.iter().map(|p| 3.0 * p).collect();
    let wrong = request().probabilities(MatrixView::new(&logits, ROWS, CLASSES));
    println!("refused: {}", Selector::named("entropy")?.select(wrong).unwrap_err());
    let error = Selector::named("bald")?.select(request()).unwrap_err();
    println!("refused: {error}; {}", error.hint().unwrap_or_default());
    assert!(matches!(error.downcast_ref(), Some(SelectError::Needs { .. })));
    Ok(())
}
