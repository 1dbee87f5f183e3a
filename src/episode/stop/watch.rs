//! [`Watch`]: what rules to stop go by, noted after every fit of an episode.

use super::curve::Point;
use super::{Look, Seen, set};
use crate::data::Matrix;
use crate::episode::{Episodes, Replicate};
use crate::error::Result;
use crate::query::{Needs, Signals};

/// What successive fits of an episode say of a fixed set of its pool's rows, and their accuracy on labels held out. Nothing in
/// it is read from reward, validation or test rows.
#[derive(Clone, Debug)]
pub struct Watch {
    set: Vec<u32>,
    looks: Vec<Look>,
    curve: Vec<Point>,
}

impl Watch {
    /// Of an episode on this replicate, of which nothing is noted yet.
    pub fn new(replicate: &Replicate) -> Self {
        let rows = replicate.prepared.task().pool().rows();
        Self { set: set(rows, replicate.key.named("stop")), looks: Vec::new(), curve: Vec::new() }
    }

    /// Notes the last fit of each of these episodes; `watches` are those of all, by their number. The labels that are held out
    /// cost fits of their own, which are made together.
    ///
    /// # Errors
    /// If one of those fits fails.
    pub fn note(watches: &mut [Self], episodes: &Episodes, envs: &[usize]) -> Result<()> {
        let needs = Needs { out_of_fold: true, ..Needs::NONE };
        let asking: Vec<(usize, Needs)> = envs.iter().map(|&env| (env, needs)).collect();
        for (&env, Signals { out_of_fold, .. }) in envs.iter().zip(episodes.extras(&asking)?) {
            watches[env].look(episodes, env, out_of_fold.as_ref());
        }
        Ok(())
    }

    fn look(&mut self, episodes: &Episodes, env: usize, out_of_fold: Option<&Matrix>) {
        let (_, labels) = episodes.labelled(env);
        self.looks.push(Look::of(labels.len(), &episodes.probabilities(env, &self.set)));
        if let Some(p) = out_of_fold {
            let predicted = Look::of(labels.len(), p).classes;
            let right = predicted.iter().zip(labels).filter(|(one, other)| one == other).count();
            let (judged, accuracy) = (labels.len(), right as f64 / labels.len() as f64);
            self.curve.push(Point { labels: labels.len(), accuracy, judged });
        }
    }

    /// What rules see of episode `env`, whose watch this is.
    pub fn seen(&self, episodes: &Episodes, env: usize) -> Seen<'_> {
        let pool = episodes.replicate(env).prepared.task().pool().rows();
        let (rows, _) = episodes.labelled(env);
        let (rows, step) = (pool - rows.len(), episodes.plan.query_size);
        Seen { looks: &self.looks, curve: &self.curve, rows, step }
    }

    /// All that was noted: looks, and the curve.
    pub fn into_parts(self) -> (Vec<Look>, Vec<Point>) {
        (self.looks, self.curve)
    }
}
