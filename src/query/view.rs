//! What a strategy is allowed to see.

use super::draw::RowDraws;
use super::error::QueryError;
use super::geometry::{self, Rows};
use super::needs::Needs;
use super::signals::{Ablations, Head, Passes, PerCandidate, Signals};
use super::ties::Ties;
use crate::data::TargetKind;
use crate::data::target::number_of;
use crate::data::{Images, Matrix, MatrixView, RowId};
use crate::learner::Network;
use crate::rng::Key;

/// How far a row of probabilities may be from summing to one.
pub const PROBABILITY_TOLERANCE: f32 = 1e-3;

/// One episode's pool at the moment of a query: everything but the labels that are still to be bought.
///
/// There is no way from here to the label of a candidate:
///
/// ```compile_fail
/// # use querist::query::PoolView;
/// fn cheat(view: &PoolView<'_>) -> u32 {
///     view.label_of(view.candidates()[0])
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PoolView<'a> {
    inputs: MatrixView<'a>,
    // Where they are other rows than `inputs`.
    network_inputs: Option<MatrixView<'a>>,
    labelled: &'a [RowId],
    labels: &'a [u32],
    candidates: &'a [RowId],
    kind: TargetKind,
    classes: usize,
    signals: &'a Signals,
    embeddings: Option<MatrixView<'a>>,
    ids: Option<&'a [RowId]>,
    waiting: usize,
    // Those of `signals`, or what wrappers put in their place.
    per_candidate: PerCandidate<'a>,
}

impl<'a> PoolView<'a> {
    /// A view over one pool whose targets are classes.
    ///
    /// # Panics
    /// If the parts do not fit together: a mistake of the caller's code. Arrays that a user hands in are
    /// checked before they get here.
    pub fn new(
        inputs: MatrixView<'a>,
        labelled: &'a [RowId],
        labels: &'a [u32],
        candidates: &'a [RowId],
        classes: usize,
        signals: &'a Signals,
    ) -> Self {
        Self::of_kind(TargetKind::Class, inputs, labelled, labels, candidates, classes, signals)
    }

    /// A view over one pool whose targets are of this kind; `classes` counts labels where they are sets of such, pixels where they are masks, and is 0
    /// where they are numbers.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub fn of_kind(
        kind: TargetKind,
        inputs: MatrixView<'a>,
        labelled: &'a [RowId],
        labels: &'a [u32],
        candidates: &'a [RowId],
        classes: usize,
        signals: &'a Signals,
    ) -> Self {
        assert_eq!(labelled.len(), labels.len(), "one label per labelled row");
        debug_assert!(candidates.is_sorted(), "candidates ascend");
        let (n, m) = (inputs.rows(), candidates.len());
        assert!(labelled.iter().chain(candidates).all(|row| row.index() < n), "rows of the pool");
        let width = kind.outputs(classes);
        assert!(
            labels.iter().all(|&label| kind.admits(label, classes)),
            "targets of {kind}, {classes} names"
        );
        if let Some(p) = &signals.probabilities {
            assert_eq!(p.cols(), classes, "columns of probabilities");
        }
        if let Some(e) = &signals.embeddings {
            assert_eq!(e.rows(), n, "embeddings per row of the pool");
        }
        if let Some(d) = &signals.descriptors {
            assert_eq!(d.rows(), n, "descriptors per row of the pool");
        }
        for member in [&signals.passes, &signals.committee].into_iter().flatten().flat_map(|p| &p.members) {
            assert_eq!(member.cols(), width, "columns of passes");
        }
        let per_candidate = PerCandidate::of(signals);
        per_candidate.assert_for(m);
        Self {
            inputs,
            network_inputs: None,
            labelled,
            labels,
            candidates,
            kind,
            classes,
            signals,
            embeddings: signals.embeddings.as_ref().map(Matrix::view),
            ids: None,
            waiting: 0,
            per_candidate,
        }
    }

    /// The same pool with other class probabilities.
    pub fn with_probabilities(self, probabilities: &'a Matrix) -> Self {
        let shape = (self.candidates.len(), self.classes);
        assert_eq!((probabilities.rows(), probabilities.cols()), shape, "probabilities per candidate");
        let per_candidate = PerCandidate { probabilities: Some(probabilities), ..self.per_candidate };
        Self { per_candidate, ..self }
    }

    /// The same pool as a task of two classes, of which 1 is to have one of the labels: `labels` are the classes of the labelled
    /// rows, and `signals` what the learner says of that label.
    pub(super) fn of_label<'b>(&self, labels: &'b [u32], signals: &'b Signals) -> PoolView<'b>
    where
        'a: 'b,
    {
        let per_candidate = PerCandidate::of(signals);
        per_candidate.assert_for(self.candidates.len());
        PoolView { kind: TargetKind::Class, classes: 2, labels, signals, per_candidate, ..*self }
    }

    /// The same pool with these embeddings, which need no copy of their own.
    ///
    /// # Panics
    /// If they have not one row per row of the pool.
    pub fn with_embeddings(self, embeddings: MatrixView<'a>) -> Self {
        assert_eq!(embeddings.rows(), self.inputs.rows(), "embeddings per row of the pool");
        Self { embeddings: Some(embeddings), ..self }
    }

    /// The same pool, of which the classifier takes these inputs in the place of those that strategies look at.
    ///
    /// # Panics
    /// If they have not one row per row of the pool.
    pub fn with_network_inputs(self, inputs: MatrixView<'a>) -> Self {
        assert_eq!(inputs.rows(), self.inputs.rows(), "inputs per row of the pool");
        Self { network_inputs: Some(inputs), ..self }
    }

    /// The same pool, of whose labelled rows the last `count` count as labelled with the class that is predicted of them: their
    /// answers are still out.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn with_waiting(self, count: usize) -> Self {
        assert!(count <= self.labelled.len(), "{count} of {} labelled rows", self.labelled.len());
        Self { waiting: count, ..self }
    }

    /// How many rows at the end of [`labelled`](Self::labelled) have no answer yet.
    pub fn waiting(&self) -> usize {
        self.waiting
    }

    /// The same pool, whose rows are known elsewhere by these ids, no two the same. What is drawn for a row, and
    /// which of equals comes first, belongs to its id: the same rows in another order are asked for alike.
    ///
    /// # Panics
    /// If there is not one id per row of the pool.
    pub fn with_ids(self, ids: &'a [RowId]) -> Self {
        assert_eq!(ids.len(), self.inputs.rows(), "one id per row of the pool");
        Self { ids: Some(ids), ..self }
    }

    /// What a row is known by elsewhere; its number where nobody gave it an id.
    pub fn id(&self, row: RowId) -> RowId {
        self.ids.map_or(row, |ids| ids[row.index()])
    }

    /// What is drawn for each row under `key`.
    pub fn draws(&self, key: Key) -> RowDraws<'a> {
        RowDraws::new(key).with_ids(self.ids)
    }

    /// The order, under `key`, of rows that are worth the same.
    pub fn ties(&self, key: Key) -> Ties<'a> {
        Ties::of(self.draws(key.named("ties")))
    }

    /// The same pool with other passes.
    pub fn with_passes(self, passes: &'a Passes) -> Self {
        let per_candidate = PerCandidate { passes: Some(passes), ..self.per_candidate };
        Self { per_candidate, ..self }
    }

    /// Inputs of all rows of the pool, or codes that an encoder made of them, shape `[n, width]`, indexed by [`RowId`].
    pub fn inputs(&self) -> MatrixView<'a> {
        self.inputs
    }

    /// What the classifier takes of all rows of the pool, shape `[n, inputs of the network]`: [`inputs`](Self::inputs), unless
    /// strategies are shown codes that it does not see.
    pub fn network_inputs(&self) -> MatrixView<'a> {
        self.network_inputs.unwrap_or(self.inputs)
    }

    /// Labelled rows, in the order in which they were asked for.
    pub fn labelled(&self) -> &'a [RowId] {
        self.labelled
    }

    /// The labels of [`labelled`](Self::labelled), which are classes: see [`numbers`](Self::numbers) for others.
    pub fn labels(&self) -> &'a [u32] {
        self.labels
    }

    /// The targets of [`labelled`](Self::labelled), which are numbers.
    pub fn numbers(&self) -> impl Iterator<Item = f64> + 'a {
        self.labels.iter().map(|&word| f64::from(number_of(word)))
    }

    /// What the targets are.
    pub fn kind(&self) -> TargetKind {
        self.kind
    }

    /// Rows that may be asked for, ascending.
    pub fn candidates(&self) -> &'a [RowId] {
        self.candidates
    }

    /// The number of classes, of labels, or of pixels; 0 where targets are numbers.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// What the learner computed for this round, unchecked. Strategies read it through the methods
    /// below, which refuse what is missing or not finite, and which wrappers can substitute.
    pub fn signals(&self) -> &'a Signals {
        self.signals
    }

    /// Checks that all of `needs` is there and finite. Strategies that do not read every signal in every
    /// round call it, so as to fail in the first.
    ///
    /// # Errors
    /// Those of the methods below.
    pub fn check(&self, needs: Needs) -> Result<(), QueryError> {
        if needs.inputs {
            self.finite_inputs()?;
        }
        if needs.probabilities {
            self.probabilities()?;
        }
        if needs.predictions {
            self.predictions()?;
        }
        if needs.embeddings {
            self.embeddings()?;
        }
        if needs.passes > 0 {
            self.passes()?;
        }
        if needs.lookahead > 0 {
            self.lookahead()?;
        }
        if needs.drafts > 0 {
            self.drafts()?;
        }
        if needs.committee > 0 {
            self.committee()?;
        }
        if needs.descriptors {
            self.descriptors()?;
        }
        if needs.head {
            self.head()?;
        }
        if needs.temperature {
            self.temperature()?;
        }
        if needs.network {
            self.network()?;
        }
        if needs.images {
            self.images()?;
        }
        if needs.predicted_loss {
            self.predicted_loss()?;
        }
        if needs.out_of_fold {
            self.out_of_fold()?;
        }
        if needs.ablations {
            self.ablations()?;
        }
        Ok(())
    }

    /// Class probabilities, shape `[candidates, classes]`, each row summing to one; where targets are sets of labels, the
    /// probability of every label, shape `[candidates, labels]`, and where they are masks, that of every pixel to be foreground, shape `[candidates, pixels]`.
    ///
    /// # Errors
    /// [`QueryError::Missing`]; [`QueryError::NotFinite`] and [`QueryError::NotProbabilities`] with the
    /// place (rows count candidates).
    pub fn probabilities(&self) -> Result<MatrixView<'a>, QueryError> {
        let signal = "class probabilities";
        let p = self.per_candidate.probabilities.ok_or(QueryError::Missing { signal })?.view();
        check_answers(self.kind, signal, p)?;
        Ok(p)
    }

    /// [`probabilities`](Self::probabilities) where there are any, without a look at what they are: for who checks them as they are read.
    pub(crate) fn unchecked_probabilities(&self) -> Option<&'a Matrix> {
        self.per_candidate.probabilities
    }

    /// [`predictions`](Self::predictions) where there are any, in the same way.
    pub(crate) fn unchecked_predictions(&self) -> Option<&'a [f32]> {
        self.per_candidate.predictions.map(Vec::as_slice)
    }

    /// What is predicted of every candidate, in the unit of the targets.
    ///
    /// # Errors
    /// [`QueryError::Missing`]; [`QueryError::NotFinite`] with the place (rows count candidates).
    pub fn predictions(&self) -> Result<&'a [f32], QueryError> {
        let signal = "predictions";
        let predictions = self.per_candidate.predictions.ok_or(QueryError::Missing { signal })?;
        check_finite(signal, MatrixView::new(predictions, predictions.len(), 1))?;
        Ok(predictions)
    }

    /// Class probabilities under at least one pass, each of shape `[candidates, classes]`.
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities).
    pub fn passes(&self) -> Result<&'a [Matrix], QueryError> {
        self.members("stochastic passes", self.per_candidate.passes)
    }

    /// Class probabilities under at least one committee member, each of shape `[candidates, classes]`; where targets are
    /// numbers, the members' predictions, of shape `[candidates, 1]`.
    ///
    /// # Errors
    /// As [`probabilities`](Self::probabilities).
    pub fn committee(&self) -> Result<&'a Passes, QueryError> {
        self.members("committee members", self.per_candidate.committee)?;
        self.per_candidate.committee.ok_or(QueryError::Missing { signal: "committee members" })
    }

    fn members(&self, signal: &'static str, passes: Option<&'a Passes>) -> Result<&'a [Matrix], QueryError> {
        let members = passes.map_or(&[][..], |passes| &passes.members);
        if members.is_empty() {
            return Err(QueryError::Missing { signal });
        }
        members.iter().try_for_each(|member| check_answers(self.kind, signal, member.view()))?;
        Ok(members)
    }

    /// Penultimate embeddings of the whole pool, shape `[n, d]`, indexed by [`RowId`].
    ///
    /// # Errors
    /// [`QueryError::Missing`]; [`QueryError::NotFinite`] with the place.
    pub fn embeddings(&self) -> Result<MatrixView<'a>, QueryError> {
        let signal = "embeddings";
        let embeddings = self.embeddings.ok_or(QueryError::Missing { signal })?;
        check_finite(signal, embeddings)?;
        Ok(embeddings)
    }

    /// The mean of the committee members' embeddings of the whole pool, shape `[n, d]`, indexed by [`RowId`].
    ///
    /// # Errors
    /// [`QueryError::Missing`]; [`QueryError::NotFinite`] with the place.
    pub fn descriptors(&self) -> Result<MatrixView<'a>, QueryError> {
        let signal = "a committee's embeddings";
        let descriptors = self.signals.descriptors.as_ref().ok_or(QueryError::Missing { signal })?.view();
        check_finite(signal, descriptors)?;
        Ok(descriptors)
    }

    /// The last layer, whose width is that of the embeddings.
    ///
    /// # Errors
    /// [`QueryError::Missing`]; [`QueryError::NotFinite`] with the place; [`QueryError::Shape`].
    pub fn head(&self) -> Result<&'a Head, QueryError> {
        let signal = "the last layer";
        let head = self.signals.head.as_ref().ok_or(QueryError::Missing { signal })?;
        let width = self.embeddings.map_or(head.weights.cols(), |embeddings| embeddings.cols());
        for (unit, found, expected) in [
            ("classes", head.weights.rows(), self.classes),
            ("biases", head.bias.len(), self.classes),
            ("columns", head.weights.cols(), width),
        ] {
            if found != expected {
                return Err(QueryError::Shape { signal, unit, found, expected });
            }
        }
        check_finite(signal, head.weights.view())?;
        check_finite(signal, MatrixView::new(&head.bias, 1, head.bias.len()))?;
        Ok(head)
    }

    /// The temperature that calibrates the probabilities.
    ///
    /// # Errors
    /// [`QueryError::Missing`]; [`QueryError::NotFinite`] where it is not a positive number.
    pub fn temperature(&self) -> Result<f32, QueryError> {
        let signal = "the temperature";
        let found = self.signals.temperature.ok_or(QueryError::Missing { signal })?;
        if found.is_finite() && found > 0.0 {
            return Ok(found);
        }
        Err(QueryError::NotFinite { signal, row: 0, column: 0, found: f64::from(found) })
    }

    /// Class probabilities of the labelled rows by networks that were trained without them, shape `[labelled,
    /// classes]`; `None` where there are too few labels to leave some out.
    ///
    /// # Errors
    /// [`QueryError::Shape`]; [`QueryError::NotFinite`] with the place (rows count labelled rows).
    pub fn out_of_fold(&self) -> Result<Option<MatrixView<'a>>, QueryError> {
        let signal = "out-of-fold probabilities";
        let Some(found) = &self.signals.out_of_fold else { return Ok(None) };
        for (unit, found, expected) in
            [("rows", found.rows(), self.labels.len()), ("columns", found.cols(), self.classes)]
        {
            if found != expected {
                return Err(QueryError::Shape { signal, unit, found, expected });
            }
        }
        check_finite(signal, found.view())?;
        Ok(Some(found.view()))
    }

    /// What labels are worth, by kind; `None` where there are too few labels to leave some out.
    ///
    /// # Errors
    /// [`QueryError::NotFinite`].
    pub fn ablations(&self) -> Result<Option<Ablations>, QueryError> {
        let Some(found) = self.signals.ablations else { return Ok(None) };
        for (column, value) in [found.typical, found.uncertain, found.random].into_iter().enumerate() {
            if !value.is_finite() {
                return Err(QueryError::NotFinite { signal: "ablations", row: 0, column, found: value });
            }
        }
        Ok(Some(found))
    }

    /// The trained network, which takes the pool's [`network_inputs`](Self::network_inputs) and gives the pool's classes; where targets are numbers, its first output is
    /// what it predicts, in some unit, and a second may stand for the variance.
    ///
    /// # Errors
    /// [`QueryError::Missing`]; [`QueryError::Shape`].
    pub fn network(&self) -> Result<&'a Network, QueryError> {
        let signal = "the network";
        let network = self.signals.network.as_ref().ok_or(QueryError::Missing { signal })?;
        let spec = network.spec();
        let outputs = match self.kind {
            TargetKind::Real => spec.outputs().clamp(1, 2),
            _ => self.classes,
        };
        for (unit, found, expected) in
            [("inputs", spec.inputs(), self.network_inputs().cols()), ("outputs", spec.outputs(), outputs)]
        {
            if found != expected {
                return Err(QueryError::Shape { signal, unit, found, expected });
            }
        }
        Ok(network)
    }

    /// What images the [`network_inputs`](Self::network_inputs) are.
    ///
    /// # Errors
    /// [`QueryError::Missing`] where they are rows of numbers, [`QueryError::Shape`] where they have another width.
    pub fn images(&self) -> Result<&'a Images, QueryError> {
        let signal = "images";
        let images = self.signals.images.as_ref().ok_or(QueryError::Missing { signal })?;
        let (found, expected) =
            (images.channels * images.height * images.width, self.network_inputs().cols());
        match found == expected {
            true => Ok(images),
            false => Err(QueryError::Shape { signal, unit: "pixels", found, expected }),
        }
    }

    /// The predicted loss of every candidate.
    ///
    /// # Errors
    /// [`QueryError::Missing`]; [`QueryError::NotFinite`] with the place.
    pub fn predicted_loss(&self) -> Result<&'a [f64], QueryError> {
        let signal = "predicted losses";
        let losses = self.per_candidate.predicted_loss.ok_or(QueryError::Missing { signal })?;
        match losses.iter().position(|loss| !loss.is_finite()) {
            None => Ok(losses),
            Some(row) => Err(QueryError::NotFinite { signal, row, column: 0, found: losses[row] }),
        }
    }

    /// [`inputs`](Self::inputs), every number of which was checked.
    ///
    /// # Errors
    /// [`QueryError::NotFinite`] with the place.
    pub fn finite_inputs(&self) -> Result<MatrixView<'a>, QueryError> {
        check_finite("inputs", self.inputs)?;
        Ok(self.inputs)
    }

    /// [`network_inputs`](Self::network_inputs), every number of which was checked.
    ///
    /// # Errors
    /// [`QueryError::NotFinite`] with the place.
    pub fn finite_network_inputs(&self) -> Result<MatrixView<'a>, QueryError> {
        check_finite("the network's inputs", self.network_inputs())?;
        Ok(self.network_inputs())
    }

    /// The candidates' rows of `matrix`, which is indexed by [`RowId`].
    pub fn candidate_rows<'m>(&self, matrix: MatrixView<'m>) -> Rows<'m>
    where
        'a: 'm,
    {
        Rows::new(matrix, self.candidates)
    }

    /// The labelled rows of `matrix`, which is indexed by [`RowId`].
    pub fn labelled_rows<'m>(&self, matrix: MatrixView<'m>) -> Rows<'m>
    where
        'a: 'm,
    {
        Rows::new(matrix, self.labelled)
    }

    /// Gains of the drafted batches, of which there is at least one.
    ///
    /// # Errors
    /// [`QueryError::Missing`], [`QueryError::NotFinite`].
    pub fn drafts(&self) -> Result<&'a [f32], QueryError> {
        let signal = "gains of drafted batches";
        let gains = self.signals.drafts.as_deref().filter(|gains| !gains.is_empty());
        let gains = gains.ok_or(QueryError::Missing { signal })?;
        match gains.iter().position(|gain| !gain.is_finite()) {
            None => Ok(gains),
            Some(row) => Err(QueryError::NotFinite { signal, row, column: 0, found: f64::from(gains[row]) }),
        }
    }

    /// One-step gains by candidate.
    ///
    /// # Errors
    /// [`QueryError::Missing`], [`QueryError::NotFinite`], [`QueryError::NotACandidate`].
    pub fn lookahead(&self) -> Result<&'a [(RowId, f32)], QueryError> {
        let signal = "one-step gains";
        let gains = self.per_candidate.lookahead.ok_or(QueryError::Missing { signal })?;
        let mut seen = Vec::with_capacity(gains.len());
        for &(row, gain) in gains {
            if !gain.is_finite() {
                let found = f64::from(gain);
                return Err(QueryError::NotFinite { signal, row: row.index(), column: 0, found });
            }
            if self.candidates.binary_search(&row).is_err() || seen.contains(&row) {
                return Err(QueryError::NotACandidate { signal, row: row.0 });
            }
            seen.push(row);
        }
        Ok(gains)
    }
}

/// Some of a view's candidates, with what belongs to them.
#[derive(Clone, Debug)]
pub struct Subset {
    candidates: Vec<RowId>,
    signals: Signals,
}

impl Subset {
    /// The candidates at `places`, which ascend.
    pub fn new(view: &PoolView<'_>, places: &[usize]) -> Self {
        debug_assert!(places.is_sorted(), "places ascend");
        let candidates: Vec<RowId> = places.iter().map(|&place| view.candidates[place]).collect();
        Self { signals: view.per_candidate.cut(places, &candidates), candidates }
    }

    /// `view` with these candidates only.
    pub fn view<'b>(&'b self, view: PoolView<'b>) -> PoolView<'b> {
        PoolView { candidates: &self.candidates, per_candidate: PerCandidate::of(&self.signals), ..view }
    }
}

/// Refuses NaN and infinities, with the first place.
fn check_finite(signal: &'static str, matrix: MatrixView<'_>) -> Result<(), QueryError> {
    match geometry::first_not_finite(matrix) {
        None => Ok(()),
        Some((row, column)) => {
            Err(QueryError::NotFinite { signal, row, column, found: f64::from(matrix.row(row)[column]) })
        }
    }
}

/// Refuses answers of a learner that are none on targets of this kind.
fn check_answers(kind: TargetKind, signal: &'static str, p: MatrixView<'_>) -> Result<(), QueryError> {
    check_finite(signal, p)?;
    let expected = match kind {
        TargetKind::MultiLabel => "numbers from 0 to 1, one for each label",
        TargetKind::Mask => "numbers from 0 to 1, one for each pixel",
        TargetKind::Class | TargetKind::Real => "non-negative numbers that sum to 1",
    };
    for row in 0..p.rows() {
        let values = p.row(row);
        let refuse = |found: String| Err(QueryError::NotProbabilities { signal, row, found, expected });
        let least = values.iter().copied().fold(0.0, f32::min);
        match kind {
            TargetKind::Class | TargetKind::MultiLabel | TargetKind::Mask if least < 0.0 => {
                return refuse(format!("the entry {least}"));
            }
            TargetKind::Class => {
                let sum: f32 = values.iter().sum();
                if (sum - 1.0).abs() > PROBABILITY_TOLERANCE {
                    return refuse(format!("the sum {sum}"));
                }
            }
            TargetKind::MultiLabel | TargetKind::Mask => {
                if let Some(most) = values.iter().find(|&&value| value > 1.0) {
                    return refuse(format!("the entry {most}"));
                }
            }
            TargetKind::Real => {}
        }
    }
    Ok(())
}
