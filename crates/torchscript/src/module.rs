//! [`Module`]: a traced or scripted module on the processor.

use crate::interface::{Element, Input, Output};
use std::ops::RangeInclusive;
use std::path::Path;
use std::slice::from_raw_parts;
use tch::{CModule, Device, IValue, Kind, TchError, Tensor};

/// What libtorch says instead of the reason where an operation of a module fails; that follows the stack.
const IN_INTERPRETER: &str = "The following operation failed in the TorchScript interpreter.";
/// What goes before the reason then.
const REASON: &str = "RuntimeError: ";
/// What goes before the inputs of a method where their number is wrong.
const DECLARATION: &str = "Declaration: forward(";

/// A module and what it gave last, which the caller reads.
pub(crate) struct Module {
    module: CModule,
    shape: Vec<usize>,
    values: Vec<f32>,
}

impl Module {
    /// Loads the module at `path`, and says how many arrays it takes: from those without a default to all.
    pub fn open(path: &Path, threads: usize) -> Result<(Self, RangeInclusive<usize>), String> {
        tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
        let mut module = CModule::load_on_device(path, Device::Cpu).map_err(reason)?;
        module.f_set_eval().map_err(reason)?;
        // libtorch tells what a method takes where it is called with too little. A module that needs nothing is run by that,
        // and may take anything as far as is known here.
        let takes = tch::no_grad(|| module.forward_is::<IValue>(&[]))
            .err()
            .and_then(|error| declared(&error.to_string()))
            .unwrap_or(0..=usize::MAX);
        Ok((Self { module, shape: Vec::new(), values: Vec::new() }, takes))
    }

    /// What the module gives for these arrays. The answer points into `self`.
    ///
    /// # Safety
    /// Arrays must be as long as the product of their lengths, and live until the function returns.
    pub unsafe fn run(&mut self, inputs: &[Input]) -> Result<Output, String> {
        // SAFETY: the caller's promise.
        let inputs = inputs.iter().map(|input| unsafe { tensor(input) }.map(IValue::Tensor));
        let inputs = inputs.collect::<Result<Vec<_>, _>>().map_err(reason)?;
        let output = match tch::no_grad(|| self.module.forward_is(&inputs)).map_err(reason)? {
            IValue::Tensor(tensor) => Some(tensor),
            IValue::Tuple(values) | IValue::GenericList(values) => match values.into_iter().next() {
                Some(IValue::Tensor(tensor)) => Some(tensor),
                _ => None,
            },
            IValue::TensorList(tensors) => tensors.into_iter().next(),
            _ => None,
        };
        let output = output.ok_or("it gives no array, nor a tuple or list that begins with one")?;
        self.shape = output.size().into_iter().map(|length| usize::try_from(length).unwrap_or(0)).collect();
        let flat = output.f_to_kind(Kind::Float).and_then(|tensor| tensor.f_contiguous()).map_err(reason)?;
        self.values.clear();
        self.values.resize(flat.numel(), 0.0);
        flat.f_copy_data(&mut self.values, flat.numel()).map_err(reason)?;
        let (shape, values) = (&self.shape, &self.values);
        Ok(Output {
            values: values.as_ptr(),
            count: values.len(),
            shape: shape.as_ptr(),
            dimensions: shape.len(),
        })
    }
}

/// A copy of the array, since a module may keep what it is given.
///
/// # Safety
/// The array must be as long as the product of its lengths.
unsafe fn tensor(input: &Input) -> Result<Tensor, TchError> {
    // SAFETY: shapes have so many lengths.
    let shape = unsafe { from_raw_parts(input.shape, input.dimensions) };
    let count = shape.iter().product();
    let numbers = input.numbers;
    let flat = match input.element {
        // SAFETY: the caller's promise, and the input names the type.
        Element::Float32 => Tensor::f_from_slice(unsafe { from_raw_parts(numbers.cast::<f32>(), count) }),
        // SAFETY: as above.
        Element::Int64 => Tensor::f_from_slice(unsafe { from_raw_parts(numbers.cast::<i64>(), count) }),
    };
    let lengths: Vec<i64> = shape.iter().map(|&length| length as i64).collect();
    flat?.f_reshape(&lengths)
}

/// The line of libtorch's message that says what is wrong.
fn reason(error: TchError) -> String {
    let text = match error {
        TchError::Torch(text) => text,
        other => other.to_string(),
    };
    let first = text.lines().next().unwrap_or_default();
    let inner =
        text.lines().rev().find_map(|line| line.strip_prefix(REASON)).filter(|_| first == IN_INTERPRETER);
    inner.unwrap_or(first).to_string()
}

/// How many arrays a method takes beside its module, by the declaration in libtorch's message, as `Declaration:
/// forward(__torch__.Model self, Tensor ids, Tensor? mask=None) -> Tensor`.
fn declared(message: &str) -> Option<RangeInclusive<usize>> {
    let (_, rest) = message.split_once(DECLARATION)?;
    // Types have parentheses, too.
    let mut depth = 0usize;
    let mut inputs = vec![String::new()];
    for sign in rest.chars() {
        match sign {
            ')' | ']' if depth == 0 => {
                let optional = inputs.iter().filter(|input| input.contains('=')).count();
                let all = inputs.len() - 1;
                return Some(all.saturating_sub(optional)..=all);
            }
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => inputs.push(String::new()),
            other => inputs.last_mut()?.push(other),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_counted_by_the_declaration() {
        let declared = |inputs: &str| {
            super::declared(&format!(
                "missing value.\nDeclaration: forward({inputs}) -> ((Tensor, Tensor))\nmore"
            ))
        };
        assert_eq!(declared("__torch__.Model self"), Some(0..=0));
        assert_eq!(declared("__torch__.Model self, Tensor x"), Some(1..=1));
        assert_eq!(declared("__torch__.Model self, Tensor ids, Tensor? mask=None"), Some(1..=2));
        assert_eq!(
            declared("__torch__.Model self, (Tensor, Tensor[]) pair, int[2] size=[1, 2]"),
            Some(1..=2)
        );
        assert_eq!(super::declared("Declaration: forward(Tensor x"), None);
        assert_eq!(super::declared("no declaration"), None);
    }

    #[test]
    fn the_reason_is_one_line() {
        let of = |text: &str| reason(TchError::Torch(text.to_string()));
        assert_eq!(of("bad magic number\nException raised from"), "bad magic number");
        let failed = format!("{IN_INTERPRETER}\nTraceback of TorchScript\nRuntimeError: shapes differ\n");
        assert_eq!(of(&failed), "shapes differ");
    }
}
