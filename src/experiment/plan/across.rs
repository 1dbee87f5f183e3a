//! What the sections of a plan may not say together.

use super::Plan;
use crate::arch::Space;
use crate::episode::{InitialPool, Training};
use crate::experiment::error::{ExperimentError, Place};
use crate::experiment::sections::{ArchitectureChoice, DataRef, NetworkKind, OptimiserKind, SeenBy};
use crate::experiment::stages::search::space;
use crate::experiment::tasks::GENERATED;
use crate::learner::Loss;
use std::collections::HashSet;

impl Plan {
    /// What contradicts between the sections.
    pub(super) fn check_stages(
        &self,
        root: Place,
        sources: Place,
        transfer: Option<Place>,
    ) -> Result<(), ExperimentError> {
        if self.train.is_none()
            && self.search.is_none()
            && self.transfer.is_none()
            && self.search_comparison.is_none()
        {
            let why =
                "nothing to run: give at least one of [train], [search], [transfer] and [search_comparison]"
                    .to_string();
            return Err(ExperimentError::Missing { place: root, key: "transfer".into(), why });
        }
        self.check_soft_targets(&root)?;
        self.check_heads(&root)?;
        self.check_space(&root)?;
        self.check_comparison(&root)?;
        self.check_annotator(&root)?;
        self.check_encoder(&root)?;
        self.check_world(&root)?;
        self.check_rejected(&root)?;
        if (self.train.is_some() || self.searches_sources()) && self.sources.tasks() == 0 {
            let why = "training and search need at least one source task".to_string();
            return Err(ExperimentError::Missing { place: sources, key: "sources.datasets".into(), why });
        }
        let overlap = |a: &[DataRef], b: &[DataRef]| {
            let b: HashSet<&DataRef> = b.iter().collect();
            a.iter().find(|one| b.contains(one)).map(|one| one.name().to_string())
        };
        let (learned, validation) = (&self.sources.datasets, &self.sources.validation);
        if let Some(name) = overlap(validation, learned) {
            return Err(ExperimentError::Conflict {
                place: sources,
                key: "sources.validation".into(),
                why: format!("holds \"{name}\", which is learned from"),
                hint: "a data set can be learned from or validated on, not both".into(),
            });
        }
        if let (Some(stage), Some(place)) = (&self.transfer, transfer) {
            let seen = [("sources.datasets", learned), ("sources.validation", validation)];
            for (key, list) in seen {
                if let Some(name) = overlap(&stage.targets, list) {
                    return Err(ExperimentError::Conflict {
                        place,
                        key: "transfer.targets".into(),
                        why: format!("holds \"{name}\", which `{key}` holds too"),
                        hint: "a target must be unseen: take it out of one of the two lists".into(),
                    });
                }
            }
        }
        Ok(())
    }

    /// Whether everything that runs heeds `[episode.annotator]`.
    fn check_annotator(&self, root: &Place) -> Result<(), ExperimentError> {
        let Some(annotator) = self.episode.annotator else { return Ok(()) };
        let conflict = |key: &str, why: &str, hint: &str| {
            let (place, key) = (root.clone(), key.to_string());
            Err(ExperimentError::Conflict { place, key, why: why.to_string(), hint: hint.to_string() })
        };
        let stays_out = annotator.late > 0 || annotator.abstains > 0.0 || annotator.unanswerable > 0.0;
        if self.learner.fit_per_label && stays_out {
            return conflict(
                "learner.fit_per_label",
                "cannot stand beside annotators who abstain, are late or leave rows unanswered",
                "fit once per query, or let `[episode.annotator]` have `noise` and prices alone",
            );
        }
        match self.search_comparison {
            None => Ok(()),
            Some(_) => conflict(
                "search_comparison",
                "draws its labels by itself, and not from `[episode.annotator]`",
                "give searches a file of their own, without annotators",
            ),
        }
    }

    /// Whether everything that runs heeds `[episode.encoder]`.
    fn check_encoder(&self, root: &Place) -> Result<(), ExperimentError> {
        let Some(encoder) = &self.episode.encoder else { return Ok(()) };
        let conflict = |why: &str, hint: &str| {
            let (place, key) = (root.clone(), "episode.encoder".to_string());
            Err(ExperimentError::Conflict { place, key, why: why.to_string(), hint: hint.to_string() })
        };
        match encoder.seen_by {
            SeenBy::Strategies if self.search_comparison.is_some() => conflict(
                "shows codes to strategies, and [search_comparison] has none",
                "set episode.encoder.seen_by = \"all\", or give searches a file of their own",
            ),
            SeenBy::All if self.search.as_ref().is_some_and(|search| search.image.is_some()) => conflict(
                "has classifiers see codes, which are no images",
                "set episode.encoder.seen_by = \"strategies\", or leave search.image out",
            ),
            _ if encoder.training() != Training::Frozen => self.check_layers(encoder.training(), root),
            _ => Ok(()),
        }
    }

    /// Whether every classifier can begin with the layers of `[episode.encoder]`.
    fn check_layers(&self, training: Training, root: &Place) -> Result<(), ExperimentError> {
        let (learner, episode) = (&self.learner, &self.episode);
        let architectures = self.transfer.iter().flat_map(|transfer| &transfer.architectures);
        let predicts =
            |name: &&String| self.registry.build(name).is_ok_and(|strategy| strategy.needs().predicted_loss);
        let losses =
            self.transfer.iter().flat_map(|transfer| &transfer.strategies).any(|name| predicts(&name));
        let in_turn = training == Training::Alternating;
        let standing = [
            ("search", self.search.is_some() || self.search_comparison.is_some()),
            ("transfer.architectures", architectures.clone().any(|own| *own != ArchitectureChoice::Learner)),
            ("transfer.strategies", losses),
            ("sources.randomise", self.train.is_some() && self.sources.randomise.is_some()),
            ("learner.warm_start", learner.warm_start),
            ("learner.ensemble", learner.ensemble > 1),
            ("learner.device", !learner.device.is_cpu()),
            ("learner.optimiser", learner.optimiser == OptimiserKind::Lbfgs),
            ("learner.steps", in_turn && learner.steps.is_some()),
            ("learner.train_loss", in_turn && learner.train_loss.is_some()),
            ("learner.patience", in_turn && learner.patience.is_some()),
            ("episode.augment", in_turn && episode.augment.is_some()),
            ("episode.consistency", in_turn && episode.consistency.is_some()),
            ("episode.generator", in_turn && episode.generator.is_some()),
        ];
        match standing.into_iter().find(|&(_, given)| given) {
            None => Ok(()),
            Some((key, _)) => Err(ExperimentError::Conflict {
                place: root.clone(),
                key: "episode.encoder.training".into(),
                why: format!(
                    "has classifiers begin with the encoder's layers in every fit, which `{key}` stands against"
                ),
                hint: format!("set episode.encoder.training = \"frozen\", or change `{key}`"),
            }),
        }
    }

    /// Whether everything that runs asks, and does not read labels that rows of an open set have not, or takes rows of two domains for one.
    fn check_world(&self, root: &Place) -> Result<(), ExperimentError> {
        let Some(world) = &self.episode.world else { return Ok(()) };
        let conflict = |key: &str, why: String, hint: &str| {
            let (place, key) = (root.clone(), key.to_string());
            Err(ExperimentError::Conflict { place, key, why, hint: hint.to_string() })
        };
        let (open, domains) = (world.open_set.is_some(), world.domains.is_some());
        if domains && self.episode.initial != InitialPool::PerClass {
            let why =
                "chooses rows to start from, and `[episode.world.domains]` has all of the source".to_string();
            return conflict("episode.initial", why, "leave it out, or the domains");
        }
        if domains && self.train.is_some() && self.sources.randomise.is_some() {
            let why = "varies the labels at the start, of which `[episode.world.domains]` has as many as there are of the source";
            return conflict(
                "sources.randomise",
                why.to_string(),
                "set sources.randomise = false, or train without domains",
            );
        }
        let by_column = world.domains.as_ref().is_some_and(|domains| domains.column.is_some());
        if let Some((key, why)) = by_column.then(|| self.without_columns()).flatten() {
            let hint = "name data sets that have the column, or leave `episode.world.domains.column` out";
            return conflict(key, why, hint);
        }
        let reads = match (&self.search_comparison, self.searches_sources()) {
            (Some(_), _) => "[search_comparison]",
            (None, true) => "[search]",
            (None, false) => return Ok(()),
        };
        match (open, domains) {
            (false, false) => Ok(()),
            (true, _) => conflict(
                "episode.world.open_set",
                format!("has rows without a class, and {reads} reads the labels of random ones"),
                "give searches a file of their own, without an open set",
            ),
            (false, true) => conflict(
                "episode.world.domains",
                format!("has labels of a source at the start, and {reads} draws them of all rows"),
                "give searches a file of their own, without domains",
            ),
        }
    }

    /// What of the plan makes data, which has no column that tells domains apart.
    fn without_columns(&self) -> Option<(&'static str, String)> {
        let learns = self.train.is_some();
        let (sources, targets) = (&self.sources, self.transfer.iter().flat_map(|transfer| &transfer.targets));
        let learned_from = [&sources.datasets, &sources.validation].into_iter().flatten().filter(|_| learns);
        let named = targets.map(|set| ("transfer.targets", set));
        let named = named.chain(learned_from.map(|set| ("sources.datasets", set)));
        let generated = named.into_iter().find(|(_, set)| GENERATED.contains(&set.name()));
        let made = [
            ("sources.synthetic", sources.synthetic),
            ("sources.validation_synthetic", sources.validation_synthetic),
            ("sources.variants", sources.variants),
        ];
        let made = made.into_iter().find(|&(_, count)| learns && count > 0);
        let no_column = "which `episode.world.domains.column` could be of";
        match (generated, made) {
            (Some((key, set)), _) => Some((
                key,
                format!("holds \"{}\", which is generated and has no column {no_column}", set.name()),
            )),
            (None, Some((key, count))) => {
                Some((key, format!("is {count}, and tasks that are made have no column {no_column}")))
            }
            (None, None) => None,
        }
    }

    /// Whether there are rejected rows to be shown.
    fn check_rejected(&self, root: &Place) -> Result<(), ExperimentError> {
        let open = self.episode.world.as_ref().is_some_and(|world| world.open_set.is_some());
        let unanswerable = self.episode.annotator.is_some_and(|annotator| annotator.unanswerable > 0.0);
        match self.episode.rejected.is_ignored() || open || unanswerable {
            true => Ok(()),
            false => Err(ExperimentError::Conflict {
                place: root.clone(),
                key: "episode.rejected".into(),
                why: "says what is shown of rejected rows, and every question has an answer".into(),
                hint: "leave it out, or set episode.world.open_set or episode.annotator.unanswerable".into(),
            }),
        }
    }

    /// Whether the heads of the policy's attention share its width.
    fn check_heads(&self, root: &Place) -> Result<(), ExperimentError> {
        let network = self.train.as_ref().map(|train| &train.network);
        match network.filter(|network| network.kind == NetworkKind::Attention) {
            Some(network) if network.hidden % network.heads != 0 => Err(ExperimentError::Conflict {
                place: root.clone(),
                key: "train.network.heads".into(),
                why: format!(
                    "is {}, and does not divide `train.network.hidden`, {}",
                    network.heads, network.hidden
                ),
                hint: "choose a width that is a multiple of the heads".into(),
            }),
            _ => Ok(()),
        }
    }

    /// Whether the classifier can be trained on virtual rows, where something makes some.
    fn check_soft_targets(&self, root: &Place) -> Result<(), ExperimentError> {
        let learner = &self.learner;
        if learner.loss.is_none_or(|loss| loss == Loss::CrossEntropy)
            && learner.optimiser != OptimiserKind::Lbfgs
        {
            return Ok(());
        }
        let mixes =
            |strategy: &&String| self.registry.build(strategy).is_ok_and(|strategy| strategy.needs().mixing);
        let strategy = self.transfer.iter().flat_map(|transfer| &transfer.strategies).find(mixes);
        let (key, why) = match (&self.episode.augment, strategy) {
            (Some(_), _) => ("episode.augment", "makes rows with weights and of mixed classes".to_string()),
            (None, _) if self.episode.consistency.is_some() => {
                ("episode.consistency", "makes rows with weights".to_string())
            }
            (None, _) if self.episode.generator.is_some() => {
                ("episode.generator", "makes rows with weights".to_string())
            }
            (None, Some(name)) => {
                ("transfer.strategies", format!("holds \"{name}\", which makes rows of mixed classes"))
            }
            (None, None) => return Ok(()),
        };
        Err(ExperimentError::Conflict {
            place: root.clone(),
            key: key.into(),
            why: format!("{why}, on which `learner` cannot be trained"),
            hint: "set learner.loss = \"cross_entropy\", and learner.optimiser to \"adam\", \"nadam\" or \"sgd\"".into(),
        })
    }

    /// Whether the space of `[search]` is there for what reads it, and holds the points that are named.
    fn check_space(&self, root: &Place) -> Result<(), ExperimentError> {
        let head = self.train.as_ref().is_some_and(|train| train.architecture.episodes > 0);
        let readers = [
            ("train.architecture", head),
            (
                "search_comparison",
                self.search_comparison
                    .as_ref()
                    .is_some_and(|search_comparison| search_comparison.free.is_none()),
            ),
        ];
        let Some(search) = &self.search else {
            return match readers.into_iter().find(|(_, reads)| *reads) {
                None => Ok(()),
                Some((reader, _)) => Err(ExperimentError::Missing {
                    place: root.clone(),
                    key: "search".into(),
                    why: format!("`{reader}` walks its space"),
                }),
            };
        };
        let transfer = self.transfer.iter().flat_map(|transfer| &transfer.architectures);
        if search.image.is_some() {
            self.check_images(root, head)?;
        }
        let search_comparison =
            self.search_comparison.iter().flat_map(|search_comparison| &search_comparison.fixed);
        let space = space(search, self.learner.dropout);
        for choice in transfer.chain(search_comparison) {
            let ArchitectureChoice::Fixed(point) = choice else { continue };
            if !space.contains(point) {
                return Err(ExperimentError::Conflict {
                    place: root.clone(),
                    key: choice.to_string(),
                    why: format!(
                        "lies outside the space of [search], 1..={} blocks by 1..={} stacks",
                        search.max_blocks, search.max_stacks
                    ),
                    hint: "raise search.max_blocks or search.max_stacks".into(),
                });
            }
        }
        Ok(())
    }

    /// Whether the space that compared searches walk has a point for every candidate that they begin with.
    fn check_comparison(&self, root: &Place) -> Result<(), ExperimentError> {
        let Some(search_comparison) = &self.search_comparison else { return Ok(()) };
        let points = match (&search_comparison.free, &self.search) {
            (Some(free), _) => free.points().len(),
            (None, Some(search)) => space(search, self.learner.dropout).points().len(),
            (None, None) => return Ok(()),
        };
        let check = |method: &&'static str| {
            search_comparison.settings.parts(method, points, root, "search_comparison").map(drop)
        };
        search_comparison.methods.iter().try_for_each(check)
    }

    /// Whether everything that meets networks for images can read them.
    fn check_images(&self, root: &Place, head: bool) -> Result<(), ExperimentError> {
        let refuse = |why: String, hint: &str| {
            let (place, key) = (root.clone(), "search.image".to_string());
            Err(ExperimentError::Conflict { place, key, why, hint: hint.into() })
        };
        let generated = self.sources.synthetic + self.sources.validation_synthetic;
        if (head || self.searches_sources()) && generated > 0 {
            return refuse(
                format!("reads images, but {generated} of the sources are generated and are none"),
                "set sources.synthetic and sources.validation_synthetic to 0, and name sets of such images",
            );
        }
        let episodes = self.transfer.iter().filter(|transfer| {
            transfer.architectures.iter().any(|choice| choice.needs_space() || choice.needs_head())
        });
        for strategy in episodes.flat_map(|transfer| &transfer.strategies) {
            // The others are policies, which need no more than predictions.
            let Ok(built) = self.registry.build(strategy) else { continue };
            let needs = built.needs();
            if needs.vector_network() {
                return refuse(
                    format!("makes networks for images, whose gradients \"{strategy}\" cannot read"),
                    "leave that strategy out, or compare it on vectors",
                );
            }
        }
        Ok(())
    }
}
