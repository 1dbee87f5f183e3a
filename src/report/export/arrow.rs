//! The tidy rows as a table of Arrow's: what the Parquet file holds, and what other languages are handed.

use super::csv::{
    ANSWERS, COLUMNS, IOU, MEAN_AVERAGE_PRECISION, METRIC, STOPS, VERIFICATION, answered, says_iou,
    says_metric, says_precision, says_verification, watched,
};
use crate::data::Answers;
use crate::episode::Row;
use crate::run::QueryTimes;
use arrow_array::builder::{ListBuilder, StringBuilder, UInt32Builder};
use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, DictionaryArray, Float64Array, RecordBatch, StringArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, Field, Schema};
use std::sync::Arc;

/// All rows, in their order, with the seconds that their queries took; the columns are those of [`csv`](super::csv),
/// names as dictionaries, `picks` and `pick_ids` as lists. Only `note`, `query_seconds` and what questions came to may be
/// null, and where targets are no classes, figures of classes.
pub fn table(rows: &[Row], times: &QueryTimes) -> RecordBatch {
    let names = |of: fn(&Row) -> &str| {
        Arc::new(rows.iter().map(of).collect::<DictionaryArray<Int32Type>>()) as ArrayRef
    };
    let counts = |of: fn(&Row) -> u32| Arc::new(rows.iter().map(of).collect::<UInt32Array>()) as ArrayRef;
    let shares = |of: fn(&Row) -> f64| Arc::new(rows.iter().map(of).collect::<Float64Array>()) as ArrayRef;
    let figures =
        |of: fn(&Row) -> Option<f64>| Arc::new(rows.iter().map(of).collect::<Float64Array>()) as ArrayRef;
    let mut columns: Vec<ArrayRef> = vec![
        names(|row| &row.task),
        names(|row| &row.strategy),
        names(|row| &row.architecture),
        counts(|row| row.repetition),
        counts(|row| row.round),
        counts(|row| row.labels),
        shares(|row| row.accuracy),
        figures(|row| row.balanced_accuracy),
        figures(|row| row.macro_f1),
        shares(|row| row.reward_accuracy),
        Arc::new(rows.iter().map(|row| row.steps).collect::<UInt64Array>()),
        picks(rows),
        pick_ids(rows),
        Arc::new(rows.iter().map(|row| row.note.as_deref()).collect::<StringArray>()),
        Arc::new(rows.iter().map(|row| times.of(row)).collect::<Float64Array>()),
    ];
    if answered(rows) {
        let of = |count: fn(&Answers) -> u32| {
            Arc::new(rows.iter().map(|row| row.answers.as_ref().map(count)).collect::<UInt32Array>())
                as ArrayRef
        };
        columns.extend([
            of(|one| one.answered),
            of(|one| one.wrong),
            of(|one| one.abstained),
            of(|one| one.unanswerable),
            of(|one| one.late),
            Arc::new(rows.iter().map(|row| Some(row.answers?.spent)).collect::<Float64Array>()),
        ]);
    }
    let mut names = COLUMNS.to_vec();
    if answered(rows) {
        names.extend(ANSWERS);
    }
    if watched(rows) {
        names.push(STOPS);
        columns.push(Arc::new(rows.iter().map(|row| Some(row.stops.join("; "))).collect::<StringArray>()));
    }
    if says_metric(rows) {
        names.push(METRIC);
        columns
            .push(Arc::new(rows.iter().map(|row| row.metric.key()).collect::<DictionaryArray<Int32Type>>()));
    }
    if says_verification(rows) {
        names.push(VERIFICATION);
        columns.push(figures(|row| row.verification));
    }
    if says_precision(rows) {
        names.push(MEAN_AVERAGE_PRECISION);
        columns.push(figures(|row| row.mean_average_precision));
    }
    if says_iou(rows) {
        names.push(IOU);
        columns.push(figures(|row| row.iou));
    }
    let fields = names.into_iter().zip(&columns).map(|(name, column)| {
        let may_be_null = ["note", "query_seconds"].contains(&name) || ANSWERS.contains(&name);
        Field::new(name, column.data_type().clone(), may_be_null || column.null_count() > 0)
    });
    let schema = Schema::new(fields.collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns).expect("a value of every column per row")
}

fn item(kind: DataType) -> Arc<Field> {
    Arc::new(Field::new("element", kind, false))
}

fn picks(rows: &[Row]) -> ArrayRef {
    let mut lists = ListBuilder::new(UInt32Builder::new()).with_field(item(DataType::UInt32));
    for row in rows {
        lists.values().append_slice(&row.picks);
        lists.append(true);
    }
    Arc::new(lists.finish())
}

fn pick_ids(rows: &[Row]) -> ArrayRef {
    let mut lists = ListBuilder::new(StringBuilder::new()).with_field(item(DataType::Utf8));
    for row in rows {
        row.pick_ids.iter().for_each(|id| lists.values().append_value(id));
        lists.append(true);
    }
    Arc::new(lists.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::row;

    #[test]
    fn answers_have_columns_where_there_are_any() {
        let mut rows = [row("wine", "random", 0, 0, 0.5), row("wine", "random", 0, 1, 0.5)];
        assert_eq!(table(&rows, &QueryTimes::default()).num_columns(), COLUMNS.len());
        rows[1].answers = Some(Answers { answered: 3, spent: 7.5, ..Answers::default() });
        let table = table(&rows, &QueryTimes::default());
        let spent = table.column_by_name("spent").unwrap();
        assert_eq!((table.num_columns(), spent.null_count()), (COLUMNS.len() + ANSWERS.len(), 1));
    }
}
