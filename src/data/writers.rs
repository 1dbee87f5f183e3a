//! Tables as bytes of files that other tools read; who writes them where is the caller's business.

use arrow_array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;

/// Most rows of a row group: what a reader has to hold at once.
const GROUP_ROWS: usize = 1 << 17;

/// A table as a Parquet file, compressed by Snappy, which every reader of the format knows. The same table gives the
/// same bytes.
///
/// ```
/// use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
/// use std::sync::Arc;
///
/// let rows = RecordBatch::try_from_iter([("row", Arc::new(UInt32Array::from(vec![3, 1])) as ArrayRef)])?;
/// let bytes = querist::data::writers::parquet(&rows)?;
/// assert_eq!(&bytes[..4], b"PAR1");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`ParquetError`] for columns that the format cannot hold.
pub fn parquet(table: &RecordBatch) -> Result<Vec<u8>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_created_by(concat!("querist ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .build();
    let mut writer = ArrowWriter::try_new(Vec::new(), table.schema(), Some(properties))?;
    writer.write(table)?;
    writer.into_inner()
}
