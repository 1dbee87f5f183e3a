//! From the names in a plan to data sets, source tasks and prepared tasks.

use super::error::ExperimentError;
use super::leaks;
use super::plan::Plan;
use super::sections::{DataRef, is_reserved};
use crate::agent::{SeenSet, Source};
use crate::data::load::Loaded;
use crate::data::readers::{ReadError, ReadOptions};
use crate::data::synthetic::{
    Friedman, Glands, LabelTeachers, SourceFamily, diverging_sin, palmprints, three_clust,
};
use crate::data::world::MIN_OPEN;
use crate::data::{self, DataError, Dataset, Shape, SplitPlan, TargetKind, Task, Variation, World};
use crate::episode::encoder::Encoders;
use crate::episode::{
    Consistency, EpisodeError, EpisodePlan, InitialPool, Measure, PreparedTask, Pretrained, Training,
};
use crate::error::Result;
use crate::query::Needs;
use crate::rng::Key;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Generated data sets that an experiment file may name. The first two are of classes, rows, width and classes as in the paper; then come problems of
/// numbers, of sets of labels, and of masks, and one of classes with a few images each.
pub const GENERATED: [&str; 14] = [
    "three_clust",
    "diverging_sin",
    "friedman1",
    "friedman2",
    "friedman3",
    "labels_independent",
    "labels_correlated",
    "labels_rare",
    "glands_plain",
    "glands_faint",
    "glands_dense",
    "glands_blurred",
    "glands_stained",
    "palmprints",
];

/// The data set that a plan names, its classes numbered as the rows show them: however they are spelt,
/// episodes on them are the same.
///
/// It is read once for a plan and all its clones.
pub fn load(plan: &Plan, reference: &DataRef) -> Result<Arc<Dataset>> {
    if let Some(generated) = generate(reference, Key::root(plan.seed()).named("generated")) {
        return generated.map(Arc::new);
    }
    if let Some(held) = plan.held().get(reference) {
        return Ok(held);
    }
    let dataset = Arc::new(read(plan, reference)?.numbered_by_appearance());
    plan.held().add(reference, &dataset);
    Ok(dataset)
}

/// The data sets of a plan that were read, and the encoders of pools that were trained.
#[derive(Debug, Default)]
pub(super) struct Held {
    datasets: Mutex<HashMap<DataRef, Arc<Dataset>>>,
    encoders: Encoders,
}

impl Held {
    fn get(&self, reference: &DataRef) -> Option<Arc<Dataset>> {
        self.datasets.lock().expect("no panic while it is held").get(reference).cloned()
    }

    fn add(&self, reference: &DataRef, dataset: &Arc<Dataset>) {
        self.datasets
            .lock()
            .expect("no panic while it is held")
            .insert(reference.clone(), Arc::clone(dataset));
    }
}

/// What was made already makes no difference between plans.
impl PartialEq for Held {
    fn eq(&self, _other: &Self) -> bool {
        true
    }
}

/// The data set that a plan names, its classes numbered as its format has them: for networks whose outputs
/// somebody else will read.
pub fn read(plan: &Plan, reference: &DataRef) -> Result<Dataset> {
    if let Some(generated) = generate(reference, Key::root(plan.seed()).named("generated")) {
        return generated;
    }
    let (spec, mut options) = located(reference);
    options.columns.domains = plan.episode().domain_column();
    plan.readers().load(spec, plan.data_dir(), &options).map_err(|error| match error.downcast_ref() {
        Some(DataError::UnknownName { name, .. }) if GENERATED.contains(&name.as_str()) => {
            let targets = named_kind(name).name();
            ReadError::Option {
                file: name.clone(),
                problem: format!(
                    "a generated set has no columns or members to name, and its targets are {targets}"
                ),
                hint: "leave out what says how it is read".to_string(),
            }
            .into()
        }
        _ => error,
    })
}

/// What a data set is looked for by, and how it is read.
pub(super) fn located(reference: &DataRef) -> (&str, ReadOptions) {
    match reference {
        DataRef::Named(name) => (name, ReadOptions::default()),
        DataRef::File(it) => (&it.file, reference.options()),
    }
}

/// A data set to be looked at, which may be a table without labels.
///
/// # Errors
/// What reading refuses.
pub fn look(data_dir: Option<&Path>, reference: &DataRef) -> Result<Loaded> {
    if let Some(generated) = generate(reference, Key::root(0).named("generated")) {
        return Ok(Loaded::Labelled(Box::new(generated?)));
    }
    let (spec, options) = located(reference);
    data::load::look(spec, data_dir, &options)
}

/// A generated data set as it is drawn for one repetition, as the cross-domain benchmark does: other rows
/// by the same law. None for data sets that are read.
pub fn redrawn(plan: &Plan, target: &DataRef, repetition: u32) -> Option<Result<Dataset>> {
    let key = Key::root(plan.seed()).named("generated").at(u64::from(repetition));
    generate(target, key)
}

/// What the targets of a data set are that has this name.
pub fn named_kind(name: &str) -> TargetKind {
    if Friedman::ALL.iter().any(|problem| problem.name() == name) {
        return TargetKind::Real;
    }
    if Glands::ALL.iter().any(|domain| domain.name() == name) {
        return TargetKind::Mask;
    }
    match LabelTeachers::ALL.iter().any(|problem| problem.name() == name) {
        true => TargetKind::MultiLabel,
        false => TargetKind::Class,
    }
}

fn generate(reference: &DataRef, key: Key) -> Option<Result<Dataset>> {
    let DataRef::Named(name) = reference else { return None };
    let numbers = Friedman::ALL.into_iter().find(|problem| problem.name() == name);
    let labels = LabelTeachers::ALL.into_iter().find(|problem| problem.name() == name);
    let glands = Glands::ALL.into_iter().find(|domain| domain.name() == name);
    let generated = match (numbers, labels, glands) {
        (Some(problem), ..) => problem.draw(key),
        (_, Some(problem), _) => problem.draw(key),
        (.., Some(domain)) => domain.draw(key),
        _ if name == GENERATED[0] => three_clust(key),
        _ if name == GENERATED[1] => diverging_sin(key),
        _ if name == palmprints::NAME => palmprints(key),
        _ => return None,
    };
    Some(generated.map(|dataset| dataset.renamed(reference.name())))
}

/// The episodes of a plan, with the classifier of `[learner]`.
pub fn episode_plan(plan: &Plan) -> Result<EpisodePlan> {
    let (learner, episode) = (plan.learner(), plan.episode());
    let layers = match &episode.encoder {
        Some(encoder) if encoder.training() != Training::Frozen => {
            Pretrained::blocks(&encoder.encode().plan).to_vec()
        }
        _ => Vec::new(),
    };
    Ok(EpisodePlan {
        // The widths at both ends are the task's; any will do to see the blocks.
        blocks: layers.into_iter().chain(learner.spec(1, 1)?.blocks().to_vec()).collect(),
        dropout: learner.dropout as f32,
        train: learner.train_plan(),
        initial: episode.initial.clone(),
        initial_per_class: episode.initial_per_class,
        query_size: episode.query_size,
        budget: episode.budget(),
        metric: episode.metric,
        target_accuracy: episode.target_accuracy,
        target_share: episode.target_share,
        measure: Measure::RewardAndTest,
        stop_on: episode.stop_on,
        oracle_on: episode.oracle_on,
        first_epochs: learner.first_epochs,
        fit_per_label: learner.fit_per_label,
        device: learner.device,
        stops: episode.stops,
        annotator: episode.annotator,
        augment: episode.augment.as_ref().map(|keys| keys.augment()),
        consistency: episode.consistency,
        generator: episode.generator,
        rejected: episode.rejected,
        ensemble: learner.ensemble,
        price: episode.price,
    })
}

/// The tasks that are learned from.
pub fn sources(plan: &Plan) -> Result<Vec<Source>> {
    some_sources(plan, usize::MAX)
}

/// At most `most` of the tasks that are learned from, spread over all of them.
pub fn some_sources(plan: &Plan, most: usize) -> Result<Vec<Source>> {
    let sources = plan.sources();
    let key = Key::root(plan.seed()).named("sources");
    make(plan, &sources.datasets, sources.variants, sources.synthetic, key, most, |source| source)
}

/// What `look` finds in each of the tasks that are learned from, and in each of those that choose between checkpoints,
/// in their order. No more of them are held at a time than there are threads.
pub fn look_at_all<T: Send>(plan: &Plan, look: impl Fn(Source) -> T + Sync) -> Result<(Vec<T>, Vec<T>)> {
    let (sources, key) = (plan.sources(), Key::root(plan.seed()));
    let (of_sources, of_validation) = (key.named("sources"), key.named("validation"));
    let all = usize::MAX;
    Ok((
        make(plan, &sources.datasets, sources.variants, sources.synthetic, of_sources, all, &look)?,
        make(plan, &sources.validation, 0, sources.validation_synthetic, of_validation, all, &look)?,
    ))
}

/// The data sets that are learned from or choose between checkpoints, by their content.
pub fn seen(plan: &Plan) -> Result<BTreeMap<String, SeenSet>> {
    let sources = plan.sources();
    let of = |reference| {
        let dataset = load(plan, reference)?;
        Ok((dataset.content().to_string(), leaks::sample(&dataset)))
    };
    sources.datasets.iter().chain(&sources.validation).map(of).collect()
}

/// The tasks that choose between checkpoints.
pub fn validation(plan: &Plan) -> Result<Vec<Source>> {
    some_validation(plan, usize::MAX)
}

/// At most `most` of the tasks that choose between checkpoints, spread over all of them.
pub fn some_validation(plan: &Plan, most: usize) -> Result<Vec<Source>> {
    let sources = plan.sources();
    let key = Key::root(plan.seed()).named("validation");
    make(plan, &sources.validation, 0, sources.validation_synthetic, key, most, |source| source)
}

/// What `look` makes of `variants` variations of every real set, beside the set itself, and of synthetic tasks; at most
/// `most` of them, spread over all.
fn make<T: Send>(
    plan: &Plan,
    datasets: &[DataRef],
    variants: usize,
    synthetic: usize,
    key: Key,
    most: usize,
    look: impl Fn(Source) -> T + Sync,
) -> Result<Vec<T>> {
    let family = SourceFamily::of(&plan.sources().families, key.named("synthetic"))
        .unwrap_or_else(|| SourceFamily::new(key.named("synthetic")))
        .with_many_classes(plan.sources().many_classes)
        .with_targets(plan.sources().task);
    let real: Vec<Arc<Dataset>> =
        datasets.par_iter().map(|reference| load(plan, reference)).collect::<Result<_>>()?;
    let of_each = 1 + variants;
    let all = real.len() * of_each + synthetic;
    let taken = all.min(most);
    (0..taken)
        .into_par_iter()
        .map(|at| {
            let index = at * all / taken;
            let made;
            let mut world = plan.episode().split().world;
            let dataset = match (real.get(index / of_each), index % of_each) {
                (Some(dataset), 0) => &**dataset,
                (Some(dataset), variant) => {
                    let key = key.named("variant").named(dataset.identity()).at(variant as u64);
                    let name = format!("{}/variant-{variant:05}", dataset.name());
                    made = Variation::draw(dataset, key).apply(dataset, &name, key)?;
                    &made
                }
                (None, _) => {
                    made = family.sample((index - real.len() * of_each) as u64)?;
                    &made
                }
            };
            let named = real.get(index / of_each).is_some() && index.is_multiple_of(of_each);
            if !named && dataset.classes() < MIN_OPEN {
                // What is made has two classes by chance, and neither can be unwanted.
                world.open_set = None;
            }
            source(plan, dataset, world, key.named("task").named(dataset.identity())).map(&look)
        })
        .collect()
}

/// How a source task is split.
fn source_split(plan: &Plan) -> SplitPlan {
    let sources = plan.sources();
    SplitPlan { max_pool: sources.max_pool, max_held: sources.max_held, ..plan.episode().split() }
}

/// A source task: its splits in `world`, and what is played on them.
fn source(plan: &Plan, dataset: &Dataset, world: World, key: Key) -> Result<Source> {
    let sources = plan.sources();
    let split = SplitPlan { world, ..source_split(plan) };
    let prepared_tasks = (0..sources.splits as u64)
        .map(|index| prepare(plan, Task::split(dataset, &split, key.named("split").at(index))?))
        .collect::<Result<Vec<_>>>()?;
    let mut episode = episode_plan(plan)?;
    if let Some(randomise) = &sources.randomise {
        randomise.apply(&mut episode, key.named("setting"));
        // Of many classes, several labels each would be most of the pool.
        let halved = |episode: &EpisodePlan, prepared: &Arc<PreparedTask>| {
            2 * episode.initial_count(prepared.task()) > prepared.task().pool().rows()
        };
        while episode.initial_per_class > 1 && prepared_tasks.iter().any(|one| halved(&episode, one)) {
            episode.initial_per_class -= 1;
        }
    }
    // Small sets end earlier; at least one query is left, or the task is refused when it is played.
    let unlabelled = |prepared: &Arc<PreparedTask>| {
        let task = prepared.task();
        task.pool().rows() - episode.initial_count(task)
    };
    let most = prepared_tasks.iter().map(unlabelled).min().unwrap_or(0);
    episode.budget = episode.budget.min(most).max(1);
    let (name, identity) = (dataset.name().to_string(), dataset.identity().to_string());
    Ok(Source { name, identity, prepared_tasks, plan: episode })
}

/// Refuses, before anything is written, a target on which the plan's episodes cannot be played.
pub fn check_target(plan: &Plan, dataset: &Dataset) -> Result<()> {
    if let (Some(found), Shape::Image { channels, height, width }) =
        (plan.search().and_then(|search| search.image), dataset.shape())
        && found != [channels, height, width]
    {
        let (name, expected) = (dataset.name().to_string(), [channels, height, width]);
        return Err(ExperimentError::ImageShape { name, found, expected }.into());
    }
    let episode = episode_plan(plan)?;
    let task = &split(plan, dataset, 0)?;
    if let Some(encoder) = &plan.episode().encoder {
        encoder.encode().check_task(task)?;
    }
    episode.check_task(task)?;
    episode.check_memory(task, episode.initial_count(task).saturating_add(episode.budget))?;
    let coded = plan.episode().encoder.as_ref().is_some_and(|encoder| encoder.codes_for_all());
    if coded || task.images().is_none() {
        for name in plan.transfer().map_or(&[][..], |transfer| &transfer.strategies) {
            let maps = !is_reserved(name, plan.algorithms()) && plan.registry().build(name)?.needs().images;
            if maps {
                let (strategy, name) = (name.clone(), task.name().to_string());
                return Err(ExperimentError::NoImages { strategy, name }.into());
            }
        }
    }
    let unlabelled = task.pool().rows() - episode.initial_count(task);
    if episode.budget > unlabelled {
        let (task, budget) = (task.name().to_string(), episode.budget);
        return Err(EpisodeError::Budget { task, budget, unlabelled }.into());
    }
    episode.spec(task)?;
    Ok(())
}

/// Refuses, before anything is written, a data set to be learned from that has not what the plan's world needs, or whose rows a plan would
/// change as images that they are not.
pub fn check_source(plan: &Plan, dataset: &Dataset) -> Result<()> {
    if plan.episode().world.is_some() {
        Task::split(dataset, &source_split(plan), Key::root(plan.seed()))?;
    }
    let change = plan.episode().augment.as_ref().map(|keys| keys.augment().change);
    match change.filter(|change| change.for_images()) {
        Some(change) if !matches!(dataset.shape(), Shape::Image { .. }) => {
            let (task, kind) = (dataset.name().to_string(), change.name());
            Err(EpisodeError::NoImage { task, kind }.into())
        }
        _ => Ok(()),
    }
}

/// Refuses keys that say how images are changed where no data set of the plan has any, and keys about rows of numbers where all have
/// images. `shapes` are those of all data sets; generated sources are rows of numbers.
pub fn check_views(plan: &Plan, shapes: &[Shape]) -> Result<()> {
    let is_image = |shape: &Shape| matches!(shape, Shape::Image { .. });
    let generated = plan.sources().synthetic + plan.sources().validation_synthetic;
    let learns = plan.train().is_some() || plan.searches_sources();
    if let Some(change) = plan.episode().augment.as_ref().map(|keys| keys.augment().change)
        && change.for_images()
        && learns
        && generated > 0
    {
        let (task, kind) = ("generated sources".to_string(), change.name());
        return Err(EpisodeError::NoImage { task, kind }.into());
    }
    let images = shapes.iter().any(is_image);
    let numbers = shapes.iter().any(|shape| !is_image(shape)) || learns && generated > 0;
    let episode = plan.episode();
    let encoder = episode.encoder.iter().flat_map(|encoder| encoder.said());
    let usual = Consistency::default();
    let consistency = episode.consistency.iter().flat_map(|own| {
        [
            ("episode.consistency.pixels", own.pixels != usual.pixels, true),
            ("episode.consistency.side", own.side != usual.side, true),
            ("episode.consistency.deviation", own.deviation != usual.deviation, false),
            ("episode.consistency.dropped", own.dropped != usual.dropped, false),
        ]
    });
    let unheeded =
        |&(_, said, of_images): &(&str, bool, bool)| said && !if of_images { images } else { numbers };
    match encoder.chain(consistency).find(unheeded) {
        Some((key, _, of_images)) => Err(ExperimentError::Unheeded { key, of_images }.into()),
        None => Ok(()),
    }
}

/// Refuses rules for the first labels that no untrained network could follow.
pub fn check_initial(plan: &Plan) -> Result<()> {
    plan.episode().initial.check()?;
    let randomise = plan.sources().randomise.as_ref();
    randomise.map_or(&[][..], |randomise| &randomise.initial).iter().try_for_each(InitialPool::check)
}

/// Refuses a policy that is named where another one is trained.
pub fn check_policy(plan: &Plan) -> Result<()> {
    match plan.transfer().and_then(|transfer| transfer.policy.clone()) {
        Some(policy) if plan.train().is_some() => Err(ExperimentError::TwoPolicies { policy }.into()),
        _ => Ok(()),
    }
}

/// Refuses strategies that ask for what the classifier of `[learner]` cannot give.
pub fn check_strategies(plan: &Plan) -> Result<()> {
    for name in plan.transfer().map_or(&[][..], |transfer| &transfer.strategies) {
        if is_reserved(name, plan.algorithms()) {
            continue;
        }
        check_needs(plan, name, plan.registry().build(name)?.needs())?;
    }
    Ok(())
}

/// Refuses a strategy that asks for what the classifier of `[learner]` cannot give.
pub fn check_needs(plan: &Plan, strategy: &str, needs: Needs) -> Result<(), ExperimentError> {
    let (learner, strategy) = (plan.learner(), strategy.to_string());
    let dropout = learner.dropout;
    let drops = needs.rate.is_some() || dropout > 0.0;
    if needs.passes > 0 && (!drops || learner.hidden.is_empty()) {
        return Err(ExperimentError::Passes { strategy, passes: needs.passes, dropout });
    }
    if needs.hidden_layer() && learner.hidden.is_empty() {
        return Err(ExperimentError::Taps { strategy });
    }
    Ok(())
}

/// The split of one repetition on a target, with codes where the plan has an encoder.
pub fn prepared(plan: &Plan, dataset: &Dataset, repetition: u32) -> Result<Arc<PreparedTask>> {
    prepare(plan, split(plan, dataset, repetition)?)
}

fn split(plan: &Plan, dataset: &Dataset, repetition: u32) -> Result<Task> {
    let key = replicate_key(plan, dataset, repetition).named("split");
    Task::split(dataset, &plan.episode().split(), key)
}

/// A task with the codes of `[episode.encoder]`, by an encoder that the plan and its clones train once per pool.
fn prepare(plan: &Plan, task: Task) -> Result<Arc<PreparedTask>> {
    match &plan.episode().encoder {
        None => Ok(PreparedTask::new(task)),
        Some(encoder) => {
            let key = Key::root(plan.seed()).named("encoder");
            encoder.encode().prepare(task, &plan.held().encoders, key)
        }
    }
}

/// The key of one repetition on a target: the same for every strategy and architecture, and whatever the
/// target is called and wherever it lies.
pub fn replicate_key(plan: &Plan, target: &Dataset, repetition: u32) -> Key {
    Key::root(plan.seed()).named("transfer").named(target.identity()).at(u64::from(repetition))
}

#[cfg(test)]
mod tests {
    use super::super::vocabulary::Vocabulary;
    use super::*;

    #[test]
    fn defaults_are_those_of_files() {
        let text = "[transfer]\ntargets = [\"iris\"]\n";
        let plan = Plan::parse(text, "x.toml", &[], None, &Vocabulary::default()).unwrap();
        assert_eq!(episode_plan(&plan).unwrap(), EpisodePlan::default());
    }

    /// A set that was read is not read again, by no clone of the plan.
    #[test]
    fn a_plan_reads_its_sets_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("set.csv");
        std::fs::write(&path, "label,x\na,1\nb,2\na,3\n").unwrap();
        let text = format!("[transfer]\ntargets = [{{ file = \"{}\" }}]\n", path.display());
        let plan = Plan::parse(&text, "x.toml", &[], None, &Vocabulary::default()).unwrap();
        let target = &plan.transfer().unwrap().targets[0];
        let first = load(&plan, target).unwrap();
        std::fs::remove_file(&path).unwrap();
        let again = load(&plan.clone().transfer_only().unwrap(), target).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        let other = Plan::parse(&text, "x.toml", &[], None, &Vocabulary::default()).unwrap();
        assert!(load(&other, target).is_err());
    }

    /// The policy that comes with the program was trained on generated tasks: whatever becomes of the seeds of
    /// other data, theirs come from family and number.
    #[test]
    fn generated_sources_keep_their_draws() {
        let text = "seed = 3\n[sources]\nsynthetic = 7\nmax_pool = 60\nmax_held = 40\n[train]\n";
        let plan = Plan::parse(text, "x.toml", &[], None, &Vocabulary::default()).unwrap();
        let key = Key::root(3).named("sources");
        let family = SourceFamily::new(key.named("synthetic"));
        let split = SplitPlan { max_pool: 60, max_held: 40, ..plan.episode().split() };
        for (index, source) in sources(&plan).unwrap().into_iter().enumerate() {
            let dataset = family.sample(index as u64).unwrap();
            assert_eq!((source.identity.as_str(), source.name.as_str()), (dataset.name(), dataset.name()));
            let key = key.named("task").named(dataset.name()).named("split");
            for (at, prepared) in source.prepared_tasks.iter().enumerate() {
                let expected = Task::split(&dataset, &split, key.at(at as u64)).unwrap();
                assert_eq!(prepared.task().separation(), expected.separation());
                assert_eq!(prepared.task().reward().labels(), expected.reward().labels());
            }
        }
    }

    /// A run with an open set once failed on the first generated task of two classes.
    #[test]
    fn made_tasks_of_two_classes_keep_both() {
        let plan = |rest: &str| {
            let text = format!("[episode.world]\nopen_set = 0.4\n[sources]\n{rest}\n[train]\n");
            Plan::parse(&text, "x.toml", &[], None, &Vocabulary::default()).unwrap()
        };
        let made = sources(&plan("synthetic = 14\nmax_pool = 60\nmax_held = 40")).unwrap();
        let family = SourceFamily::new(Key::root(1).named("sources").named("synthetic"));
        let mut open = 0;
        for (index, source) in made.iter().enumerate() {
            let (task, classes) =
                (source.prepared_tasks[0].task(), family.sample(index as u64).unwrap().classes());
            assert_eq!(task.is_open(), classes > 2, "{}: {classes} classes", source.name);
            assert!(task.classes() >= 2);
            open += usize::from(task.is_open());
        }
        assert!((1..14).contains(&open), "{open} of 14");
        let varied = sources(&plan("synthetic = 0\ndatasets = [\"wine\"]\nvariants = 12")).unwrap();
        assert!(varied[0].prepared_tasks[0].task().is_open());
        let open = varied[1..].iter().filter(|source| source.prepared_tasks[0].task().is_open()).count();
        assert!((1..12).contains(&open), "{open} of 12 variations");
        // A data set that was named is another matter.
        let named = plan("synthetic = 0\ndatasets = [\"breast_cancer\"]");
        let set = load(&named, &named.sources().datasets[0]).unwrap();
        let error = check_source(&named, &set).unwrap_err();
        assert!(error.to_string().contains("`episode.world.open_set` needs at least 3 classes"), "{error}");
        assert_eq!(error.exit(), crate::error::Exit::BadInput);
    }

    /// Seeds once came from the names of data sets and files.
    #[test]
    fn real_sources_draw_by_their_content() {
        let folder = tempfile::tempdir().unwrap();
        let row = |i: usize| format!("{},{},{}\n", i % 3, i * i % 17, i % 7);
        let table: String = std::iter::once("label,x,y\n".to_string()).chain((0..90).map(row)).collect();
        let of = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, &table).unwrap();
            let text = format!(
                "[sources]\nsynthetic = 0\nvariants = 2\ndatasets = [{{ file = \"{}\" }}]\n[train]\n",
                path.display()
            );
            let plan = Plan::parse(&text, "x.toml", &[], None, &Vocabulary::default()).unwrap();
            let of_one = |source: Source| {
                let splits = source.prepared_tasks.iter().map(|prepared| prepared.task().separation());
                (source.identity.clone(), splits.collect::<Vec<_>>(), source.plan)
            };
            sources(&plan).unwrap().into_iter().map(of_one).collect::<Vec<_>>()
        };
        let one = of("one.csv");
        assert_eq!(one.len(), 3);
        assert_eq!(one, of("another.csv"));
        assert_ne!(one[1].0, one[2].0, "variations are tasks of their own");
    }

    /// Sources and targets are, and everything else of a split is what it is without.
    #[test]
    fn tasks_are_encoded_where_a_plan_says_so() {
        let of = |episode: &str| {
            let text = format!(
                "{episode}\n[sources]\ndatasets = [\"wine\"]\nsynthetic = 0\n[train]\n[transfer]\ntargets = [\"digits\"]\n"
            );
            Plan::parse(&text, "x.toml", &[], None, &Vocabulary::default()).unwrap()
        };
        let plan = of("[episode.encoder]\ndimensions = 3\nepochs = 2\nseen_by = \"all\"");
        let digits = load(&plan, &plan.transfer().unwrap().targets[0]).unwrap();
        let (plain, coded) = (prepared(&of(""), &digits, 0).unwrap(), prepared(&plan, &digits, 0).unwrap());
        assert_eq!((plain.task().width(), coded.task().width()), (64, 3));
        assert_eq!(plain.task().separation(), coded.task().separation());
        assert_eq!(sources(&plan).unwrap()[0].prepared_tasks[0].task().width(), 3);
        let again = prepared(&plan.clone(), &digits, 0).unwrap();
        assert_eq!(again.task().pool().values(), coded.task().pool().values());
        let other = prepared(&plan, &digits, 1).unwrap();
        assert_ne!(other.task().pool().values()[..3], coded.task().pool().values()[..3]);
        check_target(&plan, &digits).unwrap();
        let error = check_target(&of("[episode.encoder]\ndimensions = 64"), &digits).unwrap_err();
        assert!(error.to_string().contains("dimensions is 64 for rows of 64 numbers"), "{error}");
        assert_eq!(error.exit(), crate::error::Exit::BadInput);
    }

    /// These plans once failed when their first episode began, or not at all.
    #[test]
    fn what_is_about_images_is_refused_on_rows_of_numbers_before_anything_runs() {
        let of = |text: &str| {
            let text = format!(
                "{text}\n[transfer]\ntargets = [\"digits\"]\nstrategies = [\"random\", \"info_stn\"]\n"
            );
            Plan::parse(&text, "x.toml", &[], None, &Vocabulary::default()).unwrap()
        };
        let refused = |text: &str| {
            let plan = of(text);
            let digits = load(&plan, &plan.transfer().unwrap().targets[0]).unwrap();
            let error = check_target(&plan, &digits).unwrap_err();
            assert_eq!(error.exit(), crate::error::Exit::BadInput);
            error.to_string()
        };
        assert_eq!(
            refused(""),
            "`transfer.strategies`: info_stn maps images, but an example of digits is a row of numbers"
        );
        let error = refused("[episode]\naugment = { kind = \"shift\" }");
        assert_eq!(error, "episode on digits: shift changes images, but an example is a row of numbers");
        let error = refused("[episode]\nbudget = 400\nconsistency = { unlabelled = 1000, epochs = 10000 }");
        assert!(error.contains("changed rows beside"), "{error}");
        let (numbers, images) = (Shape::Vector(64), Shape::Image { channels: 1, height: 8, width: 8 });
        let views =
            |text: &str, shapes: &[Shape]| check_views(&of(text), shapes).map_err(|error| error.to_string());
        for (text, shape, key) in [
            ("[episode.encoder]\nkind = \"contrastive\"\npixels = 2", numbers, "episode.encoder.pixels"),
            ("[episode.encoder]\nkind = \"contrastive\"\nside = 2", numbers, "episode.encoder.side"),
            ("[episode.encoder]\nkind = \"contrastive\"\ndrop = 0.5", images, "episode.encoder.drop"),
            ("[episode.consistency]\nside = 2", numbers, "episode.consistency.side"),
            ("[episode.consistency]\ndropped = 0.5", images, "episode.consistency.dropped"),
        ] {
            let error = views(text, &[shape]).unwrap_err();
            assert!(error.starts_with(&format!("`{key}` says how")), "{error}");
            assert_eq!(views(text, &[numbers, images]), Ok(()), "heeded on one of the two");
        }
        let shift = "[episode]\naugment = { kind = \"shift\" }\n[sources]\ndatasets = [\"wine\"]\n";
        let trained = of(&format!("{shift}synthetic = 5\n[train]"));
        let error = check_views(&trained, &[images]).unwrap_err().to_string();
        assert_eq!(
            error,
            "episode on generated sources: shift changes images, but an example is a row of numbers"
        );
        let wine = load(&trained, &trained.sources().datasets[0]).unwrap();
        assert!(check_source(&trained, &wine).unwrap_err().to_string().starts_with("episode on wine: shift"));
        assert!(
            check_views(&of(&format!("{shift}synthetic = 0\nvalidation_synthetic = 0\n[train]")), &[images])
                .is_ok()
        );
        let usual = "[episode.encoder]\nkind = \"contrastive\"\n[episode.consistency]\n";
        assert_eq!(views(usual, &[numbers]).and(views(usual, &[images])), Ok(()));
    }
}
