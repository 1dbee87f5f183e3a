//! How the file of a data set is read.

use crate::data::TargetKind;
use crate::data::columns::Kind;
use crate::data::dataset::MAX_WIDTH;
use crate::data::readers::Channels;
use crate::data::readers::Separator;
use crate::experiment::Vocabulary;
use crate::experiment::sections::DataRef;
use crate::experiment::sections::Decimal;
use crate::experiment::sections::FileRef;
use crate::experiment::tasks::{GENERATED, named_kind};
use clap::builder::RangedU64ValueParser;

/// How the file of a data set is read. Columns are named as its header names them, or by position: 0 is the first, -1
/// the last.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "How the file is read; `querist data describe` says what was found out")]
pub struct ColumnArgs {
    /// The column, or member of an archive, that holds the labels [default: label]; rows without one are left out
    /// of simulations
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub label: Option<String>,
    /// What the labels are: classification, regression for numbers that are to be predicted, segmentation for masks of images, or multi_label for any of
    /// several labels per row, whose columns of 0 and 1 --label then names (red,round or tag_*)
    #[arg(long, value_name = "TASK", default_value_t, hide_default_value = true, value_parser = str::parse::<TargetKind>)]
    pub task: TargetKind,
    /// What stands between the names of labels, where one column lists those of each row, alone in a row without any; in a session,
    /// between those of an answer, too
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub label_separator: Option<String>,
    /// The columns that are features, by name or pattern (x*); named without a pattern, they are kept whatever
    /// they look like [default: all]
    #[arg(long, value_name = "A,B", value_delimiter = ',', allow_hyphen_values = true)]
    pub columns: Vec<String>,
    /// Columns that are no features, by name or pattern
    #[arg(long, value_name = "C,D", value_delimiter = ',', allow_hyphen_values = true)]
    pub ignore: Vec<String>,
    /// The column that says what the rows are called: no feature, but written as `pick_ids` beside the rows that
    /// were asked for. `picks` count the rows of the file from 0, its header being none
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub id: Option<String>,
    /// The column with train or test [default: split, if there is one]
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub split: Option<String>,
    /// What columns hold, where that is inferred wrongly: number, category, date or text
    #[arg(long, value_name = "COLUMN=TYPE,…", value_delimiter = ',', value_parser = typed_column)]
    pub types: Vec<(String, Kind)>,
    /// Values that stand for none, as they are written: -999 in all columns, or age=-1 in one
    #[arg(long, value_name = "VALUE,…", value_delimiter = ',', allow_hyphen_values = true)]
    pub missing: Vec<String>,
    /// Inputs from arrays of NumPy (.npy) and sparse matrices of SciPy (.npz; --hash or --svd where they are wide)
    /// instead of columns, one row per row of the file, side by side
    #[arg(long, value_name = "FILE,…", value_delimiter = ',')]
    pub features: Vec<String>,
    /// What separates the fields of a table: one character, tab or blanks [default: found out]
    #[arg(long, value_name = "CHARACTER", value_parser = str::parse::<Separator>, allow_hyphen_values = true)]
    pub separator: Option<Separator>,
    /// Whether the first line of a table holds the names of its columns; without names, columns are called by their
    /// positions [default: found out]
    #[arg(long, value_name = "true|false")]
    pub header: Option<bool>,
    /// The decimal mark of numbers in a table: . or , [default: found out]
    #[arg(long, value_name = ".|,", value_parser = str::parse::<Decimal>)]
    pub decimal: Option<Decimal>,
    /// The member of an archive that holds the inputs [default: the one of a customary name]
    #[arg(long, value_name = "MEMBER")]
    pub inputs: Option<String>,
    /// Where the channels of images lie: first or last [default: found out]
    #[arg(long, value_name = "first|last", value_parser = str::parse::<Channels>)]
    pub channels: Option<Channels>,
    /// What the indices of a sparse file are counted from: 0 or 1 [default: found out]
    #[arg(long, value_name = "0|1", value_parser = clap::value_parser!(u8).range(0..=1))]
    pub base: Option<u8>,
    /// Columns that a sparse file, or a column of text, is hashed to [default: all of a sparse file, 256 of a text]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_WIDTH as u64))]
    pub hash: Option<usize>,
    /// Columns that a sparse file is brought to by a truncated singular value decomposition [default: none]
    #[arg(long, value_name = "N", value_parser = RangedU64ValueParser::<usize>::new().range(1..=MAX_WIDTH as u64))]
    pub svd: Option<usize>,
}

fn typed_column(text: &str) -> Result<(String, Kind), String> {
    let kind = |name: &str| Kind::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, kind)| kind);
    let found = text.rsplit_once('=').and_then(|(column, name)| Some((column.to_string(), kind(name)?)));
    found.ok_or_else(|| "expected COLUMN=TYPE, and for TYPE number, category, date or text".to_string())
}

impl ColumnArgs {
    /// The data set `target`, read as the arguments say: by its name if `vocabulary` has it and nothing else is said,
    /// else as a file, or a name that is read in another way. `name` is what it is called.
    pub fn reference(&self, target: &str, name: Option<&str>, vocabulary: &Vocabulary) -> DataRef {
        let file = FileRef {
            file: target.to_string(),
            name: name.map(str::to_string),
            label: self.label.clone(),
            task: self.task,
            label_separator: self.label_separator.clone(),
            features: self.features.clone(),
            id: self.id.clone(),
            split: self.split.clone(),
            columns: self.columns.clone(),
            ignore: self.ignore.clone(),
            separator: self.separator,
            header: self.header,
            decimal: self.decimal.map(|Decimal(mark)| mark),
            inputs: self.inputs.clone(),
            channels: self.channels,
            base: self.base,
            hash: self.hash,
            svd: self.svd,
            types: self.types.clone(),
            missing: self.missing.clone(),
        };
        // What a generated set's targets are may be said.
        let task = if GENERATED.contains(&target) { named_kind(target) } else { TargetKind::Class };
        let plain = FileRef { file: target.to_string(), ..FileRef::default() };
        let plain = file == plain || file == FileRef { task, ..plain };
        if plain && vocabulary.dataset_names().any(|known| known == target) {
            return DataRef::Named(target.to_string());
        }
        DataRef::File(Box::new(file))
    }
}
