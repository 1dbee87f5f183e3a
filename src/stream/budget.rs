//! How much of the budget is left: two ways of counting what was spent.
//!
//! The budget `b` is the share of rows that may be kept, in `(0, 1]`.

/// Spending over the last rows, forgotten at the rate `1 / window`: `u <- u (1 - 1 / window) + kept`, and a row may be
/// kept while `u / window < b`.
///
/// Žliobaitė, Bifet, Pfahringer & Holmes, "Active learning with drifting streaming data", IEEE TNNLS 25(1), 2014. As
/// published, `u` comes to as much as `b window + 1`, so that up to `b + 1 / window` of the rows are kept in the long run.
/// With `exact`, a row is kept only while at most `b (n + window)` of `n` rows are: the first rows may spend what a
/// window has, and no more is ever spent than that on top of the budget.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Moving {
    budget: f64,
    window: f64,
    spent: f64,
    exact: bool,
    counted: Counted,
}

impl Moving {
    /// Nothing spent.
    pub fn new(budget: f64, window: f64, exact: bool) -> Self {
        Self { budget, window, spent: 0.0, exact, counted: Counted::new(budget) }
    }

    /// The budget.
    pub fn budget(&self) -> f64 {
        self.budget
    }

    /// Counts a row that is offered, and says whether it may be kept.
    pub fn offer(&mut self) -> bool {
        let ahead = self.counted.offer() + self.budget * self.window;
        self.spent / self.window < self.budget && (!self.exact || ahead >= 1.0)
    }

    /// Notes what became of it.
    pub fn note(&mut self, kept: bool) {
        self.spent = self.spent * ((self.window - 1.0) / self.window) + f64::from(u8::from(kept));
        if kept {
            self.counted.keep();
        }
    }
}

/// Spending counted exactly since the start of the stream: after `n` rows at most `b n` are kept, at every `n`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counted {
    budget: f64,
    seen: u64,
    kept: u64,
}

impl Counted {
    /// Nothing spent.
    pub fn new(budget: f64) -> Self {
        Self { budget, seen: 0, kept: 0 }
    }

    /// The budget.
    pub fn budget(&self) -> f64 {
        self.budget
    }

    /// Counts a row that is offered, and says how many may be kept by now that were not.
    pub fn offer(&mut self) -> f64 {
        self.seen += 1;
        self.seen as f64 * self.budget - self.kept as f64
    }

    /// Notes that it was kept.
    pub fn keep(&mut self) {
        self.kept += 1;
    }
}
