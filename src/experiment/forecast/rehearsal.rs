//! Plays small pieces of a plan's work and measures what they take.
//!
//! All the work of a plan is divided into [`Part`]s: what is of one kind, such as the episodes of one strategy. A
//! piece of a part is some of that very work, on the plan's own data, done by the functions of the stages.
//! What a part takes is its nominal time times the measured over the nominal time of its pieces. Where the time
//! limit left none for a part, the parts of its stage stand for it.

use crate::error::Result;
use crate::run::usage;
use std::time::{Duration, Instant};

/// What one more piece of any part may correct, as a share of all the work, where measuring ends.
const SURE: f64 = 0.002;

/// A piece of a part's work, done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Piece {
    /// Its nominal seconds.
    pub nominal: f64,
    /// Core seconds that all of its kind in the run take for it.
    pub core_seconds: f64,
}

/// Does the next piece of a part in about the time given; none if there is no more to be learned.
type Sample<'a> = Box<dyn FnMut(Duration) -> Result<Option<Piece>> + Send + 'a>;

/// Work of one kind.
pub struct Part<'a> {
    /// The stage that does it, by the name of its cells.
    pub stage: &'static str,
    /// What it is, such as a strategy.
    pub what: String,
    /// The bar that shows how far it is; none if it has none of its own.
    pub bar: Option<String>,
    /// How many there are of what is counted.
    pub count: u64,
    /// What is counted.
    pub unit: &'static str,
    /// Networks trained, and gradient steps at most.
    pub trainings: f64,
    pub steps: f64,
    /// Nominal seconds of one core.
    pub nominal: f64,
    /// What was measured, and the core seconds that measuring took.
    pub pieces: Vec<Piece>,
    pub measured: f64,
    sample: Sample<'a>,
    exhausted: bool,
}

impl<'a> Part<'a> {
    /// Work that nothing was measured of yet.
    pub fn new(
        stage: &'static str,
        what: impl Into<String>,
        (count, unit): (u64, &'static str),
        nominal: f64,
        sample: impl FnMut(Duration) -> Result<Option<Piece>> + Send + 'a,
    ) -> Self {
        Self {
            stage,
            what: what.into(),
            bar: None,
            count,
            unit,
            trainings: 0.0,
            steps: 0.0,
            nominal,
            pieces: Vec::new(),
            measured: 0.0,
            sample: Box::new(sample),
            exhausted: false,
        }
    }

    /// With a bar of its own.
    pub fn shown_as(self, bar: impl Into<String>) -> Self {
        Self { bar: Some(bar.into()), ..self }
    }

    /// With the networks that it trains.
    pub fn training(self, work: super::work::Work) -> Self {
        Self { trainings: work.trainings, steps: work.steps, ..self }
    }

    /// Work that was done whole, and took so long for each `share` of it.
    pub fn known(self, core_seconds: f64, share: f64) -> Self {
        let nominal = self.nominal * share;
        Self {
            pieces: vec![Piece { nominal, core_seconds }],
            measured: core_seconds,
            exhausted: true,
            ..self
        }
    }

    /// Whether more can be measured of it.
    fn is_open(&self) -> bool {
        !self.exhausted && self.nominal > 0.0
    }

    /// Measured over nominal time; none where nothing was measured.
    fn pace(&self) -> Option<f64> {
        pace(self.pieces.iter())
    }

    /// The share of the work that was measured.
    fn covered(&self) -> f64 {
        self.pieces.iter().map(|piece| piece.nominal).sum::<f64>() / self.nominal.max(f64::MIN_POSITIVE)
    }

    /// What one more piece may correct: large where much is left to be done and little was measured.
    fn doubt(&self) -> f64 {
        match self.pace() {
            None => f64::INFINITY,
            Some(pace) => self.nominal * pace * (1.0 - self.covered()).max(0.0) / self.pieces.len() as f64,
        }
    }
}

fn pace<'a>(pieces: impl Iterator<Item = &'a Piece>) -> Option<f64> {
    let (nominal, taken) = pieces
        .fold((0.0, 0.0), |(nominal, taken), piece| (nominal + piece.nominal, taken + piece.core_seconds));
    (nominal > 0.0).then_some(taken / nominal)
}

/// When measuring ends.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    begun: Instant,
    from: f64,
    core_seconds: f64,
    wall: Duration,
}

impl Limit {
    /// After so many core seconds from now, or on a busy machine after so much time.
    pub fn new(core_seconds: f64, wall: Duration) -> Self {
        Self { begun: Instant::now(), from: usage::core_seconds(), core_seconds, wall }
    }

    /// A share of what is left.
    pub fn share(&self, share: f64) -> Self {
        let left = self.core_seconds - (usage::core_seconds() - self.from);
        Self::new(left.max(0.0) * share, self.wall.saturating_sub(self.begun.elapsed()).mul_f64(share))
    }

    fn left(&self) -> Duration {
        let left = self.core_seconds - (usage::core_seconds() - self.from);
        Duration::from_secs_f64(left.max(0.0)).min(self.wall.saturating_sub(self.begun.elapsed()))
    }
}

/// Measures `parts` up to `limit`: each once, what is largest first, and then what one more piece corrects most. A piece
/// that is under way when the time is over is finished.
///
/// # Errors
/// What a piece fails with: the run would fail with it, too.
pub fn rehearse(parts: &mut [Part<'_>], limit: Limit) -> Result<()> {
    loop {
        let left = limit.left();
        let all: f64 = expected(parts).iter().sum();
        let new = parts.iter().filter(|part| part.is_open() && part.pieces.is_empty()).count();
        let doubtful = parts
            .iter_mut()
            .filter(|part| part.is_open())
            .max_by(|a, b| a.doubt().total_cmp(&b.doubt()).then_with(|| a.nominal.total_cmp(&b.nominal)));
        let Some(next) = doubtful.filter(|_| !left.is_zero()) else { return Ok(()) };
        if next.doubt() < SURE * all {
            return Ok(());
        }
        let before = usage::core_seconds();
        match (next.sample)(left / (2 * new as u32 + 4))? {
            Some(piece) => next.pieces.push(piece),
            None => next.exhausted = true,
        }
        next.measured += usage::core_seconds() - before;
    }
}

/// Core seconds that every part is expected to take, in order.
pub fn expected(parts: &[Part<'_>]) -> Vec<f64> {
    let of = |stage: Option<&'static str>| {
        pace(
            parts.iter().filter(|part| stage.is_none_or(|stage| part.stage == stage)).flat_map(|p| &p.pieces),
        )
    };
    let one = |part: &Part<'_>| {
        part.nominal * part.pace().or_else(|| of(Some(part.stage))).or_else(|| of(None)).unwrap_or(1.0)
    };
    parts.iter().map(one).collect()
}

/// What `work` comes to, and the core seconds that the process took for it.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let before = usage::core_seconds();
    let done = work()?;
    Ok((done, usage::core_seconds() - before))
}

/// The numbers below `n`, neighbours far apart, so that the first few are spread over all.
pub fn spread(n: usize) -> Vec<usize> {
    let gcd = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let golden = ((n as f64 * 0.618) as usize).max(1);
    let step = (golden..).find(|&step| gcd(step, n.max(1)) == 1).unwrap_or(1);
    (0..n).map(|at| at * step % n).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part<'a>(stage: &'static str, nominal: f64, pace: f64, most: usize) -> Part<'a> {
        let mut left = most;
        Part::new(stage, "episodes", (1, "episodes"), nominal, move |_| {
            left = match left.checked_sub(1) {
                Some(left) => left,
                None => return Ok(None),
            };
            Ok(Some(Piece { nominal: 0.1, core_seconds: 0.1 * pace }))
        })
    }

    fn long() -> Limit {
        Limit::new(60.0, Duration::from_secs(60))
    }

    #[test]
    fn what_was_measured_stands_for_all() {
        let mut parts =
            [part("train", 10.0, 3.0, 2), part("train", 4.0, 5.0, 1), part("search", 2.0, 0.5, 3)];
        rehearse(&mut parts, long()).unwrap();
        assert_eq!(
            parts.each_ref().map(|part| part.pieces.len())[..2],
            [2, 1],
            "until nothing is left to be learned"
        );
        let expected = expected(&parts);
        for (found, right) in expected.iter().zip([30.0, 20.0, 1.0]) {
            assert!((found - right).abs() < 1e-9, "{expected:?}");
        }
    }

    #[test]
    fn the_stage_stands_for_what_was_not_measured() {
        let mut parts =
            [part("train", 10.0, 3.0, 1), part("train", 4.0, 5.0, 0), part("search", 2.0, 1.0, 0)];
        rehearse(&mut parts, long()).unwrap();
        assert_eq!(parts[1].pieces.len() + parts[2].pieces.len(), 0);
        let expected = expected(&parts);
        assert!((expected[1] - 12.0).abs() < 1e-9 && (expected[2] - 6.0).abs() < 1e-9, "{expected:?}");
    }

    /// Pieces without end stop with the limit, which is a number of pieces here and no time that is asserted.
    #[test]
    fn the_limit_ends_it() {
        let mut parts = [Part::new("train", "episodes", (1, "episodes"), 1e9, |slice: Duration| {
            std::thread::sleep(slice);
            Ok(Some(Piece { nominal: 1.0, core_seconds: 1.0 }))
        })];
        rehearse(&mut parts, Limit::new(60.0, Duration::from_millis(20))).unwrap();
        assert!(!parts[0].pieces.is_empty());
        let mut none = [part("train", 1.0, 1.0, usize::MAX)];
        rehearse(&mut none, Limit::new(60.0, Duration::ZERO)).unwrap();
        assert!(none[0].pieces.is_empty(), "no time, no piece");
    }

    #[test]
    fn all_are_visited_once() {
        for n in [0, 1, 2, 3, 7, 12, 100, 252] {
            let mut order = spread(n);
            order.sort_unstable();
            assert_eq!(order, (0..n).collect::<Vec<_>>());
        }
    }
}
