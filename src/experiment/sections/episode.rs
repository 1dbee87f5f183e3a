//! `[episode]`: how a labelling is simulated.

use super::encoder::EncoderKeys;
use crate::data::columns::DomainColumn;
use crate::data::domains::{MAX_SCALE, MAX_TRANSLATION};
use crate::data::world::{MAX_NOISE, MAX_OPEN, MAX_SHIFT, MAX_TAIL};
use crate::data::{Annotator, Domains, Price, Scaling, SplitPlan, World};
use crate::episode::augment::ALPHAS;
use crate::episode::consistency::{MAX_EPOCHS, MAX_ROUNDS, MAX_UNLABELLED};
use crate::episode::generator::{MAX_STEPS, MAX_UNITS};
use crate::episode::plan::{MAX_COPIES, MAX_PIXELS};
use crate::episode::{Augment, Change, Consistency, Generate, InitialPool, OracleOn, Rejected, StopOn};
use crate::experiment::error::ExperimentError;
use crate::experiment::keys::{
    Ask, boolean, different_texts, inline, number, section, table, text, whole, whole_table, word,
};
use crate::experiment::raw::Section;
use crate::learner::Metric;
use serde::Serialize;

/// The most candidates that are scored in one round.
pub const MAX_CANDIDATES: usize = 1_000_000;
/// The most rows of a pool.
pub const MAX_POOL: usize = 10_000_000;

/// How much is asked for after the first fit: one of two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Length {
    /// So many queries of `query_size` labels.
    Rounds(usize),
    /// Exactly so many labels; the last query takes the remainder.
    Budget(usize),
}

impl Length {
    fn keys(section: &mut Section) -> Result<Self, ExperimentError> {
        let rounds = whole(1..=100_000).optional().absent("30, without `budget`").ask(
            section,
            "rounds",
            "Queries of `query_size` labels after the first fit.",
        )?;
        let budget = whole(1..=MAX_POOL).optional().ask(
            section,
            "budget",
            "Labels after the first fit, instead of `rounds`; the last query takes the remainder.",
        )?;
        match (rounds, budget) {
            (rounds, None) => Ok(Length::Rounds(rounds.unwrap_or(30))),
            (None, Some(budget)) => Ok(Length::Budget(budget)),
            (Some(_), Some(_)) => Err(ExperimentError::Conflict {
                place: section.place().clone(),
                key: "episode.rounds".into(),
                why: "cannot stand beside `episode.budget`".into(),
                hint: "give the number of queries, or that of new labels (`--budget` of `querist transfer`)"
                    .into(),
            }),
        }
    }
}

section! {
    /// How a labelling is simulated.
    pub struct Episode {
        /// Which rows are labelled at the start: `"per_class"` draws of every class, for which it reads the pool's
        /// labels; a strategy that looks at inputs alone, such as `"random"` or `"typiclust"`, chooses as many in all.
        #[serde(skip_serializing_if = "is_default")]
        initial: InitialPool = text().map(InitialPool::from).or(InitialPool::default());
        /// Labels per class at the start, or where targets are numbers in all; 0 stands for a single one in all.
        initial_per_class: usize = whole(0..=100_000).or(1);
        /// Labels asked for per round.
        query_size: usize = whole(1..=100_000).or(1);
        /// How much is asked for after the first fit.
        #[serde(flatten)]
        length: Length = inline(Length::keys);
        /// At most this many candidates, drawn at random, are scored per round.
        candidates: usize = whole(1..=MAX_CANDIDATES).or(500);
        /// What learning curves, the verdict, targets and the validation of policies measure. `"balanced_accuracy"`
        /// and `"macro_f1"` are not raised by a large class alone. Of numbers, `"nrmse"` is one minus the root of the mean
        /// squared error over the standard deviation, and `"r2"` the explained share of the variance. Rewards are accuracies, or
        /// of numbers `"nrmse"`, whatever it is.
        metric: Metric = word(Metric::ALL.map(|metric| (metric.key(), metric))).or(Metric::default())
            .absent("`\"accuracy\"`, and of numbers `\"nrmse\"`");
        /// End an episode once the metric on the test rows reaches this share.
        #[serde(skip_serializing_if = "Option::is_none")]
        target_accuracy: Option<f64> = number(0.0..=1.0).optional();
        /// End an episode once the metric reaches this share of what the classifier reaches with every label of the
        /// pool. What is learned from plays its whole budget.
        #[serde(skip_serializing_if = "Option::is_none")]
        target_share: Option<f64> = number(0.0..=1.0).optional();
        /// Share of the rows that is tested on, where a data set has no test part of its own.
        test: f64 = number(0.01..=0.9).or(SplitPlan::default().test);
        /// Share of the remaining rows that rewards are computed on.
        reward: f64 = number(0.001..=0.9).or(SplitPlan::default().reward);
        /// Share of the remaining rows whose loss may tell a fit when to stop, not charged.
        validation: f64 = number(0.0..=0.9).or(SplitPlan::default().validation);
        /// At most this many rows in the pool.
        max_pool: usize = whole(1..=MAX_POOL).or(SplitPlan::default().max_pool);
        /// At most this many rows in each of the other parts.
        max_held: usize = whole(1..=MAX_POOL).or(SplitPlan::default().max_held);
        /// How inputs are scaled, fitted on the pool.
        scaling: Scaling = word(SCALINGS).or(SplitPlan::default().scaling);
        /// Which rows tell a fit with `learner.patience` when to stop: `"labels"` holds back a fifth of the labels in
        /// hand; `"reward"` and `"validation"` take the rows of that part, whose labels are not charged.
        stop_on: StopOn = word(STOPS).or(StopOn::Labels);
        /// Which rows the greedy oracle measures its gains on; `"test"` is a leak.
        oracle_on: OracleOn = word(ORACLES).or(OracleOn::Reward);
        /// Scale the test rows by their own range instead of the pool's, which is a leak that published cross-domain
        /// results have (Werner et al., NeurIPS 2024).
        test_by_itself: bool = boolean().or(false);
        /// Ask every rule to stop after every round, and name those that would in the column `stops` of the rows. None
        /// ends an episode. Five networks a round are trained beside, each without a fifth of the labels.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        stops: bool = boolean().or(false);
        /// How those who are asked answer, in all episodes, those that are learned from included; without it, at once and
        /// rightly. Every question is charged to the budget as one label, whatever the answer. The labels at the start are right, and so
        /// are those that simulated look-ahead and searches on sources read.
        #[serde(skip_serializing_if = "Option::is_none")]
        annotator: Option<Annotator> = table(annotator_keys).optional();
        /// What an answer costs: as much for every row, or where targets are masks the length of the foreground's outline in pixels. Rows then say
        /// what was spent; the budget counts rows.
        #[serde(skip_serializing_if = "Price::is_by_row")]
        price: Price = word([("row", Price::Row), ("outline", Price::Outline)]).or(Price::Row);
        /// Changed copies of the labelled rows, on which every fit of an episode trains, too. Predictions are for rows as
        /// they are. Not beside `learner.loss = "squared"` or `learner.optimiser = "lbfgs"`.
        #[serde(skip_serializing_if = "Option::is_none")]
        augment: Option<AugmentKeys> = table(AugmentKeys::keys).optional();
        /// Rows of the pool without a label that every fit of an episode goes on with (FixMatch): the semi-supervised classifier
        /// that all strategies of a comparison share. Not beside `learner.loss = "squared"` or `learner.optimiser = "lbfgs"`.
        #[serde(skip_serializing_if = "Option::is_none")]
        consistency: Option<Consistency> = table(consistency_keys).optional();
        /// Rows that a class-conditional decoder makes, on which every fit of an episode trains, too: of every labelled row's class so many,
        /// drawn ten times per fit. Not beside `learner.loss = "squared"` or `learner.optimiser = "lbfgs"`.
        #[serde(skip_serializing_if = "Option::is_none")]
        generator: Option<Generate> = table(generator_keys).optional();
        /// What whoever asks is shown of rows that were asked for in vain, those of an open set and those that annotators cannot answer:
        /// `"ignored"`, nothing; `"covered"`, they stand among the labelled rows with the class that is predicted of them, so that
        /// where they lie is not asked for again. The classifier does not learn from them.
        #[serde(skip_serializing_if = "Rejected::is_ignored")]
        rejected: Rejected = word(REJECTED).or(Rejected::Ignored);
        /// How the pools of all tasks differ from what is tested on, and how far answers can be trusted.
        #[serde(skip_serializing_if = "Option::is_none")]
        world: Option<WorldKeys> = table(WorldKeys::keys).optional();
        /// Codes of rows that are learned on the inputs of every pool, without labels, once per split.
        #[serde(skip_serializing_if = "Option::is_none")]
        encoder: Option<EncoderKeys> = table(EncoderKeys::keys).optional();
    }
}

section! {
    /// `[episode.world]`: reward, validation and test rows stay as the data set has them.
    pub struct WorldKeys {
        /// Rows of the pool's most frequent class over those of the rarest; classes in between fall geometrically, in an
        /// order that every split draws.
        #[serde(skip_serializing_if = "Option::is_none")]
        long_tail: Option<f64> = number(1.0..=MAX_TAIL).optional();
        /// Share of the pool's rows whose label is wrong: another class, drawn evenly. Asking again gives the same answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        label_noise: Option<f64> = number(0.0..=MAX_NOISE).optional();
        /// Strength of a shift of inputs: half of the pool is left, drawn with weights `exp(-s z)`, `z` being a row's standardised
        /// place along the direction of most variance.
        #[serde(skip_serializing_if = "Option::is_none")]
        covariate_shift: Option<f64> = number(0.0..=MAX_SHIFT).optional();
        /// Share of classes that nobody wants, drawn per split, all but two at most. Their rows are in the pool; asking for one is
        /// charged as a label and answered by a rejection, which the column `unanswerable` counts. Held-out rows are of the others.
        /// A data set needs three classes; tasks that are generated or varied and have two, which is about half of those generated, keep both.
        #[serde(skip_serializing_if = "Option::is_none")]
        open_set: Option<f64> = number(0.0..=MAX_OPEN).optional();
        /// Two domains: episodes start from `initial_per_class` labels per class of a source domain; what is asked for, rewarded and
        /// tested on is of the target domain, which is as the data set has it.
        #[serde(skip_serializing_if = "Option::is_none")]
        domains: Option<DomainKeys> = table(DomainKeys::keys).optional();
    }
}

impl WorldKeys {
    /// What splits do, where episodes start from so many labels per class.
    fn world(&self, per_class: usize) -> World {
        let Self { long_tail, label_noise, covariate_shift, open_set, ref domains } = *self;
        let domains = domains.as_ref().map(|keys| keys.domains(per_class));
        World { long_tail, label_noise, covariate_shift, open_set, domains }
    }
}

section! {
    /// `[episode.world.domains]`: how the rows of the source differ, or which column of the data sets says where rows are from.
    /// Without a key, both domains are one.
    pub struct DomainKeys {
        /// The column, by name or position, that says where every row of a table is from, such as a hospital, a camera or a year. It
        /// is no input. Labels at the start are of rows of the source, all other rows of all parts of the target.
        #[serde(skip_serializing_if = "Option::is_none")]
        column: Option<String> = text().optional();
        /// The values of `column` in rows of the source; all others are of the target.
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<Vec<String>> = different_texts().items(1..=usize::MAX).or(vec![]).absent("must be given")
            .when(column.is_some(), "with `column`");
        /// Rows of a class are drawn with weights `exp(-s z)`, `z` being a row's standardised place along the direction of most variance.
        #[serde(skip_serializing_if = "Option::is_none")]
        selection: Option<f64> = number(0.0..=MAX_SHIFT).or(0.0).when(column.is_none(), DRAWN);
        /// Degrees by which pairs of columns, drawn at random, are rotated one way or the other, in standardised inputs.
        #[serde(skip_serializing_if = "Option::is_none")]
        rotation: Option<f64> = number(0.0..=180.0).or(0.0).when(column.is_none(), DRAWN);
        /// Columns are stretched by factors from the reciprocal of this one to this one.
        #[serde(skip_serializing_if = "Option::is_none")]
        scale: Option<f64> = number(1.0..=MAX_SCALE).or(1.0).when(column.is_none(), DRAWN);
        /// Standard deviations by which every column is moved, up or down.
        #[serde(skip_serializing_if = "Option::is_none")]
        translation: Option<f64> = number(0.0..=MAX_TRANSLATION).or(0.0).when(column.is_none(), DRAWN);
        /// Rows of the most frequent class over those of the rarest; the most frequent one has `initial_per_class`.
        #[serde(skip_serializing_if = "Option::is_none")]
        label_shift: Option<f64> = number(1.0..=MAX_TAIL).or(1.0).when(column.is_none(), DRAWN);
        /// Share of the source's rows, those farthest along a direction that is drawn, in which classes have each other's names.
        #[serde(skip_serializing_if = "Option::is_none")]
        concept_shift: Option<f64> = number(0.0..=1.0).or(0.0).when(column.is_none(), DRAWN);
    }
}

/// Where keys that make a source of the target's rows may stand.
const DRAWN: &str = "without `column`";

impl DomainKeys {
    fn domains(&self, per_class: usize) -> Domains {
        let own = Domains::default();
        Domains {
            per_class,
            by_column: self.column.is_some(),
            selection: self.selection.unwrap_or(own.selection),
            rotation: self.rotation.unwrap_or(own.rotation),
            scale: self.scale.unwrap_or(own.scale),
            translation: self.translation.unwrap_or(own.translation),
            label_shift: self.label_shift.unwrap_or(own.label_shift),
            concept_shift: self.concept_shift.unwrap_or(own.concept_shift),
        }
    }
}

/// What becomes of a copy, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    Mixup,
    Noise,
    Shift,
    Cutout,
}

section! {
    /// `[episode.augment]`: changed copies of the labelled rows. What is random about them is drawn ten times per fit, and
    /// the epochs take the draws in turn.
    pub struct AugmentKeys {
        /// `"mixup"` puts a point between the row and another labelled one, whose classes it then has in the same shares;
        /// `"noise"` adds Gaussian noise; `"shift"` moves an image and repeats its edges; `"cutout"` sets a square of an
        /// image to zero. Tables have no images; IDX files, arrays of three and more dimensions and folders of pictures have.
        kind: ChangeKind = word(CHANGES).or(ChangeKind::Mixup);
        /// Copies of every labelled row, each changed in its own way.
        copies: usize = whole(1..=MAX_COPIES).or(1);
        /// What a copy counts for beside a labelled row, which counts for 1.
        weight: f64 = number(0.0..=1e6).or(1.0);
        /// Parameter of the symmetric Beta distribution of the shares: below 1, most mixtures are nearly one of the rows.
        #[serde(skip_serializing_if = "Option::is_none")]
        alpha: Option<f64> = number(ALPHAS).or(1.0).when(kind == ChangeKind::Mixup, "with `kind = \"mixup\"`");
        /// Standard deviation of the noise, in the units of scaled inputs.
        #[serde(skip_serializing_if = "Option::is_none")]
        deviation: Option<f64> = number(0.0..=1e6).or(0.1).when(kind == ChangeKind::Noise, "with `kind = \"noise\"`");
        /// Pixels by which an image is moved in each direction, at most.
        #[serde(skip_serializing_if = "Option::is_none")]
        pixels: Option<usize> = whole(0..=MAX_PIXELS).or(1).when(kind == ChangeKind::Shift, "with `kind = \"shift\"`");
        /// Side of the square, in pixels.
        #[serde(skip_serializing_if = "Option::is_none")]
        side: Option<usize> = whole(1..=MAX_PIXELS).or(4).when(kind == ChangeKind::Cutout, "with `kind = \"cutout\"`");
    }
}

/// The words for changes.
const CHANGES: [(&str, ChangeKind); 4] = [
    ("mixup", ChangeKind::Mixup),
    ("noise", ChangeKind::Noise),
    ("shift", ChangeKind::Shift),
    ("cutout", ChangeKind::Cutout),
];

impl AugmentKeys {
    /// What episodes do.
    pub fn augment(&self) -> Augment {
        let change = match (self.alpha, self.deviation, self.pixels, self.side) {
            (_, Some(deviation), _, _) => Change::Noise { deviation },
            (_, _, Some(pixels), _) => Change::Shift { pixels },
            (_, _, _, Some(side)) => Change::Cutout { side },
            (alpha, None, None, None) => Change::Mixup { alpha: alpha.unwrap_or(1.0) },
        };
        Augment { change, copies: self.copies, weight: self.weight as f32 }
    }
}

/// The keys of `[episode.consistency]`.
fn consistency_keys(section: &mut Section) -> Result<Consistency, ExperimentError> {
    let own = Consistency::default();
    Ok(Consistency {
        threshold: number(0.0..=1.0).or(own.threshold).ask(
            section,
            "threshold",
            "What the teacher's largest probability on a weakly changed row must be for its class to be trained on.",
        )?,
        weight: number(0.0..=1e6).or(own.weight).ask(
            section,
            "weight",
            "What all rows that the teacher looked at count for, beside the labelled rows' 1; those that it is not sure of count for nothing.",
        )?,
        unlabelled: whole(1..=MAX_UNLABELLED).or(own.unlabelled).ask(
            section,
            "unlabelled",
            "Rows that the teacher looks at in a round, per labelled row.",
        )?,
        rounds: whole(1..=MAX_ROUNDS).or(own.rounds).ask(
            section,
            "rounds",
            "Rounds behind the ordinary fit, each with other rows and a later teacher.",
        )?,
        epochs: whole(1..=MAX_EPOCHS).or(own.epochs).ask(
            section,
            "epochs",
            "Passes of a round over the labelled rows and those that the teacher is sure of.",
        )?,
        decay: number(0.0..=1.0).or(own.decay).ask(
            section,
            "decay",
            "The teacher's share in the next one, per round; the rest is the network as it stands at the end of the round. The last teacher is \
             the classifier.",
        )?,
        deviation: number(0.0..=1e6).or(own.deviation).ask(
            section,
            "deviation",
            "Of rows that are no images: standard deviation of the Gaussian noise of a weak change, in the units of scaled inputs; a \
             strong one has twice as much.",
        )?,
        dropped: number(0.0..=1.0).or(own.dropped).ask(
            section,
            "dropped",
            "Of rows that are no images: share of the inputs that a strong change sets to zero.",
        )?,
        pixels: whole(0..=MAX_PIXELS).or(own.pixels).ask(
            section,
            "pixels",
            "Of images: pixels by which either change moves them in each direction, at most.",
        )?,
        side: whole(1..=MAX_PIXELS).optional().absent("half of the shorter side").ask(
            section,
            "side",
            "Of images: side of the square that a strong change sets to zero.",
        )?,
    })
}

/// The keys of `[episode.generator]`.
fn generator_keys(section: &mut Section) -> Result<Generate, ExperimentError> {
    let own = Generate::default();
    Ok(Generate {
        copies: whole(1..=MAX_COPIES).or(own.copies).ask(
            section,
            "copies",
            "Rows per labelled row, of its class.",
        )?,
        weight: number(0.0..=1e6).or(own.weight).ask(
            section,
            "weight",
            "What such a row counts for beside a labelled row, which counts for 1.",
        )?,
        pool: boolean().or(own.pool).ask(
            section,
            "pool",
            "Whether inputs of the pool teach the decoder, too: half of the rows of each of its steps, without a class. Most rows \
             that it then makes are of another class than they are made for, on images above all.",
        )?,
        dimensions: whole(1..=MAX_UNITS).or(own.dimensions).ask(section, "dimensions", "Numbers of a code.")?,
        hidden: whole(1..=MAX_UNITS).or(own.hidden).ask(
            section,
            "hidden",
            "Units between rows and codes, and between codes and rows.",
        )?,
        steps: whole(1..=MAX_STEPS).or(own.steps).ask(
            section,
            "steps",
            "Gradient steps by which the decoder is trained for every fit.",
        )?,
        noise: number(1e-3..=1e3).or(own.noise).ask(
            section,
            "noise",
            "Standard deviation of what a row has beyond its code, in the units of scaled inputs: the smaller, the more a code says.",
        )?,
    })
}

/// The highest price.
const MAX_PRICE: f64 = 1e9;

/// The keys of `[episode.annotator]`.
fn annotator_keys(section: &mut Section) -> Result<Annotator, ExperimentError> {
    let right = Annotator::default();
    Ok(Annotator {
        noise: number(0.0..=1.0).or(right.noise).ask(
            section,
            "noise",
            "Share of classes that are named wrongly: another one, each equally often.",
        )?,
        abstains: number(0.0..=1.0).or(right.abstains).ask(
            section,
            "abstains",
            "Share of questions that are answered by an abstention; the row may be asked for again, and is then answered anew.",
        )?,
        unanswerable: number(0.0..=1.0).or(right.unanswerable).ask(
            section,
            "unanswerable",
            "Share of rows that nobody can answer; they are asked for once.",
        )?,
        late: whole(0..=1_000).or(right.late).ask(
            section,
            "late",
            "Queries after which an answer arrives. Until then the row counts as labelled, for whoever asks, with the class \
             that is predicted of it. What is still out at the end of the budget arrives before the last fit.",
        )?,
        price: number(0.0..=MAX_PRICE).or(right.price).ask(
            section,
            "price",
            "What a class costs: the column `spent` of the rows adds it up. The budget counts labels all the same.",
        )?,
        price_abstained: number(0.0..=MAX_PRICE).or(right.price_abstained).ask(
            section,
            "price_abstained",
            "What an abstention costs, and finding out that a row cannot be answered.",
        )?,
    })
}

/// The words for what is shown of rejected rows.
const REJECTED: [(&str, Rejected); 2] = [("ignored", Rejected::Ignored), ("covered", Rejected::Covered)];
/// The words for scalings.
const SCALINGS: [(&str, Scaling); 3] =
    [("standard", Scaling::Standard), ("min_max", Scaling::MinMax), ("none", Scaling::None)];
/// The words for the rows that tell a fit when to stop.
const STOPS: [(&str, StopOn); 3] =
    [("labels", StopOn::Labels), ("reward", StopOn::Reward), ("validation", StopOn::Validation)];
/// The words for the rows that the greedy oracle reads.
const ORACLES: [(&str, OracleOn); 3] =
    [("reward", OracleOn::Reward), ("validation", OracleOn::Validation), ("test", OracleOn::Test)];

impl Episode {
    pub(in crate::experiment) fn read(section: Section) -> Result<Self, ExperimentError> {
        let place = section.place().clone();
        let episode = whole_table(section, Self::keys)?;
        if episode.domain_column().is_some_and(|domains| domains.source.is_empty()) {
            let key = "episode.world.domains.source".to_string();
            let why =
                "`column` says where rows are from, and at least one of its values must be the source's";
            return Err(ExperimentError::Missing { place, key, why: why.to_string() });
        }
        if episode.target_accuracy.is_some() && episode.target_share.is_some() {
            return Err(ExperimentError::Conflict {
                place,
                key: "episode.target_accuracy".into(),
                why: "cannot stand beside `episode.target_share`".into(),
                hint: "an episode ends at one target: an accuracy, or a share of what all labels give".into(),
            });
        }
        Ok(episode)
    }

    /// How data sets are split into tasks.
    pub fn split(&self) -> SplitPlan {
        SplitPlan {
            test: self.test,
            reward: self.reward,
            validation: self.validation,
            max_pool: self.max_pool,
            max_held: self.max_held,
            scaling: self.scaling,
            test_by_itself: self.test_by_itself,
            world: self.world.as_ref().map(|keys| keys.world(self.initial_per_class)).unwrap_or_default(),
        }
    }

    /// The column of the data sets that tells the domains apart, if one does.
    pub fn domain_column(&self) -> Option<DomainColumn> {
        let keys = self.world.as_ref()?.domains.as_ref()?;
        Some(DomainColumn { column: keys.column.clone()?, source: keys.source.clone().unwrap_or_default() })
    }

    /// Labels bought after the initial ones.
    pub fn budget(&self) -> usize {
        match self.length {
            Length::Rounds(rounds) => rounds.saturating_mul(self.query_size),
            Length::Budget(budget) => budget,
        }
    }

    /// Queries after the first fit; where the query size does not divide the budget, the last one is smaller.
    pub fn rounds(&self) -> usize {
        match self.length {
            Length::Rounds(rounds) => rounds,
            Length::Budget(budget) => budget.div_ceil(self.query_size),
        }
    }
}

fn is_default(pool: &InitialPool) -> bool {
    *pool == InitialPool::default()
}
