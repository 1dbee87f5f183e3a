//! [`argmax`].

/// The place of the largest value, the first of equals; a NaN is never larger, and of no values it is 0.
///
/// ```
/// assert_eq!(querist_engine::data::argmax(&[0.25, 0.5, 0.5]), 1);
/// ```
pub fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    (1..values.len()).fold(0, |best, at| if values[at] > values[best] { at } else { best })
}
