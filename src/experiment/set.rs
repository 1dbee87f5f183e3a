//! `--set key=value`: changes to an experiment file before it is checked, each key once.

use super::error::{ExperimentError, Place};
use super::raw::{self, Node, Table, Value};
use std::sync::Arc;

/// Applies one `a.b=value` to a file's table. `value` is TOML; what is not TOML is taken as a string,
/// so that quotes are seldom needed on a command line.
///
/// # Errors
/// [`ExperimentError::Set`] for what is no such text; [`ExperimentError::SetTwice`] for a key that an earlier one has changed.
pub fn apply(table: &mut Table, text: &str) -> Result<(), ExperimentError> {
    let refuse = || ExperimentError::Set { text: text.to_string() };
    let (key, value) = text.split_once('=').ok_or_else(refuse)?;
    let (key, value) = (key.trim(), value.trim());
    if key.is_empty() || text.contains('\n') {
        return Err(refuse());
    }
    let place = Place::Set { text: Arc::from(text) };
    let locate = |_| place.clone();
    let as_toml = raw::parse(&format!("{key} = {value}"), &locate);
    let change = as_toml.or_else(|_| {
        let quoted = toml::Value::String(value.to_string());
        raw::parse(&format!("{key} = {quoted}"), &locate).map_err(|_| refuse())
    })?;
    merge(table, change, text)
}

/// Tables are merged, everything else is replaced, unless an earlier change put it there.
fn merge(into: &mut Table, change: Table, text: &str) -> Result<(), ExperimentError> {
    for (key, node) in change {
        match (into.get_mut(&key), node.value) {
            (Some(Node { value: Value::Table(old), .. }), Value::Table(new)) => merge(old, new, text)?,
            (old, value) => {
                if let Some(first) = old.and_then(|old| changed(old)) {
                    let (first, second) = (first.to_string(), text.to_string());
                    return Err(ExperimentError::SetTwice { first, second });
                }
                into.insert(key, Node { value, place: node.place });
            }
        }
    }
    Ok(())
}

/// The change that put a value there, or any below it.
fn changed(node: &Node) -> Option<&str> {
    match (&node.value, &node.place) {
        (Value::Table(inner), _) if !inner.is_empty() => inner.values().find_map(changed),
        (_, Place::Set { text }) => Some(text),
        (_, Place::File { .. }) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str, sets: &[&str]) -> Table {
        let mut table = raw::parse(text, &raw::locate_in("f.toml", text)).unwrap();
        for set in sets {
            apply(&mut table, set).unwrap();
        }
        table
    }

    fn value<'a>(table: &'a Table, path: &[&str]) -> &'a Value {
        let (last, above) = path.split_last().unwrap();
        let inner = above.iter().fold(table, |table, key| match &table[*key].value {
            Value::Table(inner) => inner,
            other => panic!("{other:?}"),
        });
        &inner[*last].value
    }

    #[test]
    fn values_are_toml_and_bare_words_strings() {
        let table = with(
            "[a]\nb = 1\nc = 2",
            &["a.b=7", "a.d.e=[1, 2.5]", "x = true", "a.m=annealing", "a.p=runs/a b/\"c\""],
        );
        assert_eq!(*value(&table, &["a", "b"]), Value::Integer(7));
        assert_eq!(*value(&table, &["a", "c"]), Value::Integer(2), "siblings stay");
        assert_eq!(*value(&table, &["x"]), Value::Boolean(true));
        assert_eq!(*value(&table, &["a", "m"]), Value::Text("annealing".into()));
        assert_eq!(*value(&table, &["a", "p"]), Value::Text("runs/a b/\"c\"".into()));
        let Value::List(items) = value(&table, &["a", "d", "e"]) else { panic!() };
        assert_eq!(items[1].value, Value::Float(2.5));
        assert_eq!(items[1].place.to_string(), "--set a.d.e=[1, 2.5]");
    }

    /// Of two changes of a key the first was once lost without a word.
    #[test]
    fn a_key_is_set_once() {
        for (first, second) in [
            ("a.b=7", "a.b=8"),
            ("a.b=7", "a.b=7"),
            ("a.b=7", " a.b = word"),
            ("a={b=7}", "a.b=8"),
            ("a.n.x=1", "a.n=2"),
            ("a.n=[1]", "a.n.x=2"),
            ("t=1", "t=2"),
        ] {
            let mut table = raw::parse("[a]\nb = 1", &raw::locate_in("f.toml", "[a]\nb = 1")).unwrap();
            apply(&mut table, first).unwrap();
            let error = apply(&mut table, second).unwrap_err();
            assert!(matches!(error, ExperimentError::SetTwice { .. }), "{first}, {second}: {error}");
            assert!(error.to_string().contains(first) && error.to_string().contains(second), "{error}");
        }
        with("[a]\nb = 1", &["a.b=7", "a.c=8", "a.n={x=1}", "a.n.y=2"]);
    }

    #[test]
    fn what_is_no_assignment_is_refused() {
        for text in ["", "a", "=1", " = 1", "a..b=1", "a b=1", "a=1\nb=2"] {
            let error = apply(&mut Table::new(), text).unwrap_err();
            assert!(matches!(error, ExperimentError::Set { .. }), "{text}: {error}");
        }
    }
}
