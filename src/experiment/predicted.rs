//! [`Predicted`]: what a network says of rows, as files that other tools read.

use crate::data::columns::listed;
use crate::data::{Matrix, TargetKind, argmax, png};

/// What a network says of some rows of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Predicted {
    /// What is predicted.
    pub kind: TargetKind,
    /// The names of classes or labels; none of others.
    pub names: Vec<String>,
    /// What stands between the labels of a set.
    pub separator: String,
    /// Rows and columns of pixels of masks.
    pub size: Option<(usize, usize)>,
    /// Rows of the file, counted from 0.
    pub rows: Vec<u32>,
    /// What they are called, in the same order; empty where they have no names.
    pub ids: Vec<String>,
    /// [Answers](TargetKind::answers), one row each.
    pub answers: Matrix,
}

/// The form that predictions have.
#[derive(Clone, Debug, PartialEq)]
pub enum PredictedFiles {
    /// One table.
    Table(Vec<u8>),
    /// A picture per row, with its name.
    Pictures(Vec<(String, Vec<u8>)>),
}

impl Predicted {
    /// Masks as black and white pictures called `NAME.png`, by the row's name or its number; everything else as CSV: `row`, `id` where rows have
    /// names, `predicted`, and a probability per class or label. Sets of labels are written as a column of lists has them.
    pub fn files(&self) -> PredictedFiles {
        match self.size {
            Some(size) => PredictedFiles::Pictures(self.pictures(size)),
            None => PredictedFiles::Table(self.table()),
        }
    }

    fn pictures(&self, (height, width): (usize, usize)) -> Vec<(String, Vec<u8>)> {
        let picture = |(at, row): (usize, &u32)| {
            let name = self.ids.get(at).map_or_else(|| row.to_string(), Clone::clone);
            let on = |&p: &f32| if p >= 0.5 { 255.0 } else { 0.0 };
            let values: Vec<f32> = self.answers.row(at).iter().map(on).collect();
            (format!("{name}.png"), png(&values, [1, height, width]))
        };
        self.rows.iter().enumerate().map(picture).collect()
    }

    fn table(&self) -> Vec<u8> {
        let named = !self.ids.is_empty();
        let mut writer = csv::Writer::from_writer(Vec::new());
        let head = ["row"].into_iter().chain(named.then_some("id")).chain(["predicted"]);
        let head = head.map(str::to_string).chain(self.names.iter().map(|name| format!("p({name})")));
        let mut write = |fields: Vec<String>| writer.write_record(fields).expect("memory takes all records");
        write(head.collect());
        for (at, row) in self.rows.iter().enumerate() {
            let answers = self.answers.row(at);
            let shares = answers.iter().filter(|_| !self.names.is_empty()).map(f32::to_string);
            let id = self.ids.get(at).cloned();
            let start = [row.to_string()].into_iter().chain(id).chain([self.text(at)]);
            write(start.chain(shares).collect());
        }
        writer.into_inner().expect("memory takes all records")
    }

    /// What is predicted of the row at this place: the first of the most probable classes, all labels from a probability of ½ on, or the number.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn text(&self, at: usize) -> String {
        let answers = self.answers.row(at);
        match self.kind {
            TargetKind::Class => self.names[argmax(answers)].clone(),
            TargetKind::MultiLabel => {
                let held = self.names.iter().zip(answers).filter(|(_, p)| **p >= 0.5);
                listed(held.map(|(name, _)| name.as_str()), &self.separator)
            }
            TargetKind::Real | TargetKind::Mask => answers[0].to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predicted(kind: TargetKind, names: &[&str], ids: &[&str], answers: &[f32]) -> Predicted {
        let texts = |all: &[&str]| all.iter().map(|one| one.to_string()).collect::<Vec<_>>();
        let answers = Matrix::new(answers.to_vec(), 2, answers.len() / 2);
        let separator = ";".to_string();
        Predicted {
            kind,
            names: texts(names),
            separator,
            size: None,
            rows: vec![3, 8],
            ids: texts(ids),
            answers,
        }
    }

    #[test]
    fn tables_by_hand() {
        let text = |predicted: Predicted| match predicted.files() {
            PredictedFiles::Table(bytes) => String::from_utf8(bytes).unwrap(),
            PredictedFiles::Pictures(_) => panic!("a table"),
        };
        let names = ["red", "a,b"];
        let classes = predicted(TargetKind::Class, &names, &["x", "y"], &[0.5, 0.5, 0.25, 0.75]);
        assert_eq!(
            text(classes),
            "row,id,predicted,p(red),\"p(a,b)\"\n3,x,red,0.5,0.5\n8,y,\"a,b\",0.25,0.75\n"
        );
        let labels = predicted(TargetKind::MultiLabel, &["red", "round"], &[], &[0.5, 0.75, 0.25, 0.0]);
        assert_eq!(text(labels), "row,predicted,p(red),p(round)\n3,red;round,0.5,0.75\n8,;,0.25,0\n");
        assert_eq!(text(predicted(TargetKind::Real, &[], &[], &[1.5, -2.0])), "row,predicted\n3,1.5\n8,-2\n");
    }

    #[test]
    fn masks_are_pictures_of_black_and_white() {
        let masks = predicted(TargetKind::Mask, &[], &["a", "b"], &[0.5, 0.4, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        let PredictedFiles::Pictures(files) = Predicted { size: Some((2, 2)), ..masks }.files() else {
            panic!("pictures")
        };
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a.png", "b.png"]);
        let pixels = |at: usize| image::load_from_memory(&files[at].1).unwrap().into_luma8().into_raw();
        assert_eq!((pixels(0), pixels(1)), (vec![255, 0, 0, 255], vec![0; 4]));
    }
}
