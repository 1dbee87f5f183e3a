//! `[episode.encoder]`: codes of rows that are learned on every pool.

use crate::episode::Training;
use crate::episode::encoder::{CodeReaders, Encode, Objective, Views};
use crate::episode::plan::MAX_PIXELS;
use crate::experiment::keys::{Ask, number, section, whole, word};
use crate::learner::EncoderPlan;
use crate::learner::encoder::{MAX_BATCH, MAX_EPOCHS};
use serde::Serialize;

/// The most numbers of a code, and units of a hidden layer.
pub const MAX_UNITS: usize = 4_096;

/// The usual noise of a view of a row of numbers, and share of it that is set to zero.
const DEVIATION: f64 = 0.2;
const DROP: f64 = 0.3;

/// What an encoder is trained for, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EncoderKind {
    Autoencoder,
    Contrastive,
}

const KINDS: [(&str, EncoderKind); 2] =
    [("autoencoder", EncoderKind::Autoencoder), ("contrastive", EncoderKind::Contrastive)];

/// Who sees codes, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SeenBy {
    Strategies,
    All,
}

const TRAININGS: [(&str, Training); 3] = [
    ("frozen", Training::Frozen),
    ("fine_tuned", Training::FineTuned),
    ("alternating", Training::Alternating),
];

const SEEN_BY: [(&str, SeenBy); 2] = [("strategies", SeenBy::Strategies), ("all", SeenBy::All)];

section! {
    /// `[episode.encoder]`: a network `inputs → hidden → dimensions` that is trained on the rows of a pool, without labels and
    /// without the rows that rewards and results are measured on. It is trained once per split, whatever is played on it.
    pub struct EncoderKeys {
        /// `"autoencoder"` is trained to give inputs back through a decoder; `"contrastive"` to give two views of a row codes of
        /// one direction, and other rows others (NT-Xent); its codes have length one.
        kind: EncoderKind = word(KINDS).or(EncoderKind::Autoencoder);
        /// `"strategies"`: strategies and policies look at codes where they would look at inputs, and the classifier is trained
        /// on inputs. `"all"`: the classifier is trained on codes, too, scaled to mean 0 and variance 1.
        seen_by: SeenBy = word(SEEN_BY).or(SeenBy::Strategies);
        /// What becomes of the encoder's layers in the classifier. `"frozen"`: nothing, it is trained on codes. `"fine_tuned"`: it is trained on
        /// inputs, and its first two hidden layers are the encoder's (the code's with every number and its negative, as hidden layers
        /// are rectified); those of `learner.hidden` follow; every fit starts from them and trains all layers. `"alternating"`: the same, but
        /// one epoch trains the other layers and the next the encoder's. Strategies see the frozen codes.
        #[serde(skip_serializing_if = "Option::is_none")]
        training: Option<Training> = word(TRAININGS).or(Training::Frozen).when(seen_by == SeenBy::All, "with `seen_by = \"all\"`");
        /// Numbers of a code, fewer than there are inputs.
        dimensions: usize = whole(1..=MAX_UNITS).or(EncoderPlan::default().dimensions);
        /// Units of the hidden layer, and of that of the decoder or projection that is trained behind the codes.
        hidden: usize = whole(1..=MAX_UNITS).or(EncoderPlan::default().hidden);
        /// Passes over the pool.
        epochs: u32 = whole(1..=MAX_EPOCHS).or(EncoderPlan::default().epochs);
        /// Rows per gradient step.
        batch: usize = whole(2..=MAX_BATCH).or(EncoderPlan::default().batch);
        /// Step size of Adam.
        learning_rate: f64 = number(1e-6..=1.0).or(0.001);
        /// What cosines of codes are divided by.
        #[serde(skip_serializing_if = "Option::is_none")]
        temperature: Option<f64> = number(0.01..=100.0).or(0.5).when(kind == EncoderKind::Contrastive, "with `kind = \"contrastive\"`");
        /// Standard deviation of the noise of a view, in the units of scaled inputs, where inputs are no images.
        #[serde(skip_serializing_if = "Option::is_none")]
        deviation: Option<f64> = number(0.0..=1e6).or(DEVIATION).when(kind == EncoderKind::Contrastive, "with `kind = \"contrastive\"`");
        /// Share of the inputs of a view that are set to zero, where they are no images.
        #[serde(skip_serializing_if = "Option::is_none")]
        drop: Option<f64> = number(0.0..=0.99).or(DROP).when(kind == EncoderKind::Contrastive, "with `kind = \"contrastive\"`");
        /// Pixels by which the image of a view is moved in each direction, at most.
        #[serde(skip_serializing_if = "Option::is_none")]
        pixels: Option<usize> = whole(0..=MAX_PIXELS).optional().absent("an eighth of the shorter side")
            .when(kind == EncoderKind::Contrastive, "with `kind = \"contrastive\"`").then(Option::flatten);
        /// Side of the square of the image of a view that is set to zero.
        #[serde(skip_serializing_if = "Option::is_none")]
        side: Option<usize> = whole(0..=MAX_PIXELS).optional().absent("a quarter of the shorter side")
            .when(kind == EncoderKind::Contrastive, "with `kind = \"contrastive\"`").then(Option::flatten);
    }
}

impl EncoderKeys {
    /// What becomes of its layers in the classifier.
    pub fn training(&self) -> Training {
        self.training.unwrap_or_default()
    }

    /// Whether classifiers see codes and nothing else.
    pub fn codes_for_all(&self) -> bool {
        self.seen_by == SeenBy::All && self.training() == Training::Frozen
    }

    /// Its keys about views, whether they say another thing than they would without, and whether they are about images.
    pub fn said(&self) -> [(&'static str, bool, bool); 4] {
        let other = |found: Option<f64>, usual: f64| found.is_some_and(|found| found != usual);
        [
            ("episode.encoder.pixels", self.pixels.is_some(), true),
            ("episode.encoder.side", self.side.is_some(), true),
            ("episode.encoder.deviation", other(self.deviation, DEVIATION), false),
            ("episode.encoder.drop", other(self.drop, DROP), false),
        ]
    }

    /// What becomes of tasks.
    pub fn encode(&self) -> Encode {
        let usual = Views::default();
        let objective = match self.kind {
            EncoderKind::Autoencoder => Objective::Reconstruction,
            EncoderKind::Contrastive => Objective::Contrast {
                temperature: self.temperature.unwrap_or(0.5) as f32,
                views: Views {
                    deviation: self.deviation.map_or(usual.deviation, |deviation| deviation as f32),
                    drop: self.drop.map_or(usual.drop, |share| share as f32),
                    pixels: self.pixels,
                    side: self.side,
                },
            },
        };
        let plan = EncoderPlan {
            dimensions: self.dimensions,
            hidden: self.hidden,
            epochs: self.epochs,
            batch: self.batch,
            learning_rate: self.learning_rate as f32,
        };
        let readers = match self.seen_by {
            SeenBy::Strategies => CodeReaders::Strategies,
            SeenBy::All => CodeReaders::All,
        };
        Encode { objective, plan, readers, training: self.training() }
    }
}
