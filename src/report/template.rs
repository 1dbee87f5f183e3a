//! Pages from templates. Every text is escaped where a template writes it, but for what the template itself marks as `safe`:
//! drawings and style sheets of the program's own.

use super::text::escape;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, Error, Output, State, UndefinedBehavior, Value};
use serde::Serialize;

/// What every page begins and ends with; templates fill its blocks.
const BASE: &str = include_str!("base.html");

/// `template` with the fields of `page`.
///
/// # Panics
/// If the template asks for a field that the page has not, whatever is in the others.
pub(super) fn render(template: &str, page: &impl Serialize) -> String {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.set_formatter(write_escaped);
    environment.add_template("base.html", BASE).expect("templates are the program's own");
    environment.render_str(template, Value::from(Serde(page))).expect("templates are the program's own")
}

/// Unlike the library's own, this takes out control characters, too.
fn write_escaped(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let text = value.to_string();
    out.write_str(&if value.is_safe() { text } else { escape(&text) }).map_err(Error::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Page {
        text: &'static str,
        number: f64,
    }

    #[test]
    fn text_is_escaped_unless_the_template_says_otherwise() {
        let page = Page { text: "<b>'\u{7}</b>", number: 1.5 };
        let escaped = "&lt;b&gt;&#39;\u{fffd}&lt;/b&gt;";
        assert_eq!(render("{{ text }} {{ number }}", &page), format!("{escaped} 1.5"));
        assert_eq!(render("{{ text|safe }}", &page), page.text);
        let macros = "{% macro twice(t) %}{{ t }}{{ t }}{% endmacro %}{{ twice(text) }}";
        assert_eq!(render(macros, &page), escaped.repeat(2));
    }
}
