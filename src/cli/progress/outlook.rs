//! How long a run still takes: the shares that a forecast gives to its stages, corrected by what is seen.

use crate::experiment::forecast::Forecast;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The forecast weighs as much as this share of the run, done in the time forecast for it.
const TRUST: f64 = 0.05;

/// A stage's seconds, and those of its work that has bars of its own.
#[derive(Clone, Debug, PartialEq)]
struct Share {
    stage: &'static str,
    seconds: f64,
    bars: Vec<(String, f64)>,
}

/// A bar that was begun.
#[derive(Clone, Debug)]
struct Shown {
    name: String,
    done: u64,
    /// What an earlier process had done.
    resumed: u64,
    total: u64,
    ended: bool,
}

/// What is done, and what is to come. Without a forecast it tells what is going on, and not how long it takes.
#[derive(Debug)]
pub struct Outlook {
    begun: Instant,
    shares: Vec<Share>,
    bars: Mutex<Vec<Shown>>,
}

/// The number of a bar.
pub type At = usize;

impl Outlook {
    /// From now on, with the shares of a forecast if there is one.
    pub fn of(forecast: Option<&Forecast>) -> Self {
        let share = |forecast: &Forecast, stage: &'static str, core_seconds: f64| {
            let wall = |core: f64| core / forecast.jobs as f64;
            let own = forecast.kinds.iter().filter(|kind| kind.stage == stage);
            let mut bars: Vec<(String, f64)> = Vec::new();
            for (bar, seconds) in own.filter_map(|kind| Some((kind.bar.as_deref()?, wall(kind.core_seconds))))
            {
                match bars.iter_mut().find(|(known, _)| *known == bar) {
                    Some((_, sum)) => *sum += seconds,
                    None => bars.push((bar.to_string(), seconds)),
                }
            }
            Share { stage, seconds: wall(core_seconds), bars }
        };
        let shares = forecast.map_or(Vec::new(), |forecast| {
            forecast.stages.iter().map(|one| share(forecast, one.stage, one.core_seconds)).collect()
        });
        Self { begun: Instant::now(), shares, bars: Mutex::default() }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Shown>) -> T) -> T {
        change(&mut self.bars.lock().expect("no panic while it is held"))
    }

    /// A bar begins.
    pub fn begin(&self, name: &str, total: u64) -> At {
        self.change(|bars| {
            bars.push(Shown { name: name.to_string(), done: 0, resumed: 0, total, ended: false });
            bars.len() - 1
        })
    }

    /// So many units are done.
    pub fn advance(&self, at: At, units: u64) {
        self.change(|bars| bars[at].done += units);
    }

    /// So many units had been done before.
    pub fn resume(&self, at: At, units: u64) {
        self.change(|bars| bars[at].resumed += units);
    }

    /// A bar ends.
    pub fn end(&self, at: At) {
        self.change(|bars| bars[at].ended = true);
    }

    /// Since the run began.
    pub fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// The share of the run that is done, and the seconds that the rest takes, `elapsed` after its beginning; none
    /// without a forecast.
    pub fn left(&self, elapsed: Duration) -> Option<(f64, f64)> {
        let total: f64 = self.shares.iter().map(|share| share.seconds).sum();
        if total <= 0.0 {
            return None;
        }
        let (done, resumed) = self.change(|bars| {
            self.shares.iter().fold((0.0, 0.0), |(done, resumed), share| {
                let [own, before] = share.fractions(bars);
                (done + share.seconds * own, resumed + share.seconds * before)
            })
        });
        let trusted = TRUST * total;
        let pace = (elapsed.as_secs_f64() + trusted) / (done + trusted);
        let left = (total - done - resumed).max(0.0);
        Some(((done + resumed) / total, left * pace))
    }

    /// One line for people: what is going on, how far it is, and how long the run takes.
    pub fn line(&self, elapsed: Duration) -> String {
        let current = self.change(|bars| bars.iter().rev().find(|bar| !bar.ended).cloned());
        let current = current.map_or("between stages".to_string(), |bar| {
            format!("{} {}/{}", bar.name, bar.done + bar.resumed, bar.total)
        });
        let left = self
            .left(elapsed)
            .map_or(String::new(), |(_, left)| format!(", about {} left overall", spoken(left)));
        format!("{current}, {} so far{left}", spoken(elapsed.as_secs_f64()))
    }
}

impl Share {
    /// The fractions of the stage that are done: by this process, and before it.
    fn fractions(&self, bars: &[Shown]) -> [f64; 2] {
        let of = |name: &str| {
            let own = bars.iter().filter(|bar| bar.name == name && bar.total > 0);
            let fraction = |bar: &Shown| [bar.done, bar.resumed].map(|units| units as f64 / bar.total as f64);
            let furthest = own.map(fraction).max_by(|a, b| (a[0] + a[1]).total_cmp(&(b[0] + b[1])));
            furthest.unwrap_or([0.0; 2])
        };
        let whole = of(self.stage);
        let shown: f64 = self.bars.iter().map(|(_, seconds)| seconds).sum();
        if whole[0] + whole[1] >= 1.0 || shown <= 0.0 {
            return whole;
        }
        // What has no bar of its own goes along with what has.
        self.bars.iter().fold([0.0; 2], |sum, (bar, seconds)| {
            let own = of(bar);
            [0, 1].map(|at| sum[at] + own[at] * seconds / shown)
        })
    }
}

/// Seconds as people say them.
pub fn spoken(seconds: f64) -> String {
    match seconds.round() as u64 {
        s @ ..120 => format!("{s} s"),
        s @ ..7_200 => format!("{} min {:02} s", s / 60, s % 60),
        s => format!("{} h {:02} min", s / 3_600, s / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outlook() -> Outlook {
        let shares = vec![
            Share {
                stage: "train",
                seconds: 60.0,
                bars: vec![("look ahead".into(), 20.0), ("evolution".into(), 20.0)],
            },
            Share { stage: "search", seconds: 10.0, bars: vec![("search".into(), 10.0)] },
            Share { stage: "transfer", seconds: 30.0, bars: vec![("transfer".into(), 30.0)] },
        ];
        Outlook { begun: Instant::now(), shares, bars: Mutex::default() }
    }

    fn left(outlook: &Outlook, elapsed: f64) -> (f64, f64) {
        let (done, left) = outlook.left(Duration::from_secs_f64(elapsed)).unwrap();
        ((done * 1e6).round() / 1e6, (left * 1e3).round() / 1e3)
    }

    #[test]
    fn what_is_left_follows_the_shares() {
        let outlook = outlook();
        assert_eq!(left(&outlook, 0.0), (0.0, 100.0));
        let train = outlook.begin("train", 1);
        let looking = outlook.begin("look ahead", 4);
        outlook.advance(looking, 4);
        outlook.end(looking);
        // Half of what has bars, so half of the stage.
        assert_eq!(left(&outlook, 30.0), (0.3, 70.0));
        outlook.advance(train, 1);
        outlook.end(train);
        assert_eq!(left(&outlook, 60.0), (0.6, 40.0));
        // The stage and its inner bar have one name.
        let stage = outlook.begin("search", 1);
        let inner = outlook.begin("search", 10);
        outlook.advance(inner, 5);
        assert_eq!(left(&outlook, 65.0), (0.65, 35.0));
        outlook.end(inner);
        outlook.advance(stage, 1);
        assert_eq!(left(&outlook, 70.0).0, 0.7);
    }

    #[test]
    fn the_forecast_is_corrected_by_what_is_seen() {
        let outlook = outlook();
        let looking = outlook.begin("look ahead", 2);
        outlook.advance(looking, 2);
        // Thirty seconds of the forecast took ninety.
        let (_, left) = left(&outlook, 90.0);
        assert!(left > 150.0 && left < 210.0, "{left}");
    }

    #[test]
    fn what_an_earlier_process_did_says_nothing_of_the_pace() {
        let outlook = outlook();
        let train = outlook.begin("train", 1);
        outlook.resume(train, 1);
        assert_eq!(left(&outlook, 0.0), (0.6, 40.0));
        let cells = outlook.begin("search", 10);
        outlook.advance(cells, 10);
        assert_eq!(left(&outlook, 10.0), (0.7, 30.0));
    }

    #[test]
    fn a_line_says_what_where_and_how_long() {
        let outlook = outlook();
        let train = outlook.begin("train", 1);
        let looking = outlook.begin("look ahead", 200);
        outlook.advance(looking, 100);
        let line = outlook.line(Duration::from_secs(15));
        assert_eq!(line, "look ahead 100/200, 15 s so far, about 85 s left overall");
        outlook.end(looking);
        outlook.end(train);
        assert!(outlook.line(Duration::from_secs(15)).starts_with("between stages, 15 s so far"));
        let blind = Outlook::of(None);
        blind.begin("transfer", 8);
        assert_eq!(blind.line(Duration::from_secs(130)), "transfer 0/8, 2 min 10 s so far");
    }

    #[test]
    fn times_are_spoken() {
        assert_eq!([0.4, 119.0, 121.0, 8_000.0].map(spoken), ["0 s", "119 s", "2 min 01 s", "2 h 13 min"]);
    }
}
