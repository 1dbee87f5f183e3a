//! TorchScript modules, run by the libtorch that the program is linked with.
//!
//! A module says neither what its inputs are called nor how many there are. Texts are fed as `forward(input_ids,
//! attention_mask)`, pictures and vectors as `forward(x)`. Of a tuple or list the first element is the output.

use crate::{EmbedError, Feed, Model, Tensor};
use std::path::Path;
use tch::{CModule, Device, IValue, Kind, TchError};

/// A traced or scripted module on the processor.
pub(crate) struct TorchScript {
    module: CModule,
}

// SAFETY: a module is not bound to the thread that loaded it; `run` takes it exclusively.
unsafe impl Send for TorchScript {}

impl TorchScript {
    /// Loads the module at `path`.
    pub fn open(path: &Path, threads: usize) -> Result<Self, EmbedError> {
        tch::set_num_threads(i32::try_from(threads).unwrap_or(i32::MAX));
        let bad =
            |error: TchError| EmbedError::BadModel { path: path.to_path_buf(), reason: first_line(&error) };
        let mut module = CModule::load_on_device(path, Device::Cpu).map_err(bad)?;
        module.f_set_eval().map_err(bad)?;
        Ok(Self { module })
    }
}

/// The message without the stack of the library that follows it.
fn first_line(error: &TchError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_string()
}

impl Model for TorchScript {
    fn library(&self) -> String {
        "libtorch".to_string()
    }

    fn run(&mut self, feed: &Feed<'_>) -> Result<Tensor, EmbedError> {
        let shape = match feed {
            Feed::Tokens(tokens) => vec![tokens.rows, tokens.length],
            Feed::Numbers { shape, .. } => shape.to_vec(),
        };
        let n = shape.first().copied().unwrap_or(0);
        let fails = |error: TchError| EmbedError::Run { n, shape: shape.clone(), reason: first_line(&error) };
        let sizes: Vec<i64> = shape.iter().map(|&length| length as i64).collect();
        let inputs = match feed {
            Feed::Tokens(tokens) => vec![&tokens.ids, &tokens.mask]
                .into_iter()
                .map(|numbers| tch::Tensor::f_from_slice(numbers)?.f_reshape(&sizes).map(IValue::Tensor))
                .collect::<Result<Vec<_>, _>>(),
            Feed::Numbers { values, .. } => tch::Tensor::f_from_slice(values)
                .and_then(|tensor| tensor.f_reshape(&sizes))
                .map(|tensor| vec![IValue::Tensor(tensor)]),
        };
        let inputs = inputs.map_err(fails)?;
        let output = tch::no_grad(|| self.module.forward_is(&inputs)).map_err(fails)?;
        let output = match output {
            IValue::Tensor(tensor) => Some(tensor),
            IValue::Tuple(values) | IValue::GenericList(values) => match values.into_iter().next() {
                Some(IValue::Tensor(tensor)) => Some(tensor),
                _ => None,
            },
            IValue::TensorList(tensors) => tensors.into_iter().next(),
            _ => None,
        };
        let output = output.ok_or_else(|| EmbedError::Run {
            n,
            shape: shape.clone(),
            reason: "it gives no array, nor a tuple or list that begins with one".to_string(),
        })?;
        let found: Vec<usize> =
            output.size().into_iter().map(|length| usize::try_from(length).unwrap_or(0)).collect();
        let flat = output.f_to_kind(Kind::Float).and_then(|tensor| tensor.f_contiguous()).map_err(fails)?;
        let mut values = vec![0.0f32; found.iter().product()];
        let count = values.len();
        flat.f_copy_data(&mut values, count).map_err(fails)?;
        Ok(Tensor { shape: found, values })
    }
}
