//! Tables as people have them: what is inferred of their columns, how it is overruled, and that every way into the
//! program heeds it.

#![allow(clippy::disallowed_methods)]

use assert_cmd::{Command, cargo::cargo_bin};
use predicates::prelude::*;
use querist::data::columns::{ColumnOptions, Kind};
use querist::data::readers::{ReadOptions, read, read_examples};
use querist::data::{Dataset, RowId, SplitPlan, TargetKind, Task, describe};
use querist::{Key, Result};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, text: &str, columns: ColumnOptions) -> Result<Dataset> {
        read(&self.file("t.csv", text), &ReadOptions { columns, ..ReadOptions::default() })
    }

    fn refusal(&self, text: &str, columns: ColumnOptions) -> String {
        let error = self.read(text, columns).expect_err("must be refused");
        format!("{error} | {}", error.hint().unwrap_or_default())
    }
}

fn plain() -> ColumnOptions {
    ColumnOptions::default()
}

fn label(name: &str) -> ColumnOptions {
    ColumnOptions { label: Some(name.to_string()), ..plain() }
}

/// A number that looks drawn, from 0 to `most`.
fn noise(row: usize, column: usize, most: usize) -> usize {
    (row + 1).wrapping_mul(2_654_435_761).wrapping_add(column * 40_503) / 65_536 % most
}

/// `rows` rows made by `row`, below `header`.
fn table(header: &str, rows: usize, row: impl Fn(usize) -> String) -> String {
    std::iter::once(header.to_string()).chain((0..rows).map(row)).map(|line| line + "\n").collect()
}

fn choice<'a>(set: &'a Dataset, what: &str) -> &'a str {
    let found = set.preparation().decisions.iter().find(|one| one.what == what);
    &found.unwrap_or_else(|| panic!("{what}: {:#?}", set.preparation().decisions)).choice
}

fn names(set: &Dataset) -> Vec<&str> {
    set.preparation().columns.iter().map(String::as_str).collect()
}

fn column(set: &Dataset, name: &str) -> Vec<f32> {
    let at = names(set).iter().position(|found| *found == name).unwrap_or_else(|| panic!("{:?}", names(set)));
    (0..set.rows()).map(|row| set.inputs().row(row)[at]).collect()
}

/// Passengers: a key, unique names, categories, missing ages and harbours, tickets that are nearly all different.
fn passengers(rows: usize) -> String {
    table("PassengerId,Survived,Pclass,Name,Sex,Age,SibSp,Ticket,Fare,Cabin,Embarked", rows, |row| {
        let woman = noise(row, 0, 3) == 0;
        let survived = usize::from(woman == (noise(row, 1, 5) > 0));
        let age = if noise(row, 2, 5) == 0 { String::new() } else { (1 + noise(row, 3, 70)).to_string() };
        let cabin = if noise(row, 4, 4) > 0 { String::new() } else { format!("C{row}") };
        let harbour = ["S", "C", "Q", "S", "S"][noise(row, 5, 5)];
        let harbour = if row == 61 { "" } else { harbour };
        let sex = if woman { "female" } else { "male" };
        let (class, fare) = (1 + noise(row, 6, 3), noise(row, 7, 8000) as f64 / 100.0);
        format!(
            "{},{survived},{class},\"Doe{row}, Mr. A\",{sex},{age},{},A/5 {row},{fare},{cabin},{harbour}",
            row + 1,
            noise(row, 8, 3)
        )
    })
}

#[test]
fn passengers_are_read_as_a_person_would() {
    let folder = Folder::new();
    let text = passengers(300);
    let refused = folder.refusal(&text, plain());
    assert!(
        refused.contains(
            "no column is called \"label\" | name one with --label; likely ones first, there are: Survived"
        ),
        "{refused}"
    );
    let set = folder.read(&text, label("Survived")).unwrap();
    assert_eq!((set.rows(), set.class_names().concat().as_str()), (300, "01"));
    assert_eq!(
        names(&set),
        [
            "Pclass",
            "Sex=female",
            "Sex=male",
            "Age",
            "Age=(missing)",
            "SibSp",
            "Fare",
            "Cabin=(missing)",
            "Embarked=C",
            "Embarked=Q",
            "Embarked=S",
            "Embarked=(missing)",
        ]
    );
    assert_eq!(
        choice(&set, "column Cabin").split(" its ").next().unwrap(),
        "left out, but for an indicator of"
    );
    for left_out in ["PassengerId", "Name", "Ticket"] {
        assert_eq!(choice(&set, &format!("column {left_out}")), "left out");
    }
    assert!(choice(&set, "column Age").contains("missing values by the pool's median, with an indicator"));
    assert_eq!(set.gaps().columns().len(), 1);
    let missing = column(&set, "Age=(missing)").iter().filter(|value| **value == 1.0).count();
    assert_eq!(missing, set.gaps().columns()[0].rows.len());
    // Every decision names a flag that takes the column otherwise.
    for decision in &set.preparation().decisions {
        assert!(decision.flag.as_ref().is_some_and(|flag| flag.starts_with("--")), "{decision:?}");
    }
    let it = describe(&set);
    assert_eq!((it.missing, it.decisions.len()), (missing, set.preparation().decisions.len()));
    let text = it.to_string();
    assert!(text.contains("column Sex: category, a column for each of 2 levels"), "{text}");
    assert!(text.contains("(otherwise: --columns \"Name,*\")"), "{text}");
}

/// Adults: spaces behind commas, question marks, many countries of which most are rare, classes such as `>50K.`.
#[test]
fn adults_are_read_as_a_person_would() {
    let folder = Folder::new();
    let text = table("age, workclass, fnlwgt, country, income", 2_000, |row| {
        let work = ["Private", "State-gov", "?", "Private"][noise(row, 0, 4)];
        let country =
            if noise(row, 1, 10) > 0 { "United-States".to_string() } else { format!("C{}", row % 60) };
        let income = if noise(row, 2, 4) == 0 { ">50K" } else { "<=50K" };
        format!(
            "{}, {work}, {}, {country}, {income}",
            17 + noise(row, 3, 70),
            10_000 + noise(row, 4, 900_000)
        )
    });
    let set = folder.read(&text, label("income"));
    // The header has spaces, too: the name is still the one that people see.
    let set = set.unwrap_or_else(|error| panic!("{error} {:?}", error.hint()));
    assert_eq!(set.class_names(), ["<=50K", ">50K"]);
    assert_eq!(
        names(&set),
        [
            "age",
            "workclass=Private",
            "workclass=State-gov",
            "workclass=(missing)",
            "fnlwgt",
            "country=United-States",
            "country=(other)",
        ]
    );
    assert!(
        choice(&set, "column country").contains("that have fewer than 10 rows"),
        "{}",
        choice(&set, "column country")
    );
}

/// Question marks and colours were once refused, with a hint to an option that nobody could reach.
#[test]
fn missing_values_and_categories_become_numbers() {
    let folder = Folder::new();
    let text = table("a,colour,ok,when,amount,label", 90, |row| {
        let a = if row % 9 == 0 { "?".to_string() } else { format!("{}.5", row % 7) };
        let colour = if row == 3 { "NA" } else { ["red", "green", "blue"][row % 3] };
        let ok = ["yes", "no", ""][row % 3 % 2 + usize::from(row == 8)];
        format!(
            "{a},{colour},{ok},2021-{:02}-{:02},\"{},{:03}.5\",{}",
            1 + row % 12,
            1 + row % 28,
            1 + row % 5,
            row,
            row % 2
        )
    });
    let set = folder.read(&text, plain()).unwrap();
    assert_eq!(
        names(&set),
        [
            "a",
            "a=(missing)",
            "colour=blue",
            "colour=green",
            "colour=red",
            "colour=(missing)",
            "ok",
            "when",
            "when.month.sin",
            "when.month.cos",
            "when.weekday.sin",
            "when.weekday.cos",
            "amount",
        ]
    );
    assert_eq!(column(&set, "amount")[..2], [1000.5, 2001.5]);
    assert_eq!(column(&set, "ok")[..2], [1.0, 0.0]);
    assert!(choice(&set, "column amount").starts_with("number"));
    assert!(choice(&set, "column when").starts_with("date, as the time in days, month, weekday"));
    assert_eq!(choice(&set, "column ok"), "truth value, 0 or 1");
    // What is inferred is overruled by name.
    let types = vec![("a".to_string(), Kind::Category), ("ok".to_string(), Kind::Category)];
    let other = folder.read(&text, ColumnOptions { types, ..plain() }).unwrap();
    assert!(names(&other).contains(&"ok=yes") && names(&other).contains(&"a=0.5"), "{:?}", names(&other));
    assert!(choice(&other, "column a").starts_with("category"));
}

#[test]
fn numbers_with_a_few_slips_are_refused_with_the_way_out() {
    let folder = Folder::new();
    let rows = |odd: &str| {
        table("x,label", 60, |row| {
            format!("{},{}", if row == 7 { odd.into() } else { row.to_string() }, row % 2)
        })
    };
    let refused = folder.refusal(&rows("12o"), plain());
    assert!(refused.contains("line 9, column x: \"12o\" is not a finite number | 1 of 60 values are none: take them as missing with --types x=number"), "{refused}");
    let types = vec![("x".to_string(), Kind::Number)];
    let set = folder.read(&rows("12o"), ColumnOptions { types, ..plain() }).unwrap();
    assert_eq!(names(&set), ["x", "x=(missing)"]);
    // Words that can only mean that there is none are taken so, and said.
    for word in ["-", "unknown", "n.a.", "\\N", "#DIV/0!", "(null)"] {
        let set = folder.read(&rows(word), plain()).unwrap();
        assert_eq!(names(&set), ["x", "x=(missing)"]);
        let decision = set.preparation().decisions.iter().find(|one| one.what == "column x").unwrap();
        assert!(decision.reason.contains(&format!("{word} stands for no value")), "{decision:?}");
    }
}

/// A column that counts the rows of a sorted file was once learned from without a word.
#[test]
fn columns_that_tell_rows_apart_are_left_out_and_said() {
    let folder = Folder::new();
    let rows = |name: &str, value: &dyn Fn(usize) -> String| {
        table(&format!("{name},a,label"), 60, |row| {
            format!("{},{},{}", value(row), noise(row, 0, 99), row / 20)
        })
    };
    let counting = |row: usize| row.to_string();
    let key = |row: usize| (7_000 + row * 37 % 60).to_string();
    let word = |row: usize| format!("d{row:03}");
    let uuid = |row: usize| format!("123e4567-e89b-12d3-a456-42661417{row:04}");
    let cases: [(&str, &dyn Fn(usize) -> String); 6] = [
        ("", &counting),
        ("Unnamed: 0", &counting),
        ("index", &counting),
        ("case_id", &key),
        ("doc", &word),
        ("token", &uuid),
    ];
    for (name, value) in cases {
        let text = rows(name, value);
        let set = folder.read(&text, plain()).unwrap();
        assert_eq!(names(&set), ["a"], "{name}");
        assert_eq!(set.preparation().warnings.len(), 1, "{name}");
        assert!(set.preparation().warnings[0].contains("is left out"), "{name}");
        assert!(describe(&set).to_string().contains("left out"));
        // By position, as it may have no name.
        for columns in [["0", "a"], [name, "*"]] {
            let columns = columns.map(String::from).to_vec();
            let kept = folder.read(&text, ColumnOptions { columns, ..plain() }).unwrap();
            assert!(kept.width() > 1 && names(&kept).contains(&"a"), "{name}: {:?}", names(&kept));
        }
    }
    // A column of another name may be a feature: kept, and warned of.
    let set = folder.read(&rows("second", &counting), plain()).unwrap();
    assert_eq!(names(&set), ["second", "a"]);
    assert!(set.preparation().warnings[0].contains("column \"second\" counts the rows"));
    let only = table("doc,label", 60, |row| format!("d{row},{}", row % 2));
    assert!(
        folder
            .refusal(&only, plain())
            .contains("no feature columns are left: all of doc were left out (doc: ")
    );
    // A separator that is not looked for leaves one column, too.
    let one = folder.file("one.csv", &table("a^label", 60, |row| format!("{row}.5^{}", row % 2)));
    let error = read_examples(&one, &ReadOptions::default()).unwrap_err();
    let hint = error.hint().unwrap_or_default();
    assert!(hint.starts_with("--separator says what fields are separated by; --columns"), "{error}: {hint}");
}

#[test]
fn columns_are_named_by_name_pattern_and_position() {
    let folder = Folder::new();
    let text = table("x1,x2,x3,y,case,class", 30, |row| {
        format!("{},{},{},{},k{row},{}", row % 5, row % 7, row % 3, row % 4, row % 2)
    });
    let many = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<Vec<_>>();
    let base = || ColumnOptions { label: Some("-1".into()), id: Some("case".into()), ..plain() };
    let width = |columns: ColumnOptions| folder.read(&text, columns).unwrap().width();
    assert_eq!(width(base()), 4);
    assert_eq!(width(ColumnOptions { columns: many(&["x*"]), ..base() }), 3);
    assert_eq!(width(ColumnOptions { columns: many(&["x*"]), ignore: many(&["x2"]), ..base() }), 2);
    assert_eq!(width(ColumnOptions { ignore: many(&["x?"]), ..base() }), 1);
    assert_eq!(width(ColumnOptions { ignore: many(&["0", "y"]), ..base() }), 2);
    assert_eq!(folder.read(&text, base()).unwrap().ids().unwrap()[3], "k3");
    for (columns, wanted) in [
        (ColumnOptions { ignore: many(&["z*"]), ..base() }, "no column is called \"z*\""),
        (ColumnOptions { columns: many(&["x9"]), ..base() }, "no column is called \"x9\""),
        (ColumnOptions { columns: many(&["x1"]), ignore: many(&["x1"]), ..base() }, "both named and ignored"),
        (ColumnOptions { id: Some("class".into()), ..base() }, "is named for the labels and for the row ids"),
        (ColumnOptions { label: Some("6".into()), ..base() }, "no column is called \"6\""),
    ] {
        let refused = folder.refusal(&text, columns);
        assert!(refused.contains(wanted), "{refused}");
    }
}

/// 120 time stamps were once two numbers.
#[test]
fn large_numbers_stay_apart() {
    let folder = Folder::new();
    let text = table("stamp,label", 120, |row| format!("{},{}", 1_700_000_000 + row, row % 2));
    let set = folder.read(&text, plain()).unwrap();
    let mut stamps = column(&set, "stamp");
    stamps.sort_by(f32::total_cmp);
    stamps.dedup();
    assert_eq!((stamps.len(), describe(&set).duplicates.distinct_inputs), (120, 120));
    assert!(choice(&set, "column stamp").starts_with("number, 1700000059.5 taken from each"));
}

/// `1` and `1.0` were once two classes, and a price one class per row.
#[test]
fn labels_are_classes_and_classes_are_labels() {
    let folder = Folder::new();
    let spelt =
        table("a,label", 80, |row| format!("{},{}", noise(row, 0, 99), ["1", "1.0", "0", " 0.0 "][row % 4]));
    let set = folder.read(&spelt, plain()).unwrap();
    assert_eq!((set.class_names().concat().as_str(), set.labels()[..4].to_vec()), ("01", vec![1, 1, 0, 0]));
    assert!(choice(&set, "spellings of labels").contains("1 and 1.0"));
    assert_eq!(choice(&set, "spaces around labels"), "left out");
    let price = table("a,price", 160, |row| format!("{},{}.5", row % 9, noise(row, 1, 10_000)));
    let refused = folder.refusal(&price, label("price"));
    assert!(refused.contains("column price looks continuous ("), "{refused}");
    assert!(refused.contains("different numbers in 160 rows), which are no classes | "), "{refused}");
    let words = table("a,label", 60, |row| format!("{},w{row}", row % 9));
    assert!(folder.refusal(&words, plain()).contains("60 different texts in 60 rows, which are no classes"));
    // The label by another name is warned of.
    let alive =
        table("a,alive,label", 60, |row| format!("{},{},{}", row % 9, ["no", "yes"][row % 2], row % 2));
    let set = folder.read(&alive, plain()).unwrap();
    assert!(set.preparation().warnings[0].contains("column \"alive\" has one value per class"));
}

fn warnings(set: &Dataset) -> String {
    set.preparation().warnings.join("\n")
}

/// Large labels were once merged by rounding, as were keys and stamps.
#[test]
fn whole_numbers_beyond_f64_are_exact() {
    let folder = Folder::new();
    let labels = table("a,label", 60, |row| {
        format!("{},{}", noise(row, 0, 99), 9_007_199_254_740_992u64 + row as u64 % 3)
    });
    let set = folder.read(&labels, plain()).unwrap();
    assert_eq!(set.class_names(), ["9007199254740992", "9007199254740993", "9007199254740994"]);
    let key = 1_234_567_890_123_456_700u64;
    let text = table("user_id,stamp,label", 90, |row| {
        format!("{},{},{}", key + row as u64, key + (row * row) as u64, row % 2)
    });
    let set = folder.read(&text, plain()).unwrap();
    assert_eq!(names(&set), ["stamp"]);
    assert_eq!(describe(&set).duplicates.distinct_inputs, 90);
    assert!(warnings(&set).contains("column \"user_id\" is left out"), "{}", warnings(&set));
}

#[test]
fn numbers_that_rounding_merges_are_warned_of() {
    let folder = Folder::new();
    let stamp = |row: usize| if row == 5 { 0 } else { 1_700_000_000 + row * row % 997 };
    let set =
        folder.read(&table("s,label", 120, |row| format!("{},{}", stamp(row), row % 2)), plain()).unwrap();
    assert!(warnings(&set).contains("after rounding to f32; subtract a constant"), "{}", warnings(&set));
    let sound = table("s,label", 120, |row| format!("{}.1,{}", noise(row, 0, 999), row % 2));
    assert_eq!(warnings(&folder.read(&sound, plain()).unwrap()), "");
}

/// Prices, shares, measures and dates were once a class per row.
#[test]
fn labels_that_are_measures_are_refused() {
    let folder = Folder::new();
    let forms: [&dyn Fn(usize) -> String; 4] = [
        &|row| format!("\"$1,{:03}\"", noise(row, 1, 900) + row),
        &|row| format!("{}.4%", row),
        &|row| format!("{}.5 kg", row),
        &|row| format!("2021-{:02}-{:02}", 1 + row % 12, 1 + row % 28),
    ];
    for form in forms {
        let text = table("a,y", 80, |row| format!("{},{}", row % 9, form(row)));
        let refused = folder.refusal(&text, label("y"));
        assert!(refused.contains("column y looks continuous"), "{refused}");
    }
    let few = table("a,y", 15, |row| format!("{},{row}.25", row % 4));
    assert!(folder.refusal(&few, label("y")).contains("(15 different numbers in 15 rows)"));
}

/// An index with a gap, with repeats or of halves was once learned from.
#[test]
fn indices_are_left_out_and_sequences_are_warned_of() {
    let folder = Folder::new();
    let set = |name: &str, value: &dyn Fn(usize) -> String| {
        let text = table(&format!("{name},a,label"), 60, |row| {
            format!("{},{},{}", value(row), noise(row, 0, 99), noise(row, 1, 2))
        });
        folder.read(&text, plain()).unwrap()
    };
    let gap = |row: usize| if row == 7 { String::new() } else { row.to_string() };
    let repeated = |row: usize| (row / 2).to_string();
    let half = |row: usize| format!("{row}.5");
    let shuffled = |row: usize| (7_000 + row * 37 % 60).to_string();
    let tenth = |row: usize| format!("{:.1}", row as f64 * 0.1);
    let values: [&dyn Fn(usize) -> String; 3] = [&gap, &repeated, &half];
    for name in ["", "Unnamed: 0", "unnamed 1", "index", "__index_level_0__"] {
        for value in values {
            let set = set(name, value);
            assert_eq!(names(&set), ["a"], "{name}");
            assert!(warnings(&set).contains("is left out"), "{name}");
        }
    }
    for name in ["rank", "row.names", "ids", "sample"] {
        assert_eq!(names(&set(name, &shuffled)), ["a"], "{name}");
    }
    let squares = |row: usize| (row * row + 3).to_string();
    assert!(warnings(&set("sample", &squares)).contains("column \"sample\" has the name of a key"));
    assert!(warnings(&set("b", &shuffled)).contains("column \"b\" holds consecutive whole numbers"));
    assert!(warnings(&set("b", &tenth)).contains("column \"b\" grows or falls by one step"));
    assert_eq!(warnings(&set("b", &squares)), "");
}

/// Formats with types once made a category of every text.
#[test]
fn texts_of_typed_formats_are_read_as_in_others() {
    let folder = Folder::new();
    let value = |row: usize| noise(row, 0, 50);
    let lines = table("", 60, |row| {
        let (number, word) = (value(row), ["no", "yes"][noise(row, 1, 2)]);
        let odd = if row == 9 { "many".to_string() } else { number.to_string() };
        format!(
            "{{\"n\":\"{number}\",\"ok\":\"{word}\",\"odd\":\"{odd}\",\"zip\":\"0{}\",\"label\":{}}}",
            row % 3,
            row % 2
        )
    });
    let set = read(&folder.file("t.jsonl", lines.trim_start()), &ReadOptions::default()).unwrap();
    assert_eq!((column(&set, "n")[3], column(&set, "ok")[3]), (value(3) as f32, noise(3, 1, 2) as f32));
    assert_eq!(choice(&set, "column n"), "number");
    assert!(names(&set).contains(&"zip=01"), "{:?}", names(&set));
    assert!(warnings(&set).contains("59 of 60 values are numbers written as text"), "{}", warnings(&set));
    assert!(warnings(&set).contains("--types odd=number"));
}

#[test]
fn points_group_thousands_where_commas_stand_before_decimals() {
    let folder = Folder::new();
    let rows = |price: &dyn Fn(usize) -> String| {
        table("price;size;label", 60, |row| {
            format!("{};{},{};{}", price(row), noise(row, 0, 9), row % 7, row % 2)
        })
    };
    let set =
        folder.read(&rows(&|row| format!("{}.{:03}", 1 + row % 5, noise(row, 1, 999))), plain()).unwrap();
    assert_eq!(column(&set, "price")[1], (2_000 + noise(1, 1, 999)) as f32);
    let decision = set.preparation().decisions.iter().find(|one| one.what == "column price").unwrap();
    assert!(decision.reason.contains("points group thousands"), "{decision:?}");
    let set = folder.read(&rows(&|row| format!("{}.5", row % 5)), plain()).unwrap();
    assert_eq!(column(&set, "price")[1], 1.5);
}

/// One impossible date once made a category of a column of dates without a word.
#[test]
fn a_bad_date_is_named() {
    let folder = Folder::new();
    for bad in ["0000-00-00", "2021-02-30"] {
        let text = table("when,a,label", 60, |row| {
            let date = format!("2021-{:02}-{:02}", 1 + row % 12, 1 + row % 4);
            format!("{},{},{}", if row == 7 { bad } else { &date }, noise(row, 0, 99), noise(row, 1, 2))
        });
        let set = folder.read(&text, plain()).unwrap();
        let wanted = format!("column \"when\": 59 of 60 values are dates, but \"{bad}\" in line 9 is none");
        assert!(warnings(&set).contains(&wanted), "{}", warnings(&set));
    }
}

#[test]
fn classes_that_differ_in_spelling_alone_are_warned_of() {
    let folder = Folder::new();
    for (a, b) in [(">50K", ">50K."), ("New York", "New  York"), ("cat", "cat\u{200b}")] {
        let text = table("a,label", 60, |row| format!("{},{}", noise(row, 0, 99), [a, b, "other"][row % 3]));
        let set = folder.read(&text, plain()).unwrap();
        assert!(warnings(&set).contains("classes that differ in spelling alone"), "{a} {b}");
    }
}

/// Rows without a label were once refused.
#[test]
fn partly_labelled_tables_are_played_on_their_labels() {
    let folder = Folder::new();
    let text = table("a,b,label", 90, |row| {
        let label = match row % 3 {
            0 => "",
            1 => "no",
            _ => "yes",
        };
        format!("{},{row}.5,{label}", noise(row, 0, 99))
    });
    let set = folder.read(&text, plain()).unwrap();
    assert_eq!((set.rows(), set.preparation().unlabelled, set.source_row(2)), (60, 30, 4));
    assert_eq!(choice(&set, "rows without a label"), "30 of 90 are left out of simulation");
    assert!(set.preparation().warnings[0].contains("simulations and fits use the other 60"));
    let it = describe(&set);
    assert_eq!((it.rows, it.unlabelled), (60, 30));
    assert!(it.to_string().contains("unlabelled  30 rows of the file"));
    // Picks are rows of the file.
    let plan = SplitPlan { scaling: querist::data::Scaling::None, ..SplitPlan::default() };
    let task = Task::split(&set, &plan, Key::root(1)).unwrap();
    for row in 0..task.pool().rows() {
        assert_eq!(task.dataset_row(RowId(row as u32)) as f32 + 0.5, task.pool().row(row)[1]);
    }
    // All rows are there for whoever labels in earnest.
    let all = read_examples(&folder.file("t.csv", &text), &ReadOptions::default()).unwrap();
    assert_eq!((all.inputs.rows(), all.labels.unwrap().iter().flatten().count()), (90, 60));
    let none = table("a,label", 20, |row| format!("{row}.5,"));
    assert!(folder.refusal(&none, plain()).contains("none of 20 rows has a label"));
}

/// What fills a missing value must not know a test row: the pool's numbers stay when the others change.
#[test]
fn imputation_sees_the_pool_alone() {
    let folder = Folder::new();
    let rows = |changed: &dyn Fn(usize) -> bool| {
        table("a,b,label", 120, |row| {
            let a = if row % 6 == 0 {
                String::new()
            } else {
                (row % 11 + if changed(row) { 500 } else { 0 }).to_string()
            };
            format!("{a},{row},{}", row % 2)
        })
    };
    let set = folder.read(&rows(&|_| false), plain()).unwrap();
    let plan = SplitPlan::default();
    // The split depends on the labels and the key alone.
    let task = Task::split(&set, &plan, Key::root(5)).unwrap();
    let pool: Vec<usize> =
        (0..task.pool().rows()).map(|row| task.dataset_row(RowId(row as u32)) as usize).collect();
    let other = folder.read(&rows(&|row| !pool.contains(&row)), plain()).unwrap();
    assert_ne!(other.content(), set.content());
    let other = Task::split(&other, &plan, Key::root(5)).unwrap();
    assert_eq!(other.pool().values(), task.pool().values());
    assert_ne!(other.test().inputs().values(), task.test().inputs().values());
    // The median of the pool's values, scaled, in every gap.
    let mut known: Vec<f32> = pool.iter().filter(|row| **row % 6 != 0).map(|row| (row % 11) as f32).collect();
    known.sort_by(f32::total_cmp);
    let median = (known[(known.len() - 1) / 2] + known[known.len() / 2]) / 2.0;
    let raw = Task::split(&set, &SplitPlan { scaling: querist::data::Scaling::None, ..plan }, Key::root(5))
        .unwrap();
    for (at, row) in pool.iter().enumerate().filter(|(_, row)| **row % 6 == 0) {
        assert_eq!(raw.pool().row(at)[0], median, "row {row}");
    }
}

#[test]
fn text_is_hashed_to_a_stated_width() {
    let folder = Folder::new();
    let text = table("review,label", 40, |row| {
        let word = ["good", "bad"][row % 2];
        format!("\"this film number {row} is {word} and long\",{}", row % 2)
    });
    let path = folder.file("t.csv", &text);
    let set = read(&path, &ReadOptions { hash: Some(32), ..ReadOptions::default() }).unwrap();
    assert_eq!(set.width(), 32);
    assert!(choice(&set, "column review").contains("hashed to 32 columns"));
    assert_eq!(read(&path, &ReadOptions::default()).unwrap().width(), querist::data::columns::TEXT_WIDTH);
}

fn querist(dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(cargo_bin("querist"));
    command
        .current_dir(dir)
        .env_remove("QUERIST_LOG")
        .env_remove("QUERIST_DATA")
        .env("NO_COLOR", "1")
        .args(args);
    command
}

fn json(dir: &Path, args: &[&str]) -> Value {
    let output = querist(dir, args).arg("--json").assert().code(0).get_output().stdout.clone();
    serde_json::from_slice(&output).unwrap()
}

fn manifest(dir: &Path, run: &Value) -> Value {
    let path = dir.join(run["run"].as_str().unwrap()).join("manifest.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

const QUICK: [&str; 8] =
    ["--budget", "4", "--repetitions", "2", "--set", "learner.epochs=3", "--quiet", "--fresh"];

/// One little-endian array of `f4`.
fn npy(rows: usize, cols: usize, value: impl Fn(usize, usize) -> f32) -> Vec<u8> {
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {cols}), }}");
    let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    bytes.extend(format!("{header:<117}\n").bytes());
    (0..rows * cols).for_each(|at| bytes.extend(value(at / cols, at % cols).to_le_bytes()));
    bytes
}

/// `describe`, `transfer`, `fit` and an experiment file read alike; an option that one of them ignored was once a
/// different data set.
#[test]
fn four_ways_heed_the_same_options() {
    let folder = Folder::new();
    let dir = folder.path();
    let text = table("doc,x1,x2,colour,y,other,fold", 80, |row| {
        let colour = ["red", "green"][noise(row, 0, 2)];
        let fold = ["train", "train", "test"][row % 3];
        format!("d{row},{}.5,{},{colour},{},{},{fold}", noise(row, 1, 9), noise(row, 2, 7), row % 2, row % 3)
    });
    folder.file("t.csv", &text);
    fs::write(dir.join("e.npy"), npy(80, 3, |row, column| (row * 7 % 13 + column) as f32)).unwrap();
    fs::write(dir.join("f.npy"), npy(80, 2, |row, column| (row * 5 % 11 * (column + 1)) as f32)).unwrap();
    let cases: [(&[&str], &str, usize); 8] = [
        (&["--label", "y"], "label = \"y\"", 2 + 2 + 1 + 2),
        (&["--label", "other"], "label = \"other\"", 2 + 2 + 1 + 2),
        (&["--label", "y", "--ignore", "colour,o*"], "label = \"y\", ignore = [\"colour\", \"o*\"]", 2 + 2),
        (&["--label", "y", "--columns", "x*"], "label = \"y\", columns = [\"x*\"]", 2),
        (
            &["--label", "y", "--columns", "x*", "--split", "fold"],
            "label = \"y\", columns = [\"x*\"], split = \"fold\"",
            2,
        ),
        (
            &["--label", "y", "--columns", "x*", "--id", "doc"],
            "label = \"y\", columns = [\"x*\"], id = \"doc\"",
            2,
        ),
        (
            &["--label", "y", "--columns", "x2", "--types", "x2=category"],
            "label = \"y\", columns = [\"x2\"], types = { x2 = \"category\" }",
            7,
        ),
        (
            &["--label", "y", "--features", "e.npy,f.npy"],
            "label = \"y\", features = [\"e.npy\", \"f.npy\"]",
            5,
        ),
    ];
    let mut digests = std::collections::HashSet::new();
    for (args, keys, width) in cases {
        let described = json(dir, &[&["data", "describe", "t.csv"][..], args].concat());
        assert_eq!(described["width"], width, "{args:?}: {}", described["columns"]);
        let digest = described["digest"].as_str().unwrap();
        assert!(digests.insert(digest.to_string()), "{args:?}: the data of another case");

        let line = ["transfer", "--policy", "universal", "--target", "t.csv", "--out", "run"];
        let run = json(dir, &[&line[..], &QUICK, args].concat());
        let found = manifest(dir, &run);
        assert!(!found["decisions"]["t"].as_array().unwrap().is_empty());
        // Classes are numbered as rows show them in a run.
        let of_transfer = found["data"]["t"].clone();
        let file = format!(
            "[transfer]\ntargets = [{{ file = \"t.csv\", {keys} }}]\nstrategies = [\"random\"]\nrepetitions = 2\n[learner]\nepochs = 3\n[episode]\nrounds = 2\n"
        );
        folder.file("x.toml", &file);
        let run = json(dir, &["bench", "x.toml", "--quiet", "--fresh", "--out", "bench"]);
        assert_eq!(manifest(dir, &run)["data"]["t"], of_transfer, "{args:?}");
        assert_eq!(manifest(dir, &run)["decisions"], found["decisions"], "{args:?}");

        for (inputs, code) in [(width, 0), (width + 1, 2)] {
            let classes = described["classes"].as_array().unwrap().len();
            folder.file(
                "net.json",
                &format!(
                    "{{\"inputs\": {inputs}, \"blocks\": [], \"outputs\": {classes}, \"dropout\": 0.0}}"
                ),
            );
            querist(
                dir,
                &[&["fit", "net.json", "--target", "t.csv", "--set", "learner.epochs=2"][..], args].concat(),
            )
            .assert()
            .code(code);
        }
    }
    let features = json(
        dir,
        &[
            &[
                "transfer",
                "--policy",
                "universal",
                "--target",
                "t.csv",
                "--label",
                "y",
                "--features",
                "e.npy",
                "--out",
                "run",
            ][..],
            &QUICK,
        ]
        .concat(),
    );
    let digest = &manifest(dir, &features)["data"]["features e.npy"];
    assert_eq!(digest.as_str().unwrap().len(), 64);
    // What is left out is said before it is played.
    querist(
        dir,
        &[
            &["transfer", "--policy", "universal", "--target", "t.csv", "--label", "y", "--out", "run"][..],
            &QUICK,
        ]
        .concat(),
    )
    .assert()
    .code(0)
    .stderr(predicate::str::contains(
        "warning: t: column \"doc\" is left out: every row has a value of its own",
    ));
    // A mistake is refused by all, with the nearest column.
    for way in [
        &["data", "describe", "t.csv"][..],
        &["transfer", "--policy", "universal", "--target", "t.csv"],
        &["fit", "net.json", "--target", "t.csv"],
    ] {
        querist(dir, &[way, &["--label", "y", "--ignore", "color"]].concat()).assert().code(2).stderr(
            predicate::str::contains("no column is called \"color\"")
                .and(predicate::str::contains("did you mean \"colour\"?")),
        );
        querist(dir, &[way, &["--label", "doc"]].concat()).assert().code(2);
    }
}

/// Names were once taken for paths, and a table without labels could not be looked at.
#[test]
fn data_sets_are_described_by_name_and_without_labels() {
    let folder = Folder::new();
    let dir = folder.path();
    fs::create_dir(dir.join("sets")).unwrap();
    fs::write(dir.join("sets/mine.csv"), table("a,label", 20, |row| format!("{row}.5,{}", row % 2))).unwrap();
    assert_eq!(json(dir, &["data", "describe", "digits"])["rows"], 1797);
    let mine = json(dir, &["data", "describe", "mine", "--data-dir", "sets"]);
    assert_eq!((mine["name"].as_str(), mine["rows"].as_u64()), (Some("mine"), Some(20)));
    folder.file("bare.csv", &table("a,b,species", 20, |row| format!("{row}.5,{},s{}", row % 3, row % 2)));
    let bare = json(dir, &["data", "describe", "bare.csv"]);
    assert_eq!((bare["rows"].as_u64(), bare["classes"].as_array().unwrap().len()), (Some(20), 0));
    let decisions = bare["decisions"].as_array().unwrap();
    let label = decisions.iter().find(|one| one["what"] == "label").unwrap();
    assert_eq!(label["choice"].as_str(), Some("none"));
    assert!(label["reason"].as_str().unwrap().contains("likely ones first, there are: species"));
    querist(dir, &["data", "describe", "bare.csv"])
        .assert()
        .code(0)
        .stdout(predicate::str::contains("classes     none: no labels"));
    querist(dir, &["data", "describe", "digit"]).assert().code(2).stderr(
        predicate::str::contains("no data set is called \"digit\"").and(predicate::str::contains("digits")),
    );
    // A class of one in sixty: accuracy would hide it.
    folder.file(
        "rare.csv",
        &table("a,label", 600, |row| format!("{}.5,{}", row % 50, usize::from(row % 60 == 0))),
    );
    let rare = json(dir, &["data", "describe", "rare.csv"]);
    assert!(rare["warnings"].to_string().contains("--metric balanced_accuracy"), "{rare}");
    let line = ["transfer", "--policy", "universal", "--target", "iris", "--out", "run"];
    let run = json(dir, &[&line[..], &QUICK].concat());
    assert!(manifest(dir, &run)["data"]["iris"].is_string());
}

/// Numbers in forms of other countries and trades were once categories, or left out as if they told rows apart.
#[test]
fn numbers_are_read_as_people_write_them() {
    let folder = Folder::new();
    let grouped = |value: usize, mark: &str| format!("{}{mark}{:03}", value / 1000, value % 1000);
    let text = table("swiss;french;dash;account;coded;weight;fortran;label", 60, |row| {
        let value = 1000 + noise(row, 0, 9000);
        let below = if row % 3 == 0 { "−" } else { "" };
        let account = if row % 3 == 0 { format!("({row}.5)") } else { format!("{row}.5") };
        format!(
            "{};{};{below}{row}.25;{account};EUR {row}.50;{row}.5 kg;{row}.5D+01;{}",
            grouped(value, "'"),
            grouped(value, "\u{a0}"),
            row % 2
        )
    });
    let set = folder.read(&text, plain()).unwrap();
    assert_eq!(names(&set), ["swiss", "french", "dash", "account", "coded", "weight", "fortran"]);
    let row = |at: usize| set.inputs().row(at).to_vec();
    let value = |row: usize| (1000 + noise(row, 0, 9000)) as f32;
    assert_eq!(row(3), [value(3), value(3), -3.25, -3.5, 3.5, 3.5, 35.0]);
    assert_eq!(row(4), [value(4), value(4), 4.25, 4.5, 4.5, 4.5, 45.0]);
    let decisions = &set.preparation().decisions;
    for says in [
        "apostrophes group",
        "spaces group",
        "a dash is the minus",
        "brackets",
        "the EUR",
        "the kg",
        "D stands",
    ] {
        assert!(decisions.iter().any(|one| one.reason.contains(says)), "{says}: {decisions:#?}");
    }
    // Codes with a letter behind their digits, and lists that are numbered, are none.
    let text = table("flat,item,label", 60, |row| format!("{}A,({}),{}", row % 4, row % 5, row % 2));
    let set = folder.read(&text, plain()).unwrap();
    assert_eq!(names(&set)[..2], ["flat=0A", "flat=1A"]);
    assert!(names(&set).contains(&"item=(0)"));
}

/// -999 was once learned from as a number without a word.
#[test]
fn values_that_may_stand_for_none_are_said_and_taken_out_on_demand() {
    let folder = Folder::new();
    let text = table("a,b,c,label", 60, |row| {
        let a =
            if row % 10 == 0 { "-999".to_string() } else { (noise(row, 0, 90) as f64 / 10.0).to_string() };
        let c = if row % 20 == 3 { "-1.0".to_string() } else { noise(row, 1, 50).to_string() };
        format!(
            "{a},{},{c},{}",
            noise(row, 2, 30),
            if row % 15 == 0 { "unknown" } else { ["x", "y"][row % 2] }
        )
    });
    let set = folder.read(&text, plain()).unwrap();
    let warnings = set.preparation().warnings.join("\n");
    assert!(warnings.contains("column \"a\": -999 in 6 rows may stand for no value"), "{warnings}");
    assert!(warnings.contains("--missing a=-999"), "{warnings}");
    assert!(warnings.contains("column \"c\": -1 in 3 rows may stand"), "{warnings}");
    assert!(!warnings.contains("column \"b\""), "{warnings}");
    assert!(warnings.contains("unknown of 4 rows is taken as a class"), "{warnings}");
    assert_eq!((column(&set, "a")[0], set.class_names().len()), (-999.0, 3), "nothing is converted unasked");

    let set = folder.read(&text, ColumnOptions { task: TargetKind::Real, ..label("a") }).unwrap();
    let warnings = set.preparation().warnings.join("\n");
    assert!(warnings.contains("column a: -999 in 6 of the numbers to predict may stand"), "{warnings}");

    let missing = ["-999", "c=-1", "label=unknown"].map(String::from).to_vec();
    let set = folder.read(&text, ColumnOptions { missing, ..plain() }).unwrap();
    assert_eq!((set.rows(), set.class_names().concat().as_str()), (56, "xy"));
    assert!(choice(&set, "missing values \"-999\"").contains("6 cells of a"));
    assert_eq!(names(&set), ["a", "a=(missing)", "b", "c", "c=(missing)"]);
    let warnings = set.preparation().warnings.join("\n");
    assert!(!warnings.contains("may stand"), "{warnings}");
    let missing = vec!["-998".to_string()];
    let refused = folder.refusal(&text, ColumnOptions { missing, ..plain() });
    assert!(refused.contains("no cell holds \"-998\""), "{refused}");
}

/// 20210131 was once a number of twenty millions, and 2021-01 a category.
#[test]
fn days_and_months_without_marks_are_dates() {
    let folder = Folder::new();
    let text = table("day,month,season,label", 60, |row| {
        let (month, day) = (1 + row % 12, 1 + row % 28);
        let year = 2008 + row % 3;
        format!("2021{month:02}{day:02},2021-{month:02},{year}-{:02},{}", year % 100 + 1, row % 2)
    });
    let set = folder.read(&text, plain()).unwrap();
    let dates = names(&set);
    assert!(dates.contains(&"day.weekday.sin") && dates.contains(&"month.month.sin"), "{dates:?}");
    assert!(!dates.contains(&"month.weekday.sin") && dates.contains(&"season=2008-09"), "{dates:?}");
    // Row 13 is 14 February, row 0 is 1 January.
    let days = column(&set, "day");
    assert_eq!(days[13] - days[0], 44.0);
    let types = vec![("day".to_string(), Kind::Number)];
    let set = folder.read(&text, ColumnOptions { types, ..plain() }).unwrap();
    assert!(!names(&set).contains(&"day.month.sin"));
}

/// Embeddings that pandas has written as text were once left out as keys.
#[test]
fn lists_within_text_are_columns() {
    let folder = Folder::new();
    let text = table("e,n,label", 40, |row| {
        let list = if row == 7 { String::new() } else { format!("\"[{row}.5, -1e-3, 2]\"") };
        format!("{list},[{row}. {row}.25],{}", row % 2)
    });
    let set = folder.read(&text, plain()).unwrap();
    assert_eq!(names(&set), ["e#0", "e#1", "e#2", "e=(missing)", "n#0", "n#1"]);
    assert_eq!(set.inputs().row(3), [3.5, -1e-3, 2.0, 0.0, 3.0, 3.25]);
    assert_eq!(column(&set, "e=(missing)")[7], 1.0);
}

/// Each was once taken in silence.
#[test]
fn codes_and_splits_among_features_are_said() {
    let folder = Folder::new();
    let text = table("zip,part,a,label", 60, |row| {
        let zip = ["01067", "80331", "04109"][row % 3];
        format!("{zip},{},{},{}", ["Train", "TEST"][row % 2], noise(row, 0, 50), row % 2)
    });
    let set = folder.read(&text, plain()).unwrap();
    let warnings = set.preparation().warnings.join("\n");
    assert!(
        warnings.contains("\"01067\" begins with a 0") && warnings.contains("--types zip=category"),
        "{warnings}"
    );
    assert!(
        warnings.contains("names the parts of a split") && warnings.contains("--split part"),
        "{warnings}"
    );
    let set = folder.read(&text, ColumnOptions { split: Some("part".into()), ..plain() }).unwrap();
    assert!(set.split().is_some());
}

/// Rows by number, each with the names of its columns, were once read as that many columns.
#[test]
fn rows_by_number_are_no_columns() {
    let folder = Folder::new();
    let rows: Vec<String> =
        (0..30).map(|row| format!("\"{row}\": {{\"a\": {}, \"label\": {}}}", row % 7, row % 2)).collect();
    let path = folder.file("t.json", &format!("{{{}}}", rows.join(", ")));
    let error = read(&path, &ReadOptions::default()).unwrap_err();
    assert!(error.to_string().contains("orient=\"index\""), "{error}");
    let columns: Vec<String> = [7, 2]
        .iter()
        .map(|&most| {
            let cells: Vec<String> = (0..30).map(|row| format!("\"r{row}\": {}", row % most)).collect();
            format!("\"{}\": {{{}}}", most, cells.join(", "))
        })
        .collect();
    let path = folder.file("c.json", &format!("{{{}}}", columns.join(", ")));
    let set = read(&path, &ReadOptions { columns: label("2"), ..ReadOptions::default() }).unwrap();
    assert_eq!((set.rows(), set.inputs().cols()), (30, 1));
}

#[test]
fn several_labels_in_one_are_said() {
    let folder = Folder::new();
    let text = table("a,label", 40, |row| format!("{},{}", noise(row, 0, 50), ["x", "x;y", "y"][row % 3]));
    let warnings = folder.read(&text, plain()).unwrap().preparation().warnings.join("\n");
    assert!(warnings.contains("\"x;y\" is taken as a class, but looks like several labels"), "{warnings}");
}
