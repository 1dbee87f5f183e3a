//! What a session predicts, and what it has been told, as tables.

use super::annotators::Consensus;
use super::table::{Column, Format, Table};
use super::{Session, SessionError, current, status};
use crate::data::Matrix;
use crate::error::Result;
use std::collections::HashMap;

/// The class of every row of the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// The names of the classes.
    pub classes: Vec<String>,
    /// Calibrated probabilities, `[rows, classes]`.
    pub probabilities: Matrix,
    /// What the pool calls the rows, if it does.
    pub ids: Option<Vec<Option<String>>>,
    /// The label of every row that has one.
    pub labels: Vec<Option<String>>,
}

impl Predictions {
    /// The most probable class of a row, the first of equals, and its probability.
    pub fn of(&self, row: usize) -> (&str, f32) {
        let p = self.probabilities.row(row);
        let class = super::classifier::best(p);
        (&self.classes[class], p[class])
    }

    /// Columns `row`, `id` where rows have names, `label` (empty without), `predicted`, `probability` (of the
    /// predicted class), and `p.CLASS` for every class.
    pub fn table(&self) -> Table {
        let rows = self.labels.len();
        let mut columns = vec![("row".to_string(), Column::Counts((0..rows as u64).collect()))];
        if let Some(ids) = &self.ids {
            columns.push(("id".to_string(), Column::Texts(ids.clone())));
        }
        columns.push(("label".to_string(), Column::Texts(self.labels.clone())));
        let predicted = (0..rows).map(|row| Some(self.of(row).0.to_string())).collect();
        columns.push(("predicted".to_string(), Column::Texts(predicted)));
        let probability = (0..rows).map(|row| Some(self.of(row).1)).collect();
        columns.push(("probability".to_string(), Column::Shares(probability)));
        for (class, name) in self.classes.iter().enumerate() {
            let shares = (0..rows).map(|row| Some(self.probabilities.row(row)[class])).collect();
            columns.push((format!("p.{name}"), Column::Shares(shares)));
        }
        Table { columns }
    }
}

impl Session {
    /// Predicts every row of the pool, those with a label included.
    ///
    /// # Errors
    /// [`SessionError::TooFew`] with labels of fewer than two classes.
    pub fn predict(&mut self) -> Result<Predictions> {
        self.refresh()?;
        let consensus = self.consensus();
        let key = self.key();
        enough(&consensus, self)?;
        let found = self.network(&consensus)?;
        self.keep_found()?;
        let Self { settings, pool, classifier, .. } = self;
        let classifier = current(classifier, &consensus, found, pool, settings.think, key)?;
        let probabilities = classifier.probabilities(pool.inputs.view(), None);
        let mut labels = vec![None; pool.rows()];
        for one in &consensus.labelled {
            labels[one.row as usize] = Some(consensus.classes[one.class as usize].clone());
        }
        Ok(Predictions { ids: self.ids()?, classes: consensus.classes, probabilities, labels })
    }

    /// The labels as a table: `row`, `id` where rows have names, `label`, `confidence` (1 where nobody disagrees), `answers`
    /// (`ANNOTATOR=CLASS`, with spaces between), `seems` (another class, where the label is likely to be wrong: the
    /// [worst](crate::experiment::quality::LabelErrors::worst) of them), `repeats` (the labelled row that it
    /// [nearly repeats](crate::experiment::quality::NearDuplicates), if any), `batch` (the last one in which it was asked for, from
    /// 1), `surprise` (of that batch, see [`Batch`](super::status::Batch): below -3 the pool has drifted from what was learned), and
    /// what people are shown of the row. Rows without a class are left out.
    ///
    /// # Errors
    /// A damaged journal or pool.
    pub fn labels(&mut self) -> Result<Table> {
        self.refresh()?;
        let consensus = self.consensus();
        let mut labelled: Vec<_> = consensus.labelled.iter().collect();
        labelled.sort_by_key(|one| one.row);
        let rows = || labelled.iter().map(|one| one.row as usize);
        let contents = rows().map(|row| self.pool.content(row)).collect::<Result<Vec<_>, SessionError>>()?;
        let mut columns = vec![("row".to_string(), Column::Counts(rows().map(|row| row as u64).collect()))];
        if self.settings.named {
            columns
                .push(("id".to_string(), Column::Texts(contents.iter().map(|one| one.id.clone()).collect())));
        }
        let class = labelled.iter().map(|one| Some(consensus.classes[one.class as usize].clone()));
        columns.push(("label".to_string(), Column::Texts(class.collect())));
        let confidence = labelled.iter().map(|one| Some(one.confidence as f32)).collect();
        columns.push(("confidence".to_string(), Column::Shares(confidence)));
        let said = |row: u32| {
            let all = self.state.answers[&row].iter();
            let all: Vec<String> =
                all.map(|one| format!("{}={}", one.annotator, one.verdict.text())).collect();
            Some(all.join(" "))
        };
        columns
            .push(("answers".to_string(), Column::Texts(labelled.iter().map(|one| said(one.row)).collect())));
        let quality = if enough(&consensus, self).is_ok() { self.quality(&consensus)? } else { None };
        let (suspected, near) = quality.map_or_else(Default::default, |quality| {
            (quality.labels.map_or(Vec::new(), |labels| labels.worst), quality.near_duplicates.pairs)
        });
        let seems = |row: u32| suspected.iter().find(|one| one.row == row).map(|one| one.seems.clone());
        columns
            .push(("seems".to_string(), Column::Texts(labelled.iter().map(|one| seems(one.row)).collect())));
        let near: HashMap<u32, u32> = near.into_iter().map(|[row, other]| (row, other)).collect();
        let repeats = |row: u32| near.get(&row).map(u32::to_string);
        columns.push((
            "repeats".to_string(),
            Column::Texts(labelled.iter().map(|one| repeats(one.row)).collect()),
        ));
        let judged = status::judged(&self.events, &consensus);
        let mut batch_of = HashMap::new();
        for (batch, picks) in status::asked(&self.events).enumerate() {
            batch_of.extend(picks.iter().map(|pick| (pick.row, batch)));
        }
        let batch = |row: u32| batch_of.get(&row).map(|batch| (batch + 1).to_string());
        let surprise = |row: u32| Some(judged[*batch_of.get(&row)?].as_ref()?.surprise as f32);
        columns
            .push(("batch".to_string(), Column::Texts(labelled.iter().map(|one| batch(one.row)).collect())));
        columns.push((
            "surprise".to_string(),
            Column::Shares(labelled.iter().map(|one| surprise(one.row)).collect()),
        ));
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        for (at, name) in self.settings.shown.iter().enumerate() {
            let texts = contents.iter().map(|one| one.fields.get(at).map(|(_, text)| text.clone())).collect();
            let name = if names.contains(name) { format!("pool.{name}") } else { name.clone() };
            columns.push((name, Column::Texts(texts)));
        }
        Ok(Table { columns })
    }

    /// The [`labels`](Self::labels) as a file's content.
    ///
    /// # Errors
    /// As [`labels`](Self::labels).
    pub fn export(&mut self, format: Format) -> Result<Vec<u8>> {
        self.labels()?.bytes(format)
    }

    /// What the pool calls its rows, if it does.
    fn ids(&self) -> Result<Option<Vec<Option<String>>>, SessionError> {
        let all = || (0..self.pool.rows()).map(|row| self.pool.id(row)).collect();
        self.settings.named.then(all).transpose()
    }
}

/// Refuses labels of one class.
pub(super) fn enough(consensus: &Consensus, session: &Session) -> Result<(), SessionError> {
    let mut seen: Vec<u32> = consensus.labelled.iter().map(|one| one.class).collect();
    seen.sort_unstable();
    seen.dedup();
    match seen.len() {
        0 | 1 => Err(SessionError::TooFew { dir: session.dir.clone(), classes: seen.len() }),
        _ => Ok(()),
    }
}
