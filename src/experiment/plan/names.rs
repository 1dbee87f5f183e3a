//! Names of data sets, made different where files of one name meet in a plan.
//!
//! A name is what rows, tables and messages call a data set; nothing is drawn or decided by it. So files may
//! have any names, and two of one name are told apart by as much more of their paths as it takes.

use super::Plan;
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::sections::DataRef;
use std::collections::{HashMap, HashSet};
use std::path::{Component, Path};

impl Plan {
    /// Gives every data set of the plan a name of its own; a set that stands in several lists has one.
    ///
    /// # Errors
    /// [`ExperimentError::SameName`] if two sets were given one name in so many words.
    pub(super) fn name_apart(&mut self, place: &Place) -> Result<(), ExperimentError> {
        let of_transfer = self.transfer.iter_mut().flat_map(|transfer| &mut transfer.targets);
        let of_rivals =
            self.search_comparison.iter_mut().flat_map(|search_comparison| &mut search_comparison.targets);
        let learned = self.sources.datasets.iter_mut().chain(&mut self.sources.validation);
        let mut all: Vec<&mut DataRef> = learned.chain(of_transfer).chain(of_rivals).collect();
        let names = {
            let all: Vec<&DataRef> = all.iter().map(|one| &**one).collect();
            let names = apart(&all);
            if let Some(at) = shared(&names, |i| all[i]).into_iter().position(|shared| shared) {
                return Err(ExperimentError::SameName { place: place.clone(), name: names[at].clone() });
            }
            names
        };
        for (one, found) in all.iter_mut().zip(names) {
            let differs = one.name() != found;
            if let DataRef::File(file) = one
                && differs
            {
                file.name = Some(found);
            }
        }
        Ok(())
    }
}

/// Names of these sets, different for different sets as far as they were not given.
fn apart(all: &[&DataRef]) -> Vec<String> {
    let mut details = vec![0; all.len()];
    loop {
        let names: Vec<String> = all.iter().zip(&details).map(|(one, &detail)| name(one, detail)).collect();
        let clashes = shared(&names, |i| all[i]);
        let more: Vec<usize> = (0..all.len()).filter(|&i| clashes[i] && details[i] < most(all[i])).collect();
        if more.is_empty() {
            return names;
        }
        more.into_iter().for_each(|i| details[i] += 1);
    }
}

/// For every set whether another one has its name.
fn shared<'a>(names: &[String], set: impl Fn(usize) -> &'a DataRef) -> Vec<bool> {
    let mut sets: HashMap<&str, HashSet<&DataRef>> = HashMap::new();
    for (i, name) in names.iter().enumerate() {
        sets.entry(name).or_default().insert(set(i));
    }
    names.iter().map(|name| sets[name.as_str()].len() > 1).collect()
}

/// The folders above a file, as far as its path names them, from the file upwards.
fn folders(file: &str) -> Vec<&str> {
    let above = Path::new(file).parent().into_iter().flat_map(Path::components);
    let named = above.filter_map(|component| match component {
        Component::Normal(name) => name.to_str(),
        Component::ParentDir => Some(".."),
        _ => None,
    });
    let mut named: Vec<&str> = named.collect();
    named.reverse();
    named
}

/// Steps from the least to the most that [`name`] says of a set.
fn most(one: &DataRef) -> usize {
    match one {
        DataRef::File(it) if it.name.is_none() => folders(&it.file).len() + 2,
        _ => 0,
    }
}

/// The name of a set with so much detail: first the folders above it one by one, then the whole path, then
/// what else is said of it.
fn name(one: &DataRef, detail: usize) -> String {
    let (it, folders) = match one {
        DataRef::File(it) if it.name.is_none() => (it, folders(&it.file)),
        _ => return one.name().to_string(),
    };
    if detail <= folders.len() {
        let above: Vec<&str> = folders[..detail].iter().rev().copied().chain([one.name()]).collect();
        return above.join("/");
    }
    let mut name = it.file.clone();
    if detail > folders.len() + 1 {
        let lists = [&it.features, &it.columns, &it.ignore];
        let more = [&it.label, &it.id, &it.split, &it.inputs].into_iter().flatten();
        more.chain(lists.into_iter().flatten()).for_each(|text| name.push_str(&format!(":{text}")));
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::sections::FileRef;

    fn of(file: FileRef) -> DataRef {
        DataRef::File(Box::new(file))
    }

    fn file(path: &str) -> DataRef {
        of(FileRef { file: path.into(), ..FileRef::default() })
    }

    fn names(all: &[DataRef]) -> Vec<String> {
        apart(&all.iter().collect::<Vec<_>>())
    }

    /// Names were once cut at the first dot, so that these two were one.
    #[test]
    fn only_known_endings_are_cut() {
        assert_eq!(
            names(&[file("breast.one.csv"), file("x/breast.two.csv.gz")]),
            ["breast.one", "breast.two"]
        );
        assert_eq!(names(&[file("A.CSV"), file(".csv"), file("v1.2")]), ["A", ".csv", "v1.2"]);
    }

    #[test]
    fn files_of_one_name_are_told_apart_by_their_paths() {
        assert_eq!(names(&[file("a/train.csv"), file("b/train.csv")]), ["a/train", "b/train"]);
        assert_eq!(names(&[file("x/a/t.csv"), file("y/a/t.csv"), file("u.csv")]), ["x/a/t", "y/a/t", "u"]);
        assert_eq!(names(&[file("t.csv"), file("b/t.csv")]), ["t.csv", "b/t"]);
        assert_eq!(names(&[file("t.csv"), file("t.npz")]), ["t.csv", "t.npz"]);
        assert_eq!(names(&[DataRef::Named("iris".into()), file("iris.csv")]), ["iris", "iris.csv"]);
        let labelled = |label: &str| {
            of(FileRef { file: "t.csv".into(), label: Some(label.into()), ..FileRef::default() })
        };
        assert_eq!(names(&[labelled("y"), labelled("z")]), ["t.csv:y", "t.csv:z"]);
    }

    #[test]
    fn one_set_in_two_lists_has_one_name() {
        assert_eq!(names(&[file("a/t.csv"), file("a/t.csv"), file("b/t.csv")]), ["a/t", "a/t", "b/t"]);
    }

    #[test]
    fn given_names_stay() {
        let given = |name: &str, path: &str| {
            of(FileRef { file: path.into(), name: Some(name.into()), ..FileRef::default() })
        };
        assert_eq!(names(&[given("t", "x.csv"), file("b/t.csv")]), ["t", "b/t"]);
        assert_eq!(names(&[given("t", "x.csv"), given("t", "y.csv")]), ["t", "t"], "to be refused");
    }
}
