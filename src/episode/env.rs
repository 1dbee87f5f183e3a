//! [`Episodes`]: several episodes in lock-step, one bank fit per round.

use super::augment::ALPHAS;
use super::plan::{EpisodeError, EpisodePlan};
use super::replicate::Replicate;
use super::state::{Env, EpisodeState, Step, Termination, counts_answers};
use crate::arch::NetSpec;
use crate::data::{Annotator, Matrix, Oracle, Pool, RowId, TargetKind};
use crate::error::Result;
use crate::learner::{Learner, Network};
use crate::query::{Head, Mixture, Needs, Passes, PoolView, Progress, Signals, Transformed};
use crate::rng::Key;

/// Lanes that share a network shape, with the engine that trains them.
pub(super) struct Group {
    pub(super) bank: Box<dyn Learner>,
    pub(super) envs: Vec<usize>,
}

/// Several episodes that advance in lock-step. An episode's course depends on its own replicate, plan and
/// picks alone, never on its neighbours.
pub struct Episodes {
    pub(super) plan: EpisodePlan,
    pub(super) envs: Vec<Env>,
    pub(super) groups: Vec<Group>,
    /// For every environment, its group and its place in it.
    pub(super) places: Vec<(usize, usize)>,
}

impl Episodes {
    /// Draws the initial labels, fits a first network on them and measures it.
    ///
    /// # Errors
    /// If the plan cannot be satisfied on one of the tasks, or the network's shape is refused.
    pub fn reset(plan: &EpisodePlan, replicates: &[Replicate]) -> Result<Self> {
        let initial = |plan: &EpisodePlan, replicate: &Replicate| {
            plan.initial.rows(plan, &replicate.prepared, replicate.key.named("initial"))
        };
        Self::start(plan, replicates, true, initial)
    }

    /// One episode that starts from these labelled rows of its pool, fitted to them. Where these are all rows, it is over at once, and predicts.
    ///
    /// # Errors
    /// As [`reset`](Self::reset).
    pub fn from_labelled(plan: &EpisodePlan, replicate: &Replicate, labelled: &[RowId]) -> Result<Self> {
        let open = labelled.len() < replicate.prepared.task().pool().rows();
        Self::start(plan, std::slice::from_ref(replicate), open, |_, _| Ok(labelled.to_vec()))
    }

    fn start(
        plan: &EpisodePlan,
        replicates: &[Replicate],
        buys: bool,
        initial: impl Fn(&EpisodePlan, &Replicate) -> Result<Vec<RowId>>,
    ) -> Result<Self> {
        plan.check()?;
        let kind = replicates.first().map_or(TargetKind::Class, |one| one.prepared.task().kind());
        let plan = &plan.on(kind);
        let mut envs = Vec::with_capacity(replicates.len());
        for replicate in replicates {
            let task = replicate.prepared.task();
            plan.check_task(task)?;
            if let Some(pretrained) = replicate.prepared.pretrained() {
                pretrained.check(plan, task)?;
            }
            if task.kind() != kind {
                let (task, found) = (task.name().to_string(), task.kind());
                return Err(EpisodeError::Kinds { task, found, expected: kind }.into());
            }
            let rows = initial(plan, replicate)?;
            plan.check_memory(task, rows.len().saturating_add(plan.budget))?;
            let mut pool = Pool::unlabelled(task.pool().rows());
            pool.ask(&mut Oracle::new(task.clone(), rows.len()), &rows)?;
            let unlabelled = pool.candidates().len();
            if buys && plan.budget > unlabelled {
                let (task, budget) = (task.name().to_string(), plan.budget);
                return Err(EpisodeError::Budget { task, budget, unlabelled }.into());
            }
            envs.push(Env::new(plan, replicate, pool)?);
        }
        let places = vec![(0, 0); envs.len()];
        let mut episodes = Self { plan: plan.clone(), envs, groups: Vec::new(), places };
        episodes.fit()?;
        Ok(episodes)
    }

    /// The number of episodes, those that are over included.
    pub fn len(&self) -> usize {
        self.envs.len()
    }

    /// Whether there is no episode at all.
    pub fn is_empty(&self) -> bool {
        self.envs.is_empty()
    }

    /// Episodes that are not over.
    pub fn live(&self) -> Vec<usize> {
        (0..self.envs.len()).filter(|&env| self.envs[env].end.is_none()).collect()
    }

    /// Where episode `env` stands.
    pub fn state(&self, env: usize) -> &EpisodeState {
        &self.envs[env].state
    }

    /// Why episode `env` is over, if it is.
    pub fn end(&self, env: usize) -> Option<Termination> {
        self.envs[env].end
    }

    /// The network shape of episode `env`.
    pub fn spec(&self, env: usize) -> &NetSpec {
        &self.envs[env].spec
    }

    /// Rows to ask for in the next query of episode `env`.
    pub fn batch(&self, env: usize) -> usize {
        let env = &self.envs[env];
        self.plan.query_size.min(env.oracle.left()).min(env.pool.candidates().len())
    }

    /// What a strategy with these needs is shown of episode `env`; `key` draws stochastic passes. What
    /// takes fits of its own (look-ahead, committee, temperature, predicted loss) is left out: see
    /// [`extras`](Self::extras).
    pub fn signals(&self, env: usize, needs: Needs, key: Key) -> Signals {
        self.signals_beside(Signals::default(), env, needs, key)
    }

    /// [`signals`](Self::signals) beside what [`extras`](Self::extras) gave for the same episode and needs.
    pub fn signals_beside(&self, extras: Signals, env: usize, needs: Needs, key: Key) -> Signals {
        let (at, (group, place)) = (&self.envs[env], self.places[env]);
        let bank = &self.groups[group].bank;
        let task = at.replicate.prepared.task();
        let (inputs, kind) = (task.pool(), task.kind());
        let numbers = kind == TargetKind::Real;
        let rows: Vec<u32> = at.pool.candidates().iter().map(|row| row.0).collect();
        Signals {
            probabilities: (needs.probabilities && !numbers)
                .then(|| kind.answers(&**bank, place, inputs, Some(&rows))),
            predictions: (needs.predictions || needs.probabilities && numbers)
                .then(|| bank.predictions(place, inputs, Some(&rows))),
            embeddings: needs.embeddings.then(|| bank.embeddings(place, inputs, None)),
            passes: (needs.passes > 0).then(|| Passes {
                members: bank.passes(
                    place,
                    inputs,
                    Some(&rows),
                    needs.passes,
                    needs.rate.unwrap_or(bank.spec().dropout()),
                    key.named("passes"),
                ),
            }),
            head: needs.head.then(|| self.head(group, place)),
            // The networks' own weights and shape: refused for images alone, whose gradients nothing reads.
            network: match needs.network {
                true => Network::new(bank.spec(), &bank.weights(place)).ok(),
                false => None,
            },
            neighbours: needs.neighbours.then(|| at.replicate.prepared.neighbours()),
            nearest: needs.neighbours.then(|| at.nearest()),
            images: needs.images.then(|| task.images()).flatten(),
            components: needs.components.then(|| at.replicate.prepared.components()),
            progress: Progress { spent: at.oracle.spent(), budget: self.plan.budget },
            ..extras
        }
    }

    /// Class probabilities of rows of the pool by the network of episode `env`, shape `[rows, classes]`.
    pub fn probabilities(&self, env: usize, rows: &[u32]) -> Matrix {
        let (group, place) = self.places[env];
        let pool = self.envs[env].replicate.prepared.task().pool();
        self.groups[group].bank.probabilities(place, pool, Some(rows))
    }

    /// What the network of episode `env` says of rows of the pool: see [`TargetKind::answers`].
    pub fn answers(&self, env: usize, rows: &[u32]) -> Matrix {
        let (group, place) = self.places[env];
        let task = self.envs[env].replicate.prepared.task();
        task.kind().answers(&*self.groups[group].bank, place, task.pool(), Some(rows))
    }

    /// The last layer of a network: the end of its weights, `[d, classes]` and then the biases.
    fn head(&self, group: usize, place: usize) -> Head {
        let bank = &self.groups[group].bank;
        let (width, classes) = (bank.spec().embedding(), bank.spec().outputs());
        let weights = bank.weights(place);
        let (body, bias) = weights.split_at(weights.len() - classes);
        let last = &body[body.len() - width * classes..];
        let mut transposed = Matrix::zeros(classes, width);
        for (at, &weight) in last.iter().enumerate() {
            transposed.row_mut(at % classes)[at / classes] = weight;
        }
        Head { weights: transposed, bias: bias.to_vec() }
    }

    /// Episode `env` as a strategy may see it.
    pub fn view<'a>(&'a self, env: usize, signals: &'a Signals) -> PoolView<'a> {
        let env = &self.envs[env];
        let (prepared, task) = (&env.replicate.prepared, env.replicate.prepared.task());
        let (rows, targets) = env.known();
        let (kind, classes) = (task.kind(), task.classes());
        PoolView::of_kind(kind, prepared.seen(), rows, targets, env.pool.candidates(), classes, signals)
            .with_network_inputs(task.pool())
            .with_waiting(env.out)
    }

    /// Changes the network shape of episode `env`; the next fit is from fresh weights, and `steps`
    /// gradient steps are added to the episode's account.
    pub fn reshape(&mut self, env: usize, spec: NetSpec, steps: u64) {
        self.envs[env].spec = spec;
        self.envs[env].state.steps += steps;
    }

    /// Labels that episode `env` has in hand, those of rows that are still out not among them: rows of its pool and their classes.
    pub fn labelled(&self, env: usize) -> (Vec<u32>, &[u32]) {
        let pool = &self.envs[env].pool;
        (pool.labelled().iter().map(|row| row.0).collect(), pool.labels())
    }

    /// Ends episode `env` where it stands, whatever is left of its budget.
    pub fn stop(&mut self, env: usize) {
        self.envs[env].end.get_or_insert(Termination::Stopped);
    }

    /// The replicate of episode `env`.
    pub fn replicate(&self, env: usize) -> &Replicate {
        &self.envs[env].replicate
    }

    /// Has questions about a row of episode `env` go to the annotator of this number from now on, in place of the plan's.
    pub fn appoint(&mut self, env: usize, row: RowId, number: u32, annotator: Annotator) {
        self.envs[env].oracle.appoint(row, number, annotator);
    }

    /// Asks for labels and adds those that arrive to the pools; the networks are not refitted yet. Follow with
    /// [`refit`](Self::refit). Where every label has a fit of its own, they come in the order of the picks.
    ///
    /// # Errors
    /// If a pick is unknown, labelled already, doubled, or over the budget. Episodes before it in
    /// `picks` have then been charged: an error ends the whole set.
    pub fn ask(&mut self, picks: &[(usize, Vec<RowId>)]) -> Result<()> {
        for (env, rows) in picks {
            let env = &mut self.envs[*env];
            let before = env.pool.labels().len();
            env.pool.ask(&mut env.oracle, rows)?;
            env.come_nearer(before);
            let task = env.replicate.prepared.task();
            env.state.answers = counts_answers(&self.plan, task).then(|| env.oracle.answers());
            env.state.round += 1;
            env.state.labels += rows.len();
            env.fresh += rows.len();
        }
        Ok(())
    }

    /// Has candidates of episode `env` count as labelled for whoever asks, as what its network predicts of them: somebody else was asked for
    /// them, and the answers are out. The network does not learn from them.
    ///
    /// # Errors
    /// If a row is not a candidate (any more).
    pub fn hand_out(&mut self, env: usize, rows: &[RowId]) -> Result<()> {
        let answers = self.answers(env, &rows.iter().map(|row| row.0).collect::<Vec<u32>>());
        let at = &mut self.envs[env];
        at.pool.set_aside(rows)?;
        let kind = at.replicate.prepared.task().kind();
        let like = |(place, &row): (usize, &RowId)| (row, kind.predicted(answers.row(place), row.0));
        at.expect(rows.iter().enumerate().map(like).collect(), rows.len());
        Ok(())
    }

    /// Has the next [`refit`](Self::refit) of episode `env`, and no other, train on candidates as if their
    /// class were known. Nothing is bought: the rows stay candidates, and the budget is what it was.
    ///
    /// # Errors
    /// If a row is not a candidate (any more), comes twice, or has a class that the task has not.
    pub fn believe(&mut self, env: usize, pseudo: &[(RowId, u32)]) -> Result<()> {
        let at = &mut self.envs[env];
        let (task, classes) =
            (at.replicate.prepared.task().name().to_string(), at.replicate.prepared.task().classes());
        let mut rows: Vec<RowId> = pseudo.iter().map(|&(row, _)| row).collect();
        rows.sort_unstable();
        let strange = |&&(row, class): &&(RowId, u32)| {
            at.pool.candidates().binary_search(&row).is_err() || class as usize >= classes
        };
        let doubled = rows.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        if let Some(row) = pseudo.iter().find(strange).map(|&(row, _)| row).or(doubled) {
            return Err(EpisodeError::PseudoLabel { task, row: row.0, classes }.into());
        }
        at.pseudo = pseudo.to_vec();
        Ok(())
    }

    /// Has the next [`refit`](Self::refit) of episode `env`, and no other, train on mixtures of labelled rows, too: in every
    /// epoch one of each pair, with a share that is drawn anew (LADA: Kim et al., NeurIPS 2021).
    ///
    /// # Errors
    /// If a row's label is not in hand, a parameter is out of [`ALPHAS`], or the classifier cannot be trained on soft targets.
    pub fn mix(&mut self, env: usize, mixtures: &[Mixture]) -> Result<()> {
        let at = &mut self.envs[env];
        if !mixtures.is_empty() {
            self.plan.check_soft("a strategy that mixes rows")?;
        }
        let labelled = |row: &RowId| at.pool.labelled().contains(row);
        let strange = |mixture: &&Mixture| {
            !labelled(&mixture.a) || !labelled(&mixture.b) || !ALPHAS.contains(&mixture.alpha)
        };
        if let Some(&Mixture { a, b, alpha, .. }) = mixtures.iter().find(strange) {
            let task = at.replicate.prepared.task().name().to_string();
            return Err(EpisodeError::Mixture { task, a: a.0, b: b.0, alpha }.into());
        }
        let layers = at.spec.blocks().len();
        if let Some(&Mixture { layer, .. }) = mixtures.iter().find(|mixture| mixture.layer > layers) {
            let task = at.replicate.prepared.task().name().to_string();
            return Err(EpisodeError::Layer { task, layer, layers }.into());
        }
        at.steering.mixtures = mixtures.to_vec();
        Ok(())
    }

    /// Has the next [`refit`](Self::refit) of episode `env`, and no other, train on other versions of labelled rows, with
    /// their labels.
    ///
    /// # Errors
    /// If a row's label is not in hand, a version has another width than inputs, or the classifier cannot be trained on virtual rows.
    pub fn transform(&mut self, env: usize, transformed: &[Transformed]) -> Result<()> {
        let at = &mut self.envs[env];
        if !transformed.is_empty() {
            self.plan.check_soft("a strategy that transforms rows")?;
        }
        let task = at.replicate.prepared.task();
        let expected = task.width();
        let strange =
            |one: &&Transformed| !at.pool.labelled().contains(&one.row) || one.input.len() != expected;
        if let Some(Transformed { row, input }) = transformed.iter().find(strange) {
            let (task, row, found) = (task.name().to_string(), row.0, input.len());
            return Err(EpisodeError::Transformed { task, row, found, expected }.into());
        }
        at.steering.transformed = transformed.to_vec();
        Ok(())
    }

    /// Fits and measures the live episodes after [`ask`](Self::ask). One [`Step`] per live episode, in
    /// the order of [`live`](Self::live) before the call.
    ///
    /// # Errors
    /// If every label has a fit of its own, and one live episode was asked for more of them than another.
    pub fn refit(&mut self) -> Result<Vec<Step>> {
        let live = self.live();
        let before: Vec<f64> = live.iter().map(|&env| self.envs[env].state.reward_accuracy).collect();
        self.fit()?;
        Ok(live
            .iter()
            .zip(before)
            .map(|(&env, before)| Step {
                reward: self.envs[env].state.reward_accuracy - before,
                end: self.envs[env].end,
            })
            .collect())
    }

    /// Plays to the end, [round](Self::round) by round.
    ///
    /// # Errors
    /// As [`round`](Self::round).
    pub fn drive(
        &mut self,
        mut pick: impl FnMut(&Self, usize) -> Result<Vec<RowId>>,
        mut observe: impl FnMut(&Self, usize, Step),
    ) -> Result<()> {
        while self.round(&mut pick, &mut observe)? {}
        Ok(())
    }

    /// One query of every live episode: `pick` names the rows that an episode asks for, `observe` sees what it came to once all
    /// are fitted. Whether there was a live episode.
    ///
    /// # Errors
    /// As [`step`](Self::step), and those of `pick`.
    pub fn round(
        &mut self,
        mut pick: impl FnMut(&Self, usize) -> Result<Vec<RowId>>,
        mut observe: impl FnMut(&Self, usize, Step),
    ) -> Result<bool> {
        let live = self.live();
        let picks = live.iter().map(|&env| Ok((env, pick(self, env)?))).collect::<Result<Vec<_>>>()?;
        let steps = if live.is_empty() { Vec::new() } else { self.step(&picks)? };
        for (&env, step) in live.iter().zip(steps) {
            observe(self, env, step);
        }
        Ok(!live.is_empty())
    }

    /// [`ask`](Self::ask), then [`refit`](Self::refit).
    pub fn step(&mut self, picks: &[(usize, Vec<RowId>)]) -> Result<Vec<Step>> {
        self.ask(picks)?;
        self.refit()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Answers, SplitPlan, Task, embedded};
    use crate::episode::testing;
    use crate::episode::{EpisodePlan, PreparedTask, Rejected};
    use crate::learner::Start;

    fn episodes(annotator: Option<Annotator>) -> Episodes {
        let plan = EpisodePlan { query_size: 6, budget: 24, annotator, ..testing::plan(Start::Scratch) };
        let task =
            Task::split(&embedded::load("iris").unwrap(), &SplitPlan::default(), Key::root(1)).unwrap();
        Episodes::reset(&plan, &[Replicate { prepared: PreparedTask::new(task), key: Key::root(2) }]).unwrap()
    }

    /// Asks for the first candidates until the episode is over; answers and the weights of every round.
    fn course(annotator: Option<Annotator>) -> (Vec<Answers>, Vec<Vec<f32>>, Episodes) {
        let mut episodes = episodes(annotator);
        let (mut answers, mut weights) = (Vec::new(), Vec::new());
        while !episodes.live().is_empty() {
            let rows = episodes.envs[0].pool.candidates()[..episodes.batch(0)].to_vec();
            episodes.step(&[(0, rows)]).unwrap();
            answers.extend(episodes.state(0).answers);
            weights.push(episodes.groups[0].bank.weights(0).to_vec());
        }
        (answers, weights, episodes)
    }

    /// Whoever always answers at once and rightly is no annotator at all, but for the count.
    #[test]
    fn an_annotator_who_is_always_right_changes_nothing() {
        let ((none, plain, _), (answers, weights, _)) = (course(None), course(Some(Annotator::default())));
        assert_eq!((none, plain), (vec![], weights));
        let last = Answers { answered: 24, spent: 24.0, ..Answers::default() };
        assert_eq!((answers.len(), answers[3]), (4, last));
    }

    /// Rows that are out stand behind the labelled ones with the class that is predicted of them, and distances are to
    /// them, too; the network has not seen them.
    #[test]
    fn what_is_out_counts_as_labelled_for_who_asks_and_not_for_who_learns() {
        let late = Annotator { late: 2, ..Annotator::default() };
        let mut late = episodes(Some(late));
        let asked = late.envs[0].pool.candidates()[..6].to_vec();
        let needs = Needs { neighbours: true, out_of_fold: true, ..Needs::NONE };
        let before = late.signals(0, needs, Key::root(1));
        late.step(&[(0, asked.clone())]).unwrap();
        let extras = late.extras(&[(0, needs)]).unwrap().remove(0);
        let signals = late.signals_beside(extras, 0, needs, Key::root(1));
        let view = late.view(0, &signals);
        assert_eq!((view.labelled().len(), &view.labelled()[3..], view.waiting()), (9, &asked[..], 6));
        let rows: Vec<u32> = asked.iter().map(|row| row.0).collect();
        let pool = late.envs[0].replicate.prepared.task().pool();
        let p = late.groups[0].bank.probabilities(0, pool, Some(&rows));
        for (at, &class) in view.labels()[3..].iter().enumerate() {
            assert!(p.row(at).iter().all(|&other| other <= p.row(at)[class as usize]));
        }
        assert!(signals.nearest != before.nearest);
        assert_eq!(late.labelled(0).0.len(), 3);
        assert_eq!((late.state(0).labels, late.state(0).answers.unwrap().late), (9, 6));
        // The network of the round has the initial labels alone.
        let mut plain = episodes(None);
        plain.envs[0].state.round += 1;
        plain.refit().unwrap();
        assert_eq!(plain.groups[0].bank.weights(0), late.groups[0].bank.weights(0));
    }

    /// A rejected row stands behind the labelled ones where it is to count as covered, is out of nobody's hands, and is not learned from.
    #[test]
    fn rejected_rows_count_as_covered_for_who_asks_and_not_for_who_learns() {
        let nobody = Annotator { unanswerable: 1.0, ..Annotator::default() };
        let play = |rejected| {
            let plain = episodes(Some(nobody));
            let plan = EpisodePlan { rejected, ..plain.plan.clone() };
            let mut played = Episodes::reset(&plan, &[plain.envs[0].replicate.clone()]).unwrap();
            let asked = played.envs[0].pool.candidates()[..6].to_vec();
            played.step(&[(0, asked.clone())]).unwrap();
            (played, asked)
        };
        let ((ignored, _), (covered, asked)) = (play(Rejected::Ignored), play(Rejected::Covered));
        let needs = Needs { neighbours: true, out_of_fold: true, ..Needs::NONE };
        let seen = |episodes: &Episodes| {
            let extras = episodes.extras(&[(0, needs)]).unwrap().remove(0);
            let signals = episodes.signals_beside(extras, 0, needs, Key::root(1));
            let view = episodes.view(0, &signals);
            let nearest = signals.nearest.as_ref().unwrap().least(asked[0].index());
            assert_eq!(
                (view.waiting(), view.candidates().len()),
                (0, episodes.envs[0].pool.candidates().len())
            );
            (view.labelled().to_vec(), nearest)
        };
        let (before, after) = (seen(&ignored), seen(&covered));
        assert_eq!((before.0.len(), &after.0[..3], &after.0[3..]), (3, &before.0[..], &asked[..]));
        assert!(before.1 > 0.0 && after.1 == 0.0, "{} {}", before.1, after.1);
        assert_eq!(ignored.groups[0].bank.weights(0), covered.groups[0].bank.weights(0));
        assert_eq!(covered.labelled(0).0.len(), 3);
    }

    /// Somebody else's rows are no candidates, count as labelled with what is predicted, and are not learned from; where all rows have labels, a fit predicts.
    #[test]
    fn rows_that_are_handed_out_count_as_labelled_for_who_asks() {
        let replicate = episodes(None).envs[0].replicate.clone();
        let plan = EpisodePlan { query_size: 2, budget: 2, ..testing::plan(Start::Scratch) };
        let all: Vec<RowId> = (0..replicate.prepared.task().pool().rows() as u32).map(RowId).collect();
        let mut seen = Episodes::from_labelled(&plan, &replicate, &all[..20]).unwrap();
        let weights = seen.groups[0].bank.weights(0).to_vec();
        seen.hand_out(0, &all[30..33]).unwrap();
        let signals = seen.signals(0, Needs::NONE, Key::root(1));
        let view = seen.view(0, &signals);
        assert_eq!((view.waiting(), view.labelled().len()), (3, 23));
        assert!(view.candidates().iter().all(|row| !all[30..33].contains(row) && row.0 >= 20));
        let p = seen.answers(0, &[30]);
        assert_eq!(view.labels()[20], TargetKind::Class.predicted(p.row(0), 30));
        assert_eq!(seen.groups[0].bank.weights(0), weights);
        assert!(seen.hand_out(0, &all[30..31]).is_err(), "it is in somebody's hand");
        assert!(seen.hand_out(0, &all[..1]).is_err(), "it has a label");
        let whole = Episodes::from_labelled(&plan, &replicate, &all).unwrap();
        assert_eq!((whole.end(0), whole.answers(0, &[1, 2]).rows()), (Some(Termination::PoolEmpty), 2));
    }

    #[test]
    fn the_budget_ends_with_every_answer_in_hand() {
        let crowd =
            Annotator { noise: 0.3, abstains: 0.3, unanswerable: 0.1, late: 1, ..Annotator::default() };
        let (answers, weights, episodes) = course(Some(crowd));
        let Answers { answered, wrong, abstained, unanswerable, late, spent } = answers[3];
        assert_eq!((answers[2].late, late, answered + abstained + unanswerable, spent), (6, 0, 24, 24.0));
        assert!(abstained > 0 && wrong > 0 && answered > 8, "{answers:?}");
        assert_eq!(episodes.labelled(0).0.len(), 3 + answered as usize);
        assert_eq!((episodes.end(0), episodes.state(0).labels), (Some(Termination::Budget), 27));
        assert_eq!(course(Some(crowd)).1, weights);
    }
}
