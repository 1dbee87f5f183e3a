//! A data set on one page, before anything is played on it.

use super::template::render;
use crate::data::Description;
use crate::data::describe::ClassCount;
use crate::data::table::Decision;
use crate::experiment::quality::{Quality, Suspect};
use serde::Serialize;

/// What the template `data.html` is given.
#[derive(Serialize)]
struct Page<'a> {
    name: &'a str,
    facts: Vec<Vec<Cell>>,
    warnings: &'a [String],
    sections: Vec<Section>,
}

#[derive(Serialize)]
struct Section {
    heading: &'static str,
    text: Option<String>,
    heads: &'static [&'static str],
    rows: Vec<Vec<Cell>>,
}

#[derive(Serialize)]
struct Cell {
    text: String,
    number: bool,
}

impl Cell {
    fn row<const N: usize>(texts: [String; N]) -> Vec<Self> {
        let cell = |text: String| Self { number: text.trim_end_matches(" %").parse::<f64>().is_ok(), text };
        texts.map(cell).into()
    }
}

/// The page: no script, no font, no request.
pub fn html(description: &Description, quality: Option<&Quality>) -> String {
    let it = description;
    let mut facts = vec![
        ("rows", it.rows.to_string()),
        ("without a label", it.unlabelled.to_string()),
        ("shape", it.shape.clone()),
        ("cells without a value", it.missing.to_string()),
        ("different inputs", it.duplicates.distinct_inputs.to_string()),
    ];
    if let Some(split) = it.split {
        facts.push(("official split", format!("{} train, {} test", split.train, split.test)));
    }
    if let Some(quality) = quality {
        let near = &quality.near_duplicates;
        facts.push(("rows looked at", quality.looked_at.to_string()));
        facts.push((
            "near duplicates",
            format!(
                "{} ({:.1} %), {} with another label",
                near.rows,
                100.0 * near.share,
                near.with_another_label
            ),
        ));
    }
    if let Some(digest) = &it.digest {
        facts.push(("digest", digest.clone()));
    }
    let sections = [Some(classes(it)), labels(quality), Some(decisions(it))].into_iter().flatten();
    let page = Page {
        name: &it.name,
        facts: facts.into_iter().map(|(name, value)| Cell::row([name.to_string(), value])).collect(),
        warnings: &it.warnings,
        sections: sections.filter(|section| !section.rows.is_empty() || section.text.is_some()).collect(),
    };
    render(include_str!("data.html"), &page)
}

fn classes(it: &Description) -> Section {
    let share = |rows: usize| format!("{:.1} %", 100.0 * rows as f64 / it.rows.max(1) as f64);
    let row = |class: &ClassCount| Cell::row([class.name.clone(), class.rows.to_string(), share(class.rows)]);
    let rows = it.classes.iter().map(row).collect();
    Section { heading: "Classes", text: None, heads: &["class", "rows", "share"], rows }
}

fn labels(quality: Option<&Quality>) -> Option<Section> {
    let labels = quality?.labels.as_ref()?;
    let text = format!(
        "{} rows ({:.1} %) by confident learning (Northcutt, Jiang and Chuang, JAIR 2021); the linear classifier behind it \
         gets {:.1} % of the rows right out of fold. The worst come first.",
        labels.suspected,
        100.0 * labels.share,
        100.0 * labels.out_of_fold_accuracy
    );
    let row = |one: &Suspect| {
        let (id, of_label, of_other) = (
            one.id.clone().unwrap_or_default(),
            format!("{:.2}", one.of_label),
            format!("{:.2}", one.of_other),
        );
        Cell::row([one.row.to_string(), id, one.label.clone(), one.seems.clone(), of_label, of_other])
    };
    Some(Section {
        heading: "Labels that are likely to be wrong",
        text: Some(text),
        heads: &["row", "called", "label", "seems", "of the label", "of the other"],
        rows: labels.worst.iter().map(row).collect(),
    })
}

fn decisions(it: &Description) -> Section {
    let row = |one: &Decision| {
        let flag = one.flag.clone().unwrap_or_default();
        Cell::row([one.what.clone(), one.choice.clone(), one.reason.clone(), flag])
    };
    let rows = it.decisions.iter().map(row).collect();
    let heads = &["what", "taken as", "because", "otherwise"];
    Section { heading: "How the file was taken", text: None, heads, rows }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Matrix, Shape, Targets, describe};

    #[test]
    fn what_came_from_outside_is_escaped() {
        let names = vec!["<b>".to_string(), "b".to_string()];
        let targets = Targets::Class { labels: vec![0, 1, 0], names };
        let inputs = Matrix::new(vec![0.0, 1.0, 2.0], 3, 1);
        let set = Dataset::new("<script>", Shape::Vector(1), inputs, targets, None).unwrap();
        let page = html(&describe(&set), None);
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
        assert!(page.contains("&lt;script&gt;") && page.contains(set.digest()));
    }
}
