//! Progress bars on a terminal, one below the other, above them one for the whole run.

use super::outlook::{At, Outlook, spoken};
use crate::run::{Bar, Progress};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::sync::Arc;

const TEMPLATE: &str = "{prefix:>12} {bar:30} {pos}/{len} {wide_msg}";
const OVERALL: &str = "{prefix:>12} {bar:30} {wide_msg}";
/// Units of the bar of the whole run.
const OVERALL_UNITS: u64 = 1_000;
/// Redraws per second.
const RATE: u8 = 8;

/// Bars on stderr.
pub struct Terminal {
    bars: MultiProgress,
    style: ProgressStyle,
    whole: Arc<Whole>,
}

impl Terminal {
    /// Bars that are drawn on stderr.
    pub fn new(outlook: Outlook) -> Self {
        Self::on(ProgressDrawTarget::stderr_with_hz(RATE), outlook)
    }

    fn on(target: ProgressDrawTarget, outlook: Outlook) -> Self {
        let bars = MultiProgress::with_draw_target(target);
        let style = |template| {
            ProgressStyle::with_template(template).expect("a constant template").progress_chars("=> ")
        };
        let bar = ProgressBar::new(OVERALL_UNITS).with_style(style(OVERALL)).with_prefix("overall");
        let whole = Arc::new(Whole { bar: bars.add(bar), outlook });
        whole.show();
        Self { bars, style: style(TEMPLATE), whole }
    }
}

impl Progress for Terminal {
    fn begin(&self, what: &str, total: u64) -> Box<dyn Bar> {
        let bar = ProgressBar::new(total).with_style(self.style.clone()).with_prefix(what.to_string());
        Box::new(Line {
            bar: self.bars.add(bar),
            at: self.whole.outlook.begin(what, total),
            whole: self.whole.clone(),
        })
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.whole.bar.finish_and_clear();
    }
}

/// The bar of the whole run.
struct Whole {
    bar: ProgressBar,
    outlook: Outlook,
}

impl Whole {
    fn show(&self) {
        let elapsed = self.outlook.elapsed();
        let text = match self.outlook.left(elapsed) {
            Some((done, left)) => {
                self.bar.set_position((done * OVERALL_UNITS as f64) as u64);
                format!("{} so far, about {} left", spoken(elapsed.as_secs_f64()), spoken(left))
            }
            None => format!("{} so far", spoken(elapsed.as_secs_f64())),
        };
        self.bar.set_message(text);
    }
}

struct Line {
    bar: ProgressBar,
    at: At,
    whole: Arc<Whole>,
}

impl Bar for Line {
    fn advance(&self, units: u64) {
        self.bar.inc(units);
        self.whole.outlook.advance(self.at, units);
        self.whole.show();
    }

    fn resume(&self, units: u64) {
        self.bar.inc(units);
        self.whole.outlook.resume(self.at, units);
        self.whole.show();
    }

    fn note(&self, text: &str) {
        self.bar.set_message(text.to_string());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
        self.whole.outlook.end(self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bars that nobody sees take the same calls: the templates are valid and no call panics.
    #[test]
    fn bars_nest_and_end_when_dropped() {
        let terminal = Terminal::on(ProgressDrawTarget::hidden(), Outlook::of(None));
        let stage = terminal.begin("transfer", 2);
        let task = terminal.begin("digits", 3);
        task.resume(1);
        task.advance(2);
        task.note("margin, repetition 4");
        drop(task);
        stage.advance(1);
    }
}
