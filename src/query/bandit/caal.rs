//! CAAL: a contextual bandit over strategies, which learns in which state of the labelling each of them helps.

use super::arms::{self, MAX_ARMS};
use crate::data::RowId;
use crate::error::Result;
use crate::query::registry::{Built, Card, Entry, Family};
use crate::query::rewards::Rewards;
use crate::query::uncertainty::margin;
use crate::query::{Needs, PoolView, Size, Strategy, subsample, ties};
use crate::rng::Key;
use nalgebra::{SMatrix, SVector};
use rand_distr::{Distribution, StandardNormal};

/// What is known of a state: one, labels per class, the share of the budget that is spent, the mean margin's complement of the candidates.
const CONTEXT: usize = 4;
type Context = SVector<f64, CONTEXT>;

const OWN: Needs =
    Needs { probabilities: true, out_of_fold: true, labels: true, classes: true, ..Needs::NONE };

pub(super) const ENTRY: Entry = Entry {
    card: Card {
        name: "caal",
        summary: "a contextual bandit over strategies, rewarded by the fall of the out-of-fold loss of the labels in hand",
        paper: "after CAAL, arXiv 2606.07910, 2026; Agrawal & Goyal, ICML 2013",
        family: Family::Bandit,
        needs: OWN,
        cost: "five fits, time n C and the drawn arm's, memory the hungriest arm's",
        example: "caal(margin,random)",
        deterministic: false,
    },
    make: |params| {
        let explore = params.real("explore", 0.5, 0.0..=100.0)?;
        Built::batch(Caal::new(params.strategies(2..=MAX_ARMS)?, explore))
    },
};

/// Linear Thompson sampling: an arm's reward is taken for a linear function of the context and normal noise, weights are drawn
/// from its posterior, and the arm of the largest drawn reward asks for the batch. The reward of a batch is by how much it
/// lowered the mean out-of-fold loss of the labels that were there before it, in root mean squares of the rewards so far: no
/// held-out label is read. While there are too few labels to leave some out, arms are drawn and nothing is learned. Of batches
/// whose answers are late, and of those that nobody answered, [`Rewards`] says when they are judged.
///
/// Context, reward and posterior are this crate's: the publication's own are not public.
pub struct Caal {
    arms: Vec<Box<dyn Strategy>>,
    known: Vec<Posterior>,
    explore: f64,
    /// Rewards so far: how many, and the sum of their squares.
    seen: (f64, f64),
    /// Batches that were not judged yet: the arm that asked, and in which state.
    rewards: Rewards<(usize, Context)>,
    note: Option<String>,
}

/// Of the weights of a linear reward, with unit prior.
#[derive(Clone, Debug)]
struct Posterior {
    precision: SMatrix<f64, CONTEXT, CONTEXT>,
    sums: Context,
}

impl Posterior {
    fn prior() -> Self {
        Self { precision: SMatrix::identity(), sums: Context::zeros() }
    }

    fn learn(&mut self, context: &Context, reward: f64) {
        for i in 0..CONTEXT {
            for j in 0..CONTEXT {
                self.precision[(i, j)] += context[i] * context[j];
            }
            self.sums[i] += reward * context[i];
        }
    }

    /// The reward in `context` under weights that are drawn; `explore` times the posterior's deviation from its mean.
    fn draw(&self, context: &Context, explore: f64, rng: &mut impl rand::Rng) -> f64 {
        let noise = Context::from_fn(|_, _| StandardNormal.sample(rng));
        // Sums of squares and the identity are positive definite.
        let Some(factor) = self.precision.cholesky() else { return 0.0 };
        let mean = factor.solve(&self.sums);
        let Some(off) = factor.l().transpose().solve_upper_triangular(&noise) else { return 0.0 };
        (0..CONTEXT).map(|i| context[i] * (mean[i] + explore * off[i])).sum()
    }
}

impl Caal {
    /// A bandit over `arms`.
    pub fn new(arms: Vec<Box<dyn Strategy>>, explore: f64) -> Self {
        let known = vec![Posterior::prior(); arms.len()];
        Self { arms, known, explore, seen: (0.0, 0.0), rewards: Rewards::default(), note: None }
    }

    /// Learns of the arm that asked in this state.
    fn learn(&mut self, (arm, context): &(usize, Context), reward: f64) {
        self.seen = (self.seen.0 + 1.0, self.seen.1 + reward * reward);
        let deviation = (self.seen.1 / self.seen.0).sqrt();
        let scaled = if deviation > 0.0 { reward / deviation } else { 0.0 };
        self.known[*arm].learn(context, scaled);
    }
}

impl Strategy for Caal {
    fn select(&mut self, view: &PoolView<'_>, batch: usize, key: Key) -> Result<Vec<RowId>> {
        // All arms', so that an episode does not fail for want of a signal on the day that one is drawn.
        view.check(self.needs())?;
        for (asked, reward) in self.rewards.judged(view)? {
            self.learn(&asked, reward);
        }
        let context = context(view)?;
        let mut rng = key.named("caal").rng();
        let worths: Vec<f64> =
            self.known.iter().map(|known| known.draw(&context, self.explore, &mut rng)).collect();
        let best = (0..worths.len()).max_by(|&a, &b| worths[a].total_cmp(&worths[b])).unwrap_or(0);
        let picks = self.arms[best].select(view, batch, key.named("arm").at(best as u64))?;
        self.note = subsample::join([Some(format!("asked by arm {}", best + 1)), self.arms[best].note()]);
        self.rewards.asked((best, context), &picks);
        Ok(picks)
    }

    fn needs(&self) -> Needs {
        arms::needs(&self.arms).union(OWN)
    }

    fn note(&self) -> Option<String> {
        self.note.clone()
    }

    fn memory(&self, size: &Size) -> u64 {
        arms::memory(&self.arms, size)
    }
}

/// The state that a view is in.
fn context(view: &PoolView<'_>) -> Result<Context> {
    let p = view.probabilities()?;
    let unsure = ties::sum((0..p.rows()).map(|row| margin::of(p.row(row)))) / p.rows().max(1) as f64;
    let progress = view.signals().progress;
    let spent = progress.spent as f64 / progress.budget.max(1) as f64;
    let per_class = view.labelled().len() as f64 / view.classes().max(1) as f64;
    Ok(Context::new(1.0, per_class.ln_1p(), spent.min(1.0), unsure))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Matrix;
    use crate::query::{Progress, Registry, Signals};
    use crate::testing::ExamplePool;

    /// One arm is rewarded early and the other late: each is drawn where it helps.
    #[test]
    fn the_context_decides() {
        let arms = || ["margin", "random"].map(|name| Registry::builtin().build(name).unwrap()).into();
        let mut caal = Caal::new(arms(), 0.5);
        let at = |spent: f64| Context::new(1.0, 1.0, spent, 0.5);
        for step in 0..200 {
            let spent = f64::from(step % 20) / 19.0;
            caal.known[0].learn(&at(spent), 1.0 - 2.0 * spent);
            caal.known[1].learn(&at(spent), 2.0 * spent - 1.0);
        }
        let drawn = |spent: f64| {
            let first = |seed: &u64| {
                let mut rng = Key::root(*seed).rng();
                let [a, b] = [0, 1].map(|arm| caal.known[arm].draw(&at(spent), 0.5, &mut rng));
                a > b
            };
            (0..300).filter(first).count()
        };
        assert!(drawn(0.1) > 290 && drawn(0.9) < 10, "{} {}", drawn(0.1), drawn(0.9));
    }

    /// Losses that fall reward the arm that asked.
    #[test]
    fn a_batch_is_judged_by_the_labels_before_it() {
        let mut pool = ExamplePool::new(40, 10, 1);
        pool.signals.progress = Progress { spent: 3, budget: 30 };
        let held_out = |sure: f32, count: usize| {
            let row =
                |at: usize| (0..3).map(move |class| if class == at % 3 { sure } else { (1.0 - sure) / 2.0 });
            Matrix::new((0..count).flat_map(row).collect(), count, 3)
        };
        let arms = ["margin", "random"].map(|name| Registry::builtin().build(name).unwrap()).into();
        let mut caal = Caal::new(arms, 0.5);
        let signals = pool.signals.clone();
        for sure in [0.4, 0.8] {
            let out_of_fold = Some(held_out(sure, pool.labelled.len()));
            pool.signals = Signals { out_of_fold, ..signals.clone() };
            // What is asked for is answered.
            let picks = caal.select(&pool.view(), 2, Key::root(4)).unwrap();
            for row in picks {
                pool.labels.push(pool.labels.len() as u32 % 3);
                pool.labelled.push(row);
            }
        }
        let learned: Vec<f64> = caal.known.iter().map(|known| known.sums[0]).collect();
        assert_eq!(learned.iter().filter(|&&sum| sum == 1.0).count(), 1, "{learned:?}");
        assert_eq!(learned.iter().sum::<f64>(), 1.0);
        // Nothing is learned where none could be left out.
        pool.signals = signals;
        caal.select(&pool.view(), 2, Key::root(5)).unwrap();
        assert_eq!(caal.known.iter().map(|known| known.sums[0]).sum::<f64>(), 1.0);
    }
}
