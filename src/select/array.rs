//! [`Array`]: rows and columns, borrowed or handed over.

use crate::data::{Matrix, MatrixView};

/// Rows and columns that a request is handed: borrowed, or owned, which is freed as soon as it has been read.
#[derive(Clone, Debug)]
pub enum Array<'a> {
    Borrowed(MatrixView<'a>),
    Owned(Matrix),
}

impl Array<'_> {
    /// All of it.
    pub fn view(&self) -> MatrixView<'_> {
        match self {
            Array::Borrowed(view) => *view,
            Array::Owned(matrix) => matrix.view(),
        }
    }
}

impl<'a> From<MatrixView<'a>> for Array<'a> {
    fn from(view: MatrixView<'a>) -> Self {
        Array::Borrowed(view)
    }
}

impl<'a> From<&'a Matrix> for Array<'a> {
    fn from(matrix: &'a Matrix) -> Self {
        Array::Borrowed(matrix.view())
    }
}

impl From<Matrix> for Array<'_> {
    fn from(matrix: Matrix) -> Self {
        Array::Owned(matrix)
    }
}
