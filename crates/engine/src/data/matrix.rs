//! Row-major `f32` matrices: the plain currency between layers.

/// An owned row-major matrix, shape `[rows, cols]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    values: Vec<f32>,
    rows: usize,
    cols: usize,
}

/// A borrowed row-major matrix, shape `[rows, cols]`.
#[derive(Clone, Copy, Debug)]
pub struct MatrixView<'a> {
    values: &'a [f32],
    rows: usize,
    cols: usize,
}

impl Matrix {
    /// A matrix over `values`.
    ///
    /// # Panics
    /// If `values.len() != rows * cols`: a mistake of the caller's code, never of a user's file.
    #[inline]
    pub fn new(values: Vec<f32>, rows: usize, cols: usize) -> Self {
        assert_eq!(values.len(), rows * cols, "matrix of {rows} x {cols}");
        Self { values, rows, cols }
    }

    /// A matrix of zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self::new(vec![0.0; rows * cols], rows, cols)
    }

    /// The number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    #[inline]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Row `index`.
    #[inline]
    pub fn row(&self, index: usize) -> &[f32] {
        &self.values[index * self.cols..(index + 1) * self.cols]
    }

    /// Row `index`, to be written.
    #[inline]
    pub fn row_mut(&mut self, index: usize) -> &mut [f32] {
        &mut self.values[index * self.cols..(index + 1) * self.cols]
    }

    /// All values, row after row.
    #[inline]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, to be written.
    #[inline]
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// The values themselves.
    pub fn into_values(self) -> Vec<f32> {
        self.values
    }

    /// A borrowed view.
    #[inline]
    pub fn view(&self) -> MatrixView<'_> {
        MatrixView { values: &self.values, rows: self.rows, cols: self.cols }
    }

    /// The given rows, copied in the given order.
    pub fn gather(&self, rows: impl IntoIterator<Item = usize>) -> Self {
        let mut values = Vec::new();
        let mut count = 0;
        for row in rows {
            values.extend_from_slice(self.row(row));
            count += 1;
        }
        Self::new(values, count, self.cols)
    }
}

impl<'a> MatrixView<'a> {
    /// A view over `values`.
    ///
    /// # Panics
    /// If `values.len() != rows * cols`.
    #[inline]
    pub fn new(values: &'a [f32], rows: usize, cols: usize) -> Self {
        assert_eq!(values.len(), rows * cols, "matrix of {rows} x {cols}");
        Self { values, rows, cols }
    }

    /// The number of rows.
    #[inline]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of columns.
    #[inline]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Row `index`.
    #[inline]
    pub fn row(&self, index: usize) -> &'a [f32] {
        &self.values[index * self.cols..(index + 1) * self.cols]
    }

    /// All values, row after row.
    #[inline]
    pub fn values(&self) -> &'a [f32] {
        self.values
    }
}
