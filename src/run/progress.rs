//! How far the work is, told without knowing who listens.

/// Starts progress bars.
pub trait Progress: Send + Sync {
    /// A bar for `total` units of `what`, below those that are already there. It ends when dropped.
    fn begin(&self, what: &str, total: u64) -> Box<dyn Bar>;
}

/// One line of progress.
pub trait Bar: Send + Sync {
    /// `units` more are done.
    fn advance(&self, units: u64);

    /// `units` had been done before this process, which says nothing of its pace.
    fn resume(&self, units: u64) {
        self.advance(units);
    }

    /// Says beside the bar what is going on.
    fn note(&self, _text: &str) {}
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _total: u64) -> Box<dyn Bar> {
        Box::new(Silent)
    }
}

impl Bar for Silent {
    fn advance(&self, _units: u64) {}
}
