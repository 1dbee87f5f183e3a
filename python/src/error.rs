//! Typed errors of the library as `querist.QueristError`.

use pyo3::exceptions::PyKeyboardInterrupt;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyDict;
use querist::Error;
use querist::error::Exit;
use querist::select::SelectError;

static CLASS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

fn class(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    let import = || Ok::<_, PyErr>(py.import("querist._errors")?.getattr("QueristError")?.unbind());
    Ok(CLASS.get_or_try_init(py, import)?.bind(py))
}

/// The error of this kind; `fields` are its attributes.
pub fn typed(py: Python<'_>, message: &str, kind: &str, fields: &Bound<'_, PyDict>) -> PyErr {
    let raised = || {
        fields.set_item("kind", kind)?;
        class(py)?.call((message,), Some(fields))
    };
    match raised() {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// An error of the library. One that says that the work was interrupted is a `KeyboardInterrupt`.
pub fn raised(py: Python<'_>, error: &Error) -> PyErr {
    if error.exit() == Exit::Interrupted {
        return PyKeyboardInterrupt::new_err(error.to_string());
    }
    let fields = PyDict::new(py);
    let set = || {
        fields.set_item("hint", error.hint())?;
        fields.set_item("exit_code", error.exit() as u8)?;
        error.downcast_ref().map_or(Ok(()), |error| of_select(&fields, error))
    };
    match set() {
        Ok(()) => typed(py, &error.to_string(), &kind(error), &fields),
        Err(error) => error,
    }
}

/// The name of the variant that an error is.
fn kind(error: &Error) -> String {
    let shown = format!("{error:?}");
    let end = shown.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(shown.len());
    shown[..end].to_string()
}

/// The place of a refusal, and both numbers.
fn of_select(fields: &Bound<'_, PyDict>, error: &SelectError) -> PyResult<()> {
    macro_rules! set {
        ($($field:ident),*) => {{ $(fields.set_item(stringify!($field), $field)?;)* }};
    }
    match error {
        SelectError::Needs { strategy, need, .. } => {
            set!(strategy);
            let arguments: Vec<_> = need.arguments().iter().map(|argument| argument.name()).collect();
            fields.set_item("arguments", arguments)?;
        }
        SelectError::Rows { place, found, expected }
        | SelectError::Classes { place, found, expected, .. }
        | SelectError::Head { place, found, expected, .. }
        | SelectError::Labels { place, found, expected } => set!(place, found, expected),
        SelectError::Probabilities { place, row, found } => set!(place, row, found),
        SelectError::Rounded { place, row, found, .. } => set!(place, row, found),
        SelectError::NotFinite { place, row, column, found } => set!(place, row, column, found),
        SelectError::Empty { place } | SelectError::PolicyAlone { place, .. } => set!(place),
        SelectError::Outside { place, at, found, last } => {
            set!(place, at, found);
            fields.set_item("limit", last)?;
        }
        SelectError::Repeated { place, at, row } => set!(place, at, row),
        SelectError::Class { place, at, found, limit } => set!(place, at, found, limit),
        SelectError::Count { place, found, limit } | SelectError::TooMany { place, found, limit } => {
            set!(place, found, limit)
        }
        SelectError::Temperature { place, found } => set!(place, found),
        SelectError::Budget { place, found, batch, .. } => {
            set!(place, found);
            fields.set_item("expected", batch)?;
        }
        SelectError::NothingLeft { place, rows } => {
            set!(place);
            fields.set_item("found", rows)?;
        }
        _ => {}
    }
    Ok(())
}
