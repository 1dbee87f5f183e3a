//! Which column is for what: by name, by pattern, by position.

use super::{DEFAULT_LABEL, DEFAULT_SPLIT_COLUMN, Kind, Wanted};
use crate::data::TargetKind;
use crate::data::readers::{ReadError, ReadOptions, suggest};
use crate::data::table::Decision;
use crate::error::shorten;
use std::collections::HashMap;

/// Names that labels often have, most likely first; letter case is ignored.
const LIKELY: [&str; 8] = ["class", "target", "y", "species", "outcome", "labels", "category", "survived"];

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::data) enum Role {
    Feature,
    Label,
    Split,
    Id,
    Domain,
    Ignored,
}

/// The roles of all columns.
#[derive(Debug)]
pub(in crate::data) struct Roles {
    roles: Vec<Role>,
    /// Columns that were named as features without a pattern.
    asked: Vec<bool>,
    kinds: Vec<Option<Kind>>,
    /// Whether the label, the split were named, and not found under their customary names.
    named: [bool; 2],
}

impl Roles {
    /// Finds every column that `options` name in `names`.
    pub fn new(
        file: &str,
        names: &[String],
        options: &ReadOptions,
        wanted: Wanted,
    ) -> Result<Self, ReadError> {
        let (columns, count) = (&options.columns, names.len());
        let mut places = HashMap::new();
        for (index, name) in names.iter().enumerate() {
            if let Some(first) = places.insert(name.as_str(), index) {
                let (file, column) = (file.to_string(), name.clone());
                return Err(ReadError::SameColumn { file, column, first: first + 1, second: index + 1 });
            }
        }
        let missing = |column: &str, hint: String| ReadError::NoColumn {
            file: file.to_string(),
            column: column.to_string(),
            hint,
        };
        let exact = |column: &str| places.get(column).copied().or_else(|| position(column, count));
        let one = |column: &str| exact(column).ok_or_else(|| missing(column, suggest(column, names)));
        let all = |pattern: &str| -> Result<Vec<usize>, ReadError> {
            if let Some(index) = exact(pattern) {
                return Ok(vec![index]);
            }
            let found: Vec<usize> = (0..count).filter(|&at| matches(pattern, &names[at])).collect();
            if found.is_empty() { Err(missing(pattern, suggest(pattern, names))) } else { Ok(found) }
        };

        let mut roles = vec![Role::Feature; count];
        let mut asked = vec![false; count];
        if !columns.columns.is_empty() {
            roles.fill(Role::Ignored);
            for pattern in &columns.columns {
                let named = exact(pattern).is_some();
                for at in all(pattern)? {
                    roles[at] = Role::Feature;
                    asked[at] |= named;
                }
            }
        }
        let mut left_out = vec![false; count];
        for pattern in &columns.ignore {
            for at in all(pattern)? {
                left_out[at] = true;
                if asked[at] {
                    let problem = format!("column \"{}\" is both named and ignored", shorten(&names[at]));
                    let hint = "take it out of --columns or of --ignore".to_string();
                    return Err(ReadError::Option { file: file.to_string(), problem, hint });
                }
                roles[at] = Role::Ignored;
            }
        }
        let customary = |name: &str| places.get(name).copied().filter(|&at| !left_out[at]);
        let split = match &columns.split {
            Some(column) => Some(one(column)?),
            None => customary(DEFAULT_SPLIT_COLUMN),
        };
        let sets = columns.task == TargetKind::MultiLabel;
        if columns.label_separator.as_deref().is_some_and(|separator| !sets || separator.is_empty()) {
            return Err(ReadError::Option {
                file: file.to_string(),
                problem: "--label-separator is given, which parts lists of labels".to_string(),
                hint: "say --task multi_label and a separator that is not empty, or leave it out".to_string(),
            });
        }
        let labels = match &columns.label {
            Some(patterns) if sets && columns.label_separator.is_none() => {
                let patterns: Vec<&str> = patterns.split(',').collect();
                if let Some(at) = (1..patterns.len()).find(|&at| patterns[..at].contains(&patterns[at])) {
                    return Err(ReadError::Option {
                        file: file.to_string(),
                        problem: format!("--label names \"{}\" twice", shorten(patterns[at])),
                        hint: "name every column once".to_string(),
                    });
                }
                let found: Vec<Vec<usize>> = patterns.into_iter().map(all).collect::<Result<_, _>>()?;
                let mut seen = vec![false; count];
                found.into_iter().flatten().filter(|&at| !std::mem::replace(&mut seen[at], true)).collect()
            }
            Some(column) if sets && exact(column).is_none() && several(column) => {
                return Err(ReadError::Option {
                    file: file.to_string(),
                    problem: format!(
                        "--label {} stands for several columns, and --label-separator parts the lists of one",
                        shorten(column)
                    ),
                    hint: "leave out --label-separator where every label has a column of 0 and 1; where one column lists them, name \
                           that one with --label"
                        .to_string(),
                });
            }
            Some(column) => vec![one(column)?],
            None => match customary(DEFAULT_LABEL) {
                Some(at) => vec![at],
                None if wanted == Wanted::Required => {
                    return Err(missing(DEFAULT_LABEL, which_label(names)));
                }
                None => Vec::new(),
            },
        };
        let id = columns.id.as_deref().map(one).transpose()?;
        let domain = columns.domains.as_ref().map(|domains| one(&domains.column)).transpose()?;
        let mut given = vec![None; count];
        let labels = labels.into_iter().map(|at| (Role::Label, "the labels", at));
        let split = split.map(|at| (Role::Split, "the split", at));
        let id = id.map(|at| (Role::Id, "the row ids", at));
        let domain = domain.map(|at| (Role::Domain, "the domains", at));
        for (role, what, at) in labels.chain(split).chain(id).chain(domain) {
            if let Some(before) = given[at].replace(what) {
                let column = shorten(&names[at]);
                return Err(ReadError::Option {
                    file: file.to_string(),
                    problem: format!("column \"{column}\" is named for {before} and for {what}"),
                    hint: "name another column, or none: rows are numbered from 0 in any case".to_string(),
                });
            }
            roles[at] = role;
        }
        let mut kinds = vec![None; count];
        for (column, kind) in &columns.types {
            for at in all(column)? {
                kinds[at] = Some(*kind);
            }
        }
        Ok(Self { roles, asked, kinds, named: [columns.label.is_some(), columns.split.is_some()] })
    }

    /// The column of a role, the first where it has several.
    pub fn of(&self, role: Role) -> Option<usize> {
        self.all_of(role).next()
    }

    /// All columns of a role, in their order.
    pub fn all_of(&self, role: Role) -> impl Iterator<Item = usize> + '_ {
        (0..self.roles.len()).filter(move |&at| self.roles[at] == role)
    }

    pub fn is_feature(&self, at: usize) -> bool {
        self.roles[at] == Role::Feature
    }

    /// Whether a feature was named as one, so that it is kept whatever it looks like.
    pub fn asked(&self, at: usize) -> bool {
        self.asked[at]
    }

    /// What a column was said to hold.
    pub fn kind(&self, at: usize) -> Option<Kind> {
        self.kinds[at]
    }

    /// Which columns are for something else than features.
    pub fn decisions(&self, names: &[String]) -> Vec<Decision> {
        let reason = |named: bool, customary: &str| {
            if named { "it was named".to_string() } else { format!("it is called `{customary}`") }
        };
        let said = |what: &str, at: usize, reason: String, flag: &str| Decision {
            what: what.to_string(),
            choice: format!("column \"{}\"", shorten(&names[at])),
            reason,
            flag: Some(flag.to_string()),
        };
        let mut decisions = Vec::new();
        match self.of(Role::Label) {
            Some(_) => decisions.extend(
                self.all_of(Role::Label)
                    .map(|at| said("label", at, reason(self.named[0], DEFAULT_LABEL), "--label COLUMN")),
            ),
            None => decisions.push(Decision {
                what: "label".to_string(),
                choice: "none".to_string(),
                reason: format!("no column is called `{DEFAULT_LABEL}`; {}", which_label(names)),
                flag: Some("--label COLUMN".to_string()),
            }),
        }
        if let Some(at) = self.of(Role::Split) {
            decisions.push(said("split", at, reason(self.named[1], DEFAULT_SPLIT_COLUMN), "--split COLUMN"));
        }
        if let Some(at) = self.of(Role::Id) {
            decisions.push(said("row ids", at, "it was named".to_string(), "--id COLUMN"));
        }
        let out = (0..names.len()).filter(|&at| self.roles[at] == Role::Ignored);
        let out: Vec<String> = out.map(|at| shorten(&names[at]).into_owned()).collect();
        if !out.is_empty() {
            decisions.push(Decision {
                what: "columns that are no features".to_string(),
                choice: listed(&out),
                reason: "--columns does not name them, or --ignore does".to_string(),
                flag: Some("--columns, --ignore".to_string()),
            });
        }
        decisions
    }
}

/// Some of `names`; more are only counted.
pub(super) fn listed(names: &[String]) -> String {
    /// How many are listed.
    const LISTED: usize = 8;
    let more = names.len().saturating_sub(LISTED);
    let listed = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
    if more > 0 { format!("{listed} and {more} more") } else { listed }
}

/// The one column that is named, or is at that position.
///
/// # Errors
/// [`ReadError::NoColumn`] with the nearest name.
pub(super) fn named(file: &str, names: &[String], column: &str) -> Result<usize, ReadError> {
    let found = names.iter().position(|name| name == column).or_else(|| position(column, names.len()));
    found.ok_or_else(|| ReadError::NoColumn {
        file: file.to_string(),
        column: column.to_string(),
        hint: suggest(column, names),
    })
}

/// The column at a position, from 0 forwards or from -1 backwards.
pub(super) fn position(text: &str, count: usize) -> Option<usize> {
    let at: i64 = text.parse().ok()?;
    let at = if at < 0 { at.checked_add(i64::try_from(count).ok()?)? } else { at };
    usize::try_from(at).ok().filter(|&at| at < count)
}

/// What may hold the labels where no column is called `label`: a slip of the name, or the likely ones first.
fn which_label(names: &[String]) -> String {
    let near = suggest(DEFAULT_LABEL, names);
    if near.starts_with("did you mean") || near.starts_with("there is only one column") {
        return near;
    }
    let likely = |wanted: &&str| names.iter().find(|name| name.eq_ignore_ascii_case(wanted));
    let mut order: Vec<&String> = LIKELY.iter().filter_map(likely).collect();
    order.extend(names.last());
    order.extend(names);
    let mut seen = std::collections::HashSet::new();
    let order: Vec<String> =
        order.into_iter().filter(|name| seen.insert(*name)).map(|name| shorten(name).into_owned()).collect();
    format!("name one with --label; likely ones first, there are: {}", listed(&order))
}

/// Whether what names the columns of labels names several: a list, or a pattern.
pub(in crate::data) fn several(label: &str) -> bool {
    label.contains([',', '*', '?'])
}

/// Whether `pattern`, in which `*` stands for any characters and `?` for one, is `name` as a whole.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // The last star, and how much of the name it stands for.
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        if p < pattern.len() && pattern[p] == '*' {
            star = Some((p, n));
            p += 1;
        } else if p < pattern.len() && (pattern[p] == '?' || pattern[p] == name[n]) {
            (p, n) = (p + 1, n + 1);
        } else if let Some((at, taken)) = star {
            star = Some((at, taken + 1));
            (p, n) = (at + 1, taken + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_names() {
        for (pattern, name) in
            [("*", ""), ("x*", "x12"), ("*_id", "user_id"), ("a?c", "aéc"), ("**b*", "abba")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("", "a"), ("x", "x1"), ("?", ""), ("a*c", "abd"), ("x?", "x12")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn positions_count_from_both_ends() {
        let found = ["0", "2", "-1", "-3", "3", "-4", "x", ""].map(|text| position(text, 3));
        assert_eq!(found, [Some(0), Some(2), Some(2), Some(0), None, None, None, None]);
    }

    #[test]
    fn likely_labels_come_first() {
        let names = ["a", "Species", "b", "z"].map(String::from);
        assert!(which_label(&names).ends_with("there are: Species, z, a, b"), "{}", which_label(&names));
    }
}
