//! What a session predicts, and what it has been told, as tables.

use super::annotators::{Consensus, Labelled};
use super::network::Known;
use super::spelling::Spelling;
use super::table::{Column, Format, Table};
use super::{Session, SessionError, current, masks, says_something, status};
use crate::data::mask::pixel;
use crate::data::{Masks, TargetKind, argmax, png};
use crate::error::Result;
use crate::experiment::predicted::Predicted;
use std::collections::HashMap;

/// What is predicted of every row of the pool.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    /// What the session's classifier or network says of all rows; probabilities of classes are calibrated.
    pub predicted: Predicted,
    /// The class of every row that has one; none where targets are no classes.
    pub labels: Vec<Option<String>>,
}

impl Predictions {
    /// What is predicted of a row: the first of the most probable classes and its probability, or a number, a set of labels or a mask in the form that tables
    /// have.
    pub fn of(&self, row: usize) -> (String, Option<f32>) {
        let answers = self.predicted.answers.row(row);
        match (self.predicted.kind, self.predicted.size) {
            (TargetKind::Class, _) => (self.predicted.text(row), Some(answers[argmax(answers)])),
            (_, Some(size)) => (masks::text_of(size, |at| answers[at] >= 0.5), None),
            (_, None) => (self.predicted.text(row), None),
        }
    }

    /// Of classes, columns `row`, `id` where rows have names, `label` (empty without), `predicted`, `probability` (of the
    /// predicted class), and `p.CLASS` for every class. Of others, those of [`Predicted::files`]: `row`, `id`, `predicted`, and `p(LABEL)` for every label; a mask is
    /// written as [answers](Session::tell) are.
    pub fn table(&self) -> Table {
        let Predicted { kind, names, rows, ids, answers, .. } = &self.predicted;
        let all = || 0..rows.len();
        let texts = |of: &dyn Fn(usize) -> Option<String>| Column::Texts(all().map(of).collect());
        let mut columns =
            vec![("row".to_string(), Column::Counts(rows.iter().map(|&row| row.into()).collect()))];
        if !ids.is_empty() {
            columns.push(("id".to_string(), texts(&|row| Some(ids[row].clone()))));
        }
        let classes = *kind == TargetKind::Class;
        if classes {
            columns.push(("label".to_string(), Column::Texts(self.labels.clone())));
        }
        columns.push((
            "predicted".to_string(),
            match kind {
                TargetKind::Real => Column::Shares(all().map(|row| Some(answers.row(row)[0])).collect()),
                _ => texts(&|row| Some(self.of(row).0)),
            },
        ));
        if classes {
            let probability = all().map(|row| self.of(row).1).collect();
            columns.push(("probability".to_string(), Column::Shares(probability)));
        }
        for (at, name) in names.iter().enumerate() {
            let name = if classes { format!("p.{name}") } else { format!("p({name})") };
            columns.push((name, Column::Shares(all().map(|row| Some(answers.row(row)[at])).collect())));
        }
        Table { columns }
    }
}

impl Session {
    /// Predicts every row of the pool, those with a label included.
    ///
    /// # Errors
    /// [`SessionError::TooFew`] with labels that are all alike.
    pub fn predict(&mut self) -> Result<Predictions> {
        self.refresh()?;
        let consensus = self.consensus();
        let key = self.key();
        enough(&consensus, self)?;
        let found = self.network(&consensus)?;
        self.keep_found()?;
        let Self { settings, pool, classifier, .. } = self;
        let mut labels = vec![None; pool.rows()];
        let answers = match consensus.kind {
            TargetKind::Class => {
                for one in &consensus.labelled {
                    labels[one.row as usize] = Some(consensus.classes[one.word as usize].clone());
                }
                let classifier = current(classifier, &consensus, found, pool, settings.think, key)?;
                classifier.probabilities(pool.inputs.view(), None)
            }
            _ => Known { consensus: &consensus, pool, key: key.named("network") }.answers()?,
        };
        let predicted = Predicted {
            kind: consensus.kind,
            separator: self.settings.separator().to_string(),
            size: consensus.masks.as_ref().map(Masks::size),
            rows: (0..pool.rows() as u32).collect(),
            ids: self.ids()?,
            names: consensus.classes,
            answers,
        };
        Ok(Predictions { predicted, labels })
    }

    /// The labels as a table: `row`, `id` where rows have names, `label`, `confidence` (1 where nobody disagrees; none of numbers), `answers`
    /// (`ANNOTATOR=LABEL`, with spaces between), `seems` (another class, where the label is likely to be wrong: the
    /// [worst](crate::experiment::quality::LabelErrors::worst) of them), `repeats` (the labelled row that it
    /// [nearly repeats](crate::experiment::quality::NearDuplicates), if any), `batch` (the last one in which it was asked for, from
    /// 1), `surprise` (of that batch, see [`Batch`](super::status::Batch): below -3 the pool has drifted from what was learned), and
    /// what people are shown of the row. Rows without a label are left out; `seems`, `repeats` and `surprise` are of classes alone.
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
        let spelling = Spelling::of(&self.settings);
        let label = |one: &&Labelled| match (&consensus.masks, one.number) {
            (Some(masks), _) => Some(masks::text(masks, one.word as usize)),
            (None, Some(number)) => Some(number.to_string()),
            (None, None) => Some(spelling.text(one.word, &consensus.classes)),
        };
        columns.push(("label".to_string(), Column::Texts(labelled.iter().map(label).collect())));
        // Of numbers and masks, none has any.
        if labelled.iter().any(|one| one.confidence.is_some()) {
            let confidence = labelled.iter().map(|one| one.confidence.map(|sure| sure as f32)).collect();
            columns.push(("confidence".to_string(), Column::Shares(confidence)));
        }
        let said = |row: u32| {
            let all = self.state.answers[&row].iter();
            let all: Vec<String> =
                all.map(|one| format!("{}={}", one.annotator, one.verdict.text())).collect();
            Some(all.join(" "))
        };
        columns
            .push(("answers".to_string(), Column::Texts(labelled.iter().map(|one| said(one.row)).collect())));
        let texts = |of: &dyn Fn(u32) -> Option<String>| {
            Column::Texts(labelled.iter().map(|one| of(one.row)).collect())
        };
        let classes = consensus.kind == TargetKind::Class;
        if classes {
            let quality = if enough(&consensus, self).is_ok() { self.quality(&consensus)? } else { None };
            let (suspected, near) = quality.map_or_else(Default::default, |quality| {
                (quality.labels.map_or(Vec::new(), |labels| labels.worst), quality.near_duplicates.pairs)
            });
            let seems = |row: u32| suspected.iter().find(|one| one.row == row).map(|one| one.seems.clone());
            columns.push(("seems".to_string(), texts(&seems)));
            let near: HashMap<u32, u32> = near.into_iter().map(|[row, other]| (row, other)).collect();
            columns.push(("repeats".to_string(), texts(&|row| near.get(&row).map(u32::to_string))));
        }
        let mut batch_of = HashMap::new();
        for (batch, picks) in status::asked(&self.events).enumerate() {
            batch_of.extend(picks.iter().map(|pick| (pick.row, batch)));
        }
        let batch = |row: u32| batch_of.get(&row).map(|batch| (batch + 1).to_string());
        columns.push(("batch".to_string(), texts(&batch)));
        if classes {
            let judged = status::judged(&self.events, &consensus);
            let surprise = |row: u32| Some(judged[*batch_of.get(&row)?].as_ref()?.surprise as f32);
            columns.push((
                "surprise".to_string(),
                Column::Shares(labelled.iter().map(|one| surprise(one.row)).collect()),
            ));
        }
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        for (at, name) in self.settings.shown.iter().enumerate() {
            let texts = contents.iter().map(|one| one.fields.get(at).map(|(_, text)| text.clone())).collect();
            let name = if names.contains(name) || says_something(name) {
                format!("pool.{name}")
            } else {
                name.clone()
            };
            columns.push((name, Column::Texts(texts)));
        }
        Ok(Table { columns })
    }

    /// The masks of rows that have one as black and white pictures, each with its file's name.
    ///
    /// # Errors
    /// A damaged journal or pool.
    pub fn pictures(&mut self) -> Result<Vec<(String, Vec<u8>)>> {
        self.refresh()?;
        let consensus = self.consensus();
        let Some(masks) = &consensus.masks else { return Ok(Vec::new()) };
        let (height, width) = masks.size();
        let named = |one: &Labelled| {
            let name = self.pool.id(one.row as usize)?.unwrap_or_else(|| one.row.to_string());
            let mask = masks.mask(one.word as usize);
            let values: Vec<f32> =
                (0..masks.pixels()).map(|at| if pixel(mask, at) { 255.0 } else { 0.0 }).collect();
            Ok((format!("{name}.png"), png(&values, [1, height, width])))
        };
        consensus.labelled.iter().map(named).collect()
    }

    /// The [`labels`](Self::labels) as a file's content.
    ///
    /// # Errors
    /// As [`labels`](Self::labels).
    pub fn export(&mut self, format: Format) -> Result<Vec<u8>> {
        self.labels()?.bytes(format)
    }

    /// What the pool calls its rows; empty where it does not.
    fn ids(&self) -> Result<Vec<String>, SessionError> {
        let id = |row| Ok(self.pool.id(row)?.unwrap_or_default());
        let rows = if self.settings.named { self.pool.rows() } else { 0 };
        (0..rows).map(id).collect()
    }
}

/// Refuses labels that are all alike.
pub(super) fn enough(consensus: &Consensus, session: &Session) -> Result<(), SessionError> {
    match consensus.distinct() {
        found @ (0 | 1) => {
            Err(SessionError::TooFew { dir: session.dir.clone(), kind: consensus.kind, found })
        }
        _ => Ok(()),
    }
}
