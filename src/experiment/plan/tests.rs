//! Tests of whole files.

use super::super::sections::{ArchitectureChoice, LEARNED, MethodSettings, OptimiserKind};
use super::*;
use crate::data::{Domains, World};
use crate::episode::encoder::{CodeReaders, Encode, Objective, Views};
use crate::episode::{Augment, Change, Generate, Rejected, Training};
use crate::experiment::sections::DataRef;
use crate::learner::{EncoderPlan, Optimiser, Stop};
use crate::search::Methods;

fn vocabulary() -> Vocabulary {
    Vocabulary { datasets: vec!["digits", "iris", "wine"], ..Vocabulary::default() }
}

fn parse(text: &str) -> Result<Plan, ExperimentError> {
    Plan::parse(text, "lab/my-run.toml", &[], None, &vocabulary())
}

/// The error's message and hint.
fn refused(text: &str) -> (String, String) {
    let error: crate::Error = parse(text).expect_err(text).into();
    assert_eq!(error.exit(), crate::error::Exit::BadInput);
    (error.to_string(), error.hint().unwrap_or_default())
}

const FULL: &str = r#"
    name = "full"
    seed = 7
    [learner]
    hidden = [24, 12]
    optimiser = "sgd"
    momentum = 0.8
    epochs = 80
    train_loss = 0.03
    [episode]
    query_size = 2
    [sources]
    datasets = ["wine"]
    validation = ["iris"]
    [train]
    imitation = { episodes = 3, epochs = 5 }
    policy_gradient = { iterations = 9, baseline = "random" }
    [search]
    method = "annealing"
    [transfer]
    targets = ["digits", { file = "a/b.csv.gz", label = "y" }]
    strategies = ["random", "policy"]
    architectures = ["learner", "searched"]
    repetitions = 6
"#;

#[test]
fn a_small_file_suffices() {
    let plan = parse("[transfer]\ntargets = [\"digits\"]").unwrap();
    assert_eq!((plan.name(), plan.seed()), ("my-run", 1));
    let transfer = plan.transfer().unwrap();
    assert_eq!(transfer.strategies, ["random", "margin"], "no policy without training");
    assert_eq!(transfer.architectures, [ArchitectureChoice::Learner]);
    assert_eq!(plan.learner().train_plan().stop, Stop::Epochs { epochs: 40 });
    let with_policy = parse("[train]\n[search]\n[transfer]\ntargets = [\"digits\"]").unwrap();
    let transfer = with_policy.transfer().unwrap();
    assert_eq!(transfer.strategies, ["random", "margin", LEARNED]);
    assert_eq!(transfer.architectures, [ArchitectureChoice::Searched]);
}

#[test]
fn all_sections_are_read() {
    let plan = parse(FULL).unwrap();
    assert_eq!(plan.learner().optimiser, OptimiserKind::Sgd);
    let train = plan.learner().train_plan();
    assert_eq!(train.optimiser, Optimiser::Sgd { momentum: 0.8, nesterov: true });
    assert_eq!(train.stop, Stop::TrainLoss { epochs: 80, loss: 0.03 });
    assert_eq!(plan.learner().spec(64, 10).unwrap().to_string(), "64-24-12-10");
    assert_eq!((plan.episode().budget(), plan.episode().rounds()), (60, 30));
    assert_eq!(plan.train().unwrap().imitation.epochs, 5);
    assert_eq!(plan.search().unwrap().method, "annealing");
    let names: Vec<_> = plan.transfer().unwrap().targets.iter().map(DataRef::name).collect();
    assert_eq!(names, ["digits", "b"]);
}

/// The resolved plan is an experiment file, says every key, and gives the same plan.
#[test]
fn the_resolved_plan_reads_back_to_itself() {
    let exact = "[episode]\nquery_size = 10\nbudget = 25\n[train]";
    assert_eq!((parse(exact).unwrap().episode().budget(), parse(exact).unwrap().episode().rounds()), (25, 3));
    let augmented = "[episode]\naugment = { kind = \"cutout\", side = 3, weight = 0.5 }\n\
        world = { long_tail = 9.0, label_noise = 0.1, open_set = 0.3 }\n\
        encoder = { kind = \"contrastive\", seen_by = \"all\", dimensions = 5, side = 2 }\n[train]";
    let episode = parse(augmented).unwrap().episode().clone();
    let expected = Augment { change: Change::Cutout { side: 3 }, copies: 1, weight: 0.5 };
    assert_eq!(episode.augment.as_ref().map(|keys| keys.augment()), Some(expected));
    let world =
        World { long_tail: Some(9.0), label_noise: Some(0.1), open_set: Some(0.3), ..World::default() };
    assert_eq!(episode.split().world, world);
    let views = Views { side: Some(2), ..Views::default() };
    let expected = Encode {
        objective: Objective::Contrast { temperature: 0.5, views },
        plan: EncoderPlan { dimensions: 5, ..EncoderPlan::default() },
        readers: CodeReaders::All,
        training: Training::Frozen,
    };
    assert_eq!(episode.encoder.map(|keys| keys.encode()), Some(expected));
    let usual =
        parse("[episode.encoder]\n[train]").unwrap().episode().encoder.as_ref().map(|keys| keys.encode());
    assert_eq!(usual, Some(Encode::default()));
    let domains = "[episode]\ninitial_per_class = 5\n[episode.world.domains]\nscale = 2.0\nconcept_shift = 0.3\n\
        [transfer]\ntargets = [\"iris\"]";
    let expected = Domains { per_class: 5, scale: 2.0, concept_shift: 0.3, ..Domains::default() };
    assert_eq!(parse(domains).unwrap().episode().split().world.domains, Some(expected));
    let column = "[episode]\ninitial_per_class = 5\n[episode.world.domains]\ncolumn = \"site\"\nsource = [\"a\", \"b\"]\n\
        [transfer]\ntargets = [\"iris\"]";
    let plan = parse(column).unwrap();
    let expected = Domains { per_class: 5, by_column: true, ..Domains::default() };
    assert_eq!(plan.episode().split().world.domains, Some(expected));
    let read = plan.episode().domain_column().unwrap();
    assert_eq!((read.column.as_str(), read.source), ("site", vec!["a".to_string(), "b".to_string()]));
    let made = "[episode]\nrejected = \"covered\"\nworld = { open_set = 0.2 }\ngenerator = { copies = 3, pool = true }\n\
        encoder = { seen_by = \"all\", training = \"fine_tuned\" }\n[transfer]\ntargets = [\"iris\"]";
    let episode = parse(made).unwrap().episode().clone();
    assert_eq!(episode.generator, Some(Generate { copies: 3, pool: true, ..Generate::default() }));
    assert_eq!(episode.rejected, Rejected::Covered);
    assert_eq!(episode.encoder.map(|keys| keys.encode().training), Some(Training::FineTuned));
    let consistent = "[episode]\nconsistency = { threshold = 0.9, side = 3 }\n[train]";
    for text in [
        FULL,
        exact,
        augmented,
        domains,
        column,
        made,
        consistent,
        "[train]",
        "[search]",
        "[transfer]\ntargets = [\"iris\"]",
    ] {
        let plan = parse(text).unwrap();
        let resolved = plan.to_toml();
        let again = Plan::parse(&resolved, "plan.toml", &[], None, &vocabulary()).unwrap();
        assert_eq!(again, plan, "{resolved}");
        assert_eq!(again.digest(), plan.digest());
    }
}

/// What has no strategies, images or rejections does not heed these keys.
#[test]
fn encoders_and_open_sets_stand_where_they_are_heeded() {
    let comparison = "[search]\n[search_comparison]\ntargets = [\"digits\"]\nmethods = [\"random\"]\n";
    let with = |episode: &str, rest: &str| format!("[episode]\n{episode}\n{rest}");
    let (text, _) = refused(&with("encoder = {}", comparison));
    assert!(
        text.contains("`episode.encoder` shows codes to strategies, and [search_comparison] has none"),
        "{text}"
    );
    parse(&with("encoder = { seen_by = \"all\" }", comparison)).unwrap();
    let targets = "[transfer]\ntargets = [\"iris\"]";
    for (training, rest, key) in [
        ("fine_tuned", "[learner]\nwarm_start = true", "learner.warm_start"),
        ("fine_tuned", "[learner]\nensemble = 3", "learner.ensemble"),
        ("alternating", "[learner]\nsteps = 30", "learner.steps"),
        ("alternating", "[episode.augment]", "episode.augment"),
    ] {
        let text = format!(
            "[episode]\nencoder = {{ seen_by = \"all\", training = \"{training}\" }}\n{rest}\n{targets}"
        );
        let (text, _) = refused(&text);
        assert!(text.contains(&format!("in every fit, which `{key}` stands against")), "{text}");
    }
    let (text, _) = refused(&with("encoder = { training = \"fine_tuned\" }", targets));
    assert!(text.contains("with `seen_by = \"all\"`"), "{text}");
    let (text, _) = refused(&with("rejected = \"covered\"", targets));
    assert!(text.contains("`episode.rejected` says what is shown of rejected rows"), "{text}");
    let (text, _) = refused(&format!("[episode.generator]\n[learner]\nloss = \"squared\"\n{targets}"));
    assert!(text.contains("`episode.generator` makes rows with weights"), "{text}");
    let (text, _) = refused(&with("world = { open_set = 0.2 }", comparison));
    assert!(
        text.contains("`episode.world.open_set` has rows without a class, and [search_comparison]"),
        "{text}"
    );
    let (text, _) = refused(&with("world = { domains = {} }", comparison));
    assert!(text.contains("`episode.world.domains` has labels of a source at the start"), "{text}");
    let (text, _) = refused(&with("world = { domains = {} }", "[train]"));
    assert!(text.contains("`sources.randomise` varies the labels at the start"), "{text}");
    parse(&with("world = { domains = {} }", "[sources]\nrandomise = false\n[train]")).unwrap();
    let (text, _) =
        refused(&with("initial = \"random\"\nworld = { domains = {} }", "[transfer]\ntargets = [\"iris\"]"));
    assert!(text.contains("`episode.initial` chooses rows to start from"), "{text}");
    let (text, _) = refused(&with("world = { open_set = 0.2 }", "[search]"));
    assert!(text.contains("and [search] reads the labels of random ones"), "{text}");
    let (text, _) = refused(&with("encoder = { temperature = 0.5 }", "[train]"));
    assert!(text.contains("episode.encoder.temperature"), "{text}");
}

/// Training on numbers once began, and failed on its first task.
#[test]
fn worlds_of_classes_are_refused_where_targets_are_others() {
    for (world, key) in [
        ("open_set = 0.2", "open_set"),
        ("label_noise = 0.2", "label_noise"),
        ("long_tail = 3.0", "long_tail"),
        ("domains = {}", "domains"),
    ] {
        for rest in ["[sources]\ntask = \"regression\"\n[train]", "[transfer]\ntargets = [\"friedman1\"]"] {
            let text = format!("[episode]\nworld = {{ {world} }}\n{rest}");
            let text =
                Plan::parse(&text, "x.toml", &[], None, &Vocabulary::default()).unwrap_err().to_string();
            let words = format!("`episode.world.{key}` is about classes; the targets are numbers");
            assert!(text.contains(&words), "{text}");
        }
    }
    parse("[episode]\nworld = { covariate_shift = 1.0 }\n[sources]\ntask = \"regression\"\n[train]").unwrap();
}

/// A loss of classes was once read, and another one minimised.
#[test]
fn a_loss_is_of_the_targets() {
    let of = |learner: &str, rest: &str| {
        let text = format!("[learner]\n{learner}\n{rest}");
        Plan::parse(&text, "x.toml", &[], None, &Vocabulary::default())
    };
    let [numbers, labels, masks] = ["friedman1", "labels_rare", "glands_plain"]
        .map(|name| format!("[transfer]\ntargets = [\"{name}\"]"));
    for rest in [&numbers, &labels, &masks] {
        for loss in ["cross_entropy", "squared"] {
            let error = of(&format!("loss = \"{loss}\""), rest).unwrap_err().to_string();
            assert!(error.contains("`learner.loss` is a loss of classifiers"), "{error}");
        }
        let plan = of("", rest).unwrap();
        let again = Plan::parse(&plan.to_toml(), "x.toml", &[], None, &Vocabulary::default()).unwrap();
        assert_eq!((plan.learner().loss, &again), (None, &plan));
    }
    let error = of("loss = \"beta_nll\"", &labels).unwrap_err().to_string();
    assert!(error.contains("`learner.loss` is a loss of numbers"), "{error}");
    of("loss = \"beta_nll\"", &numbers).unwrap();
    // Of classes, the resolved plan says it, as it always did.
    let plan = of("", "[transfer]\ntargets = [\"iris\"]").unwrap();
    assert_eq!(plan.learner().loss, Some(crate::learner::Loss::CrossEntropy));
    assert!(plan.to_toml().contains("loss = \"cross_entropy\""));
}

/// What is drawn differs by nothing that a column says, and the other way round.
#[test]
fn domains_are_drawn_or_told_apart_by_a_column() {
    let with = |domains: &str, rest: &str| format!("[episode.world.domains]\n{domains}\n{rest}");
    let iris = "[transfer]\ntargets = [\"iris\"]";
    let column = "column = \"site\"\nsource = [\"a\"]";
    for (domains, rest, words) in [
        ("column = \"site\"", iris, "`episode.world.domains.source` is missing"),
        ("column = \"site\"\nsource = []", iris, "`episode.world.domains.source` is missing"),
        ("column = \"site\"\nsource = [\"a\", \"a\"]", iris, "lists \"a\" twice"),
        ("source = [\"a\"]", iris, "`episode.world.domains.source` is read only with `column`"),
        (
            "column = \"site\"\nsource = [\"a\"]\nscale = 2.0",
            iris,
            "`episode.world.domains.scale` is read only without `column`",
        ),
        (
            column,
            "[transfer]\ntargets = [\"three_clust\"]",
            "`transfer.targets` holds \"three_clust\", which is generated",
        ),
        (
            column,
            "[sources]\nrandomise = false\n[train]",
            "`sources.synthetic` is 252, and tasks that are made have no column",
        ),
        (
            column,
            "[sources]\nrandomise = false\nsynthetic = 0\nvalidation_synthetic = 0\ndatasets = [\"wine\"]\nvariants = 2\n[train]",
            "`sources.variants` is 2",
        ),
    ] {
        let text = Plan::parse(&with(domains, rest), "x.toml", &[], None, &Vocabulary::default())
            .unwrap_err()
            .to_string();
        assert!(text.contains(words), "{text}");
    }
    let real = "[sources]\nrandomise = false\nsynthetic = 0\nvalidation_synthetic = 0\ndatasets = [\"wine\"]\n[train]";
    parse(&with(column, real)).unwrap();
}

#[test]
fn heads_that_do_not_share_a_width_are_refused_with_both() {
    let plan = |network: &str| format!("[train]\nnetwork = {{ kind = \"attention\", {network} }}");
    let (text, _) = refused(&plan("heads = 3, hidden = 32"));
    assert!(text.contains("`train.network.heads` is 3, and does not divide"), "{text}");
    parse(&plan("heads = 8, hidden = 32")).unwrap();
}

/// Fault case 62.
#[test]
fn unknown_keys_are_refused_with_place_and_nearest() {
    let (text, hint) = refused("seed = 1\n[learner]\n  epoch = 3\n[train]");
    assert_eq!(text, "lab/my-run.toml:3:3: unknown key `learner.epoch`");
    assert_eq!(hint, "did you mean `learner.epochs`?");
    let (text, hint) = refused("[trian]");
    assert_eq!(text, "lab/my-run.toml:1:2: unknown key `trian`");
    assert_eq!(hint, "did you mean `train`?");
    let (_, hint) = refused("[rivals]\ntargets = [\"iris\"]");
    assert_eq!(hint, "did you mean `search_comparison`?", "what it was called before");
    let (_, hint) = refused("rounds = 30\n[train]");
    assert_eq!(hint, "did you mean `episode.rounds`?", "the same key of another section");
    let (_, hint) = refused("[train]\niterations = 30");
    assert_eq!(hint, "did you mean `train.policy_gradient.iterations`?");
    let (text, _) = refused("[train]\nimitation = { state = 3 }");
    assert!(text.starts_with("lab/my-run.toml:2:15: unknown key `train.imitation.state`"), "{text}");
    let (text, hint) = refused("[train]\n[report]\nzzz = 1");
    assert_eq!(text, "lab/my-run.toml:3:1: unknown key `report.zzz`");
    assert_eq!(hint, "known are report.target_accuracy, report.target_shares");
    let (text, _) = refused("[learner]\nmomentum = 0.5\n[train]");
    assert_eq!(text, "lab/my-run.toml:2:1: `learner.momentum` is read only with `optimiser = \"sgd\"`");
}

#[test]
fn wrong_values_are_refused_with_both_numbers() {
    let cases = [
        ("[learner]\nbatch = 0", "2:1: `learner.batch` is 0, expected 1 to 1000000"),
        ("[learner]\nbatch = -3", "2:1: `learner.batch` is -3, expected 1 to 1000000"),
        ("[learner]\ndropout = nan", "2:1: `learner.dropout` is NaN, expected 0 to 0.95"),
        ("[learner]\nhidden = [3, 0]", "2:14: `learner.hidden[1]` is 0, expected 1 to 1000000"),
        ("[learner]\nbatch = \"8\"", "2:1: `learner.batch` is the string \"8\", expected a whole number"),
        ("[learner]\nbatch = 1.5", "2:1: `learner.batch` is the number 1.5, expected a whole number"),
        ("[learner]\nhidden = 3", "2:1: `learner.hidden` is the integer 3, expected a list"),
        ("learner = 3", "1:1: `learner` is the integer 3, expected a table"),
        (
            "seed = 99999999999999999999",
            "1:1: `seed` is the integer 99999999999999999999 (beyond 64 bits), expected a whole number",
        ),
        ("seed = -1", "1:1: `seed` is -1, expected 0 to 9223372036854775807"),
        (
            "[episode]\nscaling = 1979-05-27",
            "2:1: `episode.scaling` is the date 1979-05-27, expected a string",
        ),
    ];
    for (text, wanted) in cases {
        let (found, _) = refused(&format!("{text}\n[train]"));
        let found = found.strip_prefix("lab/my-run.toml:").unwrap();
        assert!(found.starts_with(wanted), "{text}: {found}");
    }
}

#[test]
fn words_are_checked_and_the_nearest_named() {
    let (text, hint) = refused("[learner]\noptimiser = \"adma\"\n[train]");
    assert_eq!(text, "lab/my-run.toml:2:1: `learner.optimiser` is \"adma\", which is not known");
    assert_eq!(hint, "did you mean `adam`?");
    let (_, hint) = refused("[transfer]\ntargets = [\"digit\"]");
    assert_eq!(hint, "did you mean `digits`?");
    let (_, hint) = refused("[transfer]\ntargets = [\"digits\"]\nstrategies = [\"margins\"]");
    assert_eq!(hint, "did you mean `margin`?");
    let (_, hint) = refused("[train]\nimitation = { without = [\"coverages\"] }");
    assert_eq!(hint, "did you mean `coverage`?");
}

/// Strategies with parameters are judged by the registry's own reader.
#[test]
fn specifications_of_strategies_are_checked() {
    let plan = |spec: &str| {
        parse(&format!("[transfer]\ntargets = [\"iris\"]\nstrategies = [\"random\", \"{spec}\"]"))
    };
    let good = plan("power(margin, beta=2)").unwrap();
    assert_eq!(good.transfer().unwrap().strategies[1], "power(margin, beta=2)");
    let error = plan("power(margin, gamma=2)").unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("lab/my-run.toml:3:25: `transfer.strategies[1]`: strategy `power` has no"),
        "{error}"
    );
    assert!(crate::Error::from(error).hint().is_some(), "the reader's hint is handed on");
}

/// Strategies of another crate stand in files under their names, alone and as arms; those that are learned keep theirs.
#[test]
fn strategies_are_those_of_the_registry() {
    use crate::query::registry::Entry;
    let entry = |name| Entry::score::<crate::query::uncertainty::Margin>(name, "the margin");
    let with = |name| Vocabulary { registry: Registry::builtin().with(entry(name)).unwrap(), ..vocabulary() };
    let text = "[transfer]\ntargets = [\"iris\"]\nstrategies = [\"mine\", \"power(mine)\"]";
    let plan = Plan::parse(text, "x.toml", &[], None, &with("mine")).unwrap();
    assert!(plan.registry().build(&plan.transfer().unwrap().strategies[1]).is_ok());
    assert!(matches!(parse(text), Err(ExperimentError::Choice { found, .. }) if found == "mine"));
    for name in ["policy", "untrained"] {
        let error = Plan::parse("[transfer]\ntargets = [\"iris\"]", "x.toml", &[], None, &with(name));
        assert!(matches!(error, Err(ExperimentError::Reserved { .. })), "{error:?}");
    }
}

#[test]
fn contradictions_are_refused() {
    let cases = [
        ("", "nothing to run"),
        ("[train]\n[sources]\nsynthetic = 0", "at least one source task"),
        ("[episode]\nrounds = 3\nbudget = 4\n[train]", "cannot stand beside `episode.budget`"),
        (
            "[episode]\ntarget_accuracy = 0.9\ntarget_share = 0.9\n[train]",
            "cannot stand beside `episode.target_share`",
        ),
        ("[learner]\nepochs = 3\nsteps = 4\n[train]", "cannot stand beside `learner.epochs`"),
        ("[learner]\ntrain_loss = 0.1\npatience = 4\n[train]", "cannot stand beside `learner.patience`"),
        (
            "[train]\nimitation = { without = [\"coverage\"] }\nnetwork = { kind = \"mlp\" }",
            "nothing but imitation trains",
        ),
        ("[transfer]\ntargets = []", "at least one"),
        ("[transfer]\ntargets = [\"iris\"]\nstrategies = []", "at least one"),
        ("[transfer]\ntargets = [\"iris\", \"iris\"]", "lists \"iris\" twice"),
        ("[transfer]\ntargets = [{ file = \"a.csv\", name = \"\\n\" }]", "printed on one line"),
        (
            "[transfer]\ntargets = [{ file = \"a\", name = \"n\" }, { file = \"b\", name = \"n\" }]",
            "two data sets of the plan are called \"n\"",
        ),
        ("[transfer]\ntargets = [\"iris\"]\nstrategies = [\"random\", \"random\"]", "twice"),
        ("[transfer]\ntargets = [\"iris\"]\nstrategies = [\"policy\"]", "nothing trains or names one"),
        ("[transfer]\ntargets = [\"iris\"]\narchitectures = [\"searched\"]", "nothing searches one"),
        ("[transfer]\ntargets = [{ label = \"y\" }]", "`transfer.targets[0].file` is missing"),
        ("[train]\n[sources]\ndatasets = [\"iris\"]\n[transfer]\ntargets = [\"iris\"]", "holds too"),
        ("[train]\n[sources]\ndatasets = [\"iris\"]\nvalidation = [\"iris\"]", "which is learned from"),
        ("[episode]\naugment = {}\n[learner]\nloss = \"squared\"\n[train]", "`learner` cannot be trained"),
        ("[episode]\nconsistency = {}\n[learner]\nloss = \"squared\"\n[train]", "makes rows with weights"),
        ("[episode]\nconsistency = { decay = 2.0 }\n[train]", "expected 0 to 1"),
        (
            "[learner]\nhidden = []\noptimiser = \"lbfgs\"\n[transfer]\ntargets = [\"iris\"]\nstrategies = [\"lada\"]",
            "holds \"lada\", which makes rows of mixed classes",
        ),
        ("[episode]\naugment = { kind = \"noise\", alpha = 1.0 }\n[train]", "with `kind = \"mixup\"`"),
        ("[episode]\nworld = { label_noise = 0.99 }\n[train]", "expected 0 to 0.95"),
        ("name = \"../x\"\n[train]", "cannot be a folder"),
        ("name = \"\"\n[train]", "cannot be a folder"),
    ];
    for (text, wanted) in cases {
        let (found, _) = refused(text);
        assert!(found.contains(wanted), "{text}: {found}");
    }
}

/// Searches could only be run with the constants of the program.
#[test]
fn settings_of_searches_are_read_and_left_out_where_they_are_the_usual_ones() {
    let text = |settings: &str| {
        format!(
            "[search]\nmethod = \"annealing\"\n{settings}\n[search_comparison]\ntargets = [\"iris\"]\nmethods = [\"evolution\"]\n{settings}"
        )
    };
    let given = "hill_climbing = { restarts = 0 }\nannealing = { temperature = 0.2, cooling = 0.5, reheat = 7, iterations = 30 }\n\
                 evolution = { population = 5, sample = 2, cycles = 9 }\nhalving = { eta = 2, rungs = 4, brackets = 3 }";
    let plan = parse(&text(given)).unwrap();
    let walk = |method| {
        let of = |settings: &MethodSettings| format!("{:?}", settings.method(method));
        let (search, search_comparison) =
            (of(&plan.search().unwrap().settings), of(&plan.search_comparison().unwrap().settings));
        assert_eq!(search, search_comparison);
        search
    };
    assert_eq!(walk("hill_climbing"), "HillClimbing { restarts: 0 }");
    let annealing = "Annealing { temperature: 0.2, cooling: 0.5, reheat: 7, iterations: 30 }";
    assert_eq!(walk("annealing"), annealing);
    assert_eq!(walk("evolution"), "Evolution { population: 5, sample: 2, cycles: 9 }");
    assert_eq!(walk("halving"), "Halving { eta: 2, rungs: 4, brackets: 3 }");
    let again = Plan::parse(&plan.to_toml(), "plan.toml", &[], None, &vocabulary()).unwrap();
    assert_eq!(again, plan);
    // What is said as it is anyway says nothing: plans of before keep their digests.
    let usual = "annealing = { temperature = 0.05 }\nhalving = { eta = 3, rungs = 3 }";
    let (said, unsaid) = (parse(&text(usual)).unwrap(), parse(&text("")).unwrap());
    assert_eq!(said.digest(), unsaid.digest());
    assert!(!unsaid.to_toml().contains("annealing]"), "{}", unsaid.to_toml());
    for entry in Methods::builtin().entries() {
        let usual = format!("{:?}", (entry.make)(&entry.defaults()));
        assert_eq!(format!("{:?}", unsaid.search().unwrap().settings.method(entry.name)), usual);
    }
}

#[test]
fn settings_of_searches_that_cannot_be_run_are_refused() {
    let cases = [
        ("[search]\nannealing = { cooling = 0 }", "`search.annealing.cooling` is 0, expected 0.000001 to 1"),
        ("[search]\nevolution = { sample = 0 }", "`search.evolution.sample` is 0, expected 1 to 10000"),
        ("[search]\nhalving = { eta = 1 }", "`search.halving.eta` is 1, expected 2 to 100"),
        ("[search]\nhalving = { rung = 1 }", "unknown key `search.halving.rung`"),
        ("[search]\nmethod = \"halving\"\nsteps = 100", "`search.steps` is 100, expected a multiple of 9"),
        (
            "[search]\nmethod = \"halving\"\nhalving = { rungs = 5 }",
            "`search.halving` begins with 81 candidates, but the space has 60",
        ),
        (
            "[search]\nmax_blocks = 2\nmax_stacks = 4\n[search_comparison]\ntargets = [\"iris\"]",
            "`search_comparison.halving` begins with 9 candidates, but the space has 8",
        ),
        (
            "[search_comparison]\ntargets = [\"iris\"]\nhalving = { eta = 100, rungs = 20 }\n[search_comparison.free]",
            "`search_comparison.halving` begins with more than 4294967295 candidates",
        ),
    ];
    for (text, wanted) in cases {
        let (found, _) = refused(text);
        assert!(found.contains(wanted), "{text}: {found}");
    }
    // Only what is run has to run.
    parse("[search]\nsteps = 100\nhalving = { rungs = 9 }").unwrap();
    parse("[search]\nmax_blocks = 1\n[search_comparison]\ntargets = [\"iris\"]\nmethods = [\"grid\"]")
        .unwrap();
}

#[test]
fn what_is_no_toml_is_refused_with_its_place() {
    let (text, hint) = refused("seed = 1\n[train\n");
    assert!(text.starts_with("lab/my-run.toml:2:"), "{text}");
    assert!(hint.contains("TOML"));
    assert!(refused("seed = 1\nseed = 2").0.starts_with("lab/my-run.toml:2:1: duplicate key"));
}

#[test]
fn sets_and_seed_come_before_the_checks() {
    let with = |sets: &[&str], seed| {
        let sets: Vec<String> = sets.iter().map(|set| set.to_string()).collect();
        Plan::parse(FULL, "f.toml", &sets, seed, &vocabulary())
    };
    let plan = with(&["learner.hidden=[8]", "search.method=local"], Some(11)).unwrap();
    assert_eq!((plan.seed(), plan.learner().hidden.as_slice()), (11, &[8][..]));
    assert_eq!(plan.search().unwrap().method, "local");
    let error = with(&["episode.rounds=0"], None).unwrap_err();
    assert_eq!(error.to_string(), "--set episode.rounds=0: `episode.rounds` is 0, expected 1 to 100000");
    let error = with(&["episode.round=5"], None).unwrap_err();
    assert_eq!(error.to_string(), "--set episode.round=5: unknown key `episode.round`");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[\\[\\]{}=\",.a-z0-9\n \\-]{0,120}") {
        let _ = parse(&text);
    }
}
