//! Progress bars on stderr, one below the other, with the time that is left.

use crate::run::{Bar, Progress, Silent};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;

const TEMPLATE: &str = "{prefix:>12} {bar:30} {pos}/{len} {eta:>5} {wide_msg}";
/// Redraws per second.
const RATE: u8 = 8;

/// Bars if stderr is a terminal and they are wanted.
pub fn progress(quiet: bool) -> Box<dyn Progress> {
    if quiet || !std::io::stderr().is_terminal() {
        return Box::new(Silent);
    }
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(RATE));
    let style = ProgressStyle::with_template(TEMPLATE).expect("a constant template");
    Box::new(Terminal { bars, style: style.progress_chars("=> ") })
}

struct Terminal {
    bars: MultiProgress,
    style: ProgressStyle,
}

impl Progress for Terminal {
    fn begin(&self, what: &str, total: u64) -> Box<dyn Bar> {
        let bar = ProgressBar::new(total).with_style(self.style.clone()).with_prefix(what.to_string());
        Box::new(Line(self.bars.add(bar)))
    }
}

struct Line(ProgressBar);

impl Bar for Line {
    fn advance(&self, units: u64) {
        self.0.inc(units);
    }

    fn note(&self, text: &str) {
        self.0.set_message(text.to_string());
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bars that nobody sees take the same calls: the template is valid and no call panics.
    #[test]
    fn bars_nest_and_end_when_dropped() {
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template(TEMPLATE).unwrap();
        let terminal = Terminal { bars, style };
        let stage = terminal.begin("transfer", 2);
        let task = terminal.begin("digits", 3);
        task.advance(3);
        task.note("margin, repetition 4");
        drop(task);
        stage.advance(1);
    }
}
