//! One plain line every few seconds, for stderr that is no terminal.

use super::outlook::{At, Outlook};
use crate::run::{Bar, Progress};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Tells on a thread of its own, so that long steps are no silence. It ends when dropped.
pub struct Lines {
    outlook: Arc<Outlook>,
    over: Arc<(Mutex<bool>, Condvar)>,
    teller: Option<JoinHandle<()>>,
}

impl Lines {
    /// Hands a line to `say` every `interval`; the first after the first of them.
    pub fn every(interval: Duration, outlook: Outlook, say: impl Fn(&str) + Send + 'static) -> Self {
        let (outlook, over) = (Arc::new(outlook), Arc::new((Mutex::new(false), Condvar::new())));
        let (told, ending) = (outlook.clone(), over.clone());
        let tell = move || {
            let (over, changed) = &*ending;
            let mut held = over.lock().expect("no panic while it is held");
            loop {
                let waited = changed.wait_timeout_while(held, interval, |over| !*over);
                held = waited.expect("no panic while it is held").0;
                if *held {
                    return;
                }
                say(&told.line(told.elapsed()));
            }
        };
        // Without a thread to tell, nothing is told, and the run goes on.
        let teller = std::thread::Builder::new().name("progress".into()).spawn(tell).ok();
        Self { outlook, over, teller }
    }
}

impl Progress for Lines {
    fn begin(&self, what: &str, total: u64) -> Box<dyn Bar> {
        Box::new(Line { at: self.outlook.begin(what, total), outlook: self.outlook.clone() })
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let (over, changed) = &*self.over;
        *over.lock().expect("no panic while it is held") = true;
        changed.notify_all();
        if let Some(teller) = self.teller.take() {
            // It panics only with its listener, who is gone then.
            let _ = teller.join();
        }
    }
}

struct Line {
    at: At,
    outlook: Arc<Outlook>,
}

impl Bar for Line {
    fn advance(&self, units: u64) {
        self.outlook.advance(self.at, units);
    }

    fn resume(&self, units: u64) {
        self.outlook.resume(self.at, units);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.outlook.end(self.at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    /// A stderr that is no terminal once heard nothing of a run of hours.
    #[test]
    fn lines_come_while_nothing_moves() {
        let (sender, lines) = mpsc::channel();
        let told = Lines::every(Duration::from_millis(1), Outlook::of(None), move |line| {
            let _ = sender.send(line.to_string());
        });
        let bar = told.begin("transfer", 8);
        bar.resume(2);
        bar.advance(1);
        let heard = || lines.iter().find(|line| line.starts_with("transfer 3/8, "));
        assert!(heard().is_some() && heard().is_some(), "again and again");
        drop(bar);
        assert!(lines.iter().any(|line| line.starts_with("between stages, ")));
        drop(told);
        assert_eq!(lines.iter().filter(|line| line.starts_with("transfer")).count(), 0, "and then it ends");
    }
}
