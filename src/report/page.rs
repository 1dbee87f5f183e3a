//! A data set on one page, before anything is played on it.

use super::text::escape;
use crate::data::Description;
use crate::experiment::quality::Quality;
use std::fmt::Write;

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}\
                     table{border-collapse:collapse;margin:.5rem 0 1.5rem}\
                     td,th{text-align:left;vertical-align:top;padding:.2rem .8rem .2rem 0;border-bottom:1px solid #8884}\
                     td{overflow-wrap:anywhere}td.n{font-variant-numeric:tabular-nums}";

/// The page: no script, no font, no request. Every string that came from outside is escaped.
pub fn html(description: &Description, quality: Option<&Quality>) -> String {
    let mut body = String::new();
    let it = description;
    let _ = write!(body, "<h1>{}</h1>", escape(&it.name));
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
    table(&mut body, &[], facts.into_iter().map(|(name, value)| vec![name.to_string(), value]));
    if !it.warnings.is_empty() {
        body.push_str("<h2>What to look into</h2><ul>");
        it.warnings.iter().for_each(|warning| {
            let _ = write!(body, "<li>{}</li>", escape(warning));
        });
        body.push_str("</ul>");
    }
    if !it.classes.is_empty() {
        body.push_str("<h2>Classes</h2>");
        let share = |rows: usize| format!("{:.1} %", 100.0 * rows as f64 / it.rows.max(1) as f64);
        let row = |class: &crate::data::describe::ClassCount| {
            vec![class.name.clone(), class.rows.to_string(), share(class.rows)]
        };
        table(&mut body, &["class", "rows", "share"], it.classes.iter().map(row));
    }
    if let Some(labels) = quality.and_then(|quality| quality.labels.as_ref()) {
        let _ = write!(
            body,
            "<h2>Labels that are likely to be wrong</h2><p>{} rows ({:.1} %) by confident learning (Northcutt, Jiang and \
             Chuang, JAIR 2021); the linear classifier behind it gets {:.1} % of the rows right out of fold. The \
             worst come first.</p>",
            labels.suspected,
            100.0 * labels.share,
            100.0 * labels.out_of_fold_accuracy
        );
        let row = |one: &crate::experiment::quality::Suspect| {
            vec![
                one.row.to_string(),
                one.id.clone().unwrap_or_default(),
                one.label.clone(),
                one.seems.clone(),
                format!("{:.2}", one.of_label),
                format!("{:.2}", one.of_other),
            ]
        };
        let head = ["row", "called", "label", "seems", "of the label", "of the other"];
        table(&mut body, &head, labels.worst.iter().map(row));
    }
    if !it.decisions.is_empty() {
        body.push_str("<h2>How the file was taken</h2>");
        let row = |one: &crate::data::table::Decision| {
            let flag = one.flag.clone().unwrap_or_default();
            vec![one.what.clone(), one.choice.clone(), one.reason.clone(), flag]
        };
        table(&mut body, &["what", "taken as", "because", "otherwise"], it.decisions.iter().map(row));
    }
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n{body}\n</body>\n</html>\n",
        escape(&it.name)
    )
}

fn table(body: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    body.push_str("<table>");
    if !head.is_empty() {
        let cells: String = head.iter().map(|name| format!("<th>{name}</th>")).collect();
        let _ = write!(body, "<tr>{cells}</tr>");
    }
    for row in rows {
        let cell = |text: &String| {
            let number = text.trim_end_matches(" %").parse::<f64>().is_ok();
            format!("<td{}>{}</td>", if number { " class=\"n\"" } else { "" }, escape(text))
        };
        let cells: String = row.iter().map(cell).collect();
        let _ = write!(body, "<tr>{cells}</tr>");
    }
    body.push_str("</table>");
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
