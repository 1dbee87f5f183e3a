//! Tests of the decisions as a whole.

use super::*;
use crate::data::columns::ColumnOptions;

fn dialect(file: &str, text: &str) -> Dialect {
    Dialect::of(file, text.as_bytes(), true, &ReadOptions::default())
}

#[test]
fn separators_are_told_by_the_records() {
    let comma = Separator::Byte(b',');
    let tab = Separator::Byte(b'\t');
    for (text, expected) in [
        ("a,b\n1,2\n3,4\n", comma),
        ("a\tb\n1\t2\n", tab),
        ("a\ttext\n1\tmore, or less\n2\tone, two, three\n", tab),
        ("a;b\n1,5;2,5\n2,5;3\n", Separator::Byte(b';')),
        ("a|b\n1|2\n", Separator::Byte(b'|')),
        ("movie,genres\nx,Action|War\ny,Drama|War\n", comma),
        ("movie,text\n1,\"a; b; c\"\n2,\"d; e; f\"\n", comma),
        ("39, State-gov, 77516\n50, Private, 83311\n", comma),
        ("  1.0   2.0  3\n 1.5  2.5    4\n", Separator::Blanks),
        ("15.26\t14.84\t\t1\n14.88\t14.57\t2\n14.29\t\t14.09\t1\n13.84\t13.94\t1\n", Separator::Blanks),
        ("when,what\n2020-01-01 10:00:00,x\n2020-01-02 11:00:00,y\n", comma),
        ("name\nAda Lovelace\nAlan Turing\n", comma),
        ("sep=;\na;b\nx;y\n", Separator::Byte(b';')),
    ] {
        assert_eq!(dialect("t.csv", text).separator, expected, "{text}");
    }
    // Sets of labels called by numbers look like decimal commas, but for the column that is asked for.
    let columns = ColumnOptions { label: Some("label".to_string()), ..ColumnOptions::default() };
    let asked = ReadOptions { columns, ..ReadOptions::default() };
    let text = "row,label\n0,1;2\n1,2;3\n";
    assert_eq!(Dialect::of("t.csv", text.as_bytes(), true, &asked).separator, comma);
    assert_eq!("\\t".parse(), Ok(tab));
    assert_eq!("semicolon".parse(), Ok(Separator::Byte(b';')));
    assert!("ab".parse::<Separator>().is_err() && "7".parse::<Separator>().is_err());
}

#[test]
fn headers_are_told_from_rows() {
    for (text, expected) in [
        ("a,b\n1,2\n", true),
        ("1,2\n3,4\n", false),
        ("5.1,3.5,Iris-setosa\n4.9,3.0,Iris-setosa\n", false),
        ("0,1,2\n0.5,0.25,7\n", true),
        (",0,1\n0,5.5,2.5\n1,4.5,3.5\n", true),
        ("country,1990,label\nChad,3,a\n", true),
        ("vhigh,2,small,unacc\nvhigh,3,small,acc\nlow,2,big,unacc\n", false),
        ("p,x,s\ne,x,s\np,b,s\n", false),
        ("text,kind\nbuy now,spam\nsee you,ham\n", true),
        ("?,1.5\n2,3\n", false),
        ("x\n1\n", true),
    ] {
        let found = dialect("t.csv", text);
        assert_eq!(found.header, expected, "{text}: {:?}", found.decisions);
    }
    let first = dialect("t.csv", "text,kind\nbuy now,spam\nsee you,ham\n");
    assert!(first.warnings.is_empty(), "{:?}", first.warnings);
    let named = dialect("t.csv", "# x y z\n# a,b\n1,2\n3,4\n");
    assert_eq!((named.names.join(" "), named.header), ("a b".to_string(), false));
    assert_eq!(named.skipped, (14, 2));
}

/// Rows without numbers were once taken for headers.
#[test]
fn a_first_row_of_texts_is_kept() {
    let table = |row: &dyn Fn(usize) -> String| (0..60).map(row).collect::<String>();
    for text in [
        table(&|k| format!("doc{k:03},some text number {k} of words {},{}os\n", k * k, ["n", "p"][k % 2])),
        table(&|k| format!("{},user{k},words of {}\n", ["neg", "pos"][k % 2], "a ".repeat(k + 1))),
        table(&|k| format!("P{k},2020-01-{:02}T00:00:00,{},n{k}\n", k % 28 + 1, ["M", "F"][k % 2])),
        table(&|k| format!("${k}.50,M,z{k}\n")),
        table(&|k| format!("{k}%,M,z{k}\n")),
        table(&|k| format!("{} Mar 2020,{}\n", k % 28 + 1, "b".repeat(k + 1))),
        table(&|k| format!("{},{},{}\n", "q".repeat(k + 1), "b".repeat(k + 1), ["spam", "ham"][k % 2])),
    ] {
        let found = dialect("t.csv", &text);
        assert!(
            !found.header && found.warnings.is_empty(),
            "{text}: {:?} {:?}",
            found.decisions,
            found.warnings
        );
    }
    for text in ["when,what\n2020-01-01,x\n2020-01-02,y\n", "price,kind\n$1,x\n$2,y\n"] {
        let found = dialect("t.csv", text);
        assert!(found.header && found.warnings.is_empty(), "{text}: {:?}", found.decisions);
    }
    let unsure = dialect("t.csv", "a long sentence of many words,!\nanother one,b\n");
    assert!(unsure.header && unsure.warnings[0].contains("`--header false`"), "{:?}", unsure.warnings);
}

#[test]
fn a_first_line_of_numbers_alone_is_warned_of() {
    for first in ["2001,2002,2003", "1.0,2.0,3.0", "5,3,1", "0,1", "1,2,3,4", "1,2,3,4,5"] {
        let row = vec!["7.5"; first.split(',').count()].join(",");
        let found = dialect("t.csv", &format!("{first}\n{row}\n{row}\n"));
        assert_eq!(found.warnings.len(), 1, "{first}: {:?}", found.warnings);
        assert!(found.warnings[0].contains("--header"), "{first}");
        let asked = ReadOptions { header: Some(true), ..ReadOptions::default() };
        let text = format!("{first}\n{row}\n{row}\n");
        assert!(Dialect::of("t.csv", text.as_bytes(), true, &asked).warnings.is_empty());
    }
    let positions = dialect("t.csv", "0,1,2,3\n1,2,3,4\n");
    assert!(positions.header && positions.warnings.is_empty());
}

/// Colours and tags were once taken for comments.
#[test]
fn rows_that_begin_with_a_number_sign_are_kept() {
    let colours: String =
        (0..60).map(|k| format!("{}{k:06},{k},a\n", if k < 4 { "#" } else { "" })).collect();
    let all: String = (0..60).map(|k| format!("#ff{k:04},1.5,a\n")).collect();
    let tags: String = (0..60).map(|k| format!("#tag words {k},b\n")).collect();
    for text in [colours, all, tags] {
        let found = dialect("t.csv", &text);
        assert_eq!((found.skipped, found.header), ((0, 0), false), "{text}: {:?}", found.decisions);
        assert!(found.warnings.is_empty(), "{:?}", found.warnings);
    }
    let header = dialect("t.csv", "#id,x,y\n1,2,3\n4,5,6\n");
    assert_eq!((header.names.join("|").as_str(), header.header), ("#id|x|y", true));
    let comment = dialect("t.csv", "#made by hand\n#red,1\nblue,2\nred,3\n");
    assert_eq!((comment.skipped, comment.header), ((14, 1), false));
    assert_eq!(comment.warnings.len(), 1, "{:?}", comment.warnings);
}

#[test]
fn row_names_and_stray_separators_are_seen() {
    let names = |text: &str| dialect("t.csv", text).names.join("|");
    assert_eq!(names("mpg\tcyl\nMazda\t21\t6\nFiat\t32\t4\n"), "|mpg|cyl");
    assert_eq!(names("a,b\n1,2,\n3,4,\n"), "a|b|");
    assert_eq!(names("a,b,\n1,2\n3,4\n"), "a|b");
    // A decimal comma without quotes is no row name.
    assert_eq!(names("label,x\na,1,5\nb,2,5\na,3,5\n"), "label|x");
}

#[test]
fn decimal_commas_are_turned() {
    assert_eq!(decimal_point("-1,5").unwrap(), "-1.5");
    assert_eq!(decimal_point("1.234,5").unwrap(), "1234.5");
    for text in ["1.5", "1,", ",5", "a,5", "1,5,6", "12.34,5", "", ","] {
        assert_eq!(decimal_point(text), None, "{text}");
    }
    assert!(dialect("t.csv", "a;b\n1,5;x\n2,25;y\n").decimal_comma);
    assert!(!dialect("t.csv", "a;b\n1.5;2,25\n").decimal_comma);
    assert!(!dialect("t.tsv", "a\tb\n1,234\t5\n").decimal_comma, "a thousand and more");
}
