//! What becomes of a model's output.

use querist_embed::pooling::{Pooling, divide_by_norms, expect_finite, pool};
use querist_embed::{EmbedError, Tensor};

fn tensor(shape: &[usize], values: &[f32]) -> Tensor {
    Tensor { shape: shape.to_vec(), values: values.to_vec() }
}

#[test]
fn tokens_become_one_vector() {
    let output = || tensor(&[2, 2, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]);
    let mask = [1, 1, 1, 0];
    let by = |pooling| pool(output(), Some(&mask), pooling).map(|pooled| pooled.values);
    assert_eq!(by(Some(Pooling::Mean)).unwrap(), [2.0, 3.0, 5.0, 6.0]);
    assert_eq!(by(None), by(Some(Pooling::Mean)));
    assert_eq!(by(Some(Pooling::First)).unwrap(), [1.0, 2.0, 5.0, 6.0]);
    assert!(matches!(by(Some(Pooling::None)), Err(EmbedError::Output { n: 2, .. })));
    let all = pool(output(), None, None).unwrap();
    assert_eq!(all.values, [2.0, 3.0, 6.0, 7.0]);
    let none = pool(output(), Some(&[0; 4]), None).unwrap();
    assert_eq!(none.values, [0.0; 4], "no token, and no division by zero");
    assert!(pool(output(), Some(&[1; 2]), None).is_err(), "a mask of another length");
}

#[test]
fn maps_and_vectors() {
    let maps = pool(tensor(&[1, 2, 1, 2], &[1.0, 3.0, 5.0, 7.0]), None, None).unwrap();
    assert_eq!(maps, tensor(&[1, 2], &[2.0, 6.0]));
    assert!(pool(tensor(&[1, 2, 1, 2], &[0.0; 4]), None, Some(Pooling::First)).is_err());
    let pooled = tensor(&[2, 1], &[3.0, 4.0]);
    assert_eq!(pool(pooled.clone(), None, None).unwrap(), pooled);
    assert!(pool(pooled, None, Some(Pooling::Mean)).is_err(), "mean was asked for and cannot be heeded");
    for shape in [&[2][..], &[], &[2, 0], &[2, 0, 3], &[1, 1, 1, 1, 1]] {
        let values = vec![0.0; shape.iter().product()];
        assert!(pool(tensor(shape, &values), None, None).is_err(), "{shape:?}");
    }
}

#[test]
fn norms_and_finiteness() {
    let mut vectors = tensor(&[2, 2], &[3.0, 4.0, 0.0, 0.0]);
    divide_by_norms(&mut vectors);
    assert_eq!(vectors.values, [0.6, 0.8, 0.0, 0.0]);
    vectors.values[3] = f32::INFINITY;
    let error = expect_finite(&vectors).unwrap_err();
    assert_eq!(error, EmbedError::NotFinite { row: 1, column: 1, value: f32::INFINITY });
}
