//! What is refused, what is told, and what comes out.

use super::*;
use crate::data::{Matrix, MatrixView};
use crate::error::Error;
use crate::query::registry::{Entry, Registry};
use crate::query::{QueryError, uncertainty::Margin};

const ROWS: usize = 30;

/// Rows on a line, from left to right surer of class 0; row 15 is nearest to a toss-up, then 14, 16 and 13.
struct Arrays {
    features: Matrix,
    probabilities: Matrix,
}

impl Arrays {
    fn new() -> Self {
        let share = |row: usize| (row as f32 + 0.25) / ROWS as f32;
        let probabilities = (0..ROWS).flat_map(|row| [share(row), 1.0 - share(row)]).collect();
        let features = (0..ROWS).flat_map(|row| [row as f32, 1.0]).collect();
        Self { features: Matrix::new(features, ROWS, 2), probabilities: Matrix::new(probabilities, ROWS, 2) }
    }

    fn request(&self) -> Request<'_> {
        Request::new(&self.features).probabilities(&self.probabilities)
    }
}

fn refused(strategy: &str, request: Request<'_>) -> (SelectError, String) {
    let error = Selector::named(strategy).unwrap().select(request).unwrap_err();
    let hint = error.hint().unwrap_or_default();
    (error.downcast_ref::<SelectError>().unwrap_or_else(|| panic!("{error}")).clone(), hint)
}

#[test]
fn the_most_wanted_come_first_with_their_utilities() {
    let arrays = Arrays::new();
    let mut margin = Selector::named("margin").unwrap();
    let chosen = margin.select(arrays.request().batch(3)).unwrap();
    assert_eq!((chosen.picks.as_slice(), chosen.candidates, chosen.classes), (&[15, 14, 16][..], ROWS, 2));
    let utilities = chosen.utilities.unwrap();
    assert!(utilities.len() == 3 && utilities.is_sorted_by(|a, b| a > b), "{utilities:?}");
    let chosen = margin.select(arrays.request().batch(2).labelled(&[14, 15])).unwrap();
    assert_eq!(chosen.picks, [16, 13]);
    // Handed over or borrowed, in whatever order.
    let owned = Request::new(arrays.features.clone()).probabilities(arrays.probabilities.clone()).batch(3);
    assert_eq!(margin.select(owned).unwrap().picks, [15, 14, 16]);
    let chosen = Selector::named("k_center").unwrap().select(arrays.request().labelled(&[0])).unwrap();
    assert_eq!((chosen.picks.as_slice(), chosen.utilities), (&[29][..], None));
}

#[test]
fn fewer_than_asked_for_and_rounding_are_told() {
    let arrays = Arrays::new();
    let known: Vec<usize> = (2..ROWS).collect();
    let chosen =
        Selector::named("margin").unwrap().select(arrays.request().labelled(&known).batch(5)).unwrap();
    assert_eq!((chosen.picks.len(), chosen.note.as_deref()), (2, Some("5 asked for, 2 left")));
    let rounded = Matrix::new([0.66, 0.17, 0.16].repeat(ROWS), ROWS, 3);
    let (error, hint) = refused("entropy", Request::new(&arrays.features).probabilities(&rounded));
    assert!(matches!(error, SelectError::Rounded { row: 0, .. }), "{error}");
    assert!(hint.contains("normalised"), "{hint}");
    let request = Request::new(&arrays.features).probabilities(&rounded).normalised();
    let note = Selector::named("entropy").unwrap().select(request).unwrap().note.unwrap();
    assert!(note.starts_with("probabilities: rows divided by their sums"), "{note}");
}

#[test]
fn what_is_missing_is_named_with_the_way_to_give_it() {
    let arrays = Arrays::new();
    for (strategy, need, word) in [
        ("bald", Need::Passes, "`passes`"),
        ("ensemble(margin)", Need::Committee, "`committee`"),
        ("scaled(margin)", Need::Temperature, "`temperature`"),
        ("class_balanced(margin)", Need::Labels, "`labels`"),
        ("dynamic_al", Need::Network, "`head`"),
        ("greedy_oracle", Need::Episode, "experiment"),
        ("igs", Need::Episode, "experiment"),
        ("gsy", Need::Episode, "experiment"),
        ("llal", Need::PredictedLoss, "of your own"),
    ] {
        let request = arrays.request();
        let request = if strategy == "dynamic_al" { request.labelled(&[0]).labels(&[0]) } else { request };
        let (error, hint) = refused(strategy, request);
        assert!(
            matches!(error, SelectError::Needs { need: found, .. } if found == need),
            "{strategy}: {error}"
        );
        assert!(hint.contains(word), "{strategy}: {hint}");
    }
    let (error, _) = refused("margin", Request::new(&arrays.features));
    assert!(matches!(error, SelectError::Needs { need: Need::Probabilities, .. }), "{error}");
    // The number of classes is told by any of three.
    assert_eq!(Need::Classes.arguments().len(), 3);
}

/// A pool of NaN and probabilities that sum to two were once taken by the library, which left the checks to the command
/// line.
#[test]
fn arrays_that_do_not_fit_are_refused_with_place_and_numbers() {
    let arrays = Arrays::new();
    let spoilt = |at: usize, value: f32| {
        let mut p = arrays.probabilities.clone();
        p.values_mut()[at] = value;
        p
    };
    let told = |request: Request<'_>, text: &str| {
        let (error, _) = refused("margin", request);
        assert!(error.to_string().contains(text), "{error}, expected {text}");
    };
    let with = |p: Matrix| Request::new(&arrays.features).probabilities(p);
    told(with(spoilt(41, f32::NAN)), "probabilities: row 20, column 1 is NaN");
    told(with(spoilt(8, 1.5)), "row 4: the sum");
    told(with(spoilt(8, -0.5)), "row 4: the entry -0.5");
    told(with(Matrix::new(vec![0.5; 58], 29, 2)), "29 rows, but the pool has 30");
    told(with(Matrix::new(Vec::new(), 30, 0)), "nothing in it");
    told(arrays.request().labelled(&[3, 30]), "labelled: entry 1 is row 30, expected 0 to 29");
    told(arrays.request().labelled(&[3, 5, 3]), "entry 2: row 3 was named before");
    told(arrays.request().labelled(&[3, 5]).labels(&[0]), "labels: 1 classes for 2 labelled rows");
    told(arrays.request().labelled(&[3]).labels(&[7]), "labels: 8 classes, expected 2");
    told(arrays.request().labelled(&[3]).labels(&[u32::MAX]), "entry 0 is class 4294967295");
    told(arrays.request().classes(3), "probabilities: 2 classes, expected 3");
    told(arrays.request().classes(usize::MAX), "classes is 18446744073709551615, expected 1 to");
    told(arrays.request().temperature(0.0), "temperature is 0, expected a positive number");
    told(arrays.request().budget(9), "budget is for a policy");
    let all: Vec<usize> = (0..ROWS).collect();
    told(arrays.request().labelled(&all), "all 30 rows of the pool are labelled already");
    told(Request::new(MatrixView::new(&[], 0, 2)).probabilities(&arrays.probabilities), "features: nothing");
    let mut features = arrays.features.clone();
    features.values_mut()[5] = f32::INFINITY;
    let (error, _) = refused("k_center", Request::new(&features));
    assert_eq!(error.to_string(), "features: row 2, column 1 is inf, expected a finite number");
    // Nobody looks at them, so that nothing is wrong with them.
    Selector::named("random").unwrap().select(Request::new(&features)).unwrap();
    let (error, _) = refused("bald", arrays.request().passes([&arrays.probabilities, &Matrix::zeros(30, 3)]));
    assert!(matches!(error, SelectError::Probabilities { .. }), "{error}");
    let (error, _) = refused("drop_query", arrays.request().head(Matrix::zeros(2, 5), &[0.0; 2]));
    assert!(matches!(error, SelectError::Head { found: 5, expected: 2, .. }), "{error}");
    let (error, _) = refused("drop_query", arrays.request().head(Matrix::zeros(2, 2), &[0.0; 4]));
    assert!(matches!(error, SelectError::Head { found: 4, expected: 2, .. }), "{error}");
}

/// Errors speak the words of those who gave the arguments.
#[test]
fn callers_bring_their_own_words() {
    struct Columns;
    impl Words for Columns {
        fn argument(&self, argument: Argument) -> String {
            format!("column {}", argument.name())
        }
        fn give(&self, need: Need) -> String {
            format!("add a column with {need}")
        }
    }
    let arrays = Arrays::new();
    let (error, hint) = refused("margin", Request::new(&arrays.features).words(&Columns));
    assert!(matches!(error, SelectError::Needs { .. }));
    assert_eq!(hint, "add a column with class probabilities");
    let (error, hint) = refused("margin", arrays.request().classes(3).words(&Columns));
    assert!(error.to_string().starts_with("column probabilities: 2 classes"), "{error}");
    assert!(hint.contains("column classes"), "{hint}");
}

#[test]
fn a_policy_chooses_among_plain_arrays() {
    let arrays = Arrays::new();
    let mut policy = Selector::policy_named("universal").unwrap();
    assert_eq!(policy.needs(), [Need::Probabilities, Need::Labels]);
    let request = || arrays.request().labelled(&[0, 14]).labels(&[0, 1]).batch(4);
    let chosen = policy.select(request()).unwrap();
    assert_eq!(chosen.picks.len(), 4);
    assert!(chosen.picks.iter().all(|row| ![0, 14].contains(row)));
    assert_eq!(chosen.utilities.as_ref().map(Vec::len), Some(4));
    assert_eq!(policy.select(request()).unwrap().picks, chosen.picks);
    policy.select(request().budget(4)).unwrap();
    let refuse =
        |policy: &mut Selector, request: Request<'_>| -> Error { policy.select(request).unwrap_err() };
    let error = refuse(&mut policy, request().budget(3));
    assert!(matches!(error.downcast_ref(), Some(SelectError::Budget { found: 3, batch: 4, .. })), "{error}");
    let mut features = arrays.features.clone();
    features.values_mut()[0] = f32::NAN;
    let spoilt = Request::new(&features).probabilities(&arrays.probabilities).labelled(&[1]).labels(&[0]);
    let error = refuse(&mut policy, spoilt);
    assert!(
        matches!(error.downcast_ref(), Some(SelectError::NotFinite { row: 0, column: 0, .. })),
        "{error}"
    );
    assert!(Selector::policy_named("nobody").is_err());
}

#[test]
fn strategies_of_another_crate_select_by_their_names() {
    let arrays = Arrays::new();
    let registry = Registry::builtin().with(Entry::score::<Margin>("mine", "the margin")).unwrap();
    let mut mine = Selector::of(&registry, "mine").unwrap();
    assert_eq!(mine.select(arrays.request()).unwrap().picks, [15]);
    let error = Selector::named("mine").unwrap_err();
    assert!(matches!(error.downcast_ref(), Some(QueryError::Unknown { .. })), "{error}");
}
