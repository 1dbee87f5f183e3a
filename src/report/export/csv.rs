//! The tidy rows as CSV (RFC 4180): `pandas.read_csv("results.csv")`.

use crate::data::Answers;
use crate::episode::Row;
use crate::run::QueryTimes;

/// The columns, in order.
pub const COLUMNS: [&str; 15] = [
    "task",
    "strategy",
    "architecture",
    "repetition",
    "round",
    "labels",
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "reward_accuracy",
    "steps",
    "picks",
    "pick_ids",
    "note",
    "query_seconds",
];

/// The columns behind them, where any row has answers.
pub const ANSWERS: [&str; 6] = ["answered", "wrong", "abstained", "unanswerable", "late", "spent"];

/// Whether rows have what the columns [`ANSWERS`] hold.
pub(super) fn answered(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.answers.is_some())
}

/// The column behind all others, where any row has rules that would stop.
pub const STOPS: &str = "stops";

/// Whether rows have what the column [`STOPS`] holds.
pub(super) fn watched(rows: &[Row]) -> bool {
    rows.iter().any(|row| !row.stops.is_empty())
}

/// The column behind them where targets are no classes: what `accuracy` and `reward_accuracy` are then, while
/// `balanced_accuracy` and `macro_f1` are empty.
pub const METRIC: &str = "metric";

/// The column behind them where verification is what a run is judged by.
pub const VERIFICATION: &str = "verification";

/// Whether rows have what the column [`VERIFICATION`] holds.
pub(super) fn says_verification(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.verification.is_some())
}

/// The column behind it where targets are sets of labels.
pub const MEAN_AVERAGE_PRECISION: &str = "mean_average_precision";

/// Whether rows have what the column [`MEAN_AVERAGE_PRECISION`] holds.
pub(super) fn says_precision(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.mean_average_precision.is_some())
}

/// The column behind it where targets are masks.
pub const IOU: &str = "iou";

/// Whether rows have what the column [`IOU`] holds.
pub(super) fn says_iou(rows: &[Row]) -> bool {
    rows.iter().any(|row| row.iou.is_some())
}

/// Whether rows have to say what their figures are.
pub(super) fn says_metric(rows: &[Row]) -> bool {
    rows.iter().any(|row| !row.metric.is_accuracy())
}

/// One line per row after a header, in the order of `rows`. Shares have all their digits; `picks` are
/// rows of the data set, counted from 0, with spaces between, `pick_ids` what it calls them, a list in JSON; a
/// row without picks, ids, note or query has an empty field there. `stops` are names with `; ` between.
pub fn csv(rows: &[Row], times: &QueryTimes) -> Vec<u8> {
    let (answered, watched, metric) = (answered(rows), watched(rows), says_metric(rows));
    let (precision, iou) = (says_precision(rows), says_iou(rows));
    let more: &[&str] = if answered { &ANSWERS } else { &[] };
    let stops: &[&str] = if watched { &[STOPS] } else { &[] };
    let figures: &[&str] = if metric { &[METRIC] } else { &[] };
    let verified = says_verification(rows);
    let identities: &[&str] = if verified { &[VERIFICATION] } else { &[] };
    let labels: &[&str] = if precision { &[MEAN_AVERAGE_PRECISION] } else { &[] };
    let masks: &[&str] = if iou { &[IOU] } else { &[] };
    let mut text = [&COLUMNS, more, stops, figures, identities, labels, masks].concat().join(",");
    text.push('\n');
    let figure = |figure: Option<f64>| figure.map_or_else(String::new, |figure| figure.to_string());
    for row in rows {
        let picks: Vec<String> = row.picks.iter().map(u32::to_string).collect();
        let fields = [
            quoted(&row.task),
            quoted(&row.strategy),
            quoted(&row.architecture),
            row.repetition.to_string(),
            row.round.to_string(),
            row.labels.to_string(),
            row.accuracy.to_string(),
            figure(row.balanced_accuracy),
            figure(row.macro_f1),
            row.reward_accuracy.to_string(),
            row.steps.to_string(),
            picks.join(" "),
            quoted(&ids(row)),
            quoted(row.note.as_deref().unwrap_or("")),
            times.of(row).map_or_else(String::new, |seconds| seconds.to_string()),
        ];
        text.push_str(&fields.join(","));
        if answered {
            let counts = row.answers.map_or([const { String::new() }; 6], |one| {
                let Answers { answered, wrong, abstained, unanswerable, late, spent } = one;
                let [a, b, c, d, e] = [answered, wrong, abstained, unanswerable, late].map(|n| n.to_string());
                [a, b, c, d, e, spent.to_string()]
            });
            text.push(',');
            text.push_str(&counts.join(","));
        }
        if watched {
            text.push(',');
            text.push_str(&quoted(&row.stops.join("; ")));
        }
        if metric {
            text.push_str(&format!(",{}", row.metric.key()));
        }
        if verified {
            text.push_str(&format!(",{}", figure(row.verification)));
        }
        if precision {
            text.push_str(&format!(",{}", figure(row.mean_average_precision)));
        }
        if iou {
            text.push_str(&format!(",{}", figure(row.iou)));
        }
        text.push('\n');
    }
    text.into_bytes()
}

/// A JSON list, since ids may hold any character; nothing where there are none.
fn ids(row: &Row) -> String {
    match row.pick_ids.is_empty() {
        true => String::new(),
        false => serde_json::to_string(&row.pick_ids).expect("strings serialise"),
    }
}

/// A field, in quotes where it would be read as more or less than one.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learner::Metric;

    fn row(strategy: &str, picks: &[u32], note: Option<&str>) -> Row {
        Row {
            task: "iris".into(),
            strategy: strategy.into(),
            architecture: "4-8-3".into(),
            repetition: 2,
            round: 1,
            labels: 4,
            accuracy: 2.0 / 3.0,
            metric: Metric::Accuracy,
            balanced_accuracy: Some(0.625),
            macro_f1: Some(1.0 / 3.0),
            verification: None,
            mean_average_precision: None,
            iou: None,
            reward_accuracy: 0.5,
            steps: 120,
            picks: picks.to_vec(),
            pick_ids: vec![],
            note: note.map(Into::into),
            answers: None,
            stops: vec![],
        }
    }

    #[test]
    fn a_worked_example() {
        let mut rows =
            [row("margin", &[7, 12], None), row("typiclust(k=5, near=2)", &[], Some("a \"note\""))];
        rows[0].pick_ids = vec!["a b".into(), "c".into()];
        let mut times = QueryTimes::default();
        times.insert(&rows[0], 0.25);
        let expected = "task,strategy,architecture,repetition,round,labels,accuracy,balanced_accuracy,macro_f1,reward_accuracy,steps,picks,pick_ids,note,query_seconds\n\
             iris,margin,4-8-3,2,1,4,0.6666666666666666,0.625,0.3333333333333333,0.5,120,7 12,\"[\"\"a b\"\",\"\"c\"\"]\",,0.25\n\
             iris,\"typiclust(k=5, near=2)\",4-8-3,2,1,4,0.6666666666666666,0.625,0.3333333333333333,0.5,120,,,\"a \"\"note\"\"\",\n";
        assert_eq!(String::from_utf8(csv(&rows, &times)).unwrap(), expected);
    }

    #[test]
    fn answers_have_columns_where_there_are_any() {
        let mut rows = [row("margin", &[], None), row("random", &[], None)];
        rows[1].answers =
            Some(Answers { answered: 3, wrong: 1, abstained: 2, unanswerable: 4, late: 5, spent: 7.5 });
        let text = String::from_utf8(csv(&rows, &QueryTimes::default())).unwrap();
        let header = text.lines().next().unwrap();
        assert!(
            header.ends_with("query_seconds,answered,wrong,abstained,unanswerable,late,spent"),
            "{header}"
        );
        assert!(text.lines().nth(1).unwrap().ends_with(",,,,,,,,"), "{text}");
        assert!(text.lines().nth(2).unwrap().ends_with(",3,1,2,4,5,7.5"), "{text}");
        rows[0].stops = vec!["one".into(), "two".into()];
        let text = String::from_utf8(csv(&rows, &QueryTimes::default())).unwrap();
        let ends: Vec<&str> = text.lines().map(|line| line.rsplit(',').next().unwrap()).collect();
        assert_eq!(ends, ["stops", "one; two", ""]);
    }

    /// What is read back is what was written, to the last bit and character.
    #[test]
    fn a_reader_gets_everything_back() {
        let odd = "two\nlines, \"quoted\"";
        let rows = [row(odd, &[1], Some(odd)), row("random", &[], None)];
        let mut times = QueryTimes::default();
        times.insert(&rows[0], 1.0 / 3.0);
        let bytes = csv(&rows, &times);
        let mut reader = ::csv::Reader::from_reader(&bytes[..]);
        assert_eq!(reader.headers().unwrap().iter().collect::<Vec<_>>(), COLUMNS);
        let records: Vec<_> = reader.records().map(Result::unwrap).collect();
        assert_eq!(records.len(), 2);
        assert_eq!((&records[0][1], &records[0][13]), (odd, odd));
        assert_eq!(records[1][6].parse::<f64>().unwrap(), 2.0 / 3.0);
        assert_eq!(records[0][14].parse::<f64>().unwrap(), 1.0 / 3.0);
        assert_eq!((&records[1][11], &records[1][13], &records[1][14]), ("", "", ""));
    }
}
